//! Full case mappings, of characters and of whole strings.

use super::tables::{SPECIAL, SPECIAL_CASES};
use super::{ctype, is_case_ignorable, is_cased, is_lower, is_upper, to_lower, to_title, to_upper};

/// A character's full case mapping: one to three characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    chars: [u32; 3],
}

impl Mapped {
    fn one(cp: u32) -> Self {
        Self { chars: [cp, 0, 0] }
    }

    /// The characters.
    #[inline]
    pub fn as_slice(&self) -> &[u32] {
        // Only the first character can be U+0000.
        let len = 1 + self.chars[1..].iter().take_while(|&&c| c != 0).count();
        &self.chars[..len]
    }
}

#[inline]
fn special(cp: u32, column: usize) -> Option<Mapped> {
    if cp < 128 || ctype(cp).flags & SPECIAL == 0 { None } else { listed(cp, column) }
}

#[cold]
#[inline(never)]
fn listed(cp: u32, column: usize) -> Option<Mapped> {
    let at = SPECIAL_CASES.binary_search_by_key(&cp, |row| row.0).ok()?;
    Some(Mapped { chars: SPECIAL_CASES[at].1[column] })
}

/// Appends a full mapping, of which `simple` is the one to one part.
#[inline(always)]
fn push(cp: u32, column: usize, simple: impl Fn(u32) -> u32, out: &mut Vec<u32>) {
    match special(cp, column) {
        Some(mapped) => out.extend_from_slice(mapped.as_slice()),
        None => out.push(simple(cp)),
    }
}

/// Full lower-case mapping, without the final sigma rule.
#[inline]
pub fn lower(cp: u32) -> Mapped {
    special(cp, 0).unwrap_or_else(|| Mapped::one(to_lower(cp)))
}

/// Full upper-case mapping.
#[inline]
pub fn upper(cp: u32) -> Mapped {
    special(cp, 1).unwrap_or_else(|| Mapped::one(to_upper(cp)))
}

/// Full title-case mapping.
#[inline]
pub fn title(cp: u32) -> Mapped {
    special(cp, 2).unwrap_or_else(|| Mapped::one(to_title(cp)))
}

/// Full case folding.
#[inline]
pub fn casefold(cp: u32) -> Mapped {
    special(cp, 3).unwrap_or_else(|| Mapped::one(to_lower(cp)))
}

const SIGMA: u32 = 0x3a3;
const FINAL_SIGMA: u32 = 0x3c2;

/// Whether a capital sigma between these neighbours lower-cases to a final sigma. `before` runs
/// backwards from the sigma.
pub fn is_final_sigma(before: impl IntoIterator<Item = u32>, after: impl IntoIterator<Item = u32>) -> bool {
    meets_cased(before) && !meets_cased(after)
}

fn meets_cased(side: impl IntoIterator<Item = u32>) -> bool {
    side.into_iter().find(|&c| !is_case_ignorable(c)).is_some_and(is_cased)
}

#[inline]
fn push_lower(text: &[u32], at: usize, out: &mut Vec<u32>) {
    let cp = text[at];
    if cp == SIGMA && is_final_sigma(text[..at].iter().rev().copied(), text[at + 1..].iter().copied()) {
        out.push(FINAL_SIGMA);
    } else {
        push(cp, 0, to_lower, out);
    }
}

/// `str.lower`.
pub fn lower_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    (0..text.len()).for_each(|i| push_lower(text, i, &mut out));
    out
}

/// `str.upper`.
pub fn upper_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    text.iter().for_each(|&c| push(c, 1, to_upper, &mut out));
    out
}

/// `str.casefold`.
pub fn casefold_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    text.iter().for_each(|&c| push(c, 3, to_lower, &mut out));
    out
}

/// `str.title`.
pub fn title_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    let mut in_word = false;
    for (i, &c) in text.iter().enumerate() {
        if in_word {
            push_lower(text, i, &mut out);
        } else {
            push(c, 2, to_title, &mut out);
        }
        in_word = is_cased(c);
    }
    out
}

/// `str.capitalize`.
pub fn capitalize_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    if let Some(&first) = text.first() {
        out.extend_from_slice(title(first).as_slice());
    }
    (1..text.len()).for_each(|i| push_lower(text, i, &mut out));
    out
}

/// `str.swapcase`.
pub fn swapcase_str(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for (i, &c) in text.iter().enumerate() {
        if is_upper(c) {
            push_lower(text, i, &mut out);
        } else if is_lower(c) {
            push(c, 1, to_upper, &mut out);
        } else {
            out.push(c);
        }
    }
    out
}
