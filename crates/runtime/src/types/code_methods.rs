//! The type code: its attributes, comparison, `replace` and the constructor. Code made from Python data is verified
//! before it can run.

use std::sync::Arc;

use taipan_bytecode::code::Handler;
use taipan_bytecode::{Code, Const, Position, Text, positions, verify};

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::native::Args;
use crate::protocol::compare::CmpOp;
use crate::protocol::{compare, hash, iter, number};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::types::bytes::Bytes;
use crate::types::code::CodeObject;
use crate::types::code::NO_DEBUG_RANGES;
use crate::types::complex::Complex;
use crate::types::descr_methods::members;
use crate::types::list::List;
use crate::types::slice::Slice;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type code.
pub static CODE: Type = Type::new(&CODE_SPEC);
static CODE_SPEC: TypeSpec = TypeSpec {
    name: "code",
    basicsize: std::mem::size_of::<CodeObject>(),
    weakrefs: true,
    trace: Some(crate::types::code::trace_code),
    drop: Some(crate::types::code::drop_code),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = code(v);
            let (name, address, file) = (this.name, v.bits(), this.filename.get());
            let line = this.firstlineno;
            Ok(cx.str(&format!("<code object {name} at {address:#x}, file \"{file}\", line {line}>")))
        }),
        hash: Some(hash_code),
        richcompare: Some(compare_code),
        new: Some(new_from_args),
        ..Slots::NONE
    },
    methods: &[CodeObject::METHODS],
    getsets: &[CodeObject::GETSETS, MEMBERS],
    doc: "Create a code object.  Not for the faint of heart.",
    signature: "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n     flags, codestring, constants, names, varnames, filename, name,\n     qualname, firstlineno, linetable, exceptiontable, freevars=(),\n     cellvars=(), /)",
    ..TypeSpec::DEFAULT
};

fn code(v: Value) -> &'static CodeObject {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    MEMBERS: CodeObject;
    "co_argcount" "" |cx, c| cx.int(c.argcount as i64);
    "co_posonlyargcount" "" |cx, c| cx.int(c.posonlyargcount as i64);
    "co_kwonlyargcount" "" |cx, c| cx.int(c.kwonlyargcount as i64);
    "co_stacksize" "" |cx, c| cx.int(c.nregs() as i64);
    "co_flags" "" |cx, c| cx.int(c.flags as i64);
    "co_nlocals" "" |cx, c| cx.int(c.nlocals as i64);
    "co_consts" "" |_cx, c| Value::of(c.consts_tuple());
    "co_names" "" |_cx, c| Value::of(c.names_tuple());
    "co_filename" "" |_cx, c| Value::of(c.filename.get());
    "co_name" "" |_cx, c| Value::of(c.name);
    "co_qualname" "" |_cx, c| Value::of(c.qualname);
    "co_firstlineno" "" |cx, c| cx.int(c.firstlineno as i64);
    "co_linetable" "" |cx, c| Value::of(Bytes::new(cx, &c.line_table));
    "co_exceptiontable" "" |cx, c| Value::of(Bytes::new(cx, &handler_bytes(&c.handlers)));
}

