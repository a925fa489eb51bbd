//! Decimal text of a float, in CPython's styles.

use smallvec::SmallVec;

use super::exact;

/// ASCII digits; most results need no allocation.
pub(crate) type DigitText = SmallVec<[u8; 36]>;

/// Decimal digits of a finite positive float: `0.d1d2d3... * 10**point`. Zero is "0" with point 1.
pub(crate) struct Decimal {
    pub digits: DigitText,
    pub point: i32,
}

/// Style flags of [`format`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// '#': keep the decimal point and, for `g`, trailing zeros.
    pub alternate: bool,
    /// Add ".0" to a result that looks like an integer.
    pub add_dot_0: bool,
    /// Always write a sign.
    pub sign: bool,
    /// Write a zero result without its minus sign.
    pub no_neg_0: bool,
}

/// No double has more significant digits than this, nor (with room to spare) more decimals.
const MAX_EXACT: usize = 1100;

/// Splits text such as "1.25e-7" into digits and decimal point.
fn split(text: &str) -> Decimal {
    let (mantissa, exp) = match text.split_once('e') {
        Some((m, e)) => (m, e.parse::<i32>().expect("formatted exponents are numbers")),
        None => (text, 0),
    };
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: DigitText = int.bytes().chain(frac.bytes()).collect();
    let zeros = digits.iter().take_while(|&&c| c == b'0').count();
    if zeros == digits.len() {
        return Decimal::zero();
    }
    let point = int.len() as i32 + exp - zeros as i32;
    digits.drain(..zeros);
    Decimal { digits, point }
}

impl Decimal {
    pub(crate) fn zero() -> Decimal {
        Decimal { digits: SmallVec::from_slice(b"0"), point: 1 }
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|&digit| digit == b'0')
    }
}

fn trim(mut d: Decimal) -> Decimal {
    while d.digits.len() > 1 && d.digits.last() == Some(&b'0') {
        d.digits.pop();
    }
    d
}

/// Shortest digits that read back as `x`.
fn shortest(x: f64) -> Decimal {
    let mut buffer = zmij::Buffer::new();
    trim(split(buffer.format_finite(x)))
}

/// `count` (at least 1) significant digits, correctly rounded; trailing zeros removed.
pub(crate) fn significant(x: f64, count: usize) -> Decimal {
    match exact::significant(x, count) {
        Some(decimal) => trim(decimal),
        None => trim(split(&format!("{:.*e}", count.min(MAX_EXACT) - 1, x))),
    }
}

/// Digits down to `decimals` places after the point, correctly rounded; trailing zeros removed.
fn fixed(x: f64, decimals: usize) -> Decimal {
    match exact::fixed(x, decimals) {
        Some(decimal) => trim(decimal),
        None => trim(split(&format!("{:.*}", decimals.min(MAX_EXACT), x))),
    }
}

/// `repr(x)`.
pub fn repr(x: f64) -> String {
    let mut s = String::with_capacity(24);
    repr_to(x, &mut s);
    s
}

/// Appends `repr(x)`.
pub fn repr_to(x: f64, out: &mut String) {
    // Small whole numbers need no digit generation at all.
    if x.abs() < 1e15 && x == x.trunc() && (x != 0.0 || x.is_sign_positive()) {
        use std::fmt::Write;
        let _ = write!(out, "{}.0", x as i64);
        return;
    }
    out.push_str(&format(x, 'r', 0, Flags { add_dot_0: true, ..Flags::default() }));
}

/// Formats like CPython's `PyOS_double_to_string`: `code` is one of e E f F g G r (r: shortest,
/// ignores `precision`).
pub fn format(x: f64, code: char, precision: usize, flags: Flags) -> String {
    let mut out = String::with_capacity(32);
    if x.is_finite() {
        format_finite(x, code, precision, flags, &mut out);
    } else {
        push_sign(x < 0.0, flags, &mut out);
        out.push_str(if x.is_nan() { "nan" } else { "inf" });
    }
    if code.is_ascii_uppercase() {
        out.make_ascii_uppercase();
    }
    out
}

