//! The module `marshal`: the format of `bytecode::marshal` over runtime objects.

use taipan_bytecode::marshal::{self as format, Builder, CodeParts, Input, MarshalError, Reader, Source, View, Writer};
use taipan_bytecode::{Const, Packed, Text};
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{buffer, iter};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::{self, CodeObject};
use taipan_runtime::types::complex::{self, Complex};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};

use crate::sys::audit;

/// The functions.
pub struct Marshal;

const DOC: &str = "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.";

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "marshal", DOC, Marshal::METHODS);
    module.set(cx, "version", Value::small(format::VERSION as i64));
    Ok(module)
}

/// Errors on the way: the format's own, or an exception that is raised already.
enum Failure {
    Format(MarshalError),
    Raised,
}

impl From<MarshalError> for Failure {
    fn from(error: MarshalError) -> Failure {
        Failure::Format(error)
    }
}

impl From<Raised> for Failure {
    fn from(_: Raised) -> Failure {
        Failure::Raised
    }
}

fn raise(cx: &mut Cx, failure: Failure) -> Raised {
    match failure {
        Failure::Raised => Raised,
        Failure::Format(MarshalError::Eof(text)) => cx.raise_text(&exceptions::EOFError, text),
        Failure::Format(MarshalError::Value(text)) => cx.raise_text(&exceptions::ValueError, &text),
        Failure::Format(MarshalError::Type(text)) => cx.raise_text(&exceptions::TypeError, &text),
        Failure::Format(MarshalError::Utf8(bytes)) => {
            let data = Value::of(Bytes::new(cx, &bytes));
            let (codec, errors) = (cx.str("utf-8"), cx.str("surrogatepass"));
            match cx.call_method_text(data, "decode", &[codec, errors]) {
                Err(raised) => raised,
                Ok(_) => cx.raise_text(&exceptions::ValueError, "bad marshal data (invalid utf-8)"),
            }
        }
    }
}

/// Makes runtime objects. All of them are roots while reading goes on, since the reader keeps them in Rust memory.
struct Objects<'c> {
    cx: &'c mut Cx,
    roots: RootVec,
    /// Strs that look like names are interned, as those of code are.
    names_interned: bool,
    /// The bytes are the binary's own: code needs no verification.
    trusted: bool,
}

impl Objects<'_> {
    fn keep(&mut self, v: Value) -> Value {
        if v.is_pointer() {
            self.roots.push(v);
        }
        v
    }

    fn interned(&mut self, text: &[u8]) -> &'static Str {
        match std::str::from_utf8(text) {
            Ok(text) => self.cx.intern(text),
            Err(_) => {
                let s = Str::from_generalized_utf8(self.cx, text);
                self.cx.intern_value(s)
            }
        }
    }

    /// A tuple of names with all of them interned.
    fn names(&mut self, v: Value) -> Result<&'static Tuple, Failure> {
        let Some(names) = v.exact::<Tuple>() else { return Err(bad("code names")) };
        let Some(strs) = names.items().iter().map(|v| v.exact::<Str>()).collect::<Option<Vec<_>>>() else {
            return Err(bad("code name"));
        };
        if strs.iter().all(|s| s.is_interned()) {
            return Ok(names);
        }
        let strs: Vec<Value> = strs.iter().map(|s| Value::of(self.cx.intern_value(s))).collect();
        let names = Tuple::new(self.cx, &strs);
        self.keep(Value::of(names));
        Ok(names)
    }

    /// The parts of a code object, not verified.
    fn parts(&mut self, parts: CodeParts<Value>) -> Result<code::Parts, Failure> {
        let [argcount, posonlyargcount, kwonlyargcount, flags, firstlineno, nregs] = parts.numbers;
        let Some(strs) = parts.strs.iter().map(|v| v.exact::<Str>()).collect::<Option<Vec<_>>>() else {
            return Err(bad("code name"));
        };
        let [varnames, cellvars, freevars, names] = parts.names;
        let Some(consts) = parts.consts.exact::<Tuple>() else { return Err(bad("code constants")) };
        if !consts.items().iter().all(|v| is_constant(*v)) {
            return Err(bad("code constant"));
        }
        Ok(code::Parts {
            params: [argcount, posonlyargcount, kwonlyargcount],
            flags,
            firstlineno,
            nregs,
            strs: [strs[0], strs[1], strs[2]].map(|s| self.cx.intern_value(s)),
            variables: [self.names(varnames)?, self.names(cellvars)?, self.names(freevars)?],
            names: self.names(names)?,
            consts,
            words: parts.words,
            handlers: parts.handlers,
            line_table: parts.positions,
        })
    }
}

