//! Where control meets: joining states, heads of loops, back edges.

use std::rc::Rc;

use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::complex::COMPLEX;
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::cfg::RegSet;
use super::complex::Parts;
use super::maybe::Maybe;
use super::values::at;
use super::{Builder, Built, HeadFact, HeadKind, Hoist, Info, IterCache, OpenLoop, Pending, Refusal, State};
use crate::exits::Reason;
use crate::ir::{Alias, BlockId, Edge, Op, Type, Val};

/// A place in a state that holds a value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    /// (frame, register).
    Reg(usize, usize),
    /// (iterator, field).
    Iter(usize, usize),
}

/// The head of an open loop: what its back edges must deliver.
pub struct Head {
    block: BlockId,
    pub(super) params: Vec<(Place, Val)>,
    /// Of these, the bits of ints in 0..2^64.
    words: Vec<Val>,
    /// Numbers of variables that may be unbound; in front of each goes whether it is bound.
    maybes: Vec<Maybe>,
    /// Parts of complex numbers; the second part stands in `params`.
    complexes: Vec<Parts>,
    /// Iterators that it knows.
    iters: Vec<IterCache>,
    pub(super) path: u64,
    pub(super) pc: u32,
}

/// The interval of all ints.
pub(super) const ALL: (i64, i64) = (i64::MIN, i64::MAX);

/// The interval of what back edges deliver, from what the head assumed, what was found out before, and what one delivers. It
/// is found out once; if it is wrong nothing is assumed.
fn narrowed(assumed: (i64, i64), found: Option<(i64, i64)>, seen: (i64, i64)) -> Option<(i64, i64)> {
    let union = |a: (i64, i64)| (a.0.min(seen.0), a.1.max(seen.1));
    match found {
        None if seen.0 > INT_MIN && seen.1 < INT_MAX => Some(seen),
        None => None,
        Some(found) if assumed == ALL => Some(if found == ALL { ALL } else { union(found) }),
        found if union(assumed) == assumed => found,
        Some(_) => Some(ALL),
    }
}

/// Whether nothing was tried with the register yet.
fn fact_is_new(fact: Option<&HeadFact>) -> bool {
    fact.is_none_or(|f| !f.boxed && !f.word && f.maybe.is_none() && f.unboxed.is_none() && !f.complex)
}

fn get(state: &State, place: Place) -> Val {
    match place {
        Place::Reg(f, r) => state.frames[f].regs[r],
        Place::Iter(i, field) => state.iters[i].fields[field],
    }
}

fn set(state: &mut State, place: Place, v: Val) {
    match place {
        Place::Reg(f, r) => state.frames[f].regs[r] = v,
        Place::Iter(i, field) => state.iters[i].fields[field] = v,
    }
}

impl IterCache {
    /// The interval of a range's next number, the one behind the last included.
    pub fn next_range(&self) -> (i64, i64) {
        let (lo, hi) = self.items;
        let step = self.step.unwrap_or(0);
        (lo.saturating_add(step.min(0)).max(INT_MIN), hi.saturating_add(step.max(0)).min(INT_MAX))
    }

    /// Byte offset of the field that holds the list or tuple.
    pub fn list_offset(&self) -> usize {
        self.row.offsets().0
    }
}

