//! Bits of numbers whose intervals are known: a mask that lets all bits through goes, and shifts in both directions that
//! together fill 32 bits are a rotation.

use crate::ir::{Func, Inst, Op, StateId, Type, Val};

/// The lower 32 bits.
const LOW: i64 = 0xffff_ffff;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let mut map: Vec<Option<Val>> = vec![None; func.insts.len()];
    let mut found = false;
    for b in func.rpo() {
        for v in func[b].insts.clone() {
            let Some((x, mask)) = masked(func, v) else { continue };
            let (lo, hi) = func.range(x);
            if let Some((of, by)) = rotated(func, x).filter(|_| mask == LOW) {
                func[v] = Inst {
                    op: Op::Rotr32,
                    ty: Type::Int,
                    args: vec![of],
                    imm: by,
                    state: StateId::NONE,
                    reason: 0,
                };
            } else if lo >= 0 && mask >= 0 && mask & (mask + 1) == 0 && hi <= mask {
                map[v.0 as usize] = Some(x);
                found = true;
            }
        }
    }
    if !found {
        return;
    }
    for b in &mut func.blocks {
        b.insts.retain(|v| map.get(v.0 as usize).is_none_or(|to| to.is_none()));
    }
    func.rename(|mut v| {
        while let Some(Some(to)) = map.get(v.0 as usize) {
            v = *to;
        }
        v
    });
}

/// `x` and `mask` of `x & mask`.
fn masked(func: &Func, v: Val) -> Option<(Val, i64)> {
    if func[v].op != Op::And {
        return None;
    }
    let (a, b) = (func[v].args[0], func[v].args[1]);
    match (constant(func, a), constant(func, b)) {
        (_, Some(mask)) => Some((a, mask)),
        (Some(mask), _) => Some((b, mask)),
        _ => None,
    }
}

/// A constant, which may be a sum of such.
fn constant(func: &Func, v: Val) -> Option<i64> {
    let inst = &func[v];
    match inst.op {
        Op::ConstInt => Some(inst.imm as i64),
        Op::Add => constant(func, inst.args[0])?.checked_add(constant(func, inst.args[1])?),
        Op::Sub => constant(func, inst.args[0])?.checked_sub(constant(func, inst.args[1])?),
        _ => None,
    }
}

/// What `x >> k | x << 32 - k` of an `x` in 0..2^32 rotates, and by how much.
fn rotated(func: &Func, v: Val) -> Option<(Val, u64)> {
    let inst = &func[v];
    if !matches!(inst.op, Op::Or | Op::Xor | Op::Add) {
        return None;
    }
    let shift = |v: Val| {
        let inst = &func[v];
        let by = |right: bool| Some((inst.args[0], constant(func, inst.args[1])?, right));
        match inst.op {
            Op::Shr | Op::UShr => by(true),
            Op::Shl | Op::ShlOv => by(false),
            _ => None,
        }
    };
    let (a, b) = (shift(inst.args[0])?, shift(inst.args[1])?);
    let (right, left) = if a.2 { (a, b) } else { (b, a) };
    let fills = right.2 && !left.2 && right.0 == left.0 && right.1 > 0 && left.1 > 0 && right.1 + left.1 == 32;
    let (lo, hi) = func.range(right.0);
    (fills && lo >= 0 && hi <= LOW).then_some((right.0, right.1 as u64))
}
