//! Methods of `Decimal`.

use taipan_decimal::{Context, Dec, FormatError, Kind, Rounding, Separators, Spec, Status};
use taipan_macros::pymethods;
use taipan_runtime::native::{NativeDef, NativeKind, ParamSpec, bind_method};
use taipan_runtime::protocol::{import, number};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{complex, float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::context::{ContextObject, context_arg, current, rounding_arg};
use crate::convert::{self, check_finite, need_operand};
use crate::decimal::{Binary, DECIMAL, Decimal, Unary, make, of, to_float, to_int};
use crate::state::state;

/// Parameters of a method whose last one is `context`.
const fn params(name: &'static str, names: &'static [&'static str], required: usize) -> ParamSpec {
    ParamSpec {
        name,
        names,
        positional_only: 0,
        positional: names.len(),
        required,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    }
}

macro_rules! table {
    ($names:expr, $required:expr, $signature:literal, $run:ident: $($name:literal $f:expr, $doc:literal;)*) => {
        &[$(NativeDef {
            name: $name,
            signature: $signature,
            doc: $doc,
            kind: NativeKind::Method,
            call: |cx, args| {
                static PARAMS: ParamSpec = params($name, $names, $required);
                $run(cx, &PARAMS, args, $f)
            },
        }),*]
    };
}

/// Methods with one operand.
pub const UNARY: &[NativeDef] = table! { &["context"], 0, "($self, /, context=None)", run_unary:
    "exp" |a, cx, st| a.exp(cx, st), "Return the value of the (natural) exponential function e**x.";
    "ln" |a, cx, st| a.ln(cx, st), "Return the natural (base e) logarithm of the operand.";
    "log10" |a, cx, st| a.log10(cx, st), "Return the base ten logarithm of the operand.";
    "next_minus" |a, cx, st| a.next_minus(cx, st), "Return the largest number representable in the given context that is smaller than the operand.";
    "next_plus" |a, cx, st| a.next_plus(cx, st), "Return the smallest number representable in the given context that is larger than the operand.";
    "normalize" |a, cx, st| a.reduce(cx, st), "Normalize the number by stripping trailing zeros.";
    "sqrt" |a, cx, st| a.sqrt(cx, st), "Return the square root of the argument to full precision.";
    "logb" |a, cx, st| a.logb(cx, st), "Return the adjusted exponent of the operand as a Decimal.";
    "logical_invert" |a, cx, st| a.logical_invert(cx, st), "Return the digit-wise inversion of the (logical) operand.";
};

/// Methods with two operands.
pub const BINARY: &[NativeDef] = table! { &["other", "context"], 1, "($self, /, other, context=None)", run_binary:
    "compare" |a, b, cx, st| a.compare(b, cx, st), "Compare self to other.  Return a decimal value.";
    "compare_signal" |a, b, cx, st| a.compare_signal(b, cx, st), "Identical to compare(), except that all NaNs signal.";
    "max" |a, b, cx, st| a.max(b, false, cx, st), "Maximum of self and other.";
    "max_mag" |a, b, cx, st| a.max(b, true, cx, st), "As the max() method, but compares the absolute values of the operands.";
    "min" |a, b, cx, st| a.min(b, false, cx, st), "Minimum of self and other.";
    "min_mag" |a, b, cx, st| a.min(b, true, cx, st), "As the min() method, but compares the absolute values of the operands.";
    "next_toward" |a, b, cx, st| a.next_toward(b, cx, st), "Returns the number closest to self, in the direction towards other.";
    "remainder_near" |a, b, cx, st| a.rem_near(b, cx, st), "Return the remainder from dividing self by other.";
    "logical_and" |a, b, cx, st| a.logical(b, |x, y| x & y, cx, st), "Return the digit-wise 'and' of the two (logical) operands.";
    "logical_or" |a, b, cx, st| a.logical(b, |x, y| x | y, cx, st), "Return the digit-wise 'or' of the two (logical) operands.";
    "logical_xor" |a, b, cx, st| a.logical(b, |x, y| x ^ y, cx, st), "Return the digit-wise 'xor' of the two (logical) operands.";
    "rotate" |a, b, cx, st| a.rotate(b, cx, st), "Returns a rotated copy of self's digits, by an amount specified by other.";
    "scaleb" |a, b, cx, st| a.scaleb(b, cx, st), "Return the first operand with the exponent adjusted by the second.";
    "shift" |a, b, cx, st| a.shift(b, cx, st), "Returns a shifted copy of self's digits, by an amount specified by other.";
    "compare_total" |a, b, _, _| Dec::from_i64(a.total_order(b) as i64), "Compare two operands using their abstract representation rather than their numerical value.";
    "compare_total_mag" |a, b, _, _| Dec::from_i64(a.with_sign(false).total_order(b.with_sign(false)) as i64), "As compare_total(), but ignoring the signs of the operands.";
    "copy_sign" |a, b, _, _| a.with_sign(b.neg).to_dec(), "Return a copy of the first operand with the sign set to be the same as the sign of the second operand.";
};

/// Methods that round to an integer.
pub const TO_INTEGRAL: &[NativeDef] = table! { &["rounding", "context"], 0, "($self, /, rounding=None, context=None)", run_integral:
    "to_integral" false, "Identical to the to_integral_value() method.";
    "to_integral_value" false, "Round to the nearest integer without signaling Inexact or Rounded.";
    "to_integral_exact" true, "Round to the nearest integer, signaling Inexact or Rounded as appropriate.";
};

fn finish(cx: &mut Cx, context: &'static ContextObject, dec: &Dec, st: Status) -> PyResult<Value> {
    context.signal(cx, st)?;
    Ok(make(cx, dec.num()))
}

fn run_unary(cx: &mut Cx, params: &'static ParamSpec, args: Args, f: Unary) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 1];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let context = context_arg(cx, bound[0])?;
    let mut st = 0;
    let result = f(of(this).num(), &context.settings.get(), &mut st);
    finish(cx, context, &result, st)
}

fn run_binary(cx: &mut Cx, params: &'static ParamSpec, args: Args, f: Binary) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 2];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let context = context_arg(cx, bound[1])?;
    let other = need_operand(cx, bound[0].expect("required"))?;
    let mut st = 0;
    let result = f(of(this).num(), other.num(), &context.settings.get(), &mut st);
    finish(cx, context, &result, st)
}

fn run_integral(cx: &mut Cx, params: &'static ParamSpec, args: Args, exact: bool) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 2];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let context = context_arg(cx, bound[1])?;
    let mut settings = context.settings.get();
    if let Some(rounding) = bound[0].filter(|v| !v.is_none()) {
        settings.rounding = rounding_arg(cx, rounding)?;
    }
    let mut st = 0;
    let result = of(this).num().to_integral(exact, &settings, &mut st);
    finish(cx, context, &result, st)
}

/// The parsed format, or the error's exception.
fn parse_spec(cx: &mut Cx, spec: Value) -> PyResult<Spec> {
    let Some(text) = spec.downcast::<Str>() else { return raise!(cx, TypeError, "format arg must be str") };
    match text.as_ascii().map_or_else(|| Spec::parse(&text.to_string_lossy()), Spec::parse) {
        Ok(spec) => Ok(spec),
        Err(FormatError::Invalid) => raise!(cx, ValueError, "invalid format string"),
        Err(FormatError::Limit) => {
            raise!(cx, ValueError, "format specification exceeds internal limits of _decimal")
        }
        Err(FormatError::TooLarge) => {
            raise!(cx, OverflowError, "cannot fit 'int' into an index-sized integer")
        }
    }
}

fn format(cx: &mut Cx, this: &'static Decimal, spec: Value) -> PyResult<Value> {
    let spec = parse_spec(cx, spec)?;
    cx.check_room::<u8>(spec.room())?;
    let context = current(cx)?;
    if spec.kind == Some('N') {
        let text = cx.str("Format specifier 'N' is deprecated and slated for removal in Python 3.18");
        let warn = import::import_attr(cx, "warnings", "warn")?;
        cx.call(warn, &[text, Value::of(&taipan_runtime::exceptions::DeprecationWarning)])?;
    }
    let locale = if matches!(spec.kind, Some('n' | 'N')) { Some(locale_separators(cx)?) } else { None };
    let text = spec.format(this.num(), &context.settings.get(), context.capitals.get(), locale);
    if text.is_ascii() { Ok(Value::of(Str::from_ascii(cx, text.as_bytes()))) } else { Ok(cx.str(&text)) }
}

fn locale_separators(cx: &mut Cx) -> PyResult<Separators> {
    let localeconv = import::import_attr(cx, "_locale", "localeconv")?;
    let table = cx.call(localeconv, &[])?;
    let mut get = |name: &str| {
        let key = cx.str(name);
        taipan_runtime::protocol::object::get_item(cx, table, key)
    };
    let (point, thousands, grouping) = (get("decimal_point")?, get("thousands_sep")?, get("grouping")?);
    let text = |v: Value| v.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
    let (point, thousands) = (text(point), text(thousands));
    let sizes = taipan_runtime::protocol::iter::to_tuple(cx, grouping)?;
    let grouping = sizes.items().iter().filter_map(|v| int::as_i64(*v)).map(|n| n.clamp(0, 127) as u8).collect();
    Ok(Separators { point, thousands, grouping })
}

/// The namespace of the methods that need no table.
pub struct Methods;

#[pymethods]
impl Methods {
    /// Return a Decimal with the exponent of the second operand.
    #[py("($self, /, exp, rounding=None, context=None)")]
    fn quantize(
        cx: &mut Cx,
        this: Value,
        exp: Value,
        rounding: Option<Value>,
        context: Option<Value>,
    ) -> PyResult<Value> {
        let context = context_arg(cx, context)?;
        let mut settings = context.settings.get();
        if let Some(rounding) = rounding.filter(|v| !v.is_none()) {
            settings.rounding = rounding_arg(cx, rounding)?;
        }
        let exp = need_operand(cx, exp)?;
        let mut st = 0;
        let result = of(this).num().quantize(exp.num(), &settings, &mut st);
        finish(cx, context, &result, st)
    }

    /// Fused multiply-add.  Return self*other+third with no rounding of the
    /// intermediate product.
    #[py("($self, /, other, third, context=None)")]
    fn fma(cx: &mut Cx, this: Value, other: Value, third: Value, context: Option<Value>) -> PyResult<Value> {
        let context = context_arg(cx, context)?;
        let (other, third) = (need_operand(cx, other)?, need_operand(cx, third)?);
        let mut st = 0;
        let result = of(this).num().fma(other.num(), third.num(), &context.settings.get(), &mut st);
        finish(cx, context, &result, st)
    }

    /// Return True if the argument is canonical and False otherwise.
    #[py("($self, /)")]
    fn is_canonical(_cx: &mut Cx, _this: Value) -> bool {
        true
    }

    /// Return True if the argument is a finite number.
    #[py("($self, /)")]
    fn is_finite(_cx: &mut Cx, this: Value) -> bool {
        !of(this).num().is_special()
    }

    /// Return True if the argument is infinite.
    #[py("($self, /)")]
    fn is_infinite(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().is_infinite()
    }

    /// Return True if the argument is a (quiet or signaling) NaN.
    #[py("($self, /)")]
    fn is_nan(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().is_nan()
    }

    /// Return True if the argument is a quiet NaN.
    #[py("($self, /)")]
    fn is_qnan(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().kind == Kind::Quiet
    }

    /// Return True if the argument is a signaling NaN.
    #[py("($self, /)")]
    fn is_snan(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().kind == Kind::Signaling
    }

    /// Return True if the argument has a negative sign.
    #[py("($self, /)")]
    fn is_signed(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().neg
    }

    /// Return True if the argument is a zero.
    #[py("($self, /)")]
    fn is_zero(_cx: &mut Cx, this: Value) -> bool {
        of(this).num().is_zero()
    }

    /// Return True if the argument is a normal number.
    #[py("($self, /, context=None)")]
    fn is_normal(cx: &mut Cx, this: Value, context: Option<Value>) -> PyResult<bool> {
        Ok(of(this).num().is_normal(&context_arg(cx, context)?.settings.get()))
    }

    /// Return True if the argument is subnormal.
    #[py("($self, /, context=None)")]
    fn is_subnormal(cx: &mut Cx, this: Value, context: Option<Value>) -> PyResult<bool> {
        Ok(of(this).num().is_subnormal(&context_arg(cx, context)?.settings.get()))
    }

    /// Return the adjusted exponent of the number.
    #[py("($self, /)")]
    fn adjusted(_cx: &mut Cx, this: Value) -> i64 {
        let num = of(this).num();
        if num.is_special() { 0 } else { num.adjusted() }
    }

    /// Return the canonical encoding of the argument.
    #[py("($self, /)")]
    fn canonical(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    /// Return self.
    #[py("($self, /)")]
    fn conjugate(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    /// Return Decimal(10), the radix (base) in which the Decimal class does
    /// all its arithmetic.
    #[py("($self, /)")]
    fn radix(cx: &mut Cx, _this: Value) -> Value {
        make(cx, Dec::from_i64(10).num())
    }

    /// Return the absolute value of the argument.
    #[py("($self, /)")]
    fn copy_abs(cx: &mut Cx, this: Value) -> Value {
        make(cx, of(this).num().with_sign(false))
    }

    /// Return the negation of the argument.
    #[py("($self, /)")]
    fn copy_negate(cx: &mut Cx, this: Value) -> Value {
        let num = of(this).num();
        make(cx, num.with_sign(!num.neg))
    }

    /// Return a string describing the class of the operand.
    #[py("($self, /, context=None)")]
    fn number_class(cx: &mut Cx, this: Value, context: Option<Value>) -> PyResult<&'static str> {
        Ok(of(this).num().class_name(&context_arg(cx, context)?.settings.get()))
    }

    /// Convert to an engineering-type string.
    #[py("($self, /, context=None)")]
    fn to_eng_string(cx: &mut Cx, this: Value, context: Option<Value>) -> PyResult<Value> {
        let capitals = context_arg(cx, context)?.capitals.get();
        let text = of(this).num().to_text(true, capitals);
        Ok(Value::of(Str::from_ascii(cx, &text)))
    }

    /// Test whether self and other have the same exponent or whether both
    /// are NaN.
    #[py("($self, /, other, context=None)")]
    fn same_quantum(cx: &mut Cx, this: Value, other: Value, context: Option<Value>) -> PyResult<bool> {
        context_arg(cx, context)?;
        let other = need_operand(cx, other)?;
        Ok(of(this).num().same_quantum(other.num()))
    }

    /// Class method that converts a float to a decimal number, exactly.
    #[classmethod]
    #[py("($type, f, /)")]
    fn from_float(cx: &mut Cx, class: Value, f: Value) -> PyResult<Value> {
        let dec = if int::check(f) {
            convert::from_int(f)
        } else if let Some(d) = float::as_f64(f) {
            Dec::from_f64(d)
        } else {
            return raise!(cx, TypeError, "argument must be int or float");
        };
        of_class(cx, class, &dec)
    }

    /// Class method that converts a real number to a decimal number, exactly.
    #[classmethod]
    #[py("($type, number, /)")]
    fn from_number(cx: &mut Cx, class: Value, number: Value) -> PyResult<Value> {
        if let Some(operand) = convert::operand(number) {
            if operand.num().kind == Kind::Finite && class == Value::of(number.class()) {
                return Ok(number);
            }
            return of_class(cx, class, &operand.num().to_dec());
        }
        if let Some(d) = float::as_f64(number) {
            return of_class(cx, class, &Dec::from_f64(d));
        }
        need_operand(cx, number).map(|_| number)
    }

    /// Return a tuple representation of the number.
    #[py("($self, /)")]
    fn as_tuple(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let num = of(this).num();
        let exponent = match num.kind {
            Kind::Finite => cx.int(num.exp),
            Kind::Infinite => cx.str("F"),
            Kind::Quiet => cx.str("n"),
            Kind::Signaling => cx.str("N"),
        };
        let mut text = Vec::new();
        if !num.is_nan() || !num.coef.is_empty() {
            taipan_decimal::limbs::push_digits(num.coef, &mut text);
        }
        let digits: Vec<Value> = text.iter().map(|d| Value::small(i64::from(d - b'0'))).collect();
        let digits = Value::of(Tuple::new(cx, &digits));
        cx.call(state().tuple, &[Value::small(i64::from(num.neg)), digits, exponent])
    }

    /// Return a pair of integers whose ratio is exactly equal to the original
    /// Decimal and with a positive denominator.
    #[py("($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let num = of(this).num();
        check_finite(cx, num, "integer ratio")?;
        let mut ignored = 0;
        let mut whole = num.reduce(&Context::MAX, &mut ignored);
        let exp = whole.exp;
        if exp < 0 {
            whole.exp = 0;
        }
        let Some(n) = convert::to_int(cx, &whole) else { return Err(cx.memory_error()) };
        let mut parts = [n, Value::small(1)];
        if exp < 0 {
            let (ten, exp) = (Value::small(10), cx.int(-exp));
            let d = number::power(cx, ten, exp, None, false)?;
            let gcd = import::import_attr(cx, "math", "gcd")?;
            let divisor = cx.call(gcd, &[n, d])?;
            parts = [int::floordiv(cx, n, divisor)?, int::floordiv(cx, d, divisor)?];
        }
        Ok(Value::of(Tuple::new(cx, &parts)))
    }

    #[py("($self, /)")]
    fn __copy__(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    #[py("($self, object, /)")]
    fn __deepcopy__(_cx: &mut Cx, this: Value, _object: Value) -> Value {
        this
    }

    #[py("($self, spec, override=None, /)", raw)]
    fn __format__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "Decimal.__format__")?;
        match args.values() {
            [this, spec] => format(cx, of(*this), *spec),
            [this, spec, table] => format_with(cx, of(*this), *spec, *table),
            _ => raise!(cx, TypeError, "__format__() takes 1 or 2 arguments"),
        }
    }

    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let text = Value::of(taipan_runtime::protocol::object::str(cx, this)?);
        let args = Value::of(Tuple::new(cx, &[text]));
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), args])))
    }

    #[py("($self, ndigits=None, /)", raw)]
    fn __round__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "Decimal.__round__")?;
        match args.values() {
            [this] => to_int(cx, *this, Rounding::HalfEven),
            [this, digits] => {
                if !int::check(*digits) {
                    return raise!(cx, TypeError, "optional arg must be an integer");
                }
                let digits = number::to_isize(cx, *digits)? as i64;
                let context = current(cx)?;
                let unit = Dec::finite(false, taipan_decimal::limbs::from_u128(1), digits.saturating_neg());
                let mut st = 0;
                let result = of(*this).num().quantize(unit.num(), &context.settings.get(), &mut st);
                finish(cx, context, &result, st)
            }
            more => {
                let n = more.len() - 1;
                raise!(cx, TypeError, "function takes at most 1 argument ({n} given)")
            }
        }
    }

    #[py("($self, /)")]
    fn __ceil__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        to_int(cx, this, Rounding::Ceiling)
    }

    #[py("($self, /)")]
    fn __floor__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        to_int(cx, this, Rounding::Floor)
    }

    #[py("($self, /)")]
    fn __trunc__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        to_int(cx, this, Rounding::Down)
    }

    #[py("($self, /)")]
    fn __complex__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let re = to_float(cx, of(this))?;
        Ok(complex::new(cx, re, 0.0))
    }

    /// Returns size in memory, in bytes
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: Value) -> usize {
        std::mem::size_of::<Decimal>() + 8 * of(this).num().coef.len()
    }

    #[getter]
    fn real(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    #[getter]
    fn imag(cx: &mut Cx, _this: Value) -> Value {
        make(cx, Dec::from_i64(0).num())
    }
}

