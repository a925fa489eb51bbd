//! Types and attributes of native descriptors.

use crate::cx::Cx;
use crate::native::{Args, NativeKind};
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, hash, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr::*;
use crate::types::module::{self, Module};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The setter of attributes that CPython has as read-only members.
pub fn read_only(cx: &mut Cx, _: Value, _: Option<Value>) -> PyResult<()> {
    raise!(cx, AttributeError, "readonly attribute")
}

/// Declares a table of read-only attributes of a layout: `"name" "doc" |cx, this| value;`.
macro_rules! members {
    ($(#[doc = $table_doc:literal])* $vis:vis $table:ident: $layout:ty;
     $($name:literal $doc:literal |$cx:ident, $this:ident| $value:expr;)*) => {
        $(#[doc = $table_doc])*
        $vis static $table: &[$crate::native::GetSetDef] = &[$($crate::native::GetSetDef {
            name: $name,
            doc: $doc,
            get: Some(|$cx: &mut $crate::Cx, v: $crate::Value| {
                // SAFETY: descriptors check their receiver.
                let $this: &'static $layout = unsafe { v.cast() };
                let _ = &$cx;
                Ok($value)
            }),
            set: Some($crate::types::descr_methods::read_only),
        }),*];
    };
}
pub(crate) use members;

/// TypeError unless there are exactly `n` positional arguments; for constructors.
pub fn exactly(cx: &mut Cx, args: Args, function: &str, n: usize) -> PyResult<()> {
    args.no_keywords(cx, function)?;
    let given = args.pos().len();
    if given != n {
        let s = if n == 1 { "" } else { "s" };
        return raise!(cx, TypeError, "{function} expected {n} argument{s}, got {given}");
    }
    Ok(())
}

/// `(getattr, (object, name))`, how bound things are pickled. May collect.
pub fn reduce_to_getattr(cx: &mut Cx, object: Value, name: Value) -> PyResult<Value> {
    let getattr = module::builtin(cx, "getattr")?;
    let args = Tuple::new(cx, &[object, name]);
    Ok(Value::of(Tuple::new(cx, &[getattr, Value::of(args)])))
}

fn text_or_none(cx: &mut Cx, text: &str) -> Value {
    if text.is_empty() { Value::none() } else { cx.str(text) }
}

/// `Qualname of owner` + `.name`.
fn owned_name(cx: &mut Cx, owner: &'static Type, name: &str) -> PyResult<Value> {
    let owner = any::str(cx, owner.data().qualname.get())?.to_string_lossy();
    Ok(cx.str(&format!("{owner}.{name}")))
}

// ---- built-in functions ----------------------------------------------------------------------------

/// The type `builtin_function_or_method`.
pub static NATIVE_FUNCTION: Type = Type::new(&NATIVE_FUNCTION_SPEC);
static NATIVE_FUNCTION_SPEC: TypeSpec = TypeSpec {
    name: "builtin_function_or_method",
    basicsize: std::mem::size_of::<NativeFunction>(),
    flags: flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_native),
    slots: Slots {
        repr: Some(repr_native),
        hash: Some(|cx, v| {
            let this = native(v);
            let receiver = this.receiver.map_or(0, hash::of_address);
            let _ = &cx;
            Ok(fix_hash(receiver ^ this.def as *const _ as usize as i64))
        }),
        richcompare: Some(|_, a, b, op| {
            let same = match (a.exact::<NativeFunction>(), b.exact::<NativeFunction>()) {
                (Some(x), Some(y)) => x.receiver == y.receiver && std::ptr::eq(x.def, y.def),
                _ => return Ok(Value::not_implemented()),
            };
            Ok(equality(same, op))
        }),
        call: Some(|cx, v, args| native(v).call(cx, args)),
        ..Slots::NONE
    },
    methods: &[NativeFunction::METHODS],
    getsets: &[NativeFunction::GETSETS],
    ..TypeSpec::DEFAULT
};

fn native(v: Value) -> &'static NativeFunction {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// `==` and `!=` by identity of the parts; other comparisons are not defined.
fn equality(same: bool, op: CmpOp) -> Value {
    match op {
        CmpOp::Eq => Value::bool(same),
        CmpOp::Ne => Value::bool(!same),
        _ => Value::not_implemented(),
    }
}

fn fix_hash(h: i64) -> i64 {
    if h == -1 { -2 } else { h }
}

impl NativeFunction {
    /// `__self__`: None for static methods.
    fn visible_receiver(&self) -> Option<Value> {
        self.receiver.filter(|_| self.def.kind != NativeKind::Static)
    }
}

fn repr_native(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = native(v);
    let name = this.def.name;
    let text = match this.receiver {
        Some(receiver) if receiver.downcast::<Module>().is_none() => {
            let (class, address) = (receiver.class().tp_name(), receiver.bits());
            format!("<built-in method {name} of {class} object at {address:#x}>")
        }
        _ => format!("<built-in function {name}>"),
    };
    Ok(cx.str(&text))
}

#[pymethods]
impl NativeFunction {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static NativeFunction) -> PyResult<Value> {
        let name = cx.str(this.def.name);
        match this.receiver {
            Some(receiver) if receiver.downcast::<Module>().is_none() => reduce_to_getattr(cx, receiver, name),
            _ => Ok(name),
        }
    }
    #[getter]
    fn __name__(cx: &mut Cx, this: &'static NativeFunction) -> Value {
        cx.str(this.def.name)
    }
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static NativeFunction) -> PyResult<Value> {
        let name = this.def.name;
        match this.receiver {
            Some(receiver) if receiver.downcast::<Module>().is_none() => {
                let class = receiver.downcast::<Type>().unwrap_or_else(|| receiver.class());
                owned_name(cx, class, name)
            }
            _ => Ok(cx.str(name)),
        }
    }
    #[getter]
    fn __doc__(cx: &mut Cx, this: &'static NativeFunction) -> Value {
        text_or_none(cx, this.def.doc)
    }
    #[getter]
    fn __text_signature__(cx: &mut Cx, this: &'static NativeFunction) -> Value {
        text_or_none(cx, this.def.signature)
    }
    #[getter]
    fn __self__(_cx: &mut Cx, this: &'static NativeFunction) -> Value {
        this.visible_receiver().unwrap_or(Value::none())
    }
    #[getter]
    fn __module__(_cx: &mut Cx, this: &'static NativeFunction) -> Value {
        this.module.get().unwrap_or(Value::none())
    }
    #[setter("__module__")]
    fn set_module(cx: &mut Cx, this: &'static NativeFunction, value: Option<Value>) -> PyResult<()> {
        this.module.set(value);
        cx.barrier(this);
        Ok(())
    }
}

