//! complex.

use taipan_num::complex as algorithms;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{call, format, hash, number, warn};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int_methods::{ascii_text, trim};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A complex object (32 bytes, CABI 2.2).
#[repr(C)]
pub struct Complex {
    header: Header,
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}
const _: () = assert!(std::mem::size_of::<Complex>() == 32);
object!(Complex, COMPLEX);

/// The type complex.
pub static COMPLEX: Type = Type::new(&COMPLEX_SPEC);
static COMPLEX_SPEC: TypeSpec = TypeSpec {
    name: "complex",
    basicsize: 32,
    flags: flags::BASETYPE,
    slots: Slots {
        repr: Some(|cx, v| {
            let text = algorithms::repr(of(v));
            Ok(cx.str(&text))
        }),
        hash: Some(|_, v| Ok(algorithms::hash(of(v)).unwrap_or_else(|| hash::of_address(v)))),
        richcompare: Some(richcompare),
        new: Some(new_object),
        add: Some(|cx, a, b| {
            arithmetic(cx, a, b, |x, y| (x.0 + y.0, x.1 + y.1), |x, y| (x.0 + y, x.1), |x, y| (x + y.0, y.1))
        }),
        sub: Some(|cx, a, b| {
            arithmetic(cx, a, b, |x, y| (x.0 - y.0, x.1 - y.1), |x, y| (x.0 - y, x.1), |x, y| (x - y.0, -y.1))
        }),
        mul: Some(|cx, a, b| {
            arithmetic(cx, a, b, algorithms::mul, |x, y| (x.0 * y, x.1 * y), |x, y| (x * y.0, x * y.1))
        }),
        truediv: Some(truediv),
        pow: Some(pow),
        neg: Some(|cx, v| {
            let (re, im) = of(v);
            Ok(new(cx, -re, -im))
        }),
        pos: Some(plain),
        abs: Some(|cx, v| match algorithms::abs(of(v)) {
            Some(d) => Ok(cx.float(d)),
            None => raise!(cx, OverflowError, "absolute value too large"),
        }),
        bool: Some(|_, v| Ok(of(v) != (0.0, 0.0))),
        ..Slots::NONE
    },
    methods: &[Complex::METHODS],
    getsets: &[Complex::GETSETS],
    doc: "Create a complex number from a string or numbers.\n\nIf a string is given, parse it as a complex number.\nIf a single number is given, convert it to a complex number.\nIf the 'real' or 'imag' arguments are given, create a complex number\nwith the specified real and imaginary components.",
    signature: "(real=0, imag=0)",
    ..TypeSpec::DEFAULT
};

/// A complex number. May collect.
pub fn new(cx: &mut Cx, re: f64, im: f64) -> Value {
    Value::of(cx.alloc(Complex { header: Header::fresh(&COMPLEX), re, im }))
}

fn new_of(cx: &mut Cx, class: &'static Type, (re, im): (f64, f64)) -> Value {
    if std::ptr::eq(class, &COMPLEX) {
        return new(cx, re, im);
    }
    Value::of(cx.alloc_of(class, Complex { header: Header::fresh(class), re, im }))
}

/// The parts of a value known to be complex.
fn of(v: Value) -> (f64, f64) {
    // SAFETY: slots and methods are called with instances of their type.
    let z = unsafe { v.cast::<Complex>() };
    (z.re, z.im)
}

/// The parts, if `v` is a complex number.
pub fn parts(v: Value) -> Option<(f64, f64)> {
    v.downcast::<Complex>().map(|z| (z.re, z.im))
}

#[pymethods]
impl Complex {
    /// Convert number to a complex floating-point number.
    #[classmethod]
    #[py("($type, number, /)")]
    fn from_number(cx: &mut Cx, class: &'static Type, number: Value) -> PyResult<Value> {
        if std::ptr::eq(class, &COMPLEX) && number.exact::<Complex>().is_some() {
            return Ok(number);
        }
        let z = match special(cx, number)? {
            Some(z) => z,
            None => (number::to_f64(cx, number)?, 0.0),
        };
        let made = new(cx, z.0, z.1);
        if std::ptr::eq(class, &COMPLEX) { Ok(made) } else { cx.call(Value::of(class), &[made]) }
    }
    /// Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.
    #[py("($self, /)")]
    fn conjugate(cx: &mut Cx, this: Value) -> Value {
        let (re, im) = of(this);
        new(cx, re, -im)
    }
    /// Convert this value to exact type complex.
    #[py("($self, /)")]
    fn __complex__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        plain(cx, this)
    }
    ///
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: Value) -> Value {
        let (re, im) = of(this);
        let (re, im) = (cx.float(re), cx.float(im));
        Value::of(Tuple::new(cx, &[re, im]))
    }
    /// Convert to a string according to format_spec.
    #[py("($self, format_spec, /)")]
    fn __format__(cx: &mut Cx, this: Value, format_spec: &'static Str) -> PyResult<Value> {
        format::format_complex(cx, this, of(this), format_spec).map(Value::of)
    }
    /// the real part of a complex number
    #[getter("real")]
    fn real(_: &mut Cx, this: &'static Complex) -> f64 {
        this.re
    }
    /// the imaginary part of a complex number
    #[getter("imag")]
    fn imag(_: &mut Cx, this: &'static Complex) -> f64 {
        this.im
    }
}

