//! Searching in strs, and the methods built on it: find, count, replace, split, partition, startswith, ...

use crate::cx::Cx;
use crate::protocol::number;
use crate::types::list::List;
use crate::types::slice;
use crate::types::str::{Str, Units};
use crate::types::str_build::{StrBuf, Writer};
use crate::types::str_kernels::{Needle, ends_with, for_each_match, starts_with};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, with_units};
use taipan_macros::pymethods;
use taipan_text::unicode;

/// Bounds `start`, `end` of a method clipped to a length; None if start is beyond the end.
pub fn bounds(cx: &mut Cx, start: Option<Value>, end: Option<Value>, len: usize) -> PyResult<Option<(usize, usize)>> {
    let (mut from, mut to) = (0, len);
    if let Some(v) = start.filter(|v| !v.is_none()) {
        let i = slice::bound(cx, v)?;
        from = if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { i as usize };
    }
    if let Some(v) = end.filter(|v| !v.is_none()) {
        let i = slice::bound(cx, v)?;
        to = if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { (i as usize).min(len) };
    }
    Ok(if from > to { None } else { Some((from, to)) })
}

fn find_in(
    cx: &mut Cx,
    this: &'static Str,
    sub: &'static Str,
    start: Option<Value>,
    end: Option<Value>,
    from_right: bool,
) -> PyResult<Option<usize>> {
    let Some((from, to)) = bounds(cx, start, end, this.len())? else { return Ok(None) };
    if sub.is_empty() {
        return Ok(Some(if from_right { to } else { from }));
    }
    if sub.len() > to - from {
        return Ok(None);
    }
    let needle = Needle::new(sub.units(), this.kind());
    let hay = this.units().slice(from, to);
    let found = if from_right { needle.rfind(hay) } else { needle.find(hay) };
    Ok(found.map(|i| from + i))
}

fn position(found: Option<usize>) -> i64 {
    found.map_or(-1, |i| i as i64)
}

// ---- methods ---------------------------------------------------------------------------------------

/// The methods of str that search.
pub struct StrSearch;

