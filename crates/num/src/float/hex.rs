//! `float.hex` and `float.fromhex`.

use crate::big::compose_f64;

/// Why a hexadecimal text is not a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// ValueError: "invalid hexadecimal floating-point string"
    Invalid,
    /// OverflowError: "hexadecimal value too large to represent as a float"
    Overflow,
}

/// `x.hex()`.
pub fn to_hex(x: f64) -> String {
    if !x.is_finite() {
        return super::repr(x);
    }
    let bits = x.to_bits();
    let (raw, frac) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let sign = if x.is_sign_negative() { "-" } else { "" };
    let exp = raw.max(1) as i64 - 1023;
    match (raw, frac) {
        (0, 0) => format!("{sign}0x0.0p+0"),
        _ => format!("{sign}0x{}.{frac:013x}p{exp:+}", u8::from(raw != 0)),
    }
}

/// `float.fromhex(text)`; surrounding whitespace is skipped.
pub fn from_hex(text: &[u8]) -> Result<f64, HexError> {
    let space = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let mut s = text;
    while let [c, rest @ ..] = s
        && space(c)
    {
        s = rest;
    }
    while let [rest @ .., c] = s
        && space(c)
    {
        s = rest;
    }
    let (neg, s) = match s {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, s),
    };
    let word = |w: &[u8]| s.eq_ignore_ascii_case(w);
    let v = if word(b"inf") || word(b"infinity") {
        f64::INFINITY
    } else if word(b"nan") {
        f64::NAN
    } else {
        parse_body(s)?
    };
    Ok(if neg { -v } else { v })
}

fn parse_body(s: &[u8]) -> Result<f64, HexError> {
    let s = match s {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => s,
    };
    let (mut mant, mut sticky, mut seen, mut point) = (0u64, false, 0usize, None);
    // Exponent of the last digit kept in `mant`, in bits.
    let mut exp = 0i64;
    let mut i = 0;
    while let Some(&c) = s.get(i) {
        if c == b'.' && point.is_none() {
            point = Some(seen);
        } else if let Some(d) = char::from(c).to_digit(16) {
            seen += 1;
            if mant >> 60 == 0 {
                mant = mant << 4 | u64::from(d);
                exp -= if point.is_some() { 4 } else { 0 };
            } else {
                sticky |= d != 0;
                exp += if point.is_some() { 0 } else { 4 };
            }
        } else {
            break;
        }
        i += 1;
    }
    if seen == 0 {
        return Err(HexError::Invalid);
    }
    if let Some(b'p' | b'P') = s.get(i) {
        let text = std::str::from_utf8(&s[i + 1..]).map_err(|_| HexError::Invalid)?;
        exp = exp.saturating_add(parse_exp(text)?);
        i = s.len();
    }
    if i != s.len() {
        return Err(HexError::Invalid);
    }
    compose_f64(mant, sticky, exp).ok_or(HexError::Overflow)
}

fn parse_exp(text: &str) -> Result<i64, HexError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(HexError::Invalid);
    }
    let limit = if text.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
    Ok(text.parse().map_or(limit, |v: i64| v.clamp(i64::MIN / 2, i64::MAX / 2)))
}
