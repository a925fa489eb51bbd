//! str: layout (PEP 393), construction and what the runtime itself needs. The methods are in `str_methods.rs`.
//!
//! Layouts (CABI 2.2): compact ASCII has its data at +40, other compact strs at +56; a non-compact str has a data
//! pointer at +56. Kind is the narrowest of 1, 2, 4 bytes per code point.
//!
//! Invariants:
//! - STR-1: the kind is the narrowest that fits, and the ascii bit is set exactly for pure ASCII; so two equal strs
//!   have equal kind and equal bytes.
//! - STR-2: content never changes after construction, the hash word and flags apart. A non-compact str may share a
//!   growing buffer with others: the code units below its own length never change.

use std::borrow::Cow;
use std::cell::Cell;
use std::hash::Hasher;

use taipan_gc::Marker;
use taipan_text::transcode;

use crate::buffer::RawBuffer;
use crate::cx::Cx;
use crate::object;
use crate::object::Header;
use crate::typeobj::Type;
use crate::value::Value;

/// A str object.
#[repr(C)]
pub struct Str {
    header: Header,
    length: Cell<usize>,
    hash: Cell<i64>,
    state: Cell<u32>,
    spare: Cell<u32>,
}
object!(Str, crate::types::str_methods::STR);

const INTERNED: u32 = 1;
const KIND_SHIFT: u32 = 2;
const COMPACT: u32 = 1 << 5;
const ASCII: u32 = 1 << 6;
/// VM bit: the data pointer leads into a RawBuffer that is shared and may be appended to.
const SHARED: u32 = 1 << 8;

/// Offset of the state word, its bits that say that code points are single bytes right behind the header, and where these
/// begin.
pub const ASCII_LAYOUT: (usize, u32, usize) = (std::mem::offset_of!(Str, state), COMPACT | ASCII, 40);

/// Bytes of the non-compact form.
pub const NON_COMPACT_SIZE: usize = 64;

/// Code units of a str.
#[derive(Clone, Copy, Debug)]
pub enum Units<'a> {
    /// One byte each: ASCII or Latin-1.
    One(&'a [u8]),
    /// Two bytes each.
    Two(&'a [u16]),
    /// Four bytes each.
    Four(&'a [u32]),
}

impl<'a> Units<'a> {
    /// The units `[start, end)`.
    #[inline(always)]
    pub fn slice(self, start: usize, end: usize) -> Units<'a> {
        match self {
            Units::One(u) => Units::One(&u[start..end]),
            Units::Two(u) => Units::Two(&u[start..end]),
            Units::Four(u) => Units::Four(&u[start..end]),
        }
    }

    /// Bytes per code point.
    #[inline(always)]
    pub fn kind(self) -> usize {
        match self {
            Units::One(_) => 1,
            Units::Two(_) => 2,
            Units::Four(_) => 4,
        }
    }

    /// The code points.
    #[inline]
    pub fn chars(self) -> Chars<'a> {
        Chars { units: self, at: 0, end: self.len() }
    }

    /// Number of code points.
    pub fn len(self) -> usize {
        match self {
            Units::One(u) => u.len(),
            Units::Two(u) => u.len(),
            Units::Four(u) => u.len(),
        }
    }

    /// True without code points.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Code point `i`.
    #[inline(always)]
    pub fn at(self, i: usize) -> u32 {
        match self {
            Units::One(u) => u[i] as u32,
            Units::Two(u) => u[i] as u32,
            Units::Four(u) => u[i],
        }
    }
}

/// Calls `$body` with `$u` bound to the slice of code units, whatever their width.
#[macro_export]
macro_rules! with_units {
    ($units:expr, $u:ident => $body:expr) => {
        match $units {
            $crate::types::str::Units::One($u) => $body,
            $crate::types::str::Units::Two($u) => $body,
            $crate::types::str::Units::Four($u) => $body,
        }
    };
}

/// The code points of a str.
#[derive(Clone)]
pub struct Chars<'a> {
    units: Units<'a>,
    at: usize,
    end: usize,
}

impl Iterator for Chars<'_> {
    type Item = u32;
    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.at == self.end {
            return None;
        }
        let c = self.units.at(self.at);
        self.at += 1;
        Some(c)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.at, Some(self.end - self.at))
    }
}

impl DoubleEndedIterator for Chars<'_> {
    fn next_back(&mut self) -> Option<u32> {
        if self.at == self.end {
            return None;
        }
        self.end -= 1;
        Some(self.units.at(self.end))
    }
}

