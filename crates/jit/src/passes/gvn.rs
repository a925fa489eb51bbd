//! Global value numbering. A pure instruction or guard that a dominating one has computed already is replaced by it. So are
//! loads, if nothing on the way may have written their memory: memory of each alias class has a version, which writes and
//! joins change; and a load from where a store has just put a value gives that value.

use std::collections::HashMap;

use taipan_runtime::machine_items::ItemKind;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use crate::build::values::{alias_of, offset_of};
use crate::helpers::Helper;
use crate::ir::verify::Dominators;
use crate::ir::{Alias, BlockId, Effect, Func, Inst, Op, Type, Val};

/// Versions of memory: by alias class, and of fields at an offset, which stores to other fields leave alone.
#[derive(Clone)]
struct Memory {
    classes: [u32; Alias::ALL.len()],
    fields: HashMap<Field, u32>,
    /// Of lists made here that were appended to.
    lists: HashMap<Val, u32>,
}

/// An alias class and an offset.
type Field = (u8, i32);

impl Memory {
    fn version(&self, alias: Alias, field: Option<i32>, may_be: impl Fn(Val) -> bool) -> (u32, u32) {
        let field = field.and_then(|at| self.fields.get(&(alias as u8, at))).copied().unwrap_or(0);
        let appended = self.lists.iter().filter(|(list, _)| OF_LISTS.contains(&alias) && may_be(**list));
        // The number of the last write that matters.
        (self.classes[alias as usize], appended.map(|(_, n)| *n).fold(field, u32::max))
    }
}

/// What appending to a list changes: size and, when it grows or its kind changes, the items.
const OF_LISTS: &[Alias] = &[Alias::ListSize, Alias::ListItems, Alias::Item, Alias::Raw];

/// Where values are defined, to tell lists apart.
pub struct Homes<'a> {
    dom: &'a Dominators,
    at: Vec<Option<(BlockId, usize)>>,
}

impl<'a> Homes<'a> {
    /// Those of a function.
    pub fn of(func: &Func, rpo: &[BlockId], dom: &'a Dominators) -> Homes<'a> {
        let mut at = vec![None; func.insts.len()];
        for b in rpo {
            for (i, v) in func[*b].params.iter().chain(&func[*b].insts).enumerate() {
                at[v.0 as usize] = Some((*b, i));
            }
        }
        Homes { dom, at }
    }

    /// Whether the list that a load reads from (None: from any) may be the new list `list`: not if it was there before that
    /// was made.
    fn may_be(&self, func: &Func, base: Option<Val>, list: Val) -> bool {
        let Some(base) = base.map(|v| origin(func, v)) else { return true };
        match (self.at[base.0 as usize], self.at[list.0 as usize]) {
            (Some((b, i)), Some((c, j))) => b == c && i >= j || b != c && !self.dom.dominates(b, c),
            _ => true,
        }
    }

    /// The block that a value is defined in.
    pub fn block_of(&self, v: Val) -> Option<BlockId> {
        self.at[v.0 as usize].map(|(b, _)| b)
    }

    /// What certainly ran at the end of a block.
    pub fn in_front<'f>(&'f self, func: &'f Func, block: BlockId) -> impl Iterator<Item = Val> + 'f {
        let above = move |b: &BlockId| Some(self.dom.idom(*b)).filter(|up| up != b);
        std::iter::successors(Some(block), above).flat_map(|b| func[b].insts.iter().copied())
    }

    /// Whether what an instruction loads may be changed by a write.
    pub fn hits(&self, func: &Func, clobber: Clobber, inst: &Inst) -> bool {
        let Some(alias) = read_alias(inst) else { return true };
        match clobber {
            Clobber::List(list) => OF_LISTS.contains(&alias) && self.may_be(func, list_of(func, inst), list),
            _ => clobber.hits_at(alias, read_offset(inst)),
        }
    }
}

/// The value that guards started from.
pub fn origin(func: &Func, mut v: Val) -> Val {
    while matches!(func[v].op, Op::GuardClass | Op::GuardConst | Op::GuardBound | Op::AssumeClass) {
        v = func[v].args[0];
    }
    v
}

/// The list that a load reads from, if that can be told.
fn list_of(func: &Func, inst: &Inst) -> Option<Val> {
    match inst.op {
        Op::Load => Some(inst.args[0]),
        Op::LoadIndex | Op::LoadRaw => {
            let items = &func[inst.args[0]];
            (items.op == Op::Load && alias_of(items.imm) == Alias::ListItems).then(|| items.args[0])
        }
        _ => None,
    }
}

/// (operation, type, operands, immediate, version of memory)
type Key = (Op, Type, Vec<Val>, u64, (u32, u32));

/// The alias classes that an instruction may write.
pub fn clobbers(func: &Func, inst: &Inst) -> Clobber {
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
        Op::PyCall | Op::TypedCall => Clobber::All,
        Op::ListAppend | Op::ListAppendDouble | Op::ListReserve => {
            let list = origin(func, inst.args[0]);
            if func[list].op == Op::NewList { Clobber::List(list) } else { Clobber::Some(OF_LISTS) }
        }
        Op::Store => match alias_of(inst.imm) {
            // Two objects do not overlap, so fields at different offsets are different.
            alias @ (Alias::Slot | Alias::Iter | Alias::Cell | Alias::Shape) => {
                Clobber::Field(alias, offset_of(inst.imm))
            }
            alias => Clobber::One(alias),
        },
        Op::StoreIndex => Clobber::One(Alias::Item),
        Op::StoreRaw => Clobber::One(Alias::Raw),
        Op::StoreReg => Clobber::One(Alias::Reg),
        Op::StoreStatic => Clobber::One(Alias::Dict),
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
    /// What lies at one offset in objects.
    Field(Alias, i32),
    /// A list made here.
    List(Val),
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
            Clobber::One(a) | Clobber::Field(a, _) => a == alias,
            Clobber::Some(list) => list.contains(&alias),
            Clobber::List(_) => OF_LISTS.contains(&alias),
            Clobber::All => true,
        }
    }

    /// Whether what a load of the class from that offset (None: from anywhere) gives is written.
    pub fn hits_at(self, alias: Alias, offset: Option<i32>) -> bool {
        match (self, offset) {
            (Clobber::Field(_, at), Some(offset)) if at != offset => false,
            _ => self.hits(alias),
        }
    }
}

