//! Scheduling.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::structseq::{self, StructSeq};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::host;

static PARAM_GETSETS: [taipan_runtime::native::GetSetDef; 1] =
    structseq::getsets::<1>(&[("sched_priority", "the scheduling priority")], &[]);

/// `posix.sched_param`.
pub static SCHED_PARAM: Type = Type::new(&SCHED_PARAM_SPEC);
static SCHED_PARAM_SPEC: TypeSpec = TypeSpec {
    name: "posix.sched_param",
    base: Some(&taipan_runtime::types::tuple_methods::TUPLE),
    trace: Some(structseq::trace::<1>),
    slots: Slots { repr: Some(structseq::repr), new: Some(new_param), ..Slots::NONE },
    methods: &[Param::METHODS, StructSeq::METHODS],
    getsets: &[&PARAM_GETSETS],
    doc: "Currently has only one field: sched_priority\n\n  sched_priority\n    A scheduling parameter.",
    signature: "(sched_priority)",
    ..TypeSpec::DEFAULT
};

struct Param;

#[pymethods]
impl Param {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Tuple) -> Value {
        let args = Value::of(Tuple::new(cx, this.items()));
        Value::of(Tuple::new(cx, &[Value::of(&SCHED_PARAM), args]))
    }
}

fn new_param(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    use taipan_runtime::native::{ParamSpec, bind};
    static SPEC: ParamSpec = ParamSpec {
        name: "sched_param",
        names: &["sched_priority"],
        positional_only: 0,
        positional: 1,
        required: 1,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    };
    let mut bound = [None];
    bind(cx, &SPEC, args, &mut bound)?;
    Ok(structseq::new(cx, class, &[bound[0].unwrap_or(Value::none())]))
}

/// The priority in a `sched_param`.
pub fn param_of(cx: &mut Cx, v: Value) -> PyResult<libc::sched_param> {
    if !v.is_instance(&SCHED_PARAM) {
        return raise!(cx, TypeError, "must have a sched_param object");
    }
    let priority = v.downcast::<Tuple>().map_or(Value::none(), |t| t.items()[0]);
    let priority = number::to_i64(cx, priority)?;
    match i32::try_from(priority) {
        Ok(sched_priority) => Ok(libc::sched_param { sched_priority }),
        Err(_) => raise!(cx, OverflowError, "sched_priority out of range"),
    }
}

/// Adds the types of this file.
pub fn add_types(cx: &mut Cx, module: &'static Module) {
    structseq::ready(cx, &SCHED_PARAM, 1);
    module.set(cx, "sched_param", Value::of(&SCHED_PARAM));
}

/// Scheduling functions.
pub struct Sched;

const CPU_WORDS: usize = 128;

