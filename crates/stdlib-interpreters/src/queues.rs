//! `_interpqueues`: queues between interpreters.

use std::cell::UnsafeCell;
use std::collections::{BTreeMap, VecDeque};

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::import::import_module;
use taipan_runtime::protocol::object;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, raise};

use crate::errors::{self, raise_class};
use crate::share::{self, Fallback};

/// What becomes of an item whose interpreter ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unbound {
    Remove = 1,
    Error = 2,
    Replace = 3,
}

impl Unbound {
    fn of(cx: &mut Cx, n: i64) -> PyResult<Unbound> {
        match n {
            1 => Ok(Unbound::Remove),
            2 => Ok(Unbound::Error),
            3 => Ok(Unbound::Replace),
            _ => raise!(cx, ValueError, "unsupported unboundop {n}"),
        }
    }
}

fn fallback_of(cx: &mut Cx, n: i64) -> PyResult<Fallback> {
    match n {
        0 => Ok(Fallback::No),
        1 => Ok(Fallback::Full),
        _ => raise!(cx, ValueError, "unsupported fallback {n}"),
    }
}

struct Item {
    /// The interpreter that sent it.
    from: i64,
    unbound: Unbound,
    /// Its interpreter has ended.
    orphaned: bool,
}

struct Queue {
    max: i64,
    unbound: Unbound,
    fallback: Fallback,
    refs: i64,
    items: VecDeque<Item>,
    /// What was sent, item by item.
    values: RootVec,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.max > 0 && self.items.len() as i64 >= self.max
    }
}

struct Queues(UnsafeCell<(i64, BTreeMap<i64, Queue>)>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Queues {}
static QUEUES: Queues = Queues(UnsafeCell::new((0, BTreeMap::new())));

fn all() -> &'static mut (i64, BTreeMap<i64, Queue>) {
    // SAFETY: the GIL is held, and no caller keeps the reference across something that may run Python code.
    unsafe { &mut *QUEUES.0.get() }
}

fn find(cx: &mut Cx, id: i64) -> PyResult<&'static mut Queue> {
    match all().1.get_mut(&id) {
        Some(queue) => Ok(queue),
        None => Err(raise_class(cx, &errors::QUEUE_NOT_FOUND, &format!("queue {id} not found"))),
    }
}

/// Deals with the items that an interpreter leaves behind.
pub fn interpreter_ended(id: i64) {
    for queue in all().1.values_mut() {
        let mut i = 0;
        while i < queue.items.len() {
            let item = &mut queue.items[i];
            if item.from != id || item.orphaned {
                i += 1;
            } else if item.unbound == Unbound::Remove {
                queue.items.remove(i);
                queue.values.remove(i);
            } else {
                item.orphaned = true;
                queue.values[i] = Value::none();
                i += 1;
            }
        }
    }
}

/// The functions.
pub struct Functions;

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.";
    let module = taipan_stdlib::make(cx, "_interpqueues", doc, Functions::METHODS);
    for class in [&errors::QUEUE, &errors::QUEUE_NOT_FOUND] {
        module.add_type(cx, class);
    }
    Ok(module)
}

fn id_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if !int::check(v) {
        return raise!(cx, TypeError, "queue ID must be an int, got {}", v.class().tp_name());
    }
    match int::as_i64(v) {
        Some(id) if id >= 0 => Ok(id),
        Some(id) => raise!(cx, ValueError, "queue ID must be a non-negative int, got {id}"),
        None => {
            let shown = object::repr_text(cx, v)?;
            raise!(cx, OverflowError, "max queue ID is {}, got {shown}", i64::MAX)
        }
    }
}

/// Raises `concurrent.interpreters.QueueEmpty` or `QueueFull`.
fn raise_state(cx: &mut Cx, id: i64, what: &str) -> Raised {
    let class = if what == "empty" { &share::QUEUE_EMPTY } else { &share::QUEUE_FULL };
    if class.get().is_none()
        && let Err(raised) = import_module(cx, "concurrent.interpreters._queues")
    {
        return raised;
    }
    let text = format!("queue {id} is {what}");
    match class.get().and_then(|class| class.downcast::<Type>()) {
        Some(class) => cx.raise_text(class, &text),
        None => raise_class(cx, &errors::QUEUE, &text),
    }
}

#[pymethods]
impl Functions {
    /// create(maxsize, unboundop, fallback) -> qid
    ///
    /// Create a new cross-interpreter queue and return its unique generated ID.
    /// It is a new reference as though bind() had been called on the queue.
    ///
    /// The caller is responsible for calling destroy() for the new queue
    /// before the runtime is finalized.
    #[py("($module, /, maxsize, unboundop=-1, fallback=-1)")]
    fn create(cx: &mut Cx, maxsize: i64, unboundop: Option<i64>, fallback: Option<i64>) -> PyResult<i64> {
        let unbound = match unboundop.unwrap_or(-1) {
            -1 => Unbound::Replace,
            n => Unbound::of(cx, n)?,
        };
        let fallback = match fallback.unwrap_or(-1) {
            -1 => Fallback::Full,
            n => fallback_of(cx, n)?,
        };
        let queue = Queue { max: maxsize, unbound, fallback, refs: 0, items: VecDeque::new(), values: RootVec::new() };
        let all = all();
        all.0 += 1;
        all.1.insert(all.0, queue);
        Ok(all.0)
    }

    /// destroy(qid)
    ///
    /// Clear and destroy the queue.  Afterward attempts to use the queue
    /// will behave as though it never existed.
    #[py("($module, /, qid)")]
    fn destroy(cx: &mut Cx, qid: Value) -> PyResult<()> {
        let id = id_of(cx, qid)?;
        find(cx, id)?;
        all().1.remove(&id);
        Ok(())
    }

