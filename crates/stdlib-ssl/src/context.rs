//! `_SSLContext`.

use std::cell::{Cell, RefCell, RefMut};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ServerConfig};
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::{buffer, number, object as protocol, warn};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};
use taipan_stdlib::host;

use crate::bio::MemoryBio;
use crate::certificate;
use crate::config::{self, Settings, TLS12, TLS13};
use crate::error;
use crate::pem;
use crate::socket;
use crate::transport::Transport;
use crate::verify::Mode;

/// `PROTOCOL_TLS_CLIENT`.
pub const CLIENT: i64 = 16;
/// `PROTOCOL_TLS_SERVER`.
pub const SERVER: i64 = 17;
/// `OP_ALL | OP_NO_SSLv3 | OP_NO_COMPRESSION | OP_CIPHER_SERVER_PREFERENCE | OP_ENABLE_MIDDLEBOX_COMPAT`.
const OPTIONS: i64 = 2_147_483_728 | 33_554_432 | 131_072 | 4_194_304 | 1_048_576;

/// `OP_NO_SSLv3 | OP_NO_TLSv1 | OP_NO_TLSv1_1 | OP_NO_TLSv1_2 | OP_NO_TLSv1_3`.
const NO_VERSIONS: i64 = 33_554_432 | 67_108_864 | 268_435_456 | 134_217_728 | 536_870_912;

/// A context.
#[repr(C)]
pub struct Context {
    header: Header,
    settings: RefCell<Settings>,
    /// What was made of the settings, until they change.
    client: RefCell<Option<Arc<ClientConfig>>>,
    server: RefCell<Option<Arc<ServerConfig>>>,
    protocol: Cell<i64>,
    verify_flags: Cell<i64>,
    host_flags: Cell<i64>,
    post_handshake: Cell<bool>,
    /// `sni_callback`.
    pub sni_callback: Cell<Value>,
    message_callback: Cell<Value>,
    key_log_name: Cell<Value>,
}
object!(Context, CONTEXT);
trace_values!(trace_context, Context, |t| [t.sni_callback.get(), t.message_callback.get(), t.key_log_name.get(),]);

