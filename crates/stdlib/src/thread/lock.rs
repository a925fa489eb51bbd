//! `_thread.lock` and `_thread.RLock`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::threads::RawLock;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise};

use super::TIMEOUT_MAX;

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

/// Takes a lock; false if the time is over. Signal handlers run meanwhile.
fn acquire(cx: &mut Cx, wait: Wait, lock: &RawLock) -> PyResult<bool> {
    if lock.try_take() {
        return Ok(true);
    }
    match wait {
        Wait::No => Ok(false),
        Wait::Forever => lock.take(cx, None),
        Wait::For(time) => lock.take(cx, Some(Instant::now() + time)),
    }
}

// ---- lock ------------------------------------------------------------------------------------------

/// A lock.
#[repr(C)]
pub struct Lock {
    header: Header,
    lock: RawLock,
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
            let state = if unsafe { v.cast::<Lock>() }.lock.is_taken() { "locked" } else { "unlocked" };
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
    Value::of(cx.alloc(Lock { header: Header::fresh(&LOCK), lock: RawLock::new() }))
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
        acquire(cx, wait, &this.lock)
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
        if !this.lock.release() {
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
        this.lock.is_taken()
    }

    /// An obsolete synonym of locked().
    #[py("($self, /)")]
    fn locked_lock(_cx: &mut Cx, this: &'static Lock) -> bool {
        this.lock.is_taken()
    }

    /// Lock the lock.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Lock) -> PyResult<bool> {
        acquire(cx, Wait::Forever, &this.lock)
    }

    /// Release the lock.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static Lock, _exc_info: &'static Tuple) -> PyResult<()> {
        Lock::release(cx, this)
    }

    #[py("($self, /)")]
    fn _at_fork_reinit(_cx: &mut Cx, this: &'static Lock) {
        this.lock.reset();
    }
}

// ---- RLock -----------------------------------------------------------------------------------------

/// A lock that its owner can take again.
#[repr(C)]
pub struct RLock {
    header: Header,
    lock: RawLock,
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
            let (lock, owner, count) = (RawLock::new(), Cell::new(0), Cell::new(0));
            Ok(Value::of(cx.alloc_of(class, RLock { header: Header::fresh(class), lock, owner, count })))
        }),
        ..Slots::NONE
    },
    methods: &[RLock::METHODS],
    ..TypeSpec::DEFAULT
};

impl RLock {
    fn is_mine(&self, cx: &Cx) -> bool {
        self.count.get() > 0 && self.owner.get() == cx.ident
    }

    fn take(&self, cx: &mut Cx, wait: Wait) -> PyResult<bool> {
        if self.is_mine(cx) {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let taken = acquire(cx, wait, &self.lock)?;
        if taken {
            self.owner.set(cx.ident);
            self.count.set(1);
        }
        Ok(taken)
    }

    fn give_back(&self) {
        self.owner.set(0);
        self.count.set(0);
        self.lock.release();
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
        this.take(cx, wait)
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
        if !this.is_mine(cx) {
            return raise!(cx, RuntimeError, "cannot release un-acquired lock");
        }
        match this.count.get() {
            1 => this.give_back(),
            n => this.count.set(n - 1),
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
        this.take(cx, Wait::Forever)
    }

    /// Release the lock.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static RLock, _exc_info: &'static Tuple) -> PyResult<()> {
        RLock::release(cx, this)
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, /)")]
    fn _is_owned(cx: &mut Cx, this: &'static RLock) -> bool {
        this.is_mine(cx)
    }

    /// For internal use by reentrancy checks.
    #[py("($self, /)")]
    fn _recursion_count(cx: &mut Cx, this: &'static RLock) -> u64 {
        if this.is_mine(cx) { this.count.get() } else { 0 }
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, /)")]
    fn _release_save(cx: &mut Cx, this: &'static RLock) -> PyResult<Value> {
        if this.count.get() == 0 {
            return raise!(cx, RuntimeError, "cannot release un-acquired lock");
        }
        let (count, owner) = (cx.int_u64(this.count.get()), cx.int_u64(this.owner.get()));
        this.give_back();
        Ok(Value::of(Tuple::new(cx, &[count, owner])))
    }

    /// For internal use by `threading.Condition`.
    #[py("($self, state, /)")]
    fn _acquire_restore(cx: &mut Cx, this: &'static RLock, state: &'static Tuple) -> PyResult<()> {
        let [count, owner] = *state.items() else {
            return raise!(cx, TypeError, "_acquire_restore() expects a pair");
        };
        acquire(cx, Wait::Forever, &this.lock)?;
        this.count.set(int::as_i64(count).unwrap_or(1) as u64);
        this.owner.set(int::as_i64(owner).map_or(cx.ident, |o| o as u64));
        Ok(())
    }

    #[py("($self, /)")]
    fn _at_fork_reinit(_cx: &mut Cx, this: &'static RLock) {
        this.count.set(0);
        this.owner.set(0);
        this.lock.reset();
    }
}
