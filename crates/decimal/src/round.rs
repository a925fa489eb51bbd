//! Rounding and fitting results into a context.

use std::cmp::Ordering;

use smallvec::smallvec;

use crate::limbs::{self, Coef, Dropped};
use crate::{Context, Dec, Kind, MAX_DIGITS, Num, Status, status};

/// Rounding modes, in the order of the names that Python lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
    /// To the nearest, ties away from zero.
    HalfUp,
    /// To the nearest, ties towards zero.
    HalfDown,
    /// To the nearest, ties to the even digit.
    HalfEven,
    /// Away from zero if the last digit is 0 or 5.
    ZeroFiveUp,
}

impl Rounding {
    /// True if a coefficient with this last digit that lost `dropped` is to be incremented.
    #[inline(always)]
    pub(crate) fn increments(self, neg: bool, dropped: Dropped, last: impl FnOnce() -> u64) -> bool {
        dropped != 0
            && match self {
                Rounding::HalfEven => dropped > 5 || dropped == 5 && last() & 1 == 1,
                Rounding::HalfUp => dropped >= 5,
                Rounding::HalfDown => dropped > 5,
                Rounding::Down => false,
                Rounding::Up => true,
                Rounding::Ceiling => !neg,
                Rounding::Floor => neg,
                Rounding::ZeroFiveUp => last() % 5 == 0,
            }
    }
}

fn last_digit(c: &[u64]) -> u64 {
    c.first().map_or(0, |limb| limb % 10)
}

impl Dec {
    /// Fits the result of an operation into the context.
    #[inline]
    pub fn finish(mut self, cx: &Context, st: &mut Status) -> Dec {
        if self.kind != Kind::Finite {
            if self.num().is_nan() {
                self.fit_payload(cx);
            }
            return self;
        }
        let digits = limbs::digits(&self.coef) as i64;
        let adjusted = self.exp + digits - 1;
        if adjusted > cx.emax || adjusted < cx.emin || cx.clamp && self.exp > cx.etop() {
            self.fit_exponent(cx, st);
        }
        let digits = limbs::digits(&self.coef) as i64;
        if digits > cx.prec && self.kind == Kind::Finite {
            self.round_off((digits - cx.prec) as usize, cx, st);
        }
        self
    }

    /// Drops `n` digits.
    fn round_off(&mut self, n: usize, cx: &Context, st: &mut Status) {
        let dropped = limbs::cut(&mut self.coef, n);
        self.exp += n as i64;
        *st |= status::ROUNDED;
        if dropped == 0 {
            return;
        }
        *st |= status::INEXACT;
        if cx.rounding.increments(self.neg, dropped, || last_digit(&self.coef)) {
            limbs::add_one(&mut self.coef);
            if limbs::digits(&self.coef) as i64 > cx.prec {
                limbs::shift_down(&mut self.coef, 1);
                self.exp += 1;
                self.fit_exponent(cx, st);
            }
        }
    }

    /// The payload of a NaN keeps as many digits as fit.
    fn fit_payload(&mut self, cx: &Context) {
        let most = cx.prec - i64::from(cx.clamp);
        if limbs::digits(&self.coef) as i64 > most {
            self.coef = limbs::low_digits(&self.coef, most as usize);
        }
    }

    #[inline(never)]
    fn fit_exponent(&mut self, cx: &Context, st: &mut Status) {
        let adjusted = self.num().adjusted();
        if adjusted > cx.emax {
            if self.coef.is_empty() {
                self.exp = if cx.clamp { cx.etop() } else { cx.emax };
                *st |= status::CLAMPED;
                return;
            }
            *st |= status::OVERFLOW | status::INEXACT | status::ROUNDED;
            let largest = match cx.rounding {
                Rounding::Down | Rounding::ZeroFiveUp => true,
                Rounding::Ceiling => self.neg,
                Rounding::Floor => !self.neg,
                _ => false,
            };
            *self = if largest { Dec::largest(self.neg, cx, st) } else { Dec::infinity(self.neg) };
        } else if cx.clamp && self.exp > cx.etop() {
            let shift = self.exp - cx.etop();
            if !self.coef.is_empty() && shift > MAX_DIGITS {
                *self = Dec::invalid(status::MALLOC_ERROR, st);
                return;
            }
            self.coef = limbs::shift_left(&self.coef, shift as usize);
            self.exp = cx.etop();
            *st |= status::CLAMPED;
            if !self.coef.is_empty() && adjusted < cx.emin {
                *st |= status::SUBNORMAL;
            }
        } else if adjusted < cx.emin {
            self.fit_subnormal(cx, st);
        }
    }

