//! Lists that a loop fills with ints: where every round appends one to a list that was made in front of the loop, its size goes round the
//! loop as a number, rounds begin by making sure that there is room (`counters` lets them do that only now and then), and an append is a store. The
//! list itself learns its size where the loop is left; exits tell it, too. What it holds behind the size that it knows are small ints, which the
//! collector need not see.

use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::gvn::{Clobber, Homes, clobbers, origin, read_alias};
use super::dce;
use super::licm::{Loop, loops};
use crate::build::items::SIZE;
use crate::build::values::at;
use crate::exits::Reason;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Cond, Edge, Effect, Func, Inst, Op, PendingStore, StateId, Type, Val};

/// Most blocks of a loop: its exits are told apart by the ways to them.
const MOST_BLOCKS: usize = 64;

/// Runs the pass.
pub fn run(func: &mut Func) {
    if !func.rpo().iter().flat_map(|b| &func[*b].insts).any(|v| func[*v].op == Op::ListAppend) {
        return;
    }
    // Loads whose results are known by now would stand in the way.
    dce::run(func);
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let all = loops(func, &rpo, &dom);
    let homes = Homes::of(func, &rpo, &dom);
    let innermost = |l: &&Loop| all.iter().all(|o| o.head == l.head || !l.body[o.head.0 as usize]);
    let found: Vec<Filled> = all.iter().filter(innermost).filter_map(|l| Filled::of(func, &rpo, &dom, &homes, l)).collect();
    for filled in found {
        filled.change(func);
    }
}

/// A loop that fills a list.
struct Filled {
    head: BlockId,
    front: BlockId,
    /// Where the head looks for interrupts.
    check: usize,
    /// The loop's blocks.
    blocks: Vec<BlockId>,
    inside: Vec<bool>,
    /// The append and its block.
    append: Val,
    at: BlockId,
    /// The other blocks of the loop that run behind it in their round.
    behind: Vec<BlockId>,
}

/// The only append of a loop, if nothing in it, and no load, may concern its list otherwise.
fn only_append(func: &Func, homes: &Homes, blocks: &[BlockId]) -> Option<(Val, BlockId)> {
    let insts = || blocks.iter().flat_map(|b| func[*b].insts.iter().map(move |v| (*v, *b)));
    let mut appends = insts().filter(|(v, _)| func[*v].op == Op::ListAppend);
    let (append, None) = (appends.next()?, appends.next()) else { return None };
    let list = origin(func, func[append.0].args[0]);
    if func[list].op != Op::NewList || func[func[append.0].args[1]].op != Op::BoxInt {
        return None;
    }
    let own = Clobber::List(list);
    let harmless = |v: Val| {
        let inst = &func[v];
        let names = inst.args.iter().any(|a| origin(func, *a) == list);
        let quiet = match inst.op.info().effect {
            Effect::Pure | Effect::Ends => true,
            Effect::Guard => !matches!(inst.op, Op::CheckValid | Op::GuardPlain),
            Effect::Reads => read_alias(inst).is_some_and(|alias| {
                !matches!(alias, Alias::ListSize | Alias::ListItems) || !homes.hits(func, own, inst)
            }),
            Effect::Writes => match clobbers(func, inst) {
                Clobber::Nothing | Clobber::Field(..) => true,
                Clobber::One(alias) => !matches!(alias, Alias::ListSize | Alias::ListItems | Alias::Reg),
                Clobber::List(_) | Clobber::Some(_) | Clobber::All => false,
            },
            Effect::Allocates | Effect::Calls => false,
        };
        quiet && !names
    };
    insts().all(|(v, _)| v == append.0 || harmless(v)).then_some(append)
}

/// The blocks of the loop that are reached from the edges of a block, or from a block on, without passing `but`.
fn reached(func: &Func, inside: &[bool], from: Vec<BlockId>, but: &[BlockId]) -> Vec<BlockId> {
    let (mut found, mut work) = (vec![], from);
    while let Some(b) = work.pop() {
        if inside.get(b.0 as usize) == Some(&true) && !but.contains(&b) && !found.contains(&b) {
            found.push(b);
            work.extend(func[b].edges.iter().map(|e| e.to));
        }
    }
    found
}

fn plain(op: Op, ty: Type, args: &[Val], imm: u64) -> Inst {
    Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 }
}

/// Appends an instruction to a block that has no end yet.
fn push(func: &mut Func, b: BlockId, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
    let v = func.add_inst(plain(op, ty, args, imm));
    func[b].insts.push(v);
    v
}

/// What says whether an int is small, at the end of a block that has no end yet; none if it certainly is.
fn push_small(func: &mut Func, b: BlockId, number: Val) -> Option<Val> {
    let (lo, hi) = func.interval(number);
    let (of, limit, cond) = match (lo >= INT_MIN, hi <= INT_MAX) {
        (true, true) => return None,
        (true, false) => (number, INT_MAX, Cond::Le),
        (false, true) => (number, INT_MIN, Cond::Ge),
        (false, false) => {
            let least = push(func, b, Op::ConstInt, Type::Int, &[], -INT_MIN as u64);
            (push(func, b, Op::Add, Type::Int, &[number, least], 0), 0, Cond::Ge)
        }
    };
    let limit = push(func, b, Op::ConstInt, Type::Int, &[], limit as u64);
    Some(push(func, b, Op::ICmp, Type::Bool, &[of, limit], cond as u64))
}

