//! Interpreters: worlds of modules on one heap and under one GIL (PEP 734).
//!
//! To an interpreter belong `sys`, `builtins`, `sys.modules`, the codecs, limits and hooks, and the [`Global`]s of native
//! modules. The runtime's cells hold those of the *current* interpreter, the one of the thread that holds the GIL;
//! [`Runtime::switch_to`] exchanges them when a thread of another one takes it. So what reads them pays nothing for there
//! being several.
//!
//! Invariants:
//! - INTERP-1: the thread that holds the GIL runs the code of `cx.interpreter`, which is the current one.
//! - INTERP-2: an interpreter is in [`Runtime::interpreters`] from [`Runtime::new_interpreter`] to
//!   [`Runtime::end_interpreter`], and on while a context belongs to it. It stays allocated after that.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::cx::{Cx, PyResult, Runtime};
use crate::dict::Dict;
use crate::monitoring::Monitoring;
use crate::protocol::codec::Registry;
use crate::threads;
use crate::types::function::{BoundMethod, Function};
use crate::value::Value;

/// An interpreter.
pub struct Interpreter {
    /// Its number; 0 is the main one's.
    pub id: i64,
    /// What its program may do.
    pub permissions: Cell<Permissions>,
    /// Its program has ended; threads that run finalisers of its objects may still be in it.
    ended: Cell<bool>,
    /// What the runtime's cells hold while it is current; up to date only while it is not.
    world: Cell<World>,
    monitoring: Monitoring,
    /// The values of [`Global`]s by index; 0 for none.
    globals: RefCell<Vec<u64>>,
    /// What [`Local`]s keep, by index.
    locals: RefCell<Vec<Option<Box<dyn Any>>>>,
    /// Values that live as long as it.
    roots: RefCell<Vec<Value>>,
}

/// What the program of an interpreter may do.
#[derive(Clone, Copy)]
pub struct Permissions {
    /// `os.fork`.
    pub fork: bool,
    /// `os.execv`.
    pub exec: bool,
    /// Threads.
    pub threads: bool,
    /// Daemon threads.
    pub daemon_threads: bool,
}

/// The cells of the runtime that belong to an interpreter.
#[derive(Clone, Copy, Default)]
struct World {
    modules: Option<&'static Dict>,
    builtins: Option<&'static Dict>,
    sys: Option<&'static Dict>,
    codecs: Option<&'static Registry>,
    asyncgen_hooks: (Option<Value>, Option<Value>),
    coroutine_origin_depth: usize,
    recursion_limit: usize,
    int_max_str_digits: usize,
}

static CURRENT: AtomicPtr<Interpreter> = AtomicPtr::new(std::ptr::null_mut());

/// The current interpreter. The caller holds the GIL.
#[inline(always)]
fn current() -> &'static Interpreter {
    // SAFETY: set when the runtime starts; INTERP-2.
    unsafe { &*CURRENT.load(Ordering::Relaxed) }
}

impl Interpreter {
    fn new(id: i64) -> &'static Interpreter {
        Box::leak(Box::new(Interpreter {
            id,
            permissions: Cell::new(Permissions { fork: true, exec: true, threads: true, daemon_threads: true }),
            ended: Cell::new(false),
            world: Cell::default(),
            monitoring: Monitoring::default(),
            globals: RefCell::default(),
            locals: RefCell::default(),
            roots: RefCell::default(),
        }))
    }

    /// Is it the one that the program started in?
    pub fn is_main(&self) -> bool {
        self.id == 0
    }

    /// The namespace of its `builtins`.
    pub fn builtins(&self, rt: &Runtime) -> Option<&'static Dict> {
        match std::ptr::eq(self, rt.interpreter()) {
            true => rt.builtins.get(),
            false => self.world.get().builtins,
        }
    }

    /// Visits what it holds, for the collector. The runtime's cells are visited besides.
    pub(crate) fn trace(&self, marker: &mut taipan_gc::Marker) {
        let world = self.world.get();
        // SAFETY: nobody borrows these across a collection.
        let (globals, roots) = unsafe { (&*self.globals.as_ptr(), &*self.roots.as_ptr()) };
        for bits in globals.iter().filter(|bits| **bits != 0) {
            marker.mark_value(*bits);
        }
        let dicts = [world.modules, world.builtins, world.sys].into_iter().flatten().map(Value::of);
        let hooks = [world.asyncgen_hooks.0, world.asyncgen_hooks.1].into_iter().flatten();
        for value in dicts.chain(hooks).chain(roots.iter().copied()) {
            marker.mark_value(value.bits());
        }
    }

    /// True while a thread runs in it, or is in something called by what runs in it.
    pub fn is_running(&'static self) -> bool {
        // SAFETY: THREAD-2.
        threads::contexts().iter().any(|cx| unsafe { std::ptr::eq((**cx).interpreter, self) })
    }
}

