//! Operations on digits and exponents: logical ones, shifts, rotation, `logb`, `scaleb`.

use smallvec::smallvec;

use crate::limbs::{self, Coef, LIMB_DIGITS, POW10};
use crate::{Context, Dec, MAX_DIGITS, Num, Status, status};

impl Num<'_> {
    /// The digits as bits, as many as the precision, if it is a logical operand.
    fn bits(self, cx: &Context) -> Option<Vec<bool>> {
        if self.is_special() || self.neg || self.exp != 0 {
            return None;
        }
        let mut bits = Vec::with_capacity(self.coef.len() * LIMB_DIGITS);
        for limb in self.coef {
            for place in &POW10[..LIMB_DIGITS] {
                match limb / place % 10 {
                    digit @ 0..=1 => bits.push(digit == 1),
                    _ => return None,
                }
            }
        }
        bits.truncate(cx.prec.min(MAX_DIGITS) as usize);
        Some(bits)
    }

    /// `logical_and`, `logical_or`, `logical_xor`.
    pub fn logical(self, other: Num, f: impl Fn(bool, bool) -> bool, cx: &Context, st: &mut Status) -> Dec {
        let (Some(a), Some(b)) = (self.bits(cx), other.bits(cx)) else {
            return Dec::invalid(status::INVALID_OPERATION, st);
        };
        let n = a.len().max(b.len());
        let bit = |bits: &[bool], i: usize| bits.get(i).copied().unwrap_or(false);
        from_bits((0..n).map(|i| f(bit(&a, i), bit(&b, i))))
    }

    /// `logical_invert`.
    pub fn logical_invert(self, cx: &Context, st: &mut Status) -> Dec {
        let Some(bits) = self.bits(cx) else { return Dec::invalid(status::INVALID_OPERATION, st) };
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        from_bits((0..cx.prec as usize).map(|i| !bits.get(i).copied().unwrap_or(false)))
    }

    /// The second operand of a shift: an integer of at most the precision.
    fn shift_amount(self, cx: &Context) -> Option<i64> {
        if self.is_special() || self.exp != 0 {
            return None;
        }
        self.to_i64().filter(|n| n.unsigned_abs() <= cx.prec as u64)
    }

    /// `shift`: digits to the left, or right for a negative amount.
    pub fn shift(self, amount: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result_2(amount, cx, st) {
            return nan;
        }
        let Some(n) = amount.shift_amount(cx) else { return Dec::invalid(status::INVALID_OPERATION, st) };
        if self.is_infinite() {
            return self.to_dec();
        }
        let coef = if n < 0 {
            limbs::shift_right_exact(self.coef, -n as usize)
        } else if n > MAX_DIGITS && !self.coef.is_empty() {
            return Dec::invalid(status::MALLOC_ERROR, st);
        } else {
            limbs::low_digits(&limbs::shift_left(self.coef, n as usize), cx.prec as usize)
        };
        Dec::finite(self.neg, coef, self.exp)
    }

    /// `rotate`.
    pub fn rotate(self, amount: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result_2(amount, cx, st) {
            return nan;
        }
        let Some(n) = amount.shift_amount(cx) else { return Dec::invalid(status::INVALID_OPERATION, st) };
        if self.is_infinite() {
            return self.to_dec();
        }
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let (prec, n) = (cx.prec as usize, n.rem_euclid(cx.prec) as usize);
        let all = limbs::low_digits(self.coef, prec);
        let upper = limbs::shift_right_exact(&all, prec - n);
        let lower = limbs::shift_left(&limbs::low_digits(&all, prec - n), n);
        Dec::finite(self.neg, limbs::add(&upper, &lower), self.exp)
    }

    /// `logb`: the adjusted exponent as a number.
    pub fn logb(self, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result(cx, st) {
            return nan;
        }
        if self.is_infinite() {
            return Dec::infinity(false);
        }
        if self.coef.is_empty() {
            *st |= status::DIVISION_BY_ZERO;
            return Dec::infinity(true);
        }
        Dec::from_i64(self.adjusted()).finish(cx, st)
    }

    /// `scaleb`: the number with `other` added to its exponent.
    pub fn scaleb(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result_2(other, cx, st) {
            return nan;
        }
        let most = 2i64.saturating_mul(cx.emax.saturating_add(cx.prec));
        let amount = if other.exp == 0 { other.to_i64() } else { None };
        let Some(n) = amount.filter(|n| n.unsigned_abs() <= most.unsigned_abs()) else {
            return Dec::invalid(status::INVALID_OPERATION, st);
        };
        if self.is_infinite() {
            return self.to_dec();
        }
        let exp = self.exp.saturating_add(n).clamp(-4_000_000_000_000_000_000, 4_000_000_000_000_000_000);
        Num { exp, ..self }.to_dec().finish(cx, st)
    }
}

fn from_bits(bits: impl ExactSizeIterator<Item = bool>) -> Dec {
    let mut coef: Coef = smallvec![0; bits.len().div_ceil(LIMB_DIGITS)];
    for (i, bit) in bits.enumerate() {
        if bit {
            coef[i / LIMB_DIGITS] += POW10[i % LIMB_DIGITS];
        }
    }
    limbs::trim(&mut coef);
    Dec::finite(false, coef, 0)
}
