//! The type `Decimal` and its operators.

use std::cell::Cell;

use taipan_decimal::{Context, Dec, Kind, Num, Rounding, Status, status};
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::{attr, hash, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::float;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::{complex, float_methods};
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use crate::context::{context_arg, current};
use crate::convert::{self, Operand, check_finite, operand};
use crate::methods::{self, Methods};
use crate::state::state;

/// A decimal. The limbs of its coefficient follow.
#[repr(C)]
pub struct Decimal {
    header: Header,
    /// Number of limbs.
    count: usize,
    hash: Cell<i64>,
    exp: i64,
    neg: bool,
    kind: Kind,
}
object!(Decimal, DECIMAL);

const SIZE: usize = std::mem::size_of::<Decimal>();

/// The type `decimal.Decimal`.
pub static DECIMAL: Type = Type::new(&DECIMAL_SPEC);
static DECIMAL_SPEC: TypeSpec = TypeSpec {
    name: "decimal.Decimal",
    basicsize: SIZE,
    itemsize: 8,
    flags: flags::BASETYPE,
    slots: Slots {
        new: Some(new),
        repr: Some(|cx, v| {
            let text = of(v).text(cx)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            Ok(cx.str(&format!("Decimal('{text}')")))
        }),
        str: Some(|cx, v| {
            let text = of(v).text(cx)?;
            Ok(Value::of(Str::from_ascii(cx, &text)))
        }),
        hash: Some(hash_of),
        richcompare: Some(richcompare),
        bool: Some(|_, v| Ok(!of(v).num().is_zero())),
        int: Some(|cx, v| to_int(cx, v, Rounding::Down)),
        float: Some(|cx, v| {
            let d = to_float(cx, of(v))?;
            Ok(cx.float(d))
        }),
        neg: Some(|cx, v| unary(cx, v, |a, c, st| a.minus(c, st))),
        pos: Some(|cx, v| unary(cx, v, |a, c, st| a.plus(c, st))),
        abs: Some(|cx, v| unary(cx, v, |a, c, st| a.absolute(c, st))),
        add: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.add(y, c, st))),
        sub: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.sub(y, c, st))),
        mul: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.mul(y, c, st))),
        truediv: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.div(y, c, st))),
        floordiv: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.div_int(y, c, st))),
        rem: Some(|cx, a, b| binary(cx, a, b, |x, y, c, st| x.rem(y, c, st))),
        divmod: Some(divmod),
        pow: Some(pow),
        ..Slots::NONE
    },
    methods: &[methods::UNARY, methods::BINARY, methods::TO_INTEGRAL, Methods::METHODS],
    getsets: &[Methods::GETSETS],
    doc: "Construct a new Decimal object. 'value' can be an integer, string, tuple,\nor another Decimal object. If no value is given, return Decimal('0'). The\ncontext does not affect the conversion and is only passed to determine if\nthe InvalidOperation trap is active.\n\n",
    signature: "(value=\"0\", context=None)",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
pub fn of(v: Value) -> &'static Decimal {
    // SAFETY: slots and methods are called with instances of their type.
    unsafe { v.cast() }
}

