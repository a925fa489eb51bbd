//! Taipan's `interp` crate.
