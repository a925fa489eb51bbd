//! Conversion to and from text in bases 2 to 36.

use super::{Digits, SHIFT, bit_length, from_biguint, from_u64, normalize, to_biguint};
use num_bigint::BigUint;
use num_integer::Integer;

/// Magnitudes above this many digits are converted by divide and conquer.
const BIG_TO: usize = 150;
/// Texts above this many characters are converted by divide and conquer.
const BIG_FROM: usize = 1500;
const SYMBOLS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Appends the decimal digits of a magnitude ("0" for zero).
pub fn to_decimal(mag: &Digits, out: &mut String) {
    to_radix(mag, 10, out);
}

/// Appends the digits of a magnitude in `base` (2 to 36, lower case; "0" for zero).
pub fn to_radix(mag: &Digits, base: u32, out: &mut String) {
    assert!((2..=36).contains(&base));
    if mag.is_empty() {
        out.push('0');
    } else if base.is_power_of_two() {
        power_of_two(mag, base.trailing_zeros(), out);
    } else if let (10, Some(v)) = (base, super::to_u64(mag)) {
        use std::fmt::Write;
        let _ = write!(out, "{v}");
    } else {
        let (chunk, width) = chunk_of(base);
        let mut groups = Vec::new();
        if mag.len() <= BIG_TO {
            school_groups(mag, chunk, &mut groups);
        } else {
            let n = to_biguint(mag);
            let mut powers = vec![BigUint::from(chunk)];
            while powers[powers.len() - 1].bits() * 2 <= n.bits() + 1 {
                let p = &powers[powers.len() - 1];
                powers.push(p * p);
            }
            split_groups(n, &powers, chunk, None, &mut groups);
            normalize(&mut groups);
        }
        write_groups(&groups, base, width, out);
    }
}

/// Largest power of `base` that fits a digit, and its exponent.
fn chunk_of(base: u32) -> (u32, usize) {
    let (mut chunk, mut width) = (base, 1);
    while u64::from(chunk) * u64::from(base) < 1 << SHIFT {
        chunk *= base;
        width += 1;
    }
    (chunk, width)
}

fn power_of_two(mag: &Digits, bits: u32, out: &mut String) {
    let total = bit_length(mag);
    let count = total.div_ceil(u64::from(bits));
    out.reserve(count as usize);
    for i in (0..count).rev() {
        let at = i * u64::from(bits);
        let (d, b) = ((at / 30) as usize, (at % 30) as u32);
        let wide = u64::from(mag[d]) | u64::from(mag.get(d + 1).copied().unwrap_or(0)) << SHIFT;
        out.push(char::from(SYMBOLS[(wide >> b) as usize & ((1 << bits) - 1)]));
    }
}

/// Base conversion by repeated multiplication; `groups` become little-endian digits of base `chunk`.
fn school_groups(mag: &Digits, chunk: u32, groups: &mut Vec<u32>) {
    // A constant divisor becomes a multiplication, so the common base gets its own instance.
    if chunk == 1_000_000_000 {
        school_loop(mag, groups, |t| ((t % 1_000_000_000) as u32, t / 1_000_000_000));
    } else {
        let c = u64::from(chunk);
        school_loop(mag, groups, |t| ((t % c) as u32, t / c));
    }
}

#[inline(always)]
fn school_loop(mag: &Digits, groups: &mut Vec<u32>, split: impl Fn(u64) -> (u32, u64)) {
    groups.reserve(mag.len() * 11 / 10 + 1);
    for &d in mag.iter().rev() {
        let mut carry = u64::from(d);
        for g in groups.iter_mut() {
            (*g, carry) = split(u64::from(*g) << SHIFT | carry);
        }
        while carry != 0 {
            let (g, rest) = split(carry);
            groups.push(g);
            carry = rest;
        }
    }
}

