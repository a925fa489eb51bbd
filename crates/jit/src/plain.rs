//! Operations on built-in objects that certainly run no Python code: what most instructions work on. Compiled code calls
//! them without writing its frame to memory and without forgetting what it knows. Each first looks whether it is sure; if
//! it is not it does nothing and says [`NOT_PLAIN`].
//!
//! Functions whose row in `helpers.rs` does not say `writes` must not ask for the items of a list as a slice, which may change
//! its kind.
//!
//! Results: a value's word, or a truth word; 0 if it raised; [`NOT_PLAIN`].

use taipan_bytecode::Conversion;
use taipan_runtime::dict::{Dict, hash_key};
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::hash;
use taipan_runtime::protocol::number;
use taipan_runtime::protocol::{format, iter, object};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::combinators::{ENUMERATE, Enumerate, ZIP, Zip};
use taipan_runtime::types::list::List;
use taipan_runtime::types::range::RANGE;
use taipan_runtime::types::set::{self, Set};
use taipan_runtime::types::set_known::{self, SetOp, exact_set};
use taipan_runtime::types::slice::{self, SLICE, Slice};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{boolean, bytearray, bytes, complex, float, int, iterators, set_methods, type_};
use taipan_runtime::{Cx, Object, PyResult, Value};

use crate::helpers::{BINARY, COMPARE, FALSE_WORD, TRUE_WORD};
use crate::natives::{inherits_iter, inherits_len, inherits_setitem};

/// "Not sure": no value and no other answer has this word.
pub const NOT_PLAIN: u64 = 12;
/// What [`next`] answers at the end.
pub const END: u64 = 4;

/// Levels of tuples that are looked into.
const TUPLE_DEPTH: usize = 3;

fn is(v: Value, class: &'static Class) -> bool {
    std::ptr::eq(v.class(), class)
}

fn truth(b: bool) -> u64 {
    if b { TRUE_WORD } else { FALSE_WORD }
}

pub(crate) fn word(r: PyResult<Value>) -> u64 {
    r.map_or(0, |v| v.bits())
}

/// Numbers of the built-in types.
#[inline(always)]
pub(crate) fn is_number(v: Value) -> bool {
    !v.is_pointer() || is(v, &int::INT) || is(v, &float::FLOAT) || is(v, &boolean::BOOL)
}

/// Immutable things that hash and compare by themselves, tuples of them included.
#[inline(always)]
pub(crate) fn is_scalar(v: Value, depth: usize) -> bool {
    if !v.is_pointer() || v.exact::<Str>().is_some() {
        return true;
    }
    let rest = |t: &'static Tuple| t.items().iter().all(|i| !i.is_pointer() || is_odd_scalar(*i, depth - 1));
    match v.exact::<Tuple>() {
        Some(tuple) => depth > 0 && rest(tuple),
        None => is_odd_scalar(v, depth),
    }
}

#[inline(never)]
fn is_odd_scalar(v: Value, depth: usize) -> bool {
    if !v.is_pointer() {
        return true;
    }
    let class = v.class();
    let is_one = |of: &Class| std::ptr::eq(class, of);
    if is_one(Str::type_object()) || is_one(&bytes::BYTES) {
        return true;
    }
    if is_one(Tuple::class()) {
        // SAFETY: the class was looked at.
        let items = unsafe { v.cast::<Tuple>() }.items();
        return depth > 0 && items.iter().all(|i| is_odd_scalar(*i, depth - 1));
    }
    is_one(&int::INT) || is_one(&float::FLOAT) || is_one(&boolean::BOOL) || v.is_none()
}

/// Whether a key hashes by itself and by what is known about keys of its kind.
pub(crate) fn is_key(v: Value) -> bool {
    is_scalar(v, TUPLE_DEPTH) || hash::is_by_identity(v.class())
}

