//! The control flow of a code object as seen from an entry point, and which registers are live where.

use std::collections::BTreeMap;

use taipan_bytecode::{Op, Word, effects};
use taipan_runtime::types::code::CodeObject;

use crate::exits::Reason;

/// A set of registers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RegSet(Vec<u64>);

impl RegSet {
    /// An empty set for `n` registers.
    pub fn new(n: usize) -> RegSet {
        RegSet(vec![0; n.div_ceil(64)])
    }
    /// Whether `r` is in it.
    pub fn has(&self, r: usize) -> bool {
        self.0[r / 64] >> (r % 64) & 1 != 0
    }
    /// Adds `r`.
    pub fn add(&mut self, r: usize) {
        self.0[r / 64] |= 1 << (r % 64);
    }
    /// Removes `r`.
    pub fn remove(&mut self, r: usize) {
        self.0[r / 64] &= !(1 << (r % 64));
    }
    /// Adds all of `other`; true if that changed something.
    pub fn union(&mut self, other: &RegSet) -> bool {
        let mut changed = false;
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            changed |= *b & !*a != 0;
            *a |= b;
        }
        changed
    }
}

/// The original instruction word at `pc` with caches as the interpreter has filled them.
pub fn word_at(code: &CodeObject, pc: usize) -> Word {
    // SAFETY: callers pass the index of an instruction.
    Word(unsafe { *code.words_ptr().add(pc) })
}

/// The (possibly quickened) opcode at `pc`.
pub fn op_at(code: &CodeObject, pc: usize) -> Op {
    word_at(code, pc).op().unwrap_or(Op::Nop)
}

/// Registers that are live before each instruction, over the whole code. Locals, cells and free variables are always
/// live: tracebacks and debuggers can see them.
pub struct Liveness {
    live: Vec<Option<RegSet>>,
    named: usize,
    nregs: usize,
}

impl Liveness {
    /// Computes it.
    pub fn of(code: &CodeObject) -> Liveness {
        let n = code.word_count();
        let nregs = code.nregs();
        let mut starts = Vec::new();
        let mut pc = 0;
        while pc < n {
            starts.push(pc);
            pc += op_at(code, pc).words();
        }
        let mut live: Vec<Option<RegSet>> = vec![None; n + 1];
        for pc in &starts {
            live[*pc] = Some(RegSet::new(nregs));
        }
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        let mut changed = true;
        while changed {
            changed = false;
            for &pc in starts.iter().rev() {
                let (op, word) = (op_at(code, pc).base(), word_at(code, pc));
                let next = pc + op.words();
                let mut set = RegSet::new(nregs);
                if !effects::ends_block(op)
                    && let Some(Some(after)) = live.get(next)
                {
                    set.union(after);
                }
                if let Some(jump) = effects::jump(op, word)
                    && let Some(Some(after)) = live.get((next as i64 + jump as i64) as usize)
                {
                    set.union(after);
                }
                for r in effects::writes(op, word).registers() {
                    set.remove(r);
                }
                for r in effects::reads(op, word).registers() {
                    set.add(r);
                }
                for h in &*code.handlers {
                    if (h.start as usize) <= pc
                        && pc < h.end as usize
                        && let Some(Some(target)) = live.get(h.target as usize)
                    {
                        let mut target = target.clone();
                        target.remove(h.reg as usize);
                        set.union(&target);
                    }
                }
                changed |= live[pc].as_mut().is_some_and(|l| l.union(&set));
            }
        }
        Liveness { live, named, nregs }
    }

    /// Whether register `r` is live before the instruction at `pc`. What lies behind the code's registers always is.
    pub fn is_live(&self, pc: usize, r: usize) -> bool {
        r < self.named || r >= self.nregs || self.is_read(pc, r)
    }

    /// Whether an instruction from `pc` on may read register `r` before it is written. What others see of locals and cells in
    /// frames does not count.
    pub fn is_read(&self, pc: usize, r: usize) -> bool {
        self.live.get(pc).is_some_and(|l| l.as_ref().is_some_and(|l| l.has(r)))
    }
}

/// Handlers that are part of the control flow: for each instruction that was seen to raise, where it goes on and the
/// register that receives the exception.
pub type Catches = BTreeMap<usize, (usize, usize)>;

/// The instructions of `code` that were seen to raise what a handler of it catches, or that raise again what was caught.
pub fn catches(code: &CodeObject) -> Catches {
    let mut catches = Catches::new();
    let Some(profile) = crate::profile::profile(code).filter(|p| p.raises()) else { return catches };
    let mut pc = 0;
    while pc < code.word_count() {
        let op = op_at(code, pc);
        let words = op.words();
        let again = matches!(op.base(), Op::Reraise | Op::RaiseCurrent);
        let raises = again || (pc..pc + words).any(|at| profile.failed(at as u32, Reason::Raised));
        if let Some(h) = code.handler_at(pc as u32).filter(|_| raises) {
            catches.insert(pc, (h.target as usize, h.reg as usize));
        }
        pc += words;
    }
    catches
}