/// Whether both are complex numbers with the same bits. Compiled code keeps their parts in registers, so they have no
/// identity of their own, like floats.
pub fn identical(a: Value, b: Value) -> bool {
    match (a.exact::<Complex>(), b.exact::<Complex>()) {
        (Some(x), Some(y)) => x.re.to_bits() == y.re.to_bits() && x.im.to_bits() == y.im.to_bits(),
        _ => false,
    }
}

fn plain(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.exact::<Complex>().is_some() {
        return Ok(v);
    }
    let (re, im) = of(v);
    Ok(new(cx, re, im))
}

/// An operand: complex, or real if the second field says so.
enum Operand {
    Complex((f64, f64)),
    Real(f64),
}

fn operand(cx: &mut Cx, v: Value) -> PyResult<Option<Operand>> {
    if let Some(z) = parts(v) {
        return Ok(Some(Operand::Complex(z)));
    }
    if let Some(d) = float::as_f64(v) {
        return Ok(Some(Operand::Real(d)));
    }
    if int::check(v) {
        return int::to_f64(cx, v).map(|d| Some(Operand::Real(d)));
    }
    Ok(None)
}

type Parts = (f64, f64);

/// A real operand is not widened to a complex one, so that signed zeros and infinities survive.
fn arithmetic(
    cx: &mut Cx,
    a: Value,
    b: Value,
    both: fn(Parts, Parts) -> Parts,
    right_real: fn(Parts, f64) -> Parts,
    left_real: fn(f64, Parts) -> Parts,
) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    let (re, im) = match (x, y) {
        (Operand::Complex(x), Operand::Complex(y)) => both(x, y),
        (Operand::Complex(x), Operand::Real(y)) => right_real(x, y),
        (Operand::Real(x), Operand::Complex(y)) => left_real(x, y),
        (Operand::Real(_), Operand::Real(_)) => return Ok(Value::not_implemented()),
    };
    Ok(new(cx, re, im))
}

fn truediv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    let quotient = match (x, y) {
        (Operand::Complex(_), Operand::Real(0.0)) => None,
        (Operand::Complex(x), Operand::Real(y)) => Some((x.0 / y, x.1 / y)),
        (Operand::Complex(x), Operand::Complex(y)) => algorithms::div(x, y),
        (Operand::Real(x), Operand::Complex(y)) => real_quotient(x, y),
        (Operand::Real(_), Operand::Real(_)) => return Ok(Value::not_implemented()),
    };
    match quotient {
        Some((re, im)) => Ok(new(cx, re, im)),
        None => raise!(cx, ZeroDivisionError, "division by zero"),
    }
}

