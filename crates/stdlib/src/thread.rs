//! `_thread`: locks and identities. Starting threads comes with the GIL's release points.
//!
//! With one thread of Python code a lock is a flag: acquiring a taken lock without a timeout would wait for ever, so
//! that raises instead of hanging.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, object, raise};

/// Identity of the running thread.
pub fn ident() -> u64 {
    // SAFETY: pthread_self always succeeds.
    unsafe { libc::pthread_self() as u64 }
}

/// `_thread.lock` and `_thread.RLock`.
#[repr(C)]
pub struct Lock {
    header: Header,
    /// How often it is held.
    count: Cell<u32>,
}
object!(Lock, LOCK);

/// The type `_thread.lock`.
pub static LOCK: Type = Type::new(&LOCK_SPEC);
static LOCK_SPEC: TypeSpec = TypeSpec {
    name: "_thread.lock",
    basicsize: std::mem::size_of::<Lock>(),
    weakrefs: true,
    slots: Slots { repr: Some(repr), new: Some(new_lock), ..Slots::NONE },
    methods: &[Lock::METHODS],
    doc: "A lock object is a synchronization primitive.",
    ..TypeSpec::DEFAULT
};

/// The type `_thread.RLock`.
pub static RLOCK: Type = Type::new(&RLOCK_SPEC);
static RLOCK_SPEC: TypeSpec = TypeSpec {
    name: "_thread.RLock",
    base: None,
    basicsize: std::mem::size_of::<Lock>(),
    flags: flags::BASETYPE,
    weakrefs: true,
    slots: Slots { repr: Some(repr), new: Some(new_lock), ..Slots::NONE },
    methods: &[Lock::METHODS, RLockMethods::METHODS],
    doc: "A reentrant lock.",
    ..TypeSpec::DEFAULT
};

fn new_lock(cx: &mut Cx, class: &'static Type, _args: Args) -> PyResult<Value> {
    Ok(Value::of(cx.alloc_of(class, Lock { header: Header::fresh(class), count: Cell::new(0) })))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of locks.
    let this = unsafe { v.cast::<Lock>() };
    let state = if this.count.get() > 0 { "locked" } else { "unlocked" };
    let (name, address) = (v.class().tp_name(), v.bits());
    Ok(cx.str(&format!("<{state} {name} object at {address:#x}>")))
}

impl Lock {
    fn reentrant(&self) -> bool {
        std::ptr::eq(Value::from_address(self as *const Lock as usize).class(), &RLOCK)
            || Value::from_address(self as *const Lock as usize).is_instance(&RLOCK)
    }
}

#[pymethods]
impl Lock {
    /// Acquire the lock.
    #[py("($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &mut Cx, this: &'static Lock, blocking: Option<bool>, timeout: Option<f64>) -> PyResult<bool> {
        let (blocking, timeout) = (blocking.unwrap_or(true), timeout.unwrap_or(-1.0));
        if !blocking && timeout != -1.0 {
            return raise!(cx, ValueError, "can't specify a timeout for a non-blocking call");
        }
        if timeout < 0.0 && timeout != -1.0 {
            return raise!(cx, ValueError, "timeout value must be a non-negative number");
        }
        if this.count.get() == 0 || this.reentrant() {
            this.count.set(this.count.get() + 1);
            return Ok(true);
        }
        if blocking && timeout < 0.0 {
            return raise!(cx, RuntimeError, "deadlock: the only thread waits for a lock that it holds");
        }
        if blocking {
            std::thread::sleep(std::time::Duration::from_secs_f64(timeout.min(1e9)));
        }
        Ok(false)
    }

    /// Acquire the lock (old name).
    #[py("($self, /, blocking=True, timeout=-1)")]
    fn acquire_lock(cx: &mut Cx, this: &'static Lock, blocking: Option<bool>, timeout: Option<f64>) -> PyResult<bool> {
        Lock::acquire(cx, this, blocking, timeout)
    }

    /// Release the lock.
    #[py("($self, /)")]
    fn release(cx: &mut Cx, this: &'static Lock) -> PyResult<()> {
        if this.count.get() == 0 {
            let text = if this.reentrant() { "cannot release un-acquired lock" } else { "release unlocked lock" };
            return raise!(cx, RuntimeError, "{text}");
        }
        this.count.set(this.count.get() - 1);
        Ok(())
    }

    /// Release the lock (old name).
    #[py("($self, /)")]
    fn release_lock(cx: &mut Cx, this: &'static Lock) -> PyResult<()> {
        Lock::release(cx, this)
    }

    /// Return whether the lock is held.
    #[py("($self, /)")]
    fn locked(_cx: &mut Cx, this: &'static Lock) -> PyResult<bool> {
        Ok(this.count.get() > 0)
    }

    /// Acquire the lock.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Lock) -> PyResult<bool> {
        Lock::acquire(cx, this, None, None)
    }

    /// Release the lock.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static Lock, _exc: &'static taipan_runtime::types::tuple::Tuple) -> PyResult<()> {
        Lock::release(cx, this)
    }

    /// Forget that the lock is held (after fork).
    #[py("($self, /)")]
    fn _at_fork_reinit(_cx: &mut Cx, this: &'static Lock) -> PyResult<()> {
        this.count.set(0);
        Ok(())
    }
}

