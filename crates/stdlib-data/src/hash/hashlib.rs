//! `_hashlib`: what CPython takes from OpenSSL.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::{buffer, number, object as protocol_object};
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host::Global;

use super::engine::{self, Engine, Hmac};
use super::hmac::{self, HmacObject};
use super::{HASH, HASHXOF, construct, hmac::HMAC, with_data};

static UNSUPPORTED: Type = Type::new(&UNSUPPORTED_SPEC);
static UNSUPPORTED_SPEC: TypeSpec = TypeSpec {
    name: "_hashlib.UnsupportedDigestmodError",
    base: Some(&exceptions::ValueError),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// The algorithms that `new` knows.
const NAMES: [&str; 16] = [
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha512_224",
    "sha512_256",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "shake_128",
    "shake_256",
    "blake2b",
    "blake2s",
];

/// Constructor function -> name.
static CONSTRUCTORS: Global = Global::new();

fn unsupported(cx: &mut Cx, text: &str) -> Raised {
    cx.raise_text(&UNSUPPORTED, text)
}

/// The name as [`Engine`] has it: OpenSSL does not care for case and knows some by two names.
fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "blake2b512" => "blake2b".into(),
        "blake2s256" => "blake2s".into(),
        "shake128" | "shake-128" => "shake_128".into(),
        "shake256" | "shake-256" => "shake_256".into(),
        "sha512-224" | "sha512/224" => "sha512_224".into(),
        "sha512-256" | "sha512/256" => "sha512_256".into(),
        "sha-1" => "sha1".into(),
        _ => match name.strip_prefix("sha3-") {
            Some(bits) => format!("sha3_{bits}"),
            None => match name.strip_prefix("sha2-").or_else(|| name.strip_prefix("sha-")) {
                Some(bits) => format!("sha{bits}"),
                None => name,
            },
        },
    }
}

fn make(cx: &mut Cx, name: &str, data: Option<Value>, string: Option<Value>) -> PyResult<Value> {
    let name = canonical(name);
    match Engine::new(&name) {
        Some(engine) if engine.is_extendable() => construct(cx, &HASHXOF, &name, data, string),
        Some(_) => construct(cx, &HASH, &name, data, string),
        None => Err(unsupported(cx, "[digital envelope routines] unsupported")),
    }
}

/// The algorithm of a `digestmod` argument: a name or one of this module's functions.
fn algorithm(cx: &mut Cx, v: Value) -> PyResult<String> {
    if let Some(name) = v.downcast::<Str>() {
        return Ok(canonical(&name.to_string_lossy()));
    }
    if let Some(known) = CONSTRUCTORS.get().and_then(|c| c.downcast::<Dict>())
        && let Some(name) = known.get(cx, v)?.and_then(|n| n.downcast::<Str>())
    {
        return Ok(name.to_string_lossy());
    }
    let shown = protocol_object::str(cx, v)?.to_string_lossy();
    Err(unsupported(cx, &format!("Unsupported digestmod {shown}")))
}

fn keyed(cx: &mut Cx, key: &[u8], digestmod: Value) -> PyResult<Hmac> {
    let name = algorithm(cx, digestmod)?;
    match Hmac::new(&name, key) {
        Some(hmac) => Ok(hmac),
        None => Err(unsupported(cx, "[digital envelope routines] unsupported")),
    }
}

struct Functions;

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_hashlib", "OpenSSL interface for hashlib module", Functions::METHODS);
    for class in [&HASH, &HASHXOF, &HMAC, &UNSUPPORTED] {
        module.add_type(cx, class);
    }
    let constructors = Dict::new(cx);
    for def in Functions::METHODS {
        if let Some(name) = def.name.strip_prefix("openssl_") {
            let (key, name) = (cx.intern(def.name), Value::of(cx.intern(name)));
            if let Some(function) = module.dict().get_str(key) {
                constructors.set(cx, function, name)?;
            }
        }
    }
    CONSTRUCTORS.set(cx, Value::of(constructors));
    module.set(cx, "_constructors", Value::of(constructors));
    let mut names = taipan_runtime::heap::RootVec::new();
    for name in NAMES {
        let name = Value::of(cx.intern(name));
        names.push(name);
    }
    let names = taipan_runtime::types::set::frozenset_from(cx, &names)?;
    module.set(cx, "openssl_md_meth_names", names);
    module.set(cx, "_GIL_MINSIZE", Value::small(2048));
    Ok(module)
}

