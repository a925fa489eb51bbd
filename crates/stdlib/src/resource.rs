//! resource: limits and usage.

use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{int, structseq};
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

use crate::{host, int_constants};

taipan_runtime::structseq! {
    /// `resource.struct_rusage`.
    pub STRUCT_RUSAGE "resource.struct_rusage"
    "struct_rusage: Result from getrusage.\n\nThis object may be accessed either as a tuple of\n    (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,\n    nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)\nor via the attributes ru_utime, ru_stime, ru_maxrss, and so on."
    {
        ru_utime "user time used", ru_stime "system time used", ru_maxrss "max. resident set size",
        ru_ixrss "shared memory size", ru_idrss "unshared data size", ru_isrss "unshared stack size",
        ru_minflt "page faults not requiring I/O", ru_majflt "page faults requiring I/O",
        ru_nswap "number of swap outs", ru_inblock "block input operations", ru_oublock "block output operations",
        ru_msgsnd "IPC messages sent", ru_msgrcv "IPC messages received", ru_nsignals "signals received",
        ru_nvcsw "voluntary context switches", ru_nivcsw "involuntary context switches",
    }
}

/// A `struct_rusage`; `class` is that type, readied by the module's creation.
pub fn usage_value(cx: &mut Cx, _class: Value, usage: &libc::rusage) -> PyResult<Value> {
    let seconds = |t: &libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    let mut items = [Value::none(); 16];
    items[0] = cx.float(seconds(&usage.ru_utime));
    items[1] = cx.float(seconds(&usage.ru_stime));
    let counts = [
        usage.ru_maxrss,
        usage.ru_ixrss,
        usage.ru_idrss,
        usage.ru_isrss,
        usage.ru_minflt,
        usage.ru_majflt,
        usage.ru_nswap,
        usage.ru_inblock,
        usage.ru_oublock,
        usage.ru_msgsnd,
        usage.ru_msgrcv,
        usage.ru_nsignals,
        usage.ru_nvcsw,
        usage.ru_nivcsw,
    ];
    for (item, count) in items[2..].iter_mut().zip(counts) {
        *item = cx.int(count);
    }
    Ok(structseq::new(cx, &STRUCT_RUSAGE, &items))
}

struct Functions;

fn limit_value(cx: &mut Cx, limit: libc::rlim_t) -> Value {
    cx.int(limit as i64)
}

fn pair(cx: &mut Cx, limit: &libc::rlimit) -> Value {
    let items = [limit.rlim_cur, limit.rlim_max].map(|l| limit_value(cx, l));
    Value::of(Tuple::new(cx, &items))
}

fn limit_of(cx: &mut Cx, v: Value) -> PyResult<libc::rlim_t> {
    let index = number::index(cx, v)?;
    let number = int::view(index).expect("an index is an int");
    if number.negative {
        return match number.digits() {
            [1] => Ok(libc::RLIM_INFINITY),
            _ => raise!(cx, ValueError, "Cannot convert negative int"),
        };
    }
    let limit = match number.digits() {
        digits if digits.len() <= 3 => digits.iter().rev().fold(0u128, |n, d| n << 30 | u128::from(*d)),
        _ => u128::MAX,
    };
    match libc::rlim_t::try_from(limit) {
        Ok(limit) => Ok(limit),
        Err(_) => raise!(cx, OverflowError, "Python int too large to convert to C rlim_t"),
    }
}

fn limits_of(cx: &mut Cx, v: Value) -> PyResult<libc::rlimit> {
    let limits = iter::collect(cx, v)?;
    if limits.len() != 2 {
        return raise!(cx, ValueError, "expected a tuple of 2 integers");
    }
    let (rlim_cur, rlim_max) = (limit_of(cx, limits[0])?, limit_of(cx, limits[1])?);
    Ok(libc::rlimit { rlim_cur, rlim_max })
}

fn check_resource(cx: &mut Cx, resource: i32) -> PyResult<()> {
    if !(0..16).contains(&resource) {
        return raise!(cx, ValueError, "invalid resource specified");
    }
    Ok(())
}

#[pymethods]
impl Functions {
    #[py("($module, who, /)")]
    fn getrusage(cx: &mut Cx, who: i32) -> PyResult<Value> {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the result is a local.
        let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
        if result < 0 {
            if host::errno() == libc::EINVAL {
                return raise!(cx, ValueError, "invalid who parameter");
            }
            return Err(host::last_error(cx));
        }
        // SAFETY: filled.
        usage_value(cx, Value::of(&STRUCT_RUSAGE), unsafe { usage.assume_init_ref() })
    }
    #[py("($module, resource, /)")]
    fn getrlimit(cx: &mut Cx, resource: i32) -> PyResult<Value> {
        check_resource(cx, resource)?;
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the result is a local.
        let result = unsafe { libc::getrlimit(resource as libc::__rlimit_resource_t, &mut limit) };
        host::check(cx, result)?;
        Ok(pair(cx, &limit))
    }
    #[py("($module, resource, limits, /)")]
    fn setrlimit(cx: &mut Cx, resource: i32, limits: Value) -> PyResult<()> {
        check_resource(cx, resource)?;
        let limit = limits_of(cx, limits)?;
        // SAFETY: a plain system call.
        if unsafe { libc::setrlimit(resource as libc::__rlimit_resource_t, &limit) } < 0 {
            return match host::errno() {
                libc::EINVAL => raise!(cx, ValueError, "current limit exceeds maximum limit"),
                libc::EPERM => raise!(cx, ValueError, "not allowed to raise maximum limit"),
                code => Err(host::os_error(cx, code)),
            };
        }
        Ok(())
    }
    /// prlimit(pid, resource, [limits])
    #[py("($module, pid, resource, limits=None, /)")]
    fn prlimit(cx: &mut Cx, pid: i32, resource: i32, limits: Option<Value>) -> PyResult<Value> {
        check_resource(cx, resource)?;
        let new = match limits.filter(|l| !l.is_none()) {
            Some(limits) => Some(limits_of(cx, limits)?),
            None => None,
        };
        let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let new = new.as_ref().map_or(std::ptr::null(), |n| n as *const libc::rlimit);
        // SAFETY: both are locals or null.
        if unsafe { libc::prlimit(pid, resource as libc::__rlimit_resource_t, new, &mut old) } < 0 {
            return match host::errno() {
                libc::EINVAL => raise!(cx, ValueError, "current limit exceeds maximum limit"),
                code => Err(host::os_error(cx, code)),
            };
        }
        Ok(pair(cx, &old))
    }
    #[py("($module, /)")]
    fn getpagesize(_cx: &mut Cx) -> i64 {
        // SAFETY: a plain call.
        unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
    }
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "resource");
    module.add_functions(cx, Functions::METHODS);
    structseq::ready(cx, &STRUCT_RUSAGE, 16);
    module.set(cx, "struct_rusage", Value::of(&STRUCT_RUSAGE));
    module.set(cx, "error", Value::of(&exceptions::OSError));
    int_constants! { cx, module,
        RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_NOFILE RLIMIT_AS RLIMIT_RSS RLIMIT_NPROC
        RLIMIT_MEMLOCK RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RUSAGE_SELF
        RUSAGE_CHILDREN RUSAGE_THREAD
    }
    let files = Value::small(libc::RLIMIT_NOFILE as i64);
    module.set(cx, "RLIMIT_OFILE", files);
    module.set(cx, "RLIM_INFINITY", Value::small(-1));
    module
}
