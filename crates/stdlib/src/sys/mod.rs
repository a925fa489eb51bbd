//! The module `sys`.

mod frames;
mod functions;
pub mod hooks;
mod monitoring;
pub mod remote;
mod settings;
mod stdlib_names;
pub mod structs;

pub use hooks::{audit, print_exception_natively};

/// True while the process ends.
pub fn is_finalizing() -> bool {
    hooks::FINALIZING.load(std::sync::atomic::Ordering::Relaxed)
}

/// Notes that the process ends.
pub fn set_finalizing() {
    hooks::FINALIZING.store(true, std::sync::atomic::Ordering::Relaxed);
    taipan_runtime::threads::finalize();
}

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use taipan_runtime::dict::Dict;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::state::{self, Slot, config};

const DOC: &str = "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.";

const COPYRIGHT: &str = "Copyright (c) the Taipan authors.\n\nThe standard library: Copyright (c) 2001 Python Software Foundation.\nAll Rights Reserved.";

/// `sys.version`; the form is what `platform` parses.
pub fn version() -> String {
    let (major, minor, micro) = structs::VERSION;
    let rustc = env!("TAIPAN_RUSTC");
    let built = env!("TAIPAN_BUILD_DATE");
    format!("{major}.{minor}.{micro} (Taipan {}, {built}) [{rustc}]", env!("CARGO_PKG_VERSION"))
}

/// The number in `sys.version`.
pub fn version_number() -> String {
    let (major, minor, micro) = structs::VERSION;
    format!("{major}.{minor}.{micro}")
}

/// The module; made the first time.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    if let Some(found) = state::get(cx, Slot::Sys).and_then(|v| v.downcast::<Module>()) {
        return Ok(found);
    }
    let module = crate::make(cx, "sys", DOC, functions::Functions::METHODS);
    for table in [frames::Frames::METHODS, hooks::HookFunctions::METHODS, settings::Settings::METHODS] {
        module.add_functions(cx, table);
    }
    state::set(cx, Slot::Sys, Value::of(module));
    cx.rt().sys.set(Some(module.dict()));
    add_texts(cx, module);
    add_paths(cx, module);
    add_structs(cx, module)?;
    for name in ["excepthook", "displayhook", "unraisablehook", "breakpointhook"] {
        let key = cx.intern(name);
        if let Some(hook) = module.dict().get_str(key) {
            module.set(cx, &format!("__{name}__"), hook);
        }
    }
    let jit = crate::make(cx, "sys._jit", "Utilities for observing just-in-time compilation.", settings::Jit::METHODS);
    module.set(cx, "_jit", Value::of(jit));
    Ok(module)
}

fn add_texts(cx: &mut Cx, module: &'static Module) {
    let version = version();
    let texts = [
        ("version", version.as_str()),
        ("copyright", COPYRIGHT),
        ("platform", "linux"),
        ("byteorder", if cfg!(target_endian = "little") { "little" } else { "big" }),
        ("float_repr_style", "short"),
        ("platlibdir", "lib"),
        ("abiflags", ""),
        ("_framework", ""),
    ];
    for (name, text) in texts {
        let text = cx.str(text);
        module.set(cx, name, text);
    }
    let executable = os_str(cx, &config().executable);
    for name in ["executable", "_base_executable"] {
        module.set(cx, name, executable);
    }
    let prefix = os_str(cx, &config().prefix);
    for name in ["prefix", "base_prefix", "exec_prefix", "base_exec_prefix"] {
        module.set(cx, name, prefix);
    }
    let numbers =
        [("maxsize", i64::MAX), ("maxunicode", 0x10ffff), ("hexversion", structs::hexversion()), ("api_version", 1013)];
    for (name, number) in numbers {
        let number = cx.int(number);
        module.set(cx, name, number);
    }
    let git = ["Taipan", "", ""].map(|text| cx.str(text));
    let git = Value::of(Tuple::new(cx, &git));
    module.set(cx, "_git", git);
    module.set(cx, "_home", Value::none());
    module.set(cx, "dont_write_bytecode", Value::bool(config().dont_write_bytecode));
}

/// The number of processors that `-X cpu_count` or PYTHON_CPU_COUNT sets.
pub fn cpu_count() -> Option<i64> {
    let config = config();
    let option = config.xoptions.iter().rev().find_map(|o| o.strip_prefix("cpu_count=")).map(str::to_string);
    let variable = || std::env::var("PYTHON_CPU_COUNT").ok().filter(|_| !config.ignore_environment);
    option.or_else(variable)?.parse().ok()
}

