//! Dictionaries.

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use zstd_sys::ZSTD_getDictID_fromDict;

/// How a dictionary is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Digested once (here: as the next, which gives the same result).
    Digested,
    /// Read each time.
    Undigested,
    /// As if it came before the data.
    Prefix,
}

/// A dictionary.
#[repr(C)]
pub struct ZstdDict {
    header: Header,
    id: u32,
    content: Value,
}
object!(ZstdDict, ZSTD_DICT);
trace_values!(trace_dict, ZstdDict, |t| [Some(t.content)]);

/// The type `ZstdDict`.
pub static ZSTD_DICT: Type = Type::new(&ZSTD_DICT_SPEC);
static ZSTD_DICT_SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdDict",
    basicsize: std::mem::size_of::<ZstdDict>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_dict),
    slots: Slots {
        new: Some(new),
        repr: Some(|cx, v| {
            // SAFETY: the slot of this type.
            let this: &'static ZstdDict = unsafe { v.cast() };
            let text = format!("<ZstdDict dict_id={} dict_size={}>", this.id, this.bytes().len());
            Ok(cx.str(&text))
        }),
        // SAFETY: the slot of this type.
        len: Some(|_, v| Ok(unsafe { v.cast::<ZstdDict>() }.bytes().len())),
        ..Slots::NONE
    },
    methods: &[],
    getsets: &[ZstdDict::GETSETS],
    doc: "Represents a Zstandard dictionary.\n\n  dict_content\n    The content of a Zstandard dictionary as a bytes-like object.\n  is_raw\n    If true, perform no checks on *dict_content*, useful for some\n    advanced cases. Otherwise, check that the content represents\n    a Zstandard dictionary created by the zstd library or CLI.\n\nThe dictionary can be used for compression or decompression, and can be shared\nby multiple ZstdCompressor or ZstdDecompressor objects.",
    signature: "(dict_content, /, *, is_raw=False)",
    ..TypeSpec::DEFAULT
};

static PARAMS: ParamSpec = ParamSpec {
    name: "ZstdDict",
    names: &["dict_content", "is_raw"],
    positional_only: 1,
    positional: 1,
    required: 1,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.pos().is_empty() {
        return raise!(cx, TypeError, "ZstdDict() takes exactly 1 positional argument (0 given)");
    }
    let mut bound = [None; 2];
    bind(cx, &PARAMS, args, &mut bound)?;
    let is_raw = match bound[1] {
        Some(v) => protocol::truth(cx, v)?,
        None => false,
    };
    let held = buffer::hold(cx, bound[0].expect("required"), 0)?;
    let content = held.bytes().to_vec();
    if content.len() < 8 {
        return raise!(cx, ValueError, "Zstandard dictionary content too short (must have at least eight bytes)");
    }
    // SAFETY: a valid range.
    let id = unsafe { ZSTD_getDictID_fromDict(content.as_ptr().cast(), content.len()) };
    if id == 0 && !is_raw {
        return raise!(cx, ValueError, "invalid Zstandard dictionary");
    }
    let content = Value::of(Bytes::new(cx, &content));
    Ok(Value::of(cx.alloc_of(class, ZstdDict { header: Header::fresh(class), id, content })))
}

impl ZstdDict {
    /// The content.
    pub fn bytes(&self) -> &'static [u8] {
        taipan_runtime::types::bytes::data_of(self.content).unwrap_or(&[])
    }

    fn loaded(&'static self, cx: &mut Cx, how: i64) -> Value {
        Value::of(Tuple::new(cx, &[Value::of(self), Value::small(how)]))
    }
}

/// An argument `zstd_dict`: a dictionary, or a pair with the way to load it.
pub fn argument(cx: &mut Cx, v: Value, default: Load) -> PyResult<(&'static ZstdDict, Load)> {
    if let Some(dict) = v.downcast::<ZstdDict>() {
        return Ok((dict, default));
    }
    if let Some([dict, how]) = v.downcast::<Tuple>().map(|t| t.items())
        && let Some(dict) = dict.downcast::<ZstdDict>()
    {
        let how = match int::as_i64(*how) {
            Some(0) => Some(Load::Digested),
            Some(1) => Some(Load::Undigested),
            Some(2) => Some(Load::Prefix),
            _ => None,
        };
        if let Some(how) = how {
            return Ok((dict, how));
        }
    }
    raise!(cx, TypeError, "zstd_dict argument should be a ZstdDict object.")
}

#[pymethods]
impl ZstdDict {
    /// The Zstandard dictionary, an int between 0 and 2**32.
    #[getter]
    fn dict_id(_cx: &mut Cx, this: &'static ZstdDict) -> i64 {
        i64::from(this.id)
    }

    /// The content of a Zstandard dictionary, as a bytes object.
    #[getter]
    fn dict_content(_cx: &mut Cx, this: &'static ZstdDict) -> Value {
        this.content
    }

    /// Load as a digested dictionary to compressor.
    #[getter]
    fn as_digested_dict(cx: &mut Cx, this: &'static ZstdDict) -> Value {
        this.loaded(cx, 0)
    }

    /// Load as an undigested dictionary to compressor.
    #[getter]
    fn as_undigested_dict(cx: &mut Cx, this: &'static ZstdDict) -> Value {
        this.loaded(cx, 1)
    }

    /// Load as a prefix to compressor/decompressor.
    #[getter]
    fn as_prefix(cx: &mut Cx, this: &'static ZstdDict) -> Value {
        this.loaded(cx, 2)
    }
}