/// The int of which a guard asks, as `carry` does, whether it is small.
fn asks_small(func: &Func, guard: Val) -> Option<Val> {
    let test = func[guard].args.first().map(|v| &func[*v]).filter(|_| func[guard].op == Op::Guard)?;
    let is_test = test.op == Op::ICmp && test.imm == Cond::Ge as u64 && func.as_const_int(test.args[1]) == Some(0);
    let sum = Some(&func[*test.args.first()?]).filter(|sum| is_test && sum.op == Op::Add)?;
    (func.as_const_int(sum.args[1]) == Some(-INT_MIN)).then_some(sum.args[0])
}

impl Filled {
    fn of(func: &Func, rpo: &[BlockId], dom: &Dominators, homes: &Homes, l: &Loop) -> Option<Filled> {
        let inside = l.body.clone();
        let blocks: Vec<BlockId> = rpo.iter().copied().filter(|b| inside[b.0 as usize]).collect();
        let outside = |b: &&BlockId| !inside[b.0 as usize] && func[**b].edges.iter().any(|e| e.to == l.head);
        let (&front, None) = (rpo.iter().find(outside)?, rpo.iter().filter(outside).nth(1)) else { return None };
        if func[front].edges.len() != 1 || blocks.len() > MOST_BLOCKS || func[l.head].keeps_checks {
            return None;
        }
        let check = func[l.head].insts.iter().position(|v| func[*v].op == Op::CheckInterrupt)?;
        let (append, at) = only_append(func, homes, &blocks)?;
        let list = func[append].args[0];
        let made = homes.block_of(list)?;
        let ends = blocks.iter().filter(|b| func[**b].edges.iter().any(|e| e.to == l.head));
        if inside[made.0 as usize] || !dom.dominates(made, front) || !ends.copied().all(|b| dom.dominates(at, b)) {
            return None;
        }
        let next = func[at].edges.iter().map(|e| e.to).collect();
        let behind = reached(func, &inside, next, &[l.head]);
        let before = reached(func, &inside, vec![l.head], &[at]);
        // A block that is reached on both ways would not know the size.
        let clear = behind.iter().all(|b| !before.contains(b)) && !behind.contains(&at);
        clear.then_some(Filled { head: l.head, front, check, blocks, inside, append, at, behind })
    }

    fn change(self, func: &mut Func) {
        let (head, front, append, at_block) = (self.head, self.front, self.append, self.at);
        let [list, boxed] = [func[append].args[0], func[append].args[1]];
        // In front of the loop.
        let jump = func[front].insts.pop().expect("a block has an end");
        let first = match self.made_with(func, list) {
            Some(n) => push(func, front, Op::ConstInt, Type::Int, &[], n as u64),
            None => push(func, front, Op::Load, Type::Int, &[list], at(Alias::ListSize, SIZE)),
        };
        func[front].insts.push(jump);
        let size = func.add_param(head, Type::Int);
        func[front].edges[0].args.push(first);
        // Code that keeps leaving there is built anew without this.
        let (state, reason) = (func[func[head].insts[self.check]].state, Reason::Bounds as u8);
        let room = Inst { state, reason, ..plain(Op::ListRoom, Type::Word, &[list, size], 0) };
        let items = func.add_inst(room);
        func[head].insts.insert(self.check + 1, items);
        let position = func[at_block].insts.iter().position(|v| *v == append).expect("it is there");
        // The append: the rest of its block becomes one of its own.
        let rest = func[at_block].insts.split_off(position);
        let next = func.add_block();
        func[next].insts = rest[1..].to_vec();
        func[next].edges = std::mem::take(&mut func[at_block].edges);
        func[next].cold = func[at_block].cold;
        let one = func.add_inst(plain(Op::ConstInt, Type::Int, &[], 1));
        let more = func.add_inst(plain(Op::Add, Type::Int, &[size, one], 0));
        func[next].insts.splice(0..0, [one, more]);
        self.append_in_place(func, (list, func[boxed].args[0], size), items, next);
        for b in self.blocks.iter().copied().chain([next]) {
            for e in func[b].edges.iter_mut().filter(|e| e.to == head) {
                e.args.push(more);
            }
        }
        self.tell(func, list, size, more, next);
    }

    /// The size of the list, if it was made at the end of the block in front.
    fn made_with(&self, func: &Func, list: Val) -> Option<usize> {
        let insts = &func[self.front].insts;
        let behind = &insts[insts.iter().position(|v| *v == list)? + 1..];
        let quiet = |v: &Val| func[*v].op == Op::ListReserve || clobbers(func, &func[*v]) == Clobber::Nothing;
        (func[list].op == Op::NewList && behind.iter().all(quiet)).then(|| func[list].args.len())
    }