/// A str of text from the system; bytes that are no UTF-8 become lone surrogates. May collect.
pub fn os_str(cx: &mut Cx, text: impl AsRef<OsStr>) -> Value {
    decode_surrogateescape(cx, text.as_ref().as_bytes())
}

/// A list of strs. May collect.
pub fn str_list(cx: &mut Cx, items: &[impl AsRef<OsStr>]) -> Value {
    let list = List::new(cx);
    for item in items {
        let item = os_str(cx, item.as_ref());
        list.push(cx, item);
    }
    Value::of(list)
}

fn add_paths(cx: &mut Cx, module: &'static Module) {
    let c = config();
    let lists = [("argv", &c.argv), ("orig_argv", &c.orig_argv), ("path", &c.path)];
    for (name, items) in lists {
        let list = str_list(cx, items);
        module.set(cx, name, list);
    }
    let options = str_list(cx, &c.warnoptions);
    module.set(cx, "warnoptions", options);
    for name in ["meta_path", "path_hooks"] {
        let list = Value::of(List::new(cx));
        module.set(cx, name, list);
    }
    let cache = Value::of(Dict::new(cx));
    module.set(cx, "path_importer_cache", cache);
    for (name, text) in [("_stdlib_dir", &c.stdlib_dir), ("pycache_prefix", &c.pycache_prefix)] {
        let value = match text {
            Some(text) => os_str(cx, text),
            None => Value::none(),
        };
        module.set(cx, name, value);
    }
    let options = Dict::new(cx);
    for option in &c.xoptions {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, cx.str(value)),
            None => (option.as_str(), Value::bool(true)),
        };
        let name = cx.intern(name);
        options.set_str(cx, name, value);
    }
    module.set(cx, "_xoptions", Value::of(options));
}

fn add_structs(cx: &mut Cx, module: &'static Module) -> PyResult<()> {
    let made = [
        ("version_info", structs::version_info(cx)),
        ("flags", structs::flags(cx)),
        ("float_info", structs::float_info(cx)),
        ("int_info", structs::int_info(cx)),
        ("hash_info", structs::hash_info(cx)),
        ("thread_info", structs::thread_info(cx)),
    ];
    for (name, value) in made {
        module.set(cx, name, value);
    }
    let monitoring = monitoring::namespace(cx)?;
    module.set(cx, "monitoring", monitoring);
    let implementation = structs::implementation(cx)?;
    module.set(cx, "implementation", implementation);
    let names = List::new(cx);
    let mut natives: Vec<&str> = crate::modules().map(|row| row.0).collect();
    natives.sort_unstable();
    for name in natives {
        let name = Value::of(cx.intern(name));
        names.push(cx, name);
    }
    let builtin_names = Value::of(Tuple::new(cx, names.items()));
    module.set(cx, "builtin_module_names", builtin_names);
    let names = List::new(cx);
    for name in stdlib_names::STDLIB_NAMES.split_whitespace() {
        let name = Value::of(cx.intern(name));
        names.push(cx, name);
    }
    let all = taipan_runtime::types::set::frozenset_from(cx, names.items())?;
    module.set(cx, "stdlib_module_names", all);
    Ok(())
}

/// A path argument as a str: a str, bytes (decoded as the file system's names are) or an object with `__fspath__`.
pub fn fs_decode(cx: &mut Cx, path: Value) -> PyResult<Value> {
    if path.downcast::<Str>().is_some() {
        return Ok(path);
    }
    if let Some(bytes) = path.downcast::<Bytes>() {
        return Ok(decode_surrogateescape(cx, bytes.data()));
    }
    let key = cx.intern("__fspath__");
    let Some(f) = cx.lookup_special(path, key) else {
        let got = path.class().tp_name();
        return raise!(cx, TypeError, "expected str, bytes or os.PathLike object, not {got}");
    };
    let result = taipan_runtime::protocol::call::call_unbound(cx, f, path, &[])?;
    if result.downcast::<Str>().is_some() || result.downcast::<Bytes>().is_some() {
        return fs_decode(cx, result);
    }
    let (class, got) = (path.class().tp_name(), result.class().tp_name());
    raise!(cx, TypeError, "expected {class}.__fspath__() to return str or bytes, not {got}")
}

/// A str of bytes from the system: UTF-8, other bytes as lone surrogates. May collect.
pub fn decode_surrogateescape(cx: &mut Cx, bytes: &[u8]) -> Value {
    if bytes.is_ascii() {
        return Value::of(Str::from_ascii(cx, bytes));
    }
    let mut points = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        points.extend(chunk.valid().chars().map(|c| c as u32));
        points.extend(chunk.invalid().iter().map(|b| 0xdc00 + *b as u32));
    }
    Value::of(Str::from_code_points(cx, &points))
}
