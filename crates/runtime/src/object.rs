//! The object header and allocation of objects.
//!
//! Invariants:
//! - OBJ-1: every object starts with a [`Header`] whose type pointer is valid for as long as the object is.
//! - OBJ-2: objects never move; a `&'static T` held in a local is kept alive by the conservative stack scan, so
//!   it may be used as if it were static, but must not be stored in Rust heap memory that no traced object owns.
//! - OBJ-3: all fields that change after creation are `Cell`s; the GIL serialises access.
//! - OBJ-4: a store of a value into an object that may be old is followed by [`Cx::barrier`].

use std::cell::Cell;

use crate::cx::Cx;
use crate::typeobj::Type;
use crate::value::Value;

/// First word of an object made by the VM: refcount 1, flag STAKE (CABI R2).
pub const FRESH_WORD: u64 = 1 | (FLAG_STAKE as u64) << 32;
/// First word of static immortal objects (CABI 2.1).
pub const IMMORTAL_WORD: u64 = 0x0005_0000_C000_0000;
/// VM flag: the VM holds a stake in the reference count.
pub const FLAG_STAKE: u16 = 1;
/// VM flag: C code may hold references to the object's parts (CABI R5).
pub const FLAG_EXPOSED: u16 = 2;

/// VM flag: the finaliser was queued.
pub const FLAG_FINALIZED: u16 = 4;

/// VM flag of lists: the items are doubles.
pub const FLAG_FLOATS: u16 = 8;
/// VM flag of lists: the items are bools, a byte each.
pub const FLAG_BOOLS: u16 = 16;

/// The 16 bytes that every object starts with.
#[repr(C)]
#[derive(Debug)]
pub struct Header {
    word: Cell<u64>,
    class: Cell<*const Type>,
}

// SAFETY: OBJ-3.
unsafe impl Sync for Header {}

impl Header {
    /// Header of a static object.
    pub const fn immortal(class: &'static Type) -> Header {
        Header { word: Cell::new(IMMORTAL_WORD), class: Cell::new(class) }
    }

    /// Header of a static object whose class is set later.
    pub const fn immortal_untyped() -> Header {
        Header { word: Cell::new(IMMORTAL_WORD), class: Cell::new(std::ptr::null()) }
    }

    /// Header of a new object.
    #[inline(always)]
    pub fn fresh(class: &Type) -> Header {
        Header { word: Cell::new(FRESH_WORD), class: Cell::new(class) }
    }

    /// The type.
    #[inline(always)]
    pub fn class(&self) -> &'static Type {
        // SAFETY: OBJ-1.
        unsafe { &*self.class.get() }
    }

    /// True before static set-up gave the object its type.
    pub fn class_is_unset(&self) -> bool {
        self.class.get().is_null()
    }

    /// Changes the type (`__class__` assignment, or static set-up).
    pub fn set_class(&self, class: &Type) {
        self.class.set(class);
    }

    /// VM flags.
    #[inline(always)]
    pub fn flags(&self) -> u16 {
        (self.word.get() >> 32) as u16
    }

    /// Sets a VM flag.
    pub fn set_flag(&self, flag: u16) {
        self.word.set(self.word.get() | (flag as u64) << 32);
    }

    /// Clears a VM flag.
    pub fn clear_flag(&self, flag: u16) {
        self.word.set(self.word.get() & !((flag as u64) << 32));
    }

    /// True once `__del__` was queued (PEP 442: it runs once).
    pub fn is_finalized(&self) -> bool {
        self.flags() & FLAG_FINALIZED != 0
    }

    /// Notes that `__del__` was queued.
    pub fn set_finalized(&self) {
        self.set_flag(FLAG_FINALIZED);
    }

    /// The object as a value.
    #[inline(always)]
    pub fn value(&self) -> Value {
        Value::from_address(self as *const Header as usize)
    }
}

/// A Rust type that is the layout (or the leading part of it) of a Python type's instances.
///
/// # Safety
/// `Self` must be `#[repr(C)]`, start with a [`Header`], be aligned to at most 16, and describe every instance
/// of [`class`](Object::class) and its subclasses.
pub unsafe trait Object: 'static {
    /// The Python type.
    fn class() -> &'static Type;
}

