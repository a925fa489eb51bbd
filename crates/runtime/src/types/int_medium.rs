//! Ints of at most four digits (120 bits) as machine words: the numbers just above 63 bits that hashes, random
//! generators and fixed-point code work with, without digit arrays.

use crate::cx::Cx;
use crate::object::Header;
use crate::types::int::{INT, Int};
use crate::value::{INT_MAX, INT_MIN, Value};

const DIGIT_BITS: u32 = 30;
const DIGIT_MASK: u128 = (1 << DIGIT_BITS) - 1;
/// Bits of four digits.
const MEDIUM_BITS: u32 = 4 * DIGIT_BITS;

/// True for ints that are instances of `int` itself.
#[inline(always)]
pub fn is_exact(v: Value) -> bool {
    v.is_small() || std::ptr::eq(v.class(), &INT)
}

/// The number, if `v` is an int of less than 121 bits.
#[inline(always)]
pub fn get(v: Value) -> Option<i128> {
    match v.as_small() {
        Some(i) => Some(i as i128),
        None => heap(v),
    }
}

#[inline]
fn heap(v: Value) -> Option<i128> {
    let int = crate::types::int::as_heap(v)?;
    let magnitude = match *int.digits() {
        [a, b, c] => a as u128 | (b as u128) << DIGIT_BITS | (c as u128) << (2 * DIGIT_BITS),
        [a, b, c, d] => {
            let low = a as u128 | (b as u128) << DIGIT_BITS;
            low | ((c as u128) | (d as u128) << DIGIT_BITS) << (2 * DIGIT_BITS)
        }
        [] => 0,
        [a] => a as u128,
        [a, b] => a as u128 | (b as u128) << DIGIT_BITS,
        _ => return None,
    } as i128;
    Some(if int.is_negative() { -magnitude } else { magnitude })
}

/// An int. May collect.
#[inline(always)]
pub fn make(cx: &mut Cx, i: i128) -> Value {
    if (INT_MIN as i128..=INT_MAX as i128).contains(&i) {
        return Value::small(i as i64);
    }
    make_heap(cx, i < 0, i.unsigned_abs())
}

/// A heap int of a magnitude that does not fit a small one. May collect.
#[inline(never)]
pub fn make_heap(cx: &mut Cx, negative: bool, magnitude: u128) -> Value {
    let count = (128 - magnitude.leading_zeros()).div_ceil(DIGIT_BITS) as usize;
    let p = cx.alloc_raw((24 + 4 * count).max(32));
    let mut rest = magnitude;
    // SAFETY: fresh memory with room for `count` digits behind the tag; int needs no registration and has no attributes.
    unsafe {
        p.cast::<Header>().write(Header::fresh(&INT));
        (*p.cast::<Int>()).set_tag(negative, count);
        let digits = p.add(24).cast::<u32>();
        for i in 0..count {
            digits.add(i).write((rest & DIGIT_MASK) as u32);
            rest >>= DIGIT_BITS;
        }
    }
    Value::from_address(p as usize)
}

/// `a * b`, if both have at most 64 bits. May collect.
#[inline]
pub fn mul(cx: &mut Cx, a: i128, b: i128) -> Option<Value> {
    let (x, y) = (u64::try_from(a.unsigned_abs()).ok()?, u64::try_from(b.unsigned_abs()).ok()?);
    let magnitude = x as u128 * y as u128;
    let negative = (a < 0) != (b < 0);
    if magnitude <= INT_MAX as u128 {
        let i = magnitude as i64;
        return Some(Value::small(if negative { -i } else { i }));
    }
    Some(make_heap(cx, negative, magnitude))
}

/// `a << n`, if the result has at most 126 bits.
#[inline]
pub fn shl(a: i128, n: i64) -> Option<i128> {
    let bits = 128 - a.unsigned_abs().leading_zeros() as i64;
    if bits + n <= 126 { Some(a << n) } else { None }
}

/// Quotient and remainder of floor division; `b` is not 0.
#[inline]
pub fn floor_divmod(a: i128, b: i128) -> (i128, i128) {
    debug_assert!(a.unsigned_abs() >> MEDIUM_BITS == 0);
    if let (Ok(x), Ok(y)) = (u64::try_from(a), u64::try_from(b)) {
        return ((x / y) as i128, (x % y) as i128);
    }
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) }
}
