//! Numbers from and to text.

use crate::limbs;
use crate::{Context, Dec, Kind, MAX_DIGITS, Num, Status, status};

/// Exponents beyond any context, far from overflow in later sums.
const FAR: i64 = 4_000_000_000_000_000_000;

impl Dec {
    /// The number in `text`: an optional sign, digits with a point, an exponent; or an infinity or a NaN. ASCII only,
    /// without spaces and underscores.
    pub fn parse(text: &[u8]) -> Option<Dec> {
        let (neg, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        match rest.first()? {
            b'0'..=b'9' | b'.' => parse_finite(neg, rest),
            _ => parse_special(neg, rest),
        }
    }

    /// A number from its text, fitted into the context.
    pub fn from_text(text: &[u8], cx: &Context, st: &mut Status) -> Dec {
        match Dec::parse(text) {
            Some(nan) if nan.num().is_nan() => {
                if nan.num().digits() > cx.prec - i64::from(cx.clamp) && !nan.coef.is_empty() {
                    return Dec::invalid(status::CONVERSION_SYNTAX, st);
                }
                nan
            }
            Some(dec) => dec.finish(cx, st),
            None => Dec::invalid(status::CONVERSION_SYNTAX, st),
        }
    }

    /// A number exactly; what no context can hold is invalid.
    pub fn exact(self, st: &mut Status) -> Dec {
        // What is far from all limits needs no look at them.
        const NEAR: std::ops::Range<i64> = -1_000_000..1_000_000;
        if self.kind == Kind::Finite && self.coef.len() <= 1 && NEAR.contains(&self.exp) {
            return self;
        }
        let mut conditions = 0;
        let result = self.finish(&Context::MAX, &mut conditions);
        if conditions & (status::INEXACT | status::ROUNDED | status::CLAMPED) != 0 {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        *st |= conditions & status::ERRORS;
        result
    }
}

fn parse_special(neg: bool, text: &[u8]) -> Option<Dec> {
    let is = |text: &[u8], name: &str| text.eq_ignore_ascii_case(name.as_bytes());
    if is(text, "inf") || is(text, "infinity") {
        return Some(Dec::infinity(neg));
    }
    let (kind, skip) = match text {
        [b's' | b'S', ..] => (Kind::Signaling, 4),
        _ => (Kind::Quiet, 3),
    };
    let payload = text.get(skip..)?;
    if !is(&text[skip - 3..skip], "nan") || !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Dec { neg, kind, exp: 0, coef: limbs::from_digits(payload) })
}

fn parse_finite(neg: bool, text: &[u8]) -> Option<Dec> {
    let end = text.iter().position(|c| matches!(c, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(end);
    let exp = match exponent {
        [] => 0,
        [_, rest @ ..] => parse_exponent(rest)?,
    };
    let point = mantissa.iter().position(|c| *c == b'.');
    let (coef, behind) = match point {
        None => {
            if !mantissa.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (limbs::from_digits(mantissa), 0)
        }
        Some(at) => {
            let (whole, fraction) = (&mantissa[..at], &mantissa[at + 1..]);
            let valid = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
            if mantissa.len() == 1 || !valid(whole) || !valid(fraction) {
                return None;
            }
            let mut buffer = [0u8; 64];
            let coef = if mantissa.len() <= 64 {
                buffer[..at].copy_from_slice(whole);
                buffer[at..mantissa.len() - 1].copy_from_slice(fraction);
                limbs::from_digits(&buffer[..mantissa.len() - 1])
            } else {
                limbs::from_digits(&[whole, fraction].concat())
            };
            (coef, fraction.len() as i64)
        }
    };
    Some(Dec::finite(neg, coef, exp - behind))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (neg, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0'))).min(FAR);
    Some(if neg { -size } else { size })
}

impl Num<'_> {
    /// In scientific notation, or with `engineering` with exponents that are multiples of 3.
    pub fn to_text(self, engineering: bool, capitals: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.coef.len() * 19 + 16);
        if self.neg {
            out.push(b'-');
        }
        if self.is_special() {
            self.push_special(&mut out);
            return out;
        }
        let start = out.len();
        limbs::push_digits(self.coef, &mut out);
        let digits = (out.len() - start) as i64;
        let left = self.exp + digits;
        let point = if self.exp <= 0 && left > -6 {
            left
        } else if !engineering {
            1
        } else if self.coef.is_empty() {
            (left + 1).rem_euclid(3) - 1
        } else {
            (left - 1).rem_euclid(3) + 1
        };
        place_point(&mut out, start, point);
        if left != point {
            out.push(if capitals { b'E' } else { b'e' });
            push_exponent(left - point, &mut out);
        }
        out
    }

    /// `Infinity`, `NaN123`, ..., without a sign.
    pub(crate) fn push_special(self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Infinite => out.extend_from_slice(b"Infinity"),
            kind => {
                out.extend_from_slice(if kind == Kind::Signaling { b"sNaN" } else { b"NaN" });
                if !self.coef.is_empty() {
                    limbs::push_digits(self.coef, out);
                }
            }
        }
    }

    /// The digits of an integer, for numbers that are one; None if there are too many.
    pub fn integer_digits(self) -> Option<Vec<u8>> {
        if self.exp > MAX_DIGITS {
            return None;
        }
        let mut out = Vec::new();
        limbs::push_digits(self.coef, &mut out);
        if !self.coef.is_empty() && self.exp > 0 {
            out.resize(out.len() + self.exp as usize, b'0');
        }
        Some(out)
    }
}

pub(crate) fn push_exponent(n: i64, out: &mut Vec<u8>) {
    out.push(if n < 0 { b'-' } else { b'+' });
    limbs::push_digits(&limbs::from_u128(n.unsigned_abs() as u128), out);
}

/// Puts a point before digit number `point` of the digits from `start` on; zeros fill the gap.
pub(crate) fn place_point(out: &mut Vec<u8>, start: usize, point: i64) {
    let digits = (out.len() - start) as i64;
    if point <= 0 {
        let zeros = std::iter::repeat_n(b'0', -point as usize);
        out.splice(start..start, b"0.".iter().copied().chain(zeros));
    } else if point >= digits {
        out.resize(out.len() + (point - digits) as usize, b'0');
    } else {
        out.insert(start + point as usize, b'.');
    }
}
