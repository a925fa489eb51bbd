//! `_sysconfig`: what `sysconfig` asks the build.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value};

struct Functions;

#[pymethods]
impl Functions {
    /// Returns a dictionary containing build variables intended to be exposed by sysconfig.
    #[py("($module, /)")]
    fn config_vars(cx: &mut Cx) -> &'static Dict {
        let dict = Dict::new(cx);
        for name in ["Py_GIL_DISABLED", "Py_DEBUG"] {
            let name = cx.intern(name);
            dict.set_str(cx, name, Value::small(0));
        }
        dict
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    Ok(taipan_stdlib::make(cx, "_sysconfig", "A helper for the sysconfig module.", Functions::METHODS))
}
