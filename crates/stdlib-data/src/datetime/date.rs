//! `date`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{GetSetDef, ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use super::calendar::{self, DAY, DateText, IsoError, MAX_ORDINAL, MONTHS, WEEKDAYS};
use super::datetime::DateTime;
use super::{check_date, delta, format, format_of, iso_text, local, params, part, pickled_state, set_constant};

/// A date; datetimes start with the same fields.
#[repr(C)]
pub struct Date {
    header: Header,
    pub(super) hash: Cell<i64>,
    pub(super) has_zone: u8,
    pub(super) data: [u8; 4],
}
object!(Date, DATE);

/// The type `datetime.date`.
pub static DATE: Type = Type::new(&DATE_SPEC);
static DATE_SPEC: TypeSpec = TypeSpec {
    name: "datetime.date",
    basicsize: std::mem::size_of::<Date>(),
    flags: flags::BASETYPE,
    trace: Some(super::tzinfo::trace_nothing),
    slots: Slots {
        new: Some(new),
        repr: Some(|cx, v| {
            let ((y, m, d), name) = (of(v).ymd(), v.class().tp_name());
            Ok(cx.str(&format!("{name}({y}, {m}, {d})")))
        }),
        str: Some(|cx, v| cx.call_method_text(v, "isoformat", &[])),
        hash: Some(|_, v| {
            let this = of(v);
            if this.hash.get() == -1 {
                this.hash.set(format::hash_bytes(&this.data));
            }
            Ok(this.hash.get())
        }),
        richcompare: Some(richcompare),
        add: Some(add),
        sub: Some(sub),
        ..Slots::NONE
    },
    methods: &[Date::METHODS],
    getsets: &[Date::GETSETS],
    doc: "date(year, month, day) --> date object",
    ..TypeSpec::DEFAULT
};

/// `datetime.IsoCalendarDate`: a struct sequence that is pickled as a plain tuple.
pub static ISO_DATE: Type = Type::new(&ISO_DATE_SPEC);
static ISO_DATE_SPEC: TypeSpec = TypeSpec {
    name: "datetime.IsoCalendarDate",
    base: Some(&taipan_runtime::types::tuple_methods::TUPLE),
    trace: Some(structseq::trace::<3>),
    slots: Slots { repr: Some(structseq::repr), new: Some(structseq::construct), ..Slots::NONE },
    methods: &[IsoDate::METHODS],
    getsets: &[&ISO_DATE_FIELDS],
    doc: "The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, weekday))\nor via the object attributes as named in the above tuple.",
    signature: "(iterable=(), /)",
    ..TypeSpec::DEFAULT
};
static ISO_DATE_FIELDS: [GetSetDef; 3] = structseq::getsets(&[("year", ""), ("week", ""), ("weekday", "")], &[]);

struct IsoDate;

#[pymethods]
impl IsoDate {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        let items = this.downcast::<Tuple>().map_or(&[][..], |t| t.items());
        let plain = Value::of(Tuple::new(cx, items));
        let args = Value::of(Tuple::new(cx, &[plain]));
        let class = Value::of(&taipan_runtime::types::tuple_methods::TUPLE);
        Value::of(Tuple::new(cx, &[class, args]))
    }
}

/// `min`, `max` and `resolution`.
pub fn add_constants(cx: &mut Cx) {
    structseq::ready(cx, &ISO_DATE, 3);
    for (name, ymd) in [("min", (1, 1, 1)), ("max", (9999, 12, 31))] {
        let value = alloc(cx, &DATE, ymd);
        set_constant(cx, &DATE, name, value);
    }
    if let Ok(day) = delta::from_micros(cx, i128::from(DAY)) {
        set_constant(cx, &DATE, "resolution", day);
    }
}

fn of(v: Value) -> &'static Date {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// A date of exactly this class, whose parts were checked. May collect.
pub fn alloc(cx: &mut Cx, class: &'static Type, (year, month, day): (i32, i32, i32)) -> Value {
    cx.ready_type(class);
    let data = [(year >> 8) as u8, year as u8, month as u8, day as u8];
    Value::of(cx.alloc_of(class, Date { header: Header::fresh(class), hash: Cell::new(-1), has_zone: 0, data }))
}

/// `cls(year, month, day)`, directly for `date` itself.
fn make(cx: &mut Cx, class: &'static Type, (year, month, day): (i32, i32, i32)) -> PyResult<Value> {
    if std::ptr::eq(class, &DATE) {
        check_date(cx, year, month, day)?;
        return Ok(alloc(cx, class, (year, month, day)));
    }
    cx.call(Value::of(class), &[year, month, day].map(|n| Value::small(n as i64)))
}

