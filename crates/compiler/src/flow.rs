//! The assembler: instructions with labels and virtual registers in, words out.
//!
//! What it does: holds the instruction list of one code block; drops unreachable code and needless
//! [`Op::CheckLocal`]s (see [`crate::bound`]); threads jumps; picks short or long jumps; numbers registers.
//! It assumes that every label used is bound. It guarantees that jumps land on instruction starts.

use crate::bound;
use ruff_text_size::TextRange;
use taipan_bytecode::ops::{Kind, Op, Word};
use taipan_bytecode::{Handler, Position};

/// A register before the numbers of locals and cells are known: kind in the high bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Reg(pub u32);

const KIND_SHIFT: u32 = 28;
const INDEX: u32 = (1 << KIND_SHIFT) - 1;

impl Reg {
    /// Local number `i`.
    pub fn local(i: usize) -> Reg {
        Reg(i as u32)
    }
    /// Own cell number `i`.
    pub fn cell(i: usize) -> Reg {
        Reg(i as u32 | 1 << KIND_SHIFT)
    }
    /// Cell number `i` of the closure.
    pub fn free(i: usize) -> Reg {
        Reg(i as u32 | 2 << KIND_SHIFT)
    }
    /// Temporary number `i`.
    pub fn temp(i: u32) -> Reg {
        Reg(i | 3 << KIND_SHIFT)
    }
    /// True for a local.
    pub fn is_local(self) -> bool {
        self.0 >> KIND_SHIFT == 0
    }
    /// True for a temporary.
    pub fn is_temp(self) -> bool {
        self.0 >> KIND_SHIFT == 3
    }
    /// Number within its kind.
    pub fn index(self) -> u32 {
        self.0 & INDEX
    }
    /// The register `n` further on (of a run of temporaries).
    pub fn plus(self, n: u32) -> Reg {
        Reg(self.0 + n)
    }
}

/// A place in the code that jumps may name before it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(pub u32);

/// What can stand as an operand.
pub trait Operand {
    /// The operand as stored in an [`Inst`].
    fn raw(self) -> u32;
}
impl Operand for Reg {
    fn raw(self) -> u32 {
        self.0
    }
}
impl Operand for u32 {
    fn raw(self) -> u32 {
        self
    }
}
impl Operand for i32 {
    fn raw(self) -> u32 {
        self as u32
    }
}
impl Operand for usize {
    fn raw(self) -> u32 {
        self as u32
    }
}

/// One instruction before assembly.
#[derive(Clone, Copy, Debug)]
pub struct Inst {
    /// Opcode.
    pub op: Op,
    /// Operands: registers as [`Reg`], immediates as they are; a jump's own operand is in `target`.
    pub operands: [u32; 3],
    /// Static half of the first cache word.
    pub aux: u32,
    /// Where it jumps to.
    pub target: Option<Label>,
    /// Source range, if it has one.
    pub range: Option<TextRange>,
    /// It is all that a statement is compiled to, and stays so that debuggers see the statement's line.
    pub is_statement: bool,
}

impl Inst {
    /// True if control never goes on to the next instruction.
    pub fn is_end(&self) -> bool {
        matches!(
            self.op,
            Op::Jump
                | Op::JumpBack
                | Op::Return
                | Op::ReturnNone
                | Op::Raise
                | Op::RaiseFrom
                | Op::RaiseCurrent
                | Op::Reraise
        )
    }
}

/// A protected range of instructions.
#[derive(Clone, Copy, Debug)]
pub struct Protect {
    /// First instruction.
    pub start: usize,
    /// Instruction after the last.
    pub end: usize,
    /// Handler.
    pub target: Label,
    /// Register for the exception.
    pub reg: Reg,
}

/// The instructions of one code block under construction.
#[derive(Default, Debug)]
pub struct Asm {
    /// Instructions so far.
    pub insts: Vec<Inst>,
    /// Instruction number of each label.
    pub labels: Vec<usize>,
    /// Protected ranges, inner first.
    pub protects: Vec<Protect>,
}

const UNBOUND: usize = usize::MAX;

