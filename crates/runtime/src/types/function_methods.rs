//! Functions and bound methods: their types and attributes. staticmethod and classmethod are in the second half.

use std::cell::Cell;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::{self, Args, GetSetDef, ParamSpec};
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, hash, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::cell::Cell as CellObject;
use crate::types::code::CodeObject;
use crate::types::descr_methods::{exactly, members, reduce_to_getattr};
use crate::types::function::{BoundMethod, Function};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_methods::{call_annotate, is_callable};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_bytecode::code::flags as co;
use taipan_gc::Marker;
use taipan_macros::pymethods;

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
        repr: Some(|cx, v| {
            let text = format!("<function {} at {:#x}>", function(v).qualname.get(), v.bits());
            Ok(cx.str(&text))
        }),
        call: Some(crate::protocol::call::call_function_object),
        descr_get: Some(|cx, f, obj, _| match obj {
            Some(obj) => Ok(Value::of(BoundMethod::new(cx, f, obj))),
            None => Ok(f),
        }),
        new: Some(new_function),
        ..Slots::NONE
    },
    getsets: &[Function::GETSETS, FUNCTION_MEMBERS, FUNCTION_DICT],
    doc: "Create a function object.\n\n  code\n    a code object\n  globals\n    the globals dictionary\n  name\n    a string that overrides the name from the code object\n  argdefs\n    a tuple that specifies the default argument values\n  closure\n    a tuple that supplies the bindings for free variables\n  kwdefaults\n    a dictionary that specifies the default keyword argument values",
    signature: "(code, globals, name=None, argdefs=None, closure=None,\n         kwdefaults=None)",
    ..TypeSpec::DEFAULT
};

fn function(v: Value) -> &'static Function {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    FUNCTION_MEMBERS: Function;
    "__closure__" "" |_cx, f| f.closure.get().map_or(Value::none(), Value::of);
    "__globals__" "" |_cx, f| Value::of(f.globals);
    "__builtins__" "" |_cx, f| Value::of(f.builtins);
}

/// `__dict__` of functions, which cannot be deleted.
static FUNCTION_DICT: &[GetSetDef] = &[GetSetDef {
    name: "__dict__",
    doc: "",
    get: crate::types::object_methods::DICT_GETSET.get,
    set: Some(|cx, v, value| {
        if value.is_none() {
            return raise!(cx, TypeError, "cannot delete __dict__");
        }
        crate::types::object_methods::DICT_GETSET.set.expect("settable")(cx, v, value)
    }),
}];

impl Function {
    fn changed(&self, cx: &mut Cx) {
        // 0 says "not to be cached"; the counter of dict versions serves for these, too.
        self.version.set((cx.rt().next_dict_version() as u32).max(1));
        FUNCTION.tell_watchers(cx);
        cx.barrier(self);
    }
}

/// `value` as `None` or an instance of `T`; TypeError `text` otherwise.
fn optional<T: object::Object>(cx: &mut Cx, value: Option<Value>, text: &str) -> PyResult<Option<&'static T>> {
    let Some(value) = value.filter(|v| !v.is_none()) else { return Ok(None) };
    match value.downcast::<T>() {
        Some(v) => Ok(Some(v)),
        None => raise!(cx, TypeError, "{text}"),
    }
}

