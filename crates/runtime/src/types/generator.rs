//! Generators, coroutines and async generators: layout and resumption. Their methods are in `generator_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::ValueArray;
use crate::cx::{Cx, PyResult};
use crate::frame::{Frame, flag};
use crate::object;
use crate::object::Header;
use crate::raise;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::value::Value;

/// Where a generator stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Not started.
    Created,
    /// Suspended at a yield.
    Suspended,
    /// Running.
    Running,
    /// Returned or raised.
    Finished,
}

/// A generator, coroutine or async generator: its frame is part of it, its registers are in an array of its own.
#[repr(C)]
pub struct Generator {
    header: Header,
    /// The frame; valid until finished.
    pub frame: std::cell::UnsafeCell<Frame>,
    /// The registers.
    pub window: Cell<Option<&'static ValueArray>>,
    /// See [`State`].
    pub state: Cell<State>,
    /// `__name__`.
    pub name: Cell<&'static Str>,
    /// `__qualname__`.
    pub qualname: Cell<&'static Str>,
    /// The exception that was being handled inside when it was suspended.
    pub handled: Cell<Option<Value>>,
    /// Coroutines: `cr_origin`; async generators: the finaliser hook.
    pub extra: Cell<Option<Value>>,
    /// Async generators: hooks were called; `aclose` was called; an operation is running.
    pub hooks_inited: Cell<bool>,
    /// Async generators: closed.
    pub closed: Cell<bool>,
    /// Async generators: `asend` and friends are running.
    pub running_async: Cell<bool>,
}
object!(Generator, GENERATOR);

/// The type of generators.
pub static GENERATOR: Type = Type::new(&GENERATOR_SPEC);
static GENERATOR_SPEC: TypeSpec = TypeSpec {
    name: "generator",
    basicsize: std::mem::size_of::<Generator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_generator),
    slots: crate::slots::Slots { iter: Some(|_, v| Ok(v)), next: Some(generator_next), ..crate::slots::Slots::NONE },
    ..TypeSpec::DEFAULT
};
/// The type of coroutines.
pub static COROUTINE: Type = Type::new(&COROUTINE_SPEC);
static COROUTINE_SPEC: TypeSpec = TypeSpec {
    name: "coroutine",
    basicsize: std::mem::size_of::<Generator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_generator),
    ..TypeSpec::DEFAULT
};
/// The type of async generators.
pub static ASYNC_GENERATOR: Type = Type::new(&ASYNC_GENERATOR_SPEC);
static ASYNC_GENERATOR_SPEC: TypeSpec = TypeSpec {
    name: "async_generator",
    basicsize: std::mem::size_of::<Generator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_generator),
    ..TypeSpec::DEFAULT
};
/// Types of this file.
pub static TYPES: &[&Type] = &[&GENERATOR, &COROUTINE, &ASYNC_GENERATOR];

unsafe fn trace_generator(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these three types only.
    let this = unsafe { &*object.cast::<Generator>() };
    if this.state.get() != State::Finished {
        // SAFETY: the frame is valid until finished.
        unsafe { (*this.frame.get()).trace(marker) };
        if let Some(window) = this.window.get() {
            marker.mark_value(Value::of(window).bits());
        }
    }
    for value in
        [Some(Value::of(this.name.get())), Some(Value::of(this.qualname.get())), this.handled.get(), this.extra.get()]
    {
        if let Some(v) = value {
            marker.mark_value(v.bits());
        }
    }
}

