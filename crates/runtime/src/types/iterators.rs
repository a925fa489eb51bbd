//! Iterators over sequences: list, tuple, anything with `__getitem__`, reversed; and callable iterators.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::{Args, NativeDef};
use crate::object::Header;
use crate::protocol::{call, compare, iter, number, object, sequence};
use crate::slots::Slots;
use crate::typeobj::{TraceFn, Type, TypeSpec, flags};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, trace_values};
use taipan_macros::pymethods;

/// Types of this file and the files that extend it.
pub static TYPES: &[&Type] = &[
    &LIST_ITER,
    &REVERSE_LIST_ITER,
    &TUPLE_ITER,
    &SEQUENCE_ITER,
    &CALLABLE_ITER,
    &REVERSED,
    &crate::types::range::RANGE,
    &crate::types::range::RANGE_ITER,
    &crate::types::range::LONG_RANGE_ITER,
    &crate::types::combinators::ENUMERATE,
    &crate::types::combinators::ZIP,
    &crate::types::combinators::MAP,
    &crate::types::combinators::FILTER,
];

/// A `next` slot.
pub type NextFn = fn(&mut Cx, Value) -> PyResult<Option<Value>>;

/// The iter slot of iterators.
pub fn itself(_: &mut Cx, v: Value) -> PyResult<Value> {
    Ok(v)
}

/// Declaration of an iterator type that only native code makes.
pub const fn iterator_spec(
    name: &'static str,
    basicsize: usize,
    trace: TraceFn,
    next: NextFn,
    methods: &'static [&'static [NativeDef]],
) -> TypeSpec {
    TypeSpec {
        name,
        basicsize,
        flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
        trace: Some(trace),
        slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
        methods,
        ..TypeSpec::DEFAULT
    }
}

/// `(iter, (v,), index)` or `(iter, (v,))`, the `__reduce__` of iterators. May collect.
pub fn reduce_iter(cx: &mut Cx, v: Value, index: Option<i64>) -> PyResult<Value> {
    reduce_with(cx, "iter", v, index)
}

fn reduce_with(cx: &mut Cx, function: &str, v: Value, index: Option<i64>) -> PyResult<Value> {
    let f = sequence::builtin(cx, function)?;
    let args = Value::of(Tuple::new(cx, &[v]));
    let index = index.map(|i| cx.int(i));
    Ok(Value::of(match index {
        Some(i) => Tuple::new(cx, &[f, args, i]),
        None => Tuple::new(cx, &[f, args]),
    }))
}

// ---- list ----------------------------------------------------------------------------------------

/// An iterator over a list; the interpreter advances it inline.
#[repr(C)]
pub struct ListIter {
    header: Header,
    /// The list, None when exhausted.
    pub list: Cell<Option<&'static List>>,
    /// Index of the next item.
    pub index: Cell<usize>,
}
crate::object!(ListIter, LIST_ITER);

/// The type `list_iterator`.
pub static LIST_ITER: Type = Type::new(&LIST_ITER_SPEC);
static LIST_ITER_SPEC: TypeSpec = iterator_spec(
    "list_iterator",
    std::mem::size_of::<ListIter>(),
    trace_list_iter,
    |_, v| {
        // SAFETY: the slot of list iterators.
        Ok(unsafe { v.cast::<ListIter>() }.advance())
    },
    &[ListIter::METHODS],
);
trace_values!(trace_list_iter, ListIter, |t| [t.list.get().map(Value::of)]);

impl ListIter {
    /// An iterator at the start of a list. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, list: &'static List) -> &'static ListIter {
        cx.alloc(ListIter { header: Header::fresh(&LIST_ITER), list: Cell::new(Some(list)), index: Cell::new(0) })
    }

    /// The next item.
    #[inline(always)]
    pub fn advance(&self) -> Option<Value> {
        let list = self.list.get()?;
        let i = self.index.get();
        match list.get(i) {
            Some(item) => {
                self.index.set(i + 1);
                Some(item)
            }
            None => {
                self.list.set(None);
                None
            }
        }
    }
}

#[pymethods]
impl ListIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static ListIter) -> i64 {
        this.list.get().map_or(0, |l| l.len().saturating_sub(this.index.get()) as i64)
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ListIter) -> PyResult<Value> {
        match this.list.get() {
            Some(list) => reduce_iter(cx, Value::of(list), Some(this.index.get() as i64)),
            None => {
                let empty = Value::of(List::new(cx));
                reduce_iter(cx, empty, None)
            }
        }
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static ListIter, state: i64) {
        if let Some(list) = this.list.get() {
            this.index.set((state.max(0) as usize).min(list.len()));
        }
    }
}

