//! The one cycle between the crates, cut here: what the runtime needs from the crates above it.

use crate::cx::{Cx, PyResult};
use crate::dict::Dict;
use crate::frame::Frame;
use crate::typeobj::Type;
use crate::types::code::CodeObject;
use crate::value::Value;

/// Executes one instruction on the running frame: (context, instruction, register window, address of its first cache
/// word). False if it raised.
pub type GenericOp = unsafe fn(&mut Cx, u64, *mut u64, *mut u64) -> bool;

/// Argument of `hot`: the frame has just been entered.
pub const ENTRY: u32 = u32::MAX;
/// Result of `hot`: nothing was done. No value has this word.
pub const NOT_COMPILED: u64 = 12;
/// Result of `hot`: go on in the interpreter with the frame on top. No value has this word.
pub const RESUME: u64 = 4;

/// Functions that the binary sets at start.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Runs the top frame, which was pushed with the flag ENTRY, until it returns or raises. Set by `interp`.
    pub run: unsafe fn(&mut Cx, *mut Frame) -> PyResult<Value>,
    /// Compiles source: (source, filename, mode, flags, dont_inherit, optimize) -> code or AST. Set by `stdlib`.
    pub compile: fn(&mut Cx, Value, Value, Value, i64, bool, i64) -> PyResult<Value>,
    /// `__import__`-like import of an absolute name, with globals, fromlist, level. Set by `stdlib`.
    pub import: fn(&mut Cx, Value, Value, Value, Value, i64) -> PyResult<Value>,
    /// Runs Python signal handlers of signals that arrived. Set by `stdlib`.
    pub signals: fn(&mut Cx) -> PyResult<()>,
    /// The running frame is hot: at the loop instruction with this word index, or on entry with [`ENTRY`]. Compiled code
    /// may run it on. Returns [`NOT_COMPILED`] with the counter set back that led here, [`RESUME`] (go on at the frame on top), 0 (an exception is to be unwound
    /// from the frame on top) or the word that the running frame returned; it is still on top then. Set by `jit`.
    pub hot: unsafe fn(&mut Cx, u32) -> u64,
    /// Resumes the generator frame on top, entered with the flag ENTRY, by compiled code: [`NOT_COMPILED`], or the word that it
    /// yielded or returned, or 0 if it raised; then the frame has been left. Set by `jit`.
    pub resume: unsafe fn(&mut Cx) -> u64,
    /// Compiles the code of the frame on top, which has just been entered, for arguments of the kinds that it has, now; false
    /// if that gave no code. Set by `jit`.
    pub compile_now: unsafe fn(&mut Cx) -> bool,
    /// The interpreter's implementation of an opcode, for compiled code. Set by `interp`.
    pub generic: fn(u16) -> Option<GenericOp>,
    /// A watched type lost its version. Set by `jit`.
    pub type_changed: fn(&mut Cx, &Type),
    /// This thread begins to look for trace, profile or monitoring events. Set by `jit`.
    pub tracing_began: fn(&mut Cx),
    /// Somebody besides the interpreter wrote a register of a running frame of this code. Set by `jit`.
    pub frame_written: fn(&mut Cx, &CodeObject),
    /// An operand of the instruction with this word index is of a type that its inline cache says nothing, or did not say
    /// anything, about; `true` for the right one. Set by `jit`.
    pub operand: fn(&CodeObject, u32, Value, bool),
    /// In a watched dict the value under a key (its word; 0 for all) is about to change. Set by `jit`.
    pub dict_changed: fn(&mut Cx, &Dict, u64),
    /// A thread, or its stay in another interpreter, is about to end. Set by `stdlib`.
    pub thread_ends: fn(&mut Cx),
    /// Issues a warning: (message, category, stack level). Set by `stdlib`; silent before.
    pub warn: fn(&mut Cx, Value, Value, i64) -> PyResult<()>,
    /// Raises an audit event. Set by `stdlib`.
    pub audit: fn(&mut Cx, &str, &[Value]) -> PyResult<()>,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            run: |_, _| unreachable!("no interpreter was joined"),
            compile: |_, _, _, _, _, _, _| unreachable!("no compiler was joined"),
            import: |_, _, _, _, _, _| unreachable!("no import system was joined"),
            signals: |_| Ok(()),
            audit: |_, _, _| Ok(()),
            hot: |_, _| NOT_COMPILED,
            resume: |_| NOT_COMPILED,
            compile_now: |_| false,
            generic: |_| None,
            type_changed: |_, _| {},
            tracing_began: |_| {},
            frame_written: |_, _| {},
            operand: |_, _, _, _| {},
            dict_changed: |_, _, _| {},
            thread_ends: |_| {},
            warn: |_, _, _, _| Ok(()),
        }
    }
}