/// `__format__(spec, {'decimal_point': .., 'thousands_sep': .., 'grouping': ..})`, which the tests use.
fn format_with(cx: &mut Cx, this: &'static Decimal, spec: Value, table: Value) -> PyResult<Value> {
    let spec = parse_spec(cx, spec)?;
    let Some(table) = table.downcast::<taipan_runtime::dict::Dict>() else {
        return raise!(cx, TypeError, "optional argument must be a dict");
    };
    let context = current(cx)?;
    let mut separators = Separators { point: ".".to_string(), thousands: String::new(), grouping: Vec::new() };
    for name in ["decimal_point", "thousands_sep", "grouping"] {
        let key = cx.intern(name);
        let Some(v) = table.get_str(key) else { continue };
        let Some(s) = v.downcast::<Str>() else {
            return raise!(cx, TypeError, "bad argument type for built-in operation");
        };
        match name {
            "decimal_point" => separators.point = s.to_string_lossy(),
            "thousands_sep" => separators.thousands = s.to_string_lossy(),
            _ => {
                separators.grouping =
                    s.chars().map(|c| u8::try_from(c).ok().filter(|c| *c < 128).unwrap_or(255)).collect()
            }
        }
    }
    // Separators are one character each.
    let (point, thousands) = (separators.point.chars().count(), separators.thousands.chars().count());
    if point != 1 || thousands > 1 || separators.grouping.contains(&255) {
        return raise!(cx, ValueError, "invalid override dict");
    }
    let text = spec.format(this.num(), &context.settings.get(), context.capitals.get(), Some(separators));
    Ok(cx.str(&text))
}

/// An instance of `class`, by its constructor unless it is the plain type.
fn of_class(cx: &mut Cx, class: Value, dec: &Dec) -> PyResult<Value> {
    let plain = make(cx, dec.num());
    if class == Value::of(&DECIMAL) {
        return Ok(plain);
    }
    cx.call(class, &[plain])
}
