//! `ZstdCompressor`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use zstd_sys::{
    ZSTD_CCtx, ZSTD_CCtx_loadDictionary, ZSTD_CCtx_refPrefix, ZSTD_CCtx_reset, ZSTD_CCtx_setParameter,
    ZSTD_CCtx_setPledgedSrcSize, ZSTD_CStreamOutSize, ZSTD_EndDirective, ZSTD_ResetDirective, ZSTD_compressStream2,
    ZSTD_createCCtx, ZSTD_freeCCtx, ZSTD_inBuffer, ZSTD_outBuffer,
};

use crate::dict::{Load, ZstdDict, argument};
use crate::params::{self, check};

const CONTINUE: i64 = 0;
const FLUSH_BLOCK: i64 = 1;
const FLUSH_FRAME: i64 = 2;

/// A compressor. Invariant ZSTD-1: `native` is a context until the object dies, used with the GIL held.
#[repr(C)]
pub struct Compressor {
    header: Header,
    native: Cell<*mut ZSTD_CCtx>,
    dict: Cell<Option<&'static ZstdDict>>,
    as_prefix: Cell<bool>,
    last_mode: Cell<i64>,
}
object!(Compressor, COMPRESSOR);
trace_values!(trace_compressor, Compressor, |t| [t.dict.get().map(Value::of)]);

/// The type `ZstdCompressor`.
pub static COMPRESSOR: Type = Type::new(&COMPRESSOR_SPEC);
static COMPRESSOR_SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdCompressor",
    basicsize: std::mem::size_of::<Compressor>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_compressor),
    drop: Some(free),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[Compressor::METHODS],
    getsets: &[Compressor::GETSETS],
    doc: "Create a compressor object for compressing data incrementally.\n\n  level\n    The compression level to use. Defaults to COMPRESSION_LEVEL_DEFAULT.\n  options\n    A dict object that contains advanced compression parameters.\n  zstd_dict\n    A ZstdDict object, a pre-trained Zstandard dictionary.\n\nThread-safe at method level. For one-shot compression, use the compress()\nfunction instead.",
    signature: "(level=None, options=None, zstd_dict=None)",
    ..TypeSpec::DEFAULT
};

unsafe fn free(object: *mut Header) {
    // SAFETY: a dead compressor; the context is freed once.
    unsafe { ZSTD_freeCCtx((*object.cast::<Compressor>()).native.replace(std::ptr::null_mut())) };
}

/// Parameters of the constructor; those of the decompressor are in another order.
static PARAMS: ParamSpec = ParamSpec {
    name: "ZstdCompressor",
    names: &["level", "options", "zstd_dict"],
    positional_only: 0,
    positional: 3,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

/// An argument `options`.
pub fn options_arg(cx: &mut Cx, v: Option<Value>, function: &str) -> PyResult<Option<&'static Dict>> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(v) => match v.downcast::<Dict>() {
            Some(dict) => Ok(Some(dict)),
            None => {
                let got = v.class().tp_name();
                raise!(cx, TypeError, "{function}() argument 'options' must be dict, not {got}")
            }
        },
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    bind(cx, &PARAMS, args, &mut bound)?;
    let level = bound[0].filter(|v| !v.is_none());
    let options = options_arg(cx, bound[1], "ZstdCompressor")?;
    if level.is_some() && options.is_some() {
        return raise!(cx, TypeError, "Only one of level or options should be used.");
    }
    let mut settings = Vec::new();
    if let Some(level) = level {
        settings.push((100, params::level(cx, level)?));
    }
    if let Some(options) = options {
        settings = params::options(cx, options, true)?;
    }
    let dict = match bound[2].filter(|v| !v.is_none()) {
        Some(v) => Some(argument(cx, v, Load::Undigested)?),
        None => None,
    };
    // SAFETY: makes a context, or null.
    let native = unsafe { ZSTD_createCCtx() };
    if native.is_null() {
        return Err(cx.memory_error());
    }
    let this = cx.alloc_of(
        class,
        Compressor {
            header: Header::fresh(class),
            native: Cell::new(native),
            dict: Cell::new(dict.map(|d| d.0)),
            as_prefix: Cell::new(dict.is_some_and(|d| d.1 == Load::Prefix)),
            last_mode: Cell::new(FLUSH_FRAME),
        },
    );
    for (key, value) in settings {
        // SAFETY: ZSTD-1.
        let code = unsafe { ZSTD_CCtx_setParameter(native, params::known(key), value) };
        check(cx, code, "Unable to set a compression parameter")?;
    }
    if let Some((dict, how)) = dict {
        load(cx, native, dict, how)?;
    }
    Ok(Value::of(this))
}

fn load(cx: &mut Cx, native: *mut ZSTD_CCtx, dict: &ZstdDict, how: Load) -> PyResult<()> {
    let data = dict.bytes();
    // SAFETY: ZSTD-1; a prefix is only referred to, and the dictionary lives as long as the compressor.
    let code = unsafe {
        match how {
            Load::Prefix => ZSTD_CCtx_refPrefix(native, data.as_ptr().cast(), data.len()),
            _ => ZSTD_CCtx_loadDictionary(native, data.as_ptr().cast(), data.len()),
        }
    };
    check(cx, code, "Unable to load a Zstandard dictionary or prefix for compression").map(|_| ())
}

