//! Unicode 16.0 character properties, as `str` methods and `unicodedata` see them.

#[rustfmt::skip]
mod aliases;
mod case;
mod names;
mod normalize;
#[rustfmt::skip]
mod tables;

pub use case::{
    Mapped, capitalize_str, casefold, casefold_str, is_final_sigma, lower, lower_str, swapcase_str, title, title_str,
    upper, upper_str,
};
pub use names::{lookup, name};
pub use normalize::{Form, is_normalized, normalize};

use tables::*;

/// Version of the Unicode Character Database behind this module.
pub const UNIDATA_VERSION: &str = "16.0.0";

/// What `str` methods need; case mappings are differences to the code point.
struct CType {
    flags: u16,
    decimal: u8,
    digit: u8,
    upper: i32,
    lower: i32,
    title: i32,
}

/// What `unicodedata` needs besides.
struct Ucd {
    category: u8,
    bidi: u8,
    combining: u8,
    width: u8,
    mirrored: bool,
    decomposes: bool,
    quick_check: u8,
}

const BLOCK_BITS: u32 = 7;

#[inline]
fn ctype(cp: u32) -> &'static CType {
    let block = CTYPE_INDEX.get((cp >> BLOCK_BITS) as usize).copied().unwrap_or(CTYPE_INDEX[CTYPE_INDEX.len() - 1]);
    let at = (usize::from(block) << BLOCK_BITS) | (cp & ((1 << BLOCK_BITS) - 1)) as usize;
    &CTYPE_RECORDS[usize::from(CTYPE_BLOCKS[at])]
}

#[inline]
fn ucd(cp: u32) -> &'static Ucd {
    let block = UCD_INDEX.get((cp >> BLOCK_BITS) as usize).copied().unwrap_or(UCD_INDEX[UCD_INDEX.len() - 1]);
    let at = (usize::from(block) << BLOCK_BITS) | (cp & ((1 << BLOCK_BITS) - 1)) as usize;
    &UCD_RECORDS[usize::from(UCD_BLOCKS[at])]
}

macro_rules! predicates {
    ($($(#[$doc:meta])* $name:ident = $flag:ident, $ascii:expr;)*) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name(cp: u32) -> bool {
            if cp < 128 {
                let ascii: fn(u8) -> bool = $ascii;
                ascii(cp as u8)
            } else {
                ctype(cp).flags & $flag != 0
            }
        }
    )* };
}

predicates! {
    /// `str.isalpha` of one character.
    is_alpha = ALPHA, |c| c.is_ascii_alphabetic();
    /// `str.isdecimal` of one character.
    is_decimal = DECIMAL, |c| c.is_ascii_digit();
    /// `str.isdigit` of one character.
    is_digit = DIGIT, |c| c.is_ascii_digit();
    /// `str.isnumeric` of one character.
    is_numeric = NUMERIC, |c| c.is_ascii_digit();
    /// The Lowercase property.
    is_lower = LOWER, |c| c.is_ascii_lowercase();
    /// The Uppercase property.
    is_upper = UPPER, |c| c.is_ascii_uppercase();
    /// General category Lt.
    is_title = TITLE, |_| false;
    /// `str.isspace` of one character.
    is_space = SPACE, |c| matches!(c, 9..=13 | 28..=32);
    /// `str.isprintable` of one character.
    is_printable = PRINTABLE, |c| matches!(c, 32..=126);
    /// A line boundary of `str.splitlines`.
    is_line_break = LINEBREAK, |c| matches!(c, 10..=13 | 28..=30);
    /// The Cased property.
    is_cased = CASED, |c| c.is_ascii_alphabetic();
    /// The Case_Ignorable property.
    is_case_ignorable = CASE_IGNORABLE, |c| matches!(c, b'\'' | b'.' | b':' | b'^' | b'`');
    /// May start an identifier; Python also accepts '_', which this does not.
    is_xid_start = XID_START, |c| c.is_ascii_alphabetic();
    /// May continue an identifier.
    is_xid_continue = XID_CONTINUE, |c| c.is_ascii_alphanumeric() || c == b'_';
}

/// `str.isalnum` of one character.
#[inline]
pub fn is_alnum(cp: u32) -> bool {
    if cp < 128 {
        (cp as u8).is_ascii_alphanumeric()
    } else {
        ctype(cp).flags & (ALPHA | DECIMAL | DIGIT | NUMERIC) != 0
    }
}

/// `unicodedata.decimal`.
#[inline]
pub fn decimal(cp: u32) -> Option<u32> {
    if cp < 128 {
        return char::from(cp as u8).to_digit(10);
    }
    Some(ctype(cp).decimal).filter(|&d| d != 255).map(u32::from)
}

/// `unicodedata.digit`.
pub fn digit(cp: u32) -> Option<u32> {
    Some(ctype(cp).digit).filter(|&d| d != 255).map(u32::from)
}

/// `unicodedata.numeric`.
pub fn numeric(cp: u32) -> Option<f64> {
    digit(cp).map(f64::from).or_else(|| {
        let at = NUMERIC_VALUES.binary_search_by_key(&cp, |row| row.0).ok()?;
        Some(NUMERIC_VALUES[at].1)
    })
}

fn offset(cp: u32, delta: i32) -> u32 {
    cp.wrapping_add_signed(delta)
}

/// Simple (one to one) lower-case mapping.
#[inline]
pub fn to_lower(cp: u32) -> u32 {
    if cp < 128 { u32::from((cp as u8).to_ascii_lowercase()) } else { offset(cp, ctype(cp).lower) }
}

/// Simple (one to one) upper-case mapping.
#[inline]
pub fn to_upper(cp: u32) -> u32 {
    if cp < 128 { u32::from((cp as u8).to_ascii_uppercase()) } else { offset(cp, ctype(cp).upper) }
}

/// Simple (one to one) title-case mapping.
#[inline]
pub fn to_title(cp: u32) -> u32 {
    if cp < 128 { u32::from((cp as u8).to_ascii_uppercase()) } else { offset(cp, ctype(cp).title) }
}

/// `unicodedata.category`.
pub fn category(cp: u32) -> &'static str {
    CATEGORIES[usize::from(ucd(cp).category)]
}

/// `unicodedata.bidirectional`.
pub fn bidirectional(cp: u32) -> &'static str {
    BIDI[usize::from(ucd(cp).bidi)]
}

/// `unicodedata.combining`.
pub fn combining(cp: u32) -> u8 {
    ucd(cp).combining
}

/// `unicodedata.east_asian_width`.
pub fn east_asian_width(cp: u32) -> &'static str {
    WIDTHS[usize::from(ucd(cp).width)]
}

/// `unicodedata.mirrored`.
pub fn mirrored(cp: u32) -> bool {
    ucd(cp).mirrored
}

/// `unicodedata.decomposition`.
pub fn decomposition(cp: u32) -> String {
    let mut parts = [0; 3];
    let (tag, mapping) = match normalize::hangul_parts(cp, &mut parts) {
        0 => normalize::raw_decomposition(cp),
        n => ("", &parts[..n]),
    };
    let mut words: Vec<String> = mapping.iter().map(|c| format!("{c:04X}")).collect();
    if !tag.is_empty() {
        words.insert(0, format!("<{tag}>"));
    }
    words.join(" ")
}

/// `str.isidentifier`.
pub fn is_identifier(text: impl IntoIterator<Item = u32>) -> bool {
    let mut text = text.into_iter();
    let start = text.next().is_some_and(|c| c == u32::from(b'_') || is_xid_start(c));
    start && text.all(is_xid_continue)
}

#[cfg(test)]
mod tests;
