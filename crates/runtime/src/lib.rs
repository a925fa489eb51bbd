//! Taipan's `runtime` crate.
