//! The module and its functions.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use taipan_stdlib::host;

use crate::bio::MEMORY_BIO;
use crate::certificate::{self, CERTIFICATE};
use crate::constants;
use crate::context::CONTEXT;
use crate::error::{self, SSL_ERROR};
use crate::oids::OBJECTS;
use crate::pem;
use crate::socket::SSL_SOCKET;

/// `SSLSession`, of which there are no instances: rustls keeps sessions to itself.
static SESSION: Type = Type::new(&SESSION_SPEC);
static SESSION_SPEC: TypeSpec =
    TypeSpec { name: "_ssl.SSLSession", flags: flags::DISALLOW_INSTANTIATION, ..TypeSpec::DEFAULT };

struct Functions;

fn object(cx: &mut Cx, found: &(i64, &str, &str, &str)) -> Value {
    let (short, long, oid) = (cx.str(found.1), cx.str(found.2), cx.str(found.3));
    Value::of(Tuple::new(cx, &[Value::small(found.0), short, long, oid]))
}

#[allow(non_snake_case)]
#[pymethods]
impl Functions {
    /// Lookup NID, short name, long name and OID of an ASN1_OBJECT.
    ///
    /// By default objects are looked up by OID. With name=True short and
    /// long name are also matched.
    #[py("($module, /, txt, name=False)")]
    fn txt2obj(cx: &mut Cx, txt: &'static Str, name: Option<bool>) -> PyResult<Value> {
        let by_name = name == Some(true);
        let is_it =
            |o: &&(i64, &str, &str, &str)| txt.eq_rust(o.3) || (by_name && (txt.eq_rust(o.1) || txt.eq_rust(o.2)));
        match OBJECTS.iter().find(is_it) {
            Some(found) => Ok(object(cx, found)),
            None => raise!(cx, ValueError, "unknown object '{:.100}'", txt.to_string_lossy()),
        }
    }

    /// Lookup NID, short name, long name and OID of an ASN1_OBJECT by NID.
    #[py("($module, nid, /)")]
    fn nid2obj(cx: &mut Cx, nid: i32) -> PyResult<Value> {
        match OBJECTS.iter().find(|o| o.0 == i64::from(nid)) {
            Some(found) => Ok(object(cx, found)),
            None if nid < 0 => raise!(cx, ValueError, "NID must be positive"),
            None => raise!(cx, ValueError, "unknown NID {nid}"),
        }
    }

    /// Return search paths and environment vars that are used by SSLContext's set_default_verify_paths() to load default CAs.
    #[py("($module, /)")]
    fn get_default_verify_paths(cx: &mut Cx) -> Value {
        let texts = ["SSL_CERT_FILE", "/usr/lib/ssl/cert.pem", "SSL_CERT_DIR", "/usr/lib/ssl/certs"];
        let texts = texts.map(|t| cx.str(t));
        Value::of(Tuple::new(cx, &texts))
    }

    /// Mix string into the OpenSSL PRNG state.
    #[py("($module, string, entropy, /)")]
    fn RAND_add(_: &mut Cx, _string: Value, _entropy: f64) {}

    /// Generate n cryptographically strong pseudo-random bytes.
    #[py("($module, n, /)")]
    fn RAND_bytes(cx: &mut Cx, n: i32) -> PyResult<&'static Bytes> {
        let Ok(n) = usize::try_from(n) else { return raise!(cx, ValueError, "num must be positive") };
        let mut bytes = cx.zeroed(n)?;
        let provider = rustls::crypto::ring::default_provider();
        if provider.secure_random.fill(&mut bytes).is_err() {
            return Err(error::ssl_error(cx, "RANDOM", "no random bytes"));
        }
        Ok(Bytes::new(cx, &bytes))
    }

    /// Returns True if the OpenSSL PRNG has been seeded with enough data and False if not.
    #[py("($module, /)")]
    fn RAND_status(_: &mut Cx) -> bool {
        true
    }

    #[py("($module, path, /)")]
    fn _test_decode_cert(cx: &mut Cx, path: Value) -> PyResult<&'static Dict> {
        use std::os::unix::ffi::OsStrExt;
        let name = host::fs_bytes(cx, path)?;
        let text = std::fs::read(std::ffi::OsStr::from_bytes(name.as_bytes())).unwrap_or_default();
        match pem::certificates(&text).and_then(|c| c.into_iter().next()) {
            Some(der) => certificate::decode(cx, &der),
            None => {
                let text = "Can't open file";
                Err(error::raise(cx, Value::of(&SSL_ERROR), 1, text, None, &[]))
            }
        }
    }
}

/// A class with two bases, which no static type has.
fn verification_class(cx: &mut Cx) -> PyResult<Value> {
    error::VERIFICATION.get_or(cx, |cx| {
        let (name, namespace) = (cx.str("SSLCertVerificationError"), Dict::new(cx));
        let (module, doc) = (cx.str("ssl"), cx.str("A certificate could not be verified."));
        for (key, value) in [("__module__", module), ("__doc__", doc)] {
            let key = cx.intern(key);
            namespace.set_str(cx, key, value);
        }
        let bases = Tuple::new(cx, &[Value::of(&SSL_ERROR), Value::of(&exceptions::ValueError)]);
        cx.call(taipan_runtime::types::type_::TYPE.value(), &[name, Value::of(bases), Value::of(namespace)])
    })
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "Implementation module for SSL socket operations.  See the socket module\nfor documentation.";
    let module = taipan_stdlib::make(cx, "_ssl", doc, Functions::METHODS);
    for class in error::ALL {
        module.add_type(cx, class);
    }
    let class = verification_class(cx)?;
    module.set(cx, "SSLCertVerificationError", class);
    for class in [&CONTEXT, &SSL_SOCKET, &MEMORY_BIO, &SESSION, &CERTIFICATE] {
        module.add_type(cx, class);
    }
    host::add_ints(cx, module, constants::INTS);
    for (name, value) in constants::BOOLS {
        module.set(cx, name, Value::bool(*value));
    }
    for (name, text) in [
        ("_DEFAULT_CIPHERS", "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:!aNULL"),
        ("OPENSSL_VERSION", "OpenSSL 3.0.0 compatible (rustls)"),
    ] {
        let text = cx.str(text);
        module.set(cx, name, text);
    }
    module.set(cx, "OPENSSL_VERSION_NUMBER", Value::small(0x3000_0000));
    let version = [3, 0, 0, 0, 0].map(Value::small);
    let version = Value::of(Tuple::new(cx, &version));
    module.set(cx, "OPENSSL_VERSION_INFO", version);
    module.set(cx, "_OPENSSL_API_VERSION", version);
    Ok(module)
}
