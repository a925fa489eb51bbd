//! What the module's functions share: the exception classes, the context variable, the template contexts.
//!
//! The types are static, so the state is made once in each interpreter and serves every import of the module.

use taipan_runtime::interpreter::Local;
use taipan_runtime::types::context::ContextVar;
use taipan_runtime::{Cx, Value};

use crate::context::ContextObject;

/// Values made by the first import. All of them are roots.
pub struct State {
    /// `DecimalException`.
    pub exception: Value,
    /// The classes of signals, in the order of [`crate::signals::SIGNALS`].
    pub signals: [Value; 9],
    /// The classes of conditions that are `InvalidOperation`, in the order of [`crate::signals::CONDITIONS`].
    pub conditions: [Value; 4],
    /// Holds the current context.
    pub variable: &'static ContextVar,
    /// `DefaultContext`: what new threads start with.
    pub default_context: &'static ContextObject,
    /// `BasicContext`.
    pub basic_context: &'static ContextObject,
    /// `ExtendedContext`.
    pub extended_context: &'static ContextObject,
    /// `DecimalTuple`.
    pub tuple: Value,
    /// The class of `flags` and `traps`.
    pub signal_dict: Value,
    /// `numbers.Rational`.
    pub rational: Value,
}

static STATE: Local<State> = Local::new();

/// The interpreter's state; the module was imported.
#[inline(always)]
pub fn state() -> &'static State {
    STATE.get().expect("the module is imported")
}

/// True once [`set`] was called in this interpreter.
pub fn is_set() -> bool {
    STATE.get().is_some()
}

/// Stores the state.
pub fn set(cx: &mut Cx, state: State) {
    let values = [state.exception, state.tuple, state.signal_dict, state.rational, Value::of(state.variable)];
    let contexts = [state.default_context, state.basic_context, state.extended_context].map(Value::of);
    for v in state.signals.iter().chain(&state.conditions).chain(&values).chain(&contexts) {
        cx.add_interpreter_root(*v);
    }
    STATE.set(state);
}
