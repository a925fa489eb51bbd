//! dict: compact and insertion-ordered. The methods that Python sees are in `types/dict.rs`.
//!
//! A dict is 48 bytes (CABI 2.2): `ma_used` at +16, the table at +24, the version of its key set at +32.
//! The table is one GC buffer: a header, an open-addressing index of u8, u16 or u32 entry numbers, and the entries
//! in insertion order. Keys that are small ints or interned strs are found by comparing words.
//!
//! Invariants:
//! - DICT-1: an index slot holds an entry number < `filled`, [`EMPTY`] or [`DELETED`].
//! - DICT-2: at least a third of the index slots is empty, so probing ends.
//! - DICT-3: `version` changes whenever a key is added or removed or the table is replaced, never otherwise; an
//!   inline cache may keep (version, entry number). Versions of different dicts differ.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, Raised};
use crate::exceptions;
use crate::object::Header;
use crate::protocol::{compare, hash};
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, buffer, object, raise};

/// A dict object.
#[repr(C)]
pub struct Dict {
    header: Header,
    used: Cell<usize>,
    table: Cell<Option<&'static Table>>,
    version: Cell<u64>,
    /// Not 0 if `Hooks::dict_changed` is to be told of changes.
    watched: Cell<usize>,
}
const _: () = assert!(std::mem::size_of::<Dict>() == 48);
object!(Dict, crate::types::dict::DICT);

/// The table of a dict.
#[repr(C)]
pub struct Table {
    header: Header,
    /// log2 of the number of index slots.
    bits: Cell<u8>,
    /// Entries that were ever used, deleted ones included.
    filled: Cell<u32>,
    /// Entries that exist.
    capacity: Cell<u32>,
    /// Byte offset of the entries.
    entries: Cell<u32>,
    /// Index slots marked deleted whose entries are in use again; they count as filled for DICT-2.
    lost: Cell<u32>,
    /// The entries before this one are deleted (a bound: more may be).
    head: Cell<u32>,
}

/// Type of dict tables; never seen by Python code.
pub static TABLE: Type = Type::new(&TABLE_SPEC);
static TABLE_SPEC: TypeSpec = TypeSpec {
    name: "dict_table",
    basicsize: std::mem::size_of::<Table>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_table),
    ..TypeSpec::DEFAULT
};
object!(Table, TABLE);

/// One entry; deleted entries have key 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    /// Hash of the key.
    pub hash: i64,
    /// The key's word.
    pub key: u64,
    /// The value's word.
    pub value: u64,
}

const EMPTY: u32 = u32::MAX;
const DELETED: u32 = u32::MAX - 1;
const MIN_BITS: u8 = 3;

unsafe fn trace_table(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for tables only.
    let this = unsafe { &*object.cast::<Table>() };
    for i in 0..this.filled.get() {
        let entry = this.entry(i);
        if entry.key != 0 {
            marker.mark_value(entry.key);
            marker.mark_value(entry.value);
        }
    }
}

/// Visits a dict.
///
/// # Safety
/// `object` must be a dict.
pub unsafe fn trace_dict(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<Dict>() };
    if let Some(table) = this.table.get() {
        marker.mark_value(Value::of(table).bits());
    }
}

impl Table {
    /// Where the entries of a table begin.
    fn entries_start(bits: u8) -> usize {
        (std::mem::size_of::<Table>() + (index_width(bits) << bits)).next_multiple_of(8)
    }

    /// Entries that a table has room for.
    fn room(bits: u8) -> usize {
        (1usize << bits) * 2 / 3
    }

    /// MemoryError if there is no room for such a table. May collect.
    fn check(cx: &mut Cx, bits: u8) -> PyResult<()> {
        buffer::check_size(cx, Table::entries_start(bits) + Table::room(bits) * std::mem::size_of::<Entry>())
    }