static PARAMS: ParamSpec = params("function", &["year", "month", "day"], 3, 0);

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.pos().len() == 1
        && args.kwnames().is_none()
        && let Some(state) = pickled_state(args.pos().first(), 4).filter(|s| (1..=12).contains(&s[2]))
    {
        let data = [state[0], state[1], state[2], state[3]];
        let date = Date { header: Header::fresh(class), hash: Cell::new(-1), has_zone: 0, data };
        return Ok(Value::of(cx.alloc_of(class, date)));
    }
    let n = args.values().len();
    if n > 3 {
        return raise!(cx, TypeError, "function takes at most 3 arguments ({n} given)");
    }
    let mut bound = [None; 3];
    bind(cx, &PARAMS, args, &mut bound)?;
    let [year, month, day] = required(cx, [bound[0], bound[1], bound[2]])?;
    check_date(cx, year, month, day)?;
    Ok(alloc(cx, class, (year, month, day)))
}

/// Year, month and day, of which none may be missing.
pub fn required(cx: &mut Cx, given: [Option<Value>; 3]) -> PyResult<[i32; 3]> {
    let mut numbers = [0; 3];
    for (i, name) in PARAMS.names.iter().enumerate() {
        if given[i].is_none() {
            return raise!(cx, TypeError, "function missing required argument '{name}' (pos {})", i + 1);
        }
        numbers[i] = part(cx, given[i], 0)?;
    }
    Ok(numbers)
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    // A datetime is no date to compare with.
    let plain = |v: Value| v.downcast::<Date>().filter(|_| v.downcast::<DateTime>().is_none());
    match (plain(a), plain(b)) {
        (Some(x), Some(y)) => Ok(Value::bool(op.holds(x.data.cmp(&y.data)))),
        _ => Ok(Value::not_implemented()),
    }
}

/// The date so many days later, of the same class.
fn shifted(cx: &mut Cx, v: Value, days: i64) -> PyResult<Value> {
    let ordinal = of(v).ordinal() + days;
    if !(1..=MAX_ORDINAL).contains(&ordinal) {
        return raise!(cx, OverflowError, "date value out of range");
    }
    make(cx, v.class(), calendar::from_ordinal(ordinal))
}

fn days_of(v: Value) -> Option<i64> {
    v.downcast::<delta::Delta>().map(|d| d.days())
}

fn add(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if a.downcast::<DateTime>().is_some() || b.downcast::<DateTime>().is_some() {
        return Ok(Value::not_implemented());
    }
    match (a.downcast::<Date>(), days_of(b), days_of(a), b.downcast::<Date>()) {
        (Some(_), Some(days), ..) => shifted(cx, a, days),
        (_, _, Some(days), Some(_)) => shifted(cx, b, days),
        _ => Ok(Value::not_implemented()),
    }
}

fn sub(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(x) = a.downcast::<Date>().filter(|_| a.downcast::<DateTime>().is_none()) else {
        return Ok(Value::not_implemented());
    };
    if let Some(days) = days_of(b) {
        return shifted(cx, a, -days);
    }
    match b.downcast::<Date>().filter(|_| b.downcast::<DateTime>().is_none()) {
        Some(y) => delta::from_micros(cx, i128::from(x.ordinal() - y.ordinal()) * i128::from(DAY)),
        None => Ok(Value::not_implemented()),
    }
}

/// `time.struct_time` of these fields.
pub fn struct_time(cx: &mut Cx, (y, m, d): (i32, i32, i32), clock: calendar::Clock, dst: i32) -> PyResult<Value> {
    let class = import_attr(cx, "time", "struct_time")?;
    let yday = calendar::days_before_month(y, m) + d;
    let parts = [y, m, d, clock.hour, clock.minute, clock.second, calendar::weekday(y, m, d), yday, dst];
    let parts = Value::of(Tuple::new(cx, &parts.map(|n| Value::small(n as i64))));
    cx.call(class, &[parts])
}

/// The class argument of a class method.
pub fn class_of(v: Value) -> &'static Type {
    // SAFETY: class methods receive a class.
    unsafe { v.cast() }
}

fn iso_error(cx: &mut Cx, error: IsoError, year: i64, week: i64, day: i64) -> PyResult<Value> {
    match error {
        IsoError::Year => raise!(cx, ValueError, "year must be in 1..9999, not {year}"),
        IsoError::Week => raise!(cx, ValueError, "Invalid week: {week}"),
        IsoError::Day => raise!(cx, ValueError, "Invalid weekday: {day} (range is [1, 7])"),
    }
}

