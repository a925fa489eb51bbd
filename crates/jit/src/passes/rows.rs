//! Columns of lists of lists: a loop that takes one item of each row asks in every round what the row is and how long. Where a loop around it
//! does that for one column after the other, and changes neither rows nor the list of them, all rows are asked once in front of that loop:
//! for their class and kind, and for the size of the shortest, with which each column is compared before its first item.

use super::bounds::{Counted, Emitter, Induction, Rounds, counted, front_of};
use super::gvn::{Clobber, Homes, origin};
use super::licm::{Loop, loops};
use crate::build::values::alias_of;
use crate::exits::Reason;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Cond, Edge, Func, Inst, Op, StateId, Type, Val};

/// Most lists of rows in a function.
const MOST: usize = 4;

/// Runs the pass.
pub fn run(func: &mut Func) {
    if !func.hoists_guards {
        return;
    }
    for _ in 0..MOST {
        let rpo = func.rpo();
        let dom = Dominators::of(func, &rpo);
        let all = loops(func, &rpo, &dom);
        let found = all.iter().enumerate().find_map(|(i, l)| {
            let around = all[i + 1..].iter().find(|p| p.body[l.head.0 as usize] && p.head != l.head)?;
            Rows::find(func, &rpo, &dom, l, around)
        });
        let Some(rows) = found else { return };
        rows.ask_in_front(func);
    }
}

/// Rows that a loop goes through.
struct Rows {
    /// The loop as one whose rounds are counted, its head, and the head of the loop around it.
    inner: Counted,
    head: BlockId,
    around: BlockId,
    /// The block in front of the loop around.
    front: BlockId,
    /// What the number of the row is.
    index: Induction,
    /// The load of a row, the guard of its class, the load and the guard of the word that tells its kind, the load of its size.
    row: Val,
    class: Val,
    kind: Val,
    same: Val,
    size: Val,
    /// Guards of indices in rows, which the loop does not change.
    indices: Vec<Val>,
}

impl Rows {
    fn find(func: &Func, rpo: &[BlockId], dom: &Dominators, l: &Loop, around: &Loop) -> Option<Rows> {
        let is_open = |b: BlockId| func[b].enter != StateId::NONE && !func[b].keeps_checks;
        if !is_open(l.head) || !is_open(around.head) {
            return None;
        }
        let (inner, front) = (counted(func, rpo, l)?, front_of(func, rpo, around)?);
        let homes = Homes::of(func, rpo, dom);
        let outside = |v: Val| homes.block_of(v).is_some_and(|b| !around.body[b.0 as usize]);
        let known = match inner.rounds {
            Rounds::Count(n) => outside(n),
            Rounds::Between(first, end, _) => outside(first) && outside(end),
        };
        let entries = rpo.iter().flat_map(|b| &func[*b].edges).filter(|e| e.to == inner.body).count();
        if !known || entries != 1 {
            return None;
        }
        // What runs as often as the test at the head says.
        let counted = rpo.iter().filter(|b| l.body[b.0 as usize] && dom.dominates(inner.body, **b));
        let insts: Vec<Val> = counted.flat_map(|b| &func[*b].insts).copied().collect();
        let loads = |v: Val, of: Val, alias: Alias| {
            func[v].op == Op::Load && func[v].args[0] == of && alias_of(func[v].imm) == alias
        };
        for class in insts.iter().copied().filter(|v| func[*v].op == Op::GuardClass) {
            let row = func[class].args[0];
            if func[row].op != Op::LoadIndex || !insts.contains(&row) || !outside(func[row].args[0]) {
                continue;
            }
            let items = &func[func[row].args[0]];
            if items.op != Op::Load || alias_of(items.imm) != Alias::ListItems {
                continue;
            }
            let Some(index) = inner.known.get(&func[row].args[1]).filter(|i| i.step == 1 && outside(i.first)) else { continue };
            let same = insts.iter().copied().find(|v| {
                func[*v].op == Op::GuardWord && loads(func[*v].args[0], class, Alias::ListItems)
            });
            let Some(size) = insts.iter().copied().find(|v| loads(*v, class, Alias::ListSize)) else { continue };
            let Some(same) = same else { continue };
            let is_column = |v: &Val| {
                func[*v].op == Op::GuardIndex && func[*v].args[1] == size && !inner.inside[func[*v].args[0].0 as usize]
            };
            let indices: Vec<Val> = insts.iter().copied().filter(is_column).collect();
            let kind = func[same].args[0];
            let changed = around.clobbers(func).into_iter().any(|c| match c {
                Clobber::List(list) => {
                    homes.hits(func, c, &func[row]) || !is_apart(func, &homes, rpo, list, around, front)
                }
                _ => [row, kind, size].iter().any(|v| homes.hits(func, c, &func[*v])),
            });
            if indices.is_empty() || changed {
                continue;
            }
            let (head, around, index) = (l.head, around.head, *index);
            return Some(Rows { inner, head, around, front, index, row, class, kind, same, size, indices });
        }
        None
    }

