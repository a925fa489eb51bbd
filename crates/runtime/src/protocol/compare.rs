//! Comparison.

use std::cmp::Ordering;

use crate::cx::Cx;
use crate::typeobj::{Type, flags};
use crate::types::bytes::{BYTES, Bytes};
use crate::types::float;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::tuple_methods::TUPLE;
use crate::value::Value;
use crate::{PyResult, raise};

/// A comparison operator, in CPython's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CmpOp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CmpOp {
    /// Whether `a op b` holds when `a` is `ordering` to `b`.
    #[inline(always)]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            CmpOp::Lt => ordering.is_lt(),
            CmpOp::Le => ordering.is_le(),
            CmpOp::Eq => ordering.is_eq(),
            CmpOp::Ne => ordering.is_ne(),
            CmpOp::Gt => ordering.is_gt(),
            CmpOp::Ge => ordering.is_ge(),
        }
    }

    /// The operator with its operands exchanged.
    pub fn swapped(self) -> CmpOp {
        match self {
            CmpOp::Lt => CmpOp::Gt,
            CmpOp::Le => CmpOp::Ge,
            CmpOp::Gt => CmpOp::Lt,
            CmpOp::Ge => CmpOp::Le,
            same => same,
        }
    }

    /// Its special method.
    pub fn dunder(self, cx: &Cx) -> &'static Str {
        let n = cx.names();
        match self {
            CmpOp::Lt => n.__lt__,
            CmpOp::Le => n.__le__,
            CmpOp::Eq => n.__eq__,
            CmpOp::Ne => n.__ne__,
            CmpOp::Gt => n.__gt__,
            CmpOp::Ge => n.__ge__,
        }
    }

    /// As source text.
    pub fn text(self) -> &'static str {
        match self {
            CmpOp::Lt => "<",
            CmpOp::Le => "<=",
            CmpOp::Eq => "==",
            CmpOp::Ne => "!=",
            CmpOp::Gt => ">",
            CmpOp::Ge => ">=",
        }
    }
}

/// `a op b`, any object.
pub fn rich(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Ok(Value::bool(op.holds(x.cmp(&y))));
    }
    if a.is_flonum() && b.is_flonum() {
        let (x, y) = (a.flonum_unchecked(), b.flonum_unchecked());
        return Ok(Value::bool(x.partial_cmp(&y).is_some_and(|o| op.holds(o))));
    }
    if let (Some(x), Some(y)) = (a.exact::<Str>(), b.exact::<Str>()) {
        return Ok(Value::bool(match op {
            CmpOp::Eq => x.eq_str(y),
            CmpOp::Ne => !x.eq_str(y),
            _ => op.holds(x.compare(y)),
        }));
    }
    cx.nested(" in comparison", |cx| rich_slow(cx, a, b, op))
}

