//! Encoding and decoding: the native codecs, and the registry of the others.
//!
//! `str.encode` and `bytes.decode` know the UTF encodings, ASCII and Latin-1 by name; every other name is looked up in
//! the registry, whose search functions (the package `encodings` registers one) are Python objects.

use std::cell::Cell;

use taipan_text::codecs::{self, ByteOrder, DecodeFail, EncodeError, EncodeFail};
use taipan_text::transcode;

use crate::cx::{Cx, Raised};
use crate::dict::Dict;
use crate::protocol::buffer;
use crate::protocol::codec_errors::{DecodeAnswer, decode_error_anew, encode_error, raise_encode_error};
use crate::protocol::{attr, object, warn};
use crate::types::bytes::{self, Bytes};
use crate::types::exception;
use crate::types::list::List;
use crate::types::str::{Str, Units};
use crate::types::str_build::StrBuf;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, with_units};

/// A codec written in Rust.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// Latin-1.
    Latin1,
    /// UTF-16 of a byte order.
    Utf16(ByteOrder),
    /// UTF-32 of a byte order.
    Utf32(ByteOrder),
    /// UTF-7.
    Utf7,
    /// The escapes of str literals.
    UnicodeEscape,
    /// The escapes of raw str literals of old.
    RawUnicodeEscape,
}

impl Codec {
    /// The codec that `str.encode` and `bytes.decode` use for a name without asking the registry.
    pub fn of_name(name: &str) -> Option<Codec> {
        if name.len() > 12 {
            return None;
        }
        let name = name.to_ascii_lowercase().replace('_', "-");
        Some(match &*name {
            "utf-8" | "utf8" => Codec::Utf8,
            "ascii" | "us-ascii" => Codec::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Codec::Latin1,
            "utf-16" | "utf16" => Codec::Utf16(ByteOrder::Native),
            "utf-32" | "utf32" => Codec::Utf32(ByteOrder::Native),
            _ => return None,
        })
    }
}

/// The registry's objects, made when first needed.
pub struct Registry {
    /// Functions from a normalised name to a CodecInfo or None.
    pub search_path: &'static List,
    /// Found CodecInfos by normalised name.
    pub cache: &'static Dict,
    /// Registered error handlers by name.
    pub errors: &'static Dict,
    /// The package `encodings` was asked for: its search function comes first.
    imported: Cell<bool>,
}

/// The registry. May collect (first time).
pub fn registry(cx: &mut Cx) -> &'static Registry {
    if let Some(registry) = cx.rt().codecs.get() {
        return registry;
    }
    let search_path = List::new(cx);
    cx.add_interpreter_root(Value::of(search_path));
    let cache = Dict::new(cx);
    cx.add_interpreter_root(Value::of(cache));
    let errors = Dict::new(cx);
    cx.add_interpreter_root(Value::of(errors));
    let registry: &'static Registry =
        Box::leak(Box::new(Registry { search_path, cache, errors, imported: Cell::new(false) }));
    cx.rt().codecs.set(Some(registry));
    registry
}

/// An encoding's name as search functions get it: lower case, runs of other characters than ASCII letters, digits and
/// dots as one underscore.
pub fn normalize_name(name: &str) -> String {
    let (mut out, mut gap) = (String::with_capacity(name.len()), false);
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

/// The CodecInfo of an encoding. LookupError.
pub fn lookup(cx: &mut Cx, encoding: &str) -> PyResult<&'static Tuple> {
    let registry = registry(cx);
    if encoding.contains('\0') {
        return raise!(cx, ValueError, "embedded null character");
    }
    let key = cx.intern(&normalize_name(encoding));
    if let Some(found) = registry.cache.get_str(key) {
        return Ok(found.downcast::<Tuple>().expect("the cache holds tuples"));
    }
    import_encodings(cx)?;
    let mut i = 0;
    while let Some(search) = registry.search_path.get(i) {
        let found = cx.call(search, &[Value::of(key)])?;
        if !found.is_none() {
            let Some(info) = found.downcast::<Tuple>().filter(|t| t.len() == 4) else {
                return raise!(cx, TypeError, "codec search functions must return 4-tuples");
            };
            registry.cache.set_str(cx, key, found);
            return Ok(info);
        }
        i += 1;
    }
    raise!(cx, LookupError, "unknown encoding: {encoding}")
}

/// Adds a search function. May run Python code: the package `encodings` registers its own first.
pub fn register(cx: &mut Cx, search: Value) -> PyResult<()> {
    import_encodings(cx)?;
    let registry = registry(cx);
    registry.search_path.push(cx, search);
    Ok(())
}

