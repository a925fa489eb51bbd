//! The native modules, and the start of a Python program's world: `builtins`, `sys` and the import system.
//!
//! A module is one row in [`MODULES`] and one file with a function that makes it. `sys.builtin_module_names`,
//! `_imp.create_builtin` and `_imp.is_builtin` follow the table.

pub mod abc;
pub mod array;
pub mod ast;
pub mod atexit;
pub mod binascii;
pub mod bisect;
pub mod builtins;
pub mod codecs;
pub mod collections;
pub mod compile;
pub mod contextvars;
pub mod errno;
pub mod faulthandler;
pub mod fcntl;
pub mod frozen;
pub mod functools;
pub mod gc;
pub mod heapq;
pub mod host;
pub mod imp;
pub mod import;
mod import_time;
pub mod io;
pub mod itertools;
pub mod json;
pub mod locale;
pub mod marshal;
pub mod math;
pub mod opcode;
pub mod operator;
pub mod posix;
pub mod posixsubprocess;
pub mod pwd_grp;
pub mod random;
pub mod resource;
pub mod select;
pub mod signal;
pub mod sre;
pub mod start;
pub mod stat;
pub mod state;
pub mod statistics;
pub mod string;
pub mod struct_;
pub mod struct_format;
pub mod suggestions;
mod support;
pub mod symtable;
pub mod sys;
pub mod thread;
pub mod time;
pub mod tokenize;
pub mod types;
pub mod typing;
pub mod unicodedata;
pub mod warnings;
pub mod weakref;

pub use builtins::check_count as builtins_check;
pub use start::start;

use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult};

/// Makes a module. May collect.
pub type Init = fn(&mut Cx) -> PyResult<&'static Module>;

/// The native modules by name, sorted. `builtins` and `sys` exist once; the others are made for each import.
pub static MODULES: &[(&str, Init)] = &[
    ("_abc", |cx| Ok(abc::init(cx))),
    ("_ast", ast::init),
    ("_bisect", |cx| Ok(bisect::init(cx))),
    ("_codecs", |cx| Ok(codecs::init(cx))),
    ("_collections", |cx| Ok(collections::init(cx))),
    ("_contextvars", |cx| Ok(contextvars::init(cx))),
    ("_functools", |cx| Ok(functools::init(cx))),
    ("_heapq", |cx| Ok(heapq::init(cx))),
    ("_imp", imp::module),
    ("_io", |cx| Ok(io::init(cx))),
    ("_json", |cx| Ok(json::init(cx))),
    ("_locale", locale::init),
    ("_opcode", |cx| Ok(opcode::init(cx))),
    ("_operator", |cx| Ok(operator::init(cx))),
    ("_posixsubprocess", |cx| Ok(posixsubprocess::init(cx))),
    ("_random", |cx| Ok(random::init(cx))),
    ("_signal", signal::module),
    ("_sre", |cx| Ok(sre::init(cx))),
    ("_stat", |cx| Ok(stat::init(cx))),
    ("_statistics", |cx| Ok(statistics::init(cx))),
    ("_string", |cx| Ok(string::init(cx))),
    ("_struct", |cx| Ok(struct_::init(cx))),
    ("_suggestions", |cx| Ok(suggestions::init(cx))),
    ("_symtable", |cx| Ok(symtable::init(cx))),
    ("_thread", thread::module),
    ("_tokenize", |cx| Ok(tokenize::init(cx))),
    ("_types", |cx| Ok(types::init(cx))),
    ("_typing", |cx| Ok(typing::init(cx))),
    ("_warnings", warnings::module),
    ("_weakref", |cx| Ok(weakref::init(cx))),
    ("array", |cx| Ok(array::init(cx))),
    ("atexit", atexit::module),
    ("binascii", |cx| Ok(binascii::init(cx))),
    ("builtins", builtins::module),
    ("errno", |cx| Ok(errno::init(cx))),
    ("faulthandler", faulthandler::module),
    ("fcntl", |cx| Ok(fcntl::init(cx))),
    ("gc", gc::module),
    ("grp", |cx| Ok(pwd_grp::init_grp(cx))),
    ("itertools", |cx| Ok(itertools::init(cx))),
    ("marshal", marshal::module),
    ("math", |cx| Ok(math::init(cx))),
    ("posix", |cx| Ok(posix::init(cx))),
    ("pwd", |cx| Ok(pwd_grp::init_pwd(cx))),
    ("resource", |cx| Ok(resource::init(cx))),
    ("select", |cx| Ok(select::init(cx))),
    ("sys", sys::module),
    ("time", |cx| Ok(time::init(cx))),
    ("unicodedata", |cx| Ok(unicodedata::init(cx))),
];

/// Rows like those of [`MODULES`].
pub type Table = &'static [(&'static str, Init)];

static MORE: std::sync::OnceLock<&'static [Table]> = std::sync::OnceLock::new();

/// Adds the modules of crates on top of this one; to be called once, before [`start`].
pub fn register(tables: &'static [Table]) {
    let _ = MORE.set(tables);
}

/// All native modules.
pub fn modules() -> impl Iterator<Item = &'static (&'static str, Init)> {
    let more = MORE.get().copied().unwrap_or(&[]);
    MODULES.iter().chain(more.iter().copied().flatten())
}

/// The function that makes the native module `name`.
pub fn find(name: &str) -> Option<Init> {
    modules().find(|row| row.0 == name).map(|row| row.1)
}

/// A new module with these functions. May collect.
pub fn make(
    cx: &mut Cx,
    name: &str,
    doc: &str,
    functions: &'static [taipan_runtime::native::NativeDef],
) -> &'static Module {
    let module = Module::new(cx, name);
    let doc = cx.str(doc);
    let key = cx.names().__doc__;
    module.dict().set_str(cx, key, doc);
    module.add_functions(cx, functions);
    module
}

/// True if `v` is an instance of the native type with this name, or of a subclass.
pub fn is_native(v: taipan_runtime::Value, name: &str) -> bool {
    v.class().mro_types().any(|t| t.spec().is_some_and(|s| s.name == name))
}
