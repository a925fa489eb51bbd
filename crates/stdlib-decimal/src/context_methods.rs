//! Methods of contexts.

use taipan_decimal::{Context, Dec, Kind, Num, Status};
use taipan_macros::pymethods;
use taipan_runtime::native::{NativeDef, NativeKind, ParamSpec, bind_method};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::context::{ContextObject, rounding_name};
use crate::convert::{self, need_operand};
use crate::decimal::{Binary, Decimal, Unary, make};

/// Parameters of a method with positional operands.
const fn params(name: &'static str, names: &'static [&'static str]) -> ParamSpec {
    ParamSpec {
        name,
        names,
        positional_only: names.len(),
        positional: names.len(),
        required: names.len(),
        keyword_required: &[],
        varargs: false,
        varkw: false,
    }
}

macro_rules! table {
    ($names:expr, $signature:literal, $run:ident: $($name:literal $f:expr, $doc:literal;)*) => {
        &[$(NativeDef {
            name: $name,
            signature: $signature,
            doc: $doc,
            kind: NativeKind::Method,
            call: |cx, args| {
                static PARAMS: ParamSpec = params($name, $names);
                $run(cx, &PARAMS, args, $f)
            },
        }),*]
    };
}

fn copy<'a>(a: Num<'a>, _: &Context, _: &mut Status) -> Dec {
    a.to_dec()
}

/// Methods with one operand.
pub const UNARY: &[NativeDef] = table! { &["x"], "($self, x, /)", run_unary:
    "abs" |a, cx, st| a.absolute(cx, st), "Return the absolute value of x.";
    "exp" |a, cx, st| a.exp(cx, st), "Return e ** x.";
    "ln" |a, cx, st| a.ln(cx, st), "Return the natural (base e) logarithm of x.";
    "log10" |a, cx, st| a.log10(cx, st), "Return the base 10 logarithm of x.";
    "minus" |a, cx, st| a.minus(cx, st), "Minus corresponds to the unary prefix minus operator in Python, but applies the context to the result.";
    "next_minus" |a, cx, st| a.next_minus(cx, st), "Return the largest representable number smaller than x.";
    "next_plus" |a, cx, st| a.next_plus(cx, st), "Return the smallest representable number larger than x.";
    "normalize" |a, cx, st| a.reduce(cx, st), "Reduce x to its simplest form.";
    "plus" |a, cx, st| a.plus(cx, st), "Plus corresponds to the unary prefix plus operator in Python, but applies the context to the result.";
    "to_integral" |a, cx, st| a.to_integral(false, cx, st), "Identical to to_integral_value(x).";
    "to_integral_exact" |a, cx, st| a.to_integral(true, cx, st), "Round to an integer.  Signal if the result is rounded or inexact.";
    "to_integral_value" |a, cx, st| a.to_integral(false, cx, st), "Round to an integer.";
    "sqrt" |a, cx, st| a.sqrt(cx, st), "Square root of a non-negative number to context precision.";
    "logb" |a, cx, st| a.logb(cx, st), "Return the exponent of the magnitude of the operand's MSD.";
    "logical_invert" |a, cx, st| a.logical_invert(cx, st), "Invert all digits of x.";
    "copy_abs" |a, _, _| a.with_sign(false).to_dec(), "Return a copy of x with the sign set to 0.";
    "copy_decimal" copy, "Return a copy of Decimal x.";
    "copy_negate" |a, _, _| a.with_sign(!a.neg).to_dec(), "Return a copy of x with the sign inverted.";
    "_apply" |a, cx, st| a.rounded(cx, st), "Apply self to Decimal x.";
};

