//! `_zstd`: the native half of `compression.zstd`, over the reference library.

mod compress;
mod decompress;
mod dict;
mod module;
mod params;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_zstd", module::module)];
