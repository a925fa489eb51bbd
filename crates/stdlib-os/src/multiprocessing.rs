//! `_multiprocessing`: locks and semaphores that processes share.

use std::cell::Cell;
use std::ffi::CString;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{number, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::module::Module;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use taipan_stdlib::host;

const RECURSIVE_MUTEX: i32 = 0;

/// A named POSIX semaphore, counted as a recursive mutex or as a semaphore.
#[repr(C)]
pub struct SemLock {
    header: Header,
    handle: Cell<*mut libc::sem_t>,
    /// Thread that holds it.
    owner: Cell<u64>,
    count: Cell<i64>,
    max: i32,
    kind: i32,
    name: Cell<Option<Value>>,
}
object!(SemLock, SEM_LOCK);
trace_values!(trace_lock, SemLock, |t| [t.name.get()]);

static SEM_LOCK: Type = Type::new(&SEM_LOCK_SPEC);
static SEM_LOCK_SPEC: TypeSpec = TypeSpec {
    name: "_multiprocessing.SemLock",
    basicsize: std::mem::size_of::<SemLock>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_lock),
    drop: Some(close),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[SemLock::METHODS],
    getsets: &[SemLock::GETSETS],
    doc: "Semaphore/Mutex type",
    signature: "(kind, value, maxvalue, name, unlink)",
    ..TypeSpec::DEFAULT
};

unsafe fn close(object: *mut Header) {
    // SAFETY: a dead SemLock; its semaphore is closed once.
    unsafe {
        let handle = (*object.cast::<SemLock>()).handle.replace(std::ptr::null_mut());
        if !handle.is_null() {
            libc::sem_close(handle);
        }
    }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "SemLock",
    names: &["kind", "value", "maxvalue", "name", "unlink"],
    positional_only: 0,
    positional: 5,
    required: 5,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 5];
    bind(cx, &PARAMS, args, &mut bound)?;
    let [kind, value, max, name, unlink] = bound.map(|v| v.expect("required"));
    let (kind, value, max) = (number::to_i32(cx, kind)?, number::to_i32(cx, value)?, number::to_i32(cx, max)?);
    let unlink = protocol::truth(cx, unlink)?;
    if !(0..=1).contains(&kind) {
        return raise!(cx, ValueError, "unrecognized kind");
    }
    let path = host::fs_bytes(cx, name)?;
    let flags = libc::O_CREAT | libc::O_EXCL;
    // SAFETY: the name is a C string; mode and value belong to O_CREAT.
    let handle = unsafe { libc::sem_open(path.as_ptr(), flags, 0o600 as libc::c_uint, value as libc::c_uint) };
    if handle == libc::SEM_FAILED {
        return Err(host::last_error(cx));
    }
    // SAFETY: the name is a C string.
    if unlink && unsafe { libc::sem_unlink(path.as_ptr()) } < 0 {
        let raised = host::last_error(cx);
        // SAFETY: the semaphore was opened above.
        unsafe { libc::sem_close(handle) };
        return Err(raised);
    }
    let name = if unlink { None } else { Some(name) };
    Ok(make(cx, class, handle, kind, max, name))
}

fn make(
    cx: &mut Cx,
    class: &'static Type,
    handle: *mut libc::sem_t,
    kind: i32,
    max: i32,
    name: Option<Value>,
) -> Value {
    let lock = SemLock {
        header: Header::fresh(class),
        handle: Cell::new(handle),
        owner: Cell::new(0),
        count: Cell::new(0),
        max,
        kind,
        name: Cell::new(name),
    };
    Value::of(cx.alloc_of(class, lock))
}

impl SemLock {
    fn is_mine(&self, cx: &Cx) -> bool {
        self.count.get() > 0 && self.owner.get() == cx.ident
    }

    /// The semaphore's value.
    fn value(&self, cx: &mut Cx) -> PyResult<i32> {
        let mut value = 0;
        // SAFETY: the semaphore is open as long as the object lives.
        if unsafe { libc::sem_getvalue(self.handle.get(), &raw mut value) } < 0 {
            return Err(host::last_error(cx));
        }
        Ok(value)
    }

    /// Waits until `deadline` (for ever without one); false if it passes.
    fn wait(&'static self, cx: &mut Cx, deadline: Option<libc::timespec>) -> PyResult<bool> {
        let handle = self.handle.get() as usize;
        loop {
            let code = host::blocking(cx, || {
                // SAFETY: the semaphore is open; the object is held by the caller.
                let result = unsafe {
                    match &deadline {
                        None => libc::sem_wait(handle as *mut libc::sem_t),
                        Some(deadline) => libc::sem_timedwait(handle as *mut libc::sem_t, deadline),
                    }
                };
                if result == 0 { 0 } else { host::errno() }
            });
            match code {
                0 => return Ok(true),
                libc::ETIMEDOUT | libc::EAGAIN => return Ok(false),
                libc::EINTR => host::check_signals(cx)?,
                code => return Err(host::os_error(cx, code)),
            }
        }
    }

    fn take(&'static self, cx: &mut Cx, block: bool, timeout: Option<Value>) -> PyResult<bool> {
        if self.kind == RECURSIVE_MUTEX && self.is_mine(cx) {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let mut deadline = None;
        if let Some(timeout) = timeout.filter(|t| !t.is_none()) {
            let seconds = number::to_f64(cx, timeout)?.max(0.0);
            let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: writes into the local variable.
            if unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) } < 0 {
                return Err(host::last_error(cx));
            }
            let seconds = seconds.min(1e9);
            let nanos = now.tv_nsec + ((seconds - seconds.trunc()) * 1e9) as i64;
            now.tv_sec += seconds.trunc() as i64 + nanos / 1_000_000_000;
            now.tv_nsec = nanos % 1_000_000_000;
            deadline = Some(now);
        }
        // SAFETY: the semaphore is open.
        let taken = match unsafe { libc::sem_trywait(self.handle.get()) } {
            0 => true,
            _ if host::errno() != libc::EAGAIN && host::errno() != libc::EINTR => return Err(host::last_error(cx)),
            _ => block && self.wait(cx, deadline)?,
        };
        if taken {
            self.count.set(self.count.get() + 1);
            self.owner.set(cx.ident);
        }
        Ok(taken)
    }
}

