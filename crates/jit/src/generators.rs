//! Generators of which compiled code has the registers, but which it did not make: those who need them make them of these.

use taipan_bytecode::{Op, Word};
use taipan_runtime::frame::flag;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::{Cx, Value};

use crate::consume::{Consumer, Consuming, MAX_REGISTERS};
use crate::exits::ExitFrame;

/// The generator that a call of `f` gave when it had this code, suspended in front of word `pc` with these registers.
pub fn suspended(
    cx: &mut Cx,
    f: &'static Function,
    code: &'static CodeObject,
    pc: u32,
    regs: impl Iterator<Item = (u16, u64)>,
) -> Value {
    let generator = Generator::of_code(cx, f, code, &[]);
    // SAFETY: FRAME-1; the generator is new.
    unsafe {
        let frame = generator.enter(cx, std::ptr::null_mut(), 0);
        for (r, word) in regs {
            *(*frame).regs.add(r as usize) = word;
        }
        (*frame).pc = code.words_ptr().add(pc as usize);
    }
    generator.leave(cx, State::Suspended);
    Value::of(generator)
}

/// HELP-1: `regs` leads to the registers of a frame of `code`.
pub unsafe extern "C" fn suspended_with(
    cx: &mut Cx,
    f: &'static Function,
    code: &'static CodeObject,
    pc: u64,
    regs: *const u64,
) -> u64 {
    // SAFETY: HELP-1.
    let regs = unsafe { std::slice::from_raw_parts(regs, code.nregs()) };
    let regs = regs.iter().enumerate().map(|(r, word)| (r as u16, *word));
    suspended(cx, f, code, pc as u32, regs).bits()
}

/// Pushes the frame of a generator that nobody made yet, running, and says who goes through its items.
///
/// # Safety
/// `consumer` must be the consumer of the generator frame `f` of an exit, with these values of its progress; the caller's frame
/// is on top.
pub unsafe fn push_consumed(
    cx: &mut Cx,
    f: &ExitFrame,
    function: &'static Function,
    consumer: Consumer,
    values: [Option<Value>; MAX_REGISTERS],
) -> Consuming {
    // SAFETY: FRAME-1; the generator is new.
    unsafe {
        let result = (*cx.frame).regs.add(f.result as usize);
        let generator = Generator::of_code(cx, function, f.code, &[]);
        generator.enter(cx, std::ptr::null_mut(), flag::ENTRY);
        Consuming { consumer, values, generator, result }
    }
}

/// Pushes the frame of a generator that nobody made yet, running for the loop, or the `yield from`, that the caller is in.
///
/// # Safety
/// `f` must be the frame of such a generator of an exit; the caller's frame is on top, behind its ForNext or Send.
pub unsafe fn push_looped(cx: &mut Cx, f: &ExitFrame, function: &'static Function) {
    // SAFETY: FRAME-1; the generator is new.
    unsafe {
        let caller = &*cx.frame;
        let loops = Word(*caller.pc.sub(Op::ForNext.words()));
        let generator = Generator::of_code(cx, function, f.code, &[]);
        *caller.regs.add(loops.a()) = Value::of(generator).bits();
        let flags = if loops.op().map(Op::base) == Some(Op::Send) { flag::SEND } else { flag::FOR };
        generator.enter(cx, caller.regs.add(f.result as usize), flags);
    }
}
