//! The running loop and task of each thread, and the tasks that are alive.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use taipan_runtime::heap::RootVec;
use taipan_runtime::interpreter::Local;
use taipan_runtime::protocol::{attr, iter, object};
use taipan_runtime::types::set::Set;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::future::Future;
use crate::support::{GET_POLICY, WEAK_SET};
use crate::task::Task;

/// Threads that run a loop. `values` has two words for each: loop and task (None without).
struct Running {
    threads: Vec<u64>,
    values: RootVec,
    /// Tasks that are not ours, weakly: a WeakSet once there is one.
    others: Option<Value>,
    /// Eager tasks that are not ours.
    eager: Option<&'static Set>,
}

/// Those of each interpreter.
static RUNNING: Local<UnsafeCell<Running>> = Local::new();
/// Set in a child process: the loops run in the parent only.
static FORKED: AtomicBool = AtomicBool::new(false);

extern "C" fn after_fork() {
    FORKED.store(true, Ordering::Relaxed);
}

#[inline(always)]
fn running() -> &'static mut Running {
    let slot = RUNNING.get_or(|| {
        // SAFETY: a function that only stores into an atomic.
        unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
        UnsafeCell::new(Running { threads: Vec::new(), values: RootVec::new(), others: None, eager: None })
    });
    // SAFETY: the GIL is held, and no caller keeps the reference across a call that could come back here.
    let running = unsafe { &mut *slot.get() };
    if FORKED.load(Ordering::Relaxed) {
        FORKED.store(false, Ordering::Relaxed);
        running.threads.clear();
        running.values.clear();
    }
    running
}

#[inline(always)]
fn slot(cx: &Cx) -> Option<usize> {
    running().threads.iter().position(|t| *t == cx.ident)
}

/// The loop running in this thread.
#[inline]
pub fn running_loop(cx: &Cx) -> Option<Value> {
    slot(cx).map(|i| running().values[2 * i])
}

/// Sets or forgets the loop running in this thread.
pub fn set_running_loop(cx: &mut Cx, new: Option<Value>) {
    let state = running();
    match (slot(cx), new) {
        (Some(i), Some(new)) => state.values[2 * i] = new,
        (None, Some(new)) => {
            state.threads.push(cx.ident);
            state.values.extend([new, Value::none()]);
        }
        (Some(i), None) => {
            state.threads.remove(i);
            state.values.drain(2 * i..2 * i + 2);
        }
        (None, None) => {}
    }
}

/// The running loop. RuntimeError without one.
pub fn need_running_loop(cx: &mut Cx) -> PyResult<Value> {
    match running_loop(cx) {
        Some(v) => Ok(v),
        None => raise!(cx, RuntimeError, "no running event loop"),
    }
}

/// `get_event_loop`: the running loop, or what the policy makes.
pub fn event_loop(cx: &mut Cx) -> PyResult<Value> {
    if let Some(v) = running_loop(cx) {
        return Ok(v);
    }
    let get_policy = GET_POLICY.get(cx)?;
    let policy = cx.call(get_policy, &[])?;
    cx.call_method_text(policy, "get_event_loop", &[])
}

/// The task that runs in `wanted`, whatever the thread.
pub fn current_task(wanted: Value) -> Value {
    let values = &running().values;
    values.chunks(2).find(|pair| pair[0] == wanted).map_or(Value::none(), |pair| pair[1])
}

fn need_slot(cx: &mut Cx, event_loop: Value) -> PyResult<usize> {
    match slot(cx).filter(|i| running().values[2 * i] == event_loop) {
        Some(i) => Ok(i),
        None => {
            let shown = object::repr_text(cx, event_loop)?;
            raise!(cx, RuntimeError, "loop {shown} is not the running loop")
        }
    }
}

/// Notes that `task` starts to run.
#[inline]
pub fn enter_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<()> {
    let i = need_slot(cx, event_loop)?;
    let current = running().values[2 * i + 1];
    if !current.is_none() {
        let (new, old) = (object::repr_text(cx, task)?, object::repr_text(cx, current)?);
        return raise!(cx, RuntimeError, "Cannot enter into task {new} while another task {old} is being executed.");
    }
    running().values[2 * i + 1] = task;
    Ok(())
}

