//! `Future`.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::{FLAG_FINALIZED, Header};
use taipan_runtime::protocol::{attr, compare, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::context::Context;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typing::new_generic_alias;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, object, raise};

use crate::loops;
use crate::support::{CANCELLED_ERROR, CONTEXT, EXTRACT_STACK, FUTURE_REPR, INVALID_STATE_ERROR, raise_class};

/// Where a future stands.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not done.
    Pending,
    /// Cancelled.
    Cancelled,
    /// With a result or an exception.
    Finished,
}

/// A future. The first callback has words of its own: most futures have one.
#[repr(C)]
pub struct Future {
    header: Header,
    /// The event loop; None before `__init__`.
    pub event_loop: Cell<Option<Value>>,
    callback: Cell<Option<Value>>,
    context: Cell<Option<Value>>,
    /// Further callbacks, as pairs with their contexts.
    callbacks: Cell<Option<&'static List>>,
    result: Cell<Option<Value>>,
    exception: Cell<Option<Value>>,
    traceback: Cell<Option<Value>>,
    source_traceback: Cell<Option<Value>>,
    /// The message of `cancel`.
    pub cancel_message: Cell<Option<Value>>,
    /// The CancelledError that ended a task.
    pub cancelled_exception: Cell<Option<Value>>,
    /// Who awaits it (`awaited.rs`).
    pub awaited_by: Cell<Option<Value>>,
    state: Cell<State>,
    log_traceback: Cell<bool>,
    /// It was yielded by its own `__await__`.
    pub blocking: Cell<bool>,
}
object!(Future, FUTURE);

/// The type `asyncio.Future`.
pub static FUTURE: Type = Type::new(&FUTURE_SPEC);
static FUTURE_SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.Future",
    basicsize: std::mem::size_of::<Future>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_future),
    slots: Slots {
        new: Some(|cx, class, _| {
            let future = cx.alloc_of(class, Future::blank(class));
            if std::ptr::eq(class, &FUTURE) {
                future.header.set_finalized();
            }
            Ok(Value::of(future))
        }),
        init: Some(init),
        repr: Some(|cx, v| {
            of(v).need_loop(cx)?;
            let f = FUTURE_REPR.get(cx)?;
            cx.call(f, &[v])
        }),
        iter: Some(crate::future_iter::new),
        await_: Some(crate::future_iter::new),
        ..Slots::NONE
    },
    methods: &[Future::METHODS, Settable::METHODS],
    getsets: &[Future::GETSETS],
    doc: "This class is *almost* compatible with concurrent.futures.Future.\n\n    Differences:\n\n    - result() and exception() do not take a timeout argument and\n      raise an exception when the future isn't done yet.\n\n    - Callbacks registered with add_done_callback() are always called\n      via the event loop's call_soon_threadsafe().\n\n    - This class is not compatible with the wait() and as_completed()\n      methods in the concurrent.futures package.",
    signature: "(*, loop=None)",
    ..TypeSpec::DEFAULT
};

/// Visits the references of a future.
pub unsafe fn trace_future(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for futures and tasks, which start with a future.
    let this = unsafe { &*object.cast::<Future>() };
    let words = [
        &this.event_loop,
        &this.callback,
        &this.context,
        &this.result,
        &this.exception,
        &this.traceback,
        &this.source_traceback,
        &this.cancel_message,
        &this.cancelled_exception,
        &this.awaited_by,
    ];
    for v in words.into_iter().filter_map(Cell::get).chain(this.callbacks.get().map(Value::of)) {
        marker.mark_value(v.bits());
    }
}

fn of(v: Value) -> &'static Future {
    // SAFETY: slots are called with futures or tasks, which start with a future.
    unsafe { v.cast() }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "Future",
    names: &["loop"],
    positional_only: 0,
    positional: 0,
    required: 0,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 1];
    bind(cx, &PARAMS, args, &mut bound)?;
    of(v).init(cx, bound[0])
}

impl Future {
    /// A future before `__init__`.
    pub fn blank(class: &'static Type) -> Future {
        const NONE: Cell<Option<Value>> = Cell::new(None);
        Future {
            header: Header::fresh(class),
            event_loop: NONE,
            callback: NONE,
            context: NONE,
            callbacks: Cell::new(None),
            result: NONE,
            exception: NONE,
            traceback: NONE,
            source_traceback: NONE,
            cancel_message: NONE,
            cancelled_exception: NONE,
            awaited_by: NONE,
            state: Cell::new(State::Pending),
            log_traceback: Cell::new(false),
            blocking: Cell::new(false),
        }
    }