fn name_tuple(cx: &mut Cx, names: &[&'static Str]) -> Value {
    // The names are interned and so stay alive.
    let names: Vec<Value> = names.iter().map(|n| Value::of(*n)).collect();
    Value::of(Tuple::new(cx, &names))
}

fn word_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

fn handler_bytes(handlers: &[Handler]) -> Vec<u8> {
    handlers.iter().flat_map(|h| [h.start, h.end, h.target, h.reg]).flat_map(u32::to_le_bytes).collect()
}

impl CodeObject {
    /// Names of locals, cells and frees.
    fn variables(&self) -> (&[&'static Str], &[&'static Str], &[&'static Str]) {
        let (locals, rest) = self.local_names().split_at(self.nlocals as usize);
        let (cells, frees) = rest.split_at(self.ncells as usize);
        (locals, cells, frees)
    }
}

/// The offset of a word that Python code sees in `f_lasti`, `co_lines` and the like. As in CPython offset 0 is that of the
/// entry of the code, which belongs to the line of its `def`; here no instruction stands for it.
pub fn code_offset(word: usize) -> i64 {
    2 * word as i64 + 2
}

/// The word at an offset.
pub fn word_at(offset: i32) -> usize {
    usize::try_from(offset / 2 - 1).unwrap_or(0)
}

/// The line of a code object's entry.
fn entry_line(code: &CodeObject) -> u32 {
    if code.name.eq_rust("<module>") { 0 } else { code.firstlineno }
}

fn line_value(line: u32) -> Value {
    if line == 0 { Value::none() } else { Value::small(line as i64) }
}

fn column_value(column: u32) -> Value {
    if column == u32::MAX { Value::none() } else { Value::small(column as i64) }
}

fn position_tuple(cx: &mut Cx, p: Position) -> Value {
    let values = match p.line {
        0 => [Value::none(); 4],
        _ => [line_value(p.line), line_value(p.end_line), column_value(p.col), column_value(p.end_col)],
    };
    Value::of(Tuple::new(cx, &values))
}

#[pymethods]
impl CodeObject {
    #[py("($self, /)")]
    fn co_lines(cx: &mut Cx, this: &'static CodeObject) -> PyResult<Value> {
        let list = List::new(cx);
        let push_offsets = |cx: &mut Cx, start: i64, end: i64, line: Value| {
            let item = Tuple::new(cx, &[Value::small(start), Value::small(end), line]);
            list.push(cx, Value::of(item));
        };
        push_offsets(cx, 0, code_offset(0), Value::small(entry_line(this) as i64));
        let push = |cx: &mut Cx, start: usize, end: usize, line: u32| {
            push_offsets(cx, code_offset(start), code_offset(end), line_value(line));
        };
        let (mut start, mut at, mut line) = (0, 0, None);
        for (length, position) in positions::runs(&this.line_table) {
            if let Some(line) = line.filter(|l| *l != position.line) {
                push(cx, start, at, line);
                start = at;
            }
            line = Some(position.line);
            at += length;
        }
        if let Some(line) = line {
            push(cx, start, at, line);
        }
        iter::iter(cx, Value::of(list))
    }
    #[py("($self, /)")]
    fn co_branches(cx: &mut Cx, _this: &'static CodeObject) -> PyResult<Value> {
        let list = List::new(cx);
        iter::iter(cx, Value::of(list))
    }
    #[py("($self, /)")]
    fn co_positions(cx: &mut Cx, this: &'static CodeObject) -> PyResult<Value> {
        let list = List::with_capacity(cx, this.word_count() + 1);
        let line = Value::small(entry_line(this) as i64);
        let lines_only = NO_DEBUG_RANGES.load(std::sync::atomic::Ordering::Relaxed);
        let column = if lines_only { Value::none() } else { Value::small(0) };
        let end_line = if lines_only { line } else { Value::small(this.firstlineno as i64) };
        let entry = Tuple::new(cx, &[line, end_line, column, column]);
        list.push(cx, Value::of(entry));
        // A table may have been put together by anybody.
        let mut left = this.word_count();
        for (length, mut position) in positions::runs(&this.line_table) {
            let length = length.min(left);
            left -= length;
            if lines_only {
                position = Position { line: position.line, end_line: position.line, col: u32::MAX, end_col: u32::MAX };
            }
            let item = position_tuple(cx, position);
            for _ in 0..length {
                list.push(cx, item);
            }
        }
        iter::iter(cx, Value::of(list))
    }
    /// Return a copy of the code object with new values for the specified fields.
    #[py("($self, /, **changes)", raw)]
    fn replace(cx: &mut Cx, args: Args) -> PyResult<Value> {
        changed(cx, args, "replace")
    }
    /// The same as replace().
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        changed(cx, args, "__replace__")
    }
    /// (internal-only) Return the local variable name for the given oparg.
    #[py("($self, /, oparg)")]
    fn _varname_from_oparg(cx: &mut Cx, this: &'static CodeObject, oparg: i64) -> PyResult<Value> {
        match usize::try_from(oparg).ok().and_then(|i| this.local_names().get(i)) {
            Some(name) => Ok(Value::of(*name)),
            None => raise!(cx, IndexError, "tuple index out of range"),
        }
    }
    #[getter]
    fn co_lnotab(cx: &mut Cx, _this: &'static CodeObject) -> PyResult<Value> {
        crate::protocol::warn::deprecation(cx, "co_lnotab is deprecated, use co_lines instead.")?;
        Ok(Value::of(Bytes::new(cx, &[])))
    }
    #[getter]
    fn _co_code_adaptive(cx: &mut Cx, this: &'static CodeObject) -> Value {
        CodeObject::co_code(cx, this)
    }
    #[getter]
    fn co_code(cx: &mut Cx, this: &'static CodeObject) -> Value {
        Value::of(Bytes::new(cx, &word_bytes(&this.pristine_words())))
    }
    #[getter]
    fn co_varnames(cx: &mut Cx, this: &'static CodeObject) -> Value {
        name_tuple(cx, this.variables().0)
    }
    #[getter]
    fn co_cellvars(cx: &mut Cx, this: &'static CodeObject) -> Value {
        // A captured parameter is in a register of its own and in a cell: both lists name it.
        name_tuple(cx, this.variables().1)
    }
    #[getter]
    fn co_freevars(cx: &mut Cx, this: &'static CodeObject) -> Value {
        name_tuple(cx, this.variables().2)
    }
}

// ---- comparison ------------------------------------------------------------------------------------

/// Everything but the constants, which need care.
fn same_shape(a: &CodeObject, b: &CodeObject) -> bool {
    let numbers = |c: &CodeObject| [c.argcount, c.posonlyargcount, c.kwonlyargcount, c.flags, c.firstlineno];
    let same_names = |a: &[&Str], b: &[&Str]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| std::ptr::eq(*a, *b));
    std::ptr::eq(a.name, b.name)
        && numbers(a) == numbers(b)
        && (a.nlocals, a.ncells, a.nfrees) == (b.nlocals, b.ncells, b.nfrees)
        && same_names(a.names(), b.names())
        && same_names(&a.local_names(), &b.local_names())
        && a.line_table == b.line_table
        && a.handlers == b.handlers
        && a.pristine_words() == b.pristine_words()
}

