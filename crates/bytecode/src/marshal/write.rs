//! The writer: objects to bytes.

use std::collections::HashMap;

use super::{CodeParts, FLAG_REF, MAX_DEPTH, MarshalError, tag};
use crate::code::Text;

/// An object taken apart one level deep.
pub enum View<O> {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// The class StopIteration.
    StopIteration,
    /// `...`.
    Ellipsis,
    /// An int that fits 64 bits.
    Int(i64),
    /// Any other int: negative, 30-bit digits.
    Big(bool, Vec<u32>),
    /// A float.
    Float(f64),
    /// A complex.
    Complex(f64, f64),
    /// A str, and whether it is interned.
    Str(Text, bool),
    /// A bytes, or the contents of any object with a simple buffer.
    Bytes(Vec<u8>),
    /// A tuple.
    Tuple(Vec<O>),
    /// A list.
    List(Vec<O>),
    /// A dict, in order.
    Dict(Vec<(O, O)>),
    /// A set, in the order to be written.
    Set(Vec<O>),
    /// A frozenset, in the order to be written.
    FrozenSet(Vec<O>),
    /// A slice.
    Slice([O; 3]),
    /// A code object.
    Code(Box<CodeParts<O>>),
    /// Anything else; raises ValueError.
    Other,
}

/// Takes objects apart for a [`Writer`].
pub trait Source {
    /// An object.
    type Obj;
    /// What raising gives.
    type Error: From<MarshalError>;
    /// The parts of `object`.
    fn view(&mut self, object: &Self::Obj) -> Result<View<Self::Obj>, Self::Error>;
    /// A key that identifies `object` if it may occur more than once; then later occurrences are written as
    /// references to the first.
    fn identity(&mut self, object: &Self::Obj) -> Option<usize>;
}

/// What is still to be written.
enum Task<O> {
    Object(O),
    Bytes(Vec<u8>),
    /// End of a container.
    Leave,
}

/// Writes objects in one version of the format, with an explicit stack.
pub struct Writer<'s, S: Source> {
    out: Vec<u8>,
    source: &'s mut S,
    version: u32,
    refs: HashMap<usize, u32>,
    tasks: Vec<Task<S::Obj>>,
    depth: usize,
    allow_code: bool,
}

impl<'s, S: Source> Writer<'s, S> {
    /// A writer of format `version`.
    pub fn new(source: &'s mut S, version: u32) -> Self {
        let (out, refs, tasks) = (Vec::new(), HashMap::new(), Vec::new());
        Writer { out, source, version, refs, tasks, depth: 0, allow_code: true }
    }

