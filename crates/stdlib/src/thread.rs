//! The module `_thread`: locks and identities. Starting threads is an error until the runtime has them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::object_methods::DICT_GETSET;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, object, raise};

/// The functions.
pub struct Threads;

const DOC: &str = "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.";

/// Longest timeout in seconds.
const TIMEOUT_MAX: f64 = 9223372036.0;

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "_thread", DOC, Threads::METHODS);
    for class in [&LOCK, &RLOCK, &LOCAL, &THREAD_HANDLE] {
        module.add_type(cx, class);
    }
    structseq::ready(cx, &EXCEPT_HOOK_ARGS, 4);
    module.add_type(cx, &EXCEPT_HOOK_ARGS);
    module.set(cx, "LockType", Value::of(&LOCK));
    module.set(cx, "error", Value::of(&exceptions::RuntimeError));
    let longest = cx.float(TIMEOUT_MAX);
    module.set(cx, "TIMEOUT_MAX", longest);
    module.set(cx, "_NAME_MAXLEN", Value::small(15));
    Ok(module)
}

/// Identity of the running thread.
pub fn ident() -> u64 {
    // SAFETY: pthread_self always succeeds.
    unsafe { libc::pthread_self() as u64 }
}

/// How long to wait for a lock.
enum Wait {
    No,
    Forever,
    For(Duration),
}

fn wait_of(cx: &mut Cx, blocking: Option<bool>, timeout: Option<Value>) -> PyResult<Wait> {
    let blocking = blocking.unwrap_or(true);
    let seconds = match timeout {
        None => -1.0,
        Some(v) => number::to_f64(cx, v)?,
    };
    if seconds.is_nan() {
        return raise!(cx, ValueError, "Invalid value NaN (not a number)");
    }
    if !blocking {
        if seconds != -1.0 {
            return raise!(cx, ValueError, "can't specify a timeout for a non-blocking call");
        }
        return Ok(Wait::No);
    }
    if seconds == -1.0 {
        return Ok(Wait::Forever);
    }
    if seconds < 0.0 {
        return raise!(cx, ValueError, "timeout value must be a non-negative number");
    }
    if seconds > TIMEOUT_MAX {
        return raise!(cx, OverflowError, "timestamp out of range for C PyTime_t");
    }
    Ok(Wait::For(Duration::from_secs_f64(seconds)))
}

/// Waits until `take` succeeds; false if the time is over. Signal handlers run meanwhile.
fn acquire(cx: &mut Cx, wait: Wait, mut take: impl FnMut() -> bool) -> PyResult<bool> {
    if take() {
        return Ok(true);
    }
    let limit = match wait {
        Wait::No => return Ok(false),
        Wait::Forever => None,
        Wait::For(time) => Some(Instant::now() + time),
    };
    let mut pause = Duration::from_micros(50);
    loop {
        let now = Instant::now();
        if limit.is_some_and(|limit| now >= limit) {
            return Ok(false);
        }
        std::thread::sleep(limit.map_or(pause, |limit| pause.min(limit - now)));
        pause = (pause * 2).min(Duration::from_millis(20));
        if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            cx.handle_interrupt()?;
        }
        if take() {
            return Ok(true);
        }
    }
}

// ---- lock ------------------------------------------------------------------------------------------

/// A lock.
#[repr(C)]
pub struct Lock {
    header: Header,
    locked: Cell<bool>,
}
object!(Lock, LOCK);

/// The type `_thread.lock`.
pub static LOCK: Type = Type::new(&LOCK_SPEC);
static LOCK_SPEC: TypeSpec = TypeSpec {
    name: "_thread.lock",
    basicsize: std::mem::size_of::<Lock>(),
    weakrefs: true,
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of locks.
            let state = if unsafe { v.cast::<Lock>() }.locked.get() { "locked" } else { "unlocked" };
            Ok(cx.str(&format!("<{state} _thread.lock object at {:#x}>", v.bits())))
        }),
        new: Some(|cx, _, args| {
            args.no_keywords(cx, "lock")?;
            match args.pos().len() {
                0 => Ok(new_lock(cx)),
                n => raise!(cx, TypeError, "lock expected 0 arguments, got {n}"),
            }
        }),
        ..Slots::NONE
    },
    methods: &[Lock::METHODS],
    doc: "A lock object is a synchronization primitive.  To create a lock,\ncall threading.Lock().",
    signature: "()",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_nothing(_: *mut Header, _: &mut Marker) {}

