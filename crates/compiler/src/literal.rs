//! String literals: lone surrogates, which Rust strings cannot hold, and invalid escapes.
//!
//! ruff decodes `\ud800` to U+FFFD. Literals whose source may hold such an escape are walked again beside
//! ruff's value: every escape is worth one character there, except a line continuation (none) and an
//! invalid escape (two).

use ruff_python_ast::{ExprStringLiteral, StringFlags, StringLiteral};
use ruff_text_size::{Ranged, TextRange, TextSize};
use taipan_bytecode::Text;

/// One escape sequence in a literal's source.
struct Escape {
    /// Bytes of source.
    len: usize,
    /// Characters it makes.
    chars: usize,
    /// Code point of a `\u` or `\U` escape.
    code: Option<u32>,
    /// It is not a valid escape.
    invalid: bool,
}

fn escape(text: &str, bytes: bool) -> Escape {
    let mut chars = text[1..].chars();
    let Some(first) = chars.next() else { return Escape { len: 1, chars: 1, code: None, invalid: false } };
    let plain = |len, chars| Escape { len, chars, code: None, invalid: false };
    let hex = |digits: usize| {
        let code = text.get(2..2 + digits).and_then(|d| u32::from_str_radix(d, 16).ok());
        Escape { len: 2 + digits, chars: 1, code, invalid: false }
    };
    match first {
        '\r' if text[2..].starts_with('\n') => plain(3, 0),
        '\n' | '\r' => plain(2, 0),
        '\\' | '\'' | '"' | 'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' => plain(2, 1),
        '0'..='7' => {
            let digits = text[1..].bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = u32::from_str_radix(&text[1..1 + digits], 8).unwrap_or(0);
            Escape { len: 1 + digits, chars: 1, code: None, invalid: value > 0o377 }
        }
        'x' => plain(4, 1),
        'u' if !bytes => hex(4),
        'U' if !bytes => hex(8),
        'N' if !bytes && text[2..].starts_with('{') => plain(text.find('}').map_or(text.len(), |i| i + 1), 1),
        _ => Escape { len: 1 + first.len_utf8(), chars: 2, code: None, invalid: true },
    }
}

/// Calls `found` with the offset and length of each invalid escape in `text`.
pub fn invalid_escapes(text: &str, bytes: bool, mut found: impl FnMut(usize, usize)) {
    let mut at = 0;
    while let Some(next) = text[at..].find('\\') {
        at += next;
        let e = escape(&text[at..], bytes);
        if e.invalid {
            found(at, e.len);
        }
        at = (at + e.len).min(text.len());
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
}

fn may_hold_surrogate(source: &str) -> bool {
    let bytes = source.as_bytes();
    bytes.windows(4).any(|w| w[0] == b'\\' && matches!(w[1], b'u') && matches!(w[2], b'd' | b'D') && w[3] >= b'8')
        || bytes.windows(8).any(|w| w.starts_with(b"\\U0000") && matches!(w[6], b'd' | b'D') && w[7] >= b'8')
}

/// The value of literal text with the given source (between the quotes); `value` is what ruff made of it.
pub fn decode(source: &str, value: &str, raw: bool, doubled_braces: bool) -> Text {
    if raw || !may_hold_surrogate(source) {
        return Text::new(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut chars = value.chars();
    let mut buffer = [0; 4];
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        if rest.starts_with('\\') {
            let e = escape(rest, false);
            match e.code {
                Some(code @ 0xd800..=0xdfff) => {
                    chars.next();
                    out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 63) as u8, 0x80 | (code & 63) as u8]);
                }
                _ => {
                    for c in chars.by_ref().take(e.chars) {
                        out.extend(c.encode_utf8(&mut buffer).bytes());
                    }
                }
            }
            at += e.len;
            continue;
        }
        let len = if rest.starts_with("\r\n") || doubled_braces && (rest.starts_with("{{") || rest.starts_with("}}")) {
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        if let Some(c) = chars.next() {
            out.extend(c.encode_utf8(&mut buffer).bytes());
        }
        at += len;
    }
    Text(out.into())
}

fn part(source: &str, s: &StringLiteral) -> Text {
    let range = s.content_range();
    let inner = source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("");
    decode(inner, &s.value, s.flags.prefix().is_raw(), false)
}

/// The value of a string literal expression.
pub fn string(source: &str, e: &ExprStringLiteral) -> Text {
    let parts: Vec<Text> = e.value.iter().map(|s| part(source, s)).collect();
    match <[Text; 1]>::try_from(parts) {
        Ok([one]) => one,
        Err(parts) => Text(parts.iter().flat_map(|p| p.0.iter().copied()).collect()),
    }
}

/// The value of one literal that stands beside f-strings.
pub fn single(source: &str, s: &StringLiteral) -> Text {
    part(source, s)
}

/// Source range of `len` bytes at `offset` in the text that starts at `start`.
pub fn range_in(start: TextSize, offset: usize, len: usize) -> TextRange {
    TextRange::at(start + TextSize::new(offset as u32), TextSize::new(len as u32))
}

/// A docstring without its common indentation (as `inspect.cleandoc` does, but keeping outer blank lines).
pub fn clean_doc(doc: &Text) -> Text {
    let bytes = &doc.0;
    let expanded = expand_tabs(bytes);
    let lines: Vec<&[u8]> = expanded.split(|&b| b == b'\n').collect();
    let indent_of = |line: &[u8]| line.iter().take_while(|&&b| b == b' ').count();
    let margin = lines.iter().skip(1).filter(|l| indent_of(l) < l.len()).map(|l| indent_of(l)).min().unwrap_or(0);
    let mut out: Vec<u8> = Vec::with_capacity(expanded.len());
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push(b'\n');
        }
        let cut = if i == 0 { indent_of(line) } else { margin.min(indent_of(line)) };
        out.extend(&line[cut..]);
    }
    Text(out.into())
}

/// Tabs become spaces up to multiples of 8.
fn expand_tabs(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut col = 0;
    for &b in bytes {
        match b {
            b'\t' => {
                let n = 8 - col % 8;
                out.extend(std::iter::repeat_n(b' ', n));
                col += n;
                continue;
            }
            b'\n' | b'\r' => col = 0,
            0x80..0xc0 => {}
            _ => col += 1,
        }
        out.push(b);
    }
    out
}

/// Range of a literal part, for warnings.
pub fn content(s: &StringLiteral) -> (TextRange, bool) {
    let range = s.content_range();
    (if range.is_empty() { s.range() } else { range }, s.flags.prefix().is_raw() || s.flags.is_unclosed())
}
