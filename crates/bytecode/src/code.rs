//! Code objects as the compiler makes them and `.pyc` files hold them: plain data, no runtime objects.
//!
//! The runtime wraps a [`Code`] in its own object, with constants turned into values, names interned and
//! the words copied to where the inline caches can be written.

use std::sync::Arc;

/// Text that may hold lone surrogates: UTF-8 in which each surrogate code point is encoded by itself as three
/// bytes (as Python's "surrogatepass").
#[derive(Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Text(pub Box<[u8]>);

impl Text {
    /// Text of a Rust string.
    pub fn new(s: &str) -> Text {
        Text(s.as_bytes().into())
    }
    /// The text as a Rust string, unless it holds surrogates.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
    /// The text with surrogates replaced, for messages.
    pub fn lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl From<&str> for Text {
    fn from(s: &str) -> Text {
        Text::new(s)
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.lossy())
    }
}

/// A constant. Equality is identity of meaning: floats by bits, `1`, `True` and `1.0` all different.
#[derive(Clone, Debug)]
pub enum Const {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// An int that fits 64 bits.
    Int(i64),
    /// Any other int: sign and 30-bit digits, least significant first, no leading zero digit.
    Big(bool, Box<[u32]>),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A str.
    Str(Text),
    /// A bytes.
    Bytes(Box<[u8]>),
    /// A tuple.
    Tuple(Box<[Const]>),
    /// A frozenset (in membership tests); items in source order, distinct.
    FrozenSet(Box<[Const]>),
    /// A slice of constants (start, stop, step).
    Slice(Box<[Const; 3]>),
    /// A nested code object.
    Code(Arc<Code>),
}

/// A range of words in which an exception is caught: `start <= word index < end` goes on at `target` with
/// the exception in register `reg`. Entries are searched in order: inner ranges come before outer ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// First word covered.
    pub start: u32,
    /// First word no longer covered.
    pub end: u32,
    /// Where to go on.
    pub target: u32,
    /// Register that receives the exception.
    pub reg: u32,
}

/// Where an instruction comes from: lines from 1, columns in UTF-8 bytes from 0, as `co_positions` says.
/// `line == 0` means the instruction has no line; columns are `u32::MAX` where unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// Line of the start.
    pub line: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the start.
    pub col: u32,
    /// Column of the end.
    pub end_col: u32,
}

/// CPython's `co_flags` bits.
pub mod flags {
    /// Fast locals.
    pub const OPTIMIZED: u32 = 0x1;
    /// A new dict of locals for each run.
    pub const NEWLOCALS: u32 = 0x2;
    /// Has `*args`.
    pub const VARARGS: u32 = 0x4;
    /// Has `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x8;
    /// Nested in a function.
    pub const NESTED: u32 = 0x10;
    /// Generator function.
    pub const GENERATOR: u32 = 0x20;
    /// Coroutine function (`async def`).
    pub const COROUTINE: u32 = 0x80;
    /// `types.coroutine` generator.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// Async generator function.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// The first constant is the docstring.
    pub const HAS_DOCSTRING: u32 = 0x400_0000;
    /// Defined in a class body.
    pub const METHOD: u32 = 0x800_0000;
}

/// A compiled code block.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// Function, class or `<module>`, `<lambda>`, ... .
    pub name: Text,
    /// Dotted path.
    pub qualname: Text,
    /// As given to the compiler.
    pub filename: Text,
    /// Positional parameters, positional-only ones included.
    pub argcount: u32,
    /// Positional-only parameters.
    pub posonlyargcount: u32,
    /// Keyword-only parameters.
    pub kwonlyargcount: u32,
    /// See [`flags`].
    pub flags: u32,
    /// Line of `def`, `class` or the first decorator.
    pub firstlineno: u32,
    /// Registers of a frame window: locals, cells, frees, temporaries.
    pub nregs: u32,
    /// Locals: parameters (positional, keyword-only, `*args`, `**kwargs`), then the others. Index = register.
    pub varnames: Vec<Text>,
    /// Variables captured by inner functions; cell of number i is in register `nlocals + i`.
    pub cellvars: Vec<Text>,
    /// Variables captured from outer functions; in register `nlocals + ncells + i`. Copied there from the
    /// closure when a frame starts, before the first instruction.
    pub freevars: Vec<Text>,
    /// Names of globals and attributes.
    pub names: Vec<Text>,
    /// Constants. A function's docstring comes first (see [`flags::HAS_DOCSTRING`]).
    pub consts: Vec<Const>,
    /// Instructions and their fresh caches.
    pub words: Vec<u64>,
    /// Exception handlers, inner before outer.
    pub handlers: Vec<Handler>,
    /// Positions, see [`crate::positions`].
    pub positions: Vec<u8>,
}

impl Code {
    /// Registers taken by `varnames`.
    pub fn nlocals(&self) -> usize {
        self.varnames.len()
    }
}