impl Runtime {
    /// Makes the main interpreter, and it the current one.
    pub(crate) fn start_interpreters(&self) -> &'static Interpreter {
        let main = Interpreter::new(0);
        self.interpreters.borrow_mut().push(main);
        self.next_interpreter.set(1);
        CURRENT.store((&raw const *main).cast_mut(), Ordering::Relaxed);
        main
    }

    /// The current interpreter.
    #[inline(always)]
    pub fn interpreter(&self) -> &'static Interpreter {
        current()
    }

    /// A new interpreter, in which nothing is yet.
    pub fn new_interpreter(&self) -> &'static Interpreter {
        let id = self.next_interpreter.get();
        self.next_interpreter.set(id + 1);
        let new = Interpreter::new(id);
        let own = self.world();
        new.world.set(World {
            recursion_limit: own.recursion_limit,
            int_max_str_digits: own.int_max_str_digits,
            ..World::default()
        });
        self.interpreters.borrow_mut().push(new);
        new
    }

    /// Notes that the program of an interpreter has ended; what it held can be collected once no thread is in it.
    pub fn end_interpreter(&self, interpreter: &'static Interpreter) {
        interpreter.ended.set(true);
        self.settle_interpreter(interpreter);
    }

    /// Forgets an interpreter that has ended if no context belongs to it.
    pub(crate) fn settle_interpreter(&self, interpreter: &'static Interpreter) {
        if !interpreter.ended.get() || interpreter.is_running() {
            return;
        }
        self.interpreters.borrow_mut().retain(|i| !std::ptr::eq(*i, interpreter));
        interpreter.world.set(World::default());
        interpreter.globals.take();
        interpreter.locals.take();
        interpreter.roots.take();
    }

    /// The interpreter with this number.
    pub fn find_interpreter(&self, id: i64) -> Option<&'static Interpreter> {
        self.live_interpreters().into_iter().find(|i| i.id == id)
    }

    /// The interpreters whose programs have not ended, the main one first.
    pub fn live_interpreters(&self) -> Vec<&'static Interpreter> {
        self.interpreters.borrow().iter().copied().filter(|i| !i.ended.get()).collect()
    }

    fn world(&self) -> World {
        World {
            modules: self.modules.get(),
            builtins: self.builtins.get(),
            sys: self.sys.get(),
            codecs: self.codecs.get(),
            asyncgen_hooks: self.asyncgen_hooks.get(),
            coroutine_origin_depth: self.coroutine_origin_depth.get(),
            recursion_limit: self.recursion_limit.get(),
            int_max_str_digits: self.int_max_str_digits.get(),
        }
    }

    /// Makes `interpreter` the current one. The caller holds the GIL.
    #[inline]
    pub(crate) fn switch_to(&self, interpreter: &'static Interpreter) {
        if !std::ptr::eq(interpreter, current()) {
            self.exchange(interpreter);
        }
    }

    #[cold]
    fn exchange(&self, new: &'static Interpreter) {
        let old = current();
        old.world.set(self.world());
        let world = new.world.get();
        self.modules.set(world.modules);
        self.builtins.set(world.builtins);
        self.sys.set(world.sys);
        self.codecs.set(world.codecs);
        self.asyncgen_hooks.set(world.asyncgen_hooks);
        self.coroutine_origin_depth.set(world.coroutine_origin_depth);
        self.recursion_limit.set(world.recursion_limit);
        self.int_max_str_digits.set(world.int_max_str_digits);
        self.monitoring.exchange(&old.monitoring);
        self.monitoring.exchange(&new.monitoring);
        CURRENT.store((&raw const *new).cast_mut(), Ordering::Relaxed);
    }

    /// The interpreter that a function belongs to, if that can be told: the one whose `builtins` it sees.
    fn home_of(&self, callable: Value) -> Option<&'static Interpreter> {
        let function = match callable.exact::<BoundMethod>() {
            Some(method) => method.function.downcast::<Function>()?,
            None => callable.downcast::<Function>()?,
        };
        let interpreters = self.interpreters.borrow();
        interpreters.iter().copied().find(|i| i.builtins(self).is_some_and(|b| std::ptr::eq(b, function.builtins)))
    }
}

impl Cx {
    /// Runs `f` with a context of the calling thread in another interpreter. `f` must leave no exception raised.
    pub fn in_interpreter<T>(&mut self, interpreter: &'static Interpreter, f: impl FnOnce(&mut Cx) -> T) -> T {
        let rt = self.rt();
        threads::with_inner_context(self, interpreter, |inner| {
            rt.switch_to(interpreter);
            let result = f(inner);
            (rt.hooks.get().thread_ends)(inner);
            result
        })
    }

    /// As [`Cx::in_interpreter`], for what runs when its program is about to end; then it has ended.
    pub fn end_interpreter(&mut self, interpreter: &'static Interpreter, f: impl FnOnce(&mut Cx)) {
        self.in_interpreter(interpreter, f);
        self.rt().end_interpreter(interpreter);
    }

