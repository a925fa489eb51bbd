//! Waiting for and signalling processes.

use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::protocol::{attr, number};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::structseq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host;

taipan_runtime::structseq! {
    /// `posix.waitid_result`.
    pub WAITID_RESULT "posix.waitid_result"
    "waitid_result: Result from waitid.\n\nThis object may be accessed either as a tuple of\n  (si_pid, si_uid, si_signo, si_status, si_code),\nor via the attributes si_pid, si_uid, and so on.\n\nSee os.waitid for more information."
    { si_pid "", si_uid "", si_signo "", si_status "", si_code "" }
}

/// Adds the types of this file.
pub fn add_types(cx: &mut Cx, module: &'static Module) {
    structseq::ready(cx, &WAITID_RESULT, 5);
    module.set(cx, "waitid_result", Value::of(&WAITID_RESULT));
}

/// Process functions.
pub struct Process;

fn pid_and_status(cx: &mut Cx, pid: i32, status: i32) -> Value {
    Value::of(Tuple::new(cx, &[Value::small(pid as i64), Value::small(status as i64)]))
}

fn wait_usage(cx: &mut Cx, pid: i32, options: i32) -> PyResult<Value> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both results are locals.
    let pid = host::run(cx, || unsafe { libc::wait4(pid, &mut status, options, usage.as_mut_ptr()) })?;
    // SAFETY: zero or filled.
    let usage = unsafe { usage.assume_init() };
    let module = host::import(cx, "resource")?;
    let class = attr::get_text(cx, module, "struct_rusage")?;
    let usage = crate::resource::usage_value(cx, class, &usage)?;
    Ok(Value::of(Tuple::new(cx, &[Value::small(pid as i64), Value::small(status as i64), usage])))
}

