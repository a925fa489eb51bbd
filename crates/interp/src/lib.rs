//! Taipan's interpreter: threaded handlers over register bytecode.
//!
//! `dispatch.rs` explains the handlers' form; `ops/` holds one handler for each row of the opcode table;
//! `unwind.rs` finds exception handlers; `cache.rs` fills inline caches.

mod cache;
mod dispatch;
mod generic;
mod glue;
mod hot;
mod ops;
mod trace;
mod unwind;

pub use dispatch::join;