/// Methods with two operands.
pub const BINARY: &[NativeDef] = table! { &["x", "y"], "($self, x, y, /)", run_binary:
    "add" |a, b, cx, st| a.add(b, cx, st), "Return the sum of x and y.";
    "compare" |a, b, cx, st| a.compare(b, cx, st), "Compare x and y numerically.";
    "compare_signal" |a, b, cx, st| a.compare_signal(b, cx, st), "Compare x and y numerically.  All NaNs signal.";
    "divide" |a, b, cx, st| a.div(b, cx, st), "Return x divided by y.";
    "divide_int" |a, b, cx, st| a.div_int(b, cx, st), "Return x divided by y, truncated to an integer.";
    "max" |a, b, cx, st| a.max(b, false, cx, st), "Compare the values numerically and return the maximum.";
    "max_mag" |a, b, cx, st| a.max(b, true, cx, st), "Compare the values numerically with their sign ignored.";
    "min" |a, b, cx, st| a.min(b, false, cx, st), "Compare the values numerically and return the minimum.";
    "min_mag" |a, b, cx, st| a.min(b, true, cx, st), "Compare the values numerically with their sign ignored.";
    "multiply" |a, b, cx, st| a.mul(b, cx, st), "Return the product of x and y.";
    "next_toward" |a, b, cx, st| a.next_toward(b, cx, st), "Return the number closest to x, in the direction towards y.";
    "quantize" |a, b, cx, st| a.quantize(b, cx, st), "Return a value equal to x (rounded), having the exponent of y.";
    "remainder" |a, b, cx, st| a.rem(b, cx, st), "Return the remainder from integer division.";
    "remainder_near" |a, b, cx, st| a.rem_near(b, cx, st), "Return x - y * n, where n is the integer nearest the exact value of x / y.";
    "subtract" |a, b, cx, st| a.sub(b, cx, st), "Return the difference between x and y.";
    "compare_total" |a, b, _, _| Dec::from_i64(a.total_order(b) as i64), "Compare x and y using their abstract representation.";
    "compare_total_mag" |a, b, _, _| Dec::from_i64(a.with_sign(false).total_order(b.with_sign(false)) as i64), "Compare x and y using their abstract representation, ignoring sign.";
    "copy_sign" |a, b, _, _| a.with_sign(b.neg).to_dec(), "Copy the sign from y to x.";
    "logical_and" |a, b, cx, st| a.logical(b, |x, y| x & y, cx, st), "Digit-wise and of x and y.";
    "logical_or" |a, b, cx, st| a.logical(b, |x, y| x | y, cx, st), "Digit-wise or of x and y.";
    "logical_xor" |a, b, cx, st| a.logical(b, |x, y| x ^ y, cx, st), "Digit-wise xor of x and y.";
    "rotate" |a, b, cx, st| a.rotate(b, cx, st), "Return a copy of x, rotated by y places.";
    "scaleb" |a, b, cx, st| a.scaleb(b, cx, st), "Return the first operand after adding the second value to its exp.";
    "shift" |a, b, cx, st| a.shift(b, cx, st), "Return a copy of x, shifted by y places.";
};

/// Methods that tell something about a number.
pub const TESTS: &[NativeDef] = table! { &["x"], "($self, x, /)", run_test:
    "is_finite" |a, _| !a.is_special(), "Return True if x is finite, False otherwise.";
    "is_infinite" |a, _| a.is_infinite(), "Return True if x is infinite, False otherwise.";
    "is_nan" |a, _| a.is_nan(), "Return True if x is a qNaN or sNaN, False otherwise.";
    "is_normal" |a, cx| a.is_normal(cx), "Return True if x is a normal number, False otherwise.";
    "is_qnan" |a, _| a.kind == Kind::Quiet, "Return True if x is a quiet NaN, False otherwise.";
    "is_signed" |a, _| a.neg, "Return True if x is negative, False otherwise.";
    "is_snan" |a, _| a.kind == Kind::Signaling, "Return True if x is a signaling NaN, False otherwise.";
    "is_subnormal" |a, cx| a.is_subnormal(cx), "Return True if x is subnormal, False otherwise.";
    "is_zero" |a, _| a.is_zero(), "Return True if x is a zero, False otherwise.";
};

fn of(v: Value) -> &'static ContextObject {
    // SAFETY: methods are called with instances of their type.
    unsafe { v.cast() }
}

fn finish(cx: &mut Cx, this: &'static ContextObject, dec: &Dec, st: Status) -> PyResult<Value> {
    this.signal(cx, st)?;
    Ok(make(cx, dec.num()))
}

fn run_unary(cx: &mut Cx, params: &'static ParamSpec, args: Args, f: Unary) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 1];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let x = need_operand(cx, bound[0].expect("required"))?;
    let mut st = 0;
    let result = f(x.num(), &of(this).settings.get(), &mut st);
    finish(cx, of(this), &result, st)
}

fn run_binary(cx: &mut Cx, params: &'static ParamSpec, args: Args, f: Binary) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 2];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let x = need_operand(cx, bound[0].expect("required"))?;
    let y = need_operand(cx, bound[1].expect("required"))?;
    let mut st = 0;
    let result = f(x.num(), y.num(), &of(this).settings.get(), &mut st);
    finish(cx, of(this), &result, st)
}

