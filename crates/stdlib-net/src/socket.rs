//! The module `_socket` and its type `socket`: a file descriptor with a family, a kind and a timeout.
//!
//! A socket with a timeout is non-blocking for the system; [`Socket::io`] waits with poll().

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::protocol::{number, warn};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, object, raise};
use taipan_stdlib::host::{self, Outcome};
use taipan_stdlib::sys::audit;
use taipan_stdlib::time::{nanos_of, round_up};

use crate::address::{self, Address};
use crate::constants::CONSTANTS;
use crate::message::Messages;
use crate::names::Names;
use crate::resolve::{GAI_ERROR, HOST_ERROR};

/// A socket.
#[repr(C)]
pub struct Socket {
    header: Header,
    fd: Cell<i32>,
    family: Cell<i32>,
    kind: Cell<i32>,
    protocol: Cell<i32>,
    /// Nanoseconds; -1: blocks for ever.
    timeout: Cell<i64>,
}
object!(Socket, SOCKET);

/// The type `_socket.socket`.
pub static SOCKET: Type = Type::new(&SOCKET_SPEC);
static SOCKET_SPEC: TypeSpec = TypeSpec {
    name: "_socket.socket",
    basicsize: std::mem::size_of::<Socket>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of sockets.
            let this = unsafe { v.cast::<Socket>() };
            let (fd, family, kind, protocol) = (this.fd.get(), this.family.get(), this.kind.get(), this.protocol.get());
            Ok(cx.str(&format!("<socket object, fd={fd}, family={family}, type={kind}, proto={protocol}>")))
        }),
        new: Some(|cx, class, _| {
            let header = Header::fresh(class);
            let fd = Cell::new(-1);
            let [family, kind, protocol] = [const { Cell::new(-1) }; 3];
            let timeout = Cell::new(-1);
            Ok(Value::of(cx.alloc_of(class, Socket { header, fd, family, kind, protocol, timeout })))
        }),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[Socket::METHODS, Messages::METHODS],
    getsets: &[Socket::GETSETS],
    doc: "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\nOpen a socket of the given type.  The family argument specifies the\naddress family; it defaults to AF_INET.  The type argument specifies\nwhether this is a stream (SOCK_STREAM, this is the default)\nor datagram (SOCK_DGRAM) socket.  The protocol argument defaults to 0,\nspecifying the default protocol.  Keyword arguments are accepted.\nThe socket is created as non-inheritable.\n\nWhen a fileno is passed in, family, type and proto are auto-detected,\nunless they are explicitly set.",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_nothing(_: *mut Header, _: &mut Marker) {}

/// The default timeout of new sockets in nanoseconds, -1 for none.
static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

/// The functions that make or close sockets.
struct Functions;

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "Implementation module for socket operations.\n\nSee the socket module for documentation.";
    let module = taipan_stdlib::make(cx, "_socket", doc, Functions::METHODS);
    module.add_functions(cx, Names::METHODS);
    module.add_type(cx, &SOCKET);
    // Unclosed sockets are reported and closed.
    SOCKET.data().finalizer.set(true);
    module.add_type(cx, &GAI_ERROR);
    module.add_type(cx, &HOST_ERROR);
    module.set(cx, "SocketType", Value::of(&SOCKET));
    module.set(cx, "error", Value::of(&exceptions::OSError));
    module.set(cx, "timeout", Value::of(&exceptions::TimeoutError));
    module.set(cx, "has_ipv6", Value::bool(true));
    host::add_ints(cx, module, CONSTANTS);
    Ok(module)
}

static INIT: ParamSpec = ParamSpec {
    name: "socket",
    names: &["family", "type", "proto", "fileno"],
    positional_only: 0,
    positional: 4,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of sockets.
    let this: &'static Socket = unsafe { v.cast() };
    let mut bound = [None; 4];
    bind(cx, &INIT, args, &mut bound)?;
    let mut numbers = [-1; 3];
    for (to, from) in numbers.iter_mut().zip(bound) {
        if let Some(from) = from {
            *to = number::to_i32(cx, from)?;
        }
    }
    let values = numbers.map(|n| Value::small(n as i64));
    audit(cx, "socket.__new__", &[v, values[0], values[1], values[2]])?;
    let [mut family, mut kind, mut protocol] = numbers;
    let fd = match bound[3].filter(|f| !f.is_none()) {
        Some(fileno) => {
            let fd = given_fd(cx, fileno)?;
            detect(cx, fd, &mut family, &mut kind, &mut protocol)?;
            fd
        }
        None => {
            family = if family == -1 { libc::AF_INET } else { family };
            kind = if kind == -1 { libc::SOCK_STREAM } else { kind };
            protocol = protocol.max(0);
            // SAFETY: a plain system call.
            let fd = cx.allow_threads(|| unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) });
            host::check(cx, fd)?
        }
    };
    this.adopt(cx, fd, family, kind, protocol)
}

