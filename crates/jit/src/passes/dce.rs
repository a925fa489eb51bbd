//! Dead code elimination: removes instructions whose results nobody needs, parameters included, and what is stored into new
//! objects that nobody needs. Tuples, instances and boxes that only
//! exits need are removed, too: exits make them.

use std::collections::HashMap;

use crate::ir::{Func, Op, StateId, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let mut live = vec![false; func.insts.len()];
    let mut work: Vec<Val> = Vec::new();
    // What is stored into a new object is needed if the object is: (store, by object).
    let mut stores: HashMap<Val, Vec<Val>> = HashMap::new();
    for b in &rpo {
        for v in func[*b].insts.iter().copied().filter(|v| !func.is_removable(*v)) {
            let inst = &func[v];
            match (inst.op, inst.args.first()) {
                (Op::Store | Op::Barrier, Some(base)) if func[*base].op == Op::Alloc => {
                    stores.entry(*base).or_default().push(v);
                }
                _ => work.push(v),
            }
        }
    }
    // Arguments of edges are needed if their parameter is: (argument, by parameter).
    let mut feeds: Vec<Vec<Val>> = vec![vec![]; func.insts.len()];
    for b in &rpo {
        for e in &func[*b].edges {
            for (p, a) in func[e.to].params.iter().zip(&e.args) {
                feeds[p.0 as usize].push(*a);
            }
        }
    }
    while let Some(v) = work.pop() {
        if std::mem::replace(&mut live[v.0 as usize], true) {
            continue;
        }
        work.extend(stores.remove(&v).unwrap_or_default());
        work.extend(&func[v].args);
        work.extend(&feeds[v.0 as usize]);
        if func[v].state != StateId::NONE {
            work.extend(func.needed_by(func[v].state));
            work.extend(func.pushed_by(v));
        }
    }
    for b in rpo {
        let keep: Vec<bool> = func[b].params.iter().map(|p| live[p.0 as usize]).collect();
        func[b].insts.retain(|v| live[v.0 as usize]);
        super::params::keep(func, b, &keep);
    }
}
