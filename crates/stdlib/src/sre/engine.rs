//! The matching engine: a backtracking machine with an explicit stack, made once for each width of characters.
//!
//! Invariants:
//! - ENG-1: while the stack is not empty, every change of a mark or of a loop's counters is preceded by an entry that
//!   undoes it when it is popped; so going back restores exactly what was when an entry was pushed.
//! - ENG-2: `position <= text.len()`.

use taipan_runtime::{PyResult, Raised};

use super::charset::{is_word, lower};
use super::program::*;

/// A code unit of a text.
pub trait Char: Copy + Eq + 'static {
    /// Its code point.
    fn code(self) -> u32;
    /// The unit of a code point, if it fits.
    fn from_code(c: u32) -> Option<Self>;
    /// First occurrence.
    fn find(text: &[Self], c: Self) -> Option<usize> {
        text.iter().position(|other| *other == c)
    }
    /// First occurrence of either.
    fn find2(text: &[Self], c: Self, d: Self) -> Option<usize> {
        text.iter().position(|other| *other == c || *other == d)
    }
    /// First place where `chars` are.
    fn find_chars(text: &[Self], chars: &[u32], finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize>;
}

impl Char for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn from_code(c: u32) -> Option<u8> {
        u8::try_from(c).ok()
    }
    #[inline]
    fn find(text: &[u8], c: u8) -> Option<usize> {
        memchr::memchr(c, text)
    }
    #[inline]
    fn find2(text: &[u8], c: u8, d: u8) -> Option<usize> {
        memchr::memchr2(c, d, text)
    }
    #[inline]
    fn find_chars(text: &[u8], chars: &[u32], finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
        match chars {
            [c] => memchr::memchr(u8::try_from(*c).ok()?, text),
            _ => finder?.find(text),
        }
    }
}

macro_rules! wide_chars {
    ($($t:ty),*) => { $(
        impl Char for $t {
            #[inline(always)]
            fn code(self) -> u32 {
                self as u32
            }
            #[inline(always)]
            fn from_code(c: u32) -> Option<$t> {
                <$t>::try_from(c).ok()
            }
            fn find_chars(text: &[$t], chars: &[u32], _: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
                let first = <$t>::from_code(chars[0])?;
                let mut from = 0;
                while let Some(i) = <$t>::find(&text[from..], first) {
                    let rest = &text[from + i..];
                    if rest.len() < chars.len() {
                        return None;
                    }
                    if rest.iter().zip(chars).all(|(a, b)| a.code() == *b) {
                        return Some(from + i);
                    }
                    from += i + 1;
                }
                None
            }
        }
    )* };
}
wide_chars!(u16, u32);

/// No position.
pub const NOWHERE: usize = usize::MAX;

/// Backtracking steps between two looks at whether something wants attention.
const PATIENCE: u32 = 1 << 14;
/// Entries that a scratch keeps for the next match.
const KEEP_ENTRIES: usize = 1 << 14;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Go on at `pc`, position `a`.
    Resume,
    /// Try the branch at `pc` from alternative `b` on, position `a`.
    Alternative,
    /// Try what follows the greedy repetition at `pc` from position `b - 1` down to `a`.
    GiveBack,
    /// Try one more of the lazy repetition at `pc` from position `a` up to `b`.
    TakeMore,
    /// The loop at `pc` decided at position `a`, with counters `b` and `c`: decide otherwise.
    Loop,
    /// Set mark `pc` to `a` and the last group to `b`.
    UndoMark,
    /// Set the counters of slot `pc` to `b` and `c`.
    UndoSlot,
}

#[derive(Clone, Copy)]
struct Entry {
    kind: Kind,
    pc: u32,
    a: usize,
    b: usize,
    c: usize,
}

/// Counters of a loop: iterations begun, and where the last one beyond the minimum began; or the stack's height and
/// the position at the beginning of an assertion or an atomic body.
#[derive(Clone, Copy)]
struct Slot {
    a: usize,
    b: usize,
}

/// Working memory, kept from match to match.
#[derive(Default)]
pub struct Scratch {
    stack: Vec<Entry>,
    slots: Vec<Slot>,
    /// Starts and ends of groups 1, 2, ...; [`NOWHERE`] if unset.
    pub marks: Vec<usize>,
    /// The group that was closed last; 0 if none.
    pub last_group: usize,
    dirty: bool,
}

