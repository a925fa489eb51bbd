//! The start and the end of a Python program's world.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::attr;
use taipan_runtime::protocol::import::{import_attr, import_module};
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::state::{self, Config, Slot};
use crate::{builtins, frozen, imp, import, sys, warnings};

/// Makes `builtins` and `sys`, joins the hooks, boots importlib, opens the streams, makes `__main__` and imports
/// `site`. To be called once, after `interp::join`.
pub fn start(cx: &mut Cx, config: Config) -> PyResult<()> {
    state::set_config(find_library(config));
    let config = state::config();
    cx.rt().dev_mode.set(config.dev_mode);
    cx.rt().int_max_str_digits.set(config.int_max_str_digits.max(0) as usize);
    let mut hooks = cx.rt().hooks.get();
    hooks.compile = builtins::scope::compile;
    hooks.import = import::import;
    hooks.warn = warnings::warn_hook;
    hooks.thread_ends = crate::thread::leave;
    cx.rt().hooks.set(hooks);
    make_world(cx)
}

/// Makes the world of a new interpreter, which is the current one.
pub fn start_interpreter(cx: &mut Cx) -> PyResult<()> {
    make_world(cx)
}

fn make_world(cx: &mut Cx) -> PyResult<()> {
    let config = state::config();
    let modules = Dict::new(cx);
    cx.rt().modules.set(Some(modules));
    let builtins = builtins::module(cx)?;
    cx.rt().builtins.set(Some(builtins.dict()));
    if cx.interpreter.is_main() {
        crate::signal::start(cx);
    }
    let sys = sys::module(cx)?;
    sys.set(cx, "modules", Value::of(modules));
    for (name, module) in [("builtins", builtins), ("sys", sys)] {
        let name = cx.intern(name);
        modules.set_str(cx, name, Value::of(module));
    }
    let early = crate::io::stdprinter::new(cx);
    for name in ["stderr", "__stderr__"] {
        sys.set(cx, name, early);
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
    add_program_path(cx, sys)
}

/// Puts the program's directory in front of `sys.path` of an interpreter that starts after the program.
fn add_program_path(cx: &mut Cx, sys: &'static Module) -> PyResult<()> {
    let Some(first) = cx.rt().path_0.borrow().clone() else { return Ok(()) };
    let path = attr::get_text(cx, Value::of(sys), "path")?;
    let first = cx.str(&first);
    cx.call_method_text(path, "insert", &[Value::small(0), first])?;
    Ok(())
}

/// Fills in where the library is and the module search path.
fn find_library(mut config: Config) -> Config {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty() && !config.ignore_environment);
    let (own, search) = (variable("TAIPAN_LIB"), variable("PYTHONPATH"));
    let library = own.map(PathBuf::from).or_else(|| taipan_pylib::path().ok());
    // `<home>/lib/python3.14`
    if let Some(home) = library.as_deref().and_then(Path::parent).and_then(Path::parent) {
        config.prefix = home.into();
    }
    if let Some(search) = search {
        config.path.extend(std::env::split_paths(&search).map(OsString::from));
    }
    if let Some(library) = library {
        config.path.push(library.clone().into());
        config.stdlib_dir = Some(library.into());
    }
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
    let origin = cx.str("importlib._bootstrap");
    importlib.set(cx, "__origname__", origin);
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
    let open = import_attr(cx, "_io", "open")?;
    builtins.set(cx, "open", open);
    set_streams(cx, sys)
}

fn set_streams(cx: &mut Cx, sys: &'static Module) -> PyResult<()> {
    let streams = crate::io::open_std_streams(cx, state::config().unbuffered)?;
    for (name, stream) in ["stdin", "stdout", "stderr"].into_iter().zip(streams) {
        sys.set(cx, name, stream);
        sys.set(cx, &format!("__{name}__"), stream);
    }
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
    if let Some(builtins) = state::get(cx, Slot::Builtins) {
        let key = cx.names().__builtins__;
        module.dict().set_str(cx, key, builtins);
    }
    if let Some(importlib) = state::get(cx, Slot::Importlib) {
        let loader = attr::get_text(cx, importlib, "BuiltinImporter")?;
        let key = cx.names().__loader__;
        module.dict().set_str(cx, key, loader);
    }
    Ok(module.dict())
}

