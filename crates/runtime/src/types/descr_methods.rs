//! Types and attributes of native descriptors.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::native::NativeKind;
use crate::types::descr::*;

/// The type `builtin_function_or_method`.
pub static NATIVE_FUNCTION: Type = Type::new(&NATIVE_FUNCTION_SPEC);
static NATIVE_FUNCTION_SPEC: TypeSpec = TypeSpec {
    name: "builtin_function_or_method",
    basicsize: std::mem::size_of::<NativeFunction>(),
    flags: flags::DISALLOW_INSTANTIATION | 0,
    trace: Some(trace_native),
    slots: Slots { call: Some(|cx, v, args| unsafe { v.cast::<NativeFunction>() }.call(cx, args)), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// The type `method_descriptor`.
pub static METHOD_DESCR: Type = Type::new(&METHOD_DESCR_SPEC);
static METHOD_DESCR_SPEC: TypeSpec = TypeSpec {
    name: "method_descriptor",
    basicsize: std::mem::size_of::<MethodDescr>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::METHOD_DESCRIPTOR,
    trace: Some(trace_method_descr),
    slots: Slots {
        call: Some(crate::protocol::call::call_method_descr),
        descr_get: Some(|cx, v, obj, _| {
            // SAFETY: the slot of method descriptors.
            let this = unsafe { v.cast::<MethodDescr>() };
            match obj {
                Some(obj) => {
                    this.check(cx, obj)?;
                    Ok(Value::of(NativeFunction::new(cx, this.def, Some(obj), None)))
                }
                None => Ok(v),
            }
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type `classmethod_descriptor`.
pub static CLASS_METHOD_DESCR: Type = Type::new(&CLASS_METHOD_DESCR_SPEC);
static CLASS_METHOD_DESCR_SPEC: TypeSpec = TypeSpec {
    name: "classmethod_descriptor",
    basicsize: std::mem::size_of::<MethodDescr>(),
    flags: flags::DISALLOW_INSTANTIATION | 0,
    trace: Some(trace_method_descr),
    slots: Slots {
        descr_get: Some(|cx, v, obj, class| {
            // SAFETY: the slot of class method descriptors.
            let this = unsafe { v.cast::<MethodDescr>() };
            let class = class.unwrap_or_else(|| Value::of(obj.expect("one of them is given").class()));
            Ok(Value::of(NativeFunction::new(cx, this.def, Some(class), None)))
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type `wrapper_descriptor`.
pub static SLOT_WRAPPER: Type = Type::new(&SLOT_WRAPPER_SPEC);
static SLOT_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "wrapper_descriptor",
    basicsize: std::mem::size_of::<SlotWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::METHOD_DESCRIPTOR,
    trace: Some(trace_slot_wrapper),
    slots: Slots {
        call: Some(|cx, v, args| {
            // SAFETY: the slot of slot wrappers.
            let this = unsafe { v.cast::<SlotWrapper>() };
            let Some(first) = args.pos().first() else {
                let (name, owner) = (this.dunder.name, this.owner.tp_name());
                return raise!(cx, TypeError, "descriptor '{name}' of '{owner}' object needs an argument");
            };
            this.call_on(cx, *first, args.rest())
        }),
        descr_get: Some(|cx, v, obj, _| {
            // SAFETY: the slot of slot wrappers.
            let wrapper = unsafe { v.cast::<SlotWrapper>() };
            Ok(match obj {
                Some(receiver) => MethodWrapper::new(cx, wrapper, receiver),
                None => v,
            })
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type `method-wrapper`.
pub static METHOD_WRAPPER: Type = Type::new(&METHOD_WRAPPER_SPEC);
static METHOD_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "method-wrapper",
    basicsize: std::mem::size_of::<MethodWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION | 0,
    trace: Some(trace_method_wrapper),
    slots: Slots {
        call: Some(|cx, v, args| {
            // SAFETY: the slot of method wrappers.
            let this = unsafe { v.cast::<MethodWrapper>() };
            this.wrapper.call_on(cx, this.receiver, args)
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type `getset_descriptor`.
pub static GETSET: Type = Type::new(&GETSET_SPEC);
static GETSET_SPEC: TypeSpec = TypeSpec {
    name: "getset_descriptor",
    basicsize: std::mem::size_of::<GetSet>(),
    flags: flags::DISALLOW_INSTANTIATION | 0,
    trace: Some(trace_getset),
    slots: Slots {
        descr_get: Some(|cx, v, obj, _| {
            // SAFETY: the slot of getset descriptors.
            let this = unsafe { v.cast::<GetSet>() };
            let Some(obj) = obj else { return Ok(v) };
            this.check(cx, obj)?;
            match this.def.get {
                Some(get) => get(cx, obj),
                None => raise!(
                    cx,
                    AttributeError,
                    "attribute '{}' of '{}' objects is not readable",
                    this.def.name,
                    this.owner.tp_name()
                ),
            }
        }),
        descr_set: Some(|cx, v, obj, value| {
            // SAFETY: the slot of getset descriptors.
            let this = unsafe { v.cast::<GetSet>() };
            this.check(cx, obj)?;
            match this.def.set {
                Some(set) => set(cx, obj, value),
                None => raise!(
                    cx,
                    AttributeError,
                    "attribute '{}' of '{}' objects is not writable",
                    this.def.name,
                    this.owner.tp_name()
                ),
            }
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// The type `member_descriptor`.
pub static MEMBER: Type = Type::new(&MEMBER_SPEC);
static MEMBER_SPEC: TypeSpec = TypeSpec {
    name: "member_descriptor",
    basicsize: std::mem::size_of::<Member>(),
    flags: flags::DISALLOW_INSTANTIATION | 0,
    trace: Some(trace_member),
    slots: Slots {
        descr_get: Some(|cx, v, obj, _| {
            // SAFETY: the slot of member descriptors.
            let this = unsafe { v.cast::<Member>() };
            let Some(obj) = obj else { return Ok(v) };
            this.check(cx, obj)?;
            // SAFETY: the type was checked.
            match Value::from_bits(unsafe { *this.word(obj) }) {
                Some(value) => Ok(value),
                None => Err(crate::protocol::attr::no_attribute(cx, obj, this.name)),
            }
        }),
        descr_set: Some(|cx, v, obj, value| {
            // SAFETY: the slot of member descriptors.
            let this = unsafe { v.cast::<Member>() };
            this.check(cx, obj)?;
            // SAFETY: the type was checked.
            unsafe {
                if value.is_none() && *this.word(obj) == 0 {
                    return Err(crate::protocol::attr::no_attribute(cx, obj, this.name));
                }
                *this.word(obj) = value.map_or(0, |v| v.bits());
            }
            cx.barrier_value(obj);
            Ok(())
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// Types of this file that `bootstrap` does not name.
pub static TYPES: &[&Type] = &[];
