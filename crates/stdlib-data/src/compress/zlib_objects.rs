//! The objects of `zlib`: Compress, Decompress, _ZlibDecompressor.

use libz_rs_sys as z;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::flags;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Cx, PyResult, Raised, Value, raise};

use super::zlib::{Settings, Stream, raise_code, raise_init};
use super::{CHUNK, Decoder, Step, Unpacker, stream_object};

/// A compressor; its stream is gone once it was finished.
pub struct Packer {
    stream: Option<Stream>,
}

stream_object! {
    /// `zlib.Compress`.
    Compress(Packer), COMPRESS, COMPRESS_SPEC = "zlib.Compress", drop_compress, {
        flags: flags::DISALLOW_INSTANTIATION,
    }
}

/// `zlib.compressobj()`. May collect.
pub fn new_compress(cx: &mut Cx, settings: Settings, dictionary: Option<&[u8]>) -> PyResult<Value> {
    let mut stream = match Stream::compressor(settings) {
        Ok(stream) => stream,
        Err(code) => return Err(raise_init(cx, code, "while creating compression object")),
    };
    match dictionary.map(|data| stream.set_dictionary(data)) {
        None | Some(z::Z_OK) => {}
        Some(z::Z_STREAM_ERROR) => return raise!(cx, ValueError, "Invalid dictionary"),
        Some(_) => return raise!(cx, ValueError, "deflateSetDictionary()"),
    }
    Ok(Value::of(Compress::make(cx, &COMPRESS, Packer { stream: Some(stream) })))
}

