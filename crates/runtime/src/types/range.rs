//! range and its iterators.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{iter, number, object, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int;
use crate::types::iterators::{iterator_spec, reduce_iter};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, trace_values};
use taipan_macros::pymethods;

/// A range object. All four are exact ints, small where their value fits.
#[repr(C)]
pub struct Range {
    header: Header,
    /// `start`.
    pub start: Value,
    /// `stop`.
    pub stop: Value,
    /// `step`, not 0.
    pub step: Value,
    /// Number of items.
    pub len: Value,
}
const _: () = assert!(std::mem::size_of::<Range>() == 48);
crate::object!(Range, RANGE);

/// The type range.
pub static RANGE: Type = Type::new(&RANGE_SPEC);
static RANGE_SPEC: TypeSpec = TypeSpec {
    name: "range",
    basicsize: 48,
    flags: flags::SEQUENCE,
    trace: Some(trace_range),
    slots: Slots {
        repr: Some(repr),
        hash: Some(hash),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| of(v).iterator(cx)),
        new: Some(new),
        bool: Some(|_, v| Ok(of(v).len != Value::small(0))),
        len: Some(len),
        getitem: Some(getitem),
        contains: Some(contains),
        ..Slots::NONE
    },
    methods: &[Range::METHODS],
    getsets: &[Range::GETSETS],
    doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\nstart defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the valid indices for a list of 4 elements.\nWhen step is given, it specifies the increment (or decrement).",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_range, Range, |t| [t.start, t.stop, t.step, t.len]);

#[inline(always)]
fn of(v: Value) -> &'static Range {
    // SAFETY: slots are called with ranges, which cannot be subclassed.
    unsafe { v.cast() }
}

/// Number of items of a range of machine ints.
#[inline(always)]
pub fn machine_len(start: i64, stop: i64, step: i64) -> u64 {
    if step > 0 {
        if start < stop { (stop.wrapping_sub(start) as u64 - 1) / step as u64 + 1 } else { 0 }
    } else if stop < start {
        (start.wrapping_sub(stop) as u64 - 1) / step.unsigned_abs() + 1
    } else {
        0
    }
}

fn is_negative(v: Value) -> bool {
    int::view(v).is_some_and(|w| w.negative)
}

fn is_less(a: Value, b: Value) -> bool {
    int::compare(a, b).is_some_and(|o| o.is_lt())
}

fn long_len(cx: &mut Cx, start: Value, stop: Value, step: Value) -> PyResult<Value> {
    let (low, high, step) = if is_negative(step) { (stop, start, int::neg(cx, step)?) } else { (start, stop, step) };
    if !is_less(low, high) {
        return Ok(Value::small(0));
    }
    let span = int::sub(cx, high, low)?;
    let span = int::sub(cx, span, Value::small(1))?;
    let n = int::floordiv(cx, span, step)?;
    int::add(cx, n, Value::small(1))
}

/// `start + i * step`.
fn item_at(cx: &mut Cx, start: Value, i: Value, step: Value) -> PyResult<Value> {
    let distance = int::mul(cx, i, step)?;
    int::add(cx, start, distance)
}

fn exact_int(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.is_small() {
        return Ok(v);
    }
    let i = number::index(cx, v)?;
    Ok(int::as_i64(i).and_then(Value::try_small).unwrap_or(i))
}

