//! count, cycle, repeat, chain.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, number, object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::exact_args;
use crate::{iterator_class, params};

/// `count(start, step)`.
#[repr(C)]
pub struct Count {
    header: Header,
    next: Cell<Value>,
    step: Value,
}
trace_values!(trace_count, Count, |t| [t.next.get(), t.step]);

/// The type `itertools.count`.
pub static COUNT: Type = Type::new({
    static SPEC: taipan_runtime::typeobj::TypeSpec = taipan_runtime::typeobj::TypeSpec {
        name: "itertools.count",
        basicsize: std::mem::size_of::<Count>(),
        flags: flags::HAVE_GC | flags::BASETYPE,
        trace: Some(trace_count),
        slots: Slots {
            iter: Some(taipan_runtime::types::iterators::itself),
            next: Some(next_count),
            new: Some(new_count),
            repr: Some(repr_count),
            ..Slots::NONE
        },
        doc: "Return a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step",
        signature: "(start=0, step=1)",
        ..taipan_runtime::typeobj::TypeSpec::DEFAULT
    };
    &SPEC
});
taipan_runtime::object!(Count, COUNT);

fn is_number(v: Value) -> bool {
    let slots = v.class().slots();
    slots.index.is_some() || slots.int.is_some() || slots.float.is_some() || v.class().name() == "complex"
}

fn new_count(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, params!("count", ["start", "step"], 0, []), args, &mut bound)?;
    let [start, step] = [bound[0].unwrap_or(Value::small(0)), bound[1].unwrap_or(Value::small(1))];
    if !is_number(start) || !is_number(step) {
        return raise!(cx, TypeError, "a number is required");
    }
    Ok(Value::of(cx.alloc_of(class, Count { header: Header::fresh(class), next: Cell::new(start), step })))
}

fn next_count(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of count.
    let this = unsafe { v.cast::<Count>() };
    let item = this.next.get();
    if let (Some(i), Some(step)) = (item.as_small(), this.step.as_small())
        && let Some(next) = Value::try_small(i + step)
    {
        this.next.set(next);
        return Ok(Some(item));
    }
    let next = number::binary(cx, item, this.step, &number::ADD)?;
    this.next.set(next);
    cx.barrier(this);
    Ok(Some(item))
}

fn repr_count(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of count.
    let this = unsafe { v.cast::<Count>() };
    let name = v.class().name();
    let next = object::repr_text(cx, this.next.get())?;
    if this.step == Value::small(1) {
        return Ok(cx.str(&format!("{name}({next})")));
    }
    let step = object::repr_text(cx, this.step)?;
    Ok(cx.str(&format!("{name}({next}, {step})")))
}

/// `cycle(iterable)`.
#[repr(C)]
pub struct Cycle {
    header: Header,
    iterator: Cell<Option<Value>>,
    saved: &'static List,
    index: Cell<usize>,
}
trace_values!(trace_cycle, Cycle, |t| [t.iterator.get(), Value::of(t.saved)]);
iterator_class! {
    /// The type `itertools.cycle`.
    CYCLE: Cycle = "itertools.cycle", flags::BASETYPE, trace_cycle, Some(new_cycle), next_cycle, &[], "(iterable, /)",
    "Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely."
}

fn new_cycle(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [iterable] = exact_args(cx, "cycle", args, !std::ptr::eq(class, &CYCLE))?;
    let iterator = iter::iter(cx, iterable)?;
    let saved = List::new(cx);
    let (iterator, index) = (Cell::new(Some(iterator)), Cell::new(0));
    Ok(Value::of(cx.alloc_of(class, Cycle { header: Header::fresh(class), iterator, saved, index })))
}

fn next_cycle(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of cycle.
    let this = unsafe { v.cast::<Cycle>() };
    if let Some(it) = this.iterator.get() {
        if let Some(item) = iter::next(cx, it)? {
            this.saved.push(cx, item);
            return Ok(Some(item));
        }
        this.iterator.set(None);
    }
    let i = this.index.get();
    let Some(item) = this.saved.get(i) else { return Ok(None) };
    this.index.set(if i + 1 < this.saved.len() { i + 1 } else { 0 });
    Ok(Some(item))
}

/// `repeat(object, times)`.
#[repr(C)]
pub struct Repeat {
    header: Header,
    object: Value,
    /// Times left, -1 for ever.
    left: Cell<i64>,
}
trace_values!(trace_repeat, Repeat, |t| [t.object]);

