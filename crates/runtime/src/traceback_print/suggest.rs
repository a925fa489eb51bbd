//! "Did you mean" hints of AttributeError, NameError and ImportError.

use crate::cx::{Cx, PyResult};
use crate::dict::Dict;
use crate::exceptions::{self, Exception};
use crate::protocol::{attr, iter};
use crate::types::frame::FrameObject;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::value::Value;

/// What is added to the message of `exception`; its traceback leads to the frame whose variables are looked at.
pub(super) fn hint(cx: &mut Cx, exception: Value, tb: Option<&'static Traceback>) -> String {
    let outcome = hint_or_error(cx, exception, tb);
    outcome.unwrap_or_else(|_| {
        cx.take_exception();
        String::new()
    })
}

fn hint_or_error(cx: &mut Cx, exception: Value, tb: Option<&'static Traceback>) -> PyResult<String> {
    let is_import = exception.is_instance(&exceptions::ImportError);
    let is_name = exception.is_instance(&exceptions::NameError);
    if !is_import && !is_name && !exception.is_instance(&exceptions::AttributeError) {
        return Ok(String::new());
    }
    let key = if is_import { cx.names().name_from } else { cx.names().name };
    let wrong = attr::get_optional(cx, exception, key)?.filter(|w| !w.is_none());
    let Some(wrong) = wrong.and_then(|w| w.downcast::<Str>()) else { return Ok(String::new()) };
    let found = if is_import {
        import_suggestion(cx, exception, wrong)
    } else if is_name {
        name_suggestion(cx, wrong, tb)
    } else {
        attribute_suggestion(cx, exception, wrong, tb)
    };
    let found = found.unwrap_or_else(|_| {
        cx.take_exception();
        None
    });
    let mut text = String::new();
    if let Some(found) = &found {
        text = format!(". Did you mean: '{found}'?");
    }
    if is_name && is_stdlib_module(cx, wrong)? {
        let or = if found.is_some() { " Or did" } else { ". Did" };
        text.push_str(&format!("{or} you forget to import '{wrong}'?"));
    }
    Ok(text)
}

fn is_stdlib_module(cx: &mut Cx, name: &'static Str) -> PyResult<bool> {
    let key = cx.intern("stdlib_module_names");
    match cx.rt().sys.get().and_then(|sys| sys.get_str(key)) {
        Some(names) => crate::protocol::object::contains(cx, names, Value::of(name)),
        None => Ok(false),
    }
}

/// The frame in which the exception was raised.
fn last_frame(tb: Option<&'static Traceback>) -> Option<&'static FrameObject> {
    let mut tb = tb?;
    while let Some(next) = tb.next() {
        tb = next;
    }
    Some(tb.frame)
}

/// Variable `name` of a frame.
fn local(cx: &mut Cx, frame: &'static FrameObject, name: &str) -> PyResult<Option<Value>> {
    let locals = frame.locals_mapping(cx);
    let key = Value::of(cx.intern(name));
    match crate::protocol::object::get_item(cx, locals, key) {
        Ok(value) => Ok(Some(value)),
        Err(_) if cx.exception_matches(&exceptions::KeyError) => {
            cx.take_exception();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn best(wrong: &Str, names: &[String]) -> Option<String> {
    let names: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
    exceptions::suggestion(&wrong.to_string_lossy(), &names).map(|n| n.to_string())
}

/// Sorted names that `v.__dir__()` gives.
fn dir(cx: &mut Cx, v: Value) -> PyResult<Vec<String>> {
    let called = cx.call_method_text(v, "__dir__", &[]);
    let listed = match called {
        Ok(listed) => listed,
        Err(_) if cx.exception_matches(&exceptions::TypeError) => {
            cx.take_exception();
            let class = Value::of(v.class());
            cx.call_method_text(class, "__dir__", &[v])?
        }
        Err(raised) => return Err(raised),
    };
    let items = iter::collect(cx, listed)?;
    let mut names: Vec<String> =
        items.iter().filter_map(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy()).collect();
    names.sort();
    Ok(names)
}

fn attribute_suggestion(
    cx: &mut Cx,
    exception: Value,
    wrong: &'static Str,
    tb: Option<&'static Traceback>,
) -> PyResult<Option<String>> {
    let key = cx.names().obj;
    let object = attr::get(cx, exception, key)?;
    let mut names = dir(cx, object)?;
    if wrong.len() == 0 || wrong.at(0) != u32::from('_') {
        // Private names are proposed to the object's own methods only.
        let own = match last_frame(tb) {
            Some(frame) => local(cx, frame, "self")? == Some(object),
            None => false,
        };
        if !own {
            names.retain(|n| !n.starts_with('_'));
        }
    }
    Ok(best(wrong, &names))
}

fn import_suggestion(cx: &mut Cx, exception: Value, wrong: &'static Str) -> PyResult<Option<String>> {
    let name = exception.downcast::<Exception>().and_then(|e| e.extra(1)).unwrap_or(Value::none());
    let import = cx.names().__import__;
    let Some(import) = cx.rt().builtins.get().and_then(|b| b.get_str(import)) else { return Ok(None) };
    let module = cx.call(import, &[name])?;
    let mut names = dir(cx, module)?;
    if wrong.len() == 0 || wrong.at(0) != u32::from('_') {
        names.retain(|n| !n.starts_with('_'));
    }
    Ok(best(wrong, &names))
}

fn name_suggestion(cx: &mut Cx, wrong: &'static Str, tb: Option<&'static Traceback>) -> PyResult<Option<String>> {
    let Some(frame) = last_frame(tb) else { return Ok(None) };
    let mut names = Vec::new();
    let locals = frame.locals_mapping(cx);
    let listed = iter::collect(cx, locals)?;
    names.extend(listed.iter().filter_map(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy()));
    for dict in [frame.globals, frame.builtins] {
        let dict: &'static Dict = dict;
        names.extend(dict.iter().filter_map(|(k, _)| k.downcast::<Str>()).map(|s| s.to_string_lossy()));
    }
    if let Some(this) = local(cx, frame, "self")? {
        let wrong = cx.intern_value(wrong);
        match attr::get_optional(cx, this, wrong) {
            Ok(Some(_)) => return Ok(Some(format!("self.{wrong}"))),
            Ok(None) => {}
            Err(_) => {
                cx.take_exception();
            }
        }
    }
    Ok(best(wrong, &names))
}
