//! Which code is compiled when, which compiled code runs, what happens when it keeps leaving or what it relies on changes.
//!
//! Invariants:
//! - TIER-1: everything here is used with the GIL held, from one runtime.
//! - TIER-2: a [`Unit`] is never freed. Its code and exits are, some time after it was discarded, when no thread is in
//!   compiled code and the worker is not busy with it.
//! - TIER-3: objects that code names are kept alive by the unit's roots, from when it is built until its code is freed.

mod learning;
mod making;
mod typed;

pub use making::{build_entry, compile_entry, forget_units, lower_for_texts};
use making::{compile, give_up, install};
pub use typed::{Kind, MAX_ARGUMENTS, TypedCell, arguments, cell, compile_typed, has_numbers, is_start, returned};

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use taipan_bytecode::Op as B;
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::{Compiled, flag};
use taipan_runtime::heap::RootVec;
use taipan_runtime::hooks::{ENTRY, NOT_COMPILED};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Value, threads};

use crate::budget::{
    COST_OF_BUILDING, COST_OF_INSTRUCTION, COST_OF_WORD, ENOUGH_TICKS, Entered, Heat, earned, is_eager, is_leaf,
    is_resumed_enough, is_short_loop, is_worth_it, left, loop_start, spend, thread_time, worth,
};
use crate::build::cfg::op_at;
use crate::build::entry::Product;
use crate::build::{self, HeadGuard, Refusal};
use crate::code::Arena;
use crate::exits::{Exit, Reason};
use crate::ir::{ExceptionDesc, Func, Type};
use crate::lower::{Callees, Headers, Lowered, Machine, Process};
use crate::profile::Profile;
use crate::worker::{self, Done, Job, Worker};
use crate::{Mode, dump, explicit, passes, stats};

/// Exits of a unit that make the code be compiled anew, at least; more if compiling it took long.
const EXITS_TO_LEARN: u32 = 40;
/// Compiling code anew pays after so many nanoseconds of it for each exit.
const NANOSECONDS_PER_EXIT: u64 = 10_000;
/// At most so many exits are taken before code is compiled anew.
const MOST_EXITS: u64 = 4000;
/// Units made for one entry before it is left alone.
const MAX_UNITS: u32 = 12;
/// Attempts to build a function.
const MAX_ATTEMPTS: u32 = 60;
/// With so many nanoseconds for compiling whatever is hot is built, however large it is.
const MUCH_LEFT: u64 = 10_000_000;
/// Code for generators that costs less to compile does less than leaving it costs.
const WORTH_LEAVING: u64 = 64 * COST_OF_INSTRUCTION;

/// The JIT's data of a code object.
#[derive(Default)]
pub(crate) struct CodeData {
    pub(crate) profile: Profile,
    /// Valid units by entry.
    units: Vec<(u32, *const Unit)>,
    /// Entries that the worker compiles code for.
    pending: Vec<u32>,
    /// What is known of entries, few of which are ever hot.
    entries: Vec<(u32, EntryData)>,
    /// Entries that are not to be compiled.
    refused: Vec<u32>,
    /// Calls that have entered code at a loop.
    entered: Entered,
    /// Its typed entries.
    typed: Vec<typed::TypedEntry>,
    /// The numbers that code for its beginning returned when it was built last.
    returned: Option<Type>,
    /// Whether code for its beginning expected numbers as arguments.
    takes_numbers: bool,
}

impl CodeData {
    /// What is known of entries, each by its word index.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(u32, EntryData)> {
        self.entries.iter()
    }

    /// The same, to be changed.
    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut (u32, EntryData)> {
        self.entries.iter_mut()
    }

    /// Whether the worker compiles code for `entry`.
    pub(crate) fn is_pending(&self, entry: u32) -> bool {
        self.pending.contains(&entry)
    }

    /// Whether code for its beginning may be made that is not there, nor being made.
    fn lacks_beginning(&self, code: &CodeObject) -> bool {
        code.native.get().is_null()
            && !code.is_generator_like()
            && !self.pending.contains(&ENTRY)
            && !self.refused.contains(&ENTRY)
    }

    /// What is known of `entry`.
    pub(crate) fn entry(&mut self, entry: u32) -> &mut EntryData {
        let at = self.entries.iter().position(|e| e.0 == entry).unwrap_or_else(|| {
            self.entries.push((entry, EntryData::default()));
            self.entries.len() - 1
        });
        &mut self.entries[at].1
    }
}