impl Builder<'_> {
    /// Ends the current block with a jump.
    pub fn jump(&mut self, to: BlockId, args: Vec<Val>) {
        self.emit(Op::Jump, Type::Void, &[], 0);
        let block = self.block;
        self.func[block].edges.push(Edge { to, args });
    }

    /// Ends the current block with a branch into two new open blocks with the current state.
    pub fn branch(&mut self, cond: Val) -> (BlockId, BlockId) {
        self.emit(Op::Branch, Type::Void, &[cond], 0);
        let block = self.block;
        let (yes, no) = (self.func.add_block(), self.func.add_block());
        self.func[block].edges = vec![Edge { to: yes, args: vec![] }, Edge { to: no, args: vec![] }];
        (yes, no)
    }

    /// The current block and state as a way into a block that is built later.
    pub fn pend(&self) -> Pending {
        Pending { block: self.block, state: self.state.clone() }
    }

    /// Goes on in an open block.
    pub fn go_on(&mut self, pending: Pending) {
        self.block = pending.block;
        self.state = pending.state;
    }

    /// A value converted to a type at the end of the current block; None if that is not possible without a guard. A bool is
    /// no int, even though it can be calculated with like one.
    fn convert(&mut self, v: Val, ty: Type) -> Option<Val> {
        match (self.func[v].ty, ty) {
            (have, want) if have == want => Some(v),
            (_, Type::Val) => Some(self.boxed(v)),
            _ => None,
        }
    }

    /// The type of the parameter that joins values.
    fn join_type(&self, values: &[Val]) -> Type {
        let first = self.func[values[0]].ty;
        if values.iter().all(|v| self.func[*v].ty == first) { first } else { Type::Val }
    }

    /// What is known of all of the values.
    fn join_info(&self, values: &[Val]) -> Info {
        let mut info = self.info[values[0].0 as usize];
        info.class = self.class_of(values[0]).map_or(std::ptr::null(), |c| c as *const Class);
        for v in &values[1..] {
            let other = &self.info[v.0 as usize];
            info.lo = info.lo.min(other.lo);
            info.hi = info.hi.max(other.hi);
            info.bound &= other.bound;
            info.odd |= other.odd;
            if !self.class_of(*v).is_some_and(|c| std::ptr::eq(c, info.class)) {
                info.class = std::ptr::null();
            }
        }
        info
    }

    /// The value that guards on `v` started from.
    pub fn origin(&self, mut v: Val) -> Val {
        while matches!(self.func[v].op, Op::GuardClass | Op::GuardConst | Op::GuardBound | Op::AssumeClass) {
            v = self.func[v].args[0];
        }
        v
    }

    /// Writes back and forgets iterators that no register holds.
    fn drop_dead_iters(&mut self, preds: &mut [Pending]) {
        for p in preds {
            self.block = p.block;
            let all = std::mem::take(&mut p.state.iters);
            for mut cache in all {
                let origin = self.origin(if cache.owner.is_none() { cache.iter } else { cache.owner });
                let frames = p.state.frames.iter().chain(self.suspended.iter().map(|w| &w.frame));
                let held = frames.flat_map(|f| &f.regs).any(|v| !v.is_none() && self.origin(*v) == origin);
                if held {
                    p.state.iters.push(cache);
                } else if !self.is_made_here_only(&cache) {
                    self.flush_iter(&mut cache);
                }
            }
        }
    }

    /// Writes the changed fields of an iterator to memory.
    pub fn flush_iter(&mut self, cache: &mut IterCache) {
        for i in 0..cache.n {
            if std::mem::replace(&mut cache.dirty[i], false) {
                let imm = at(Alias::Iter, cache.offsets[i] as usize);
                self.emit(Op::Store, Type::Void, &[cache.iter, cache.fields[i]], imm);
            }
        }
    }

    /// Writes all iterators to memory and forgets them.
    pub fn forget_iters(&mut self) {
        for mut cache in std::mem::take(&mut self.state.iters) {
            self.flush_iter(&mut cache);
        }
    }

    /// Makes the states agree on which iterators are known.
    fn align_iters(&mut self, preds: &mut [Pending]) {
        let same = |a: Val, b: Val| self.origin(a) == self.origin(b);
        let common: Vec<Val> = (preds[0].state.iters.iter())
            .filter(|c| preds.iter().all(|p| p.state.iters.iter().any(|o| same(o.iter, c.iter) && o.n == c.n)))
            .map(|c| self.origin(c.iter))
            .collect();
        for p in preds.iter_mut() {
            self.block = p.block;
            let all = std::mem::take(&mut p.state.iters);
            let mut kept: Vec<Option<IterCache>> = vec![None; common.len()];
            for mut cache in all {
                match common.iter().position(|c| *c == self.origin(cache.iter)) {
                    Some(i) => kept[i] = Some(IterCache { iter: common[i], ..cache }),
                    None => self.flush_iter(&mut cache),
                }
            }
            p.state.iters = kept.into_iter().flatten().collect();
        }
    }

    /// Joins several ways into one block and goes on there. Registers that are not live at `pc` are forgotten.
    pub fn merge(&mut self, mut preds: Vec<Pending>, pc: usize) -> Built<()> {
        if preds.is_empty() {
            return Err(Refusal::Never("a block without predecessors"));
        }
        for p in &mut preds {
            let frame = p.state.frames.last_mut().expect("there is always a frame");
            let live = &self.contexts[frame.context].live;
            for r in 0..frame.regs.len() {
                if !live.is_live(pc, r) {
                    frame.regs[r] = Val::NONE;
                }
            }
        }
        if preds.len() == 1 {
            let only = preds.pop().expect("one");
            self.go_on(only);
            return Ok(());
        }
        if !preds.iter().all(|p| p.state.handled == preds[0].state.handled) {
            for p in &mut preds {
                self.go_on(Pending { block: p.block, state: p.state.clone() });
                self.begin_handling();
                *p = self.pend();
            }
        }
        self.drop_dead_iters(&mut preds);
        self.align_iters(&mut preds);
        let target = self.func.add_block();
        let mut joined = preds[0].state.clone();
        let mut args: Vec<Vec<Val>> = vec![vec![]; preds.len()];
        let mut places = Vec::new();
        for (f, frame) in joined.frames.iter().enumerate() {
            places.extend((0..frame.regs.len()).map(|r| Place::Reg(f, r)));
        }
        for (i, cache) in joined.iters.iter().enumerate() {
            places.extend((0..cache.n).map(|field| Place::Iter(i, field)));
        }
        // (old values by predecessor, joined value)
        let mut renamed: Vec<(Vec<Val>, Val)> = Vec::new();
        for place in places {
            let values: Vec<Val> = preds.iter().map(|p| get(&p.state, place)).collect();
            if values.iter().all(|v| *v == values[0]) {
                continue;
            }
            if values.iter().any(|v| v.is_none()) {
                set(&mut joined, place, Val::NONE);
                continue;
            }
            if let Some((_, v)) = renamed.iter().find(|(old, _)| *old == values) {
                set(&mut joined, place, *v);
                continue;
            }
            if let Some(v) = self.same_constant(&values, target) {
                set(&mut joined, place, v);
                renamed.push((values, v));
                continue;
            }
            if self.are_words(&values) {
                let param = self.func.add_param(target, Type::Int);
                self.note_new(param);
                for (i, v) in values.iter().enumerate() {
                    self.block = preds[i].block;
                    args[i].push(self.exact_bits(*v, None).expect("just asked"));
                }
                self.block = target;
                let v = self.word_value(param);
                set(&mut joined, place, v);
                renamed.push((values, v));
                continue;
            }
            if let Some(ty) = self.maybe_type(&values) {
                let [bound, number] = [Type::Bool, ty].map(|ty| self.func.add_param(target, ty));
                self.note_new(number);
                for (i, v) in values.iter().enumerate() {
                    self.block = preds[i].block;
                    let maybe = self.as_maybe(*v, ty).expect("of that type");
                    args[i].extend([maybe.bound, maybe.number]);
                }
                self.block = target;
                let v = self.maybe(Maybe { bound, number });
                set(&mut joined, place, v);
                renamed.push((values, v));
                continue;
            }
            if let Some((v, parts)) = self.join_complexes(&values, target) {
                for (args, parts) in args.iter_mut().zip(parts) {
                    args.extend(parts);
                }
                set(&mut joined, place, v);
                renamed.push((values, v));
                continue;
            }
            let ty = self.join_type(&values);
            let param = self.func.add_param(target, ty);
            self.note_new(param);
            self.info[param.0 as usize] = self.join_info(&values);
            for (i, v) in values.iter().enumerate() {
                self.block = preds[i].block;
                let arg = self.convert(*v, ty).expect("join types take all");
                args[i].push(arg);
            }
            set(&mut joined, place, param);
            renamed.push((values, param));
        }
        self.join_memory(&preds, &mut joined, &renamed);
        for (p, args) in preds.iter().zip(args) {
            self.block = p.block;
            self.jump(target, args);
        }
        self.block = target;
        self.state = joined;
        Ok(())
    }

    /// One constant in the place of equal ones.
    fn same_constant(&mut self, values: &[Val], target: BlockId) -> Option<Val> {
        let first = self.func[values[0]].clone();
        let constant = matches!(first.op, Op::ConstInt | Op::ConstFloat | Op::ConstBool | Op::ConstVal);
        let same = |v: &Val| self.func[*v].op == first.op && self.func[*v].imm == first.imm;
        if !constant || !values.iter().all(same) {
            return None;
        }
        let v = self.emit_in(target, first.op, first.ty, &[], first.imm);
        self.info[v.0 as usize] = self.info[values[0].0 as usize];
        Some(v)
    }

    /// Joins what is known of memory.
    fn join_memory(&mut self, preds: &[Pending], joined: &mut State, renamed: &[(Vec<Val>, Val)]) {
        for (f, frame) in joined.frames.iter_mut().enumerate() {
            for r in 0..frame.synced.len() {
                let old: Vec<Val> = preds.iter().map(|p| p.state.frames[f].synced[r]).collect();
                if old.iter().all(|v| *v == old[0]) {
                    continue;
                }
                let held = renamed.iter().find(|(values, _)| *values == old).map(|(_, v)| *v);
                frame.synced[r] = held.unwrap_or(Val::NONE);
            }
        }
        let first = preds[0].state.shapes.clone();
        joined.shapes = first.into_iter().filter(|s| preds.iter().all(|p| p.state.shapes.contains(s))).collect();
        joined
            .fields
            .retain(|f| preds.iter().all(|p| p.state.fields.iter().any(|g| g.0 == f.0 && Rc::ptr_eq(&g.1, &f.1))));
        joined.sets.retain(|s| preds.iter().all(|p| p.state.sets.contains(s)));
        for (i, cache) in joined.iters.iter_mut().enumerate() {
            for field in 0..cache.n {
                cache.dirty[field] = preds.iter().any(|p| p.state.iters[i].dirty[field]);
            }
        }
    }

    /// Begins a loop at `pc`: the current block becomes its front; goes on in its head. `body` says which blocks of the
    /// region belong to it, `written` which registers it writes, and `others` those of other frames.
    pub fn open_loop(
        &mut self,
        pc: usize,
        (written, others): (&dyn Fn(usize) -> bool, &[(usize, RegSet)]),
        body: Vec<bool>,
        irreducible: bool,
    ) -> Built<Head> {
        let context = self.top().context;
        let depth = self.state.frames.len() - 1;
        let path = self.contexts[context].path;
        self.pc = pc;
        self.begin_handling();
        if !irreducible {
            self.hoisted_guards(path, pc)?;
        }
        let mut front = [self.pend()];
        self.drop_dead_iters(&mut front);
        let [front] = front;
        self.go_on(front);
        if !irreducible {
            self.prepare_iterator(pc);
        }
        self.state.fields.clear();
        let keeps_shapes = !self.sticky.kills.contains(&(path, pc as u32));
        if !keeps_shapes {
            self.state.shapes.clear();
            self.state.sets.clear();
        }
        let before = self.state.clone();
        let enter = self.resume_at(pc);
        let head = self.func.add_block();
        let context = self.top().context;
        if !irreducible && !self.failed_at(self.contexts[context].code, pc as u32, Reason::Hoisted) {
            self.func[head].enter = enter;
        }
        let code = self.contexts[context].code;
        self.func[head].keeps_checks = self.failed_at(code, pc as u32, Reason::Bounds);
        let mut args = Vec::new();
        let mut params = Vec::new();
        let mut words = Vec::new();
        let mut maybes: Vec<Maybe> = Vec::new();
        let mut complexes: Vec<Parts> = Vec::new();
        let own = (0..self.top().regs.len()).filter(|r| written(*r)).map(|r| (depth, r));
        let mut places: Vec<(usize, usize)> = own.collect();
        for (f, set) in others {
            // How far a consumer is stands behind the code's registers.
            let frame = &self.state.frames[*f];
            let nregs = self.contexts[frame.context].code.nregs();
            let changes = |r: &usize| *r >= nregs || set.has(*r);
            places.extend((0..frame.regs.len()).filter(changes).map(|r| (*f, r)));
        }
        for (f, r) in places {
            let v = self.state.frames[f].regs[r];
            if v.is_none() {
                continue;
            }
            let is_own = f == depth;
            let mut fact = *self.sticky.heads.entry((path, pc as u32, f as u16, r as u16)).or_default();
            if irreducible {
                fact = super::HeadFact { boxed: true, any_class: true, nullable: true, ..Default::default() };
            }
            if fact.word && !fact.boxed {
                let guard = (is_own && !self.begins_otherwise(pc, r)).then_some((enter, Reason::Number));
                let before = self.func.insts.len();
                if let Some(bits) = self.exact_bits(v, guard) {
                    if self.func.insts[before..].iter().any(|i| i.op == Op::GuardBits) {
                        self.assume_at_head(pc, r, HeadKind::Word);
                    }
                    let param = self.func.add_param(head, Type::Int);
                    self.note_new(param);
                    args.push(bits);
                    params.push((Place::Reg(f, r), param));
                    words.push(param);
                    continue;
                }
                fact.boxed = true;
                self.sticky.heads.insert((path, pc as u32, f as u16, r as u16), fact);
            }
            let seen = fact.maybe.filter(|_| !fact.boxed).and_then(|ty| self.as_maybe(v, ty));
            // Guards in front of the loop are about its own code.
            let guarded = |b: &mut Self| if is_own { b.maybe_at_head(v, fact, (pc, r), enter) } else { None };
            if let Some(maybe) = seen.or_else(|| guarded(self)) {
                let ty = self.func[maybe.number].ty;
                let [bound, number] = [Type::Bool, ty].map(|ty| self.func.add_param(head, ty));
                self.note_new(number);
                args.extend([maybe.bound, maybe.number]);
                params.push((Place::Reg(f, r), number));
                maybes.push(Maybe { bound, number });
                continue;
            }
            if is_own && let Some((re, im)) = self.complex_at_head(v, fact, pc, enter) {
                args.extend([re, im]);
                let [re, im] = [Type::Float; 2].map(|ty| self.func.add_param(head, ty));
                self.note_new(im);
                params.push((Place::Reg(f, r), im));
                complexes.push((re, im));
                continue;
            }
            let v = self.unboxed_at_head(v, fact, (pc, r, is_own), enter).unwrap_or(v);
            let narrowed = if is_own { self.narrowed_at_head(v, fact, (pc, r), enter) } else { None };
            let v = narrowed.unwrap_or(v);
            let ty = if fact.boxed { Type::Val } else { self.func[v].ty };
            let info = Info {
                class: self.class_of(v).map_or(std::ptr::null(), |c| c as *const Class),
                ..self.info[v.0 as usize]
            };
            let arg = self.convert(v, ty).expect("any value can be boxed");
            let param = self.func.add_param(head, ty);
            self.note_new(param);
            let known = &mut self.info[param.0 as usize];
            known.bound = info.bound && !fact.nullable;
            if let Some((lo, hi)) = fact.range.filter(|_| ty == Type::Int) {
                (known.lo, known.hi) = (lo.min(info.lo), hi.max(info.hi));
            }
            if !fact.any_class && ty == Type::Val && !fact.boxed {
                known.class = info.class;
            }
            self.initial.insert(param, arg);
            args.push(arg);
            params.push((Place::Reg(f, r), param));
        }
        for i in 0..self.state.iters.len() {
            for field in 0..self.state.iters[i].n {
                let v = self.state.iters[i].fields[field];
                let param = self.func.add_param(head, Type::Int);
                self.note_new(param);
                // Fields of iterators are small: ranges of small ints, indices.
                let cache = &self.state.iters[i];
                let (lo, hi) = if field == 1 || !cache.list.is_none() { (0, INT_MAX) } else { cache.next_range() };
                self.bounded(param, lo, hi);
                args.push(v);
                params.push((Place::Iter(i, field), param));
            }
        }
        self.jump(head, args);
        self.block = head;
        for (place, param) in &params {
            if let Place::Reg(f, r) = *place {
                // Memory holds what the register held before the loop; in later rounds it need not.
                self.state.frames[f].synced[r] = Val::NONE;
            }
            let v = match maybes.iter().find(|m| m.number == *param) {
                Some(maybe) => self.maybe(*maybe),
                None if complexes.iter().any(|c| c.1 == *param) => {
                    let parts = complexes.iter().find(|c| c.1 == *param).expect("just found");
                    self.complex(*parts)
                }
                None if words.contains(param) => self.word_value(*param),
                None => *param,
            };
            set(&mut self.state, *place, v);
        }
        // Windows of functions that the loop calls lie over dead temporaries.
        let contexts = &self.contexts;
        let bases: Vec<usize> = self.state.frames[1..].iter().map(|f| contexts[f.context].base as usize).collect();
        for (f, frame) in self.state.frames.iter_mut().enumerate() {
            let live = &contexts[frame.context].live;
            for (r, v) in frame.synced.iter_mut().enumerate() {
                if bases.get(f).is_some_and(|base| r >= *base) || f == depth && !live.is_live(pc, r) {
                    *v = Val::NONE;
                }
            }
        }
        for cache in &mut self.state.iters {
            cache.dirty = [true, cache.n > 1];
        }
        let before_iters = before.iters.clone();
        // Nothing is moved in front of a loop that has other entries.
        let before = if irreducible { State { frames: vec![], ..before } } else { before };
        self.loops.push(OpenLoop { context, depth, pc: pc as u32, body, before, keeps_shapes });
        let iters = before_iters;
        Ok(Head { block: head, params, words, maybes, complexes, iters, path, pc: pc as u32 })
    }

    fn is_complex_now(&self, v: Val) -> bool {
        self.complexes.contains_key(&v)
            || self.is_class(v, &COMPLEX)
            || self.peek(v).is_some_and(|now| std::ptr::eq(now.class(), &COMPLEX))
    }

    /// Whether the value that a loop's parameter for register `r` begins with is a number of that type now, or unbound and of no
    /// use to the loop (only of registers of its own frame that is asked).
    fn begins_as(&self, param: Val, ty: Type, own: Option<(usize, usize)>) -> bool {
        let Some(first) = self.initial.get(&param) else { return false };
        match (self.peek(*first), ty) {
            (Some(now), Type::Int) => now.is_small(),
            (Some(now), Type::Float) => std::ptr::eq(now.class(), &FLOAT),
            (None, Type::Int | Type::Float) => {
                own.is_some_and(|(pc, r)| self.is_assigned_first(pc, r)) && self.is_unbound_now(*first)
            }
            _ => false,
        }
    }

    /// Emits the guards that earlier attempts wanted in front of the loop at `pc`.
    fn hoisted_guards(&mut self, path: u64, pc: usize) -> Built<()> {
        let wanted = self.sticky.hoists.get(&(path, pc as u32)).cloned().unwrap_or_default();
        for (f, r, what) in wanted {
            let Some(frame) = self.state.frames.get(f as usize) else { continue };
            let Some(&v) = frame.regs.get(r as usize) else { continue };
            if v.is_none() || self.func[v].ty != Type::Val {
                continue;
            }
            let first = self.func.insts.len();
            let v = self.guard_bound(v);
            match what {
                Hoist::Int => {
                    self.to_int(v, Reason::Hoisted);
                }
                Hoist::Float => {
                    self.to_float(v, false, Reason::Hoisted);
                }
                Hoist::Class(c) => {
                    // SAFETY: the class is a root of this attempt or the one before.
                    self.guard_class(v, unsafe { &*(c as *const Class) });
                }
                Hoist::Shape(_, s) => {
                    // SAFETY: as above.
                    self.guard_shape(v, unsafe { &*(s as *const taipan_runtime::shape::Shape) });
                }
                Hoist::Const(bits) => {
                    if let Some(value) = taipan_runtime::Value::from_bits(bits) {
                        self.guard_const(v, value);
                    }
                }
            }
            for inst in &mut self.func.insts[first..] {
                if inst.state != crate::ir::StateId::NONE {
                    inst.reason = Reason::Hoisted as u8;
                }
            }
        }
        self.check_size()
    }

    /// Ends the current block with a back edge to `head`. The loop stays open until its region ends.
    pub fn close_loop(&mut self, head: &Head) {
        self.begin_handling();
        let mut args = Vec::new();
        // Iterators that the head knows and that were forgotten meanwhile are read again.
        let heads = &head.iters;
        // Others are written back: the head does not know them.
        for mut cache in std::mem::take(&mut self.state.iters) {
            if heads.iter().any(|h| self.origin(h.iter) == self.origin(cache.iter)) {
                self.state.iters.push(cache);
            } else {
                self.flush_iter(&mut cache);
            }
        }
        for cache in heads {
            if !self.state.iters.iter().any(|c| self.origin(c.iter) == self.origin(cache.iter)) {
                let mut again = IterCache { dirty: [false; 2], ..*cache };
                if !cache.list.is_none() {
                    // Whoever exhausted the iterator meanwhile made it let go of the list.
                    let list = self.load(cache.iter, Alias::Iter, cache.list_offset());
                    let same = self.emit(Op::ValEq, Type::Bool, &[list, cache.list], 0);
                    let state = self.resume_at(head.pc as usize);
                    self.emit_exit(Op::Guard, Type::Void, &[same], 0, Reason::Const, state);
                }
                for i in 0..cache.n {
                    again.fields[i] = self.load_int(cache.iter, Alias::Iter, cache.offsets[i] as usize);
                }
                self.state.iters.push(again);
            }
        }
        let mut delivered = Vec::new();
        for (place, param) in &head.params {
            match *place {
                Place::Reg(f, r) => {
                    let v = self.state.frames[f].regs[r];
                    if head.maybes.iter().any(|m| m.number == *param) {
                        args.extend(self.deliver_maybe(head, (f, r), v, *param));
                    } else if let Some(parts) = head.complexes.iter().find(|c| c.1 == *param) {
                        args.extend(self.deliver_complex(head, (f, r), v, *parts));
                    } else {
                        let arg = self.deliver(head, (f, r), v, *param);
                        delivered.push((*place, arg));
                        args.push(arg);
                    }
                }
                Place::Iter(i, field) => {
                    let iter = self.origin(heads[i].iter);
                    let found = self.state.iters.iter().find(|c| self.origin(c.iter) == iter);
                    let cache = found.expect("made sure above");
                    args.push(cache.fields[field]);
                }
            }
        }
        self.pass_on(head, &delivered);
        self.jump(head.block, args);
    }

    /// The arguments of a back edge for a variable that may be unbound: whether it is bound, and its number.
    fn deliver_maybe(&mut self, head: &Head, (f, r): (usize, usize), v: Val, param: Val) -> [Val; 2] {
        let ty = self.func[param].ty;
        let v = if v.is_none() { self.unbound() } else { v };
        let maybe = match self.as_maybe(v, ty) {
            Some(maybe) => maybe,
            None => {
                let fact = self.sticky.heads.entry((head.path, head.pc, f as u16, r as u16)).or_default();
                fact.boxed = true;
                self.restart = true;
                let bound = self.emit(Op::ConstBool, Type::Bool, &[], 1);
                Maybe { bound, number: param }
            }
        };
        [maybe.bound, maybe.number]
    }

    /// The arguments of a back edge for a complex number.
    fn deliver_complex(&mut self, head: &Head, (f, r): (usize, usize), v: Val, params: Parts) -> [Val; 2] {
        if !v.is_none()
            && let Some((re, im)) = self.complex_parts(v)
        {
            return [re, im];
        }
        self.sticky.heads.entry((head.path, head.pc, f as u16, r as u16)).or_default().boxed = true;
        self.restart = true;
        [params.0, params.1]
    }

    /// The argument of a back edge for a register; notes it where the head assumed too much.
    fn deliver(&mut self, head: &Head, (f, r): (usize, usize), v: Val, param: Val) -> Val {
        let key = (head.path, head.pc, f as u16, r as u16);
        let ty = self.func[param].ty;
        let v = if v.is_none() { self.unbound() } else { v };
        let is_word = head.words.contains(&param);
        if is_word && let Some(bits) = self.exact_bits(v, None) {
            return bits;
        }
        let fact = self.sticky.heads.entry(key).or_default();
        if is_word {
            fact.boxed = true;
            self.restart = true;
            return param;
        }
        if !fact.boxed && !fact.word && self.words.get(&v).is_some_and(|w| w.exact) {
            fact.word = true;
            self.restart = true;
        }
        let open = !fact.boxed && fact.maybe.is_none();
        if open
            && let Some(first) = self.initial.get(&param).copied()
            && (self.is_unbound(first) || self.maybes.contains_key(&first))
            && let Some(ty) = self.maybe_type(&[first, v])
        {
            self.sticky.heads.entry(key).or_default().maybe = Some(ty);
            self.restart = true;
        }
        let assumed = self.info[param.0 as usize];
        let delivered = self.func[v].ty;
        let is_own = f + 1 == self.state.frames.len();
        if open
            && ty == Type::Val
            && fact_is_new(self.sticky.heads.get(&key))
            && self.begins_as(param, delivered, is_own.then_some((head.pc as usize, r)))
        {
            self.sticky.heads.entry(key).or_default().unboxed = Some(delivered);
            self.restart = true;
        }
        let first = self.initial.get(&param).copied();
        if open
            && ty == Type::Val
            && is_own
            && fact_is_new(self.sticky.heads.get(&key))
            && self.complexes.contains_key(&v)
            && first.is_some_and(|first| self.is_complex_now(first))
        {
            self.sticky.heads.entry(key).or_default().complex = true;
            self.restart = true;
        }
        let fact = self.sticky.heads.entry(key).or_default();
        if ty == Type::Int && delivered == Type::Int {
            let seen = (self.info[v.0 as usize].lo, self.info[v.0 as usize].hi);
            let range = narrowed((assumed.lo, assumed.hi), fact.range, seen);
            self.restart |= range != fact.range;
            fact.range = range;
        }
        if ty == Type::Val {
            let info = self.info[v.0 as usize];
            if assumed.bound && self.func[v].ty == Type::Val && !info.bound {
                fact.nullable = true;
                self.restart = true;
            }
            if !assumed.class.is_null() {
                let same = self.class_of(v).is_some_and(|c| std::ptr::eq(c, assumed.class));
                if !same {
                    self.sticky.heads.entry(key).or_default().any_class = true;
                    self.restart = true;
                }
            }
        }
        match self.convert(v, ty) {
            Some(v) => v,
            None => {
                self.sticky.heads.entry(key).or_default().boxed = true;
                self.restart = true;
                // Of the right type, so that the rest of the attempt can be built.
                param
            }
        }
    }

    /// Forgets shapes: something may have changed them.
    pub fn kill_shapes(&mut self) {
        self.state.fields.clear();
        self.state.shapes.clear();
        self.state.sets.clear();
        for open in &self.loops {
            let known = !open.before.shapes.is_empty() || !open.before.sets.is_empty();
            if open.keeps_shapes && self.is_inside(open) && known {
                self.sticky.kills.insert((self.contexts[open.context].path, open.pc));
                self.restart = true;
            }
        }
    }
}
