//! The module `_heapq`.

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(
        cx,
        "_heapq",
        "Heap queue algorithm (a.k.a. priority queue).\n\nHeaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\nall k, counting elements from 0.  For the sake of comparison,\nnon-existing elements are considered to be infinite.  The interesting\nproperty of a heap is that a[0] is always its smallest element.\n\nUsage:\n\nheap = []            # creates an empty heap\nheappush(heap, item) # pushes a new item on the heap\nitem = heappop(heap) # pops the smallest item from the heap\nitem = heap[0]       # smallest item on the heap without popping it\nheapify(x)           # transforms list into a heap, in-place, in linear time\nitem = heapreplace(heap, item) # pops and returns smallest item, and adds\n                               # new item; the heap size is unchanged\n\nOur API differs from textbook heap algorithms as follows:\n\n- We use 0-based indexing.  This makes the relationship between the\n  index for a node and the indexes for its children slightly less\n  obvious, but is more suitable since Python uses 0-based indexing.\n\n- Our heappop() method returns the smallest item, not the largest.\n\nThese two make it possible to view the heap as a regular Python list\nwithout surprises: heap[0] is the smallest item, and heap.sort()\nmaintains the heap invariant!\n",
        Heapq::METHODS,
    );
    let about = cx.str(ABOUT);
    module.set(cx, "__about__", about);
    module
}

const ABOUT: &str = "Heap queues\n\nHeaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\nall k, counting elements from 0. The interesting property of a heap is\nthat a[0] is always its smallest element.\n";

/// Which item rises: the smaller one, or in a max-heap the larger one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Min,
    Max,
}

/// Whether `a` belongs above `b`. Tuples that differ in a leading simple item are decided without a call.
#[inline]
fn above(cx: &mut Cx, order: Order, a: Value, b: Value) -> PyResult<bool> {
    let (a, b) = if order == Order::Min { (a, b) } else { (b, a) };
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Ok(x < y);
    }
    if a.is_flonum() && b.is_flonum() {
        return Ok(a.flonum_unchecked() < b.flonum_unchecked());
    }
    if let (Some(x), Some(y)) = (a.exact::<Tuple>(), b.exact::<Tuple>())
        && let ([x, ..], [y, ..]) = (x.items(), y.items())
        && x != y
    {
        if let (Some(x), Some(y)) = (x.as_small(), y.as_small()) {
            return Ok(x < y);
        }
        if x.is_flonum() && y.is_flonum() {
            return Ok(x.flonum_unchecked() < y.flonum_unchecked());
        }
    }
    compare::rich_bool(cx, a, b, CmpOp::Lt)
}

fn changed<T>(cx: &mut Cx) -> PyResult<T> {
    raise!(cx, RuntimeError, "list changed size during iteration")
}

fn item(cx: &mut Cx, heap: &List, i: usize) -> PyResult<Value> {
    match heap.get(i) {
        Some(v) => Ok(v),
        None => changed(cx),
    }
}

fn swap(cx: &mut Cx, heap: &List, i: usize, j: usize) -> PyResult<()> {
    let items = heap.items_mut();
    if i.max(j) >= items.len() {
        return changed(cx);
    }
    items.swap(i, j);
    Ok(())
}

/// Lets the item at `at` rise towards `start`.
fn rise(cx: &mut Cx, heap: &List, order: Order, start: usize, mut at: usize) -> PyResult<()> {
    let n = heap.len();
    while at > start {
        let parent = (at - 1) >> 1;
        let (new, above_it) = (item(cx, heap, at)?, item(cx, heap, parent)?);
        let up = above(cx, order, new, above_it)?;
        if heap.len() != n {
            return changed(cx);
        }
        if !up {
            break;
        }
        swap(cx, heap, at, parent)?;
        at = parent;
    }
    Ok(())
}

/// Lets the item at `start` sink to a leaf along the better children, then rise to its place.
fn sink(cx: &mut Cx, heap: &List, order: Order, start: usize) -> PyResult<()> {
    let n = heap.len();
    let mut at = start;
    while at < n >> 1 {
        let mut child = 2 * at + 1;
        if child + 1 < n {
            let (left, right) = (item(cx, heap, child)?, item(cx, heap, child + 1)?);
            let left_above = above(cx, order, left, right)?;
            if heap.len() != n {
                return changed(cx);
            }
            if !left_above {
                child += 1;
            }
        }
        swap(cx, heap, at, child)?;
        at = child;
    }
    rise(cx, heap, order, start, at)
}