/// An iterator over a list from its end.
#[repr(C)]
pub struct ReverseListIter {
    header: Header,
    list: Cell<Option<&'static List>>,
    /// Index of the next item plus 1.
    index: Cell<usize>,
}
crate::object!(ReverseListIter, REVERSE_LIST_ITER);

/// The type `list_reverseiterator`.
pub static REVERSE_LIST_ITER: Type = Type::new(&REVERSE_LIST_ITER_SPEC);
static REVERSE_LIST_ITER_SPEC: TypeSpec = iterator_spec(
    "list_reverseiterator",
    std::mem::size_of::<ReverseListIter>(),
    trace_reverse_list_iter,
    |_, v| {
        // SAFETY: the slot of these iterators.
        let this = unsafe { v.cast::<ReverseListIter>() };
        let Some(list) = this.list.get() else { return Ok(None) };
        let item = this.index.get().checked_sub(1).and_then(|i| list.get(i));
        match item {
            Some(_) => this.index.set(this.index.get() - 1),
            None => this.list.set(None),
        }
        Ok(item)
    },
    &[ReverseListIter::METHODS],
);
trace_values!(trace_reverse_list_iter, ReverseListIter, |t| [t.list.get().map(Value::of)]);

impl ReverseListIter {
    /// An iterator at the end of a list. May collect.
    pub fn new(cx: &mut Cx, list: &'static List) -> &'static ReverseListIter {
        let header = Header::fresh(&REVERSE_LIST_ITER);
        cx.alloc(ReverseListIter { header, list: Cell::new(Some(list)), index: Cell::new(list.len()) })
    }
}

#[pymethods]
impl ReverseListIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static ReverseListIter) -> i64 {
        match this.list.get() {
            Some(list) if list.len() >= this.index.get() => this.index.get() as i64,
            _ => 0,
        }
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ReverseListIter) -> PyResult<Value> {
        match this.list.get() {
            Some(list) => reduce_with(cx, "reversed", Value::of(list), Some(this.index.get() as i64 - 1)),
            None => {
                let empty = Value::of(List::new(cx));
                reduce_iter(cx, empty, None)
            }
        }
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static ReverseListIter, state: i64) {
        if let Some(list) = this.list.get() {
            this.index.set((state.saturating_add(1).max(0) as usize).min(list.len()));
        }
    }
}

// ---- tuple ---------------------------------------------------------------------------------------

/// An iterator over a tuple; the interpreter advances it inline.
#[repr(C)]
pub struct TupleIter {
    header: Header,
    /// The tuple, None when exhausted.
    pub tuple: Cell<Option<&'static Tuple>>,
    /// Index of the next item.
    pub index: Cell<usize>,
}
crate::object!(TupleIter, TUPLE_ITER);

/// The type `tuple_iterator`.
pub static TUPLE_ITER: Type = Type::new(&TUPLE_ITER_SPEC);
static TUPLE_ITER_SPEC: TypeSpec = iterator_spec(
    "tuple_iterator",
    std::mem::size_of::<TupleIter>(),
    trace_tuple_iter,
    |_, v| {
        // SAFETY: the slot of tuple iterators.
        Ok(unsafe { v.cast::<TupleIter>() }.advance())
    },
    &[TupleIter::METHODS],
);
trace_values!(trace_tuple_iter, TupleIter, |t| [t.tuple.get().map(Value::of)]);

impl TupleIter {
    /// An iterator at the start of a tuple. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, tuple: &'static Tuple) -> &'static TupleIter {
        cx.alloc(TupleIter { header: Header::fresh(&TUPLE_ITER), tuple: Cell::new(Some(tuple)), index: Cell::new(0) })
    }

    /// The next item.
    #[inline(always)]
    pub fn advance(&self) -> Option<Value> {
        let tuple = self.tuple.get()?;
        let i = self.index.get();
        let item = tuple.items().get(i).copied();
        match item {
            Some(_) => self.index.set(i + 1),
            None => self.tuple.set(None),
        }
        item
    }
}

#[pymethods]
impl TupleIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static TupleIter) -> i64 {
        this.tuple.get().map_or(0, |t| t.len().saturating_sub(this.index.get()) as i64)
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static TupleIter) -> PyResult<Value> {
        match this.tuple.get() {
            Some(tuple) => reduce_iter(cx, Value::of(tuple), Some(this.index.get() as i64)),
            None => {
                let empty = Value::of(Tuple::new(cx, &[]));
                reduce_iter(cx, empty, None)
            }
        }
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static TupleIter, state: i64) {
        if let Some(tuple) = this.tuple.get() {
            this.index.set((state.max(0) as usize).min(tuple.len()));
        }
    }
}