/// A basic block of bytecode.
#[derive(Debug, Clone)]
pub struct CodeBlock {
    /// First instruction.
    pub start: usize,
    /// Word behind the last instruction.
    pub end: usize,
    /// Blocks that may follow, as indices: the fall-through first.
    pub succs: Vec<usize>,
    /// Blocks that may precede.
    pub preds: Vec<usize>,
    /// Is the target of a back edge.
    pub header: bool,
    /// Headers: registers written in the loop.
    pub written: RegSet,
    /// Headers: the loop can be entered elsewhere, so nothing that holds in front of the head can be relied on inside.
    pub irreducible: bool,
    /// Position in reverse postorder.
    pub order: usize,
}

/// Control flow from an entry point.
#[derive(Debug)]
pub struct Cfg {
    /// Blocks, some of which may be unreachable.
    pub blocks: Vec<CodeBlock>,
    /// Block indices in reverse postorder.
    pub rpo: Vec<usize>,
    /// For each header (by block index) which blocks its loop has.
    pub bodies: Vec<Option<Vec<bool>>>,
}

impl Cfg {
    /// The blocks reachable from `entry`, through the handlers of `catches`, too.
    ///
    /// Where `entry` is the head of a loop inside another loop, the inner loop is there twice: once for the rounds that are
    /// left, once as part of the outer loop. Otherwise the two loops would share a head, and with it all assumptions.
    pub fn of(code: &CodeObject, entry: usize, catches: &Catches) -> Cfg {
        let plain = Cfg::single(code, entry, entry, catches);
        if entry == 0 {
            return plain;
        }
        let whole = Cfg::single(code, 0, entry, catches);
        let Some(head) = whole.blocks.iter().position(|b| b.start == entry) else { return plain };
        let Some(inner) = whole.bodies[head].clone() else { return plain };
        let nested = whole.bodies.iter().enumerate().any(|(h, b)| h != head && b.as_ref().is_some_and(|b| b[head]));
        if nested { whole.unshared(code, head, &inner, catches) } else { plain }
    }

    /// The graph with a copy of the loop `inner` in front, which is the new entry.
    fn unshared(self, code: &CodeObject, head: usize, inner: &[bool], catches: &Catches) -> Cfg {
        let n = self.blocks.len();
        let mut blocks = self.blocks.clone();
        for (i, block) in self.blocks.iter().enumerate() {
            let mut copy = block.clone();
            copy.succs.iter_mut().filter(|s| inner[i] && inner[**s]).for_each(|s| *s += n);
            if !inner[i] {
                copy.succs.clear();
            }
            blocks.push(copy);
        }
        for block in &mut blocks {
            block.preds.clear();
            block.header = false;
            block.irreducible = false;
            block.written = RegSet::new(code.nregs());
            block.order = usize::MAX;
        }
        let rpo = order(&mut blocks, head + n);
        for b in &rpo {
            for s in blocks[*b].succs.clone() {
                blocks[s].preds.push(*b);
            }
        }
        let bodies = vec![None; blocks.len()];
        let mut cfg = Cfg { blocks, rpo, bodies };
        cfg.find_loops(code, catches);
        cfg
    }

    /// The blocks reachable from `entry`, each once; a block begins at `also`, too, if that is reached.
    fn single(code: &CodeObject, entry: usize, also: usize, catches: &Catches) -> Cfg {
        let leaders = leaders(code, entry, also, catches);
        let mut blocks: Vec<CodeBlock> = Vec::new();
        let index = |pc: usize| leaders.binary_search(&pc).expect("jumps lead to leaders");
        for &start in &leaders {
            let mut pc = start;
            let (mut succs, mut handlers) = (Vec::new(), Vec::new());
            loop {
                let (op, word) = (op_at(code, pc).base(), word_at(code, pc));
                let next = pc + op.words();
                let jump = effects::jump(op, word);
                if let Some((target, _)) = catches.get(&pc) {
                    handlers.push(index(*target));
                }
                if jump.is_some() || effects::ends_block(op) {
                    if !effects::ends_block(op) {
                        succs.push(index(next));
                    }
                    if let Some(jump) = jump {
                        succs.push(index((next as i64 + jump as i64) as usize));
                    }
                    pc = next;
                    break;
                }
                pc = next;
                if leaders.binary_search(&pc).is_ok() {
                    succs.push(index(pc));
                    break;
                }
            }
            handlers.retain(|h| !succs.contains(h));
            handlers.dedup();
            succs.extend(handlers);
            blocks.push(CodeBlock {
                start,
                end: pc,
                succs,
                preds: vec![],
                header: false,
                irreducible: false,
                written: RegSet::new(code.nregs()),
                order: usize::MAX,
            });
        }
        let rpo = order(&mut blocks, index(entry));
        for b in &rpo {
            for s in blocks[*b].succs.clone() {
                blocks[s].preds.push(*b);
            }
        }
        let bodies = vec![None; blocks.len()];
        let mut cfg = Cfg { blocks, rpo, bodies };
        cfg.find_loops(code, catches);
        cfg
    }

