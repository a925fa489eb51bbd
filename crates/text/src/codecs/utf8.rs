//! UTF-8.

use super::{DecodeHandler, Decoder, EncodeError, EncodeFail, EncodeHandler, is_surrogate, replace};
use crate::CodePoints;

enum Step {
    Char(u32, usize),
    BadStart,
    /// Valid bytes before the bad continuation.
    BadContinuation(usize),
    Incomplete,
}

fn step(s: &[u8]) -> Step {
    let (need, low, high) = match s[0] {
        b @ ..0x80 => return Step::Char(u32::from(b), 1),
        0xc2..=0xdf => (1, 0x80, 0xbf),
        0xe0 => (2, 0xa0, 0xbf),
        0xed => (2, 0x80, 0x9f),
        0xe1..=0xef => (2, 0x80, 0xbf),
        0xf0 => (3, 0x90, 0xbf),
        0xf1..=0xf3 => (3, 0x80, 0xbf),
        0xf4 => (3, 0x80, 0x8f),
        _ => return Step::BadStart,
    };
    let mut cp = u32::from(s[0]) & (0x3f >> need);
    for i in 1..=need {
        let (low, high) = if i == 1 { (low, high) } else { (0x80, 0xbf) };
        match s.get(i) {
            None => return Step::Incomplete,
            Some(&b) if (low..=high).contains(&b) => cp = cp << 6 | u32::from(b & 0x3f),
            Some(_) => return Step::BadContinuation(i),
        }
    }
    Step::Char(cp, need + 1)
}

/// Decodes UTF-8; returns the number of bytes consumed.
pub fn decode_utf8<E>(
    input: &[u8],
    is_final: bool,
    out: &mut Vec<u32>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut d = Decoder { encoding: "utf-8", input, out, on_error };
    let mut pos = 0;
    d.out.reserve(input.len());
    while pos < input.len() {
        pos = match step(&input[pos..]) {
            Step::Char(cp, n) => {
                d.out.push(cp);
                pos + n
            }
            Step::BadStart => d.fail(pos, pos + 1, "invalid start byte")?,
            Step::BadContinuation(n) => d.fail(pos, pos + n, "invalid continuation byte")?,
            Step::Incomplete if !is_final => break,
            Step::Incomplete => d.fail(pos, input.len(), "unexpected end of data")?,
        };
    }
    Ok(pos)
}

fn put(c: u32, out: &mut Vec<u8>) -> bool {
    match char::from_u32(c) {
        Some(ch) => {
            out.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
            true
        }
        None => false,
    }
}

/// Encodes UTF-8.
pub fn encode_utf8<T: CodePoints + ?Sized, E>(
    text: &T,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let len = text.len();
    let mut pos = 0;
    out.reserve(len);
    while pos < len {
        if put(text.at(pos), out) {
            pos += 1;
            continue;
        }
        let end = (pos..len).find(|&i| !is_surrogate(text.at(i))).unwrap_or(len);
        let fail = EncodeFail { encoding: "utf-8", start: pos, end, reason: "surrogates not allowed" };
        // CPython accepts only ASCII as replacement text here.
        pos = replace(fail, len, 1, out, on_error, &|c, out| c < 128 && put(c, out))?;
    }
    Ok(())
}
