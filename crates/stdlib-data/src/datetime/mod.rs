//! `_datetime`: dates, times, differences and fixed time zones. Layouts are CPython's (CABI).

mod calendar;
mod date;
mod datetime;
mod datetime_methods;
mod delta;
mod format;
mod local;
mod time;
mod tzinfo;

pub use calendar::ordinal;
pub use datetime::{DateTime, shift};
pub use delta::from_micros as delta_from_micros;
pub use tzinfo::TZINFO;

use taipan_runtime::native::ParamSpec;
use taipan_runtime::protocol::{attr, number};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use calendar::{MAX_YEAR, MIN_YEAR, days_in_month};

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_datetime");
    let doc = cx.str("Fast implementation of the datetime module.");
    module.set(cx, "__doc__", doc);
    for class in [&date::DATE, &datetime::DATETIME, &time::TIME, &delta::DELTA, &tzinfo::TZINFO, &tzinfo::TIMEZONE] {
        module.add_type(cx, class);
    }
    delta::add_constants(cx);
    let utc = tzinfo::add_constants(cx);
    date::add_constants(cx);
    time::add_constants(cx);
    datetime::add_constants(cx);
    module.set(cx, "MINYEAR", Value::small(MIN_YEAR as i64));
    module.set(cx, "MAXYEAR", Value::small(MAX_YEAR as i64));
    module.set(cx, "UTC", utc);
    let capsule = taipan_runtime::types::capsule::Capsule::opaque(cx);
    module.set(cx, "datetime_CAPI", Value::of(capsule));
    Ok(module)
}

/// The datetime with fold 1, of its own class.
pub fn replace_fold(cx: &mut Cx, v: Value) -> PyResult<Value> {
    match v.downcast::<DateTime>() {
        Some(dt) => datetime::make(cx, v.class(), datetime::Fields { fold: 1, ..dt.fields() }),
        None => Ok(v),
    }
}

/// Sets a class attribute of a static type.
fn set_constant(cx: &mut Cx, class: &'static Type, name: &str, value: Value) {
    let key = cx.intern(name);
    class.dict().set_str(cx, key, value);
    cx.type_modified(class);
}

/// Parameters that can be given by position or name.
const fn params(name: &'static str, names: &'static [&'static str], positional: usize, required: usize) -> ParamSpec {
    const NO: [bool; 4] = [false; 4];
    ParamSpec {
        name,
        names,
        positional_only: 0,
        positional,
        required,
        keyword_required: NO.split_at(names.len() - positional).0,
        varargs: false,
        varkw: false,
    }
}

/// A component that must be an int; the default if it is not given.
fn part(cx: &mut Cx, v: Option<Value>, default: i32) -> PyResult<i32> {
    match v {
        Some(v) => number::to_i32(cx, v),
        None => Ok(default),
    }
}

fn check_date(cx: &mut Cx, year: i32, month: i32, day: i32) -> PyResult<()> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return raise!(cx, ValueError, "year must be in 1..9999, not {year}");
    }
    if !(1..=12).contains(&month) {
        return raise!(cx, ValueError, "month must be in 1..12, not {month}");
    }
    let most = days_in_month(year, month);
    if !(1..=most).contains(&day) {
        return raise!(cx, ValueError, "day {day} must be in range 1..{most} for month {month} in year {year}");
    }
    Ok(())
}

fn check_time(cx: &mut Cx, clock: calendar::Clock, fold: i32) -> PyResult<()> {
    let parts = [("hour", clock.hour, 23), ("minute", clock.minute, 59), ("second", clock.second, 59)];
    for (name, value, most) in parts.into_iter().chain([("microsecond", clock.micro, 999_999)]) {
        if !(0..=most).contains(&value) {
            return raise!(cx, ValueError, "{name} must be in 0..{most}, not {value}");
        }
    }
    if !(0..=1).contains(&fold) {
        return raise!(cx, ValueError, "fold must be either 0 or 1, not {fold}");
    }
    Ok(())
}

/// A `tzinfo` argument: None, or an instance of a tzinfo class.
fn check_zone(cx: &mut Cx, v: Option<Value>) -> PyResult<Option<Value>> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(v) if v.is_instance(&tzinfo::TZINFO) => Ok(Some(v)),
        Some(v) => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type '{got}'")
        }
    }
}

/// The state bytes that pickles give to constructors: bytes, or a str of Latin-1 from Python 2.
fn pickled_state(v: Option<&Value>, len: usize) -> Option<Vec<u8>> {
    let v = *v?;
    if let Some(data) = bytes::data_of(v).filter(|_| v.downcast::<bytes::Bytes>().is_some()) {
        return (data.len() == len).then(|| data.to_vec());
    }
    let s = v.downcast::<Str>().filter(|s| s.len() == len)?;
    s.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// The zone behind a pickled state.
fn pickled_zone(cx: &mut Cx, args: Args) -> PyResult<Option<Value>> {
    match args.pos().get(1) {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if v.is_instance(&tzinfo::TZINFO) => Ok(Some(*v)),
        Some(_) => raise!(cx, TypeError, "bad tzinfo state arg"),
    }
}

/// `__format__`: `str(v)` for "", else `v.strftime(format)`.
fn format_of(cx: &mut Cx, v: Value, format: &'static Str) -> PyResult<Value> {
    if format.is_empty() {
        return Ok(Value::of(taipan_runtime::protocol::object::str(cx, v)?));
    }
    cx.call_method_text(v, "strftime", &[Value::of(format)])
}

/// Calls a function of `_strptime` with a class and two strs.
fn strptime(cx: &mut Cx, function: &str, class: Value, text: Value, format: Value) -> PyResult<Value> {
    let f = taipan_runtime::protocol::import::import_attr(cx, "_strptime", function)?;
    cx.call(f, &[class, text, format])
}

fn invalid_iso<T>(cx: &mut Cx, text: Value) -> PyResult<T> {
    let shown = taipan_runtime::protocol::object::repr_text(cx, text)?;
    raise!(cx, ValueError, "Invalid isoformat string: {shown}")
}

/// The text of an argument of `fromisoformat`.
fn iso_text(cx: &mut Cx, v: Value) -> PyResult<Vec<u8>> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text.to_generalized_utf8().into_owned()),
        None => raise!(cx, TypeError, "fromisoformat: argument must be str"),
    }
}

/// `cls(*args, **{name: value})` for subclasses of these types.
fn call_class(cx: &mut Cx, class: Value, args: &[Value], fold: i32) -> PyResult<Value> {
    if fold == 0 {
        return cx.call(class, args);
    }
    let name = Value::of(cx.intern("fold"));
    let names = taipan_runtime::types::tuple::Tuple::new(cx, &[name]);
    let mut values = taipan_runtime::heap::RootVec::from_slice(args);
    values.push(Value::small(fold as i64));
    cx.call_args(class, Args::new(&values, Some(names)))
}

/// `v.name` as text for a method lookup.
fn get(cx: &mut Cx, v: Value, name: &str) -> PyResult<Value> {
    attr::get_text(cx, v, name)
}
