//! `_codecs`: the codec registry and the native codecs as functions.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::protocol::codec::{self, Codec, Direction};
use taipan_runtime::protocol::codec_errors::{self, decode_error, encode_error};
use taipan_runtime::protocol::object;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise, with_units};
use taipan_text::codecs::{self as text, ByteOrder, DecodeFail, EncodeFail, EscapeError};

/// The functions of `_codecs`.
pub struct Codecs;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_codecs");
    module.add_functions(cx, Codecs::METHODS);
    module
}

fn is_callable(v: Value) -> bool {
    v.class().slots().call.is_some()
}

/// An `errors` argument: str or None.
fn errors_of(cx: &mut Cx, v: Option<Value>, function: &str) -> PyResult<Option<&'static Str>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s)),
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "{function}() argument 2 must be str or None, not {got}")
        }
    }
}

fn pair(cx: &mut Cx, a: Value, n: usize) -> Value {
    Value::of(Tuple::new(cx, &[a, Value::small(n as i64)]))
}

fn encode(cx: &mut Cx, codec: Codec, text: &'static Str, errors: Option<Value>, function: &str) -> PyResult<Value> {
    let errors = errors_of(cx, errors, function)?;
    let made = codec::encode(cx, codec, text, errors)?;
    Ok(pair(cx, Value::of(made), text.len()))
}

fn decode(
    cx: &mut Cx,
    codec: Codec,
    data: Value,
    errors: Option<Value>,
    is_final: bool,
    function: &str,
) -> PyResult<codec::Decoded> {
    let errors = errors_of(cx, errors, function)?;
    let input = bytes::copy_of(cx, data)?;
    codec::decode(cx, codec, input, errors, is_final)
}

fn decoded(cx: &mut Cx, result: PyResult<codec::Decoded>) -> PyResult<Value> {
    let d = result?;
    Ok(pair(cx, Value::of(d.text), d.consumed))
}

/// With the byte order that was found: -1 little, 1 big, 0 none.
fn decoded_ex(cx: &mut Cx, result: PyResult<codec::Decoded>) -> PyResult<Value> {
    let d = result?;
    let order = match d.order {
        ByteOrder::Native => 0,
        ByteOrder::Little => -1,
        ByteOrder::Big => 1,
    };
    let items = [Value::of(d.text), Value::small(d.consumed as i64), Value::small(order)];
    Ok(Value::of(Tuple::new(cx, &items)))
}

fn byte_order(order: Option<i32>) -> ByteOrder {
    match order.unwrap_or(0) {
        0 => ByteOrder::Native,
        n if n < 0 => ByteOrder::Little,
        _ => ByteOrder::Big,
    }
}

