//! Loops that go through a range count twice: the next number goes up, the number of rounds that are left goes down. Where a variable changes by
//! one in every round, it says when the loop ends, and what is left is computed where an exit needs it. Such a loop runs to where it has to look for
//! interrupts next without asking in between.

use std::collections::HashSet;

use super::bounds::{offset, steps_freely};
use super::licm::{Loop, loops};
use super::rotate::Region;
use super::{branches, dce};
use crate::build::values::at;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Cond, Edge, Effect, Func, Inst, Op, StateId, Type, Val};

/// Offset of the number of items that a list has room for.
const ROOM: usize = 32;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let all = loops(func, &rpo, &Dominators::of(func, &rpo));
    let mut any = false;
    for l in &all {
        any |= merge(func, &rpo, l);
        while side_by_side(func, &rpo, l) {
            any = true;
        }
        any |= in_strips(func, &rpo, l);
    }
    if any {
        branches::join(func);
        dce::run(func);
    }
}

/// A loop that is entered from one place and ends its rounds in one.
struct Ends {
    front: BlockId,
    /// By which edge the block in front leads to the loop.
    enter: usize,
    end: BlockId,
    /// By which edge the last block leads to the next round.
    again: usize,
}

fn ends(func: &Func, rpo: &[BlockId], l: &Loop) -> Option<Ends> {
    let edges = |inside: bool| {
        let from = rpo.iter().copied().filter(move |b| l.body[b.0 as usize] == inside);
        let edges = from.flat_map(|b| (0..func[b].edges.len()).map(move |e| (b, e)));
        edges.filter(|(b, e)| func[*b].edges[*e].to == l.head).collect::<Vec<_>>()
    };
    let (&[(front, enter)], &[(end, again)]) = (&edges(false)[..], &edges(true)[..]) else { return None };
    Some(Ends { front, enter, end, again })
}

/// Where a branch leads by that edge because a value is not 0: the value, and whether it is above 0.
fn not_zero(func: &Func, b: BlockId, edge: usize) -> Option<(Val, bool)> {
    let last = *func[b].insts.last().filter(|v| func[**v].op == Op::Branch)?;
    let mut holds = edge == 0;
    let mut cond = func[last].args[0];
    while func[cond].op == Op::BoolNot {
        cond = func[cond].args[0];
        holds = !holds;
    }
    let inst = &func[cond];
    if inst.op != Op::ICmp || func.as_const_int(inst.args[1]) != Some(0) {
        return None;
    }
    match (Cond::from_imm(inst.imm), holds) {
        (Cond::Gt, true) | (Cond::Le, false) => Some((inst.args[0], true)),
        (Cond::Ne, true) | (Cond::Eq, false) => Some((inst.args[0], false)),
        _ => None,
    }
}

fn plain(op: Op, ty: Type, args: &[Val], imm: u64) -> Inst {
    Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 }
}

/// Puts an instruction in front of the last one of a block.
fn put(func: &mut Func, b: BlockId, inst: Inst) -> Val {
    let v = func.add_inst(inst);
    let at = func[b].insts.len() - 1;
    func[b].insts.insert(at, v);
    v
}

