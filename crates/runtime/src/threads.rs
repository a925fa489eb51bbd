//! Threads: the GIL, the contexts of all threads, and locks that Python objects are made of.
//!
//! Invariants:
//! - THREAD-1: who touches a Python object, the heap or the runtime holds the GIL. A thread gives it up only inside
//!   [`Cx::allow_threads`] or [`Cx::yield_gil`], with its stack parked (GC-R R1).
//! - THREAD-2: [`contexts`] lists the context of every thread that is registered with the heap; it is changed and read
//!   with the GIL held.
//! - THREAD-3: after [`finalize`] only the main thread takes the GIL; the others wait for the end of the process.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use taipan_gc::Heap;

use crate::cx::{Cx, INTERRUPT};
use crate::interpreter::Interpreter;

// ---- the GIL -----------------------------------------------------------------------------------------

struct Holding {
    held: bool,
    /// Threads in [`Gil::take`].
    waiting: usize,
    /// How often the GIL changed hands.
    switches: u64,
}

struct Gil {
    state: Mutex<Holding>,
    /// The GIL was released.
    free: Condvar,
    /// The GIL was taken.
    taken: Condvar,
}

static GIL: Gil = Gil {
    // The main thread starts with it.
    state: Mutex::new(Holding { held: true, waiting: 0, switches: 0 }),
    free: Condvar::new(),
    taken: Condvar::new(),
};

/// A thread has waited for a switch interval and wants the GIL.
static DROP_REQUEST: AtomicBool = AtomicBool::new(false);
/// Threads that run or are about to, the main thread included.
static COUNT: AtomicUsize = AtomicUsize::new(1);
static INTERVAL_NS: AtomicU64 = AtomicU64::new(5_000_000);
static FINALIZING: AtomicBool = AtomicBool::new(false);
/// Threads that the runtime did not start may call in ([`expect_foreign_threads`]).
static FOREIGN: AtomicBool = AtomicBool::new(false);
/// A signal has arrived that the main thread has not looked at.
static SIGNALLED: AtomicBool = AtomicBool::new(false);

impl Gil {
    fn lock(&self) -> MutexGuard<'_, Holding> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the GIL; asks the holder for it after each switch interval.
    fn take(&self, is_main: bool) {
        let mut state = self.lock();
        state.waiting += 1;
        while state.held {
            let seen = state.switches;
            let interval = Duration::from_nanos(INTERVAL_NS.load(Ordering::Relaxed));
            let (back, wait) = self.free.wait_timeout(state, interval).unwrap_or_else(PoisonError::into_inner);
            state = back;
            if wait.timed_out() && state.held && state.switches == seen {
                DROP_REQUEST.store(true, Ordering::SeqCst);
                INTERRUPT.store(true, Ordering::SeqCst);
            }
        }
        state.waiting -= 1;
        if !is_main && FINALIZING.load(Ordering::SeqCst) {
            self.free.notify_one();
            drop(state);
            hang();
        }
        state.held = true;
        state.switches += 1;
        DROP_REQUEST.store(false, Ordering::SeqCst);
        self.taken.notify_all();
        drop(state);
        if is_main && SIGNALLED.load(Ordering::SeqCst) {
            INTERRUPT.store(true, Ordering::SeqCst);
        }
    }

