//! Frames and the register stack.
//!
//! A Python call pushes a [`Frame`] (on its own stack) and a window of registers. The window of a call made by an
//! ordinary frame starts at the arguments in the caller's window, so arguments are not copied. Generators own both
//! their frame and their window.
//!
//! Invariants:
//! - FRAME-1: `cx.frame` is the running frame or null; frames are linked by `prev` and live until they return.
//! - FRAME-2: registers below `top` of the running frame are values, 0, or stale words; the collector scans them
//!   conservatively.
//! - FRAME-3: `pc` of the running frame is up to date whenever anything outside the dispatch loop looks at it.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, PyResult};
use crate::dict::Dict;
use crate::types::code::CodeObject;
use crate::types::frame::FrameObject;
use crate::types::function::Function;
use crate::types::generator::{Generator, State};
use crate::value::Value;

/// Frame flags.
pub mod flag {
    /// Returning from the frame leaves the dispatch loop.
    pub const ENTRY: u32 = 1;
    /// The frame runs `__init__` of a new instance: the caller receives the instance (in `receiver`), not None.
    pub const INIT: u32 = 2;
    /// The frame belongs to a generator, coroutine or async generator.
    pub const GENERATOR: u32 = 4;
    /// The frame runs with a pending exception to be thrown at its pc (generator.throw).
    pub const THROW: u32 = 8;
    /// The generator frame was resumed by ForNext or ForNextOrJump of the frame below.
    pub const FOR: u32 = 16;
    /// The generator frame was resumed by Send of the frame below.
    pub const SEND: u32 = 32;
    /// Compiled code called the frame's compiled code and waits for its result on the native stack. With ENTRY.
    pub const NATIVE: u32 = 64;
}

/// A running or suspended Python frame.
#[repr(C)]
pub struct Frame {
    // What does not depend on where the frame is pushed comes first: see [`Header`].
    /// What it runs.
    pub code: &'static CodeObject,
    /// See [`flag`].
    pub flags: u32,
    /// What was reported to trace functions: nothing (0), [`ENTERED`], [`CALLING`], or the line reported last.
    pub traced_line: u32,
    /// Global namespace.
    pub globals: &'static Dict,
    /// Built-in namespace.
    pub builtins: &'static Dict,
    /// The local namespace of module and class code.
    pub locals: Option<Value>,
    /// The frame object, once somebody asked for it.
    pub object: Option<&'static FrameObject>,
    /// The generator object, or the new instance of an INIT frame.
    pub receiver: Option<Value>,
    /// The function, unless the code runs by itself.
    pub function: Option<&'static Function>,
    /// Its register window.
    pub regs: *mut u64,
    /// The caller.
    pub prev: *mut Frame,
    /// First register above the window (for generator frames: of whoever resumed it).
    pub top: *mut u64,
    /// The next instruction word when suspended in a call; see FRAME-3.
    pub pc: *const u64,
    /// Where the caller wants the result. Compiled code, which returns it in a machine register, does not say.
    pub result: *mut u64,
}

/// Words of a [`Header`].
pub const HEADER_WORDS: usize = std::mem::offset_of!(Frame, regs) / 8;

/// What a frame of a function begins with, ready to be copied: all that does not depend on where the frame is pushed.
#[repr(C, align(64))]
pub struct Header([u64; HEADER_WORDS]);

impl Header {
    /// That of frames of a function with these flags. The function must be kept alive along with it.
    pub fn new(code: &'static CodeObject, function: &'static Function, flags: u32) -> Header {
        let null = std::ptr::null_mut();
        let frame = Frame {
            code,
            flags,
            traced_line: 0,
            globals: function.globals,
            builtins: function.builtins,
            locals: None,
            object: None,
            receiver: None,
            function: Some(function),
            regs: null,
            prev: std::ptr::null_mut(),
            top: null,
            pc: code.words_ptr(),
            result: null,
        };
        // SAFETY: the fields in front of `regs` are that many words, without padding.
        unsafe { Header((&raw const frame).cast::<[u64; HEADER_WORDS]>().read()) }
    }
}

/// See [`Frame::traced_line`]: its entry, and no line.
pub const ENTERED: u32 = u32::MAX;
/// See [`Frame::traced_line`]: its entry is being reported.
pub const CALLING: u32 = u32::MAX - 1;

/// Is that the name of a cell of a class body or module that is no variable of the program?
pub fn is_class_cell(name: &crate::types::str::Str) -> bool {
    ["__class__", "__classdict__", "__conditional_annotations__"].iter().any(|n| name.eq_rust(n))
}

