//! Unboxes block parameters: one that gets boxes of one type of number only, from everywhere, is the number itself. The
//! values of a loop's variables behind an inner loop are such: they are unbound in the first round, which makes them tagged
//! words, and are boxed in every round for exits that will not be taken. Where an unbound register is among them, the
//! parameter becomes two: whether it is bound, and the number (see `build/maybe.rs`). Where the tagged word is used behind the
//! loop, or in a loop around it, it is made there.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::licm::{Loop, loops};
use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Func, Inst, Op, StateId, Type, Val};

/// What a group of parameters is made of.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Kind {
    ty: Type,
    /// Some are unbound.
    open: bool,
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let loops = loops(func, &rpo, &Dominators::of(func, &rpo));
    let kinds = candidates(func, &rpo, &loops);
    if kinds.is_empty() {
        return;
    }
    // By parameter: whether it is bound (if that is not sure), and the number.
    let mut parts: HashMap<Val, (Option<Val>, Val)> = HashMap::new();
    for b in &rpo {
        for p in func[*b].params.clone().into_iter().filter(|p| kinds.contains_key(p)) {
            let kind = kinds[&p];
            let new = |func: &mut Func, ty| func.add_inst(plain(Op::Param, ty, vec![]));
            let bound = kind.open.then(|| new(func, Type::Bool));
            parts.insert(p, (bound, new(func, kind.ty)));
        }
    }
    for b in &rpo {
        for i in 0..func[*b].edges.len() {
            let edge = func[*b].edges[i].clone();
            let mut args = Vec::with_capacity(edge.args.len());
            for (p, a) in func[edge.to].params.clone().into_iter().zip(edge.args) {
                match kinds.get(&p) {
                    Some(kind) => args.extend(arguments(func, *b, *kind, a, &parts)),
                    None => args.push(a),
                }
            }
            func[*b].edges[i].args = args;
        }
    }
    for b in &rpo {
        let old = std::mem::take(&mut func[*b].params);
        let mut front = Vec::new();
        for p in old {
            let Some((bound, number)) = parts.get(&p).copied() else {
                func[*b].params.push(p);
                continue;
            };
            func[*b].params.extend(bound.into_iter().chain([number]));
            // What exits name: nobody makes it but them.
            func[p] = match bound {
                Some(bound) => plain(Op::Maybe, Type::Val, vec![bound, number]),
                None => plain(boxed_as(func[number].ty), Type::Val, vec![number]),
            };
            front.push(p);
        }
        func[*b].insts.splice(0..0, front);
    }
    guards(func, &rpo, &parts);
    make_where_used(func, &rpo, &parts);
}

/// Makes words for instructions in front of them.
fn make_where_used(func: &mut Func, rpo: &[BlockId], parts: &HashMap<Val, (Option<Val>, Val)>) {
    for b in rpo {
        let mut insts = Vec::with_capacity(func[*b].insts.len());
        for v in std::mem::take(&mut func[*b].insts) {
            for i in 0..func[v].args.len() {
                let a = func[v].args[i];
                if parts.contains_key(&a) {
                    let made = func[a].clone();
                    let made = func.add_inst(made);
                    insts.push(made);
                    func[v].args[i] = made;
                }
            }
            insts.push(v);
        }
        func[*b].insts = insts;
    }
}

fn plain(op: Op, ty: Type, args: Vec<Val>) -> Inst {
    Inst { op, ty, args, imm: 0, state: StateId::NONE, reason: 0 }
}

fn boxed_as(ty: Type) -> Op {
    match ty {
        Type::Float => Op::BoxFloat,
        Type::Bool => Op::BoxBool,
        _ => Op::BoxInt,
    }
}

/// What an argument is a box of.
fn boxes(func: &Func, v: Val) -> Option<Kind> {
    let inst = &func[v];
    match inst.op {
        Op::BoxInt => Some(Kind { ty: Type::Int, open: false }),
        Op::BoxFloat => Some(Kind { ty: Type::Float, open: false }),
        Op::BoxBool => Some(Kind { ty: Type::Bool, open: false }),
        Op::Maybe => Some(Kind { ty: func[inst.args[1]].ty, open: true }),
        _ => None,
    }
}

fn is_unbound(func: &Func, v: Val) -> bool {
    func[v].op == Op::ConstVal && func[v].imm == 0
}

