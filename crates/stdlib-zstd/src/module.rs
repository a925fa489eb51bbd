//! The module and its functions.

use std::ffi::CStr;

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use taipan_stdlib::host;
use zstd_sys::{
    ZDICT_finalizeDictionary, ZDICT_params_t, ZDICT_trainFromBuffer, ZSTD_DStreamOutSize, ZSTD_findFrameCompressedSize,
    ZSTD_getDictID_fromFrame, ZSTD_getFrameContentSize, ZSTD_versionNumber, ZSTD_versionString,
};

use crate::compress::{self, COMPRESSOR};
use crate::decompress::DECOMPRESSOR;
use crate::dict::ZSTD_DICT;
use crate::params::{self, COMPRESSION, COMPRESSION_TYPE, DECOMPRESSION_TYPE, WINDOW_LOG_MAX, check, error_text};

/// `compression.zstd.ZstdError`.
pub static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdError",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    doc: "An error occurred in the zstd library.",
    ..TypeSpec::DEFAULT
};

struct Functions;

/// Sizes of samples, which together must have `total` bytes.
fn sample_sizes(cx: &mut Cx, v: Value, total: usize, function: &str, argument: u32) -> PyResult<Vec<usize>> {
    let Some(tuple) = v.downcast::<Tuple>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "{function}() argument {argument} must be tuple, not {got}");
    };
    let mut sizes = Vec::with_capacity(tuple.len());
    for size in tuple.items() {
        let n = number::to_i64(cx, *size);
        let n = cx.catch(n, &exceptions::OverflowError)?.and_then(|n| usize::try_from(n).ok());
        match n {
            Some(n) => sizes.push(n),
            None => {
                return raise!(
                    cx,
                    ValueError,
                    "Items in samples_sizes should be an int object, with a value between 0 and {}.",
                    usize::MAX
                );
            }
        }
    }
    if sizes.iter().try_fold(0usize, |sum, n| sum.checked_add(*n)) != Some(total) {
        return raise!(cx, ValueError, "The samples size tuple doesn't match the concatenation's size.");
    }
    Ok(sizes)
}

fn dictionary_size(cx: &mut Cx, size: isize) -> PyResult<usize> {
    match usize::try_from(size).ok().filter(|n| (1..1 << 32).contains(n)) {
        Some(n) => Ok(n),
        None => raise!(cx, ValueError, "dict_size argument should be positive number."),
    }
}

