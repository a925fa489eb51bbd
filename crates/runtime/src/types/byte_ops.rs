//! Algorithms on bytes that bytes, bytearray and ASCII strs share. Nothing here knows about objects.

use std::ops::Range;

use memchr::memmem;

/// First position of `needle`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [b] => memchr::memchr(*b, hay),
        _ => memmem::find(hay, needle),
    }
}

/// Last position of `needle`.
pub fn rfind(hay: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(hay.len()),
        [b] => memchr::memrchr(*b, hay),
        _ => memmem::rfind(hay, needle),
    }
}

/// The positions of `needle` (not empty), not overlapping, at most `limit`.
pub fn for_each_match(hay: &[u8], needle: &[u8], limit: usize, f: impl FnMut(usize)) {
    match needle {
        [b] => memchr::memchr_iter(*b, hay).take(limit).for_each(f),
        _ => memmem::find_iter(hay, needle).take(limit).for_each(f),
    }
}

/// Number of occurrences.
pub fn count(hay: &[u8], needle: &[u8]) -> usize {
    if needle.is_empty() {
        return hay.len() + 1;
    }
    if let [byte] = *needle {
        return memchr::memchr_iter(byte, hay).count();
    }
    let mut n = 0;
    for_each_match(hay, needle, usize::MAX, |_| n += 1);
    n
}

