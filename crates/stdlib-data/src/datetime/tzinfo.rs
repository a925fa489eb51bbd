//! `tzinfo` and `timezone`, and how the other types ask a zone.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::{attr, hash, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use taipan_stdlib::host::Global;

use super::calendar::{DAY, SECOND, offset_text};
use super::datetime::{self, DateTime};
use super::delta::{self, Delta};
use super::set_constant;
use crate::zoneinfo::ZoneInfo;

/// A time zone; what it knows is in subclasses.
#[repr(C)]
pub struct TzInfo {
    header: Header,
}
object!(TzInfo, TZINFO);

/// For types without references.
pub unsafe fn trace_nothing(_: *mut Header, _: &mut Marker) {}

/// The type `datetime.tzinfo`.
pub static TZINFO: Type = Type::new(&TZINFO_SPEC);
static TZINFO_SPEC: TypeSpec = TypeSpec {
    name: "datetime.tzinfo",
    basicsize: std::mem::size_of::<TzInfo>(),
    flags: flags::BASETYPE,
    trace: Some(trace_nothing),
    slots: Slots {
        new: Some(|cx, class, _| Ok(Value::of(cx.alloc_of(class, TzInfo { header: Header::fresh(class) })))),
        ..Slots::NONE
    },
    methods: &[TzInfo::METHODS],
    doc: "Abstract base class for time zone info objects.",
    ..TypeSpec::DEFAULT
};

fn not_implemented(cx: &mut Cx, name: &str) -> PyResult<Value> {
    raise!(cx, NotImplementedError, "a tzinfo subclass must implement {name}()")
}

#[pymethods]
impl TzInfo {
    /// datetime -> string name of time zone.
    #[py("($self, object, /)")]
    fn tzname(cx: &mut Cx, _this: Value, _object: Value) -> PyResult<Value> {
        not_implemented(cx, "tzname")
    }

    /// datetime -> timedelta showing offset from UTC, negative values indicating West of UTC
    #[py("($self, object, /)")]
    fn utcoffset(cx: &mut Cx, _this: Value, _object: Value) -> PyResult<Value> {
        not_implemented(cx, "utcoffset")
    }

    /// datetime -> DST offset as timedelta positive east of UTC.
    #[py("($self, object, /)")]
    fn dst(cx: &mut Cx, _this: Value, _object: Value) -> PyResult<Value> {
        not_implemented(cx, "dst")
    }

    /// datetime in UTC -> datetime in local time.
    #[py("($self, object, /)")]
    fn fromutc(cx: &mut Cx, this: Value, object: Value) -> PyResult<Value> {
        let Some(dt) = object.downcast::<DateTime>() else {
            return raise!(cx, TypeError, "fromutc: argument must be a datetime");
        };
        if dt.zone() != Some(this) {
            return raise!(cx, ValueError, "fromutc: dt.tzinfo is not self");
        }
        let Some(offset) = ask_offset(cx, this, "utcoffset", object)? else {
            return raise!(cx, ValueError, "fromutc: non-None utcoffset() result required");
        };
        let Some(dst) = ask_offset(cx, this, "dst", object)? else {
            return raise!(cx, ValueError, "fromutc: non-None dst() result required");
        };
        let shifted = datetime::shift(cx, object, i128::from(offset - dst))?;
        let Some(dst) = ask_offset(cx, this, "dst", shifted)? else {
            return raise!(cx, ValueError, "fromutc: tz.dst() gave inconsistent results; cannot convert");
        };
        if dst == 0 {
            return Ok(shifted);
        }
        datetime::shift(cx, shifted, i128::from(dst))
    }

    /// -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let name = cx.intern("__getinitargs__");
        let args = match attr::get_optional(cx, this, name)? {
            Some(f) => cx.call(f, &[])?,
            None => Value::of(Tuple::new(cx, &[])),
        };
        let state = cx.call_method_text(this, "__getstate__", &[])?;
        let class = Value::of(this.class());
        Ok(Value::of(Tuple::new(cx, &[class, args, state])))
    }
}

// ---- asking a zone -----------------------------------------------------------------------------------

/// Calls `zone.name(arg)`, which must give None or a timedelta of less than a day: microseconds.
pub fn ask_offset(cx: &mut Cx, zone: Value, name: &str, arg: Value) -> PyResult<Option<i64>> {
    if let Some(fixed) = zone.exact::<TimeZone>() {
        return Ok(if name == "dst" { None } else { Some(fixed.micros()) });
    }
    // The library's own zones need no lookup and no timedelta.
    if name == "utcoffset"
        && let (Some(zone), Some(dt)) = (zone.exact::<ZoneInfo>(), arg.downcast::<DateTime>())
        && let Some(micros @ ..DAY) = zone.offset_at(cx, dt)?
        && micros > -DAY
    {
        return Ok(Some(micros));
    }
    let result = cx.call_method_text(zone, name, &[arg])?;
    if result.is_none() {
        return Ok(None);
    }
    let Some(delta) = result.downcast::<Delta>() else {
        let got = result.class().tp_name();
        return raise!(cx, TypeError, "tzinfo.{name}() must return None or a timedelta, not '{got}'");
    };
    let micros = delta.total();
    if micros <= -i128::from(DAY) || micros >= i128::from(DAY) {
        return raise!(
            cx,
            ValueError,
            "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24)."
        );
    }
    Ok(Some(micros as i64))
}

