//! memoryview: layout, views and their life. Slots and methods are in `memoryview_methods.rs`.
//!
//! All views of one export share a [`Managed`], which releases the exporter's buffer when the last view is released or
//! dies. A view that nobody released explicitly lives until the collector finds it dead; a bytearray that wants to be
//! resized asks the collector first.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::RawBuffer;
use crate::cx::Cx;
use crate::object::Header;
use crate::protocol::buffer::{self, Buffer};
use crate::protocol::call;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::memoryview_items as items;
use crate::types::memoryview_methods::{MEMORY_ITER, MEMORYVIEW};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object, raise};

/// A memoryview object.
#[repr(C)]
pub struct MemoryView {
    header: Header,
    pub(crate) managed: &'static Managed,
    pub(crate) data: *mut u8,
    pub(crate) nbytes: usize,
    pub(crate) itemsize: usize,
    pub(crate) ndim: usize,
    /// Shape, then strides; none without dimensions.
    dims: Option<&'static RawBuffer>,
    pub(crate) format: &'static Str,
    pub(crate) readonly: bool,
    pub(crate) released: Cell<bool>,
    /// Buffers that others got from this view.
    pub(crate) exports: Cell<usize>,
    pub(crate) hash: Cell<Option<i64>>,
}
object!(MemoryView, MEMORYVIEW);

/// An exporter's buffer, shared by views.
#[repr(C)]
pub struct Managed {
    header: Header,
    owner: Value,
    /// The buffer, until it is released.
    buffer: Cell<*mut Buffer>,
    /// Views that were not released.
    views: Cell<usize>,
    // The context that made it lives as long as the heap.
    cx: *mut Cx,
}
object!(Managed, MANAGED);

static MANAGED: Type = Type::new(&MANAGED_SPEC);
static MANAGED_SPEC: TypeSpec = TypeSpec {
    name: "managedbuffer",
    basicsize: std::mem::size_of::<Managed>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_managed),
    ..TypeSpec::DEFAULT
};

/// What an object whose class defines `__buffer__` exports: the owner of such a buffer.
#[repr(C)]
pub struct DunderExport {
    header: Header,
    object: Value,
    view: Value,
}
object!(DunderExport, DUNDER_EXPORT);

static DUNDER_EXPORT: Type = Type::new(&DUNDER_EXPORT_SPEC);
static DUNDER_EXPORT_SPEC: TypeSpec = TypeSpec {
    name: "_buffer_wrapper",
    basicsize: std::mem::size_of::<DunderExport>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_dunder),
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&MEMORYVIEW, &MEMORY_ITER, &MANAGED, &DUNDER_EXPORT];

/// Visits a view.
///
/// # Safety
/// `object` must be a memoryview.
pub unsafe fn trace_view(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<MemoryView>() };
    marker.mark_value(Value::of(this.managed).bits());
    marker.mark_value(Value::of(this.format).bits());
    if let Some(dims) = this.dims {
        marker.mark_value(Value::of(dims).bits());
    }
}

unsafe fn trace_managed(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    marker.mark_value(unsafe { (*object.cast::<Managed>()).owner.bits() });
}

unsafe fn trace_dunder(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<DunderExport>() };
    marker.mark_value(this.object.bits());
    marker.mark_value(this.view.bits());
}

/// Ends a dead view that was not released; the last one of an export releases the buffer. The objects this touches may
/// be dead too, but nothing is swept before all drops have run, and a native release only counts. One in Python is
/// skipped.
///
/// # Safety
/// `object` must be a memoryview that just died.
pub unsafe fn drop_view(object: *mut Header) {
    // SAFETY: the caller's promise.
    unsafe {
        let this = &*object.cast::<MemoryView>();
        if this.released.replace(true) {
            return;
        }
        let managed = this.managed;
        if let Some(buffer) = managed.remove_view()
            && buffer.owner.exact::<DunderExport>().is_none()
        {
            buffer::release(&mut *managed.cx, &buffer);
        }
    }
}

