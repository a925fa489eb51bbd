//! Stable sorting of lists.
//!
//! Keys whose comparison cannot run Python code (all small ints, all floats without NaN, all strs, tuples of such
//! columns) are sorted by the standard library's stable adaptive sort. Other keys go through a powersort, whose
//! comparisons may raise at any time; the items are then left as some permutation of what they were.
//!
//! Source: Munro and Wild, "Nearly-optimal mergesorts" (merge order); T. Peters, `listsort.txt` (galloping).

use std::cmp::Ordering;

use crate::buffer::ValueArray;
use crate::cx::Cx;
use crate::protocol::compare::{self, CmpOp};
use crate::types::list::List;
use crate::types::str::{Str, Units};
use crate::types::tuple::Tuple;
use crate::types::{float, list_methods};
use crate::value::Value;
use crate::{PyResult, raise};

/// `list.sort`. The list looks empty meanwhile; ValueError if it was changed.
pub fn sort(cx: &mut Cx, list: &'static List, key: Option<Value>, reverse: bool) -> PyResult<()> {
    if key.is_none()
        && let Some(doubles) = list.doubles_mut()
    {
        // There is no NaN among them.
        let order = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        match reverse {
            true => doubles.sort_by(|a, b| order(b, a)),
            false => doubles.sort_by(order),
        }
        return Ok(());
    }
    let storage = list.take_storage();
    let items: &mut [Value] = if storage.0.is_null() {
        &mut []
    } else {
        // SAFETY: LIST-1; while the list is empty nobody else refers to the array, which the stack keeps alive.
        unsafe { std::slice::from_raw_parts_mut(storage.0.cast(), storage.1) }
    };
    let result = sort_by_key(cx, items, key, reverse);
    let untouched = list.put_back(cx, storage);
    result?;
    if !untouched {
        return raise!(cx, ValueError, "list modified during sort");
    }
    Ok(())
}

/// `sorted(v)`. May collect.
pub fn sorted(cx: &mut Cx, v: Value, key: Option<Value>, reverse: bool) -> PyResult<&'static List> {
    let list = crate::protocol::iter::to_list(cx, v)?;
    sort(cx, list, key, reverse)?;
    debug_assert!(std::ptr::eq(Value::of(list).class(), &list_methods::LIST));
    Ok(list)
}

fn sort_by_key(cx: &mut Cx, items: &mut [Value], key: Option<Value>, reverse: bool) -> PyResult<()> {
    let Some(f) = key else { return sort_items(cx, items, None, reverse) };
    let n = items.len();
    if n == 0 {
        return Ok(());
    }
    let keys = ValueArray::new(cx, n);
    for i in 0..n {
        let k = cx.call(f, &[items[i]])?;
        // SAFETY: i < capacity.
        unsafe { *keys.word_ptr(i) = k.bits() };
        cx.barrier(keys);
    }
    // SAFETY: all n words were set to values.
    let keys = unsafe { std::slice::from_raw_parts_mut(keys.word_ptr(0).cast::<Value>(), n) };
    sort_items(cx, keys, Some(items), reverse)
}

/// What kind of simple value all of a sequence's values are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Str,
}

fn kind_of(v: Value) -> Option<Kind> {
    if v.is_small() {
        return Some(Kind::Int);
    }
    if v.is_flonum() {
        return Some(Kind::Float);
    }
    if v.exact::<Str>().is_some() {
        return Some(Kind::Str);
    }
    let is_float = v.exact::<float::Float>().is_some() && !float::of(v).is_nan();
    is_float.then_some(Kind::Float)
}

fn common_kind(mut values: impl Iterator<Item = Value>) -> Option<Kind> {
    let first = kind_of(values.next()?)?;
    values.all(|v| kind_of(v) == Some(first)).then_some(first)
}

