//! `_ctypes`: the native half of `ctypes`. Foreign functions are called through libffi.
//!
//! Invariants:
//! - CT-1: `CData::ptr` points to `CData::size` bytes that stay as long as the object: its own, those of an object that it
//!   holds, or foreign memory that the program vouches for.
//! - CT-2: a class whose metaclass derives from `CType_Type` and that is no static one has a word for its [`info::Info`].
//! - CT-3: references in C memory (`py_object`) keep nothing alive; what has to live is in `CData::objects`.

mod array;
mod call;
mod callback;
mod data;
mod dynamic;
mod field;
mod function;
mod function_type;
mod helpers;
mod info;
mod meta;
mod module;
mod param;
mod pointer;
mod simple;
mod simple_type;
mod structure;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_ctypes", module::module)];
