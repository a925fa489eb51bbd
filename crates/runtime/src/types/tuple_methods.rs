//! The type tuple and its methods.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type tuple.
pub static TUPLE: Type = Type::new(&TUPLE_SPEC);
static TUPLE_SPEC: TypeSpec = TypeSpec {
    name: "tuple",
    basicsize: 32,
    itemsize: 8,
    flags: flags::BASETYPE | flags::TUPLE | flags::SEQUENCE | flags::MATCH_SELF,
    trace: Some(crate::types::tuple::trace_tuple),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};
