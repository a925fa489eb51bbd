//! What the handlers need from types and protocols that are being written.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{format, object};
use taipan_runtime::types::generator::Generator;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::set_methods;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

pub(crate) fn join_strs(cx: &mut Cx, items: &[Value]) -> PyResult<&'static Str> {
    format::join_strs(cx, items)
}
pub(crate) fn format_value(cx: &mut Cx, v: Value, spec: &'static Str) -> PyResult<&'static Str> {
    format::format_value(cx, v, spec)
}
pub(crate) fn ascii(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    format::ascii(cx, v)
}
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
pub(crate) fn set_from(cx: &mut Cx, items: &[Value]) -> PyResult<Value> {
    let set = Set::new(cx);
    for item in items {
        set.add(cx, *item)?;
    }
    Ok(Value::of(set))
}
pub(crate) fn set_add(cx: &mut Cx, set: Value, item: Value) -> PyResult<()> {
    // SAFETY: the compiler emits set operations for sets that it built.
    unsafe { set.cast::<Set>() }.add(cx, item)?;
    Ok(())
}
pub(crate) fn set_update(cx: &mut Cx, set: Value, items: Value) -> PyResult<()> {
    // SAFETY: as above.
    set_methods::update(cx, unsafe { set.cast::<Set>() }, items)
}
pub(crate) fn dict_merge(cx: &mut Cx, into: &'static Dict, mapping: Value) -> PyResult<()> {
    taipan_runtime::types::dict::merge(cx, into, mapping)
}
pub(crate) fn new_interpolation(cx: &mut Cx, _: Value, _: Value, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn new_template(cx: &mut Cx, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn check_eg_match(cx: &mut Cx, _: Value, _: Value) -> PyResult<(Option<Value>, Option<Value>)> {
    todo(cx)
}
pub(crate) fn prep_reraise_star(cx: &mut Cx, _: Value, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn stop_iteration_error(cx: &mut Cx, e: Value) -> PyResult<Value> {
    let _ = cx;
    Ok(e)
}
pub(crate) fn async_gen_wrap(_: &mut Cx, v: Value) -> Value {
    v
}
pub(crate) fn generator_created(_: &mut Cx, _: &'static Generator) {}
pub(crate) fn has_send(_: &mut Cx, _: Value) -> bool {
    true
}
pub(crate) fn get_yield_from_iter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    taipan_runtime::protocol::iter::iter(cx, v)
}
pub(crate) fn get_awaitable_iter(cx: &mut Cx, _: Value, _: usize) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn get_aiter(cx: &mut Cx, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn get_anext(cx: &mut Cx, _: Value) -> PyResult<Value> {
    todo(cx)
}
pub(crate) fn type_param(cx: &mut Cx, _: &str, _: &[Value]) -> PyResult<Value> {
    todo(cx)
}
