//! The module `_signal`: handlers run between instructions of the main thread.
//!
//! The native handler only sets flags and writes to the wake-up descriptor; [`run_handlers`] (`Hooks::signals`) calls
//! the Python functions.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::threads;
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::structseq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};

use crate::state::{self, Slot};

/// The functions.
pub struct Signals;

/// One more than the highest signal.
const NSIG: i32 = 65;
const SIG_DFL: i64 = 0;
const SIG_IGN: i64 = 1;

static PENDING: [AtomicBool; NSIG as usize] = [const { AtomicBool::new(false) }; NSIG as usize];
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
static WAKEUP_WARNS: AtomicBool = AtomicBool::new(true);
static WAKEUP_FAILED: AtomicI32 = AtomicI32::new(0);

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static CONSTANTS: &[(&str, i64)] = numbers! {
    SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGIOT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM
    SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH
    SIGIO SIGPOLL SIGPWR SIGSYS SIG_BLOCK SIG_UNBLOCK SIG_SETMASK ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF
};

const DOC: &str = "This module provides mechanisms to use signal handlers in Python.";

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "_signal", DOC, Signals::METHODS);
    let more = [
        ("SIGCLD", libc::SIGCHLD as i64),
        ("SIGRTMIN", libc::SIGRTMIN() as i64),
        ("SIGRTMAX", libc::SIGRTMAX() as i64),
        ("NSIG", NSIG as i64),
        ("SIG_DFL", SIG_DFL),
        ("SIG_IGN", SIG_IGN),
    ];
    for (name, number) in CONSTANTS.iter().chain(&more) {
        module.set(cx, name, Value::small(*number));
    }
    structseq::ready(cx, &SIGINFO, 7);
    SIGINFO.set_flags(SIGINFO.flags() | flags::DISALLOW_INSTANTIATION);
    module.add_type(cx, &SIGINFO);
    let class = itimer_error(cx)?;
    module.set(cx, "ItimerError", class);
    let handlers = handlers(cx);
    let key = cx.intern("default_int_handler");
    // The handler that `install` put there before the module existed.
    if handlers.get(libc::SIGINT as usize).is_some_and(|h| h == Value::bool(true))
        && let Some(f) = module.dict().get_str(key)
    {
        handlers.set(cx, libc::SIGINT as usize, f);
    }
    Ok(module)
}

fn itimer_error(cx: &mut Cx) -> PyResult<Value> {
    if let Some(found) = state::get(cx, Slot::ItimerError) {
        return Ok(found);
    }
    let name = cx.intern("ItimerError");
    let bases = Tuple::new(cx, &[Value::of(&exceptions::OSError)]);
    let namespace = taipan_runtime::dict::Dict::new(cx);
    let (key, module) = (cx.names().__module__, Value::of(cx.intern("signal")));
    namespace.set_str(cx, key, module);
    let meta = Value::of(&taipan_runtime::types::type_::TYPE);
    let class = cx.call(meta, &[Value::of(name), Value::of(bases), Value::of(namespace)])?;
    state::set(cx, Slot::ItimerError, class);
    Ok(class)
}

taipan_runtime::structseq! {
    /// `signal.struct_siginfo`.
    pub SIGINFO "signal.struct_siginfo" "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\nThis object may be accessed either as a tuple of\n(si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band),\nor via the attributes si_signo, si_code, and so on." {
        si_signo "signal number",
        si_code "signal code",
        si_errno "errno associated with this signal",
        si_pid "sending process ID",
        si_uid "real user ID of sending process",
        si_status "exit value or signal",
        si_band "band event for SIGPOLL",
    }
}

extern "C" fn on_signal(signum: i32) {
    // SAFETY: errno is the thread's own; write is safe in handlers.
    unsafe {
        let errno = *libc::__errno_location();
        arrived(signum);
        *libc::__errno_location() = errno;
    }
}

