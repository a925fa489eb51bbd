//! The methods of `datetime`.

use taipan_macros::pymethods;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::protocol::{number, warn};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::float;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};
use taipan_stdlib::host;

use super::calendar::{self, Clock, SECOND, Zone};
use super::date::{self, Date, class_of, ctime_text, replaced, struct_time};
use super::datetime::{self, DATETIME, DateTime, Fields, alloc, make, offset};
use super::time::{self, Time, normalize_midnight, zone_value};
use super::{check_zone, format, format_of, invalid_iso, iso_text, local, part, tzinfo};

/// The methods.
pub struct Methods;

/// A datetime of a timestamp, in local time or UTC.
fn from_stamp(cx: &mut Cx, class: &'static Type, (seconds, micro): (i64, i32), utc: bool) -> PyResult<Value> {
    let Some((b, _)) = local::broken(seconds, utc) else {
        return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
    };
    if !(1..=9999).contains(&b.year) {
        return raise!(cx, ValueError, "year must be in 1..9999, not {}", b.year);
    }
    let ymd = (b.year as i32, b.month, b.day);
    let clock = Clock { micro, ..b.clock };
    let fold = !utc && local::is_fold(cx, seconds, local::seconds_of(ymd.0, ymd.1, ymd.2, clock))?;
    make(cx, class, Fields { ymd, clock, fold: fold.into(), zone: None })
}

/// As [`from_stamp`], in a zone if there is one.
fn in_zone(cx: &mut Cx, class: &'static Type, stamp: (i64, i32), zone: Option<Value>) -> PyResult<Value> {
    let Some(zone) = zone else { return from_stamp(cx, class, stamp, false) };
    let utc = from_stamp(cx, class, stamp, true)?;
    let Some(dt) = utc.downcast::<DateTime>() else { return Ok(utc) };
    let aware = make(cx, class, Fields { zone: Some(zone), ..dt.fields() })?;
    tzinfo::from_utc(cx, zone, aware)
}

/// The local zone at a timestamp. May collect.
fn local_zone(cx: &mut Cx, seconds: i64) -> PyResult<Value> {
    let Some((b, name)) = local::broken(seconds, false) else {
        return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
    };
    let name = Value::of(host::fs_decode(cx, &name));
    tzinfo::fixed(cx, b.offset * SECOND, Some(name))
}

/// The timestamp of a datetime without zone, in local time.
fn local_stamp(cx: &mut Cx, dt: &DateTime) -> PyResult<i64> {
    let (y, m, d) = dt.ymd();
    local::timestamp_of_local(cx, local::seconds_of(y, m, d, dt.clock()), dt.fold() != 0)
}

/// Microseconds of 1970-01-01 since 0000-12-31.
const EPOCH: i128 = 719_163 * calendar::DAY as i128;

/// "T" and the like between date and time.
fn separator(cx: &mut Cx, v: Option<Value>) -> PyResult<u32> {
    let Some(v) = v else { return Ok(u32::from('T')) };
    let Some(s) = v.downcast::<Str>() else {
        let got = if v.is_none() { "None".to_string() } else { v.class().tp_name() };
        return raise!(cx, TypeError, "isoformat() argument 1 must be a unicode character, not {got}");
    };
    match s.len() {
        1 => Ok(s.at(0)),
        n => {
            raise!(cx, TypeError, "isoformat() argument 1 must be a unicode character, not a string of length {n}")
        }
    }
}

fn deprecated(cx: &mut Cx, name: &str, instead: &str) -> PyResult<()> {
    let text = format!(
        "datetime.datetime.{name}() is deprecated and scheduled for removal in a future version. Use timezone-aware \
         objects to represent datetimes in UTC: {instead}."
    );
    warn::warn(cx, &exceptions::DeprecationWarning, &text, 1)
}

#[pymethods]
impl Methods {
    #[getter]
    fn hour(_cx: &mut Cx, this: &'static DateTime) -> i64 {
        this.clock().hour as i64
    }
    #[getter]
    fn minute(_cx: &mut Cx, this: &'static DateTime) -> i64 {
        this.clock().minute as i64
    }
    #[getter]
    fn second(_cx: &mut Cx, this: &'static DateTime) -> i64 {
        this.clock().second as i64
    }
    #[getter]
    fn microsecond(_cx: &mut Cx, this: &'static DateTime) -> i64 {
        this.clock().micro as i64
    }
    #[getter("tzinfo")]
    fn tzinfo_(_cx: &mut Cx, this: &'static DateTime) -> Option<Value> {
        this.zone()
    }
    #[getter]
    fn fold(_cx: &mut Cx, this: &'static DateTime) -> i64 {
        this.fold() as i64
    }

