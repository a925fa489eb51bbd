//! Attributes and methods of type.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::dict::Dict;

/// The methods of type.
pub struct TypeMethods;

#[pymethods]
impl TypeMethods {}

/// The native `__new__` that every type with a native constructor has in its namespace.
pub struct TypeNew;

#[pymethods]
impl TypeNew {
    /// Create and return a new object.  See help(type) for accurate signature.
    #[staticmethod]
    #[py("(*args, **kwargs)", raw)]
    fn __new__(cx: &mut Cx, _args: Args) -> PyResult<Value> {
        raise!(cx, TypeError, "not yet")
    }
}

/// `repr` of a type.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class: &'static Type = v.downcast().expect("a type");
    let name = crate::types::type_::full_name(cx, class);
    Ok(cx.str(&format!("<class '{name}'>")))
}

/// `type.__init__`.
pub fn init(_cx: &mut Cx, _v: Value, _args: Args) -> PyResult<()> {
    Ok(())
}

/// `type.__new__`.
pub fn new(cx: &mut Cx, _class: &'static Type, _args: Args) -> PyResult<Value> {
    raise!(cx, TypeError, "not yet")
}

/// `A | B`.
pub fn union(_cx: &mut Cx, _a: Value, _b: Value) -> PyResult<Value> {
    Ok(Value::not_implemented())
}

/// `C[key]` through `__class_getitem__`.
pub fn class_getitem(cx: &mut Cx, class: &'static Type, _key: Value) -> PyResult<Value> {
    raise!(cx, TypeError, "type '{}' is not subscriptable", class.tp_name())
}

/// `isinstance(v, class)`.
pub fn is_instance(_cx: &mut Cx, v: Value, class: Value) -> PyResult<bool> {
    Ok(class.downcast::<Type>().is_some_and(|c| v.is_instance(c)))
}

/// `issubclass(class, of)`.
pub fn is_subclass(cx: &mut Cx, class: Value, of: Value) -> PyResult<bool> {
    match (class.downcast::<Type>(), of.downcast::<Type>()) {
        (Some(a), Some(b)) => Ok(a.is_subtype(b)),
        _ => raise!(cx, TypeError, "issubclass() arg 1 must be a class"),
    }
}

/// Adds `__dict__` and `__weakref__` descriptors to a new class whose instances gain them.
pub fn add_instance_getsets(_cx: &mut Cx, _class: &'static Type, _dict: &'static Dict) {}
