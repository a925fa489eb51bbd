//! Constructor, conversions and methods of float.

use taipan_num::{big, float as algorithms};

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::{buffer, format, number, object, warn};
use crate::typeobj::Type;
use crate::types::float::{self, FLOAT, Float};
use crate::types::int_methods::{ascii_text, trim};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{bytes, int};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The methods of float.
pub struct FloatMethods;

#[pymethods]
impl FloatMethods {
    /// Convert real number to a floating-point number.
    #[classmethod]
    #[py("($type, number, /)")]
    fn from_number(cx: &mut Cx, class: &'static Type, number: Value) -> PyResult<Value> {
        if std::ptr::eq(class, &FLOAT) && std::ptr::eq(number.class(), &FLOAT) {
            return Ok(number);
        }
        let d = number::to_f64(cx, number)?;
        of_class(cx, class, d)
    }
    /// Return self, the complex conjugate of any float.
    #[py("($self, /)")]
    fn conjugate(cx: &mut Cx, this: Value) -> Value {
        cx.float(float::of(this))
    }
    /// Return the Integral closest to x between 0 and x.
    #[py("($self, /)")]
    fn __trunc__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        to_int(cx, this)
    }
    /// Return the floor as an Integral.
    #[py("($self, /)")]
    fn __floor__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int_of(cx, float::of(this).floor())
    }
    /// Return the ceiling as an Integral.
    #[py("($self, /)")]
    fn __ceil__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int_of(cx, float::of(this).ceil())
    }
    /// Return the Integral closest to x, rounding half toward even.
    ///
    /// When an argument is passed, work like built-in round(x, ndigits).
    #[py("($self, ndigits=None, /)")]
    fn __round__(cx: &mut Cx, this: Value, ndigits: Option<Value>) -> PyResult<Value> {
        let x = float::of(this);
        let Some(n) = ndigits.filter(|n| !n.is_none()) else { return int_of(cx, x.round_ties_even()) };
        let n = number::index(cx, n)?;
        let n = int::as_i64(n).unwrap_or(if int::view(n).is_some_and(|w| w.negative) { i64::MIN } else { i64::MAX });
        match algorithms::round(x, n) {
            Some(d) => Ok(cx.float(d)),
            None => raise!(cx, OverflowError, "rounded value too large to represent"),
        }
    }
    /// Return a pair of integers, whose ratio is exactly equal to the original float.
    ///
    /// The ratio is in lowest terms and has a positive denominator.  Raise
    /// OverflowError on infinities and a ValueError on NaNs.
    ///
    /// >>> (10.0).as_integer_ratio()
    /// (10, 1)
    /// >>> (0.0).as_integer_ratio()
    /// (0, 1)
    /// >>> (-.25).as_integer_ratio()
    /// (-1, 4)
    #[py("($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let x = float::of(this);
        let Some((negative, numerator, denominator)) = algorithms::as_integer_ratio(x) else {
            return if x.is_nan() {
                raise!(cx, ValueError, "cannot convert NaN to integer ratio")
            } else {
                raise!(cx, OverflowError, "cannot convert Infinity to integer ratio")
            };
        };
        let a = cx.int_from_digits(negative, &numerator);
        let b = cx.int_from_digits(false, &denominator);
        Ok(Value::of(Tuple::new(cx, &[a, b])))
    }
    /// Create a floating-point number from a hexadecimal string.
    ///
    /// >>> float.fromhex('0x1.ffffp10')
    /// 2047.984375
    /// >>> float.fromhex('-0x1p-1074')
    /// -5e-324
    #[classmethod]
    #[py("($type, string, /)")]
    fn fromhex(cx: &mut Cx, class: &'static Type, string: Value) -> PyResult<Value> {
        let Some(text) = string.downcast::<Str>() else {
            return raise!(cx, TypeError, "bad argument type for built-in operation");
        };
        match algorithms::from_hex(&text.to_generalized_utf8()) {
            Ok(d) => of_class(cx, class, d),
            Err(algorithms::HexError::Invalid) => {
                raise!(cx, ValueError, "invalid hexadecimal floating-point string")
            }
            Err(algorithms::HexError::Overflow) => {
                raise!(cx, OverflowError, "hexadecimal value too large to represent as a float")
            }
        }
    }
    /// Return a hexadecimal representation of a floating-point number.
    ///
    /// >>> (-0.1).hex()
    /// '-0x1.999999999999ap-4'
    /// >>> 3.14159.hex()
    /// '0x1.921f9f01b866ep+1'
    #[py("($self, /)")]
    fn hex(_: &mut Cx, this: Value) -> String {
        algorithms::to_hex(float::of(this))
    }
    /// Return True if the float is an integer.
    #[py("($self, /)")]
    fn is_integer(_: &mut Cx, this: Value) -> bool {
        algorithms::is_integer(float::of(this))
    }
    ///
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: Value) -> Value {
        let d = cx.float(float::of(this));
        Value::of(Tuple::new(cx, &[d]))
    }
    /// You probably don't want to use this function.
    ///
    ///   typestr
    ///     Must be 'double' or 'float'.
    ///
    /// It exists mainly to be used in Python's test suite.
    ///
    /// This function returns whichever of 'unknown', 'IEEE, big-endian' or
    /// 'IEEE, little-endian' best describes the format of floating-point
    /// numbers used by the C type named by typestr.
    #[classmethod]
    #[py("($type, typestr, /)")]
    fn __getformat__(cx: &mut Cx, _class: &'static Type, typestr: &'static Str) -> PyResult<&'static str> {
        if !typestr.eq_rust("double") && !typestr.eq_rust("float") {
            return raise!(cx, ValueError, "__getformat__() argument 1 must be 'double' or 'float'");
        }
        Ok("IEEE, little-endian")
    }
    /// Formats the float according to format_spec.
    #[py("($self, format_spec, /)")]
    fn __format__(cx: &mut Cx, this: Value, format_spec: &'static Str) -> PyResult<Value> {
        format::format_float(cx, this, format_spec).map(Value::of)
    }
    /// the real part of a complex number
    #[getter("real")]
    fn real(cx: &mut Cx, this: Value) -> Value {
        cx.float(float::of(this))
    }
    /// the imaginary part of a complex number
    #[getter("imag")]
    fn imag(cx: &mut Cx, _this: Value) -> Value {
        cx.float(0.0)
    }
}

