//! `datetime`: the type, construction, arithmetic and comparison.

use std::cell::Cell;

use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::{hash, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};

use super::calendar::{self, Clock, DAY, MAX_ORDINAL, SECOND};
use super::date::DATE;
use super::datetime_methods::Methods;
use super::{
    call_class, check_date, check_time, check_zone, delta, format, params, part, pickled_state, pickled_zone,
    set_constant, tzinfo,
};

/// A date and time. Starts as a date does.
#[repr(C)]
pub struct DateTime {
    header: Header,
    hash: Cell<i64>,
    has_zone: u8,
    data: [u8; 10],
    fold: u8,
    zone: Cell<Option<Value>>,
}
object!(DateTime, DATETIME);
trace_values!(trace_datetime, DateTime, |t| [t.zone.get()]);

/// The type `datetime.datetime`.
pub static DATETIME: Type = Type::new(&DATETIME_SPEC);
static DATETIME_SPEC: TypeSpec = TypeSpec {
    name: "datetime.datetime",
    base: Some(&DATE),
    basicsize: std::mem::size_of::<DateTime>(),
    flags: flags::BASETYPE,
    trace: Some(trace_datetime),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|cx, v| {
            let space = cx.str(" ");
            cx.call_method_text(v, "isoformat", &[space])
        }),
        hash: Some(hash_of),
        richcompare: Some(richcompare),
        add: Some(add),
        sub: Some(sub),
        ..Slots::NONE
    },
    methods: &[Methods::METHODS],
    getsets: &[Methods::GETSETS],
    doc: "datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\nThe year, month and day arguments are required. tzinfo may be None, or an\ninstance of a tzinfo subclass. The remaining arguments may be ints.\n",
    ..TypeSpec::DEFAULT
};

/// `min`, `max` and `resolution`.
pub fn add_constants(cx: &mut Cx) {
    let max = Clock { hour: 23, minute: 59, second: 59, micro: 999_999 };
    for (name, ymd, clock) in [("min", (1, 1, 1), Clock::default()), ("max", (9999, 12, 31), max)] {
        let value = alloc(cx, &DATETIME, Fields { ymd, clock, fold: 0, zone: None });
        set_constant(cx, &DATETIME, name, value);
    }
    if let Ok(value) = delta::from_micros(cx, 1) {
        set_constant(cx, &DATETIME, "resolution", value);
    }
}

/// What makes a datetime.
#[derive(Clone, Copy)]
pub struct Fields {
    pub ymd: (i32, i32, i32),
    pub clock: Clock,
    pub fold: i32,
    pub zone: Option<Value>,
}

fn of(v: Value) -> &'static DateTime {
    // SAFETY: callers checked the type.
    unsafe { v.cast() }
}

/// A datetime of exactly this class, whose parts were checked. May collect.
pub fn alloc(cx: &mut Cx, class: &'static Type, fields: Fields) -> Value {
    cx.ready_type(class);
    let ((year, month, day), c) = (fields.ymd, fields.clock);
    let data = [
        (year >> 8) as u8,
        year as u8,
        month as u8,
        day as u8,
        c.hour as u8,
        c.minute as u8,
        c.second as u8,
        (c.micro >> 16) as u8,
        (c.micro >> 8) as u8,
        c.micro as u8,
    ];
    let dt = DateTime {
        header: Header::fresh(class),
        hash: Cell::new(-1),
        has_zone: u8::from(fields.zone.is_some()),
        data,
        fold: fields.fold as u8,
        zone: Cell::new(fields.zone),
    };
    Value::of(cx.alloc_of(class, dt))
}

/// As a call of the class, directly for `datetime` itself.
pub fn make(cx: &mut Cx, class: &'static Type, fields: Fields) -> PyResult<Value> {
    let ((y, m, d), c) = (fields.ymd, fields.clock);
    check_date(cx, y, m, d)?;
    check_time(cx, c, fields.fold)?;
    if std::ptr::eq(class, &DATETIME) {
        return Ok(alloc(cx, class, fields));
    }
    let n = |n: i32| Value::small(n as i64);
    let zone = fields.zone.unwrap_or(Value::none());
    let args = [n(y), n(m), n(d), n(c.hour), n(c.minute), n(c.second), n(c.micro), zone];
    call_class(cx, Value::of(class), &args, fields.fold)
}

