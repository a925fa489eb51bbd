//! Generators and coroutines.

use taipan_bytecode::{Op, Word, effects};
use taipan_runtime::frame::flag;
use taipan_runtime::types::generator::{self, Generator, State};
use taipan_runtime::types::{coroutine, generator_methods as methods};
use taipan_runtime::{Cx, PyResult, Value, exceptions};

use crate::dispatch::{Handler0, Regs, dispatch, handler, slow};
use crate::unwind::unwind;

/// Generators and coroutines: what `Send` can resume without native recursion.
#[inline(always)]
fn is_sync(class: &taipan_runtime::typeobj::Type) -> bool {
    std::ptr::eq(class, &generator::GENERATOR) || std::ptr::eq(class, &generator::COROUTINE)
}

handler!(ReturnGenerator, |w, pc, regs, cx, table| {
    let frame = &mut *cx.frame;
    frame.pc = pc;
    let object = Generator::from_frame(cx, Generator::class_for(frame.code));
    methods::created(cx, object);
    let (entry, result) = (frame.flags & flag::ENTRY != 0, frame.result);
    let bits = Value::of(object).bits();
    cx.pop_frame();
    if entry {
        return bits;
    }
    *result = bits;
    let caller = &*cx.frame;
    dispatch!(caller.pc, caller.regs, cx, table)
});

handler!(Yield, |w, pc, regs, cx, table| { return yield_value(cx, *regs.add(w.a()), pc, table) });

handler!(YieldDelegate, |w, pc, regs, cx, table| { return yield_value(cx, *regs.add(w.a()), pc, table) });

/// Suspends the running generator frame, giving `value` to whoever resumed it, and those that only pass it on.
#[inline(always)]
unsafe fn yield_value(cx: &mut Cx, value: u64, mut pc: *const u64, table: *const Handler0) -> u64 {
    // SAFETY: INT-1; the frame below of a FOR or SEND frame is suspended behind that instruction.
    unsafe {
        let caller = loop {
            let frame = &mut *cx.frame;
            frame.pc = pc;
            let (mut flags, mut result) = (frame.flags, frame.result);
            if flags & flag::SEND != 0 && cx.handled.is_none() && !cx.traced {
                let outermost = Generator::suspend_chain(cx);
                (flags, result) = ((*outermost).flags, (*outermost).result);
            } else {
                let generator = frame.receiver.expect("a generator frame has its generator");
                generator.cast::<Generator>().leave(cx, State::Suspended);
            }
            if flags & flag::ENTRY != 0 {
                return value;
            }
            *result = value;
            let caller = &*cx.frame;
            if flags & flag::SEND == 0 || cx.traced {
                break caller;
            }
            let then = Word(*caller.pc);
            if then.0 as u16 != Op::YieldDelegate as u16 || !std::ptr::eq(caller.regs.add(then.a()), result) {
                break caller;
            }
            // As the instruction would, without a dispatch for each generator of a chain.
            pc = caller.pc.add(1);
        };
        let word = Word(*caller.pc.sub(2));
        let mut next = caller.pc;
        if word.0 as u16 == Op::ForNext as u16 {
            next = next.offset(word.sc() as isize);
        }
        dispatch!(next, caller.regs, cx, table)
    }
}

/// Enters the generators that the one on top delegates to, each suspended; the last of them. What is sent lies in their
/// registers already.
#[inline(always)]
pub(crate) unsafe fn descend(cx: &mut Cx, mut g: &'static Generator) -> &'static Generator {
    // SAFETY: INT-1; the verifier checked the targets of jumps.
    unsafe {
        while !cx.traced && cx.depth < cx.rt().recursion_limit.get() {
            let frame = &mut *g.frame.get();
            let behind = frame.pc;
            if Word(*behind.sub(1)).0 as u16 != Op::YieldDelegate as u16 {
                break;
            }
            // The compiler puts a jump to Send there.
            let jump = Word(*behind);
            let Some(offset) =
                jump.op().and_then(|op| effects::jump(op, jump)).filter(|_| jump.0 as u16 == Op::Jump as u16)
            else {
                break;
            };
            let at = behind.add(1).offset(offset as isize);
            let send = Word(*at);
            if send.0 as u16 != Op::Send as u16 {
                break;
            }
            let r = Regs(frame.regs);
            let it = r.get(send.a());
            let Some(inner) = it.as_object().filter(|o| is_sync(o.class())).map(|_| it.cast::<Generator>()) else {
                break;
            };
            if inner.raw_state() != State::Suspended {
                break;
            }
            frame.pc = at.add(2);
            g = inner.enter_chain(cx, r.get(send.b()), frame.regs.add(send.b()), flag::SEND);
        }
        g
    }
}

handler!(Send, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let (it, sent) = (r.get(w.a()), r.get(w.b()));
    let next = pc.add(1);
    (*cx.frame).pc = next;
    if let Some(g) = it.as_object().filter(|o| is_sync(o.class())).map(|_| it.cast::<Generator>())
        && (g.raw_state() == State::Suspended || g.raw_state() == State::Created && sent.is_none())
        && cx.depth < cx.rt().recursion_limit.get()
    {
        let g = g.enter_chain(cx, sent, regs.add(w.b()), flag::SEND);
        let g = descend(cx, g);
        let frame = g.frame.get();
        if super::iter::resume_is_hot(cx, (*frame).code) {
            return super::iter::resume_compiled(cx, g, flag::SEND, table);
        }
        dispatch!((*frame).pc, (*frame).regs, cx, table);
    }
    match methods::send_to(cx, it, sent) {
        Ok((v, true)) => {
            r.set(w.b(), v);
            if cx.traced && !crate::trace::delegate_returned(cx, v) {
                return unwind(cx, table, true);
            }
            dispatch!(next.offset(w.sc() as isize), regs, cx, table);
        }
        Ok((v, false)) => {
            r.set(w.b(), v);
            dispatch!(next, regs, cx, table);
        }
        Err(_) => return unwind(cx, table, true),
    }
});

slow! {
    GetYieldFromIter 0 => get_yield_from_iter;
    GetAwaitable 0 => get_awaitable;
    GetAIter 0 => get_aiter;
    GetANext 0 => get_anext;
}

fn get_yield_from_iter(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = methods::get_yield_from_iter(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

fn get_awaitable(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = coroutine::get_awaitable_iter(cx, r.get(w.b()), w.c())?;
    r.set(w.a(), v);
    Ok(())
}

fn get_aiter(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = coroutine::get_aiter(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

fn get_anext(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = coroutine::get_anext(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

handler!(EndAsyncFor, |w, pc, regs, cx, table| {
    let e = Regs(regs).get(w.a());
    if e.is_instance(&exceptions::StopAsyncIteration) {
        dispatch!(pc, regs, cx, table);
    }
    (*cx.frame).pc = pc;
    cx.raise_again(e);
    return unwind(cx, table, false);
});
