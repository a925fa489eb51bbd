//! The module `math`.
//!
//! Transcendental functions are the C library's, as in CPython, so that results agree to the last digit.

mod integers;
mod libm;
mod special;
mod sums;

use taipan_num::float::repr;
use taipan_runtime::protocol::{call, number};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::support::{self, int_from_f64};
use taipan_macros::pymethods;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let doc = "This module provides access to the mathematical functions\ndefined by the C standard.";
    let module = support::module(cx, "math", doc, Math::METHODS);
    for table in [Elementary::METHODS, integers::Integers::METHODS, sums::Sums::METHODS] {
        module.add_functions(cx, table);
    }
    let constants = [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ];
    for (name, number) in constants {
        let value = cx.float(number);
        module.set(cx, name, value);
    }
    module
}

/// Checks the result of a function of one number: an invalid operation made a NaN, or a finite one an infinity.
#[inline(always)]
fn checked(cx: &mut Cx, x: f64, r: f64, can_overflow: bool, error: &str) -> PyResult<f64> {
    if r.is_finite() || r.is_nan() && x.is_nan() || r.is_infinite() && !x.is_finite() {
        return Ok(r);
    }
    Err(failed(cx, x, r, can_overflow, error))
}

#[cold]
fn failed(cx: &mut Cx, x: f64, r: f64, can_overflow: bool, error: &str) -> taipan_runtime::Raised {
    if r.is_infinite() && can_overflow {
        return range_error(cx);
    }
    let text = if error.is_empty() { "math domain error".to_string() } else { format!("{error}, got {}", repr(x)) };
    cx.raise_text(&taipan_runtime::exceptions::ValueError, &text)
}

/// OverflowError "math range error".
#[cold]
fn range_error(cx: &mut Cx) -> taipan_runtime::Raised {
    cx.raise_text(&taipan_runtime::exceptions::OverflowError, "math range error")
}

fn domain_error<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, ValueError, "math domain error")
}

/// Functions of one number.
struct Elementary;

