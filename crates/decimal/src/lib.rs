//! Decimal floating point: the General Decimal Arithmetic Specification (version 1.70) with unlimited precision.
//!
//! Numbers are a sign, a coefficient in limbs of base 10^19 and an exponent. An operation takes a [`Context`], returns
//! its result and adds the conditions it met to a [`Status`]; traps are the caller's business. Results are correctly
//! rounded, those of `exp`, `ln` and `log10` half to even whatever the context says, as in CPython.

mod arith;
mod compare;
mod digitwise;
mod format;
pub mod limbs;
mod power;
mod round;
mod series;
mod text;
mod transcend;

pub use format::{FormatError, Separators, Spec};
pub use limbs::Coef;
pub use round::Rounding;

/// Greatest precision.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
/// Greatest exponent.
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
/// Least exponent.
pub const MIN_EMIN: i64 = -999_999_999_999_999_999;
/// Least exponent of a subnormal number's last digit.
pub const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);

/// Coefficients with more digits are not made: the operation reports [`status::MALLOC_ERROR`].
const MAX_DIGITS: i64 = 2_000_000_000;

/// Conditions, as bits.
pub mod status {
    /// The exponent was changed to fit.
    pub const CLAMPED: u32 = 1;
    /// Not a number in text.
    pub const CONVERSION_SYNTAX: u32 = 1 << 1;
    /// A finite number divided by zero.
    pub const DIVISION_BY_ZERO: u32 = 1 << 2;
    /// The integer quotient needs too many digits.
    pub const DIVISION_IMPOSSIBLE: u32 = 1 << 3;
    /// Zero divided by zero.
    pub const DIVISION_UNDEFINED: u32 = 1 << 4;
    /// Digits other than zero were lost.
    pub const INEXACT: u32 = 1 << 6;
    /// The context cannot be used for this.
    pub const INVALID_CONTEXT: u32 = 1 << 7;
    /// No such result.
    pub const INVALID_OPERATION: u32 = 1 << 8;
    /// Out of memory.
    pub const MALLOC_ERROR: u32 = 1 << 9;
    /// A float was mixed in.
    pub const FLOAT_OPERATION: u32 = 1 << 10;
    /// Too large.
    pub const OVERFLOW: u32 = 1 << 11;
    /// Digits were lost.
    pub const ROUNDED: u32 = 1 << 12;
    /// Below the least normal number.
    pub const SUBNORMAL: u32 = 1 << 13;
    /// Subnormal and inexact.
    pub const UNDERFLOW: u32 = 1 << 14;
    /// Conditions without a usable result.
    pub const ERRORS: u32 = INVALID | DIVISION_BY_ZERO;
    /// All conditions that are `InvalidOperation`.
    pub const INVALID: u32 = CONVERSION_SYNTAX
        | DIVISION_IMPOSSIBLE
        | DIVISION_UNDEFINED
        | INVALID_CONTEXT
        | INVALID_OPERATION
        | MALLOC_ERROR
        | 1 << 5;
}

/// Conditions that operations met.
pub type Status = u32;

/// Precision and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Digits of results.
    pub prec: i64,
    /// Greatest adjusted exponent.
    pub emax: i64,
    /// Least adjusted exponent of normal numbers.
    pub emin: i64,
    /// How to round.
    pub rounding: Rounding,
    /// Exponents are at most [`Context::etop`].
    pub clamp: bool,
}

impl Context {
    /// The widest context: for exact results.
    pub const MAX: Context =
        Context { prec: MAX_PREC, emax: MAX_EMAX, emin: MIN_EMIN, rounding: Rounding::HalfEven, clamp: false };

    /// Least exponent of a number's last digit.
    pub fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }

    /// Greatest exponent of a number with all digits.
    pub fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }

    /// Whether a number of one limb and an exponent near zero fits, whatever its digits are.
    #[inline(always)]
    pub(crate) fn fits_limb(&self, exp: i64) -> bool {
        const NEAR: i64 = 10_000;
        self.prec >= limbs::LIMB_DIGITS as i64
            && self.emax >= 2 * NEAR
            && self.emin <= -2 * NEAR
            && !self.clamp
            && (-NEAR..NEAR).contains(&exp)
    }

    /// The widest exponents, this precision, half to even: for intermediate results.
    fn working(prec: i64) -> Context {
        Context { prec: prec.min(MAX_PREC), ..Context::MAX }
    }
}

/// Kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A finite number.
    Finite,
    /// Infinity.
    Infinite,
    /// A NaN that operations hand on.
    Quiet,
    /// A NaN that operations report.
    Signaling,
}

/// A number whose coefficient belongs to someone else. The coefficient of a NaN is its payload.
#[derive(Clone, Copy, Debug)]
pub struct Num<'a> {
    /// Below zero, or -0.
    pub neg: bool,
    /// Its kind.
    pub kind: Kind,
    /// Exponent of the last digit.
    pub exp: i64,
    /// Limbs of the coefficient.
    pub coef: &'a [u64],
}