/// A new lock. May collect.
pub fn new_lock(cx: &mut Cx) -> Value {
    cx.ready_type(&LOCK);
    Value::of(cx.alloc(Lock { header: Header::fresh(&LOCK), locked: Cell::new(false) }))
}

impl Lock {
    fn take(&self) -> bool {
        !self.locked.replace(true)
    }
}

#[pymethods]
impl Lock {
    /// Lock the lock.  Without argument, this blocks if the lock is already
    /// locked (even by the same thread), waiting for another thread to release
    /// the lock, and return True once the lock is acquired.
    /// With an argument, this will only block if the argument is true,
    /// and the return value reflects whether the lock is acquired.
    /// The blocking operation is interruptible.
    #[py("($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &mut Cx, this: &'static Lock, blocking: Option<bool>, timeout: Option<Value>) -> PyResult<bool> {
        let wait = wait_of(cx, blocking, timeout)?;
        acquire(cx, wait, || this.take())
    }

    /// An obsolete synonym of acquire().
    #[py("($self, /, blocking=True, timeout=-1)")]
    fn acquire_lock(
        cx: &mut Cx,
        this: &'static Lock,
        blocking: Option<bool>,
        timeout: Option<Value>,
    ) -> PyResult<bool> {
        Lock::acquire(cx, this, blocking, timeout)
    }

    /// Release the lock, allowing another thread that is blocked waiting for
    /// the lock to acquire the lock.  The lock must be in the locked state,
    /// but it needn't be locked by the same thread that unlocks it.
    #[py("($self, /)")]
    fn release(cx: &mut Cx, this: &'static Lock) -> PyResult<()> {
        if !this.locked.replace(false) {
            return raise!(cx, RuntimeError, "release unlocked lock");
        }
        Ok(())
    }

    /// An obsolete synonym of release().
    #[py("($self, /)")]
    fn release_lock(cx: &mut Cx, this: &'static Lock) -> PyResult<()> {
        Lock::release(cx, this)
    }

    /// Return whether the lock is in the locked state.
    #[py("($self, /)")]
    fn locked(_cx: &mut Cx, this: &'static Lock) -> bool {
        this.locked.get()
    }

    /// An obsolete synonym of locked().
    #[py("($self, /)")]
    fn locked_lock(_cx: &mut Cx, this: &'static Lock) -> bool {
        this.locked.get()
    }

    /// Lock the lock.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Lock) -> PyResult<bool> {
        acquire(cx, Wait::Forever, || this.take())
    }

    /// Release the lock.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static Lock, _exc_info: &'static Tuple) -> PyResult<()> {
        Lock::release(cx, this)
    }

    #[py("($self, /)")]
    fn _at_fork_reinit(_cx: &mut Cx, this: &'static Lock) {
        this.locked.set(false);
    }
}

// ---- RLock -----------------------------------------------------------------------------------------

/// A lock that its owner can take again.
#[repr(C)]
pub struct RLock {
    header: Header,
    owner: Cell<u64>,
    count: Cell<u64>,
}
object!(RLock, RLOCK);

/// The type `_thread.RLock`.
pub static RLOCK: Type = Type::new(&RLOCK_SPEC);
static RLOCK_SPEC: TypeSpec = TypeSpec {
    name: "_thread.RLock",
    basicsize: std::mem::size_of::<RLock>(),
    flags: flags::BASETYPE,
    weakrefs: true,
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of these locks.
            let this = unsafe { v.cast::<RLock>() };
            let state = if this.count.get() > 0 { "locked" } else { "unlocked" };
            let (name, owner, count) = (v.class().tp_name(), this.owner.get(), this.count.get());
            Ok(cx.str(&format!("<{state} {name} object owner={owner} count={count} at {:#x}>", v.bits())))
        }),
        new: Some(|cx, class, _| {
            let (owner, count) = (Cell::new(0), Cell::new(0));
            Ok(Value::of(cx.alloc_of(class, RLock { header: Header::fresh(class), owner, count })))
        }),
        ..Slots::NONE
    },
    methods: &[RLock::METHODS],
    ..TypeSpec::DEFAULT
};

