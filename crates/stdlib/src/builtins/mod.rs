//! The module `builtins`.

mod anext;
mod classes;
mod iteration;
mod numbers;
mod objects;
mod output;
pub mod scope;

pub use objects::{check_count, identity};
pub use output::{flush_stream, sys_value};

use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, exceptions};

use crate::state::{self, Slot};

/// Types that are names of the language, as far as the runtime has them.
const TYPES: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "classmethod",
    "complex",
    "dict",
    "enumerate",
    "filter",
    "float",
    "frozenset",
    "int",
    "list",
    "map",
    "memoryview",
    "object",
    "property",
    "range",
    "reversed",
    "set",
    "slice",
    "staticmethod",
    "str",
    "super",
    "tuple",
    "type",
    "zip",
];

const DOC: &str = "Built-in functions, types, exceptions, and other objects.\n\nThis module provides direct access to all 'built-in'\nidentifiers of Python; for example, builtins.len is\nthe full name for the built-in function len().\n\nThis module is not normally accessed explicitly by most\napplications, but can be useful in modules that provide\nobjects with the same name as a builtin and need to be\nable to refer to the builtin object.";

/// The module; made the first time.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    if let Some(found) = state::get(cx, Slot::Builtins).and_then(|v| v.downcast::<Module>()) {
        return Ok(found);
    }
    let module = crate::make(cx, "builtins", DOC, objects::Objects::METHODS);
    for table in [
        classes::Classes::METHODS,
        iteration::Iteration::METHODS,
        numbers::Numbers::METHODS,
        output::Output::METHODS,
        scope::Scope::METHODS,
    ] {
        module.add_functions(cx, table);
    }
    add_types(cx, module)?;
    let constants = [
        ("None", Value::none()),
        ("True", Value::bool(true)),
        ("False", Value::bool(false)),
        ("Ellipsis", Value::ellipsis()),
        ("NotImplemented", Value::not_implemented()),
        ("__debug__", Value::bool(state::config().optimize == 0)),
        ("EnvironmentError", Value::of(&exceptions::OSError)),
        ("IOError", Value::of(&exceptions::OSError)),
    ];
    for (name, value) in constants {
        module.set(cx, name, value);
    }
    state::set(cx, Slot::Builtins, Value::of(module));
    Ok(module)
}

fn add_types(cx: &mut Cx, module: &'static Module) -> PyResult<()> {
    let all: Vec<_> = cx.rt().static_types.borrow().clone();
    for class in all {
        let Some(spec) = class.spec() else { continue };
        if TYPES.contains(&spec.name) || class.has(taipan_runtime::typeobj::flags::BASE_EXC) {
            module.add_type(cx, class);
        }
    }
    // It has two bases and is therefore no static type.
    module.set(cx, "ExceptionGroup", Value::of(exceptions::exception_group()));
    Ok(())
}
