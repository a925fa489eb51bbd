//! Code array to program, with every check: any array gives a sound program or an error.

use taipan_runtime::{Cx, PyResult, raise};

use super::analyse;
use super::charset::{Category, Item, Set};
use super::opcodes as op;
use super::program::*;

/// Why an array is refused.
enum Bad {
    Invalid,
    Raised,
}

type Res<T> = Result<T, Bad>;

/// The program of a code array. RuntimeError if the array is not sound.
pub fn translate(cx: &mut Cx, code: &[u32], groups: usize) -> PyResult<Program> {
    let program = Program {
        insts: Vec::new(),
        alternatives: Vec::new(),
        sets: Vec::new(),
        literals: Vec::new(),
        filters: Vec::new(),
        slots: 0,
        groups,
        min_width: 0,
        start: Start::Anywhere,
    };
    let mut translator = Translator { cx, code, program, fence: 0 };
    match translator.whole() {
        Ok(()) => {
            let mut program = translator.program;
            analyse::complete(&mut program);
            Ok(program)
        }
        Err(Bad::Raised) => Err(taipan_runtime::Raised),
        Err(Bad::Invalid) => raise!(cx, RuntimeError, "invalid SRE code"),
    }
}

struct Translator<'a> {
    cx: &'a mut Cx,
    code: &'a [u32],
    program: Program,
    /// Instructions from here on are not the target of a jump yet.
    fence: usize,
}

