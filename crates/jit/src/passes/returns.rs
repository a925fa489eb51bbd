//! Code for a typed entry that only returns numbers gives them back as they are.

use std::collections::HashSet;

use crate::ir::{Func, Op, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    if func.arguments.is_none() || func.returns().is_none() {
        return;
    }
    let rpo = func.rpo();
    let mut boxes: HashSet<Val> = HashSet::new();
    for b in &rpo {
        let Some(end) = func[*b].insts.last().copied().filter(|v| func[*v].op == Op::Return) else { continue };
        let v = func[end].args[0];
        if matches!(func[v].op, Op::BoxInt | Op::BoxFloat) {
            func[end].args = func[v].args.clone();
            boxes.insert(v);
        }
    }
    // Boxes that nobody needs any more would be made in front of branches, and for that the frame be pushed there.
    for b in &rpo {
        let args = func[*b].insts.iter().flat_map(|v| &func[*v].args).chain(func[*b].edges.iter().flat_map(|e| &e.args));
        args.for_each(|a| {
            boxes.remove(a);
        });
    }
    for b in rpo {
        func[b].insts.retain(|v| !boxes.contains(v));
    }
}
