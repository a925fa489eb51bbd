//! The form of handlers, dispatch, and entry into the interpreter.
//!
//! A handler is an `extern "C"` function that ends in a call of the next handler through the table; at opt-level 1
//! and above this is a jump (tests/dispatch.rs guards it). Its arguments stay in machine registers:
//! - `insn`: the instruction word;
//! - `pc`: the word after it (its first cache word, if it has any);
//! - `regs`: the frame's register window;
//! - `cx`: the context;
//! - `table`: the dispatch table.
//!
//! Everything that a handler ends in is `extern "C"`: such functions cannot unwind, and a call that could would need
//! a landing pad and so could not be a jump.
//!
//! It returns the bits of the value that the entry frame returned, or 0 when an exception leaves it.
//!
//! Invariants:
//! - INT-1: `regs` is the window of `cx.frame`, and operands are registers of its code (the compiler's output and
//!   verified `.pyc` files only).
//! - INT-2: before anything that may raise, allocate or run Python code, the handler stores its `pc` into the frame.
//! - INT-3: cache words belong to one code object, whose memory is writable through `pc`.
//! - INT-4: operand registers of kind R are bound: the compiler emits CheckLocal where they might not be.

use taipan_bytecode::{Op, for_each_op};
use taipan_runtime::cx::Entry;
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::heap::with_spilled_registers;
use taipan_runtime::{Cx, PyResult, Raised, Value};

/// Type of handlers; see the module's documentation.
pub(crate) type Handler = unsafe extern "C" fn(u64, *const u64, *mut u64, &mut Cx, *const Handler0) -> u64;
/// An entry of the dispatch table.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Handler0(pub(crate) Handler);

/// Goes on with the instruction at `$pc`.
macro_rules! dispatch {
    ($pc:expr, $regs:expr, $cx:expr, $table:expr) => {{
        let pc: *const u64 = $pc;
        let insn = *pc;
        let handler = (*$table.add((insn & 0xffff) as usize)).0;
        return handler(insn, pc.add(1), $regs, $cx, $table);
    }};
}
pub(crate) use dispatch;

/// Defines a handler: `handler!(Name, |w, pc, regs, cx, table| { ... })`. The body ends in `dispatch!` or returns.
macro_rules! handler {
    ($(#[$meta:meta])* $name:ident, |$w:ident, $pc:ident, $regs:ident, $cx:ident, $table:ident| $body:block) => {
        $(#[$meta])*
        #[allow(non_snake_case, unused_unsafe, unused_variables)]
        pub(crate) unsafe extern "C" fn $name(
            insn: u64,
            $pc: *const u64,
            $regs: *mut u64,
            $cx: &mut Cx,
            $table: *const $crate::dispatch::Handler0,
        ) -> u64 {
            #[allow(unused_variables)]
            let $w = Word(insn);
            // SAFETY: INT-1 to INT-4.
            unsafe { $body }
        }
    };
}
pub(crate) use handler;

/// Defines handlers that do their work in a function `fn(&mut Cx, Word, Regs, *mut u64) -> PyResult<()>` and then go
/// on with the next instruction: `slow! { Name cache => function; }`.
macro_rules! slow {
    ($($name:ident $cache:literal => $f:path;)*) => { $(
        // Out of line, so that no local of the work lives in the handler's frame: that would turn the jump to the next
        // handler into a call. In a module of the handler's name, so that `generic.rs` can list it for the JIT.
        #[allow(non_snake_case)]
        pub(crate) mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[inline(never)]
            pub(crate) unsafe fn work(cx: &mut Cx, w: Word, regs: $crate::dispatch::Regs, pc: *mut u64) -> bool {
                $f(cx, w, regs, pc).is_ok()
            }
        }
        $crate::dispatch::handler!($name, |w, pc, regs, cx, table| {
            (*cx.frame).pc = pc;
            if $name::work(cx, w, $crate::dispatch::Regs(regs), pc.cast_mut()) {
                $crate::dispatch::dispatch!(pc.add($cache), regs, cx, table);
            }
            return $crate::unwind::unwind(cx, table, true);
        });
    )* };
}
pub(crate) use slow;

/// A register window.
#[derive(Clone, Copy)]
pub(crate) struct Regs(pub(crate) *mut u64);

impl Regs {
    /// A register that is bound (INT-4).
    #[inline(always)]
    pub(crate) fn get(self, i: usize) -> Value {
        // SAFETY: INT-1 and INT-4.
        unsafe { Value::from_bits(*self.0.add(i)).unwrap_unchecked() }
    }

    /// A register that may be unbound.
    #[inline(always)]
    pub(crate) fn try_get(self, i: usize) -> Option<Value> {
        // SAFETY: INT-1.
        unsafe { Value::from_bits(*self.0.add(i)) }
    }

    /// Writes a register.
    #[inline(always)]
    pub(crate) fn set(self, i: usize, value: Value) {
        // SAFETY: INT-1.
        unsafe { *self.0.add(i) = value.bits() }
    }

    /// Writes or clears a register.
    #[inline(always)]
    pub(crate) fn set_opt(self, i: usize, value: Option<Value>) {
        // SAFETY: INT-1.
        unsafe { *self.0.add(i) = value.map_or(0, |v| v.bits()) }
    }

    /// A run of bound registers.
    #[inline(always)]
    pub(crate) fn run(self, first: usize, n: usize) -> &'static [Value] {
        // SAFETY: INT-1 and INT-4; the window outlives the instruction.
        unsafe { std::slice::from_raw_parts(self.0.add(first).cast::<Value>(), n) }
    }
}

