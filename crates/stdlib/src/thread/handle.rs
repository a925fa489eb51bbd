//! `_thread._ThreadHandle`: what a thread is joined by, and the start of threads.

use std::cell::Cell;
use std::time::{Duration, Instant};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::threads::{self, RawEvent};
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, object, raise};

use super::TIMEOUT_MAX;
use crate::state::{self, Slot};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    NotStarted,
    Starting,
    Running,
    Done,
}

/// A thread as `threading` sees it.
#[repr(C)]
pub struct ThreadHandle {
    header: Header,
    ident: Cell<u64>,
    state: Cell<State>,
    /// `ident` is set.
    started: RawEvent,
    done: RawEvent,
}
object!(ThreadHandle, THREAD_HANDLE);

/// The type `_thread._ThreadHandle`.
pub static THREAD_HANDLE: Type = Type::new(&THREAD_HANDLE_SPEC);
static THREAD_HANDLE_SPEC: TypeSpec = TypeSpec {
    name: "_thread._ThreadHandle",
    basicsize: std::mem::size_of::<ThreadHandle>(),
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of handles.
            let ident = unsafe { v.cast::<ThreadHandle>() }.ident.get();
            Ok(cx.str(&format!("<_thread._ThreadHandle object: ident={ident}>")))
        }),
        new: Some(|cx, _, _| Ok(Value::of(new_handle(cx, State::NotStarted)))),
        ..Slots::NONE
    },
    methods: &[ThreadHandle::METHODS],
    getsets: &[ThreadHandle::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_nothing(_: *mut Header, _: &mut Marker) {}

fn new_handle(cx: &mut Cx, state: State) -> &'static ThreadHandle {
    cx.ready_type(&THREAD_HANDLE);
    let header = Header::fresh(&THREAD_HANDLE);
    let (started, done) = (RawEvent::default(), RawEvent::default());
    cx.alloc(ThreadHandle { header, ident: Cell::new(0), state: Cell::new(state), started, done })
}

/// A handle for a thread that runs already.
pub fn of_ident(cx: &mut Cx, ident: u64) -> Value {
    let handle = new_handle(cx, State::Running);
    handle.ident.set(ident);
    Value::of(handle)
}

/// Marks the threads of other contexts as ended, in the child of a fork.
pub fn after_fork(cx: &mut Cx, gone: &[*mut Cx]) {
    for other in gone {
        // SAFETY: the contexts of a dead thread stay allocated (threads::fork).
        if let Some(handle) = unsafe { (**other).handle }.and_then(|h| h.exact::<ThreadHandle>()) {
            handle.state.set(State::Done);
            handle.done.set();
        }
    }
    let own = cx.handle;
    let list = state::get_list(cx, Slot::ThreadHandles);
    for i in (0..list.len()).rev() {
        if list.get(i) != own {
            list.splice(cx, i, i + 1, &[]);
        }
    }
}

impl ThreadHandle {
    fn join_until(&'static self, cx: &mut Cx, limit: Option<Instant>) -> PyResult<()> {
        if self.state.get() == State::NotStarted {
            return raise!(cx, RuntimeError, "thread not started");
        }
        if self.ident.get() == cx.ident && self.state.get() != State::Done {
            return raise!(cx, RuntimeError, "Cannot join current thread");
        }
        // No other thread runs any more.
        if crate::sys::is_finalizing() && !self.done.is_set() {
            return raise!(cx, PythonFinalizationError, "cannot join thread at interpreter shutdown");
        }
        self.done.wait(cx, limit)?;
        Ok(())
    }

    /// Lets the new thread run until it has set its identity, which is the result.
    pub fn wait_for_start(&'static self, cx: &mut Cx) -> PyResult<Value> {
        self.started.wait(cx, None)?;
        Ok(cx.int_u64(self.ident.get()))
    }

    fn finish(&'static self, cx: &mut Cx) {
        self.state.set(State::Done);
        self.done.set();
        let list = state::get_list(cx, Slot::ThreadHandles);
        if let Some(i) = (0..list.len()).find(|i| list.get(*i) == Some(Value::of(self))) {
            list.splice(cx, i, i + 1, &[]);
        }
    }
}

#[pymethods]
impl ThreadHandle {
    #[getter]
    fn ident(_cx: &mut Cx, this: &'static ThreadHandle) -> u64 {
        this.ident.get()
    }

