//! Built-in functions that consume iterables.

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::total::Total;
use taipan_runtime::protocol::{iter, object};
use taipan_runtime::types::bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// The functions.
pub struct Iteration;

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
            Some((_, best_rank)) if !compare::rich_bool(cx, rank, best_rank, op)? => best,
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
        let mut total = Total::of(start);
        while let Some(item) = iter::next(cx, it)? {
            total = total.add(cx, item)?;
        }
        Ok(total.value(cx))
    }
}
