//! Removes block parameters that always get the same value (from everywhere but themselves).

use crate::ir::{BlockId, Func, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    loop {
        let mut map: Vec<Option<Val>> = vec![None; func.insts.len()];
        let mut found = false;
        let rpo = func.rpo();
        // What blocks get, from those that are reached.
        let mut incoming: Vec<Vec<&[Val]>> = vec![vec![]; func.blocks.len()];
        for e in rpo.iter().flat_map(|b| &func[*b].edges) {
            incoming[e.to.0 as usize].push(&e.args);
        }
        for target in &rpo {
            for (i, p) in func[*target].params.iter().enumerate() {
                let mut only = None;
                let mut others = incoming[target.0 as usize].iter().map(|args| args[i]).filter(|a| a != p);
                let same = others.all(|a| *only.get_or_insert(a) == a);
                if same && let Some(v) = only {
                    map[p.0 as usize] = Some(v);
                    found = true;
                }
            }
        }
        if !found {
            return;
        }
        let resolve = |mut v: Val| {
            while let Some(Some(to)) = map.get(v.0 as usize) {
                v = *to;
            }
            v
        };
        for b in 0..func.blocks.len() {
            let keep: Vec<bool> = func.blocks[b].params.iter().map(|p| map[p.0 as usize].is_none()).collect();
            self::keep(func, BlockId(b as u32), &keep);
        }
        func.rename(resolve);
    }
}

/// Leaves only those parameters of a block, and their arguments.
pub fn keep(func: &mut Func, b: BlockId, keep: &[bool]) {
    if keep.iter().all(|k| *k) {
        return;
    }
    let filter = |list: &mut Vec<Val>| {
        let mut i = 0;
        list.retain(|_| {
            i += 1;
            keep[i - 1]
        });
    };
    filter(&mut func[b].params);
    for block in &mut func.blocks {
        for e in block.edges.iter_mut().filter(|e| e.to == b) {
            filter(&mut e.args);
        }
    }
}