/// Imports the package `encodings`, once.
fn import_encodings(cx: &mut Cx) -> PyResult<()> {
    if registry(cx).imported.replace(true) {
        return Ok(());
    }
    let import = cx.rt().hooks.get().import;
    let name = cx.str("encodings");
    import(cx, name, Value::none(), Value::none(), Value::none(), 0)?;
    Ok(())
}

/// What a codec of the registry does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From str.
    Encode,
    /// To str.
    Decode,
}

/// Runs an encoder or decoder of the registry; `text_only` refuses codecs that are not text encodings.
pub fn run_codec(
    cx: &mut Cx,
    v: Value,
    encoding: &str,
    errors: Option<&'static Str>,
    direction: Direction,
    text_only: bool,
) -> PyResult<Value> {
    let info = lookup(cx, encoding)?;
    let verb = if direction == Direction::Encode { "encode" } else { "decode" };
    if text_only && !is_text_encoding(cx, info)? {
        return raise!(
            cx,
            LookupError,
            "'{encoding}' is not a text encoding; use codecs.{verb}() to handle arbitrary codecs"
        );
    }
    let (index, role, doing) =
        if direction == Direction::Encode { (0, "encoder", "encoding") } else { (1, "decoder", "decoding") };
    let f = info.items()[index];
    let result = match errors {
        Some(errors) => cx.call(f, &[v, Value::of(errors)]),
        None => cx.call(f, &[v]),
    };
    let result = match result {
        Ok(r) => r,
        Err(raised) => {
            exception::add_note(cx, &format!("{doing} with '{encoding}' codec failed"));
            return Err(raised);
        }
    };
    match result.downcast::<Tuple>().map(|t| t.items()) {
        Some([converted, _]) => Ok(*converted),
        _ => raise!(cx, TypeError, "{role} must return a tuple (object, integer)"),
    }
}

fn is_text_encoding(cx: &mut Cx, info: &'static Tuple) -> PyResult<bool> {
    let v = Value::of(info);
    if v.exact::<Tuple>().is_some() {
        return Ok(true);
    }
    let name = cx.intern("_is_text_encoding");
    match attr::get_optional(cx, v, name)? {
        Some(flag) => object::truth(cx, flag),
        None => Ok(true),
    }
}

/// In development mode: LookupError if there is no such codec or error handler.
fn check_names(cx: &mut Cx, encoding: Option<&'static Str>, errors: Option<&'static Str>) -> PyResult<()> {
    if !cx.rt().dev_mode.get() {
        return Ok(());
    }
    let name = encoding.map(|e| e.to_string_lossy()).filter(|e| Codec::of_name(e).is_none());
    if let Some(name) = name {
        lookup(cx, &name)?;
    }
    if let Some(errors) = errors {
        super::codec_errors::lookup_error(cx, &errors.to_string_lossy())?;
    }
    Ok(())
}

/// `text.encode(encoding, errors)`.
pub fn encode_method(
    cx: &mut Cx,
    text: &'static Str,
    encoding: Option<&'static Str>,
    errors: Option<&'static Str>,
) -> PyResult<Value> {
    check_names(cx, encoding, errors)?;
    let name = match encoding {
        None => return encode(cx, Codec::Utf8, text, errors).map(Value::of),
        Some(name) => name.to_string_lossy(),
    };
    if let Some(codec) = Codec::of_name(&name) {
        return encode(cx, codec, text, errors).map(Value::of);
    }
    let r = run_codec(cx, Value::of(text), &name, errors, Direction::Encode, true)?;
    if r.downcast::<Bytes>().is_some() {
        return Ok(r);
    }
    let got = r.class().tp_name();
    raise!(
        cx,
        TypeError,
        "'{name}' encoder returned '{got}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types"
    )
}

/// `v.decode(encoding, errors)` of a bytes-like object.
pub fn decode_method(
    cx: &mut Cx,
    v: Value,
    encoding: Option<&'static Str>,
    errors: Option<&'static Str>,
) -> PyResult<&'static Str> {
    check_names(cx, encoding, errors)?;
    let name = encoding.map(|e| e.to_string_lossy());
    let codec = name.as_deref().map_or(Some(Codec::Utf8), Codec::of_name);
    let input = bytes::copy_of(cx, v)?;
    if let Some(codec) = codec {
        return Ok(decode(cx, codec, input, errors, true)?.text);
    }
    if input.is_empty() {
        return Ok(cx.names().empty);
    }
    let name = name.expect("no name means UTF-8");
    // Codecs get a view of the object as CPython makes it.
    let r = run_codec(cx, Value::of(input), &name, errors, Direction::Decode, true)?;
    if let Some(s) = r.downcast::<Str>() {
        return Ok(s);
    }
    let got = r.class().tp_name();
    raise!(
        cx,
        TypeError,
        "'{name}' decoder returned '{got}' instead of 'str'; use codecs.decode() to decode to arbitrary types"
    )
}

// ---- native codecs ---------------------------------------------------------------------------------

