//! Sets of characters and what the engine knows about characters.

use std::sync::OnceLock;

use taipan_text::unicode;

use super::program::{Fold, WordKind};

/// A class of characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// `\d`.
    Digit,
    /// `\s`.
    Space,
    /// `\w`.
    Word(WordKind),
    /// A newline.
    LineBreak,
    /// Unicode `\d`.
    UnicodeDigit,
    /// Unicode `\s`.
    UnicodeSpace,
    /// A Unicode line boundary.
    UnicodeLineBreak,
}

/// A table of the characters below 256.
type Low = [bool; 256];

impl Category {
    /// The members below 256; None if they depend on the C locale.
    fn low(self) -> Option<&'static Low> {
        static TABLES: [OnceLock<Low>; 8] = [const { OnceLock::new() }; 8];
        let number = match self {
            Category::Digit => 0,
            Category::Space => 1,
            Category::Word(WordKind::Ascii) => 2,
            Category::Word(WordKind::Unicode) => 3,
            Category::Word(WordKind::Locale) => return None,
            Category::LineBreak => 4,
            Category::UnicodeDigit => 5,
            Category::UnicodeSpace => 6,
            Category::UnicodeLineBreak => 7,
        };
        Some(TABLES[number].get_or_init(|| std::array::from_fn(|c| self.contains(c as u32))))
    }

    /// True if `c` is in the class.
    pub fn contains(self, c: u32) -> bool {
        match self {
            Category::Digit => c < 128 && (c as u8).is_ascii_digit(),
            Category::Space => matches!(c, 9..=13 | 32),
            Category::Word(kind) => is_word(kind, c),
            Category::LineBreak => c == '\n' as u32,
            Category::UnicodeDigit => unicode::is_decimal(c),
            Category::UnicodeSpace => unicode::is_space(c),
            Category::UnicodeLineBreak => unicode::is_line_break(c),
        }
    }
}

/// True if `c` is part of words.
#[inline]
pub fn is_word(kind: WordKind, c: u32) -> bool {
    match kind {
        _ if c == '_' as u32 => true,
        WordKind::Ascii => c < 128 && (c as u8).is_ascii_alphanumeric(),
        WordKind::Unicode => unicode::is_alnum(c),
        // SAFETY: isalnum takes any unsigned char.
        WordKind::Locale => c < 256 && unsafe { libc::isalnum(c as i32) != 0 },
    }
}

/// `c` in lower case.
#[inline]
pub fn lower(fold: Fold, c: u32) -> u32 {
    match fold {
        Fold::None => c,
        Fold::Ascii => ascii_lower(c),
        Fold::Unicode if c < 128 => ascii_lower(c),
        Fold::Unicode => unicode_lower(c),
        // SAFETY: tolower takes any unsigned char.
        Fold::Locale if c < 256 => unsafe { libc::tolower(c as i32) as u32 },
        Fold::Locale => c,
    }
}

/// `c` in upper case of the C locale.
pub fn locale_upper(c: u32) -> u32 {
    // SAFETY: toupper takes any unsigned char.
    if c < 256 { unsafe { libc::toupper(c as i32) as u32 } } else { c }
}

/// Lower case of the characters below 256, which is below 256 too.
fn low_cases(fold: Fold) -> &'static [u8; 256] {
    static TABLES: [OnceLock<[u8; 256]>; 2] = [const { OnceLock::new() }; 2];
    let number = usize::from(fold == Fold::Unicode);
    TABLES[number].get_or_init(|| std::array::from_fn(|c| u8::try_from(lower(fold, c as u32)).unwrap_or(c as u8)))
}

/// ASCII lower case.
#[inline]
pub fn ascii_lower(c: u32) -> u32 {
    if c < 128 { u32::from((c as u8).to_ascii_lowercase()) } else { c }
}

/// The first character of the lower-case mapping of `c`.
pub fn unicode_lower(c: u32) -> u32 {
    unicode::lower(c).as_slice().first().copied().unwrap_or(c)
}

/// The first character of the upper-case mapping of `c`.
pub fn unicode_upper(c: u32) -> u32 {
    unicode::upper(c).as_slice().first().copied().unwrap_or(c)
}

/// A part of a set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// One character.
    Char(u32),
    /// Characters from the first to the last.
    Range(u32, u32),
    /// Characters that are, or whose upper case is, from the first to the last.
    RangeIgnore(u32, u32),
    /// Bits of the characters below 256.
    Bitmap([u32; 8]),
    /// Characters below 65536: the number of each block of 256, and the bits of the blocks.
    Blocks(Box<[u8; 256]>, Vec<[u32; 8]>),
    /// A class, or what is not in it.
    Category(Category, bool),
}

