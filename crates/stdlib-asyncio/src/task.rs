//! `Task`: a future that runs a coroutine.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::context::Context;
use taipan_runtime::types::generator;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typing::new_generic_alias;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use crate::future::{FUTURE, Future, report, trace_future};
use crate::support::{IS_COROUTINE, MSG, TASK_GET_STACK, TASK_PRINT_STACK, TASK_REPR};
use crate::{loops, step};

/// A task.
#[repr(C)]
pub struct Task {
    /// The future that it is.
    pub future: Future,
    /// What it waits for.
    pub waiter: Cell<Option<Value>>,
    /// The coroutine; None when an eager start finished it.
    pub coroutine: Cell<Option<Value>>,
    /// Its name, or its number before somebody asks.
    name: Cell<Value>,
    /// The context that it runs in.
    pub context: Cell<Option<Value>>,
    cancels: Cell<i64>,
    /// A CancelledError is to be thrown at the next step.
    pub must_cancel: Cell<bool>,
    log_destroy_pending: Cell<bool>,
    /// `all_tasks` lists it.
    pub registered: Cell<bool>,
    /// It runs its first step.
    pub eager: Cell<bool>,
}
object!(Task, TASK);

/// The type `asyncio.Task`.
pub static TASK: Type = Type::new(&TASK_SPEC);
static TASK_SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.Task",
    base: Some(&FUTURE),
    basicsize: std::mem::size_of::<Task>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_task),
    slots: Slots {
        new: Some(|cx, class, _| {
            let none = || Cell::new(None);
            let task = Task {
                future: Future::blank(class),
                waiter: none(),
                coroutine: none(),
                name: Cell::new(Value::none()),
                context: none(),
                cancels: Cell::new(0),
                must_cancel: Cell::new(false),
                log_destroy_pending: Cell::new(true),
                registered: Cell::new(false),
                eager: Cell::new(false),
            };
            Ok(Value::of(cx.alloc_of(class, task)))
        }),
        init: Some(init),
        repr: Some(|cx, v| {
            of(v).future.need_loop(cx)?;
            let f = TASK_REPR.get(cx)?;
            cx.call(f, &[v])
        }),
        ..Slots::NONE
    },
    methods: &[Task::METHODS],
    getsets: &[Task::GETSETS],
    doc: "A coroutine wrapped in a Future.",
    signature: "(coro, *, loop=None, name=None, context=None, eager_start=False)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_task(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for tasks only.
    unsafe {
        trace_future(object, marker);
        let this = &*object.cast::<Task>();
        let words = [this.waiter.get(), this.coroutine.get(), Some(this.name.get()), this.context.get()];
        for v in words.into_iter().flatten() {
            marker.mark_value(v.bits());
        }
    }
}

fn of(v: Value) -> &'static Task {
    // SAFETY: slots are called with tasks.
    unsafe { v.cast() }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "Task",
    names: &["coro", "loop", "name", "context", "eager_start"],
    positional_only: 0,
    positional: 1,
    required: 1,
    keyword_required: &[false; 4],
    varargs: false,
    varkw: false,
};

static COUNTER: AtomicU64 = AtomicU64::new(0);

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 5];
    bind(cx, &PARAMS, args, &mut bound)?;
    let this = of(v);
    let [coroutine, event_loop, name, context, eager_start] = bound.map(|v| v.filter(|v| !v.is_none()));
    let coroutine = coroutine.unwrap_or(Value::none());
    this.future.init(cx, event_loop)?;
    if !is_coroutine(cx, coroutine)? {
        this.log_destroy_pending.set(false);
        let shown = protocol::repr_text(cx, coroutine)?;
        return raise!(cx, TypeError, "a coroutine was expected, got {shown}");
    }
    let context = match context {
        Some(context) => context,
        None => Value::of(Context::copy_current(cx)),
    };
    let name = match name {
        None => Value::small(COUNTER.fetch_add(1, Ordering::Relaxed) as i64 + 1),
        Some(name) if name.exact::<Str>().is_some() => name,
        Some(name) => Value::of(protocol::str(cx, name)?),
    };
    this.waiter.set(None);
    this.must_cancel.set(false);
    this.log_destroy_pending.set(true);
    this.cancels.set(0);
    this.coroutine.set(Some(coroutine));
    this.context.set(Some(context));
    this.name.set(name);
    cx.barrier(this);
    let event_loop = this.future.need_loop(cx)?;
    if let Some(eager) = eager_start
        && protocol::truth(cx, eager)?
    {
        let running = cx.call_method_text(event_loop, "is_running", &[])?;
        if protocol::truth(cx, running)? {
            return step::start_eagerly(cx, this);
        }
    }
    step::call_step_soon(cx, this, None)?;
    loops::register(cx, v)
}

fn is_coroutine(cx: &mut Cx, v: Value) -> PyResult<bool> {
    if generator::native(v).is_some_and(|g| g.is_coroutine()) {
        return Ok(true);
    }
    let f = IS_COROUTINE.get(cx)?;
    let answer = cx.call(f, &[v])?;
    protocol::truth(cx, answer)
}

