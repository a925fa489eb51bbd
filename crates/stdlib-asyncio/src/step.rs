//! How a task runs: one step of its coroutine, and what follows from what it yields.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{NativeDef, NativeKind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::context::Context;
use taipan_runtime::types::descr::NativeFunction;
use taipan_runtime::types::generator::{self, GENERATOR, Step};
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::future::{Future, call_soon};
use crate::support::{CANCELLED_ERROR, CONTEXT, INVALID_STATE_ERROR, MSG, raise_class};
use crate::task::Task;
use crate::{awaited, loops};

/// The callable that runs the next step of a task.
#[repr(C)]
struct StepCall {
    header: Header,
    task: Cell<Option<&'static Task>>,
    exception: Cell<Option<Value>>,
}
object!(StepCall, STEP_CALL);
trace_values!(trace_step, StepCall, |t| [t.task.get().map(Value::of), t.exception.get()]);

/// Its type.
pub static STEP_CALL: Type = Type::new(&STEP_CALL_SPEC);
static STEP_CALL_SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.TaskStepMethWrapper",
    basicsize: std::mem::size_of::<StepCall>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_step),
    slots: Slots {
        call: Some(|cx, v, args| {
            // SAFETY: the slot of this type.
            let this: &'static StepCall = unsafe { v.cast() };
            if args.kwnames().is_some() {
                return raise!(cx, TypeError, "function takes no keyword arguments");
            }
            if !args.values().is_empty() {
                return raise!(cx, TypeError, "function takes no positional arguments");
            }
            match this.task.get() {
                Some(task) => run(cx, task, this.exception.get()),
                None => Ok(Value::none()),
            }
        }),
        ..Slots::NONE
    },
    getsets: &[StepCall::GETSETS],
    ..TypeSpec::DEFAULT
};

