//! The type code and its attributes.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type code.
pub static CODE: Type = Type::new(&CODE_SPEC);
static CODE_SPEC: TypeSpec = TypeSpec {
    name: "code",
    basicsize: std::mem::size_of::<crate::types::code::CodeObject>(),
    weakrefs: true,
    trace: Some(crate::types::code::trace_code),
    drop: Some(crate::types::code::drop_code),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};