/// Result of assembly.
pub struct Assembled {
    /// Code words.
    pub words: Vec<u64>,
    /// Exception table.
    pub handlers: Vec<Handler>,
    /// Source range for each word.
    pub ranges: Vec<Option<TextRange>>,
    /// Size of the register window.
    pub nregs: u32,
}

/// Register counts of a code block.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Parameters, all bound on entry.
    pub params: usize,
    /// Locals, parameters included.
    pub locals: usize,
    /// Own cells.
    pub cells: usize,
    /// Cells of the closure.
    pub frees: usize,
    /// Temporaries.
    pub temps: usize,
}

impl Asm {
    /// Makes a label.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds `label` to the next instruction.
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND);
        self.labels[label.0 as usize] = self.insts.len();
    }

    /// Instruction number that `label` is bound to.
    pub fn place(&self, label: Label) -> usize {
        self.labels[label.0 as usize]
    }

    /// For each instruction the protected range that catches its exceptions.
    fn covering(&self) -> Vec<Option<usize>> {
        let mut cover = vec![None; self.insts.len()];
        for (i, p) in self.protects.iter().enumerate().rev() {
            cover[p.start..p.end].fill(Some(i));
        }
        cover
    }

    /// Follows jumps to unconditional jumps.
    fn thread_jumps(&mut self) {
        for i in 0..self.insts.len() {
            let Some(mut target) = self.insts[i].target else { continue };
            if matches!(self.insts[i].op, Op::ForNext | Op::Send | Op::JumpBack) {
                continue;
            }
            for _ in 0..8 {
                let place = self.place(target);
                match self.insts.get(place) {
                    Some(next) if next.op == Op::Jump && !next.is_statement && place != i => {
                        target = next.target.unwrap_or(target)
                    }
                    _ => break,
                }
            }
            if self.place(target) > i || self.insts[i].op == Op::Jump {
                self.insts[i].target = Some(target);
            }
        }
    }

    fn reachable(&self, cover: &[Option<usize>]) -> Vec<bool> {
        let mut live = vec![false; self.insts.len()];
        let mut caught = vec![false; self.protects.len()];
        let mut work = vec![0];
        while let Some(mut i) = work.pop() {
            while i < live.len() && !live[i] {
                live[i] = true;
                if let Some(handler) = cover[i]
                    && !std::mem::replace(&mut caught[handler], true)
                {
                    work.push(self.place(self.protects[handler].target));
                }
                if let Some(target) = self.insts[i].target {
                    work.push(self.place(target));
                }
                if self.insts[i].is_end() {
                    break;
                }
                i += 1;
            }
        }
        live
    }

    /// Removes the instructions that are not `live`.
    fn compact(&mut self, live: &[bool]) {
        let mut moved = Vec::with_capacity(live.len() + 1);
        let mut n = 0;
        for &l in live {
            moved.push(n);
            n += l as usize;
        }
        moved.push(n);
        let mut i = 0;
        self.insts.retain(|_| {
            i += 1;
            live[i - 1]
        });
        for place in &mut self.labels {
            if *place != UNBOUND {
                *place = moved[*place];
            }
        }
        for p in &mut self.protects {
            (p.start, p.end) = (moved[p.start], moved[p.end]);
        }
        self.protects.retain(|p| p.start < p.end);
    }

    /// Removes jumps to the next instruction.
    fn drop_empty_jumps(&mut self) {
        for i in 0..self.insts.len() {
            let inst = &self.insts[i];
            if inst.op == Op::Jump && inst.is_statement && inst.target.is_some_and(|t| self.place(t) == i + 1) {
                self.insts[i].op = Op::Nop;
                self.insts[i].target = None;
            }
        }
        let live: Vec<bool> = (0..self.insts.len())
            .map(|i| {
                let inst = &self.insts[i];
                inst.op != Op::Jump || inst.target.is_none_or(|t| self.place(t) != i + 1)
            })
            .collect();
        if live.contains(&false) {
            self.compact(&live);
        }
    }

    /// Turns a conditional jump over a jump into the opposite conditional jump.
    fn invert_jumps(&mut self) {
        let mut targeted = vec![false; self.insts.len() + 1];
        self.labels.iter().filter(|&&p| p != UNBOUND).for_each(|&p| targeted[p] = true);
        let mut live = vec![true; self.insts.len()];
        for i in 0..self.insts.len().saturating_sub(2) {
            let (inst, next) = (self.insts[i], self.insts[i + 1]);
            let over = inst.target.is_some_and(|t| self.place(t) == i + 2);
            let forward = next.target.is_some_and(|t| self.place(t) > i);
            if next.is_statement {
                continue;
            }
            if let (true, true, false, Op::Jump, Some(op)) =
                (over, forward, targeted[i + 1], next.op, opposite(inst.op))
            {
                self.insts[i].op = op;
                self.insts[i].target = next.target;
                live[i + 1] = false;
            }
        }
        self.compact(&live);
    }

    /// Jumps back are loops, where interrupts are checked; only `yield from` loops go without.
    fn mark_loops(&mut self) {
        for i in 0..self.insts.len() {
            if let (Op::Jump, Some(target)) = (self.insts[i].op, self.insts[i].target) {
                let place = self.place(target);
                if place <= i && self.insts[place].op != Op::Send {
                    self.insts[i].op = Op::JumpBack;
                }
            }
            // The end of a loop's body belongs to no line, unless a `continue` is all there is to it.
            if self.insts[i].op == Op::JumpBack && !self.insts[i].is_statement {
                self.insts[i].range = None;
            }
        }
    }

    /// Cleans the list up; call before [`Asm::assemble`].
    pub fn optimize(&mut self, counts: Counts) {
        self.thread_jumps();
        let cover = self.covering();
        let live = self.reachable(&cover);
        self.compact(&live);
        self.invert_jumps();
        self.drop_empty_jumps();
        let cover = self.covering();
        let needed = bound::needed(self, &cover, counts);
        self.compact(&needed);
        self.mark_loops();
        self.place_returns();
    }

    /// Gives what belongs to no line the line where it is come from. The end of a function may be come to from many
    /// places: each gets its own.
    fn place_returns(&mut self) {
        self.spread_ranges();
        // Jumps that belong to no line first: what leads to them sees the return behind them then.
        self.copy_returns(false);
        self.copy_returns(true);
        self.spread_ranges();
    }

    /// Puts copies of the ends without a line where the jumps with a line (or without) lead to them.
    fn copy_returns(&mut self, has_line: bool) {
        for i in 0..self.insts.len() {
            let Some(target) = self.insts[i].target.filter(|_| self.insts[i].range.is_some() == has_line) else {
                continue;
            };
            let is_jump = self.insts[i].op == Op::Jump;
            let Some(end) = self.end_without_line(self.place(target)) else { continue };
            let range = self.insts[i].range;
            if let (true, &[only]) = (is_jump, &end[..]) {
                self.insts[i] = Inst { range, ..only };
                continue;
            }
            let copy = end.into_iter().map(|inst| Inst { range, ..inst });
            if has_line && (is_jump || opposite(self.insts[i].op).is_some()) {
                let label = self.label();
                self.bind(label);
                self.insts.extend(copy);
                self.insts[i].target = Some(label);
            }
        }
    }

    /// The instructions from number `start` to the return that ends them, if they are few and belong to no line.
    fn end_without_line(&self, start: usize) -> Option<Vec<Inst>> {
        const FEW: usize = 8;
        let all = self.insts.get(start..)?;
        let n = all.iter().take(FEW).position(|inst| matches!(inst.op, Op::ReturnNone | Op::Return))? + 1;
        let is_plain = |inst: &Inst| inst.range.is_none() && inst.target.is_none();
        all[..n].iter().all(is_plain).then(|| all[..n].to_vec())
    }

    /// What belongs to no line and is come to from the instruction before only belongs to that one's.
    fn spread_ranges(&mut self) {
        let mut is_target = vec![false; self.insts.len() + 1];
        let protects = self.protects.iter().map(|p| p.target);
        self.insts.iter().filter_map(|inst| inst.target).chain(protects).for_each(|t| is_target[self.place(t)] = true);
        for i in 1..self.insts.len() {
            if self.insts[i].range.is_none() && !is_target[i] && !self.insts[i - 1].is_end() {
                self.insts[i].range = self.insts[i - 1].range;
            }
        }
    }

    /// Turns the list into words.
    pub fn assemble(&self, counts: Counts) -> Assembled {
        let bases = [0, counts.locals, counts.locals + counts.cells, counts.locals + counts.cells + counts.frees];
        let (starts, long) = self.relax();
        let mut out = Assembled {
            words: Vec::with_capacity(starts[self.insts.len()]),
            handlers: Vec::new(),
            ranges: Vec::new(),
            nregs: (bases[3] + counts.temps) as u32,
        };
        for (i, inst) in self.insts.iter().enumerate() {
            let operands = number(inst, &bases);
            let target = inst.target.map(|t| starts[self.place(t)]);
            if long[i] {
                far(&mut out.words, inst, operands, target.unwrap_or(0));
            } else {
                near(&mut out.words, inst, operands, target);
            }
            out.ranges.resize(out.words.len(), inst.range);
        }
        for p in &self.protects {
            let (start, end) = (starts[p.start] as u32, starts[p.end] as u32);
            let target = starts[self.place(p.target)] as u32;
            let reg = p.reg.index() + bases[(p.reg.0 >> KIND_SHIFT) as usize] as u32;
            match out.handlers.last_mut() {
                Some(h) if h.end == start && h.target == target && h.reg == reg => h.end = end,
                _ => out.handlers.push(Handler { start, end, target, reg }),
            }
        }
        out
    }

    /// Word number of each instruction, and which 16-bit jumps need the long form.
    fn relax(&self) -> (Vec<usize>, Vec<bool>) {
        let mut long = vec![false; self.insts.len()];
        loop {
            let mut starts = Vec::with_capacity(self.insts.len() + 1);
            let mut at = 0;
            for (inst, &long) in self.insts.iter().zip(&long) {
                starts.push(at);
                at += if long { far_size(inst.op) } else { inst.op.words() };
            }
            starts.push(at);
            let mut changed = false;
            for (i, inst) in self.insts.iter().enumerate() {
                let Some(target) = inst.target else { continue };
                if inst.op.info().wide || long[i] {
                    continue;
                }
                let offset = starts[self.place(target)] as i64 - (starts[i] + inst.op.words()) as i64;
                if i16::try_from(offset).is_err() {
                    long[i] = true;
                    changed = true;
                }
            }
            if !changed {
                return (starts, long);
            }
        }
    }
}

