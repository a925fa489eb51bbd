//! `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2` and `_hashlib`: one object layout over [`engine::Engine`].

mod blake2;
mod builtin_hmac;
mod engine;
mod hashlib;
mod hmac;

use std::cell::UnsafeCell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use engine::Engine;

pub use blake2::module as blake2_module;
pub use builtin_hmac::module as hmac_module;
pub use hashlib::module as hashlib_module;

/// A hash object of any of the modules.
#[repr(C)]
pub struct Hash {
    header: Header,
    engine: UnsafeCell<Engine>,
}
object!(Hash, HASH);

impl Hash {
    #[allow(clippy::mut_from_ref)]
    fn engine(&self) -> &mut Engine {
        // SAFETY: the GIL is held, and nothing that uses the engine runs Python code.
        unsafe { &mut *self.engine.get() }
    }
}

unsafe fn trace_nothing(_: *mut Header, _: &mut Marker) {}

unsafe fn drop_hash(object: *mut Header) {
    // SAFETY: a dead hash object; its engine is dropped once.
    unsafe { std::ptr::drop_in_place((*object.cast::<Hash>()).engine.get()) };
}

/// A new object of a hash type. May collect.
fn new_hash(cx: &mut Cx, class: &'static Type, engine: Engine) -> Value {
    cx.ready_type(class);
    Value::of(cx.alloc_of(class, Hash { header: Header::fresh(class), engine: UnsafeCell::new(engine) }))
}

/// The bytes of an argument, with the texts of hashlib.
fn with_data<T>(cx: &mut Cx, v: Value, f: impl FnOnce(&mut Cx, &[u8]) -> T) -> PyResult<T> {
    if v.downcast::<Str>().is_some() {
        return raise!(cx, TypeError, "Strings must be encoded before hashing");
    }
    if !buffer::check(v) {
        return raise!(cx, TypeError, "object supporting the buffer API required");
    }
    let view = buffer::get(cx, v, 0)?;
    let result = if view.shape.len() > 1 {
        raise!(cx, BufferError, "Buffer must be single dimension")
    } else if view.is_contiguous() {
        Ok(f(cx, view.bytes()))
    } else {
        raise!(cx, BufferError, "memoryview: underlying buffer is not C-contiguous")
    };
    buffer::release(cx, &view);
    result
}

/// The `data` and `string` arguments of constructors fed to an engine.
fn feed(cx: &mut Cx, engine: &mut Engine, data: Option<Value>, string: Option<Value>) -> PyResult<()> {
    let data = match (data, string) {
        (Some(_), Some(_)) => {
            return raise!(
                cx,
                TypeError,
                "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
                 removal in a future version."
            );
        }
        (data, string) => data.or(string),
    };
    match data {
        Some(v) => with_data(cx, v, |_, data| engine.update(data)),
        None => Ok(()),
    }
}

