//! Constructor, text conversions and methods of int.

use std::borrow::Cow;

use taipan_num::big;

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::{buffer, format, number, object, warn};
use crate::typeobj::Type;
use crate::types::int::{self, INT};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{bytes, float_methods};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The methods of int.
pub struct IntMethods;

fn view(v: Value) -> int::View {
    int::view(v).expect("the receiver is an int")
}

fn pair(cx: &mut Cx, a: Value, b: Value) -> Value {
    Value::of(Tuple::new(cx, &[a, b]))
}

#[pymethods]
impl IntMethods {
    /// Returns self, the complex conjugate of any int.
    #[py("($self, /)")]
    fn conjugate(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// Number of bits necessary to represent self in binary.
    ///
    /// >>> bin(37)
    /// '0b100101'
    /// >>> (37).bit_length()
    /// 6
    #[py("($self, /)")]
    fn bit_length(_: &mut Cx, this: Value) -> u64 {
        big::bit_length(view(this).digits())
    }
    /// Number of ones in the binary representation of the absolute value of self.
    ///
    /// Also known as the population count.
    ///
    /// >>> bin(13)
    /// '0b1101'
    /// >>> (13).bit_count()
    /// 3
    #[py("($self, /)")]
    fn bit_count(_: &mut Cx, this: Value) -> u64 {
        big::bit_count(view(this).digits())
    }
    /// Return an array of bytes representing an integer.
    ///
    ///   length
    ///     Length of bytes object to use.  An OverflowError is raised if
    ///     the integer is not representable with the given number of bytes.
    ///     Default is length 1.
    ///   byteorder
    ///     The byte order used to represent the integer.  If byteorder is
    ///     'big', the most significant byte is at the beginning of the byte
    ///     array.  If byteorder is 'little', the most significant byte is at
    ///     the end of the byte array.  To request the native byte order of
    ///     the host system, use sys.byteorder as the byte order value.
    ///     Default is to use 'big'.
    ///   signed
    ///     Determines whether two's complement is used to represent the
    ///     integer.  If signed is False and a negative integer is given,
    ///     an OverflowError is raised.
    #[py("($self, /, length=1, byteorder='big', *, signed=False)")]
    fn to_bytes(
        cx: &mut Cx,
        this: Value,
        length: Option<isize>,
        byteorder: Option<&'static Str>,
        signed: Option<bool>,
    ) -> PyResult<Value> {
        let little = is_little(cx, byteorder)?;
        let Ok(n) = usize::try_from(length.unwrap_or(1)) else {
            return raise!(cx, ValueError, "length argument must be non-negative");
        };
        let w = view(this);
        let signed = signed.unwrap_or(false);
        let result = bytes::Bytes::build(cx, n, |out| big::to_bytes(w.negative, w.digits(), out, little, signed))?;
        match result {
            Ok(made) => Ok(Value::of(made)),
            Err(big::BytesError::Negative) => raise!(cx, OverflowError, "can't convert negative int to unsigned"),
            Err(big::BytesError::TooBig) => raise!(cx, OverflowError, "int too big to convert"),
        }
    }
    /// Return the integer represented by the given array of bytes.
    ///
    ///   bytes
    ///     Holds the array of bytes to convert.  The argument must either
    ///     support the buffer protocol or be an iterable object producing
    ///     bytes.  Bytes and bytearray are examples of built-in objects that
    ///     support the buffer protocol.
    ///   byteorder
    ///     The byte order used to represent the integer.  If byteorder is
    ///     'big', the most significant byte is at the beginning of the byte
    ///     array.  If byteorder is 'little', the most significant byte is at
    ///     the end of the byte array.  To request the native byte order of
    ///     the host system, use sys.byteorder as the byte order value.
    ///     Default is to use 'big'.
    ///   signed
    ///     Indicates whether two's complement is used to represent the
    ///     integer.
    #[classmethod]
    #[py("($type, /, bytes, byteorder='big', *, signed=False)")]
    fn from_bytes(
        cx: &mut Cx,
        class: &'static Type,
        bytes: Value,
        byteorder: Option<&'static Str>,
        signed: Option<bool>,
    ) -> PyResult<Value> {
        let little = is_little(cx, byteorder)?;
        let bytes = bytes::from_object(cx, bytes)?;
        let mut digits = Vec::new();
        let negative = big::from_bytes(bytes.data(), little, signed.unwrap_or(false), &mut digits);
        let made = cx.int_from_digits(negative, &digits);
        if std::ptr::eq(class, &INT) { Ok(made) } else { cx.call(Value::of(class), &[made]) }
    }
    /// Return a pair of integers, whose ratio is equal to the original int.
    ///
    /// The ratio is in lowest terms and has a positive denominator.
    ///
    /// >>> (10).as_integer_ratio()
    /// (10, 1)
    /// >>> (-10).as_integer_ratio()
    /// (-10, 1)
    /// >>> (0).as_integer_ratio()
    /// (0, 1)
    #[py("($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let n = int::plain(cx, this)?;
        Ok(pair(cx, n, Value::small(1)))
    }
    /// Truncating an Integral returns itself.
    #[py("($self, /)")]
    fn __trunc__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// Flooring an Integral returns itself.
    #[py("($self, /)")]
    fn __floor__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// Ceiling of an Integral returns itself.
    #[py("($self, /)")]
    fn __ceil__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// Rounding an Integral returns itself.
    ///
    /// Rounding with an ndigits argument also returns an integer.
    #[py("($self, ndigits=None, /)")]
    fn __round__(cx: &mut Cx, this: Value, ndigits: Option<Value>) -> PyResult<Value> {
        round(cx, this, ndigits)
    }
    ///
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let n = int::plain(cx, this)?;
        Ok(Value::of(Tuple::new(cx, &[n])))
    }
    /// Convert to a string according to format_spec.
    #[py("($self, format_spec, /)")]
    fn __format__(cx: &mut Cx, this: Value, format_spec: &'static Str) -> PyResult<Value> {
        format::format_int(cx, this, format_spec).map(Value::of)
    }
    /// Returns size in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_: &mut Cx, this: Value) -> usize {
        this.class().data().basicsize + 4 * view(this).digits().len().max(1)
    }
    /// Returns True. Exists for duck type compatibility with float.is_integer.
    #[py("($self, /)")]
    fn is_integer(_: &mut Cx, _this: Value) -> bool {
        true
    }
    /// the real part of a complex number
    #[getter("real")]
    fn real(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// the imaginary part of a complex number
    #[getter("imag")]
    fn imag(_: &mut Cx, _this: Value) -> Value {
        Value::small(0)
    }
    /// the numerator of a rational number in lowest terms
    #[getter("numerator")]
    fn numerator(cx: &mut Cx, this: Value) -> PyResult<Value> {
        int::plain(cx, this)
    }
    /// the denominator of a rational number in lowest terms
    #[getter("denominator")]
    fn denominator(_: &mut Cx, _this: Value) -> Value {
        Value::small(1)
    }
}

