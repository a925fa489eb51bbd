//! What `asend`, `athrow`, `aclose` and `__anext__` of async generators return: awaitables that resume the generator.
//!
//! A value that the generator yields to its consumer is wrapped ([`wrap`], operation AsyncGenWrap), so that it can be
//! told from a value that something awaited inside yields to the event loop.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, PyResult};
use crate::exceptions;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::generator::{Generator, State, Step};
use crate::types::generator_methods::{check_throw_args, raise_thrown};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{object, raise};
use taipan_macros::pymethods;

// ---- wrapped values -----------------------------------------------------------------------------------

/// A value yielded by an async generator.
#[repr(C)]
pub struct Wrapped {
    header: Header,
    value: Value,
}
object!(Wrapped, WRAPPED);

/// The type of wrapped values; Python code never sees them.
pub static WRAPPED: Type = Type::new(&WRAPPED_SPEC);
static WRAPPED_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_wrapped_value",
    basicsize: std::mem::size_of::<Wrapped>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_wrapped),
    ..TypeSpec::DEFAULT
};

unsafe fn trace_wrapped(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    marker.mark_value(unsafe { (*object.cast::<Wrapped>()).value }.bits());
}

/// Wraps a value that an async generator yields. May collect.
pub fn wrap(cx: &mut Cx, value: Value) -> Value {
    Value::of(cx.alloc(Wrapped { header: Header::fresh(&WRAPPED), value }))
}

// ---- awaitables ---------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Not awaited yet.
    New,
    /// Being awaited.
    Running,
    /// Finished.
    Closed,
}

/// `asend(v)` and `__anext__()`.
#[repr(C)]
pub struct Asend {
    header: Header,
    generator: &'static Generator,
    /// None for `__anext__`.
    value: Option<Value>,
    phase: Cell<Phase>,
}
object!(Asend, ASEND);

/// `athrow(...)` and `aclose()`.
#[repr(C)]
pub struct Athrow {
    header: Header,
    generator: &'static Generator,
    /// None for `aclose`.
    args: Option<&'static Tuple>,
    phase: Cell<Phase>,
}
object!(Athrow, ATHROW);

/// The type `async_generator_asend`.
pub static ASEND: Type = Type::new(&ASEND_SPEC);
static ASEND_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_asend",
    basicsize: std::mem::size_of::<Asend>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_asend),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        // SAFETY: the slot of these objects.
        next: Some(|cx, v| unsafe { v.cast::<Asend>() }.resume(cx, Value::none()).map(Some)),
        ..Slots::NONE
    },
    methods: &[Asend::METHODS],
    ..TypeSpec::DEFAULT
};
/// The type `async_generator_athrow`.
pub static ATHROW: Type = Type::new(&ATHROW_SPEC);
static ATHROW_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_athrow",
    basicsize: std::mem::size_of::<Athrow>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_athrow),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        // SAFETY: the slot of these objects.
        next: Some(|cx, v| unsafe { v.cast::<Athrow>() }.resume(cx, Value::none()).map(Some)),
        ..Slots::NONE
    },
    methods: &[Athrow::METHODS],
    ..TypeSpec::DEFAULT
};
/// Types of this file.
pub static TYPES: &[&Type] = &[&WRAPPED, &ASEND, &ATHROW];

unsafe fn trace_asend(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<Asend>() };
    marker.mark_value(Value::of(this.generator).bits());
    if let Some(value) = this.value {
        marker.mark_value(value.bits());
    }
}

unsafe fn trace_athrow(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<Athrow>() };
    marker.mark_value(Value::of(this.generator).bits());
    if let Some(args) = this.args {
        marker.mark_value(Value::of(args).bits());
    }
}

/// Calls the `firstiter` hook and remembers the finaliser, the first time the generator is used.
fn init_hooks(cx: &mut Cx, generator: &'static Generator) -> PyResult<()> {
    if generator.hooks_inited.replace(true) {
        return Ok(());
    }
    let (firstiter, finalizer) = cx.rt().asyncgen_hooks.get();
    generator.extra.set(finalizer);
    cx.barrier(generator);
    if let Some(firstiter) = firstiter {
        cx.call(firstiter, &[Value::of(generator)])?;
    }
    Ok(())
}

/// `generator.asend(value)`, or `generator.__anext__()` without one. May run Python code.
pub(crate) fn asend(cx: &mut Cx, generator: &'static Generator, value: Option<Value>) -> PyResult<Value> {
    init_hooks(cx, generator)?;
    let header = Header::fresh(&ASEND);
    Ok(Value::of(cx.alloc(Asend { header, generator, value, phase: Cell::new(Phase::New) })))
}

/// The `anext` slot of async generators.
pub(crate) fn anext(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of async generators.
    asend(cx, unsafe { v.cast() }, None)
}