macro_rules! table {
    ($( $(#[doc = $doc:literal])+ $name:ident $fmt:ident ( $($k:ident),* ) cache $cache:literal
        $(aux $aux:ident)? $(quick $base:ident)? ; )*) => {
        /// One handler for each opcode.
        pub(crate) static TABLE: [Handler0; Op::COUNT] = [ $( Handler0(crate::ops::$name) ),* ];
    };
}
for_each_op!(table);

/// Joins the interpreter to the runtime.
pub fn join(cx: &mut Cx) {
    let mut hooks = cx.rt().hooks.get();
    hooks.run = run;
    hooks.generic = crate::generic::generic;
    cx.rt().hooks.set(hooks);
}

/// Runs the frame on top until it returns or raises. See `Hooks::run`.
///
/// # Safety
/// `frame` must be `cx.frame`, with flag ENTRY.
unsafe fn run(cx: &mut Cx, frame: *mut Frame) -> PyResult<Value> {
    let mut bits = 0;
    with_spilled_registers(&mut |stack| {
        let outer = std::mem::replace(&mut cx.entry, Entry { stack, compiled: cx.compiled });
        // SAFETY: the caller's promise.
        bits = unsafe { enter(cx, frame) };
        cx.entry = outer;
    });
    Value::from_bits(bits).ok_or(Raised)
}

#[inline(never)]
unsafe fn enter(cx: &mut Cx, frame: *mut Frame) -> u64 {
    // SAFETY: the caller's promise; INT-1 holds from here on.
    unsafe {
        let table = crate::trace::table(cx);
        if (*frame).flags & flag::THROW != 0 {
            (*frame).flags &= !flag::THROW;
            crate::unwind::unwind(cx, table, true)
        } else if (*frame).flags & flag::NATIVE != 0 {
            // Compiled code left a frame that other compiled code waits for.
            (*frame).flags &= !flag::NATIVE;
            crate::hot::resume(cx, table)
        } else if (*frame).flags == flag::ENTRY
            && (*frame).pc == (*frame).code.words_ptr()
            && crate::ops::count_call(cx, (*frame).code)
        {
            crate::hot::call_hot(cx, table)
        } else {
            start(cx, (*frame).pc, (*frame).regs, table)
        }
    }
}

#[inline(never)]
unsafe fn start(cx: &mut Cx, pc: *const u64, regs: *mut u64, table: *const Handler0) -> u64 {
    // SAFETY: as in run.
    unsafe { dispatch!(pc, regs, cx, table) }
}

/// The name that a named instruction's first cache word says.
#[inline(always)]
pub(crate) unsafe fn name_at(cx: &Cx, pc: *const u64) -> &'static taipan_runtime::types::str::Str {
    // SAFETY: INT-1; the caller passes the address of the first cache word.
    unsafe { (*cx.frame).code.name_at((*pc & 0xffff_ffff) as usize) }
}
