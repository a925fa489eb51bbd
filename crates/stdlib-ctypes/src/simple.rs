//! Values of C's simple types, by their codes.

use libffi_sys as ffi;
use taipan_runtime::protocol::{number, object as protocol};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::complex;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// All codes, as error messages list them.
pub const CODES: &str = "cbBhHiIlLdDFGfuzZqQPOv?g";

/// Size and alignment.
pub fn layout(code: u8) -> (usize, usize) {
    match code {
        b'c' | b'b' | b'B' | b'?' => (1, 1),
        b'h' | b'H' | b'v' => (2, 2),
        b'i' | b'I' | b'f' | b'u' => (4, 4),
        b'g' => (16, 16),
        b'F' => (8, 4),
        b'D' => (16, 8),
        b'G' => (32, 16),
        _ => (8, 8),
    }
}

/// The code in buffer formats, whose sizes are fixed.
pub fn buffer_code(code: u8) -> char {
    match code {
        b'l' => 'q',
        b'L' => 'Q',
        _ => code as char,
    }
}

/// Whether the type has one with the other byte order.
pub fn can_swap(code: u8) -> bool {
    matches!(code, b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'f' | b'd' | b'F' | b'D')
}

/// Signed integers.
pub fn is_signed(code: u8) -> bool {
    matches!(code, b'b' | b'h' | b'i' | b'l' | b'q' | b'v')
}

/// Whether a bit field can have the type.
pub fn can_be_bits(code: u8) -> bool {
    is_signed(code) || matches!(code, b'B' | b'H' | b'I' | b'L' | b'Q' | b'?')
}

/// Whether the type is an address.
pub fn is_pointer(code: u8) -> bool {
    matches!(code, b'z' | b'Z' | b'P' | b'O')
}

/// How libffi passes it.
pub fn ffi_type_of(code: u8) -> *mut ffi::ffi_type {
    match code {
        b'c' | b'b' => &raw mut ffi::ffi_type_sint8,
        b'B' | b'?' => &raw mut ffi::ffi_type_uint8,
        b'h' | b'v' => &raw mut ffi::ffi_type_sint16,
        b'H' => &raw mut ffi::ffi_type_uint16,
        b'i' | b'u' => &raw mut ffi::ffi_type_sint32,
        b'I' => &raw mut ffi::ffi_type_uint32,
        b'l' | b'q' => &raw mut ffi::ffi_type_sint64,
        b'L' | b'Q' => &raw mut ffi::ffi_type_uint64,
        b'f' => &raw mut ffi::ffi_type_float,
        b'd' => &raw mut ffi::ffi_type_double,
        b'g' => &raw mut ffi::ffi_type_longdouble,
        b'F' => &raw mut ffi::ffi_type_complex_float,
        b'D' => &raw mut ffi::ffi_type_complex_double,
        b'G' => &raw mut ffi::ffi_type_complex_longdouble,
        _ => &raw mut ffi::ffi_type_pointer,
    }
}

/// The low 64 bits of an int or of what has an index.
pub fn low_bits(cx: &mut Cx, v: Value) -> PyResult<u64> {
    let v = number::index(cx, v)?;
    if let Some(i) = int::as_i64(v) {
        return Ok(i as u64);
    }
    let Some(view) = int::view(v) else { return raise!(cx, TypeError, "an integer is required") };
    let low = view.digits().iter().take(3).rev().fold(0u128, |n, d| n << 30 | u128::from(*d)) as u64;
    Ok(if view.negative { low.wrapping_neg() } else { low })
}

/// Reads `N` bytes, in native order.
///
/// # Safety
/// `p` must point to `N` readable bytes.
unsafe fn read<const N: usize>(p: *const u8, swapped: bool) -> [u8; N] {
    // SAFETY: the caller's promise.
    let mut bytes = unsafe { p.cast::<[u8; N]>().read_unaligned() };
    if swapped {
        bytes.reverse();
    }
    bytes
}

/// The integer of 1, 2, 4 or 8 bytes at `p`.
///
/// # Safety
/// `p` must point to `size` readable bytes.
pub unsafe fn read_bits(p: *const u8, size: usize, swapped: bool) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            1 => u64::from(*p),
            2 => u64::from(u16::from_ne_bytes(read(p, swapped))),
            4 => u64::from(u32::from_ne_bytes(read(p, swapped))),
            _ => u64::from_ne_bytes(read(p, swapped)),
        }
    }
}

/// Writes an integer of 1, 2, 4 or 8 bytes.
///
/// # Safety
/// `p` must point to `size` writable bytes.
pub unsafe fn write_bits(p: *mut u8, size: usize, swapped: bool, bits: u64) {
    let mut bytes = bits.to_le_bytes();
    if swapped {
        bytes[..size].reverse();
    }
    // SAFETY: the caller's promise.
    unsafe { p.copy_from_nonoverlapping(bytes.as_ptr(), size) };
}

/// A signed or unsigned int of `bits` significant bits.
pub fn int_of(cx: &mut Cx, raw: u64, bits: u32, signed: bool) -> Value {
    let unused = 64 - bits;
    if signed { cx.int((raw << unused) as i64 >> unused) } else { cx.int_u64(raw << unused >> unused) }
}