    /// `__init__`.
    pub fn init(&'static self, cx: &mut Cx, event_loop: Option<Value>) -> PyResult<()> {
        let event_loop = match event_loop.filter(|v| !v.is_none()) {
            Some(v) => v,
            None => loops::event_loop(cx)?,
        };
        let words = [&self.callback, &self.context, &self.result, &self.exception, &self.traceback];
        for word in words {
            word.set(None);
        }
        self.callbacks.set(None);
        self.state.set(State::Pending);
        self.log_traceback.set(false);
        self.blocking.set(false);
        self.event_loop.set(Some(event_loop));
        cx.barrier(self);
        let debug = cx.call_method_text(event_loop, "get_debug", &[])?;
        if protocol::truth(cx, debug)? {
            let f = EXTRACT_STACK.get(cx)?;
            let stack = cx.call(f, &[])?;
            self.source_traceback.set(Some(stack));
            cx.barrier(self);
        }
        Ok(())
    }

    /// Not pending.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        self.state.get() != State::Pending
    }

    /// The event loop. RuntimeError before `__init__`.
    #[inline]
    pub fn need_loop(&self, cx: &mut Cx) -> PyResult<Value> {
        match self.event_loop.get() {
            Some(v) => Ok(v),
            None => raise!(cx, RuntimeError, "Future object is not initialized."),
        }
    }

    /// Whether the collector has to run `__del__`, which has something to say of exceptions that nobody saw.
    pub fn set_log_traceback(&self, on: bool) {
        self.log_traceback.set(on);
        let class = self.header.class();
        if std::ptr::eq(class, &FUTURE) || std::ptr::eq(class, &crate::task::TASK) && self.is_done() {
            if on {
                self.header.clear_flag(FLAG_FINALIZED);
            } else {
                self.header.set_finalized();
            }
        }
    }

    /// Has the loop call the callbacks.
    fn schedule_callbacks(&'static self, cx: &mut Cx) -> PyResult<()> {
        if let Some(callback) = self.callback.take() {
            let context = self.context.take().unwrap_or(Value::none());
            self.call_soon(cx, callback, context)?;
        }
        if let Some(list) = self.callbacks.take() {
            for i in 0..list.len() {
                let Some(pair) = list.get(i).and_then(|v| v.exact::<Tuple>()) else { continue };
                self.call_soon(cx, pair.items()[0], pair.items()[1])?;
            }
        }
        Ok(())
    }

    fn call_soon(&'static self, cx: &mut Cx, callback: Value, context: Value) -> PyResult<()> {
        let event_loop = self.need_loop(cx)?;
        call_soon(cx, event_loop, callback, Some(Value::of(self)), context)
    }

    /// `add_done_callback` with a context.
    pub fn add_callback(&'static self, cx: &mut Cx, f: Value, context: Value) -> PyResult<()> {
        if self.is_done() {
            return self.call_soon(cx, f, context);
        }
        if self.callback.get().is_none() && self.callbacks.get().is_none() {
            self.callback.set(Some(f));
            self.context.set(Some(context));
            cx.barrier(self);
            return Ok(());
        }
        let list = match self.callbacks.get() {
            Some(list) => list,
            None => {
                let list = List::new(cx);
                self.callbacks.set(Some(list));
                cx.barrier(self);
                list
            }
        };
        let pair = Value::of(Tuple::new(cx, &[f, context]));
        list.push(cx, pair);
        Ok(())
    }

    /// Sets the result.
    pub fn finish(&'static self, cx: &mut Cx, result: Value) -> PyResult<()> {
        self.need_loop(cx)?;
        if self.is_done() {
            return raise_class(cx, &INVALID_STATE_ERROR, "invalid state");
        }
        self.result.set(Some(result));
        self.state.set(State::Finished);
        cx.barrier(self);
        self.set_log_traceback(false);
        self.schedule_callbacks(cx)
    }

    /// Sets an exception: an instance, or a class to be instantiated.
    pub fn fail(&'static self, cx: &mut Cx, v: Value) -> PyResult<()> {
        self.need_loop(cx)?;
        if self.is_done() {
            return raise_class(cx, &INVALID_STATE_ERROR, "invalid state");
        }
        let is_class = v.downcast::<Type>().is_some_and(|class| class.is_subtype(&exceptions::BaseException));
        let mut exception = if is_class { cx.call(v, &[])? } else { v };
        if !exception.is_instance(&exceptions::BaseException) {
            return raise!(cx, TypeError, "invalid exception object");
        }
        if exception.is_instance(&exceptions::StopIteration) {
            let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
            let text = cx.str(text);
            let new = cx.call(Value::of(&exceptions::RuntimeError), &[text])?;
            for name in ["__cause__", "__context__"] {
                let name = cx.intern(name);
                attr::set(cx, new, name, Some(exception))?;
            }
            exception = new;
        }
        let traceback = attr::get_text(cx, exception, "__traceback__")?;
        self.exception.set(Some(exception));
        self.traceback.set(Some(traceback));
        self.state.set(State::Finished);
        cx.barrier(self);
        self.set_log_traceback(false);
        self.schedule_callbacks(cx)?;
        self.set_log_traceback(true);
        Ok(())
    }

    /// Cancels it; false if it was done.
    pub fn cancel(&'static self, cx: &mut Cx, message: Option<Value>) -> PyResult<bool> {
        self.need_loop(cx)?;
        self.set_log_traceback(false);
        if self.is_done() {
            return Ok(false);
        }
        self.state.set(State::Cancelled);
        self.cancel_message.set(message.filter(|m| !m.is_none()));
        cx.barrier(self);
        self.set_log_traceback(false);
        self.schedule_callbacks(cx)?;
        Ok(true)
    }

    /// The error that a cancelled future raises.
    pub fn cancelled_error(&'static self, cx: &mut Cx) -> PyResult<Value> {
        if let Some(exception) = self.cancelled_exception.take() {
            return Ok(exception);
        }
        let class = CANCELLED_ERROR.get(cx)?;
        match self.cancel_message.get() {
            None => cx.call(class, &[]),
            Some(message) => cx.call(class, &[message]),
        }
    }

    /// The result, or the exception raised.
    pub fn take_result(&'static self, cx: &mut Cx) -> PyResult<Value> {
        match self.outcome(cx)? {
            Ok(result) => Ok(result),
            Err(exception) => Err(cx.raise(exception)),
        }
    }

    /// The result, or the exception that it ended in.
    pub fn outcome(&'static self, cx: &mut Cx) -> PyResult<Result<Value, Value>> {
        match self.state.get() {
            State::Cancelled => Ok(Err(self.cancelled_error(cx)?)),
            State::Pending if self.event_loop.get().is_none() => {
                raise_class(cx, &INVALID_STATE_ERROR, "Future object is not initialized.")
            }
            State::Pending => raise_class(cx, &INVALID_STATE_ERROR, "Result is not set."),
            State::Finished => {
                self.set_log_traceback(false);
                let Some(exception) = self.exception.get() else {
                    return Ok(Ok(self.result.get().unwrap_or(Value::none())));
                };
                if let Some(traceback) = self.traceback.get() {
                    let name = cx.intern("__traceback__");
                    attr::set(cx, exception, name, Some(traceback))?;
                }
                Ok(Err(exception))
            }
        }
    }
}

