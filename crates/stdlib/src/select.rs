//! select: waiting for descriptors.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use crate::host::{self, add_ints};
use crate::time::{nanos_of, round_up};

/// When to give up waiting.
#[derive(Clone, Copy)]
struct Deadline(Option<i64>);

fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the result is a local.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

impl Deadline {
    /// After so many nanoseconds; never if there is no number.
    fn after(nanos: Option<i64>) -> Deadline {
        Deadline(nanos.map(|n| now().saturating_add(n)))
    }

    /// Nanoseconds left, not negative.
    fn left(self) -> Option<i64> {
        self.0.map(|at| (at - now()).max(0))
    }

    /// Milliseconds left, rounded up; -1 for ever.
    fn millis(self) -> i32 {
        self.left().map_or(-1, |n| ((n + 999_999) / 1_000_000).min(i32::MAX as i64) as i32)
    }
}

/// A timeout of the type that a function documents. `scale` nanoseconds make a unit.
fn timeout_of(cx: &mut Cx, v: Option<Value>, scale: f64, text: &str) -> PyResult<Option<i64>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    let seconds = match nanos_of(cx, v, round_up) {
        Ok(nanos) => nanos,
        Err(raised) => {
            if cx.exception_matches(&exceptions::TypeError) {
                cx.take_exception();
                return raise!(cx, TypeError, "{text}");
            }
            return Err(raised);
        }
    };
    if scale == 1e9 {
        return Ok(Some(seconds));
    }
    // The number was taken for seconds.
    Ok(Some((seconds as f64 * (scale / 1e9)).round() as i64))
}

// ---- select() ------------------------------------------------------------------------------------------

/// The objects of an argument with their descriptors, and the set of these.
struct Watched {
    objects: RootVec,
    fds: Vec<i32>,
    set: libc::fd_set,
}

fn empty_set() -> libc::fd_set {
    let mut set = MaybeUninit::uninit();
    // SAFETY: FD_ZERO fills it.
    unsafe {
        libc::FD_ZERO(set.as_mut_ptr());
        set.assume_init()
    }
}

impl Watched {
    fn new(cx: &mut Cx, v: Value) -> PyResult<Watched> {
        let objects = iter::collect(cx, v);
        let objects = match objects {
            Ok(objects) => objects,
            Err(_) if cx.exception_matches(&exceptions::TypeError) && v.class().slots().iter.is_none() => {
                cx.take_exception();
                return raise!(cx, TypeError, "arguments 1-3 must be sequences");
            }
            Err(raised) => return Err(raised),
        };
        let mut all = Watched { objects, fds: Vec::new(), set: empty_set() };
        for i in 0..all.objects.len() {
            let fd = host::fd_of(cx, all.objects[i])?;
            if fd as usize >= libc::FD_SETSIZE {
                return raise!(cx, ValueError, "filedescriptor out of range in select()");
            }
            // SAFETY: within the set.
            unsafe { libc::FD_SET(fd, &mut all.set) };
            all.fds.push(fd);
        }
        Ok(all)
    }

    fn ready(&self, cx: &mut Cx, set: &libc::fd_set) -> Value {
        let list = List::new(cx);
        for (i, fd) in self.fds.iter().enumerate() {
            // SAFETY: within the set.
            if unsafe { libc::FD_ISSET(*fd, set) } {
                list.push(cx, self.objects[i]);
            }
        }
        Value::of(list)
    }
}

struct Functions;

