//! Parameters of compression and decompression.

use std::ffi::CStr;

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host::Global;
use zstd_sys::{
    ZSTD_bounds, ZSTD_cParam_getBounds, ZSTD_cParameter, ZSTD_dParam_getBounds, ZSTD_dParameter, ZSTD_getErrorName,
    ZSTD_isError,
};

use crate::module::ERROR;

/// The enumerations that `compression.zstd` made of the parameters.
pub static COMPRESSION_TYPE: Global = Global::new();
pub static DECOMPRESSION_TYPE: Global = Global::new();

/// Parameters of compression: constant, number, and name in messages.
pub const COMPRESSION: [(&str, i64, &str); 19] = [
    ("ZSTD_c_compressionLevel", 100, "compression_level"),
    ("ZSTD_c_windowLog", 101, "window_log"),
    ("ZSTD_c_hashLog", 102, "hash_log"),
    ("ZSTD_c_chainLog", 103, "chain_log"),
    ("ZSTD_c_searchLog", 104, "search_log"),
    ("ZSTD_c_minMatch", 105, "min_match"),
    ("ZSTD_c_targetLength", 106, "target_length"),
    ("ZSTD_c_strategy", 107, "strategy"),
    ("ZSTD_c_enableLongDistanceMatching", 160, "enable_long_distance_matching"),
    ("ZSTD_c_ldmHashLog", 161, "ldm_hash_log"),
    ("ZSTD_c_ldmMinMatch", 162, "ldm_min_match"),
    ("ZSTD_c_ldmBucketSizeLog", 163, "ldm_bucket_size_log"),
    ("ZSTD_c_ldmHashRateLog", 164, "ldm_hash_rate_log"),
    ("ZSTD_c_contentSizeFlag", 200, "content_size_flag"),
    ("ZSTD_c_checksumFlag", 201, "checksum_flag"),
    ("ZSTD_c_dictIDFlag", 202, "dict_id_flag"),
    ("ZSTD_c_nbWorkers", 400, "nb_workers"),
    ("ZSTD_c_jobSize", 401, "job_size"),
    ("ZSTD_c_overlapLog", 402, "overlap_log"),
];
/// The parameter of decompression.
pub const WINDOW_LOG_MAX: i64 = 100;

/// The text of a code, if it is an error.
pub fn error_text(code: usize) -> Option<String> {
    // SAFETY: the functions take any number; names are constant C strings.
    unsafe {
        if ZSTD_isError(code) == 0 {
            return None;
        }
        Some(CStr::from_ptr(ZSTD_getErrorName(code)).to_string_lossy().into_owned())
    }
}

/// Raises ZstdError if the code is an error: `what: text`.
pub fn check(cx: &mut Cx, code: usize, what: &str) -> PyResult<usize> {
    match error_text(code) {
        None => Ok(code),
        Some(text) => Err(cx.raise_text(&ERROR, &format!("{what}: {text}"))),
    }
}

fn compression_parameter(key: i64) -> Option<ZSTD_cParameter> {
    use ZSTD_cParameter::*;
    Some(match key {
        100 => ZSTD_c_compressionLevel,
        101 => ZSTD_c_windowLog,
        102 => ZSTD_c_hashLog,
        103 => ZSTD_c_chainLog,
        104 => ZSTD_c_searchLog,
        105 => ZSTD_c_minMatch,
        106 => ZSTD_c_targetLength,
        107 => ZSTD_c_strategy,
        160 => ZSTD_c_enableLongDistanceMatching,
        161 => ZSTD_c_ldmHashLog,
        162 => ZSTD_c_ldmMinMatch,
        163 => ZSTD_c_ldmBucketSizeLog,
        164 => ZSTD_c_ldmHashRateLog,
        200 => ZSTD_c_contentSizeFlag,
        201 => ZSTD_c_checksumFlag,
        202 => ZSTD_c_dictIDFlag,
        400 => ZSTD_c_nbWorkers,
        401 => ZSTD_c_jobSize,
        402 => ZSTD_c_overlapLog,
        _ => return None,
    })
}

