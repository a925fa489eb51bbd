//! set and frozenset: layout and hash table. The methods are in `set_methods.rs`.
//!
//! A set is 200 bytes (CABI 2.2): fill at +16, used at +24, mask at +32, table at +40, hash at +48, finger at +56,
//! a small table of 8 entries at +64. The order of iteration is the order of the table, and programs see it in
//! printed sets; so probing, growth and merging follow CPython's `Objects/setobject.c` exactly.
//!
//! Invariants:
//! - SET-1: `table` leads to `mask + 1` entries: the small table, or the data of a RawBuffer.
//! - SET-2: an entry is free (key 0, hash 0), deleted (key 0, hash -1) or holds a key with its hash.
//! - SET-3: at least two fifths of the entries are free, so probing ends.

use std::cell::{Cell, UnsafeCell};

use taipan_gc::Marker;

use crate::buffer::{LARGE_BYTES, RawBuffer, check_size};
use crate::cx::Cx;
use crate::dict::explain_unhashable;
use crate::object::Header;
use crate::protocol::{compare, hash};
use crate::typeobj::{Type, flags};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object};

pub use crate::types::set_methods::{FROZENSET, SET, TYPES, frozenset_from};

/// A set or frozenset.
#[repr(C)]
pub struct Set {
    header: Header,
    /// Entries that are not free.
    fill: Cell<usize>,
    used: Cell<usize>,
    mask: Cell<usize>,
    table: Cell<*mut Entry>,
    hash: Cell<i64>,
    /// Where `pop` searches next.
    finger: Cell<usize>,
    small: UnsafeCell<[Entry; SMALL]>,
    weakrefs: Cell<usize>,
}
const _: () = assert!(std::mem::size_of::<Set>() == 200);
const _: () = assert!(std::mem::offset_of!(Set, used) == 24);
object!(Set, SET);

/// One entry of the table.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) key: u64,
    pub(crate) hash: i64,
}

const SMALL: usize = 8;
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const FREE: Entry = Entry { key: 0, hash: 0 };
const DELETED: Entry = Entry { key: 0, hash: -1 };

/// Slots of a table for at least `minimum` entries.
fn slots_for(minimum: usize) -> usize {
    (minimum + 1).next_power_of_two().max(SMALL)
}

/// Visits a set.
///
/// # Safety
/// `object` must be a set or frozenset.
pub unsafe fn trace_set(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise; SET-1.
    unsafe {
        let this = &*object.cast::<Set>();
        let table = this.table.get();
        if table.is_null() {
            return;
        }
        if !this.is_small() {
            marker.mark_value(Value::of(RawBuffer::from_data(table.cast())).bits());
        }
        for entry in this.entries() {
            if entry.key != 0 {
                marker.mark_value(entry.key);
            }
        }
    }
}

/// True for sets and frozensets, subclasses included.
#[inline]
pub fn is_any_set(v: Value) -> bool {
    as_set(v).is_some()
}

/// The set, if `v` is a set or frozenset or an instance of a subclass.
#[inline]
pub fn as_set(v: Value) -> Option<&'static Set> {
    let class = v.as_object()?.class();
    let is_set = std::ptr::eq(class, &SET)
        || std::ptr::eq(class, &FROZENSET)
        || class.has(flags::HEAPTYPE) && (class.is_subtype(&SET) || class.is_subtype(&FROZENSET));
    // SAFETY: the types share the layout.
    if is_set { Some(unsafe { v.cast() }) } else { None }
}

/// Entries that are looked at together. Where the items are is hard to foresee: a jump for each entry would often be guessed wrong.
const GROUP: usize = SMALL;

/// The entries of a group that hold items, as bits.
#[inline(always)]
fn taken(group: &[Entry]) -> u32 {
    group.iter().enumerate().fold(0, |bits, (i, e)| bits | ((e.key != 0) as u32) << i)
}

/// The entries of a table that hold items.
#[inline(always)]
fn taken_entries(table: &[Entry]) -> impl Iterator<Item = Entry> + '_ {
    table.chunks_exact(GROUP).flat_map(|group| {
        let mut bits = taken(group);
        std::iter::from_fn(move || {
            let entry = *group.get(bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(entry)
        })
    })
}

pub(crate) enum Place {
    /// Index of the entry that holds the key.
    Found(usize),
    /// Index of the entry where it belongs: the last deleted one on the way, else the free one that ends it.
    Free(usize),
}

