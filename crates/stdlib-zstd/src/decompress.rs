//! `ZstdDecompressor`.

use std::cell::{Cell, RefCell};

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use zstd_sys::{
    ZSTD_DCtx, ZSTD_DCtx_loadDictionary, ZSTD_DCtx_refPrefix, ZSTD_DCtx_reset, ZSTD_DCtx_setParameter,
    ZSTD_ResetDirective, ZSTD_createDCtx, ZSTD_dParameter, ZSTD_decompressStream, ZSTD_freeDCtx, ZSTD_inBuffer,
    ZSTD_outBuffer,
};

use crate::compress::options_arg;
use crate::dict::{Load, ZstdDict, argument};
use crate::params::{self, check};

/// Output of at most this many bytes is asked for at a time.
const CHUNK: usize = 128 * 1024;

/// A decompressor. The invariant is that of compressors.
#[repr(C)]
pub struct Decompressor {
    header: Header,
    native: Cell<*mut ZSTD_DCtx>,
    dict: Cell<Option<&'static ZstdDict>>,
    /// Input not used yet because the output was limited; behind the end, input that is none.
    waiting: RefCell<Vec<u8>>,
    eof: Cell<bool>,
    needs_input: Cell<bool>,
}
object!(Decompressor, DECOMPRESSOR);
trace_values!(trace_decompressor, Decompressor, |t| [t.dict.get().map(Value::of)]);

/// The type `ZstdDecompressor`.
pub static DECOMPRESSOR: Type = Type::new(&DECOMPRESSOR_SPEC);
static DECOMPRESSOR_SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdDecompressor",
    basicsize: std::mem::size_of::<Decompressor>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_decompressor),
    drop: Some(free),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[Decompressor::METHODS],
    getsets: &[Decompressor::GETSETS],
    doc: "Create a decompressor object for decompressing data incrementally.\n\n  zstd_dict\n    A ZstdDict object, a pre-trained Zstandard dictionary.\n  options\n    A dict object that contains advanced decompression parameters.\n\nThread-safe at method level. For one-shot decompression, use the decompress()\nfunction instead.",
    signature: "(zstd_dict=None, options=None)",
    ..TypeSpec::DEFAULT
};

unsafe fn free(object: *mut Header) {
    // SAFETY: a dead decompressor; context and buffer are released once.
    unsafe {
        let this = &*object.cast::<Decompressor>();
        ZSTD_freeDCtx(this.native.replace(std::ptr::null_mut()));
        drop(this.waiting.take());
    }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "ZstdDecompressor",
    names: &["zstd_dict", "options"],
    positional_only: 0,
    positional: 2,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, &PARAMS, args, &mut bound)?;
    let options = options_arg(cx, bound[1], "ZstdDecompressor")?;
    let dict = match bound[0].filter(|v| !v.is_none()) {
        Some(v) => Some(argument(cx, v, Load::Digested)?),
        None => None,
    };
    let settings = match options {
        Some(options) => params::options(cx, options, false)?,
        None => Vec::new(),
    };
    // SAFETY: makes a context, or null.
    let native = unsafe { ZSTD_createDCtx() };
    if native.is_null() {
        return Err(cx.memory_error());
    }
    let this = cx.alloc_of(
        class,
        Decompressor {
            header: Header::fresh(class),
            native: Cell::new(native),
            dict: Cell::new(dict.map(|d| d.0)),
            waiting: RefCell::new(Vec::new()),
            eof: Cell::new(false),
            needs_input: Cell::new(true),
        },
    );
    for (_, value) in settings {
        // SAFETY: the context was made above; there is one parameter.
        let code = unsafe { ZSTD_DCtx_setParameter(native, ZSTD_dParameter::ZSTD_d_windowLogMax, value) };
        check(cx, code, "Unable to set a decompression parameter")?;
    }
    if let Some((dict, how)) = dict {
        let data = dict.bytes();
        // SAFETY: as above; the dictionary lives as long as the decompressor.
        let code = unsafe {
            match how {
                Load::Prefix => ZSTD_DCtx_refPrefix(native, data.as_ptr().cast(), data.len()),
                _ => ZSTD_DCtx_loadDictionary(native, data.as_ptr().cast(), data.len()),
            }
        };
        check(cx, code, "Unable to load a Zstandard dictionary or prefix for decompression")?;
    }
    Ok(Value::of(this))
}

#[pymethods]
impl Decompressor {
    /// Decompress *data*, returning uncompressed bytes if possible, or b'' otherwise.
    ///
    ///   data
    ///     A bytes-like object, Zstandard data to be decompressed.
    ///   max_length
    ///     Maximum size of returned data. When it is negative, the size of
    ///     output buffer is unlimited. When it is nonnegative, returns at
    ///     most max_length bytes of decompressed data.
    #[py("($self, /, data, max_length=-1)")]
    fn decompress(
        cx: &mut Cx,
        this: &'static Decompressor,
        data: Held,
        max_length: Option<isize>,
    ) -> PyResult<&'static Bytes> {
        if this.eof.get() {
            return raise!(cx, EOFError, "Already at the end of a Zstandard frame.");
        }
        let mut joined = this.waiting.take();
        joined.extend_from_slice(data.bytes());
        let limit = usize::try_from(max_length.unwrap_or(-1)).unwrap_or(usize::MAX);
        let mut out: Vec<u8> = Vec::new();
        let mut input = ZSTD_inBuffer { src: joined.as_ptr().cast(), size: joined.len(), pos: 0 };
        loop {
            let start = out.len();
            let room = CHUNK.max(start).min(limit - start);
            out.resize(start + room, 0);
            let mut output = ZSTD_outBuffer { dst: out.as_mut_ptr().cast(), size: out.len(), pos: start };
            // SAFETY: the context lives as long as the object; both buffers are valid.
            let left = unsafe { ZSTD_decompressStream(this.native.get(), &raw mut output, &raw mut input) };
            let (written, full) = (output.pos, output.pos == output.size);
            out.truncate(written);
            if params::error_text(left).is_some() {
                // SAFETY: as above.
                unsafe { ZSTD_DCtx_reset(this.native.get(), ZSTD_ResetDirective::ZSTD_reset_session_only) };
                check(cx, left, "Unable to decompress Zstandard data")?;
            }
            this.eof.set(left == 0);
            this.needs_input.set(left != 0 && !full && input.pos == input.size);
            if left == 0 || out.len() >= limit || !full && input.pos == input.size {
                break;
            }
        }
        let rest = joined[input.pos..].to_vec();
        this.waiting.replace(rest);
        Ok(Bytes::new(cx, &out))
    }

    /// True means the end of the first frame has been reached.
    #[getter("eof")]
    fn eof_(_cx: &mut Cx, this: &'static Decompressor) -> bool {
        this.eof.get()
    }

    /// If the max_length output limit in .decompress() method has been reached,
    /// and the decompressor has (or may has) unconsumed input data, it will be set
    /// to False.
    #[getter("needs_input")]
    fn needs_input_(_cx: &mut Cx, this: &'static Decompressor) -> bool {
        this.needs_input.get()
    }

    /// A bytes object of un-consumed input data.
    ///
    /// When ZstdDecompressor object stops after a frame is
    /// decompressed, unused input data after the frame. Otherwise this will be b''.
    #[getter]
    fn unused_data(cx: &mut Cx, this: &'static Decompressor) -> &'static Bytes {
        let rest = if this.eof.get() { this.waiting.borrow().clone() } else { Vec::new() };
        Bytes::new(cx, &rest)
    }
}