/// The operands with final register numbers.
fn number(inst: &Inst, bases: &[usize; 4]) -> [u32; 3] {
    let mut operands = inst.operands;
    for (operand, kind) in operands.iter_mut().zip(inst.op.info().operands) {
        if matches!(kind, Kind::W | Kind::R | Kind::RW | Kind::Run | Kind::WRun) {
            *operand = (*operand & INDEX) + bases[(*operand >> KIND_SHIFT) as usize] as u32;
        }
    }
    operands
}

fn push(words: &mut Vec<u64>, op: Op, [a, b, c]: [u32; 3], aux: u32) {
    let word =
        if op.info().wide { Word::ax(op, a as u16, b as i32) } else { Word::abc(op, a as u16, b as u16, c as u16) };
    words.push(word.0);
    if op.info().cache > 0 {
        words.push(Word::aux(aux).0);
        words.resize(words.len() + op.info().cache - 1, 0);
    }
}

/// Emits an instruction in its ordinary form.
fn near(words: &mut Vec<u64>, inst: &Inst, mut operands: [u32; 3], target: Option<usize>) {
    if let Some(target) = target {
        let offset = target as i64 - (words.len() + inst.op.words()) as i64;
        operands[if inst.op.info().wide { 1 } else { 2 }] = offset as i32 as u32;
    }
    push(words, inst.op, operands, inst.aux);
}

