//! weakref.proxy: stands for its target in every operation; ReferenceError once that is dead.

use crate::cx::Cx;
use crate::protocol::number::{self, BinaryOp};
use crate::protocol::{attr, compare, iter, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::weakref::{WeakRef, describe, trace_weakref};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type `weakref.ProxyType`.
pub static PROXY: Type = Type::new(&PROXY_SPEC);
static PROXY_SPEC: TypeSpec = TypeSpec { name: "weakref.ProxyType", slots: SLOTS, ..SPEC };

/// The type `weakref.CallableProxyType`.
pub static CALLABLE_PROXY: Type = Type::new(&CALLABLE_PROXY_SPEC);
static CALLABLE_PROXY_SPEC: TypeSpec = TypeSpec {
    name: "weakref.CallableProxyType",
    slots: Slots {
        call: Some(|cx, v, args| {
            let target = target(cx, v)?;
            cx.call_args(target, args)
        }),
        ..SLOTS
    },
    ..SPEC
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&PROXY, &CALLABLE_PROXY];

/// Special methods without a slot.
struct ProxyMethods;

#[pymethods]
impl ProxyMethods {
    #[py("($self, /)")]
    fn __bytes__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let target = target(cx, this)?;
        cx.call_method_text(target, "__bytes__", &[])
    }
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let target = target(cx, this)?;
        cx.call_method_text(target, "__reversed__", &[])
    }
}

const SPEC: TypeSpec = TypeSpec {
    methods: &[ProxyMethods::METHODS],
    basicsize: std::mem::size_of::<WeakRef>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_weakref),
    ..TypeSpec::DEFAULT
};

/// The target of a proxy; other objects stand for themselves.
fn target(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class = v.class();
    if !std::ptr::eq(class, &PROXY) && !std::ptr::eq(class, &CALLABLE_PROXY) {
        return Ok(v);
    }
    // SAFETY: proxies have the layout of references.
    match unsafe { v.cast::<WeakRef>() }.target() {
        Some(target) => Ok(target),
        None => raise!(cx, ReferenceError, "weakly-referenced object no longer exists"),
    }
}

fn both(cx: &mut Cx, a: Value, b: Value, op: &'static BinaryOp) -> PyResult<Value> {
    let (a, b) = (target(cx, a)?, target(cx, b)?);
    number::binary(cx, a, b, op)
}

fn update(cx: &mut Cx, a: Value, b: Value, op: &'static BinaryOp) -> PyResult<Value> {
    let (a, b) = (target(cx, a)?, target(cx, b)?);
    number::inplace(cx, a, b, op)
}

/// A slot that calls `$f` with the target.
macro_rules! forward {
    ($f:path) => {
        Some(|cx, v| {
            let v = target(cx, v)?;
            $f(cx, v)
        })
    };
}

const SLOTS: Slots = Slots {
    repr: Some(|cx, v| describe(cx, v, "weakproxy")),
    str: Some(|cx, v| {
        let v = target(cx, v)?;
        any::str(cx, v).map(Value::of)
    }),
    hash: Some(crate::protocol::hash::unhashable),
    getattr: Some(|cx, v, name| {
        let v = target(cx, v)?;
        attr::get(cx, v, name)
    }),
    setattr: Some(|cx, v, name, value| {
        let v = target(cx, v)?;
        attr::set(cx, v, name, value)
    }),
    richcompare: Some(|cx, a, b, op| {
        let (a, b) = (target(cx, a)?, target(cx, b)?);
        compare::rich(cx, a, b, op)
    }),
    iter: forward!(iter::iter),
    next: Some(|cx, v| {
        let v = target(cx, v)?;
        match v.class().slots().next {
            Some(next) => next(cx, v),
            None => {
                let class = v.class().tp_name();
                raise!(cx, TypeError, "Weakref proxy referenced a non-iterator '{class}' object")
            }
        }
    }),
    add: Some(|cx, a, b| both(cx, a, b, &number::ADD)),
    sub: Some(|cx, a, b| both(cx, a, b, &number::SUB)),
    mul: Some(|cx, a, b| both(cx, a, b, &number::MUL)),
    truediv: Some(|cx, a, b| both(cx, a, b, &number::TRUEDIV)),
    floordiv: Some(|cx, a, b| both(cx, a, b, &number::FLOORDIV)),
    rem: Some(|cx, a, b| both(cx, a, b, &number::REM)),
    divmod: Some(|cx, a, b| both(cx, a, b, &number::DIVMOD)),
    pow: Some(|cx, a, b, m| {
        let (a, b) = (target(cx, a)?, target(cx, b)?);
        let m = match m {
            Some(m) => Some(target(cx, m)?),
            None => None,
        };
        number::power(cx, a, b, m, false)
    }),
    lshift: Some(|cx, a, b| both(cx, a, b, &number::LSHIFT)),
    rshift: Some(|cx, a, b| both(cx, a, b, &number::RSHIFT)),
    and: Some(|cx, a, b| both(cx, a, b, &number::AND)),
    or: Some(|cx, a, b| both(cx, a, b, &number::OR)),
    xor: Some(|cx, a, b| both(cx, a, b, &number::XOR)),
    matmul: Some(|cx, a, b| both(cx, a, b, &number::MATMUL)),
    iadd: Some(|cx, a, b| update(cx, a, b, &number::ADD)),
    isub: Some(|cx, a, b| update(cx, a, b, &number::SUB)),
    imul: Some(|cx, a, b| update(cx, a, b, &number::MUL)),
    itruediv: Some(|cx, a, b| update(cx, a, b, &number::TRUEDIV)),
    ifloordiv: Some(|cx, a, b| update(cx, a, b, &number::FLOORDIV)),
    irem: Some(|cx, a, b| update(cx, a, b, &number::REM)),
    ipow: Some(|cx, a, b| {
        let (a, b) = (target(cx, a)?, target(cx, b)?);
        number::power(cx, a, b, None, true)
    }),
    ilshift: Some(|cx, a, b| update(cx, a, b, &number::LSHIFT)),
    irshift: Some(|cx, a, b| update(cx, a, b, &number::RSHIFT)),
    iand: Some(|cx, a, b| update(cx, a, b, &number::AND)),
    ior: Some(|cx, a, b| update(cx, a, b, &number::OR)),
    ixor: Some(|cx, a, b| update(cx, a, b, &number::XOR)),
    imatmul: Some(|cx, a, b| update(cx, a, b, &number::MATMUL)),
    neg: forward!(number::negative),
    pos: forward!(number::positive),
    invert: forward!(number::invert),
    abs: forward!(number::absolute),
    bool: forward!(any::truth),
    int: Some(|cx, v| {
        let v = target(cx, v)?;
        cx.call(Value::of(&crate::types::int::INT), &[v])
    }),
    float: Some(|cx, v| {
        let v = target(cx, v)?;
        cx.call(Value::of(&crate::types::float::FLOAT), &[v])
    }),
    index: forward!(number::index),
    len: forward!(any::len),
    getitem: Some(|cx, v, key| {
        let v = target(cx, v)?;
        any::get_item(cx, v, key)
    }),
    setitem: Some(|cx, v, key, value| {
        let v = target(cx, v)?;
        any::set_item(cx, v, key, value)
    }),
    contains: Some(|cx, v, item| {
        let v = target(cx, v)?;
        any::contains(cx, v, item)
    }),
    ..Slots::NONE
};
