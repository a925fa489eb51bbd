//! The module `faulthandler`: tracebacks when the process crashes, on signals, or after a time.
//!
//! The native handlers only read frames and write to a descriptor; they allocate nothing.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use taipan_bytecode::positions;
use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// The functions.
pub struct FaultHandler;

const DOC: &str = "faulthandler module.";

static FATAL: &[(i32, &str)] = &[
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating-point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

static CX: AtomicPtr<Cx> = AtomicPtr::new(std::ptr::null_mut());
static ENABLED: AtomicBool = AtomicBool::new(false);
static FATAL_FD: AtomicI32 = AtomicI32::new(2);
/// Descriptors of registered signals; -1 without.
static USER_FDS: [AtomicI32; 65] = [const { AtomicI32::new(-1) }; 65];
/// Number of the current timer; others stop.
static TIMER: AtomicU64 = AtomicU64::new(0);

/// Frames that a dump shows.
const MAX_FRAMES: usize = 100;

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    CX.store(&raw mut *cx, Ordering::Relaxed);
    Ok(crate::make(cx, "faulthandler", DOC, FaultHandler::METHODS))
}

/// Writes without allocating.
struct Out(i32);

impl Out {
    fn bytes(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // SAFETY: a valid slice.
            let n = unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) };
            if n <= 0 {
                return;
            }
            bytes = &bytes[n as usize..];
        }
    }

    fn text(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn decimal(&self, mut n: u64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        self.bytes(&digits[at..]);
    }

    fn hexadecimal(&self, n: u64) {
        self.text("0x");
        for shift in (0..16).rev() {
            self.bytes(&[b"0123456789abcdef"[(n >> (shift * 4)) as usize & 15]]);
        }
    }

    /// A str with characters outside ASCII escaped, at most 500 characters.
    fn str(&self, s: &Str) {
        for (i, c) in s.chars().enumerate() {
            if i == 500 {
                return self.text("...");
            }
            match c {
                0x20..=0x7e => self.bytes(&[c as u8]),
                _ => {
                    let (letter, width) = match c {
                        0..=0xff => ("\\x", 2),
                        0x100..=0xffff => ("\\u", 4),
                        _ => ("\\U", 8),
                    };
                    self.text(letter);
                    for shift in (0..width).rev() {
                        self.bytes(&[b"0123456789abcdef"[(c >> (shift * 4)) as usize & 15]]);
                    }
                }
            }
        }
    }

    fn traceback(&self, head: &str) {
        self.text(head);
        self.hexadecimal(crate::thread::ident());
        self.text(" (most recent call first):\n");
        self.frames();
    }

    fn frames(&self) {
        // SAFETY: the context lives as long as the process; frames are only read.
        let mut frame = match unsafe { CX.load(Ordering::Relaxed).as_ref() } {
            Some(cx) => cx.frame,
            None => std::ptr::null_mut(),
        };
        if frame.is_null() {
            self.text("  <no Python frame>\n");
        }
        for i in 0.. {
            // SAFETY: FRAME-1.
            let Some(f) = (unsafe { frame.as_ref() }) else { return };
            if i == MAX_FRAMES {
                return self.text("  ...\n");
            }
            self.text("  File \"");
            self.str(f.code.filename.get());
            self.text("\", line ");
            self.decimal(positions::lookup(&f.code.line_table, f.word_index()).line as u64);
            self.text(" in ");
            self.str(f.code.name);
            self.text("\n");
            frame = f.prev;
        }
    }
}

extern "C" fn on_fatal(signum: i32) {
    let out = Out(FATAL_FD.load(Ordering::Relaxed));
    // SAFETY: restores the default action so that the signal ends the process.
    unsafe { libc::signal(signum, libc::SIG_DFL) };
    ENABLED.store(false, Ordering::Relaxed);
    out.text("Fatal Python error: ");
    out.text(FATAL.iter().find(|f| f.0 == signum).map_or("Unknown signal", |f| f.1));
    out.text("\n\n");
    out.traceback("Current thread ");
    // SAFETY: a plain system call.
    unsafe { libc::raise(signum) };
}