    /// Gives the GIL up; `yielding` waits until another thread that wants it has it.
    fn release(&self, yielding: bool) {
        let mut state = self.lock();
        state.held = false;
        let seen = state.switches;
        self.free.notify_one();
        while yielding && state.waiting > 0 && state.switches == seen {
            state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Waits for the end of the process.
fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// `sys.setswitchinterval`.
pub fn set_switch_interval(interval: Duration) {
    INTERVAL_NS.store((interval.as_nanos() as u64).max(1000), Ordering::Relaxed);
}

/// `sys.getswitchinterval`.
pub fn switch_interval() -> Duration {
    Duration::from_nanos(INTERVAL_NS.load(Ordering::Relaxed))
}

/// From now on only the main thread runs (THREAD-3).
pub fn finalize() {
    FINALIZING.store(true, Ordering::SeqCst);
}

/// True once [`finalize`] was called.
pub fn is_finalizing() -> bool {
    FINALIZING.load(Ordering::Relaxed)
}

/// Notes that a signal has arrived. Safe in native signal handlers.
pub fn signal_arrived() {
    SIGNALLED.store(true, Ordering::SeqCst);
    INTERRUPT.store(true, Ordering::SeqCst);
}

/// What [`signal_arrived`] sets, for processes that write it from outside.
pub fn signal_flags() -> [*const AtomicBool; 2] {
    [&SIGNALLED, &*INTERRUPT]
}

/// Identity of the calling thread.
pub fn ident() -> u64 {
    // SAFETY: pthread_self always succeeds.
    unsafe { libc::pthread_self() as u64 }
}

// ---- contexts ----------------------------------------------------------------------------------------

struct Contexts(UnsafeCell<Vec<*mut Cx>>);
// SAFETY: THREAD-2.
unsafe impl Sync for Contexts {}
static CONTEXTS: Contexts = Contexts(UnsafeCell::new(Vec::new()));

/// The contexts of all threads, for whoever holds the GIL.
pub fn contexts() -> &'static [*mut Cx] {
    // SAFETY: THREAD-2; callers do not keep the slice across a change of threads.
    unsafe { &*CONTEXTS.0.get() }
}

/// Whether any thread is in compiled code or in something called by it. The caller holds the GIL.
pub fn run_compiled() -> bool {
    // SAFETY: THREAD-2.
    contexts().iter().any(|cx| unsafe { (**cx).compiled > 0 })
}

thread_local! {
    /// The calling thread's context, null if it has none.
    static CURRENT: Cell<*mut Cx> = const { Cell::new(std::ptr::null_mut()) };
    /// The thread gave the GIL up and is parked.
    static RELEASED: Cell<bool> = const { Cell::new(false) };
}

/// Adds the context of the calling thread.
pub(crate) fn add_context(cx: &mut Cx) {
    CURRENT.set(cx);
    // SAFETY: THREAD-2: the caller holds the GIL.
    unsafe { (*CONTEXTS.0.get()).push(cx) };
}

/// Something to be sent to a new thread that Rust cannot know to be safe.
struct Sent<T>(T);
// SAFETY: what is sent is only used once the new thread holds the GIL.
unsafe impl<T> Send for Sent<T> {}

impl<T> Sent<T> {
    // A method so that closures capture the whole and not the field.
    fn open(self) -> T {
        self.0
    }
}

/// Removes a thread when its body has returned, also by a panic.
struct Registered(Box<Cx>);

impl Drop for Registered {
    fn drop(&mut self) {
        let cx = &mut *self.0;
        let address: *mut Cx = cx;
        CURRENT.set(std::ptr::null_mut());
        // SAFETY: THREAD-2: this thread holds the GIL until the last line.
        unsafe { (*CONTEXTS.0.get()).retain(|c| *c != address) };
        let id = cx.thread;
        cx.heap().unregister_thread(id);
        cx.stack.free();
        COUNT.fetch_sub(1, Ordering::SeqCst);
        GIL.release(false);
    }
}

/// Starts a thread that runs `body` with the GIL and a context of its own. `body` must own no value except in roots.
/// `stack_bytes` of 0 means the system's default.
pub fn spawn(cx: &mut Cx, stack_bytes: usize, body: impl FnOnce(&mut Cx) + 'static) -> std::io::Result<()> {
    let stack_bytes = match stack_bytes {
        0 => default_stack_bytes(),
        n => n.max(1 << 20) + 2 * crate::heap::STACK_RESERVE,
    };
    let (runtime, heap) = (cx.rt() as *const crate::cx::Runtime, cx.heap);
    let depth = cx.rt().recursion_limit.get();
    let interpreter = cx.interpreter;
    let sent = Sent((runtime, heap, interpreter, body));
    COUNT.fetch_add(1, Ordering::SeqCst);
    let started = std::thread::Builder::new().stack_size(stack_bytes).spawn(move || {
        let (runtime, heap, interpreter, body) = sent.open();
        GIL.take(false);
        // SAFETY: the runtime and the heap are leaked; the GIL is held from here to the drop of `registered`.
        let cx = unsafe { Cx::for_thread(runtime, heap, interpreter, depth) };
        cx.has_gil();
        let mut registered = Registered(cx);
        add_context(&mut registered.0);
        body(&mut registered.0);
    });
    match started {
        // Detached: threads are joined through their handles.
        Ok(_) => Ok(()),
        Err(error) => {
            COUNT.fetch_sub(1, Ordering::SeqCst);
            Err(error)
        }
    }
}

/// Says that from now on threads that the runtime did not start may call [`attach`], so that blocking calls give the GIL
/// up even while there is only one Python thread.
pub fn expect_foreign_threads() {
    FOREIGN.store(true, Ordering::SeqCst);
}

/// Runs `f` with the calling thread's context and the GIL: for callbacks from native code, which may be called inside
/// [`Cx::allow_threads`] or on a thread that Python does not know.
pub fn attach<T>(f: impl FnOnce(&mut Cx) -> T) -> T {
    let current = CURRENT.get();
    if current.is_null() {
        return attach_foreign(f);
    }
    // SAFETY: the context lives as long as its thread runs Python code; whoever borrowed it waits for this call.
    let cx = unsafe { &mut *current };
    if !RELEASED.get() {
        return f(cx);
    }
    GIL.take(cx.is_main);
    cx.has_gil();
    RELEASED.set(false);
    let guard = AbortOnPanic;
    let (heap, thread) = (cx.heap, cx.thread);
    // SAFETY: the GIL is held; frames from the parking call outwards do not change until it returns.
    let sp = unsafe { (*heap).resume(thread) };
    let result = f(cx);
    // SAFETY: as above.
    unsafe { (*heap).suspend(thread, sp) };
    std::mem::forget(guard);
    RELEASED.set(true);
    GIL.release(false);
    result
}

/// As [`attach`], on a thread without a context: it gets one for the time of the call.
fn attach_foreign<T>(f: impl FnOnce(&mut Cx) -> T) -> T {
    GIL.take(false);
    COUNT.fetch_add(1, Ordering::SeqCst);
    // SAFETY: THREAD-2: the GIL is held, and a thread that has a context is still there to have started this one.
    let first = unsafe { &*contexts()[0] };
    let (runtime, heap, interpreter) = (first.rt(), first.heap, first.interpreter);
    let depth = runtime.recursion_limit.get();
    // SAFETY: the runtime and the heap are leaked; the GIL is held until the drop of `registered`.
    let mut registered = Registered(unsafe { Cx::for_thread(runtime, heap, interpreter, depth) });
    registered.0.has_gil();
    add_context(&mut registered.0);
    f(&mut registered.0)
}

/// Runs `body` with a second context of the calling thread, for another interpreter.
pub(crate) fn with_inner_context<T>(
    outer: &mut Cx,
    interpreter: &'static Interpreter,
    body: impl FnOnce(&mut Cx) -> T,
) -> T {
    let mut inner = Cx::inner(outer, interpreter);
    let address: *mut Cx = &mut *inner;
    add_context(&mut inner);
    let guard = AbortOnPanic;
    let result = body(&mut inner);
    std::mem::forget(guard);
    // SAFETY: THREAD-2.
    unsafe { (*CONTEXTS.0.get()).retain(|c| *c != address) };
    CURRENT.set(outer);
    inner.stack.free();
    outer.has_gil();
    outer.rt().settle_interpreter(interpreter);
    if SIGNALLED.load(Ordering::SeqCst) {
        INTERRUPT.store(true, Ordering::SeqCst);
    }
    result
}

/// The stack size of threads as pthreads have it: RLIMIT_STACK, 8 MiB if that is unlimited.
fn default_stack_bytes() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills the structure.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) } != 0;
    match limit.rlim_cur {
        libc::RLIM_INFINITY => 8 << 20,
        _ if failed => 8 << 20,
        n => (n as usize).clamp(2 << 20, 64 << 20),
    }
}