impl Compressor {
    fn run(&'static self, cx: &mut Cx, data: &[u8], mode: i64) -> PyResult<&'static Bytes> {
        let directive = match mode {
            CONTINUE => ZSTD_EndDirective::ZSTD_e_continue,
            FLUSH_BLOCK => ZSTD_EndDirective::ZSTD_e_flush,
            _ => ZSTD_EndDirective::ZSTD_e_end,
        };
        let native = self.native.get();
        // SAFETY: no arguments.
        let chunk = unsafe { ZSTD_CStreamOutSize() }.min(data.len() / 2 + 1024);
        let mut out = Vec::new();
        let mut input = ZSTD_inBuffer { src: data.as_ptr().cast(), size: data.len(), pos: 0 };
        loop {
            let start = out.len();
            out.resize(start + chunk.max(start), 0u8);
            let mut output = ZSTD_outBuffer { dst: out.as_mut_ptr().cast(), size: out.len(), pos: start };
            // SAFETY: ZSTD-1, and both buffers are valid.
            let left = unsafe { ZSTD_compressStream2(native, &raw mut output, &raw mut input, directive) };
            let (written, full) = (output.pos, output.pos == output.size);
            out.truncate(written);
            if params::error_text(left).is_some() {
                self.last_mode.set(FLUSH_FRAME);
                // SAFETY: ZSTD-1.
                unsafe { ZSTD_CCtx_reset(native, ZSTD_ResetDirective::ZSTD_reset_session_only) };
                check(cx, left, "Unable to compress Zstandard data")?;
            }
            let done = if mode == CONTINUE { input.pos == input.size && !full } else { left == 0 };
            if done {
                break;
            }
        }
        self.last_mode.set(mode);
        if mode == FLUSH_FRAME
            && self.as_prefix.get()
            && let Some(dict) = self.dict.get()
        {
            // A prefix serves one frame.
            load(cx, native, dict, Load::Prefix)?;
        }
        Ok(Bytes::new(cx, &out))
    }
}

#[pymethods]
impl Compressor {
    /// Provide data to the compressor object.
    ///
    ///   mode
    ///     Can be these 3 values ZstdCompressor.CONTINUE,
    ///     ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME
    ///
    /// Return a chunk of compressed data if possible, or b'' otherwise. When you have
    /// finished providing data to the compressor, call the flush() method to finish
    /// the compression process.
    #[py("($self, /, data, mode=ZstdCompressor.CONTINUE)")]
    fn compress(cx: &mut Cx, this: &'static Compressor, data: Held, mode: Option<i64>) -> PyResult<&'static Bytes> {
        let mode = mode.unwrap_or(CONTINUE);
        if !(CONTINUE..=FLUSH_FRAME).contains(&mode) {
            return raise!(
                cx,
                ValueError,
                "mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME."
            );
        }
        this.run(cx, data.bytes(), mode)
    }

    /// Finish the compression process.
    ///
    ///   mode
    ///     Can be these 2 values ZstdCompressor.FLUSH_FRAME,
    ///     ZstdCompressor.FLUSH_BLOCK
    ///
    /// Flush any remaining data left in internal buffers. Since Zstandard data
    /// consists of one or more independent frames, the compressor object can still
    /// be used after this method is called.
    #[py("($self, /, mode=ZstdCompressor.FLUSH_FRAME)")]
    fn flush(cx: &mut Cx, this: &'static Compressor, mode: Option<i64>) -> PyResult<&'static Bytes> {
        let mode = mode.unwrap_or(FLUSH_FRAME);
        if !(FLUSH_BLOCK..=FLUSH_FRAME).contains(&mode) {
            return raise!(
                cx,
                ValueError,
                "mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK."
            );
        }
        this.run(cx, b"", mode)
    }

    /// Set the uncompressed content size to be written into the frame header.
    ///
    ///   size
    ///     The size of the uncompressed data to be provided to the compressor.
    ///
    /// This method can be used to ensure the header of the frame about to be written
    /// includes the size of the data, unless the CompressionParameter.content_size_flag
    /// is set to False. If last_mode != FLUSH_FRAME, then a RuntimeError is raised.
    #[py("($self, size, /)")]
    fn set_pledged_input_size(cx: &mut Cx, this: &'static Compressor, size: Value) -> PyResult<()> {
        const UNKNOWN: u64 = u64::MAX;
        let size = if size.is_none() {
            UNKNOWN
        } else {
            let Some(view) = int::view(size) else { return raise!(cx, TypeError, "an integer is required") };
            let digits = view.digits();
            let wide = digits.iter().rev().take(4).fold(0u128, |n, d| n << 30 | u128::from(*d));
            match u64::try_from(wide).ok().filter(|n| !view.negative && digits.len() < 4 && *n < UNKNOWN - 1) {
                Some(n) => n,
                None => {
                    return raise!(
                        cx,
                        ValueError,
                        "size argument should be a positive int less than 18446744073709551614"
                    );
                }
            }
        };
        if this.last_mode.get() != FLUSH_FRAME {
            let text = "set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME";
            return raise!(cx, ValueError, "{text}");
        }
        // SAFETY: ZSTD-1.
        let code = unsafe { ZSTD_CCtx_setPledgedSrcSize(this.native.get(), size) };
        check(cx, code, "Unable to set pledged uncompressed content size").map(|_| ())
    }

    /// The last mode used to this compressor object.
    #[getter("last_mode")]
    fn last_mode_(_cx: &mut Cx, this: &'static Compressor) -> i64 {
        this.last_mode.get()
    }
}

/// The modes, as attributes of the class.
pub fn add_constants(cx: &mut Cx) {
    for (name, mode) in [("CONTINUE", CONTINUE), ("FLUSH_BLOCK", FLUSH_BLOCK), ("FLUSH_FRAME", FLUSH_FRAME)] {
        let key = cx.intern(name);
        COMPRESSOR.dict().set_str(cx, key, Value::small(mode));
    }
    cx.type_modified(&COMPRESSOR);
}
