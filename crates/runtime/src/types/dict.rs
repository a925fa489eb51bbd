//! The type dict, its methods, views and iterators.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type dict.
pub static DICT: Type = Type::new(&DICT_SPEC);
static DICT_SPEC: TypeSpec = TypeSpec {
    name: "dict",
    basicsize: 48,
    flags: flags::BASETYPE | flags::DICT | flags::MAPPING | flags::MATCH_SELF,
    trace: Some(crate::dict::trace_dict),
    slots: Slots { hash: Some(crate::protocol::hash::unhashable), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// Other types of this file.
pub static TYPES: &[&Type] = &[];
