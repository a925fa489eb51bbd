//! Linux descriptors: memfd, eventfd, timerfd.

use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host;

/// Functions on special descriptors.
pub struct Extra;

const SECOND: i128 = 1_000_000_000;

fn timespec(cx: &mut Cx, nanos: i128, name: &str) -> PyResult<libc::timespec> {
    match i64::try_from(nanos.div_euclid(SECOND)) {
        Ok(tv_sec) => Ok(libc::timespec { tv_sec, tv_nsec: nanos.rem_euclid(SECOND) as i64 }),
        Err(_) => raise!(cx, OverflowError, "{name}: timestamp too large to convert to C PyTime_t"),
    }
}

fn nanos(time: &libc::timespec) -> i128 {
    time.tv_sec as i128 * SECOND + time.tv_nsec as i128
}

fn set_timer(cx: &mut Cx, fd: i32, flags: i32, initial: i128, interval: i128) -> PyResult<(i128, i128)> {
    let new = libc::itimerspec {
        it_value: timespec(cx, initial, "initial")?,
        it_interval: timespec(cx, interval, "interval")?,
    };
    let mut old = new;
    // SAFETY: both settings are locals.
    let result = unsafe { libc::timerfd_settime(fd, flags, &new, &mut old) };
    host::check(cx, result)?;
    Ok((nanos(&old.it_value), nanos(&old.it_interval)))
}

fn get_timer(cx: &mut Cx, fd: i32) -> PyResult<(i128, i128)> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut at = libc::itimerspec { it_value: zero, it_interval: zero };
    // SAFETY: the result is a local.
    let result = unsafe { libc::timerfd_gettime(fd, &mut at) };
    host::check(cx, result)?;
    Ok((nanos(&at.it_value), nanos(&at.it_interval)))
}

fn in_seconds(cx: &mut Cx, (a, b): (i128, i128)) -> Value {
    let items = [a, b].map(|n| cx.float(n as f64 / 1e9));
    Value::of(Tuple::new(cx, &items))
}

fn in_nanos(cx: &mut Cx, (a, b): (i128, i128)) -> Value {
    let items = [a, b].map(|n| cx.int_wide(n));
    Value::of(Tuple::new(cx, &items))
}

#[pymethods]
impl Extra {
    #[py("($module, /, name, flags=MFD_CLOEXEC)")]
    fn memfd_create(cx: &mut Cx, name: Value, flags: Option<i64>) -> PyResult<i32> {
        let name = host::fs_bytes(cx, name)?;
        let flags = flags.unwrap_or(libc::MFD_CLOEXEC as i64) as u32;
        // SAFETY: the text is NUL-terminated.
        let fd = unsafe { libc::memfd_create(name.as_ptr(), flags) };
        host::check(cx, fd)
    }
    /// Creates and returns an event notification file descriptor.
    #[py("($module, /, initval, flags=EFD_CLOEXEC)")]
    fn eventfd(cx: &mut Cx, initval: i64, flags: Option<i32>) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let fd = unsafe { libc::eventfd(initval as u32, flags.unwrap_or(libc::EFD_CLOEXEC)) };
        host::check(cx, fd)
    }
    /// Read eventfd value
    #[py("($module, /, fd)")]
    fn eventfd_read(cx: &mut Cx, fd: i32) -> PyResult<u64> {
        let mut value = 0u64;
        // SAFETY: the result is a local.
        host::run(cx, || unsafe { libc::eventfd_read(fd, &mut value) })?;
        Ok(value)
    }
    /// Write eventfd value.
    #[py("($module, /, fd, value)")]
    fn eventfd_write(cx: &mut Cx, fd: i32, value: Value) -> PyResult<()> {
        let index = number::index(cx, value)?;
        let value = int::view(index).map_or(0, |w| w.digits().iter().rev().fold(0u64, |n, d| n << 30 | *d as u64));
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::eventfd_write(fd, value) })?;
        Ok(())
    }
    /// Create and return a timer file descriptor.
    ///
    ///   clockid
    ///     A valid clock ID constant as timer file descriptor.
    ///
    ///     time.CLOCK_REALTIME
    ///     time.CLOCK_MONOTONIC
    ///     time.CLOCK_BOOTTIME
    ///   flags
    ///     0 or a bit mask of os.TFD_NONBLOCK or os.TFD_CLOEXEC.
    ///
    ///     os.TFD_NONBLOCK
    ///         If *TFD_NONBLOCK* is set as a flag, read doesn't blocks.
    ///         If *TFD_NONBLOCK* is not set as a flag, read block until the timer fires.
    ///
    ///     os.TFD_CLOEXEC
    ///         If *TFD_CLOEXEC* is set as a flag, enable the close-on-exec flag
    #[py("($module, clockid, /, *, flags=0)")]
    fn timerfd_create(cx: &mut Cx, clockid: i32, flags: Option<i32>) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let fd = unsafe { libc::timerfd_create(clockid, flags.unwrap_or(libc::TFD_CLOEXEC)) };
        host::check(cx, fd)
    }
    /// Alter a timer file descriptor's internal timer in seconds.
    #[py("($module, fd, /, *, flags=0, initial=0.0, interval=0.0)")]
    fn timerfd_settime(
        cx: &mut Cx,
        fd: i32,
        flags: Option<i32>,
        initial: Option<f64>,
        interval: Option<f64>,
    ) -> PyResult<Value> {
        let nanos = |seconds: Option<f64>| (seconds.unwrap_or(0.0) * 1e9).floor() as i128;
        let old = set_timer(cx, fd, flags.unwrap_or(0), nanos(initial), nanos(interval))?;
        Ok(in_seconds(cx, old))
    }
    /// Alter a timer file descriptor's internal timer in nanoseconds.
    #[py("($module, fd, /, *, flags=0, initial=0, interval=0)")]
    fn timerfd_settime_ns(
        cx: &mut Cx,
        fd: i32,
        flags: Option<i32>,
        initial: Option<i64>,
        interval: Option<i64>,
    ) -> PyResult<Value> {
        let (initial, interval) = (initial.unwrap_or(0) as i128, interval.unwrap_or(0) as i128);
        let old = set_timer(cx, fd, flags.unwrap_or(0), initial, interval)?;
        Ok(in_nanos(cx, old))
    }
    /// Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds.
    #[py("($module, fd, /)")]
    fn timerfd_gettime(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        let at = get_timer(cx, fd)?;
        Ok(in_seconds(cx, at))
    }
    /// Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds.
    #[py("($module, fd, /)")]
    fn timerfd_gettime_ns(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        let at = get_timer(cx, fd)?;
        Ok(in_nanos(cx, at))
    }
}
