//! The four operations, remainders and what is made of them.

use std::cmp::Ordering;

use smallvec::smallvec;

use crate::limbs::{self, Coef};
use crate::round::{Rounding, make_sticky};
use crate::{Context, Dec, MAX_DIGITS, MAX_PREC, Num, Status, status};

impl<'a> Num<'a> {
    /// The sum of numbers of one limb each, if it has one limb and the context does not matter to it.
    #[inline]
    fn sum_of_limbs(self, other: Num, cx: &Context) -> Option<Dec> {
        let (&[mut a], &[mut b]) = (self.coef, other.coef) else { return None };
        let exp = self.exp.min(other.exp);
        if self.is_special() || other.is_special() || !cx.fits_limb(exp) {
            return None;
        }
        let scaled = |limb: u64, distance: i64| limb.checked_mul(*limbs::POW10.get(distance as usize)?);
        (a, b) = (scaled(a, self.exp - exp)?, scaled(b, other.exp - exp)?);
        let (neg, sum) = match a.cmp(&b) {
            _ if self.neg == other.neg => (self.neg, a.checked_add(b)?),
            Ordering::Greater => (self.neg, a - b),
            Ordering::Less => (other.neg, b - a),
            Ordering::Equal => return None,
        };
        (sum < limbs::BASE).then(|| Dec::finite(neg, smallvec![sum], exp))
    }

