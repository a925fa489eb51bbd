//! The iterator behind `await future`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::future::Future;

/// Yields the future once, then returns its result.
#[repr(C)]
pub struct FutureIter {
    header: Header,
    future: Cell<Option<&'static Future>>,
}
object!(FutureIter, FUTURE_ITER);
trace_values!(trace_iter, FutureIter, |t| [t.future.get().map(Value::of)]);

/// The type of these iterators.
pub static FUTURE_ITER: Type = Type::new(&FUTURE_ITER_SPEC);
static FUTURE_ITER_SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.FutureIter",
    basicsize: std::mem::size_of::<FutureIter>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[FutureIter::METHODS],
    ..TypeSpec::DEFAULT
};

/// The iterator of a future. May collect.
pub fn new(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slots of futures and tasks.
    let future: &'static Future = unsafe { v.cast() };
    future.need_loop(cx)?;
    Ok(Value::of(cx.alloc(FutureIter { header: Header::fresh(&FUTURE_ITER), future: Cell::new(Some(future)) })))
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of this type.
    let this: &'static FutureIter = unsafe { v.cast() };
    let Some(future) = this.future.get() else { return Ok(None) };
    if !future.is_done() {
        if future.blocking.get() {
            return raise!(cx, RuntimeError, "await wasn't used with future");
        }
        future.blocking.set(true);
        return Ok(Some(Value::of(future)));
    }
    this.future.set(None);
    match future.take_result(cx)? {
        result if result.is_none() => Ok(None),
        result => Err(cx.raise_stop_iteration(Some(result))),
    }
}

#[pymethods]
impl FutureIter {
    #[py("($self, value, /)")]
    fn send(cx: &mut Cx, this: &'static FutureIter, _value: Value) -> PyResult<Value> {
        match next(cx, Value::of(this))? {
            Some(v) => Ok(v),
            None => Err(cx.raise_stop_iteration(None)),
        }
    }

    #[py("($self, type, val=None, tb=None, /)")]
    fn throw(
        cx: &mut Cx,
        this: &'static FutureIter,
        kind: Value,
        value: Option<Value>,
        traceback: Option<Value>,
    ) -> PyResult<Value> {
        if value.is_some() {
            let text = "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
            let text = cx.str(text);
            let warn = taipan_runtime::protocol::import::import_attr(cx, "warnings", "warn")?;
            cx.call(warn, &[text, Value::of(&exceptions::DeprecationWarning)])?;
        }
        if traceback
            .is_some_and(|t| !t.is_none() && t.downcast::<taipan_runtime::types::traceback::Traceback>().is_none())
        {
            return raise!(cx, TypeError, "throw() third argument must be a traceback object");
        }
        let value = value.filter(|v| !v.is_none());
        let exception =
            if let Some(class) = kind.downcast::<Type>().filter(|class| class.is_subtype(&exceptions::BaseException)) {
                match value {
                    Some(v) if v.is_instance(class) => v,
                    Some(v) => cx.call(kind, &[v])?,
                    None => cx.call(kind, &[])?,
                }
            } else if kind.is_instance(&exceptions::BaseException) {
                if value.is_some() {
                    return raise!(cx, TypeError, "instance exception may not have a separate value");
                }
                kind
            } else {
                let text = "exceptions must be classes deriving BaseException or instances of such a class";
                return Err(cx.raise_text(&exceptions::TypeError, text));
            };
        if let Some(traceback) = traceback.filter(|t| !t.is_none()) {
            let name = cx.intern("__traceback__");
            taipan_runtime::protocol::attr::set(cx, exception, name, Some(traceback))?;
        }
        this.future.set(None);
        Err(cx.raise(exception))
    }

    #[py("($self, /)")]
    fn close(_cx: &mut Cx, this: &'static FutureIter) {
        this.future.set(None);
    }
}