fn hex(data: &[u8]) -> String {
    use std::fmt::Write;
    data.iter().fold(String::with_capacity(data.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// The methods that all hash types share.
struct Common;

#[pymethods]
impl Common {
    /// Return a copy of the hash object.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Hash) -> Value {
        let engine = this.engine().clone();
        new_hash(cx, Value::of(this).class(), engine)
    }

    /// Update this hash object's state with the provided string.
    #[py("($self, obj, /)")]
    fn update(cx: &mut Cx, this: &'static Hash, obj: Value) -> PyResult<()> {
        with_data(cx, obj, |_, data| this.engine().update(data))
    }

    #[getter]
    fn block_size(_cx: &mut Cx, this: &'static Hash) -> usize {
        this.engine().block_size()
    }

    #[getter]
    fn digest_size(_cx: &mut Cx, this: &'static Hash) -> usize {
        this.engine().digest_size()
    }

    #[getter]
    fn name(cx: &mut Cx, this: &'static Hash) -> Value {
        cx.str(this.engine().name())
    }
}

/// The methods of algorithms with a digest size.
struct Fixed;

#[pymethods]
impl Fixed {
    /// Return the digest value as a bytes object.
    #[py("($self, /)")]
    fn digest(cx: &mut Cx, this: &'static Hash) -> &'static Bytes {
        Bytes::new(cx, &this.engine().digest(0))
    }

    /// Return the digest value as a string of hexadecimal digits.
    #[py("($self, /)")]
    fn hexdigest(_cx: &mut Cx, this: &'static Hash) -> String {
        hex(&this.engine().digest(0))
    }
}

/// The methods of algorithms without.
struct Extendable;

fn length_of(cx: &mut Cx, v: Value) -> PyResult<usize> {
    const LIMIT: i64 = 1 << 29;
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(n) if n < 0 => raise!(cx, ValueError, "Cannot convert negative int"),
        Some(n) if n < LIMIT => Ok(n as usize),
        None if int::view(index).is_some_and(|w| w.negative) => raise!(cx, ValueError, "Cannot convert negative int"),
        _ => raise!(cx, ValueError, "length is too large"),
    }
}

#[pymethods]
impl Extendable {
    /// Return the digest value as a bytes object.
    #[py("($self, /, length)")]
    fn digest(cx: &mut Cx, this: &'static Hash, length: Value) -> PyResult<&'static Bytes> {
        let n = length_of(cx, length)?;
        Ok(Bytes::new(cx, &this.engine().digest(n)))
    }

    /// Return the digest value as a string of hexadecimal digits.
    #[py("($self, /, length)")]
    fn hexdigest(cx: &mut Cx, this: &'static Hash, length: Value) -> PyResult<String> {
        let n = length_of(cx, length)?;
        Ok(hex(&this.engine().digest(n)))
    }
}

/// The attributes of sha3 types about the sponge.
struct Sponge;

#[pymethods]
impl Sponge {
    #[getter]
    fn _capacity_bits(_cx: &mut Cx, this: &'static Hash) -> usize {
        1600 - this.engine().block_size() * 8
    }

    #[getter]
    fn _rate_bits(_cx: &mut Cx, this: &'static Hash) -> usize {
        this.engine().block_size() * 8
    }

    #[getter]
    fn _suffix(cx: &mut Cx, this: &'static Hash) -> &'static Bytes {
        let suffix = if this.engine().is_extendable() { 0x1f } else { 0x06 };
        Bytes::new(cx, &[suffix])
    }
}

/// The defaults of all hash types.
const BASE: TypeSpec = TypeSpec {
    basicsize: std::mem::size_of::<Hash>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_nothing),
    drop: Some(drop_hash),
    methods: &[Common::METHODS, Fixed::METHODS],
    getsets: &[Common::GETSETS],
    ..TypeSpec::DEFAULT
};

macro_rules! types {
    ($($class:ident $name:literal { $($more:tt)* })*) => { $(
        static $class: Type = Type::new(const { &TypeSpec { name: $name, $($more)* ..BASE } });
    )* };
}

types! {
    MD5 "_md5.md5" {}
    SHA1 "_sha1.sha1" {}
    SHA224 "_sha2.SHA224Type" {}
    SHA256 "_sha2.SHA256Type" {}
    SHA384 "_sha2.SHA384Type" {}
    SHA512 "_sha2.SHA512Type" {}
}

macro_rules! sha3_types {
    ($($class:ident $name:literal $doc:literal [$($methods:expr),*])*) => { $(
        static $class: Type = Type::new(const { &TypeSpec {
            name: concat!("_sha3.", $name),
            flags: flags::IMMUTABLE,
            methods: &[Common::METHODS, $($methods),*],
            getsets: &[Common::GETSETS, Sponge::GETSETS],
            slots: Slots { new: Some(|cx, _, args| new_sha3(cx, &$class, $name, args)), ..Slots::NONE },
            doc: concat!($name, "([data], *, usedforsecurity=True) -> ", $doc),
            ..BASE
        } });
    )* };
}

sha3_types! {
    SHA3_224 "sha3_224" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 28 bytes." [Fixed::METHODS]
    SHA3_256 "sha3_256" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 32 bytes." [Fixed::METHODS]
    SHA3_384 "sha3_384" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 48 bytes." [Fixed::METHODS]
    SHA3_512 "sha3_512" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 64 bytes." [Fixed::METHODS]
    SHAKE_128 "shake_128" "SHAKE object\n\nReturn a new SHAKE hash object." [Extendable::METHODS]
    SHAKE_256 "shake_256" "SHAKE object\n\nReturn a new SHAKE hash object." [Extendable::METHODS]
}

static SHA3_PARAMS: ParamSpec = ParamSpec {
    name: "sha3",
    names: &["data", "usedforsecurity", "string"],
    positional_only: 0,
    positional: 1,
    required: 0,
    keyword_required: &[false, false],
    varargs: false,
    varkw: false,
};

fn new_sha3(cx: &mut Cx, class: &'static Type, name: &str, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    bind(cx, &SHA3_PARAMS, args, &mut bound)?;
    let Some(mut engine) = Engine::new(name) else { return raise!(cx, ValueError, "unsupported hash type {name}") };
    feed(cx, &mut engine, bound[0], bound[2])?;
    Ok(new_hash(cx, class, engine))
}

/// Makes a hash object of a module whose types have constructor functions.
fn construct(
    cx: &mut Cx,
    class: &'static Type,
    name: &str,
    data: Option<Value>,
    string: Option<Value>,
) -> PyResult<Value> {
    let Some(mut engine) = Engine::new(name) else { return raise!(cx, ValueError, "unsupported hash type {name}") };
    feed(cx, &mut engine, data, string)?;
    Ok(new_hash(cx, class, engine))
}

struct Md5Functions;
#[pymethods]
impl Md5Functions {
    /// Return a new MD5 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn md5(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &MD5, "md5", data, string)
    }
}

struct Sha1Functions;
#[pymethods]
impl Sha1Functions {
    /// Return a new SHA1 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn sha1(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &SHA1, "sha1", data, string)
    }
}

struct Sha2Functions;
#[pymethods]
impl Sha2Functions {
    /// Return a new SHA-224 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn sha224(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &SHA224, "sha224", data, string)
    }
    /// Return a new SHA-256 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn sha256(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &SHA256, "sha256", data, string)
    }
    /// Return a new SHA-384 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn sha384(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &SHA384, "sha384", data, string)
    }
    /// Return a new SHA-512 hash object; optionally initialized with a string.
    #[py("($module, /, data=b'', *, usedforsecurity=True, string=None)")]
    fn sha512(cx: &mut Cx, data: Option<Value>, _security: Option<bool>, string: Option<Value>) -> PyResult<Value> {
        construct(cx, &SHA512, "sha512", data, string)
    }
}

