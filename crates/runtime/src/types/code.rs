//! code: the runtime's code object around a compiled [`Code`].

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use taipan_bytecode::{Code, Const, Text, code::flags as co};
use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object;
use crate::object::Header;
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;

/// A code object.
#[repr(C)]
pub struct CodeObject {
    header: Header,
    /// Its instructions, writable for inline caches. The first word is aligned to 8.
    words: Box<[Cell<u64>]>,
    consts: &'static Tuple,
    names: Box<[&'static Str]>,
    nregs: u32,
    /// `co_flags`, copied for speed.
    pub flags: u32,
    /// Positional parameters.
    pub argcount: u32,
    /// Keyword-only parameters.
    pub kwonlyargcount: u32,
    /// Locals.
    pub nlocals: u32,
    /// Cells made by the function.
    pub ncells: u32,
    /// Cells from the closure.
    pub nfrees: u32,
    /// True if a call with exactly `argcount` positional arguments needs no further binding.
    pub simple: bool,
    /// True if besides that [`QUICK_LOCALS`] cleared words and nothing else make its window ready.
    pub quick: bool,
    /// The compiled code.
    pub code: Arc<Code>,
    /// `co_name`.
    pub name: &'static Str,
    /// `co_qualname`.
    pub qualname: &'static Str,
    /// `co_filename`.
    pub filename: Cell<&'static Str>,
    /// Names of the locals, cells and frees, interned.
    pub local_names: Box<[&'static Str]>,
    /// Number of calls, for the JIT.
    pub heat: Cell<u32>,
    /// Compiled code for calls; null if there is none.
    pub native: Cell<*const u8>,
    /// The JIT's data, which it owns; null before it looked at the code.
    pub jit: Cell<*mut ()>,
    positions: RefCell<Option<Box<[taipan_bytecode::Position]>>>,
}
object!(CodeObject, crate::types::code_methods::CODE);

/// Visits a code object.
///
/// # Safety
/// `object` must be a code object.
pub unsafe fn trace_code(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<CodeObject>() };
    marker.mark_value(Value::of(this.consts).bits());
    for name in this.names.iter().chain(&this.local_names).chain([&this.name, &this.qualname, &this.filename.get()]) {
        marker.mark_value(Value::of(*name).bits());
    }
}

/// Releases the Rust memory of a dead code object.
///
/// # Safety
/// `object` must be a dead code object, not dropped before.
pub unsafe fn drop_code(object: *mut Header) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::drop_in_place(object.cast::<CodeObject>()) }
}

/// See [`CodeObject::quick`].
pub const QUICK_LOCALS: usize = 8;