/// `loop.call_soon(callback, *args, context=context)`. May collect.
pub fn call_soon(cx: &mut Cx, event_loop: Value, callback: Value, arg: Option<Value>, context: Value) -> PyResult<()> {
    let method = attr::get_text(cx, event_loop, "call_soon")?;
    match arg {
        Some(arg) => CONTEXT.call(cx, method, &[callback, arg, context])?,
        None => CONTEXT.call(cx, method, &[callback, context])?,
    };
    Ok(())
}

/// Tells the loop's exception handler about `this` with these entries.
pub fn report(cx: &mut Cx, this: &'static Future, entries: &[(&str, Value)]) -> PyResult<()> {
    let context = Dict::new(cx);
    for (name, value) in entries {
        let key = cx.intern(name);
        context.set_str(cx, key, *value);
    }
    if let Some(stack) = this.source_traceback.get() {
        let key = cx.intern("source_traceback");
        context.set_str(cx, key, stack);
    }
    let Some(event_loop) = this.event_loop.get() else { return Ok(()) };
    let method = attr::get_text(cx, event_loop, "call_exception_handler")?;
    if cx.call(method, &[Value::of(context)]).is_err() {
        let exception = cx.take_exception();
        protocol::unraisable(cx, exception, Some(method), None);
    }
    Ok(())
}

