//! Operations on bytes and bytearrays that programs do byte by byte, without the way through calls and slots of types. Contract and
//! results: see [`crate::plain`].

use taipan_runtime::types::bytearray::{BYTEARRAY, ByteArray};
use taipan_runtime::types::bytes::{BYTES, Bytes};
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice;
use taipan_runtime::{Cx, Value};

use crate::plain::NOT_PLAIN;

/// Longest result of [`repeated`].
const LONGEST: usize = 1 << 16;

fn exact_bytes(v: Value) -> Option<&'static Bytes> {
    // SAFETY: the class was looked at.
    std::ptr::eq(v.class(), &BYTES).then(|| unsafe { v.cast() })
}

fn exact_array(v: Value) -> Option<&'static ByteArray> {
    // SAFETY: the class was looked at.
    std::ptr::eq(v.class(), &BYTEARRAY).then(|| unsafe { v.cast() })
}

/// `v.append(item)` of a bytearray; None.
pub extern "C" fn append(cx: &mut Cx, v: Value, item: Value) -> u64 {
    let byte = item.as_small().and_then(|i| u8::try_from(i).ok());
    let (Some(array), Some(byte)) = (exact_array(v), byte) else { return NOT_PLAIN };
    if array.extend_from_slice(cx, &[byte]).is_ok() { Value::none().bits() } else { 0 }
}

/// `v.extend(bytes)` of a bytearray; None.
pub extern "C" fn extend(cx: &mut Cx, v: Value, with: Value) -> u64 {
    let (Some(array), Some(bytes)) = (exact_array(v), exact_bytes(with)) else { return NOT_PLAIN };
    if array.extend_from_slice(cx, bytes.data()).is_ok() { Value::none().bits() } else { 0 }
}

/// `a += b` of a bytearray and bytes.
#[inline]
pub fn extended(cx: &mut Cx, a: Value, b: Value) -> Option<u64> {
    let (array, bytes) = (exact_array(a)?, exact_bytes(b)?);
    Some(if array.extend_from_slice(cx, bytes.data()).is_ok() { a.bits() } else { 0 })
}

/// `a * n` of bytes, if that is not long.
#[inline]
pub fn repeated(cx: &mut Cx, a: Value, n: Value) -> Option<u64> {
    let (bytes, n) = (exact_bytes(a)?, n.as_small()?.max(0) as usize);
    if n == 1 {
        return Some(a.bits());
    }
    let total = bytes.len().checked_mul(n).filter(|t| *t <= LONGEST)?;
    let made = Bytes::build::<()>(cx, total, |out| {
        match bytes.data() {
            [] => {}
            [b] => out.fill(*b),
            data => out.chunks_exact_mut(data.len()).for_each(|c| c.copy_from_slice(data)),
        }
        Ok(())
    });
    Some(made.map_or(0, |m| Value::of(m.expect("cannot fail")).bits()))
}

/// `v[start:stop]` of bytes.
#[inline]
pub fn sliced(cx: &mut Cx, v: Value, start: Option<isize>, stop: Option<isize>) -> Option<u64> {
    let data = exact_bytes(v)?.data();
    if let (Some(start), Some(stop)) = (start, stop)
        && start > 0
        && stop as usize <= data.len()
        && start <= stop
    {
        return Some(Value::of(Bytes::new(cx, &data[start as usize..stop as usize])).bits());
    }
    let range = slice::adjust(start, stop, 1, data.len());
    if range.len == data.len() {
        return Some(v.bits());
    }
    let first = range.start as usize;
    Some(Value::of(Bytes::new(cx, &data[first..first + range.len])).bits())
}

/// `bytes(v)` of a list of ints, or of an object that holds bytes.
pub extern "C" fn bytes_of(cx: &mut Cx, v: Value) -> u64 {
    if exact_bytes(v).is_some() {
        return v.bits();
    }
    if let Some(array) = exact_array(v) {
        let data = array.data().to_vec();
        return Value::of(Bytes::new(cx, &data)).bits();
    }
    let Some(list) = v.exact::<List>().filter(|l| !l.is_packed()) else { return NOT_PLAIN };
    let byte = |v: &Value| v.as_small().and_then(|i| u8::try_from(i).ok());
    match list.items() {
        [one] => byte(one).map_or(NOT_PLAIN, |b| Value::of(Bytes::new(cx, &[b])).bits()),
        items => match items.iter().map(byte).collect::<Option<Vec<u8>>>() {
            Some(data) => Value::of(Bytes::new(cx, &data)).bits(),
            None => NOT_PLAIN,
        },
    }
}