#[pymethods]
impl StrSearch {
    /// Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice
    /// notation.  Return -1 on failure.
    #[py("($self, sub[, start[, end]], /)")]
    fn find(
        cx: &mut Cx,
        this: &'static Str,
        sub: &'static Str,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<i64> {
        Ok(position(find_in(cx, this, sub, start, end, false)?))
    }
    /// Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice
    /// notation.  Return -1 on failure.
    #[py("($self, sub[, start[, end]], /)")]
    fn rfind(
        cx: &mut Cx,
        this: &'static Str,
        sub: &'static Str,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<i64> {
        Ok(position(find_in(cx, this, sub, start, end, true)?))
    }
    /// Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice
    /// notation.  Raises ValueError when the substring is not found.
    #[py("($self, sub[, start[, end]], /)")]
    fn index(
        cx: &mut Cx,
        this: &'static Str,
        sub: &'static Str,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<usize> {
        match find_in(cx, this, sub, start, end, false)? {
            Some(i) => Ok(i),
            None => raise!(cx, ValueError, "substring not found"),
        }
    }
    /// Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice
    /// notation.  Raises ValueError when the substring is not found.
    #[py("($self, sub[, start[, end]], /)")]
    fn rindex(
        cx: &mut Cx,
        this: &'static Str,
        sub: &'static Str,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<usize> {
        match find_in(cx, this, sub, start, end, true)? {
            Some(i) => Ok(i),
            None => raise!(cx, ValueError, "substring not found"),
        }
    }
    /// Return the number of non-overlapping occurrences of substring sub in string S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice
    /// notation.
    #[py("($self, sub[, start[, end]], /)")]
    fn count(
        cx: &mut Cx,
        this: &'static Str,
        sub: &'static Str,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<usize> {
        let Some((from, to)) = bounds(cx, start, end, this.len())? else { return Ok(0) };
        if sub.is_empty() {
            return Ok(to - from + 1);
        }
        let mut n = 0;
        for_each_match(this.units().slice(from, to), sub.units(), usize::MAX, |_| n += 1);
        Ok(n)
    }
    /// Return True if the string starts with the specified prefix, False otherwise.
    ///
    ///   prefix
    ///     A string or a tuple of strings to try.
    ///   start
    ///     Optional start position. Default: start of the string.
    ///   end
    ///     Optional stop position. Default: end of the string.
    #[py("($self, prefix[, start[, end]], /)")]
    fn startswith(
        cx: &mut Cx,
        this: &'static Str,
        prefix: Value,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<bool> {
        affix(cx, this, prefix, start, end, "startswith", starts_with)
    }
    /// Return True if the string ends with the specified suffix, False otherwise.
    ///
    ///   suffix
    ///     A string or a tuple of strings to try.
    ///   start
    ///     Optional start position. Default: start of the string.
    ///   end
    ///     Optional stop position. Default: end of the string.
    #[py("($self, suffix[, start[, end]], /)")]
    fn endswith(
        cx: &mut Cx,
        this: &'static Str,
        suffix: Value,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<bool> {
        affix(cx, this, suffix, start, end, "endswith", ends_with)
    }
    /// Return a str with the given prefix string removed if present.
    ///
    /// If the string starts with the prefix string, return
    /// string[len(prefix):].  Otherwise, return a copy of the original
    /// string.
    #[py("($self, prefix, /)")]
    fn removeprefix(cx: &mut Cx, this: &'static Str, prefix: &'static Str) -> &'static Str {
        if !prefix.is_empty() && starts_with(this.units(), prefix.units()) {
            return this.slice(cx, prefix.len(), this.len());
        }
        this.exact(cx)
    }
    /// Return a str with the given suffix string removed if present.
    ///
    /// If the string ends with the suffix string and that suffix is not
    /// empty, return string[:-len(suffix)].  Otherwise, return a copy of
    /// the original string.
    #[py("($self, suffix, /)")]
    fn removesuffix(cx: &mut Cx, this: &'static Str, suffix: &'static Str) -> &'static Str {
        if !suffix.is_empty() && ends_with(this.units(), suffix.units()) {
            return this.slice(cx, 0, this.len() - suffix.len());
        }
        this.exact(cx)
    }
    /// Return a copy with all occurrences of substring old replaced by new.
    ///
    ///   count
    ///     Maximum number of occurrences to replace.
    ///     -1 (the default value) means replace all occurrences.
    ///
    /// If the optional argument count is given, only the first count occurrences are
    /// replaced.
    #[py("($self, old, new, /, count=-1)")]
    fn replace(
        cx: &mut Cx,
        this: &'static Str,
        old: &'static Str,
        new: &'static Str,
        count: Option<isize>,
    ) -> PyResult<&'static Str> {
        let limit = usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX);
        replace(cx, this, old, new, limit)
    }
    /// Return a list of the substrings in the string, using sep as the separator string.
    ///
    ///   sep
    ///     The separator used to split the string.
    ///
    ///     When set to None (the default value), will split on any
    ///     whitespace character (including \n \r \t \f and spaces) and
    ///     will discard empty strings from the result.
    ///   maxsplit
    ///     Maximum number of splits.
    ///     -1 (the default value) means no limit.
    ///
    /// Splitting starts at the front of the string and works to the end.
    ///
    /// Note, str.split() is mainly useful for data that has been
    /// intentionally delimited.  With natural text that includes
    /// punctuation, consider using the regular expression module.
    #[py("($self, /, sep=None, maxsplit=-1)")]
    fn split(cx: &mut Cx, this: &'static Str, sep: Option<Value>, maxsplit: Option<isize>) -> PyResult<&'static List> {
        let limit = usize::try_from(maxsplit.unwrap_or(-1)).unwrap_or(usize::MAX);
        match separator(cx, sep)? {
            None => Ok(split_spaces(cx, this, limit)),
            Some(sep) => Ok(split_at(cx, this, sep, limit)),
        }
    }
    /// Return a list of the substrings in the string, using sep as the separator string.
    ///
    ///   sep
    ///     The separator used to split the string.
    ///
    ///     When set to None (the default value), will split on any
    ///     whitespace character (including \n \r \t \f and spaces) and
    ///     will discard empty strings from the result.
    ///   maxsplit
    ///     Maximum number of splits.
    ///     -1 (the default value) means no limit.
    ///
    /// Splitting starts at the end of the string and works to the front.
    #[py("($self, /, sep=None, maxsplit=-1)")]
    fn rsplit(cx: &mut Cx, this: &'static Str, sep: Option<Value>, maxsplit: Option<isize>) -> PyResult<&'static List> {
        let limit = usize::try_from(maxsplit.unwrap_or(-1)).unwrap_or(usize::MAX);
        let list = match separator(cx, sep)? {
            None if limit >= this.len() => return Ok(split_spaces(cx, this, limit)),
            None => rsplit_spaces(cx, this, limit),
            Some(sep) => rsplit_at(cx, this, sep, limit),
        };
        list.items_mut().reverse();
        list.written(cx);
        Ok(list)
    }
    /// Partition the string into three parts using the given separator.
    ///
    /// This will search for the separator in the string.  If the separator
    /// is found, returns a 3-tuple containing the part before the
    /// separator, the separator itself, and the part after it.
    ///
    /// If the separator is not found, returns a 3-tuple containing
    /// the original string and two empty strings.
    #[py("($self, sep, /)")]
    fn partition(cx: &mut Cx, this: &'static Str, sep: Value) -> PyResult<Value> {
        let sep = partition_separator(cx, sep)?;
        let found = Needle::new(sep.units(), this.kind()).find(this.units());
        Ok(match found {
            Some(i) => parts(cx, this, sep, i),
            None => {
                let (this, empty) = (this.exact(cx), cx.names().empty);
                Value::of(Tuple::new(cx, &[Value::of(this), Value::of(empty), Value::of(empty)]))
            }
        })
    }
    /// Partition the string into three parts using the given separator.
    ///
    /// This will search for the separator in the string, starting at the
    /// end.  If the separator is found, returns a 3-tuple containing the
    /// part before the separator, the separator itself, and the part after
    /// it.
    ///
    /// If the separator is not found, returns a 3-tuple containing two
    /// empty strings and the original string.
    #[py("($self, sep, /)")]
    fn rpartition(cx: &mut Cx, this: &'static Str, sep: Value) -> PyResult<Value> {
        let sep = partition_separator(cx, sep)?;
        let found = Needle::new(sep.units(), this.kind()).rfind(this.units());
        Ok(match found {
            Some(i) => parts(cx, this, sep, i),
            None => {
                let (this, empty) = (this.exact(cx), cx.names().empty);
                Value::of(Tuple::new(cx, &[Value::of(empty), Value::of(empty), Value::of(this)]))
            }
        })
    }
    /// Return a list of the lines in the string, breaking at line boundaries.
    ///
    /// Line breaks are not included in the resulting list unless keepends
    /// is given and true.
    #[py("($self, /, keepends=False)")]
    fn splitlines(cx: &mut Cx, this: &'static Str, keepends: Option<bool>) -> &'static List {
        let (list, keep) = (List::new(cx), keepends.unwrap_or(false));
        let (units, n) = (this.units(), this.len());
        let mut start = 0;
        while start < n {
            let break_at =
                with_units!(units.slice(start, n), u => u.iter().position(|c| unicode::is_line_break(u32::from(*c))));
            let line_end = break_at.map_or(n, |i| start + i);
            let mut next = (line_end + 1).min(n);
            if next < n && units.at(line_end) == 13 && units.at(next) == 10 {
                next += 1;
            }
            let end = if keep { next } else { line_end };
            push_part(cx, list, this, start, end);
            start = next;
        }
        list
    }
    /// Return a copy of the string with leading and trailing whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[py("($self, chars=None, /)")]
    fn strip(cx: &mut Cx, this: &'static Str, chars: Option<Value>) -> PyResult<&'static Str> {
        strip(cx, this, chars, "strip", (true, true))
    }
    /// Return a copy of the string with leading whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[py("($self, chars=None, /)")]
    fn lstrip(cx: &mut Cx, this: &'static Str, chars: Option<Value>) -> PyResult<&'static Str> {
        strip(cx, this, chars, "lstrip", (true, false))
    }
    /// Return a copy of the string with trailing whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[py("($self, chars=None, /)")]
    fn rstrip(cx: &mut Cx, this: &'static Str, chars: Option<Value>) -> PyResult<&'static Str> {
        strip(cx, this, chars, "rstrip", (false, true))
    }
    /// Concatenate any number of strings.
    ///
    /// The string whose method is called is inserted in between each given
    /// string.  The result is returned as a new string.
    ///
    /// Example: '.'.join(['ab', 'pq', 'rs']) -> 'ab.pq.rs'
    #[py("($self, iterable, /)")]
    fn join(cx: &mut Cx, this: &'static Str, iterable: Value) -> PyResult<&'static Str> {
        join(cx, this, iterable)
    }
}

fn affix(
    cx: &mut Cx,
    this: &'static Str,
    affix: Value,
    start: Option<Value>,
    end: Option<Value>,
    name: &str,
    test: fn(Units, Units) -> bool,
) -> PyResult<bool> {
    let range = bounds(cx, start, end, this.len())?;
    let check = |s: &Str| range.is_some_and(|(from, to)| test(this.units().slice(from, to), s.units()));
    if let Some(s) = affix.downcast::<Str>() {
        return Ok(check(s));
    }
    let Some(tuple) = affix.downcast::<Tuple>() else {
        let got = affix.class().tp_name();
        return raise!(cx, TypeError, "{name} first arg must be str or a tuple of str, not {got}");
    };
    for item in tuple.items() {
        match item.downcast::<Str>() {
            Some(s) if check(s) => return Ok(true),
            Some(_) => {}
            None => {
                let got = item.class().tp_name();
                return raise!(cx, TypeError, "tuple for {name} must only contain str, not {got}");
            }
        }
    }
    Ok(false)
}

/// `text.replace(old, new, limit)`. May collect.
pub fn replace(
    cx: &mut Cx,
    this: &'static Str,
    old: &'static Str,
    new: &'static Str,
    limit: usize,
) -> PyResult<&'static Str> {
    if limit == 0 || old.len() > this.len() || old.eq_str(new) {
        return Ok(this.exact(cx));
    }
    if old.is_empty() {
        return interleave(cx, this, new, limit);
    }
    let hay = this.units();
    let mut matches = smallvec::SmallVec::<[usize; 64]>::new();
    for_each_match(hay, old.units(), limit, |i| matches.push(i));
    if matches.is_empty() {
        return Ok(this.exact(cx));
    }
    let n = this.len() - matches.len() * old.len();
    let total = matches.len().checked_mul(new.len()).and_then(|m| m.checked_add(n));
    let Some(total) = total.filter(|t| *t < isize::MAX as usize) else {
        return raise!(cx, OverflowError, "replace string is too long");
    };
    if total == 0 {
        return Ok(cx.names().empty);
    }
    let put = |write: &mut dyn FnMut(Units)| {
        let mut from = 0;
        for at in &matches {
            write(hay.slice(from, *at));
            write(new.units());
            from = at + old.len();
        }
        write(hay.slice(from, this.len()));
    };
    // The widest characters may all be among the replaced ones: only ASCII is known to stay the same.
    if this.is_ascii() && new.is_ascii() {
        let mut writer = Writer::new(cx, total, 1, true)?;
        put(&mut |u| writer.push_units(u));
        return Ok(writer.finish());
    }
    crate::buffer::check_size(cx, total.saturating_mul(4))?;
    let mut out = StrBuf::with_capacity(total);
    put(&mut |u| out.push_units(u));
    Ok(out.finish(cx))
}

/// `replace` of the empty str: `new` before each character and at the end.
fn interleave(cx: &mut Cx, this: &'static Str, new: &'static Str, limit: usize) -> PyResult<&'static Str> {
    let n = this.len();
    let times = limit.min(n + 1);
    let Some(total) = times.checked_mul(new.len()).and_then(|m| m.checked_add(n)).filter(|t| *t < 1 << 62) else {
        return raise!(cx, OverflowError, "replace string is too long");
    };
    if total == 0 {
        return Ok(cx.names().empty);
    }
    let mut out = Writer::new(cx, total, this.kind().max(new.kind()), this.is_ascii() && new.is_ascii())?;
    for i in 0..times {
        out.push(new);
        if i < n {
            out.push_units(this.units().slice(i, i + 1));
        }
    }
    if times <= n {
        out.push_units(this.units().slice(times, n));
    }
    Ok(out.finish())
}

/// The separator argument of split: None for whitespace.
fn separator(cx: &mut Cx, sep: Option<Value>) -> PyResult<Option<&'static Str>> {
    let Some(sep) = sep.filter(|s| !s.is_none()) else { return Ok(None) };
    match sep.downcast::<Str>() {
        Some(s) if s.is_empty() => raise!(cx, ValueError, "empty separator"),
        Some(s) => Ok(Some(s)),
        None => raise!(cx, TypeError, "must be str or None, not {}", sep.class().tp_name()),
    }
}

fn partition_separator(cx: &mut Cx, sep: Value) -> PyResult<&'static Str> {
    match sep.downcast::<Str>() {
        Some(s) if s.is_empty() => raise!(cx, ValueError, "empty separator"),
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "must be str, not {}", sep.class().tp_name()),
    }
}

fn parts(cx: &mut Cx, this: &'static Str, sep: &'static Str, at: usize) -> Value {
    let before = Value::of(this.slice(cx, 0, at));
    let after = Value::of(this.slice(cx, at + sep.len(), this.len()));
    let sep = Value::of(sep.exact(cx));
    Value::of(Tuple::new(cx, &[before, sep, after]))
}

#[inline]
fn push_part(cx: &mut Cx, list: &'static List, this: &'static Str, start: usize, end: usize) {
    let whole = start == 0 && end == this.len();
    let part = if whole { this.exact(cx) } else { this.slice(cx, start, end) };
    list.push(cx, Value::of(part));
}

fn split_at(cx: &mut Cx, this: &'static Str, sep: &'static Str, limit: usize) -> &'static List {
    let list = List::new(cx);
    let mut from = 0;
    if let (Units::One(hay), Units::One([byte])) = (this.units(), sep.units()) {
        // Parts are mostly short, where starting a search for each costs more than the search.
        let n = memchr::memchr_iter(*byte, hay).count().min(limit);
        list.reserve(cx, n + 1);
        for at in memchr::memchr_iter(*byte, hay).take(n) {
            push_part(cx, list, this, from, at);
            from = at + 1;
        }
        push_part(cx, list, this, from, hay.len());
        return list;
    }
    for_each_match(this.units(), sep.units(), limit, |at| {
        push_part(cx, list, this, from, at);
        from = at + sep.len();
    });
    push_part(cx, list, this, from, this.len());
    list
}

