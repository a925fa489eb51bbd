//! Type objects: CPython's 416-byte `PyTypeObject` (936 for heap types) with the VM's own data behind `tp_cache`.
//!
//! Static types are Rust statics declared with a [`TypeSpec`]; [`Cx::ready_type`] makes their dict, MRO and slots.
//! Lookup of a name along the MRO goes through a global cache keyed by the type's version; a write to a class
//! gives it and its subclasses new versions ([`Type::modified`]), which invalidates every inline cache.
//!
//! Invariants:
//! - TYPE-1: `data()` is set before a type is reachable by anything that reads it, and stays valid with the type.
//! - TYPE-2: version numbers are never reused; 0 means the type must not be cached.

use std::cell::{Cell, RefCell};
use std::ffi::c_char;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::{GetSetDef, NativeDef};
use crate::object::Header;
use crate::shape::Shape;
use crate::slots::Slots;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object};
use taipan_gc::Marker;

/// CPython's `tp_flags` bits.
pub mod flags {
    /// Sequence for pattern matching.
    pub const SEQUENCE: u64 = 1 << 5;
    /// Mapping for pattern matching.
    pub const MAPPING: u64 = 1 << 6;
    /// Cannot be instantiated by calling it.
    pub const DISALLOW_INSTANTIATION: u64 = 1 << 7;
    /// Attributes of the type itself cannot be set.
    pub const IMMUTABLE: u64 = 1 << 8;
    /// Made at run time.
    pub const HEAPTYPE: u64 = 1 << 9;
    /// May be subclassed.
    pub const BASETYPE: u64 = 1 << 10;
    /// Supports vectorcall (Taipan: always callable by `call`).
    pub const VECTORCALL: u64 = 1 << 11;
    /// Set up.
    pub const READY: u64 = 1 << 12;
    /// Garbage collected container.
    pub const HAVE_GC: u64 = 1 << 14;
    /// A method descriptor: binding it gives a bound method and skipping that is unobservable.
    pub const METHOD_DESCRIPTOR: u64 = 1 << 17;
    /// A class pattern with one positional subpattern matches the subject itself.
    pub const MATCH_SELF: u64 = 1 << 22;
    /// Has abstract methods.
    pub const ABSTRACT: u64 = 1 << 20;
    /// Subclass of int.
    pub const LONG: u64 = 1 << 24;
    /// Subclass of list.
    pub const LIST: u64 = 1 << 25;
    /// Subclass of tuple.
    pub const TUPLE: u64 = 1 << 26;
    /// Subclass of bytes.
    pub const BYTES: u64 = 1 << 27;
    /// Subclass of str.
    pub const UNICODE: u64 = 1 << 28;
    /// Subclass of dict.
    pub const DICT: u64 = 1 << 29;
    /// Subclass of BaseException.
    pub const BASE_EXC: u64 = 1 << 30;
    /// Subclass of type.
    pub const TYPE: u64 = 1 << 31;
    /// Bits that subclasses inherit.
    pub const INHERITED: u64 = SEQUENCE | MAPPING | MATCH_SELF | (0xff << 24);
}

/// A Python type. `#[repr(C)]`, 416 bytes, offsets as CPython 3.14's (CABI 2.3).
#[repr(C)]
pub struct Type {
    header: Header,
    ob_size: Cell<isize>,
    tp_name: Cell<*const c_char>,
    tp_basicsize: Cell<isize>,
    tp_itemsize: Cell<isize>,
    /// `tp_dealloc` .. `tp_as_buffer`: for C code, later.
    c_slots_1: [Cell<usize>; 15],
    tp_flags: Cell<u64>,
    tp_doc: Cell<*const c_char>,
    /// `tp_traverse` .. `tp_iternext`.
    c_slots_2: [Cell<usize>; 6],
    /// `tp_methods`; for static types the VM keeps the [`TypeSpec`] here.
    spec: Cell<Option<&'static TypeSpec>>,
    /// `tp_members`, `tp_getset`.
    c_slots_3: [Cell<usize>; 2],
    tp_base: Cell<Option<&'static Type>>,
    tp_dict: Cell<Option<&'static Dict>>,
    /// `tp_descr_get` .. `tp_is_gc`.
    c_slots_4: [Cell<usize>; 8],
    tp_bases: Cell<Option<&'static Tuple>>,
    tp_mro: Cell<Option<&'static Tuple>>,
    /// `tp_cache`: the VM's data.
    data: Cell<*const TypeData>,
    tp_subclasses: Cell<usize>,
    tp_weaklist: Cell<usize>,
    tp_del: Cell<usize>,
    version: Cell<u32>,
    tp_finalize: Cell<usize>,
    tp_vectorcall: Cell<usize>,
    tp_watched: Cell<u64>,
}

