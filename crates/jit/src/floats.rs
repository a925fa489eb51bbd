//! Operations on doubles that compiled code calls; see their rows in `helpers.rs`.

use taipan_runtime::Cx;
use taipan_runtime::types::float;

/// `x ** y` of doubles.
pub extern "C" fn pow(_: &mut Cx, x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// `hypot(x, y)` of doubles.
pub extern "C" fn hypot(_: &mut Cx, x: f64, y: f64) -> f64 {
    x.hypot(y)
}

/// `math.sin(x)` of doubles.
pub extern "C" fn sin(_: &mut Cx, x: f64) -> f64 {
    x.sin()
}

/// `math.cos(x)` of doubles.
pub extern "C" fn cos(_: &mut Cx, x: f64) -> f64 {
    x.cos()
}

/// `x % y` of doubles.
pub extern "C" fn modulo(_: &mut Cx, x: f64, y: f64) -> f64 {
    float::floor_mod(x, y)
}

/// `x // y` of doubles.
pub extern "C" fn floor_div(_: &mut Cx, x: f64, y: f64) -> f64 {
    float::floor_div(x, y)
}
