//! Python's float: text conversion, rounding, hashing and arithmetic helpers.

mod arith;
mod exact;
mod format;
mod hex;
mod parse;

pub use arith::{PowError, as_integer_ratio, divmod, floor_div, hash, is_integer, pow, py_mod, round};
pub use format::{Fixed, Flags, format, repr, repr_to};
pub use hex::{HexError, from_hex, to_hex};
pub use parse::{parse, parse_prefix};

#[cfg(test)]
mod tests;