impl Managed {
    fn new(cx: &mut Cx, buffer: Buffer) -> &'static Managed {
        let owner = buffer.owner;
        let buffer = Cell::new(Box::into_raw(Box::new(buffer)));
        let context: *mut Cx = cx;
        let made = Managed { header: Header::fresh(&MANAGED), owner, buffer, views: Cell::new(0), cx: context };
        cx.alloc(made)
    }

    /// The exporting object as `obj` shows it.
    pub fn object(&self) -> Value {
        self.owner.exact::<DunderExport>().map_or(self.owner, |d| d.object)
    }

    /// Counts a view less; gives the buffer when it was the last.
    fn remove_view(&self) -> Option<Box<Buffer>> {
        self.views.set(self.views.get() - 1);
        if self.views.get() > 0 {
            return None;
        }
        let buffer = self.buffer.replace(std::ptr::null_mut());
        // SAFETY: made by Box::into_raw; taken out once.
        if buffer.is_null() { None } else { Some(unsafe { Box::from_raw(buffer) }) }
    }

    fn release_view(&self, cx: &mut Cx) {
        if let Some(buffer) = self.remove_view() {
            buffer::release(cx, &buffer);
        }
    }
}

/// Where a new view points.
pub struct Layout<'a> {
    /// First item.
    pub data: *mut u8,
    /// Bytes of an item.
    pub itemsize: usize,
    /// Items by dimension.
    pub shape: &'a [isize],
    /// Distances by dimension.
    pub strides: &'a [isize],
    /// Format of an item.
    pub format: &'static Str,
    /// Must not be written to.
    pub readonly: bool,
}

/// Distances of items that lie one after the other.
pub fn contiguous_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let (mut strides, mut next) = (vec![0; shape.len()], itemsize as isize);
    for (stride, n) in strides.iter_mut().zip(shape).rev() {
        *stride = next;
        next = next.saturating_mul(*n);
    }
    strides
}

