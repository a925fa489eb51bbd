//! Filter chains: from lists of dicts to what the library wants, and back.

use std::ffi::c_void;

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{iter, number, object};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use xz_sys as xz;

use super::{ERROR, raise_code};

/// The options of a filter, boxed because the library is given their address.
enum Options {
    Lzma(Box<xz::lzma_options_lzma>),
    Delta(Box<xz::lzma_options_delta>),
    Bcj(Box<xz::lzma_options_bcj>),
}

/// One filter.
pub struct Filter {
    id: u64,
    options: Options,
}

/// An unsigned 64-bit argument.
pub fn unsigned(cx: &mut Cx, v: Value) -> PyResult<u64> {
    let index = number::index(cx, v)?;
    let Some(view) = int::view(index) else { return Ok(0) };
    if view.negative {
        return raise!(cx, OverflowError, "can't convert negative value to unsigned int");
    }
    let digits = view.digits();
    let value = digits.iter().take(3).rev().fold(0u128, |sum, digit| sum << 30 | u128::from(*digit));
    match u64::try_from(value) {
        Ok(n) if digits.len() <= 3 => Ok(n),
        _ => raise!(cx, OverflowError, "int too big to convert"),
    }
}

/// The options of a preset.
pub fn preset(level: u32) -> Option<xz::lzma_options_lzma> {
    // SAFETY: all zeros are valid options, which the library fills.
    unsafe {
        let mut options: xz::lzma_options_lzma = std::mem::zeroed();
        (xz::lzma_lzma_preset(&mut options, level) == 0).then_some(options)
    }
}

/// The items of a filter's dict other than `id` and `preset`.
fn settings(cx: &mut Cx, spec: Value, kind: &str, names: &[&str]) -> PyResult<Vec<(usize, u32)>> {
    let mut all = Vec::new();
    let keys = cx.call_method_text(spec, "keys", &[])?;
    let keys = iter::to_list(cx, keys)?;
    for i in 0..keys.len() {
        let Some(key) = keys.get(i) else { break };
        let Some(name) = key.downcast::<Str>() else {
            return raise!(cx, ValueError, "Invalid filter specifier for {kind} filter");
        };
        if name.eq_rust("id") || (name.eq_rust("preset") && kind == "LZMA") {
            continue;
        }
        let place = names.iter().position(|n| name.eq_rust(n));
        let value = object::get_item(cx, spec, key)?;
        let number = match place {
            Some(_) => unsigned(cx, value).ok().and_then(|n| u32::try_from(n).ok()),
            None => None,
        };
        let (Some(place), Some(number)) = (place, number) else {
            if cx.exception().is_some() {
                cx.take_exception();
            }
            return raise!(cx, ValueError, "Invalid filter specifier for {kind} filter");
        };
        all.push((place, number));
    }
    Ok(all)
}

fn item(cx: &mut Cx, spec: Value, name: &str) -> PyResult<Option<Value>> {
    let key = cx.str(name);
    let found = object::get_item(cx, spec, key);
    cx.catch(found, &exceptions::KeyError)
}

impl Filter {
    /// The filter that a dict describes.
    pub fn parse(cx: &mut Cx, spec: Value) -> PyResult<Filter> {
        if spec.class().slots().getitem.is_none() || spec.downcast::<Str>().is_some() {
            return raise!(cx, TypeError, "Filter specifier must be a dict or dict-like object");
        }
        let Some(id) = item(cx, spec, "id")? else {
            return raise!(cx, ValueError, "Filter specifier must have an \"id\" entry");
        };
        let id = unsigned(cx, id)?;
        let options = match id {
            xz::LZMA_FILTER_LZMA1 | xz::LZMA_FILTER_LZMA2 => Options::Lzma(Box::new(lzma(cx, spec)?)),
            xz::LZMA_FILTER_DELTA => {
                // SAFETY: all zeros are valid options.
                let mut options: xz::lzma_options_delta = unsafe { std::mem::zeroed() };
                options.dist = 1;
                for (_, value) in settings(cx, spec, "delta", &["dist"])? {
                    options.dist = value;
                }
                Options::Delta(Box::new(options))
            }
            xz::LZMA_FILTER_X86
            | xz::LZMA_FILTER_POWERPC
            | xz::LZMA_FILTER_IA64
            | xz::LZMA_FILTER_ARM
            | xz::LZMA_FILTER_ARMTHUMB
            | xz::LZMA_FILTER_SPARC => {
                let mut options = xz::lzma_options_bcj { start_offset: 0 };
                for (_, value) in settings(cx, spec, "BCJ", &["start_offset"])? {
                    options.start_offset = value;
                }
                Options::Bcj(Box::new(options))
            }
            _ => return raise!(cx, ValueError, "Invalid filter ID: {id}"),
        };
        Ok(Filter { id, options })
    }

