//! time: clocks, sleeping, calendar times. Calendar functions are libc's, so that the time zone is what C code sees.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{attr, number};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int, structseq};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::host::{self, Global};
use crate::int_constants;

taipan_runtime::structseq! {
    /// `time.struct_time`.
    pub STRUCT_TIME "time.struct_time"
    "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().  May be considered as a\n sequence of 9 integers.\n\n Note that several fields' values are not the same as those defined by\n the C language standard for struct tm.  For example, the value of the\n field tm_year is the actual year, not year - 1900.  See individual\n fields' descriptions for details."
    {
        tm_year "year, for example, 1993", tm_mon "month of year, range [1, 12]",
        tm_mday "day of month, range [1, 31]", tm_hour "hours, range [0, 23]", tm_min "minutes, range [0, 59]",
        tm_sec "seconds, range [0, 61])", tm_wday "day of week, range [0, 6], Monday is 0",
        tm_yday "day of year, range [1, 366]",
        tm_isdst "1 if summer time is in effect, 0 if not, and -1 if unknown",
    } hidden { tm_zone "abbreviation of timezone name", tm_gmtoff "offset from UTC in seconds" }
}

const SECOND: i64 = 1_000_000_000;

static MODULE: Global = Global::new();

/// A clock's time in nanoseconds.
fn read_clock(cx: &mut Cx, clock: libc::clockid_t) -> PyResult<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the result is a local.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    host::check(cx, result)?;
    Ok(time.tv_sec.wrapping_mul(SECOND).wrapping_add(time.tv_nsec))
}

fn in_seconds(nanos: i64) -> f64 {
    // One division where that is exact, as CPython does it.
    if nanos % SECOND == 0 { (nanos / SECOND) as f64 } else { nanos as f64 / 1e9 }
}

fn clock_id(cx: &mut Cx, v: Value) -> PyResult<libc::clockid_t> {
    if !int::check(v) {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "clk_id should be integer, not {got}");
    }
    number::to_i32(cx, v)
}

/// Seconds (int or float) in nanoseconds; a fraction is rounded by `round`.
pub fn nanos_of(cx: &mut Cx, v: Value, round: fn(f64) -> f64) -> PyResult<i64> {
    if let Some(d) = float::as_f64(v) {
        if d.is_nan() {
            return raise!(cx, ValueError, "Invalid value NaN (not a number)");
        }
        let nanos = round(d * 1e9);
        if nanos < -(2f64.powi(63)) || nanos >= 2f64.powi(63) {
            return raise!(cx, OverflowError, "timestamp out of range for C PyTime_t");
        }
        return Ok(nanos as i64);
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "'{got}' object cannot be interpreted as an integer or float");
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index).and_then(|s| s.checked_mul(SECOND)) {
        Some(nanos) => Ok(nanos),
        None => raise!(cx, OverflowError, "timestamp too large to convert to C PyTime_t"),
    }
}

/// Away from zero, the rounding of timeouts.
pub fn round_up(d: f64) -> f64 {
    if d >= 0.0 { d.ceil() } else { d.floor() }
}

fn sleep_until(cx: &mut Cx, nanos: i64) -> PyResult<()> {
    let deadline = read_clock(cx, libc::CLOCK_MONOTONIC)?.saturating_add(nanos);
    let time = libc::timespec { tv_sec: deadline / SECOND, tv_nsec: deadline % SECOND };
    loop {
        let result = host::blocking(cx, || {
            // SAFETY: the deadline is a local; an absolute sleep needs no remainder.
            unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &time, std::ptr::null_mut()) }
        });
        match result {
            0 => return Ok(()),
            libc::EINTR => host::check_signals(cx)?,
            code => return Err(host::os_error(cx, code)),
        }
    }
}

// ---- calendar times ----------------------------------------------------------------------------------------

