//! The gamma function and its logarithm by Lanczos' approximation with the coefficients that CPython uses (N = 13,
//! g = 6.0246...), so that results agree.
//!
//! Source: G. Pugh, "An analysis of the Lanczos gamma approximation"; coefficients of Boost.Math.

use std::f64::consts::PI;

use taipan_num::float::repr;
use taipan_runtime::{Cx, PyResult, raise};

/// Why a function has no result.
pub enum Failure {
    /// The argument is a pole.
    Domain,
    /// The result is too large.
    Range,
}

/// The result, or the exception for a failure at `x`.
pub fn raise(cx: &mut Cx, x: f64, result: Result<f64, Failure>) -> PyResult<f64> {
    match result {
        Ok(r) => Ok(r),
        Err(Failure::Domain) => {
            raise!(cx, ValueError, "expected a noninteger or positive integer, got {}", repr(x))
        }
        Err(Failure::Range) => raise!(cx, OverflowError, "math range error"),
    }
}

const G: f64 = 6.024680040776729583740234375;
const G_MINUS_HALF: f64 = 5.524680040776729583740234375;
const LOG_PI: f64 = 1.144729885849400174143427351353058711647;

/// Numerator and denominator of the rational function, lowest power first.
#[allow(clippy::excessive_precision)]
const COEFFICIENTS: [(f64, f64); 13] = [
    (23531376880.410759688572007674451636754734846804940, 0.0),
    (42919803642.649098768957899047001988850926355848959, 39916800.0),
    (35711959237.355668049440185451547166705960488635843, 120543840.0),
    (17921034426.037209699919755754458931112671403265390, 150917976.0),
    (6039542586.3520280050642916443072979210699388420708, 105258076.0),
    (1439720407.3117216736632230727949123939715485786372, 45995730.0),
    (248874557.86205415651146038641322942321632125127801, 13339535.0),
    (31426415.585400194380614231628318205362874684987640, 2637558.0),
    (2876370.6289353724412254090516208496135991145378768, 357423.0),
    (186056.26539522349504029498971604569928220784236328, 32670.0),
    (8071.6720023658162106380029022722506138218516325024, 1925.0),
    (210.82427775157934587250973392071336271166969580291, 66.0),
    (2.5066282746310002701649081771338373386264310793408, 1.0),
];

fn lanczos_sum(x: f64) -> f64 {
    let (mut num, mut den) = (0.0, 0.0);
    if x < 5.0 {
        for (n, d) in COEFFICIENTS.iter().rev() {
            num = num * x + n;
            den = den * x + d;
        }
    } else {
        for (n, d) in &COEFFICIENTS {
            num = num / x + n;
            den = den / x + d;
        }
    }
    num / den
}

/// `sin(pi * x)` for finite x.
fn sin_pi(x: f64) -> f64 {
    let y = x.abs() % 2.0;
    let r = match (2.0 * y).round() as i32 {
        0 => (PI * y).sin(),
        1 => (PI * (y - 0.5)).cos(),
        2 => (PI * (1.0 - y)).sin(),
        3 => -(PI * (y - 1.5)).cos(),
        _ => (PI * (y - 2.0)).sin(),
    };
    1f64.copysign(x) * r
}

/// Gamma(x).
pub fn gamma(x: f64) -> Result<f64, Failure> {
    if !x.is_finite() {
        return if x.is_nan() || x > 0.0 { Ok(x) } else { Err(Failure::Domain) };
    }
    if x == 0.0 {
        return Err(Failure::Domain);
    }
    if x == x.floor() {
        if x < 0.0 {
            return Err(Failure::Domain);
        }
        if x <= 23.0 {
            return Ok((1..x as u32).fold(1.0, |r, i| r * i as f64));
        }
    }
    let a = x.abs();
    if a < 1e-20 {
        let r = 1.0 / x;
        return if r.is_infinite() { Err(Failure::Range) } else { Ok(r) };
    }
    if a > 200.0 {
        return if x < 0.0 { Ok(0.0 / sin_pi(x)) } else { Err(Failure::Range) };
    }
    let y = a + G_MINUS_HALF;
    // What rounding lost in y, relative to y.
    let lost = if a > G_MINUS_HALF { (y - a) - G_MINUS_HALF } else { (y - G_MINUS_HALF) - a };
    let z = lost * G / y;
    let (half, direct) = (y.powf(a / 2.0 - 0.25), y.powf(a - 0.5));
    let r = if x < 0.0 {
        let mut r = -PI / sin_pi(a) / a * y.exp() / lanczos_sum(a);
        r -= z * r;
        if a < 140.0 { r / direct } else { r / half / half }
    } else {
        let mut r = lanczos_sum(a) / y.exp();
        r += z * r;
        if a < 140.0 { r * direct } else { r * half * half }
    };
    if r.is_infinite() { Err(Failure::Range) } else { Ok(r) }
}

/// log(|Gamma(x)|).
pub fn lgamma(x: f64) -> Result<f64, Failure> {
    if !x.is_finite() {
        return Ok(if x.is_nan() { x } else { f64::INFINITY });
    }
    if x == x.floor() && x <= 2.0 {
        return if x <= 0.0 { Err(Failure::Domain) } else { Ok(0.0) };
    }
    let a = x.abs();
    if a < 1e-20 {
        return Ok(-a.ln());
    }
    let mut r = lanczos_sum(a).ln() - G;
    r += (a - 0.5) * ((a + G - 0.5).ln() - 1.0);
    if x < 0.0 {
        r = LOG_PI - sin_pi(a).abs().ln() - a.ln() - r;
    }
    if r.is_infinite() { Err(Failure::Range) } else { Ok(r) }
}