    fn new(cx: &mut Cx, bits: u8) -> &'static Table {
        let slots = 1usize << bits;
        let capacity = Table::room(bits);
        let width = index_width(bits);
        let start = std::mem::size_of::<Table>();
        let entries = Table::entries_start(bits);
        let p = cx.alloc_raw(entries + capacity * std::mem::size_of::<Entry>());
        // SAFETY: fresh memory of that size.
        let this = unsafe {
            p.cast::<Header>().write(Header::fresh(&TABLE));
            p.add(start).write_bytes(0xff, slots * width);
            &*p.cast::<Table>()
        };
        this.bits.set(bits);
        this.capacity.set(capacity as u32);
        this.entries.set(entries as u32);
        this
    }

    fn base(&self) -> *mut u8 {
        self as *const Table as *mut u8
    }

    /// Address of entry `i`.
    #[inline(always)]
    pub fn entry_ptr(&self, i: u32) -> *mut Entry {
        debug_assert!(i < self.capacity.get());
        // SAFETY: the entries follow the index.
        unsafe { self.base().add(self.entries.get() as usize).cast::<Entry>().add(i as usize) }
    }

    /// Entry `i`.
    #[inline(always)]
    pub fn entry(&self, i: u32) -> Entry {
        // SAFETY: as above.
        unsafe { *self.entry_ptr(i) }
    }

    #[inline(always)]
    fn slot(&self, i: usize) -> u32 {
        // SAFETY: i is masked by the caller; the index follows the header.
        unsafe {
            let index = self.base().add(std::mem::size_of::<Table>());
            match self.bits.get() {
                0..=8 => widen(*index.add(i) as u32, 0xff),
                9..=16 => widen(*index.cast::<u16>().add(i) as u32, 0xffff),
                _ => *index.cast::<u32>().add(i),
            }
        }
    }

    #[inline(always)]
    fn set_slot(&self, i: usize, n: u32) {
        // SAFETY: as in slot.
        unsafe {
            let index = self.base().add(std::mem::size_of::<Table>());
            match self.bits.get() {
                0..=8 => *index.add(i) = n as u8,
                9..=16 => *index.cast::<u16>().add(i) = n as u16,
                _ => *index.cast::<u32>().add(i) = n,
            }
        }
    }

    #[inline(always)]
    fn walk<W: IndexWord>(&self, hash: i64, mut same: impl FnMut(u64) -> Match) -> Walk {
        // SAFETY: the index follows the header; probes stay below the mask; DICT-1.
        unsafe {
            let index = self.base().add(std::mem::size_of::<Table>()).cast::<W>();
            let entries = self.base().add(self.entries.get() as usize).cast::<Entry>();
            let mut probe = Probe::new(hash, self.mask());
            loop {
                let n = *index.add(probe.at);
                if n == W::EMPTY {
                    return Walk::Missing;
                }
                if n != W::DELETED {
                    let entry = &*entries.add(n.number() as usize);
                    if entry.hash == hash {
                        match same(entry.key) {
                            Match::Yes => return Walk::Found(Found { entry: n.number(), slot: probe.at }),
                            Match::No => {}
                            Match::Unsure => return Walk::Unsure,
                        }
                    }
                }
                probe.next();
            }
        }
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        (1usize << self.bits.get()) - 1
    }

    /// Index slots that are not empty, at most.
    fn used_slots(&self) -> u32 {
        self.filled.get() + self.lost.get()
    }

    fn insert_index(&self, hash: i64, n: u32) {
        let mut probe = Probe::new(hash, self.mask());
        while self.slot(probe.at) < DELETED {
            probe.next();
        }
        self.set_slot(probe.at, n);
    }
}

/// Entry numbers stay below these patterns: a table with `bits` <= 8 has at most 170 entries.
#[inline(always)]
fn widen(n: u32, all: u32) -> u32 {
    if n >= all - 1 { n | !all } else { n }
}

fn index_width(bits: u8) -> usize {
    match bits {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}

/// CPython's probe sequence: it decides nothing visible for dicts but is good and well studied.
struct Probe {
    at: usize,
    perturb: u64,
    mask: usize,
}

impl Probe {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Probe {
        Probe { at: hash as usize & mask, perturb: hash as u64, mask }
    }

    #[inline(always)]
    fn next(&mut self) {
        self.perturb >>= 5;
        self.at = (self.at.wrapping_mul(5)).wrapping_add(self.perturb as usize).wrapping_add(1) & self.mask;
    }
}

/// Whether a key is the one searched for.
enum Match {
    Yes,
    No,
    /// Only a comparison that may run code can tell.
    Unsure,
}

/// Result of a walk along a probe sequence.
enum Walk {
    Found(Found),
    Missing,
    Unsure,
}

#[inline(always)]
fn exact_str(word: u64) -> Option<&'static Str> {
    Value::from_bits(word).and_then(|v| v.exact::<Str>())
}

/// An index slot's integer type.
trait IndexWord: Copy + PartialEq {
    const EMPTY: Self;
    const DELETED: Self;
    fn number(self) -> u32;
}

macro_rules! index_word {
    ($($t:ty),*) => { $(
        impl IndexWord for $t {
            const EMPTY: $t = <$t>::MAX;
            const DELETED: $t = <$t>::MAX - 1;
            #[inline(always)]
            fn number(self) -> u32 {
                self as u32
            }
        }
    )* };
}
index_word!(u8, u16, u32);