/// The type `_SSLContext`.
pub static CONTEXT: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ssl._SSLContext",
    basicsize: std::mem::size_of::<Context>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_context),
    drop: Some(drop_context),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[Context::METHODS],
    getsets: &[Attributes::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_context(object: *mut Header) {
    // SAFETY: a dead context; what it owns is dropped once.
    unsafe {
        let this = object.cast::<Context>();
        std::ptr::drop_in_place(&raw mut (*this).settings);
        std::ptr::drop_in_place(&raw mut (*this).client);
        std::ptr::drop_in_place(&raw mut (*this).server);
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "_SSLContext")?;
    let &[protocol] = args.pos() else {
        let n = args.pos().len();
        return raise!(cx, TypeError, "_SSLContext() takes exactly one argument ({n} given)");
    };
    let protocol = number::to_i64(cx, protocol)?;
    let deprecated = match protocol {
        CLIENT | SERVER => None,
        2 => Some("ssl.PROTOCOL_TLS is deprecated"),
        3 => Some("ssl.PROTOCOL_TLSv1 is deprecated"),
        4 => Some("ssl.PROTOCOL_TLSv1_1 is deprecated"),
        5 => Some("ssl.PROTOCOL_TLSv1_2 is deprecated"),
        _ => return raise!(cx, ValueError, "invalid or unsupported protocol version {protocol}"),
    };
    if let Some(text) = deprecated {
        warn::warn(cx, &exceptions::DeprecationWarning, text, 2)?;
    }
    let is_client = protocol == CLIENT;
    let mode = if is_client { Mode::Required } else { Mode::None };
    let mut settings = Settings::new(mode, is_client, OPTIONS);
    if protocol == 5 {
        settings.maximum = TLS12;
    }
    let none = Value::none();
    let context = Context {
        header: Header::fresh(class),
        settings: RefCell::new(settings),
        client: RefCell::new(None),
        server: RefCell::new(None),
        protocol: Cell::new(protocol),
        verify_flags: Cell::new(32768),
        host_flags: Cell::new(4),
        post_handshake: Cell::new(false),
        sni_callback: Cell::new(none),
        message_callback: Cell::new(none),
        key_log_name: Cell::new(none),
    };
    Ok(Value::of(cx.alloc_of(class, context)))
}

/// Reads a file. OSError.
fn read_file(cx: &mut Cx, path: Value) -> PyResult<Vec<u8>> {
    let name = host::fs_bytes(cx, path)?;
    match std::fs::read(OsStr::from_bytes(name.as_bytes())) {
        Ok(text) => Ok(text),
        Err(e) => Err(host::os_error(cx, e.raw_os_error().unwrap_or(libc::EIO))),
    }
}

fn pem_error(cx: &mut Cx) -> taipan_runtime::Raised {
    error::raise(cx, Value::of(&error::SSL_ERROR), 524_297, "[SSL] PEM lib (_ssl.c:3917)", Some("PEM lib"), &[])
}

impl Context {
    /// The settings as they are now.
    fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// The settings, to be changed.
    fn change(&self) -> RefMut<'_, Settings> {
        *self.client.borrow_mut() = None;
        *self.server.borrow_mut() = None;
        self.settings.borrow_mut()
    }

    /// The configuration of clients.
    pub fn client(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let made = self.client.borrow().clone();
        match made {
            Some(config) => Ok(config),
            None => Ok(self.client.borrow_mut().insert(self.settings.borrow().client()?).clone()),
        }
    }

    /// The configuration of servers, which remembers sessions.
    pub fn server(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let made = self.server.borrow().clone();
        match made {
            Some(config) => Ok(config),
            None => Ok(self.server.borrow_mut().insert(self.settings.borrow().server()?).clone()),
        }
    }

    /// `OP_*`.
    pub fn options(&self) -> i64 {
        self.settings.borrow().options
    }

    /// Whether the peer's name has to fit.
    pub fn checks_hostname(&self) -> bool {
        self.settings.borrow().check_hostname
    }

    /// What is asked of the peer.
    pub fn mode(&self) -> Mode {
        self.settings.borrow().mode
    }

    fn add_trusted(&self, cx: &mut Cx, found: Vec<CertificateDer<'static>>) -> PyResult<()> {
        if found.is_empty() {
            let text = "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)";
            let class = Value::of(&error::SSL_ERROR);
            return Err(error::raise(cx, class, 136, text, Some("NO_CERTIFICATE_OR_CRL_FOUND"), &[]));
        }
        let trusted = &mut self.change().trusted;
        for certificate in found {
            if !trusted.contains(&certificate) {
                trusted.push(certificate);
            }
        }
        Ok(())
    }

    fn add_data(&self, cx: &mut Cx, data: Value) -> PyResult<()> {
        let found = if let Some(text) = data.downcast::<Str>() {
            let Some(text) = text.as_ascii() else {
                return raise!(cx, TypeError, "cadata should be an ASCII string or a bytes-like object");
            };
            pem::certificates(text.as_bytes())
        } else if buffer::check(data) {
            let held = buffer::hold(cx, data, 0)?;
            split_der(held.bytes())
        } else {
            return raise!(cx, TypeError, "cadata should be an ASCII string or a bytes-like object");
        };
        match found {
            Some(found) if !found.is_empty() => self.add_trusted(cx, found),
            _ => {
                let (reason, why) = match data.downcast::<Str>() {
                    Some(_) => ("NO_START_LINE", "no start line"),
                    None => ("NOT_ENOUGH_DATA", "not enough data"),
                };
                let text = format!("{why}: cadata does not contain a certificate (_ssl.c:4149)");
                Err(error::raise(cx, Value::of(&error::SSL_ERROR), 1, &text, Some(reason), &[]))
            }
        }
    }
}

/// Certificates in DER form, one after the other.
fn split_der(mut data: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let mut all = Vec::new();
    while !data.is_empty() {
        let (rest, _) = X509Certificate::from_der(data).ok()?;
        all.push(CertificateDer::from(data[..data.len() - rest.len()].to_vec()));
        data = rest;
    }
    Some(all)
}

#[pymethods]
impl Context {
    #[py("($self, /, sock, server_side, server_hostname=None, *,\n             owner=None, session=None)")]
    fn _wrap_socket(
        cx: &mut Cx,
        this: &'static Context,
        sock: Value,
        server_side: bool,
        server_hostname: Option<Value>,
        owner: Option<Value>,
        _session: Option<Value>,
    ) -> PyResult<Value> {
        let host = hostname(cx, server_hostname)?;
        socket::new(cx, this, Transport::Socket(sock), server_side, host, owner)
    }

