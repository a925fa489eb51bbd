//! Buffers inside the GC heap that back growable objects. Python code never sees them.
//!
//! Invariant BUF-1: a buffer is owned by one object, which traces it by marking it; its words beyond what the owner
//! uses are 0 (value arrays) or meaningless (raw buffers).

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object;
use crate::object::{Header, Object};
use crate::typeobj::{Type, TypeSpec, flags};

/// Makes a trace function that visits the listed values (`Value`s or `Option<Value>`s) of a layout.
#[macro_export]
macro_rules! trace_values {
    ($name:ident, $layout:ty, |$this:ident| [$($value:expr),* $(,)?]) => {
        unsafe fn $name(object: *mut $crate::object::Header, marker: &mut taipan_gc::Marker) {
            // SAFETY: the type's spec names this function for its own instances only.
            let $this = unsafe { &*object.cast::<$layout>() };
            $(
                if let Some(value) = ::core::option::Option::<$crate::value::Value>::from($value) {
                    marker.mark_value(value.bits());
                }
            )*
        }
    };
}

/// Copies bytes to as many bytes; a few without a call.
#[inline(always)]
pub fn copy_short(from: &[u8], to: &mut [u8]) {
    if from.len() > 8 {
        return to.copy_from_slice(from);
    }
    for (to, from) in to.iter_mut().zip(from) {
        // Else the compiler makes a call of the loop.
        *to = std::hint::black_box(*from);
    }
}

/// An array of value words, all of them traced.
#[repr(C)]
pub struct ValueArray {
    header: Header,
    capacity: Cell<usize>,
}

/// Bytes without references.
#[repr(C)]
pub struct RawBuffer {
    header: Header,
    capacity: Cell<usize>,
}

/// Type of value arrays.
pub static VALUE_ARRAY: Type = Type::new(&VALUE_ARRAY_SPEC);
static VALUE_ARRAY_SPEC: TypeSpec = TypeSpec {
    name: "value_array",
    basicsize: 24,
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_values),
    ..TypeSpec::DEFAULT
};
/// Type of raw buffers.
pub static RAW_BUFFER: Type = Type::new(&RAW_BUFFER_SPEC);
static RAW_BUFFER_SPEC: TypeSpec =
    TypeSpec { name: "raw_buffer", basicsize: 24, flags: flags::DISALLOW_INSTANTIATION, ..TypeSpec::DEFAULT };
object!(ValueArray, VALUE_ARRAY);
object!(RawBuffer, RAW_BUFFER);

/// Bytes before the data.
pub const DATA_OFFSET: usize = 32;

unsafe fn trace_values(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for value arrays only.
    let this = unsafe { &*object.cast::<ValueArray>() };
    // SAFETY: the array holds `capacity` words.
    unsafe { marker.mark_range(this.word_ptr(0), this.capacity.get()) };
}

impl ValueArray {
    /// A new array of at least `capacity` zero words. May collect.
    pub fn new(cx: &mut Cx, capacity: usize) -> &'static ValueArray {
        let p = cx.alloc_raw(DATA_OFFSET + capacity * 8);
        // SAFETY: fresh memory of that size.
        unsafe { ValueArray::init(p, capacity) }
    }

    /// As [`ValueArray::new`]; MemoryError if there is no room for it. May collect.
    pub fn try_new(cx: &mut Cx, capacity: usize) -> crate::PyResult<&'static ValueArray> {
        let p = cx.try_alloc_raw(capacity.saturating_mul(8).saturating_add(DATA_OFFSET))?;
        // SAFETY: fresh memory of that size.
        Ok(unsafe { ValueArray::init(p, capacity) })
    }

    /// Makes an array of fresh memory for it.
    unsafe fn init(p: *mut u8, capacity: usize) -> &'static ValueArray {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<Header>().write(Header::fresh(&VALUE_ARRAY)) };
        // SAFETY: just made.
        let this = unsafe { &*p.cast::<ValueArray>() };
        this.capacity.set(capacity);
        this
    }

    /// Number of words.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// Address of word `i`.
    #[inline(always)]
    pub fn word_ptr(&self, i: usize) -> *mut u64 {
        (self as *const Self as usize + DATA_OFFSET + 8 * i) as *mut u64
    }

    /// Says whether its words are values, which are traced, or numbers.
    pub fn set_traced(&self, traced: bool) {
        self.header.set_class(if traced { &VALUE_ARRAY } else { &RAW_BUFFER });
    }

    /// The array whose word 0 is at `data`.
    ///
    /// # Safety
    /// `data` must come from `word_ptr(0)`.
    #[inline(always)]
    pub unsafe fn from_data(data: *const u64) -> &'static ValueArray {
        // SAFETY: the caller's promise.
        unsafe { &*((data as usize - DATA_OFFSET) as *const ValueArray) }
    }
}

