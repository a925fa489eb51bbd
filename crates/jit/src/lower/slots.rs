//! Block parameters that only exits name live on the native stack: old values of variables, for the most part, that the
//! program will not read again. In machine registers each would take one, or the register allocator, which gives all
//! parameters that pass values to one another one place, would put the variables of an inner loop there where the calls of
//! the outer one force the old values to be: in memory.
//!
//! Parameters that pass values to one another and that exits write to the same register of a frame share a slot, if at each
//! exit the slot holds the one that the exit names.
//!
//! Boxes that are only passed to such parameters are not made: the parameter is two words then, what kind of value it is and
//! the value as it is, and exits make the box. Exits compute sums and the like that nothing else needs.
//!
//! Other values that only exits need behind a call, or that in a loop which they are not defined in only exits and blocks that are seldom reached
//! need, are stored where they are defined, and all exits and such blocks take them from there. Where an inner loop has no register to spare, all
//! blocks do so with values that pass by it: the register allocator would rather move values of the loop to and fro.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::ir::{self as clif, InstBuilder, types};

use super::{Lowering, flags, machine_type};
use crate::exits::Mixed;
use crate::ir::{BlockId, Edge, Func, Op, StateId, Type, Val};
use crate::passes::licm::Loop;

/// Where such parameters are: words of the native frame, by parameter.
#[derive(Default)]
pub(super) struct Slots {
    /// Word, by parameter.
    of: HashMap<Val, u32>,
    /// Those that have two words: a kind and a value.
    mixed: HashSet<Val>,
    /// Boxes that are not made.
    unmade: HashSet<Val>,
    /// What exits compute.
    late: HashSet<Val>,
    /// Ints that are made in front of the loops that use them.
    pub(super) deeper: HashSet<Val>,
    /// Sums from which what was added is taken off again.
    pub(super) undone: HashSet<Val>,
    /// Words of values that are in registers, too.
    copies: HashMap<Val, u32>,
    /// Of those the ones that other blocks than the one that defines them take from there, and that block.
    kept: HashMap<Val, BlockId>,
    count: u32,
}

/// What is stored on an edge: (word, value, whether its kind is stored, too).
pub(super) type Moves = Vec<(u32, Val, bool)>;

impl Slots {
    /// Finds the parameters and gives them words.
    pub(super) fn of(func: &Func, rpo: &[BlockId]) -> Slots {
        let (lazy, used) = only_for_exits(func, rpo);
        let names = names(func, rpo, &lazy);
        let boxes = rpo.iter().flat_map(|b| &func[*b].insts).filter(|v| is_box(func[**v].op) && !used[v.0 as usize]);
        let unmade: HashSet<Val> = boxes.copied().collect();
        let late: HashSet<Val> = lates(func, rpo).into_iter().filter(|v| !used[v.0 as usize]).collect();
        let mixed = mixed(func, rpo, &lazy, &unmade);
        // First all that have the same name share a word; where that does not do, all of the name get their own.
        let mut by_name: HashMap<(Name, u8, bool), u32> = HashMap::new();
        let mut slots = Slots { mixed, unmade, late, ..Slots::default() };
        let mut params: Vec<Val> = lazy.iter().copied().collect();
        params.sort_unstable();
        for p in &params {
            let word = match names.get(p) {
                Some(name) => {
                    let key = (*name, func[*p].ty as u8, slots.mixed.contains(p));
                    *by_name.entry(key).or_insert_with(|| slots.new_words(*p))
                }
                None => slots.new_words(*p),
            };
            slots.of.insert(*p, word);
        }
        let wrong = slots.mixed_up(func, rpo);
        for p in params {
            if wrong.get(slots.of[&p] as usize).copied().unwrap_or(false) {
                let word = slots.new_words(p);
                slots.of.insert(p, word);
            }
        }
        let loops = crate::passes::licm::loops(func, rpo, &crate::ir::verify::Dominators::of(func, rpo));
        slots.deeper = used_deeper(func, rpo, &loops);
        slots.undone = undone(func, rpo);
        let mut copied = behind_calls(func, rpo, &slots, &used, &loops);
        copied.extend(through_loops(func, rpo, &slots, &loops));
        slots.kept = past_loops(func, rpo, &slots, &loops);
        copied.extend(slots.kept.keys());
        copied.retain(|v| !is_constant(func[*v].op));
        copied.sort_unstable();
        copied.dedup();
        for v in copied {
            let word = slots.new_words(v);
            slots.copies.insert(v, word);
        }
        slots
    }

