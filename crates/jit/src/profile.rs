//! What running code has taught about it: why compiled code leaves, and what objects are met where.

use rustc_hash::FxHashMap;
use taipan_runtime::Value;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::machine_items::{self, MachineItems};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Object};

use crate::build::cfg::op_at;
use crate::exits::Reason;
use crate::tier::{self, data};

/// How what a loop begins with differs from the number of one type that was assumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variance {
    /// It is out of an interval.
    Range,
    /// The variable is unbound.
    Unbound,
    /// It is something else.
    Kind,
}

/// What exits have taught about a code object.
#[derive(Default, Debug)]
pub struct Profile {
    /// Bits of reasons by word index.
    failures: FxHashMap<u32, u32>,
    /// Registers whose kind varies on entry, by word index.
    varying: Vec<(u32, u16)>,
    /// Registers with which loops do not always begin as was assumed, by word index.
    heads: Vec<(u32, u16, Variance)>,
    /// Classes and shapes of receivers by word index, with how often one was noted.
    receivers: FxHashMap<u32, (u32, Vec<(u64, u64)>)>,
    /// Functions called, by word index.
    callees: FxHashMap<u32, Callees>,
}

/// Receivers noted before code is compiled anew with them.
const RECEIVERS_TO_LEARN: u32 = 100;
/// Receivers noted that are enough to go by if code is compiled anew for another reason.
const RECEIVERS_TO_USE: u32 = 20;
/// More kinds than this are too many for tests in a row.
const MAX_RECEIVERS: usize = 6;

/// Behind so many places within so many words at which objects were not plain, none are taken to be.
const PLAIN_FAILURES: usize = 2;
const PLAIN_WORDS: u32 = 48;

impl Profile {
    /// Whether a register holds values of several kinds when the code is entered at `pc`.
    pub fn entry_varies(&self, pc: u32, r: u16) -> bool {
        self.varying.contains(&(pc, r))
    }

    /// Whether the loop at `pc` is known to begin with values in a register that differ so from what was assumed.
    pub fn head_varies(&self, pc: u32, r: u16, how: Variance) -> bool {
        self.heads.contains(&(pc, r, how))
    }

    /// Whether that is known of any register of the loop.
    pub fn any_head_varies(&self, pc: u32) -> bool {
        self.heads.iter().any(|h| h.0 == pc)
    }

    /// Notes what [`Profile::head_varies`] says.
    pub fn vary_at_head(&mut self, pc: u32, r: u16, how: Variance) {
        if !self.heads.contains(&(pc, r, how)) {
            self.heads.push((pc, r, how));
        }
    }

    /// The (class, shape) pairs noted at an instruction, unless they are too many.
    pub fn receivers(&self, pc: u32) -> Option<&[(u64, u64)]> {
        let (n, list) = self.receivers.get(&pc)?;
        (*n >= RECEIVERS_TO_USE && list.len() <= MAX_RECEIVERS).then_some(list)
    }

    /// The tag of all lists noted in this code, if there are some and they are of one kind.
    pub fn tag_of_lists(&self) -> Option<u64> {
        let class = std::ptr::from_ref(List::class()) as u64;
        let mut tags = self.receivers.values().flat_map(|(_, list)| list).filter(|r| r.0 == class).map(|r| r.1);
        let first = tags.next()?;
        tags.all(|tag| tag == first).then_some(first)
    }

    /// Notes that exits for `reason` at `pc` are taken often.
    pub fn fail(&mut self, pc: u32, reason: Reason) {
        *self.failures.entry(pc).or_default() |= reason.bit();
    }

    /// Notes that a register holds values of several kinds when the code is entered at `pc`.
    pub fn vary(&mut self, pc: u32, r: u16) {
        if !self.varying.contains(&(pc, r)) {
            self.varying.push((pc, r));
        }
    }

    /// Whether instructions of the code were seen to raise what compiled code may catch.
    pub fn raises(&self) -> bool {
        self.failures.values().any(|bits| bits & Reason::Raised.bit() != 0)
    }

    /// Whether exits for `reason` at `pc` taught that the assumption fails.
    pub fn failed(&self, pc: u32, reason: Reason) -> bool {
        let fails = |bits: &u32| bits & reason.bit() != 0;
        // What follows a place that leaves does not run in compiled code, so places would be found one at a time.
        let is_near = |at: u32| at < pc && pc - at <= PLAIN_WORDS;
        let elsewhere = || self.failures.iter().filter(|f| is_near(*f.0) && fails(f.1)).count() >= PLAIN_FAILURES;
        self.failures.get(&pc).is_some_and(fails) || reason == Reason::Plain && elsewhere()
    }
}

/// Notes the receiver of an instruction at which compiled code left.
pub fn note_exit(code: &CodeObject, pc: u32, v: Value) {
    let (n, list) = data(code).profile.receivers.entry(pc).or_default();
    *n += 1;
    add_receiver(list, kind_of(v));
}