#[pymethods]
impl SemLock {
    /// Acquire the semaphore/lock.
    #[py("($self, /, block=True, timeout=None)")]
    fn acquire(cx: &mut Cx, this: &'static SemLock, block: Option<bool>, timeout: Option<Value>) -> PyResult<bool> {
        this.take(cx, block.unwrap_or(true), timeout)
    }

    /// Release the semaphore/lock.
    #[py("($self, /)")]
    fn release(cx: &mut Cx, this: &'static SemLock) -> PyResult<()> {
        if this.kind == RECURSIVE_MUTEX {
            if !this.is_mine(cx) {
                return raise!(cx, AssertionError, "attempt to release recursive lock not owned by thread");
            }
            if this.count.get() > 1 {
                this.count.set(this.count.get() - 1);
                return Ok(());
            }
        } else if this.value(cx)? >= this.max {
            return raise!(cx, ValueError, "semaphore or lock released too many times");
        }
        // SAFETY: the semaphore is open.
        if unsafe { libc::sem_post(this.handle.get()) } < 0 {
            return Err(host::last_error(cx));
        }
        this.count.set(this.count.get() - 1);
        Ok(())
    }

    /// Enter the semaphore/lock.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static SemLock) -> PyResult<bool> {
        this.take(cx, true, None)
    }

    /// Exit the semaphore/lock.
    #[py("($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn __exit__(
        cx: &mut Cx,
        this: &'static SemLock,
        _kind: Option<Value>,
        _value: Option<Value>,
        _traceback: Option<Value>,
    ) -> PyResult<()> {
        SemLock::release(cx, this)
    }

    /// Num of `acquire()`s minus num of `release()`s for this process.
    #[py("($self, /)")]
    fn _count(_cx: &mut Cx, this: &'static SemLock) -> i64 {
        this.count.get()
    }

    /// Whether the lock is owned by this thread.
    #[py("($self, /)")]
    fn _is_mine(cx: &mut Cx, this: &'static SemLock) -> bool {
        this.is_mine(cx)
    }

    /// Get the value of the semaphore.
    #[py("($self, /)")]
    fn _get_value(cx: &mut Cx, this: &'static SemLock) -> PyResult<i64> {
        // Some systems count waiting threads as a negative value.
        Ok(i64::from(this.value(cx)?.max(0)))
    }

    /// Return whether semaphore has value zero.
    #[py("($self, /)")]
    fn _is_zero(cx: &mut Cx, this: &'static SemLock) -> PyResult<bool> {
        Ok(this.value(cx)? == 0)
    }

    /// Rezero the net acquisition count after fork().
    #[py("($self, /)")]
    fn _after_fork(_cx: &mut Cx, this: &'static SemLock) {
        this.count.set(0);
    }

    #[classmethod]
    #[py("($type, handle, kind, maxvalue, name, /)")]
    fn _rebuild(cx: &mut Cx, class: Value, handle: i64, kind: i32, maxvalue: i32, name: Value) -> PyResult<Value> {
        let mut handle = handle as *mut libc::sem_t;
        let named = !name.is_none();
        if named {
            let path = host::fs_bytes(cx, name)?;
            // SAFETY: the name is a C string.
            handle = unsafe { libc::sem_open(path.as_ptr(), 0) };
            if handle == libc::SEM_FAILED {
                return Err(host::last_error(cx));
            }
        }
        let Some(class) = class.downcast::<Type>() else { return raise!(cx, TypeError, "a class is needed") };
        Ok(make(cx, class, handle, kind, maxvalue, Some(name).filter(|_| named)))
    }

    #[getter]
    fn handle(cx: &mut Cx, this: &'static SemLock) -> Value {
        cx.int_u64(this.handle.get() as u64)
    }
    #[getter]
    fn kind(_cx: &mut Cx, this: &'static SemLock) -> i64 {
        i64::from(this.kind)
    }
    #[getter]
    fn maxvalue(_cx: &mut Cx, this: &'static SemLock) -> i64 {
        i64::from(this.max)
    }
    #[getter("name")]
    fn name_(_cx: &mut Cx, this: &'static SemLock) -> Option<Value> {
        this.name.get()
    }
}

struct Functions;

#[pymethods]
impl Functions {
    #[py("($module, name, /)")]
    fn sem_unlink(cx: &mut Cx, name: Value) -> PyResult<()> {
        let path: CString = host::fs_bytes(cx, name)?;
        // SAFETY: the name is a C string.
        if unsafe { libc::sem_unlink(path.as_ptr()) } < 0 {
            return Err(host::last_error(cx));
        }
        Ok(())
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_multiprocessing", "", Functions::METHODS);
    module.set(cx, "__doc__", Value::none());
    module.add_type(cx, &SEM_LOCK);
    let key = cx.intern("SEM_VALUE_MAX");
    SEM_LOCK.dict().set_str(cx, key, Value::small(i64::from(i32::MAX)));
    cx.type_modified(&SEM_LOCK);
    let table = Dict::new(cx);
    for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
        let key = cx.intern(name);
        table.set_str(cx, key, Value::small(1));
    }
    module.set(cx, "flags", Value::of(table));
    Ok(module)
}
