//! `_sqlite3`: the native half of `sqlite3`, over the reference library.
//!
//! Invariants:
//! - SQL-1: a connection's `db` and a statement's `st` are null or valid; a statement is finalised before its connection
//!   is closed, unless it is being stepped, and a closed connection that still has statements lives on inside the library.
//! - SQL-2: calls that may block or call back go through [`library::call`], which gives the GIL up; callbacks take it again.
//! - SQL-3: what the library calls back with is a [`callback::Callback`] that the connection keeps alive.

mod adapt;
mod blob;
mod callback;
mod connection;
mod connection_methods;
mod constants;
mod cursor;
mod error;
mod execute;
mod functions;
mod hooks;
mod library;
mod module;
mod row;
mod statement;
mod transfer;
mod value;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_sqlite3", module::module)];
