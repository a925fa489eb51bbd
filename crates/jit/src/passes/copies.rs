//! Copies of parts of lists that only exits name need not be made, if nothing has written to the list when these exits are taken: the exits
//! make them then.

use std::collections::HashSet;

use crate::helpers::Helper;
use crate::ir::{BlockId, Effect, Func, Op, StateId, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let is_copy = |v: &Val| func[*v].op == Op::CopyItems;
    let mut late: HashSet<Val> = rpo.iter().flat_map(|b| &func[*b].insts).copied().filter(is_copy).collect();
    if late.is_empty() {
        return;
    }
    let insts = || rpo.iter().flat_map(|b| &func[*b].insts);
    let args = insts().flat_map(|v| &func[*v].args).chain(rpo.iter().flat_map(|b| &func[*b].edges).flat_map(|e| &e.args));
    args.for_each(|v| {
        late.remove(v);
    });
    let mut pushed: Vec<Val> = insts().flat_map(|v| func.pushed_by(*v)).collect();
    for b in &rpo {
        let mut unwritten: HashSet<Val> = HashSet::new();
        for v in &func[*b].insts {
            if may_write(func, *v) {
                unwritten.clear();
            }
            if func[*v].state != StateId::NONE {
                let named = func.states[func[*v].state.0 as usize].values();
                pushed.extend(named.filter(|n| late.contains(n) && !unwritten.contains(n)));
            }
            unwritten.insert(*v);
        }
        pushed.extend(named_on_entry(func, *b));
    }
    pushed.iter().for_each(|v| {
        late.remove(v);
    });
    for v in late {
        func[v].op = Op::CopyItemsLate;
    }
}

/// What the state in front of a block names: guards may have been moved there.
fn named_on_entry(func: &Func, b: BlockId) -> Vec<Val> {
    match func[b].enter {
        StateId::NONE => vec![],
        state => func.states[state.0 as usize].values().collect(),
    }
}

fn may_write(func: &Func, v: Val) -> bool {
    match func[v].op.info().effect {
        Effect::Pure | Effect::Guard | Effect::Reads | Effect::Allocates | Effect::Ends => false,
        Effect::Writes => true,
        Effect::Calls => {
            let row = Helper::from_imm(func[v].imm).row();
            func[v].op != Op::Call || row.writes || row.python
        }
    }
}
