//! `_ssl`: the native half of `ssl`, over rustls. What only OpenSSL has is accepted and kept where that is harmless (options,
//! flags) and refused where it is not (encrypted keys, DH parameters, TLS before 1.2).
//!
//! Invariants:
//! - TLS-1: a socket's connection is borrowed only while the GIL is held and no Python code runs; to wait for the peer the
//!   GIL is given up without the borrow.
//! - TLS-2: certificates are verified by `verify.rs` and nowhere else.

mod bio;
mod certificate;
mod config;
mod constants;
mod context;
mod error;
mod module;
mod oids;
mod pem;
mod socket;
mod transport;
mod verify;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_ssl", module::module)];
