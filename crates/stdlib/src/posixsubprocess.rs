//! _posixsubprocess: fork and exec in one step.

use std::ffi::CString;

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{iter, number, object};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::host;
use crate::posix::{Strings, fork_child, fork_parent, fork_prepare, group_ids, user_id};

/// What the child needs, prepared so that it need not allocate between fork and exec.
struct Plan {
    argv: Strings,
    env: Option<Strings>,
    executables: Vec<CString>,
    cwd: Option<CString>,
    /// Descriptors to keep, ascending.
    keep: Vec<i32>,
    close_fds: bool,
    p2c: [i32; 2],
    c2p: [i32; 2],
    err: [i32; 2],
    errpipe: [i32; 2],
    restore_signals: bool,
    call_setsid: bool,
    pgid: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
    preexec: Option<Value>,
}

/// Where the child failed: with an error number, and what was done ("" means the exec itself).
type Failure = (i32, &'static str);

fn failed(result: i32, what: &'static str) -> Result<i32, Failure> {
    if result < 0 { Err((host::errno(), what)) } else { Ok(result) }
}

impl Plan {
    /// Everything in the child up to exec, which returns only on failure.
    ///
    /// # Safety
    /// To be called in a forked child.
    unsafe fn run_child(&self, cx: &mut Cx) -> Failure {
        // SAFETY: plain system calls with prepared texts.
        unsafe {
            match self.set_up(cx) {
                Ok(()) => self.exec(),
                Err(failure) => failure,
            }
        }
    }

    unsafe fn set_up(&self, cx: &mut Cx) -> Result<(), Failure> {
        // SAFETY: plain system calls with prepared texts.
        unsafe {
            for fd in [self.p2c[1], self.c2p[0], self.err[0], self.errpipe[0]] {
                if fd >= 0 {
                    libc::close(fd);
                }
            }
            // A descriptor that is to become another one must not be overwritten before.
            let mut out = self.c2p[1];
            if out == 0 {
                out = failed(libc::fcntl(out, libc::F_DUPFD_CLOEXEC, 3), "noexec")?;
            }
            let mut err = self.err[1];
            if err == 0 || err == 1 {
                err = failed(libc::fcntl(err, libc::F_DUPFD_CLOEXEC, 3), "noexec")?;
            }
            for (from, to) in [(self.p2c[0], 0), (out, 1), (err, 2)] {
                if from == to {
                    failed(host::set_inheritable(from, true), "noexec")?;
                } else if from >= 0 {
                    failed(libc::dup2(from, to), "noexec")?;
                }
            }
            for fd in &self.keep {
                if *fd != self.errpipe[1] {
                    failed(host::set_inheritable(*fd, true), "noexec")?;
                }
            }
            if let Some(cwd) = &self.cwd {
                failed(libc::chdir(cwd.as_ptr()), "noexec:chdir")?;
            }
            if self.umask >= 0 {
                libc::umask(self.umask as libc::mode_t);
            }
            if self.restore_signals {
                for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                    libc::signal(signal, libc::SIG_DFL);
                }
            }
            if self.call_setsid {
                failed(libc::setsid(), "noexec")?;
            }
            if self.pgid >= 0 {
                failed(libc::setpgid(0, self.pgid), "noexec")?;
            }
            if let Some(groups) = &self.groups {
                failed(libc::setgroups(groups.len(), groups.as_ptr()), "noexec")?;
            }
            if let Some(gid) = self.gid {
                failed(libc::setregid(gid, gid), "noexec")?;
            }
            if let Some(uid) = self.uid {
                failed(libc::setreuid(uid, uid), "noexec")?;
            }
            if let Some(preexec) = self.preexec
                && cx.call(preexec, &[]).is_err()
            {
                return Err((0, PREEXEC_FAILED));
            }
            if self.close_fds {
                let mut low = 3;
                for fd in &self.keep {
                    crate::posix::close_range(low, fd - 1);
                    low = low.max(fd + 1);
                }
                crate::posix::close_range(low, i32::MAX);
            }
        }
        Ok(())
    }

    unsafe fn exec(&self) -> Failure {
        // The first failure other than that there is no such file counts.
        let (mut code, mut serious) = (0, false);
        for executable in &self.executables {
            // SAFETY: texts and arrays are terminated.
            unsafe {
                match &self.env {
                    Some(env) => libc::execve(executable.as_ptr(), self.argv.as_ptr(), env.as_ptr()),
                    None => libc::execv(executable.as_ptr(), self.argv.as_ptr()),
                };
            }
            if !serious {
                code = host::errno();
                serious = code != libc::ENOENT && code != libc::ENOTDIR;
            }
        }
        (code, "")
    }

    /// Tells the parent about a failure and ends the child.
    unsafe fn report(&self, (code, what): Failure) -> ! {
        let text = match what {
            PREEXEC_FAILED => format!("SubprocessError:0:{PREEXEC_FAILED}"),
            what => format!("OSError:{code:x}:{what}"),
        };
        // SAFETY: plain system calls.
        unsafe {
            libc::write(self.errpipe[1], text.as_ptr().cast(), text.len());
            libc::_exit(255)
        }
    }
}

