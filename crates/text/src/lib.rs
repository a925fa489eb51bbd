//! Taipan's `text` crate.
