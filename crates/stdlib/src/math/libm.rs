//! Functions of the C library that Rust's standard library lacks or leaves unspecified.

mod c {
    unsafe extern "C" {
        pub fn acosh(x: f64) -> f64;
        pub fn asinh(x: f64) -> f64;
        pub fn atanh(x: f64) -> f64;
        pub fn cbrt(x: f64) -> f64;
        pub fn erf(x: f64) -> f64;
        pub fn erfc(x: f64) -> f64;
        pub fn exp2(x: f64) -> f64;
        pub fn expm1(x: f64) -> f64;
        pub fn log1p(x: f64) -> f64;
        pub fn remainder(x: f64, y: f64) -> f64;
        pub fn ldexp(x: f64, e: i32) -> f64;
    }
}

macro_rules! functions {
    ($($name:ident)*) => { $(
        /// The C function of this name.
        pub fn $name(x: f64) -> f64 {
            // SAFETY: a pure function of the C library.
            unsafe { c::$name(x) }
        }
    )* };
}
functions! { acosh asinh atanh cbrt erf erfc exp2 expm1 log1p }

/// IEEE 754 remainder.
pub fn remainder(x: f64, y: f64) -> f64 {
    // SAFETY: as above.
    unsafe { c::remainder(x, y) }
}

/// `x * 2 ** e`, rounded once.
pub fn ldexp(x: f64, e: i32) -> f64 {
    // SAFETY: as above.
    unsafe { c::ldexp(x, e) }
}