/// The hash of a dict key; TypeError in the words of dicts.
#[inline]
pub fn hash_key(cx: &mut Cx, key: Value) -> PyResult<i64> {
    match hash::hash(cx, key) {
        Ok(h) => Ok(h),
        Err(_) => Err(explain_unhashable(cx, key, "a dict key")),
    }
}

/// Rewords the TypeError of an unhashable key: "cannot use 'list' as a dict key (unhashable type: 'list')".
#[cold]
#[inline(never)]
pub fn explain_unhashable(cx: &mut Cx, key: Value, role: &str) -> Raised {
    let plain = cx.exception().is_some_and(|e| std::ptr::eq(e.class(), &exceptions::TypeError));
    if !plain {
        return Raised;
    }
    let exception = cx.take_exception();
    match crate::protocol::object::str(cx, exception) {
        Ok(reason) => {
            let got = key.class().tp_name();
            cx.raise_text(&exceptions::TypeError, &format!("cannot use '{got}' as {role} ({reason})"))
        }
        Err(raised) => raised,
    }
}

/// What a search found: an entry number and its index slot.
#[derive(Clone, Copy)]
struct Found {
    entry: u32,
    slot: usize,
}

impl Dict {
    /// Byte offset of the number of items.
    pub const USED_OFFSET: usize = std::mem::offset_of!(Dict, used);

