//! The import statements, on top of `Hooks::import`.
//!
//! Source: the language reference (5, 7.11) and CPython's `Python/ceval.c` (`_PyEval_ImportFrom`, `import_all_from`).

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::protocol::{attr, object};
use crate::types::descr::NativeFunction;
use crate::types::set;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, Raised, exceptions, raise};

/// `import name` in a frame: calls `__import__` of the frame's built-in namespace, which is the import hook unless
/// somebody replaced it. `locals` is None in functions.
pub fn import_name(
    cx: &mut Cx,
    builtins: &'static Dict,
    globals: &'static Dict,
    locals: Option<Value>,
    name: &'static Str,
    fromlist: Value,
    level: i64,
) -> PyResult<Value> {
    let key = cx.names().__import__;
    let Some(function) = builtins.get_str(key) else {
        return raise!(cx, ImportError, "__import__ not found");
    };
    if function.exact::<NativeFunction>().is_some_and(|f| f.def.name == "__import__") {
        let import = cx.rt().hooks.get().import;
        return import(cx, Value::of(name), Value::of(globals), locals.unwrap_or(Value::none()), fromlist, level);
    }
    let level = cx.int(level);
    cx.call(function, &[Value::of(name), Value::of(globals), locals.unwrap_or(Value::none()), fromlist, level])
}

/// Imports the module with this absolute name natively, as `importlib.import_module`. May collect.
pub fn import_module(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let import = cx.rt().hooks.get().import;
    let name = Value::of(cx.intern(name));
    if let Some(module) = loaded(cx, name)?
        && !is_initializing(cx, module)
    {
        return Ok(module);
    }
    let none = Value::none();
    import(cx, name, none, none, none, 0)?;
    match loaded(cx, name)? {
        Some(module) => Ok(module),
        None => Err(cx.raise_value(&exceptions::KeyError, name)),
    }
}

/// The attribute of a module, e.g. `("traceback", "print_exc")`; the module is imported if needed. May collect.
pub fn import_attr(cx: &mut Cx, module: &str, name: &str) -> PyResult<Value> {
    let module = import_module(cx, module)?;
    attr::get_text(cx, module, name)
}

/// The module of that name in `sys.modules`. None there counts as missing.
pub fn loaded(cx: &mut Cx, name: Value) -> PyResult<Option<Value>> {
    let Some(modules) = cx.rt().modules.get() else { return Ok(None) };
    let found = modules.get(cx, name)?;
    Ok(found.filter(|m| !m.is_none()))
}

/// Whether `__spec__._initializing` of a module is true. Never raises.
pub fn is_initializing(cx: &mut Cx, module: Value) -> bool {
    let key = cx.names().__spec__;
    match quiet_attr(cx, module, key) {
        Some(spec) if !spec.is_none() => {
            let key = cx.names()._initializing;
            let Some(flag) = quiet_attr(cx, spec, key) else { return false };
            let truth = object::truth(cx, flag);
            quiet(cx, truth).unwrap_or(false)
        }
        _ => false,
    }
}

fn quiet<T>(cx: &mut Cx, result: PyResult<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(_) => {
            cx.take_exception();
            None
        }
    }
}

fn quiet_attr(cx: &mut Cx, v: Value, name: &'static Str) -> Option<Value> {
    let found = attr::get_optional(cx, v, name);
    quiet(cx, found).flatten()
}

/// `from module import name`: the attribute, or the submodule of that name.
pub fn import_from(cx: &mut Cx, module: Value, name: &'static Str) -> PyResult<Value> {
    if let Some(found) = attr::get_optional(cx, module, name)? {
        return Ok(found);
    }
    let key = cx.names().__name__;
    let package = attr::get_optional(cx, module, key)?.and_then(|v| v.downcast::<Str>());
    if let Some(package) = package {
        // A circular import may have the submodule in sys.modules before it is an attribute.
        let full = join_names(cx, package, name);
        if let Some(found) = loaded(cx, Value::of(full))? {
            return Ok(found);
        }
    }
    Err(import_from_error(cx, module, package, name)?)
}

/// `package.name`. May collect.
pub fn join_names(cx: &mut Cx, package: &'static Str, name: &'static Str) -> &'static Str {
    let dot = cx.names().dot;
    let front = package.concat(cx, dot);
    front.concat(cx, name)
}

#[cold]
fn import_from_error(
    cx: &mut Cx,
    module: Value,
    package: Option<&'static Str>,
    name: &'static Str,
) -> PyResult<Raised> {
    let spec_key = cx.names().__spec__;
    let spec = quiet_attr(cx, module, spec_key).filter(|s| !s.is_none());
    let origin = match spec {
        Some(spec) => spec_origin(cx, spec),
        None => None,
    };
    let origin = match origin {
        Some(origin) => Some(origin),
        None => {
            let key = cx.names().__file__;
            quiet_attr(cx, module, key).and_then(|v| v.downcast::<Str>())
        }
    };
    let shown_name = object::repr_text(cx, Value::of(name))?;
    let shown_package = match package {
        Some(package) => object::repr_text(cx, Value::of(package))?,
        None => "'<unknown module name>'".to_string(),
    };
    let initializing = is_initializing(cx, module);
    let what = match (package, origin) {
        (Some(package), Some(origin)) => shadowing_hint(cx, package, origin, initializing)?,
        _ => None,
    };
    let text = match (what, origin) {
        (Some(hint), Some(origin)) => {
            format!("cannot import name {shown_name} from {shown_package} (consider renaming '{origin}' {hint})")
        }
        (_, Some(origin)) if initializing => format!(
            "cannot import name {shown_name} from partially initialized module {shown_package} (most likely due to a circular import) ({origin})"
        ),
        (_, Some(origin)) => format!("cannot import name {shown_name} from {shown_package} ({origin})"),
        (_, None) => format!("cannot import name {shown_name} from {shown_package} (unknown location)"),
    };
    let message = cx.str(&text);
    let values =
        [message, package.map_or(Value::none(), Value::of), origin.map_or(Value::none(), Value::of), Value::of(name)];
    let names = cx.names();
    let keywords = [Value::of(names.name), Value::of(names.path), Value::of(names.name_from)];
    let keywords = Tuple::new(cx, &keywords);
    let error = cx.call_args(Value::of(&exceptions::ImportError), Args::new(&values, Some(keywords)))?;
    Ok(cx.raise(error))
}