#[pymethods]
impl Elementary {
    /// Return the arc cosine (measured in radians) of x.
    ///
    /// The result is between 0 and pi.
    #[py("($module, x, /)")]
    fn acos(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.acos(), false, "expected a number in range from -1 up to 1")
    }

    /// Return the inverse hyperbolic cosine of x.
    #[py("($module, x, /)")]
    fn acosh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::acosh(x), false, "expected argument value not less than 1")
    }

    /// Return the arc sine (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    #[py("($module, x, /)")]
    fn asin(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.asin(), false, "expected a number in range from -1 up to 1")
    }

    /// Return the inverse hyperbolic sine of x.
    #[py("($module, x, /)")]
    fn asinh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::asinh(x), false, "")
    }

    /// Return the arc tangent (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    #[py("($module, x, /)")]
    fn atan(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.atan(), false, "")
    }

    /// Return the inverse hyperbolic tangent of x.
    #[py("($module, x, /)")]
    fn atanh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::atanh(x), false, "expected a number between -1 and 1")
    }

    /// Return the cube root of x.
    #[py("($module, x, /)")]
    fn cbrt(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::cbrt(x), false, "")
    }

    /// Return the cosine of x (measured in radians).
    #[py("($module, x, /)")]
    fn cos(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.cos(), false, "expected a finite input")
    }

    /// Return the hyperbolic cosine of x.
    #[py("($module, x, /)")]
    fn cosh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.cosh(), true, "")
    }

    /// Error function at x.
    #[py("($module, x, /)")]
    fn erf(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::erf(x), false, "")
    }

    /// Complementary error function at x.
    #[py("($module, x, /)")]
    fn erfc(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::erfc(x), false, "")
    }

    /// Return e raised to the power of x.
    #[py("($module, x, /)")]
    fn exp(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.exp(), true, "")
    }

    /// Return 2 raised to the power of x.
    #[py("($module, x, /)")]
    fn exp2(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::exp2(x), true, "")
    }

    /// Return exp(x)-1.
    ///
    /// This function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.
    #[py("($module, x, /)")]
    fn expm1(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::expm1(x), true, "")
    }

    /// Return the absolute value of the float x.
    #[py("($module, x, /)")]
    fn fabs(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.abs(), false, "")
    }

    /// Return the natural logarithm of 1+x (base e).
    ///
    /// The result is computed in a way which is accurate for x near zero.
    #[py("($module, x, /)")]
    fn log1p(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, libm::log1p(x), false, "expected argument value > -1")
    }

    /// Return the sine of x (measured in radians).
    #[py("($module, x, /)")]
    fn sin(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sin(), false, "expected a finite input")
    }

    /// Return the hyperbolic sine of x.
    #[py("($module, x, /)")]
    fn sinh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sinh(), true, "")
    }

    /// Return the square root of x.
    #[py("($module, x, /)")]
    fn sqrt(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sqrt(), false, "expected a nonnegative input")
    }

    /// Return the tangent of x (measured in radians).
    #[py("($module, x, /)")]
    fn tan(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.tan(), false, "expected a finite input")
    }

    /// Return the hyperbolic tangent of x.
    #[py("($module, x, /)")]
    fn tanh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.tanh(), false, "")
    }

    /// Gamma function at x.
    #[py("($module, x, /)")]
    fn gamma(cx: &mut Cx, x: f64) -> PyResult<f64> {
        special::raise(cx, x, special::gamma(x))
    }

    /// Natural logarithm of absolute value of Gamma function at x.
    #[py("($module, x, /)")]
    fn lgamma(cx: &mut Cx, x: f64) -> PyResult<f64> {
        special::raise(cx, x, special::lgamma(x))
    }

    /// Convert angle x from radians to degrees.
    #[py("($module, x, /)")]
    fn degrees(_cx: &mut Cx, x: f64) -> f64 {
        x * (180.0 / std::f64::consts::PI)
    }

    /// Convert angle x from degrees to radians.
    #[py("($module, x, /)")]
    fn radians(_cx: &mut Cx, x: f64) -> f64 {
        x * (std::f64::consts::PI / 180.0)
    }

    /// Return True if x is neither an infinity nor a NaN, and False otherwise.
    #[py("($module, x, /)")]
    fn isfinite(_cx: &mut Cx, x: f64) -> bool {
        x.is_finite()
    }

    /// Return True if x is a positive or negative infinity, and False otherwise.
    #[py("($module, x, /)")]
    fn isinf(_cx: &mut Cx, x: f64) -> bool {
        x.is_infinite()
    }

    /// Return True if x is a NaN (not a number), and False otherwise.
    #[py("($module, x, /)")]
    fn isnan(_cx: &mut Cx, x: f64) -> bool {
        x.is_nan()
    }

    /// Return the value of the least significant bit of the float x.
    #[py("($module, x, /)")]
    fn ulp(_cx: &mut Cx, x: f64) -> f64 {
        let x = x.abs();
        if !x.is_finite() {
            return x;
        }
        let next = x.next_up();
        if next.is_infinite() { x - x.next_down() } else { next - x }
    }
}

/// `log` of an int beyond the range of floats: mantissa and binary exponent.
fn frexp_of_int(v: Value) -> Option<(f64, f64)> {
    let w = int::view(v)?;
    let bits = taipan_num::big::bit_length(w.digits());
    let mut top = Vec::new();
    taipan_num::big::shr(false, w.digits(), (bits - 64) as usize, &mut top);
    let top = taipan_num::big::to_u64(&top)? as f64;
    Some((top / 2f64.powi(64), bits as f64))
}

fn logarithm(cx: &mut Cx, v: Value, log: fn(f64) -> f64) -> PyResult<f64> {
    if int::check(v) {
        let positive = int::view(v).is_some_and(|w| !w.negative && !w.digits().is_empty());
        if !positive {
            return raise!(cx, ValueError, "expected a positive input");
        }
        return match int::as_i64(v) {
            Some(i) => Ok(log(i as f64)),
            None => {
                let w = int::view(v).expect("an int");
                match taipan_num::big::to_f64(false, w.digits()) {
                    Some(d) => Ok(log(d)),
                    None => {
                        let (mantissa, exponent) = frexp_of_int(v).expect("an int");
                        Ok(log(mantissa) + log(2.0) * exponent)
                    }
                }
            }
        };
    }
    let x = number::to_f64(cx, v)?;
    if x > 0.0 || x.is_nan() {
        return Ok(log(x));
    }
    raise!(cx, ValueError, "expected a positive input, got {}", repr(x))
}

