//! Taipan's `stdlib` crate.

pub mod collections;
pub mod itertools;
pub mod math;
mod support;

use taipan_runtime::Cx;
use taipan_runtime::types::module::Module;

/// Native modules of this part of the library.
pub static CONTAINER_MODULES: &[(&str, fn(&mut Cx) -> &'static Module)] = &[("_collections", collections::init), ("itertools", itertools::init), ("math", math::init)];