/// `zone.fromutc(dt)`.
pub fn from_utc(cx: &mut Cx, zone: Value, dt: Value) -> PyResult<Value> {
    if let Some(zone) = zone.exact::<TimeZone>() {
        return TimeZone::fromutc(cx, zone, dt);
    }
    match zone.exact::<ZoneInfo>() {
        Some(zone) => ZoneInfo::fromutc(cx, zone, dt),
        None => cx.call_method_text(zone, "fromutc", &[dt]),
    }
}

/// As [`ask_offset`], None for times without a zone.
pub fn offset_of(cx: &mut Cx, zone: Option<Value>, arg: Value) -> PyResult<Option<i64>> {
    match zone {
        None => Ok(None),
        Some(zone) => ask_offset(cx, zone, "utcoffset", arg),
    }
}

/// The timedelta or None of a method of the zone, for the methods of times.
pub fn offset_value(cx: &mut Cx, zone: Option<Value>, name: &str, arg: Value) -> PyResult<Value> {
    let Some(zone) = zone else { return Ok(Value::none()) };
    match ask_offset(cx, zone, name, arg)? {
        Some(micros) => delta::from_micros(cx, i128::from(micros)),
        None => Ok(Value::none()),
    }
}

/// `zone.tzname(arg)`, None without a zone.
pub fn name_of(cx: &mut Cx, zone: Option<Value>, arg: Value) -> PyResult<Value> {
    let Some(zone) = zone else { return Ok(Value::none()) };
    let name = cx.call_method_text(zone, "tzname", &[arg])?;
    if !name.is_none() && name.downcast::<Str>().is_none() {
        let got = name.class().tp_name();
        return raise!(cx, TypeError, "tzinfo.tzname() must return None or a string, not '{got}'");
    }
    Ok(name)
}

// ---- timezone ----------------------------------------------------------------------------------------

/// A fixed offset.
#[repr(C)]
pub struct TimeZone {
    header: Header,
    offset: Cell<Option<Value>>,
    name: Cell<Option<Value>>,
}
object!(TimeZone, TIMEZONE);
trace_values!(trace_timezone, TimeZone, |t| [t.offset.get(), t.name.get()]);

/// The type `datetime.timezone`.
pub static TIMEZONE: Type = Type::new(&TIMEZONE_SPEC);
static TIMEZONE_SPEC: TypeSpec = TypeSpec {
    name: "datetime.timezone",
    base: Some(&TZINFO),
    basicsize: std::mem::size_of::<TimeZone>(),
    trace: Some(trace_timezone),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|cx, v| Ok(of(v).name_value(cx))),
        hash: Some(|cx, v| hash::hash(cx, of(v).offset())),
        richcompare: Some(|_, a, b, op| {
            let same = match (a.downcast::<TimeZone>(), b.downcast::<TimeZone>()) {
                (Some(a), Some(b)) => a.micros() == b.micros(),
                _ => return Ok(Value::not_implemented()),
            };
            match op {
                CmpOp::Eq => Ok(Value::bool(same)),
                CmpOp::Ne => Ok(Value::bool(!same)),
                _ => Ok(Value::not_implemented()),
            }
        }),
        ..Slots::NONE
    },
    methods: &[TimeZone::METHODS],
    doc: "Fixed offset from UTC implementation of tzinfo.",
    ..TypeSpec::DEFAULT
};

static UTC: Global = Global::new();

/// `timezone.utc`.
pub fn utc(cx: &mut Cx) -> Value {
    match UTC.get() {
        Some(utc) => utc,
        None => {
            cx.ready_type(&TIMEZONE);
            let zero = delta::from_micros(cx, 0).unwrap_or(Value::none());
            let utc = alloc(cx, zero, None);
            UTC.set(cx, utc);
            utc
        }
    }
}

fn alloc(cx: &mut Cx, offset: Value, name: Option<Value>) -> Value {
    let zone = TimeZone { header: Header::fresh(&TIMEZONE), offset: Cell::new(Some(offset)), name: Cell::new(name) };
    Value::of(cx.alloc(zone))
}

/// The zone with this offset in microseconds. May collect.
pub fn fixed(cx: &mut Cx, micros: i64, name: Option<Value>) -> PyResult<Value> {
    if micros == 0 && name.is_none() {
        return Ok(utc(cx));
    }
    let offset = delta::from_micros(cx, i128::from(micros))?;
    if micros.abs() >= DAY {
        let shown = protocol_object::repr_text(cx, offset)?;
        return raise!(
            cx,
            ValueError,
            "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}"
        );
    }
    Ok(alloc(cx, offset, name))
}