// ---- anything with __getitem__ -------------------------------------------------------------------

/// True if `v` may be iterated by its `__getitem__`.
pub fn is_sequence(v: Value) -> bool {
    v.class().slots().getitem.is_some() && !v.class().has(flags::DICT)
}

/// An iterator over `v[0]`, `v[1]`, ... .
#[repr(C)]
pub struct SequenceIter {
    header: Header,
    sequence: Cell<Option<Value>>,
    index: Cell<i64>,
}
crate::object!(SequenceIter, SEQUENCE_ITER);

/// The type `iterator`.
pub static SEQUENCE_ITER: Type = Type::new(&SEQUENCE_ITER_SPEC);
static SEQUENCE_ITER_SPEC: TypeSpec = iterator_spec(
    "iterator",
    std::mem::size_of::<SequenceIter>(),
    trace_sequence_iter,
    next_of_sequence,
    &[SequenceIter::METHODS],
);
trace_values!(trace_sequence_iter, SequenceIter, |t| [t.sequence.get()]);

/// An iterator over `v[0]`, `v[1]`, ... . May collect.
pub fn new_sequence_iter(cx: &mut Cx, v: Value) -> Value {
    let (sequence, index) = (Cell::new(Some(v)), Cell::new(0));
    Value::of(cx.alloc(SequenceIter { header: Header::fresh(&SEQUENCE_ITER), sequence, index }))
}

fn ends_iteration(cx: &mut Cx) -> bool {
    let ends =
        cx.exception_matches(&crate::exceptions::IndexError) || cx.exception_matches(&crate::exceptions::StopIteration);
    if ends {
        cx.take_exception();
    }
    ends
}

fn next_of_sequence(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<SequenceIter>() };
    let Some(sequence) = this.sequence.get() else { return Ok(None) };
    let i = this.index.get();
    if i == i64::MAX {
        return raise!(cx, OverflowError, "iter index too large");
    }
    let key = cx.int(i);
    match object::get_item(cx, sequence, key) {
        Ok(item) => {
            this.index.set(i + 1);
            Ok(Some(item))
        }
        Err(_) if ends_iteration(cx) => {
            this.sequence.set(None);
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

#[pymethods]
impl SequenceIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(cx: &mut Cx, this: &'static SequenceIter) -> PyResult<Value> {
        let Some(sequence) = this.sequence.get() else { return Ok(Value::small(0)) };
        if sequence.class().slots().len.is_none() {
            return Ok(Value::not_implemented());
        }
        let n = object::len(cx, sequence)? as i64;
        Ok(cx.int((n - this.index.get()).max(0)))
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static SequenceIter) -> PyResult<Value> {
        match this.sequence.get() {
            Some(v) => reduce_iter(cx, v, Some(this.index.get())),
            None => {
                let empty = Value::of(Tuple::new(cx, &[]));
                reduce_iter(cx, empty, None)
            }
        }
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static SequenceIter, state: i64) {
        if this.sequence.get().is_some() {
            this.index.set(state.max(0));
        }
    }
}

// ---- callable iterator ---------------------------------------------------------------------------

/// `iter(callable, sentinel)`.
#[repr(C)]
pub struct CallableIter {
    header: Header,
    callable: Cell<Option<Value>>,
    sentinel: Value,
}
crate::object!(CallableIter, CALLABLE_ITER);

/// The type `callable_iterator`.
pub static CALLABLE_ITER: Type = Type::new(&CALLABLE_ITER_SPEC);
static CALLABLE_ITER_SPEC: TypeSpec = iterator_spec(
    "callable_iterator",
    std::mem::size_of::<CallableIter>(),
    trace_callable_iter,
    next_of_callable,
    &[CallableIter::METHODS],
);
trace_values!(trace_callable_iter, CallableIter, |t| [t.callable.get(), t.sentinel]);

/// `iter(callable, sentinel)`. May collect.
pub fn new_callable_iter(cx: &mut Cx, callable: Value, sentinel: Value) -> PyResult<Value> {
    if callable.class().slots().call.is_none() {
        return raise!(cx, TypeError, "iter(v, w): v must be callable");
    }
    let header = Header::fresh(&CALLABLE_ITER);
    Ok(Value::of(cx.alloc(CallableIter { header, callable: Cell::new(Some(callable)), sentinel })))
}

fn next_of_callable(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<CallableIter>() };
    let Some(f) = this.callable.get() else { return Ok(None) };
    let result = cx.call(f, &[]);
    let Some(item) = cx.catch(result, &crate::exceptions::StopIteration)? else {
        this.callable.set(None);
        return Ok(None);
    };
    if this.callable.get().is_none() {
        return Ok(None);
    }
    if compare::equal(cx, this.sentinel, item)? {
        this.callable.set(None);
        return Ok(None);
    }
    Ok(Some(item))
}