// SAFETY: OBJ-3.
unsafe impl Sync for Type {}
const _: () = assert!(std::mem::size_of::<Type>() == 416);
const _: () = assert!(std::mem::offset_of!(Type, tp_flags) == 168);
const _: () = assert!(std::mem::offset_of!(Type, tp_base) == 256);
const _: () = assert!(std::mem::offset_of!(Type, tp_mro) == 344);
const _: () = assert!(std::mem::offset_of!(Type, data) == 352);
const _: () = assert!(std::mem::offset_of!(Type, version) == 384);
object!(Type, crate::types::type_::TYPE);

impl std::fmt::Debug for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<class {}>", self.name())
    }
}

/// Size of a heap type object.
pub const HEAP_TYPE_SIZE: usize = 936;

/// Visits the references of an instance.
pub type TraceFn = unsafe fn(object: *mut Header, marker: &mut Marker);

/// Declaration of a static type.
pub struct TypeSpec {
    /// Name, with the module as `module.name` unless it is a built-in.
    pub name: &'static str,
    /// Base class; `object` if none.
    pub base: Option<&'static Type>,
    /// CPython's `tp_basicsize`; 0 inherits.
    pub basicsize: usize,
    /// Bytes per trailing item, 0 if none.
    pub itemsize: usize,
    /// `tp_flags`.
    pub flags: u64,
    /// Instances have attributes (`__dict__`).
    pub attrs: bool,
    /// Instances can be weakly referenced.
    pub weakrefs: bool,
    /// Visits the references of an instance; None inherits.
    pub trace: Option<TraceFn>,
    /// Releases native resources of a dead instance; it may not touch other objects.
    pub drop: Option<unsafe fn(object: *mut Header)>,
    /// Native slots.
    pub slots: Slots,
    /// Native methods (several tables, so that an implementation can be spread over files).
    pub methods: &'static [&'static [NativeDef]],
    /// Native attributes.
    pub getsets: &'static [&'static [GetSetDef]],
    /// `__doc__`.
    pub doc: &'static str,
    /// `__text_signature__` of the constructor, empty if none.
    pub signature: &'static str,
}

impl TypeSpec {
    /// Defaults for struct update syntax.
    pub const DEFAULT: TypeSpec = TypeSpec {
        name: "?",
        base: None,
        basicsize: 0,
        itemsize: 0,
        flags: 0,
        attrs: false,
        weakrefs: false,
        trace: None,
        drop: None,
        slots: Slots::NONE,
        methods: &[],
        getsets: &[],
        doc: "",
        signature: "",
    };
}

// SAFETY: OBJ-3 (function pointers and static references only).
unsafe impl Sync for TypeSpec {}

/// The VM's data of a type.
pub struct TypeData {
    /// `__name__`.
    pub name: Cell<Value>,
    /// `__qualname__`.
    pub qualname: Cell<Value>,
    /// Slots in effect, inherited ones included; equal tables are one.
    pub slots: Cell<&'static Slots>,
    /// Bytes of the fixed part, `__slots__` included.
    pub basicsize: usize,
    /// Bytes per trailing item.
    pub itemsize: usize,
    /// Instances have attribute words behind their items.
    pub attrs: bool,
    /// Instances can be weakly referenced.
    pub weakrefs: bool,
    /// Visits the fixed part of an instance.
    pub trace: TraceFn,
    /// Releases native resources.
    pub drop: Option<unsafe fn(object: *mut Header)>,
    /// Byte offsets of the `__slots__` words, inherited ones included.
    pub slot_words: Vec<u32>,
    /// The class that decides the layout (CPython's solid base).
    pub solid: Cell<Option<&'static Type>>,
    /// Shape of a new instance.
    pub root_shape: Cell<*const Shape>,
    /// Shape of an instance whose attributes are in a dict.
    pub dict_shape: Cell<*const Shape>,
    /// Inline attribute words of the next instances.
    pub inline_hint: Cell<u32>,
    /// Direct subclasses, weakly held.
    pub subclasses: RefCell<Vec<*const Type>>,
    /// The Python function that `__init__` is, if it is one.
    pub init_function: Cell<Option<&'static crate::types::function::Function>>,
    /// Has a Python-level `__del__`.
    pub finalizer: Cell<bool>,
    /// A metaclass's `mro()` put a class into the MRO that is not a base: nobody tells this class when that one changes,
    /// so it never gets a version.
    pub foreign_mro: Cell<bool>,
    /// Its instances are iterators over built-in containers, whose `next` runs no Python code (set by the JIT).
    pub plain_iterator: Cell<bool>,
}