fn is_little(cx: &mut Cx, byteorder: Option<&'static Str>) -> PyResult<bool> {
    match byteorder {
        None => Ok(false),
        Some(s) if s.eq_rust("big") => Ok(false),
        Some(s) if s.eq_rust("little") => Ok(true),
        Some(_) => raise!(cx, ValueError, "byteorder must be either 'little' or 'big'"),
    }
}

/// `round(v, ndigits)`: to a multiple of a power of ten, ties to even.
fn round(cx: &mut Cx, v: Value, ndigits: Option<Value>) -> PyResult<Value> {
    let Some(n) = ndigits.filter(|n| !n.is_none()) else { return int::plain(cx, v) };
    let n = number::index(cx, n)?;
    if !view(n).negative {
        return int::plain(cx, v);
    }
    let w = view(v);
    let e = int::as_i64(n).map_or(u64::MAX, |n| n.unsigned_abs());
    // 10**e > 2**(3 e): then the number is less than half of it.
    if e.saturating_mul(3) > big::bit_length(w.digits()) + 3 {
        return Ok(Value::small(0));
    }
    let mut unit = Vec::new();
    big::pow(false, &[10], e, &mut unit);
    let (mut q, mut r) = (Vec::new(), Vec::new());
    big::divmod(w.negative, w.digits(), false, &unit, &mut q, &mut r);
    let mut twice = Vec::new();
    big::shl(false, &r, 1, &mut twice);
    let up = match big::cmp_mag(&twice, &unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => q.first().is_some_and(|d| d & 1 == 1),
        std::cmp::Ordering::Greater => true,
    };
    let mut out = Vec::new();
    let mut negative = big::sub(w.negative, w.digits(), false, &r, &mut out);
    if up {
        let low = std::mem::take(&mut out);
        negative = big::add(negative, &low, false, &unit, &mut out);
    }
    Ok(cx.int_from_digits(negative, &out))
}