/// The text of a number with a fixed number of decimals.
pub struct Fixed {
    buffer: [u8; 40],
    start: usize,
}

impl Fixed {
    /// `x`, finite, without its sign, rounded to `decimals` places; None where that is not done by simple means.
    pub fn new(x: f64, decimals: usize) -> Option<Fixed> {
        let mut n = exact::scaled_small(x, decimals)?;
        let mut fixed = Fixed { buffer: [b'0'; 40], start: 40 };
        let mut push = |digit: u8| {
            fixed.start -= 1;
            fixed.buffer[fixed.start] = digit;
        };
        for _ in 0..decimals {
            push(b'0' + (n % 10) as u8);
            n /= 10;
        }
        if decimals > 0 {
            push(b'.');
        }
        loop {
            push(b'0' + (n % 10) as u8);
            n /= 10;
            if n == 0 {
                return Some(fixed);
            }
        }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

fn push_sign(minus: bool, flags: Flags, out: &mut String) {
    if minus {
        out.push('-');
    } else if flags.sign {
        out.push('+');
    }
}

fn format_finite(signed: f64, code: char, precision: usize, flags: Flags, out: &mut String) {
    let x = signed.abs();
    let precision_i = i64::try_from(precision).unwrap_or(i64::MAX / 2);
    let (dec, mut end) = match code.to_ascii_lowercase() {
        'e' => (significant(x, precision.saturating_add(1)), precision_i + 1),
        'f' => {
            let d = fixed(x, precision);
            let end = i64::from(d.point) + precision_i;
            (d, end)
        }
        'r' => {
            let d = shortest(x);
            let end = d.digits.len() as i64;
            (d, end)
        }
        _ => {
            let d = significant(x, precision.max(1));
            let end = if flags.alternate { precision_i.max(1) } else { d.digits.len() as i64 };
            (d, end)
        }
    };
    push_sign(signed.is_sign_negative() && !(flags.no_neg_0 && dec.is_zero()), flags, out);
    let mut point = i64::from(dec.point);
    let use_exp = match code.to_ascii_lowercase() {
        'e' => true,
        'f' => false,
        'r' => point <= -4 || point > 16,
        _ => point <= -4 || point > precision_i.max(1) - i64::from(flags.add_dot_0),
    };
    let exp = point - 1;
    if use_exp {
        point = 1;
    } else {
        end = end.max(if flags.add_dot_0 { point + 1 } else { point });
    }
    write_digits(&dec.digits, point, end, use_exp.then_some(exp), flags.alternate, out);
}

/// Appends the digits from position `start` to `end` (exclusive); where there are none, zeros.
fn push_range(digits: &[u8], start: i64, end: i64, out: &mut String) {
    let zeros = |count: i64, out: &mut String| out.extend(std::iter::repeat_n('0', count.max(0) as usize));
    zeros(end.min(0) - start, out);
    let clamp = |at: i64| at.clamp(0, digits.len() as i64) as usize;
    let known = digits.get(clamp(start)..clamp(end)).unwrap_or(&[]);
    out.extend(known.iter().map(|&digit| char::from(digit)));
    zeros(end - start.max(digits.len() as i64), out);
}

/// Lays digits out so that the text runs to digit position `end` (exclusive).
fn write_digits(digits: &[u8], point: i64, end: i64, exp: Option<i64>, alternate: bool, out: &mut String) {
    if point <= 0 {
        out.push('0');
    }
    push_range(digits, 0, point, out);
    if end > point || alternate {
        out.push('.');
        push_range(digits, point, end, out);
    }
    if let Some(e) = exp {
        out.push_str(if e < 0 { "e-" } else { "e+" });
        let e = e.unsigned_abs();
        if e >= 100 {
            out.push(char::from(b'0' + (e / 100) as u8));
        }
        out.push(char::from(b'0' + (e / 10 % 10) as u8));
        out.push(char::from(b'0' + (e % 10) as u8));
    }
}