/// `spec.origin` if the module has a location.
fn spec_origin(cx: &mut Cx, spec: Value) -> Option<&'static Str> {
    let has_location = cx.intern("has_location");
    let flag = quiet_attr(cx, spec, has_location)?;
    let truth = object::truth(cx, flag);
    if !quiet(cx, truth)? {
        return None;
    }
    let origin = cx.intern("origin");
    quiet_attr(cx, spec, origin)?.downcast::<Str>()
}

/// The advice for a script that hides a module of the same name: its file lies in `sys.path[0]`.
fn shadowing_hint(
    cx: &mut Cx,
    package: &'static Str,
    origin: &'static Str,
    initializing: bool,
) -> PyResult<Option<String>> {
    let Some(sys) = cx.rt().sys.get() else { return Ok(None) };
    let keys = [cx.intern("flags"), cx.intern("stdlib_module_names")];
    let flags = sys.get_str(keys[0]);
    if let Some(flags) = flags {
        let safe = cx.intern("safe_path");
        if let Some(safe) = quiet_attr(cx, flags, safe)
            && object::truth(cx, safe)?
        {
            return Ok(None);
        }
    }
    let Some(first) = cx.rt().path_0.borrow().clone() else { return Ok(None) };
    let origin_text = origin.to_string_lossy();
    let Some((directory, file)) = origin_text.rsplit_once('/') else { return Ok(None) };
    let directory = if file == "__init__.py" { directory.rsplit_once('/').map_or("", |p| p.0) } else { directory };
    let first = if first.is_empty() {
        std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default()
    } else {
        first
    };
    if first != directory {
        return Ok(None);
    }
    let stdlib = match sys.get_str(keys[1]) {
        Some(names) if set::is_any_set(names) => object::contains(cx, names, Value::of(package))?,
        _ => false,
    };
    Ok(if stdlib {
        Some(format!(
            "since it has the same name as the standard library module named '{package}' and prevents importing that standard library module"
        ))
    } else if initializing {
        Some("if it has the same name as a library you intended to import".to_string())
    } else {
        None
    })
}

/// `from module import *` into the mapping `locals`.
pub fn import_star(cx: &mut Cx, module: Value, locals: Value) -> PyResult<()> {
    let (all_key, dict_key) = (cx.names().__all__, cx.names().__dict__);
    let (names, from_dict) = match attr::get_optional(cx, module, all_key)? {
        Some(all) => (all, false),
        None => {
            let Some(dict) = attr::get_optional(cx, module, dict_key)? else {
                return raise!(cx, ImportError, "from-import-* object has no __dict__ and no __all__");
            };
            let keys = cx.names().keys;
            let keys = match dict.exact::<Dict>() {
                Some(dict) => {
                    let list = crate::types::list::List::new(cx);
                    let mut position = 0;
                    while let Some((key, _)) = dict.next_item(&mut position) {
                        list.push(cx, key);
                    }
                    Value::of(list)
                }
                None => {
                    let keys = cx.call_method(dict, keys, &[])?;
                    Value::of(crate::protocol::iter::to_list(cx, keys)?)
                }
            };
            (keys, true)
        }
    };
    let mut i = 0;
    loop {
        let index = cx.int(i);
        i += 1;
        let item = object::get_item(cx, names, index);
        let Some(item) = cx.catch(item, &exceptions::IndexError)? else { return Ok(()) };
        let Some(name) = item.downcast::<Str>() else { return star_type_error(cx, module, item, from_dict) };
        if from_dict && !name.is_empty() && name.at(0) == '_' as u32 {
            continue;
        }
        let value = attr::get(cx, module, name)?;
        match locals.exact::<Dict>() {
            Some(dict) => dict.set(cx, Value::of(name), value)?,
            None => object::set_item(cx, locals, Value::of(name), Some(value))?,
        }
    }
}

#[cold]
fn star_type_error(cx: &mut Cx, module: Value, item: Value, from_dict: bool) -> PyResult<()> {
    let key = cx.names().__name__;
    let name = attr::get(cx, module, key)?;
    let Some(name) = name.downcast::<Str>() else {
        return raise!(cx, TypeError, "module __name__ must be a string, not {}", name.class().tp_name());
    };
    let (what, source) = if from_dict { ("Key", "__dict__") } else { ("Item", "__all__") };
    raise!(cx, TypeError, "{what} in {name}.{source} must be str, not {}", item.class().tp_name())
}