/// `class(d)` for float and its subclasses.
fn of_class(cx: &mut Cx, class: &'static Type, d: f64) -> PyResult<Value> {
    let made = cx.float(d);
    if std::ptr::eq(class, &FLOAT) { Ok(made) } else { cx.call(Value::of(class), &[made]) }
}

/// The int with the value of `x`, which has no fraction.
fn int_of(cx: &mut Cx, x: f64) -> PyResult<Value> {
    if x.abs() < 4e18 {
        return Ok(cx.int(x as i64));
    }
    let mut digits = Vec::new();
    match big::from_f64(x, &mut digits) {
        Some(negative) => Ok(cx.int_from_digits(negative, &digits)),
        None if x.is_nan() => raise!(cx, ValueError, "cannot convert float NaN to integer"),
        None => raise!(cx, OverflowError, "cannot convert float infinity to integer"),
    }
}

/// `int(v)` of a float.
pub fn to_int(cx: &mut Cx, v: Value) -> PyResult<Value> {
    int_of(cx, float::of(v).trunc())
}

/// `float(text)`; `shown` is the object that the text came from.
fn parse(cx: &mut Cx, shown: Value, text: &[u8]) -> PyResult<f64> {
    match algorithms::parse(trim(text)) {
        Some(d) => Ok(d),
        None => {
            let shown = object::repr_text(cx, shown)?;
            raise!(cx, ValueError, "could not convert string to float: {shown}")
        }
    }
}

/// `float(v)` as a machine float.
pub fn from_object(cx: &mut Cx, v: Value) -> PyResult<f64> {
    if v.is_flonum() {
        return Ok(v.flonum_unchecked());
    }
    if let Some(s) = v.exact::<Str>() {
        return parse(cx, v, &ascii_text(s));
    }
    if let Some(f) = v.class().slots().float {
        let r = f(cx, v)?;
        let (class, got) = (v.class(), r.class());
        let Some(d) = float::as_f64(r) else {
            let (class, got) = (class.tp_name(), got.tp_name());
            return raise!(cx, TypeError, "{class}.__float__ returned non-float (type {got})");
        };
        if !std::ptr::eq(got, &FLOAT) {
            let (class, got) = (class.tp_name(), got.tp_name());
            let text = format!(
                "{class}.__float__ returned non-float (type {got}).  The ability to return an instance of a strict subclass of float is deprecated, and may be removed in a future version of Python."
            );
            warn::deprecation(cx, &text)?;
        }
        return Ok(d);
    }
    if v.class().slots().index.is_some() {
        let i = number::index(cx, v)?;
        return int::to_f64(cx, i);
    }
    if let Some(s) = v.downcast::<Str>() {
        return parse(cx, v, &ascii_text(s));
    }
    if buffer::check(v) {
        let copy = bytes::copy_of(cx, v)?;
        return parse(cx, Value::of(copy), copy.data());
    }
    let got = v.class().tp_name();
    raise!(cx, TypeError, "float() argument must be a string or a real number, not '{got}'")
}

/// `float.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && crate::protocol::sequence::refuses_keywords(class, &FLOAT) {
        args.no_keywords(cx, "float")?;
    }
    let d = match args.pos() {
        [] => 0.0,
        [v] if std::ptr::eq(class, &FLOAT) && v.exact::<Float>().is_some() => return Ok(*v),
        [v] => from_object(cx, *v)?,
        more => return raise!(cx, TypeError, "float expected at most 1 argument, got {}", more.len()),
    };
    Ok(float::new_of(cx, class, d))
}
