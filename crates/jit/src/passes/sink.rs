//! Moves boxing behind loops: a box of a loop's variable that instructions behind the loop need, and in the loop only exits,
//! is made where it is needed.

use std::collections::HashMap;

use super::licm::loops;
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Func, Op, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let loops = loops(func, &rpo, &Dominators::of(func, &rpo));
    if loops.is_empty() {
        return;
    }
    let mut home: Vec<Option<BlockId>> = vec![None; func.insts.len()];
    for b in &rpo {
        for v in func[*b].insts.iter().filter(|v| is_box(func[**v].op)) {
            home[v.0 as usize] = Some(*b);
        }
    }
    // Whether `b` is in front of or behind the innermost loop around a box's block.
    let outside = |home: Option<BlockId>, b: BlockId| {
        let inner = home.and_then(|h| loops.iter().find(|l| l.body[h.0 as usize]));
        inner.is_some_and(|l| !l.body[b.0 as usize])
    };
    for b in rpo {
        let mut made: HashMap<Val, Val> = HashMap::new();
        let mut insts = Vec::with_capacity(func[b].insts.len());
        let mut old = std::mem::take(&mut func[b].insts);
        let last = old.pop();
        for v in old.into_iter().chain(last) {
            for i in 0..func[v].args.len() {
                let a = func[v].args[i];
                if outside(home.get(a.0 as usize).copied().flatten(), b) {
                    func[v].args[i] = clone(func, a, &mut made, &mut insts);
                }
            }
            if Some(v) == last {
                for e in 0..func[b].edges.len() {
                    for i in 0..func[b].edges[e].args.len() {
                        let a = func[b].edges[e].args[i];
                        if outside(home.get(a.0 as usize).copied().flatten(), b) {
                            func[b].edges[e].args[i] = clone(func, a, &mut made, &mut insts);
                        }
                    }
                }
            }
            insts.push(v);
        }
        func[b].insts = insts;
    }
}

fn is_box(op: Op) -> bool {
    matches!(op, Op::Maybe | Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxBool | Op::BoxComplex)
}

/// The block's own copy of a box.
fn clone(func: &mut Func, v: Val, made: &mut HashMap<Val, Val>, insts: &mut Vec<Val>) -> Val {
    *made.entry(v).or_insert_with(|| {
        let copy = func.add_inst(func[v].clone());
        insts.push(copy);
        copy
    })
}