fn rich_slow(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (ta, tb) = (a.class(), b.class());
    let mut right_tried = false;
    if !std::ptr::eq(ta, tb)
        && tb.is_subtype(ta)
        && let Some(f) = tb.slots().richcompare
    {
        right_tried = true;
        let r = f(cx, b, a, op.swapped())?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if let Some(f) = ta.slots().richcompare {
        let r = f(cx, a, b, op)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if right_tried { rich_default(cx, a, b, op) } else { rich_declined(cx, a, b, op) }
}

/// `a op b` after the left operand's method has declined, which was the first to be asked. Raises what the right operand's
/// method raises, TypeError if it declines, too; may collect.
pub fn rich_declined(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if let Some(f) = b.class().slots().richcompare {
        let r = f(cx, b, a, op.swapped())?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    rich_default(cx, a, b, op)
}

/// `a op b` of operands that have both declined.
fn rich_default(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    match op {
        CmpOp::Eq => Ok(Value::bool(a.is(b))),
        CmpOp::Ne => Ok(Value::bool(!a.is(b))),
        _ => {
            let (op, a, b) = (op.text(), a.class().tp_name(), b.class().tp_name());
            raise!(cx, TypeError, "'{op}' not supported between instances of '{a}' and '{b}'")
        }
    }
}

/// Truth of `a op b`. Identity does not imply equality here (see [`equal`]).
#[inline]
pub fn rich_bool(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<bool> {
    let r = rich(cx, a, b, op)?;
    crate::protocol::object::truth(cx, r)
}

/// Tuples nested deeper than this are compared by their slot, which watches the stack.
const TUPLE_DEPTH: usize = 8;

/// `a is b or a == b`, if that can be told without running code: ints, floats, strs, tuples (named ones, too) of these, and instances of
/// classes without `__eq__`.
#[inline]
pub fn known_equal(a: Value, b: Value) -> Option<bool> {
    known_equal_within(a, b, TUPLE_DEPTH)
}

#[inline(always)]
fn known_equal_within(a: Value, b: Value, depth: usize) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    if !a.is_pointer() && !b.is_pointer() {
        // Unequal words of the same kind are unequal numbers.
        return if a.is_small() == b.is_small() { Some(false) } else { None };
    }
    known_equal_pointers(a, b, depth)
}

#[inline(never)]
fn known_equal_pointers(a: Value, b: Value, depth: usize) -> Option<bool> {
    let (ta, tb) = (a.class(), b.class());
    if std::ptr::eq(ta, Str::type_object()) {
        if std::ptr::eq(ta, tb) {
            // SAFETY: the class was looked at.
            return Some(unsafe { a.cast::<Str>().eq_str(b.cast::<Str>()) });
        }
        return if b.is_pointer() { None } else { Some(false) };
    }
    if compares_as_tuple(ta) && (std::ptr::eq(ta, tb) || compares_as_tuple(tb)) {
        // SAFETY: the classes were looked at.
        let (x, y) = unsafe { (a.cast::<Tuple>().items(), b.cast::<Tuple>().items()) };
        if x.len() != y.len() {
            return Some(false);
        }
        let depth = depth.checked_sub(1)?;
        for (x, y) in x.iter().zip(y) {
            if !known_equal_within(*x, *y, depth)? {
                return Some(false);
            }
        }
        return Some(true);
    }
    if std::ptr::eq(ta, &BYTES) && std::ptr::eq(ta, tb) {
        // SAFETY: the class was looked at.
        return Some(unsafe { a.cast::<Bytes>().data() == b.cast::<Bytes>().data() });
    }
    let by_identity = |class: &Type| class.slots().richcompare.is_some_and(is_default);
    if by_identity(ta) && by_identity(tb) { Some(false) } else { None }
}

/// True for tuple and those of its subclasses (named tuples) that compare as it does.
#[inline]
fn compares_as_tuple(class: &Type) -> bool {
    std::ptr::eq(class, &TUPLE)
        || class.has(flags::TUPLE)
            && match (class.slots().richcompare, TUPLE.slots().richcompare) {
                (Some(f), Some(g)) => std::ptr::fn_addr_eq(f, g),
                _ => false,
            }
}

type CompareFn = fn(&mut Cx, Value, Value, CmpOp) -> PyResult<Value>;

/// True for the comparison slot of `object`.
fn is_default(f: CompareFn) -> bool {
    std::ptr::fn_addr_eq(f, crate::types::object::richcompare as CompareFn)
}

/// `a is b or a == b`, as containers compare.
#[inline]
pub fn equal(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    if let Some(known) = known_equal(a, b) {
        return Ok(known);
    }
    if a.is(b) && float::as_f64(a).is_some() {
        return Ok(true);
    }
    rich_bool(cx, a, b, CmpOp::Eq)
}

/// Compares two sequences as list and tuple do. The items are fetched by index each time, since comparing may
/// change a list.
pub fn sequences(
    cx: &mut Cx,
    a: impl Fn(usize) -> Option<Value>,
    b: impl Fn(usize) -> Option<Value>,
    lens: impl Fn() -> (usize, usize),
    op: CmpOp,
) -> PyResult<Value> {
    let (n, m) = lens();
    if n != m && matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::bool(op == CmpOp::Ne));
    }
    let mut i = 0;
    while let (Some(x), Some(y)) = (a(i), b(i)) {
        if !equal(cx, x, y)? {
            let (n, m) = lens();
            // Comparing may have shortened them.
            if i >= n || i >= m {
                break;
            }
            return match op {
                CmpOp::Eq => Ok(Value::bool(false)),
                CmpOp::Ne => Ok(Value::bool(true)),
                _ => rich(cx, x, y, op),
            };
        }
        i += 1;
    }
    let (n, m) = lens();
    Ok(Value::bool(op.holds(n.cmp(&m))))
}
