//! printf-style formatting (`str % args`, `bytes % args`).

use crate::CodePoints;
use crate::fmtspec::{Align, FmtError, Formatted, StrPads, double_text, room_for};
use std::ops::Range;
use taipan_num::{big, float};

/// A width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Written as digits; a lone '.' is precision 0.
    Given(usize),
    /// '*': the next argument.
    Star,
}

/// Conversion flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// '-'
    pub left: bool,
    /// '+'
    pub plus: bool,
    /// ' '
    pub space: bool,
    /// '#'
    pub alternate: bool,
    /// '0'
    pub zero: bool,
}

/// One conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Mapping key, as a range of the format.
    pub key: Option<Range<usize>>,
    /// Flags.
    pub flags: Flags,
    /// Minimum width.
    pub width: Option<Count>,
    /// Precision.
    pub precision: Option<Count>,
    /// Conversion character, not checked; see [`unsupported`].
    pub kind: u32,
    /// Where `kind` is in the format.
    pub at: usize,
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Literal text, as a range of the format; for `%%` the second sign.
    Literal(Range<usize>),
    /// A conversion.
    Conversion(Conversion),
}

/// Iterates over the pieces of a format; ends after an error.
pub struct Pieces<'a, T: ?Sized> {
    text: &'a T,
    pos: usize,
}

/// Splits a format into pieces.
pub fn pieces<T: CodePoints + ?Sized>(text: &T) -> Pieces<'_, T> {
    Pieces { text, pos: 0 }
}

impl<T: CodePoints + ?Sized> Iterator for Pieces<'_, T> {
    type Item = Result<Piece, FmtError>;

    fn next(&mut self) -> Option<Self::Item> {
        let len = self.text.len();
        if self.pos >= len {
            return None;
        }
        let start = self.pos;
        let percent = (start..len).find(|&i| self.text.at(i) == u32::from(b'%')).unwrap_or(len);
        if percent > start {
            self.pos = percent;
            return Some(Ok(Piece::Literal(start..percent)));
        }
        self.pos += 1;
        if self.eat(b'%') {
            return Some(Ok(Piece::Literal(self.pos - 1..self.pos)));
        }
        let piece = self.conversion();
        if piece.is_err() {
            self.pos = len;
        }
        Some(piece.map(Piece::Conversion))
    }
}

impl<T: CodePoints + ?Sized> Pieces<'_, T> {
    fn take(&mut self) -> Result<u32, FmtError> {
        if self.pos >= self.text.len() {
            return Err(FmtError::value("incomplete format"));
        }
        self.pos += 1;
        Ok(self.text.at(self.pos - 1))
    }

    fn eat(&mut self, c: u8) -> bool {
        let hit = self.pos < self.text.len() && self.text.at(self.pos) == u32::from(c);
        self.pos += usize::from(hit);
        hit
    }

    fn conversion(&mut self) -> Result<Conversion, FmtError> {
        let key = if self.eat(b'(') { Some(self.key()?) } else { None };
        let flags = self.flags();
        let width = self.count("width too big")?;
        let mut precision = None;
        if self.eat(b'.') {
            precision = Some(self.count("precision too big")?.unwrap_or(Count::Given(0)));
        }
        // C's length modifiers mean nothing.
        let _ = self.eat(b'h') || self.eat(b'l') || self.eat(b'L');
        let kind = self.take()?;
        Ok(Conversion { key, flags, width, precision, kind, at: self.pos - 1 })
    }

    fn key(&mut self) -> Result<Range<usize>, FmtError> {
        let start = self.pos;
        let mut depth = 1;
        while self.pos < self.text.len() {
            match self.text.at(self.pos) {
                0x28 => depth += 1,
                0x29 => depth -= 1,
                _ => {}
            }
            self.pos += 1;
            if depth == 0 {
                return Ok(start..self.pos - 1);
            }
        }
        Err(FmtError::value("incomplete format key"))
    }

    fn flags(&mut self) -> Flags {
        let mut f = Flags::default();
        loop {
            if self.eat(b'-') {
                f.left = true;
            } else if self.eat(b'+') {
                f.plus = true;
            } else if self.eat(b' ') {
                f.space = true;
            } else if self.eat(b'#') {
                f.alternate = true;
            } else if self.eat(b'0') {
                f.zero = true;
            } else {
                return f;
            }
        }
    }

    fn count(&mut self, too_big: &str) -> Result<Option<Count>, FmtError> {
        if self.eat(b'*') {
            return Ok(Some(Count::Star));
        }
        let mut value = None;
        while self.pos < self.text.len()
            && let d @ 0..=9 = self.text.at(self.pos).wrapping_sub(0x30)
        {
            let next = value.unwrap_or(0usize).checked_mul(10).and_then(|v| v.checked_add(d as usize));
            let limit = if too_big.starts_with('w') { isize::MAX as usize } else { i32::MAX as usize };
            value = Some(next.filter(|&v| v <= limit).ok_or_else(|| FmtError::value(too_big))?);
            self.pos += 1;
        }
        Ok(value.map(Count::Given))
    }
}

/// The error for a conversion character that is not supported.
pub fn unsupported(c: &Conversion) -> FmtError {
    let shown = if (32..127).contains(&c.kind) { char::from(c.kind as u8) } else { '?' };
    FmtError::value(format!("unsupported format character '{shown}' (0x{:x}) at index {}", c.kind, c.at))
}

impl Flags {
    fn sign(self, neg: bool) -> &'static str {
        match () {
            _ if neg => "-",
            _ if self.plus => "+",
            _ if self.space => " ",
            _ => "",
        }
    }

    fn finish(self, head: String, body: String, width: usize) -> Result<Formatted, FmtError> {
        let (fill, align) = match () {
            _ if self.left => (b' ', Align::Left),
            _ if self.zero => (b'0', Align::Inner),
            _ => (b' ', Align::Right),
        };
        Formatted::new(head, body, u32::from(fill), Some(width), align)
    }
}

/// Formats an integer by d, i, u, o, x or X. A negative '*' width is the `left` flag.
pub fn format_int(
    neg: bool,
    mag: &big::Digits,
    kind: char,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
) -> Result<Formatted, FmtError> {
    room_for(width.max(precision.unwrap_or(0)))?;
    let (base, prefix) = match kind {
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut text = String::new();
    big::to_radix(mag, base, &mut text);
    if kind == 'X' {
        text.make_ascii_uppercase();
    }
    if let Some(p) = precision
        && p > text.len()
    {
        text.insert_str(0, &"0".repeat(p - text.len()));
    }
    let mut head = String::from(flags.sign(neg));
    if flags.alternate {
        head.push_str(prefix);
    }
    flags.finish(head, text, width)
}

/// Formats a float by e, E, f, F, g or G.
pub fn format_float(
    x: f64,
    kind: char,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
) -> Result<Formatted, FmtError> {
    room_for(width.max(precision.unwrap_or(0)))?;
    let style = float::Flags { alternate: flags.alternate, ..float::Flags::default() };
    let (neg, text) = double_text(x, kind, precision.unwrap_or(6), style);
    flags.finish(flags.sign(neg).to_owned(), text, width)
}

/// Truncation and padding of a string (s, r, a) of `len` characters; for c pass no precision.
pub fn format_str(len: usize, flags: Flags, width: usize, precision: Option<usize>) -> StrPads {
    let take = precision.map_or(len, |p| p.min(len));
    let pad = width.saturating_sub(take);
    let (left, right) = if flags.left { (0, pad) } else { (pad, 0) };
    StrPads { left, take, right, fill: u32::from(b' ') }
}