fn given_fd(cx: &mut Cx, fileno: Value) -> PyResult<i32> {
    if taipan_runtime::types::float::as_f64(fileno).is_some() {
        return raise!(cx, TypeError, "integer argument expected, got float");
    }
    let fd = number::to_i32(cx, fileno)?;
    if fd < 0 {
        return raise!(cx, ValueError, "negative file descriptor");
    }
    Ok(fd)
}

/// Asks the system for what is -1.
fn detect(cx: &mut Cx, fd: i32, family: &mut i32, kind: &mut i32, protocol: &mut i32) -> PyResult<()> {
    let mut address = Address::room();
    // SAFETY: room for any address.
    let status = unsafe { libc::getsockname(fd, address.ptr_mut(), address.len_mut()) };
    if status < 0 {
        if *family == -1 || host::errno() == libc::EBADF {
            return Err(host::last_error(cx));
        }
    } else if *family == -1 {
        *family = address.family();
    }
    for (place, option) in [(kind, libc::SO_TYPE), (protocol, libc::SO_PROTOCOL)] {
        if *place == -1 {
            *place = int_option(cx, fd, libc::SOL_SOCKET, option)?;
        }
    }
    Ok(())
}

fn int_option(cx: &mut Cx, fd: i32, level: i32, option: i32) -> PyResult<i32> {
    let (mut value, mut size) = (0i32, 4 as libc::socklen_t);
    // SAFETY: an int and its size.
    let status = unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &mut size) };
    host::check(cx, status)?;
    Ok(value)
}

/// A timeout argument: nanoseconds, -1 for none.
fn timeout_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if v.is_none() {
        return Ok(-1);
    }
    let nanos = nanos_of(cx, v, round_up)?;
    if nanos < 0 {
        return raise!(cx, ValueError, "Timeout value out of range");
    }
    Ok(nanos)
}

fn timeout_value(cx: &mut Cx, nanos: i64) -> Value {
    if nanos < 0 { Value::none() } else { cx.float(nanos as f64 * 1e-9) }
}

/// A count argument that may not be negative.
pub fn size_of(cx: &mut Cx, n: isize, text: &str) -> PyResult<usize> {
    match usize::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => raise!(cx, ValueError, "{text}"),
    }
}

