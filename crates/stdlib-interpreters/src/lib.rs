//! Interpreters besides the main one (PEP 734): `_interpreters` and `_interpqueues`, on which `concurrent.interpreters` and
//! `concurrent.futures.InterpreterPoolExecutor` are built.
//!
//! What an interpreter is to the runtime stands in `taipan_runtime::interpreter`; this crate creates, runs and ends them and
//! carries data across ([`share`]).

pub mod config;
mod errors;
pub mod interpreters;
mod queues;
mod share;
mod snapshot;
pub mod stateless;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_interpqueues", queues::module), ("_interpreters", interpreters::module)];