/// What only RLock has.
pub struct RLockMethods;

#[pymethods]
impl RLockMethods {
    /// Whether the current thread holds the lock.
    #[py("($self, /)")]
    fn _is_owned(_cx: &mut Cx, this: &'static Lock) -> PyResult<bool> {
        Ok(this.count.get() > 0)
    }

    /// How often the lock is held.
    #[py("($self, /)")]
    fn _recursion_count(_cx: &mut Cx, this: &'static Lock) -> PyResult<i64> {
        Ok(this.count.get() as i64)
    }

    /// Release the lock wholly, for Condition.
    #[py("($self, /)")]
    fn _release_save(cx: &mut Cx, this: &'static Lock) -> PyResult<Value> {
        let count = this.count.replace(0);
        let (count, owner) = (Value::small(count as i64), cx.int_u64(ident()));
        Ok(Value::of(taipan_runtime::types::tuple::Tuple::new(cx, &[count, owner])))
    }

    /// Take back what `_release_save` gave.
    #[py("($self, state, /)")]
    fn _acquire_restore(
        cx: &mut Cx,
        this: &'static Lock,
        state: &'static taipan_runtime::types::tuple::Tuple,
    ) -> PyResult<()> {
        let Some(count) = state.items().first().and_then(|v| v.as_small()) else {
            return raise!(cx, TypeError, "_acquire_restore() needs what _release_save() gave");
        };
        this.count.set(count.max(0) as u32);
        Ok(())
    }
}

/// `_thread._local`: with one thread, a plain namespace.
static LOCAL: Type = Type::new(&LOCAL_SPEC);
static LOCAL_SPEC: TypeSpec = TypeSpec {
    name: "_thread._local",
    basicsize: 16,
    flags: flags::BASETYPE,
    attrs: true,
    weakrefs: true,
    slots: Slots { new: Some(|cx, class, _| Ok(taipan_runtime::types::object::instantiate(cx, class))), ..Slots::NONE },
    doc: "Thread-local data",
    ..TypeSpec::DEFAULT
};

/// The functions of `_thread`.
pub struct Thread;

#[pymethods]
impl Thread {
    /// Create a new lock object.
    #[py("()")]
    fn allocate_lock(cx: &mut Cx) -> PyResult<Value> {
        new_lock(cx, &LOCK, Args::positional(&[]))
    }

    /// Return a non-zero integer that uniquely identifies the current thread.
    #[py("()")]
    fn get_ident(_cx: &mut Cx) -> PyResult<u64> {
        Ok(ident())
    }

    /// Return the system's identity of the current thread.
    #[py("()")]
    fn get_native_id(_cx: &mut Cx) -> PyResult<i64> {
        // SAFETY: gettid always succeeds.
        Ok(unsafe { libc::gettid() } as i64)
    }

    /// Return the identity of the main thread.
    #[py("()")]
    fn _get_main_thread_ident(_cx: &mut Cx) -> PyResult<u64> {
        Ok(ident())
    }