// ---- int to text -----------------------------------------------------------------------------------

/// Two decimal digits for each number below 100.
static PAIRS: &[u8; 200] = b"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// Writes a number in decimal to the end of `buffer`; returns where it starts.
pub fn write_decimal(i: i64, buffer: &mut [u8; 20]) -> usize {
    let (mut m, mut at) = (i.unsigned_abs(), 20);
    while m >= 10 {
        let low = (m % 100) as usize;
        m /= 100;
        at -= 2;
        buffer[at] = PAIRS[2 * low];
        buffer[at + 1] = PAIRS[2 * low + 1];
    }
    if m > 0 || at == 20 {
        at -= 1;
        buffer[at] = b'0' + m as u8;
    }
    if i < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    at
}

/// Decimal text of a machine int. May collect.
#[inline]
pub fn small_to_str(cx: &mut Cx, i: i64) -> &'static Str {
    if (0..10).contains(&i) {
        return cx.char(b'0' as u32 + i as u32);
    }
    let mut buffer = [0; 20];
    let at = write_decimal(i, &mut buffer);
    Str::from_ascii(cx, &buffer[at..])
}

/// Decimal text of an int as a str; ValueError past the digit limit.
pub fn to_decimal(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(i) = v.as_small() {
        return Ok(Value::of(small_to_str(cx, i)));
    }
    let text = decimal_text(cx, v)?;
    Ok(cx.str(&text))
}

/// Decimal text of an int; ValueError past the digit limit.
pub fn decimal_text(cx: &mut Cx, v: Value) -> PyResult<String> {
    let w = view(v);
    check_digit_limit(cx, w.digits())?;
    let mut out = String::new();
    if w.negative {
        out.push('-');
    }
    big::to_decimal(w.digits(), &mut out);
    let digits = out.len() - usize::from(w.negative);
    let limit = cx.rt().int_max_str_digits.get();
    if limit > 0 && digits > limit {
        return too_many_digits(cx, limit);
    }
    Ok(out)
}

/// ValueError if a number surely has more decimal digits than the limit.
pub fn check_digit_limit(cx: &mut Cx, digits: &[u32]) -> PyResult<()> {
    let limit = cx.rt().int_max_str_digits.get();
    // log10(2) is a little more than 0.30102; a number at the limit itself is written and counted.
    if limit > 0 && big::bit_length(digits) as f64 * 0.30102 > limit as f64 + 1.0 {
        return too_many_digits(cx, limit);
    }
    Ok(())
}

fn too_many_digits<T>(cx: &mut Cx, limit: usize) -> PyResult<T> {
    raise!(
        cx,
        ValueError,
        "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
    )
}

// ---- text to int -----------------------------------------------------------------------------------

/// The text of a number with Unicode decimals and spaces as ASCII ones; other characters become '?'.
pub fn ascii_text(s: &Str) -> Cow<'static, [u8]> {
    match s.as_ascii() {
        Some(text) => Cow::Borrowed(text.as_bytes()),
        None => Cow::Owned(s.chars().map(ascii_of).collect()),
    }
}

fn ascii_of(c: u32) -> u8 {
    use taipan_text::unicode;
    if c < 127 {
        c as u8
    } else if unicode::is_space(c) {
        b' '
    } else {
        unicode::decimal(c).map_or(b'?', |d| b'0' + d as u8)
    }
}

