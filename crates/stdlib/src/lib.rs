//! Taipan's `stdlib` crate.

pub mod array;
pub mod bisect;
pub mod collections;
pub mod functools;
pub mod heapq;
pub mod itertools;
pub mod math;
pub mod operator;
pub mod random;
pub mod statistics;
mod support;

use taipan_runtime::Cx;
use taipan_runtime::types::module::Module;

/// Native modules of this part of the library.
pub static CONTAINER_MODULES: &[(&str, fn(&mut Cx) -> &'static Module)] = &[
    ("_bisect", bisect::init),
    ("_collections", collections::init),
    ("_functools", functools::init),
    ("_heapq", heapq::init),
    ("_operator", operator::init),
    ("_random", random::init),
    ("_statistics", statistics::init),
    ("array", array::init),
    ("itertools", itertools::init),
    ("math", math::init),
];