impl MemoryView {
    /// A view of `managed`. May collect.
    pub fn new(cx: &mut Cx, managed: &'static Managed, layout: &Layout) -> &'static MemoryView {
        let ndim = layout.shape.len();
        let dims = if ndim == 0 {
            None
        } else {
            let made = RawBuffer::new(cx, 16 * ndim);
            let words: Vec<isize> = layout.shape.iter().chain(layout.strides).copied().collect();
            // SAFETY: the buffer has room for 2 * ndim words.
            unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), made.data().cast(), 2 * ndim) };
            Some(made)
        };
        managed.views.set(managed.views.get() + 1);
        let class = &MEMORYVIEW;
        cx.alloc_of(
            class,
            MemoryView {
                header: Header::fresh(class),
                managed,
                data: layout.data,
                nbytes: layout.shape.iter().product::<isize>() as usize * layout.itemsize,
                itemsize: layout.itemsize,
                ndim,
                dims,
                format: layout.format,
                readonly: layout.readonly,
                released: Cell::new(false),
                exports: Cell::new(0),
                hash: Cell::new(None),
            },
        )
    }

    /// A view of a buffer, which it owns from now on. May collect.
    pub fn of_buffer(cx: &mut Cx, buffer: Buffer) -> &'static MemoryView {
        let format = cx.intern(&buffer.format);
        let itemsize = buffer.itemsize.max(1);
        let shape = match buffer.shape.is_empty() && !buffer.scalar {
            true => vec![(buffer.len / itemsize) as isize],
            false => buffer.shape.clone(),
        };
        let strides = match buffer.strides.len() {
            0 => contiguous_strides(&shape, itemsize),
            _ => buffer.strides.clone(),
        };
        let (data, readonly) = (buffer.data, buffer.readonly);
        let managed = Managed::new(cx, buffer);
        let layout = Layout { data, itemsize, shape: &shape, strides: &strides, format, readonly };
        MemoryView::new(cx, managed, &layout)
    }

    /// `memoryview(v)`, with request flags.
    pub fn of_object(cx: &mut Cx, v: Value, flags: i32) -> PyResult<&'static MemoryView> {
        if let Some(view) = v.downcast::<MemoryView>() {
            view.check(cx)?;
            return Ok(view.derived(cx, |_| {}));
        }
        if !buffer::check(v) {
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "memoryview: a bytes-like object is required, not '{got}'");
        }
        let buffer = buffer::get(cx, v, flags)?;
        Ok(MemoryView::of_buffer(cx, buffer))
    }

    /// A view of the same memory with a layout changed by `f`. May collect.
    pub fn derived(&'static self, cx: &mut Cx, f: impl FnOnce(&mut Layout)) -> &'static MemoryView {
        let mut layout = Layout {
            data: self.data,
            itemsize: self.itemsize,
            shape: self.shape(),
            strides: self.strides(),
            format: self.format,
            readonly: self.readonly,
        };
        f(&mut layout);
        MemoryView::new(cx, self.managed, &layout)
    }

    fn words(&self) -> &'static [isize] {
        match self.dims {
            // SAFETY: written by `new`, never changed; OBJ-2 for the lifetime.
            Some(dims) => unsafe { std::slice::from_raw_parts(dims.data().cast(), 2 * self.ndim) },
            None => &[],
        }
    }

    /// Items by dimension.
    pub fn shape(&self) -> &'static [isize] {
        &self.words()[..self.ndim]
    }

    /// Distances by dimension.
    pub fn strides(&self) -> &'static [isize] {
        &self.words()[self.ndim..]
    }

    /// ValueError after release.
    pub fn check(&self, cx: &mut Cx) -> PyResult<()> {
        if self.released.get() {
            return raise!(cx, ValueError, "operation forbidden on released memoryview object");
        }
        Ok(())
    }

    /// True if the items lie one after the other in C order.
    pub fn is_c_contiguous(&self) -> bool {
        contiguous(self.shape().iter().zip(self.strides()).rev(), self.itemsize, self.nbytes)
    }

    /// As `is_c_contiguous` in Fortran order.
    pub fn is_f_contiguous(&self) -> bool {
        contiguous(self.shape().iter().zip(self.strides()), self.itemsize, self.nbytes)
    }

    /// The items in C order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.nbytes);
        // SAFETY: the exporter keeps the memory while a view is not released (the caller checked that).
        unsafe {
            if self.is_c_contiguous() {
                if self.nbytes > 0 {
                    out.extend_from_slice(std::slice::from_raw_parts(self.data, self.nbytes));
                }
            } else {
                buffer::push_items(self.data, self.itemsize, self.shape(), self.strides(), &mut out);
            }
        }
        out
    }

    /// The format character. NotImplementedError if it is not a native single one.
    pub fn native_format(&self, cx: &mut Cx) -> PyResult<u8> {
        let format = self.format.to_string_lossy();
        match items::native_char(&format) {
            Some(c) => Ok(c),
            None => raise!(cx, NotImplementedError, "memoryview: format {format} not supported"),
        }
    }

    /// Bytes of the item at `p`, which must be in the view.
    pub(crate) fn item_bytes(&self, p: *mut u8) -> &mut [u8] {
        self.bytes_at(p, self.itemsize)
    }

    /// `n` bytes at `p`, which must be in the view.
    pub(crate) fn bytes_at(&self, p: *mut u8, n: usize) -> &mut [u8] {
        // SAFETY: the caller computed `p` from indices in range.
        unsafe { std::slice::from_raw_parts_mut(p, n) }
    }

    /// Ends the view. BufferError while others use its memory.
    pub fn release(&self, cx: &mut Cx) -> PyResult<()> {
        if self.released.get() {
            return Ok(());
        }
        if self.exports.get() > 0 {
            let n = self.exports.get();
            let s = if n == 1 { "" } else { "s" };
            return raise!(cx, BufferError, "memoryview has {n} exported buffer{s}");
        }
        self.released.set(true);
        self.managed.release_view(cx);
        Ok(())
    }
}