fn order(kind: Kind, a: Value, b: Value) -> Ordering {
    match kind {
        Kind::Int => (a.bits() as i64).cmp(&(b.bits() as i64)),
        Kind::Float => float::of(a).partial_cmp(&float::of(b)).unwrap_or(Ordering::Equal),
        // SAFETY: the kind was checked.
        Kind::Str => unsafe { a.cast::<Str>().compare(b.cast::<Str>()) },
    }
}

/// The kinds of the columns, if all keys are exact tuples of the same length with simple columns.
fn tuple_columns(keys: &[Value]) -> Option<Vec<Kind>> {
    let n = keys.first()?.exact::<Tuple>()?.len();
    if n == 0 || !keys.iter().all(|k| k.exact::<Tuple>().is_some_and(|t| t.len() == n)) {
        return None;
    }
    // SAFETY: all are tuples of n items.
    let column = |i: usize| keys.iter().map(move |k| unsafe { k.cast::<Tuple>().items()[i] });
    (0..n).map(|i| common_kind(column(i))).collect()
}

fn order_tuples(columns: &[Kind], a: Value, b: Value) -> Ordering {
    // SAFETY: tuple_columns checked the tuples.
    let (a, b) = unsafe { (a.cast::<Tuple>().items(), b.cast::<Tuple>().items()) };
    for (i, kind) in columns.iter().enumerate() {
        let o = order(*kind, a[i], b[i]);
        if o.is_ne() {
            return o;
        }
    }
    Ordering::Equal
}

/// Sorts `keys` and, along with them, `values`.
fn sort_items(cx: &mut Cx, keys: &mut [Value], values: Option<&mut [Value]>, reverse: bool) -> PyResult<()> {
    if keys.len() < 2 {
        return Ok(());
    }
    match common_kind(keys.iter().copied()) {
        Some(Kind::Int) => sort_ints(keys, values, reverse),
        Some(Kind::Float) => sort_pure(keys, values, reverse, float_rank, |_, _| Ordering::Equal),
        Some(Kind::Str) => {
            // SAFETY: the kind was checked.
            let narrow = keys.iter().all(|k| unsafe { k.cast::<Str>() }.kind() == 1);
            let rank = if narrow { narrow_rank } else { str_rank };
            sort_pure(keys, values, reverse, rank, |a, b| order(Kind::Str, a, b));
        }
        None => match tuple_columns(keys) {
            Some(columns) => {
                // SAFETY: tuple_columns checked the tuples.
                let rank = |v: Value| rank(columns[0], unsafe { v.cast::<Tuple>().items()[0] });
                sort_pure(keys, values, reverse, rank, |a, b| order_tuples(&columns, a, b));
            }
            None => return sort_general(cx, keys, values, reverse),
        },
    }
    Ok(())
}

fn sort_ints(keys: &mut [Value], values: Option<&mut [Value]>, reverse: bool) {
    if values.is_some() {
        return sort_pure(keys, values, reverse, |v| rank(Kind::Int, v), |_, _| Ordering::Equal);
    }
    // SAFETY: values are words; sorting permutes them.
    let words = unsafe { std::slice::from_raw_parts_mut(keys.as_mut_ptr().cast::<i64>(), keys.len()) };
    if reverse { words.sort_by(|a, b| b.cmp(a)) } else { words.sort() }
}

/// A number whose order agrees with the order of values of that kind, as far as it can tell.
fn rank(kind: Kind, v: Value) -> u64 {
    match kind {
        Kind::Int => v.bits() ^ 1 << 63,
        Kind::Float => float_rank(v),
        Kind::Str => str_rank(v),
    }
}

fn float_rank(v: Value) -> u64 {
    // Adding 0.0 makes -0.0 equal to 0.0.
    let bits = (float::of(v) + 0.0).to_bits();
    if bits >> 63 != 0 { !bits } else { bits | 1 << 63 }
}