impl RLock {
    fn is_mine(&self) -> bool {
        self.count.get() > 0 && self.owner.get() == ident()
    }

    fn take(&self) -> bool {
        if self.count.get() > 0 && !self.is_mine() {
            return false;
        }
        self.owner.set(ident());
        self.count.set(self.count.get() + 1);
        true
    }
}

#[pymethods]
impl RLock {
    /// Lock the lock.  `blocking` indicates whether we should wait
    /// for the lock to be available or not.  If `blocking` is False
    /// and another thread holds the lock, the method will return False
    /// immediately.  If `blocking` is True and another thread holds
    /// the lock, the method will wait for the lock to be released,
    /// take it and then return True.
    /// (note: the blocking operation is interruptible.)
    ///
    /// In all other cases, the method will return True immediately.
    /// Precisely, if the current thread already holds the lock, its
    /// internal counter is simply incremented. If nobody holds the lock,
    /// the lock is taken and its internal counter initialized to 1.
    #[py("($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &mut Cx, this: &'static RLock, blocking: Option<bool>, timeout: Option<Value>) -> PyResult<bool> {
        let wait = wait_of(cx, blocking, timeout)?;
        acquire(cx, wait, || this.take())
    }

    /// Release the lock, allowing another thread that is blocked waiting for
    /// the lock to acquire the lock.  The lock must be in the locked state,
    /// and must be locked by the same thread that unlocks it; otherwise a
    /// `RuntimeError` is raised.
    ///
    /// Do note that if the lock was acquire()d several times in a row by the
    /// current thread, release() needs to be called as many times for the lock
    /// to be available for other threads.
    #[py("($self, /)")]
    fn release(cx: &mut Cx, this: &'static RLock) -> PyResult<()> {
        if !this.is_mine() {
            return raise!(cx, RuntimeError, "cannot release un-acquired lock");
        }
        this.count.set(this.count.get() - 1);
        if this.count.get() == 0 {
            this.owner.set(0);
        }
        Ok(())
    }

    /// locked()
    ///
    /// Return a boolean indicating whether this object is locked right now.
    #[py("($self, /)")]
    fn locked(_cx: &mut Cx, this: &'static RLock) -> bool {
        this.count.get() > 0
    }

    /// Lock the lock.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static RLock) -> PyResult<bool> {
        acquire(cx, Wait::Forever, || this.take())
    }

    /// Release the lock.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static RLock, _exc_info: &'static Tuple) -> PyResult<()> {
        RLock::release(cx, this)
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, /)")]
    fn _is_owned(_cx: &mut Cx, this: &'static RLock) -> bool {
        this.is_mine()
    }

    /// For internal use by reentrancy checks.
    #[py("($self, /)")]
    fn _recursion_count(_cx: &mut Cx, this: &'static RLock) -> u64 {
        if this.is_mine() { this.count.get() } else { 0 }
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, /)")]
    fn _release_save(cx: &mut Cx, this: &'static RLock) -> PyResult<Value> {
        if this.count.get() == 0 {
            return raise!(cx, RuntimeError, "cannot release un-acquired lock");
        }
        let (count, owner) = (cx.int_u64(this.count.get()), cx.int_u64(this.owner.get()));
        this.count.set(0);
        this.owner.set(0);
        Ok(Value::of(Tuple::new(cx, &[count, owner])))
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, state, /)")]
    fn _acquire_restore(cx: &mut Cx, this: &'static RLock, state: &'static Tuple) -> PyResult<()> {
        let [count, owner] = *state.items() else {
            return raise!(cx, TypeError, "_acquire_restore() expects a pair");
        };
        acquire(cx, Wait::Forever, || this.take())?;
        this.count.set(int::as_i64(count).unwrap_or(1) as u64);
        this.owner.set(int::as_i64(owner).map_or(ident(), |o| o as u64));
        Ok(())
    }

    #[py("($self, /)")]
    fn _at_fork_reinit(_cx: &mut Cx, this: &'static RLock) {
        this.count.set(0);
        this.owner.set(0);
    }
}

// ---- _local ----------------------------------------------------------------------------------------

/// Data of a thread.
#[repr(C)]
pub struct Local {
    header: Header,
}
object!(Local, LOCAL);

