//! The matching program: what [`translate`](super::translate) makes of the code array of `re._compiler`.
//!
//! Instructions are addressed by their index; an instruction goes on with the next one unless it says otherwise.

use super::charset::Set;

/// Index of an instruction.
pub type Pc = u32;
/// Index of a filter, or [`NO_FILTER`].
pub type FilterId = u32;
/// Nothing is known about what may follow.
pub const NO_FILTER: FilterId = u32::MAX;
/// No upper bound of a repetition.
pub const UNBOUNDED: usize = usize::MAX;

/// What matches one character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Anything.
    All,
    /// Anything but this.
    Not(u32),
    /// This character.
    Char(u32),
    /// A member of a set.
    Set(u32),
}

/// Positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// `\A`, and `^` without MULTILINE.
    Start,
    /// `^` with MULTILINE.
    LineStart,
    /// `$` without MULTILINE.
    End,
    /// `$` with MULTILINE.
    LineEnd,
    /// `\z`.
    StringEnd,
    /// `\b`.
    Boundary(WordKind),
    /// `\B`.
    NoBoundary(WordKind),
}

/// Which characters make words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WordKind {
    /// ASCII.
    Ascii,
    /// As the C locale functions say.
    Locale,
    /// Unicode.
    Unicode,
}

/// How characters are folded before they are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    /// Not at all.
    None,
    /// ASCII letters to lower case.
    Ascii,
    /// Both cases of the C locale are tried.
    Locale,
    /// To Unicode lower case.
    Unicode,
}

/// What a repetition tries first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As often as possible.
    Greedy,
    /// As seldom as possible.
    Lazy,
    /// As often as possible, without ever giving back.
    Possessive,
}

/// Bounds of a repetition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// At least.
    pub min: usize,
    /// At most, or [`UNBOUNDED`].
    pub max: usize,
}

/// An instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inst {
    /// The whole pattern matched.
    Success,
    /// Backtrack.
    Fail,
    /// One character.
    Unit(Unit),
    /// Characters `start..start + len` of the program's literals.
    Literal { start: u32, len: u32 },
    /// A condition on the position.
    At(At),
    /// Store the position.
    Mark(u32),
    /// The text that a group matched.
    GroupRef { group: u32, fold: Fold },
    /// Go on if the group matched, else at `otherwise`.
    GroupExists { group: u32, otherwise: Pc },
    /// The alternatives `first..first + count`, in this order.
    Branch { first: u32, count: u32 },
    /// Go on there.
    Jump(Pc),
    /// Repeat one character. `tail` filters what follows.
    Repeat { unit: Unit, bounds: Bounds, mode: Mode, tail: FilterId },
    /// At the end of (or before) a body that cannot be empty and may be repeated without bounds: `body` or `exit`.
    Star { body: Pc, exit: Pc, lazy: bool, body_filter: FilterId, tail: FilterId },
    /// Begin a counted repetition.
    LoopStart { slot: u32 },
    /// Decide whether a counted repetition goes on with the body behind this instruction or leaves.
    Loop { slot: u32, bounds: Bounds, lazy: bool, exit: Pc },
    /// As `Loop`, for bodies that are atomic.
    PossessiveLoop { slot: u32, bounds: Bounds, exit: Pc },
    /// End of the body of a possessive repetition.
    PossessiveEnd { slot: u32, head: Pc },
    /// Begin an assertion that starts `back` characters earlier and ends before `exit`.
    LookStart { slot: u32, back: usize, negative: bool, exit: Pc },
    /// End of an assertion's body.
    LookEnd { slot: u32, negative: bool },
    /// Begin an atomic group.
    AtomicStart { slot: u32 },
    /// End of an atomic group.
    AtomicEnd { slot: u32 },
}

/// An alternative of a branch.
#[derive(Clone, Copy, Debug)]
pub struct Alternative {
    /// Where it begins.
    pub pc: Pc,
    /// What it may begin with.
    pub filter: FilterId,
}

/// A superset of the characters that a match may begin with; the match is not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Characters below 256.
    pub low: Box<[bool; 256]>,
    /// Whether others are possible.
    pub high: bool,
    /// The character, if there is but one.
    pub single: Option<u32>,
}

impl Filter {
    /// True if a match may begin with `c`.
    #[inline(always)]
    pub fn accepts(&self, c: u32) -> bool {
        match self.low.get(c as usize) {
            Some(accepted) => *accepted,
            None => self.high,
        }
    }
}

/// How to find where a match may begin.
#[derive(Debug)]
pub enum Start {
    /// Anywhere.
    Anywhere,
    /// Only at the beginning of the string.
    StringStart,
    /// Only at beginnings of lines.
    LineStart,
    /// With these characters. The finder is for those that fit bytes.
    Literal { chars: Vec<u32>, finder: Option<memchr::memmem::Finder<'static>> },
    /// With a character that passes.
    Filter(Filter),
}

/// A program.
#[derive(Debug)]
pub struct Program {
    /// Instructions; execution begins with the first.
    pub insts: Vec<Inst>,
    /// Alternatives of all branches.
    pub alternatives: Vec<Alternative>,
    /// Sets.
    pub sets: Vec<Set>,
    /// Characters of all literals.
    pub literals: Vec<u32>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Slots of loops and barriers.
    pub slots: usize,
    /// Groups without group 0.
    pub groups: usize,
    /// A match is at least this long.
    pub min_width: usize,
    /// Where a match may begin.
    pub start: Start,
}

impl Program {
    /// True if `c` matches.
    #[inline(always)]
    pub fn unit_matches(&self, unit: Unit, c: u32) -> bool {
        match unit {
            Unit::All => true,
            Unit::Not(other) => c != other,
            Unit::Char(other) => c == other,
            Unit::Set(set) => self.sets[set as usize].contains(c),
        }
    }

    /// The filter with this number.
    #[inline(always)]
    pub fn filter(&self, id: FilterId) -> Option<&Filter> {
        self.filters.get(id as usize)
    }
}