/// `format(v, spec)`.
pub extern "C" fn format(cx: &mut Cx, v: Value, spec: Value) -> u64 {
    match spec.exact::<Str>() {
        Some(spec) if is_number(v) || v.exact::<Str>().is_some() => {
            format::format_value(cx, v, spec).map_or(0, |s| Value::of(s).bits())
        }
        _ => NOT_PLAIN,
    }
}

/// `str(v)` or, for 2, `repr(v)`.
pub extern "C" fn to_str(cx: &mut Cx, v: Value, kind: u64) -> u64 {
    let to_str: fn(&mut Cx, Value) -> PyResult<&'static Str> = match Conversion::from_u16(kind as u16) {
        Some(Conversion::Str) => object::str,
        Some(Conversion::Repr) => object::repr,
        _ => return NOT_PLAIN,
    };
    if !is_scalar(v, 0) || is(v, &bytes::BYTES) { NOT_PLAIN } else { to_str(cx, v).map_or(0, |s| Value::of(s).bits()) }
}

/// `item in container`.
pub extern "C" fn contains(cx: &mut Cx, container: Value, item: Value) -> u64 {
    if let Some(dict) = container.exact::<Dict>() {
        if !is_key(item) {
            return NOT_PLAIN;
        }
        let Ok(hash) = hash_key(cx, item) else { return 0 };
        return dict.find_known(item, hash).map_or(NOT_PLAIN, |found| truth(found.is_some()));
    }
    if let Some(set) = plain_set(container) {
        if !is_key(item) {
            return NOT_PLAIN;
        }
        let Ok(hash) = hash_key(cx, item) else { return 0 };
        return set.contains_known(item, hash).map_or(NOT_PLAIN, truth);
    }
    if let (Some(_), Some(_)) = (container.exact::<Str>(), item.exact::<Str>()) {
        return object::contains(cx, container, item).map_or(0, truth);
    }
    if let Some(bools) = container.exact::<List>().and_then(|l| l.bools()) {
        let wanted = match boolean::as_bool(item) {
            Some(b) => i64::from(b),
            None => match item.as_small() {
                Some(i) => i,
                None => return NOT_PLAIN,
            },
        };
        return truth(bools.iter().any(|b| i64::from(*b) == wanted));
    }
    if let Some(doubles) = container.exact::<List>().and_then(|l| l.doubles()) {
        // Nothing here may change the list's kind, which compiled code may have in mind.
        return match float::as_f64(item).filter(|_| is(item, &float::FLOAT)) {
            Some(d) => truth(doubles.contains(&d)),
            None => NOT_PLAIN,
        };
    }
    let items = match (container.exact::<List>(), container.exact::<Tuple>()) {
        (Some(list), _) => list.items(),
        (_, Some(tuple)) => tuple.items(),
        _ if is(container, &RANGE) && item.is_small() => return object::contains(cx, container, item).map_or(0, truth),
        _ => return NOT_PLAIN,
    };
    for other in items {
        match known_equal(*other, item) {
            Some(true) => return TRUE_WORD,
            Some(false) => {}
            None => return NOT_PLAIN,
        }
    }
    FALSE_WORD
}

/// As `compare::known_equal`, numbers of different kinds and None included.
fn known_equal(a: Value, b: Value) -> Option<bool> {
    if let Some(known) = compare::known_equal(a, b) {
        return Some(known);
    }
    let simple = |v: Value| v.exact::<Str>().is_some() || v.is_none() || is(v, &bytes::BYTES);
    match (is_number(a), is_number(b)) {
        (true, true) => None,
        (true, false) if simple(b) => Some(false),
        (false, true) if simple(a) => Some(false),
        _ if simple(a) && simple(b) && !std::ptr::eq(a.class(), b.class()) => Some(false),
        _ => None,
    }
}

pub(crate) fn plain_set(v: Value) -> Option<&'static Set> {
    set::as_set(v).filter(|_| !v.class().is_heap_type())
}