#[pymethods]
impl Compress {
    /// Returns a bytes object containing compressed data.
    ///
    ///   data
    ///     Binary data to be compressed.
    ///
    /// After calling this function, some of the input data may still
    /// be stored in internal buffers for later processing.
    /// Call the flush() method to clear these buffers.
    #[py("($self, data, /)")]
    fn compress(cx: &mut Cx, this: &'static Compress, data: Held) -> PyResult<&'static Bytes> {
        let doing = "while compressing data";
        let Some(stream) = &mut this.state().stream else {
            return Err(raise_code(cx, z::Z_STREAM_ERROR, None, doing));
        };
        match stream.pack(data.bytes(), z::Z_NO_FLUSH) {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => Err(raise_code(cx, code, stream.message(), doing)),
        }
    }

    /// Return a bytes object containing any remaining compressed data.
    ///
    ///   mode
    ///     One of the constants Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH.
    ///     If mode == Z_FINISH, the compressor object can no longer be
    ///     used after calling the flush() method.  Otherwise, more data
    ///     can still be compressed.
    #[py("($self, mode=zlib.Z_FINISH, /)")]
    fn flush(cx: &mut Cx, this: &'static Compress, mode: Option<i32>) -> PyResult<&'static Bytes> {
        let mode = mode.unwrap_or(z::Z_FINISH);
        if mode == z::Z_NO_FLUSH {
            return Ok(Bytes::new(cx, b""));
        }
        let doing = "while flushing";
        let Some(stream) = &mut this.state().stream else {
            return Err(raise_code(cx, z::Z_STREAM_ERROR, None, doing));
        };
        match stream.pack(b"", mode) {
            Ok(out) => {
                if mode == z::Z_FINISH {
                    this.state().stream = None;
                }
                Ok(Bytes::new(cx, &out))
            }
            Err(code) => Err(raise_code(cx, code, stream.message(), doing)),
        }
    }

    /// Return a copy of the compression object.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Compress) -> PyResult<&'static Compress> {
        let Some(stream) = &mut this.state().stream else {
            return raise!(cx, ValueError, "Inconsistent stream state");
        };
        match stream.try_clone() {
            Ok(stream) => Ok(Compress::make(cx, &COMPRESS, Packer { stream: Some(stream) })),
            Err(z::Z_STREAM_ERROR) => raise!(cx, ValueError, "Inconsistent stream state"),
            Err(code) => Err(raise_code(cx, code, None, "while copying compression object")),
        }
    }

    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: &'static Compress) -> PyResult<&'static Compress> {
        Compress::copy(cx, this)
    }

    #[py("($self, memo, /)")]
    fn __deepcopy__(cx: &mut Cx, this: &'static Compress, _memo: Value) -> PyResult<&'static Compress> {
        Compress::copy(cx, this)
    }
}

/// The state of a Decompress object.
pub struct Inflater {
    stream: Stream,
    dictionary: Option<Vec<u8>>,
    unused: Vec<u8>,
    tail: Vec<u8>,
    eof: bool,
}

stream_object! {
    /// `zlib.Decompress`.
    Decompress(Inflater), DECOMPRESS, DECOMPRESS_SPEC = "zlib.Decompress", drop_decompress, {
        flags: flags::DISALLOW_INSTANTIATION,
        getsets: &[Decompress::GETSETS],
    }
}

fn dictionary_of(cx: &mut Cx, v: Option<Value>) -> PyResult<Option<Vec<u8>>> {
    let Some(v) = v else { return Ok(None) };
    if !buffer::check(v) {
        return raise!(cx, TypeError, "zdict argument must support the buffer protocol");
    }
    buffer::with_bytes(cx, v, |_, data| Ok(Some(data.to_vec()).filter(|d| !d.is_empty())))
}

/// A decompressor with its dictionary, which raw streams need at once.
fn open(cx: &mut Cx, wbits: i32, dictionary: Option<&[u8]>) -> PyResult<Stream> {
    let mut stream = match Stream::decompressor(wbits) {
        Ok(stream) => stream,
        Err(code) => return Err(raise_init(cx, code, "while creating decompression object")),
    };
    if let Some(data) = dictionary.filter(|_| wbits < 0)
        && stream.set_dictionary(data) != z::Z_OK
    {
        return Err(raise_code(cx, z::Z_DATA_ERROR, stream.message(), "while setting zdict"));
    }
    Ok(stream)
}

/// `zlib.decompressobj()`. May collect.
pub fn new_decompress(cx: &mut Cx, wbits: i32, zdict: Option<Value>) -> PyResult<Value> {
    let dictionary = dictionary_of(cx, zdict)?;
    let stream = open(cx, wbits, dictionary.as_deref())?;
    let state = Inflater { stream, dictionary, unused: Vec::new(), tail: Vec::new(), eof: false };
    Ok(Value::of(Decompress::make(cx, &DECOMPRESS, state)))
}

/// One step that sets the dictionary where the stream asks for it.
fn step(stream: &mut Stream, dictionary: Option<&[u8]>, input: &[u8], out: &mut [u8]) -> (i32, usize, usize) {
    let (code, read, written) = stream.run(input, out, z::Z_SYNC_FLUSH);
    match (code, dictionary) {
        (z::Z_NEED_DICT, Some(data)) => match stream.set_dictionary(data) {
            z::Z_OK => {
                let (code, more, written) = stream.run(&input[read..], out, z::Z_SYNC_FLUSH);
                (code, read + more, written)
            }
            code => (code, read, written),
        },
        _ => (code, read, written),
    }
}

impl Inflater {
    /// Decompresses to at most `limit` bytes; gives the output and how much input was used.
    fn run(&mut self, input: &[u8], limit: usize) -> Result<(Vec<u8>, usize), i32> {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let start = out.len();
            let room = CHUNK.max(start).min(limit - start);
            out.resize(start + room, 0);
            let (code, read, written) =
                step(&mut self.stream, self.dictionary.as_deref(), &input[at..], &mut out[start..]);
            out.truncate(start + written);
            at += read;
            match code {
                z::Z_STREAM_END => self.eof = true,
                z::Z_OK | z::Z_BUF_ERROR => {}
                code => return Err(code),
            }
            if self.eof || out.len() == limit || written < room {
                return Ok((out, at));
            }
        }
    }

    /// Keeps what was not used.
    fn keep(&mut self, rest: &[u8]) {
        if self.eof {
            self.unused.extend_from_slice(rest);
            self.tail.clear();
        } else {
            self.tail = rest.to_vec();
        }
    }
}

#[pymethods]
impl Decompress {
    /// Return a bytes object containing the decompressed version of the data.
    ///
    ///   data
    ///     The binary data to decompress.
    ///   max_length
    ///     The maximum allowable length of the decompressed data.
    ///     Unconsumed input data will be stored in
    ///     the unconsumed_tail attribute.
    ///
    /// After calling this function, some of the input data may still be stored in
    /// internal buffers for later processing.
    /// Call the flush() method to clear these buffers.
    #[py("($self, data, /, max_length=0)")]
    fn decompress(
        cx: &mut Cx,
        this: &'static Decompress,
        data: Held,
        max_length: Option<isize>,
    ) -> PyResult<&'static Bytes> {
        let limit = match max_length.unwrap_or(0) {
            n if n < 0 => return raise!(cx, ValueError, "max_length must be non-negative"),
            0 => usize::MAX,
            n => n as usize,
        };
        let state = this.state();
        if state.eof {
            state.keep(data.bytes());
            return Ok(Bytes::new(cx, b""));
        }
        match state.run(data.bytes(), limit) {
            Ok((out, used)) => {
                state.keep(&data.bytes()[used..]);
                Ok(Bytes::new(cx, &out))
            }
            Err(code) => Err(raise_code(cx, code, state.stream.message(), "while decompressing data")),
        }
    }