/// A number.
#[derive(Clone, Debug)]
pub struct Dec {
    /// Below zero, or -0.
    pub neg: bool,
    /// Its kind.
    pub kind: Kind,
    /// Exponent of the last digit.
    pub exp: i64,
    /// Limbs of the coefficient.
    pub coef: Coef,
}

impl Num<'_> {
    /// Infinity or a NaN.
    #[inline(always)]
    pub fn is_special(&self) -> bool {
        self.kind != Kind::Finite
    }

    /// A NaN.
    #[inline(always)]
    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signaling)
    }

    /// Infinity.
    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    /// Zero.
    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Finite && self.coef.is_empty()
    }

    /// Digits of the coefficient.
    #[inline(always)]
    pub fn digits(&self) -> i64 {
        limbs::digits(self.coef) as i64
    }

    /// Exponent of the first digit.
    #[inline(always)]
    pub fn adjusted(&self) -> i64 {
        self.exp + self.digits() - 1
    }

    /// A copy.
    pub fn to_dec(self) -> Dec {
        Dec { neg: self.neg, kind: self.kind, exp: self.exp, coef: Coef::from_slice(self.coef) }
    }

    /// The same with another sign.
    pub fn with_sign(self, neg: bool) -> Self {
        Num { neg, ..self }
    }

    /// True for a finite number without a fraction.
    pub fn is_integer(&self) -> bool {
        self.kind == Kind::Finite
            && (self.exp >= 0 || self.coef.is_empty() || limbs::trailing_zeros(self.coef) as i64 >= -self.exp)
    }

    /// True for an odd integer.
    pub fn is_odd(&self) -> bool {
        self.is_integer() && self.exp <= 0 && limbs::digit(self.coef, -self.exp as usize) % 2 == 1
    }

    /// The integral part, if it fits.
    pub fn to_i64(&self) -> Option<i64> {
        if self.kind != Kind::Finite || !self.is_integer() {
            return None;
        }
        let size = if self.coef.is_empty() {
            0
        } else if self.exp >= 0 {
            let factor = (self.exp < 19).then(|| limbs::POW10[self.exp as usize])?;
            limbs::to_u64(self.coef)?.checked_mul(factor)?
        } else {
            limbs::to_u64(&limbs::shift_right_exact(self.coef, -self.exp as usize))?
        };
        if self.neg { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
    }

    /// Between the least normal number and zero.
    pub fn is_subnormal(&self, cx: &Context) -> bool {
        self.kind == Kind::Finite && !self.coef.is_empty() && self.adjusted() < cx.emin
    }

    /// Finite, not zero, not subnormal.
    pub fn is_normal(&self, cx: &Context) -> bool {
        self.kind == Kind::Finite && !self.coef.is_empty() && self.adjusted() >= cx.emin
    }
}

impl Dec {
    /// The number as a borrowed one.
    #[inline(always)]
    pub fn num(&self) -> Num<'_> {
        Num { neg: self.neg, kind: self.kind, exp: self.exp, coef: &self.coef }
    }

    /// A finite number.
    #[inline(always)]
    pub fn finite(neg: bool, coef: Coef, exp: i64) -> Dec {
        Dec { neg, kind: Kind::Finite, exp, coef }
    }

    /// Zero with an exponent.
    pub fn zero(neg: bool, exp: i64) -> Dec {
        Dec::finite(neg, Coef::new(), exp)
    }

    /// Infinity.
    pub fn infinity(neg: bool) -> Dec {
        Dec { neg, kind: Kind::Infinite, exp: 0, coef: Coef::new() }
    }

    /// NaN.
    pub fn nan() -> Dec {
        Dec { neg: false, kind: Kind::Quiet, exp: 0, coef: Coef::new() }
    }

    /// NaN, and the reason for it.
    pub fn invalid(condition: Status, status: &mut Status) -> Dec {
        *status |= condition;
        Dec::nan()
    }

    /// An integer.
    pub fn from_i64(n: i64) -> Dec {
        Dec::finite(n < 0, limbs::from_u128(n.unsigned_abs() as u128), 0)
    }
}

impl Dec {
    /// The exact value of a double; a NaN loses its sign.
    pub fn from_f64(d: f64) -> Dec {
        if d.is_nan() {
            return Dec::nan();
        }
        if d.is_infinite() {
            return Dec::infinity(d < 0.0);
        }
        let bits = d.to_bits();
        let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i64);
        let (mantissa, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        let neg = d.is_sign_negative();
        if mantissa == 0 {
            return Dec::zero(neg, 0);
        }
        let zeros = mantissa.trailing_zeros() as i64;
        let (mantissa, exponent) = (num_bigint::BigUint::from(mantissa >> zeros), exponent + zeros);
        if exponent >= 0 {
            return Dec::finite(neg, limbs::from_binary(&(mantissa << exponent as u64)), 0);
        }
        let scaled = mantissa * num_bigint::BigUint::from(5u32).pow(-exponent as u32);
        Dec::finite(neg, limbs::from_binary(&scaled), exponent)
    }
}
