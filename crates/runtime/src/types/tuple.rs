//! tuple: layout and construction. The methods are in `tuple_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object;
use crate::object::Header;
use crate::typeobj::Type;
use crate::value::Value;

/// A tuple object; the items follow (CABI 2.2).
#[repr(C)]
pub struct Tuple {
    header: Header,
    len: Cell<usize>,
    hash: Cell<i64>,
}
const _: () = assert!(std::mem::size_of::<Tuple>() == 32);
object!(Tuple, crate::types::tuple_methods::TUPLE);

/// Visits a tuple's items.
///
/// # Safety
/// `object` must be a tuple.
pub unsafe fn trace_tuple(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    unsafe {
        let this = &*object.cast::<Tuple>();
        marker.mark_range(this.first(), this.len.get());
    }
}

impl Tuple {
    #[inline(always)]
    fn first(&self) -> *mut u64 {
        (self as *const Tuple as usize + 32) as *mut u64
    }

    /// A new tuple. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, items: &[Value]) -> &'static Tuple {
        if items.is_empty()
            && let Some(empty) = cx.rt().empty_tuple.get()
        {
            return empty;
        }
        let p = cx.alloc_raw(32 + 8 * items.len());
        // SAFETY: fresh memory of that size; the items are alive through the caller's slice.
        unsafe {
            p.cast::<Header>().write(Header::fresh(&crate::types::tuple_methods::TUPLE));
            let this = &*p.cast::<Tuple>();
            this.len.set(items.len());
            this.hash.set(-1);
            std::ptr::copy_nonoverlapping(items.as_ptr().cast::<u64>(), this.first(), items.len());
            this
        }
    }

    /// A new instance of `class`, a subclass of tuple. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type, items: &[Value]) -> &'static Tuple {
        if std::ptr::eq(class, &crate::types::tuple_methods::TUPLE) {
            return Tuple::new(cx, items);
        }
        let p = cx.alloc_var(class, 32 + 8 * items.len(), items.len());
        // SAFETY: as in new.
        unsafe {
            let this = &*p.cast::<Tuple>();
            this.len.set(items.len());
            this.hash.set(-1);
            std::ptr::copy_nonoverlapping(items.as_ptr().cast::<u64>(), this.first(), items.len());
            this
        }
    }

    /// A new tuple of `n > 0` items whose words are 0: the caller fills it before anyone sees it. May collect.
    pub(crate) fn uninit(cx: &mut Cx, n: usize) -> &'static Tuple {
        let p = cx.alloc_raw(32 + 8 * n);
        // SAFETY: fresh memory of that size.
        unsafe {
            p.cast::<Header>().write(Header::fresh(&crate::types::tuple_methods::TUPLE));
            let this = &*p.cast::<Tuple>();
            this.len.set(n);
            this.hash.set(-1);
            this
        }
    }

    /// Copies `items` to position `at` of a tuple under construction.
    ///
    /// # Safety
    /// They must fit, nobody may have seen the tuple, and nothing may have been collected since it was made.
    pub(crate) unsafe fn fill(&self, at: usize, items: &[Value]) {
        debug_assert!(at + items.len() <= self.len());
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr().cast::<u64>(), self.first().add(at), items.len()) }
    }

    /// The item words.
    pub(crate) fn words(&self) -> *mut u64 {
        self.first()
    }

    /// Makes only the first `n` items of a fresh tuple visible; the others can be read by [`Tuple::hidden`] (struct
    /// sequences).
    pub fn hide_from(&self, n: usize) {
        assert!(n <= self.len());
        self.len.set(n);
    }

    /// Item `i`, hidden or not.
    ///
    /// # Safety
    /// The tuple must have been made with more than `i` items.
    pub unsafe fn hidden(&self, i: usize) -> Value {
        // SAFETY: the caller's promise.
        unsafe { *self.first().cast::<Value>().add(i) }
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// True for `()`.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items.
    #[inline(always)]
    pub fn items(&self) -> &'static [Value] {
        // SAFETY: every item word is a value once the tuple was made; OBJ-2 for the lifetime.
        unsafe { std::slice::from_raw_parts(self.first().cast::<Value>(), self.len()) }
    }

    /// The hash word, -1 while unknown.
    pub fn hash_word(&self) -> &Cell<i64> {
        &self.hash
    }

    /// Replaces item `i` of a tuple that nobody else has seen yet (unmarshalling of recursive data, C API).
    pub fn set_fresh(&self, cx: &mut Cx, i: usize, value: Value) {
        assert!(i < self.len());
        // SAFETY: in range.
        unsafe { *self.first().add(i) = value.bits() };
        cx.barrier(self);
    }
}