impl ExactSizeIterator for Chars<'_> {}

impl Str {
    /// The type str.
    pub fn type_object() -> &'static Type {
        &crate::types::str_methods::STR
    }

    /// Its type.
    pub fn class(&self) -> &'static Type {
        self.header.class()
    }

    /// Number of code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.length.get()
    }

    /// True for "".
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes per code point.
    #[inline(always)]
    pub fn kind(&self) -> usize {
        (self.state.get() >> KIND_SHIFT & 7) as usize
    }

    /// True for pure ASCII.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.state.get() & ASCII != 0
    }

    /// True for interned strs: equal interned strs are the same object.
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.state.get() & 3 != 0
    }

    pub(crate) fn mark_interned(&self) {
        self.state.set(self.state.get() | INTERNED);
    }

    #[inline(always)]
    fn data(&self) -> *const u8 {
        let base = self as *const Str as *const u8;
        let state = self.state.get();
        // SAFETY: the layouts of the module's documentation.
        unsafe {
            if state & COMPACT != 0 {
                base.add(if state & ASCII != 0 { 40 } else { 56 })
            } else {
                *base.add(56).cast::<*const u8>()
            }
        }
    }

    /// Changes the bytes of an ASCII str that nobody else has seen yet, to other ASCII bytes.
    pub(crate) fn edit_ascii(&self, edit: impl FnOnce(&mut [u8])) {
        assert!(self.is_ascii() && self.state.get() & (COMPACT | INTERNED) == COMPACT && self.hash.get() == -1);
        // SAFETY: the str's own bytes; during construction (STR-2) there is no other reference to them.
        edit(unsafe { std::slice::from_raw_parts_mut(self.data().cast_mut(), self.len()) });
    }

    /// The code units.
    #[inline(always)]
    pub fn units(&self) -> Units<'static> {
        let (data, n) = (self.data(), self.len());
        // SAFETY: the data holds n units of that kind; OBJ-2 for the lifetime.
        unsafe {
            match self.kind() {
                1 => Units::One(std::slice::from_raw_parts(data, n)),
                2 => Units::Two(std::slice::from_raw_parts(data.cast(), n)),
                _ => Units::Four(std::slice::from_raw_parts(data.cast(), n)),
            }
        }
    }

    /// The text, if it is pure ASCII.
    #[inline(always)]
    pub fn as_ascii(&self) -> Option<&'static str> {
        if !self.is_ascii() {
            return None;
        }
        // SAFETY: ASCII bytes are UTF-8.
        unsafe { Some(std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.data(), self.len()))) }
    }

    /// The bytes of the code units.
    #[inline(always)]
    pub fn raw_bytes(&self) -> &'static [u8] {
        // SAFETY: the data holds len * kind bytes.
        unsafe { std::slice::from_raw_parts(self.data(), self.len() * self.kind()) }
    }

    /// Code point `i`.
    #[inline(always)]
    pub fn at(&self, i: usize) -> u32 {
        self.units().at(i)
    }

    /// Code point `i`, if there is one.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<u32> {
        if i < self.len() { Some(self.at(i)) } else { None }
    }

    /// The code points.
    pub fn chars(&self) -> Chars<'static> {
        Chars { units: self.units(), at: 0, end: self.len() }
    }

    /// The code points as a vector.
    pub fn to_code_points(&self) -> Vec<u32> {
        with_units!(self.units(), u => u.iter().map(|c| u32::from(*c)).collect())
    }

    /// The text with lone surrogates replaced by U+FFFD.
    pub fn to_string_lossy(&self) -> String {
        match self.as_ascii() {
            Some(text) => text.to_string(),
            None => match self.to_rust() {
                Some(text) => text.into_owned(),
                None => self.chars().map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect(),
            },
        }
    }

    /// UTF-8, unless there are lone surrogates.
    fn encoded(&self) -> Option<Vec<u8>> {
        with_units!(self.units(), units => {
            let mut out = vec![0; transcode::encoded_len(units)?];
            transcode::encode(units, &mut out);
            Some(out)
        })
    }

    /// The text as Rust sees it, unless it has lone surrogates.
    pub fn to_rust(&self) -> Option<Cow<'static, str>> {
        match self.as_ascii() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => {
                let made = String::from_utf8(self.encoded()?);
                Some(Cow::Owned(made.expect("UTF-8 was written")))
            }
        }
    }

    /// UTF-8 in which lone surrogates are encoded as three bytes each.
    pub fn to_generalized_utf8(&self) -> Cow<'static, [u8]> {
        match self.as_ascii() {
            Some(text) => Cow::Borrowed(text.as_bytes()),
            None => Cow::Owned(self.encoded().unwrap_or_else(|| {
                let mut out = Vec::with_capacity(self.len() * 2);
                for c in self.chars() {
                    push_generalized_utf8(c, &mut out);
                }
                out
            })),
        }
    }

    /// Equality of content.
    #[inline(always)]
    pub fn eq_str(&self, other: &Str) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        if self.len() != other.len() || (self.state.get() ^ other.state.get()) & (7 << KIND_SHIFT) != 0 {
            return false;
        }
        let (a, b) = (self.raw_bytes(), other.raw_bytes());
        // Most differ in the first byte, many have only one: a call is not needed for these.
        match (a, b) {
            ([x, rest @ ..], [y, ..]) => x == y && (rest.is_empty() || a == b),
            _ => true,
        }
    }

    /// Equality with Rust text.
    pub fn eq_rust(&self, other: &str) -> bool {
        match self.as_ascii() {
            Some(text) => text == other,
            None => self.chars().eq(other.chars().map(|c| c as u32)),
        }
    }

    /// Order of content by code points.
    pub fn compare(&self, other: &Str) -> std::cmp::Ordering {
        match (self.units(), other.units()) {
            (Units::One(a), Units::One(b)) => match (a.first(), b.first()) {
                (Some(x), Some(y)) if x != y => x.cmp(y),
                _ => a.cmp(b),
            },
            _ => self.chars().cmp(other.chars()),
        }
    }

    /// The hash, computed once.
    #[inline(always)]
    pub fn hash(&self) -> i64 {
        match self.hash.get() {
            0 | -1 => self.compute_hash(),
            h => h,
        }
    }

    /// Sets the hash of a new str whose hash is known.
    pub(crate) fn set_hash(&self, hash: i64) {
        self.hash.set(hash);
    }

    #[cold]
    #[inline(never)]
    fn compute_hash(&self) -> i64 {
        let h = hash_bytes(self.raw_bytes());
        self.hash.set(h);
        h
    }

    /// A compact str of exact type with the same content. May collect.
    pub fn exact_copy(&self, cx: &mut Cx) -> &'static Str {
        Str::from_units(cx, self.units())
    }

    // ---- construction ------------------------------------------------------------------------------

    /// A str of `n` units still to be written. May collect.
    pub(crate) fn alloc(cx: &mut Cx, n: usize, kind: usize, ascii: bool) -> &'static Str {
        let start = if ascii { 40 } else { 56 };
        let p = cx.alloc_leaf(start + (n + 1) * kind);
        // SAFETY: fresh memory of that size.
        unsafe {
            p.cast::<Header>().write(Header::fresh(Str::type_object()));
            let this = &*p.cast::<Str>();
            this.length.set(n);
            this.hash.set(-1);
            this.state.set((kind as u32) << KIND_SHIFT | COMPACT | if ascii { ASCII } else { 0 });
            this
        }
    }

    /// A new str of ASCII bytes. May collect.
    #[inline]
    pub fn from_ascii(cx: &mut Cx, bytes: &[u8]) -> &'static Str {
        debug_assert!(bytes.is_ascii());
        let this = Str::alloc(cx, bytes.len(), 1, true);
        // SAFETY: the data has room for them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), this.data().cast_mut(), bytes.len()) };
        this
    }

    /// A new str of Rust text. May collect.
    pub fn new(cx: &mut Cx, text: &str) -> &'static Str {
        if text.is_ascii() {
            return Str::from_ascii(cx, text.as_bytes());
        }
        let (n, kind) = transcode::measure(text);
        let this = Str::alloc(cx, n, kind, false);
        let data = this.data().cast_mut();
        // SAFETY: the data is n units of that kind that only we know.
        unsafe {
            match kind {
                1 => transcode::decode(text, std::slice::from_raw_parts_mut(data, n)),
                2 => transcode::decode(text, std::slice::from_raw_parts_mut(data.cast::<u16>(), n)),
                _ => transcode::decode(text, std::slice::from_raw_parts_mut(data.cast::<u32>(), n)),
            }
        }
        this
    }

    /// A new str of Latin-1 bytes. May collect.
    pub fn from_latin1(cx: &mut Cx, bytes: &[u8]) -> &'static Str {
        if bytes.is_ascii() {
            return Str::from_ascii(cx, bytes);
        }
        let this = Str::alloc(cx, bytes.len(), 1, false);
        // SAFETY: the data has room for them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), this.data().cast_mut(), bytes.len()) };
        this
    }

    /// A new str of code points of which the highest is known to need `kind` (1: Latin-1, or ASCII if `ascii`).
    fn fill(cx: &mut Cx, n: usize, highest: u32, points: impl Iterator<Item = u32>) -> &'static Str {
        let kind = match highest {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        let this = Str::alloc(cx, n, kind, highest < 0x80);
        let data = this.data().cast_mut();
        // SAFETY: the data is n units of that kind that only we know.
        unsafe {
            match kind {
                1 => write_units(std::slice::from_raw_parts_mut(data, n), points),
                2 => write_units(std::slice::from_raw_parts_mut(data.cast::<u16>(), n), points),
                _ => write_units(std::slice::from_raw_parts_mut(data.cast::<u32>(), n), points),
            }
        }
        this
    }

    /// A new str of code points (surrogates allowed). May collect.
    pub fn from_code_points(cx: &mut Cx, points: &[u32]) -> &'static Str {
        let highest = points.iter().copied().max().unwrap_or(0);
        Str::fill(cx, points.len(), highest, points.iter().copied())
    }

    /// A new str of code units, narrowed if possible. May collect.
    pub fn from_units(cx: &mut Cx, units: Units) -> &'static Str {
        match units {
            Units::One(u) => Str::from_latin1(cx, u),
            Units::Two(u) => {
                let highest = u.iter().copied().max().unwrap_or(0);
                Str::fill(cx, u.len(), highest as u32, u.iter().map(|c| *c as u32))
            }
            Units::Four(u) => Str::from_code_points(cx, u),
        }
    }

    /// A str of UTF-8 with surrogates encoded as three bytes each; other malformed bytes become U+FFFD. May collect.
    pub fn from_generalized_utf8(cx: &mut Cx, bytes: &[u8]) -> &'static Str {
        if bytes.is_ascii() {
            return Str::from_ascii(cx, bytes);
        }
        let mut points = Vec::with_capacity(bytes.len());
        let mut i = 0;
        while i < bytes.len() {
            let b = bytes[i];
            let (n, first) = match b {
                0..=0x7f => (1, b as u32),
                0xc0..=0xdf => (2, b as u32 & 0x1f),
                0xe0..=0xef => (3, b as u32 & 0x0f),
                _ => (4, b as u32 & 0x07),
            };
            let rest = bytes.get(i + 1..i + n).unwrap_or(&[]);
            if rest.len() + 1 == n && rest.iter().all(|b| b & 0xc0 == 0x80) {
                points.push(rest.iter().fold(first, |c, b| c << 6 | (*b as u32 & 0x3f)));
                i += n;
            } else {
                points.push(0xfffd);
                i += 1;
            }
        }
        Str::from_code_points(cx, &points)
    }

    /// A new instance of `class`, a proper subclass of str, with the content of `source`. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type, source: &'static Str) -> &'static Str {
        let p = cx.alloc_var(class, NON_COMPACT_SIZE, 0);
        Str::init_subclass(p, source);
        // SAFETY: just made.
        unsafe { &*p.cast::<Str>() }
    }

    /// This str, or for an instance of a subclass an exact str of the same content. May collect.
    #[inline]
    pub fn exact(&'static self, cx: &mut Cx) -> &'static Str {
        if std::ptr::eq(self.class(), Str::type_object()) { self } else { self.exact_copy(cx) }
    }

    /// The slice `[start, end)`. May collect.
    pub fn slice(&self, cx: &mut Cx, start: usize, end: usize) -> &'static Str {
        if end <= start {
            return cx.names().empty;
        }
        if end - start == 1 {
            return cx.char(self.at(start));
        }
        if self.is_ascii() {
            let Units::One(u) = self.units() else { unreachable!("ASCII is of kind 1") };
            return Str::from_ascii(cx, &u[start..end]);
        }
        match self.units() {
            Units::One(u) => Str::from_latin1(cx, &u[start..end]),
            Units::Two(u) => Str::from_units(cx, Units::Two(&u[start..end])),
            Units::Four(u) => Str::from_units(cx, Units::Four(&u[start..end])),
        }
    }

    /// `self + other`. The result may share a growing buffer with `self`, so that building a str by repeated
    /// appending is linear: long results are non-compact strs over a buffer with slack, and appending to the str
    /// that ends at the buffer's end writes into the slack. May collect.
    pub fn concat(&'static self, cx: &mut Cx, other: &'static Str) -> &'static Str {
        const SHARE_FROM: usize = 128;
        let (n, m) = (self.len(), other.len());
        if m == 0 && std::ptr::eq(self.class(), Str::type_object()) {
            return self;
        }
        if n == 0 && std::ptr::eq(other.class(), Str::type_object()) {
            return other;
        }
        let kind = self.kind().max(other.kind());
        if kind == self.kind() && n >= SHARE_FROM && m <= n {
            return self.append_shared(cx, other);
        }
        let ascii = self.is_ascii() && other.is_ascii();
        let this = Str::alloc(cx, n + m, kind, ascii);
        this.write_units(0, self);
        this.write_units(n, other);
        this
    }

    /// Copies the units of `source`, widening, to position `at`; only during construction.
    fn write_units(&self, at: usize, source: &Str) {
        self.write_slice(at, source.units());
    }

    /// As `write_units`.
    pub(crate) fn write_slice(&self, at: usize, source: Units) {
        debug_assert!(source.kind() <= self.kind() && at + source.len() <= self.len());
        let data = self.data().cast_mut();
        // SAFETY: the caller reserved the room; source's units are no wider.
        unsafe {
            match (self.kind(), source) {
                (1, Units::One(u)) => std::ptr::copy_nonoverlapping(u.as_ptr(), data.add(at), u.len()),
                (2, Units::Two(u)) => {
                    std::ptr::copy_nonoverlapping(u.as_ptr(), data.cast::<u16>().add(at), u.len());
                }
                (4, Units::Four(u)) => {
                    std::ptr::copy_nonoverlapping(u.as_ptr(), data.cast::<u32>().add(at), u.len());
                }
                (2, Units::One(u)) => {
                    let out = data.cast::<u16>().add(at);
                    u.iter().enumerate().for_each(|(i, c)| *out.add(i) = u16::from(*c));
                }
                (_, Units::One(u)) => {
                    let out = data.cast::<u32>().add(at);
                    u.iter().enumerate().for_each(|(i, c)| *out.add(i) = u32::from(*c));
                }
                (_, Units::Two(u)) => {
                    let out = data.cast::<u32>().add(at);
                    u.iter().enumerate().for_each(|(i, c)| *out.add(i) = u32::from(*c));
                }
                (_, Units::Four(_)) => unreachable!("units are never narrowed"),
            }
        }
    }

    /// Fills `n` units from `at` on with `c`, which fits the kind; only during construction.
    pub(crate) fn write_fill(&self, at: usize, c: u32, n: usize) {
        let data = self.data().cast_mut();
        debug_assert!(at + n <= self.len());
        // SAFETY: within the str's own units.
        unsafe {
            match self.kind() {
                1 => std::ptr::write_bytes(data.add(at), c as u8, n),
                2 => (0..n).for_each(|i| *data.cast::<u16>().add(at + i) = c as u16),
                _ => (0..n).for_each(|i| *data.cast::<u32>().add(at + i) = c),
            }
        }
    }

    fn append_shared(&'static self, cx: &mut Cx, other: &'static Str) -> &'static Str {
        let (n, m, kind) = (self.len(), other.len(), self.kind());
        let used = n * kind;
        let buffer = match self.shared_buffer() {
            Some(b) if b.used() == used && b.buffer.capacity() - 8 >= used + (m + 1) * kind => b,
            _ => {
                let needed = used + m * kind;
                let doubled = needed * 2 + 64;
                let slack_fits = doubled < crate::buffer::LARGE_BYTES || !cx.heap().lacks(doubled);
                let new = RawBuffer::new(cx, if slack_fits { doubled } else { needed + 64 });
                let b = Shared { buffer: new };
                // SAFETY: the buffer has room.
                unsafe { std::ptr::copy_nonoverlapping(self.data(), b.data(), used) };
                b
            }
        };
        let p = cx.alloc_raw(NON_COMPACT_SIZE);
        // SAFETY: fresh memory of 64 bytes; the buffer has room for m more units and nobody else uses them (its used
        // count says that this str ends at the end).
        unsafe {
            p.cast::<Header>().write(Header::fresh(Str::type_object()));
            let this = &*p.cast::<Str>();
            let ascii = if self.is_ascii() && other.is_ascii() { ASCII } else { 0 };
            this.length.set(n + m);
            this.hash.set(-1);
            this.state.set((kind as u32) << KIND_SHIFT | SHARED | ascii);
            *p.add(56).cast::<*const u8>() = b_data(buffer);
            this.write_units(n, other);
            buffer.set_used(used + m * kind);
            this
        }
    }

    fn shared_buffer(&self) -> Option<Shared> {
        if self.state.get() & SHARED == 0 {
            return None;
        }
        // SAFETY: the pointer leads to the data of a Shared, 8 bytes into a RawBuffer's data.
        Some(Shared { buffer: unsafe { RawBuffer::from_data(self.data().sub(8)) } })
    }

    /// Makes `object`, fresh memory for an instance of a str subclass (non-compact form), hold the content of `source`.
    /// May not collect.
    pub(crate) fn init_subclass(object: *mut u8, source: &'static Str) {
        // SAFETY: the caller allocated at least 64 bytes with a header; the data pointer keeps `source` alive (trace).
        unsafe {
            let this = &*object.cast::<Str>();
            this.length.set(source.len());
            this.hash.set(source.hash.get());
            let ascii = if source.is_ascii() { ASCII } else { 0 };
            this.state.set((source.kind() as u32) << KIND_SHIFT | ascii);
            *object.add(56).cast::<*const u8>() = source.data();
        }
    }
}

