//! Global value numbering. A pure instruction or guard that a dominating one has computed already is replaced by it. So are
//! loads, if nothing on the way may have written their memory: memory of each alias class has a version, which writes and
//! joins change; and a load from where a store has just put a value gives that value.

use std::collections::HashMap;

use crate::build::values::alias_of;
use crate::helpers::Helper;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Effect, Func, Inst, Op, Type, Val};

/// Versions of memory by alias class.
pub type Memory = [u32; Alias::ALL.len()];

/// (operation, type, operands, immediate, version of memory)
type Key = (Op, Type, Vec<Val>, u64, u32);

/// The alias classes that an instruction may write.
pub fn clobbers(inst: &Inst) -> Clobber {
    match inst.op {
        Op::Call => {
            let row = Helper::from_imm(inst.imm).row();
            match (row.python, row.writes) {
                (true, _) => Clobber::All,
                (_, true) => Clobber::Some(CONTAINERS),
                _ => Clobber::Nothing,
            }
        }
        Op::CallPlain => Clobber::Some(CONTAINERS),
        Op::PyCall => Clobber::All,
        // Appending changes size and, when it grows or the kind changes, the items.
        Op::ListAppend | Op::ListAppendDouble => {
            Clobber::Some(&[Alias::ListSize, Alias::ListItems, Alias::Item, Alias::Raw])
        }
        Op::Store => Clobber::One(alias_of(inst.imm)),
        Op::StoreIndex => Clobber::One(Alias::Item),
        Op::StoreRaw => Clobber::One(Alias::Raw),
        Op::StoreReg => Clobber::One(Alias::Reg),
        _ => Clobber::Nothing,
    }
}

/// What operations on built-in containers write.
const CONTAINERS: &[Alias] = &[Alias::ListSize, Alias::ListItems, Alias::Item, Alias::Raw, Alias::Dict, Alias::Iter];

/// What is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Clobber {
    /// Nothing that loads look at.
    Nothing,
    /// One class.
    One(Alias),
    /// Several classes.
    Some(&'static [Alias]),
    /// Everything.
    All,
}

impl Clobber {
    /// Whether the class is written.
    pub fn hits(self, alias: Alias) -> bool {
        if alias == Alias::Fixed {
            return false;
        }
        match self {
            Clobber::Nothing => false,
            Clobber::One(a) => a == alias,
            Clobber::Some(list) => list.contains(&alias),
            Clobber::All => true,
        }
    }
}

/// The alias class that a load reads.
pub fn read_alias(inst: &Inst) -> Option<Alias> {
    match inst.op {
        Op::Load | Op::LoadIndex | Op::LoadIndexAt => Some(alias_of(inst.imm)),
        // Entries of dicts change under everything that runs Python code, and nothing else that is compiled writes them.
        Op::LoadStatic => Some(Alias::Dict),
        Op::LoadRaw => Some(Alias::Raw),
        Op::LoadReg => Some(Alias::Reg),
        _ => None,
    }
}

struct Versions {
    next: u32,
}

impl Versions {
    fn bump(&mut self, memory: &mut Memory, clobber: Clobber) {
        for alias in Alias::ALL {
            if clobber.hits(*alias) {
                self.next += 1;
                memory[*alias as usize] = self.next;
            }
        }
    }
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let loops = super::licm::loops(func, &rpo, &dom);
    let mut table: HashMap<Key, Vec<(BlockId, Val)>> = HashMap::new();
    let mut map: Vec<Val> = (0..func.insts.len() as u32).map(Val).collect();
    let mut versions = Versions { next: 0 };
    let mut at_end: Vec<Option<Memory>> = vec![None; func.blocks.len()];
    let mut preds: Vec<Vec<BlockId>> = vec![vec![]; func.blocks.len()];
    for b in &rpo {
        for e in &func[*b].edges {
            preds[e.to.0 as usize].push(*b);
        }
    }
    for b in &rpo {
        let mut memory = entry_memory(func, *b, &preds, &at_end, &loops, &mut versions);
        let mut dropped = false;
        for v in func[*b].insts.clone() {
            for a in &mut func[v].args {
                *a = map[a.0 as usize];
            }
            let inst = func[v].clone();
            let clobber = clobbers(&inst);
            if clobber != Clobber::Nothing {
                versions.bump(&mut memory, clobber);
                if inst.op == Op::Store {
                    // A load from there gives the stored value.
                    let version = memory[alias_of(inst.imm) as usize];
                    let ty = func[inst.args[1]].ty;
                    let key = (Op::Load, ty, vec![inst.args[0]], inst.imm, version);
                    table.entry(key).or_default().push((*b, inst.args[1]));
                }
                continue;
            }
            let version = match read_alias(&inst) {
                Some(alias) => memory[alias as usize],
                None if is_numbered(inst.op) => 0,
                None => continue,
            };
            let key = (inst.op, inst.ty, inst.args.clone(), inst.imm, version);
            let list = table.entry(key).or_default();
            match list.iter().find(|(home, _)| dom.dominates(*home, *b)) {
                Some((_, earlier)) => {
                    map[v.0 as usize] = *earlier;
                    dropped = true;
                }
                None => list.push((*b, v)),
            }
        }
        if dropped {
            let map = &map;
            func[*b].insts.retain(|v| map[v.0 as usize] == *v);
        }
        at_end[b.0 as usize] = Some(memory);
    }
    func.rename(|mut v| {
        while map[v.0 as usize] != v {
            v = map[v.0 as usize];
        }
        v
    });
}

/// Versions at the start of a block: those of its predecessors where they agree; in front of a loop all that the loop
/// does not write stays.
fn entry_memory(
    func: &Func,
    b: BlockId,
    preds: &[Vec<BlockId>],
    at_end: &[Option<Memory>],
    loops: &[super::licm::Loop],
    versions: &mut Versions,
) -> Memory {
    let known: Vec<Memory> = preds[b.0 as usize].iter().filter_map(|p| at_end[p.0 as usize]).collect();
    let Some(first) = known.first() else { return [0; Alias::ALL.len()] };
    let mut memory = *first;
    for alias in Alias::ALL {
        let i = *alias as usize;
        let mut agree = known.iter().all(|m| m[i] == first[i]);
        if let Some(l) = loops.iter().find(|l| l.head == b) {
            agree &= !l.clobbers(func, *alias);
        } else if known.len() != preds[b.0 as usize].len() {
            agree = false;
        }
        if !agree {
            versions.next += 1;
            memory[i] = versions.next;
        }
    }
    memory
}

/// Whether equal operands give an equal result at any later time.
fn is_numbered(op: Op) -> bool {
    match op.info().effect {
        // What is assumed holds behind a test only.
        Effect::Pure => !matches!(op, Op::Param | Op::BoxFloat | Op::AssumeClass | Op::UntagInt),
        // The interrupt flag and the validity of the code change.
        Effect::Guard => !matches!(op, Op::CheckInterrupt | Op::CheckValid | Op::CheckGlobals),
        Effect::Reads | Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}
