//! bool: the two objects True and False, ints by layout.

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::object::truth;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int;
use crate::value::Value;
use crate::{PyResult, raise};

/// An int object with one digit.
#[repr(C)]
#[derive(Debug)]
pub struct BoolObject {
    header: Header,
    tag: u64,
    digit: u32,
}

/// The object True.
pub static TRUE: BoolObject = BoolObject { header: Header::immortal(&BOOL), tag: 1 << 3, digit: 1 };
/// The object False.
pub static FALSE: BoolObject = BoolObject { header: Header::immortal(&BOOL), tag: 1, digit: 0 };

/// The type bool.
pub static BOOL: Type = Type::new(&BOOL_SPEC);
static BOOL_SPEC: TypeSpec = TypeSpec {
    name: "bool",
    base: Some(&int::INT),
    flags: flags::LONG,
    doc: "Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
    signature: "(object=False, /)",
    slots: Slots {
        repr: Some(|cx, v| Ok(cx.str(if v == Value::bool(true) { "True" } else { "False" }))),
        new: Some(new),
        and: Some(|cx, a, b| bitwise(cx, a, b, |x, y| x & y, int::and)),
        or: Some(|cx, a, b| bitwise(cx, a, b, |x, y| x | y, int::or)),
        xor: Some(|cx, a, b| bitwise(cx, a, b, |x, y| x ^ y, int::xor)),
        invert: Some(|cx, v| {
            crate::protocol::warn::deprecation(
                cx,
                "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object and is usually not what you expect from the negation of a bool object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise inversion of the underlying int.",
            )?;
            int::invert(cx, v)
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "bool")?;
    match args.values() {
        [] => Ok(Value::bool(false)),
        [v] => Ok(Value::bool(truth(cx, *v)?)),
        more => raise!(cx, TypeError, "bool expected at most 1 argument, got {}", more.len()),
    }
}

/// True or False as a bool.
#[inline]
pub fn as_bool(v: Value) -> Option<bool> {
    if v == Value::bool(true) {
        Some(true)
    } else if v == Value::bool(false) {
        Some(false)
    } else {
        None
    }
}

fn bitwise(
    cx: &mut Cx,
    a: Value,
    b: Value,
    op: fn(bool, bool) -> bool,
    wide: fn(&mut Cx, Value, Value) -> PyResult<Value>,
) -> PyResult<Value> {
    match (as_bool(a), as_bool(b)) {
        (Some(a), Some(b)) => Ok(Value::bool(op(a, b))),
        _ => wide(cx, a, b),
    }
}