/// `utc`, `min` and `max`; gives `utc`.
pub fn add_constants(cx: &mut Cx) -> Value {
    let utc = utc(cx);
    set_constant(cx, &TIMEZONE, "utc", utc);
    let limit = (23 * 60 + 59) * 60 * SECOND;
    for (name, micros) in [("min", -limit), ("max", limit)] {
        if let Ok(zone) = fixed(cx, micros, None) {
            set_constant(cx, &TIMEZONE, name, zone);
        }
    }
    utc
}

static PARAMS: ParamSpec = super::params("timezone", &["offset", "name"], 2, 1);

fn new(cx: &mut Cx, _class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, &PARAMS, args, &mut bound)?;
    let offset = bound[0].unwrap_or(Value::none());
    let Some(delta) = offset.downcast::<Delta>() else {
        let got = if offset.is_none() { "None".to_string() } else { offset.class().tp_name() };
        return raise!(cx, TypeError, "timezone() argument 1 must be datetime.timedelta, not {got}");
    };
    if let Some(name) = bound[1].filter(|n| n.downcast::<Str>().is_none()) {
        let got = if name.is_none() { "None".to_string() } else { name.class().tp_name() };
        return raise!(cx, TypeError, "timezone() argument 2 must be str, not {got}");
    }
    let micros = delta.total();
    if micros.abs() >= i128::from(DAY) {
        return fixed(cx, if micros < 0 { -DAY } else { DAY }, None).or_else(|_| {
            cx.take_exception();
            let shown = protocol_object::repr_text(cx, offset)?;
            raise!(
                cx,
                ValueError,
                "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}"
            )
        });
    }
    if micros == 0 && bound[1].is_none() {
        return Ok(utc(cx));
    }
    Ok(alloc(cx, offset, bound[1]))
}

fn of(v: Value) -> &'static TimeZone {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if UTC.get() == Some(v) {
        return Ok(cx.str("datetime.timezone.utc"));
    }
    let (this, class) = (of(v), v.class().tp_name());
    let offset = protocol_object::repr_text(cx, this.offset())?;
    match this.name.get() {
        None => Ok(cx.str(&format!("{class}({offset})"))),
        Some(name) => {
            let name = protocol_object::repr_text(cx, name)?;
            Ok(cx.str(&format!("{class}({offset}, {name})")))
        }
    }
}

fn check_argument(cx: &mut Cx, v: Value, name: &str) -> PyResult<()> {
    if v.is_none() || v.downcast::<DateTime>().is_some() {
        return Ok(());
    }
    let got = v.class().tp_name();
    raise!(cx, TypeError, "{name}(dt) argument must be a datetime instance or None, not {got}")
}

impl TimeZone {
    fn offset(&self) -> Value {
        self.offset.get().unwrap_or(Value::none())
    }

    /// The offset in microseconds.
    pub fn micros(&self) -> i64 {
        delta::micros_of(self.offset()).unwrap_or(0) as i64
    }

    fn name_value(&self, cx: &mut Cx) -> Value {
        match (self.name.get(), self.micros()) {
            (Some(name), _) => name,
            (None, 0) => cx.str("UTC"),
            (None, micros) => cx.str(&format!("UTC{}", offset_text(micros, ":"))),
        }
    }
}

#[pymethods]
impl TimeZone {
    /// If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'.
    #[py("($self, object, /)")]
    fn tzname(cx: &mut Cx, this: &'static TimeZone, object: Value) -> PyResult<Value> {
        check_argument(cx, object, "tzname")?;
        Ok(this.name_value(cx))
    }

    /// Return fixed offset.
    #[py("($self, object, /)")]
    fn utcoffset(cx: &mut Cx, this: &'static TimeZone, object: Value) -> PyResult<Value> {
        check_argument(cx, object, "utcoffset")?;
        Ok(this.offset())
    }

    /// Return None.
    #[py("($self, object, /)")]
    fn dst(cx: &mut Cx, _this: &'static TimeZone, object: Value) -> PyResult<()> {
        check_argument(cx, object, "dst")
    }

    /// datetime in UTC -> datetime in local time.
    #[py("($self, object, /)")]
    fn fromutc(cx: &mut Cx, this: &'static TimeZone, object: Value) -> PyResult<Value> {
        let Some(dt) = object.downcast::<DateTime>() else {
            return raise!(cx, TypeError, "fromutc: argument must be a datetime instance");
        };
        if dt.zone() != Some(Value::of(this)) {
            return raise!(cx, ValueError, "fromutc: dt.tzinfo is not self");
        }
        datetime::shift(cx, object, i128::from(this.micros()))
    }

    /// pickle support
    #[py("($self, /)")]
    fn __getinitargs__(cx: &mut Cx, this: &'static TimeZone) -> Value {
        match this.name.get() {
            None => Value::of(Tuple::new(cx, &[this.offset()])),
            Some(name) => Value::of(Tuple::new(cx, &[this.offset(), name])),
        }
    }
}
