//! `_SSLSocket`: a TLS connection over a socket or memory BIOs.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read, Write};

use rustls::pki_types::ServerName;
use rustls::server::{Accepted, Acceptor};
use rustls::{ClientConnection, Connection, HandshakeKind};
use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, object, raise, trace_values};
use taipan_stdlib::host;

use crate::certificate::{self, Certificate};
use crate::config;
use crate::context::Context;
use crate::error;
use crate::transport::{Doing, Input, Limit, Transport};
use crate::verify::{self, Mode};

/// `OP_IGNORE_UNEXPECTED_EOF`.
const IGNORE_UNEXPECTED_EOF: i64 = 128;

/// The connection, or what comes before a server has one.
enum State {
    /// A server that waits for the client's first message.
    Accepting(Acceptor),
    /// The message is being looked at.
    Choosing,
    /// A connection.
    Connected(Box<Connection>),
}

/// A TLS socket (TLS-1).
#[repr(C)]
pub struct SslSocket {
    header: Header,
    state: RefCell<State>,
    host: RefCell<Option<String>>,
    /// What was received and not yet looked at.
    incoming: RefCell<Vec<u8>>,
    /// What is still to be sent.
    outgoing: RefCell<VecDeque<u8>>,
    context: Cell<&'static Context>,
    transport: Cell<Transport>,
    owner: Cell<Value>,
    server_side: Cell<bool>,
    /// What the last round of the connection left to be read.
    pending: Cell<usize>,
    /// The peer has said that it will send no more.
    ended: Cell<bool>,
    /// The transport has.
    cut: Cell<bool>,
    /// We have said that we will send no more.
    closing: Cell<bool>,
}
object!(SslSocket, SSL_SOCKET);
trace_values!(trace_socket, SslSocket, |t| [
    Value::of(t.context.get()),
    t.owner.get(),
    t.transport.get().first(),
    t.transport.get().second(),
]);

impl Transport {
    fn first(self) -> Value {
        match self {
            Transport::Socket(socket) => socket,
            Transport::Bio(incoming, _) => Value::of(incoming),
        }
    }

    fn second(self) -> Option<Value> {
        match self {
            Transport::Socket(_) => None,
            Transport::Bio(_, outgoing) => Some(Value::of(outgoing)),
        }
    }
}