impl Frame {
    /// Word index of the instruction being executed.
    pub fn word_index(&self) -> usize {
        // SAFETY: pc points into or just behind the code's words.
        let offset = unsafe { self.pc.offset_from(self.code.words_ptr()) };
        (offset - 1).max(0) as usize
    }

    /// Line being executed.
    pub fn line(&self) -> u32 {
        // At its entry a function is at the line of its `def`, a module before its first.
        match self.traced_line {
            CALLING => self.code.entry_line(),
            _ => self.code.line_before(self.word_index()),
        }
    }

    /// Does module or class code run a comprehension, whose variables are registers?
    pub fn has_hidden_locals(&self) -> bool {
        let code = self.code;
        let is_own = |i: usize| !is_class_cell(code.local_names()[i]);
        code.flags & taipan_bytecode::code::flags::OPTIMIZED == 0
            && (0..(code.nlocals + code.ncells) as usize).any(|i| match self.reg(i) {
                Some(value) if i >= code.nlocals as usize => {
                    is_own(i) && value.exact::<crate::types::cell::Cell>().is_some_and(|c| c.get().is_some())
                }
                value => value.is_some(),
            })
    }

    /// The value in register `i`.
    #[inline(always)]
    pub fn reg(&self, i: usize) -> Option<Value> {
        // SAFETY: FRAME-2; callers pass registers of the code.
        unsafe { Value::from_bits(*self.regs.add(i)) }
    }

    /// Writes register `i`.
    #[inline(always)]
    pub fn set_reg(&self, i: usize, value: Option<Value>) {
        // SAFETY: as above.
        unsafe { *self.regs.add(i) = value.map_or(0, |v| v.bits()) };
    }

    /// Visits everything the frame refers to except its registers.
    pub fn trace(&self, marker: &mut Marker) {
        let mut mark = |v: Option<Value>| {
            if let Some(v) = v {
                marker.mark_value(v.bits());
            }
        };
        mark(Some(Value::of(self.code)));
        mark(Some(Value::of(self.globals)));
        mark(Some(Value::of(self.builtins)));
        mark(self.locals);
        mark(self.function.map(Value::of));
        mark(self.object.map(Value::of));
        mark(self.receiver);
    }
}

/// Compiled code: takes the context, the window, and the function if its frame is still to be pushed; returns what
/// `Hooks::hot` describes.
pub type Compiled = unsafe extern "C" fn(*mut Cx, *mut u64, Option<&'static Function>) -> u64;

/// The register and frame stacks of a thread.
pub struct Stack {
    regs: *mut u64,
    /// End of the registers.
    pub regs_end: *mut u64,
    frames: *mut Frame,
    /// End of the frames.
    pub frames_end: *mut Frame,
    /// First free frame.
    pub next_frame: Cell<*mut Frame>,
    /// Top of the registers while no frame runs.
    base_top: Cell<*mut u64>,
}

/// Words that a window may need above the running frame's top before its own limit is checked.
pub const WINDOW_MAX: usize = 1 << 17;
const REGS_BYTES: usize = 512 << 20;
const FRAMES_BYTES: usize = 256 << 20;
/// Part of limited address space for each of the two.
const STACK_PART: usize = 16;

/// Address space for about `bytes`, less if there is not so much; and how much it is.
fn reserve(bytes: usize) -> (*mut u8, usize) {
    let mut size = bytes;
    loop {
        // SAFETY: an anonymous private mapping.
        let p = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        if p != libc::MAP_FAILED {
            return (p.cast(), size);
        }
        size /= 2;
        assert!(size > WINDOW_MAX * 16, "no address space for the Python stack");
    }
}

impl Stack {
    /// A new stack; memory is taken as it is used.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Stack {
        let share = |wanted| taipan_gc::share_of_address_space(wanted, STACK_PART);
        Stack::of_sizes(share(REGS_BYTES), share(FRAMES_BYTES))
    }

    /// A stack for at least `depth` frames of usual size, and for many more than the usual recursion limit allows.
    pub fn for_depth(depth: usize) -> Stack {
        let depth = depth.clamp(100_000, 4_000_000);
        Stack::of_sizes(WINDOW_MAX * 16 + depth * 128, depth * std::mem::size_of::<Frame>())
    }

    fn of_sizes(regs: usize, frames: usize) -> Stack {
        let ((regs, regs_bytes), (frames, frames_bytes)) = (reserve(regs), reserve(frames));
        let (regs, frames) = (regs.cast::<u64>(), frames.cast::<Frame>());
        // SAFETY: within the mappings.
        let (regs_end, frames_end) =
            unsafe { (regs.add(regs_bytes / 8), frames.add(frames_bytes / std::mem::size_of::<Frame>())) };
        Stack { regs, regs_end, frames, frames_end, next_frame: Cell::new(frames), base_top: Cell::new(regs) }
    }

    /// Gives the memory back, at the end of a thread.
    pub(crate) fn free(&mut self) {
        // SAFETY: the mappings of `of_sizes`, which nobody uses any more. Rounding makes no difference to munmap, which
        // takes whole pages.
        unsafe {
            libc::munmap(self.regs.cast(), self.regs_end.byte_offset_from(self.regs) as usize);
            libc::munmap(self.frames.cast(), self.frames_end.byte_offset_from(self.frames) as usize);
        }
    }

    /// Sets the top of the registers used while no frame runs; returns the old one.
    pub fn set_base_top(&self, top: *mut u64) -> *mut u64 {
        self.base_top.replace(top)
    }

    /// Visits the frames from `frame` on and all registers in use.
    ///
    /// # Safety
    /// `frame` must be the running frame of this stack's thread or null.
    pub unsafe fn trace(&self, frame: *mut Frame, marker: &mut Marker) {
        // SAFETY: FRAME-1 and FRAME-2.
        unsafe {
            let mut top = self.base_top.get();
            let mut at = frame;
            while let Some(f) = at.as_ref() {
                f.trace(marker);
                if f.flags & flag::GENERATOR != 0 {
                    marker.mark_conservative(f.regs, f.code.nregs());
                } else {
                    // Generators begin where the frame below ends, and those that wait for others may have been resumed elsewhere.
                    top = top.max(f.top);
                }
                at = f.prev;
            }
            marker.mark_conservative(self.regs, top.offset_from(self.regs) as usize);
        }
    }
}