impl Socket {
    fn adopt(&self, cx: &mut Cx, fd: i32, family: i32, kind: i32, protocol: i32) -> PyResult<()> {
        self.fd.set(fd);
        self.family.set(family);
        self.kind.set(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
        self.protocol.set(protocol);
        if kind & libc::SOCK_NONBLOCK != 0 {
            self.timeout.set(0);
            return Ok(());
        }
        self.timeout.set(DEFAULT_TIMEOUT.load(Ordering::Relaxed));
        if self.timeout.get() >= 0 { self.set_blocking(cx, false) } else { Ok(()) }
    }

    /// The descriptor.
    pub fn fd(&self) -> i32 {
        self.fd.get()
    }

    /// `AF_...`.
    pub fn family(&self) -> i32 {
        self.family.get()
    }

    fn set_blocking(&self, cx: &mut Cx, blocking: bool) -> PyResult<()> {
        let mut non_blocking = i32::from(!blocking);
        // SAFETY: FIONBIO takes a pointer to an int.
        let status = unsafe { libc::ioctl(self.fd.get(), libc::FIONBIO, &raw mut non_blocking) };
        host::check(cx, status)?;
        Ok(())
    }

    /// Waits until the descriptor is ready; false if the time is over.
    fn wait(&self, cx: &mut Cx, writing: bool, limit: Option<Instant>) -> PyResult<bool> {
        let events = if writing { libc::POLLOUT } else { libc::POLLIN };
        loop {
            let millis = match limit {
                None => -1,
                Some(limit) => {
                    let left = limit.saturating_duration_since(Instant::now());
                    left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32
                }
            };
            let mut fd = libc::pollfd { fd: self.fd.get(), events, revents: 0 };
            // SAFETY: one valid row.
            let (n, code) = cx.allow_threads(|| (unsafe { libc::poll(&mut fd, 1, millis) }, host::errno()));
            match n {
                0 => return Ok(false),
                n if n > 0 => return Ok(true),
                _ if code == libc::EINTR => host::check_signals(cx)?,
                _ => return Err(host::os_error(cx, code)),
            }
        }
    }

    /// Runs a system call that may block, within the socket's timeout.
    pub fn io<T: Outcome>(&self, cx: &mut Cx, writing: bool, f: impl FnMut() -> T) -> PyResult<T> {
        let limit = self.limit();
        self.io_until(cx, writing, limit, f)
    }

    fn limit(&self) -> Option<Instant> {
        match self.timeout.get() {
            nanos if nanos > 0 => Some(Instant::now() + Duration::from_nanos(nanos as u64)),
            _ => None,
        }
    }

    fn io_until<T: Outcome>(
        &self,
        cx: &mut Cx,
        writing: bool,
        limit: Option<Instant>,
        mut f: impl FnMut() -> T,
    ) -> PyResult<T> {
        loop {
            if limit.is_some() && !self.wait(cx, writing, limit)? {
                return raise!(cx, TimeoutError, "timed out");
            }
            match host::retry(cx, &mut f)? {
                Ok(result) => return Ok(result),
                Err(libc::EAGAIN) if limit.is_some() => {}
                Err(code) => return Err(host::os_error(cx, code)),
            }
        }
    }

    /// Connects; the inner error is the error number.
    fn do_connect(&self, cx: &mut Cx, address: &Address) -> PyResult<Result<(), i32>> {
        let fd = self.fd.get();
        // SAFETY: a valid address.
        let call = || unsafe { libc::connect(fd, address.ptr(), address.len()) };
        let (status, code) = cx.allow_threads(|| (call(), host::errno()));
        if status == 0 {
            return Ok(Ok(()));
        }
        let waits = match code {
            libc::EINTR => {
                host::check_signals(cx)?;
                self.timeout.get() != 0
            }
            libc::EINPROGRESS => self.timeout.get() > 0,
            _ => false,
        };
        if !waits {
            return Ok(Err(code));
        }
        let limit = self.limit();
        if !self.wait(cx, true, limit)? {
            return raise!(cx, TimeoutError, "timed out");
        }
        match int_option(cx, fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(Ok(())),
            code => Ok(Err(code)),
        }
    }

    fn receive(&self, cx: &mut Cx, out: &mut [u8], flags: i32) -> PyResult<usize> {
        let fd = self.fd.get();
        // SAFETY: a buffer of the length said.
        let n = self.io(cx, false, || unsafe { libc::recv(fd, out.as_mut_ptr().cast(), out.len(), flags) })?;
        Ok(n as usize)
    }

    fn receive_from(&self, cx: &mut Cx, out: &mut [u8], flags: i32) -> PyResult<(usize, Value)> {
        let fd = self.fd.get();
        let mut address = Address::room();
        let n = self.io(cx, false, || {
            address = Address::room();
            // SAFETY: a buffer of the length said and room for any address.
            unsafe {
                let (data, len) = (out.as_mut_ptr().cast(), out.len());
                libc::recvfrom(fd, data, len, flags, address.ptr_mut(), address.len_mut())
            }
        })?;
        let address = address.to_value(cx);
        Ok((n as usize, address))
    }
}

/// The writable buffer and count of `recv_into` and `recvfrom_into`.
fn with_target<T>(
    cx: &mut Cx,
    v: Value,
    n: Option<isize>,
    name: &str,
    f: impl FnOnce(&mut Cx, &mut [u8]) -> PyResult<T>,
) -> PyResult<T> {
    host::with_writable(cx, v, &format!("{name}() argument 1"), |cx, data| {
        let n = size_of(cx, n.unwrap_or(0), &format!("negative buffersize in {name}"))?;
        if n > data.len() {
            return match name {
                "recv_into" => raise!(cx, ValueError, "buffer too small for requested bytes"),
                _ => raise!(cx, ValueError, "nbytes is greater than the length of the buffer"),
            };
        }
        let n = if n == 0 { data.len() } else { n };
        f(cx, &mut data[..n])
    })
}

#[pymethods]
impl Socket {
    /// the socket family
    #[getter("family")]
    fn family_(_cx: &mut Cx, this: &'static Socket) -> i64 {
        this.family.get() as i64
    }

