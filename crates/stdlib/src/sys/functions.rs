//! Functions of `sys` that ask and do small things.

use taipan_macros::pymethods;
use taipan_runtime::protocol::call;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};

/// The functions.
pub struct Functions;

#[pymethods]
impl Functions {
    /// Private function for getting the base REPL
    #[py("($module, /)")]
    fn _baserepl(cx: &mut Cx) -> PyResult<()> {
        super::hooks::base_repl(cx)
    }

    /// Clear all internal performance-related caches.
    #[py("($module, /)")]
    fn _clear_internal_caches(_cx: &mut Cx) {}

    /// Clear the internal type lookup cache.
    #[py("($module, /)")]
    fn _clear_type_cache(cx: &mut Cx) -> PyResult<()> {
        let text = "sys._clear_type_cache() is deprecated and scheduled for removal in a future version. \
                    Use sys._clear_internal_caches() instead.";
        taipan_runtime::protocol::warn::warn(cx, &exceptions::DeprecationWarning, text, 1)?;
        let object = &taipan_runtime::types::object::OBJECT;
        cx.type_modified(object);
        Ok(())
    }

    /// Private function for clearing certain descriptors from a type's dictionary.
    ///
    /// See gh-135228 for context.
    #[py("($module, type, /)")]
    fn _clear_type_descriptors(cx: &mut Cx, class: &'static Type) -> PyResult<()> {
        if !class.is_heap_type() {
            return raise!(cx, TypeError, "argument is immutable");
        }
        let names = cx.names();
        for name in [names.__dict__, names.__weakref__] {
            class.dict().remove_str(cx, name);
        }
        cx.type_modified(class);
        Ok(())
    }

    /// Print summary info to stderr about the state of memory allocation.
    #[py("($module, /)")]
    fn _debugmallocstats(cx: &mut Cx) {
        eprintln!("{:?}", cx.heap().stats());
    }

    /// Private function for getting PyConfig.cpu_count
    #[py("($module, /)")]
    fn _get_cpu_count_config(_cx: &mut Cx) -> i64 {
        super::cpu_count().unwrap_or(-1)
    }

    /// Return True if the GIL is currently enabled and False otherwise.
    #[py("($module, /)")]
    fn _is_gil_enabled(_cx: &mut Cx) -> bool {
        true
    }

    /// Return True if the given object is "immortal" per PEP 683.
    ///
    /// This function should be used for specialized purposes only.
    #[py("($module, op, /)")]
    fn _is_immortal(cx: &mut Cx, op: Value) -> bool {
        // The empty ones and those of one byte exist once.
        let is_small = |v: Value| {
            v.exact::<Tuple>().is_some_and(|t| t.is_empty())
                || v.exact::<Bytes>().is_some_and(|b| b.data().len() <= 1)
                || v.exact::<Str>().is_some_and(|s| s.is_interned() || s.is_empty())
        };
        Functions::is_static(cx, op) || is_small(op)
    }

    /// Return True if the given string is "interned".
    #[py("($module, string, /)")]
    fn _is_interned(_cx: &mut Cx, string: &'static Str) -> bool {
        string.is_interned()
    }

    /// Exit the interpreter by raising SystemExit(status).
    ///
    /// If the status is omitted or None, it defaults to zero (i.e., success).
    /// If the status is an integer, it will be used as the system exit status.
    /// If it is another kind of object, it will be printed and the system
    /// exit status will be one (i.e., failure).
    #[py("($module, status=None, /)")]
    fn exit(cx: &mut Cx, status: Option<Value>) -> PyResult<()> {
        let status = status.unwrap_or(Value::none());
        // A tuple gives the arguments of the exception.
        Err(match status.exact::<Tuple>() {
            Some(tuple) => cx.raise_args(&exceptions::SystemExit, tuple.items()),
            None if status.is_none() => cx.raise_args(&exceptions::SystemExit, &[]),
            None => cx.raise_args(&exceptions::SystemExit, &[status]),
        })
    }

    /// Return the number of memory blocks currently allocated.
    #[py("($module, /)")]
    fn getallocatedblocks(cx: &mut Cx) -> usize {
        cx.heap().live_bytes() / 64
    }

    /// Return the current default encoding used by the Unicode implementation.
    #[py("($module, /)")]
    fn getdefaultencoding(cx: &mut Cx) -> Value {
        Value::of(cx.names().utf_8)
    }

    /// Return the error mode used Unicode to OS filename conversion.
    #[py("($module, /)")]
    fn getfilesystemencodeerrors(cx: &mut Cx) -> Value {
        Value::of(cx.intern("surrogateescape"))
    }

    /// Return the encoding used to convert Unicode filenames to OS filenames.
    #[py("($module, /)")]
    fn getfilesystemencoding(cx: &mut Cx) -> Value {
        Value::of(cx.names().utf_8)
    }

    /// Return the reference count of object.
    ///
    /// The count returned is generally one higher than you might expect,
    /// because it includes the (temporary) reference as an argument to
    /// getrefcount().
    #[py("($module, object, /)")]
    fn getrefcount(cx: &mut Cx, object: Value) -> i64 {
        // Objects are not counted. Static ones have CPython's count of immortal objects.
        if Functions::is_static(cx, object) { 3_221_225_472 } else { 2 }
    }