    /// Returns new datetime object representing current time local to tz.
    ///
    ///   tz
    ///     Timezone object.
    ///
    /// If no tz is specified, uses local timezone.
    #[classmethod]
    #[py("($type, /, tz=None)")]
    fn now(cx: &mut Cx, class: Value, tz: Option<Value>) -> PyResult<Value> {
        let zone = check_zone(cx, tz)?;
        in_zone(cx, class_of(class), local::now(), zone)
    }

    /// Return a new datetime representing UTC day and time.
    #[classmethod]
    #[py("($type, /)")]
    fn utcnow(cx: &mut Cx, class: Value) -> PyResult<Value> {
        deprecated(cx, "utcnow", "datetime.datetime.now(datetime.UTC)")?;
        from_stamp(cx, class_of(class), local::now(), true)
    }

    /// timestamp[, tz] -> tz's local time from POSIX timestamp.
    #[classmethod]
    #[py("($type, /, timestamp, tz=None)")]
    fn fromtimestamp(cx: &mut Cx, class: Value, timestamp: Value, tz: Option<Value>) -> PyResult<Value> {
        let zone = check_zone(cx, tz)?;
        let stamp = local::timestamp_parts(cx, timestamp)?;
        in_zone(cx, class_of(class), stamp, zone)
    }

    /// Construct a naive UTC datetime from a POSIX timestamp.
    #[classmethod]
    #[py("($type, timestamp, /)")]
    fn utcfromtimestamp(cx: &mut Cx, class: Value, timestamp: Value) -> PyResult<Value> {
        deprecated(cx, "utcfromtimestamp", "datetime.datetime.fromtimestamp(timestamp, datetime.UTC)")?;
        let stamp = local::timestamp_parts(cx, timestamp)?;
        from_stamp(cx, class_of(class), stamp, true)
    }

    /// string, format -> new datetime parsed from a string (like time.strptime()).
    #[classmethod]
    #[py("($type, string, format, /)")]
    fn strptime(cx: &mut Cx, class: Value, string: &'static Str, format: &'static Str) -> PyResult<Value> {
        super::strptime(cx, "_strptime_datetime_datetime", class, Value::of(string), Value::of(format))
    }

    /// date, time -> datetime with same date and time fields
    #[classmethod]
    #[py("($type, /, date, time, tzinfo=None)")]
    fn combine(
        cx: &mut Cx,
        class: Value,
        date: &'static Date,
        time: &'static Time,
        tzinfo: Option<Value>,
    ) -> PyResult<Value> {
        let zone = match tzinfo {
            Some(_) => check_zone(cx, tzinfo)?,
            None => time.zone(),
        };
        let fields = Fields { ymd: date.ymd(), clock: time.clock(), fold: time.fold(), zone };
        make(cx, class_of(class), fields)
    }

