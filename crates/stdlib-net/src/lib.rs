//! Native modules of the network and of terminals: `_socket`, `termios`.
//!
//! A crate of its own so that changes here rebuild little; the binary registers its modules with
//! [`taipan_stdlib::register`].

mod address;
mod constants;
mod message;
mod names;
mod resolve;
mod socket;
mod termios;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_socket", socket::module), ("termios", termios::module)];