/// `a / (re + im j)` by Smith's method.
fn real_quotient(a: f64, (re, im): Parts) -> Option<Parts> {
    let quotient = if re.abs() >= im.abs() {
        if re == 0.0 {
            return None;
        }
        let ratio = im / re;
        let denominator = re + im * ratio;
        (a / denominator, (-a * ratio) / denominator)
    } else if im.abs() >= re.abs() {
        let ratio = re / im;
        let denominator = re * ratio + im;
        ((a * ratio) / denominator, -a / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    let is_lost = quotient.0.is_nan() && quotient.1.is_nan();
    if is_lost && a.is_finite() && (re.is_infinite() || im.is_infinite()) {
        // Dividing by infinity gives zeros, with signs.
        let unit = |x: f64| if x.is_infinite() { 1f64.copysign(x) } else { 0f64.copysign(x) };
        return Some((0.0 * (a * unit(re)), 0.0 * (-a * unit(im))));
    }
    Some(quotient)
}

fn pow(cx: &mut Cx, a: Value, b: Value, m: Option<Value>) -> PyResult<Value> {
    let widen = |o: Operand| match o {
        Operand::Complex(z) => z,
        Operand::Real(d) => (d, 0.0),
    };
    let (Some(x), Some(y)) = (operand(cx, a)?, operand(cx, b)?) else { return Ok(Value::not_implemented()) };
    if m.is_some_and(|m| !m.is_none()) {
        return raise!(cx, ValueError, "complex modulo");
    }
    pow_parts(cx, widen(x), widen(y))
}

/// `a ** b` on (real, imaginary) pairs.
pub fn pow_parts(cx: &mut Cx, a: (f64, f64), b: (f64, f64)) -> PyResult<Value> {
    match algorithms::pow(a, b) {
        Ok((re, im)) => Ok(new(cx, re, im)),
        Err(algorithms::PowError::ZeroDivision) => {
            raise!(cx, ZeroDivisionError, "zero to a negative or complex power")
        }
        Err(algorithms::PowError::Overflow) => raise!(cx, OverflowError, "complex exponentiation"),
    }
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let (re, im) = of(a);
    let equal = if let Some(other) = parts(b) {
        (re, im) == other
    } else if let Some(d) = float::as_f64(b) {
        im == 0.0 && re == d
    } else if int::check(b) {
        im == 0.0 && float::compare_with_int(re, b) == Some(std::cmp::Ordering::Equal)
    } else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(equal == (op == CmpOp::Eq)))
}

// ---- construction -----------------------------------------------------------------------------------

/// What `__complex__` says, or the parts of a complex number. None without either.
fn special(cx: &mut Cx, v: Value) -> PyResult<Option<(f64, f64)>> {
    if let Some(z) = v.exact::<Complex>() {
        return Ok(Some((z.re, z.im)));
    }
    let key = cx.names().__complex__;
    let Some(f) = cx.lookup_special(v, key) else { return Ok(parts(v)) };
    let r = call::call_unbound(cx, f, v, &[])?;
    let Some(z) = parts(r) else {
        return raise!(cx, TypeError, "__complex__ returned non-complex (type {})", r.class().tp_name());
    };
    if r.exact::<Complex>().is_none() {
        let got = r.class().tp_name();
        let text = format!(
            "__complex__ returned non-complex (type {got}).  The ability to return an instance of a strict subclass of complex is deprecated, and may not be supported in a future version of Python."
        );
        warn::deprecation(cx, &text)?;
    }
    Ok(Some(z))
}

/// A complex argument as C functions take it (cmath): complex numbers, `__complex__`, real numbers.
pub fn to_parts(cx: &mut Cx, v: Value) -> PyResult<(f64, f64)> {
    match special(cx, v)? {
        Some(z) => Ok(z),
        None => Ok((number::to_f64(cx, v)?, 0.0)),
    }
}

fn is_real(v: Value) -> bool {
    let slots = v.class().slots();
    slots.float.is_some() || slots.index.is_some()
}

fn parse(cx: &mut Cx, text: &'static Str) -> PyResult<(f64, f64)> {
    match algorithms::parse(trim(&ascii_text(text))) {
        Some(z) => Ok(z),
        None => raise!(cx, ValueError, "complex() arg is a malformed string"),
    }
}

fn new_object(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let given = args.pos();
    if args.values().len() > 2 {
        return raise!(cx, TypeError, "complex() takes at most 2 arguments ({} given)", args.values().len());
    }
    if let (None, [v]) = (args.kwnames(), given) {
        let z = from_one(cx, class, *v)?;
        return z.map_or(Ok(*v), |z| Ok(new_of(cx, class, z)));
    }
    let (mut re, mut im) = (given.first().copied(), given.get(1).copied());
    for (name, value) in args.keywords() {
        let (slot, position) = match () {
            _ if name.eq_rust("real") => (&mut re, 1),
            _ if name.eq_rust("imag") => (&mut im, 2),
            _ => return Err(crate::exceptions::unexpected_keyword(cx, "complex", name, &["real", "imag"])),
        };
        if slot.is_some() {
            return raise!(cx, TypeError, "argument for complex() given by name ('{name}') and position ({position})");
        }
        *slot = Some(value);
    }
    let (re, re_im) = component(cx, re, "real")?;
    let (im, im_im) = component(cx, im, "imag")?;
    // Nothing is added to a plain number, so that its signed zero survives.
    Ok(new_of(cx, class, (im_im.map_or(re, |i| re - i), re_im.map_or(im, |i| im + i))))
}

/// `complex(v)`; None if `v` is the result itself.
fn from_one(cx: &mut Cx, class: &'static Type, v: Value) -> PyResult<Option<(f64, f64)>> {
    if std::ptr::eq(class, &COMPLEX) && v.exact::<Complex>().is_some() {
        return Ok(None);
    }
    if let Some(text) = v.downcast::<Str>() {
        return parse(cx, text).map(Some);
    }
    if let Some(z) = special(cx, v)? {
        return Ok(Some(z));
    }
    if !is_real(v) {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "complex() argument must be a string or a number, not {got}");
    }
    Ok(Some((number::to_f64(cx, v)?, 0.0)))
}

/// One of two arguments; a complex one counts with both its parts, which is deprecated.
fn component(cx: &mut Cx, v: Option<Value>, name: &str) -> PyResult<(f64, Option<f64>)> {
    let Some(v) = v else { return Ok((0.0, None)) };
    let z = if name == "real" && v.downcast::<Str>().is_none() { special(cx, v)? } else { parts(v) };
    let text = || format!("complex() argument '{name}' must be a real number, not {}", v.class().tp_name());
    if let Some((re, im)) = z {
        warn::deprecation(cx, &text())?;
        return Ok((re, Some(im)));
    }
    if !is_real(v) {
        return Err(cx.raise_text(&crate::exceptions::TypeError, &text()));
    }
    Ok((number::to_f64(cx, v)?, None))
}