/// Words of the long form of a 16-bit jump.
fn far_size(op: Op) -> usize {
    match op {
        Op::ForNext => Op::ForNextOrJump.words() + Op::JumpBack.words(),
        _ if opposite(op).is_some() => op.words() + Op::Jump.words(),
        _ => op.words() + 2 * Op::Jump.words(),
    }
}

/// Emits the long form of a 16-bit jump.
fn far(words: &mut Vec<u64>, inst: &Inst, mut operands: [u32; 3], target: usize) {
    let jump = |words: &mut Vec<u64>, op: Op, target: usize| {
        let offset = target as i64 - (words.len() + op.words()) as i64;
        push(words, op, [0, offset as i32 as u32, 0], 0);
    };
    if inst.op == Op::ForNext {
        operands[2] = Op::JumpBack.words() as u32;
        push(words, Op::ForNextOrJump, operands, inst.aux);
        jump(words, Op::JumpBack, target);
    } else if let Some(op) = opposite(inst.op) {
        operands[2] = Op::Jump.words() as u32;
        push(words, op, operands, inst.aux);
        jump(words, Op::Jump, target);
    } else {
        operands[2] = Op::Jump.words() as u32;
        push(words, inst.op, operands, inst.aux);
        let over = words.len() + 2 * Op::Jump.words();
        jump(words, Op::Jump, over);
        jump(words, Op::Jump, target);
    }
}

