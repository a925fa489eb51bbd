//! Taipan's `macros` crate.