#[pymethods]
impl Codecs {
    /// Register a codec search function.
    ///
    /// Search functions are expected to take one argument, the encoding
    /// name in all lower case letters, and either return None, or a tuple
    /// of functions (encoder, decoder, stream_reader, stream_writer) (or
    /// a CodecInfo object).
    #[py("($module, search_function, /)")]
    fn register(cx: &mut Cx, search_function: Value) -> PyResult<()> {
        if !is_callable(search_function) {
            return raise!(cx, TypeError, "argument must be callable");
        }
        codec::register(cx, search_function)
    }
    /// Unregister a codec search function and clear the registry's cache.
    ///
    /// If the search function is not registered, do nothing.
    #[py("($module, search_function, /)")]
    fn unregister(cx: &mut Cx, search_function: Value) -> PyResult<()> {
        let registry = codec::registry(cx);
        let found = registry.search_path.items().iter().position(|f| *f == search_function);
        if let Some(i) = found {
            registry.cache.clear(cx);
            registry.search_path.splice(cx, i, i + 1, &[]);
        }
        Ok(())
    }
    /// Looks up a codec tuple in the Python codec registry and returns a CodecInfo object.
    #[py("($module, encoding, /)")]
    fn lookup(cx: &mut Cx, encoding: &'static Str) -> PyResult<&'static Tuple> {
        codec::lookup(cx, &encoding.to_string_lossy())
    }
    /// Encodes obj using the codec registered for encoding.
    ///
    /// The default encoding is 'utf-8'.  errors may be given to set a
    /// different error handling scheme.  Default is 'strict' meaning that
    /// encoding errors raise a ValueError.  Other possible values are 'ignore',
    /// 'replace' and 'backslashreplace' as well as any other name registered
    /// with codecs.register_error that can handle ValueErrors.
    #[py("($module, /, obj, encoding='utf-8', errors='strict')", name = "encode")]
    fn encode_object(
        cx: &mut Cx,
        obj: Value,
        encoding: Option<&'static Str>,
        errors: Option<&'static Str>,
    ) -> PyResult<Value> {
        let encoding = encoding.map_or("utf-8".to_string(), |e| e.to_string_lossy());
        codec::run_codec(cx, obj, &encoding, errors, Direction::Encode, false)
    }
    /// Decodes obj using the codec registered for encoding.
    ///
    /// Default encoding is 'utf-8'.  errors may be given to set a
    /// different error handling scheme.  Default is 'strict' meaning that
    /// encoding errors raise a ValueError.  Other possible values are 'ignore',
    /// 'replace' and 'backslashreplace' as well as any other name registered
    /// with codecs.register_error that can handle ValueErrors.
    #[py("($module, /, obj, encoding='utf-8', errors='strict')", name = "decode")]
    fn decode_object(
        cx: &mut Cx,
        obj: Value,
        encoding: Option<&'static Str>,
        errors: Option<&'static Str>,
    ) -> PyResult<Value> {
        let encoding = encoding.map_or("utf-8".to_string(), |e| e.to_string_lossy());
        codec::run_codec(cx, obj, &encoding, errors, Direction::Decode, false)
    }
    /// Register the specified error handler under the name errors.
    ///
    /// handler must be a callable object, that will be called with an exception
    /// instance containing information about the location of the
    /// encoding/decoding error and must return a (replacement, new position)
    /// tuple.
    #[py("($module, errors, handler, /)")]
    fn register_error(cx: &mut Cx, errors: &'static Str, handler: Value) -> PyResult<()> {
        if !is_callable(handler) {
            return raise!(cx, TypeError, "handler must be callable");
        }
        let registry = codec::registry(cx);
        let name = cx.intern_value(errors);
        registry.errors.set_str(cx, name, handler);
        Ok(())
    }
    /// Un-register the specified error handler for the error handling `errors'.
    ///
    /// Only custom error handlers can be un-registered. An exception is raised
    /// if the error handling is a built-in one (e.g., 'strict'), or if an error
    /// occurs.
    ///
    /// Otherwise, this returns True if a custom handler has been successfully
    /// un-registered, and False if no custom handler for the specified error
    /// handling exists.
    #[py("($module, errors, /)")]
    fn _unregister_error(cx: &mut Cx, errors: &'static Str) -> PyResult<bool> {
        let name = errors.to_string_lossy();
        if codec_errors::NATIVE.contains(&&*name) {
            return raise!(cx, ValueError, "cannot un-register built-in error handler '{name}'");
        }
        let registry = codec::registry(cx);
        let key = cx.intern_value(errors);
        Ok(registry.errors.remove_str(cx, key).is_some())
    }
    /// lookup_error(errors) -> handler
    ///
    /// Return the error handler for the specified error handling name or raise
    /// a LookupError, if no handler exists under this name.
    #[py("($module, name, /)")]
    fn lookup_error(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        codec_errors::lookup_error(cx, &name.to_string_lossy())
    }
    ///
    #[py("($module, data, errors=None, /)")]
    fn escape_encode(cx: &mut Cx, data: &'static Bytes, _errors: Option<Value>) -> PyResult<Value> {
        let mut out = Vec::new();
        text::encode_bytes_escape(data.data(), &mut out);
        let made = Value::of(Bytes::new(cx, &out));
        Ok(pair(cx, made, data.len()))
    }
    ///
    #[py("($module, data, errors=None, /)")]
    fn escape_decode(cx: &mut Cx, data: Value, errors: Option<Value>) -> PyResult<Value> {
        let errors = errors_of(cx, errors, "escape_decode")?;
        let input = codec::text_or_bytes(cx, data)?;
        let errors = errors.map_or("strict".to_string(), |e| e.to_string_lossy());
        let (mut out, mut invalid) = (Vec::new(), None);
        match text::decode_bytes_escape(input.data(), &errors, &mut out, &mut invalid) {
            Ok(()) => {}
            Err(EscapeError::InvalidHex(at)) => return raise!(cx, ValueError, "invalid \\x escape at position {at}"),
            Err(EscapeError::Trailing) => return raise!(cx, ValueError, "Trailing \\ in string"),
            Err(EscapeError::UnknownErrors) => {
                return raise!(cx, ValueError, "decoding error; unknown error handling code: {errors}");
            }
        }
        if let Some(at) = invalid {
            codec::warn_invalid_escape(cx, input.data(), at, "b")?;
        }
        let made = Value::of(Bytes::new(cx, &out));
        Ok(pair(cx, made, input.len()))
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_8_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf8, str, errors, "utf_8_encode")
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_8_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let result = decode(cx, Codec::Utf8, data, errors, r#final.unwrap_or(false), "utf_8_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_7_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf7, str, errors, "utf_7_encode")
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_7_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let result = decode(cx, Codec::Utf7, data, errors, r#final.unwrap_or(false), "utf_7_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, byteorder=0, /)")]
    fn utf_16_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>, byteorder: Option<i32>) -> PyResult<Value> {
        encode(cx, Codec::Utf16(byte_order(byteorder)), str, errors, "utf_16_encode")
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_16_le_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf16(ByteOrder::Little), str, errors, "utf_16_le_encode")
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_16_be_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf16(ByteOrder::Big), str, errors, "utf_16_be_encode")
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_16_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf16(ByteOrder::Native);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_16_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_16_le_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf16(ByteOrder::Little);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_16_le_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_16_be_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf16(ByteOrder::Big);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_16_be_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, byteorder=0, final=False, /)")]
    fn utf_16_ex_decode(
        cx: &mut Cx,
        data: Value,
        errors: Option<Value>,
        byteorder: Option<i32>,
        r#final: Option<bool>,
    ) -> PyResult<Value> {
        let codec = Codec::Utf16(byte_order(byteorder));
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_16_ex_decode");
        decoded_ex(cx, result)
    }
    ///
    #[py("($module, str, errors=None, byteorder=0, /)")]
    fn utf_32_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>, byteorder: Option<i32>) -> PyResult<Value> {
        encode(cx, Codec::Utf32(byte_order(byteorder)), str, errors, "utf_32_encode")
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_32_le_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf32(ByteOrder::Little), str, errors, "utf_32_le_encode")
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn utf_32_be_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Utf32(ByteOrder::Big), str, errors, "utf_32_be_encode")
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_32_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf32(ByteOrder::Native);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_32_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_32_le_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf32(ByteOrder::Little);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_32_le_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, final=False, /)")]
    fn utf_32_be_decode(cx: &mut Cx, data: Value, errors: Option<Value>, r#final: Option<bool>) -> PyResult<Value> {
        let codec = Codec::Utf32(ByteOrder::Big);
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_32_be_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, data, errors=None, byteorder=0, final=False, /)")]
    fn utf_32_ex_decode(
        cx: &mut Cx,
        data: Value,
        errors: Option<Value>,
        byteorder: Option<i32>,
        r#final: Option<bool>,
    ) -> PyResult<Value> {
        let codec = Codec::Utf32(byte_order(byteorder));
        let result = decode(cx, codec, data, errors, r#final.unwrap_or(false), "utf_32_ex_decode");
        decoded_ex(cx, result)
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn unicode_escape_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::UnicodeEscape, str, errors, "unicode_escape_encode")
    }
    ///
    #[py("($module, data, errors=None, final=True, /)")]
    fn unicode_escape_decode(
        cx: &mut Cx,
        data: Value,
        errors: Option<Value>,
        r#final: Option<bool>,
    ) -> PyResult<Value> {
        let data = Value::of(codec::text_or_bytes(cx, data)?);
        let is_final = r#final.unwrap_or(true);
        let result = decode(cx, Codec::UnicodeEscape, data, errors, is_final, "unicode_escape_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn raw_unicode_escape_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::RawUnicodeEscape, str, errors, "raw_unicode_escape_encode")
    }
    ///
    #[py("($module, data, errors=None, final=True, /)")]
    fn raw_unicode_escape_decode(
        cx: &mut Cx,
        data: Value,
        errors: Option<Value>,
        r#final: Option<bool>,
    ) -> PyResult<Value> {
        let data = Value::of(codec::text_or_bytes(cx, data)?);
        let is_final = r#final.unwrap_or(true);
        let result = decode(cx, Codec::RawUnicodeEscape, data, errors, is_final, "raw_unicode_escape_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn latin_1_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Latin1, str, errors, "latin_1_encode")
    }
    ///
    #[py("($module, data, errors=None, /)")]
    fn latin_1_decode(cx: &mut Cx, data: Value, errors: Option<Value>) -> PyResult<Value> {
        let result = decode(cx, Codec::Latin1, data, errors, true, "latin_1_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, /)")]
    fn ascii_encode(cx: &mut Cx, str: &'static Str, errors: Option<Value>) -> PyResult<Value> {
        encode(cx, Codec::Ascii, str, errors, "ascii_encode")
    }
    ///
    #[py("($module, data, errors=None, /)")]
    fn ascii_decode(cx: &mut Cx, data: Value, errors: Option<Value>) -> PyResult<Value> {
        let result = decode(cx, Codec::Ascii, data, errors, true, "ascii_decode");
        decoded(cx, result)
    }
    ///
    #[py("($module, str, errors=None, mapping=None, /)")]
    fn charmap_encode(
        cx: &mut Cx,
        str: &'static Str,
        errors: Option<Value>,
        mapping: Option<Value>,
    ) -> PyResult<Value> {
        match mapping.filter(|m| !m.is_none()) {
            None => encode(cx, Codec::Latin1, str, errors, "charmap_encode"),
            Some(mapping) => charmap_encode(cx, str, errors, mapping),
        }
    }
    ///
    #[py("($module, data, errors=None, mapping=None, /)")]
    fn charmap_decode(cx: &mut Cx, data: Value, errors: Option<Value>, mapping: Option<Value>) -> PyResult<Value> {
        match mapping.filter(|m| !m.is_none()) {
            None => {
                let result = decode(cx, Codec::Latin1, data, errors, true, "charmap_decode");
                decoded(cx, result)
            }
            Some(mapping) => charmap_decode(cx, data, errors, mapping),
        }
    }
    ///
    #[py("($module, map, /)")]
    fn charmap_build(cx: &mut Cx, map: &'static Str) -> PyResult<&'static Dict> {
        let table = Dict::new(cx);
        for (i, c) in map.chars().enumerate().take(256) {
            if c != UNDEFINED {
                table.set(cx, Value::small(c.into()), Value::small(i as i64))?;
            }
        }
        Ok(table)
    }
    ///
    #[py("($module, data, errors=None, /)")]
    fn readbuffer_encode(cx: &mut Cx, data: Value, _errors: Option<Value>) -> PyResult<Value> {
        let copy = codec::text_or_bytes(cx, data)?;
        Ok(pair(cx, Value::of(copy), copy.len()))
    }
}

/// The character that means "undefined" in a decoding table.
const UNDEFINED: u32 = 0xfffe;

/// What a mapping says of a key; None if it is undefined.
fn map_get(cx: &mut Cx, mapping: Value, key: u32) -> PyResult<Option<Value>> {
    let key = Value::small(key.into());
    let found = match mapping.exact::<Dict>() {
        Some(dict) => dict.get(cx, key)?,
        None => {
            let r = object::get_item(cx, mapping, key);
            cx.catch(r, &exceptions::LookupError)?
        }
    };
    Ok(found.filter(|v| !v.is_none()))
}

fn charmap_decode(cx: &mut Cx, data: Value, errors: Option<Value>, mapping: Value) -> PyResult<Value> {
    let errors = errors_of(cx, errors, "charmap_decode")?;
    let input = bytes::copy_of(cx, data)?;
    let mut table: Vec<Option<Vec<u32>>> = vec![None; 256];
    if let Some(text) = mapping.downcast::<Str>() {
        for (slot, c) in table.iter_mut().zip(text.chars()) {
            *slot = Some(vec![c]).filter(|_| c != UNDEFINED);
        }
    } else {
        let mut seen = [false; 256];
        for b in input.data() {
            if !std::mem::replace(&mut seen[usize::from(*b)], true) {
                table[usize::from(*b)] = decoded_byte(cx, mapping, *b)?;
            }
        }
    }
    let mut out = Vec::with_capacity(input.len());
    let mut map = |b: u8, out: &mut Vec<u32>| -> Result<bool, Raised> {
        if let Some(points) = &table[usize::from(b)] {
            out.extend_from_slice(points);
        }
        Ok(table[usize::from(b)].is_some())
    };
    let consumed = text::decode_charmap(input.data(), &mut out, &mut map, &mut |fail: &DecodeFail| {
        decode_error(cx, errors, fail, input)
    })?;
    let made = Value::of(Str::from_code_points(cx, &out));
    Ok(pair(cx, made, consumed))
}

fn decoded_byte(cx: &mut Cx, mapping: Value, b: u8) -> PyResult<Option<Vec<u32>>> {
    let Some(v) = map_get(cx, mapping, b.into())? else { return Ok(None) };
    if let Some(s) = v.downcast::<Str>() {
        let points = s.to_code_points();
        return Ok(Some(points).filter(|p| p != &[UNDEFINED]));
    }
    if !int::check(v) {
        return raise!(cx, TypeError, "character mapping must return integer, None or str");
    }
    match int::as_i64(v) {
        Some(c @ 0..0x11_0000) => Ok(Some(vec![c as u32]).filter(|_| c as u32 != UNDEFINED)),
        _ => raise!(cx, TypeError, "character mapping must be in range(0x110000)"),
    }
}

/// The bytes of a character; None if it is undefined.
fn encoded_char(cx: &mut Cx, mapping: Value, c: u32) -> PyResult<Option<Vec<u8>>> {
    let Some(v) = map_get(cx, mapping, c)? else { return Ok(None) };
    if let Some(b) = v.downcast::<Bytes>() {
        return Ok(Some(b.data().to_vec()));
    }
    if !int::check(v) {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "character mapping must return integer, bytes or None, not {got}");
    }
    match int::as_i64(v) {
        Some(b @ 0..256) => Ok(Some(vec![b as u8])),
        _ => raise!(cx, TypeError, "character mapping must be in range(256)"),
    }
}

fn charmap_encode(cx: &mut Cx, text: &'static Str, errors: Option<Value>, mapping: Value) -> PyResult<Value> {
    let errors = errors_of(cx, errors, "charmap_encode")?;
    let raised = std::cell::Cell::new(false);
    let context: *mut Cx = cx;
    // The map and the error handler both need the context; they run one after the other, never nested.
    let map = |c: u32, out: &mut Vec<u8>| -> bool {
        if raised.get() {
            return false;
        }
        // SAFETY: see above; `cx` itself is not used while the encoder runs.
        match encoded_char(unsafe { &mut *context }, mapping, c) {
            Ok(Some(b)) => {
                out.extend_from_slice(&b);
                true
            }
            Ok(None) => false,
            Err(Raised) => {
                raised.set(true);
                false
            }
        }
    };
    let mut on_error = |fail: &EncodeFail| {
        if raised.get() {
            return Err(Raised);
        }
        // SAFETY: as above.
        encode_error(unsafe { &mut *context }, errors, fail, text)
    };
    let mut out = Vec::with_capacity(text.len());
    let result = with_units!(text.units(), u => taipan_text::codecs::encode_charmap(u, &mut out, &map, &mut on_error));
    if raised.get() {
        return Err(Raised);
    }
    codec::finish_encoding(cx, text, result)?;
    let made = Value::of(Bytes::new(cx, &out));
    Ok(pair(cx, made, text.len()))
}

/// A text argument of a module that takes ASCII strs or bytes-like objects.
pub fn ascii_buffer(cx: &mut Cx, v: Value) -> PyResult<AsciiBuffer> {
    if let Some(s) = v.downcast::<Str>() {
        return match s.as_ascii() {
            Some(text) => Ok(AsciiBuffer::Text(text.as_bytes())),
            None => raise!(cx, ValueError, "string argument should contain only ASCII characters"),
        };
    }
    if !buffer::check(v) {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "argument should be bytes, buffer or ASCII string, not '{got}'");
    }
    buffer::hold(cx, v, 0).map(AsciiBuffer::Held)
}

/// See [`ascii_buffer`].
pub enum AsciiBuffer {
    /// The characters of a str.
    Text(&'static [u8]),
    /// The memory of an exporter.
    Held(Held),
}

impl std::ops::Deref for AsciiBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            AsciiBuffer::Text(text) => text,
            AsciiBuffer::Held(held) => held.bytes(),
        }
    }
}