    /// Words for a value.
    fn new_words(&mut self, v: Val) -> u32 {
        let word = self.count;
        self.count += if self.mixed.contains(&v) { 2 } else { 1 };
        word
    }

    /// Whether it is a box that is not made, or something that exits compute.
    pub(super) fn is_unmade(&self, v: Val) -> bool {
        self.unmade.contains(&v) || self.late.contains(&v)
    }

    /// The values that must be there for a value: what is in it, if it is a box that is not made, or what it is computed of.
    fn parts(&self, func: &Func, v: Val) -> Vec<Val> {
        if !self.is_unmade(v) {
            return vec![v];
        }
        func[v].args.iter().flat_map(|a| self.parts(func, *a)).collect()
    }

    /// Whether a parameter is in memory.
    pub(super) fn holds(&self, v: Val) -> bool {
        self.of.contains_key(&v)
    }

    /// What an edge must store.
    pub(super) fn moves(&self, func: &Func, edge: &Edge) -> Moves {
        let args = func[edge.to].params.iter().zip(&edge.args);
        args.filter_map(|(p, a)| {
            let word = *self.of.get(p)?;
            (self.of.get(a) != Some(&word)).then_some((word, *a, self.mixed.contains(p)))
        })
        .collect()
    }

    /// The words that somewhere hold another parameter than the one that is meant.
    fn mixed_up(&self, func: &Func, rpo: &[BlockId]) -> Vec<bool> {
        let mut wrong = vec![false; self.count as usize];
        // Which parameter each word holds at the start of each block; unknown blocks agree with everything.
        let mut at_start: Vec<Option<Vec<Val>>> = vec![None; func.blocks.len()];
        at_start[0] = Some(vec![Val::NONE; self.count as usize]);
        let mut changed = true;
        while changed {
            changed = false;
            for b in rpo {
                let Some(held) = at_start[b.0 as usize].clone() else { continue };
                for edge in &func[*b].edges {
                    let mut after = held.clone();
                    let mut taken: Vec<u32> = Vec::new();
                    for (p, a) in func[edge.to].params.iter().zip(&edge.args) {
                        for part in self.parts(func, *a) {
                            if let Some(word) = self.of.get(&part)
                                && held[*word as usize] != part
                            {
                                wrong[*word as usize] = true;
                            }
                        }
                        let Some(word) = self.of.get(p) else { continue };
                        if taken.contains(word) {
                            wrong[*word as usize] = true;
                        }
                        taken.push(*word);
                        after[*word as usize] = *p;
                    }
                    changed |= meet(&mut at_start[edge.to.0 as usize], after);
                }
            }
        }
        for b in rpo {
            let Some(held) = &at_start[b.0 as usize] else { continue };
            for v in func[*b].insts.iter().filter(|v| func[**v].state != StateId::NONE) {
                let needed = func.needed_by(func[*v].state).into_iter();
                for needed in needed.flat_map(|v| self.parts(func, v)) {
                    if let Some(word) = self.of.get(&needed)
                        && held[*word as usize] != needed
                    {
                        wrong[*word as usize] = true;
                    }
                }
            }
        }
        wrong
    }
}

/// Joins what words hold; whether that changed anything.
fn meet(old: &mut Option<Vec<Val>>, new: Vec<Val>) -> bool {
    let Some(old) = old else {
        *old = Some(new);
        return true;
    };
    let mut changed = false;
    for (o, n) in old.iter_mut().zip(new) {
        if *o != n && !o.is_none() {
            *o = Val::NONE;
            changed = true;
        }
    }
    changed
}

