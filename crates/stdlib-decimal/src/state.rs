//! What the module's functions share: the exception classes, the context variable, the template contexts.
//!
//! The types are static, so the state is made once and serves every import of the module.

use std::cell::UnsafeCell;

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

struct Holder(UnsafeCell<Option<State>>);
// SAFETY: read and written with the GIL held.
unsafe impl Sync for Holder {}
static STATE: Holder = Holder(UnsafeCell::new(None));

/// The state; the module was imported.
#[inline(always)]
pub fn state() -> &'static State {
    // SAFETY: it is written once, before anything of the module can be reached.
    unsafe { (*STATE.0.get()).as_ref().expect("the module is imported") }
}

/// True once [`set`] was called.
pub fn is_set() -> bool {
    // SAFETY: the GIL is held.
    unsafe { (*STATE.0.get()).is_some() }
}

/// Stores the state.
pub fn set(cx: &mut Cx, state: State) {
    let values = [state.exception, state.tuple, state.signal_dict, state.rational, Value::of(state.variable)];
    let contexts = [state.default_context, state.basic_context, state.extended_context].map(Value::of);
    for v in state.signals.iter().chain(&state.conditions).chain(&values).chain(&contexts) {
        cx.add_root(*v);
    }
    // SAFETY: the GIL is held, and nobody has a reference yet.
    unsafe { *STATE.0.get() = Some(state) };
}