/// True for the kinds of constants that code objects hold.
fn is_constant(v: Value) -> bool {
    let constants = [Value::none(), Value::ellipsis(), Value::bool(true), Value::bool(false)];
    let class = v.class();
    constants.contains(&v)
        || [&int::INT, &float::FLOAT].iter().any(|c| std::ptr::eq(class, *c))
        || v.exact::<Str>().is_some()
        || v.exact::<CodeObject>().is_some()
        || v.exact::<Bytes>().is_some()
        || v.exact::<Complex>().is_some()
        || v.exact::<Tuple>().is_some_and(|items| items.items().iter().all(|v| is_constant(*v)))
        || v.exact::<Slice>().is_some_and(|s| [s.start, s.stop, s.step].iter().all(|v| is_constant(*v)))
        || class.spec().is_some_and(|spec| spec.name == "frozenset")
}

impl Builder for Objects<'_> {
    type Obj = Value;
    type Error = Failure;

    fn none(&mut self) -> Value {
        Value::none()
    }
    fn bool(&mut self, value: bool) -> Value {
        Value::bool(value)
    }
    fn stop_iteration(&mut self) -> Result<Value, Failure> {
        Ok(Value::of(&exceptions::StopIteration))
    }
    fn ellipsis(&mut self) -> Value {
        Value::ellipsis()
    }
    fn int(&mut self, value: i64) -> Result<Value, Failure> {
        let v = self.cx.int(value);
        Ok(self.keep(v))
    }
    fn big(&mut self, negative: bool, digits: Vec<u32>) -> Result<Value, Failure> {
        let v = self.cx.int_from_digits(negative, &digits);
        Ok(self.keep(v))
    }
    fn float(&mut self, value: f64) -> Result<Value, Failure> {
        let v = self.cx.float(value);
        Ok(self.keep(v))
    }
    fn complex(&mut self, real: f64, imag: f64) -> Result<Value, Failure> {
        let v = complex::new(self.cx, real, imag);
        Ok(self.keep(v))
    }
    fn str(&mut self, text: &[u8], interned: bool) -> Result<Value, Failure> {
        let v = if interned || self.names_interned && code::all_name_chars(text) {
            return Ok(Value::of(self.interned(text)));
        } else {
            Value::of(Str::from_generalized_utf8(self.cx, text))
        };
        Ok(self.keep(v))
    }
    fn bytes(&mut self, value: &[u8]) -> Result<Value, Failure> {
        let v = Value::of(Bytes::new(self.cx, value));
        Ok(self.keep(v))
    }
    fn tuple(&mut self, items: Vec<Value>) -> Result<Value, Failure> {
        let v = Value::of(Tuple::new(self.cx, &items));
        Ok(self.keep(v))
    }
    fn list(&mut self) -> Result<Value, Failure> {
        let v = Value::of(List::new(self.cx));
        Ok(self.keep(v))
    }
    fn list_push(&mut self, list: &Value, item: Value) -> Result<(), Failure> {
        if let Some(list) = list.exact::<List>() {
            list.push(self.cx, item);
        }
        Ok(())
    }
    fn dict(&mut self) -> Result<Value, Failure> {
        let v = Value::of(Dict::new(self.cx));
        Ok(self.keep(v))
    }
    fn dict_set(&mut self, dict: &Value, key: Value, value: Value) -> Result<(), Failure> {
        if let Some(dict) = dict.exact::<Dict>() {
            dict.set(self.cx, key, value)?;
        }
        Ok(())
    }
    fn set(&mut self) -> Result<Value, Failure> {
        let name = self.cx.intern("set");
        let class = self.cx.rt().builtins.get().and_then(|b| b.get_str(name)).unwrap_or(Value::none());
        let v = self.cx.call(class, &[])?;
        Ok(self.keep(v))
    }
    fn set_add(&mut self, set: &Value, item: Value) -> Result<(), Failure> {
        self.cx.call_method_text(*set, "add", &[item])?;
        Ok(())
    }
    fn frozenset(&mut self, items: Vec<Value>) -> Result<Value, Failure> {
        let v = taipan_runtime::types::set::frozenset_from(self.cx, &items)?;
        Ok(self.keep(v))
    }
    fn slice(&mut self, parts: [Value; 3]) -> Result<Value, Failure> {
        let [start, stop, step] = parts;
        let v = Value::of(Slice::new(self.cx, start, stop, step));
        Ok(self.keep(v))
    }
    fn code(&mut self, parts: CodeParts<Value>) -> Result<Value, Failure> {
        let parts = self.parts(parts)?;
        if !self.trusted {
            parts.verify().map_err(|error| bad(&format!("invalid bytecode: {error}")))?;
        }
        let v = Value::of(CodeObject::from_parts(self.cx, parts));
        Ok(self.keep(v))
    }
}