/// The type `_thread._local`.
pub static LOCAL: Type = Type::new(&LOCAL_SPEC);
static LOCAL_SPEC: TypeSpec = TypeSpec {
    name: "_thread._local",
    basicsize: std::mem::size_of::<Local>(),
    flags: flags::BASETYPE,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_nothing),
    slots: Slots {
        new: Some(|cx, class, args| {
            let own_init = class.slots().init.is_some_and(|f| {
                let plain = taipan_runtime::types::object::OBJECT.slots().init;
                !plain.is_some_and(|p| std::ptr::fn_addr_eq(p, f))
            });
            if !args.values().is_empty() && !own_init {
                return raise!(cx, TypeError, "Initialization arguments are not supported");
            }
            Ok(Value::of(cx.alloc_of(class, Local { header: Header::fresh(class) })))
        }),
        ..Slots::NONE
    },
    getsets: &[std::slice::from_ref(&DICT_GETSET)],
    doc: "Thread-local data",
    signature: "()",
    ..TypeSpec::DEFAULT
};

// ---- handles ---------------------------------------------------------------------------------------

/// A thread as `threading` sees it.
#[repr(C)]
pub struct ThreadHandle {
    header: Header,
    ident: Cell<u64>,
    done: Cell<bool>,
}
object!(ThreadHandle, THREAD_HANDLE);

/// The type `_thread._ThreadHandle`.
pub static THREAD_HANDLE: Type = Type::new(&THREAD_HANDLE_SPEC);
static THREAD_HANDLE_SPEC: TypeSpec = TypeSpec {
    name: "_thread._ThreadHandle",
    basicsize: std::mem::size_of::<ThreadHandle>(),
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of handles.
            let ident = unsafe { v.cast::<ThreadHandle>() }.ident.get();
            Ok(cx.str(&format!("<_thread._ThreadHandle object: ident={ident}>")))
        }),
        new: Some(|cx, _, _| Ok(new_handle(cx, 0))),
        ..Slots::NONE
    },
    methods: &[ThreadHandle::METHODS],
    getsets: &[ThreadHandle::GETSETS],
    ..TypeSpec::DEFAULT
};

fn new_handle(cx: &mut Cx, ident: u64) -> Value {
    cx.ready_type(&THREAD_HANDLE);
    let (ident, done) = (Cell::new(ident), Cell::new(false));
    Value::of(cx.alloc(ThreadHandle { header: Header::fresh(&THREAD_HANDLE), ident, done }))
}

#[pymethods]
impl ThreadHandle {
    #[getter]
    fn ident(_cx: &mut Cx, this: &'static ThreadHandle) -> u64 {
        this.ident.get()
    }

    #[py("($self, /)")]
    fn is_done(_cx: &mut Cx, this: &'static ThreadHandle) -> bool {
        this.done.get()
    }

    #[py("($self, /)")]
    fn _set_done(cx: &mut Cx, this: &'static ThreadHandle) -> PyResult<()> {
        if this.ident.get() == 0 {
            return raise!(cx, RuntimeError, "thread not started");
        }
        this.done.set(true);
        Ok(())
    }

    #[py("($self, timeout=None, /)")]
    fn join(cx: &mut Cx, this: &'static ThreadHandle, timeout: Option<Value>) -> PyResult<()> {
        if this.ident.get() == 0 {
            return raise!(cx, RuntimeError, "thread not started");
        }
        if this.ident.get() == ident() && !this.done.get() {
            return raise!(cx, RuntimeError, "Cannot join current thread");
        }
        let wait = match timeout.filter(|t| !t.is_none()) {
            None => Wait::Forever,
            Some(t) => match number::to_f64(cx, t)? {
                seconds if seconds < 0.0 => Wait::Forever,
                seconds => Wait::For(Duration::from_secs_f64(seconds.min(TIMEOUT_MAX))),
            },
        };
        acquire(cx, wait, || this.done.get())?;
        Ok(())
    }
}

taipan_runtime::structseq! {
    /// `_thread._ExceptHookArgs`.
    pub EXCEPT_HOOK_ARGS "_thread._ExceptHookArgs" "ExceptHookArgs\n\nType used to pass arguments to threading.excepthook." {
        exc_type "Exception type",
        exc_value "Exception value",
        exc_traceback "Exception traceback",
        thread "Thread",
    }
}

