//! Formats of `_struct`: from text to items with their places.

/// A run of items of one code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Format character.
    pub kind: u8,
    /// Bytes of an item; for `s` and `p` of the whole text.
    pub size: usize,
    /// Where the first item is.
    pub offset: usize,
    /// Number of items.
    pub repeat: usize,
}

/// A compiled format.
#[derive(Debug, Default)]
pub struct Format {
    /// Its items.
    pub codes: Vec<Code>,
    /// Bytes in all.
    pub size: usize,
    /// Number of values.
    pub len: usize,
    /// Most significant byte first.
    pub big: bool,
}

/// Bytes and alignment of a code; None for an unknown one.
fn layout_of(kind: u8, native: bool) -> Option<(usize, usize)> {
    let size = match kind {
        b'x' | b's' | b'p' => return Some((1, 1)),
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' => {
            if native {
                8
            } else {
                4
            }
        }
        b'q' | b'Q' | b'd' => 8,
        b'n' | b'N' | b'P' if native => 8,
        b'F' => return Some((8, 4)),
        b'D' => return Some((16, 8)),
        _ => return None,
    };
    Some((size, size))
}

/// Why a format is wrong.
const TOO_LONG: &str = "total struct size too long";

impl Format {
    /// Compiles a format's text; the error is the message of `struct.error`.
    pub fn parse(text: &[u8]) -> Result<Format, &'static str> {
        let (prefix, rest) = match text.first() {
            Some(c @ (b'@' | b'=' | b'<' | b'>' | b'!')) => (*c, &text[1..]),
            _ => (b'@', text),
        };
        let native = prefix == b'@';
        let mut format = Format { big: matches!(prefix, b'>' | b'!'), ..Format::default() };
        let (mut i, mut offset) = (0, 0usize);
        while i < rest.len() {
            let c = rest[i];
            if matches!(c, 9..=13 | b' ') {
                i += 1;
                continue;
            }
            let (mut repeat, start) = (None, i);
            while i < rest.len() && rest[i].is_ascii_digit() {
                let digit = usize::from(rest[i] - b'0');
                let next = repeat.unwrap_or(0usize).checked_mul(10).and_then(|n| n.checked_add(digit));
                repeat = Some(next.filter(|n| *n <= isize::MAX as usize).ok_or(TOO_LONG)?);
                i += 1;
            }
            let Some(&kind) = rest.get(i) else {
                return Err("repeat count given without format specifier");
            };
            if start < i && matches!(kind, 9..=13 | b' ') {
                return Err("bad char in struct format");
            }
            i += 1;
            let (size, align) = layout_of(kind, native).ok_or("bad char in struct format")?;
            if native {
                offset = offset.checked_next_multiple_of(align).ok_or(TOO_LONG)?;
            }
            let n = repeat.unwrap_or(1);
            match kind {
                b'x' => {}
                b's' | b'p' => {
                    format.codes.push(Code { kind, size: n, offset, repeat: 1 });
                    format.len += 1;
                }
                _ => {
                    if n > 0 {
                        format.codes.push(Code { kind, size, offset, repeat: n });
                    }
                    format.len = format.len.checked_add(n).ok_or(TOO_LONG)?;
                }
            }
            let bytes = size.checked_mul(n).ok_or(TOO_LONG)?;
            offset = offset.checked_add(bytes).filter(|o| *o <= isize::MAX as usize).ok_or(TOO_LONG)?;
        }
        format.size = offset;
        Ok(format)
    }
}