impl TypeData {
    /// Bytes of an instance with `n` items, attribute words for new instances included.
    #[inline(always)]
    pub fn instance_size(&self, n: usize) -> usize {
        let fixed = (self.basicsize + n * self.itemsize + 7) & !7;
        if self.attrs { fixed + 16 + 8 * self.inline_hint.get() as usize } else { fixed }
    }

    /// True if instances are registered for finalisation or native release.
    #[inline(always)]
    pub fn needs_registration(&self) -> bool {
        self.finalizer.get() || self.drop.is_some()
    }
}

impl Type {
    /// A static type; [`Cx::ready_type`] completes it.
    pub const fn new(spec: &'static TypeSpec) -> Type {
        const ZERO: Cell<usize> = Cell::new(0);
        Type {
            header: Header::immortal_untyped(),
            ob_size: Cell::new(0),
            tp_name: Cell::new(std::ptr::null()),
            tp_basicsize: Cell::new(0),
            tp_itemsize: Cell::new(0),
            c_slots_1: [ZERO; 15],
            tp_flags: Cell::new(0),
            tp_doc: Cell::new(std::ptr::null()),
            c_slots_2: [ZERO; 6],
            spec: Cell::new(Some(spec)),
            c_slots_3: [ZERO; 2],
            tp_base: Cell::new(None),
            tp_dict: Cell::new(None),
            c_slots_4: [ZERO; 8],
            tp_bases: Cell::new(None),
            tp_mro: Cell::new(None),
            data: Cell::new(std::ptr::null()),
            tp_subclasses: Cell::new(0),
            tp_weaklist: Cell::new(0),
            tp_del: Cell::new(0),
            version: Cell::new(0),
            tp_finalize: Cell::new(0),
            tp_vectorcall: Cell::new(0),
            tp_watched: Cell::new(0),
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The VM's data.
    #[inline(always)]
    pub fn data(&self) -> &'static TypeData {
        debug_assert!(!self.data.get().is_null(), "type used before it was readied");
        // SAFETY: TYPE-1.
        unsafe { &*self.data.get() }
    }

    /// True once `data()` may be called.
    pub fn is_ready(&self) -> bool {
        !self.data.get().is_null()
    }

    /// Sets the VM's data (once, by type creation).
    pub fn set_data(&self, data: Box<TypeData>) {
        self.tp_basicsize.set(data.basicsize as isize);
        self.tp_itemsize.set(data.itemsize as isize);
        self.data.set(Box::leak(data));
    }

    /// Address of the data, for its release.
    pub fn data_address(&self) -> *const TypeData {
        self.data.get()
    }

    /// The declaration of a static type.
    pub fn spec(&self) -> Option<&'static TypeSpec> {
        if self.is_heap_type() { None } else { self.spec.get() }
    }

    /// `tp_flags`.
    #[inline(always)]
    pub fn flags(&self) -> u64 {
        self.tp_flags.get()
    }

    /// Replaces `tp_flags`.
    pub fn set_flags(&self, flags: u64) {
        self.tp_flags.set(flags);
    }

    /// True if all bits of `flag` are set.
    #[inline(always)]
    pub fn has(&self, flag: u64) -> bool {
        self.flags() & flag == flag
    }

    /// True for classes made at run time.
    pub fn is_heap_type(&self) -> bool {
        self.has(flags::HEAPTYPE)
    }

    /// From now on `Hooks::type_changed` is told when the type loses its version.
    pub fn watch(&self) {
        self.tp_watched.set(1);
    }

    /// Calls `Hooks::type_changed` if the type is watched.
    pub fn tell_watchers(&self, cx: &mut Cx) {
        if self.tp_watched.get() != 0 {
            (cx.rt().hooks.get().type_changed)(cx, self);
        }
    }

