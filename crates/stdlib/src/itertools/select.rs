//! accumulate, compress, dropwhile, takewhile, filterfalse, islice, starmap.

use std::cell::Cell;

use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, number, object, sequence};
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::int;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::exact_args;
use crate::{iterator_class, params};

/// `accumulate(iterable, func, initial=)`.
#[repr(C)]
pub struct Accumulate {
    header: Header,
    iterator: Value,
    function: Option<Value>,
    initial: Cell<Option<Value>>,
    total: Cell<Option<Value>>,
}
trace_values!(trace_accumulate, Accumulate, |t| [t.iterator, t.function, t.initial.get(), t.total.get()]);
iterator_class! {
    /// The type `itertools.accumulate`.
    ACCUMULATE: Accumulate = "itertools.accumulate", flags::BASETYPE, trace_accumulate, Some(new_accumulate),
    next_accumulate, &[], "(iterable, func=None, *, initial=None)", "Return series of accumulated sums (or other binary function results)."
}

fn new_accumulate(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    bind(cx, params!("accumulate", ["iterable", "func"], 1, ["initial"]), args, &mut bound)?;
    let iterator = iter::iter(cx, bound[0].expect("required"))?;
    let given = |v: Option<Value>| v.filter(|v| !v.is_none());
    Ok(Value::of(cx.alloc_of(
        class,
        Accumulate {
            header: Header::fresh(class),
            iterator,
            function: given(bound[1]),
            initial: Cell::new(given(bound[2])),
            total: Cell::new(None),
        },
    )))
}

fn next_accumulate(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of accumulate.
    let this = unsafe { v.cast::<Accumulate>() };
    let next = if let Some(initial) = this.initial.take() {
        initial
    } else {
        let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
        match (this.total.get(), this.function) {
            (None, _) => item,
            (Some(total), Some(f)) => cx.call(f, &[total, item])?,
            (Some(total), None) => number::binary(cx, total, item, &number::ADD)?,
        }
    };
    this.total.set(Some(next));
    cx.barrier(this);
    Ok(Some(next))
}

/// An iterator with something that judges its items: a predicate, or a second iterator.
#[repr(C)]
pub struct Judged {
    header: Header,
    judge: Value,
    iterator: Value,
    /// takewhile: stopped; dropwhile: started.
    done: Cell<bool>,
}
trace_values!(trace_judged, Judged, |t| [t.judge, t.iterator]);

