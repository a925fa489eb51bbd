//! Iteration, and what the built-in functions over iterables do (`sum`, `min`, `any`, ...).

use crate::cx::{Cx, Raised};
use crate::dict::Dict;
use crate::heap::RootVec;
use crate::native::Args;
use crate::protocol::compare::CmpOp;
use crate::protocol::sequence::check_len;
use crate::protocol::{compare, number, object};
use crate::types::bytes::Bytes;
use crate::types::generator::Generator;
use crate::types::list::List;
use crate::types::range::Range;
use crate::types::set::{self, Set};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int};
use crate::value::Value;
use crate::{PyResult, raise};

/// `iter(v)`.
pub fn iter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let slots = v.class().slots();
    if let Some(f) = slots.iter {
        let it = f(cx, v)?;
        if it.class().slots().next.is_none() {
            return raise!(cx, TypeError, "iter() returned non-iterator of type '{}'", it.class().tp_name());
        }
        return Ok(it);
    }
    let key = cx.names().__iter__;
    let disabled = cx.lookup_special(v, key).is_some_and(|f| f.is_none());
    if slots.getitem.is_some() && !disabled && crate::types::iterators::is_sequence(v) {
        return Ok(crate::types::iterators::new_sequence_iter(cx, v));
    }
    raise!(cx, TypeError, "'{}' object is not iterable", v.class().tp_name())
}

/// The next item of an iterator, None when exhausted (StopIteration included).
#[inline]
pub fn next(cx: &mut Cx, it: Value) -> PyResult<Option<Value>> {
    if let Some(generator) = it.exact::<Generator>()
        && let Some(result) = generator.next_item(cx)
    {
        return match result {
            Err(raised) => stopped(cx, raised),
            item => item,
        };
    }
    match it.class().slots().next {
        // Iterators over iterators (map, chain...) may be stacked deeply.
        Some(f) => match cx.nested("", |cx| f(cx, it)) {
            Err(raised) => stopped(cx, raised),
            result => result,
        },
        None => raise!(cx, TypeError, "'{}' object is not an iterator", it.class().tp_name()),
    }
}

/// An exception of an iterator: StopIteration is its end.
#[cold]
fn stopped(cx: &mut Cx, raised: Raised) -> PyResult<Option<Value>> {
    if cx.exception_matches(&crate::exceptions::StopIteration) {
        cx.take_exception();
        return Ok(None);
    }
    Err(raised)
}

/// Calls `f` with each item of an iterable until it returns false.
pub fn for_each(cx: &mut Cx, v: Value, mut f: impl FnMut(&mut Cx, Value) -> PyResult<bool>) -> PyResult<()> {
    if let Some(list) = v.exact::<List>() {
        let mut i = 0;
        while let Some(item) = list.get(i) {
            if !f(cx, item)? {
                return Ok(());
            }
            cx.check_shortage()?;
            i += 1;
        }
        return Ok(());
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        for item in tuple.items() {
            if !f(cx, *item)? {
                return Ok(());
            }
            cx.check_shortage()?;
        }
        return Ok(());
    }
    if let Some((start, step, len)) = v.exact::<Range>().and_then(|r| r.machine()) {
        for i in 0..len as i64 {
            if !f(cx, Value::small(start + i * step))? {
                return Ok(());
            }
            cx.check_shortage()?;
        }
        return Ok(());
    }
    let it = iter(cx, v)?;
    for_rest(cx, it, f)
}

/// Calls `f` with each item that an iterator still gives until it returns false.
#[inline]
pub fn for_rest(cx: &mut Cx, it: Value, mut f: impl FnMut(&mut Cx, Value) -> PyResult<bool>) -> PyResult<()> {
    let class = it.class();
    // What a Python class does for the next item may change on the way, and generators have a way of their own.
    let fixed = !class.is_heap_type() && it.exact::<Generator>().is_none();
    let Some(step) = class.slots().next.filter(|_| fixed) else {
        while let Some(item) = next(cx, it)? {
            if !f(cx, item)? {
                break;
            }
            cx.check_shortage()?;
        }
        return Ok(());
    };
    cx.nested("", |cx| {
        loop {
            match step(cx, it) {
                Ok(Some(item)) if f(cx, item)? => cx.check_shortage()?,
                Ok(_) => return Ok(()),
                Err(raised) => return stopped(cx, raised).map(|_| ()),
            }
        }
    })
}

