//! `timedelta`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::ParamSpec;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::hash;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use super::calendar::{DAY, SECOND, divide_nearest};
use super::{params, set_constant};

/// A difference between two times.
#[repr(C)]
pub struct Delta {
    header: Header,
    hash: Cell<i64>,
    days: i32,
    seconds: i32,
    micros: i32,
}
object!(Delta, DELTA);

/// Greatest number of days.
const MAX_DAYS: i64 = 999_999_999;

/// The type `datetime.timedelta`.
pub static DELTA: Type = Type::new(&DELTA_SPEC);
static DELTA_SPEC: TypeSpec = TypeSpec {
    name: "datetime.timedelta",
    basicsize: std::mem::size_of::<Delta>(),
    flags: flags::BASETYPE,
    trace: Some(super::tzinfo::trace_nothing),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|cx, v| Ok(cx.str(&of(v).text()))),
        hash: Some(hash_of),
        richcompare: Some(richcompare),
        bool: Some(|_, v| Ok(of(v).total() != 0)),
        add: Some(|cx, a, b| both(cx, a, b, |a, b| a + b)),
        sub: Some(|cx, a, b| both(cx, a, b, |a, b| a - b)),
        neg: Some(|cx, v| from_micros(cx, -of(v).total())),
        pos: Some(|cx, v| from_micros(cx, of(v).total())),
        abs: Some(|cx, v| from_micros(cx, of(v).total().abs())),
        mul: Some(mul),
        truediv: Some(truediv),
        floordiv: Some(floordiv),
        rem: Some(rem),
        divmod: Some(divmod),
        ..Slots::NONE
    },
    methods: &[Delta::METHODS],
    getsets: &[Delta::GETSETS],
    doc: "Difference between two datetime values.\n\ntimedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)\n\nAll arguments are optional and default to 0.\nArguments may be integers or floats, and may be positive or negative.",
    ..TypeSpec::DEFAULT
};

/// `min`, `max` and `resolution`.
pub fn add_constants(cx: &mut Cx) {
    let rows = [
        ("min", -i128::from(MAX_DAYS) * i128::from(DAY)),
        ("max", i128::from(MAX_DAYS) * i128::from(DAY) + i128::from(DAY) - 1),
        ("resolution", 1),
    ];
    for (name, micros) in rows {
        if let Ok(value) = from_micros(cx, micros) {
            set_constant(cx, &DELTA, name, value);
        }
    }
}

fn of(v: Value) -> &'static Delta {
    // SAFETY: callers checked the type.
    unsafe { v.cast() }
}

/// The microseconds of a timedelta; None for other objects.
pub fn micros_of(v: Value) -> Option<i128> {
    v.downcast::<Delta>().map(Delta::total)
}

/// A timedelta of so many microseconds. OverflowError. May collect.
pub fn from_micros(cx: &mut Cx, micros: i128) -> PyResult<Value> {
    make(cx, &DELTA, micros)
}

fn make(cx: &mut Cx, class: &'static Type, micros: i128) -> PyResult<Value> {
    let (days, rest) = (micros.div_euclid(i128::from(DAY)), micros.rem_euclid(i128::from(DAY)) as i64);
    let Ok(days) = i32::try_from(days) else {
        return raise!(cx, OverflowError, "Python int too large to convert to C int");
    };
    if i64::from(days).abs() > MAX_DAYS {
        return raise!(cx, OverflowError, "days={days}; must have magnitude <= {MAX_DAYS}");
    }
    let delta = Delta {
        header: Header::fresh(class),
        hash: Cell::new(-1),
        days,
        seconds: (rest / SECOND) as i32,
        micros: (rest % SECOND) as i32,
    };
    cx.ready_type(class);
    Ok(Value::of(cx.alloc_of(class, delta)))
}

/// An int as i128; None if it is larger than any timedelta could use.
fn wide(v: Value) -> Option<i128> {
    let view = int::view(v)?;
    let digits = view.digits();
    if digits.len() > 4 {
        return None;
    }
    let size = digits.iter().rev().fold(0i128, |sum, digit| sum << 30 | i128::from(*digit));
    Some(if view.negative { -size } else { size })
}

fn too_large<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, OverflowError, "Python int too large to convert to C int")
}

/// Adds `v` times `factor` to the sum; what is less than a microsecond goes to `left`.
fn accumulate(cx: &mut Cx, name: &str, v: Value, factor: i128, sum: &mut i128, left: &mut f64) -> PyResult<()> {
    let product = if int::check(v) {
        match wide(v).and_then(|n| n.checked_mul(factor)) {
            Some(product) => product,
            None => return too_large(cx),
        }
    } else if let Some(d) = float::as_f64(v) {
        if d.is_nan() {
            return raise!(cx, ValueError, "cannot convert float NaN to integer");
        }
        if d.is_infinite() {
            return raise!(cx, OverflowError, "cannot convert float infinity to integer");
        }
        if d.abs() > 1e25 {
            return too_large(cx);
        }
        let whole = d.trunc();
        let fraction = factor as f64 * (d - whole);
        *left += fraction - fraction.trunc();
        whole as i128 * factor + fraction.trunc() as i128
    } else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "unsupported type for timedelta {name} component: {got}");
    };
    match sum.checked_add(product) {
        Some(new) => *sum = new,
        None => return too_large(cx),
    }
    Ok(())
}