/// Without the whitespace that numbers may be surrounded by.
pub fn trim(text: &[u8]) -> &[u8] {
    let space = |b: &u8| matches!(b, 9..=13 | b' ');
    let start = text.iter().position(|b| !space(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !space(b)).map_or(start, |i| i + 1);
    &text[start..end]
}

/// `int(text, base)`; `shown` is the object that the text came from.
fn parse(cx: &mut Cx, shown: Value, text: &[u8], base: u32) -> PyResult<Value> {
    let text = trim(text);
    if base == 10 && (1..=18).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Ok(Value::small(text.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0'))));
    }
    let limit = cx.rt().int_max_str_digits.get();
    let mut digits = Vec::new();
    match big::parse_literal(text, base, limit, &mut digits) {
        Ok(negative) => Ok(cx.int_from_digits(negative, &digits)),
        Err(big::LiteralError::TooLong { digits }) => raise!(
            cx,
            ValueError,
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
        ),
        Err(big::LiteralError::Invalid) => {
            let shown = object::repr_text(cx, shown)?;
            let shown: String = shown.chars().take(200).collect();
            raise!(cx, ValueError, "invalid literal for int() with base {base}: {shown}")
        }
    }
}

/// `int(v)` of text: str, bytes, bytearray, or with `any_buffer` any exporter of memory. None for other objects.
fn from_text(cx: &mut Cx, v: Value, base: u32, any_buffer: bool) -> PyResult<Option<Value>> {
    if let Some(s) = v.downcast::<Str>() {
        return parse(cx, v, &ascii_text(s), base).map(Some);
    }
    if bytes::data_of(v).is_none() && !(any_buffer && buffer::check(v)) {
        return Ok(None);
    }
    // A copy, so that the message can show it as bytes.
    let copy = bytes::copy_of(cx, v)?;
    parse(cx, Value::of(copy), copy.data(), base).map(Some)
}

/// `int(v)`: an exact int.
pub fn from_object(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.is_small() || std::ptr::eq(v.class(), &INT) {
        return Ok(v);
    }
    if v.is_flonum() {
        return float_methods::to_int(cx, v);
    }
    let slots = v.class().slots();
    if let Some(f) = slots.int {
        let r = f(cx, v)?;
        if !int::check(r) {
            return raise!(cx, TypeError, "__int__ returned non-int (type {})", r.class().tp_name());
        }
        if !r.is_small() && !std::ptr::eq(r.class(), &INT) {
            let got = r.class().tp_name();
            let text = format!(
                "__int__ returned non-int (type {got}).  The ability to return an instance of a strict subclass of int is deprecated, and may be removed in a future version of Python."
            );
            warn::deprecation(cx, &text)?;
        }
        return int::plain(cx, r);
    }
    if slots.index.is_some() {
        return number::index(cx, v);
    }
    match from_text(cx, v, 10, true)? {
        Some(made) => Ok(made),
        None => raise!(
            cx,
            TypeError,
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            v.class().tp_name()
        ),
    }
}

/// `int.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let made = match (args.kwnames(), args.values()) {
        (None, []) => Value::small(0),
        (None, [v]) => from_object(cx, *v)?,
        _ => with_base(cx, args)?,
    };
    if std::ptr::eq(class, &INT) {
        return Ok(made);
    }
    let w = view(made);
    Ok(int::new_heap(cx, class, w.negative, w.digits()))
}

fn with_base(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let given = args.pos();
    if given.len() > 2 {
        return raise!(cx, TypeError, "int expected at most 2 arguments, got {}", given.len());
    }
    let (x, mut base) = (given.first().copied(), given.get(1).copied());
    for (name, value) in args.keywords() {
        if !name.eq_rust("base") {
            return Err(crate::exceptions::unexpected_keyword(cx, "int", name, &["base"]));
        }
        if base.is_some() {
            return raise!(cx, TypeError, "argument for int() given by name ('base') and position (2)");
        }
        base = Some(value);
    }
    let Some(x) = x else { return raise!(cx, TypeError, "int() missing string argument") };
    let Some(base) = base else { return from_object(cx, x) };
    let base = number::index(cx, base)?;
    let Some(base @ (0 | 2..=36)) = int::as_i64(base) else {
        return raise!(cx, ValueError, "int() base must be >= 2 and <= 36, or 0");
    };
    match from_text(cx, x, base as u32, false)? {
        Some(made) => Ok(made),
        None => raise!(cx, TypeError, "int() can't convert non-string with explicit base"),
    }
}
