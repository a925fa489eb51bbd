//! `time`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::{hash, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};

use super::calendar::{self, Clock, SECOND, Zone};
use super::date::{class_of, replaced, struct_time};
use super::{
    call_class, check_time, check_zone, delta, format, format_of, invalid_iso, iso_text, params, part, pickled_state,
    pickled_zone, set_constant, tzinfo,
};

/// A time of day.
#[repr(C)]
pub struct Time {
    header: Header,
    hash: Cell<i64>,
    has_zone: u8,
    data: [u8; 6],
    fold: u8,
    zone: Cell<Option<Value>>,
}
object!(Time, TIME);
trace_values!(trace_time, Time, |t| [t.zone.get()]);

/// The type `datetime.time`.
pub static TIME: Type = Type::new(&TIME_SPEC);
static TIME_SPEC: TypeSpec = TypeSpec {
    name: "datetime.time",
    basicsize: std::mem::size_of::<Time>(),
    flags: flags::BASETYPE,
    trace: Some(trace_time),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|cx, v| cx.call_method_text(v, "isoformat", &[])),
        hash: Some(hash_of),
        richcompare: Some(richcompare),
        ..Slots::NONE
    },
    methods: &[Time::METHODS],
    getsets: &[Time::GETSETS],
    doc: "time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\nAll arguments are optional. tzinfo may be None, or an instance of\na tzinfo subclass. The remaining arguments may be ints.\n",
    ..TypeSpec::DEFAULT
};

/// `min`, `max` and `resolution`.
pub fn add_constants(cx: &mut Cx) {
    let max = Clock { hour: 23, minute: 59, second: 59, micro: 999_999 };
    for (name, clock) in [("min", Clock::default()), ("max", max)] {
        let value = alloc(cx, &TIME, clock, 0, None);
        set_constant(cx, &TIME, name, value);
    }
    if let Ok(value) = delta::from_micros(cx, 1) {
        set_constant(cx, &TIME, "resolution", value);
    }
}

fn of(v: Value) -> &'static Time {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn bytes_of(clock: Clock) -> [u8; 6] {
    let micro = clock.micro;
    let (h, m, s) = (clock.hour as u8, clock.minute as u8, clock.second as u8);
    [h, m, s, (micro >> 16) as u8, (micro >> 8) as u8, micro as u8]
}

/// A time of exactly this class, whose parts were checked. May collect.
pub fn alloc(cx: &mut Cx, class: &'static Type, clock: Clock, fold: i32, zone: Option<Value>) -> Value {
    cx.ready_type(class);
    let time = Time {
        header: Header::fresh(class),
        hash: Cell::new(-1),
        has_zone: u8::from(zone.is_some()),
        data: bytes_of(clock),
        fold: fold as u8,
        zone: Cell::new(zone),
    };
    Value::of(cx.alloc_of(class, time))
}

/// As a call of the class, directly for `time` itself.
fn make(cx: &mut Cx, class: &'static Type, clock: Clock, fold: i32, zone: Option<Value>) -> PyResult<Value> {
    check_time(cx, clock, fold)?;
    if std::ptr::eq(class, &TIME) {
        return Ok(alloc(cx, class, clock, fold, zone));
    }
    let [h, m, s, u] = [clock.hour, clock.minute, clock.second, clock.micro].map(|n| Value::small(n as i64));
    call_class(cx, Value::of(class), &[h, m, s, u, zone.unwrap_or(Value::none())], fold)
}

static PARAMS: ParamSpec = params("time", &["hour", "minute", "second", "microsecond", "tzinfo", "fold"], 5, 0);

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if (1..=2).contains(&args.pos().len())
        && args.kwnames().is_none()
        && let Some(state) = pickled_state(args.pos().first(), 6).filter(|s| s[0] & 0x7f < 24)
    {
        let zone = pickled_zone(cx, args)?;
        let data = [state[0] & 0x7f, state[1], state[2], state[3], state[4], state[5]];
        let (header, hash, zone_flag) = (Header::fresh(class), Cell::new(-1), u8::from(zone.is_some()));
        let time = Time { header, hash, has_zone: zone_flag, data, fold: state[0] >> 7, zone: Cell::new(zone) };
        return Ok(Value::of(cx.alloc_of(class, time)));
    }
    let mut bound = [None; 6];
    bind(cx, &PARAMS, args, &mut bound)?;
    let clock = Clock {
        hour: part(cx, bound[0], 0)?,
        minute: part(cx, bound[1], 0)?,
        second: part(cx, bound[2], 0)?,
        micro: part(cx, bound[3], 0)?,
    };
    let fold = part(cx, bound[5], 0)?;
    let zone = check_zone(cx, bound[4])?;
    check_time(cx, clock, fold)?;
    Ok(alloc(cx, class, clock, fold, zone))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let Clock { hour, minute, second, micro } = this.clock();
    let mut text = format!("{}({hour}, {minute}", v.class().tp_name());
    if micro != 0 {
        text += &format!(", {second}, {micro}");
    } else if second != 0 {
        text += &format!(", {second}");
    }
    if let Some(zone) = this.zone.get() {
        text += &format!(", tzinfo={}", protocol_object::repr_text(cx, zone)?);
    }
    if this.fold != 0 {
        text += ", fold=1";
    }
    Ok(cx.str(&format!("{text})")))
}