    /// Wait for an incoming connection.
    ///
    /// Return a new socket file descriptor representing the connection,
    /// and the address of the client.
    #[py("($self, /)")]
    fn _accept(cx: &mut Cx, this: &'static Socket) -> PyResult<Value> {
        let fd = this.fd.get();
        let mut address = Address::room();
        let new = this.io(cx, false, || {
            address = Address::room();
            // SAFETY: room for any address.
            unsafe { libc::accept4(fd, address.ptr_mut(), address.len_mut(), libc::SOCK_CLOEXEC) }
        })?;
        let address = address.to_value(cx);
        Ok(Value::of(Tuple::new(cx, &[Value::small(new as i64), address])))
    }

    /// Bind the socket to a local address.
    ///
    /// For IP sockets, the address is a pair (host, port); the host must refer
    /// to the local host.  For raw packet sockets the address is a tuple
    /// (ifname, proto [,pkttype [,hatype [,addr]]]).
    #[py("($self, object, /)")]
    fn bind(cx: &mut Cx, this: &'static Socket, object: Value) -> PyResult<()> {
        let address = address::parse(cx, this.family.get(), object, "bind")?;
        audit(cx, "socket.bind", &[Value::of(this), object])?;
        // SAFETY: a valid address.
        let status = unsafe { libc::bind(this.fd.get(), address.ptr(), address.len()) };
        host::check(cx, status)?;
        Ok(())
    }

    /// close()
    ///
    /// Close the socket.  It cannot be used after this call.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Socket) -> PyResult<()> {
        let fd = this.fd.replace(-1);
        if fd < 0 {
            return Ok(());
        }
        // SAFETY: the descriptor was this object's own.
        let (status, code) = cx.allow_threads(|| (unsafe { libc::close(fd) }, host::errno()));
        // A connection that was reset is closed all the same.
        if status < 0 && code != libc::ECONNRESET {
            return Err(host::os_error(cx, code));
        }
        Ok(())
    }

    /// Connect the socket to a remote address.
    ///
    /// For IP sockets, the address is a pair (host, port).
    #[py("($self, object, /)")]
    fn connect(cx: &mut Cx, this: &'static Socket, object: Value) -> PyResult<()> {
        let address = address::parse(cx, this.family.get(), object, "connect")?;
        audit(cx, "socket.connect", &[Value::of(this), object])?;
        match this.do_connect(cx, &address)? {
            Ok(()) => Ok(()),
            Err(code) => Err(host::os_error(cx, code)),
        }
    }

    /// connect_ex(address) -> errno
    ///
    /// This is like connect(address), but returns an error code (the errno value)
    /// instead of raising an exception when an error occurs.
    #[py("($self, object, /)")]
    fn connect_ex(cx: &mut Cx, this: &'static Socket, object: Value) -> PyResult<i64> {
        let address = address::parse(cx, this.family.get(), object, "connect_ex")?;
        audit(cx, "socket.connect", &[Value::of(this), object])?;
        match this.do_connect(cx, &address) {
            Ok(Ok(())) => Ok(0),
            Ok(Err(code)) => Ok(code as i64),
            Err(_) if cx.exception_matches(&exceptions::TimeoutError) => {
                cx.take_exception();
                Ok(libc::EWOULDBLOCK as i64)
            }
            Err(raised) => Err(raised),
        }
    }

    /// Close the socket object without closing the underlying file descriptor.
    ///
    /// The object cannot be used after this call, but the file descriptor
    /// can be reused for other purposes.  The file descriptor is returned.
    #[py("($self, /)")]
    fn detach(_cx: &mut Cx, this: &'static Socket) -> i64 {
        this.fd.replace(-1) as i64
    }

    /// Return the integer file descriptor of the socket.
    #[py("($self, /)")]
    fn fileno(_cx: &mut Cx, this: &'static Socket) -> i64 {
        this.fd.get() as i64
    }

    /// Return the address of the remote endpoint.
    ///
    /// For IP sockets, the address info is a pair (hostaddr, port).
    #[py("($self, /)")]
    fn getpeername(cx: &mut Cx, this: &'static Socket) -> PyResult<Value> {
        let mut address = Address::room();
        // SAFETY: room for any address.
        let status = unsafe { libc::getpeername(this.fd.get(), address.ptr_mut(), address.len_mut()) };
        host::check(cx, status)?;
        Ok(address.to_value(cx))
    }