    /// Version for caches; 0 while the type must not be cached.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.get()
    }

    /// Sets the version (TYPE-2).
    pub fn set_version(&self, version: u32) {
        self.version.set(version);
    }

    /// First base in layout terms.
    pub fn base(&self) -> Option<&'static Type> {
        self.tp_base.get()
    }

    /// Sets the base.
    pub fn set_base(&self, base: Option<&'static Type>) {
        self.tp_base.set(base);
    }

    /// The class's own namespace.
    #[inline(always)]
    pub fn dict(&self) -> &'static Dict {
        self.tp_dict.get().expect("a ready type has a dict")
    }

    /// Sets the namespace (type creation).
    pub fn set_dict(&self, dict: &'static Dict) {
        self.tp_dict.set(Some(dict));
    }

    /// `__bases__`.
    pub fn bases(&self) -> &'static Tuple {
        self.tp_bases.get().expect("a ready type has bases")
    }

    /// Sets `__bases__`.
    pub fn set_bases(&self, bases: &'static Tuple) {
        self.tp_bases.set(Some(bases));
    }

    /// The MRO as a tuple of types (in theory of any values, when a metaclass overrides `mro()`).
    #[inline(always)]
    pub fn mro(&self) -> &'static Tuple {
        match self.tp_mro.get() {
            Some(mro) => mro,
            None => self.unfinished_mro(),
        }
    }

    /// The MRO of the base of a class whose own is being computed, by a metaclass's `mro()`.
    #[cold]
    fn unfinished_mro(&self) -> &'static Tuple {
        self.base().unwrap_or(&crate::types::object::OBJECT).mro()
    }

    /// The MRO, if it was computed already.
    pub fn try_mro(&self) -> Option<&'static Tuple> {
        self.tp_mro.get()
    }

    /// Sets the MRO.
    pub fn set_mro(&self, mro: &'static Tuple) {
        self.tp_mro.set(Some(mro));
    }

    /// The types in the MRO.
    pub fn mro_types(&self) -> impl Iterator<Item = &'static Type> + use<> {
        self.mro().items().iter().filter_map(|v| v.downcast::<Type>())
    }

    /// True if `other` is this type or in its MRO.
    pub fn is_subtype(&self, other: &Type) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match self.tp_mro.get() {
            Some(mro) => {
                let wanted = Value::from_address(other as *const Type as usize);
                mro.items().contains(&wanted)
            }
            None => {
                let mut base = self.base();
                while let Some(b) = base {
                    if std::ptr::eq(b, other) {
                        return true;
                    }
                    base = b.base();
                }
                std::ptr::eq(other, &crate::types::object::OBJECT)
            }
        }
    }

    /// The last part of the name.
    pub fn name(&self) -> String {
        match self.data.get().is_null() {
            false => self.data().name.get().downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default(),
            true => self.spec.get().map(|s| s.name.rsplit('.').next().unwrap_or("?").to_string()).unwrap_or_default(),
        }
    }

    /// CPython's `tp_name`: dotted for static types of modules, the plain name for heap types.
    pub fn tp_name(&self) -> String {
        match self.spec() {
            Some(spec) => spec.name.to_string(),
            None => self.name(),
        }
    }

    /// Slots in effect.
    #[inline(always)]
    pub fn slots(&self) -> &'static Slots {
        self.data().slots.get()
    }

    /// The direct subclasses.
    pub fn live_subclasses(&self) -> crate::heap::RootVec {
        let mut all = crate::heap::RootVec::new();
        // SAFETY: the list holds live types; dead ones are removed by the collection that finds them dead.
        all.extend(self.data().subclasses.borrow().iter().map(|sub| Value::of(unsafe { &**sub })));
        all
    }

    /// The value of this type.
    pub fn value(&'static self) -> Value {
        Value::of(self)
    }

    /// Visits the references of a type object.
    ///
    /// # Safety
    /// `object` must be a type.
    pub unsafe fn trace(object: *mut Header, marker: &mut Marker) {
        // SAFETY: the caller's promise.
        let this = unsafe { &*object.cast::<Type>() };
        let mut mark = |v: Option<Value>| {
            if let Some(v) = v {
                marker.mark_value(v.bits());
            }
        };
        mark(this.tp_base.get().map(Value::of));
        mark(this.tp_dict.get().map(Value::of));
        mark(this.tp_bases.get().map(Value::of));
        mark(this.tp_mro.get().map(Value::of));
        if this.is_ready() {
            let data = this.data();
            mark(Some(data.name.get()));
            mark(Some(data.qualname.get()));
            mark(data.solid.get().map(Value::of));
            for shape in [data.root_shape.get(), data.dict_shape.get()] {
                if !shape.is_null() {
                    marker.mark_object(shape.cast_mut().cast());
                }
            }
        }
    }
}

