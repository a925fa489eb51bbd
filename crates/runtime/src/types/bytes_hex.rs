//! Hexadecimal text of bytes, for bytes, bytearray, memoryview and binascii.

use crate::cx::Cx;
use crate::protocol::{buffer, object};
use crate::types::byte_ops::{self, HexError};
use crate::types::bytes;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

/// The `sep` argument of hex methods. May run Python code (`__len__`): the object must be held meanwhile.
pub fn hex_separator(cx: &mut Cx, sep: Option<Value>) -> PyResult<Option<u8>> {
    let Some(v) = sep else { return Ok(None) };
    let n = object::len(cx, v)?;
    if n != 1 {
        return raise!(cx, ValueError, "sep must be length 1.");
    }
    let c = match (v.downcast::<Str>(), bytes::data_of(v)) {
        (Some(s), _) => s.at(0),
        (None, Some(b)) => u32::from(b[0]),
        _ => return raise!(cx, TypeError, "sep must be str or bytes."),
    };
    if c > 127 {
        return raise!(cx, ValueError, "sep must be ASCII.");
    }
    Ok(Some(c as u8))
}

/// The hexadecimal text of bytes. May collect.
pub fn hex_str(cx: &mut Cx, bytes: &[u8], sep: Option<u8>, group: Option<i32>) -> PyResult<&'static Str> {
    crate::buffer::check_size(cx, bytes.len().saturating_mul(3))?;
    let out = byte_ops::hex(bytes, sep, group.unwrap_or(1));
    Ok(Str::from_ascii(cx, &out))
}

/// The bytes of a hexadecimal text, str or bytes-like.
pub fn from_hex(cx: &mut Cx, v: Value) -> PyResult<Vec<u8>> {
    let result = if let Some(s) = v.downcast::<Str>() {
        // Characters that are not ASCII are no digits; one byte each keeps the positions right.
        let text: Vec<u8> = s.chars().map(|c| if c < 128 { c as u8 } else { b'?' }).collect();
        byte_ops::from_hex(&text)
    } else if buffer::check(v) {
        let held = buffer::hold(cx, v, 0)?;
        byte_ops::from_hex(held.bytes())
    } else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "fromhex() argument must be str or bytes-like, not {got}");
    };
    match result {
        Ok(out) => Ok(out),
        Err(HexError::Odd) => {
            raise!(cx, ValueError, "fromhex() arg must contain an even number of hexadecimal digits")
        }
        Err(HexError::Position(i)) => {
            raise!(cx, ValueError, "non-hexadecimal number found in fromhex() arg at position {i}")
        }
    }
}
