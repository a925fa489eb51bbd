//! Awaiting: `__await__` of coroutines, the awaitable protocol, the awaitable that `anext(it, default)` returns.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, PyResult};
use crate::exceptions::{self, Exception};
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::generator::{self, ASYNC_GENERATOR, GENERATOR, Generator};
use crate::types::generator_methods::{check_throw_args, raise_thrown, step_result};
use crate::value::Value;
use crate::{object, raise};
use taipan_bytecode::code::flags as co;
use taipan_macros::pymethods;

/// The iterator that `coroutine.__await__()` gives.
#[repr(C)]
pub struct CoroutineWrapper {
    header: Header,
    coroutine: &'static Generator,
}
object!(CoroutineWrapper, COROUTINE_WRAPPER);

/// The type `coroutine_wrapper`.
pub static COROUTINE_WRAPPER: Type = Type::new(&COROUTINE_WRAPPER_SPEC);
static COROUTINE_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "coroutine_wrapper",
    basicsize: std::mem::size_of::<CoroutineWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_wrapper),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(wrapper_next), ..Slots::NONE },
    methods: &[CoroutineWrapper::METHODS],
    doc: "A wrapper object implementing __await__ for coroutines.",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_wrapper(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    marker.mark_value(Value::of(unsafe { (*object.cast::<CoroutineWrapper>()).coroutine }).bits());
}

/// `coroutine.__await__()`. May collect.
pub(crate) fn wrap(cx: &mut Cx, coroutine: Value) -> Value {
    // SAFETY: the slot of coroutines.
    let coroutine = unsafe { coroutine.cast() };
    Value::of(cx.alloc(CoroutineWrapper { header: Header::fresh(&COROUTINE_WRAPPER), coroutine }))
}

fn wrapper_next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of wrappers.
    let this = unsafe { v.cast::<CoroutineWrapper>() };
    let step = this.coroutine.send(cx, Value::none())?;
    step_result(cx, step).map(Some)
}

#[pymethods]
impl CoroutineWrapper {
    /// send(arg) -> send 'arg' into coroutine,
    /// return next iterated value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static CoroutineWrapper, object: Value) -> PyResult<Value> {
        let step = this.coroutine.send(cx, object)?;
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
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<CoroutineWrapper>() };
        let args = args.rest();
        check_throw_args(cx, args, "throw")?;
        raise_thrown(cx, args.values())?;
        let step = this.coroutine.throw(cx, true)?;
        step_result(cx, step)
    }
    /// close() -> raise GeneratorExit inside coroutine.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static CoroutineWrapper) -> PyResult<Value> {
        this.coroutine.close(cx)
    }
}

// ---- the protocol ------------------------------------------------------------------------------------

/// True for coroutines and generators made by `types.coroutine` functions.
fn is_coroutine_like(v: Value) -> bool {
    let Some(inner) = generator::native(v) else { return false };
    if inner.is_coroutine() {
        return true;
    }
    debug_assert!(std::ptr::eq(v.class(), &GENERATOR));
    // SAFETY: the code stays in the frame.
    unsafe { (*inner.frame.get()).code.flags & co::ITERABLE_COROUTINE != 0 }
}

/// The iterator that `await v` runs. Raises TypeError.
pub fn awaitable_iter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if is_coroutine_like(v) {
        return Ok(v);
    }
    let Some(await_) = v.class().slots().await_ else {
        return raise!(cx, TypeError, "'{}' object can't be awaited", v.class().tp_name());
    };
    let it = await_(cx, v)?;
    if is_coroutine_like(it) {
        return raise!(cx, TypeError, "__await__() returned a coroutine");
    }
    if it.class().slots().next.is_none() {
        let got = it.class().tp_name();
        return raise!(cx, TypeError, "__await__() returned non-iterator of type '{got}'");
    }
    Ok(it)
}

/// As [`awaitable_iter`], for the operation GetAwaitable: `context` is 1 for the result of `__aenter__`, 2 for that of
/// `__aexit__`, else 0.
pub fn get_awaitable_iter(cx: &mut Cx, v: Value, context: usize) -> PyResult<Value> {
    let class = v.class();
    if context != 0 && class.slots().await_.is_none() && !is_coroutine_like(v) {
        let method = if context == 1 { "__aenter__" } else { "__aexit__" };
        let got = class.tp_name();
        return raise!(
            cx,
            TypeError,
            "'async with' received an object from {method} that does not implement __await__: {got}"
        );
    }
    let it = awaitable_iter(cx, v)?;
    if let Some(inner) = generator::native(it)
        && inner.is_coroutine()
        && inner.delegate().is_some()
    {
        return raise!(cx, RuntimeError, "coroutine is being awaited already");
    }
    Ok(it)
}

/// `v.__aiter__()` of an `async for`, checked.
pub fn get_aiter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let Some(aiter) = v.class().slots().aiter else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "'async for' requires an object with __aiter__ method, got {got}");
    };
    let it = aiter(cx, v)?;
    if it.class().slots().anext.is_none() {
        let got = it.class().tp_name();
        return raise!(
            cx,
            TypeError,
            "'async for' received an object from __aiter__ that does not implement __anext__: {got}"
        );
    }
    Ok(it)
}

