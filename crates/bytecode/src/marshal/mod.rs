//! CPython's marshal format (versions 0 to 5) for ordinary objects; code objects hold Taipan's own fields.
//!
//! Reading and writing do not know what an object is: [`Reader`] makes objects through a [`Builder`],
//! [`Writer`] takes them apart through a [`Source`]. Both are implemented here for
//! [`Const`](crate::Const), and by the runtime for its own objects. The reader is total: any bytes give an
//! object or an error, memory is bounded by the input's length, recursion by [`MAX_DEPTH`].

mod consts;
mod read;
mod write;

pub use consts::{ConstBuilder, ConstSource, from_bytes, to_bytes};
pub use read::{Builder, Input, Reader};
pub use write::{Source, View, Writer};

/// Version that `marshal.version` shows.
pub const VERSION: u32 = 5;

/// Containers may be nested this deep.
pub const MAX_DEPTH: usize = 2000;

/// Flag on a type byte: the object gets the next reference number.
const FLAG_REF: u8 = 0x80;

/// What the reader or the writer found wrong, with CPython's texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MarshalError {
    /// EOFError.
    Eof(&'static str),
    /// ValueError.
    Value(String),
    /// TypeError.
    Type(String),
    /// UnicodeDecodeError of the codec "utf-8" over these bytes (which may hold encoded surrogates).
    Utf8(Box<[u8]>),
}

impl std::fmt::Display for MarshalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MarshalError::Eof(text) => f.write_str(text),
            MarshalError::Value(text) | MarshalError::Type(text) => f.write_str(text),
            MarshalError::Utf8(_) => f.write_str("invalid utf-8"),
        }
    }
}

impl std::error::Error for MarshalError {}

pub(crate) fn bad_data(what: &str) -> MarshalError {
    MarshalError::Value(format!("bad marshal data ({what})"))
}

/// A code object taken apart; numbers and bytes as in [`Code`](crate::Code), the rest as objects.
#[derive(Clone, Debug)]
pub struct CodeParts<O> {
    /// argcount, posonlyargcount, kwonlyargcount, flags, firstlineno, nregs.
    pub numbers: [u32; 6],
    /// Strs: name, qualname, filename.
    pub strs: [O; 3],
    /// Tuples of strs: varnames, cellvars, freevars, names.
    pub names: [O; 4],
    /// Tuple of the constants.
    pub consts: O,
    /// Fresh instruction words.
    pub words: crate::Packed,
    /// Exception handlers.
    pub handlers: Vec<crate::Handler>,
    /// Encoded positions.
    pub positions: Vec<u8>,
}

/// True for UTF-8 that may hold surrogates encoded by themselves.
pub(crate) fn is_surrogatepass_utf8(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        let Err(error) = std::str::from_utf8(rest) else { return true };
        let bad = &rest[error.valid_up_to()..];
        match bad {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => rest = &bad[3..],
            _ => return false,
        }
    }
}

/// Type bytes.
mod tag {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const INT64: u8 = b'I';
    pub const LONG: u8 = b'l';
    pub const FLOAT: u8 = b'f';
    pub const BINARY_FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'x';
    pub const BINARY_COMPLEX: u8 = b'y';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const UNICODE: u8 = b'u';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const REF: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const SMALL_TUPLE: u8 = b')';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const SET: u8 = b'<';
    pub const FROZEN_SET: u8 = b'>';
    pub const SLICE: u8 = b':';
    pub const CODE: u8 = b'c';
}

/// Generalised UTF-8 of Latin-1 or ASCII bytes, as the tags for ASCII strs are read.
fn latin1(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if bytes.is_ascii() {
        return bytes.into();
    }
    bytes.iter().map(|&byte| byte as char).collect::<String>().into_bytes().into()
}

#[cfg(test)]
mod tests;

/// A checksum of what the interpreter trusts in a code object. The verifier proves jumps and register numbers, not that
/// registers hold what instructions expect; so accidental damage must be noticed before.
fn seal(numbers: [u32; 6], words: &crate::Packed, handlers: &[crate::code::Handler]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = siphasher::sip::SipHasher13::new();
    for number in numbers {
        hasher.write_u32(number);
    }
    hasher.write(words.bytes());
    for h in handlers {
        for number in [h.start, h.end, h.target, h.reg] {
            hasher.write_u32(number);
        }
    }
    hasher.finish()
}