fn push(cx: &mut Cx, heap: &'static List, new: Value, order: Order) -> PyResult<()> {
    heap.push(cx, new);
    rise(cx, heap, order, 0, heap.len() - 1)?;
    heap.written(cx);
    Ok(())
}

fn pop(cx: &mut Cx, heap: &'static List, order: Order) -> PyResult<Value> {
    let Some(last) = heap.pop() else { return raise!(cx, IndexError, "index out of range") };
    let Some(first) = heap.get(0) else { return Ok(last) };
    heap.set(cx, 0, last);
    sink(cx, heap, order, 0)?;
    Ok(first)
}

fn replace(cx: &mut Cx, heap: &'static List, new: Value, order: Order) -> PyResult<Value> {
    let Some(first) = heap.get(0) else { return raise!(cx, IndexError, "index out of range") };
    heap.set(cx, 0, new);
    sink(cx, heap, order, 0)?;
    Ok(first)
}

fn push_pop(cx: &mut Cx, heap: &'static List, new: Value, order: Order) -> PyResult<Value> {
    let Some(first) = heap.get(0) else { return Ok(new) };
    if !above(cx, order, first, new)? {
        return Ok(new);
    }
    if heap.is_empty() {
        return raise!(cx, IndexError, "index out of range");
    }
    replace(cx, heap, new, order)
}

fn heapify(cx: &mut Cx, heap: &'static List, order: Order) -> PyResult<()> {
    for i in (0..heap.len() / 2).rev() {
        sink(cx, heap, order, i)?;
    }
    Ok(())
}

struct Heapq;

#[pymethods]
impl Heapq {
    /// Push item onto heap, maintaining the heap invariant.
    #[py("($module, heap, item, /)")]
    fn heappush(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<()> {
        push(cx, heap, item, Order::Min)
    }

    /// Pop the smallest item off the heap, maintaining the heap invariant.
    #[py("($module, heap, /)")]
    fn heappop(cx: &mut Cx, heap: &'static List) -> PyResult<Value> {
        pop(cx, heap, Order::Min)
    }

    /// Pop and return the current smallest value, and add the new item.
    ///
    /// This is more efficient than heappop() followed by heappush(), and can be
    /// more appropriate when using a fixed-size heap.  Note that the value
    /// returned may be larger than item!  That constrains reasonable uses of
    /// this routine unless written as part of a conditional replacement:
    ///
    ///     if item > heap[0]:
    ///         item = heapreplace(heap, item)
    #[py("($module, heap, item, /)")]
    fn heapreplace(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<Value> {
        replace(cx, heap, item, Order::Min)
    }

    /// Push item on the heap, then pop and return the smallest item from the heap.
    ///
    /// The combined action runs more efficiently than heappush() followed by
    /// a separate call to heappop().
    #[py("($module, heap, item, /)")]
    fn heappushpop(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<Value> {
        push_pop(cx, heap, item, Order::Min)
    }

    /// Transform list into a heap, in-place, in O(len(heap)) time.
    #[py("($module, heap, /)")]
    fn heapify(cx: &mut Cx, heap: &'static List) -> PyResult<()> {
        heapify(cx, heap, Order::Min)
    }

    /// Push item onto max heap, maintaining the heap invariant.
    #[py("($module, heap, item, /)")]
    fn heappush_max(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<()> {
        push(cx, heap, item, Order::Max)
    }

    /// Maxheap variant of heappop.
    #[py("($module, heap, /)")]
    fn heappop_max(cx: &mut Cx, heap: &'static List) -> PyResult<Value> {
        pop(cx, heap, Order::Max)
    }

    /// Maxheap variant of heapreplace.
    #[py("($module, heap, item, /)")]
    fn heapreplace_max(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<Value> {
        replace(cx, heap, item, Order::Max)
    }

    /// Maxheap variant of heappushpop.
    ///
    /// The combined action runs more efficiently than heappush_max()
    /// followed by a separate call to heappop_max().
    #[py("($module, heap, item, /)")]
    fn heappushpop_max(cx: &mut Cx, heap: &'static List, item: Value) -> PyResult<Value> {
        push_pop(cx, heap, item, Order::Max)
    }

    /// Maxheap variant of heapify.
    #[py("($module, heap, /)")]
    fn heapify_max(cx: &mut Cx, heap: &'static List) -> PyResult<()> {
        heapify(cx, heap, Order::Max)
    }
}
