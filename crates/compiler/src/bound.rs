//! Definite assignment: which `CheckLocal`s can be left out.
//!
//! A forward dataflow over basic blocks. The fact is the set of locals surely bound; sets meet by
//! intersection; a handler's entry meets the states before all instructions it covers (an instruction
//! writes its result only if it succeeds). Within a block the set only grows except at `DeleteLocal` and
//! `ClearLocal`, so it is enough to meet at the block's start and after those.

use crate::flow::{Asm, Counts, Inst, Reg};
use taipan_bytecode::ops::{Kind, Op};

type Set = Box<[u64]>;

/// `aux` of a `Move` that brings back a local that may have been unbound when it was saved.
pub const RESTORES: u32 = 1;

/// For each instruction whether to keep it: false for checks of locals that are surely bound.
pub fn needed(asm: &Asm, cover: &[Option<usize>], counts: Counts) -> Vec<bool> {
    let mut keep = vec![true; asm.insts.len()];
    if counts.locals == 0 || !asm.insts.iter().any(|i| i.op == Op::CheckLocal) {
        return keep;
    }
    let mut flow = Flow::new(asm, cover, counts);
    flow.run();
    for block in 0..flow.starts.len() - 1 {
        let Some(mut state) = flow.states[block].clone() else { continue };
        let range = flow.starts[block]..flow.starts[block + 1];
        for (inst, keep) in asm.insts[range.clone()].iter().zip(&mut keep[range]) {
            if inst.op == Op::CheckLocal && has(&state, inst.operands[0]) {
                *keep = false;
            }
            apply(inst, &mut state);
        }
    }
    keep
}

fn has(set: &Set, local: u32) -> bool {
    let reg = Reg(local);
    reg.is_local() && set[local as usize / 64] >> (local % 64) & 1 != 0
}

fn add(set: &mut Set, local: u32) {
    if Reg(local).is_local() {
        set[local as usize / 64] |= 1 << (local % 64);
    }
}

/// The effect of one instruction, of falling through if it jumps. Returns true if it unbinds.
fn apply(inst: &Inst, set: &mut Set) -> bool {
    match inst.op {
        Op::DeleteLocal | Op::ClearLocal => {
            if Reg(inst.operands[0]).is_local() {
                set[inst.operands[0] as usize / 64] &= !(1 << (inst.operands[0] % 64));
            }
            return true;
        }
        Op::ForNext => return false,
        Op::CheckLocal => add(set, inst.operands[0]),
        // What a comprehension saved may have been unbound (see `RESTORES`).
        Op::Move if inst.aux == RESTORES || Reg(inst.operands[1]).is_local() && !has(set, inst.operands[1]) => {
            if Reg(inst.operands[0]).is_local() {
                set[inst.operands[0] as usize / 64] &= !(1 << (inst.operands[0] % 64));
                return true;
            }
        }
        _ => {
            for (operand, kind) in inst.operands.iter().zip(inst.op.info().operands) {
                if matches!(kind, Kind::W | Kind::RW) {
                    add(set, *operand);
                }
            }
        }
    }
    false
}

struct Flow<'a> {
    asm: &'a Asm,
    cover: &'a [Option<usize>],
    /// First instruction of each block, and the end.
    starts: Vec<usize>,
    states: Vec<Option<Set>>,
    work: Vec<usize>,
}

impl<'a> Flow<'a> {
    fn new(asm: &'a Asm, cover: &'a [Option<usize>], counts: Counts) -> Flow<'a> {
        let n = asm.insts.len();
        let mut leader = vec![false; n + 1];
        leader[0] = true;
        leader[n] = true;
        for (i, inst) in asm.insts.iter().enumerate() {
            if let Some(target) = inst.target {
                leader[asm.place(target)] = true;
                leader[i + 1] = true;
            }
            if inst.is_end() || i + 1 < n && cover[i] != cover[i + 1] {
                leader[i + 1] = true;
            }
        }
        for p in &asm.protects {
            leader[asm.place(p.target)] = true;
        }
        let starts: Vec<usize> = (0..=n).filter(|&i| leader[i]).collect();
        let mut entry = vec![0u64; counts.locals.div_ceil(64)].into_boxed_slice();
        (0..counts.params).for_each(|i| add(&mut entry, i as u32));
        let mut states = vec![None; starts.len()];
        states[0] = Some(entry);
        Flow { asm, cover, starts, states, work: vec![0] }
    }

    fn meet(&mut self, place: usize, state: &Set) {
        let block = self.starts.partition_point(|&s| s < place);
        let changed = match &mut self.states[block] {
            Some(old) => {
                let mut changed = false;
                for (old, new) in old.iter_mut().zip(state) {
                    changed |= *old & !new != 0;
                    *old &= new;
                }
                changed
            }
            empty => {
                *empty = Some(state.clone());
                true
            }
        };
        if changed && block + 1 < self.starts.len() {
            self.work.push(block);
        }
    }

    fn meet_handler(&mut self, i: usize, state: &Set) {
        if let Some(handler) = self.cover[i] {
            self.meet(self.asm.place(self.asm.protects[handler].target), state);
        }
    }

    fn run(&mut self) {
        while let Some(block) = self.work.pop() {
            let Some(mut state) = self.states[block].clone() else { continue };
            let (start, end) = (self.starts[block], self.starts[block + 1]);
            self.meet_handler(start, &state);
            for i in start..end {
                let inst = &self.asm.insts[i];
                if let Some(target) = inst.target {
                    let mut taken = state.clone();
                    if inst.op == Op::ForNext {
                        add(&mut taken, inst.operands[1]);
                    } else {
                        apply(inst, &mut taken);
                    }
                    self.meet(self.asm.place(target), &taken);
                }
                if apply(inst, &mut state) && i + 1 < end {
                    self.meet_handler(i + 1, &state);
                }
            }
            if !self.asm.insts[end - 1].is_end() {
                self.meet(end, &state);
            }
        }
    }
}
