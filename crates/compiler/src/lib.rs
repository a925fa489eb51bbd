//! Taipan's `compiler` crate.
