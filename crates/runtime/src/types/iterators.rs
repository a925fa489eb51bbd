//! Iterators of built-in types: sequences, range, enumerate, zip, map, filter, reversed, callable iterators.
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

/// True if `v` may be iterated by its `__getitem__`.
pub fn is_sequence(v: Value) -> bool {
    v.class().slots().getitem.is_some() && !v.class().has(flags::DICT)
}

/// An iterator over `v[0]`, `v[1]`, ... . May collect.
pub fn new_sequence_iter(_cx: &mut Cx, v: Value) -> Value {
    v
}
