//! Arithmetic helpers with CPython's corner cases.

use super::format::significant;
use crate::big;

/// Why `x ** y` has no float result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowError {
    /// ZeroDivisionError: "zero to a negative power"
    ZeroDivision,
    /// OverflowError: (34, "Numerical result out of range")
    Overflow,
    /// Negative base, fractional exponent: the result is complex.
    Complex,
}

/// `divmod(x, y)`; `y` must not be zero.
pub fn divmod(x: f64, y: f64) -> (f64, f64) {
    let mut m = x % y;
    let mut div = (x - m) / y;
    if m != 0.0 {
        if (y < 0.0) != (m < 0.0) {
            m += y;
            div -= 1.0;
        }
    } else {
        m = 0f64.copysign(y);
    }
    let floor = if div != 0.0 {
        let f = div.floor();
        if div - f > 0.5 { f + 1.0 } else { f }
    } else {
        0f64.copysign(x / y)
    };
    (floor, m)
}

/// `x // y`; `y` must not be zero.
pub fn floor_div(x: f64, y: f64) -> f64 {
    divmod(x, y).0
}

/// `x % y`; `y` must not be zero.
pub fn py_mod(x: f64, y: f64) -> f64 {
    let m = x % y;
    if m == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (m < 0.0) {
        m + y
    } else {
        m
    }
}

/// `x ** y`.
pub fn pow(x: f64, y: f64) -> Result<f64, PowError> {
    if y == 0.0 || x == 1.0 {
        return Ok(1.0);
    }
    if x.is_nan() || y.is_nan() {
        return Ok(f64::NAN);
    }
    if x == 0.0 && y < 0.0 && y.is_finite() {
        return Err(PowError::ZeroDivision);
    }
    if x == 0.0 && y == f64::NEG_INFINITY {
        return Ok(f64::INFINITY);
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
        return Err(PowError::Complex);
    }
    let r = x.powf(y);
    if r.is_infinite() && x.is_finite() && y.is_finite() { Err(PowError::Overflow) } else { Ok(r) }
}

/// Whether `x` is finite and integral.
pub fn is_integer(x: f64) -> bool {
    x.is_finite() && x == x.trunc()
}

/// `round(x, ndigits)`, correctly rounded, ties to even; `None` when the result overflows.
pub fn round(x: f64, ndigits: i64) -> Option<f64> {
    if !x.is_finite() || x == 0.0 || ndigits > 323 {
        return Some(x);
    }
    let zero = 0f64.copysign(x);
    if ndigits < -308 {
        return Some(zero);
    }
    let a = x.abs();
    if ndigits >= 0 {
        if let Some(v) = super::exact::round(a, ndigits) {
            return Some(v.copysign(x));
        }
        let text = super::format(a, 'f', ndigits as usize, super::Flags::default());
        let v: f64 = text.parse().ok()?;
        return v.is_finite().then(|| v.copysign(x));
    }
    let d = {
        // The true position of the first digit; 60 digits cannot round up to a power of ten.
        let exact = significant(a, 60);
        let keep = i64::from(exact.point) + ndigits;
        match keep {
            1.. => significant(a, keep as usize),
            // Round to 0 or to one unit: compare with half a unit; a tie goes to the even 0.
            0 if exact.digits.as_slice() > b"5" => {
                super::format::Decimal { digits: smallvec::SmallVec::from_slice(b"1"), point: 1 - ndigits as i32 }
            }
            _ => return Some(zero),
        }
    };
    let text = format!("0.{}e{}", std::str::from_utf8(&d.digits).ok()?, d.point);
    let v: f64 = text.parse().ok()?;
    v.is_finite().then(|| v.copysign(x))
}

/// `x.as_integer_ratio()`: sign, numerator and denominator magnitudes; `None` for inf and nan.
pub fn as_integer_ratio(x: f64) -> Option<(bool, Vec<u32>, Vec<u32>)> {
    if !x.is_finite() {
        return None;
    }
    if x == 0.0 {
        return Some((false, vec![], vec![1]));
    }
    let bits = x.to_bits();
    let raw = (bits >> 52 & 0x7ff) as i64;
    let frac = bits & ((1 << 52) - 1) | if raw != 0 { 1 << 52 } else { 0 };
    let tz = frac.trailing_zeros();
    let exp = raw.max(1) - 1075 + i64::from(tz);
    let (mut num, mut den) = (Vec::new(), vec![1]);
    let mut m = Vec::new();
    big::from_u64(frac >> tz, &mut m);
    if exp >= 0 {
        big::shl(false, &m, exp as usize, &mut num);
    } else {
        num = m;
        big::shl(false, &[1], -exp as usize, &mut den);
    }
    Some((x < 0.0, num, den))
}

/// CPython's `hash(float)`; `None` for NaN, whose hash is the object's identity.
pub fn hash(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { 314159 } else { -314159 });
    }
    if x == 0.0 {
        return Some(0);
    }
    let bits = x.to_bits();
    let raw = (bits >> 52 & 0x7ff) as i64;
    let frac = bits & ((1 << 52) - 1) | if raw != 0 { 1 << 52 } else { 0 };
    let exp = raw.max(1) - 1075;
    // 2**61 is 1 modulo the hash's prime, so the exponent only rotates.
    let rot = exp.rem_euclid(61) as u32;
    let p = (1u64 << 61) - 1;
    let v = if rot == 0 { frac } else { (frac << rot) & p | frac >> (61 - rot) };
    let v = (v % p) as i64;
    let v = if x < 0.0 { -v } else { v };
    Some(if v == -1 { -2 } else { v })
}
