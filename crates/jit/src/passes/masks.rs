//! Arithmetic under a mask: an operation of whose result only low bits are used, because a mask or operations that end in one
//! follow, cannot go wrong by overflow: modulo 2^64 these bits are right.

use crate::ir::{Func, Op, StateId, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    // Values all of whose bits matter to somebody.
    let mut full = vec![false; func.insts.len()];
    let mut work: Vec<Val> = Vec::new();
    for b in &rpo {
        work.extend(func[*b].edges.iter().flat_map(|e| &e.args));
        for v in &func[*b].insts {
            let inst = &func[*v];
            if !is_modular(func, *v) {
                work.extend(&inst.args);
            }
            // What is not checked in the end does not leave.
            if inst.state != StateId::NONE && !is_modular(func, *v) {
                work.extend(func.states[inst.state.0 as usize].values());
            }
        }
    }
    while let Some(v) = work.pop() {
        if std::mem::replace(&mut full[v.0 as usize], true) {
            continue;
        }
        if is_modular(func, v) {
            if mask(func, v).is_none() {
                work.extend(&func[v].args);
            }
            if func[v].state != StateId::NONE {
                work.extend(func.states[func[v].state.0 as usize].values());
            }
        }
        // What a state names may be in a box.
        if matches!(func[v].op, Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::Maybe) {
            work.extend(&func[v].args);
        }
    }
    for b in &rpo {
        for v in func[*b].insts.clone().into_iter().filter(|v| !full[v.0 as usize]) {
            if is_modular(func, v)
                && let Some(range) = func.ranges.get_mut(v.0 as usize)
            {
                *range = (i64::MIN, i64::MAX);
            }
            let plain = match func[v].op {
                Op::AddOv => Op::Add,
                Op::SubOv => Op::Sub,
                Op::MulOv => Op::Mul,
                Op::ShlOv => Op::Shl,
                _ => continue,
            };
            if is_modular(func, v) {
                func[v].op = plain;
                func[v].state = StateId::NONE;
                func[v].reason = 0;
            }
        }
    }
}

/// The mask, if it is an `&` with one that only lets low bits through.
fn mask(func: &Func, v: Val) -> Option<i64> {
    let inst = &func[v];
    let of = |a: &Val| func.as_const_int(*a).filter(|m| *m >= 0);
    if inst.op == Op::And { inst.args.iter().find_map(of) } else { None }
}

/// Whether the low bits of the result depend on those of the operands alone.
fn is_modular(func: &Func, v: Val) -> bool {
    let inst = &func[v];
    match inst.op {
        Op::Add | Op::Sub | Op::Mul | Op::AddOv | Op::SubOv | Op::MulOv | Op::And | Op::Or | Op::Xor => true,
        Op::Shl | Op::ShlOv => func.as_const_int(inst.args[1]).is_some_and(|n| (0..=62).contains(&n)),
        _ => false,
    }
}
