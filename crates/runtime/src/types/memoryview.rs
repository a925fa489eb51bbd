//! memoryview.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::protocol::buffer::Buffer;

/// Types of this file.
pub static TYPES: &[&Type] = &[];

/// The buffer of an object whose class defines `__buffer__` in Python.
pub fn buffer_of_dunder(cx: &mut Cx, v: Value, _flags: i32) -> PyResult<Buffer> {
    raise!(cx, TypeError, "a bytes-like object is required, not '{}'", v.class().tp_name())
}

/// `v.__buffer__(flags)` of a native exporter.
pub fn dunder_buffer(cx: &mut Cx, v: Value, _flags: Value) -> PyResult<Value> {
    raise!(cx, TypeError, "a bytes-like object is required, not '{}'", v.class().tp_name())
}