extern "C" fn on_user(signum: i32) {
    let fd = USER_FDS.get(signum as usize).map_or(-1, |fd| fd.load(Ordering::Relaxed));
    if fd >= 0 {
        Out(fd).traceback("Current thread ");
    }
}

fn set_action(signum: i32, action: usize) -> bool {
    // SAFETY: a valid action; the handlers do only what is allowed in handlers.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_NODEFER | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut new.sa_mask);
        libc::sigaction(signum, &raw const new, std::ptr::null_mut()) == 0
    }
}

/// The descriptor of a file argument; `sys.stderr`'s by default.
fn descriptor(cx: &mut Cx, file: Option<Value>) -> PyResult<i32> {
    let file = match file.filter(|f| !f.is_none()) {
        Some(file) => file,
        None => match crate::builtins::sys_value(cx, "stderr") {
            None => return raise!(cx, RuntimeError, "unable to get sys.stderr"),
            Some(f) if f.is_none() => return raise!(cx, RuntimeError, "sys.stderr is None"),
            Some(f) => f,
        },
    };
    if int::check(file) {
        let fd = number::to_i32(cx, file)?;
        if fd < 0 {
            return raise!(cx, ValueError, "file is not a valid file descripter");
        }
        return Ok(fd);
    }
    let name = cx.names().fileno;
    let fd = cx.call_method(file, name, &[])?;
    let fd = match int::as_i64(fd) {
        Some(fd) if (0..=i32::MAX as i64).contains(&fd) => fd as i32,
        _ => return raise!(cx, RuntimeError, "file.fileno() is not a valid file descriptor"),
    };
    let flush = cx.names().flush;
    if cx.call_method(file, flush, &[]).is_err() {
        cx.take_exception();
    }
    Ok(fd)
}

fn check_signal(cx: &mut Cx, signum: i32) -> PyResult<()> {
    if FATAL.iter().any(|f| f.0 == signum) {
        return raise!(cx, RuntimeError, "signal {signum} cannot be registered, use enable() instead");
    }
    if !(1..65).contains(&signum) {
        return raise!(cx, ValueError, "signal number out of range");
    }
    Ok(())
}

fn crash(signum: i32) -> bool {
    // SAFETY: that is what was asked for.
    unsafe {
        libc::raise(signum);
        // Whoever handled it let the program go on.
        libc::signal(signum, libc::SIG_DFL);
        libc::raise(signum);
    }
    true
}

#[pymethods]
impl FaultHandler {
    /// Enable the fault handler.
    #[py("($module, /, file=sys.stderr, all_threads=True)")]
    fn enable(cx: &mut Cx, file: Option<Value>, _all_threads: Option<bool>) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        FATAL_FD.store(fd, Ordering::Relaxed);
        CX.store(&raw mut *cx, Ordering::Relaxed);
        for (signum, _) in FATAL {
            set_action(*signum, on_fatal as *const () as usize);
        }
        ENABLED.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Disable the fault handler.
    #[py("($module, /)")]
    fn disable(_cx: &mut Cx) -> bool {
        if !ENABLED.swap(false, Ordering::Relaxed) {
            return false;
        }
        for (signum, _) in FATAL {
            set_action(*signum, libc::SIG_DFL);
        }
        true
    }

    /// Check if the handler is enabled.
    #[py("($module, /)")]
    fn is_enabled(_cx: &mut Cx) -> bool {
        ENABLED.load(Ordering::Relaxed)
    }

