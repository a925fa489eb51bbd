//! The context: what every function that may run Python code, allocate or raise takes as its first parameter.
//!
//! A [`Cx`] belongs to one thread; the [`Runtime`] is shared by all threads under the GIL.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use taipan_gc::{Heap, Marker};

use crate::dict::Dict;
use crate::frame::{Frame, Stack};
use crate::hooks::Hooks;
use crate::interpreter::Interpreter;
use crate::names::Names;
use crate::typeobj::{MethodCache, Type};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{exceptions, heap};

/// Says that an exception was raised; the exception itself is in the context ([`Cx::exception`]).
#[derive(Clone, Copy, Debug)]
pub struct Raised;

/// Result of anything that may raise.
pub type PyResult<T> = Result<T, Raised>;

/// Raises an exception of a class in [`exceptions`] with a formatted message: `raise!(cx, TypeError, "no {x}")`.
/// Evaluates to `Err(Raised)` of any result type.
#[macro_export]
macro_rules! raise {
    ($cx:expr, $class:ident, $($arg:tt)*) => {{
        let text = format!($($arg)*);
        Err($cx.raise_text(&$crate::exceptions::$class, &text))
    }};
}

/// What all threads share.
pub struct Runtime {
    /// Functions of the crates above this one.
    pub hooks: Cell<Hooks>,
    names: Cell<Option<&'static Names>>,
    /// Interned strs by their hash.
    interned: RefCell<hashbrown::HashTable<&'static Str>>,
    /// Those that are younger than the last collection.
    young_interned: RefCell<Vec<&'static Str>>,
    /// `hot_call` and `hot_loop` of new contexts.
    pub hot: Cell<(u32, u32)>,
    /// Attribute lookups along MROs.
    pub method_cache: MethodCache,
    /// Next type version (TYPE-2).
    pub next_type_version: Cell<u32>,
    dict_version: Cell<u64>,
    /// Special methods by slot.
    pub(crate) slot_table: std::cell::OnceCell<crate::slot_table::SlotTable>,
    /// `sys.modules`.
    pub modules: Cell<Option<&'static Dict>>,
    /// The namespace of `builtins`.
    pub builtins: Cell<Option<&'static Dict>>,
    /// The namespace of `sys`.
    pub sys: Cell<Option<&'static Dict>>,
    /// Values that live as long as the runtime.
    pub roots: RefCell<Vec<Value>>,
    /// Static types that were readied.
    pub static_types: RefCell<Vec<&'static Type>>,
    /// Weak references, finalisers and native releases.
    pub special: RefCell<heap::Special>,
    /// State of other crates and modules by name; they keep it in roots if it holds values.
    pub recursion_limit: Cell<usize>,
    /// SipHash-like key of str and bytes hashes, from PYTHONHASHSEED.
    pub hash_key: Cell<(u64, u64)>,
    /// Latin-1 one-character strs.
    pub latin1: RefCell<Vec<&'static Str>>,
    /// `()`.
    pub empty_tuple: Cell<Option<&'static Tuple>>,
    /// Digits of int results on the way; empty while in use.
    pub int_scratch: Cell<Vec<u32>>,
    /// The next full collection counts the garbage that it finds, into `garbage_found`.
    pub garbage_wanted: Cell<bool>,
    /// See `garbage_wanted`.
    pub garbage_found: Cell<usize>,
    /// What the program's directory was in `sys.path` at the start, if it was put there.
    pub path_0: RefCell<Option<String>>,
    /// Digit limit of int/str conversion, 0 for none.
    pub int_max_str_digits: Cell<usize>,
    /// `-X dev`: names of codecs and error handlers are checked even if they are not needed.
    pub dev_mode: Cell<bool>,
    /// `sys.monitoring`.
    pub monitoring: crate::monitoring::Monitoring,
    /// Frames that `cr_origin` of new coroutines lists (`sys.set_coroutine_origin_tracking_depth`).
    pub coroutine_origin_depth: Cell<usize>,
    /// `sys.set_asyncgen_hooks`: firstiter, finalizer.
    pub asyncgen_hooks: Cell<(Option<Value>, Option<Value>)>,
    /// Source text of code that comes from no file, by the file name it was compiled under; for tracebacks.
    pub sources: RefCell<HashMap<String, std::rc::Rc<str>>>,
    /// The codec registry, once something asked for it.
    pub codecs: Cell<Option<&'static crate::protocol::codec::Registry>>,
    /// All interpreters, the main one first.
    pub interpreters: RefCell<Vec<&'static Interpreter>>,
    pub(crate) next_interpreter: Cell<i64>,
}