static PARAMS: ParamSpec =
    params("function", &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"], 8, 0);

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if (1..=2).contains(&args.pos().len())
        && args.kwnames().is_none()
        && let Some(state) = pickled_state(args.pos().first(), 10).filter(|s| (1..=12).contains(&(s[2] & 0x7f)))
    {
        let zone = pickled_zone(cx, args)?;
        let mut data = [0u8; 10];
        data.copy_from_slice(&state);
        data[2] &= 0x7f;
        let (header, hash, has_zone) = (Header::fresh(class), Cell::new(-1), u8::from(zone.is_some()));
        let dt = DateTime { header, hash, has_zone, data, fold: state[2] >> 7, zone: Cell::new(zone) };
        return Ok(Value::of(cx.alloc_of(class, dt)));
    }
    let mut bound = [None; 9];
    bind(cx, &PARAMS, args, &mut bound)?;
    super::date::required(cx, [bound[0], bound[1], bound[2]])?;
    let mut n = [0; 7];
    for (to, from) in n.iter_mut().zip(bound) {
        *to = part(cx, from, 0)?;
    }
    let fold = part(cx, bound[8], 0)?;
    let zone = check_zone(cx, bound[7])?;
    let clock = Clock { hour: n[3], minute: n[4], second: n[5], micro: n[6] };
    check_date(cx, n[0], n[1], n[2])?;
    check_time(cx, clock, fold)?;
    Ok(alloc(cx, class, Fields { ymd: (n[0], n[1], n[2]), clock, fold, zone }))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let ((y, m, d), c) = (this.ymd(), this.clock());
    let mut text = format!("{}({y}, {m}, {d}, {}, {}", v.class().tp_name(), c.hour, c.minute);
    if c.micro != 0 {
        text += &format!(", {}, {}", c.second, c.micro);
    } else if c.second != 0 {
        text += &format!(", {}", c.second);
    }
    if this.fold != 0 {
        text += ", fold=1";
    }
    if let Some(zone) = this.zone.get() {
        text += &format!(", tzinfo={}", protocol_object::repr_text(cx, zone)?);
    }
    Ok(cx.str(&format!("{text})")))
}

fn hash_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if this.hash.get() == -1 {
        // Both times of a fold are equal and have the same hash.
        let first = if this.fold != 0 { alloc(cx, &DATETIME, Fields { fold: 0, ..this.fields() }) } else { v };
        let hash = match offset(cx, first)? {
            None => format::hash_bytes(&this.data),
            Some(offset) => {
                let rest = delta::from_micros(cx, i128::from(this.micros() - offset))?;
                hash::hash(cx, rest)?
            }
        };
        this.hash.set(hash);
    }
    Ok(this.hash.get())
}

/// `utcoffset()` in microseconds.
pub fn offset(cx: &mut Cx, v: Value) -> PyResult<Option<i64>> {
    tzinfo::offset_of(cx, of(v).zone.get(), v)
}

/// True if the offset depends on the fold, which makes a time unequal to all of other zones (PEP 495).
fn depends_on_fold(cx: &mut Cx, v: Value, known: Option<i64>) -> PyResult<bool> {
    let this = of(v);
    let other = alloc(cx, &DATETIME, Fields { fold: 1 - i32::from(this.fold), ..this.fields() });
    Ok(offset(cx, other)? != known)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<DateTime>(), b.downcast::<DateTime>()) else {
        return Ok(Value::not_implemented());
    };
    if x.zone.get() == y.zone.get() {
        return Ok(Value::bool(op.holds(x.data.cmp(&y.data))));
    }
    let (p, q) = (offset(cx, a)?, offset(cx, b)?);
    let is_equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
    let order = match (p, q) {
        (p, q) if p == q => x.data.cmp(&y.data),
        (Some(p), Some(q)) => (x.micros() - p).cmp(&(y.micros() - q)),
        _ if is_equality => return Ok(Value::bool(op == CmpOp::Ne)),
        _ => return raise!(cx, TypeError, "can't compare offset-naive and offset-aware datetimes"),
    };
    if is_equality && order.is_eq() && (depends_on_fold(cx, a, p)? || depends_on_fold(cx, b, q)?) {
        return Ok(Value::bool(op == CmpOp::Ne));
    }
    Ok(Value::bool(op.holds(order)))
}

