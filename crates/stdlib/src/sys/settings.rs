//! Settings of the runtime that `sys` reads and writes.

use std::sync::atomic::{AtomicI64, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::structs;

/// The functions.
pub struct Settings;

static DLOPEN_FLAGS: AtomicI64 = AtomicI64::new(libc::RTLD_NOW as i64);

/// Smallest limit of digits.
const MIN_DIGITS: i64 = 640;

#[pymethods]
impl Settings {
    /// Return the current value of the recursion limit.
    ///
    /// The recursion limit is the maximum depth of the Python interpreter
    /// stack.  This limit prevents infinite recursion from causing an overflow
    /// of the C stack and crashing Python.
    #[py("($module, /)")]
    fn getrecursionlimit(cx: &mut Cx) -> usize {
        cx.rt().recursion_limit.get()
    }

    /// Set the maximum depth of the Python interpreter stack to n.
    ///
    /// This limit prevents infinite recursion from causing an overflow of the C
    /// stack and crashing Python.  The highest possible limit is platform-
    /// dependent.
    #[py("($module, limit, /)")]
    fn setrecursionlimit(cx: &mut Cx, limit: i32) -> PyResult<()> {
        if limit < 1 {
            return raise!(cx, ValueError, "recursion limit must be greater or equal than 1");
        }
        let depth = cx.depth;
        if depth >= limit as usize {
            return raise!(
                cx,
                RecursionError,
                "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
            );
        }
        cx.rt().recursion_limit.set(limit as usize);
        Ok(())
    }

    /// Return the maximum string digits limit for non-binary int<->str conversions.
    #[py("($module, /)")]
    fn get_int_max_str_digits(cx: &mut Cx) -> usize {
        cx.rt().int_max_str_digits.get()
    }

    /// Set the maximum string digits limit for non-binary int<->str conversions.
    #[py("($module, /, maxdigits)")]
    fn set_int_max_str_digits(cx: &mut Cx, maxdigits: i32) -> PyResult<()> {
        let n = maxdigits as i64;
        if n != 0 && n < MIN_DIGITS {
            return raise!(cx, ValueError, "maxdigits must be >= {MIN_DIGITS} or 0 for unlimited");
        }
        cx.rt().int_max_str_digits.set(n as usize);
        Ok(())
    }

    /// Return the current thread switch interval; see sys.setswitchinterval().
    #[py("($module, /)")]
    fn getswitchinterval(_cx: &mut Cx) -> f64 {
        taipan_runtime::threads::switch_interval().as_secs_f64()
    }

    /// Set the ideal thread switching delay inside the Python interpreter.
    ///
    /// The actual frequency of switching threads can be lower if the
    /// interpreter executes long sequences of uninterruptible code
    /// (this is implementation-specific and workload-dependent).
    ///
    /// The parameter must represent the desired switching delay in seconds
    /// A typical value is 0.005 (5 milliseconds).
    #[py("($module, interval, /)")]
    fn setswitchinterval(cx: &mut Cx, interval: f64) -> PyResult<()> {
        if interval.is_nan() || interval <= 0.0 {
            return raise!(cx, ValueError, "switch interval must be strictly positive");
        }
        let interval = std::time::Duration::from_secs_f64(interval.min(3600.0));
        taipan_runtime::threads::set_switch_interval(interval);
        Ok(())
    }

    /// Return the current value of the flags that are used for dlopen calls.
    ///
    /// The flag constants are defined in the os module.
    #[py("($module, /)")]
    fn getdlopenflags(_cx: &mut Cx) -> i64 {
        DLOPEN_FLAGS.load(Ordering::Relaxed)
    }

    /// Set the flags used by the interpreter for dlopen calls.
    ///
    /// This is used, for example, when the interpreter loads extension
    /// modules.
    #[py("($module, flags, /)")]
    fn setdlopenflags(_cx: &mut Cx, flags: i32) {
        DLOPEN_FLAGS.store(flags as i64, Ordering::Relaxed);
    }

    /// Return the installed asynchronous generators hooks.
    ///
    /// This returns a namedtuple of the form (firstiter, finalizer).
    #[py("($module, /)")]
    fn get_asyncgen_hooks(cx: &mut Cx) -> Value {
        let (first, last) = cx.rt().asyncgen_hooks.get();
        let none = Value::none();
        structs::asyncgen_hooks(cx, first.unwrap_or(none), last.unwrap_or(none))
    }

    /// set_asyncgen_hooks([firstiter] [, finalizer])
    ///
    /// Set a finalizer for async generators objects.
    #[py("($module, /, firstiter=<unrepresentable>, finalizer=<unrepresentable>)")]
    fn set_asyncgen_hooks(cx: &mut Cx, firstiter: Option<Value>, finalizer: Option<Value>) -> PyResult<()> {
        for (name, hook) in [("finalizer", finalizer), ("firstiter", firstiter)] {
            if let Some(hook) = hook.filter(|h| !h.is_none())
                && hook.class().slots().call.is_none()
            {
                let got = hook.class().tp_name();
                return raise!(cx, TypeError, "callable {name} expected, got {got}");
            }
        }
        let (mut first, mut last) = cx.rt().asyncgen_hooks.get();
        if let Some(hook) = firstiter {
            first = Some(hook).filter(|h| !h.is_none());
        }
        if let Some(hook) = finalizer {
            last = Some(hook).filter(|h| !h.is_none());
        }
        cx.rt().asyncgen_hooks.set((first, last));
        Ok(())
    }

    /// Check status of origin tracking for coroutine objects in this thread.
    #[py("($module, /)")]
    fn get_coroutine_origin_tracking_depth(cx: &mut Cx) -> usize {
        cx.rt().coroutine_origin_depth.get()
    }

    /// Enable or disable origin tracking for coroutine objects in this thread.
    ///
    /// Coroutine objects will track 'depth' frames of traceback information
    /// about where they came from, available in their cr_origin attribute.
    ///
    /// Set a depth of 0 to disable.
    #[py("($module, /, depth)")]
    fn set_coroutine_origin_tracking_depth(cx: &mut Cx, depth: i32) -> PyResult<()> {
        if depth < 0 {
            return raise!(cx, ValueError, "depth must be >= 0");
        }
        cx.rt().coroutine_origin_depth.set(depth as usize);
        Ok(())
    }
}

/// Functions of `sys._jit`.
pub struct Jit;

#[pymethods]
impl Jit {
    /// Return True if the current Python executable supports JIT compilation, and False otherwise.
    #[py("($module, /)")]
    fn is_available(_cx: &mut Cx) -> bool {
        cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
    }

    /// Return True if JIT compilation is enabled for the current Python process (implies sys._jit.is_available()), and False otherwise.
    #[py("($module, /)")]
    fn is_enabled(cx: &mut Cx) -> bool {
        cx.rt().hot.get().0 != u32::MAX
    }

    /// Return True if the topmost Python frame is currently executing JIT code (implies sys._jit.is_enabled()), and False otherwise.
    #[py("($module, /)")]
    fn is_active(cx: &mut Cx) -> bool {
        // Compiled code was entered after the interpreter was entered last.
        cx.compiled > cx.entry.compiled
    }
}