    /// Return True: there is one interpreter.
    #[py("()")]
    fn _is_main_interpreter(_cx: &mut Cx) -> PyResult<bool> {
        Ok(true)
    }

    /// Return whether daemon threads are allowed.
    #[py("()")]
    fn daemon_threads_allowed(_cx: &mut Cx) -> PyResult<bool> {
        Ok(true)
    }

    /// Wait for all non-daemon threads: there are none.
    #[py("()")]
    fn _shutdown(_cx: &mut Cx) -> PyResult<()> {
        Ok(())
    }

    /// Return the number of threads that were started and run.
    #[py("()")]
    fn _count(_cx: &mut Cx) -> PyResult<i64> {
        Ok(0)
    }

    /// Name the current thread.
    #[py("(name)")]
    fn set_name(_cx: &mut Cx, _name: Value) -> PyResult<()> {
        Ok(())
    }

    /// Return the thread stack size used when creating new threads.
    #[py("(size=0, /)")]
    fn stack_size(_cx: &mut Cx, _size: Option<i64>) -> PyResult<i64> {
        Ok(0)
    }

    /// Start a new thread.
    #[py("(function, args, kwargs={}, /)")]
    fn start_new_thread(cx: &mut Cx, _function: Value, _args: Value, _kwargs: Option<Value>) -> PyResult<i64> {
        raise!(cx, RuntimeError, "can't start new thread: this version of Taipan runs one thread")
    }

    /// Start a joinable thread.
    #[py("(function, handle=None, daemon=True)")]
    fn start_joinable_thread(
        cx: &mut Cx,
        _function: Value,
        _handle: Option<Value>,
        _daemon: Option<Value>,
    ) -> PyResult<i64> {
        raise!(cx, RuntimeError, "can't start new thread: this version of Taipan runs one thread")
    }
}

/// A handle of the main thread, as `threading` wants one.
static HANDLE: Type = Type::new(&HANDLE_SPEC);
static HANDLE_SPEC: TypeSpec = TypeSpec {
    name: "_thread._ThreadHandle",
    basicsize: 16,
    slots: Slots { new: Some(|cx, class, _| Ok(taipan_runtime::types::object::instantiate(cx, class))), ..Slots::NONE },
    methods: &[Handle::METHODS],
    getsets: &[Handle::GETSETS],
    ..TypeSpec::DEFAULT
};

struct Handle;

#[pymethods]
impl Handle {
    #[getter]
    fn ident(_cx: &mut Cx, _this: Value) -> PyResult<u64> {
        Ok(ident())
    }

    /// Whether the thread has ended.
    #[py("($self, /)")]
    fn is_done(_cx: &mut Cx, _this: Value) -> PyResult<bool> {
        Ok(false)
    }

    /// Note that the thread has ended.
    #[py("($self, /)")]
    fn _set_done(_cx: &mut Cx, _this: Value) -> PyResult<()> {
        Ok(())
    }

    /// Wait for the thread.
    #[py("($self, timeout=None, /)")]
    fn join(cx: &mut Cx, _this: Value, _timeout: Option<Value>) -> PyResult<()> {
        raise!(cx, RuntimeError, "Cannot join current thread")
    }
}

/// What `threading` calls once more.
pub struct Handles;

#[pymethods]
impl Handles {
    /// Make a handle of a running thread.
    #[py("(ident)")]
    fn _make_thread_handle(cx: &mut Cx, _ident: Value) -> PyResult<Value> {
        cx.ready_type(&HANDLE);
        Ok(taipan_runtime::types::object::instantiate(cx, &HANDLE))
    }
}

/// Makes the module `_thread`. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_thread");
    module.add_functions(cx, Thread::METHODS);
    module.add_functions(cx, Handles::METHODS);
    for class in [&LOCK, &RLOCK, &LOCAL, &HANDLE] {
        module.add_type(cx, class);
    }
    module.set(cx, "LockType", Value::of(&LOCK));
    module.set(cx, "error", Value::of(&taipan_runtime::exceptions::RuntimeError));
    let max = cx.float(9_223_372_036.0);
    module.set(cx, "TIMEOUT_MAX", max);
    module
}
