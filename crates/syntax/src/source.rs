//! Source text: decoding of bytes (PEP 263), normalised newlines, lines and columns.

use crate::errors::{ErrorKind, Place, SyntaxError};

/// Line starts of a normalised source, for conversion of byte offsets.
#[derive(Debug)]
pub struct Lines<'s> {
    text: &'s str,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    /// Finds the lines of `text`, whose newlines are normalised.
    pub fn new(text: &'s str) -> Lines<'s> {
        let newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(newlines).collect() }
    }

    /// Line (from 1) and byte column (from 0) of a byte offset.
    pub fn position(&self, at: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= at) - 1;
        (line as u32 + 1, (at - self.starts[line]) as u32)
    }

    /// Line and character, both from 1, of a byte offset.
    pub fn place(&self, at: usize) -> (u32, i32) {
        let (line, column) = self.position(at.min(self.text.len()));
        let start = self.starts[line as usize - 1];
        let end = (start + column as usize..).find(|&end| self.text.is_char_boundary(end)).unwrap_or(start);
        (line, self.text[start..end].chars().count() as i32 + 1)
    }

    /// Place of the end of a range that starts in `first`. CPython converts the byte column of an end on another
    /// line by the text of the first one: so does this.
    pub(crate) fn end_place(&self, first: u32, end: usize) -> (u32, i32) {
        let (line, column) = self.position(end.min(self.text.len()));
        if line == first {
            return self.place(end);
        }
        let text = self.line_text(first).unwrap_or("").trim_end_matches('\n').as_bytes();
        let bytes = (column as usize + 1).min(text.len() + 1);
        let counted = String::from_utf8_lossy(&text[..bytes.min(text.len())]).chars().count();
        (line, (counted + usize::from(bytes > text.len())) as i32)
    }

    /// Byte offset at which a line (from 1) starts.
    pub fn start(&self, line: u32) -> usize {
        self.starts.get(line as usize - 1).copied().unwrap_or(self.text.len())
    }

    /// Text of a line with its newline; `None` beyond the end.
    pub fn line_text(&self, line: u32) -> Option<&'s str> {
        let start = *self.starts.get((line as usize).checked_sub(1)?)?;
        let end = self.starts.get(line as usize).copied().unwrap_or(self.text.len());
        Some(&self.text[start..end])
    }
}

/// Text with `\r\n` and `\r` replaced by `\n`; borrowed if there are none.
pub fn normalise_newlines(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

/// Where source bytes come from: it decides the words of some errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A bytes object given to `compile` or `exec`.
    Bytes,
    /// A file.
    File,
}

/// Decodes encodings that are not built in, see [`decode`].
pub type OtherDecoder<'d> = dyn FnMut(&str, &[u8]) -> Option<Result<String, String>> + 'd;

/// Decodes bytes of source by BOM and coding cookie. `other` decodes encodings that are not built in: it gets the
/// normalised name and answers `None` if it does not know it, else the text or the decoder's message.
/// Newlines are not yet normalised.
pub fn decode(bytes: &[u8], origin: Origin, other: &mut OtherDecoder<'_>) -> Result<String, SyntaxError> {
    if bytes.contains(&0) {
        let what = if origin == Origin::Bytes { "source code string" } else { "source code" };
        return Err(SyntaxError::bare(ErrorKind::Syntax, format!("{what} cannot contain null bytes")));
    }
    let (has_bom, body) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(body) => (true, body),
        None => (false, bytes),
    };
    let Some((number, cookie)) = cookie(body) else { return utf8_without_cookie(body) };
    let encoding = normal_name(&cookie);
    if has_bom && !is_utf8_after_bom(&cookie) {
        let encoding = if encoding == "utf-8" { cookie } else { encoding };
        let text = String::from_utf8_lossy(body);
        let line = text.lines().nth(number as usize - 1).unwrap_or("").to_string();
        let end_offset = line.chars().count() as i32 + 1;
        let place = Place { line: number, offset: 0, end_line: number, end_offset };
        let message = format!("encoding problem: {encoding} with BOM");
        let kind = ErrorKind::Syntax;
        return Err(SyntaxError { kind, message, place: Some(place), text: Some(line), incomplete: false });
    }
    let failed = |message: String| {
        let place = Place { line: 0, offset: -1, end_line: 0, end_offset: -1 };
        SyntaxError { kind: ErrorKind::Syntax, message, place: Some(place), text: None, incomplete: false }
    };
    match encoding.as_str() {
        "utf-8" => std::str::from_utf8(body).map(str::to_owned).map_err(|error| {
            let (place, text) = place_in(body, error.valid_up_to());
            let message = utf8_message(body, error);
            SyntaxError { kind: ErrorKind::Syntax, message, place: Some(place), text, incomplete: false }
        }),
        "iso-8859-1" => Ok(body.iter().map(|&byte| byte as char).collect()),
        "ascii" | "us-ascii" | "646" => match body.iter().position(|byte| !byte.is_ascii()) {
            None => Ok(String::from_utf8_lossy(body).into_owned()),
            Some(at) => Err(failed(format!(
                "'ascii' codec can't decode byte {:#04x} in position {at}: ordinal not in range(128)",
                body[at]
            ))),
        },
        _ => match other(&encoding, body) {
            Some(Ok(text)) => Ok(text),
            Some(Err(message)) => Err(failed(message)),
            None => Err(failed(format!("unknown encoding: {cookie}"))),
        },
    }
}

