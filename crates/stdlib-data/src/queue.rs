//! `_queue`: a queue that is safe to use in finalisers and signal handlers.

use std::cell::Cell;
use std::time::{Duration, Instant};

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::threads::RawLock;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

/// `_queue.Empty`.
static EMPTY: Type = Type::new(&EMPTY_SPEC);
static EMPTY_SPEC: TypeSpec = TypeSpec {
    name: "_queue.Empty",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    doc: "Exception raised by Queue.get(block=0)/get_nowait().",
    ..TypeSpec::DEFAULT
};

/// A queue. Invariant QUEUE-1: `lock` is taken while there is nothing to get, so that taking it means waiting.
#[repr(C)]
pub struct SimpleQueue {
    header: Header,
    items: Cell<Option<&'static List>>,
    /// Items before this one have been taken.
    head: Cell<usize>,
    lock: RawLock,
}
object!(SimpleQueue, SIMPLE_QUEUE);
trace_values!(trace_queue, SimpleQueue, |t| [t.items.get().map(Value::of)]);

static SIMPLE_QUEUE: Type = Type::new(&SIMPLE_QUEUE_SPEC);
static SIMPLE_QUEUE_SPEC: TypeSpec = TypeSpec {
    name: "_queue.SimpleQueue",
    basicsize: std::mem::size_of::<SimpleQueue>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_queue),
    slots: Slots {
        new: Some(|cx, class, args| {
            args.no_keywords(cx, "SimpleQueue")?;
            let n = args.pos().len();
            if n != 0 {
                return raise!(cx, TypeError, "SimpleQueue expected 0 arguments, got {n}");
            }
            let items = List::new(cx);
            let lock = RawLock::new();
            lock.try_take();
            let queue =
                SimpleQueue { header: Header::fresh(class), items: Cell::new(Some(items)), head: Cell::new(0), lock };
            Ok(Value::of(cx.alloc_of(class, queue)))
        }),
        ..Slots::NONE
    },
    methods: &[SimpleQueue::METHODS],
    doc: "Simple, unbounded, reentrant FIFO queue.",
    signature: "()",
    ..TypeSpec::DEFAULT
};

impl SimpleQueue {
    fn len(&self) -> usize {
        self.items.get().map_or(0, |items| items.len() - self.head.get())
    }

    /// The oldest item; the lock is held.
    fn take(&self, cx: &mut Cx) -> Option<Value> {
        let items = self.items.get()?;
        let item = items.get(self.head.get())?;
        items.set(cx, self.head.get(), Value::none());
        self.head.set(self.head.get() + 1);
        if self.head.get() == items.len() {
            items.clear();
            self.head.set(0);
        } else if self.head.get() > 64 && self.head.get() * 2 > items.len() {
            items.splice(cx, 0, self.head.get(), &[]);
            self.head.set(0);
        }
        Some(item)
    }

    fn get_until(&'static self, cx: &mut Cx, wait: bool, limit: Option<Instant>) -> PyResult<Value> {
        loop {
            if let Some(item) = self.take(cx) {
                if self.len() == 0 {
                    self.lock.try_take();
                }
                return Ok(item);
            }
            // QUEUE-1; whoever puts something in releases it.
            if !wait || !self.lock.take(cx, limit)? {
                return Err(cx.raise_args(&EMPTY, &[]));
            }
            if self.len() > 0 {
                self.lock.release();
            }
        }
    }
}

#[pymethods]
impl SimpleQueue {
    /// Put the item on the queue.
    ///
    /// The optional 'block' and 'timeout' arguments are ignored, as this method
    /// never blocks.  They are provided for compatibility with the Queue class.
    #[py("($self, /, item, block=True, timeout=None)")]
    fn put(
        cx: &mut Cx,
        this: &'static SimpleQueue,
        item: Value,
        _block: Option<Value>,
        _timeout: Option<Value>,
    ) -> PyResult<()> {
        if let Some(items) = this.items.get() {
            items.push(cx, item);
        }
        this.lock.release();
        Ok(())
    }

    /// Put an item into the queue without blocking.
    ///
    /// This is exactly equivalent to `put(item)` and is only provided
    /// for compatibility with the Queue class.
    #[py("($self, /, item)")]
    fn put_nowait(cx: &mut Cx, this: &'static SimpleQueue, item: Value) -> PyResult<()> {
        SimpleQueue::put(cx, this, item, None, None)
    }

    /// Remove and return an item from the queue.
    ///
    /// If optional args 'block' is true and 'timeout' is None (the default),
    /// block if necessary until an item is available. If 'timeout' is
    /// a non-negative number, it blocks at most 'timeout' seconds and raises
    /// the Empty exception if no item was available within that time.
    /// Otherwise ('block' is false), return an item if one is immediately
    /// available, else raise the Empty exception ('timeout' is ignored
    /// in that case).
    #[py("($self, /, block=True, timeout=None)")]
    fn get(cx: &mut Cx, this: &'static SimpleQueue, block: Option<bool>, timeout: Option<Value>) -> PyResult<Value> {
        let block = block.unwrap_or(true);
        let limit = match timeout.filter(|t| !t.is_none() && block) {
            None => None,
            Some(t) => {
                let seconds = number::to_f64(cx, t)?;
                if seconds < 0.0 {
                    return raise!(cx, ValueError, "'timeout' must be a non-negative number");
                }
                if seconds.is_nan() {
                    return raise!(cx, ValueError, "Invalid value NaN (not a number)");
                }
                if seconds > 9223372036.0 {
                    return raise!(cx, OverflowError, "timeout value is too large");
                }
                Some(Instant::now() + Duration::from_secs_f64(seconds))
            }
        };
        this.get_until(cx, block, limit)
    }

    /// Remove and return an item from the queue without blocking.
    ///
    /// Only get an item if one is immediately available. Otherwise
    /// raise the Empty exception.
    #[py("($self, /)")]
    fn get_nowait(cx: &mut Cx, this: &'static SimpleQueue) -> PyResult<Value> {
        this.get_until(cx, false, None)
    }

    /// Return True if the queue is empty, False otherwise (not reliable!).
    #[py("($self, /)")]
    fn empty(_cx: &mut Cx, this: &'static SimpleQueue) -> bool {
        this.len() == 0
    }

    /// Return the approximate size of the queue (not reliable!).
    #[py("($self, /)")]
    fn qsize(_cx: &mut Cx, this: &'static SimpleQueue) -> usize {
        this.len()
    }

    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        let alias = taipan_runtime::protocol::import::import_attr(cx, "types", "GenericAlias")?;
        cx.call(alias, &[class, object])
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_queue");
    let doc = "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.";
    let doc = cx.str(doc);
    module.set(cx, "__doc__", doc);
    module.add_type(cx, &EMPTY);
    module.add_type(cx, &SIMPLE_QUEUE);
    Ok(module)
}
