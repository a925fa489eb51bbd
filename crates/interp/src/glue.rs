//! What the handlers need from parts of the runtime that are being written.

use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

fn todo<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, SystemError, "not joined yet")
}
pub(crate) fn import_name(cx: &mut Cx, _: &'static Str, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn import_from(cx: &mut Cx, _: Value, _: &'static Str) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn import_star(cx: &mut Cx, _: Value, _: Value) -> PyResult<()> {
    todo(cx)
}
pub(crate) fn new_interpolation(cx: &mut Cx, _: Value, _: Value, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn new_template(cx: &mut Cx, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn type_param(cx: &mut Cx, _: &str, _: &[Value]) -> PyResult<Value> {
    todo(cx)
}