/// A thread's context.
pub struct Cx {
    /// The heap, shared.
    pub heap: *mut Heap,
    runtime: *const Runtime,
    /// The interpreter whose code the thread runs.
    pub interpreter: &'static Interpreter,
    /// The running Python frame; null outside.
    pub frame: *mut Frame,
    /// The register and frame stacks.
    pub stack: Stack,
    exception: Option<Value>,
    /// The exception being handled (`sys.exception()`), None without.
    pub handled: Option<Value>,
    /// The current context of context variables, once there is one.
    pub context: Option<&'static crate::types::context::Context>,
    /// Lowest native stack address that recursion may reach.
    pub native_limit: usize,
    /// Python frames in use, for the recursion limit.
    pub depth: usize,
    /// Objects whose repr is being made (for `[...]`).
    pub repr_stack: Vec<Value>,
    /// Calls after which a function is hot.
    pub hot_call: u32,
    /// Rounds after which a loop is hot.
    pub hot_loop: u32,
    /// Set asynchronously when the interpreter must look up (signals, GIL requests, finalisers to run).
    pub interrupt: &'static AtomicBool,
    /// The thread, for the collector.
    pub thread: taipan_gc::ThreadId,
    /// `pthread_self()` of the thread.
    pub ident: u64,
    /// Runs signal handlers.
    pub is_main: bool,
    /// The object that others join the thread by.
    pub handle: Option<Value>,
    /// `sys.settrace`'s function.
    pub trace: Option<Value>,
    /// `sys.setprofile`'s function.
    pub profile: Option<Value>,
    /// The interpreter is to look for events (`Cx::update_traced`).
    pub traced: bool,
    /// The innermost dispatch loop: see [`Entry`].
    pub entry: Entry,
    /// Activations of compiled code, in which registers and `pc` of frames are not up to date.
    pub compiled: u32,
    /// Where results go that nobody wants.
    pub discarded: u64,
    /// Trace functions and monitoring callbacks that are running.
    pub tracing: u32,
    /// What the trace function that runs is told.
    pub trace_event: crate::jump::TraceEvent,
    /// The frame that it is told about.
    pub traced_frame: *const Frame,
    /// Frame and word of the instruction looked at last.
    pub last_traced: Option<(*mut Frame, usize)>,
    /// The calls of native functions that were reported and have not returned, innermost last.
    pub native_calls: Vec<NativeCall>,
}

/// A call of something other than a Python function.
#[derive(Clone, Copy)]
pub struct NativeCall {
    /// The frame that called it.
    pub frame: *mut Frame,
    /// Its pc then.
    pub called_at: *const u64,
    /// What `sys.setprofile`'s function is told; only for native functions.
    pub function: Option<Value>,
    /// What monitoring callbacks are told: the callable and its first argument.
    pub monitored: Option<(Value, Value)>,
}

/// Where the native stack was when the innermost dispatch loop was entered. Handlers keep nothing on the native stack
/// across the functions that they call, so that a function called by an instruction itself may leave out what lies below.
#[derive(Clone, Copy, Default)]
pub struct Entry {
    /// An address above which everything is that the loop's caller keeps, its registers included.
    pub stack: usize,
    /// `Cx::compiled` at that time.
    pub compiled: u32,
}

/// A flag in a word of four bytes, all of which compiled code reads: a comparison of a word with memory is one instruction.
#[repr(C, align(4))]
pub struct FlagWord {
    flag: AtomicBool,
    _rest: [u8; 3],
}

impl FlagWord {
    const fn new() -> FlagWord {
        FlagWord { flag: AtomicBool::new(false), _rest: [0; 3] }
    }
}

impl std::ops::Deref for FlagWord {
    type Target = AtomicBool;
    fn deref(&self) -> &AtomicBool {
        &self.flag
    }
}

/// Set when something wants the running thread's attention at the next check.
pub static INTERRUPT: FlagWord = FlagWord::new();