/// The parameters that can be unboxed.
fn candidates(func: &Func, rpo: &[BlockId], loops: &[Loop]) -> HashMap<Val, Kind> {
    let mut feeds: BTreeMap<Val, Vec<Val>> = BTreeMap::new();
    for b in rpo {
        for p in &func[*b].params {
            if func[*p].ty == Type::Val {
                feeds.insert(*p, vec![]);
            }
        }
    }
    for e in rpo.iter().flat_map(|b| &func[*b].edges) {
        for (p, a) in func[e.to].params.iter().zip(&e.args) {
            if let Some(list) = feeds.get_mut(p) {
                list.push(*a);
            }
        }
    }
    let (used, guards) = used(func, rpo, loops);
    feeds.retain(|p, _| !used.contains(p));
    // The kinds grow until nothing changes; what does not fit is taken out, and all begins anew.
    loop {
        let mut kinds: HashMap<Val, Kind> = HashMap::new();
        let mut wrong: Vec<Val> = Vec::new();
        let mut changed = true;
        while changed && wrong.is_empty() {
            changed = false;
            for (p, args) in &feeds {
                let before = kinds.get(p).copied();
                let mut kind = before;
                let mut open = false;
                for a in args.iter().filter(|a| *a != p) {
                    if is_unbound(func, *a) {
                        open = true;
                        continue;
                    }
                    let fed = match boxes(func, *a) {
                        Some(k) => Some(k),
                        None if feeds.contains_key(a) => kinds.get(a).copied(),
                        None => {
                            wrong.push(*p);
                            break;
                        }
                    };
                    let Some(fed) = fed else { continue };
                    match &mut kind {
                        None => kind = Some(fed),
                        Some(k) if k.ty == fed.ty => k.open |= fed.open,
                        Some(_) => {
                            wrong.push(*p);
                            break;
                        }
                    }
                }
                if let Some(k) = &mut kind {
                    k.open |= open;
                    if before != Some(*k) {
                        kinds.insert(*p, *k);
                        changed = true;
                    }
                }
            }
        }
        if wrong.is_empty() {
            // A parameter that is never bound feeds others of which that is not known.
            wrong.extend(feeds.keys().filter(|p| !kinds.contains_key(p)));
            // What a guard expects is what it gives.
            wrong.extend(guards.iter().filter(|(p, ty)| kinds.get(p).is_some_and(|k| k.ty != *ty)).map(|(p, _)| *p));
            if wrong.is_empty() {
                return kinds;
            }
        }
        for p in wrong {
            feeds.remove(&p);
        }
        if feeds.is_empty() {
            return HashMap::new();
        }
    }
}

/// Whether it is a guard that says that a word is a number of some type, or that it is bound.
fn is_number_guard(op: Op) -> bool {
    matches!(op, Op::GuardInt | Op::GuardFloat | Op::GuardNumber | Op::GuardExact | Op::GuardBool | Op::GuardBound)
}

fn depth(loops: &[Loop], b: BlockId) -> usize {
    loops.iter().filter(|l| l.body[b.0 as usize]).count()
}

/// By parameter: in how many loops the box lies that it or one that it passes values to or gets them from is fed with.
fn depths_of_boxes(func: &Func, rpo: &[BlockId], loops: &[Loop]) -> HashMap<Val, usize> {
    let mut group: HashMap<Val, Val> = HashMap::new();
    let find = |group: &HashMap<Val, Val>, mut v: Val| {
        while let Some(up) = group.get(&v) {
            v = *up;
        }
        v
    };
    let mut boxed: Vec<(Val, usize)> = vec![];
    for b in rpo {
        for (p, a) in func[*b].edges.iter().flat_map(|e| func[e.to].params.iter().zip(&e.args)) {
            if func[*p].ty != Type::Val {
                continue;
            }
            if func[*a].op == Op::Param {
                let (p, a) = (find(&group, *p), find(&group, *a));
                if p != a {
                    group.insert(p, a);
                }
            } else if boxes(func, *a).is_some() {
                boxed.push((*p, depth(loops, *b)));
            }
        }
    }
    let mut deepest: HashMap<Val, usize> = HashMap::new();
    for (p, depth) in boxed {
        let d = deepest.entry(find(&group, p)).or_default();
        *d = depth.max(*d);
    }
    let params = rpo.iter().flat_map(|b| &func[*b].params);
    params.filter_map(|p| Some((*p, *deepest.get(&find(&group, *p))?))).collect()
}