impl Set {
    /// A new empty set. May collect.
    pub fn new(cx: &mut Cx) -> &'static Set {
        Set::new_of(cx, &SET)
    }

    /// A new empty instance of `class`, a subclass of set or frozenset or one of them. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type) -> &'static Set {
        let set = Set {
            header: Header::fresh(class),
            fill: Cell::new(0),
            used: Cell::new(0),
            mask: Cell::new(SMALL - 1),
            table: Cell::new(std::ptr::null_mut()),
            hash: Cell::new(-1),
            finger: Cell::new(0),
            small: UnsafeCell::new([FREE; SMALL]),
            weakrefs: Cell::new(0),
        };
        let set = cx.alloc_of(class, set);
        set.table.set(set.small.get().cast());
        set
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used.get()
    }

    /// True without items.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cached hash of a frozenset, -1 while unknown.
    pub(crate) fn hash_word(&self) -> &Cell<i64> {
        &self.hash
    }

    fn is_small(&self) -> bool {
        std::ptr::eq(self.table.get().cast_const().cast(), self.small.get())
    }

    /// Number of entries.
    pub(crate) fn slots(&self) -> usize {
        self.mask.get() + 1
    }

    /// Entries that are not free.
    pub(crate) fn filled(&self) -> usize {
        self.fill.get()
    }

    /// Entry `i`.
    #[inline(always)]
    pub(crate) fn entry(&self, i: usize) -> Entry {
        debug_assert!(i <= self.mask.get());
        // SAFETY: SET-1.
        unsafe { *self.table.get().add(i) }
    }

    #[inline(always)]
    fn set_entry(&self, i: usize, entry: Entry) {
        debug_assert!(i <= self.mask.get());
        // SAFETY: SET-1.
        unsafe { *self.table.get().add(i) = entry }
    }

    /// The table. It must not be used after anything that may change the set has run.
    pub(crate) fn entries(&self) -> &[Entry] {
        // SAFETY: SET-1.
        unsafe { std::slice::from_raw_parts(self.table.get(), self.slots()) }
    }

    /// The item at or after table position `*position`, which moves behind it, with its hash.
    #[inline]
    pub fn next_item(&self, position: &mut usize) -> Option<(Value, i64)> {
        let n = self.slots();
        while *position < n {
            let from = *position & (GROUP - 1);
            let taken = taken(&self.entries()[*position - from..][..GROUP]) >> from;
            if taken != 0 {
                let at = *position + taken.trailing_zeros() as usize;
                *position = at + 1;
                let entry = self.entry(at);
                return Value::from_bits(entry.key).map(|key| (key, entry.hash));
            }
            *position += GROUP - from;
        }
        None
    }

    /// The items in order with their hashes. The set must not change meanwhile.
    #[inline]
    pub(crate) fn known_items(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        taken_entries(self.entries()).filter_map(|e| Some((Value::from_bits(e.key)?, e.hash)))
    }

    /// The items in order. The set may change meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        let mut position = 0;
        std::iter::from_fn(move || self.next_item(&mut position))
    }

    /// Finds a key; may run Python code (`__eq__`), which may change the set: then the search starts again.
    #[inline]
    fn find(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Place> {
        if key.is_small()
            && let Some(place) = self.find_small(key.bits(), hash)
        {
            return Ok(place);
        }
        self.find_general(cx, key, hash)
    }

    /// Finds a small int by its word. None if a key of another kind has its hash: that may be equal.
    #[inline]
    fn find_small(&self, word: u64, hash: i64) -> Option<Place> {
        let (table, mask) = (self.table.get(), self.mask.get());
        let mut perturb = hash as u64;
        let mut i = hash as usize & mask;
        let mut reusable = None;
        loop {
            let last = if i + LINEAR_PROBES <= mask { i + LINEAR_PROBES } else { i };
            for at in i..=last {
                // SAFETY: SET-1, at <= mask.
                let entry = unsafe { *table.add(at) };
                if entry.key == word {
                    return Some(Place::Found(at));
                }
                if entry.key == 0 {
                    if entry.hash == 0 {
                        return Some(Place::Free(reusable.unwrap_or(at)));
                    }
                    reusable = Some(at);
                } else if entry.hash == hash {
                    return None;
                }
            }
            perturb >>= PERTURB_SHIFT;
            i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    fn find_general(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Place> {
        let text = key.exact::<Str>();
        'restart: loop {
            let (table, mask) = (self.table.get(), self.mask.get());
            let mut perturb = hash as u64;
            let mut i = hash as usize & mask;
            let mut reusable = None;
            loop {
                let last = if i + LINEAR_PROBES <= mask { i + LINEAR_PROBES } else { i };
                for at in i..=last {
                    // SAFETY: SET-1, at <= mask.
                    let entry = unsafe { *table.add(at) };
                    if entry.hash != hash {
                        if entry.key == 0 {
                            if entry.hash == 0 {
                                return Ok(Place::Free(reusable.unwrap_or(at)));
                            }
                            reusable = Some(at);
                        }
                        continue;
                    }
                    let Some(other) = Value::from_bits(entry.key) else {
                        return Ok(Place::Free(reusable.unwrap_or(at)));
                    };
                    if other == key {
                        return Ok(Place::Found(at));
                    }
                    if let (Some(a), Some(b)) = (text, other.exact::<Str>()) {
                        if a.eq_str(b) {
                            return Ok(Place::Found(at));
                        }
                        continue;
                    }
                    if let Some(known) = compare::known_equal(other, key) {
                        if known {
                            return Ok(Place::Found(at));
                        }
                        continue;
                    }
                    let equal = compare::equal(cx, other, key)?;
                    if self.table.get() != table || self.entry(at).key != entry.key {
                        continue 'restart;
                    }
                    if equal {
                        return Ok(Place::Found(at));
                    }
                }
                perturb >>= PERTURB_SHIFT;
                i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
            }
        }
    }

    /// Whether an item is in the set, if that can be told without running Python code.
    #[inline]
    pub fn contains_known(&self, key: Value, hash: i64) -> Option<bool> {
        if key.is_small()
            && let Some(place) = self.find_small(key.bits(), hash)
        {
            return Some(matches!(place, Place::Found(_)));
        }
        self.contains_known_general(key, hash)
    }

    fn contains_known_general(&self, key: Value, hash: i64) -> Option<bool> {
        Some(matches!(self.find_known_general(key, hash)?, Place::Found(_)))
    }

    /// Finds a key, if that can be done without running Python code.
    #[inline]
    pub(crate) fn find_known(&self, key: Value, hash: i64) -> Option<Place> {
        if key.is_small()
            && let Some(place) = self.find_small(key.bits(), hash)
        {
            return Some(place);
        }
        self.find_known_general(key, hash)
    }

    fn find_known_general(&self, key: Value, hash: i64) -> Option<Place> {
        let mask = self.mask.get();
        let mut perturb = hash as u64;
        let mut i = hash as usize & mask;
        let mut reusable = None;
        loop {
            let last = if i + LINEAR_PROBES <= mask { i + LINEAR_PROBES } else { i };
            for at in i..=last {
                let entry = self.entry(at);
                if entry.hash != hash {
                    if entry.key == 0 {
                        if entry.hash == 0 {
                            return Some(Place::Free(reusable.unwrap_or(at)));
                        }
                        reusable = Some(at);
                    }
                    continue;
                }
                let Some(other) = Value::from_bits(entry.key) else {
                    return Some(Place::Free(reusable.unwrap_or(at)));
                };
                if compare::known_equal(other, key)? {
                    return Some(Place::Found(at));
                }
            }
            perturb >>= PERTURB_SHIFT;
            i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    /// Deletes an item by its place.
    pub(crate) fn delete(&self, at: usize) {
        self.set_entry(at, DELETED);
        self.used.set(self.used.get() - 1);
    }

    /// If more than a quarter of the entries are deleted ones, makes the table anew. May collect.
    pub(crate) fn clean(&self, cx: &mut Cx) {
        if (self.filled() - self.len()) > (self.slots() - 1) / 4 {
            let used = self.len();
            self.resize(cx, if used > 50000 { used * 2 } else { used * 4 });
        }
    }

    /// As [`Set::merge`] of a set with items; None as soon as Python code would have to compare some. May collect.
    pub(crate) fn merge_known(&self, cx: &mut Cx, other: &Set) -> Option<()> {
        if self.fill.get() == 0 {
            return self.merge(cx, other).ok();
        }
        if self.presize(cx, other.len()).is_err() {
            cx.take_exception();
            return None;
        }
        for (key, hash) in other.known_items() {
            if let Place::Free(at) = self.find_known(key, hash)? {
                self.put(cx, at, key, hash);
            }
        }
        Some(())
    }

    /// Adds an item whose hash is known; false if it was there. May collect.
    #[inline]
    pub fn add_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<bool> {
        match self.find(cx, key, hash)? {
            Place::Found(_) => Ok(false),
            Place::Free(at) => {
                self.put(cx, at, key, hash);
                Ok(true)
            }
        }
    }

    /// Puts an item that is not there into an entry that `find` gave. May collect.
    #[inline(always)]
    pub(crate) fn put(&self, cx: &mut Cx, at: usize, key: Value, hash: i64) {
        let reused = self.entry(at).hash == DELETED.hash;
        self.set_entry(at, Entry { key: key.bits(), hash });
        self.used.set(self.used.get() + 1);
        if !key.is_small() {
            cx.barrier(self);
        }
        if !reused {
            self.fill.set(self.fill.get() + 1);
            self.grow(cx);
        }
    }

    /// Makes the table larger where it has become too full. May collect.
    #[inline(always)]
    fn grow(&self, cx: &mut Cx) {
        if self.fill.get() * 5 >= self.mask.get() * 3 {
            self.grow_full(cx);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_full(&self, cx: &mut Cx) {
        let used = self.used.get();
        let minimum = if used > 50000 { used * 2 } else { used * 4 };
        let bytes = slots_for(minimum) * std::mem::size_of::<Entry>();
        // Without memory it becomes fuller than it should, until MemoryError can be raised, which cannot be done here.
        let may_wait = self.fill.get() < self.mask.get() / 8 * 7;
        if !(bytes >= LARGE_BYTES && may_wait && cx.heap().foresee(bytes)) {
            self.resize(cx, minimum);
        }
    }

    /// Adds an item that is certainly not there to a set without deleted entries. May collect.
    #[inline]
    pub(crate) fn add_new(&self, cx: &mut Cx, key: Value, hash: i64) {
        self.insert_clean(Entry { key: key.bits(), hash });
        if !key.is_small() {
            cx.barrier(self);
        }
        self.used.set(self.used.get() + 1);
        self.fill.set(self.fill.get() + 1);
        self.grow(cx);
    }

    /// Removes the item if it is there, else adds it. May collect.
    pub(crate) fn toggle(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<()> {
        match self.find(cx, key, hash)? {
            Place::Found(at) => self.delete(at),
            Place::Free(at) => self.put(cx, at, key, hash),
        }
        Ok(())
    }

    /// Adds an item; false if it was there. Raises what hashing or comparing raises. May collect.
    #[inline]
    pub fn add(&self, cx: &mut Cx, key: Value) -> PyResult<bool> {
        let hash = hash_item(cx, key)?;
        self.add_hashed(cx, key, hash)
    }

    /// True if the item is in the set.
    #[inline]
    pub fn contains_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<bool> {
        Ok(matches!(self.find(cx, key, hash)?, Place::Found(_)))
    }

    /// True if the item is in the set. Raises what hashing or comparing raises.
    pub fn contains(&self, cx: &mut Cx, key: Value) -> PyResult<bool> {
        let hash = hash_item(cx, key)?;
        self.contains_hashed(cx, key, hash)
    }

    /// Removes an item whose hash is known; false if it was not there.
    pub fn discard_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<bool> {
        match self.find(cx, key, hash)? {
            Place::Found(at) => {
                self.delete(at);
                Ok(true)
            }
            Place::Free(_) => Ok(false),
        }
    }

    /// Removes and returns some item.
    pub fn pop(&self) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        let mut i = self.finger.get() & self.mask.get();
        loop {
            if let Some(key) = Value::from_bits(self.entry(i).key) {
                self.set_entry(i, DELETED);
                self.used.set(self.used.get() - 1);
                self.finger.set(i + 1);
                return Some(key);
            }
            i = if i < self.mask.get() { i + 1 } else { 0 };
        }
    }

    /// Removes all items.
    pub fn clear(&self) {
        // SAFETY: the small table is part of the set; nobody holds a reference into it.
        unsafe { *self.small.get() = [FREE; SMALL] };
        self.table.set(self.small.get().cast());
        self.mask.set(SMALL - 1);
        self.fill.set(0);
        self.used.set(0);
        self.hash.set(-1);
    }

    /// Puts an entry into a table that has neither the key nor deleted entries.
    #[inline]
    fn insert_clean(&self, entry: Entry) {
        // SAFETY: SET-1.
        unsafe { insert_clean(self.table.get(), self.mask.get(), entry) }
    }

    /// Makes a table with more than `minimum` entries. May collect.
    pub(crate) fn resize(&self, cx: &mut Cx, minimum: usize) {
        let slots = slots_for(minimum);
        let copy;
        let buffer = if slots == SMALL { None } else { Some(RawBuffer::new(cx, slots * 16)) };
        let old: &[Entry] = if self.is_small() {
            // SAFETY: SET-1.
            copy = unsafe { *self.small.get() };
            &copy
        } else {
            // SAFETY: SET-1; the buffer stays alive through the stack.
            unsafe { std::slice::from_raw_parts(self.table.get(), self.slots()) }
        };
        match buffer {
            None => {
                // SAFETY: the old entries were copied if they were here.
                unsafe { *self.small.get() = [FREE; SMALL] };
                self.table.set(self.small.get().cast());
            }
            // A raw buffer's memory is zero, that is, free entries.
            Some(buffer) => self.table.set(buffer.data().cast()),
        }
        self.mask.set(slots - 1);
        let table = self.table.get();
        for entry in taken_entries(old) {
            // SAFETY: SET-1.
            unsafe { insert_clean(table, slots - 1, entry) };
        }
        self.fill.set(self.used.get());
        cx.barrier(self);
    }

    /// Adds all items of another set. May collect.
    pub fn merge(&self, cx: &mut Cx, other: &Set) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.is_empty() {
            return Ok(());
        }
        self.presize(cx, other.len())?;
        if self.fill.get() == 0 && self.mask.get() == other.mask.get() && other.fill.get() == other.used.get() {
            // SAFETY: both tables have as many entries.
            unsafe { std::ptr::copy_nonoverlapping(other.table.get(), self.table.get(), other.slots()) };
            self.fill.set(other.fill.get());
            self.used.set(other.used.get());
            cx.barrier(self);
            return Ok(());
        }
        if self.fill.get() == 0 {
            taken_entries(other.entries()).for_each(|entry| self.insert_clean(entry));
            self.fill.set(other.used.get());
            self.used.set(other.used.get());
            cx.barrier(self);
            return Ok(());
        }
        // Nothing changes the other set as long as nothing must be compared.
        let mut done = 0;
        for (key, hash) in other.known_items() {
            match if key.is_small() { self.find_small(key.bits(), hash) } else { None } {
                Some(Place::Found(_)) => {}
                Some(Place::Free(at)) => self.put(cx, at, key, hash),
                None => break,
            }
            done += 1;
        }
        if done == other.len() {
            return Ok(());
        }
        let mut position = 0;
        for _ in 0..done {
            other.next_item(&mut position);
        }
        while let Some((key, hash)) = other.next_item(&mut position) {
            self.add_hashed(cx, key, hash)?;
        }
        Ok(())
    }

    /// One big resize before `n` items are added; MemoryError if there is no room for them. May collect.
    pub(crate) fn presize(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        if (self.fill.get() + n) * 5 >= self.mask.get() * 3 {
            let minimum = (self.used.get() + n) * 2;
            check_size(cx, slots_for(minimum) * std::mem::size_of::<Entry>())?;
            self.resize(cx, minimum);
        }
        Ok(())
    }

    /// Takes over the items of `other`, a temporary set that nobody else knows.
    pub(crate) fn take_from(&self, cx: &mut Cx, other: &Set) {
        if other.is_small() {
            // SAFETY: both small tables are parts of their sets.
            unsafe { *self.small.get() = *other.small.get() };
            self.table.set(self.small.get().cast());
        } else {
            self.table.set(other.table.get());
        }
        self.mask.set(other.mask.get());
        self.fill.set(other.fill.get());
        self.used.set(other.used.get());
        self.hash.set(-1);
        other.clear();
        cx.barrier(self);
    }
}

/// Puts an entry into a table that has neither the key nor deleted entries.
///
/// # Safety
/// `table` leads to `mask + 1` entries, some of them free.
#[inline(always)]
unsafe fn insert_clean(table: *mut Entry, mask: usize, entry: Entry) {
    let mut perturb = entry.hash as u64;
    let mut i = entry.hash as usize & mask;
    loop {
        let last = if i + LINEAR_PROBES <= mask { i + LINEAR_PROBES } else { i };
        for at in i..=last {
            // SAFETY: at <= mask.
            unsafe {
                if (*table.add(at)).key == 0 {
                    *table.add(at) = entry;
                    return;
                }
            }
        }
        perturb >>= PERTURB_SHIFT;
        i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
    }
}

/// The hash of an item; TypeError in the words of sets.
#[inline]
pub fn hash_item(cx: &mut Cx, key: Value) -> PyResult<i64> {
    if key.is_small() {
        return Ok(crate::types::int::hash(key));
    }
    match hash::hash(cx, key) {
        Ok(h) => Ok(h),
        Err(_) => Err(explain_unhashable(cx, key, "a set element")),
    }
}
