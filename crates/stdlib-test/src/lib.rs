//! What CPython's test suite finds in `_testcapi`, `_testlimitedcapi` and `_testinternalcapi`, as far as it makes sense without
//! a C API: callables of all conventions, calls from native code, what prints exceptions, limits of C's types.

mod calls;
mod errors;
mod limits;
mod types;

use taipan_macros::pymethods;
use taipan_runtime::shape::Attrs;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value};

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

    /// Whether the attributes of an instance lie in the instance.
    #[py("($module, object, /)")]
    fn has_inline_values(_cx: &mut Cx, object: Value) -> bool {
        Attrs::of(object).is_some_and(|attrs| attrs.dict().is_none())
    }
}