/// What is known of an entry of a code object.
#[derive(Default)]
pub(crate) struct EntryData {
    /// Units made.
    pub(crate) made: u32,
    pub(crate) heat: Heat,
    /// Nanoseconds that compiling it is thought to take, if that was too much.
    cost: Option<u64>,
}

/// Compiled code for one entry of a code object.
pub struct Unit {
    code: &'static CodeObject,
    entry: u32,
    /// Globals of the frames that may enter it.
    globals: &'static Dict,
    /// Null while it is being compiled.
    start: Cell<*const u8>,
    /// 1 while its assumptions hold. Compiled code and the worker read it.
    valid: AtomicU8,
    /// Whether the worker is busy with it.
    pending: Cell<bool>,
    /// What was made of it.
    made: RefCell<Made>,
    entry_kinds: Vec<(u16, Type)>,
    /// What it assumes of registers with which loops begin.
    head_facts: Vec<HeadGuard>,
    /// Exits taken because an assumption did not hold.
    failures: Cell<u32>,
    /// How many are enough to learn from.
    patience: Cell<u32>,
    /// Nanoseconds that compiling it was thought to take, and that building it took.
    cost: Cell<u64>,
    built_in: Cell<u64>,
    /// Resumptions by it that it left to the interpreter.
    left: Cell<u32>,
}

/// Code and what belongs to it.
#[derive(Default)]
struct Made {
    len: usize,
    exits: Vec<Box<Exit>>,
    headers: Headers,
    exceptions: Vec<Arc<ExceptionDesc>>,
    roots: Option<RootVec>,
}

struct Tier {
    /// The compiler of this thread, once it was needed.
    machine: Option<Machine>,
    /// The compiler of another one, if there is a core for it.
    worker: Option<Worker>,
    arena: Arena,
    /// Units that rely on a type, by its address.
    types: HashMap<u64, Vec<*const Unit>>,
    /// Units that rely on the value of a key, by dict and key.
    keys: HashMap<(u64, u64), Vec<*const Unit>>,
    /// Keys whose values have changed under compiled code.
    volatile: HashMap<(u64, u64), u32>,
    /// Units that were not discarded, and those whose memory was not freed yet.
    units: Vec<&'static Unit>,
    /// Units that the worker has been given.
    pending: Vec<&'static Unit>,
    /// Keeps watched objects alive.
    watched: RootVec,
    /// Nanoseconds spent compiling, on the program's threads and by the worker.
    spent: u64,
    spent_behind: u64,
    /// What the worker still has to do is thought to take so long.
    queued: u64,
}

impl Tier {
    /// Nanoseconds of processor time for compiling, what the worker has yet to do included.
    fn spent_in_all(&self) -> u64 {
        self.spent + self.spent_behind + self.queued
    }
}

/// Some unit was discarded whose memory was not freed yet.
static DISCARDED: AtomicBool = AtomicBool::new(false);

struct Global(UnsafeCell<Option<Tier>>);
// SAFETY: TIER-1.
unsafe impl Sync for Global {}
static TIER: Global = Global(UnsafeCell::new(None));

/// Stress mode: the state of the generator that lets guards fail.
static STRESS: Stress = Stress(UnsafeCell::new(1));
struct Stress(UnsafeCell<u64>);
// SAFETY: TIER-1.
unsafe impl Sync for Stress {}

fn tier() -> Option<&'static mut Tier> {
    // SAFETY: TIER-1; no two of these references live at the same time.
    unsafe { (*TIER.0.get()).as_mut() }
}

/// The tier, set up when it is first needed; None if this machine has no JIT.
fn ready() -> Option<&'static mut Tier> {
    if tier().is_none() {
        start();
    }
    tier()
}

fn start() {
    let Some(arena) = Arena::new() else { return };
    let options = crate::options();
    // Where somebody wants to see what is done, it is done in order.
    let in_order = options.mode == Mode::Stress || options.sync || !options.dump.is_empty();
    let in_order = in_order || options.hot_call.is_some() || options.hot_loop.is_some();
    let tier = Tier {
        machine: None,
        worker: if in_order { None } else { Worker::new() },
        arena,
        types: HashMap::new(),
        keys: HashMap::new(),
        volatile: HashMap::new(),
        units: vec![],
        pending: vec![],
        watched: RootVec::new(),
        spent: 0,
        spent_behind: 0,
        queued: 0,
    };
    // SAFETY: TIER-1.
    unsafe { *TIER.0.get() = Some(tier) };
}

