//! Attributes; `getattr` and `hasattr` of those that are found without running Python code. Contract and results: see [`crate::plain`].

use taipan_runtime::protocol::attr;
use taipan_runtime::shape::Attrs;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::descr::SlotWrapper;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::type_;
use taipan_runtime::{Cx, Value};

use crate::helpers::{FALSE_WORD, TRUE_WORD, note_receiver, word};
use crate::plain::NOT_PLAIN;

/// The attribute, if there is one; None if that is not sure.
fn find(cx: &mut Cx, v: Value, name: Value) -> Option<Option<Value>> {
    let name = name.exact::<Str>().filter(|name| name.is_interned())?;
    let class = v.class();
    let plain = |d: &Value| d.class().slots().descr_get.is_none() && d.class().slots().descr_set.is_none();
    if std::ptr::eq(class, &type_::TYPE) {
        let of = v.exact::<Class>()?;
        // What a class has comes before what its own class has, but for data descriptors.
        let of_type = cx.type_lookup(class, name);
        if of_type.is_some_and(attr::is_data_descriptor) {
            return None;
        }
        let unbound = |d: &Value| plain(d) || d.exact::<SlotWrapper>().is_some() || d.exact::<Function>().is_some();
        return match cx.type_lookup(of, name) {
            Some(found) => unbound(&found).then_some(Some(found)),
            None => of_type.is_none().then_some(None),
        };
    }
    if !class.is_heap_type() || !attr::uses_generic_get(class) {
        return None;
    }
    let inherited = cx.type_lookup(class, name);
    if !inherited.as_ref().is_none_or(plain) {
        return None;
    }
    let own = match Attrs::of(v) {
        Some(attrs) if attrs.dict().is_some() => return None,
        Some(attrs) => attrs.get(cx, name),
        None => None,
    };
    Some(own.or(inherited))
}

/// `getattr(v, name)`, or, with a default, which is not 0 then, `getattr(v, name, default)`.
pub extern "C" fn get(cx: &mut Cx, v: Value, name: Value, default: u64) -> u64 {
    match find(cx, v, name) {
        Some(Some(found)) => found.bits(),
        Some(None) if default != 0 => default,
        // Raises.
        Some(None) | None => NOT_PLAIN,
    }
}

/// `hasattr(v, name)` as a truth word.
pub extern "C" fn has(cx: &mut Cx, v: Value, name: Value) -> u64 {
    match find(cx, v, name) {
        Some(Some(_)) => TRUE_WORD,
        Some(None) => FALSE_WORD,
        None => NOT_PLAIN,
    }
}

/// `v.name`.
pub extern "C" fn get_attr(cx: &mut Cx, v: Value, name: &'static Str) -> u64 {
    note_receiver(cx, v);
    word(attr::get(cx, v, name))
}

/// `v.name = value`.
pub extern "C" fn set_attr(cx: &mut Cx, v: Value, value: Value, name: &'static Str) -> u64 {
    note_receiver(cx, v);
    attr::set(cx, v, name, Some(value)).is_ok() as u64
}
