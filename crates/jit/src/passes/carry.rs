//! What one round of a loop leaves for the next one: a number in a list that the round before has loaded under the index that is by
//! one step larger is not loaded again, and of a list that was made in front of the loop and that every round appends one item to, size and
//! last item are known. A float in a field of an object that every round replaces by another one need not be loaded, either; if the loop writes the
//! same field of other objects, guards make sure that they are others. All this goes round the loop as parameters of its head.

use std::collections::HashMap;

use taipan_runtime::object::FRESH_WORD;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::bounds::offset;
use super::gvn::{Clobber, Homes, clobbers};
use super::licm::{Loop, loops};
use crate::build::items::SIZE;
use crate::build::values::{alias_of, at, offset_of};
use crate::exits::Reason;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Cond, Func, Inst, Op, StateId, Type, Val};

/// The words of 0 and 0.0.
const ZERO: u64 = 1;
const FLOAT_ZERO: u64 = 2;

/// A loop of the simple form.
struct Round<'a> {
    l: &'a Loop,
    /// The block in front.
    front: BlockId,
    /// The only block that leads back to the head, and by which edge.
    back: (BlockId, usize),
    dom: &'a Dominators,
    blocks: Vec<BlockId>,
    /// By instruction: block and position.
    home: Vec<Option<(BlockId, usize)>>,
    /// Parameters of the head that change by a constant in each round: what they begin with, and the constant.
    steps: HashMap<Val, (Val, i64)>,
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let all = loops(func, &rpo, &dom);
    let mut map: HashMap<Val, Val> = HashMap::new();
    for l in &all {
        let innermost = all.iter().all(|o| o.head == l.head || !l.body[o.head.0 as usize]);
        if !innermost {
            continue;
        }
        if let Some(round) = Round::of(func, &rpo, &dom, l) {
            round.new_lists(func, &mut map);
        }
        // Positions have changed.
        if let Some(round) = Round::of(func, &rpo, &dom, l) {
            let homes = Homes::of(func, &rpo, &dom);
            round.loads(func, &homes, &mut map);
        }
        if func.hoists_guards && !func.keeps_fields && func[l.head].enter != StateId::NONE {
            if let Some(round) = Round::of(func, &rpo, &dom, l) {
                let homes = Homes::of(func, &rpo, &dom);
                round.fields(func, &homes, &mut map);
            }
        }
    }
    if map.is_empty() {
        return;
    }
    for b in rpo {
        func[b].insts.retain(|v| !map.contains_key(v));
    }
    func.rename(|mut v| {
        while let Some(to) = map.get(&v) {
            v = *to;
        }
        v
    });
}

/// Whether an instruction makes sure that an object has a certain shape.
fn is_shape_guard(func: &Func, v: Val, object: Val) -> bool {
    let is_shape = |load: &Inst| load.op == Op::Load && load.args[0] == object && alias_of(load.imm) == Alias::Shape;
    func[v].op == Op::GuardWord && is_shape(&func[func[v].args[0]])
}

fn plain(op: Op, ty: Type, args: &[Val], imm: u64) -> Inst {
    Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 }
}

