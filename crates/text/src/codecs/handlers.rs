//! The standard error handlers. Each returns `None` where CPython's raises the error itself.

use super::{DecodeFail, EncodeFail, Replacement};
use crate::CodePoints;

/// Answers a decoding failure by the handler called `name`; the outer `None` means an unknown
/// name, which the registry of the runtime must answer.
#[allow(clippy::option_option)]
pub fn decode(name: &str, f: &DecodeFail<'_>) -> Option<Option<(Vec<u32>, usize)>> {
    let bad = &f.input[f.start..f.end];
    Some(match name {
        "strict" => None,
        "ignore" => Some((vec![], f.end)),
        "replace" => Some((vec![0xfffd], f.end)),
        "backslashreplace" => {
            let text: String = bad.iter().map(|b| format!("\\x{b:02x}")).collect();
            Some((crate::code_points(&text), f.end))
        }
        "surrogateescape" => {
            // At most four bytes, none of them ASCII.
            let high: Vec<u32> =
                bad.iter().take(4).take_while(|&&b| b >= 128).map(|&b| 0xdc00 + u32::from(b)).collect();
            let end = f.start + high.len();
            (!high.is_empty()).then_some((high, end))
        }
        "surrogatepass" => surrogate_at(f).map(|(c, n)| (vec![c], f.start + n)),
        _ => return None,
    })
}

fn surrogate_at(f: &DecodeFail<'_>) -> Option<(u32, usize)> {
    let s = &f.input[f.start..];
    let (c, n) = match (f.encoding, s) {
        ("utf-8", &[a, b, c, ..]) if a & 0xf0 == 0xe0 && b & 0xc0 == 0x80 && c & 0xc0 == 0x80 => {
            (u32::from(a & 15) << 12 | u32::from(b & 63) << 6 | u32::from(c & 63), 3)
        }
        ("utf-16-le" | "utf-16", &[a, b, ..]) => (u32::from(u16::from_le_bytes([a, b])), 2),
        ("utf-16-be", &[a, b, ..]) => (u32::from(u16::from_be_bytes([a, b])), 2),
        ("utf-32-le" | "utf-32", &[a, b, c, d, ..]) => (u32::from_le_bytes([a, b, c, d]), 4),
        ("utf-32-be", &[a, b, c, d, ..]) => (u32::from_be_bytes([a, b, c, d]), 4),
        _ => return None,
    };
    super::is_surrogate(c).then_some((c, n))
}

/// Answers an encoding failure by the handler called `name`; see [`decode`].
#[allow(clippy::option_option)]
pub fn encode<T: CodePoints + ?Sized>(name: &str, text: &T, f: &EncodeFail) -> Option<Option<(Replacement, usize)>> {
    let chars = || (f.start..f.end).map(|i| text.at(i));
    let as_text = |s: String| Some((Replacement::Text(crate::code_points(&s)), f.end));
    let escaped = |c: u32, s: &mut String| crate::repr::push_escape(c, s);
    Some(match name {
        "strict" => None,
        "ignore" => as_text(String::new()),
        "replace" => as_text("?".repeat(f.end - f.start)),
        "xmlcharrefreplace" => as_text(chars().map(|c| format!("&#{c};")).collect()),
        "backslashreplace" => {
            let mut s = String::new();
            chars().for_each(|c| escaped(c, &mut s));
            as_text(s)
        }
        "namereplace" => {
            let mut s = String::new();
            for c in chars() {
                match crate::unicode::name(c) {
                    Some(name) => s.push_str(&format!("\\N{{{name}}}")),
                    None => escaped(c, &mut s),
                }
            }
            as_text(s)
        }
        "surrogateescape" => {
            let bytes: Vec<u8> =
                chars().map_while(|c| matches!(c, 0xdc80..=0xdcff).then(|| (c - 0xdc00) as u8)).collect();
            // Where CPython inlines this handler it takes what it can and fails at the rest.
            let partial = matches!(f.encoding, "utf-8" | "ascii" | "latin-1") && !bytes.is_empty();
            let end = f.start + bytes.len();
            (partial || end == f.end).then_some((Replacement::Bytes(bytes), end))
        }
        "surrogatepass" => {
            let bytes: Option<Vec<Vec<u8>>> = chars().map(|c| surrogate_bytes(f.encoding, c)).collect();
            bytes.map(|b| (Replacement::Bytes(b.concat()), f.end))
        }
        _ => return None,
    })
}

fn surrogate_bytes(encoding: &str, c: u32) -> Option<Vec<u8>> {
    if !super::is_surrogate(c) {
        return None;
    }
    Some(match encoding {
        "utf-8" => vec![0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 63) as u8, 0x80 | (c & 63) as u8],
        "utf-16-le" | "utf-16" => (c as u16).to_le_bytes().to_vec(),
        "utf-16-be" => (c as u16).to_be_bytes().to_vec(),
        "utf-32-le" | "utf-32" => c.to_le_bytes().to_vec(),
        "utf-32-be" => c.to_be_bytes().to_vec(),
        _ => return None,
    })
}
