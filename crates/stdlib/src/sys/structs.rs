//! The struct sequences of `sys`, and `sys.implementation`.

use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::structseq;
use taipan_runtime::{Cx, PyResult, Value};

use crate::state::config;

taipan_runtime::structseq! {
    /// `sys.version_info`.
    pub VERSION_INFO "sys.version_info" "sys.version_info\n\nVersion information as a named tuple." {
        major "Major release number",
        minor "Minor release number",
        micro "Patch release number",
        releaselevel "'alpha', 'beta', 'candidate', or 'final'",
        serial "Serial release number",
    }
}

taipan_runtime::structseq! {
    /// `sys.flags`.
    pub FLAGS "sys.flags" "sys.flags\n\nFlags provided through command line arguments or environment vars." {
        debug "-d",
        inspect "-i",
        interactive "-i",
        optimize "-O or -OO",
        dont_write_bytecode "-B",
        no_user_site "-s",
        no_site "-S",
        ignore_environment "-E",
        verbose "-v",
        bytes_warning "-b",
        quiet "-q",
        hash_randomization "-R",
        isolated "-I",
        dev_mode "-X dev",
        utf8_mode "-X utf8",
        warn_default_encoding "-X warn_default_encoding",
        safe_path "-P",
        int_max_str_digits "-X int_max_str_digits",
    } hidden {
        gil "-X gil",
        thread_inherit_context "-X thread_inherit_context",
        context_aware_warnings "-X context_aware_warnings",
    }
}

taipan_runtime::structseq! {
    /// `sys.float_info`.
    pub FLOAT_INFO "sys.float_info" "sys.float_info\n\nA named tuple holding information about the float type. It contains low level\ninformation about the precision and internal representation. Please study\nyour system's :file:`float.h` for more information." {
        max "DBL_MAX -- maximum representable finite float",
        max_exp "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable",
        max_10_exp "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable",
        min "DBL_MIN -- Minimum positive normalized float",
        min_exp "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float",
        min_10_exp "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized float",
        dig "DBL_DIG -- maximum number of decimal digits that can be faithfully represented in a float",
        mant_dig "DBL_MANT_DIG -- mantissa digits",
        epsilon "DBL_EPSILON -- Difference between 1 and the next representable float",
        radix "FLT_RADIX -- radix of exponent",
        rounds "FLT_ROUNDS -- rounding mode used for arithmetic operations",
    }
}

taipan_runtime::structseq! {
    /// `sys.int_info`.
    pub INT_INFO "sys.int_info" "sys.int_info\n\nA named tuple that holds information about Python's\ninternal representation of integers.  The attributes are read only." {
        bits_per_digit "size of a digit in bits",
        sizeof_digit "size in bytes of the C type used to represent a digit",
        default_max_str_digits "maximum string conversion digits limitation",
        str_digits_check_threshold "minimum positive value for int_max_str_digits",
    }
}

taipan_runtime::structseq! {
    /// `sys.hash_info`.
    pub HASH_INFO "sys.hash_info" "hash_info\n\nA named tuple providing parameters used for computing hashes. The attributes are read only." {
        width "width of the type used for hashing, in bits",
        modulus "prime number giving the modulus on which the hash function is based",
        inf "value to be used for hash of a positive infinity",
        nan "value to be used for hash of a nan",
        imag "multiplier used for the imaginary part of a complex number",
        algorithm "name of the algorithm for hashing of str, bytes and memoryviews",
        hash_bits "internal output size of hash algorithm",
        seed_bits "seed size of hash algorithm",
        cutoff "small string optimization cutoff",
    }
}

taipan_runtime::structseq! {
    /// `sys.thread_info`.
    pub THREAD_INFO "sys.thread_info" "sys.thread_info\n\nA named tuple holding information about the thread implementation." {
        name "name of the thread implementation",
        lock "name of the lock implementation",
        version "name and version of the thread library",
    }
}

taipan_runtime::structseq! {
    /// What `sys.get_asyncgen_hooks` gives.
    pub ASYNCGEN_HOOKS "asyncgen_hooks" "getasyncgenhooks() -> namedtuple of (firstiter, finalizer)" {
        firstiter "Hook to intercept first iteration",
        finalizer "Hook to intercept finalization",
    }
}

/// Python version that Taipan follows.
pub const VERSION: (i64, i64, i64) = (3, 14, 8);

fn ready(cx: &mut Cx, class: &'static Type, visible: usize, instances: bool) {
    let first = !class.is_ready();
    structseq::ready(cx, class, visible);
    if first && !instances {
        class.set_flags(class.flags() | flags::DISALLOW_INSTANTIATION);
        let new = cx.names().__new__;
        class.dict().remove_str(cx, new);
        cx.type_modified(class);
    }
}

