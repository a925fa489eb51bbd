//! The character tables, made by `tools/tables.py`; its documentation describes the layout.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{LazyLock, OnceLock};

/// Value of a single byte that is no character.
pub const NONE: u16 = 0xffff;
/// Value of a single byte that leads a longer sequence.
pub const LEAD: u16 = 0xfffe;
/// From here on values are numbers of pairs.
const PAIR: u32 = 0x20_0000;

const TWO: usize = 128 * 256;
const THREE: usize = 128 * 128;

/// A sequence of up to three bytes, the length in the highest byte; 0 for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sequence(u32);

impl Sequence {
    fn new(bytes: &[u8]) -> Sequence {
        Sequence(bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)) | (bytes.len() as u32) << 24)
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        (self.0 >> 24) as usize
    }

    /// The bytes as a number.
    pub fn code(self) -> u32 {
        self.0 & 0xff_ffff
    }

    /// Appends the bytes.
    pub fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes()[4 - self.len()..]);
    }
}

/// What a codec maps.
pub struct Table {
    pub single: [u16; 256],
    two: Vec<u32>,
    three: Vec<u32>,
    pairs: Vec<[u32; 2]>,
    /// Sequences by character, in pages of 256.
    pages: Vec<Option<Box<[Sequence; 256]>>>,
    pair_sequences: HashMap<[u32; 2], Sequence>,
}

/// One or two characters.
pub type Chars = (u32, Option<u32>);

impl Table {
    fn chars(&self, value: u32) -> Option<Chars> {
        match value {
            0 => None,
            PAIR.. => self.pairs.get((value - PAIR) as usize).map(|p| (p[0], Some(p[1]))),
            c => Some((c, None)),
        }
    }

    /// The characters of a two-byte sequence.
    pub fn decode2(&self, a: u8, b: u8) -> Option<Chars> {
        if a < 128 {
            return None;
        }
        self.chars(self.two[usize::from(a - 128) * 256 + usize::from(b)])
    }

    /// The characters of the sequence of 0x8f and these bytes.
    pub fn decode3(&self, a: u8, b: u8) -> Option<Chars> {
        if a < 128 || b < 128 || self.three.is_empty() {
            return None;
        }
        self.chars(self.three[usize::from(a - 128) * 128 + usize::from(b - 128)])
    }

    /// True if some sequences have three bytes.
    pub fn has_three(&self) -> bool {
        !self.three.is_empty()
    }

    /// The sequence of a character.
    pub fn encode(&self, c: u32) -> Option<Sequence> {
        let page = self.pages.get(c as usize >> 8)?.as_ref()?;
        Some(page[c as usize & 255]).filter(|s| s.len() > 0)
    }

    /// The sequence of two characters that are one to the codec.
    pub fn encode_pair(&self, a: u32, b: u32) -> Option<Sequence> {
        self.pair_sequences.get(&[a, b]).copied()
    }

    /// True if the character may be the first of a pair.
    pub fn starts_pair(&self, c: u32) -> bool {
        self.pairs.iter().any(|p| p[0] == c)
    }

    fn set(&mut self, c: u32, sequence: Sequence) {
        let page = c as usize >> 8;
        if self.pages.len() <= page {
            self.pages.resize(page + 1, None);
        }
        self.pages[page].get_or_insert_with(|| Box::new([Sequence(0); 256]))[c as usize & 255] = sequence;
    }

    fn learn(&mut self, value: u32, bytes: &[u8]) {
        match self.chars(value) {
            None => {}
            Some((a, Some(b))) => {
                self.pair_sequences.entry([a, b]).or_insert(Sequence::new(bytes));
            }
            Some((c, None)) => {
                if self.encode(c).is_none() {
                    self.set(c, Sequence::new(bytes));
                }
            }
        }
    }