// ---- methods of native types -----------------------------------------------------------------------

/// What method descriptors and slot wrappers have in common.
macro_rules! descriptor_attributes {
    ($layout:ty, |$this:ident| $def:expr) => {
        #[pymethods]
        impl $layout {
            #[py("($self, /)")]
            fn __reduce__(cx: &mut Cx, this: &'static $layout) -> PyResult<Value> {
                let $this = this;
                let name = cx.str($def.name);
                reduce_to_getattr(cx, Value::of($this.owner), name)
            }
            #[getter]
            fn __doc__(cx: &mut Cx, this: &'static $layout) -> Value {
                let $this = this;
                text_or_none(cx, $def.doc)
            }
            #[getter]
            fn __qualname__(cx: &mut Cx, this: &'static $layout) -> PyResult<Value> {
                let $this = this;
                owned_name(cx, $this.owner, $def.name)
            }
            #[getter]
            fn __text_signature__(cx: &mut Cx, this: &'static $layout) -> Value {
                let $this = this;
                text_or_none(cx, $def.signature)
            }
        }
    };
}
descriptor_attributes!(MethodDescr, |this| this.def);
descriptor_attributes!(SlotWrapper, |this| this.dunder);

members! {
    METHOD_MEMBERS: MethodDescr;
    "__objclass__" "" |_cx, m| Value::of(m.owner);
    "__name__" "" |cx, m| cx.str(m.def.name);
}
members! {
    WRAPPER_MEMBERS: SlotWrapper;
    "__objclass__" "" |_cx, m| Value::of(m.owner);
    "__name__" "" |cx, m| cx.str(m.dunder.name);
}

