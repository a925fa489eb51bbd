//! Division with Python's floor semantics, and true division.

use super::arith::{add_mag, sub_mag_signed};
use super::convert::{compose_f64, top_bits};
use super::{Digits, MASK, SHIFT, bit_length, cmp_mag, from_biguint, from_u64, shl, to_biguint, to_u64, to_u128};
use num_integer::Integer;
use std::cmp::Ordering;

/// From this many divisor digits (and as many quotient digits) num-bigint divides recursively.
const BIG_DIV: usize = 120;

/// Divides a magnitude by a digit, replacing it by the quotient; returns the remainder.
pub fn divmod_small(a: &mut [u32], d: u32) -> u32 {
    let reciprocal = Reciprocal::new(d);
    let mut rem = 0u64;
    let mut pairs = a.rchunks_exact_mut(2);
    for pair in &mut pairs {
        let (q, r) = reciprocal.divide(rem, join(pair));
        pair[0] = (q & u64::from(MASK)) as u32;
        pair[1] = (q >> SHIFT) as u32;
        rem = r;
    }
    rem >>= reciprocal.shift;
    if let [last] = pairs.into_remainder() {
        let t = rem << SHIFT | u64::from(*last);
        *last = (t / u64::from(d)) as u32;
        rem = t % u64::from(d);
    }
    rem as u32
}

/// The remainder of a magnitude by a digit.
fn rem_small(a: &Digits, d: u32) -> u64 {
    let reciprocal = Reciprocal::new(d);
    let pairs = a.rchunks_exact(2);
    let last = pairs.remainder();
    let rem = pairs.fold(0, |rem, pair| reciprocal.divide(rem, join(pair)).1) >> reciprocal.shift;
    last.iter().fold(rem, |rem, &x| (rem << SHIFT | u64::from(x)) % u64::from(d))
}

/// Two digits as one number.
#[inline(always)]
fn join(pair: &[u32]) -> u64 {
    u64::from(pair[0]) | u64::from(pair[1]) << SHIFT
}

/// Division by a digit as multiplications: Möller and Granlund, "Improved division by invariant integers", 2011,
/// algorithm 4.
struct Reciprocal {
    /// The divisor, shifted so that its highest bit is set.
    d: u64,
    shift: u32,
    inverse: u64,
}

impl Reciprocal {
    fn new(d: u32) -> Reciprocal {
        let shift = u64::from(d).leading_zeros();
        let d = u64::from(d) << shift;
        Reciprocal { d, shift, inverse: (u128::MAX / u128::from(d) - (1 << 64)) as u64 }
    }

    /// Quotient and remainder of `rem * 2**60 + pair`, where `rem` is less than the divisor and `pair` has two digits.
    /// Remainders go in and out shifted as the divisor is: what each step waits for is kept short.
    #[inline(always)]
    fn divide(&self, rem: u64, pair: u64) -> (u64, u64) {
        // The divisor has at most 30 bits, so that at least 34 of the remainder's low bits are 0.
        let pair = u128::from(pair) << self.shift;
        let (high, low) = ((pair >> 64) as u64 + (rem >> (64 - 2 * SHIFT)), pair as u64);
        let q = u128::from(self.inverse) * u128::from(high) + (u128::from(high) << 64 | u128::from(low));
        let mut quotient = ((q >> 64) as u64).wrapping_add(1);
        let mut r = low.wrapping_sub(quotient.wrapping_mul(self.d));
        if r > q as u64 {
            quotient = quotient.wrapping_sub(1);
            r = r.wrapping_add(self.d);
        }
        if r >= self.d {
            quotient += 1;
            r -= self.d;
        }
        (quotient, r)
    }
}

/// Floor division and modulo; `b` must not be zero. Returns the signs of quotient and remainder.
pub fn divmod(an: bool, a: &Digits, bn: bool, b: &Digits, q: &mut Vec<u32>, r: &mut Vec<u32>) -> (bool, bool) {
    divmod_mag(a, b, q, r);
    if an != bn && !r.is_empty() {
        // Floor: one further down, and the remainder takes the divisor's sign.
        let t = std::mem::take(r);
        sub_mag_signed(b, &t, r);
        let t = std::mem::take(q);
        add_mag(&t, &[1], q);
    }
    ((an != bn) && !q.is_empty(), bn && !r.is_empty())
}

/// `a // b`; `b` must not be zero.
pub fn floor_div(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    divmod(an, a, bn, b, out, &mut Vec::new()).0
}

/// `a % b`; `b` must not be zero.
pub fn rem(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    if let [d] = *b {
        // No quotient needed for a one-digit modulus.
        let d64 = u64::from(d);
        let m = rem_small(a, d);
        let m = if an != bn && m != 0 { d64 - m } else { m };
        from_u64(m, out);
        return bn && m != 0;
    }
    divmod(an, a, bn, b, &mut Vec::new(), out).1
}

