//! Where the interpreter hands over to compiled code and takes over again.
//!
//! Loops count their rounds in the low half of their bottom instruction's cache word, functions their calls in the code
//! object. What is hot is offered to the JIT through `Hooks::hot`, which runs compiled code or declines.

use taipan_bytecode::ops::feedback;
use taipan_bytecode::{Op, Word};
use taipan_runtime::hooks::{ENTRY, NOT_COMPILED, RESUME};
use taipan_runtime::types::generator::Generator;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::range::RangeIter;
use taipan_runtime::{Cx, Value};

use crate::dispatch::{Handler0, dispatch};
use crate::ops::{self, return_word};
use crate::unwind::unwind;

/// Counts a round of the loop whose bottom instruction's cache word is at `pc`; true if the loop is hot.
#[inline(always)]
pub(crate) unsafe fn count_round(cx: &Cx, pc: *const u64) -> bool {
    // SAFETY: INT-3; on little-endian machines the low half comes first.
    unsafe {
        let count = pc.cast_mut().cast::<u32>();
        let n = (*count).wrapping_add(1);
        *count = n;
        n >= cx.hot_loop
    }
}

/// Notes for the JIT what a loop iterates over, in its second round.
#[inline(always)]
pub(crate) unsafe fn note_iterator(pc: *const u64, it: Value) {
    // SAFETY: INT-3.
    unsafe {
        if *pc as u32 == 2 {
            note_kind(pc, it);
        }
    }
}

#[cold]
#[inline(never)]
unsafe extern "C" fn note_kind(pc: *const u64, it: Value) {
    let kind = if it.exact::<RangeIter>().is_some() {
        feedback::RANGE_ITER
    } else if it.exact::<ListIter>().is_some() {
        feedback::LIST_ITER
    } else if it.exact::<TupleIter>().is_some() {
        feedback::TUPLE_ITER
    } else if it.exact::<Generator>().is_some() {
        feedback::GENERATOR
    } else {
        feedback::BIG
    };
    // SAFETY: INT-3.
    unsafe { *pc.cast_mut() |= kind };
}

/// Offers the hot loop whose bottom instruction's cache word is at `pc` to the JIT; if it declines, goes on with that
/// instruction's handler `plain`.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn loop_hot(
    insn: u64,
    pc: *const u64,
    regs: *mut u64,
    cx: &mut Cx,
    table: *const Handler0,
) -> u64 {
    // SAFETY: INT-1, INT-2.
    unsafe {
        if cx.traced {
            // Compiled code reports no events.
            return plain(insn, pc, regs, cx, table);
        }
        let frame = &mut *cx.frame;
        frame.pc = pc;
        let index = pc.offset_from(frame.code.words_ptr()) as u32 - 1;
        let bits = (cx.rt().hooks.get().hot)(cx, index);
        if bits == NOT_COMPILED {
            return plain(insn, pc, regs, cx, table);
        }
        after_native(bits, cx)
    }
}

/// Answers whoever wants the thread's attention, then offers the function just entered to the JIT; if it declines, starts it.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn call_hot(cx: &mut Cx, table: *const Handler0) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            let frame = &mut *cx.frame;
            let start = frame.pc;
            // As if the first instruction had raised.
            frame.pc = start.add(1);
            if cx.handle_interrupt().is_err() {
                return unwind(cx, crate::trace::table(cx), true);
            }
            frame.pc = start;
            if frame.code.heat.get() < cx.hot_call || cx.traced {
                dispatch!(frame.pc, frame.regs, cx, crate::trace::table(cx));
            }
        }
        // Compiled code reports no events.
        let bits = if cx.traced { NOT_COMPILED } else { (cx.rt().hooks.get().hot)(cx, ENTRY) };
        if bits == NOT_COMPILED {
            let frame = &*cx.frame;
            dispatch!(frame.pc, frame.regs, cx, table);
        }
        after_native(bits, cx)
    }
}

/// Goes on after compiled code ended with `bits` (see `Hooks::hot`).
#[inline(always)]
unsafe fn after_native(bits: u64, cx: &mut Cx) -> u64 {
    // What ran may have turned tracing on or off.
    let table = crate::trace::table(cx);
    // SAFETY: INT-1.
    unsafe {
        match bits {
            0 => unwind(cx, table, true),
            RESUME => resume(cx, table),
            _ => return_word(bits, cx, table),
        }
    }
}

/// Goes on with the frame on top, without offering the loop that it stands at to the JIT again.
#[inline(never)]
pub(crate) unsafe extern "C" fn resume(cx: &mut Cx, table: *const Handler0) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let frame = &*cx.frame;
        plain(*frame.pc, frame.pc.add(1), frame.regs, cx, table)
    }
}

/// Executes an instruction; loops are not counted.
#[inline(always)]
unsafe fn plain(insn: u64, pc: *const u64, regs: *mut u64, cx: &mut Cx, table: *const Handler0) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        match Word(insn).op() {
            Some(Op::ForNext) => ops::for_next_general(insn, pc, regs, cx, table),
            Some(Op::JumpBack) => ops::jump_back_plain(insn, pc, regs, cx, table),
            _ => {
                let handler = (*table.add((insn & 0xffff) as usize)).0;
                handler(insn, pc, regs, cx, table)
            }
        }
    }
}