impl Cx {
    /// Finds `name` along the MRO of `class`, through the method cache.
    #[inline]
    pub fn type_lookup(&mut self, class: &'static Type, name: &'static Str) -> Option<Value> {
        let version = class.version();
        if version != 0 {
            let entry = self.rt().method_cache.entry(version, name);
            if entry.version == version && std::ptr::eq(entry.name, name) {
                return Value::from_bits(entry.value);
            }
        }
        self.type_lookup_slow(class, name)
    }

    #[cold]
    #[inline(never)]
    fn type_lookup_slow(&mut self, class: &'static Type, name: &'static Str) -> Option<Value> {
        let mut found = None;
        for base in class.mro_types() {
            found = base.dict().get_str(name);
            if found.is_some() {
                break;
            }
        }
        if name.is_interned() {
            self.assign_version(class);
            let version = class.version();
            if version != 0 {
                let bits = found.map_or(0, |v| v.bits());
                self.rt().method_cache.set(version, name, bits);
            }
        }
        found
    }

    /// Gives `class` a version if it has none, its bases first.
    pub fn assign_version(&mut self, class: &'static Type) {
        if class.version() != 0 {
            return;
        }
        let next = self.rt().next_type_version.get();
        if next == u32::MAX || class.mro_types().any(|base| base.data().foreign_mro.get()) {
            return;
        }
        for base in class.mro_types() {
            if base.version() == 0 && !std::ptr::eq(base, class) {
                let next = self.rt().next_type_version.get();
                base.set_version(next);
                self.rt().next_type_version.set(next + 1);
            }
        }
        let next = self.rt().next_type_version.get();
        class.set_version(next);
        self.rt().next_type_version.set(next + 1);
    }

    /// To be called after the namespace, bases or slots of `class` changed: it and all its subclasses lose their
    /// versions and with them every cache entry.
    pub fn type_modified(&mut self, class: &Type) {
        // A subclass only has a version if its bases do (`assign_version`).
        if class.version() == 0 {
            return;
        }
        class.set_version(0);
        class.tell_watchers(self);
        let subclasses = class.data().subclasses.borrow().clone();
        for sub in subclasses {
            // SAFETY: the list holds live types; dead ones are removed when they are collected.
            self.type_modified(unsafe { &*sub });
        }
    }

    /// Looks up a special method on the type of `v`, without binding: `None` if there is none.
    pub fn lookup_special(&mut self, v: Value, name: &'static Str) -> Option<Value> {
        self.type_lookup(v.class(), name)
    }

    /// Sets `class.name = value` natively, with all invalidation but no checks.
    pub fn set_type_attr(&mut self, class: &'static Type, name: &'static Str, value: Value) -> PyResult<()> {
        class.dict().set_str(self, name, value);
        self.type_modified(class);
        crate::slots::update_slot(self, class, name);
        Ok(())
    }
}

/// A direct-mapped cache of (type version, name) -> attribute found along the MRO.
pub struct MethodCache {
    entries: Box<[Cell<CacheEntry>]>,
}

#[derive(Clone, Copy)]
pub(crate) struct CacheEntry {
    version: u32,
    name: *const Str,
    value: u64,
}

const CACHE_SIZE: usize = 1 << 11;

impl Default for MethodCache {
    fn default() -> Self {
        let empty = CacheEntry { version: 0, name: std::ptr::null(), value: 0 };
        MethodCache { entries: vec![Cell::new(empty); CACHE_SIZE].into() }
    }
}

impl MethodCache {
    #[inline(always)]
    fn slot(&self, version: u32, name: &Str) -> &Cell<CacheEntry> {
        let hash = (version as usize) ^ (name as *const Str as usize >> 4);
        &self.entries[hash & (CACHE_SIZE - 1)]
    }

    #[inline(always)]
    fn entry(&self, version: u32, name: &Str) -> CacheEntry {
        self.slot(version, name).get()
    }

    fn set(&self, version: u32, name: &Str, value: u64) {
        // The value stays alive through the class's dict as long as the version is valid.
        self.slot(version, name).set(CacheEntry { version, name, value });
    }
}
