//! float: flonums and heap floats, arithmetic. The methods are in `float_methods.rs`.

use taipan_num::float as algorithms;

use crate::cx::Cx;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int;
use crate::value::Value;
use crate::{PyResult, object, raise};

/// A float object.
#[repr(C)]
pub struct Float {
    header: Header,
    value: f64,
}
const _: () = assert!(std::mem::size_of::<Float>() == 24);
object!(Float, FLOAT);

/// Floats that are no flonums and yet are met often.
static SPECIAL: [Float; 4] = [
    fixed(-0.0),
    fixed(f64::INFINITY),
    fixed(f64::NEG_INFINITY),
    // Its word would be that of 0.0.
    fixed(f64::from_bits(0x3000_0000_0000_0000)),
];

const fn fixed(value: f64) -> Float {
    Float { header: Header::immortal(&FLOAT), value }
}

/// The value of a double that needs no new object: flonums, -0.0, the infinities.
#[inline(always)]
pub fn without_allocation(d: f64) -> Option<Value> {
    Value::try_flonum(d).or_else(|| special(d))
}

/// Whether it is one of them: lists of doubles give these for any equal float that was put there.
fn is_special(v: Value) -> bool {
    SPECIAL.iter().any(|s| Value::of(s) == v)
}

#[cold]
fn special(d: f64) -> Option<Value> {
    SPECIAL.iter().find(|s| s.value.to_bits() == d.to_bits()).map(Value::of)
}

/// The type float.
pub static FLOAT: Type = Type::new(&FLOAT_SPEC);
static FLOAT_SPEC: TypeSpec = TypeSpec {
    name: "float",
    basicsize: 24,
    flags: flags::BASETYPE | flags::MATCH_SELF,
    slots: Slots {
        repr: Some(|cx, v| {
            let text = algorithms::repr(of(v));
            Ok(cx.str(&text))
        }),
        hash: Some(|_, v| Ok(hash(v))),
        richcompare: Some(richcompare),
        new: Some(crate::types::float_methods::new),
        add: Some(|cx, a, b| arithmetic(cx, a, b, |_, x, y| Ok(x + y))),
        sub: Some(|cx, a, b| arithmetic(cx, a, b, |_, x, y| Ok(x - y))),
        mul: Some(|cx, a, b| arithmetic(cx, a, b, |_, x, y| Ok(x * y))),
        truediv: Some(|cx, a, b| {
            arithmetic(cx, a, b, |cx, x, y| if y == 0.0 { division_by_zero(cx) } else { Ok(x / y) })
        }),
        floordiv: Some(|cx, a, b| {
            arithmetic(
                cx,
                a,
                b,
                |cx, x, y| {
                    if y == 0.0 { division_by_zero(cx) } else { Ok(algorithms::floor_div(x, y)) }
                },
            )
        }),
        rem: Some(|cx, a, b| {
            arithmetic(cx, a, b, |cx, x, y| if y == 0.0 { division_by_zero(cx) } else { Ok(algorithms::py_mod(x, y)) })
        }),
        divmod: Some(divmod),
        pow: Some(pow),
        neg: Some(|cx, v| Ok(cx.float(-of(v)))),
        pos: Some(plain),
        abs: Some(|cx, v| Ok(cx.float(of(v).abs()))),
        bool: Some(|_, v| Ok(of(v) != 0.0)),
        int: Some(crate::types::float_methods::to_int),
        float: Some(plain),
        ..Slots::NONE
    },
    methods: &[crate::types::float_methods::FloatMethods::METHODS],
    getsets: &[crate::types::float_methods::FloatMethods::GETSETS],
    doc: "Convert a string or number to a floating-point number, if possible.",
    signature: "(x=0, /)",
    ..TypeSpec::DEFAULT
};

/// The number of a value known to be a float.
#[inline(always)]
pub fn of(v: Value) -> f64 {
    if v.is_flonum() {
        v.flonum_unchecked()
    } else {
        // SAFETY: the caller checked the type.
        unsafe { v.cast::<Float>().value }
    }
}

/// The number, if `v` is a float or an instance of a subclass.
#[inline]
pub fn as_f64(v: Value) -> Option<f64> {
    if v.is_flonum() {
        return Some(v.flonum_unchecked());
    }
    v.downcast::<Float>().map(|f| f.value)
}

/// `a is b` for exact heap floats: the same bits, if one need not be the object that it was.
pub fn identical_boxed(a: Value, b: Value) -> bool {
    (a.is_pointer() != b.is_pointer() || is_special(a) || is_special(b))
        && matches!((exact(a), exact(b)), (Some(x), Some(y)) if x.to_bits() == y.to_bits())
}

