//! `_CData`: an object with C memory.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::buffer::RawBuffer;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Buffer;
use taipan_runtime::protocol::{attr, hash};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, object, raise};

use crate::info::{self, Info, Kind};
use crate::simple;

/// An object with C memory (CT-1).
#[repr(C)]
pub struct CData {
    header: Header,
    ptr: Cell<*mut u8>,
    size: Cell<usize>,
    /// The object that the memory is in, if it is not this one's own.
    pub base: Cell<Option<&'static CData>>,
    /// Which item of `base` it is.
    index: Cell<usize>,
    /// Items that may hold references.
    length: Cell<usize>,
    /// What the memory refers to: a dict by item, or one object.
    pub objects: Cell<Option<Value>>,
    /// Own memory of more than 16 bytes.
    memory: Cell<Option<&'static RawBuffer>>,
    /// The memory is this object's own.
    owned: Cell<bool>,
    /// Own memory of up to 16 bytes.
    small: Cell<[u64; 2]>,
}
object!(CData, CDATA);

/// Visits an object.
///
/// # Safety
/// `object` must be one.
pub unsafe fn trace(object: *mut Header, marker: &mut taipan_gc::Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<CData>() };
    let values = [this.base.get().map(Value::of), this.objects.get(), this.memory.get().map(Value::of)];
    for value in values.into_iter().flatten() {
        marker.mark_value(value.bits());
    }
}

/// The type `_CData`.
pub static CDATA: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes._CData",
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace),
    slots: Slots { hash: Some(|_, v| Ok(hash::of_address(v))), buffer: Some(export), ..Slots::NONE },
    methods: &[CData::METHODS],
    getsets: &[CData::GETSETS],
    ..TypeSpec::DEFAULT
};