const UNITS: [(&str, i128); 7] = [
    ("days", DAY as i128),
    ("seconds", SECOND as i128),
    ("microseconds", 1),
    ("milliseconds", 1000),
    ("minutes", 60 * SECOND as i128),
    ("hours", 3600 * SECOND as i128),
    ("weeks", 7 * DAY as i128),
];

static PARAMS: ParamSpec =
    params("timedelta", &["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"], 7, 0);

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 7];
    bind(cx, &PARAMS, args, &mut bound)?;
    let (mut sum, mut left) = (0i128, 0f64);
    // From the smallest unit up, as rounding errors of floats depend on the order.
    for i in [2, 3, 1, 4, 5, 0, 6] {
        if let Some(v) = bound[i] {
            accumulate(cx, UNITS[i].0, v, UNITS[i].1, &mut sum, &mut left)?;
        }
    }
    if left != 0.0 {
        let mut whole = left.round();
        if (whole - left).abs() == 0.5 {
            // A tie is rounded so that the sum is even.
            let odd = if sum & 1 != 0 { 1.0 } else { 0.0 };
            whole = 2.0 * ((left + odd) * 0.5).round() - odd;
        }
        sum += whole as i128;
    }
    make(cx, class, sum)
}

fn hash_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if this.hash.get() == -1 {
        let parts = [this.days, this.seconds, this.micros].map(|n| Value::small(n as i64));
        let tuple = Value::of(Tuple::new(cx, &parts));
        this.hash.set(hash::hash(cx, tuple)?);
    }
    Ok(this.hash.get())
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let parts = [("days", this.days), ("seconds", this.seconds), ("microseconds", this.micros)];
    let parts: Vec<String> = parts.iter().filter(|p| p.1 != 0).map(|(name, n)| format!("{name}={n}")).collect();
    let inside = if parts.is_empty() { "0".to_string() } else { parts.join(", ") };
    Ok(cx.str(&format!("{}({inside})", v.class().tp_name())))
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    match (micros_of(a), micros_of(b)) {
        (Some(x), Some(y)) => Ok(Value::bool(op.holds(x.cmp(&y)))),
        _ => Ok(Value::not_implemented()),
    }
}

fn both(cx: &mut Cx, a: Value, b: Value, f: impl Fn(i128, i128) -> i128) -> PyResult<Value> {
    match (micros_of(a), micros_of(b)) {
        (Some(x), Some(y)) => from_micros(cx, f(x, y)),
        _ => Ok(Value::not_implemented()),
    }
}

/// A finite double as mantissa and power of two.
fn decompose(cx: &mut Cx, d: f64) -> PyResult<(i128, i32)> {
    if d.is_nan() {
        return raise!(cx, ValueError, "cannot convert NaN to integer ratio");
    }
    if d.is_infinite() {
        return raise!(cx, OverflowError, "cannot convert Infinity to integer ratio");
    }
    let bits = d.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let zeros = if mantissa == 0 { 0 } else { mantissa.trailing_zeros() };
    let size = mantissa >> zeros;
    Ok((if d < 0.0 { -size } else { size }, exponent + zeros as i32))
}

/// `n * 2**shift`, None if that is too large.
fn shifted(n: i128, shift: i32) -> Option<i128> {
    if n == 0 {
        return Some(0);
    }
    let room = n.unsigned_abs().leading_zeros() as i32 - 2;
    (shift <= room).then(|| n << shift)
}

/// `micros * d`, or `micros / d`.
fn scaled(cx: &mut Cx, micros: i128, d: f64, divide: bool) -> PyResult<Value> {
    let (mantissa, exponent) = decompose(cx, d)?;
    if divide && mantissa == 0 {
        return raise!(cx, ZeroDivisionError, "division by zero");
    }
    let (n, m, exponent) = if divide { (micros, mantissa, -exponent) } else { (micros * mantissa, 1, exponent) };
    let result = if exponent >= 0 {
        match shifted(n, exponent) {
            Some(n) => divide_nearest(n, m),
            None => return too_large(cx),
        }
    } else {
        match shifted(m, -exponent) {
            Some(m) => divide_nearest(n, m),
            // The divisor is larger than anything it could divide.
            None => 0,
        }
    };
    from_micros(cx, result)
}

