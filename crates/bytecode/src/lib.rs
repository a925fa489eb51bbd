//! Taipan's bytecode: the opcode table, code objects, their text and file forms.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod code;
pub mod ops;
pub mod positions;

pub use code::{Code, Const, Handler, Position, Text};
pub use ops::{Op, Word};