fn hash_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if this.hash.get() == -1 {
        // Both times of a fold are equal and have the same hash.
        let zero_fold = if this.fold != 0 { alloc(cx, &TIME, this.clock(), 0, this.zone.get()) } else { v };
        let offset = match this.zone.get() {
            Some(_) => cx.call_method_text(zero_fold, "utcoffset", &[])?,
            None => Value::none(),
        };
        let hash = match delta::micros_of(offset) {
            None => format::hash_bytes(&this.data),
            Some(offset) => {
                let rest = delta::from_micros(cx, i128::from(this.micros()) - offset)?;
                hash::hash(cx, rest)?
            }
        };
        this.hash.set(hash);
    }
    Ok(this.hash.get())
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<Time>(), b.downcast::<Time>()) else {
        return Ok(Value::not_implemented());
    };
    if x.zone.get() == y.zone.get() {
        return Ok(Value::bool(op.holds(x.data.cmp(&y.data))));
    }
    let (p, q) = (offset(cx, a)?, offset(cx, b)?);
    match (p, q) {
        (p, q) if p == q => Ok(Value::bool(op.holds(x.data.cmp(&y.data)))),
        (Some(p), Some(q)) => Ok(Value::bool(op.holds((x.micros() - p).cmp(&(y.micros() - q))))),
        _ => match op {
            CmpOp::Eq => Ok(Value::bool(false)),
            CmpOp::Ne => Ok(Value::bool(true)),
            _ => raise!(cx, TypeError, "can't compare offset-naive and offset-aware times"),
        },
    }
}

fn offset(cx: &mut Cx, v: Value) -> PyResult<Option<i64>> {
    tzinfo::offset_of(cx, of(v).zone.get(), Value::none())
}

impl Time {
    /// Its parts.
    pub fn clock(&self) -> Clock {
        let d = self.data.map(i32::from);
        Clock { hour: d[0], minute: d[1], second: d[2], micro: d[3] << 16 | d[4] << 8 | d[5] }
    }

    /// Its zone.
    pub fn zone(&self) -> Option<Value> {
        self.zone.get()
    }

    /// Its fold.
    pub fn fold(&self) -> i32 {
        self.fold.into()
    }

    fn micros(&self) -> i64 {
        let c = self.clock();
        let seconds = i64::from(c.hour) * 3600 + i64::from(c.minute) * 60 + i64::from(c.second);
        seconds * SECOND + i64::from(c.micro)
    }

