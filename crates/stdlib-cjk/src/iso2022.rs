//! The ISO-2022 codecs: character sets designated by escape sequences.

use crate::codec::{Decoded, Encoded, State};
use crate::tables::{self, Chars, Table};

/// Marks of character sets: the final byte of the escape sequence, with the high bit for two-byte sets.
const ASCII: u8 = b'B';
const DOUBLE: u8 = 0x80;
const JISX0208: u8 = b'B' | DOUBLE;

const ESC: u8 = 0x1b;
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;

/// Places in the state: G0, G1, G2, then flags.
const FLAGS: usize = 4;
const SHIFTED: u8 = 1;
const THROUGH: u8 = 2;

/// The state at the start.
pub const START: State = [ASCII, ASCII, 0, 0, 0, 0, 0, 0];
/// The same of decoding.
pub const DECODING_START: State = [ASCII, ASCII, ASCII, 0, 0, 0, 0, 0];

/// A character set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    /// Half of JIS X 0201: Roman or Katakana.
    Roman,
    Katakana,
    /// Two-byte sets from the tables of EUC codecs.
    Jis0208,
    Jis0212,
    /// JIS X 0213, plane 1 or 2, of 2000 or 2004; and its pairs only.
    Jis0213 {
        plane: u8,
        new: bool,
        pairs_only: bool,
    },
    Ksx1001,
    Gb2312,
    /// Upper halves of ISO-8859.
    Latin1,
    Greek,
}

/// A set with its mark and the register it goes to.
#[derive(Clone, Copy)]
struct Designation {
    mark: u8,
    register: usize,
    set: Set,
}

const fn to(register: usize, mark: u8, set: Set) -> Designation {
    Designation { mark, register, set }
}

const D_0208: Designation = to(0, JISX0208, Set::Jis0208);
const D_0208_OLD: Designation = to(0, b'@' | DOUBLE, Set::Jis0208);
const D_0212: Designation = to(0, b'D' | DOUBLE, Set::Jis0212);
const D_ROMAN: Designation = to(0, b'J', Set::Roman);
const D_KATAKANA: Designation = to(0, b'I', Set::Katakana);

const fn d_0213(mark: u8, plane: u8, new: bool, pairs_only: bool) -> Designation {
    to(0, mark | DOUBLE, Set::Jis0213 { plane, new, pairs_only })
}

/// A codec.
pub struct Iso2022 {
    designations: &'static [Designation],
    /// SO and SI switch between G0 and G1.
    has_shift: bool,
    has_g2: bool,
}

/// The codec of this name.
pub fn find(name: &str) -> Option<Iso2022> {
    let designations: &'static [Designation] = match name {
        "iso2022_kr" => const { &[to(1, b'C' | DOUBLE, Set::Ksx1001)] },
        "iso2022_jp" => const { &[D_0208, D_ROMAN, D_0208_OLD] },
        "iso2022_jp_1" => const { &[D_0208, D_0212, D_ROMAN, D_0208_OLD] },
        "iso2022_jp_2" => {
            const {
                &[
                    D_0208,
                    D_0212,
                    to(0, b'C' | DOUBLE, Set::Ksx1001),
                    to(0, b'A' | DOUBLE, Set::Gb2312),
                    D_ROMAN,
                    D_0208_OLD,
                    to(2, b'A', Set::Latin1),
                    to(2, b'F', Set::Greek),
                ]
            }
        }
        "iso2022_jp_2004" => {
            const { &[d_0213(b'Q', 1, true, true), D_0208, d_0213(b'Q', 1, true, false), d_0213(b'P', 2, true, false)] }
        }
        "iso2022_jp_3" => {
            const { &[d_0213(b'O', 1, false, true), D_0208, d_0213(b'O', 1, false, false), d_0213(b'P', 2, false, false)] }
        }
        "iso2022_jp_ext" => const { &[D_0208, D_0212, D_ROMAN, D_KATAKANA, D_0208_OLD] },
        _ => return None,
    };
    Some(Iso2022 { designations, has_shift: name == "iso2022_kr", has_g2: name == "iso2022_jp_2" })
}

