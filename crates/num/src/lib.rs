//! Taipan's `num` crate.
