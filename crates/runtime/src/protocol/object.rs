//! Truth, length, items, repr and str of any object.

use crate::cx::Cx;
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

/// `bool(v)`.
#[inline]
pub fn truth(cx: &mut Cx, v: Value) -> PyResult<bool> {
    if v == Value::bool(true) {
        return Ok(true);
    }
    if v == Value::bool(false) || v.is_none() {
        return Ok(false);
    }
    if let Some(i) = v.as_small() {
        return Ok(i != 0);
    }
    let slots = v.class().slots();
    if let Some(f) = slots.bool {
        return f(cx, v);
    }
    match slots.len {
        Some(f) => Ok(f(cx, v)? != 0),
        None => Ok(true),
    }
}

/// `len(v)`.
pub fn len(cx: &mut Cx, v: Value) -> PyResult<usize> {
    match v.class().slots().len {
        Some(f) => f(cx, v),
        None => raise!(cx, TypeError, "object of type '{}' has no len()", v.class().tp_name()),
    }
}

/// `v[key]`.
pub fn get_item(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    if let (Some(s), Some(i)) = (v.exact::<Str>(), key.as_small())
        && let Some(c) = s.get(if i < 0 { i + s.len() as i64 } else { i } as usize)
    {
        return Ok(Value::of(cx.char(c)));
    }
    if let Some(f) = v.class().slots().getitem {
        return f(cx, v, key);
    }
    if let Some(class) = v.downcast::<Type>() {
        return crate::types::type_methods::class_getitem(cx, class, key);
    }
    raise!(cx, TypeError, "'{}' object is not subscriptable", v.class().tp_name())
}

/// `v[key] = value`, or `del v[key]` without a value.
pub fn set_item(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    match v.class().slots().setitem {
        Some(f) => f(cx, v, key, value),
        None if value.is_some() => {
            raise!(cx, TypeError, "'{}' object does not support item assignment", v.class().tp_name())
        }
        None => raise!(cx, TypeError, "'{}' object doesn't support item deletion", v.class().tp_name()),
    }
}

/// `item in v`.
pub fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    match v.class().slots().contains {
        Some(f) => f(cx, v, item),
        None => crate::protocol::iter::contains_by_iteration(cx, v, item),
    }
}

/// `repr(v)` as a str object.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    let Some(f) = v.class().slots().repr else {
        let text = format!("<{} object at {:#x}>", v.class().tp_name(), v.bits());
        return Ok(Str::new(cx, &text));
    };
    let r = cx.nested(" while getting the repr of an object", |cx| f(cx, v))?;
    match r.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "__repr__ returned non-string (type {})", r.class().tp_name()),
    }
}

/// `repr(v)` as a value.
pub fn repr_value(cx: &mut Cx, v: Value) -> PyResult<Value> {
    repr(cx, v).map(Value::of)
}

/// `repr(v)` as Rust text for messages.
pub fn repr_text(cx: &mut Cx, v: Value) -> PyResult<String> {
    Ok(repr(cx, v)?.to_string_lossy())
}

/// `str(v)` as a str object.
pub fn str(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    if let Some(s) = v.exact::<Str>() {
        return Ok(s);
    }
    let Some(f) = v.class().slots().str else { return repr(cx, v) };
    let r = cx.nested(" while getting the str of an object", |cx| f(cx, v))?;
    match r.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "__str__ returned non-string (type {})", r.class().tp_name()),
    }
}

/// `isinstance(v, class)` with `__instancecheck__`, tuples and unions.
pub fn is_instance(cx: &mut Cx, v: Value, class: Value) -> PyResult<bool> {
    crate::types::type_methods::is_instance(cx, v, class)
}

/// Guards against endless recursion in reprs of containers: false if `v`'s repr is being made already; otherwise
/// call [`leave_repr`] when done.
pub fn enter_repr(cx: &mut Cx, v: Value) -> bool {
    if cx.repr_stack.contains(&v) {
        return false;
    }
    cx.repr_stack.push(v);
    true
}

/// See [`enter_repr`].
pub fn leave_repr(cx: &mut Cx) {
    cx.repr_stack.pop();
}

/// Reports an exception that cannot be raised (in `__del__`, a weakref callback) through `sys.unraisablehook`.
pub fn unraisable(cx: &mut Cx, exception: Value, object: Option<Value>, message: Option<&str>) {
    crate::types::exception::report_unraisable(cx, exception, object, message);
}

/// How messages about calls name a callee: `module.qualname()`, or its str.
pub fn function_text(cx: &mut Cx, f: Value) -> PyResult<String> {
    let names = cx.names();
    if let Some(qualname) = crate::protocol::attr::get_optional(cx, f, names.__qualname__)?
        && let Some(qualname) = qualname.downcast::<Str>()
    {
        let module = crate::protocol::attr::get_optional(cx, f, names.__module__)?;
        return Ok(match module.and_then(|m| m.downcast::<Str>()) {
            Some(m) if !m.eq_rust("builtins") => format!("{m}.{qualname}()"),
            _ => format!("{qualname}()"),
        });
    }
    Ok(str(cx, f)?.to_string_lossy())
}
