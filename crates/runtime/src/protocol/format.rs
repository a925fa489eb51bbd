//! `format(v, spec)` and the text of f-strings.

use taipan_num::float as algorithms;
use taipan_text::fmtspec::{self, Align, ErrorKind, FmtError, FormatSpec, Formatted};

use super::quick_format::{Quick, Text};
use crate::cx::{Cx, Raised};
use crate::exceptions;
use crate::protocol::{call, object};
use crate::types::str::Str;
use crate::types::str_build::{StrBuf, Writer};
use crate::types::{float, int, int_methods};
use crate::value::Value;
use crate::{PyResult, raise, with_units};

/// `format(v, spec)`.
pub fn format_value(cx: &mut Cx, v: Value, spec: &'static Str) -> PyResult<&'static Str> {
    if v.is_small() {
        return format_int(cx, v, spec);
    }
    if v.is_flonum() {
        return format_float(cx, v, spec);
    }
    if let Some(s) = v.exact::<Str>() {
        return format_str(cx, s, spec);
    }
    let key = cx.names().__format__;
    let Some(f) = cx.lookup_special(v, key) else {
        return raise!(cx, TypeError, "Type {} doesn't define __format__", v.class().tp_name());
    };
    let r = call::call_unbound(cx, f, v, &[Value::of(spec)])?;
    match r.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "__format__ must return a str, not {}", r.class().tp_name()),
    }
}

/// The concatenation of strs, all of which `parts` keeps alive. May collect.
pub fn join_strs(cx: &mut Cx, parts: &[Value]) -> PyResult<&'static Str> {
    let (mut n, mut kind, mut ascii) = (0, 1, true);
    for part in parts {
        let Some(s) = part.downcast::<Str>() else {
            return raise!(cx, TypeError, "expected str instance, {} found", part.class().tp_name());
        };
        n += s.len();
        kind = kind.max(s.kind());
        ascii &= s.is_ascii();
    }
    if n == 0 {
        return Ok(cx.names().empty);
    }
    let mut writer = Writer::new(cx, n, kind, ascii)?;
    for part in parts {
        // SAFETY: checked above.
        writer.push(unsafe { part.cast::<Str>() });
    }
    Ok(writer.finish())
}

/// Raises the exception of a failed format.
#[cold]
pub fn raise_error(cx: &mut Cx, e: FmtError) -> Raised {
    match e.kind {
        ErrorKind::Value => cx.raise_text(&exceptions::ValueError, &e.msg),
        ErrorKind::Overflow => cx.raise_text(&exceptions::OverflowError, &e.msg),
        ErrorKind::Memory => cx.memory_error(),
    }
}

/// A formatted number as a str. May collect.
pub fn finish(cx: &mut Cx, result: Result<Formatted, FmtError>) -> PyResult<&'static Str> {
    let formatted = match result {
        Ok(f) => f,
        Err(e) => return Err(raise_error(cx, e)),
    };
    let fills = formatted.left.saturating_add(formatted.inner).saturating_add(formatted.right);
    crate::buffer::check_size(cx, fills)?;
    let total = fills.saturating_add(formatted.body.len());
    cx.check_room::<u32>(total)?;
    if formatted.fill < 128 || fills == 0 {
        let mut text = String::with_capacity(total);
        if formatted.push_str(&mut text) {
            return Ok(Str::new(cx, &text));
        }
    }
    let mut points = Vec::with_capacity(total);
    formatted.push_code_points(&mut points);
    Ok(Str::from_code_points(cx, &points))
}

fn parse(cx: &mut Cx, spec: &Str, align: Align, v: Value) -> PyResult<FormatSpec> {
    let name = v.class().tp_name();
    match with_units!(spec.units(), u => FormatSpec::parse(u, align, &name)) {
        Ok(spec) => Ok(spec),
        Err(e) => Err(raise_error(cx, e)),
    }
}

