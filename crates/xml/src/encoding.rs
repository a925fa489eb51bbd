//! From the document's encoding to UTF-8.

/// How the bytes are to be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    /// Not known yet.
    Unknown,
    /// UTF-8 (and ASCII).
    Utf8,
    /// UTF-16; true: big-endian.
    Utf16(bool),
    /// ISO-8859-1.
    Latin1,
    /// A character for each byte; the replacement character is none.
    Map(Box<[char; 256]>),
}

impl Encoding {
    /// The encoding of this name, if it is one of those built in.
    pub fn named(name: &str) -> Option<Encoding> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" | "ascii" => Some(Encoding::Utf8),
            "iso-8859-1" | "latin-1" | "latin1" => Some(Encoding::Latin1),
            "utf-16" | "utf-16le" => Some(Encoding::Utf16(false)),
            "utf-16be" => Some(Encoding::Utf16(true)),
            _ => None,
        }
    }
}

/// Moves what can be converted from `raw` to `text`; false at bytes that are no character. Bytes that may still become
/// one stay in `raw`.
pub fn convert(encoding: &Encoding, raw: &mut Vec<u8>, text: &mut String) -> bool {
    match encoding {
        Encoding::Unknown => true,
        Encoding::Utf8 => convert_utf8(raw, text),
        Encoding::Utf16(big) => convert_utf16(*big, raw, text),
        Encoding::Latin1 => {
            text.extend(raw.drain(..).map(char::from));
            true
        }
        Encoding::Map(map) => {
            for (i, b) in raw.iter().enumerate() {
                match map[*b as usize] {
                    char::REPLACEMENT_CHARACTER => {
                        raw.drain(..i);
                        return false;
                    }
                    c => text.push(c),
                }
            }
            raw.clear();
            true
        }
    }
}

fn convert_utf8(raw: &mut Vec<u8>, text: &mut String) -> bool {
    match std::str::from_utf8(raw) {
        Ok(all) => {
            text.push_str(all);
            raw.clear();
            true
        }
        Err(error) => {
            let valid = error.valid_up_to();
            text.push_str(std::str::from_utf8(&raw[..valid]).unwrap_or_default());
            raw.drain(..valid);
            error.error_len().is_none()
        }
    }
}

fn convert_utf16(big: bool, raw: &mut Vec<u8>, text: &mut String) -> bool {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let mut done = 0;
    while let Some(pair) = raw.get(done..done + 2) {
        let first = unit(pair);
        let (code, len) = match first {
            0xd800..0xdc00 => match raw.get(done + 2..done + 4).map(unit) {
                None => break,
                Some(second @ 0xdc00..0xe000) => {
                    (0x10000 + (u32::from(first - 0xd800) << 10) + u32::from(second - 0xdc00), 4)
                }
                Some(_) => (0xd800, 2),
            },
            unit => (u32::from(unit), 2),
        };
        match char::from_u32(code) {
            Some(c) => text.push(c),
            None => {
                raw.drain(..done);
                return false;
            }
        }
        done += len;
    }
    raw.drain(..done);
    true
}