/// Seconds since the epoch: of an argument, rounded down, or now.
fn epoch_seconds(cx: &mut Cx, v: Option<Value>) -> PyResult<i64> {
    let Some(v) = v.filter(|v| !v.is_none()) else {
        return Ok(read_clock(cx, libc::CLOCK_REALTIME)?.div_euclid(SECOND));
    };
    if let Some(d) = float::as_f64(v) {
        if d.is_nan() {
            return raise!(cx, ValueError, "Invalid value NaN (not a number)");
        }
        let seconds = d.floor();
        if seconds < -(2f64.powi(63)) || seconds >= 2f64.powi(63) {
            return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
        }
        return Ok(seconds as i64);
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(seconds) => Ok(seconds),
        None => raise!(cx, OverflowError, "timestamp out of range for platform time_t"),
    }
}

fn broken_down(cx: &mut Cx, seconds: i64, local: bool) -> PyResult<libc::tm> {
    let mut tm = MaybeUninit::<libc::tm>::uninit();
    host::clear_errno();
    // SAFETY: the result is a local, filled unless null is returned.
    unsafe {
        let p = match local {
            true => libc::localtime_r(&seconds, tm.as_mut_ptr()),
            false => libc::gmtime_r(&seconds, tm.as_mut_ptr()),
        };
        if p.is_null() {
            let code = match host::errno() {
                0 => libc::EINVAL,
                code => code,
            };
            return Err(host::os_error(cx, code));
        }
        Ok(tm.assume_init())
    }
}

fn time_value(cx: &mut Cx, tm: &libc::tm, zone: &[u8]) -> Value {
    let mut items = [Value::none(); 11];
    let numbers = [
        tm.tm_year as i64 + 1900,
        tm.tm_mon as i64 + 1,
        tm.tm_mday as i64,
        tm.tm_hour as i64,
        tm.tm_min as i64,
        tm.tm_sec as i64,
        (tm.tm_wday as i64 + 6) % 7,
        tm.tm_yday as i64 + 1,
        tm.tm_isdst as i64,
    ];
    for (item, n) in items.iter_mut().zip(numbers) {
        *item = Value::small(n);
    }
    items[9] = Value::of(host::fs_decode(cx, zone));
    items[10] = Value::small(tm.tm_gmtoff);
    structseq::new(cx, &STRUCT_TIME, &items)
}

fn calendar(cx: &mut Cx, seconds: Option<Value>, local: bool) -> PyResult<Value> {
    let seconds = epoch_seconds(cx, seconds)?;
    let tm = broken_down(cx, seconds, local)?;
    if !local {
        return Ok(time_value(cx, &tm, b"GMT"));
    }
    // SAFETY: localtime_r sets the zone to a NUL-terminated text that lives until the next tzset.
    let zone = unsafe { CStr::from_ptr(tm.tm_zone) }.to_bytes().to_vec();
    Ok(time_value(cx, &tm, &zone))
}

/// A time tuple as libc's structure, with the text of its zone.
fn tm_of(cx: &mut Cx, v: Value, function: &str) -> PyResult<(libc::tm, Option<CString>)> {
    let Some(tuple) = v.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "Tuple or struct_time argument required");
    };
    let items = tuple.items();
    if items.len() != 9 {
        return raise!(cx, TypeError, "{function}(): illegal time tuple argument");
    }
    let mut n = [0i32; 9];
    for (n, item) in n.iter_mut().zip(items) {
        let i = number::to_i64(cx, *item)?;
        *n = match i32::try_from(i) {
            Ok(i) => i,
            Err(_) if i > 0 => return raise!(cx, OverflowError, "signed integer is greater than maximum"),
            Err(_) => return raise!(cx, OverflowError, "signed integer is less than minimum"),
        };
    }
    if n[0] < i32::MIN + 1900 {
        return raise!(cx, OverflowError, "year out of range");
    }
    // SAFETY: all fields may be zero.
    let mut tm = unsafe { MaybeUninit::<libc::tm>::zeroed().assume_init() };
    tm.tm_year = n[0] - 1900;
    tm.tm_mon = n[1].wrapping_sub(1);
    tm.tm_mday = n[2];
    tm.tm_hour = n[3];
    tm.tm_min = n[4];
    tm.tm_sec = n[5];
    tm.tm_wday = n[6].wrapping_add(1) % 7;
    tm.tm_yday = n[7].wrapping_sub(1);
    tm.tm_isdst = n[8];
    let mut zone = None;
    if v.is_instance(&STRUCT_TIME) {
        // SAFETY: a struct_time has eleven fields.
        let (name, offset) = unsafe { (tuple.hidden(9), tuple.hidden(10)) };
        if let Some(name) = name.downcast::<Str>() {
            zone = CString::new(host::fs_encode(cx, name)?).ok();
        }
        if !offset.is_none() {
            tm.tm_gmtoff = number::to_i64(cx, offset)?;
        }
    }
    Ok((tm, zone))
}

