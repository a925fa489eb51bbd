//! Hashing.

use crate::cx::Cx;
use crate::typeobj::Type;
use crate::types::int;
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

/// `hash(v)`. Raises TypeError for unhashable objects.
#[inline]
pub fn hash(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if v.is_small() {
        return Ok(int::hash(v));
    }
    if let Some(s) = v.exact::<Str>() {
        return Ok(s.hash());
    }
    match v.class().slots().hash {
        Some(f) => f(cx, v),
        None => unhashable(cx, v),
    }
}

/// The hash slot of unhashable types.
pub fn unhashable(cx: &mut Cx, v: Value) -> PyResult<i64> {
    raise!(cx, TypeError, "unhashable type: '{}'", v.class().tp_name())
}

/// True if instances of `class` are unhashable.
pub fn is_unhashable(class: &Type) -> bool {
    class.slots().hash.is_none_or(|f| std::ptr::fn_addr_eq(f, unhashable as fn(&mut Cx, Value) -> PyResult<i64>))
}

/// True if instances of `class` are hashed and compared by identity, as `object` does it.
pub fn is_by_identity(class: &Type) -> bool {
    let (own, object) = (class.slots(), OBJECT.slots());
    let same_hash = own.hash.zip(object.hash).is_some_and(|(f, g)| std::ptr::fn_addr_eq(f, g));
    same_hash && own.richcompare.zip(object.richcompare).is_some_and(|(f, g)| std::ptr::fn_addr_eq(f, g))
}

/// The hash of an object's identity.
pub fn of_address(v: Value) -> i64 {
    match v.bits().rotate_right(4) as i64 {
        -1 => -2,
        h => h,
    }
}