/// The JIT's data of a code object.
pub(crate) fn data(code: &CodeObject) -> &'static mut CodeData {
    if code.jit.get().is_null() {
        code.jit.set(Box::into_raw(Box::<CodeData>::default()).cast());
    }
    // SAFETY: only this function sets it; TIER-1.
    unsafe { &mut *code.jit.get().cast::<CodeData>() }
}

/// The profile of a code object that has been looked at.
pub(crate) fn known_profile(code: &CodeObject) -> Option<&'static Profile> {
    // SAFETY: as in data.
    unsafe { code.jit.get().cast::<CodeData>().as_ref() }.map(|d| &d.profile)
}

/// Discards the unit whose flag of validity is at `valid`.
pub fn discard_by_flag(valid: *const u8) {
    let Some(tier) = tier() else { return };
    for unit in tier.units.iter().filter(|u| u.valid.as_ptr().cast_const() == valid) {
        unit.discard();
    }
}

/// Discards all units of a code object.
pub fn discard_all(code: &CodeObject) {
    let Some(tier) = tier() else { return };
    for unit in tier.units.iter().filter(|u| std::ptr::eq(u.code, code)) {
        unit.discard();
    }
}

/// Whether the value of a key has changed under compiled code before.
pub fn is_volatile(dict: &Dict, key: &Str) -> bool {
    tier().is_some_and(|t| t.volatile.contains_key(&(dict as *const _ as u64, key as *const _ as u64)))
}

/// The class with a version, found by a walk over all classes.
pub fn class_with_version(_: &mut Cx, version: u32) -> Option<&'static Class> {
    let mut stack: Vec<&'static Class> = vec![&taipan_runtime::types::object::OBJECT];
    while let Some(class) = stack.pop() {
        if class.version() == version {
            return Some(class);
        }
        if class.is_ready() {
            // SAFETY: the list holds live types; dead ones are removed when they are collected.
            stack.extend(class.data().subclasses.borrow().iter().map(|s| unsafe { &**s }));
        }
    }
    None
}

/// Runs compiled code for the frame on top, compiled now if it must be. See `Hooks::hot`.
///
/// # Safety
/// The frame on top must be at the place that `index` says.
pub unsafe fn hot(cx: &mut Cx, index: u32) -> u64 {
    if cx.traced {
        return NOT_COMPILED;
    }
    attend();
    // SAFETY: FRAME-1.
    unsafe {
        let frame = &mut *cx.frame;
        let code = frame.code;
        if index == ENTRY && frame.flags & flag::ENTRY == 0 && is_leaf(code) {
            decline(cx, code, index, Declined::ForNow);
            return NOT_COMPILED;
        }
        if index == ENTRY && !code.native.get().is_null() && !crate::options().stats {
            // The code itself checks that the globals are those it was made for.
            return run(cx, code.native.get());
        }
        let mut entry = index;
        let globals = frame.globals;
        if index != ENTRY && op_at(code, index as usize).base() == B::JumpBack {
            // Loops are entered at their heads.
            entry = loop_start(code, index);
            frame.pc = code.words_ptr().add(entry as usize);
        }
        let unit = match data(code).units.iter().find(|u| u.0 == entry) {
            Some((_, unit)) => {
                if index != ENTRY {
                    note_entered(cx, code, entry);
                }
                Ok(*unit)
            }
            None if !is_worth_it(cx, code, index, entry) => Err(Declined::ForNow),
            None if index != ENTRY && is_short_loop(cx, code) && data(code).lacks_beginning(code) => {
                code.heat.set(cx.hot_call);
                Err(Declined::ForNow)
            }
            None => compile(cx, code, entry, false),
        };
        let unit = match unit {
            // Another function with the same code has other globals.
            Ok(unit) if std::ptr::eq((*unit).globals, globals) => unit,
            Ok(_) => {
                decline(cx, code, index, Declined::ForNow);
                return NOT_COMPILED;
            }
            Err(why) => {
                decline(cx, code, index, why);
                return NOT_COMPILED;
            }
        };
        if crate::options().stats {
            stats::STATS.with_borrow_mut(|s| *s.entries.entry(dump::name(code, entry)).or_default() += 1);
        }
        run(cx, (*unit).start.get())
    }
}

