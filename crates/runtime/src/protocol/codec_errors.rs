//! Error handlers of codecs: the native ones, the registered ones, and the exceptions.

use taipan_text::codecs::{DecodeFail, EncodeFail, Replacement, handlers};

use crate::cx::{Cx, Raised};
use crate::native::NativeDef;
use crate::protocol::{attr, codec, number};
use crate::types::bytes::Bytes;
use crate::types::descr::NativeFunction;
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, exceptions, raise, with_units};
use taipan_macros::pymethods;

/// A UnicodeDecodeError. May collect.
fn decode_exception(cx: &mut Cx, fail: &DecodeFail, input: &'static Bytes) -> PyResult<Value> {
    let (encoding, reason) = (cx.str(fail.encoding), cx.str(fail.reason));
    let (start, end) = (Value::small(fail.start as i64), Value::small(fail.end as i64));
    exceptions::instantiate(cx, &exceptions::UnicodeDecodeError, &[encoding, Value::of(input), start, end, reason])
}

/// A UnicodeEncodeError. May collect.
fn encode_exception(cx: &mut Cx, fail: &EncodeFail, text: &'static Str) -> PyResult<Value> {
    let (encoding, reason) = (cx.str(fail.encoding), cx.str(fail.reason));
    let (start, end) = (Value::small(fail.start as i64), Value::small(fail.end as i64));
    exceptions::instantiate(cx, &exceptions::UnicodeEncodeError, &[encoding, Value::of(text), start, end, reason])
}

/// Raises the UnicodeDecodeError of a failure.
#[cold]
pub fn raise_decode_error(cx: &mut Cx, fail: &DecodeFail, input: &'static Bytes) -> Raised {
    match decode_exception(cx, fail, input) {
        Ok(e) => cx.raise(e),
        Err(raised) => raised,
    }
}

/// Raises the UnicodeEncodeError of a failure.
#[cold]
pub fn raise_encode_error(cx: &mut Cx, fail: &EncodeFail, text: &'static Str) -> Raised {
    match encode_exception(cx, fail, text) {
        Ok(e) => cx.raise(e),
        Err(raised) => raised,
    }
}

fn name_of(errors: Option<&'static Str>) -> String {
    errors.map_or_else(|| "strict".to_string(), |e| e.to_string_lossy())
}

/// Answers a decoding failure by the handler called `errors`.
pub fn decode_error(
    cx: &mut Cx,
    errors: Option<&'static Str>,
    fail: &DecodeFail,
    input: &'static Bytes,
) -> PyResult<(Vec<u32>, usize)> {
    let answer = decode_error_anew(cx, errors, fail, input)?;
    Ok((answer.text, answer.position.min(input.len())))
}

/// What a handler says about a decoding failure.
pub struct DecodeAnswer {
    /// Text instead of the bytes.
    pub text: Vec<u32>,
    /// Where to go on.
    pub position: usize,
    /// The bytes to go on with, if the handler gave the exception others.
    pub input: Option<&'static Bytes>,
}

/// As [`decode_error`], for decoders that can go on with other bytes.
pub fn decode_error_anew(
    cx: &mut Cx,
    errors: Option<&'static Str>,
    fail: &DecodeFail,
    input: &'static Bytes,
) -> PyResult<DecodeAnswer> {
    let name = name_of(errors);
    match handlers::decode(&name, fail) {
        Some(Some((text, position))) => return Ok(DecodeAnswer { text, position, input: None }),
        Some(None) => return Err(raise_decode_error(cx, fail, input)),
        None => {}
    }
    let handler = lookup_error(cx, &name)?;
    let exception = decode_exception(cx, fail, input)?;
    let answer = cx.call(handler, &[exception])?;
    let Some([text, position]) = answer.downcast::<Tuple>().map(|t| t.items()) else {
        return raise!(cx, TypeError, "decoding error handler must return (str, int) tuple");
    };
    let Some(text) = text.downcast::<Str>().filter(|_| int::check(*position)) else {
        return raise!(cx, TypeError, "decoding error handler must return (str, int) tuple");
    };
    let text = text.to_code_points();
    // The handler may have set another object.
    let object = attr::get_text(cx, exception, "object")?;
    let Some(now) = object.downcast::<Bytes>() else {
        return raise!(cx, TypeError, "UnicodeError 'object' attribute must be a bytes");
    };
    let position = new_position(cx, *position, now.len())?;
    Ok(DecodeAnswer { text, position, input: Some(now).filter(|now| !std::ptr::eq(*now, input)) })
}