fn bad(what: &str) -> Failure {
    Failure::Format(MarshalError::Value(format!("bad marshal data ({what})")))
}

/// A value as the compiler's constant; None if it is of another kind.
pub fn to_const(v: Value) -> Option<Const> {
    let all = |items: &[Value]| items.iter().map(|v| to_const(*v)).collect::<Option<Box<[Const]>>>();
    if v.is_none() {
        return Some(Const::None);
    }
    if v == Value::bool(true) || v == Value::bool(false) {
        return Some(Const::Bool(v == Value::bool(true)));
    }
    if v == Value::ellipsis() {
        return Some(Const::Ellipsis);
    }
    if std::ptr::eq(v.class(), &int::INT) {
        return Some(match int::as_i64(v) {
            Some(i) => Const::Int(i),
            None => {
                let view = int::view(v)?;
                Const::Big(view.negative, view.digits().into())
            }
        });
    }
    if std::ptr::eq(v.class(), &float::FLOAT) {
        return Some(Const::Float(float::of(v)));
    }
    if let Some(c) = v.exact::<Complex>() {
        return Some(Const::Complex(c.re, c.im));
    }
    if let Some(s) = v.exact::<Str>() {
        return Some(Const::Str(Text(s.to_generalized_utf8().into_owned().into())));
    }
    if let Some(b) = v.exact::<Bytes>() {
        return Some(Const::Bytes(b.data().into()));
    }
    if let Some(t) = v.exact::<Tuple>() {
        return all(t.items()).map(Const::Tuple);
    }
    if let Some(s) = v.exact::<Slice>() {
        let parts = [to_const(s.start)?, to_const(s.stop)?, to_const(s.step)?];
        return Some(Const::Slice(Box::new(parts)));
    }
    None
}

/// Takes runtime objects apart. What it makes on the way is a root, since the writer keeps it in Rust memory.
struct Parts<'c> {
    cx: &'c mut Cx,
    roots: RootVec,
}

impl Source for Parts<'_> {
    type Obj = Value;
    type Error = Failure;

    fn view(&mut self, v: &Value) -> Result<View<Value>, Failure> {
        let v = *v;
        if v == Value::of(&exceptions::StopIteration) {
            return Ok(View::StopIteration);
        }
        if let Some(list) = v.exact::<List>() {
            return Ok(View::List(list.items().to_vec()));
        }
        if let Some(tuple) = v.exact::<Tuple>() {
            return Ok(View::Tuple(tuple.items().to_vec()));
        }
        if let Some(dict) = v.exact::<Dict>() {
            return Ok(View::Dict(dict.iter().collect()));
        }
        if let Some(slice) = v.exact::<Slice>() {
            return Ok(View::Slice([slice.start, slice.stop, slice.step]));
        }
        if let Some(s) = v.exact::<Str>() {
            return Ok(View::Str(Text(s.to_generalized_utf8().into_owned().into()), s.is_interned()));
        }
        if let Some(code) = v.exact::<CodeObject>() {
            return Ok(View::Code(Box::new(self.code_parts(code))));
        }
        match v.class().spec().map(|s| s.name) {
            Some(name @ ("set" | "frozenset")) => {
                let items = self.set_items(v)?;
                return Ok(if name == "set" { View::Set(items) } else { View::FrozenSet(items) });
            }
            _ => {}
        }
        match to_const(v) {
            Some(Const::None) => Ok(View::None),
            Some(Const::Bool(b)) => Ok(View::Bool(b)),
            Some(Const::Ellipsis) => Ok(View::Ellipsis),
            Some(Const::Int(i)) => Ok(View::Int(i)),
            Some(Const::Big(negative, digits)) => Ok(View::Big(negative, digits.into())),
            Some(Const::Float(d)) => Ok(View::Float(d)),
            Some(Const::Complex(re, im)) => Ok(View::Complex(re, im)),
            Some(Const::Bytes(bytes)) => Ok(View::Bytes(bytes.into())),
            _ if buffer::check(v) => Ok(View::Bytes(buffer::with_bytes(self.cx, v, |_, b| Ok(b.to_vec()))?)),
            _ => Ok(View::Other),
        }
    }

    fn identity(&mut self, v: &Value) -> Option<usize> {
        let constant =
            v.is_none() || *v == Value::ellipsis() || v.downcast::<taipan_runtime::typeobj::Type>().is_some();
        let is_bool = *v == Value::bool(true) || *v == Value::bool(false);
        if v.is_pointer() && !constant && !is_bool { Some(v.bits() as usize) } else { None }
    }
}

