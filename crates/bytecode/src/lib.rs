//! Taipan's bytecode: the opcode table, code objects, their text and file forms.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod code;
pub mod dis;
pub mod effects;
pub mod marshal;
pub mod ops;
pub mod packed;
pub mod positions;
pub mod pyc;
pub mod verify;

pub use code::{Code, Const, Handler, Position, Text};
pub use ops::{Conversion, Op, Word};
pub use packed::Packed;