/// Makes one counter of two.
fn merge(func: &mut Func, rpo: &[BlockId], l: &Loop) -> bool {
    let Some(Ends { front, enter, end, again }) = ends(func, rpo, l) else { return false };
    let params = func[l.head].params.clone();
    let step = |i: usize| {
        let next = func[end].edges[again].args[i];
        let (base, k) = offset(func, next);
        (base == params[i]).then_some((k, next))
    };
    let Some((tested, above)) = not_zero(func, end, again) else { return false };
    let Some(left) = params.iter().position(|p| offset(func, tested) == (*p, -1)) else { return false };
    // Downwards from above 0 it gets to 0 before it gets below.
    let first = func[front].edges[enter].args[left];
    if step(left).is_none_or(|(k, _)| k != -1) || above && not_zero(func, front, enter) != Some((first, true)) {
        return false;
    }
    let used = used_by_instructions(func, rpo, l);
    let is_other = |i: &usize| *i != left && step(*i).is_some_and(|(k, _)| k.abs() == 1) && used.contains(&params[*i]);
    let Some(other) = (0..params.len()).find(is_other) else { return false };
    let (k, next) = step(other).expect("it has a step");
    // What the other one is when nothing is left.
    let begin = func[front].edges[enter].args[other];
    let last = put(func, front, plain(if k > 0 { Op::Add } else { Op::Sub }, Type::Int, &[begin, first], 0));
    let count = if k > 0 { [last, params[other]] } else { [params[other], last] };
    let count = func.add_inst(plain(Op::Sub, Type::Int, &count, 0));
    func[l.head].insts.insert(0, count);
    let goes_on = put(func, end, plain(Op::ICmp, Type::Bool, &[next, last], Cond::Ne as u64));
    let branch = *func[end].insts.last().expect("a block has an end");
    func[branch].args = vec![goes_on];
    if again == 1 {
        func[end].edges.swap(0, 1);
    }
    for b in rpo.iter().filter(|b| l.body[b.0 as usize]) {
        for v in func[*b].insts.clone() {
            if func[v].op == Op::CheckSeldom && offset(func, func[v].args[0]) == (params[left], -1) {
                func[v].args[0] = next;
            }
        }
    }
    // Where the round ends, what the next one has is at hand.
    let mut own = Region::new(end);
    let rest = if k > 0 { [last, next] } else { [next, last] };
    let rest = func.add_inst(plain(Op::Sub, Type::Int, &rest, 0));
    own.define(func, tested, rest);
    let behind = func[end].insts.iter().position(|v| *v == next).map_or(0, |at| at + 1);
    own.rename_from(func, behind);
    func[end].insts.insert(behind, rest);
    let of = params[left];
    func.rename(|v| if v == of { count } else { v });
    // The parameter itself goes, with what it is passed.
    let keep: Vec<bool> = params.iter().map(|p| *p != of).collect();
    func[l.head].params = params;
    super::params::keep(func, l.head, &keep);
    true
}

/// Makes one of two variables that change by the same constant and begin with constants.
fn side_by_side(func: &mut Func, rpo: &[BlockId], l: &Loop) -> bool {
    let Some(Ends { front, enter, end, again }) = ends(func, rpo, l) else { return false };
    let params = func[l.head].params.clone();
    // What a parameter begins with, by how much it changes, and its next value.
    let counter = |i: usize| {
        let next = func[end].edges[again].args[i];
        let (base, k) = offset(func, next);
        let first = func.as_const_int(func[front].edges[enter].args[i])?;
        (base == params[i] && k != 0 && steps_freely(func, next, base)).then_some((first, k, next))
    };
    let pairs = (0..params.len()).filter_map(|i| Some((i, counter(i)?)));
    let counters: Vec<(usize, (i64, i64, Val))> = pairs.collect();
    let pair = counters.iter().enumerate().find_map(|(at, a)| {
        let other = counters[at + 1..].iter().find(|b| a.1.1 == b.1.1)?;
        Some((*a, *other, other.1.0.checked_sub(a.1.0)?))
    });
    let Some(((i, (_, _, next)), (j, (_, _, other_next)), ahead)) = pair else { return false };
    let ahead = func.add_inst(plain(Op::ConstInt, Type::Int, &[], ahead as u64));
    let other = func.add_inst(plain(Op::Add, Type::Int, &[params[i], ahead], 0));
    func[l.head].insts.splice(0..0, [ahead, other]);
    // Where the round ends, what the next one has is at hand.
    let mut own = Region::new(end);
    let sum = func.add_inst(plain(Op::Add, Type::Int, &[next, ahead], 0));
    own.define(func, other_next, sum);
    let behind = func[end].insts.iter().position(|v| *v == next).map_or(0, |at| at + 1);
    own.rename_from(func, behind);
    func[end].insts.insert(behind, sum);
    let of = params[j];
    func.rename(|v| if v == of { other } else { v });
    let keep: Vec<bool> = params.iter().map(|p| *p != of).collect();
    super::params::keep(func, l.head, &keep);
    true
}