impl Generator {
    /// Turns the running frame, which just executed ReturnGenerator, into a generator object of `class`. The frame's
    /// registers move into the generator; the caller pops the frame. May collect.
    #[inline(never)]
    pub fn from_frame(cx: &mut Cx, class: &'static Type) -> &'static Generator {
        // SAFETY: FRAME-1.
        let frame = unsafe { &*cx.frame };
        let code = frame.code;
        let window = ValueArray::new(cx, code.nregs());
        let (name, qualname) = frame.function.map_or((code.name, code.qualname), |f| (f.name.get(), f.qualname.get()));
        let copy = Frame {
            code,
            regs: window.word_ptr(0),
            pc: frame.pc,
            prev: std::ptr::null_mut(),
            result: std::ptr::null_mut(),
            top: std::ptr::null_mut(),
            globals: frame.globals,
            builtins: frame.builtins,
            locals: frame.locals,
            function: frame.function,
            object: None,
            receiver: None,
            flags: flag::GENERATOR,
            traced_line: 0,
        };
        let n = (code.nlocals + code.ncells + code.nfrees) as usize;
        // SAFETY: both windows hold at least n words.
        unsafe { std::ptr::copy_nonoverlapping(frame.regs, window.word_ptr(0), n) };
        let this = cx.alloc(Generator {
            header: Header::fresh(class),
            frame: std::cell::UnsafeCell::new(copy),
            window: Cell::new(Some(window)),
            state: Cell::new(State::Created),
            name: Cell::new(name),
            qualname: Cell::new(qualname),
            handled: Cell::new(None),
            extra: Cell::new(None),
            hooks_inited: Cell::new(false),
            closed: Cell::new(false),
            running_async: Cell::new(false),
        });
        // SAFETY: nobody else has seen the generator.
        unsafe { (*this.frame.get()).receiver = Some(Value::of(this)) };
        this
    }

    /// Links the generator's frame on top of the running one; the caller sets `result` and flags.
    ///
    /// # Safety
    /// The generator must be Created or Suspended.
    #[inline(always)]
    pub unsafe fn enter(&'static self, cx: &mut Cx, result: *mut u64, flags: u32) -> *mut Frame {
        let frame = self.frame.get();
        // SAFETY: the caller's promise.
        unsafe {
            (*frame).top = cx.top();
            (*frame).prev = cx.frame;
            (*frame).result = result;
            (*frame).flags = flag::GENERATOR | flags;
        }
        self.state.set(State::Running);
        let outer = cx.handled;
        cx.handled = self.handled.get().or(outer);
        self.handled.set(outer);
        cx.frame = frame;
        cx.depth += 1;
        frame
    }

    /// Unlinks the running frame, which is this generator's, leaving it in `state`.
    #[inline(always)]
    pub fn leave(&'static self, cx: &mut Cx, state: State) {
        // SAFETY: FRAME-1: the running frame is the generator's.
        unsafe {
            cx.frame = (*self.frame.get()).prev;
            (*self.frame.get()).prev = std::ptr::null_mut();
        }
        let outer = self.handled.get();
        let inner = cx.handled.filter(|h| Some(*h) != outer);
        self.handled.set(if state == State::Suspended { inner } else { None });
        cx.handled = outer;
        cx.depth -= 1;
        self.state.set(state);
        if state == State::Finished {
            // SAFETY: as above.
            if let Some(object) = unsafe { (*self.frame.get()).object } {
                // SAFETY: as above.
                object.detach(cx, unsafe { &*self.frame.get() });
            }
            self.window.set(None);
        }
        cx.barrier(self);
        if let Some(window) = self.window.get() {
            cx.barrier(window);
        }
    }

    /// Resumes the generator natively with `sent`, or with the exception that is raised in the context. Ok(Some) is
    /// a yielded value; Ok(None) means it returned, its value being in [`Generator::take_return`].
    pub fn resume(&'static self, cx: &mut Cx, sent: Value, throw: bool) -> PyResult<Option<Value>> {
        match self.state.get() {
            State::Running => {
                let kind = self.kind();
                return raise!(cx, ValueError, "{kind} already executing");
            }
            State::Finished => return if throw { Err(crate::Raised) } else { Ok(None) },
            _ => {}
        }
        let mut result = 0u64;
        // SAFETY: the state was checked.
        unsafe {
            let frame = self.frame.get();
            if self.state.get() != State::Created || !throw {
                self.set_sent(sent);
            }
            let flags = flag::ENTRY | if throw { flag::THROW } else { 0 };
            self.enter(cx, &raw mut result, flags);
            let value = cx.run(frame)?;
            if self.state.get() == State::Finished {
                self.extra_return(cx, value);
                return Ok(None);
            }
            Ok(Some(value))
        }
    }

    /// Puts the sent value where the suspended instruction expects it: operand `a` of ReturnGenerator and
    /// YieldDelegate, `b` of Yield.
    ///
    /// # Safety
    /// The generator must be Created or Suspended.
    #[inline(always)]
    pub unsafe fn set_sent(&'static self, sent: Value) {
        // SAFETY: pc is behind the suspending instruction, which has no cache words.
        unsafe {
            let frame = &*self.frame.get();
            let word = taipan_bytecode::Word(*frame.pc.sub(1));
            let register = if word.0 as u16 == taipan_bytecode::Op::Yield as u16 { word.b() } else { word.a() };
            *frame.regs.add(register) = sent.bits();
        }
    }

    fn extra_return(&'static self, cx: &mut Cx, value: Value) {
        self.handled.set(Some(value));
        cx.barrier(self);
    }

    /// The value that a generator returned when the last [`Generator::resume`] gave None; None the second time.
    pub fn take_return(&self) -> Value {
        self.handled.take().unwrap_or(Value::none())
    }

    /// "generator", "coroutine" or "async generator", for messages.
    pub fn kind(&self) -> &'static str {
        if std::ptr::eq(self.header.class(), &GENERATOR) {
            "generator"
        } else if std::ptr::eq(self.header.class(), &COROUTINE) {
            "coroutine"
        } else {
            "async generator"
        }
    }
}

fn generator_next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of generators.
    let this = unsafe { v.cast::<Generator>() };
    match this.resume(cx, Value::none(), false)? {
        Some(value) => Ok(Some(value)),
        None => {
            let value = this.take_return();
            if value.is_none() { Ok(None) } else { Err(cx.raise_stop_iteration(Some(value))) }
        }
    }
}
