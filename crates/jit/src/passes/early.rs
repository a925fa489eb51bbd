//! Moves guards that say that a block's parameter is a number of some type to the ends of the ways that lead to the block, and
//! makes the parameter the number, if that is known on one of the ways at least: there it need not be boxed. Such are the results
//! of methods of several classes, or of several `return`s, that are calculated with.

use std::collections::HashMap;

use taipan_runtime::value::{INT_MAX, INT_MIN};

use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Effect, Func, Inst, Op, StateId, Type, Val};

/// Guards by what they are on: where, and which.
type Guards = HashMap<(Op, Val), Vec<(BlockId, Val)>>;

/// Guards that have moved, and the parameters that have taken their places.
type Moved = HashMap<Val, Val>;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    if rpo.iter().all(|b| func[*b].params.iter().all(|p| func[*p].ty != Type::Val)) {
        return;
    }
    let dom = Dominators::of(func, &rpo);
    let mut order = vec![usize::MAX; func.blocks.len()];
    let mut guards = Guards::new();
    for (i, b) in rpo.iter().enumerate() {
        order[b.0 as usize] = i;
        for v in &func[*b].insts {
            if matches!(func[*v].op, Op::GuardFloat | Op::GuardInt) {
                guards.entry((func[*v].op, func[*v].args[0])).or_default().push((*b, *v));
            }
        }
    }
    let mut ways: Vec<Vec<BlockId>> = vec![vec![]; func.blocks.len()];
    for b in &rpo {
        func[*b].edges.iter().for_each(|e| ways[e.to.0 as usize].push(*b));
    }
    let mut moved = Moved::new();
    for b in rpo.iter().rev() {
        let ways = &ways[b.0 as usize];
        let joins = ways.len() > 1
            && ways.iter().all(|w| func[*w].edges.len() == 1 && order[w.0 as usize] < order[b.0 as usize]);
        if joins {
            while let Some((param, guard)) = find(func, *b, ways, &guards, &moved, &dom) {
                split(func, *b, ways, (param, guard), &mut guards, &moved, &dom);
                moved.insert(guard, func[param].args[0]);
            }
        }
    }
    if !moved.is_empty() {
        func.rename(|v| moved.get(&v).copied().unwrap_or(v));
    }
}

fn is_small((lo, hi): (i64, i64)) -> bool {
    lo >= INT_MIN && hi <= INT_MAX
}

/// The number in a value at the end of a block, if it is known.
fn number(func: &Func, v: Val, op: Op, at: BlockId, guards: &Guards, dom: &Dominators) -> Option<Val> {
    let boxed = matches!((func[v].op, op), (Op::BoxFloat, Op::GuardFloat) | (Op::BoxInt, Op::GuardInt));
    // An int in a box need not fit the word.
    if boxed && (op == Op::GuardFloat || is_small(func.range(func[v].args[0]))) {
        return Some(func[v].args[0]);
    }
    guards.get(&(op, v))?.iter().find(|(b, _)| dom.dominates(*b, at)).map(|(_, guard)| *guard)
}

/// A guard that can move, and its parameter.
fn find(
    func: &Func,
    b: BlockId,
    ways: &[BlockId],
    guards: &Guards,
    moved: &Moved,
    dom: &Dominators,
) -> Option<(Val, Val)> {
    for v in &func[b].insts {
        let inst = &func[*v];
        match inst.op.info().effect {
            Effect::Guard | Effect::Pure | Effect::Reads => {}
            Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => return None,
        }
        // Behind these the program does not go on as it would in front of them.
        if matches!(inst.op, Op::GuardBranch | Op::GuardPlain | Op::CheckValid | Op::CheckInterrupt) {
            return None;
        }
        if !matches!(inst.op, Op::GuardFloat | Op::GuardInt) || inst.state == StateId::NONE {
            continue;
        }
        let Some(i) = func[b].params.iter().position(|p| *p == inst.args[0]) else { continue };
        let known = |w: &&BlockId| number(func, func[**w].edges[0].args[i], inst.op, **w, guards, dom).is_some();
        let before = |x: &Val| origin(func, b, *x, moved).is_some();
        if ways.iter().any(|w| known(&w)) && func.states[inst.state.0 as usize].values().all(|x| before(&x)) {
            return Some((inst.args[0], *v));
        }
    }
    None
}

/// What a value of the block was at its start: guards give what they are on, those that have moved the block's parameter.
fn origin(func: &Func, b: BlockId, mut v: Val, moved: &Moved) -> Option<Val> {
    if let Some(number) = moved.get(&v).filter(|number| func[b].params.contains(number)) {
        return Some(*number);
    }
    while func[b].insts.contains(&v) {
        let is_same = matches!(
            func[v].op,
            Op::GuardFloat | Op::GuardInt | Op::GuardBool | Op::GuardClass | Op::GuardConst | Op::GuardBound
        );
        if !is_same {
            return None;
        }
        v = func[v].args[0];
    }
    Some(v)
}

/// Moves the guard.
fn split(
    func: &mut Func,
    b: BlockId,
    ways: &[BlockId],
    (param, guard): (Val, Val),
    guards: &mut Guards,
    moved: &Moved,
    dom: &Dominators,
) {
    let inst = func[guard].clone();
    let i = func[b].params.iter().position(|p| *p == param).expect("it is a parameter");
    let mut state = func.states[inst.state.0 as usize].clone();
    state.map(|v| origin(func, b, v, moved).expect("it was looked at"));
    for w in ways {
        let args = func[*w].edges[0].args.clone();
        let known = match number(func, args[i], inst.op, *w, guards, dom) {
            Some(known) => known,
            None => {
                let mut state = state.clone();
                let params = func[b].params.clone();
                state.map(|v| params.iter().position(|p| *p == v).map_or(v, |at| args[at]));
                let state = func.add_state(state);
                let v = func.add_inst(Inst { args: vec![args[i]], state, ..inst.clone() });
                let at = func[*w].insts.len() - 1;
                func[*w].insts.insert(at, v);
                guards.entry((inst.op, args[i])).or_default().push((*w, v));
                v
            }
        };
        func[*w].edges[0].args[i] = known;
    }
    let number = func.add_inst(Inst {
        op: Op::Param,
        ty: inst.ty,
        args: vec![],
        imm: 0,
        state: StateId::NONE,
        reason: 0,
    });
    func[b].params[i] = number;
    if inst.ty == Type::Int {
        func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
        let (lo, hi) = func.range(guard);
        func.ranges[number.0 as usize] = (lo.max(INT_MIN), hi.min(INT_MAX));
    }
    // Nobody makes it if only exits need it.
    let op = if inst.ty == Type::Float { Op::BoxFloat } else { Op::BoxInt };
    func[param] = Inst { op, ty: Type::Val, args: vec![number], imm: 0, state: StateId::NONE, reason: 0 };
    func[b].insts.retain(|v| *v != guard);
    func[b].insts.insert(0, param);
}
