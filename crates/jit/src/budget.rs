//! When compiling is worth what it costs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use taipan_bytecode::{Op as B, effects};
use taipan_runtime::Cx;
use taipan_runtime::hooks::ENTRY;
use taipan_runtime::types::code::CodeObject;

use crate::Mode;
use crate::build::cfg::{op_at, word_at};
use crate::build::entry::calls_or_loops;
use crate::tier::{data, is_start};

/// Nanoseconds that building takes, roughly.
pub const COST_OF_BUILDING: u64 = 300_000;
/// Nanoseconds that Cranelift takes for an instruction of the IR, roughly.
pub const COST_OF_INSTRUCTION: u64 = 8_000;
/// And for a word of bytecode.
pub const COST_OF_WORD: u64 = 2_000;
/// Words of functions without calls and loops that are left to the interpreter where it calls them.
const LEAF_WORDS: usize = 16;
/// Nanoseconds of processor time that may be spent compiling in any case.
const BUDGET_AT_START: u64 = 2_500_000;
/// Of a hundred nanoseconds so many may be spent compiling, from so many nanoseconds of processor time on.
const SHARES: &[(u64, u64)] = &[(0, 8), (60_000_000, 15), (1_000_000_000, 40)];
/// Nanoseconds that an instruction takes the interpreter longer than compiled code, roughly.
const SAVED_BY_INSTRUCTION: u64 = 3;
/// What is less than this part of the time that has passed is not worth compiling before it has added up.
const SMALL_PART: u64 = 8;
/// Compiling may take this part of the time that the interpreter has spent in the loops that are compiled, whatever else was
/// compiled: a program that then ends at once has lost little.
const EARNED_PART: u64 = 6;
/// A function is compiled from its beginning rather than from a loop if so many calls made the loop hot.
const CALLS_OF_SHORT_LOOP: u32 = 4;
/// And if code for a loop in its middle was entered in so many calls; fewer where several loops lie around that one, which then are one
/// in the code.
const ENTERED_CALLS: u32 = 8;
const ENTERED_CALLS_DEEP: u32 = 2;
/// For so many nanoseconds the processor time of the process is not asked for again.
const STAYS_TRUE: u64 = 200_000;
/// How often a function without loops must have been found hot before it is compiled, and a loop without others in it.
const CALL_TICKS: u32 = 8;
const LOOP_TICKS: u32 = 6;
/// The same for a place where a generator goes on: there is one for each `yield`, and code for one goes on to the next.
const RESUME_TICKS: u32 = 4;
/// After so many either is compiled.
pub const ENOUGH_TICKS: u32 = 100;

/// How hot an entry of a code object is.
#[derive(Default)]
pub struct Heat {
    /// How often it was found hot and there was no code for it.
    pub ticks: u32,
    /// Rounds of the loop for each time.
    each: u32,
    /// The processor time of the process when that was first so.
    since: u64,
    /// The loop, from one word of the code to another; nothing where what it is worth does not matter.
    pub span: (u32, u32),
    /// Instructions that a round executes, inlined calls included, as the builder counted them; 0 before.
    pub built: u32,
    /// Instructions of a round, or of a call, without those of inlined calls, and whether there are loops among them.
    instructions: u32,
    pub has_loop: bool,
    /// Nanoseconds that the interpreter has spent in its rounds, roughly, since it was compiled last.
    earned: u64,
}

impl Heat {
    /// Nanoseconds that compiled code would have saved since the loop was found hot for the first time.
    fn saved(&self) -> u64 {
        let rounds = u64::from(self.ticks.saturating_sub(1)) * u64::from(self.each);
        rounds * u64::from(self.built) * SAVED_BY_INSTRUCTION
    }
}

/// Nanoseconds that compiling an entry may take: what it would have saved by now, if that is a small part of the time that has
/// passed. Most of it then goes to built-in functions, which compiled code calls as the interpreter does.
pub fn worth(code: &CodeObject, entry: u32) -> u64 {
    let data = data(code);
    let (from, to) = data.entry(entry).heat.span;
    let (mut saved, mut since) = (0, u64::MAX);
    for (_, inner) in data.entries().filter(|(at, e)| (from..to).contains(at) && e.heat.each != 0) {
        if inner.heat.built == 0 || inner.made > 0 {
            return u64::MAX;
        }
        saved += inner.heat.saved();
        since = since.min(inner.heat.since);
    }
    if saved >= process_time().saturating_sub(since) / SMALL_PART { u64::MAX } else { saved }
}

/// Nanoseconds that compiling an entry may take in any case.
pub fn earned(code: &CodeObject, entry: u32) -> u64 {
    if crate::options().watch {
        return 0;
    }
    let covered = covered(code, entry);
    data(code).entries().filter(|(at, _)| covered.contains(at)).map(|(_, e)| e.heat.earned).sum::<u64>() / EARNED_PART
}

/// An entry is compiled: what its loops have earned is spent.
pub fn spend(code: &CodeObject, entry: u32) {
    let covered = covered(code, entry);
    data(code).entries_mut().filter(|(at, _)| covered.contains(at)).for_each(|(_, e)| e.heat.earned = 0);
}

/// The words whose loops code for an entry has in it.
fn covered(code: &CodeObject, entry: u32) -> std::ops::Range<u32> {
    if is_start(entry) {
        return 0..code.word_count() as u32;
    }
    let (from, to) = data(code).entry(entry).heat.span;
    from..to
}

