//! Backslash escapes: unicode_escape, raw_unicode_escape and those of bytes literals.

use super::{DecodeHandler, Decoder, is_surrogate};
use crate::CodePoints;

/// Value of the octal escape at `pos` (its first digit) and the position after it.
fn octal(input: &[u8], pos: usize) -> (u32, usize) {
    let digits = input[pos..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7'));
    digits.fold((0, pos), |(v, p), &b| (v * 8 + u32::from(b - b'0'), p + 1))
}

/// Value of a one-character escape; newline (nothing) is left to the caller.
fn single(b: u8) -> Option<u8> {
    Some(match b {
        b'\\' | b'\'' | b'"' => b,
        b'b' => 8,
        b'f' => 12,
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        b'v' => 11,
        b'a' => 7,
        _ => return None,
    })
}

/// Up to `count` hexadecimal digits at `pos`: value and position after them.
fn hex(input: &[u8], pos: usize, count: usize) -> (u32, usize) {
    let digits = input[pos..].iter().take(count).map_while(|&b| char::from(b).to_digit(16));
    digits.fold((0, pos), |(v, p), d| (v << 4 | d, p + 1))
}

enum Unit {
    Char(u32, usize),
    Nothing(usize),
    /// Not an escape: the backslash stays.
    Invalid,
    Fail(usize, &'static str),
    /// More input might complete it.
    Incomplete(&'static str),
}

fn named(input: &[u8], pos: usize) -> Unit {
    const MALFORMED: &str = "malformed \\N character escape";
    match input.get(pos) {
        None => return Unit::Incomplete(MALFORMED),
        Some(b'{') => {}
        Some(_) => return Unit::Fail(pos, MALFORMED),
    }
    let name = &input[pos + 1..];
    let Some(len) = name.iter().position(|&b| b == b'}') else {
        return Unit::Incomplete(MALFORMED);
    };
    if len == 0 {
        return Unit::Fail(pos + 1, MALFORMED);
    }
    let end = pos + 2 + len;
    match std::str::from_utf8(&name[..len]).ok().and_then(crate::unicode::lookup) {
        Some(c) => Unit::Char(c, end),
        None => Unit::Fail(end, "unknown Unicode character name"),
    }
}

fn numbered(input: &[u8], pos: usize, count: usize, message: &'static str) -> Unit {
    let (value, end) = hex(input, pos, count);
    if end - pos < count {
        return if end == input.len() { Unit::Incomplete(message) } else { Unit::Fail(end, message) };
    }
    if value > 0x10_ffff { Unit::Fail(end, "illegal Unicode character") } else { Unit::Char(value, end) }
}

/// Reads the escape whose backslash is just before `pos`.
fn unit(input: &[u8], pos: usize) -> Unit {
    let Some(&b) = input.get(pos) else {
        return Unit::Incomplete("\\ at end of string");
    };
    match b {
        b'\n' => Unit::Nothing(pos + 1),
        b'0'..=b'7' => {
            let (v, end) = octal(input, pos);
            Unit::Char(v, end)
        }
        b'x' => numbered(input, pos + 1, 2, "truncated \\xXX escape"),
        b'u' => numbered(input, pos + 1, 4, "truncated \\uXXXX escape"),
        b'U' => numbered(input, pos + 1, 8, "truncated \\UXXXXXXXX escape"),
        b'N' => named(input, pos + 1),
        _ => single(b).map_or(Unit::Invalid, |c| Unit::Char(u32::from(c), pos + 1)),
    }
}

/// Decodes unicode_escape. `invalid` receives the position after the backslash of the first
/// escape that is unknown, or an octal one above 0o377: CPython warns about it.
pub fn decode_unicode_escape<E>(
    input: &[u8],
    is_final: bool,
    out: &mut Vec<u32>,
    invalid: &mut Option<usize>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut d = Decoder { encoding: "unicodeescape", input, out, on_error };
    let mut pos = 0;
    while pos < input.len() {
        if input[pos] != b'\\' {
            d.out.push(u32::from(input[pos]));
            pos += 1;
            continue;
        }
        pos = match unit(input, pos + 1) {
            Unit::Char(c, end) => {
                if c > 0o377 && input[pos + 1].is_ascii_digit() {
                    invalid.get_or_insert(pos + 1);
                }
                d.out.push(c);
                end
            }
            Unit::Nothing(end) => end,
            Unit::Invalid => {
                invalid.get_or_insert(pos + 1);
                d.out.extend([u32::from(b'\\'), u32::from(input[pos + 1])]);
                pos + 2
            }
            Unit::Fail(end, reason) => d.fail(pos, end, reason)?,
            Unit::Incomplete(_) if !is_final => break,
            Unit::Incomplete(reason) => d.fail(pos, input.len(), reason)?,
        };
    }
    Ok(pos)
}

/// Decodes raw_unicode_escape: only `\u` and `\U` after an odd number of backslashes.
pub fn decode_raw_unicode_escape<E>(
    input: &[u8],
    is_final: bool,
    out: &mut Vec<u32>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut d = Decoder { encoding: "rawunicodeescape", input, out, on_error };
    let mut pos = 0;
    while pos < input.len() {
        if input[pos] != b'\\' || pos + 1 >= input.len() {
            if input[pos] == b'\\' && !is_final {
                break;
            }
            d.out.push(u32::from(input[pos]));
            pos += 1;
            continue;
        }
        let (count, message) = match input[pos + 1] {
            b'u' => (4, "truncated \\uXXXX escape"),
            b'U' => (8, "truncated \\UXXXXXXXX escape"),
            b => {
                d.out.extend([u32::from(b'\\'), u32::from(b)]);
                pos += 2;
                continue;
            }
        };
        pos = match numbered(input, pos + 2, count, message) {
            Unit::Char(c, end) => {
                d.out.push(c);
                end
            }
            Unit::Incomplete(_) if !is_final => break,
            Unit::Incomplete(reason) => d.fail(pos, input.len(), reason)?,
            Unit::Fail(end, "illegal Unicode character") => d.fail(pos, end, "\\Uxxxxxxxx out of range")?,
            Unit::Fail(end, reason) => d.fail(pos, end, reason)?,
            Unit::Nothing(end) => end,
            Unit::Invalid => pos + 1,
        };
    }
    Ok(pos)
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Encodes unicode_escape, which cannot fail.
pub fn encode_unicode_escape<T: CodePoints + ?Sized>(text: &T, out: &mut Vec<u8>) {
    for i in 0..text.len() {
        match text.at(i) {
            0x5c => push(out, "\\\\"),
            9 => push(out, "\\t"),
            10 => push(out, "\\n"),
            13 => push(out, "\\r"),
            c @ 0x20..=0x7e => out.push(c as u8),
            c => {
                let mut s = String::new();
                crate::repr::push_escape(c, &mut s);
                push(out, &s);
            }
        }
    }
}

/// Encodes raw_unicode_escape, which cannot fail.
pub fn encode_raw_unicode_escape<T: CodePoints + ?Sized>(text: &T, out: &mut Vec<u8>) {
    for i in 0..text.len() {
        match text.at(i) {
            c @ 0..=0xff => out.push(c as u8),
            c => {
                debug_assert!(c < 0x11_0000 || is_surrogate(c));
                let mut s = String::new();
                crate::repr::push_escape(c, &mut s);
                push(out, &s);
            }
        }
    }
}

/// ValueError of [`decode_bytes_escape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeError {
    /// "invalid \\x escape at position {0}"
    InvalidHex(usize),
    /// "Trailing \\ in string"
    Trailing,
    /// "decoding error; unknown error handling code: {errors}"
    UnknownErrors,
}

/// Decodes the escapes of bytes literals (`codecs.escape_decode`). `errors` is "strict", "replace"
/// or "ignore"; `invalid` is as for [`decode_unicode_escape`].
pub fn decode_bytes_escape(
    input: &[u8],
    errors: &str,
    out: &mut Vec<u8>,
    invalid: &mut Option<usize>,
) -> Result<(), EscapeError> {
    let mut pos = 0;
    while pos < input.len() {
        if input[pos] != b'\\' {
            out.push(input[pos]);
            pos += 1;
            continue;
        }
        let Some(&b) = input.get(pos + 1) else {
            return Err(EscapeError::Trailing);
        };
        match b {
            b'\n' => pos += 2,
            b'0'..=b'7' => {
                let (v, end) = octal(input, pos + 1);
                if v > 0o377 {
                    invalid.get_or_insert(pos + 1);
                }
                out.push(v as u8);
                pos = end;
            }
            b'x' => {
                let (v, end) = hex(input, pos + 2, 2);
                match (end - pos, errors) {
                    (4, _) => out.push(v as u8),
                    (_, "strict") => return Err(EscapeError::InvalidHex(pos)),
                    (_, "replace") => out.push(b'?'),
                    (_, "ignore") => {}
                    _ => return Err(EscapeError::UnknownErrors),
                }
                pos = end;
            }
            _ => {
                match single(b) {
                    Some(c) => out.push(c),
                    None => {
                        invalid.get_or_insert(pos + 1);
                        out.extend([b'\\', b]);
                    }
                }
                pos += 2;
            }
        }
    }
    Ok(())
}

/// Encodes bytes as in a literal (`codecs.escape_encode`).
pub fn encode_bytes_escape(input: &[u8], out: &mut Vec<u8>) {
    for &b in input {
        match b {
            b'\\' | b'\'' => out.extend([b'\\', b]),
            b'\t' => push(out, "\\t"),
            b'\n' => push(out, "\\n"),
            b'\r' => push(out, "\\r"),
            0x20..=0x7e => out.push(b),
            _ => push(out, &format!("\\x{b:02x}")),
        }
    }
}
