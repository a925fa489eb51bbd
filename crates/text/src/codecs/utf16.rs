//! UTF-16 and UTF-32.

use super::{DecodeHandler, Decoder, EncodeError, EncodeFail, EncodeHandler, is_surrogate, replace};
use crate::CodePoints;

/// Byte order of UTF-16 and UTF-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// By a byte order mark, else the machine's, which is little.
    Native,
    /// Little endian.
    Little,
    /// Big endian.
    Big,
}

impl ByteOrder {
    fn big(self) -> bool {
        self == Self::Big
    }
}

fn unit16(s: &[u8], big: bool) -> u32 {
    let b = [s[0], s[1]];
    u32::from(if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
}

fn unit32(s: &[u8], big: bool) -> u32 {
    let b = [s[0], s[1], s[2], s[3]];
    if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
}

/// Decodes UTF-16. With [`ByteOrder::Native`] a byte order mark is skipped and sets `order`.
pub fn decode_utf16<E>(
    input: &[u8],
    order: &mut ByteOrder,
    is_final: bool,
    out: &mut Vec<u32>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut pos = 0;
    if *order == ByteOrder::Native && input.len() >= 2 {
        match unit16(input, false) {
            0xfeff => (pos, *order) = (2, ByteOrder::Little),
            0xfffe => (pos, *order) = (2, ByteOrder::Big),
            _ => {}
        }
    }
    let big = order.big();
    let encoding = if big { "utf-16-be" } else { "utf-16-le" };
    let mut d = Decoder { encoding, input, out, on_error };
    while pos < input.len() {
        let rest = &input[pos..];
        if rest.len() < 2 {
            if !is_final {
                break;
            }
            pos = d.fail(pos, input.len(), "truncated data")?;
            continue;
        }
        let c = unit16(rest, big);
        pos = match c {
            0xd800..=0xdbff if rest.len() < 4 => {
                if !is_final {
                    break;
                }
                d.fail(pos, input.len(), "unexpected end of data")?
            }
            0xd800..=0xdbff => match unit16(&rest[2..], big) {
                low @ 0xdc00..=0xdfff => {
                    d.out.push(0x10000 + ((c & 0x3ff) << 10 | low & 0x3ff));
                    pos + 4
                }
                _ => d.fail(pos, pos + 2, "illegal UTF-16 surrogate")?,
            },
            0xdc00..=0xdfff => d.fail(pos, pos + 2, "illegal encoding")?,
            _ => {
                d.out.push(c);
                pos + 2
            }
        };
    }
    Ok(pos)
}

/// Decodes UTF-32. With [`ByteOrder::Native`] a byte order mark is skipped and sets `order`.
pub fn decode_utf32<E>(
    input: &[u8],
    order: &mut ByteOrder,
    is_final: bool,
    out: &mut Vec<u32>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut pos = 0;
    if *order == ByteOrder::Native && input.len() >= 4 {
        match unit32(input, false) {
            0xfeff => (pos, *order) = (4, ByteOrder::Little),
            0xfffe_0000 => (pos, *order) = (4, ByteOrder::Big),
            _ => {}
        }
    }
    let big = order.big();
    let encoding = if big { "utf-32-be" } else { "utf-32-le" };
    let mut d = Decoder { encoding, input, out, on_error };
    while pos < input.len() {
        let rest = &input[pos..];
        if rest.len() < 4 {
            if !is_final {
                break;
            }
            pos = d.fail(pos, input.len(), "truncated data")?;
            continue;
        }
        let c = unit32(rest, big);
        pos = if is_surrogate(c) {
            d.fail(pos, pos + 4, "code point in surrogate code point range(0xd800, 0xe000)")?
        } else if c > 0x10_ffff {
            d.fail(pos, pos + 4, "code point not in range(0x110000)")?
        } else {
            d.out.push(c);
            pos + 4
        };
    }
    Ok(pos)
}

#[inline]
fn put16(c: u32, big: bool, out: &mut Vec<u8>) -> bool {
    if c < 0xd800 {
        out.extend_from_slice(&if big { (c as u16).to_be_bytes() } else { (c as u16).to_le_bytes() });
        return true;
    }
    let mut buf = [0; 2];
    let Some(ch) = char::from_u32(c) else {
        return false;
    };
    for &u in ch.encode_utf16(&mut buf).iter() {
        out.extend_from_slice(&if big { u.to_be_bytes() } else { u.to_le_bytes() });
    }
    true
}

#[inline]
fn put32(c: u32, big: bool, out: &mut Vec<u8>) -> bool {
    if is_surrogate(c) {
        return false;
    }
    out.extend_from_slice(&if big { c.to_be_bytes() } else { c.to_le_bytes() });
    true
}

/// Encodes UTF-16; [`ByteOrder::Native`] writes a byte order mark.
pub fn encode_utf16<T: CodePoints + ?Sized, E>(
    text: &T,
    order: ByteOrder,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let encoding = ["utf-16", "utf-16-le", "utf-16-be"][order as usize];
    encode(text, order, (encoding, 2), put16, out, on_error)
}

/// Encodes UTF-32; [`ByteOrder::Native`] writes a byte order mark.
pub fn encode_utf32<T: CodePoints + ?Sized, E>(
    text: &T,
    order: ByteOrder,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let encoding = ["utf-32", "utf-32-le", "utf-32-be"][order as usize];
    encode(text, order, (encoding, 4), put32, out, on_error)
}

fn encode<T: CodePoints + ?Sized, E>(
    text: &T,
    order: ByteOrder,
    (encoding, unit): (&'static str, usize),
    put: impl Fn(u32, bool, &mut Vec<u8>) -> bool,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
) -> Result<(), EncodeError<E>> {
    let (len, big) = (text.len(), order.big());
    out.reserve((len + 1) * unit);
    if order == ByteOrder::Native {
        put(0xfeff, big, out);
    }
    let mut pos = 0;
    while pos < len {
        if put(text.at(pos), big, out) {
            pos += 1;
            continue;
        }
        let fail = EncodeFail { encoding, start: pos, end: pos + 1, reason: "surrogates not allowed" };
        // As in UTF-8, replacement text must be ASCII.
        pos = replace(fail, len, unit, out, on_error, &|c, out| c < 128 && put(c, big, out))?;
    }
    Ok(())
}