/// The first code points of a str, most significant first.
fn str_rank(v: Value) -> u64 {
    // SAFETY: the kind was checked.
    let units = unsafe { v.cast::<Str>() }.units();
    let take = |get: &dyn Fn(usize) -> u64, n: usize| (0..n.min(3)).fold(0, |r, i| r | get(i) << (42 - 21 * i));
    match units {
        Units::One(u) => take(&|i| u[i] as u64, u.len()),
        Units::Two(u) => take(&|i| u[i] as u64, u.len()),
        Units::Four(u) => take(&|i| u[i] as u64, u.len()),
    }
}

/// The first eight code points of a str of one byte per code point.
fn narrow_rank(v: Value) -> u64 {
    // SAFETY: the kind was checked.
    let Units::One(u) = unsafe { v.cast::<Str>() }.units() else { return 0 };
    match u.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => u.iter().enumerate().fold(0, |r, (i, c)| r | (*c as u64) << (56 - 8 * i)),
    }
}

/// Sorts by rank, then by `order`; neither runs Python code, so nothing is collected and Rust memory may hold values.
fn sort_pure(
    keys: &mut [Value],
    values: Option<&mut [Value]>,
    reverse: bool,
    rank: impl Fn(Value) -> u64,
    order: impl Fn(Value, Value) -> Ordering,
) {
    match values {
        None => {
            let mut all: Vec<(u64, Value)> = keys.iter().map(|k| (rank(*k), *k)).collect();
            sort_ranked(&mut all, reverse, |a, b| a.0.cmp(&b.0).then_with(|| order(a.1, b.1)));
            for (slot, item) in keys.iter_mut().zip(&all) {
                *slot = item.1;
            }
        }
        Some(values) => {
            let mut all: Vec<(u64, Value, Value)> =
                keys.iter().zip(values.iter()).map(|(k, v)| (rank(*k), *k, *v)).collect();
            sort_ranked(&mut all, reverse, |a, b| a.0.cmp(&b.0).then_with(|| order(a.1, b.1)));
            for (slot, item) in values.iter_mut().zip(&all) {
                *slot = item.2;
            }
        }
    }
}

fn sort_ranked<T>(all: &mut [T], reverse: bool, order: impl Fn(&T, &T) -> Ordering) {
    if reverse { all.sort_by(|a, b| order(b, a)) } else { all.sort_by(order) }
}

// ---- comparisons that may run Python code ------------------------------------------------------------

fn sort_general(cx: &mut Cx, keys: &mut [Value], mut values: Option<&mut [Value]>, reverse: bool) -> PyResult<()> {
    let n = keys.len();
    let tmp_keys = ValueArray::new(cx, n / 2 + 1);
    let tmp_values = if values.is_some() { Some(ValueArray::new(cx, n / 2 + 1)) } else { None };
    let mut sorter = Sorter {
        keys: keys.as_mut_ptr(),
        values: values.as_mut().map(|v| v.as_mut_ptr()),
        tmp_keys: tmp_keys.word_ptr(0).cast(),
        tmp_values: tmp_values.map(|t| t.word_ptr(0).cast()),
        min_gallop: MIN_GALLOP,
    };
    // Reversing before and after keeps equal items in their order.
    if reverse {
        sorter.reverse(0, n);
    }
    let result = sorter.sort(cx, n);
    if reverse {
        sorter.reverse(0, n);
    }
    result
}

const MIN_GALLOP: usize = 7;
const MIN_RUN: usize = 24;

/// Keys with their values, and room to merge. All pointers lead into arrays that the stack keeps alive.
struct Sorter {
    keys: *mut Value,
    values: Option<*mut Value>,
    tmp_keys: *mut Value,
    tmp_values: Option<*mut Value>,
    min_gallop: usize,
}

/// A run: start, length, and the power of its boundary with the next one.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    len: usize,
    power: u32,
}

fn less(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    compare::rich_bool(cx, a, b, CmpOp::Lt)
}

impl Sorter {
    fn key(&self, i: usize) -> Value {
        // SAFETY: callers stay within the n keys.
        unsafe { *self.keys.add(i) }
    }

    fn tmp(&self, i: usize) -> Value {
        // SAFETY: callers stay within what was copied to the temporary.
        unsafe { *self.tmp_keys.add(i) }
    }

