//! Forgetting what dead temporaries refer to.
//!
//! Registers are scanned conservatively, and nobody clears a temporary after its last use, so a frame can keep an object
//! alive that the program has no way to reach. That is harmless except where the program asks: `gc.collect()`, and the
//! resizing of a bytearray that a forgotten memoryview exports. There [`forget_dead_temporaries`] works out which
//! temporaries of the running frames are still read and clears the others.

use taipan_bytecode::code::Handler;
use taipan_bytecode::effects::{ends_block, jump, reads, writes};
use taipan_bytecode::{Op, Word};

use crate::cx::Cx;
use crate::frame::{Frame, flag};
use crate::types::code::CodeObject;
use crate::types::descr::{MethodDescr, NativeFunction};
use crate::value::Value;

/// A set of temporaries, by register number.
type Set = Vec<u64>;

fn insert(set: &mut Set, register: usize) {
    if let Some(word) = set.get_mut(register / 64) {
        *word |= 1 << (register % 64);
    }
}

fn remove(set: &mut Set, register: usize) {
    if let Some(word) = set.get_mut(register / 64) {
        *word &= !(1 << (register % 64));
    }
}

fn contains(set: &Set, register: usize) -> bool {
    set.get(register / 64).is_some_and(|word| word >> (register % 64) & 1 != 0)
}

/// Adds `more`; true if that changed anything.
fn join(set: &mut Set, more: &Set) -> bool {
    let mut changed = false;
    for (a, b) in set.iter_mut().zip(more) {
        changed |= *b & !*a != 0;
        *a |= b;
    }
    changed
}

pub(crate) struct Instruction {
    /// Index of its first word.
    pub(crate) start: usize,
    pub(crate) op: Op,
    pub(crate) word: Word,
    /// Index of the word behind it.
    pub(crate) next: usize,
}

impl Instruction {
    /// The word that it may jump to.
    pub(crate) fn target(&self) -> Option<usize> {
        jump(self.op, self.word).map(|distance| (self.next as i64 + i64::from(distance)) as usize)
    }

    /// The handlers that an exception raised by it may go to.
    pub(crate) fn handlers<'a>(&self, code: &'a CodeObject) -> impl Iterator<Item = &'a Handler> + use<'a> {
        let (start, next) = (self.start, self.next);
        code.handlers.iter().filter(move |h| (h.start as usize) < next && start < h.end as usize)
    }
}

/// Number of the instruction that starts at word `start`.
pub(crate) fn position(all: &[Instruction], start: usize) -> Option<usize> {
    all.binary_search_by_key(&start, |i| i.start).ok()
}

fn decode(code: &CodeObject) -> Option<Vec<Instruction>> {
    let words = code.pristine_words();
    let (mut all, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let word = Word(words[at]);
        let op = Op::from_u16(word.0 as u16)?.base();
        let next = at + 1 + op.info().cache;
        all.push(Instruction { start: at, op, word, next });
        at = next;
    }
    Some(all)
}

/// How many attributes of its first parameter a function assigns.
pub(crate) fn attributes_assigned(code: &CodeObject) -> usize {
    let words = code.pristine_words();
    let stores = decode(code).into_iter().flatten().filter(|i| i.op == Op::StoreAttr && i.word.a() == 0);
    stores.map(|i| words[i.start + 1] as u32).collect::<std::collections::HashSet<_>>().len()
}

/// For each word, whether it is the first instruction of its line or where a jump or an exception may lead.
pub(crate) fn line_starts(code: &CodeObject) -> Box<[bool]> {
    let mut starts = vec![false; code.word_count()];
    let Some(all) = decode(code) else { return starts.into() };
    let mut line = 0;
    for insn in &all {
        // What runs before a function is entered does not count.
        let is_prologue = matches!(insn.op, Op::NewCell | Op::MakeCell | Op::ReturnGenerator);
        let own = if is_prologue { 0 } else { code.line_of(insn.start) };
        starts[insn.start] |= own != line;
        line = own;
        if let Some(target) = insn.target()
            && let Some(start) = starts.get_mut(target)
        {
            *start = true;
        }
    }
    for handler in &code.handlers {
        starts[handler.target as usize] = true;
    }
    starts.into()
}

/// What is known about the registers of a code object, instruction by instruction.
pub(crate) struct Liveness {
    pub(crate) instructions: Vec<Instruction>,
    /// Read at or after the start of each instruction.
    before: Vec<Set>,
    /// Read after each instruction, whether it completes or raises.
    after: Vec<Set>,
}

