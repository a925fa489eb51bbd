//! Codecs: one step of decoding or encoding.

use std::sync::LazyLock;

use crate::iso2022::{self, Iso2022};
use crate::tables::{self, Chars, LEAD, NONE, Table};

/// What a stateful codec remembers; others leave it alone.
pub type State = [u8; 8];

/// Result of decoding the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// So many bytes are done, and gave these characters (or none).
    Chars(usize, Option<Chars>),
    /// More bytes are needed.
    Short,
    /// So many bytes are no sequence.
    Illegal(usize),
}

/// Result of encoding the start of some characters.
#[derive(Debug, PartialEq, Eq)]
pub enum Encoded {
    /// So many characters are done.
    Done(usize),
    /// The next character matters.
    Short,
    /// So many characters cannot be encoded.
    Illegal(usize),
}

/// A codec.
pub enum Codec {
    /// One table.
    Plain(&'static Table),
    /// One table, and that of a later version: what only the later one has is refused as a whole.
    Older(&'static Table, &'static Table),
    /// KS X 1001 with Hangul syllables as sequences of letters.
    EucKr(&'static Table),
    /// With four bytes for all other characters.
    Gb18030(&'static Table),
    /// Switched by escape sequences.
    Iso2022(Iso2022),
    /// Switched by tildes.
    Hz(&'static Table),
}

/// The codec of this name.
pub fn find(name: &str) -> Option<Codec> {
    Some(match name {
        "euc_kr" => Codec::EucKr(tables::find(name)?),
        "gb18030" => Codec::Gb18030(tables::find(name)?),
        "euc_jisx0213" => Codec::Older(tables::find(name)?, tables::find("euc_jis_2004")?),
        "shift_jisx0213" => Codec::Older(tables::find(name)?, tables::find("shift_jis_2004")?),
        "hz" => Codec::Hz(tables::find("gb2312")?),
        _ => match iso2022::find(name) {
            Some(codec) => Codec::Iso2022(codec),
            None => Codec::Plain(tables::find(name)?),
        },
    })
}

impl Codec {
    /// The state at the start.
    pub fn start(&self) -> State {
        match self {
            Codec::Iso2022(_) => iso2022::START,
            _ => [0; 8],
        }
    }

    /// Decodes the first sequence of `input`, which is not empty.
    pub fn decode(&self, state: &mut State, input: &[u8]) -> Decoded {
        match self {
            Codec::Plain(table) => decode_plain(table, input),
            Codec::Older(table, later) => match (decode_plain(table, input), input) {
                (Decoded::Illegal(1), [a, b, ..]) if later.decode2(*a, *b).is_some() => Decoded::Illegal(2),
                (decoded, _) => decoded,
            },
            Codec::EucKr(table) => match input {
                [0xa4, 0xd4, ..] => decode_letters(input),
                _ => decode_plain(table, input),
            },
            Codec::Gb18030(table) => decode_gb18030(table, input),
            Codec::Iso2022(codec) => codec.decode(state, input),
            Codec::Hz(table) => decode_hz(table, state, input),
        }
    }

    /// Encodes the first of `chars`, which are not empty; `is_final` if nothing follows them.
    pub fn encode(&self, state: &mut State, chars: &[u32], is_final: bool, out: &mut Vec<u8>) -> Encoded {
        match self {
            Codec::Plain(table) | Codec::Older(table, _) => encode_plain(table, chars, is_final, out),
            Codec::EucKr(table) => match encode_plain(table, chars, is_final, out) {
                Encoded::Illegal(_) => encode_letters(chars[0], out),
                done => done,
            },
            Codec::Gb18030(table) => match encode_plain(table, chars, is_final, out) {
                Encoded::Illegal(_) => encode_gb18030(chars[0], out),
                done => done,
            },
            Codec::Iso2022(codec) => codec.encode(state, chars, is_final, out),
            Codec::Hz(table) => encode_hz(table, state, chars[0], out),
        }
    }

    /// Goes back to the state at the start, with the bytes that this takes.
    pub fn finish(&self, state: &mut State, out: &mut Vec<u8>) {
        match self {
            Codec::Iso2022(_) => iso2022::finish(state, out),
            Codec::Hz(_) if state[0] != 0 => {
                out.extend_from_slice(b"~}");
                state[0] = 0;
            }
            _ => {}
        }
    }

    /// The state at the start of decoding.
    pub fn decoding_start(&self) -> State {
        match self {
            Codec::Iso2022(_) => iso2022::DECODING_START,
            _ => [0; 8],
        }
    }
}

fn decode_plain(table: &Table, input: &[u8]) -> Decoded {
    match table.single[usize::from(input[0])] {
        NONE => Decoded::Illegal(1),
        LEAD => match (input, table.has_three() && input[0] == 0x8f) {
            ([_], _) => Decoded::Short,
            ([_, _], true) => Decoded::Short,
            ([_, a, b, ..], true) => match table.decode3(*a, *b) {
                Some(chars) => Decoded::Chars(3, Some(chars)),
                None => Decoded::Illegal(1),
            },
            ([a, b, ..], false) => match table.decode2(*a, *b) {
                Some(chars) => Decoded::Chars(2, Some(chars)),
                None => Decoded::Illegal(1),
            },
            ([], _) => Decoded::Short,
        },
        c => Decoded::Chars(1, Some((u32::from(c), None))),
    }
}

fn encode_plain(table: &Table, chars: &[u32], is_final: bool, out: &mut Vec<u8>) -> Encoded {
    let c = chars[0];
    if table.starts_pair_fast(c) {
        match chars.get(1) {
            None if !is_final => return Encoded::Short,
            Some(next) => {
                if let Some(sequence) = table.encode_pair(c, *next) {
                    sequence.push(out);
                    return Encoded::Done(2);
                }
            }
            None => {}
        }
    }
    match table.encode(c) {
        Some(sequence) => {
            sequence.push(out);
            Encoded::Done(1)
        }
        None => Encoded::Illegal(1),
    }
}

impl Table {
    /// As `starts_pair`, quick for tables without pairs and for characters that are not there.
    fn starts_pair_fast(&self, c: u32) -> bool {
        c >= 0xca && self.starts_pair(c)
    }
}

// ---- Hangul syllables as sequences of letters ------------------------------------------------------------

const INITIALS: [u8; 19] =
    [0xa1, 0xa2, 0xa4, 0xa7, 0xa8, 0xa9, 0xb1, 0xb2, 0xb3, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe];
const FINALS: [u8; 28] = [
    0xd4, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb2, 0xb4,
    0xb5, 0xb6, 0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe,
];
const FIRST_VOWEL: u8 = 0xbf;
const VOWELS: u32 = 21;
const FIRST_SYLLABLE: u32 = 0xac00;

fn decode_letters(input: &[u8]) -> Decoded {
    let [_, _, a, initial, b, vowel, c, last, ..] = *input else { return Decoded::Short };
    let initial = INITIALS.iter().position(|i| *i == initial);
    let vowel = u32::from(vowel).checked_sub(u32::from(FIRST_VOWEL)).filter(|v| *v < VOWELS);
    let last = FINALS.iter().position(|f| *f == last);
    match (initial, vowel, last) {
        (Some(initial), Some(vowel), Some(last)) if [a, b, c] == [0xa4; 3] => {
            let n = (initial as u32 * VOWELS + vowel) * FINALS.len() as u32 + last as u32;
            Decoded::Chars(8, Some((FIRST_SYLLABLE + n, None)))
        }
        _ => Decoded::Illegal(1),
    }
}

fn encode_letters(c: u32, out: &mut Vec<u8>) -> Encoded {
    let Some(n) = c.checked_sub(FIRST_SYLLABLE).filter(|n| *n < 19 * VOWELS * 28) else { return Encoded::Illegal(1) };
    let (last, rest) = (n % 28, n / 28);
    let (vowel, initial) = (rest % VOWELS, rest / VOWELS);
    let letters = [INITIALS[initial as usize], FIRST_VOWEL + vowel as u8, FINALS[last as usize]];
    out.extend_from_slice(&[0xa4, 0xd4]);
    for letter in letters {
        out.extend_from_slice(&[0xa4, letter]);
    }
    Encoded::Done(1)
}

// ---- GB 18030 ------------------------------------------------------------------------------------------

/// The characters up to U+FFFF that have four bytes, in the order of these.
static FOUR: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let table = tables::find("gb18030").expect("a codec of this crate");
    let has_four = |c: &u32| !(0xd800..0xe000).contains(c) && table.encode(*c).is_none();
    (0x80..0x10000).filter(has_four).map(|c| c as u16).collect()
});
/// Number of the first character beyond U+FFFF.
const ASTRAL: u32 = 189_000;

fn decode_gb18030(table: &Table, input: &[u8]) -> Decoded {
    let [a @ 0x80..=0xff, b'0'..=b'9', ..] = *input else { return decode_plain(table, input) };
    let [_, b, c, d, ..] = *input else { return Decoded::Short };
    if !(0x81..=0xfe).contains(&a) || !(0x81..=0xfe).contains(&c) || !d.is_ascii_digit() {
        return Decoded::Illegal(1);
    }
    let digit = |b: u8| u32::from(b - b'0');
    let n = ((u32::from(a - 0x81) * 10 + digit(b)) * 126 + u32::from(c - 0x81)) * 10 + digit(d);
    let char = match FOUR.get(n as usize) {
        Some(c) => Some(u32::from(*c)),
        None => n.checked_sub(ASTRAL).map(|n| n + 0x10000).filter(|c| *c < 0x11_0000),
    };
    match char {
        Some(c) => Decoded::Chars(4, Some((c, None))),
        None => Decoded::Illegal(1),
    }
}

fn encode_gb18030(c: u32, out: &mut Vec<u8>) -> Encoded {
    let n = match u16::try_from(c) {
        Ok(c) => match FOUR.binary_search(&c) {
            Ok(n) => n as u32,
            Err(_) => return Encoded::Illegal(1),
        },
        Err(_) => c - 0x10000 + ASTRAL,
    };
    let (n, d) = (n / 10, n % 10);
    let (n, c) = (n / 126, n % 126);
    let (a, b) = (n / 10, n % 10);
    out.extend_from_slice(&[a as u8 + 0x81, b as u8 + b'0', c as u8 + 0x81, d as u8 + b'0']);
    Encoded::Done(1)
}

// ---- HZ ------------------------------------------------------------------------------------------------

fn decode_hz(table: &Table, state: &mut State, input: &[u8]) -> Decoded {
    let is_gb = state[0] != 0;
    match *input {
        [b'~'] => Decoded::Short,
        [b'~', b'~', ..] if !is_gb => Decoded::Chars(2, Some((u32::from(b'~'), None))),
        [b'~', b'{', ..] if !is_gb => {
            state[0] = 1;
            Decoded::Chars(2, None)
        }
        [b'~', b'\n', ..] if !is_gb => Decoded::Chars(2, None),
        [b'~', b'}', ..] if is_gb => {
            state[0] = 0;
            Decoded::Chars(2, None)
        }
        [b'~', ..] => Decoded::Illegal(1),
        [0x80..=0xff, ..] => Decoded::Illegal(1),
        [b, ..] if !is_gb => Decoded::Chars(1, Some((u32::from(b), None))),
        [_] => Decoded::Short,
        [a, b, ..] => match table.decode2(a | 0x80, b | 0x80).filter(|_| b < 0x80) {
            Some(chars) => Decoded::Chars(2, Some(chars)),
            None => Decoded::Illegal(1),
        },
        [] => Decoded::Short,
    }
}

fn encode_hz(table: &Table, state: &mut State, c: u32, out: &mut Vec<u8>) -> Encoded {
    if c < 0x80 {
        if state[0] != 0 {
            out.extend_from_slice(b"~}");
            state[0] = 0;
        }
        out.push(c as u8);
        if c == u32::from(b'~') {
            out.push(b'~');
        }
        return Encoded::Done(1);
    }
    let Some(sequence) = table.encode(c) else { return Encoded::Illegal(1) };
    if state[0] == 0 {
        out.extend_from_slice(b"~{");
        state[0] = 1;
    }
    let code = sequence.code() & 0x7f7f;
    out.extend_from_slice(&[(code >> 8) as u8, code as u8]);
    Encoded::Done(1)
}
