//! Ways that know what a later branch will decide go past it: a block that only tests its parameters, such as where the ways of
//! `a or b`, of `isinstance`, or of an inlined predicate meet, is left out by those that bring a value of which the answer is known.

use std::collections::HashMap;

use taipan_runtime::Value;

use crate::ir::{BlockId, Edge, Func, Inst, Op, Val};

/// Blocks with more instructions are left alone.
const MAX_TESTS: usize = 8;
/// So many blocks with one way to them are looked at for what is known of a value.
const MAX_STEPS: usize = 6;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let mut order = vec![usize::MAX; func.blocks.len()];
    rpo.iter().enumerate().for_each(|(i, b)| order[b.0 as usize] = i);
    let mut is_head = vec![false; func.blocks.len()];
    for b in &rpo {
        for e in func[*b].edges.iter().filter(|e| order[e.to.0 as usize] <= order[b.0 as usize]) {
            is_head[e.to.0 as usize] = true;
        }
    }
    let leaks = used_elsewhere(func, &rpo);
    let tests = |b: BlockId| {
        let block = &func[b];
        let own = |v: &Val| !leaks[v.0 as usize];
        block.edges.len() == 2
            && !is_head[b.0 as usize]
            && !block.params.is_empty()
            && block.insts.len() <= MAX_TESTS
            && block.params.iter().chain(&block.insts).all(own)
            && block.insts.iter().all(|v| func[*v].op == Op::Branch || is_test(func[*v].op))
    };
    let tests: Vec<bool> = (0..func.blocks.len() as u32).map(|b| order[b as usize] != usize::MAX && tests(BlockId(b))).collect();
    if !tests.contains(&true) {
        return;
    }
    let before = only_ways(func, &rpo);
    for b in &rpo {
        for i in 0..func[*b].edges.len() {
            // What is behind one test may be the next.
            for _ in 0..MAX_STEPS {
                let edge = &func[*b].edges[i];
                if !tests[edge.to.0 as usize] {
                    break;
                }
                match past(func, &before, *b, i, edge).filter(|e| !is_head[e.to.0 as usize]) {
                    Some(further) => func[*b].edges[i] = further,
                    None => break,
                }
            }
        }
    }
}

/// Operations that tell something of a value, which is known if the value is.
fn is_test(op: Op) -> bool {
    matches!(op, Op::IsConst | Op::IsSmall | Op::BoolNot | Op::BoolOr | Op::BoolAnd | Op::ConstBool | Op::ConstVal | Op::BoxBool)
}

/// Values that instructions, states or edges of other blocks name than the one that they are defined in.
fn used_elsewhere(func: &Func, rpo: &[BlockId]) -> Vec<bool> {
    let mut home = vec![u32::MAX; func.insts.len()];
    for b in rpo {
        func[*b].params.iter().chain(&func[*b].insts).for_each(|v| home[v.0 as usize] = b.0);
    }
    let mut leaks = vec![false; func.insts.len()];
    for b in rpo {
        let mut see = |v: Val| leaks[v.0 as usize] |= home[v.0 as usize] != b.0;
        for v in &func[*b].insts {
            func[*v].args.iter().copied().for_each(&mut see);
            if let Some(state) = func.states.get(func[*v].state.0 as usize) {
                state.values().for_each(&mut see);
            }
        }
        if let Some(state) = func.states.get(func[*b].enter.0 as usize) {
            state.values().for_each(&mut see);
        }
        func[*b].edges.iter().flat_map(|e| e.args.iter().copied()).for_each(&mut see);
    }
    leaks
}

/// For each block to which one edge leads: from which block, and which of its edges that is.
fn only_ways(func: &Func, rpo: &[BlockId]) -> Vec<Option<(BlockId, usize)>> {
    let mut ways = vec![vec![]; func.blocks.len()];
    for b in rpo {
        for (i, e) in func[*b].edges.iter().enumerate() {
            ways[e.to.0 as usize].push((*b, i));
        }
    }
    ways.into_iter().map(|w| if let [way] = w[..] { Some(way) } else { None }).collect()
}

/// What is known of a word or truth value.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// A tagged word, or 0 or 1 of a truth value.
    Is(u64),
    /// Nothing but what the ways say that lead to where it is asked.
    Val(Val),
}