/// `text` in a native encoding.
pub fn encode(cx: &mut Cx, codec: Codec, text: &'static Str, errors: Option<&'static Str>) -> PyResult<&'static Bytes> {
    match (codec, text.units()) {
        (Codec::Utf8 | Codec::Ascii | Codec::Latin1, Units::One(u)) if text.is_ascii() => Ok(Bytes::new(cx, u)),
        (Codec::Latin1, Units::One(u)) => Ok(Bytes::new(cx, u)),
        (Codec::Utf8, units) => {
            with_units!(units, u => if let Some(n) = transcode::encoded_len(u) {
                let made = Bytes::build::<()>(cx, n, |out| {
                    transcode::encode(u, out);
                    Ok(())
                })?;
                return Ok(made.expect("cannot fail"));
            });
            encode_units(cx, codec, text, units, errors)
        }
        (_, units) => encode_units(cx, codec, text, units, errors),
    }
}

fn encode_units(
    cx: &mut Cx,
    codec: Codec,
    text: &'static Str,
    units: Units<'static>,
    errors: Option<&'static Str>,
) -> PyResult<&'static Bytes> {
    crate::buffer::check_size(cx, units.len().saturating_mul(4))?;
    let mut out = Vec::new();
    let result = {
        let mut on_error = |fail: &EncodeFail| encode_error(cx, errors, fail, text);
        with_units!(units, u => match codec {
            Codec::Utf8 => codecs::encode_utf8(u, &mut out, &mut on_error),
            Codec::Ascii => codecs::encode_ascii(u, &mut out, &mut on_error),
            Codec::Latin1 => codecs::encode_latin1(u, &mut out, &mut on_error),
            Codec::Utf16(order) => codecs::encode_utf16(u, order, &mut out, &mut on_error),
            Codec::Utf32(order) => codecs::encode_utf32(u, order, &mut out, &mut on_error),
            Codec::Utf7 => {
                codecs::encode_utf7(u, &mut out);
                Ok(())
            }
            Codec::UnicodeEscape => {
                codecs::encode_unicode_escape(u, &mut out);
                Ok(())
            }
            Codec::RawUnicodeEscape => {
                codecs::encode_raw_unicode_escape(u, &mut out);
                Ok(())
            }
        })
    };
    finish_encoding(cx, text, result)?;
    Ok(Bytes::new(cx, &out))
}

/// Raises what an encoder failed with.
pub fn finish_encoding(cx: &mut Cx, text: &'static Str, result: Result<(), EncodeError<Raised>>) -> PyResult<()> {
    match result {
        Ok(()) => Ok(()),
        Err(EncodeError::Handler(raised)) => Err(raised),
        Err(EncodeError::Strict(fail)) => Err(raise_encode_error(cx, &fail, text)),
    }
}

/// What a native decoder made.
pub struct Decoded {
    /// The text.
    pub text: &'static Str,
    /// Bytes consumed; fewer than all only if the input is not final.
    pub consumed: usize,
    /// The byte order that was found, for UTF-16 and UTF-32.
    pub order: ByteOrder,
}

/// Decodes bytes in a native encoding.
pub fn decode(
    cx: &mut Cx,
    codec: Codec,
    input: &'static Bytes,
    errors: Option<&'static Str>,
    is_final: bool,
) -> PyResult<Decoded> {
    let data = input.data();
    let whole = |text| Ok(Decoded { text, consumed: data.len(), order: ByteOrder::Native });
    if data.is_empty() {
        let order = if let Codec::Utf16(o) | Codec::Utf32(o) = codec { o } else { ByteOrder::Native };
        return Ok(Decoded { text: cx.names().empty, consumed: 0, order });
    }
    match codec {
        Codec::Latin1 => return whole(short(cx, data).unwrap_or_else(|cx| Str::from_latin1(cx, data))),
        Codec::Utf8 | Codec::Ascii if data.is_ascii() => {
            return whole(short(cx, data).unwrap_or_else(|cx| Str::from_ascii(cx, data)));
        }
        Codec::Utf8 => {
            if let Ok(text) = simdutf8::basic::from_utf8(data) {
                return whole(Str::new(cx, text));
            }
        }
        _ => {}
    }
    decode_slowly(cx, codec, input, errors, is_final)
}

/// The cached str of one Latin-1 byte.
fn short<'c>(cx: &'c mut Cx, data: &[u8]) -> Result<&'static Str, &'c mut Cx> {
    match data {
        [b] => Ok(cx.char(u32::from(*b))),
        _ => Err(cx),
    }
}

