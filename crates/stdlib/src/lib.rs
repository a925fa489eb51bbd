//! Taipan's `stdlib` crate.

use taipan_runtime::Cx;
use taipan_runtime::types::module::Module;

/// Native modules of this part of the library.
pub static CONTAINER_MODULES: &[(&str, fn(&mut Cx) -> &'static Module)] = &[];
pub mod errno;
pub mod host;
pub mod posix;
pub mod resource;
pub mod sre;
pub mod stat;
