//! UTF-7 (RFC 2152).

use super::{DecodeHandler, Decoder};
use crate::CodePoints;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(b: u8) -> Option<u32> {
    Some(u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// A base64 section being decoded.
#[derive(Default)]
struct Shift {
    /// Position of its '+'.
    start: usize,
    /// Length of the output before it.
    out_start: usize,
    bits: u32,
    buffer: u32,
    /// A high surrogate waiting for the low one.
    high: Option<u32>,
}

impl Shift {
    fn feed(&mut self, six: u32, out: &mut Vec<u32>) {
        self.buffer = self.buffer << 6 | six;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = self.buffer >> self.bits;
        self.buffer &= (1 << self.bits) - 1;
        if let Some(high) = self.high.take() {
            if matches!(unit, 0xdc00..=0xdfff) {
                out.push(0x10000 + ((high & 0x3ff) << 10 | unit & 0x3ff));
                return;
            }
            out.push(high);
        }
        if matches!(unit, 0xd800..=0xdbff) {
            self.high = Some(unit);
        } else {
            out.push(unit);
        }
    }
}

/// Decodes UTF-7; returns the number of bytes consumed.
pub fn decode_utf7<E>(
    input: &[u8],
    is_final: bool,
    out: &mut Vec<u32>,
    on_error: &mut DecodeHandler<'_, E>,
) -> Result<usize, E> {
    let mut d = Decoder { encoding: "utf7", input, out, on_error };
    let mut shift: Option<Shift> = None;
    let mut pos = 0;
    loop {
        let Some(&b) = input.get(pos) else {
            match shift.take() {
                Some(s) if !is_final => {
                    d.out.truncate(s.out_start);
                    return Ok(s.start);
                }
                Some(s) if s.high.is_some() || s.bits >= 6 || s.buffer != 0 => {
                    pos = d.fail(s.start, input.len(), "unterminated shift sequence")?;
                    if pos < input.len() {
                        continue;
                    }
                }
                _ => {}
            }
            return Ok(pos);
        };
        if let Some(s) = &mut shift {
            if let Some(six) = sextet(b) {
                s.feed(six, d.out);
                pos += 1;
                continue;
            }
            let s = shift.take().unwrap_or_default();
            if s.bits >= 6 {
                pos = d.fail(s.start, pos + 1, "partial character in shift sequence")?;
                continue;
            }
            if s.buffer != 0 {
                pos = d.fail(s.start, pos + 1, "non-zero padding bits in shift sequence")?;
                continue;
            }
            if let Some(high) = s.high
                && b < 128
            {
                d.out.push(high);
            }
            pos += usize::from(b == b'-');
            continue;
        }
        pos = match (b, input.get(pos + 1)) {
            (b'+', Some(b'-')) => {
                d.out.push(u32::from(b'+'));
                pos + 2
            }
            (b'+', Some(&next)) if sextet(next).is_none() => d.fail(pos, pos + 2, "ill-formed sequence")?,
            (b'+', _) => {
                shift = Some(Shift { start: pos, out_start: d.out.len(), ..Shift::default() });
                pos + 1
            }
            (..128, _) => {
                d.out.push(u32::from(b));
                pos + 1
            }
            _ => d.fail(pos, pos + 1, "unexpected special character")?,
        };
    }
}

fn direct(c: u32) -> bool {
    matches!(c, 9 | 10 | 13 | 32..=126) && !matches!(c as u8, b'+' | b'\\' | b'~')
}

/// Encodes UTF-7, which cannot fail.
pub fn encode_utf7<T: CodePoints + ?Sized>(text: &T, out: &mut Vec<u8>) {
    let (mut shifted, mut bits, mut buffer) = (false, 0u32, 0u32);
    for i in 0..text.len() {
        let c = text.at(i);
        if !shifted {
            if c == u32::from(b'+') {
                out.extend_from_slice(b"+-");
                continue;
            }
            if direct(c) {
                out.push(c as u8);
                continue;
            }
            out.push(b'+');
            shifted = true;
        } else if direct(c) {
            if bits > 0 {
                out.push(ALPHABET[(buffer << (6 - bits) & 63) as usize]);
            }
            (shifted, bits, buffer) = (false, 0, 0);
            // Other characters end the section by themselves.
            if c == u32::from(b'-') || sextet(c as u8).is_some() {
                out.push(b'-');
            }
            out.push(c as u8);
            continue;
        }
        let units = if c >= 0x10000 { [Some(0xd7c0 + (c >> 10)), Some(0xdc00 | c & 0x3ff)] } else { [Some(c), None] };
        for unit in units.into_iter().flatten() {
            buffer = buffer << 16 | unit;
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(ALPHABET[(buffer >> bits & 63) as usize]);
            }
            buffer &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        out.push(ALPHABET[(buffer << (6 - bits) & 63) as usize]);
    }
    if shifted {
        out.push(b'-');
    }
}
