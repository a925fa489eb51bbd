//! Objects of `asyncio` and others that the native half calls, looked up when first needed: `asyncio` imports this
//! module while it is itself being imported.

use std::cell::Cell;

use taipan_runtime::interpreter::Global;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value};

/// An attribute of a module.
pub struct Lazy {
    module: &'static str,
    name: &'static str,
    value: Global,
}

impl Lazy {
    const fn new(module: &'static str, name: &'static str) -> Lazy {
        Lazy { module, name, value: Global::new() }
    }

    /// The attribute. May collect (first time).
    #[inline]
    pub fn get(&self, cx: &mut Cx) -> PyResult<Value> {
        if let Some(v) = self.value.get() {
            return Ok(v);
        }
        let v = import_attr(cx, self.module, self.name)?;
        self.value.set(cx, v);
        Ok(v)
    }
}

/// `asyncio.CancelledError`.
pub static CANCELLED_ERROR: Lazy = Lazy::new("asyncio.exceptions", "CancelledError");
/// `asyncio.InvalidStateError`.
pub static INVALID_STATE_ERROR: Lazy = Lazy::new("asyncio.exceptions", "InvalidStateError");
/// Makes the repr of a future.
pub static FUTURE_REPR: Lazy = Lazy::new("asyncio.base_futures", "_future_repr");
/// Makes the repr of a task.
pub static TASK_REPR: Lazy = Lazy::new("asyncio.base_tasks", "_task_repr");
/// `Task.get_stack`.
pub static TASK_GET_STACK: Lazy = Lazy::new("asyncio.base_tasks", "_task_get_stack");
/// `Task.print_stack`.
pub static TASK_PRINT_STACK: Lazy = Lazy::new("asyncio.base_tasks", "_task_print_stack");
/// Tells coroutines.
pub static IS_COROUTINE: Lazy = Lazy::new("asyncio.coroutines", "iscoroutine");
/// The policy that makes event loops.
pub static GET_POLICY: Lazy = Lazy::new("asyncio.events", "_get_event_loop_policy");
/// `traceback.extract_stack`.
pub static EXTRACT_STACK: Lazy = Lazy::new("traceback", "extract_stack");
/// `weakref.WeakSet`.
pub static WEAK_SET: Lazy = Lazy::new("weakref", "WeakSet");

/// Names of the arguments of a call that ends in one keyword argument, made once.
pub struct KeywordName {
    name: &'static str,
    value: Cell<Option<&'static Tuple>>,
}
// SAFETY: used with the GIL held.
unsafe impl Sync for KeywordName {}

impl KeywordName {
    const fn new(name: &'static str) -> KeywordName {
        KeywordName { name, value: Cell::new(None) }
    }

    fn names(&self, cx: &mut Cx) -> &'static Tuple {
        if let Some(names) = self.value.get() {
            return names;
        }
        let name = Value::of(cx.intern(self.name));
        let names = Tuple::new(cx, &[name]);
        cx.add_root(Value::of(names));
        self.value.set(Some(names));
        names
    }

    /// `f(*values[:-1], name=values[-1])`.
    pub fn call(&self, cx: &mut Cx, f: Value, values: &[Value]) -> PyResult<Value> {
        let names = self.names(cx);
        cx.call_args(f, Args::new(values, Some(names)))
    }
}

/// `context=`.
pub static CONTEXT: KeywordName = KeywordName::new("context");
/// `msg=`.
pub static MSG: KeywordName = KeywordName::new("msg");

/// Raises an exception of a class that Python code made.
pub fn raise_class<T>(cx: &mut Cx, class: &Lazy, text: &str) -> PyResult<T> {
    let class = class.get(cx)?;
    let text = cx.str(text);
    let exception = cx.call(class, &[text])?;
    Err(cx.raise(exception))
}
