//! `power`, with and without a modulus.

use smallvec::smallvec;

use crate::limbs;
use crate::transcend::{beside_one, exp_digits, inexact, is_safe, ln_fixed, log_zeros, out_of_range};
use crate::{Context, Dec, MAX_DIGITS, Num, Rounding, Status, status};

/// Digits of the largest exponent of ten, with some room.
const EXPONENT_DIGITS: i64 = 19;

impl Num<'_> {
    /// `self ** other`.
    pub fn pow(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result_2(other, cx, st) {
            return nan;
        }
        let neg = self.neg && other.is_odd();
        if other.is_zero() {
            if self.is_zero() {
                return Dec::invalid(status::INVALID_OPERATION, st);
            }
            return Dec::from_i64(1);
        }
        if self.is_special() || other.is_special() {
            return self.pow_special(other, neg, cx, st);
        }
        if self.coef.is_empty() {
            return if other.neg { Dec::infinity(neg) } else { Dec::zero(neg, 0) };
        }
        if self.neg && !other.is_integer() {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        if self.with_sign(false).is_one() {
            return self.pow_of_one(other, neg, cx, st);
        }
        // Small integral exponents stay in range.
        if other.exp == 0
            && let [n] = other.coef
            && *n < 900
            && self.adjusted().abs() < 1000
            && cx.emax >= 999_999
            && cx.emin <= -999_999
        {
            return self.pow_integer(other, neg, cx, st);
        }
        // The size of the result, up to a digit or two: far out of range needs no digits.
        let log = self.approximate_log10() * other.approximate();
        if log.abs() > 4e18 {
            return out_of_range(neg, log > 0.0, cx, st);
        }
        if cx.prec > MAX_DIGITS && !other.is_integer() {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        if other.is_integer() && other.adjusted() < EXPONENT_DIGITS {
            if log.abs() > 1.0 && (log as i64) > cx.emax.saturating_add(2) {
                return out_of_range(neg, true, cx, st);
            }
            if (log as i64) < cx.etiny() - 2 {
                return out_of_range(neg, false, cx, st);
            }
            return self.pow_integer(other, neg, cx, st);
        }
        self.pow_real(other, neg, cx, st)
    }

    fn pow_special(self, other: Num, neg: bool, cx: &Context, st: &mut Status) -> Dec {
        if self.is_infinite() {
            if self.neg && (other.is_infinite() || !other.is_integer()) {
                return Dec::invalid(status::INVALID_OPERATION, st);
            }
            return if other.neg { Dec::zero(neg, 0) } else { Dec::infinity(neg) };
        }
        // A power of infinity: below one it vanishes, above it grows.
        if self.neg && !self.is_zero() {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        if self.is_zero() {
            return if other.neg { Dec::infinity(false) } else { Dec::zero(false, 0) };
        }
        match self.order(Dec::from_i64(1).num()) {
            std::cmp::Ordering::Equal => {
                *st |= status::INEXACT | status::ROUNDED;
                one_with_zeros(false, cx.prec - 1, st)
            }
            order => {
                if order.is_gt() == other.neg {
                    Dec::zero(false, 0)
                } else {
                    Dec::infinity(false)
                }
            }
        }
    }

    /// A power of 1.00 or -1.00: the zeros multiply.
    fn pow_of_one(self, other: Num, neg: bool, cx: &Context, st: &mut Status) -> Dec {
        if !other.is_integer() {
            *st |= status::INEXACT | status::ROUNDED;
            return one_with_zeros(neg, cx.prec - 1, st);
        }
        if other.neg {
            return Dec { neg, ..Dec::from_i64(1) };
        }
        let zeros = match self.exp {
            0 => 0,
            exp => other.to_i64().and_then(|n| n.checked_mul(-exp)).unwrap_or(i64::MAX),
        };
        let zeros = if zeros > cx.prec - 1 {
            *st |= status::ROUNDED;
            cx.prec - 1
        } else {
            zeros
        };
        one_with_zeros(neg, zeros, st)
    }

    /// By squaring, with some digits more than the precision.
    fn pow_integer(self, other: Num, neg: bool, cx: &Context, st: &mut Status) -> Dec {
        let Some(n) = other.to_i64() else { return self.pow_real(other, neg, cx, st) };
        let mut wide = Context::working(cx.prec.saturating_add(4 + EXPONENT_DIGITS));
        let mut base = self.with_sign(false).to_dec();
        let mut conditions = 0;
        if n < 0 {
            wide.prec += 1;
            base = Dec::from_i64(1).num().div(base.num(), &wide, &mut conditions);
        }
        let mut left = n.unsigned_abs();
        let mut result = Dec::from_i64(1);
        loop {
            if left & 1 == 1 {
                result = result.num().mul(base.num(), &wide, &mut conditions);
            }
            left >>= 1;
            if left == 0 || result.num().is_special() {
                break;
            }
            base = base.num().mul(base.num(), &wide, &mut conditions);
            if base.num().is_special() || base.num().is_zero() {
                // Out of range of any exponent, and so is what follows.
                let large = base.num().is_infinite();
                return out_of_range(neg, large, cx, st);
            }
        }
        if conditions & status::MALLOC_ERROR != 0 {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        *st |= conditions & (status::INEXACT | status::ROUNDED);
        if conditions & status::INEXACT != 0 {
            *st |= status::ROUNDED;
        }
        Dec { neg, ..result }.finish(cx, st)
    }

    /// `e^(other * ln(self))`.
    fn pow_real(self, other: Num, neg: bool, cx: &Context, st: &mut Status) -> Dec {
        let base = self.with_sign(false);
        let log = base.approximate_log10() * std::f64::consts::LN_10 * other.approximate();
        // The logarithm times the exponent is below 10^(adjusted + 1).
        let adjusted = other.adjusted()
            + if base.adjusted() == 0 || base.adjusted() == -1 {
                3 - log_zeros(base)
            } else {
                base.adjusted().unsigned_abs().ilog10() as i64 + 2
            };
        if adjusted < -cx.prec - 2 {
            return Dec { neg, ..beside_one(log < 0.0, cx, st) };
        }
        let mut guard = 6;
        loop {
            let product = |bits: u64| {
                // Bits before the point of the other factor cost as many bits of the logarithm.
                let before = if other.adjusted() > 0 { other.adjusted() as u64 * 4 + 8 } else { 0 };
                let wide = bits + before + 16;
                let ln = ln_fixed(base, wide);
                let factor = num_bigint::BigInt::from(limbs::to_binary(other.coef));
                let product = if other.exp >= 0 {
                    ln * factor * crate::transcend::binary_pow10(other.exp as u64)
                } else {
                    ln * factor / crate::transcend::binary_pow10(-other.exp as u64)
                };
                (if other.neg { -product } else { product }) >> (wide - bits)
            };
            let (coef, exp) = exp_digits(&product, cx.prec + guard, adjusted.max(0));
            // After some rounds it is taken for exact: a root that has few digits.
            if let Some(exact) = nearly_exact(&coef, exp, cx.prec, guard) {
                *st |= status::INEXACT | status::ROUNDED;
                return Dec { neg, ..exact }.finish(cx, st);
            }
            if is_safe(&coef, cx.prec) && (cx.rounding == Rounding::HalfEven || is_off_boundary(&coef, cx.prec)) {
                return inexact(neg, coef, exp, cx, st);
            }
            guard *= 2;
        }
    }

    /// The logarithm to base 10 as a double.
    fn approximate_log10(self) -> f64 {
        let digits = self.digits();
        let top = limbs::shift_right_exact(self.coef, (digits - 17).max(0) as usize);
        let mantissa = limbs::to_u64(&top).unwrap_or(1) as f64 / 10f64.powi(digits.min(17) as i32 - 1);
        if self.adjusted() == 0 && mantissa < 1.000_001 || self.adjusted() == -1 && mantissa > 9.999_99 {
            // Next to one the digits far behind count.
            let mut ignored = 0;
            let one = Dec::from_i64(1);
            let distance = self.with_sign(false).sub(one.num(), &Context::working(20), &mut ignored);
            return distance.num().approximate() / std::f64::consts::LN_10;
        }
        mantissa.log10() + self.adjusted() as f64
    }

    /// As a double; infinite or zero far out.
    fn approximate(self) -> f64 {
        let digits = self.digits();
        let top = limbs::shift_right_exact(self.coef, (digits - 17).max(0) as usize);
        let mantissa = limbs::to_u64(&top).unwrap_or(1) as f64 / 10f64.powi(digits.min(17) as i32 - 1);
        let size = mantissa * 10f64.powi(self.adjusted().clamp(-400, 400) as i32);
        if self.neg { -size } else { size }
    }

    /// `pow(self, other, modulus)` for integers.
    pub fn pow_mod(self, other: Num, modulus: Num, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() || other.is_special() || modulus.is_special() {
            let first = self.nan_result_2(other, cx, st);
            return match first {
                Some(nan) if *st & status::INVALID_OPERATION != 0 || modulus.kind != crate::Kind::Signaling => nan,
                _ => modulus.nan_result(cx, st).unwrap_or_else(|| Dec::invalid(status::INVALID_OPERATION, st)),
            };
        }
        let integers = self.is_integer() && other.is_integer() && modulus.is_integer();
        let limit = MAX_DIGITS.min(1_000_000);
        let too_long = [self, other, modulus].iter().any(|n| n.exp > limit);
        if !integers || other.neg && !other.coef.is_empty() || modulus.coef.is_empty() || too_long {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        if modulus.adjusted() >= cx.prec || self.coef.is_empty() && other.coef.is_empty() {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        let neg = self.neg && other.is_odd();
        let mut ignored = 0;
        let whole = |n: Num, st: &mut Status| limbs::to_binary(&n.rescaled(0, Rounding::Down, st).coef);
        let (base, exponent, modulus) =
            (whole(self, &mut ignored), whole(other, &mut ignored), whole(modulus, &mut ignored));
        let result = limbs::from_binary(&base.modpow(&exponent, &modulus));
        Dec::finite(neg, result, 0)
    }
}

/// 1 with so many zeros behind the point.
fn one_with_zeros(neg: bool, zeros: i64, st: &mut Status) -> Dec {
    if zeros > MAX_DIGITS {
        return Dec::invalid(status::MALLOC_ERROR, st);
    }
    Dec::finite(neg, limbs::shift_left(&[1], zeros as usize), -zeros)
}

/// The exact result that `coef` is next to, if it has at most one digit more than the precision and the many digits
/// behind are zeros or nines.
fn nearly_exact(coef: &[u64], exp: i64, prec: i64, guard: i64) -> Option<Dec> {
    if guard < 24 {
        return None;
    }
    let rounded = limbs::add(coef, &smallvec::SmallVec::<[u64; 4]>::from_slice(&[5]));
    let spare = limbs::digits(&rounded) as i64 - prec - 1;
    if spare < 8 {
        return None;
    }
    let tail = limbs::low_digits(&rounded, spare as usize);
    if limbs::to_u64(&tail).is_none_or(|n| n > 10) {
        return None;
    }
    let coef = limbs::shift_right_exact(&rounded, spare as usize);
    let coef: limbs::Coef = if coef.is_empty() { smallvec![] } else { coef };
    Some(Dec::finite(false, coef, exp + spare))
}

/// True if directed rounding to `prec` digits is safe: the digits that go are not next to zero.
fn is_off_boundary(coef: &[u64], prec: i64) -> bool {
    let spare = limbs::digits(coef) as i64 - prec;
    if spare < 2 {
        return false;
    }
    let tail = limbs::low_digits(coef, spare as usize);
    let rest = limbs::sub(&limbs::pow10(spare as usize), &tail);
    let far = |n: &[u64]| limbs::to_u64(n).is_none_or(|n| n > 4);
    far(&tail) && far(&rest)
}