/// `sys.version_info`. May collect.
pub fn version_info(cx: &mut Cx) -> Value {
    ready(cx, &VERSION_INFO, 5, false);
    let level = cx.str("final");
    let numbers = [VERSION.0, VERSION.1, VERSION.2].map(Value::small);
    structseq::new(cx, &VERSION_INFO, &[numbers[0], numbers[1], numbers[2], level, Value::small(0)])
}

/// `sys.hexversion`.
pub fn hexversion() -> i64 {
    VERSION.0 << 24 | VERSION.1 << 16 | VERSION.2 << 8 | 0xf0
}

/// `sys.flags`. May collect.
pub fn flags(cx: &mut Cx) -> Value {
    ready(cx, &FLAGS, 18, false);
    let c = config();
    let int = Value::small;
    let flag = |b: bool| Value::small(b as i64);
    let items = [
        int(c.debug),
        int(c.inspect),
        int(c.interactive),
        int(c.optimize),
        flag(c.dont_write_bytecode),
        flag(c.no_user_site),
        flag(c.no_site),
        flag(c.ignore_environment),
        int(c.verbose),
        int(c.bytes_warning),
        flag(c.quiet),
        flag(c.hash_randomization),
        flag(c.isolated),
        Value::bool(c.dev_mode),
        int(c.utf8_mode),
        flag(c.warn_default_encoding),
        Value::bool(c.safe_path),
        int(c.int_max_str_digits),
        int(1),
        int(0),
        int(0),
    ];
    structseq::new(cx, &FLAGS, &items)
}

/// `sys.float_info`. May collect.
pub fn float_info(cx: &mut Cx) -> Value {
    ready(cx, &FLOAT_INFO, 11, true);
    let (max, min, epsilon) = (cx.float(f64::MAX), cx.float(f64::MIN_POSITIVE), cx.float(f64::EPSILON));
    let int = Value::small;
    let items = [max, int(1024), int(308), min, int(-1021), int(-307), int(15), int(53), epsilon, int(2), int(1)];
    structseq::new(cx, &FLOAT_INFO, &items)
}

/// `sys.int_info`. May collect.
pub fn int_info(cx: &mut Cx) -> Value {
    ready(cx, &INT_INFO, 4, true);
    structseq::new(cx, &INT_INFO, &[30, 4, 4300, 640].map(Value::small))
}

/// `sys.hash_info`. May collect.
pub fn hash_info(cx: &mut Cx) -> Value {
    ready(cx, &HASH_INFO, 9, true);
    let algorithm = cx.str("siphash13");
    let int = Value::small;
    let modulus = int((1 << 61) - 1);
    let items = [int(64), modulus, int(314159), int(0), int(1000003), algorithm, int(64), int(128), int(0)];
    structseq::new(cx, &HASH_INFO, &items)
}

/// `sys.thread_info`. May collect.
pub fn thread_info(cx: &mut Cx) -> Value {
    ready(cx, &THREAD_INFO, 3, true);
    let (name, lock) = (cx.str("pthread"), cx.str("semaphore"));
    // SAFETY: gnu_get_libc_version gives a static C string.
    #[cfg(target_env = "gnu")]
    let version = {
        let text = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        cx.str(&format!("NPTL {}", text.to_string_lossy()))
    };
    #[cfg(not(target_env = "gnu"))]
    let version = Value::none();
    structseq::new(cx, &THREAD_INFO, &[name, lock, version])
}

/// A new result of `sys.get_asyncgen_hooks`. May collect.
pub fn asyncgen_hooks(cx: &mut Cx, firstiter: Value, finalizer: Value) -> Value {
    ready(cx, &ASYNCGEN_HOOKS, 2, true);
    structseq::new(cx, &ASYNCGEN_HOOKS, &[firstiter, finalizer])
}

/// `sys.implementation`. May collect.
pub fn implementation(cx: &mut Cx) -> PyResult<Value> {
    let version = version_info(cx);
    let name = cx.str("taipan");
    let tag = cx.str(taipan_bytecode::pyc::CACHE_TAG);
    let multiarch = cx.str(MULTIARCH);
    let items = [
        ("name", name),
        ("cache_tag", tag),
        ("version", version),
        ("hexversion", Value::small(hexversion())),
        ("_multiarch", multiarch),
        ("supports_isolated_interpreters", Value::bool(true)),
    ];
    Ok(taipan_runtime::types::namespace::new(cx, &items))
}

/// The platform's name for directories of libraries.
pub const MULTIARCH: &str = if cfg!(target_arch = "x86_64") {
    "x86_64-linux-gnu"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-linux-gnu"
} else {
    "unknown"
};
