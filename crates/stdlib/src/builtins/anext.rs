//! What `anext` with a default and `iter` with a sentinel give.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise};

/// The awaitable of `anext(it, default)`: StopAsyncIteration becomes the default.
#[repr(C)]
pub struct AnextAwaitable {
    header: Header,
    awaitable: Value,
    default: Value,
}
object!(AnextAwaitable, ANEXT);

static ANEXT: Type = Type::new(&ANEXT_SPEC);
static ANEXT_SPEC: TypeSpec = TypeSpec {
    name: "anext_awaitable",
    basicsize: std::mem::size_of::<AnextAwaitable>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_anext),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        next: Some(|cx, v| {
            let inner = iterator(cx, v)?;
            let Some(f) = inner.class().slots().next else { return Ok(None) };
            let result = f(cx, inner);
            finish(cx, v, result)
        }),
        ..Slots::NONE
    },
    methods: &[AnextAwaitable::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_anext(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<AnextAwaitable>() };
    marker.mark_value(this.awaitable.bits());
    marker.mark_value(this.default.bits());
}

/// A new awaitable. May collect.
pub fn new(cx: &mut Cx, awaitable: Value, default: Value) -> Value {
    cx.ready_type(&ANEXT);
    Value::of(cx.alloc(AnextAwaitable { header: Header::fresh(&ANEXT), awaitable, default }))
}

fn this(v: Value) -> &'static AnextAwaitable {
    // SAFETY: slots and methods of this type.
    unsafe { v.cast() }
}

/// The iterator that awaiting the inner awaitable gives.
fn iterator(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let awaitable = this(v).awaitable;
    match awaitable.class().slots().await_ {
        Some(f) => f(cx, awaitable),
        None if awaitable.class().slots().next.is_some() => Ok(awaitable),
        None => {
            let got = awaitable.class().tp_name();
            raise!(cx, TypeError, "'{got}' object can't be awaited")
        }
    }
}

fn finish<T>(cx: &mut Cx, v: Value, result: PyResult<T>) -> PyResult<T> {
    if result.is_err() && cx.exception_matches(&exceptions::StopAsyncIteration) {
        cx.take_exception();
        return Err(cx.raise_value(&exceptions::StopIteration, this(v).default));
    }
    result
}

fn forward(cx: &mut Cx, v: Value, name: &str, args: &[Value]) -> PyResult<Value> {
    let inner = iterator(cx, v)?;
    let result = cx.call_method_text(inner, name, args);
    finish(cx, v, result)
}

#[pymethods]
impl AnextAwaitable {
    /// send(arg) -> send 'arg' into the wrapped iterator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, arg, /)")]
    fn send(cx: &mut Cx, this: Value, arg: Value) -> PyResult<Value> {
        forward(cx, this, "send", &[arg])
    }

    /// throw(typ[,val[,tb]]) -> raise exception in the wrapped iterator,
    /// return next yielded value or raise StopIteration.
    #[py("($self, /, *args)")]
    fn throw(cx: &mut Cx, this: Value, args: &'static Tuple) -> PyResult<Value> {
        forward(cx, this, "throw", args.items())
    }

    /// close() -> raise GeneratorExit inside generator.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: Value) -> PyResult<Value> {
        forward(cx, this, "close", &[])
    }
}

/// `callable_iterator`: calls until a sentinel comes.
#[repr(C)]
pub struct CallableIter {
    header: Header,
    callable: Cell<Option<Value>>,
    sentinel: Cell<Option<Value>>,
}
object!(CallableIter, CALLABLE_ITER);

static CALLABLE_ITER: Type = Type::new(&CALLABLE_ITER_SPEC);
static CALLABLE_ITER_SPEC: TypeSpec = TypeSpec {
    name: "callable_iterator",
    basicsize: std::mem::size_of::<CallableIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_callable_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next_call), ..Slots::NONE },
    methods: &[CallableIter::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_callable_iter(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<CallableIter>() };
    for v in [this.callable.get(), this.sentinel.get()].into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

/// `iter(callable, sentinel)`. May collect.
pub fn callable_iter(cx: &mut Cx, callable: Value, sentinel: Value) -> Value {
    cx.ready_type(&CALLABLE_ITER);
    let (callable, sentinel) = (Cell::new(Some(callable)), Cell::new(Some(sentinel)));
    Value::of(cx.alloc(CallableIter { header: Header::fresh(&CALLABLE_ITER), callable, sentinel }))
}

fn next_call(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of this type.
    let this = unsafe { v.cast::<CallableIter>() };
    let (Some(callable), Some(sentinel)) = (this.callable.get(), this.sentinel.get()) else { return Ok(None) };
    let result = cx.call(callable, &[]);
    let Some(item) = cx.catch(result, &exceptions::StopIteration)? else {
        this.callable.set(None);
        this.sentinel.set(None);
        return Ok(None);
    };
    // The call may have exhausted the iterator.
    if this.callable.get().is_none() {
        return Ok(None);
    }
    if compare::equal(cx, item, sentinel)? {
        this.callable.set(None);
        this.sentinel.set(None);
        return Ok(None);
    }
    Ok(Some(item))
}

#[pymethods]
impl CallableIter {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static CallableIter) -> PyResult<Value> {
        let key = cx.names().iter;
        let builtins = cx.rt().builtins.get().and_then(|b| b.get_str(key)).unwrap_or(Value::none());
        let args = match (this.callable.get(), this.sentinel.get()) {
            (Some(callable), Some(sentinel)) => Tuple::new(cx, &[callable, sentinel]),
            _ => {
                let empty = Value::of(Tuple::new(cx, &[]));
                Tuple::new(cx, &[empty])
            }
        };
        Ok(Value::of(Tuple::new(cx, &[builtins, Value::of(args)])))
    }
}