impl Parts<'_> {
    /// Items of a set ordered by their own marshalled form, so that the output does not depend on hashes.
    fn set_items(&mut self, v: Value) -> Result<Vec<Value>, Failure> {
        let items = iter::collect(self.cx, v)?;
        let mut keyed = Vec::new();
        for item in items.iter() {
            self.roots.push(*item);
            keyed.push((write(self.cx, *item, format::VERSION, true)?, *item));
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(keyed.into_iter().map(|k| k.1).collect())
    }

    fn code_parts(&mut self, code: &'static CodeObject) -> CodeParts<Value> {
        let (nlocals, ncells) = (code.nlocals as usize, code.ncells as usize);
        let mut tuple = |cx: &mut Cx, names: &[&'static Str]| {
            let values: Vec<Value> = names.iter().map(|n| Value::of(*n)).collect();
            let v = Value::of(Tuple::new(cx, &values));
            self.roots.push(v);
            v
        };
        let names = [
            tuple(self.cx, &code.local_names()[..nlocals]),
            tuple(self.cx, &code.local_names()[nlocals..nlocals + ncells]),
            tuple(self.cx, &code.local_names()[nlocals + ncells..]),
            Value::of(code.names_tuple()),
        ];
        CodeParts {
            numbers: [
                code.argcount,
                code.posonlyargcount,
                code.kwonlyargcount,
                code.flags,
                code.firstlineno,
                code.nregs() as u32,
            ],
            strs: [Value::of(code.name), Value::of(code.qualname), Value::of(code.filename.get())],
            names,
            consts: Value::of(code.consts_tuple()),
            words: Packed::new(&code.pristine_words()),
            handlers: code.handlers.to_vec(),
            positions: code.line_table.to_vec(),
        }
    }
}

fn write(cx: &mut Cx, v: Value, version: u32, allow_code: bool) -> Result<Vec<u8>, Failure> {
    let mut parts = Parts { cx, roots: RootVec::new() };
    let mut writer = Writer::new(&mut parts, version).allow_code(allow_code);
    writer.object(v)?;
    Ok(writer.into_bytes())
}

/// The marshalled form of `v`.
pub fn dumps(cx: &mut Cx, v: Value, version: i64, allow_code: bool) -> PyResult<Vec<u8>> {
    let version = version.clamp(0, i64::from(u32::MAX)) as u32;
    write(cx, v, version, allow_code).map_err(|failure| raise(cx, failure))
}

/// The object in the binary's own bytes. May collect.
pub fn trusted(cx: &mut Cx, bytes: &[u8]) -> PyResult<Value> {
    let mut objects = Objects { cx, roots: RootVec::new(), names_interned: true, trusted: true };
    let result = Reader::new(bytes, &mut objects).object();
    result.map_err(|failure| raise(cx, failure))
}

/// The object that `bytes` start with. May collect.
pub fn loads(cx: &mut Cx, bytes: &[u8], allow_code: bool) -> PyResult<Value> {
    let names_interned = bytes.first().is_some_and(|tag| tag & 0x7f == b'c');
    let mut objects = Objects { cx, roots: RootVec::new(), names_interned, trusted: false };
    let result = Reader::new(bytes, &mut objects).allow_code(allow_code).object();
    result.map_err(|failure| raise(cx, failure))
}

/// Bytes from a file object.
struct File<'c> {
    cx: *mut Cx,
    file: Value,
    bytes: Vec<u8>,
    _life: std::marker::PhantomData<&'c mut Cx>,
}

impl Input for File<'_> {
    type Error = Failure;
    fn read(&mut self, len: usize) -> Result<&[u8], Failure> {
        // SAFETY: the reader calls the input and the builder one after the other, never within each other.
        let cx = unsafe { &mut *self.cx };
        self.bytes.clear();
        while self.bytes.len() < len {
            let want = cx.int((len - self.bytes.len()) as i64);
            let read = cx.names().read;
            let data = cx.call_method(self.file, read, &[want])?;
            let Some(data) = data.downcast::<Bytes>() else {
                let got = data.class().tp_name();
                cx.raise_text(&exceptions::TypeError, &format!("file.read() returned not bytes but {got}"));
                return Err(Failure::Raised);
            };
            if data.data().is_empty() {
                break;
            }
            if data.data().len() > len - self.bytes.len() {
                let (asked, got) = (len - self.bytes.len(), data.data().len());
                let text = format!("read() returned too much data: {asked} bytes requested, {got} returned");
                cx.raise_text(&exceptions::ValueError, &text);
                return Err(Failure::Raised);
            }
            self.bytes.extend_from_slice(data.data());
        }
        Ok(&self.bytes)
    }
}