/// The parts from the right, last first.
fn rsplit_at(cx: &mut Cx, this: &'static Str, sep: &'static Str, limit: usize) -> &'static List {
    let list = List::new(cx);
    let needle = Needle::new(sep.units(), this.kind());
    let (mut end, mut left) = (this.len(), limit);
    while left > 0
        && let Some(at) = needle.rfind(this.units().slice(0, end))
    {
        push_part(cx, list, this, at + sep.len(), end);
        end = at;
        left -= 1;
    }
    push_part(cx, list, this, 0, end);
    list
}

fn split_spaces(cx: &mut Cx, this: &'static Str, limit: usize) -> &'static List {
    let list = List::new(cx);
    with_units!(this.units(), u => {
        let n = u.len();
        let space = |i: usize| unicode::is_space(u32::from(u[i]));
        let (mut i, mut left) = (0, limit);
        loop {
            while i < n && space(i) {
                i += 1;
            }
            if i == n {
                break;
            }
            let start = i;
            if left == 0 {
                push_part(cx, list, this, start, n);
                break;
            }
            while i < n && !space(i) {
                i += 1;
            }
            push_part(cx, list, this, start, i);
            left -= 1;
        }
    });
    list
}

/// The words from the right, last first.
fn rsplit_spaces(cx: &mut Cx, this: &'static Str, limit: usize) -> &'static List {
    let list = List::new(cx);
    let units = this.units();
    let space = |i: usize| unicode::is_space(units.at(i));
    let (mut end, mut left) = (this.len(), limit);
    loop {
        while end > 0 && space(end - 1) {
            end -= 1;
        }
        if end == 0 {
            break;
        }
        let mut start = end;
        if left == 0 {
            push_part(cx, list, this, 0, end);
            break;
        }
        while start > 0 && !space(start - 1) {
            start -= 1;
        }
        push_part(cx, list, this, start, end);
        (end, left) = (start, left - 1);
    }
    list
}

fn strip(
    cx: &mut Cx,
    this: &'static Str,
    chars: Option<Value>,
    name: &str,
    (left, right): (bool, bool),
) -> PyResult<&'static Str> {
    let (start, end) = match chars.filter(|c| !c.is_none()) {
        None => with_units!(this.units(), u => strip_range(u, left, right, unicode::is_space)),
        Some(chars) => {
            let Some(chars) = chars.downcast::<Str>() else {
                return raise!(cx, TypeError, "{name} arg must be None or str");
            };
            let set = chars.units();
            let has = |c: u32| with_units!(set, s => s.iter().any(|x| u32::from(*x) == c));
            with_units!(this.units(), u => strip_range(u, left, right, has))
        }
    };
    if start == 0 && end == this.len() {
        return Ok(this.exact(cx));
    }
    Ok(this.slice(cx, start, end))
}

fn strip_range<T: Copy + Into<u32>>(u: &[T], left: bool, right: bool, drop: impl Fn(u32) -> bool) -> (usize, usize) {
    let (mut start, mut end) = (0, u.len());
    while left && start < end && drop(u[start].into()) {
        start += 1;
    }
    while right && end > start && drop(u[end - 1].into()) {
        end -= 1;
    }
    (start, end)
}

/// `sep.join(iterable)`.
pub fn join(cx: &mut Cx, sep: &'static Str, iterable: Value) -> PyResult<&'static Str> {
    // A list of our own or the given one: nothing below runs Python code.
    let list;
    let items: &[Value] = if let Some(l) = iterable.exact::<List>() {
        l.items()
    } else if let Some(t) = iterable.exact::<Tuple>() {
        t.items()
    } else {
        if iterable.class().slots().iter.is_none() && iterable.class().slots().getitem.is_none() {
            return raise!(cx, TypeError, "can only join an iterable");
        }
        list = crate::protocol::iter::to_list(cx, iterable)?;
        list.items()
    };
    if let [only] = items
        && let Some(s) = only.exact::<Str>()
    {
        return Ok(s);
    }
    let (mut n, mut kind, mut ascii) = (0usize, 1, true);
    for (i, item) in items.iter().enumerate() {
        let Some(s) = item.downcast::<Str>() else {
            let got = item.class().tp_name();
            return raise!(cx, TypeError, "sequence item {i}: expected str instance, {got} found");
        };
        n += s.len();
        kind = kind.max(s.kind());
        ascii &= s.is_ascii();
    }
    if items.len() > 1 && !sep.is_empty() {
        n = match (items.len() - 1).checked_mul(sep.len()).and_then(|m| m.checked_add(n)) {
            Some(n) => n,
            None => return raise!(cx, OverflowError, "join() result is too long for a Python string"),
        };
        kind = kind.max(sep.kind());
        ascii &= sep.is_ascii();
    }
    if n == 0 {
        return Ok(cx.names().empty);
    }
    let mut out = Writer::new(cx, n, kind, ascii)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(sep);
        }
        // SAFETY: checked above; nothing ran meanwhile that could change the items.
        out.push(unsafe { item.cast::<Str>() });
    }
    Ok(out.finish())
}

