//! list: layout and storage. The methods are in `list_methods.rs`.
//!
//! A list is 40 bytes (CABI 2.2): size at +16, items at +24, capacity at +32. The storage kind lies in the header's
//! flag half-word beside EXPOSED (CABI F7), so that one compare checks both. A list has tagged words (small ints and most
//! floats are unboxed in them) or, with [`FLAG_FLOATS`], doubles, which compiled code reads without a test. A list becomes
//! one of doubles when it gets its first item or is made of floats only, and one of words, in place and for good, when
//! another value is stored or somebody asks for the items as a slice. Long lists made by repeating bools have, with
//! [`FLAG_BOOLS`], a byte for each item until then.
//!
//! Invariants:
//! - LIST-1: `items` is 0 or leads to a ValueArray of at least `capacity` words; words from `size` on are 0.
//! - LIST-2: no other module touches `items` directly; all access goes through the methods here.
//! - LIST-3: in a list of doubles the array has the type of raw buffers, since it must not be traced, and holds only doubles
//!   that become values without allocation ([`double_of`]): so the change to words can happen anywhere.
//! - LIST-4: a list of bools has an array of that type, too, with a word of room for each item for the same reason; the bytes
//!   are 0 or 1, and those from `size` on are 0. The system does not provide the memory of words that nobody has written.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::PyResult;
use crate::buffer::{LARGE_BYTES, ValueArray};
use crate::cx::Cx;
use crate::object;
use crate::object::{FLAG_BOOLS, FLAG_FLOATS, Header};
use crate::protocol::sequence::check_len;
use crate::typeobj::Type;
use crate::types::boolean::as_bool;
use crate::types::float;
use crate::types::tuple::Tuple;
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

/// The double that stands for a value in a list of doubles, if there is one.
#[inline(always)]
pub fn double_of(v: Value) -> Option<f64> {
    if v.is_flonum() {
        return Some(v.flonum_unchecked());
    }
    if v.is_pointer() { rare_double_of(v) } else { None }
}

#[cold]
#[inline(never)]
fn rare_double_of(v: Value) -> Option<f64> {
    v.exact::<float::Float>().map(|_| float::of(v)).filter(|d| float::without_allocation(*d).is_some())
}

/// Whether a list of doubles can hold it.
pub fn fits_double(d: f64) -> bool {
    float::without_allocation(d).is_some()
}

/// The value of a double of a list.
#[inline(always)]
fn value_of(word: u64) -> Value {
    float::without_allocation(f64::from_bits(word)).expect("LIST-3")
}

/// From this many bools on a byte for each is worth while.
const MANY_BOOLS: usize = 256;

impl List {
    /// Whether it holds doubles.
    #[inline(always)]
    pub fn is_floats(&self) -> bool {
        self.header.flags() & FLAG_FLOATS != 0
    }

    /// Whether it holds bytes that are bools.
    #[inline(always)]
    pub fn is_bools(&self) -> bool {
        self.header.flags() & FLAG_BOOLS != 0
    }

    /// Whether it holds something else than words.
    #[inline(always)]
    pub fn is_packed(&self) -> bool {
        self.header.flags() & (FLAG_FLOATS | FLAG_BOOLS) != 0
    }

    /// Makes it a list of words. The array stays where it is.
    #[cold]
    #[inline(never)]
    fn generalize(&self) {
        let bools = self.is_bools();
        self.header.clear_flag(FLAG_FLOATS | FLAG_BOOLS);
        let (items, n) = (self.items.get(), self.len());
        if items.is_null() {
            return;
        }
        if bools {
            // From the end on: a word covers the bytes of later items only.
            for i in (0..n).rev() {
                // SAFETY: below the capacity; LIST-4.
                unsafe { *items.add(i) = Value::bool(*items.cast::<u8>().add(i) != 0).bits() };
            }
        }
        for i in if bools { 0..0 } else { 0..self.capacity() } {
            // SAFETY: below the capacity; LIST-3.
            unsafe { *items.add(i) = if i < n { value_of(*items.add(i)).bits() } else { 0 } };
        }
        // SAFETY: LIST-1.
        unsafe { ValueArray::from_data(items) }.set_traced(true);
    }

