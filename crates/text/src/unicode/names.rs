//! Character names.

use super::aliases::ALIASES;

/// `unicodedata.name`.
pub fn name(cp: u32) -> Option<String> {
    unicode_names2::name(char::from_u32(cp)?).map(|n| n.to_string())
}

/// The single character with this name or alias, in any case; named sequences are not included.
pub fn lookup(text: &str) -> Option<u32> {
    // unicode_names2 ignores spaces, hyphens and underscores; CPython only ignores case.
    let found = unicode_names2::character(text).map(u32::from);
    if let Some(cp) = found
        && name(cp).is_some_and(|n| n.eq_ignore_ascii_case(text))
    {
        return Some(cp);
    }
    let upper = text.to_ascii_uppercase();
    if let Some(hex) = upper.strip_prefix("TANGUT IDEOGRAPH-") {
        return tangut(hex);
    }
    let at = ALIASES.binary_search_by_key(&&*upper, |row| row.0).ok()?;
    Some(ALIASES[at].1)
}

/// Tangut ideographs: CPython finds them by name, although it does not tell their names.
fn tangut(hex: &str) -> Option<u32> {
    let cp = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 5)?;
    matches!(cp, 0x17000..=0x187f7 | 0x18d00..=0x18d08).then_some(cp)
}
