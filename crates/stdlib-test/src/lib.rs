//! What CPython's test suite finds in `_testcapi`, `_testlimitedcapi` and `_testinternalcapi`, as far as it makes sense without
//! a C API: callables of all conventions, calls from native code, what prints exceptions, limits of C's types.

mod calls;
mod errors;
mod hamt;
mod limits;
mod types;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::shape::Attrs;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use taipan_stdlib_interpreters::config::Config;
use taipan_stdlib_interpreters::{interpreters, stateless};

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table =
    &[("_testcapi", capi), ("_testinternalcapi", internal), ("_testlimitedcapi", limited)];

fn capi(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_testcapi", "", calls::Calls::METHODS);
    module.add_functions(cx, calls::Conventions::METHODS);
    module.add_functions(cx, errors::Errors::METHODS);
    for class in types::CAPI {
        module.add_type(cx, class);
    }
    limits::add(cx, module);
    Ok(module)
}

fn limited(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_testlimitedcapi", "", calls::Limited::METHODS);
    for class in types::LIMITED {
        module.add_type(cx, class);
    }
    Ok(module)
}

struct Internal;

fn internal(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_testinternalcapi", "", Internal::METHODS);
    module.add_type(cx, &hamt::HAMT);
    // Objects have nothing in front of them; sizes are given as if containers had CPython's head.
    module.set(cx, "SIZEOF_PYGC_HEAD", Value::small(16));
    module.set(cx, "SIZEOF_MANAGED_PRE_HEADER", Value::small(0));
    // Instructions are specialised when they have run once.
    module.set(cx, "SPECIALIZATION_THRESHOLD", Value::small(2));
    module.set(cx, "SPECIALIZATION_COOLDOWN", Value::small(1));
    let rounds = cx.hot_loop.min(1 << 20) as i64;
    module.set(cx, "TIER2_THRESHOLD", Value::small(rounds));
    Ok(module)
}

#[pymethods]
impl Internal {
    /// How many frames there are.
    #[py("($module, /)")]
    fn get_recursion_depth(cx: &mut Cx) -> usize {
        cx.depth as usize
    }

    /// Run source text in an interpreter of its own, with settings; 0, or -1 if it raised.
    #[py("($module, code, config, xi=False)")]
    fn run_in_subinterp_with_config(cx: &mut Cx, code: Value, config: Value, xi: Option<bool>) -> PyResult<i64> {
        let _ = xi;
        let config = Config::of(cx, Some(config))?;
        config.check(cx)?;
        let done = interpreters::run_once(cx, config, code)?;
        Ok(if done { 0 } else { -1 })
    }

    /// Whether code returns nothing but None.
    #[py("($module, code, /)")]
    fn code_returns_only_none(cx: &mut Cx, code: Value) -> PyResult<bool> {
        match code.exact::<CodeObject>() {
            Some(code) => Ok(stateless::returns_only_none(code)),
            None => raise!(cx, TypeError, "argument must be a code object"),
        }
    }

    /// ValueError unless code needs no closure and no globals.
    #[py("($module, /, codearg, globalnames=None, globalsns=None, builtinsns=None)")]
    fn verify_stateless_code(
        cx: &mut Cx,
        codearg: Value,
        globalnames: Option<Value>,
        globalsns: Option<Value>,
        builtinsns: Option<Value>,
    ) -> PyResult<()> {
        let _ = globalnames;
        let (globals, builtins) =
            (globalsns.and_then(|d| d.downcast::<Dict>()), builtinsns.and_then(|d| d.downcast::<Dict>()));
        if let Some(function) = codearg.exact::<Function>() {
            let (globals, builtins) = (globals.unwrap_or(function.globals), builtins.unwrap_or(function.builtins));
            return stateless::check_code(cx, function.code.get(), Some(globals), Some(builtins));
        }
        match codearg.exact::<CodeObject>() {
            Some(code) => stateless::check_code(cx, code, globals, builtins),
            None => raise!(cx, TypeError, "argument must be a code object or a function"),
        }
    }

    /// The value of a key of a dict.
    #[py("($module, mp, key, hash, /)")]
    fn dict_getitem_knownhash(cx: &mut Cx, mp: Value, key: Value, hash: i64) -> PyResult<Value> {
        let _ = hash;
        let Some(dict) = mp.downcast::<Dict>() else {
            return raise!(cx, SystemError, "bad argument to internal function");
        };
        match dict.get(cx, key)? {
            Some(v) => Ok(v),
            None => Err(cx.raise_args(&exceptions::KeyError, &[key])),
        }
    }

    /// Whether the attributes of an instance lie in the instance.
    #[py("($module, object, /)")]
    fn has_inline_values(_cx: &mut Cx, object: Value) -> bool {
        Attrs::of(object).is_some_and(|attrs| attrs.dict().is_none())
    }
}