    /// A new empty dict. May collect.
    pub fn new(cx: &mut Cx) -> &'static Dict {
        let class = &crate::types::dict::DICT;
        let (used, table, version) = (Cell::new(0), Cell::new(None), Cell::new(0));
        cx.alloc(Dict { header: Header::fresh(class), used, table, version, watched: Cell::new(0) })
    }

    /// A new empty dict with room for `n` keys. May collect.
    pub fn with_capacity(cx: &mut Cx, n: usize) -> &'static Dict {
        let dict = Dict::new(cx);
        if n > 5 {
            dict.resize(cx, bits_for(n));
        }
        dict
    }

    /// A new empty instance of `class`, a subclass of dict. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type) -> &'static Dict {
        let (used, table, version) = (Cell::new(0), Cell::new(None), Cell::new(0));
        cx.alloc_of(class, Dict { header: Header::fresh(class), used, table, version, watched: Cell::new(0) })
    }

    /// The leading part of a new instance of `class`, for layouts that extend dict's.
    pub fn blank(class: &'static Type) -> Dict {
        let (used, table, version) = (Cell::new(0), Cell::new(None), Cell::new(0));
        Dict { header: Header::fresh(class), used, table, version, watched: Cell::new(0) }
    }

    /// Number of keys.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used.get()
    }

    /// True without keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Version of the key set (DICT-3).
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.version.get()
    }

    /// Bytes of the table.
    pub fn table_bytes(&self) -> usize {
        self.table.get().map_or(0, |t| t.entries.get() as usize + t.capacity.get() as usize * 24)
    }

    /// The table, for inline caches.
    #[inline(always)]
    pub fn table(&self) -> Option<&'static Table> {
        self.table.get()
    }

    fn changed(&self, cx: &mut Cx) {
        self.version.set(cx.rt().next_dict_version());
    }

    /// Walks the probe sequence of `hash`, asking `same` about each key that has it.
    #[inline(always)]
    fn walk(&self, hash: i64, same: impl FnMut(u64) -> Match) -> Walk {
        let Some(table) = self.table.get() else { return Walk::Missing };
        match table.bits.get() {
            0..=8 => table.walk::<u8>(hash, same),
            9..=16 => table.walk::<u16>(hash, same),
            _ => table.walk::<u32>(hash, same),
        }
    }

    #[inline]
    fn find_str(&self, key: &Str, hash: i64) -> Option<Found> {
        let word = Value::from_address(key as *const Str as usize).bits();
        let walked = self.walk(hash, |other| {
            let same = other == word || exact_str(other).is_some_and(|o| o.eq_str(key));
            if same { Match::Yes } else { Match::No }
        });
        match walked {
            Walk::Found(found) => Some(found),
            _ => None,
        }
    }

    /// Finds any key; may run Python code (`__eq__`), which may change the dict: then the search starts again.
    #[inline]
    fn find(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Option<Found>> {
        let word = key.bits();
        // Strs and small ints compare without running code, unless a key of another kind has the same hash.
        let walked = if let Some(s) = key.exact::<Str>() {
            self.walk(hash, |other| {
                if other == word {
                    return Match::Yes;
                }
                match exact_str(other) {
                    Some(o) if o.eq_str(s) => Match::Yes,
                    Some(_) => Match::No,
                    None if other & 3 != 0 => Match::No,
                    None => Match::Unsure,
                }
            })
        } else if key.is_small() {
            self.walk(hash, |other| {
                if other == word {
                    Match::Yes
                } else if other & 1 != 0 || exact_str(other).is_some() {
                    Match::No
                } else {
                    Match::Unsure
                }
            })
        } else {
            self.walk(hash, |other| match Value::from_bits(other).map(|other| compare::known_equal(other, key)) {
                Some(Some(true)) => Match::Yes,
                Some(Some(false)) => Match::No,
                _ => Match::Unsure,
            })
        };
        match walked {
            Walk::Found(found) => Ok(Some(found)),
            Walk::Missing => Ok(None),
            Walk::Unsure => self.find_general(cx, key, hash),
        }
    }

    #[inline(never)]
    fn find_general(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Option<Found>> {
        'restart: loop {
            let Some(table) = self.table.get() else { return Ok(None) };
            let mut probe = Probe::new(hash, table.mask());
            loop {
                let n = table.slot(probe.at);
                if n == EMPTY {
                    return Ok(None);
                }
                if n != DELETED {
                    let entry = table.entry(n);
                    if entry.hash == hash {
                        let Some(other) = Value::from_bits(entry.key) else { continue 'restart };
                        if other == key {
                            return Ok(Some(Found { entry: n, slot: probe.at }));
                        }
                        let version = self.version.get();
                        let equal = compare::equal(cx, other, key)?;
                        if self.version.get() != version {
                            continue 'restart;
                        }
                        if equal {
                            return Ok(Some(Found { entry: n, slot: probe.at }));
                        }
                    }
                }
                probe.next();
            }
        }
    }

    /// The value under a str key.
    #[inline]
    pub fn get_str(&self, key: &Str) -> Option<Value> {
        let found = self.find_str(key, key.hash())?;
        Value::from_bits(self.table.get()?.entry(found.entry).value)
    }

    /// The entry number of a str key, for inline caches.
    pub fn entry_of_str(&self, key: &Str) -> Option<u32> {
        self.find_str(key, key.hash()).map(|f| f.entry)
    }

    /// The value under `key`. Raises what hashing or comparing raises.
    pub fn get(&self, cx: &mut Cx, key: Value) -> PyResult<Option<Value>> {
        let hash = hash_key(cx, key)?;
        self.get_hashed(cx, key, hash)
    }

    /// As [`Dict::get`], with the hash known.
    #[inline]
    pub fn get_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Option<Value>> {
        let found = self.find(cx, key, hash)?;
        Ok(found.and_then(|f| Value::from_bits(self.table.get()?.entry(f.entry).value)))
    }

    /// Where a key is, if that can be told without running Python code; the inner None: the key is missing.
    #[inline]
    fn known_place(&self, key: Value, hash: i64) -> Option<Option<Found>> {
        let walked =
            self.walk(hash, |other| match Value::from_bits(other).map(|other| compare::known_equal(other, key)) {
                Some(Some(true)) => Match::Yes,
                Some(Some(false)) => Match::No,
                _ => Match::Unsure,
            });
        match walked {
            Walk::Found(found) => Some(Some(found)),
            Walk::Missing => Some(None),
            Walk::Unsure => None,
        }
    }

    /// The value under a key, if that can be told without running Python code; the inner None: the key is missing.
    pub fn find_known(&self, key: Value, hash: i64) -> Option<Option<Value>> {
        match self.known_place(key, hash)? {
            Some(found) => Some(Value::from_bits(self.table.get()?.entry(found.entry).value)),
            None => Some(None),
        }
    }

    /// Sets a value where that needs no Python code and there is memory; false if it was not done. May collect.
    pub fn set_known(&self, cx: &mut Cx, key: Value, hash: i64, value: Value) -> bool {
        match self.known_place(key, hash) {
            Some(Some(found)) => self.replace(cx, found, value),
            Some(None) if self.make_room(cx).is_ok() => self.append(cx, key, hash, value),
            Some(None) => {
                cx.take_exception();
                return false;
            }
            None => return false,
        }
        true
    }

    /// The value under a key that is a small int or an exact str, if that can be told without running Python code.
    #[inline]
    pub fn get_plain(&self, key: Value) -> Option<Value> {
        let word = key.bits();
        let walked = if let Some(s) = exact_str(word) {
            self.walk(s.hash(), |other| {
                if other == word || exact_str(other).is_some_and(|o| o.eq_str(s)) {
                    Match::Yes
                } else if other & 3 != 0 || exact_str(other).is_some() {
                    Match::No
                } else {
                    Match::Unsure
                }
            })
        } else {
            self.walk(crate::types::int::hash(key), |other| {
                if other == word {
                    Match::Yes
                } else if other & 1 != 0 || exact_str(other).is_some() {
                    Match::No
                } else {
                    Match::Unsure
                }
            })
        };
        match walked {
            Walk::Found(found) => Value::from_bits(self.table.get()?.entry(found.entry).value),
            Walk::Missing | Walk::Unsure => None,
        }
    }

    /// Whether the key is there.
    pub fn contains(&self, cx: &mut Cx, key: Value) -> PyResult<bool> {
        Ok(self.get(cx, key)?.is_some())
    }

    /// Sets a str key. May collect.
    pub fn set_str(&self, cx: &mut Cx, key: &'static Str, value: Value) {
        let hash = key.hash();
        match self.find_str(key, hash) {
            Some(found) => self.replace(cx, found, value),
            None => {
                self.widen_full(cx);
                self.append(cx, Value::of(key), hash, value);
            }
        }
    }

    /// Sets a key. May collect.
    pub fn set(&self, cx: &mut Cx, key: Value, value: Value) -> PyResult<()> {
        let hash = hash_key(cx, key)?;
        self.set_hashed(cx, key, hash, value)
    }

    /// As [`Dict::set`], with the hash known.
    #[inline]
    pub fn set_hashed(&self, cx: &mut Cx, key: Value, hash: i64, value: Value) -> PyResult<()> {
        match self.find(cx, key, hash)? {
            Some(found) => self.replace(cx, found, value),
            None => {
                self.make_room(cx)?;
                self.append(cx, key, hash, value);
            }
        }
        Ok(())
    }

    /// The value under `key`, set to `default` first if there is none. May collect.
    pub fn set_default(&self, cx: &mut Cx, key: Value, default: Value) -> PyResult<Value> {
        let hash = hash_key(cx, key)?;
        match self.get_hashed(cx, key, hash)? {
            Some(value) => Ok(value),
            None => {
                self.make_room(cx)?;
                self.append(cx, key, hash, default);
                Ok(default)
            }
        }
    }

    /// From now on `Hooks::dict_changed` is told of changes.
    pub fn watch(&self) {
        self.watched.set(1);
    }

    /// Whether `Hooks::dict_changed` is told of changes.
    pub fn is_watched(&self) -> bool {
        self.watched.get() != 0
    }

    /// Tells whoever watches the dict that the value under `key` (0: any) is about to change.
    #[inline(always)]
    fn changing(&self, cx: &mut Cx, key: u64) {
        if self.watched.get() != 0 {
            self.tell_change(cx, key);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_change(&self, cx: &mut Cx, key: u64) {
        (cx.rt().hooks.get().dict_changed)(cx, self, key);
    }

    fn replace(&self, cx: &mut Cx, found: Found, value: Value) {
        let table = self.table.get().expect("found in it");
        self.changing(cx, table.entry(found.entry).key);
        // SAFETY: DICT-1.
        unsafe { (*table.entry_ptr(found.entry)).value = value.bits() };
        cx.barrier(table);
    }

    /// Replaces the value of entry `n` (for inline caches that checked the version).
    #[inline(always)]
    pub fn replace_entry(&self, cx: &mut Cx, n: u32, value: Value) {
        let table = self.table.get().expect("the version was checked");
        self.changing(cx, table.entry(n).key);
        // SAFETY: DICT-1 and DICT-3.
        unsafe { (*table.entry_ptr(n)).value = value.bits() };
        cx.barrier(table);
    }

    /// Whether there is no room for one more key.
    #[inline]
    fn is_full(&self) -> bool {
        self.table.get().is_none_or(|t| t.used_slots() >= t.capacity.get())
    }

    /// log2 of the index size of the next larger table.
    fn next_bits(&self) -> u8 {
        // Room for twice as many, and the three that make it so with the capacities there are (5, 10, 21, ...).
        bits_for(self.len() * 3 / 2 + 3).max(MIN_BITS)
    }

    /// Makes room for one more key; MemoryError if there is no memory for it. May collect.
    #[inline]
    fn make_room(&self, cx: &mut Cx) -> PyResult<()> {
        if self.is_full() {
            Table::check(cx, self.next_bits())?;
            self.widen_full(cx);
        }
        Ok(())
    }

    /// Makes room for one more key where the dict stays small. May collect.
    fn widen_full(&self, cx: &mut Cx) {
        if self.is_full() {
            self.resize(cx, self.next_bits());
        }
    }

    /// MemoryError if there is no room for a copy. May collect.
    pub fn check_copy(&self, cx: &mut Cx) -> PyResult<()> {
        Table::check(cx, bits_for(self.len()))
    }

    /// Appends a key that is not in the dict, for which there is room.
    fn append(&self, cx: &mut Cx, key: Value, hash: i64, value: Value) {
        self.changing(cx, key.bits());
        let table = self.table.get().expect("there is room");
        let n = table.filled.get();
        // SAFETY: n < capacity.
        unsafe { table.entry_ptr(n).write(Entry { hash, key: key.bits(), value: value.bits() }) };
        table.filled.set(n + 1);
        table.insert_index(hash, n);
        self.used.set(self.used.get() + 1);
        self.changed(cx);
        cx.barrier(table);
    }

    fn resize(&self, cx: &mut Cx, bits: u8) {
        let new = Table::new(cx, bits);
        self.fill(cx, new, 0);
    }

    /// Puts a new table in the place of the old one, with the live entries from entry number `n` on.
    fn fill(&self, cx: &mut Cx, new: &'static Table, mut n: u32) {
        new.filled.set(n);
        if let Some(old) = self.table.get() {
            for i in 0..old.filled.get() {
                let entry = old.entry(i);
                if entry.key != 0 {
                    // SAFETY: the new table has room for all live entries.
                    unsafe { new.entry_ptr(n).write(entry) };
                    new.insert_index(entry.hash, n);
                    n += 1;
                }
            }
            new.filled.set(n);
        }
        self.table.set(Some(new));
        self.changed(cx);
        cx.barrier(self);
        cx.barrier(new);
    }

    /// Gives an empty dict a copy of a table without deleted entries. May collect.
    fn copy_table(&self, cx: &mut Cx, old: &'static Table) {
        let new = Table::new(cx, old.bits.get());
        let start = std::mem::size_of::<Table>();
        let bytes = old.entries.get() as usize + old.filled.get() as usize * std::mem::size_of::<Entry>() - start;
        // SAFETY: both tables have the same layout; index and used entries follow the fixed part.
        unsafe { std::ptr::copy_nonoverlapping(old.base().add(start), new.base().add(start), bytes) };
        new.filled.set(old.filled.get());
        self.table.set(Some(new));
        self.changed(cx);
        cx.barrier(self);
        cx.barrier(new);
    }

    fn remove_found(&self, cx: &mut Cx, found: Found) -> (Value, Value) {
        let table = self.table.get().expect("found in it");
        let entry = table.entry(found.entry);
        self.changing(cx, entry.key);
        table.set_slot(found.slot, DELETED);
        // SAFETY: DICT-1.
        unsafe { table.entry_ptr(found.entry).write(Entry { hash: 0, key: 0, value: 0 }) };
        self.used.set(self.used.get() - 1);
        self.changed(cx);
        let word = |w| Value::from_bits(w).expect("a live entry");
        (word(entry.key), word(entry.value))
    }

    /// Removes a str key and returns its value.
    pub fn remove_str(&self, cx: &mut Cx, key: &Str) -> Option<Value> {
        let found = self.find_str(key, key.hash())?;
        Some(self.remove_found(cx, found).1)
    }

    /// Removes a key and returns its value.
    pub fn remove(&self, cx: &mut Cx, key: Value) -> PyResult<Option<Value>> {
        let hash = hash_key(cx, key)?;
        let found = self.find(cx, key, hash)?;
        Ok(found.map(|f| self.remove_found(cx, f).1))
    }

    /// Removes and returns the last item.
    pub fn pop_last(&self, cx: &mut Cx) -> Option<(Value, Value)> {
        let table = self.table.get()?;
        let mut n = table.filled.get();
        while n > 0 {
            n -= 1;
            let entry = table.entry(n);
            if entry.key == 0 {
                continue;
            }
            let item = self.remove_found(cx, Found { entry: n, slot: Dict::slot_of(table, n) });
            table.head.set(table.head.get().min(n));
            // Entries behind the last live one can be used again: repeated popitem stays linear.
            table.lost.set(table.lost.get() + table.filled.get() - n);
            table.filled.set(n);
            return Some(item);
        }
        None
    }

    /// Index slot of a live entry.
    fn slot_of(table: &Table, n: u32) -> usize {
        let mut probe = Probe::new(table.entry(n).hash, table.mask());
        while table.slot(probe.at) != n {
            probe.next();
        }
        probe.at
    }

    /// Number of the first live entry. Asking again, also after the first ones were removed, takes constant time on average.
    fn first_entry(&self) -> Option<u32> {
        let table = self.table.get()?;
        while table.head.get() < table.filled.get() {
            if table.entry(table.head.get()).key != 0 {
                return Some(table.head.get());
            }
            table.head.set(table.head.get() + 1);
        }
        None
    }

    /// Removes and returns the first item.
    pub fn pop_first(&self, cx: &mut Cx) -> Option<(Value, Value)> {
        let entry = self.first_entry()?;
        let slot = Dict::slot_of(self.table.get()?, entry);
        Some(self.remove_found(cx, Found { entry, slot }))
    }

    /// Makes a key the last or the first one; false if it is missing. May collect.
    pub fn move_to_end(&self, cx: &mut Cx, key: Value, hash: i64, last: bool) -> PyResult<bool> {
        let Some(found) = self.find(cx, key, hash)? else { return Ok(false) };
        let Some(table) = self.table.get() else { return Ok(false) };
        let is_there = match last {
            true => found.entry + 1 == table.filled.get(),
            false => self.first_entry() == Some(found.entry),
        };
        if is_there {
            return Ok(true);
        }
        let (key, value) = self.remove_found(cx, found);
        self.widen_full(cx);
        match last {
            true => self.append(cx, key, hash, value),
            false => self.prepend(cx, key, hash, value),
        }
        Ok(true)
    }

    /// Puts a key that is not in the dict in front of the others. May collect.
    fn prepend(&self, cx: &mut Cx, key: Value, hash: i64, value: Value) {
        let first = match self.first_entry() {
            Some(n) => n,
            None => return self.append(cx, key, hash, value),
        };
        let has_room = self.table.get().is_some_and(|t| first > 0 && t.used_slots() < t.capacity.get());
        let first = if has_room { first } else { self.make_room_in_front(cx) };
        self.changing(cx, key.bits());
        let Some(table) = self.table.get() else { return };
        let n = first - 1;
        // SAFETY: n < filled; the entry is deleted.
        unsafe { table.entry_ptr(n).write(Entry { hash, key: key.bits(), value: value.bits() }) };
        table.head.set(n);
        table.insert_index(hash, n);
        // The slot that the deleted entry had may still be marked.
        table.lost.set(table.lost.get() + 1);
        self.used.set(self.used.get() + 1);
        self.changed(cx);
        cx.barrier(table);
    }

    /// Gives the dict a table with as many deleted entries in front as there are keys; returns their number.
    fn make_room_in_front(&self, cx: &mut Cx) -> u32 {
        let gap = self.len() as u32 + 4;
        let new = Table::new(cx, bits_for(self.len() * 2 + 2 * gap as usize));
        for n in 0..gap {
            // SAFETY: the new table has room for the gap and all live entries.
            unsafe { new.entry_ptr(n).write(Entry { hash: 0, key: 0, value: 0 }) };
        }
        new.head.set(gap);
        self.fill(cx, new, gap);
        gap
    }

    /// Removes a key whose hash is known and returns its value.
    pub fn remove_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Option<Value>> {
        let found = self.find(cx, key, hash)?;
        Ok(found.map(|f| self.remove_found(cx, f).1))
    }

    /// The key in the dict that equals `key`, with its value.
    pub fn get_item_hashed(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<Option<(Value, Value)>> {
        let Some(found) = self.find(cx, key, hash)? else { return Ok(None) };
        let Some(table) = self.table.get() else { return Ok(None) };
        let entry = table.entry(found.entry);
        Ok(Value::from_bits(entry.key).zip(Value::from_bits(entry.value)))
    }

    /// Adds 1 to the count under `key`, an int (Counter). May collect.
    pub fn increment(&self, cx: &mut Cx, key: Value, hash: i64) -> PyResult<()> {
        match self.find(cx, key, hash)? {
            None => {
                self.make_room(cx)?;
                self.append(cx, key, hash, Value::small(1));
            }
            Some(found) => {
                let Some(table) = self.table.get() else { return Ok(()) };
                let Some(old) = Value::from_bits(table.entry(found.entry).value) else { return Ok(()) };
                if let Some(new) = old.as_small().and_then(|i| Value::try_small(i + 1)) {
                    self.replace(cx, found, new);
                } else {
                    let new = crate::protocol::number::binary(cx, old, Value::small(1), &crate::protocol::number::ADD)?;
                    self.set_hashed(cx, key, hash, new)?;
                }
            }
        }
        Ok(())
    }

    /// Makes room for `n` keys in all. May collect.
    pub fn reserve(&self, cx: &mut Cx, n: usize) {
        let capacity = self.table.get().map_or(5, |t| t.capacity.get() as usize);
        if n > capacity {
            self.resize(cx, bits_for(n));
        }
    }

    /// The entry at or after entry number `*position`, which moves behind it, with its hash.
    #[inline]
    pub fn next_entry(&self, position: &mut u32) -> Option<(Value, Value, i64)> {
        let table = self.table.get()?;
        while *position < table.filled.get() {
            let entry = table.entry(*position);
            *position += 1;
            if let Some(key) = Value::from_bits(entry.key) {
                return Some((key, Value::from_bits(entry.value)?, entry.hash));
            }
        }
        None
    }

    /// Removes all keys.
    pub fn clear(&self, cx: &mut Cx) {
        self.changing(cx, 0);
        self.table.set(None);
        self.used.set(0);
        self.changed(cx);
    }

    /// The item at or after entry number `*position`, which moves behind it. Entry numbers stay valid while keys are
    /// only deleted or replaced.
    #[inline]
    pub fn next_item(&self, position: &mut u32) -> Option<(Value, Value)> {
        let table = self.table.get()?;
        while *position < table.filled.get() {
            let entry = table.entry(*position);
            *position += 1;
            if let Some(key) = Value::from_bits(entry.key) {
                return Some((key, Value::from_bits(entry.value)?));
            }
        }
        None
    }

    /// The item at or before entry number `*position - 1`, for reversed iteration.
    pub fn previous_item(&self, position: &mut u32) -> Option<(Value, Value)> {
        let table = self.table.get()?;
        *position = (*position).min(table.filled.get());
        while *position > 0 {
            *position -= 1;
            let entry = table.entry(*position);
            if let Some(key) = Value::from_bits(entry.key) {
                return Some((key, Value::from_bits(entry.value)?));
            }
        }
        None
    }

    /// Number of entries ever used: where reversed iteration starts.
    pub fn end_position(&self) -> u32 {
        self.table.get().map_or(0, |t| t.filled.get())
    }

    /// The items in order. The dict may change meanwhile (then what is seen is unspecified but safe).
    pub fn iter(&self) -> impl Iterator<Item = (Value, Value)> + '_ {
        let mut position = 0;
        std::iter::from_fn(move || self.next_item(&mut position))
    }

    /// Copies all items of `other`, an exact dict or one iterated as such. May collect.
    pub fn update_from(&self, cx: &mut Cx, other: &Dict) -> PyResult<()> {
        let mut position = 0;
        if self.is_empty() && !other.is_empty() && !self.is_watched() && self.take_copy(cx, other) {
            return Ok(());
        }
        if self.is_empty() && other.len() > 5 {
            other.check_copy(cx)?;
            self.resize(cx, bits_for(other.len()));
        }
        while let Some(table) = other.table.get() {
            if position >= table.filled.get() {
                break;
            }
            let entry = table.entry(position);
            position += 1;
            if let (Some(key), Some(value)) = (Value::from_bits(entry.key), Value::from_bits(entry.value)) {
                let n = other.len();
                self.set_hashed(cx, key, entry.hash, value)?;
                if other.len() != n && !std::ptr::eq(self, other) {
                    return raise!(cx, RuntimeError, "dict mutated during update");
                }
            }
        }
        Ok(())
    }

    /// Gives an empty dict a copy of the whole table of another; false if that has gaps or is too large. May collect.
    fn take_copy(&self, cx: &mut Cx, other: &Dict) -> bool {
        let Some(old) = other.table.get() else { return false };
        let is_dense = old.filled.get() as usize == other.len() && old.lost.get() == 0;
        if !is_dense || old.bits.get() > bits_for(other.len()) + 1 {
            return false;
        }
        self.copy_table(cx, old);
        self.used.set(other.len());
        true
    }

    /// A new plain dict with the same items. May collect.
    pub fn copy(&self, cx: &mut Cx) -> &'static Dict {
        let new = Dict::new(cx);
        if let Some(old) = self.table.get()
            && !new.take_copy(cx, self)
        {
            new.resize(cx, bits_for(self.len()));
            let table = new.table.get().expect("resized");
            let mut n = 0;
            for i in 0..old.filled.get() {
                let entry = old.entry(i);
                if entry.key != 0 {
                    // SAFETY: the table has room for all live entries.
                    unsafe { table.entry_ptr(n).write(entry) };
                    table.insert_index(entry.hash, n);
                    n += 1;
                }
            }
            table.filled.set(n);
            new.used.set(self.len());
            cx.barrier(table);
        }
        new
    }
}

/// log2 of the index size for `n` keys.
fn bits_for(n: usize) -> u8 {
    let slots = (n * 3).div_ceil(2) + 1;
    (slots.next_power_of_two().trailing_zeros() as u8).max(MIN_BITS)
}
