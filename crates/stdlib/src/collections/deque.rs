//! deque: a ring buffer of values.
//!
//! Invariant DEQUE-1: the capacity of `ring` is a power of two; item `i` is at `(head + i) & (capacity - 1)`, all
//! other words are 0.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::buffer::ValueArray;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{iter, number, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use super::deque_iter::{DEQUE_ITER, DEQUE_REVERSE_ITER, DequeIter};
use crate::params;

/// A deque object.
#[repr(C)]
pub struct Deque {
    header: Header,
    ring: Cell<Option<&'static ValueArray>>,
    head: Cell<usize>,
    len: Cell<usize>,
    /// Greatest length, `usize::MAX` for none.
    max: Cell<usize>,
    /// Changes with every mutation that iterators must notice.
    state: Cell<u64>,
}
taipan_runtime::object!(Deque, DEQUE);
trace_values!(trace_deque, Deque, |t| [t.ring.get().map(Value::of)]);

/// The type `collections.deque`.
pub static DEQUE: Type = Type::new(&DEQUE_SPEC);
static DEQUE_SPEC: TypeSpec = TypeSpec {
    name: "collections.deque",
    basicsize: std::mem::size_of::<Deque>(),
    flags: flags::BASETYPE | flags::SEQUENCE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_deque),
    slots: Slots {
        hash: Some(taipan_runtime::protocol::hash::unhashable),
        repr: Some(repr),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| Ok(Value::of(DequeIter::new(cx, &DEQUE_ITER, of(v))))),
        new: Some(new),
        init: Some(init),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(iconcat),
        irepeat: Some(irepeat),
        ..Slots::NONE
    },
    methods: &[DequeMethods::METHODS],
    getsets: &[DequeMethods::GETSETS],
    doc: "A list-like sequence optimized for data accesses near its endpoints.",
    signature: "([iterable[, maxlen]])",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
fn of(v: Value) -> &'static Deque {
    // SAFETY: slots are called with deques.
    unsafe { v.cast() }
}