/// The type `_SSLSocket`.
pub static SSL_SOCKET: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ssl._SSLSocket",
    basicsize: std::mem::size_of::<SslSocket>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_socket),
    drop: Some(drop_socket),
    slots: Slots::NONE,
    methods: &[SslSocket::METHODS],
    getsets: &[SslSocket::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_socket(object: *mut Header) {
    // SAFETY: a dead object; what it owns is dropped once.
    unsafe {
        let this = object.cast::<SslSocket>();
        std::ptr::drop_in_place(&raw mut (*this).state);
        std::ptr::drop_in_place(&raw mut (*this).host);
        std::ptr::drop_in_place(&raw mut (*this).incoming);
        std::ptr::drop_in_place(&raw mut (*this).outgoing);
    }
}

/// A new connection. May collect.
pub fn new(
    cx: &mut Cx,
    context: &'static Context,
    transport: Transport,
    server_side: bool,
    host: Option<String>,
    owner: Option<Value>,
) -> PyResult<Value> {
    let state = if server_side {
        State::Accepting(Acceptor::default())
    } else {
        if context.checks_hostname() && host.is_none() {
            return raise!(cx, ValueError, "check_hostname requires server_hostname");
        }
        // An address that no name is sent for.
        let name = host.clone().unwrap_or("0.0.0.0".to_string());
        let Ok(name) = ServerName::try_from(name) else {
            return raise!(cx, ValueError, "Invalid value '{}' for server_hostname", host.unwrap_or_default());
        };
        let made = context.client().and_then(|config| ClientConnection::new(config, name));
        match made {
            Ok(connection) => State::Connected(Box::new(Connection::Client(connection))),
            Err(e) => return Err(config_error(cx, &e)),
        }
    };
    let socket = SslSocket {
        header: Header::fresh(&SSL_SOCKET),
        state: RefCell::new(state),
        host: RefCell::new(host),
        incoming: RefCell::default(),
        outgoing: RefCell::default(),
        context: Cell::new(context),
        transport: Cell::new(transport),
        owner: Cell::new(owner.unwrap_or(Value::none())),
        server_side: Cell::new(server_side),
        pending: Cell::new(0),
        ended: Cell::new(false),
        cut: Cell::new(false),
        closing: Cell::new(false),
    };
    Ok(Value::of(cx.alloc_of(&SSL_SOCKET, socket)))
}

fn config_error(cx: &mut Cx, e: &rustls::Error) -> Raised {
    match e {
        rustls::Error::General(text) if text.contains("no certificate") => {
            error::ssl_error(cx, "NO_SHARED_CIPHER", "no shared cipher")
        }
        _ => error::ssl_error(cx, "NO_PROTOCOLS_AVAILABLE", "no protocols available"),
    }
}

impl SslSocket {
    /// Runs `f` on the connection, if there is one (TLS-1).
    fn with<T>(&self, f: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        match &mut *self.state.borrow_mut() {
            State::Connected(connection) => Some(f(connection)),
            _ => None,
        }
    }

    fn is_handshaking(&self) -> bool {
        self.with(|c| c.is_handshaking()).unwrap_or(true)
    }

    /// Sends what the connection has to send. If `wait`, until everything is sent; else as much as the socket takes, since
    /// the peer may itself wait for us to read. Threads may do this at the same time: what is sent is taken from one
    /// queue, and no other thread runs between looking at it and taking it.
    fn flush(&self, cx: &mut Cx, limit: &Limit, wait: bool) -> PyResult<()> {
        loop {
            let sent = {
                let mut queue = self.outgoing.borrow_mut();
                self.with(|c| while c.wants_write() && c.write_tls(&mut *queue).is_ok() {});
                if queue.is_empty() {
                    return Ok(());
                }
                let sent = self.transport.get().write(limit, queue.make_contiguous());
                queue.drain(..sent.unwrap_or(0));
                sent
            };
            if sent.is_none() {
                if !wait {
                    return Ok(());
                }
                limit.wait(cx, libc::POLLOUT)?;
            }
        }
    }

    /// Sends something in the end, when an error is to be raised: as far as that is possible.
    fn send_last(&self, cx: &mut Cx, limit: &Limit, bytes: &[u8]) {
        self.outgoing.borrow_mut().extend(bytes);
        if self.flush(cx, limit, false).is_err() {
            cx.take_exception();
        }
    }

    /// Receives something and gives it to the connection. False at the end of what the peer sends.
    fn receive(&'static self, cx: &mut Cx, limit: &Limit) -> PyResult<bool> {
        if self.feed_all(cx, limit)? {
            return Ok(true);
        }
        match self.transport.get().read(cx, limit)? {
            Input::End => {
                self.cut.set(true);
                return Ok(false);
            }
            Input::Bytes(bytes) => self.incoming.borrow_mut().extend(bytes),
        }
        self.feed_all(cx, limit)?;
        Ok(true)
    }

    /// Gives the connection what was received, as much as it takes: while there is much to be read it takes no more.
    /// Whether it took something.
    fn feed_all(&'static self, cx: &mut Cx, limit: &Limit) -> PyResult<bool> {
        let mut took = false;
        loop {
            let bytes = std::mem::take(&mut *self.incoming.borrow_mut());
            let mut rest = &bytes[..];
            if !rest.is_empty() {
                self.feed(cx, limit, &mut rest)?;
            }
            let left = rest.len();
            if left > 0 {
                let mut queue = self.incoming.borrow_mut();
                let later = std::mem::take(&mut *queue);
                queue.extend_from_slice(&bytes[bytes.len() - left..]);
                queue.extend(later);
            }
            if left == bytes.len() {
                return Ok(took);
            }
            took = true;
        }
    }

    fn feed(&'static self, cx: &mut Cx, limit: &Limit, rest: &mut &[u8]) -> PyResult<()> {
        enum Next {
            Nothing,
            Accepted(Accepted),
            Refused(rustls::Error, Vec<u8>),
            Failed(rustls::Error),
        }
        let next = match &mut *self.state.borrow_mut() {
            State::Choosing => Next::Nothing,
            State::Accepting(acceptor) => {
                let _ = acceptor.read_tls(rest);
                match acceptor.accept() {
                    Ok(None) => Next::Nothing,
                    Ok(Some(accepted)) => Next::Accepted(accepted),
                    Err((e, mut alert)) => {
                        let mut out = Vec::new();
                        let _ = alert.write_all(&mut out);
                        Next::Refused(e, out)
                    }
                }
            }
            State::Connected(connection) => {
                let _ = connection.read_tls(rest);
                match connection.process_new_packets() {
                    Ok(state) => {
                        self.pending.set(state.plaintext_bytes_to_read());
                        if state.peer_has_closed() {
                            self.ended.set(true);
                        }
                        Next::Nothing
                    }
                    Err(e) => Next::Failed(e),
                }
            }
        };
        match next {
            Next::Nothing => Ok(()),
            Next::Accepted(accepted) => self.choose(cx, limit, accepted),
            Next::Refused(e, alert) => {
                self.send_last(cx, limit, &alert);
                Err(self.tls_error(cx, &e))
            }
            Next::Failed(e) => {
                // The peer is told why.
                self.send_last(cx, limit, &[]);
                Err(self.tls_error(cx, &e))
            }
        }
    }

    /// A client's first message is there: the server's configuration may depend on the name in it.
    fn choose(&'static self, cx: &mut Cx, limit: &Limit, accepted: Accepted) -> PyResult<()> {
        *self.state.borrow_mut() = State::Choosing;
        let callback = self.context.get().sni_callback.get();
        if !callback.is_none() {
            let name = accepted.client_hello().server_name().map(|n| n.to_string());
            let name = name.map_or(Value::none(), |n| cx.str(&n));
            let owner = self.owner.get();
            let me = if owner.is_none() { Value::of(self) } else { owner };
            let answer = cx.call(callback, &[me, name, Value::of(self.context.get())]);
            let alert = match answer {
                Ok(answer) if answer.is_none() => None,
                Ok(answer) => match int::as_i64(answer) {
                    Some(code) => Some(code),
                    None => {
                        let text = format!("an integer is required (got type {})", answer.class().name());
                        cx.raise_text(&taipan_runtime::exceptions::TypeError, &text);
                        let exception = cx.take_exception();
                        taipan_runtime::protocol::object::unraisable(cx, exception, Some(callback), None);
                        Some(80)
                    }
                },
                Err(_) => {
                    let exception = cx.take_exception();
                    taipan_runtime::protocol::object::unraisable(cx, exception, Some(callback), None);
                    Some(40)
                }
            };
            if let Some(code) = alert {
                let record = [21, 3, 3, 0, 2, 2, code as u8];
                self.send_last(cx, limit, &record);
                return Err(error::ssl_error(cx, "CALLBACK_FAILED", "callback failed"));
            }
        }
        let config = match self.context.get().server() {
            Ok(config) => config,
            Err(e) => {
                let record = [21, 3, 3, 0, 2, 2, 40];
                self.send_last(cx, limit, &record);
                return Err(config_error(cx, &e));
            }
        };
        match accepted.into_connection(config) {
            Ok(connection) => {
                *self.state.borrow_mut() = State::Connected(Box::new(Connection::Server(connection)));
                Ok(())
            }
            Err((e, mut alert)) => {
                let mut out = Vec::new();
                let _ = alert.write_all(&mut out);
                self.send_last(cx, limit, &out);
                Err(self.tls_error(cx, &e))
            }
        }
    }

    fn tls_error(&self, cx: &mut Cx, e: &rustls::Error) -> Raised {
        let self_signed = verify::refused_self_signed();
        let host = self.host.borrow().clone();
        error::tls(cx, e, host.as_deref(), self_signed)
    }

    fn handshake(&'static self, cx: &mut Cx, limit: &Limit) -> PyResult<()> {
        loop {
            self.flush(cx, limit, true)?;
            if !self.is_handshaking() {
                return Ok(());
            }
            if !self.receive(cx, limit)? && self.is_handshaking() {
                return Err(error::eof(cx));
            }
        }
    }

    /// Reads decrypted bytes; none at the end.
    fn read_plain(&'static self, cx: &mut Cx, n: usize) -> PyResult<Vec<u8>> {
        let limit = self.transport.get().limit(cx, Doing::Read)?;
        self.handshake(cx, &limit)?;
        if n == 0 {
            return Ok(Vec::new());
        }
        loop {
            let mut bytes = vec![0u8; n.min(1 << 16)];
            match self.with(|c| c.reader().read(&mut bytes)) {
                Some(Ok(got)) => {
                    bytes.truncate(got);
                    self.pending.set(self.pending.get().saturating_sub(got));
                    return Ok(bytes);
                }
                _ if self.ended.get() => return Ok(Vec::new()),
                _ if self.cut.get() && self.context.get().options() & IGNORE_UNEXPECTED_EOF != 0 => {
                    return Ok(Vec::new());
                }
                _ if self.cut.get() => return Err(error::eof(cx)),
                _ => {}
            }
            self.flush(cx, &limit, false)?;
            self.receive(cx, &limit)?;
            self.flush(cx, &limit, false)?;
        }
    }

    fn chain(&self) -> Option<Vec<Vec<u8>>> {
        self.with(|c| c.peer_certificates().map(|chain| chain.iter().map(|c| c.to_vec()).collect())).flatten()
    }
}

fn undeletable(cx: &mut Cx, name: &str) -> Raised {
    let text = format!("attribute '{name}' of '_ssl._SSLSocket' objects cannot be deleted");
    cx.raise_text(&taipan_runtime::exceptions::AttributeError, &text)
}

#[pymethods]
impl SslSocket {
    #[py("($self, /)")]
    fn do_handshake(cx: &mut Cx, this: &'static SslSocket) -> PyResult<()> {
        let limit = this.transport.get().limit(cx, Doing::Handshake)?;
        this.handshake(cx, &limit)
    }

    /// Writes the bytes-like object b into the SSL object.
    ///
    /// Returns the number of bytes written.
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, this: &'static SslSocket, b: Held) -> PyResult<usize> {
        let limit = this.transport.get().limit(cx, Doing::Write)?;
        this.handshake(cx, &limit)?;
        if this.closing.get() {
            return Err(error::ssl_error(cx, "PROTOCOL_IS_SHUTDOWN", "protocol is shutdown"));
        }
        let (bytes, mut done) = (b.bytes(), 0);
        while done < bytes.len() {
            let part = &bytes[done..(done + (1 << 14)).min(bytes.len())];
            let n = this.with(|c| c.writer().write(part)).and_then(Result::ok).unwrap_or(0);
            done += n;
            match this.flush(cx, &limit, true) {
                Ok(()) => {}
                // What was taken is sent with the next call.
                Err(_) if done > 0 && cx.exception_matches(&error::WANT_WRITE) => {
                    cx.take_exception();
                    break;
                }
                Err(raised) => return Err(raised),
            }
        }
        Ok(done)
    }

    /// Read up to size bytes from the SSL socket.
    #[py("($self, size=1024, buffer=None, /)", raw)]
    fn read(cx: &mut Cx, args: Args) -> PyResult<Value> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<SslSocket>() };
        let size = args.pos().get(1).map_or(Ok(1024), |v| number::to_isize(cx, *v))?;
        let Some(buffer) = args.pos().get(2).copied() else {
            let Ok(size) = usize::try_from(size) else { return raise!(cx, ValueError, "size should not be negative") };
            let bytes = this.read_plain(cx, size)?;
            return Ok(Value::of(Bytes::new(cx, &bytes)));
        };
        host::with_writable(cx, buffer, "read() argument 2", |cx, memory| {
            let n = usize::try_from(size).ok().filter(|n| *n > 0).unwrap_or(memory.len()).min(memory.len());
            let bytes = this.read_plain(cx, n)?;
            memory[..bytes.len()].copy_from_slice(&bytes);
            Ok(Value::small(bytes.len() as i64))
        })
    }

    /// Returns the number of already decrypted bytes available for read, pending on the connection.
    #[py("($self, /)")]
    fn pending(_: &mut Cx, this: &'static SslSocket) -> usize {
        this.pending.get()
    }

    /// Returns the certificate for the peer.
    ///
    /// If no certificate was provided, returns None.  If a certificate was
    /// provided, but not validated, returns an empty dictionary.  Otherwise
    /// returns a dict containing information about the peer certificate.
    ///
    /// If the optional argument is True, returns a DER-encoded copy of the
    /// peer certificate, or None if no certificate was provided.  This will
    /// return the certificate even if it wasn't validated.
    #[py("($self, der=False, /)")]
    fn getpeercert(cx: &mut Cx, this: &'static SslSocket, der: Option<bool>) -> PyResult<Value> {
        if this.is_handshaking() {
            return raise!(cx, ValueError, "handshake not done yet");
        }
        let Some(leaf) = this.chain().and_then(|chain| chain.into_iter().next()) else { return Ok(Value::none()) };
        if der == Some(true) {
            return Ok(Value::of(Bytes::new(cx, &leaf)));
        }
        if this.context.get().mode() == Mode::None {
            return Ok(Value::of(taipan_runtime::dict::Dict::new(cx)));
        }
        Ok(Value::of(certificate::decode(cx, &leaf)?))
    }

    /// Get channel binding data for current connection.
    ///
    /// Raise ValueError if the requested `cb_type` is not supported.  Return
    /// bytes of the data or None if the data is not available (e.g. before
    /// the handshake).
    #[py("($self, /, cb_type='tls-unique')")]
    fn get_channel_binding(cx: &mut Cx, _this: &'static SslSocket, cb_type: Option<&'static Str>) -> PyResult<()> {
        match cb_type {
            Some(kind) if !kind.eq_rust("tls-unique") => {
                raise!(cx, ValueError, "'{kind}' channel binding type not implemented")
            }
            _ => Ok(()),
        }
    }

    #[py("($self, /)")]
    fn cipher(cx: &mut Cx, this: &'static SslSocket) -> Value {
        let Some(suite) = this.with(|c| c.negotiated_cipher_suite()).flatten() else { return Value::none() };
        let name = config::cipher_name(suite.suite());
        let bits = Value::small(config::cipher_bits(&name));
        let version = if suite.tls13().is_some() { "TLSv1.3" } else { "TLSv1.2" };
        let (name, version) = (cx.str(&name), cx.str(version));
        Value::of(Tuple::new(cx, &[name, version, bits]))
    }

    #[py("($self, /)")]
    fn shared_ciphers(cx: &mut Cx, this: &'static SslSocket) -> Value {
        // A server knows only the one that was chosen.
        let cipher = Self::cipher(cx, this);
        if !this.server_side.get() || cipher.is_none() {
            return Value::none();
        }
        Value::of(List::from_slice(cx, &[cipher]))
    }

    #[py("($self, /)")]
    fn version(_: &mut Cx, this: &'static SslSocket) -> Option<&'static str> {
        match this.with(|c| if c.is_handshaking() { None } else { c.protocol_version() }).flatten()? {
            rustls::ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            rustls::ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => Some("unknown"),
        }
    }

    #[py("($self, /)")]
    fn selected_alpn_protocol(cx: &mut Cx, this: &'static SslSocket) -> Value {
        let chosen = this.with(|c| c.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned())).flatten();
        chosen.map_or(Value::none(), |p| cx.str(&p))
    }

    #[py("($self, /)")]
    fn compression(_: &mut Cx, _this: &'static SslSocket) {}

    /// Does the SSL shutdown handshake with the remote end.
    #[py("($self, /)")]
    fn shutdown(cx: &mut Cx, this: &'static SslSocket) -> PyResult<Value> {
        let limit = this.transport.get().limit(cx, Doing::Shutdown)?;
        if this.is_handshaking() {
            return Err(error::ssl_error(cx, "SHUTDOWN_WHILE_IN_INIT", "shutdown while in init"));
        }
        if !this.closing.replace(true) {
            this.with(|c| c.send_close_notify());
        }
        this.flush(cx, &limit, true)?;
        while !this.ended.get() {
            if !this.receive(cx, &limit)? {
                return Err(error::eof(cx));
            }
            if this.pending.get() > 0 {
                return Err(error::ssl_error(
                    cx,
                    "APPLICATION_DATA_AFTER_CLOSE_NOTIFY",
                    "application data after close notify",
                ));
            }
        }
        Ok(match this.transport.get() {
            Transport::Socket(socket) => socket,
            Transport::Bio(..) => Value::none(),
        })
    }

    /// Initiate TLS 1.3 post-handshake authentication
    #[py("($self, /)")]
    fn verify_client_post_handshake(cx: &mut Cx, _this: &'static SslSocket) -> PyResult<()> {
        raise!(cx, NotImplementedError, "Post-handshake auth is not supported by your OpenSSL version.")
    }

    #[py("($self, /)")]
    fn get_unverified_chain(cx: &mut Cx, this: &'static SslSocket) -> PyResult<Value> {
        let Some(chain) = this.chain() else { return Ok(Value::none()) };
        let list = List::new(cx);
        for der in chain {
            let certificate: &'static Certificate = certificate::new(cx, &der);
            list.push(cx, Value::of(certificate));
        }
        Ok(Value::of(list))
    }

    #[py("($self, /)")]
    fn get_verified_chain(cx: &mut Cx, this: &'static SslSocket) -> PyResult<Value> {
        if this.context.get().mode() == Mode::None {
            return Ok(Value::of(List::new(cx)));
        }
        Self::get_unverified_chain(cx, this)
    }

    /// This changes the context associated with the SSLSocket.
    #[getter]
    fn context(_: &mut Cx, this: &'static SslSocket) -> &'static Context {
        this.context.get()
    }
    #[setter("context")]
    fn set_context(cx: &mut Cx, this: &'static SslSocket, value: Option<Value>) -> PyResult<()> {
        match value.and_then(|v| v.downcast::<Context>()) {
            Some(context) => {
                this.context.set(context);
                cx.barrier(this);
                Ok(())
            }
            None if value.is_none() => Err(undeletable(cx, "context")),
            None => raise!(cx, TypeError, "The value must be a SSLContext"),
        }
    }

    /// Whether this is a server-side socket.
    #[getter]
    fn server_side(_: &mut Cx, this: &'static SslSocket) -> bool {
        this.server_side.get()
    }

    /// The currently set server hostname (for SNI).
    #[getter]
    fn server_hostname(cx: &mut Cx, this: &'static SslSocket) -> Value {
        let host = this.host.borrow().clone();
        host.map_or(Value::none(), |h| cx.str(&h))
    }

    /// The Python-level owner of this object.
    #[getter]
    fn owner(_: &mut Cx, this: &'static SslSocket) -> Value {
        this.owner.get()
    }
    #[setter("owner")]
    fn set_owner(cx: &mut Cx, this: &'static SslSocket, value: Option<Value>) -> PyResult<()> {
        let Some(owner) = value else { return Err(undeletable(cx, "owner")) };
        this.owner.set(owner);
        cx.barrier(this);
        Ok(())
    }

    /// The underlying SSLSession object.
    #[getter]
    fn session(_: &mut Cx, _this: &'static SslSocket) {}
    #[setter("session")]
    fn set_session(cx: &mut Cx, _: &'static SslSocket, value: Option<Value>) -> PyResult<()> {
        match value {
            Some(v) if v.is_none() => Ok(()),
            None => Err(undeletable(cx, "session")),
            _ => raise!(cx, TypeError, "Value is not a SSLSession."),
        }
    }

    /// Was the client session reused during handshake?
    #[getter]
    fn session_reused(_: &mut Cx, this: &'static SslSocket) -> bool {
        this.with(|c| c.handshake_kind() == Some(HandshakeKind::Resumed)).unwrap_or(false)
    }
}
