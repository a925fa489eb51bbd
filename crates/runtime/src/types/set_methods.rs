//! The types set and frozenset, their methods and iterator.
//!
//! Which operand is walked and how results are built decides the order of results; it follows CPython.

use std::cell::Cell;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{iter, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::iterators::{iterator_spec, reduce_iter};
use crate::types::list::List;
use crate::types::set::{Set, as_set, hash_item, trace_set};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise, trace_values};
use taipan_macros::pymethods;

/// Types of sets.
pub static TYPES: &[&Type] = &[&SET, &FROZENSET, &SET_ITER];

const COMMON: Slots = Slots {
    repr: Some(repr),
    richcompare: Some(richcompare),
    iter: Some(|cx, v| Ok(Value::of(SetIter::new(cx, of(v))))),
    len: Some(|_, v| Ok(of(v).len())),
    contains: Some(|cx, v, item| contains(cx, of(v), item)),
    and: Some(|cx, a, b| binary(cx, a, b, intersection)),
    or: Some(|cx, a, b| binary(cx, a, b, union)),
    xor: Some(|cx, a, b| binary(cx, a, b, symmetric_difference)),
    sub: Some(|cx, a, b| binary(cx, a, b, difference)),
    ..Slots::NONE
};

/// The type set.
pub static SET: Type = Type::new(&SET_SPEC);
static SET_SPEC: TypeSpec = TypeSpec {
    name: "set",
    basicsize: 200,
    flags: flags::BASETYPE | flags::MATCH_SELF | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_set),
    slots: Slots {
        hash: Some(crate::protocol::hash::unhashable),
        new: Some(|cx, class, _| Ok(Value::of(Set::new_of(cx, class)))),
        init: Some(init),
        iand: Some(|cx, a, b| inplace(cx, a, b, intersection_update)),
        ior: Some(|cx, a, b| inplace(cx, a, b, update)),
        ixor: Some(|cx, a, b| inplace(cx, a, b, symmetric_difference_update)),
        isub: Some(|cx, a, b| inplace(cx, a, b, difference_update)),
        ..COMMON
    },
    methods: &[CommonMethods::METHODS, SetMethods::METHODS],
    doc: "Build an unordered collection of unique elements.",
    signature: "(iterable=(), /)",
    ..TypeSpec::DEFAULT
};

/// The type frozenset.
pub static FROZENSET: Type = Type::new(&FROZENSET_SPEC);
static FROZENSET_SPEC: TypeSpec = TypeSpec {
    name: "frozenset",
    basicsize: 200,
    flags: flags::BASETYPE | flags::MATCH_SELF | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_set),
    slots: Slots { hash: Some(frozen_hash), new: Some(new_frozen), ..COMMON },
    methods: &[CommonMethods::METHODS],
    doc: "Build an immutable unordered collection of unique elements.",
    signature: "(iterable=(), /)",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
fn of(v: Value) -> &'static Set {
    // SAFETY: slots are called with sets or frozensets.
    unsafe { v.cast() }
}

/// The built-in type that a set's class derives from.
fn base_type(v: Value) -> &'static Type {
    if v.class().is_subtype(&FROZENSET) { &FROZENSET } else { &SET }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let this = of(v);
    if args.kwnames().is_some() && sequence::refuses_keywords(v.class(), &SET) {
        return raise!(cx, TypeError, "set() takes no keyword arguments");
    }
    let iterable = match args.pos() {
        [] => None,
        [v] => Some(*v),
        more => return raise!(cx, TypeError, "set expected at most 1 argument, got {}", more.len()),
    };
    this.clear();
    match iterable {
        Some(v) => update(cx, this, v),
        None => Ok(()),
    }
}

fn new_frozen(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let exact = std::ptr::eq(class, &FROZENSET);
    if args.kwnames().is_some() && (exact || sequence::refuses_keywords(class, &FROZENSET)) {
        return raise!(cx, TypeError, "frozenset() takes no keyword arguments");
    }
    match args.pos() {
        [] => Ok(Value::of(Set::new_of(cx, class))),
        [v] if exact && v.exact_class(&FROZENSET) => Ok(*v),
        [v] => Ok(Value::of(make(cx, class, *v)?)),
        more => raise!(cx, TypeError, "frozenset expected at most 1 argument, got {}", more.len()),
    }
}