impl RawBuffer {
    /// A new buffer of at least `bytes` zero bytes. May collect.
    pub fn new(cx: &mut Cx, bytes: usize) -> &'static RawBuffer {
        let p = cx.alloc_raw(DATA_OFFSET + bytes);
        // SAFETY: fresh memory of that size.
        unsafe { p.cast::<Header>().write(Header::fresh(&RAW_BUFFER)) };
        // SAFETY: just made.
        let this = unsafe { &*p.cast::<RawBuffer>() };
        this.capacity.set(bytes);
        this
    }

    /// Number of bytes.
    pub fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// Address of the first byte.
    #[inline(always)]
    pub fn data(&self) -> *mut u8 {
        (self as *const Self as usize + DATA_OFFSET) as *mut u8
    }

    /// The buffer whose first byte is at `data`.
    ///
    /// # Safety
    /// `data` must come from `data()`.
    pub unsafe fn from_data(data: *const u8) -> &'static RawBuffer {
        // SAFETY: the caller's promise.
        unsafe { &*((data as usize - DATA_OFFSET) as *const RawBuffer) }
    }
}

const _: () = {
    const fn assert_object<T: Object>() {}
    assert_object::<ValueArray>();
};

/// Sizes from which on it is asked first whether there is so much memory. Smaller objects get it from what the heap keeps for them.
pub const LARGE_BYTES: usize = 1 << 22;

/// MemoryError if there is not so much memory, in the heap or outside; to be asked before it is taken by what cannot fail.
/// May collect.
#[inline]
pub fn check_size(cx: &mut Cx, bytes: usize) -> crate::PyResult<()> {
    if bytes < LARGE_BYTES { Ok(()) } else { check_large(cx, bytes) }
}

#[cold]
fn check_large(cx: &mut Cx, bytes: usize) -> crate::PyResult<()> {
    // What is copied is there twice for a while.
    let excessive = bytes > machine_memory() / 2 || bytes > address_room() / 4 * 3;
    if excessive || cx.heap().lacks(bytes) { Err(cx.memory_error()) } else { Ok(()) }
}

/// Bytes of memory that the machine has.
fn machine_memory() -> usize {
    // SAFETY: a plain query of the system.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    (pages.max(0) as usize).saturating_mul(page_size())
}

fn page_size() -> usize {
    // SAFETY: a plain query of the system.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(0) as usize
}

/// Bytes that the resource limits of the process (`ulimit -v`, `ulimit -d`) let it have beyond those that it has.
fn address_room() -> usize {
    // Pages of address space come first in the file, those of data sixth.
    [(libc::RLIMIT_AS, 0), (libc::RLIMIT_DATA, 5)].into_iter().fold(usize::MAX, |least, (resource, field)| {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the call writes the structure.
        unsafe { libc::getrlimit(resource, &mut limit) };
        if limit.rlim_cur == libc::RLIM_INFINITY {
            return least;
        }
        let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: usize = sizes.split(' ').nth(field).and_then(|n| n.parse().ok()).unwrap_or(0);
        least.min((limit.rlim_cur as usize).saturating_sub(pages.saturating_mul(page_size())))
    })
}
