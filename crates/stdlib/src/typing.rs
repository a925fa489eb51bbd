//! `_typing`: the native part of typing.

use taipan_macros::pymethods;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::type_alias::{GENERIC, TYPE_ALIAS, no_default};
use taipan_runtime::types::type_params::{PARAM_SPEC, PARAM_SPEC_ARGS, PARAM_SPEC_KWARGS, TYPE_VAR, TYPE_VAR_TUPLE};
use taipan_runtime::types::union::UNION;
use taipan_runtime::{Cx, Value};

struct Functions;

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let doc = "Primitives and accelerators for the typing module.\n";
    let module = crate::make(cx, "_typing", doc, Functions::METHODS);
    let types =
        [&TYPE_VAR, &TYPE_VAR_TUPLE, &PARAM_SPEC, &PARAM_SPEC_ARGS, &PARAM_SPEC_KWARGS, &GENERIC, &TYPE_ALIAS, &UNION];
    for class in types {
        module.add_type(cx, class);
    }
    module.set(cx, "NoDefault", no_default());
    module
}

#[pymethods]
impl Functions {
    #[py("($module, x, /)")]
    fn _idfunc(_cx: &mut Cx, x: Value) -> Value {
        x
    }
}
