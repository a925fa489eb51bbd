//! Character names.

/// `unicodedata.name`.
pub fn name(cp: u32) -> Option<String> {
    unicode_names2::name(char::from_u32(cp)?).map(|n| n.to_string())
}

/// The single character with this name or alias, in any case; named sequences are not included.
pub fn lookup(name: &str) -> Option<u32> {
    unicode_names2::character(name).map(u32::from)
}