#[pymethods]
impl Functions {
    /// Wait until one or more file descriptors are ready for some kind of I/O.
    ///
    /// The first three arguments are iterables of file descriptors to be waited for:
    /// rlist -- wait until ready for reading
    /// wlist -- wait until ready for writing
    /// xlist -- wait for an "exceptional condition"
    /// If only one kind of condition is required, pass [] for the other lists.
    ///
    /// A file descriptor is either a socket or file object, or a small integer
    /// gotten from a fileno() method call on one of those.
    ///
    /// The optional 4th argument specifies a timeout in seconds; it may be
    /// a floating-point number to specify fractions of seconds.  If it is absent
    /// or None, the call will never time out.
    ///
    /// The return value is a tuple of three lists corresponding to the first three
    /// arguments; each contains the subset of the corresponding file descriptors
    /// that are ready.
    ///
    /// *** IMPORTANT NOTICE ***
    /// On Windows, only sockets are supported; on Unix, all file
    /// descriptors can be used.
    #[py("($module, rlist, wlist, xlist, timeout=None, /)")]
    fn select(cx: &mut Cx, rlist: Value, wlist: Value, xlist: Value, timeout: Option<Value>) -> PyResult<Value> {
        let timeout = timeout_of(cx, timeout, 1e9, "timeout must be a float or None")?;
        if timeout.is_some_and(|t| t < 0) {
            return raise!(cx, ValueError, "timeout must be non-negative");
        }
        let watched = [Watched::new(cx, rlist)?, Watched::new(cx, wlist)?, Watched::new(cx, xlist)?];
        let high = watched.iter().flat_map(|w| &w.fds).max().map_or(0, |fd| fd + 1);
        let deadline = Deadline::after(timeout);
        let mut sets = [watched[0].set, watched[1].set, watched[2].set];
        loop {
            for (set, watched) in sets.iter_mut().zip(&watched) {
                *set = watched.set;
            }
            let [r, w, x] = &mut sets;
            let (result, code) = host::blocking(cx, || {
                let mut left = deadline
                    .left()
                    .map(|n| libc::timeval { tv_sec: n / 1_000_000_000, tv_usec: (n % 1_000_000_000 + 999) / 1000 });
                if let Some(left) = left.as_mut().filter(|l| l.tv_usec >= 1_000_000) {
                    (left.tv_sec, left.tv_usec) = (left.tv_sec + 1, 0);
                }
                let left = left.as_mut().map_or(std::ptr::null_mut(), |l| l as *mut libc::timeval);
                // SAFETY: the sets and the time are locals.
                (unsafe { libc::select(high, r, w, x, left) }, host::errno())
            });
            if result >= 0 {
                break;
            }
            if code != libc::EINTR {
                return Err(host::os_error(cx, code));
            }
            host::check_signals(cx)?;
        }
        let lists = [0, 1, 2].map(|i| watched[i].ready(cx, &sets[i]));
        Ok(Value::of(Tuple::new(cx, &lists)))
    }
    /// Returns a polling object.
    ///
    /// This object supports registering and unregistering file descriptors, and then
    /// polling them for I/O events.
    #[py("($module, /)")]
    fn poll(cx: &mut Cx) -> Value {
        let this =
            Poll { header: Header::fresh(&POLL), polling: Cell::new(false), entries: UnsafeCell::new(Vec::new()) };
        Value::of(cx.alloc_of(&POLL, this))
    }
}

// ---- poll objects ------------------------------------------------------------------------------------------

/// A polling object.
#[repr(C)]
pub struct Poll {
    header: Header,
    polling: Cell<bool>,
    entries: UnsafeCell<Vec<(i32, u16)>>,
}
object!(Poll, POLL);

