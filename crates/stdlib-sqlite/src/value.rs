//! Values of SQLite from and to Python.

use libsqlite3_sys as ffi;
use taipan_runtime::protocol::buffer;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::error::PROGRAMMING_ERROR;
use crate::library;
use crate::statement::utf8;

const TOO_LONG: usize = i32::MAX as usize;

fn int64(cx: &mut Cx, v: Value) -> PyResult<i64> {
    match int::as_i64(v) {
        Some(i) => Ok(i),
        None => raise!(cx, OverflowError, "Python int too large to convert to SQLite INTEGER"),
    }
}

fn text_of(cx: &mut Cx, s: &'static Str) -> PyResult<std::borrow::Cow<'static, [u8]>> {
    let text = utf8(cx, s)?;
    if text.len() > TOO_LONG {
        return raise!(cx, OverflowError, "string longer than INT_MAX bytes");
    }
    Ok(text)
}

fn check_blob(cx: &mut Cx, len: usize) -> PyResult<()> {
    if len > TOO_LONG { raise!(cx, OverflowError, "BLOB longer than INT_MAX bytes") } else { Ok(()) }
}

/// The address of bytes that the library copies; never null, which would stand for NULL.
fn address(bytes: &[u8]) -> *const u8 {
    if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr() }
}

/// Binds parameter `i`. None if there are no such values in SQL.
pub fn bind(cx: &mut Cx, st: *mut ffi::sqlite3_stmt, i: i32, v: Value) -> PyResult<Option<i32>> {
    let copy = ffi::SQLITE_TRANSIENT();
    if v.is_none() {
        // SAFETY: SQL-1, here and below; the library checks `i` and copies what it is given.
        return Ok(Some(library::brief_of(cx, st, || unsafe { ffi::sqlite3_bind_null(st, i) })));
    }
    if int::check(v) {
        let n = int64(cx, v)?;
        return Ok(Some(library::brief_of(cx, st, || unsafe { ffi::sqlite3_bind_int64(st, i, n) })));
    }
    if let Some(d) = float::as_f64(v) {
        return Ok(Some(library::brief_of(cx, st, || unsafe { ffi::sqlite3_bind_double(st, i, d) })));
    }
    if let Some(s) = v.downcast::<Str>() {
        let text = text_of(cx, s)?;
        return Ok(Some(library::brief_of(cx, st, || unsafe {
            ffi::sqlite3_bind_text(st, i, address(&text).cast(), text.len() as i32, copy)
        })));
    }
    if buffer::check(v) {
        let held = buffer::hold(cx, v, 0)?;
        check_blob(cx, held.len)?;
        let bytes = held.bytes();
        return Ok(Some(library::brief_of(cx, st, || unsafe {
            ffi::sqlite3_bind_blob(st, i, address(bytes).cast(), bytes.len() as i32, copy)
        })));
    }
    Ok(None)
}

/// Makes `v` the result of a function.
pub fn set_result(cx: &mut Cx, context: *mut ffi::sqlite3_context, v: Value) -> PyResult<()> {
    let copy = ffi::SQLITE_TRANSIENT();
    if v.is_none() {
        // SAFETY: the context of the call that is running, here and below.
        unsafe { ffi::sqlite3_result_null(context) };
    } else if int::check(v) {
        let n = int64(cx, v)?;
        unsafe { ffi::sqlite3_result_int64(context, n) };
    } else if let Some(d) = float::as_f64(v) {
        unsafe { ffi::sqlite3_result_double(context, d) };
    } else if let Some(s) = v.downcast::<Str>() {
        let text = text_of(cx, s)?;
        unsafe { ffi::sqlite3_result_text(context, address(&text).cast(), text.len() as i32, copy) };
    } else if buffer::check(v) {
        let held = buffer::hold(cx, v, 0)?;
        check_blob(cx, held.len)?;
        let bytes = held.bytes();
        unsafe { ffi::sqlite3_result_blob(context, address(bytes).cast(), bytes.len() as i32, copy) };
    } else {
        let class = v.class().tp_name();
        let text = format!("User-defined functions cannot return '{class}' values to SQLite");
        return Err(cx.raise_text(&PROGRAMMING_ERROR, &text));
    }
    Ok(())
}

/// An argument of a function. May collect.
///
/// # Safety
/// A value of the call that is running.
pub unsafe fn argument(cx: &mut Cx, value: *mut ffi::sqlite3_value) -> PyResult<Value> {
    // SAFETY: the caller's promise; lengths are asked for after the pointers, as the library wants.
    unsafe {
        Ok(match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_INTEGER => cx.int(ffi::sqlite3_value_int64(value)),
            ffi::SQLITE_FLOAT => cx.float(ffi::sqlite3_value_double(value)),
            ffi::SQLITE_TEXT => {
                let p = ffi::sqlite3_value_text(value);
                if p.is_null() {
                    return Err(cx.memory_error());
                }
                let bytes = bytes_at(p, ffi::sqlite3_value_bytes(value));
                text(cx, bytes)?
            }
            ffi::SQLITE_BLOB => {
                let p = ffi::sqlite3_value_blob(value);
                let n = ffi::sqlite3_value_bytes(value);
                Value::of(Bytes::new(cx, bytes_at(p.cast(), n)))
            }
            _ => Value::none(),
        })
    }
}

/// Bytes that the library lent.
///
/// # Safety
/// `p` must point to `n` bytes, or `n` be 0.
pub unsafe fn bytes_at<'a>(p: *const u8, n: i32) -> &'a [u8] {
    if p.is_null() || n <= 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(p, n as usize) }
}

/// UTF-8 as a str. UnicodeDecodeError. May collect.
pub fn text(cx: &mut Cx, bytes: &[u8]) -> PyResult<Value> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(cx.str(text)),
        Err(_) => {
            let bytes = Value::of(Bytes::new(cx, bytes));
            cx.call_method_text(bytes, "decode", &[])
        }
    }
}