/// The receiver of a slot.
pub fn of(v: Value) -> &'static CData {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// The info of a class that can have instances. TypeError.
pub fn concrete(cx: &mut Cx, class: &'static Type) -> PyResult<&'static Info> {
    match info::of(class) {
        Some(info) => {
            info.is_final.set(true);
            Ok(info)
        }
        None => raise!(cx, TypeError, "abstract class"),
    }
}

impl CData {
    /// The fields of an object without memory.
    pub fn blank(class: &'static Type) -> CData {
        CData {
            header: Header::fresh(class),
            ptr: Cell::new(std::ptr::null_mut()),
            size: Cell::new(0),
            base: Cell::new(None),
            index: Cell::new(0),
            length: Cell::new(0),
            objects: Cell::new(None),
            memory: Cell::new(None),
            owned: Cell::new(false),
            small: Cell::new([0; 2]),
        }
    }

    fn make(cx: &mut Cx, class: &'static Type) -> &'static CData {
        if class.is_subtype(&crate::function::FUNCTION) {
            return crate::function::alloc(cx, class);
        }
        cx.alloc_of(class, CData::blank(class))
    }

    /// A zeroed object with memory of its own. May collect.
    pub fn new(cx: &mut Cx, class: &'static Type) -> PyResult<&'static CData> {
        let info = concrete(cx, class)?;
        let size = info.size.get();
        taipan_runtime::buffer::check_size(cx, size)?;
        let this = CData::make(cx, class);
        this.length.set(info.length.get());
        this.own(cx, size);
        Ok(this)
    }

    /// Gives it zeroed memory of its own.
    pub fn own(&self, cx: &mut Cx, size: usize) {
        self.owned.set(true);
        self.size.set(size);
        if size <= 16 {
            self.ptr.set(self.small.as_ptr().cast());
        } else {
            let memory = RawBuffer::new(cx, size);
            self.ptr.set(memory.data());
            self.memory.set(Some(memory));
            cx.barrier(self);
        }
    }

    /// An object over foreign memory. May collect.
    pub fn at_address(cx: &mut Cx, class: &'static Type, p: *mut u8) -> PyResult<&'static CData> {
        let info = concrete(cx, class)?;
        let this = CData::make(cx, class);
        this.length.set(info.length.get());
        this.size.set(info.size.get());
        this.ptr.set(p);
        Ok(this)
    }

    /// An object over a part of another one. May collect.
    pub fn part_of(
        cx: &mut Cx,
        class: &'static Type,
        base: &'static CData,
        index: usize,
        p: *mut u8,
    ) -> PyResult<&'static CData> {
        let this = CData::at_address(cx, class, p)?;
        this.base.set(Some(base));
        this.index.set(index);
        cx.barrier(this);
        Ok(this)
    }

    /// An object with a copy of foreign memory. May collect.
    pub fn copy_of(cx: &mut Cx, class: &'static Type, p: *const u8) -> PyResult<&'static CData> {
        let this = CData::new(cx, class)?;
        // SAFETY: the caller's memory is as large as the type.
        unsafe { std::ptr::copy(p, this.ptr(), this.size()) };
        Ok(this)
    }

    /// The memory.
    pub fn ptr(&self) -> *mut u8 {
        self.ptr.get()
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.size.get()
    }

    /// The address stored in a pointer.
    pub fn address(&self) -> *mut u8 {
        // SAFETY: CT-1: pointers have 8 bytes.
        unsafe { self.ptr().cast::<*mut u8>().read_unaligned() }
    }

    /// Stores an address.
    pub fn set_address(&self, p: *mut u8) {
        // SAFETY: CT-1.
        unsafe { self.ptr().cast::<*mut u8>().write_unaligned(p) };
    }

    /// The class.
    pub fn class(&self) -> &'static Type {
        self.header.class()
    }

    /// Its info.
    pub fn info(&self) -> &'static Info {
        info::of(self.class()).expect("only concrete classes have instances")
    }

    /// Whether the memory is its own.
    pub fn is_owner(&self) -> bool {
        self.owned.get()
    }

    /// Replaces own memory by more of it.
    pub fn resize(&self, cx: &mut Cx, size: usize) {
        let room = self.memory.get().map_or(16, |m| m.capacity());
        if size <= room {
            self.size.set(size);
            return;
        }
        let (old, n) = (self.ptr(), self.size());
        let memory = RawBuffer::new(cx, size);
        // SAFETY: CT-1; the new memory is larger.
        unsafe { std::ptr::copy_nonoverlapping(old, memory.data(), n) };
        self.ptr.set(memory.data());
        self.size.set(size);
        self.memory.set(Some(memory));
        cx.barrier(self);
    }

    /// The object whose memory this is a part of, with `objects` made.
    fn container(&'static self, cx: &mut Cx) -> &'static CData {
        let mut this = self;
        while let Some(base) = this.base.get() {
            this = base;
        }
        if this.objects.get().is_none() {
            let objects = if this.length.get() > 0 { Value::of(Dict::new(cx)) } else { Value::none() };
            this.objects.set(Some(objects));
            cx.barrier(this);
        }
        this
    }

    /// What the memory refers to.
    pub fn kept(&'static self, cx: &mut Cx) -> Value {
        self.container(cx).objects.get().unwrap_or(Value::none())
    }

    /// Keeps alive what item `index` refers to.
    pub fn keep(&'static self, cx: &mut Cx, index: usize, v: Value) -> PyResult<()> {
        if v.is_none() {
            return Ok(());
        }
        let container = self.container(cx);
        let Some(dict) = container.objects.get().and_then(|o| o.downcast::<Dict>()) else {
            container.objects.set(Some(v));
            cx.barrier(container);
            return Ok(());
        };
        let mut key = format!("{:x}", index as u32);
        let mut this = self;
        while let Some(base) = this.base.get() {
            key.push_str(&format!(":{:x}", this.index.get()));
            this = base;
        }
        let key = cx.str(&key);
        dict.set(cx, key, v)
    }
}

/// Reads what a type sees at `p`, which is item `index` of `source`. May collect.
///
/// # Safety
/// `p` must point to a value of the type.
pub unsafe fn get(
    cx: &mut Cx,
    class: &'static Type,
    source: &'static CData,
    index: usize,
    p: *mut u8,
) -> PyResult<Value> {
    let info = concrete(cx, class)?;
    if info.is_plain(class) {
        // SAFETY: the caller's promise.
        return unsafe { simple::get(cx, info.code.get(), info.swapped.get(), p) };
    }
    Ok(Value::of(CData::part_of(cx, class, source, index, p)?))
}

/// Writes `v` as a type would to `p`; what has to be kept alive. May run Python code.
///
/// # Safety
/// `p` must point to memory for the type.
pub unsafe fn assign(cx: &mut Cx, class: &'static Type, p: *mut u8, v: Value) -> PyResult<Value> {
    let info = concrete(cx, class)?;
    let Some(source) = v.downcast::<CData>() else {
        if info.kind.get() == Kind::Simple {
            // SAFETY: the caller's promise.
            return unsafe { simple::set(cx, info.code.get(), info.swapped.get(), p, v) };
        }
        if let Some(items) = v.downcast::<Tuple>() {
            let made = match cx.call(Value::of(class), items.items()) {
                Ok(made) => made,
                Err(_) => return Err(extend_error(cx, class)),
            };
            // SAFETY: the caller's promise.
            return unsafe { assign(cx, class, p, made) };
        }
        if v.is_none() && info.kind.get() == Kind::Pointer {
            // SAFETY: the caller's promise.
            unsafe { p.cast::<usize>().write_unaligned(0) };
            return Ok(v);
        }
        let (expected, got) = (class.name(), v.class().tp_name());
        return raise!(cx, TypeError, "expected {expected} instance, got {got}");
    };
    if taipan_runtime::protocol::object::is_instance(cx, v, Value::of(class))? {
        // SAFETY: the caller's promise; the source is of the type, so as large.
        unsafe { std::ptr::copy(source.ptr(), p, info.size.get()) };
        return Ok(source.kept(cx));
    }
    let source_info = source.info();
    let same = |a: Option<&Type>, b: Option<&Type>| a.zip(b).is_some_and(|(a, b)| std::ptr::eq(a, b));
    if info.kind.get() == Kind::Pointer
        && source_info.kind.get() == Kind::Array
        && same(info.item.get(), source_info.item.get())
    {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<*mut u8>().write_unaligned(source.ptr()) };
        // The array itself has to live, not only what it refers to.
        let kept = source.kept(cx);
        return Ok(Value::of(Tuple::new(cx, &[kept, v])));
    }
    let (got, expected) = (v.class().name(), class.name());
    raise!(cx, TypeError, "incompatible types, {got} instance instead of {expected} instance")
}

/// RuntimeError "(class) Error: text" for the exception that making an instance from a tuple raised.
fn extend_error(cx: &mut Cx, class: &'static Type) -> Raised {
    let exception = cx.take_exception();
    let name = exception.class().name();
    match taipan_runtime::protocol::object::str(cx, exception) {
        Ok(text) => {
            let text = format!("({}) {name}: {text}", class.name());
            cx.raise_text(&exceptions::RuntimeError, &text)
        }
        Err(raised) => raised,
    }
}

/// Writes `v` to item `index` of `target`, at `p`. May run Python code.
///
/// # Safety
/// `p` must point to memory for the type.
pub unsafe fn set(
    cx: &mut Cx,
    class: &'static Type,
    target: &'static CData,
    index: usize,
    p: *mut u8,
    v: Value,
) -> PyResult<()> {
    // SAFETY: the caller's promise.
    let keep = unsafe { assign(cx, class, p, v)? };
    target.keep(cx, index, keep)
}

fn export(_: &mut Cx, v: Value, _: i32) -> PyResult<Buffer> {
    let this = of(v);
    let info = this.info();
    let mut item = info;
    while item.kind.get() == Kind::Array {
        match item.item.get().and_then(info::of) {
            Some(inner) => item = inner,
            None => break,
        }
    }
    Ok(Buffer {
        data: this.ptr(),
        len: this.size(),
        owner: v,
        readonly: false,
        itemsize: item.size.get(),
        format: info.format_text().into(),
        shape: info.dimensions(),
        strides: Vec::new(),
        scalar: info.shape.get().is_none(),
        release: None,
    })
}

#[pymethods]
impl CData {
    /// default __ctypes_from_outparam__ method returns self.
    #[py("($self, /)")]
    fn __ctypes_from_outparam__(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
        let info = this.info();
        if info.is_plain(this.class()) {
            // SAFETY: CT-1.
            return unsafe { simple::get(cx, info.code.get(), info.swapped.get(), this.ptr()) };
        }
        Ok(Value::of(this))
    }

    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
        if this.info().has_pointer.get() {
            return raise!(cx, ValueError, "ctypes objects containing pointers cannot be pickled");
        }
        let module = taipan_stdlib::host::import(cx, "_ctypes")?;
        let unpickle = attr::get_text(cx, module, "_unpickle")?;
        let key = cx.names().__dict__;
        let dict = match attr::get_optional(cx, Value::of(this), key)? {
            Some(dict) => dict,
            None => Value::of(Dict::new(cx)),
        };
        // SAFETY: CT-1.
        let bytes = Value::of(Bytes::new(cx, unsafe { std::slice::from_raw_parts(this.ptr(), this.size()) }));
        let state = Value::of(Tuple::new(cx, &[dict, bytes]));
        let args = Value::of(Tuple::new(cx, &[Value::of(this.class()), state]));
        Ok(Value::of(Tuple::new(cx, &[unpickle, args])))
    }

    #[py("($self, dict, data, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static CData, dict: Value, data: &'static Bytes) -> PyResult<()> {
        let n = data.len().min(this.size());
        // SAFETY: CT-1.
        unsafe { std::ptr::copy_nonoverlapping(data.data().as_ptr(), this.ptr(), n) };
        let Some(state) = dict.downcast::<Dict>() else {
            return raise!(cx, TypeError, "__setstate__ argument 1 must be dict, not {}", dict.class().tp_name());
        };
        let key = cx.names().__dict__;
        if let Some(own) = attr::get_optional(cx, Value::of(this), key)? {
            cx.call_method_text(own, "update", &[Value::of(state)])?;
        }
        Ok(())
    }

    /// the base object
    #[getter]
    fn _b_base_(_: &mut Cx, this: &'static CData) -> Option<&'static CData> {
        this.base.get()
    }
    #[setter("_b_base_")]
    fn set_b_base(cx: &mut Cx, _: &'static CData, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    /// whether the object owns the memory or not
    #[getter]
    fn _b_needsfree_(_: &mut Cx, this: &'static CData) -> i64 {
        i64::from(this.is_owner())
    }
    #[setter("_b_needsfree_")]
    fn set_b_needsfree(cx: &mut Cx, _: &'static CData, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    /// internal objects tree (NEVER CHANGE THIS OBJECT!)
    #[getter]
    fn _objects(_: &mut Cx, this: &'static CData) -> Value {
        this.objects.get().unwrap_or(Value::none())
    }
    #[setter("_objects")]
    fn set_objects(cx: &mut Cx, _: &'static CData, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }
}
