//! Parameters of a loop's head that only exits and the loop's test need are computed from one that changes by a constant in every round:
//! of a range's iterator the next number or the rounds that are left, of its variable and others what the round before gave them. Exits compute
//! them where they leave; the loop has a register less to keep and stores less.

use std::collections::HashMap;

use super::bounds::{Emitter, Induction, inductions, offset};
use super::licm::{Loop, loops};
use super::rotate::split;
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Cond, Func, Inst, Op, StateId, Type, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let mut any = false;
    for l in loops(func, &rpo, &dom) {
        any |= derive(func, &rpo, &l);
    }
    if any {
        super::dce::run(func);
    }
}

/// The parameter of a loop's head that its test compares with 0, if it does, and the comparison.
fn tested(func: &Func, head: BlockId) -> Option<(Val, Val)> {
    let test = *func[*func[head].insts.last()?].args.first()?;
    let inst = &func[test];
    let compares = inst.op == Op::ICmp && matches!(Cond::from_imm(inst.imm), Cond::Eq | Cond::Ne);
    (compares && func.as_const_int(inst.args[1]) == Some(0) && func[head].params.contains(&inst.args[0]))
        .then(|| (inst.args[0], test))
}

/// What instructions need, but for the test of the loop and for checks that look now and then.
fn needed(func: &Func, rpo: &[BlockId], head: BlockId) -> Vec<bool> {
    let mut needed = vec![false; func.insts.len()];
    let mut work: Vec<Val> = Vec::new();
    let mut feeds: HashMap<Val, Vec<Val>> = HashMap::new();
    let test = tested(func, head).and_then(|_| func[head].insts.last().copied());
    for b in rpo {
        for v in func[*b].insts.iter().filter(|v| !func.is_removable(**v) && Some(**v) != test) {
            if func[*v].op != Op::CheckSeldom {
                work.extend(&func[*v].args);
            }
            work.extend(func.pushed_by(*v));
        }
        for e in &func[*b].edges {
            for (p, a) in func[e.to].params.iter().zip(&e.args) {
                feeds.entry(*p).or_default().push(*a);
            }
        }
    }
    while let Some(v) = work.pop() {
        if !std::mem::replace(&mut needed[v.0 as usize], true) {
            work.extend(&func[v].args);
            work.extend(feeds.get(&v).into_iter().flatten());
        }
    }
    needed
}

/// The one that counts, and what it is in the first round.
#[derive(Clone, Copy)]
struct Counter {
    param: Val,
    first: Val,
    step: i64,
}

/// Whether something is computed now.
fn derive(func: &mut Func, rpo: &[BlockId], l: &Loop) -> bool {
    let leads = |b: &&BlockId| func[**b].edges.iter().any(|e| e.to == l.head);
    let mut outside = rpo.iter().filter(leads).filter(|b| !l.body[b.0 as usize]);
    let (Some(&before), None) = (outside.next(), outside.next()) else { return false };
    let mut enters = (0..func[before].edges.len()).filter(|e| func[before].edges[*e].to == l.head);
    let (Some(enter), None) = (enters.next(), enters.next()) else { return false };
    let front = if func[before].edges.len() == 1 { before } else { split(func, before, enter) };
    let known = inductions(func, l, front, rpo);
    let needed = needed(func, rpo, l.head);
    let tested = tested(func, l.head).filter(|t| !needed[t.1.0 as usize]);
    let params = func[l.head].params.clone();
    let Some(counter) = counter(&params, &known, &needed, tested.map(|t| t.0)) else { return false };
    let mut out = Emitter { func, front, state: StateId::NONE };
    let mut head: Vec<Val> = vec![];
    let mut map: HashMap<Val, Val> = HashMap::new();
    for (i, p) in params.iter().enumerate().filter(|(_, p)| **p != counter.param && !needed[p.0 as usize]) {
        let first = out.func[front].edges[0].args[i];
        let test = tested.filter(|t| t.0 == *p).map(|t| t.1);
        let new = match known.get(p) {
            Some(induction) => of_induction(&mut out, &mut head, counter, induction, test),
            None => {
                let later = of_back_edges(out.func, rpo, l, i);
                of_round_before(&mut out, &mut head, counter, (first, later))
            }
        };
        map.extend(new.map(|new| (*p, new)));
    }
    if map.is_empty() {
        return false;
    }
    let insts = &mut func[l.head].insts;
    head.append(insts);
    *insts = head;
    for v in func[l.head].insts.clone() {
        if func[v].op == Op::CheckSeldom && map.contains_key(&func[v].args[0]) && counter.step & 1 == 1 {
            func[v].args[0] = counter.param;
        }
    }
    let keep: Vec<bool> = params.iter().map(|p| !map.contains_key(p)).collect();
    super::params::keep(func, l.head, &keep);
    func.rename(|v| map.get(&v).copied().unwrap_or(v));
    true
}

