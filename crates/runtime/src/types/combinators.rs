//! enumerate, zip, map, filter.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::{iter, number, object};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int;
use crate::types::iterators::itself;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, trace_values};
use taipan_macros::pymethods;

/// Fills a tuple with one item of each iterator. `Err(i)`: iterator `i` is exhausted. May collect.
#[inline]
fn next_of_each(cx: &mut Cx, iters: &'static Tuple, into: &mut [Value]) -> PyResult<Result<(), usize>> {
    for (i, it) in iters.items().iter().enumerate() {
        match iter::next(cx, *it)? {
            Some(item) => into[i] = item,
            None => return Ok(Err(i)),
        }
    }
    Ok(Ok(()))
}

/// ValueError of strict zips and maps when iterator `i` was the first to be exhausted.
#[cold]
fn strict_error(cx: &mut Cx, name: &str, iters: &'static Tuple, i: usize) -> PyResult<Option<Value>> {
    if i > 0 {
        let plural = if i == 1 { " " } else { "s 1-" };
        return raise!(cx, ValueError, "{name}() argument {} is shorter than argument{plural}{i}", i + 1);
    }
    for (i, it) in iters.items().iter().enumerate().skip(1) {
        if iter::next(cx, *it)?.is_some() {
            let plural = if i == 1 { " " } else { "s 1-" };
            return raise!(cx, ValueError, "{name}() argument {} is longer than argument{plural}{i}", i + 1);
        }
    }
    Ok(None)
}

/// The keyword `strict`; other keywords are an error if `own`.
fn strict_keyword(cx: &mut Cx, name: &str, args: Args, own: bool) -> PyResult<bool> {
    let mut strict = false;
    for (key, value) in args.keywords() {
        if key.eq_rust("strict") {
            strict = object::truth(cx, value)?;
        } else if own {
            return Err(crate::exceptions::unexpected_keyword(cx, name, key, &["strict"]));
        }
    }
    Ok(strict)
}

/// Iterators over all of `sources`, as a tuple. May collect.
fn iterators(cx: &mut Cx, sources: &[Value]) -> PyResult<&'static Tuple> {
    if sources.is_empty() {
        return Ok(Tuple::new(cx, &[]));
    }
    let iters = Tuple::new(cx, sources);
    for (i, source) in sources.iter().enumerate() {
        let it = iter::iter(cx, *source)?;
        iters.set_fresh(cx, i, it);
    }
    Ok(iters)
}

const ON_STACK: usize = 8;

// ---- enumerate -----------------------------------------------------------------------------------

/// An enumerate object.
#[repr(C)]
pub struct Enumerate {
    header: Header,
    /// The iterator.
    pub iterator: Value,
    /// The next index, while it is a machine int.
    pub index: Cell<i64>,
    /// The next index, when it is not.
    long_index: Cell<Option<Value>>,
}
crate::object!(Enumerate, ENUMERATE);

/// The type enumerate.
pub static ENUMERATE: Type = Type::new(&ENUMERATE_SPEC);
static ENUMERATE_SPEC: TypeSpec = TypeSpec {
    name: "enumerate",
    basicsize: std::mem::size_of::<Enumerate>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_enumerate),
    slots: Slots { iter: Some(itself), next: Some(next_enumerate), new: Some(new_enumerate), ..Slots::NONE },
    methods: &[Enumerate::METHODS],
    doc: "Return an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe enumerate object yields pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
    signature: "(iterable, start=0)",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_enumerate, Enumerate, |t| [t.iterator, t.long_index.get()]);

fn enumerate_args(cx: &mut Cx, args: Args) -> PyResult<(Value, Option<Value>)> {
    let total = args.values().len();
    if total > 2 {
        return raise!(cx, TypeError, "enumerate() takes at most 2 arguments ({total} given)");
    }
    let mut iterable = args.pos().first().copied();
    let mut start = args.pos().get(1).copied();
    for (key, value) in args.keywords() {
        let slot = if key.eq_rust("iterable") {
            &mut iterable
        } else if key.eq_rust("start") {
            &mut start
        } else {
            return raise!(cx, TypeError, "'{key}' is an invalid keyword argument for enumerate()");
        };
        if slot.is_some() {
            return raise!(cx, TypeError, "'{key}' is an invalid keyword argument for enumerate()");
        }
        *slot = Some(value);
    }
    match iterable {
        Some(iterable) => Ok((iterable, start)),
        None => raise!(cx, TypeError, "enumerate() missing required argument 'iterable'"),
    }
}