/// ValueError for fields that strftime and asctime must not see; zeros of sloppy callers are corrected.
fn check_fields(cx: &mut Cx, tm: &mut libc::tm) -> PyResult<()> {
    if tm.tm_mon == -1 {
        tm.tm_mon = 0;
    }
    if tm.tm_mday == 0 {
        tm.tm_mday = 1;
    }
    if tm.tm_yday == -1 {
        tm.tm_yday = 0;
    }
    let checks = [
        (0..=11, tm.tm_mon, "month"),
        (0..=31, tm.tm_mday, "day of month"),
        (0..=23, tm.tm_hour, "hour"),
        (0..=59, tm.tm_min, "minute"),
        (0..=61, tm.tm_sec, "seconds"),
        (0..=6, tm.tm_wday, "day of week"),
        (0..=365, tm.tm_yday, "day of year"),
    ];
    for (range, n, what) in checks {
        if !range.contains(&n) {
            return raise!(cx, ValueError, "{what} out of range");
        }
    }
    tm.tm_isdst = tm.tm_isdst.clamp(-1, 1);
    Ok(())
}

/// A part of a format through libc; it is ASCII without NUL.
fn format_part(part: &[u8], tm: &libc::tm, out: &mut StrBuf, cx: &mut Cx) {
    // The letter in front tells an empty result from a buffer that is too small.
    let mut format = vec![b'x'];
    format.extend_from_slice(part);
    let format = CString::new(format).unwrap_or_default();
    let mut size = 256 + part.len();
    loop {
        let mut text = vec![0u8; size];
        // SAFETY: the buffer is as long as said; the zone of tm is null or NUL-terminated.
        let n = unsafe { libc::strftime(text.as_mut_ptr().cast(), size, format.as_ptr(), tm) };
        if n > 0 {
            out.push_str(host::fs_decode(cx, &text[1..n]));
            return;
        }
        if size > 256 * (part.len() + 16) {
            return;
        }
        size *= 2;
    }
}

