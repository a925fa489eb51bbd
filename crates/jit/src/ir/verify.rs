//! Checks what every pass must leave true: operand and result types follow the table, definitions dominate uses, edges
//! match parameters, what may leave has a frame state.

use super::func::{BlockId, Func, StateId, Val};
use super::ops::{Effect, Op, Type};

/// Immediate dominators by block number, for reachable blocks (Cooper, Harvey and Kennedy's algorithm).
pub struct Dominators {
    idom: Vec<u32>,
    order: Vec<u32>,
}

const UNREACHED: u32 = u32::MAX;

impl Dominators {
    /// Computes them.
    pub fn of(func: &Func, rpo: &[BlockId]) -> Dominators {
        let mut order = vec![UNREACHED; func.blocks.len()];
        for (i, b) in rpo.iter().enumerate() {
            order[b.0 as usize] = i as u32;
        }
        let mut preds: Vec<Vec<u32>> = vec![vec![]; func.blocks.len()];
        for b in rpo {
            for e in &func[*b].edges {
                preds[e.to.0 as usize].push(b.0);
            }
        }
        let mut dom = Dominators { idom: vec![UNREACHED; func.blocks.len()], order };
        dom.idom[0] = 0;
        let mut changed = true;
        while changed {
            changed = false;
            for b in &rpo[1..] {
                let mut new = UNREACHED;
                for p in &preds[b.0 as usize] {
                    if dom.idom[*p as usize] != UNREACHED {
                        new = if new == UNREACHED { *p } else { dom.meet(new, *p) };
                    }
                }
                if dom.idom[b.0 as usize] != new {
                    dom.idom[b.0 as usize] = new;
                    changed = true;
                }
            }
        }
        dom
    }

    fn meet(&self, mut a: u32, mut b: u32) -> u32 {
        while a != b {
            while self.order[a as usize] > self.order[b as usize] {
                a = self.idom[a as usize];
            }
            while self.order[b as usize] > self.order[a as usize] {
                b = self.idom[b as usize];
            }
        }
        a
    }

    /// Whether `a` dominates `b` (both reachable).
    pub fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        let mut at = b.0;
        while self.order[at as usize] > self.order[a.0 as usize] {
            at = self.idom[at as usize];
        }
        at == a.0
    }

    /// The immediate dominator; the entry's is itself.
    pub fn idom(&self, b: BlockId) -> BlockId {
        BlockId(self.idom[b.0 as usize])
    }
}

/// The first thing wrong with `func`, if anything.
pub fn verify(func: &Func) -> Result<(), String> {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let mut home = vec![None; func.insts.len()];
    for b in &rpo {
        for (i, v) in func[*b].params.iter().enumerate() {
            home[v.0 as usize] = Some((*b, i));
        }
        let params = func[*b].params.len();
        for (i, v) in func[*b].insts.iter().enumerate() {
            if home[v.0 as usize].replace((*b, params + i)).is_some() {
                return Err(format!("{v} stands twice"));
            }
        }
    }
    for b in &rpo {
        let block = &func[*b];
        let Some(last) = block.insts.last() else { return Err(format!("b{} is empty", b.0)) };
        for (i, v) in block.insts.iter().enumerate() {
            let ends = func[*v].op.info().effect == Effect::Ends;
            if ends != (v == last) {
                return Err(format!("b{}: {v} ends the block in the wrong place", b.0));
            }
            types(func, *v)?;
            let at = block.params.len() + i;
            let state = if func[*v].state == StateId::NONE { vec![] } else { func.needed_by(func[*v].state) };
            if func[*v].state != StateId::NONE {
                let state = &func.states[func[*v].state.0 as usize];
                let before = state.values().any(|x| func[x].op == Op::HandledBefore);
                if before && state.handled.is_empty() {
                    return Err(format!("{v}: nothing is handled, but something was handled before"));
                }
            }
            let uses = func[*v].args.iter().copied().chain(state);
            for used in uses {
                match home[used.0 as usize] {
                    Some((d, n)) if (d == *b && n < at) || (d != *b && dom.dominates(d, *b)) => {}
                    _ => return Err(format!("b{}: {v} uses {used}, which does not dominate it", b.0)),
                }
            }
        }
        let want = match func[*last].op {
            Op::Jump => 1,
            Op::Branch => 2,
            _ => 0,
        };
        if block.edges.len() != want {
            return Err(format!("b{} has {} targets", b.0, block.edges.len()));
        }
        for e in &block.edges {
            let params = &func[e.to].params;
            if params.len() != e.args.len() {
                return Err(format!("b{} passes {} arguments to b{}", b.0, e.args.len(), e.to.0));
            }
            for (p, a) in params.iter().zip(&e.args) {
                if func[*p].ty != func[*a].ty {
                    return Err(format!("b{}: {a} does not have the type of {p}", b.0));
                }
                match home[a.0 as usize] {
                    Some((d, _)) if dom.dominates(d, *b) => {}
                    _ => return Err(format!("b{} passes {a}, which does not dominate its end", b.0)),
                }
            }
        }
    }
    Ok(())
}

fn types(func: &Func, v: Val) -> Result<(), String> {
    let inst = &func[v];
    let info = inst.op.info();
    if let Some(operands) = info.operands {
        if operands.len() != inst.args.len() {
            return Err(format!("{v}: {} has {} operands", info.text, inst.args.len()));
        }
        for (want, arg) in operands.iter().zip(&inst.args) {
            if *want != Type::Void && func[*arg].ty != *want {
                return Err(format!("{v}: {} wants {}, {arg} is {}", info.text, want.text(), func[*arg].ty.text()));
            }
        }
    }
    if info.result.is_some_and(|r| r != inst.ty) {
        return Err(format!("{v}: {} has the wrong type", info.text));
    }
    let leaves = info.effect == Effect::Guard || matches!(inst.op, Op::Exit | Op::Yield | Op::Finish);
    if leaves && inst.state == StateId::NONE {
        return Err(format!("{v}: {} has no frame state", info.text));
    }
    Ok(())
}
