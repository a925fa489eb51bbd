//! Division with Python's floor semantics, and true division.

use super::arith::{add_mag, sub_mag_signed};
use super::convert::{compose_f64, top_bits};
use super::{Digits, MASK, SHIFT, bit_length, cmp_mag, from_biguint, from_u64, shl, to_biguint, to_u64, to_u128};
use num_integer::Integer;
use std::cmp::Ordering;

/// From this many divisor digits (and as many quotient digits) num-bigint divides recursively.
const BIG_DIV: usize = 120;

/// From this many pairs of digits on a number is divided in [`PARTS`] parts at the same time.
const MANY_PAIRS: usize = 16;
const PARTS: usize = 4;

/// Divides a magnitude by a digit, replacing it by the quotient; returns the remainder.
pub fn divmod_small(a: &mut [u32], d: u32) -> u32 {
    let divisor = Divisor::new(d);
    let odd = a.len() % 2;
    let (pairs, top) = a.split_at_mut(a.len() - odd);
    let mut rem = 0;
    for x in top {
        rem = u64::from(*x % d);
        *x /= d;
    }
    let len = pairs.len() / 2 / PARTS * 2;
    if len * PARTS < 2 * MANY_PAIRS {
        return divisor.divide_all(pairs, rem) as u32;
    }
    // Each step waits for the remainder of the one before. What remains of a part is found first, for all but the lowest
    // part at once; then it is known what each part begins with, and all are divided at once.
    let (parts, high) = pairs.split_at_mut(len * PARTS);
    rem = divisor.divide_all(high, rem);
    let mut rems = divisor.begin_parts(parts, len, rem);
    let (p0, p1) = parts.split_at_mut(2 * len);
    let (p0, p1, p2, p3) = {
        let (a, b) = p0.split_at_mut(len);
        let (c, d) = p1.split_at_mut(len);
        (a, b, c, d)
    };
    let each = p0.rchunks_exact_mut(2).zip(p1.rchunks_exact_mut(2));
    for ((a, b), (c, d)) in each.zip(p2.rchunks_exact_mut(2).zip(p3.rchunks_exact_mut(2))) {
        for (rem, pair) in rems.iter_mut().zip([a, b, c, d]) {
            *rem = divisor.divide_pair(*rem, pair);
        }
    }
    rems[0] as u32
}

/// The remainder of a magnitude by a digit.
fn rem_small(a: &Digits, d: u32) -> u64 {
    let divisor = Divisor::new(d);
    let (pairs, top) = a.split_at(a.len() - a.len() % 2);
    let rem = top.first().map_or(0, |x| u64::from(x % d));
    let len = pairs.len() / 2 / PARTS * 2;
    if len * PARTS < 2 * MANY_PAIRS {
        return divisor.rem_all(pairs, rem);
    }
    let (parts, high) = pairs.split_at(len * PARTS);
    let rem = divisor.rem_all(high, rem);
    let rem = divisor.begin_parts(parts, len, rem)[0];
    divisor.rem_all(&parts[..len], rem)
}

/// Two digits as one number.
#[inline(always)]
fn join(pair: &[u32]) -> u64 {
    u64::from(pair[0]) | u64::from(pair[1]) << SHIFT
}

/// Division by a digit as multiplications.
struct Divisor {
    d: u64,
    /// Bits of the divisor.
    bits: u32,
    /// `2**(61 + bits) / d`, rounded down: between 2**61 and 2**62.
    inverse: u64,
}

impl Divisor {
    fn new(d: u32) -> Divisor {
        let bits = 32 - d.leading_zeros();
        Divisor { d: d.into(), bits, inverse: ((1u128 << (61 + bits)) / u128::from(d)) as u64 }
    }

