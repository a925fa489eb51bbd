//! Generators, coroutines and async generators: layout and resumption. Their methods are in `generator_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::ValueArray;
use crate::cx::{Cx, PyResult, Raised};
use crate::dict::Dict;
use crate::exceptions::{self, Exception};
use crate::frame::{Frame, flag};
use crate::hooks::NOT_COMPILED;
use crate::object;
use crate::object::Header;
use crate::raise;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::code::CodeObject;
use crate::types::function::Function;
use crate::types::generator_methods::{AsyncGeneratorMethods, CoroutineMethods, GeneratorMethods, Shared};
use crate::types::str::Str;
use crate::value::Value;
use taipan_bytecode::code::flags as co;

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
    /// See [`State`]; of one that is [`waiting`](Generator::waiting) it says Running.
    pub(super) state: Cell<State>,
    /// It waits for what it delegates to and is suspended with that, as a part of a chain: its frame stays linked to that of the
    /// next one out, which waits for it. While the chain runs, too, until it runs itself.
    pub(super) waiting: Cell<bool>,
    /// Of the outermost of a suspended chain: the innermost, and how many there are besides itself.
    pub(super) innermost: Cell<Option<&'static Generator>>,
    pub(super) chained: Cell<usize>,
    /// `__name__`.
    pub name: Cell<&'static Str>,
    /// `__qualname__`.
    pub qualname: Cell<&'static Str>,
    /// The exception that was being handled inside when it was suspended.
    pub handled: Cell<Option<Value>>,
    /// While it runs: what the context handles is the generator's own, though it may be the caller's as well.
    pub handles: Cell<bool>,
    /// The collector tells it before it dies.
    pub registered: Cell<bool>,
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
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_generator),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(generator_next), repr: Some(repr), ..Slots::NONE },
    methods: &[Shared::METHODS, GeneratorMethods::METHODS],
    getsets: &[Shared::GETSETS, GeneratorMethods::GETSETS],
    ..TypeSpec::DEFAULT
};
/// The type of coroutines.
pub static COROUTINE: Type = Type::new(&COROUTINE_SPEC);
static COROUTINE_SPEC: TypeSpec = TypeSpec {
    name: "coroutine",
    basicsize: std::mem::size_of::<Generator>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_generator),
    slots: Slots { repr: Some(repr), await_: Some(|cx, v| Ok(crate::types::coroutine::wrap(cx, v))), ..Slots::NONE },
    methods: &[Shared::METHODS, CoroutineMethods::METHODS],
    getsets: &[Shared::GETSETS, CoroutineMethods::GETSETS],
    ..TypeSpec::DEFAULT
};
/// The type of async generators.
pub static ASYNC_GENERATOR: Type = Type::new(&ASYNC_GENERATOR_SPEC);
static ASYNC_GENERATOR_SPEC: TypeSpec = TypeSpec {
    name: "async_generator",
    basicsize: std::mem::size_of::<Generator>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_generator),
    slots: Slots {
        repr: Some(repr),
        aiter: Some(|_, v| Ok(v)),
        anext: Some(crate::types::async_gen::anext),
        ..Slots::NONE
    },
    methods: &[Shared::METHODS, AsyncGeneratorMethods::METHODS],
    getsets: &[Shared::GETSETS, AsyncGeneratorMethods::GETSETS],
    ..TypeSpec::DEFAULT
};
/// Types of this file.
pub static TYPES: &[&Type] = &[&GENERATOR, &COROUTINE, &ASYNC_GENERATOR];

/// Lets the collector run `__del__` of the generators that are registered with it; called once by bootstrap.
pub(crate) fn set_up(_: &mut Cx) {
    for class in TYPES {
        class.data().finalizer.set(true);
    }
}

/// True for a generator, coroutine or async generator that has run to its end, so that nothing is left to finalise.
pub(crate) fn is_finished(v: Value) -> bool {
    let class = v.class();
    // SAFETY: these types have this layout; they are final.
    TYPES.iter().any(|t| std::ptr::eq(*t, class)) && unsafe { v.cast::<Generator>().state() == State::Finished }
}

/// True for a generator, coroutine or async generator that is suspended where ending it has an effect.
pub(crate) fn is_unfinished(v: Value) -> bool {
    let class = v.class();
    // SAFETY: as above.
    TYPES.iter().any(|t| std::ptr::eq(*t, class)) && unsafe { v.cast::<Generator>() }.is_inside_handler()
}

