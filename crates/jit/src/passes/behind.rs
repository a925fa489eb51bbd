//! Values of a loop that exits of a later loop name, old values of variables for the most part, get a name of their own where the first
//! loop is left. Under their own name they would be stored for those exits where they are defined, in every round.

use std::collections::HashMap;

use super::licm::{Loop, loops};
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Func, Inst, Op, StateId, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let all = loops(func, &rpo, &dom);
    if all.len() < 2 {
        return;
    }
    let mut entries = vec![0; func.blocks.len()];
    rpo.iter().flat_map(|b| &func[*b].edges).for_each(|e| entries[e.to.0 as usize] += 1);
    for l in &all {
        let is_inside = |b: BlockId| l.body[b.0 as usize];
        for b in rpo.iter().filter(|b| is_inside(**b)) {
            for edge in 0..func[*b].edges.len() {
                let to = func[*b].edges[edge].to;
                if is_inside(to) || entries[to.0 as usize] != 1 || !func[to].params.is_empty() {
                    continue;
                }
                let behind: Vec<BlockId> = rpo.iter().copied().filter(|b| dom.dominates(to, *b)).collect();
                let later = |b: BlockId| all.iter().any(|o| o.body[b.0 as usize] && !o.body[l.head.0 as usize]);
                let later: Vec<BlockId> = behind.iter().copied().filter(|b| later(*b)).collect();
                if !later.is_empty() {
                    rename(func, l, (*b, edge), &behind, &later);
                }
            }
        }
    }
}

/// Gives what exits in `later` name of the loop's values other names in all blocks of `behind`, the first of which the edge leads to.
fn rename(func: &mut Func, l: &Loop, (from, edge): (BlockId, usize), behind: &[BlockId], later: &[BlockId]) {
    let mut own = vec![false; func.insts.len()];
    for (b, _) in func.blocks.iter().zip(&l.body).filter(|(_, inside)| **inside) {
        b.params.iter().chain(&b.insts).for_each(|v| own[v.0 as usize] = true);
    }
    let is_own = |v: Val| own.get(v.0 as usize) == Some(&true);
    let mut values: Vec<Val> = vec![];
    let mut boxes: Vec<Val> = vec![];
    let named = later.iter().flat_map(|b| &func[*b].insts).filter(|v| func[**v].state != StateId::NONE);
    let mut work: Vec<Val> = named.flat_map(|v| func.states[func[*v].state.0 as usize].values()).collect();
    work.sort();
    work.dedup();
    while let Some(v) = work.pop() {
        let inst = &func[v];
        match inst.op {
            // It stands in no block.
            Op::Maybe if inst.args.iter().all(|a| is_own(*a)) => {
                boxes.push(v);
                values.extend(&inst.args);
            }
            // Exits make it of what is in it.
            op if !is_own(v) && (is_box(op) || op.is_made_by_exits()) => work.extend(&inst.args),
            _ if !is_own(v) => {}
            Op::BoxInt | Op::BoxFloat if is_own(inst.args[0]) => {
                boxes.push(v);
                values.push(inst.args[0]);
            }
            op if is_box(op) || op.is_made_by_exits() => {}
            op if op == Op::Param || !inst.args.is_empty() => values.push(v),
            _ => {}
        }
    }
    for found in [&mut values, &mut boxes] {
        found.sort();
        found.dedup();
    }
    if values.is_empty() {
        return;
    }
    let first = behind[0];
    let mut map: HashMap<Val, Val> = HashMap::new();
    func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
    for v in &values {
        let p = func.add_param(first, func[*v].ty);
        func.ranges.push(func.range(*v));
        map.insert(*v, p);
    }
    for v in boxes {
        let args = func[v].args.iter().map(|a| map[a]).collect();
        let made = func.add_inst(Inst { args, ..func[v].clone() });
        func[first].insts.insert(0, made);
        map.insert(v, made);
    }
    apply(func, behind, &map);
    func[from].edges[edge].args = values;
}

/// A number or a character in a box that an exit can make.
fn is_box(op: Op) -> bool {
    matches!(op, Op::Maybe | Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxComplex | Op::BoxBool)
}

/// Renames values in some blocks.
fn apply(func: &mut Func, blocks: &[BlockId], map: &HashMap<Val, Val>) {
    let renamed = |v: Val| map.get(&v).copied().unwrap_or(v);
    let mut states: HashMap<StateId, StateId> = HashMap::new();
    let mut state_of = |func: &mut Func, state: StateId| {
        if state == StateId::NONE || !func.states[state.0 as usize].values().any(|v| map.contains_key(&v)) {
            return state;
        }
        *states.entry(state).or_insert_with(|| {
            // Elsewhere it may be in use as it is.
            let mut copy = func.states[state.0 as usize].clone();
            copy.map(renamed);
            func.add_state(copy)
        })
    };
    for b in blocks {
        func[*b].enter = state_of(func, func[*b].enter);
        for v in func[*b].insts.clone() {
            func[v].state = state_of(func, func[v].state);
            func[v].args.iter_mut().for_each(|a| *a = renamed(*a));
        }
        func[*b].edges.iter_mut().flat_map(|e| &mut e.args).for_each(|a| *a = renamed(*a));
    }
}
