//! Conversions to and from machine numbers, and CPython's hash.

use super::{Digits, MASK, SHIFT, bit_length};

/// Stores an unsigned machine integer.
#[inline]
pub fn from_u64(v: u64, out: &mut Vec<u32>) {
    out.clear();
    let mut v = v;
    while v != 0 {
        out.push(v as u32 & MASK);
        v >>= SHIFT;
    }
}

/// Stores an unsigned machine integer.
#[inline]
pub fn from_u128(v: u128, out: &mut Vec<u32>) {
    out.clear();
    let mut v = v;
    while v != 0 {
        out.push(v as u32 & MASK);
        v >>= SHIFT;
    }
}

/// Stores a signed machine integer; returns its sign.
#[inline]
pub fn from_i64(v: i64, out: &mut Vec<u32>) -> bool {
    from_u64(v.unsigned_abs(), out);
    v < 0
}

/// Stores a signed machine integer; returns its sign.
#[inline]
pub fn from_i128(v: i128, out: &mut Vec<u32>) -> bool {
    from_u128(v.unsigned_abs(), out);
    v < 0
}

/// The magnitude as `u64`, if it fits.
#[inline]
pub fn to_u64(mag: &Digits) -> Option<u64> {
    match *mag {
        [] => Some(0),
        [a] => Some(u64::from(a)),
        [a, b] => Some(u64::from(a) | u64::from(b) << SHIFT),
        [a, b, c] if c < 16 => Some(u64::from(a) | u64::from(b) << SHIFT | u64::from(c) << (2 * SHIFT)),
        _ => None,
    }
}

/// The magnitude as `u128`, if it fits.
pub fn to_u128(mag: &Digits) -> Option<u128> {
    (bit_length(mag) <= 128).then(|| mag.iter().rev().fold(0, |acc, &d| acc << SHIFT | u128::from(d)))
}

/// The number as `i64`, if it fits.
#[inline]
pub fn to_i64(neg: bool, mag: &Digits) -> Option<i64> {
    let v = to_u64(mag)?;
    if neg { 0i64.checked_sub_unsigned(v) } else { i64::try_from(v).ok() }
}

/// The number as `i128`, if it fits.
pub fn to_i128(neg: bool, mag: &Digits) -> Option<i128> {
    let v = to_u128(mag)?;
    if neg { 0i128.checked_sub_unsigned(v) } else { i128::try_from(v).ok() }
}

/// `m * 2**exp` rounded half to even; `sticky` says that further non-zero bits follow `m`, which
/// must then have more than 54 bits. `None` on overflow.
pub(crate) fn compose_f64(m: u64, sticky: bool, exp: i64) -> Option<f64> {
    if m == 0 {
        return Some(0.0);
    }
    let top = exp.saturating_add(63 - i64::from(m.leading_zeros()));
    if top > 1023 {
        return None;
    }
    // Exponent of the last bit of the result; subnormals stop at -1074.
    let lsb = (top - 52).max(-1074);
    let drop = lsb - exp;
    let mant = if drop <= 0 {
        m << -drop
    } else if drop > 64 {
        0
    } else {
        let wide = u128::from(m);
        let half = 1u128 << (drop - 1);
        let rem = wide & ((1u128 << drop) - 1);
        let q = (wide >> drop) as u64;
        q + u64::from(rem > half || rem == half && (sticky || q & 1 == 1))
    };
    // The hidden bit of `mant` adds itself to the exponent field, as does a carry from rounding.
    let value = f64::from_bits((((lsb + 1074) as u64) << 52) + mant);
    value.is_finite().then_some(value)
}

/// The top 64 bits of a magnitude, whether any bit below is set, and the exponent of the lowest of
/// those bits.
pub(super) fn top_bits(mag: &Digits) -> (u64, bool, i64) {
    if let Some(v) = to_u64(mag) {
        return (v, false, 0);
    }
    let shift = bit_length(mag) - 64;
    let (skip, bits) = ((shift / u64::from(SHIFT)) as usize, (shift % u64::from(SHIFT)) as u32);
    let wide = mag[skip..].iter().rev().fold(0u128, |acc, &d| acc << SHIFT | u128::from(d));
    let sticky = wide & ((1 << bits) - 1) != 0 || mag[..skip].iter().any(|&d| d != 0);
    ((wide >> bits) as u64, sticky, shift as i64)
}

/// The number as the nearest float, ties to even; `None` on overflow.
pub fn to_f64(neg: bool, mag: &Digits) -> Option<f64> {
    let (m, sticky, exp) = top_bits(mag);
    let v = compose_f64(m, sticky, exp)?;
    Some(if neg { -v } else { v })
}

/// The integer part of a float; `None` for infinities and NaN.
pub fn from_f64(v: f64, out: &mut Vec<u32>) -> Option<bool> {
    if !v.is_finite() {
        return None;
    }
    let t = v.abs().trunc();
    if t < 18446744073709551616.0 {
        from_u64(t as u64, out);
    } else {
        let bits = t.to_bits();
        let exp = (bits >> 52) as usize - 1075;
        let mut m = Vec::new();
        from_u64(bits & ((1 << 52) - 1) | 1 << 52, &mut m);
        super::shl(false, &m, exp, out);
    }
    Some(v < 0.0 && !out.is_empty())
}

/// Modulus of CPython's numeric hash.
const HASH_P: u64 = (1 << 61) - 1;

/// The magnitude modulo 2**61 - 1.
fn hash_mod_p(mag: &Digits) -> u64 {
    mag.iter().rev().fold(0u64, |x, &d| {
        // Multiplying by 2**30 modulo 2**61 - 1 is a rotation of the 61 bits.
        let x = ((x << SHIFT) & HASH_P | x >> (61 - SHIFT)) + u64::from(d);
        if x >= HASH_P { x - HASH_P } else { x }
    })
}

/// CPython's `hash(int)`.
pub fn hash(neg: bool, mag: &Digits) -> i64 {
    let x = hash_mod_p(mag) as i64;
    let x = if neg { -x } else { x };
    if x == -1 { -2 } else { x }
}
