//! Attributes, methods and messages of modules.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::{self, Args, FromArg, ParamSpec};
use crate::protocol::{attr, object as any};
use crate::types::descr_methods::members;
use crate::types::module::Module;
use crate::types::object_methods::key_list;
use crate::types::set;
use crate::types::str::Str;
use crate::types::type_methods::{call_annotate, is_callable};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The methods of modules.
pub struct ModuleMethods;

members! {
    /// Read-only attributes.
    pub MEMBERS: Module;
    "__dict__" "" |_cx, m| Value::of(m.dict());
}

static PARAMS: ParamSpec = ParamSpec {
    name: "module",
    names: &["name", "doc"],
    positional_only: 0,
    positional: 2,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn module(v: Value) -> &'static Module {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// `module.__init__`.
pub fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 2];
    native::bind(cx, &PARAMS, args, &mut bound)?;
    let name = <&'static Str>::from_arg(cx, bound[0], &PARAMS, 0)?;
    let (dict, names) = (module(v).dict(), cx.names());
    dict.set_str(cx, names.__name__, Value::of(name));
    dict.set_str(cx, names.__doc__, bound[1].unwrap_or(Value::none()));
    for key in [names.__package__, names.__loader__, names.__spec__] {
        dict.set_str(cx, key, Value::none());
    }
    Ok(())
}

/// An attribute of a module's spec; None if there is no spec or it has none.
fn spec_attribute(cx: &mut Cx, module: &Module, name: &str) -> PyResult<Option<Value>> {
    let (key, name) = (cx.names().__spec__, cx.intern(name));
    match module.dict().get_str(key).filter(|s| !s.is_none()) {
        Some(spec) => attr::get_optional(cx, spec, name),
        None => Ok(None),
    }
}

/// `repr` of a module, as importlib makes it.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = module(v);
    let names = cx.names();
    let spec = this.dict().get_str(names.__spec__).filter(|s| !s.is_none());
    let text = if spec.is_some() {
        let name = match spec_attribute(cx, this, "name")? {
            Some(name) if !name.is_none() => any::repr_text(cx, name)?,
            _ => "'?'".to_string(),
        };
        match spec_attribute(cx, this, "origin")?.filter(|o| !o.is_none()) {
            Some(origin) => {
                let located = match spec_attribute(cx, this, "has_location")? {
                    Some(flag) => any::truth(cx, flag)?,
                    None => false,
                };
                if located {
                    format!("<module {name} from {}>", any::repr_text(cx, origin)?)
                } else {
                    format!("<module {name} ({})>", any::str(cx, origin)?)
                }
            }
            None => {
                let loader = spec_attribute(cx, this, "loader")?;
                with_loader(cx, &name, loader)?
            }
        }
    } else {
        let name = match this.dict().get_str(names.__name__) {
            Some(name) => any::repr_text(cx, name)?,
            None => "'?'".to_string(),
        };
        match this.dict().get_str(names.__file__) {
            Some(file) => format!("<module {name} from {}>", any::repr_text(cx, file)?),
            None => {
                let loader = this.dict().get_str(names.__loader__);
                with_loader(cx, &name, loader)?
            }
        }
    };
    Ok(cx.str(&text))
}

fn with_loader(cx: &mut Cx, name: &str, loader: Option<Value>) -> PyResult<String> {
    let Some(loader) = loader.filter(|l| !l.is_none()) else { return Ok(format!("<module {name}>")) };
    if loader.class().name() == "NamespaceLoader" {
        let key = cx.intern("_path");
        if let Some(path) = attr::get_optional(cx, loader, key)? {
            let list = crate::protocol::iter::to_list(cx, path)?;
            let path = any::repr_text(cx, Value::of(list))?;
            return Ok(format!("<module {name} (namespace) from {path}>"));
        }
    }
    Ok(format!("<module {name} ({})>", any::repr_text(cx, loader)?))
}

/// Attribute access: the namespace, then the module's `__getattr__`.
pub fn getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let found = attr::generic_get_optional(cx, v, name);
    if let Some(found) = cx.catch(found, &crate::exceptions::AttributeError)?.flatten() {
        return Ok(found);
    }
    let key = cx.names().__getattr__;
    match module(v).dict().get_str(key) {
        Some(hook) => cx.call(hook, &[Value::of(name)]),
        None => missing(cx, v, name),
    }
}

#[cold]
fn missing(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let this = module(v);
    let key = cx.names().__name__;
    let Some(own) = this.dict().get_str(key).and_then(|n| n.downcast::<Str>()) else {
        return Err(attr::attribute_error(cx, &format!("module has no attribute '{name}'"), v, name));
    };
    let own_repr = any::repr_text(cx, Value::of(own))?;
    let text = missing_text(cx, this, own, &own_repr, name)?;
    Err(attr::attribute_error(cx, &text, v, name))
}

