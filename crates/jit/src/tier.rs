//! Which code is compiled when, which compiled code runs, what happens when it keeps leaving or what it relies on changes.
//!
//! Invariants:
//! - TIER-1: everything here is used with the GIL held, from one runtime.
//! - TIER-2: a [`Unit`] and its exits are never freed; frames may return to its code.
//! - TIER-3: objects that code names are kept alive by the unit's roots.

use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::time::Instant;

use taipan_bytecode::{Op as B, effects};
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::flag;
use taipan_runtime::heap::RootVec;
use taipan_runtime::hooks::{ENTRY, NOT_COMPILED};
use taipan_runtime::machine_items::{self, MachineItems};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Value};

use crate::build::cfg::{op_at, word_at};
use crate::build::{self, Refusal};
use crate::code::Arena;
use crate::exits::{Exit, FrameTemplate, Reason};
use crate::ir::{Func, Type};
use crate::lower::{Machine, Process};
use crate::{Mode, dump, explicit, passes, stats};

/// Exits of a unit that make the code be compiled anew, at least; more if compiling it took long.
const EXITS_TO_LEARN: u32 = 40;
/// Compiling code anew pays after so many nanoseconds of it for each exit.
const NANOSECONDS_PER_EXIT: u64 = 4000;
/// Nanoseconds that may be spent compiling at once.
const BUDGET_AT_START: u64 = 10_000_000;
/// Of the time that has passed, one part in so many may be spent compiling besides.
const BUDGET_PART: u64 = 4;
/// At most so many exits are taken before code is compiled anew.
const MOST_EXITS: u64 = 4000;
/// Units made for one entry before it is left alone.
const MAX_UNITS: u32 = 12;
/// Attempts to build a function.
const MAX_ATTEMPTS: u32 = 60;

/// What exits have taught about a code object.
#[derive(Default, Debug)]
pub struct Profile {
    /// Bits of reasons by word index.
    failures: HashMap<u32, u32>,
    /// Registers whose kind varies on entry, by word index.
    varying: Vec<(u32, u16)>,
    /// Classes and shapes of receivers by word index, with how often one was noted.
    receivers: HashMap<u32, (u32, Vec<(u64, u64)>)>,
}

/// Receivers noted before code is compiled anew with them.
const RECEIVERS_TO_LEARN: u32 = 100;
/// Receivers noted that are enough to go by if code is compiled anew for another reason.
const RECEIVERS_TO_USE: u32 = 20;
/// More kinds than this are too many for tests in a row.
const MAX_RECEIVERS: usize = 6;

impl Profile {
    /// Whether a register holds values of several kinds when the code is entered at `pc`.
    pub fn entry_varies(&self, pc: u32, r: u16) -> bool {
        self.varying.contains(&(pc, r))
    }

    /// The (class, shape) pairs noted at an instruction, unless they are too many.
    pub fn receivers(&self, pc: u32) -> Option<&[(u64, u64)]> {
        let (n, list) = self.receivers.get(&pc)?;
        (*n >= RECEIVERS_TO_USE && list.len() <= MAX_RECEIVERS).then_some(list)
    }

    /// Whether handlers of the code were seen to catch exceptions.
    pub fn catches(&self) -> bool {
        self.failures.values().any(|bits| bits & Reason::Raised.bit() != 0)
    }

    /// Whether exits for `reason` at `pc` taught that the assumption fails.
    pub fn failed(&self, pc: u32, reason: Reason) -> bool {
        self.failures.get(&pc).is_some_and(|bits| bits & reason.bit() != 0)
    }
}

/// The JIT's data of a code object.
#[derive(Default)]
struct CodeData {
    profile: Profile,
    /// Valid units by entry.
    units: Vec<(u32, *const Unit)>,
    /// Units made, by entry.
    made: HashMap<u32, u32>,
    /// Entries that are not to be compiled.
    refused: Vec<u32>,
}

/// Compiled code for one entry of a code object.
pub struct Unit {
    code: &'static CodeObject,
    entry: u32,
    /// Globals of the frames that may enter it.
    globals: &'static Dict,
    start: *const u8,
    /// 1 while its assumptions hold.
    valid: Cell<u8>,
    exits: Vec<Box<Exit>>,
    templates: Vec<Box<[FrameTemplate]>>,
    entry_kinds: Vec<(u16, Type)>,
    /// Exits taken because an assumption did not hold.
    failures: Cell<u32>,
    /// How many are enough to learn from.
    patience: Cell<u32>,
    /// Resumptions by it, and how many of them it left to the interpreter.
    resumed: Cell<u32>,
    left: Cell<u32>,
    _roots: RootVec,
}

