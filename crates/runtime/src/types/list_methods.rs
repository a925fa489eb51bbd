//! The type list and its methods.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type list.
pub static LIST: Type = Type::new(&LIST_SPEC);
static LIST_SPEC: TypeSpec = TypeSpec {
    name: "list",
    basicsize: 40,
    flags: flags::BASETYPE | flags::LIST | flags::SEQUENCE | flags::MATCH_SELF,
    trace: Some(crate::types::list::trace_list),
    slots: Slots { hash: Some(crate::protocol::hash::unhashable), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};
