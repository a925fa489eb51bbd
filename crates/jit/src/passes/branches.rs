//! Branches: a condition that a dominating branch or guard has decided is not tested again; a branch to a block that only
//! leaves becomes a guard, which later passes may share and move; a branch that only chooses between two values becomes a
//! select; blocks that follow one another become one.

use std::collections::HashMap;

use crate::ir::verify::Dominators;
use crate::ir::{Block, BlockId, Cond, Edge, Effect, Func, Inst, Op, StateId, Type, Val};

/// Most blocks on the way to an exit that are looked at.
const MAX_CHAIN: usize = 4;
/// Most instructions (boxes, constants) in front of an exit that are copied.
const MAX_COPIED: usize = 16;

/// Runs the pass.
pub fn run(func: &mut Func) {
    decide(func);
    guards(func);
    selects(func);
    join(func);
}

fn count_preds(func: &Func, rpo: &[BlockId]) -> Vec<u32> {
    let mut preds = vec![0; func.blocks.len()];
    for b in rpo {
        for e in &func[*b].edges {
            preds[e.to.0 as usize] += 1;
        }
    }
    preds
}

/// The condition that a truth value stands for, without negations, and whether it is negated.
fn condition(func: &Func, mut v: Val) -> (Val, bool) {
    let mut holds = true;
    while func[v].op == Op::BoolNot {
        v = func[v].args[0];
        holds = !holds;
    }
    (v, holds)
}

/// Replaces branches whose conditions are known, and drops guards that hold.
fn decide(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let preds = count_preds(func, &rpo);
    // By condition: from where on it is known, and what it is.
    let mut known: HashMap<Val, Vec<(BlockId, bool)>> = HashMap::new();
    for b in &rpo {
        let mut kept = Vec::with_capacity(func[*b].insts.len());
        for v in std::mem::take(&mut func[*b].insts) {
            if !matches!(func[v].op, Op::Guard | Op::GuardBranch) {
                kept.push(v);
                continue;
            }
            let (c, holds) = condition(func, func[v].args[0]);
            let facts = known.entry(c).or_default();
            if facts.iter().any(|(home, is)| *is == holds && dom.dominates(*home, *b)) {
                continue;
            }
            facts.push((*b, holds));
            kept.push(v);
        }
        func[*b].insts = kept;
        let Some(last) = func[*b].insts.last().copied().filter(|v| func[*v].op == Op::Branch) else { continue };
        let (c, holds) = condition(func, func[last].args[0]);
        let constant = (func[c].op == Op::ConstBool).then(|| func[c].imm != 0);
        let facts = known.entry(c).or_default();
        let fact = constant.or_else(|| facts.iter().find(|(home, _)| dom.dominates(*home, *b)).map(|f| f.1));
        if let Some(is) = fact {
            let taken = func[*b].edges[(is != holds) as usize].clone();
            func[*b].edges = vec![taken];
            func[last] = Inst { op: Op::Jump, args: vec![], ..func[last].clone() };
            continue;
        }
        let [yes, no] = [0, 1].map(|i| func[*b].edges[i].to);
        if yes == no {
            continue;
        }
        for (to, is) in [(yes, holds), (no, !holds)] {
            if preds[to.0 as usize] == 1 {
                facts.push((to, is));
            }
        }
    }
}

/// The exit that an edge leads to and nothing else, with the boxes and constants in front of it.
fn exit_behind(func: &Func, edge: &Edge) -> Option<(Vec<Val>, Val, HashMap<Val, Val>)> {
    let mut names: HashMap<Val, Val> = HashMap::new();
    let mut copied = Vec::new();
    let mut edge = edge;
    for _ in 0..MAX_CHAIN {
        let block = &func[edge.to];
        for (p, a) in block.params.iter().zip(&edge.args) {
            names.insert(*p, *a);
        }
        let (last, front) = block.insts.split_last()?;
        let light = |v: &Val| func[*v].op.info().effect == Effect::Pure && func.is_removable(*v);
        if !front.iter().all(light) || copied.len() + front.len() > MAX_COPIED {
            return None;
        }
        copied.extend_from_slice(front);
        match func[*last].op {
            Op::Exit => return Some((copied, *last, names)),
            Op::Jump => edge = &block.edges[0],
            _ => return None,
        }
    }
    None
}

/// The value that stands for `v` in front of the branch: arguments stand for parameters, copies for what was copied.
fn renamed(names: &HashMap<Val, Val>, mut v: Val) -> Val {
    while let Some(name) = names.get(&v) {
        v = *name;
    }
    v
}