/// The offset from which a load reads, if that is fixed.
pub fn read_offset(inst: &Inst) -> Option<i32> {
    (inst.op == Op::Load).then(|| offset_of(inst.imm))
}

/// The alias class that a load reads.
pub fn read_alias(inst: &Inst) -> Option<Alias> {
    match inst.op {
        Op::Load | Op::LoadIndex | Op::LoadIndexAt | Op::StrUnit => Some(alias_of(inst.imm)),
        // Entries of dicts change under everything that runs Python code, and nothing else that is compiled writes them.
        Op::LoadStatic => Some(Alias::Dict),
        Op::LoadRaw => Some(Alias::Raw),
        Op::LoadReg => Some(Alias::Reg),
        _ => None,
    }
}

/// For stores of whole words: how such a word is loaded, from where, and the stored value.
fn stored(inst: &Inst) -> Option<(Op, Vec<Val>, Val)> {
    match inst.op {
        Op::Store => Some((Op::Load, vec![inst.args[0]], inst.args[1])),
        Op::StoreIndex => Some((Op::LoadIndex, inst.args[..2].to_vec(), inst.args[2])),
        // Floats in 32 bits are rounded.
        Op::StoreRaw if inst.imm >> 32 & 0xff != ItemKind::F32 as u64 => {
            Some((Op::LoadRaw, inst.args[..2].to_vec(), inst.args[2]))
        }
        _ => None,
    }
}

struct Versions {
    next: u32,
}

