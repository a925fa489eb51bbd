//! What the metaclasses know of a C type.

use std::cell::Cell;

use libffi_sys::ffi_type;
use taipan_gc::Marker;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{HEAP_TYPE_SIZE, Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};

use crate::meta::CTYPE_TYPE;
use crate::simple;

/// Kinds of C types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A subclass of `_SimpleCData`.
    Simple,
    /// A pointer.
    Pointer,
    /// An array.
    Array,
    /// A structure.
    Struct,
    /// A union.
    Union,
    /// A function pointer.
    Function,
}

/// What is known of a C type.
#[repr(C)]
pub struct Info {
    header: Header,
    /// Its kind.
    pub kind: Cell<Kind>,
    /// Bytes of an instance.
    pub size: Cell<usize>,
    /// Alignment.
    pub align: Cell<usize>,
    /// Items that may hold references: fields, items of an array, 1 for a pointer.
    pub length: Cell<usize>,
    /// `_type_` of simple types.
    pub code: Cell<u8>,
    /// Its bytes are in the other order.
    pub swapped: Cell<bool>,
    /// An instance or a field exists, so it must not change.
    pub is_final: Cell<bool>,
    /// Contains pointers, which cannot be pickled.
    pub has_pointer: Cell<bool>,
    /// Contains a union.
    pub has_union: Cell<bool>,
    /// Contains a bit field.
    pub has_bitfield: Cell<bool>,
    /// Flags of a function type.
    pub function_flags: Cell<i64>,
    /// The type pointed to or of the items.
    pub item: Cell<Option<&'static Type>>,
    /// Pointer type to this type.
    pub pointer_type: Cell<Option<Value>>,
    /// Array types of this type by length.
    pub arrays: Cell<Option<&'static Dict>>,
    /// Buffer format (PEP 3118).
    pub format: Cell<Option<&'static Str>>,
    /// Buffer shape of arrays.
    pub shape: Cell<Option<&'static Tuple>>,
    /// Types of the fields, the base's first, for calls.
    pub fields: Cell<Option<&'static Tuple>>,
    /// `_argtypes_`.
    pub argtypes: Cell<Option<&'static Tuple>>,
    /// `from_param` of each.
    pub converters: Cell<Option<&'static Tuple>>,
    /// `_restype_`.
    pub restype: Cell<Option<Value>>,
    /// `_check_retval_` of the result type.
    pub checker: Cell<Option<Value>>,
    /// How libffi passes it, once asked for.
    ffi: Cell<*mut Ffi>,
}
object!(Info, INFO);
trace_values!(trace_info, Info, |t| [
    t.item.get().map(Value::of),
    t.pointer_type.get(),
    t.arrays.get().map(Value::of),
    t.format.get().map(Value::of),
    t.shape.get().map(Value::of),
    t.fields.get().map(Value::of),
    t.argtypes.get().map(Value::of),
    t.converters.get().map(Value::of),
    t.restype.get(),
    t.checker.get(),
]);

/// The type of [`Info`], which Python code never sees.
pub static INFO: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.StgInfo",
    basicsize: std::mem::size_of::<Info>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_info),
    drop: Some(drop_info),
    slots: Slots::NONE,
    ..TypeSpec::DEFAULT
};

/// A structure's description for libffi, with its elements.
struct Ffi {
    own: ffi_type,
    elements: Vec<*mut ffi_type>,
}

unsafe fn drop_info(object: *mut Header) {
    // SAFETY: a dead info; the description was leaked from a box. Those that contain it are dead too or keep it alive.
    unsafe {
        let ffi = (*object.cast::<Info>()).ffi.replace(std::ptr::null_mut());
        if !ffi.is_null() {
            drop(Box::from_raw(ffi));
        }
    }
}

/// Visits a class made by one of the metaclasses.
///
/// # Safety
/// `object` must be such a class.
pub unsafe fn trace_class(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise; CT-2.
    unsafe {
        Type::trace(object, marker);
        if (*object.cast::<Type>()).is_heap_type()
            && let Some(info) = Value::from_bits(*object.cast::<u8>().add(HEAP_TYPE_SIZE).cast::<u64>())
        {
            marker.mark_value(info.bits());
        }
    }
}

fn word(class: &'static Type) -> Option<*mut u64> {
    let has_word = class.is_heap_type() && class.header().class().is_subtype(&CTYPE_TYPE);
    // SAFETY: CT-2.
    has_word.then(|| unsafe { (class as *const Type).cast::<u8>().add(HEAP_TYPE_SIZE).cast::<u64>().cast_mut() })
}

/// The info of a class, unless it is abstract or no C type.
pub fn of(class: &'static Type) -> Option<&'static Info> {
    // SAFETY: CT-2: the word is an info or 0.
    word(class).and_then(|word| unsafe { Value::from_bits(*word).map(|v| v.cast::<Info>()) })
}

/// The info of a value that is a class.
pub fn of_value(v: Value) -> Option<&'static Info> {
    v.downcast::<Type>().and_then(of)
}