/// All items of an iterable as a list object (a new one). May collect.
pub fn to_list(cx: &mut Cx, v: Value) -> PyResult<&'static List> {
    if let Some(list) = v.exact::<List>() {
        check_len(cx, list.len())?;
        return Ok(list.copy_range(cx, 0, list.len()));
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        check_len(cx, tuple.len())?;
        return Ok(List::from_slice(cx, tuple.items()));
    }
    let list = List::new(cx);
    extend(cx, list, v)?;
    Ok(list)
}

/// All items of an iterable as a tuple; an exact tuple is returned as it is. May collect.
pub fn to_tuple(cx: &mut Cx, v: Value) -> PyResult<&'static Tuple> {
    if let Some(tuple) = v.exact::<Tuple>() {
        return Ok(tuple);
    }
    if let Some(list) = v.exact::<List>() {
        return Ok(list.to_tuple(cx));
    }
    let list = List::new(cx);
    extend(cx, list, v)?;
    Ok(Tuple::new(cx, list.items()))
}

/// A new list of what is left in the iterator `it` of `source`. May collect.
pub fn list_from_iter(cx: &mut Cx, it: Value, source: Value) -> PyResult<&'static List> {
    let list = List::new(cx);
    let hint = length_hint(cx, source)?;
    reserve_hint(cx, list, hint)?;
    drain(cx, list, it)?;
    Ok(list)
}

fn reserve_hint(cx: &mut Cx, list: &'static List, hint: usize) -> PyResult<()> {
    if hint > 0 && hint < 1 << 24 { list.make_room(cx, hint) } else { Ok(()) }
}

/// Appends all items of an iterable to a list. May collect.
pub fn extend(cx: &mut Cx, list: &'static List, v: Value) -> PyResult<()> {
    if extend_directly(cx, list, v)? {
        return Ok(());
    }
    let it = iter(cx, v)?;
    let hint = length_hint(cx, v)?;
    // A hint that no list could ever follow is a lie.
    if list.len().saturating_add(hint) <= isize::MAX as usize {
        crate::buffer::check_size(cx, hint.saturating_mul(8))?;
    }
    reserve_hint(cx, list, hint)?;
    drain(cx, list, it)
}

