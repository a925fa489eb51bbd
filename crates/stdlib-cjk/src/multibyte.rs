//! `MultibyteCodec`, and whole texts through a codec.

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::protocol::codec_errors::{decode_error, encode_error, raise_decode_error, raise_encode_error};
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, object, raise};
use taipan_text::codecs::{DecodeFail, EncodeFail, Replacement};

use crate::codec::{Codec, Decoded, Encoded, State};

/// A codec object. The codec lives for ever.
#[repr(C)]
pub struct MultibyteCodec {
    header: Header,
    /// The codec.
    pub codec: &'static Codec,
    name: &'static str,
}
object!(MultibyteCodec, MULTIBYTE_CODEC);

/// Its type.
pub static MULTIBYTE_CODEC: Type = Type::new(&MULTIBYTE_CODEC_SPEC);
static MULTIBYTE_CODEC_SPEC: TypeSpec = TypeSpec {
    name: "_multibytecodec.MultibyteCodec",
    basicsize: std::mem::size_of::<MultibyteCodec>(),
    flags: flags::DISALLOW_INSTANTIATION,
    slots: Slots::NONE,
    methods: &[MultibyteCodec::METHODS],
    ..TypeSpec::DEFAULT
};

const ILLEGAL: &str = "illegal multibyte sequence";
const INCOMPLETE: &str = "incomplete multibyte sequence";

impl MultibyteCodec {
    /// A new object. May collect.
    pub fn make(cx: &mut Cx, name: &'static str, codec: &'static Codec) -> &'static MultibyteCodec {
        cx.ready_type(&MULTIBYTE_CODEC);
        cx.alloc(MultibyteCodec { header: Header::fresh(&MULTIBYTE_CODEC), codec, name })
    }

    /// Encodes characters; how many were used. Without `is_final` the last may be left for the next piece.
    pub fn encode_text(
        &self,
        cx: &mut Cx,
        state: &mut State,
        text: &'static Str,
        errors: Option<&'static Str>,
        is_final: bool,
        out: &mut Vec<u8>,
    ) -> PyResult<usize> {
        let chars = text.to_code_points();
        let mut at = 0;
        while at < chars.len() {
            match self.codec.encode(state, &chars[at..], is_final, out) {
                Encoded::Done(n) => at += n,
                Encoded::Short => break,
                Encoded::Illegal(n) => {
                    let fail = EncodeFail { encoding: self.name, start: at, end: at + n, reason: ILLEGAL };
                    let answer = encode_error(cx, errors, &fail, text);
                    let (replacement, next) = reword(cx, answer)?;
                    match replacement {
                        Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
                        Replacement::Text(points) => self.encode_replacement(cx, state, &points, out)?,
                    }
                    at = next;
                }
            }
        }
        if is_final {
            self.codec.finish(state, out);
        }
        Ok(at)
    }

    fn encode_replacement(&self, cx: &mut Cx, state: &mut State, points: &[u32], out: &mut Vec<u8>) -> PyResult<()> {
        let mut at = 0;
        while at < points.len() {
            match self.codec.encode(state, &points[at..], true, out) {
                Encoded::Done(n) => at += n,
                Encoded::Short | Encoded::Illegal(_) => {
                    let text = Str::from_code_points(cx, points);
                    let fail = EncodeFail { encoding: self.name, start: at, end: at + 1, reason: ILLEGAL };
                    return Err(raise_encode_error(cx, &fail, text));
                }
            }
        }
        Ok(())
    }

    /// Decodes bytes; how many were used. Without `is_final` an incomplete sequence is left for the next piece.
    pub fn decode_bytes(
        &self,
        cx: &mut Cx,
        state: &mut State,
        input: &'static Bytes,
        errors: Option<&'static Str>,
        is_final: bool,
        out: &mut Vec<u32>,
    ) -> PyResult<usize> {
        let data = input.data();
        let mut at = 0;
        while at < data.len() {
            let (end, reason) = match self.codec.decode(state, &data[at..]) {
                Decoded::Chars(n, chars) => {
                    if let Some((c, second)) = chars {
                        out.push(c);
                        out.extend(second);
                    }
                    at += n;
                    continue;
                }
                Decoded::Short if !is_final => break,
                Decoded::Short => (data.len(), INCOMPLETE),
                Decoded::Illegal(n) => ((at + n).min(data.len()), ILLEGAL),
            };
            let fail = DecodeFail { encoding: self.name, input: data, start: at, end, reason };
            let answer = decode_error(cx, errors, &fail, input);
            let (replacement, next) = reword(cx, answer)?;
            out.extend(replacement);
            at = next;
        }
        Ok(at)
    }
}