/// Containers whose items under small ints and slices are found without running code.
fn is_sequence(v: Value) -> bool {
    v.exact::<List>().is_some()
        || v.exact::<Tuple>().is_some()
        || v.exact::<Str>().is_some()
        || is(v, &bytes::BYTES)
        || is(v, &bytearray::BYTEARRAY)
        || is(v, &RANGE)
        || is_array(v)
}

/// `array.array`, which another crate defines.
fn is_array(v: Value) -> bool {
    taipan_runtime::machine_items::tag_of(v) != 0 && v.exact::<List>().is_none()
}

fn is_bound(v: Value) -> bool {
    v.is_small() || v.is_none()
}

fn is_index(key: Value) -> bool {
    if key.is_small() {
        return true;
    }
    is(key, &SLICE) && {
        // SAFETY: the class was looked at.
        let s = unsafe { key.cast::<Slice>() };
        is_bound(s.start) && is_bound(s.stop) && is_bound(s.step)
    }
}

/// The value of an exact dict under a key; [`END`] if there is none.
pub extern "C" fn dict_item(cx: &mut Cx, dict: &'static Dict, key: Value) -> u64 {
    if !is_key(key) {
        return NOT_PLAIN;
    }
    let Ok(hash) = hash_key(cx, key) else { return NOT_PLAIN };
    match dict.find_known(key, hash) {
        None => NOT_PLAIN,
        Some(found) => found.map_or(END, |v| v.bits()),
    }
}

/// The value under a key of an instance of dict or of a class that finds items as dict does; [`END`] if there is none, or if it
/// is not sure.
pub extern "C" fn find_item(cx: &mut Cx, dict: &'static Dict, key: Value) -> u64 {
    if !is_key(key) {
        return END;
    }
    let Ok(hash) = hash_key(cx, key) else { return END };
    dict.find_known(key, hash).flatten().map_or(END, |v| v.bits())
}

/// `v[key]`.
pub extern "C" fn get_item(cx: &mut Cx, v: Value, key: Value) -> u64 {
    if let Some(dict) = v.exact::<Dict>() {
        if !is_key(key) {
            return NOT_PLAIN;
        }
        let Ok(hash) = hash_key(cx, key) else { return 0 };
        return match dict.find_known(key, hash) {
            None => NOT_PLAIN,
            Some(Some(value)) => value.bits(),
            // Raises KeyError.
            Some(None) => word(object::get_item(cx, v, key)),
        };
    }
    if is_sequence(v) && is_index(key) { word(object::get_item(cx, v, key)) } else { NOT_PLAIN }
}

/// `v.get(key, default)` of a dict.
pub extern "C" fn dict_get(cx: &mut Cx, v: Value, key: Value, default: Value) -> u64 {
    let Some(dict) = v.exact::<Dict>().filter(|_| is_key(key)) else { return NOT_PLAIN };
    let Ok(hash) = hash_key(cx, key) else { return 0 };
    dict.find_known(key, hash).map_or(NOT_PLAIN, |found| found.unwrap_or(default).bits())
}

/// `v.add(key)` of a set; None.
pub extern "C" fn set_add(cx: &mut Cx, v: Value, key: Value) -> u64 {
    let Some(set) = plain_set(v).filter(|s| is(Value::of(*s), &set_methods::SET) && is_key(key)) else {
        return NOT_PLAIN;
    };
    let Ok(hash) = hash_key(cx, key) else { return 0 };
    match set.contains_known(key, hash) {
        None => return NOT_PLAIN,
        Some(true) => {}
        Some(false) => {
            if set.add_hashed(cx, key, hash).is_err() {
                return 0;
            }
        }
    }
    Value::none().bits()
}

