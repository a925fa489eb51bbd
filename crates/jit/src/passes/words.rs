//! Bits of numbers whose intervals are known: a mask that lets all bits through goes, and shifts in both directions that
//! together fill 32 bits are a rotation. What is rotated is taken for a number of 32 bits, and guarded to be one where it is found to be an int.

use crate::exits::Reason;
use crate::ir::{BlockId, Func, Inst, Op, StateId, Type, Val};

/// The lower 32 bits.
const LOW: i64 = 0xffff_ffff;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    guard_rotated(func, &rpo);
    let mut map: Vec<Option<Val>> = vec![None; func.insts.len()];
    let mut found = false;
    for b in rpo {
        for v in func[b].insts.clone() {
            let Some((x, mask)) = masked(func, v) else { continue };
            let (lo, hi) = func.range(x);
            if let Some((of, by)) = rotated(func, x).filter(|r| mask == LOW && has_32_bits(func, r.0)) {
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

/// Guards ints that are rotated to have 32 bits, if nothing is known of them and they were not found to have more.
fn guard_rotated(func: &mut Func, rpo: &[BlockId]) {
    let mut found: Vec<Val> = vec![];
    for v in rpo.iter().flat_map(|b| &func[*b].insts) {
        let rotated = masked(func, *v).filter(|m| m.1 == LOW).and_then(|m| rotated(func, m.0));
        let is_wide = |x: Val| func[x].op != Op::GuardInt || func[x].state == StateId::NONE || func.wide.contains(&x);
        found.extend(rotated.map(|r| r.0).filter(|x| !is_wide(*x) && !has_32_bits(func, *x)));
    }
    if found.is_empty() {
        return;
    }
    func.ranges.resize(func.insts.len(), (i64::MIN, i64::MAX));
    for b in rpo {
        for x in func[*b].insts.clone().into_iter().filter(|v| found.contains(v)) {
            let plain = |op, ty, args: &[Val], imm| {
                Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 }
            };
            let limit = func.add_inst(plain(Op::ConstInt, Type::Int, &[], LOW as u64 + 1));
            let fits = func.add_inst(plain(Op::ULt, Type::Bool, &[x, limit], 0));
            let (state, reason) = (func[x].state, Reason::Bits as u8);
            let guard = func.add_inst(Inst { state, reason, ..plain(Op::Guard, Type::Void, &[fits], 0) });
            let at = func[*b].insts.iter().position(|v| *v == x).expect("it is there") + 1;
            func[*b].insts.splice(at..at, [limit, fits, guard]);
            func.ranges[x.0 as usize] = (0, LOW);
        }
    }
}

/// Whether an int is known to be in 0..2^32.
fn has_32_bits(func: &Func, v: Val) -> bool {
    let (lo, hi) = func.range(v);
    lo >= 0 && hi <= LOW
}

/// What `x >> k | x << 32 - k` rotates if `x` is in 0..2^32, and by how much.
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
    fills.then_some((right.0, right.1 as u64))
}