impl MultibyteCodec {
    /// Raises the error of a decoder that is left with too many bytes.
    pub fn raise_overflow(&self, cx: &mut Cx, input: &'static Bytes) -> Raised {
        let (data, end, reason) = (input.data(), input.len(), "pending buffer overflow");
        raise_decode_error(cx, &DecodeFail { encoding: self.name, input: data, start: 0, end, reason }, input)
    }
}

/// A position that fits no word is out of bounds.
fn reword<T>(cx: &mut Cx, answer: PyResult<T>) -> PyResult<T> {
    if answer.is_err() && cx.exception_matches(&exceptions::OverflowError) {
        cx.take_exception();
        return raise!(cx, IndexError, "cannot fit 'int' into an index-sized integer");
    }
    answer
}

/// An argument `errors`: a str or None.
pub fn errors_arg(cx: &mut Cx, v: Option<Value>, function: &str) -> PyResult<Option<&'static Str>> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(Some(s)),
            None => {
                let got = v.class().tp_name();
                raise!(cx, TypeError, "{function}() argument 'errors' must be str or None, not {got}")
            }
        },
    }
}

#[pymethods]
impl MultibyteCodec {
    /// Return an encoded string version of `input'.
    ///
    /// 'errors' may be given to set a different error handling scheme. Default is
    /// 'strict' meaning that encoding errors raise a UnicodeEncodeError. Other possible
    /// values are 'ignore', 'replace' and 'xmlcharrefreplace' as well as any other name
    /// registered with codecs.register_error that can handle UnicodeEncodeErrors.
    #[py("($self, /, input, errors=None)")]
    fn encode(cx: &mut Cx, this: &'static MultibyteCodec, input: Value, errors: Option<Value>) -> PyResult<Value> {
        let errors = errors_arg(cx, errors, "encode")?;
        let text = match input.downcast::<Str>() {
            Some(text) => text,
            None => protocol::str(cx, input)?,
        };
        let mut out = Vec::with_capacity(text.len() * 2);
        let mut state = this.codec.start();
        this.encode_text(cx, &mut state, text, errors, true, &mut out)?;
        let bytes = Value::of(Bytes::new(cx, &out));
        let used = cx.int(text.len() as i64);
        Ok(Value::of(Tuple::new(cx, &[bytes, used])))
    }

    /// Decodes 'input'.
    ///
    /// 'errors' may be given to set a different error handling scheme. Default is
    /// 'strict' meaning that encoding errors raise a UnicodeDecodeError. Other possible
    /// values are 'ignore' and 'replace' as well as any other name registered with
    /// codecs.register_error that is able to handle UnicodeDecodeErrors."
    #[py("($self, /, input, errors=None)")]
    fn decode(cx: &mut Cx, this: &'static MultibyteCodec, input: Value, errors: Option<Value>) -> PyResult<Value> {
        let errors = errors_arg(cx, errors, "decode")?;
        let input = own_bytes(cx, input)?;
        let mut out = Vec::with_capacity(input.len());
        let mut state = this.codec.decoding_start();
        this.decode_bytes(cx, &mut state, input, errors, true, &mut out)?;
        let text = Value::of(Str::from_code_points(cx, &out));
        let used = cx.int(input.len() as i64);
        Ok(Value::of(Tuple::new(cx, &[text, used])))
    }
}

/// The bytes of a bytes-like object. May collect.
pub fn own_bytes(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    if let Some(bytes) = v.exact::<Bytes>() {
        return Ok(bytes);
    }
    let held = buffer::hold(cx, v, 0)?;
    let data = held.bytes().to_vec();
    Ok(Bytes::new(cx, &data))
}