#[pymethods]
impl Function {
    #[getter]
    fn __code__(_cx: &mut Cx, this: &'static Function) -> Value {
        Value::of(this.code.get())
    }
    #[setter("__code__")]
    fn set_code(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let Some(code) = value.and_then(|v| v.downcast::<CodeObject>()) else {
            return raise!(cx, TypeError, "__code__ must be set to a code object");
        };
        let (free, given) = (code.nfrees as usize, this.closure.get().map_or(0, |c| c.len()));
        if free != given {
            let name = this.name.get();
            return raise!(cx, ValueError, "{name}() requires a code object with {given} free vars, not {free}");
        }
        let kind = co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR;
        if (this.code.get().flags ^ code.flags) & kind != 0 {
            let text = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)";
            crate::protocol::warn::warn(cx, &crate::exceptions::DeprecationWarning, text, 1)?;
        }
        this.code.set(code);
        this.changed(cx);
        Ok(())
    }

    #[getter]
    fn __defaults__(_cx: &mut Cx, this: &'static Function) -> Value {
        this.defaults.get().map_or(Value::none(), Value::of)
    }
    #[setter("__defaults__")]
    fn set_defaults(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let defaults = optional::<Tuple>(cx, value, "__defaults__ must be set to a tuple object")?;
        this.defaults.set(defaults);
        this.changed(cx);
        Ok(())
    }

    #[getter]
    fn __kwdefaults__(_cx: &mut Cx, this: &'static Function) -> Value {
        this.kwdefaults.get().map_or(Value::none(), Value::of)
    }
    #[setter("__kwdefaults__")]
    fn set_kwdefaults(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let defaults = optional::<Dict>(cx, value, "__kwdefaults__ must be set to a dict object")?;
        this.kwdefaults.set(defaults);
        this.changed(cx);
        Ok(())
    }

    /// Dict of annotations in a function object.
    #[getter]
    fn __annotations__(cx: &mut Cx, this: &'static Function) -> PyResult<Value> {
        if let Some(annotations) = this.annotations.get() {
            return Ok(Value::of(annotations));
        }
        let annotate = this.annotate.get().unwrap_or(Value::none());
        let annotations = call_annotate(cx, annotate)?;
        this.annotations.set(annotations.downcast::<Dict>());
        cx.barrier(this);
        Ok(annotations)
    }
    #[setter("__annotations__")]
    fn set_annotations(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let annotations = optional::<Dict>(cx, value, "__annotations__ must be set to a dict object")?;
        this.annotations.set(annotations);
        this.annotate.set(None);
        cx.barrier(this);
        Ok(())
    }

    /// Get the code object for a function.
    #[getter]
    fn __annotate__(_cx: &mut Cx, this: &'static Function) -> Value {
        this.annotate.get().unwrap_or(Value::none())
    }
    #[setter("__annotate__")]
    fn set_annotate(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        match value {
            None => return raise!(cx, TypeError, "__annotate__ cannot be deleted"),
            Some(v) if v.is_none() => this.annotate.set(None),
            Some(v) if is_callable(v) => {
                this.annotate.set(Some(v));
                this.annotations.set(None);
            }
            Some(_) => return raise!(cx, TypeError, "__annotate__ must be callable or None"),
        }
        cx.barrier(this);
        Ok(())
    }

    /// Get the declared type parameters for a function.
    #[getter]
    fn __type_params__(cx: &mut Cx, this: &'static Function) -> Value {
        Value::of(this.type_params.get().unwrap_or_else(|| Tuple::new(cx, &[])))
    }
    #[setter("__type_params__")]
    fn set_type_params(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let Some(params) = value.and_then(|v| v.downcast::<Tuple>()) else {
            return raise!(cx, TypeError, "__type_params__ must be set to a tuple");
        };
        this.type_params.set(Some(params));
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __doc__(_cx: &mut Cx, this: &'static Function) -> Value {
        this.doc.get().unwrap_or(Value::none())
    }
    #[setter("__doc__")]
    fn set_doc(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        this.doc.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __module__(_cx: &mut Cx, this: &'static Function) -> Value {
        this.module.get().unwrap_or(Value::none())
    }
    #[setter("__module__")]
    fn set_module(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        this.module.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __name__(_cx: &mut Cx, this: &'static Function) -> Value {
        Value::of(this.name.get())
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let Some(name) = value.and_then(|v| v.downcast::<Str>()) else {
            return raise!(cx, TypeError, "__name__ must be set to a string object");
        };
        this.name.set(name);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __qualname__(_cx: &mut Cx, this: &'static Function) -> Value {
        Value::of(this.qualname.get())
    }
    #[setter("__qualname__")]
    fn set_qualname(cx: &mut Cx, this: &'static Function, value: Option<Value>) -> PyResult<()> {
        let Some(name) = value.and_then(|v| v.downcast::<Str>()) else {
            return raise!(cx, TypeError, "__qualname__ must be set to a string object");
        };
        this.qualname.set(name);
        cx.barrier(this);
        Ok(())
    }
}

static FUNCTION_PARAMS: ParamSpec = ParamSpec {
    name: "function",
    names: &["code", "globals", "name", "argdefs", "closure", "kwdefaults"],
    positional_only: 0,
    positional: 6,
    required: 2,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

/// `types.FunctionType(code, globals, ...)`.
fn new_function(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 6];
    native::bind(cx, &FUNCTION_PARAMS, args, &mut bound)?;
    let code = <&'static CodeObject as native::FromArg>::from_arg(cx, bound[0], &FUNCTION_PARAMS, 0)?;
    let globals = <&'static Dict as native::FromArg>::from_arg(cx, bound[1], &FUNCTION_PARAMS, 1)?;
    let name = optional::<Str>(cx, bound[2], "arg 3 (name) must be None or string")?;
    let defaults = optional::<Tuple>(cx, bound[3], "arg 4 (defaults) must be None or tuple")?;
    let closure = bound[4].filter(|c| !c.is_none());
    let closure = match closure.map(|c| c.downcast::<Tuple>()) {
        Some(Some(closure)) => Some(closure),
        None if code.nfrees == 0 => None,
        None => return raise!(cx, TypeError, "arg 5 (closure) must be tuple"),
        Some(None) => return raise!(cx, TypeError, "arg 5 (closure) must be None or tuple"),
    };
    let kwdefaults = optional::<Dict>(cx, bound[5], "arg 6 (kwdefaults) must be None or dict")?;
    let (free, given) = (code.nfrees as usize, closure.map_or(0, |c| c.len()));
    if free != given {
        return raise!(cx, ValueError, "{} requires closure of length {free}, not {given}", code.name);
    }
    for cell in closure.map_or(&[][..], |c| c.items()) {
        if cell.exact::<CellObject>().is_none() {
            let got = cell.class().tp_name();
            return raise!(cx, TypeError, "arg 5 (closure) expected cell, found {got}");
        }
    }
    let this = Function::new(cx, code, globals);
    if let Some(name) = name {
        this.name.set(name);
    }
    this.defaults.set(defaults);
    this.closure.set(closure);
    this.kwdefaults.set(kwdefaults);
    cx.barrier(this);
    Ok(Value::of(this))
}

// ---- bound methods ---------------------------------------------------------------------------------

/// The type of bound methods.
pub static METHOD: Type = Type::new(&METHOD_SPEC);
static METHOD_SPEC: TypeSpec = TypeSpec {
    name: "method",
    basicsize: 48,
    weakrefs: true,
    trace: Some(crate::types::function::trace_method),
    slots: Slots {
        repr: Some(repr_method),
        hash: Some(|cx, v| {
            let this = bound(v);
            let h = hash::of_address(this.receiver) ^ hash::hash(cx, this.function)?;
            Ok(if h == -1 { -2 } else { h })
        }),
        richcompare: Some(compare_methods),
        call: Some(crate::protocol::call::call_method_object),
        getattr: Some(method_attribute),
        descr_get: Some(|_, v, _, _| Ok(v)),
        new: Some(|cx, _, args| {
            exactly(cx, args, "method", 2)?;
            let (function, receiver) = (args.values()[0], args.values()[1]);
            if !is_callable(function) {
                return raise!(cx, TypeError, "first argument must be callable");
            }
            if receiver.is_none() {
                return raise!(cx, TypeError, "instance must not be None");
            }
            Ok(Value::of(BoundMethod::new(cx, function, receiver)))
        }),
        ..Slots::NONE
    },
    methods: &[BoundMethod::METHODS],
    getsets: &[BoundMethod::GETSETS, METHOD_MEMBERS],
    doc: "Create a bound instance method object.",
    signature: "(function, instance, /)",
    ..TypeSpec::DEFAULT
};

fn bound(v: Value) -> &'static BoundMethod {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    METHOD_MEMBERS: BoundMethod;
    "__func__" "the function (or other callable) implementing a method" |_cx, m| m.function;
    "__self__" "the instance to which a method is bound" |_cx, m| m.receiver;
}

#[pymethods]
impl BoundMethod {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static BoundMethod) -> PyResult<Value> {
        let key = cx.names().__name__;
        let name = attr::get(cx, this.function, key)?;
        reduce_to_getattr(cx, this.receiver, name)
    }
    #[getter]
    fn __doc__(cx: &mut Cx, this: &'static BoundMethod) -> PyResult<Value> {
        let key = cx.names().__doc__;
        Ok(attr::get_optional(cx, this.function, key)?.unwrap_or(Value::none()))
    }
}

fn repr_method(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = bound(v);
    let (qualname, name) = (cx.names().__qualname__, cx.names().__name__);
    let mut found = attr::get_optional(cx, this.function, qualname)?;
    if found.is_none() {
        found = attr::get_optional(cx, this.function, name)?;
    }
    let name = found.and_then(|n| n.downcast::<Str>()).map_or("?".to_string(), |n| n.to_string_lossy());
    let receiver = any::repr_text(cx, this.receiver)?;
    Ok(cx.str(&format!("<bound method {name} of {receiver}>")))
}

fn compare_methods(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<BoundMethod>(), b.exact::<BoundMethod>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let same = crate::protocol::compare::equal(cx, x.function, y.function)? && x.receiver.is(y.receiver);
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

/// Attributes of the type come first, others are the function's.
fn method_attribute(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    match cx.type_lookup(&METHOD, name) {
        Some(found) => attr::bind(cx, found, v, &METHOD),
        None => attr::get(cx, bound(v).function, name),
    }
}

// ---- staticmethod and classmethod ------------------------------------------------------------------

/// A staticmethod or classmethod object.
#[repr(C)]
pub struct MethodHolder {
    header: Header,
    /// `__func__`.
    pub function: Cell<Option<Value>>,
}
object!(MethodHolder, STATIC_METHOD);

unsafe fn trace_holder(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these types only.
    if let Some(f) = unsafe { (*object.cast::<MethodHolder>()).function.get() } {
        marker.mark_value(f.bits());
    }
}

const HOLDER: TypeSpec = TypeSpec {
    basicsize: std::mem::size_of::<MethodHolder>(),
    flags: flags::BASETYPE,
    attrs: true,
    trace: Some(trace_holder),
    methods: &[MethodHolder::METHODS],
    getsets: &[MethodHolder::GETSETS, HOLDER_MEMBERS],
    signature: "(function, /)",
    ..TypeSpec::DEFAULT
};

/// The type staticmethod.
pub static STATIC_METHOD: Type = Type::new(&STATIC_METHOD_SPEC);
static STATIC_METHOD_SPEC: TypeSpec = TypeSpec {
    name: "staticmethod",
    slots: Slots {
        repr: Some(|cx, v| repr_holder(cx, v, "staticmethod")),
        call: Some(|cx, v, args| match holder(v).function.get() {
            Some(f) => cx.call_args(f, args),
            None => raise!(cx, TypeError, "'NoneType' object is not callable"),
        }),
        descr_get: Some(|_, v, _, _| Ok(holder(v).function.get().unwrap_or(Value::none()))),
        init: Some(|cx, v, args| init_holder(cx, v, args, "staticmethod")),
        new: Some(new_holder),
        ..Slots::NONE
    },
    doc: "Convert a function to be a static method.\n\nA static method does not receive an implicit first argument.\nTo declare a static method, use this idiom:\n\n     class C:\n         @staticmethod\n         def f(arg1, arg2, argN):\n             ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()). Both the class and the instance are ignored, and\nneither is passed implicitly as the first argument to the method.\n\nStatic methods in Python are similar to those found in Java or C++.\nFor a more advanced concept, see the classmethod builtin.",
    ..HOLDER
};

/// The type classmethod.
pub static CLASS_METHOD: Type = Type::new(&CLASS_METHOD_SPEC);
static CLASS_METHOD_SPEC: TypeSpec = TypeSpec {
    name: "classmethod",
    slots: Slots {
        repr: Some(|cx, v| repr_holder(cx, v, "classmethod")),
        descr_get: Some(|cx, v, obj, class| {
            let class = class.unwrap_or_else(|| Value::of(obj.expect("one of them is given").class()));
            let f = holder(v).function.get().unwrap_or(Value::none());
            Ok(Value::of(BoundMethod::new(cx, f, class)))
        }),
        init: Some(|cx, v, args| init_holder(cx, v, args, "classmethod")),
        new: Some(new_holder),
        ..Slots::NONE
    },
    doc: "Convert a function to be a class method.\n\nA class method receives the class as implicit first argument,\njust like an instance method receives the instance.\nTo declare a class method, use this idiom:\n\n  class C:\n      @classmethod\n      def f(cls, arg1, arg2, argN):\n          ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()).  The instance is ignored except for its class.\nIf a class method is called for a derived class, the derived class\nobject is passed as the implied first argument.\n\nClass methods are different than C++ or Java static methods.\nIf you want those, see the staticmethod builtin.",
    ..HOLDER
};

fn holder(v: Value) -> &'static MethodHolder {
    // SAFETY: slots of these types.
    unsafe { v.cast() }
}

fn repr_holder(cx: &mut Cx, v: Value, name: &str) -> PyResult<Value> {
    let f = any::repr_text(cx, holder(v).function.get().unwrap_or(Value::none()))?;
    Ok(cx.str(&format!("<{name}({f})>")))
}

fn new_holder(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = MethodHolder { header: Header::fresh(class), function: Cell::new(None) };
    Ok(Value::of(cx.alloc_of(class, this)))
}

fn init_holder(cx: &mut Cx, v: Value, args: Args, name: &str) -> PyResult<()> {
    exactly(cx, args, name, 1)?;
    let f = args.values()[0];
    let this = holder(v);
    this.function.set(Some(f));
    cx.barrier(this);
    let n = cx.names();
    for key in [n.__module__, n.__name__, n.__qualname__, n.__doc__] {
        if let Some(value) = attr::get_optional(cx, f, key)? {
            attr::set(cx, v, key, Some(value))?;
        }
    }
    Ok(())
}

members! {
    HOLDER_MEMBERS: MethodHolder;
    "__func__" "" |_cx, m| m.function.get().unwrap_or(Value::none());
    "__wrapped__" "" |_cx, m| m.function.get().unwrap_or(Value::none());
}

/// The attribute `key` of the wrapped function, kept in the holder's `__dict__`.
fn wrapped_attribute(cx: &mut Cx, this: &'static MethodHolder, key: &'static Str) -> PyResult<Value> {
    let Some(attrs) = crate::shape::Attrs::of(Value::of(this)) else { return Ok(Value::none()) };
    if let Some(found) = attrs.get(cx, key) {
        return Ok(found);
    }
    let value = attr::get(cx, this.function.get().unwrap_or(Value::none()), key)?;
    attrs.set(cx, key, value);
    Ok(value)
}

fn set_wrapped_attribute(
    cx: &mut Cx,
    this: &'static MethodHolder,
    key: &'static Str,
    value: Option<Value>,
) -> PyResult<()> {
    let v = Value::of(this);
    let Some(attrs) = crate::shape::Attrs::of(v) else { return Ok(()) };
    match value {
        Some(value) => attrs.set(cx, key, value),
        None => {
            if !attrs.remove(cx, key) {
                return Err(attr::attribute_error(cx, &key.to_string_lossy(), v, key));
            }
        }
    }
    Ok(())
}

#[pymethods]
impl MethodHolder {
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        crate::types::generic_alias::new(cx, class, object)
    }
    #[getter]
    fn __isabstractmethod__(cx: &mut Cx, this: &'static MethodHolder) -> PyResult<bool> {
        match this.function.get() {
            Some(f) => is_abstract(cx, f),
            None => Ok(false),
        }
    }
    #[getter]
    fn __annotations__(cx: &mut Cx, this: &'static MethodHolder) -> PyResult<Value> {
        let key = cx.names().__annotations__;
        wrapped_attribute(cx, this, key)
    }
    #[setter("__annotations__")]
    fn set_annotations(cx: &mut Cx, this: &'static MethodHolder, value: Option<Value>) -> PyResult<()> {
        let key = cx.names().__annotations__;
        set_wrapped_attribute(cx, this, key, value)
    }
    #[getter]
    fn __annotate__(cx: &mut Cx, this: &'static MethodHolder) -> PyResult<Value> {
        let key = cx.names().__annotate__;
        wrapped_attribute(cx, this, key)
    }
    #[setter("__annotate__")]
    fn set_annotate(cx: &mut Cx, this: &'static MethodHolder, value: Option<Value>) -> PyResult<()> {
        let key = cx.names().__annotate__;
        set_wrapped_attribute(cx, this, key, value)
    }
}

/// Truth of `v.__isabstractmethod__`.
pub fn is_abstract(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let key = cx.names().__isabstractmethod__;
    match attr::get_optional(cx, v, key)? {
        Some(flag) => any::truth(cx, flag),
        None => Ok(false),
    }
}

/// `staticmethod(f)`. May collect.
pub fn new_static_method(cx: &mut Cx, f: Value) -> Value {
    let h = MethodHolder { header: Header::fresh(&STATIC_METHOD), function: Cell::new(Some(f)) };
    Value::of(cx.alloc_of(&STATIC_METHOD, h))
}

/// The function in an exact staticmethod.
pub fn static_function(v: Value) -> Option<Value> {
    v.exact::<MethodHolder>().and_then(|h| h.function.get())
}

/// `classmethod(f)`. May collect.
pub fn new_class_method(cx: &mut Cx, f: Value) -> Value {
    let h = MethodHolder { header: Header::fresh(&CLASS_METHOD), function: Cell::new(Some(f)) };
    Value::of(cx.alloc_of(&CLASS_METHOD, h))
}

/// Types of this file.
pub static TYPES: &[&Type] = &[&FUNCTION, &METHOD, &CLASS_METHOD];