/// The parameters that only exits name, or that are only passed to such.
///
/// Also what instructions use.
fn only_for_exits(func: &Func, rpo: &[BlockId]) -> (HashSet<Val>, Vec<bool>) {
    let mut used = vec![false; func.insts.len()];
    // By parameter: what it is passed on from.
    let mut sources: HashMap<Val, Vec<Val>> = HashMap::new();
    let mut work: Vec<Val> = Vec::new();
    let late = lates(func, rpo);
    let is_lazy = |v: Val| is_box(func[v].op) || late.contains(&v);
    for b in rpo {
        for v in &func[*b].insts {
            if !is_lazy(*v) {
                work.extend(&func[*v].args);
            }
            if func[*v].state == StateId::NONE {
                continue;
            }
            let state = &func.states[func[*v].state.0 as usize];
            // Calls that push frames need these.
            work.extend(state.frames.iter().flat_map(|f| [f.receiver, f.callee]).filter(|v| !v.is_none()));
        }
        for e in &func[*b].edges {
            for (p, a) in func[e.to].params.iter().zip(&e.args) {
                sources.entry(*p).or_default().push(*a);
            }
        }
    }
    while let Some(v) = work.pop() {
        if !std::mem::replace(&mut used[v.0 as usize], true) {
            work.extend(sources.get(&v).into_iter().flatten());
            if is_lazy(v) {
                work.extend(&func[v].args);
            }
        }
    }
    let params = rpo.iter().flat_map(|b| &func[*b].params);
    let lazy = params.filter(|p| !used[p.0 as usize] && func[**p].op == Op::Param).copied().collect();
    (lazy, used)
}

/// Most operations that follow on each other before an exit has what it computes.
const MOST_LATE: u32 = 6;

/// What exits can compute, should nothing else need it: without effect, and of few others.
fn lates(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let mut depth: HashMap<Val, u32> = HashMap::new();
    for v in rpo.iter().flat_map(|b| &func[*b].insts).filter(|v| Lowering::is_simple(func[**v].op)) {
        let deepest = func[*v].args.iter().filter_map(|a| depth.get(a)).max();
        depth.insert(*v, 1 + deepest.copied().unwrap_or(0));
    }
    depth.into_iter().filter(|d| d.1 <= MOST_LATE).map(|d| d.0).collect()
}

/// A number or a character in a box that an exit can make.
fn is_box(op: Op) -> bool {
    matches!(op, Op::Maybe | Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxBool)
}

/// The parameters that get boxes which nobody makes, directly or from others.
fn mixed(func: &Func, rpo: &[BlockId], lazy: &HashSet<Val>, unmade: &HashSet<Val>) -> HashSet<Val> {
    let mut mixed: HashSet<Val> = HashSet::new();
    let mut changed = true;
    while changed {
        changed = false;
        for e in rpo.iter().flat_map(|b| &func[*b].edges) {
            for (p, a) in func[e.to].params.iter().zip(&e.args) {
                if lazy.contains(p) && (unmade.contains(a) || mixed.contains(a)) {
                    changed |= mixed.insert(*p);
                }
            }
        }
    }
    mixed
}

/// What kind of value a box holds.
fn kind_of(func: &Func, v: Val) -> Mixed {
    match func[v].op {
        Op::BoxWord => Mixed::Unsigned,
        Op::BoxChar => Mixed::Char,
        Op::BoxInt => Mixed::Int,
        Op::BoxFloat => Mixed::Float,
        Op::BoxBool => Mixed::Bool,
        _ => match func[v].ty {
            Type::Int => Mixed::Int,
            Type::Float => Mixed::Float,
            Type::Bool => Mixed::Bool,
            _ => Mixed::Val,
        },
    }
}

/// A set of values.
#[derive(Clone, PartialEq)]
struct Set(Vec<u64>);

impl Set {
    fn add(&mut self, v: Val) {
        self.0[v.0 as usize / 64] |= 1 << (v.0 % 64);
    }

    fn remove(&mut self, v: Val) {
        self.0[v.0 as usize / 64] &= !(1 << (v.0 % 64));
    }

