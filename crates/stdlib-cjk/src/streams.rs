//! Codecs that work by pieces: incremental ones and those over streams.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, iter, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};

use crate::codec::State;
use crate::multibyte::{MultibyteCodec, own_bytes};

/// What all four types hold.
#[repr(C)]
pub struct Piecewise {
    header: Header,
    codec: &'static MultibyteCodec,
    errors: Cell<Value>,
    state: Cell<State>,
    decodes: bool,
    /// Input that is left for the next piece: a str of an encoder, bytes of a decoder.
    pending: Cell<Option<Value>>,
    /// The stream of those over one.
    stream: Cell<Option<Value>>,
}
trace_values!(trace_piecewise, Piecewise, |t| [
    Some(Value::of(t.codec)),
    Some(t.errors.get()),
    t.pending.get(),
    t.stream.get()
]);

macro_rules! piecewise_type {
    ($layout:ident, $class:ident, $spec:ident, $name:literal, $params:ident, $new:expr, $methods:expr, $getsets:expr) => {
        /// A layout of its own for each type, so that methods are checked.
        #[repr(transparent)]
        pub struct $layout(Piecewise);
        object!($layout, $class);
        /// The type.
        pub static $class: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: concat!("_multibytecodec.", $name),
            basicsize: std::mem::size_of::<Piecewise>(),
            flags: flags::BASETYPE | flags::HAVE_GC,
            trace: Some(trace_piecewise),
            slots: Slots { new: Some($new), init: Some(|_, _, _| Ok(())), ..Slots::NONE },
            methods: $methods,
            getsets: $getsets,
            ..TypeSpec::DEFAULT
        };
    };
}

piecewise_type!(
    IncrementalEncoder,
    INCREMENTAL_ENCODER,
    ENCODER_SPEC,
    "MultibyteIncrementalEncoder",
    ERRORS,
    |cx, class, args| new_incremental(cx, class, args),
    &[IncrementalEncoder::METHODS],
    &[Shared::GETSETS]
);
piecewise_type!(
    IncrementalDecoder,
    INCREMENTAL_DECODER,
    DECODER_SPEC,
    "MultibyteIncrementalDecoder",
    ERRORS,
    |cx, class, args| new_incremental(cx, class, args),
    &[IncrementalDecoder::METHODS],
    &[Shared::GETSETS]
);
piecewise_type!(
    StreamReader,
    STREAM_READER,
    READER_SPEC,
    "MultibyteStreamReader",
    STREAM,
    |cx, class, args| new_stream(cx, class, args),
    &[StreamReader::METHODS],
    &[Shared::GETSETS, Stream::GETSETS]
);
piecewise_type!(
    StreamWriter,
    STREAM_WRITER,
    WRITER_SPEC,
    "MultibyteStreamWriter",
    STREAM,
    |cx, class, args| new_stream(cx, class, args),
    &[StreamWriter::METHODS],
    &[Shared::GETSETS, Stream::GETSETS]
);

/// Bytes that a decoder keeps at most.
const MAX_PENDING: usize = 8;

const fn params(name: &'static str, names: &'static [&'static str], required: usize) -> ParamSpec {
    ParamSpec {
        name,
        names,
        positional_only: 0,
        positional: names.len(),
        required,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    }
}
static ERRORS: ParamSpec = params("IncrementalEncoder", &["errors"], 0);
static STREAM: ParamSpec = params("StreamReader", &["stream", "errors"], 1);

fn new_incremental(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 1];
    bind(cx, &ERRORS, args, &mut bound)?;
    make(cx, class, None, bound[0])
}

fn new_stream(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, &STREAM, args, &mut bound)?;
    make(cx, class, bound[0], bound[1])
}