impl Value {
    /// True if its type is exactly `class`.
    #[inline(always)]
    pub fn exact_class(self, class: &Type) -> bool {
        self.as_object().is_some_and(|h| std::ptr::eq(h.class(), class))
    }
}

/// A new instance of `class` with the items of an iterable. May collect.
pub fn make(cx: &mut Cx, class: &'static Type, iterable: Value) -> PyResult<&'static Set> {
    let set = Set::new_of(cx, class);
    update(cx, set, iterable)?;
    Ok(set)
}

/// A frozenset of `items`. Raises what hashing raises. May collect.
pub fn frozenset_from(cx: &mut Cx, items: &[Value]) -> PyResult<Value> {
    let set = Set::new_of(cx, &FROZENSET);
    for item in items {
        set.add(cx, *item)?;
    }
    Ok(Value::of(set))
}

/// A copy with the built-in type of `v`. May collect.
fn copy_base(cx: &mut Cx, v: Value) -> PyResult<&'static Set> {
    let new = Set::new_of(cx, base_type(v));
    new.merge(cx, of(v))?;
    Ok(new)
}

// ---- operations ----------------------------------------------------------------------------------

/// Adds all items of an iterable. May collect.
pub fn update(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<()> {
    if let Some(set) = as_set(other) {
        return this.merge(cx, set);
    }
    if let Some(dict) = other.exact::<Dict>() {
        this.presize(cx, dict.len())?;
        let mut position = 0;
        while let Some((key, _, hash)) = dict.next_entry(&mut position) {
            this.add_hashed(cx, key, hash)?;
        }
        return Ok(());
    }
    iter::for_each(cx, other, |cx, item| this.add(cx, item).map(|_| true))
}

fn union(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let new = copy_base(cx, a)?;
    update(cx, new, b)?;
    Ok(Value::of(new))
}

fn intersection(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = of(a);
    let new = Set::new_of(cx, base_type(a));
    if let Some(other) = as_set(b) {
        if std::ptr::eq(this, other) {
            new.merge(cx, this)?;
            return Ok(Value::of(new));
        }
        let (small, large) = if other.len() > this.len() { (this, other) } else { (other, this) };
        let mut position = 0;
        // Python code that compares items may put one where it is met again.
        let mut distinct = true;
        while let Some((key, hash)) = small.next_item(&mut position) {
            let known = large.contains_known(key, hash);
            distinct &= known.is_some();
            match known {
                Some(false) => {}
                Some(true) if distinct => new.add_new(cx, key, hash),
                Some(true) => {
                    new.add_hashed(cx, key, hash)?;
                }
                None => {
                    if large.contains_hashed(cx, key, hash)? {
                        new.add_hashed(cx, key, hash)?;
                    }
                }
            }
        }
        return Ok(Value::of(new));
    }
    iter::for_each(cx, b, |cx, key| {
        let hash = hash_item(cx, key)?;
        if this.contains_hashed(cx, key, hash)? {
            new.add_hashed(cx, key, hash)?;
        }
        Ok(true)
    })?;
    Ok(Value::of(new))
}

fn intersection_update(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<()> {
    let result = intersection(cx, Value::of(this), other)?;
    this.take_from(cx, of(result));
    Ok(())
}

fn difference_update(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<()> {
    if other == Value::of(this) {
        this.clear();
        return Ok(());
    }
    if let Some(other) = as_set(other) {
        // Walk the smaller of the two when the other is much larger.
        if this.len() >> 3 > other.len() || this.len() >= other.len() {
            let mut position = 0;
            while let Some((key, hash)) = other.next_item(&mut position) {
                this.discard_hashed(cx, key, hash)?;
            }
        } else {
            let mut position = 0;
            while let Some((key, hash)) = this.next_item(&mut position) {
                if other.contains_hashed(cx, key, hash)? {
                    this.discard_hashed(cx, key, hash)?;
                }
            }
        }
    } else {
        iter::for_each(cx, other, |cx, key| {
            let hash = hash_item(cx, key)?;
            this.discard_hashed(cx, key, hash)?;
            Ok(true)
        })?;
    }
    this.clean(cx);
    Ok(())
}

fn difference(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = of(a);
    let size = match (as_set(b), b.downcast::<Dict>()) {
        (Some(set), _) => set.len(),
        (_, Some(dict)) => dict.len(),
        _ => usize::MAX,
    };
    if size == usize::MAX || this.len() >> 2 > size {
        let new = copy_base(cx, a)?;
        difference_update(cx, new, b)?;
        return Ok(Value::of(new));
    }
    let new = Set::new_of(cx, base_type(a));
    let mut position = 0;
    let mut distinct = true;
    while let Some((key, hash)) = this.next_item(&mut position) {
        if distinct && let Some(set) = as_set(b) {
            match set.contains_known(key, hash) {
                Some(true) => continue,
                Some(false) => {
                    new.add_new(cx, key, hash);
                    continue;
                }
                None => distinct = false,
            }
        }
        let found = match (as_set(b), b.downcast::<Dict>()) {
            (Some(set), _) => set.contains_hashed(cx, key, hash)?,
            (_, Some(dict)) => dict.get_hashed(cx, key, hash)?.is_some(),
            _ => false,
        };
        if !found {
            new.add_hashed(cx, key, hash)?;
        }
    }
    Ok(Value::of(new))
}

fn symmetric_difference_update(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<()> {
    if other == Value::of(this) {
        this.clear();
        return Ok(());
    }
    if let Some(dict) = other.exact::<Dict>() {
        let mut position = 0;
        while let Some((key, _, hash)) = dict.next_entry(&mut position) {
            this.toggle(cx, key, hash)?;
        }
        return Ok(());
    }
    let other = match as_set(other) {
        Some(set) => set,
        None => make(cx, base_type(Value::of(this)), other)?,
    };
    let mut position = 0;
    while let Some((key, hash)) = other.next_item(&mut position) {
        this.toggle(cx, key, hash)?;
    }
    Ok(())
}

fn symmetric_difference(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let new = make(cx, base_type(a), b)?;
    symmetric_difference_update(cx, new, a)?;
    Ok(Value::of(new))
}

fn is_disjoint(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
    if let Some(other) = as_set(other) {
        if std::ptr::eq(this, other) {
            return Ok(this.is_empty());
        }
        let (small, large) = if other.len() > this.len() { (this, other) } else { (other, this) };
        let mut position = 0;
        while let Some((key, hash)) = small.next_item(&mut position) {
            if large.contains_hashed(cx, key, hash)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let mut disjoint = true;
    iter::for_each(cx, other, |cx, key| {
        disjoint = !this.contains(cx, key)?;
        Ok(disjoint)
    })?;
    Ok(disjoint)
}

fn is_subset(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
    let Some(other) = as_set(other) else {
        let common = intersection(cx, Value::of(this), other)?;
        return Ok(of(common).len() == this.len());
    };
    if this.len() > other.len() {
        return Ok(false);
    }
    let mut position = 0;
    while let Some((key, hash)) = this.next_item(&mut position) {
        if !other.contains_hashed(cx, key, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_superset(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
    if let Some(other) = as_set(other) {
        return is_subset(cx, other, Value::of(this));
    }
    let mut all = true;
    iter::for_each(cx, other, |cx, key| {
        all = this.contains(cx, key)?;
        Ok(all)
    })?;
    Ok(all)
}

type Operation = fn(&mut Cx, Value, Value) -> PyResult<Value>;
type Update = fn(&mut Cx, &'static Set, Value) -> PyResult<()>;

fn binary(cx: &mut Cx, a: Value, b: Value, op: Operation) -> PyResult<Value> {
    if as_set(a).is_none() || as_set(b).is_none() {
        return Ok(Value::not_implemented());
    }
    op(cx, a, b)
}

fn inplace(cx: &mut Cx, a: Value, b: Value, op: Update) -> PyResult<Value> {
    if as_set(b).is_none() {
        return Ok(Value::not_implemented());
    }
    op(cx, of(a), b)?;
    Ok(a)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (as_set(a), as_set(b)) else { return Ok(Value::not_implemented()) };
    let result = match op {
        CmpOp::Eq => equal(cx, x, y)?,
        CmpOp::Ne => !equal(cx, x, y)?,
        CmpOp::Le => is_subset(cx, x, b)?,
        CmpOp::Ge => is_subset(cx, y, a)?,
        CmpOp::Lt => x.len() < y.len() && is_subset(cx, x, b)?,
        CmpOp::Gt => x.len() > y.len() && is_subset(cx, y, a)?,
    };
    Ok(Value::bool(result))
}

fn equal(cx: &mut Cx, x: &'static Set, y: &'static Set) -> PyResult<bool> {
    let hashes = (x.hash_word().get(), y.hash_word().get());
    if x.len() != y.len() || (hashes.0 != -1 && hashes.1 != -1 && hashes.0 != hashes.1) {
        return Ok(false);
    }
    is_subset(cx, x, Value::of(y))
}

/// Runs `f` with an item; a set as item stands for an equal frozenset.
fn with_item<T>(cx: &mut Cx, item: Value, f: impl Fn(&mut Cx, Value, i64) -> PyResult<T>) -> PyResult<T> {
    match hash_item(cx, item) {
        Ok(hash) => f(cx, item, hash),
        Err(_) if item.is_instance(&SET) && cx.exception_matches(&crate::exceptions::TypeError) => {
            cx.take_exception();
            let frozen = Value::of(make(cx, &FROZENSET, item)?);
            let hash = hash_item(cx, frozen)?;
            f(cx, frozen, hash)
        }
        Err(e) => Err(e),
    }
}

fn contains(cx: &mut Cx, this: &'static Set, item: Value) -> PyResult<bool> {
    with_item(cx, item, |cx, item, hash| this.contains_hashed(cx, item, hash))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let name = v.class().name();
    if this.is_empty() {
        return Ok(cx.str(&format!("{name}()")));
    }
    let exact_set = v.exact_class(&SET);
    let (open, close) = if exact_set { ("{".to_string(), "}") } else { (format!("{name}({{"), "})") };
    let recursive = format!("{name}(...)");
    let items = List::new(cx);
    let mut position = 0;
    while let Some((key, _)) = this.next_item(&mut position) {
        items.push(cx, key);
    }
    sequence::repr_items(cx, v, (&open, close, &recursive), |i| items.get(i))
}

fn shuffle(h: i64) -> u64 {
    let h = h as u64;
    ((h ^ 89869747) ^ (h << 16)).wrapping_mul(3644798167)
}

fn frozen_hash(_: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    let known = this.hash_word().get();
    if known != -1 {
        return Ok(known);
    }
    // Free and deleted entries of CPython's formula cancel out: only the items count.
    let mut h = this.entries().iter().filter(|e| e.key != 0).fold(0, |h, e| h ^ shuffle(e.hash));
    h ^= (this.len() as u64 + 1).wrapping_mul(1927868237);
    h ^= (h >> 11) ^ (h >> 25);
    h = h.wrapping_mul(69069).wrapping_add(907133923);
    let h = if h == u64::MAX { 590923713 } else { h as i64 };
    this.hash_word().set(h);
    Ok(h)
}

// ---- methods -------------------------------------------------------------------------------------

/// Methods that set and frozenset share.
pub struct CommonMethods;

#[pymethods]
impl CommonMethods {
    /// Return a shallow copy of a set.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: Value) -> PyResult<Value> {
        if this.exact_class(&FROZENSET) {
            return Ok(this);
        }
        copy_base(cx, this).map(Value::of)
    }

    /// Return a new set with elements from the set and all others.
    #[py("($self, /, *others)")]
    fn union(cx: &mut Cx, this: Value, others: &'static Tuple) -> PyResult<Value> {
        let new = copy_base(cx, this)?;
        for other in others.items() {
            update(cx, new, *other)?;
        }
        Ok(Value::of(new))
    }

    /// Return a new set with elements common to the set and all others.
    #[py("($self, /, *others)")]
    fn intersection(cx: &mut Cx, this: Value, others: &'static Tuple) -> PyResult<Value> {
        if others.is_empty() {
            return intersection(cx, this, this);
        }
        let mut result = this;
        for other in others.items() {
            result = intersection(cx, result, *other)?;
        }
        Ok(result)
    }

    /// Return a new set with elements in the set that are not in the others.
    #[py("($self, /, *others)")]
    fn difference(cx: &mut Cx, this: Value, others: &'static Tuple) -> PyResult<Value> {
        let [first, rest @ ..] = others.items() else { return copy_base(cx, this).map(Value::of) };
        let result = difference(cx, this, *first)?;
        for other in rest {
            difference_update(cx, of(result), *other)?;
        }
        Ok(result)
    }

    /// Return a new set with elements in either the set or other but not both.
    #[py("($self, other, /)")]
    fn symmetric_difference(cx: &mut Cx, this: Value, other: Value) -> PyResult<Value> {
        symmetric_difference(cx, this, other)
    }

    /// Return True if two sets have a null intersection.
    #[py("($self, other, /)")]
    fn isdisjoint(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
        is_disjoint(cx, this, other)
    }

    /// Report whether another set contains this set.
    #[py("($self, other, /)")]
    fn issubset(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
        is_subset(cx, this, other)
    }

    /// Report whether this set contains another set.
    #[py("($self, other, /)")]
    fn issuperset(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<bool> {
        is_superset(cx, this, other)
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let items = Value::of(iter::to_list(cx, this)?);
        let args = Value::of(Tuple::new(cx, &[items]));
        let name = cx.intern("__getstate__");
        let state = cx.call_method(this, name, &[])?;
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), args, state])))
    }

    /// S.__sizeof__() -> size of S in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static Set) -> i64 {
        let table = if this.slots() > 8 { this.slots() * 16 } else { 0 };
        (200 + table) as i64
    }

    /// sets are generic over the type of their elements
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
}

/// Methods of set only.
pub struct SetMethods;

#[pymethods]
impl SetMethods {
    /// Add an element to a set.
    ///
    /// This has no effect if the element is already present.
    #[py("($self, object, /)")]
    fn add(cx: &mut Cx, this: &'static Set, object: Value) -> PyResult<()> {
        this.add(cx, object)?;
        Ok(())
    }

    /// Remove all elements from this set.
    #[py("($self, /)")]
    fn clear(_cx: &mut Cx, this: &'static Set) {
        this.clear();
    }

    /// Remove an element from a set if it is a member.
    ///
    /// Unlike set.remove(), the discard() method does not raise
    /// an exception when an element is missing from the set.
    #[py("($self, object, /)")]
    fn discard(cx: &mut Cx, this: &'static Set, object: Value) -> PyResult<()> {
        with_item(cx, object, |cx, item, hash| this.discard_hashed(cx, item, hash))?;
        Ok(())
    }

    /// Remove an element from a set; it must be a member.
    ///
    /// If the element is not a member, raise a KeyError.
    #[py("($self, object, /)")]
    fn remove(cx: &mut Cx, this: &'static Set, object: Value) -> PyResult<()> {
        if with_item(cx, object, |cx, item, hash| this.discard_hashed(cx, item, hash))? {
            return Ok(());
        }
        Err(cx.raise_value(&crate::exceptions::KeyError, object))
    }

    /// Remove and return an arbitrary set element.
    ///
    /// Raises KeyError if the set is empty.
    #[py("($self, /)")]
    fn pop(cx: &mut Cx, this: &'static Set) -> PyResult<Value> {
        match this.pop() {
            Some(item) => Ok(item),
            None => raise!(cx, KeyError, "pop from an empty set"),
        }
    }

    /// Update the set, adding elements from all others.
    #[py("($self, /, *others)")]
    fn update(cx: &mut Cx, this: &'static Set, others: &'static Tuple) -> PyResult<()> {
        for other in others.items() {
            update(cx, this, *other)?;
        }
        Ok(())
    }

    /// Update the set, keeping only elements found in it and all others.
    #[py("($self, /, *others)")]
    fn intersection_update(cx: &mut Cx, this: &'static Set, others: &'static Tuple) -> PyResult<()> {
        let result = CommonMethods::intersection(cx, Value::of(this), others)?;
        if result != Value::of(this) {
            this.take_from(cx, of(result));
        }
        Ok(())
    }

    /// Update the set, removing elements found in others.
    #[py("($self, /, *others)")]
    fn difference_update(cx: &mut Cx, this: &'static Set, others: &'static Tuple) -> PyResult<()> {
        for other in others.items() {
            difference_update(cx, this, *other)?;
        }
        Ok(())
    }

    /// Update the set, keeping only elements found in either set, but not in both.
    #[py("($self, other, /)")]
    fn symmetric_difference_update(cx: &mut Cx, this: &'static Set, other: Value) -> PyResult<()> {
        symmetric_difference_update(cx, this, other)
    }
}

// ---- iterator ------------------------------------------------------------------------------------

/// An iterator over a set.
#[repr(C)]
pub struct SetIter {
    header: Header,
    /// The set, None when exhausted.
    pub set: Cell<Option<&'static Set>>,
    /// Number of items when iteration began; `usize::MAX` after the set was found changed.
    pub used: Cell<usize>,
    /// Table position where the search goes on.
    pub position: Cell<usize>,
    remaining: Cell<usize>,
}
object!(SetIter, SET_ITER);

/// The type `set_iterator`.
pub static SET_ITER: Type = Type::new(&SET_ITER_SPEC);
static SET_ITER_SPEC: TypeSpec =
    iterator_spec("set_iterator", std::mem::size_of::<SetIter>(), trace_set_iter, next_item, &[SetIter::METHODS]);
trace_values!(trace_set_iter, SetIter, |t| [t.set.get().map(Value::of)]);

impl SetIter {
    /// An iterator at the start of a set. May collect.
    pub fn new(cx: &mut Cx, set: &'static Set) -> &'static SetIter {
        cx.alloc(SetIter {
            header: Header::fresh(&SET_ITER),
            set: Cell::new(Some(set)),
            used: Cell::new(set.len()),
            position: Cell::new(0),
            remaining: Cell::new(set.len()),
        })
    }
}

fn next_item(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of set iterators.
    let this = unsafe { v.cast::<SetIter>() };
    let Some(set) = this.set.get() else { return Ok(None) };
    if this.used.get() != set.len() {
        this.used.set(usize::MAX);
        return raise!(cx, RuntimeError, "Set changed size during iteration");
    }
    let mut position = this.position.get();
    let item = set.next_item(&mut position);
    this.position.set(position);
    match item {
        Some((key, _)) => {
            this.remaining.set(this.remaining.get().saturating_sub(1));
            Ok(Some(key))
        }
        None => {
            this.set.set(None);
            Ok(None)
        }
    }
}

#[pymethods]
impl SetIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static SetIter) -> i64 {
        match this.set.get() {
            Some(set) if set.len() == this.used.get() => this.remaining.get() as i64,
            _ => 0,
        }
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static SetIter) -> PyResult<Value> {
        let items = List::new(cx);
        if let Some(set) = this.set.get() {
            if set.len() != this.used.get() {
                return raise!(cx, RuntimeError, "Set changed size during iteration");
            }
            let mut position = this.position.get();
            while let Some((key, _)) = set.next_item(&mut position) {
                items.push(cx, key);
            }
        }
        reduce_iter(cx, Value::of(items), None)
    }
}