/// Truncating division of magnitudes.
pub(super) fn divmod_mag(a: &Digits, b: &Digits, q: &mut Vec<u32>, r: &mut Vec<u32>) {
    assert!(!b.is_empty(), "division by zero is the caller's error");
    q.clear();
    r.clear();
    match cmp_mag(a, b) {
        Ordering::Less => {
            r.extend_from_slice(a);
            return;
        }
        Ordering::Equal => {
            q.push(1);
            return;
        }
        Ordering::Greater => {}
    }
    if let [d] = *b {
        q.extend_from_slice(a);
        let m = divmod_small(q, d);
        super::normalize(q);
        from_u64(u64::from(m), r);
    } else if let (Some(x), Some(y)) = (to_u64(a), to_u64(b)) {
        from_u64(x / y, q);
        from_u64(x % y, r);
    } else if let (true, Some(x), Some(y)) = (a.len() <= 4, to_u128(a), to_u128(b)) {
        super::from_u128(x / y, q);
        super::from_u128(x % y, r);
    } else if b.len() >= BIG_DIV && a.len() - b.len() >= BIG_DIV {
        let (bq, br) = to_biguint(a).div_rem(&to_biguint(b));
        from_biguint(&bq, q);
        from_biguint(&br, r);
    } else {
        divmod_knuth(a, b, q, r);
    }
}

/// Knuth's algorithm D (TAOCP 4.3.1); `b` has at least two digits and `a > b`.
fn divmod_knuth(a: &Digits, b: &Digits, q: &mut Vec<u32>, r: &mut Vec<u32>) {
    let shift = b[b.len() - 1].leading_zeros() - 2;
    let mut v = Vec::new();
    shl(false, b, shift as usize, &mut v);
    let u = r;
    shl(false, a, shift as usize, u);
    u.resize(a.len() + 1, 0);
    let n = v.len();
    let (v1, v2) = (u64::from(v[n - 1]), u64::from(v[n - 2]));
    let m = u.len() - n;
    q.resize(m, 0);
    for j in (0..m).rev() {
        let top = u64::from(u[j + n]) << SHIFT | u64::from(u[j + n - 1]);
        let (mut qhat, mut rhat) = (top / v1, top % v1);
        while qhat > u64::from(MASK) || qhat * v2 > (rhat << SHIFT | u64::from(u[j + n - 2])) {
            qhat -= 1;
            rhat += v1;
            if rhat > u64::from(MASK) {
                break;
            }
        }
        if sub_mul(&mut u[j..=j + n], &v, qhat) {
            qhat -= 1;
            add_back(&mut u[j..=j + n], &v);
        }
        q[j] = qhat as u32;
    }
    super::normalize(q);
    super::normalize(u);
    let t = std::mem::take(u);
    super::shr(false, &t, shift as usize, u);
}

/// `row -= v * qhat`; returns whether the result went negative.
fn sub_mul(row: &mut [u32], v: &Digits, qhat: u64) -> bool {
    let mut borrow = 0i64;
    let (top, low) = row.split_last_mut().expect("row is longer than the divisor");
    for (u, &d) in low.iter_mut().zip(v) {
        let t = i64::from(*u) - (qhat * u64::from(d)) as i64 + borrow;
        *u = t as u32 & MASK;
        borrow = t >> SHIFT;
    }
    let t = i64::from(*top) + borrow;
    *top = t as u32 & MASK;
    t < 0
}

fn add_back(row: &mut [u32], v: &Digits) {
    let mut carry = 0;
    let (top, low) = row.split_last_mut().expect("row is longer than the divisor");
    for (u, &d) in low.iter_mut().zip(v) {
        let t = *u + d + carry;
        *u = t & MASK;
        carry = t >> SHIFT;
    }
    *top = (*top + carry) & MASK;
}

/// `a / b` correctly rounded; `b` must not be zero. `None` on overflow.
pub fn true_div(an: bool, a: &Digits, bn: bool, b: &Digits) -> Option<f64> {
    let v = true_div_mag(a, b)?;
    Some(if an != bn { -v } else { v })
}

fn true_div_mag(a: &Digits, b: &Digits) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    if let (Some(x), Some(y)) = (to_u64(a), to_u64(b))
        && x <= EXACT
        && y <= EXACT
    {
        return Some(x as f64 / y as f64);
    }
    // Scale so that the integer quotient has 62 or 63 bits: enough to round with a sticky bit.
    let shift = 62 + bit_length(b) as i64 - bit_length(a) as i64;
    let (mut num, mut den) = (a.to_vec(), b.to_vec());
    if shift > 0 {
        shl(false, a, shift as usize, &mut num);
    } else {
        shl(false, b, -shift as usize, &mut den);
    }
    let (mut q, mut r) = (Vec::new(), Vec::new());
    divmod_mag(&num, &den, &mut q, &mut r);
    let (m, sticky, exp) = top_bits(&q);
    compose_f64(m, sticky || !r.is_empty(), exp - shift)
}