/// The x87 number at `p`.
///
/// # Safety
/// `p` must point to 10 readable bytes.
unsafe fn read_extended(p: *const u8) -> f64 {
    // SAFETY: the caller's promise.
    let (mantissa, top) = unsafe { (p.cast::<u64>().read_unaligned(), p.add(8).cast::<u16>().read_unaligned()) };
    let (negative, exponent) = (top & 0x8000 != 0, i32::from(top & 0x7fff));
    let magnitude = match exponent {
        0x7fff if mantissa << 1 != 0 => f64::NAN,
        0x7fff => f64::INFINITY,
        // Two steps, so that the scale itself stays in range.
        _ => {
            let scale = exponent - 16383 - 63;
            let half = scale.clamp(-2000, 2000) / 2;
            mantissa as f64 * 2f64.powi(half) * 2f64.powi(scale.clamp(-2000, 2000) - half)
        }
    };
    if negative { -magnitude } else { magnitude }
}

/// Writes an x87 number.
///
/// # Safety
/// `p` must point to 16 writable bytes.
unsafe fn write_extended(p: *mut u8, d: f64) {
    let bits = d.to_bits();
    let (sign, exponent, fraction) = ((bits >> 48) as u16 & 0x8000, (bits >> 52 & 0x7ff) as u16, bits << 12 >> 1);
    let (exponent, mantissa) = match exponent {
        0x7ff => (0x7fff, 1 << 63 | fraction),
        0 if fraction == 0 => (0, 0),
        0 => {
            let shift = fraction.leading_zeros() as u16;
            (16383 - 1022 - shift, fraction << shift)
        }
        _ => (exponent + 16383 - 1023, 1 << 63 | fraction),
    };
    // SAFETY: the caller's promise.
    unsafe {
        p.cast::<[u8; 16]>().write_unaligned([0; 16]);
        p.cast::<u64>().write_unaligned(mantissa);
        p.add(8).cast::<u16>().write_unaligned(sign | exponent);
    }
}

/// The length of a zero-terminated string of wide characters.
///
/// # Safety
/// `p` must point to one.
pub unsafe fn wide_len(p: *const u32) -> usize {
    // SAFETY: the caller's promise.
    (0..).find(|i| unsafe { p.add(*i).read_unaligned() } == 0).unwrap_or(0)
}

/// A str of wide characters.
///
/// # Safety
/// `p` must point to `n` of them.
pub unsafe fn wide_str(cx: &mut Cx, p: *const u32, n: usize) -> PyResult<Value> {
    // SAFETY: the caller's promise.
    let points: Vec<u32> = (0..n).map(|i| unsafe { p.add(i).read_unaligned() }).collect();
    if let Some(bad) = points.iter().find(|c| **c > 0x10ffff) {
        return raise!(cx, ValueError, "character U+{bad:x} is not in range [U+0000; U+10ffff]");
    }
    Ok(Value::of(Str::from_code_points(cx, &points)))
}

/// A str as zero-terminated wide characters, in a bytes object.
pub fn wide_bytes(cx: &mut Cx, s: &Str) -> &'static Bytes {
    let wide: Vec<u8> = s.chars().chain([0]).flat_map(u32::to_ne_bytes).collect();
    Bytes::new(cx, &wide)
}

/// The value at `p`. May collect.
///
/// # Safety
/// `p` must point to a value of the type.
pub unsafe fn get(cx: &mut Cx, code: u8, swapped: bool, p: *const u8) -> PyResult<Value> {
    let (size, _) = layout(code);
    // SAFETY: the caller's promise.
    unsafe {
        Ok(match code {
            b'c' => Value::of(Bytes::new(cx, &[*p])),
            b'?' => Value::bool(*p != 0),
            b'v' => Value::bool(read_bits(p, 2, swapped) != 0),
            b'f' => cx.float(f64::from(f32::from_ne_bytes(read(p, swapped)))),
            b'd' => cx.float(f64::from_ne_bytes(read(p, swapped))),
            b'g' => cx.float(read_extended(p)),
            b'F' => complex::new(
                cx,
                f64::from(f32::from_ne_bytes(read(p, swapped))),
                f64::from(f32::from_ne_bytes(read(p.add(4), swapped))),
            ),
            b'D' => complex::new(cx, f64::from_ne_bytes(read(p, swapped)), f64::from_ne_bytes(read(p.add(8), swapped))),
            b'G' => complex::new(cx, read_extended(p), read_extended(p.add(16))),
            b'u' => return wide_str(cx, p.cast(), 1),
            b'z' | b'Z' | b'P' | b'O' => {
                let address = read_bits(p, 8, swapped);
                match code {
                    b'O' => match Value::from_bits(address) {
                        Some(v) => v,
                        None => return raise!(cx, ValueError, "PyObject is NULL"),
                    },
                    _ if address == 0 => Value::none(),
                    b'P' => cx.int_u64(address),
                    b'z' => {
                        let text = std::ffi::CStr::from_ptr(address as *const std::ffi::c_char);
                        Value::of(Bytes::new(cx, text.to_bytes()))
                    }
                    _ => return wide_str(cx, address as *const u32, wide_len(address as *const u32)),
                }
            }
            _ => int_of(cx, read_bits(p, size, swapped), 8 * size as u32, is_signed(code)),
        })
    }
}

