//! tee: independent iterators over one, which share a linked list of blocks of items.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::buffer::ValueArray;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, sequence};
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::iterator_class;
use crate::support::exact_args;

const BLOCK: usize = 57;

/// A block of items that were read from the iterator.
#[repr(C)]
pub struct TeeData {
    header: Header,
    iterator: Value,
    items: &'static ValueArray,
    filled: Cell<usize>,
    /// An item is being read: the iterator may not be asked for another one meanwhile.
    running: Cell<bool>,
    next: Cell<Option<&'static TeeData>>,
}
trace_values!(trace_data, TeeData, |t| [t.iterator, Value::of(t.items), t.next.get().map(Value::of)]);
taipan_runtime::object!(TeeData, TEE_DATA);

/// The type `itertools._tee_dataobject`.
pub static TEE_DATA: Type = Type::new({
    static SPEC: taipan_runtime::typeobj::TypeSpec = taipan_runtime::typeobj::TypeSpec {
        name: "itertools._tee_dataobject",
        basicsize: std::mem::size_of::<TeeData>(),
        flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
        trace: Some(trace_data),
        doc: "Data container common to multiple tee objects.",
        ..taipan_runtime::typeobj::TypeSpec::DEFAULT
    };
    &SPEC
});

/// One of the iterators.
#[repr(C)]
pub struct Tee {
    header: Header,
    data: Cell<&'static TeeData>,
    index: Cell<usize>,
}
trace_values!(trace_tee, Tee, |t| [Value::of(t.data.get())]);
iterator_class! {
    /// The type `itertools._tee`.
    TEE: Tee = "itertools._tee", 0, trace_tee, Some(new_tee), next_tee, &[Tee::METHODS], "(iterable, /)",
    "Iterator wrapped to make it copyable."
}

impl TeeData {
    fn new(cx: &mut Cx, iterator: Value) -> &'static TeeData {
        let items = ValueArray::new(cx, BLOCK);
        cx.alloc(TeeData {
            header: Header::fresh(&TEE_DATA),
            iterator,
            items,
            filled: Cell::new(0),
            running: Cell::new(false),
            next: Cell::new(None),
        })
    }

    /// Item `i < BLOCK`, read if it has not been yet.
    fn item(&'static self, cx: &mut Cx, i: usize) -> PyResult<Option<Value>> {
        if i >= self.filled.get() {
            if self.running.replace(true) {
                return raise!(cx, RuntimeError, "cannot re-enter the tee iterator");
            }
            let item = iter::next(cx, self.iterator);
            self.running.set(false);
            let Some(item) = item? else { return Ok(None) };
            let at = self.filled.get();
            // SAFETY: at <= i < BLOCK.
            unsafe { *self.items.word_ptr(at) = item.bits() };
            self.filled.set(at + 1);
            cx.barrier(self.items);
        }
        // SAFETY: below filled.
        Ok(Value::from_bits(unsafe { *self.items.word_ptr(i) }))
    }

    fn following(&'static self, cx: &mut Cx) -> &'static TeeData {
        if let Some(next) = self.next.get() {
            return next;
        }
        let next = TeeData::new(cx, self.iterator);
        self.next.set(Some(next));
        cx.barrier(self);
        next
    }
}

fn make_tee(cx: &mut Cx, iterable: Value) -> PyResult<&'static Tee> {
    let it = iter::iter(cx, iterable)?;
    if let Some(tee) = it.exact::<Tee>() {
        return Ok(tee.copy(cx));
    }
    let data = Cell::new(TeeData::new(cx, it));
    Ok(cx.alloc_of(&TEE, Tee { header: Header::fresh(&TEE), data, index: Cell::new(0) }))
}

fn new_tee(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let [iterable] = exact_args(cx, "_tee", args, false)?;
    make_tee(cx, iterable).map(Value::of)
}

impl Tee {
    fn copy(&self, cx: &mut Cx) -> &'static Tee {
        let (data, index) = (self.data.clone(), self.index.clone());
        cx.alloc_of(&TEE, Tee { header: Header::fresh(&TEE), data, index })
    }
}

fn next_tee(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of tees.
    let this = unsafe { v.cast::<Tee>() };
    if this.index.get() >= BLOCK {
        let next = this.data.get().following(cx);
        this.data.set(next);
        this.index.set(0);
        cx.barrier(this);
    }
    let item = this.data.get().item(cx, this.index.get())?;
    if item.is_some() {
        this.index.set(this.index.get() + 1);
    }
    Ok(item)
}

#[pymethods]
impl Tee {
    /// Returns an independent iterator.
    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: &'static Tee) -> &'static Tee {
        this.copy(cx)
    }
}

/// Functions of the module.
pub struct Functions;

#[pymethods]
impl Functions {
    /// Returns a tuple of n independent iterators.
    #[py("($module, iterable, n=2, /)")]
    fn tee(cx: &mut Cx, iterable: Value, n: Option<isize>) -> PyResult<&'static Tuple> {
        let n = n.unwrap_or(2);
        if n < 0 {
            return raise!(cx, ValueError, "n must be >= 0");
        }
        if n == 0 {
            return Ok(Tuple::new(cx, &[]));
        }
        sequence::check_len(cx, n as usize)?;
        let it = iter::iter(cx, iterable)?;
        let first = match it.exact::<Tee>() {
            Some(tee) => tee,
            None => make_tee(cx, it)?,
        };
        let all = List::new(cx);
        all.push(cx, Value::of(first));
        for _ in 1..n {
            let copy = first.copy(cx);
            all.push(cx, Value::of(copy));
        }
        Ok(Tuple::new(cx, all.items()))
    }
}