    fn state(&'static self, cx: &mut Cx, protocol: i64) -> Value {
        let mut data = self.data;
        if protocol > 3 && self.fold != 0 {
            data[0] |= 128;
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

/// The zone of a parsed text. May collect.
pub fn zone_value(cx: &mut Cx, zone: Zone) -> PyResult<Option<Value>> {
    match zone {
        Zone::None => Ok(None),
        Zone::Utc => Ok(Some(tzinfo::utc(cx))),
        Zone::Offset(micros) => tzinfo::fixed(cx, micros, None).map(Some),
    }
}

/// Midnight may be written as 24:00; true if it is.
pub fn normalize_midnight(cx: &mut Cx, clock: &mut Clock) -> PyResult<bool> {
    if clock.hour != 24 {
        return Ok(false);
    }
    if clock.minute != 0 || clock.second != 0 || clock.micro != 0 {
        return raise!(cx, ValueError, "minute, second, and microsecond must be 0 when hour is 24");
    }
    clock.hour = 0;
    Ok(true)
}

#[pymethods]
impl Time {
    #[getter]
    fn hour(_cx: &mut Cx, this: &'static Time) -> i64 {
        this.data[0] as i64
    }
    #[getter]
    fn minute(_cx: &mut Cx, this: &'static Time) -> i64 {
        this.data[1] as i64
    }
    #[getter]
    fn second(_cx: &mut Cx, this: &'static Time) -> i64 {
        this.data[2] as i64
    }
    #[getter]
    fn microsecond(_cx: &mut Cx, this: &'static Time) -> i64 {
        this.clock().micro as i64
    }
    #[getter("tzinfo")]
    fn tzinfo_(_cx: &mut Cx, this: &'static Time) -> Option<Value> {
        this.zone.get()
    }
    #[getter("fold")]
    fn fold_(_cx: &mut Cx, this: &'static Time) -> i64 {
        this.fold as i64
    }

    /// string, format -> new time parsed from a string (like time.strptime()).
    #[classmethod]
    #[py("($type, string, format, /)")]
    fn strptime(cx: &mut Cx, class: Value, string: &'static Str, format: &'static Str) -> PyResult<Value> {
        super::strptime(cx, "_strptime_datetime_time", class, Value::of(string), Value::of(format))
    }

    /// Construct a time from a string in ISO 8601 format.
    #[classmethod]
    #[py("($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        let text = iso_text(cx, object)?;
        let text = text.strip_prefix(b"T").unwrap_or(&text);
        let Some((mut clock, zone)) = calendar::parse_time(text) else { return invalid_iso(cx, object) };
        normalize_midnight(cx, &mut clock)?;
        let zone = zone_value(cx, zone)?;
        make(cx, class_of(class), clock, 0, zone)
    }

    /// Return the time formatted according to ISO.
    ///
    /// The full format is 'HH:MM:SS.mmmmmm+zz:zz'. By default, the fractional
    /// part is omitted if self.microsecond == 0.
    ///
    /// The optional argument timespec specifies the number of additional
    /// terms of the time to include. Valid options are 'auto', 'hours',
    /// 'minutes', 'seconds', 'milliseconds' and 'microseconds'.
    #[py("($self, /, timespec='auto')")]
    fn isoformat(cx: &mut Cx, this: &'static Time, timespec: Option<&'static Str>) -> PyResult<String> {
        let clock = format::clock_text(cx, this.clock(), timespec)?;
        Ok(clock + &format::zone_text(cx, this.zone.get(), Value::none())?)
    }

    /// Format using strftime().
    ///
    /// The date part of the timestamp passed to the underlying strftime should not be used.
    #[py("($self, /, format)")]
    fn strftime(cx: &mut Cx, this: &'static Time, format: &'static Str) -> PyResult<Value> {
        let tuple = struct_time(cx, (1900, 1, 1), this.clock(), -1)?;
        let micro = this.clock().micro;
        format::strftime(cx, Value::of(this), this.zone.get(), Value::none(), micro, format, tuple)
    }

    /// Formats self with strftime.
    #[py("($self, format, /)")]
    fn __format__(cx: &mut Cx, this: &'static Time, format: &'static Str) -> PyResult<Value> {
        format_of(cx, Value::of(this), format)
    }

    /// Return self.tzinfo.utcoffset(self).
    #[py("($self, /)")]
    fn utcoffset(cx: &mut Cx, this: &'static Time) -> PyResult<Value> {
        tzinfo::offset_value(cx, this.zone.get(), "utcoffset", Value::none())
    }

    /// Return self.tzinfo.tzname(self).
    #[py("($self, /)")]
    fn tzname(cx: &mut Cx, this: &'static Time) -> PyResult<Value> {
        tzinfo::name_of(cx, this.zone.get(), Value::none())
    }

    /// Return self.tzinfo.dst(self).
    #[py("($self, /)")]
    fn dst(cx: &mut Cx, this: &'static Time) -> PyResult<Value> {
        tzinfo::offset_value(cx, this.zone.get(), "dst", Value::none())
    }

    /// Return time with new specified fields.
    #[py("($self, /, hour=None, minute=None, second=None, microsecond=None, tzinfo=None, *, fold=None)")]
    fn replace(
        cx: &mut Cx,
        this: &'static Time,
        hour: Option<Value>,
        minute: Option<Value>,
        second: Option<Value>,
        microsecond: Option<Value>,
        tzinfo: Option<Value>,
        fold: Option<Value>,
    ) -> PyResult<Value> {
        let old = this.clock();
        let clock = Clock {
            hour: part(cx, hour, old.hour)?,
            minute: part(cx, minute, old.minute)?,
            second: part(cx, second, old.second)?,
            micro: part(cx, microsecond, old.micro)?,
        };
        let zone = match tzinfo {
            Some(_) => check_zone(cx, tzinfo)?,
            None => this.zone.get(),
        };
        let fold = part(cx, fold, this.fold.into())?;
        make(cx, Value::of(this).class(), clock, fold, zone)
    }

    /// The same as replace().
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        replaced(cx, args)
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[py("($self, proto, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: &'static Time, proto: Value) -> PyResult<Value> {
        let protocol = number::to_i64(cx, proto)?;
        Ok(this.state(cx, protocol))
    }

    /// __reduce__() -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Time) -> Value {
        this.state(cx, 2)
    }
}