fn bit(bits: &[u32; 8], c: u32) -> bool {
    bits[(c >> 5 & 7) as usize] >> (c & 31) & 1 != 0
}

impl Item {
    fn contains(&self, c: u32) -> bool {
        match self {
            Item::Char(other) => c == *other,
            Item::Range(low, high) => (*low..=*high).contains(&c),
            Item::RangeIgnore(low, high) => (*low..=*high).contains(&c) || (*low..=*high).contains(&unicode_upper(c)),
            Item::Bitmap(bits) => c < 256 && bit(bits, c),
            Item::Blocks(index, blocks) => c < 0x10000 && bit(&blocks[index[(c >> 8) as usize] as usize], c),
            Item::Category(category, negated) => category.contains(c) != *negated,
        }
    }

    /// Sets the entries of its members in a table of the characters below 256.
    fn mark(&self, low: &mut Low, flag: bool) {
        match self {
            Item::Char(c) => {
                if let Some(entry) = low.get_mut(*c as usize) {
                    *entry = flag;
                }
            }
            Item::Range(first, last) => {
                let end = (*last as usize).saturating_add(1).min(256);
                if let Some(entries) = low.get_mut(*first as usize..end) {
                    entries.fill(flag);
                }
            }
            Item::Category(category, negated) if category.low().is_some() => {
                for (entry, member) in low.iter_mut().zip(category.low().into_iter().flatten()) {
                    if member != negated {
                        *entry = flag;
                    }
                }
            }
            _ => {
                for (c, entry) in low.iter_mut().enumerate() {
                    if self.contains(c as u32) {
                        *entry = flag;
                    }
                }
            }
        }
    }

    /// False if it certainly has no member from 256 on.
    fn may_be_high(&self) -> bool {
        match self {
            Item::Char(c) => *c > 255,
            Item::Range(_, high) => *high > 255,
            Item::Bitmap(_) => false,
            Item::Category(Category::Digit | Category::Space | Category::LineBreak, negated) => *negated,
            Item::Category(Category::Word(WordKind::Ascii), negated) => *negated,
            Item::RangeIgnore(..) | Item::Blocks(..) | Item::Category(..) => true,
        }
    }
}

/// A set of characters.
#[derive(Debug)]
pub struct Set {
    low: Low,
    /// Members depend on the C locale: the table is not to be used.
    dynamic: bool,
    fold: Fold,
    /// The first item that contains the character decides by its flag.
    items: Vec<(Item, bool)>,
    otherwise: bool,
    inverted: bool,
}

impl Set {
    /// A set: the first item that contains the (folded) character decides, and if none does, `otherwise`.
    pub fn new(items: Vec<(Item, bool)>, otherwise: bool, fold: Fold) -> Set {
        let locale = |(item, _): &(Item, bool)| matches!(item, Item::Category(Category::Word(WordKind::Locale), _));
        let dynamic = fold == Fold::Locale || items.iter().any(locale);
        let mut set = Set { low: [false; 256], dynamic, fold, items, otherwise, inverted: false };
        set.tabulate();
        set
    }

    fn tabulate(&mut self) {
        if self.dynamic {
            return;
        }
        let mut low = [self.otherwise; 256];
        for (item, flag) in self.items.iter().rev() {
            item.mark(&mut low, *flag);
        }
        if self.fold != Fold::None {
            let unfolded = low;
            low = low_cases(self.fold).map(|c| unfolded[c as usize]);
        }
        self.low = low.map(|member| member != self.inverted);
    }

    /// Makes it the set of all other characters.
    pub fn invert(&mut self) {
        self.inverted = !self.inverted;
        self.tabulate();
    }

    /// True if `c` is a member.
    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        if c < 256 && !self.dynamic { self.low[c as usize] } else { self.search(c) }
    }

    fn search(&self, c: u32) -> bool {
        let found = match self.fold {
            Fold::Locale => self.scan(lower(Fold::Locale, c)) || self.scan(locale_upper(c)),
            fold => self.scan(lower(fold, c)),
        };
        found != self.inverted
    }

    fn scan(&self, c: u32) -> bool {
        self.items.iter().find(|(item, _)| item.contains(c)).map_or(self.otherwise, |(_, flag)| *flag)
    }

    /// The members below 256, if they are always the same.
    pub fn low(&self) -> Option<&Low> {
        (!self.dynamic).then_some(&self.low)
    }

    /// False if there is certainly no member from 256 on.
    pub fn may_be_high(&self) -> bool {
        self.otherwise
            || self.inverted
            || self.fold == Fold::Unicode
            || self.items.iter().any(|(item, flag)| *flag && item.may_be_high())
    }
}
