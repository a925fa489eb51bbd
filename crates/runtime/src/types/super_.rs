//! super.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object};

/// A super object.
#[repr(C)]
pub struct Super {
    header: Header,
    /// `__thisclass__`.
    pub class: Cell<Option<&'static Type>>,
    /// `__self__`.
    pub object: Cell<Option<Value>>,
    /// `__self_class__`.
    pub object_class: Cell<Option<&'static Type>>,
}
object!(Super, SUPER);

/// The type super.
pub static SUPER: Type = Type::new(&SUPER_SPEC);
static SUPER_SPEC: TypeSpec = TypeSpec {
    name: "super",
    basicsize: std::mem::size_of::<Super>(),
    flags: flags::BASETYPE,
    trace: Some(trace_super),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace_super(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for super objects only.
    let this = unsafe { &*object.cast::<Super>() };
    let values = [this.class.get().map(Value::of), this.object.get(), this.object_class.get().map(Value::of)];
    for v in values.into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

/// Finds `name` in the MRO of `start_class` behind `after`, without binding.
pub fn find_after(start_class: &'static Type, after: &'static Type, name: &Str) -> Option<Value> {
    let mut types = start_class.mro_types().skip_while(|t| !std::ptr::eq(*t, after));
    types.next()?;
    types.find_map(|t| t.dict().get_str(name))
}

/// `super(after, object).name`: None if no class behind `after` in the MRO has it. `class` is the object's class, or
/// the object itself when it is a class (then the attribute is bound to nothing but the class).
pub fn lookup(
    cx: &mut Cx,
    after: &'static Type,
    object: Value,
    class: Option<Value>,
    name: &'static Str,
) -> PyResult<Option<Value>> {
    let start = class.and_then(|c| c.downcast::<Type>()).unwrap_or_else(|| object.class());
    let Some(found) = find_after(start, after, name) else { return Ok(None) };
    let Some(get) = found.class().slots().descr_get else { return Ok(Some(found)) };
    let instance = if object == Value::of(start) { None } else { Some(object) };
    get(cx, found, instance, Some(Value::of(start))).map(Some)
}
