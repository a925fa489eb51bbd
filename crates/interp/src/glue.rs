//! What the handlers need from types and protocols that are being written.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::format;
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
    taipan_runtime::types::str_format::ascii(cx, v)
}
pub(crate) use taipan_runtime::protocol::format::{format_value, join_strs};
pub(crate) use taipan_runtime::types::str_format::ascii;

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
pub(crate) use taipan_runtime::types::async_gen::wrap as async_gen_wrap;
pub(crate) use taipan_runtime::types::coroutine::{get_aiter, get_anext, get_awaitable_iter};
pub(crate) use taipan_runtime::types::exception_group::check_eg_match;
pub(crate) use taipan_runtime::types::generator_methods::{
    created as generator_created, get_yield_from_iter, send_to, stop_iteration_error,
};

pub(crate) fn prep_reraise_star(cx: &mut Cx, original: Value, results: Value) -> PyResult<Value> {
    // SAFETY: the compiler gathers the results in a list.
    let results = unsafe { results.cast() };
    let raised = taipan_runtime::types::exception_group::prep_reraise_star(cx, original, results)?;
    Ok(raised.unwrap_or(Value::none()))
}
pub(crate) fn type_param(cx: &mut Cx, _: &str, _: &[Value]) -> PyResult<Value> {
    todo(cx)
}