fn make(cx: &mut Cx, class: &'static Type, stream: Option<Value>, errors: Option<Value>) -> PyResult<Value> {
    let codec = attr::get_text(cx, Value::of(class), "codec")?;
    let Some(codec) = codec.downcast::<MultibyteCodec>() else {
        return raise!(cx, TypeError, "codec is unexpected type");
    };
    let errors = match errors {
        Some(v) if v.downcast::<Str>().is_none() => {
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "errors must be a string, not {got}");
        }
        Some(v) => v,
        None => cx.str("strict"),
    };
    let decodes = class.is_subtype(&INCREMENTAL_DECODER) || class.is_subtype(&STREAM_READER);
    let object = Piecewise {
        header: Header::fresh(class),
        codec,
        errors: Cell::new(errors),
        state: Cell::new(if decodes { codec.codec.decoding_start() } else { codec.codec.start() }),
        decodes,
        pending: Cell::new(None),
        stream: Cell::new(stream),
    };
    let object = cx.alloc_of(class, IncrementalEncoder(object));
    Ok(Value::of(object))
}

/// The shared part of any of the four types.
fn of(v: Value) -> &'static Piecewise {
    // SAFETY: the attributes and methods belong to these types, which have one layout.
    unsafe { &*(v.cast::<IncrementalEncoder>() as *const IncrementalEncoder).cast::<Piecewise>() }
}

impl Piecewise {
    fn errors(&self) -> Option<&'static Str> {
        self.errors.get().downcast::<Str>()
    }

    fn set_pending(&'static self, cx: &mut Cx, v: Option<Value>) {
        self.pending.set(v);
        // SAFETY: the object starts with this layout.
        cx.barrier(unsafe { &*(self as *const Piecewise).cast::<IncrementalEncoder>() });
    }

    /// Encodes a piece, and with `is_final` what was left before.
    fn encode(&'static self, cx: &mut Cx, text: &'static Str, is_final: bool) -> PyResult<&'static Bytes> {
        let whole = match self.pending.get().and_then(|p| p.downcast::<Str>()) {
            Some(pending) => pending.concat(cx, text),
            None => text,
        };
        let (mut out, mut state) = (Vec::new(), self.state.get());
        let result = self.codec.encode_text(cx, &mut state, whole, self.errors(), is_final, &mut out);
        // After an error what was pending stays so.
        let used = result?;
        self.state.set(state);
        let rest = if used < whole.len() { Some(Value::of(whole.slice(cx, used, whole.len()))) } else { None };
        self.set_pending(cx, rest);
        Ok(Bytes::new(cx, &out))
    }

    /// Decodes a piece.
    fn decode(&'static self, cx: &mut Cx, data: &'static Bytes, is_final: bool) -> PyResult<&'static Str> {
        let whole = match self.pending.get().and_then(bytes::data_of) {
            Some(pending) => {
                let joined = [pending, data.data()].concat();
                Bytes::new(cx, &joined)
            }
            None => data,
        };
        let (mut out, mut state) = (Vec::new(), self.state.get());
        let used = self.codec.decode_bytes(cx, &mut state, whole, self.errors(), is_final, &mut out)?;
        self.state.set(state);
        if whole.len() - used > MAX_PENDING {
            return Err(self.codec.raise_overflow(cx, whole));
        }
        let rest = if used < whole.len() { Some(Value::of(Bytes::new(cx, &whole.data()[used..]))) } else { None };
        self.set_pending(cx, rest);
        Ok(Str::from_code_points(cx, &out))
    }

    /// Ends encoding: what is pending, and the way back to the first state.
    fn finish_encoding(&'static self, cx: &mut Cx) -> PyResult<&'static Bytes> {
        let empty = Str::from_ascii(cx, b"");
        self.encode(cx, empty, true)
    }

    fn forget(&'static self, cx: &mut Cx) {
        let codec = self.codec.codec;
        self.state.set(if self.decodes { codec.decoding_start() } else { codec.start() });
        self.set_pending(cx, None);
    }
}

struct Shared;

#[pymethods]
impl Shared {
    /// how to treat errors
    #[getter]
    fn errors(_cx: &mut Cx, this: Value) -> Value {
        of(this).errors.get()
    }
    #[setter("errors")]
    fn set_errors(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        match value {
            Some(v) if v.downcast::<Str>().is_some() => {
                of(this).errors.set(v);
                cx.barrier_value(this);
                Ok(())
            }
            Some(_) => raise!(cx, TypeError, "errors must be a string"),
            None => raise!(cx, AttributeError, "cannot delete attribute"),
        }
    }
}