/// Gives a new class its info. SystemError if it has one.
pub fn attach(cx: &mut Cx, class: &'static Type, kind: Kind) -> PyResult<&'static Info> {
    if of(class).is_some() {
        return raise!(cx, SystemError, "StgInfo of '{}' is already initialized.", class.name());
    }
    let Some(word) = word(class) else { return raise!(cx, TypeError, "not a ctypes class") };
    let info = cx.alloc_of(
        &INFO,
        Info {
            header: Header::fresh(&INFO),
            kind: Cell::new(kind),
            size: Cell::new(0),
            align: Cell::new(1),
            length: Cell::new(0),
            code: Cell::new(0),
            swapped: Cell::new(false),
            is_final: Cell::new(false),
            has_pointer: Cell::new(false),
            has_union: Cell::new(false),
            has_bitfield: Cell::new(false),
            function_flags: Cell::new(0),
            item: Cell::new(None),
            pointer_type: Cell::new(None),
            arrays: Cell::new(None),
            format: Cell::new(None),
            shape: Cell::new(None),
            fields: Cell::new(None),
            argtypes: Cell::new(None),
            converters: Cell::new(None),
            restype: Cell::new(None),
            checker: Cell::new(None),
            ffi: Cell::new(std::ptr::null_mut()),
        },
    );
    // SAFETY: CT-2.
    unsafe { *word = Value::of(info).bits() };
    cx.barrier(class);
    Ok(info)
}

/// An array that is passed by value inside a structure has at most so many elements described.
const MOST_ELEMENTS: usize = 1 << 16;

impl Info {
    /// Copies layout and fields of a base class.
    pub fn copy_from(&self, cx: &mut Cx, base: &Info) {
        self.size.set(base.size.get());
        self.align.set(base.align.get());
        self.length.set(base.length.get());
        self.has_pointer.set(base.has_pointer.get());
        self.has_union.set(base.has_union.get());
        self.has_bitfield.set(base.has_bitfield.get());
        self.format.set(base.format.get());
        self.fields.set(base.fields.get());
        cx.barrier(self);
    }

    /// The buffer format.
    pub fn format_text(&self) -> String {
        self.format.get().map_or("B".to_string(), |f| f.to_string_lossy())
    }

    /// Dimensions of an array, outermost first.
    pub fn dimensions(&self) -> Vec<isize> {
        let shape = self.shape.get().map_or(&[][..], |t| t.items());
        shape.iter().map(|n| int::as_i64(*n).unwrap_or(0) as isize).collect()
    }

    /// How libffi passes it.
    pub fn ffi(&self) -> *mut ffi_type {
        match self.kind.get() {
            Kind::Simple => simple::ffi_type_of(self.code.get()),
            Kind::Pointer | Kind::Function => &raw mut libffi_sys::ffi_type_pointer,
            Kind::Array | Kind::Struct | Kind::Union => self.aggregate(),
        }
    }

    fn aggregate(&self) -> *mut ffi_type {
        if self.ffi.get().is_null() {
            let mut elements = Vec::new();
            self.push_elements(&mut elements);
            elements.push(std::ptr::null_mut());
            let own = ffi_type {
                size: self.size.get(),
                alignment: self.align.get() as u16,
                type_: libffi_sys::ffi_type_enum_STRUCT as u16,
                elements: std::ptr::null_mut(),
            };
            let made = Box::into_raw(Box::new(Ffi { own, elements }));
            // SAFETY: just made; the vector does not change any more.
            unsafe { (*made).own.elements = (*made).elements.as_mut_ptr() };
            self.ffi.set(made);
        }
        // SAFETY: made once, freed with this object.
        unsafe { &raw mut (*self.ffi.get()).own }
    }

    fn push_elements(&self, out: &mut Vec<*mut ffi_type>) {
        match self.kind.get() {
            Kind::Array => {
                if let Some(item) = self.item.get().and_then(of) {
                    let n = self.length.get().min(MOST_ELEMENTS);
                    if item.kind.get() == Kind::Array {
                        (0..n).for_each(|_| item.push_elements(out));
                    } else {
                        out.extend(std::iter::repeat_n(item.ffi(), n));
                    }
                }
            }
            Kind::Struct | Kind::Union => {
                for field in self.fields.get().map_or(&[][..], |t| t.items()) {
                    match of_value(*field) {
                        Some(info) if info.kind.get() == Kind::Array => info.push_elements(out),
                        Some(info) => out.push(info.ffi()),
                        None => {}
                    }
                }
            }
            _ => out.push(self.ffi()),
        }
    }

    /// Whether instances stand for a Python value that is got and set instead of them.
    pub fn is_plain(&self, class: &'static Type) -> bool {
        self.kind.get() == Kind::Simple && class.base().is_some_and(|b| std::ptr::eq(b, &crate::simple_type::SIMPLE))
    }
}