/// Bounds of a parameter. ZstdError for unknown ones.
pub fn bounds(cx: &mut Cx, key: i64, compresses: bool) -> PyResult<(i32, i32)> {
    // SAFETY: the functions take any known parameter.
    let bounds: Option<ZSTD_bounds> = match (compresses, compression_parameter(key)) {
        (true, Some(parameter)) => Some(unsafe { ZSTD_cParam_getBounds(parameter) }),
        (false, _) if key == WINDOW_LOG_MAX => {
            // SAFETY: as above.
            Some(unsafe { ZSTD_dParam_getBounds(ZSTD_dParameter::ZSTD_d_windowLogMax) })
        }
        _ => None,
    };
    match bounds.filter(|b| error_text(b.error).is_none()) {
        Some(b) => Ok((b.lowerBound, b.upperBound)),
        None => {
            let kind = if compresses { "compression" } else { "decompression" };
            let text = format!("Unable to get zstd {kind} parameter bounds: Unsupported parameter");
            Err(cx.raise_text(&ERROR, &text))
        }
    }
}

/// The parameter's name in messages.
fn name_of(key: i64, compresses: bool) -> String {
    let known = if compresses { COMPRESSION.iter().find(|row| row.1 == key).map(|row| row.2) } else { None };
    match known {
        Some(name) => name.to_string(),
        None if !compresses && key == WINDOW_LOG_MAX => "window_log_max".to_string(),
        None => format!("unknown parameter (key {key})"),
    }
}

/// The options in a dict, checked: pairs of parameter and value.
pub fn options(cx: &mut Cx, dict: &'static Dict, compresses: bool) -> PyResult<Vec<(i64, i32)>> {
    let (kind, wrong, wrong_name) = if compresses {
        ("compression", DECOMPRESSION_TYPE.get(), "DecompressionParameter")
    } else {
        ("decompression", COMPRESSION_TYPE.get(), "CompressionParameter")
    };
    let (mut out, mut position) = (Vec::new(), 0);
    while let Some((key, value)) = dict.next_item(&mut position) {
        if wrong.is_some_and(|class| Value::of(key.class()) == class) {
            return raise!(cx, TypeError, "{kind} options dictionary key must not be a {wrong_name} attribute");
        }
        let key = number::to_i64(cx, key)?;
        let value = number::to_i64(cx, value)?;
        out.push((key, checked(cx, key, value, compresses)?));
    }
    Ok(out)
}

fn checked(cx: &mut Cx, key: i64, value: i64, compresses: bool) -> PyResult<i32> {
    let kind = if compresses { "compression" } else { "decompression" };
    let name = name_of(key, compresses);
    let Ok((low, high)) = bounds(cx, key, compresses) else {
        cx.take_exception();
        return raise!(cx, ValueError, "invalid {kind} parameter '{name}'");
    };
    match i32::try_from(value).ok().filter(|v| (low..=high).contains(v)) {
        Some(value) => Ok(value),
        None if compresses && key == 100 => {
            raise!(cx, ValueError, "illegal compression level {value}; the valid range is [{low}, {high}]")
        }
        None => raise!(
            cx,
            ValueError,
            "{kind} parameter '{name}' received an illegal value {value}; the valid range is [{low}, {high}]"
        ),
    }
}

/// A compression level.
pub fn level(cx: &mut Cx, v: Value) -> PyResult<i32> {
    if !int::check(v) {
        return raise!(cx, TypeError, "invalid type for level, expected int");
    }
    match int::as_i64(v) {
        Some(level) => checked(cx, 100, level, true),
        None => {
            let (low, high) = bounds(cx, 100, true)?;
            raise!(cx, ValueError, "illegal compression level; the valid range is [{low}, {high}]")
        }
    }
}

/// The library's value of a parameter that [`options`] let pass.
pub fn known(key: i64) -> ZSTD_cParameter {
    compression_parameter(key).unwrap_or(ZSTD_cParameter::ZSTD_c_compressionLevel)
}