    /// Makes an empty list one of doubles.
    fn specialize(&self) {
        let items = self.items.get();
        debug_assert!(self.is_empty() && !items.is_null());
        self.header.set_flag(FLAG_FLOATS);
        // SAFETY: LIST-1.
        unsafe { ValueArray::from_data(items) }.set_traced(false);
    }

    /// The doubles, if it holds such.
    pub fn doubles(&self) -> Option<&[f64]> {
        let items = self.items.get();
        if !self.is_floats() || items.is_null() {
            return None;
        }
        // SAFETY: LIST-3.
        Some(unsafe { std::slice::from_raw_parts(items.cast::<f64>(), self.len()) })
    }

    /// The doubles, writable with others of them.
    #[allow(clippy::mut_from_ref)]
    pub(crate) fn doubles_mut(&self) -> Option<&mut [f64]> {
        let items = self.items.get();
        if !self.is_floats() || items.is_null() {
            return None;
        }
        // SAFETY: LIST-3; the GIL gives exclusive access while no Python code runs.
        Some(unsafe { std::slice::from_raw_parts_mut(items.cast::<f64>(), self.len()) })
    }

    /// The bools, if it holds bytes, as 0 and 1.
    pub fn bools(&self) -> Option<&[u8]> {
        self.bools_mut().map(|b| &*b)
    }

    /// The bools, if it holds bytes, writable with 0 and 1.
    #[allow(clippy::mut_from_ref)]
    fn bools_mut(&self) -> Option<&mut [u8]> {
        let items = self.items.get();
        if !self.is_bools() || items.is_null() {
            return None;
        }
        // SAFETY: LIST-4; the GIL gives exclusive access while no Python code runs.
        Some(unsafe { std::slice::from_raw_parts_mut(items.cast::<u8>(), self.len()) })
    }

    /// Replaces the items at these indices, which exist, by those of a list of so many; false if that is not about bools.
    pub(crate) fn set_bools(&self, indices: impl Iterator<Item = usize>, with: &List) -> bool {
        let Some(to) = self.bools_mut() else { return false };
        if let Some(from) = with.bools() {
            indices.zip(from).for_each(|(i, b)| to[i] = *b);
            return true;
        }
        if with.is_packed() || with.items().iter().any(|v| as_bool(*v).is_none()) {
            return false;
        }
        indices.zip(with.items()).for_each(|(i, v)| to[i] = (*v == Value::bool(true)).into());
        true
    }