/// `v[key] = value`; 1 if done.
pub extern "C" fn set_item(cx: &mut Cx, v: Value, key: Value, value: Value) -> u64 {
    let dict = v.downcast::<Dict>().filter(|_| !v.class().is_heap_type() || inherits_setitem(v.class()));
    if let Some(dict) = dict {
        // Whoever relies on the values of this dict must be told, which discards code: that is done elsewhere.
        if !is_key(key) || dict.is_watched() {
            return NOT_PLAIN;
        }
        let Ok(hash) = hash_key(cx, key) else { return 0 };
        return if dict.set_known(cx, key, hash, value) { 1 } else { NOT_PLAIN };
    }
    let list = v.exact::<List>().is_some();
    let buffer = (is(v, &bytearray::BYTEARRAY) || is_array(v)) && is_number(value);
    let whole = list && is(key, &SLICE) && (value.exact::<List>().is_some() || value.exact::<Tuple>().is_some());
    if key.is_small() && (list || buffer) || whole && is_index(key) {
        object::set_item(cx, v, key, Some(value)).is_ok() as u64
    } else {
        NOT_PLAIN
    }
}

/// `del v[key]` of a dict that has the key; 1 if done.
pub extern "C" fn del_item(cx: &mut Cx, v: Value, key: Value) -> u64 {
    let Some(dict) = v.exact::<Dict>().filter(|d| is_key(key) && !d.is_watched()) else { return NOT_PLAIN };
    let Ok(hash) = hash_key(cx, key) else { return 0 };
    match dict.find_known(key, hash) {
        // As it is there, and known to be, no other key is compared by Python code.
        Some(Some(_)) => dict.remove(cx, key).is_ok() as u64,
        _ => NOT_PLAIN,
    }
}

/// A bound of a slice, which is an int or None.
pub fn bound(v: Value) -> Option<isize> {
    v.as_small().map(|i| i as isize)
}

/// `v[start:stop:step]`.
pub extern "C" fn get_strided(cx: &mut Cx, v: Value, start: Value, stop: Value, step: Value) -> u64 {
    if !is_sequence(v) || !is_bound(start) || !is_bound(stop) || !is_bound(step) {
        return NOT_PLAIN;
    }
    if let Some(list) = v.exact::<List>().filter(|_| bound(step) != Some(0)) {
        return Value::of(crate::lists::copied(cx, list, [start, stop, step])).bits();
    }
    let slice = Slice::new(cx, start, stop, step);
    word(object::get_item(cx, v, Value::of(slice)))
}

/// `v[start:stop]`.
pub extern "C" fn get_slice(cx: &mut Cx, v: Value, start: Value, stop: Value) -> u64 {
    if !is_sequence(v) || !is_bound(start) || !is_bound(stop) {
        return NOT_PLAIN;
    }
    if let Some(list) = v.exact::<List>() {
        let range = slice::adjust(bound(start), bound(stop), 1, list.len());
        return Value::of(list.copy_range(cx, range.start as usize, range.len)).bits();
    }
    if let Some(made) = crate::bytes::sliced(cx, v, bound(start), bound(stop)) {
        return made;
    }
    let slice = Slice::new(cx, start, stop, Value::none());
    word(object::get_item(cx, v, Value::of(slice)))
}

/// `slice(start, stop, step)`.
pub extern "C" fn new_slice(cx: &mut Cx, start: Value, stop: Value, step: Value) -> u64 {
    Value::of(Slice::new(cx, start, stop, step)).bits()
}

/// `v[start:stop] = value`; 1 if done.
pub extern "C" fn set_slice(cx: &mut Cx, v: Value, start: Value, stop: Value, value: Value) -> u64 {
    let row = value.exact::<List>().is_some() || value.exact::<Tuple>().is_some();
    if v.exact::<List>().is_none() || !row || !is_bound(start) || !is_bound(stop) {
        return NOT_PLAIN;
    }
    if let (Some(list), Some(from)) = (v.exact::<List>(), value.exact::<List>())
        && !std::ptr::eq(list, from)
        && !list.is_packed()
        && !from.is_packed()
    {
        let range = slice::adjust(bound(start), bound(stop), 1, list.len());
        let first = range.start as usize;
        if let Some(to) = list.items_mut().get_mut(first..first + range.len).filter(|to| to.len() == from.len()) {
            to.copy_from_slice(from.items());
            list.written(cx);
            return 1;
        }
    }
    let slice = Slice::new(cx, start, stop, Value::none());
    object::set_item(cx, v, Value::of(slice), Some(value)).is_ok() as u64
}