impl Runtime {
    fn new() -> Runtime {
        Runtime {
            hooks: Cell::new(Hooks::default()),
            names: Cell::new(None),
            interned: RefCell::new(hashbrown::HashTable::with_capacity(4096)),
            young_interned: RefCell::default(),
            hot: Cell::new((u32::MAX, u32::MAX)),
            method_cache: MethodCache::default(),
            next_type_version: Cell::new(1),
            dict_version: Cell::new(1),
            slot_table: std::cell::OnceCell::new(),
            modules: Cell::new(None),
            builtins: Cell::new(None),
            sys: Cell::new(None),
            roots: RefCell::new(Vec::new()),
            static_types: RefCell::new(Vec::new()),
            special: RefCell::new(heap::Special::default()),
            recursion_limit: Cell::new(1000),
            hash_key: Cell::new((0, 0)),
            latin1: RefCell::new(Vec::new()),
            empty_tuple: Cell::new(None),
            int_scratch: Cell::new(Vec::new()),
            path_0: RefCell::new(None),
            garbage_wanted: Cell::new(false),
            garbage_found: Cell::new(0),
            int_max_str_digits: Cell::new(4300),
            dev_mode: Cell::new(false),
            monitoring: crate::monitoring::Monitoring::default(),
            coroutine_origin_depth: Cell::new(0),
            asyncgen_hooks: Cell::new((None, None)),
            sources: RefCell::new(HashMap::new()),
            codecs: Cell::new(None),
            interpreters: RefCell::new(Vec::new()),
            next_interpreter: Cell::new(0),
        }
    }

    /// A version number that no dict had before (DICT-3).
    #[inline(always)]
    pub fn next_dict_version(&self) -> u64 {
        let version = self.dict_version.get();
        self.dict_version.set(version + 1);
        version
    }

    /// How many strs are interned.
    pub fn interned_count(&self) -> usize {
        self.interned.borrow().len()
    }

    /// Marks all interned strs, which are immortal.
    pub fn trace_interned(&self, marker: &mut Marker) {
        // SAFETY: nobody borrows the tables across a collection.
        let (all, young) = unsafe { (&*self.interned.as_ptr(), &mut *self.young_interned.as_ptr()) };
        let is_minor = marker.is_minor();
        let mut mark = |s: &&'static Str| marker.mark_value(Value::of(*s).bits());
        if is_minor {
            young.iter().for_each(&mut mark);
        } else {
            all.iter().for_each(&mut mark);
        }
        young.clear();
    }

    /// The names, for the collector: they are interned, so nothing more to do.
    pub fn has_names(&self) -> bool {
        self.names.get().is_some()
    }
}