    fn fit_subnormal(&mut self, cx: &Context, st: &mut Status) {
        let etiny = cx.etiny();
        if self.coef.is_empty() {
            if self.exp < etiny {
                self.exp = etiny;
                *st |= status::CLAMPED;
            }
            return;
        }
        *st |= status::SUBNORMAL;
        if self.exp >= etiny {
            return;
        }
        let shift = (etiny - self.exp).min(limbs::digits(&self.coef) as i64 + 1) as usize;
        let (coef, dropped) = limbs::shift_right(&self.coef, shift);
        (self.coef, self.exp) = (coef, etiny);
        *st |= status::ROUNDED;
        if dropped != 0 {
            *st |= status::INEXACT | status::UNDERFLOW;
            if cx.rounding.increments(self.neg, dropped, || last_digit(&self.coef)) {
                limbs::add_one(&mut self.coef);
            }
            if self.coef.is_empty() {
                *st |= status::CLAMPED;
            }
        }
    }

    /// The largest finite number.
    pub(crate) fn largest(neg: bool, cx: &Context, st: &mut Status) -> Dec {
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        Dec::finite(neg, limbs::nines(cx.prec as usize), cx.etop())
    }
}

impl Num<'_> {
    /// The NaN that an operation with one operand gives; None for other operands.
    #[inline]
    pub(crate) fn nan_result(self, cx: &Context, st: &mut Status) -> Option<Dec> {
        if !self.is_nan() {
            return None;
        }
        if self.kind == Kind::Signaling {
            *st |= status::INVALID_OPERATION;
        }
        let mut nan = Num { kind: Kind::Quiet, ..self }.to_dec();
        nan.fit_payload(cx);
        Some(nan)
    }

    /// As [`Num::nan_result`], with two operands: a signaling one goes first.
    #[inline]
    pub(crate) fn nan_result_2(self, other: Num, cx: &Context, st: &mut Status) -> Option<Dec> {
        match (self.kind, other.kind) {
            (Kind::Signaling, _) => self.nan_result(cx, st),
            (_, Kind::Signaling) => other.nan_result(cx, st),
            (Kind::Quiet, _) => self.nan_result(cx, st),
            (_, Kind::Quiet) => other.nan_result(cx, st),
            _ => None,
        }
    }

    /// The number rounded to `exp` as its exponent, whatever precision that takes; the conditions are added.
    pub fn rescaled(self, exp: i64, rounding: Rounding, st: &mut Status) -> Dec {
        if self.coef.is_empty() {
            return Dec::zero(self.neg, exp);
        }
        if self.exp >= exp {
            if self.exp - exp > MAX_DIGITS {
                return Dec::invalid(status::MALLOC_ERROR, st);
            }
            return Dec::finite(self.neg, limbs::shift_left(self.coef, (self.exp - exp) as usize), exp);
        }
        let shift = (exp - self.exp).min(self.digits() + 1) as usize;
        let (mut coef, dropped) = limbs::shift_right(self.coef, shift);
        *st |= status::ROUNDED;
        if dropped != 0 {
            *st |= status::INEXACT;
            if rounding.increments(self.neg, dropped, || last_digit(&coef)) {
                limbs::add_one(&mut coef);
            }
        }
        Dec::finite(self.neg, coef, exp)
    }

    /// A finite number of one limb rounded to `exp`, if the result has one limb and the context does not matter to it.
    #[inline]
    fn limb_quantized(self, exp: i64, cx: &Context, st: &mut Status) -> Option<Dec> {
        let &[limb] = self.coef else { return None };
        if !cx.fits_limb(exp) || !cx.fits_limb(self.exp) {
            return None;
        }
        let distance = exp - self.exp;
        let power = *limbs::POW10.get(distance.unsigned_abs() as usize)?;
        if distance <= 0 {
            let scaled = limb.checked_mul(power).filter(|n| *n < limbs::BASE)?;
            return Some(Dec::finite(self.neg, smallvec![scaled], exp));
        }
        let (mut kept, rest) = (limb / power, limb % power);
        *st |= status::ROUNDED;
        if rest != 0 {
            *st |= status::INEXACT;
            let dropped = match rest.cmp(&(power / 2)) {
                Ordering::Less => 1,
                Ordering::Equal => 5,
                Ordering::Greater => 6,
            };
            kept += u64::from(cx.rounding.increments(self.neg, dropped, || kept % 10));
        }
        let coef = if kept == 0 { Coef::new() } else { smallvec![kept] };
        Some(Dec::finite(self.neg, coef, exp))
    }

    /// `quantize`: the number with the exponent of `pattern`.
    pub fn quantize(self, pattern: Num, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() || pattern.is_special() {
            if let Some(nan) = self.nan_result_2(pattern, cx, st) {
                return nan;
            }
            if self.is_infinite() && pattern.is_infinite() {
                return self.to_dec();
            }
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        if pattern.exp > cx.emax || pattern.exp < cx.etiny() {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        if let Some(result) = self.limb_quantized(pattern.exp, cx, st) {
            return result;
        }
        if self.coef.is_empty() {
            return Dec::zero(self.neg, pattern.exp).finish(cx, st);
        }
        let growth = self.exp - pattern.exp;
        if self.digits() + growth > cx.prec {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        let mut conditions = 0;
        let result = self.rescaled(pattern.exp, cx.rounding, &mut conditions);
        if result.num().adjusted() > cx.emax || result.num().digits() > cx.prec {
            return Dec::invalid(status::INVALID_OPERATION, st);
        }
        *st |= conditions;
        if result.num().is_subnormal(cx) {
            *st |= status::SUBNORMAL;
        }
        result.finish(cx, st)
    }

    /// `to_integral_exact`, or without `exact` `to_integral_value`, which tells nothing.
    pub fn to_integral(self, exact: bool, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self.nan_result(cx, st).unwrap_or_else(|| self.to_dec());
        }
        if self.exp >= 0 {
            return self.to_dec();
        }
        let mut conditions = 0;
        let result = self.rescaled(0, cx.rounding, &mut conditions);
        if exact {
            *st |= conditions;
        }
        result
    }

    /// `normalize`: without zeros at the end.
    pub fn reduce(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self.nan_result(cx, st).unwrap_or_else(|| self.to_dec());
        }
        let mut result = self.to_dec().finish(cx, st);
        if result.kind != Kind::Finite {
            return result;
        }
        if result.coef.is_empty() {
            result.exp = 0;
            return result;
        }
        let highest = if cx.clamp { cx.etop() } else { cx.emax };
        let shift = (limbs::trailing_zeros(&result.coef) as i64).min((highest - result.exp).max(0));
        limbs::shift_down(&mut result.coef, shift as usize);
        result.exp += shift;
        result
    }

    /// `plus`: the number, rounded; -0 becomes 0 unless rounding goes down.
    pub fn plus(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self.nan_result(cx, st).unwrap_or_else(|| self.to_dec());
        }
        let neg = if self.coef.is_empty() { self.neg && cx.rounding == Rounding::Floor } else { self.neg };
        self.with_sign(neg).to_dec().finish(cx, st)
    }

    /// `minus`.
    pub fn minus(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self.nan_result(cx, st).unwrap_or_else(|| self.with_sign(!self.neg).to_dec());
        }
        let neg = if self.coef.is_empty() { !self.neg && cx.rounding == Rounding::Floor } else { !self.neg };
        self.with_sign(neg).to_dec().finish(cx, st)
    }

    /// `abs`.
    pub fn absolute(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self.nan_result(cx, st).unwrap_or_else(|| self.with_sign(false).to_dec());
        }
        self.with_sign(false).to_dec().finish(cx, st)
    }

    /// The number rounded, its sign kept.
    pub fn rounded(self, cx: &Context, st: &mut Status) -> Dec {
        self.to_dec().finish(cx, st)
    }
}

/// `coef` with a last digit that no later rounding takes for exact or for a tie.
pub(crate) fn make_sticky(coef: &mut Coef) {
    if matches!(last_digit(coef), 0 | 5) {
        limbs::add_one(coef);
    }
}