#[pymethods]
impl Sched {
    /// Voluntarily relinquish the CPU.
    #[py("($module, /)")]
    fn sched_yield(cx: &mut Cx) -> PyResult<()> {
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::sched_yield() })?;
        Ok(())
    }
    /// Get the maximum scheduling priority for policy.
    #[py("($module, /, policy)")]
    fn sched_get_priority_max(cx: &mut Cx, policy: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let priority = unsafe { libc::sched_get_priority_max(policy) };
        host::check(cx, priority)
    }
    /// Get the minimum scheduling priority for policy.
    #[py("($module, /, policy)")]
    fn sched_get_priority_min(cx: &mut Cx, policy: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let priority = unsafe { libc::sched_get_priority_min(policy) };
        host::check(cx, priority)
    }
    /// Get the scheduling policy for the process identified by pid.
    ///
    /// Passing 0 for pid returns the scheduling policy for the calling process.
    #[py("($module, pid, /)")]
    fn sched_getscheduler(cx: &mut Cx, pid: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let policy = unsafe { libc::sched_getscheduler(pid) };
        host::check(cx, policy)
    }
    /// Set the scheduling policy for the process identified by pid.
    ///
    /// If pid is 0, the calling process is changed.
    /// param is an instance of sched_param.
    #[py("($module, pid, policy, param, /)")]
    fn sched_setscheduler(cx: &mut Cx, pid: i32, policy: i32, param: Value) -> PyResult<()> {
        let param = param_of(cx, param)?;
        // SAFETY: a plain system call.
        let result = unsafe { libc::sched_setscheduler(pid, policy, &param) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Returns scheduling parameters for the process identified by pid.
    ///
    /// If pid is 0, returns parameters for the calling process.
    /// Return value is an instance of sched_param.
    #[py("($module, pid, /)")]
    fn sched_getparam(cx: &mut Cx, pid: i32) -> PyResult<Value> {
        let mut param = libc::sched_param { sched_priority: 0 };
        // SAFETY: the result is a local.
        let result = unsafe { libc::sched_getparam(pid, &mut param) };
        host::check(cx, result)?;
        Ok(structseq::new(cx, &SCHED_PARAM, &[Value::small(param.sched_priority as i64)]))
    }
    /// Set scheduling parameters for the process identified by pid.
    ///
    /// If pid is 0, sets parameters for the calling process.
    /// param should be an instance of sched_param.
    #[py("($module, pid, param, /)")]
    fn sched_setparam(cx: &mut Cx, pid: i32, param: Value) -> PyResult<()> {
        let param = param_of(cx, param)?;
        // SAFETY: a plain system call.
        let result = unsafe { libc::sched_setparam(pid, &param) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Return the round-robin quantum for the process identified by pid, in seconds.
    ///
    /// Value returned is a float.
    #[py("($module, pid, /)")]
    fn sched_rr_get_interval(cx: &mut Cx, pid: i32) -> PyResult<f64> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the result is a local.
        let result = unsafe { libc::sched_rr_get_interval(pid, &mut time) };
        host::check(cx, result)?;
        Ok(time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64)
    }
    /// Set the CPU affinity of the process identified by pid to mask.
    ///
    ///   pid
    ///     The identifier of the process, 0 for the calling process.
    ///   mask
    ///     An iterable of integers identifying CPUs.
    #[py("($module, pid, mask, /)")]
    fn sched_setaffinity(cx: &mut Cx, pid: i32, mask: Value) -> PyResult<()> {
        let cpus = iter::collect(cx, mask)?;
        let mut bits = [0u64; CPU_WORDS];
        for i in 0..cpus.len() {
            if !int::check(cpus[i]) {
                let got = cpus[i].class().tp_name();
                return raise!(cx, TypeError, "expected an iterator of ints, but iterator yielded {got}");
            }
            let cpu = number::to_i64(cx, cpus[i])?;
            if cpu < 0 {
                return raise!(cx, ValueError, "negative CPU number");
            }
            match bits.get_mut(cpu as usize / 64) {
                Some(word) => *word |= 1 << (cpu % 64),
                None => return raise!(cx, OverflowError, "CPU number too large"),
            }
        }
        // SAFETY: the mask is as long as said.
        let result = unsafe { libc::sched_setaffinity(pid, size_of_val(&bits), bits.as_ptr().cast()) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Return the affinity of the process identified by pid (or the current process if zero).
    ///
    /// The affinity is returned as a set of CPU identifiers.
    #[py("($module, pid, /)")]
    fn sched_getaffinity(cx: &mut Cx, pid: i32) -> PyResult<Value> {
        let mut bits = [0u64; CPU_WORDS];
        // SAFETY: the mask is as long as said.
        let result = unsafe { libc::sched_getaffinity(pid, size_of_val(&bits), bits.as_mut_ptr().cast()) };
        host::check(cx, result)?;
        let list = taipan_runtime::types::list::List::new(cx);
        for cpu in (0..CPU_WORDS * 64).filter(|cpu| bits[cpu / 64] >> (cpu % 64) & 1 != 0) {
            list.push(cx, Value::small(cpu as i64));
        }
        let set = host::builtin(cx, "set")?;
        cx.call(set, &[Value::of(list)])
    }
}