/// Notes that `task` is suspended or done.
#[inline]
pub fn leave_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<()> {
    let i = need_slot(cx, event_loop)?;
    let current = running().values[2 * i + 1];
    if current != task {
        let (new, old) = (object::repr_text(cx, task)?, object::repr_text(cx, current)?);
        return raise!(cx, RuntimeError, "Invalid attempt to leave task {new} while task {old} is entered.");
    }
    running().values[2 * i + 1] = Value::none();
    Ok(())
}

/// Puts another task in the place of the current one, which is returned.
pub fn swap_task(cx: &mut Cx, event_loop: Value, task: Value) -> PyResult<Value> {
    let i = need_slot(cx, event_loop)?;
    Ok(std::mem::replace(&mut running().values[2 * i + 1], task))
}

fn other_tasks(cx: &mut Cx) -> PyResult<Value> {
    if let Some(v) = running().others {
        return Ok(v);
    }
    let class = WEAK_SET.get(cx)?;
    let set = cx.call(class, &[])?;
    cx.add_interpreter_root(set);
    running().others = Some(set);
    Ok(set)
}

fn other_eager_tasks(cx: &mut Cx) -> &'static Set {
    if let Some(set) = running().eager {
        return set;
    }
    let set = Set::new(cx);
    cx.add_interpreter_root(Value::of(set));
    running().eager = Some(set);
    set
}

/// Adds a task to those that `all_tasks` lists.
pub fn register(cx: &mut Cx, task: Value) -> PyResult<()> {
    if let Some(task) = task.downcast::<Task>() {
        task.registered.set(true);
        return Ok(());
    }
    let set = other_tasks(cx)?;
    cx.call_method_text(set, "add", &[task])?;
    Ok(())
}

/// Removes a task from those that `all_tasks` lists.
pub fn unregister(cx: &mut Cx, task: Value) -> PyResult<()> {
    if let Some(task) = task.downcast::<Task>() {
        task.registered.set(false);
        return Ok(());
    }
    let set = other_tasks(cx)?;
    cx.call_method_text(set, "discard", &[task])?;
    Ok(())
}

/// Adds a task that runs its first step at once.
pub fn register_eager(cx: &mut Cx, task: Value) -> PyResult<()> {
    if let Some(task) = task.downcast::<Task>() {
        task.eager.set(true);
        return Ok(());
    }
    other_eager_tasks(cx).add(cx, task)?;
    Ok(())
}

/// Removes such a task.
pub fn unregister_eager(cx: &mut Cx, task: Value) -> PyResult<()> {
    if let Some(task) = task.downcast::<Task>() {
        task.eager.set(false);
        return Ok(());
    }
    let set = other_eager_tasks(cx);
    let hash = taipan_runtime::protocol::hash::hash(cx, task)?;
    set.discard_hashed(cx, task, hash)?;
    Ok(())
}

/// The loop of any future.
pub fn loop_of(cx: &mut Cx, future: Value) -> PyResult<Value> {
    if let Some(known) = future.exact::<Future>().or_else(|| future.exact::<Task>().map(|t| &t.future)) {
        return known.need_loop(cx);
    }
    let name = cx.intern("get_loop");
    if let Some(method) = attr::get_optional(cx, future, name)? {
        return cx.call(method, &[]);
    }
    attr::get_text(cx, future, "_loop")
}

/// `all_tasks`: those of `wanted` that are not done.
pub fn all_tasks(cx: &mut Cx, wanted: Value) -> PyResult<&'static Set> {
    let result = Set::new(cx);
    // Tasks have finalisers, so the collector has a list of them: a weak one, as it should be.
    let is_task = |v: &&Value| v.downcast::<Task>().is_some_and(|t| t.registered.get() || t.eager.get());
    let listed: Vec<Value> = cx.rt().special.borrow().registered().iter().filter(is_task).copied().collect();
    let tasks = RootVec::from_slice(&listed);
    for v in tasks.iter() {
        if let Some(task) = v.downcast::<Task>()
            && task.future.event_loop.get() == Some(wanted)
            && !task.future.is_done()
        {
            result.add(cx, *v)?;
        }
    }
    let mut add = |cx: &mut Cx, v: Value| {
        let same = loop_of(cx, v)? == wanted;
        let done = cx.call_method_text(v, "done", &[])?;
        if same && !object::truth(cx, done)? {
            result.add(cx, v)?;
        }
        Ok(true)
    };
    if let Some(set) = running().eager {
        iter::for_each(cx, Value::of(set), &mut add)?;
    }
    if let Some(set) = running().others {
        iter::for_each(cx, set, &mut add)?;
    }
    Ok(result)
}
