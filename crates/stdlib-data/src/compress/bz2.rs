//! `_bz2` over libbz2-rs-sys.

use libbz2_rs_sys::{
    BZ_FINISH, BZ_RUN, BZ2_bzCompress, BZ2_bzCompressEnd, BZ2_bzCompressInit, BZ2_bzDecompress, BZ2_bzDecompressEnd,
    BZ2_bzDecompressInit, bz_stream,
};
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Raised, Value, raise};

use super::{Decoder, Step, Unpacker, drain, stream_object};

/// A stream of the library; boxed, because the library keeps its address.
struct Stream {
    native: Box<bz_stream>,
    compresses: bool,
}

impl Stream {
    fn new() -> Box<bz_stream> {
        Box::new(bz_stream {
            next_in: std::ptr::null(),
            avail_in: 0,
            total_in_lo32: 0,
            total_in_hi32: 0,
            next_out: std::ptr::null_mut(),
            avail_out: 0,
            total_out_lo32: 0,
            total_out_hi32: 0,
            state: std::ptr::null_mut(),
            bzalloc: None,
            bzfree: None,
            opaque: std::ptr::null_mut(),
        })
    }

    fn compressor(level: i32) -> Result<Stream, i32> {
        let mut native = Stream::new();
        // SAFETY: a fresh stream.
        match unsafe { BZ2_bzCompressInit(&mut *native, level, 0, 0) } {
            0 => Ok(Stream { native, compresses: true }),
            code => Err(code),
        }
    }

    fn decompressor() -> Result<Stream, i32> {
        let mut native = Stream::new();
        // SAFETY: a fresh stream.
        match unsafe { BZ2_bzDecompressInit(&mut *native, 0, 0) } {
            0 => Ok(Stream { native, compresses: false }),
            code => Err(code),
        }
    }

    /// Runs `call` with this input and output: its result, bytes read and written.
    fn run(&mut self, input: &[u8], out: &mut [u8], call: impl FnOnce(&mut bz_stream) -> i32) -> (i32, usize, usize) {
        let (given, room) = (input.len().min(u32::MAX as usize), out.len().min(u32::MAX as usize));
        let native = &mut *self.native;
        (native.next_in, native.avail_in) = (input.as_ptr().cast(), given as u32);
        (native.next_out, native.avail_out) = (out.as_mut_ptr().cast(), room as u32);
        let code = call(native);
        let result = (code, given - native.avail_in as usize, room - native.avail_out as usize);
        (native.next_in, native.next_out) = (std::ptr::null(), std::ptr::null_mut());
        result
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: initialised by the constructors.
        unsafe {
            match self.compresses {
                true => BZ2_bzCompressEnd(&mut *self.native),
                false => BZ2_bzDecompressEnd(&mut *self.native),
            }
        };
    }
}

fn raise_code(cx: &mut Cx, code: i32) -> Raised {
    let result: PyResult<()> = match code {
        -2 => raise!(cx, ValueError, "Internal error - invalid parameters passed to libbzip2"),
        -3 => Err(cx.memory_error()),
        -4 | -5 => raise!(cx, OSError, "Invalid data stream"),
        -6 => raise!(cx, OSError, "Unknown I/O error"),
        -7 => raise!(cx, EOFError, "Compressed file ended before the logical end-of-stream was detected"),
        -1 => raise!(cx, RuntimeError, "Internal error - Invalid sequence of commands sent to libbzip2"),
        _ => raise!(cx, OSError, "Unrecognized error from libbzip2: {code}"),
    };
    result.err().unwrap_or(Raised)
}

impl Decoder for Stream {
    type Error = i32;

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, i32> {
        // SAFETY: an initialised stream with valid buffers.
        let (code, read, written) = self.run(input, out, |native| unsafe { BZ2_bzDecompress(native) });
        match code {
            code if code < 0 => Err(code),
            code => Ok(Step { read, written, end: code == 4 }),
        }
    }

    fn raise(cx: &mut Cx, code: i32) -> Raised {
        raise_code(cx, code)
    }
}

stream_object! {
    /// `_bz2.BZ2Decompressor`.
    Decompressor(Unpacker<Stream>), DECOMPRESSOR, DECOMPRESSOR_SPEC = "_bz2.BZ2Decompressor", drop_decompressor, {
        getsets: &[Decompressor::GETSETS],
        slots: Slots {
            new: Some(|cx, class, args| {
                args.no_keywords(cx, "BZ2Decompressor")?;
                if !args.pos().is_empty() {
                    let n = args.pos().len();
                    return raise!(cx, TypeError, "BZ2Decompressor expected 0 arguments, got {n}");
                }
                match Stream::decompressor() {
                    Ok(stream) => Ok(Value::of(Decompressor::make(cx, class, Unpacker::new(stream)))),
                    Err(code) => Err(raise_code(cx, code)),
                }
            }),
            ..Slots::NONE
        },
        doc: "Create a decompressor object for decompressing data incrementally.\n\nFor one-shot decompression, use the decompress() function instead.",
        signature: "()",
    }
}