impl Liveness {
    pub(crate) fn of(code: &CodeObject) -> Option<Liveness> {
        let all = decode(code)?;
        let size = code.nregs().div_ceil(64);
        let mut live: Vec<Set> = vec![vec![0; size]; all.len()];
        let mut outs: Vec<Set> = live.clone();
        let mut changed = true;
        while changed {
            changed = false;
            for (n, insn) in all.iter().enumerate().rev() {
                let mut out = vec![0; size];
                if !ends_block(insn.op) && n + 1 < all.len() {
                    join(&mut out, &live[n + 1]);
                }
                if let Some(target) = insn.target() {
                    join(&mut out, &live[position(&all, target)?]);
                }
                let mut set = out.clone();
                for register in writes(insn.op, insn.word).registers() {
                    remove(&mut set, register);
                }
                for register in reads(insn.op, insn.word).registers() {
                    insert(&mut set, register);
                }
                for handler in insn.handlers(code) {
                    let mut caught = live[position(&all, handler.target as usize)?].clone();
                    remove(&mut caught, handler.reg as usize);
                    join(&mut set, &caught);
                    join(&mut out, &caught);
                }
                outs[n] = out;
                changed |= join(&mut live[n], &set);
            }
        }
        Some(Liveness { instructions: all, before: live, after: outs })
    }

    /// Number of the instruction that contains word `index`.
    pub(crate) fn at(&self, index: usize) -> Option<usize> {
        self.instructions.iter().position(|i| i.start <= index && index < i.next)
    }

    /// Is `register` read at or after the start of instruction `n`?
    pub(crate) fn is_live(&self, n: usize, register: usize) -> bool {
        contains(&self.before[n], register)
    }

    /// What must not be touched while instruction `n` runs: native code that it called may still read its operands.
    fn needed_during(&mut self, n: usize, code: &CodeObject) -> Set {
        let mut result = std::mem::take(&mut self.after[n]);
        let insn = &self.instructions[n];
        // What the result will replace is not needed, unless an exception goes to where it is read.
        for register in writes(insn.op, insn.word).registers() {
            let mut targets = insn.handlers(code).filter_map(|h| position(&self.instructions, h.target as usize));
            if !targets.any(|target| contains(&self.before[target], register)) {
                remove(&mut result, register);
            }
        }
        for register in reads(insn.op, insn.word).registers() {
            insert(&mut result, register);
        }
        result
    }
}

/// The registers that are read at or after the instruction that contains word `index`, that instruction included.
fn live_at(code: &CodeObject, index: usize) -> Option<Set> {
    let mut all = Liveness::of(code)?;
    let current = all.at(index)?;
    Some(all.needed_during(current, code))
}

/// Clears the temporaries of this thread's frames that nothing reads any more; those above compiled code, whose registers
/// are not up to date.
#[cold]
#[inline(never)]
pub fn forget_dead_temporaries(cx: &mut Cx) {
    if cx.compiled != cx.entry.compiled {
        return;
    }
    let mut frame: *mut Frame = cx.frame;
    let mut callee: *mut u64 = std::ptr::null_mut();
    // SAFETY: FRAME-1; only registers of the frame's own window are written, and not those of the frame it called,
    // whose window may start inside.
    unsafe {
        while let Some(f) = frame.as_mut() {
            let code = f.code;
            let first = (code.nlocals + code.ncells + code.nfrees) as usize;
            if let Some(live) = live_at(code, f.word_index()) {
                for register in first..code.nregs() {
                    let place = f.regs.add(register);
                    let window = f.regs..f.regs.add(code.nregs());
                    if window.contains(&callee) && place >= callee {
                        break;
                    }
                    if !contains(&live, register) {
                        *place = 0;
                    }
                }
            }
            if f.flags & flag::ENTRY != 0 && cx.entry.compiled > 0 {
                return;
            }
            callee = f.regs;
            frame = f.prev;
        }
    }
}

/// What the running frame's instruction calls, if it calls something.
fn called(cx: &Cx) -> Option<Value> {
    // SAFETY: FRAME-1.
    let frame = unsafe { cx.frame.as_ref() }?;
    let index = frame.word_index();
    let instruction = decode(frame.code)?.into_iter().find(|i| i.start <= index && index < i.next)?;
    let is_call = matches!(instruction.op, Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw | Op::CallEx);
    frame.reg(instruction.word.a()).filter(|_| is_call)
}

/// The native function that the running frame's instruction calls, if it calls one.
pub(crate) fn called_native(cx: &Cx) -> Option<&'static NativeFunction> {
    called(cx)?.exact::<NativeFunction>()
}

/// The address from which the native stack has to be scanned while the running native function, which `is_callee` tells
/// from others, runs: what its caller's caller keeps. None if something else than an instruction called it.
pub fn stack_of_caller(cx: &Cx, is_callee: impl Fn(&NativeFunction) -> bool) -> Option<usize> {
    has_stack(cx).filter(|_| called_native(cx).is_some_and(is_callee))
}

/// As [`stack_of_caller`], while a method that `is_callee` tells from others runs for an instruction.
pub fn stack_of_method_caller(cx: &Cx, is_callee: impl Fn(&MethodDescr) -> bool) -> Option<usize> {
    has_stack(cx).filter(|_| called(cx).and_then(|v| v.exact::<MethodDescr>()).is_some_and(is_callee))
}

/// Where the native stack of the interpreter on top begins, if no compiled code runs below it.
fn has_stack(cx: &Cx) -> Option<usize> {
    (cx.compiled == cx.entry.compiled && cx.entry.stack != 0).then_some(cx.entry.stack)
}