/// Implements [`Object`] for a layout and its static type.
#[macro_export]
macro_rules! object {
    ($layout:ty, $class:expr) => {
        // SAFETY: the declaration promises the layout of `$class`.
        unsafe impl $crate::object::Object for $layout {
            #[inline(always)]
            fn class() -> &'static $crate::typeobj::Type {
                &$class
            }
        }
        impl From<&'static $layout> for $crate::value::Value {
            #[inline(always)]
            fn from(object: &'static $layout) -> $crate::value::Value {
                $crate::value::Value::of(object)
            }
        }
    };
}

impl Cx {
    /// Zeroed memory for an object of `size` bytes; the caller writes the header before anything else.
    /// May collect.
    #[inline(always)]
    pub fn alloc_raw(&mut self, size: usize) -> *mut u8 {
        // SAFETY: the heap outlives the context.
        unsafe { (*self.heap).alloc(size) }
    }

    /// As [`Cx::alloc_raw`], MemoryError if there is no such memory.
    pub fn try_alloc_raw(&mut self, size: usize) -> crate::PyResult<*mut u8> {
        // SAFETY: the heap outlives the context.
        let p = unsafe { (*self.heap).try_alloc(size) };
        if p.is_null() { Err(self.memory_error()) } else { Ok(p) }
    }

    /// As [`Cx::alloc_raw`] for text: see [`taipan_gc::Heap::alloc_leaf`].
    #[inline(always)]
    pub fn alloc_leaf(&mut self, size: usize) -> *mut u8 {
        // SAFETY: the heap outlives the context.
        unsafe { (*self.heap).alloc_leaf(size) }
    }

    /// A new object of the exact type of `T`, made of `value` (its header must be `Header::fresh(T::class())`).
    /// May collect.
    #[inline(always)]
    pub fn alloc<T: Object>(&mut self, value: T) -> &'static T {
        debug_assert!(!std::mem::needs_drop::<T>() || T::class().data().drop.is_some());
        let p = self.alloc_raw(std::mem::size_of::<T>()).cast::<T>();
        // SAFETY: the memory is large enough, aligned to 16 and fresh.
        unsafe {
            p.write(value);
            &*p
        }
    }

    /// A new instance of `class`, a subclass of `T`'s type or that type itself: `value` becomes its leading part
    /// (its header is replaced) and the attribute words behind it are set up. May collect.
    pub fn alloc_of<T: Object>(&mut self, class: &'static Type, value: T) -> &'static T {
        let size = class.data().instance_size(0).max(std::mem::size_of::<T>());
        let p = self.alloc_raw(size).cast::<T>();
        // SAFETY: the memory is large enough, aligned to 16 and fresh.
        let object = unsafe {
            p.write(value);
            &*p
        };
        // SAFETY: OBJ-1, the header is at the start.
        let header = unsafe { &*p.cast::<Header>() };
        header.word.set(FRESH_WORD);
        header.class.set(class);
        crate::shape::init_attrs(self, header, 0);
        if class.data().needs_registration() {
            self.register_special(header.value());
        }
        object
    }

    /// A new object of `class` with `n` trailing items: `size` bytes in all before the attribute words.
    /// The memory after the header is zero. May collect.
    pub fn alloc_var(&mut self, class: &'static Type, size: usize, n: usize) -> *mut u8 {
        let data = class.data();
        let total = data.instance_size(n).max(size);
        let p = self.alloc_raw(total);
        // SAFETY: fresh memory of at least 16 bytes.
        let header = unsafe {
            p.cast::<Header>().write(Header::fresh(class));
            &*p.cast::<Header>()
        };
        crate::shape::init_attrs(self, header, n);
        if data.needs_registration() {
            self.register_special(header.value());
        }
        p
    }

    /// Tells the collector that `object` was written to (OBJ-4).
    #[inline(always)]
    pub fn barrier<T: Object>(&mut self, object: &T) {
        // SAFETY: the heap outlives the context; the address is an object's.
        unsafe { (*self.heap).write_barrier(object as *const T as *mut _) }
    }

    /// As [`Cx::barrier`], for a value known to be a pointer.
    #[inline(always)]
    pub fn barrier_value(&mut self, object: Value) {
        debug_assert!(object.is_pointer());
        // SAFETY: as above.
        unsafe { (*self.heap).write_barrier(object.bits() as *mut _) }
    }
}