/// `int.__format__`.
pub fn format_int(cx: &mut Cx, v: Value, spec: &'static Str) -> PyResult<&'static Str> {
    if spec.is_empty() {
        return match v.as_small() {
            Some(i) => Ok(int_methods::small_to_str(cx, i)),
            None => object::str(cx, v),
        };
    }
    let mut text = Text::new();
    if let Some(i) = v.as_small()
        && Quick::parse(spec).is_some_and(|quick| quick.int(i, &mut text))
    {
        return Ok(Str::from_ascii(cx, &text));
    }
    let parsed = parse(cx, spec, Align::Right, v)?;
    let w = int::view(v).expect("an int");
    if parsed.kind.is_none_or(|k| matches!(char::from_u32(k), Some('d' | 'n'))) {
        int_methods::check_digit_limit(cx, w.digits())?;
    }
    let result = fmtspec::format_int(w.negative, w.digits(), &parsed, &v.class().tp_name());
    finish(cx, result)
}

/// `float.__format__`.
pub fn format_float(cx: &mut Cx, v: Value, spec: &'static Str) -> PyResult<&'static Str> {
    let x = float::of(v);
    if spec.is_empty() {
        return if v.is_flonum() { Ok(float_to_str(cx, x)) } else { object::str(cx, v) };
    }
    let mut text = Text::new();
    if Quick::parse(spec).is_some_and(|quick| quick.float(x, &mut text)) {
        return Ok(Str::from_ascii(cx, &text));
    }
    let parsed = parse(cx, spec, Align::Right, v)?;
    let result = fmtspec::format_float(x, &parsed, &v.class().tp_name());
    finish(cx, result)
}

/// `complex.__format__` of `v`, whose parts are `z`.
pub fn format_complex(cx: &mut Cx, v: Value, z: (f64, f64), spec: &'static Str) -> PyResult<&'static Str> {
    if spec.is_empty() {
        return object::str(cx, v);
    }
    let parsed = parse(cx, spec, Align::Right, v)?;
    let result = fmtspec::format_complex(z, &parsed, &v.class().tp_name());
    finish(cx, result)
}

/// `repr` of a float. May collect.
pub fn float_to_str(cx: &mut Cx, x: f64) -> &'static Str {
    let text = algorithms::repr(x);
    Str::from_ascii(cx, text.as_bytes())
}

/// `str.__format__`.
pub fn format_str(cx: &mut Cx, s: &'static Str, spec: &'static Str) -> PyResult<&'static Str> {
    if spec.is_empty() {
        return if std::ptr::eq(s.class(), Str::type_object()) { Ok(s) } else { object::str(cx, Value::of(s)) };
    }
    if let Some(quick) = Quick::parse(spec)
        && quick.is_for_text()
    {
        let take = quick.precision.map_or(s.len(), |p| p.min(s.len()));
        let pad = quick.width.saturating_sub(take);
        let (left, right) = match quick.align {
            b'>' => (pad, 0),
            b'^' => (pad / 2, pad - pad / 2),
            _ => (0, pad),
        };
        return padded(cx, s, left, take, right, quick.fill as u32);
    }
    let parsed = parse(cx, spec, Align::Left, Value::of(s))?;
    match fmtspec::format_str(s.len(), &parsed, &s.class().tp_name()) {
        Ok(p) => padded(cx, s, p.left, p.take, p.right, p.fill),
        Err(e) => Err(raise_error(cx, e)),
    }
}

/// The first `take` characters of `s` between fill characters. May collect.
pub fn padded(
    cx: &mut Cx,
    s: &'static Str,
    left: usize,
    take: usize,
    right: usize,
    fill: u32,
) -> PyResult<&'static Str> {
    if left == 0 && right == 0 {
        if take == s.len() && std::ptr::eq(s.class(), Str::type_object()) {
            return Ok(s);
        }
        return Ok(s.slice(cx, 0, take));
    }
    crate::buffer::check_size(cx, left.saturating_add(right).saturating_add(take).saturating_mul(4))?;
    let mut out = StrBuf::with_capacity(left + take + right);
    out.fill(fill, left);
    out.push_units(s.units().slice(0, take));
    out.fill(fill, right);
    Ok(out.finish(cx))
}