impl Decimal {
    /// The number.
    #[inline(always)]
    pub fn num(&'static self) -> Num<'static> {
        // SAFETY: `make` put `count` limbs behind the fixed part.
        let coef = unsafe { std::slice::from_raw_parts((self as *const Decimal).add(1).cast::<u64>(), self.count) };
        Num { neg: self.neg, kind: self.kind, exp: self.exp, coef }
    }

    /// Its text in the current context.
    fn text(&'static self, cx: &mut Cx) -> PyResult<Vec<u8>> {
        let capitals = current(cx)?.capitals.get();
        Ok(self.num().to_text(false, capitals))
    }
}

/// A new decimal. May collect.
#[inline(always)]
pub fn make(cx: &mut Cx, num: Num) -> Value {
    make_of(cx, &DECIMAL, num)
}

/// A new instance of `class`. May collect.
#[inline]
pub fn make_of(cx: &mut Cx, class: &'static Type, num: Num) -> Value {
    let n = num.coef.len();
    let size = SIZE + 8 * n;
    let p = if std::ptr::eq(class, &DECIMAL) { cx.alloc_raw(size) } else { cx.alloc_var(class, size, n) };
    let decimal = Decimal {
        header: Header::fresh(class),
        count: n,
        hash: Cell::new(-1),
        exp: num.exp,
        neg: num.neg,
        kind: num.kind,
    };
    // SAFETY: fresh memory of `size` bytes; a subclass's header is the same as the one it has.
    unsafe {
        let this = p.cast::<Decimal>();
        this.write(decimal);
        std::ptr::copy_nonoverlapping(num.coef.as_ptr(), this.add(1).cast::<u64>(), n);
        Value::of(&*this)
    }
}

/// Parameters `value` and `context`.
static PARAMS: ParamSpec = ParamSpec {
    name: "Decimal",
    names: &["value", "context"],
    positional_only: 0,
    positional: 2,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, &PARAMS, args, &mut bound)?;
    let context = context_arg(cx, bound[1])?;
    let Some(value) = bound[0] else { return Ok(make_of(cx, class, Dec::from_i64(0).num())) };
    if value.exact::<Decimal>().is_some() && std::ptr::eq(class, &DECIMAL) {
        return Ok(value);
    }
    let dec = convert::exact(cx, value, context)?;
    Ok(make_of(cx, class, dec.num()))
}

/// An operation with one operand.
pub type Unary = for<'a, 'b, 'c> fn(Num<'a>, &'b Context, &'c mut Status) -> Dec;
/// An operation with two operands.
pub type Binary = for<'a, 'd, 'b, 'c> fn(Num<'a>, Num<'d>, &'b Context, &'c mut Status) -> Dec;

fn unary(cx: &mut Cx, v: Value, f: Unary) -> PyResult<Value> {
    let context = current(cx)?;
    let mut st = 0;
    let result = f(of(v).num(), &context.settings.get(), &mut st);
    context.signal(cx, st)?;
    Ok(make(cx, result.num()))
}

#[inline(always)]
fn binary(cx: &mut Cx, a: Value, b: Value, f: impl Fn(Num, Num, &Context, &mut Status) -> Dec) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Value::not_implemented()) };
    let context = current(cx)?;
    let mut st = 0;
    let result = f(x.num(), y.num(), &context.settings.get(), &mut st);
    context.signal(cx, st)?;
    Ok(make(cx, result.num()))
}

fn divmod(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Value::not_implemented()) };
    let context = current(cx)?;
    let mut st = 0;
    let (q, r) = x.num().div_rem(y.num(), &context.settings.get(), &mut st);
    context.signal(cx, st)?;
    let (q, r) = (make(cx, q.num()), make(cx, r.num()));
    Ok(Value::of(taipan_runtime::types::tuple::Tuple::new(cx, &[q, r])))
}

fn pow(cx: &mut Cx, a: Value, b: Value, modulus: Option<Value>) -> PyResult<Value> {
    let Some(modulus) = modulus.filter(|m| !m.is_none()) else {
        return binary(cx, a, b, |x, y, c, st| x.pow(y, c, st));
    };
    let (Some(x), Some(y), Some(m)) = (operand(a), operand(b), operand(modulus)) else {
        return Ok(Value::not_implemented());
    };
    let context = current(cx)?;
    let mut st = 0;
    let result = x.num().pow_mod(y.num(), m.num(), &context.settings.get(), &mut st);
    context.signal(cx, st)?;
    Ok(make(cx, result.num()))
}