/// `a op b`: number of the operator, 256 added for augmented assignments.
pub extern "C" fn binary(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    if let (Some(x), Some(y)) = (exact_set(a), exact_set(b)) {
        return set_binary(cx, x, y, op);
    }
    let which = BINARY[op & 0xff];
    let made = match op & 0xff {
        0 if op & 256 != 0 => crate::bytes::extended(cx, a, b),
        2 => crate::bytes::repeated(cx, a, b),
        _ => None,
    };
    if let Some(made) = made {
        return made;
    }
    let numbers = (is_number(a) || is(a, &complex::COMPLEX)) && (is_number(b) || is(b, &complex::COMPLEX));
    let text = |v: Value| v.exact::<Str>().is_some() || is(v, &bytes::BYTES) || is(v, &bytearray::BYTEARRAY);
    let row = |v: Value| v.exact::<List>().is_some() || v.exact::<Tuple>().is_some();
    let (add, multiply) = (std::ptr::eq(which, &number::ADD), std::ptr::eq(which, &number::MUL));
    let sequences = add && (text(a) && text(b) || row(a) && row(b))
        || multiply && (text(a) || row(a)) && is_number(b)
        || multiply && (text(b) || row(b)) && is_number(a);
    // Bytes among the arguments may be warned about.
    let argument = |v: Value| is_number(v) || v.exact::<Str>().is_some() || v.is_none();
    let formats = std::ptr::eq(which, &number::REM)
        && a.exact::<Str>().is_some()
        && b.exact::<Tuple>().map_or_else(|| argument(b), |t| t.items().iter().all(|v| argument(*v)));
    if !numbers && !sequences && !formats {
        return NOT_PLAIN;
    }
    word(if op & 256 != 0 { number::inplace(cx, a, b, which) } else { number::binary(cx, a, b, which) })
}

/// `a op b` of sets, as [`binary`]; augmented assignments change sets in place, but frozensets are replaced.
fn set_binary(cx: &mut Cx, a: &'static Set, b: &'static Set, op: usize) -> u64 {
    let which = match op & 0xff {
        1 => SetOp::Sub,
        8 => SetOp::And,
        9 => SetOp::Or,
        10 => SetOp::Xor,
        _ => return NOT_PLAIN,
    };
    if op & 256 != 0 && is(Value::of(a), &set_methods::SET) {
        return NOT_PLAIN;
    }
    set_known::binary(cx, a, b, which).map_or(NOT_PLAIN, |v| v.bits())
}

/// `a ** b` of numbers.
pub extern "C" fn power(cx: &mut Cx, a: Value, b: Value) -> u64 {
    if !is_number(a) || !is_number(b) {
        return NOT_PLAIN;
    }
    word(number::power(cx, a, b, None, false))
}

/// `-a` of numbers.
pub extern "C" fn negative(cx: &mut Cx, a: Value) -> u64 {
    if is(a, &float::FLOAT) {
        return float::as_f64(a).map_or(NOT_PLAIN, |d| cx.float(-d).bits());
    }
    if !is_number(a) {
        return NOT_PLAIN;
    }
    word(number::binary(cx, Value::small(0), a, &number::SUB))
}

/// `int(a)`, `float(a)` or `bool(a)` by number 0, 1, 2; strs included.
pub extern "C" fn convert(cx: &mut Cx, a: Value, kind: usize) -> u64 {
    if !is_number(a) && a.exact::<Str>().is_none() {
        return NOT_PLAIN;
    }
    let class: &'static Class = [&int::INT, &float::FLOAT, &boolean::BOOL][kind];
    word(cx.call(Value::of(class), &[a]))
}

/// `global name = value`; 1.
pub extern "C" fn store_global(cx: &mut Cx, dict: &'static Dict, name: &'static Str, value: Value) -> u64 {
    dict.set_str(cx, name, value);
    1
}