fn format_time(cx: &mut Cx, format: &'static Str, tm: &libc::tm) -> &'static Str {
    let mut out = StrBuf::new();
    let points = format.to_code_points();
    let plain = |c: &u32| *c > 0 && *c < 128;
    let mut rest = &points[..];
    while !rest.is_empty() {
        let n = rest.iter().take_while(|c| plain(c)).count();
        if n > 0 {
            let part: Vec<u8> = rest[..n].iter().map(|c| *c as u8).collect();
            format_part(&part, tm, &mut out, cx);
        }
        let m = rest[n..].iter().take_while(|c| !plain(c)).count();
        out.push_units(Units::Four(&rest[n..n + m]));
        rest = &rest[n + m..];
    }
    out.finish(cx)
}

fn asctime(cx: &mut Cx, tm: &libc::tm) -> Value {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = DAYS[tm.tm_wday.clamp(0, 6) as usize];
    let month = MONTHS[tm.tm_mon.clamp(0, 11) as usize];
    let (mday, hour, minute, second) = (tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    let year = tm.tm_year as i64 + 1900;
    cx.str(&format!("{day} {month}{mday:3} {hour:02}:{minute:02}:{second:02} {year}"))
}

fn local_now(cx: &mut Cx) -> PyResult<libc::tm> {
    let now = epoch_seconds(cx, None)?;
    broken_down(cx, now, true)
}

/// Sets timezone, altzone, daylight and tzname from the time zone in effect.
fn set_zone(cx: &mut Cx, module: &'static Module) -> PyResult<()> {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = epoch_seconds(cx, None)?;
    let start = now / YEAR * YEAR;
    let mut zones = Vec::new();
    for seconds in [start, start + YEAR / 2] {
        let tm = broken_down(cx, seconds, true)?;
        // SAFETY: as in `calendar`.
        let name = unsafe { CStr::from_ptr(tm.tm_zone) }.to_bytes().to_vec();
        zones.push((-tm.tm_gmtoff, name));
    }
    // In the southern hemisphere January is in summer.
    let (january, july) = (zones[0].clone(), zones[1].clone());
    let (standard, summer) = if january.0 < july.0 { (july.clone(), january.clone()) } else { (january, july) };
    let daylight = standard.0 != summer.0;
    for (name, value) in [("timezone", standard.0), ("altzone", summer.0), ("daylight", i64::from(daylight))] {
        module.set(cx, name, Value::small(value));
    }
    let names = [standard.1, summer.1].map(|n| Value::of(host::fs_decode(cx, &n)));
    let names = Value::of(Tuple::new(cx, &names));
    module.set(cx, "tzname", names);
    Ok(())
}

struct Functions;

#[pymethods]
impl Functions {
    /// time() -> floating-point number
    ///
    /// Return the current time in seconds since the Epoch.
    /// Fractions of a second may be present if the system clock provides them.
    #[py("($module, /)")]
    fn time(cx: &mut Cx) -> PyResult<f64> {
        Ok(in_seconds(read_clock(cx, libc::CLOCK_REALTIME)?))
    }
    /// time_ns() -> int
    ///
    /// Return the current time in nanoseconds since the Epoch.
    #[py("($module, /)")]
    fn time_ns(cx: &mut Cx) -> PyResult<i64> {
        read_clock(cx, libc::CLOCK_REALTIME)
    }
    /// Return the time of the specified clock clk_id as a float.
    #[py("($module, clk_id, /)")]
    fn clock_gettime(cx: &mut Cx, clk_id: Value) -> PyResult<f64> {
        let clock = clock_id(cx, clk_id)?;
        Ok(in_seconds(read_clock(cx, clock)?))
    }
    /// Return the time of the specified clock clk_id as nanoseconds (int).
    #[py("($module, clk_id, /)")]
    fn clock_gettime_ns(cx: &mut Cx, clk_id: Value) -> PyResult<i64> {
        let clock = clock_id(cx, clk_id)?;
        read_clock(cx, clock)
    }
    /// clock_settime(clk_id, time)
    ///
    /// Set the time of the specified clock clk_id.
    #[py("($module, clk_id, time, /)")]
    fn clock_settime(cx: &mut Cx, clk_id: i32, time: Value) -> PyResult<()> {
        let nanos = nanos_of(cx, time, f64::floor)?;
        set_clock(cx, clk_id, nanos)
    }
    /// clock_settime_ns(clk_id, time)
    ///
    /// Set the time of the specified clock clk_id with nanoseconds.
    #[py("($module, clk_id, time, /)")]
    fn clock_settime_ns(cx: &mut Cx, clk_id: i32, time: Value) -> PyResult<()> {
        if !int::check(time) {
            let got = time.class().name();
            return raise!(cx, TypeError, "expect int, got {got}");
        }
        let nanos = number::to_i64(cx, time)?;
        set_clock(cx, clk_id, nanos)
    }
    /// clock_getres(clk_id) -> floating-point number
    ///
    /// Return the resolution (precision) of the specified clock clk_id.
    #[py("($module, clk_id, /)")]
    fn clock_getres(cx: &mut Cx, clk_id: i32) -> PyResult<f64> {
        resolution(cx, clk_id)
    }
    /// pthread_getcpuclockid(thread_id) -> int
    ///
    /// Return the clk_id of a thread's CPU time clock.
    #[py("($module, thread_id, /)")]
    fn pthread_getcpuclockid(cx: &mut Cx, thread_id: Value) -> PyResult<i32> {
        if !int::check(thread_id) {
            let got = thread_id.class().tp_name();
            return raise!(cx, TypeError, "pthread_getcpuclockid() argument 1 must be int, not {got}");
        }
        let thread = number::to_i64(cx, thread_id)? as libc::pthread_t;
        let mut clock = 0;
        // SAFETY: the caller vouches for the thread, as in C.
        let code = unsafe { libc::pthread_getcpuclockid(thread, &mut clock) };
        if code != 0 { Err(host::os_error(cx, code)) } else { Ok(clock) }
    }
    /// sleep(seconds)
    ///
    /// Delay execution for a given number of seconds.  The argument may be
    /// a floating-point number for subsecond precision.
    #[py("($module, object, /)")]
    fn sleep(cx: &mut Cx, object: Value) -> PyResult<()> {
        crate::sys::audit(cx, "time.sleep", &[object])?;
        let nanos = nanos_of(cx, object, round_up)?;
        if nanos < 0 {
            return raise!(cx, ValueError, "sleep length must be non-negative");
        }
        sleep_until(cx, nanos)
    }
    /// gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,
    ///                        tm_sec, tm_wday, tm_yday, tm_isdst)
    ///
    /// Convert seconds since the Epoch to a time tuple expressing UTC (a.k.a.
    /// GMT).  When 'seconds' is not passed in, convert the current time instead.
    ///
    /// If the platform supports the tm_gmtoff and tm_zone, they are available as
    /// attributes only.
    #[py("($module, seconds=None, /)")]
    fn gmtime(cx: &mut Cx, seconds: Option<Value>) -> PyResult<Value> {
        calendar(cx, seconds, false)
    }
    /// localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,
    ///                           tm_sec,tm_wday,tm_yday,tm_isdst)
    ///
    /// Convert seconds since the Epoch to a time tuple expressing local time.
    /// When 'seconds' is not passed in, convert the current time instead.
    #[py("($module, seconds=None, /)")]
    fn localtime(cx: &mut Cx, seconds: Option<Value>) -> PyResult<Value> {
        calendar(cx, seconds, true)
    }
    /// asctime([time_tuple]) -> string
    ///
    /// Convert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.
    /// When the time tuple is not present, current time as returned by localtime()
    /// is used.
    #[py("($module, time_tuple=None, /)")]
    fn asctime(cx: &mut Cx, time_tuple: Option<Value>) -> PyResult<Value> {
        let tm = match time_tuple {
            None => local_now(cx)?,
            Some(v) => {
                let (mut tm, _) = tm_of(cx, v, "asctime")?;
                check_fields(cx, &mut tm)?;
                tm
            }
        };
        Ok(asctime(cx, &tm))
    }
    /// ctime([seconds]) -> string
    ///
    /// Convert a time in seconds since the Epoch to a string in local time.
    /// This is equivalent to asctime(localtime(seconds)). When the time tuple is
    /// not present, current time as returned by localtime() is used.
    #[py("($module, seconds=None, /)")]
    fn ctime(cx: &mut Cx, seconds: Option<Value>) -> PyResult<Value> {
        let seconds = epoch_seconds(cx, seconds)?;
        let tm = broken_down(cx, seconds, true)?;
        Ok(asctime(cx, &tm))
    }
    /// mktime(tuple) -> floating-point number
    ///
    /// Convert a time tuple in local time to seconds since the Epoch.
    /// Note that mktime(gmtime(0)) will not generally return zero for most
    /// time zones; instead the returned value will either be equal to that
    /// of the timezone or altzone attributes on the time module.
    #[py("($module, object, /)")]
    fn mktime(cx: &mut Cx, object: Value) -> PyResult<f64> {
        let (mut tm, zone) = tm_of(cx, object, "mktime")?;
        tm.tm_zone = zone.as_ref().map_or(std::ptr::null(), |z| z.as_ptr());
        tm.tm_wday = -1;
        // SAFETY: the structure is a local. A valid time changes the day of the week.
        let seconds = unsafe { libc::mktime(&mut tm) };
        if seconds == -1 && tm.tm_wday == -1 {
            return raise!(cx, OverflowError, "mktime argument out of range");
        }
        Ok(seconds as f64)
    }
    /// strftime(format[, tuple]) -> string
    ///
    /// Convert a time tuple to a string according to a format specification.
    /// See the library reference manual for formatting codes. When the time tuple
    /// is not present, current time as returned by localtime() is used.
    #[py("($module, format, time_tuple=<unrepresentable>, /)")]
    fn strftime(cx: &mut Cx, format: &'static Str, time_tuple: Option<Value>) -> PyResult<Value> {
        let zone;
        let mut tm = match time_tuple {
            None => local_now(cx)?,
            Some(v) => {
                let (mut tm, z) = tm_of(cx, v, "strftime")?;
                check_fields(cx, &mut tm)?;
                zone = z;
                tm.tm_zone = zone.as_ref().map_or(std::ptr::null(), |z| z.as_ptr());
                tm
            }
        };
        tm.tm_isdst = tm.tm_isdst.clamp(-1, 1);
        Ok(Value::of(format_time(cx, format, &tm)))
    }
    /// strptime(string, format) -> struct_time
    ///
    /// Parse a string to a time tuple according to a format specification.
    /// See the library reference manual for formatting codes (same as
    /// strftime()).
    #[py("($module, /, *args)", raw)]
    fn strptime(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let module = host::import(cx, "_strptime")?;
        let parse = attr::get_text(cx, module, "_strptime_time")?;
        cx.call_args(parse, args)
    }
    /// tzset()
    ///
    /// Initialize, or reinitialize, the local timezone to the value stored in
    /// os.environ['TZ'].
    #[py("($module, /)")]
    fn tzset(cx: &mut Cx) -> PyResult<()> {
        // SAFETY: the GIL serialises it.
        unsafe { tzset() };
        match MODULE.get().and_then(|m| m.downcast::<Module>()) {
            Some(module) => set_zone(cx, module),
            None => Ok(()),
        }
    }
    /// monotonic() -> float
    ///
    /// Monotonic clock, cannot go backward.
    #[py("($module, /)")]
    fn monotonic(cx: &mut Cx) -> PyResult<f64> {
        Ok(in_seconds(read_clock(cx, libc::CLOCK_MONOTONIC)?))
    }
    /// monotonic_ns() -> int
    ///
    /// Monotonic clock, cannot go backward, as nanoseconds.
    #[py("($module, /)")]
    fn monotonic_ns(cx: &mut Cx) -> PyResult<i64> {
        read_clock(cx, libc::CLOCK_MONOTONIC)
    }
    /// perf_counter() -> float
    ///
    /// Performance counter for benchmarking.
    #[py("($module, /)")]
    fn perf_counter(cx: &mut Cx) -> PyResult<f64> {
        Ok(in_seconds(read_clock(cx, libc::CLOCK_MONOTONIC)?))
    }
    /// perf_counter_ns() -> int
    ///
    /// Performance counter for benchmarking as nanoseconds.
    #[py("($module, /)")]
    fn perf_counter_ns(cx: &mut Cx) -> PyResult<i64> {
        read_clock(cx, libc::CLOCK_MONOTONIC)
    }
    /// process_time() -> float
    ///
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    #[py("($module, /)")]
    fn process_time(cx: &mut Cx) -> PyResult<f64> {
        Ok(in_seconds(read_clock(cx, libc::CLOCK_PROCESS_CPUTIME_ID)?))
    }
    /// process_time() -> int
    ///
    /// Process time for profiling as nanoseconds:
    /// sum of the kernel and user-space CPU time.
    #[py("($module, /)")]
    fn process_time_ns(cx: &mut Cx) -> PyResult<i64> {
        read_clock(cx, libc::CLOCK_PROCESS_CPUTIME_ID)
    }
    /// thread_time() -> float
    ///
    /// Thread time for profiling: sum of the kernel and user-space CPU time.
    #[py("($module, /)")]
    fn thread_time(cx: &mut Cx) -> PyResult<f64> {
        Ok(in_seconds(read_clock(cx, libc::CLOCK_THREAD_CPUTIME_ID)?))
    }
    /// thread_time() -> int
    ///
    /// Thread time for profiling as nanoseconds:
    /// sum of the kernel and user-space CPU time.
    #[py("($module, /)")]
    fn thread_time_ns(cx: &mut Cx) -> PyResult<i64> {
        read_clock(cx, libc::CLOCK_THREAD_CPUTIME_ID)
    }
    /// get_clock_info(name: str) -> dict
    ///
    /// Get information of the specified clock.
    #[py("($module, name, /)")]
    fn get_clock_info(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        let (clock, label, monotonic, adjustable) = match &*name.to_string_lossy() {
            "time" => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", false, true),
            "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false),
            "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", true, false),
            "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", true, false),
            _ => return raise!(cx, ValueError, "unknown clock"),
        };
        let implementation = cx.str(&format!("clock_gettime({label})"));
        let resolution = resolution(cx, clock)?;
        let resolution = cx.float(resolution);
        let info = Dict::new(cx);
        let items = [
            ("implementation", implementation),
            ("monotonic", Value::bool(monotonic)),
            ("adjustable", Value::bool(adjustable)),
            ("resolution", resolution),
        ];
        for (key, value) in items {
            let key = cx.intern(key);
            info.set_str(cx, key, value);
        }
        simple_namespace(cx, info)
    }
}