    fn add_all(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    /// The values that are not in the other set.
    fn without(&self, other: &Set) -> Vec<Val> {
        let words = self.0.iter().zip(&other.0).map(|(a, b)| a & !b).enumerate();
        words.flat_map(|(i, w)| (0..64).filter(move |k| w >> k & 1 != 0).map(move |k| Val(i as u32 * 64 + k))).collect()
    }
}

/// The values that are live at a point: for instructions, and for exits or instructions.
#[derive(Clone, PartialEq)]
struct Live {
    used: Set,
    all: Set,
}

impl Live {
    fn none(func: &Func) -> Live {
        let none = Set(vec![0; func.insts.len().div_ceil(64)]);
        Live { used: none.clone(), all: none }
    }
}

/// Whether an instruction is lowered to a call that leaves no register alone.
fn is_call(func: &Func, v: Val) -> bool {
    match func[v].op {
        Op::Call
        | Op::CallPlain
        | Op::PyCall
        | Op::TypedCall
        | Op::JoinStrs
        | Op::NewGenerator
        | Op::NewException
        | Op::Raised
        | Op::Suspended
        | Op::NewDict
        | Op::NewSlice
        | Op::NewMethod
        | Op::CopyItems => true,
        Op::NewList => !func[v].args.is_empty(),
        _ => false,
    }
}

/// What is live where each block begins.
fn liveness(func: &Func, rpo: &[BlockId], slots: &Slots) -> Vec<Live> {
    let none = Live::none(func);
    let mut at_start: Vec<Live> = vec![none.clone(); func.blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for b in rpo.iter().rev() {
            let live = walk(func, *b, slots, &at_start, &none, |_, _| {});
            if live != at_start[b.0 as usize] {
                at_start[b.0 as usize] = live;
                changed = true;
            }
        }
    }
    at_start
}

/// Values that behind a call only exits need, and that are not defined in a deeper loop than that.
fn behind_calls(func: &Func, rpo: &[BlockId], slots: &Slots, used: &[bool], loops: &[Loop]) -> Vec<Val> {
    if !rpo.iter().flat_map(|b| &func[*b].insts).any(|v| is_call(func, *v)) {
        return vec![];
    }
    let (none, at_start) = (Live::none(func), liveness(func, rpo, slots));
    let depth = |b: BlockId| loops.iter().filter(|l| l.body[b.0 as usize]).count();
    let mut home = vec![0; func.insts.len()];
    for b in rpo {
        let depth = depth(*b);
        func[*b].params.iter().chain(&func[*b].insts).for_each(|v| home[v.0 as usize] = depth);
    }
    let mut found: Vec<Val> = vec![];
    for b in rpo {
        let depth = depth(*b);
        walk(func, *b, slots, &at_start, &none, |call, live| {
            let exits = live.all.without(&live.used);
            found.extend(exits.into_iter().filter(|v| *v != call && used[v.0 as usize] && home[v.0 as usize] <= depth));
        });
    }
    found
}

fn is_sum(op: Op) -> bool {
    matches!(op, Op::Add | Op::AddOv | Op::Sub | Op::SubOv)
}

/// Sums with a constant of which other sums with a constant are made.
fn undone(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let with_constant = |v: Val| is_sum(func[v].op) && func.as_const_int(func[v].args[1]).is_some();
    let sums = rpo.iter().flat_map(|b| &func[*b].insts).filter(|v| func[**v].op == Op::Sub && with_constant(**v));
    sums.map(|v| func[*v].args[0]).filter(|v| with_constant(*v)).collect()
}

/// Guarded ints, and sums, that a deeper loop uses.
fn used_deeper(func: &Func, rpo: &[BlockId], loops: &[Loop]) -> HashSet<Val> {
    let mut home: HashMap<Val, usize> = HashMap::new();
    let mut found = HashSet::new();
    for b in rpo {
        let depth = loops.iter().filter(|l| l.body[b.0 as usize]).count();
        for v in &func[*b].insts {
            let inst = &func[*v];
            if inst.op == Op::GuardInt || is_sum(inst.op) {
                home.insert(*v, depth);
            }
            found.extend(func[*v].args.iter().filter(|a| home.get(a).is_some_and(|at| *at < depth)));
        }
    }
    found
}

fn is_constant(op: Op) -> bool {
    matches!(op, Op::ConstInt | Op::ConstVal | Op::ConstFloat | Op::ConstBool | Op::ConstWord)
}

/// Values that in a loop, which they are not defined in, only exits, and instructions of blocks that are seldom reached, need.
fn through_loops(func: &Func, rpo: &[BlockId], slots: &Slots, loops: &[Loop]) -> Vec<Val> {
    let mut found = vec![];
    for l in loops {
        let none = Set(vec![0; func.insts.len().div_ceil(64)]);
        let (mut own, mut exits) = (none.clone(), none);
        for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
            func[*b].params.iter().for_each(|p| own.add(*p));
            for v in &func[*b].insts {
                let inst = &func[*v];
                own.add(*v);
                if !slots.is_unmade(*v) {
                    let users = if func[*b].cold { &mut exits } else { &mut own };
                    inst.args.iter().for_each(|a| users.add(*a));
                }
                if inst.state != StateId::NONE {
                    let needed = func.needed_by(inst.state).into_iter();
                    needed.flat_map(|v| slots.parts(func, v)).for_each(|v| exits.add(v));
                    let frames = &func.states[inst.state.0 as usize].frames;
                    frames
                        .iter()
                        .flat_map(|f| [f.receiver, f.callee])
                        .filter(|v| !v.is_none())
                        .for_each(|v| own.add(v));
                }
            }
            for e in &func[*b].edges {
                for (p, a) in func[e.to].params.iter().zip(&e.args) {
                    if slots.holds(*p) {
                        slots.parts(func, *a).into_iter().for_each(|a| exits.add(a));
                    } else if l.body[e.to.0 as usize] {
                        own.add(*a);
                    }
                }
            }
        }
        found.extend(exits.without(&own).into_iter().filter(|v| !slots.holds(*v)));
    }
    found
}