impl Scratch {
    /// Ready for `program`.
    pub fn prepare(&mut self, program: &Program) {
        self.slots.resize(program.slots, Slot { a: 0, b: 0 });
        self.marks.clear();
        self.marks.resize(2 * program.groups, NOWHERE);
        self.last_group = 0;
        self.dirty = false;
    }

    /// Gives back what is too much to keep.
    pub fn trim(&mut self) {
        if self.stack.capacity() > KEEP_ENTRIES {
            self.stack = Vec::new();
        }
    }

    /// Start and end of a group (1, 2, ...), if it matched.
    #[inline]
    pub fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.marks[2 * group - 2], self.marks[2 * group - 1]);
        (start != NOWHERE && end != NOWHERE).then_some((start, end))
    }
}

/// What is asked of a match.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Where it begins, or where the search for it begins.
    pub start: usize,
    /// It must reach the end of the text.
    pub full: bool,
    /// It must not be empty at `start`.
    pub must_advance: bool,
}

/// Why matching stopped.
pub enum Stop {
    /// No memory for the stack.
    Memory,
    /// An exception was raised while attention was given to something else.
    Raised,
}

impl From<Raised> for Stop {
    fn from(_: Raised) -> Stop {
        Stop::Raised
    }
}

/// Looks after interrupts.
pub type Poll<'a> = &'a mut dyn FnMut() -> PyResult<()>;

/// A text being matched. `text` ends where the match must end at the latest.
pub struct Matcher<'a, C: Char> {
    program: &'a Program,
    text: &'a [C],
    request: Request,
    scratch: &'a mut Scratch,
    patience: u32,
    poll: Poll<'a>,
}

enum Step {
    To(Pc),
    Fail,
}