// ---- functions -------------------------------------------------------------------------------------

fn no_threads<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, RuntimeError, "can't start new thread: this build of Taipan has no threads yet")
}

fn check_start(cx: &mut Cx, args: Args, name: &str) -> PyResult<()> {
    super::builtins_check(cx, args, name, 2, 3)?;
    if args.pos()[0].class().slots().call.is_none() {
        return raise!(cx, TypeError, "first arg must be callable");
    }
    if args.pos()[1].downcast::<Tuple>().is_none() {
        return raise!(cx, TypeError, "2nd arg must be a tuple");
    }
    if args.pos().get(2).is_some_and(|k| k.downcast::<taipan_runtime::dict::Dict>().is_none()) {
        return raise!(cx, TypeError, "optional 3rd arg must be a dictionary");
    }
    Ok(())
}

static STACK_SIZE: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);

#[pymethods]
impl Threads {
    /// Create a new lock object. See help(type(threading.Lock())) for
    /// information about locks.
    #[py("($module, /)")]
    fn allocate_lock(cx: &mut Cx) -> Value {
        new_lock(cx)
    }

    /// An obsolete synonym of allocate_lock().
    #[py("($module, /)")]
    fn allocate(cx: &mut Cx) -> Value {
        new_lock(cx)
    }

    /// Return a non-zero integer that uniquely identifies the current thread
    /// amongst other threads that exist simultaneously.
    /// This may be used to identify per-thread resources.
    #[py("($module, /)")]
    fn get_ident(_cx: &mut Cx) -> u64 {
        ident()
    }

    /// Return a non-negative integer identifying the thread as reported
    /// by the OS (kernel). This may be used to uniquely identify a
    /// particular thread within a system.
    #[py("($module, /)")]
    fn get_native_id(_cx: &mut Cx) -> i64 {
        // SAFETY: gettid always succeeds.
        unsafe { libc::syscall(libc::SYS_gettid) }
    }

    /// Internal only. Return a non-zero integer that uniquely identifies the main thread
    /// of the main interpreter.
    #[py("($module, /)")]
    fn _get_main_thread_ident(_cx: &mut Cx) -> u64 {
        ident()
    }

    /// Return True if the current interpreter is the main Python interpreter.
    #[py("($module, /)")]
    fn _is_main_interpreter(_cx: &mut Cx) -> bool {
        true
    }

    /// Return True if daemon threads are allowed in the current interpreter,
    /// and False otherwise.
    #[py("($module, /)")]
    fn daemon_threads_allowed(_cx: &mut Cx) -> bool {
        true
    }

    /// Return the number of currently running Python threads, excluding
    /// the main thread.
    #[py("($module, /)")]
    fn _count(_cx: &mut Cx) -> i64 {
        0
    }

    /// Internal only. Make a thread handle for threads not spawned
    /// by the _thread or threading module.
    #[py("($module, ident, /)")]
    fn _make_thread_handle(cx: &mut Cx, ident: Value) -> PyResult<Value> {
        let number = number::index(cx, ident)?;
        Ok(new_handle(cx, int::as_i64(number).unwrap_or(0) as u64))
    }

    /// Wait for all non-daemon threads (other than the calling thread) to stop.
    #[py("($module, /)")]
    fn _shutdown(_cx: &mut Cx) {}

    /// Handle uncaught Thread.run() exception.
    #[py("($module, args, /)")]
    fn _excepthook(cx: &mut Cx, args: Value) -> PyResult<()> {
        let Some(fields) = args.downcast::<Tuple>().filter(|_| args.is_instance(&EXCEPT_HOOK_ARGS)) else {
            return raise!(cx, TypeError, "_thread._excepthook argument type must be ExceptHookArgs");
        };
        let [class, exception, traceback, thread] = *fields.items() else { return Ok(()) };
        if class == Value::of(&exceptions::SystemExit) {
            return Ok(());
        }
        let key = cx.names().name;
        let name = match taipan_runtime::protocol::attr::get_optional(cx, thread, key)? {
            Some(name) if !thread.is_none() => taipan_runtime::protocol::object::str(cx, name)?.to_string_lossy(),
            _ => ident().to_string(),
        };
        let text = Str::new(cx, &format!("Exception in thread {name}:\n"));
        taipan_runtime::traceback_print::unraisable::write_stderr(cx, &text.to_string_lossy());
        let traceback = Some(traceback).filter(|t| !t.is_none());
        taipan_runtime::traceback_print::unraisable::display(cx, exception, traceback);
        Ok(())
    }

