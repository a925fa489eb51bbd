//! Methods of int.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The methods of int.
pub struct IntMethods;

#[pymethods]
impl IntMethods {}

/// Decimal text of an int as a str.
pub fn to_decimal(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(i) = v.as_small() {
        return Ok(cx.str(&i.to_string()));
    }
    let w = crate::types::int::view(v).expect("an int");
    let mut out = String::new();
    if w.negative {
        out.push('-');
    }
    taipan_num::big::to_decimal(w.digits(), &mut out);
    Ok(cx.str(&out))
}

/// `int.__new__`.
pub fn new(_cx: &mut Cx, _class: &'static Type, _args: Args) -> PyResult<Value> {
    Ok(Value::small(0))
}