/// Answers an encoding failure by the handler called `errors`.
pub fn encode_error(
    cx: &mut Cx,
    errors: Option<&'static Str>,
    fail: &EncodeFail,
    text: &'static Str,
) -> PyResult<(Replacement, usize)> {
    let name = name_of(errors);
    match with_units!(text.units(), u => handlers::encode(&name, u, fail)) {
        Some(Some(answer)) => return Ok(answer),
        Some(None) => return Err(raise_encode_error(cx, fail, text)),
        None => {}
    }
    let handler = lookup_error(cx, &name)?;
    let exception = encode_exception(cx, fail, text)?;
    let answer = cx.call(handler, &[exception])?;
    let parts = answer.downcast::<Tuple>().map(|t| t.items());
    let (replacement, position) = match parts {
        Some([r, position]) if int::check(*position) => match (r.downcast::<Str>(), r.downcast::<Bytes>()) {
            (Some(s), _) => (Replacement::Text(s.to_code_points()), *position),
            (None, Some(b)) => (Replacement::Bytes(b.data().to_vec()), *position),
            _ => return raise!(cx, TypeError, "encoding error handler must return (str/bytes, int) tuple"),
        },
        _ => return raise!(cx, TypeError, "encoding error handler must return (str/bytes, int) tuple"),
    };
    let position = new_position(cx, position, text.len())?;
    Ok((replacement, position))
}

/// Where to go on, as a handler says: negative positions count from the end.
fn new_position(cx: &mut Cx, v: Value, len: usize) -> PyResult<usize> {
    let given = number::to_isize(cx, v)?;
    let at = if given < 0 { given.saturating_add(len as isize) } else { given };
    if at < 0 || at as usize > len {
        return raise!(cx, IndexError, "position {at} from error handler out of bounds");
    }
    Ok(at as usize)
}

/// The error handler called `name`. LookupError.
pub fn lookup_error(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let registry = codec::registry(cx);
    let key = cx.intern(name);
    if let Some(found) = registry.errors.get_str(key) {
        return Ok(found);
    }
    let Some(i) = NATIVE.iter().position(|n| *n == name) else {
        return raise!(cx, LookupError, "unknown error handler name '{name}'");
    };
    let def: &'static NativeDef = &Handlers::METHODS[i];
    let made = Value::of(NativeFunction::new(cx, def, None, None));
    registry.errors.set_str(cx, key, made);
    Ok(made)
}

/// Names of the native handlers, in the order of `Handlers`.
pub const NATIVE: [&str; 8] = [
    "strict",
    "ignore",
    "replace",
    "xmlcharrefreplace",
    "backslashreplace",
    "namereplace",
    "surrogatepass",
    "surrogateescape",
];

/// The native handlers as functions of an exception.
pub struct Handlers;

#[pymethods]
impl Handlers {
    /// Implements the 'strict' error handling, which raises a UnicodeError on coding errors.
    #[py("(exception, /)")]
    fn strict_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        if exception.downcast::<exceptions::Exception>().is_none() {
            return raise!(cx, TypeError, "codec must pass exception instance");
        }
        Err(cx.raise(exception))
    }
    /// Implements the 'ignore' error handling, which ignores malformed data and continues.
    #[py("(exception, /)")]
    fn ignore_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "ignore")
    }
    /// Implements the 'replace' error handling, which replaces malformed data with a replacement marker.
    #[py("(exception, /)")]
    fn replace_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "replace")
    }
    /// Implements the 'xmlcharrefreplace' error handling, which replaces an unencodable character with the appropriate XML character reference.
    #[py("(exception, /)")]
    fn xmlcharrefreplace_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "xmlcharrefreplace")
    }
    /// Implements the 'backslashreplace' error handling, which replaces malformed data with a backslashed escape sequence.
    #[py("(exception, /)")]
    fn backslashreplace_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "backslashreplace")
    }
    /// Implements the 'namereplace' error handling, which replaces an unencodable character with a \N{...} escape sequence.
    #[py("(exception, /)")]
    fn namereplace_errors(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "namereplace")
    }
    #[py("(exception, /)")]
    fn surrogatepass(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "surrogatepass")
    }
    #[py("(exception, /)")]
    fn surrogateescape(cx: &mut Cx, exception: Value) -> PyResult<Value> {
        apply(cx, exception, "surrogateescape")
    }
}

