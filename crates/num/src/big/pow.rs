//! Powers, modular powers, greatest common divisor and integer square root.

use super::arith::{mul_mag, sub_mag_signed};
use super::div::divmod_mag;
use super::{Digits, SHIFT, bit_length, from_biguint, from_u64, shl, to_biguint, to_u64, trailing_zeros};

/// Why a modular power does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowError {
    /// "pow() 3rd argument cannot be 0"
    ZeroModulus,
    /// "base is not invertible for the given modulus"
    NotInvertible,
}

/// `a ** e`. The caller bounds the size of the result.
pub fn pow(an: bool, a: &Digits, e: u64, out: &mut Vec<u32>) -> bool {
    let neg = an && e & 1 == 1;
    out.clear();
    if e == 0 {
        out.push(1);
        return false;
    }
    // Powers of two are shifted in at the end, which makes 2**n and 10**n cheap.
    let Some(tz) = trailing_zeros(a) else {
        return false;
    };
    let mut base = Vec::new();
    super::shr(false, a, tz as usize, &mut base);
    let mut acc = base.clone();
    if base != [1] {
        let mut tmp = Vec::new();
        for i in (0..63 - e.leading_zeros()).rev() {
            mul_mag(&acc, &acc, &mut tmp);
            std::mem::swap(&mut acc, &mut tmp);
            if e >> i & 1 == 1 {
                mul_mag(&acc, &base, &mut tmp);
                std::mem::swap(&mut acc, &mut tmp);
            }
        }
    }
    shl(false, &acc, (tz * e) as usize, out);
    neg
}

/// `pow(a, e, m)` with Python's signs: the result has the sign of the modulus.
pub fn pow_mod(
    a: (bool, &Digits),
    e: (bool, &Digits),
    m: (bool, &Digits),
    out: &mut Vec<u32>,
) -> Result<bool, PowError> {
    let (mn, mm) = m;
    if mm.is_empty() {
        return Err(PowError::ZeroModulus);
    }
    if *mm == [1] {
        out.clear();
        return Ok(false);
    }
    let mut base = Vec::new();
    if e.0 {
        mod_inverse(a, (false, mm), &mut base)?;
    } else {
        super::rem(a.0, a.1, false, mm, &mut base);
    }
    if let (Some(b), Some(m)) = (to_u64(&base), to_u64(mm)) {
        from_u64(pow_mod_u64(b, e.1, m), out);
    } else {
        let r = to_biguint(&base).modpow(&to_biguint(e.1), &to_biguint(mm));
        from_biguint(&r, out);
    }
    if mn && !out.is_empty() {
        let t = std::mem::take(out);
        sub_mag_signed(mm, &t, out);
        return Ok(true);
    }
    Ok(false)
}

fn pow_mod_u64(b: u64, e: &Digits, m: u64) -> u64 {
    let m = u128::from(m);
    let b = u128::from(b);
    let mut acc = 1u128;
    for &d in e.iter().rev() {
        for i in (0..SHIFT).rev() {
            acc = acc * acc % m;
            if d >> i & 1 == 1 {
                acc = acc * b % m;
            }
        }
    }
    (acc % m) as u64
}

/// Inverse of `a` modulo `m`, with the sign of `m`.
pub fn mod_inverse(a: (bool, &Digits), m: (bool, &Digits), out: &mut Vec<u32>) -> Result<bool, PowError> {
    if m.1.is_empty() {
        return Err(PowError::ZeroModulus);
    }
    if *m.1 == [1] {
        out.clear();
        return Ok(false);
    }
    // Extended Euclid keeping only the coefficient of `a`.
    let (mut r0, mut r1) = (m.1.to_vec(), Vec::new());
    super::rem(a.0, a.1, false, m.1, &mut r1);
    let (mut s0, mut s1) = ((false, vec![]), (false, vec![1u32]));
    let (mut q, mut r) = (Vec::new(), Vec::new());
    while !r1.is_empty() {
        divmod_mag(&r0, &r1, &mut q, &mut r);
        let mut prod = Vec::new();
        let pn = super::mul(false, &q, s1.0, &s1.1, &mut prod);
        let mut next = Vec::new();
        let nn = super::sub(s0.0, &s0.1, pn, &prod, &mut next);
        s0 = std::mem::replace(&mut s1, (nn, next));
        std::mem::swap(&mut r0, &mut r1);
        std::mem::swap(&mut r1, &mut r);
    }
    if r0 != [1] {
        return Err(PowError::NotInvertible);
    }
    Ok(super::rem(s0.0, &s0.1, m.0, m.1, out))
}