/// `text * n`. May collect.
pub fn repeat(cx: &mut Cx, this: &'static Str, n: isize) -> PyResult<&'static Str> {
    let n = n.max(0) as usize;
    if n == 0 || this.is_empty() {
        return Ok(cx.names().empty);
    }
    if n == 1 {
        return Ok(this.exact(cx));
    }
    let Some(total) = this.len().checked_mul(n).filter(|t| *t <= isize::MAX as usize) else {
        return raise!(cx, OverflowError, "repeated string is too long");
    };
    let mut out = Writer::new(cx, total, this.kind(), this.is_ascii())?;
    if this.len() == 1 {
        out.fill(this.at(0), n);
    } else {
        (0..n).for_each(|_| out.push(this));
    }
    Ok(out.finish())
}

/// The fill character of center, ljust and rjust.
pub fn fill_char(cx: &mut Cx, v: Option<Value>) -> PyResult<u32> {
    let Some(v) = v else { return Ok(b' ' as u32) };
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.at(0)),
        Some(_) => raise!(cx, TypeError, "The fill character must be exactly one character long"),
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "The fill character must be a unicode character, not {got}")
        }
    }
}

/// Width argument of center and others.
pub fn width(cx: &mut Cx, v: Value) -> PyResult<usize> {
    Ok(number::to_isize(cx, v)?.max(0) as usize)
}