    /// Dump the traceback of the current thread, or of all threads if all_threads is True, into file.
    #[py("($module, /, file=sys.stderr, all_threads=True)")]
    fn dump_traceback(cx: &mut Cx, file: Option<Value>, all_threads: Option<bool>) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        CX.store(&raw mut *cx, Ordering::Relaxed);
        if all_threads.unwrap_or(true) {
            Out(fd).traceback("Current thread ");
        } else {
            let out = Out(fd);
            out.text("Stack (most recent call first):\n");
            out.frames();
        }
        Ok(())
    }

    /// Dump the C stack of the current thread.
    #[py("($module, /, file=sys.stderr)")]
    fn dump_c_stack(cx: &mut Cx, file: Option<Value>) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        let out = Out(fd);
        out.text("Current thread's C stack trace (most recent call first):\n");
        out.text(&std::backtrace::Backtrace::force_capture().to_string());
        Ok(())
    }

    /// Dump the traceback of all threads in timeout seconds,
    /// or each timeout seconds if repeat is True. If exit is True, call _exit(1) which is not safe.
    #[py("($module, /, timeout, repeat=False, file=sys.stderr, exit=False)")]
    fn dump_traceback_later(
        cx: &mut Cx,
        timeout: f64,
        repeat: Option<bool>,
        file: Option<Value>,
        exit: Option<bool>,
    ) -> PyResult<()> {
        if timeout.is_nan() || timeout <= 0.0 {
            return raise!(cx, ValueError, "timeout must be greater than 0");
        }
        let fd = descriptor(cx, file)?;
        CX.store(&raw mut *cx, Ordering::Relaxed);
        let (repeat, exit) = (repeat.unwrap_or(false), exit.unwrap_or(false));
        let number = TIMER.fetch_add(1, Ordering::SeqCst) + 1;
        let wait = Duration::from_secs_f64(timeout.min(1e9));
        std::thread::spawn(move || {
            loop {
                let end = std::time::Instant::now() + wait;
                while let Some(left) = end.checked_duration_since(std::time::Instant::now()).filter(|l| !l.is_zero()) {
                    std::thread::sleep(left.min(Duration::from_millis(50)));
                    if TIMER.load(Ordering::SeqCst) != number {
                        return;
                    }
                }
                let out = Out(fd);
                let seconds = wait.as_secs();
                let text = format!(
                    "Timeout ({}:{:02}:{:02}{})!\n",
                    seconds / 3600,
                    seconds / 60 % 60,
                    seconds % 60,
                    match wait.subsec_micros() {
                        0 => String::new(),
                        micros => format!(".{micros:06}"),
                    }
                );
                out.text(&text);
                out.traceback("Thread ");
                if exit {
                    // SAFETY: ends the process as asked.
                    unsafe { libc::_exit(1) };
                }
                if !repeat {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Cancel the previous call to dump_traceback_later().
    #[py("($module, /)")]
    fn cancel_dump_traceback_later(_cx: &mut Cx) {
        TIMER.fetch_add(1, Ordering::SeqCst);
    }

    /// Register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads if all_threads is True, into file.
    #[py("($module, /, signum, file=sys.stderr, all_threads=True, chain=False)")]
    fn register(
        cx: &mut Cx,
        signum: i32,
        file: Option<Value>,
        _all_threads: Option<bool>,
        _chain: Option<bool>,
    ) -> PyResult<()> {
        check_signal(cx, signum)?;
        let fd = descriptor(cx, file)?;
        CX.store(&raw mut *cx, Ordering::Relaxed);
        USER_FDS[signum as usize].store(fd, Ordering::Relaxed);
        if !set_action(signum, on_user as *const () as usize) {
            return Err(crate::host::last_error(cx));
        }
        Ok(())
    }

    /// Unregister the handler of the signal 'signum' registered by register().
    #[py("($module, signum, /)")]
    fn unregister(cx: &mut Cx, signum: i32) -> PyResult<bool> {
        check_signal(cx, signum)?;
        if USER_FDS[signum as usize].swap(-1, Ordering::Relaxed) < 0 {
            return Ok(false);
        }
        set_action(signum, libc::SIG_DFL);
        Ok(true)
    }

    /// Raise a SIGSEGV signal.
    #[py("($module, release_gil=False, /)")]
    fn _sigsegv(_cx: &mut Cx, _release_gil: Option<bool>) -> bool {
        crash(libc::SIGSEGV)
    }

    /// Raise a SIGABRT signal.
    #[py("($module, /)")]
    fn _sigabrt(_cx: &mut Cx) -> bool {
        crash(libc::SIGABRT)
    }

    /// Raise a SIGFPE signal.
    #[py("($module, /)")]
    fn _sigfpe(_cx: &mut Cx) -> bool {
        crash(libc::SIGFPE)
    }

    /// Read from NULL, raise a SIGSEGV or SIGBUS signal depending on the platform.
    #[py("($module, /)")]
    fn _read_null(_cx: &mut Cx) -> bool {
        crash(libc::SIGSEGV)
    }
}
