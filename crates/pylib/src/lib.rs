//! The pure-Python standard library: embedded compressed, unpacked once into a directory of the user.
//!
//! The directory is `<home>/lib/python3.14`. `<home>` is `$TAIPAN_HOME` if set; else a directory named after the
//! version and a hash of the archive and the bytecode's magic number in `$XDG_CACHE_HOME/taipan`, in `~/.cache/taipan`, or where neither can be written,
//! in a private directory below the system's directory for temporary files. Unpacking is atomic: a reader sees all
//! files or none, whatever other processes do. When the library is there, finding it costs one `stat`.
#![deny(missing_docs)]

mod archive;
mod home;

pub use archive::{Entries, Entry, entries};
pub use home::{home, path, path_in};

/// The marshalled code object of a module that is in the binary as bytecode: what import is made of
/// (`importlib._bootstrap`, `importlib._bootstrap_external`, `zipimport`) and what every start imports.
pub fn frozen(name: &str) -> Option<&'static [u8]> {
    FROZEN.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

static FROZEN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/frozen.rs"));

#[cfg(test)]
mod tests;