/// Result of `__floor__` and the like, if the type of `v` has it.
fn special_method(cx: &mut Cx, v: Value, name: &'static taipan_runtime::types::str::Str) -> PyResult<Option<Value>> {
    match cx.lookup_special(v, name) {
        Some(f) => call::call_unbound(cx, f, v, &[]).map(Some),
        None => Ok(None),
    }
}

fn is_exact_float(v: Value) -> bool {
    v.is_flonum() || v.exact_class(&float::FLOAT)
}

fn to_int(cx: &mut Cx, d: f64) -> PyResult<Value> {
    if d.is_nan() {
        return raise!(cx, ValueError, "cannot convert float NaN to integer");
    }
    if d.is_infinite() {
        return raise!(cx, OverflowError, "cannot convert float infinity to integer");
    }
    Ok(int_from_f64(cx, d))
}

fn rounded(
    cx: &mut Cx,
    v: Value,
    name: &'static taipan_runtime::types::str::Str,
    f: fn(f64) -> f64,
) -> PyResult<Value> {
    if !is_exact_float(v) {
        if v.is_small() {
            return Ok(v);
        }
        if let Some(r) = special_method(cx, v, name)? {
            return Ok(r);
        }
        if int::check(v) {
            return int::plain(cx, v);
        }
    }
    let d = number::to_f64(cx, v)?;
    to_int(cx, f(d))
}

/// `x` as a fraction in [0.5, 1) and an exponent.
fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    if exponent == 0 {
        let (m, e) = frexp(x * 2f64.powi(64));
        return (m, e - 64);
    }
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent - 1022)
}

/// The other functions.
struct Math;

#[pymethods]
impl Math {
    /// Return the arc tangent (measured in radians) of y/x.
    ///
    /// Unlike atan(y/x), the signs of both x and y are considered.
    #[py("($module, y, x, /)")]
    fn atan2(_cx: &mut Cx, y: f64, x: f64) -> f64 {
        y.atan2(x)
    }

    /// Return the ceiling of x as an Integral.
    ///
    /// This is the smallest integer >= x.
    #[py("($module, x, /)")]
    fn ceil(cx: &mut Cx, x: Value) -> PyResult<Value> {
        let name = cx.names().__ceil__;
        rounded(cx, x, name, f64::ceil)
    }

    /// Return the floor of x as an Integral.
    ///
    /// This is the largest integer <= x.
    #[py("($module, x, /)")]
    fn floor(cx: &mut Cx, x: Value) -> PyResult<Value> {
        let name = cx.names().__floor__;
        rounded(cx, x, name, f64::floor)
    }

    /// Truncates the Real x to the nearest Integral toward 0.
    ///
    /// Uses the __trunc__ magic method.
    #[py("($module, x, /)")]
    fn trunc(cx: &mut Cx, x: Value) -> PyResult<Value> {
        if is_exact_float(x) {
            return to_int(cx, float::of(x).trunc());
        }
        if x.is_small() {
            return Ok(x);
        }
        let name = cx.names().__trunc__;
        match special_method(cx, x, name)? {
            Some(r) => Ok(r),
            None if int::check(x) => int::plain(cx, x),
            None => raise!(cx, TypeError, "type {} doesn't define __trunc__ method", x.class().tp_name()),
        }
    }

    /// Return a float with the magnitude (absolute value) of x but the sign of y.
    ///
    /// On platforms that support signed zeros, copysign(1.0, -0.0)
    /// returns -1.0.
    #[py("($module, x, y, /)")]
    fn copysign(_cx: &mut Cx, x: f64, y: f64) -> f64 {
        x.copysign(y)
    }