fn char_of(cx: &mut Cx, v: Value) -> PyResult<u8> {
    let what = "one character bytes, bytearray, or an integer in range(256) expected, not";
    let data = match v.downcast::<Bytes>() {
        Some(b) => Some(b.data()),
        None => v.downcast::<ByteArray>().and_then(|_| taipan_runtime::types::bytes::data_of(v)),
    };
    if let Some(data) = data {
        let name = if v.downcast::<Bytes>().is_some() { "bytes" } else { "bytearray" };
        return match data {
            [byte] => Ok(*byte),
            _ => raise!(cx, TypeError, "{what} {name} of length {}", data.len()),
        };
    }
    if int::check(v) {
        return match int::as_i64(v).and_then(|n| u8::try_from(n).ok()) {
            Some(byte) => Ok(byte),
            None => raise!(cx, TypeError, "integer not in range(256)"),
        };
    }
    raise!(cx, TypeError, "{what} {}", v.class().tp_name())
}

fn wide_char_of(cx: &mut Cx, v: Value) -> PyResult<u32> {
    match v.downcast::<Str>() {
        None => raise!(cx, TypeError, "a unicode character expected, not instance of {}", v.class().tp_name()),
        Some(s) if s.len() != 1 => {
            raise!(cx, TypeError, "a unicode character expected, not a string of length {}", s.len())
        }
        Some(s) => Ok(s.at(0)),
    }
}

/// What a pointer-like type stores for `v`, and what has to be kept alive for it.
fn address_of(cx: &mut Cx, code: u8, v: Value) -> PyResult<(u64, Value)> {
    let none = Value::none();
    if code == b'O' {
        return Ok((v.bits(), v));
    }
    if v.is_none() {
        return Ok((0, none));
    }
    if int::check(v) {
        return Ok((low_bits(cx, v)?, none));
    }
    match (code, v.downcast::<Bytes>(), v.downcast::<Str>()) {
        (b'z', Some(bytes), _) => Ok((bytes.data().as_ptr() as u64, v)),
        (b'Z', _, Some(s)) => {
            let wide = wide_bytes(cx, s);
            Ok((wide.data().as_ptr() as u64, Value::of(wide)))
        }
        (b'P', ..) => raise!(cx, TypeError, "cannot be converted to pointer"),
        _ => {
            let (what, got) = (if code == b'z' { "bytes" } else { "unicode string" }, v.class().tp_name());
            raise!(cx, TypeError, "{what} or integer address expected instead of {got} instance")
        }
    }
}

/// Writes `v` to `p`; what has to be kept alive for it, or None. May run Python code.
///
/// # Safety
/// `p` must point to memory for the type.
pub unsafe fn set(cx: &mut Cx, code: u8, swapped: bool, p: *mut u8, v: Value) -> PyResult<Value> {
    let (size, _) = layout(code);
    // SAFETY: the caller's promise; conversions come before the writes.
    unsafe {
        match code {
            b'c' => *p = char_of(cx, v)?,
            b'?' => *p = u8::from(protocol::truth(cx, v)?),
            b'v' => {
                let bits = if protocol::truth(cx, v)? { 0xffff } else { 0 };
                write_bits(p, 2, swapped, bits);
            }
            b'f' => {
                let d = number::to_f64(cx, v)?;
                write_bits(p, 4, swapped, u64::from((d as f32).to_bits()));
            }
            b'd' => {
                let d = number::to_f64(cx, v)?;
                write_bits(p, 8, swapped, d.to_bits());
            }
            b'g' => {
                let d = number::to_f64(cx, v)?;
                write_extended(p, d);
            }
            b'F' | b'D' | b'G' => {
                let (re, im) = complex::to_parts(cx, v)?;
                for (i, d) in [re, im].into_iter().enumerate() {
                    match code {
                        b'F' => write_bits(p.add(4 * i), 4, swapped, u64::from((d as f32).to_bits())),
                        b'D' => write_bits(p.add(8 * i), 8, swapped, d.to_bits()),
                        _ => write_extended(p.add(16 * i), d),
                    }
                }
            }
            b'u' => {
                let c = wide_char_of(cx, v)?;
                write_bits(p, 4, false, u64::from(c));
            }
            b'z' | b'Z' | b'P' | b'O' => {
                let (address, keep) = address_of(cx, code, v)?;
                write_bits(p, 8, swapped, address);
                return Ok(keep);
            }
            _ => {
                if taipan_runtime::types::float::as_f64(v).is_some() {
                    return raise!(cx, TypeError, "'float' object cannot be interpreted as an integer");
                }
                let bits = low_bits(cx, v)?;
                write_bits(p, size, swapped, bits);
            }
        }
    }
    Ok(Value::none())
}