impl Cx {
    /// Clears the registers above `args`, the arguments of the native call that the running frame makes: whatever was
    /// left there must not keep objects alive. Nothing is cleared if the arguments are not in the frame's window.
    pub fn clear_dead_registers(&mut self, args: &[Value]) {
        // SAFETY: FRAME-1. Registers above the arguments of a call are dead, in this frame and in those below it, whose
        // windows end below the running one.
        unsafe {
            let Some(frame) = self.frame.as_ref() else { return };
            let window_end = frame.regs.add(frame.code.nregs());
            let (first, end) = (frame.regs as usize, args.as_ptr_range().end as usize);
            if end < first || end > window_end as usize {
                return;
            }
            // Not the pointer from `args`, through which nothing may be written.
            let end = frame.regs.add((end - first) / 8);
            let mut top = window_end;
            if frame.flags & flag::GENERATOR == 0 {
                let frames = std::iter::successors(Some(frame), |f| f.prev.as_ref());
                let frames = frames.filter(|f| f.flags & flag::GENERATOR == 0);
                top = frames.fold(top, |top, f| top.max(f.top));
            }
            std::ptr::write_bytes(end, 0, top.offset_from(end) as usize);
        }
    }

    /// First free register.
    #[inline(always)]
    pub fn top(&self) -> *mut u64 {
        // SAFETY: FRAME-1.
        unsafe { if self.frame.is_null() { self.stack.base_top.get() } else { (*self.frame).top } }
    }