    /// Return the address of the local endpoint.
    ///
    /// The format depends on the address family. For IPv4 sockets, the
    /// address info is a pair (hostaddr, port). For IPv6 sockets, the
    /// address info is a 4-tuple (hostaddr, port, flowinfo, scope_id).
    #[py("($self, /)")]
    fn getsockname(cx: &mut Cx, this: &'static Socket) -> PyResult<Value> {
        let mut address = Address::room();
        // SAFETY: room for any address.
        let status = unsafe { libc::getsockname(this.fd.get(), address.ptr_mut(), address.len_mut()) };
        host::check(cx, status)?;
        Ok(address.to_value(cx))
    }

    /// getsockopt(level, option[, buffersize]) -> value
    ///
    /// Get a socket option.  See the Unix manual for level and option.
    /// If a nonzero buffersize argument is given, the return value is a
    /// string of that length; otherwise it is an integer.
    #[py("($self, level, option, buffersize=0, /)")]
    fn getsockopt(
        cx: &mut Cx,
        this: &'static Socket,
        level: i32,
        option: i32,
        buffersize: Option<i32>,
    ) -> PyResult<Value> {
        let size = buffersize.unwrap_or(0);
        if size == 0 {
            let value = int_option(cx, this.fd.get(), level, option)?;
            return Ok(Value::small(value as i64));
        }
        if size <= 0 || size > 1024 {
            return raise!(cx, OSError, "getsockopt buflen out of range");
        }
        let (mut data, mut len) = (vec![0u8; size as usize], size as libc::socklen_t);
        // SAFETY: a buffer of the length said.
        let status = unsafe { libc::getsockopt(this.fd.get(), level, option, data.as_mut_ptr().cast(), &mut len) };
        host::check(cx, status)?;
        Ok(Value::of(Bytes::new(cx, &data[..len as usize])))
    }

    /// setsockopt(level, option, value: int)
    /// setsockopt(level, option, value: buffer)
    /// setsockopt(level, option, None, optlen: int)
    ///
    /// Set a socket option.  See the Unix manual for level and option.
    /// The value argument can either be an integer, a string buffer, or
    /// None, optlen.
    #[py("($self, level, option, value, optlen=None, /)", raw)]
    fn setsockopt(cx: &mut Cx, args: Args) -> PyResult<()> {
        // SAFETY: the descriptor checked the receiver.
        let fd = unsafe { args.pos()[0].cast::<Socket>() }.fd.get();
        args.no_keywords(cx, "setsockopt")?;
        let rest = &args.pos()[1..];
        let n = rest.len();
        if n != 3 && n != 4 {
            let word = if n < 3 { "exactly 3" } else { "at most 4" };
            return raise!(cx, TypeError, "setsockopt() takes {word} arguments ({n} given)");
        }
        let (level, option) = (number::to_i32(cx, rest[0])?, number::to_i32(cx, rest[1])?);
        let (value, with_len) = (rest[2], rest.get(3));
        let status = if let Some(len) = with_len {
            if !value.is_none() {
                let got = value.class().tp_name();
                return raise!(cx, TypeError, "socket option should be None, got {got}");
            }
            let len = number::to_i64(cx, *len)? as libc::socklen_t;
            // SAFETY: no data, as the caller asks.
            unsafe { libc::setsockopt(fd, level, option, std::ptr::null(), len) }
        } else if int::check(value) || value.class().slots().index.is_some() {
            let number = number::to_i64(cx, value)?;
            let Some(number) = i32::try_from(number).ok().or(u32::try_from(number).ok().map(|n| n as i32)) else {
                return raise!(cx, OverflowError, "signed integer is greater than maximum");
            };
            // SAFETY: an int and its size.
            unsafe { libc::setsockopt(fd, level, option, (&raw const number).cast(), 4) }
        } else {
            let held = buffer::hold(cx, value, 0)?;
            let data = held.bytes();
            // SAFETY: data of the length said.
            unsafe { libc::setsockopt(fd, level, option, data.as_ptr().cast(), data.len() as _) }
        };
        host::check(cx, status)?;
        Ok(())
    }

    /// listen([backlog])
    ///
    /// Enable a server to accept connections.  If backlog is specified, it must be
    /// at least 0 (if it is lower, it is set to 0); it specifies the number of
    /// unaccepted connections that the system will allow before refusing new
    /// connections.  If not specified, a default reasonable value is chosen.
    #[py("($self, backlog=128, /)")]
    fn listen(cx: &mut Cx, this: &'static Socket, backlog: Option<i32>) -> PyResult<()> {
        // SAFETY: a plain system call.
        let status = unsafe { libc::listen(this.fd.get(), backlog.unwrap_or(128).max(0)) };
        host::check(cx, status)?;
        Ok(())
    }

