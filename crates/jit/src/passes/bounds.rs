//! Index checks in loops: where the index is a number that changes by the same constant in every round, plus or minus values
//! that the loop does not change, and the number of
//! rounds is known in front of the loop, one check there stands for the checks in all rounds. It leaves through the state in
//! front of the loop, for a reason of its own: code that keeps leaving there is compiled anew with the checks inside.

use std::collections::HashMap;

use super::licm::{Loop, loops};
use crate::exits::Reason;
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Cond, Func, Inst, Op, StateId, Type, Val};

/// Largest step; with it and fewer than 2^32 rounds nothing overflows.
const MAX_STEP: i64 = 1 << 30;

/// Runs the pass.
pub fn run(func: &mut Func) {
    if !func.hoists_guards {
        return;
    }
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    for l in loops(func, &rpo, &dom) {
        if func[l.head].enter != StateId::NONE && !func[l.head].keeps_checks {
            hoist(func, &rpo, &dom, &l);
        }
    }
}

/// A parameter of a loop's head that changes by a constant in every round.
#[derive(Clone, Copy)]
pub(super) struct Induction {
    /// What it is in the first round.
    pub first: Val,
    /// By how much.
    pub step: i64,
}

/// How often the body is entered, as far as the head's test tells.
pub(super) enum Rounds {
    /// That often.
    Count(Val),
    /// From the first to in front of the second, compared with or without sign.
    Between(Val, Val, bool),
}

/// `v` as another value plus a constant.
pub fn offset(func: &Func, mut v: Val) -> (Val, i64) {
    let mut sum = 0i64;
    loop {
        let inst = &func[v];
        let step = match inst.op {
            Op::Add | Op::AddOv => match (func.as_const_int(inst.args[0]), func.as_const_int(inst.args[1])) {
                (_, Some(k)) => (inst.args[0], Some(k)),
                (Some(k), _) => (inst.args[1], Some(k)),
                _ => return (v, sum),
            },
            Op::Sub | Op::SubOv => match func.as_const_int(inst.args[1]) {
                Some(k) => (inst.args[0], k.checked_neg()),
                None => return (v, sum),
            },
            _ => return (v, sum),
        };
        let Some(next) = step.1.and_then(|k| sum.checked_add(k)) else { return (v, sum) };
        (v, sum) = (step.0, next);
    }
}

/// Whether a value is that other one plus a constant by an instruction that leaves for no reason: it may be computed in another way.
pub(super) fn steps_freely(func: &Func, v: Val, base: Val) -> bool {
    matches!(func[v].op, Op::Add | Op::Sub) && func[v].args.contains(&base)
}

/// An index as a parameter of the loop's head that changes by a constant in every round, plus values that the loop does not
/// change, or minus them, plus a constant.
#[derive(Clone, PartialEq)]
struct Index {
    base: Val,
    /// Whether each is subtracted.
    others: Vec<(Val, bool)>,
    k: i64,
}

impl Index {
    /// Most values that do not change.
    const MOST: usize = 3;

    fn of(func: &Func, v: Val, known: &HashMap<Val, Induction>, inside: &[bool]) -> Option<Index> {
        let mut index = Index { base: v, others: vec![], k: 0 };
        loop {
            let (base, k) = offset(func, index.base);
            index = Index { base, k: index.k.checked_add(k)?, ..index };
            if known.contains_key(&base) {
                return Some(index);
            }
            if index.others.len() == Index::MOST {
                return None;
            }
            let inst = &func[base];
            let constant = |v: Val| !inside[v.0 as usize];
            let (next, other) = match inst.op {
                Op::Add | Op::AddOv if constant(inst.args[1]) => (inst.args[0], (inst.args[1], false)),
                Op::Add | Op::AddOv if constant(inst.args[0]) => (inst.args[1], (inst.args[0], false)),
                Op::Sub | Op::SubOv if constant(inst.args[1]) => (inst.args[0], (inst.args[1], true)),
                _ => return None,
            };
            index.others.push(other);
            index.base = next;
        }
    }
}

pub(super) fn inductions(func: &Func, l: &Loop, front: BlockId, rpo: &[BlockId]) -> HashMap<Val, Induction> {
    let mut found = HashMap::new();
    'params: for (i, p) in func[l.head].params.iter().enumerate() {
        let mut step = None;
        for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
            for e in func[*b].edges.iter().filter(|e| e.to == l.head) {
                let (base, k) = offset(func, e.args[i]);
                if base != *p || *step.get_or_insert(k) != k {
                    continue 'params;
                }
            }
        }
        if let Some(step) = step.filter(|s| *s != 0 && s.unsigned_abs() <= MAX_STEP as u64) {
            found.insert(*p, Induction { first: func[front].edges[0].args[i], step });
        }
    }
    found
}

