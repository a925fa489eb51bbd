//! Room for what a loop appends: where every round appends to a list that the loop does not make and the number of rounds is known in
//! front of the loop, the list gets room for all of it there, and need not grow time and again.

use super::bounds::{Emitter, counted};
use super::licm::loops;
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Func, Op, StateId, Type, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let is_append = |func: &Func, v: Val| matches!(func[v].op, Op::ListAppend | Op::ListAppendDouble);
    if !rpo.iter().flat_map(|b| &func[*b].insts).any(|v| is_append(func, *v)) {
        return;
    }
    let dom = Dominators::of(func, &rpo);
    for l in loops(func, &rpo, &dom) {
        let Some(counted) = counted(func, &rpo, &l) else { continue };
        let ends = |b: &&BlockId| l.body[b.0 as usize] && func[**b].edges.iter().any(|e| e.to == l.head);
        let back: Vec<BlockId> = rpo.iter().filter(ends).copied().collect();
        let mut lists: Vec<Val> = vec![];
        for b in rpo.iter().filter(|b| l.body[b.0 as usize] && back.iter().all(|end| dom.dominates(**b, *end))) {
            for v in func[*b].insts.iter().filter(|v| is_append(func, **v)) {
                let list = func[*v].args[0];
                if !counted.inside[list.0 as usize] && !lists.contains(&list) {
                    lists.push(list);
                }
            }
        }
        if lists.is_empty() {
            continue;
        }
        let mut out = Emitter { func, front: counted.front, state: StateId::NONE };
        let count = out.count(&counted.rounds);
        for list in lists {
            out.op(Op::ListReserve, Type::Void, &[list, count], 0);
        }
    }
}