/// `hay.replace(old, new, limit)`; None if nothing changes or (second field) if the result is too long.
pub fn replace(hay: &[u8], old: &[u8], new: &[u8], limit: usize) -> Option<Vec<u8>> {
    if limit == 0 || old.len() > hay.len() || old == new {
        return None;
    }
    if let ([old], [new]) = (old, new)
        && limit >= hay.len()
    {
        let first = memchr::memchr(*old, hay)?;
        let mut out = hay.to_vec();
        out[first..].iter_mut().for_each(|b| *b = if *b == *old { *new } else { *b });
        return Some(out);
    }
    let mut out = Vec::with_capacity(hay.len());
    if old.is_empty() {
        for i in 0..limit.min(hay.len() + 1) {
            out.extend_from_slice(new);
            out.extend(hay.get(i));
        }
        out.extend_from_slice(hay.get(limit..).unwrap_or(&[]));
        return Some(out);
    }
    let mut from = 0;
    for_each_match(hay, old, limit, |at| {
        out.extend_from_slice(&hay[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    });
    if from == 0 {
        return None;
    }
    out.extend_from_slice(&hay[from..]);
    Some(out)
}

/// ASCII whitespace as bytes methods know it.
pub fn is_space(b: u8) -> bool {
    matches!(b, 9..=13 | b' ')
}

/// Calls `f` with the parts of `split(sep, limit)`; whitespace without a separator.
pub fn split(hay: &[u8], sep: Option<&[u8]>, limit: usize, mut f: impl FnMut(Range<usize>)) {
    let n = hay.len();
    if let Some(sep) = sep {
        let mut from = 0;
        for_each_match(hay, sep, limit, |at| {
            f(from..at);
            from = at + sep.len();
        });
        return f(from..n);
    }
    let (mut i, mut left) = (0, limit);
    loop {
        while i < n && is_space(hay[i]) {
            i += 1;
        }
        if i == n {
            return;
        }
        let start = i;
        if left == 0 {
            return f(start..n);
        }
        while i < n && !is_space(hay[i]) {
            i += 1;
        }
        f(start..i);
        left -= 1;
    }
}

/// As [`split`] from the right; the parts come last first.
pub fn rsplit(hay: &[u8], sep: Option<&[u8]>, limit: usize, mut f: impl FnMut(Range<usize>)) {
    let (mut end, mut left) = (hay.len(), limit);
    if let Some(sep) = sep {
        while left > 0
            && let Some(at) = rfind(&hay[..end], sep)
        {
            f(at + sep.len()..end);
            (end, left) = (at, left - 1);
        }
        return f(0..end);
    }
    loop {
        while end > 0 && is_space(hay[end - 1]) {
            end -= 1;
        }
        if end == 0 {
            return;
        }
        if left == 0 {
            return f(0..end);
        }
        let start = hay[..end].iter().rposition(|b| is_space(*b)).map_or(0, |i| i + 1);
        f(start..end);
        (end, left) = (start, left - 1);
    }
}

/// Calls `f` with the lines of `splitlines`.
pub fn split_lines(hay: &[u8], keep_ends: bool, mut f: impl FnMut(Range<usize>)) {
    let mut start = 0;
    while start < hay.len() {
        let end = memchr::memchr2(b'\n', b'\r', &hay[start..]).map_or(hay.len(), |i| start + i);
        let mut next = (end + 1).min(hay.len());
        if hay[end.min(hay.len() - 1)] == b'\r' && hay.get(next) == Some(&b'\n') && end < hay.len() {
            next += 1;
        }
        f(start..if keep_ends { next } else { end });
        start = next;
    }
}

/// What is left after bytes that satisfy `drop` are stripped.
pub fn strip_range(hay: &[u8], left: bool, right: bool, drop: impl Fn(u8) -> bool) -> (usize, usize) {
    let (mut start, mut end) = (0, hay.len());
    while left && start < end && drop(hay[start]) {
        start += 1;
    }
    while right && end > start && drop(hay[end - 1]) {
        end -= 1;
    }
    (start, end)
}

/// Exchanges the case of ASCII letters.
pub fn swapcase(bytes: &mut [u8]) {
    for b in bytes {
        if b.is_ascii_alphabetic() {
            *b ^= 0x20;
        }
    }
}

/// Makes the first letter of each ASCII word upper case and the others lower case.
pub fn title(bytes: &mut [u8]) {
    let mut in_word = false;
    for b in bytes {
        if in_word {
            b.make_ascii_lowercase();
        } else {
            b.make_ascii_uppercase();
        }
        in_word = b.is_ascii_alphabetic();
    }
}

/// `istitle`.
pub fn is_title(bytes: &[u8]) -> bool {
    let (mut cased, mut found) = (false, false);
    for b in bytes {
        if b.is_ascii_uppercase() {
            if cased {
                return false;
            }
            (cased, found) = (true, true);
        } else if b.is_ascii_lowercase() {
            if !cased {
                return false;
            }
        } else {
            cased = false;
        }
    }
    found
}

/// `expandtabs`.
pub fn expand_tabs(bytes: &[u8], size: usize) -> Vec<u8> {
    let (mut out, mut column) = (Vec::with_capacity(bytes.len()), 0);
    for b in bytes {
        match b {
            b'\t' if size > 0 => {
                let n = size - column % size;
                out.resize(out.len() + n, b' ');
                column += n;
            }
            b'\t' => {}
            _ => {
                out.push(*b);
                column = if matches!(b, b'\n' | b'\r') { 0 } else { column + 1 };
            }
        }
    }
    out
}

/// `hex(sep, group)`: groups are counted from the right, from the left if `group` is negative.
pub fn hex(bytes: &[u8], sep: Option<u8>, group: i32) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let size = group.unsigned_abs() as usize;
    let sep = sep.filter(|_| size > 0);
    if sep.is_none() {
        let mut out = vec![0; bytes.len() * 2];
        for (place, b) in out.chunks_exact_mut(2).zip(bytes) {
            place[0] = DIGITS[usize::from(b >> 4)];
            place[1] = DIGITS[usize::from(b & 15)];
        }
        return out;
    }
    let mut out = Vec::with_capacity(bytes.len() * 2 + sep.map_or(0, |_| bytes.len() / size.max(1)));
    for (i, b) in bytes.iter().enumerate() {
        if let Some(sep) = sep
            && i > 0
        {
            let boundary = if group < 0 { i % size == 0 } else { (bytes.len() - i).is_multiple_of(size) };
            if boundary {
                out.push(sep);
            }
        }
        out.push(DIGITS[usize::from(b >> 4)]);
        out.push(DIGITS[usize::from(b & 15)]);
    }
    out
}

/// The value of each hexadecimal digit, 255 for other bytes.
pub static HEX_VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut i = 0;
    while i < 16 {
        values[b"0123456789abcdef"[i] as usize] = i as u8;
        values[b"0123456789ABCDEF"[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Why a text is not hexadecimal.
pub enum HexError {
    /// No digit at this position.
    Position(usize),
    /// An odd number of digits.
    Odd,
}

/// The bytes of hexadecimal digits; whitespace between bytes is skipped.
pub fn from_hex(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let digit = |b: u8| Some(HEX_VALUES[usize::from(b)]).filter(|d| *d < 16);
    let (mut out, mut i) = (Vec::with_capacity(text.len() / 2), 0);
    while i < text.len() {
        if is_space(text[i]) {
            i += 1;
            continue;
        }
        let Some(high) = digit(text[i]) else { return Err(HexError::Position(i)) };
        match text.get(i + 1) {
            None => return Err(HexError::Odd),
            Some(b) => match digit(*b) {
                Some(low) => out.push(high << 4 | low),
                None => return Err(HexError::Position(i + 1)),
            },
        }
        i += 2;
    }
    Ok(out)
}