    /// Runs `f`, which calls `callable`, in the interpreter that that belongs to.
    pub fn at_home_of<T>(&mut self, callable: Value, f: impl FnOnce(&mut Cx) -> T) -> T {
        if self.rt().interpreters.borrow().len() == 1 {
            return f(self);
        }
        match self.rt().home_of(callable) {
            Some(home) if !std::ptr::eq(home, self.interpreter) => self.in_interpreter(home, f),
            _ => f(self),
        }
    }

    /// Keeps `value` alive for as long as the current interpreter.
    pub fn add_interpreter_root(&mut self, value: Value) {
        current().roots.borrow_mut().push(value);
    }
}

static NEXT_GLOBAL: AtomicU32 = AtomicU32::new(1);
static NEXT_LOCAL: AtomicU32 = AtomicU32::new(1);

fn index_of(index: &AtomicU32, next: &AtomicU32) -> usize {
    match index.load(Ordering::Relaxed) {
        0 => {
            // With the GIL held, so nobody else does the same.
            let new = next.fetch_add(1, Ordering::Relaxed);
            index.store(new, Ordering::Relaxed);
            new as usize
        }
        n => n as usize,
    }
}

/// A value that native code of a module keeps for as long as the interpreter lives; each interpreter has its own.
#[derive(Default)]
pub struct Global(AtomicU32);

impl Global {
    /// Not set yet.
    pub const fn new() -> Global {
        Global(AtomicU32::new(0))
    }

    /// The value, once set. The caller holds the GIL.
    #[inline]
    pub fn get(&self) -> Option<Value> {
        // SAFETY: the GIL is held, and the vector is borrowed nowhere for longer than a read or write of one word.
        let globals = unsafe { &*current().globals.as_ptr() };
        globals.get(self.0.load(Ordering::Relaxed) as usize).and_then(|bits| Value::from_bits(*bits))
    }

    /// Sets the value, which is kept alive as long as it stays set.
    pub fn set(&self, _cx: &mut Cx, value: Value) {
        let index = index_of(&self.0, &NEXT_GLOBAL);
        let mut globals = current().globals.borrow_mut();
        if globals.len() <= index {
            globals.resize(index + 1, 0);
        }
        globals[index] = value.bits();
    }

    /// The value, made at first use.
    pub fn get_or(&self, cx: &mut Cx, make: impl FnOnce(&mut Cx) -> PyResult<Value>) -> PyResult<Value> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let value = make(cx)?;
        self.set(cx, value);
        Ok(value)
    }
}

/// What native code of a module keeps for each interpreter. Values in it must be rooted elsewhere
/// ([`Cx::add_interpreter_root`], [`crate::heap::RootVec`]).
pub struct Local<T: 'static> {
    index: AtomicU32,
    /// Of which interpreter, and where; so that finding it again is a compare.
    last: Cell<(i64, *const T)>,
}
// SAFETY: used with the GIL held.
unsafe impl<T> Sync for Local<T> {}

impl<T: 'static> Default for Local<T> {
    fn default() -> Local<T> {
        Local::new()
    }
}

impl<T: 'static> Local<T> {
    /// Not set in any interpreter.
    pub const fn new() -> Local<T> {
        Local { index: AtomicU32::new(0), last: Cell::new((-1, std::ptr::null())) }
    }

    /// What the current interpreter has, once set. The caller holds the GIL; the result is good for as long as the
    /// interpreter lives.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        let (id, value) = self.last.get();
        if id == current().id {
            // SAFETY: set by `find` or `set` for this interpreter, numbers of which are not used again.
            return unsafe { value.as_ref() };
        }
        self.find()
    }

    #[cold]
    fn find(&self) -> Option<&'static T> {
        let locals = current().locals.borrow();
        let value = locals.get(self.index.load(Ordering::Relaxed) as usize)?.as_ref()?.downcast_ref::<T>()?;
        let value: *const T = value;
        self.last.set((current().id, value));
        // SAFETY: it is boxed, and dropped only with the interpreter.
        unsafe { value.as_ref() }
    }

    /// Sets it for the current interpreter, once.
    pub fn set(&self, value: T) -> &'static T {
        let index = index_of(&self.index, &NEXT_LOCAL);
        let mut locals = current().locals.borrow_mut();
        if locals.len() <= index {
            locals.resize_with(index + 1, || None);
        }
        assert!(locals[index].is_none(), "set once");
        locals[index] = Some(Box::new(value));
        drop(locals);
        self.find().expect("just set")
    }

    /// What the current interpreter has, made at first use.
    #[inline(always)]
    pub fn get_or(&self, make: impl FnOnce() -> T) -> &'static T {
        match self.get() {
            Some(found) => found,
            None => self.set(make()),
        }
    }
}
