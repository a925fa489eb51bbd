//! The keys that `cmp_to_key` makes.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::params;

/// A comparison function, as a maker of keys (without object) or as a key.
#[repr(C)]
pub struct KeyWrapper {
    header: Header,
    compare: Value,
    object: Cell<Option<Value>>,
}
taipan_runtime::object!(KeyWrapper, KEY_WRAPPER);
trace_values!(trace_key, KeyWrapper, |t| [t.compare, t.object.get()]);

/// The type `functools.KeyWrapper`.
pub static KEY_WRAPPER: Type = Type::new(&KEY_WRAPPER_SPEC);
static KEY_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "functools.KeyWrapper",
    basicsize: std::mem::size_of::<KeyWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_key),
    slots: Slots {
        hash: Some(taipan_runtime::protocol::hash::unhashable),
        call: Some(call),
        richcompare: Some(richcompare),
        ..Slots::NONE
    },
    getsets: &[KeyWrapper::GETSETS],
    ..TypeSpec::DEFAULT
};

/// A maker of keys, or a key of `object`. May collect.
pub fn new(cx: &mut Cx, compare: Value, object: Option<Value>) -> Value {
    let object = Cell::new(object);
    Value::of(cx.alloc(KeyWrapper { header: Header::fresh(&KEY_WRAPPER), compare, object }))
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of these wrappers.
    let this = unsafe { v.cast::<KeyWrapper>() };
    let mut bound = [None];
    bind(cx, params!("K", ["obj"], 1, []), args, &mut bound)?;
    Ok(new(cx, this.compare, bound[0]))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    // SAFETY: the slot of these wrappers.
    let this = unsafe { a.cast::<KeyWrapper>() };
    let Some(other) = b.exact::<KeyWrapper>() else {
        return raise!(cx, TypeError, "other argument must be K instance");
    };
    let (Some(x), Some(y)) = (this.object.get(), other.object.get()) else {
        return raise!(cx, AttributeError, "object");
    };
    let result = cx.call(this.compare, &[x, y])?;
    compare::rich(cx, result, Value::small(0), op)
}

#[pymethods]
impl KeyWrapper {
    /// Value wrapped by a key function.
    #[getter]
    fn obj(_cx: &mut Cx, this: &'static KeyWrapper) -> Value {
        this.object.get().unwrap_or(Value::none())
    }

    #[setter]
    fn set_obj(cx: &mut Cx, this: &'static KeyWrapper, value: Option<Value>) -> PyResult<()> {
        this.object.set(value);
        cx.barrier(this);
        Ok(())
    }
}