impl CodeObject {
    /// Wraps compiled code: constants become values, names are interned. May collect.
    pub fn new(cx: &mut Cx, code: Arc<Code>) -> &'static CodeObject {
        // Constants are gathered in Rust vectors on the way.
        cx.heap().disable();
        let this = CodeObject::build(cx, code);
        cx.heap().enable();
        this
    }

    fn build(cx: &mut Cx, code: Arc<Code>) -> &'static CodeObject {
        let mut consts = Vec::new();
        for c in &code.consts {
            consts.push(constant(cx, c));
        }
        let consts = Tuple::new(cx, &consts);
        let names: Box<[_]> = code.names.iter().map(|n| intern_text(cx, n)).collect();
        let locals = code.varnames.iter().chain(&code.cellvars).chain(&code.freevars);
        let local_names: Box<[_]> = locals.map(|n| intern_text(cx, n)).collect();
        let (name, qualname) = (intern_text(cx, &code.name), intern_text(cx, &code.qualname));
        let filename = intern_text(cx, &code.filename);
        let variadic = code.flags & (co::VARARGS | co::VARKEYWORDS) != 0;
        let this = CodeObject {
            header: Header::fresh(&crate::types::code_methods::CODE),
            words: code.words.iter().map(|w| Cell::new(*w)).collect(),
            consts,
            names,
            nregs: code.nregs,
            flags: code.flags,
            argcount: code.argcount,
            kwonlyargcount: code.kwonlyargcount,
            nlocals: code.nlocals() as u32,
            ncells: code.cellvars.len() as u32,
            nfrees: code.freevars.len() as u32,
            simple: !variadic && code.kwonlyargcount == 0,
            quick: !variadic
                && code.kwonlyargcount == 0
                && code.freevars.is_empty()
                && code.nlocals() - code.argcount as usize <= QUICK_LOCALS,
            name,
            qualname,
            filename: Cell::new(filename),
            local_names,
            heat: Cell::new(0),
            native: Cell::new(std::ptr::null()),
            jit: Cell::new(std::ptr::null_mut()),
            positions: RefCell::new(None),
            code,
        };
        let this = cx.alloc(this);
        cx.register_special(Value::of(this));
        this
    }

    /// First instruction word.
    #[inline(always)]
    pub fn words_ptr(&self) -> *const u64 {
        self.words.as_ptr().cast()
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }

    /// Registers of a frame.
    #[inline(always)]
    pub fn nregs(&self) -> usize {
        self.nregs as usize
    }

    /// Constants.
    #[inline(always)]
    pub fn consts(&self) -> &'static [Value] {
        self.consts.items()
    }

    /// Constants as a tuple (`co_consts`).
    pub fn consts_tuple(&self) -> &'static Tuple {
        self.consts
    }

    /// Name `i`.
    #[inline(always)]
    pub fn name_at(&self, i: usize) -> &'static Str {
        self.names[i]
    }

    /// Names (`co_names`).
    pub fn names(&self) -> &[&'static Str] {
        &self.names
    }

    /// True for generator, coroutine and async generator functions.
    pub fn is_generator_like(&self) -> bool {
        self.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) != 0
    }

    /// Position of word `i`.
    pub fn position(&self, i: usize) -> taipan_bytecode::Position {
        let mut positions = self.positions.borrow_mut();
        let positions =
            positions.get_or_insert_with(|| taipan_bytecode::positions::decode(&self.code.positions).collect());
        positions.get(i).copied().unwrap_or_default()
    }

    /// Line of word `i`.
    pub fn line_of(&self, i: usize) -> u32 {
        self.position(i).line
    }
}

/// The interned str of a name or constant. May collect.
pub fn intern_text(cx: &mut Cx, text: &Text) -> &'static Str {
    match text.as_str() {
        Some(s) => cx.intern(s),
        None => {
            let s = Str::from_generalized_utf8(cx, &text.0);
            cx.intern_value(s)
        }
    }
}

/// Whether a str constant looks like a name and is therefore interned (as CPython does).
fn all_name_chars(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// The value of a constant. May collect.
pub fn constant(cx: &mut Cx, c: &Const) -> Value {
    match c {
        Const::None => Value::none(),
        Const::Bool(b) => Value::bool(*b),
        Const::Ellipsis => Value::ellipsis(),
        Const::Int(i) => cx.int(*i),
        Const::Big(negative, digits) => cx.int_from_digits(*negative, digits),
        Const::Float(d) => cx.float(*d),
        Const::Complex(re, im) => crate::types::complex::new(cx, *re, *im),
        Const::Str(text) if all_name_chars(&text.0) => Value::of(intern_text(cx, text)),
        Const::Str(text) => Value::of(Str::from_generalized_utf8(cx, &text.0)),
        Const::Bytes(bytes) => Value::of(crate::types::bytes::Bytes::new(cx, bytes)),
        Const::Tuple(items) => {
            let items: Vec<Value> = items.iter().map(|c| constant(cx, c)).collect();
            Value::of(Tuple::new(cx, &items))
        }
        Const::FrozenSet(items) => {
            let items: Vec<Value> = items.iter().map(|c| constant(cx, c)).collect();
            crate::types::set::frozenset_from(cx, &items).expect("constants are hashable")
        }
        Const::Slice(parts) => {
            let [a, b, c] = &**parts;
            let (a, b, c) = (constant(cx, a), constant(cx, b), constant(cx, c));
            Value::of(crate::types::slice::Slice::new(cx, a, b, c))
        }
        Const::Code(code) => Value::of(CodeObject::new(cx, code.clone())),
    }
}

/// The class of code objects' instances is final; exported for `Type` identity checks.
pub fn class() -> &'static Type {
    &crate::types::code_methods::CODE
}