/// `a op b` as a truth word: number of the comparison.
pub extern "C" fn compare(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    let op = COMPARE[op];
    if matches!(op, CmpOp::Eq | CmpOp::Ne)
        && let Some(equal) = known_equal(a, b)
    {
        // Only NaN differs from itself.
        if !is(a, &float::FLOAT) && !is(b, &float::FLOAT) && !is(a, &complex::COMPLEX) {
            let tuples = a.exact::<Tuple>().is_some() && a != b;
            if !tuples || is_scalar(a, TUPLE_DEPTH) {
                return truth(equal == (op == CmpOp::Eq));
            }
        }
    }
    if let (Some(x), Some(y)) = (exact_set(a), exact_set(b)) {
        return set_known::compare(x, y, op).map_or(NOT_PLAIN, truth);
    }
    if is_number(a) && is_number(b) || is_scalar(a, TUPLE_DEPTH) && is_scalar(b, TUPLE_DEPTH) {
        return compare::rich_bool(cx, a, b, op).map_or(0, truth);
    }
    NOT_PLAIN
}

/// `bool(v)`.
pub extern "C" fn truth_of(cx: &mut Cx, v: Value) -> u64 {
    let class = v.class();
    let slots = class.slots();
    if class.is_heap_type() && (slots.bool.is_some() || slots.len.is_some() && !inherits_len(class)) {
        return NOT_PLAIN;
    }
    object::truth(cx, v).map_or(0, truth)
}

/// `enumerate(v)` of a built-in container.
pub extern "C" fn enumerate(cx: &mut Cx, v: Value) -> u64 {
    let class = v.class();
    if class.is_heap_type() || class.slots().iter.is_none() || class.slots().next.is_some() {
        return NOT_PLAIN;
    }
    word(cx.call(Value::of(&ENUMERATE), &[v]))
}

/// `zip(x, y)` of lists, tuples and ranges.
pub extern "C" fn zip(cx: &mut Cx, x: Value, y: Value) -> u64 {
    let plain = |v: Value| v.exact::<List>().is_some() || v.exact::<Tuple>().is_some() || is(v, &RANGE);
    if plain(x) && plain(y) { word(cx.call(Value::of(&ZIP), &[x, y])) } else { NOT_PLAIN }
}

/// `len(v)` of an object of a built-in type, or of one that has its length.
pub extern "C" fn len(cx: &mut Cx, v: Value) -> u64 {
    if let Some(s) = v.exact::<Str>() {
        return Value::small(s.len() as i64).bits();
    }
    let class = v.class();
    if class.is_heap_type() && !inherits_len(class) || class.slots().len.is_none() {
        return NOT_PLAIN;
    }
    object::len(cx, v).map_or(0, |n| Value::small(n as i64).bits())
}

/// `list(v)` of a built-in row.
pub extern "C" fn list_of(cx: &mut Cx, v: Value) -> u64 {
    let plain = v.exact::<List>().is_some() || v.exact::<Tuple>().is_some() || is(v, &RANGE);
    if plain { word(iter::to_list(cx, v).map(Value::of)) } else { NOT_PLAIN }
}

/// Whether it is an iterator over a built-in container.
#[inline(always)]
fn is_iterator(cx: &mut Cx, it: Value) -> bool {
    it.class().data().plain_iterator.get() || is_odd_iterator(cx, it)
}

#[inline(never)]
fn is_odd_iterator(cx: &mut Cx, it: Value) -> bool {
    let class = it.class();
    if class.is_heap_type() {
        return false;
    }
    if std::ptr::eq(class, &ENUMERATE) {
        // SAFETY: the class was looked at.
        let inner = unsafe { it.cast::<Enumerate>() }.iterator;
        return is_iterator(cx, inner);
    }
    if std::ptr::eq(class, &ZIP) {
        // SAFETY: the class was looked at.
        let inner = unsafe { it.cast::<Zip>() }.iters;
        return inner.items().iter().all(|i| is_iterator(cx, *i));
    }
    if iterators::LIST_ITER.data().plain_iterator.get() {
        return false;
    }
    for class in iterators(cx) {
        class.data().plain_iterator.set(true);
    }
    class.data().plain_iterator.get()
}