fn add_types(cx: &mut Cx, module: &'static Module, classes: &[(&str, &'static Type)]) {
    for (name, class) in classes {
        cx.ready_type(class);
        module.set(cx, name, Value::of(*class));
    }
    module.set(cx, "_GIL_MINSIZE", Value::small(2048));
}

/// Makes `_md5`. May collect.
pub fn md5_module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_md5");
    module.add_functions(cx, Md5Functions::METHODS);
    add_types(cx, module, &[("MD5Type", &MD5)]);
    Ok(module)
}

/// Makes `_sha1`. May collect.
pub fn sha1_module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_sha1");
    module.add_functions(cx, Sha1Functions::METHODS);
    add_types(cx, module, &[("SHA1Type", &SHA1)]);
    Ok(module)
}

/// Makes `_sha2`. May collect.
pub fn sha2_module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_sha2");
    module.add_functions(cx, Sha2Functions::METHODS);
    let classes: [(&str, &'static Type); 4] =
        [("SHA224Type", &SHA224), ("SHA256Type", &SHA256), ("SHA384Type", &SHA384), ("SHA512Type", &SHA512)];
    add_types(cx, module, &classes);
    Ok(module)
}

/// Makes `_sha3`. May collect.
pub fn sha3_module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_sha3");
    let classes: [(&str, &'static Type); 6] = [
        ("sha3_224", &SHA3_224),
        ("sha3_256", &SHA3_256),
        ("sha3_384", &SHA3_384),
        ("sha3_512", &SHA3_512),
        ("shake_128", &SHAKE_128),
        ("shake_256", &SHAKE_256),
    ];
    add_types(cx, module, &classes);
    let implementation = cx.str("RustCrypto");
    module.set(cx, "implementation", implementation);
    Ok(module)
}

/// `_hashlib.HASH`.
static HASH: Type = Type::new(
    const {
        &TypeSpec {
            name: "_hashlib.HASH",
            flags: flags::BASETYPE | flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
            slots: Slots {
                repr: Some(|cx, v| {
                    // SAFETY: the slot of hash objects.
                    let name = unsafe { v.cast::<Hash>() }.engine().name();
                    let class = v.class().tp_name();
                    Ok(cx.str(&format!("<{name} {class} object @ {:#x}>", v.bits())))
                }),
                ..Slots::NONE
            },
            doc: "A hash is an object used to calculate a checksum of a string of information.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest() -- return the current digest value\nhexdigest() -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the hash algorithm being used by this object\ndigest_size -- number of bytes in this hashes output",
            ..BASE
        }
    },
);

/// `_hashlib.HASHXOF`.
static HASHXOF: Type = Type::new(
    const {
        &TypeSpec {
            name: "_hashlib.HASHXOF",
            base: Some(&HASH),
            flags: flags::BASETYPE | flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
            methods: &[Extendable::METHODS],
            doc: "A hash is an object used to calculate a checksum of a string of information.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest(length) -- return the current digest value\nhexdigest(length) -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the hash algorithm being used by this object\ndigest_size -- number of bytes in this hashes output",
            ..BASE
        }
    },
);
