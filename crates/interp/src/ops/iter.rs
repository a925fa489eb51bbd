//! Iteration.

use taipan_bytecode::Word;
use taipan_runtime::frame::flag;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::generator::{GENERATOR, Generator, State};
use taipan_runtime::{Cx, PyResult, Value};

use crate::dispatch::{Handler0, Regs, dispatch, handler, slow};
use crate::unwind::unwind;

slow! {
    GetIter 0 => get_iter;
}

fn get_iter(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let it = iter::iter(cx, r.get(w.b()))?;
    r.set(w.a(), it);
    Ok(())
}

handler!(ForNext, |w, pc, regs, cx, table| {
    if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
        (*cx.frame).pc = pc;
        if cx.handle_interrupt().is_err() {
            return unwind(cx, table, true);
        }
    }
    let r = Regs(regs);
    let next = pc.add(1);
    match fast_next(cx, r.get(w.a()), next) {
        Fast::Item(v) => {
            *regs.add(w.b()) = v;
            dispatch!(next.offset(w.sc() as isize), regs, cx, table);
        }
        Fast::Done => dispatch!(next, regs, cx, table),
        Fast::Generator(g) => return resume(cx, g, regs.add(w.b()), table),
        Fast::Raised => return unwind(cx, table, true),
    }
});

handler!(ForNextOrJump, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let next = pc.add(1);
    match fast_next(cx, r.get(w.a()), next) {
        Fast::Item(v) => {
            *regs.add(w.b()) = v;
            dispatch!(next, regs, cx, table);
        }
        Fast::Done => dispatch!(next.offset(w.sc() as isize), regs, cx, table),
        Fast::Generator(g) => return resume(cx, g, regs.add(w.b()), table),
        Fast::Raised => return unwind(cx, table, true),
    }
});

/// What an iterator gave.
enum Fast {
    Item(u64),
    Done,
    /// A generator that can be resumed without native recursion.
    Generator(&'static Generator),
    Raised,
}

/// The next item of an iterator; `pc` is where the frame is suspended meanwhile.
#[inline(always)]
unsafe fn fast_next(cx: &mut Cx, it: Value, pc: *const u64) -> Fast {
    // SAFETY: iterators are objects.
    unsafe {
        (*cx.frame).pc = pc;
        if let Some(g) = it.exact::<Generator>()
            && std::ptr::eq(it.class(), &GENERATOR)
            && matches!(g.state.get(), State::Created | State::Suspended)
            && cx.depth < cx.rt().recursion_limit.get()
        {
            return Fast::Generator(g);
        }
    }
    match iter::next(cx, it) {
        Ok(Some(v)) => Fast::Item(v.bits()),
        Ok(None) => Fast::Done,
        Err(_) => Fast::Raised,
    }
}

/// Goes on in a generator on behalf of a for loop.
#[inline(always)]
unsafe fn resume(cx: &mut Cx, g: &'static Generator, result: *mut u64, table: *const Handler0) -> u64 {
    // SAFETY: the state was checked.
    unsafe {
        g.set_sent(Value::none());
        let frame = g.enter(cx, result, flag::FOR);
        dispatch!((*frame).pc, (*frame).regs, cx, table)
    }
}
