//! What both ways behind a branch do is done in front of it, and guards on parameters of the block where the ways meet are
//! asked on the ways, where the answer is known for some: ways that then only compute ints become selects. What moves leaves
//! through the state of a guard in front of it; exits that keep being taken there teach the profile not to do so.

use std::collections::HashSet;

use crate::exits::Reason;
use crate::ir::{BlockId, Effect, Func, Inst, Op, StateId, Type, Val};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::{branches, dce, gvn};

/// Runs the pass.
pub fn run(func: &mut Func) {
    // Loads that stand in front of a loop now may be equal.
    gvn::run(func);
    for _ in 0..2 {
        let preds = preds(func);
        hoist(func, &preds);
        ask_on_the_ways(func, &preds);
    }
    // Boxes that are not needed any more would stand in the way.
    dce::run(func);
    branches::selects(func);
    branches::join(func);
}

fn preds(func: &Func) -> Vec<Vec<BlockId>> {
    let mut preds = vec![vec![]; func.blocks.len()];
    for b in func.rpo() {
        for e in &func[b].edges {
            preds[e.to.0 as usize].push(b);
        }
    }
    preds
}

/// Whether nothing happens that can be seen, or cannot be done again.
fn is_quiet(op: Op) -> bool {
    match op.info().effect {
        Effect::Pure | Effect::Reads => true,
        Effect::Guard => !matches!(op, Op::GuardPlain | Op::CheckValid),
        Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}

/// A state to leave through at the end of a block: that of the last guard there or in front, if nothing happened since.
fn state_at_end(func: &Func, preds: &[Vec<BlockId>], mut b: BlockId) -> Option<StateId> {
    loop {
        let (_, front) = func[b].insts.split_last()?;
        for v in front.iter().rev() {
            if !is_quiet(func[*v].op) {
                return None;
            }
            // The state of a guard that stands for a branch is elsewhere.
            if func[*v].op.info().effect == Effect::Guard && func[*v].op != Op::GuardBranch {
                return Some(func[*v].state).filter(|s| *s != StateId::NONE && !has_failed(func, *s));
            }
        }
        let &[only] = preds[b.0 as usize].as_slice() else { return None };
        b = only;
    }
}

/// Whether code left there too often for a guard that had moved.
fn has_failed(func: &Func, state: StateId) -> bool {
    let Some(frame) = func.states[state.0 as usize].frames.last() else { return true };
    // SAFETY: the builder put addresses of live objects there, which the unit keeps alive.
    let code = unsafe { (frame.code as *const CodeObject).as_ref() };
    let profile = code.and_then(|code| crate::profile::profile(code));
    profile.is_some_and(|p| p.failed(frame.pc, Reason::Hoisted))
}

/// Whether it may be done in front of a branch if both ways do it.
fn may_rise(op: Op) -> bool {
    let info = op.info();
    match info.effect {
        Effect::Pure => !matches!(op, Op::Param | Op::AssumeClass | Op::BoxFloat | Op::BoxComplex | Op::BoxChar),
        Effect::Reads => op != Op::LoadReg,
        Effect::Guard => !matches!(
            op,
            Op::GuardPlain | Op::GuardBranch | Op::CheckValid | Op::CheckInterrupt | Op::CheckGlobals
        ),
        Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}

/// Moves what both ways do in front of the branch.
fn hoist(func: &mut Func, preds: &[Vec<BlockId>]) {
    let mut map: Vec<Val> = (0..func.insts.len() as u32).map(Val).collect();
    for b in func.rpo() {
        let [yes, no] = &func[b].edges[..] else { continue };
        let (yes, no) = (yes.to, no.to);
        let single = |to: BlockId| preds[to.0 as usize].len() == 1 && func[to].params.is_empty() && !func[to].cold;
        if yes == no || !single(yes) || !single(no) {
            continue;
        }
        let state = state_at_end(func, preds, b);
        let (mut risen, mut stays): (Vec<Val>, HashSet<Val>) = (vec![], HashSet::new());
        let mut gone: HashSet<Val> = HashSet::new();
        let mut guarded = false;
        for v in func[yes].insts.clone() {
            let inst = &func[v];
            if !is_quiet(inst.op) {
                break;
            }
            let effect = inst.op.info().effect;
            let able = may_rise(inst.op)
                && (effect == Effect::Pure || !guarded)
                && (effect != Effect::Guard || state.is_some())
                && !inst.args.iter().any(|a| stays.contains(a));
            let twin = if able { twin(func, no, v, &map, &gone) } else { None };
            let Some(twin) = twin else {
                stays.insert(v);
                guarded |= effect == Effect::Guard;
                continue;
            };
            map[twin.0 as usize] = v;
            gone.insert(twin);
            risen.push(v);
        }
        if risen.is_empty() {
            continue;
        }
        for v in &risen {
            if func[*v].op.info().effect == Effect::Guard {
                func[*v].state = state.expect("guards rise only with a state");
                func[*v].reason = Reason::Hoisted as u8;
            }
        }
        func[yes].insts.retain(|v| !risen.contains(v));
        func[no].insts.retain(|v| !gone.contains(v));
        let at = func[b].insts.len() - 1;
        func[b].insts.splice(at..at, risen);
    }
    func.rename(|v| map.get(v.0 as usize).copied().unwrap_or(v));
}

/// The instruction of the other way that does the same, if everything in front of it may be in front of it still.
fn twin(func: &Func, other: BlockId, v: Val, map: &[Val], gone: &HashSet<Val>) -> Option<Val> {
    let inst = &func[v];
    let pure = inst.op.info().effect == Effect::Pure;
    for w in &func[other].insts {
        let it = &func[*w];
        if !is_quiet(it.op) {
            return None;
        }
        if gone.contains(w) {
            continue;
        }
        let same = it.op == inst.op && it.ty == inst.ty && it.imm == inst.imm && it.args.len() == inst.args.len();
        if same && it.args.iter().zip(&inst.args).all(|(x, y)| map[x.0 as usize] == *y) {
            return Some(*w);
        }
        if !pure && it.op.info().effect == Effect::Guard {
            return None;
        }
    }
    None
}

/// Parameters that get boxes on some ways, and of which a guard asks at once what is in the box.
fn ask_on_the_ways(func: &mut Func, preds: &[Vec<BlockId>]) {
    let rpo = func.rpo();
    let mut order = vec![usize::MAX; func.blocks.len()];
    rpo.iter().enumerate().for_each(|(i, b)| order[b.0 as usize] = i);
    let mut uses = vec![0u32; func.insts.len()];
    for b in &rpo {
        let args = func[*b].insts.iter().flat_map(|v| &func[*v].args).chain(func[*b].edges.iter().flat_map(|e| &e.args));
        args.for_each(|a| uses[a.0 as usize] += 1);
    }
    let mut map: Vec<Val> = (0..func.insts.len() as u32).map(Val).collect();
    for j in &rpo {
        let ways = &preds[j.0 as usize];
        // All come from in front, over edges of their own.
        let plain = |b: &BlockId| order[b.0 as usize] < order[j.0 as usize] && func[*b].edges.len() == 1;
        if ways.len() < 2 || !ways.iter().all(plain) {
            continue;
        }
        for k in 0..func[*j].params.len() {
            let p = func[*j].params[k];
            let quiet = func[*j].insts.iter().take_while(|v| is_quiet(func[**v].op));
            let guard = quiet.copied().find(|v| func[*v].op == Op::GuardInt && func[*v].args[0] == p);
            let Some(guard) = guard.filter(|_| uses[p.0 as usize] == 1) else { continue };
            let args: Vec<Val> = ways.iter().map(|b| func[*b].edges[0].args[k]).collect();
            let is_int = |a: &Val| func[*a].op == Op::BoxInt;
            if !args.iter().any(is_int) {
                continue;
            }
            let states: Option<Vec<StateId>> = ways
                .iter()
                .zip(&args)
                .map(|(b, a)| if is_int(a) { Some(StateId::NONE) } else { state_at_end(func, preds, *b) })
                .collect();
            let Some(states) = states else { continue };
            let (mut lo, mut hi) = (INT_MAX, INT_MIN);
            for ((b, a), state) in ways.iter().zip(args).zip(states) {
                let number = match func[a].op == Op::BoxInt {
                    true => func[a].args[0],
                    false => {
                        let reason = Reason::Hoisted as u8;
                        let inst = Inst { op: Op::GuardInt, ty: Type::Int, args: vec![a], imm: 0, state, reason };
                        let asked = func.add_inst(inst);
                        set_range(func, asked, (INT_MIN, INT_MAX));
                        let at = func[*b].insts.len() - 1;
                        func[*b].insts.insert(at, asked);
                        asked
                    }
                };
                let range = func.range(number);
                (lo, hi) = (lo.min(range.0), hi.max(range.1));
                func[*b].edges[0].args[k] = number;
            }
            let q = func.add_inst(Inst { op: Op::Param, ty: Type::Int, ..func[p].clone() });
            set_range(func, q, (lo, hi));
            func[*j].params[k] = q;
            // Only exits need the box.
            func[p] = Inst { op: Op::BoxInt, ty: Type::Val, args: vec![q], ..func[p].clone() };
            func[*j].insts.retain(|v| *v != guard);
            func[*j].insts.insert(0, p);
            map[guard.0 as usize] = q;
        }
    }
    func.rename(|mut v| {
        while let Some(to) = map.get(v.0 as usize).filter(|to| **to != v) {
            v = *to;
        }
        v
    });
}

fn set_range(func: &mut Func, v: Val, range: (i64, i64)) {
    if func.ranges.len() <= v.0 as usize {
        func.ranges.resize(v.0 as usize + 1, (i64::MIN, i64::MAX));
    }
    func.ranges[v.0 as usize] = range;
}
