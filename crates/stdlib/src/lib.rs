//! Taipan's `stdlib` crate.