    /// Moves `n` items within the arrays.
    fn shift(&self, to: usize, from: usize, n: usize) {
        // SAFETY: callers stay within the arrays.
        unsafe {
            std::ptr::copy(self.keys.add(from), self.keys.add(to), n);
            if let Some(values) = self.values {
                std::ptr::copy(values.add(from), values.add(to), n);
            }
        }
    }

    fn save(&self, from: usize, n: usize) {
        // SAFETY: the temporaries hold half of the items; merges save the smaller run.
        unsafe {
            std::ptr::copy_nonoverlapping(self.keys.add(from), self.tmp_keys, n);
            if let (Some(values), Some(tmp)) = (self.values, self.tmp_values) {
                std::ptr::copy_nonoverlapping(values.add(from), tmp, n);
            }
        }
    }

    fn restore(&self, to: usize, from: usize, n: usize) {
        // SAFETY: as in save.
        unsafe {
            std::ptr::copy_nonoverlapping(self.tmp_keys.add(from), self.keys.add(to), n);
            if let (Some(values), Some(tmp)) = (self.values, self.tmp_values) {
                std::ptr::copy_nonoverlapping(tmp.add(from), values.add(to), n);
            }
        }
    }

    fn reverse(&mut self, start: usize, end: usize) {
        // SAFETY: the range is within the arrays.
        unsafe {
            std::slice::from_raw_parts_mut(self.keys.add(start), end - start).reverse();
            if let Some(values) = self.values {
                std::slice::from_raw_parts_mut(values.add(start), end - start).reverse();
            }
        }
    }

    /// Takes item `from` out and puts it in at `to <= from`.
    fn rotate(&mut self, to: usize, from: usize) {
        // SAFETY: as in reverse.
        unsafe {
            std::slice::from_raw_parts_mut(self.keys.add(to), from - to + 1).rotate_right(1);
            if let Some(values) = self.values {
                std::slice::from_raw_parts_mut(values.add(to), from - to + 1).rotate_right(1);
            }
        }
    }

    fn sort(&mut self, cx: &mut Cx, n: usize) -> PyResult<()> {
        let mut stack: Vec<Run> = Vec::new();
        let mut start = 0;
        while start < n {
            let mut len = self.natural_run(cx, start, n)?;
            let forced = MIN_RUN.min(n - start);
            if len < forced {
                self.insertion_sort(cx, start, start + len, start + forced)?;
                len = forced;
            }
            if let Some(last) = stack.last().copied() {
                let power = power(last.start, last.len, len, n);
                while stack.len() > 1 && stack[stack.len() - 2].power > power {
                    self.merge_top(cx, &mut stack)?;
                }
                stack.last_mut().expect("not empty").power = power;
            }
            stack.push(Run { start, len, power: 0 });
            start += len;
        }
        while stack.len() > 1 {
            self.merge_top(cx, &mut stack)?;
        }
        Ok(())
    }

    /// Length of the run at `start`; a strictly descending one is reversed.
    fn natural_run(&mut self, cx: &mut Cx, start: usize, end: usize) -> PyResult<usize> {
        if start + 1 == end {
            return Ok(1);
        }
        let descending = less(cx, self.key(start + 1), self.key(start))?;
        let mut i = start + 2;
        while i < end && less(cx, self.key(i), self.key(i - 1))? == descending {
            i += 1;
        }
        if descending {
            self.reverse(start, i);
        }
        Ok(i - start)
    }

