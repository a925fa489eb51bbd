//! `abs(z) > 2.0`: the size of a complex number that is only compared with a constant need not be known exactly: the sum of the squares of
//! its parts tells the answer, unless it is very near to the square of the constant.

use std::collections::HashMap;

use crate::helpers::Helper;
use crate::ir::{Cond, Func, Inst, Op, StateId, Type, Val};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let is_hypot = |func: &Func, v: Val| func[v].op == Op::Call && Helper::from_imm(func[v].imm) == Helper::FloatHypot;
    let found: Vec<Val> =
        rpo.iter().flat_map(|b| func[*b].insts.iter().copied()).filter(|v| is_hypot(func, *v)).collect();
    if found.is_empty() {
        return;
    }
    // By value: instructions that use it; none if something else does.
    let mut users: HashMap<Val, Option<Vec<Val>>> = HashMap::new();
    for b in &rpo {
        for v in &func[*b].insts {
            for a in &func[*v].args {
                if let Some(users) = users.entry(*a).or_insert_with(|| Some(vec![])) {
                    users.push(*v);
                }
            }
            if let Some(state) = func.states.get(func[*v].state.0 as usize) {
                state.values().for_each(|v| _ = users.insert(v, None));
            }
        }
        func[*b].edges.iter().flat_map(|e| &e.args).for_each(|v| _ = users.insert(*v, None));
    }
    let used_by = |v: Val| users.get(&v).cloned().flatten();
    let mut map: HashMap<Val, Val> = HashMap::new();
    for hypot in found {
        let Some((guard, gone, compares)) = pattern(func, hypot, &used_by) else { continue };
        let b = rpo.iter().find(|b| func[**b].insts.contains(&guard)).copied().expect("the guard is in a block");
        let mut at = func[b].insts.iter().position(|v| *v == guard).expect("just found");
        for (compare, cond, k) in compares {
            let plain = |op, ty, imm| Inst { op, ty, args: vec![], imm, state: StateId::NONE, reason: 0 };
            let k = func.add_inst(plain(Op::ConstFloat, Type::Float, k.to_bits()));
            let args = vec![func[hypot].args[0], func[hypot].args[1], k];
            let made = Inst { op: Op::SizeCmp, ty: Type::Bool, args, imm: cond as u64, ..func[guard].clone() };
            let made = func.add_inst(made);
            func[b].insts.splice(at..at, [k, made]);
            at += 2;
            map.insert(compare, made);
        }
        for b in &rpo {
            func[*b].insts.retain(|v| !gone.contains(v) && !map.contains_key(v));
        }
    }
    if !map.is_empty() {
        func.rename(|v| map.get(&v).copied().unwrap_or(v));
    }
}

/// The guard that the size is finite; what goes with it; comparisons with their condition, the size in front, and the constant.
type Pattern = (Val, Vec<Val>, Vec<(Val, Cond, f64)>);

fn pattern(func: &Func, hypot: Val, used_by: &impl Fn(Val) -> Option<Vec<Val>>) -> Option<Pattern> {
    let constant = |v: Val| match func[v].op {
        Op::ConstFloat => Some(f64::from_bits(func[v].imm)),
        Op::IntToFloat => func.as_const_int(func[v].args[0]).map(|i| i as f64),
        _ => None,
    };
    let (mut guards, mut gone, mut compares) = (vec![], vec![hypot], vec![]);
    for v in used_by(hypot)? {
        let inst = &func[v];
        match inst.op {
            Op::FAbs => {
                let [test] = used_by(v)?[..] else { return None };
                let [guard] = used_by(test)?[..] else { return None };
                let compared = &func[test];
                let is_test = compared.op == Op::FCmp
                    && Cond::from_imm(compared.imm) == Cond::Le
                    && compared.args[0] == v
                    && constant(compared.args[1]) == Some(f64::MAX);
                if !is_test || func[guard].op != Op::Guard {
                    return None;
                }
                guards.push(guard);
                gone.extend([v, test, guard]);
            }
            Op::FCmp => {
                let cond = Cond::from_imm(inst.imm);
                let (k, cond) = match inst.args[0] == hypot {
                    true => (constant(inst.args[1])?, cond),
                    false => (constant(inst.args[0])?, turned(cond)),
                };
                // Squares far from where they overflow or lose digits.
                if !(1e-100..=1e100).contains(&k) {
                    return None;
                }
                compares.push((v, cond, k));
            }
            _ => return None,
        }
    }
    let [guard] = guards[..] else { return None };
    if compares.is_empty() { None } else { Some((guard, gone, compares)) }
}

/// The condition for the operands in the other order.
fn turned(cond: Cond) -> Cond {
    match cond {
        Cond::Lt => Cond::Gt,
        Cond::Le => Cond::Ge,
        Cond::Gt => Cond::Lt,
        Cond::Ge => Cond::Le,
        Cond::Eq | Cond::Ne => cond,
    }
}
