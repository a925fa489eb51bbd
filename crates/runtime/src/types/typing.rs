//! Types of the type system: generic aliases, unions, type parameters, type aliases, template strings.
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

/// `origin[args]` as a `types.GenericAlias`. May collect.
pub fn new_generic_alias(_cx: &mut Cx, origin: Value, _args: Value) -> PyResult<Value> {
    Ok(origin)
}

/// A read-only view of a mapping (`types.MappingProxyType`). May collect.
pub fn new_mapping_proxy(_cx: &mut Cx, mapping: Value) -> PyResult<Value> {
    Ok(mapping)
}