    /// getsizeof(object [, default]) -> int
    ///
    /// Return the size of object in bytes.
    #[py("($module, /, object, default=<unrepresentable>)")]
    fn getsizeof(cx: &mut Cx, object: Value, default: Option<Value>) -> PyResult<Value> {
        let size = size_of(cx, object);
        match default {
            None => size,
            Some(default) => Ok(cx.catch(size, &exceptions::TypeError)?.unwrap_or(default)),
        }
    }

    /// Return the number of elements of the unicode interned dictionary
    #[py("($module, /, *, _only_immortal=False)")]
    fn getunicodeinternedsize(cx: &mut Cx, only_immortal: Option<bool>) -> usize {
        let _ = only_immortal;
        cx.rt().interned_count()
    }

    /// ``Intern'' the given string.
    ///
    /// This enters the string in the (global) table of interned strings whose
    /// purpose is to speed up dictionary lookups. Return the string itself or
    /// the previously interned string object with the same value.
    #[py("($module, string, /)")]
    fn intern(cx: &mut Cx, string: &'static Str) -> PyResult<Value> {
        if !std::ptr::eq(string.class(), Str::type_object()) {
            return raise!(cx, TypeError, "can't intern {}", string.class().name());
        }
        Ok(Value::of(cx.intern_value(string)))
    }

    /// Return True if Python is exiting.
    #[py("($module, /)")]
    fn is_finalizing(_cx: &mut Cx) -> bool {
        super::hooks::FINALIZING.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Return True if remote debugging is enabled, False otherwise.
    #[py("($module, /)")]
    fn is_remote_debug_enabled(_cx: &mut Cx) -> bool {
        super::remote::is_enabled()
    }

    /// Return *True* if a stack profiler trampoline is active.
    #[py("($module, /)")]
    fn is_stack_trampoline_active(_cx: &mut Cx) -> bool {
        false
    }

    /// Activate stack profiler trampoline *backend*.
    #[py("($module, backend, /)")]
    fn activate_stack_trampoline(cx: &mut Cx, backend: &'static Str) -> PyResult<()> {
        let _ = backend;
        raise!(cx, ValueError, "perf trampoline not available")
    }

    /// Deactivate the current stack profiler trampoline backend.
    ///
    /// If no stack profiler is activated, this function has no effect.
    #[py("($module, /)")]
    fn deactivate_stack_trampoline(_cx: &mut Cx) {}

    /// Executes a file containing Python code in a given remote Python process.
    ///
    /// This function returns immediately, and the code will be executed by the
    /// target process's main thread at the next available opportunity,
    /// similarly to how signals are handled.  There is no interface to
    /// determine when the code has been executed.  The caller is responsible
    /// for making sure that the file still exists whenever the remote process
    /// tries to read it and that it hasn't been overwritten.
    ///
    /// The remote process must run the same executable file as the local one.
    ///
    /// Args:
    ///      pid (int): The process ID of the target Python process.
    ///      script (str|bytes): The path to a file containing
    ///          the Python code to be executed.
    #[py("($module, /, pid, script)")]
    fn remote_exec(cx: &mut Cx, pid: i32, script: Value) -> PyResult<()> {
        super::remote::exec(cx, pid, script)
    }

    /// Call func(*args), while tracing is enabled.
    ///
    /// The tracing state is saved, and restored afterwards.  This is intended
    /// to be called from a debugger from a checkpoint, to recursively debug
    /// some other code.
    #[py("($module, func, args, /)")]
    fn call_tracing(cx: &mut Cx, func: Value, args: &'static Tuple) -> PyResult<Value> {
        cx.call(func, args.items())
    }

    /// Passes the event to any audit hooks that are attached.
    #[py("($module, event, /, *args)", raw)]
    fn audit(cx: &mut Cx, args: Args) -> PyResult<()> {
        args.no_keywords(cx, "audit")?;
        let Some((event, rest)) = args.pos().split_first() else {
            return raise!(cx, TypeError, "audit expected at least 1 argument, got 0");
        };
        let Some(event) = event.downcast::<Str>() else {
            let got = event.class().tp_name();
            return raise!(cx, TypeError, "audit() argument 1 must be str, not {got}");
        };
        super::hooks::audit(cx, &event.to_string_lossy(), rest)
    }

    /// Adds a new audit hook callback.
    #[py("($module, /, hook)")]
    fn addaudithook(cx: &mut Cx, hook: Value) -> PyResult<()> {
        super::hooks::add_audit_hook(cx, hook)
    }
}

impl Functions {
    /// Not on the heap.
    fn is_static(cx: &mut Cx, v: Value) -> bool {
        !v.is_pointer() || !cx.heap().contains(v.bits() as usize)
    }
}

/// What CPython puts in front of containers, which programs find in sizes.
const GC_HEAD: u64 = 16;

fn size_of(cx: &mut Cx, object: Value) -> PyResult<Value> {
    let name = cx.names().__sizeof__;
    let Some(f) = cx.lookup_special(object, name) else {
        return raise!(cx, TypeError, "Type {} doesn't define __sizeof__", object.class().tp_name());
    };
    let size = call::call_unbound(cx, f, object, &[])?;
    if !taipan_runtime::types::int::check(size) {
        return raise!(cx, TypeError, "an integer is required");
    }
    match taipan_runtime::types::int::as_i64(size) {
        Some(n) if n >= 0 => Ok(if crate::gc::is_container(object) { cx.int_u64(n as u64 + GC_HEAD) } else { size }),
        Some(_) => raise!(cx, ValueError, "__sizeof__() should return >= 0"),
        None => raise!(cx, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}
