//! Building strs: into an object of known size and width, or into a buffer that widens as needed.

use crate::cx::Cx;
use crate::types::str::{Str, Units};
use crate::{PyResult, buffer};

/// Fills a str whose length and width were computed beforehand.
pub struct Writer {
    str: &'static Str,
    at: usize,
}

impl Writer {
    /// Starts a str of `n` code points of `kind` bytes. MemoryError if it is too large. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, n: usize, kind: usize, ascii: bool) -> PyResult<Writer> {
        buffer::check_size(cx, n.saturating_mul(kind))?;
        Ok(Writer { str: Str::alloc(cx, n, kind, ascii), at: 0 })
    }

    /// Appends a str.
    #[inline]
    pub fn push(&mut self, s: &Str) {
        self.push_units(s.units());
    }

    /// Appends code units.
    #[inline]
    pub fn push_units(&mut self, units: Units) {
        let n = units.len();
        assert!(self.at + n <= self.str.len() && units.kind() <= self.str.kind(), "the size was computed before");
        self.str.write_slice(self.at, units);
        self.at += n;
    }

    /// Appends `n` times `c`.
    pub fn fill(&mut self, c: u32, n: usize) {
        assert!(self.at + n <= self.str.len(), "the size was computed before");
        self.str.write_fill(self.at, c, n);
        self.at += n;
    }

    /// The finished str.
    #[inline]
    pub fn finish(self) -> &'static Str {
        assert!(self.at == self.str.len(), "the size was computed before");
        self.str
    }
}

/// A growing text that widens when a wider code point arrives.
pub enum StrBuf {
    /// Latin-1 so far.
    One(Vec<u8>),
    /// 16 bits so far.
    Two(Vec<u16>),
    /// Beyond.
    Four(Vec<u32>),
}

impl Default for StrBuf {
    fn default() -> StrBuf {
        StrBuf::new()
    }
}

impl StrBuf {
    /// An empty text.
    pub fn new() -> StrBuf {
        StrBuf::One(Vec::new())
    }

    /// An empty text with room for `n` Latin-1 characters.
    pub fn with_capacity(n: usize) -> StrBuf {
        StrBuf::One(Vec::with_capacity(n))
    }

    /// Number of code points.
    pub fn len(&self) -> usize {
        match self {
            StrBuf::One(v) => v.len(),
            StrBuf::Two(v) => v.len(),
            StrBuf::Four(v) => v.len(),
        }
    }

    /// True without code points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cold]
    fn widen(&mut self, kind: usize) {
        fn wide<T: Copy, U: From<T>>(v: &Vec<T>) -> Vec<U> {
            // Room that was asked for stays: growing by doubling may need memory that is not there.
            let mut wide = Vec::with_capacity(v.capacity());
            wide.extend(v.iter().map(|c| U::from(*c)));
            wide
        }
        let four = kind == 4;
        *self = match std::mem::take(self) {
            StrBuf::One(v) if four => StrBuf::Four(wide(&v)),
            StrBuf::One(v) => StrBuf::Two(wide(&v)),
            StrBuf::Two(v) if four => StrBuf::Four(wide(&v)),
            same => same,
        };
    }

    fn kind(&self) -> usize {
        match self {
            StrBuf::One(_) => 1,
            StrBuf::Two(_) => 2,
            StrBuf::Four(_) => 4,
        }
    }

    fn make_room_for(&mut self, c: u32) {
        let kind = match c {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        if kind > self.kind() {
            self.widen(kind);
        }
    }

    /// Appends a code point.
    #[inline]
    pub fn push(&mut self, c: u32) {
        self.make_room_for(c);
        match self {
            StrBuf::One(v) => v.push(c as u8),
            StrBuf::Two(v) => v.push(c as u16),
            StrBuf::Four(v) => v.push(c),
        }
    }

    /// Appends `n` times `c`.
    pub fn fill(&mut self, c: u32, n: usize) {
        if n == 0 {
            return;
        }
        self.make_room_for(c);
        match self {
            StrBuf::One(v) => v.resize(v.len() + n, c as u8),
            StrBuf::Two(v) => v.resize(v.len() + n, c as u16),
            StrBuf::Four(v) => v.resize(v.len() + n, c),
        }
    }

    /// Appends code units.
    #[inline]
    pub fn push_units(&mut self, units: Units) {
        if units.kind() > self.kind() {
            self.widen(units.kind());
        }
        match (self, units) {
            (StrBuf::One(v), Units::One(u)) => v.extend_from_slice(u),
            (StrBuf::Two(v), Units::Two(u)) => v.extend_from_slice(u),
            (StrBuf::Four(v), Units::Four(u)) => v.extend_from_slice(u),
            (StrBuf::Two(v), Units::One(u)) => v.extend(u.iter().map(|c| u16::from(*c))),
            (StrBuf::Four(v), Units::One(u)) => v.extend(u.iter().map(|c| u32::from(*c))),
            (StrBuf::Four(v), Units::Two(u)) => v.extend(u.iter().map(|c| u32::from(*c))),
            _ => unreachable!("widened above"),
        }
    }

    /// Appends a str.
    #[inline]
    pub fn push_str(&mut self, s: &Str) {
        self.push_units(s.units());
    }

    /// Appends a str that the program may append very often: MemoryError if there is no room for it.
    pub fn try_push_str(&mut self, cx: &mut Cx, s: &Str) -> PyResult<()> {
        let has_room = match self {
            StrBuf::One(v) => v.try_reserve(s.len()).is_ok(),
            StrBuf::Two(v) => v.try_reserve(s.len()).is_ok(),
            StrBuf::Four(v) => v.try_reserve(s.len()).is_ok(),
        };
        if !has_room {
            return Err(cx.memory_error());
        }
        self.push_str(s);
        Ok(())
    }

    /// Appends Rust text.
    pub fn push_text(&mut self, text: &str) {
        if text.is_ascii() {
            self.push_units(Units::One(text.as_bytes()));
        } else {
            text.chars().for_each(|c| self.push(c as u32));
        }
    }

    /// The units written so far.
    pub fn units(&self) -> Units<'_> {
        match self {
            StrBuf::One(v) => Units::One(v),
            StrBuf::Two(v) => Units::Two(v),
            StrBuf::Four(v) => Units::Four(v),
        }
    }

    /// The text as a str object. May collect.
    pub fn finish(&self, cx: &mut Cx) -> &'static Str {
        match self.units() {
            u if u.is_empty() => cx.names().empty,
            u => Str::from_units(cx, u),
        }
    }
}