fn missing_text(cx: &mut Cx, this: &Module, own: &'static Str, own_repr: &str, name: &'static Str) -> PyResult<String> {
    let origin = file_origin(cx, this)?;
    let shadowing = match &origin {
        Some(origin) => is_in_first_path(cx, origin)?,
        None => false,
    };
    if shadowing && is_stdlib_name(cx, own)? {
        let origin = origin.expect("shadowing has an origin");
        return Ok(format!(
            "module {own_repr} has no attribute '{name}' (consider renaming '{origin}' since it has the same name as the standard library module named {own_repr} and prevents importing that standard library module)"
        ));
    }
    let initializing = match spec_attribute(cx, this, "_initializing")? {
        Some(flag) => any::truth(cx, flag)?,
        None => false,
    };
    if initializing {
        return Ok(match origin {
            Some(origin) if shadowing => format!(
                "module {own_repr} has no attribute '{name}' (consider renaming '{origin}' if it has the same name as a library you intended to import)"
            ),
            Some(origin) => format!(
                "partially initialized module {own_repr} from '{origin}' has no attribute '{name}' (most likely due to a circular import)"
            ),
            None => format!(
                "partially initialized module {own_repr} has no attribute '{name}' (most likely due to a circular import)"
            ),
        });
    }
    if let Some(pending) = spec_attribute(cx, this, "_uninitialized_submodules")?
        && any::contains(cx, pending, Value::of(name))?
    {
        return Ok(format!(
            "cannot access submodule '{name}' of module {own_repr} (most likely due to a circular import)"
        ));
    }
    Ok(format!("module {own_repr} has no attribute '{name}'"))
}

/// Where a module was loaded from, if that is a file.
fn file_origin(cx: &mut Cx, this: &Module) -> PyResult<Option<String>> {
    let located = match spec_attribute(cx, this, "has_location")? {
        Some(flag) => any::truth(cx, flag)?,
        None => false,
    };
    if !located {
        return Ok(None);
    }
    Ok(spec_attribute(cx, this, "origin")?.and_then(|o| o.downcast::<Str>()).map(|s| s.to_string_lossy()))
}

/// True if the file `origin` lies in `sys.path[0]`, where it may hide another module.
fn is_in_first_path(cx: &mut Cx, origin: &str) -> PyResult<bool> {
    let Some(first) = cx.rt().path_0.borrow().clone() else { return Ok(false) };
    let path = std::path::Path::new(origin);
    let mut directory = path.parent();
    if path.file_name().is_some_and(|f| f == "__init__.py") {
        directory = directory.and_then(|d| d.parent());
    }
    let first = if first.is_empty() { std::env::current_dir().unwrap_or_default() } else { first.into() };
    Ok(directory.is_some_and(|d| d == first))
}

fn is_stdlib_name(cx: &mut Cx, name: &'static Str) -> PyResult<bool> {
    let key = cx.intern("stdlib_module_names");
    match cx.rt().sys.get().and_then(|sys| sys.get_str(key)) {
        Some(names) if set::is_any_set(names) => any::contains(cx, names, Value::of(name)),
        _ => Ok(false),
    }
}

#[pymethods]
impl ModuleMethods {
    /// __dir__() -> list
    /// specialized dir() implementation
    #[py("($self, /)")]
    fn __dir__(cx: &mut Cx, this: &'static Module) -> PyResult<Value> {
        let (key, dict) = (cx.names().__dir__, cx.names().__dict__);
        if crate::protocol::attr::get(cx, Value::of(this), dict)?.downcast::<Dict>().is_none() {
            return raise!(cx, TypeError, "<module>.__dict__ is not a dictionary");
        }
        match this.dict().get_str(key) {
            Some(f) => cx.call(f, &[]),
            None => {
                let names = this.dict();
                key_list(cx, names)
            }
        }
    }

    #[getter]
    fn __annotations__(cx: &mut Cx, this: &'static Module) -> PyResult<Value> {
        let (key, annotate) = (cx.names().__annotations__, cx.names().__annotate__);
        if let Some(found) = this.dict().get_str(key) {
            return Ok(found);
        }
        let initializing = match spec_attribute(cx, this, "_initializing")? {
            Some(flag) => any::truth(cx, flag)?,
            None => false,
        };
        let annotate = this.dict().get_str(annotate).unwrap_or(Value::none());
        let annotations = call_annotate(cx, annotate)?;
        if !initializing {
            this.dict().set_str(cx, key, annotations);
        }
        Ok(annotations)
    }
    #[setter("__annotations__")]
    fn set_annotations(cx: &mut Cx, this: &'static Module, value: Option<Value>) -> PyResult<()> {
        let (key, annotate) = (cx.names().__annotations__, cx.names().__annotate__);
        let dict: &'static Dict = this.dict();
        match value {
            Some(value) => dict.set_str(cx, key, value),
            None => {
                if dict.remove_str(cx, key).is_none() {
                    return Err(attr::attribute_error(cx, "__annotations__", Value::of(this), key));
                }
            }
        }
        dict.remove_str(cx, annotate);
        Ok(())
    }

    #[getter]
    fn __annotate__(cx: &mut Cx, this: &'static Module) -> Value {
        let key = cx.names().__annotate__;
        match this.dict().get_str(key) {
            Some(found) => found,
            None => {
                this.dict().set_str(cx, key, Value::none());
                Value::none()
            }
        }
    }
    #[setter("__annotate__")]
    fn set_annotate(cx: &mut Cx, this: &'static Module, value: Option<Value>) -> PyResult<()> {
        let (key, annotations) = (cx.names().__annotate__, cx.names().__annotations__);
        let Some(value) = value else { return raise!(cx, TypeError, "cannot delete __annotate__ attribute") };
        if !value.is_none() && !is_callable(value) {
            return raise!(cx, TypeError, "__annotate__ must be callable or None");
        }
        this.dict().set_str(cx, key, value);
        if !value.is_none() {
            this.dict().remove_str(cx, annotations);
        }
        Ok(())
    }
}