#[pymethods]
impl Functions {
    /// Train a Zstandard dictionary on sample data.
    ///
    ///   samples_bytes
    ///     Concatenation of samples.
    ///   samples_sizes
    ///     Tuple of samples' sizes.
    ///   dict_size
    ///     The size of the dictionary.
    #[py("($module, samples_bytes, samples_sizes, dict_size, /)")]
    fn train_dict(
        cx: &mut Cx,
        samples_bytes: &'static Bytes,
        samples_sizes: Value,
        dict_size: isize,
    ) -> PyResult<&'static Bytes> {
        let size = dictionary_size(cx, dict_size)?;
        let samples = samples_bytes.data();
        let sizes = sample_sizes(cx, samples_sizes, samples.len(), "train_dict", 2)?;
        let mut out = cx.zeroed(size)?;
        // SAFETY: the sizes add up to the samples.
        let code = host::blocking(cx, || unsafe {
            ZDICT_trainFromBuffer(
                out.as_mut_ptr().cast(),
                out.len(),
                samples.as_ptr().cast(),
                sizes.as_ptr(),
                sizes.len() as u32,
            )
        });
        let n = check(cx, code, "Unable to train the Zstandard dictionary")?;
        Ok(Bytes::new(cx, &out[..n]))
    }

    /// Finalize a Zstandard dictionary.
    ///
    ///   custom_dict_bytes
    ///     Custom dictionary content.
    ///   samples_bytes
    ///     Concatenation of samples.
    ///   samples_sizes
    ///     Tuple of samples' sizes.
    ///   dict_size
    ///     The size of the dictionary.
    ///   compression_level
    ///     Optimize for a specific Zstandard compression level, 0 means default.
    #[py("($module, custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level, /)")]
    fn finalize_dict(
        cx: &mut Cx,
        custom_dict_bytes: &'static Bytes,
        samples_bytes: &'static Bytes,
        samples_sizes: Value,
        dict_size: isize,
        compression_level: i32,
    ) -> PyResult<&'static Bytes> {
        let size = dictionary_size(cx, dict_size)?;
        let (content, samples) = (custom_dict_bytes.data(), samples_bytes.data());
        let sizes = sample_sizes(cx, samples_sizes, samples.len(), "finalize_dict", 3)?;
        let params = ZDICT_params_t { compressionLevel: compression_level, notificationLevel: 0, dictID: 0 };
        let mut out = cx.zeroed(size)?;
        // SAFETY: the sizes add up to the samples.
        let code = host::blocking(cx, || unsafe {
            ZDICT_finalizeDictionary(
                out.as_mut_ptr().cast(),
                out.len(),
                content.as_ptr().cast(),
                content.len(),
                samples.as_ptr().cast(),
                sizes.as_ptr(),
                sizes.len() as u32,
                params,
            )
        });
        let n = check(cx, code, "Unable to finalize the Zstandard dictionary")?;
        Ok(Bytes::new(cx, &out[..n]))
    }

    /// Get CompressionParameter/DecompressionParameter bounds.
    ///
    ///   parameter
    ///     The parameter to get bounds.
    ///   is_compress
    ///     True for CompressionParameter, False for DecompressionParameter.
    #[py("($module, /, parameter, is_compress)")]
    fn get_param_bounds(cx: &mut Cx, parameter: i32, is_compress: bool) -> PyResult<Value> {
        let (low, high) = params::bounds(cx, i64::from(parameter), is_compress)?;
        let pair = [low, high].map(|n| Value::small(i64::from(n)));
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    /// Get the size of a Zstandard frame, including the header and optional checksum.
    ///
    ///   frame_buffer
    ///     A bytes-like object, it should start from the beginning of a frame,
    ///     and contains at least one complete frame.
    #[py("($module, /, frame_buffer)")]
    fn get_frame_size(cx: &mut Cx, frame_buffer: Held) -> PyResult<usize> {
        let data = frame_buffer.bytes();
        // SAFETY: a valid range.
        let size = unsafe { ZSTD_findFrameCompressedSize(data.as_ptr().cast(), data.len()) };
        match error_text(size) {
            None => Ok(size),
            Some(text) => {
                let message = format!(
                    "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete frame. Zstd error message: {text}."
                );
                Err(cx.raise_text(&ERROR, &message))
            }
        }
    }

    /// Get Zstandard frame infomation from a frame header.
    ///
    ///   frame_buffer
    ///     A bytes-like object, containing the header of a Zstandard frame.
    #[py("($module, /, frame_buffer)")]
    fn get_frame_info(cx: &mut Cx, frame_buffer: Held) -> PyResult<Value> {
        const UNKNOWN: u64 = u64::MAX;
        const FAILED: u64 = u64::MAX - 1;
        let data = frame_buffer.bytes();
        // SAFETY: a valid range.
        let (size, id) = unsafe {
            (
                ZSTD_getFrameContentSize(data.as_ptr().cast(), data.len()),
                ZSTD_getDictID_fromFrame(data.as_ptr().cast(), data.len()),
            )
        };
        let size = match size {
            FAILED => {
                let text = "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than the frame header (6~18 bytes).";
                return Err(cx.raise_text(&ERROR, text));
            }
            UNKNOWN => Value::none(),
            size => cx.int_u64(size),
        };
        Ok(Value::of(Tuple::new(cx, &[size, Value::small(i64::from(id))])))
    }

    /// Set CompressionParameter and DecompressionParameter types for validity check.
    ///
    ///   c_parameter_type
    ///     CompressionParameter IntEnum type object
    ///   d_parameter_type
    ///     DecompressionParameter IntEnum type object
    #[py("($module, /, c_parameter_type, d_parameter_type)")]
    fn set_parameter_types(cx: &mut Cx, c_parameter_type: Value, d_parameter_type: Value) -> PyResult<()> {
        for (name, v) in [("c_parameter_type", c_parameter_type), ("d_parameter_type", d_parameter_type)] {
            if v.downcast::<Type>().is_none() {
                let got = v.class().tp_name();
                return raise!(cx, TypeError, "set_parameter_types() argument '{name}' must be type, not {got}");
            }
        }
        COMPRESSION_TYPE.set(cx, c_parameter_type);
        DECOMPRESSION_TYPE.set(cx, d_parameter_type);
        Ok(())
    }
}

const STRATEGIES: [&str; 9] = [
    "ZSTD_fast",
    "ZSTD_dfast",
    "ZSTD_greedy",
    "ZSTD_lazy",
    "ZSTD_lazy2",
    "ZSTD_btlazy2",
    "ZSTD_btopt",
    "ZSTD_btultra",
    "ZSTD_btultra2",
];

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module =
        taipan_stdlib::make(cx, "_zstd", "Implementation module for Zstandard compression.", Functions::METHODS);
    for class in [&ERROR, &ZSTD_DICT, &COMPRESSOR, &DECOMPRESSOR] {
        module.add_type(cx, class);
    }
    compress::add_constants(cx);
    for (name, key, _) in COMPRESSION {
        module.set(cx, name, Value::small(key));
    }
    module.set(cx, "ZSTD_d_windowLogMax", Value::small(WINDOW_LOG_MAX));
    for (i, name) in STRATEGIES.iter().enumerate() {
        module.set(cx, name, Value::small(i as i64 + 1));
    }
    module.set(cx, "ZSTD_CLEVEL_DEFAULT", Value::small(3));
    // SAFETY: no arguments; the version is a constant C string.
    let (version, number, size) = unsafe {
        (CStr::from_ptr(ZSTD_versionString()).to_string_lossy(), ZSTD_versionNumber(), ZSTD_DStreamOutSize())
    };
    let version = cx.str(&version);
    module.set(cx, "zstd_version", version);
    module.set(cx, "zstd_version_number", Value::small(i64::from(number)));
    module.set(cx, "ZSTD_DStreamOutSize", Value::small(size as i64));
    Ok(module)
}
