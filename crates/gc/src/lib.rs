//! Taipan's garbage collector: non-moving, generational mark and sweep that knows no Python type.
//!
//! Assumes: one mutator at a time (the GIL); every object starts with a [`Header`]; the embedder's
//! [`Hooks`] visit every reference an object holds and every root that is not on a native stack.
//!
//! Guarantees: an object reachable from a registered native stack (interior pointers count), from
//! the roots hook or from another reachable object stays where it is; everything else is reused.
//!
//! Costs: a bump per allocation, a bit test per store into an object, 1.6 % of the heap for the
//! side bitmaps. `docs/gc.md` has the design on one page.
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod classes;
mod collect;
mod config;
mod find;
mod heap;
mod roots;
mod shortage;
mod space;
mod stats;
mod stress;
#[cfg(test)]
mod tests;
mod trace;

pub use classes::{CLASS_COUNT, FINE_LIMIT, MAX_CELL, class_of, class_size};
pub use config::{Config, Header, Hooks, Kind};
pub use heap::{Bump, Heap};
pub use roots::{ThreadId, current_stack_bounds, set_stack_bounds, with_spilled_registers};
pub use space::{BARRIER_OFFSET, CHUNK_BYTES, GRANULE_SHIFT, share_of_address_space};
pub use stats::Stats;
pub use trace::Marker;