fn b_data(b: Shared) -> *const u8 {
    b.data()
}

/// A growing buffer shared by non-compact strs: a used count, then the units.
#[derive(Clone, Copy)]
struct Shared {
    buffer: &'static RawBuffer,
}

impl Shared {
    fn data(self) -> *mut u8 {
        // SAFETY: the buffer has at least 64 bytes.
        unsafe { self.buffer.data().add(8) }
    }
    fn used(self) -> usize {
        // SAFETY: the first word of the data.
        unsafe { *self.buffer.data().cast::<usize>() }
    }
    fn set_used(self, bytes: usize) {
        // SAFETY: as above.
        unsafe { *self.buffer.data().cast::<usize>() = bytes };
    }
}

/// Visits a str: non-compact ones keep their data's owner alive.
///
/// # Safety
/// `object` must be a str.
pub unsafe fn trace_str(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise; the data pointer may lead into another object.
    unsafe {
        let this = &*object.cast::<Str>();
        if this.state.get() & COMPACT == 0 {
            marker.mark_conservative(object.cast::<u64>().add(7), 1);
        }
    }
}

/// Writes as many code points as there is room for.
fn write_units<U: transcode::Unit>(out: &mut [U], points: impl Iterator<Item = u32>) {
    out.iter_mut().zip(points).for_each(|(unit, point)| *unit = U::of(point));
}

