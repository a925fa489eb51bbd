//! Built-in functions that consume iterables.

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::total::{Sum, Total};
use taipan_runtime::protocol::{iter, object};
use taipan_runtime::types::bytes;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// The functions.
pub struct Iteration;

/// Truth of `a op b`.
#[inline]
fn ranks(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<bool> {
    match (a.as_small(), b.as_small()) {
        (Some(a), Some(b)) => Ok(op.holds(a.cmp(&b))),
        _ => compare::rich_bool(cx, a, b, op),
    }
}

fn best_of(cx: &mut Cx, args: Args, name: &str, op: CmpOp) -> PyResult<Value> {
    if args.pos().is_empty() {
        return raise!(cx, TypeError, "{name} expected at least 1 argument, got 0");
    }
    if args.kw_len() > 2 {
        let given = args.kw_len();
        return raise!(cx, TypeError, "{name}() takes at most 2 keyword arguments ({given} given)");
    }
    let (mut key, mut default) = (None, None);
    for (keyword, value) in args.keywords() {
        match &*keyword.to_string_lossy() {
            "key" => key = Some(value).filter(|k| !k.is_none()),
            "default" => default = Some(value),
            other => {
                return raise!(cx, TypeError, "{name}() got an unexpected keyword argument '{other}'");
            }
        }
    }
    let given = args.pos();
    if given.len() > 1 && default.is_some() {
        return raise!(cx, TypeError, "Cannot specify a default for {name}() with multiple positional arguments");
    }
    let mut best: Option<(Value, Value)> = None;
    let mut visit = |cx: &mut Cx, item: Value| -> PyResult<bool> {
        let rank = match key {
            Some(key) => cx.call(key, &[item])?,
            None => item,
        };
        best = match best {
            Some((_, best_rank)) if !ranks(cx, rank, best_rank, op)? => best,
            _ => Some((item, rank)),
        };
        Ok(true)
    };
    if let [only] = given {
        iter::for_each(cx, *only, &mut visit)?;
    } else {
        for item in given {
            visit(cx, *item)?;
        }
    }
    match best.map(|b| b.0).or(default) {
        Some(item) => Ok(item),
        None => raise!(cx, ValueError, "{name}() iterable argument is empty"),
    }
}

/// The total with the numbers added with which a list or tuple begins, and how many these are: ints while the total is one,
/// or floats.
fn add_numbers(mut total: Total, iterable: Value) -> (Total, usize) {
    let words = match (iterable.exact::<List>(), iterable.exact::<Tuple>()) {
        (Some(list), _) if list.is_empty() => return (total, 0),
        (Some(list), _) if list.is_bools() => {
            let Total::Int(sum) = total else { return (total, 0) };
            let bools = list.bools().unwrap_or_default();
            let more: i64 = bools.iter().map(|b| i64::from(*b)).sum();
            return sum.checked_add(more).map_or((total, 0), |sum| (Total::Int(sum), bools.len()));
        }
        (Some(list), _) => match list.doubles() {
            Some(doubles) => {
                // The int 0 and a float are that float.
                let mut sum = match total {
                    Total::Float(sum) => sum,
                    Total::Int(0) => Sum::default(),
                    _ => return (total, 0),
                };
                doubles.iter().for_each(|d| sum.add(*d));
                return (Total::Float(sum), doubles.len());
            }
            None => list.items(),
        },
        (_, Some(tuple)) => tuple.items(),
        _ => return (total, 0),
    };
    let mut done = 0;
    for v in words {
        match &mut total {
            Total::Int(sum) => match v.as_small().and_then(|i| sum.checked_add(i)) {
                Some(next) => *sum = next,
                None => break,
            },
            Total::Float(sum) if v.is_flonum() => sum.add(v.flonum_unchecked()),
            _ => break,
        }
        done += 1;
    }
    (total, done)
}

#[pymethods]
impl Iteration {
    /// Return True if bool(x) is True for all values x in the iterable.
    ///
    /// If the iterable is empty, return True.
    #[py("($module, iterable, /)")]
    fn all(cx: &mut Cx, iterable: Value) -> PyResult<bool> {
        let mut result = true;
        iter::for_each(cx, iterable, |cx, item| {
            result = object::truth(cx, item)?;
            Ok(result)
        })?;
        Ok(result)
    }

    /// Return True if bool(x) is True for any x in the iterable.
    ///
    /// If the iterable is empty, return False.
    #[py("($module, iterable, /)")]
    fn any(cx: &mut Cx, iterable: Value) -> PyResult<bool> {
        let mut result = false;
        iter::for_each(cx, iterable, |cx, item| {
            result = object::truth(cx, item)?;
            Ok(!result)
        })?;
        Ok(result)
    }

    /// max(iterable, *[, default=obj, key=func]) -> value
    /// max(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// With a single iterable argument, return its biggest item. The
    /// default keyword-only argument specifies an object to return if
    /// the provided iterable is empty.
    /// With two or more positional arguments, return the largest argument.
    #[py("($module, *args, **kwargs)", raw)]
    fn max(cx: &mut Cx, args: Args) -> PyResult<Value> {
        best_of(cx, args, "max", CmpOp::Gt)
    }

    /// min(iterable, *[, default=obj, key=func]) -> value
    /// min(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// With a single iterable argument, return its smallest item. The
    /// default keyword-only argument specifies an object to return if
    /// the provided iterable is empty.
    /// With two or more positional arguments, return the smallest argument.
    #[py("($module, *args, **kwargs)", raw)]
    fn min(cx: &mut Cx, args: Args) -> PyResult<Value> {
        best_of(cx, args, "min", CmpOp::Lt)
    }

    /// Return the sum of a 'start' value (default: 0) plus an iterable of numbers
    ///
    /// When the iterable is empty, return the start value.
    /// This function is intended specifically for use with numeric values and
    /// may reject non-numeric types.
    #[py("($module, iterable, /, start=0)")]
    fn sum(cx: &mut Cx, iterable: Value, start: Option<Value>) -> PyResult<Value> {
        let it = iter::iter(cx, iterable)?;
        let start = start.unwrap_or(Value::small(0));
        if start.downcast::<Str>().is_some() {
            return raise!(cx, TypeError, "sum() can't sum strings [use ''.join(seq) instead]");
        }
        if start.is_instance(&bytes::BYTES) {
            return raise!(cx, TypeError, "sum() can't sum bytes [use b''.join(seq) instead]");
        }
        if crate::is_native(start, "bytearray") {
            return raise!(cx, TypeError, "sum() can't sum bytearray [use b''.join(seq) instead]");
        }
        let (mut total, done) = add_numbers(Total::of(start), iterable);
        if let Some(it) = it.exact::<ListIter>() {
            it.index.set(done);
        } else if let Some(it) = it.exact::<TupleIter>() {
            it.index.set(done);
        }
        iter::for_rest(cx, it, |cx, item| {
            total = match (total, item.as_small()) {
                (Total::Int(sum), Some(i)) if sum.checked_add(i).is_some() => Total::Int(sum + i),
                (total, _) => total.add(cx, item)?,
            };
            Ok(true)
        })?;
        Ok(total.value(cx))
    }
}
