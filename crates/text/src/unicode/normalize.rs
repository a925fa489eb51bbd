//! Normalization forms.

use super::tables::{COMPOSITIONS, DECOMPOSED, DECOMPOSITIONS, TAGS};
use super::ucd;

/// A normalization form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

impl Form {
    /// From "NFC", "NFD", "NFKC" or "NFKD".
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "NFC" => Self::Nfc,
            "NFD" => Self::Nfd,
            "NFKC" => Self::Nfkc,
            "NFKD" => Self::Nfkd,
            _ => return None,
        })
    }

    fn compat(self) -> bool {
        matches!(self, Self::Nfkc | Self::Nfkd)
    }

    fn composes(self) -> bool {
        matches!(self, Self::Nfc | Self::Nfkc)
    }
}

const S_BASE: u32 = 0xac00;
const L_BASE: u32 = 0x1100;
const V_BASE: u32 = 0x1161;
const T_BASE: u32 = 0x11a7;
const V_COUNT: u32 = 21;
const T_COUNT: u32 = 28;
const S_COUNT: u32 = 19 * V_COUNT * T_COUNT;

/// Splits a Hangul syllable; returns the number of parts, 0 if it is none.
pub(super) fn hangul_parts(cp: u32, out: &mut [u32; 3]) -> usize {
    let s = cp.wrapping_sub(S_BASE);
    if s >= S_COUNT {
        return 0;
    }
    *out = [L_BASE + s / (V_COUNT * T_COUNT), V_BASE + s / T_COUNT % V_COUNT, T_BASE + s % T_COUNT];
    if s.is_multiple_of(T_COUNT) { 2 } else { 3 }
}

/// Tag (empty for canonical) and mapping of one step; the mapping is empty if there is none.
pub(super) fn raw_decomposition(cp: u32) -> (&'static str, &'static [u32]) {
    if !ucd(cp).decomposes {
        return ("", &[]);
    }
    let at = DECOMPOSITIONS.binary_search_by_key(&cp, |row| row.0).expect("flagged code points have a row");
    let (_, tag, start, len) = DECOMPOSITIONS[at];
    (TAGS[usize::from(tag)], &DECOMPOSED[usize::from(start)..][..usize::from(len)])
}

fn decompose(cp: u32, compat: bool, out: &mut Vec<u32>) {
    let mut parts = [0; 3];
    let n = hangul_parts(cp, &mut parts);
    if n > 0 {
        out.extend_from_slice(&parts[..n]);
        return;
    }
    match raw_decomposition(cp) {
        (tag, mapping) if !mapping.is_empty() && (compat || tag.is_empty()) => {
            mapping.iter().for_each(|&c| decompose(c, compat, out));
        }
        _ => out.push(cp),
    }
}

/// Puts runs of combining marks into canonical order.
fn reorder(text: &mut [u32]) {
    let mut start = 0;
    while start < text.len() {
        if ucd(text[start]).combining == 0 {
            start += 1;
            continue;
        }
        let len = text[start..].iter().take_while(|&&c| ucd(c).combining != 0).count();
        text[start..start + len].sort_by_key(|&c| ucd(c).combining);
        start += len;
    }
}

fn compose_pair(a: u32, b: u32) -> Option<u32> {
    let (l, v) = (a.wrapping_sub(L_BASE), b.wrapping_sub(V_BASE));
    if l < 19 && v < V_COUNT {
        return Some(S_BASE + (l * V_COUNT + v) * T_COUNT);
    }
    let (s, t) = (a.wrapping_sub(S_BASE), b.wrapping_sub(T_BASE));
    if s < S_COUNT && s.is_multiple_of(T_COUNT) && (1..T_COUNT).contains(&t) {
        return Some(a + t);
    }
    let at = COMPOSITIONS.binary_search_by_key(&(a, b), |row| (row.0, row.1)).ok()?;
    Some(COMPOSITIONS[at].2)
}

fn compose(text: &mut Vec<u32>) {
    let (mut starter, mut len, mut last_class) = (None::<usize>, 0, 0);
    for i in 0..text.len() {
        let c = text[i];
        let class = ucd(c).combining;
        if let Some(s) = starter
            && (last_class == 0 && len == s + 1 || last_class != 0 && last_class < class)
            && let Some(joined) = compose_pair(text[s], c)
        {
            text[s] = joined;
            continue;
        }
        if class == 0 {
            starter = Some(len);
        }
        last_class = class;
        text[len] = c;
        len += 1;
    }
    text.truncate(len);
}

/// Whether the quick check alone proves the text normalized.
fn surely_normalized(form: Form, text: &[u32]) -> bool {
    let bit = 1u8 << form as u8;
    // The order of the bits is NFC, NFD, NFKC, NFKD, that of the enum.
    let mut last = 0;
    text.iter().all(|&c| {
        if c < 0x80 {
            last = 0;
            return true;
        }
        let u = ucd(c);
        let ok = u.quick_check & bit == 0 && (u.combining == 0 || last <= u.combining);
        last = u.combining;
        ok
    })
}

/// `unicodedata.is_normalized`.
pub fn is_normalized(form: Form, text: &[u32]) -> bool {
    surely_normalized(form, text) || normalize(form, text) == text
}

/// `unicodedata.normalize`.
pub fn normalize(form: Form, text: &[u32]) -> Vec<u32> {
    if surely_normalized(form, text) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    text.iter().for_each(|&c| decompose(c, form.compat(), &mut out));
    reorder(&mut out);
    if form.composes() {
        compose(&mut out);
    }
    out
}
