//! code: the runtime's code object around a compiled [`Code`].
//!
//! CODE-1: `words` is null or the start of a boxed slice of `word_count` words, which the code object owns. Then `packed` is
//! empty.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use taipan_bytecode::verify::{self, ConstKind, Facts};
use taipan_bytecode::{Code, Const, Handler, Packed, Position, Text, code::flags as co};
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
    /// Its `word_count` instruction words, writable for inline caches; null until they are asked for.
    words: Cell<*mut u64>,
    /// The words, until they are asked for.
    packed: Cell<Option<Packed>>,
    consts: &'static Tuple,
    /// A tuple of interned strs.
    names: &'static Tuple,
    nregs: u32,
    /// `co_flags`, copied for speed.
    pub flags: u32,
    /// Positional parameters.
    pub argcount: u32,
    /// Positional-only parameters.
    pub posonlyargcount: u32,
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
    /// Line of `def`, `class` or the first decorator.
    pub firstlineno: u32,
    /// Exception handlers, inner before outer.
    pub handlers: Box<[Handler]>,
    /// Encoded positions (`co_linetable`).
    pub line_table: Box<[u8]>,
    /// `co_name`.
    pub name: &'static Str,
    /// `co_qualname`.
    pub qualname: &'static Str,
    /// `co_filename`.
    pub filename: Cell<&'static Str>,
    /// Names of the locals, cells and frees: interned strs.
    variables: &'static Tuple,
    /// Number of calls, for the JIT.
    pub heat: Cell<u32>,
    word_count: u32,
    /// Compiled code for calls; null if there is none.
    pub native: Cell<*const u8>,
    /// The JIT's data, which it owns; null before it looked at the code.
    pub jit: Cell<*mut ()>,
    /// Resumptions of generators of this code since they were last looked at.
    pub resumed: Cell<u32>,
    /// Whether there is compiled code that generators of this code may be resumed with.
    pub has_resumes: Cell<bool>,
    /// Where a generator was last resumed by compiled code, and that code, null if there is none.
    pub resume_pc: Cell<*const u64>,
    pub resume_code: Cell<*const u8>,
    lookups: OnceCell<Box<Lookups>>,
}

/// What is worked out when somebody asks where in the source an instruction comes from.
#[derive(Default)]
struct Lookups {
    positions: OnceCell<Box<[Position]>>,
    /// See [`CodeObject::starts_line`].
    line_starts: OnceCell<Box<[bool]>>,
}
object!(CodeObject, crate::types::code_methods::CODE);
const _: () = assert!(std::mem::size_of::<CodeObject>() == 224);

impl Drop for CodeObject {
    fn drop(&mut self) {
        let words = self.words.get();
        if !words.is_null() {
            // SAFETY: CODE-1.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(words, self.word_count())) });
        }
    }
}

/// Visits a code object.
///
/// # Safety
/// `object` must be a code object.
pub unsafe fn trace_code(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<CodeObject>() };
    marker.mark_value(Value::of(this.consts).bits());
    marker.mark_value(Value::of(this.names).bits());
    marker.mark_value(Value::of(this.variables).bits());
    for name in [this.name, this.qualname, this.filename.get()] {
        marker.mark_value(Value::of(name).bits());
    }
}

/// Releases the Rust memory of a dead code object.
///
/// # Safety
/// `object` must be a dead code object, not dropped before.
pub unsafe fn drop_code(object: *mut Header) {
    crate::types::code_extra::forget(object.cast());
    // SAFETY: the caller's promise.
    unsafe { std::ptr::drop_in_place(object.cast::<CodeObject>()) }
}

/// See [`CodeObject::quick`].
pub const QUICK_LOCALS: usize = 8;

