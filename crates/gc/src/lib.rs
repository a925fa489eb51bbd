//! Taipan's `gc` crate.