/// Notes that a signal came. Safe in native signal handlers.
pub fn arrived(signum: i32) {
    if let Some(flag) = PENDING.get(signum as usize) {
        flag.store(true, Ordering::SeqCst);
    }
    threads::signal_arrived();
    let fd = WAKEUP_FD.load(Ordering::SeqCst);
    if fd >= 0 {
        let byte = signum as u8;
        // SAFETY: writes one byte.
        if unsafe { libc::write(fd, (&raw const byte).cast(), 1) } < 0 {
            // SAFETY: the thread's errno.
            WAKEUP_FAILED.store(unsafe { *libc::__errno_location() }, Ordering::SeqCst);
        }
    }
}

/// The list of Python handlers by number, made when first asked for: ints for SIG_DFL and SIG_IGN, None for unknown
/// native handlers. May collect.
fn handlers(cx: &mut Cx) -> &'static List {
    let list = state::get_list(cx, Slot::SignalHandlers);
    if list.is_empty() {
        for signum in 0..NSIG {
            let value = match disposition(signum) {
                Some(libc::SIG_DFL) => Value::small(SIG_DFL),
                Some(libc::SIG_IGN) => Value::small(SIG_IGN),
                _ => Value::none(),
            };
            list.push(cx, value);
        }
    }
    list
}

fn disposition(signum: i32) -> Option<usize> {
    if signum < 1 {
        return None;
    }
    // SAFETY: sigaction fills the structure.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signum, std::ptr::null(), &raw mut action) < 0 { None } else { Some(action.sa_sigaction) }
    }
}

/// Sets what the system does on a signal. No SA_RESTART: blocking calls return so that handlers run.
fn install(signum: i32, action: usize) -> bool {
    // SAFETY: a valid action; the handler only does what is allowed in handlers.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut new.sa_mask);
        libc::sigaction(signum, &raw const new, std::ptr::null_mut()) == 0
    }
}

/// Installs what Python programs start with: SIGPIPE and SIGXFSZ ignored, SIGINT raising KeyboardInterrupt. May
/// collect.
pub fn start(cx: &mut Cx) {
    let mut hooks = cx.rt().hooks.get();
    hooks.signals = run_handlers;
    hooks.audit = crate::sys::audit;
    cx.rt().hooks.set(hooks);
    install(libc::SIGPIPE, libc::SIG_IGN);
    install(libc::SIGXFSZ, libc::SIG_IGN);
    let list = handlers(cx);
    if list.get(libc::SIGINT as usize) == Some(Value::small(SIG_DFL)) {
        // Replaced by the module's function as soon as the module is made.
        list.set(cx, libc::SIGINT as usize, Value::bool(true));
        install(libc::SIGINT, on_signal as *const () as usize);
    }
}

/// Calls the handlers of signals that have arrived.
pub fn run_handlers(cx: &mut Cx) -> PyResult<()> {
    crate::sys::remote::run_pending(cx);
    let errno = WAKEUP_FAILED.swap(0, Ordering::SeqCst);
    if errno != 0 && (WAKEUP_WARNS.load(Ordering::Relaxed) || errno != libc::EAGAIN) {
        report_wakeup_error(cx, errno);
    }
    for signum in 1..NSIG {
        if !PENDING[signum as usize].swap(false, Ordering::SeqCst) {
            continue;
        }
        let list = handlers(cx);
        let Some(handler) = list.get(signum as usize) else { continue };
        if handler == Value::bool(true) {
            rearm(signum + 1);
            return Err(cx.raise_args(&exceptions::KeyboardInterrupt, &[]));
        }
        if handler.is_none() || handler.is_small() {
            continue;
        }
        let frame = match cx.frame {
            frame if frame.is_null() => Value::none(),
            frame => Value::of(FrameObject::of(cx, frame)),
        };
        let result = cx.call(handler, &[Value::small(signum as i64), frame]);
        if let Err(raised) = result {
            rearm(signum + 1);
            return Err(raised);
        }
    }
    Ok(())
}

/// Makes the interpreter look again if signals from `from` on are still pending.
fn rearm(from: i32) {
    if PENDING[(from as usize).min(PENDING.len())..].iter().any(|p| p.load(Ordering::SeqCst)) {
        threads::signal_arrived();
    }
}