    /// Sets whether code objects may be written.
    pub fn allow_code(mut self, allow: bool) -> Self {
        self.allow_code = allow;
        self
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Writes `object`.
    pub fn object(&mut self, object: S::Obj) -> Result<(), S::Error> {
        self.depth = 0;
        self.tasks.clear();
        self.tasks.push(Task::Object(object));
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Object(object) => self.one(&object)?,
                Task::Bytes(bytes) => self.out.extend_from_slice(&bytes),
                Task::Leave => self.depth -= 1,
            }
        }
        Ok(())
    }

    fn one(&mut self, object: &S::Obj) -> Result<(), S::Error> {
        if self.depth >= MAX_DEPTH {
            return Err(MarshalError::Value("object too deeply nested to marshal".into()).into());
        }
        let view = self.source.view(object)?;
        let mut flag = 0;
        let is_singleton =
            matches!(view, View::None | View::Bool(_) | View::StopIteration | View::Ellipsis | View::Other);
        if self.version >= 3
            && !is_singleton
            && let Some(key) = self.source.identity(object)
        {
            if let Some(&number) = self.refs.get(&key) {
                self.out.push(tag::REF);
                self.u32(number);
                return Ok(());
            }
            self.refs.insert(key, self.refs.len() as u32);
            flag = FLAG_REF;
        }
        match view {
            View::Tuple(_) | View::List(_) | View::Dict(_) | View::Set(_) => self.container(view, flag),
            View::FrozenSet(_) | View::Slice(_) | View::Code(_) => self.container(view, flag),
            View::Other => Err(MarshalError::Value("unmarshallable object".into()).into()),
            scalar => Ok(self.scalar(scalar, flag)?),
        }
    }

    fn u32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn size(&mut self, len: usize) -> Result<(), MarshalError> {
        let size = i32::try_from(len).map_err(|_| MarshalError::Value("unmarshallable object".into()))?;
        self.u32(size as u32);
        Ok(())
    }

    fn scalar(&mut self, view: View<S::Obj>, flag: u8) -> Result<(), MarshalError> {
        match view {
            View::None => self.out.push(tag::NONE),
            View::Bool(true) => self.out.push(tag::TRUE),
            View::Bool(false) => self.out.push(tag::FALSE),
            View::StopIteration => self.out.push(tag::STOP_ITERATION),
            View::Ellipsis => self.out.push(tag::ELLIPSIS),
            View::Int(value) => self.int(value, flag),
            View::Big(negative, digits) => self.long(negative, &digits, flag)?,
            View::Float(value) => {
                self.out.push(flag | if self.version > 1 { tag::BINARY_FLOAT } else { tag::FLOAT });
                self.float(value);
            }
            View::Complex(real, imag) => {
                self.out.push(flag | if self.version > 1 { tag::BINARY_COMPLEX } else { tag::COMPLEX });
                self.float(real);
                self.float(imag);
            }
            View::Str(text, interned) => self.text(&text, interned, flag)?,
            View::Bytes(bytes) => {
                self.out.push(flag | tag::BYTES);
                self.size(bytes.len())?;
                self.out.extend_from_slice(&bytes);
            }
            _ => {}
        }
        Ok(())
    }

    fn int(&mut self, value: i64, flag: u8) {
        if let Ok(small) = i32::try_from(value) {
            self.out.push(flag | tag::INT);
            self.u32(small as u32);
            return;
        }
        let mut digits = Vec::new();
        let mut rest = value.unsigned_abs();
        while rest != 0 {
            digits.push((rest & 0x3fff_ffff) as u32);
            rest >>= 30;
        }
        // At most five halves: the size always fits.
        let _ = self.long(value < 0, &digits, flag);
    }

    fn long(&mut self, negative: bool, digits: &[u32], flag: u8) -> Result<(), MarshalError> {
        let mut halves: Vec<u16> =
            digits.iter().flat_map(|&digit| [(digit & 0x7fff) as u16, (digit >> 15) as u16]).collect();
        while halves.last() == Some(&0) {
            halves.pop();
        }
        let size = i32::try_from(halves.len()).map_err(|_| MarshalError::Value("unmarshallable object".into()))?;
        self.out.push(flag | tag::LONG);
        self.u32(if negative { -size } else { size } as u32);
        self.out.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        Ok(())
    }

    fn float(&mut self, value: f64) {
        if self.version > 1 {
            self.out.extend_from_slice(&value.to_le_bytes());
        } else {
            let text = format!("{value:?}").to_lowercase();
            self.out.push(text.len() as u8);
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn text(&mut self, text: &Text, interned: bool, flag: u8) -> Result<(), MarshalError> {
        let bytes = &text.0;
        let interned = interned && self.version >= 1;
        if self.version >= 4 && bytes.is_ascii() {
            let is_short = bytes.len() < 256;
            self.out.push(
                flag | match (is_short, interned) {
                    (true, true) => tag::SHORT_ASCII_INTERNED,
                    (true, false) => tag::SHORT_ASCII,
                    (false, true) => tag::ASCII_INTERNED,
                    (false, false) => tag::ASCII,
                },
            );
            if is_short {
                self.out.push(bytes.len() as u8);
            } else {
                self.size(bytes.len())?;
            }
        } else {
            self.out.push(flag | if interned && self.version >= 3 { tag::INTERNED } else { tag::UNICODE });
            self.size(bytes.len())?;
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn container(&mut self, view: View<S::Obj>, flag: u8) -> Result<(), S::Error> {
        self.depth += 1;
        self.tasks.push(Task::Leave);
        match view {
            View::Tuple(items) if self.version >= 4 && items.len() < 256 => {
                self.out.extend([flag | tag::SMALL_TUPLE, items.len() as u8]);
                self.later(items);
            }
            View::Tuple(items) => self.items(flag | tag::TUPLE, items)?,
            View::List(items) => self.items(flag | tag::LIST, items)?,
            View::Set(items) => self.items(flag | tag::SET, items)?,
            View::FrozenSet(items) => self.items(flag | tag::FROZEN_SET, items)?,
            View::Dict(pairs) => {
                self.out.push(flag | tag::DICT);
                self.tasks.push(Task::Bytes(vec![tag::NULL]));
                self.later(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect());
            }
            View::Slice(_) if self.version < 5 => {
                return Err(MarshalError::Value("unmarshallable object".into()).into());
            }
            View::Slice(parts) => {
                self.out.push(flag | tag::SLICE);
                self.later(parts.into());
            }
            View::Code(parts) => self.code(*parts, flag)?,
            _ => {}
        }
        Ok(())
    }

    /// Writes `items` next.
    fn later(&mut self, items: Vec<S::Obj>) {
        self.tasks.extend(items.into_iter().rev().map(Task::Object));
    }

    fn items(&mut self, code: u8, items: Vec<S::Obj>) -> Result<(), MarshalError> {
        self.out.push(code);
        self.size(items.len())?;
        self.later(items);
        Ok(())
    }

    fn code(&mut self, parts: CodeParts<S::Obj>, flag: u8) -> Result<(), MarshalError> {
        if !self.allow_code {
            return Err(MarshalError::Value("marshalling code objects is disallowed".into()));
        }
        self.out.push(flag | tag::CODE);
        for number in parts.numbers {
            self.u32(number);
        }
        // The raw parts come after the objects: they are collected at the end of `out` and moved to a task.
        let start = self.out.len();
        self.size(parts.words.count())?;
        self.size(parts.words.bytes().len())?;
        self.out.extend_from_slice(parts.words.bytes());
        self.size(parts.handlers.len())?;
        for handler in &parts.handlers {
            for number in [handler.start, handler.end, handler.target, handler.reg] {
                self.u32(number);
            }
        }
        self.size(parts.positions.len())?;
        self.out.extend_from_slice(&parts.positions);
        let mut raw = self.out.split_off(start);
        raw.extend_from_slice(&super::seal(parts.numbers, &parts.words, &parts.handlers).to_le_bytes());
        self.tasks.push(Task::Bytes(raw));
        self.later(parts.strs.into_iter().chain(parts.names).chain([parts.consts]).collect());
        Ok(())
    }
}