/// Code is entered at a loop of a function. Where that happens in several calls, code for all of the function is made for the
/// next ones: in it outer loops are as good as those that were found hot.
fn note_entered(cx: &Cx, code: &CodeObject, entry: u32) {
    let data = data(code);
    if !is_eager() && data.lacks_beginning(code) && data.entered.note(code, entry) {
        code.heat.set(cx.hot_call);
    }
}

/// Runs a unit's code on the frame on top.
#[inline(always)]
unsafe fn run(cx: &mut Cx, start: *const u8) -> u64 {
    // SAFETY: a unit that was installed has code; FRAME-1.
    unsafe {
        let run: Compiled = std::mem::transmute(start);
        let regs = (*cx.frame).regs;
        cx.compiled += 1;
        let bits = run(cx, regs, None);
        cx.compiled -= 1;
        bits
    }
}

/// Why there is no code to run.
#[derive(Clone, Copy, PartialEq)]
enum Declined {
    /// It is being compiled.
    Soon,
    /// Perhaps later.
    ForNow,
}

/// Sets the counter back that made the interpreter ask, and the frame to where it was.
unsafe fn decline(cx: &mut Cx, code: &CodeObject, index: u32, why: Declined) {
    let after = |hot: u32| match why {
        Declined::Soon => hot - hot / 16,
        Declined::ForNow => 0,
    };
    if index == ENTRY {
        // Calls with loops are few.
        let next = why == Declined::Soon && data(code).entry(ENTRY).heat.has_loop;
        code.heat.set(if next { cx.hot_call } else { after(cx.hot_call) });
        return;
    }
    // SAFETY: FRAME-1; the word behind a loop's bottom instruction counts in its low half.
    unsafe {
        let word = code.words_ptr().add(index as usize + 1);
        (*cx.frame).pc = word;
        *word.cast_mut().cast::<u32>() = after(cx.hot_loop);
    }
}

/// Resumes the generator frame on top by compiled code, compiled now if it must be. See `Hooks::resume`.
///
/// # Safety
/// The frame on top must be a generator's, just entered with the flag ENTRY.
pub unsafe fn resume(cx: &mut Cx) -> u64 {
    let here = 0u8;
    if cx.traced || (&raw const here as usize) < cx.native_limit {
        return NOT_COMPILED;
    }
    attend();
    // SAFETY: FRAME-1.
    unsafe {
        let frame = &mut *cx.frame;
        let code = frame.code;
        let entry = frame.pc.offset_from(code.words_ptr()) as u32;
        let data = data(code);
        let unit = match data.units.iter().find(|u| u.0 == entry) {
            Some((_, unit)) => *unit,
            None if code.resumed.get() < cx.hot_call => return NOT_COMPILED,
            None if !is_resumed_enough(code, entry) => {
                code.resumed.set(0);
                return NOT_COMPILED;
            }
            None => match compile(cx, code, entry, false) {
                Ok(unit) => {
                    code.resumed.set(0);
                    note_consumer(cx);
                    unit
                }
                Err(why) => {
                    if why == Declined::Soon {
                        note_consumer(cx);
                    }
                    code.resumed.set(if why == Declined::Soon { cx.hot_call - cx.hot_call / 16 } else { 0 });
                    return NOT_COMPILED;
                }
            },
        };
        frame.flags |= flag::NATIVE;
        code.resume_pc.set(frame.pc);
        code.resume_code.set((*unit).start.get());
        run(cx, (*unit).start.get())
    }
}

