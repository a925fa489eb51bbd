//! What the handlers need of the runtime in another form.

use taipan_runtime::protocol::import;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::template;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

pub(crate) fn import_name(cx: &mut Cx, name: &'static Str, fromlist: Value, level: Value) -> PyResult<Value> {
    // SAFETY: the running frame.
    let frame = unsafe { &*cx.frame };
    let level = level.as_small().unwrap_or(0);
    import::import_name(cx, frame.builtins, frame.globals, frame.locals, name, fromlist, level)
}
pub(crate) use import::{import_from, import_star};
pub(crate) use taipan_runtime::types::template::new_interpolation;

/// The template of a t-string.
pub(crate) fn new_template(cx: &mut Cx, strings: Value, interpolations: Value) -> PyResult<Value> {
    match (strings.exact::<Tuple>(), interpolations.exact::<Tuple>()) {
        (Some(strings), Some(interpolations)) => Ok(template::new(cx, strings, interpolations)),
        _ => raise!(cx, SystemError, "a template needs two tuples"),
    }
}

/// The name of a type parameter, which the compiler gives as a str.
pub(crate) fn param_name(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match v.exact::<Str>() {
        Some(name) => Ok(name),
        None => raise!(cx, SystemError, "the name of a type parameter is not a str"),
    }
}