    /// Puts a loop over all rows in front of the loop around.
    fn ask_in_front(self, func: &mut Func) {
        let items = func[self.row].args[0];
        let list = func[items].args[0];
        let state = func[self.around].enter;
        let mut out = Emitter { func, front: self.front, state };
        // In front of the loop the index has not been compared with the number of rows.
        let length = out.op(Op::Load, Type::Int, &[list], out.func[self.size].imm);
        let count = out.count(&self.inner.rounds);
        out.guard_range(self.index, length, count);
        let end = out.op(Op::Add, Type::Int, &[self.index.first, count], 0);
        let most = out.op(Op::ConstInt, Type::Int, &[], i64::MAX as u64);
        let [test, each, done] = [0; 3].map(|_| func.add_block());
        let [k, least] = [Type::Int; 2].map(|ty| func.add_param(test, ty));
        let onward = std::mem::replace(&mut func[self.front].edges, vec![Edge { to: test, args: vec![self.index.first, most] }]);
        func[done].edges = onward;
        put(func, done, Op::Jump, Type::Void, &[], 0);
        let more = put(func, test, Op::ICmp, Type::Bool, &[k, end], Cond::Ne as u64);
        put(func, test, Op::Branch, Type::Void, &[more], 0);
        func[test].edges = [each, done].map(|to| Edge { to, args: vec![] }).to_vec();
        // What the loop asks of each row.
        let again = |func: &mut Func, v: Val, args: &[Val]| {
            let mut inst = Inst { args: args.to_vec(), ..func[v].clone() };
            if inst.state != StateId::NONE {
                (inst.state, inst.reason) = (state, Reason::Hoisted as u8);
            }
            let v = func.add_inst(inst);
            func[each].insts.push(v);
            v
        };
        let row = again(func, self.row, &[items, k]);
        let row = again(func, self.class, &[row]);
        let kind = again(func, self.kind, &[row]);
        again(func, self.same, &[kind]);
        let size = again(func, self.size, &[row]);
        let less = put(func, each, Op::ULt, Type::Bool, &[size, least], 0);
        let size = put(func, each, Op::Select, Type::Int, &[less, size, least], 0);
        let one = put(func, each, Op::ConstInt, Type::Int, &[], 1);
        let next = put(func, each, Op::Add, Type::Int, &[k, one], 0);
        put(func, each, Op::Jump, Type::Void, &[], 0);
        func[each].edges = vec![Edge { to: test, args: vec![next, size] }];
        self.ask_no_more(func, least);
    }

    /// The rows are known, and the size of the shortest.
    fn ask_no_more(self, func: &mut Func, least: Val) {
        for v in &self.indices {
            let (state, reason) = (func[self.head].enter, Reason::Bounds as u8);
            let args = vec![func[*v].args[0], least];
            let guard = func.add_inst(Inst { args, state, reason, ..func[*v].clone() });
            let at = func[self.inner.front].insts.len() - 1;
            func[self.inner.front].insts.insert(at, guard);
        }
        let class = &mut func[self.class];
        (class.op, class.state, class.reason) = (Op::AssumeClass, StateId::NONE, 0);
        for block in &mut func.blocks {
            block.insts.retain(|v| *v != self.same && !self.indices.contains(v));
        }
    }
}

/// Puts an instruction at the end of a block.
fn put(func: &mut Func, block: BlockId, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
    let v = func.add_inst(Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 });
    func[block].insts.push(v);
    v
}

/// Whether a list that was made here is none of the rows, which were there in front of a loop: it was not, or until the loop ends nobody
/// has put it anywhere.
fn is_apart(func: &Func, homes: &Homes, rpo: &[BlockId], list: Val, l: &Loop, front: BlockId) -> bool {
    let Some(home) = homes.block_of(list) else { return false };
    if l.body[home.0 as usize] {
        return true;
    }
    // The blocks from where it is made to where the loop ends.
    let mut between = l.body.clone();
    let mut work = vec![front];
    while let Some(b) = work.pop() {
        if !std::mem::replace(&mut between[b.0 as usize], true) && b != home {
            work.extend(rpo.iter().filter(|p| func[**p].edges.iter().any(|e| e.to == b)));
        }
    }
    let only_used = |v: &Val| {
        let inst = &func[*v];
        inst.args.iter().enumerate().all(|(i, a)| {
            let stays = matches!(
                inst.op,
                Op::Load | Op::ListAppend | Op::ListAppendDouble | Op::ListReserve | Op::GuardClass | Op::AssumeClass
            );
            origin(func, *a) != list || stays && i == 0
        })
    };
    rpo.iter().filter(|b| between[b.0 as usize]).all(|b| {
        let passed = func[*b].edges.iter().flat_map(|e| &e.args).any(|a| origin(func, *a) == list);
        func[*b].insts.iter().all(only_used) && !passed
    })
}
