//! Numbers: operators over any objects, conversions.

use crate::cx::Cx;
use crate::slots::{BinaryFn, Slots};
use crate::types::int_medium::is_exact;
use crate::types::{float, int};
use crate::value::Value;
use crate::{PyResult, raise};

/// A binary operator: where its slots are and how it is called in messages.
pub struct BinaryOp {
    /// As source text.
    pub symbol: &'static str,
    /// As source text of the augmented assignment.
    pub inplace_symbol: &'static str,
    /// The operator of exact ints, where it needs no slot lookup.
    ints: Option<BinaryFn>,
    get: fn(&Slots) -> Option<BinaryFn>,
    get_inplace: fn(&Slots) -> Option<BinaryFn>,
}

macro_rules! operators {
    ($($(#[doc = $doc:literal])* $name:ident $symbol:literal $field:ident $ifield:ident $($ints:path)?;)*) => {
        $( $(#[doc = $doc])* pub static $name: BinaryOp = BinaryOp {
            symbol: $symbol, inplace_symbol: concat!($symbol, "="), ints: operators!(@ints $($ints)?),
            get: |s| s.$field, get_inplace: |s| s.$ifield,
        }; )*
    };
    (@ints) => { None };
    (@ints $ints:path) => { Some($ints) };
}
operators! {
    /// `+`
    ADD "+" add iadd int::add;
    /// `-`
    SUB "-" sub isub int::sub;
    /// `*`
    MUL "*" mul imul int::mul;
    /// `/`
    TRUEDIV "/" truediv itruediv;
    /// `//`
    FLOORDIV "//" floordiv ifloordiv int::floordiv;
    /// `%`
    REM "%" rem irem int::rem;
    /// `<<`
    LSHIFT "<<" lshift ilshift int::lshift;
    /// `>>`
    RSHIFT ">>" rshift irshift int::rshift;
    /// `&`
    AND "&" and iand int::and;
    /// `|`
    OR "|" or ior int::or;
    /// `^`
    XOR "^" xor ixor int::xor;
    /// `@`
    MATMUL "@" matmul imatmul;
    /// `divmod()`
    DIVMOD "divmod()" divmod divmod;
}

/// The result of the operands' slots, or NotImplemented.
fn binary1(cx: &mut Cx, a: Value, b: Value, get: fn(&Slots) -> Option<BinaryFn>) -> PyResult<Value> {
    let (ta, tb) = (a.class(), b.class());
    let left = get(ta.slots());
    let mut right = if std::ptr::eq(ta, tb) { None } else { get(tb.slots()) };
    if let (Some(l), Some(r)) = (left, right)
        && std::ptr::fn_addr_eq(l, r)
    {
        right = None;
    }
    if let Some(l) = left {
        if let Some(r) = right
            && tb.is_subtype(ta)
        {
            let result = r(cx, a, b)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
            right = None;
        }
        let result = l(cx, a, b)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    match right {
        Some(r) => r(cx, a, b),
        None => Ok(Value::not_implemented()),
    }
}

/// The sequence meaning of `+` and `*`, or NotImplemented.
fn sequence_op(cx: &mut Cx, a: Value, b: Value, op: &BinaryOp, inplace: bool) -> PyResult<Value> {
    let (sa, sb) = (a.class().slots(), b.class().slots());
    if std::ptr::eq(op, &ADD) {
        if inplace && let Some(f) = sa.iconcat {
            return f(cx, a, b);
        }
        if let Some(f) = sa.concat {
            return f(cx, a, b);
        }
    } else if std::ptr::eq(op, &MUL) {
        if inplace && let Some(f) = sa.irepeat {
            let n = repeat_count(cx, b)?;
            return f(cx, a, n);
        }
        if let Some(f) = sa.repeat {
            let n = repeat_count(cx, b)?;
            return f(cx, a, n);
        }
        if let Some(f) = sb.repeat {
            let n = repeat_count(cx, a)?;
            return f(cx, b, n);
        }
    }
    Ok(Value::not_implemented())
}

fn repeat_count(cx: &mut Cx, n: Value) -> PyResult<isize> {
    let got = || n.class().tp_name();
    if !int::check(n) && n.class().slots().index.is_none() {
        return raise!(cx, TypeError, "can't multiply sequence by non-int of type '{}'", got());
    }
    let count = index(cx, n)?;
    match int::as_i64(count) {
        Some(i) => Ok(i as isize),
        None => raise!(cx, OverflowError, "cannot fit '{}' into an index-sized integer", got()),
    }
}

/// `a op b`.
pub fn binary(cx: &mut Cx, a: Value, b: Value, op: &'static BinaryOp) -> PyResult<Value> {
    if let Some(f) = op.ints
        && is_exact(a)
        && is_exact(b)
    {
        return f(cx, a, b);
    }
    let r = binary1(cx, a, b, op.get)?;
    if !r.is_not_implemented() {
        return Ok(r);
    }
    let r = sequence_op(cx, a, b, op, false)?;
    if !r.is_not_implemented() {
        return Ok(r);
    }
    unsupported(cx, a, b, op.symbol)
}

/// `a op= b`.
pub fn inplace(cx: &mut Cx, a: Value, b: Value, op: &'static BinaryOp) -> PyResult<Value> {
    if let Some(f) = op.ints
        && is_exact(a)
        && is_exact(b)
    {
        return f(cx, a, b);
    }
    if let Some(f) = (op.get_inplace)(a.class().slots()) {
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    let r = binary1(cx, a, b, op.get)?;
    if !r.is_not_implemented() {
        return Ok(r);
    }
    let r = sequence_op(cx, a, b, op, true)?;
    if !r.is_not_implemented() {
        return Ok(r);
    }
    unsupported(cx, a, b, op.inplace_symbol)
}

#[cold]
fn unsupported(cx: &mut Cx, a: Value, b: Value, symbol: &str) -> PyResult<Value> {
    let (ta, tb) = (a.class().tp_name(), b.class().tp_name());
    if symbol == ">>" && a.exact::<crate::types::descr::NativeFunction>().is_some_and(|f| f.def.name == "print") {
        return raise!(
            cx,
            TypeError,
            "unsupported operand type(s) for >>: '{ta}' and '{tb}'. Did you mean \"print(<message>, file=<output_stream>)\"?"
        );
    }
    raise!(cx, TypeError, "unsupported operand type(s) for {symbol}: '{ta}' and '{tb}'")
}

/// `pow(a, b, m)`; `symbol` is for messages (`** or pow()`, `**=`).
pub fn power(cx: &mut Cx, a: Value, b: Value, m: Option<Value>, inplace: bool) -> PyResult<Value> {
    if inplace && let Some(f) = a.class().slots().ipow {
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    let (ta, tb) = (a.class(), b.class());
    let (left, right) = (ta.slots().pow, tb.slots().pow);
    let distinct = match (left, right) {
        (Some(l), Some(r)) => !std::ptr::fn_addr_eq(l, r),
        _ => true,
    };
    let right = right.filter(|_| !std::ptr::eq(ta, tb) && distinct);
    let right_first = right.is_some() && left.is_some() && tb.is_subtype(ta);
    let order = if right_first { [right, left] } else { [left, right] };
    for f in order.into_iter().flatten() {
        let r = f(cx, a, b, m)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    // The type of the modulus has its say as well.
    if let Some(m) = m.filter(|m| !m.is_none())
        && let Some(f) = m.class().slots().pow
        && ![left, right].into_iter().flatten().any(|other| std::ptr::fn_addr_eq(other, f))
    {
        let r = f(cx, a, b, Some(m))?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    let (ta, tb) = (ta.tp_name(), tb.tp_name());
    match m.filter(|m| !m.is_none()) {
        None => {
            let symbol = if inplace { "**=" } else { "** or pow()" };
            raise!(cx, TypeError, "unsupported operand type(s) for {symbol}: '{ta}' and '{tb}'")
        }
        Some(m) => {
            let tm = m.class().tp_name();
            raise!(cx, TypeError, "unsupported operand type(s) for ** or pow(): '{ta}', '{tb}', '{tm}'")
        }
    }
}

macro_rules! unary {
    ($($(#[doc = $doc:literal])* $name:ident $field:ident $text:literal;)*) => { $(
        $(#[doc = $doc])*
        pub fn $name(cx: &mut Cx, v: Value) -> PyResult<Value> {
            match v.class().slots().$field {
                Some(f) => f(cx, v),
                None => raise!(cx, TypeError, "bad operand type for {}: '{}'", $text, v.class().tp_name()),
            }
        }
    )* };
}
unary! {
    /// `-v`.
    negative neg "unary -";
    /// `+v`.
    positive pos "unary +";
    /// `~v`.
    invert invert "unary ~";
    /// `abs(v)`.
    absolute abs "abs()";
}

/// `operator.index(v)`: an exact int.
pub fn index(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if int::check(v) {
        return int::plain(cx, v);
    }
    let Some(f) = v.class().slots().index else {
        return raise!(cx, TypeError, "'{}' object cannot be interpreted as an integer", v.class().tp_name());
    };
    let r = f(cx, v)?;
    if !int::check(r) {
        return raise!(cx, TypeError, "__index__ returned non-int (type {})", r.class().tp_name());
    }
    if !r.is_small() && !std::ptr::eq(r.class(), &int::INT) {
        let text = format!(
            "__index__ returned non-int (type {}).  The ability to return an instance of a strict subclass of int is deprecated, and may not be supported in a future version of Python.",
            r.class().tp_name()
        );
        crate::protocol::warn::deprecation(cx, &text)?;
    }
    int::plain(cx, r)
}

/// An index as a machine int; OverflowError if it does not fit.
pub fn to_isize(cx: &mut Cx, v: Value) -> PyResult<isize> {
    if let Some(i) = v.as_small() {
        return Ok(i as isize);
    }
    let i = index(cx, v)?;
    match int::as_i64(i) {
        Some(i) => Ok(i as isize),
        None => raise!(cx, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}

/// An index, clamped to the machine range (slice bounds).
pub fn to_isize_clamped(cx: &mut Cx, v: Value) -> PyResult<isize> {
    let i = index(cx, v)?;
    Ok(match int::as_i64(i) {
        Some(i) => i as isize,
        None if int::view(i).is_some_and(|w| w.negative) => isize::MIN,
        None => isize::MAX,
    })
}

/// An int argument as C `long`.
pub fn to_i64(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if let Some(i) = v.as_small() {
        return Ok(i);
    }
    let i = index(cx, v)?;
    match int::as_i64(i) {
        Some(i) => Ok(i),
        None => raise!(cx, OverflowError, "Python int too large to convert to C long"),
    }
}

/// An int argument as C `int`.
pub fn to_i32(cx: &mut Cx, v: Value) -> PyResult<i32> {
    let i = index(cx, v)?;
    match int::as_i64(i).and_then(|i| i32::try_from(i).ok()) {
        Some(i) => Ok(i),
        None => raise!(cx, OverflowError, "Python int too large to convert to C int"),
    }
}

/// A float argument: floats, objects with `__float__` or `__index__`.
pub fn to_f64(cx: &mut Cx, v: Value) -> PyResult<f64> {
    if let Some(d) = float::as_f64(v) {
        return Ok(d);
    }
    if int::check(v) {
        return int::to_f64(cx, v);
    }
    let slots = v.class().slots();
    if let Some(f) = slots.float {
        let r = f(cx, v)?;
        return match float::as_f64(r) {
            Some(d) => Ok(d),
            None => {
                let (t, got) = (v.class().tp_name(), r.class().tp_name());
                raise!(cx, TypeError, "{t}.__float__ returned non-float (type {got})")
            }
        };
    }
    if slots.index.is_some() {
        let i = index(cx, v)?;
        return int::to_f64(cx, i);
    }
    raise!(cx, TypeError, "must be real number, not {}", v.class().tp_name())
}

/// The result of `__len__` as a length.
pub fn length_from(cx: &mut Cx, r: Value) -> PyResult<usize> {
    let i = index(cx, r)?;
    match int::as_i64(i) {
        Some(n) if n >= 0 => Ok(n as usize),
        Some(_) => raise!(cx, ValueError, "__len__() should return >= 0"),
        None if int::view(i).is_some_and(|w| w.negative) => raise!(cx, ValueError, "__len__() should return >= 0"),
        None => raise!(cx, OverflowError, "cannot fit 'int' into an index-sized integer"),
    }
}

/// The result of `__hash__` as a hash.
pub fn hash_of_int(cx: &mut Cx, r: Value) -> PyResult<i64> {
    if !int::check(r) {
        return raise!(cx, TypeError, "__hash__ method should return an integer");
    }
    Ok(match int::as_i64(r) {
        Some(-1) => -2,
        Some(i) => i,
        None => int::hash(r),
    })
}
