//! Natural numbers in base 10^19, little-endian, without leading zero limbs; zero is the empty slice.
//!
//! Decimal limbs make the operations that decimal arithmetic lives on (counting digits, shifting by digits, rounding,
//! printing) cheap; the base is above 2^63, so that a division by it needs no normalisation.

use std::cmp::Ordering;

use num_bigint::BigUint;
use smallvec::{SmallVec, smallvec};

/// The base.
pub const BASE: u64 = 10_000_000_000_000_000_000;
/// Decimal digits in a limb.
pub const LIMB_DIGITS: usize = 19;

/// Limbs that own their memory; results of two operands of 38 digits fit without an allocation.
pub type Coef = SmallVec<[u64; 4]>;

/// `floor((2^128 - 1) / BASE) - 2^64`.
const RECIPROCAL: u64 = (u128::MAX / BASE as u128 - (1 << 64)) as u64;

/// Limbs from which a product is split in three smaller ones.
const KARATSUBA: usize = 64;

/// Powers of ten that fit a word.
pub const POW10: [u64; 20] = {
    let mut table = [1; 20];
    let mut i = 1;
    while i < 20 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// Quotient and remainder of `n` by the base; `n < BASE * 2^64`.
#[inline(always)]
fn split(n: u128) -> (u64, u64) {
    let (high, low) = ((n >> 64) as u64, n as u64);
    let estimate = (RECIPROCAL as u128 * high as u128).wrapping_add(n);
    let mut q = ((estimate >> 64) as u64).wrapping_add(1);
    let mut r = low.wrapping_sub(q.wrapping_mul(BASE));
    if r > estimate as u64 {
        q = q.wrapping_sub(1);
        r = r.wrapping_add(BASE);
    }
    if r >= BASE {
        q += 1;
        r -= BASE;
    }
    (q, r)
}

/// Multipliers for [`div_pow10`]: `ceil(2^(64 + s) / 5^k)` with `2^s <= 5^k`.
const MAGIC: [(u64, u32); 20] = {
    let mut table = [(0, 0); 20];
    let (mut k, mut power) = (1, 5u128);
    while k < 20 {
        let s = power.ilog2();
        // 2^(64 + s) / power, in two steps because it may need more than 128 bits.
        let shifted = 1u128 << (64 + s);
        table[k] = (shifted.div_ceil(power) as u64, s);
        power *= 5;
        k += 1;
    }
    table
};

/// `x / 10^k` for `k` below 20.
#[inline(always)]
fn div_pow10(x: u64, k: usize) -> u64 {
    if k == 0 {
        return x;
    }
    // Without its k lowest bits x has room for a multiplier of one word to be exact.
    let (m, s) = MAGIC[k];
    ((((x >> k) as u128 * m as u128) >> 64) as u64) >> s
}

/// Quotient and remainder by a word; `high < d`.
#[inline(always)]
fn div_wide(high: u64, low: u64, d: u64) -> (u64, u64) {
    debug_assert!(high < d);
    #[cfg(target_arch = "x86_64")]
    {
        let (q, r);
        // SAFETY: `div` only traps if the quotient does not fit, which high < d rules out; it touches no memory.
        unsafe {
            std::arch::asm!(
                "div {d}",
                d = in(reg) d,
                inlateout("rax") low => q,
                inlateout("rdx") high => r,
                options(pure, nomem, nostack)
            );
        }
        (q, r)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let n = (high as u128) << 64 | low as u128;
        ((n / d as u128) as u64, (n % d as u128) as u64)
    }
}

/// Removes leading zero limbs.
#[inline(always)]
pub fn trim(c: &mut Coef) {
    while c.last() == Some(&0) {
        c.pop();
    }
}

/// The slice without leading zero limbs.
#[inline(always)]
pub fn trimmed(mut c: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = c {
        c = rest;
    }
    c
}

/// Decimal digits of a number; 1 for zero.
#[inline(always)]
pub fn digits(c: &[u64]) -> usize {
    match c.last() {
        None => 1,
        Some(top) => (c.len() - 1) * LIMB_DIGITS + top.ilog10() as usize + 1,
    }
}

/// `n` as limbs.
pub fn from_u128(mut n: u128) -> Coef {
    let mut out = Coef::new();
    while n != 0 {
        if n < BASE as u128 {
            out.push(n as u64);
            break;
        }
        let (q, r) = (n / BASE as u128, n % BASE as u128);
        out.push(r as u64);
        n = q;
    }
    out
}

/// The value, if it fits.
pub fn to_u64(c: &[u64]) -> Option<u64> {
    match c {
        [] => Some(0),
        [low] => Some(*low),
        [low, high] => high.checked_mul(BASE)?.checked_add(*low),
        _ => None,
    }
}

/// `10^n`.
pub fn pow10(n: usize) -> Coef {
    let mut out: Coef = smallvec![0; n / LIMB_DIGITS];
    out.push(POW10[n % LIMB_DIGITS]);
    out
}

/// `10^n - 1`.
pub fn nines(n: usize) -> Coef {
    let mut out: Coef = smallvec![BASE - 1; n / LIMB_DIGITS];
    if n % LIMB_DIGITS != 0 {
        out.push(POW10[n % LIMB_DIGITS] - 1);
    }
    out
}

/// Digit number `i` from the right.
#[inline]
pub fn digit(c: &[u64], i: usize) -> u64 {
    c.get(i / LIMB_DIGITS).map_or(0, |limb| div_pow10(*limb, i % LIMB_DIGITS) % 10)
}

/// Compares.
pub fn cmp(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// `a + b`.
pub fn add(a: &[u64], b: &[u64]) -> Coef {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut out = Coef::from_slice(long);
    if add_into(&mut out, short) {
        out.push(1);
    }
    out
}

/// `out += b`, true if there is a carry out of its limbs; `b` is not longer.
fn add_into(out: &mut [u64], b: &[u64]) -> bool {
    let mut carry = 0;
    for (x, y) in out.iter_mut().zip(b) {
        let (sum, over) = x.overflowing_add(y + carry);
        carry = u64::from(over | (sum >= BASE));
        *x = if carry != 0 { sum.wrapping_sub(BASE) } else { sum };
    }
    carry != 0 && increment(&mut out[b.len()..])
}

/// `out += 1`, true if there is a carry out of its limbs.
fn increment(out: &mut [u64]) -> bool {
    for x in out {
        if *x != BASE - 1 {
            *x += 1;
            return false;
        }
        *x = 0;
    }
    true
}

/// `c += 1`.
pub fn add_one(c: &mut Coef) {
    if increment(c) {
        c.push(1);
    }
}

/// `a - b`, which must not be negative.
pub fn sub(a: &[u64], b: &[u64]) -> Coef {
    let mut out = Coef::from_slice(a);
    sub_into(&mut out, b);
    trim(&mut out);
    out
}

/// `out -= b`, true if there is a borrow out of its limbs.
fn sub_into(out: &mut [u64], b: &[u64]) -> bool {
    let mut borrow = 0;
    for (x, y) in out.iter_mut().zip(b) {
        let (difference, under) = x.overflowing_sub(y + borrow);
        borrow = u64::from(under);
        *x = if under { difference.wrapping_add(BASE) } else { difference };
    }
    if borrow == 0 {
        return false;
    }
    for x in &mut out[b.len()..] {
        if *x != 0 {
            *x -= 1;
            return false;
        }
        *x = BASE - 1;
    }
    true
}

/// `c -= 1` for a number that is not zero.
pub fn sub_one(c: &mut Coef) {
    sub_into(c, &[1]);
    trim(c);
}

/// `a * b`.
pub fn mul(a: &[u64], b: &[u64]) -> Coef {
    if a.is_empty() || b.is_empty() {
        return Coef::new();
    }
    if let ([x], [y]) = (a, b) {
        let (high, low) = split(*x as u128 * *y as u128);
        return if high == 0 { smallvec![low] } else { smallvec![low, high] };
    }
    let mut out: Coef = smallvec![0; a.len() + b.len()];
    mul_into(&mut out, a, b);
    trim(&mut out);
    out
}

/// `out = a * b`; `out` is zero and as long as both together.
fn mul_into(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if b.len() < KARATSUBA {
        return mul_schoolbook(out, a, b);
    }
    if a.len() >= 2 * b.len() {
        // Unbalanced: pieces of the longer one as long as the shorter.
        for (i, piece) in a.chunks(b.len()).enumerate() {
            let product = mul(piece, b);
            add_into(&mut out[i * b.len()..], &product);
        }
        return;
    }
    let half = a.len().div_ceil(2);
    let (a0, a1) = (trimmed(&a[..half]), trimmed(&a[half..]));
    let (b0, b1) = (trimmed(&b[..half.min(b.len())]), trimmed(&b[half.min(b.len())..]));
    let (low, high) = (mul(a0, b0), mul(a1, b1));
    let mut middle = mul(&add(a0, a1), &add(b0, b1));
    sub_into(&mut middle, &low);
    sub_into(&mut middle, &high);
    trim(&mut middle);
    out[..low.len()].copy_from_slice(&low);
    add_into(&mut out[2 * half..], &high);
    add_into(&mut out[half..], &middle);
}

fn mul_schoolbook(out: &mut [u64], a: &[u64], b: &[u64]) {
    if b.len() > 2 {
        return mul_columns(out, a, b);
    }
    for (i, &y) in b.iter().enumerate() {
        let mut carry = 0;
        for (x, place) in a.iter().zip(&mut out[i..]) {
            let (high, low) = split(*x as u128 * y as u128 + *place as u128 + carry as u128);
            *place = low;
            carry = high;
        }
        out[i + a.len()] = carry;
    }
}

/// Adds up the products of each place in three words and splits the sum once.
fn mul_columns(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (mut sum, mut over) = (0u128, 0u64);
    for (k, place) in out[..a.len() + b.len() - 1].iter_mut().enumerate() {
        let (from, to) = ((k + 1).saturating_sub(b.len()), k.min(a.len() - 1));
        for (x, y) in a[from..=to].iter().zip(b[k - to..=k - from].iter().rev()) {
            let (more, carried) = sum.overflowing_add(*x as u128 * *y as u128);
            sum = more;
            over += u64::from(carried);
        }
        let (high, rest) = split((over as u128) << 64 | sum >> 64);
        let (low, digit) = split((rest as u128) << 64 | sum as u64 as u128);
        *place = digit;
        (sum, over) = ((high as u128) << 64 | low as u128, 0);
    }
    out[a.len() + b.len() - 1] = sum as u64;
}

/// `c * m` for a word `m`.
fn mul_word(c: &[u64], m: u64, out: &mut Coef) {
    out.clear();
    let mut carry = 0;
    for x in c {
        let (high, low) = split(*x as u128 * m as u128 + carry as u128);
        out.push(low);
        carry = high;
    }
    if carry != 0 {
        out.push(carry);
    }
}

/// Divides in place by a word; the remainder.
fn div_word(c: &mut Coef, d: u64) -> u64 {
    let mut rest = 0u64;
    for x in c.iter_mut().rev() {
        if rest == 0 {
            (*x, rest) = (*x / d, *x % d);
        } else {
            let n = rest as u128 * BASE as u128 + *x as u128;
            (*x, rest) = div_wide((n >> 64) as u64, n as u64, d);
        }
    }
    trim(c);
    rest
}

/// Quotient and remainder; `b` is not zero.
pub fn div_rem(a: &[u64], b: &[u64]) -> (Coef, Coef) {
    if cmp(a, b) == Ordering::Less {
        return (Coef::new(), Coef::from_slice(a));
    }
    if let [d] = b {
        let mut q = Coef::from_slice(a);
        let r = div_word(&mut q, *d);
        return (q, if r == 0 { Coef::new() } else { smallvec![r] });
    }
    if b.len() > 200 && a.len() - b.len() > 100 {
        return div_large(a, b);
    }
    div_schoolbook(a, b)
}

/// Knuth's algorithm D.
fn div_schoolbook(a: &[u64], b: &[u64]) -> (Coef, Coef) {
    let n = b.len();
    let scale = BASE / (b[n - 1] + 1);
    let (mut u, mut v) = (Coef::new(), Coef::new());
    mul_word(a, scale, &mut u);
    mul_word(b, scale, &mut v);
    u.resize(a.len() + 1, 0);
    let (v1, v2) = (v[n - 1], v[n - 2]);
    let mut q: Coef = smallvec![0; a.len() + 1 - n];
    for j in (0..q.len()).rev() {
        let top = u[j + n] as u128 * BASE as u128 + u[j + n - 1] as u128;
        // The quotient fits a word: the divisor was scaled to at least half the base, and u[j + n] <= v1.
        let (mut guess, mut rest) = if ((top >> 64) as u64) < v1 {
            let (q, r) = div_wide((top >> 64) as u64, top as u64, v1);
            (q as u128, r as u128)
        } else {
            (top / v1 as u128, top % v1 as u128)
        };
        while guess >= BASE as u128 || guess * v2 as u128 > rest * BASE as u128 + u[j + n - 2] as u128 {
            guess -= 1;
            rest += v1 as u128;
            if rest >= BASE as u128 {
                break;
            }
        }
        let mut guess = guess as u64;
        let mut carry = 0u64;
        for (x, y) in u[j..j + n].iter_mut().zip(&v) {
            let (high, low) = split(*y as u128 * guess as u128 + carry as u128);
            let (difference, under) = x.overflowing_sub(low);
            *x = if under { difference.wrapping_add(BASE) } else { difference };
            carry = high + u64::from(under);
        }
        let (difference, under) = u[j + n].overflowing_sub(carry);
        u[j + n] = if under { difference.wrapping_add(BASE) } else { difference };
        if under {
            guess -= 1;
            add_into(&mut u[j..j + n + 1], &v);
        }
        q[j] = guess;
    }
    trim(&mut q);
    trim(&mut u);
    div_word(&mut u, scale);
    (q, u)
}

/// Division by a reciprocal from Newton's iteration: as fast as multiplication, up to a factor.
fn div_large(a: &[u64], b: &[u64]) -> (Coef, Coef) {
    // Blocks of the dividend of the divisor's length, from the top; each step divides two blocks by one.
    let n = b.len();
    let inverse = reciprocal(b);
    let mut q: Coef = smallvec![0; a.len() + 1];
    let mut rest = Coef::new();
    for (i, block) in a.chunks(n).enumerate().rev() {
        let mut part = Coef::from_slice(block);
        if !rest.is_empty() {
            part.extend_from_slice(&rest);
        }
        trim(&mut part);
        let (piece, r) = div_by_reciprocal(&part, b, &inverse);
        q[i * n..i * n + piece.len()].copy_from_slice(&piece);
        rest = r;
    }
    trim(&mut q);
    (q, rest)
}

/// `floor(BASE^(2n) / b)` or a few less, for `n` limbs of `b`.
fn reciprocal(b: &[u64]) -> Coef {
    let n = b.len();
    let mut power: Coef = smallvec![0; 2 * n];
    power.push(1);
    if n <= 100 {
        return div_schoolbook(&power, b).0;
    }
    // The reciprocal of the upper half, then one step x + x(1 - bx).
    let half = n / 2 + 2;
    let upper = reciprocal(&b[n - half..]);
    let mut x: Coef = smallvec![0; n - half];
    x.extend_from_slice(&upper);
    let product = mul(b, &x);
    match cmp(&product, &power) {
        Ordering::Greater => {
            let mut step = mul(&sub(&product, &power), &x);
            step.drain(..(2 * n).min(step.len()));
            add_one(&mut step);
            x = sub(&x, &step);
        }
        _ => {
            let mut step = mul(&sub(&power, &product), &x);
            step.drain(..(2 * n).min(step.len()));
            x = add(&x, &step);
        }
    }
    // Rounding leaves it off by a few units: correct it, so that quotients need few corrections.
    while cmp(&mul(b, &x), &power) == Ordering::Greater {
        sub_one(&mut x);
    }
    x
}

/// As [`div_rem`], with [`reciprocal`] of `b`; `a < b * BASE^n`.
fn div_by_reciprocal(a: &[u64], b: &[u64], inverse: &[u64]) -> (Coef, Coef) {
    if cmp(a, b) == Ordering::Less {
        return (Coef::new(), Coef::from_slice(a));
    }
    let n = b.len();
    let mut q = mul(a, inverse);
    q.drain(..(2 * n).min(q.len()));
    let mut rest = sub(a, &mul(&q, b));
    while cmp(&rest, b) != Ordering::Less {
        rest = sub(&rest, b);
        add_one(&mut q);
    }
    (q, rest)
}

/// `c * 10^n`.
pub fn shift_left(c: &[u64], n: usize) -> Coef {
    if c.is_empty() {
        return Coef::new();
    }
    let (limbs, n) = (n / LIMB_DIGITS, n % LIMB_DIGITS);
    let mut out = Coef::with_capacity(c.len() + limbs + 1);
    out.resize(limbs, 0);
    if n == 0 {
        out.extend_from_slice(c);
        return out;
    }
    let (up, down) = (POW10[n], POW10[LIMB_DIGITS - n]);
    let mut carry = 0;
    for x in c {
        let high = div_pow10(*x, LIMB_DIGITS - n);
        out.push((x - high * down) * up + carry);
        carry = high;
    }
    if carry != 0 {
        out.push(carry);
    }
    out
}

/// What a shift to the right drops, as one digit: the highest dropped digit, one more if it is 0 or 5 and anything but
/// zeros follows. 0: nothing lost; below 5: less than half; 5: half; above: more.
pub type Dropped = u8;

/// `c` divided by `10^n`, and what is lost.
pub fn shift_right(c: &[u64], n: usize) -> (Coef, Dropped) {
    let mut out = Coef::from_slice(c);
    let dropped = cut(&mut out, n);
    (out, dropped)
}

/// Divides `c` by `10^n`; what is lost.
pub fn cut(c: &mut Coef, n: usize) -> Dropped {
    if n == 0 || c.is_empty() {
        return 0;
    }
    let (at, below) = ((n - 1) / LIMB_DIGITS, (n - 1) % LIMB_DIGITS);
    if at >= c.len() {
        c.clear();
        return 1;
    }
    let limb = c[at];
    let upper = div_pow10(limb, below);
    let mut dropped = (upper % 10) as u8;
    if matches!(dropped, 0 | 5) && (limb != upper * POW10[below] || c[..at].iter().any(|x| *x != 0)) {
        dropped += 1;
    }
    shift_down(c, n);
    dropped
}

/// `c` divided by `10^n`.
pub fn shift_right_exact(c: &[u64], n: usize) -> Coef {
    let mut out = Coef::from_slice(c);
    shift_down(&mut out, n);
    out
}

/// Divides `c` by `10^n`.
pub fn shift_down(c: &mut Coef, n: usize) {
    let (limbs, n) = (n / LIMB_DIGITS, n % LIMB_DIGITS);
    if limbs >= c.len() {
        c.clear();
        return;
    }
    let len = c.len() - limbs;
    if n == 0 {
        c.copy_within(limbs.., 0);
        c.truncate(len);
        return;
    }
    let (up, down) = (POW10[LIMB_DIGITS - n], POW10[n]);
    let words = &mut c[..];
    let mut current = div_pow10(words[limbs], n);
    for i in 0..len - 1 {
        let next = words[limbs + i + 1];
        let high = div_pow10(next, n);
        words[i] = (next - high * down) * up + current;
        current = high;
    }
    words[len - 1] = current;
    c.truncate(if current == 0 { len - 1 } else { len });
}

/// The lowest `n` digits.
pub fn low_digits(c: &[u64], n: usize) -> Coef {
    let (limbs, n) = (n / LIMB_DIGITS, n % LIMB_DIGITS);
    if limbs >= c.len() {
        return Coef::from_slice(c);
    }
    let mut out = Coef::from_slice(&c[..limbs]);
    out.push(c[limbs] % POW10[n]);
    trim(&mut out);
    out
}

/// Number of zeros at the end; 0 for zero.
pub fn trailing_zeros(c: &[u64]) -> usize {
    let Some(at) = c.iter().position(|x| *x != 0) else { return 0 };
    let (mut limb, mut zeros) = (c[at], at * LIMB_DIGITS);
    for step in [16, 8, 4, 2, 1] {
        let q = div_pow10(limb, step);
        if q * POW10[step] == limb {
            limb = q;
            zeros += step;
        }
    }
    zeros
}

/// Writes the digits.
pub fn push_digits(c: &[u64], out: &mut Vec<u8>) {
    let Some((top, rest)) = c.split_last() else {
        out.push(b'0');
        return;
    };
    let mut buffer = [0u8; 20];
    let mut push = |mut limb: u64, width: usize| {
        for place in buffer[..width].iter_mut().rev() {
            *place = b'0' + (limb % 10) as u8;
            limb /= 10;
        }
        out.extend_from_slice(&buffer[..width]);
    };
    push(*top, top.ilog10() as usize + 1);
    for limb in rest.iter().rev() {
        push(*limb, LIMB_DIGITS);
    }
}

/// Reads ASCII digits.
pub fn from_digits(text: &[u8]) -> Coef {
    let mut out = Coef::with_capacity(text.len() / LIMB_DIGITS + 1);
    for chunk in text.rchunks(LIMB_DIGITS) {
        out.push(chunk.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0')));
    }
    trim(&mut out);
    out
}

/// As a binary number.
pub fn to_binary(c: &[u64]) -> BigUint {
    if c.len() <= 40 {
        return c.iter().rev().fold(BigUint::ZERO, |n, limb| n * BASE + *limb);
    }
    let half = c.len() / 2;
    to_binary(&c[half..]) * BigUint::from(BASE).pow(half as u32) + to_binary(trimmed(&c[..half]))
}

/// From a binary number.
pub fn from_binary(n: &BigUint) -> Coef {
    let mut out = Coef::new();
    let limbs = n.bits() as usize / 63 + 1;
    push_binary(n.clone(), limbs, &mut out);
    trim(&mut out);
    out
}

/// Appends exactly `limbs` limbs of `n`.
fn push_binary(mut n: BigUint, limbs: usize, out: &mut Coef) {
    if limbs <= 40 {
        let mut words: SmallVec<[u64; 64]> = n.iter_u64_digits().collect();
        for _ in 0..limbs {
            let mut rest = 0u64;
            for word in words.iter_mut().rev() {
                (*word, rest) = split((rest as u128) << 64 | *word as u128);
            }
            while words.last() == Some(&0) {
                words.pop();
            }
            out.push(rest);
        }
        return;
    }
    let half = limbs / 2;
    let power = BigUint::from(BASE).pow(half as u32);
    let high = &n / &power;
    n -= &high * &power;
    push_binary(n, half, out);
    push_binary(high, limbs - half, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_powers_of_ten_is_exact() {
        for k in 0..20 {
            for x in [0, 1, 9, BASE - 1, u64::MAX, 1 << 63, BASE] {
                for d in 0..3 {
                    let near = (x / POW10[k]).wrapping_mul(POW10[k]).wrapping_sub(1).wrapping_add(d);
                    assert_eq!(div_pow10(x, k), x / POW10[k]);
                    assert_eq!(div_pow10(near, k), near / POW10[k]);
                }
            }
        }
    }

    #[test]
    fn large_numbers_multiply_and_divide() {
        let number = |n: usize, seed: u64| -> Coef {
            (0..n as u64).map(|i| (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) % BASE).chain([1]).collect()
        };
        for (n, m) in [(3, 2), (60, 45), (300, 40), (700, 250), (1000, 999)] {
            let (a, b) = (number(n, 1), number(m, 7));
            let r = number(m - 1, 3);
            let n = add(&mul(&a, &b), &r);
            assert_eq!(mul(&a, &b), from_binary(&(to_binary(&a) * to_binary(&b))));
            let (q, rest) = div_rem(&n, &b);
            assert_eq!(from_binary(&to_binary(&n)), n);
            assert_eq!((q, rest), (a, r));
        }
    }

    #[test]
    fn shifts_round_and_undo_each_other() {
        let c = from_digits(b"12345678901234567890123456789012345678905000000000000000000000001");
        for n in 0..70 {
            assert_eq!(shift_right_exact(&shift_left(&c, n), n), c);
        }
        assert_eq!(shift_right(&c, 26), (from_digits(b"123456789012345678901234567890123456789"), 1));
        assert_eq!(shift_right(&c, 25), (from_digits(b"1234567890123456789012345678901234567890"), 6));
        assert_eq!(shift_right(&c, 100), (Coef::new(), 1));
    }
}
