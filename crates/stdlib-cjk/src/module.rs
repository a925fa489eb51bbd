//! The modules.

use std::collections::HashMap;
use std::sync::Mutex;

use taipan_runtime::native::{NativeDef, NativeKind};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::codec::{self, Codec};
use crate::multibyte::MultibyteCodec;
use crate::streams::{INCREMENTAL_DECODER, INCREMENTAL_ENCODER, STREAM_READER, STREAM_WRITER};

/// A module's codecs, and its function that finds them.
pub struct Country {
    codecs: &'static [&'static str],
    functions: &'static [NativeDef],
}

macro_rules! countries {
    ($($(#[$doc:meta])* $name:ident: $($codec:literal)*;)*) => { $(
        $(#[$doc])*
        pub const $name: &Country = &Country {
            codecs: &[$($codec),*],
            functions: &[NativeDef {
                name: "getcodec",
                signature: "($module, encoding, /)",
                doc: "",
                kind: NativeKind::Function,
                call: |cx, args| get_codec(cx, args, $name),
            }],
        };
    )* };
}

countries! {
    /// China.
    CN: "gb2312" "gbk" "gb18030" "hz";
    /// Hong Kong.
    HK: "big5hkscs";
    /// Several.
    ISO2022: "iso2022_kr" "iso2022_jp" "iso2022_jp_1" "iso2022_jp_2" "iso2022_jp_2004" "iso2022_jp_3" "iso2022_jp_ext";
    /// Japan.
    JP: "shift_jis" "cp932" "euc_jp" "shift_jis_2004" "euc_jis_2004" "euc_jisx0213" "shift_jisx0213";
    /// Korea.
    KR: "euc_kr" "cp949" "johab";
    /// Taiwan.
    TW: "big5" "cp950";
}

/// The codecs asked for so far; they live for ever.
static CODECS: Mutex<Option<HashMap<&'static str, &'static Codec>>> = Mutex::new(None);

fn get_codec(cx: &mut Cx, args: Args, country: &'static Country) -> PyResult<Value> {
    args.no_keywords(cx, "getcodec")?;
    let &[encoding] = args.values() else {
        let n = args.values().len();
        return raise!(cx, TypeError, "getcodec() takes exactly one argument ({n} given)");
    };
    let Some(encoding) = encoding.downcast::<Str>() else {
        return raise!(cx, TypeError, "encoding name must be a string.");
    };
    let found = country.codecs.iter().find(|name| encoding.eq_rust(name));
    let codec = found.and_then(|name| {
        let mut known = CODECS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = known.get_or_insert_default();
        if !known.contains_key(name) {
            known.insert(name, Box::leak(Box::new(codec::find(name)?)));
        }
        known.get(name).copied()
    });
    match (found, codec) {
        (Some(name), Some(codec)) => Ok(Value::of(MultibyteCodec::make(cx, name, codec))),
        _ => raise!(cx, LookupError, "no such codec is supported."),
    }
}

/// Makes a country's module. May collect.
pub fn country(cx: &mut Cx, name: &str, country: &'static Country) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, name, "", country.functions);
    module.set(cx, "__doc__", Value::none());
    Ok(module)
}

/// Makes `_multibytecodec`. May collect.
pub fn multibyte(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_multibytecodec", "", &[]);
    module.set(cx, "__doc__", Value::none());
    for class in [&INCREMENTAL_ENCODER, &INCREMENTAL_DECODER, &STREAM_READER, &STREAM_WRITER] {
        module.add_type(cx, class);
    }
    Ok(module)
}
