//! Attribute access.

use crate::cx::Cx;
use crate::shape::Attrs;
use crate::typeobj::{Type, flags};
use crate::types::class_creation;
use crate::types::function::{BoundMethod, Function};
use crate::types::module::Module;
use crate::types::property::Property;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

/// `v.name`.
#[inline]
pub fn get(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let result = match v.class().slots().getattr {
        Some(f) => f(cx, v, name),
        None => generic_get(cx, v, name),
    };
    if result.is_err() {
        note_attribute(cx, v, name);
    }
    result
}

/// Notes in a raised AttributeError that knows neither object nor name what was asked for.
#[cold]
pub fn note_attribute(cx: &mut Cx, v: Value, name: &'static Str) {
    let Some(e) = cx.exception().filter(|e| std::ptr::eq(e.class(), &crate::exceptions::AttributeError)) else {
        return;
    };
    let Some(e) = e.downcast::<crate::exceptions::Exception>() else { return };
    if e.extra(0).is_none() && e.extra(1).is_none() {
        e.set_extra(cx, 0, Some(v));
        e.set_extra(cx, 1, Some(Value::of(name)));
    }
}

/// `v.name` for a name given as text. May collect.
pub fn get_text(cx: &mut Cx, v: Value, name: &str) -> PyResult<Value> {
    let name = cx.intern(name);
    get(cx, v, name)
}

/// `v.name`, None where that raises AttributeError.
pub fn get_optional(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Option<Value>> {
    if v.class().slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic_get as GetFn)) {
        let r = generic_get_optional(cx, v, name);
        // A descriptor may have raised it.
        return Ok(cx.catch(r, &crate::exceptions::AttributeError)?.flatten());
    }
    let r = get(cx, v, name);
    cx.catch(r, &crate::exceptions::AttributeError)
}

