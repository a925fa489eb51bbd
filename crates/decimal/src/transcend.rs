//! `exp`, `ln` and `log10`, correctly rounded: computed with some digits more, and again with more while the digits
//! beyond the precision could still be on either side of a tie.

use num_bigint::{BigInt, BigUint, Sign};
use smallvec::smallvec;

use crate::limbs::{self, Coef};
use crate::round::make_sticky;
use crate::{Context, Dec, MAX_DIGITS, Num, Rounding, Status, series, status};

/// Bits that hold so many digits.
pub(crate) fn bits_for(digits: i64) -> u64 {
    digits.max(1) as u64 * 3322 / 1000 + 4
}

/// `10^n`.
pub(crate) fn binary_pow10(n: u64) -> BigInt {
    BigInt::from(BigUint::from(5u32).pow(n as u32)) << n
}

/// `num` as fixed point, towards zero; its exponent is moderate.
pub(crate) fn to_fixed(num: Num, bits: u64) -> BigInt {
    let coef = BigInt::from(limbs::to_binary(num.coef)) << bits;
    let size = if num.exp >= 0 {
        coef * binary_pow10(num.exp as u64)
    } else if -num.exp > num.digits() + bits as i64 {
        BigInt::ZERO
    } else {
        coef / binary_pow10(-num.exp as u64)
    };
    if num.neg { -size } else { size }
}

/// The fixed-point number with so many digits behind the point, as coefficient and sign.
pub(crate) fn to_decimal(x: &BigInt, bits: u64, digits: u64) -> (bool, Coef) {
    let scaled: BigInt = (x.magnitude() * binary_pow10(digits).magnitude() >> bits).into();
    (x.sign() == Sign::Minus, limbs::from_binary(scaled.magnitude()))
}

/// True if rounding `coef`, known up to 2 units of its last place, half to even to `prec` digits is safe.
pub(crate) fn is_safe(coef: &[u64], prec: i64) -> bool {
    let spare = limbs::digits(coef) as i64 - prec;
    if spare < 2 {
        return false;
    }
    // The digits that go: 5000... up to a few units is not safe.
    let tail = limbs::low_digits(coef, spare as usize);
    let mut half = limbs::pow10(spare as usize - 1);
    half = limbs::mul(&half, &[5]);
    let distance = if limbs::cmp(&tail, &half).is_lt() { limbs::sub(&half, &tail) } else { limbs::sub(&tail, &half) };
    limbs::to_u64(&distance).is_none_or(|n| n > 4)
}

/// A result that is known not to be exact.
pub(crate) fn inexact(neg: bool, mut coef: Coef, exp: i64, cx: &Context, st: &mut Status) -> Dec {
    make_sticky(&mut coef);
    *st |= status::INEXACT | status::ROUNDED;
    Dec::finite(neg, coef, exp).finish(cx, st)
}

/// Too large or too small for any context, with this sign of its logarithm.
pub(crate) fn out_of_range(neg: bool, large: bool, cx: &Context, st: &mut Status) -> Dec {
    let exp = if large { cx.emax.saturating_add(1) } else { cx.etiny() - 2 };
    Dec::finite(neg, smallvec![1], exp).finish(cx, st)
}