/// What a code object is made of; names and constants are values already.
pub struct Parts {
    /// Positional, positional-only and keyword-only parameters.
    pub params: [u32; 3],
    /// `co_flags`.
    pub flags: u32,
    /// Line of `def`, `class` or the first decorator.
    pub firstlineno: u32,
    /// Registers of a frame.
    pub nregs: u32,
    /// `co_name`, `co_qualname` and `co_filename`, interned.
    pub strs: [&'static Str; 3],
    /// Interned names of the locals, cells and frees.
    pub variables: [&'static Tuple; 3],
    /// Interned names of globals and attributes.
    pub names: &'static Tuple,
    /// Constants.
    pub consts: &'static Tuple,
    /// Fresh instruction words.
    pub words: Packed,
    /// Exception handlers.
    pub handlers: Vec<Handler>,
    /// Encoded positions.
    pub line_table: Vec<u8>,
}

impl Parts {
    /// Checks parts that come from outside, apart from code objects among the constants.
    pub fn verify(&self) -> Result<(), String> {
        let facts = Facts {
            nregs: self.nregs,
            variables: self.variables.map(Tuple::len),
            params: self.params,
            flags: self.flags,
            names: self.names.len(),
            consts: self.consts.len(),
            constant: &|index| kind_of(self.consts.items()[index]),
            words: &self.words.words(),
            handlers: &self.handlers,
        };
        verify::verify_facts(&facts).map_err(|error| format!("code object {}: {error}", self.strs[1]))
    }
}

fn kind_of(v: Value) -> ConstKind {
    if v.exact::<Str>().is_some() {
        return ConstKind::Str;
    }
    if v.exact::<CodeObject>().is_some() {
        return ConstKind::Code;
    }
    match v.exact::<Tuple>() {
        Some(items) if items.items().iter().all(|v| v.exact::<Str>().is_some()) => ConstKind::Names(items.len()),
        _ => ConstKind::Other,
    }
}

/// `-X no_debug_ranges`: of positions only the lines are known.
pub static NO_DEBUG_RANGES: AtomicBool = AtomicBool::new(false);

impl CodeObject {
    /// Wraps compiled code: constants become values, names are interned. May collect.
    pub fn new(cx: &mut Cx, code: Arc<Code>) -> &'static CodeObject {
        // Constants are gathered in Rust vectors on the way.
        cx.heap().disable();
        let code = Arc::unwrap_or_clone(code);
        let mut consts = Vec::with_capacity(code.consts.len());
        for c in &code.consts {
            consts.push(constant(cx, c));
        }
        let parts = Parts {
            params: [code.argcount, code.posonlyargcount, code.kwonlyargcount],
            flags: code.flags,
            firstlineno: code.firstlineno,
            nregs: code.nregs,
            strs: [&code.name, &code.qualname, &code.filename].map(|text| intern_text(cx, text)),
            variables: [&code.varnames, &code.cellvars, &code.freevars].map(|names| intern_names(cx, names)),
            names: intern_names(cx, &code.names),
            consts: Tuple::new(cx, &consts),
            words: Packed::new(&code.words),
            handlers: code.handlers,
            line_table: code.positions,
        };
        let this = CodeObject::from_parts(cx, parts);
        cx.heap().enable();
        this
    }

    /// A code object of verified parts. May collect.
    pub fn from_parts(cx: &mut Cx, parts: Parts) -> &'static CodeObject {
        let [argcount, posonlyargcount, kwonlyargcount] = parts.params;
        let [name, qualname, filename] = parts.strs;
        let [nlocals, ncells, nfrees] = parts.variables.map(|names| names.len() as u32);
        let variables = match parts.variables {
            [locals, _, _] if ncells + nfrees == 0 => locals,
            all => Tuple::new(cx, &all.map(Tuple::items).concat()),
        };
        let variadic = parts.flags & (co::VARARGS | co::VARKEYWORDS) != 0;
        let simple = !variadic && kwonlyargcount == 0;
        let this = CodeObject {
            header: Header::fresh(&crate::types::code_methods::CODE),
            words: Cell::new(std::ptr::null_mut()),
            word_count: parts.words.count() as u32,
            packed: Cell::new(Some(parts.words)),
            consts: parts.consts,
            names: parts.names,
            nregs: parts.nregs,
            flags: parts.flags,
            argcount,
            posonlyargcount,
            kwonlyargcount,
            nlocals,
            ncells,
            nfrees,
            simple,
            quick: simple && nfrees == 0 && (nlocals + ncells - argcount) as usize <= QUICK_LOCALS,
            firstlineno: parts.firstlineno,
            handlers: parts.handlers.into(),
            line_table: parts.line_table.into(),
            name,
            qualname,
            filename: Cell::new(filename),
            variables,
            heat: Cell::new(0),
            native: Cell::new(std::ptr::null()),
            jit: Cell::new(std::ptr::null_mut()),
            resumed: Cell::new(0),
            has_resumes: Cell::new(false),
            resume_pc: Cell::new(std::ptr::null()),
            resume_code: Cell::new(std::ptr::null()),
            lookups: OnceCell::new(),
        };
        let this = cx.alloc(this);
        cx.register_special(Value::of(this));
        this
    }

