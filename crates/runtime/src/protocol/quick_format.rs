//! Numbers in the formats that programs mostly use, without a detour through allocated text.

use smallvec::SmallVec;
use taipan_num::float::{self, Fixed};

use crate::types::int_methods::write_decimal;
use crate::types::str::Str;

/// Formatted text, all ASCII.
pub(crate) type Text = SmallVec<[u8; 64]>;

/// A specification of the form `[[fill]align][sign][#][0][width][,_][.precision][type]`, all ASCII.
#[derive(Clone, Copy)]
pub(crate) struct Quick {
    pub fill: u8,
    /// One of `<`, `>`, `^`; 0 if not given.
    pub align: u8,
    /// `+` or space; 0 for none before positive numbers.
    pub sign: u8,
    pub alternate: bool,
    /// Zeros between the sign and the digits fill the field.
    pub zero: bool,
    pub width: usize,
    /// Between thousands; 0 for nothing.
    pub group: u8,
    pub precision: Option<usize>,
    /// 0 if not given.
    pub kind: u8,
}

/// Largest precision that is quick.
const MAX_PRECISION: usize = 30;
/// Ints up to this are floats.
const EXACT: u64 = 1 << 53;

impl Quick {
    /// The specification; None if it is of another form.
    pub fn parse(spec: &Str) -> Option<Quick> {
        let mut s = spec.as_ascii()?.as_bytes();
        let mut q = Quick {
            fill: b' ',
            align: 0,
            sign: 0,
            alternate: false,
            zero: false,
            width: 0,
            group: 0,
            precision: None,
            kind: 0,
        };
        let is_align = |b: u8| matches!(b, b'<' | b'>' | b'^');
        if s.len() >= 2 && is_align(s[1]) {
            (q.fill, q.align) = (s[0], s[1]);
            s = &s[2..];
        } else if is_align(*s.first()?) {
            q.align = s[0];
            s = &s[1..];
        }
        if let Some(sign @ (b'+' | b'-' | b' ')) = s.first() {
            q.sign = if *sign == b'-' { 0 } else { *sign };
            if q.sign == 0 {
                // It is allowed for numbers only.
                return None;
            }
            s = &s[1..];
        }
        if s.first() == Some(&b'#') {
            q.alternate = true;
            s = &s[1..];
        }
        if s.first() == Some(&b'0') {
            if q.align != 0 {
                return None;
            }
            q.zero = true;
            s = &s[1..];
        }
        q.width = number(&mut s, 5)?.1;
        if let Some(group @ (b',' | b'_')) = s.first() {
            if q.zero {
                return None;
            }
            q.group = *group;
            s = &s[1..];
        }
        if s.first() == Some(&b'.') {
            s = &s[1..];
            let (digits, precision) = number(&mut s, 4)?;
            if digits == 0 {
                return None;
            }
            q.precision = Some(precision);
        }
        match s {
            [] => Some(q),
            [kind] => {
                q.kind = *kind;
                Some(q)
            }
            _ => None,
        }
    }

    /// Whether a str may be formatted by it.
    pub fn is_for_text(&self) -> bool {
        !self.zero && !self.alternate && self.sign == 0 && self.group == 0 && matches!(self.kind, 0 | b's')
    }

    /// Appends an int in its field; false, and nothing is appended, if that is not quick or an error.
    pub fn int(&self, i: i64, out: &mut Text) -> bool {
        if matches!(self.kind, b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%') {
            return i.unsigned_abs() <= EXACT && self.float(i as f64, out);
        }
        if self.precision.is_some() {
            return false;
        }
        let magnitude = i.unsigned_abs();
        match self.kind {
            0 | b'd' => {
                let mut buffer = [0; 20];
                let at = write_decimal(i, &mut buffer) + usize::from(i < 0);
                self.put(i < 0, "", &buffer[at..], out);
                return true;
            }
            _ if self.group != 0 => return false,
            _ => {}
        }
        let (bits, prefix, letters) = match self.kind {
            b'x' => (4, "0x", b'a'),
            b'X' => (4, "0X", b'A'),
            b'o' => (3, "0o", b'a'),
            b'b' => (1, "0b", b'a'),
            _ => return false,
        };
        let (mut buffer, mut at, mut rest) = ([0; 64], 64, magnitude);
        loop {
            let digit = (rest & ((1 << bits) - 1)) as u8;
            at -= 1;
            buffer[at] = if digit < 10 { b'0' + digit } else { letters + digit - 10 };
            rest >>= bits;
            if rest == 0 {
                break;
            }
        }
        self.put(i < 0, if self.alternate { prefix } else { "" }, &buffer[at..], out);
        true
    }

