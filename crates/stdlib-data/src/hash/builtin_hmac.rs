//! `_hmac`: keyed hashes, by name.

use taipan_macros::pymethods;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, exceptions, protocol::object as protocol, raise};

use super::engine::Hmac;
use super::hmac::{self, HmacObject};
use super::{trace_nothing, with_data};

/// `_hmac.HMAC`.
static BUILTIN_HMAC: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_hmac.HMAC",
    basicsize: std::mem::size_of::<HmacObject>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_nothing),
    drop: Some(hmac::drop_hmac),
    slots: Slots { repr: Some(hmac::repr), ..Slots::NONE },
    methods: &[HmacObject::METHODS],
    getsets: &[HmacObject::GETSETS],
    ..TypeSpec::DEFAULT
};

/// `_hmac.UnknownHashError`.
static UNKNOWN: Type = Type::new(&UNKNOWN_SPEC);
static UNKNOWN_SPEC: TypeSpec = TypeSpec {
    name: "_hmac.UnknownHashError",
    base: Some(&exceptions::ValueError),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// The names of algorithms, with what the engine calls them.
const NAMES: [(&str, &str); 14] = [
    ("md5", "md5"),
    ("sha1", "sha1"),
    ("sha224", "sha224"),
    ("sha256", "sha256"),
    ("sha384", "sha384"),
    ("sha512", "sha512"),
    ("sha3_224", "sha3_224"),
    ("sha3_256", "sha3_256"),
    ("sha3_384", "sha3_384"),
    ("sha3_512", "sha3_512"),
    ("blake2s_32", "blake2s"),
    ("blake2b_32", "blake2b"),
    ("blake2s", "blake2s"),
    ("blake2b", "blake2b"),
];

fn keyed(cx: &mut Cx, key: Value, digest: Value) -> PyResult<Hmac> {
    let name = digest.downcast::<Str>().map(|s| s.to_string_lossy().to_ascii_lowercase());
    let known = name.and_then(|name| NAMES.iter().find(|n| n.0 == name));
    let Some((_, algorithm)) = known else {
        let digest = protocol::repr_text(cx, digest)?;
        return Err(cx.raise_text(&UNKNOWN, &format!("unsupported hash type: {digest}")));
    };
    match with_data(cx, key, |_, key| Hmac::new(algorithm, key))? {
        Some(state) => Ok(state),
        None => raise!(cx, ValueError, "unsupported hash type: '{algorithm}'"),
    }
}

fn compute(cx: &mut Cx, key: Value, msg: Value, digest: Value) -> PyResult<&'static Bytes> {
    let mut state = keyed(cx, key, digest)?;
    with_data(cx, msg, |_, msg| state.update(msg))?;
    Ok(Bytes::new(cx, &state.digest()))
}

struct Functions;

macro_rules! functions {
    ($($name:ident $algorithm:literal;)*) => {
        #[pymethods]
        impl Functions {
            /// Return a new HMAC object.
            #[py("($module, /, key, msg=None, digestmod=None)", name = "new")]
            fn make(
                cx: &mut Cx,
                key: Value,
                msg: Option<Value>,
                digestmod: Option<Value>,
            ) -> PyResult<&'static HmacObject> {
                let Some(digestmod) = digestmod else {
                    return raise!(cx, TypeError, "new() missing 1 required argument 'digestmod'");
                };
                let mut state = keyed(cx, key, digestmod)?;
                if let Some(msg) = msg.filter(|m| !m.is_none()) {
                    with_data(cx, msg, |_, msg| state.update(msg))?;
                }
                Ok(hmac::new(cx, &BUILTIN_HMAC, state))
            }

            #[py("($module, /, key, msg, digest)")]
            fn compute_digest(cx: &mut Cx, key: Value, msg: Value, digest: Value) -> PyResult<&'static Bytes> {
                compute(cx, key, msg, digest)
            }

            $(
                #[py("($module, key, msg, /)")]
                fn $name(cx: &mut Cx, key: Value, msg: Value) -> PyResult<&'static Bytes> {
                    let digest = Value::of(cx.intern($algorithm));
                    compute(cx, key, msg, digest)
                }
            )*
        }
    };
}

functions! {
    compute_md5 "md5";
    compute_sha1 "sha1";
    compute_sha224 "sha224";
    compute_sha256 "sha256";
    compute_sha384 "sha384";
    compute_sha512 "sha512";
    compute_sha3_224 "sha3_224";
    compute_sha3_256 "sha3_256";
    compute_sha3_384 "sha3_384";
    compute_sha3_512 "sha3_512";
    compute_blake2s_32 "blake2s_32";
    compute_blake2b_32 "blake2b_32";
}

/// Makes `_hmac`. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_hmac", "", Functions::METHODS);
    let (key, none) = (cx.names().__doc__, Value::none());
    module.dict().set_str(cx, key, none);
    module.add_type(cx, &BUILTIN_HMAC);
    module.add_type(cx, &UNKNOWN);
    module.set(cx, "_GIL_MINSIZE", Value::small(2048));
    Ok(module)
}