/// The parameter to compute others from: one that instructions need, if there is such, for then it is there anyway.
fn counter(params: &[Val], known: &HashMap<Val, Induction>, needed: &[bool], tested: Option<Val>) -> Option<Counter> {
    let is_needed = |p: &&Val| known.contains_key(p) && needed[p.0 as usize];
    let by_one = params.iter().filter(is_needed).find(|p| known[p].step.abs() == 1);
    let any = by_one.or_else(|| params.iter().find(is_needed)).copied().or(tested)?;
    known.get(&any).map(|i| Counter { param: any, first: i.first, step: i.step })
}

/// What all ways back to the head give its parameter, if that is always the same value.
fn of_back_edges(func: &Func, rpo: &[BlockId], l: &Loop, i: usize) -> Option<Val> {
    let inside = rpo.iter().filter(|b| l.body[b.0 as usize]);
    let mut args = inside.flat_map(|b| &func[*b].edges).filter(|e| e.to == l.head).map(|e| e.args[i]);
    let first = args.next()?;
    args.all(|a| a == first).then_some(first)
}

fn put(out: &mut Emitter, head: &mut Vec<Val>, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
    let v = out.func.add_inst(Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 });
    head.push(v);
    v
}

/// A parameter that changes by a constant, too, as the counter plus or minus a number. The test of the loop compares the counter then.
fn of_induction(
    out: &mut Emitter,
    head: &mut Vec<Val>,
    counter: Counter,
    this: &Induction,
    test: Option<Val>,
) -> Option<Val> {
    let same = match this.step {
        step if step == counter.step => true,
        step if step == -counter.step => false,
        _ => return None,
    };
    // Modulo 2^64 all this is exact.
    let (to_base, from_base) = if same { (Op::Sub, Op::Add) } else { (Op::Add, Op::Sub) };
    let base = out.op(to_base, Type::Int, &[this.first, counter.first], 0);
    if let Some(test) = test {
        // Where it is 0 the counter is this.
        let end = if same { out.op(Op::Sub, Type::Int, &[counter.first, this.first], 0) } else { base };
        out.func[test].args = vec![counter.param, end];
    }
    Some(put(out, head, from_base, Type::Int, &[base, counter.param], 0))
}

/// A parameter that has one value in the first round and after that what the round before gave it: a constant, or a number that follows from the counter.
fn of_round_before(
    out: &mut Emitter,
    head: &mut Vec<Val>,
    counter: Counter,
    (first, later): (Val, Option<Val>),
) -> Option<Val> {
    let later = later?;
    let inst = out.func[later].clone();
    let later = match (inst.op, inst.ty) {
        (Op::ConstInt, Type::Int) | (Op::ConstBool, Type::Bool) => put(out, head, inst.op, inst.ty, &[], inst.imm),
        (_, Type::Int) => {
            let (base, k) = offset(out.func, later);
            if base != counter.param {
                return None;
            }
            let k = put(out, head, Op::ConstInt, Type::Int, &[], k.wrapping_sub(counter.step) as u64);
            put(out, head, Op::Add, Type::Int, &[counter.param, k], 0)
        }
        _ => return None,
    };
    let is_first = put(out, head, Op::ICmp, Type::Bool, &[counter.param, counter.first], Cond::Eq as u64);
    if inst.ty == Type::Int {
        return Some(put(out, head, Op::Select, Type::Int, &[is_first, first, later], 0));
    }
    if inst.imm == 0 {
        return Some(put(out, head, Op::BoolAnd, Type::Bool, &[is_first, first], 0));
    }
    let is_later = put(out, head, Op::BoolNot, Type::Bool, &[is_first], 0);
    Some(put(out, head, Op::BoolOr, Type::Bool, &[is_later, first], 0))
}