fn contiguous<'a>(dims: impl Iterator<Item = (&'a isize, &'a isize)>, itemsize: usize, nbytes: usize) -> bool {
    let mut expected = itemsize as isize;
    for (n, stride) in dims {
        if *n > 1 && *stride != expected {
            return nbytes == 0;
        }
        expected *= n;
    }
    true
}

/// The slot that exports the memory of a view.
pub fn export(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Buffer> {
    // SAFETY: the slot of memoryviews.
    let this = unsafe { v.cast::<MemoryView>() };
    this.check(cx)?;
    if flags & buffer::WRITABLE != 0 && this.readonly {
        return raise!(cx, BufferError, "memoryview: underlying buffer is not writable");
    }
    if flags & buffer::STRIDES != buffer::STRIDES && !this.is_c_contiguous() {
        return raise!(cx, BufferError, "memoryview: underlying buffer is not C-contiguous");
    }
    this.exports.set(this.exports.get() + 1);
    Ok(Buffer {
        data: this.data,
        len: this.nbytes,
        owner: v,
        readonly: this.readonly,
        itemsize: this.itemsize,
        format: this.format.to_string_lossy().into(),
        shape: this.shape().to_vec(),
        strides: this.strides().to_vec(),
        scalar: this.shape().is_empty(),
        release: Some(|_, buffer| {
            if let Some(view) = buffer.owner.downcast::<MemoryView>() {
                view.exports.set(view.exports.get() - 1);
            }
        }),
    })
}

/// The buffer of an object whose class defines `__buffer__` in Python.
pub fn buffer_of_dunder(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Buffer> {
    let key = cx.names().__buffer__;
    let Some(f) = cx.lookup_special(v, key).filter(|f| !f.is_none()) else {
        return raise!(cx, TypeError, "a bytes-like object is required, not '{}'", v.class().tp_name());
    };
    let result = call::call_unbound(cx, f, v, &[Value::small(flags.into())])?;
    if result.downcast::<MemoryView>().is_none() {
        return raise!(cx, TypeError, "__buffer__ returned non-memoryview object");
    }
    let mut buffer = export(cx, result, flags)?;
    let wrapper = cx.alloc(DunderExport { header: Header::fresh(&DUNDER_EXPORT), object: v, view: result });
    buffer.owner = Value::of(wrapper);
    buffer.release = Some(release_dunder);
    Ok(buffer)
}

/// Ends an export of `__buffer__`: `__release_buffer__` is told, then the view it made is released.
fn release_dunder(cx: &mut Cx, buffer: &Buffer) {
    let Some(wrapper) = buffer.owner.exact::<DunderExport>() else { return };
    let Some(view) = wrapper.view.downcast::<MemoryView>() else { return };
    view.exports.set(view.exports.get() - 1);
    // An exception that is under way survives the call.
    let pending = cx.exception().map(|_| cx.take_exception());
    let key = cx.names().__release_buffer__;
    let mut result = match cx.lookup_special(wrapper.object, key) {
        Some(f) => call::call_unbound(cx, f, wrapper.object, &[wrapper.view]).map(|_| ()),
        None => Ok(()),
    };
    if result.is_ok() {
        result = view.release(cx);
    }
    if result.is_err() {
        let exception = cx.take_exception();
        crate::protocol::object::unraisable(cx, exception, Some(wrapper.object), None);
    }
    if let Some(exception) = pending {
        cx.raise_again(exception);
    }
}

/// `v.__buffer__(flags)` of a native exporter.
pub fn dunder_buffer(cx: &mut Cx, v: Value, flags: Value) -> PyResult<Value> {
    let flags = crate::protocol::number::to_i32(cx, flags)?;
    let made = buffer::get(cx, v, flags)?;
    Ok(Value::of(MemoryView::of_buffer(cx, made)))
}
