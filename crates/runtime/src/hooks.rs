//! The one cycle between the crates, cut here: what the runtime needs from the crates above it.

use crate::cx::{Cx, PyResult};
use crate::frame::Frame;
use crate::value::Value;

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
    /// Issues a warning: (message, category, stack level). Set by `stdlib`; silent before.
    pub warn: fn(&mut Cx, Value, Value, i64) -> PyResult<()>,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            run: |_, _| unreachable!("no interpreter was joined"),
            compile: |_, _, _, _, _, _, _| unreachable!("no compiler was joined"),
            import: |_, _, _, _, _, _| unreachable!("no import system was joined"),
            signals: |_| Ok(()),
            warn: |_, _, _, _| Ok(()),
        }
    }
}