struct Tier {
    machine: Machine,
    arena: Arena,
    /// Units that rely on a type, by its address.
    types: HashMap<u64, Vec<*const Unit>>,
    /// Units that rely on the value of a key, by dict and key.
    keys: HashMap<(u64, u64), Vec<*const Unit>>,
    /// Keys whose values have changed under compiled code.
    volatile: HashMap<(u64, u64), u32>,
    /// Units that were not discarded.
    units: Vec<*const Unit>,
    /// Keeps watched objects alive.
    watched: RootVec,
    /// Nanoseconds spent compiling.
    spent: u64,
}

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

/// Notes when the program begins to run.
pub fn begin() {
    let _ = BEGAN.get_or_init(Instant::now);
}

static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

fn start() {
    let (Some(machine), Some(arena)) = (Machine::host(), Arena::new()) else { return };
    let tier = Tier {
        machine,
        arena,
        types: HashMap::new(),
        keys: HashMap::new(),
        volatile: HashMap::new(),
        units: vec![],
        watched: RootVec::new(),
        spent: 0,
    };
    // SAFETY: TIER-1.
    unsafe { *TIER.0.get() = Some(tier) };
}

fn data(code: &CodeObject) -> &'static mut CodeData {
    if code.jit.get().is_null() {
        code.jit.set(Box::into_raw(Box::<CodeData>::default()).cast());
    }
    // SAFETY: only this function sets it; TIER-1.
    unsafe { &mut *code.jit.get().cast::<CodeData>() }
}

/// Notes the receiver of an instruction at which compiled code left.
pub fn note_exit(code: &CodeObject, pc: u32, v: Value) {
    let (n, list) = data(code).profile.receivers.entry(pc).or_default();
    *n += 1;
    add_receiver(list, kind_of(v));
}

/// Notes that the inlined call behind which `code` goes on at `pc` had its frame object asked for.
pub fn note_seen(code: &CodeObject, pc: u32) {
    *data(code).profile.failures.entry(pc).or_default() |= Reason::Seen.bit();
}

/// Discards the unit whose flag of validity is at `valid`.
pub fn discard_by_flag(valid: *const u8) {
    let Some(tier) = tier() else { return };
    // SAFETY: TIER-2.
    for unit in tier.units.iter().map(|u| unsafe { &**u }).filter(|u| u.valid.as_ptr().cast_const() == valid) {
        unit.discard();
    }
}

/// Notes that code is compiled for a receiver of this class and shape (0: none).
pub fn note_assumed(code: &CodeObject, pc: u32, class: u64, shape: u64) {
    add_receiver(&mut data(code).profile.receivers.entry(pc).or_default().1, (class, shape));
}

fn kind_of(v: Value) -> (u64, u64) {
    let shape = match taipan_runtime::shape::Attrs::of(v) {
        Some(attrs) => attrs.shape() as *const _ as u64,
        None => machine_items::tag_of(v),
    };
    (v.class() as *const Class as u64, shape)
}

/// Where the machine numbers are in all objects noted at an instruction, if they are of one kind.
pub fn noted_items(code: &CodeObject, pc: u32) -> Option<MachineItems> {
    let [(class, tag)] = *profile(code)?.receivers(pc)? else { return None };
    machine_items::items_with(class, tag)
}

fn add_receiver(list: &mut Vec<(u64, u64)>, seen: (u64, u64)) {
    if list.len() <= MAX_RECEIVERS && !list.contains(&seen) {
        list.push(seen);
    }
}

/// Notes the receiver of an attribute instruction that compiled code leaves to the runtime. Once enough were seen and they
/// are of few classes, the code is compiled anew.
pub fn note_receiver(code: &'static CodeObject, pc: u32, v: Value) {
    let data = data(code);
    let (n, list) = data.profile.receivers.entry(pc).or_default();
    if *n >= RECEIVERS_TO_LEARN {
        return;
    }
    *n += 1;
    add_receiver(list, kind_of(v));
    // What the interpreter caches for one class there is nothing more to learn about.
    let least = if op_at(code, pc as usize).info().base.is_some() { 2 } else { 1 };
    if *n == RECEIVERS_TO_LEARN && (least..=MAX_RECEIVERS).contains(&list.len()) {
        for (_, unit) in data.units.clone() {
            // SAFETY: TIER-2.
            unsafe { (*unit).discard() };
        }
    }
}