fn compare_code(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<CodeObject>(), b.exact::<CodeObject>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let mut same = same_shape(x, y) && x.consts().len() == y.consts().len();
    for (c, d) in x.consts().iter().zip(y.consts()) {
        same = same && same_constant(cx, *c, *d)?;
    }
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

/// Equal and of equal types, all the way down: `1`, `1.0` and `True` differ, and so do `0.0` and `-0.0`.
fn same_constant(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    if !std::ptr::eq(a.class(), b.class()) {
        return Ok(false);
    }
    if let (Some(x), Some(y)) = (float::as_f64(a), float::as_f64(b)) {
        return Ok(x.to_bits() == y.to_bits());
    }
    if let (Some(x), Some(y)) = (a.exact::<Tuple>(), b.exact::<Tuple>()) {
        if x.len() != y.len() {
            return Ok(false);
        }
        for (c, d) in x.items().iter().zip(y.items()) {
            if !cx.nested("", |cx| same_constant(cx, *c, *d))? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    compare::equal(cx, a, b)
}

fn hash_code(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = code(v);
    let mut h = this.name.hash();
    let mut add = |part: i64| h = (h ^ part).wrapping_mul(1000003);
    add(hash::hash(cx, Value::of(this.consts_tuple()))?);
    for name in this.names().iter().chain(this.local_names()) {
        add(name.hash());
    }
    for n in [this.argcount, this.posonlyargcount, this.kwonlyargcount, this.flags, this.firstlineno] {
        add(n as i64);
    }
    for word in this.pristine_words() {
        add(word as i64);
    }
    Ok(if h == -1 { -2 } else { h })
}

// ---- making code from Python data ------------------------------------------------------------------

/// Fields by the names that `replace` takes; the order is that of the constructor.
const FIELDS: [&str; 18] = [
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_stacksize",
    "co_flags",
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_firstlineno",
    "co_linetable",
    "co_exceptiontable",
    "co_freevars",
    "co_cellvars",
];

/// Sets fields of code under construction.
struct Setter {
    code: Code,
    /// For messages.
    function: &'static str,
    nlocals: Option<usize>,
}

impl Setter {
    fn set(&mut self, cx: &mut Cx, field: &str, v: Value) -> PyResult<()> {
        match field {
            "co_argcount" => self.code.argcount = count(cx, v, field)?,
            "co_posonlyargcount" => self.code.posonlyargcount = count(cx, v, field)?,
            "co_kwonlyargcount" => self.code.kwonlyargcount = count(cx, v, field)?,
            "co_nlocals" => self.nlocals = Some(count(cx, v, field)? as usize),
            "co_stacksize" => self.code.nregs = self.code.nregs.max(count(cx, v, field)?),
            "co_flags" => self.code.flags = count(cx, v, field)?,
            "co_firstlineno" => self.code.firstlineno = count(cx, v, field)?,
            "co_code" => self.code.words = self.words(cx, field, v)?,
            "co_consts" => self.code.consts = self.constants(cx, field, v)?,
            "co_names" => self.code.names = self.names(cx, field, v)?,
            "co_varnames" => self.code.varnames = self.names(cx, field, v)?,
            "co_cellvars" => self.code.cellvars = self.names(cx, field, v)?,
            "co_freevars" => self.code.freevars = self.names(cx, field, v)?,
            "co_filename" => self.code.filename = self.text(cx, field, v)?,
            "co_name" => self.code.name = self.text(cx, field, v)?,
            "co_qualname" => self.code.qualname = self.text(cx, field, v)?,
            "co_linetable" => self.code.positions = self.bytes(cx, field, v)?.to_vec(),
            "co_exceptiontable" => self.code.handlers = self.handlers(cx, field, v)?,
            _ => {
                let function = self.function;
                return raise!(cx, TypeError, "{function}() got an unexpected keyword argument '{field}'");
            }
        }
        Ok(())
    }

    fn wrong<T>(&self, cx: &mut Cx, field: &str, expected: &str, v: Value) -> PyResult<T> {
        let (function, got) = (self.function, v.class().tp_name());
        raise!(cx, TypeError, "{function}() argument '{field}' must be {expected}, not {got}")
    }

    fn text(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<Text> {
        match v.downcast::<Str>() {
            Some(s) => Ok(Text(s.to_generalized_utf8().into())),
            None => self.wrong(cx, field, "str", v),
        }
    }

    fn names(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<Vec<Text>> {
        let Some(tuple) = v.downcast::<Tuple>() else { return self.wrong(cx, field, "tuple", v) };
        let mut names = Vec::new();
        for item in tuple.items() {
            match item.downcast::<Str>() {
                Some(s) => names.push(Text(s.to_generalized_utf8().into())),
                None => {
                    let got = item.class().tp_name();
                    return raise!(cx, TypeError, "name tuples must contain only strings, not '{got}'");
                }
            }
        }
        Ok(names)
    }

    fn bytes(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<&'static [u8]> {
        match v.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.data()),
            None => self.wrong(cx, field, "bytes", v),
        }
    }

    fn words(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<Vec<u64>> {
        let bytes = self.bytes(cx, field, v)?;
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || words.is_empty() {
            return raise!(cx, ValueError, "code: co_code is malformed");
        }
        Ok(words.iter().map(|w| u64::from_le_bytes(*w)).collect())
    }

    fn handlers(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<Vec<Handler>> {
        let bytes = self.bytes(cx, field, v)?;
        let (entries, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return raise!(cx, ValueError, "code: co_exceptiontable is malformed");
        }
        Ok(entries
            .iter()
            .map(|entry| {
                let word = |i: usize| u32::from_le_bytes([entry[i], entry[i + 1], entry[i + 2], entry[i + 3]]);
                Handler { start: word(0), end: word(4), target: word(8), reg: word(12) }
            })
            .collect())
    }

    fn constants(&self, cx: &mut Cx, field: &str, v: Value) -> PyResult<Vec<Const>> {
        let Some(tuple) = v.downcast::<Tuple>() else { return self.wrong(cx, field, "tuple", v) };
        tuple.items().iter().map(|item| constant(cx, *item)).collect()
    }

    fn finish(self, cx: &mut Cx) -> PyResult<Value> {
        if self.nlocals.is_some_and(|n| n != self.code.varnames.len()) {
            return raise!(cx, ValueError, "code: co_nlocals != len(co_varnames)");
        }
        if let Err(text) = verify::verify(&self.code) {
            return raise!(cx, ValueError, "code: {text}");
        }
        Ok(Value::of(CodeObject::new(cx, Arc::new(self.code))))
    }
}

fn count(cx: &mut Cx, v: Value, field: &str) -> PyResult<u32> {
    let n = number::to_i32(cx, v)?;
    match u32::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => raise!(cx, ValueError, "code: {} must not be negative", field.trim_start_matches("co_")),
    }
}

/// A constant from a value; TypeError if code objects cannot hold it.
fn constant(cx: &mut Cx, v: Value) -> PyResult<Const> {
    if v.is_none() {
        return Ok(Const::None);
    }
    if v == Value::bool(true) || v == Value::bool(false) {
        return Ok(Const::Bool(v == Value::bool(true)));
    }
    if v == Value::ellipsis() {
        return Ok(Const::Ellipsis);
    }
    if let Some(d) = float::as_f64(v) {
        return Ok(Const::Float(d));
    }
    if let Some(i) = int::as_i64(v) {
        return Ok(Const::Int(i));
    }
    if let Some(view) = int::view(v) {
        return Ok(Const::Big(view.negative, view.digits().into()));
    }
    if let Some(s) = v.downcast::<Str>() {
        return Ok(Const::Str(Text(s.to_generalized_utf8().into())));
    }
    if let Some(bytes) = v.downcast::<Bytes>() {
        return Ok(Const::Bytes(bytes.data().into()));
    }
    if let Some(c) = v.downcast::<Complex>() {
        return Ok(Const::Complex(c.re, c.im));
    }
    if let Some(inner) = v.exact::<CodeObject>() {
        return Ok(Const::Code(Arc::new(to_code(cx, inner)?)));
    }
    if let Some(slice) = v.exact::<Slice>() {
        let parts = [constant(cx, slice.start)?, constant(cx, slice.stop)?, constant(cx, slice.step)?];
        return Ok(Const::Slice(Box::new(parts)));
    }
    let is_set = v.class().tp_name() == "frozenset";
    if is_set || v.downcast::<Tuple>().is_some() {
        let items = iter::collect(cx, v)?;
        let items: PyResult<Box<[Const]>> = items.iter().map(|item| cx.nested("", |cx| constant(cx, *item))).collect();
        return Ok(if is_set { Const::FrozenSet(items?) } else { Const::Tuple(items?) });
    }
    let got = v.class().tp_name();
    raise!(cx, TypeError, "code constants cannot be of type '{got}'")
}

/// The code object as plain data.
pub fn to_code(cx: &mut Cx, this: &'static CodeObject) -> PyResult<Code> {
    let text = |s: &Str| Text(s.to_generalized_utf8().into());
    let texts = |names: &[&'static Str]| names.iter().map(|name| text(name)).collect::<Vec<_>>();
    let (locals, cells, frees) = this.variables();
    let consts = this.consts().iter().map(|v| cx.nested("", |cx| constant(cx, *v)));
    Ok(Code {
        consts: consts.collect::<PyResult<_>>()?,
        name: text(this.name),
        qualname: text(this.qualname),
        filename: text(this.filename.get()),
        argcount: this.argcount,
        posonlyargcount: this.posonlyargcount,
        kwonlyargcount: this.kwonlyargcount,
        flags: this.flags,
        firstlineno: this.firstlineno,
        nregs: this.nregs() as u32,
        varnames: texts(locals),
        cellvars: texts(cells),
        freevars: texts(frees),
        names: texts(this.names()),
        words: this.pristine_words(),
        handlers: this.handlers.to_vec(),
        positions: this.line_table.to_vec(),
    })
}

fn changed(cx: &mut Cx, args: Args, function: &'static str) -> PyResult<Value> {
    let this = code(args.values()[0]);
    if args.pos().len() != 1 {
        return raise!(cx, TypeError, "{function}() takes no positional arguments");
    }
    let mut setter = Setter { code: to_code(cx, this)?, function, nlocals: None };
    let mut given = RootVec::new();
    given.extend(args.keywords().map(|(_, v)| v));
    for ((name, _), value) in args.keywords().zip(given.iter()) {
        setter.set(cx, &name.to_string_lossy(), *value)?;
    }
    setter.finish(cx)
}

fn new_from_args(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "code")?;
    let n = args.values().len();
    if !(16..=18).contains(&n) {
        let (word, limit) = if n < 16 { ("at least", 16) } else { ("at most", 18) };
        return raise!(cx, TypeError, "code expected {word} {limit} arguments, got {n}");
    }
    let mut setter = Setter { code: Code::default(), function: "code", nlocals: None };
    for (field, value) in FIELDS.iter().zip(args.values()) {
        setter.set(cx, field, *value)?;
    }
    setter.finish(cx)
}
