//! The type list and its methods.

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{iter, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::iterators::{ListIter, ReverseListIter};
use crate::types::list::List;
use crate::types::list_sort;
use crate::types::slice::{Range, Slice};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type list.
pub static LIST: Type = Type::new(&LIST_SPEC);
static LIST_SPEC: TypeSpec = TypeSpec {
    name: "list",
    basicsize: 40,
    flags: flags::BASETYPE | flags::LIST | flags::SEQUENCE | flags::MATCH_SELF | flags::HAVE_GC,
    trace: Some(crate::types::list::trace_list),
    slots: Slots {
        hash: Some(crate::protocol::hash::unhashable),
        repr: Some(repr),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| Ok(Value::of(ListIter::new(cx, of(v))))),
        init: Some(init),
        new: Some(|cx, class, _| Ok(Value::of(new_of(cx, class)))),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(iconcat),
        irepeat: Some(irepeat),
        ..Slots::NONE
    },
    methods: &[ListMethods::METHODS],
    doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.",
    signature: "(iterable=(), /)",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
fn of(v: Value) -> &'static List {
    // SAFETY: slots are called with lists.
    unsafe { v.cast() }
}

fn new_of(cx: &mut Cx, class: &'static Type) -> &'static List {
    if std::ptr::eq(class, &LIST) { List::new(cx) } else { List::new_of(cx, class) }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let this = of(v);
    if args.kwnames().is_some() && !sequence::init_refuses_keywords(v.class(), &LIST) {
        return fill(cx, this, args.pos().first().copied());
    }
    let iterable = sequence::optional_iterable(cx, "list", args)?;
    fill(cx, this, iterable)
}

fn fill(cx: &mut Cx, this: &'static List, iterable: Option<Value>) -> PyResult<()> {
    this.clear();
    match iterable {
        Some(v) => iter::extend(cx, this, v),
        None => Ok(()),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    if this.is_empty() {
        return Ok(cx.str("[]"));
    }
    sequence::repr_items(cx, v, ("[", "]", "[...]"), |i| this.get(i))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<List>(), b.downcast::<List>()) else { return Ok(Value::not_implemented()) };
    compare::sequences(cx, |i| x.get(i), |i| y.get(i), || (x.len(), y.len()), op)
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(i) = key.as_small() {
        return match sequence::resolve(i as isize, this.len()).and_then(|i| this.get(i)) {
            Some(item) => Ok(item),
            None => raise!(cx, IndexError, "list index out of range"),
        };
    }
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.len())?;
        sequence::check_len(cx, range.len)?;
        return Ok(Value::of(get_slice(cx, this, range)));
    }
    if !sequence::is_index(key) {
        return sequence::index_type_error(cx, "list", key);
    }
    let i = sequence::index(cx, key)?;
    match sequence::resolve(i, this.len()).and_then(|i| this.get(i)) {
        Some(item) => Ok(item),
        None => raise!(cx, IndexError, "list index out of range"),
    }
}

/// A new list of the items in a slice. May collect.
pub fn get_slice(cx: &mut Cx, this: &'static List, range: Range) -> &'static List {
    if range.step == 1 {
        let start = range.start as usize;
        return this.copy_range(cx, start, range.len);
    }
    if range.step == -1 && range.len > 0 {
        let new = this.copy_range(cx, range.start as usize + 1 - range.len, range.len);
        new.reverse();
        return new;
    }
    let new = List::with_capacity(cx, range.len);
    for item in range.indices().filter_map(|i| this.get(i)) {
        new.push(cx, item);
    }
    new
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        return match value {
            Some(value) => set_slice(cx, this, slice, value),
            None => delete_slice(cx, this, slice),
        };
    }
    if !sequence::is_index(key) {
        return sequence::index_type_error(cx, "list", key);
    }
    let i = sequence::index(cx, key)?;
    match (sequence::resolve(i, this.len()), value) {
        (Some(i), Some(value)) => this.set(cx, i, value),
        (Some(i), None) => {
            this.remove_at(i);
        }
        (None, _) => return raise!(cx, IndexError, "list assignment index out of range"),
    }
    Ok(())
}