fn report_wakeup_error(cx: &mut Cx, errno: i32) {
    os_error_of(cx, &exceptions::OSError, errno);
    let exception = cx.take_exception();
    let message = "Exception ignored while trying to write to the signal wakeup fd";
    taipan_runtime::protocol::object::unraisable(cx, exception, None, Some(message));
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn os_error_of(cx: &mut Cx, class: &'static Type, errno: i32) -> Raised {
    // SAFETY: strerror gives a C string.
    let text = unsafe { std::ffi::CStr::from_ptr(libc::strerror(errno)) }.to_string_lossy().into_owned();
    let args = [Value::small(errno as i64), cx.str(&text)];
    match cx.call(Value::of(class), &args) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

fn os_error(cx: &mut Cx) -> Raised {
    os_error_of(cx, &exceptions::OSError, errno())
}

fn timer_error(cx: &mut Cx) -> Raised {
    let errno = errno();
    match itimer_error(cx).map(|class| class.downcast::<Type>()) {
        Ok(Some(class)) => os_error_of(cx, class, errno),
        _ => Raised,
    }
}

fn check_number(cx: &mut Cx, signum: i32) -> PyResult<()> {
    if (1..NSIG).contains(&signum) { Ok(()) } else { raise!(cx, ValueError, "signal number out of range") }
}

/// A signal set of an iterable of numbers.
fn set_of(cx: &mut Cx, numbers: Value) -> PyResult<libc::sigset_t> {
    // SAFETY: the set is initialised by sigemptyset.
    let mut set: libc::sigset_t = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        set
    };
    iter::for_each(cx, numbers, |cx, item| {
        let number = number::index(cx, item)?;
        let number = int::as_i64(number).unwrap_or(-1);
        if !(1..NSIG as i64).contains(&number) {
            let last = NSIG - 1;
            return raise!(cx, ValueError, "signal number {number} out of range [1; {last}]");
        }
        // SAFETY: an initialised set and a valid number.
        unsafe { libc::sigaddset(&raw mut set, number as i32) };
        Ok(true)
    })?;
    Ok(set)
}

/// The set object of a signal set. May collect.
fn set_object(cx: &mut Cx, set: &libc::sigset_t) -> PyResult<Value> {
    let list = List::new(cx);
    for signum in 1..NSIG {
        // SAFETY: an initialised set.
        if unsafe { libc::sigismember(set, signum) } == 1 {
            list.push(cx, Value::small(signum as i64));
        }
    }
    let made = taipan_runtime::types::set::Set::new(cx);
    for i in 0..list.len() {
        if let Some(item) = list.get(i) {
            made.add(cx, item)?;
        }
    }
    Ok(Value::of(made))
}

fn timeval_of(cx: &mut Cx, seconds: f64) -> PyResult<libc::timeval> {
    if !seconds.is_finite() {
        return raise!(cx, ValueError, "Invalid value NaN (not a number)");
    }
    let whole = seconds.floor();
    let mut micros = ((seconds - whole) * 1e6).ceil() as i64;
    let mut whole = whole as i64;
    if micros >= 1_000_000 {
        whole += 1;
        micros -= 1_000_000;
    }
    Ok(libc::timeval { tv_sec: whole, tv_usec: micros })
}

fn timer_pair(cx: &mut Cx, timer: &libc::itimerval) -> Value {
    let seconds = |t: &libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let pair = [cx.float(seconds(&timer.it_value)), cx.float(seconds(&timer.it_interval))];
    Value::of(Tuple::new(cx, &pair))
}

fn siginfo_object(cx: &mut Cx, info: &libc::siginfo_t) -> Value {
    // SAFETY: the fields of the kinds of information that sigwaitinfo gives.
    let (pid, uid, status) = unsafe { (info.si_pid() as i64, info.si_uid() as i64, info.si_status() as i64) };
    let items = [info.si_signo as i64, info.si_code as i64, info.si_errno as i64, pid, uid, status, 0];
    structseq::new(cx, &SIGINFO, &items.map(Value::small))
}

#[pymethods]
impl Signals {
    /// The default handler for SIGINT installed by Python.
    ///
    /// It raises KeyboardInterrupt.
    #[py("($module, signalnum, frame, /)")]
    fn default_int_handler(cx: &mut Cx, _signalnum: i32, _frame: Value) -> PyResult<()> {
        Err(cx.raise_args(&exceptions::KeyboardInterrupt, &[]))
    }

    /// Set the action for the given signal.
    ///
    /// The action can be SIG_DFL, SIG_IGN, or a callable Python object.
    /// The previous action is returned.  See getsignal() for possible return values.
    ///
    /// *** IMPORTANT NOTICE ***
    /// A signal handler function is called with two arguments:
    /// the first is the signal number, the second is the interrupted stack frame.
    #[py("($module, signalnum, handler, /)")]
    fn signal(cx: &mut Cx, signalnum: i32, handler: Value) -> PyResult<Value> {
        if !cx.is_main {
            return raise!(cx, ValueError, "signal only works in main thread of the main interpreter");
        }
        check_number(cx, signalnum)?;
        let number = int::as_i64(handler).filter(|_| handler.class().slots().call.is_none());
        let action = match number {
            Some(SIG_DFL) => libc::SIG_DFL,
            Some(SIG_IGN) => libc::SIG_IGN,
            _ if handler.class().slots().call.is_some() => on_signal as *const () as usize,
            _ => {
                return raise!(
                    cx,
                    TypeError,
                    "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
                );
            }
        };
        // Signals that came before are for the old handler.
        run_handlers(cx)?;
        if !install(signalnum, action) {
            return Err(os_error(cx));
        }
        let list = handlers(cx);
        let old = list.get(signalnum as usize).unwrap_or(Value::none());
        let new = number.map_or(handler, Value::small);
        list.set(cx, signalnum as usize, new);
        Ok(old)
    }

    /// Return the current action for the given signal.
    ///
    /// The return value can be:
    ///   SIG_IGN -- if the signal is being ignored
    ///   SIG_DFL -- if the default action for the signal is in effect
    ///   None    -- if an unknown handler is in effect
    ///   anything else -- the callable Python object used as a handler
    #[py("($module, signalnum, /)")]
    fn getsignal(cx: &mut Cx, signalnum: i32) -> PyResult<Value> {
        check_number(cx, signalnum)?;
        Ok(handlers(cx).get(signalnum as usize).unwrap_or(Value::none()))
    }

    /// Return the system description of the given signal.
    ///
    /// Returns the description of signal *signalnum*, such as "Interrupt"
    /// for :const:`SIGINT`. Returns :const:`None` if *signalnum* has no
    /// description.
    #[py("($module, signalnum, /)")]
    fn strsignal(cx: &mut Cx, signalnum: i32) -> PyResult<Value> {
        check_number(cx, signalnum)?;
        // SAFETY: strsignal gives a C string or null.
        let text = unsafe {
            let text = libc::strsignal(signalnum);
            if text.is_null() {
                return Ok(Value::none());
            }
            std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
        };
        if text.starts_with("Unknown signal") {
            return Ok(Value::none());
        }
        Ok(cx.str(&text))
    }

    /// Arrange for SIGALRM to arrive after the given number of seconds.
    #[py("($module, seconds, /)")]
    fn alarm(_cx: &mut Cx, seconds: i32) -> i64 {
        // SAFETY: a plain system call.
        unsafe { libc::alarm(seconds as u32) as i64 }
    }

    /// Wait until a signal arrives.
    #[py("($module, /)")]
    fn pause(cx: &mut Cx) -> PyResult<()> {
        // SAFETY: a plain system call.
        cx.allow_threads(|| unsafe { libc::pause() });
        cx.handle_interrupt()
    }

    /// Send a signal to the executing process.
    #[py("($module, signalnum, /)")]
    fn raise_signal(cx: &mut Cx, signalnum: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        if unsafe { libc::raise(signalnum) } != 0 {
            return Err(os_error(cx));
        }
        cx.handle_interrupt()
    }

    /// Send a signal to a thread.
    #[py("($module, thread_id, signalnum, /)")]
    fn pthread_kill(cx: &mut Cx, thread_id: i64, signalnum: i32) -> PyResult<()> {
        crate::sys::audit(cx, "signal.pthread_kill", &[])?;
        // SAFETY: a plain system call; a wrong id is the caller's error as in CPython.
        let errno = unsafe { libc::pthread_kill(thread_id as libc::pthread_t, signalnum) };
        if errno != 0 {
            return Err(os_error_of(cx, &exceptions::OSError, errno));
        }
        cx.handle_interrupt()
    }

    /// Fetch and/or change the signal mask of the calling thread.
    #[py("($module, how, mask, /)")]
    fn pthread_sigmask(cx: &mut Cx, how: i32, mask: Value) -> PyResult<Value> {
        let new = set_of(cx, mask)?;
        // SAFETY: both sets are valid.
        let (errno, old) = unsafe {
            let mut old: libc::sigset_t = std::mem::zeroed();
            (libc::pthread_sigmask(how, &raw const new, &raw mut old), old)
        };
        if errno != 0 {
            return Err(os_error_of(cx, &exceptions::OSError, errno));
        }
        cx.handle_interrupt()?;
        set_object(cx, &old)
    }

    /// Examine pending signals.
    ///
    /// Returns a set of signal numbers that are pending for delivery to
    /// the calling thread.
    #[py("($module, /)")]
    fn sigpending(cx: &mut Cx) -> PyResult<Value> {
        // SAFETY: sigpending fills the set.
        let (status, set) = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            (libc::sigpending(&raw mut set), set)
        };
        if status != 0 {
            return Err(os_error(cx));
        }
        set_object(cx, &set)
    }

    /// Wait for a signal.
    ///
    /// Suspend execution of the calling thread until the delivery of one of the
    /// signals specified in the signal set sigset.  The function accepts the signal
    /// and returns the signal number.
    #[py("($module, sigset, /)")]
    fn sigwait(cx: &mut Cx, sigset: Value) -> PyResult<i64> {
        let set = set_of(cx, sigset)?;
        let mut signum = 0;
        // SAFETY: a valid set and place for the result.
        let errno = cx.allow_threads(|| unsafe { libc::sigwait(&raw const set, &raw mut signum) });
        if errno != 0 {
            return Err(os_error_of(cx, &exceptions::OSError, errno));
        }
        Ok(signum as i64)
    }

    /// Wait synchronously until one of the signals in *sigset* is delivered.
    ///
    /// Returns a struct_siginfo containing information about the signal.
    #[py("($module, sigset, /)")]
    fn sigwaitinfo(cx: &mut Cx, sigset: Value) -> PyResult<Value> {
        let set = set_of(cx, sigset)?;
        loop {
            // SAFETY: a valid set; the call fills the structure.
            let (status, info) = cx.allow_threads(|| unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                (libc::sigwaitinfo(&raw const set, &raw mut info), info)
            });
            if status >= 0 {
                return Ok(siginfo_object(cx, &info));
            }
            if errno() != libc::EINTR {
                return Err(os_error(cx));
            }
            cx.handle_interrupt()?;
        }
    }

    /// Like sigwaitinfo(), but with a timeout.
    ///
    /// The timeout is specified in seconds, with floating-point numbers allowed.
    #[py("($module, sigset, timeout, /)")]
    fn sigtimedwait(cx: &mut Cx, sigset: Value, timeout: f64) -> PyResult<Value> {
        if timeout < 0.0 {
            return raise!(cx, ValueError, "timeout must be non-negative");
        }
        let set = set_of(cx, sigset)?;
        let end = std::time::Instant::now() + std::time::Duration::from_secs_f64(timeout.min(1e9));
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            let left = libc::timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos() as i64 };
            // SAFETY: as above.
            let (status, info) = cx.allow_threads(|| unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                (libc::sigtimedwait(&raw const set, &raw mut info, &raw const left), info)
            });
            if status >= 0 {
                return Ok(siginfo_object(cx, &info));
            }
            match errno() {
                libc::EINTR => cx.handle_interrupt()?,
                libc::EAGAIN => return Ok(Value::none()),
                _ => return Err(os_error(cx)),
            }
        }
    }

    /// Change system call restart behaviour.
    ///
    /// If flag is False, system calls will be restarted when interrupted by
    /// signal sig, else system calls will be interrupted.
    #[py("($module, signalnum, flag, /)")]
    fn siginterrupt(cx: &mut Cx, signalnum: i32, flag: bool) -> PyResult<()> {
        check_number(cx, signalnum)?;
        // SAFETY: reads and writes the action of a valid signal.
        let status = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signalnum, std::ptr::null(), &raw mut action);
            if flag {
                action.sa_flags &= !libc::SA_RESTART;
            } else {
                action.sa_flags |= libc::SA_RESTART;
            }
            libc::sigaction(signalnum, &raw const action, std::ptr::null_mut())
        };
        if status < 0 { Err(os_error(cx)) } else { Ok(()) }
    }

    /// Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).
    ///
    /// The timer will fire after value seconds and after that every interval
    /// seconds.
    /// The itimer can be cleared by setting seconds to zero.
    ///
    /// Returns old values as a tuple: (delay, interval).
    #[py("($module, which, seconds, interval=0.0, /)")]
    fn setitimer(cx: &mut Cx, which: i32, seconds: f64, interval: Option<f64>) -> PyResult<Value> {
        let new = libc::itimerval {
            it_value: timeval_of(cx, seconds)?,
            it_interval: timeval_of(cx, interval.unwrap_or(0.0))?,
        };
        // SAFETY: valid structures.
        let (status, old) = unsafe {
            let mut old: libc::itimerval = std::mem::zeroed();
            (libc::setitimer(which as _, &raw const new, &raw mut old), old)
        };
        if status != 0 { Err(timer_error(cx)) } else { Ok(timer_pair(cx, &old)) }
    }

    /// Returns current value of given itimer.
    #[py("($module, which, /)")]
    fn getitimer(cx: &mut Cx, which: i32) -> PyResult<Value> {
        // SAFETY: a valid structure.
        let (status, now) = unsafe {
            let mut now: libc::itimerval = std::mem::zeroed();
            (libc::getitimer(which as _, &raw mut now), now)
        };
        if status != 0 { Err(timer_error(cx)) } else { Ok(timer_pair(cx, &now)) }
    }

    /// Sets the fd to be written to (with the signal number) when a signal comes in.
    ///
    /// A library can use this to wakeup select or poll.
    /// The previous fd or -1 is returned.
    ///
    /// The fd must be non-blocking.
    #[py("($module, fd, /, *, warn_on_full_buffer=True)")]
    fn set_wakeup_fd(cx: &mut Cx, fd: i32, warn_on_full_buffer: Option<bool>) -> PyResult<i64> {
        if !cx.is_main {
            return raise!(cx, ValueError, "set_wakeup_fd only works in main thread of the main interpreter");
        }
        if fd != -1 {
            // SAFETY: a plain system call.
            let mode = unsafe { libc::fcntl(fd, libc::F_GETFL) };
            if mode < 0 {
                return Err(os_error(cx));
            }
            if mode & libc::O_NONBLOCK == 0 {
                return raise!(cx, ValueError, "the fd {fd} must be in non-blocking mode");
            }
        }
        WAKEUP_WARNS.store(warn_on_full_buffer.unwrap_or(true), Ordering::Relaxed);
        Ok(WAKEUP_FD.swap(fd.max(-1), Ordering::SeqCst) as i64)
    }

    /// Send a signal to a process referred to by a pid file descriptor.
    #[py("($module, pidfd, signalnum, siginfo=None, flags=0, /)")]
    fn pidfd_send_signal(
        cx: &mut Cx,
        pidfd: i32,
        signalnum: i32,
        siginfo: Option<Value>,
        flags: Option<i32>,
    ) -> PyResult<()> {
        if siginfo.is_some_and(|s| !s.is_none()) {
            return raise!(cx, TypeError, "siginfo must be None");
        }
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a plain system call.
        let status = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signalnum, none, flags.unwrap_or(0)) };
        if status < 0 { Err(os_error(cx)) } else { Ok(()) }
    }

    /// Return a set of valid signal numbers on this platform.
    ///
    /// The signal numbers returned by this function can be safely passed to
    /// functions like `pthread_sigmask`.
    #[py("($module, /)")]
    fn valid_signals(cx: &mut Cx) -> PyResult<Value> {
        // SAFETY: sigfillset fills the set.
        let set = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut set);
            set
        };
        set_object(cx, &set)
    }
}
