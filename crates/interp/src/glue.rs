//! What the handlers need from parts of the runtime that are being written.

use taipan_runtime::protocol::import;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

fn todo<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, SystemError, "not joined yet")
}
pub(crate) fn import_name(cx: &mut Cx, name: &'static Str, fromlist: Value, level: Value) -> PyResult<Value> {
    // SAFETY: the running frame.
    let frame = unsafe { &*cx.frame };
    let level = level.as_small().unwrap_or(0);
    import::import_name(cx, frame.builtins, frame.globals, frame.locals, name, fromlist, level)
}
pub(crate) use import::{import_from, import_star};
pub(crate) fn new_interpolation(cx: &mut Cx, _: Value, _: Value, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn new_template(cx: &mut Cx, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn type_param(cx: &mut Cx, _: &str, _: &[Value]) -> PyResult<Value> {
    todo(cx)
}
