//! Exceptions: finding the handler of a raised exception, leaving frames on the way.

use taipan_runtime::Cx;
use taipan_runtime::frame::flag;
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
            if let Some(h) = code.handlers.iter().find(|h| h.start <= index && index < h.end) {
                let exception = cx.take_exception();
                let regs = (*frame).regs;
                *regs.add(h.reg as usize) = exception.bits();
                let pc = code.words_ptr().add(h.target as usize);
                dispatch!(pc, regs, cx, table);
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
