//! The limits and sizes of C's types.

use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, Value};

/// Adds them to `_testcapi`.
pub fn add(cx: &mut Cx, module: &'static Module) {
    let signed: &[(&str, i64)] = &[
        ("CHAR_MAX", i8::MAX as i64),
        ("CHAR_MIN", i8::MIN as i64),
        ("UCHAR_MAX", u8::MAX as i64),
        ("SHRT_MAX", i16::MAX as i64),
        ("SHRT_MIN", i16::MIN as i64),
        ("USHRT_MAX", u16::MAX as i64),
        ("INT_MAX", i32::MAX as i64),
        ("INT_MIN", i32::MIN as i64),
        ("UINT_MAX", u32::MAX as i64),
        ("LONG_MAX", i64::MAX),
        ("LONG_MIN", i64::MIN),
        ("LLONG_MAX", i64::MAX),
        ("LLONG_MIN", i64::MIN),
        ("PY_SSIZE_T_MAX", isize::MAX as i64),
        ("PY_SSIZE_T_MIN", isize::MIN as i64),
        ("SIZEOF_WCHAR_T", 4),
        ("SIZEOF_VOID_P", 8),
        ("SIZEOF_TIME_T", 8),
        ("SIZEOF_PID_T", 4),
        ("_Py_STACK_GROWS_DOWN", 1),
    ];
    for (name, value) in signed {
        let value = cx.int(*value);
        module.set(cx, name, value);
    }
    for name in ["ULONG_MAX", "ULLONG_MAX", "SIZE_MAX"] {
        let value = cx.int_u64(u64::MAX);
        module.set(cx, name, value);
    }
    let floats = [
        ("FLT_MAX", f32::MAX as f64),
        ("FLT_MIN", f32::MIN_POSITIVE as f64),
        ("DBL_MAX", f64::MAX),
        ("DBL_MIN", f64::MIN_POSITIVE),
    ];
    for (name, value) in floats {
        let value: Value = cx.float(value);
        module.set(cx, name, value);
    }
}