type GetFn = fn(&mut Cx, Value, &'static Str) -> PyResult<Value>;

/// `v.name = value`, or `del v.name` without a value.
pub fn set(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    match v.class().slots().setattr {
        Some(f) => f(cx, v, name, value),
        None => generic_set(cx, v, name, value),
    }
}

/// True if a descriptor overrides instance attributes.
#[inline]
pub fn is_data_descriptor(descr: Value) -> bool {
    descr.class().slots().descr_set.is_some()
}

/// Binds `descr`, found on the type, to `v`.
#[inline]
pub fn bind(cx: &mut Cx, descr: Value, v: Value, class: &'static Type) -> PyResult<Value> {
    if descr.exact::<Function>().is_some() {
        return Ok(Value::of(BoundMethod::new(cx, descr, v)));
    }
    match descr.class().slots().descr_get {
        Some(f) => f(cx, descr, Some(v), Some(Value::of(class))),
        None => Ok(descr),
    }
}

/// `object.__getattribute__`.
pub fn generic_get(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    match generic_get_optional(cx, v, name)? {
        Some(found) => Ok(found),
        None => Err(no_attribute(cx, v, name)),
    }
}

/// As [`generic_get`], None where the attribute is missing. An AttributeError raised by a descriptor stays raised
/// only in [`generic_get`]'s callers that need it: here it is reported as missing too.
pub fn generic_get_optional(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Option<Value>> {
    let class = v.class();
    let descr = cx.type_lookup(class, name);
    if let Some(d) = descr {
        let slots = d.class().slots();
        if slots.descr_set.is_some()
            && let Some(get) = slots.descr_get
        {
            return get(cx, d, Some(v), Some(Value::of(class))).map(Some);
        }
    }
    if let Some(attrs) = Attrs::of(v) {
        let name = if name.is_interned() { name } else { cx.intern_value(name) };
        if let Some(found) = attrs.get(cx, name) {
            return Ok(Some(found));
        }
    } else if let Some(module) = v.downcast::<Module>()
        && let Some(found) = module.dict().get_str(name)
    {
        return Ok(Some(found));
    }
    match descr {
        Some(d) => bind(cx, d, v, class).map(Some),
        None => Ok(None),
    }
}

/// AttributeError "'C' object has no attribute 'x'", with `obj` and `name` set.
#[cold]
pub fn no_attribute(cx: &mut Cx, v: Value, name: &'static Str) -> crate::Raised {
    let text = match v.downcast::<Type>() {
        Some(class) => format!("type object '{}' has no attribute '{name}'", class.name()),
        None => format!("'{}' object has no attribute '{name}'", v.class().tp_name()),
    };
    attribute_error(cx, &text, v, name)
}

/// An AttributeError with its `name` and `obj`.
#[cold]
pub fn attribute_error(cx: &mut Cx, text: &str, v: Value, name: &'static Str) -> crate::Raised {
    let raised = cx.raise_text(&crate::exceptions::AttributeError, text);
    if let Some(e) = cx.exception().and_then(|e| e.downcast::<crate::exceptions::Exception>()) {
        e.set_extra(cx, 0, Some(v));
        e.set_extra(cx, 1, Some(Value::of(name)));
    }
    raised
}

/// `object.__setattr__` and `__delattr__`.
pub fn generic_set(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    let class = v.class();
    let descr = cx.type_lookup(class, name);
    if let Some(d) = descr
        && let Some(set) = d.class().slots().descr_set
    {
        return set(cx, d, v, value);
    }
    let name = if name.is_interned() { name } else { cx.intern_value(name) };
    if let Some(attrs) = Attrs::of(v) {
        match value {
            Some(value) => attrs.set(cx, name, value),
            None => {
                if !attrs.remove(cx, name) {
                    return Err(no_attribute(cx, v, name));
                }
            }
        }
        return Ok(());
    }
    if let Some(module) = v.downcast::<Module>() {
        match value {
            Some(value) => module.dict().set_str(cx, name, value),
            None => {
                if module.dict().remove_str(cx, name).is_none() {
                    return Err(no_attribute(cx, v, name));
                }
            }
        }
        return Ok(());
    }
    let text = match descr {
        Some(_) => format!("'{}' object attribute '{name}' is read-only", class.tp_name()),
        None if uses_generic_set(class) => {
            format!("'{}' object has no attribute '{name}' and no __dict__ for setting new attributes", class.tp_name())
        }
        None => format!("'{}' object has no attribute '{name}'", class.tp_name()),
    };
    Err(attribute_error(cx, &text, v, name))
}

/// `type.__getattribute__`: the metaclass's data descriptors, the class's own MRO, the metaclass's other attributes.
pub fn type_get(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    // SAFETY: the slot of types.
    let class: &'static Type = unsafe { v.cast() };
    let meta = class.header().class();
    let meta_attr = cx.type_lookup(meta, name);
    if let Some(d) = meta_attr {
        let slots = d.class().slots();
        if slots.descr_set.is_some()
            && let Some(get) = slots.descr_get
        {
            return get(cx, d, Some(v), Some(Value::of(meta)));
        }
    }
    if let Some(own) = cx.type_lookup(class, name) {
        return match own.class().slots().descr_get {
            Some(get) => get(cx, own, None, Some(v)),
            None => Ok(own),
        };
    }
    if let Some(d) = meta_attr {
        return bind(cx, d, v, meta);
    }
    Err(no_attribute(cx, v, name))
}

/// `type.__setattr__` and `__delattr__`.
pub fn type_set(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    // SAFETY: the slot of types.
    let class: &'static Type = unsafe { v.cast() };
    if class.has(flags::IMMUTABLE) {
        let class = class.tp_name();
        return raise!(cx, TypeError, "cannot set '{name}' attribute of immutable type '{class}'");
    }
    let meta = class.header().class();
    if let Some(d) = cx.type_lookup(meta, name)
        && let Some(set) = d.class().slots().descr_set
    {
        return set(cx, d, v, value);
    }
    let name = if name.is_interned() { name } else { cx.intern_value(name) };
    match value {
        Some(value) => {
            class.dict().set_str(cx, name, value);
            if std::ptr::eq(name, cx.names().__del__) {
                class.data().finalizer.set(true);
            } else if std::ptr::eq(name, cx.names().__init__) {
                class_creation::expect_init(class, value);
            }
        }
        None => {
            if class.dict().remove_str(cx, name).is_none() {
                return Err(no_attribute(cx, v, name));
            }
        }
    }
    cx.type_modified(class);
    crate::slots::update_slot(cx, class, name);
    Ok(())
}

/// Looks up a method for a call: (function, true) when it is to be called with `v` in front of its arguments, or
/// (attribute, false). Saves making a bound method.
#[inline]
pub fn get_method(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<(Value, bool)> {
    let class = v.class();
    let generic = class.slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic_get as GetFn));
    if generic
        && let Some(d) = cx.type_lookup(class, name)
        && is_method(d)
    {
        if let Some(attrs) = Attrs::of(v)
            && let Some(own) = attrs.get(cx, name)
        {
            return Ok((own, false));
        }
        return Ok((d, true));
    }
    Ok((get(cx, v, name)?, false))
}

/// True for objects whose binding can be skipped: functions, native method descriptors, slot wrappers.
#[inline]
pub fn is_method(d: Value) -> bool {
    d.class().has(flags::METHOD_DESCRIPTOR)
}

/// The getter of a property, if `descr` is an exact property over a Python function. It stays the getter as long as the
/// class keeps its version: `property.__init__` on a property in use invalidates all classes.
pub fn python_getter(descr: Value) -> Option<&'static Function> {
    descr.exact::<Property>()?.get.get()?.exact::<Function>()
}

/// The setter of a property, as [`python_getter`].
pub fn python_setter(descr: Value) -> Option<&'static Function> {
    descr.exact::<Property>()?.set.get()?.exact::<Function>()
}

/// Whether attributes of instances are read by [`generic_get`].
pub fn uses_generic_get(class: &Type) -> bool {
    let generic: fn(&mut Cx, Value, &'static Str) -> PyResult<Value> = generic_get;
    class.slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic))
}

/// Whether attributes of instances are written by [`generic_set`].
pub fn uses_generic_set(class: &Type) -> bool {
    let generic: fn(&mut Cx, Value, &'static Str, Option<Value>) -> PyResult<()> = generic_set;
    class.slots().setattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic))
}
