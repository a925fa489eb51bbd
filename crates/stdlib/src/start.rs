//! The start and the end of a Python program's world.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::attr;
use taipan_runtime::protocol::import::{import_attr, import_module};
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::state::{self, Config, Slot};
use crate::{builtins, frozen, imp, import, sys, warnings};

/// Makes `builtins` and `sys`, joins the hooks, boots importlib, opens the streams, makes `__main__` and imports
/// `site`. To be called once, after `state::set_config` and `interp::join`.
pub fn start(cx: &mut Cx) -> PyResult<()> {
    state::set_config(find_library(state::config().clone()));
    let config = state::config();
    cx.rt().int_max_str_digits.set(config.int_max_str_digits.max(0) as usize);
    let modules = Dict::new(cx);
    cx.rt().modules.set(Some(modules));
    let builtins = builtins::module(cx)?;
    cx.rt().builtins.set(Some(builtins.dict()));
    let mut hooks = cx.rt().hooks.get();
    hooks.compile = builtins::scope::compile;
    hooks.import = import::import;
    hooks.warn = warnings::warn_hook;
    cx.rt().hooks.set(hooks);
    let sys = sys::module(cx)?;
    sys.set(cx, "modules", Value::of(modules));
    for (name, module) in [("builtins", builtins), ("sys", sys)] {
        let name = cx.intern(name);
        modules.set_str(cx, name, Value::of(module));
    }
    boot_importlib(cx, sys)?;
    add_io(cx, builtins, sys)?;
    main_module(cx)?;
    if !config.warnoptions.is_empty() || config.dev_mode {
        import_module(cx, "warnings")?;
    }
    if !config.no_site {
        import_module(cx, "site")?;
    }
    Ok(())
}

/// Fills in where the library is and the module search path.
fn find_library(mut config: Config) -> Config {
    let own = std::env::var("TAIPAN_LIB").ok().filter(|_| !config.ignore_environment);
    let library = own.or_else(|| taipan_pylib::path().ok().map(|p| p.to_string_lossy().into_owned()));
    if let Some(library) = &library {
        // `<home>/lib/python3.14`
        if let Some(home) = std::path::Path::new(library).parent().and_then(|p| p.parent()) {
            config.prefix = home.to_string_lossy().into_owned();
        }
    }
    let variable = std::env::var("PYTHONPATH").ok().filter(|p| !config.ignore_environment && !p.is_empty());
    if let Some(variable) = variable {
        config.path.extend(variable.split(':').map(str::to_string));
    }
    config.path.extend(library.clone());
    config.stdlib_dir = library;
    config
}

fn boot_importlib(cx: &mut Cx, sys: &'static Module) -> PyResult<()> {
    let importlib = Module::new(cx, "_frozen_importlib");
    let imp = imp::module(cx)?;
    let modules = cx.rt().modules.get().expect("set by start");
    for (name, module) in [("_frozen_importlib", importlib), ("_imp", imp)] {
        let name = cx.intern(name);
        modules.set_str(cx, name, Value::of(module));
    }
    let Some(found) = frozen::find("_frozen_importlib") else {
        return raise!(cx, ImportError, "no frozen importlib");
    };
    let code = frozen::code(cx, found)?;
    imp::run_in(cx, code, importlib.dict())?;
    state::set(cx, Slot::Importlib, Value::of(importlib));
    cx.call_method_text(Value::of(importlib), "_install", &[Value::of(sys), Value::of(imp)])?;
    cx.call_method_text(Value::of(importlib), "_install_external_importers", &[])?;
    let name = Value::of(cx.intern("_frozen_importlib_external"));
    if let Some(external) = modules.get(cx, name)? {
        state::set(cx, Slot::ImportlibExternal, external);
    }
    add_zipimport(cx, sys)
}

/// Puts `zipimport.zipimporter` in front of `sys.path_hooks`.
fn add_zipimport(cx: &mut Cx, sys: &'static Module) -> PyResult<()> {
    let importer = import_attr(cx, "zipimport", "zipimporter")?;
    let hooks = attr::get_text(cx, Value::of(sys), "path_hooks")?;
    cx.call_method_text(hooks, "insert", &[Value::small(0), importer])?;
    Ok(())
}

/// `builtins.open` and the standard streams.
fn add_io(cx: &mut Cx, builtins: &'static Module, sys: &'static Module) -> PyResult<()> {
    if !crate::exists("_io") {
        return Ok(());
    }
    let open = import_attr(cx, "_io", "open")?;
    builtins.set(cx, "open", open);
    let _ = sys;
    Ok(())
}

/// Makes the module `__main__`; gives its namespace. May collect.
pub fn main_module(cx: &mut Cx) -> PyResult<&'static Dict> {
    let modules = cx.rt().modules.get().expect("set by start");
    let name = cx.names().__main__;
    if let Some(found) = modules.get_str(name).and_then(|v| v.downcast::<Module>()) {
        return Ok(found.dict());
    }
    let module = Module::new(cx, "__main__");
    modules.set_str(cx, name, Value::of(module));
    builtins::scope::add_builtins(cx, module.dict());
    if let Some(importlib) = state::get(cx, Slot::Importlib) {
        let loader = attr::get_text(cx, importlib, "BuiltinImporter")?;
        let key = cx.names().__loader__;
        module.dict().set_str(cx, key, loader);
    }
    Ok(module.dict())
}

/// Runs what a program leaves to do at its end: thread shutdown, `atexit` functions, flushing. Raises if standard
/// output cannot be flushed. Does nothing the second time.
pub fn finish(cx: &mut Cx) -> PyResult<()> {
    if sys::is_finalizing() {
        return Ok(());
    }
    run_quietly(cx, "threading", "_shutdown");
    crate::atexit::run(cx);
    sys::set_finalizing();
    let flushed = sys::flush(cx);
    builtins::flush_stream(cx, "stderr");
    flushed
}

/// Calls a function of a module if that is loaded; an exception is reported.
fn run_quietly(cx: &mut Cx, module: &str, function: &str) {
    let name = cx.str(module);
    let Ok(Some(module)) = taipan_runtime::protocol::import::loaded(cx, name) else { return };
    if cx.call_method_text(module, function, &[]).is_err() {
        let exception = cx.take_exception();
        taipan_runtime::protocol::object::unraisable(cx, exception, Some(module), None);
    }
}