/// How a loop with strips begins and goes on.
struct Strips {
    ends: Ends,
    /// The parameter that counts, by which of 1 and -1, and to what.
    i: usize,
    k: i64,
    last: Val,
    /// What looks for interrupts, and what makes sure that there is room for what rounds append to a list.
    check: Val,
    room: Option<Val>,
}

impl Strips {
    fn of(func: &Func, rpo: &[BlockId], l: &Loop) -> Option<Strips> {
        let ends @ Ends { front, enter, end, again: 0 } = ends(func, rpo, l)? else { return None };
        let [.., test, branch] = func[end].insts[..] else { return None };
        let &[next, last] = &func[test].args[..] else { return None };
        let inside =
            |v: Val| l.body.iter().zip(&func.blocks).any(|(is_in, b)| *is_in && (b.insts.contains(&v) || b.params.contains(&v)));
        if func[branch].op != Op::Branch || func[branch].args != [test] || inside(last) {
            return None;
        }
        let i = func[end].edges[0].args.iter().position(|a| *a == next)?;
        let k = match offset(func, next) {
            (base, k @ (1 | -1)) if base == func[l.head].params[i] => k,
            _ => return None,
        };
        // What counts up from below the last number gets to that before it gets above.
        let first = func[front].edges[enter].args[i];
        let asked = *func[front].insts.last()?;
        let is_below = |v: Val| func[v].op == Op::ULt && same(func, func[v].args[0], first) && func[v].args[1] == last;
        let below = func[asked].op == Op::Branch && enter == 0 && is_below(func[asked].args[0]);
        match func[test].op {
            Op::ICmp if func[test].imm == Cond::Ne as u64 => {}
            Op::ULt if k == 1 && below => {}
            _ => return None,
        }
        let at = func[end].insts.iter().position(|v| func[*v].op == Op::CheckSeldom)?;
        let mut guards = func[end].insts[at + 1..].iter().filter(|v| func[**v].op.info().effect != Effect::Pure && **v != branch);
        let room = guards.next().copied();
        if guards.next().is_some() || room.is_some_and(|r| !is_room(func, r, (end, next))) {
            return None;
        }
        Some(Strips { i, k, last, check: func[end].insts[at], room, ends })
    }

    /// At the end of a block: the number of the last round of the strip that begins with `from`. `room`: what makes sure of room there.
    fn stop_behind(&self, func: &mut Func, b: BlockId, from: Val, room: Option<Val>) -> Val {
        /// Rounds between looks.
        const STRIP: u64 = 512;
        let left = if self.k > 0 { [self.last, from] } else { [from, self.last] };
        let left = put(func, b, plain(Op::Sub, Type::Int, &left, 0));
        let most = put(func, b, plain(Op::ConstInt, Type::Int, &[], STRIP));
        let mut rounds = least(func, b, left, most);
        if let Some(room) = room {
            let [list, size] = [func[room].args[0], func[room].args[1]];
            let capacity = put(func, b, plain(Op::Load, Type::Int, &[list], at(Alias::ListItems, ROOM)));
            let more = put(func, b, plain(Op::Sub, Type::Int, &[capacity, size], 0));
            rounds = least(func, b, rounds, more);
        }
        put(func, b, plain(if self.k > 0 { Op::Add } else { Op::Sub }, Type::Int, &[from, rounds], 0))
    }
}

/// The less of two numbers without sign.
fn least(func: &mut Func, b: BlockId, x: Val, y: Val) -> Val {
    let less = put(func, b, plain(Op::ULt, Type::Bool, &[x, y], 0));
    put(func, b, plain(Op::Select, Type::Int, &[less, x, y], 0))
}

/// Whether two values are the same one or the same constant.
fn same(func: &Func, a: Val, b: Val) -> bool {
    a == b || func.as_const_int(a).is_some_and(|k| func.as_const_int(b) == Some(k))
}