/// Makes guards of branches to exits.
fn guards(func: &mut Func) {
    for b in func.rpo() {
        let Some(last) = func[b].insts.last().copied().filter(|v| func[*v].op == Op::Branch) else { continue };
        let found = [1, 0].into_iter().find_map(|i| exit_behind(func, &func[b].edges[i]).map(|x| (i, x)));
        let Some((side, (copied, exit, mut names))) = found else { continue };
        func[b].insts.pop();
        for v in copied {
            let mut inst = func[v].clone();
            inst.args.iter_mut().for_each(|a| *a = renamed(&names, *a));
            let copy = func.add_inst(inst);
            names.insert(v, copy);
            func[b].insts.push(copy);
        }
        let Inst { state, reason, .. } = func[exit];
        let mut described = func.states[state.0 as usize].clone();
        described.map(|v| renamed(&names, v));
        let state = if described == func.states[state.0 as usize] { state } else { func.add_state(described) };
        let mut cond = func[last].args[0];
        if side == 0 {
            let plain = Inst { op: Op::BoolNot, ty: Type::Bool, args: vec![cond], imm: 0, state: StateId::NONE, reason: 0 };
            cond = func.add_inst(plain);
            func[b].insts.push(cond);
        }
        let guard = Inst { op: Op::GuardBranch, ty: Type::Void, args: vec![cond], imm: 0, state, reason };
        let guard = func.add_inst(guard);
        func[last] = Inst { op: Op::Jump, args: vec![], ..func[last].clone() };
        let rest = func[b].edges[1 - side].clone();
        func[b].edges = vec![rest];
        func[b].insts.extend([guard, last]);
    }
}

/// Most instructions of a side of a branch that are executed in any case.
const MAX_CHOSEN: usize = 2;
/// Most values that are chosen by selects.
const MAX_SELECTS: usize = 2;

/// One way from a branch to where the ways meet: what it computes, and the edge there.
fn side(func: &Func, preds: &[u32], edge: &Edge) -> (Vec<Val>, Edge) {
    let block = &func[edge.to];
    let own = preds[edge.to.0 as usize] == 1 && block.params.is_empty() && !block.cold;
    if let Some((last, front)) = block.insts.split_last()
        && own
        && func[*last].op == Op::Jump
        && front.len() <= MAX_CHOSEN
        && front.iter().all(|v| is_cheap(func[*v].op) || is_step(func, *v))
    {
        return (front.to_vec(), block.edges[0].clone());
    }
    (vec![], edge.clone())
}

fn is_cheap(op: Op) -> bool {
    matches!(op, Op::ConstInt | Op::Add | Op::Sub | Op::And | Op::Or | Op::Xor)
}

/// A sum with a constant that may overflow.
fn is_step(func: &Func, v: Val) -> bool {
    let inst = &func[v];
    matches!(inst.op, Op::AddOv | Op::SubOv) && func.as_const_int(inst.args[1]).is_some()
}

fn put(func: &mut Func, insts: &mut Vec<Val>, op: Op, ty: Type, args: Vec<Val>, imm: u64) -> Val {
    let v = func.add_inst(Inst { op, ty, args, imm, state: StateId::NONE, reason: 0 });
    insts.push(v);
    v
}

/// The sum where `cond` is `when`, else what it adds to. It leaves where the sum is wanted and overflows, never else.
fn stepped(func: &mut Func, insts: &mut Vec<Val>, step: Val, cond: Val, when: bool) -> Val {
    let Inst { op, args, state, reason, .. } = func[step].clone();
    let k = func.as_const_int(args[1]).expect("a step is a constant");
    let add = op == Op::AddOv;
    let (limit, order) = match (k >= 0, add) {
        (true, true) => (i64::MAX - k, Cond::Le),
        (false, true) => (i64::MIN - k, Cond::Ge),
        (true, false) => (i64::MIN + k, Cond::Ge),
        (false, false) => (i64::MAX + k, Cond::Le),
    };
    let limit = put(func, insts, Op::ConstInt, Type::Int, vec![], limit as u64);
    let fits = put(func, insts, Op::ICmp, Type::Bool, vec![args[0], limit], order as u64);
    let other = if when { put(func, insts, Op::BoolNot, Type::Bool, vec![cond], 0) } else { cond };
    let ok = put(func, insts, Op::BoolOr, Type::Bool, vec![other, fits], 0);
    let guard = func.add_inst(Inst { op: Op::GuardBranch, ty: Type::Void, args: vec![ok], imm: 0, state, reason });
    insts.push(guard);
    let zero = put(func, insts, Op::ConstInt, Type::Int, vec![], 0);
    let chosen = if when { vec![cond, args[1], zero] } else { vec![cond, zero, args[1]] };
    let by = put(func, insts, Op::Select, Type::Int, chosen, 0);
    put(func, insts, if add { Op::Add } else { Op::Sub }, Type::Int, vec![args[0], by], 0)
}

