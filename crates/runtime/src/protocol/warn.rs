//! Warnings raised by native code.

use crate::cx::Cx;
use crate::typeobj::Type;
use crate::value::Value;
use crate::{PyResult, exceptions};

/// Issues a warning of `category` from native code through the `warnings` machinery. Raises if the filters say so.
pub fn warn(cx: &mut Cx, category: &'static Type, text: &str, stack_level: i64) -> PyResult<()> {
    let hook = cx.rt().hooks.get().warn;
    let message = cx.str(text);
    hook(cx, message, Value::of(category), stack_level)
}

/// DeprecationWarning at the caller.
pub fn deprecation(cx: &mut Cx, text: &str) -> PyResult<()> {
    warn(cx, &exceptions::DeprecationWarning, text, 1)
}
