//! Adapters and converters.

use std::cell::Cell;

use taipan_runtime::Args;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, exceptions, object};
use taipan_stdlib::host::Global;

use crate::error::programming;

/// `PrepareProtocol`: what objects are adapted to before they become parameters.
#[repr(C)]
pub struct PrepareProtocol {
    header: Header,
}
object!(PrepareProtocol, PREPARE_PROTOCOL);

/// Its type.
pub static PREPARE_PROTOCOL: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.PrepareProtocol",
    basicsize: std::mem::size_of::<PrepareProtocol>(),
    flags: flags::BASETYPE,
    slots: Slots { new: Some(new), init: Some(init), ..Slots::NONE },
    doc: "PEP 246 style object adaption protocol type.",
    ..TypeSpec::DEFAULT
};

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(cx.alloc_of(class, PrepareProtocol { header: Header::fresh(class) })))
}

fn init(_: &mut Cx, _: Value, _: Args) -> PyResult<()> {
    Ok(())
}

/// `adapters`: (type, protocol) to callable.
static ADAPTERS: Global = Global::new();
/// `converters`: upper-case name to callable.
static CONVERTERS: Global = Global::new();

/// An adapter was registered for one of the types that SQLite knows.
struct BaseAdapted(Cell<bool>);
// SAFETY: only used with the GIL held.
unsafe impl Sync for BaseAdapted {}
static BASE_ADAPTED: BaseAdapted = BaseAdapted(Cell::new(false));

fn dict(cx: &mut Cx, global: &Global) -> &'static Dict {
    let found = match global.get() {
        Some(v) => v,
        None => {
            let new = Value::of(Dict::new(cx));
            global.set(cx, new);
            new
        }
    };
    // SAFETY: only dicts are stored.
    unsafe { found.cast() }
}

/// `adapters`.
pub fn adapters(cx: &mut Cx) -> &'static Dict {
    dict(cx, &ADAPTERS)
}

/// `converters`.
pub fn converters(cx: &mut Cx) -> &'static Dict {
    dict(cx, &CONVERTERS)
}

fn is_base(class: &Type) -> bool {
    [int::INT.value(), float::FLOAT.value(), Value::of(Str::type_object())]
        .contains(&Value::from_address(class as *const Type as usize))
        || std::ptr::eq(class, <ByteArray as taipan_runtime::Object>::class())
}

/// `register_adapter(class, adapter)`.
pub fn register(cx: &mut Cx, class: Value, adapter: Value) -> PyResult<()> {
    if class.downcast::<Type>().is_some_and(is_base) {
        BASE_ADAPTED.0.set(true);
    }
    let key = Value::of(Tuple::new(cx, &[class, Value::of(&PREPARE_PROTOCOL)]));
    let adapters = adapters(cx);
    adapters.set(cx, key, adapter)
}

/// Whether a parameter has to be adapted first.
pub fn is_needed(v: Value) -> bool {
    BASE_ADAPTED.0.get() || !is_base(v.class())
}

/// The converter for a type name.
pub fn converter(cx: &mut Cx, name: &str) -> PyResult<Option<Value>> {
    let name = cx.str(name);
    let key = cx.call_method_text(name, "upper", &[])?;
    let converters = converters(cx);
    converters.get(cx, key)
}

/// Calls a method that may be missing, or refuse by TypeError or None.
fn ask(cx: &mut Cx, v: Value, name: &str, argument: Value) -> PyResult<Option<Value>> {
    let name = cx.intern(name);
    let Some(method) = attr::get_optional(cx, v, name)? else { return Ok(None) };
    let result = cx.call(method, &[argument]);
    Ok(cx.catch(result, &exceptions::TypeError)?.filter(|v| !v.is_none()))
}

/// `adapt(v, protocol, alternative)`.
pub fn adapt(cx: &mut Cx, v: Value, protocol: Value, alternative: Option<Value>) -> PyResult<Value> {
    let key = Value::of(Tuple::new(cx, &[Value::of(v.class()), protocol]));
    let adapters = adapters(cx);
    if let Some(adapter) = adapters.get(cx, key)? {
        return cx.call(adapter, &[v]);
    }
    if let Some(adapted) = ask(cx, protocol, "__adapt__", v)? {
        return Ok(adapted);
    }
    if let Some(adapted) = ask(cx, v, "__conform__", protocol)? {
        return Ok(adapted);
    }
    alternative.ok_or(()).or_else(|()| Err(programming(cx, "can't adapt")))
}