#[pymethods]
impl Decompressor {
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
        this: &'static Decompressor,
        data: Held,
        max_length: Option<isize>,
    ) -> PyResult<&'static Bytes> {
        this.state().decompress(cx, data.bytes(), max_length.unwrap_or(-1))
    }

    /// True if the end-of-stream marker has been reached.
    #[getter]
    fn eof(_cx: &mut Cx, this: &'static Decompressor) -> bool {
        this.state().eof
    }

    /// Data found after the end of the compressed stream.
    #[getter]
    fn unused_data(cx: &mut Cx, this: &'static Decompressor) -> &'static Bytes {
        Bytes::new(cx, &this.state().unused)
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter]
    fn needs_input(_cx: &mut Cx, this: &'static Decompressor) -> bool {
        this.state().needs_input
    }
}

/// State of a compressor; None once flushed.
type Packer = Option<Stream>;

static COMPRESSOR_PARAMS: ParamSpec = ParamSpec {
    name: "BZ2Compressor",
    names: &["compresslevel"],
    positional_only: 1,
    positional: 1,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

stream_object! {
    /// `_bz2.BZ2Compressor`.
    Compressor(Packer), COMPRESSOR, COMPRESSOR_SPEC = "_bz2.BZ2Compressor", drop_compressor, {
        slots: Slots {
            new: Some(|cx, class, args| {
                let mut bound = [None];
                bind(cx, &COMPRESSOR_PARAMS, args, &mut bound)?;
                let level = match bound[0] {
                    Some(v) => number::to_i32(cx, v)?,
                    None => 9,
                };
                if !(1..=9).contains(&level) {
                    return raise!(cx, ValueError, "compresslevel must be between 1 and 9");
                }
                match Stream::compressor(level) {
                    Ok(stream) => Ok(Value::of(Compressor::make(cx, class, Some(stream)))),
                    Err(code) => Err(raise_code(cx, code)),
                }
            }),
            ..Slots::NONE
        },
        doc: "Create a compressor object for compressing data incrementally.\n\n  compresslevel\n    Compression level, as a number between 1 and 9.\n\nFor one-shot compression, use the compress() function instead.",
        signature: "(compresslevel=9, /)",
    }
}

impl Compressor {
    fn run(stream: &mut Stream, data: &[u8], action: i32) -> Result<Vec<u8>, i32> {
        drain(data, |input, out| {
            // SAFETY: an initialised stream with valid buffers.
            let (code, read, written) = stream.run(input, out, |native| unsafe { BZ2_bzCompress(native, action) });
            if code < 0 {
                return Err(code);
            }
            let end = if action == BZ_FINISH { code == 4 } else { read == input.len() };
            Ok(Step { read, written, end })
        })
    }
}

#[pymethods]
impl Compressor {
    /// Provide data to the compressor object.
    ///
    /// Returns a chunk of compressed data if possible, or b'' otherwise.
    ///
    /// When you have finished providing data to the compressor, call the
    /// flush() method to finish the compression process.
    #[py("($self, data, /)")]
    fn compress(cx: &mut Cx, this: &'static Compressor, data: Held) -> PyResult<&'static Bytes> {
        let Some(stream) = this.state() else {
            return raise!(cx, ValueError, "Compressor has been flushed");
        };
        if data.bytes().is_empty() {
            return Ok(Bytes::new(cx, b""));
        }
        match Compressor::run(stream, data.bytes(), BZ_RUN) {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => Err(raise_code(cx, code)),
        }
    }

    /// Finish the compression process.
    ///
    /// Returns the compressed data left in internal buffers.
    ///
    /// The compressor object may not be used after this method is called.
    #[py("($self, /)")]
    fn flush(cx: &mut Cx, this: &'static Compressor) -> PyResult<&'static Bytes> {
        let Some(mut stream) = this.state().take() else {
            return raise!(cx, ValueError, "Repeated call to flush()");
        };
        match Compressor::run(&mut stream, b"", BZ_FINISH) {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => Err(raise_code(cx, code)),
        }
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_bz2");
    module.add_type(cx, &COMPRESSOR);
    module.add_type(cx, &DECOMPRESSOR);
    Ok(module)
}
