//! What `iter` with a sentinel gives.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object};

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
