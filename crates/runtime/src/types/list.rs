//! list: layout and storage. The methods are in `list_methods.rs`.
//!
//! A list is 40 bytes (CABI 2.2): size at +16, items at +24, capacity at +32. The storage kind lies in the header's
//! flag half-word beside EXPOSED (CABI F7), so that one compare checks both: today every list uses kind VALUES
//! (tagged words hold small ints and most floats unboxed already, see docs/object-model.md).
//!
//! Invariants:
//! - LIST-1: `items` is 0 or leads to a ValueArray of at least `capacity` words; words from `size` on are 0.
//! - LIST-2: no other module touches `items` directly; all access goes through the methods here.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::PyResult;
use crate::buffer::ValueArray;
use crate::cx::Cx;
use crate::object;
use crate::object::Header;
use crate::typeobj::Type;
use crate::value::Value;

/// A list object.
#[repr(C)]
pub struct List {
    header: Header,
    size: Cell<usize>,
    items: Cell<*mut u64>,
    capacity: Cell<usize>,
}
const _: () = assert!(std::mem::size_of::<List>() == 40);
object!(List, crate::types::list_methods::LIST);

/// Visits a list's items.
///
/// # Safety
/// `object` must be a list.
pub unsafe fn trace_list(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise, LIST-1.
    unsafe {
        let this = &*object.cast::<List>();
        let items = this.items.get();
        if !items.is_null() {
            marker.mark_value(Value::of(ValueArray::from_data(items)).bits());
        }
    }
}