/// The values that instructions use as tagged words, in the loop that a parameter belongs to or where it belongs to none, unless its
/// boxes are made in deeper loops: then it is better made where it is used. Guards on what a parameter is are no such use; these are given with
/// the type that they expect.
fn used(func: &Func, rpo: &[BlockId], loops: &[Loop]) -> (HashSet<Val>, Vec<(Val, Type)>) {
    let mut used = HashSet::new();
    let boxed_in = depths_of_boxes(func, rpo, loops);
    // By parameter: the innermost loop that its block is in.
    let mut home: HashMap<Val, &Loop> = HashMap::new();
    for b in rpo {
        if let Some(l) = loops.iter().find(|l| l.body[b.0 as usize]) {
            home.extend(func[*b].params.iter().map(|p| (*p, l)));
        }
    }
    let mut bound: HashMap<Val, Val> = HashMap::new();
    for b in rpo {
        for v in &func[*b].insts {
            let inst = &func[*v];
            if is_number_guard(inst.op) {
                bound.insert(*v, inst.args[0]);
            } else {
                let depth = depth(loops, *b);
                let behind = |a: &Val| {
                    home.get(a).is_some_and(|l| !l.body[b.0 as usize]) || boxed_in.get(a).is_some_and(|d| *d > depth)
                };
                used.extend(inst.args.iter().copied().filter(|a| !behind(a)));
            }
        }
        used.extend(func[*b].edges.iter().flat_map(|e| &e.args).filter(|a| bound.contains_key(a)).copied());
    }
    // What is used behind a guard that only says that it is bound is used itself.
    let mut changed = true;
    while changed {
        changed = false;
        for (guard, of) in &bound {
            if func[*guard].op == Op::GuardBound && used.contains(guard) {
                changed |= used.insert(*of);
            }
        }
    }
    let mut guards = Vec::new();
    for (guard, of) in &bound {
        let mut of = *of;
        while func[of].op == Op::GuardBound {
            of = func[of].args[0];
        }
        if func[*guard].op != Op::GuardBound {
            guards.push((of, func[*guard].ty));
        }
    }
    (used, guards)
}

/// The arguments for the parts of a parameter of that kind.
fn arguments(func: &mut Func, b: BlockId, kind: Kind, a: Val, parts: &HashMap<Val, (Option<Val>, Val)>) -> Vec<Val> {
    let (bound, number) = match parts.get(&a) {
        Some((bound, number)) => (*bound, *number),
        None if is_unbound(func, a) => {
            let op = match kind.ty {
                Type::Float => Op::ConstFloat,
                Type::Bool => Op::ConstBool,
                _ => Op::ConstInt,
            };
            (Some(constant(func, b, Op::ConstBool, Type::Bool)), constant(func, b, op, kind.ty))
        }
        None if func[a].op == Op::Maybe => (Some(func[a].args[0]), func[a].args[1]),
        None => (None, func[a].args[0]),
    };
    if !kind.open {
        return vec![number];
    }
    let bound = bound.unwrap_or_else(|| {
        let yes = constant(func, b, Op::ConstBool, Type::Bool);
        func[yes].imm = 1;
        yes
    });
    vec![bound, number]
}

/// A constant 0 at the end of a block.
fn constant(func: &mut Func, b: BlockId, op: Op, ty: Type) -> Val {
    let v = func.add_inst(plain(op, ty, vec![]));
    let at = func[b].insts.len() - 1;
    func[b].insts.insert(at, v);
    v
}

/// Guards on unboxed parameters: what is left of them is whether they are bound.
fn guards(func: &mut Func, rpo: &[BlockId], parts: &HashMap<Val, (Option<Val>, Val)>) {
    let mut map: HashMap<Val, Val> = HashMap::new();
    for b in rpo {
        for v in func[*b].insts.clone() {
            let inst = func[v].clone();
            if !is_number_guard(inst.op) {
                continue;
            }
            let mut of = inst.args[0];
            while func[of].op == Op::GuardBound && map.contains_key(&of) {
                of = func[of].args[0];
            }
            let Some((bound, number)) = parts.get(&of).copied() else { continue };
            if inst.op == Op::GuardBound {
                map.insert(v, of);
            } else {
                map.insert(v, number);
            }
            if let Some(bound) = bound {
                // The value moves on; the guard stays, of a truth value.
                let guard = Inst { op: Op::Guard, ty: Type::Void, args: vec![bound], ..inst };
                let guard = func.add_inst(guard);
                let at = func[*b].insts.iter().position(|x| *x == v).expect("it is there");
                func[*b].insts.insert(at, guard);
            }
        }
    }
    if map.is_empty() {
        return;
    }
    for b in rpo {
        func[*b].insts.retain(|v| !map.contains_key(v));
    }
    func.rename(|mut v| {
        while let Some(to) = map.get(&v) {
            v = *to;
        }
        v
    });
}