    /// Fills the other direction; the first of the shortest sequences counts.
    fn invert(&mut self) {
        for b in 0..=255u8 {
            let value = self.single[usize::from(b)];
            if value != NONE && value != LEAD {
                self.learn_single(value, b);
            }
        }
        for i in 0..TWO {
            self.learn(self.two[i], &[(i / 256 + 128) as u8, (i % 256) as u8]);
        }
        for i in 0..self.three.len() {
            self.learn(self.three[i], &[0x8f, (i / 128 + 128) as u8, (i % 128 + 128) as u8]);
        }
    }

    fn learn_single(&mut self, value: u16, b: u8) {
        let c = u32::from(value);
        if self.encode(c).is_none() {
            self.set(c, Sequence::new(&[b]));
        }
    }
}

/// Where the parts of a codec are in the data.
struct Entry {
    name: String,
    single: usize,
    base: Option<usize>,
    two: usize,
    three: Option<usize>,
    pairs: usize,
    table: OnceLock<Table>,
}

struct Library {
    data: Vec<u8>,
    entries: Vec<Entry>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let mut data = Vec::new();
    let packed: &[u8] = include_bytes!("../data/tables.bin");
    flate2::read::ZlibDecoder::new(packed).read_to_end(&mut data).expect("the data of this crate is whole");
    let mut entries = Vec::new();
    let mut at = 0;
    let word = |at: usize| usize::from(u16::from_le_bytes([data[at], data[at + 1]]));
    while at < data.len() {
        let len = usize::from(data[at]);
        let name = String::from_utf8_lossy(&data[at + 1..at + 1 + len]).into_owned();
        let single = at + 1 + len;
        let (base, has_three) = (data[single + 512], data[single + 513] != 0);
        let two = single + 514;
        let three = has_three.then_some(two + 3 * TWO);
        let pairs = two + 3 * TWO + if has_three { 3 * THREE } else { 0 };
        at = pairs + 2 + 8 * word(pairs);
        let special = word(at);
        at += 2;
        for _ in 0..special {
            at += 5 + usize::from(data[at + 4]);
        }
        entries.push(Entry {
            name,
            single,
            base: usize::from(base).checked_sub(1),
            two,
            three,
            pairs,
            table: OnceLock::new(),
        });
    }
    Library { data, entries }
});

impl Library {
    fn planes(&self, at: usize, n: usize, base: Option<&[u32]>) -> Vec<u32> {
        let plane = |i: usize, k: usize| u32::from(self.data[at + k * n + i]);
        (0..n)
            .map(|i| plane(i, 0) | plane(i, 1) << 8 | plane(i, 2) << 16)
            .enumerate()
            .map(|(i, v)| v ^ base.and_then(|b| b.get(i)).copied().unwrap_or(0))
            .collect()
    }

    fn table(&'static self, i: usize) -> &'static Table {
        let entry = &self.entries[i];
        entry.table.get_or_init(|| {
            let base = entry.base.map(|base| self.table(base));
            let data = &self.data;
            let long = |at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
            let word = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
            let count = usize::from(word(entry.pairs));
            let pairs = (0..count).map(|k| entry.pairs + 2 + 8 * k).map(|at| [long(at), long(at + 4)]).collect();
            let mut table = Table {
                single: std::array::from_fn(|b| word(entry.single + 2 * b)),
                two: self.planes(entry.two, TWO, base.map(|b| b.two.as_slice())),
                three: match entry.three {
                    Some(at) => self.planes(at, THREE, base.map(|b| b.three.as_slice())),
                    None => Vec::new(),
                },
                pairs,
                pages: Vec::new(),
                pair_sequences: HashMap::new(),
            };
            table.invert();
            let mut at = entry.pairs + 2 + 8 * count;
            let special = word(at);
            at += 2;
            for _ in 0..special {
                let len = usize::from(data[at + 4]);
                table.set(long(at), Sequence::new(&data[at + 5..at + 5 + len]));
                at += 5 + len;
            }
            table
        })
    }
}

/// The table of a codec, if it has one.
pub fn find(name: &str) -> Option<&'static Table> {
    let library: &'static Library = &LIBRARY;
    library.entries.iter().position(|e| e.name == name).map(|i| library.table(i))
}
