//! Iteration.

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::protocol::{compare, number};
use crate::types::list::List;
use crate::types::tuple::Tuple;
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
    match it.class().slots().next {
        Some(f) => match f(cx, it) {
            Err(_) if cx.exception_matches(&crate::exceptions::StopIteration) => {
                cx.take_exception();
                Ok(None)
            }
            result => result,
        },
        None => raise!(cx, TypeError, "'{}' object is not an iterator", it.class().tp_name()),
    }
}

/// Calls `f` with each item of an iterable until it returns false.
pub fn for_each(cx: &mut Cx, v: Value, mut f: impl FnMut(&mut Cx, Value) -> PyResult<bool>) -> PyResult<()> {
    if let Some(list) = v.exact::<List>() {
        let mut i = 0;
        while let Some(item) = list.get(i) {
            if !f(cx, item)? {
                return Ok(());
            }
            i += 1;
        }
        return Ok(());
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        for item in tuple.items() {
            if !f(cx, *item)? {
                return Ok(());
            }
        }
        return Ok(());
    }
    let it = iter(cx, v)?;
    while let Some(item) = next(cx, it)? {
        if !f(cx, item)? {
            break;
        }
    }
    Ok(())
}

/// All items of an iterable as a list object (a new one). May collect.
pub fn to_list(cx: &mut Cx, v: Value) -> PyResult<&'static List> {
    if let Some(list) = v.exact::<List>() {
        return Ok(List::from_slice(cx, list.items()));
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        return Ok(List::from_slice(cx, tuple.items()));
    }
    let list = List::new(cx);
    extend(cx, list, v)?;
    Ok(list)
}

/// Appends all items of an iterable to a list. May collect.
pub fn extend(cx: &mut Cx, list: &'static List, v: Value) -> PyResult<()> {
    let it = iter(cx, v)?;
    let hint = length_hint(cx, v)?;
    if hint > 0 && hint < 1 << 24 {
        list.reserve(cx, list.len() + hint);
    }
    while let Some(item) = next(cx, it)? {
        list.push(cx, item);
    }
    Ok(())
}

/// All items of an iterable, kept alive by the vector. May collect.
pub fn collect(cx: &mut Cx, v: Value) -> PyResult<RootVec> {
    let list = to_list(cx, v)?;
    Ok(RootVec::from_slice(list.items()))
}

/// `operator.length_hint(v, 0)`.
pub fn length_hint(cx: &mut Cx, v: Value) -> PyResult<usize> {
    if let Some(f) = v.class().slots().len {
        let r = f(cx, v);
        return match cx.catch(r, &crate::exceptions::TypeError)? {
            Some(n) => Ok(n),
            None => Ok(0),
        };
    }
    let key = cx.names().__length_hint__;
    let Some(f) = cx.lookup_special(v, key) else { return Ok(0) };
    let r = crate::protocol::call::call_unbound(cx, f, v, &[]);
    let Some(r) = cx.catch(r, &crate::exceptions::TypeError)? else { return Ok(0) };
    if r.is_not_implemented() {
        return Ok(0);
    }
    if !crate::types::int::check(r) {
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
        Err(_) if cx.exception_matches(&crate::exceptions::TypeError) && v.class().slots().iter.is_none() => {
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