    /// `self + other`.
    #[inline]
    pub fn add(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(sum) = self.sum_of_limbs(other, cx) {
            return sum;
        }
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return nan;
            }
            if self.is_infinite() && other.is_infinite() && self.neg != other.neg {
                return Dec::invalid(status::INVALID_OPERATION, st);
            }
            return if self.is_infinite() { self.to_dec() } else { other.to_dec() };
        }
        let (high, low) = if self.exp >= other.exp { (self, other) } else { (other, self) };
        if high.exp == low.exp {
            return add_aligned(high.neg, high.coef, low.neg, low.coef, low.exp, cx).finish(cx, st);
        }
        if high.coef.is_empty() {
            // The exponent of a zero counts, its sign only beside another zero.
            let neg = if low.coef.is_empty() { zero_sign(high.neg, low.neg, cx) } else { low.neg };
            return low.with_sign(neg).to_dec().finish(cx, st);
        }
        let mut low = low;
        // What is too small to reach a digit of the result is replaced by one unit just out of its reach.
        let reach = high.exp + (high.digits().saturating_sub(cx.prec).saturating_sub(2)).min(-1);
        let unit: [u64; 1] = [1];
        if low.exp + low.digits() - 1 < reach {
            if low.coef.is_empty() {
                let exp = low.exp.max(reach);
                let coef = limbs::shift_left(high.coef, (high.exp - exp) as usize);
                return Dec::finite(high.neg, coef, exp).finish(cx, st);
            }
            low = Num { exp: reach, coef: &unit, ..low };
        }
        let shift = high.exp - low.exp;
        if shift > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let coef = limbs::shift_left(high.coef, shift as usize);
        add_aligned(high.neg, &coef, low.neg, low.coef, low.exp, cx).finish(cx, st)
    }

    /// `self - other`.
    pub fn sub(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if other.is_nan() {
            return self.add(other, cx, st);
        }
        self.add(other.with_sign(!other.neg), cx, st)
    }

    /// `self * other`, not yet fitted into a context, for operands that are not NaNs.
    fn product(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        let neg = self.neg != other.neg;
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return nan;
            }
            if self.is_zero() || other.is_zero() {
                return Dec::invalid(status::INVALID_OPERATION, st);
            }
            return Dec::infinity(neg);
        }
        Dec::finite(neg, limbs::mul(self.coef, other.coef), self.exp + other.exp)
    }

    /// `self * other`.
    #[inline]
    pub fn mul(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if let (&[a], &[b]) = (self.coef, other.coef)
            && let Some(product) = a.checked_mul(b)
            && product < limbs::BASE
            && !self.is_special()
            && !other.is_special()
            && cx.fits_limb(self.exp)
            && cx.fits_limb(other.exp)
        {
            return Dec::finite(self.neg != other.neg, smallvec![product], self.exp + other.exp);
        }
        self.product(other, cx, st).finish(cx, st)
    }

    /// `self * factor + addend`, rounded once.
    pub fn fma(self, factor: Num, addend: Num, cx: &Context, st: &mut Status) -> Dec {
        // As everywhere, the first signaling NaN counts, then the first quiet one, and a product that is invalid
        // is reported even beside a quiet NaN.
        if self.is_nan() || factor.is_nan() || addend.is_nan() {
            let first = self.nan_result_2(factor, cx, st);
            return match first {
                Some(nan) if *st & status::INVALID_OPERATION != 0 || addend.kind != crate::Kind::Signaling => nan,
                None if addend.kind != crate::Kind::Signaling && invalid_product(self, factor) => {
                    Dec::invalid(status::INVALID_OPERATION, st)
                }
                _ => addend.nan_result(cx, st).unwrap_or_else(Dec::nan),
            };
        }
        let product = self.product(factor, cx, st);
        if product.num().is_nan() {
            return product;
        }
        product.num().add(addend, cx, st)
    }

    /// `self / other`.
    pub fn div(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        let neg = self.neg != other.neg;
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return nan;
            }
            if self.is_infinite() {
                if other.is_infinite() {
                    return Dec::invalid(status::INVALID_OPERATION, st);
                }
                return Dec::infinity(neg);
            }
            *st |= status::CLAMPED;
            return Dec::zero(neg, cx.etiny());
        }
        if other.coef.is_empty() {
            if self.coef.is_empty() {
                return Dec::invalid(status::DIVISION_UNDEFINED, st);
            }
            *st |= status::DIVISION_BY_ZERO;
            return Dec::infinity(neg);
        }
        let ideal = self.exp - other.exp;
        if self.coef.is_empty() {
            return Dec::zero(neg, ideal).finish(cx, st);
        }
        let shift = (other.digits() - self.digits()).saturating_add(cx.prec + 1).max(0);
        if shift > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let (mut q, rest) = limbs::div_rem(&limbs::shift_left(self.coef, shift as usize), other.coef);
        let mut exp = ideal - shift;
        if rest.is_empty() {
            let zeros = (limbs::trailing_zeros(&q) as i64).min(ideal - exp);
            if zeros > 0 {
                limbs::shift_down(&mut q, zeros as usize);
                exp += zeros;
            }
        } else {
            make_sticky(&mut q);
        }
        Dec::finite(neg, q, exp).finish(cx, st)
    }

    /// Integer quotient and remainder of finite numbers; None if the quotient has too many digits.
    fn divide_integers(self, other: Num, cx: &Context) -> Option<(Coef, Dec)> {
        let exp = self.exp.min(other.exp);
        if self.coef.is_empty() {
            return Some((Coef::new(), Dec::zero(self.neg, exp)));
        }
        let distance = self.adjusted() - other.adjusted();
        if distance < 0 {
            // The quotient is zero. The shift is less than the digits of the divisor.
            let coef = limbs::shift_left(self.coef, (self.exp - exp) as usize);
            return Some((Coef::new(), Dec::finite(self.neg, coef, exp)));
        }
        if distance > cx.prec || (self.exp - exp).max(other.exp - exp) > MAX_DIGITS {
            return None;
        }
        let a = limbs::shift_left(self.coef, (self.exp - exp) as usize);
        let b = limbs::shift_left(other.coef, (other.exp - exp) as usize);
        let (q, r) = limbs::div_rem(&a, &b);
        if limbs::digits(&q) as i64 > cx.prec {
            return None;
        }
        Some((q, Dec::finite(self.neg, r, exp)))
    }

    /// `self // other`, truncated.
    pub fn div_int(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        let neg = self.neg != other.neg;
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return nan;
            }
            if self.is_infinite() {
                if other.is_infinite() {
                    return Dec::invalid(status::INVALID_OPERATION, st);
                }
                return Dec::infinity(neg);
            }
            return Dec::zero(neg, 0);
        }
        if other.coef.is_empty() {
            return self.divided_by_zero(neg, st);
        }
        match self.divide_integers(other, cx) {
            Some((q, _)) => Dec::finite(neg, q, 0).finish(cx, st),
            None => Dec::invalid(status::DIVISION_IMPOSSIBLE, st),
        }
    }

    fn divided_by_zero(self, neg: bool, st: &mut Status) -> Dec {
        if self.coef.is_empty() {
            return Dec::invalid(status::DIVISION_UNDEFINED, st);
        }
        *st |= status::DIVISION_BY_ZERO;
        Dec::infinity(neg)
    }

    /// `self % other`, with the sign of `self`.
    pub fn rem(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return nan;
            }
            if self.is_infinite() {
                return Dec::invalid(status::INVALID_OPERATION, st);
            }
            return self.to_dec().finish(cx, st);
        }
        if other.coef.is_empty() {
            let condition = if self.coef.is_empty() { status::DIVISION_UNDEFINED } else { status::INVALID_OPERATION };
            return Dec::invalid(condition, st);
        }
        match self.divide_integers(other, cx) {
            Some((_, r)) => r.finish(cx, st),
            None => Dec::invalid(status::DIVISION_IMPOSSIBLE, st),
        }
    }

    /// Both of `div_int` and `rem`.
    pub fn div_rem(self, other: Num, cx: &Context, st: &mut Status) -> (Dec, Dec) {
        let neg = self.neg != other.neg;
        if self.is_special() || other.is_special() {
            if let Some(nan) = self.nan_result_2(other, cx, st) {
                return (nan.clone(), nan);
            }
            if self.is_infinite() {
                let q = if other.is_infinite() { Dec::nan() } else { Dec::infinity(neg) };
                return (q, Dec::invalid(status::INVALID_OPERATION, st));
            }
            return (Dec::zero(neg, 0), self.to_dec().finish(cx, st));
        }
        if other.coef.is_empty() {
            if self.coef.is_empty() {
                return (Dec::nan(), Dec::invalid(status::DIVISION_UNDEFINED, st));
            }
            *st |= status::DIVISION_BY_ZERO;
            return (Dec::infinity(neg), Dec::invalid(status::INVALID_OPERATION, st));
        }
        match self.divide_integers(other, cx) {
            Some((q, r)) => (Dec::finite(neg, q, 0).finish(cx, st), r.finish(cx, st)),
            None => (Dec::nan(), Dec::invalid(status::DIVISION_IMPOSSIBLE, st)),
        }
    }

    /// `remainder-near`: what is left by the quotient rounded to the nearest integer.
    pub fn rem_near(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() || other.is_special() || other.coef.is_empty() {
            return self.rem(other, cx, st);
        }
        let exp = self.exp.min(other.exp);
        if self.coef.is_empty() {
            return Dec::zero(self.neg, exp).finish(cx, st);
        }
        if self.adjusted() < other.adjusted() - 1 {
            return self.divide_integers(other, cx).map_or_else(Dec::nan, |(_, r)| r).finish(cx, st);
        }
        if self.adjusted() - other.adjusted() > cx.prec || (self.exp - exp).max(other.exp - exp) > MAX_DIGITS {
            return Dec::invalid(status::DIVISION_IMPOSSIBLE, st);
        }
        let a = limbs::shift_left(self.coef, (self.exp - exp) as usize);
        let b = limbs::shift_left(other.coef, (other.exp - exp) as usize);
        let (mut q, mut r) = limbs::div_rem(&a, &b);
        let mut neg = self.neg;
        let odd = q.first().is_some_and(|limb| limb % 2 == 1);
        match limbs::cmp(&limbs::add(&r, &r), &b) {
            Ordering::Less => {}
            Ordering::Equal if !odd => {}
            _ => {
                r = limbs::sub(&b, &r);
                neg = !neg;
                limbs::add_one(&mut q);
            }
        }
        if limbs::digits(&q) as i64 > cx.prec {
            return Dec::invalid(status::DIVISION_IMPOSSIBLE, st);
        }
        Dec::finite(neg, r, exp).finish(cx, st)
    }

    /// The square root.
    pub fn sqrt(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            if let Some(nan) = self.nan_result(cx, st) {
                return nan;
            }
            return if self.neg { Dec::invalid(status::INVALID_OPERATION, st) } else { self.to_dec() };
        }
        let ideal = self.exp.div_euclid(2);
        let cx = Context { rounding: Rounding::HalfEven, ..*cx };
        if self.coef.is_empty() {
            return Dec::zero(self.neg, ideal).finish(&cx, st);
        }
        if self.neg {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        // The root of a number with 2 * prec + 2 digits or one less has prec + 1 digits.
        let odd = self.exp.rem_euclid(2);
        let wanted = cx.prec.saturating_mul(2).saturating_add(2);
        let shift = wanted - self.digits() - odd;
        let shift = if shift > 0 { shift + (shift & 1) } else { 0 };
        if shift > 2 * MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let n = limbs::shift_left(self.coef, (shift + odd) as usize);
        let binary = limbs::to_binary(&n);
        let root = binary.sqrt();
        let exact = &root * &root == binary;
        let mut coef = limbs::from_binary(&root);
        let mut exp = ideal - shift / 2;
        if exact {
            let zeros = (limbs::trailing_zeros(&coef) as i64).min(ideal - exp);
            if zeros > 0 {
                coef = limbs::shift_right_exact(&coef, zeros as usize);
                exp += zeros;
            }
        } else {
            make_sticky(&mut coef);
        }
        Dec::finite(false, coef, exp).finish(&cx, st)
    }

    /// The number as an integer, rounded; None for special ones and for those too large.
    pub fn integer(self, rounding: Rounding, st: &mut Status) -> Option<Dec> {
        if self.is_special() {
            return None;
        }
        let cx = Context { rounding, prec: MAX_PREC, ..Context::MAX };
        let whole = self.to_integral(false, &cx, st);
        let whole = if whole.exp == 0 { whole } else { whole.num().rescaled(0, rounding, st) };
        (!whole.num().is_nan()).then_some(whole)
    }

    /// One unit of the last place of the exponent `exp`.
    pub(crate) fn unit(neg: bool, exp: i64) -> Dec {
        Dec::finite(neg, smallvec![1], exp)
    }
}

fn invalid_product(a: Num, b: Num) -> bool {
    a.is_infinite() && b.is_zero() || a.is_zero() && b.is_infinite()
}

/// Sign of a zero that is the sum of two numbers.
fn zero_sign(a: bool, b: bool, cx: &Context) -> bool {
    if a == b { a } else { cx.rounding == Rounding::Floor }
}

#[inline]
fn add_aligned(a_neg: bool, a: &[u64], b_neg: bool, b: &[u64], exp: i64, cx: &Context) -> Dec {
    if a_neg == b_neg {
        return Dec::finite(a_neg, limbs::add(a, b), exp);
    }
    match limbs::cmp(a, b) {
        Ordering::Equal => Dec::zero(cx.rounding == Rounding::Floor, exp),
        Ordering::Greater => Dec::finite(a_neg, limbs::sub(a, b), exp),
        Ordering::Less => Dec::finite(b_neg, limbs::sub(b, a), exp),
    }
}