fn set_slice(cx: &mut Cx, this: &'static List, slice: &Slice, value: Value) -> PyResult<()> {
    slice.apply(cx, || this.len())?;
    // A list or tuple is used as it is; anything else, and the list itself, is copied first.
    let items: &'static List = match value.exact::<List>() {
        Some(list) if !std::ptr::eq(list, this) => list,
        _ => match iter::iter(cx, value) {
            Ok(it) if value.exact::<List>().is_none() && value.downcast::<crate::types::tuple::Tuple>().is_none() => {
                iter::list_from_iter(cx, it, value)?
            }
            Ok(_) => iter::to_list(cx, value)?,
            Err(_) if cx.exception_matches(&crate::exceptions::TypeError) => {
                cx.take_exception();
                return raise!(cx, TypeError, "must assign iterable to extended slice");
            }
            Err(e) => return Err(e),
        },
    };
    // Making the items may have changed the list.
    let range = slice.apply(cx, || this.len())?;
    if range.step == 1 {
        let end = range.start as usize + range.len;
        if range.len == items.len()
            && let (Some(to), Some(from)) = (this.doubles_mut(), items.doubles())
        {
            to[range.start as usize..end].copy_from_slice(from);
            return Ok(());
        }
        if range.len == items.len() && this.set_bools(range.start as usize..end, items) {
            return Ok(());
        }
        sequence::check_len(cx, (this.len() + items.len()).saturating_sub(range.len))?;
        this.splice(cx, range.start as usize, end, items.items());
        return Ok(());
    }
    if items.len() != range.len {
        let (n, m) = (items.len(), range.len);
        return raise!(cx, ValueError, "attempt to assign sequence of size {n} to extended slice of size {m}");
    }
    if this.set_bools(range.indices(), items) {
        return Ok(());
    }
    let target = this.items_mut();
    for (i, item) in range.indices().zip(items.items()) {
        target[i] = *item;
    }
    this.written(cx);
    Ok(())
}

fn delete_slice(cx: &mut Cx, this: &'static List, slice: &Slice) -> PyResult<()> {
    let range = slice.apply(cx, || this.len())?;
    if range.len == 0 {
        return Ok(());
    }
    if range.step == 1 {
        let start = range.start as usize;
        this.splice(cx, start, start + range.len, &[]);
        return Ok(());
    }
    // The indices in ascending order.
    let (first, step) = if range.step < 0 {
        (range.start + (range.len as isize - 1) * range.step, -range.step)
    } else {
        (range.start, range.step)
    };
    let n = this.len();
    let items = this.items_mut();
    let (mut next, mut left, mut to) = (first as usize, range.len, first as usize);
    for from in first as usize..n {
        if left > 0 && from == next {
            left -= 1;
            next = next.saturating_add(step as usize);
        } else {
            items[to] = items[from];
            to += 1;
        }
    }
    this.truncate(to);
    this.written(cx);
    Ok(())
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let this = of(v);
    if item.is_small() && !this.is_packed() {
        // Equal small ints are the same word; only other kinds of objects need a comparison.
        let items = this.items();
        match items.iter().position(|x| *x == item || x.is_pointer() || x.is_flonum()) {
            None => return Ok(false),
            Some(i) if items[i] == item => return Ok(true),
            Some(_) => {}
        }
    }
    Ok(sequence::find(cx, item, 0, usize::MAX, |i| this.get(i))?.is_some())
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = of(a);
    let Some(other) = b.downcast::<List>() else {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only concatenate list (not \"{got}\") to list");
    };
    sequence::check_len(cx, this.len() + other.len())?;
    let new = List::with_capacity(cx, this.len() + other.len());
    new.extend_from_list(cx, this);
    new.extend_from_list(cx, other);
    Ok(Value::of(new))
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let total = sequence::repeated_len(cx, this.len(), n)?;
    let times = if total > 0 { n as usize } else { 0 };
    Ok(Value::of(this.repeated(cx, times)))
}

fn iconcat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    iter::extend(cx, of(a), b)?;
    Ok(a)
}

fn irepeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let total = sequence::repeated_len(cx, this.len(), n)?;
    if total == 0 {
        this.clear();
    } else {
        this.try_reserve(cx, total)?;
        this.repeat_in_place(cx, n as usize - 1);
    }
    Ok(v)
}

/// Methods of list.
pub struct ListMethods;