    /// Pushes a frame for `code` with its window at `regs`, in which the arguments are already bound; every other
    /// register of locals must have been cleared. RecursionError if there are too many frames.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub fn push_frame(
        &mut self,
        code: &'static CodeObject,
        regs: *mut u64,
        globals: &'static Dict,
        builtins: &'static Dict,
        function: Option<&'static Function>,
        result: *mut u64,
        flags: u32,
    ) -> PyResult<*mut Frame> {
        // SAFETY: the limits are checked before the frame is written.
        unsafe {
            if !self.can_push(code, regs) {
                return Err(self.frame_overflow());
            }
            Ok(self.push_frame_unchecked(code, regs, globals, builtins, function, result, flags))
        }
    }

    /// True if a frame for `code` with its window at `regs` is within the recursion limit and fits the stacks.
    #[inline(always)]
    pub fn can_push(&self, code: &CodeObject, regs: *mut u64) -> bool {
        let frame = self.stack.next_frame.get();
        self.depth < self.rt().recursion_limit.get()
            && regs.wrapping_add(code.nregs() + WINDOW_MAX) < self.stack.regs_end
            && frame.wrapping_add(1) < self.stack.frames_end
    }

    /// RecursionError if there are too many frames for another one.
    pub fn check_depth(&mut self) -> PyResult<()> {
        if self.depth < self.rt().recursion_limit.get() { Ok(()) } else { Err(self.frame_overflow()) }
    }

    /// As [`Cx::push_frame`].
    ///
    /// # Safety
    /// [`Cx::can_push`] must hold.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub unsafe fn push_frame_unchecked(
        &mut self,
        code: &'static CodeObject,
        regs: *mut u64,
        globals: &'static Dict,
        builtins: &'static Dict,
        function: Option<&'static Function>,
        result: *mut u64,
        flags: u32,
    ) -> *mut Frame {
        let frame = self.stack.next_frame.get();
        // SAFETY: the caller's promise.
        unsafe {
            frame.write(Frame {
                code,
                regs,
                pc: code.words_ptr(),
                prev: self.frame,
                result,
                top: regs.add(code.nregs()),
                globals,
                builtins,
                locals: None,
                function,
                object: None,
                receiver: None,
                flags,
                traced_line: 0,
            });
            self.stack.next_frame.set(frame.add(1));
        }
        self.depth += 1;
        self.frame = frame;
        frame
    }

    #[cold]
    #[inline(never)]
    fn frame_overflow(&mut self) -> crate::Raised {
        self.raise_text(&crate::exceptions::RecursionError, "maximum recursion depth exceeded")
    }

    /// As [`Cx::pop_frame`] for a frame without a frame object.
    #[inline(always)]
    pub fn pop_plain_frame(&mut self) {
        // SAFETY: FRAME-1: the running frame is the last pushed.
        unsafe {
            debug_assert!((*self.frame).object.is_none());
            self.stack.next_frame.set(self.frame);
            self.frame = (*self.frame).prev;
        }
        self.depth -= 1;
    }

    /// Pops the running frame (not a generator's) after it returned or raised.
    #[inline(always)]
    pub fn pop_frame(&mut self) {
        // SAFETY: FRAME-1: the running frame is the last pushed.
        unsafe {
            let frame = &*self.frame;
            if let Some(object) = frame.object {
                object.detach(self, frame);
            }
            self.stack.next_frame.set(self.frame);
            self.frame = frame.prev;
        }
        self.depth -= 1;
    }

    /// Runs the frame on top, pushed with flag ENTRY at its function's first instruction, by the function's compiled code and
    /// pops it: the result, 0 if it raised. None if there is no code, or events are traced, or the native stack is short;
    /// then the frame stays.
    ///
    /// # Safety
    /// `frame` must be such a frame.
    #[inline(always)]
    pub unsafe fn run_compiled(&mut self, frame: *mut Frame) -> Option<u64> {
        // SAFETY: the caller's promise.
        unsafe {
            let native = (*frame).code.native.get();
            if native.is_null() {
                return None;
            }
            let prev = (*frame).prev;
            let bits = self.run_native(frame, native)?;
            if self.frame != prev {
                self.pop_frame();
            }
            Some(bits)
        }
    }

    /// Runs compiled code for the frame on top: the word that it gives. None if events are traced or the native stack is
    /// short.
    ///
    /// # Safety
    /// The code must be one for frames that stand where this one does.
    #[inline(always)]
    pub unsafe fn run_native(&mut self, frame: *mut Frame, native: *const u8) -> Option<u64> {
        let here = 0u8;
        if self.traced || (&raw const here as usize) < self.native_limit {
            return None;
        }
        // SAFETY: the caller's promise; FRAME-1. Compiled code takes the context and the window, and it runs the interpreter
        // itself where it leaves a frame with flag NATIVE.
        unsafe {
            (*frame).flags |= flag::NATIVE;
            let run: Compiled = std::mem::transmute(native);
            self.compiled += 1;
            let bits = run(self, (*frame).regs, None);
            self.compiled -= 1;
            Some(bits)
        }
    }

    /// Runs the frame on top, pushed with flag ENTRY.
    #[inline]
    pub fn run(&mut self, frame: *mut Frame) -> PyResult<Value> {
        let run = self.rt().hooks.get().run;
        // SAFETY: the frame was just pushed.
        let here = 0u8;
        if (&raw const here as usize) < self.native_limit {
            // SAFETY: FRAME-1; a generator's frame has its generator.
            match unsafe { ((*frame).flags & flag::GENERATOR != 0, (*frame).receiver) } {
                (true, Some(generator)) => {
                    // SAFETY: as above.
                    let generator: &'static Generator = unsafe { generator.cast() };
                    generator.leave(self, State::Finished);
                }
                _ => self.pop_frame(),
            }
            return Err(self.recursion_error(""));
        }
        unsafe { run(self, frame) }
    }
}