    /// Fused multiply-add operation.
    ///
    /// Compute (x * y) + z with a single round.
    #[py("($module, x, y, z, /)")]
    fn fma(cx: &mut Cx, x: f64, y: f64, z: f64) -> PyResult<f64> {
        let r = x.mul_add(y, z);
        if r.is_finite() {
            return Ok(r);
        }
        if r.is_nan() && !x.is_nan() && !y.is_nan() && !z.is_nan() {
            return raise!(cx, ValueError, "invalid operation in fma");
        }
        if r.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
            return raise!(cx, OverflowError, "overflow in fma");
        }
        Ok(r)
    }

    /// Return fmod(x, y), according to platform C.
    ///
    /// x % y may differ.
    #[py("($module, x, y, /)")]
    fn fmod(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        if y.is_infinite() && x.is_finite() {
            return Ok(x);
        }
        let r = x % y;
        if r.is_nan() && !x.is_nan() && !y.is_nan() {
            return domain_error(cx);
        }
        Ok(r)
    }

    /// Difference between x and the closest integer multiple of y.
    ///
    /// Return x - n*y where n*y is the closest integer multiple of y.
    /// In the case where x is exactly halfway between two multiples of
    /// y, the nearest even value of n is used. The result is always exact.
    #[py("($module, x, y, /)")]
    fn remainder(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        if x.is_finite() && y.is_infinite() {
            return Ok(x);
        }
        let r = libm::remainder(x, y);
        if r.is_nan() && !x.is_nan() && !y.is_nan() {
            return domain_error(cx);
        }
        Ok(r)
    }

    /// Return the mantissa and exponent of x, as pair (m, e).
    ///
    /// If x is a finite nonzero number, then m is a float with
    /// 0.5 <= abs(m) < 1.0 and an integer e is such that
    /// x == m * 2**e exactly.  Else, return (x, 0).
    #[py("($module, x, /)")]
    fn frexp(cx: &mut Cx, x: f64) -> &'static Tuple {
        let (m, e) = frexp(x);
        let (m, e) = (cx.float(m), cx.int(e));
        Tuple::new(cx, &[m, e])
    }

    /// Return x * (2**i).
    ///
    /// This is essentially the inverse of frexp().
    #[py("($module, x, i, /)")]
    fn ldexp(cx: &mut Cx, x: f64, i: Value) -> PyResult<f64> {
        if !int::check(i) {
            return raise!(cx, TypeError, "Expected an int as second argument to ldexp.");
        }
        if x == 0.0 || !x.is_finite() {
            return Ok(x);
        }
        let negative = int::view(i).is_some_and(|w| w.negative);
        let exponent = int::as_i64(i).unwrap_or(if negative { i64::MIN } else { i64::MAX });
        if exponent > i32::MAX as i64 {
            return Err(range_error(cx));
        }
        if exponent < i32::MIN as i64 {
            return Ok(0f64.copysign(x));
        }
        let r = libm::ldexp(x, exponent as i32);
        if r.is_infinite() { Err(range_error(cx)) } else { Ok(r) }
    }

    /// Return the fractional and integer parts of x.
    ///
    /// Both results carry the sign of x and are floats.
    #[py("($module, x, /)")]
    fn modf(cx: &mut Cx, x: f64) -> &'static Tuple {
        let (fraction, whole) =
            if x.is_infinite() { (0f64.copysign(x), x) } else { ((x - x.trunc()).copysign(x), x.trunc()) };
        let (fraction, whole) = (cx.float(fraction), cx.float(whole));
        Tuple::new(cx, &[fraction, whole])
    }

    /// log(x, [base=math.e])
    /// Return the logarithm of x to the given base.
    ///
    /// If the base is not specified, returns the natural logarithm (base e) of x.
    #[py("($module, x, base=e, /)")]
    fn log(cx: &mut Cx, x: Value, base: Option<Value>) -> PyResult<Value> {
        let log = logarithm(cx, x, f64::ln)?;
        let Some(base) = base else { return Ok(cx.float(log)) };
        let base = logarithm(cx, base, f64::ln)?;
        if base == 0.0 {
            return raise!(cx, ZeroDivisionError, "division by zero");
        }
        Ok(cx.float(log / base))
    }

    /// Return the base 2 logarithm of x.
    #[py("($module, x, /)")]
    fn log2(cx: &mut Cx, x: Value) -> PyResult<f64> {
        logarithm(cx, x, f64::log2)
    }

    /// Return the base 10 logarithm of x.
    #[py("($module, x, /)")]
    fn log10(cx: &mut Cx, x: Value) -> PyResult<f64> {
        logarithm(cx, x, f64::log10)
    }

    /// Return x**y (x to the power of y).
    #[py("($module, x, y, /)")]
    fn pow(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        let r = x.powf(y);
        if r.is_finite() || !x.is_finite() || !y.is_finite() {
            return Ok(r);
        }
        // Finite arguments: a NaN or a division by zero is a domain error, otherwise it was an overflow.
        if r.is_nan() || x == 0.0 { domain_error(cx) } else { Err(range_error(cx)) }
    }

    /// Determine whether two floating-point numbers are close in value.
    ///
    ///   rel_tol
    ///     maximum difference for being considered "close", relative to the
    ///     magnitude of the input values
    ///   abs_tol
    ///     maximum difference for being considered "close", regardless of the
    ///     magnitude of the input values
    ///
    /// Return True if a is close in value to b, and False otherwise.
    ///
    /// For the values to be considered close, the difference between them
    /// must be smaller than at least one of the tolerances.
    ///
    /// -inf, inf and NaN behave similarly to the IEEE 754 Standard.  That
    /// is, NaN is not close to anything, even itself.  inf and -inf are
    /// only close to themselves.
    #[py("($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(cx: &mut Cx, a: f64, b: f64, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
        let (relative, absolute) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
        if relative < 0.0 || absolute < 0.0 {
            return raise!(cx, ValueError, "tolerances must be non-negative");
        }
        if a == b {
            return Ok(true);
        }
        if a.is_infinite() || b.is_infinite() {
            return Ok(false);
        }
        let diff = (b - a).abs();
        Ok(diff <= (relative * b).abs() || diff <= (relative * a).abs() || diff <= absolute)
    }

    /// Return the floating-point value the given number of steps after x towards y.
    ///
    /// If steps is not specified or is None, it defaults to 1.
    ///
    /// Raises a TypeError, if x or y is not a double, or if steps is not
    /// an integer.  Raises ValueError if steps is negative.
    #[py("($module, x, y, /, *, steps=None)")]
    fn nextafter(cx: &mut Cx, x: f64, y: f64, steps: Option<Value>) -> PyResult<f64> {
        let Some(steps) = steps.filter(|s| !s.is_none()) else { return Ok(step_towards(x, y, 1)) };
        let steps = number::index(cx, steps)?;
        if int::view(steps).is_some_and(|w| w.negative) {
            return raise!(cx, ValueError, "steps must be a non-negative integer");
        }
        let n = int::as_i64(steps).map_or(u64::MAX, |i| i as u64);
        Ok(step_towards(x, y, n))
    }
}

/// The float `n` steps from `x` towards `y`.
fn step_towards(x: f64, y: f64, n: u64) -> f64 {
    if n == 0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return x + y;
    }
    if x == y {
        return y;
    }
    // Floats of one sign are ordered as their bits are: map them to a line.
    let position =
        |d: f64| if d.is_sign_negative() { -((d.to_bits() & !(1 << 63)) as i64) } else { d.to_bits() as i64 };
    let (from, to) = (position(x), position(y));
    let n = n.min(i64::MAX as u64) as i64;
    let at = if from < to { from.saturating_add(n).min(to) } else { from.saturating_sub(n).max(to) };
    if at == to {
        return y;
    }
    if at < 0 {
        return f64::from_bits((-at) as u64 | 1 << 63);
    }
    let at_zero_from_below = at == 0 && from < 0;
    if at_zero_from_below { -0.0 } else { f64::from_bits(at as u64) }
}