fn hash_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if this.hash.get() == -1 {
        this.hash.set(match this.kind {
            Kind::Finite => crate::hash::of_finite(this.num()),
            Kind::Infinite => 314_159 * (1 - 2 * i64::from(this.neg)),
            Kind::Quiet => hash::of_address(v),
            Kind::Signaling => return raise!(cx, TypeError, "Cannot hash a signaling NaN value"),
        });
    }
    Ok(this.hash.get())
}

/// The other operand of a comparison, and this one scaled to compare with it.
enum Other {
    Number(Operand),
    /// `self * denominator` against a numerator.
    Ratio(Dec, Dec),
    Unknown,
}

fn comparable(cx: &mut Cx, this: Num, v: Value, equality: bool) -> PyResult<Other> {
    if let Some(operand) = operand(v) {
        return Ok(Other::Number(operand));
    }
    let context = current(cx)?;
    if let Some(d) = float::as_f64(v) {
        if equality {
            context.status.set(context.status.get() | status::FLOAT_OPERATION);
        } else {
            context.signal(cx, status::FLOAT_OPERATION)?;
        }
        return Ok(Other::Number(Operand::Converted(Dec::from_f64(d))));
    }
    if let Some((re, im)) = complex::parts(v) {
        if !equality || im != 0.0 {
            return Ok(Other::Unknown);
        }
        context.status.set(context.status.get() | status::FLOAT_OPERATION);
        return Ok(Other::Number(Operand::Converted(Dec::from_f64(re))));
    }
    if !protocol::is_instance(cx, v, state().rational)? {
        return Ok(Other::Unknown);
    }
    let numerator = attr::get_text(cx, v, "numerator")?;
    let denominator = attr::get_text(cx, v, "denominator")?;
    let (Some(n), Some(d)) = (operand(numerator), operand(denominator)) else { return Ok(Other::Unknown) };
    let mut ignored = 0;
    let scaled = if this.is_special() { this.to_dec() } else { this.mul(d.num(), &Context::MAX, &mut ignored) };
    Ok(Other::Ratio(scaled, n.num().to_dec()))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let this = of(a).num();
    let equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
    match comparable(cx, this, b, equality)? {
        Other::Number(other) => compare(cx, this, other.num(), op),
        Other::Ratio(scaled, other) => compare(cx, scaled.num(), other.num(), op),
        Other::Unknown => Ok(Value::not_implemented()),
    }
}

#[inline(always)]
fn compare(cx: &mut Cx, a: Num, b: Num, op: CmpOp) -> PyResult<Value> {
    if a.is_nan() || b.is_nan() {
        // Only signaling NaNs are refused by == and !=; the order of any NaN is invalid.
        let signaling = a.kind == Kind::Signaling || b.kind == Kind::Signaling;
        if signaling || !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            current(cx)?.signal(cx, status::INVALID_OPERATION)?;
        }
        return Ok(Value::bool(op == CmpOp::Ne));
    }
    Ok(Value::bool(op.holds(a.order(b))))
}

/// The number rounded to an int. ValueError and OverflowError for special ones.
pub fn to_int(cx: &mut Cx, v: Value, rounding: Rounding) -> PyResult<Value> {
    let num = of(v).num();
    check_finite(cx, num, "integer")?;
    let mut ignored = 0;
    let whole = num.integer(rounding, &mut ignored).and_then(|dec| convert::to_int(cx, &dec));
    match whole {
        Some(v) => Ok(v),
        None => Err(cx.memory_error()),
    }
}

/// The nearest double.
pub fn to_float(cx: &mut Cx, this: &'static Decimal) -> PyResult<f64> {
    let num = this.num();
    match num.kind {
        Kind::Signaling => raise!(cx, ValueError, "cannot convert signaling NaN to float"),
        Kind::Quiet => Ok(if num.neg { -f64::NAN } else { f64::NAN }),
        _ => {
            let text = num.to_text(false, false);
            let text = Value::of(Str::from_ascii(cx, &text));
            float_methods::from_object(cx, text)
        }
    }
}

const _: () = assert!(SIZE == 48);