#[pymethods]
impl ListMethods {
    /// Append object to the end of the list.
    #[py("($self, object, /)")]
    fn append(cx: &mut Cx, this: &'static List, object: Value) {
        this.push(cx, object);
    }

    /// Extend list by appending elements from the iterable.
    #[py("($self, iterable, /)")]
    fn extend(cx: &mut Cx, this: &'static List, iterable: Value) -> PyResult<()> {
        iter::extend(cx, this, iterable)
    }

    /// Insert object before index.
    #[py("($self, index, object, /)")]
    fn insert(cx: &mut Cx, this: &'static List, index: isize, object: Value) {
        let n = this.len() as isize;
        let i = if index < 0 { (index.saturating_add(n)).max(0) } else { index.min(n) };
        this.insert(cx, i as usize, object);
    }

    /// Remove and return item at index (default last).
    ///
    /// Raises IndexError if list is empty or index is out of range.
    #[py("($self, index=-1, /)")]
    fn pop(cx: &mut Cx, this: &'static List, index: Option<isize>) -> PyResult<Value> {
        let index = index.unwrap_or(-1);
        if this.is_empty() {
            return raise!(cx, IndexError, "pop from empty list");
        }
        match sequence::resolve(index, this.len()) {
            Some(i) if i + 1 == this.len() => Ok(this.pop().expect("not empty")),
            Some(i) => Ok(this.remove_at(i)),
            None => raise!(cx, IndexError, "pop index out of range"),
        }
    }

    /// Remove first occurrence of value.
    ///
    /// Raises ValueError if the value is not present.
    #[py("($self, value, /)")]
    fn remove(cx: &mut Cx, this: &'static List, value: Value) -> PyResult<()> {
        match sequence::find(cx, value, 0, usize::MAX, |i| this.get(i))? {
            Some(i) if i < this.len() => {
                this.remove_at(i);
                Ok(())
            }
            Some(_) => Ok(()),
            None => raise!(cx, ValueError, "list.remove(x): x not in list"),
        }
    }

    /// Remove all items from list.
    #[py("($self, /)")]
    fn clear(_cx: &mut Cx, this: &'static List) {
        this.clear();
    }

    /// Return a shallow copy of the list.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static List) -> PyResult<&'static List> {
        sequence::check_len(cx, this.len())?;
        Ok(this.copy_range(cx, 0, this.len()))
    }

    /// Return number of occurrences of value.
    #[py("($self, value, /)")]
    fn count(cx: &mut Cx, this: &'static List, value: Value) -> PyResult<i64> {
        let (mut n, mut i) = (0, 0);
        while let Some(x) = this.get(i) {
            n += i64::from(compare::equal(cx, x, value)?);
            i += 1;
        }
        Ok(n)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[py("($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(
        cx: &mut Cx,
        this: &'static List,
        value: Value,
        start: Option<Value>,
        stop: Option<Value>,
    ) -> PyResult<i64> {
        let (start, stop) = sequence::search_bounds(cx, start, stop, || this.len())?;
        match sequence::find(cx, value, start, stop, |i| this.get(i))? {
            Some(i) => Ok(i as i64),
            None => raise!(cx, ValueError, "list.index(x): x not in list"),
        }
    }

    /// Reverse *IN PLACE*.
    #[py("($self, /)")]
    fn reverse(_cx: &mut Cx, this: &'static List) {
        this.reverse();
    }

    /// Sort the list in ascending order and return None.
    ///
    /// The sort is in-place (i.e. the list itself is modified) and stable
    /// (i.e. the order of two equal elements is maintained).
    ///
    /// If a key function is given, apply it once to each list item and sort
    /// them, ascending or descending, according to their function values.
    ///
    /// The reverse flag can be set to sort in descending order.
    #[py("($self, /, *, key=None, reverse=False)")]
    fn sort(cx: &mut Cx, this: &'static List, key: Option<Value>, reverse: Option<bool>) -> PyResult<()> {
        list_sort::sort(cx, this, key.filter(|k| !k.is_none()), reverse.unwrap_or(false))
    }

    /// Return a reverse iterator over the list.
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static List) -> &'static ReverseListIter {
        ReverseListIter::new(cx, this)
    }

    /// Return the size of the list in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static List) -> i64 {
        (Value::of(this).class().data().basicsize + 8 * this.capacity()) as i64
    }

    /// lists are generic over the type of their contents
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
}