/// Runs what a program leaves to do at its end: thread shutdown, `atexit` functions, flushing. Returns false if
/// flushing standard output failed.
pub fn finish(cx: &mut Cx) -> bool {
    run_quietly(cx, "threading", "_shutdown");
    crate::atexit::run(cx);
    if let Some(f) = AT_FINISH.get() {
        f(cx);
    }
    sys::set_finalizing();
    taipan_runtime::heap::finalize_all(cx);
    let flushed = builtins::flush_stream(cx, "stdout");
    builtins::flush_stream(cx, "stderr");
    crate::io::flush_all(cx);
    flushed
}

static AT_FINISH: std::sync::OnceLock<fn(&mut Cx)> = std::sync::OnceLock::new();

/// Says what is to be done at the end of the program, after `atexit` functions.
pub fn at_finish(f: fn(&mut Cx)) {
    let _ = AT_FINISH.set(f);
}

/// Ends the world of the current interpreter, which is not the main one: threads, `atexit` functions, and the finalisers of
/// what only its modules refer to.
pub fn finish_interpreter(cx: &mut Cx) {
    run_quietly(cx, "threading", "_shutdown");
    crate::atexit::run(cx);
    crate::io::flush_all(cx);
    if let Some(modules) = cx.rt().modules.get() {
        modules.clear(cx);
    }
    cx.heap().collect(taipan_gc::Kind::Major);
    taipan_runtime::heap::run_pending(cx);
    builtins::flush_stream(cx, "stdout");
    builtins::flush_stream(cx, "stderr");
    crate::io::flush_all(cx);
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

/// The text of `-c` with common indentation removed, as CPython does since 3.14.
pub fn dedent(text: &str) -> String {
    let is_blank = |line: &str| line.trim_matches([' ', '\t']).is_empty();
    let indents = text.lines().filter(|line| !is_blank(line)).map(|line| {
        let rest = line.trim_start_matches([' ', '\t']);
        &line[..line.len() - rest.len()]
    });
    let common = indents.reduce(|a, b| {
        let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        &a[..same]
    });
    let common = common.unwrap_or("");
    if common.is_empty() {
        return text.to_string();
    }
    let dedented = text.split_inclusive('\n').map(|line| match line.strip_prefix(common) {
        Some(rest) => rest,
        None => line.trim_start_matches([' ', '\t']),
    });
    dedented.collect()
}

/// Keeps the source of code that is in no file, so that tracebacks can show its lines.
pub fn register_source(cx: &mut Cx, text: &str, name: &str) {
    cx.rt().sources.borrow_mut().insert(name.to_string(), text.into());
}

/// The importer for a script that is a directory or an archive; None for plain files.
pub fn path_importer(cx: &mut Cx, path: &OsStr) -> PyResult<Option<Value>> {
    let is_directory = std::fs::metadata(path).is_ok_and(|m| m.is_dir());
    let is_archive = !is_directory && has_zip_end(path);
    if !is_directory && !is_archive {
        return Ok(None);
    }
    let path = sys::os_str(cx, path);
    let function = import_attr(cx, "_frozen_importlib_external", "PathFinder")?;
    let importer = cx.call_method_text(function, "_path_importer_cache", &[path])?;
    Ok(Some(importer).filter(|i| !i.is_none()))
}

/// True for files that end as zip archives do.
fn has_zip_end(path: &OsStr) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    const TAIL: u64 = 22 + 0xffff;
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    let Ok(len) = file.seek(SeekFrom::End(0)) else { return false };
    if len < 22 || file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).is_err() {
        return false;
    }
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).is_ok() && tail.windows(4).any(|w| w == b"PK\x05\x06")
}

/// Gives `__main__` the loader of its file.
pub fn set_main_loader(cx: &mut Cx, globals: &'static Dict, path: &OsStr) -> PyResult<()> {
    let Some(external) = state::get(cx, Slot::ImportlibExternal) else { return Ok(()) };
    let is_bytecode = path.as_encoded_bytes().ends_with(b".pyc");
    let class = if is_bytecode { "SourcelessFileLoader" } else { "SourceFileLoader" };
    let class = attr::get_text(cx, external, class)?;
    let (name, path) = (Value::of(cx.names().__main__), sys::os_str(cx, path));
    let loader = cx.call(class, &[name, path])?;
    let key = cx.names().__loader__;
    globals.set_str(cx, key, loader);
    Ok(())
}
