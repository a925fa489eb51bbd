//! The type str and its methods.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type str.
pub static STR: Type = Type::new(&STR_SPEC);
static STR_SPEC: TypeSpec = TypeSpec {
    name: "str",
    basicsize: crate::types::str::NON_COMPACT_SIZE,
    flags: flags::BASETYPE | flags::UNICODE | flags::MATCH_SELF,
    trace: Some(crate::types::str::trace_str),
    slots: Slots { str: Some(|_, v| Ok(v)), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};