/// The datetime so many microseconds later, of the same class and zone. OverflowError.
pub fn shift(cx: &mut Cx, v: Value, micros: i128) -> PyResult<Value> {
    let this = of(v);
    // What does not fit is far out of range.
    let total = i64::try_from(micros).ok().and_then(|micros| this.micros().checked_add(micros));
    let (days, rest) = total.map_or((0, 0), |total| (total.div_euclid(DAY), total.rem_euclid(DAY)));
    if !(1..=MAX_ORDINAL).contains(&days) {
        return raise!(cx, OverflowError, "date value out of range");
    }
    let ymd = calendar::from_ordinal(days);
    make(cx, v.class(), Fields { ymd, clock: clock_of(rest), fold: 0, zone: this.zone.get() })
}

/// The time of day so many microseconds after midnight.
fn clock_of(micros: i64) -> Clock {
    let (seconds, micro) = ((micros / SECOND) as i32, (micros % SECOND) as i32);
    Clock { hour: seconds / 3600, minute: seconds / 60 % 60, second: seconds % 60, micro }
}

fn add(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    match (a.downcast::<DateTime>(), delta::micros_of(b), delta::micros_of(a), b.downcast::<DateTime>()) {
        (Some(_), Some(micros), ..) => shift(cx, a, micros),
        (_, _, Some(micros), Some(_)) => shift(cx, b, micros),
        _ => Ok(Value::not_implemented()),
    }
}

fn sub(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(x) = a.downcast::<DateTime>() else { return Ok(Value::not_implemented()) };
    if let Some(micros) = delta::micros_of(b) {
        return shift(cx, a, -micros);
    }
    let Some(y) = b.downcast::<DateTime>() else { return Ok(Value::not_implemented()) };
    let (p, q) = match x.zone.get() == y.zone.get() {
        true => (None, None),
        false => (offset(cx, a)?, offset(cx, b)?),
    };
    let difference = match (p, q) {
        (None, None) => i128::from(x.micros() - y.micros()),
        (Some(p), Some(q)) => i128::from(x.micros() - p - (y.micros() - q)),
        _ => return raise!(cx, TypeError, "can't subtract offset-naive and offset-aware datetimes"),
    };
    delta::from_micros(cx, difference)
}

impl DateTime {
    /// Year, month, day.
    pub fn ymd(&self) -> (i32, i32, i32) {
        (i32::from(self.data[0]) << 8 | i32::from(self.data[1]), self.data[2].into(), self.data[3].into())
    }

    /// Time of day.
    pub fn clock(&self) -> Clock {
        let d = self.data.map(i32::from);
        Clock { hour: d[4], minute: d[5], second: d[6], micro: d[7] << 16 | d[8] << 8 | d[9] }
    }

    /// Its zone.
    pub fn zone(&self) -> Option<Value> {
        self.zone.get()
    }

    /// Its fold.
    pub fn fold(&self) -> i32 {
        self.fold.into()
    }

    /// All of it.
    pub fn fields(&self) -> Fields {
        Fields { ymd: self.ymd(), clock: self.clock(), fold: self.fold(), zone: self.zone() }
    }

    /// Microseconds since 0000-12-31.
    pub fn micros(&self) -> i64 {
        let ((y, m, d), c) = (self.ymd(), self.clock());
        let seconds = i64::from(c.hour) * 3600 + i64::from(c.minute) * 60 + i64::from(c.second);
        calendar::ordinal(y, m, d) * DAY + seconds * SECOND + i64::from(c.micro)
    }

    /// What `__reduce_ex__` gives.
    pub fn state(&'static self, cx: &mut Cx, protocol: i64) -> Value {
        let mut data = self.data;
        if protocol > 3 && self.fold != 0 {
            data[2] |= 128;
        }
        let state = Value::of(Bytes::new(cx, &data));
        let state = match self.zone.get() {
            None => Tuple::new(cx, &[state]),
            Some(zone) => Tuple::new(cx, &[state, zone]),
        };
        let class = Value::of(Value::of(self).class());
        Value::of(Tuple::new(cx, &[class, Value::of(state)]))
    }
}
