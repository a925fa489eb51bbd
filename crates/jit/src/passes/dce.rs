//! Dead code elimination: removes instructions whose results nobody needs, parameters included, and what is stored into new
//! objects that nobody needs. Tuples, instances and boxes that only
//! exits need are removed, too: exits make them. With instances go the guards that their attributes fit.

use std::collections::{HashMap, HashSet};

use crate::ir::{BlockId, Func, Op, StateId, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let mut live = vec![false; func.insts.len()];
    let mut work: Vec<Val> = Vec::new();
    // What is stored into a new object is needed if the object is: (store, by object).
    let mut stores: HashMap<Val, Vec<Val>> = HashMap::new();
    // What is guarded to fit a new instance: (guard, by the instance's number).
    let mut fits: HashMap<u64, Vec<Val>> = HashMap::new();
    let unseen = unseen_stores(func, &rpo);
    for b in &rpo {
        for v in func[*b].insts.iter().copied().filter(|v| !func.is_removable(*v)) {
            let inst = &func[v];
            match (inst.op, inst.args.first()) {
                (Op::Store | Op::Barrier, Some(base)) if func[*base].op == Op::Alloc => {
                    stores.entry(*base).or_default().push(v);
                }
                (Op::Store, _) if unseen.contains(&v) => {}
                (Op::GuardDouble, _) if inst.imm != 0 => fits.entry(inst.imm - 1).or_default().push(v),
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
        if func[v].op == Op::NewInstance {
            work.extend(fits.remove(&func[v].imm).unwrap_or_default());
        }
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

/// Stores to iterators that only exits know, none of them behind the store: loops that have come to their end say so to iterators that nobody
/// will see any more.
fn unseen_stores(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let mut found: Vec<(Val, BlockId)> = vec![];
    for b in rpo {
        let is_store = |v: &Val| func[*v].op == Op::Store && func[func[*v].args[0]].op == Op::NewIterator;
        found.extend(func[*b].insts.iter().copied().filter(is_store).map(|v| (v, *b)));
    }
    if found.is_empty() {
        return HashSet::new();
    }
    let used = used_iterators(func, rpo);
    // The iterators that states name, by block, with the position of the last such state.
    let mut named: HashMap<(BlockId, Val), usize> = HashMap::new();
    let mut home: HashMap<Val, BlockId> = HashMap::new();
    for b in rpo {
        for (at, v) in func[*b].insts.iter().enumerate() {
            if func[*v].op == Op::NewIterator {
                home.insert(*v, *b);
            }
            let Some(state) = func.states.get(func[*v].state.0 as usize) else { continue };
            let mut work: Vec<Val> = state.values().collect();
            while let Some(v) = work.pop() {
                if func[v].op.is_made_by_exits() {
                    named.insert((*b, v), at);
                    work.extend(&func[v].args);
                }
            }
        }
    }
    let seen_behind = |store: Val, b: BlockId| {
        let it = func[store].args[0];
        let at = func[b].insts.iter().position(|v| *v == store).expect("it is there");
        if named.get(&(b, it)).is_some_and(|last| *last > at) {
            return true;
        }
        let mut reached = vec![false; func.blocks.len()];
        let mut work: Vec<BlockId> = func[b].edges.iter().map(|e| e.to).collect();
        while let Some(b) = work.pop() {
            // Where it is made, it is another one.
            if std::mem::replace(&mut reached[b.0 as usize], true) || home.get(&it) == Some(&b) {
                continue;
            }
            if named.contains_key(&(b, it)) {
                return true;
            }
            work.extend(func[b].edges.iter().map(|e| e.to));
        }
        false
    };
    let unseen = found.into_iter().filter(|(v, b)| !used.contains(&func[*v].args[0]) && !seen_behind(*v, *b));
    unseen.map(|(v, _)| v).collect()
}

/// Iterators that something besides exits, stores to them, and others that only exits know, needs.
fn used_iterators(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let mut used: HashSet<Val> = HashSet::new();
    let mut work: Vec<Val> = vec![];
    let mut parts: HashMap<Val, Vec<Val>> = HashMap::new();
    for b in rpo {
        for v in &func[*b].insts {
            let inst = &func[*v];
            if inst.op.is_made_by_exits() {
                parts.insert(*v, inst.args.clone());
                continue;
            }
            let skip = usize::from(inst.op == Op::Store);
            work.extend(inst.args.iter().skip(skip));
            work.extend(func.pushed_by(*v));
        }
        work.extend(func[*b].edges.iter().flat_map(|e| &e.args));
    }
    while let Some(v) = work.pop() {
        if used.insert(v) {
            work.extend(parts.get(&v).into_iter().flatten());
        }
    }
    used
}