fn limited(cx: &mut Cx, v: Option<Value>, default: i64, range: (i64, i64), text: &str) -> PyResult<i64> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(default) };
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(n) if (range.0..=range.1).contains(&n) => Ok(n),
        _ => raise!(cx, ValueError, "{text}"),
    }
}

/// The memory scrypt may use unless told otherwise, as OpenSSL.
const SCRYPT_MEMORY: i64 = 32 << 20;

#[pymethods]
impl Functions {
    /// Return a new hash object using the named algorithm.
    ///
    /// An optional string argument may be provided and will be
    /// automatically hashed.
    ///
    /// The MD5 and SHA1 algorithms are always supported.
    #[py("($module, /, name, data=b'', *, usedforsecurity=True, string=None)")]
    fn new(
        cx: &mut Cx,
        name: &'static Str,
        data: Option<Value>,
        _security: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, &name.to_string_lossy(), data, string)
    }

    /// Returns a md5 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_md5(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "md5", data, string)
    }

    /// Returns a sha1 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha1(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "sha1", data, string)
    }

    /// Returns a sha224 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha224(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "sha224", data, string)
    }

    /// Returns a sha256 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha256(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "sha256", data, string)
    }

    /// Returns a sha384 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha384(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "sha384", data, string)
    }

    /// Returns a sha512 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha512(cx: &mut Cx, data: Option<Value>, _sec: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        make(cx, "sha512", data, string)
    }

    /// Returns a sha3-224 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha3_224(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "sha3_224", data, string)
    }

    /// Returns a sha3-256 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha3_256(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "sha3_256", data, string)
    }

    /// Returns a sha3-384 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha3_384(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "sha3_384", data, string)
    }

    /// Returns a sha3-512 hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_sha3_512(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "sha3_512", data, string)
    }

    /// Returns a shake-128 variable hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_shake_128(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "shake_128", data, string)
    }

    /// Returns a shake-256 variable hash object; optionally initialized with a string
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn openssl_shake_256(
        cx: &mut Cx,
        data: Option<Value>,
        _sec: Option<bool>,
        string: Option<Value>,
    ) -> PyResult<Value> {
        make(cx, "shake_256", data, string)
    }

    /// Determine the OpenSSL FIPS mode of operation.
    ///
    /// For OpenSSL 3.0.0 and newer it returns the state of the default provider
    /// in the default OSSL context. It's not quite the same as FIPS_mode() but good
    /// enough for unittests.
    ///
    /// Effectively any non-zero return value indicates FIPS mode;
    /// values other than 1 may have additional significance.
    #[py("($module, /)")]
    fn get_fips_mode(_cx: &mut Cx) -> i64 {
        0
    }

    /// Return 'a == b'.
    ///
    /// This function uses an approach designed to prevent
    /// timing analysis, making it appropriate for cryptography.
    ///
    /// a and b must both be of the same type: either str (ASCII only),
    /// or any bytes-like object.
    ///
    /// Note: If a and b are of different lengths, or if an error occurs,
    /// a timing attack could theoretically reveal information about the
    /// types and lengths of a and b--but not their values.
    #[py("($module, a, b, /)")]
    fn compare_digest(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
        taipan_stdlib::operator::compare_digest(cx, a, b)
    }

    /// Return a new hmac object.
    #[py("($module, /, key, msg=b'', digestmod=None)")]
    fn hmac_new(cx: &mut Cx, key: Held, msg: Option<Value>, digestmod: Option<Value>) -> PyResult<&'static HmacObject> {
        let Some(digestmod) = digestmod.filter(|d| !d.is_none()) else {
            return raise!(cx, TypeError, "Missing required parameter 'digestmod'.");
        };
        let mut state = keyed(cx, key.bytes(), digestmod)?;
        if let Some(msg) = msg.filter(|m| !m.is_none()) {
            with_data(cx, msg, |_, data| state.update(data))?;
        }
        Ok(hmac::new(cx, &HMAC, state))
    }

    /// Single-shot HMAC.
    #[py("($module, /, key, msg, digest)")]
    fn hmac_digest(cx: &mut Cx, key: Held, msg: Held, digest: Value) -> PyResult<&'static Bytes> {
        let mut state = keyed(cx, key.bytes(), digest)?;
        state.update(msg.bytes());
        Ok(Bytes::new(cx, &state.digest()))
    }

    /// Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function.
    #[py("($module, /, hash_name, password, salt, iterations, dklen=None)")]
    fn pbkdf2_hmac(
        cx: &mut Cx,
        hash_name: &'static Str,
        password: Held,
        salt: Held,
        iterations: i64,
        dklen: Option<Value>,
    ) -> PyResult<&'static Bytes> {
        let name = canonical(&hash_name.to_string_lossy());
        let Some(engine) = Engine::new(&name).filter(|e| !e.is_extendable()) else {
            return Err(unsupported(cx, "[digital envelope routines] unsupported"));
        };
        if iterations < 1 {
            return raise!(cx, ValueError, "iteration value must be greater than 0.");
        }
        let Some(rounds) = u32::try_from(iterations).ok().filter(|n| *n <= i32::MAX as u32) else {
            return raise!(cx, OverflowError, "iteration value is too great.");
        };
        let len = match dklen.filter(|d| !d.is_none()) {
            None => engine.digest_size() as i64,
            Some(v) => number::to_i64(cx, v)?,
        };
        if len < 1 {
            return raise!(cx, ValueError, "key length must be greater than 0.");
        }
        if len > i32::MAX as i64 {
            return raise!(cx, OverflowError, "key length is too great.");
        }
        let (password, salt) = (password.bytes(), salt.bytes());
        let key = cx.allow_threads(|| engine::pbkdf2(&name, password, salt, rounds, len as usize));
        Ok(Bytes::new(cx, &key.unwrap_or_default()))
    }

    /// scrypt password-based key derivation function.
    #[py("($module, /, password, *, salt, n, r, p, maxmem=0, dklen=64)")]
    fn scrypt(
        cx: &mut Cx,
        password: Value,
        salt: Held,
        n: i64,
        r: i64,
        p: i64,
        maxmem: Option<Value>,
        dklen: Option<Value>,
    ) -> PyResult<&'static Bytes> {
        let password = buffer::hold(cx, password, 0)?;
        if n < 2 || n & (n - 1) != 0 {
            return raise!(cx, ValueError, "n must be a power of 2.");
        }
        let max = i32::MAX as i64;
        let text = format!("maxmem must be positive and smaller than {max}");
        let memory = limited(cx, maxmem, 0, (0, max), &text)?;
        let text = format!("dklen must be greater than 0 and smaller than {max}");
        let len = limited(cx, dklen, 64, (1, max), &text)?;
        let memory = if memory == 0 { SCRYPT_MEMORY } else { memory };
        let needed = (n.checked_add(2).zip(r.checked_mul(128)))
            .and_then(|(n, r)| n.checked_mul(r))
            .and_then(|a| p.checked_mul(128).and_then(|p| p.checked_mul(r)).and_then(|b| a.checked_add(b)));
        if r < 1 || p < 1 || needed.is_none_or(|needed| needed > memory) {
            return raise!(cx, ValueError, "[digital envelope routines] memory limit exceeded");
        }
        let (password, salt) = (password.bytes(), salt.bytes());
        let (n, r, p) = (n as usize, r as usize, p as usize);
        let key = cx.allow_threads(|| engine::scrypt(password, salt, n, r, p, len as usize));
        Ok(Bytes::new(cx, &key))
    }
}