/// The loop that has the function on top of the frames was found hot: whether it was so by short loops of several calls, and
/// code for it is better made from the beginning.
pub fn is_short_loop(cx: &Cx, code: &CodeObject) -> bool {
    !is_eager() && (CALLS_OF_SHORT_LOOP..cx.hot_call).contains(&code.heat.get())
}

/// Calls that have entered code in the middle of their function.
#[derive(Default)]
pub struct Entered {
    /// The counter of calls in the last one.
    last: u32,
    calls: u32,
}

impl Entered {
    /// Notes that code is entered at the loop at `entry` of a function that has counted its calls; whether these were several.
    pub fn note(&mut self, code: &CodeObject, entry: u32) -> bool {
        let heat = code.heat.get();
        if heat == self.last {
            return false;
        }
        self.last = heat;
        self.calls += 1;
        self.calls >= ENTERED_CALLS || self.calls == ENTERED_CALLS_DEEP && loops_around(code, entry) > 2
    }
}

/// In how many loops a word of the code lies.
fn loops_around(code: &CodeObject, entry: u32) -> usize {
    let (mut at, mut loops) = (entry, 0);
    while (at as usize) < code.word_count() {
        let op = op_at(code, at as usize);
        loops += (matches!(op.base(), B::ForNext | B::JumpBack) && loop_start(code, at) <= entry) as usize;
        at += op.words() as u32;
    }
    loops
}

/// Whether a function is so short that the interpreter has run it before it has entered compiled code. Where compiled code
/// or the runtime calls it, it is compiled.
pub fn is_leaf(code: &CodeObject) -> bool {
    let options = crate::options();
    let short = code.word_count() <= LEAF_WORDS && options.mode != Mode::Stress && options.hot_call.is_none();
    short && !calls_or_loops(code)
}

/// Whether everything is compiled as soon as it can be.
pub fn is_eager() -> bool {
    let options = crate::options();
    options.mode == Mode::Stress || options.hot_call.is_some() || options.hot_loop.is_some()
}

/// As [`is_worth_it`] for a generator that goes on at `entry`.
pub fn is_resumed_enough(code: &CodeObject, entry: u32) -> bool {
    let ticks = &mut data(code).entry(entry).heat.ticks;
    *ticks += 1;
    is_eager() || *ticks > RESUME_TICKS
}

/// Whether what was found hot once more has cost about as much by now as compiling it will. A round of a loop with another
/// one in it, or a call of a function with a loop, counts for many.
pub fn is_worth_it(cx: &Cx, code: &CodeObject, index: u32, entry: u32) -> bool {
    if is_eager() {
        return true;
    }
    let pending = data(code).is_pending(entry);
    let heat = &mut data(code).entry(entry).heat;
    heat.ticks += 1;
    if heat.ticks == 1 {
        let (from, to) = match index {
            ENTRY => (0, code.word_count() as u32),
            _ => (loop_start(code, index), index),
        };
        let mut at = from;
        while at < to {
            let op = op_at(code, at as usize);
            heat.has_loop |= matches!(op.base(), B::ForNext | B::JumpBack);
            heat.instructions += 1;
            at += op.words() as u32;
        }
        if index != ENTRY {
            heat.since = process_time();
            heat.each = cx.hot_loop;
            heat.span = (from, to + 1);
        }
    }
    if !pending {
        heat.earned += u64::from(heat.each) * u64::from(heat.instructions) * SAVED_BY_INSTRUCTION;
    }
    let needed = if index == ENTRY { CALL_TICKS } else { LOOP_TICKS };
    heat.has_loop || heat.ticks > needed
}

/// The first instruction of the loop whose bottom is at `index`.
pub fn loop_start(code: &CodeObject, index: u32) -> u32 {
    let op = op_at(code, index as usize).base();
    let jump = effects::jump(op, word_at(code, index as usize)).unwrap_or(0);
    (index as i64 + op.words() as i64 + jump as i64) as u32
}

/// Nanoseconds of processor time that the program can afford for compiling something now, after `spent`: time spent compiling
/// stays a small part of the time spent running, a very small one at first, so that a short program is not slowed down. What
/// is hot comes back.
pub fn left(spent: u64) -> u64 {
    if crate::options().watch {
        return 0;
    }
    if crate::options().mode == Mode::Stress || crate::options().hot_call.is_some() {
        return u64::MAX;
    }
    let passed = process_time();
    let mut budget = BUDGET_AT_START;
    for (i, (from, percent)) in SHARES.iter().enumerate() {
        let to = SHARES.get(i + 1).map_or(passed, |next| next.0.min(passed));
        budget += to.saturating_sub(*from) / 100 * percent;
    }
    budget.saturating_sub(spent)
}

/// Nanoseconds of processor time that the process has used, or had a short while ago: asking takes a system call, the time of
/// day none.
fn process_time() -> u64 {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    static ANSWER: AtomicU64 = AtomicU64::new(0);
    let now = time(libc::CLOCK_MONOTONIC);
    if now.saturating_sub(ASKED.load(Relaxed)) > STAYS_TRUE {
        ASKED.store(now, Relaxed);
        ANSWER.store(time(libc::CLOCK_PROCESS_CPUTIME_ID), Relaxed);
    }
    ANSWER.load(Relaxed)
}

/// The nanoseconds that a clock shows.
fn time(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a plain system call.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of processor time that this thread has used. On a busy machine time that passes says little.
pub fn thread_time() -> u64 {
    time(libc::CLOCK_THREAD_CPUTIME_ID)
}