fn new_enumerate(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let (iterable, start) = enumerate_args(cx, args)?;
    let start = match start {
        Some(start) => number::index(cx, start)?,
        None => Value::small(0),
    };
    let iterator = iter::iter(cx, iterable)?;
    let (index, long_index) = match int::as_i64(start) {
        Some(i) => (i, None),
        None => (i64::MAX, Some(start)),
    };
    let (index, long_index) = (Cell::new(index), Cell::new(long_index));
    Ok(Value::of(cx.alloc_of(class, Enumerate { header: Header::fresh(class), iterator, index, long_index })))
}

impl Enumerate {
    #[cold]
    fn take_long_index(&self, cx: &mut Cx) -> PyResult<Value> {
        let index = match self.long_index.get() {
            Some(index) => index,
            None => cx.int(i64::MAX),
        };
        let next = int::add(cx, index, Value::small(1))?;
        self.long_index.set(Some(next));
        cx.barrier(self);
        Ok(index)
    }
}

fn next_enumerate(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of enumerate.
    let this = unsafe { v.cast::<Enumerate>() };
    let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
    let i = this.index.get();
    let index = if i < i64::MAX {
        this.index.set(i + 1);
        cx.int(i)
    } else {
        this.take_long_index(cx)?
    };
    Ok(Some(Value::of(Tuple::new(cx, &[index, item]))))
}

#[pymethods]
impl Enumerate {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Enumerate) -> Value {
        let index = match this.long_index.get() {
            Some(index) => index,
            None => cx.int(this.index.get()),
        };
        let args = Value::of(Tuple::new(cx, &[this.iterator, index]));
        Value::of(Tuple::new(cx, &[Value::of(Value::of(this).class()), args]))
    }

    /// 'enumerate' objects are generic over the type of their values
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
}

// ---- zip -----------------------------------------------------------------------------------------

/// A zip object.
#[repr(C)]
pub struct Zip {
    header: Header,
    /// The iterators.
    pub iters: &'static Tuple,
    strict: Cell<bool>,
}
crate::object!(Zip, ZIP);

impl Zip {
    /// Whether iterators of different lengths are an error.
    pub fn is_strict(&self) -> bool {
        self.strict.get()
    }
}

/// The type zip.
pub static ZIP: Type = Type::new(&ZIP_SPEC);
static ZIP_SPEC: TypeSpec = TypeSpec {
    name: "zip",
    basicsize: std::mem::size_of::<Zip>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_zip),
    slots: Slots { iter: Some(itself), next: Some(next_zip), new: Some(new_zip), ..Slots::NONE },
    methods: &[Zip::METHODS],
    doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().  The i-th element in every tuple\ncomes from the i-th iterable argument to zip().  This continues until the\nshortest argument is exhausted.\n\nIf strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.\n\n   >>> list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]",
    signature: "(*iterables, strict=False)",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_zip, Zip, |t| [Value::of(t.iters)]);

fn new_zip(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let strict = strict_keyword(cx, "zip", args, std::ptr::eq(class, &ZIP))?;
    let iters = iterators(cx, args.pos())?;
    Ok(Value::of(cx.alloc_of(class, Zip { header: Header::fresh(class), iters, strict: Cell::new(strict) })))
}

fn next_zip(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of zip.
    let this = unsafe { v.cast::<Zip>() };
    let n = this.iters.len();
    if n == 0 {
        return Ok(None);
    }
    let (tuple, exhausted) = if n <= ON_STACK {
        let mut items = [Value::none(); ON_STACK];
        match next_of_each(cx, this.iters, &mut items[..n])? {
            Ok(()) => (Some(Tuple::new(cx, &items[..n])), 0),
            Err(i) => (None, i),
        }
    } else {
        next_wide(cx, this.iters)?
    };
    match tuple {
        Some(tuple) => Ok(Some(Value::of(tuple))),
        None if this.strict.get() => strict_error(cx, "zip", this.iters, exhausted),
        None => Ok(None),
    }
}

/// As [`next_of_each`] for many iterators: the items are collected in the tuple itself.
fn next_wide(cx: &mut Cx, iters: &'static Tuple) -> PyResult<(Option<&'static Tuple>, usize)> {
    let tuple = Tuple::new(cx, iters.items());
    for (i, it) in iters.items().iter().enumerate() {
        match iter::next(cx, *it)? {
            Some(item) => tuple.set_fresh(cx, i, item),
            None => return Ok((None, i)),
        }
    }
    Ok((Some(tuple), 0))
}

/// `(type, args)` or `(type, args, True)`.
fn reduce_strict(cx: &mut Cx, this: Value, args: Value, strict: bool) -> Value {
    let class = Value::of(this.class());
    Value::of(if strict { Tuple::new(cx, &[class, args, Value::bool(true)]) } else { Tuple::new(cx, &[class, args]) })
}

#[pymethods]
impl Zip {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Zip) -> Value {
        reduce_strict(cx, Value::of(this), Value::of(this.iters), this.strict.get())
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static Zip, state: bool) {
        this.strict.set(state);
    }
}