/// `types.SimpleNamespace(info)`.
fn simple_namespace(cx: &mut Cx, info: &'static Dict) -> PyResult<Value> {
    let types = host::import(cx, "types")?;
    let class = attr::get_text(cx, types, "SimpleNamespace")?;
    cx.call(class, &[Value::of(info)])
}

unsafe extern "C" {
    fn tzset();
}

fn set_clock(cx: &mut Cx, clock: i32, nanos: i64) -> PyResult<()> {
    let time = libc::timespec { tv_sec: nanos.div_euclid(SECOND), tv_nsec: nanos.rem_euclid(SECOND) };
    // SAFETY: the time is a local.
    let result = unsafe { libc::clock_settime(clock, &time) };
    host::check(cx, result)?;
    Ok(())
}

fn resolution(cx: &mut Cx, clock: i32) -> PyResult<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the result is a local.
    let result = unsafe { libc::clock_getres(clock, &mut time) };
    host::check(cx, result)?;
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "time");
    let doc = cx.str(
        "This module provides various functions to manipulate time values.\n\nThere are two standard representations of time.  One is the number\nof seconds since the Epoch, in UTC (a.k.a. GMT).  It may be an integer\nor a floating-point number (to represent fractions of seconds).\nThe Epoch is the point where the time starts, the return value of time.gmtime(0).\nIt is January 1, 1970, 00:00:00 (UTC) on all platforms.\n\nThe other representation is a tuple of 9 integers giving local time.",
    );
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    MODULE.set(cx, Value::of(module));
    // SAFETY: reads the environment; no other thread runs yet.
    unsafe { tzset() };
    if set_zone(cx, module).is_err() {
        cx.take_exception();
    }
    int_constants! { cx, module,
        CLOCK_REALTIME CLOCK_MONOTONIC CLOCK_MONOTONIC_RAW CLOCK_PROCESS_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID
        CLOCK_BOOTTIME CLOCK_TAI
    }
    structseq::ready(cx, &STRUCT_TIME, 9);
    module.set(cx, "struct_time", Value::of(&STRUCT_TIME));
    module.set(cx, "_STRUCT_TM_ITEMS", Value::small(11));
    module
}
