//! batched, groupby, pairwise, zip_longest.

use std::cell::Cell;

use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{compare, iter, number, object};
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::exact_args;
use crate::{iterator_class, params};

/// `batched(iterable, n, strict=)`.
#[repr(C)]
pub struct Batched {
    header: Header,
    iterator: Cell<Option<Value>>,
    size: usize,
    strict: bool,
}
trace_values!(trace_batched, Batched, |t| [t.iterator.get()]);
iterator_class! {
    /// The type `itertools.batched`.
    BATCHED: Batched = "itertools.batched", flags::BASETYPE, trace_batched, Some(new_batched), next_batched, &[],
    "(iterable, n, *, strict=False)", "Batch data into tuples of length n. The last batch may be shorter than n.\n\nLoops over the input iterable and accumulates data into tuples\nup to size n.  The input is consumed lazily, just enough to\nfill a batch.  The result is yielded as soon as a batch is full\nor when the input iterable is exhausted.\n\n    >>> for batch in batched('ABCDEFG', 3):\n    ...     print(batch)\n    ...\n    ('A', 'B', 'C')\n    ('D', 'E', 'F')\n    ('G',)\n\nIf \"strict\" is True, raises a ValueError if the final batch is shorter\nthan n."
}

fn new_batched(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    bind(cx, params!("batched", ["iterable", "n"], 2, ["strict"]), args, &mut bound)?;
    let size = number::to_isize(cx, bound[1].expect("required"))?;
    let strict = match bound[2] {
        Some(v) => object::truth(cx, v)?,
        None => false,
    };
    if size < 1 {
        return raise!(cx, ValueError, "n must be at least one");
    }
    let iterator = Cell::new(Some(iter::iter(cx, bound[0].expect("required"))?));
    Ok(Value::of(cx.alloc_of(class, Batched { header: Header::fresh(class), iterator, size: size as usize, strict })))
}

fn next_batched(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of batched.
    let this = unsafe { v.cast::<Batched>() };
    let Some(it) = this.iterator.get() else { return Ok(None) };
    let batch = List::with_capacity(cx, this.size.min(1024));
    while batch.len() < this.size {
        match iter::next(cx, it)? {
            Some(item) => batch.push(cx, item),
            None => {
                this.iterator.set(None);
                break;
            }
        }
    }
    if batch.is_empty() {
        return Ok(None);
    }
    if batch.len() < this.size && this.strict {
        return raise!(cx, ValueError, "batched(): incomplete batch");
    }
    Ok(Some(Value::of(Tuple::new(cx, batch.items()))))
}

/// `pairwise(iterable)`.
#[repr(C)]
pub struct Pairwise {
    header: Header,
    iterator: Cell<Option<Value>>,
    old: Cell<Option<Value>>,
}
trace_values!(trace_pairwise, Pairwise, |t| [t.iterator.get(), t.old.get()]);
iterator_class! {
    /// The type `itertools.pairwise`.
    PAIRWISE: Pairwise = "itertools.pairwise", flags::BASETYPE, trace_pairwise, Some(new_pairwise), next_pairwise, &[],
    "(iterable, /)", "Return an iterator of overlapping pairs taken from the input iterator.\n\n    s -> (s0,s1), (s1,s2), (s2, s3), ..."
}

fn new_pairwise(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [iterable] = exact_args(cx, "pairwise", args, !std::ptr::eq(class, &PAIRWISE))?;
    let iterator = Cell::new(Some(iter::iter(cx, iterable)?));
    Ok(Value::of(cx.alloc_of(class, Pairwise { header: Header::fresh(class), iterator, old: Cell::new(None) })))
}

fn next_pairwise(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of pairwise.
    let this = unsafe { v.cast::<Pairwise>() };
    let Some(it) = this.iterator.get() else { return Ok(None) };
    let old = match this.old.get() {
        Some(old) => Some(old),
        None => {
            let first = iter::next(cx, it)?;
            this.old.set(first);
            cx.barrier(this);
            if this.iterator.get().is_none() {
                this.old.set(None);
                return Ok(None);
            }
            first
        }
    };
    let new = if old.is_some() { iter::next(cx, it)? } else { None };
    let (Some(old), Some(new)) = (old, new) else {
        this.iterator.set(None);
        this.old.set(None);
        return Ok(None);
    };
    this.old.set(Some(new));
    cx.barrier(this);
    Ok(Some(Value::of(Tuple::new(cx, &[old, new]))))
}

/// `groupby(iterable, key)`.
#[repr(C)]
pub struct GroupBy {
    header: Header,
    iterator: Value,
    key: Option<Value>,
    /// Key of the group being delivered.
    target: Cell<Option<Value>>,
    /// Key of the last item read.
    current: Cell<Option<Value>>,
    /// The last item read, until it was delivered.
    item: Cell<Option<Value>>,
    /// The only grouper that may still deliver.
    grouper: Cell<Option<&'static Grouper>>,
}
trace_values!(trace_groupby, GroupBy, |t| [
    t.iterator,
    t.key,
    t.target.get(),
    t.current.get(),
    t.item.get(),
    t.grouper.get().map(Value::of)
]);
iterator_class! {
    /// The type `itertools.groupby`.
    GROUPBY: GroupBy = "itertools.groupby", flags::BASETYPE, trace_groupby, Some(new_groupby), next_group, &[],
    "(iterable, key=None)", "make an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to divide into groups according to the key function.\n  key\n    A function for computing the group category for each element.\n    If the key function is not specified or is None, the element itself\n    is used for grouping."
}