/// What the test at the head says, and the block that it leads to inside of the loop.
fn test(
    func: &Func,
    l: &Loop,
    known: &HashMap<Val, Induction>,
    invariant: impl Fn(Val) -> bool,
) -> Option<(Rounds, BlockId)> {
    let last = *func[l.head].insts.last()?;
    let [yes, no] = &func[l.head].edges[..] else { return None };
    let mut holds = match (l.body[yes.to.0 as usize], l.body[no.to.0 as usize]) {
        (true, false) => true,
        (false, true) => false,
        _ => return None,
    };
    let body = if holds { yes.to } else { no.to };
    let mut cond = func[last].args[0];
    while func[cond].op == Op::BoolNot {
        cond = func[cond].args[0];
        holds = !holds;
    }
    let inst = &func[cond];
    let steps = |v: Val, step: i64| known.get(&v).filter(|i| i.step == step);
    let rounds = match (inst.op, holds) {
        (Op::ULt, true) => {
            let first = steps(inst.args[0], 1).filter(|_| invariant(inst.args[1]))?.first;
            Rounds::Between(first, inst.args[1], false)
        }
        (Op::ICmp, _) => {
            let (a, b) = (inst.args[0], inst.args[1]);
            match (Cond::from_imm(inst.imm), holds) {
                (Cond::Ne, true) | (Cond::Eq, false) if func.as_const_int(b) == Some(0) => {
                    Rounds::Count(steps(a, -1)?.first)
                }
                (Cond::Lt, true) | (Cond::Ge, false) if invariant(b) => Rounds::Between(steps(a, 1)?.first, b, true),
                (Cond::Gt, true) | (Cond::Le, false) if invariant(a) => Rounds::Between(steps(b, 1)?.first, a, true),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some((rounds, body))
}

/// A loop whose rounds are counted.
pub(super) struct Counted {
    /// The block in front.
    pub front: BlockId,
    /// How often the block is entered that the head's test leads to inside of the loop.
    pub rounds: Rounds,
    /// That block.
    pub body: BlockId,
    /// Parameters that change by a constant.
    pub known: HashMap<Val, Induction>,
    /// What the loop defines.
    pub inside: Vec<bool>,
}

/// The block in front of a loop, if it leads nowhere else.
pub(super) fn front_of(func: &Func, rpo: &[BlockId], l: &Loop) -> Option<BlockId> {
    let outside: Vec<BlockId> =
        rpo.iter().copied().filter(|b| !l.body[b.0 as usize] && func[*b].edges.iter().any(|e| e.to == l.head)).collect();
    let &[front] = outside.as_slice() else { return None };
    (func[front].edges.len() == 1).then_some(front)
}

/// The first parameter of a loop's head that changes by an odd constant in every round.
pub(super) fn odd_counter(func: &Func, rpo: &[BlockId], l: &Loop) -> Option<Val> {
    let known = inductions(func, l, front_of(func, rpo, l)?, rpo);
    known.iter().filter(|(_, i)| i.step & 1 == 1).map(|(v, _)| *v).min()
}

/// The loop as one whose rounds are counted.
pub(super) fn counted(func: &Func, rpo: &[BlockId], l: &Loop) -> Option<Counted> {
    let front = front_of(func, rpo, l)?;
    let mut inside = vec![false; func.insts.len()];
    for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
        for v in func[*b].params.iter().chain(&func[*b].insts) {
            inside[v.0 as usize] = true;
        }
    }
    let known = inductions(func, l, front, rpo);
    let (rounds, body) = test(func, l, &known, |v| !inside[v.0 as usize])?;
    Some(Counted { front, rounds, body, known, inside })
}

fn hoist(func: &mut Func, rpo: &[BlockId], dom: &Dominators, l: &Loop) {
    let Some(Counted { front, rounds, body, known, inside }) = counted(func, rpo, l) else { return };
    let entries = rpo.iter().flat_map(|b| &func[*b].edges).filter(|e| e.to == body).count();
    if entries != 1 {
        return;
    }
    // By index and size: smallest and largest offset.
    let mut groups: Vec<(Index, Val, i64)> = Vec::new();
    let mut gone = vec![false; func.insts.len()];
    for b in rpo.iter().filter(|b| l.body[b.0 as usize] && dom.dominates(body, **b)) {
        for v in func[*b].insts.iter().filter(|v| func[**v].op == Op::GuardIndex) {
            let size = func[*v].args[1];
            let Some(index) = Index::of(func, func[*v].args[0], &known, &inside).filter(|_| !inside[size.0 as usize])
            else {
                continue;
            };
            gone[v.0 as usize] = true;
            let same = |g: &Index| g.base == index.base && g.others == index.others;
            match groups.iter_mut().find(|g| same(&g.0) && g.1 == size) {
                Some(g) => (g.0.k, g.2) = (g.0.k.min(index.k), g.2.max(index.k)),
                None => groups.push((index.clone(), size, index.k)),
            }
        }
    }
    if groups.is_empty() {
        return;
    }
    for b in rpo {
        func[*b].insts.retain(|v| !gone.get(v.0 as usize).is_some_and(|g| *g));
    }
    let mut out = Emitter { func, front, state: StateId::NONE };
    let count = out.count(&rounds);
    out.state = out.func[l.head].enter;
    let none = out.int(0);
    let none = out.op(Op::ICmp, Type::Bool, &[count, none], Cond::Eq as u64);
    for (Index { base, others, k: least }, size, most) in groups {
        let mut induction = known[&base];
        for (other, minus) in others {
            // Modulo 2^64, as in the loop: there it does not overflow, or that is checked.
            let op = if minus { Op::Sub } else { Op::Add };
            induction.first = out.op(op, Type::Int, &[induction.first, other], 0);
        }
        for k in if least == most { vec![least] } else { vec![least, most] } {
            let bad = out.leaves_range(induction, k, size, count);
            let good = out.op(Op::BoolNot, Type::Bool, &[bad], 0);
            let ok = out.op(Op::BoolOr, Type::Bool, &[good, none], 0);
            out.guard(ok);
        }
    }
}

/// Puts instructions in front of a loop.
pub(super) struct Emitter<'a> {
    pub func: &'a mut Func,
    pub front: BlockId,
    pub state: StateId,
}

impl Emitter<'_> {
    fn put(&mut self, inst: Inst) -> Val {
        let v = self.func.add_inst(inst);
        let insts = &mut self.func[self.front].insts;
        let at = insts.len() - 1;
        insts.insert(at, v);
        v
    }

    pub fn op(&mut self, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        self.put(Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 })
    }

    fn int(&mut self, i: i64) -> Val {
        self.op(Op::ConstInt, Type::Int, &[], i as u64)
    }

    fn guard(&mut self, ok: Val) {
        let (state, reason) = (self.state, Reason::Bounds as u8);
        self.put(Inst { op: Op::Guard, ty: Type::Void, args: vec![ok], imm: 0, state, reason });
    }

    /// Leaves if an index that changes by a constant in each of `count` rounds is not in 0..size in one of them.
    pub fn guard_range(&mut self, induction: Induction, size: Val, count: Val) {
        let none = self.int(0);
        let none = self.op(Op::ICmp, Type::Bool, &[count, none], Cond::Eq as u64);
        let bad = self.leaves_range(induction, 0, size, count);
        let good = self.op(Op::BoolNot, Type::Bool, &[bad], 0);
        let ok = self.op(Op::BoolOr, Type::Bool, &[good, none], 0);
        self.guard(ok);
    }

    /// The number of rounds, without sign.
    pub fn count(&mut self, rounds: &Rounds) -> Val {
        match *rounds {
            Rounds::Count(n) => n,
            Rounds::Between(first, end, signed) => {
                let some = match signed {
                    true => self.op(Op::ICmp, Type::Bool, &[first, end], Cond::Lt as u64),
                    false => self.op(Op::ULt, Type::Bool, &[first, end], 0),
                };
                let n = self.op(Op::Sub, Type::Int, &[end, first], 0);
                let zero = self.int(0);
                self.op(Op::Select, Type::Int, &[some, n, zero], 0)
            }
        }
    }

    /// Whether the index plus `k` is not in 0..size in one of `count` rounds; of no meaning if that is 0.
    fn leaves_range(&mut self, induction: Induction, k: i64, size: Val, count: Val) -> Val {
        let Induction { mut first, step } = induction;
        if k != 0 {
            let k = self.int(k);
            first = self.op(Op::Add, Type::Int, &[first, k], 0);
        }
        let ult = |this: &mut Self, a: Val, b: Val| this.op(Op::ULt, Type::Bool, &[a, b], 0);
        let or = |this: &mut Self, a: Val, b: Val| this.op(Op::BoolOr, Type::Bool, &[a, b], 0);
        if step == 1 {
            let late = ult(self, size, first);
            let room = self.op(Op::Sub, Type::Int, &[size, first], 0);
            let many = ult(self, room, count);
            return or(self, late, many);
        }
        let early = ult(self, first, size);
        let bad = self.op(Op::BoolNot, Type::Bool, &[early], 0);
        let one = self.int(1);
        let mut way = self.op(Op::Sub, Type::Int, &[count, one], 0);
        let mut bad = bad;
        if step != -1 {
            let limit = self.int(1 << 32);
            let few = ult(self, count, limit);
            let many = self.op(Op::BoolNot, Type::Bool, &[few], 0);
            bad = or(self, bad, many);
            let size = self.int(step.abs());
            way = self.op(Op::Mul, Type::Int, &[way, size], 0);
        }
        let far = if step > 0 {
            let room = self.op(Op::Sub, Type::Int, &[size, first], 0);
            let near = ult(self, way, room);
            self.op(Op::BoolNot, Type::Bool, &[near], 0)
        } else {
            ult(self, first, way)
        };
        or(self, bad, far)
    }
}