    /// Quotient and remainder of `v = rem * 2**60 + pair`, where `rem` is less than the divisor and `pair` has two digits.
    #[inline(always)]
    fn divide(&self, rem: u64, pair: u64) -> (u64, u64) {
        // v / 2**(bits - 3), less than 2**63. That the rest is missing makes the quotient smaller by 1/4 at most (the
        // divisor has `bits` bits), the rounding of the inverse by 1/2, and its own rounding by less than 1.
        let high = (rem << (63 - self.bits)) + (pair << 3 >> self.bits);
        let q = (u128::from(high) * u128::from(self.inverse) >> 64) as u64;
        let r = (rem << (2 * SHIFT) | pair).wrapping_sub(q.wrapping_mul(self.d));
        if r >= self.d { (q + 1, r - self.d) } else { (q, r) }
    }

    #[inline(always)]
    fn divide_pair(&self, rem: u64, pair: &mut [u32]) -> u64 {
        let (q, r) = self.divide(rem, join(pair));
        pair[0] = (q & u64::from(MASK)) as u32;
        pair[1] = (q >> SHIFT) as u32;
        r
    }

    fn divide_all(&self, pairs: &mut [u32], rem: u64) -> u64 {
        pairs.rchunks_exact_mut(2).fold(rem, |rem, pair| self.divide_pair(rem, pair))
    }

    fn rem_all(&self, pairs: &[u32], rem: u64) -> u64 {
        pairs.rchunks_exact(2).fold(rem, |rem, pair| self.divide(rem, join(pair)).1)
    }

    /// The remainders that division of the [`PARTS`] parts of `len` digits begins with, `rem` being that of the highest.
    fn begin_parts(&self, parts: &[u32], len: usize, rem: u64) -> [u64; PARTS] {
        let mut rems = [0, 0, rem];
        let [p1, p2, p3] = [1, 2, 3].map(|i| parts[i * len..(i + 1) * len].rchunks_exact(2));
        for ((a, b), c) in p1.zip(p2).zip(p3) {
            for (rem, pair) in rems.iter_mut().zip([a, b, c]) {
                *rem = self.divide(*rem, join(pair)).1;
            }
        }
        // 2**(30 * len) modulo the divisor.
        let modulo = |x: u64| self.divide(0, x).1;
        let mut power = 1;
        let mut square = modulo(modulo((1 << (2 * SHIFT)) - 1) + 1);
        let mut n = len / 2;
        loop {
            if n % 2 == 1 {
                power = modulo(power * square);
            }
            n /= 2;
            if n == 0 {
                break;
            }
            square = modulo(square * square);
        }
        let second = modulo(rems[2] * power + rems[1]);
        [modulo(second * power + rems[0]), second, rems[2], rem]
    }
}

/// The truncated quotient of two magnitudes of nearly the same length, if their highest digits decide it and it is no
/// more than a digit; then there is a remainder.
fn small_quotient(a: &Digits, b: &Digits) -> Option<u64> {
    let low = b.len().checked_sub(3)?;
    if low == 0 || a.len() < b.len() || a.len() > b.len() + 1 {
        return None;
    }
    let top = |x: &Digits| x[low..].iter().rev().fold(0, |acc, d| acc << SHIFT | u128::from(*d));
    let (x, y) = (top(a), top(b));
    let least = x / (y + 1);
    // x / y is not less; if it is the same, the digits below make no difference, but a / b is more than x / (y + 1).
    (least <= u128::from(MASK) && x - least * y < y).then_some(least as u64)
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
    let inexact = if let [d] = *b {
        out.clear();
        out.extend_from_slice(a);
        let rem = divmod_small(out, d);
        super::normalize(out);
        rem != 0
    } else if let Some(q) = small_quotient(a, b) {
        from_u64(q, out);
        true
    } else {
        return divmod(an, a, bn, b, out, &mut Vec::new()).0;
    };
    if an == bn {
        return false;
    }
    if inexact {
        let t = std::mem::take(out);
        add_mag(&t, &[1], out);
    }
    !out.is_empty()
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
    } else if let Some(quotient) = small_quotient(a, b) {
        from_u64(quotient, q);
        r.extend_from_slice(a);
        r.resize(b.len() + 1, 0);
        let negative = sub_mul(r, b, quotient);
        debug_assert!(!negative);
        super::normalize(r);
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