/// Notes that the inlined call behind which `code` goes on at `pc` had its frame object asked for.
pub fn note_seen(code: &CodeObject, pc: u32) {
    data(code).profile.fail(pc, Reason::Seen);
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

/// Bit of a word index: the right operand is meant.
pub const RIGHT: u32 = 1 << 31;

/// Notes an operand that the interpreter met. See `Hooks::operand`.
pub fn note_operand(code: &CodeObject, pc: u32, v: Value, right: bool) {
    let key = if right { pc | RIGHT } else { pc };
    let (n, list) = data(code).profile.receivers.entry(key).or_default();
    *n = (*n).max(RECEIVERS_TO_USE);
    add_receiver(list, kind_of(v));
}

/// More functions with different code are too many for tests in a row.
const MAX_CALLEES: usize = 4;

/// Functions noted at a call: how often one was, and one of each code.
#[derive(Default, Debug)]
struct Callees {
    noted: u32,
    list: Vec<Callee>,
}

/// A function without its closure: addresses of what it is made of, any of which may be dead by now.
#[derive(Debug)]
struct Callee {
    code: u64,
    globals: u64,
    defaults: u64,
    kwdefaults: u64,
}

impl Callee {
    fn of(f: &'static Function) -> Callee {
        Callee {
            code: std::ptr::from_ref(f.code.get()) as u64,
            globals: std::ptr::from_ref(f.globals) as u64,
            defaults: f.defaults.get().map_or(0, |d| std::ptr::from_ref(d) as u64),
            kwdefaults: f.kwdefaults.get().map_or(0, |d| std::ptr::from_ref(d) as u64),
        }
    }

    /// A function that has all this and no closure; None if something is dead. May collect.
    fn stand_in(&self, cx: &mut Cx) -> Option<&'static Function> {
        let code = live::<CodeObject>(cx, self.code)?;
        let globals = live::<Dict>(cx, self.globals)?;
        let defaults = if self.defaults == 0 { None } else { Some(live::<Tuple>(cx, self.defaults)?) };
        let kwdefaults = if self.kwdefaults == 0 { None } else { Some(live::<Dict>(cx, self.kwdefaults)?) };
        let f = Function::new(cx, code, globals);
        f.defaults.set(defaults);
        f.kwdefaults.set(kwdefaults);
        cx.barrier(f);
        Some(f)
    }
}

/// The object of exactly this type at an address, if there is one.
pub fn live<T: Object>(cx: &mut Cx, address: u64) -> Option<&'static T> {
    let found = cx.heap().find_object(address as usize)?;
    if found as u64 != address {
        return None;
    }
    Value::from_address(address as usize).exact::<T>()
}

impl Callees {
    fn add(&mut self, f: &'static Function) {
        let seen = Callee::of(f);
        if let Some(known) = self.list.iter_mut().find(|c| c.code == seen.code) {
            *known = seen;
        } else if self.list.len() <= MAX_CALLEES {
            self.list.push(seen);
        }
    }
}

/// Notes a function that code is compiled for, or at whose call compiled code left.
pub fn note_assumed_callee(code: &CodeObject, pc: u32, f: &'static Function) {
    data(code).profile.callees.entry(pc).or_default().add(f);
}

/// Notes the function that a call is about. Once enough were seen and they are few, the code is compiled anew.
pub fn note_callee(code: &'static CodeObject, pc: u32, f: &'static Function) {
    let callees = data(code).profile.callees.entry(pc).or_default();
    if callees.noted >= RECEIVERS_TO_LEARN {
        return;
    }
    callees.noted += 1;
    callees.add(f);
    if callees.noted == RECEIVERS_TO_LEARN && (2..=MAX_CALLEES).contains(&callees.list.len()) {
        tier::discard_all(code);
    }
}

/// Functions like those noted at a call, one for each code, which `roots` keeps alive; none if they are too many or of one
/// code. May collect.
pub fn noted_callees(cx: &mut Cx, roots: &mut RootVec, code: &CodeObject, pc: u32) -> Vec<&'static Function> {
    let Some(callees) = profile(code).and_then(|p| p.callees.get(&pc)) else { return vec![] };
    if !(2..=MAX_CALLEES).contains(&callees.list.len()) {
        return vec![];
    }
    let stand_ins = callees.list.iter().filter_map(|c| {
        let f = c.stand_in(cx)?;
        roots.push(Value::of(f));
        Some(f)
    });
    stand_ins.collect()
}

/// Whether enough is known about the functions that a call is about.
pub fn knows_callees(code: &CodeObject, pc: u32) -> bool {
    profile(code).and_then(|p| p.callees.get(&pc)).is_some_and(|c| c.noted >= RECEIVERS_TO_LEARN)
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
        tier::discard_all(code);
    }
}

/// What exits have taught about `code`.
pub fn profile(code: &CodeObject) -> Option<&'static Profile> {
    tier::known_profile(code)
}