/// The type `itertools.repeat`.
pub static REPEAT: Type = Type::new({
    static SPEC: taipan_runtime::typeobj::TypeSpec = taipan_runtime::typeobj::TypeSpec {
        name: "itertools.repeat",
        basicsize: std::mem::size_of::<Repeat>(),
        flags: flags::HAVE_GC | flags::BASETYPE,
        trace: Some(trace_repeat),
        slots: Slots {
            iter: Some(taipan_runtime::types::iterators::itself),
            next: Some(next_repeat),
            new: Some(new_repeat),
            repr: Some(repr_repeat),
            ..Slots::NONE
        },
        methods: &[Repeat::METHODS],
        doc: "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns the object\nendlessly.",
        ..taipan_runtime::typeobj::TypeSpec::DEFAULT
    };
    &SPEC
});
taipan_runtime::object!(Repeat, REPEAT);

fn new_repeat(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, params!("repeat", ["object", "times"], 1, []), args, &mut bound)?;
    let object = bound[0].expect("required");
    let left = match bound[1] {
        Some(times) => number::to_isize(cx, times)?.max(0) as i64,
        None => -1,
    };
    Ok(Value::of(cx.alloc_of(class, Repeat { header: Header::fresh(class), object, left: Cell::new(left) })))
}

fn next_repeat(_: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of repeat.
    let this = unsafe { v.cast::<Repeat>() };
    match this.left.get() {
        0 => return Ok(None),
        n if n > 0 => this.left.set(n - 1),
        _ => {}
    }
    Ok(Some(this.object))
}

fn repr_repeat(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of repeat.
    let this = unsafe { v.cast::<Repeat>() };
    let name = v.class().name();
    let object = object::repr_text(cx, this.object)?;
    Ok(match this.left.get() {
        -1 => cx.str(&format!("{name}({object})")),
        n => cx.str(&format!("{name}({object}, {n})")),
    })
}

#[pymethods]
impl Repeat {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(cx: &mut Cx, this: &'static Repeat) -> PyResult<i64> {
        match this.left.get() {
            -1 => raise!(cx, TypeError, "len() of unsized object"),
            n => Ok(n),
        }
    }
}

/// `chain(*iterables)`.
#[repr(C)]
pub struct Chain {
    header: Header,
    /// Iterator over the iterables, None when exhausted.
    source: Cell<Option<Value>>,
    /// Iterator over the current one.
    active: Cell<Option<Value>>,
}
trace_values!(trace_chain, Chain, |t| [t.source.get(), t.active.get()]);
iterator_class! {
    /// The type `itertools.chain`.
    CHAIN: Chain = "itertools.chain", flags::BASETYPE, trace_chain, Some(new_chain), next_chain, &[Chain::METHODS],
    "(*iterables)", "Return a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, then elements from the next\niterable, until all of the iterables are exhausted."
}

fn make_chain(cx: &mut Cx, class: &'static Type, source: Value) -> Value {
    let (source, active) = (Cell::new(Some(source)), Cell::new(None));
    Value::of(cx.alloc_of(class, Chain { header: Header::fresh(class), source, active }))
}

fn new_chain(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && std::ptr::eq(class, &CHAIN) {
        return raise!(cx, TypeError, "chain() takes no keyword arguments");
    }
    let iterables = Value::of(Tuple::new(cx, args.pos()));
    let source = iter::iter(cx, iterables)?;
    Ok(make_chain(cx, class, source))
}

fn next_chain(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of chain.
    let this = unsafe { v.cast::<Chain>() };
    loop {
        if let Some(active) = this.active.get() {
            if let Some(item) = iter::next(cx, active)? {
                return Ok(Some(item));
            }
            this.active.set(None);
        }
        let Some(source) = this.source.get() else { return Ok(None) };
        let next = match iter::next(cx, source) {
            Ok(Some(iterable)) => iter::iter(cx, iterable),
            Ok(None) => {
                this.source.set(None);
                return Ok(None);
            }
            Err(e) => Err(e),
        };
        if next.is_err() {
            this.source.set(None);
        }
        this.active.set(Some(next?));
        cx.barrier(this);
    }
}

#[pymethods]
impl Chain {
    /// Alternative chain() constructor taking a single iterable argument that evaluates lazily.
    #[py("($type, iterable, /)")]
    #[classmethod]
    fn from_iterable(cx: &mut Cx, class: &'static Type, iterable: Value) -> PyResult<Value> {
        let source = iter::iter(cx, iterable)?;
        Ok(make_chain(cx, class, source))
    }

    /// chain is generic over the type of its contents.
    /// This is the union of the types of the input iterable contents.
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        taipan_runtime::types::typing::new_generic_alias(cx, class, item)
    }
}