/// Values that pass by an inner loop which needs all registers, and the blocks that define them.
fn past_loops(func: &Func, rpo: &[BlockId], slots: &Slots, loops: &[Loop]) -> HashMap<Val, BlockId> {
    /// From so many values on that a loop works on there is hardly a register for another one.
    const MANY: usize = 8;
    let is_word =
        |v: Val| !matches!(func[v].ty, Type::Float | Type::Void) && !is_constant(func[v].op) && !slots.holds(v);
    let mut found = HashMap::new();
    let mut at_start = None;
    for l in loops {
        let is_inner = loops.iter().all(|o| o.head == l.head || !l.body[o.head.0 as usize]);
        let is_nested = loops.iter().any(|o| o.head != l.head && o.body[l.head.0 as usize]);
        if !is_inner || !is_nested {
            continue;
        }
        let mut own = Set(vec![0; func.insts.len().div_ceil(64)]);
        let (mut inside, mut outside) = (own.clone(), own.clone());
        for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
            func[*b].params.iter().chain(&func[*b].insts).for_each(|v| inside.add(*v));
        }
        for b in rpo.iter().filter(|b| l.body[b.0 as usize] && !func[**b].cold) {
            let insts = func[*b].insts.iter().filter(|v| !slots.is_unmade(**v));
            let again = func[*b].edges.iter().filter(|e| l.body[e.to.0 as usize]).flat_map(|e| &e.args);
            insts.flat_map(|v| &func[*v].args).chain(again).for_each(|a| own.add(*a));
        }
        outside.add_all(&own);
        let from_outside = outside.without(&inside).into_iter().filter(|v| is_word(*v)).count();
        let params = func[l.head].params.iter().filter(|p| is_word(**p)).count();
        if from_outside + params < MANY {
            continue;
        }
        let live = &at_start.get_or_insert_with(|| liveness(func, rpo, slots))[l.head.0 as usize];
        let mut near = own;
        near.add_all(&inside);
        let pass = live.used.without(&near).into_iter().filter(|v| is_word(*v) && func[*v].ty != Type::Bool);
        found.extend(pass.map(|v| (v, BlockId(0))));
    }
    for b in rpo {
        for v in func[*b].params.iter().chain(&func[*b].insts) {
            found.entry(*v).and_modify(|home| *home = *b);
        }
    }
    found
}