/// Whether an instruction at the end of a round makes sure of room for one item a round, and only the next round uses where that is.
fn is_room(func: &Func, v: Val, (end, next): (BlockId, Val)) -> bool {
    let uses = func.blocks.iter().flat_map(|b| b.insts.iter().flat_map(|v| &func[*v].args).chain(b.edges.iter().flat_map(|e| &e.args)));
    let again = func[end].edges[0].args.iter().filter(|a| **a == v).count();
    let stated = func.states.iter().any(|s| s.values().any(|x| x == v));
    func[v].op == Op::ListRoom
        && offset(func, func[v].args[1]).0 == offset(func, next).0
        && again == 1
        && !stated
        && uses.filter(|a| **a == v).count() == 1
}

/// Lets a loop that counts by one to a number known in front of it run to where it has to look for interrupts next, or for room, or to its end if
/// that comes first: so rounds ask one thing, not two.
fn in_strips(func: &mut Func, rpo: &[BlockId], l: &Loop) -> bool {
    let Some(strips) = Strips::of(func, rpo, l) else { return false };
    let Ends { front, enter, end, .. } = strips.ends;
    let [.., test, _] = func[end].insts[..] else { return false };
    let (check, last) = (strips.check, strips.last);
    // In front of the loop the same is asked of the first round.
    let list = strips.room.map(|r| func[r].args[0]);
    let room_in_front = func[front].insts.iter().copied().find(|v| func[*v].op == Op::ListRoom && list == Some(func[*v].args[0]));
    if strips.room.is_some() != room_in_front.is_some() {
        return false;
    }
    func[end].insts.retain(|v| *v != check && Some(*v) != strips.room);
    let begin = func[front].edges[enter].args[strips.i];
    let first = strips.stop_behind(func, front, begin, room_in_front);
    func[front].edges[enter].args.push(first);
    let stop = func.add_param(l.head, Type::Int);
    let next = func[test].args[0];
    func[test] = plain(Op::ICmp, Type::Bool, &[next, stop], Cond::Ne as u64);
    let [over, look] = [func.add_block(), func.add_block()];
    (func[over].cold, func[look].cold) = (true, true);
    // Where a strip ends: the loop may end there, too.
    let more = func.add_inst(plain(Op::ICmp, Type::Bool, &[next, last], Cond::Ne as u64));
    let ask = func.add_inst(plain(Op::Branch, Type::Void, &[more], 0));
    func[over].insts = vec![more, ask];
    func[over].edges = vec![Edge { to: look, args: vec![] }, func[end].edges[1].clone()];
    func[check] = Inst { op: Op::CheckInterrupt, args: vec![], ..func[check].clone() };
    let jump = func.add_inst(plain(Op::Jump, Type::Void, &[], 0));
    func[look].insts = [check].into_iter().chain(strips.room).chain([jump]).collect();
    func[look].edges = vec![func[end].edges[0].clone()];
    let further = strips.stop_behind(func, look, next, strips.room);
    func[look].edges[0].args.push(further);
    func[end].edges[0].args.push(stop);
    func[end].edges[1] = Edge { to: over, args: vec![] };
    // Within a strip items stay where they are.
    if let Some(j) = strips.room.and_then(|r| func[end].edges[0].args.iter().position(|a| *a == r)) {
        func[end].edges[0].args[j] = func[l.head].params[j];
    }
    true
}

/// What instructions of the loop use that do more than count.
fn used_by_instructions(func: &Func, rpo: &[BlockId], l: &Loop) -> HashSet<Val> {
    let counts = |op: Op| matches!(op, Op::Add | Op::AddOv | Op::Sub | Op::SubOv | Op::BoxInt | Op::CheckSeldom);
    let inside = rpo.iter().filter(|b| l.body[b.0 as usize]).flat_map(|b| &func[*b].insts);
    let mut work: Vec<Val> = inside.filter(|v| !counts(func[**v].op)).flat_map(|v| &func[*v].args).copied().collect();
    let mut used: HashSet<Val> = HashSet::new();
    while let Some(v) = work.pop() {
        let inst = &func[v];
        // Sums that others use.
        if used.insert(v) && matches!(inst.op, Op::Add | Op::AddOv | Op::Sub | Op::SubOv) {
            work.extend(&inst.args);
        }
    }
    used
}