/// Decodes UTF-8 where no encoding was declared.
fn utf8_without_cookie(bytes: &[u8]) -> Result<String, SyntaxError> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let (place, text) = place_in(bytes, at);
    let line = place.line;
    let message = format!(
        "Non-UTF-8 code starting with '\\x{:02x}' on line {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details",
        bytes[at]
    );
    Err(SyntaxError { kind: ErrorKind::Syntax, message, place: Some(place), text, incomplete: false })
}

/// The place of byte `at`, and its line.
fn place_in(bytes: &[u8], at: usize) -> (Place, Option<String>) {
    let line_start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line_end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |newline| at + newline);
    let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u32 + 1;
    let offset = String::from_utf8_lossy(&bytes[line_start..at]).chars().count() as i32 + 1;
    let place = Place { line, offset, end_line: line, end_offset: offset };
    (place, Some(String::from_utf8_lossy(&bytes[line_start..line_end]).into_owned()))
}

/// The codec's message for broken UTF-8.
pub fn utf8_message(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let start = error.valid_up_to();
    let byte = bytes[start];
    let (end, reason) = match error.error_len() {
        None => (bytes.len(), "unexpected end of data"),
        Some(_) if !(0xc2..=0xf4).contains(&byte) => (start + 1, "invalid start byte"),
        Some(len) => (start + len, "invalid continuation byte"),
    };
    if end - start == 1 {
        format!("'utf-8' codec can't decode byte {byte:#04x} in position {start}: {reason}")
    } else {
        format!("'utf-8' codec can't decode bytes in position {start}-{}: {reason}", end - 1)
    }
}

/// The coding cookie in the first two lines: `coding[:=]\s*([-\w.]+)` in a comment that has its line to itself.
///
/// With the number of its line.
fn cookie(bytes: &[u8]) -> Option<(u32, String)> {
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n' || byte == b'\r').take(2)) {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | 0x0c)).unwrap_or(line.len());
        let line = &line[start..];
        if line.first().is_some_and(|&byte| byte != b'#') {
            return None;
        }
        if let Some(name) = cookie_in(line) {
            return Some((number, name));
        }
    }
    None
}

/// Behind a byte order mark only the plain name of UTF-8 is right.
fn is_utf8_after_bom(cookie: &str) -> bool {
    let lower = cookie.to_ascii_lowercase().replace('_', "-");
    lower == "utf-8" || lower.starts_with("utf-8-")
}

fn cookie_in(line: &[u8]) -> Option<String> {
    let mut from = 0;
    while let Some(found) = line[from..].windows(6).position(|window| window == b"coding") {
        let rest = &line[from + found + 6..];
        from += found + 1;
        if !matches!(rest.first(), Some(b':' | b'=')) {
            continue;
        }
        let name = rest[1..].trim_ascii_start();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let len = name.iter().position(|byte| !is_name(byte)).unwrap_or(name.len());
        if len > 0 {
            return Some(String::from_utf8_lossy(&name[..len]).into_owned());
        }
    }
    None
}

fn normal_name(cookie: &str) -> String {
    let lower = cookie.to_ascii_lowercase().replace('_', "-");
    let has_prefix = |name: &str| lower == name || lower.starts_with(&format!("{name}-"));
    if has_prefix("utf-8") || lower == "utf8" || lower == "u8" {
        return "utf-8".into();
    }
    if ["latin-1", "iso-8859-1", "iso-latin-1"].iter().any(|name| has_prefix(name)) || lower == "latin1" {
        return "iso-8859-1".into();
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        decode(bytes, Origin::Bytes, &mut |_, _| None).expect_err("fails").message
    }

    #[test]
    fn decodes() {
        let decode = |bytes: &[u8]| decode(bytes, Origin::Bytes, &mut |_, _| None).expect("decodes");
        assert_eq!(decode(b"\xef\xbb\xbfx"), "x");
        assert_eq!(decode(b"#!x\n# -*- coding: latin-1 -*-\n\xe9"), "#!x\n# -*- coding: latin-1 -*-\né");
        assert_eq!(decode(b"# vim: set fileencoding=utf-8 :\n"), "# vim: set fileencoding=utf-8 :\n");
        assert_eq!(decode(b"x\n# coding: foo\n"), "x\n# coding: foo\n");
    }

    #[test]
    fn reports() {
        assert_eq!(message(b"x\0"), "source code string cannot contain null bytes");
        assert_eq!(message(b"# coding: foo\n"), "unknown encoding: foo");
        assert_eq!(message(b"\xef\xbb\xbf# coding: latin-1\nx"), "encoding problem: iso-8859-1 with BOM");
        assert!(message(b"x=\xff").starts_with("Non-UTF-8 code starting with '\\xff' on line 1"));
        let ascii = "'ascii' codec can't decode byte 0xe9 in position 17: ordinal not in range(128)";
        assert_eq!(message(b"# coding: ascii\n\"\xe9\""), ascii);
        let utf8 = "'utf-8' codec can't decode byte 0xe9 in position 16: invalid continuation byte";
        assert_eq!(message(b"# coding: utf8\n\"\xe9\""), utf8);
    }

    #[test]
    fn places() {
        let lines = Lines::new("é = 1\nx");
        assert_eq!(lines.place(3), (1, 3));
        assert_eq!(lines.position(7), (2, 0));
        assert_eq!(lines.line_text(1), Some("é = 1\n"));
        assert_eq!(lines.line_text(3), None);
    }
}