/// What is live at the start of a block. Calls `f` with each call and what is live behind it.
fn walk(func: &Func, b: BlockId, slots: &Slots, at_start: &[Live], none: &Live, mut f: impl FnMut(Val, &Live)) -> Live {
    let mut live = none.clone();
    for e in &func[b].edges {
        let target = &at_start[e.to.0 as usize];
        live.used.add_all(&target.used);
        live.all.add_all(&target.all);
        for (p, a) in func[e.to].params.iter().zip(&e.args) {
            if !slots.holds(*p) {
                live.used.add(*a);
            }
            slots.parts(func, *a).into_iter().for_each(|a| live.all.add(a));
        }
    }
    for v in func[b].insts.iter().rev() {
        if is_call(func, *v) {
            // A call that raises leaves behind it, too.
            if func[*v].state != StateId::NONE {
                let needed = func.needed_by(func[*v].state).into_iter();
                needed.flat_map(|v| slots.parts(func, v)).for_each(|v| live.all.add(v));
            }
            f(*v, &live);
        }
        live.used.remove(*v);
        live.all.remove(*v);
        let inst = &func[*v];
        if slots.is_unmade(*v) {
            continue;
        }
        for a in &inst.args {
            live.used.add(*a);
            live.all.add(*a);
        }
        if inst.state == StateId::NONE {
            continue;
        }
        let needed = func.needed_by(inst.state).into_iter();
        needed.flat_map(|v| slots.parts(func, v)).for_each(|v| live.all.add(v));
        let frames = &func.states[inst.state.0 as usize].frames;
        for v in frames.iter().flat_map(|f| [f.receiver, f.callee]).filter(|v| !v.is_none()) {
            live.used.add(v);
            live.all.add(v);
        }
    }
    for p in &func[b].params {
        live.used.remove(*p);
        live.all.remove(*p);
    }
    live
}

/// Frame, register, part of a value.
type Name = (u16, u16, u16);

/// What exits call a parameter: the first register that one writes it, or what it is passed on to, to.
fn names(func: &Func, rpo: &[BlockId], lazy: &HashSet<Val>) -> HashMap<Val, Name> {
    let mut names = HashMap::new();
    for v in rpo.iter().flat_map(|b| &func[*b].insts).filter(|v| func[**v].state != StateId::NONE) {
        for (i, frame) in func.states[func[*v].state.0 as usize].frames.iter().enumerate() {
            for (register, value) in &frame.regs {
                let mut part = 0;
                let mut work = vec![*value];
                while let Some(v) = work.pop() {
                    if lazy.contains(&v) {
                        names.entry(v).or_insert((i as u16, *register, part));
                    } else if matches!(
                        func[v].op,
                        Op::Maybe
                            | Op::BoxInt
                            | Op::BoxWord
                            | Op::BoxChar
                            | Op::BoxFloat
                            | Op::BoxComplex
                            | Op::BoxBool
                    ) {
                        work.extend(&func[v].args);
                    }
                    part += 1;
                }
            }
        }
    }
    // What exits do not name themselves is called what it is passed to.
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for e in rpo.iter().rev().flat_map(|b| &func[*b].edges) {
            for (p, a) in func[e.to].params.iter().zip(&e.args).filter(|(_, a)| lazy.contains(a)) {
                if let Some(name) = names.get(p).copied()
                    && !names.contains_key(a)
                {
                    names.insert(*a, name);
                    changed = true;
                }
            }
        }
    }
    names
}