impl Cx {
    /// Runs `f`, which may block, without the GIL; `f` must not touch Python objects other than memory it was lent.
    #[inline]
    pub fn allow_threads<T>(&mut self, f: impl FnOnce() -> T) -> T {
        // Only the holder of the GIL makes threads, so there will be no second one while `f` runs.
        if COUNT.load(Ordering::Relaxed) == 1 && !FOREIGN.load(Ordering::Relaxed) {
            return f();
        }
        self.without_gil(f)
    }

    #[inline(never)]
    fn without_gil<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let is_main = self.is_main;
        let (rt, interpreter) = (self.rt(), self.interpreter);
        // SAFETY: THREAD-1; a panic must not leave the thread without the GIL, so it ends the process.
        unsafe {
            Heap::park_while(self.heap, self.thread, || {
                let guard = AbortOnPanic;
                RELEASED.set(true);
                GIL.release(false);
                let result = f();
                let code = *libc::__errno_location();
                GIL.take(is_main);
                rt.switch_to(interpreter);
                RELEASED.set(false);
                *libc::__errno_location() = code;
                std::mem::forget(guard);
                result
            })
        }
    }

    /// Lets another thread run if one waits for the GIL.
    pub fn yield_gil(&mut self) {
        let is_main = self.is_main;
        // SAFETY: THREAD-1.
        unsafe {
            Heap::park_while(self.heap, self.thread, || {
                GIL.release(true);
                GIL.take(is_main);
            });
        }
        self.has_gil();
    }

    /// Makes the thread's interpreter the current one (INTERP-1), after it has taken the GIL.
    #[inline]
    fn has_gil(&self) {
        self.rt().switch_to(self.interpreter);
    }

    /// The part of `handle_interrupt` that is about threads: gives the GIL up if asked to. True if this thread should
    /// look after signals.
    pub(crate) fn interrupted(&mut self) -> bool {
        if DROP_REQUEST.load(Ordering::SeqCst) {
            self.yield_gil();
        }
        self.is_main && SIGNALLED.swap(false, Ordering::SeqCst)
    }
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Number of Python threads, the main one included.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Forks with `fork`, so that the child has a consistent GIL and only the calling thread. Its context is the main one
/// in the child. `gone` is called there with the contexts of the threads that do not exist any more.
pub fn fork(cx: &mut Cx, fork: impl FnOnce() -> i32, gone: impl FnOnce(&mut Cx, &[*mut Cx])) -> i32 {
    let mut state = GIL.lock();
    let pid = fork();
    if pid != 0 {
        return pid;
    }
    state.waiting = 0;
    drop(state);
    DROP_REQUEST.store(false, Ordering::SeqCst);
    COUNT.store(1, Ordering::SeqCst);
    let id = cx.thread;
    // A thread that is in another interpreter has several contexts.
    // SAFETY: THREAD-2.
    let (own, others): (Vec<*mut Cx>, Vec<*mut Cx>) = contexts().iter().partition(|c| unsafe { (***c).thread == id });
    gone(cx, &others);
    // SAFETY: THREAD-2. The other contexts stay allocated: their threads' stacks may refer to them.
    unsafe { *CONTEXTS.0.get() = own };
    cx.heap().keep_only_thread(id);
    cx.is_main = true;
    pid
}