const PREEXEC_FAILED: &str = "Exception occurred in preexec_fn.";

/// The items of a list or tuple of paths.
fn texts(cx: &mut Cx, v: Value) -> PyResult<Vec<CString>> {
    let items: RootVec = iter::collect(cx, v)?;
    (0..items.len()).map(|i| host::fs_bytes(cx, items[i])).collect()
}

fn kept_descriptors(cx: &mut Cx, v: Value) -> PyResult<Vec<i32>> {
    let Some(items) = v.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "fork_exec() argument 4 must be tuple, not {}", v.class().tp_name());
    };
    let mut last = -1;
    let mut keep = Vec::new();
    for item in items.items() {
        match int::as_i64(*item) {
            Some(fd) if fd >= 0 && fd > last && fd <= i32::MAX as i64 => {
                last = fd;
                keep.push(fd as i32);
            }
            _ => return raise!(cx, ValueError, "bad value(s) in fds_to_keep"),
        }
    }
    Ok(keep)
}

fn plan_of(cx: &mut Cx, args: &[Value]) -> PyResult<Plan> {
    let keep = kept_descriptors(cx, args[3])?;
    let mut numbers = [0; 8];
    for (n, v) in numbers.iter_mut().zip(&args[6..14]) {
        *n = number::to_i32(cx, *v)?;
    }
    let [p0, p1, c0, c1, e0, e1, x0, x1] = numbers;
    let optional = |v: Value| Some(v).filter(|v| !v.is_none());
    let close_fds = object::truth(cx, args[2])?;
    if close_fds && x1 < 3 {
        return raise!(cx, ValueError, "errpipe_write must be >= 3");
    }
    let argv = texts(cx, args[0])?;
    let cwd = match optional(args[4]) {
        Some(cwd) => Some(host::fs_bytes(cx, cwd)?),
        None => None,
    };
    let env = match optional(args[5]) {
        Some(env) => Some(Strings::new(texts(cx, env)?)),
        None => None,
    };
    let gid = match optional(args[17]) {
        Some(gid) => Some(user_id(cx, gid, "gid")?),
        None => None,
    };
    let groups = match optional(args[18]) {
        Some(groups) => Some(group_ids(cx, groups)?),
        None => None,
    };
    let uid = match optional(args[19]) {
        Some(uid) => Some(user_id(cx, uid, "uid")?),
        None => None,
    };
    Ok(Plan {
        argv: Strings::new(argv),
        env,
        executables: texts(cx, args[1])?,
        cwd,
        keep,
        close_fds,
        p2c: [p0, p1],
        c2p: [c0, c1],
        err: [e0, e1],
        errpipe: [x0, x1],
        restore_signals: object::truth(cx, args[14])?,
        call_setsid: object::truth(cx, args[15])?,
        pgid: number::to_i32(cx, args[16])?,
        gid,
        groups,
        uid,
        umask: number::to_i32(cx, args[20])?,
        preexec: optional(args[21]),
    })
}

struct Functions;

#[pymethods]
impl Functions {
    /// Spawn a fresh new child process.
    ///
    /// Fork a child process, close parent file descriptors as appropriate in the
    /// child and duplicate the few that are needed before calling exec() in the
    /// child process.
    ///
    /// If close_fds is True, close file descriptors 3 and higher, except those listed
    /// in the sorted tuple pass_fds.
    ///
    /// The preexec_fn, if supplied, will be called immediately before closing file
    /// descriptors and exec.
    ///
    /// WARNING: preexec_fn is NOT SAFE if your application uses threads.
    ///          It may trigger infrequent, difficult to debug deadlocks.
    ///
    /// If an error occurs in the child process before exec, it is
    /// serialized and written to the errpipe_write fd per subprocess.py.
    ///
    /// Returns: the child process's PID.
    ///
    /// Raises: Only on an error in the parent process.
    #[py(
        "($module, args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /)",
        raw
    )]
    fn fork_exec(cx: &mut Cx, args: Args) -> PyResult<i32> {
        args.no_keywords(cx, "fork_exec")?;
        let n = args.pos().len();
        if n != 22 {
            return raise!(cx, TypeError, "fork_exec expected 22 arguments, got {n}");
        }
        let plan = plan_of(cx, args.pos())?;
        crate::io::settle(cx);
        if plan.preexec.is_some() {
            fork_prepare(cx);
        }
        // SAFETY: the child only makes system calls, but for preexec_fn, whose caller was warned.
        let pid = taipan_runtime::threads::fork(cx, || unsafe { libc::fork() }, crate::thread::after_fork);
        if pid == 0 {
            if plan.preexec.is_some() {
                fork_child(cx);
            }
            // SAFETY: the forked child.
            unsafe {
                let failure = plan.run_child(cx);
                plan.report(failure)
            }
        }
        let code = host::errno();
        if plan.preexec.is_some() {
            fork_parent(cx);
        }
        if pid < 0 { Err(host::os_error(cx, code)) } else { Ok(pid) }
    }
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_posixsubprocess");
    let doc = cx.str("A POSIX helper for the subprocess module.");
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    module
}
