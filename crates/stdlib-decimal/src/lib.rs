//! `_decimal`: the native half of `decimal`, over `taipan-decimal`.

mod context;
mod context_methods;
mod convert;
mod decimal;
mod hash;
mod methods;
mod module;
mod signals;
mod state;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_decimal", module::module)];
