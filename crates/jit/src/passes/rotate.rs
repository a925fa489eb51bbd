//! Loops that test at their end: the block at a loop's head that says whether there is another round is copied in front of the loop, and
//! itself becomes the end of each round. A round then has one jump less, and where it looks for interrupts, and where the loop is left, the
//! variables have the values of the round that ends: old ones need not be kept for it.

use std::collections::HashMap;

use super::branches;
use super::bounds::{offset, steps_freely};
use super::licm::{Loop, loops};
use super::{dce, params};
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Edge, Effect, Func, Inst, Op, StateId, Type, Val};

/// Most instructions of a test that is copied.
const MOST: usize = 16;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let all = loops(func, &rpo, &Dominators::of(func, &rpo));
    let innermost = |l: &&Loop| all.iter().all(|o| o.head == l.head || !l.body[o.head.0 as usize]);
    let tests: Vec<&Loop> = all.iter().filter(innermost).filter(|l| is_test(func, l)).collect();
    if tests.is_empty() {
        return;
    }
    for l in tests {
        rotate(func, l);
    }
    // All ways to the end of a round name its values alike, and exits need less than before.
    params::run(func);
    branches::join(func);
    dce::run(func);
}

/// Whether the loop's head does nothing but say whether there is another round.
fn is_test(func: &Func, l: &Loop) -> bool {
    let head = &func[l.head];
    let Some((last, front)) = head.insts.split_last() else { return false };
    let [yes, no] = &head.edges[..] else { return false };
    let inside = |b: BlockId| l.body.get(b.0 as usize) == Some(&true);
    let stays = inside(yes.to) != inside(no.to) && yes.to != l.head && no.to != l.head;
    let quiet = |v: &Val| matches!(func[*v].op.info().effect, Effect::Pure | Effect::Reads | Effect::Guard);
    // What has been done must not be done again.
    let once = |v: &Val| matches!(func[*v].op, Op::GuardPlain | Op::CheckValid);
    stays && func[*last].op == Op::Branch && front.len() <= MOST && front.iter().all(|v| quiet(v) && !once(v))
}

/// Puts a block on an edge.
pub(super) fn split(func: &mut Func, from: BlockId, edge: usize) -> BlockId {
    let old = func[from].edges[edge].clone();
    let jump = func.add_inst(Inst {
        op: Op::Jump,
        ty: Type::Void,
        args: vec![],
        imm: 0,
        state: StateId::NONE,
        reason: 0,
    });
    let cold = func[old.to].cold;
    let between = func.add_block();
    let block = &mut func[between];
    (block.cold, block.insts, block.edges) = (cold, vec![jump], vec![old]);
    func[from].edges[edge] = Edge { to: between, args: vec![] };
    between
}

/// The part of a function in which some values have names of its own.
pub(super) struct Region {
    /// The block that dominates all its blocks.
    first: BlockId,
    map: HashMap<Val, Val>,
    states: HashMap<StateId, StateId>,
    /// Values of the head that the first block gets as arguments.
    passed: Vec<Val>,
    /// Constants and boxes of the head that the first block makes.
    made: Vec<Val>,
}

impl Region {
    pub fn new(first: BlockId) -> Region {
        Region { first, map: HashMap::new(), states: HashMap::new(), passed: vec![], made: vec![] }
    }

    /// The name of a value in the region. `home`: where values stand, by number.
    fn name(&mut self, func: &mut Func, home: &[Option<BlockId>], head: BlockId, v: Val) -> Val {
        if let Some(name) = self.map.get(&v) {
            return *name;
        }
        let at = home.get(v.0 as usize).copied().flatten();
        if at.is_some_and(|at| at != head) {
            return v;
        }
        let inst = func[v].clone();
        if at.is_some() && !is_remade(&inst) {
            let p = func.add_param(self.first, inst.ty);
            self.passed.push(v);
            self.define(func, v, p);
            return p;
        }
        // What only states name stands nowhere.
        let args: Vec<Val> = inst.args.iter().map(|a| self.name(func, home, head, *a)).collect();
        if at.is_none() && args == inst.args {
            return v;
        }
        let copy = func.add_inst(Inst { args, ..inst });
        if at.is_some() {
            self.made.push(copy);
        }
        self.define(func, v, copy);
        copy
    }