impl Deque {
    fn new_of(cx: &mut Cx, class: &'static Type) -> &'static Deque {
        cx.alloc_of(
            class,
            Deque {
                header: Header::fresh(class),
                ring: Cell::new(None),
                head: Cell::new(0),
                len: Cell::new(0),
                max: Cell::new(usize::MAX),
                state: Cell::new(0),
            },
        )
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Changes with every mutation that iterators must notice.
    pub fn state(&self) -> u64 {
        self.state.get()
    }

    fn changed(&self) {
        self.state.set(self.state.get() + 1);
    }

    #[inline(always)]
    fn word(&self, i: usize) -> *mut u64 {
        let ring = self.ring.get().expect("not empty");
        ring.word_ptr((self.head.get() + i) & (ring.capacity() - 1))
    }

    /// Item `i`.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Value> {
        if i >= self.len() {
            return None;
        }
        // SAFETY: DEQUE-1.
        Value::from_bits(unsafe { *self.word(i) })
    }

    fn set(&self, cx: &mut Cx, i: usize, value: Value) {
        debug_assert!(i < self.len());
        // SAFETY: DEQUE-1.
        unsafe { *self.word(i) = value.bits() };
        self.written(cx);
    }

    #[inline(always)]
    fn written(&self, cx: &mut Cx) {
        if let Some(ring) = self.ring.get() {
            cx.barrier(ring);
        }
    }

    /// Makes room for one more item; MemoryError if there is no memory for it. May collect.
    #[inline(always)]
    fn make_room(&self, cx: &mut Cx) -> PyResult<()> {
        if self.ring.get().is_none_or(|r| r.capacity() == self.len()) { self.grow(cx) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, cx: &mut Cx) -> PyResult<()> {
        let n = self.len();
        let ring = ValueArray::try_new(cx, (2 * n).next_power_of_two().max(8))?;
        for i in 0..n {
            // SAFETY: DEQUE-1; the new ring is larger.
            unsafe { *ring.word_ptr(i) = *self.word(i) };
        }
        self.ring.set(Some(ring));
        self.head.set(0);
        cx.barrier(self);
        cx.barrier(ring);
        Ok(())
    }

    /// Appends at the end; the first item makes room if the deque is full. May collect.
    #[inline]
    pub fn push_back(&self, cx: &mut Cx, value: Value) -> PyResult<()> {
        self.changed();
        if self.len() >= self.max.get() {
            if self.max.get() == 0 {
                return Ok(());
            }
            self.pop_front();
        }
        self.make_room(cx)?;
        self.put_back(cx, value);
        Ok(())
    }

    /// Puts an item behind the last one; there is room.
    #[inline]
    fn put_back(&self, cx: &mut Cx, value: Value) {
        let n = self.len();
        self.len.set(n + 1);
        // SAFETY: DEQUE-1, there is room.
        unsafe { *self.word(n) = value.bits() };
        self.written(cx);
    }

    /// Appends at the front; the last item makes room if the deque is full. May collect.
    #[inline]
    pub fn push_front(&self, cx: &mut Cx, value: Value) -> PyResult<()> {
        self.changed();
        if self.len() >= self.max.get() {
            if self.max.get() == 0 {
                return Ok(());
            }
            self.pop_back();
        }
        self.make_room(cx)?;
        self.put_front(cx, value);
        Ok(())
    }

    /// Puts an item before the first one; there is room.
    #[inline]
    fn put_front(&self, cx: &mut Cx, value: Value) {
        let capacity = self.ring.get().expect("room was made").capacity();
        self.head.set(self.head.get().wrapping_sub(1) & (capacity - 1));
        self.len.set(self.len() + 1);
        // SAFETY: as above.
        unsafe { *self.word(0) = value.bits() };
        self.written(cx);
    }

    /// Removes and returns the first item.
    #[inline]
    pub fn pop_front(&self) -> Option<Value> {
        let item = self.get(0)?;
        self.changed();
        // SAFETY: DEQUE-1.
        unsafe { *self.word(0) = 0 };
        let capacity = self.ring.get().expect("not empty").capacity();
        self.head.set((self.head.get() + 1) & (capacity - 1));
        self.len.set(self.len() - 1);
        Some(item)
    }

    /// Removes and returns the last item.
    #[inline]
    pub fn pop_back(&self) -> Option<Value> {
        let n = self.len().checked_sub(1)?;
        let item = self.get(n)?;
        self.changed();
        // SAFETY: DEQUE-1.
        unsafe { *self.word(n) = 0 };
        self.len.set(n);
        Some(item)
    }

    fn clear(&self) {
        self.changed();
        self.ring.set(None);
        self.head.set(0);
        self.len.set(0);
    }

    /// Moves `n` items from the end to the front.
    fn rotate(&self, cx: &mut Cx, n: isize) {
        let len = self.len();
        if len < 2 {
            return;
        }
        let n = n.rem_euclid(len as isize) as usize;
        if n == 0 {
            return;
        }
        if n <= len - n {
            for _ in 0..n {
                let item = self.pop_back().expect("not empty");
                self.put_front(cx, item);
            }
        } else {
            for _ in 0..len - n {
                let item = self.pop_front().expect("not empty");
                self.put_back(cx, item);
            }
        }
    }

    /// Removes item `i`, shifting the shorter side.
    fn remove_at(&self, cx: &mut Cx, i: usize) {
        let n = self.len();
        // SAFETY: DEQUE-1; all indices are below n.
        unsafe {
            if i < n / 2 {
                for at in (1..=i).rev() {
                    *self.word(at) = *self.word(at - 1);
                }
                self.pop_front();
            } else {
                for at in i..n - 1 {
                    *self.word(at) = *self.word(at + 1);
                }
                self.pop_back();
            }
        }
        self.written(cx);
    }

    fn insert(&self, cx: &mut Cx, i: usize, value: Value) -> PyResult<()> {
        self.push_back(cx, value)?;
        for at in (i + 1..self.len()).rev() {
            // SAFETY: DEQUE-1.
            unsafe { *self.word(at) = *self.word(at - 1) };
        }
        self.set(cx, i, value);
        Ok(())
    }

    /// Appends all items of an iterable. May collect.
    fn extend(&'static self, cx: &mut Cx, iterable: Value) -> PyResult<()> {
        let source = if iterable == Value::of(self) { Value::of(iter::to_list(cx, iterable)?) } else { iterable };
        iter::for_each(cx, source, |cx, item| {
            self.push_back(cx, item)?;
            Ok(true)
        })
    }

    fn max_value(&self, cx: &mut Cx) -> Value {
        match self.max.get() {
            usize::MAX => Value::none(),
            n => cx.int(n as i64),
        }
    }
}

/// A deque like `this`, with its class and maximum, of its items. May collect.
fn copy(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
    let class = Value::of(this).class();
    if std::ptr::eq(class, &DEQUE) {
        let new = Deque::new_of(cx, class);
        new.max.set(this.max.get());
        new.extend(cx, Value::of(this))?;
        return Ok(Value::of(new));
    }
    let made = match this.max.get() {
        usize::MAX => cx.call(Value::of(class), &[Value::of(this)])?,
        _ => {
            let max = this.max_value(cx);
            cx.call(Value::of(class), &[Value::of(this), max])?
        }
    };
    if made.downcast::<Deque>().is_none() {
        let (class, got) = (class.name(), made.class().name());
        return raise!(cx, TypeError, "{class}() must return a deque, not {got}");
    }
    Ok(made)
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(Deque::new_of(cx, class)))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let this = of(v);
    let total = args.values().len();
    if total > 2 {
        return raise!(cx, TypeError, "deque() takes at most 2 arguments ({total} given)");
    }
    let mut bound = [None; 2];
    bind(cx, params!("deque", ["iterable", "maxlen"], 0, []), args, &mut bound)?;
    let max = match bound[1].filter(|m| !m.is_none()) {
        None => usize::MAX,
        Some(m) if !int::check(m) => return raise!(cx, TypeError, "an integer is required"),
        Some(m) => match number::to_isize(cx, m)? {
            m if m < 0 => return raise!(cx, ValueError, "maxlen must be non-negative"),
            m => m as usize,
        },
    };
    this.max.set(max);
    if this.len() > 0 {
        this.clear();
    }
    match bound[0] {
        Some(iterable) => this.extend(cx, iterable),
        None => Ok(()),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let name = v.class().name();
    if !object::enter_repr(cx, v) {
        return Ok(cx.str("[...]"));
    }
    let items = iter::to_list(cx, v);
    let inner = match items {
        Ok(items) => sequence::repr_items(cx, Value::of(items), ("[", "]", "[...]"), |i| items.get(i)),
        Err(e) => Err(e),
    };
    object::leave_repr(cx);
    let mut text = sequence::ReprText::default();
    text.push(&name);
    text.push("(");
    if let Some(s) = inner?.exact::<taipan_runtime::types::str::Str>() {
        text.push_str(s);
    }
    match this.max.get() {
        usize::MAX => text.push(")"),
        n => text.push(&format!(", maxlen={n})")),
    }
    text.finish(cx)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else {
        return Ok(Value::not_implemented());
    };
    let states = (x.state(), y.state());
    let result = compare::sequences(cx, |i| x.get(i), |i| y.get(i), || (x.len(), y.len()), op)?;
    if states != (x.state(), y.state()) {
        return raise!(cx, RuntimeError, "deque mutated during iteration");
    }
    Ok(result)
}

fn index_of(cx: &mut Cx, this: &Deque, key: Value) -> PyResult<usize> {
    if !sequence::is_index(key) {
        return raise!(cx, TypeError, "sequence index must be integer, not '{}'", key.class().tp_name());
    }
    let i = sequence::index(cx, key)?;
    match sequence::resolve(i, this.len()) {
        Some(i) => Ok(i),
        None => raise!(cx, IndexError, "deque index out of range"),
    }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    let i = index_of(cx, this, key)?;
    Ok(this.get(i).expect("in range"))
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    let i = index_of(cx, this, key)?;
    match value {
        Some(value) => this.set(cx, i, value),
        None => this.remove_at(cx, i),
    }
    Ok(())
}

/// Position of an item equal to `wanted`; RuntimeError if comparing changed the deque.
fn find(cx: &mut Cx, this: &Deque, wanted: Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let state = this.state();
    for i in start..stop.min(this.len()) {
        let Some(item) = this.get(i) else { break };
        let equal = compare::equal(cx, item, wanted)?;
        if this.state() != state {
            return raise!(cx, RuntimeError, "deque mutated during iteration");
        }
        if equal {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    Ok(find(cx, of(v), item, 0, usize::MAX)?.is_some())
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if b.downcast::<Deque>().is_none() {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only concatenate deque (not \"{got}\") to deque");
    }
    let new = copy(cx, of(a))?;
    of(new).extend(cx, b)?;
    Ok(new)
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let new = copy(cx, of(v))?;
    irepeat(cx, new, n)
}

fn iconcat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    of(a).extend(cx, b)?;
    Ok(a)
}

fn irepeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    if n <= 0 {
        this.clear();
        return Ok(v);
    }
    if n == 1 || this.len() == 0 {
        return Ok(v);
    }
    let total = sequence::repeated_len(cx, this.len(), n.min(this.max.get().min(isize::MAX as usize) as isize))?;
    let items = iter::to_list(cx, v)?;
    // Only the last `max` items can remain.
    let skip = if total > this.max.get() { total - this.max.get() } else { 0 };
    let (mut left, count) = (skip, items.len());
    this.clear();
    for i in 0..total {
        if left > 0 {
            left -= 1;
            continue;
        }
        let item = items.items()[i % count];
        this.push_back(cx, item)?;
    }
    Ok(v)
}

/// Methods of deque.
pub struct DequeMethods;

#[pymethods]
impl DequeMethods {
    /// Add an element to the right side of the deque.
    #[py("($self, item, /)")]
    fn append(cx: &mut Cx, this: &'static Deque, item: Value) -> PyResult<()> {
        this.push_back(cx, item)
    }

    /// Add an element to the left side of the deque.
    #[py("($self, item, /)")]
    fn appendleft(cx: &mut Cx, this: &'static Deque, item: Value) -> PyResult<()> {
        this.push_front(cx, item)
    }

    /// Remove and return the rightmost element.
    #[py("($self, /)")]
    fn pop(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
        match this.pop_back() {
            Some(item) => Ok(item),
            None => raise!(cx, IndexError, "pop from an empty deque"),
        }
    }

    /// Remove and return the leftmost element.
    #[py("($self, /)")]
    fn popleft(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
        match this.pop_front() {
            Some(item) => Ok(item),
            None => raise!(cx, IndexError, "pop from an empty deque"),
        }
    }

    /// Extend the right side of the deque with elements from the iterable.
    #[py("($self, iterable, /)")]
    fn extend(cx: &mut Cx, this: &'static Deque, iterable: Value) -> PyResult<()> {
        this.extend(cx, iterable)
    }

    /// Extend the left side of the deque with elements from the iterable.
    #[py("($self, iterable, /)")]
    fn extendleft(cx: &mut Cx, this: &'static Deque, iterable: Value) -> PyResult<()> {
        let source = if iterable == Value::of(this) { Value::of(iter::to_list(cx, iterable)?) } else { iterable };
        iter::for_each(cx, source, |cx, item| {
            this.push_front(cx, item)?;
            Ok(true)
        })
    }

    /// Remove all elements from the deque.
    #[py("($self, /)")]
    fn clear(_cx: &mut Cx, this: &'static Deque) {
        this.clear();
    }

    /// Return a shallow copy of a deque.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
        copy(cx, this)
    }

    /// Return a shallow copy of a deque.
    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
        copy(cx, this)
    }

