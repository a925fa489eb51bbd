//! The reader: bytes to objects.

use std::borrow::Cow;

use super::{CodeParts, FLAG_REF, MAX_DEPTH, MarshalError, bad_data, is_surrogatepass_utf8, latin1, tag};
use crate::code::Handler;
use crate::packed::Packed;

/// Makes objects for a [`Reader`]. Any method may raise.
pub trait Builder {
    /// An object; cloning is cheap and keeps identity.
    type Obj: Clone;
    /// What raising gives.
    type Error: From<MarshalError>;

    /// None.
    fn none(&mut self) -> Self::Obj;
    /// True or False.
    fn bool(&mut self, value: bool) -> Self::Obj;
    /// The class StopIteration.
    fn stop_iteration(&mut self) -> Result<Self::Obj, Self::Error>;
    /// `...`.
    fn ellipsis(&mut self) -> Self::Obj;
    /// An int.
    fn int(&mut self, value: i64) -> Result<Self::Obj, Self::Error>;
    /// An int of sign and 30-bit digits, least significant first, that does not fit `i64`.
    fn big(&mut self, negative: bool, digits: Vec<u32>) -> Result<Self::Obj, Self::Error>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<Self::Obj, Self::Error>;
    /// A complex.
    fn complex(&mut self, real: f64, imag: f64) -> Result<Self::Obj, Self::Error>;
    /// A str of generalised UTF-8 (see [`crate::code::Text`]), interned if asked.
    fn str(&mut self, text: &[u8], interned: bool) -> Result<Self::Obj, Self::Error>;
    /// A bytes.
    fn bytes(&mut self, value: &[u8]) -> Result<Self::Obj, Self::Error>;
    /// A tuple.
    fn tuple(&mut self, items: Vec<Self::Obj>) -> Result<Self::Obj, Self::Error>;
    /// An empty list, to be filled by `list_push`.
    fn list(&mut self) -> Result<Self::Obj, Self::Error>;
    /// Appends to a list being read.
    fn list_push(&mut self, list: &Self::Obj, item: Self::Obj) -> Result<(), Self::Error>;
    /// An empty dict.
    fn dict(&mut self) -> Result<Self::Obj, Self::Error>;
    /// Stores into a dict being read.
    fn dict_set(&mut self, dict: &Self::Obj, key: Self::Obj, value: Self::Obj) -> Result<(), Self::Error>;
    /// An empty set.
    fn set(&mut self) -> Result<Self::Obj, Self::Error>;
    /// Adds to a set being read.
    fn set_add(&mut self, set: &Self::Obj, item: Self::Obj) -> Result<(), Self::Error>;
    /// A frozenset.
    fn frozenset(&mut self, items: Vec<Self::Obj>) -> Result<Self::Obj, Self::Error>;
    /// A slice of start, stop, step.
    fn slice(&mut self, parts: [Self::Obj; 3]) -> Result<Self::Obj, Self::Error>;
    /// A code object. The parts come from outside: verify them.
    fn code(&mut self, parts: CodeParts<Self::Obj>) -> Result<Self::Obj, Self::Error>;
}

/// Where a [`Reader`] gets bytes from.
pub trait Input {
    /// What reading raises.
    type Error;
    /// The next `len` bytes, or fewer at the end. Must not allocate `len` bytes before it has them.
    fn read(&mut self, len: usize) -> Result<&[u8], Self::Error>;
}

impl Input for &[u8] {
    type Error = MarshalError;
    fn read(&mut self, len: usize) -> Result<&[u8], MarshalError> {
        let (head, tail) = self.split_at(len.min(self.len()));
        *self = tail;
        Ok(head)
    }
}

/// What a tag begins.
enum Started<O> {
    /// A container, now on the stack.
    Container,
    /// A whole object, or "no object".
    Complete(Option<O>),
}

fn null_object<E: From<MarshalError>>(within: &str) -> E {
    MarshalError::Type(format!("NULL object in marshal data for {within}")).into()
}

fn too_short<E: From<MarshalError>>() -> E {
    MarshalError::Eof("marshal data too short").into()
}

