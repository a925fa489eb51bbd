//! Makes one of block parameters that always have the same value as each other: those of one block that get equal arguments
//! from everywhere, where such parameters count as equal, and so do their sums with a constant. Of the variables of a loop that are unbound in its first round, the
//! flags that say whether they are bound are such.

use std::collections::HashMap;

use super::bounds::offset;
use crate::ir::{BlockId, Func, Op, Type, Val};

/// What an argument is, as far as it is known at one time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Arg {
    /// A parameter of the class with this number, plus a constant.
    Class(u32, i64),
    Constant(Op, Type, u64),
    Other(Val),
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let mut incoming: HashMap<BlockId, Vec<&[Val]>> = HashMap::new();
    for e in rpo.iter().flat_map(|b| &func[*b].edges) {
        incoming.entry(e.to).or_default().push(&e.args);
    }
    // The class of each parameter: first those of one block and type are together; what gets different arguments is told apart until
    // nothing changes.
    let mut class: Vec<u32> = vec![u32::MAX; func.insts.len()];
    let params: Vec<(BlockId, usize, Val)> = rpo
        .iter()
        .filter(|b| incoming.contains_key(b))
        .flat_map(|b| func[*b].params.iter().enumerate().map(|(i, p)| (*b, i, *p)))
        .collect();
    let mut classes: HashMap<(BlockId, Type), u32> = HashMap::new();
    for (b, _, p) in &params {
        let next = classes.len() as u32;
        class[p.0 as usize] = *classes.entry((*b, func[*p].ty)).or_insert(next);
    }
    let mut count = classes.len();
    if count == params.len() {
        return;
    }
    loop {
        let arg = |v: Val| match func[v].op {
            Op::Param | Op::Add | Op::AddOv | Op::Sub | Op::SubOv => match offset(func, v) {
                (base, k) if class[base.0 as usize] != u32::MAX => Arg::Class(class[base.0 as usize], k),
                _ => Arg::Other(v),
            },
            op @ (Op::ConstInt | Op::ConstFloat | Op::ConstBool | Op::ConstVal) => {
                Arg::Constant(op, func[v].ty, func[v].imm)
            }
            _ => Arg::Other(v),
        };
        let mut split: HashMap<(u32, Vec<Arg>), u32> = HashMap::new();
        let mut after = class.clone();
        for (b, i, p) in &params {
            let args = incoming[b].iter().map(|args| arg(args[*i])).collect();
            let next = split.len() as u32;
            after[p.0 as usize] = *split.entry((class[p.0 as usize], args)).or_insert(next);
        }
        class = after;
        if split.len() == count {
            break;
        }
        count = split.len();
    }
    if count == params.len() {
        return;
    }
    let mut first: HashMap<u32, Val> = HashMap::new();
    let mut map: HashMap<Val, Val> = HashMap::new();
    for (_, _, p) in &params {
        let kept = *first.entry(class[p.0 as usize]).or_insert(*p);
        if kept != *p {
            map.insert(*p, kept);
        }
    }
    for b in rpo {
        let keep: Vec<bool> = func[b].params.iter().map(|p| !map.contains_key(p)).collect();
        super::params::keep(func, b, &keep);
    }
    func.rename(|v| map.get(&v).copied().unwrap_or(v));
}
