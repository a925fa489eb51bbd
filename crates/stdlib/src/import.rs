//! The import hook: `__import__` over importlib, with a fast path for modules that are loaded.
//!
//! Source: CPython's `Python/import.c` (`PyImport_ImportModuleLevelObject`).

use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::import::{is_initializing, loaded};
use taipan_runtime::protocol::{attr, compare, object, warn};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::import_time;
use crate::state::{self, Slot};

fn importlib(cx: &mut Cx) -> PyResult<Value> {
    match state::get(cx, Slot::Importlib) {
        Some(module) => Ok(module),
        None => raise!(cx, ImportError, "the import system is not initialised"),
    }
}

fn importlib_call(cx: &mut Cx, name: &str, args: &[Value]) -> PyResult<Value> {
    let importlib = importlib(cx)?;
    cx.call_method_text(importlib, name, args)
}

/// `builtins.__import__` as importlib wants it for nested imports.
fn import_function(cx: &mut Cx) -> Value {
    let key = cx.names().__import__;
    cx.rt().builtins.get().and_then(|b| b.get_str(key)).unwrap_or(Value::none())
}

/// The hook; see `Hooks::import`.
pub fn import(
    cx: &mut Cx,
    name: Value,
    globals: Value,
    _locals: Value,
    fromlist: Value,
    level: i64,
) -> PyResult<Value> {
    let Some(name) = name.downcast::<Str>() else {
        return raise!(cx, TypeError, "module name must be a string");
    };
    if level < 0 {
        return raise!(cx, ValueError, "level must be >= 0");
    }
    let full = if level > 0 {
        resolve(cx, name, globals, level)?
    } else if name.is_empty() {
        return raise!(cx, ValueError, "Empty module name");
    } else {
        name
    };
    let module = load(cx, full)?;
    let has_from = !fromlist.is_none() && object::truth(cx, fromlist)?;
    if !has_from {
        return first_part(cx, name, full, module, level);
    }
    let key = cx.names().__path__;
    if attr::get_optional(cx, module, key)?.is_none() {
        return Ok(module);
    }
    let import = import_function(cx);
    let result = importlib_call(cx, "_handle_fromlist", &[module, fromlist, import]);
    if result.is_err() {
        trim_traceback(cx);
    }
    result
}

/// The module with this absolute name, loaded if needed.
fn load(cx: &mut Cx, full: &'static Str) -> PyResult<Value> {
    if let Some(found) = loaded(cx, Value::of(full))? {
        if is_initializing(cx, found) {
            // Waits for another thread that is importing it.
            importlib_call(cx, "_lock_unlock_module", &[Value::of(full)])?;
        }
        import_time::note_cached(full);
        return Ok(found);
    }
    let import = import_function(cx);
    let timing = import_time::begin();
    let result = load_anew(cx, full, import);
    if let Some(timing) = timing {
        timing.end(full, result.is_ok());
    }
    result
}

fn load_anew(cx: &mut Cx, full: &'static Str, import: Value) -> PyResult<Value> {
    let result = importlib_call(cx, "_find_and_load", &[Value::of(full), import]);
    if result.is_err() {
        trim_traceback(cx);
    }
    result
}

/// What `import a.b.c` gives: the package `a`.
fn first_part(cx: &mut Cx, name: &'static Str, full: &'static Str, module: Value, level: i64) -> PyResult<Value> {
    if level > 0 && name.is_empty() {
        return Ok(module);
    }
    let Some(dot) = name.chars().position(|c| c == '.' as u32) else { return Ok(module) };
    if level == 0 {
        let front = name.slice(cx, 0, dot);
        return load(cx, front);
    }
    let keep = full.len() - (name.len() - dot);
    let wanted = Value::of(full.slice(cx, 0, keep));
    match loaded(cx, wanted)? {
        Some(module) => Ok(module),
        None => {
            let shown = object::repr_text(cx, wanted)?;
            raise!(cx, KeyError, "{shown} not in sys.modules as expected")
        }
    }
}

