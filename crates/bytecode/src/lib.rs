//! Taipan's `bytecode` crate.
