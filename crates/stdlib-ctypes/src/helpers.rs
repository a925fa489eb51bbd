//! Functions that `ctypes` calls as foreign functions, by their addresses: `cast`, `string_at` and the like. They take and
//! return values, and are called with the GIL; an exception is returned as 0.

use std::ffi::{CStr, c_char};

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::buffer::Buffer;
use taipan_runtime::threads;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::memoryview::MemoryView;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::sys::hooks;

use crate::data::CData;
use crate::info::{self, Kind};
use crate::simple;

fn answer(result: PyResult<Value>) -> u64 {
    result.map_or(0, |v| v.bits())
}

/// `string_at(pointer, size)`.
pub unsafe extern "C" fn string_at(p: *const u8, size: i32) -> u64 {
    threads::attach(|cx| {
        answer((|| {
            hooks::audit(cx, "ctypes.string_at", &[Value::small(p as i64), Value::small(i64::from(size))])?;
            // SAFETY: the program says that there is a string.
            let bytes = unsafe {
                match usize::try_from(size) {
                    Ok(n) => std::slice::from_raw_parts(p, n),
                    Err(_) if size != -1 => {
                        return raise!(cx, SystemError, "Negative size passed to PyBytes_FromStringAndSize");
                    }
                    Err(_) => CStr::from_ptr(p.cast::<c_char>()).to_bytes(),
                }
            };
            Ok(Value::of(Bytes::new(cx, bytes)))
        })())
    })
}

/// `wstring_at(pointer, size)`.
pub unsafe extern "C" fn wstring_at(p: *const u32, size: i32) -> u64 {
    threads::attach(|cx| {
        answer((|| {
            hooks::audit(cx, "ctypes.wstring_at", &[Value::small(p as i64), Value::small(i64::from(size))])?;
            if size < -1 {
                return raise!(cx, SystemError, "Negative size passed to PyUnicode_New");
            }
            // SAFETY: the program says that there is a string.
            unsafe {
                let n = usize::try_from(size).unwrap_or_else(|_| simple::wide_len(p));
                simple::wide_str(cx, p, n)
            }
        })())
    })
}

/// `memoryview_at(pointer, size, readonly)`.
pub unsafe extern "C" fn memoryview_at(p: *mut u8, size: isize, readonly: i32) -> u64 {
    threads::attach(|cx| {
        answer((|| {
            hooks::audit(
                cx,
                "ctypes.memoryview_at",
                &[Value::small(p as i64), Value::small(size as i64), Value::small(i64::from(readonly))],
            )?;
            let Ok(len) = usize::try_from(size) else {
                return raise!(cx, ValueError, "memoryview_at: size is negative (or overflowed): {size}");
            };
            let buffer = Buffer {
                data: p,
                len,
                owner: Value::none(),
                readonly: readonly != 0,
                itemsize: 1,
                format: "B".into(),
                shape: Vec::new(),
                strides: Vec::new(),
                scalar: false,
                release: None,
            };
            Ok(Value::of(MemoryView::of_buffer(cx, buffer)))
        })())
    })
}

fn is_pointer_like(v: Value) -> bool {
    info::of_value(v).is_some_and(|info| match info.kind.get() {
        Kind::Pointer | Kind::Function => true,
        Kind::Simple => matches!(info.code.get(), b's' | b'P' | b'z' | b'U' | b'Z' | b'X'),
        _ => false,
    })
}

fn cast_to(cx: &mut Cx, p: *mut u8, source: Value, class: Value) -> PyResult<Value> {
    if !is_pointer_like(class) {
        let name = match class.downcast::<Type>() {
            Some(class) => class.name(),
            None => return raise!(cx, TypeError, "cast() argument 2 must be a pointer type"),
        };
        return raise!(cx, TypeError, "cast() argument 2 must be a pointer, not {name}");
    }
    let made = cx.call(class, &[])?;
    let Some(result) = made.downcast::<CData>() else { return raise!(cx, TypeError, "cast() made no C object") };
    // The result shares what the source refers to, and refers to the source.
    if let Some(source_data) = source.downcast::<CData>() {
        let kept = source_data.kept(cx);
        let dict = match kept.downcast::<Dict>() {
            Some(dict) => dict,
            None => {
                let dict = Dict::new(cx);
                if !kept.is_none() {
                    let key = cx.int_u64(kept.bits());
                    dict.set(cx, key, kept)?;
                }
                dict
            }
        };
        let key = cx.int_u64(source.bits());
        dict.set(cx, key, source)?;
        result.objects.set(Some(Value::of(dict)));
        cx.barrier(result);
    } else if !int::check(source) && !source.is_none() {
        result.objects.set(Some(source));
        cx.barrier(result);
    }
    result.set_address(p);
    Ok(made)
}

/// `cast(object, type)`, given the address that the object is as an argument.
pub unsafe extern "C" fn cast(p: *mut u8, source: u64, class: u64) -> u64 {
    threads::attach(|cx| {
        let (Some(source), Some(class)) = (Value::from_bits(source), Value::from_bits(class)) else { return 0 };
        answer(cast_to(cx, p, source, class))
    })
}
