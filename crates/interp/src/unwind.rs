//! Exceptions: finding the handler of a raised exception, leaving frames on the way.

use taipan_bytecode::{Op, Word};
use taipan_runtime::Cx;
use taipan_runtime::exceptions::Exception;
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::types::traceback::Traceback;

use crate::dispatch::{Handler0, dispatch};

/// Goes on at the innermost handler of the raised exception, or leaves the dispatch loop with 0. `note` says whether
/// the running frame is added to the traceback (not when an exception is re-raised as it is).
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn unwind(cx: &mut Cx, table: *const Handler0, note: bool) -> u64 {
    let mut note = note;
    // SAFETY: INT-1, INT-2.
    unsafe {
        loop {
            let frame = cx.frame;
            if note {
                Traceback::add(cx);
                if cx.traced {
                    crate::trace::raised(cx);
                }
            }
            note = true;
            let code = (*frame).code;
            let index = (*frame).word_index() as u32;
            if let Some(h) = code.handler_at(index) {
                let exception = cx.take_exception();
                let regs = (*frame).regs;
                *regs.add(h.reg as usize) = exception.bits();
                let pc = code.words_ptr().add(h.target as usize);
                dispatch!(pc, regs, cx, table);
            }
            if (*frame).object.is_some() {
                return_to_raise(cx, &mut *frame);
            }
            if cx.traced {
                crate::trace::left(cx);
            }
            let flags = (*frame).flags;
            if flags & flag::GENERATOR != 0 {
                let generator = (*frame).receiver.expect("a generator frame has its generator");
                generator.cast::<Generator>().leave(cx, State::Finished);
            } else {
                cx.pop_frame();
            }
            if flags & flag::ENTRY != 0 {
                return 0;
            }
        }
    }
}

/// An exception that is raised again leaves a frame from where it was raised first: puts the frame there, for those who
/// look at its line later.
#[cold]
#[inline(never)]
fn return_to_raise(cx: &Cx, frame: &mut Frame) {
    let at = frame.word_index();
    // SAFETY: the word of the instruction that the frame is at.
    let word = Word(unsafe { *frame.code.words_ptr().add(at) });
    let says_so = word.op() == Some(Op::Reraise) && word.b() == 1;
    if !says_so && frame.code.line_of(at) != 0 {
        return;
    }
    let traceback = cx.exception().and_then(|e| e.downcast::<Exception>()).and_then(|e| e.traceback.get());
    let raised = traceback.and_then(|t| t.exact::<Traceback>());
    if let Some(raised) = raised.filter(|t| frame.object.is_some_and(|o| std::ptr::eq(o, t.frame))) {
        // SAFETY: the index of a word of the code; pc is behind it.
        frame.pc = unsafe { frame.code.words_ptr().add(raised.word + 1) };
    }
}
