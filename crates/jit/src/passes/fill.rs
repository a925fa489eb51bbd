//! Lists that a loop fills with ints: where every round appends one to a list that was made in front of the loop, size, items and room go round the
//! loop as numbers, and an append is a store. The list itself learns its size where the loop is left and where there is no room; exits tell it,
//! too. What it holds behind the size that it knows are small ints, which the collector need not see.

use taipan_runtime::object::FRESH_WORD;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::gvn::{Clobber, Homes, clobbers, origin, read_alias};
use super::dce;
use super::licm::{Loop, loops};
use crate::build::items::SIZE;
use crate::build::values::at;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Cond, Edge, Effect, Func, Inst, Op, PendingStore, StateId, Type, Val};

/// Offset of the number of items that a list has room for.
const ROOM: usize = 32;
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
    /// The loop's blocks.
    blocks: Vec<BlockId>,
    inside: Vec<bool>,
    /// The append, its block and its position there.
    append: Val,
    at: BlockId,
    position: usize,
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

/// What the loop knows of the list: size, items, and for how many words there is room.
fn load_room(func: &mut Func, b: BlockId, list: Val) -> (Val, Val) {
    let items = push(func, b, Op::Load, Type::Word, &[list], at(Alias::ListItems, 24));
    let kind = push(func, b, Op::Load, Type::Word, &[list], at(Alias::ListItems, 0));
    let fresh = push(func, b, Op::ConstWord, Type::Word, &[], FRESH_WORD);
    let words = push(func, b, Op::WordEq, Type::Bool, &[kind, fresh], 0);
    let room = push(func, b, Op::Load, Type::Int, &[list], at(Alias::ListItems, ROOM));
    // Lists of other kinds have no room for words.
    let none = push(func, b, Op::ConstInt, Type::Int, &[], 0);
    (items, push(func, b, Op::Select, Type::Int, &[words, room, none], 0))
}

impl Filled {
    fn of(func: &Func, rpo: &[BlockId], dom: &Dominators, homes: &Homes, l: &Loop) -> Option<Filled> {
        let inside = l.body.clone();
        let blocks: Vec<BlockId> = rpo.iter().copied().filter(|b| inside[b.0 as usize]).collect();
        let outside = |b: &&BlockId| !inside[b.0 as usize] && func[**b].edges.iter().any(|e| e.to == l.head);
        let (&front, None) = (rpo.iter().find(outside)?, rpo.iter().filter(outside).nth(1)) else { return None };
        if func[front].edges.len() != 1 || blocks.len() > MOST_BLOCKS {
            return None;
        }
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
        let position = func[at].insts.iter().position(|v| *v == append)?;
        // A block that is reached on both ways would not know the size.
        let clear = behind.iter().all(|b| !before.contains(b)) && !behind.contains(&at);
        clear.then_some(Filled { head: l.head, front, blocks, inside, append, at, position, behind })
    }

    fn change(self, func: &mut Func) {
        let (head, front, append, at_block) = (self.head, self.front, self.append, self.at);
        let [list, boxed] = [func[append].args[0], func[append].args[1]];
        let [size, items, room] = [Type::Int, Type::Word, Type::Int].map(|ty| func.add_param(head, ty));
        // In front of the loop.
        let jump = func[front].insts.pop().expect("a block has an end");
        let first = match self.made_with(func, list) {
            Some(n) => push(func, front, Op::ConstInt, Type::Int, &[], n as u64),
            None => push(func, front, Op::Load, Type::Int, &[list], at(Alias::ListSize, SIZE)),
        };
        let (first_items, first_room) = load_room(func, front, list);
        func[front].insts.push(jump);
        func[front].edges[0].args.extend([first, first_items, first_room]);
        // The append: the rest of its block becomes one of its own.
        let rest = func[at_block].insts.split_off(self.position);
        let next = func.add_block();
        func[next].insts = rest[1..].to_vec();
        func[next].edges = std::mem::take(&mut func[at_block].edges);
        func[next].cold = func[at_block].cold;
        let [next_items, next_room] = [Type::Word, Type::Int].map(|ty| func.add_param(next, ty));
        let one = func.add_inst(plain(Op::ConstInt, Type::Int, &[], 1));
        let more = func.add_inst(plain(Op::Add, Type::Int, &[size, one], 0));
        func[next].insts.splice(0..0, [one, more]);
        self.append_in_place(func, (list, func[boxed].args[0], size), (items, room), next);
        for b in self.blocks.iter().copied().chain([next]) {
            for e in func[b].edges.iter_mut().filter(|e| e.to == head) {
                e.args.extend([more, next_items, next_room]);
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

    /// The append where there is room and the int is small, and elsewhere.
    fn append_in_place(&self, func: &mut Func, (list, number, size): (Val, Val, Val), (items, room): (Val, Val), next: BlockId) {
        let [has_room, fast, slow] = [0; 3].map(|_| func.add_block());
        let b = self.at;
        let least = push(func, b, Op::ConstInt, Type::Int, &[], -INT_MIN as u64);
        let sum = push(func, b, Op::Add, Type::Int, &[number, least], 0);
        let zero = push(func, b, Op::ConstInt, Type::Int, &[], 0);
        let small = push(func, b, Op::ICmp, Type::Bool, &[sum, zero], Cond::Ge as u64);
        let to = |to| Edge { to, args: vec![] };
        push(func, b, Op::Branch, Type::Void, &[small], 0);
        func[b].edges = vec![to(has_room), to(slow)];
        let fits = push(func, has_room, Op::ULt, Type::Bool, &[size, room], 0);
        push(func, has_room, Op::Branch, Type::Void, &[fits], 0);
        func[has_room].edges = vec![to(fast), to(slow)];
        // The number itself, which is known to be small here.
        let known = push(func, fast, Op::Add, Type::Int, &[number, zero], 0);
        func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
        func.ranges[known.0 as usize] = (INT_MIN, INT_MAX);
        let word = push(func, fast, Op::BoxInt, Type::Val, &[known], 0);
        push(func, fast, Op::StoreIndex, Type::Void, &[items, size, word], 0);
        push(func, fast, Op::Jump, Type::Void, &[], 0);
        func[fast].edges = vec![Edge { to: next, args: vec![items, room] }];
        push(func, slow, Op::Store, Type::Void, &[list, size], at(Alias::ListSize, SIZE));
        let boxed = push(func, slow, Op::BoxInt, Type::Val, &[number], 0);
        let imm = func[self.append].imm;
        push(func, slow, Op::ListAppend, Type::Void, &[list, boxed], imm);
        let (items, room) = load_room(func, slow, list);
        push(func, slow, Op::Jump, Type::Void, &[], 0);
        func[slow].edges = vec![Edge { to: next, args: vec![items, room] }];
        func[slow].cold = true;
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
