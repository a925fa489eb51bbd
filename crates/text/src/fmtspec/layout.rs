//! Padding and grouping.

use super::{Align, ErrorKind, FmtError};

/// A formatted number: `left` fills, `head` (sign and prefix), `inner` fills, the body, `right`
/// fills. The fill may be any code point, so it is kept apart from the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// Fill character.
    pub fill: u32,
    /// Fills before everything.
    pub left: usize,
    /// Sign and prefix.
    pub head: String,
    /// Fills between head and body.
    pub inner: usize,
    /// Digits and the rest.
    pub body: String,
    /// The body instead of `body`, for type `c`: a code point that may be a surrogate.
    pub char: Option<u32>,
    /// Fills after everything.
    pub right: usize,
}

impl Formatted {
    /// Lays out head and body in a field.
    pub(crate) fn new(
        head: String,
        body: String,
        fill: u32,
        width: Option<usize>,
        align: Align,
    ) -> Result<Self, FmtError> {
        let len = |s: &str| {
            if s.is_ascii() { s.len() } else { s.chars().count() }
        };
        let (left, inner, right) = padding(len(&head) + len(&body), width, align);
        room_for(left + inner + right)?;
        Ok(Self { fill, left, head, inner, body, char: None, right })
    }

    /// Appends the text as code points.
    pub fn push_code_points(&self, out: &mut Vec<u32>) {
        let fills = |n| std::iter::repeat_n(self.fill, n);
        out.extend(fills(self.left));
        out.extend(self.head.chars().map(u32::from));
        out.extend(fills(self.inner));
        out.extend(self.char);
        out.extend(self.body.chars().map(u32::from));
        out.extend(fills(self.right));
    }

    /// Appends the text; `false` (and nothing appended) if it holds a surrogate.
    pub fn push_str(&self, out: &mut String) -> bool {
        let fill = match char::from_u32(self.fill) {
            Some(c) => c,
            None if self.left + self.inner + self.right == 0 => ' ',
            None => return false,
        };
        let ch = self.char.map(char::from_u32);
        if ch == Some(None) {
            return false;
        }
        let fills = |n| std::iter::repeat_n(fill, n);
        out.extend(fills(self.left));
        out.push_str(&self.head);
        out.extend(fills(self.inner));
        out.extend(ch.flatten());
        out.push_str(&self.body);
        out.extend(fills(self.right));
        true
    }
}

/// How a string is truncated and padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrPads {
    /// Fills before the text.
    pub left: usize,
    /// Characters kept.
    pub take: usize,
    /// Fills after the text.
    pub right: usize,
    /// Fill character.
    pub fill: u32,
}

/// MemoryError if there cannot be room for a text of `len` characters.
pub(crate) fn room_for(len: usize) -> Result<(), FmtError> {
    const LARGE: usize = 1 << 24;
    // The text is made in steps, some of which exist at the same time.
    const COPIES: usize = 5;
    let mut fits = len <= isize::MAX as usize / (2 * COPIES);
    if fits && len >= LARGE {
        // The compiler must not leave out an allocation that nobody uses.
        let mut room = std::hint::black_box(Vec::<u8>::new());
        fits = room.try_reserve_exact(COPIES * len).is_ok();
        std::hint::black_box(&room);
    }
    if fits { Ok(()) } else { Err(FmtError { kind: ErrorKind::Memory, msg: String::new() }) }
}

/// Fills on the left, after the sign, and on the right.
pub(super) fn padding(len: usize, width: Option<usize>, align: Align) -> (usize, usize, usize) {
    let n = width.unwrap_or(0).saturating_sub(len);
    match align {
        Align::Left => (0, 0, n),
        Align::Right => (n, 0, 0),
        Align::Center => (n / 2, 0, n - n / 2),
        Align::Inner => (0, n, 0),
    }
}

/// Groups integer digits from the right, adding zeros on the left up to `min_width`. `sizes` are
/// group sizes as in [`super::Locale::grouping`].
pub(super) fn group(digits: &str, sep: &str, sizes: &[u8], min_width: usize) -> String {
    let sep_len = sep.chars().count();
    let mut rest = digits.as_bytes();
    let mut min_width = isize::try_from(min_width).unwrap_or(isize::MAX);
    // From the last byte to the first.
    let mut reversed: Vec<u8> = Vec::new();
    let mut sizes = sizes.iter();
    let mut size = 0;
    loop {
        match sizes.next() {
            Some(127) => size = 0,
            Some(0) | None => sizes = [].iter(),
            Some(&s) => size = isize::from(s),
        }
        let want = (rest.len() as isize).max(min_width).max(1);
        let l = if size == 0 { want } else { want.min(size) };
        let chars = rest.len().min(l as usize);
        let (head, tail) = rest.split_at(rest.len() - chars);
        reversed.extend(tail.iter().rev());
        reversed.resize(reversed.len() + l as usize - chars, b'0');
        rest = head;
        min_width -= l;
        if rest.is_empty() && min_width <= 0 {
            break;
        }
        min_width -= sep_len as isize;
        reversed.extend(sep.bytes().rev());
    }
    reversed.reverse();
    String::from_utf8(reversed).expect("digits and separators")
}

/// Groups decimals from the left, by three.
pub(super) fn group_decimals(digits: &str, sep: &str) -> String {
    let parts: Vec<&str> =
        digits.as_bytes().chunks(3).map(|c| std::str::from_utf8(c).expect("digits are ASCII")).collect();
    parts.join(sep)
}