/// Iterator over one group.
#[repr(C)]
pub struct Grouper {
    header: Header,
    parent: &'static GroupBy,
    target: Value,
}
trace_values!(trace_grouper, Grouper, |t| [Value::of(t.parent), t.target]);
iterator_class! {
    /// The type `itertools._grouper`.
    GROUPER: Grouper = "itertools._grouper", 0, trace_grouper, Some(new_grouper), next_in_group, &[], "", ""
}

fn new_groupby(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, params!("groupby", ["iterable", "key"], 1, []), args, &mut bound)?;
    let iterator = iter::iter(cx, bound[0].expect("required"))?;
    Ok(Value::of(cx.alloc_of(
        class,
        GroupBy {
            header: Header::fresh(class),
            iterator,
            key: bound[1].filter(|k| !k.is_none()),
            target: Cell::new(None),
            current: Cell::new(None),
            item: Cell::new(None),
            grouper: Cell::new(None),
        },
    )))
}

fn new_grouper(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [parent, target] = exact_args(cx, "_grouper", args, false)?;
    let Some(parent) = parent.downcast::<GroupBy>() else {
        let got = parent.class().tp_name();
        return raise!(cx, TypeError, "_grouper() argument 1 must be itertools.groupby, not {got}");
    };
    Ok(Value::of(cx.alloc_of(class, Grouper { header: Header::fresh(class), parent, target })))
}

impl GroupBy {
    /// Reads an item and computes its key; false at the end.
    fn step(&'static self, cx: &mut Cx) -> PyResult<bool> {
        let Some(item) = iter::next(cx, self.iterator)? else { return Ok(false) };
        let key = match self.key {
            Some(f) => cx.call(f, &[item])?,
            None => item,
        };
        self.item.set(Some(item));
        self.current.set(Some(key));
        cx.barrier(self);
        Ok(true)
    }
}

fn next_group(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of groupby.
    let this = unsafe { v.cast::<GroupBy>() };
    this.grouper.set(None);
    loop {
        match (this.current.get(), this.target.get()) {
            (None, _) => {}
            (Some(_), None) => break,
            (Some(current), Some(target)) => {
                if !compare::equal(cx, target, current)? {
                    break;
                }
            }
        }
        if !this.step(cx)? {
            return Ok(None);
        }
    }
    let Some(key) = this.current.get() else { return Ok(None) };
    this.target.set(Some(key));
    cx.barrier(this);
    let grouper = cx.alloc(Grouper { header: Header::fresh(&GROUPER), parent: this, target: key });
    this.grouper.set(Some(grouper));
    cx.barrier(this);
    Ok(Some(Value::of(Tuple::new(cx, &[key, Value::of(grouper)]))))
}

fn next_in_group(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of groupers.
    let this = unsafe { v.cast::<Grouper>() };
    let parent = this.parent;
    if !parent.grouper.get().is_some_and(|g| std::ptr::eq(g, this)) {
        return Ok(None);
    }
    if parent.item.get().is_none() && !parent.step(cx)? {
        return Ok(None);
    }
    let Some(current) = parent.current.get() else { return Ok(None) };
    if !compare::equal(cx, this.target, current)? {
        return Ok(None);
    }
    Ok(parent.item.take())
}

/// `zip_longest(*iterables, fillvalue=)`.
#[repr(C)]
pub struct ZipLongest {
    header: Header,
    /// The iterators; None in place of exhausted ones.
    iterators: &'static List,
    active: Cell<usize>,
    fill: Value,
}
trace_values!(trace_zip_longest, ZipLongest, |t| [Value::of(t.iterators), t.fill]);
iterator_class! {
    /// The type `itertools.zip_longest`.
    ZIP_LONGEST: ZipLongest = "itertools.zip_longest", flags::BASETYPE, trace_zip_longest, Some(new_zip_longest),
    next_zip_longest, &[], "(*iterables, fillvalue=None)", "Return a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument.  The .__next__()\nmethod continues until the longest iterable in the argument sequence\nis exhausted and then it raises StopIteration.  When the shorter iterables\nare exhausted, the fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a keyword argument.\n"
}

fn new_zip_longest(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut fill = Value::none();
    for (name, value) in args.keywords() {
        if !name.eq_rust("fillvalue") {
            return raise!(cx, TypeError, "zip_longest() got an unexpected keyword argument");
        }
        fill = value;
    }
    let iterators = List::with_capacity(cx, args.pos().len());
    for iterable in args.pos() {
        let it = iter::iter(cx, *iterable)?;
        iterators.push(cx, it);
    }
    let active = Cell::new(iterators.len());
    Ok(Value::of(cx.alloc_of(class, ZipLongest { header: Header::fresh(class), iterators, active, fill })))
}

fn next_zip_longest(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of zip_longest.
    let this = unsafe { v.cast::<ZipLongest>() };
    if this.active.get() == 0 {
        return Ok(None);
    }
    let n = this.iterators.len();
    let row = List::with_capacity(cx, n);
    for i in 0..n {
        let Some(it) = this.iterators.get(i) else { break };
        let mut item = None;
        if !it.is_none() {
            item = match iter::next(cx, it) {
                Ok(item) => item,
                Err(e) => {
                    this.active.set(0);
                    return Err(e);
                }
            };
            if item.is_none() {
                this.active.set(this.active.get().saturating_sub(1));
                if this.active.get() == 0 {
                    return Ok(None);
                }
                this.iterators.set(cx, i, Value::none());
            }
        }
        row.push(cx, item.unwrap_or(this.fill));
    }
    Ok(Some(Value::of(Tuple::new(cx, row.items()))))
}