impl Translator<'_> {
    fn whole(&mut self) -> Res<()> {
        let end = self.code.len();
        if self.code.last() != Some(&op::SUCCESS) {
            return Err(Bad::Invalid);
        }
        let start = if self.code[0] == op::INFO { self.skip(1, end)? } else { 0 };
        let (width, _) = self.body(start, end - 1, false)?;
        self.program.min_width = width;
        self.emit(Inst::Success);
        Ok(())
    }

    fn word(&self, at: usize) -> Res<u32> {
        self.code.get(at).copied().ok_or(Bad::Invalid)
    }

    /// Where the skip word at `at` leads to, which must be behind it and not behind `end`.
    fn skip(&self, at: usize, end: usize) -> Res<usize> {
        let target = at + self.word(at)? as usize;
        if target > at && target <= end { Ok(target) } else { Err(Bad::Invalid) }
    }

    fn emit(&mut self, inst: Inst) -> usize {
        self.program.insts.push(inst);
        self.program.insts.len() - 1
    }

    /// The place of the next instruction, which will be jumped to.
    fn label(&mut self) -> Pc {
        self.fence = self.program.insts.len();
        self.fence as Pc
    }

    fn slot(&mut self) -> u32 {
        self.program.slots += 1;
        self.program.slots as u32 - 1
    }

    fn emit_unit(&mut self, unit: Unit) {
        let Unit::Char(c) = unit else {
            self.emit(Inst::Unit(unit));
            return;
        };
        let program = &mut self.program;
        let movable = program.insts.len() > self.fence;
        match program.insts.last_mut() {
            Some(Inst::Literal { start, len }) if movable && (*start + *len) as usize == program.literals.len() => {
                *len += 1;
                program.literals.push(c);
            }
            Some(last @ Inst::Unit(Unit::Char(_))) if movable => {
                let Inst::Unit(Unit::Char(first)) = *last else { unreachable!("just matched") };
                *last = Inst::Literal { start: program.literals.len() as u32, len: 2 };
                program.literals.extend([first, c]);
            }
            _ => {
                self.emit(Inst::Unit(unit));
            }
        }
    }

    /// Translates the instructions in `start..end` and gives their least width. With `may_jump`, a JUMP in the last two
    /// words ends them; the second result says whether it was there.
    fn body(&mut self, start: usize, end: usize, may_jump: bool) -> Res<(usize, bool)> {
        let here = 0u8;
        if (&raw const here as usize) < self.cx.native_limit {
            self.cx.recursion_error("");
            return Err(Bad::Raised);
        }
        let (mut at, mut width) = (start, 0usize);
        while at < end {
            if may_jump && at + 2 == end && self.code[at] == op::JUMP {
                return Ok((width, true));
            }
            let (next, more) = self.instruction(at, end)?;
            if next > end {
                return Err(Bad::Invalid);
            }
            at = next;
            width = width.saturating_add(more);
        }
        Ok((width, false))
    }

    /// Translates one instruction; gives the place of the next one and the least width.
    fn instruction(&mut self, at: usize, end: usize) -> Res<(usize, usize)> {
        if let Some((unit, next)) = self.unit(at, end)? {
            self.emit_unit(unit);
            return Ok((next, 1));
        }
        let argument = self.word(at + 1).ok();
        match self.code[at] {
            op::FAILURE => {
                self.emit(Inst::Fail);
                Ok((at + 1, 0))
            }
            op::AT => {
                let position = argument.and_then(position).ok_or(Bad::Invalid)?;
                self.emit(Inst::At(position));
                Ok((at + 2, 0))
            }
            op::MARK => {
                let mark = argument.filter(|m| (*m as usize) < 2 * self.program.groups).ok_or(Bad::Invalid)?;
                self.emit(Inst::Mark(mark));
                Ok((at + 2, 0))
            }
            op::GROUPREF => self.group_ref(at, Fold::None),
            op::GROUPREF_IGNORE => self.group_ref(at, Fold::Ascii),
            op::GROUPREF_LOC_IGNORE => self.group_ref(at, Fold::Locale),
            op::GROUPREF_UNI_IGNORE => self.group_ref(at, Fold::Unicode),
            op::GROUPREF_EXISTS => self.group_exists(at, end),
            op::BRANCH => self.branch(at, end),
            op::REPEAT_ONE => self.repeat_one(at, end, Mode::Greedy),
            op::MIN_REPEAT_ONE => self.repeat_one(at, end, Mode::Lazy),
            op::POSSESSIVE_REPEAT_ONE => self.repeat_one(at, end, Mode::Possessive),
            op::REPEAT => self.repeat(at, end),
            op::POSSESSIVE_REPEAT => self.possessive_repeat(at, end),
            op::ATOMIC_GROUP => {
                let next = self.skip(at + 1, end)?;
                let slot = self.slot();
                self.emit(Inst::AtomicStart { slot });
                self.label();
                let width = self.until_success(at + 2, next)?;
                self.emit(Inst::AtomicEnd { slot });
                self.label();
                Ok((next, width))
            }
            op::ASSERT => self.assertion(at, end, false),
            op::ASSERT_NOT => self.assertion(at, end, true),
            _ => Err(Bad::Invalid),
        }
    }

    /// Translates a body whose last word, before `next`, is SUCCESS.
    fn until_success(&mut self, start: usize, next: usize) -> Res<usize> {
        if start >= next || self.code[next - 1] != op::SUCCESS {
            return Err(Bad::Invalid);
        }
        Ok(self.body(start, next - 1, false)?.0)
    }

    fn group(&self, at: usize) -> Res<u32> {
        let group = self.word(at)?;
        if (group as usize) < self.program.groups { Ok(group) } else { Err(Bad::Invalid) }
    }

    fn group_ref(&mut self, at: usize, fold: Fold) -> Res<(usize, usize)> {
        let group = self.group(at + 1)?;
        self.emit(Inst::GroupRef { group, fold });
        Ok((at + 2, 0))
    }

    fn group_exists(&mut self, at: usize, end: usize) -> Res<(usize, usize)> {
        let group = self.group(at + 1)?;
        // The skip counts from the group's number.
        let no = at + 1 + self.word(at + 2)? as usize;
        if no < at + 3 || no > end {
            return Err(Bad::Invalid);
        }
        let test = self.emit(Inst::Fail);
        self.label();
        let (yes_width, has_else) = self.body(at + 3, no, true)?;
        if !has_else {
            let otherwise = self.label();
            self.program.insts[test] = Inst::GroupExists { group, otherwise };
            return Ok((no, 0));
        }
        let next = self.skip(no - 1, end)?;
        let jump = self.emit(Inst::Fail);
        let otherwise = self.label();
        self.program.insts[test] = Inst::GroupExists { group, otherwise };
        let (no_width, _) = self.body(no, next, false)?;
        let target = self.label();
        self.program.insts[jump] = Inst::Jump(target);
        Ok((next, yes_width.min(no_width)))
    }

    fn branch(&mut self, at: usize, end: usize) -> Res<(usize, usize)> {
        let branch = self.emit(Inst::Fail);
        let (mut starts, mut jumps) = (Vec::new(), Vec::new());
        let (mut skip_at, mut target, mut width) = (at + 1, None, usize::MAX);
        while self.word(skip_at)? != 0 {
            let next = self.skip(skip_at, end)?;
            starts.push(self.label());
            if next < skip_at + 3 {
                return Err(Bad::Invalid);
            }
            let (w, jumped) = self.body(skip_at + 1, next, true)?;
            let to = self.skip(next - 1, end)?;
            if !jumped || *target.get_or_insert(to) != to {
                return Err(Bad::Invalid);
            }
            width = width.min(w);
            jumps.push(self.emit(Inst::Fail));
            skip_at = next;
        }
        if target != Some(skip_at + 1) {
            return Err(Bad::Invalid);
        }
        let exit = self.label();
        for jump in jumps {
            self.program.insts[jump] = Inst::Jump(exit);
        }
        let first = self.program.alternatives.len() as u32;
        let count = starts.len() as u32;
        let alternatives = starts.into_iter().map(|pc| Alternative { pc, filter: NO_FILTER });
        self.program.alternatives.extend(alternatives);
        self.program.insts[branch] = Inst::Branch { first, count };
        Ok((skip_at + 1, width))
    }

    fn bounds(&self, at: usize) -> Res<Bounds> {
        let (min, max) = (self.word(at)?, self.word(at + 1)?);
        if min > max {
            return Err(Bad::Invalid);
        }
        Ok(Bounds { min: min as usize, max: if max == op::MAXREPEAT { UNBOUNDED } else { max as usize } })
    }

    fn repeat_one(&mut self, at: usize, end: usize, mode: Mode) -> Res<(usize, usize)> {
        let next = self.skip(at + 1, end)?;
        let bounds = self.bounds(at + 2)?;
        match self.unit(at + 4, next)? {
            Some((unit, after)) if after + 1 == next && self.code[after] == op::SUCCESS => {
                self.emit(Inst::Repeat { unit, bounds, mode, tail: NO_FILTER });
                Ok((next, bounds.min))
            }
            _ => self.repeat_one_other(at, next, bounds, mode),
        }
    }

    /// Repeats what is not a single character: an empty set, which never matches.
    fn repeat_one_other(&mut self, at: usize, next: usize, bounds: Bounds, mode: Mode) -> Res<(usize, usize)> {
        if self.code.get(at + 4..next) != Some(&[op::FAILURE, op::SUCCESS]) {
            return Err(Bad::Invalid);
        }
        self.program.sets.push(Set::new(Vec::new(), false, Fold::None));
        let unit = Unit::Set(self.program.sets.len() as u32 - 1);
        self.emit(Inst::Repeat { unit, bounds, mode, tail: NO_FILTER });
        Ok((next, bounds.min))
    }

    fn repeat(&mut self, at: usize, end: usize) -> Res<(usize, usize)> {
        let until = self.skip(at + 1, end)?;
        let lazy = match self.word(until)? {
            op::MAX_UNTIL => false,
            op::MIN_UNTIL => true,
            _ => return Err(Bad::Invalid),
        };
        let bounds = self.bounds(at + 2)?;
        let slot = self.slot();
        let start = self.emit(Inst::LoopStart { slot });
        let head = self.label();
        self.emit(Inst::Fail);
        let body = self.label();
        let width = self.body(at + 4, until, false)?.0;
        self.emit(Inst::Jump(head));
        let exit = self.label();
        let insts = &mut self.program.insts;
        insts[head as usize] = Inst::Loop { slot, bounds, lazy, exit };
        if bounds.max == UNBOUNDED && bounds.min <= 1 && width > 0 {
            // Needs neither a counter nor the guard against empty bodies.
            insts[start] = Inst::Jump(if bounds.min == 0 { head } else { body });
            insts[head as usize] = Inst::Star { body, exit, lazy, body_filter: NO_FILTER, tail: NO_FILTER };
        }
        Ok((until + 1, width.saturating_mul(bounds.min)))
    }

    fn possessive_repeat(&mut self, at: usize, end: usize) -> Res<(usize, usize)> {
        let success = self.skip(at + 1, end)?;
        if self.word(success)? != op::SUCCESS {
            return Err(Bad::Invalid);
        }
        let bounds = self.bounds(at + 2)?;
        let slot = self.slot();
        self.emit(Inst::LoopStart { slot });
        let head = self.label();
        self.emit(Inst::Fail);
        self.label();
        let width = self.body(at + 4, success, false)?.0;
        self.emit(Inst::PossessiveEnd { slot, head });
        let exit = self.label();
        self.program.insts[head as usize] = Inst::PossessiveLoop { slot, bounds, exit };
        Ok((success + 1, width.saturating_mul(bounds.min)))
    }

    fn assertion(&mut self, at: usize, end: usize, negative: bool) -> Res<(usize, usize)> {
        let next = self.skip(at + 1, end)?;
        let back = self.word(at + 2)? as usize;
        let slot = self.slot();
        let start = self.emit(Inst::Fail);
        self.label();
        self.until_success(at + 3, next)?;
        self.emit(Inst::LookEnd { slot, negative });
        let exit = self.label();
        self.program.insts[start] = Inst::LookStart { slot, back, negative, exit };
        Ok((next, 0))
    }

    // ---- single characters -------------------------------------------------------------------------

    /// The instruction at `at`, if it matches exactly one character, and the place behind it.
    fn unit(&mut self, at: usize, end: usize) -> Res<Option<(Unit, usize)>> {
        let code = self.word(at)?;
        let fold = match code {
            op::LITERAL_IGNORE | op::NOT_LITERAL_IGNORE | op::IN_IGNORE => Fold::Ascii,
            op::LITERAL_LOC_IGNORE | op::NOT_LITERAL_LOC_IGNORE | op::IN_LOC_IGNORE => Fold::Locale,
            op::LITERAL_UNI_IGNORE | op::NOT_LITERAL_UNI_IGNORE | op::IN_UNI_IGNORE => Fold::Unicode,
            _ => Fold::None,
        };
        Ok(Some(match code {
            op::ANY => (Unit::Not('\n' as u32), at + 1),
            op::ANY_ALL => (Unit::All, at + 1),
            op::LITERAL => (Unit::Char(self.word(at + 1)?), at + 2),
            op::NOT_LITERAL => (Unit::Not(self.word(at + 1)?), at + 2),
            op::LITERAL_IGNORE | op::LITERAL_UNI_IGNORE | op::LITERAL_LOC_IGNORE => {
                let item = Item::Char(self.word(at + 1)?);
                (self.set(vec![(item, true)], false, fold), at + 2)
            }
            op::NOT_LITERAL_IGNORE | op::NOT_LITERAL_UNI_IGNORE | op::NOT_LITERAL_LOC_IGNORE => {
                let c = self.word(at + 1)?;
                (self.not_ignoring_case(c, fold), at + 2)
            }
            op::CATEGORY => {
                let item = category(self.word(at + 1)?)?;
                (self.set(vec![(item, true)], false, Fold::None), at + 2)
            }
            op::IN | op::IN_IGNORE | op::IN_LOC_IGNORE | op::IN_UNI_IGNORE => {
                let next = self.skip(at + 1, end)?;
                (self.charset(at + 2, next, fold)?, next)
            }
            _ => return Ok(None),
        }))
    }

    fn set(&mut self, items: Vec<(Item, bool)>, otherwise: bool, fold: Fold) -> Unit {
        self.program.sets.push(Set::new(items, otherwise, fold));
        Unit::Set(self.program.sets.len() as u32 - 1)
    }

    /// What is not `c`, whatever its case.
    fn not_ignoring_case(&mut self, c: u32, fold: Fold) -> Unit {
        let mut set = Set::new(vec![(Item::Char(c), true)], false, fold);
        set.invert();
        self.program.sets.push(set);
        Unit::Set(self.program.sets.len() as u32 - 1)
    }

    /// The set in `at..next`, which FAILURE ends.
    fn charset(&mut self, mut at: usize, next: usize, fold: Fold) -> Res<Unit> {
        let (mut items, mut flag) = (Vec::new(), true);
        if at >= next || self.code[next - 1] != op::FAILURE {
            return Err(Bad::Invalid);
        }
        while at < next - 1 {
            let (item, length) = match self.code[at] {
                op::NEGATE => {
                    flag = !flag;
                    at += 1;
                    continue;
                }
                op::LITERAL => (Item::Char(self.word(at + 1)?), 2),
                op::RANGE => (Item::Range(self.word(at + 1)?, self.word(at + 2)?), 3),
                op::RANGE_UNI_IGNORE => (Item::RangeIgnore(self.word(at + 1)?, self.word(at + 2)?), 3),
                op::CATEGORY => (category(self.word(at + 1)?)?, 2),
                op::CHARSET => (Item::Bitmap(self.bitmap(at + 1)?), 9),
                op::BIGCHARSET => {
                    let count = self.word(at + 1)? as usize;
                    (self.blocks(at + 2, count)?, 66usize.saturating_add(count.saturating_mul(8)))
                }
                _ => return Err(Bad::Invalid),
            };
            items.push((item, flag));
            at = at.checked_add(length).filter(|at| *at <= next - 1).ok_or(Bad::Invalid)?;
        }
        if let [(Item::Char(c), single)] = items[..]
            && fold == Fold::None
        {
            return Ok(if single { Unit::Char(c) } else { Unit::Not(c) });
        }
        Ok(self.set(items, !flag, fold))
    }

    fn bitmap(&self, at: usize) -> Res<[u32; 8]> {
        let words = self.code.get(at..).and_then(|rest| rest.first_chunk::<8>());
        words.copied().ok_or(Bad::Invalid)
    }

    fn blocks(&self, at: usize, count: usize) -> Res<Item> {
        let words = self.code.get(at..).and_then(|rest| rest.first_chunk::<64>()).ok_or(Bad::Invalid)?;
        let mut index = Box::new([0; 256]);
        for (bytes, word) in index.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        if count > 256 || index.iter().any(|block| *block as usize >= count) {
            return Err(Bad::Invalid);
        }
        let blocks = (0..count).map(|i| self.bitmap(at + 64 + 8 * i)).collect::<Res<Vec<_>>>()?;
        Ok(Item::Blocks(index, blocks))
    }
}

fn position(number: u32) -> Option<At> {
    Some(match number {
        0 | 2 => At::Start,
        1 => At::LineStart,
        3 => At::Boundary(WordKind::Ascii),
        4 => At::NoBoundary(WordKind::Ascii),
        5 => At::End,
        6 => At::LineEnd,
        7 => At::StringEnd,
        8 => At::Boundary(WordKind::Locale),
        9 => At::NoBoundary(WordKind::Locale),
        10 => At::Boundary(WordKind::Unicode),
        11 => At::NoBoundary(WordKind::Unicode),
        _ => return None,
    })
}

fn category(number: u32) -> Res<Item> {
    let category = match number / 2 {
        0 => Category::Digit,
        1 => Category::Space,
        2 => Category::Word(WordKind::Ascii),
        3 => Category::LineBreak,
        4 => Category::Word(WordKind::Locale),
        5 => Category::UnicodeDigit,
        6 => Category::UnicodeSpace,
        7 => Category::Word(WordKind::Unicode),
        8 => Category::UnicodeLineBreak,
        _ => return Err(Bad::Invalid),
    };
    Ok(Item::Category(category, number % 2 == 1))
}