/// Greatest common divisor of two magnitudes (Lehmer's algorithm).
pub fn gcd(a: &Digits, b: &Digits, out: &mut Vec<u32>) {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    if super::cmp_mag(&a, &b).is_lt() {
        std::mem::swap(&mut a, &mut b);
    }
    let (mut q, mut r) = (Vec::new(), Vec::new());
    while b.len() > 2 {
        if !lehmer_step(&mut a, &mut b) {
            divmod_mag(&a, &b, &mut q, &mut r);
            std::mem::swap(&mut a, &mut b);
            std::mem::swap(&mut b, &mut r);
        }
    }
    // b fits a word now; one division brings a down too.
    if !b.is_empty() {
        divmod_mag(&a, &b, &mut q, &mut r);
        let (mut x, mut y) = (to_u64(&b).unwrap_or(0), to_u64(&r).unwrap_or(0));
        while y != 0 {
            (x, y) = (y, x % y);
        }
        from_u64(x, out);
    } else {
        out.clear();
        out.extend_from_slice(&a);
    }
}

/// Runs Euclid on the top 60 bits as long as the quotients are certain, then applies the whole
/// matrix at once. `false` when not a single step was certain.
fn lehmer_step(a: &mut Vec<u32>, b: &mut Vec<u32>) -> bool {
    let shift = bit_length(a) - 60;
    let top = |m: &Digits| -> i64 {
        let (skip, bits) = ((shift / 30) as usize, (shift % 30) as u32);
        let part = m.get(skip..).unwrap_or(&[]);
        (part.iter().rev().fold(0u128, |acc, &d| acc << SHIFT | u128::from(d)) >> bits) as i64
    };
    let (mut x, mut y) = (top(a), top(b));
    let (mut ca, mut cb, mut cc, mut cd) = (1i64, 0i64, 0i64, 1i64);
    while y + cc != 0 && y + cd != 0 {
        let q = (x + ca) / (y + cc);
        // The other bound must give the same quotient; multiplying is cheaper than dividing.
        let Some(low) = q.checked_mul(y + cd) else {
            break;
        };
        let rest = x + cb - low;
        if rest < 0 || rest >= y + cd {
            break;
        }
        // Coefficients stay below 2**30 so that products with digits fit 64 bits; q is bounded
        // first so that these products do too.
        if q >= 1 << 30 {
            break;
        }
        let (nc, nd) = (ca - q * cc, cb - q * cd);
        if nc.abs() >= 1 << 30 || nd.abs() >= 1 << 30 {
            break;
        }
        (ca, cc) = (cc, nc);
        (cb, cd) = (cd, nd);
        (x, y) = (y, x - q * y);
    }
    if cb == 0 {
        return false;
    }
    // Both combinations are known to be non-negative and not larger than `a`.
    b.resize(a.len(), 0);
    let (mut carry_a, mut carry_b) = (0i64, 0i64);
    for (x, y) in a.iter_mut().zip(b.iter_mut()) {
        let (dx, dy) = (i64::from(*x), i64::from(*y));
        carry_a += dx * ca + dy * cb;
        carry_b += dx * cc + dy * cd;
        *x = carry_a as u32 & super::MASK;
        *y = carry_b as u32 & super::MASK;
        carry_a >>= SHIFT;
        carry_b >>= SHIFT;
    }
    super::normalize(a);
    super::normalize(b);
    true
}

/// Integer square root of a magnitude.
pub fn isqrt(a: &Digits, out: &mut Vec<u32>) {
    match to_u64(a) {
        Some(v) => from_u64(v.isqrt(), out),
        None => from_biguint(&to_biguint(a).sqrt(), out),
    }
}