/// The date of an ISO text without a time.
pub fn parse(text: &[u8]) -> Option<(i32, i32, i32)> {
    match calendar::parse_date(text)? {
        DateText::Plain(y, m, d) => Some((y, m, d)),
        DateText::Week(year, week, day) => {
            let ordinal = calendar::from_iso_calendar(year.into(), week.into(), day.into()).ok()?;
            (1..=MAX_ORDINAL).contains(&ordinal).then(|| calendar::from_ordinal(ordinal))
        }
    }
}

impl Date {
    /// Its fields.
    pub fn new_fields(year: i32, month: i32, day: i32) -> [u8; 4] {
        [(year >> 8) as u8, year as u8, month as u8, day as u8]
    }

    /// Year, month, day.
    pub fn ymd(&self) -> (i32, i32, i32) {
        (i32::from(self.data[0]) << 8 | i32::from(self.data[1]), self.data[2].into(), self.data[3].into())
    }

    /// Days since 0000-12-31.
    pub fn ordinal(&self) -> i64 {
        let (y, m, d) = self.ymd();
        calendar::ordinal(y, m, d)
    }
}

#[pymethods]
impl Date {
    #[getter]
    fn year(_cx: &mut Cx, this: &'static Date) -> i64 {
        this.ymd().0 as i64
    }

    #[getter]
    fn month(_cx: &mut Cx, this: &'static Date) -> i64 {
        this.data[2] as i64
    }

    #[getter]
    fn day(_cx: &mut Cx, this: &'static Date) -> i64 {
        this.data[3] as i64
    }

    /// Create a date from a POSIX timestamp.
    ///
    /// The timestamp is a number, e.g. created via time.time(), that is interpreted
    /// as local time.
    #[classmethod]
    #[py("($type, timestamp, /)")]
    fn fromtimestamp(cx: &mut Cx, class: Value, timestamp: Value) -> PyResult<Value> {
        let seconds = local::timestamp_seconds(cx, timestamp)?;
        let Some((b, _)) = local::broken(seconds, false) else {
            return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
        };
        let year = i32::try_from(b.year).unwrap_or(0);
        make(cx, class_of(class), (year, b.month, b.day))
    }

    /// int -> date corresponding to a proleptic Gregorian ordinal.
    #[classmethod]
    #[py("($type, ordinal, /)")]
    fn fromordinal(cx: &mut Cx, class: Value, ordinal: i32) -> PyResult<Value> {
        if ordinal < 1 {
            return raise!(cx, ValueError, "ordinal must be >= 1");
        }
        make(cx, class_of(class), calendar::from_ordinal(ordinal.into()))
    }