/// What exits have taught about `code`.
pub fn profile(code: &CodeObject) -> Option<&'static Profile> {
    // SAFETY: as in data.
    unsafe { code.jit.get().cast::<CodeData>().as_ref() }.map(|d| &d.profile)
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
    // SAFETY: FRAME-1.
    unsafe {
        let frame = &mut *cx.frame;
        let code = frame.code;
        let mut entry = index;
        let globals = frame.globals;
        if index != ENTRY && op_at(code, index as usize).base() == B::JumpBack {
            // Loops are entered at their heads.
            let word = word_at(code, index as usize);
            let jump = effects::jump(B::JumpBack, word).unwrap_or(0);
            entry = (index as i64 + B::JumpBack.words() as i64 + jump as i64) as u32;
            frame.pc = code.words_ptr().add(entry as usize);
        }
        let data = data(code);
        let unit = match data.units.iter().find(|u| u.0 == entry) {
            Some((_, unit)) => *unit,
            None => match compile(cx, code, entry) {
                Some(unit) => unit,
                None => {
                    if entry != index {
                        frame.pc = code.words_ptr().add(index as usize + 1);
                    }
                    if index == ENTRY {
                        code.heat.set(0);
                    }
                    return NOT_COMPILED;
                }
            },
        };
        if !std::ptr::eq((*unit).globals, globals) {
            // Another function with the same code.
            if entry != index {
                frame.pc = code.words_ptr().add(index as usize + 1);
            }
            return NOT_COMPILED;
        }
        if crate::options().stats {
            stats::STATS.with_borrow_mut(|s| *s.entries.entry(dump::name(code, entry)).or_default() += 1);
        }
        let run: unsafe extern "C" fn(*mut Cx, *mut u64) -> u64 = std::mem::transmute((*unit).start);
        let regs = (*cx.frame).regs;
        cx.compiled += 1;
        let bits = run(cx, regs);
        cx.compiled -= 1;
        bits
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
    // SAFETY: FRAME-1.
    unsafe {
        let frame = &mut *cx.frame;
        let code = frame.code;
        let entry = frame.pc.offset_from(code.words_ptr()) as u32;
        let data = data(code);
        let unit = match data.units.iter().find(|u| u.0 == entry) {
            Some((_, unit)) => *unit,
            None if code.resumed.get() < cx.hot_call => return NOT_COMPILED,
            None => {
                code.resumed.set(0);
                match compile(cx, code, entry) {
                    Some(unit) => unit,
                    None => return NOT_COMPILED,
                }
            }
        };
        frame.flags |= flag::NATIVE;
        (*unit).resumed.set((*unit).resumed.get().wrapping_add(1));
        let run: unsafe extern "C" fn(*mut Cx, *mut u64) -> u64 = std::mem::transmute((*unit).start);
        let regs = frame.regs;
        cx.compiled += 1;
        let bits = run(cx, regs);
        cx.compiled -= 1;
        bits
    }
}

/// Whether more may be compiled now: time spent compiling stays a small part of the time spent running, so that a short
/// program is not slowed down. What is hot comes back.
fn within_budget() -> bool {
    if crate::options().mode == Mode::Stress || crate::options().hot_call.is_some() || explicit::is_wanted_now() {
        return true;
    }
    ready().is_some_and(|t| {
        t.spent < BUDGET_AT_START + BEGAN.get_or_init(Instant::now).elapsed().as_nanos() as u64 / BUDGET_PART
    })
}

fn refuse(data: &mut CodeData, entry: u32, why: &'static str) {
    data.refused.push(entry);
    stats::STATS.with_borrow_mut(|s| *s.refused.entry(why).or_default() += 1);
}