impl Num<'_> {
    /// `e^self`.
    pub fn exp(self, cx: &Context, st: &mut Status) -> Dec {
        if self.is_special() {
            return self
                .nan_result(cx, st)
                .unwrap_or_else(|| if self.neg { Dec::zero(false, 0) } else { Dec::infinity(false) });
        }
        if self.coef.is_empty() {
            return Dec::from_i64(1);
        }
        let cx = Context { rounding: Rounding::HalfEven, ..*cx };
        let adjusted = self.adjusted();
        if adjusted >= 19 {
            return out_of_range(false, !self.neg, &cx, st);
        }
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        if adjusted < -cx.prec - 1 {
            return beside_one(self.neg, &cx, st);
        }
        let mut guard = 4;
        loop {
            let (coef, exp) = exp_digits(&|bits| to_fixed(self, bits), cx.prec + guard, adjusted);
            if is_safe(&coef, cx.prec) {
                return inexact(false, coef, exp, &cx, st);
            }
            guard *= 2;
        }
    }

    /// The natural logarithm.
    pub fn ln(self, cx: &Context, st: &mut Status) -> Dec {
        let cx = Context { rounding: Rounding::HalfEven, ..*cx };
        if let Some(result) = self.log_of_special(&cx, st) {
            return result;
        }
        if self.is_one() {
            return Dec::zero(false, 0);
        }
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let mut guard = 4;
        loop {
            let (neg, coef, exp) = log_digits(self, cx.prec + guard, false);
            if is_safe(&coef, cx.prec) {
                return inexact(neg, coef, exp, &cx, st);
            }
            guard *= 2;
        }
    }

    /// The logarithm to base 10.
    pub fn log10(self, cx: &Context, st: &mut Status) -> Dec {
        let cx = Context { rounding: Rounding::HalfEven, ..*cx };
        if let Some(result) = self.log_of_special(&cx, st) {
            return result;
        }
        let digits = self.digits();
        if limbs::trailing_zeros(self.coef) as i64 == digits - 1 && limbs::digit(self.coef, digits as usize - 1) == 1 {
            return Dec::from_i64(self.adjusted()).finish(&cx, st);
        }
        if cx.prec > MAX_DIGITS {
            return Dec::invalid(status::MALLOC_ERROR, st);
        }
        let mut guard = 4;
        loop {
            let (neg, coef, exp) = log_digits(self, cx.prec + guard, true);
            if is_safe(&coef, cx.prec) {
                return inexact(neg, coef, exp, &cx, st);
            }
            guard *= 2;
        }
    }

    fn log_of_special(self, cx: &Context, st: &mut Status) -> Option<Dec> {
        if let Some(nan) = self.nan_result(cx, st) {
            return Some(nan);
        }
        if self.is_zero() {
            return Some(Dec::infinity(true));
        }
        if self.neg {
            return Some(Dec::invalid(status::INVALID_OPERATION, st));
        }
        self.is_infinite().then(|| Dec::infinity(false))
    }

    /// True for 1, 1.0, 1.00...
    pub(crate) fn is_one(self) -> bool {
        let digits = self.digits();
        self.exp <= 0
            && self.exp == 1 - digits
            && limbs::trailing_zeros(self.coef) as i64 == digits - 1
            && limbs::digit(self.coef, digits as usize - 1) == 1
    }
}

/// `e^x` for an `x` that is next to zero.
pub(crate) fn beside_one(below: bool, cx: &Context, st: &mut Status) -> Dec {
    let digits = cx.prec as usize + 2;
    let coef = if below { limbs::nines(digits) } else { limbs::add(&limbs::pow10(digits), &[1]) };
    Dec::finite(false, coef, -(digits as i64)).finish(cx, st)
}

/// At least `digits` digits of `e^x`, up to 2 units of the last, and the exponent of the last; `x` is below
/// `10^(adjusted + 1)`.
pub(crate) fn exp_digits(x: &dyn Fn(u64) -> BigInt, digits: i64, adjusted: i64) -> (Coef, i64) {
    // e^x = 10^k * e^r with 0 <= r < ln 10.
    let bits = bits_for(digits) + 24;
    let more = bits + bits_for(adjusted.max(0) + 1) + 8;
    let (x, ln10) = (x(more), series::ln10(more));
    let mut k = &x / &ln10;
    let mut r = x - &k * &ln10;
    if r.sign() == Sign::Minus {
        k -= 1;
        r += ln10;
    }
    let power = series::exp(&(r >> (more - bits)), bits);
    let k = i64::try_from(&k).unwrap_or(i64::MAX / 4);
    let (_, coef) = to_decimal(&power, bits, digits as u64);
    (coef, k - digits)
}

/// The natural logarithm of a positive number as fixed point, off by less than `2^-(bits - 10)`.
pub(crate) fn ln_fixed(n: Num, bits: u64) -> BigInt {
    let adjusted = n.adjusted();
    if (-1..=0).contains(&adjusted) {
        return series::ln(&to_fixed(n, bits), bits);
    }
    // n = m * 10^adjusted with 1 <= m < 10.
    let more = bits + 64;
    let m = series::ln(&to_fixed(Num { exp: n.exp - adjusted, ..n }, more), more);
    (m + series::ln10(more) * adjusted) >> 64u32
}

/// An upper bound of the zeros behind the point of `ln n`.
pub(crate) fn log_zeros(n: Num) -> i64 {
    match n.adjusted() {
        -1..=0 => {
            let mut ignored = 0;
            let one = Dec::from_i64(1);
            let cx = Context::working(n.digits() + 2);
            let distance = n.sub(one.num(), &cx, &mut ignored);
            (1 - distance.num().adjusted()).max(1)
        }
        _ => 0,
    }
}

/// At least `digits` digits of the logarithm, up to 2 units of the last: sign, coefficient, exponent.
fn log_digits(n: Num, digits: i64, to_base_10: bool) -> (bool, Coef, i64) {
    let places = (digits + log_zeros(n) + 2) as u64;
    let bits = bits_for(places as i64) + 96;
    let mut x = ln_fixed(n, bits);
    if to_base_10 {
        x = (x << bits) / series::ln10(bits);
    }
    let (neg, coef) = to_decimal(&x, bits, places);
    (neg, coef, -(places as i64))
}