    /// A new list of these bools, 0 or 1, `n` times. May collect.
    fn of_bools(cx: &mut Cx, bools: &[u8], n: usize) -> &'static List {
        let list = List::with_capacity(cx, bools.len() * n);
        list.header.set_flag(FLAG_BOOLS);
        // SAFETY: LIST-1.
        unsafe { ValueArray::from_data(list.items.get()) }.set_traced(false);
        list.size.set(bools.len() * n);
        if let Some(to) = list.bools_mut() {
            match *bools {
                [one] => to.fill(one),
                _ => to.chunks_exact_mut(bools.len()).for_each(|part| part.copy_from_slice(bools)),
            }
        }
        list
    }

    /// A new list of `n > 0` times the items; there is room for so many. May collect.
    pub fn repeated(&'static self, cx: &mut Cx, n: usize) -> &'static List {
        let total = self.len() * n;
        if total >= MANY_BOOLS {
            let given = self.bools().map(|b| b.to_vec());
            let made = || (0..self.len()).map(|i| as_bool(self.get(i)?).map(u8::from)).collect::<Option<Vec<u8>>>();
            if let Some(bools) = given.or_else(made) {
                return List::of_bools(cx, &bools, n);
            }
        }
        let new = List::with_capacity(cx, total);
        if total > 0 {
            new.extend_from_list(cx, self);
            new.repeat_in_place(cx, n - 1);
        }
        new
    }

    /// A new list of `n` items from item `start` on, all of which exist. May collect.
    pub fn copy_range(&self, cx: &mut Cx, start: usize, n: usize) -> &'static List {
        assert!(start <= self.len() && n <= self.len() - start);
        if n == 0 {
            return List::new(cx);
        }
        if let Some(bools) = self.bools() {
            let bools = &bools[start..start + n];
            if n >= MANY_BOOLS {
                return List::of_bools(cx, bools, 1);
            }
            let words: Vec<Value> = bools.iter().map(|b| Value::bool(*b != 0)).collect();
            return List::from_slice(cx, &words);
        }
        if !self.is_floats() {
            return List::from_slice(cx, &self.items()[start..start + n]);
        }
        let new = List::with_capacity(cx, n);
        new.specialize();
        // SAFETY: both have that many words.
        unsafe { std::ptr::copy_nonoverlapping(self.items.get().add(start), new.items.get(), n) };
        new.size.set(n);
        new
    }

    /// Appends the items of another list. May collect.
    pub fn extend_from_list(&self, cx: &mut Cx, other: &'static List) {
        if other.is_bools() {
            for i in 0..other.len() {
                let Some(v) = other.get(i) else { break };
                self.push(cx, v);
            }
            return;
        }
        let Some(from) = other.doubles() else { return self.extend_from_slice(cx, other.items()) };
        let (n, more) = (self.len(), from.len());
        if n + more > self.capacity.get() {
            self.grow(cx, n + more);
        }
        if self.is_empty() && more > 0 && !self.is_floats() {
            self.specialize();
        }
        if !self.is_floats() {
            for d in from {
                self.push(cx, value_of(d.to_bits()));
            }
            return;
        }
        // SAFETY: room was made.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().cast::<u64>(), self.items.get().add(n), more) };
        self.size.set(n + more);
    }

    /// A tuple of the items. May collect.
    pub fn to_tuple(&'static self, cx: &mut Cx) -> &'static Tuple {
        if !self.is_packed() {
            return Tuple::new(cx, self.items());
        }
        let words: Vec<Value> = (0..self.len()).filter_map(|i| self.get(i)).collect();
        Tuple::new(cx, &words)
    }

    /// Reverses the items in place.
    pub fn reverse(&self) {
        if let Some(doubles) = self.doubles_mut() {
            doubles.reverse();
        } else if let Some(bools) = self.bools_mut() {
            bools.reverse();
        } else {
            self.items_mut().reverse();
        }
    }

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
        if items.first().is_some_and(|v| v.is_flonum()) && items.iter().all(|v| double_of(*v).is_some()) {
            list.specialize();
            for (i, d) in items.iter().filter_map(|v| double_of(*v)).enumerate() {
                // SAFETY: room was reserved.
                unsafe { *list.items.get().add(i) = d.to_bits() };
            }
            list.size.set(items.len());
            return list;
        }
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
    /// Python code) has run; copy it or use [`List::get`] then. A list of doubles becomes one of words: operations that
    /// only read should use [`List::get`] or [`List::doubles`], not only because compiled code that has the list's kind in
    /// mind relies on operations that say that they write nothing.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        if self.is_packed() {
            self.generalize();
        }
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
        if self.is_packed() {
            self.generalize();
        }
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
        if i >= self.len() {
            return None;
        }
        if self.is_packed() {
            return Some(self.get_packed(i));
        }
        // SAFETY: below size.
        Value::from_bits(unsafe { *self.items.get().add(i) })
    }

    /// Item `i < size` of a list that does not hold words.
    #[inline]
    fn get_packed(&self, i: usize) -> Value {
        let items = self.items.get();
        // SAFETY: below size; LIST-3 and LIST-4.
        unsafe { if self.is_floats() { value_of(*items.add(i)) } else { Value::bool(*items.cast::<u8>().add(i) != 0) } }
    }

    /// Replaces item `i`, which must exist.
    #[inline(always)]
    pub fn set(&self, cx: &mut Cx, i: usize, value: Value) {
        assert!(i < self.len());
        if self.is_packed() {
            if self.set_packed(i, value) {
                return;
            }
            self.generalize();
        }
        // SAFETY: below size.
        unsafe { *self.items.get().add(i) = value.bits() };
        self.written(cx);
    }

    /// Replaces item `i < size` of a list that does not hold words, if it can hold the value.
    #[inline]
    fn set_packed(&self, i: usize, value: Value) -> bool {
        let items = self.items.get();
        if self.is_floats() {
            let Some(d) = double_of(value) else { return false };
            // SAFETY: below size.
            unsafe { *items.add(i) = d.to_bits() };
        } else {
            let Some(b) = as_bool(value) else { return false };
            // SAFETY: below size.
            unsafe { *items.cast::<u8>().add(i) = b.into() };
        }
        true
    }

    /// Appends an item. May collect.
    #[inline(always)]
    pub fn push(&self, cx: &mut Cx, value: Value) {
        let n = self.len();
        if n == self.capacity.get() {
            self.grow(cx, n + 1);
        }
        if self.is_packed() || n == 0 && value.is_flonum() {
            return self.push_packed(cx, n, value);
        }
        // SAFETY: below the capacity.
        unsafe { *self.items.get().add(n) = value.bits() };
        self.size.set(n + 1);
        self.written(cx);
    }

    /// Appends to a list that does not hold words, or a flonum to an empty list. There is room.
    #[inline(never)]
    fn push_packed(&self, cx: &mut Cx, n: usize, value: Value) {
        if !self.is_packed() {
            self.specialize();
        }
        if !self.set_packed(n, value) {
            self.generalize();
            // SAFETY: below the capacity.
            unsafe { *self.items.get().add(n) = value.bits() };
        }
        self.size.set(n + 1);
        self.written(cx);
    }

    /// Removes and returns the last item.
    #[inline]
    pub fn pop(&self) -> Option<Value> {
        let n = self.len().checked_sub(1)?;
        let value = self.get(n);
        self.truncate(n);
        value
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, cx: &mut Cx, n: usize) {
        if n * 8 >= LARGE_BYTES {
            return self.grow_large(cx, n);
        }
        // Most lists stay short: they grow in few steps.
        self.reserve(cx, if n <= 16 { n.next_power_of_two().max(4) } else { n + (n >> 1) });
    }

    /// As `grow` where memory may become scarce: by less then, and before there is none left for the next time, MemoryError is
    /// asked for, as this cannot raise it.
    #[cold]
    fn grow_large(&self, cx: &mut Cx, n: usize) {
        let room = [n / 2, n / 8].into_iter().find(|more| !cx.heap().lacks(8 * (n + more)));
        self.reserve(cx, n + room.unwrap_or(LEAST_GROWTH));
        cx.heap().foresee(8 * (self.capacity.get() + LEAST_GROWTH));
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
        new.set_traced(!self.is_packed());
        self.items.set(new.word_ptr(0));
        self.capacity.set(new.capacity());
        cx.barrier(self);
        cx.barrier(new);
    }

    /// Replaces the items `[start, end)` by `with`, which must not be the list's own items. May collect.
    pub fn splice(&self, cx: &mut Cx, start: usize, end: usize, with: &[Value]) {
        let n = self.len();
        assert!(start <= end && end <= n);
        if self.is_packed() {
            self.generalize();
        }
        let new_len = n - (end - start) + with.len();
        if new_len > self.capacity.get() {
            self.grow(cx, new_len);
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
        let starts = n == 0 && !self.is_packed() && with.first().is_some_and(|v| v.is_flonum());
        if !(starts || self.is_floats()) || !with.iter().all(|v| double_of(*v).is_some()) {
            return self.splice(cx, n, n, with);
        }
        // They become, or stay, doubles, as if they were pushed.
        let room = n + with.len();
        if room > self.capacity.get() {
            self.grow(cx, room);
        }
        for v in with {
            self.push(cx, *v);
        }
    }

    /// Shortens the list to `n` items.
    pub fn truncate(&self, n: usize) {
        let old = self.len();
        if n >= old {
            return;
        }
        let items = self.items.get();
        // SAFETY: what is between n and size exists.
        unsafe {
            if self.is_bools() {
                items.cast::<u8>().add(n).write_bytes(0, old - n);
            } else {
                items.add(n).write_bytes(0, old - n);
            }
        }
        self.size.set(n);
    }

    /// Empties the list.
    pub fn clear(&self) {
        self.header.clear_flag(FLAG_FLOATS | FLAG_BOOLS);
        self.items.set(std::ptr::null_mut());
        self.size.set(0);
        self.capacity.set(0);
    }

    /// Inserts an item before item `i <= len`. May collect.
    pub fn insert(&self, cx: &mut Cx, i: usize, value: Value) {
        self.push(cx, value);
        if let Some(bools) = self.bools_mut() {
            bools[i..].rotate_right(1);
            return;
        }
        let (items, last) = (self.items.get(), self.len() - 1);
        assert!(i <= last);
        // SAFETY: LIST-1; moves words within the list.
        unsafe {
            let word = *items.add(last);
            std::ptr::copy(items.add(i), items.add(i + 1), last - i);
            *items.add(i) = word;
        }
    }

    /// Removes and returns item `i`, which must exist.
    pub fn remove_at(&self, i: usize) -> Value {
        let n = self.len();
        assert!(i < n);
        if let Some(bools) = self.bools_mut() {
            let value = Value::bool(bools[i] != 0);
            bools[i..].rotate_left(1);
            self.truncate(n - 1);
            return value;
        }
        let items = self.items.get();
        // SAFETY: LIST-1; moves words within the list, whose last one becomes free.
        unsafe {
            let value = *items.add(i);
            std::ptr::copy(items.add(i + 1), items.add(i), n - i - 1);
            *items.add(n - 1) = 0;
            self.size.set(n - 1);
            if self.is_floats() { value_of(value) } else { Value::from_bits(value).expect("an item") }
        }
    }

    /// As [`List::reserve`], MemoryError where that is impossible. May collect.
    pub fn try_reserve(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        if n > self.capacity.get() {
            check_len(cx, n)?;
            self.reserve(cx, n);
        }
        Ok(())
    }

    /// Makes room for `more` items behind those that there are, and if there are some for others that may follow; MemoryError
    /// where that is impossible. May collect.
    pub fn make_room(&self, cx: &mut Cx, more: usize) -> PyResult<()> {
        let n = self.len().saturating_add(more);
        if self.is_empty() {
            return self.try_reserve(cx, n);
        }
        if n > self.capacity.get() {
            check_len(cx, n)?;
            self.grow(cx, n);
        }
        Ok(())
    }

    /// Appends `n` times the items that the list has, `n >= 0`; room was reserved.
    pub(crate) fn repeat_in_place(&self, cx: &mut Cx, n: usize) {
        let len = self.len();
        let total = len * (n + 1);
        assert!(total <= self.capacity.get());
        if self.is_bools() {
            self.generalize();
        }
        fill_repeated(self.items.get(), len, total);
        self.size.set(total);
        self.written(cx);
    }

    /// Takes the items for sorting: the list is empty until [`List::put_back`].
    pub(crate) fn take_storage(&self) -> (*mut u64, usize, usize) {
        if self.is_packed() {
            self.generalize();
        }
        let storage = (self.items.get(), self.size.get(), self.capacity.get());
        self.clear();
        storage
    }

    /// Puts the items back; false if the list was changed meanwhile.
    pub(crate) fn put_back(&self, cx: &mut Cx, storage: (*mut u64, usize, usize)) -> bool {
        let untouched = self.items.get().is_null();
        self.header.clear_flag(FLAG_FLOATS | FLAG_BOOLS);
        self.items.set(storage.0);
        self.size.set(storage.1);
        self.capacity.set(storage.2);
        cx.barrier(self);
        self.written(cx);
        untouched
    }

    /// Removes all items and gives them back as a slice of their own (kept alive by the caller's stack).
    pub fn take(&self) -> &'static [Value] {
        if self.is_packed() {
            self.generalize();
        }
        let (items, n) = (self.items.get(), self.len());
        self.items.set(std::ptr::null_mut());
        self.size.set(0);
        self.capacity.set(0);
        // SAFETY: LIST-1; the array lives as long as the slice is on the stack (interior pointers count).
        if items.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(items.cast::<Value>(), n) } }
    }
}

/// Items by which a large list grows at least: more than are appended from one moment at which MemoryError can be raised to
/// the next.
const LEAST_GROWTH: usize = 1 << 16;

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
