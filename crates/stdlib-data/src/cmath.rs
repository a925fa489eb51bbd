//! `cmath`: the C library's complex functions, with Python's errors.

use taipan_macros::pymethods;
use taipan_runtime::types::complex;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// C's `double complex`, which is passed and returned as a structure of two doubles.
#[repr(C)]
#[derive(Clone, Copy)]
struct C64 {
    re: f64,
    im: f64,
}

unsafe extern "C" {
    fn cacos(z: C64) -> C64;
    fn cacosh(z: C64) -> C64;
    fn casin(z: C64) -> C64;
    fn casinh(z: C64) -> C64;
    fn catan(z: C64) -> C64;
    fn catanh(z: C64) -> C64;
    fn ccos(z: C64) -> C64;
    fn ccosh(z: C64) -> C64;
    fn cexp(z: C64) -> C64;
    fn clog(z: C64) -> C64;
    fn csin(z: C64) -> C64;
    fn csinh(z: C64) -> C64;
    fn csqrt(z: C64) -> C64;
    fn ctan(z: C64) -> C64;
    fn ctanh(z: C64) -> C64;
}

/// The functions.
struct Functions;

fn domain_error<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, ValueError, "math domain error")
}

fn range_error<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, OverflowError, "math range error")
}

fn is_finite(z: C64) -> bool {
    z.re.is_finite() && z.im.is_finite()
}

fn argument(cx: &mut Cx, v: Value) -> PyResult<C64> {
    let (re, im) = complex::to_parts(cx, v)?;
    Ok(C64 { re, im })
}

/// The result of a function of `z`; OverflowError if it is infinite for a finite argument.
fn result(cx: &mut Cx, z: C64, r: C64) -> PyResult<Value> {
    if is_finite(z) && (r.re.is_infinite() || r.im.is_infinite()) {
        return range_error(cx);
    }
    Ok(complex::new(cx, r.re, r.im))
}

/// Whether an infinite imaginary part leaves sine and cosine undefined.
fn has_no_angle(z: C64) -> bool {
    z.im.is_infinite() && !z.re.is_nan()
}

fn log(z: C64) -> C64 {
    // SAFETY: a pure function.
    unsafe { clog(z) }
}

fn quotient(cx: &mut Cx, a: C64, b: C64) -> PyResult<C64> {
    match taipan_num::complex::div((a.re, a.im), (b.re, b.im)) {
        Some((re, im)) => Ok(C64 { re, im }),
        None => domain_error(cx),
    }
}

/// A value with the sign of a zero or infinity, for angles of special values.
fn phase_of(z: C64) -> f64 {
    z.im.atan2(z.re)
}

#[pymethods]
impl Functions {
    /// Return the arc cosine of z.
    #[py("($module, z, /)")]
    fn acos(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        // SAFETY: a pure function.
        result(cx, z, unsafe { cacos(z) })
    }

