//! The module `_thread`: threads, locks and identities.

mod handle;
mod local;
mod lock;

use std::sync::atomic::{AtomicI64, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::number;
use taipan_runtime::threads;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};

pub use handle::{THREAD_HANDLE, after_fork};
pub use local::{LOCAL, leave};
pub use lock::{LOCK, RLOCK, new_lock};
pub use taipan_runtime::threads::ident;

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

static STACK_SIZE: AtomicI64 = AtomicI64::new(0);

/// The stack size of new threads in bytes, 0 for the default.
fn stack_bytes() -> usize {
    STACK_SIZE.load(Ordering::Relaxed) as usize
}

/// The identity of the main thread, once a fork made another thread that.
fn main_ident() -> u64 {
    // SAFETY: the GIL is held, and contexts are listed as long as they exist.
    let main = threads::contexts().iter().find(|c| unsafe { (***c).is_main });
    // SAFETY: as above.
    main.map_or_else(threads::ident, |c| unsafe { (**c).ident })
}

fn start_new(cx: &mut Cx, args: Args) -> PyResult<Value> {
    check_start(cx, args, "start_new_thread")?;
    let [function, rest @ ..] = args.pos() else { return Ok(Value::none()) };
    let mut values = RootVec::new();
    let mut names = RootVec::new();
    if let Some(tuple) = rest.first().and_then(|t| t.downcast::<Tuple>()) {
        values.extend_from_slice(tuple.items());
    }
    if let Some(dict) = rest.get(1).and_then(|k| k.downcast::<taipan_runtime::dict::Dict>()) {
        for (name, value) in dict.iter() {
            names.push(name);
            values.push(value);
        }
    }
    let kwnames = match names.is_empty() {
        true => None,
        false => Some(Tuple::new(cx, &names)),
    };
    let handle = handle::start(cx, *function, Args::new(&values, kwnames), None, true)?;
    handle.wait_for_start(cx)
}

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
    fn get_ident(cx: &mut Cx) -> u64 {
        cx.ident
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
        main_ident()
    }

    /// Return True if the current interpreter is the main Python interpreter.
    #[py("($module, /)")]
    fn _is_main_interpreter(cx: &mut Cx) -> bool {
        cx.interpreter.is_main()
    }

    /// Return True if daemon threads are allowed in the current interpreter,
    /// and False otherwise.
    #[py("($module, /)")]
    fn daemon_threads_allowed(cx: &mut Cx) -> bool {
        cx.interpreter.permissions.get().daemon_threads
    }

    /// Return the number of currently running Python threads, excluding
    /// the main thread.
    #[py("($module, /)")]
    fn _count(_cx: &mut Cx) -> i64 {
        threads::count() as i64 - 1
    }

    /// Internal only. Make a thread handle for threads not spawned
    /// by the _thread or threading module.
    #[py("($module, ident, /)")]
    fn _make_thread_handle(cx: &mut Cx, ident: Value) -> PyResult<Value> {
        let number = number::index(cx, ident)?;
        Ok(handle::of_ident(cx, int::as_i64(number).unwrap_or(0) as u64))
    }

    /// Wait for all non-daemon threads (other than the calling thread) to stop.
    #[py("($module, /)")]
    fn _shutdown(cx: &mut Cx) -> PyResult<()> {
        handle::join_all(cx)
    }

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
            _ => threads::ident().to_string(),
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
        Ok(STACK_SIZE.swap(size, Ordering::Relaxed))
    }

    /// Start a new thread and return its identifier.
    ///
    /// The thread will call the function with positional arguments from the
    /// tuple args and keyword arguments taken from the optional dictionary
    /// kwargs.  The thread exits when the function returns; the return value
    /// is ignored.
    #[py("($module, function, args, kwargs={}, /)", raw)]
    fn start_new_thread(cx: &mut Cx, args: Args) -> PyResult<Value> {
        start_new(cx, args)
    }

    /// An obsolete synonym of start_new_thread().
    #[py("($module, function, args, kwargs={}, /)", raw)]
    fn start_new(cx: &mut Cx, args: Args) -> PyResult<Value> {
        start_new(cx, args)
    }

    /// *For internal use only*: start a new thread.
    #[py("($module, /, function, handle=None, daemon=True)")]
    fn start_joinable_thread(
        cx: &mut Cx,
        function: Value,
        handle: Option<Value>,
        daemon: Option<bool>,
    ) -> PyResult<Value> {
        if function.class().slots().call.is_none() {
            return raise!(cx, TypeError, "thread function must be callable");
        }
        let handle = match handle.filter(|h| !h.is_none()) {
            None => None,
            Some(h) => match h.exact::<handle::ThreadHandle>() {
                Some(handle) => Some(handle),
                None => return raise!(cx, TypeError, "'handle' must be a _ThreadHandle"),
            },
        };
        let daemon = daemon.unwrap_or(true);
        let shown = handle.map_or(Value::none(), Value::of);
        crate::sys::audit(cx, "_thread.start_joinable_thread", &[function, Value::small(daemon as i64), shown])?;
        let handle = handle::start(cx, function, Args::positional(&[]), handle, daemon)?;
        handle.wait_for_start(cx)?;
        Ok(Value::of(handle))
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
