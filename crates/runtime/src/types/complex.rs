//! complex.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A complex object (32 bytes, CABI 2.2).
#[repr(C)]
pub struct Complex {
    header: Header,
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}
object!(Complex, COMPLEX);

/// The type complex.
pub static COMPLEX: Type = Type::new(&COMPLEX_SPEC);
static COMPLEX_SPEC: TypeSpec = TypeSpec {
    name: "complex",
    basicsize: 32,
    flags: flags::BASETYPE,
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// A complex number. May collect.
pub fn new(cx: &mut Cx, re: f64, im: f64) -> Value {
    Value::of(cx.alloc(Complex { header: Header::fresh(&COMPLEX), re, im }))
}

/// `a ** b` on (real, imaginary) pairs.
pub fn pow_parts(cx: &mut Cx, a: (f64, f64), b: (f64, f64)) -> PyResult<Value> {
    match taipan_num::complex::pow(a, b) {
        Ok((re, im)) => Ok(new(cx, re, im)),
        Err(taipan_num::complex::PowError::ZeroDivision) => {
            raise!(cx, ZeroDivisionError, "zero to a negative or complex power")
        }
        Err(taipan_num::complex::PowError::Overflow) => raise!(cx, OverflowError, "complex exponentiation"),
    }
}