/// Appends the groups of `n`, padded to `pad` groups if given.
fn split_groups(n: BigUint, powers: &[BigUint], chunk: u32, pad: Option<usize>, groups: &mut Vec<u32>) {
    let start = groups.len();
    if n.bits() <= (BIG_TO as u64) * 30 || powers.is_empty() {
        let mut mag = Vec::new();
        from_biguint(&n, &mut mag);
        let mut low = Vec::new();
        school_groups(&mag, chunk, &mut low);
        groups.append(&mut low);
    } else {
        let k = powers.len() - 1;
        let (hi, lo) = n.div_rem(&powers[k]);
        split_groups(lo, &powers[..k], chunk, Some(1 << k), groups);
        let more = if hi.bits() > powers[k].bits() { powers } else { &powers[..k] };
        split_groups(hi, more, chunk, None, groups);
    }
    if let Some(pad) = pad {
        groups.resize(start + pad, 0);
    }
}

fn write_groups(groups: &[u32], base: u32, width: usize, out: &mut String) {
    let mut text = vec![b'0'; groups.len() * width];
    for (slot, &g) in text.chunks_exact_mut(width).rev().zip(groups) {
        let mut g = g;
        for c in slot.iter_mut().rev() {
            *c = SYMBOLS[(g % base) as usize];
            g /= base;
        }
    }
    let first = text.iter().position(|&c| c != b'0').unwrap_or(text.len() - 1);
    out.push_str(std::str::from_utf8(&text[first..]).expect("digits are ASCII"));
}

/// Parses decimal digits (nothing else: no sign, no underscore). `false` if one is not a digit.
pub fn from_decimal(text: &[u8], out: &mut Vec<u32>) -> bool {
    from_radix(text, 10, out)
}

/// Parses digits of `base`, upper or lower case. `false` if one is not a digit of the base.
pub fn from_radix(text: &[u8], base: u32, out: &mut Vec<u32>) -> bool {
    assert!((2..=36).contains(&base));
    out.clear();
    if !text.iter().all(|&c| char::from(c).is_digit(base)) {
        return false;
    }
    if base.is_power_of_two() {
        from_power_of_two(text, base, out);
    } else if text.len() <= 18 && base == 10 {
        from_u64(text.iter().fold(0, |acc, &c| acc * 10 + u64::from(c - b'0')), out);
    } else if text.len() <= BIG_FROM {
        school_parse(text, base, out);
    } else {
        let (_, width) = chunk_of(base);
        let mut powers = vec![BigUint::from(base).pow(width as u32)];
        while (width << powers.len()) < text.len() {
            let p = &powers[powers.len() - 1];
            powers.push(p * p);
        }
        from_biguint(&join(text, base, width, &powers), out);
    }
    true
}

fn from_power_of_two(text: &[u8], base: u32, out: &mut Vec<u32>) {
    let per = base.trailing_zeros();
    let (mut acc, mut bits) = (0u64, 0);
    for &c in text.iter().rev() {
        acc |= u64::from(char::from(c).to_digit(base).unwrap_or(0)) << bits;
        bits += per;
        if bits >= SHIFT {
            out.push(acc as u32 & super::MASK);
            acc >>= SHIFT;
            bits -= SHIFT;
        }
    }
    out.push(acc as u32);
    normalize(out);
}

fn school_parse(text: &[u8], base: u32, out: &mut Vec<u32>) {
    let (_, width) = chunk_of(base);
    let head = text.len() % width;
    let (first, rest) = text.split_at(head);
    let value = |s: &[u8]| s.iter().fold(0, |a, &c| a * base + char::from(c).to_digit(base).unwrap_or(0));
    for part in std::iter::once(first).filter(|f| !f.is_empty()).chain(rest.chunks_exact(width)) {
        let mul = u64::from(base.pow(part.len() as u32));
        let mut carry = u64::from(value(part));
        for d in out.iter_mut() {
            let t = u64::from(*d) * mul + carry;
            *d = t as u32 & super::MASK;
            carry = t >> SHIFT;
        }
        if carry != 0 {
            out.push(carry as u32);
        }
    }
    normalize(out);
}

fn join(text: &[u8], base: u32, width: usize, powers: &[BigUint]) -> BigUint {
    if text.len() <= BIG_FROM {
        let mut mag = Vec::new();
        school_parse(text, base, &mut mag);
        return to_biguint(&mag);
    }
    let k = (0..powers.len()).rev().find(|&k| width << k < text.len()).unwrap_or(0);
    let (hi, lo) = text.split_at(text.len() - (width << k));
    join(hi, base, width, powers) * &powers[k] + join(lo, base, width, powers)
}
