//! Methods of generators, coroutines and async generators; what the interpreter calls about them.

use crate::cx::{Cx, PyResult, Raised};
use crate::exceptions::{self, Exception};
use crate::native::Args;
use crate::raise;
use crate::typeobj::{Type, flags};
use crate::types::async_gen;
use crate::types::async_gen::Asend;
use crate::types::code::CodeObject;
use crate::types::frame::FrameObject;
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator, State, Step};
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::value::Value;
use taipan_bytecode::code::flags as co;
use taipan_macros::pymethods;

/// What all three types have.
pub struct Shared;

#[pymethods]
impl Shared {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
    /// name of the generator
    #[getter]
    fn __name__(_cx: &mut Cx, this: &'static Generator) -> &'static Str {
        this.name.get()
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        let Some(name) = value.and_then(|v| v.downcast::<Str>()) else {
            return raise!(cx, TypeError, "__name__ must be set to a string object");
        };
        this.name.set(name);
        cx.barrier(this);
        Ok(())
    }
    /// qualified name of the generator
    #[getter]
    fn __qualname__(_cx: &mut Cx, this: &'static Generator) -> &'static Str {
        this.qualname.get()
    }
    #[setter("__qualname__")]
    fn set_qualname(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        let Some(name) = value.and_then(|v| v.downcast::<Str>()) else {
            return raise!(cx, TypeError, "__qualname__ must be set to a string object");
        };
        this.qualname.set(name);
        cx.barrier(this);
        Ok(())
    }
    /// Called when the instance is about to be destroyed.
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static Generator) {
        finalize(cx, this);
    }
}

fn frame_of(cx: &mut Cx, this: &'static Generator) -> Option<&'static FrameObject> {
    if this.state() == State::Finished {
        return None;
    }
    Some(FrameObject::of(cx, this.frame.get()))
}

fn code_of(this: &'static Generator) -> &'static CodeObject {
    // SAFETY: the code stays in the frame when that has ended.
    unsafe { (*this.frame.get()).code }
}

fn is_running(this: &'static Generator) -> bool {
    this.state() == State::Running
}

/// What `send` and `throw` give: the yielded value, or StopIteration with the returned one.
pub(crate) fn step_result(cx: &mut Cx, step: Step) -> PyResult<Value> {
    match step {
        Step::Yielded(value) => Ok(value),
        Step::Returned(value) => Err(cx.raise_stop_iteration(Some(value))),
    }
}

/// Methods and attributes of generators.
pub struct GeneratorMethods;

#[pymethods]
impl GeneratorMethods {
    #[getter]
    fn gi_frame(cx: &mut Cx, this: &'static Generator) -> Option<&'static FrameObject> {
        frame_of(cx, this)
    }
    #[getter]
    fn gi_code(_cx: &mut Cx, this: &'static Generator) -> &'static CodeObject {
        code_of(this)
    }
    #[getter]
    fn gi_running(_cx: &mut Cx, this: &'static Generator) -> bool {
        is_running(this)
    }
    #[getter]
    fn gi_suspended(_cx: &mut Cx, this: &'static Generator) -> bool {
        this.state() == State::Suspended
    }
    /// object being iterated by yield from, or None
    #[getter]
    fn gi_yieldfrom(_cx: &mut Cx, this: &'static Generator) -> Option<Value> {
        this.delegate()
    }
    /// send(value) -> send 'value' into generator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static Generator, object: Value) -> PyResult<Value> {
        let step = this.send(cx, object)?;
        step_result(cx, step)
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
        throw(cx, args)
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Generator) -> PyResult<Value> {
        this.close(cx)
    }
}

/// Methods and attributes of coroutines.
pub struct CoroutineMethods;

#[pymethods]
impl CoroutineMethods {
    /// name of the coroutine
    #[getter]
    fn __name__(cx: &mut Cx, this: &'static Generator) -> &'static Str {
        Shared::__name__(cx, this)
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        Shared::set_name(cx, this, value)
    }
    /// qualified name of the coroutine
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static Generator) -> &'static Str {
        Shared::__qualname__(cx, this)
    }
    #[setter("__qualname__")]
    fn set_qualname(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        Shared::set_qualname(cx, this, value)
    }
    #[getter]
    fn cr_frame(cx: &mut Cx, this: &'static Generator) -> Option<&'static FrameObject> {
        frame_of(cx, this)
    }
    #[getter]
    fn cr_code(_cx: &mut Cx, this: &'static Generator) -> &'static CodeObject {
        code_of(this)
    }
    #[getter]
    fn cr_running(_cx: &mut Cx, this: &'static Generator) -> bool {
        is_running(this)
    }
    #[getter]
    fn cr_suspended(_cx: &mut Cx, this: &'static Generator) -> bool {
        this.state() == State::Suspended
    }
    /// object being awaited on, or None
    #[getter]
    fn cr_await(_cx: &mut Cx, this: &'static Generator) -> Option<Value> {
        this.delegate()
    }
    #[getter]
    fn cr_origin(_cx: &mut Cx, this: &'static Generator) -> Option<Value> {
        this.extra.get()
    }
    /// send(arg) -> send 'arg' into coroutine,
    /// return next iterated value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static Generator, object: Value) -> PyResult<Value> {
        let step = this.send(cx, object)?;
        step_result(cx, step)
    }
    /// throw(value)
    /// throw(type[,value[,traceback]])
    ///
    /// Raise exception in coroutine, return next iterated value or raise
    /// StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[py("($self, typ, val=None, tb=None, /)", raw)]
    fn throw(cx: &mut Cx, args: Args) -> PyResult<Value> {
        throw(cx, args)
    }
    /// close() -> raise GeneratorExit inside coroutine.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Generator) -> PyResult<Value> {
        this.close(cx)
    }
}

/// Methods and attributes of async generators; the awaitables they make are in `async_gen.rs`.
pub struct AsyncGeneratorMethods;

#[pymethods]
impl AsyncGeneratorMethods {
    /// name of the async generator
    #[getter]
    fn __name__(cx: &mut Cx, this: &'static Generator) -> &'static Str {
        Shared::__name__(cx, this)
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        Shared::set_name(cx, this, value)
    }
    /// qualified name of the async generator
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static Generator) -> &'static Str {
        Shared::__qualname__(cx, this)
    }
    #[setter("__qualname__")]
    fn set_qualname(cx: &mut Cx, this: &'static Generator, value: Option<Value>) -> PyResult<()> {
        Shared::set_qualname(cx, this, value)
    }
    #[getter]
    fn ag_frame(cx: &mut Cx, this: &'static Generator) -> Option<&'static FrameObject> {
        frame_of(cx, this)
    }
    #[getter]
    fn ag_code(_cx: &mut Cx, this: &'static Generator) -> &'static CodeObject {
        code_of(this)
    }
    #[getter]
    fn ag_running(_cx: &mut Cx, this: &'static Generator) -> bool {
        this.running_async.get()
    }
    #[getter]
    fn ag_suspended(_cx: &mut Cx, this: &'static Generator) -> bool {
        this.state() == State::Suspended
    }
    /// object being awaited on, or None
    #[getter]
    fn ag_await(_cx: &mut Cx, this: &'static Generator) -> Option<Value> {
        this.delegate()
    }
    /// asend(v) -> send 'v' in generator.
    #[py("($self, object, /)")]
    fn asend(cx: &mut Cx, this: &'static Generator, object: Value) -> PyResult<Value> {
        async_gen::asend(cx, this, Some(object))
    }
    /// athrow(value)
    /// athrow(type[,value[,tb]])
    ///
    /// raise exception in generator.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[py("($self, typ, val=None, tb=None, /)", raw)]
    fn athrow(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (this, args) = (args.values()[0], args.rest());
        check_throw_args(cx, args, "athrow")?;
        // SAFETY: the receiver was checked.
        async_gen::athrow(cx, unsafe { this.cast() }, Some(args.values()))
    }
    /// aclose() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn aclose(cx: &mut Cx, this: &'static Generator) -> PyResult<Value> {
        async_gen::athrow(cx, this, None)
    }
}

/// Checks the number of arguments of a `throw`-like method and warns about the old signature.
pub(crate) fn check_throw_args(cx: &mut Cx, args: Args, name: &str) -> PyResult<()> {
    args.no_keywords(cx, name)?;
    let n = args.values().len();
    match n {
        1 => Ok(()),
        0 => raise!(cx, TypeError, "{name} expected at least 1 argument, got 0"),
        2 | 3 => {
            let text = format!(
                "the (type, exc, tb) signature of {name}() is deprecated, use the single-arg signature instead."
            );
            crate::protocol::warn::deprecation(cx, &text)
        }
        _ => raise!(cx, TypeError, "{name} expected at most 3 arguments, got {n}"),
    }
}

/// Raises what the arguments of a `throw`-like method say, in the context, without setting its `__context__`.
pub(crate) fn raise_thrown(cx: &mut Cx, args: &[Value]) -> PyResult<()> {
    let optional = |i: usize| args.get(i).copied().filter(|v| !v.is_none());
    let (typ, val, mut tb) = (args[0], optional(1), optional(2));
    if let Some(tb) = tb
        && tb.exact::<Traceback>().is_none()
    {
        return raise!(cx, TypeError, "throw() third argument must be a traceback object");
    }
    let exception = if typ.downcast::<Type>().is_some_and(|t| t.has(flags::BASE_EXC)) {
        match normalize(cx, typ, val) {
            Ok(exception) => exception,
            // What goes wrong is thrown instead.
            Err(_) => return Ok(()),
        }
    } else if typ.downcast::<Exception>().is_some() {
        if val.is_some() {
            return raise!(cx, TypeError, "instance exception may not have a separate value");
        }
        tb = tb.or(typ.downcast::<Exception>().and_then(|e| e.traceback.get()));
        typ
    } else {
        let got = typ.class().name();
        return raise!(cx, TypeError, "exceptions must be classes or instances deriving from BaseException, not {got}");
    };
    if let Some(e) = exception.downcast::<Exception>() {
        e.traceback.set(tb);
        cx.barrier(e);
    }
    cx.raise_again(exception);
    Ok(())
}

/// The instance for a class and an optional value: that value, if it is an instance already, else a call of the class.
fn normalize(cx: &mut Cx, class: Value, value: Option<Value>) -> PyResult<Value> {
    let made = match value {
        None => cx.call(class, &[])?,
        Some(v) if class.downcast::<Type>().is_some_and(|c| v.is_instance(c)) => v,
        Some(v) => match v.downcast::<Tuple>() {
            Some(args) => cx.call(class, args.items())?,
            None => cx.call(class, &[v])?,
        },
    };
    exceptions::from_operand(cx, made)
}

/// `throw(...)` of generators and coroutines; the receiver comes first.
fn throw(cx: &mut Cx, args: Args) -> PyResult<Value> {
    // SAFETY: the receiver was checked.
    let this: &'static Generator = unsafe { args.values()[0].cast() };
    let args = args.rest();
    check_throw_args(cx, args, "throw")?;
    raise_thrown(cx, args.values())?;
    let step = this.throw(cx, true)?;
    step_result(cx, step)
}

// ---- for the interpreter ----------------------------------------------------------------------------

/// To be called with every new generator, coroutine and async generator: registers those that need finalisation and
/// records the origin of coroutines.
pub fn created(cx: &mut Cx, this: &'static Generator) {
    let class = Value::of(this).class();
    if std::ptr::eq(class, &GENERATOR) {
        let handlers = &code_of(this).handlers;
        let whole = handlers.last().map(|h| h.target);
        if !handlers.iter().any(|h| Some(h.target) != whole) {
            return;
        }
    } else if std::ptr::eq(class, &COROUTINE) && cx.rt().coroutine_origin_depth.get() > 0 {
        let origin = origin(cx);
        this.extra.set(Some(Value::of(origin)));
        cx.barrier(this);
    }
    this.registered.set(true);
    cx.register_special(Value::of(this));
}

/// `cr_origin`: (file, line, function) of the frames below the running one.
fn origin(cx: &mut Cx) -> &'static Tuple {
    let depth = cx.rt().coroutine_origin_depth.get();
    let entries = crate::types::list::List::new(cx);
    // SAFETY: FRAME-1.
    let mut at = unsafe { cx.frame.as_ref().and_then(|f| f.prev.as_ref()) };
    while let Some(frame) = at
        && entries.len() < depth
    {
        let line = Value::small(frame.line() as i64);
        let entry = Tuple::new(cx, &[Value::of(frame.code.filename.get()), line, Value::of(frame.code.name)]);
        entries.push(cx, Value::of(entry));
        // SAFETY: FRAME-1.
        at = unsafe { frame.prev.as_ref() };
    }
    Tuple::new(cx, entries.items())
}

/// What a StopIteration that leaves a generator (or StopAsyncIteration, an async generator) is turned into.
pub fn stop_iteration_error(cx: &mut Cx, exception: Value) -> PyResult<Value> {
    // SAFETY: FRAME-1: the running frame is a generator's.
    let code_flags = unsafe { (*cx.frame).code.flags };
    let text = if exception.is_instance(&exceptions::StopIteration) {
        if code_flags & co::ASYNC_GENERATOR != 0 {
            "async generator raised StopIteration"
        } else if code_flags & co::COROUTINE != 0 {
            "coroutine raised StopIteration"
        } else {
            "generator raised StopIteration"
        }
    } else if code_flags & co::ASYNC_GENERATOR != 0 && exception.is_instance(&exceptions::StopAsyncIteration) {
        "async generator raised StopAsyncIteration"
    } else {
        return Ok(exception);
    };
    let message = cx.str(text);
    let error = exceptions::instantiate(cx, &exceptions::RuntimeError, &[message])?;
    if let Some(new) = error.downcast::<Exception>() {
        new.context.set(Some(exception));
        exceptions::set_cause(cx, new, Some(exception));
    }
    Ok(error)
}

/// Sends `sent` to the iterator of a `yield from` or `await`: (what it yielded, false) or (what it returned, true).
pub fn send_to(cx: &mut Cx, it: Value, sent: Value) -> PyResult<(Value, bool)> {
    if let Some(inner) = generator::native(it) {
        return Ok(match inner.send(cx, sent)? {
            Step::Yielded(value) => (value, false),
            Step::Returned(value) => (value, true),
        });
    }
    if let Some(asend) = it.exact::<Asend>() {
        return asend.send_to(cx, sent);
    }
    let result = match it.class().slots().next {
        Some(_) if sent.is_none() && it.class().is_heap_type() => {
            // The slot of a Python class would drop the value of a StopIteration.
            let name = cx.names().__next__;
            match cx.lookup_special(it, name) {
                Some(f) => crate::protocol::call::call_unbound(cx, f, it, &[]),
                None => crate::protocol::iter::next(cx, it).map(|v| v.unwrap_or(Value::none())),
            }
        }
        Some(next) if sent.is_none() => match next(cx, it) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => return Ok((Value::none(), true)),
            Err(raised) => Err(raised),
        },
        _ => {
            let name = cx.names().send;
            cx.call_method(it, name, &[sent])
        }
    };
    match result {
        Ok(value) => Ok((value, false)),
        Err(_) if cx.exception_matches(&exceptions::StopIteration) => Ok((generator::take_stop_value(cx), true)),
        Err(raised) => Err(raised),
    }
}

/// `iter(v)` for `yield from v`: a coroutine is only accepted in a coroutine or a `types.coroutine` generator.
pub fn get_yield_from_iter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(inner) = generator::native(v) {
        if inner.is_coroutine() {
            // SAFETY: FRAME-1.
            let code_flags = unsafe { (*cx.frame).code.flags };
            if code_flags & (co::COROUTINE | co::ITERABLE_COROUTINE) == 0 {
                return raise!(cx, TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
            }
        }
        return Ok(v);
    }
    crate::protocol::iter::iter(cx, v)
}

// ---- finalisation -----------------------------------------------------------------------------------

/// `__del__`: closes a suspended generator, reports a coroutine that was never awaited, calls the finaliser hook of
/// an async generator.
fn finalize(cx: &mut Cx, this: &'static Generator) {
    if this.state() == State::Finished {
        return;
    }
    let me = Value::of(this);
    if std::ptr::eq(me.class(), &generator::ASYNC_GENERATOR)
        && let Some(finalizer) = this.extra.get().filter(|_| !this.closed.get())
    {
        if cx.call(finalizer, &[me]).is_err() {
            report(cx, me, "Exception ignored while calling async generator finalizer");
        }
        return;
    }
    if this.is_coroutine() && this.state() == State::Created {
        if warn_unawaited(cx, this).is_err() {
            report(cx, me, "Exception ignored while finalizing coroutine");
        }
        return;
    }
    if (this.is_inside_handler() || this.delegate().is_some()) && this.close(cx).is_err() {
        report(cx, me, "Exception ignored while closing generator");
    }
}

/// Reports the raised exception as unraisable.
fn report(cx: &mut Cx, object: Value, what: &str) {
    let exception = cx.take_exception();
    let message = match crate::protocol::object::repr(cx, object) {
        Ok(text) => format!("{what} {text}"),
        Err(Raised) => {
            cx.take_exception();
            what.to_string()
        }
    };
    crate::protocol::object::unraisable(cx, exception, None, Some(&message));
}

/// RuntimeWarning "coroutine 'f' was never awaited", through `warnings._warn_unawaited_coroutine` if there is one.
fn warn_unawaited(cx: &mut Cx, this: &'static Generator) -> PyResult<()> {
    if let Some(warnings) = warnings_module(cx)
        && let Some(f) = {
            let name = cx.intern("_warn_unawaited_coroutine");
            crate::protocol::attr::get_optional(cx, warnings, name)?
        }
    {
        return cx.call(f, &[Value::of(this)]).map(|_| ());
    }
    let text = format!("coroutine '{}' was never awaited", this.qualname.get());
    crate::protocol::warn::warn(cx, &exceptions::RuntimeWarning, &text, 1)
}

fn warnings_module(cx: &mut Cx) -> Option<Value> {
    let name = cx.names().warnings;
    if let Some(found) = cx.rt().modules.get().and_then(|m| m.get_str(name)) {
        return Some(found);
    }
    let import = cx.names().__import__;
    let import = cx.rt().builtins.get()?.get_str(import)?;
    match cx.call(import, &[Value::of(name)]) {
        Ok(module) => Some(module),
        Err(_) => {
            cx.take_exception();
            None
        }
    }
}
