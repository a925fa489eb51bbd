//! Iteration.

use taipan_bytecode::{Op, Word};
use taipan_runtime::frame::flag;
use taipan_runtime::hooks::NOT_COMPILED;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::range::RangeIter;
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

/// The next item of the commonest iterators, without calls: Some(0) when exhausted, None for other iterators.
#[inline(always)]
unsafe fn inline_next(it: Value) -> Option<u64> {
    if let Some(range) = it.exact::<RangeIter>() {
        let left = range.remaining.get();
        if left == 0 {
            return Some(0);
        }
        let value = range.next.get();
        range.remaining.set(left - 1);
        range.next.set(value.wrapping_add(range.step));
        return Some(Value::small(value).bits());
    }
    if let Some(iter) = it.exact::<ListIter>()
        && let Some(list) = iter.list.get()
    {
        let i = iter.index.get();
        let item = list.get(i)?;
        iter.index.set(i + 1);
        return Some(item.bits());
    }
    if let Some(iter) = it.exact::<TupleIter>()
        && let Some(tuple) = iter.tuple.get()
    {
        let i = iter.index.get();
        let item = tuple.items().get(i)?;
        iter.index.set(i + 1);
        return Some(item.bits());
    }
    None
}

handler!(ForNext, |w, pc, regs, cx, table| {
    if crate::hot::count_round(cx, pc) {
        return crate::hot::loop_hot(w.0, pc, regs, cx, table);
    }
    crate::hot::note_iterator(pc, Regs(regs).get(w.a()));
    if !cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
        match inline_next(Regs(regs).get(w.a())) {
            Some(0) => dispatch!(pc.add(1), regs, cx, table),
            Some(v) => {
                *regs.add(w.b()) = v;
                dispatch!(pc.add(1).offset(w.sc() as isize), regs, cx, table);
            }
            None => {}
        }
    }
    return for_next_general(w.0, pc, regs, cx, table);
});

handler!(
    #[inline(never)]
    for_next_general,
    |w, pc, regs, cx, table| {
        let next = pc.add(1);
        (*cx.frame).pc = next;
        if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) && cx.handle_interrupt().is_err() {
            return unwind(cx, table, true);
        }
        let it = Regs(regs).get(w.a());
        if let Some(g) = resumable(cx, it) {
            return resume(cx, g, regs.add(w.b()), table);
        }
        let bits = native_next(cx, it);
        match bits {
            DONE => dispatch!(next, regs, cx, table),
            0 => return unwind(cx, table, true),
            _ => {
                *regs.add(w.b()) = bits;
                dispatch!(next.offset(w.sc() as isize), regs, cx, table);
            }
        }
    }
);

handler!(ForNextOrJump, |w, pc, regs, cx, table| {
    let next = pc.add(1);
    (*cx.frame).pc = next;
    let it = Regs(regs).get(w.a());
    if let Some(g) = resumable(cx, it) {
        return resume(cx, g, regs.add(w.b()), table);
    }
    let bits = native_next(cx, it);
    match bits {
        DONE => dispatch!(next.offset(w.sc() as isize), regs, cx, table),
        0 => return unwind(cx, table, true),
        _ => {
            *regs.add(w.b()) = bits;
            dispatch!(next, regs, cx, table);
        }
    }
});

/// What [`native_next`] returns for an exhausted iterator (no value has this word).
const DONE: u64 = 4;

/// The next item of any iterator as a word, [`DONE`], or 0 if it raised. Out of line: see `slow!`.
#[inline(never)]
fn native_next(cx: &mut Cx, it: Value) -> u64 {
    match iter::next(cx, it) {
        Ok(Some(v)) => v.bits(),
        Ok(None) => DONE,
        Err(_) => 0,
    }
}

/// The generator, if `it` is one that can be resumed without native recursion.
#[inline(always)]
fn resumable(cx: &Cx, it: Value) -> Option<&'static Generator> {
    let g = it.exact::<Generator>()?;
    let ready = matches!(g.raw_state(), State::Created | State::Suspended);
    (ready && cx.depth < cx.rt().recursion_limit.get()).then_some(g)
}

/// Counts a resumption; true if there is or should be compiled code for it.
#[inline(always)]
pub(crate) fn resume_is_hot(cx: &Cx, code: &CodeObject) -> bool {
    let resumed = code.resumed.get().wrapping_add(1);
    code.resumed.set(resumed);
    code.has_resumes.get() || resumed >= cx.hot_call
}

/// Goes on in the generator just entered with `flags`, by compiled code if there is some, and then in the frame that
/// resumed it, as its instruction wants it.
#[inline(never)]
pub(crate) unsafe extern "C" fn resume_compiled(
    cx: &mut Cx,
    g: &'static Generator,
    flags: u32,
    table: *const Handler0,
) -> u64 {
    // SAFETY: INT-1; the generator's frame is on top.
    unsafe {
        let frame = g.frame.get();
        (*frame).flags = flag::GENERATOR | flag::ENTRY;
        let bits = if cx.traced { NOT_COMPILED } else { (cx.rt().hooks.get().resume)(cx) };
        if bits == NOT_COMPILED {
            (*frame).flags = flag::GENERATOR | flags;
            dispatch!((*frame).pc, (*frame).regs, cx, table);
        }
        // What ran may have turned tracing on or off.
        let table = crate::trace::table(cx);
        if bits == 0 {
            return unwind(cx, table, true);
        }
        let caller = &*cx.frame;
        let word = Word(*caller.pc.sub(2));
        let op = word.op().map_or(Op::Nop, Op::base);
        let yielded = g.raw_state() != State::Finished;
        if yielded || op == Op::Send {
            *(*frame).result = bits;
        }
        // ForNext jumps to its body, the others to the end.
        let jumps = yielded == (op == Op::ForNext);
        let next = if jumps { caller.pc.offset(word.sc() as isize) } else { caller.pc };
        dispatch!(next, caller.regs, cx, table)
    }
}

/// Goes on in a generator on behalf of a for loop.
#[inline(always)]
unsafe fn resume(cx: &mut Cx, g: &'static Generator, result: *mut u64, table: *const Handler0) -> u64 {
    // SAFETY: the state was checked.
    unsafe {
        let inner = g.enter_chain(cx, Value::none(), result, flag::FOR);
        let inner = super::generator::descend(cx, inner);
        let flags = if std::ptr::eq(inner, g) { flag::FOR } else { flag::SEND };
        let frame = inner.frame.get();
        if resume_is_hot(cx, (*frame).code) {
            return resume_compiled(cx, inner, flags, table);
        }
        dispatch!((*frame).pc, (*frame).regs, cx, table)
    }
}