    /// The entry.
    pub fn entry(&self) -> usize {
        self.rpo[0]
    }

    /// The successor of `block` that starts at `pc`.
    pub fn successor(&self, block: usize, pc: usize) -> usize {
        let succs = &self.blocks[block].succs;
        *succs.iter().find(|s| self.blocks[**s].start == pc).expect("jumps lead to leaders")
    }

    /// Immediate dominators by block (Cooper, Harvey and Kennedy's algorithm); usize::MAX for unreachable blocks.
    fn dominators(&self) -> Vec<usize> {
        let mut idom = vec![usize::MAX; self.blocks.len()];
        idom[self.rpo[0]] = self.rpo[0];
        let order = |b: usize| self.blocks[b].order;
        let mut changed = true;
        while changed {
            changed = false;
            for &b in &self.rpo[1..] {
                let mut new = usize::MAX;
                for &p in &self.blocks[b].preds {
                    if idom[p] == usize::MAX {
                        continue;
                    }
                    let (mut x, mut y) = (p, if new == usize::MAX { p } else { new });
                    while x != y {
                        while order(x) > order(y) {
                            x = idom[x];
                        }
                        while order(y) > order(x) {
                            y = idom[y];
                        }
                    }
                    new = x;
                }
                changed |= std::mem::replace(&mut idom[b], new) != new;
            }
        }
        idom
    }

    fn find_loops(&mut self, code: &CodeObject, catches: &Catches) {
        let idom = self.dominators();
        for latch in self.rpo.clone() {
            for s in self.blocks[latch].succs.clone() {
                if self.blocks[s].order <= self.blocks[latch].order {
                    self.blocks[s].header = true;
                    let mut at = latch;
                    while self.blocks[at].order > self.blocks[s].order {
                        at = idom[at];
                    }
                    self.blocks[s].irreducible |= at != s;
                    self.collect(code, s, latch, catches);
                }
            }
        }
    }

    /// Adds what the natural loop of `header` with this `latch` writes.
    fn collect(&mut self, code: &CodeObject, header: usize, latch: usize, catches: &Catches) {
        let mut body = self.bodies[header].take().unwrap_or_else(|| vec![false; self.blocks.len()]);
        body[header] = true;
        let mut stack = vec![latch];
        while let Some(b) = stack.pop() {
            if !std::mem::replace(&mut body[b], true) {
                stack.extend(&self.blocks[b].preds);
            }
        }
        let mut written = self.blocks[header].written.clone();
        for b in (0..self.blocks.len()).filter(|b| body[*b]) {
            let mut pc = self.blocks[b].start;
            while pc < self.blocks[b].end {
                let (op, word) = (op_at(code, pc).base(), word_at(code, pc));
                for r in effects::writes(op, word).registers() {
                    written.add(r);
                }
                if let Some((_, r)) = catches.get(&pc) {
                    written.add(*r);
                }
                // Calls may use the registers of their arguments.
                if matches!(op, Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw) {
                    for r in effects::reads(op, word).registers() {
                        written.add(r);
                    }
                }
                pc += op.words();
            }
        }
        self.blocks[header].written = written;
        self.bodies[header] = Some(body);
    }
}

fn leaders(code: &CodeObject, entry: usize, also: usize, catches: &Catches) -> Vec<usize> {
    let mut leaders = vec![entry];
    let mut seen = std::collections::HashSet::new();
    let mut stack = vec![entry];
    while let Some(mut pc) = stack.pop() {
        while seen.insert(pc) {
            let (op, word) = (op_at(code, pc).base(), word_at(code, pc));
            let next = pc + op.words();
            let jump = effects::jump(op, word);
            if let Some((target, _)) = catches.get(&pc) {
                leaders.push(*target);
                stack.push(*target);
            }
            if let Some(jump) = jump {
                let target = (next as i64 + jump as i64) as usize;
                leaders.push(target);
                stack.push(target);
            }
            if effects::ends_block(op) {
                break;
            }
            if jump.is_some() {
                leaders.push(next);
            }
            pc = next;
        }
    }
    if seen.contains(&also) {
        leaders.push(also);
    }
    leaders.sort_unstable();
    leaders.dedup();
    leaders
}

fn order(blocks: &mut [CodeBlock], entry: usize) -> Vec<usize> {
    let mut seen = vec![false; blocks.len()];
    let mut rpo = Vec::new();
    let mut stack = vec![(entry, 0)];
    seen[entry] = true;
    while let Some((b, i)) = stack.pop() {
        match blocks[b].succs.get(i) {
            Some(&s) => {
                stack.push((b, i + 1));
                if !std::mem::replace(&mut seen[s], true) {
                    stack.push((s, 0));
                }
            }
            None => rpo.push(b),
        }
    }
    rpo.reverse();
    for (i, b) in rpo.iter().enumerate() {
        blocks[*b].order = i;
    }
    rpo
}