    #[py("($self, /, incoming, outgoing, server_side,\n          server_hostname=None, *, owner=None, session=None)")]
    fn _wrap_bio(
        cx: &mut Cx,
        this: &'static Context,
        incoming: &'static MemoryBio,
        outgoing: &'static MemoryBio,
        server_side: bool,
        server_hostname: Option<Value>,
        owner: Option<Value>,
        _session: Option<Value>,
    ) -> PyResult<Value> {
        let host = hostname(cx, server_hostname)?;
        socket::new(cx, this, Transport::Bio(incoming, outgoing), server_side, host, owner)
    }

    #[py("($self, cipherlist, /)")]
    fn set_ciphers(cx: &mut Cx, this: &'static Context, cipherlist: &'static Str) -> PyResult<()> {
        let list = cipherlist.to_string_lossy();
        let provider = rustls::crypto::ring::default_provider();
        let names: Vec<String> = provider.cipher_suites.iter().map(|s| config::cipher_name(s.suite())).collect();
        let tokens: Vec<&str> = list.split([':', ',', ' ']).filter(|t| !t.is_empty()).collect();
        let chosen: Vec<String> =
            tokens.iter().filter(|t| names.iter().any(|n| n == *t)).map(|t| t.to_string()).collect();
        // Classes of ciphers (HIGH, !aNULL, ECDHE+AESGCM) leave the choice to the library.
        let is_class = |t: &&str| {
            let word = t.trim_start_matches(['!', '-', '+']);
            let known = [
                "ALL",
                "HIGH",
                "DEFAULT",
                "AES",
                "CHACHA20",
                "ECDH",
                "EECDH",
                "RSA",
                "COMPLEMENT",
                "@",
                "TLS",
                "kE",
                "aE",
                "aR",
            ];
            known.iter().any(|k| word.starts_with(k))
        };
        if chosen.is_empty() && !tokens.iter().any(|t| is_class(t)) {
            return Err(error::plain(cx, "No cipher can be selected."));
        }
        this.change().ciphers = if tokens.iter().any(|t| is_class(t)) { Vec::new() } else { chosen };
        Ok(())
    }

    #[py("($self, protos, /)")]
    fn _set_alpn_protocols(_: &mut Cx, this: &'static Context, protos: Held) {
        let (mut rest, mut all) = (protos.bytes(), Vec::new());
        while let [n, tail @ ..] = rest {
            let n = usize::from(*n).min(tail.len());
            all.push(tail[..n].to_vec());
            rest = &tail[n..];
        }
        this.change().alpn = all;
    }