impl<'a, C: Char> Matcher<'a, C> {
    /// A matcher; `scratch` must be prepared for `program`.
    pub fn new(
        program: &'a Program,
        text: &'a [C],
        request: Request,
        scratch: &'a mut Scratch,
        poll: Poll<'a>,
    ) -> Matcher<'a, C> {
        Matcher { program, text, request, scratch, patience: PATIENCE, poll }
    }

    /// The end of a match at the start of the request.
    pub fn match_here(&mut self) -> Result<Option<usize>, Stop> {
        let start = self.request.start;
        if start > self.text.len() {
            return Ok(None);
        }
        self.run(start)
    }

    /// Start and end of the first match from the start of the request on.
    pub fn search(&mut self) -> Result<Option<(usize, usize)>, Stop> {
        let program = self.program;
        let Some(last) = self.text.len().checked_sub(program.min_width) else { return Ok(None) };
        let mut at = self.request.start;
        while at <= last {
            at = match &program.start {
                Start::Anywhere => at,
                Start::StringStart if at == 0 => at,
                Start::StringStart => return Ok(None),
                Start::LineStart => match self.line_start(at) {
                    Some(found) => found,
                    None => return Ok(None),
                },
                Start::Literal { chars, finder } => match C::find_chars(&self.text[at..], chars, finder.as_ref()) {
                    Some(i) => at + i,
                    None => return Ok(None),
                },
                Start::Filter(filter) => match self.text[at..].iter().position(|c| filter.accepts(c.code())) {
                    Some(i) => at + i,
                    None => return Ok(None),
                },
            };
            if at > last {
                break;
            }
            if let Some(end) = self.run(at)? {
                return Ok(Some((at, end)));
            }
            at += 1;
        }
        Ok(None)
    }

    fn line_start(&self, at: usize) -> Option<usize> {
        let newline = C::from_code('\n' as u32)?;
        if at == 0 || self.text[at - 1] == newline {
            return Some(at);
        }
        C::find(&self.text[at..], newline).map(|i| at + i + 1)
    }

    #[inline(always)]
    fn at(&self, position: usize) -> Option<u32> {
        self.text.get(position).map(|c| c.code())
    }

    /// True if what follows at `position` may pass the filter.
    #[inline(always)]
    fn passes(&self, filter: FilterId, position: usize) -> bool {
        match self.program.filter(filter) {
            None => true,
            Some(filter) => self.at(position).is_some_and(|c| filter.accepts(c)),
        }
    }

    #[inline(always)]
    fn push(&mut self, kind: Kind, pc: u32, a: usize, b: usize, c: usize) -> Result<(), Stop> {
        if self.scratch.stack.len() == self.scratch.stack.capacity() {
            self.grow()?;
        }
        self.scratch.stack.push(Entry { kind, pc, a, b, c });
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), Stop> {
        let n = self.scratch.stack.len().max(16);
        self.scratch.stack.try_reserve(n).map_err(|_| Stop::Memory)
    }

    #[inline(always)]
    fn tick(&mut self) -> Result<(), Stop> {
        self.patience -= 1;
        if self.patience == 0 {
            self.patience = PATIENCE;
            (self.poll)()?;
        }
        Ok(())
    }

    /// The end of a match that begins at `position`.
    fn run(&mut self, position: usize) -> Result<Option<usize>, Stop> {
        if self.scratch.dirty {
            self.scratch.marks.fill(NOWHERE);
            self.scratch.last_group = 0;
            self.scratch.dirty = false;
        }
        self.scratch.stack.clear();
        let program = self.program;
        let mut position = position;
        let mut pc: Pc = 0;
        loop {
            let step = match program.insts[pc as usize] {
                Inst::Unit(unit) => match self.at(position) {
                    Some(c) if program.unit_matches(unit, c) => {
                        position += 1;
                        Step::To(pc + 1)
                    }
                    _ => Step::Fail,
                },
                Inst::Literal { start, len } => {
                    let chars = &program.literals[start as usize..(start + len) as usize];
                    let found = self.text.get(position..position + chars.len());
                    match found {
                        Some(found) if found.iter().zip(chars).all(|(a, b)| a.code() == *b) => {
                            position += chars.len();
                            Step::To(pc + 1)
                        }
                        _ => Step::Fail,
                    }
                }
                Inst::Mark(mark) => {
                    self.mark(mark, position)?;
                    Step::To(pc + 1)
                }
                Inst::Repeat { unit, bounds, mode, tail } => {
                    self.repeat(pc, unit, bounds, mode, tail, &mut position)?
                }
                Inst::Star { body, exit, lazy, body_filter, tail } => {
                    self.tick()?;
                    let inside = self.passes(body_filter, position);
                    let behind = self.passes(tail, position);
                    let (first, second) = if lazy { (exit, body) } else { (body, exit) };
                    match (inside, behind) {
                        (true, true) => {
                            self.push(Kind::Resume, second, position, 0, 0)?;
                            Step::To(first)
                        }
                        (true, false) => Step::To(body),
                        (false, true) => Step::To(exit),
                        (false, false) => Step::Fail,
                    }
                }
                Inst::Branch { first, count } => self.branch(pc, first, first + count, position)?,
                Inst::Jump(target) => Step::To(target),
                Inst::At(at) => {
                    if self.holds(at, position) {
                        Step::To(pc + 1)
                    } else {
                        Step::Fail
                    }
                }
                Inst::Success => {
                    let request = &self.request;
                    if request.full && position != self.text.len() || request.must_advance && position == request.start
                    {
                        Step::Fail
                    } else {
                        return Ok(Some(position));
                    }
                }
                Inst::Fail => Step::Fail,
                other => self.rare(other, pc, &mut position)?,
            };
            match step {
                Step::To(next) => pc = next,
                Step::Fail => match self.back(&mut position)? {
                    Some(next) => pc = next,
                    None => return Ok(None),
                },
            }
        }
    }

    fn mark(&mut self, mark: u32, position: usize) -> Result<(), Stop> {
        let old = self.scratch.marks[mark as usize];
        if !self.scratch.stack.is_empty() {
            self.push(Kind::UndoMark, mark, old, self.scratch.last_group, 0)?;
        }
        self.scratch.dirty = true;
        self.scratch.marks[mark as usize] = position;
        if mark & 1 != 0 {
            self.scratch.last_group = (mark / 2 + 1) as usize;
        }
        Ok(())
    }

    /// Where the longest run of `unit` from `from` ends, at `limit` at the latest.
    #[inline(always)]
    fn run_of(&self, unit: Unit, from: usize, limit: usize) -> usize {
        let text = &self.text[from..limit];
        let length = match unit {
            Unit::All => Some(text.len()),
            Unit::Not(c) => C::from_code(c).map_or(Some(text.len()), |c| C::find(text, c)),
            Unit::Char(c) => text.iter().position(|other| other.code() != c),
            Unit::Set(set) => {
                let set = &self.program.sets[set as usize];
                text.iter().position(|c| !set.contains(c.code()))
            }
        };
        from + length.unwrap_or(text.len())
    }

    fn repeat(
        &mut self,
        pc: Pc,
        unit: Unit,
        bounds: Bounds,
        mode: Mode,
        tail: FilterId,
        position: &mut usize,
    ) -> Result<Step, Stop> {
        let left = self.text.len() - *position;
        if left < bounds.min {
            return Ok(Step::Fail);
        }
        let low = *position + bounds.min;
        let limit = *position + left.min(bounds.max);
        if mode == Mode::Lazy {
            if self.run_of(unit, *position, low) != low {
                return Ok(Step::Fail);
            }
            return self.lazily(pc, unit, tail, low, limit, position);
        }
        let end = self.run_of(unit, *position, limit);
        if end < low {
            return Ok(Step::Fail);
        }
        if mode == Mode::Possessive {
            *position = end;
            return Ok(Step::To(pc + 1));
        }
        self.greedily(pc, tail, low, end, position)
    }

    /// Goes on behind a greedy repetition at the last possible position in `low..=end`.
    #[inline]
    fn greedily(&mut self, pc: Pc, tail: FilterId, low: usize, end: usize, position: &mut usize) -> Result<Step, Stop> {
        let mut at = end;
        if let Some(filter) = self.program.filter(tail) {
            if at == self.text.len() {
                if at == low {
                    return Ok(Step::Fail);
                }
                at -= 1;
            }
            match self.text[low..=at].iter().rposition(|c| filter.accepts(c.code())) {
                Some(i) => at = low + i,
                None => return Ok(Step::Fail),
            }
        }
        if at > low {
            self.push(Kind::GiveBack, pc, low, at, 0)?;
        }
        *position = at;
        Ok(Step::To(pc + 1))
    }

    /// Goes on behind a lazy repetition at the first possible position from `at` on.
    fn lazily(
        &mut self,
        pc: Pc,
        unit: Unit,
        tail: FilterId,
        at: usize,
        limit: usize,
        position: &mut usize,
    ) -> Result<Step, Stop> {
        let mut at = at;
        if let Some(filter) = self.program.filter(tail) {
            match self.first_behind(unit, filter, at, limit) {
                Some(found) => at = found,
                None => return Ok(Step::Fail),
            }
        }
        if at < limit {
            self.push(Kind::TakeMore, pc, at, limit, 0)?;
        }
        *position = at;
        Ok(Step::To(pc + 1))
    }

    /// The first position from `from` up to `limit` that passes `filter` and is reached by a run of `unit`.
    fn first_behind(&self, unit: Unit, filter: &Filter, from: usize, limit: usize) -> Option<usize> {
        let text = &self.text[from..self.text.len().min(limit + 1)];
        match (unit, filter.single.map(C::from_code)) {
            (_, Some(None)) => None,
            (Unit::All, Some(Some(c))) => C::find(text, c).map(|i| from + i),
            (Unit::Not(other), Some(Some(c))) if C::from_code(other).is_some() => {
                let other = C::from_code(other)?;
                let found = C::find2(text, c, other)?;
                (text[found] == c).then_some(from + found)
            }
            _ => {
                let stops = |c: &C| filter.accepts(c.code()) || !self.program.unit_matches(unit, c.code());
                let found = text.iter().position(stops)?;
                filter.accepts(text[found].code()).then_some(from + found)
            }
        }
    }

    /// Tries the alternatives from `from` on of the branch at `pc`.
    #[inline]
    fn branch(&mut self, pc: Pc, from: u32, end: u32, position: usize) -> Result<Step, Stop> {
        let program = self.program;
        let next = |from: u32| (from..end).find(|i| self.passes(program.alternatives[*i as usize].filter, position));
        let Some(taken) = next(from) else { return Ok(Step::Fail) };
        if let Some(other) = next(taken + 1) {
            self.push(Kind::Alternative, pc, position, other as usize, 0)?;
        }
        Ok(Step::To(program.alternatives[taken as usize].pc))
    }

    /// The less frequent instructions.
    fn rare(&mut self, inst: Inst, pc: Pc, position: &mut usize) -> Result<Step, Stop> {
        match inst {
            Inst::GroupRef { group, fold } => {
                Ok(self.group_ref(group, fold, position).map_or(Step::Fail, |()| Step::To(pc + 1)))
            }
            Inst::GroupExists { group, otherwise } => {
                let matched = self.scratch.group(group as usize + 1).is_some();
                Ok(Step::To(if matched { pc + 1 } else { otherwise }))
            }
            Inst::LoopStart { slot } => {
                self.set_slot(slot, Slot { a: 0, b: NOWHERE })?;
                Ok(Step::To(pc + 1))
            }
            Inst::Loop { slot, bounds, lazy, exit } => self.decide(pc, slot, bounds, lazy, exit, *position),
            Inst::PossessiveLoop { slot, bounds, exit } => {
                self.tick()?;
                let Slot { a: count, b: last } = self.scratch.slots[slot as usize];
                let required = count < bounds.min;
                if !required && (count >= bounds.max || last == *position) {
                    return Ok(Step::To(exit));
                }
                // The slot keeps the count; the barrier goes on the stack, under the way out.
                self.push(Kind::UndoSlot, slot, 0, count, last)?;
                if !required {
                    self.push(Kind::Resume, exit, *position, 0, 0)?;
                }
                self.scratch.slots[slot as usize] = Slot { a: count + 1, b: *position };
                Ok(Step::To(pc + 1))
            }
            Inst::PossessiveEnd { slot, head } => {
                self.end_iteration(slot);
                Ok(Step::To(head))
            }
            Inst::LookStart { slot, back, negative, exit } => self.look(slot, back, negative, exit, pc, position),
            Inst::LookEnd { slot, negative } => {
                let Slot { a: height, b: start } = self.scratch.slots[slot as usize];
                *position = start;
                if negative {
                    self.unwind(height);
                    return Ok(Step::Fail);
                }
                self.commit(height);
                Ok(Step::To(pc + 1))
            }
            Inst::AtomicStart { slot } => {
                self.scratch.slots[slot as usize] = Slot { a: self.scratch.stack.len(), b: 0 };
                Ok(Step::To(pc + 1))
            }
            Inst::AtomicEnd { slot } => {
                self.commit(self.scratch.slots[slot as usize].a);
                Ok(Step::To(pc + 1))
            }
            _ => unreachable!("handled by run"),
        }
    }

    fn look(
        &mut self,
        slot: u32,
        back: usize,
        negative: bool,
        exit: Pc,
        pc: Pc,
        position: &mut usize,
    ) -> Result<Step, Stop> {
        let Some(start) = position.checked_sub(back) else {
            return Ok(if negative { Step::To(exit) } else { Step::Fail });
        };
        self.scratch.slots[slot as usize] = Slot { a: self.scratch.stack.len(), b: *position };
        if negative {
            self.push(Kind::Resume, exit, *position, 0, 0)?;
        }
        *position = start;
        Ok(Step::To(pc + 1))
    }

    fn set_slot(&mut self, slot: u32, new: Slot) -> Result<(), Stop> {
        let old = self.scratch.slots[slot as usize];
        if !self.scratch.stack.is_empty() {
            self.push(Kind::UndoSlot, slot, 0, old.a, old.b)?;
        }
        self.scratch.slots[slot as usize] = new;
        Ok(())
    }

    /// Whether a counted loop goes on with its body or leaves.
    fn decide(
        &mut self,
        pc: Pc,
        slot: u32,
        bounds: Bounds,
        lazy: bool,
        exit: Pc,
        position: usize,
    ) -> Result<Step, Stop> {
        self.tick()?;
        let Slot { a: count, b: last } = self.scratch.slots[slot as usize];
        if count < bounds.min {
            self.set_slot(slot, Slot { a: count + 1, b: last })?;
            return Ok(Step::To(pc + 1));
        }
        let again = count < bounds.max && last != position;
        if again {
            self.push(Kind::Loop, pc, position, count, last)?;
        }
        if lazy || !again {
            return Ok(Step::To(exit));
        }
        self.scratch.slots[slot as usize] = Slot { a: count + 1, b: position };
        Ok(Step::To(pc + 1))
    }

    /// Goes back to the last entry from which something else can be tried.
    fn back(&mut self, position: &mut usize) -> Result<Option<Pc>, Stop> {
        self.tick()?;
        let program = self.program;
        while let Some(entry) = self.scratch.stack.pop() {
            let pc = entry.pc;
            let step = match (entry.kind, program.insts.get(pc as usize)) {
                (Kind::UndoMark, _) => {
                    self.scratch.marks[pc as usize] = entry.a;
                    self.scratch.last_group = entry.b;
                    continue;
                }
                (Kind::UndoSlot, _) => {
                    self.scratch.slots[pc as usize] = Slot { a: entry.b, b: entry.c };
                    continue;
                }
                (Kind::Resume, _) => {
                    *position = entry.a;
                    Step::To(pc)
                }
                (Kind::Alternative, Some(Inst::Branch { first, count })) => {
                    *position = entry.a;
                    self.branch(pc, entry.b as u32, first + count, entry.a)?
                }
                (Kind::GiveBack, Some(Inst::Repeat { tail, .. })) => {
                    self.greedily(pc, *tail, entry.a, entry.b - 1, position)?
                }
                (Kind::TakeMore, Some(Inst::Repeat { unit, tail, .. })) => match self.at(entry.a) {
                    Some(c) if program.unit_matches(*unit, c) => {
                        self.lazily(pc, *unit, *tail, entry.a + 1, entry.b, position)?
                    }
                    _ => Step::Fail,
                },
                (Kind::Loop, Some(Inst::Loop { slot, lazy, exit, .. })) => {
                    let (count, last) = (entry.b, entry.c);
                    *position = entry.a;
                    self.scratch.slots[*slot as usize] = Slot { a: count, b: last };
                    if *lazy {
                        self.set_slot(*slot, Slot { a: count + 1, b: entry.a })?;
                        Step::To(pc + 1)
                    } else {
                        Step::To(*exit)
                    }
                }
                _ => unreachable!("an entry fits its instruction"),
            };
            if let Step::To(pc) = step {
                return Ok(Some(pc));
            }
        }
        Ok(None)
    }

    /// Forgets what could be tried otherwise since the stack had `height` entries, but not what must be undone.
    fn commit(&mut self, height: usize) {
        let Scratch { stack, slots: _, .. } = &mut *self.scratch;
        let mut kept = height;
        if height > 0 {
            for i in height..stack.len() {
                let mut entry = stack[i];
                match (entry.kind, self.program.insts.get(entry.pc as usize)) {
                    (Kind::UndoMark | Kind::UndoSlot, _) => {}
                    (Kind::Loop, Some(Inst::Loop { slot, .. })) => {
                        entry.kind = Kind::UndoSlot;
                        entry.pc = *slot;
                    }
                    _ => continue,
                }
                stack[kept] = entry;
                kept += 1;
            }
        }
        stack.truncate(kept);
    }

    /// Undoes everything since the stack had `height` entries.
    fn unwind(&mut self, height: usize) {
        while self.scratch.stack.len() > height {
            let Some(entry) = self.scratch.stack.pop() else { break };
            match (entry.kind, self.program.insts.get(entry.pc as usize)) {
                (Kind::UndoMark, _) => {
                    self.scratch.marks[entry.pc as usize] = entry.a;
                    self.scratch.last_group = entry.b;
                }
                (Kind::UndoSlot, _) => {
                    self.scratch.slots[entry.pc as usize] = Slot { a: entry.b, b: entry.c };
                }
                (Kind::Loop, Some(Inst::Loop { slot, .. })) => {
                    self.scratch.slots[*slot as usize] = Slot { a: entry.b, b: entry.c };
                }
                _ => {}
            }
        }
    }

    /// Ends an iteration of a possessive loop: nothing in it can be tried otherwise any more.
    fn end_iteration(&mut self, slot: u32) {
        let barrier = |entry: &Entry| entry.kind == Kind::UndoSlot && entry.pc == slot;
        if let Some(height) = self.scratch.stack.iter().rposition(barrier) {
            let keep = if height == 0 { 0 } else { height + 1 };
            self.commit(keep);
        }
    }

    fn group_ref(&mut self, group: u32, fold: Fold, position: &mut usize) -> Option<()> {
        let (start, end) = self.scratch.group(group as usize + 1)?;
        let wanted = self.text.get(start..end)?;
        let found = self.text.get(*position..*position + wanted.len())?;
        let same = match fold {
            Fold::None => wanted == found,
            _ => wanted.iter().zip(found).all(|(a, b)| lower(fold, a.code()) == lower(fold, b.code())),
        };
        *position += wanted.len();
        same.then_some(())
    }

    fn holds(&self, at: At, position: usize) -> bool {
        let newline = |c: Option<u32>| c == Some('\n' as u32);
        let word = |kind, position: Option<usize>| position.and_then(|i| self.at(i)).is_some_and(|c| is_word(kind, c));
        let boundary = |kind| word(kind, position.checked_sub(1)) != word(kind, Some(position));
        match at {
            At::Start => position == 0,
            At::LineStart => position == 0 || newline(self.at(position - 1)),
            At::StringEnd => position == self.text.len(),
            At::LineEnd => position == self.text.len() || newline(self.at(position)),
            At::End => position == self.text.len() || position + 1 == self.text.len() && newline(self.at(position)),
            At::Boundary(kind) => boundary(kind),
            At::NoBoundary(kind) => !boundary(kind),
        }
    }
}