/// The type `method_descriptor`.
pub static METHOD_DESCR: Type = Type::new(&METHOD_DESCR_SPEC);
static METHOD_DESCR_SPEC: TypeSpec = TypeSpec {
    name: "method_descriptor",
    basicsize: std::mem::size_of::<MethodDescr>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::METHOD_DESCRIPTOR,
    trace: Some(trace_method_descr),
    slots: Slots {
        repr: Some(repr_method),
        call: Some(crate::protocol::call::call_method_descr),
        descr_get: Some(|cx, v, obj, _| match obj {
            Some(obj) => {
                let this = method(v);
                this.check(cx, obj)?;
                Ok(Value::of(NativeFunction::new(cx, this.def, Some(obj), None)))
            }
            None => Ok(v),
        }),
        ..Slots::NONE
    },
    methods: &[MethodDescr::METHODS],
    getsets: &[MethodDescr::GETSETS, METHOD_MEMBERS],
    ..TypeSpec::DEFAULT
};

fn method(v: Value) -> &'static MethodDescr {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn repr_method(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = method(v);
    let text = format!("<method '{}' of '{}' objects>", this.def.name, this.owner.tp_name());
    Ok(cx.str(&text))
}

/// The type `classmethod_descriptor`.
pub static CLASS_METHOD_DESCR: Type = Type::new(&CLASS_METHOD_DESCR_SPEC);
static CLASS_METHOD_DESCR_SPEC: TypeSpec = TypeSpec {
    name: "classmethod_descriptor",
    basicsize: std::mem::size_of::<MethodDescr>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_method_descr),
    slots: Slots {
        repr: Some(repr_method),
        call: Some(|cx, v, args| {
            let this = method(v);
            let Some(first) = args.pos().first() else {
                let (name, owner) = (this.def.name, this.owner.tp_name());
                return raise!(cx, TypeError, "descriptor '{name}' of '{owner}' object needs an argument");
            };
            let bound = bind_class_method(cx, this, *first)?;
            bound.call(cx, args.rest())
        }),
        descr_get: Some(|cx, v, obj, class| {
            let class = class.unwrap_or_else(|| Value::of(obj.expect("one of them is given").class()));
            bind_class_method(cx, method(v), class).map(Value::of)
        }),
        ..Slots::NONE
    },
    getsets: &[MethodDescr::GETSETS, METHOD_MEMBERS],
    ..TypeSpec::DEFAULT
};

fn bind_class_method(cx: &mut Cx, this: &'static MethodDescr, class: Value) -> PyResult<&'static NativeFunction> {
    let (name, owner) = (this.def.name, this.owner);
    match class.downcast::<Type>() {
        Some(c) if c.is_subtype(owner) => Ok(NativeFunction::new(cx, this.def, Some(class), None)),
        Some(c) => {
            let (owner, got) = (owner.tp_name(), c.tp_name());
            raise!(cx, TypeError, "descriptor '{name}' requires a subtype of '{owner}' but received '{got}'")
        }
        None => {
            let (owner, got) = (owner.tp_name(), class.class().tp_name());
            raise!(cx, TypeError, "descriptor '{name}' for type '{owner}' needs a type, not a '{got}' as arg 2")
        }
    }
}

/// The type `wrapper_descriptor`.
pub static SLOT_WRAPPER: Type = Type::new(&SLOT_WRAPPER_SPEC);
static SLOT_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "wrapper_descriptor",
    basicsize: std::mem::size_of::<SlotWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::METHOD_DESCRIPTOR,
    trace: Some(trace_slot_wrapper),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = wrapper(v);
            let text = format!("<slot wrapper '{}' of '{}' objects>", this.dunder.name, this.owner.tp_name());
            Ok(cx.str(&text))
        }),
        call: Some(|cx, v, args| {
            let this = wrapper(v);
            let Some(first) = args.pos().first() else {
                let (name, owner) = (this.dunder.name, this.owner.tp_name());
                return raise!(cx, TypeError, "descriptor '{name}' of '{owner}' object needs an argument");
            };
            this.call_on(cx, *first, args.rest())
        }),
        descr_get: Some(|cx, v, obj, _| {
            let this = wrapper(v);
            let Some(receiver) = obj else { return Ok(v) };
            if !receiver.is_instance(this.owner) {
                let (name, owner, got) = (this.dunder.name, this.owner.tp_name(), receiver.class().tp_name());
                return raise!(
                    cx,
                    TypeError,
                    "descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object"
                );
            }
            Ok(MethodWrapper::new(cx, this, receiver))
        }),
        ..Slots::NONE
    },
    methods: &[SlotWrapper::METHODS],
    getsets: &[SlotWrapper::GETSETS, WRAPPER_MEMBERS],
    ..TypeSpec::DEFAULT
};