/// The package that relative imports in `globals` start from.
fn package_of(cx: &mut Cx, globals: Value) -> PyResult<&'static Str> {
    let Some(globals) = globals.downcast::<Dict>() else {
        if globals.is_none() {
            return raise!(cx, KeyError, "'__name__' not in globals");
        }
        return raise!(cx, TypeError, "globals must be a dict");
    };
    let names = cx.names();
    let package = globals.get_str(names.__package__).filter(|p| !p.is_none());
    let spec = globals.get_str(names.__spec__).filter(|s| !s.is_none());
    let parent_key = cx.intern("parent");
    if let Some(package) = package {
        let Some(package) = package.downcast::<Str>() else {
            return raise!(cx, TypeError, "package must be a string");
        };
        if let Some(spec) = spec {
            let parent = attr::get(cx, spec, parent_key)?;
            if !compare::equal(cx, Value::of(package), parent)? {
                let (a, b) = (object::repr_text(cx, Value::of(package))?, object::repr_text(cx, parent)?);
                let text = format!("__package__ != __spec__.parent ({a} != {b})");
                warn::warn(cx, &exceptions::DeprecationWarning, &text, 1)?;
            }
        }
        return Ok(package);
    }
    if let Some(spec) = spec {
        let parent = attr::get(cx, spec, parent_key)?;
        return match parent.downcast::<Str>() {
            Some(parent) => Ok(parent),
            None => raise!(cx, TypeError, "__spec__.parent must be a string"),
        };
    }
    let text = "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__";
    warn::warn(cx, &exceptions::ImportWarning, text, 1)?;
    let Some(name) = globals.get_str(names.__name__) else {
        return raise!(cx, KeyError, "'__name__' not in globals");
    };
    let Some(name) = name.downcast::<Str>() else {
        return raise!(cx, TypeError, "__name__ must be a string");
    };
    if globals.get_str(names.__path__).is_some() {
        return Ok(name);
    }
    let end = name.chars().rposition(|c| c == '.' as u32).unwrap_or(0);
    Ok(name.slice(cx, 0, end))
}

/// The absolute name of a relative one.
fn resolve(cx: &mut Cx, name: &'static Str, globals: Value, level: i64) -> PyResult<&'static Str> {
    let package = package_of(cx, globals)?;
    if package.is_empty() {
        return raise!(cx, ImportError, "attempted relative import with no known parent package");
    }
    let mut end = package.len();
    for _ in 1..level {
        match (0..end).rev().find(|i| package.at(*i) == '.' as u32) {
            Some(dot) => end = dot,
            None => return raise!(cx, ImportError, "attempted relative import beyond top-level package"),
        }
    }
    let base = package.slice(cx, 0, end);
    if name.is_empty() {
        return Ok(base);
    }
    Ok(taipan_runtime::protocol::import::join_names(cx, base, name))
}

/// Takes importlib's own frames out of the traceback of the raised exception: all of them for an ImportError, else
/// those above a call of `_call_with_frames_removed`.
fn trim_traceback(cx: &mut Cx) {
    let Some(exception) = cx.exception() else { return };
    let Some(e) = exception.downcast::<Exception>() else { return };
    let always = exception.is_instance(&exceptions::ImportError);
    let set = |cx: &mut Cx, link: Option<&'static Traceback>, next: Option<Value>| match link {
        Some(tb) => {
            tb.next.set(next);
            cx.barrier(tb);
        }
        None => {
            e.traceback.set(next);
            cx.barrier(e);
        }
    };
    let (mut previous, mut outer, mut inside) = (None, None, false);
    let mut at = e.traceback.get();
    while let Some(tb) = at.and_then(|v| v.downcast::<Traceback>()) {
        let code = tb.frame.code;
        let file = code.filename.get();
        let own =
            file.eq_rust("<frozen importlib._bootstrap>") || file.eq_rust("<frozen importlib._bootstrap_external>");
        if own && !inside {
            outer = previous;
        }
        inside = own;
        let next = tb.next.get();
        if inside && (always || code.name.eq_rust("_call_with_frames_removed")) {
            set(cx, outer, next);
            previous = outer;
        } else {
            previous = Some(tb);
        }
        at = next;
    }
}
