//! Addition, subtraction and multiplication.

use super::{Digits, MASK, SHIFT, cmp_mag, from_biguint, normalize, to_biguint, to_u64};
use std::cmp::Ordering;

/// Above this many digits in both operands multiplication goes to num-bigint (Karatsuba, Toom-3).
const BIG_MUL: usize = 60;
/// From this many digits on, pairs of digits are packed into 60-bit limbs, which quarters the
/// number of multiplications.
const PACK_MUL: usize = 5;

/// `a + b`.
pub fn add(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    if an == bn {
        add_mag(a, b, out);
        an && !out.is_empty()
    } else {
        let swapped = sub_mag_signed(a, b, out);
        an != swapped && !out.is_empty()
    }
}

/// `a - b`.
pub fn sub(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    // -0 does not exist: negating an empty magnitude must leave the sign alone.
    add(an, a, !bn && !b.is_empty(), b, out)
}

pub(super) fn add_mag(a: &Digits, b: &Digits, out: &mut Vec<u32>) {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let n = b.len();
    out.clear();
    if n == 0 {
        out.extend_from_slice(a);
        return;
    }
    out.reserve(a.len() + 1);
    out.push((a[0] + b[0]) & MASK);
    // Each digit with the carry of the sum before it alone, which is nearly always all there is: nothing waits for its
    // neighbour then.
    let mut all = 0;
    out.extend(a[..n].windows(2).zip(b.windows(2)).map(|(a, b)| {
        let d = ((a[1] + b[1]) & MASK) + ((a[0] + b[0]) >> SHIFT);
        all |= d;
        d
    }));
    let mut carry = (a[n - 1] + b[n - 1]) >> SHIFT;
    if all > MASK {
        carry += carry_on(&mut out[..n], 0);
    }
    out.extend_from_slice(&a[n..]);
    for d in &mut out[n..] {
        if carry == 0 {
            return;
        }
        *d = (*d + carry) & MASK;
        carry = u32::from(*d == 0);
    }
    if carry != 0 {
        out.push(carry);
    }
}

/// Adds a carry, and those of digits that are too large by one bit; returns the last.
fn carry_on(digits: &mut [u32], mut carry: u32) -> u32 {
    for d in digits {
        let s = *d + carry;
        *d = s & MASK;
        carry = s >> SHIFT;
    }
    carry
}

/// `|a - b|` into `out`; returns whether `a < b`.
pub(super) fn sub_mag_signed(a: &Digits, b: &Digits, out: &mut Vec<u32>) -> bool {
    let (a, b, swapped) = match cmp_mag(a, b) {
        Ordering::Equal => {
            out.clear();
            return false;
        }
        Ordering::Greater => (a, b, false),
        Ordering::Less => (b, a, true),
    };
    let n = b.len();
    out.clear();
    if n == 0 {
        out.extend_from_slice(a);
        return swapped;
    }
    out.reserve(a.len());
    // As in `add_mag`.
    out.push(a[0].wrapping_sub(b[0]) & MASK);
    let mut all = 0;
    out.extend(a[..n].windows(2).zip(b.windows(2)).map(|(a, b)| {
        let d = (a[1].wrapping_sub(b[1]) & MASK).wrapping_sub(a[0].wrapping_sub(b[0]) >> 31);
        all |= d;
        d
    }));
    let mut borrow = a[n - 1].wrapping_sub(b[n - 1]) >> 31;
    if all > MASK {
        borrow += borrow_on(&mut out[..n], 0);
    }
    out.extend_from_slice(&a[n..]);
    for d in &mut out[n..] {
        if borrow == 0 {
            break;
        }
        borrow = u32::from(*d == 0);
        *d = d.wrapping_sub(1) & MASK;
    }
    normalize(out);
    swapped
}

/// Takes a borrow, and those of digits that are -1; returns the last.
fn borrow_on(digits: &mut [u32], mut borrow: u32) -> u32 {
    for d in digits {
        let s = d.wrapping_sub(borrow);
        *d = s & MASK;
        borrow = s >> 31;
    }
    borrow
}

/// `a * b`.
pub fn mul(an: bool, a: &Digits, bn: bool, b: &Digits, out: &mut Vec<u32>) -> bool {
    mul_mag(a, b, out);
    (an ^ bn) && !out.is_empty()
}

pub(super) fn mul_mag(a: &Digits, b: &Digits, out: &mut Vec<u32>) {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    match b.len() {
        0 => out.clear(),
        1 => mul_digit(a, b[0], out),
        2 if a.len() == 2 => {
            let p = u128::from(to_u64(a).unwrap_or(0)) * u128::from(to_u64(b).unwrap_or(0));
            super::from_u128(p, out);
        }
        n if n < PACK_MUL => mul_school(a, b, out),
        n if n <= BIG_MUL => mul_packed(a, b, out),
        _ => from_biguint(&(to_biguint(a) * to_biguint(b)), out),
    }
}

fn mul_digit(a: &Digits, d: u32, out: &mut Vec<u32>) {
    out.clear();
    out.reserve(a.len() + 1);
    let mut carry = 0u64;
    out.extend(a.iter().map(|&x| {
        let t = u64::from(x) * u64::from(d) + carry;
        carry = t >> SHIFT;
        t as u32 & MASK
    }));
    if carry != 0 {
        out.push(carry as u32);
    }
}

fn mul_school(a: &Digits, b: &Digits, out: &mut Vec<u32>) {
    out.clear();
    out.resize(a.len() + b.len(), 0);
    for (i, &y) in b.iter().enumerate() {
        let y = u64::from(y);
        let mut carry = 0u64;
        let row = &mut out[i..i + a.len() + 1];
        for (o, &x) in row.iter_mut().zip(a) {
            let t = u64::from(x) * y + u64::from(*o) + carry;
            *o = t as u32 & MASK;
            carry = t >> SHIFT;
        }
        row[a.len()] = carry as u32;
    }
    normalize(out);
}

const LIMB: u32 = 60;
const LIMB_MASK: u64 = (1 << LIMB) - 1;

fn pack(a: &Digits) -> impl Iterator<Item = u64> {
    a.chunks(2).map(|c| u64::from(c[0]) | c.get(1).map_or(0, |&h| u64::from(h) << SHIFT))
}

/// Schoolbook over 60-bit limbs.
fn mul_packed(a: &Digits, b: &Digits, out: &mut Vec<u32>) {
    let (la, lb) = (a.len().div_ceil(2), b.len().div_ceil(2));
    // The shorter operand and, usually, the product fit on the stack.
    let mut stack = [0u64; 3 * (BIG_MUL / 2)];
    let mut heap;
    let scratch = if la + la + lb <= stack.len() {
        &mut stack[..la + la + lb]
    } else {
        heap = vec![0u64; la + la + lb];
        &mut heap[..]
    };
    let (pa, acc) = scratch.split_at_mut(la);
    pa.iter_mut().zip(pack(a)).for_each(|(d, s)| *d = s);
    for (i, y) in pack(b).enumerate() {
        let row = &mut acc[i..i + la + 1];
        let mut carry = 0u64;
        for (o, &x) in row.iter_mut().zip(pa.iter()) {
            let t = u128::from(x) * u128::from(y) + u128::from(*o) + u128::from(carry);
            *o = t as u64 & LIMB_MASK;
            carry = (t >> LIMB) as u64;
        }
        row[la] = carry;
    }
    out.clear();
    out.reserve(2 * acc.len());
    out.extend(acc.iter().flat_map(|&l| [l as u32 & MASK, (l >> SHIFT) as u32]));
    normalize(out);
}
