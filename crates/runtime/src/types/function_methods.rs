//! Functions, bound methods, staticmethod, classmethod and property: the types and their attributes.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::types::function::{BoundMethod, Function};
use taipan_gc::Marker;

/// The type of Python functions.
pub static FUNCTION: Type = Type::new(&FUNCTION_SPEC);
static FUNCTION_SPEC: TypeSpec = TypeSpec {
    name: "function",
    basicsize: std::mem::size_of::<Function>(),
    flags: flags::METHOD_DESCRIPTOR,
    attrs: true,
    weakrefs: true,
    trace: Some(crate::types::function::trace_function),
    slots: Slots {
        call: Some(crate::protocol::call::call_function_object),
        descr_get: Some(|cx, f, obj, _| match obj {
            Some(obj) => Ok(Value::of(BoundMethod::new(cx, f, obj))),
            None => Ok(f),
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type of bound methods.
pub static METHOD: Type = Type::new(&METHOD_SPEC);
static METHOD_SPEC: TypeSpec = TypeSpec {
    name: "method",
    basicsize: 48,
    weakrefs: true,
    trace: Some(crate::types::function::trace_method),
    slots: Slots { call: Some(crate::protocol::call::call_method_object), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// A staticmethod or classmethod object.
#[repr(C)]
pub struct MethodHolder {
    header: Header,
    /// `__func__`.
    pub function: std::cell::Cell<Option<Value>>,
}
object!(MethodHolder, STATIC_METHOD);

unsafe fn trace_holder(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these types only.
    if let Some(f) = unsafe { (*object.cast::<MethodHolder>()).function.get() } {
        marker.mark_value(f.bits());
    }
}

/// The type staticmethod.
pub static STATIC_METHOD: Type = Type::new(&STATIC_METHOD_SPEC);
static STATIC_METHOD_SPEC: TypeSpec = TypeSpec {
    name: "staticmethod",
    basicsize: std::mem::size_of::<MethodHolder>(),
    flags: flags::BASETYPE,
    attrs: true,
    trace: Some(trace_holder),
    slots: Slots { descr_get: Some(|_, v, _, _| Ok(holder(v).function.get().unwrap_or(Value::none()))), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// The type classmethod.
pub static CLASS_METHOD: Type = Type::new(&CLASS_METHOD_SPEC);
static CLASS_METHOD_SPEC: TypeSpec = TypeSpec {
    name: "classmethod",
    basicsize: std::mem::size_of::<MethodHolder>(),
    flags: flags::BASETYPE,
    attrs: true,
    trace: Some(trace_holder),
    slots: Slots {
        descr_get: Some(|cx, v, obj, class| {
            let class = class.unwrap_or_else(|| Value::of(obj.expect("one of them is given").class()));
            let f = holder(v).function.get().unwrap_or(Value::none());
            Ok(Value::of(BoundMethod::new(cx, f, class)))
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

fn holder(v: Value) -> &'static MethodHolder {
    // SAFETY: slots of these types.
    unsafe { v.cast() }
}

/// `staticmethod(f)`. May collect.
pub fn new_static_method(cx: &mut Cx, f: Value) -> Value {
    let h = MethodHolder { header: Header::fresh(&STATIC_METHOD), function: std::cell::Cell::new(Some(f)) };
    Value::of(cx.alloc_of(&STATIC_METHOD, h))
}

/// `classmethod(f)`. May collect.
pub fn new_class_method(cx: &mut Cx, f: Value) -> Value {
    let h = MethodHolder { header: Header::fresh(&CLASS_METHOD), function: std::cell::Cell::new(Some(f)) };
    Value::of(cx.alloc_of(&CLASS_METHOD, h))
}

/// Types of this file.
pub static TYPES: &[&Type] = &[&FUNCTION, &METHOD, &CLASS_METHOD];