    /// Set the name of the current thread.
    #[py("($module, /, name)")]
    fn set_name(_cx: &mut Cx, name: &'static Str) {
        let text: Vec<u8> = name.to_generalized_utf8().iter().copied().filter(|b| *b != 0).take(15).collect();
        if let Ok(text) = std::ffi::CString::new(text) {
            // SAFETY: a C string of at most 16 bytes.
            unsafe { libc::pthread_setname_np(libc::pthread_self(), text.as_ptr()) };
        }
    }

    /// Get the name of the current thread.
    #[py("($module, /)")]
    fn _get_name(cx: &mut Cx) -> Value {
        let mut buffer = [0u8; 64];
        // SAFETY: the buffer is as long as said.
        unsafe { libc::pthread_getname_np(libc::pthread_self(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let end = buffer.iter().position(|b| *b == 0).unwrap_or(buffer.len());
        crate::sys::decode_surrogateescape(cx, &buffer[..end])
    }

    /// Return the thread stack size used when creating new threads.  The
    /// optional size argument specifies the stack size (in bytes) to be used
    /// for subsequently created threads, and must be 0 (use platform or
    /// configured default) or a positive integer value of at least 32,768 (32k).
    #[py("($module, size=0, /)")]
    fn stack_size(cx: &mut Cx, size: Option<i64>) -> PyResult<i64> {
        const LEAST: i64 = 53248;
        let size = size.unwrap_or(0);
        if size < 0 {
            return raise!(cx, ValueError, "size must be 0 or a positive value");
        }
        if size != 0 && size < LEAST {
            return raise!(cx, ValueError, "size must be at least {LEAST} bytes");
        }
        Ok(STACK_SIZE.swap(size, std::sync::atomic::Ordering::Relaxed))
    }

    /// Start a new thread and return its identifier.
    ///
    /// The thread will call the function with positional arguments from the
    /// tuple args and keyword arguments taken from the optional dictionary
    /// kwargs.  The thread exits when the function returns; the return value
    /// is ignored.
    #[py("($module, function, args, kwargs={}, /)", raw)]
    fn start_new_thread(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_start(cx, args, "start_new_thread")?;
        no_threads(cx)
    }

    /// An obsolete synonym of start_new_thread().
    #[py("($module, function, args, kwargs={}, /)", raw)]
    fn start_new(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_start(cx, args, "start_new_thread")?;
        no_threads(cx)
    }

    /// *For internal use only*: start a new thread.
    #[py("($module, /, function, handle=None, daemon=True)")]
    fn start_joinable_thread(
        cx: &mut Cx,
        function: Value,
        _handle: Option<Value>,
        _daemon: Option<bool>,
    ) -> PyResult<Value> {
        if function.class().slots().call.is_none() {
            return raise!(cx, TypeError, "thread function must be callable");
        }
        no_threads(cx)
    }

    /// This is synonymous to ``raise SystemExit''.  It will cause the current
    /// thread to exit silently unless the exception is caught.
    #[py("($module, /)")]
    fn exit(cx: &mut Cx) -> PyResult<()> {
        Err(cx.raise_args(&exceptions::SystemExit, &[]))
    }

    /// An obsolete synonym of exit().
    #[py("($module, /)")]
    fn exit_thread(cx: &mut Cx) -> PyResult<()> {
        Err(cx.raise_args(&exceptions::SystemExit, &[]))
    }

    /// Simulate the arrival of the given signal in the main thread,
    /// where the corresponding signal handler will be executed.
    /// If *signum* is omitted, SIGINT is assumed.
    #[py("($module, signum=signal.SIGINT, /)")]
    fn interrupt_main(cx: &mut Cx, signum: Option<i32>) -> PyResult<()> {
        let signum = signum.unwrap_or(libc::SIGINT);
        if !(1..65).contains(&signum) {
            return raise!(cx, ValueError, "signal number out of range");
        }
        crate::signal::arrived(signum);
        Ok(())
    }
}
