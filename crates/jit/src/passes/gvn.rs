//! Global value numbering: a pure instruction or guard that a dominating one has computed already is replaced by it; loads
//! are too where nothing in between, within the block, may have written their memory.

use std::collections::HashMap;

use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Effect, Func, Op, Type, Val};

type Key = (Op, Type, Vec<Val>, u64);

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let mut table: HashMap<Key, Vec<(BlockId, Val)>> = HashMap::new();
    let mut map: Vec<Val> = (0..func.insts.len() as u32).map(Val).collect();
    for b in &rpo {
        for v in func[*b].insts.clone() {
            let inst = &mut func[v];
            for a in &mut inst.args {
                *a = map[a.0 as usize];
            }
            let inst = &func[v];
            if !is_numbered(inst.op) {
                continue;
            }
            let key = (inst.op, inst.ty, inst.args.clone(), inst.imm);
            let list = table.entry(key).or_default();
            match list.iter().find(|(home, _)| dom.dominates(*home, *b)) {
                Some((_, earlier)) => {
                    let earlier = *earlier;
                    map[v.0 as usize] = earlier;
                    let block = &mut func[*b].insts;
                    block.retain(|x| *x != v);
                }
                None => list.push((*b, v)),
            }
        }
    }
    let resolved = map;
    func.rename(|v| resolved[v.0 as usize]);
}

/// Whether equal operands give an equal result at any later time.
fn is_numbered(op: Op) -> bool {
    match op.info().effect {
        Effect::Pure => op != Op::Param && op != Op::BoxFloat,
        // The interrupt flag and the validity of the code change.
        Effect::Guard => !matches!(op, Op::CheckInterrupt | Op::CheckValid),
        Effect::Reads | Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}