/// Classes of the iterators of built-in containers.
fn iterators(cx: &mut Cx) -> Vec<&'static Class> {
    use taipan_runtime::types::{dict_views, range, str_iter};
    let mut all: Vec<&'static Class> = vec![
        &iterators::LIST_ITER,
        &iterators::TUPLE_ITER,
        &range::RANGE_ITER,
        &str_iter::STR_ITER,
        &str_iter::STR_ASCII_ITER,
        &iterators::REVERSE_LIST_ITER,
        &bytes::BYTES_ITER,
        &bytearray::BYTEARRAY_ITER,
        &range::LONG_RANGE_ITER,
    ];
    let dict = Dict::new(cx);
    // Rooted: a collection may come with each of them.
    let mut sources = taipan_runtime::heap::RootVec::from_slice(&[Value::of(dict)]);
    sources.push(Value::of(Set::new(cx)));
    for view in [&dict_views::DICT_VALUES, &dict_views::DICT_ITEMS] {
        sources.push(Value::of(dict_views::DictView::new(cx, view, dict)));
    }
    for source in sources.iter() {
        if let Ok(it) = iter::iter(cx, *source) {
            all.push(it.class());
        }
    }
    all
}

/// The next item; [`END`] at the end.
pub extern "C" fn next(cx: &mut Cx, it: Value) -> u64 {
    if !is_iterator(cx, it) {
        return NOT_PLAIN;
    }
    let Some(next) = it.class().slots().next else { return NOT_PLAIN };
    match next(cx, it) {
        Ok(Some(v)) => v.bits(),
        Ok(None) => END,
        Err(_) => 0,
    }
}

/// `iter(v)` of a built-in container. Not of an iterator, which would be the result: compiled code may hold its state.
pub extern "C" fn get_iter(cx: &mut Cx, v: Value) -> u64 {
    let class = v.class();
    if class.is_heap_type() && !inherits_iter(class) || class.slots().iter.is_none() || class.slots().next.is_some() {
        return NOT_PLAIN;
    }
    word(iter::iter(cx, v))
}

/// `issubclass(class, of)` of classes that decide by inheritance.
pub extern "C" fn is_subclass(_: &mut Cx, class: Value, of: Value) -> u64 {
    let plain = |c: Value| c.exact::<Class>().filter(|c| std::ptr::eq(c.header().class(), &type_::TYPE));
    match (plain(class), plain(of)) {
        (Some(class), Some(of)) => truth(class.is_subtype(of)),
        _ => NOT_PLAIN,
    }
}

/// `isinstance(v, class)` for classes, and tuples of classes, that decide by inheritance.
pub extern "C" fn is_instance(cx: &mut Cx, v: Value, class: Value) -> u64 {
    let plain = |c: Value| c.exact::<Class>().filter(|c| std::ptr::eq(c.header().class(), &type_::TYPE));
    let one = |c: &Class| v.is_instance(c);
    let yes = if let Some(class) = plain(class) {
        one(class)
    } else if let Some(tuple) = class.exact::<Tuple>() {
        let mut yes = false;
        for item in tuple.items() {
            let Some(class) = plain(*item) else { return NOT_PLAIN };
            yes |= one(class);
        }
        yes
    } else {
        return NOT_PLAIN;
    };
    // An instance may claim another class by a property `__class__`.
    if !yes && v.class().is_heap_type() {
        let name = cx.names().__class__;
        let usual = cx.type_lookup(&taipan_runtime::types::object::OBJECT, name);
        if cx.type_lookup(v.class(), name) != usual {
            return NOT_PLAIN;
        }
    }
    truth(yes)
}