impl Range {
    /// A new range of exact ints, `step` not 0. May collect.
    pub fn make(cx: &mut Cx, start: Value, stop: Value, step: Value) -> PyResult<&'static Range> {
        let len = match (start.as_small(), stop.as_small(), step.as_small()) {
            (Some(a), Some(b), Some(s)) => cx.int_u64(machine_len(a, b, s)),
            _ => long_len(cx, start, stop, step)?,
        };
        Ok(cx.alloc(Range { header: Header::fresh(&RANGE), start, stop, step, len }))
    }

    /// A range whose parts, small ints, are known to agree. May collect.
    pub fn of_parts(cx: &mut Cx, start: Value, stop: Value, step: Value, len: Value) -> &'static Range {
        cx.alloc(Range { header: Header::fresh(&RANGE), start, stop, step, len })
    }

    /// `range(start, stop, step)` of any objects. ValueError for a step of 0. May collect.
    pub fn new(cx: &mut Cx, start: Value, stop: Value, step: Value) -> PyResult<&'static Range> {
        let start = exact_int(cx, start)?;
        let stop = exact_int(cx, stop)?;
        let step = exact_int(cx, step)?;
        if step == Value::small(0) {
            return raise!(cx, ValueError, "range() arg 3 must not be zero");
        }
        Range::make(cx, start, stop, step)
    }

    /// Start, step and length, if all items are small ints.
    #[inline]
    pub fn machine(&self) -> Option<(i64, i64, u64)> {
        self.stop.as_small()?;
        Some((self.start.as_small()?, self.step.as_small()?, int::as_i64(self.len)? as u64))
    }

    /// An iterator over the range. May collect.
    #[inline]
    pub fn iterator(&self, cx: &mut Cx) -> PyResult<Value> {
        match self.machine() {
            Some((start, step, len)) => Ok(Value::of(RangeIter::new(cx, start, step, len))),
            None => Ok(Value::of(LongRangeIter::new(cx, self.start, self.step, self.len))),
        }
    }

    /// Position of an int in the range. May collect.
    fn position(&self, cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
        let v = exact_int(cx, v)?;
        if let (Some((start, step, len)), Some(i)) = (self.machine(), v.as_small()) {
            let distance = i - start;
            if distance % step != 0 {
                return Ok(None);
            }
            let position = distance / step;
            return Ok((position >= 0 && (position as u64) < len).then(|| Value::small(position)));
        }
        let distance = int::sub(cx, v, self.start)?;
        let rest = int::rem(cx, distance, self.step)?;
        if rest != Value::small(0) {
            return Ok(None);
        }
        let position = int::floordiv(cx, distance, self.step)?;
        Ok((!is_negative(position) && is_less(position, self.len)).then_some(position))
    }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "range")?;
    let (zero, one) = (Value::small(0), Value::small(1));
    let (start, stop, step) = match *args.values() {
        [stop] => (zero, stop, one),
        [start, stop] => (start, stop, one),
        [start, stop, step] => (start, stop, step),
        [] => return raise!(cx, TypeError, "range expected at least 1 argument, got 0"),
        ref more => return raise!(cx, TypeError, "range expected at most 3 arguments, got {}", more.len()),
    };
    Range::new(cx, start, stop, step).map(Value::of)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let (start, stop) = (object::repr_text(cx, this.start)?, object::repr_text(cx, this.stop)?);
    if this.step == Value::small(1) {
        return Ok(cx.str(&format!("range({start}, {stop})")));
    }
    let step = object::repr_text(cx, this.step)?;
    Ok(cx.str(&format!("range({start}, {stop}, {step})")))
}

fn len(cx: &mut Cx, v: Value) -> PyResult<usize> {
    match int::as_i64(of(v).len) {
        Some(n) => Ok(n as usize),
        None => raise!(cx, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}

/// What decides equality and hash: length, first item if any, step if it matters.
fn identity(this: &Range) -> [Value; 3] {
    let none = Value::none();
    match this.len.as_small() {
        Some(0) => [this.len, none, none],
        Some(1) => [this.len, this.start, none],
        _ => [this.len, this.start, this.step],
    }
}

fn hash(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let parts = identity(of(v));
    crate::types::tuple_methods::hash_items(cx, &parts)
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<Range>(), b.exact::<Range>()) else { return Ok(Value::not_implemented()) };
    let same = |p: Value, q: Value| p == q || int::compare(p, q).is_some_and(|o| o.is_eq());
    let equal = identity(x).into_iter().zip(identity(y)).all(|(p, q)| same(p, q));
    match op {
        CmpOp::Eq => Ok(Value::bool(equal)),
        CmpOp::Ne => Ok(Value::bool(!equal)),
        _ => Ok(Value::not_implemented()),
    }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        return get_slice(cx, this, slice);
    }
    if !sequence::is_index(key) {
        return sequence::index_type_error(cx, "range", key);
    }
    let mut i = exact_int(cx, key)?;
    if let (Some((start, step, len)), Some(i)) = (this.machine(), i.as_small()) {
        let i = if i < 0 { i + len as i64 } else { i };
        if i >= 0 && (i as u64) < len {
            return Ok(Value::small(start + i * step));
        }
        return raise!(cx, IndexError, "range object index out of range");
    }
    if is_negative(i) {
        i = int::add(cx, i, this.len)?;
    }
    if is_negative(i) || !is_less(i, this.len) {
        return raise!(cx, IndexError, "range object index out of range");
    }
    item_at(cx, this.start, i, this.step)
}

fn get_slice(cx: &mut Cx, this: &'static Range, slice: &'static Slice) -> PyResult<Value> {
    let (start, stop, step) = slice_indices(cx, slice, this.len)?;
    let first = item_at(cx, this.start, start, this.step)?;
    let end = item_at(cx, this.start, stop, this.step)?;
    let step = int::mul(cx, this.step, step)?;
    Range::make(cx, first, end, step).map(Value::of)
}