    /// recv(buffersize[, flags]) -> data
    ///
    /// Receive up to buffersize bytes from the socket.  For the optional flags
    /// argument, see the Unix manual.  When no data is available, block until
    /// at least one byte is available or until the remote end is closed.  When
    /// the remote end is closed and all data is read, return the empty string.
    #[py("($self, buffersize, flags=0, /)")]
    fn recv(cx: &mut Cx, this: &'static Socket, buffersize: isize, flags: Option<i32>) -> PyResult<&'static Bytes> {
        let n = size_of(cx, buffersize, "negative buffersize in recv")?;
        host::bytes_filled(cx, n, |cx, out| this.receive(cx, out, flags.unwrap_or(0)))
    }

    /// recv_into(buffer, [nbytes[, flags]]) -> nbytes_read
    ///
    /// A version of recv() that stores its data into a buffer rather than creating
    /// a new string.  Receive up to buffersize bytes from the socket.  If buffersize
    /// is not specified (or 0), receive up to the size available in the given buffer.
    ///
    /// See recv() for documentation about the flags.
    #[py("($self, /, buffer, nbytes=0, flags=0)")]
    fn recv_into(
        cx: &mut Cx,
        this: &'static Socket,
        buffer: Value,
        nbytes: Option<isize>,
        flags: Option<i32>,
    ) -> PyResult<i64> {
        let flags = flags.unwrap_or(0);
        with_target(cx, buffer, nbytes, "recv_into", |cx, out| Ok(this.receive(cx, out, flags)? as i64))
    }

    /// recvfrom(buffersize[, flags]) -> (data, address info)
    ///
    /// Like recv(buffersize, flags) but also return the sender's address info.
    #[py("($self, buffersize, flags=0, /)")]
    fn recvfrom(cx: &mut Cx, this: &'static Socket, buffersize: isize, flags: Option<i32>) -> PyResult<Value> {
        let n = size_of(cx, buffersize, "negative buffersize in recvfrom")?;
        let mut sender = Value::none();
        let data = host::bytes_filled(cx, n, |cx, out| {
            let (n, address) = this.receive_from(cx, out, flags.unwrap_or(0))?;
            sender = address;
            Ok(n)
        })?;
        Ok(Value::of(Tuple::new(cx, &[Value::of(data), sender])))
    }

    /// recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)
    ///
    /// Like recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info.
    #[py("($self, /, buffer, nbytes=0, flags=0)")]
    fn recvfrom_into(
        cx: &mut Cx,
        this: &'static Socket,
        buffer: Value,
        nbytes: Option<isize>,
        flags: Option<i32>,
    ) -> PyResult<Value> {
        let flags = flags.unwrap_or(0);
        let (n, sender) =
            with_target(cx, buffer, nbytes, "recvfrom_into", |cx, out| this.receive_from(cx, out, flags))?;
        Ok(Value::of(Tuple::new(cx, &[Value::small(n as i64), sender])))
    }

    /// send(data[, flags]) -> count
    ///
    /// Send a data string to the socket.  For the optional flags
    /// argument, see the Unix manual.  Return the number of bytes
    /// sent; this may be less than len(data) if the network is busy.
    #[py("($self, data, flags=0, /)")]
    fn send(cx: &mut Cx, this: &'static Socket, data: Held, flags: Option<i32>) -> PyResult<i64> {
        let (fd, flags, data) = (this.fd.get(), flags.unwrap_or(0), data.bytes());
        // SAFETY: data of the length said.
        let n = this.io(cx, true, || unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) })?;
        Ok(n as i64)
    }

    /// sendall(data[, flags])
    ///
    /// Send a data string to the socket.  For the optional flags
    /// argument, see the Unix manual.  This calls send() repeatedly
    /// until all data is sent.  If an error occurs, it's impossible
    /// to tell how much data has been sent.
    #[py("($self, data, flags=0, /)")]
    fn sendall(cx: &mut Cx, this: &'static Socket, data: Held, flags: Option<i32>) -> PyResult<()> {
        let (fd, flags, limit) = (this.fd.get(), flags.unwrap_or(0), this.limit());
        let mut rest = data.bytes();
        while !rest.is_empty() {
            // SAFETY: data of the length said.
            let call = || unsafe { libc::send(fd, rest.as_ptr().cast(), rest.len(), flags) };
            let n = this.io_until(cx, true, limit, call)?;
            rest = &rest[n as usize..];
            host::check_signals(cx)?;
        }
        Ok(())
    }

    /// sendto(data[, flags], address) -> count
    ///
    /// Like send(data, flags) but allows specifying the destination address.
    /// For IP sockets, the address is a pair (hostaddr, port).
    #[py("($self, data, flags, address=None, /)", raw)]
    fn sendto(cx: &mut Cx, args: Args) -> PyResult<i64> {
        // SAFETY: the descriptor checked the receiver.
        let this: &'static Socket = unsafe { args.pos()[0].cast() };
        args.no_keywords(cx, "sendto")?;
        let (data, flags, to) = match args.pos()[1..] {
            [data, to] => (data, 0, to),
            [data, flags, to] => (data, number::to_i32(cx, flags)?, to),
            ref other => {
                let n = other.len();
                return raise!(cx, TypeError, "sendto() takes 2 or 3 arguments ({n} given)");
            }
        };
        let held = buffer::hold(cx, data, 0)?;
        let address = address::parse(cx, this.family.get(), to, "sendto")?;
        audit(cx, "socket.sendto", &[Value::of(this), to])?;
        let (fd, data) = (this.fd.get(), held.bytes());
        // SAFETY: data of the length said and a valid address.
        let n = this.io(cx, true, || unsafe {
            libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, address.ptr(), address.len())
        })?;
        Ok(n as i64)
    }

    /// Set the socket to blocking (flag is true) or non-blocking (false).
    ///
    /// setblocking(True) is equivalent to settimeout(None);
    /// setblocking(False) is equivalent to settimeout(0.0).
    #[py("($self, object, /)")]
    fn setblocking(cx: &mut Cx, this: &'static Socket, object: Value) -> PyResult<()> {
        let blocking = taipan_runtime::protocol::object::truth(cx, object)?;
        this.timeout.set(if blocking { -1 } else { 0 });
        this.set_blocking(cx, blocking)
    }

    /// Returns True if socket is in blocking mode, or False if it is in non-blocking mode.
    #[py("($self, /)")]
    fn getblocking(_cx: &mut Cx, this: &'static Socket) -> bool {
        this.timeout.get() != 0
    }

    /// Set a timeout on socket operations.
    ///
    /// 'timeout' can be a float, giving in seconds, or None.
    /// Setting a timeout of None disables the timeout feature and is
    /// equivalent to setblocking(1).
    /// Setting a timeout of zero is the same as setblocking(0).
    #[py("($self, object, /)")]
    fn settimeout(cx: &mut Cx, this: &'static Socket, object: Value) -> PyResult<()> {
        let nanos = timeout_of(cx, object)?;
        this.timeout.set(nanos);
        this.set_blocking(cx, nanos < 0)
    }

    /// Returns the timeout in seconds (float) associated with socket operations.
    ///
    /// A timeout of None indicates that timeouts on socket operations are disabled.
    #[py("($self, /)")]
    fn gettimeout(cx: &mut Cx, this: &'static Socket) -> Value {
        timeout_value(cx, this.timeout.get())
    }

    /// shutdown(flag)
    ///
    /// Shut down the reading side of the socket (flag == SHUT_RD), the writing side
    /// of the socket (flag == SHUT_WR), or both ends (flag == SHUT_RDWR).
    #[py("($self, object, /)")]
    fn shutdown(cx: &mut Cx, this: &'static Socket, object: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        let status = unsafe { libc::shutdown(this.fd.get(), object) };
        host::check(cx, status)?;
        Ok(())
    }

    /// Called when the instance is about to be destroyed.
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static Socket) -> PyResult<()> {
        if this.fd.get() < 0 {
            return Ok(());
        }
        let name = taipan_runtime::protocol::object::repr_text(cx, Value::of(this));
        let warned = match name {
            Ok(name) => warn::warn(cx, &exceptions::ResourceWarning, &format!("unclosed {name}"), 1),
            Err(raised) => Err(raised),
        };
        // SAFETY: the descriptor is this object's own.
        unsafe { libc::close(this.fd.replace(-1)) };
        warned
    }

    /// the socket type
    #[getter("type")]
    fn kind_(_cx: &mut Cx, this: &'static Socket) -> i64 {
        this.kind.get() as i64
    }

    /// the socket protocol
    #[getter("proto")]
    fn protocol_(_cx: &mut Cx, this: &'static Socket) -> i64 {
        this.protocol.get() as i64
    }

    /// the socket timeout
    #[getter("timeout")]
    fn timeout_(cx: &mut Cx, this: &'static Socket) -> Value {
        timeout_value(cx, this.timeout.get())
    }
}