/// `generator.athrow(*args)`, or `generator.aclose()` without arguments. May run Python code.
pub(crate) fn athrow(cx: &mut Cx, generator: &'static Generator, args: Option<&[Value]>) -> PyResult<Value> {
    init_hooks(cx, generator)?;
    let args = args.map(|a| Tuple::new(cx, a));
    let header = Header::fresh(&ATHROW);
    Ok(Value::of(cx.alloc(Athrow { header, generator, args, phase: Cell::new(Phase::New) })))
}

/// A step of an async generator as a value that is yielded to the event loop, or an exception.
fn raw(cx: &mut Cx, step: PyResult<Step>) -> PyResult<Value> {
    match step? {
        Step::Yielded(value) => Ok(value),
        Step::Returned(_) => Err(cx.raise_args(&exceptions::StopAsyncIteration, &[])),
    }
}

fn generator_is_over(cx: &Cx) -> bool {
    cx.exception_matches(&exceptions::StopAsyncIteration) || cx.exception_matches(&exceptions::GeneratorExit)
}

/// A value for the consumer ends the awaitable: it becomes a StopIteration.
fn unwrap(cx: &mut Cx, generator: &'static Generator, result: PyResult<Value>) -> PyResult<Value> {
    match result {
        Ok(value) => match value.exact::<Wrapped>() {
            Some(wrapped) => {
                generator.running_async.set(false);
                Err(cx.raise_stop_iteration(Some(wrapped.value)))
            }
            None => Ok(value),
        },
        Err(raised) => {
            if generator_is_over(cx) {
                generator.closed.set(true);
            }
            generator.running_async.set(false);
            Err(raised)
        }
    }
}

impl Asend {
    /// Checks and changes the phase before the generator is resumed.
    fn begin(&self, cx: &mut Cx) -> PyResult<()> {
        match self.phase.get() {
            Phase::Closed => raise!(cx, RuntimeError, "cannot reuse already awaited __anext__()/asend()"),
            Phase::New if self.generator.running_async.get() => {
                self.phase.set(Phase::Closed);
                raise!(cx, RuntimeError, "anext(): asynchronous generator is already running")
            }
            _ => {
                self.phase.set(Phase::Running);
                self.generator.running_async.set(true);
                Ok(())
            }
        }
    }

    fn end(&self, result: PyResult<Value>) -> PyResult<Value> {
        if result.is_err() {
            self.phase.set(Phase::Closed);
        }
        result
    }

    fn resume(&'static self, cx: &mut Cx, sent: Value) -> PyResult<Value> {
        let first = self.phase.get() == Phase::New;
        self.begin(cx)?;
        let sent = if first && sent.is_none() { self.value.unwrap_or(sent) } else { sent };
        let step = self.generator.send(cx, sent);
        let result = raw(cx, step);
        let result = unwrap(cx, self.generator, result);
        self.end(result)
    }

    /// As `send`, for who awaits it: (what the generator gives its consumer, true) or (what it awaits itself, false). Nobody sees
    /// the StopIteration that `send` would raise.
    pub(crate) fn send_to(&'static self, cx: &mut Cx, sent: Value) -> PyResult<(Value, bool)> {
        let first = self.phase.get() == Phase::New;
        self.begin(cx)?;
        let sent = if first && sent.is_none() { self.value.unwrap_or(sent) } else { sent };
        let step = self.generator.send(cx, sent);
        let result = raw(cx, step);
        if let Ok(value) = result {
            return Ok(match value.exact::<Wrapped>() {
                Some(wrapped) => {
                    self.generator.running_async.set(false);
                    self.phase.set(Phase::Closed);
                    (wrapped.value, true)
                }
                None => (value, false),
            });
        }
        let result = unwrap(cx, self.generator, result);
        self.end(result).map(|value| (value, false))
    }

    fn throw_into(&'static self, cx: &mut Cx, args: &[Value]) -> PyResult<Value> {
        self.begin(cx)?;
        let result = raise_thrown(cx, args).and_then(|()| {
            let step = self.generator.throw(cx, true);
            raw(cx, step)
        });
        let result = unwrap(cx, self.generator, result);
        self.end(result)
    }
}

#[pymethods]
impl Asend {
    /// send(value) -> send 'value' into generator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static Asend, object: Value) -> PyResult<Value> {
        this.resume(cx, object)
    }
    /// throw(value)
    /// throw(type[,value[,tb]])
    ///
    /// Raise exception in generator, return next yielded value or raise
    /// StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[py("($self, typ, val=None, tb=None, /)", raw)]
    fn throw(cx: &mut Cx, args: Args) -> PyResult<Value> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<Asend>() };
        check_throw_args(cx, args.rest(), "throw")?;
        this.throw_into(cx, args.rest().values())
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Asend) -> PyResult<()> {
        if this.phase.get() == Phase::Closed {
            return Ok(());
        }
        let result = this.throw_into(cx, &[Value::of(&exceptions::GeneratorExit)]);
        closed(cx, result)
    }
}

