//! `_asyncio`: futures, tasks and the state of the running event loops.

mod awaited;
mod future;
mod future_iter;
mod loops;
mod module;
mod step;
mod support;
mod task;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_asyncio", module::module)];
