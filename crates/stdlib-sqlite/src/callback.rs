//! What the library calls back with, and what becomes of exceptions in callbacks.

use std::cell::Cell;

use libsqlite3_sys as ffi;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::slots::Slots;
use taipan_runtime::threads;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::{Cx, Value, exceptions, object, trace_values};

use crate::library;

/// A callable that the library knows (SQL-3), with the living instances of an aggregate.
#[repr(C)]
pub struct Callback {
    header: Header,
    /// The callable.
    pub callable: Value,
    instances: Cell<Option<&'static List>>,
}
object!(Callback, CALLBACK);
trace_values!(trace_callback, Callback, |t| [t.callable, t.instances.get().map(Value::of)]);

/// The type of callbacks, which Python code never sees.
pub static CALLBACK: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Callback",
    basicsize: std::mem::size_of::<Callback>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_callback),
    slots: Slots::NONE,
    ..TypeSpec::DEFAULT
};

/// Exceptions in callbacks are reported (`enable_callback_tracebacks`).
struct Tracebacks(Cell<bool>);
// SAFETY: only used with the GIL held.
unsafe impl Sync for Tracebacks {}
static TRACEBACKS: Tracebacks = Tracebacks(Cell::new(false));

/// `enable_callback_tracebacks(enable)`.
pub fn set_tracebacks(enable: bool) {
    TRACEBACKS.0.set(enable);
}

impl Callback {
    /// A callback. May collect.
    pub fn new(cx: &mut Cx, callable: Value) -> &'static Callback {
        cx.alloc_of(&CALLBACK, Callback { header: Header::fresh(&CALLBACK), callable, instances: Cell::new(None) })
    }

    /// What is given to the library.
    pub fn address(&self) -> *mut std::ffi::c_void {
        (self as *const Callback).cast_mut().cast()
    }

    /// Keeps an instance of an aggregate; its number, counted from 1.
    pub fn add_instance(&self, cx: &mut Cx, instance: Value) -> usize {
        let list = match self.instances.get() {
            Some(list) => list,
            None => {
                let list = List::new(cx);
                self.instances.set(Some(list));
                cx.barrier(self);
                list
            }
        };
        match list.items().iter().position(|v| v.is_none()) {
            Some(i) => {
                list.set(cx, i, instance);
                i + 1
            }
            None => {
                list.push(cx, instance);
                list.len()
            }
        }
    }

    /// The instance with a number.
    pub fn instance(&self, number: usize) -> Option<Value> {
        self.instances.get()?.get(number.checked_sub(1)?)
    }

    /// Forgets an instance.
    pub fn remove_instance(&self, cx: &mut Cx, number: usize) {
        if let Some(list) = self.instances.get()
            && let Some(i) = number.checked_sub(1).filter(|i| *i < list.len())
        {
            list.set(cx, i, Value::none());
        }
    }

    /// Reports the raised exception if that is asked for, and forgets it.
    pub fn ignore(&self, cx: &mut Cx) {
        let exception = cx.take_exception();
        self.report(cx, exception);
    }

    fn report(&self, cx: &mut Cx, exception: Value) {
        if TRACEBACKS.0.get() {
            let callable = match protocol::repr_text(cx, self.callable) {
                Ok(text) => text,
                Err(_) => {
                    cx.take_exception();
                    "?".to_string()
                }
            };
            let text = format!("Exception ignored on sqlite3 callback {callable}");
            protocol::unraisable(cx, exception, None, Some(&text));
        }
    }

    /// Turns the raised exception into an error of the SQL function that runs.
    ///
    /// # Safety
    /// `context` must be that of the running call.
    pub unsafe fn fail(&self, cx: &mut Cx, context: *mut ffi::sqlite3_context, text: &str) {
        let exception = cx.take_exception();
        // SAFETY: the caller's promise; the text is copied.
        unsafe {
            if exception.is_instance(&exceptions::MemoryError) {
                ffi::sqlite3_result_error_nomem(context);
            } else if exception.is_instance(&exceptions::OverflowError) {
                ffi::sqlite3_result_error_toobig(context);
            } else {
                ffi::sqlite3_result_error(context, text.as_ptr().cast(), text.len() as i32);
            }
        }
        self.report(cx, exception);
    }
}

/// Runs `f` with the GIL and the callback that `data` is; `otherwise` while the collector frees something.
///
/// # Safety
/// `data` must come from [`Callback::address`] of a living callback.
pub unsafe fn enter<T>(
    data: *mut std::ffi::c_void,
    otherwise: T,
    f: impl FnOnce(&mut Cx, &'static Callback) -> T,
) -> T {
    if library::is_disposing() {
        return otherwise;
    }
    // SAFETY: the caller's promise; this frame keeps the callback alive even if it is replaced meanwhile.
    let callback = unsafe { &*data.cast::<Callback>() };
    threads::attach(|cx| f(cx, callback))
}
