//! `_contextvars`.

use taipan_macros::pymethods;
use taipan_runtime::Cx;
use taipan_runtime::types::context::{self, CONTEXT, CONTEXT_VAR, Context, TOKEN};
use taipan_runtime::types::module::Module;

struct ContextVars;

#[pymethods]
impl ContextVars {
    #[py("()")]
    fn copy_context(cx: &mut Cx) -> &'static Context {
        Context::copy_current(cx)
    }
}

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = crate::make(cx, "_contextvars", "Context Variables", ContextVars::METHODS);
    for class in [&CONTEXT, &CONTEXT_VAR, &TOKEN] {
        module.add_type(cx, class);
    }
    context::add_missing(cx);
    module
}