struct Stream;

#[pymethods]
impl Stream {
    #[getter]
    fn stream(_cx: &mut Cx, this: Value) -> Option<Value> {
        of(this).stream.get()
    }
}

#[pymethods]
impl IncrementalEncoder {
    #[py("($self, /, input, final=False)")]
    fn encode(cx: &mut Cx, this: Value, input: Value, is_final: Option<bool>) -> PyResult<&'static Bytes> {
        let text = match input.downcast::<Str>() {
            Some(text) => text,
            None => return raise!(cx, TypeError, "couldn't convert the object to str."),
        };
        of(this).encode(cx, text, is_final.unwrap_or(false))
    }

    #[py("($self, /)")]
    fn getstate(cx: &mut Cx, this: Value) -> PyResult<Value> {
        // The length of what is pending, it itself as UTF-8, and the codec's state, as one little-endian number.
        let pending = of(this).pending.get().and_then(|p| p.downcast::<Str>());
        let text = pending.map(|p| p.to_generalized_utf8().into_owned()).unwrap_or_default();
        let mut all = vec![text.len() as u8];
        all.extend_from_slice(&text);
        all.extend_from_slice(&of(this).state.get());
        int_of(cx, &all)
    }

    #[py("($self, state, /)")]
    fn setstate(cx: &mut Cx, this: Value, state: Value) -> PyResult<()> {
        if !int::check(state) {
            let got = state.class().tp_name();
            return raise!(cx, TypeError, "setstate() argument must be int, not {got}");
        }
        let all = bytes_of(cx, state, 17)?;
        let n = usize::from(all[0]);
        if n > 8 {
            return raise!(cx, UnicodeError, "pending buffer too large");
        }
        let data = Value::of(Bytes::new(cx, &all[1..1 + n]));
        let encoding = cx.str("utf-8");
        let decoded = cx.call_method_text(data, "decode", &[encoding])?;
        let Some(text) = decoded.downcast::<Str>() else { return Ok(()) };
        let mut words: State = [0; 8];
        words.copy_from_slice(&all[1 + n..9 + n]);
        of(this).state.set(words);
        of(this).set_pending(cx, Some(Value::of(text)).filter(|_| n > 0));
        Ok(())
    }

    #[py("($self, /)")]
    fn reset(cx: &mut Cx, this: Value) {
        of(this).forget(cx);
    }
}

#[pymethods]
impl IncrementalDecoder {
    #[py("($self, /, input, final=False)")]
    fn decode(cx: &mut Cx, this: Value, input: Value, is_final: Option<bool>) -> PyResult<&'static Str> {
        let data = own_bytes(cx, input)?;
        of(this).decode(cx, data, is_final.unwrap_or(false))
    }

    #[py("($self, /)")]
    fn getstate(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let pending = match of(this).pending.get() {
            Some(p) => p,
            None => Value::of(Bytes::new(cx, b"")),
        };
        let words = int_of(cx, &of(this).state.get())?;
        Ok(Value::of(Tuple::new(cx, &[pending, words])))
    }

    #[py("($self, state, /)")]
    fn setstate(cx: &mut Cx, this: Value, state: Value) -> PyResult<()> {
        let Some(&[buffer, words]) = state.downcast::<Tuple>().map(|t| t.items()) else {
            return raise!(cx, TypeError, "setstate(): illegal state argument");
        };
        let Some(buffer) = buffer.downcast::<Bytes>().filter(|_| int::check(words)) else {
            return raise!(cx, TypeError, "setstate(): illegal state argument");
        };
        if buffer.len() > MAX_PENDING {
            return Err(of(this).codec.raise_overflow(cx, buffer));
        }
        let all = bytes_of(cx, words, 8)?;
        let mut words: State = [0; 8];
        words.copy_from_slice(&all);
        of(this).state.set(words);
        of(this).set_pending(cx, Some(Value::of(buffer)).filter(|_| !buffer.is_empty()));
        Ok(())
    }

    #[py("($self, /)")]
    fn reset(cx: &mut Cx, this: Value) {
        of(this).forget(cx);
    }
}