// ---- map -----------------------------------------------------------------------------------------

/// A map object.
#[repr(C)]
pub struct Map {
    header: Header,
    /// The function.
    pub function: Value,
    /// The iterators.
    pub iters: &'static Tuple,
    strict: Cell<bool>,
}
crate::object!(Map, MAP);

/// The type map.
pub static MAP: Type = Type::new(&MAP_SPEC);
static MAP_SPEC: TypeSpec = TypeSpec {
    name: "map",
    basicsize: std::mem::size_of::<Map>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_map),
    slots: Slots { iter: Some(itself), next: Some(next_map), new: Some(new_map), ..Slots::NONE },
    methods: &[Map::METHODS],
    doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.\n\nIf strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.",
    signature: "(function, iterable, /, *iterables, strict=False)",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_map, Map, |t| [t.function, Value::of(t.iters)]);

fn new_map(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let strict = strict_keyword(cx, "map", args, std::ptr::eq(class, &MAP))?;
    let [function, sources @ ..] = args.pos() else {
        return raise!(cx, TypeError, "map() must have at least two arguments.");
    };
    if sources.is_empty() {
        return raise!(cx, TypeError, "map() must have at least two arguments.");
    }
    let iters = iterators(cx, sources)?;
    let map = Map { header: Header::fresh(class), function: *function, iters, strict: Cell::new(strict) };
    Ok(Value::of(cx.alloc_of(class, map)))
}

fn next_map(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of map.
    let this = unsafe { v.cast::<Map>() };
    let n = this.iters.len();
    if n == 1 {
        return match iter::next(cx, this.iters.items()[0])? {
            Some(item) => cx.call(this.function, &[item]).map(Some),
            None => Ok(None),
        };
    }
    let exhausted = if n <= ON_STACK {
        let mut items = [Value::none(); ON_STACK];
        match next_of_each(cx, this.iters, &mut items[..n])? {
            Ok(()) => return cx.call(this.function, &items[..n]).map(Some),
            Err(i) => i,
        }
    } else {
        match next_wide(cx, this.iters)? {
            (Some(items), _) => return cx.call(this.function, items.items()).map(Some),
            (None, i) => i,
        }
    };
    if this.strict.get() { strict_error(cx, "map", this.iters, exhausted) } else { Ok(None) }
}

#[pymethods]
impl Map {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Map) -> Value {
        let mut all = crate::heap::RootVec::new();
        all.push(this.function);
        all.extend_from_slice(this.iters.items());
        let args = Value::of(Tuple::new(cx, &all));
        reduce_strict(cx, Value::of(this), args, this.strict.get())
    }

    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static Map, state: bool) {
        this.strict.set(state);
    }
}

// ---- filter --------------------------------------------------------------------------------------

/// A filter object.
#[repr(C)]
pub struct Filter {
    header: Header,
    /// The function, or None.
    pub function: Value,
    /// The iterator.
    pub iterator: Value,
}
crate::object!(Filter, FILTER);

/// The type filter.
pub static FILTER: Type = Type::new(&FILTER_SPEC);
static FILTER_SPEC: TypeSpec = TypeSpec {
    name: "filter",
    basicsize: std::mem::size_of::<Filter>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_filter),
    slots: Slots { iter: Some(itself), next: Some(next_filter), new: Some(new_filter), ..Slots::NONE },
    methods: &[Filter::METHODS],
    doc: "Return an iterator yielding those items of iterable for which function(item)\nis true. If function is None, return the items that are true.",
    signature: "(function, iterable, /)",
    ..TypeSpec::DEFAULT
};
trace_values!(trace_filter, Filter, |t| [t.function, t.iterator]);

fn new_filter(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && std::ptr::eq(class, &FILTER) {
        return raise!(cx, TypeError, "filter() takes no keyword arguments");
    }
    let [function, iterable] = args.pos() else {
        return raise!(cx, TypeError, "filter expected 2 arguments, got {}", args.pos().len());
    };
    let iterator = iter::iter(cx, *iterable)?;
    Ok(Value::of(cx.alloc_of(class, Filter { header: Header::fresh(class), function: *function, iterator })))
}

fn next_filter(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of filter.
    let this = unsafe { v.cast::<Filter>() };
    let plain = this.function.is_none() || this.function == Value::of(&crate::types::boolean::BOOL);
    while let Some(item) = iter::next(cx, this.iterator)? {
        let verdict = if plain { item } else { cx.call(this.function, &[item])? };
        if object::truth(cx, verdict)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

#[pymethods]
impl Filter {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Filter) -> Value {
        let args = Value::of(Tuple::new(cx, &[this.function, this.iterator]));
        Value::of(Tuple::new(cx, &[Value::of(Value::of(this).class()), args]))
    }
}