#[pymethods]
impl Functions {
    /// close(integer) -> None
    ///
    /// Close an integer socket file descriptor.  This is like os.close(), but for
    /// sockets; on some platforms os.close() won't work for socket file descriptors.
    #[py("($module, object, /)")]
    fn close(cx: &mut Cx, object: Value) -> PyResult<()> {
        let fd = number::to_i32(cx, object)?;
        // SAFETY: the caller's descriptor.
        let (status, code) = cx.allow_threads(|| (unsafe { libc::close(fd) }, host::errno()));
        if status < 0 && code != libc::ECONNRESET {
            return Err(host::os_error(cx, code));
        }
        Ok(())
    }

    /// dup(integer) -> integer
    ///
    /// Duplicate an integer socket file descriptor.  This is like os.dup(), but for
    /// sockets; on some platforms os.dup() won't work for socket file descriptors.
    #[py("($module, object, /)")]
    fn dup(cx: &mut Cx, object: Value) -> PyResult<i64> {
        let fd = number::to_i32(cx, object)?;
        // SAFETY: a plain system call.
        let new = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        Ok(host::check(cx, new)? as i64)
    }

    /// socketpair([family[, type [, proto]]]) -> (socket object, socket object)
    ///
    /// Create a pair of socket objects from the sockets returned by the platform
    /// socketpair() function.
    /// The arguments are the same as for socket() except the default family is
    /// AF_UNIX if defined on the platform; otherwise, the default is AF_INET.
    #[py("($module, family=AF_UNIX, type=SOCK_STREAM, proto=0, /)")]
    fn socketpair(cx: &mut Cx, family: Option<i32>, kind: Option<i32>, proto: Option<i32>) -> PyResult<Value> {
        let family = family.unwrap_or(libc::AF_UNIX);
        let kind = kind.unwrap_or(libc::SOCK_STREAM);
        let protocol = proto.unwrap_or(0);
        let mut fds = [-1; 2];
        // SAFETY: room for two descriptors.
        let status = unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, fds.as_mut_ptr()) };
        host::check(cx, status)?;
        let made = fds.map(|fd| pair_member(cx, fd, family, kind, protocol));
        match made {
            [Ok(a), Ok(b)] => Ok(Value::of(Tuple::new(cx, &[a, b]))),
            _ => Err(Raised),
        }
    }

    /// getdefaulttimeout() -> timeout
    ///
    /// Returns the default timeout in seconds (float) for new socket objects.
    /// A value of None indicates that new socket objects have no timeout.
    /// When the socket module is first imported, the default is None.
    #[py("($module, /)")]
    fn getdefaulttimeout(cx: &mut Cx) -> Value {
        timeout_value(cx, DEFAULT_TIMEOUT.load(Ordering::Relaxed))
    }

    /// setdefaulttimeout(timeout)
    ///
    /// Set the default timeout in seconds (float) for new socket objects.
    /// A value of None indicates that new socket objects have no timeout.
    /// When the socket module is first imported, the default is None.
    #[py("($module, object, /)")]
    fn setdefaulttimeout(cx: &mut Cx, object: Value) -> PyResult<()> {
        let nanos = timeout_of(cx, object)?;
        DEFAULT_TIMEOUT.store(nanos, Ordering::Relaxed);
        Ok(())
    }

    /// CMSG_LEN(length) -> control message length
    ///
    /// Return the total length, without trailing padding, of an ancillary
    /// data item with associated data of the given length.
    #[py("($module, length, /)", name = "CMSG_LEN")]
    fn cmsg_len(cx: &mut Cx, length: isize) -> PyResult<i64> {
        crate::message::control_size(cx, length, false)
    }

    /// CMSG_SPACE(length) -> buffer size
    ///
    /// Return the buffer size needed for recvmsg() to receive an ancillary
    /// data item with associated data of the given length, along with any
    /// trailing padding.
    #[py("($module, length, /)", name = "CMSG_SPACE")]
    fn cmsg_space(cx: &mut Cx, length: isize) -> PyResult<i64> {
        crate::message::control_size(cx, length, true)
    }
}

fn pair_member(cx: &mut Cx, fd: i32, family: i32, kind: i32, protocol: i32) -> PyResult<Value> {
    let [f, k, p, fd] = [family, kind, protocol, fd].map(|n| Value::small(n as i64));
    cx.call(Value::of(&SOCKET), &[f, k, p, fd])
}