#[pymethods]
impl StepCall {
    #[getter]
    fn __self__(_cx: &mut Cx, this: &'static StepCall) -> Option<&'static Task> {
        this.task.get()
    }
}

/// What futures call back when a task that waits for them can go on.
static WAKEUP: NativeDef = NativeDef {
    name: "task_wakeup",
    signature: "($self, object, /)",
    doc: "",
    kind: NativeKind::Method,
    call: |cx, args| match args.values() {
        // SAFETY: it is only made with a task as receiver.
        [task, future] if args.kwnames().is_none() => wake_up(cx, unsafe { task.cast() }, *future),
        more => {
            let n = more.len().saturating_sub(1);
            raise!(cx, TypeError, "Task.task_wakeup() takes exactly one argument ({n} given)")
        }
    },
};

/// Has the loop run the next step.
pub fn call_step_soon(cx: &mut Cx, task: &'static Task, exception: Option<Value>) -> PyResult<()> {
    let call =
        StepCall { header: Header::fresh(&STEP_CALL), task: Cell::new(Some(task)), exception: Cell::new(exception) };
    let callback = Value::of(cx.alloc(call));
    let event_loop = task.future.need_loop(cx)?;
    call_soon(cx, event_loop, callback, None, task.context.get().unwrap_or(Value::none()))
}

fn fail_soon(cx: &mut Cx, task: &'static Task, text: &str) -> PyResult<Value> {
    let text = cx.str(text);
    let error = cx.call(Value::of(&exceptions::RuntimeError), &[text])?;
    call_step_soon(cx, task, Some(error))?;
    Ok(Value::none())
}

/// A step, with the task as the current one.
pub fn run(cx: &mut Cx, task: &'static Task, exception: Option<Value>) -> PyResult<Value> {
    let event_loop = task.future.need_loop(cx)?;
    loops::enter_task(cx, event_loop, Value::of(task))?;
    let result = step(cx, task, exception);
    if result.is_err() {
        let raised = cx.take_exception();
        loops::leave_task(cx, event_loop, Value::of(task))?;
        return Err(cx.raise_again(raised));
    }
    loops::leave_task(cx, event_loop, Value::of(task))?;
    result
}

/// Goes on after the future that the task waits for is done.
fn wake_up(cx: &mut Cx, task: &'static Task, future: Value) -> PyResult<Value> {
    awaited::discard(cx, future, Value::of(task))?;
    let known = future.exact::<Future>().or_else(|| future.exact::<Task>().map(|t| &t.future));
    let outcome = match known {
        Some(known) => known.outcome(cx)?,
        None => match cx.call_method_text(future, "result", &[]) {
            Ok(v) => Ok(v),
            Err(_) => Err(cx.take_exception()),
        },
    };
    run(cx, task, outcome.err())
}

fn is_cancelled_error(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let class = CANCELLED_ERROR.get(cx)?;
    Ok(class.downcast::<Type>().is_some_and(|class| v.is_instance(class)))
}

/// Resumes the coroutine. StopIteration is a return.
fn resume(cx: &mut Cx, coroutine: Value, exception: Option<Value>) -> PyResult<Step> {
    let result = match (exception, generator::native(coroutine)) {
        (None, Some(inner)) => return inner.send(cx, Value::none()),
        (None, None) => cx.call_method_text(coroutine, "send", &[Value::none()]),
        (Some(exception), _) => cx.call_method_text(coroutine, "throw", &[exception]),
    };
    match result {
        Ok(v) => Ok(Step::Yielded(v)),
        Err(_) if cx.exception_matches(&exceptions::StopIteration) => {
            Ok(Step::Returned(generator::take_stop_value(cx)))
        }
        Err(raised) => Err(raised),
    }
}

/// One step of the coroutine, with `exception` thrown into it if there is one.
fn step(cx: &mut Cx, task: &'static Task, exception: Option<Value>) -> PyResult<Value> {
    let mut exception = exception.filter(|e| !e.is_none());
    if task.future.is_done() {
        let shown = protocol::repr_text(cx, Value::of(task))?;
        let thrown = protocol::repr_text(cx, exception.unwrap_or(Value::none()))?;
        return raise_class(cx, &INVALID_STATE_ERROR, &format!("__step(): already done: {shown} {thrown}"));
    }
    if task.must_cancel.get() {
        let is_cancel = match exception {
            Some(e) => is_cancelled_error(cx, e)?,
            None => false,
        };
        if !is_cancel {
            exception = Some(task.future.cancelled_error(cx)?);
        }
        task.must_cancel.set(false);
    }
    task.waiter.set(None);
    let Some(coroutine) = task.coroutine.get() else {
        return raise!(cx, RuntimeError, "uninitialized Task object");
    };
    match resume(cx, coroutine, exception) {
        Ok(Step::Yielded(v)) => follow(cx, task, v),
        Ok(Step::Returned(v)) => {
            if task.must_cancel.get() {
                task.must_cancel.set(false);
                task.future.cancel(cx, task.future.cancel_message.get())?;
            } else {
                task.future.finish(cx, v)?;
            }
            task.registered.set(false);
            Ok(Value::none())
        }
        Err(_) => {
            let raised = cx.take_exception();
            end_in(cx, task, raised)?;
            task.registered.set(false);
            let passes =
                raised.is_instance(&exceptions::KeyboardInterrupt) || raised.is_instance(&exceptions::SystemExit);
            if passes { Err(cx.raise_again(raised)) } else { Ok(Value::none()) }
        }
    }
}

fn end_in(cx: &mut Cx, task: &'static Task, raised: Value) -> PyResult<()> {
    if is_cancelled_error(cx, raised)? {
        task.future.cancelled_exception.set(Some(raised));
        cx.barrier(task);
        task.future.cancel(cx, None)?;
        return Ok(());
    }
    task.future.fail(cx, raised)
}

/// Does what the yielded object asks for.
fn follow(cx: &mut Cx, task: &'static Task, v: Value) -> PyResult<Value> {
    let me = Value::of(task);
    if v == me {
        let shown = protocol::repr_text(cx, me)?;
        return fail_soon(cx, task, &format!("Task cannot await on itself: {shown}"));
    }
    let known = v.exact::<Future>().or_else(|| v.exact::<Task>().map(|t| &t.future));
    if let Some(future) = known {
        if future.event_loop.get() != task.future.event_loop.get() {
            return different_loop(cx, task, v);
        }
        if !future.blocking.get() {
            return yielded_wrongly(cx, task, v, "");
        }
        awaited::add(cx, v, me)?;
        future.blocking.set(false);
        let wakeup = Value::of(NativeFunction::new(cx, &WAKEUP, Some(me), None));
        future.add_callback(cx, wakeup, task.context.get().unwrap_or(Value::none()))?;
        return wait_for(cx, task, v);
    }
    if v.is_none() {
        call_step_soon(cx, task, None)?;
        return Ok(Value::none());
    }
    let name = cx.intern("_asyncio_future_blocking");
    if let Some(blocking) = attr::get_optional(cx, v, name)?.filter(|b| !b.is_none()) {
        return follow_foreign(cx, task, v, blocking);
    }
    if std::ptr::eq(v.class(), &GENERATOR) {
        return yielded_wrongly(cx, task, v, "for generator ");
    }
    let shown = protocol::repr_text(cx, v)?;
    fail_soon(cx, task, &format!("Task got bad yield: {shown}"))
}

/// As [`follow`], for futures of other types.
fn follow_foreign(cx: &mut Cx, task: &'static Task, v: Value, blocking: Value) -> PyResult<Value> {
    let other = loops::loop_of(cx, v)?;
    if Some(other) != task.future.event_loop.get() {
        return different_loop(cx, task, v);
    }
    if !protocol::truth(cx, blocking)? {
        return yielded_wrongly(cx, task, v, "");
    }
    awaited::add(cx, v, Value::of(task))?;
    let name = cx.intern("_asyncio_future_blocking");
    attr::set(cx, v, name, Some(Value::bool(false)))?;
    let wakeup = Value::of(NativeFunction::new(cx, &WAKEUP, Some(Value::of(task)), None));
    let add = attr::get_text(cx, v, "add_done_callback")?;
    CONTEXT.call(cx, add, &[wakeup, task.context.get().unwrap_or(Value::none())])?;
    wait_for(cx, task, v)
}

fn wait_for(cx: &mut Cx, task: &'static Task, v: Value) -> PyResult<Value> {
    task.waiter.set(Some(v));
    cx.barrier(task);
    if task.must_cancel.get() {
        let cancel = attr::get_text(cx, v, "cancel")?;
        let message = task.future.cancel_message.get().unwrap_or(Value::none());
        let cancelled = MSG.call(cx, cancel, &[message])?;
        if protocol::truth(cx, cancelled)? {
            task.must_cancel.set(false);
        }
    }
    Ok(Value::none())
}

fn different_loop(cx: &mut Cx, task: &'static Task, v: Value) -> PyResult<Value> {
    let (me, shown) = (protocol::repr_text(cx, Value::of(task))?, protocol::repr_text(cx, v)?);
    fail_soon(cx, task, &format!("Task {me} got Future {shown} attached to a different loop"))
}

fn yielded_wrongly(cx: &mut Cx, task: &'static Task, v: Value, what: &str) -> PyResult<Value> {
    let (me, shown) = (protocol::repr_text(cx, Value::of(task))?, protocol::repr_text(cx, v)?);
    fail_soon(cx, task, &format!("yield was used instead of yield from {what}in task {me} with {shown}"))
}

/// Runs the first step at once, in place of the current task.
pub fn start_eagerly(cx: &mut Cx, task: &'static Task) -> PyResult<()> {
    let me = Value::of(task);
    let event_loop = task.future.need_loop(cx)?;
    let previous = loops::swap_task(cx, event_loop, me)?;
    task.eager.set(true);
    let result = step_in_context(cx, task);
    task.eager.set(false);
    let raised = result.is_err().then(|| cx.take_exception());
    loops::swap_task(cx, event_loop, previous)?;
    if task.future.is_done() {
        task.coroutine.set(None);
    } else {
        loops::register(cx, me)?;
    }
    match raised {
        Some(raised) => Err(cx.raise_again(raised)),
        None => Ok(()),
    }
}

fn step_in_context(cx: &mut Cx, task: &'static Task) -> PyResult<Value> {
    let Some(context) = task.context.get().and_then(|v| v.downcast::<Context>()) else {
        return raise!(cx, TypeError, "an instance of Context was expected");
    };
    context.enter(cx)?;
    let result = step(cx, task, None);
    context.exit(cx);
    result
}