    pub fn define(&mut self, func: &mut Func, v: Val, name: Val) {
        self.map.insert(v, name);
        let range = func.range(v);
        func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
        func.ranges[name.0 as usize] = range;
    }

    fn state(&mut self, func: &mut Func, home: &[Option<BlockId>], head: BlockId, state: StateId) -> StateId {
        if state == StateId::NONE {
            return state;
        }
        if let Some(own) = self.states.get(&state) {
            return *own;
        }
        let mut described = func.states[state.0 as usize].clone();
        described.map(|v| self.name(func, home, head, v));
        let own = if described == func.states[state.0 as usize] { state } else { func.add_state(described) };
        self.states.insert(state, own);
        own
    }

    /// Gives in the first block, from that instruction on, those values their names that have been defined, and no others.
    pub fn rename_from(&mut self, func: &mut Func, from: usize) {
        let mut home = vec![None; func.insts.len()];
        let elsewhere = Some(BlockId(u32::MAX));
        func.blocks.iter().flat_map(|b| b.params.iter().chain(&b.insts)).for_each(|v| home[v.0 as usize] = elsewhere);
        self.rename(func, &home, self.first, (self.first, from));
    }

    /// Gives the values their names in a block from that instruction on.
    fn rename(&mut self, func: &mut Func, home: &[Option<BlockId>], head: BlockId, (b, from): (BlockId, usize)) {
        for at in from..func[b].insts.len() {
            let v = func[b].insts[at];
            let args: Vec<Val> = func[v].args.clone().into_iter().map(|a| self.name(func, home, head, a)).collect();
            let state = self.state(func, home, head, func[v].state);
            (func[v].args, func[v].state) = (args, state);
        }
        func[b].enter = self.state(func, home, head, func[b].enter);
        for e in 0..func[b].edges.len() {
            let args = func[b].edges[e].args.clone();
            func[b].edges[e].args = args.into_iter().map(|a| self.name(func, home, head, a)).collect();
        }
    }
}

/// What a region makes anew.
fn is_remade(inst: &Inst) -> bool {
    let constant = matches!(inst.op, Op::ConstInt | Op::ConstFloat | Op::ConstVal | Op::ConstBool | Op::ConstWord);
    let boxed = matches!(inst.op, Op::Maybe | Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxBool);
    constant || boxed
}

fn rotate(func: &mut Func, l: &Loop) {
    let head = l.head;
    let inside = |b: BlockId| l.body.get(b.0 as usize) == Some(&true);
    let stays = usize::from(!inside(func[head].edges[0].to));
    let (first, behind) = (split(func, head, stays), split(func, head, 1 - stays));
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let mut home = vec![None; func.insts.len()];
    for b in &rpo {
        func[*b].params.iter().chain(&func[*b].insts).for_each(|v| home[v.0 as usize] = Some(*b));
    }
    let others = rpo.iter().copied().filter(|b| *b != head && dom.dominates(head, *b));
    let (body, rest): (Vec<BlockId>, Vec<BlockId>) = others.partition(|b| dom.dominates(first, *b));
    let (after, met): (Vec<BlockId>, Vec<BlockId>) = rest.into_iter().partition(|b| dom.dominates(behind, *b));
    // Where ways out of the head and out of the body meet, its values would need further names.
    if met.iter().any(|b| names_own(func, &home, head, *b)) {
        return;
    }
    let mut regions = [Region::new(first), Region::new(behind)];
    for (region, blocks) in regions.iter_mut().zip([body, after]) {
        for b in blocks {
            region.rename(func, &home, head, (b, 0));
        }
    }
    for region in &regions {
        func[region.first].insts.splice(0..0, region.made.iter().copied());
    }
    let front = copy_in_front(func, &home, head);
    for (i, region) in [stays, 1 - stays].into_iter().zip(&regions) {
        func[head].edges[i].args = region.passed.clone();
        func[front.first].edges[i].args = region.passed.iter().map(|v| front.map[v]).collect();
    }
    for b in rpo.iter().filter(|b| !inside(**b)) {
        func[*b].edges.iter_mut().filter(|e| e.to == head).for_each(|e| e.to = front.first);
    }
    name_by_next(func, l);
}