    /// For the library; valid as long as the filter.
    pub fn native(&self) -> xz::lzma_filter {
        let options: *const c_void = match &self.options {
            Options::Lzma(o) => (&raw const **o).cast(),
            Options::Delta(o) => (&raw const **o).cast(),
            Options::Bcj(o) => (&raw const **o).cast(),
        };
        xz::lzma_filter { id: self.id, options: options.cast_mut() }
    }
}

fn lzma(cx: &mut Cx, spec: Value) -> PyResult<xz::lzma_options_lzma> {
    let level = match item(cx, spec, "preset")? {
        Some(v) => unsigned(cx, v)? as u32,
        None => xz::LZMA_PRESET_DEFAULT,
    };
    let Some(mut options) = preset(level) else {
        return Err(cx.raise_text(&ERROR, &format!("Invalid compression preset: {level}")));
    };
    let names = ["dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"];
    for (place, value) in settings(cx, spec, "LZMA", &names)? {
        match place {
            0 => options.dict_size = value,
            1 => options.lc = value,
            2 => options.lp = value,
            3 => options.pb = value,
            4 => options.mode = value as _,
            5 => options.nice_len = value,
            6 => options.mf = value as _,
            _ => options.depth = value,
        }
    }
    Ok(options)
}

/// A chain of filters.
pub struct Chain {
    filters: Vec<Filter>,
    native: Vec<xz::lzma_filter>,
}

impl Chain {
    /// The chain that a sequence of dicts describes.
    pub fn parse(cx: &mut Cx, specs: Value) -> PyResult<Chain> {
        let specs = iter::to_list(cx, specs)?;
        if specs.len() > xz::LZMA_FILTERS_MAX as usize {
            let most = xz::LZMA_FILTERS_MAX;
            return raise!(cx, ValueError, "Too many filters - liblzma supports a maximum of {most}");
        }
        let mut filters = Vec::new();
        for i in 0..specs.len() {
            let Some(spec) = specs.get(i) else { break };
            filters.push(Filter::parse(cx, spec)?);
        }
        let mut native: Vec<_> = filters.iter().map(Filter::native).collect();
        native.push(xz::lzma_filter { id: xz::LZMA_VLI_UNKNOWN, options: std::ptr::null_mut() });
        Ok(Chain { filters, native })
    }

    /// For the library.
    pub fn as_ptr(&self) -> *const xz::lzma_filter {
        self.native.as_ptr()
    }

    /// The options, if the chain is one LZMA1 filter.
    pub fn single_lzma1(&self) -> Option<&xz::lzma_options_lzma> {
        match self.filters.as_slice() {
            [Filter { id: xz::LZMA_FILTER_LZMA1, options: Options::Lzma(options) }] => Some(options),
            _ => None,
        }
    }
}

/// The dict that describes a filter with these encoded options.
pub fn describe(cx: &mut Cx, id: u64, encoded: &[u8]) -> PyResult<&'static Dict> {
    let mut filter = xz::lzma_filter { id, options: std::ptr::null_mut() };
    // SAFETY: the library allocates options of the filter's kind, which are copied and freed.
    let mut fields: Vec<(&str, u64)> = vec![("id", id)];
    unsafe {
        let code = xz::lzma_properties_decode(&mut filter, std::ptr::null(), encoded.as_ptr(), encoded.len());
        if code != xz::LZMA_OK {
            return Err(raise_code(cx, code));
        }
        match id {
            xz::LZMA_FILTER_LZMA1 | xz::LZMA_FILTER_LZMA2 => {
                if let Some(options) = filter.options.cast::<xz::lzma_options_lzma>().as_ref() {
                    fields.push(("dict_size", options.dict_size.into()));
                    if id == xz::LZMA_FILTER_LZMA1 {
                        let (lc, lp, pb) = (options.lc, options.lp, options.pb);
                        fields.extend([("lc", lc.into()), ("lp", lp.into()), ("pb", pb.into())]);
                    }
                }
            }
            xz::LZMA_FILTER_DELTA => {
                if let Some(options) = filter.options.cast::<xz::lzma_options_delta>().as_ref() {
                    fields.push(("dist", options.dist.into()));
                }
            }
            _ => {
                if let Some(options) = filter.options.cast::<xz::lzma_options_bcj>().as_ref() {
                    fields.push(("start_offset", options.start_offset.into()));
                }
            }
        }
        xz::lzma_free(filter.options, std::ptr::null());
    }
    let dict = Dict::new(cx);
    for (name, value) in fields {
        let (name, value) = (cx.intern(name), cx.int_u64(value));
        dict.set_str(cx, name, value);
    }
    Ok(dict)
}