fn run_test(cx: &mut Cx, params: &'static ParamSpec, args: Args, f: fn(Num<'_>, &Context) -> bool) -> PyResult<Value> {
    let this = args.values()[0];
    let mut bound = [None; 1];
    bind_method(cx, params, this, args.rest(), &mut bound)?;
    let x = need_operand(cx, bound[0].expect("required"))?;
    Ok(Value::bool(f(x.num(), &of(this).settings.get())))
}

/// The namespace of the methods that need no table.
pub struct Settings;

#[pymethods]
impl Settings {
    #[getter]
    fn prec(_cx: &mut Cx, this: Value) -> i64 {
        of(this).settings.get().prec
    }
    #[setter("prec")]
    fn set_prec(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "prec", value)
    }
    #[getter("Emax")]
    fn emax(_cx: &mut Cx, this: Value) -> i64 {
        of(this).settings.get().emax
    }
    #[setter("Emax")]
    fn set_emax(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "Emax", value)
    }
    #[getter("Emin")]
    fn emin(_cx: &mut Cx, this: Value) -> i64 {
        of(this).settings.get().emin
    }
    #[setter("Emin")]
    fn set_emin(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "Emin", value)
    }
    #[getter]
    fn rounding(cx: &mut Cx, this: Value) -> Value {
        Value::of(cx.intern(rounding_name(of(this).settings.get().rounding)))
    }
    #[setter("rounding")]
    fn set_rounding(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "rounding", value)
    }
    #[getter]
    fn capitals(_cx: &mut Cx, this: Value) -> i64 {
        i64::from(of(this).capitals.get())
    }
    #[setter("capitals")]
    fn set_capitals(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "capitals", value)
    }
    #[getter]
    fn clamp(_cx: &mut Cx, this: Value) -> i64 {
        i64::from(of(this).settings.get().clamp)
    }
    #[setter("clamp")]
    fn set_clamp(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        set(cx, this, "clamp", value)
    }

    /// Compute a**b. If 'a' is negative, then 'b' must be integral. The result
    /// will be inexact unless 'a' is integral and the result is finite and can
    /// be expressed exactly in 'precision' digits.
    #[py("($self, /, a, b, modulo=None)")]
    fn power(cx: &mut Cx, this: Value, a: Value, b: Value, modulo: Option<Value>) -> PyResult<Value> {
        let (a, b) = (need_operand(cx, a)?, need_operand(cx, b)?);
        let mut st = 0;
        let settings = of(this).settings.get();
        let result = match modulo.filter(|m| !m.is_none()) {
            None => a.num().pow(b.num(), &settings, &mut st),
            Some(m) => {
                let m = need_operand(cx, m)?;
                a.num().pow_mod(b.num(), m.num(), &settings, &mut st)
            }
        };
        finish(cx, of(this), &result, st)
    }

    /// Return a tuple (x // y, x % y).
    #[py("($self, x, y, /)")]
    fn divmod(cx: &mut Cx, this: Value, x: Value, y: Value) -> PyResult<Value> {
        let (x, y) = (need_operand(cx, x)?, need_operand(cx, y)?);
        let mut st = 0;
        let (q, r) = x.num().div_rem(y.num(), &of(this).settings.get(), &mut st);
        of(this).signal(cx, st)?;
        let (q, r) = (make(cx, q.num()), make(cx, r.num()));
        Ok(Value::of(Tuple::new(cx, &[q, r])))
    }

    /// Return x multiplied by y, plus z.
    #[py("($self, x, y, z, /)")]
    fn fma(cx: &mut Cx, this: Value, x: Value, y: Value, z: Value) -> PyResult<Value> {
        let (x, y, z) = (need_operand(cx, x)?, need_operand(cx, y)?, need_operand(cx, z)?);
        let mut st = 0;
        let result = x.num().fma(y.num(), z.num(), &of(this).settings.get(), &mut st);
        finish(cx, of(this), &result, st)
    }

    /// Return a value equal to Emin - prec + 1, which is the minimum exponent
    /// value for subnormal results.
    #[py("($self, /)", name = "Etiny")]
    fn etiny(_cx: &mut Cx, this: Value) -> i64 {
        of(this).settings.get().etiny()
    }

    /// Return a value equal to Emax - prec + 1.
    #[py("($self, /)", name = "Etop")]
    fn etop(_cx: &mut Cx, this: Value) -> i64 {
        of(this).settings.get().etop()
    }

    /// Return 10.
    #[py("($self, /)")]
    fn radix(cx: &mut Cx, _this: Value) -> Value {
        make(cx, Dec::from_i64(10).num())
    }

    /// Return a new instance of x.
    #[py("($self, x, /)")]
    fn canonical(cx: &mut Cx, _this: Value, x: Value) -> PyResult<Value> {
        need_decimal(cx, x)?;
        Ok(x)
    }

    /// Return True if x is canonical, False otherwise.
    #[py("($self, x, /)")]
    fn is_canonical(cx: &mut Cx, _this: Value, x: Value) -> PyResult<bool> {
        need_decimal(cx, x)?;
        Ok(true)
    }

    /// Return an indication of the class of x.
    #[py("($self, x, /)")]
    fn number_class(cx: &mut Cx, this: Value, x: Value) -> PyResult<&'static str> {
        let x = need_operand(cx, x)?;
        Ok(x.num().class_name(&of(this).settings.get()))
    }

    /// Convert a number to a string using scientific notation.
    #[py("($self, x, /)")]
    fn to_sci_string(cx: &mut Cx, this: Value, x: Value) -> PyResult<Value> {
        let text = need_operand(cx, x)?.num().to_text(false, of(this).capitals.get());
        Ok(Value::of(Str::from_ascii(cx, &text)))
    }

    /// Convert a number to a string, using engineering notation.
    #[py("($self, x, /)")]
    fn to_eng_string(cx: &mut Cx, this: Value, x: Value) -> PyResult<Value> {
        let text = need_operand(cx, x)?.num().to_text(true, of(this).capitals.get());
        Ok(Value::of(Str::from_ascii(cx, &text)))
    }

    /// Return True if the two operands have the same exponent.
    #[py("($self, x, y, /)")]
    fn same_quantum(cx: &mut Cx, _this: Value, x: Value, y: Value) -> PyResult<bool> {
        let (x, y) = (need_operand(cx, x)?, need_operand(cx, y)?);
        Ok(x.num().same_quantum(y.num()))
    }

    /// Reset all flags to False.
    #[py("($self, /)")]
    fn clear_flags(_cx: &mut Cx, this: Value) {
        of(this).status.set(0);
    }

    /// Set all traps to False.
    #[py("($self, /)")]
    fn clear_traps(_cx: &mut Cx, this: Value) {
        of(this).traps.set(0);
    }

    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: Value) -> &'static ContextObject {
        of(this).copied(cx)
    }

    /// Return a duplicate of the context with all flags cleared.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: Value) -> &'static ContextObject {
        of(this).copied(cx)
    }

    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        crate::context::reduced(cx, of(this))
    }

    /// Create a new Decimal instance from num, using self as the context.
    #[py("($self, num=\"0\", /)")]
    fn create_decimal(cx: &mut Cx, this: Value, num: Option<Value>) -> PyResult<Value> {
        let dec = match num {
            None => Dec::from_i64(0),
            Some(v) => convert::rounded(cx, v, of(this))?,
        };
        Ok(make(cx, dec.num()))
    }

    /// Create a new Decimal instance from float f.
    #[py("($self, f, /)")]
    fn create_decimal_from_float(cx: &mut Cx, this: Value, f: Value) -> PyResult<Value> {
        let dec = if int::check(f) {
            convert::from_int(f)
        } else if let Some(d) = float::as_f64(f) {
            Dec::from_f64(d)
        } else {
            return raise!(cx, TypeError, "argument must be int or float");
        };
        let mut st = 0;
        let dec = dec.finish(&of(this).settings.get(), &mut st);
        finish(cx, of(this), &dec, st)
    }
}

fn need_decimal(cx: &mut Cx, v: Value) -> PyResult<()> {
    match v.downcast::<Decimal>() {
        Some(_) => Ok(()),
        None => raise!(cx, TypeError, "argument must be a Decimal"),
    }
}

fn set(cx: &mut Cx, this: Value, name: &str, value: Option<Value>) -> PyResult<()> {
    match value {
        Some(value) => of(this).set_setting(cx, name, value, false),
        None => raise!(cx, AttributeError, "context attributes cannot be deleted"),
    }
}