impl Lowering<'_> {
    /// The stack slot with the words.
    fn words(&mut self) -> clif::StackSlot {
        if let Some(slot) = self.words {
            return slot;
        }
        let data = clif::StackSlotData::new(clif::StackSlotKind::ExplicitSlot, 8 * self.slots.count, 3);
        let slot = self.b.create_sized_stack_slot(data);
        self.words = Some(slot);
        slot
    }

    /// Whether exits read two words for a parameter.
    pub(super) fn is_mixed(&self, v: Val) -> bool {
        self.slots.mixed.contains(&v)
    }

    /// A value for an exit.
    pub(super) fn value_for_exit(&mut self, v: Val) -> clif::Value {
        if self.slots.late.contains(&v) {
            let args: Vec<clif::Value> = self.func[v].args.iter().map(|a| self.value_for_exit(*a)).collect();
            return self.simple(&self.func[v], &args);
        }
        let Some(word) = self.slots.of.get(&v).or_else(|| self.slots.copies.get(&v)).copied() else {
            return self.value(v);
        };
        let (slot, ty) = (self.words(), machine_type(self.func[v].ty));
        if ty == types::I8 {
            // A byte to be extended is loaded from an address in a register, which all exits share: it would be kept through loops.
            let at = self.b.ins().stack_addr(types::I64, slot, 8 * word as i32);
            let byte = self.b.ins().uload8(types::I64, flags(), at, 0);
            return self.b.ins().ireduce(types::I8, byte);
        }
        self.b.ins().stack_load(types::I64, ty, slot, 8 * word as i32)
    }

    /// An operand of an instruction of a block, or what its end passes on.
    pub(super) fn operand(&mut self, block: BlockId, v: Val) -> clif::Value {
        let elsewhere = self.slots.kept.get(&v).is_some_and(|home| *home != block);
        if elsewhere || self.func[block].cold && self.slots.copies.contains_key(&v) {
            self.value_for_exit(v)
        } else {
            self.value(v)
        }
    }

    /// Stores a value that has just been defined, if exits take it from the stack.
    pub(super) fn store_copy(&mut self, v: Val) {
        let Some(word) = self.slots.copies.get(&v).copied() else { return };
        let (slot, value) = (self.words(), self.value(v));
        self.b.ins().stack_store(types::I64, value, slot, 8 * word as i32);
    }

    /// Does what an edge must store. All is read before anything is written.
    pub(super) fn store_moves(&mut self, moves: &Moves) {
        let mut stores: Vec<(u32, clif::Value)> = Vec::new();
        for (word, v, with_kind) in moves {
            if *with_kind {
                let (kind, value) = self.kind_and_value(*v);
                stores.extend([(*word, kind), (*word + 1, value)]);
            } else {
                stores.push((*word, self.value_for_exit(*v)));
            }
        }
        for (word, value) in stores {
            let slot = self.words();
            self.b.ins().stack_store(types::I64, value, slot, 8 * word as i32);
        }
    }

    /// The two words that stand for a value of any kind.
    fn kind_and_value(&mut self, v: Val) -> (clif::Value, clif::Value) {
        if self.slots.mixed.contains(&v) {
            return self.mixed_words(v);
        }
        if !self.slots.unmade.contains(&v) {
            let value = self.value_for_exit(v);
            return (self.word(Mixed::Val as u64), value);
        }
        let kind = self.word(kind_of(self.func, v) as u64);
        if self.func[v].op != Op::Maybe {
            let value = self.value_for_exit(self.func[v].args[0]);
            return (kind, self.whole_word(value));
        }
        let (bound, number) = (self.func[v].args[0], self.func[v].args[1]);
        let kind = self.word(kind_of(self.func, number) as u64);
        let (bound, number) = (self.value_for_exit(bound), self.value_for_exit(number));
        let number = match self.b.func.dfg.value_type(number) {
            types::F64 => self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), number),
            _ => self.whole_word(number),
        };
        let nothing = self.word(0);
        (self.b.ins().select(bound, kind, nothing), self.b.ins().select(bound, number, nothing))
    }

    /// The words of a parameter that has two.
    pub(super) fn mixed_words(&mut self, v: Val) -> (clif::Value, clif::Value) {
        let (slot, at) = (self.words(), 8 * self.slots.of[&v] as i32);
        let kind = self.b.ins().stack_load(types::I64, types::I64, slot, at);
        (kind, self.b.ins().stack_load(types::I64, types::I64, slot, at + 8))
    }

    fn whole_word(&mut self, value: clif::Value) -> clif::Value {
        match self.b.func.dfg.value_type(value) {
            types::I8 => self.b.ins().uextend(types::I64, value),
            _ => value,
        }
    }
}
