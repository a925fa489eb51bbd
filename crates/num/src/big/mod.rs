//! Arbitrary-precision integers as sign and magnitude.
//!
//! A magnitude is a little-endian slice of 30-bit digits without leading (most significant) zero
//! digits, so zero is the empty slice. A number is `(neg, mag)`; `neg` is `false` for zero.
//! Results go to a caller's `Vec<u32>`, which is cleared first, and the sign is returned.

mod arith;
mod bits;
mod bytes;
mod convert;
mod div;
mod parse;
mod pow;
mod radix;

pub use arith::{add, mul, sub};
pub use bits::{and, bit_count, bit_length, not, or, shl, shr, trailing_zeros, xor};
pub use bytes::{BytesError, from_bytes, to_bytes};
pub(crate) use convert::compose_f64;
pub use convert::{from_f64, from_i64, from_i128, from_u64, from_u128, hash, to_f64, to_i64, to_i128, to_u64, to_u128};
pub use div::{divmod, divmod_small, floor_div, rem, true_div};
pub use parse::{LiteralError, parse_literal};
pub use pow::{PowError, gcd, isqrt, mod_inverse, pow, pow_mod};
pub use radix::{from_decimal, from_radix, to_decimal, to_radix};

use num_bigint::BigUint;
use std::cmp::Ordering;

/// A magnitude: little-endian 30-bit digits, most significant digit non-zero.
pub type Digits = [u32];

/// Bits in one digit.
pub const SHIFT: u32 = 30;
/// Mask of one digit.
pub const MASK: u32 = (1 << SHIFT) - 1;

/// Removes most significant zero digits.
#[inline]
pub fn normalize(out: &mut Vec<u32>) {
    while out.last() == Some(&0) {
        out.pop();
    }
}

/// Compares two magnitudes.
#[inline]
pub fn cmp_mag(a: &Digits, b: &Digits) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// Compares two numbers.
pub fn cmp(an: bool, a: &Digits, bn: bool, b: &Digits) -> Ordering {
    match (an, bn) {
        (false, false) => cmp_mag(a, b),
        (true, true) => cmp_mag(b, a),
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
    }
}

/// Repacks a magnitude for num-bigint, which serves the operations that are better than quadratic.
fn to_biguint(mag: &Digits) -> BigUint {
    let mut words = Vec::with_capacity(mag.len() * 30 / 32 + 1);
    let (mut acc, mut bits) = (0u64, 0);
    for &d in mag {
        acc |= u64::from(d) << bits;
        bits += SHIFT;
        if bits >= 32 {
            words.push(acc as u32);
            acc >>= 32;
            bits -= 32;
        }
    }
    if acc != 0 {
        words.push(acc as u32);
    }
    BigUint::new(words)
}

/// Inverse of [`to_biguint`]; replaces the contents of `out`.
fn from_biguint(n: &BigUint, out: &mut Vec<u32>) {
    out.clear();
    out.reserve(n.bits() as usize / 30 + 1);
    let (mut acc, mut bits) = (0u128, 0);
    for w in n.iter_u64_digits() {
        acc |= u128::from(w) << bits;
        bits += 64;
        while bits >= SHIFT {
            out.push(acc as u32 & MASK);
            acc >>= SHIFT;
            bits -= SHIFT;
        }
    }
    if acc != 0 {
        out.push(acc as u32);
    }
    normalize(out);
}

#[cfg(test)]
mod tests;