    /// Return number of occurrences of value.
    #[py("($self, value, /)")]
    fn count(cx: &mut Cx, this: &'static Deque, value: Value) -> PyResult<i64> {
        let (state, mut n) = (this.state(), 0);
        for i in 0..this.len() {
            let Some(item) = this.get(i) else { break };
            n += i64::from(compare::equal(cx, item, value)?);
            if this.state() != state {
                return raise!(cx, RuntimeError, "deque mutated during iteration");
            }
        }
        Ok(n)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[py("($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(
        cx: &mut Cx,
        this: &'static Deque,
        value: Value,
        start: Option<Value>,
        stop: Option<Value>,
    ) -> PyResult<i64> {
        let (start, stop) = sequence::search_bounds(cx, start, stop, || this.len())?;
        match find(cx, this, value, start, stop)? {
            Some(i) => Ok(i as i64),
            None => raise!(cx, ValueError, "deque.index(x): x not in deque"),
        }
    }

    /// Insert value before index.
    #[py("($self, index, value, /)")]
    fn insert(cx: &mut Cx, this: &'static Deque, index: isize, value: Value) -> PyResult<()> {
        if this.len() == this.max.get() {
            return raise!(cx, IndexError, "deque already at its maximum size");
        }
        let n = this.len() as isize;
        let i = if index < 0 { index.saturating_add(n).max(0) } else { index.min(n) };
        this.insert(cx, i as usize, value)
    }

    /// Remove first occurrence of value.
    #[py("($self, value, /)")]
    fn remove(cx: &mut Cx, this: &'static Deque, value: Value) -> PyResult<()> {
        let n = this.len();
        match find(cx, this, value, 0, usize::MAX) {
            Ok(Some(i)) => {
                this.remove_at(cx, i);
                Ok(())
            }
            Ok(None) => raise!(cx, ValueError, "deque.remove(x): x not in deque"),
            Err(_) if this.len() != n && cx.exception_matches(&taipan_runtime::exceptions::RuntimeError) => {
                cx.take_exception();
                raise!(cx, IndexError, "deque mutated during remove().")
            }
            Err(e) => Err(e),
        }
    }

    /// Reverse *IN PLACE*.
    #[py("($self, /)")]
    fn reverse(cx: &mut Cx, this: &'static Deque) {
        let n = this.len();
        for i in 0..n / 2 {
            // SAFETY: DEQUE-1.
            unsafe { std::ptr::swap(this.word(i), this.word(n - 1 - i)) };
        }
        this.written(cx);
    }

    /// Rotate the deque n steps to the right.  If n is negative, rotates left.
    #[py("($self, n=1, /)")]
    fn rotate(cx: &mut Cx, this: &'static Deque, n: Option<isize>) {
        this.rotate(cx, n.unwrap_or(1));
    }

    /// Return a reverse iterator over the deque.
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static Deque) -> Value {
        Value::of(DequeIter::new(cx, &DEQUE_REVERSE_ITER, this))
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Deque) -> PyResult<Value> {
        let v = Value::of(this);
        let name = cx.intern("__getstate__");
        let state = cx.call_method(v, name, &[])?;
        let it = iter::iter(cx, v)?;
        let args = match this.max.get() {
            usize::MAX => Tuple::new(cx, &[]),
            _ => {
                let empty = Value::of(Tuple::new(cx, &[]));
                let max = this.max_value(cx);
                Tuple::new(cx, &[empty, max])
            }
        };
        Ok(Value::of(Tuple::new(cx, &[Value::of(v.class()), Value::of(args), state, it])))
    }

    /// Return the size of the deque in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static Deque) -> i64 {
        let words = this.ring.get().map_or(0, |r| r.capacity());
        (Value::of(this).class().data().basicsize + 8 * words) as i64
    }

    /// maximum size of a deque or None if unbounded
    #[getter]
    fn maxlen(cx: &mut Cx, this: &'static Deque) -> Value {
        this.max_value(cx)
    }

    /// deques are generic over the type of their contents
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        taipan_runtime::types::typing::new_generic_alias(cx, class, item)
    }
}
