//! Taipan's `syntax` crate.
