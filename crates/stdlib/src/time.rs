//! `time`: clocks and sleeping.

use taipan_macros::pymethods;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, raise};

/// Nanoseconds of a clock.
fn clock_ns(id: libc::clockid_t) -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the result goes to a local.
    unsafe { libc::clock_gettime(id, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// The functions of `time`.
pub struct Time;

#[pymethods]
impl Time {
    /// Return the current time in seconds since the Epoch.
    #[py("()")]
    fn time(_cx: &mut Cx) -> PyResult<f64> {
        Ok(seconds(clock_ns(libc::CLOCK_REALTIME)))
    }
    /// Return the current time in nanoseconds since the Epoch.
    #[py("()")]
    fn time_ns(_cx: &mut Cx) -> PyResult<i64> {
        Ok(clock_ns(libc::CLOCK_REALTIME))
    }
    /// Performance counter for benchmarking.
    #[py("()")]
    fn perf_counter(_cx: &mut Cx) -> PyResult<f64> {
        Ok(seconds(clock_ns(libc::CLOCK_MONOTONIC)))
    }
    /// Performance counter for benchmarking as nanoseconds.
    #[py("()")]
    fn perf_counter_ns(_cx: &mut Cx) -> PyResult<i64> {
        Ok(clock_ns(libc::CLOCK_MONOTONIC))
    }
    /// Monotonic clock, cannot go backward.
    #[py("()")]
    fn monotonic(_cx: &mut Cx) -> PyResult<f64> {
        Ok(seconds(clock_ns(libc::CLOCK_MONOTONIC)))
    }
    /// Monotonic clock, cannot go backward, as nanoseconds.
    #[py("()")]
    fn monotonic_ns(_cx: &mut Cx) -> PyResult<i64> {
        Ok(clock_ns(libc::CLOCK_MONOTONIC))
    }
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    #[py("()")]
    fn process_time(_cx: &mut Cx) -> PyResult<f64> {
        Ok(seconds(clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)))
    }
    /// Process time for profiling as nanoseconds.
    #[py("()")]
    fn process_time_ns(_cx: &mut Cx) -> PyResult<i64> {
        Ok(clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID))
    }
    /// Thread time for profiling: sum of the kernel and user-space CPU time.
    #[py("()")]
    fn thread_time(_cx: &mut Cx) -> PyResult<f64> {
        Ok(seconds(clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)))
    }
    /// Delay execution for a given number of seconds.
    #[py("(object, /)")]
    fn sleep(cx: &mut Cx, secs: f64) -> PyResult<()> {
        if secs < 0.0 {
            return raise!(cx, ValueError, "sleep length must be non-negative");
        }
        std::thread::sleep(std::time::Duration::from_secs_f64(secs.min(1e9)));
        Ok(())
    }
}

/// Makes the module `time`. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "time");
    module.add_functions(cx, Time::METHODS);
    module
}