impl Versions {
    fn bump(&mut self, memory: &mut Memory, clobber: Clobber) {
        if let Clobber::Field(alias, offset) = clobber {
            self.next += 1;
            memory.fields.insert((alias as u8, offset), self.next);
            return;
        }
        if let Clobber::List(list) = clobber {
            self.next += 1;
            memory.lists.insert(list, self.next);
            return;
        }
        for alias in Alias::ALL {
            if clobber.hits(*alias) {
                self.next += 1;
                memory.classes[*alias as usize] = self.next;
            }
        }
    }
}

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let loops = super::licm::loops(func, &rpo, &dom);
    let homes = Homes::of(func, &rpo, &dom);
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
            if let Some(number) = boxed_number(func, &inst) {
                map[v.0 as usize] = number;
                dropped = true;
                continue;
            }
            let clobber = clobbers(func, &inst);
            if clobber != Clobber::Nothing {
                versions.bump(&mut memory, clobber);
                // A load from there gives the stored value.
                if let Some((op, at, stored)) = stored(&inst) {
                    let load = Inst { op, ..inst.clone() };
                    let alias = read_alias(&load).expect("it loads");
                    let list = list_of(func, &load);
                    let version = memory.version(alias, read_offset(&load), |l| homes.may_be(func, list, l));
                    let key = (op, func[stored].ty, at, inst.imm, version);
                    table.entry(key).or_default().push((*b, stored));
                }
                continue;
            }
            let version = match read_alias(&inst) {
                Some(alias) => {
                    let list = list_of(func, &inst);
                    memory.version(alias, read_offset(&inst), |l| homes.may_be(func, list, l))
                }
                None if is_numbered(inst.op) => (0, 0),
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

/// The number that a guard takes out of a box, if it is certainly of that kind: what was stored before, for the most part.
fn boxed_number(func: &Func, inst: &Inst) -> Option<Val> {
    let boxed = &func[*inst.args.first()?];
    let is_it = match (inst.op, boxed.op) {
        (Op::GuardFloat | Op::GuardNumber | Op::GuardExact, Op::BoxFloat) | (Op::GuardBool, Op::BoxBool) => true,
        (Op::GuardInt | Op::UntagInt, Op::BoxInt) => {
            let (lo, hi) = func.range(boxed.args[0]);
            lo >= INT_MIN && hi <= INT_MAX
        }
        _ => false,
    };
    is_it.then(|| boxed.args[0])
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
    let known: Vec<&Memory> = preds[b.0 as usize].iter().filter_map(|p| at_end[p.0 as usize].as_ref()).collect();
    let Some(first) = known.first() else {
        return Memory { classes: [0; Alias::ALL.len()], fields: HashMap::new(), lists: HashMap::new() };
    };
    let mut memory = (*first).clone();
    let mut fields: Vec<Field> = known.iter().flat_map(|m| m.fields.keys().copied()).collect();
    let mut written: Vec<Clobber> = Vec::new();
    let head = loops.iter().find(|l| l.head == b);
    if let Some(l) = head {
        written = l.clobbers(func);
        fields.extend(written.iter().filter_map(|c| match c {
            Clobber::Field(alias, offset) => Some((*alias as u8, *offset)),
            _ => None,
        }));
    }
    let mut lists: Vec<Val> = known.iter().flat_map(|m| m.lists.keys().copied()).collect();
    lists.extend(written.iter().filter_map(|c| if let Clobber::List(list) = c { Some(*list) } else { None }));
    lists.sort_unstable();
    lists.dedup();
    fields.sort_unstable();
    fields.dedup();
    let complete = head.is_some() || known.len() == preds[b.0 as usize].len();
    for alias in Alias::ALL {
        let i = *alias as usize;
        let same = known.iter().all(|m| m.classes[i] == first.classes[i]);
        // Fields have versions of their own.
        let clobbered = written.iter().any(|c| !matches!(c, Clobber::Field(..) | Clobber::List(_)) && c.hits(*alias));
        if !same || !complete || clobbered {
            versions.next += 1;
            memory.classes[i] = versions.next;
        }
    }
    for field in fields {
        let version = |m: &Memory| m.fields.get(&field).copied().unwrap_or(0);
        let same = known.iter().all(|m| version(m) == version(first));
        let clobbered = written.iter().any(|c| matches!(c, Clobber::Field(a, at) if (*a as u8, *at) == field));
        if !same || !complete || clobbered {
            versions.next += 1;
            memory.fields.insert(field, versions.next);
        }
    }
    for list in lists {
        let version = |m: &Memory| m.lists.get(&list).copied().unwrap_or(0);
        let same = known.iter().all(|m| version(m) == version(first));
        if !same || !complete || written.contains(&Clobber::List(list)) {
            versions.next += 1;
            memory.lists.insert(list, versions.next);
        }
    }
    memory
}

/// Whether equal operands give an equal result at any later time.
fn is_numbered(op: Op) -> bool {
    match op.info().effect {
        // What is assumed holds behind a test only.
        Effect::Pure => !matches!(op, Op::Param | Op::BoxFloat | Op::BoxChar | Op::BoxComplex | Op::AssumeClass | Op::UntagInt),
        // The interrupt flag and the validity of the code change.
        Effect::Guard => !matches!(op, Op::CheckInterrupt | Op::CheckValid | Op::CheckGlobals),
        Effect::Reads | Effect::Writes | Effect::Allocates | Effect::Calls | Effect::Ends => false,
    }
}