unsafe fn trace_generator(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these three types only; the frame's code and function stay valid after the end.
    let this = unsafe { &*object.cast::<Generator>() };
    unsafe { (*this.frame.get()).trace(marker) };
    let window = this.window.get().map(Value::of);
    let names = [Some(Value::of(this.name.get())), Some(Value::of(this.qualname.get()))];
    let inner = this.innermost.get().map(Value::of);
    // Its frame points there. Those that are told before they die take the chain apart then.
    let outer = if this.waiting.get() { this.waits_for_it() } else { None };
    let outer = outer.filter(|o| !o.registered.get() || o.header.is_finalized()).map(Value::of);
    for v in names.into_iter().chain([window, this.handled.get(), this.extra.get(), inner, outer]).flatten() {
        marker.mark_value(v.bits());
    }
}

/// Bytes of the native stack that are nearly none.
const CLOSE: usize = 16 << 10;

/// What a resumed generator did.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// It yielded a value and is suspended.
    Yielded(Value),
    /// It returned a value and is finished.
    Returned(Value),
}

/// What a generator runs.
struct Called {
    code: &'static CodeObject,
    globals: &'static Dict,
    builtins: &'static Dict,
    function: Option<&'static Function>,
}

/// The frame of a generator that is to go on at `pc`.
fn suspended(called: Called, window: &'static ValueArray, pc: *const u64) -> Frame {
    let Called { code, globals, builtins, function } = called;
    let null = std::ptr::null_mut();
    Frame {
        code,
        regs: window.word_ptr(0),
        pc,
        prev: std::ptr::null_mut(),
        result: null,
        top: null,
        globals,
        builtins,
        locals: None,
        function,
        object: None,
        receiver: None,
        flags: flag::GENERATOR,
        traced_line: 0,
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
        let called = Called { code, globals: frame.globals, builtins: frame.builtins, function: frame.function };
        let copy = Frame { locals: frame.locals, ..suspended(called, window, frame.pc) };
        let n = (code.nlocals + code.ncells + code.nfrees) as usize;
        // SAFETY: both windows hold at least n words.
        unsafe { std::ptr::copy_nonoverlapping(frame.regs, window.word_ptr(0), n) };
        Generator::with_frame(cx, class, copy, window, name, qualname)
    }

    /// The generator, coroutine or async generator that a call of `f` with these values of its parameters gives; None where
    /// more happens before it exists. May collect.
    pub fn of_call(cx: &mut Cx, f: &'static Function, parameters: &[Value]) -> Option<&'static Generator> {
        let code = f.code.get();
        Generator::begins_plainly(code).then(|| Generator::of_code(cx, f, code, parameters))
    }

    /// What a call of `f` gave when it had this code, which begins plainly. May collect.
    pub fn of_code(
        cx: &mut Cx,
        f: &'static Function,
        code: &'static CodeObject,
        parameters: &[Value],
    ) -> &'static Generator {
        let window = ValueArray::new(cx, code.nregs());
        let free = (code.nlocals + code.ncells) as usize;
        // SAFETY: the window holds the code's registers, among them those of parameters and free variables.
        unsafe {
            std::ptr::copy_nonoverlapping(parameters.as_ptr().cast(), window.word_ptr(0), parameters.len());
            for (i, cell) in f.closure.get().map_or(&[][..], |c| c.items()).iter().enumerate() {
                *window.word_ptr(free + i) = cell.bits();
            }
        }
        let called = Called { code, globals: f.globals, builtins: f.builtins, function: Some(f) };
        let frame = suspended(called, window, code.words_ptr().wrapping_add(1));
        let this = Generator::with_frame(cx, Generator::class_for(code), frame, window, f.name.get(), f.qualname.get());
        super::generator_methods::created(cx, this);
        this
    }

    /// The class of what a call of a function with this code gives.
    pub fn class_for(code: &CodeObject) -> &'static Type {
        if code.flags & co::ASYNC_GENERATOR != 0 {
            &ASYNC_GENERATOR
        } else if code.flags & co::COROUTINE != 0 {
            &COROUTINE
        } else {
            &GENERATOR
        }
    }

    /// Whether a call of a function with this code makes a generator or the like before it does anything else.
    pub fn begins_plainly(code: &CodeObject) -> bool {
        // SAFETY: code has an instruction.
        let first = taipan_bytecode::Word(unsafe { *code.words_ptr() });
        code.is_generator_like()
            && code.flags & co::ITERABLE_COROUTINE == 0
            && first.0 as u16 == taipan_bytecode::Op::ReturnGenerator as u16
    }

    fn with_frame(
        cx: &mut Cx,
        class: &'static Type,
        frame: Frame,
        window: &'static ValueArray,
        name: &'static Str,
        qualname: &'static Str,
    ) -> &'static Generator {
        let this = cx.alloc(Generator {
            header: Header::fresh(class),
            frame: std::cell::UnsafeCell::new(frame),
            window: Cell::new(Some(window)),
            state: Cell::new(State::Created),
            waiting: Cell::new(false),
            innermost: Cell::new(None),
            chained: Cell::new(0),
            name: Cell::new(name),
            qualname: Cell::new(qualname),
            handled: Cell::new(None),
            handles: Cell::new(false),
            registered: Cell::new(false),
            extra: Cell::new(None),
            hooks_inited: Cell::new(false),
            closed: Cell::new(false),
            running_async: Cell::new(false),
        });
        // SAFETY: nobody else has seen the generator.
        unsafe { (*this.frame.get()).receiver = Some(Value::of(this)) };
        this
    }

    /// Byte offset of the state, one byte.
    pub const STATE_OFFSET: usize = std::mem::offset_of!(Generator, state);
    /// Byte offset of whether it is [`waiting`](Generator::waiting), one byte.
    pub const WAITING_OFFSET: usize = std::mem::offset_of!(Generator, waiting);

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
        self.handles.set(self.handled.get().is_some());
        cx.handled = self.handled.get().or(outer);
        self.handled.set(outer);
        if outer.is_some() {
            cx.barrier(self);
        }
        cx.frame = frame;
        cx.depth += 1;
        frame
    }

    /// Registers are written without barriers while a frame runs. The array may outlive the generator: a stale word on the native
    /// stack is enough.
    #[inline(always)]
    pub(super) fn remember(&'static self, cx: &mut Cx) {
        cx.barrier(self);
        if let Some(window) = self.window.get() {
            cx.barrier(window);
        }
    }

    /// Unlinks the running frame, which is this generator's, leaving it in `state`.
    #[inline(always)]
    pub fn leave(&'static self, cx: &mut Cx, state: State) {
        // SAFETY: FRAME-1: the running frame is the generator's.
        unsafe {
            if let Some(outer) = self.waits_for_it()
                && outer.waiting.get()
            {
                // It goes on, maybe above other frames than those above which it began to wait.
                outer.waiting.set(false);
                (*outer.frame.get()).top = (*self.frame.get()).top;
            }
            cx.frame = (*self.frame.get()).prev;
            (*self.frame.get()).prev = std::ptr::null_mut();
        }
        self.waiting.set(false);
        let outer = self.handled.get();
        let inner = cx.handled.filter(|_| self.handles.get());
        self.handled.set(if state == State::Suspended { inner } else { None });
        cx.handled = outer;
        cx.depth -= 1;
        self.state.set(state);
        // Before anything may collect.
        self.remember(cx);
        if state == State::Finished {
            self.finish(cx);
        }
    }

    /// Lets go of the frame. May collect.
    fn finish(&'static self, cx: &mut Cx) {
        self.state.set(State::Finished);
        // SAFETY: the frame stays readable; the window is still held while the locals are saved.
        unsafe {
            if let Some(object) = (*self.frame.get()).object.take() {
                object.detach(cx, &*self.frame.get());
            }
            (*self.frame.get()).locals = None;
        }
        if let Some(window) = self.window.take() {
            // What still points to the array must not keep alive what the locals referred to.
            // SAFETY: the array holds `capacity` words; nobody reads the registers of a finished frame.
            unsafe { std::ptr::write_bytes(window.word_ptr(0), 0, window.capacity()) };
        }
        // Coroutines mostly end in the order opposite to that of their creation.
        cx.rt().special.borrow_mut().forget_last(Value::of(self));
    }

    /// Ends a generator that was not started.
    fn finish_unstarted(&'static self, cx: &mut Cx) {
        self.finish(cx);
    }

    /// Resumes the generator natively with `sent`, or with the exception that is raised in the context.
    ///
    /// Nothing but running is done about states: see [`Generator::send`] and [`Generator::throw_raised`].
    fn run(&'static self, cx: &mut Cx, sent: Option<Value>) -> PyResult<Step> {
        let mut result = 0u64;
        let flags = flag::ENTRY | flag::THROW;
        let value = if let Some(sent) = sent {
            self.go_on(cx, sent, &raw mut result)?
        } else {
            self.chain_context(cx);
            // SAFETY: the callers checked the state.
            let frame = unsafe { self.enter(cx, &raw mut result, flags) };
            cx.run(frame)?
        };
        if self.raw_state() == State::Finished { Ok(Step::Returned(value)) } else { Ok(Step::Yielded(value)) }
    }

    /// Resumes a generator that is created or suspended.
    #[inline(always)]
    fn go_on(&'static self, cx: &mut Cx, sent: Value, result: *mut u64) -> PyResult<Value> {
        let here = 0u8;
        if self.innermost.get().is_some() && (&raw const here as usize) < cx.native_limit + CLOSE {
            // The outermost is the one to be told that there is no room.
            self.unchain();
        }
        // SAFETY: the callers checked the state.
        let top = unsafe { self.enter_chain(cx, sent, result, flag::ENTRY) };
        let bits = if std::ptr::eq(top, self) { self.resume_compiled(cx) } else { NOT_COMPILED };
        match bits {
            NOT_COMPILED => cx.run(top.frame.get()),
            bits => Value::from_bits(bits).ok_or(Raised),
        }
    }

    /// The next item for native code, if this is a generator that is suspended or was not started: as `send(None)`, in short.
    #[inline]
    pub fn next_item(&'static self, cx: &mut Cx) -> Option<PyResult<Option<Value>>> {
        if self.waiting.get() || !matches!(self.raw_state(), State::Suspended | State::Created) {
            return None;
        }
        let mut result = 0u64;
        let value = match self.go_on(cx, Value::none(), &raw mut result) {
            Ok(value) => value,
            Err(raised) => return Some(Err(raised)),
        };
        Some(match self.raw_state() {
            State::Finished if value.is_none() => Ok(None),
            State::Finished => Err(cx.raise_stop_iteration(Some(value))),
            _ => Ok(Some(value)),
        })
    }

    /// Runs compiled code for the frame that was just entered with the flag ENTRY, see `Hooks::resume`.
    #[inline(always)]
    pub fn resume_compiled(&'static self, cx: &mut Cx) -> u64 {
        // SAFETY: the frame of a generator that is not finished.
        let frame = unsafe { &mut *self.frame.get() };
        let code = frame.code;
        let resumed = code.resumed.get().wrapping_add(1);
        code.resumed.set(resumed);
        if frame.pc == code.resume_pc.get() && !code.resume_code.get().is_null() {
            // SAFETY: the code is for frames that are suspended there.
            if let Some(bits) = unsafe { cx.run_native(frame, code.resume_code.get()) } {
                return bits;
            }
        }
        if code.has_resumes.get() || resumed >= cx.hot_call {
            // SAFETY: the frame is on top.
            unsafe { (cx.rt().hooks.get().resume)(cx) }
        } else {
            NOT_COMPILED
        }
    }

    /// Makes the exception being handled inside the generator the context of the one that is thrown into it.
    fn chain_context(&'static self, cx: &mut Cx) {
        let Some(exception) = cx.exception() else { return };
        let outer = cx.handled;
        cx.handled = self.handled.get();
        exceptions::set_context(cx, exception);
        cx.handled = outer;
    }

    /// Resumes with a value. `Returned(None)` also if it was finished before (coroutines: RuntimeError).
    pub fn send(&'static self, cx: &mut Cx, sent: Value) -> PyResult<Step> {
        let state = if self.waiting.get() { self.state() } else { self.raw_state() };
        match state {
            State::Created if !sent.is_none() => {
                let kind = self.kind();
                raise!(cx, TypeError, "can't send non-None value to a just-started {kind}")
            }
            State::Running => Err(self.already_running(cx)),
            State::Finished if self.is_coroutine() => Err(self.reused(cx)),
            State::Finished => Ok(Step::Returned(Value::none())),
            State::Created | State::Suspended => self.run(cx, Some(sent)),
        }
    }

    /// Resumes with the exception that is raised in the context. A finished one lets it pass.
    pub fn throw_raised(&'static self, cx: &mut Cx) -> PyResult<Step> {
        match self.state() {
            State::Running => {
                cx.take_exception();
                Err(self.already_running(cx))
            }
            State::Finished if self.is_coroutine() => {
                cx.take_exception();
                Err(self.reused(cx))
            }
            State::Finished => Err(Raised),
            State::Created | State::Suspended => self.run(cx, None),
        }
    }

    #[cold]
    fn already_running(&self, cx: &mut Cx) -> Raised {
        let text = format!("{} already executing", self.kind());
        cx.raise_text(&exceptions::ValueError, &text)
    }

    #[cold]
    fn reused(&self, cx: &mut Cx) -> Raised {
        cx.raise_text(&exceptions::RuntimeError, "cannot reuse already awaited coroutine")
    }

    /// True for coroutines.
    pub fn is_coroutine(&self) -> bool {
        std::ptr::eq(self.header.class(), &COROUTINE)
    }

    /// The iterator that a suspended generator delegates to (`yield from`, `await`).
    pub fn delegate(&'static self) -> Option<Value> {
        if self.state() != State::Suspended {
            return None;
        }
        // SAFETY: pc is behind the suspending instruction, whose operand b holds the iterator.
        unsafe {
            let frame = &*self.frame.get();
            let word = taipan_bytecode::Word(*frame.pc.sub(1));
            (word.0 as u16 == taipan_bytecode::Op::YieldDelegate as u16).then(|| frame.reg(word.b())).flatten()
        }
    }

    /// Leaves the delegation at which the generator is suspended: goes on behind the `Send` with its result `value`.
    fn finish_delegation(&'static self, cx: &mut Cx, value: Value) -> PyResult<Step> {
        // SAFETY: the compiler emits `Send` (2 words), `YieldDelegate`, `Jump`; pc is at the last of them. The jump of
        // `Send` is relative to the word behind it.
        unsafe {
            let frame = self.frame.get();
            let after_send = (*frame).pc.sub(1);
            let send = taipan_bytecode::Word(*after_send.sub(2));
            debug_assert_eq!(send.0 as u16, taipan_bytecode::Op::Send as u16);
            (*frame).set_reg(send.b(), Some(value));
            (*frame).pc = after_send.offset(send.sc() as isize);
            let mut result = 0u64;
            let frame = self.enter(cx, &raw mut result, flag::ENTRY);
            let value = cx.run(frame)?;
            if self.state() == State::Finished { Ok(Step::Returned(value)) } else { Ok(Step::Yielded(value)) }
        }
    }

    /// Runs `body` with the suspended generator's frame among those that run: it waits for what it delegates to.
    fn while_linked<T>(&'static self, cx: &mut Cx, body: impl FnOnce(&mut Cx) -> T) -> T {
        let frame = self.frame.get();
        // SAFETY: the frame of a suspended generator; what `body` runs is on top of it and ends before it is unlinked.
        unsafe {
            (*frame).top = cx.top();
            (*frame).prev = cx.frame;
            (*frame).flags = flag::GENERATOR | flag::ENTRY;
        }
        cx.frame = frame;
        self.state.set(State::Running);
        let result = body(cx);
        self.state.set(State::Suspended);
        // SAFETY: as above.
        unsafe { cx.frame = std::mem::replace(&mut (*frame).prev, std::ptr::null_mut()) };
        cx.barrier(self);
        if let Some(window) = self.window.get() {
            cx.barrier(window);
        }
        result
    }

    /// Throws the exception raised in the context into what the generator delegates to, else into itself.
    /// `close_delegate` says whether GeneratorExit closes the delegate instead (not for `athrow`).
    pub fn throw(&'static self, cx: &mut Cx, close_delegate: bool) -> PyResult<Step> {
        let Some(delegate) = self.delegate() else { return self.throw_raised(cx) };
        let exception = cx.take_exception();
        if close_delegate && exception.is_instance(&exceptions::GeneratorExit) {
            self.state.set(State::Running);
            let closed = close_iter(cx, delegate);
            self.state.set(State::Suspended);
            if closed.is_ok() {
                cx.raise_again(exception);
            }
            return self.throw_raised(cx);
        }
        let result = if let Some(inner) = native(delegate) {
            cx.raise_again(exception);
            let step = self.while_linked(cx, |cx| cx.nested("", |cx| inner.throw(cx, close_delegate)));
            match step {
                Ok(Step::Yielded(value)) => Ok(value),
                Ok(Step::Returned(value)) => return self.finish_delegation(cx, value),
                Err(raised) => Err(raised),
            }
        } else {
            let name = cx.names().throw;
            let Some(method) = crate::protocol::attr::get_optional(cx, delegate, name)? else {
                cx.raise_again(exception);
                return self.throw_raised(cx);
            };
            self.while_linked(cx, |cx| cx.call(method, &[exception]))
        };
        match result {
            Ok(value) => Ok(Step::Yielded(value)),
            Err(_) if cx.exception_matches(&exceptions::StopIteration) => {
                let value = take_stop_value(cx);
                self.finish_delegation(cx, value)
            }
            Err(_) => self.throw_raised(cx),
        }
    }

    /// `close()`: ends the generator with GeneratorExit; gives what it returned.
    pub fn close(&'static self, cx: &mut Cx) -> PyResult<Value> {
        match self.state() {
            State::Created => {
                self.finish_unstarted(cx);
                return Ok(Value::none());
            }
            State::Finished => return Ok(Value::none()),
            State::Running => return Err(self.already_running(cx)),
            State::Suspended => {}
        }
        let closed = match self.delegate() {
            Some(delegate) => {
                self.state.set(State::Running);
                let closed = close_iter(cx, delegate);
                self.state.set(State::Suspended);
                closed
            }
            None => Ok(()),
        };
        if closed.is_ok() {
            let exit = exceptions::instantiate(cx, &exceptions::GeneratorExit, &[])?;
            cx.raise_again(exit);
        }
        match self.throw_raised(cx) {
            Ok(Step::Yielded(_)) => {
                let kind = self.kind();
                raise!(cx, RuntimeError, "{kind} ignored GeneratorExit")
            }
            Ok(Step::Returned(value)) => Ok(value),
            Err(_) if cx.exception_matches(&exceptions::GeneratorExit) => {
                cx.take_exception();
                Ok(Value::none())
            }
            Err(_) if cx.exception_matches(&exceptions::StopIteration) => Ok(take_stop_value(cx)),
            Err(raised) => Err(raised),
        }
    }

    /// True if the code at which a suspended generator stands is inside a `try` or `with`: only then has closing it
    /// an effect that can be seen.
    pub fn is_inside_handler(&self) -> bool {
        // Only those are asked that nobody runs.
        if self.state.get() != State::Suspended && !self.waiting.get() {
            return false;
        }
        // SAFETY: the frame is valid until finished.
        let frame = unsafe { &*self.frame.get() };
        let handlers = &frame.code.handlers;
        let Some(whole) = handlers.last() else { return false };
        let at = frame.word_index() as u32;
        handlers.iter().any(|h| h.target != whole.target && h.start <= at && at < h.end)
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

/// A native generator or coroutine (not an async generator).
pub fn native(v: Value) -> Option<&'static Generator> {
    let class = v.as_object()?.class();
    // SAFETY: both types have this layout and cannot be subclassed.
    (std::ptr::eq(class, &GENERATOR) || std::ptr::eq(class, &COROUTINE)).then(|| unsafe { v.cast() })
}