    #[py("($self, /)")]
    fn is_done(_cx: &mut Cx, this: &'static ThreadHandle) -> bool {
        this.done.is_set()
    }

    #[py("($self, /)")]
    fn _set_done(cx: &mut Cx, this: &'static ThreadHandle) -> PyResult<()> {
        if matches!(this.state.get(), State::NotStarted | State::Starting) {
            return raise!(cx, RuntimeError, "thread not started");
        }
        this.finish(cx);
        Ok(())
    }

    #[py("($self, timeout=None, /)")]
    fn join(cx: &mut Cx, this: &'static ThreadHandle, timeout: Option<Value>) -> PyResult<()> {
        let limit = match timeout.filter(|t| !t.is_none()) {
            None => None,
            Some(t) => match number::to_f64(cx, t)? {
                seconds if seconds < 0.0 => None,
                seconds if seconds.is_nan() => return raise!(cx, ValueError, "Invalid value NaN (not a number)"),
                seconds if seconds > TIMEOUT_MAX => {
                    return raise!(cx, OverflowError, "timestamp out of range for C PyTime_t");
                }
                seconds => Some(Instant::now() + Duration::from_secs_f64(seconds)),
            },
        };
        this.join_until(cx, limit)
    }
}

/// Starts a thread that calls `function`; `handle` becomes its handle.
pub fn start(
    cx: &mut Cx,
    function: Value,
    args: Args,
    handle: Option<&'static ThreadHandle>,
    daemon: bool,
) -> PyResult<&'static ThreadHandle> {
    if crate::sys::is_finalizing() {
        return raise!(cx, PythonFinalizationError, "can't create new thread at interpreter shutdown");
    }
    let allowed = cx.interpreter.permissions.get();
    if !allowed.threads {
        return raise!(cx, RuntimeError, "thread is not supported for isolated subinterpreters");
    }
    let handle = match handle {
        Some(handle) if handle.state.get() != State::NotStarted => {
            return raise!(cx, RuntimeError, "thread already started");
        }
        Some(handle) => handle,
        None => new_handle(cx, State::NotStarted),
    };
    handle.state.set(State::Starting);
    let kwnames = args.kwnames().map_or(Value::none(), Value::of);
    let mut roots = RootVec::from_slice(&[Value::of(handle), function, kwnames]);
    roots.extend_from_slice(args.values());
    let started = threads::spawn(cx, super::stack_bytes(), move |cx| run(cx, &roots));
    if started.is_err() {
        handle.state.set(State::NotStarted);
        return raise!(cx, RuntimeError, "can't start new thread");
    }
    if !daemon {
        state::get_list(cx, Slot::ThreadHandles).push(cx, Value::of(handle));
    }
    Ok(handle)
}

/// What a new thread does.
fn run(cx: &mut Cx, roots: &RootVec) {
    let [handle, function, kwnames] = roots[..3] else { return };
    let Some(own) = handle.exact::<ThreadHandle>() else { return };
    own.ident.set(cx.ident);
    own.state.set(State::Running);
    own.started.set();
    cx.handle = Some(handle);
    let args = Args::new(&roots[3..], kwnames.downcast::<Tuple>());
    if cx.call_args(function, args).is_err() {
        report(cx, function);
    }
    super::local::leave(cx);
    own.finish(cx);
}

/// Reports an exception that left a thread's function.
fn report(cx: &mut Cx, function: Value) {
    if cx.exception_matches(&exceptions::SystemExit) {
        cx.take_exception();
        return;
    }
    let exception = cx.take_exception();
    let message = match protocol_object::repr_text(cx, function) {
        Ok(text) => format!("Exception ignored in thread started by {text}"),
        Err(_) => {
            cx.take_exception();
            "Exception ignored in thread started by <unprintable function>".to_string()
        }
    };
    protocol_object::unraisable(cx, exception, None, Some(&message));
}

/// Waits for all threads that are not daemons.
pub fn join_all(cx: &mut Cx) -> PyResult<()> {
    loop {
        let list: &'static List = state::get_list(cx, Slot::ThreadHandles);
        let own = cx.handle;
        let next = (0..list.len()).filter_map(|i| list.get(i)).find(|h| Some(*h) != own);
        match next.and_then(|h| h.exact::<ThreadHandle>()) {
            Some(handle) => handle.join_until(cx, None)?,
            None => return Ok(()),
        }
    }
}
