//! Pattern matching: mapping and class patterns (PEP 634).

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::protocol::{attr, object};
use crate::typeobj::{Type, flags};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};

/// The values of mapping `subject` under the keys in the tuple `keys`, or None if one is missing.
/// ValueError for duplicate keys.
pub fn match_keys(cx: &mut Cx, subject: Value, keys: Value) -> PyResult<Option<Value>> {
    let Some(keys) = keys.exact::<Tuple>() else { return raise!(cx, SystemError, "keys are not a tuple") };
    let seen = crate::dict::Dict::new(cx);
    let mut values = RootVec::new();
    let marker = Value::of(crate::types::list::List::new(cx));
    let get = cx.intern("get");
    for key in keys.items() {
        if seen.contains(cx, *key)? {
            let key = object::repr_text(cx, *key)?;
            return raise!(cx, ValueError, "mapping pattern checks duplicate key ({key})");
        }
        seen.set(cx, *key, Value::none())?;
        let found = match subject.exact::<crate::dict::Dict>() {
            Some(dict) => dict.get(cx, *key)?,
            None => {
                let v = cx.call_method(subject, get, &[*key, marker])?;
                if v == marker { None } else { Some(v) }
            }
        };
        match found {
            Some(v) => values.push(v),
            None => return Ok(None),
        }
    }
    Ok(Some(Value::of(Tuple::new(cx, &values))))
}

/// The attributes that a class pattern with `positional` positional subpatterns and the keyword `names` extracts from
/// `subject`, as a tuple; None if it is no instance or lacks one.
pub fn match_class(
    cx: &mut Cx,
    subject: Value,
    class: Value,
    names: Value,
    positional: usize,
) -> PyResult<Option<Value>> {
    let Some(c) = class.downcast::<Type>() else {
        let got = object::repr_text(cx, class)?;
        let _ = got;
        return raise!(cx, TypeError, "called match pattern must be a class");
    };
    if !object::is_instance(cx, subject, class)? {
        return Ok(None);
    }
    let mut seen: Vec<&'static Str> = Vec::new();
    let mut values = RootVec::new();
    if positional > 0 && !match_positional(cx, subject, c, positional, &mut seen, &mut values)? {
        return Ok(None);
    }
    let names = names.exact::<Tuple>().map_or(&[][..], |t| t.items());
    for name in names {
        let Some(name) = name.downcast::<Str>() else { continue };
        if !extract(cx, subject, c, name, &mut seen, &mut values)? {
            return Ok(None);
        }
    }
    Ok(Some(Value::of(Tuple::new(cx, &values))))
}

fn match_positional(
    cx: &mut Cx,
    subject: Value,
    class: &'static Type,
    positional: usize,
    seen: &mut Vec<&'static Str>,
    values: &mut RootVec,
) -> PyResult<bool> {
    let key = cx.names().__match_args__;
    let allowed = attr::get_optional(cx, Value::of(class), key)?;
    let args = match allowed {
        Some(args) => match args.exact::<Tuple>() {
            Some(t) => Some(t),
            None => {
                let (class, got) = (class.name(), args.class().name());
                return raise!(cx, TypeError, "{class}.__match_args__ must be a tuple (got {got})");
            }
        },
        None => None,
    };
    let itself = args.is_none() && class.has(flags::MATCH_SELF);
    let limit = if itself { 1 } else { args.map_or(0, |a| a.len()) };
    if limit < positional {
        let (name, s) = (class.name(), if limit == 1 { "" } else { "s" });
        return raise!(cx, TypeError, "{name}() accepts {limit} positional sub-pattern{s} ({positional} given)");
    }
    if itself {
        values.push(subject);
        return Ok(true);
    }
    for name in &args.map_or(&[][..], |a| a.items())[..positional] {
        let Some(name) = name.downcast::<Str>() else {
            let got = name.class().name();
            return raise!(cx, TypeError, "__match_args__ elements must be strings (got {got})");
        };
        if !extract(cx, subject, class, name, seen, values)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn extract(
    cx: &mut Cx,
    subject: Value,
    class: &'static Type,
    name: &'static Str,
    seen: &mut Vec<&'static Str>,
    values: &mut RootVec,
) -> PyResult<bool> {
    if seen.iter().any(|s| s.eq_str(name)) {
        let class = class.name();
        return raise!(cx, TypeError, "{class}() got multiple sub-patterns for attribute '{name}'");
    }
    seen.push(name);
    let name = cx.intern_value(name);
    match attr::get_optional(cx, subject, name)? {
        Some(v) => {
            values.push(v);
            Ok(true)
        }
        None => Ok(false),
    }
}