/// Takes the raised StopIteration; gives its value.
pub fn take_stop_value(cx: &mut Cx) -> Value {
    let exception = cx.take_exception();
    exception.downcast::<Exception>().and_then(|e| e.extra(0)).unwrap_or(Value::none())
}

/// Closes an iterator that a generator delegates to, if it can be closed.
pub fn close_iter(cx: &mut Cx, v: Value) -> PyResult<()> {
    if let Some(inner) = native(v) {
        return cx.nested("", |cx| inner.close(cx)).map(|_| ());
    }
    let name = cx.names().close;
    match crate::protocol::attr::get_optional(cx, v, name) {
        Ok(Some(method)) => cx.call(method, &[]).map(|_| ()),
        Ok(None) => Ok(()),
        Err(_) => {
            let exception = cx.take_exception();
            crate::protocol::object::unraisable(cx, exception, Some(v), None);
            Ok(())
        }
    }
}

fn generator_next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of generators.
    let this = unsafe { v.cast::<Generator>() };
    match this.send(cx, Value::none())? {
        Step::Yielded(value) => Ok(Some(value)),
        Step::Returned(value) if value.is_none() => Ok(None),
        Step::Returned(value) => Err(cx.raise_stop_iteration(Some(value))),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of the three types.
    let this = unsafe { v.cast::<Generator>() };
    let kind = v.class().name();
    let qualname = this.qualname.get().to_string_lossy();
    let address = v.bits();
    Ok(cx.str(&format!("<{kind} object {qualname} at {address:#x}>")))
}
