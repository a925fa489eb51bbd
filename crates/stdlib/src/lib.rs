//! Taipan's `stdlib` crate.

pub mod errno;
pub mod host;
pub mod io;
pub mod posix;
pub mod resource;
pub mod stat;
pub mod time;
