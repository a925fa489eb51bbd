//! Loop-invariant code motion: what a loop computes anew in every round from values that it does not change moves in front
//! of it: pure instructions, loads from memory that the loop does not write, and guards, which then leave through the state
//! in front of the loop. A guard that moved may fail where the loop would not have reached it; exits that keep being taken
//! for that reason teach the builder's profile not to move guards out of that loop.

use crate::build::values::{alias_of, offset_of};
use crate::exits::Reason;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Effect, Func, Op, StateId, Val};

use super::gvn::{Clobber, Homes, clobbers, read_alias};

/// A natural loop.
#[derive(Debug)]
pub struct Loop {
    /// Its head.
    pub head: BlockId,
    /// Its blocks, by number.
    pub body: Vec<bool>,
}

impl Loop {
    /// What the loop may write.
    pub fn clobbers(&self, func: &Func) -> Vec<Clobber> {
        let blocks = func.blocks.iter().zip(&self.body).filter(|(_, inside)| **inside);
        let mut all: Vec<Clobber> = Vec::new();
        for clobber in blocks.flat_map(|(b, _)| &b.insts).map(|v| clobbers(func, &func[*v])) {
            if clobber != Clobber::Nothing && !all.contains(&clobber) {
                all.push(clobber);
            }
        }
        all
    }
}

/// The natural loops, inner ones before outer ones.
pub fn loops(func: &Func, rpo: &[BlockId], dom: &Dominators) -> Vec<Loop> {
    let mut preds: Vec<Vec<BlockId>> = vec![vec![]; func.blocks.len()];
    for b in rpo {
        for e in &func[*b].edges {
            preds[e.to.0 as usize].push(*b);
        }
    }
    let mut loops: Vec<Loop> = Vec::new();
    for b in rpo {
        for e in &func[*b].edges {
            if !dom.dominates(e.to, *b) {
                continue;
            }
            let at = match loops.iter().position(|l| l.head == e.to) {
                Some(at) => at,
                None => {
                    let mut body = vec![false; func.blocks.len()];
                    body[e.to.0 as usize] = true;
                    loops.push(Loop { head: e.to, body });
                    loops.len() - 1
                }
            };
            let body = &mut loops[at].body;
            let mut stack = vec![*b];
            while let Some(x) = stack.pop() {
                if !std::mem::replace(&mut body[x.0 as usize], true) {
                    stack.extend(&preds[x.0 as usize]);
                }
            }
        }
    }
    loops.sort_by_key(|l| l.body.iter().filter(|b| **b).count());
    loops
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let homes = Homes::of(func, &rpo, &dom);
    for l in loops(func, &rpo, &dom) {
        hoist(func, &rpo, &homes, &l);
    }
}

fn hoist(func: &mut Func, rpo: &[BlockId], homes: &Homes, l: &Loop) {
    // The block in front: the only one outside that leads to the head, and to nothing else.
    let outside: Vec<BlockId> =
        rpo.iter().copied().filter(|b| !l.body[b.0 as usize] && func[*b].edges.iter().any(|e| e.to == l.head)).collect();
    let &[front] = outside.as_slice() else { return };
    if func[front].edges.len() != 1 {
        return;
    }
    let mut home = vec![None; func.insts.len()];
    for b in rpo {
        for v in func[*b].params.iter().chain(&func[*b].insts) {
            home[v.0 as usize] = Some(*b);
        }
    }
    let inside = |home: &[Option<BlockId>], v: Val| home[v.0 as usize].is_some_and(|b| l.body[b.0 as usize]);
    let state = func[l.head].enter;
    let written = l.clobbers(func);
    for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
        for v in func[*b].insts.clone() {
            let inst = &func[v];
            let invariant = inst.args.iter().all(|a| !inside(&home, *a) || is_constant(func[*a].op));
            if !invariant || !(may_move(func, v, homes, &written, state) || is_checked_item(func, v, homes, &written, front)) {
                continue;
            }
            if func[v].op.info().effect == Effect::Guard {
                func[v].state = state;
                func[v].reason = Reason::Hoisted as u8;
                if func[v].op == Op::GuardBranch {
                    func[v].op = Op::Guard;
                }
            }
            // Constants come along.
            for v in func[v].args.clone().into_iter().chain([v]) {
                if !inside(&home, v) {
                    continue;
                }
                let from = home[v.0 as usize].expect("it is in the loop");
                func[from].insts.retain(|x| *x != v);
                let at = func[front].insts.len() - 1;
                func[front].insts.insert(at, v);
                home[v.0 as usize] = Some(front);
            }
        }
    }
}

/// A constant: wherever it stands, it is made where it is used.
fn is_constant(op: Op) -> bool {
    matches!(op, Op::ConstInt | Op::ConstFloat | Op::ConstVal | Op::ConstBool | Op::ConstWord)
}

/// Whether an instruction with invariant operands may run in front of the loop.
fn may_move(func: &Func, v: Val, homes: &Homes, written: &[Clobber], state: StateId) -> bool {
    let inst = &func[v];
    match inst.op.info().effect {
        // Constants are cheaper where they are used, boxes where they are needed.
        Effect::Pure => {
            !matches!(
                inst.op,
                Op::Param | Op::AssumeClass | Op::UntagInt | Op::BoxFloat | Op::BoxComplex | Op::BoxWord | Op::BoxChar | Op::Maybe
            ) && !inst.args.is_empty()
        }
        Effect::Reads => match read_alias(inst) {
            // An index may be out of range in front of the check of the index.
            _ if matches!(inst.op, Op::LoadIndex | Op::LoadIndexAt | Op::LoadRaw | Op::LoadReg | Op::ListItem | Op::StrUnit) => false,
            // A pointer that was loaded is one behind the guards only that stand in the loop.
            _ if inst.op == Op::Load && func[inst.args[0]].op == Op::Load => false,
            Some(alias) => {
                !written.iter().any(|c| homes.hits(func, *c, inst))
                    && (inst.op != Op::Load || alias_of(inst.imm) == alias)
            }
            None => false,
        },
        Effect::Guard => {
            state != StateId::NONE && func.hoists_guards && !matches!(inst.op, Op::CheckInterrupt | Op::CheckValid)
        }
        Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}

/// Whether an instruction loads an item of a list whose size and kind have been checked in front of the loop, which does not
/// change items.
fn is_checked_item(func: &Func, v: Val, homes: &Homes, written: &[Clobber], front: BlockId) -> bool {
    let inst = &func[v];
    if inst.op != Op::LoadIndex || written.iter().any(|c| homes.hits(func, *c, inst)) {
        return false;
    }
    let items = &func[inst.args[0]];
    if items.op != Op::Load || alias_of(items.imm) != Alias::ListItems {
        return false;
    }
    let list = items.args[0];
    let (mut sized, mut shaped) = (false, false);
    for guard in homes.in_front(func, front) {
        let inst = &func[guard];
        let loads = |of: Val, alias: Alias| {
            let load = &func[of];
            load.op == Op::Load && load.args[0] == list && alias_of(load.imm) == alias
        };
        match inst.op {
            Op::GuardIndex => sized |= inst.args[0] == func[v].args[1] && loads(inst.args[1], Alias::ListSize),
            // The word that tells the kind belongs to what says where items lie.
            Op::GuardWord => shaped |= loads(inst.args[0], Alias::ListItems) && offset_of(func[inst.args[0]].imm) == 0,
            _ => {}
        }
    }
    sized && shaped
}