/// `slice.indices(len)` for a length of any size: start, stop, step.
pub fn slice_indices(cx: &mut Cx, slice: &Slice, len: Value) -> PyResult<(Value, Value, Value)> {
    let (zero, one) = (Value::small(0), Value::small(1));
    let step = if slice.step.is_none() { one } else { bound(cx, slice.step)? };
    if step == zero {
        return raise!(cx, ValueError, "slice step cannot be zero");
    }
    let backwards = is_negative(step);
    let (low, high) = if backwards { (Value::small(-1), int::sub(cx, len, one)?) } else { (zero, len) };
    let clip = |cx: &mut Cx, v: Value| -> PyResult<Value> {
        let v = bound(cx, v)?;
        if is_negative(v) {
            let v = int::add(cx, v, len)?;
            return Ok(if is_less(v, low) { low } else { v });
        }
        Ok(if is_less(high, v) { high } else { v })
    };
    let (default_start, default_stop) = if backwards { (high, low) } else { (low, high) };
    let start = if slice.start.is_none() { default_start } else { clip(cx, slice.start)? };
    let stop = if slice.stop.is_none() { default_stop } else { clip(cx, slice.stop)? };
    Ok((start, stop, step))
}

fn bound(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if !sequence::is_index(v) {
        return raise!(cx, TypeError, "slice indices must be integers or None or have an __index__ method");
    }
    exact_int(cx, v)
}

/// Ints and bools are looked up by arithmetic, other objects by comparison.
fn is_plain_int(v: Value) -> bool {
    v.is_small() || std::ptr::eq(v.class(), &int::INT) || std::ptr::eq(v.class(), &crate::types::boolean::BOOL)
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    if is_plain_int(item) {
        return Ok(of(v).position(cx, item)?.is_some());
    }
    iter::contains_by_iteration(cx, v, item)
}

#[pymethods]
impl Range {
    #[getter("start")]
    fn get_start(_cx: &mut Cx, this: &'static Range) -> Value {
        this.start
    }

    #[getter("stop")]
    fn get_stop(_cx: &mut Cx, this: &'static Range) -> Value {
        this.stop
    }

    #[getter("step")]
    fn get_step(_cx: &mut Cx, this: &'static Range) -> Value {
        this.step
    }

    /// rangeobject.count(value) -> integer -- return number of occurrences of value
    #[py("($self, object, /)")]
    fn count(cx: &mut Cx, this: &'static Range, value: Value) -> PyResult<i64> {
        if is_plain_int(value) {
            return Ok(i64::from(this.position(cx, value)?.is_some()));
        }
        let it = this.iterator(cx)?;
        let mut n = 0;
        while let Some(x) = iter::next(cx, it)? {
            n += i64::from(compare::equal(cx, x, value)?);
        }
        Ok(n)
    }

    /// rangeobject.index(value) -> integer -- return index of value.
    /// Raise ValueError if the value is not present.
    #[py("($self, object, /)")]
    fn index(cx: &mut Cx, this: &'static Range, value: Value) -> PyResult<Value> {
        if is_plain_int(value) {
            return match this.position(cx, value)? {
                Some(i) => Ok(i),
                None => raise!(cx, ValueError, "range.index(x): x not in range"),
            };
        }
        let it = this.iterator(cx)?;
        let mut i = 0;
        while let Some(x) = iter::next(cx, it)? {
            if compare::equal(cx, x, value)? {
                return Ok(cx.int(i));
            }
            i += 1;
        }
        raise!(cx, ValueError, "sequence.index(x): x not in sequence")
    }

    /// Return a reverse iterator.
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static Range) -> PyResult<Value> {
        if let Some((start, step, len)) = this.machine() {
            let last = start.wrapping_add((len as i64).wrapping_sub(1).wrapping_mul(step));
            return Ok(Value::of(RangeIter::new(cx, last, -step, len)));
        }
        let last = int::sub(cx, this.len, Value::small(1))?;
        let last = item_at(cx, this.start, last, this.step)?;
        let step = int::neg(cx, this.step)?;
        Ok(Value::of(LongRangeIter::new(cx, last, step, this.len)))
    }

    /// TODO
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Range) -> Value {
        let args = Value::of(Tuple::new(cx, &[this.start, this.stop, this.step]));
        Value::of(Tuple::new(cx, &[Value::of(&RANGE), args]))
    }
}

// ---- iterators -----------------------------------------------------------------------------------

/// An iterator over a range of small ints; the interpreter advances it inline.
#[repr(C)]
pub struct RangeIter {
    header: Header,
    /// The next item; a small int while any remain.
    pub next: Cell<i64>,
    /// Distance of items.
    pub step: i64,
    /// Items left.
    pub remaining: Cell<u64>,
}
crate::object!(RangeIter, RANGE_ITER);

