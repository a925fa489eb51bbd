//! Items of native single-character formats: from memory to values and back.

use crate::cx::Cx;
use crate::protocol::number;
use crate::types::bytes::Bytes;
use crate::types::{float, int};
use crate::value::Value;
use crate::{PyResult, raise};

/// The format character of a native format: one character, perhaps after '@'.
pub fn native_char(format: &str) -> Option<u8> {
    let format = format.strip_prefix('@').unwrap_or(format);
    match format.as_bytes() {
        [c] => size_of(*c).map(|_| *c),
        _ => None,
    }
}

/// Bytes of an item of a native format.
pub fn size_of(format: u8) -> Option<usize> {
    Some(match format {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'd' | b'P' => 8,
        _ => return None,
    })
}

/// The number that a half-precision float means.
pub fn half_to_f64(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 != 0 { -magnitude } else { magnitude }
}

/// The half-precision float nearest to `x`, ties to even; None if a finite number is too large.
pub fn f64_to_half(x: f64) -> Option<u16> {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let a = x.abs();
    if x.is_nan() {
        return Some(sign | 0x7e00);
    }
    if a.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // In units of the smallest subnormal below 2**-14, else of the last place.
    if a < 2f64.powi(-14) {
        return Some(sign | (a * 2f64.powi(24)).round_ties_even() as u16);
    }
    let exponent = ((a.to_bits() >> 52) as i32) - 1023;
    if exponent > 15 {
        return None;
    }
    let mantissa = (a * 2f64.powi(10 - exponent)).round_ties_even() as u32 - 1024;
    // A carry out of the mantissa goes into the exponent.
    let bits = (((exponent + 15) as u32) << 10) + mantissa;
    if bits >= 0x7c00 { None } else { Some(sign | bits as u16) }
}

/// The value of an item; `bytes` are exactly its size. May collect.
pub fn unpack(cx: &mut Cx, format: u8, bytes: &[u8]) -> Value {
    macro_rules! read {
        ($t:ty) => {
            <$t>::from_ne_bytes(bytes.try_into().expect("an item's size"))
        };
    }
    match format {
        b'c' => Value::of(Bytes::new(cx, bytes)),
        b'b' => Value::small(read!(i8).into()),
        b'B' => Value::small(read!(u8).into()),
        b'?' => Value::bool(bytes[0] != 0),
        b'h' => Value::small(read!(i16).into()),
        b'H' => Value::small(read!(u16).into()),
        b'i' => Value::small(read!(i32).into()),
        b'I' => Value::small(read!(u32).into()),
        b'l' | b'q' | b'n' => cx.int(read!(i64)),
        b'L' | b'Q' | b'N' | b'P' => cx.int_u64(read!(u64)),
        b'e' => cx.float(half_to_f64(read!(u16))),
        b'f' => cx.float(read!(f32).into()),
        _ => cx.float(read!(f64)),
    }
}

/// Writes a value as an item. TypeError and ValueError "memoryview: invalid type for format 'i'".
pub fn pack(cx: &mut Cx, format: u8, v: Value, out: &mut [u8]) -> PyResult<()> {
    match pack_value(cx, format, v, out)? {
        Fit::Good => Ok(()),
        Fit::BadType => {
            let c = char::from(format);
            raise!(cx, TypeError, "memoryview: invalid type for format '{c}'")
        }
        Fit::BadValue => {
            let c = char::from(format);
            raise!(cx, ValueError, "memoryview: invalid value for format '{c}'")
        }
    }
}

enum Fit {
    Good,
    BadType,
    BadValue,
}

fn pack_value(cx: &mut Cx, format: u8, v: Value, out: &mut [u8]) -> PyResult<Fit> {
    match format {
        b'c' => match v.downcast::<Bytes>().map(|b| b.data()) {
            Some([b]) => out[0] = *b,
            Some(_) => return Ok(Fit::BadValue),
            None => return Ok(Fit::BadType),
        },
        b'?' => out[0] = crate::protocol::object::truth(cx, v)?.into(),
        b'e' | b'f' | b'd' => {
            if float::as_f64(v).is_none() {
                let r = number::to_f64(cx, v);
                let Some(d) = cx.catch(r, &crate::exceptions::TypeError)? else { return Ok(Fit::BadType) };
                return Ok(pack_float(format, d, out));
            }
            return Ok(pack_float(format, float::as_f64(v).expect("a float"), out));
        }
        _ => {
            if !int::check(v) && v.class().slots().index.is_none() {
                return Ok(Fit::BadType);
            }
            let n = number::index(cx, v)?;
            return Ok(pack_int(format, n, out));
        }
    }
    Ok(Fit::Good)
}

fn pack_float(format: u8, d: f64, out: &mut [u8]) -> Fit {
    match format {
        b'e' => match f64_to_half(d) {
            Some(bits) => out.copy_from_slice(&bits.to_ne_bytes()),
            None => return Fit::BadValue,
        },
        b'f' => {
            let narrow = d as f32;
            if narrow.is_infinite() && d.is_finite() {
                return Fit::BadValue;
            }
            out.copy_from_slice(&narrow.to_ne_bytes());
        }
        _ => out.copy_from_slice(&d.to_ne_bytes()),
    }
    Fit::Good
}

fn pack_int(format: u8, n: Value, out: &mut [u8]) -> Fit {
    let Some(w) = int::view(n) else { return Fit::BadType };
    let Some(i) = taipan_num::big::to_i128(w.negative, w.digits()) else { return Fit::BadValue };
    let signed = format.is_ascii_lowercase();
    let bits = 8 * out.len() as u32;
    let (low, high) = if signed { (-(1i128 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
    if i < low || i > high {
        return Fit::BadValue;
    }
    out.copy_from_slice(&i.to_le_bytes()[..out.len()]);
    Fit::Good
}