    #[py("($self, /, certfile, keyfile=None, password=None)")]
    fn load_cert_chain(
        cx: &mut Cx,
        this: &'static Context,
        certfile: Value,
        keyfile: Option<Value>,
        password: Option<Value>,
    ) -> PyResult<()> {
        let password = password.filter(|p| !p.is_none());
        if let Some(password) = password
            && password.class().slots().call.is_none()
            && password.downcast::<Str>().is_none()
            && !buffer::check(password)
        {
            return raise!(cx, TypeError, "password should be a string or callable");
        }
        let certificates = read_file(cx, certfile)?;
        let key = match keyfile.filter(|k| !k.is_none()) {
            Some(keyfile) => read_file(cx, keyfile)?,
            None => certificates.clone(),
        };
        if pem::is_encrypted(&key) {
            let text = "encrypted private keys are not supported; decrypt the key file first";
            return Err(error::raise(cx, Value::of(&error::SSL_ERROR), 1, text, None, &[]));
        }
        let chain = pem::certificates(&certificates).filter(|c| !c.is_empty());
        let (Some(chain), Some(key)) = (chain, pem::private_key(&key)) else { return Err(pem_error(cx)) };
        let provider = rustls::crypto::ring::default_provider();
        let Ok(key) = provider.key_provider.load_private_key(key) else { return Err(pem_error(cx)) };
        let own = CertifiedKey::new(chain, key);
        if matches!(own.keys_match(), Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch))) {
            let text = "[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3938)";
            let class = Value::of(&error::SSL_ERROR);
            return Err(error::raise(cx, class, 116, text, Some("KEY_VALUES_MISMATCH"), &[]));
        }
        this.change().own = Some(Arc::new(own));
        Ok(())
    }

    #[py("($self, path, /)")]
    fn load_dh_params(cx: &mut Cx, _this: &'static Context, path: Value) -> PyResult<()> {
        // The file is checked; key exchange is by elliptic curves only.
        read_file(cx, path).map(|_| ())
    }

    #[py("($self, /, cafile=None, capath=None, cadata=None)")]
    fn load_verify_locations(
        cx: &mut Cx,
        this: &'static Context,
        cafile: Option<Value>,
        capath: Option<Value>,
        cadata: Option<Value>,
    ) -> PyResult<()> {
        let [cafile, capath, cadata] = [cafile, capath, cadata].map(|v| v.filter(|v| !v.is_none()));
        if cafile.is_none() && capath.is_none() && cadata.is_none() {
            return raise!(cx, TypeError, "cafile, capath and cadata cannot be all omitted");
        }
        if let Some(data) = cadata {
            this.add_data(cx, data)?;
        }
        if let Some(file) = cafile {
            let text = read_file(cx, file)?;
            match pem::certificates(&text) {
                Some(found) => this.add_trusted(cx, found)?,
                None => return Err(pem_error(cx)),
            }
        }
        if let Some(path) = capath {
            let name = host::fs_bytes(cx, path)?;
            let found = config::read_directory(Path::new(OsStr::from_bytes(name.as_bytes())));
            this.change().trusted.extend(found);
        }
        Ok(())
    }

    #[py("($self, /)")]
    fn session_stats(cx: &mut Cx, _this: &'static Context) -> &'static Dict {
        let dict = Dict::new(cx);
        let names = [
            "number",
            "connect",
            "connect_good",
            "connect_renegotiate",
            "accept",
            "accept_good",
            "accept_renegotiate",
            "hits",
            "misses",
            "timeouts",
            "cache_full",
        ];
        for name in names {
            let name = cx.intern(name);
            dict.set_str(cx, name, Value::small(0));
        }
        dict
    }

    #[py("($self, /)")]
    fn set_default_verify_paths(_: &mut Cx, this: &'static Context) {
        this.change().system = true;
    }

    #[py("($self, name, /)")]
    fn set_ecdh_curve(cx: &mut Cx, _this: &'static Context, name: Value) -> PyResult<()> {
        let text = match (name.downcast::<Str>(), name.downcast::<Bytes>()) {
            (Some(s), _) => s.to_string_lossy(),
            (_, Some(b)) => String::from_utf8_lossy(b.data()).into_owned(),
            _ => {
                return raise!(
                    cx,
                    TypeError,
                    "expected str, bytes or os.PathLike object, not {}",
                    name.class().tp_name()
                );
            }
        };
        match text.as_str() {
            "prime256v1" | "secp384r1" | "X25519" => Ok(()),
            _ => {
                let repr = protocol::repr_text(cx, name)?;
                raise!(cx, ValueError, "unknown elliptic curve name {repr}")
            }
        }
    }

    #[py("($self, /)")]
    fn cert_store_stats(cx: &mut Cx, this: &'static Context) -> &'static Dict {
        let trusted = this.settings().all_trusted();
        let authorities = trusted.iter().filter(|c| certificate::is_authority(c)).count();
        let dict = Dict::new(cx);
        for (name, n) in [("x509", trusted.len()), ("crl", 0), ("x509_ca", authorities)] {
            let name = cx.intern(name);
            dict.set_str(cx, name, Value::small(n as i64));
        }
        dict
    }

    #[py("($self, /, binary_form=False)")]
    fn get_ca_certs(cx: &mut Cx, this: &'static Context, binary_form: Option<bool>) -> PyResult<&'static List> {
        let list = List::new(cx);
        for der in this.settings().all_trusted().iter().filter(|c| certificate::is_authority(c)) {
            let item = match binary_form {
                Some(true) => Value::of(Bytes::new(cx, der)),
                _ => Value::of(certificate::decode(cx, der)?),
            };
            list.push(cx, item);
        }
        Ok(list)
    }

    #[py("($self, /)")]
    fn get_ciphers(cx: &mut Cx, this: &'static Context) -> &'static List {
        let list = List::new(cx);
        for suite in &this.settings().provider().cipher_suites {
            let name = config::cipher_name(suite.suite());
            let version = if suite.tls13().is_some() { "TLSv1.3" } else { "TLSv1.2" };
            let dict = Dict::new(cx);
            let texts = [("name", name.as_str()), ("protocol", version), ("description", name.as_str())];
            for (key, text) in texts {
                let (key, text) = (cx.intern(key), cx.str(text));
                dict.set_str(cx, key, text);
            }
            let bits = Value::small(config::cipher_bits(&name));
            let id = Value::small(0x0300_0000 | i64::from(u16::from(suite.suite())));
            for (key, value) in [("id", id), ("strength_bits", bits), ("alg_bits", bits), ("aead", Value::bool(true))] {
                let key = cx.intern(key);
                dict.set_str(cx, key, value);
            }
            list.push(cx, Value::of(dict));
        }
        list
    }
}

fn hostname(cx: &mut Cx, v: Option<Value>) -> PyResult<Option<String>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    let text = match (v.downcast::<Str>(), v.downcast::<Bytes>()) {
        (Some(s), _) => s.to_string_lossy(),
        (_, Some(b)) => String::from_utf8_lossy(b.data()).into_owned(),
        _ => return raise!(cx, TypeError, "server_hostname must be str or None, not {}", v.class().tp_name()),
    };
    if text.is_empty() || text.starts_with('.') {
        return raise!(cx, ValueError, "server_hostname cannot be an empty string or start with a leading dot.");
    }
    if text.contains('\0') {
        return raise!(cx, TypeError, "embedded null character");
    }
    Ok(Some(text))
}

struct Attributes;

fn given(cx: &mut Cx, value: Option<Value>) -> PyResult<Value> {
    match value {
        Some(value) => Ok(value),
        None => raise!(cx, AttributeError, "cannot delete attribute"),
    }
}

fn given_int(cx: &mut Cx, value: Option<Value>) -> PyResult<i64> {
    let value = given(cx, value)?;
    number::to_i64(cx, value)
}

fn version(cx: &mut Cx, value: Option<Value>) -> PyResult<i64> {
    let version = given_int(cx, value)?;
    if !matches!(version, -2 | -1 | 768..=772) {
        return raise!(cx, ValueError, "Unsupported TLS/SSL version {version:#x}");
    }
    let old = match version {
        768 => Some("SSLv3"),
        769 => Some("TLSv1"),
        770 => Some("TLSv1_1"),
        _ => None,
    };
    if let Some(old) = old {
        let text = format!("ssl.TLSVersion.{old} is deprecated");
        warn::warn(cx, &exceptions::DeprecationWarning, &text, 2)?;
    }
    Ok(version)
}

#[pymethods]
impl Attributes {
    #[getter]
    fn check_hostname(_: &mut Cx, this: &'static Context) -> bool {
        this.settings.borrow().check_hostname
    }
    #[setter("check_hostname")]
    fn set_check_hostname(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let value = given(cx, value)?;
        let check = protocol::truth(cx, value)?;
        let mut settings = this.change();
        settings.check_hostname = check;
        if check && settings.mode == Mode::None {
            settings.mode = Mode::Required;
        }
        Ok(())
    }

    #[getter]
    fn _host_flags(_: &mut Cx, this: &'static Context) -> i64 {
        this.host_flags.get()
    }
    #[setter("_host_flags")]
    fn set_host_flags(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        this.host_flags.set(given_int(cx, value)?);
        Ok(())
    }

    #[getter]
    fn minimum_version(_: &mut Cx, this: &'static Context) -> i64 {
        this.settings.borrow().minimum
    }
    #[setter("minimum_version")]
    fn set_minimum_version(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let version = version(cx, value)?;
        this.change().minimum = if version == -1 { TLS13 } else { version };
        Ok(())
    }

    #[getter]
    fn maximum_version(_: &mut Cx, this: &'static Context) -> i64 {
        this.settings.borrow().maximum
    }
    #[setter("maximum_version")]
    fn set_maximum_version(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let version = version(cx, value)?;
        this.change().maximum = if version == -2 { TLS12 } else { version };
        Ok(())
    }

    #[getter]
    fn keylog_filename(_: &mut Cx, this: &'static Context) -> Value {
        this.key_log_name.get()
    }
    #[setter("keylog_filename")]
    fn set_keylog_filename(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let value = given(cx, value)?;
        let log = if value.is_none() {
            None
        } else {
            let name = host::fs_bytes(cx, value)?;
            let path = OsStr::from_bytes(name.as_bytes());
            match std::fs::OpenOptions::new().append(true).create(true).open(path) {
                Ok(file) => Some(Arc::new(KeyLogFile(std::sync::Mutex::new(file))) as Arc<dyn rustls::KeyLog>),
                Err(e) => return Err(host::os_error_file(cx, e.raw_os_error().unwrap_or(libc::EIO), value)),
            }
        };
        this.change().key_log = log;
        this.key_log_name.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn _msg_callback(_: &mut Cx, this: &'static Context) -> Value {
        this.message_callback.get()
    }
    #[setter("_msg_callback")]
    fn set_msg_callback(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        this.message_callback.set(given(cx, value)?);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn sni_callback(_: &mut Cx, this: &'static Context) -> Value {
        this.sni_callback.get()
    }
    #[setter("sni_callback")]
    fn set_sni_callback(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let value = given(cx, value)?;
        if this.protocol.get() == CLIENT {
            return raise!(cx, ValueError, "sni_callback cannot be set on TLS_CLIENT context");
        }
        if !value.is_none() && value.class().slots().call.is_none() {
            return raise!(cx, TypeError, "not a callable object");
        }
        this.sni_callback.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn num_tickets(_: &mut Cx, this: &'static Context) -> usize {
        this.settings.borrow().tickets
    }
    #[setter("num_tickets")]
    fn set_num_tickets(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let n = given_int(cx, value)?;
        let Ok(n) = usize::try_from(n) else { return raise!(cx, ValueError, "value must be non-negative") };
        if this.protocol.get() != SERVER {
            return raise!(cx, ValueError, "SSLContext is not a server context.");
        }
        this.change().tickets = n;
        Ok(())
    }

    #[getter]
    fn options(_: &mut Cx, this: &'static Context) -> i64 {
        this.settings.borrow().options
    }
    #[setter("options")]
    fn set_options(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let options = given_int(cx, value)?;
        if options < 0 {
            return raise!(cx, OverflowError, "can't convert negative value to unsigned int");
        }
        let added = options & !this.options();
        if added & NO_VERSIONS != 0 {
            let text = "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated";
            warn::warn(cx, &exceptions::DeprecationWarning, text, 2)?;
        }
        this.change().options = options;
        Ok(())
    }

    #[getter]
    fn post_handshake_auth(_: &mut Cx, this: &'static Context) -> bool {
        this.post_handshake.get()
    }
    #[setter("post_handshake_auth")]
    fn set_post_handshake_auth(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let value = given(cx, value)?;
        this.post_handshake.set(protocol::truth(cx, value)?);
        Ok(())
    }

    #[getter]
    fn protocol(_: &mut Cx, this: &'static Context) -> i64 {
        this.protocol.get()
    }

    #[getter]
    fn verify_flags(_: &mut Cx, this: &'static Context) -> i64 {
        this.verify_flags.get()
    }
    #[setter("verify_flags")]
    fn set_verify_flags(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        this.verify_flags.set(given_int(cx, value)?);
        Ok(())
    }

    #[getter]
    fn verify_mode(_: &mut Cx, this: &'static Context) -> i64 {
        match this.mode() {
            Mode::None => 0,
            Mode::Optional => 1,
            Mode::Required => 2,
        }
    }
    #[setter("verify_mode")]
    fn set_verify_mode(cx: &mut Cx, this: &'static Context, value: Option<Value>) -> PyResult<()> {
        let mode = match given_int(cx, value)? {
            0 => Mode::None,
            1 => Mode::Optional,
            2 => Mode::Required,
            _ => return raise!(cx, ValueError, "invalid value for verify_mode"),
        };
        if mode == Mode::None && this.settings.borrow().check_hostname {
            let text = "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.";
            return raise!(cx, ValueError, "{text}");
        }
        this.change().mode = mode;
        Ok(())
    }

    #[getter]
    fn security_level(_: &mut Cx, _this: &'static Context) -> i64 {
        2
    }
}

/// A log of secrets in the format that NSS made.
#[derive(Debug)]
struct KeyLogFile(std::sync::Mutex<std::fs::File>);

impl rustls::KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        use std::io::Write;
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        if let Ok(mut file) = self.0.lock() {
            // Logging is for debugging: a full disk must not end the connection.
            let _ = file.write_all(line.as_bytes());
        }
    }
}