// ---- locks -------------------------------------------------------------------------------------------

/// A lock that is waited for without the GIL: 0 free, 1 taken, 2 taken with waiters.
#[derive(Default)]
#[repr(transparent)]
pub struct RawLock(AtomicU32);

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Woken {
    /// The lock was taken.
    Taken,
    TimedOut,
    /// By a signal.
    Interrupted,
}

impl RawLock {
    /// A free lock.
    pub const fn new() -> RawLock {
        RawLock(AtomicU32::new(0))
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_take(&self) -> bool {
        self.0.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Whether somebody holds it.
    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Gives it back; false if it was free.
    #[inline]
    pub fn release(&self) -> bool {
        match self.0.swap(0, Ordering::Release) {
            0 => false,
            1 => true,
            _ => {
                futex_wake(&self.0, 1);
                true
            }
        }
    }

    /// Makes it free, in the child of a fork.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Takes the lock; false if it is not free before `limit`. Signal handlers run meanwhile and may raise.
    pub fn take(&self, cx: &mut Cx, limit: Option<Instant>) -> crate::PyResult<bool> {
        if self.try_take() {
            return Ok(true);
        }
        let mut idle = Idle::new(limit);
        loop {
            if self.try_take() {
                return Ok(true);
            }
            match cx.allow_threads(|| self.wait(idle.limit())) {
                Woken::Taken => return Ok(true),
                Woken::TimedOut if idle.used(cx) => {}
                Woken::TimedOut => return Ok(false),
                Woken::Interrupted if cx.interrupt.load(Ordering::Relaxed) => cx.handle_interrupt()?,
                Woken::Interrupted => {}
            }
        }
    }

    fn wait(&self, limit: Option<Instant>) -> Woken {
        while self.0.swap(2, Ordering::Acquire) != 0 {
            match futex_wait(&self.0, 2, limit) {
                libc::ETIMEDOUT => return Woken::TimedOut,
                libc::EINTR => return Woken::Interrupted,
                _ => {}
            }
        }
        Woken::Taken
    }
}

/// Something that happens once and is waited for without the GIL.
#[derive(Default)]
#[repr(transparent)]
pub struct RawEvent(AtomicU32);

impl RawEvent {
    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    /// Lets it happen.
    pub fn set(&self) {
        self.0.store(1, Ordering::Release);
        futex_wake(&self.0, i32::MAX);
    }

    /// Waits for it; false if `limit` passes. Signal handlers run meanwhile and may raise.
    pub fn wait(&self, cx: &mut Cx, limit: Option<Instant>) -> crate::PyResult<bool> {
        let mut idle = Idle::new(limit);
        while !self.is_set() {
            match cx.allow_threads(|| futex_wait(&self.0, 0, idle.limit())) {
                libc::ETIMEDOUT if idle.used(cx) => {}
                libc::ETIMEDOUT => return Ok(self.is_set()),
                libc::EINTR if cx.interrupt.load(Ordering::Relaxed) => cx.handle_interrupt()?,
                _ => {}
            }
        }
        Ok(true)
    }
}

/// A wait without the GIL that lasts long is used to look for dead objects: whoever is waited for may wait for the end of one,
/// such as a connection that nobody refers to any more.
struct Idle {
    limit: Option<Instant>,
    /// When to look next.
    look: Option<Instant>,
    /// How often it has been done.
    looks: u32,
}

/// How long a wait lasts before dead objects are looked for.
const IDLE: Duration = Duration::from_millis(200);
/// How seldom that is done by all threads together. The time doubles from look to look of one wait.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Looks during one wait. What one misses another may find: what a finaliser has let go of, or an object whose address stood
/// in a word of a stack that has been written since.
const LOOKS: u32 = 4;

impl Idle {
    fn new(limit: Option<Instant>) -> Idle {
        let mut idle = Idle { limit, look: None, looks: 0 };
        idle.look_at(Instant::now() + IDLE);
        idle
    }

    /// Plans a look, unless the wait ends before.
    fn look_at(&mut self, time: Instant) {
        self.look = Some(time).filter(|look| self.limit.is_none_or(|limit| *look < limit));
    }

    fn limit(&self) -> Option<Instant> {
        self.look.or(self.limit)
    }

    /// After the limit has passed: true if that was the one to look at.
    fn used(&mut self, cx: &mut Cx) -> bool {
        static LAST: Mutex<Option<Instant>> = Mutex::new(None);
        if self.look.take().is_none() {
            return false;
        }
        let now = Instant::now();
        let mut last = LAST.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(soon) = last.map(|last| last + BETWEEN_LOOKS).filter(|soon| now < *soon) {
            self.look_at(soon);
            return true;
        }
        *last = Some(now);
        drop(last);
        self.looks += 1;
        if self.looks < LOOKS {
            self.look_at(now + BETWEEN_LOOKS * (1 << self.looks));
        }
        crate::liveness::forget_dead_temporaries(cx);
        cx.heap().collect(taipan_gc::Kind::Major);
        crate::heap::run_pending(cx);
        true
    }
}

/// Sleeps while `word` is `value`; gives an error number or 0.
fn futex_wait(word: &AtomicU32, value: u32, limit: Option<Instant>) -> i32 {
    let time;
    let timeout = match limit {
        None => std::ptr::null(),
        Some(limit) => {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return libc::ETIMEDOUT;
            }
            let seconds = left.as_secs().min(i64::MAX as u64) as libc::time_t;
            time = libc::timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos() as _ };
            &raw const time
        }
    };
    // SAFETY: the word is alive during the call; the timeout is null or a valid time.
    unsafe {
        let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        match libc::syscall(libc::SYS_futex, word.as_ptr(), op, value, timeout) {
            -1 => *libc::__errno_location(),
            _ => 0,
        }
    }
}

fn futex_wake(word: &AtomicU32, n: i32) {
    // SAFETY: only the address is used.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, n) };
}
