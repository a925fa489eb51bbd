//! Hashing.

use crate::cx::Cx;
use crate::types::int;
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

/// The hash of an object's identity.
pub fn of_address(v: Value) -> i64 {
    match v.bits().rotate_right(4) as i64 {
        -1 => -2,
        h => h,
    }
}