/// The iterator that awaits `v.__anext__()` of an `async for`.
pub fn get_anext(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let Some(anext) = v.class().slots().anext else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "'async for' requires an iterator with __anext__ method, got {got}");
    };
    let next = anext(cx, v)?;
    if std::ptr::eq(v.class(), &ASYNC_GENERATOR) {
        return Ok(next);
    }
    match awaitable_iter(cx, next) {
        Ok(it) => Ok(it),
        Err(_) => {
            let cause = cx.take_exception();
            let got = next.class().tp_name();
            let text = format!("'async for' received an invalid object from __anext__: {got}");
            let raised = cx.raise_text(&exceptions::TypeError, &text);
            if let Some(e) = cx.exception().and_then(|e| e.downcast::<Exception>()) {
                e.context.set(Some(cause));
                exceptions::set_cause(cx, e, Some(cause));
            }
            Err(raised)
        }
    }
}

// ---- anext(it, default) --------------------------------------------------------------------------------

/// The awaitable of `anext(it, default)`.
#[repr(C)]
pub struct AnextAwaitable {
    header: Header,
    wrapped: Value,
    default: Value,
    /// The iterator, once awaiting has begun.
    iter: Cell<Option<Value>>,
}
object!(AnextAwaitable, ANEXT_AWAITABLE);

/// The type `anext_awaitable`.
pub static ANEXT_AWAITABLE: Type = Type::new(&ANEXT_AWAITABLE_SPEC);
static ANEXT_AWAITABLE_SPEC: TypeSpec = TypeSpec {
    name: "anext_awaitable",
    basicsize: std::mem::size_of::<AnextAwaitable>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_anext),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        next: Some(|cx, v| {
            // SAFETY: the slot of these objects.
            let this = unsafe { v.cast::<AnextAwaitable>() };
            this.forward(cx, |cx, it| {
                let next = it.class().slots().next.expect("checked by inner");
                match next(cx, it)? {
                    Some(value) => Ok(value),
                    None => Err(cx.raise_stop_iteration(None)),
                }
            })
            .map(Some)
        }),
        ..Slots::NONE
    },
    methods: &[AnextAwaitable::METHODS],
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&COROUTINE_WRAPPER, &ANEXT_AWAITABLE];

unsafe fn trace_anext(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<AnextAwaitable>() };
    for v in [Some(this.wrapped), Some(this.default), this.iter.get()].into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

/// The awaitable of `anext(it, default)`, given `it.__anext__()`. May collect.
pub fn anext_awaitable(cx: &mut Cx, wrapped: Value, default: Value) -> Value {
    let header = Header::fresh(&ANEXT_AWAITABLE);
    Value::of(cx.alloc(AnextAwaitable { header, wrapped, default, iter: Cell::new(None) }))
}

impl AnextAwaitable {
    /// The iterator that awaits the wrapped object.
    fn inner(&'static self, cx: &mut Cx) -> PyResult<Value> {
        let mut it = awaitable_iter(cx, self.wrapped)?;
        if it.class().slots().next.is_none() {
            // A coroutine: its `__await__` gives an iterator.
            let Some(await_) = it.class().slots().await_ else {
                let got = it.class().tp_name();
                return raise!(cx, TypeError, "'{got}' object can't be awaited");
            };
            it = await_(cx, it)?;
            if it.class().slots().next.is_none() {
                let got = it.class().tp_name();
                return raise!(cx, TypeError, "__await__() returned non-iterator of type '{got}'");
            }
        }
        self.iter.set(Some(it));
        cx.barrier(self);
        Ok(it)
    }

    /// Runs `f` on the iterator; the end of the asynchronous iteration becomes a StopIteration with the default.
    fn forward(&'static self, cx: &mut Cx, f: impl FnOnce(&mut Cx, Value) -> PyResult<Value>) -> PyResult<Value> {
        let it = self.inner(cx)?;
        match f(cx, it) {
            Err(_) if cx.exception_matches(&exceptions::StopAsyncIteration) => {
                cx.take_exception();
                Err(cx.raise_stop_iteration(Some(self.default)))
            }
            result => result,
        }
    }
}

#[pymethods]
impl AnextAwaitable {
    /// send(arg) -> send 'arg' into the wrapped iterator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, object, /)")]
    fn send(cx: &mut Cx, this: &'static AnextAwaitable, object: Value) -> PyResult<Value> {
        this.forward(cx, |cx, it| cx.call_method_text(it, "send", &[object]))
    }
    /// throw(value)
    /// throw(typ[,val[,tb]])
    ///
    /// raise exception in the wrapped iterator, return next yielded value
    /// or raise StopIteration.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[py("($self, typ, val=None, tb=None, /)", raw)]
    fn throw(cx: &mut Cx, args: Args) -> PyResult<Value> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<AnextAwaitable>() };
        let values = args.rest().values();
        this.forward(cx, |cx, it| cx.call_method_text(it, "throw", values))
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static AnextAwaitable) -> PyResult<Value> {
        this.forward(cx, |cx, it| cx.call_method_text(it, "close", &[]))
    }
}