fn exact(v: Value) -> Option<f64> {
    if v.is_flonum() { Some(v.flonum_unchecked()) } else { v.exact::<Float>().map(|f| f.value) }
}

impl Cx {
    /// A float. May collect.
    #[inline(always)]
    pub fn float(&mut self, d: f64) -> Value {
        match Value::try_flonum(d) {
            Some(v) => v,
            None => self.float_boxed(d),
        }
    }

    #[cold]
    #[inline(never)]
    fn float_boxed(&mut self, d: f64) -> Value {
        Value::of(self.alloc(Float { header: Header::fresh(&FLOAT), value: d }))
    }
}

/// A float object of `class`. May collect.
pub fn new_of(cx: &mut Cx, class: &'static Type, d: f64) -> Value {
    if std::ptr::eq(class, &FLOAT) {
        return cx.float(d);
    }
    Value::of(cx.alloc_of(class, Float { header: Header::fresh(class), value: d }))
}

fn plain(cx: &mut Cx, v: Value) -> PyResult<Value> {
    Ok(if std::ptr::eq(v.class(), &FLOAT) { v } else { cx.float(of(v)) })
}

/// The hash of a float; NaNs hash by identity.
pub fn hash(v: Value) -> i64 {
    algorithms::hash(of(v)).unwrap_or_else(|| crate::protocol::hash::of_address(v))
}

/// Operand of float arithmetic: floats and ints. None: not a number.
#[inline]
fn operand(cx: &mut Cx, v: Value) -> PyResult<Option<f64>> {
    if let Some(d) = as_f64(v) {
        return Ok(Some(d));
    }
    if int::check(v) {
        return int::to_f64(cx, v).map(Some);
    }
    Ok(None)
}

fn arithmetic(cx: &mut Cx, a: Value, b: Value, op: fn(&mut Cx, f64, f64) -> PyResult<f64>) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    let r = op(cx, x, y)?;
    Ok(cx.float(r))
}

fn division_by_zero(cx: &mut Cx) -> PyResult<f64> {
    raise!(cx, ZeroDivisionError, "division by zero")
}

/// `x // y` for `y` other than 0.
pub fn floor_div(x: f64, y: f64) -> f64 {
    algorithms::divmod(x, y).0
}

/// `x % y` for `y` other than 0.
pub fn floor_mod(x: f64, y: f64) -> f64 {
    algorithms::divmod(x, y).1
}

fn divmod(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    if y == 0.0 {
        return raise!(cx, ZeroDivisionError, "division by zero");
    }
    let (q, r) = algorithms::divmod(x, y);
    let (q, r) = (cx.float(q), cx.float(r));
    Ok(Value::of(crate::types::tuple::Tuple::new(cx, &[q, r])))
}

fn pow(cx: &mut Cx, a: Value, b: Value, m: Option<Value>) -> PyResult<Value> {
    if m.is_some_and(|m| !m.is_none()) {
        return raise!(cx, TypeError, "pow() 3rd argument not allowed unless all arguments are integers");
    }
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    pow_f64(cx, x, y)
}

/// `x ** y` for floats: ZeroDivisionError, OverflowError, or a complex result for a negative base.
pub fn pow_f64(cx: &mut Cx, x: f64, y: f64) -> PyResult<Value> {
    match algorithms::pow(x, y) {
        Ok(d) => Ok(cx.float(d)),
        Err(algorithms::PowError::ZeroDivision) => {
            raise!(cx, ZeroDivisionError, "zero to a negative power")
        }
        Err(algorithms::PowError::Overflow) => {
            let text = cx.str("Numerical result out of range");
            Err(cx.raise_args(&crate::exceptions::OverflowError, &[Value::small(34), text]))
        }
        Err(algorithms::PowError::Complex) => crate::types::complex::pow_parts(cx, (x, 0.0), (y, 0.0)),
    }
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let x = of(a);
    let ordering = if let Some(y) = as_f64(b) {
        x.partial_cmp(&y)
    } else if int::check(b) {
        compare_with_int(x, b)
    } else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(match ordering {
        Some(o) => op.holds(o),
        None => op == CmpOp::Ne,
    }))
}

/// Exact comparison of a float with an int; None for NaN.
pub fn compare_with_int(x: f64, b: Value) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering;
    if x.is_nan() {
        return None;
    }
    if let Some(i) = b.as_small().filter(|i| i.abs() <= 1 << 53) {
        return x.partial_cmp(&(i as f64));
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let w = int::view(b)?;
    let mut digits = Vec::new();
    let floor = x.floor();
    let negative = taipan_num::big::from_f64(floor, &mut digits)?;
    let whole = taipan_num::big::cmp(negative, &digits, w.negative, w.digits());
    Some(if whole == Ordering::Equal && x > floor { Ordering::Greater } else { whole })
}