/// `select.poll`.
pub static POLL: Type = Type::new(&POLL_SPEC);
static POLL_SPEC: TypeSpec = TypeSpec {
    name: "select.poll",
    basicsize: std::mem::size_of::<Poll>(),
    flags: flags::DISALLOW_INSTANTIATION,
    drop: Some(drop_poll),
    methods: &[Poll::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_poll(object: *mut Header) {
    // SAFETY: called once for a dead polling object.
    unsafe { std::ptr::drop_in_place((*object.cast::<Poll>()).entries.get()) };
}

fn event_mask(cx: &mut Cx, v: Option<Value>) -> PyResult<u16> {
    let Some(v) = v else { return Ok((libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16) };
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(i) if i < 0 => raise!(cx, ValueError, "Cannot convert negative int"),
        Some(i) if i <= u16::MAX as i64 => Ok(i as u16),
        _ => raise!(cx, OverflowError, "Python int too large for C unsigned short"),
    }
}

impl Poll {
    #[allow(clippy::mut_from_ref)]
    fn entries(&self) -> &mut Vec<(i32, u16)> {
        // SAFETY: only used natively between calls of Python code; the GIL gives exclusive access.
        unsafe { &mut *self.entries.get() }
    }
}

#[pymethods]
impl Poll {
    /// Register a file descriptor with the polling object.
    ///
    ///   fd
    ///     either an integer, or an object with a fileno() method returning an int
    ///   eventmask
    ///     an optional bitmask describing the type of events to check for
    #[py("($self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)")]
    fn register(cx: &mut Cx, this: &'static Poll, fd: Value, eventmask: Option<Value>) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        let mask = event_mask(cx, eventmask)?;
        match this.entries().iter_mut().find(|e| e.0 == fd) {
            Some(entry) => entry.1 = mask,
            None => this.entries().push((fd, mask)),
        }
        Ok(())
    }
    /// Modify an already registered file descriptor.
    ///
    ///   fd
    ///     either an integer, or an object with a fileno() method returning
    ///     an int
    ///   eventmask
    ///     a bitmask describing the type of events to check for
    #[py("($self, fd, eventmask, /)")]
    fn modify(cx: &mut Cx, this: &'static Poll, fd: Value, eventmask: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        let mask = event_mask(cx, Some(eventmask))?;
        match this.entries().iter_mut().find(|e| e.0 == fd) {
            Some(entry) => {
                entry.1 = mask;
                Ok(())
            }
            None => Err(host::os_error(cx, libc::ENOENT)),
        }
    }
    /// Remove a file descriptor being tracked by the polling object.
    #[py("($self, fd, /)")]
    fn unregister(cx: &mut Cx, this: &'static Poll, fd: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        match this.entries().iter().position(|e| e.0 == fd) {
            Some(i) => {
                this.entries().remove(i);
                Ok(())
            }
            None => Err(cx.raise_value(&exceptions::KeyError, Value::small(fd as i64))),
        }
    }
    /// Polls the set of registered file descriptors.
    ///
    ///   timeout
    ///     The maximum time to wait in milliseconds, or else None (or a negative
    ///     value) to wait indefinitely.
    ///
    /// Returns a list containing any descriptors that have events or errors to
    /// report, as a list of (fd, event) 2-tuples.
    #[py("($self, timeout=None, /)")]
    fn poll(cx: &mut Cx, this: &'static Poll, timeout: Option<Value>) -> PyResult<Value> {
        let timeout = timeout_of(cx, timeout, 1e6, "timeout must be an integer or None")?;
        if this.polling.replace(true) {
            return raise!(cx, RuntimeError, "concurrent poll() invocation");
        }
        let deadline = Deadline::after(timeout.filter(|t| *t >= 0));
        let mut fds: Vec<libc::pollfd> = this
            .entries()
            .iter()
            .map(|(fd, mask)| libc::pollfd { fd: *fd, events: *mask as i16, revents: 0 })
            .collect();
        let result = wait(cx, || {
            // SAFETY: the array is as long as said.
            unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, deadline.millis()) }
        });
        this.polling.set(false);
        result?;
        let list = List::new(cx);
        for entry in fds.iter().filter(|f| f.revents != 0) {
            let items = [Value::small(entry.fd as i64), Value::small(entry.revents as u16 as i64)];
            let pair = Value::of(Tuple::new(cx, &items));
            list.push(cx, pair);
        }
        Ok(Value::of(list))
    }
}

fn wait(cx: &mut Cx, call: impl FnMut() -> i32) -> PyResult<i32> {
    host::run(cx, call)
}

// ---- epoll ---------------------------------------------------------------------------------------------------

/// An epoll object.
#[repr(C)]
pub struct Epoll {
    header: Header,
    fd: Cell<i32>,
}
object!(Epoll, EPOLL);

/// `select.epoll`.
pub static EPOLL: Type = Type::new(&EPOLL_SPEC);
static EPOLL_SPEC: TypeSpec = TypeSpec {
    name: "select.epoll",
    basicsize: std::mem::size_of::<Epoll>(),
    drop: Some(drop_epoll),
    slots: Slots { new: Some(new_epoll), ..Slots::NONE },
    methods: &[Epoll::METHODS],
    getsets: &[Epoll::GETSETS],
    doc: "Returns an epolling object.\n\n  sizehint\n    The expected number of events to be registered.  It must be positive,\n    or -1 to use the default.  It is only used on older systems where\n    epoll_create1() is not available; otherwise it has no effect (though its\n    value is still checked).\n  flags\n    Deprecated and completely ignored.  However, when supplied, its value\n    must be 0 or select.EPOLL_CLOEXEC, otherwise OSError is raised.",
    signature: "(sizehint=-1, flags=0)",
    ..TypeSpec::DEFAULT
};