fn decode_slowly(
    cx: &mut Cx,
    codec: Codec,
    input: &'static Bytes,
    errors: Option<&'static Str>,
    is_final: bool,
) -> PyResult<Decoded> {
    let (mut input, mut out, mut invalid) = (input, Vec::new(), None);
    let mut order = if let Codec::Utf16(o) | Codec::Utf32(o) = codec { o } else { ByteOrder::Native };
    // A handler may give other bytes to go on with: those before `base` are done.
    let mut base = 0;
    let (data, consumed) = loop {
        let data = &input.data()[base..];
        let mut other = None;
        match decode_part(cx, codec, (input, base), errors, is_final, &mut out, &mut order, &mut invalid, &mut other) {
            Ok(consumed) => break (data, base + consumed),
            Err(raised) => match other {
                None => return Err(raised),
                Some(answer) => {
                    out.extend_from_slice(&answer.text);
                    base = answer.position;
                    input = answer.input.unwrap_or(input);
                }
            },
        }
    };
    if let Some(at) = invalid {
        warn_invalid_escape(cx, data, at, "")?;
    }
    let text = match &out[..] {
        [] => cx.names().empty,
        [c] => cx.char(*c),
        points => Str::from_code_points(cx, points),
    };
    Ok(Decoded { text, consumed, order })
}

/// Decodes the bytes of `input` from a position on. If a handler gave other bytes, that is told in `other`; then the error that
/// is returned is none.
fn decode_part(
    cx: &mut Cx,
    codec: Codec,
    (input, base): (&'static Bytes, usize),
    errors: Option<&'static Str>,
    is_final: bool,
    out: &mut Vec<u32>,
    order: &mut ByteOrder,
    invalid: &mut Option<usize>,
    other: &mut Option<DecodeAnswer>,
) -> PyResult<usize> {
    let data = &input.data()[base..];
    let mut on_error = |fail: &DecodeFail| {
        let whole = DecodeFail { input: input.data(), start: fail.start + base, end: fail.end + base, ..*fail };
        let answer = decode_error_anew(cx, errors, &whole, input)?;
        // What lies before this part cannot be gone back to.
        if answer.input.is_some() || answer.position < base {
            *other = Some(answer);
            return Err(Raised);
        }
        Ok((answer.text, answer.position - base))
    };
    match codec {
        Codec::Utf8 => codecs::decode_utf8(data, is_final, out, &mut on_error),
        Codec::Ascii => codecs::decode_ascii(data, out, &mut on_error),
        Codec::Latin1 => unreachable!("Latin-1 cannot fail"),
        Codec::Utf16(_) => codecs::decode_utf16(data, order, is_final, out, &mut on_error),
        Codec::Utf32(_) => codecs::decode_utf32(data, order, is_final, out, &mut on_error),
        Codec::Utf7 => codecs::decode_utf7(data, is_final, out, &mut on_error),
        Codec::UnicodeEscape => codecs::decode_unicode_escape(data, is_final, out, invalid, &mut on_error),
        Codec::RawUnicodeEscape => codecs::decode_raw_unicode_escape(data, is_final, out, &mut on_error),
    }
}

/// DeprecationWarning about the escape whose character after the backslash is at `at`.
pub fn warn_invalid_escape(cx: &mut Cx, data: &[u8], at: usize, prefix: &str) -> PyResult<()> {
    let octal = data[at..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let text = if octal > 0 {
        let digits = String::from_utf8_lossy(&data[at..at + octal]);
        format!(
            "{prefix}\"\\{digits}\" is an invalid octal escape sequence. Such sequences will not work in the future. "
        )
    } else {
        let c = char::from(data[at]);
        format!("{prefix}\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. ")
    };
    warn::deprecation(cx, &text)
}

/// Text of a str or of a bytes-like object as bytes: what `escape_decode` and others accept.
pub fn text_or_bytes(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    match v.downcast::<Str>() {
        Some(s) => encode(cx, Codec::Utf8, s, None),
        None if bytes::data_of(v).is_some() || buffer::check(v) => bytes::copy_of(cx, v),
        None => raise!(cx, TypeError, "a bytes-like object is required, not '{}'", v.class().tp_name()),
    }
}

/// A file system name as bytes: UTF-8 with surrogateescape. May collect.
pub fn fs_encode(cx: &mut Cx, text: &'static Str) -> PyResult<Vec<u8>> {
    if let Some(ascii) = text.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    let errors = cx.intern("surrogateescape");
    Ok(encode(cx, Codec::Utf8, text, Some(errors))?.data().to_vec())
}

/// A str of a file system name. May collect.
pub fn fs_decode(cx: &mut Cx, name: &[u8]) -> &'static Str {
    if let Ok(text) = std::str::from_utf8(name) {
        return Str::new(cx, text);
    }
    let mut out = StrBuf::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        out.push_text(chunk.valid());
        chunk.invalid().iter().for_each(|b| out.push(0xdc00 + u32::from(*b)));
    }
    out.finish(cx)
}