fn wrapper(v: Value) -> &'static SlotWrapper {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// The type `method-wrapper`.
pub static METHOD_WRAPPER: Type = Type::new(&METHOD_WRAPPER_SPEC);
static METHOD_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "method-wrapper",
    basicsize: std::mem::size_of::<MethodWrapper>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_method_wrapper),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = bound_wrapper(v);
            let (name, class, address) =
                (this.wrapper.dunder.name, this.receiver.class().tp_name(), this.receiver.bits());
            Ok(cx.str(&format!("<method-wrapper '{name}' of {class} object at {address:#x}>")))
        }),
        hash: Some(|_, v| {
            let this = bound_wrapper(v);
            Ok(fix_hash(hash::of_address(this.receiver) ^ hash::of_address(Value::of(this.wrapper))))
        }),
        richcompare: Some(|_, a, b, op| match (a.exact::<MethodWrapper>(), b.exact::<MethodWrapper>()) {
            (Some(x), Some(y)) => Ok(equality(std::ptr::eq(x.wrapper, y.wrapper) && x.receiver.is(y.receiver), op)),
            _ => Ok(Value::not_implemented()),
        }),
        call: Some(|cx, v, args| {
            let this = bound_wrapper(v);
            this.wrapper.call_on(cx, this.receiver, args)
        }),
        ..Slots::NONE
    },
    methods: &[MethodWrapper::METHODS],
    getsets: &[MethodWrapper::GETSETS, METHOD_WRAPPER_MEMBERS],
    ..TypeSpec::DEFAULT
};

fn bound_wrapper(v: Value) -> &'static MethodWrapper {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    METHOD_WRAPPER_MEMBERS: MethodWrapper;
    "__self__" "" |_cx, m| m.receiver;
}

#[pymethods]
impl MethodWrapper {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static MethodWrapper) -> PyResult<Value> {
        let name = cx.str(this.wrapper.dunder.name);
        reduce_to_getattr(cx, this.receiver, name)
    }
    #[getter]
    fn __objclass__(_cx: &mut Cx, this: &'static MethodWrapper) -> Value {
        Value::of(this.wrapper.owner)
    }
    #[getter]
    fn __name__(cx: &mut Cx, this: &'static MethodWrapper) -> Value {
        cx.str(this.wrapper.dunder.name)
    }
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static MethodWrapper) -> PyResult<Value> {
        SlotWrapper::__qualname__(cx, this.wrapper)
    }
    #[getter]
    fn __doc__(cx: &mut Cx, this: &'static MethodWrapper) -> Value {
        SlotWrapper::__doc__(cx, this.wrapper)
    }
    #[getter]
    fn __text_signature__(cx: &mut Cx, this: &'static MethodWrapper) -> Value {
        SlotWrapper::__text_signature__(cx, this.wrapper)
    }
}

// ---- attributes over native functions and words ----------------------------------------------------