fn compile(cx: &mut Cx, code: &'static CodeObject, entry: u32) -> Option<*const Unit> {
    let data = data(code);
    if data.refused.contains(&entry) {
        return None;
    }
    // Calling it makes a generator; that is resumed at other places.
    if code.is_generator_like() && entry == ENTRY {
        refuse(data, entry, "generator");
        return None;
    }
    // The interpreter goes through a chain of delegating generators without native recursion.
    if entry != ENTRY && entry > 0 && op_at(code, entry as usize - 1) == B::YieldDelegate {
        refuse(data, entry, "delegating generator");
        return None;
    }
    if !within_budget() {
        return None;
    }
    let made = data.made.entry(entry).or_default();
    *made += 1;
    if *made > MAX_UNITS {
        refuse(data, entry, "left too often");
        return None;
    }
    let began = Instant::now();
    let result = build_unit(cx, code, entry);
    let spent = began.elapsed().as_nanos() as u64;
    stats::STATS.with_borrow_mut(|s| s.compile_ns += spent);
    if let Some(tier) = tier() {
        tier.spent += spent;
    }
    match result {
        Ok(unit) => {
            // What was compiled on request has seldom run before, so there is much to learn.
            let least = if explicit::is_wanted_now() { EXITS_TO_LEARN / 4 } else { EXITS_TO_LEARN };
            let patience = (spent / NANOSECONDS_PER_EXIT).clamp(least as u64, MOST_EXITS);
            // SAFETY: the unit was just made.
            unsafe { (*unit).patience.set(patience as u32) };
            data.units.push((entry, unit));
            if code.is_generator_like() {
                code.has_resumes.set(true);
            }
            if entry == ENTRY {
                // SAFETY: the unit was just made.
                code.native.set(unsafe { (*unit).start });
            }
            Some(unit)
        }
        Err(why) => {
            if crate::options().verbose {
                eprintln!("jit: {} not compiled: {why}", dump::name(code, entry));
            }
            refuse(data, entry, why);
            None
        }
    }
}

/// Compiles `code`, whose frame on top has just been entered, unless that has been done; false if there is no code.
pub(crate) fn compile_entry(cx: &mut Cx, code: &'static CodeObject) -> bool {
    data(code).units.iter().any(|u| u.0 == ENTRY) || compile(cx, code, ENTRY).is_some()
}

/// Throws the units of `code` away.
pub(crate) fn discard_all(code: &'static CodeObject) {
    if code.jit.get().is_null() {
        return;
    }
    for (_, unit) in data(code).units.clone() {
        // SAFETY: TIER-2.
        unsafe { (*unit).discard() };
    }
    data(code).made.clear();
}

/// Machine code for texts only: nothing ever runs it.
pub(crate) fn lower_for_texts(cx: &mut Cx, func: &Func) -> Result<crate::lower::Lowered, &'static str> {
    let process = process(cx, 0);
    let tier = ready().ok_or("no machine")?;
    tier.machine.lower(func, &process, true).map_err(|_| "not lowered")
}

/// Builds the IR of what the frame on top is about to run.
pub(crate) fn build_entry(
    cx: &mut Cx,
    code: &'static CodeObject,
    entry: u32,
) -> Result<build::entry::Product, &'static str> {
    let mut sticky = build::Sticky::default();
    let product = loop {
        match build::entry::build(cx, code, entry, &mut sticky) {
            Ok(product) => break product,
            Err(Refusal::Restart) => {
                sticky.attempts += 1;
                if sticky.attempts > MAX_ATTEMPTS {
                    return Err("too many attempts");
                }
            }
            Err(Refusal::Never(why)) => return Err(why),
        }
    };
    stats::STATS.with_borrow_mut(|s| s.attempts += sticky.attempts as u64 + 1);
    Ok(product)
}

/// Facts about the process for code whose flag of validity is at `valid`.
fn process(cx: &mut Cx, valid: u64) -> Process {
    Process {
        heap: cx.heap as u64,
        reservation: cx.heap().reservation(),
        interrupt: cx.interrupt.as_ptr() as u64,
        valid,
        recursion_limit: cx.rt().recursion_limit.as_ptr() as u64,
        stress: (crate::options().mode == Mode::Stress).then_some(STRESS.0.get() as u64),
    }
}

