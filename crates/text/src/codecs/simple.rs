//! ASCII, Latin-1 and character maps.

use super::{DecodeHandler, Decoder, EncodeError, EncodeFail, EncodeHandler, replace};
use crate::CodePoints;

/// Decodes ASCII.
pub fn decode_ascii<E>(input: &[u8], out: &mut Vec<u32>, on_error: &mut DecodeHandler<'_, E>) -> Result<usize, E> {
    let mut d = Decoder { encoding: "ascii", input, out, on_error };
    let mut pos = 0;
    while pos < input.len() {
        if input[pos] < 128 {
            d.out.push(u32::from(input[pos]));
            pos += 1;
        } else {
            pos = d.fail(pos, pos + 1, "ordinal not in range(128)")?;
        }
    }
    Ok(pos)
}

/// Decodes Latin-1, which cannot fail.
pub fn decode_latin1(input: &[u8], out: &mut Vec<u32>) {
    out.extend(input.iter().map(|&b| u32::from(b)));
}

fn encode_below<T: CodePoints + ?Sized, E>(
    (limit, encoding, reason): (u32, &'static str, &'static str),
    text: &T,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let len = text.len();
    let mut pos = 0;
    out.reserve(len);
    while pos < len {
        let c = text.at(pos);
        if c < limit {
            out.push(c as u8);
            pos += 1;
            continue;
        }
        let end = (pos..len).find(|&i| text.at(i) < limit).unwrap_or(len);
        let fail = EncodeFail { encoding, start: pos, end, reason };
        pos = replace(fail, len, 1, out, on_error, &|c, out| {
            out.push(c as u8);
            c < limit
        })?;
    }
    Ok(())
}

/// Encodes ASCII.
pub fn encode_ascii<T: CodePoints + ?Sized, E>(
    text: &T,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    encode_below((128, "ascii", "ordinal not in range(128)"), text, out, on_error)
}

/// Encodes Latin-1.
pub fn encode_latin1<T: CodePoints + ?Sized, E>(
    text: &T,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    encode_below((256, "latin-1", "ordinal not in range(256)"), text, out, on_error)
}

/// Appends what a byte stands for, or returns `false` if it is undefined.
pub type CharMap<'m, E> = dyn FnMut(u8, &mut Vec<u32>) -> Result<bool, E> + 'm;

/// Decodes by a map.
pub fn decode_charmap<E>(
    input: &[u8],
    out: &mut Vec<u32>,
    map: &mut CharMap<'_, E>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut d = Decoder { encoding: "charmap", input, out, on_error };
    let mut pos = 0;
    while pos < input.len() {
        if map(input[pos], d.out)? {
            pos += 1;
        } else {
            pos = d.fail(pos, pos + 1, "character maps to <undefined>")?;
        }
    }
    Ok(pos)
}

/// Encodes by a map: `map` appends the bytes for a character, or returns `false` if it has none.
pub fn encode_charmap<T: CodePoints + ?Sized, E>(
    text: &T,
    out: &mut Vec<u8>,
    map: &dyn Fn(u32, &mut Vec<u8>) -> bool,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let len = text.len();
    let mut pos = 0;
    while pos < len {
        if map(text.at(pos), out) {
            pos += 1;
            continue;
        }
        let mut scratch = Vec::new();
        let end = (pos + 1..len).find(|&i| map(text.at(i), &mut scratch)).unwrap_or(len);
        let fail = EncodeFail { encoding: "charmap", start: pos, end, reason: "character maps to <undefined>" };
        pos = replace(fail, len, 1, out, on_error, map)?;
    }
    Ok(())
}