/// The type `range_iterator`.
pub static RANGE_ITER: Type = Type::new(&RANGE_ITER_SPEC);
static RANGE_ITER_SPEC: TypeSpec = iterator_spec(
    "range_iterator",
    std::mem::size_of::<RangeIter>(),
    crate::types::trace_nothing,
    |_, v| {
        // SAFETY: the slot of range iterators.
        Ok(unsafe { v.cast::<RangeIter>() }.advance())
    },
    &[RangeIter::METHODS],
);

impl RangeIter {
    /// An iterator over `len` small ints from `start`. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, start: i64, step: i64, len: u64) -> &'static RangeIter {
        let (next, remaining) = (Cell::new(start), Cell::new(len));
        cx.alloc(RangeIter { header: Header::fresh(&RANGE_ITER), next, step, remaining })
    }

    /// The next item.
    #[inline(always)]
    pub fn advance(&self) -> Option<Value> {
        let left = self.remaining.get();
        if left == 0 {
            return None;
        }
        let item = self.next.get();
        self.remaining.set(left - 1);
        self.next.set(item.wrapping_add(self.step));
        Some(Value::small(item))
    }
}

/// `(iter, (range(start, start + len * step, step),), None)`.
fn reduce_range(cx: &mut Cx, start: Value, step: Value, len: Value) -> PyResult<Value> {
    let stop = item_at(cx, start, len, step)?;
    let range = Value::of(Range::make(cx, start, stop, step)?);
    let reduced = reduce_iter(cx, range, None)?;
    let Some(pair) = reduced.exact::<Tuple>() else { return Ok(reduced) };
    Ok(Value::of(Tuple::new(cx, &[pair.items()[0], pair.items()[1], Value::none()])))
}

#[pymethods]
impl RangeIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static RangeIter) -> u64 {
        this.remaining.get()
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static RangeIter) -> PyResult<Value> {
        let (start, step, len) = (cx.int(this.next.get()), cx.int(this.step), cx.int_u64(this.remaining.get()));
        reduce_range(cx, start, step, len)
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static RangeIter, state: i64) {
        let skip = (state.max(0) as u64).min(this.remaining.get());
        this.next.set(this.next.get().wrapping_add((skip as i64).wrapping_mul(this.step)));
        this.remaining.set(this.remaining.get() - skip);
    }
}

/// An iterator over a range of ints of any size.
#[repr(C)]
pub struct LongRangeIter {
    header: Header,
    next: Cell<Value>,
    step: Value,
    remaining: Cell<Value>,
}
crate::object!(LongRangeIter, LONG_RANGE_ITER);

/// The type `longrange_iterator`.
pub static LONG_RANGE_ITER: Type = Type::new(&LONG_RANGE_ITER_SPEC);
static LONG_RANGE_ITER_SPEC: TypeSpec = iterator_spec(
    "longrange_iterator",
    std::mem::size_of::<LongRangeIter>(),
    trace_long_range_iter,
    |cx, v| {
        // SAFETY: the slot of these iterators.
        let this = unsafe { v.cast::<LongRangeIter>() };
        if this.remaining.get() == Value::small(0) {
            return Ok(None);
        }
        let item = this.next.get();
        this.skip(cx, Value::small(1))?;
        Ok(Some(item))
    },
    &[LongRangeIter::METHODS],
);
trace_values!(trace_long_range_iter, LongRangeIter, |t| [t.next.get(), t.step, t.remaining.get()]);

impl LongRangeIter {
    fn new(cx: &mut Cx, start: Value, step: Value, len: Value) -> &'static LongRangeIter {
        let (next, remaining) = (Cell::new(start), Cell::new(len));
        cx.alloc(LongRangeIter { header: Header::fresh(&LONG_RANGE_ITER), next, step, remaining })
    }

    fn skip(&self, cx: &mut Cx, n: Value) -> PyResult<()> {
        let next = item_at(cx, self.next.get(), n, self.step)?;
        let remaining = int::sub(cx, self.remaining.get(), n)?;
        self.next.set(next);
        self.remaining.set(remaining);
        cx.barrier(self);
        Ok(())
    }
}

#[pymethods]
impl LongRangeIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static LongRangeIter) -> Value {
        this.remaining.get()
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static LongRangeIter) -> PyResult<Value> {
        reduce_range(cx, this.next.get(), this.step, this.remaining.get())
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static LongRangeIter, state: Value) -> PyResult<()> {
        if !int::check(state) {
            return raise!(cx, TypeError, "state must be an int, not {}", state.class().tp_name());
        }
        let n = if is_negative(state) { Value::small(0) } else { state };
        let n = if is_less(this.remaining.get(), n) { this.remaining.get() } else { n };
        this.skip(cx, n)
    }
}