unsafe fn drop_epoll(object: *mut Header) {
    // SAFETY: called once for a dead epoll object, which owns its descriptor.
    unsafe {
        let fd = (*object.cast::<Epoll>()).fd.get();
        if fd >= 0 {
            libc::close(fd);
        }
    }
}

fn new_epoll(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    static SPEC: ParamSpec = ParamSpec {
        name: "epoll",
        names: &["sizehint", "flags"],
        positional_only: 0,
        positional: 2,
        required: 0,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    };
    let mut bound = [None; 2];
    bind(cx, &SPEC, args, &mut bound)?;
    let hint = bound[0].map_or(Ok(-1), |v| number::to_i32(cx, v))?;
    let create_flags = bound[1].map_or(Ok(0), |v| number::to_i32(cx, v))?;
    if hint != -1 && hint <= 0 {
        return raise!(cx, ValueError, "negative sizehint");
    }
    if create_flags != 0 && create_flags != libc::EPOLL_CLOEXEC {
        return raise!(cx, OSError, "invalid flags");
    }
    // SAFETY: a plain system call.
    let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    let fd = host::check(cx, fd)?;
    Ok(Value::of(cx.alloc_of(class, Epoll { header: Header::fresh(class), fd: Cell::new(fd) })))
}

#[cold]
fn closed(cx: &mut Cx) -> Raised {
    cx.raise_text(&exceptions::ValueError, "I/O operation on closed epoll object")
}

impl Epoll {
    fn open_fd(&self, cx: &mut Cx) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd < 0 => Err(closed(cx)),
            fd => Ok(fd),
        }
    }

    fn control(&self, cx: &mut Cx, op: i32, fd: Value, mask: u32) -> PyResult<()> {
        let own = self.open_fd(cx)?;
        let fd = host::fd_of(cx, fd)?;
        let mut event = libc::epoll_event { events: mask, u64: fd as u64 };
        // SAFETY: the event is a local.
        let result = unsafe { libc::epoll_ctl(own, op, fd, &mut event) };
        host::check(cx, result)?;
        Ok(())
    }
}

fn unsigned(cx: &mut Cx, v: Value) -> PyResult<u32> {
    Ok(number::to_i64(cx, v)? as u32)
}