/// The jump taken exactly when `op` is not.
pub fn opposite(op: Op) -> Option<Op> {
    const PAIRS: &[(Op, Op)] = &[
        (Op::JumpIf, Op::JumpIfNot),
        (Op::JumpIfNone, Op::JumpIfNotNone),
        (Op::JumpLt, Op::JumpNotLt),
        (Op::JumpLe, Op::JumpNotLe),
        (Op::JumpEq, Op::JumpNotEq),
        (Op::JumpNe, Op::JumpNotNe),
        (Op::JumpGt, Op::JumpNotGt),
        (Op::JumpGe, Op::JumpNotGe),
        (Op::JumpLtI, Op::JumpNotLtI),
        (Op::JumpLeI, Op::JumpNotLeI),
        (Op::JumpEqI, Op::JumpNotEqI),
        (Op::JumpNeI, Op::JumpNotNeI),
        (Op::JumpGtI, Op::JumpNotGtI),
        (Op::JumpGeI, Op::JumpNotGeI),
        (Op::JumpIs, Op::JumpIsNot),
    ];
    PAIRS.iter().find_map(|&(x, y)| {
        if x == op {
            Some(y)
        } else if y == op {
            Some(x)
        } else {
            None
        }
    })
}

/// Turns source offsets into lines and columns.
pub struct Lines<'a> {
    source: &'a str,
    starts: Vec<u32>,
}

impl<'a> Lines<'a> {
    /// Indexes `source`.
    pub fn new(source: &'a str) -> Lines<'a> {
        let bytes = source.as_bytes();
        let mut starts = vec![0];
        for (i, &byte) in bytes.iter().enumerate() {
            if byte == b'\n' || byte == b'\r' && bytes.get(i + 1) != Some(&b'\n') {
                starts.push(i as u32 + 1);
            }
        }
        Lines { source, starts }
    }

    /// Line from 1 and byte column from 0.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|&s| s <= offset);
        (line as u32, offset - self.starts[line - 1])
    }

    /// Line and column from 1 in characters, for SyntaxError.
    pub fn line_char(&self, offset: u32) -> (u32, u32) {
        let (line, col) = self.line_col(offset);
        let start = (offset - col) as usize;
        let text = self.source.get(start..offset as usize).unwrap_or("");
        (line, text.chars().count() as u32 + 1)
    }

    /// Position of a source range.
    pub fn position(&self, range: TextRange) -> Position {
        let (line, col) = self.line_col(range.start().to_u32());
        let (end_line, end_col) = self.line_col(range.end().to_u32());
        Position { line, end_line, col, end_col }
    }
}
