//! `bytes % args`.

use taipan_text::fmtspec::Formatted;
use taipan_text::percent::{self, Conversion, Flags, Piece};

use crate::cx::Cx;
use crate::protocol::{buffer, format, number};
use crate::types::bytearray::ByteArray;
use crate::types::bytes::{self, Bytes};
use crate::types::int;
use crate::types::str_format::ascii;
use crate::types::str_percent::{Arguments, format_number};
use crate::value::Value;
use crate::{PyResult, raise};

/// The slot of `%`: formatting if the left operand is bytes or a bytearray.
pub fn rem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(template) = bytes::data_of(a) else { return Ok(Value::not_implemented()) };
    // Arguments may run code that changes a bytearray.
    let _kept = super::bytes_methods::Kept::new(a);
    let mut args = Arguments::new(b, true);
    let mut out = Vec::with_capacity(template.len() + 32);
    for piece in percent::pieces(template) {
        match piece {
            Ok(Piece::Literal(r)) => out.extend_from_slice(&template[r]),
            Ok(Piece::Conversion(c)) => conversion(cx, template, c, &mut args, &mut out)?,
            Err(e) => return Err(format::raise_error(cx, e)),
        }
    }
    args.finish(cx, "bytes")?;
    if a.downcast::<Bytes>().is_some() {
        Ok(Value::of(Bytes::new(cx, &out)))
    } else {
        Ok(Value::of(ByteArray::new(cx, &out)))
    }
}

fn conversion(cx: &mut Cx, template: &[u8], c: Conversion, args: &mut Arguments, out: &mut Vec<u8>) -> PyResult<()> {
    if let Some(key) = c.key.clone() {
        args.select(cx, |cx| Value::of(Bytes::new(cx, &template[key])))?;
    }
    let (flags, width, precision) = args.counts(cx, &c)?;
    let v = args.next(cx)?;
    match char::from_u32(c.kind) {
        Some('s' | 'b') => {
            let content = content(cx, v)?;
            put(cx, content.data(), flags, width, precision, out)
        }
        Some('r' | 'a') => {
            let text = ascii(cx, v)?;
            put(cx, text.raw_bytes(), flags, width, precision, out)
        }
        Some('c') => {
            let b = character(cx, v)?;
            put(cx, &[b], flags, width, None, out)
        }
        _ => match format_number(cx, v, c.kind, flags, width, precision, true)? {
            Some(formatted) => put_formatted(cx, &formatted, out),
            None => Err(format::raise_error(cx, percent::unsupported(&c))),
        },
    }
}

fn put(
    cx: &mut Cx,
    text: &[u8],
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let pads = percent::format_str(text.len(), flags, width, precision);
    crate::buffer::check_size(cx, pads.left.saturating_add(pads.right))?;
    out.resize(out.len() + pads.left, b' ');
    out.extend_from_slice(&text[..pads.take]);
    out.resize(out.len() + pads.right, b' ');
    Ok(())
}

fn put_formatted(cx: &mut Cx, f: &Formatted, out: &mut Vec<u8>) -> PyResult<()> {
    crate::buffer::check_size(cx, f.left.saturating_add(f.inner).saturating_add(f.right))?;
    let fill = f.fill as u8;
    out.resize(out.len() + f.left, fill);
    out.extend_from_slice(f.head.as_bytes());
    out.resize(out.len() + f.inner, fill);
    out.extend_from_slice(f.body.as_bytes());
    out.resize(out.len() + f.right, fill);
    Ok(())
}

/// The argument of `%b`.
fn content(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    if let Some(data) = bytes::data_of(v) {
        return Ok(Bytes::new(cx, data));
    }
    if let Some(b) = bytes::from_dunder(cx, v)? {
        return Ok(b);
    }
    if buffer::check(v) {
        return bytes::copy_of(cx, v);
    }
    let got = v.class().tp_name();
    raise!(cx, TypeError, "%b requires a bytes-like object, or an object that implements __bytes__, not '{got}'")
}

/// The argument of `%c`.
fn character(cx: &mut Cx, v: Value) -> PyResult<u8> {
    if let Some(data) = bytes::data_of(v) {
        if let [b] = data {
            return Ok(*b);
        }
        let kind = if v.downcast::<Bytes>().is_some() { "bytes" } else { "bytearray" };
        let n = data.len();
        return raise!(
            cx,
            TypeError,
            "%c requires an integer in range(256) or a single byte, not a {kind} object of length {n}"
        );
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = crate::types::type_::full_name(cx, v.class());
        return raise!(cx, TypeError, "%c requires an integer in range(256) or a single byte, not {got}");
    }
    let n = number::index(cx, v)?;
    match int::as_i64(n) {
        Some(b @ 0..256) => Ok(b as u8),
        _ => raise!(cx, OverflowError, "%c arg not in range(256)"),
    }
}