impl<'a> Round<'a> {
    fn of(func: &Func, rpo: &[BlockId], dom: &'a Dominators, l: &'a Loop) -> Option<Round<'a>> {
        let edges = |inside: bool| {
            let from = rpo.iter().filter(move |b| l.body[b.0 as usize] == inside);
            let edges = from.flat_map(|b| (0..func[*b].edges.len()).map(move |e| (*b, e)));
            edges.filter(|(b, e)| func[*b].edges[*e].to == l.head).collect::<Vec<_>>()
        };
        let (&[(front, 0)], &[back]) = (&edges(false)[..], &edges(true)[..]) else { return None };
        if func[front].edges.len() != 1 {
            return None;
        }
        let blocks: Vec<BlockId> = rpo.iter().copied().filter(|b| l.body[b.0 as usize]).collect();
        let mut home = vec![None; func.insts.len()];
        for b in rpo {
            func[*b].params.iter().for_each(|p| home[p.0 as usize] = Some((*b, 0)));
            func[*b].insts.iter().enumerate().for_each(|(i, v)| home[v.0 as usize] = Some((*b, i)));
        }
        let mut steps = HashMap::new();
        for (i, p) in func[l.head].params.iter().enumerate() {
            let (base, k) = offset(func, func[back.0].edges[back.1].args[i]);
            if base == *p && k != 0 {
                steps.insert(*p, (func[front].edges[0].args[i], k));
            }
        }
        Some(Round { l, front, back, dom, blocks, home, steps })
    }

    fn is_inside(&self, v: Val) -> bool {
        self.home.get(v.0 as usize).copied().flatten().is_none_or(|(b, _)| self.l.body[b.0 as usize])
    }

    /// Whether every round that is followed by another one gets to a block.
    fn is_certain(&self, b: BlockId) -> bool {
        self.dom.dominates(b, self.back.0)
    }

    /// A new parameter of the head.
    fn add_param(&self, func: &mut Func, ty: Type, first: Val, next: Val) -> Val {
        let p = func.add_param(self.l.head, ty);
        func[self.front].edges[0].args.push(first);
        func[self.back.0].edges[self.back.1].args.push(next);
        p
    }

    /// A new instruction at the end of the block in front.
    fn put(&self, func: &mut Func, inst: Inst) -> Val {
        let v = func.add_inst(inst);
        let end = func[self.front].insts.len() - 1;
        func[self.front].insts.insert(end, v);
        v
    }

    /// Lists that were made in front of the loop.
    fn new_lists(&self, func: &mut Func, map: &mut HashMap<Val, Val>) {
        let mut appends: Vec<(Val, Val)> = vec![];
        for b in &self.blocks {
            for v in func[*b].insts.iter().filter(|v| func[**v].op == Op::ListAppend) {
                appends.push((*v, func[*v].args[0]));
            }
        }
        for (append, list) in &appends {
            let made_in_front = func[*list].op == Op::NewList
                && !func[*list].args.is_empty()
                && self.home[list.0 as usize].is_some_and(|(b, _)| b == self.front);
            let only = appends.iter().filter(|(_, l)| l == list).count() == 1;
            let certain = self.home[append.0 as usize].is_some_and(|(b, _)| self.is_certain(b));
            if made_in_front && only && certain && self.is_known(func, *list, *append) {
                self.known_list(func, *list, *append, map);
            }
        }
    }

    /// Whether nothing but the append changes the list from where it was made on.
    fn is_known(&self, func: &Func, list: Val, append: Val) -> bool {
        let uses = |v: Val| v != append && func[v].args.contains(&list) && func[v].op != Op::Load;
        let stores_to = |inst: &Inst| {
            let base = &func[inst.args[0]];
            base.op == Op::Load && base.args[0] == list
        };
        let harmless = |v: Val| match clobbers(func, &func[v]) {
            Clobber::Nothing | Clobber::List(_) | Clobber::Field(..) => true,
            Clobber::One(Alias::ListSize | Alias::ListItems) | Clobber::Some(_) | Clobber::All => false,
            Clobber::One(_) => !(matches!(func[v].op, Op::StoreIndex | Op::StoreRaw) && stores_to(&func[v])),
        };
        let Some((_, made)) = self.home[list.0 as usize] else { return false };
        let in_front = &func[self.front].insts[made + 1..];
        let changes = |v: Val| func[v].op != Op::ListReserve && (clobbers(func, &func[v]) != Clobber::Nothing || uses(v));
        !in_front.iter().any(|v| changes(*v))
            && self.blocks.iter().flat_map(|b| &func[*b].insts).all(|v| harmless(*v) && !uses(*v))
    }

    fn known_list(&self, func: &mut Func, list: Val, append: Val, map: &mut HashMap<Val, Val>) {
        let n = func[list].args.len() as i64;
        let counts = |(p, (first, step)): (&Val, &(Val, i64))| {
            let first = func.as_const_int(*first).filter(|c| *c >= 0 && *c <= 1 << 32);
            first.filter(|_| *step == 1).map(|c| (*p, c))
        };
        let Some((i, first)) = self.steps.iter().filter_map(counts).min() else { return };
        let (block, position) = self.home[append.0 as usize].expect("it is in the loop");
        // Whether something comes in front of the append in its round.
        let before = |v: Val| match self.home[v.0 as usize] {
            Some((b, at)) if b == block => Some(at < position),
            Some((b, _)) if self.dom.dominates(b, block) => Some(true),
            Some((b, _)) if self.dom.dominates(block, b) => Some(false),
            _ => None,
        };
        let is_load = |func: &Func, v: Val, alias: Alias, at: Option<i32>| {
            let inst = &func[v];
            let there = inst.op == Op::Load && inst.args[0] == list && alias_of(inst.imm) == alias;
            there && at.is_none_or(|at| offset_of(inst.imm) == at)
        };
        let insts: Vec<(BlockId, Val)> =
            self.blocks.iter().flat_map(|b| func[*b].insts.iter().map(move |v| (*b, *v))).collect();
        for (b, v) in &insts {
            if let Some(before) = before(*v)
                && is_load(func, *v, Alias::ListSize, None)
            {
                let more = if before { n - first } else { n - first + 1 };
                let k = func.add_inst(plain(Op::ConstInt, Type::Int, &[], more as u64));
                func[*v] = plain(Op::Add, Type::Int, &[i, k], 0);
                let at = func[*b].insts.iter().position(|x| x == v).expect("it is there");
                func[*b].insts.insert(at, k);
            }
        }
        // A list of words stays one, whatever is appended.
        let head = func[list].args[0];
        let words = matches!(func[head].op, Op::BoxInt | Op::BoxBool) || func[head].op == Op::ConstVal && func[head].imm & 1 == 1;
        func[append].imm |= words as u64;
        let last = func[list].args[n as usize - 1];
        for (b, v) in &insts {
            let inst = &func[*v];
            match inst.op {
                Op::GuardWord
                    if words
                        && inst.imm == FRESH_WORD
                        && is_load(func, inst.args[0], Alias::ListItems, Some(0)) =>
                {
                    func[*b].insts.retain(|x| x != v);
                }
                Op::GuardIndex => {
                    let (index, size) = (offset(func, inst.args[0]), offset(func, inst.args[1]));
                    let is_its = func[inst.args[1]].op == Op::Add && self.is_inside(inst.args[1]);
                    if is_its && index.0 == i && size.0 == i && index.1 < size.1 && first + index.1 >= 0 {
                        func[*b].insts.retain(|x| x != v);
                    }
                }
                Op::LoadIndex if is_load(func, inst.args[0], Alias::ListItems, None) => {
                    let (base, k) = offset(func, inst.args[1]);
                    if before(*v) == Some(true) && base == i && k == n - first - 1 {
                        self.last_item(func, *v, (last, func[append].args[1]), map);
                    }
                }
                _ => {}
            }
        }
    }

    /// `load` is `last` in the first round and what the round before has appended in the others.
    fn last_item(&self, func: &mut Func, load: Val, (last, appended): (Val, Val), map: &mut HashMap<Val, Val>) {
        let insts = || self.blocks.iter().flat_map(|b| func[*b].insts.iter().map(move |v| (*b, *v)));
        let is_guard = |g: Val| func[g].op == Op::GuardInt && func[g].args[0] == load;
        let guards: Vec<(BlockId, Val)> = insts().filter(|(_, g)| is_guard(*g)).collect();
        let passed_on = self.blocks.iter().flat_map(|b| &func[*b].edges).any(|e| e.args.contains(&load));
        let used = passed_on || insts().any(|(_, v)| func[v].args.contains(&load) && !is_guard(v));
        let first = match func[last].op {
            Op::BoxInt => Some(func[last].args[0]),
            Op::ConstVal if func[last].imm & 1 == 1 => {
                let i = func[last].imm as i64 >> 1;
                Some(self.put(func, plain(Op::ConstInt, Type::Int, &[], i as u64)))
            }
            _ => None,
        };
        let (Some(first), Op::BoxInt, false, false) = (first, func[appended].op, used, guards.is_empty()) else {
            let p = self.add_param(func, Type::Val, last, appended);
            map.insert(load, p);
            return;
        };
        // The number goes round: the guards only look whether it fits.
        let x = self.add_param(func, Type::Int, first, func[appended].args[0]);
        let boxed = func.add_inst(plain(Op::BoxInt, Type::Val, &[x], 0));
        func[self.l.head].insts.insert(0, boxed);
        map.insert(load, boxed);
        for (b, g) in guards {
            let least = func.add_inst(plain(Op::ConstInt, Type::Int, &[], -INT_MIN as u64));
            let sum = func.add_inst(plain(Op::Add, Type::Int, &[x, least], 0));
            let zero = func.add_inst(plain(Op::ConstInt, Type::Int, &[], 0));
            let small = func.add_inst(plain(Op::ICmp, Type::Bool, &[sum, zero], Cond::Ge as u64));
            let guard = Inst { op: Op::Guard, ty: Type::Void, args: vec![small], ..func[g].clone() };
            let guard = func.add_inst(guard);
            let at = func[b].insts.iter().position(|v| *v == g).expect("it is there");
            func[b].insts.splice(at..at, [least, sum, zero, small, guard]);
            map.insert(g, x);
        }
        func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
        func.ranges[x.0 as usize] = (INT_MIN, INT_MAX);
    }

    /// Floats in fields that every round loads, and then replaces.
    fn fields(&self, func: &mut Func, homes: &Homes, map: &mut HashMap<Val, Val>) {
        let is_slot = |func: &Func, v: Val, op: Op| func[v].op == op && alias_of(func[v].imm) == Alias::Slot;
        let certain = self.blocks.iter().filter(|b| self.is_certain(**b)).flat_map(|b| func[*b].insts.iter().copied());
        let loads: Vec<Val> =
            certain.filter(|v| is_slot(func, *v, Op::Load) && !self.is_inside(func[*v].args[0])).collect();
        // Pairs of objects that are known to be different: (object, the other, guard behind which that is made sure).
        let mut others: Vec<(Val, Val, Val)> = vec![];
        let mut found = vec![];
        for load in loads {
            if let Some(field) = self.field(func, homes, load, &mut others) {
                found.push((load, field));
            }
        }
        for (a, b, behind) in others {
            let same = func.add_inst(plain(Op::ValEq, Type::Bool, &[a, b], 0));
            let differ = func.add_inst(plain(Op::BoolNot, Type::Bool, &[same], 0));
            let (state, reason) = (func[behind].state, Reason::Aliased as u8);
            let guard = Inst { state, reason, ..plain(Op::Guard, Type::Void, &[differ], 0) };
            let guard = func.add_inst(guard);
            let (block, _) = self.home[behind.0 as usize].expect("it is in the loop");
            let at = func[block].insts.iter().position(|v| *v == behind).expect("it is there") + 1;
            func[block].insts.splice(at..at, [same, differ, guard]);
        }
        let enter = func[self.l.head].enter;
        for (load, (guard, next)) in found {
            let first = self.put(func, func[load].clone());
            if guard == load {
                let p = self.add_param(func, Type::Float, first, next);
                map.insert(load, p);
                continue;
            }
            let reason = Reason::Hoisted as u8;
            let guarded = Inst { args: vec![first], state: enter, reason, ..func[guard].clone() };
            let first = self.put(func, guarded);
            let p = self.add_param(func, Type::Float, first, next);
            let boxed = func.add_inst(plain(Op::BoxFloat, Type::Val, &[p], 0));
            func[self.l.head].insts.insert(0, boxed);
            map.insert(guard, p);
            map.insert(load, boxed);
        }
    }

    /// The guard that takes a float out of the field, or the load itself if that is a double, and the number that is in the field when the
    /// next round begins.
    fn field(
        &self,
        func: &Func,
        homes: &Homes,
        load: Val,
        others: &mut Vec<(Val, Val, Val)>,
    ) -> Option<(Val, Val)> {
        let (base, imm) = (func[load].args[0], func[load].imm);
        let is_double = func[load].ty == Type::Float;
        let home = self.home[load.0 as usize].map(|(b, _)| (load, b)).filter(|_| is_double);
        let (mut guard, mut store, mut different) = (home, None, vec![]);
        for b in &self.blocks {
            for v in func[*b].insts.iter().copied().filter(|v| *v != load) {
                let inst = &func[v];
                if inst.args.contains(&load) && !is_double {
                    if inst.op != Op::GuardFloat || guard.replace((v, *b)).is_some() {
                        return None;
                    }
                    continue;
                }
                if inst.op == Op::Load && inst.args[0] == base && inst.imm == imm {
                    return None;
                }
                if !clobbers(func, inst).hits_at(Alias::Slot, Some(offset_of(imm))) {
                    continue;
                }
                match inst.op {
                    Op::Store if inst.args[0] == base && inst.imm == imm => {
                        if store.replace((v, *b)).is_some() {
                            return None;
                        }
                    }
                    Op::Store if inst.imm == imm && self.is_inside(inst.args[0]) => {
                        let behind = self.shape_guard(func, inst.args[0], v)?;
                        different.push((base, inst.args[0], behind));
                    }
                    _ => return None,
                }
            }
        }
        let ((guard, at), (store, b)) = (guard?, store?);
        let passed_on = !is_double && self.blocks.iter().flat_map(|b| &func[*b].edges).any(|e| e.args.contains(&load));
        let in_front = self.home[guard.0 as usize] < self.home[store.0 as usize] || at != b;
        let stored = func[store].args[1];
        let number = match func[stored].op {
            _ if is_double && func[stored].ty == Type::Float => stored,
            Op::BoxFloat if !is_double => func[stored].args[0],
            _ => return None,
        };
        let shaped = homes.in_front(func, self.front).any(|v| is_shape_guard(func, v, base));
        let fits = self.is_certain(at) && self.is_certain(b) && self.dom.dominates(at, b) && in_front;
        if passed_on || !fits || !shaped {
            return None;
        }
        different.retain(|d| !others.iter().any(|o| (o.0, o.1) == (d.0, d.1)));
        different.dedup();
        others.extend(different);
        Some((guard, number))
    }

    /// A guard of the loop, in front of a store, of the shape of an object.
    fn shape_guard(&self, func: &Func, object: Val, store: Val) -> Option<Val> {
        let (b, at) = self.home[store.0 as usize]?;
        let above = self.blocks.iter().filter(|a| self.dom.dominates(**a, b)).flat_map(|a| &func[*a].insts);
        let is_above = |v: Val| self.home[v.0 as usize].is_some_and(|(a, i)| a != b || i < at);
        above.copied().find(|v| is_shape_guard(func, *v, object) && is_above(*v))
    }

    /// Items that the round before has loaded.
    fn loads(&self, func: &mut Func, homes: &Homes, map: &mut HashMap<Val, Val>) {
        let written = self.l.clobbers(func);
        // (load, base of its index, offset)
        let mut found: Vec<(Val, Val, i64)> = vec![];
        for b in self.blocks.iter().filter(|b| self.is_certain(**b)) {
            for v in func[*b].insts.iter().filter(|v| func[**v].op == Op::LoadIndex) {
                let inst = &func[*v];
                let items = &func[inst.args[0]];
                let of_list = items.op == Op::Load && alias_of(items.imm) == Alias::ListItems;
                let (base, k) = offset(func, inst.args[1]);
                let unchanged = !written.iter().any(|c| homes.hits(func, *c, inst));
                if of_list && unchanged && !self.is_inside(inst.args[0]) && self.steps.contains_key(&base) && !map.contains_key(v)
                {
                    found.push((*v, base, k));
                }
            }
        }
        for (load, base, k) in &found {
            let step = self.steps[base].1;
            let same = |a: Val, b: Val| {
                let (a, b) = (&func[a], &func[b]);
                (a.op, a.ty, a.args[0], a.imm) == (b.op, b.ty, b.args[0], b.imm)
            };
            let next = found.iter().find(|(v, i, n)| i == base && k.checked_add(step) == Some(*n) && same(*v, *load));
            if let Some((next, ..)) = next {
                self.carry(func, *load, *next, (*base, *k), map);
            }
        }
    }

    /// `load` is what `next` was in the round before.
    fn carry(&self, func: &mut Func, load: Val, next: Val, (base, k): (Val, i64), map: &mut HashMap<Val, Val>) {
        let guards = |func: &Func, v: Val| -> Vec<(Val, Op)> {
            let all = self.blocks.iter().filter(|b| self.is_certain(**b)).flat_map(|b| &func[*b].insts);
            let on = all.filter(|g| matches!(func[**g].op, Op::GuardInt | Op::GuardFloat) && func[**g].args[0] == v);
            on.map(|g| (*g, func[*g].op)).collect()
        };
        let enter = func[self.l.head].enter;
        // The number in the next one: that is what is carried. Other items, machine numbers among them, are as cheap to load.
        let (guard, next_number) = match (&guards(func, load)[..], &guards(func, next)[..]) {
            (&[(g, op)], &[(h, other), ..]) if op == other && func.hoists_guards && enter != StateId::NONE => (g, h),
            _ => return,
        };
        let inst = func[load].clone();
        let items = inst.args[0];
        let list = func[items].args[0];
        let first = self.steps[&base].0;
        let k = self.put(func, plain(Op::ConstInt, Type::Int, &[], k as u64));
        let index = self.put(func, plain(Op::Add, Type::Int, &[first, k], 0));
        // A loop without rounds may begin where there is no item.
        let size = self.put(func, plain(Op::Load, Type::Int, &[list], at(Alias::ListSize, SIZE)));
        let ok = self.put(func, plain(Op::ULt, Type::Bool, &[index, size], 0));
        let zero = self.put(func, plain(Op::ConstInt, Type::Int, &[], 0));
        let index = self.put(func, plain(Op::Select, Type::Int, &[ok, index, zero], 0));
        // There the first word of the list is read instead.
        let head = self.put(func, plain(Op::Address, Type::Word, &[list], 0));
        let items = self.put(func, plain(Op::SelectWord, Type::Word, &[ok, items, head], 0));
        let item = self.put(func, Inst { args: vec![items, index], ..inst.clone() });
        let nothing = if func[guard].op == Op::GuardFloat { FLOAT_ZERO } else { ZERO };
        let nothing = self.put(func, plain(Op::ConstVal, Type::Val, &[], nothing));
        let item = self.put(func, plain(Op::SelectVal, Type::Val, &[ok, item, nothing], 0));
        let reason = Reason::Hoisted as u8;
        let guarded = Inst { args: vec![item], state: enter, reason, ..func[guard].clone() };
        let first = self.put(func, guarded);
        let p = self.add_param(func, func[guard].ty, first, next_number);
        map.insert(guard, p);
        if func[guard].op == Op::GuardInt {
            func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
            func.ranges[p.0 as usize] = (INT_MIN, INT_MAX);
            let boxed = func.add_inst(plain(Op::BoxInt, Type::Val, &[p], 0));
            func[self.l.head].insts.insert(0, boxed);
            map.insert(load, boxed);
        } else {
            let word = self.add_param(func, Type::Val, item, next);
            map.insert(load, word);
        }
    }
}