impl List {
    /// A new empty list. May collect.
    pub fn new(cx: &mut Cx) -> &'static List {
        let class = &crate::types::list_methods::LIST;
        let (size, items, capacity) = (Cell::new(0), Cell::new(std::ptr::null_mut()), Cell::new(0));
        cx.alloc(List { header: Header::fresh(class), size, items, capacity })
    }

    /// A new empty instance of `class`. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type) -> &'static List {
        let (size, items, capacity) = (Cell::new(0), Cell::new(std::ptr::null_mut()), Cell::new(0));
        cx.alloc_of(class, List { header: Header::fresh(class), size, items, capacity })
    }

    /// A new empty list with room for `n` items. May collect.
    pub fn with_capacity(cx: &mut Cx, n: usize) -> &'static List {
        let list = List::new(cx);
        if n > 0 {
            list.reserve(cx, n);
        }
        list
    }

    /// A new list of `items`. May collect.
    pub fn from_slice(cx: &mut Cx, items: &[Value]) -> &'static List {
        let list = List::with_capacity(cx, items.len());
        // SAFETY: room was reserved; the list is young.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr().cast::<u64>(), list.items.get(), items.len()) };
        list.size.set(items.len());
        list.written(cx);
        list
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.size.get()
    }

    /// Words of storage.
    pub fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// True for `[]`.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items as they are now. The slice must not be used after anything that may change the list (in particular
    /// Python code) has run; copy it or use [`List::get`] then.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        let items = self.items.get();
        if items.is_null() {
            return &[];
        }
        // SAFETY: LIST-1, every word below size is a value.
        unsafe { std::slice::from_raw_parts(items.cast::<Value>(), self.len()) }
    }

    /// The items, writable natively (sorting, reversing); call [`List::written`] afterwards.
    #[allow(clippy::mut_from_ref)]
    pub fn items_mut(&self) -> &mut [Value] {
        let items = self.items.get();
        if items.is_null() {
            return &mut [];
        }
        // SAFETY: as above; the GIL gives exclusive access while no Python code runs.
        unsafe { std::slice::from_raw_parts_mut(items.cast::<Value>(), self.len()) }
    }

    /// To be called after items were stored natively.
    #[inline(always)]
    pub fn written(&self, cx: &mut Cx) {
        let items = self.items.get();
        if !items.is_null() {
            // SAFETY: LIST-1.
            cx.barrier(unsafe { ValueArray::from_data(items) });
        }
    }

    /// Item `i`, if it exists.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Value> {
        // SAFETY: below size.
        if i < self.len() { unsafe { Value::from_bits(*self.items.get().add(i)) } } else { None }
    }

    /// Replaces item `i`, which must exist.
    #[inline(always)]
    pub fn set(&self, cx: &mut Cx, i: usize, value: Value) {
        assert!(i < self.len());
        // SAFETY: below size.
        unsafe { *self.items.get().add(i) = value.bits() };
        self.written(cx);
    }

    /// Appends an item. May collect.
    #[inline(always)]
    pub fn push(&self, cx: &mut Cx, value: Value) {
        let n = self.len();
        if n == self.capacity.get() {
            self.grow(cx, n + 1);
        }
        // SAFETY: below the capacity.
        unsafe { *self.items.get().add(n) = value.bits() };
        self.size.set(n + 1);
        self.written(cx);
    }

    /// Removes and returns the last item.
    #[inline]
    pub fn pop(&self) -> Option<Value> {
        let n = self.len().checked_sub(1)?;
        let value = self.get(n);
        // SAFETY: below size.
        unsafe { *self.items.get().add(n) = 0 };
        self.size.set(n);
        value
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, cx: &mut Cx, n: usize) {
        self.reserve(cx, (n + (n >> 1)).max(4));
    }

    /// Makes room for `n` items in all. May collect.
    pub fn reserve(&self, cx: &mut Cx, n: usize) {
        if n <= self.capacity.get() {
            return;
        }
        let new = ValueArray::new(cx, n);
        // SAFETY: both arrays hold at least `size` words.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.items.get(),
                new.word_ptr(0),
                if self.items.get().is_null() { 0 } else { self.len() },
            )
        };
        self.items.set(new.word_ptr(0));
        self.capacity.set(new.capacity());
        cx.barrier(self);
        cx.barrier(new);
    }

    /// Replaces the items `[start, end)` by `with`, which must not be the list's own items. May collect.
    pub fn splice(&self, cx: &mut Cx, start: usize, end: usize, with: &[Value]) {
        let n = self.len();
        assert!(start <= end && end <= n);
        let new_len = n - (end - start) + with.len();
        if new_len > self.capacity.get() {
            let room = if new_len > n { new_len + (new_len >> 1) } else { new_len };
            self.reserve(cx, room);
        }
        let items = self.items.get();
        if items.is_null() {
            return;
        }
        // SAFETY: the capacity was checked; ranges are within it.
        unsafe {
            std::ptr::copy(items.add(end), items.add(start + with.len()), n - end);
            std::ptr::copy_nonoverlapping(with.as_ptr().cast::<u64>(), items.add(start), with.len());
            for i in new_len..n {
                *items.add(i) = 0;
            }
        }
        self.size.set(new_len);
        self.written(cx);
    }

    /// Appends all of `with`, which must not be the list's own items. May collect.
    pub fn extend_from_slice(&self, cx: &mut Cx, with: &[Value]) {
        let n = self.len();
        self.splice(cx, n, n, with);
    }

    /// Shortens the list to `n` items.
    pub fn truncate(&self, n: usize) {
        let old = self.len();
        if n >= old {
            return;
        }
        // SAFETY: the words between n and size exist.
        unsafe { self.items.get().add(n).write_bytes(0, old - n) };
        self.size.set(n);
    }

    /// Empties the list.
    pub fn clear(&self) {
        self.items.set(std::ptr::null_mut());
        self.size.set(0);
        self.capacity.set(0);
    }

    /// Inserts an item before item `i <= len`. May collect.
    pub fn insert(&self, cx: &mut Cx, i: usize, value: Value) {
        self.push(cx, value);
        let items = self.items_mut();
        items[i..].rotate_right(1);
    }

    /// Removes and returns item `i`, which must exist.
    pub fn remove_at(&self, i: usize) -> Value {
        let n = self.len();
        assert!(i < n);
        let items = self.items.get();
        // SAFETY: LIST-1; moves words within the list, whose last one becomes free.
        unsafe {
            let value = *items.add(i);
            std::ptr::copy(items.add(i + 1), items.add(i), n - i - 1);
            *items.add(n - 1) = 0;
            self.size.set(n - 1);
            Value::from_bits(value).expect("an item")
        }
    }

    /// As [`List::reserve`], MemoryError where that is impossible. May collect.
    pub fn try_reserve(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        if n > self.capacity.get() && !crate::protocol::sequence::fits(cx, n) {
            return Err(cx.memory_error());
        }
        self.reserve(cx, n);
        Ok(())
    }

    /// Appends `n` times the items that the list has, `n >= 0`; room was reserved.
    pub(crate) fn repeat_in_place(&self, cx: &mut Cx, n: usize) {
        let len = self.len();
        let total = len * (n + 1);
        assert!(total <= self.capacity.get());
        fill_repeated(self.items.get(), len, total);
        self.size.set(total);
        self.written(cx);
    }

    /// Takes the items for sorting: the list is empty until [`List::put_back`].
    pub(crate) fn take_storage(&self) -> (*mut u64, usize, usize) {
        let storage = (self.items.get(), self.size.get(), self.capacity.get());
        self.clear();
        storage
    }

    /// Puts the items back; false if the list was changed meanwhile.
    pub(crate) fn put_back(&self, cx: &mut Cx, storage: (*mut u64, usize, usize)) -> bool {
        let untouched = self.items.get().is_null();
        self.items.set(storage.0);
        self.size.set(storage.1);
        self.capacity.set(storage.2);
        cx.barrier(self);
        self.written(cx);
        untouched
    }

    /// Removes all items and gives them back as a slice of their own (kept alive by the caller's stack).
    pub fn take(&self) -> &'static [Value] {
        let (items, n) = (self.items.get(), self.len());
        self.items.set(std::ptr::null_mut());
        self.size.set(0);
        self.capacity.set(0);
        // SAFETY: LIST-1; the array lives as long as the slice is on the stack (interior pointers count).
        if items.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(items.cast::<Value>(), n) } }
    }
}

/// Repeats the first `len` words at `words` until there are `total`, a multiple of `len`.
pub(crate) fn fill_repeated(words: *mut u64, len: usize, total: usize) {
    if len == 0 || words.is_null() {
        return;
    }
    // SAFETY: the caller has room for `total` words, of which `len` are set.
    unsafe {
        if len == 1 {
            std::slice::from_raw_parts_mut(words.add(1), total - 1).fill(*words);
            return;
        }
        let mut done = len;
        while done < total {
            let n = done.min(total - done);
            std::ptr::copy_nonoverlapping(words, words.add(done), n);
            done += n;
        }
    }
}