/// Replaces branches that only choose between ints: a mispredicted branch costs more than both.
pub(super) fn selects(func: &mut Func) {
    let rpo = func.rpo();
    let preds = count_preds(func, &rpo);
    for b in rpo.iter().rev() {
        let Some(last) = func[*b].insts.last().copied().filter(|v| func[*v].op == Op::Branch) else { continue };
        let ways = [0, 1].map(|i| side(func, &preds, &func[*b].edges[i]));
        let [(yes, to), (no, other)] = &ways;
        if to.to != other.to {
            continue;
        }
        let differ: Vec<usize> = (0..to.args.len()).filter(|i| to.args[*i] != other.args[*i]).collect();
        let ints = differ.iter().all(|i| [to, other].iter().all(|e| func[e.args[*i]].ty == Type::Int));
        if !ints || differ.is_empty() || differ.len() > MAX_SELECTS {
            continue;
        }
        // Where one way adds a constant and the other does not, the constant or 0 is added.
        let step = |x: Val, y: Val| is_step(func, x) && func[x].args[0] == y;
        let steps: Vec<Val> = [yes, no].into_iter().flatten().copied().filter(|v| is_step(func, *v)).collect();
        let one_way = |x: Val, y: Val| !steps.contains(&x) || step(x, y);
        let fit = differ.iter().map(|i| (to.args[*i], other.args[*i])).all(|(x, y)| one_way(x, y) && one_way(y, x));
        let chosen = |v: Val| differ.iter().any(|i| to.args[*i] == v || other.args[*i] == v);
        let (cond, mut insts) = (func[last].args[0], [yes.clone(), no.clone()].concat());
        insts.retain(|v| !steps.contains(v));
        if !fit || !steps.iter().all(|v| chosen(*v)) || insts.iter().any(|v| func[*v].args.iter().any(|a| steps.contains(a))) {
            continue;
        }
        let (to, other) = (to.clone(), other.clone());
        // In their order: the exit of the second of a way names the sum of the first.
        let mut sums: HashMap<Val, Val> = HashMap::new();
        for step in &steps {
            sums.insert(*step, stepped(func, &mut insts, *step, cond, yes.contains(step)));
        }
        let mut edge = to.clone();
        for i in differ {
            let (x, y) = (to.args[i], other.args[i]);
            edge.args[i] = match sums.get(&x).or(sums.get(&y)) {
                Some(sum) => *sum,
                None => put(func, &mut insts, Op::Select, Type::Int, vec![cond, x, y], 0),
            };
        }
        if steps.len() > 1 {
            func.rename(|v| sums.get(&v).copied().unwrap_or(v));
        }
        for i in [0, 1] {
            let over = func[*b].edges[i].to;
            if over != edge.to {
                func[over] = Block::default();
            }
        }
        func[*b].insts.pop();
        func[*b].insts.extend(insts);
        func[*b].insts.push(last);
        func[last] = Inst { op: Op::Jump, args: vec![], ..func[last].clone() };
        func[*b].edges = vec![edge];
    }
}

/// Appends blocks to the only block that leads to them, if that leads nowhere else.
pub(super) fn join(func: &mut Func) {
    let rpo = func.rpo();
    let mut preds = count_preds(func, &rpo);
    preds[0] += 1;
    let mut map: Vec<Val> = (0..func.insts.len() as u32).map(Val).collect();
    let mut gone = vec![false; func.blocks.len()];
    let mut any = false;
    for b in &rpo {
        if gone[b.0 as usize] {
            continue;
        }
        while let [edge] = &func[*b].edges[..]
            && preds[edge.to.0 as usize] == 1
            && edge.to != *b
        {
            let edge = edge.clone();
            let next = std::mem::take(&mut func[edge.to]);
            for (p, a) in next.params.iter().zip(&edge.args) {
                map[p.0 as usize] = *a;
            }
            let block = &mut func[*b];
            block.insts.pop();
            block.insts.extend(next.insts);
            block.edges = next.edges;
            gone[edge.to.0 as usize] = true;
            any = true;
        }
    }
    if any {
        func.rename(|mut v| {
            while map[v.0 as usize] != v {
                v = map[v.0 as usize];
            }
            v
        });
    }
}
