//! Searching in code units of any width.

use memchr::memmem;

use crate::types::str::{Str, Units};

fn bytes_of<T>(units: &[T]) -> &[u8] {
    // SAFETY: code units are plain numbers.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast(), std::mem::size_of_val(units)) }
}

/// Finds aligned occurrences of a unit sequence by its bytes.
fn find_wide<T>(hay: &[T], needle: &[T]) -> Option<usize> {
    let (hay, needle, size) = (bytes_of(hay), bytes_of(needle), std::mem::size_of::<T>());
    let mut from = 0;
    while let Some(at) = memmem::find(&hay[from..], needle) {
        let at = from + at;
        if at.is_multiple_of(size) {
            return Some(at / size);
        }
        from = at + 1;
    }
    None
}

fn rfind_wide<T>(hay: &[T], needle: &[T]) -> Option<usize> {
    let (hay, needle, size) = (bytes_of(hay), bytes_of(needle), std::mem::size_of::<T>());
    let mut end = hay.len();
    while let Some(at) = memmem::rfind(&hay[..end], needle) {
        if at.is_multiple_of(size) {
            return Some(at / size);
        }
        end = at + needle.len() - 1;
    }
    None
}

/// A sequence to look for in texts of one width.
pub enum Needle<'n> {
    /// In Latin-1 texts.
    One(&'n [u8]),
    /// In 16-bit texts.
    Two(std::borrow::Cow<'n, [u16]>),
    /// In 32-bit texts.
    Four(std::borrow::Cow<'n, [u32]>),
    /// Cannot occur in texts of that width.
    Never,
}

impl<'n> Needle<'n> {
    /// Prepares `needle` for texts of `kind`.
    pub fn new(needle: Units<'n>, kind: usize) -> Needle<'n> {
        match (kind, needle) {
            (1, Units::One(u)) => Needle::One(u),
            (2, Units::One(u)) => Needle::Two(u.iter().map(|c| u16::from(*c)).collect()),
            (2, Units::Two(u)) => Needle::Two(u.into()),
            (4, Units::One(u)) => Needle::Four(u.iter().map(|c| u32::from(*c)).collect()),
            (4, Units::Two(u)) => Needle::Four(u.iter().map(|c| u32::from(*c)).collect()),
            (4, Units::Four(u)) => Needle::Four(u.into()),
            _ => Needle::Never,
        }
    }

    /// First position in `hay`.
    #[inline]
    pub fn find(&self, hay: Units) -> Option<usize> {
        match (self, hay) {
            (Needle::One(n), Units::One(h)) => match n {
                [c] => memchr::memchr(*c, h),
                _ => find_bytes(h, n),
            },
            (Needle::Two(n), Units::Two(h)) => match &**n {
                [c] => h.iter().position(|x| x == c),
                n => find_wide(h, n),
            },
            (Needle::Four(n), Units::Four(h)) => match &**n {
                [c] => h.iter().position(|x| x == c),
                n => find_wide(h, n),
            },
            _ => None,
        }
    }

    /// Last position in `hay`.
    pub fn rfind(&self, hay: Units) -> Option<usize> {
        match (self, hay) {
            (Needle::One(n), Units::One(h)) => match n {
                [c] => memchr::memrchr(*c, h),
                _ => memmem::rfind(h, n),
            },
            (Needle::Two(n), Units::Two(h)) => match &**n {
                [c] => h.iter().rposition(|x| x == c),
                n => rfind_wide(h, n),
            },
            (Needle::Four(n), Units::Four(h)) => match &**n {
                [c] => h.iter().rposition(|x| x == c),
                n => rfind_wide(h, n),
            },
            _ => None,
        }
    }
}

/// Texts up to this length are searched without preparing the needle, which takes longer.
const SHORT: usize = 256;

fn find_bytes(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (needle.first(), hay.len().checked_sub(needle.len())) else {
        return memmem::find(hay, needle);
    };
    if hay.len() > SHORT {
        return memmem::find(hay, needle);
    }
    memchr::memchr_iter(*first, &hay[..=last]).find(|i| hay[*i..].starts_with(needle))
}

/// The positions of a sequence of `n` > 0 units, not overlapping, at most `limit`.
pub(crate) fn for_each_match(hay: Units, needle: Units, limit: usize, mut f: impl FnMut(usize)) {
    if let (Units::One(h), Units::One(n)) = (hay, needle) {
        match n {
            [c] => memchr::memchr_iter(*c, h).take(limit).for_each(f),
            _ => memmem::find_iter(h, n).take(limit).for_each(f),
        }
        return;
    }
    let (prepared, n, len) = (Needle::new(needle, hay.kind()), needle.len(), hay.len());
    let (mut from, mut left) = (0, limit);
    while left > 0
        && let Some(at) = prepared.find(hay.slice(from, len))
    {
        f(from + at);
        from += at + n;
        left -= 1;
    }
}

/// `item in text`.
pub fn contains(text: &Str, sub: &Str) -> bool {
    sub.is_empty() || Needle::new(sub.units(), text.kind()).find(text.units()).is_some()
}

/// `text.startswith(prefix)`.
pub(crate) fn starts_with(text: Units, prefix: Units) -> bool {
    prefix.len() <= text.len() && units_equal(text.slice(0, prefix.len()), prefix)
}

/// `text.endswith(suffix)`.
pub(crate) fn ends_with(text: Units, suffix: Units) -> bool {
    suffix.len() <= text.len() && units_equal(text.slice(text.len() - suffix.len(), text.len()), suffix)
}

fn units_equal(a: Units, b: Units) -> bool {
    match (a, b) {
        (Units::One(a), Units::One(b)) => a == b,
        (Units::Two(a), Units::Two(b)) => a == b,
        (Units::Four(a), Units::Four(b)) => a == b,
        _ => a.len() == b.len() && a.chars().eq(b.chars()),
    }
}