/// The generator on top is hot, and may be gone through by a built-in function that interpreted code has called: then the
/// work is done for that code, which is compiled when it is called again (the builder has such generators in place).
fn note_consumer(cx: &mut Cx) {
    // SAFETY: FRAME-1; the frames below live.
    let Some(caller) = (unsafe { (*cx.frame).prev.as_ref() }) else { return };
    let next = caller.word_index() + 1;
    // Behind the instruction's word may be words of its cache.
    let calls = (1..=next.min(4)).any(|back| {
        let op = op_at(caller.code, next - back);
        matches!(op.base(), B::Call | B::CallMethod) && (back == 1 || op.words() == back)
    });
    if calls && caller.flags & flag::NATIVE == 0 && !caller.code.is_generator_like() {
        caller.code.heat.set(cx.hot_call);
        let ticks = &mut data(caller.code).entry(ENTRY).heat.ticks;
        *ticks = (*ticks).max(ENOUGH_TICKS);
    }
}

fn refuse(data: &mut CodeData, entry: u32, why: &'static str) {
    data.refused.push(entry);
    stats::STATS.with_borrow_mut(|s| *s.refused.entry(why).or_default() += 1);
}

/// Looks after what has happened since the last time: code that the worker has made is put in its place, that of discarded
/// units is freed.
#[inline(always)]
fn attend() {
    if worker::has_news() || DISCARDED.load(Ordering::Relaxed) {
        attend_now();
    }
}

#[cold]
#[inline(never)]
fn attend_now() {
    let Some(tier) = tier() else { return };
    if worker::has_news() {
        take_news(tier);
    }
    if DISCARDED.load(Ordering::Relaxed) && !threads::run_compiled() {
        DISCARDED.store(false, Ordering::Relaxed);
        let (keep, gone) = std::mem::take(&mut tier.units).into_iter().partition(|u| u.is_valid() || u.pending.get());
        tier.units = keep;
        for unit in gone {
            let made = unit.made.take();
            let start = unit.start.replace(std::ptr::null());
            if !start.is_null() {
                tier.arena.free(start, made.len);
            }
        }
    }
}

fn take_news(tier: &mut Tier) {
    let Some(worker) = &mut tier.worker else { return };
    if worker.forked() {
        tier.queued = 0;
        for unit in std::mem::take(&mut tier.pending) {
            unit.arrived();
            unit.forgive();
            unit.discard();
        }
        DISCARDED.store(true, Ordering::Relaxed);
        return;
    }
    for Done { ticket, result, spent } in worker.take() {
        tier.spent_behind += spent;
        let Some(i) = tier.pending.iter().position(|u| std::ptr::from_ref(*u) as usize == ticket) else { continue };
        let unit = tier.pending.remove(i);
        unit.arrived();
        tier.queued -= unit.cost.get();
        if data(unit.code).units.iter().any(|u| u.0 == unit.entry) {
            // The program has asked for it in the meantime.
            unit.discard();
        } else if !unit.is_valid() {
            DISCARDED.store(true, Ordering::Relaxed);
        } else if let Err(why) = install(tier, unit, result, spent) {
            give_up(unit.code, unit.entry, why);
            unit.discard();
        }
    }
}

/// A watched type lost its version.
pub fn type_changed(_: &mut Cx, class: &Class) {
    let Some(tier) = tier() else { return };
    for unit in tier.types.remove(&(class as *const _ as u64)).unwrap_or_default() {
        // SAFETY: TIER-2.
        unsafe { (*unit).discard() };
    }
}

/// Somebody wants to see events: compiled code, which reports none, is left at the next chance.
pub fn tracing_began(_: &mut Cx) {
    let Some(tier) = tier() else { return };
    for unit in tier.units.iter().filter(|u| u.is_valid()) {
        // This was no failure of the code.
        unit.forgive();
        unit.discard();
    }
}

/// Somebody wrote a register of a running frame: compiled code holds another value, so it is left at the next chance.
pub fn frame_written(_: &mut Cx, code: &CodeObject) {
    if !code.jit.get().is_null() {
        discard_all(code);
    }
}

/// The value of a key in a watched dict is about to change.
pub fn dict_changed(_: &mut Cx, dict: &Dict, key: u64) {
    let Some(tier) = tier() else { return };
    let address = dict as *const _ as u64;
    let keys: Vec<(u64, u64)> =
        if key == 0 { tier.keys.keys().filter(|k| k.0 == address).copied().collect() } else { vec![(address, key)] };
    for key in keys {
        let Some(units) = tier.keys.remove(&key) else { continue };
        *tier.volatile.entry(key).or_default() += 1;
        for unit in units {
            // SAFETY: TIER-2.
            unsafe { (*unit).discard() };
        }
    }
}
