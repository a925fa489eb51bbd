//! Shifts and bitwise operations with two's-complement semantics.

use super::arith::add_mag;
use super::{Digits, MASK, SHIFT, normalize};

/// Number of bits of the magnitude.
#[inline]
pub fn bit_length(mag: &Digits) -> u64 {
    match mag.last() {
        None => 0,
        Some(top) => (mag.len() as u64 - 1) * u64::from(SHIFT) + u64::from(32 - top.leading_zeros()),
    }
}

/// Number of one bits of the magnitude.
pub fn bit_count(mag: &Digits) -> u64 {
    mag.iter().map(|d| u64::from(d.count_ones())).sum()
}

/// Number of trailing zero bits; `None` for zero.
pub fn trailing_zeros(mag: &Digits) -> Option<u64> {
    let i = mag.iter().position(|&d| d != 0)?;
    Some(i as u64 * u64::from(SHIFT) + u64::from(mag[i].trailing_zeros()))
}

/// `a << n`.
pub fn shl(an: bool, a: &Digits, n: usize, out: &mut Vec<u32>) -> bool {
    out.clear();
    if a.is_empty() {
        return false;
    }
    let (digits, bits) = (n / SHIFT as usize, (n % SHIFT as usize) as u32);
    out.reserve(a.len() + digits + 1);
    out.resize(digits, 0);
    out.push(a[0] << bits & MASK);
    out.extend(a.windows(2).map(|d| (d[1] << bits & MASK) | d[0] >> (SHIFT - bits)));
    let carry = a[a.len() - 1] >> (SHIFT - bits);
    if carry != 0 {
        out.push(carry);
    }
    an
}

/// `a >> n`, rounding towards minus infinity.
pub fn shr(an: bool, a: &Digits, n: usize, out: &mut Vec<u32>) -> bool {
    out.clear();
    let digits = n / SHIFT as usize;
    let bits = (n % SHIFT as usize) as u32;
    if digits >= a.len() {
        if an {
            out.push(1);
        }
        return an;
    }
    let kept = &a[digits..];
    out.reserve(kept.len());
    out.extend(kept.windows(2).map(|d| d[0] >> bits | (d[1] << (SHIFT - bits) & MASK)));
    out.push(kept[kept.len() - 1] >> bits);
    normalize(out);
    let lost = an && (a[..digits].iter().any(|&d| d != 0) || kept[0] & ((1 << bits) - 1) != 0);
    if lost {
        increment(out);
    }
    an && !out.is_empty()
}

fn increment(out: &mut Vec<u32>) {
    for d in out.iter_mut() {
        if *d != MASK {
            *d += 1;
            return;
        }
        *d = 0;
    }
    out.push(1);
}

/// `~a`, which is `-a - 1`.
pub fn not(an: bool, a: &Digits, out: &mut Vec<u32>) -> bool {
    if an {
        super::arith::sub_mag_signed(a, &[1], out);
        false
    } else {
        add_mag(a, &[1], out);
        true
    }
}

/// `a & b`.
pub fn and(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    bitwise(an, a, bn, b, out, |x, y| x & y)
}

/// `a | b`.
pub fn or(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    bitwise(an, a, bn, b, out, |x, y| x | y)
}

/// `a ^ b`.
pub fn xor(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    bitwise(an, a, bn, b, out, |x, y| x ^ y)
}

/// Yields two's-complement digits of a sign-magnitude number, sign-extended without end.
struct Twos<'a> {
    mag: &'a Digits,
    flip: u32,
    carry: u32,
}

impl<'a> Twos<'a> {
    fn new(neg: bool, mag: &'a Digits) -> Self {
        Self { mag, flip: if neg { MASK } else { 0 }, carry: u32::from(neg) }
    }

    #[inline]
    fn digit(&mut self, i: usize) -> u32 {
        let d = (self.mag.get(i).copied().unwrap_or(0) ^ self.flip) + self.carry;
        self.carry = d >> SHIFT;
        d & MASK
    }
}

#[inline]
fn bitwise(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>, op: impl Fn(u32, u32) -> u32) -> bool {
    let neg = op(u32::from(an), u32::from(bn)) & 1 != 0;
    let len = a.len().max(b.len());
    out.clear();
    out.reserve(len + 1);
    let (mut ta, mut tb) = (Twos::new(an, a), Twos::new(bn, b));
    out.extend((0..len).map(|i| op(ta.digit(i), tb.digit(i)) & MASK));
    if neg {
        // Back to a magnitude: complement and add one.
        let mut carry = 1;
        for d in out.iter_mut() {
            let t = (*d ^ MASK) + carry;
            carry = t >> SHIFT;
            *d = t & MASK;
        }
        if carry != 0 {
            out.push(1);
        }
    }
    normalize(out);
    neg
}