    /// The append where the int is small, and elsewhere.
    fn append_in_place(&self, func: &mut Func, (list, number, size): (Val, Val, Val), items: Val, next: BlockId) {
        let b = self.at;
        let to = |to| Edge { to, args: vec![] };
        let small = push_small(func, b, number);
        let fast = match (small, self.guard_before(func, number, next)) {
            (None, _) => b,
            // What the next round asks of the int is asked here.
            (Some(small), Some(guard)) => {
                let moved = Inst { args: vec![small], ..func[guard].clone() };
                let moved = func.add_inst(moved);
                func[b].insts.retain(|v| *v != guard);
                func[b].insts.push(moved);
                b
            }
            (Some(small), None) => {
                let [fast, slow] = [0; 2].map(|_| func.add_block());
                push(func, b, Op::Branch, Type::Void, &[small], 0);
                func[b].edges = vec![to(fast), to(slow)];
                push(func, slow, Op::Store, Type::Void, &[list, size], at(Alias::ListSize, SIZE));
                let boxed = push(func, slow, Op::BoxInt, Type::Val, &[number], 0);
                push(func, slow, Op::ListAppend, Type::Void, &[list, boxed], func[self.append].imm);
                push(func, slow, Op::Jump, Type::Void, &[], 0);
                func[slow].edges = vec![to(next)];
                func[slow].cold = true;
                fast
            }
        };
        // The number itself, which is known to be small here.
        let zero = push(func, fast, Op::ConstInt, Type::Int, &[], 0);
        let known = push(func, fast, Op::Add, Type::Int, &[number, zero], 0);
        func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
        func.ranges[known.0 as usize] = (INT_MIN, INT_MAX);
        let word = push(func, fast, Op::BoxInt, Type::Val, &[known], 0);
        push(func, fast, Op::StoreIndex, Type::Void, &[items, size, word], 0);
        push(func, fast, Op::Jump, Type::Void, &[], 0);
        func[fast].edges = vec![to(next)];
    }

    /// The guard with which a round asks whether the int that the round before has appended is small, if nothing is done between that and the
    /// append, and the first round's is small. The rest of the block with the append is `next` by now.
    fn guard_before(&self, func: &mut Func, number: Val, next: BlockId) -> Option<Val> {
        let is_asked = |p: Val| {
            let passed = |e: &Edge| func[self.head].params.iter().position(|q| *q == p).and_then(|i| e.args.get(i).copied());
            let mut edges = self.blocks.iter().chain([&next]).flat_map(|b| &func[*b].edges).filter(|e| e.to == self.head);
            edges.all(|e| passed(e) == Some(number))
        };
        let insts = &func[self.at].insts;
        let (at, guard, p) = insts.iter().enumerate().find_map(|(at, v)| {
            let p = asks_small(func, *v).filter(|p| is_asked(*p))?;
            Some((at, *v, p))
        })?;
        let quiet = |v: &Val| matches!(func[*v].op.info().effect, Effect::Pure | Effect::Reads | Effect::Guard);
        if !insts[at..].iter().all(quiet) {
            return None;
        }
        let i = func[self.head].params.iter().position(|q| *q == p)?;
        let first = func[self.front].edges[0].args[i];
        let (state, reason) = (func[self.head].enter, Reason::Hoisted as u8);
        let jump = func[self.front].insts.pop().expect("a block has an end");
        let mut known = true;
        if let Some(small) = push_small(func, self.front, first) {
            known = func.hoists_guards && state != StateId::NONE;
            if known {
                let guard = func.add_inst(Inst { state, reason, ..plain(Op::Guard, Type::Void, &[small], 0) });
                func[self.front].insts.push(guard);
            }
        }
        func[self.front].insts.push(jump);
        known.then_some(guard)
    }

    /// Lets exits, and ways out of the loop, tell the list its size: `size` before the append of their round, `more` behind it.
    fn tell(&self, func: &mut Func, list: Val, size: Val, more: Val, next: BlockId) {
        let is_behind = |b: BlockId| b == next || self.behind.contains(&b);
        for b in self.blocks.iter().copied().chain([next]) {
            let known = if is_behind(b) { more } else { size };
            for v in func[b].insts.clone() {
                if func[v].state == StateId::NONE {
                    continue;
                }
                let mut state = func.states[func[v].state.0 as usize].clone();
                state.stores.push(PendingStore { object: list, offset: SIZE as u32, value: known });
                func[v].state = func.add_state(state);
            }
            for e in 0..func[b].edges.len() {
                let to = func[b].edges[e].to.0 as usize;
                // Blocks that are new are inside.
                if self.inside.get(to) != Some(&false) {
                    continue;
                }
                let edge = func[b].edges[e].clone();
                let way = func.add_block();
                func[way].cold = func[edge.to].cold;
                push(func, way, Op::Store, Type::Void, &[list, known], at(Alias::ListSize, SIZE));
                push(func, way, Op::Jump, Type::Void, &[], 0);
                func[way].edges = vec![edge];
                func[b].edges[e] = Edge { to: way, args: vec![] };
            }
        }
    }
}