/// Appends one code point, surrogates allowed.
pub fn push_generalized_utf8(c: u32, out: &mut Vec<u8>) {
    match char::from_u32(c) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
    }
}

/// The hash of str and bytes content: SipHash-1-3 with the runtime's key, 0 for nothing, never -1.
pub fn hash_bytes(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(
        HASH_KEY.0.load(std::sync::atomic::Ordering::Relaxed),
        HASH_KEY.1.load(std::sync::atomic::Ordering::Relaxed),
    );
    hasher.write(bytes);
    match hasher.finish() as i64 {
        -1 => -2,
        h => h,
    }
}

/// The process's hash key; set once before the first str is made.
pub static HASH_KEY: (std::sync::atomic::AtomicU64, std::sync::atomic::AtomicU64) =
    (std::sync::atomic::AtomicU64::new(0), std::sync::atomic::AtomicU64::new(0));

impl Cx {
    /// A str of Rust text. May collect.
    pub fn str(&mut self, text: &str) -> Value {
        if text.is_empty() {
            return Value::of(self.names().empty);
        }
        Value::of(Str::new(self, text))
    }

    /// The one-character str of a code point. May collect.
    #[inline]
    pub fn char(&mut self, c: u32) -> &'static Str {
        if c < 256
            && let Some(s) = self.rt().latin1.borrow().get(c as usize)
        {
            return s;
        }
        Str::from_code_points(self, &[c])
    }
}

impl std::fmt::Display for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}