#[pymethods]
impl Future {
    /// Return the result this future represents.
    ///
    /// If the future has been cancelled, raises CancelledError.  If the
    /// future's result isn't yet available, raises InvalidStateError.  If
    /// the future is done and has an exception set, this exception is raised.
    #[py("($self, /)", name = "result")]
    fn result_(cx: &mut Cx, this: &'static Future) -> PyResult<Value> {
        this.take_result(cx)
    }

    /// Return the exception that was set on this future.
    ///
    /// The exception (or None if no exception was set) is returned only if
    /// the future is done.  If the future has been cancelled, raises
    /// CancelledError.  If the future isn't done yet, raises
    /// InvalidStateError.
    #[py("($self, /)", name = "exception")]
    fn exception_(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
        if this.event_loop.get().is_none() {
            return raise_class(cx, &INVALID_STATE_ERROR, "Future object is not initialized.");
        }
        match this.state.get() {
            State::Cancelled => {
                let error = this.cancelled_error(cx)?;
                Err(cx.raise(error))
            }
            State::Pending => raise_class(cx, &INVALID_STATE_ERROR, "Exception is not set."),
            State::Finished => {
                this.set_log_traceback(false);
                Ok(this.exception.get())
            }
        }
    }

    /// Add a callback to be run when the future becomes done.
    ///
    /// The callback is called with a single argument - the future object. If
    /// the future is already done when this is called, the callback is
    /// scheduled with call_soon.
    #[py("($self, fn, /, *, context=<unrepresentable>)")]
    fn add_done_callback(cx: &mut Cx, this: &'static Future, f: Value, context: Option<Value>) -> PyResult<()> {
        if this.event_loop.get().is_none() {
            return raise!(cx, RuntimeError, "uninitialized Future object");
        }
        let context = match context.filter(|c| !c.is_none()) {
            Some(context) => context,
            None => Value::of(Context::copy_current(cx)),
        };
        this.add_callback(cx, f, context)
    }

    /// Remove all instances of a callback from the "call when done" list.
    ///
    /// Returns the number of callbacks removed.
    #[py("($self, fn, /)")]
    fn remove_done_callback(cx: &mut Cx, this: &'static Future, f: Value) -> PyResult<usize> {
        this.need_loop(cx)?;
        let mut removed = 0;
        if let Some(callback) = this.callback.get()
            && compare::equal(cx, callback, f)?
        {
            this.callback.set(None);
            this.context.set(None);
            removed += 1;
        }
        let Some(list) = this.callbacks.get() else { return Ok(removed) };
        let kept = List::new(cx);
        let mut i = 0;
        // Comparisons may change the list.
        while let Some(v) = list.get(i) {
            i += 1;
            let Some(pair) = v.exact::<Tuple>() else { continue };
            if compare::equal(cx, pair.items()[0], f)? {
                removed += 1;
            } else {
                kept.push(cx, v);
            }
        }
        if this.callbacks.get().is_some_and(|now| std::ptr::eq(now, list)) {
            this.callbacks.set(Some(kept).filter(|k| !k.is_empty()));
            cx.barrier(this);
        }
        Ok(removed)
    }

    /// Return True if the future was cancelled.
    #[py("($self, /)")]
    fn cancelled(_cx: &mut Cx, this: &'static Future) -> bool {
        this.state.get() == State::Cancelled
    }

    /// Return True if the future is done.
    ///
    /// Done means either that a result / exception are available, or that the
    /// future was cancelled.
    #[py("($self, /)")]
    fn done(_cx: &mut Cx, this: &'static Future) -> bool {
        this.is_done()
    }

    /// Return the event loop the Future is bound to.
    #[py("($self, /)")]
    fn get_loop(cx: &mut Cx, this: &'static Future) -> PyResult<Value> {
        this.need_loop(cx)
    }