    /// string -> datetime from a string in most ISO 8601 formats
    #[classmethod]
    #[py("($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        let text = iso_text(cx, object)?;
        if text.len() < 7 {
            return invalid_iso(cx, object);
        }
        let end = calendar::date_end(&text);
        let Some((ymd, rest)) = text.split_at_checked(end).and_then(|(d, rest)| Some((date::parse(d)?, rest))) else {
            return invalid_iso(cx, object);
        };
        // Whatever single character is between date and time.
        let skipped = match rest.first() {
            None => 0,
            Some(b) if *b < 0x80 => 1,
            Some(b) => (b.leading_ones() as usize).min(rest.len()),
        };
        let parsed = match &rest[skipped..] {
            [] if rest.is_empty() => Some((Clock::default(), Zone::None)),
            clock => calendar::parse_time(clock),
        };
        let Some((mut clock, zone)) = parsed else { return invalid_iso(cx, object) };
        let next_day = normalize_midnight(cx, &mut clock)?;
        let zone = zone_value(cx, zone)?;
        let (y, m, d) = ymd;
        super::check_date(cx, y, m, d)?;
        let mut ymd = ymd;
        if next_day {
            let ordinal = calendar::ordinal(y, m, d) + 1;
            if ordinal > calendar::MAX_ORDINAL {
                return raise!(cx, ValueError, "year must be in 1..9999, not 10000");
            }
            ymd = calendar::from_ordinal(ordinal);
        }
        make(cx, class_of(class), Fields { ymd, clock, fold: 0, zone })
    }

    /// int -> date corresponding to a proleptic Gregorian ordinal.
    #[classmethod]
    #[py("($type, ordinal, /)")]
    fn fromordinal(cx: &mut Cx, class: Value, ordinal: i32) -> PyResult<Value> {
        if ordinal < 1 {
            return raise!(cx, ValueError, "ordinal must be >= 1");
        }
        let ymd = calendar::from_ordinal(ordinal.into());
        make(cx, class_of(class), Fields { ymd, clock: Clock::default(), fold: 0, zone: None })
    }

    /// Return date object with same year, month and day.
    #[py("($self, /)")]
    fn date(cx: &mut Cx, this: &'static DateTime) -> Value {
        date::alloc(cx, &date::DATE, this.ymd())
    }

    /// Return time object with same time but with tzinfo=None.
    #[py("($self, /)")]
    fn time(cx: &mut Cx, this: &'static DateTime) -> Value {
        time::alloc(cx, &time::TIME, this.clock(), this.fold(), None)
    }

    /// Return time object with same time and tzinfo.
    #[py("($self, /)")]
    fn timetz(cx: &mut Cx, this: &'static DateTime) -> Value {
        time::alloc(cx, &time::TIME, this.clock(), this.fold(), this.zone())
    }

    /// Return ctime() style string.
    #[py("($self, /)")]
    fn ctime(_cx: &mut Cx, this: &'static DateTime) -> String {
        ctime_text(this.ymd(), this.clock())
    }

    /// Return time tuple, compatible with time.localtime().
    #[py("($self, /)")]
    fn timetuple(cx: &mut Cx, this: &'static DateTime) -> PyResult<Value> {
        let dst = match this.zone() {
            None => -1,
            Some(zone) => match tzinfo::ask_offset(cx, zone, "dst", Value::of(this))? {
                None => -1,
                Some(micros) => i32::from(micros != 0),
            },
        };
        struct_time(cx, this.ymd(), this.clock(), dst)
    }

    /// Return UTC time tuple, compatible with time.localtime().
    #[py("($self, /)")]
    fn utctimetuple(cx: &mut Cx, this: &'static DateTime) -> PyResult<Value> {
        let total = match offset(cx, Value::of(this))? {
            None => return struct_time(cx, this.ymd(), this.clock(), 0),
            Some(offset) => this.micros() - offset,
        };
        let day = calendar::DAY;
        let (days, rest) = (total.div_euclid(day), (total.rem_euclid(day) / SECOND) as i32);
        if !(1..=calendar::MAX_ORDINAL).contains(&days) {
            return raise!(cx, OverflowError, "date value out of range");
        }
        let clock = Clock { hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60, micro: 0 };
        struct_time(cx, calendar::from_ordinal(days), clock, 0)
    }

    /// Return POSIX timestamp as float.
    #[py("($self, /)")]
    fn timestamp(cx: &mut Cx, this: &'static DateTime) -> PyResult<f64> {
        if this.zone().is_none() {
            let seconds = local_stamp(cx, this)?;
            return Ok(seconds as f64 + f64::from(this.clock().micro) / 1e6);
        }
        let offset = offset(cx, Value::of(this))?.unwrap_or(0);
        let (micros, second) = (cx.int_wide(i128::from(this.micros() - offset) - EPOCH), cx.int(SECOND));
        let seconds = taipan_runtime::types::int::truediv(cx, micros, second)?;
        Ok(float::as_f64(seconds).unwrap_or(0.0))
    }

    /// Format using strftime().
    ///
    /// Example: "%d/%m/%Y, %H:%M:%S".
    #[py("($self, /, format)")]
    fn strftime(cx: &mut Cx, this: &'static DateTime, format: &'static Str) -> PyResult<Value> {
        let v = Value::of(this);
        let tuple = cx.call_method_text(v, "timetuple", &[])?;
        format::strftime(cx, v, this.zone(), v, this.clock().micro, format, tuple)
    }

    /// Formats self with strftime.
    #[py("($self, format, /)")]
    fn __format__(cx: &mut Cx, this: &'static DateTime, format: &'static Str) -> PyResult<Value> {
        format_of(cx, Value::of(this), format)
    }

    /// Return the time formatted according to ISO.
    ///
    /// The full format looks like 'YYYY-MM-DD HH:MM:SS.mmmmmm'.
    /// By default, the fractional part is omitted if self.microsecond == 0.
    ///
    /// If self.tzinfo is not None, the UTC offset is also attached, giving
    /// a full format of 'YYYY-MM-DD HH:MM:SS.mmmmmm+HH:MM'.
    ///
    /// Optional argument sep specifies the separator between date and
    /// time, default 'T'.
    ///
    /// The optional argument timespec specifies the number of additional
    /// terms of the time to include. Valid options are 'auto', 'hours',
    /// 'minutes', 'seconds', 'milliseconds' and 'microseconds'.
    #[py("($self, /, sep='T', timespec='auto')")]
    fn isoformat(
        cx: &mut Cx,
        this: &'static DateTime,
        sep: Option<Value>,
        timespec: Option<&'static Str>,
    ) -> PyResult<&'static Str> {
        let sep = separator(cx, sep)?;
        let (y, m, d) = this.ymd();
        let clock = format::clock_text(cx, this.clock(), timespec)?;
        let zone = format::zone_text(cx, this.zone(), Value::of(this))?;
        let mut points: Vec<u32> = format!("{y:04}-{m:02}-{d:02}").chars().map(u32::from).collect();
        points.push(sep);
        points.extend(clock.chars().chain(zone.chars()).map(u32::from));
        Ok(Str::from_code_points(cx, &points))
    }

    /// Return self.tzinfo.utcoffset(self).
    #[py("($self, /)")]
    fn utcoffset(cx: &mut Cx, this: &'static DateTime) -> PyResult<Value> {
        tzinfo::offset_value(cx, this.zone(), "utcoffset", Value::of(this))
    }

    /// Return self.tzinfo.tzname(self).
    #[py("($self, /)")]
    fn tzname(cx: &mut Cx, this: &'static DateTime) -> PyResult<Value> {
        tzinfo::name_of(cx, this.zone(), Value::of(this))
    }

    /// Return self.tzinfo.dst(self).
    #[py("($self, /)")]
    fn dst(cx: &mut Cx, this: &'static DateTime) -> PyResult<Value> {
        tzinfo::offset_value(cx, this.zone(), "dst", Value::of(this))
    }

    /// Return datetime with new specified fields.
    #[py(
        "($self, /, year=None, month=None, day=None, hour=None, minute=None, second=None, microsecond=None, tzinfo=None, *, fold=None)"
    )]
    fn replace(
        cx: &mut Cx,
        this: &'static DateTime,
        year: Option<Value>,
        month: Option<Value>,
        day: Option<Value>,
        hour: Option<Value>,
        minute: Option<Value>,
        second: Option<Value>,
        microsecond: Option<Value>,
        tzinfo: Option<Value>,
        fold: Option<Value>,
    ) -> PyResult<Value> {
        let ((y, m, d), old) = (this.ymd(), this.clock());
        let ymd = (part(cx, year, y)?, part(cx, month, m)?, part(cx, day, d)?);
        let clock = Clock {
            hour: part(cx, hour, old.hour)?,
            minute: part(cx, minute, old.minute)?,
            second: part(cx, second, old.second)?,
            micro: part(cx, microsecond, old.micro)?,
        };
        let zone = match tzinfo {
            Some(_) => check_zone(cx, tzinfo)?,
            None => this.zone(),
        };
        let fold = part(cx, fold, this.fold())?;
        make(cx, Value::of(this).class(), Fields { ymd, clock, fold, zone })
    }

    /// The same as replace().
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        replaced(cx, args)
    }

    /// tz -> convert to local time in new timezone tz
    #[py("($self, /, tz=None)")]
    fn astimezone(cx: &mut Cx, this: &'static DateTime, tz: Option<Value>) -> PyResult<Value> {
        let (target, v) = (check_zone(cx, tz)?, Value::of(this));
        let mut known = None;
        if let Some(own) = this.zone() {
            if Some(own) == target {
                return Ok(v);
            }
            known = offset(cx, v)?;
        }
        let known = match known {
            Some(known) => known,
            None => {
                // Without an offset the time is local.
                let stamp = local_stamp(cx, this)?;
                let zone = local_zone(cx, stamp)?;
                if Some(zone) == target {
                    return Ok(v);
                }
                tzinfo::ask_offset(cx, zone, "utcoffset", Value::none())?.unwrap_or(0)
            }
        };
        let utc_zone = tzinfo::utc(cx);
        let here = alloc(cx, &DATETIME, Fields { zone: Some(utc_zone), fold: 0, ..this.fields() });
        let utc = datetime::shift(cx, here, -i128::from(known))?;
        let Some(in_utc) = utc.downcast::<DateTime>() else { return Ok(utc) };
        let target = match target {
            Some(zone) => zone,
            None => {
                let seconds = (i128::from(in_utc.micros()) - EPOCH).div_euclid(i128::from(SECOND)) as i64;
                local_zone(cx, seconds)?
            }
        };
        let class = v.class();
        if target == utc_zone && std::ptr::eq(class, &DATETIME) {
            return Ok(utc);
        }
        let aware = make(cx, class, Fields { zone: Some(target), ..in_utc.fields() })?;
        tzinfo::from_utc(cx, target, aware)
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[py("($self, proto, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: &'static DateTime, proto: Value) -> PyResult<Value> {
        let protocol = number::to_i64(cx, proto)?;
        Ok(this.state(cx, protocol))
    }

    /// __reduce__() -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static DateTime) -> Value {
        this.state(cx, 2)
    }

    /// Current date or datetime.
    ///
    /// Equivalent to cls.fromtimestamp(time.time()).
    #[classmethod]
    #[py("($type, /)")]
    fn today(cx: &mut Cx, class: Value) -> PyResult<Value> {
        let f = import_attr(cx, "time", "time")?;
        let now = cx.call(f, &[])?;
        cx.call_method_text(class, "fromtimestamp", &[now])
    }
}