    /// As [`Quick::int`] for a float.
    pub fn float(&self, x: f64, out: &mut Text) -> bool {
        if !x.is_finite() || self.precision.is_some_and(|p| p > MAX_PRECISION) {
            return false;
        }
        let (negative, size) = (x.is_sign_negative(), x.abs());
        let precision = self.precision.unwrap_or(6);
        let flags = float::Flags { alternate: self.alternate, ..float::Flags::default() };
        match self.kind {
            0 if self.precision.is_none() && !self.alternate => {
                self.put(negative, "", float::repr(size).as_bytes(), out);
            }
            b'e' | b'E' | b'g' | b'G' => {
                let text = float::format(size, char::from(self.kind), precision, flags);
                self.put(negative, "", text.as_bytes(), out);
            }
            b'f' | b'F' | b'%' => {
                let percent = self.kind == b'%';
                let size = if percent { size * 100.0 } else { size };
                match Fixed::new(size, precision).filter(|_| !self.alternate && !percent) {
                    Some(fixed) => self.put(negative, "", fixed.as_bytes(), out),
                    None if size < 1e30 => {
                        let mut text = match Fixed::new(size, precision).filter(|_| !self.alternate) {
                            Some(fixed) => Text::from_slice(fixed.as_bytes()),
                            None => Text::from_slice(float::format(size, 'f', precision, flags).as_bytes()),
                        };
                        if percent {
                            text.push(b'%');
                        }
                        self.put(negative, "", &text, out);
                    }
                    None => return false,
                }
            }
            _ => return false,
        }
        true
    }

    /// Appends sign, prefix and digits in their field.
    fn put(&self, negative: bool, prefix: &str, digits: &[u8], out: &mut Text) {
        let sign = if negative { b'-' } else { self.sign };
        let whole = digits.iter().take_while(|d| d.is_ascii_digit()).count();
        let separators = if self.group == 0 { 0 } else { whole.saturating_sub(1) / 3 };
        let len = usize::from(sign != 0) + prefix.len() + digits.len() + separators;
        let pad = self.width.saturating_sub(len);
        let (left, inner, right) = match self.align {
            _ if self.zero => (0, pad, 0),
            b'<' => (0, 0, pad),
            b'^' => (pad / 2, 0, pad - pad / 2),
            _ => (pad, 0, 0),
        };
        let fill = |n: usize, with: u8, out: &mut Text| out.resize(out.len() + n, with);
        fill(left, self.fill, out);
        if sign != 0 {
            out.push(sign);
        }
        out.extend_from_slice(prefix.as_bytes());
        fill(inner, b'0', out);
        if separators == 0 {
            out.extend_from_slice(digits);
        } else {
            for (i, digit) in digits[..whole].iter().enumerate() {
                if i > 0 && (whole - i) % 3 == 0 {
                    out.push(self.group);
                }
                out.push(*digit);
            }
            out.extend_from_slice(&digits[whole..]);
        }
        fill(right, self.fill, out);
    }
}

/// The number that `s` begins with, and of how many digits it is; they are taken off. None if there are more than `most`.
fn number(s: &mut &[u8], most: usize) -> Option<(usize, usize)> {
    let n = s.iter().take_while(|b| b.is_ascii_digit()).count();
    if n > most {
        return None;
    }
    let value = s[..n].iter().fold(0, |v, d| v * 10 + usize::from(d - b'0'));
    *s = &s[n..];
    Some((n, value))
}