/// Bytes as a little-endian int.
fn int_of(cx: &mut Cx, bytes: &[u8]) -> PyResult<Value> {
    let data = Value::of(Bytes::new(cx, bytes));
    let from_bytes = attr::get_text(cx, Value::of(&taipan_runtime::types::int::INT), "from_bytes")?;
    let little = cx.str("little");
    cx.call(from_bytes, &[data, little])
}

/// A little-endian int as bytes.
fn bytes_of(cx: &mut Cx, v: Value, n: usize) -> PyResult<Vec<u8>> {
    let little = cx.str("little");
    let data = cx.call_method_text(v, "to_bytes", &[Value::small(n as i64), little])?;
    Ok(bytes::data_of(data).unwrap_or(&[]).to_vec())
}

fn size_arg(cx: &mut Cx, v: Option<Value>) -> PyResult<i64> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(-1),
        Some(v) if int::check(v) => number::to_i64(cx, v),
        Some(_) => raise!(cx, TypeError, "arg 1 must be an integer"),
    }
}

/// Reads by a method of the stream and decodes; reads on while that gives no character.
fn read_by(cx: &mut Cx, this: Value, method: &str, size: i64) -> PyResult<&'static Str> {
    let this = of(this);
    let stream = this.stream.get().unwrap_or(Value::none());
    let mut size = size;
    if size == 0 {
        return Ok(Str::from_ascii(cx, b""));
    }
    loop {
        let piece = if size < 0 {
            cx.call_method_text(stream, method, &[])?
        } else {
            let size = cx.int(size);
            cx.call_method_text(stream, method, &[size])?
        };
        let Some(data) = piece.downcast::<Bytes>() else {
            let got = piece.class().tp_name();
            return raise!(cx, TypeError, "stream function returned a non-bytes object ({got})");
        };
        let at_end = data.is_empty();
        let text = this.decode(cx, data, at_end || size < 0)?;
        if size < 0 || !text.is_empty() || at_end {
            return Ok(text);
        }
        size = 1;
    }
}

#[pymethods]
impl StreamReader {
    #[py("($self, sizeobj=None, /)")]
    fn read(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<&'static Str> {
        let size = size_arg(cx, size)?;
        read_by(cx, this, "read", size)
    }

    #[py("($self, sizeobj=None, /)")]
    fn readline(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<&'static Str> {
        let size = size_arg(cx, size)?;
        read_by(cx, this, "readline", size)
    }

    #[py("($self, sizehintobj=None, /)")]
    fn readlines(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<Value> {
        let size = size_arg(cx, size)?;
        let text = Value::of(read_by(cx, this, "read", size)?);
        cx.call_method_text(text, "splitlines", &[Value::bool(true)])
    }

    #[py("($self, /)")]
    fn reset(cx: &mut Cx, this: Value) {
        of(this).forget(cx);
    }
}

#[pymethods]
impl StreamWriter {
    #[py("($self, strobj, /)")]
    fn write(cx: &mut Cx, this: Value, text: Value) -> PyResult<()> {
        let Some(text) = text.downcast::<Str>() else {
            return raise!(cx, TypeError, "couldn't convert the object to str.");
        };
        let data = Value::of(of(this).encode(cx, text, false)?);
        let stream = of(this).stream.get().unwrap_or(Value::none());
        cx.call_method_text(stream, "write", &[data])?;
        Ok(())
    }

    #[py("($self, lines, /)")]
    fn writelines(cx: &mut Cx, this: Value, lines: Value) -> PyResult<()> {
        if lines.class().slots().getitem.is_none() {
            return raise!(cx, TypeError, "arg must be a sequence object");
        }
        iter::for_each(cx, lines, |cx, line| {
            StreamWriter::write(cx, this, line)?;
            Ok(true)
        })
    }

    #[py("($self, /)")]
    fn reset(cx: &mut Cx, this: Value) -> PyResult<()> {
        if of(this).pending.get().is_none() {
            return Ok(());
        }
        let data = of(this).finish_encoding(cx)?;
        if !data.is_empty() {
            let stream = of(this).stream.get().unwrap_or(Value::none());
            cx.call_method_text(stream, "write", &[Value::of(data)])?;
        }
        Ok(())
    }
}