#[pymethods]
impl Marshal {
    /// Write the value on the open file.
    ///
    ///   value
    ///     Must be a supported type.
    ///   file
    ///     Must be a writeable binary file.
    ///   version
    ///     Indicates the data format that dump should use.
    ///   allow_code
    ///     Allow to write code objects.
    ///
    /// If the value has (or contains an object that has) an unsupported type, a
    /// ValueError exception is raised - but garbage data will also be written
    /// to the file. The object will not be properly read back by load().
    #[py("($module, value, file, version=5, /, *, allow_code=True)")]
    fn dump(cx: &mut Cx, value: Value, file: Value, version: Option<i64>, allow_code: Option<bool>) -> PyResult<Value> {
        let version = version.unwrap_or(format::VERSION as i64);
        audit(cx, "marshal.dumps", &[value, Value::small(version)])?;
        let bytes = dumps(cx, value, version, allow_code.unwrap_or(true))?;
        let bytes = Value::of(Bytes::new(cx, &bytes));
        let write = cx.names().write;
        cx.call_method(file, write, &[bytes])
    }

    /// Return the bytes object that would be written to a file by dump(value, file).
    ///
    ///   value
    ///     Must be a supported type.
    ///   version
    ///     Indicates the data format that dumps should use.
    ///   allow_code
    ///     Allow to write code objects.
    ///
    /// Raise a ValueError exception if value has (or contains an object that has) an
    /// unsupported type.
    #[py("($module, value, version=5, /, *, allow_code=True)")]
    fn dumps(cx: &mut Cx, value: Value, version: Option<i64>, allow_code: Option<bool>) -> PyResult<Value> {
        let version = version.unwrap_or(format::VERSION as i64);
        audit(cx, "marshal.dumps", &[value, Value::small(version)])?;
        let bytes = dumps(cx, value, version, allow_code.unwrap_or(true))?;
        Ok(Value::of(Bytes::new(cx, &bytes)))
    }

    /// Read one value from the open file and return it.
    ///
    ///   file
    ///     Must be readable binary file.
    ///   allow_code
    ///     Allow to load code objects.
    ///
    /// If no valid value is read (e.g. because the data has a different Python
    /// version's incompatible marshal format), raise EOFError, ValueError or
    /// TypeError.
    ///
    /// Note: If an object containing an unsupported type was marshalled with
    /// dump(), load() will substitute None for the unmarshallable type.
    #[py("($module, file, /, *, allow_code=True)")]
    fn load(cx: &mut Cx, file: Value, allow_code: Option<bool>) -> PyResult<Value> {
        audit(cx, "marshal.load", &[])?;
        let zero = Value::small(0);
        let read = cx.names().read;
        let probe = cx.call_method(file, read, &[zero])?;
        if probe.downcast::<Bytes>().is_none() {
            let got = probe.class().tp_name();
            return raise!(cx, TypeError, "file.read() returned not bytes but {got}");
        }
        let input = File { cx: &raw mut *cx, file, bytes: Vec::new(), _life: std::marker::PhantomData };
        let mut objects = Objects { cx, roots: RootVec::new(), names_interned: false, trusted: false };
        let result = Reader::new(input, &mut objects).allow_code(allow_code.unwrap_or(true)).object();
        result.map_err(|failure| raise(cx, failure))
    }

    /// Convert the bytes-like object to a value.
    ///
    ///   allow_code
    ///     Allow to load code objects.
    ///
    /// If no valid value is found, raise EOFError, ValueError or TypeError.  Extra
    /// bytes in the input are ignored.
    #[py("($module, bytes, /, *, allow_code=True)")]
    fn loads(cx: &mut Cx, bytes: Value, allow_code: Option<bool>) -> PyResult<Value> {
        audit(cx, "marshal.loads", &[bytes])?;
        let view = buffer::get(cx, bytes, 0)?;
        let result = loads(cx, view.bytes(), allow_code.unwrap_or(true));
        buffer::release(cx, &view);
        result
    }
}