    /// list_all() -> [(qid, unboundop, fallback)]
    ///
    /// Return the list of IDs for all queues.
    /// Each corresponding default unbound op and fallback is also included.
    #[py("($module, /)")]
    fn list_all(cx: &mut Cx) -> Value {
        let list = List::new(cx);
        let rows: Vec<_> = all().1.iter().rev().map(|(id, q)| (*id, q.unbound as i64, q.fallback as i64)).collect();
        for (id, unbound, fallback) in rows {
            let row = Tuple::new(cx, &[id, unbound, fallback].map(Value::small));
            list.push(cx, Value::of(row));
        }
        Value::of(list)
    }

    /// put(qid, obj)
    ///
    /// Add the object's data to the queue.
    #[py("($module, /, qid, obj, unboundop=-1, fallback=-1)")]
    fn put(cx: &mut Cx, qid: Value, obj: Value, unboundop: Option<i64>, fallback: Option<i64>) -> PyResult<()> {
        let id = id_of(cx, qid)?;
        let unbound = match unboundop.unwrap_or(-1) {
            -1 => None,
            n => Some(Unbound::of(cx, n)?),
        };
        let fallback = match fallback.unwrap_or(-1) {
            -1 => None,
            n => Some(fallback_of(cx, n)?),
        };
        let queue = find(cx, id)?;
        let (unbound, fallback) = (unbound.unwrap_or(queue.unbound), fallback.unwrap_or(queue.fallback));
        let value = share::send(cx, obj, fallback)?;
        // Python code may have run.
        let queue = find(cx, id)?;
        if queue.is_full() {
            return Err(raise_state(cx, id, "full"));
        }
        queue.items.push_back(Item { from: cx.interpreter.id, unbound, orphaned: false });
        queue.values.push(value);
        Ok(())
    }

    /// get(qid) -> (obj, unboundop)
    ///
    /// Return a new object from the data at the front of the queue.
    /// The unbound op is also returned.
    ///
    /// If there is nothing to receive then raise QueueEmpty.
    #[py("($module, /, qid)")]
    fn get(cx: &mut Cx, qid: Value) -> PyResult<Value> {
        let id = id_of(cx, qid)?;
        let queue = find(cx, id)?;
        let Some(item) = queue.items.pop_front() else { return Err(raise_state(cx, id, "empty")) };
        let value = queue.values.remove(0);
        let pair = match item.orphaned {
            true => [Value::none(), Value::small(item.unbound as i64)],
            false => [share::receive(cx, value)?, Value::none()],
        };
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    /// bind(qid)
    ///
    /// Take a reference to the identified queue.
    /// The queue is not destroyed until there are no references left.
    #[py("($module, /, qid)")]
    fn bind(cx: &mut Cx, qid: Value) -> PyResult<()> {
        let id = id_of(cx, qid)?;
        find(cx, id)?.refs += 1;
        Ok(())
    }

    /// release(qid)
    ///
    /// Release a reference to the queue.
    /// The queue is destroyed once there are no references left.
    #[py("($module, /, qid)")]
    fn release(cx: &mut Cx, qid: Value) -> PyResult<()> {
        let id = id_of(cx, qid)?;
        let queue = find(cx, id)?;
        if queue.refs == 0 {
            return Err(raise_class(cx, &errors::QUEUE, &format!("queue {id} not bound")));
        }
        queue.refs -= 1;
        if queue.refs == 0 {
            all().1.remove(&id);
        }
        Ok(())
    }

    /// get_maxsize(qid)
    ///
    /// Return the maximum number of items in the queue.
    #[py("($module, /, qid)")]
    fn get_maxsize(cx: &mut Cx, qid: Value) -> PyResult<i64> {
        let id = id_of(cx, qid)?;
        Ok(find(cx, id)?.max)
    }

    /// get_queue_defaults(qid)
    ///
    /// Return the queue's default values, set when it was created.
    #[py("($module, /, qid)")]
    fn get_queue_defaults(cx: &mut Cx, qid: Value) -> PyResult<Value> {
        let id = id_of(cx, qid)?;
        let queue = find(cx, id)?;
        let pair = [queue.unbound as i64, queue.fallback as i64].map(Value::small);
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    /// is_full(qid)
    ///
    /// Return true if the queue has a maxsize and has reached it.
    #[py("($module, /, qid)")]
    fn is_full(cx: &mut Cx, qid: Value) -> PyResult<bool> {
        let id = id_of(cx, qid)?;
        Ok(find(cx, id)?.is_full())
    }

    /// get_count(qid)
    ///
    /// Return the number of items in the queue.
    #[py("($module, /, qid)")]
    fn get_count(cx: &mut Cx, qid: Value) -> PyResult<usize> {
        let id = id_of(cx, qid)?;
        Ok(find(cx, id)?.items.len())
    }

    #[py("($module, /, queuetype, emptyerror, fullerror)")]
    fn _register_heap_types(cx: &mut Cx, queuetype: Value, emptyerror: Value, fullerror: Value) -> PyResult<()> {
        for (name, v) in [("queuetype", queuetype), ("emptyerror", emptyerror), ("fullerror", fullerror)] {
            if v.downcast::<Type>().is_none() {
                return raise!(cx, TypeError, "expected a type for '{name}'");
            }
        }
        share::QUEUE.set(cx, queuetype);
        share::QUEUE_EMPTY.set(cx, emptyerror);
        share::QUEUE_FULL.set(cx, fullerror);
        Ok(())
    }
}
