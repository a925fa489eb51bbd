//! `_lzma` over xz-sys: the compressor, the decompressor and the module.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host;
use xz_sys as xz;

use super::{Decoder, Step, Unpacker, drain, stream_object};

#[path = "lzma_filters.rs"]
mod filters;
use filters::Chain;

/// `_lzma.LZMAError`.
pub static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_lzma.LZMAError",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    doc: "Call to liblzma failed.",
    ..TypeSpec::DEFAULT
};

const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;
const CHECK_UNKNOWN: u32 = xz::LZMA_CHECK_ID_MAX + 1;

/// Raises what a code of the library means.
fn raise_code(cx: &mut Cx, code: xz::lzma_ret) -> Raised {
    let text = match code {
        xz::LZMA_UNSUPPORTED_CHECK => "Unsupported integrity check",
        xz::LZMA_MEM_ERROR => return cx.memory_error(),
        xz::LZMA_MEMLIMIT_ERROR => "Memory usage limit exceeded",
        xz::LZMA_FORMAT_ERROR => "Input format not supported by decoder",
        xz::LZMA_OPTIONS_ERROR => "Invalid or unsupported options",
        xz::LZMA_DATA_ERROR => "Corrupt input data",
        xz::LZMA_BUF_ERROR => "Insufficient buffer space",
        xz::LZMA_PROG_ERROR => "Internal error",
        _ => return cx.raise_text(&ERROR, &format!("Unrecognized error from liblzma: {code}")),
    };
    cx.raise_text(&ERROR, text)
}

fn failed(code: xz::lzma_ret) -> bool {
    !matches!(code, xz::LZMA_OK | xz::LZMA_GET_CHECK | xz::LZMA_NO_CHECK | xz::LZMA_STREAM_END)
}

/// A stream of the library; boxed, because the library keeps its address.
struct Stream {
    native: Box<xz::lzma_stream>,
    /// The kind of integrity check that was found.
    check: u32,
}

impl Stream {
    /// A stream that `start` initialises.
    fn open(start: impl FnOnce(*mut xz::lzma_stream) -> xz::lzma_ret) -> Result<Stream, xz::lzma_ret> {
        // SAFETY: all zeros is how the library wants fresh streams.
        let mut native: Box<xz::lzma_stream> = Box::new(unsafe { std::mem::zeroed() });
        let code = start(&mut *native);
        // Ended by the drop in both cases.
        let stream = Stream { native, check: CHECK_UNKNOWN };
        if failed(code) { Err(code) } else { Ok(stream) }
    }

    /// One step: the library's code, bytes read, bytes written.
    fn run(&mut self, input: &[u8], out: &mut [u8], action: xz::lzma_action) -> (xz::lzma_ret, usize, usize) {
        let native = &mut *self.native;
        (native.next_in, native.avail_in) = (input.as_ptr(), input.len());
        (native.next_out, native.avail_out) = (out.as_mut_ptr(), out.len());
        // SAFETY: an initialised stream with valid buffers.
        let code = unsafe { xz::lzma_code(native, action) };
        let result = (code, input.len() - native.avail_in, out.len() - native.avail_out);
        (native.next_in, native.avail_in) = (std::ptr::null(), 0);
        (native.next_out, native.avail_out) = (std::ptr::null_mut(), 0);
        result
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: initialised or all zeros.
        unsafe { xz::lzma_end(&mut *self.native) };
    }
}

impl Decoder for Stream {
    type Error = xz::lzma_ret;

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Self::Error> {
        let (mut read, mut written) = (0, 0);
        loop {
            let (code, more, made) = self.run(&input[read..], &mut out[written..], xz::LZMA_RUN);
            read += more;
            written += made;
            match code {
                // The header has been read; the data follows.
                xz::LZMA_GET_CHECK | xz::LZMA_NO_CHECK => {
                    // SAFETY: an initialised stream.
                    self.check = unsafe { xz::lzma_get_check(&*self.native) } as u32;
                }
                // No progress was possible, which the caller sees.
                xz::LZMA_OK | xz::LZMA_BUF_ERROR => return Ok(Step { read, written, end: false }),
                xz::LZMA_STREAM_END => return Ok(Step { read, written, end: true }),
                code => return Err(code),
            }
        }
    }

