//! Methods of float.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The methods of float.
pub struct FloatMethods;

#[pymethods]
impl FloatMethods {}

/// `float.__new__`.
pub fn new(cx: &mut Cx, _class: &'static Type, _args: Args) -> PyResult<Value> {
    Ok(cx.float(0.0))
}

/// `int(v)` of a float.
pub fn to_int(_cx: &mut Cx, v: Value) -> PyResult<Value> {
    Ok(Value::small(crate::types::float::of(v) as i64))
}