    /// The instructions as they were before they ran: without what inline caches hold.
    pub fn pristine_words(&self) -> Vec<u64> {
        match self.packed.take() {
            Some(packed) => {
                let words = packed.words();
                self.packed.set(Some(packed));
                words
            }
            // SAFETY: CODE-1; nobody writes meanwhile.
            None => verify::pristine(unsafe { std::slice::from_raw_parts(self.words.get(), self.word_count()) }),
        }
    }

    /// First instruction word. Unpacks the words.
    #[inline(always)]
    pub fn words_ptr(&self) -> *const u64 {
        let words = self.words.get();
        if words.is_null() { self.unpack() } else { words }
    }

    #[cold]
    #[inline(never)]
    fn unpack(&self) -> *const u64 {
        let words = self.packed.take().map_or_else(Vec::new, |packed| packed.words());
        self.words.set(Box::into_raw(words.into_boxed_slice()).cast());
        self.words.get()
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.word_count as usize
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
        // SAFETY: the verifier checked `i`; `names` holds strs.
        unsafe { self.names.items().get_unchecked(i).cast() }
    }

    /// Names (`co_names`).
    pub fn names(&self) -> &'static [&'static Str] {
        strs_of(self.names)
    }

    /// Names as a tuple.
    pub fn names_tuple(&self) -> &'static Tuple {
        self.names
    }

    /// True for generator, coroutine and async generator functions.
    pub fn is_generator_like(&self) -> bool {
        self.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) != 0
    }

    /// Names of the locals, cells and frees, interned.
    #[inline]
    pub fn local_names(&self) -> &'static [&'static Str] {
        strs_of(self.variables)
    }

    fn lookups(&self) -> &Lookups {
        self.lookups.get_or_init(Box::default)
    }

    /// Position of word `i`.
    pub fn position(&self, i: usize) -> taipan_bytecode::Position {
        let positions = self.lookups().positions.get_or_init(|| {
            let mut all: Box<[Position]> = taipan_bytecode::positions::decode(&self.line_table).collect();
            if NO_DEBUG_RANGES.load(Ordering::Relaxed) {
                for p in &mut all {
                    *p = Position { line: p.line, end_line: p.line, col: u32::MAX, end_col: u32::MAX };
                }
            }
            all
        });
        positions.get(i).copied().unwrap_or_default()
    }

    /// The line that a frame is at before its first instruction.
    pub fn entry_line(&self) -> u32 {
        let is_module = self.flags & (co::OPTIMIZED | co::NEWLOCALS) == 0 && self.name.as_ascii() == Some("<module>");
        if is_module { 0 } else { self.firstlineno }
    }

    /// The innermost handler of what the word at an index raises.
    pub fn handler_at(&self, index: u32) -> Option<&Handler> {
        self.handlers.iter().find(|h| h.start <= index && index < h.end)
    }

    /// Line of word `i`, or of the last one before it that has a line.
    pub fn line_before(&self, i: usize) -> u32 {
        (0..=i).rev().map(|i| self.line_of(i)).find(|line| *line != 0).unwrap_or(0)
    }

    /// True if line events happen at word `i`: at the first instruction of a line, and where jumps and exceptions go.
    pub fn starts_line(&self, i: usize) -> bool {
        let starts = self.lookups().line_starts.get_or_init(|| crate::liveness::line_starts(self));
        starts.get(i).copied().unwrap_or(false)
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

fn intern_names(cx: &mut Cx, names: &[Text]) -> &'static Tuple {
    let names: Vec<Value> = names.iter().map(|name| Value::of(intern_text(cx, name))).collect();
    Tuple::new(cx, &names)
}

/// The items of a tuple that holds strs only.
fn strs_of(names: &Tuple) -> &'static [&'static Str] {
    debug_assert!(names.items().iter().all(|name| name.downcast::<Str>().is_some()));
    let items = names.items();
    // SAFETY: a value that is a pointer is the address of its object.
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), items.len()) }
}

/// Whether a str constant looks like a name and is therefore interned (as CPython does).
pub fn all_name_chars(bytes: &[u8]) -> bool {
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
