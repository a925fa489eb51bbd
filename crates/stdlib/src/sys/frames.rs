//! Functions of `sys` about frames, exceptions and tracing.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::Frame;
use taipan_runtime::threads;
use taipan_runtime::traceback_print::unraisable;
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// The functions.
pub struct Frames;

/// The frame `depth` calls up from the running one.
fn frame_at(cx: &mut Cx, depth: i64) -> Option<*mut Frame> {
    let mut frame = cx.frame;
    for _ in 0..depth.max(0) {
        if frame.is_null() {
            return None;
        }
        // SAFETY: FRAME-1.
        frame = unsafe { (*frame).prev };
    }
    if frame.is_null() { None } else { Some(frame) }
}

#[pymethods]
impl Frames {
    /// Return a frame object from the call stack.
    ///
    /// If optional integer depth is given, return the frame object that many
    /// calls below the top of the stack.  If that is deeper than the call
    /// stack, ValueError is raised.  The default for depth is zero, returning
    /// the frame at the top of the call stack.
    ///
    /// This function should be used for internal and specialized purposes
    /// only.
    #[py("($module, depth=0, /)")]
    fn _getframe(cx: &mut Cx, depth: Option<i64>) -> PyResult<Value> {
        let Some(frame) = frame_at(cx, depth.unwrap_or(0)) else {
            return raise!(cx, ValueError, "call stack is not deep enough");
        };
        let frame = Value::of(FrameObject::of(cx, frame));
        super::audit(cx, "sys._getframe", &[frame])?;
        Ok(frame)
    }

    /// Return the name of the module for a calling frame.
    ///
    /// The default depth returns the module containing the call to this API.
    /// A more typical use in a library will pass a depth of 1 to get the user's
    /// module rather than the library module.
    ///
    /// If no frame, module, or name can be found, returns None.
    #[py("($module, /, depth=0)")]
    fn _getframemodulename(cx: &mut Cx, depth: Option<i64>) -> PyResult<Value> {
        let depth = depth.unwrap_or(0);
        let number = cx.int(depth);
        super::audit(cx, "sys._getframemodulename", &[number])?;
        let Some(frame) = frame_at(cx, depth) else { return Ok(Value::none()) };
        let key = cx.names().__name__;
        // SAFETY: FRAME-1.
        let frame = unsafe { &*frame };
        let module = match frame.function {
            Some(function) => function.module.get(),
            None => frame.globals.get_str(key),
        };
        Ok(module.unwrap_or(Value::none()))
    }

    /// Return a dict mapping each thread's thread id to its current stack frame.
    ///
    /// This function should be used for specialized purposes only.
    #[py("($module, /)")]
    fn _current_frames(cx: &mut Cx) -> PyResult<Value> {
        super::audit(cx, "sys._current_frames", &[])?;
        let dict = Dict::new(cx);
        for other in threads::contexts().to_vec() {
            // SAFETY: THREAD-2; nothing below lets another thread run.
            let (ident, frame, home) = unsafe { ((*other).ident, (*other).frame, (*other).interpreter) };
            if !frame.is_null() && std::ptr::eq(home, cx.interpreter) {
                let frame = Value::of(FrameObject::of(cx, frame));
                let thread = cx.int_u64(ident);
                dict.set(cx, thread, frame)?;
            }
        }
        Ok(Value::of(dict))
    }

    /// Return a dict mapping each thread's identifier to its current raised exception.
    ///
    /// This function should be used for specialized purposes only.
    #[py("($module, /)")]
    fn _current_exceptions(cx: &mut Cx) -> PyResult<Value> {
        super::audit(cx, "sys._current_exceptions", &[])?;
        let dict = Dict::new(cx);
        for other in threads::contexts().to_vec() {
            // SAFETY: THREAD-2; nothing below lets another thread run.
            let (ident, exception, home) = unsafe { ((*other).ident, (*other).handled, (*other).interpreter) };
            if !std::ptr::eq(home, cx.interpreter) {
                continue;
            }
            let thread = cx.int_u64(ident);
            dict.set(cx, thread, exception.unwrap_or(Value::none()))?;
        }
        Ok(Value::of(dict))
    }

    /// Return current exception information: (type, value, traceback).
    ///
    /// Return information about the most recent exception caught by an except
    /// clause in the current stack frame or in an older stack frame.
    #[py("($module, /)")]
    fn exc_info(cx: &mut Cx) -> Value {
        let items = unraisable::exc_info(cx);
        Value::of(Tuple::new(cx, &items))
    }

    /// Return the current exception.
    ///
    /// Return the most recent exception caught by an except clause
    /// in the current stack frame or in an older stack frame, or None
    /// if no such exception exists.
    #[py("($module, /)")]
    fn exception(cx: &mut Cx) -> Value {
        cx.handled.unwrap_or(Value::none())
    }

    /// Set the global debug tracing function.
    ///
    /// It will be called on each function call.  See the debugger chapter
    /// in the library manual.
    #[py("($module, function, /)")]
    fn settrace(cx: &mut Cx, function: Value) -> PyResult<()> {
        super::audit(cx, "sys.settrace", &[])?;
        cx.trace = Some(function).filter(|f| !f.is_none());
        cx.start_tracing();
        Ok(())
    }

    /// Return the global debug tracing function set with sys.settrace.
    ///
    /// See the debugger chapter in the library manual.
    #[py("($module, /)")]
    fn gettrace(cx: &mut Cx) -> Option<Value> {
        cx.trace
    }

    /// Set the profiling function.
    ///
    /// It will be called on each function call and return.  See the profiler
    /// chapter in the library manual.
    #[py("($module, function, /)")]
    fn setprofile(cx: &mut Cx, function: Value) -> PyResult<()> {
        super::audit(cx, "sys.setprofile", &[])?;
        cx.profile = Some(function).filter(|f| !f.is_none());
        cx.start_tracing();
        Ok(())
    }

    /// Return the profiling function set with sys.setprofile.
    ///
    /// See the profiler chapter in the library manual.
    #[py("($module, /)")]
    fn getprofile(cx: &mut Cx) -> Option<Value> {
        cx.profile
    }

    /// Set the global debug tracing function in all running threads belonging to the current interpreter.
    ///
    /// It will be called on each function call. See the debugger chapter
    /// in the library manual.
    #[py("($module, function, /)")]
    fn _settraceallthreads(cx: &mut Cx, function: Value) -> PyResult<()> {
        Frames::settrace(cx, function)?;
        for other in threads::contexts() {
            // SAFETY: THREAD-2; nothing here lets another thread run.
            let other = unsafe { &mut **other };
            if !std::ptr::eq(other.interpreter, cx.interpreter) {
                continue;
            }
            other.trace = Some(function).filter(|f| !f.is_none());
            other.start_tracing();
        }
        Ok(())
    }

    /// Set the profiling function in all running threads belonging to the current interpreter.
    ///
    /// It will be called on each function call and return.  See the profiler
    /// chapter in the library manual.
    #[py("($module, function, /)")]
    fn _setprofileallthreads(cx: &mut Cx, function: Value) -> PyResult<()> {
        Frames::setprofile(cx, function)?;
        for other in threads::contexts() {
            // SAFETY: as above.
            let other = unsafe { &mut **other };
            if !std::ptr::eq(other.interpreter, cx.interpreter) {
                continue;
            }
            other.profile = Some(function).filter(|f| !f.is_none());
            other.start_tracing();
        }
        Ok(())
    }
}