/// The end of `close()` of an awaitable.
fn closed(cx: &mut Cx, result: PyResult<Value>) -> PyResult<()> {
    match result {
        Ok(_) => raise!(cx, RuntimeError, "coroutine ignored GeneratorExit"),
        Err(_) if generator_is_over(cx) || cx.exception_matches(&exceptions::StopIteration) => {
            cx.take_exception();
            Ok(())
        }
        Err(raised) => Err(raised),
    }
}

impl Athrow {
    fn already_running<T>(&self, cx: &mut Cx) -> PyResult<T> {
        self.phase.set(Phase::Closed);
        let what = if self.args.is_some() { "athrow" } else { "aclose" };
        raise!(cx, RuntimeError, "{what}(): asynchronous generator is already running")
    }

    fn resume(&'static self, cx: &mut Cx, sent: Value) -> PyResult<Value> {
        let generator = self.generator;
        if self.phase.get() == Phase::Closed {
            return raise!(cx, RuntimeError, "cannot reuse already awaited aclose()/athrow()");
        }
        if generator.state() == State::Finished {
            self.phase.set(Phase::Closed);
            return Err(cx.raise_stop_iteration(None));
        }
        let result = if self.phase.get() == Phase::New {
            if generator.running_async.get() {
                return self.already_running(cx);
            }
            if generator.closed.get() {
                self.phase.set(Phase::Closed);
                return Err(cx.raise_args(&exceptions::StopAsyncIteration, &[]));
            }
            if !sent.is_none() {
                return raise!(cx, RuntimeError, "can't send non-None value to a just-started coroutine");
            }
            self.phase.set(Phase::Running);
            generator.running_async.set(true);
            self.begin_throw(cx)
        } else {
            let step = generator.send(cx, sent);
            raw(cx, step)
        };
        self.finish(cx, result)
    }

    /// Throws the awaitable's own exception into the generator.
    fn begin_throw(&'static self, cx: &mut Cx) -> PyResult<Value> {
        match self.args {
            Some(args) => raise_thrown(cx, args.items())?,
            None => {
                self.generator.closed.set(true);
                raise_thrown(cx, &[Value::of(&exceptions::GeneratorExit)])?;
            }
        }
        let step = self.generator.throw(cx, false);
        raw(cx, step)
    }

    /// What the result of resuming the generator means for whoever awaits.
    fn finish(&'static self, cx: &mut Cx, result: PyResult<Value>) -> PyResult<Value> {
        let generator = self.generator;
        let result = match result {
            result if self.args.is_some() => unwrap(cx, generator, result),
            Ok(value) if value.exact::<Wrapped>().is_some() => {
                generator.running_async.set(false);
                self.phase.set(Phase::Closed);
                return raise!(cx, RuntimeError, "async generator ignored GeneratorExit");
            }
            result => result,
        };
        if result.is_err() {
            generator.running_async.set(false);
            self.phase.set(Phase::Closed);
            if self.args.is_none() && generator_is_over(cx) {
                // The generator ended, as `aclose()` wants.
                cx.take_exception();
                return Err(cx.raise_stop_iteration(None));
            }
        }
        result
    }

    fn throw_into(&'static self, cx: &mut Cx, args: &[Value]) -> PyResult<Value> {
        match self.phase.get() {
            Phase::Closed => return raise!(cx, RuntimeError, "cannot reuse already awaited aclose()/athrow()"),
            Phase::New if self.generator.running_async.get() => return self.already_running(cx),
            _ => {
                self.phase.set(Phase::Running);
                self.generator.running_async.set(true);
            }
        }
        let result = raise_thrown(cx, args).and_then(|()| {
            let step = self.generator.throw(cx, true);
            raw(cx, step)
        });
        self.finish(cx, result)
    }
}

#[pymethods]
impl Athrow {
    /// send(value) -> send 'value' into generator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static Athrow, object: Value) -> PyResult<Value> {
        this.resume(cx, object)
    }
    /// throw(value)
    /// throw(type[,value[,tb]])
    ///
    /// Raise exception in generator, return next yielded value or raise
    /// StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[py("($self, typ, val=None, tb=None, /)", raw)]
    fn throw(cx: &mut Cx, args: Args) -> PyResult<Value> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<Athrow>() };
        check_throw_args(cx, args.rest(), "throw")?;
        this.throw_into(cx, args.rest().values())
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Athrow) -> PyResult<()> {
        if this.phase.get() == Phase::Closed {
            return Ok(());
        }
        let result = this.throw_into(cx, &[Value::of(&exceptions::GeneratorExit)]);
        closed(cx, result)
    }
}