/// What the next round has of a variable that counts is computed where rounds end, and what the round that ends had is computed from that there:
/// so both need no place at the same time. The head is where rounds end by now.
fn name_by_next(func: &mut Func, l: &Loop) {
    let head = l.head;
    let inside = func.blocks.iter().zip(&l.body).filter(|(_, inside)| **inside);
    let ends: Vec<&Edge> = inside.flat_map(|(b, _)| b.edges.iter().filter(|e| e.to == head)).collect();
    let params = func[head].params.clone();
    // By how much parameter `j` is ahead of parameter `i`.
    let ahead = |i: usize, j: usize| {
        let same = |i: usize| ends.iter().all(|e| e.args[i] == ends[0].args[i]);
        let (of, k) = offset(func, ends.first()?.args[j]);
        let free = steps_freely(func, ends[0].args[j], of);
        (k != 0 && free && of == ends[0].args[i] && same(i) && same(j)).then_some((i, j, of, k))
    };
    let pairs = (0..params.len()).filter_map(|i| (0..params.len()).find_map(|j| ahead(i, j)));
    let found: Vec<(usize, usize, Val, i64)> = pairs.collect();
    if found.is_empty() {
        return;
    }
    let mut own = Region::new(head);
    let mut made = vec![];
    for (i, j, now, k) in found {
        let plain = |op, args, imm| Inst { op, ty: Type::Int, args, imm, state: StateId::NONE, reason: 0 };
        let step = func.add_inst(plain(Op::ConstInt, vec![], k as u64));
        let next = func.add_inst(plain(Op::Add, vec![now, step], 0));
        let behind = func.add_inst(plain(Op::Sub, vec![next, step], 0));
        own.define(func, params[i], behind);
        own.define(func, params[j], next);
        made.extend([step, next, behind]);
    }
    own.rename_from(func, 0);
    func[head].insts.splice(0..0, made);
}

/// Whether a block names values of the head.
fn names_own(func: &Func, home: &[Option<BlockId>], head: BlockId, b: BlockId) -> bool {
    let block = &func[b];
    let states = block.insts.iter().map(|v| func[*v].state).chain([block.enter]).filter(|s| *s != StateId::NONE);
    let mut work: Vec<Val> = states.flat_map(|s| func.states[s.0 as usize].values()).collect();
    work.extend(block.insts.iter().flat_map(|v| &func[*v].args));
    work.extend(block.edges.iter().flat_map(|e| &e.args));
    while let Some(v) = work.pop() {
        match home[v.0 as usize] {
            Some(at) if at == head => return true,
            Some(_) => {}
            None => work.extend(&func[v].args),
        }
    }
    false
}

/// A copy of the head that looks for no interrupts; its edges have no arguments yet.
fn copy_in_front(func: &mut Func, home: &[Option<BlockId>], head: BlockId) -> Region {
    let front = func.add_block();
    let mut copy = Region::new(front);
    for p in func[head].params.clone() {
        let own = func.add_param(front, func[p].ty);
        copy.define(func, p, own);
    }
    for v in func[head].insts.clone() {
        if matches!(func[v].op, Op::CheckInterrupt | Op::CheckSeldom) {
            continue;
        }
        let inst = func[v].clone();
        let args = inst.args.iter().map(|a| copy.name(func, home, head, *a)).collect();
        let state = copy.state(func, home, head, inst.state);
        let made = func.add_inst(Inst { args, state, ..inst });
        func[front].insts.push(made);
        copy.define(func, v, made);
    }
    func[front].edges = func[head].edges.clone();
    copy
}