fn table(name: &str) -> &'static Table {
    tables::find(name).expect("a codec of this crate")
}

/// Goes back to ASCII.
pub fn finish(state: &mut State, out: &mut Vec<u8>) {
    if state[FLAGS] & SHIFTED != 0 {
        out.push(SI);
        state[FLAGS] &= !SHIFTED;
    }
    if state[0] != ASCII {
        out.extend_from_slice(&[ESC, b'(', b'B']);
        state[0] = ASCII;
    }
}

impl Set {
    fn width(self) -> usize {
        match self {
            Set::Roman | Set::Katakana | Set::Latin1 | Set::Greek => 1,
            _ => 2,
        }
    }

    fn decode(self, a: u8, b: u8) -> Option<Chars> {
        let (high, low) = (a | 0x80, b | 0x80);
        let one = |c: u32| Some((c, None));
        match self {
            Set::Roman => match a {
                b'\\' => one(0xa5),
                b'~' => one(0x203e),
                a => one(u32::from(a)),
            },
            Set::Katakana => (0x21..=0x5f).contains(&a).then(|| (0xff40 + u32::from(a), None)),
            Set::Jis0208 => match (a, b) {
                // A reverse solidus, which EUC-JP has in ASCII.
                (0x21, 0x40) => one(0xff3c),
                _ => table("euc_jp").decode2(high, low),
            },
            Set::Jis0212 => table("euc_jp").decode3(high, low),
            Set::Ksx1001 => table("euc_kr").decode2(high, low),
            Set::Gb2312 => table("gb2312").decode2(high, low),
            Set::Jis0213 { plane, new, .. } => {
                let table = table(if new { "euc_jis_2004" } else { "euc_jisx0213" });
                if plane == 1 { table.decode2(high, low) } else { table.decode3(high, low).filter(|_| in_plane2(high)) }
            }
            Set::Latin1 => one(u32::from(a) + 0x80),
            Set::Greek => greek(a + 0x80).map(|c| (c, None)),
        }
    }

    /// The bytes of a character, or of the pair that it makes with the next.
    fn encode(self, c: u32, next: Option<u32>) -> Option<(u32, usize)> {
        let two = |name: &str| table(name).encode(c).filter(|s| s.len() == 2).map(|s| (s.code() & 0x7f7f, 1));
        match self {
            Set::Roman => match c {
                0xa5 => Some((u32::from(b'\\'), 1)),
                0x203e => Some((u32::from(b'~'), 1)),
                0..0x80 if c != u32::from(b'\\') && c != u32::from(b'~') => Some((c, 1)),
                _ => None,
            },
            Set::Katakana => (0xff61..=0xff9f).contains(&c).then(|| (c - 0xff40, 1)),
            Set::Jis0208 => match c {
                0xff3c => Some((0x2140, 1)),
                0xff61..=0xff9f => None,
                _ => two("euc_jp"),
            },
            Set::Jis0212 => table("euc_jp").encode(c).filter(|s| s.len() == 3).map(|s| (s.code() & 0x7f7f, 1)),
            Set::Ksx1001 => two("euc_kr"),
            Set::Gb2312 => two("gb2312"),
            Set::Jis0213 { plane, new, pairs_only } => {
                let table = table(if new { "euc_jis_2004" } else { "euc_jisx0213" });
                if pairs_only {
                    return table.encode_pair(c, next?).map(|s| (s.code() & 0x7f7f, 2));
                }
                if c == 0xff5e {
                    return None;
                }
                let wanted = if plane == 1 { 2 } else { 3 };
                table
                    .encode(c)
                    .filter(|s| s.len() == wanted && s.code() >> 8 != 0x8e)
                    .filter(|s| plane == 1 || in_plane2((s.code() >> 8) as u8))
                    .map(|s| (s.code() & 0x7f7f, 1))
            }
            Set::Latin1 | Set::Greek => None,
        }
    }
}

