//! The location table: where every instruction word comes from, compactly.
//!
//! What it does: packs one [`Position`] per word into runs of equal positions; each run is a header byte
//! and a few varints. A typical instruction with its caches costs three or four bytes.
//!
//! ```text
//! header | length - 1 : 4 | kind : 4 |    length 15 means: a varint with (length - 16) follows
//! kind 0 | no line
//! kind 1 | columns on the line of the entry before: col, width
//! kind 2 | one line: signed line difference, col, width
//! kind 3 | several lines: signed line difference, line count, col, end column
//! kind 4 | no columns: signed line difference, line count
//! kind 5 | anything else: line, end line, col, end column as they are
//! ```
//! Varints have 7 bits per byte, lowest first; signed ones are zigzag encoded.

use crate::code::Position;

/// Column of a position that has none.
const NO_COL: u32 = u32::MAX;

/// Returns the table for `positions`, one for each word.
pub fn encode(positions: &[Position]) -> Vec<u8> {
    let mut out = Vec::with_capacity(positions.len());
    let mut line = 0u32;
    let mut at = 0;
    while at < positions.len() {
        let position = positions[at];
        let run = positions[at..].iter().take_while(|p| **p == position).count();
        at += run;
        let kind = kind_of(position, line);
        out.push((run - 1).min(15) as u8 | kind << 4);
        if run > 15 {
            put(&mut out, run as u64 - 16);
        }
        let delta = zigzag(position.line as i64 - line as i64);
        let width = (position.end_col.wrapping_sub(position.col)) as u64;
        match kind {
            0 => continue,
            1 => put_all(&mut out, &[position.col as u64, width]),
            2 => put_all(&mut out, &[delta, position.col as u64, width]),
            3 => {
                let lines = (position.end_line - position.line) as u64;
                put_all(&mut out, &[delta, lines, position.col as u64, position.end_col as u64]);
            }
            4 => put_all(&mut out, &[delta, (position.end_line - position.line) as u64]),
            _ => put_all(&mut out, &[position.line, position.end_line, position.col, position.end_col].map(u64::from)),
        }
        line = position.line;
    }
    out
}

fn kind_of(p: Position, line: u32) -> u8 {
    if p == Position::default() {
        0
    } else if p.end_line < p.line || p.line == 0 {
        5
    } else if p.col == NO_COL && p.end_col == NO_COL {
        4
    } else if p.end_line > p.line {
        3
    } else if p.end_col < p.col {
        5
    } else if p.line == line {
        1
    } else {
        2
    }
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_all(out: &mut Vec<u8>, numbers: &[u64]) {
    for &n in numbers {
        put(out, n);
    }
}

/// Iterates over the runs of a table: (number of words, their position). A damaged table ends early.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    bytes: &'a [u8],
    line: u32,
}

impl Runs<'_> {
    fn get(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            n |= ((byte & 0x7f) as u64) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn line(&mut self) -> Option<u32> {
        let n = self.get()?;
        let delta = (n >> 1) as i64 ^ -((n & 1) as i64);
        Some((self.line as i64).wrapping_add(delta) as u32)
    }

    fn position(&mut self, kind: u8) -> Option<Position> {
        let mut p = Position::default();
        match kind {
            1 | 2 => {
                p.line = if kind == 2 { self.line()? } else { self.line };
                p.end_line = p.line;
                p.col = self.get()? as u32;
                p.end_col = p.col.wrapping_add(self.get()? as u32);
            }
            3 | 4 => {
                p.line = self.line()?;
                p.end_line = p.line.wrapping_add(self.get()? as u32);
                p.col = if kind == 3 { self.get()? as u32 } else { NO_COL };
                p.end_col = if kind == 3 { self.get()? as u32 } else { NO_COL };
            }
            _ => {
                p.line = self.get()? as u32;
                p.end_line = self.get()? as u32;
                p.col = self.get()? as u32;
                p.end_col = self.get()? as u32;
            }
        }
        Some(p)
    }
}

impl Iterator for Runs<'_> {
    type Item = (usize, Position);

    fn next(&mut self) -> Option<(usize, Position)> {
        let (&header, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let mut length = (header & 15) as usize + 1;
        if length == 16 {
            length += usize::try_from(self.get()?).ok()?;
        }
        let kind = header >> 4;
        if kind == 0 {
            return Some((length, Position::default()));
        }
        let position = self.position(kind)?;
        self.line = position.line;
        Some((length, position))
    }
}

/// Iterates over the runs of `table`.
pub fn runs(table: &[u8]) -> Runs<'_> {
    Runs { bytes: table, line: 0 }
}

/// Iterates over the positions in `table`, one for each word.
pub fn decode(table: &[u8]) -> impl Iterator<Item = Position> + '_ {
    runs(table).flat_map(|(length, position)| std::iter::repeat_n(position, length))
}

/// Returns the position of word number `word`; one without a line if the table does not reach it.
pub fn lookup(table: &[u8], word: usize) -> Position {
    let mut end = 0;
    for (length, position) in runs(table) {
        end += length;
        if word < end {
            return position;
        }
    }
    Position::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let p = |line, end_line, col, end_col| Position { line, end_line, col, end_col };
        let mut all = vec![Position::default(); 3];
        all.extend(vec![p(7, 7, 4, 90); 40]);
        all.extend([p(7, 7, 0, 5), p(3, 9, 12, 2), p(1, 1, NO_COL, NO_COL), p(1, 4, NO_COL, NO_COL)]);
        all.extend([p(5, 2, 1, 1), p(5, 5, 9, 2), Position::default(), p(100_000, 100_001, 0, 300)]);
        for length in 14..20 {
            all.extend(vec![p(length, length, 1, 2); length as usize]);
        }
        let table = encode(&all);
        assert_eq!(decode(&table).collect::<Vec<_>>(), all);
        for (word, position) in all.iter().enumerate() {
            assert_eq!(lookup(&table, word), *position);
        }
        assert_eq!(lookup(&table, all.len()), Position::default());
    }
}
