//! `repr` of strings and bytes.

use crate::unicode::is_printable;

/// Picks the quote: single, unless the text has single and no double quotes.
fn quote(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

/// Appends the backslash escape of a code point: `\xhh`, `\uhhhh` or `\Uhhhhhhhh`.
pub fn push_escape(cp: u32, out: &mut String) {
    let (letter, digits) = match cp {
        0..=0xff => ('x', 2),
        0x100..=0xffff => ('u', 4),
        _ => ('U', 8),
    };
    out.push('\\');
    out.push(letter);
    out.extend((0..digits).rev().map(|i| char::from(b"0123456789abcdef"[(cp >> (4 * i) & 15) as usize])));
}

fn push_quoted(text: impl Iterator<Item = u32>, q: char, out: &mut String, plain: impl Fn(u32) -> bool) {
    out.push(q);
    for c in text {
        match c {
            0x20..=0x7e if c != 0x5c && c != u32::from(q) => out.push(c as u8 as char),
            0x5c => out.push_str("\\\\"),
            0x0a => out.push_str("\\n"),
            0x0d => out.push_str("\\r"),
            0x09 => out.push_str("\\t"),
            _ if c == u32::from(q) => {
                out.push('\\');
                out.push(q);
            }
            _ => match char::from_u32(c) {
                Some(ch) if plain(c) => out.push(ch),
                _ => push_escape(c, out),
            },
        }
    }
    out.push(q);
}

fn has(text: impl Iterator<Item = u32>) -> (bool, bool) {
    text.fold((false, false), |(s, d), c| (s || c == 0x27, d || c == 0x22))
}

/// Appends `repr(str)`. The result never has surrogates: they are not printable.
pub fn push_str_repr(text: impl Iterator<Item = u32> + Clone, out: &mut String) {
    let (s, d) = has(text.clone());
    push_quoted(text, quote(s, d), out, is_printable);
}

/// Appends `ascii(str)`.
pub fn push_str_ascii(text: impl Iterator<Item = u32> + Clone, out: &mut String) {
    let (s, d) = has(text.clone());
    push_quoted(text, quote(s, d), out, |c| matches!(c, 0x20..=0x7e));
}

/// Appends `repr(bytes)`.
pub fn push_bytes_repr(bytes: &[u8], out: &mut String) {
    let (s, d) = has(bytes.iter().map(|&b| u32::from(b)));
    out.push('b');
    push_quoted(bytes.iter().map(|&b| u32::from(b)), quote(s, d), out, |c| matches!(c, 0x20..=0x7e));
}

/// Appends `repr(bytearray)`.
pub fn push_bytearray_repr(bytes: &[u8], out: &mut String) {
    out.push_str("bytearray(");
    push_bytes_repr(bytes, out);
    out.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(text: &str) -> String {
        let mut out = String::new();
        push_str_repr(text.chars().map(u32::from), &mut out);
        out
    }

    #[test]
    fn strings() {
        assert_eq!(s("it's"), "\"it's\"");
        assert_eq!(s("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(s("\0\x7f\u{a0}é\u{378}\n\\"), "'\\x00\\x7f\\xa0é\\u0378\\n\\\\'");
        let mut out = String::new();
        push_str_repr([0xd800, 0x1f600, 0x10ffff].into_iter(), &mut out);
        assert_eq!(out, "'\\ud800😀\\U0010ffff'");
        out.clear();
        push_str_ascii([0xe9, 0x1f600].into_iter(), &mut out);
        assert_eq!(out, "'\\xe9\\U0001f600'");
        out.clear();
        push_bytes_repr(b"a'\xff\t", &mut out);
        assert_eq!(out, "b\"a'\\xff\\t\"");
    }
}
