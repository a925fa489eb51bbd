//! `pyexpat`: the native half of `xml.parsers.expat`, over `taipan-xml`.

mod events;
mod module;
mod parser;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("pyexpat", module::module)];