/// The rows of plane 2 of JIS X 0213; EUC-JIS-2004 has JIS X 0212 in the others.
fn in_plane2(high: u8) -> bool {
    matches!(high & 0x7f, 0x21 | 0x23..=0x25 | 0x28 | 0x2c..=0x2f | 0x6e..=0x7e)
}

/// The upper half of ISO-8859-7.
fn greek(b: u8) -> Option<u32> {
    Some(match b {
        0xa0 | 0xa3 | 0xa6..=0xa9 | 0xab..=0xad | 0xb0..=0xb3 | 0xb7 | 0xbb | 0xbd => u32::from(b),
        0xa1 => 0x2018,
        0xa2 => 0x2019,
        0xa4 => 0x20ac,
        0xa5 => 0x20af,
        0xaa => 0x37a,
        0xaf => 0x2015,
        0xae | 0xd2 | 0xff => return None,
        b => u32::from(b) + 0x2d0,
    })
}

impl Iso2022 {
    fn designation(&self, mark: u8) -> Option<&'static Designation> {
        self.designations.iter().find(|d| d.mark == mark && !matches!(d.set, Set::Jis0213 { pairs_only: true, .. }))
    }

    /// Decodes the first sequence.
    pub fn decode(&self, state: &mut State, input: &[u8]) -> Decoded {
        let b = input[0];
        let plain = |b: u8| Decoded::Chars(1, Some((u32::from(b), None)));
        if state[FLAGS] & THROUGH != 0 {
            if is_end(b) {
                state[FLAGS] &= !THROUGH;
            }
            return plain(b);
        }
        match b {
            ESC => self.escape(state, input),
            SI if self.has_shift => {
                state[FLAGS] &= !SHIFTED;
                Decoded::Chars(1, None)
            }
            SO if self.has_shift => {
                state[FLAGS] |= SHIFTED;
                Decoded::Chars(1, None)
            }
            b'\n' => {
                state[FLAGS] &= !SHIFTED;
                plain(b)
            }
            0..0x20 => plain(b),
            0x80.. => Decoded::Illegal(1),
            b => {
                let mark = state[usize::from(state[FLAGS] & SHIFTED)];
                if mark == ASCII {
                    return plain(b);
                }
                let Some(designation) = self.designation(mark) else { return Decoded::Illegal(1) };
                let width = designation.set.width();
                let Some(bytes) = input.get(..width) else { return Decoded::Short };
                let second = *bytes.last().unwrap_or(&b);
                match designation.set.decode(b, second).filter(|_| second < 0x80) {
                    Some(chars) => Decoded::Chars(width, Some(chars)),
                    None => Decoded::Illegal(width),
                }
            }
        }
    }

    fn escape(&self, state: &mut State, input: &[u8]) -> Decoded {
        match input.get(1) {
            None => return Decoded::Short,
            Some(b'(' | b')' | b'$' | b'.' | b'&') => {}
            Some(b'N') if self.has_g2 => return single_shift(state, input),
            Some(_) => {
                state[FLAGS] |= THROUGH;
                return Decoded::Chars(1, Some((u32::from(ESC), None)));
            }
        }
        // The announcement of a later version of JIS X 0208.
        const LATER: &[u8] = b"\x1b&@\x1b$B";
        if input[1] == b'&' && self.designation(JISX0208).is_some() {
            if input.starts_with(LATER) {
                state[0] = JISX0208;
                return Decoded::Chars(LATER.len(), None);
            }
            if LATER.starts_with(input) {
                return Decoded::Short;
            }
        }
        let mut len = 0;
        for (i, b) in input.iter().enumerate().skip(1).take(15) {
            if is_end(*b) {
                len = i + 1;
                break;
            }
        }
        if len == 0 {
            return if input.len() < 16 { Decoded::Short } else { Decoded::Illegal(1) };
        }
        let (mark, register) = match input[..len] {
            [_, b'$', last] => (last | DOUBLE, 0),
            [_, b'(', last] => (last, 0),
            [_, b')', last] => (last, 1),
            [_, b'.', last] if self.has_g2 => (last, 2),
            [_, _, _] => return Decoded::Illegal(3),
            [_, b'$', b'(', last] => (last | DOUBLE, 0),
            [_, b'$', b')', last] => (last | DOUBLE, 1),
            _ => return Decoded::Illegal(len),
        };
        if mark != ASCII && self.designation(mark).is_none() {
            return Decoded::Illegal(len);
        }
        state[register] = mark;
        Decoded::Chars(len, None)
    }

    /// Encodes the first character.
    pub fn encode(&self, state: &mut State, chars: &[u32], is_final: bool, out: &mut Vec<u8>) -> Encoded {
        let c = chars[0];
        if c < 0x80 {
            if state[0] != ASCII {
                out.extend_from_slice(&[ESC, b'(', b'B']);
                state[0] = ASCII;
            }
            if state[FLAGS] & SHIFTED != 0 {
                out.push(SI);
                state[FLAGS] &= !SHIFTED;
            }
            out.push(c as u8);
            return Encoded::Done(1);
        }
        for designation in self.designations {
            if let Set::Jis0213 { pairs_only: true, new, .. } = designation.set {
                let starts = table(if new { "euc_jis_2004" } else { "euc_jisx0213" }).starts_pair(c);
                if starts && chars.len() < 2 && !is_final {
                    return Encoded::Short;
                }
            }
            let Some((code, used)) = designation.set.encode(c, chars.get(1).copied()) else { continue };
            self.designate(designation, state, out);
            if designation.set.width() == 2 {
                out.push((code >> 8) as u8);
            }
            out.push(code as u8);
            return Encoded::Done(used);
        }
        Encoded::Illegal(1)
    }

    fn designate(&self, designation: &Designation, state: &mut State, out: &mut Vec<u8>) {
        let last = designation.mark & !DOUBLE;
        let is_new = state[designation.register] != designation.mark;
        if designation.register == 0 {
            if state[FLAGS] & SHIFTED != 0 {
                out.push(SI);
                state[FLAGS] &= !SHIFTED;
            }
            if is_new {
                match designation.mark {
                    JISX0208 => out.extend_from_slice(&[ESC, b'$', last]),
                    mark if mark & DOUBLE != 0 => out.extend_from_slice(&[ESC, b'$', b'(', last]),
                    _ => out.extend_from_slice(&[ESC, b'(', last]),
                }
            }
        } else {
            if is_new {
                match designation.mark & DOUBLE {
                    0 => out.extend_from_slice(&[ESC, b')', last]),
                    _ => out.extend_from_slice(&[ESC, b'$', b')', last]),
                }
            }
            if state[FLAGS] & SHIFTED == 0 {
                out.push(SO);
                state[FLAGS] |= SHIFTED;
            }
        }
        state[designation.register] = designation.mark;
    }
}

fn is_end(b: u8) -> bool {
    b.is_ascii_uppercase() || b == b'@'
}

/// A character of G2.
fn single_shift(state: &State, input: &[u8]) -> Decoded {
    let [_, _, b, ..] = *input else { return Decoded::Short };
    let set = match state[2] {
        b'A' => Set::Latin1,
        b'F' => Set::Greek,
        _ if b >= 0x80 => return Decoded::Illegal(1),
        _ => return Decoded::Chars(3, Some((u32::from(b), None))),
    };
    match set.decode(b & 0x7f, 0).filter(|_| b < 0x80) {
        Some(chars) => Decoded::Chars(3, Some(chars)),
        None => Decoded::Illegal(3),
    }
}