    /// Extends the sorted range `[start, sorted)` to `[start, end)` by binary insertion.
    fn insertion_sort(&mut self, cx: &mut Cx, start: usize, sorted: usize, end: usize) -> PyResult<()> {
        for i in sorted..end {
            let pivot = self.key(i);
            let (mut low, mut high) = (start, i);
            while low < high {
                let middle = low + (high - low) / 2;
                if less(cx, pivot, self.key(middle))? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            self.rotate(low, i);
        }
        Ok(())
    }

    fn merge_top(&mut self, cx: &mut Cx, stack: &mut Vec<Run>) -> PyResult<()> {
        let b = stack.pop().expect("two runs");
        let a = stack.last_mut().expect("two runs");
        let (start, a_len) = (a.start, a.len);
        a.len += b.len;
        self.merge(cx, start, a_len, b.len)
    }

    /// Merges the adjacent runs of `a_len` and `b_len` items at `start`.
    fn merge(&mut self, cx: &mut Cx, start: usize, a_len: usize, b_len: usize) -> PyResult<()> {
        let middle = start + a_len;
        let first_b = self.key(middle);
        // SAFETY: the ranges searched are within the keys.
        let skip = unsafe { gallop_right(cx, first_b, self.keys.add(start), a_len, false)? };
        let (start, a_len) = (start + skip, a_len - skip);
        if a_len == 0 {
            return Ok(());
        }
        let last_a = self.key(middle - 1);
        // SAFETY: as above.
        let b_len = unsafe { gallop_left(cx, last_a, self.keys.add(middle), b_len, true)? };
        if b_len == 0 {
            return Ok(());
        }
        if a_len <= b_len { self.merge_low(cx, start, a_len, b_len) } else { self.merge_high(cx, start, a_len, b_len) }
    }

    /// Merges from the left; the left run waits in the temporary.
    fn merge_low(&mut self, cx: &mut Cx, start: usize, a_len: usize, b_len: usize) -> PyResult<()> {
        self.save(start, a_len);
        let (mut i, mut j, end) = (0, start + a_len, start + a_len + b_len);
        let mut to = start;
        let result = self.merge_low_loop(cx, (&mut i, a_len), (&mut j, end), &mut to);
        // What is left of the temporary fills the gap exactly.
        self.restore(to, i, a_len - i);
        result
    }

    fn merge_low_loop(
        &mut self,
        cx: &mut Cx,
        (i, a_len): (&mut usize, usize),
        (j, end): (&mut usize, usize),
        to: &mut usize,
    ) -> PyResult<()> {
        let (mut a_wins, mut b_wins) = (0, 0);
        while *i < a_len && *j < end {
            if less(cx, self.key(*j), self.tmp(*i))? {
                self.shift(*to, *j, 1);
                *j += 1;
                (a_wins, b_wins) = (0, b_wins + 1);
            } else {
                self.restore(*to, *i, 1);
                *i += 1;
                (a_wins, b_wins) = (a_wins + 1, 0);
            }
            *to += 1;
            if a_wins.max(b_wins) < self.min_gallop {
                continue;
            }
            // One run wins steadily: search how far it does.
            while *i < a_len && *j < end {
                // SAFETY: the ranges searched are within the arrays.
                let n = unsafe { gallop_right(cx, self.key(*j), self.tmp_keys.add(*i), a_len - *i, false)? };
                self.restore(*to, *i, n);
                *i += n;
                *to += n;
                if *i == a_len {
                    break;
                }
                // SAFETY: as above.
                let m = unsafe { gallop_left(cx, self.tmp(*i), self.keys.add(*j), end - *j, false)? };
                self.shift(*to, *j, m);
                *j += m;
                *to += m;
                self.min_gallop = self.min_gallop.saturating_sub(1).max(1);
                if n < MIN_GALLOP && m < MIN_GALLOP {
                    break;
                }
            }
            self.min_gallop += 2;
            (a_wins, b_wins) = (0, 0);
        }
        Ok(())
    }

    /// Merges from the right; the right run waits in the temporary.
    fn merge_high(&mut self, cx: &mut Cx, start: usize, a_len: usize, b_len: usize) -> PyResult<()> {
        let middle = start + a_len;
        self.save(middle, b_len);
        // `i` items of the left run and `j` of the temporary are left; the gap ends at `start + i + j`.
        let (mut i, mut j) = (a_len, b_len);
        let result = self.merge_high_loop(cx, start, &mut i, &mut j);
        self.restore(start + i, 0, j);
        result
    }

    fn merge_high_loop(&mut self, cx: &mut Cx, start: usize, i: &mut usize, j: &mut usize) -> PyResult<()> {
        let (mut a_wins, mut b_wins) = (0, 0);
        while *i > 0 && *j > 0 {
            if less(cx, self.tmp(*j - 1), self.key(start + *i - 1))? {
                self.shift(start + *i + *j - 1, start + *i - 1, 1);
                *i -= 1;
                (a_wins, b_wins) = (a_wins + 1, 0);
            } else {
                self.restore(start + *i + *j - 1, *j - 1, 1);
                *j -= 1;
                (a_wins, b_wins) = (0, b_wins + 1);
            }
            if a_wins.max(b_wins) < self.min_gallop {
                continue;
            }
            while *i > 0 && *j > 0 {
                // SAFETY: the ranges searched are within the arrays.
                let keep = unsafe { gallop_right(cx, self.tmp(*j - 1), self.keys.add(start), *i, true)? };
                let n = *i - keep;
                self.shift(start + keep + *j, start + keep, n);
                *i = keep;
                if *i == 0 {
                    break;
                }
                // SAFETY: as above.
                let keep = unsafe { gallop_left(cx, self.key(start + *i - 1), self.tmp_keys, *j, true)? };
                let m = *j - keep;
                self.restore(start + *i + keep, keep, m);
                *j = keep;
                self.min_gallop = self.min_gallop.saturating_sub(1).max(1);
                if n < MIN_GALLOP && m < MIN_GALLOP {
                    break;
                }
            }
            self.min_gallop += 2;
            (a_wins, b_wins) = (0, 0);
        }
        Ok(())
    }
}

/// The power of the boundary between two adjacent runs: depth of its node in a nearly optimal merge tree.
fn power(start: usize, len: usize, next_len: usize, n: usize) -> u32 {
    let (mut a, mut b) = (2 * start + len, 2 * start + 2 * len + next_len);
    let n = 2 * n;
    // a/n and b/n are the runs' middles as fractions; count the bits in which they agree.
    let mut power = 0;
    loop {
        power += 1;
        a *= 2;
        b *= 2;
        let (x, y) = (a >= n, b >= n);
        if x != y || power > 62 {
            return power;
        }
        if x {
            a -= n;
            b -= n;
        }
    }
}

/// Number of keys at `keys` that are not greater than `key` (they are sorted), searched exponentially from one end.
///
/// # Safety
/// `keys` must lead to `n` values that stay where they are.
unsafe fn gallop_right(cx: &mut Cx, key: Value, keys: *const Value, n: usize, from_end: bool) -> PyResult<usize> {
    // SAFETY: the caller's promise.
    unsafe { gallop(n, from_end, |i| Ok(!less(cx, key, *keys.add(i))?)) }
}

/// Number of keys at `keys` that are less than `key`.
///
/// # Safety
/// As [`gallop_right`].
unsafe fn gallop_left(cx: &mut Cx, key: Value, keys: *const Value, n: usize, from_end: bool) -> PyResult<usize> {
    // SAFETY: the caller's promise.
    unsafe { gallop(n, from_end, |i| less(cx, *keys.add(i), key)) }
}

/// Number of leading indices for which `holds`, which is true for a prefix of `0..n`.
fn gallop(n: usize, from_end: bool, mut holds: impl FnMut(usize) -> PyResult<bool>) -> PyResult<usize> {
    // Invariant: holds below `low`, not from `high` on.
    let (mut low, mut high) = (0, n);
    let mut step = 1;
    while low < high {
        let probe = if from_end { high.saturating_sub(step).max(low) } else { (low + step - 1).min(high - 1) };
        if holds(probe)? {
            low = probe + 1;
            if from_end {
                break;
            }
        } else {
            high = probe;
            if !from_end {
                break;
            }
        }
        step *= 2;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
