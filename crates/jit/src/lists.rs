//! Operations on lists that compiled code calls; see their rows in `helpers.rs`.

use taipan_runtime::protocol::object;
use taipan_runtime::types::list::{self, List};
use taipan_runtime::types::slice::{self, Slice};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str_search;
use taipan_runtime::{Cx, Value};

use crate::plain::bound;

/// `list.append(v)`.
pub extern "C" fn list_append(cx: &mut Cx, list: &'static List, v: Value) {
    list.push(cx, v);
}

/// `list.append(d)`.
pub extern "C" fn list_append_double(cx: &mut Cx, list: &'static List, d: f64) {
    let v = cx.float(d);
    list.push(cx, v);
}

/// Most items that are made room for at once: then growing costs little, and if there will not be so many after all, not much is lost.
const MOST_RESERVED: usize = 1 << 13;

/// Makes room for `more` items, but not for very many. There was too little.
pub extern "C" fn list_reserve(cx: &mut Cx, list: &'static List, more: usize) {
    let (n, more) = (list.len(), more.min(MOST_RESERVED));
    // Loops that are left early come again with room for nearly as many.
    if list.capacity() - n < more.div_ceil(2) {
        // As much as growing would give, or it would have to be done again soon.
        list.reserve(cx, (n + more).max(n + (n >> 1)));
    }
}

/// The items of a list in a slice, whose parts are small ints or None and whose step is not 0, as a new list.
pub fn copied(cx: &mut Cx, list: &'static List, [start, stop, step]: [Value; 3]) -> &'static List {
    let step = bound(step).unwrap_or(1);
    let range = slice::adjust(bound(start), bound(stop), step, list.len());
    if step == 1 {
        return list.copy_range(cx, range.start as usize, range.len);
    }
    if step == -1 {
        let lowest = (range.start + 1) as usize - range.len;
        let new = list.copy_range(cx, lowest, range.len);
        new.reverse();
        return new;
    }
    let new = List::with_capacity(cx, range.len);
    for i in 0..range.len as isize {
        if let Some(item) = list.get((range.start + i * step) as usize) {
            new.push(cx, item);
        }
    }
    new
}

/// As [`copied`].
pub extern "C" fn copy_items(cx: &mut Cx, list: &'static List, start: Value, stop: Value, step: Value) -> u64 {
    Value::of(copied(cx, list, [start, stop, step])).bits()
}

/// Most items that are moved without a new list.
const MOST_MOVED: usize = 32;

/// `v[start:stop] = w[first:last:step]`.
pub extern "C" fn move_items(
    cx: &mut Cx,
    to: &'static List,
    start: Value,
    stop: Value,
    from: &'static List,
    first: Value,
    last: Value,
    step: Value,
) -> u64 {
    let size = bound(step).unwrap_or(1);
    let read = slice::adjust(bound(first), bound(last), size, from.len());
    let written = slice::adjust(bound(start), bound(stop), 1, to.len());
    let n = read.len;
    if n != written.len || n > MOST_MOVED || to.is_packed() || from.is_packed() {
        let items = copied(cx, from, [first, last, step]);
        let slice = Value::of(Slice::new(cx, start, stop, Value::none()));
        object::set_item(cx, Value::of(to), slice, Some(Value::of(items))).expect("a list into a list");
        return 1;
    }
    let first = written.start as usize;
    if std::ptr::eq(from, to) && size == -1 && read.start + 1 == written.start + n as isize {
        to.items_mut()[first..][..n].reverse();
        to.written(cx);
        return 1;
    }
    // The lists may be the same.
    let mut moved = [Value::none(); MOST_MOVED];
    let items = from.items();
    for (i, place) in moved[..n].iter_mut().enumerate() {
        *place = items[(read.start + i as isize * size) as usize];
    }
    to.items_mut()[first..][..n].copy_from_slice(&moved[..n]);
    to.written(cx);
    1
}

/// Item `i`, 0 if there is none.
pub extern "C" fn list_item(_: &mut Cx, list: &'static List, i: usize) -> u64 {
    list.get(i).map_or(0, |v| v.bits())
}

/// `list[i] = v` of an item that exists.
pub extern "C" fn list_set(cx: &mut Cx, list: &'static List, i: usize, v: Value) -> u64 {
    list.set(cx, i, v);
    1
}

/// Whether lists of doubles may hold `d`.
pub extern "C" fn fits_double(_: &mut Cx, d: f64) -> u64 {
    list::fits_double(d) as u64
}

/// A new list.
///
/// # Safety
/// HELP-1: `items` leads to `n` values.
pub unsafe extern "C" fn new_list(cx: &mut Cx, items: *const u64, n: usize) -> u64 {
    // SAFETY: HELP-1.
    let items = unsafe { std::slice::from_raw_parts(items.cast::<Value>(), n) };
    Value::of(List::from_slice(cx, items)).bits()
}

/// A tuple of the items of a list that nobody else has seen.
pub extern "C" fn tuple_of(cx: &mut Cx, list: &'static List) -> u64 {
    Value::of(crate::consume::tuple_of(cx, list)).bits()
}

/// `separator.join(list)`.
pub extern "C" fn join_list(cx: &mut Cx, separator: &'static Str, list: &'static List) -> u64 {
    str_search::join(cx, separator, Value::of(list)).map_or(0, |s| Value::of(s).bits())
}
