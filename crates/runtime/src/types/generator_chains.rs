//! Chains of generators that do nothing but pass on what an inner one yields (`yield from`, `await`): suspended and resumed
//! together, at the same cost however long the chain is.
//!
//! Invariants:
//! - CHAIN-1: the frame of a generator that is `waiting` is linked to the frame of the next one out, which executes the `Send` that
//!   resumed it; its raw state is Running. The outermost of a suspended chain knows the innermost.
//! - CHAIN-2: the next one out lives: the inner one marks it, or it is told before it dies and takes the chain apart.
//! - CHAIN-3: a frame in the chain knows where the registers above it begin only once control comes back to it
//!   (`Generator::leave`).

use crate::cx::Cx;
use crate::frame::{Frame, flag};
use crate::types::generator::{Generator, State};
use crate::value::Value;

impl Generator {
    /// Where it stands. Who waits in a suspended chain is taken out of it, as is the whole chain.
    #[inline(always)]
    pub fn state(&'static self) -> State {
        if self.waiting.get() || self.innermost.get().is_some() { self.unchain() } else { self.state.get() }
    }

    /// As [`Generator::state`], for who may go on in the chain of which this one is the outermost, and knows that others say
    /// that they run.
    #[inline(always)]
    pub fn raw_state(&self) -> State {
        self.state.get()
    }

    /// The generator whose frame lies below its own.
    pub(super) fn waits_for_it(&self) -> Option<&'static Generator> {
        // SAFETY: frames below linked ones live; generator frames have their generators.
        unsafe {
            let below = (*self.frame.get()).prev.as_ref()?;
            if below.flags & flag::GENERATOR == 0 { None } else { Some(below.receiver?.cast()) }
        }
    }

    /// Takes the chain of suspended generators apart that this one is a part of; its state.
    #[cold]
    #[inline(never)]
    pub(super) fn unchain(&'static self) -> State {
        let mut outermost = self;
        while outermost.waiting.get() {
            outermost = outermost.waits_for_it().expect("a generator that waits for another");
        }
        let Some(innermost) = outermost.innermost.take() else {
            // The chain runs.
            return State::Running;
        };
        let mut at = innermost;
        while !std::ptr::eq(at, outermost) {
            let next = at.waits_for_it().expect("a generator that waits for another");
            // SAFETY: the frames of suspended generators.
            unsafe {
                let frame = &mut *at.frame.get();
                frame.prev = std::ptr::null_mut();
                if !std::ptr::eq(at, innermost) {
                    // As if each had executed the `YieldDelegate` behind its `Send`.
                    frame.pc = frame.pc.add(1);
                }
            }
            at.waiting.set(false);
            at.state.set(State::Suspended);
            at = next;
        }
        State::Suspended
    }

    /// Sends a value to a generator that is created or suspended: links its frame and those of what it waits for in a chain.
    /// The one that goes on.
    ///
    /// # Safety
    /// The raw state must be one of these.
    #[inline(always)]
    pub unsafe fn enter_chain(
        &'static self,
        cx: &mut Cx,
        sent: Value,
        result: *mut u64,
        flags: u32,
    ) -> &'static Generator {
        // SAFETY: the caller's promise; the innermost of a chain is suspended.
        unsafe {
            if let Some(innermost) = self.innermost.get() {
                if cx.handled.is_none() && !cx.traced && cx.depth + self.chained.get() < cx.rt().recursion_limit.get() {
                    self.innermost.set(None);
                    innermost.set_sent(sent);
                    let outer = self.enter(cx, result, flags);
                    (*outer).pc = (*outer).pc.sub(1);
                    let frame = innermost.frame.get();
                    (*frame).top = (*outer).top;
                    innermost.waiting.set(false);
                    cx.frame = frame;
                    cx.depth += self.chained.get();
                    return innermost;
                }
                self.unchain();
            }
            self.set_sent(sent);
            self.enter(cx, result, flags);
        }
        self
    }

    /// Suspends the running generator, which was resumed by a `Send` and has yielded, together with those that do nothing but
    /// pass on what it yields; the frame of the outermost, whose flags and place of the result are as they were.
    ///
    /// # Safety
    /// The frame on top must be that of a generator, with its pc set.
    pub unsafe fn suspend_chain(cx: &mut Cx) -> *mut Frame {
        // SAFETY: FRAME-1; below a frame with the flag SEND lies that of the generator which executes the `Send`.
        unsafe {
            let innermost: &'static Generator =
                (*cx.frame).receiver.expect("a generator frame has its generator").cast();
            let (mut at, mut n) = (innermost, 0);
            loop {
                let frame = &*at.frame.get();
                if frame.flags & flag::SEND == 0 {
                    break;
                }
                // What waits for another has not run since it was suspended the last time.
                if n == 0 || !at.waiting.get() {
                    let below = &*frame.prev;
                    let then = taipan_bytecode::Word(*below.pc);
                    let passes = then.0 as u16 == taipan_bytecode::Op::YieldDelegate as u16;
                    if !passes || !std::ptr::eq(below.regs.add(then.a()), frame.result) {
                        break;
                    }
                    at.waiting.set(true);
                    at.remember(cx);
                }
                n += 1;
                at = at.waits_for_it().expect("a generator executes the instruction");
            }
            let frame = at.frame.get();
            if n > 0 {
                (*frame).pc = (*frame).pc.add(1);
                cx.frame = frame;
                cx.depth -= n;
            }
            at.leave(cx, State::Suspended);
            if n > 0 {
                at.innermost.set(Some(innermost));
                at.chained.set(n);
            }
            frame
        }
    }
}