    /// Return a bytes object containing any remaining decompressed data.
    ///
    ///   length
    ///     the initial size of the output buffer.
    #[py("($self, length=zlib.DEF_BUF_SIZE, /)")]
    fn flush(cx: &mut Cx, this: &'static Decompress, length: Option<isize>) -> PyResult<&'static Bytes> {
        if length.is_some_and(|n| n <= 0) {
            return raise!(cx, ValueError, "length must be greater than zero");
        }
        let state = this.state();
        let input = std::mem::take(&mut state.tail);
        if state.eof {
            return Ok(Bytes::new(cx, b""));
        }
        match state.run(&input, usize::MAX) {
            Ok((out, used)) => {
                state.keep(&input[used..]);
                Ok(Bytes::new(cx, &out))
            }
            Err(code) => Err(raise_code(cx, code, state.stream.message(), "while flushing")),
        }
    }

    /// Return a copy of the decompression object.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Decompress) -> PyResult<&'static Decompress> {
        let state = this.state();
        let stream = match state.stream.try_clone() {
            Ok(stream) => stream,
            Err(z::Z_STREAM_ERROR) => return raise!(cx, ValueError, "Inconsistent stream state"),
            Err(code) => return Err(raise_code(cx, code, None, "while copying decompression object")),
        };
        let copy = Inflater {
            stream,
            dictionary: state.dictionary.clone(),
            unused: state.unused.clone(),
            tail: state.tail.clone(),
            eof: state.eof,
        };
        Ok(Decompress::make(cx, &DECOMPRESS, copy))
    }

    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: &'static Decompress) -> PyResult<&'static Decompress> {
        Decompress::copy(cx, this)
    }

    #[py("($self, memo, /)")]
    fn __deepcopy__(cx: &mut Cx, this: &'static Decompress, _memo: Value) -> PyResult<&'static Decompress> {
        Decompress::copy(cx, this)
    }

    #[getter]
    fn unused_data(cx: &mut Cx, this: &'static Decompress) -> &'static Bytes {
        Bytes::new(cx, &this.state().unused)
    }

    #[getter]
    fn unconsumed_tail(cx: &mut Cx, this: &'static Decompress) -> &'static Bytes {
        Bytes::new(cx, &this.state().tail)
    }

    #[getter]
    fn eof(_cx: &mut Cx, this: &'static Decompress) -> bool {
        this.state().eof
    }
}

/// The decoder of `_ZlibDecompressor`.
struct Inflate {
    stream: Stream,
    dictionary: Option<Vec<u8>>,
}

impl Decoder for Inflate {
    type Error = (i32, Option<String>);

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Self::Error> {
        let (code, read, written) = step(&mut self.stream, self.dictionary.as_deref(), input, out);
        match code {
            z::Z_OK | z::Z_BUF_ERROR | z::Z_STREAM_END => Ok(Step { read, written, end: code == z::Z_STREAM_END }),
            code => Err((code, self.stream.message())),
        }
    }

    fn raise(cx: &mut Cx, (code, message): Self::Error) -> Raised {
        raise_code(cx, code, message, "while decompressing data")
    }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "_ZlibDecompressor",
    names: &["wbits", "zdict"],
    positional_only: 0,
    positional: 2,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

stream_object! {
    /// `zlib._ZlibDecompressor`.
    ZlibDecompressor(Unpacker<Inflate>), ZLIB_DECOMPRESSOR, ZLIB_DECOMPRESSOR_SPEC = "zlib._ZlibDecompressor",
    drop_zlib_decompressor, {
        getsets: &[ZlibDecompressor::GETSETS],
        slots: Slots {
            new: Some(|cx, class, args| {
                let mut bound = [None; 2];
                bind(cx, &PARAMS, args, &mut bound)?;
                let wbits = match bound[0] {
                    Some(v) => number::to_i32(cx, v)?,
                    None => 15,
                };
                let dictionary = dictionary_of(cx, bound[1])?;
                let stream = open(cx, wbits, dictionary.as_deref())?;
                let state = Unpacker::new(Inflate { stream, dictionary });
                Ok(Value::of(ZlibDecompressor::make(cx, class, state)))
            }),
            ..Slots::NONE
        },
        doc: "Create a decompressor object for decompressing data incrementally.",
        signature: "(wbits=MAX_WBITS, zdict=b'')",
    }
}

#[pymethods]
impl ZlibDecompressor {
    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes of
    /// decompressed data. If this limit is reached and further output can be
    /// produced, *self.needs_input* will be set to ``False``. In this case, the next
    /// call to *decompress()* may provide *data* as b'' to obtain more of the output.
    ///
    /// If all of the input data was decompressed and returned (either because this
    /// was less than *max_length* bytes, or because *max_length* was negative),
    /// *self.needs_input* will be set to True.
    ///
    /// Attempting to decompress data after the end of stream is reached raises an
    /// EOFError.  Any data found after the end of the stream is ignored and saved in
    /// the unused_data attribute.
    #[py("($self, /, data, max_length=-1)")]
    fn decompress(
        cx: &mut Cx,
        this: &'static ZlibDecompressor,
        data: Held,
        max_length: Option<isize>,
    ) -> PyResult<&'static Bytes> {
        this.state().decompress(cx, data.bytes(), max_length.unwrap_or(-1))
    }

    /// True if the end-of-stream marker has been reached.
    #[getter]
    fn eof(_cx: &mut Cx, this: &'static ZlibDecompressor) -> bool {
        this.state().eof
    }

    /// Data found after the end of the compressed stream.
    #[getter]
    fn unused_data(cx: &mut Cx, this: &'static ZlibDecompressor) -> &'static Bytes {
        Bytes::new(cx, &this.state().unused)
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter]
    fn needs_input(_cx: &mut Cx, this: &'static ZlibDecompressor) -> bool {
        this.state().needs_input
    }
}