    fn raise(cx: &mut Cx, code: xz::lzma_ret) -> Raised {
        raise_code(cx, code)
    }
}

static DECOMPRESSOR_PARAMS: ParamSpec = ParamSpec {
    name: "LZMADecompressor",
    names: &["format", "memlimit", "filters"],
    positional_only: 0,
    positional: 3,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

stream_object! {
    /// `_lzma.LZMADecompressor`.
    Decompressor(Unpacker<Stream>), DECOMPRESSOR, DECOMPRESSOR_SPEC = "_lzma.LZMADecompressor", drop_decompressor, {
        getsets: &[Decompressor::GETSETS],
        slots: Slots { new: Some(new_decompressor), ..Slots::NONE },
        doc: "Create a decompressor object for decompressing data incrementally.\n\n  format\n    Specifies the container format of the input stream.  If this is\n    FORMAT_AUTO (the default), the decompressor will automatically detect\n    whether the input is FORMAT_XZ or FORMAT_ALONE.  Streams created with\n    FORMAT_RAW cannot be autodetected.\n  memlimit\n    Limit the amount of memory used by the decompressor.  This will cause\n    decompression to fail if the input cannot be decompressed within this\n    limit.\n  filters\n    A custom filter chain.  This argument is required for FORMAT_RAW, and\n    not accepted with any other format.  When provided, this should be a\n    sequence of dicts, each indicating the ID and options for a single\n    filter.\n\nFor one-shot decompression, use the decompress() function instead.",
        signature: "(format=FORMAT_AUTO, memlimit=None, filters=None)",
    }
}

fn new_decompressor(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    bind(cx, &DECOMPRESSOR_PARAMS, args, &mut bound)?;
    let [format, limit, filters] = bound.map(|v| v.filter(|v| !v.is_none()));
    let format = match format {
        Some(v) => number::to_i32(cx, v)?,
        None => FORMAT_AUTO,
    };
    let limit = match limit {
        Some(_) if format == FORMAT_RAW => {
            return raise!(cx, ValueError, "Cannot specify memory limit with FORMAT_RAW");
        }
        Some(v) => filters::unsigned(cx, v)?,
        None => u64::MAX,
    };
    match filters {
        None if format == FORMAT_RAW => return raise!(cx, ValueError, "Must specify filters for FORMAT_RAW"),
        Some(_) if format != FORMAT_RAW => {
            return raise!(cx, ValueError, "Cannot specify filters except with FORMAT_RAW");
        }
        _ => {}
    }
    let flags = xz::LZMA_TELL_ANY_CHECK | xz::LZMA_TELL_NO_CHECK;
    // SAFETY: fresh streams; the chain lives until the call is over, which is all the library needs.
    let opened = unsafe {
        match (format, filters) {
            (FORMAT_AUTO, _) => Stream::open(|s| xz::lzma_auto_decoder(s, limit, flags)),
            (FORMAT_XZ, _) => Stream::open(|s| xz::lzma_stream_decoder(s, limit, flags)),
            (FORMAT_ALONE, _) => Stream::open(|s| xz::lzma_alone_decoder(s, limit)),
            (FORMAT_RAW, Some(filters)) => {
                let chain = Chain::parse(cx, filters)?;
                Stream::open(|s| xz::lzma_raw_decoder(s, chain.as_ptr()))
            }
            _ => return raise!(cx, ValueError, "Invalid container format: {format}"),
        }
    };
    match opened {
        Ok(mut stream) => {
            if matches!(format, FORMAT_ALONE | FORMAT_RAW) {
                stream.check = 0;
            }
            Ok(Value::of(Decompressor::make(cx, class, Unpacker::new(stream))))
        }
        Err(code) => Err(raise_code(cx, code)),
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

    /// ID of the integrity check used by the input stream.
    #[getter]
    fn check(_cx: &mut Cx, this: &'static Decompressor) -> i64 {
        this.state().decoder.check as i64
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
    name: "LZMACompressor",
    names: &["format", "check", "preset", "filters"],
    positional_only: 0,
    positional: 4,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

stream_object! {
    /// `_lzma.LZMACompressor`.
    Compressor(Packer), COMPRESSOR, COMPRESSOR_SPEC = "_lzma.LZMACompressor", drop_compressor, {
        slots: Slots { new: Some(new_compressor), ..Slots::NONE },
        doc: "LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\nCreate a compressor object for compressing data incrementally.\n\nformat specifies the container format to use for the output. This can\nbe FORMAT_XZ (default), FORMAT_ALONE, or FORMAT_RAW.\n\ncheck specifies the integrity check to use. For FORMAT_XZ, the default\nis CHECK_CRC64. FORMAT_ALONE and FORMAT_RAW do not support integrity\nchecks; for these formats, check must be omitted, or be CHECK_NONE.\n\nThe settings used by the compressor can be specified either as a\npreset compression level (with the 'preset' argument), or in detail\nas a custom filter chain (with the 'filters' argument). For FORMAT_XZ\nand FORMAT_ALONE, the default is to use the PRESET_DEFAULT preset\nlevel. For FORMAT_RAW, the caller must always specify a filter chain.\n\npreset (if provided) should be an integer in the range 0-9, optionally\nOR-ed with the constant PRESET_EXTREME.\n\nfilters (if provided) should be a sequence of dicts. Each dict should\nhave an entry for \"id\" indicating the ID of the filter, plus\nadditional entries for options to the filter.\n\nFor one-shot compression, use the compress() function instead.\n",
    }
}

fn new_compressor(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 4];
    bind(cx, &COMPRESSOR_PARAMS, args, &mut bound)?;
    let [format, check, preset, filters] = bound;
    let (preset, filters) = (preset.filter(|v| !v.is_none()), filters.filter(|v| !v.is_none()));
    let format = match format {
        Some(v) => number::to_i32(cx, v)?,
        None => FORMAT_XZ,
    };
    let check = match check {
        Some(v) => number::to_i32(cx, v)?,
        None => -1,
    };
    if preset.is_some() && filters.is_some() {
        return raise!(cx, ValueError, "Cannot specify both preset and filter chain");
    }
    let level = match preset {
        Some(v) => filters::unsigned(cx, v)? as u32,
        None => xz::LZMA_PRESET_DEFAULT,
    };
    if format != FORMAT_XZ && check != -1 && check != 0 {
        return raise!(cx, ValueError, "Integrity checks are only supported by FORMAT_XZ");
    }
    let check = if check == -1 { xz::LZMA_CHECK_CRC64 } else { check as xz::lzma_check };
    let chain = match filters {
        Some(filters) if matches!(format, FORMAT_XZ | FORMAT_ALONE | FORMAT_RAW) => Some(Chain::parse(cx, filters)?),
        _ => None,
    };
    // SAFETY: fresh streams; chain and options live until the call is over, which is all the library needs.
    let opened = unsafe {
        match (format, &chain) {
            (FORMAT_XZ, None) => Stream::open(|s| xz::lzma_easy_encoder(s, level, check)),
            (FORMAT_XZ, Some(chain)) => Stream::open(|s| xz::lzma_stream_encoder(s, chain.as_ptr(), check)),
            (FORMAT_ALONE, None) => {
                let Some(options) = filters::preset(level) else {
                    return Err(cx.raise_text(&ERROR, &format!("Invalid compression preset: {level}")));
                };
                Stream::open(|s| xz::lzma_alone_encoder(s, &options))
            }
            (FORMAT_ALONE, Some(chain)) => match chain.single_lzma1() {
                Some(options) => Stream::open(|s| xz::lzma_alone_encoder(s, options)),
                None => {
                    let text = "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter";
                    return raise!(cx, ValueError, "{text}");
                }
            },
            (FORMAT_RAW, Some(chain)) => Stream::open(|s| xz::lzma_raw_encoder(s, chain.as_ptr())),
            (FORMAT_RAW, None) => return raise!(cx, ValueError, "Must specify filters for FORMAT_RAW"),
            _ => return raise!(cx, ValueError, "Invalid container format: {format}"),
        }
    };
    match opened {
        Ok(stream) => Ok(Value::of(Compressor::make(cx, class, Some(stream)))),
        Err(code) => Err(raise_code(cx, code)),
    }
}

fn pack(stream: &mut Stream, data: &[u8], action: xz::lzma_action) -> Result<Vec<u8>, xz::lzma_ret> {
    drain(data, |input, out| {
        let room = out.len();
        let (code, read, written) = stream.run(input, out, action);
        if failed(code) && code != xz::LZMA_BUF_ERROR {
            return Err(code);
        }
        let end = match action {
            xz::LZMA_FINISH => code == xz::LZMA_STREAM_END,
            _ => read == input.len() && written < room,
        };
        Ok(Step { read, written, end })
    })
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
        match pack(stream, data.bytes(), xz::LZMA_RUN) {
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
        match pack(&mut stream, b"", xz::LZMA_FINISH) {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => Err(raise_code(cx, code)),
        }
    }
}

struct Functions;

#[pymethods]
impl Functions {
    /// Test whether the given integrity check is supported.
    ///
    /// Always returns True for CHECK_NONE and CHECK_CRC32.
    #[py("($module, check_id, /)")]
    fn is_check_supported(_cx: &mut Cx, check_id: i32) -> bool {
        // SAFETY: a pure function.
        unsafe { xz::lzma_check_is_supported(check_id as xz::lzma_check) != 0 }
    }

    /// Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict).
    ///
    /// The result does not include the filter ID itself, only the options.
    #[py("($module, filter, /)")]
    fn _encode_filter_properties(cx: &mut Cx, filter: Value) -> PyResult<&'static Bytes> {
        let filter = filters::Filter::parse(cx, filter)?;
        let native = filter.native();
        let mut size = 0;
        // SAFETY: a valid filter; room of the size that the library asks for.
        unsafe {
            match xz::lzma_properties_size(&mut size, &native) {
                xz::LZMA_OK => {}
                code => return Err(raise_code(cx, code)),
            }
            let mut out = vec![0u8; size as usize];
            match xz::lzma_properties_encode(&native, out.as_mut_ptr()) {
                xz::LZMA_OK => Ok(Bytes::new(cx, &out)),
                code => Err(raise_code(cx, code)),
            }
        }
    }

    /// Return a dict describing the filter with ID *filter_id*, and the options encoded in the bytes object *encoded_props*.
    #[py("($module, filter_id, encoded_props, /)")]
    fn _decode_filter_properties(cx: &mut Cx, filter_id: Value, encoded_props: Held) -> PyResult<&'static Dict> {
        let id = filters::unsigned(cx, filter_id)?;
        filters::describe(cx, id, encoded_props.bytes())
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_lzma");
    module.add_functions(cx, Functions::METHODS);
    for class in [&ERROR, &COMPRESSOR, &DECOMPRESSOR] {
        module.add_type(cx, class);
    }
    host::add_ints(cx, module, CONSTANTS);
    Ok(module)
}

static CONSTANTS: &[(&str, i64)] = &[
    ("CHECK_CRC32", 1),
    ("CHECK_CRC64", 4),
    ("CHECK_ID_MAX", 15),
    ("CHECK_NONE", 0),
    ("CHECK_SHA256", 10),
    ("CHECK_UNKNOWN", 16),
    ("FILTER_ARM", 7),
    ("FILTER_ARMTHUMB", 8),
    ("FILTER_DELTA", 3),
    ("FILTER_IA64", 6),
    ("FILTER_LZMA1", 4611686018427387905),
    ("FILTER_LZMA2", 33),
    ("FILTER_POWERPC", 5),
    ("FILTER_SPARC", 9),
    ("FILTER_X86", 4),
    ("FORMAT_ALONE", 2),
    ("FORMAT_AUTO", 0),
    ("FORMAT_RAW", 3),
    ("FORMAT_XZ", 1),
    ("MF_BT2", 18),
    ("MF_BT3", 19),
    ("MF_BT4", 20),
    ("MF_HC3", 3),
    ("MF_HC4", 4),
    ("MODE_FAST", 1),
    ("MODE_NORMAL", 2),
    ("PRESET_DEFAULT", 6),
    ("PRESET_EXTREME", 2147483648),
];
