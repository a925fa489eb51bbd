//! What can be said about a program before it runs: filters of what a part may begin with, and where a match may
//! begin. The engine is correct without any of it.

use super::program::*;

/// Instructions that one question may look at.
const BUDGET: u32 = 200;
/// Characters of a literal prefix that are worth knowing.
const MAX_PREFIX: usize = 64;

/// Fills in the filters and the start of `program`.
pub fn complete(program: &mut Program) {
    for at in 0..program.insts.len() {
        let after = at as Pc + 1;
        match program.insts[at] {
            Inst::Repeat { unit, bounds, mut mode, .. } => {
                let tail = first(program, after);
                if mode == Mode::Greedy && tail.as_ref().is_some_and(|tail| disjoint(program, unit, tail)) {
                    mode = Mode::Possessive;
                }
                let tail = if mode == Mode::Possessive { NO_FILTER } else { add(program, tail) };
                program.insts[at] = Inst::Repeat { unit, bounds, mode, tail };
            }
            Inst::Star { body, exit, lazy, .. } => {
                let (inside, behind) = (first(program, body), first(program, exit));
                let (body_filter, tail) = (add(program, inside), add(program, behind));
                program.insts[at] = Inst::Star { body, exit, lazy, body_filter, tail };
            }
            Inst::Branch { first: start, count } => {
                for i in start..start + count {
                    let filter = first(program, program.alternatives[i as usize].pc);
                    program.alternatives[i as usize].filter = add(program, filter);
                }
            }
            _ => {}
        }
    }
    program.start = start(program);
}

fn add(program: &mut Program, filter: Option<Filter>) -> FilterId {
    let Some(filter) = filter else { return NO_FILTER };
    program.filters.push(filter);
    program.filters.len() as FilterId - 1
}

/// What a match of the rest of the program from `pc` may begin with, if it cannot be empty.
fn first(program: &Program, pc: Pc) -> Option<Filter> {
    let mut walk = Walk { program, budget: BUDGET, low: Box::new([false; 256]), high: false, seen: Seen::Nothing };
    if !walk.from(pc) {
        return None;
    }
    let single = match walk.seen {
        Seen::One(c) => Some(c),
        _ => None,
    };
    if walk.high && walk.low.iter().all(|b| *b) {
        return None;
    }
    Some(Filter { low: walk.low, high: walk.high, single })
}

enum Seen {
    Nothing,
    One(u32),
    More,
}

struct Walk<'a> {
    program: &'a Program,
    budget: u32,
    low: Box<[bool; 256]>,
    high: bool,
    seen: Seen,
}

impl Walk<'_> {
    /// Adds what may come first from `pc` on; false if that may be nothing, or is not known.
    fn from(&mut self, mut pc: Pc) -> bool {
        loop {
            if self.budget == 0 {
                return false;
            }
            self.budget -= 1;
            match self.program.insts[pc as usize] {
                Inst::Success | Inst::GroupRef { .. } | Inst::LookEnd { .. } => return false,
                // What follows must not influence what is taken inside.
                Inst::AtomicEnd { .. } | Inst::PossessiveEnd { .. } => return false,
                Inst::Fail => return true,
                Inst::Unit(unit) => return self.unit(unit),
                Inst::Literal { start, .. } => return self.unit(Unit::Char(self.program.literals[start as usize])),
                Inst::At(_) | Inst::Mark(_) | Inst::AtomicStart { .. } => pc += 1,
                Inst::GroupExists { otherwise, .. } => return self.from(pc + 1) && self.from(otherwise),
                Inst::Branch { first, count } => {
                    return (first..first + count).all(|i| self.from(self.program.alternatives[i as usize].pc));
                }
                Inst::Jump(target) => pc = target,
                Inst::Repeat { unit, bounds, .. } => {
                    if bounds.max > 0 && !self.unit(unit) {
                        return false;
                    }
                    if bounds.min > 0 {
                        return true;
                    }
                    pc += 1;
                }
                Inst::Star { body, exit, .. } => return self.from(body) && self.from(exit),
                Inst::LoopStart { .. } => pc += 1,
                Inst::Loop { exit, .. } | Inst::PossessiveLoop { exit, .. } => {
                    return self.from(pc + 1) && self.from(exit);
                }
                Inst::LookStart { exit, .. } => pc = exit,
            }
        }
    }

    fn unit(&mut self, unit: Unit) -> bool {
        if let Unit::Char(c) = unit {
            match self.low.get_mut(c as usize) {
                Some(low) => *low = true,
                None => self.high = true,
            }
            self.seen = match self.seen {
                Seen::Nothing => Seen::One(c),
                Seen::One(other) if other == c => Seen::One(c),
                _ => Seen::More,
            };
            return true;
        }
        self.seen = Seen::More;
        self.high |= may_be_high(self.program, unit);
        match unit {
            Unit::Set(set) => match self.program.sets[set as usize].low() {
                Some(members) => self.low.iter_mut().zip(members).for_each(|(low, member)| *low |= member),
                None => self.low.fill(true),
            },
            _ => {
                for c in 0..256 {
                    self.low[c] |= self.program.unit_matches(unit, c as u32);
                }
            }
        }
        true
    }
}

fn may_be_high(program: &Program, unit: Unit) -> bool {
    match unit {
        Unit::All | Unit::Not(_) => true,
        Unit::Char(c) => c > 255,
        Unit::Set(set) => program.sets[set as usize].may_be_high(),
    }
}

/// True if `c`, below 256, matches or might match.
fn low_member(program: &Program, unit: Unit, c: u32) -> bool {
    match unit {
        Unit::Set(set) => program.sets[set as usize].low().is_none_or(|low| low[c as usize]),
        _ => program.unit_matches(unit, c),
    }
}

/// True if no character matches `unit` and passes `filter`.
fn disjoint(program: &Program, unit: Unit, filter: &Filter) -> bool {
    let low = (0..256).any(|c| filter.low[c as usize] && low_member(program, unit, c));
    let high = match filter.single {
        Some(c) if c > 255 => program.unit_matches(unit, c),
        _ => filter.high && may_be_high(program, unit),
    };
    !low && !high
}

/// How to find where a match may begin.
fn start(program: &Program) -> Start {
    let (mut pc, mut chars) = (0, Vec::new());
    while chars.len() < MAX_PREFIX {
        match program.insts[pc] {
            Inst::Mark(_) => {}
            Inst::Unit(Unit::Char(c)) => chars.push(c),
            Inst::Literal { start, len } => {
                chars.extend_from_slice(&program.literals[start as usize..(start + len) as usize]);
            }
            Inst::At(At::Start) if chars.is_empty() => return Start::StringStart,
            Inst::At(At::LineStart) if chars.is_empty() => return Start::LineStart,
            _ => break,
        }
        pc += 1;
    }
    if chars.is_empty() {
        return first(program, 0).map_or(Start::Anywhere, Start::Filter);
    }
    let bytes: Option<Vec<u8>> = chars.iter().map(|c| u8::try_from(*c).ok()).collect();
    let finder = bytes.map(|bytes| memchr::memmem::Finder::new(&bytes).into_owned());
    Start::Literal { chars, finder }
}