/// The type `getset_descriptor`.
pub static GETSET: Type = Type::new(&GETSET_SPEC);
static GETSET_SPEC: TypeSpec = TypeSpec {
    name: "getset_descriptor",
    basicsize: std::mem::size_of::<GetSet>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_getset),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = getset(v);
            let is_member = this.def.set.is_some_and(|f| std::ptr::fn_addr_eq(f, read_only as crate::native::SetFn));
            let kind = if is_member { "member" } else { "attribute" };
            let text = format!("<{kind} '{}' of '{}' objects>", this.def.name, this.owner.tp_name());
            Ok(cx.str(&text))
        }),
        descr_get: Some(|cx, v, obj, _| {
            let this = getset(v);
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
            let this = getset(v);
            this.check(cx, obj)?;
            match this.def.set {
                Some(set) => set(cx, obj, value),
                None if is_field(cx, this.owner) => raise!(cx, AttributeError, "readonly attribute"),
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
    getsets: &[GetSet::GETSETS, GETSET_MEMBERS],
    ..TypeSpec::DEFAULT
};

/// True for the types whose attributes are fields in CPython: complex, range and structure sequences.
fn is_field(cx: &mut Cx, owner: &Type) -> bool {
    let fields = cx.intern("n_sequence_fields");
    std::ptr::eq(owner, &crate::types::complex::COMPLEX)
        || std::ptr::eq(owner, &crate::types::range::RANGE)
        || owner.dict().get_str(fields).is_some()
}

fn getset(v: Value) -> &'static GetSet {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    GETSET_MEMBERS: GetSet;
    "__objclass__" "" |_cx, m| Value::of(m.owner);
    "__name__" "" |cx, m| cx.str(m.def.name);
}

#[pymethods]
impl GetSet {
    #[getter]
    fn __doc__(cx: &mut Cx, this: &'static GetSet) -> Value {
        text_or_none(cx, this.def.doc)
    }
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static GetSet) -> PyResult<Value> {
        owned_name(cx, this.owner, this.def.name)
    }
}

/// The type `member_descriptor`.
pub static MEMBER: Type = Type::new(&MEMBER_SPEC);
static MEMBER_SPEC: TypeSpec = TypeSpec {
    name: "member_descriptor",
    basicsize: std::mem::size_of::<Member>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_member),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = member(v);
            let text = format!("<member '{}' of '{}' objects>", this.name, this.owner.tp_name());
            Ok(cx.str(&text))
        }),
        descr_get: Some(|cx, v, obj, _| {
            let this = member(v);
            let Some(obj) = obj else { return Ok(v) };
            this.check(cx, obj)?;
            // SAFETY: the type was checked.
            match Value::from_bits(unsafe { *this.word(obj) }) {
                Some(value) => Ok(value),
                None => {
                    let class = crate::types::type_::message_name(cx, obj.class());
                    let text = format!("'{class}' object has no attribute '{}'", this.name);
                    Err(attr::attribute_error(cx, &text, obj, this.name))
                }
            }
        }),
        descr_set: Some(|cx, v, obj, value| {
            let this = member(v);
            this.check(cx, obj)?;
            // SAFETY: the type was checked.
            unsafe {
                if value.is_none() && *this.word(obj) == 0 {
                    let name = this.name.to_string_lossy();
                    return Err(attr::attribute_error(cx, &name, obj, this.name));
                }
                *this.word(obj) = value.map_or(0, |v| v.bits());
            }
            cx.barrier_value(obj);
            Ok(())
        }),
        ..Slots::NONE
    },
    methods: &[Member::METHODS],
    getsets: &[Member::GETSETS, MEMBER_MEMBERS],
    ..TypeSpec::DEFAULT
};

fn member(v: Value) -> &'static Member {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    MEMBER_MEMBERS: Member;
    "__objclass__" "" |_cx, m| Value::of(m.owner);
    "__name__" "" |_cx, m| Value::of(m.name);
}

#[pymethods]
impl Member {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Member) -> PyResult<Value> {
        reduce_to_getattr(cx, Value::of(this.owner), Value::of(this.name))
    }
    #[getter]
    fn __doc__(_cx: &mut Cx, this: &'static Member) -> Value {
        this.doc.get().unwrap_or(Value::none())
    }
    #[getter]
    fn __qualname__(cx: &mut Cx, this: &'static Member) -> PyResult<Value> {
        owned_name(cx, this.owner, &this.name.to_string_lossy())
    }
}

/// Types of this file that `bootstrap` does not name.
pub static TYPES: &[&Type] = &[];