/// The edge that takes the place of one to a block of tests, edge `i` of block `from`, if what they decide is known.
fn past(func: &Func, before: &[Option<(BlockId, usize)>], from: BlockId, i: usize, edge: &Edge) -> Option<Edge> {
    let block = &func[edge.to];
    let mut names: HashMap<Val, Known> = HashMap::new();
    for (p, a) in block.params.iter().zip(&edge.args) {
        names.insert(*p, constant(func, *a).map_or(Known::Val(*a), Known::Is));
    }
    let ask = Ask { func, before, from, i };
    let (last, tests) = block.insts.split_last()?;
    for v in tests {
        let known = |v: &Val| names.get(v).copied().unwrap_or(Known::Val(*v));
        let inst = &func[*v];
        let answer = match (inst.op, inst.args.first().map(known)) {
            (Op::ConstBool | Op::ConstVal, _) => Some(inst.imm),
            (Op::IsConst, Some(Known::Is(word))) => Some((word == inst.imm) as u64),
            (Op::IsConst, Some(Known::Val(x))) => ask.is_const(x, inst.imm).map(u64::from),
            (Op::IsSmall, Some(Known::Is(word))) => Some(word & 1),
            (Op::BoolNot, Some(x)) => ask.truth(x).map(|t| !t as u64),
            (Op::BoxBool, Some(x)) => ask.truth(x).map(|t| Value::bool(t).bits()),
            (Op::BoolOr | Op::BoolAnd, Some(x)) => {
                let (x, y, strong) = (ask.truth(x), ask.truth(known(&inst.args[1])), inst.op == Op::BoolOr);
                if x == Some(strong) || y == Some(strong) {
                    Some(strong as u64)
                } else {
                    x.and(y).map(u64::from)
                }
            }
            _ => None,
        };
        if let Some(answer) = answer {
            names.insert(*v, Known::Is(answer));
        }
    }
    let condition = func[*last].args[0];
    let taken = ask.truth(names.get(&condition).copied().unwrap_or(Known::Val(condition)))?;
    let out = &block.edges[!taken as usize];
    // What the block makes is not there on the new way.
    let mut args = Vec::new();
    for a in &out.args {
        args.push(match block.params.iter().position(|p| p == a) {
            Some(n) => edge.args[n],
            None if block.insts.contains(a) => return None,
            None => *a,
        });
    }
    Some(Edge { to: out.to, args })
}

/// The word of a constant, or of a box of one.
fn constant(func: &Func, v: Val) -> Option<u64> {
    let Inst { op, args, imm, .. } = &func[v];
    match op {
        Op::ConstVal | Op::ConstBool => Some(*imm),
        Op::BoxBool => constant(func, args[0]).map(|t| Value::bool(t != 0).bits()),
        _ => None,
    }
}

/// Asks what the branches in front of an edge, edge `i` of block `from`, have decided.
struct Ask<'a> {
    func: &'a Func,
    before: &'a [Option<(BlockId, usize)>],
    from: BlockId,
    i: usize,
}

impl Ask<'_> {
    fn truth(&self, known: Known) -> Option<bool> {
        match known {
            Known::Is(word) => Some(word != 0),
            Known::Val(v) if self.func[v].op == Op::ConstBool => Some(self.func[v].imm != 0),
            Known::Val(v) => self.decided().find_map(|(condition, is)| {
                let (condition, is) = plain(self.func, condition, is);
                let (v, holds) = plain(self.func, v, true);
                (condition == v).then_some(is == holds)
            }),
        }
    }

    /// Whether the value is the constant.
    fn is_const(&self, v: Val, word: u64) -> Option<bool> {
        if self.func[v].op == Op::BoxBool {
            let truth = self.truth(Known::Val(self.func[v].args[0]))?;
            return Some(Value::bool(truth).bits() == word);
        }
        self.decided().find_map(|(condition, is)| {
            let (condition, is) = plain(self.func, condition, is);
            let inst = &self.func[condition];
            match inst.op {
                Op::IsConst if inst.args[0] == v && inst.imm == word => Some(is),
                // It is another one.
                Op::IsConst if inst.args[0] == v && is => Some(false),
                _ => None,
            }
        })
    }

    /// The conditions of branches on the only way to the edge, and whether they held, the last first.
    fn decided(&self) -> impl Iterator<Item = (Val, bool)> + '_ {
        let ways = std::iter::successors(Some((self.from, self.i)), |(b, _)| self.before[b.0 as usize]);
        ways.take(MAX_STEPS).filter_map(|(b, i)| {
            let last = *self.func[b].insts.last()?;
            (self.func[last].op == Op::Branch).then(|| (self.func[last].args[0], i == 0))
        })
    }
}

/// A condition without negations, and whether it holds.
fn plain(func: &Func, mut condition: Val, mut is: bool) -> (Val, bool) {
    while func[condition].op == Op::BoolNot {
        condition = func[condition].args[0];
        is = !is;
    }
    (condition, is)
}