fn build_unit(cx: &mut Cx, code: &'static CodeObject, entry: u32) -> Result<*const Unit, &'static str> {
    let product = build_entry(cx, code, entry)?;
    let mut func = product.func;
    let name = dump::name(code, entry);
    func.name = name.clone();
    dump::ir("ir", &name, &func);
    passes::run(&mut func)?;
    dump::ir("ir-opt", &name, &func);
    let tier = ready().ok_or("no machine")?;
    let mut roots = RootVec::new();
    roots.extend_from_slice(&product.roots);
    roots.push(Value::of(code));
    let unit = Box::leak(Box::new(Unit {
        code,
        entry,
        // SAFETY: FRAME-1.
        globals: unsafe { (*cx.frame).globals },
        start: std::ptr::null(),
        valid: Cell::new(1),
        exits: vec![],
        templates: vec![],
        entry_kinds: product.entry_kinds,
        failures: Cell::new(0),
        patience: Cell::new(EXITS_TO_LEARN),
        resumed: Cell::new(0),
        left: Cell::new(0),
        _roots: roots,
    }));
    let process = process(cx, unit.valid.as_ptr() as u64);
    let began = Instant::now();
    let lowered = match tier.machine.lower(&func, &process, dump::wants_code(&name)) {
        Ok(lowered) => lowered,
        Err(why) => {
            if crate::options().verbose {
                eprintln!("jit: {name}: {why}");
            }
            return Err("not lowered");
        }
    };
    stats::STATS.with_borrow_mut(|s| s.lower_ns += began.elapsed().as_nanos() as u64);
    dump::code(&name, &lowered);
    unit.start = tier.arena.add(&lowered.bytes).ok_or("code memory is full")?;
    unit.exits = lowered.exits;
    unit.templates = lowered.templates;
    for exit in &unit.exits {
        exit.unit.set(unit);
    }
    dump::perf_map(&name, unit.start, lowered.bytes.len());
    tier.units.push(unit);
    for class in product.watched_types {
        class.watch();
        tier.watched.push(Value::of(class));
        tier.types.entry(class as *const _ as u64).or_default().push(unit);
    }
    for (dict, key) in product.watched_keys {
        dict.watch();
        tier.watched.push(Value::of(dict));
        tier.keys.entry((dict as *const _ as u64, key as *const _ as u64)).or_default().push(unit);
    }
    stats::STATS.with_borrow_mut(|s| {
        s.compiled += 1;
        s.code_bytes += lowered.bytes.len() as u64;
    });
    Ok(unit)
}

impl Unit {
    /// After an exit: notes what it teaches. Once there were enough of them the code is compiled anew without all the
    /// assumptions that keep failing.
    pub fn learn(&self, cx: &mut Cx, exit: &Exit) {
        if exit.reason == Reason::Entry {
            self.note_entry(cx, exit);
        }
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if !failures.is_multiple_of(self.patience.get()) {
            return;
        }
        for exit in &self.exits {
            let often = exit.count.get() >= (failures / 32).max(4);
            let taught = match exit.reason {
                Reason::Raised => exit.catcher(),
                reason if reason.teaches() => exit.frames.last().map(|f| (f.code, f.pc)),
                _ => None,
            };
            if let Some((code, pc)) = taught.filter(|_| often) {
                *data(code).profile.failures.entry(pc).or_default() |= exit.reason.bit();
            }
        }
        self.discard();
    }

    /// Notes that a resumption was left to the interpreter. Code that mostly does so is of no use.
    pub fn note_left(&self) {
        self.left.set(self.left.get() + 1);
        if self.left.get() >= 64 && self.left.get() > self.resumed.get() / 4 {
            self.discard();
            refuse(data(self.code), self.entry, "left to the interpreter");
        }
    }

    /// Notes which registers were not of the kinds that the code expects on entry.
    fn note_entry(&self, cx: &mut Cx, exit: &Exit) {
        let Some(frame) = exit.frames.last() else { return };
        let known = data(frame.code);
        // SAFETY: FRAME-1; an exit on entry leaves the registers as they are.
        let regs = unsafe { (*cx.frame).regs };
        for (r, ty) in &self.entry_kinds {
            // SAFETY: a register of the code.
            let now = unsafe { Value::from_bits(*regs.add(*r as usize)) };
            let same = now.is_some_and(|v| match ty {
                Type::Int => v.is_small(),
                _ => std::ptr::eq(v.class(), &taipan_runtime::types::float::FLOAT),
            });
            if !same && !known.profile.varying.contains(&(frame.pc, *r)) {
                known.profile.varying.push((frame.pc, *r));
            }
        }
    }

    /// Lets nobody enter the unit any more.
    fn discard(&self) {
        if self.valid.replace(0) == 0 {
            return;
        }
        stats::STATS.with_borrow_mut(|s| s.invalidated += 1);
        data(self.code).units.retain(|u| !std::ptr::eq(u.1, self));
        if data(self.code).units.is_empty() {
            self.code.has_resumes.set(false);
        }
        if self.entry == ENTRY {
            self.code.native.set(std::ptr::null());
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
    for unit in std::mem::take(&mut tier.units) {
        // SAFETY: TIER-2.
        let unit = unsafe { &*unit };
        // This was no failure of the code.
        if let Some(made) = data(unit.code).made.get_mut(&unit.entry) {
            *made = made.saturating_sub(1);
        }
        unit.discard();
    }
}

/// Somebody wrote a register of a running frame: compiled code holds another value, so it is left at the next chance.
pub fn frame_written(_: &mut Cx, code: &CodeObject) {
    if code.jit.get().is_null() {
        return;
    }
    for (_, unit) in data(code).units.clone() {
        // SAFETY: TIER-2.
        unsafe { (*unit).discard() };
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