#[pymethods]
impl CallableIter {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static CallableIter) -> PyResult<Value> {
        let Some(f) = this.callable.get() else {
            let empty = Value::of(Tuple::new(cx, &[]));
            return reduce_iter(cx, empty, None);
        };
        let iter = sequence::builtin(cx, "iter")?;
        let args = Value::of(Tuple::new(cx, &[f, this.sentinel]));
        Ok(Value::of(Tuple::new(cx, &[iter, args])))
    }
}

// ---- reversed ------------------------------------------------------------------------------------

/// `reversed(sequence)` for sequences without `__reversed__`.
#[repr(C)]
pub struct Reversed {
    header: Header,
    sequence: Cell<Option<Value>>,
    /// Index of the next item, -1 at the end.
    index: Cell<i64>,
}
crate::object!(Reversed, REVERSED);

/// The type reversed.
pub static REVERSED: Type = Type::new(&REVERSED_SPEC);
static REVERSED_SPEC: TypeSpec = TypeSpec {
    name: "reversed",
    basicsize: std::mem::size_of::<Reversed>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_reversed),
    slots: Slots { iter: Some(itself), next: Some(next_reversed), new: Some(new_reversed), ..Slots::NONE },
    methods: &[Reversed::METHODS],
    doc: "Return a reverse iterator over the values of the given sequence.",
    signature: "(object, /)",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_reversed, Reversed, |t| [t.sequence.get()]);

fn new_reversed(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && std::ptr::eq(class, &REVERSED) {
        return raise!(cx, TypeError, "reversed() takes no keyword arguments");
    }
    let [v] = args.pos() else {
        return raise!(cx, TypeError, "reversed expected 1 argument, got {}", args.pos().len());
    };
    reversed_of(cx, class, *v)
}

/// `reversed(v)`. May collect.
pub fn reversed(cx: &mut Cx, v: Value) -> PyResult<Value> {
    reversed_of(cx, &REVERSED, v)
}

fn reversed_of(cx: &mut Cx, class: &'static Type, v: Value) -> PyResult<Value> {
    if let Some(list) = v.exact::<List>() {
        return Ok(Value::of(ReverseListIter::new(cx, list)));
    }
    let name = cx.names().__reversed__;
    let hook = cx.lookup_special(v, name);
    match hook {
        Some(f) if !f.is_none() => return call::call_unbound(cx, f, v, &[]),
        None if is_sequence(v) => {}
        _ => return raise!(cx, TypeError, "'{}' object is not reversible", v.class().tp_name()),
    }
    let n = object::len(cx, v)? as i64;
    let (sequence, index) = (Cell::new(Some(v)), Cell::new(n - 1));
    Ok(Value::of(cx.alloc_of(class, Reversed { header: Header::fresh(class), sequence, index })))
}

fn next_reversed(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of reversed.
    let this = unsafe { v.cast::<Reversed>() };
    let Some(sequence) = this.sequence.get() else { return Ok(None) };
    let i = this.index.get();
    if i >= 0 {
        let key = cx.int(i);
        match object::get_item(cx, sequence, key) {
            Ok(item) => {
                this.index.set(i - 1);
                return Ok(Some(item));
            }
            Err(_) if ends_iteration(cx) => {}
            Err(e) => return Err(e),
        }
    }
    this.index.set(-1);
    this.sequence.set(None);
    Ok(None)
}

#[pymethods]
impl Reversed {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(cx: &mut Cx, this: &'static Reversed) -> PyResult<i64> {
        let Some(sequence) = this.sequence.get() else { return Ok(0) };
        let n = object::len(cx, sequence)? as i64;
        let left = this.index.get() + 1;
        Ok(if n < left { 0 } else { left })
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Reversed) -> PyResult<Value> {
        let class = Value::of(Value::of(this).class());
        let Some(sequence) = this.sequence.get() else {
            let empty = Value::of(Tuple::new(cx, &[]));
            let args = Value::of(Tuple::new(cx, &[empty]));
            return Ok(Value::of(Tuple::new(cx, &[class, args])));
        };
        let args = Value::of(Tuple::new(cx, &[sequence]));
        let index = cx.int(this.index.get());
        Ok(Value::of(Tuple::new(cx, &[class, args, index])))
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static Reversed, state: Value) -> PyResult<()> {
        let i = number::to_isize(cx, state)? as i64;
        if let Some(sequence) = this.sequence.get() {
            let n = iter::length_hint(cx, sequence)? as i64;
            this.index.set(i.clamp(-1, n - 1));
        }
        Ok(())
    }
}
