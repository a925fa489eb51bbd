//! Local time by the C library, and timestamps.

use taipan_runtime::protocol::number;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::calendar::{Clock, ordinal};

/// Broken-down time.
#[derive(Clone, Copy, Debug)]
pub struct Broken {
    pub year: i64,
    pub month: i32,
    pub day: i32,
    pub clock: Clock,
    /// Seconds east.
    pub offset: i64,
}

/// Seconds of 1970-01-01 since 0001-01-01.
const EPOCH: i64 = 719_163 * 86_400;
const MAX_FOLD: i64 = 24 * 3600;

/// Local time, or UTC, of a timestamp; None if the year does not fit.
pub fn broken(seconds: i64, utc: bool) -> Option<(Broken, Vec<u8>)> {
    // SAFETY: the calls fill the structure; the zone's name is a C string that lives until the next tzset.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        let time = seconds as libc::time_t;
        let done = if utc { libc::gmtime_r(&time, &mut tm) } else { libc::localtime_r(&time, &mut tm) };
        if done.is_null() {
            return None;
        }
        let zone = match tm.tm_zone.is_null() {
            true => Vec::new(),
            false => std::ffi::CStr::from_ptr(tm.tm_zone).to_bytes().to_vec(),
        };
        // Leap seconds do not exist here.
        let clock = Clock { hour: tm.tm_hour, minute: tm.tm_min, second: tm.tm_sec.min(59), micro: 0 };
        let year = i64::from(tm.tm_year) + 1900;
        let broken = Broken { year, month: tm.tm_mon + 1, day: tm.tm_mday, clock, offset: tm.tm_gmtoff };
        Some((broken, zone))
    }
}

/// Seconds since 0001-01-01 of a date and time, as if in UTC.
pub fn seconds_of(year: i32, month: i32, day: i32, clock: Clock) -> i64 {
    let (h, m, s) = (i64::from(clock.hour), i64::from(clock.minute), i64::from(clock.second));
    ordinal(year, month, day) * 86_400 + h * 3600 + m * 60 + s
}

/// The local time of UTC seconds, both since 0001-01-01.
fn local(cx: &mut Cx, seconds: i64) -> PyResult<i64> {
    match broken(seconds - EPOCH, false) {
        Some((b, _)) if (1..=9999).contains(&b.year) => Ok(seconds_of(b.year as i32, b.month, b.day, b.clock)),
        Some((b, _)) => raise!(cx, ValueError, "year {} is out of range", b.year),
        None => raise!(cx, OverflowError, "timestamp out of range for platform time_t"),
    }
}

/// The timestamp of a local time (seconds since 0001-01-01), with `fold` deciding between two.
pub fn timestamp_of_local(cx: &mut Cx, t: i64, fold: bool) -> PyResult<i64> {
    let a = local(cx, t)? - t;
    let first = t - a;
    let back = local(cx, first)?;
    let b = if back == t {
        // One solution is found; look for another on the other side of a change of offset.
        let other = if fold { first + MAX_FOLD } else { first - MAX_FOLD };
        let b = local(cx, other)? - other;
        if a == b {
            return Ok(first - EPOCH);
        }
        b
    } else {
        back - first
    };
    let second = t - b;
    if local(cx, second)? == t {
        return Ok(second - EPOCH);
    }
    if back == t {
        return Ok(first - EPOCH);
    }
    // The time is in a gap: both guesses are off.
    Ok(if fold { first.min(second) } else { first.max(second) } - EPOCH)
}

/// Whether a local time is the second of two equal ones.
pub fn is_fold(cx: &mut Cx, timestamp: i64, shown: i64) -> PyResult<bool> {
    if timestamp + EPOCH - MAX_FOLD < 86_400 {
        return Ok(false);
    }
    // A transition that sets clocks back by d shows times twice that are less than d after it.
    let before = timestamp - MAX_FOLD;
    let Some((b, _)) = broken(before, false) else { return Ok(false) };
    if !(1..=9999).contains(&b.year) {
        return Ok(false);
    }
    let trans = shown - seconds_of(b.year as i32, b.month, b.day, b.clock) - MAX_FOLD;
    if trans >= 0 {
        return Ok(false);
    }
    Ok(local(cx, timestamp + EPOCH + trans)? == shown)
}

/// A timestamp argument as seconds and microseconds, rounded half to even.
pub fn timestamp_parts(cx: &mut Cx, v: Value) -> PyResult<(i64, i32)> {
    if let Some(d) = float::as_f64(v) {
        if d.is_nan() {
            return raise!(cx, ValueError, "Invalid value NaN (not a number)");
        }
        let mut whole = d.floor();
        let mut micros = ((d - d.trunc()) * 1e6).round_ties_even();
        if d.trunc() != whole {
            micros += 1e6;
        }
        if micros >= 1e6 {
            micros -= 1e6;
            whole += 1.0;
        }
        if !(-9.3e18..9.3e18).contains(&whole) || whole < i64::MIN as f64 || whole >= -(i64::MIN as f64) {
            return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
        }
        return Ok((whole as i64, micros as i32));
    }
    seconds(cx, v).map(|s| (s, 0))
}

fn seconds(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "argument must be int or float, not {got}");
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(n) => Ok(n),
        None => raise!(cx, OverflowError, "timestamp out of range for platform time_t"),
    }
}

/// A timestamp argument in whole seconds, rounded down.
pub fn timestamp_seconds(cx: &mut Cx, v: Value) -> PyResult<i64> {
    match float::as_f64(v) {
        Some(_) => timestamp_parts(cx, v).map(|parts| parts.0),
        None => seconds(cx, v),
    }
}

/// The clock: seconds and microseconds.
pub fn now() -> (i64, i32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    (time.tv_sec, (time.tv_nsec / 1000) as i32)
}