    /// Construct a date from a string in ISO 8601 format.
    #[classmethod]
    #[py("($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        let text = iso_text(cx, object)?;
        match parse(&text) {
            Some(ymd) => make(cx, class_of(class), ymd),
            None => super::invalid_iso(cx, object),
        }
    }

    /// int, int, int -> Construct a date from the ISO year, week number and weekday.
    ///
    /// This is the inverse of the function date.isocalendar()
    #[classmethod]
    #[py("($type, /, year, week, day)")]
    fn fromisocalendar(cx: &mut Cx, class: Value, year: i64, week: i64, day: i64) -> PyResult<Value> {
        match calendar::from_iso_calendar(year, week, day) {
            Ok(ordinal) => make(cx, class_of(class), calendar::from_ordinal(ordinal)),
            Err(error) => iso_error(cx, error, year, week, day),
        }
    }

    /// Current date or datetime.
    ///
    /// Equivalent to cls.fromtimestamp(time.time()).
    #[classmethod]
    #[py("($type, /)")]
    fn today(cx: &mut Cx, class: Value) -> PyResult<Value> {
        if class == Value::of(&DATE) {
            let (seconds, _) = local::now();
            if let Some((b, _)) = local::broken(seconds, false) {
                return make(cx, &DATE, (b.year as i32, b.month, b.day));
            }
        }
        let f = import_attr(cx, "time", "time")?;
        let now = cx.call(f, &[])?;
        cx.call_method_text(class, "fromtimestamp", &[now])
    }

    /// string, format -> new date parsed from a string (like time.strptime()).
    #[classmethod]
    #[py("($type, string, format, /)")]
    fn strptime(cx: &mut Cx, class: Value, string: &'static Str, format: &'static Str) -> PyResult<Value> {
        super::strptime(cx, "_strptime_datetime_date", class, Value::of(string), Value::of(format))
    }

    /// Return ctime() style string.
    #[py("($self, /)")]
    fn ctime(_cx: &mut Cx, this: &'static Date) -> String {
        ctime_text(this.ymd(), calendar::Clock::default())
    }

    /// Format using strftime().
    ///
    /// Example: "%d/%m/%Y, %H:%M:%S".
    #[py("($self, /, format)")]
    fn strftime(cx: &mut Cx, this: &'static Date, format: &'static Str) -> PyResult<Value> {
        let v = Value::of(this);
        let tuple = cx.call_method_text(v, "timetuple", &[])?;
        format::strftime(cx, v, None, v, 0, format, tuple)
    }

    /// Formats self with strftime.
    #[py("($self, format, /)")]
    fn __format__(cx: &mut Cx, this: &'static Date, format: &'static Str) -> PyResult<Value> {
        format_of(cx, Value::of(this), format)
    }

    /// Return string in ISO 8601 format, YYYY-MM-DD.
    #[py("($self, /)")]
    fn isoformat(_cx: &mut Cx, this: &'static Date) -> String {
        let (y, m, d) = this.ymd();
        format!("{y:04}-{m:02}-{d:02}")
    }

    /// Return the day of the week represented by the date.
    ///
    /// Monday == 1 ... Sunday == 7
    #[py("($self, /)")]
    fn isoweekday(_cx: &mut Cx, this: &'static Date) -> i64 {
        let (y, m, d) = this.ymd();
        calendar::weekday(y, m, d) as i64 + 1
    }

    /// Return a named tuple containing ISO year, week number, and weekday.
    #[py("($self, /)")]
    fn isocalendar(cx: &mut Cx, this: &'static Date) -> Value {
        let (y, m, d) = this.ymd();
        let (year, week, day) = calendar::iso_calendar(y, m, d);
        structseq::new(cx, &ISO_DATE, &[year, week, day].map(|n| Value::small(n as i64)))
    }

    /// Return proleptic Gregorian ordinal.
    ///
    /// January 1 of year 1 is day 1.
    #[py("($self, /)")]
    fn toordinal(_cx: &mut Cx, this: &'static Date) -> i64 {
        this.ordinal()
    }

    /// Return the day of the week represented by the date.
    ///
    /// Monday == 0 ... Sunday == 6
    #[py("($self, /)")]
    fn weekday(_cx: &mut Cx, this: &'static Date) -> i64 {
        let (y, m, d) = this.ymd();
        calendar::weekday(y, m, d) as i64
    }

    /// Return time tuple, compatible with time.localtime().
    #[py("($self, /)")]
    fn timetuple(cx: &mut Cx, this: &'static Date) -> PyResult<Value> {
        struct_time(cx, this.ymd(), calendar::Clock::default(), -1)
    }

    /// Return date with new specified fields.
    #[py("($self, /, year=None, month=None, day=None)")]
    fn replace(
        cx: &mut Cx,
        this: &'static Date,
        year: Option<Value>,
        month: Option<Value>,
        day: Option<Value>,
    ) -> PyResult<Value> {
        let (y, m, d) = this.ymd();
        let ymd = (part(cx, year, y)?, part(cx, month, m)?, part(cx, day, d)?);
        make(cx, Value::of(this).class(), ymd)
    }

    /// The same as replace().
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        replaced(cx, args)
    }

    /// __reduce__() -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Date) -> Value {
        let state = Value::of(Bytes::new(cx, &this.data));
        let state = Value::of(Tuple::new(cx, &[state]));
        let class = Value::of(Value::of(this).class());
        Value::of(Tuple::new(cx, &[class, state]))
    }
}

/// `copy.replace`: only keywords.
pub fn replaced(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let this = args.pos()[0];
    let n = args.pos().len() - 1;
    if n > 0 {
        return raise!(cx, TypeError, "__replace__() takes 0 positional arguments but {n} were given");
    }
    let f = super::get(cx, this, "replace")?;
    cx.call_args(f, args.rest())
}

/// "Thu Feb 29 00:00:00 2024".
pub fn ctime_text((y, m, d): (i32, i32, i32), clock: calendar::Clock) -> String {
    let (weekday, month) = (WEEKDAYS[calendar::weekday(y, m, d) as usize], MONTHS[m as usize - 1]);
    let calendar::Clock { hour, minute, second, .. } = clock;
    format!("{weekday} {month} {d:2} {hour:02}:{minute:02}:{second:02} {y:04}")
}
