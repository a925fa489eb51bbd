//! The East Asian multibyte codecs: `_multibytecodec` and the `_codecs_*` modules.

mod codec;
mod iso2022;
mod module;
mod multibyte;
mod streams;
mod tables;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[
    ("_codecs_cn", |cx| module::country(cx, "_codecs_cn", module::CN)),
    ("_codecs_hk", |cx| module::country(cx, "_codecs_hk", module::HK)),
    ("_codecs_iso2022", |cx| module::country(cx, "_codecs_iso2022", module::ISO2022)),
    ("_codecs_jp", |cx| module::country(cx, "_codecs_jp", module::JP)),
    ("_codecs_kr", |cx| module::country(cx, "_codecs_kr", module::KR)),
    ("_codecs_tw", |cx| module::country(cx, "_codecs_tw", module::TW)),
    ("_multibytecodec", module::multibyte),
];