fn mul(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (micros, other) = match (micros_of(a), micros_of(b)) {
        (Some(x), None) => (x, b),
        (None, Some(y)) => (y, a),
        _ => return Ok(Value::not_implemented()),
    };
    if int::check(other) {
        return match wide(other).and_then(|n| n.checked_mul(micros)) {
            Some(product) => from_micros(cx, product),
            None if micros == 0 => from_micros(cx, 0),
            None => too_large(cx),
        };
    }
    match float::as_f64(other) {
        Some(d) => scaled(cx, micros, d, false),
        None => Ok(Value::not_implemented()),
    }
}

fn zero_division<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, ZeroDivisionError, "division by zero")
}

fn truediv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(x) = micros_of(a) else { return Ok(Value::not_implemented()) };
    if let Some(y) = micros_of(b) {
        let (x, y) = (cx.int_wide(x), cx.int_wide(y));
        return int::truediv(cx, x, y);
    }
    if int::check(b) {
        return match wide(b) {
            Some(0) => zero_division(cx),
            Some(n) => from_micros(cx, divide_nearest(x, n)),
            None => from_micros(cx, 0),
        };
    }
    match float::as_f64(b) {
        Some(d) => scaled(cx, x, d, true),
        None => Ok(Value::not_implemented()),
    }
}

fn floor_div(n: i128, d: i128) -> i128 {
    let q = n / d;
    if n % d != 0 && (n < 0) != (d < 0) { q - 1 } else { q }
}

fn floordiv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(x) = micros_of(a) else { return Ok(Value::not_implemented()) };
    if let Some(y) = micros_of(b) {
        return match y {
            0 => zero_division(cx),
            y => Ok(cx.int_wide(floor_div(x, y))),
        };
    }
    if !int::check(b) {
        return Ok(Value::not_implemented());
    }
    match wide(b) {
        Some(0) => zero_division(cx),
        Some(n) => from_micros(cx, floor_div(x, n)),
        None => {
            let negative = int::view(b).is_some_and(|w| w.negative);
            from_micros(cx, if x == 0 || (x < 0) == negative { 0 } else { -1 })
        }
    }
}

fn rem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    match (micros_of(a), micros_of(b)) {
        (Some(_), Some(0)) => zero_division(cx),
        (Some(x), Some(y)) => from_micros(cx, x - floor_div(x, y) * y),
        _ => Ok(Value::not_implemented()),
    }
}

fn divmod(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    match (micros_of(a), micros_of(b)) {
        (Some(_), Some(0)) => zero_division(cx),
        (Some(x), Some(y)) => {
            let q = floor_div(x, y);
            let rest = from_micros(cx, x - q * y)?;
            let q = cx.int_wide(q);
            Ok(Value::of(Tuple::new(cx, &[q, rest])))
        }
        _ => Ok(Value::not_implemented()),
    }
}

impl Delta {
    /// All of it in microseconds.
    pub fn total(&self) -> i128 {
        i128::from(self.days) * i128::from(DAY) + i128::from(i64::from(self.seconds) * SECOND + i64::from(self.micros))
    }

    /// Its days.
    pub fn days(&self) -> i64 {
        self.days as i64
    }

    fn text(&self) -> String {
        let (h, m, s) = (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        let mut text = String::new();
        if self.days != 0 {
            let plural = if self.days.abs() == 1 { "" } else { "s" };
            text = format!("{} day{plural}, ", self.days);
        }
        text += &format!("{h}:{m:02}:{s:02}");
        if self.micros != 0 {
            text += &format!(".{:06}", self.micros);
        }
        text
    }
}

#[pymethods]
impl Delta {
    /// Number of days.
    #[getter("days")]
    fn days_(_cx: &mut Cx, this: &'static Delta) -> i64 {
        this.days as i64
    }

    /// Number of seconds (>= 0 and less than 1 day).
    #[getter]
    fn seconds(_cx: &mut Cx, this: &'static Delta) -> i64 {
        this.seconds as i64
    }

    /// Number of microseconds (>= 0 and less than 1 second).
    #[getter]
    fn microseconds(_cx: &mut Cx, this: &'static Delta) -> i64 {
        this.micros as i64
    }

    /// Total seconds in the duration.
    #[py("($self, /)")]
    fn total_seconds(cx: &mut Cx, this: &'static Delta) -> PyResult<Value> {
        let (micros, second) = (cx.int_wide(this.total()), cx.int(SECOND));
        int::truediv(cx, micros, second)
    }

    /// __reduce__() -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Delta) -> Value {
        let parts = [this.days, this.seconds, this.micros].map(|n| Value::small(n as i64));
        let state = Value::of(Tuple::new(cx, &parts));
        let class = Value::of(Value::of(this).class());
        Value::of(Tuple::new(cx, &[class, state]))
    }
}