    /// Create the CancelledError to raise if the Future is cancelled.
    ///
    /// This should only be called once when handling a cancellation since
    /// it erases the context exception value.
    #[py("($self, /)")]
    fn _make_cancelled_error(cx: &mut Cx, this: &'static Future) -> PyResult<Value> {
        this.cancelled_error(cx)
    }

    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        new_generic_alias(cx, class, item)
    }

    /// Called when the instance is about to be destroyed.
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static Future) -> PyResult<()> {
        if !this.log_traceback.get() {
            return Ok(());
        }
        this.log_traceback.set(false);
        let me = Value::of(this);
        let message = cx.str(&format!("{} exception was never retrieved", me.class().name()));
        let exception = this.exception.get().unwrap_or(Value::none());
        report(cx, this, &[("message", message), ("exception", exception), ("future", me)])
    }

    #[getter]
    fn _state(_cx: &mut Cx, this: &'static Future) -> &'static str {
        match this.state.get() {
            State::Pending => "PENDING",
            State::Cancelled => "CANCELLED",
            State::Finished => "FINISHED",
        }
    }

    #[getter]
    fn _asyncio_future_blocking(_cx: &mut Cx, this: &'static Future) -> bool {
        this.blocking.get()
    }
    #[setter("_asyncio_future_blocking")]
    fn set_blocking(cx: &mut Cx, this: &'static Future, value: Option<Value>) -> PyResult<()> {
        let value = deletable(cx, value, "_asyncio_future_blocking")?;
        this.need_loop(cx)?;
        this.blocking.set(protocol::truth(cx, value)?);
        Ok(())
    }

    #[getter]
    fn _loop(_cx: &mut Cx, this: &'static Future) -> Option<Value> {
        this.event_loop.get()
    }

    #[getter]
    fn _callbacks(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
        this.need_loop(cx)?;
        let all = List::new(cx);
        if let Some(callback) = this.callback.get() {
            let context = this.context.get().unwrap_or(Value::none());
            let pair = Value::of(Tuple::new(cx, &[callback, context]));
            all.push(cx, pair);
        }
        for i in 0..this.callbacks.get().map_or(0, |list| list.len()) {
            if let Some(pair) = this.callbacks.get().and_then(|list| list.get(i)) {
                all.push(cx, pair);
            }
        }
        Ok(if all.is_empty() { None } else { Some(Value::of(all)) })
    }

    #[getter]
    fn _result(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
        this.need_loop(cx)?;
        Ok(this.result.get())
    }

    #[getter]
    fn _exception(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
        this.need_loop(cx)?;
        Ok(this.exception.get())
    }

    #[getter]
    fn _log_traceback(cx: &mut Cx, this: &'static Future) -> PyResult<bool> {
        this.need_loop(cx)?;
        Ok(this.log_traceback.get())
    }
    #[setter("_log_traceback")]
    fn set_log_traceback_(cx: &mut Cx, this: &'static Future, value: Option<Value>) -> PyResult<()> {
        let value = deletable(cx, value, "_log_traceback")?;
        if protocol::truth(cx, value)? {
            return raise!(cx, ValueError, "_log_traceback can only be set to False");
        }
        this.set_log_traceback(false);
        Ok(())
    }

    #[getter("_source_traceback")]
    fn source_traceback_(_cx: &mut Cx, this: &'static Future) -> Option<Value> {
        this.source_traceback.get()
    }

    #[getter]
    fn _cancel_message(_cx: &mut Cx, this: &'static Future) -> Option<Value> {
        this.cancel_message.get()
    }
    #[setter("_cancel_message")]
    fn set_cancel_message(cx: &mut Cx, this: &'static Future, value: Option<Value>) -> PyResult<()> {
        let value = deletable(cx, value, "_cancel_message")?;
        this.cancel_message.set(Some(value));
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn _asyncio_awaited_by(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
        crate::awaited::listed(cx, this)
    }
}

/// What a future lets others do and a task refuses or does otherwise.
struct Settable;

#[pymethods]
impl Settable {
    /// Mark the future done and set its result.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[py("($self, result, /)")]
    fn set_result(cx: &mut Cx, this: &'static Future, result: Value) -> PyResult<()> {
        this.finish(cx, result)
    }

    /// Mark the future done and set an exception.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[py("($self, exception, /)")]
    fn set_exception(cx: &mut Cx, this: &'static Future, exception: Value) -> PyResult<()> {
        this.fail(cx, exception)
    }

    /// Cancel the future and schedule callbacks.
    ///
    /// If the future is already done or cancelled, return False.  Otherwise,
    /// change the future's state to cancelled, schedule the callbacks and
    /// return True.
    #[py("($self, /, msg=None)")]
    fn cancel(cx: &mut Cx, this: &'static Future, msg: Option<Value>) -> PyResult<bool> {
        this.cancel(cx, msg)
    }
}

fn deletable(cx: &mut Cx, value: Option<Value>, name: &str) -> PyResult<Value> {
    match value {
        Some(v) => Ok(v),
        None => raise!(cx, AttributeError, "attribute '{name}' of '_asyncio.Future' objects cannot be deleted"),
    }
}