/// A container whose items are being read.
struct Open<O> {
    kind: u8,
    /// Its reference number, given when it is complete.
    number: Option<usize>,
    /// Items that are still to be read; dicts end by the tag for "no object" instead.
    left: usize,
    /// What has been read of containers that are made at the end, or the pending key of a dict.
    items: Vec<O>,
    /// List, set or dict, filled while it is read.
    object: Option<O>,
    /// Numbers of a code object.
    numbers: [u32; 6],
}

/// Reads one object after another, with an explicit stack.
///
/// A builder over garbage-collected objects should hand out indices into a traced list as `Obj`: the reader
/// keeps them in Rust memory.
pub struct Reader<'b, I, B: Builder> {
    input: I,
    builder: &'b mut B,
    /// Numbered objects; `None` while one is being read.
    refs: Vec<Option<B::Obj>>,
    stack: Vec<Open<B::Obj>>,
    allow_code: bool,
}

impl<'b, I: Input, B: Builder> Reader<'b, I, B>
where
    B::Error: From<I::Error>,
{
    /// A reader at the start of `input`.
    pub fn new(input: I, builder: &'b mut B) -> Self {
        Reader { input, builder, refs: Vec::new(), stack: Vec::new(), allow_code: true }
    }

    /// Sets whether code objects may be read.
    pub fn allow_code(mut self, allow: bool) -> Self {
        self.allow_code = allow;
        self
    }

    /// What is left of the input.
    pub fn into_input(self) -> I {
        self.input
    }

    /// Reads one object, with its own reference numbers.
    pub fn object(&mut self) -> Result<B::Obj, B::Error> {
        self.refs.clear();
        self.stack.clear();
        loop {
            let mut item = match self.start()? {
                Started::Container => continue,
                Started::Complete(item) => item,
            };
            // Hands the item to the innermost container, and that one, when complete, to the next.
            loop {
                let Some(open) = self.stack.pop() else {
                    return item.ok_or_else(|| null_object("object"));
                };
                match self.feed(open, item)? {
                    None => break,
                    Some(object) => item = Some(object),
                }
            }
        }
    }

    /// Reads a tag: a whole scalar, or the head of a container.
    fn start(&mut self) -> Result<Started<B::Obj>, B::Error> {
        let Some(&[code]) = self.input.read(1)?.first_chunk::<1>() else {
            return Err(MarshalError::Eof("EOF read where object expected").into());
        };
        if self.stack.len() >= MAX_DEPTH {
            return Err(MarshalError::Value("recursion limit exceeded".into()).into());
        }
        let (kind, numbered) = (code & !FLAG_REF, code & FLAG_REF != 0);
        let is_container = matches!(
            kind,
            tag::LIST | tag::DICT | tag::SET | tag::TUPLE | tag::SMALL_TUPLE | tag::FROZEN_SET | tag::SLICE | tag::CODE
        );
        if is_container {
            return self.open(kind, numbered);
        }
        if kind == tag::NULL {
            return Ok(Started::Complete(None));
        }
        let is_unnumbered =
            matches!(kind, tag::NONE | tag::TRUE | tag::FALSE | tag::STOP_ITERATION | tag::ELLIPSIS | tag::REF);
        let object = match kind {
            tag::REF => self.reference()?,
            tag::UNICODE | tag::INTERNED | tag::ASCII | tag::ASCII_INTERNED => self.text(kind)?,
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => self.text(kind)?,
            _ => self.scalar(kind)?,
        };
        if numbered && !is_unnumbered {
            self.refs.push(Some(object.clone()));
        }
        Ok(Started::Complete(Some(object)))
    }

    /// Reads the head of a container. Lists, dicts and sets are numbered before their items are read, which
    /// may refer to them.
    fn open(&mut self, kind: u8, numbered: bool) -> Result<Started<B::Obj>, B::Error> {
        let mut numbers = [0; 6];
        let left = match kind {
            tag::LIST => self.size("list")?,
            tag::SET | tag::FROZEN_SET => self.size("set")?,
            tag::TUPLE => self.size("tuple")?,
            tag::SMALL_TUPLE => self.u8()? as usize,
            tag::SLICE => 3,
            tag::CODE => {
                if !self.allow_code {
                    return Err(MarshalError::Value("unmarshalling code objects is disallowed".into()).into());
                }
                for number in &mut numbers {
                    *number = self.i32()? as u32;
                }
                8
            }
            _ => 1,
        };
        let object = match kind {
            tag::LIST => Some(self.builder.list()?),
            tag::SET => Some(self.builder.set()?),
            tag::DICT => Some(self.builder.dict()?),
            _ => None,
        };
        let number = numbered.then_some(self.refs.len());
        if numbered {
            self.refs.push(object.clone());
        }
        // Sizes come from outside: no more room than small containers need is taken in advance.
        let items = if object.is_none() { Vec::with_capacity(left.min(64)) } else { Vec::new() };
        let open = Open { kind, number, left, items, object, numbers };
        if left == 0 {
            return Ok(Started::Complete(Some(self.close(open)?)));
        }
        self.stack.push(open);
        Ok(Started::Container)
    }

    /// Gives `item` to `open`: the complete container, or `None` if more items are to come.
    fn feed(&mut self, mut open: Open<B::Obj>, item: Option<B::Obj>) -> Result<Option<B::Obj>, B::Error> {
        let within = match open.kind {
            tag::LIST => "list",
            tag::SET | tag::FROZEN_SET => "set",
            tag::SLICE => "slice",
            tag::CODE => "code",
            _ => "tuple",
        };
        match (open.kind, item, &open.object) {
            (tag::DICT, None, _) => return self.close(open).map(Some),
            (tag::DICT, Some(value), Some(dict)) => match open.items.pop() {
                Some(key) => self.builder.dict_set(dict, key, value)?,
                None => open.items.push(value),
            },
            (_, None, _) => return Err(null_object(within)),
            (tag::LIST, Some(item), Some(list)) => self.builder.list_push(list, item)?,
            (tag::SET, Some(item), Some(set)) => self.builder.set_add(set, item)?,
            (_, Some(item), _) => open.items.push(item),
        }
        if open.kind != tag::DICT {
            open.left -= 1;
        }
        if open.left == 0 {
            return self.close(open).map(Some);
        }
        self.stack.push(open);
        Ok(None)
    }

    fn close(&mut self, open: Open<B::Obj>) -> Result<B::Obj, B::Error> {
        let object = match (open.kind, open.object) {
            (_, Some(object)) => object,
            (tag::FROZEN_SET, None) => self.builder.frozenset(open.items)?,
            (tag::SLICE, None) => {
                let parts = open.items.try_into().map_err(|_| null_object::<B::Error>("slice"))?;
                self.builder.slice(parts)?
            }
            (tag::CODE, None) => {
                let parts = self.code(open.numbers, open.items)?;
                self.builder.code(parts)?
            }
            (_, None) => self.builder.tuple(open.items)?,
        };
        if let Some(number) = open.number {
            self.refs[number] = Some(object.clone());
        }
        Ok(object)
    }

    fn bytes(&mut self, len: usize) -> Result<&[u8], B::Error> {
        let bytes = self.input.read(len)?;
        if bytes.len() < len { Err(too_short()) } else { Ok(bytes) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], B::Error> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N)?);
        Ok(out)
    }

    fn u8(&mut self) -> Result<u8, B::Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32, B::Error> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn f64(&mut self) -> Result<f64, B::Error> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn size(&mut self, of: &str) -> Result<usize, B::Error> {
        let size = self.i32()?;
        usize::try_from(size).map_err(|_| bad_data(&format!("{of} size out of range")).into())
    }

    fn float_text(&mut self) -> Result<f64, B::Error> {
        let len = self.u8()? as usize;
        let text = String::from_utf8_lossy(self.bytes(len)?).into_owned();
        text.parse().map_err(|_| MarshalError::Value(format!("could not convert string to float: '{text}'")).into())
    }

    fn reference(&mut self) -> Result<B::Obj, B::Error> {
        let index = self.i32()?;
        let found = usize::try_from(index).ok().and_then(|index| self.refs.get(index));
        found.cloned().flatten().ok_or_else(|| bad_data("invalid reference").into())
    }

    fn scalar(&mut self, kind: u8) -> Result<B::Obj, B::Error> {
        match kind {
            tag::NONE => Ok(self.builder.none()),
            tag::TRUE => Ok(self.builder.bool(true)),
            tag::FALSE => Ok(self.builder.bool(false)),
            tag::STOP_ITERATION => self.builder.stop_iteration(),
            tag::ELLIPSIS => Ok(self.builder.ellipsis()),
            tag::INT => {
                let value = self.i32()?;
                self.builder.int(value.into())
            }
            tag::INT64 => {
                let value = i64::from_le_bytes(self.array()?);
                self.builder.int(value)
            }
            tag::LONG => self.long(),
            tag::BINARY_FLOAT => {
                let value = self.f64()?;
                self.builder.float(value)
            }
            tag::FLOAT => {
                let value = self.float_text()?;
                self.builder.float(value)
            }
            tag::BINARY_COMPLEX => {
                let (real, imag) = (self.f64()?, self.f64()?);
                self.builder.complex(real, imag)
            }
            tag::COMPLEX => {
                let (real, imag) = (self.float_text()?, self.float_text()?);
                self.builder.complex(real, imag)
            }
            tag::BYTES => {
                let size = self.size("bytes object")?;
                let bytes = self.bytes(size)?.to_vec();
                self.builder.bytes(&bytes)
            }
            _ => Err(bad_data("unknown type code").into()),
        }
    }

    /// An int as 15-bit digits.
    fn long(&mut self) -> Result<B::Obj, B::Error> {
        let size = self.i32()?;
        if size == i32::MIN {
            return Err(bad_data("long size out of range").into());
        }
        let count = size.unsigned_abs() as usize;
        let bytes = self.bytes(count * 2)?;
        let halves: Vec<u32> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]) as u32).collect();
        if halves.iter().any(|&half| half >= 1 << 15) {
            return Err(bad_data("digit out of range in long").into());
        }
        if halves.last() == Some(&0) {
            return Err(bad_data("unnormalized long data").into());
        }
        let digits: Vec<u32> = halves.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0) << 15).collect();
        if digits.len() <= 3 {
            let value = digits.iter().rev().fold(0i128, |sum, &digit| sum << 30 | digit as i128);
            if let Ok(value) = i64::try_from(if size < 0 { -value } else { value }) {
                return self.builder.int(value);
            }
        }
        self.builder.big(size < 0, digits)
    }

    fn text(&mut self, kind: u8) -> Result<B::Obj, B::Error> {
        let interned = matches!(kind, tag::INTERNED | tag::ASCII_INTERNED | tag::SHORT_ASCII_INTERNED);
        let size = match kind {
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => self.u8()? as usize,
            _ => self.size("string")?,
        };
        let bytes = self.input.read(size)?;
        if bytes.len() < size {
            return Err(too_short());
        }
        let text = match kind {
            tag::UNICODE | tag::INTERNED if is_surrogatepass_utf8(bytes) => Cow::Borrowed(bytes),
            tag::UNICODE | tag::INTERNED => return Err(MarshalError::Utf8(bytes.into()).into()),
            _ => latin1(bytes),
        };
        self.builder.str(&text, interned)
    }

    /// The rest of a code object after its eight objects.
    fn code(&mut self, numbers: [u32; 6], objects: Vec<B::Obj>) -> Result<CodeParts<B::Obj>, B::Error> {
        let Ok([name, qualname, filename, varnames, cellvars, freevars, names, consts]) =
            <[B::Obj; 8]>::try_from(objects)
        else {
            return Err(null_object("code"));
        };
        let count = self.size("code")?;
        let Some(words) = Packed::from_bytes(self.blob(1)?, count) else { return Err(bad_data("code words").into()) };
        let u32_at =
            |entry: &[u8], at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        let handlers = self.blob(16)?.chunks_exact(16).map(|entry| Handler {
            start: u32_at(entry, 0),
            end: u32_at(entry, 4),
            target: u32_at(entry, 8),
            reg: u32_at(entry, 12),
        });
        let handlers = handlers.collect();
        let positions = self.blob(1)?.to_vec();
        let sealed: [u8; 8] = self.array()?;
        let parts = CodeParts {
            numbers,
            strs: [name, qualname, filename],
            names: [varnames, cellvars, freevars, names],
            consts,
            words,
            handlers,
            positions,
        };
        if sealed != super::seal(numbers, &parts.words, &parts.handlers).to_le_bytes() {
            return Err(bad_data("damaged code object").into());
        }
        Ok(parts)
    }

    /// Counted raw bytes of a code object, in units of `unit` bytes.
    fn blob(&mut self, unit: usize) -> Result<&[u8], B::Error> {
        let size = self.size("code")?;
        self.bytes(size.saturating_mul(unit))
    }
}