macro_rules! judged_class {
    ($(#[$meta:meta])* $name:ident, $layout:ident, $text:literal, $new:expr, $next:expr, $signature:literal, $doc:expr) => {
        /// Layout of this type.
        #[repr(C)]
        pub struct $layout(Judged);
        iterator_class! {
            $(#[$meta])*
            $name: $layout = $text, flags::BASETYPE, trace_judged, Some($new), $next, &[], $signature, $doc
        }
        impl $layout {
            fn make(cx: &mut Cx, class: &'static Type, judge: Value, iterator: Value) -> Value {
                let judged = Judged { header: Header::fresh(class), judge, iterator, done: Cell::new(false) };
                Value::of(cx.alloc_of(class, $layout(judged)))
            }
        }
    };
}

judged_class! {
    /// The type `itertools.compress`.
    COMPRESS, Compress, "itertools.compress", |cx, class, args| {
        let mut bound = [None; 2];
        bind(cx, params!("compress", ["data", "selectors"], 2, []), args, &mut bound)?;
        let data = iter::iter(cx, bound[0].expect("required"))?;
        let selectors = iter::iter(cx, bound[1].expect("required"))?;
        Ok(Compress::make(cx, class, selectors, data))
    }, next_compress, "(data, selectors)", "Return data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected data elements using the selectors\nto choose the data elements."
}
judged_class! {
    /// The type `itertools.dropwhile`.
    DROPWHILE, DropWhile, "itertools.dropwhile", |cx, class, args| {
        let [judge, iterable] = exact_args(cx, "dropwhile", args, !std::ptr::eq(class, &DROPWHILE))?;
        let iterator = iter::iter(cx, iterable)?;
        Ok(DropWhile::make(cx, class, judge, iterator))
    }, next_dropwhile, "(predicate, iterable, /)", "Drop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the iterable is exhausted."
}
judged_class! {
    /// The type `itertools.takewhile`.
    TAKEWHILE, TakeWhile, "itertools.takewhile", |cx, class, args| {
        let [judge, iterable] = exact_args(cx, "takewhile", args, !std::ptr::eq(class, &TAKEWHILE))?;
        let iterator = iter::iter(cx, iterable)?;
        Ok(TakeWhile::make(cx, class, judge, iterator))
    }, next_takewhile, "(predicate, iterable, /)", "Return successive entries from an iterable as long as the predicate evaluates to true for each entry."
}
judged_class! {
    /// The type `itertools.filterfalse`.
    FILTERFALSE, FilterFalse, "itertools.filterfalse", |cx, class, args| {
        let [judge, iterable] = exact_args(cx, "filterfalse", args, !std::ptr::eq(class, &FILTERFALSE))?;
        let iterator = iter::iter(cx, iterable)?;
        Ok(FilterFalse::make(cx, class, judge, iterator))
    }, next_filterfalse, "(function, iterable, /)", "Return those items of iterable for which function(item) is false.\n\nIf function is None, return the items that are false."
}
judged_class! {
    /// The type `itertools.starmap`.
    STARMAP, StarMap, "itertools.starmap", |cx, class, args| {
        let [judge, iterable] = exact_args(cx, "starmap", args, !std::ptr::eq(class, &STARMAP))?;
        let iterator = iter::iter(cx, iterable)?;
        Ok(StarMap::make(cx, class, judge, iterator))
    }, next_starmap, "(function, iterable, /)", "Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence."
}

#[inline(always)]
fn judged(v: Value) -> &'static Judged {
    // SAFETY: the slots of the classes above, whose layouts consist of this one.
    unsafe { &v.cast::<Compress>().0 }
}

fn next_compress(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = judged(v);
    loop {
        let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
        let Some(selector) = iter::next(cx, this.judge)? else { return Ok(None) };
        if object::truth(cx, selector)? {
            return Ok(Some(item));
        }
    }
}

fn next_dropwhile(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = judged(v);
    loop {
        let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
        if this.done.get() {
            return Ok(Some(item));
        }
        let verdict = cx.call(this.judge, &[item])?;
        if !object::truth(cx, verdict)? {
            this.done.set(true);
            return Ok(Some(item));
        }
    }
}

fn next_takewhile(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = judged(v);
    if this.done.get() {
        return Ok(None);
    }
    let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
    let verdict = cx.call(this.judge, &[item])?;
    if object::truth(cx, verdict)? {
        return Ok(Some(item));
    }
    this.done.set(true);
    Ok(None)
}

fn next_filterfalse(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = judged(v);
    let plain = this.judge.is_none() || this.judge == Value::of(&taipan_runtime::types::boolean::BOOL);
    loop {
        let Some(item) = iter::next(cx, this.iterator)? else { return Ok(None) };
        let verdict = if plain { item } else { cx.call(this.judge, &[item])? };
        if !object::truth(cx, verdict)? {
            return Ok(Some(item));
        }
    }
}

fn next_starmap(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = judged(v);
    let Some(args) = iter::next(cx, this.iterator)? else { return Ok(None) };
    let args = iter::to_tuple(cx, args)?;
    cx.call(this.judge, args.items()).map(Some)
}

/// `islice(iterable, start, stop, step)`.
#[repr(C)]
pub struct Islice {
    header: Header,
    iterator: Cell<Option<Value>>,
    /// Index of the next item wanted.
    next: Cell<usize>,
    /// Index to stop at, `usize::MAX` for none.
    stop: usize,
    step: usize,
    /// Items taken from the iterator.
    count: Cell<usize>,
}
trace_values!(trace_islice, Islice, |t| [t.iterator.get()]);
iterator_class! {
    /// The type `itertools.islice`.
    ISLICE: Islice = "itertools.islice", flags::BASETYPE, trace_islice, Some(new_islice), next_islice, &[], "",
    "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an iterator whose next() method returns selected values from an\niterable.  If start is specified, will skip all preceding elements;\notherwise, start defaults to zero.  Step defaults to one.  If\nspecified as another value, step determines how many values are\nskipped between successive calls.  Works like a slice() on a list\nbut returns an iterator."
}

/// A bound of islice: None gives `default`; None as result is an error.
fn islice_bound(cx: &mut Cx, v: Value, default: usize) -> PyResult<Option<usize>> {
    if v.is_none() {
        return Ok(Some(default));
    }
    if !sequence::is_index(v) {
        return Ok(None);
    }
    let i = number::index(cx, v)?;
    Ok(int::as_i64(i).filter(|i| *i >= 0).map(|i| i as usize))
}

fn new_islice(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    const STOP: &str = "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const INDICES: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    if args.kwnames().is_some() && std::ptr::eq(class, &ISLICE) {
        return raise!(cx, TypeError, "islice() takes no keyword arguments");
    }
    let given = args.pos();
    if given.len() < 2 || given.len() > 4 {
        let (word, n) = if given.len() < 2 { ("least", 2) } else { ("most", 4) };
        return raise!(cx, TypeError, "islice expected at {word} {n} arguments, got {}", given.len());
    }
    let (start, stop) = if given.len() == 2 {
        match islice_bound(cx, given[1], usize::MAX)? {
            Some(stop) => (0, stop),
            None => return raise!(cx, ValueError, "{STOP}"),
        }
    } else {
        let Some(stop) = islice_bound(cx, given[2], usize::MAX)? else { return raise!(cx, ValueError, "{STOP}") };
        let Some(start) = islice_bound(cx, given[1], 0)? else { return raise!(cx, ValueError, "{INDICES}") };
        (start, stop)
    };
    let step = match given.get(3) {
        Some(step) => islice_bound(cx, *step, 1)?.filter(|s| *s > 0),
        None => Some(1),
    };
    let Some(step) = step else {
        return raise!(cx, ValueError, "Step for islice() must be a positive integer or None.");
    };
    let iterator = Cell::new(Some(iter::iter(cx, given[0])?));
    let (next, count) = (Cell::new(start), Cell::new(0));
    Ok(Value::of(cx.alloc_of(class, Islice { header: Header::fresh(class), iterator, next, stop, step, count })))
}

fn next_islice(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of islice.
    let this = unsafe { v.cast::<Islice>() };
    let Some(it) = this.iterator.get() else { return Ok(None) };
    let wanted = this.next.get();
    while this.count.get() < wanted {
        if iter::next(cx, it)?.is_none() {
            this.iterator.set(None);
            return Ok(None);
        }
        this.count.set(this.count.get() + 1);
    }
    if this.count.get() >= this.stop {
        this.iterator.set(None);
        return Ok(None);
    }
    let item = iter::next(cx, it)?;
    if item.is_none() {
        this.iterator.set(None);
        return Ok(None);
    }
    this.count.set(this.count.get() + 1);
    this.next.set(wanted.saturating_add(this.step).min(this.stop));
    Ok(item)
}
