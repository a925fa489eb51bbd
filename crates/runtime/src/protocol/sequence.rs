//! Helpers of sequence types: indices, search bounds, room for results, natural repr of containers.

use crate::cx::Cx;
use crate::protocol::{compare, number, object};
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::types::{int, slice};
use crate::value::Value;
use crate::{PyResult, raise};

/// A subscript as an index; IndexError if it does not fit a machine int.
#[inline]
pub fn index(cx: &mut Cx, key: Value) -> PyResult<isize> {
    if let Some(i) = key.as_small() {
        return Ok(i as isize);
    }
    let i = number::index(cx, key)?;
    match int::as_i64(i) {
        Some(i) => Ok(i as isize),
        None => {
            let got = key.class().tp_name();
            raise!(cx, IndexError, "cannot fit '{got}' into an index-sized integer")
        }
    }
}

/// True if `v` can be an index.
#[inline]
pub fn is_index(v: Value) -> bool {
    int::check(v) || v.class().slots().index.is_some()
}

/// Index `i` of a sequence of `len` items, negative ones counted from the end.
#[inline(always)]
pub fn resolve(i: isize, len: usize) -> Option<usize> {
    let i = if i < 0 { i.wrapping_add(len as isize) } else { i };
    if (i as usize) < len { Some(i as usize) } else { None }
}

/// The `start` and `stop` arguments of `index()`: clipped below, not above.
pub fn search_bounds(
    cx: &mut Cx,
    start: Option<Value>,
    stop: Option<Value>,
    len: impl Fn() -> usize,
) -> PyResult<(usize, usize)> {
    let start = start.map(|v| search_bound(cx, v)).transpose()?.unwrap_or(0);
    let stop = stop.map(|v| search_bound(cx, v)).transpose()?.unwrap_or(isize::MAX);
    let clip = |i: isize| if i < 0 { (i.saturating_add(len() as isize)).max(0) as usize } else { i as usize };
    Ok((clip(start), clip(stop)))
}

fn search_bound(cx: &mut Cx, v: Value) -> PyResult<isize> {
    if !is_index(v) {
        return raise!(cx, TypeError, "slice indices must be integers or have an __index__ method");
    }
    slice::bound(cx, v)
}

/// `n * count` items; MemoryError if that is too many.
pub fn repeated_len(cx: &mut Cx, n: usize, count: isize) -> PyResult<usize> {
    match n.checked_mul(count.max(0) as usize) {
        Some(total) => check_len(cx, total).map(|()| total),
        None => Err(cx.memory_error()),
    }
}

/// MemoryError if there is no room for `n` items of a word each. May collect.
#[inline]
pub fn check_len(cx: &mut Cx, n: usize) -> PyResult<()> {
    crate::buffer::check_size(cx, n.saturating_mul(8))
}

/// The error of a negative or missing index of the wrong type: "list indices must be integers or slices, not str".
#[cold]
pub fn index_type_error<T>(cx: &mut Cx, kind: &str, key: Value) -> PyResult<T> {
    let got = key.class().tp_name();
    raise!(cx, TypeError, "{kind} indices must be integers or slices, not {got}")
}

/// True if one of the items, fetched by index, equals `wanted`.
pub fn find(
    cx: &mut Cx,
    wanted: Value,
    start: usize,
    stop: usize,
    item: impl Fn(usize) -> Option<Value>,
) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop
        && let Some(x) = item(i)
    {
        if compare::equal(cx, x, wanted)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

/// A repr under construction, as generalised UTF-8.
#[derive(Default)]
pub struct ReprText {
    bytes: Vec<u8>,
    /// There was no memory for all of it.
    failed: bool,
}

impl ReprText {
    /// Appends text.
    pub fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// Appends a str.
    pub fn push_str(&mut self, s: &Str) {
        self.push_bytes(&s.to_generalized_utf8());
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        match self.bytes.try_reserve(bytes.len()) {
            Ok(()) if !self.failed => self.bytes.extend_from_slice(bytes),
            _ => *self = ReprText { bytes: Vec::new(), failed: true },
        }
    }

    /// Appends `repr(v)`.
    pub fn push_repr(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        let s = object::repr(cx, v)?;
        self.push_str(s);
        if self.failed { Err(cx.memory_error()) } else { Ok(()) }
    }

    /// The finished str, or MemoryError. May collect.
    pub fn finish(self, cx: &mut Cx) -> PyResult<Value> {
        if self.failed {
            return Err(cx.memory_error());
        }
        let unit = if self.bytes.is_ascii() { 1 } else { size_of::<u32>() };
        crate::buffer::check_size(cx, self.bytes.len().saturating_mul(unit))?;
        Ok(Value::of(Str::from_generalized_utf8(cx, &self.bytes)))
    }
}

/// `open item, item, ... close`, with `recursive` inside itself. Items are fetched by index.
pub fn repr_items(
    cx: &mut Cx,
    owner: Value,
    (open, close, recursive): (&str, &str, &str),
    item: impl Fn(usize) -> Option<Value>,
) -> PyResult<Value> {
    if !object::enter_repr(cx, owner) {
        return Ok(cx.str(recursive));
    }
    let mut text = ReprText::default();
    text.push(open);
    let mut i = 0;
    let mut result = Ok(());
    while let Some(x) = item(i) {
        if i > 0 {
            text.push(", ");
        }
        result = text.push_repr(cx, x);
        if result.is_err() {
            break;
        }
        i += 1;
    }
    object::leave_repr(cx);
    result?;
    text.push(close);
    text.finish(cx)
}

pub use crate::types::module::builtin;

/// TypeError "NAME expected at most 1 argument, got 2" and keywords' error of the constructors of containers;
/// gives the argument.
#[inline]
pub fn optional_iterable(cx: &mut Cx, name: &str, args: crate::Args) -> PyResult<Option<Value>> {
    if args.kwnames().is_some() {
        return raise!(cx, TypeError, "{name}() takes no keyword arguments");
    }
    match args.values() {
        [] => Ok(None),
        [v] => Ok(Some(*v)),
        more => raise!(cx, TypeError, "{name} expected at most 1 argument, got {}", more.len()),
    }
}

/// As [`refuses_keywords`] for types whose `__init__` takes the arguments: a subclass with a `__new__` of its own may be
/// given others.
pub fn init_refuses_keywords(class: &Type, base: &Type) -> bool {
    std::ptr::eq(class, base)
        || match (class.slots().new, base.slots().new) {
            (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
            _ => false,
        }
}

/// True if `class` is `base` or a subclass that keeps its constructor: keywords are then refused.
pub fn refuses_keywords(class: &Type, base: &Type) -> bool {
    let (own, inherited) = (class.slots().init, base.slots().init);
    std::ptr::eq(class, base)
        || match (own, inherited) {
            (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
}