    /// Return the inverse hyperbolic cosine of z.
    #[py("($module, z, /)")]
    fn acosh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        // SAFETY: as above.
        result(cx, z, unsafe { cacosh(z) })
    }

    /// Return the arc sine of z.
    #[py("($module, z, /)")]
    fn asin(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        // SAFETY: as above.
        result(cx, z, unsafe { casin(z) })
    }

    /// Return the inverse hyperbolic sine of z.
    #[py("($module, z, /)")]
    fn asinh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        // SAFETY: as above.
        result(cx, z, unsafe { casinh(z) })
    }

    /// Return the arc tangent of z.
    #[py("($module, z, /)")]
    fn atan(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.re == 0.0 && z.im.abs() == 1.0 {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { catan(z) })
    }

    /// Return the inverse hyperbolic tangent of z.
    #[py("($module, z, /)")]
    fn atanh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.im == 0.0 && z.re.abs() == 1.0 {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { catanh(z) })
    }

    /// Return the cosine of z.
    #[py("($module, z, /)")]
    fn cos(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if has_no_angle(C64 { re: z.im, im: z.re }) {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { ccos(z) })
    }

    /// Return the hyperbolic cosine of z.
    #[py("($module, z, /)")]
    fn cosh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if has_no_angle(z) {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { ccosh(z) })
    }

    /// Return the exponential value e**z.
    #[py("($module, z, /)")]
    fn exp(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.im.is_infinite() && (z.re.is_finite() || z.re == f64::INFINITY) {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { cexp(z) })
    }

    /// log(z[, base]) -> the logarithm of z to the given base.
    ///
    /// If the base is not specified, returns the natural logarithm (base e) of z.
    #[py("($module, z, base=None, /)")]
    fn log(cx: &mut Cx, z: Value, base: Option<Value>) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.re == 0.0 && z.im == 0.0 {
            return domain_error(cx);
        }
        let mut r = log(z);
        if let Some(base) = base {
            let base = argument(cx, base)?;
            if base.re == 0.0 && base.im == 0.0 {
                return domain_error(cx);
            }
            r = match quotient(cx, r, log(base)) {
                Ok(r) => r,
                Err(_) => {
                    cx.take_exception();
                    return raise!(cx, ZeroDivisionError, "complex division by zero");
                }
            };
        }
        Ok(complex::new(cx, r.re, r.im))
    }

    /// Return the base-10 logarithm of z.
    #[py("($module, z, /)")]
    fn log10(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.re == 0.0 && z.im == 0.0 {
            return domain_error(cx);
        }
        let r = log(z);
        Ok(complex::new(cx, r.re / std::f64::consts::LN_10, r.im / std::f64::consts::LN_10))
    }

    /// Return the sine of z.
    #[py("($module, z, /)")]
    fn sin(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if has_no_angle(C64 { re: z.im, im: z.re }) {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { csin(z) })
    }

    /// Return the hyperbolic sine of z.
    #[py("($module, z, /)")]
    fn sinh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if has_no_angle(z) {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { csinh(z) })
    }

    /// Return the square root of z.
    #[py("($module, z, /)")]
    fn sqrt(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        // SAFETY: as above.
        result(cx, z, unsafe { csqrt(z) })
    }

    /// Return the tangent of z.
    #[py("($module, z, /)")]
    fn tan(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.re.is_infinite() && z.im.is_finite() {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { ctan(z) })
    }

    /// Return the hyperbolic tangent of z.
    #[py("($module, z, /)")]
    fn tanh(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        if z.im.is_infinite() && z.re.is_finite() {
            return domain_error(cx);
        }
        // SAFETY: as above.
        result(cx, z, unsafe { ctanh(z) })
    }

    /// Return argument, also known as the phase angle, of a complex.
    #[py("($module, z, /)")]
    fn phase(cx: &mut Cx, z: Value) -> PyResult<f64> {
        Ok(phase_of(argument(cx, z)?))
    }

    /// Convert a complex from rectangular coordinates to polar coordinates.
    ///
    /// r is the distance from 0 and phi the phase angle.
    #[py("($module, z, /)")]
    fn polar(cx: &mut Cx, z: Value) -> PyResult<Value> {
        let z = argument(cx, z)?;
        let r = z.re.hypot(z.im);
        if is_finite(z) && r.is_infinite() {
            return range_error(cx);
        }
        let parts = [cx.float(r), cx.float(phase_of(z))];
        Ok(Value::of(Tuple::new(cx, &parts)))
    }

    /// Convert from polar coordinates to rectangular coordinates.
    #[py("($module, r, phi, /)")]
    fn rect(cx: &mut Cx, r: f64, phi: f64) -> PyResult<Value> {
        if phi.is_infinite() && r != 0.0 && !r.is_nan() {
            return domain_error(cx);
        }
        let (re, im) = if r.is_infinite() && phi.is_finite() && phi != 0.0 {
            // Only the signs of sine and cosine count; 0 * inf must not happen.
            let sign = if r > 0.0 { 1.0 } else { -1.0 };
            (f64::INFINITY.copysign(phi.cos()) * sign, f64::INFINITY.copysign(phi.sin()) * sign)
        } else if phi == 0.0 {
            (r, r * phi)
        } else if !r.is_finite() || !phi.is_finite() {
            // SAFETY: a pure function; the C library knows the special values of cos + i sin.
            let unit = unsafe { cexp(C64 { re: if r == 0.0 { f64::NEG_INFINITY } else { 0.0 }, im: phi }) };
            match (r == 0.0, r.is_infinite()) {
                (true, _) => (0.0, 0.0),
                (_, true) => (f64::INFINITY, f64::NAN),
                _ => (r * unit.re, r * unit.im),
            }
        } else {
            (r * phi.cos(), r * phi.sin())
        };
        if r.is_nan() && phi == 0.0 {
            return Ok(complex::new(cx, f64::NAN, phi));
        }
        if r.is_infinite() && phi == 0.0 {
            return Ok(complex::new(cx, r, if r > 0.0 { phi } else { -phi }));
        }
        Ok(complex::new(cx, re, im))
    }

    /// Return True if both the real and imaginary parts of z are finite, else False.
    #[py("($module, z, /)")]
    fn isfinite(cx: &mut Cx, z: Value) -> PyResult<bool> {
        Ok(is_finite(argument(cx, z)?))
    }

    /// Checks if the real or imaginary part of z is infinite.
    #[py("($module, z, /)")]
    fn isinf(cx: &mut Cx, z: Value) -> PyResult<bool> {
        let z = argument(cx, z)?;
        Ok(z.re.is_infinite() || z.im.is_infinite())
    }

    /// Checks if the real or imaginary part of z not a number (NaN).
    #[py("($module, z, /)")]
    fn isnan(cx: &mut Cx, z: Value) -> PyResult<bool> {
        let z = argument(cx, z)?;
        Ok(z.re.is_nan() || z.im.is_nan())
    }

    /// Determine whether two complex numbers are close in value.
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
    /// For the values to be considered close, the difference between them must be
    /// smaller than at least one of the tolerances.
    ///
    /// -inf, inf and NaN behave similarly to the IEEE 754 Standard. That is, NaN is
    /// not close to anything, even itself. inf and -inf are only close to themselves.
    #[py("($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(cx: &mut Cx, a: Value, b: Value, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
        let (a, b) = (argument(cx, a)?, argument(cx, b)?);
        let (relative, absolute) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
        if relative < 0.0 || absolute < 0.0 {
            return raise!(cx, ValueError, "tolerances must be non-negative");
        }
        if a.re == b.re && a.im == b.im {
            return Ok(true);
        }
        if [a, b].iter().any(|z| z.re.is_infinite() || z.im.is_infinite()) {
            return Ok(false);
        }
        let distance = (a.re - b.re).hypot(a.im - b.im);
        let (size_a, size_b) = (a.re.hypot(a.im), b.re.hypot(b.im));
        Ok(distance <= relative * size_a || distance <= relative * size_b || distance <= absolute)
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "This module provides access to mathematical functions for complex\nnumbers.";
    let module = taipan_stdlib::make(cx, "cmath", doc, Functions::METHODS);
    let floats = [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ];
    for (name, number) in floats {
        let number = cx.float(number);
        module.set(cx, name, number);
    }
    for (name, im) in [("infj", f64::INFINITY), ("nanj", f64::NAN)] {
        let number = complex::new(cx, 0.0, im);
        module.set(cx, name, number);
    }
    Ok(module)
}