/// Exit code of a wait status: negative signal number for a killed process.
fn exit_code(cx: &mut Cx, status: i32) -> PyResult<i32> {
    if libc::WIFEXITED(status) {
        return Ok(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Ok(-libc::WTERMSIG(status));
    }
    if libc::WIFSTOPPED(status) {
        let signal = libc::WSTOPSIG(status);
        return raise!(cx, ValueError, "process stopped by delivery of signal {signal}");
    }
    raise!(cx, ValueError, "invalid wait status: {status}")
}

#[pymethods]
impl Process {
    /// Wait for completion of a child process.
    ///
    /// Returns a tuple of information about the child process:
    ///     (pid, status)
    #[py("($module, /)")]
    fn wait(cx: &mut Cx) -> PyResult<Value> {
        let mut status = 0;
        // SAFETY: the status is a local.
        let pid = host::run(cx, || unsafe { libc::wait(&mut status) })?;
        Ok(pid_and_status(cx, pid, status))
    }
    /// Wait for completion of a given child process.
    ///
    /// Returns a tuple of information regarding the child process:
    ///     (pid, status)
    ///
    /// The options argument is ignored on Windows.
    #[py("($module, pid, options, /)")]
    fn waitpid(cx: &mut Cx, pid: i32, options: i32) -> PyResult<Value> {
        let mut status = 0;
        // SAFETY: the status is a local.
        let pid = host::run(cx, || unsafe { libc::waitpid(pid, &mut status, options) })?;
        Ok(pid_and_status(cx, pid, status))
    }
    /// Wait for completion of a child process.
    ///
    /// Returns a tuple of information about the child process:
    ///   (pid, status, rusage)
    #[py("($module, /, options)")]
    fn wait3(cx: &mut Cx, options: i32) -> PyResult<Value> {
        wait_usage(cx, -1, options)
    }
    /// Wait for completion of a specific child process.
    ///
    /// Returns a tuple of information about the child process:
    ///   (pid, status, rusage)
    #[py("($module, /, pid, options)")]
    fn wait4(cx: &mut Cx, pid: i32, options: i32) -> PyResult<Value> {
        wait_usage(cx, pid, options)
    }
    /// Returns the result of waiting for a process or processes.
    ///
    ///   idtype
    ///     Must be one of be P_PID, P_PGID or P_ALL.
    ///   id
    ///     The id to wait on.
    ///   options
    ///     Constructed from the ORing of one or more of WEXITED, WSTOPPED
    ///     or WCONTINUED and additionally may be ORed with WNOHANG or WNOWAIT.
    ///
    /// Returns either waitid_result or None if WNOHANG is specified and there are
    /// no children in a waitable state.
    #[py("($module, idtype, id, options, /)")]
    fn waitid(cx: &mut Cx, idtype: i32, id: i32, options: i32) -> PyResult<Value> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the result is a local.
        host::run(cx, || unsafe {
            libc::waitid(idtype as libc::idtype_t, id as libc::id_t, info.as_mut_ptr(), options)
        })?;
        // SAFETY: zero or filled for SIGCHLD.
        let (info, pid, uid, status) = unsafe {
            let info = info.assume_init();
            (info, info.si_pid(), info.si_uid(), info.si_status())
        };
        if pid == 0 {
            return Ok(Value::none());
        }
        let items = [pid as i64, uid as i64, info.si_signo as i64, status as i64, info.si_code as i64];
        Ok(structseq::new(cx, &WAITID_RESULT, &items.map(Value::small)))
    }
    /// Convert a wait status to an exit code.
    ///
    /// On Unix:
    ///
    /// * If WIFEXITED(status) is true, return WEXITSTATUS(status).
    /// * If WIFSIGNALED(status) is true, return -WTERMSIG(status).
    /// * Otherwise, raise a ValueError.
    ///
    /// On Windows, return status shifted right by 8 bits.
    ///
    /// On Unix, if the process is being traced or if waitpid() was called with
    /// WUNTRACED option, the caller must first check if WIFSTOPPED(status) is true.
    /// This function must not be called if WIFSTOPPED(status) is true.
    #[py("($module, /, status)")]
    fn waitstatus_to_exitcode(cx: &mut Cx, status: i32) -> PyResult<i32> {
        exit_code(cx, status)
    }
    /// Return True if the process returning status was dumped to a core file.
    #[py("($module, status, /)", name = "WCOREDUMP")]
    fn wcoredump(_cx: &mut Cx, status: i32) -> bool {
        libc::WCOREDUMP(status)
    }
    /// Return True if a particular process was continued from a job control stop.
    ///
    /// Return True if the process returning status was continued from a
    /// job control stop.
    #[py("($module, /, status)", name = "WIFCONTINUED")]
    fn wifcontinued(_cx: &mut Cx, status: i32) -> bool {
        libc::WIFCONTINUED(status)
    }
    /// Return True if the process returning status was stopped.
    #[py("($module, /, status)", name = "WIFSTOPPED")]
    fn wifstopped(_cx: &mut Cx, status: i32) -> bool {
        libc::WIFSTOPPED(status)
    }
    /// Return True if the process returning status was terminated by a signal.
    #[py("($module, /, status)", name = "WIFSIGNALED")]
    fn wifsignaled(_cx: &mut Cx, status: i32) -> bool {
        libc::WIFSIGNALED(status)
    }
    /// Return True if the process returning status exited via the exit() system call.
    #[py("($module, /, status)", name = "WIFEXITED")]
    fn wifexited(_cx: &mut Cx, status: i32) -> bool {
        libc::WIFEXITED(status)
    }
    /// Return the process return code from status.
    #[py("($module, /, status)", name = "WEXITSTATUS")]
    fn wexitstatus(_cx: &mut Cx, status: i32) -> i32 {
        libc::WEXITSTATUS(status)
    }
    /// Return the signal that terminated the process that provided the status value.
    #[py("($module, /, status)", name = "WTERMSIG")]
    fn wtermsig(_cx: &mut Cx, status: i32) -> i32 {
        libc::WTERMSIG(status)
    }
    /// Return the signal that stopped the process that provided the status value.
    #[py("($module, /, status)", name = "WSTOPSIG")]
    fn wstopsig(_cx: &mut Cx, status: i32) -> i32 {
        libc::WSTOPSIG(status)
    }
    /// Kill a process with a signal.
    #[py("($module, pid, signal, /)")]
    fn kill(cx: &mut Cx, pid: i32, signal: i64) -> PyResult<()> {
        // SAFETY: a plain system call.
        let result = unsafe { libc::kill(pid, signal as i32) };
        host::check(cx, result)?;
        host::check_signals(cx)
    }
    /// Kill a process group with a signal.
    #[py("($module, pgid, signal, /)")]
    fn killpg(cx: &mut Cx, pgid: i32, signal: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        let result = unsafe { libc::killpg(pgid, signal) };
        host::check(cx, result)?;
        host::check_signals(cx)
    }
    /// Return a file descriptor referring to the process *pid*.
    ///
    /// The descriptor can be used to perform process management without races and
    /// signals.
    #[py("($module, /, pid, flags=0)")]
    fn pidfd_open(cx: &mut Cx, pid: i32, flags: Option<i32>) -> PyResult<i64> {
        // SAFETY: a plain system call.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags.unwrap_or(0)) };
        host::check(cx, fd)
    }
    /// Add increment to the priority of process and return the new priority.
    #[py("($module, increment, /)")]
    fn nice(cx: &mut Cx, increment: i32) -> PyResult<i32> {
        host::clear_errno();
        // SAFETY: a plain system call; -1 is a possible result.
        let value = unsafe { libc::nice(increment) };
        if value == -1 && host::errno() != 0 {
            return Err(host::last_error(cx));
        }
        Ok(value)
    }
    /// Return program scheduling priority.
    #[py("($module, /, which, who)")]
    fn getpriority(cx: &mut Cx, which: i32, who: i32) -> PyResult<i32> {
        host::clear_errno();
        // SAFETY: a plain system call; -1 is a possible result.
        let value = unsafe { libc::getpriority(which as libc::__priority_which_t, who as libc::id_t) };
        if host::errno() != 0 {
            return Err(host::last_error(cx));
        }
        Ok(value)
    }
    /// Set program scheduling priority.
    #[py("($module, /, which, who, priority)")]
    fn setpriority(cx: &mut Cx, which: i32, who: i32, priority: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        let result = unsafe { libc::setpriority(which as libc::__priority_which_t, who as libc::id_t, priority) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Disassociate parts of a process (or thread) execution context.
    ///
    ///   flags
    ///     Namespaces to be unshared.
    #[py("($module, /, flags)")]
    fn unshare(cx: &mut Cx, flags: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        let result = unsafe { libc::unshare(flags) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Move the calling thread into different namespaces.
    ///
    ///   fd
    ///     A file descriptor to a namespace.
    ///   nstype
    ///     Type of namespace.
    #[py("($module, /, fd, nstype=0)")]
    fn setns(cx: &mut Cx, fd: Value, nstype: Option<Value>) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        let kind = match nstype {
            Some(v) => number::to_i32(cx, v)?,
            None => 0,
        };
        // SAFETY: a plain system call.
        let result = unsafe { libc::setns(fd, kind) };
        host::check(cx, result)?;
        Ok(())
    }
}