/// Appends the items of exact built-in containers without an iterator; false for other objects.
fn extend_directly(cx: &mut Cx, list: &'static List, v: Value) -> PyResult<bool> {
    if let Some(other) = v.exact::<List>() {
        let n = other.len();
        if std::ptr::eq(other, list) {
            if n > 0 {
                list.try_reserve(cx, 2 * n)?;
                list.repeat_in_place(cx, 1);
            }
        } else {
            check_len(cx, list.len() + n)?;
            list.extend_from_list(cx, other);
        }
    } else if let Some(tuple) = v.exact::<Tuple>() {
        check_len(cx, list.len() + tuple.len())?;
        list.extend_from_slice(cx, tuple.items());
    } else if let Some(range) = v.exact::<Range>() {
        let Some((start, step, len)) = range.machine() else { return Ok(false) };
        list.make_room(cx, len as usize)?;
        for i in 0..len as i64 {
            list.push(cx, Value::small(start + i * step));
        }
    } else if let Some(dict) = v.exact::<Dict>() {
        list.make_room(cx, dict.len())?;
        let mut position = 0;
        while let Some((key, _)) = dict.next_item(&mut position) {
            list.push(cx, key);
        }
    } else if let Some(set) = exact_set(v) {
        list.make_room(cx, set.len())?;
        let mut position = 0;
        while let Some((key, _)) = set.next_item(&mut position) {
            list.push(cx, key);
        }
    } else if let Some(text) = v.exact::<Str>() {
        list.make_room(cx, text.len())?;
        for c in text.chars() {
            let c = cx.char(c);
            list.push(cx, Value::of(c));
        }
    } else if let Some(bytes) = v.exact::<Bytes>() {
        list.make_room(cx, bytes.len())?;
        for b in bytes.data() {
            list.push(cx, Value::small((*b).into()));
        }
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn exact_set(v: Value) -> Option<&'static Set> {
    set::as_set(v).filter(|_| !v.class().is_heap_type())
}

/// Appends what is left in an iterator. May collect.
pub fn drain(cx: &mut Cx, list: &'static List, it: Value) -> PyResult<()> {
    for_rest(cx, it, |cx, item| {
        list.push(cx, item);
        Ok(true)
    })
}

/// All items of an iterable, kept alive by the vector. May collect.
pub fn collect(cx: &mut Cx, v: Value) -> PyResult<RootVec> {
    let list = to_list(cx, v)?;
    Ok(RootVec::from_slice(list.items()))
}

/// `operator.length_hint(v, 0)`.
pub fn length_hint(cx: &mut Cx, v: Value) -> PyResult<usize> {
    length_hint_or(cx, v, 0)
}

/// `operator.length_hint(v, default)`.
pub fn length_hint_or(cx: &mut Cx, v: Value, default: usize) -> PyResult<usize> {
    if let Some(f) = v.class().slots().len {
        let r = f(cx, v);
        if let Some(n) = cx.catch(r, &crate::exceptions::TypeError)? {
            return Ok(n);
        }
    }
    let key = cx.names().__length_hint__;
    let Some(f) = cx.lookup_special(v, key) else { return Ok(default) };
    let r = crate::protocol::call::call_unbound(cx, f, v, &[]);
    let Some(r) = cx.catch(r, &crate::exceptions::TypeError)? else { return Ok(default) };
    if r.is_not_implemented() {
        return Ok(default);
    }
    if !int::check(r) {
        return raise!(cx, TypeError, "__length_hint__ must be an integer, not {}", r.class().tp_name());
    }
    let n = number::to_isize(cx, r)?;
    if n < 0 {
        return raise!(cx, ValueError, "__length_hint__() should return >= 0");
    }
    Ok(n as usize)
}

/// `item in v` by comparing with each item.
pub fn contains_by_iteration(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let it = match iter(cx, v) {
        Ok(it) => it,
        Err(_) if cx.exception_matches(&crate::exceptions::TypeError) => {
            cx.take_exception();
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "argument of type '{got}' is not a container or iterable");
        }
        Err(e) => return Err(e),
    };
    while let Some(x) = next(cx, it)? {
        if compare::equal(cx, x, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

// ---- built-in functions --------------------------------------------------------------------------

/// `any(v)`.
pub fn any(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let mut found = false;
    for_each(cx, v, |cx, item| {
        found = object::truth(cx, item)?;
        Ok(!found)
    })?;
    Ok(found)
}

/// `all(v)`.
pub fn all(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let mut holds = true;
    for_each(cx, v, |cx, item| {
        holds = object::truth(cx, item)?;
        Ok(holds)
    })?;
    Ok(holds)
}

/// `sorted(v, key=key, reverse=reverse)`. May collect.
pub fn sorted(cx: &mut Cx, v: Value, key: Option<Value>, reverse: bool) -> PyResult<&'static List> {
    crate::types::list_sort::sorted(cx, v, key.filter(|k| !k.is_none()), reverse)
}

/// `min(*args, key=, default=)` or, with `op` Gt, `max(...)`: all argument handling included.
pub fn min_max(cx: &mut Cx, args: Args, op: CmpOp) -> PyResult<Value> {
    let name = if op == CmpOp::Gt { "max" } else { "min" };
    let (mut key, mut default) = (None, None);
    for (keyword, value) in args.keywords() {
        if keyword.eq_rust("key") {
            key = Some(value).filter(|k| !k.is_none());
        } else if keyword.eq_rust("default") {
            default = Some(value);
        } else {
            return Err(crate::exceptions::unexpected_keyword(cx, name, keyword, &["key", "default"]));
        }
    }
    let mut best: Option<(Value, Value)> = None;
    let mut consider = |cx: &mut Cx, item: Value| -> PyResult<bool> {
        let rank = match key {
            Some(f) => cx.call(f, &[item])?,
            None => item,
        };
        best = match best {
            Some((_, other)) if !compare::rich_bool(cx, rank, other, op)? => best,
            _ => Some((item, rank)),
        };
        Ok(true)
    };
    match args.pos() {
        [] => return raise!(cx, TypeError, "{name} expected at least 1 argument, got 0"),
        [iterable] => for_each(cx, *iterable, consider)?,
        _ if default.is_some() => {
            return raise!(cx, TypeError, "Cannot specify a default for {name}() with multiple positional arguments");
        }
        items => {
            for item in items {
                consider(cx, *item)?;
            }
        }
    }
    match (best, default) {
        (Some((item, _)), _) => Ok(item),
        (None, Some(default)) => Ok(default),
        (None, None) => raise!(cx, ValueError, "{name}() iterable argument is empty"),
    }
}

/// A float sum with compensation (Neumaier), as `sum` uses it since 3.12.
#[derive(Clone, Copy, Default)]
pub struct CompensatedSum {
    high: f64,
    low: f64,
}

impl CompensatedSum {
    /// A sum that starts at `start`.
    pub fn new(start: f64) -> CompensatedSum {
        CompensatedSum { high: start, low: 0.0 }
    }

    /// Adds a number.
    #[inline(always)]
    pub fn add(&mut self, x: f64) {
        let t = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - t) + x } else { (x - t) + self.high };
        self.high = t;
    }

    /// The result.
    pub fn total(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// What `sum` has so far.
enum Sum {
    Int(i64),
    Float(CompensatedSum),
    Other(Value),
}

/// `sum(v, start)`.
pub fn sum(cx: &mut Cx, v: Value, start: Option<Value>) -> PyResult<Value> {
    let start = start.unwrap_or(Value::small(0));
    if start.downcast::<Str>().is_some() {
        return raise!(cx, TypeError, "sum() can't sum strings [use ''.join(seq) instead]");
    }
    if start.downcast::<Bytes>().is_some() {
        return raise!(cx, TypeError, "sum() can't sum bytes [use b''.join(seq) instead]");
    }
    if start.class().name() == "bytearray" && !start.class().is_heap_type() {
        return raise!(cx, TypeError, "sum() can't sum bytearray [use b''.join(seq) instead]");
    }
    let mut total = if let Some(i) = start.as_small() {
        Sum::Int(i)
    } else if exact_float(start) {
        Sum::Float(CompensatedSum::new(float::of(start)))
    } else {
        Sum::Other(start)
    };
    for_each(cx, v, |cx, item| {
        add_to_sum(cx, &mut total, item)?;
        Ok(true)
    })?;
    Ok(match total {
        Sum::Int(i) => cx.int(i),
        Sum::Float(s) => cx.float(s.total()),
        Sum::Other(v) => v,
    })
}

fn exact_float(v: Value) -> bool {
    v.is_flonum() || v.exact_class(&float::FLOAT)
}

fn exact_int_or_bool(v: Value) -> Option<i64> {
    if let Some(i) = v.as_small() {
        return Some(i);
    }
    if v.exact_class(&crate::types::boolean::BOOL) {
        return Some(i64::from(v == Value::bool(true)));
    }
    None
}

#[inline]
fn add_to_sum(cx: &mut Cx, total: &mut Sum, item: Value) -> PyResult<()> {
    match total {
        Sum::Int(sum) => {
            if let Some(i) = exact_int_or_bool(item)
                && let Some(next) = sum.checked_add(i)
            {
                *sum = next;
                return Ok(());
            }
            let left = cx.int(*sum);
            let next = number::binary(cx, left, item, &number::ADD)?;
            *total = if exact_float(next) {
                Sum::Float(CompensatedSum::new(float::of(next)))
            } else {
                match next.as_small() {
                    Some(i) => Sum::Int(i),
                    None => Sum::Other(next),
                }
            };
        }
        Sum::Float(sum) => {
            if exact_float(item) {
                sum.add(float::of(item));
                return Ok(());
            }
            if let Some(i) = int::as_i64(item) {
                sum.high += i as f64;
                return Ok(());
            }
            let left = cx.float(sum.total());
            let next = number::binary(cx, left, item, &number::ADD)?;
            *total =
                if exact_float(next) { Sum::Float(CompensatedSum::new(float::of(next))) } else { Sum::Other(next) };
        }
        Sum::Other(sum) => {
            let next = number::binary(cx, *sum, item, &number::ADD)?;
            *total = Sum::Other(next);
        }
    }
    Ok(())
}