#[pymethods]
impl Task {
    /// Request that this task cancel itself.
    ///
    /// This arranges for a CancelledError to be thrown into the
    /// wrapped coroutine on the next cycle through the event loop.
    /// The coroutine then has a chance to clean up or even deny
    /// the request using try/except/finally.
    ///
    /// This also increases the task's count of cancellation requests.
    #[py("($self, /, msg=None)")]
    fn cancel(cx: &mut Cx, this: &'static Task, msg: Option<Value>) -> PyResult<bool> {
        if this.future.is_done() {
            return Ok(false);
        }
        this.cancels.set(this.cancels.get() + 1);
        let msg = msg.unwrap_or(Value::none());
        if let Some(waiter) = this.waiter.get() {
            let method = attr::get_text(cx, waiter, "cancel")?;
            let cancelled = MSG.call(cx, method, &[msg])?;
            if protocol::truth(cx, cancelled)? {
                return Ok(true);
            }
        }
        this.must_cancel.set(true);
        this.future.cancel_message.set(Some(msg).filter(|m| !m.is_none()));
        cx.barrier(this);
        Ok(true)
    }

    /// Return the count of the task's cancellation requests.
    ///
    /// This count is incremented when .cancel() is called
    /// and may be decremented using .uncancel().
    #[py("($self, /)")]
    fn cancelling(_cx: &mut Cx, this: &'static Task) -> i64 {
        this.cancels.get()
    }

    /// Decrement the task's count of cancellation requests.
    ///
    /// This should be used by tasks that catch CancelledError
    /// and wish to continue indefinitely until they are cancelled again.
    ///
    /// Returns the remaining number of cancellation requests.
    #[py("($self, /)")]
    fn uncancel(_cx: &mut Cx, this: &'static Task) -> i64 {
        if this.cancels.get() > 0 {
            this.cancels.set(this.cancels.get() - 1);
            if this.cancels.get() == 0 {
                this.must_cancel.set(false);
            }
        }
        this.cancels.get()
    }

    /// Return the list of stack frames for this task's coroutine.
    ///
    /// If the coroutine is not done, this returns the stack where it is
    /// suspended.  If the coroutine has completed successfully or was
    /// cancelled, this returns an empty list.  If the coroutine was
    /// terminated by an exception, this returns the list of traceback
    /// frames.
    #[py("($self, /, *, limit=None)")]
    fn get_stack(cx: &mut Cx, this: &'static Task, limit: Option<Value>) -> PyResult<Value> {
        let f = TASK_GET_STACK.get(cx)?;
        cx.call(f, &[Value::of(this), limit.unwrap_or(Value::none())])
    }

    /// Print the stack or traceback for this task's coroutine.
    ///
    /// This produces output similar to that of the traceback module,
    /// for the frames retrieved by get_stack().
    #[py("($self, /, *, limit=None, file=None)")]
    fn print_stack(cx: &mut Cx, this: &'static Task, limit: Option<Value>, file: Option<Value>) -> PyResult<Value> {
        let f = TASK_PRINT_STACK.get(cx)?;
        cx.call(f, &[Value::of(this), limit.unwrap_or(Value::none()), file.unwrap_or(Value::none())])
    }

    #[py("($self, result, /)")]
    fn set_result(cx: &mut Cx, _this: &'static Task, _result: Value) -> PyResult<()> {
        raise!(cx, RuntimeError, "Task does not support set_result operation")
    }

    #[py("($self, exception, /)")]
    fn set_exception(cx: &mut Cx, _this: &'static Task, _exception: Value) -> PyResult<()> {
        raise!(cx, RuntimeError, "Task does not support set_exception operation")
    }

    #[py("($self, /)")]
    fn get_name(cx: &mut Cx, this: &'static Task) -> Value {
        if let Some(number) = this.name.get().as_small() {
            let name = cx.str(&format!("Task-{number}"));
            this.name.set(name);
            cx.barrier(this);
        }
        this.name.get()
    }

    #[py("($self, value, /)")]
    fn set_name(cx: &mut Cx, this: &'static Task, value: Value) -> PyResult<()> {
        let name = if value.exact::<Str>().is_some() { value } else { Value::of(protocol::str(cx, value)?) };
        this.name.set(name);
        cx.barrier(this);
        Ok(())
    }

    #[py("($self, /)")]
    fn get_coro(_cx: &mut Cx, this: &'static Task) -> Option<Value> {
        this.coroutine.get()
    }

    #[py("($self, /)")]
    fn get_context(_cx: &mut Cx, this: &'static Task) -> Option<Value> {
        this.context.get()
    }

    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        new_generic_alias(cx, class, item)
    }

    /// Called when the instance is about to be destroyed.
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static Task) -> PyResult<()> {
        if !this.future.is_done() && this.log_destroy_pending.get() && this.future.event_loop.get().is_some() {
            let message = cx.str("Task was destroyed but it is pending!");
            report(cx, &this.future, &[("task", Value::of(this)), ("message", message)])?;
        }
        let name = cx.names().__del__;
        match FUTURE.dict().get_str(name) {
            Some(f) => cx.call(f, &[Value::of(this)]).map(|_| ()),
            None => Ok(()),
        }
    }

    #[getter]
    fn _log_destroy_pending(_cx: &mut Cx, this: &'static Task) -> bool {
        this.log_destroy_pending.get()
    }
    #[setter("_log_destroy_pending")]
    fn set_log_destroy_pending(cx: &mut Cx, this: &'static Task, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, AttributeError, "cannot delete attribute") };
        this.log_destroy_pending.set(protocol::truth(cx, value)?);
        Ok(())
    }

    #[getter]
    fn _must_cancel(_cx: &mut Cx, this: &'static Task) -> bool {
        this.must_cancel.get()
    }

    #[getter]
    fn _coro(_cx: &mut Cx, this: &'static Task) -> Option<Value> {
        this.coroutine.get()
    }

    #[getter]
    fn _fut_waiter(_cx: &mut Cx, this: &'static Task) -> Option<Value> {
        this.waiter.get()
    }
}