impl Cx {
    /// Starts the runtime on this thread: the heap, all built-in types and the names. `stress` turns GC stress on.
    pub fn start(config: taipan_gc::Config, hash_key: (u64, u64)) -> Box<Cx> {
        let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new()));
        runtime.hash_key.set(hash_key);
        let heap = heap::create(config, runtime);
        // SAFETY: both are leaked, and there is no other thread.
        let mut cx = unsafe { Cx::new(runtime, heap, None, runtime.start_interpreters(), Stack::new()) };
        cx.is_main = true;
        crate::threads::add_context(&mut cx);
        cx.heap().disable();
        crate::types::bootstrap(&mut cx);
        cx.heap().enable();
        cx
    }

    /// A context for the calling thread, which is registered with the heap.
    ///
    /// # Safety
    /// `runtime` and `heap` must live for ever, and the GIL be held.
    unsafe fn new(
        runtime: *const Runtime,
        heap: *mut Heap,
        thread: Option<taipan_gc::ThreadId>,
        interpreter: &'static Interpreter,
        stack: Stack,
    ) -> Box<Cx> {
        Box::new(Cx {
            heap,
            runtime,
            interpreter,
            frame: std::ptr::null_mut(),
            stack,
            exception: None,
            handled: None,
            context: None,
            native_limit: heap::native_stack_limit(),
            depth: 0,
            repr_stack: Vec::new(),
            // SAFETY: the caller's promise.
            hot_call: unsafe { (*runtime).hot.get().0 },
            // SAFETY: the caller's promise.
            hot_loop: unsafe { (*runtime).hot.get().1 },
            interrupt: &INTERRUPT,
            // SAFETY: the caller's promise.
            thread: thread.unwrap_or_else(|| unsafe { (*heap).register_thread() }),
            ident: crate::threads::ident(),
            is_main: false,
            handle: None,
            trace: None,
            profile: None,
            traced: false,
            compiled: 0,
            discarded: 0,
            tracing: 0,
            entry: Entry::default(),
            trace_event: Default::default(),
            traced_frame: std::ptr::null(),
            last_traced: None,
            native_calls: Vec::new(),
        })
    }

    /// As [`Cx::new`], for a thread besides the main one, with room for `depth` frames or a few more.
    pub(crate) unsafe fn for_thread(
        runtime: *const Runtime,
        heap: *mut Heap,
        interpreter: &'static Interpreter,
        depth: usize,
    ) -> Box<Cx> {
        // SAFETY: the caller's promise.
        unsafe { Cx::new(runtime, heap, None, interpreter, Stack::for_depth(depth)) }
    }

    /// Another context for the thread of `outer`, with a stack of its own.
    pub(crate) fn inner(outer: &Cx, interpreter: &'static Interpreter) -> Box<Cx> {
        let stack = Stack::for_depth(outer.rt().recursion_limit.get());
        // SAFETY: the runtime and the heap live for ever, and the GIL is held.
        let mut inner = unsafe { Cx::new(outer.runtime, outer.heap, Some(outer.thread), interpreter, stack) };
        inner.native_limit = outer.native_limit;
        inner.entry.compiled = inner.compiled;
        inner
    }

    /// The shared state.
    #[inline(always)]
    pub fn rt(&self) -> &'static Runtime {
        // SAFETY: the runtime is leaked.
        unsafe { &*self.runtime }
    }

    /// The heap.
    #[inline(always)]
    pub fn heap(&mut self) -> &mut Heap {
        // SAFETY: the heap lives as long as the runtime; the GIL gives exclusive access.
        unsafe { &mut *self.heap }
    }

    /// The runtime's own names.
    #[inline(always)]
    pub fn names(&self) -> &'static Names {
        // SAFETY: set by bootstrap before anything asks.
        unsafe { self.rt().names.get().unwrap_unchecked() }
    }

    pub(crate) fn set_names(&self, names: Names) {
        self.rt().names.set(Some(Box::leak(Box::new(names))));
    }

    /// The interned str with this text. May collect.
    pub fn intern(&mut self, text: &str) -> &'static Str {
        if !text.is_ascii() {
            let s = Str::new(self, text);
            return self.intern_value(s);
        }
        let hash = crate::types::str::hash_bytes(text.as_bytes());
        let is_same = |s: &&'static Str| s.as_ascii() == Some(text);
        if let Some(found) = self.rt().interned.borrow().find(hash as u64, is_same) {
            return found;
        }
        let s = Str::new(self, text);
        s.set_hash(hash);
        self.add_interned(s)
    }

    /// The interned str equal to `s`, which becomes it if there is none (a subclass instance is copied first).
    /// May collect.
    pub fn intern_value(&mut self, s: &'static Str) -> &'static Str {
        if s.is_interned() {
            return s;
        }
        let is_same = |other: &&'static Str| std::ptr::eq(*other, s) || other.eq_str(s);
        if let Some(found) = self.rt().interned.borrow().find(s.hash() as u64, is_same) {
            return found;
        }
        let s = if std::ptr::eq(s.class(), Str::type_object()) { s } else { s.exact_copy(self) };
        self.add_interned(s)
    }

    fn add_interned(&mut self, s: &'static Str) -> &'static Str {
        s.mark_interned();
        self.rt().young_interned.borrow_mut().push(s);
        self.rt().interned.borrow_mut().insert_unique(s.hash() as u64, s, |s| s.hash() as u64);
        s
    }

    /// Keeps `value` alive for as long as the runtime.
    pub fn add_root(&mut self, value: Value) {
        self.rt().roots.borrow_mut().push(value);
    }

    // ---- exceptions ------------------------------------------------------------------------------

    /// Raises the exception object `exception` (an instance). Sets `__context__` to the one being handled.
    pub fn raise(&mut self, exception: Value) -> Raised {
        exceptions::set_context(self, exception);
        self.exception = Some(exception);
        Raised
    }

    /// Raises `exception` as it is, without touching its context (re-raising).
    pub fn raise_again(&mut self, exception: Value) -> Raised {
        self.exception = Some(exception);
        Raised
    }

    /// Raises a new exception of `class` with a message. May collect.
    #[cold]
    #[inline(never)]
    pub fn raise_text(&mut self, class: &'static Type, text: &str) -> Raised {
        let message = self.str(text);
        self.raise_value(class, message)
    }

    /// Raises a new exception of `class` with one argument. May collect.
    #[cold]
    #[inline(never)]
    pub fn raise_value(&mut self, class: &'static Type, arg: Value) -> Raised {
        self.raise_args(class, &[arg])
    }

    /// Raises a new exception made by calling `class`. May collect.
    #[cold]
    pub fn raise_args(&mut self, class: &'static Type, args: &[Value]) -> Raised {
        match exceptions::instantiate(self, class, args) {
            Ok(exception) => self.raise(exception),
            Err(raised) => raised,
        }
    }

    /// Raises StopIteration, with a value if there is one.
    pub fn raise_stop_iteration(&mut self, value: Option<Value>) -> Raised {
        match value.filter(|v| !v.is_none()) {
            Some(value) => self.raise_value(&exceptions::StopIteration, value),
            None => self.raise_args(&exceptions::StopIteration, &[]),
        }
    }

    /// The exception that was raised and not yet caught.
    #[inline(always)]
    pub fn exception(&self) -> Option<Value> {
        self.exception
    }

    /// Takes the raised exception, to handle it natively.
    pub fn take_exception(&mut self) -> Value {
        self.exception.take().expect("an exception was raised")
    }

    /// True if the raised exception is an instance of `class`.
    pub fn exception_matches(&self, class: &Type) -> bool {
        self.exception.is_some_and(|e| e.is_instance(class))
    }

    /// Handles natively an exception of `class`: Ok(None) then, other exceptions stay raised.
    pub fn catch<T>(&mut self, result: PyResult<T>, class: &'static Type) -> PyResult<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.exception_matches(class) => {
                self.take_exception();
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }

    /// MemoryError.
    #[cold]
    pub fn memory_error(&mut self) -> Raised {
        self.raise_args(&exceptions::MemoryError, &[])
    }

    /// MemoryError if there is no memory for `n` elements of type `T` outside the heap. A size that the program chose is
    /// asked for here first, as Rust's collections end the process.
    pub fn check_room<T>(&mut self, n: usize) -> PyResult<()> {
        const SMALL: usize = 1 << 20;
        if n < SMALL {
            return Ok(());
        }
        // The compiler must not leave out an allocation that nobody uses.
        let mut room = std::hint::black_box(Vec::<T>::new());
        let has_room = room.try_reserve_exact(n).is_ok();
        std::hint::black_box(&room);
        if has_room { Ok(()) } else { Err(self.memory_error()) }
    }

    /// `n` zero bytes, or MemoryError.
    pub fn zeroed(&mut self, n: usize) -> PyResult<Vec<u8>> {
        self.check_room::<u8>(n)?;
        Ok(vec![0; n])
    }

    /// Does what was asked for asynchronously: finalisers, weakref callbacks, signal handlers, MemoryError. Called at loop ends and by
    /// blocking native calls.
    #[cold]
    #[inline(never)]
    pub fn handle_interrupt(&mut self) -> PyResult<()> {
        self.interrupt.store(false, std::sync::atomic::Ordering::SeqCst);
        let signalled = self.interrupted();
        heap::run_pending(self);
        if signalled {
            (self.rt().hooks.get().signals)(self)?;
        }
        self.check_shortage()
    }

    /// MemoryError if something that could not fail has used memory that is kept for it, or list items fill what there is.
    /// To be asked by native loops that may allocate without end. May collect.
    #[inline(always)]
    pub fn check_shortage(&mut self) -> PyResult<()> {
        if self.heap().is_short() { self.report_shortage() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn report_shortage(&mut self) -> PyResult<()> {
        if self.heap().take_shortage() { Err(self.memory_error()) } else { Ok(()) }
    }

    // ---- recursion -------------------------------------------------------------------------------

    /// Runs `f` one native level deeper; RecursionError if the native stack is nearly used up.
    #[inline]
    pub fn nested<T>(&mut self, what: &str, f: impl FnOnce(&mut Cx) -> PyResult<T>) -> PyResult<T> {
        let here = 0u8;
        if (&raw const here as usize) < self.native_limit {
            return Err(self.recursion_error(what));
        }
        f(self)
    }

    /// RecursionError "maximum recursion depth exceeded" with `what` appended.
    #[cold]
    #[inline(never)]
    pub fn recursion_error(&mut self, what: &str) -> Raised {
        self.native_limit -= heap::STACK_RESERVE / 2;
        let raised = self.raise_text(&exceptions::RecursionError, &format!("maximum recursion depth exceeded{what}"));
        self.native_limit += heap::STACK_RESERVE / 2;
        raised
    }

    /// The best match for a misspelt name among candidates, as CPython's suggestions.
    pub fn suggest(&mut self, name: &str, candidates: &[&'static str]) -> Option<&'static str> {
        crate::exceptions::suggestion(name, candidates)
    }

    /// Registers an object whose type needs finalisation or native release.
    pub fn register_special(&mut self, object: Value) {
        heap::register(self, object);
    }
}
