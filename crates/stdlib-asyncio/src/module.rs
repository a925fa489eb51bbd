//! The module and its functions.

use taipan_macros::pymethods;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::set::Set;
use taipan_runtime::{Cx, PyResult, Value};

use crate::{awaited, future, future_iter, loops, step, task};

struct Functions;

#[pymethods]
impl Functions {
    /// Return the running event loop or None.
    ///
    /// This is a low-level function intended to be used by event loops.
    /// This function is thread-specific.
    #[py("($module, /)")]
    fn _get_running_loop(cx: &mut Cx) -> Option<Value> {
        loops::running_loop(cx)
    }

    /// Set the running event loop.
    ///
    /// This is a low-level function intended to be used by event loops.
    /// This function is thread-specific.
    #[py("($module, loop, /)")]
    fn _set_running_loop(cx: &mut Cx, new: Value) {
        loops::set_running_loop(cx, Some(new).filter(|v| !v.is_none()));
    }

    /// Return the running event loop.  Raise a RuntimeError if there is none.
    ///
    /// This function is thread-specific.
    #[py("($module, /)")]
    fn get_running_loop(cx: &mut Cx) -> PyResult<Value> {
        loops::need_running_loop(cx)
    }

    /// Return an asyncio event loop.
    ///
    /// When called from a coroutine or a callback (e.g. scheduled with
    /// call_soon or similar API), this function will always return the
    /// running event loop.
    ///
    /// If there is no running event loop set, the function will return
    /// the result of `get_event_loop_policy().get_event_loop()` call.
    #[py("($module, /)")]
    fn get_event_loop(cx: &mut Cx) -> PyResult<Value> {
        loops::event_loop(cx)
    }

    /// Return a currently executed task.
    #[py("($module, /, loop=None)")]
    fn current_task(cx: &mut Cx, wanted: Option<Value>) -> PyResult<Value> {
        let wanted = wanted_loop(cx, wanted)?;
        Ok(loops::current_task(wanted))
    }

    /// Return a set of all tasks for the loop.
    #[py("($module, /, loop=None)")]
    fn all_tasks(cx: &mut Cx, wanted: Option<Value>) -> PyResult<&'static Set> {
        let wanted = wanted_loop(cx, wanted)?;
        loops::all_tasks(cx, wanted)
    }

    /// Register a new task in asyncio as executed by loop.
    ///
    /// Returns None.
    #[py("($module, /, task)")]
    fn _register_task(cx: &mut Cx, task: Value) -> PyResult<()> {
        loops::register(cx, task)
    }

    /// Register a new task in asyncio as executed by loop.
    ///
    /// Returns None.
    #[py("($module, /, task)")]
    fn _register_eager_task(cx: &mut Cx, task: Value) -> PyResult<()> {
        loops::register_eager(cx, task)
    }

    /// Unregister a task.
    ///
    /// Returns None.
    #[py("($module, /, task)")]
    fn _unregister_task(cx: &mut Cx, task: Value) -> PyResult<()> {
        loops::unregister(cx, task)
    }

    /// Unregister a task.
    ///
    /// Returns None.
    #[py("($module, /, task)")]
    fn _unregister_eager_task(cx: &mut Cx, task: Value) -> PyResult<()> {
        loops::unregister_eager(cx, task)
    }

    /// Enter into task execution or resume suspended task.
    ///
    /// Task belongs to loop.
    ///
    /// Returns None.
    #[py("($module, /, loop, task)")]
    fn _enter_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<()> {
        loops::enter_task(cx, event_loop, task)
    }

    /// Leave task execution or suspend a task.
    ///
    /// Task belongs to loop.
    ///
    /// Returns None.
    #[py("($module, /, loop, task)")]
    fn _leave_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<()> {
        loops::leave_task(cx, event_loop, task)
    }

    /// Temporarily swap in the supplied task and return the original one (or None).
    ///
    /// This is intended for use during eager coroutine execution.
    #[py("($module, /, loop, task)")]
    fn _swap_current_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<Value> {
        loops::swap_task(cx, event_loop, task)
    }

    /// Record that `fut` is awaited on by `waiter`.
    #[py("($module, fut, waiter, /)")]
    fn future_add_to_awaited_by(cx: &mut Cx, fut: Value, waiter: Value) -> PyResult<()> {
        awaited::add(cx, fut, waiter)
    }

    #[py("($module, fut, waiter, /)")]
    fn future_discard_from_awaited_by(cx: &mut Cx, fut: Value, waiter: Value) -> PyResult<()> {
        awaited::discard(cx, fut, waiter)
    }
}

fn wanted_loop(cx: &mut Cx, v: Option<Value>) -> PyResult<Value> {
    match v.filter(|v| !v.is_none()) {
        Some(v) => Ok(v),
        None => loops::need_running_loop(cx),
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_asyncio", "Accelerator module for asyncio", Functions::METHODS);
    module.add_type(cx, &future::FUTURE);
    module.add_type(cx, &task::TASK);
    for class in [&future::FUTURE, &task::TASK] {
        class.data().finalizer.set(true);
    }
    cx.ready_type(&future_iter::FUTURE_ITER);
    cx.ready_type(&step::STEP_CALL);
    Ok(module)
}