/// Runs a native handler on an exception object: (replacement, new position).
fn apply(cx: &mut Cx, exception: Value, name: &str) -> PyResult<Value> {
    let is = |class| exception.is_instance(class);
    let (encode, decode) = (is(&exceptions::UnicodeEncodeError), is(&exceptions::UnicodeDecodeError));
    let translate = is(&exceptions::UnicodeTranslateError);
    let supported = match name {
        "ignore" | "replace" | "backslashreplace" => encode || decode || translate,
        "xmlcharrefreplace" | "namereplace" => encode,
        _ => encode || decode,
    };
    if !supported {
        let got = exception.class().tp_name();
        return raise!(cx, TypeError, "don't know how to handle {got} in error callback");
    }
    let object = attr::get_text(cx, exception, "object")?;
    let len = crate::protocol::object::len(cx, object)?;
    let (start, end) = range(cx, exception, len)?;
    let (replacement, position) = if decode {
        let Some(input) = object.downcast::<Bytes>() else {
            return raise!(cx, TypeError, "object attribute must be bytes");
        };
        let encoding = static_encoding(cx, exception)?;
        let fail = DecodeFail { encoding, input: input.data(), start, end, reason: "" };
        match handlers::decode(name, &fail).expect("a native name") {
            Some((text, position)) => (Value::of(Str::from_code_points(cx, &text)), position),
            None => return Err(cx.raise(exception)),
        }
    } else {
        let Some(text) = object.downcast::<Str>() else {
            return raise!(cx, TypeError, "object attribute must be unicode");
        };
        if translate && name == "replace" {
            (Value::of(Str::from_code_points(cx, &vec![0xfffd; end - start])), end)
        } else {
            let encoding = if translate { "" } else { static_encoding(cx, exception)? };
            let fail = EncodeFail { encoding, start, end, reason: "" };
            match with_units!(text.units(), u => handlers::encode(name, u, &fail)).expect("a native name") {
                Some((Replacement::Text(t), position)) => (Value::of(Str::from_code_points(cx, &t)), position),
                Some((Replacement::Bytes(b), position)) => (Value::of(Bytes::new(cx, &b)), position),
                None => return Err(cx.raise(exception)),
            }
        }
    };
    Ok(Value::of(Tuple::new(cx, &[replacement, Value::small(position as i64)])))
}

/// `start` and `end` of an exception, clipped to its object.
fn range(cx: &mut Cx, exception: Value, len: usize) -> PyResult<(usize, usize)> {
    let start = attr::get_text(cx, exception, "start")?;
    let end = attr::get_text(cx, exception, "end")?;
    let (start, end) = (number::to_isize(cx, start)?, number::to_isize(cx, end)?);
    let start = (start.max(0) as usize).min(len.saturating_sub(1));
    let end = (end.max(0) as usize).min(len).max(start);
    Ok((start, end))
}

/// The encoding of an exception, as far as handlers know it.
fn static_encoding(cx: &mut Cx, exception: Value) -> PyResult<&'static str> {
    let v = attr::get_text(cx, exception, "encoding")?;
    let Some(name) = v.downcast::<Str>() else { return Ok("") };
    let name = name.to_string_lossy().to_ascii_lowercase().replace('_', "-");
    Ok(match &*name {
        "utf-8" | "utf8" | "cp65001" => "utf-8",
        "utf-16" | "utf16" | "utf-16-le" | "utf-16le" | "utf16-le" | "utf16le" => "utf-16-le",
        "utf-16-be" | "utf-16be" | "utf16-be" | "utf16be" => "utf-16-be",
        "utf-32" | "utf32" | "utf-32-le" | "utf-32le" | "utf32-le" | "utf32le" => "utf-32-le",
        "utf-32-be" | "utf-32be" | "utf32-be" | "utf32be" => "utf-32-be",
        _ => "",
    })
}