#[pymethods]
impl Epoll {
    /// Create an epoll object from a given control fd.
    #[classmethod]
    #[py("($type, fd, /)")]
    fn fromfd(cx: &mut Cx, class: &'static Type, fd: i32) -> Value {
        Value::of(cx.alloc_of(class, Epoll { header: Header::fresh(class), fd: Cell::new(fd) }))
    }
    /// Close the epoll control file descriptor.
    ///
    /// Further operations on the epoll object will raise an exception.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Epoll) -> PyResult<()> {
        let fd = this.fd.replace(-1);
        if fd >= 0 {
            // SAFETY: the object owns its descriptor.
            let result = unsafe { libc::close(fd) };
            host::check(cx, result)?;
        }
        Ok(())
    }
    /// Return the epoll control file descriptor.
    #[py("($self, /)")]
    fn fileno(cx: &mut Cx, this: &'static Epoll) -> PyResult<i32> {
        this.open_fd(cx)
    }
    /// Modify event mask for a registered file descriptor.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    ///   eventmask
    ///     a bit set composed of the various EPOLL constants
    #[py("($self, /, fd, eventmask)")]
    fn modify(cx: &mut Cx, this: &'static Epoll, fd: Value, eventmask: Value) -> PyResult<()> {
        let mask = unsigned(cx, eventmask)?;
        this.control(cx, libc::EPOLL_CTL_MOD, fd, mask)
    }
    /// Registers a new fd or raises an OSError if the fd is already registered.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    ///   eventmask
    ///     a bit set composed of the various EPOLL constants
    ///
    /// The epoll interface supports all file descriptors that support poll.
    #[py("($self, /, fd, eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)")]
    fn register(cx: &mut Cx, this: &'static Epoll, fd: Value, eventmask: Option<Value>) -> PyResult<()> {
        let mask = match eventmask {
            Some(v) => unsigned(cx, v)?,
            None => (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32,
        };
        this.control(cx, libc::EPOLL_CTL_ADD, fd, mask)
    }
    /// Remove a registered file descriptor from the epoll object.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    #[py("($self, /, fd)")]
    fn unregister(cx: &mut Cx, this: &'static Epoll, fd: Value) -> PyResult<()> {
        this.control(cx, libc::EPOLL_CTL_DEL, fd, 0)
    }
    /// Wait for events on the epoll file descriptor.
    ///
    ///   timeout
    ///     the maximum time to wait in seconds (as float);
    ///     a timeout of None or -1 makes poll wait indefinitely
    ///   maxevents
    ///     the maximum number of events returned; -1 means no limit
    ///
    /// Returns a list containing any descriptors that have events to report,
    /// as a list of (fd, events) 2-tuples.
    #[py("($self, /, timeout=None, maxevents=-1)")]
    fn poll(cx: &mut Cx, this: &'static Epoll, timeout: Option<Value>, maxevents: Option<i32>) -> PyResult<Value> {
        let own = this.open_fd(cx)?;
        let timeout = timeout_of(cx, timeout, 1e9, "timeout must be an integer or None")?;
        let deadline = Deadline::after(timeout.filter(|t| *t >= 0));
        let room = match maxevents.unwrap_or(-1) {
            -1 => libc::FD_SETSIZE - 1,
            n if n < 1 => return raise!(cx, ValueError, "maxevents must be greater than 0, got {n}"),
            n => n as usize,
        };
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; room];
        let n = wait(cx, || {
            // SAFETY: the array is as long as said.
            unsafe { libc::epoll_wait(own, events.as_mut_ptr(), events.len() as i32, deadline.millis()) }
        })?;
        let list = List::new(cx);
        for event in &events[..n as usize] {
            let items = [Value::small(event.u64 as i64), Value::small({ event.events } as i64)];
            let pair = Value::of(Tuple::new(cx, &items));
            list.push(cx, pair);
        }
        Ok(Value::of(list))
    }
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Epoll) -> PyResult<Value> {
        this.open_fd(cx)?;
        Ok(Value::of(this))
    }
    #[py("($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn __exit__(
        cx: &mut Cx,
        this: &'static Epoll,
        _exc_type: Option<Value>,
        _exc_value: Option<Value>,
        _exc_tb: Option<Value>,
    ) -> PyResult<Value> {
        cx.call_method_text(Value::of(this), "close", &[])
    }
    /// True if the epoll handler is closed
    #[getter]
    fn closed(_cx: &mut Cx, this: &'static Epoll) -> bool {
        this.fd.get() < 0
    }
}

static CONSTANTS: &[(&str, i64)] = &[
    ("PIPE_BUF", 4096),
    ("POLLIN", 1),
    ("POLLPRI", 2),
    ("POLLOUT", 4),
    ("POLLERR", 8),
    ("POLLHUP", 16),
    ("POLLNVAL", 32),
    ("POLLRDNORM", 64),
    ("POLLRDBAND", 128),
    ("POLLWRNORM", 256),
    ("POLLWRBAND", 512),
    ("POLLMSG", 1024),
    ("POLLRDHUP", 8192),
    ("EPOLLIN", 1),
    ("EPOLLOUT", 4),
    ("EPOLLPRI", 2),
    ("EPOLLERR", 8),
    ("EPOLLHUP", 16),
    ("EPOLLRDHUP", 8192),
    ("EPOLLET", 1 << 31),
    ("EPOLLONESHOT", 1 << 30),
    ("EPOLLEXCLUSIVE", 1 << 28),
    ("EPOLLRDNORM", 64),
    ("EPOLLRDBAND", 128),
    ("EPOLLWRNORM", 256),
    ("EPOLLWRBAND", 512),
    ("EPOLLMSG", 1024),
    ("EPOLLWAKEUP", 1 << 29),
    ("EPOLL_CLOEXEC", 524288),
];

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "select");
    let doc = cx.str(
        "This module supports asynchronous I/O on multiple file descriptors.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file descriptors.",
    );
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    cx.ready_type(&POLL);
    module.add_type(cx, &EPOLL);
    module.set(cx, "error", Value::of(&exceptions::OSError));
    add_ints(cx, module, CONSTANTS);
    module
}
