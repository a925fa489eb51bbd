//! Taipan's runtime: values, objects, types, exceptions, frames, the call protocol and the built-in types.
//!
//! Start with `value`, `object`, `typeobj`; then `cx` (the context that every function takes first), `native` (how
//! Rust functions are called from Python) and `slots` (special methods). One Python type lives in one file of
//! `types`; what `operator`-like code needs (`len`, `getattr`, `+`, ...) is in `protocol`.

extern crate self as taipan_runtime;

pub mod buffer;
pub mod cx;
pub mod dict;
pub mod exceptions;
pub mod frame;
pub mod heap;
pub mod hooks;
pub mod interpreter;
pub mod jump;
pub mod liveness;
pub mod machine_items;
pub mod monitoring;
pub mod names;
pub mod native;
pub mod object;
pub mod protocol;
pub mod shape;
mod slot_table;
pub mod slots;
pub mod threads;
pub mod traceback_print;
pub mod typeobj;
pub mod types;
pub mod value;

pub use cx::{Cx, PyResult, Raised, Runtime};
pub use native::Args;
pub use object::Object;
pub use value::Value;
