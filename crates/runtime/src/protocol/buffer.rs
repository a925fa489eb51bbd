//! The buffer protocol: exporting an object's memory (PEP 3118, PEP 688).

use crate::cx::Cx;
use crate::types::bytes::Bytes;
use crate::value::Value;
use crate::{PyResult, raise};

/// Request flag: the memory must be writable.
pub const WRITABLE: i32 = 1;
/// Request flag: the format is wanted.
pub const FORMAT: i32 = 4;
/// Request flag: the shape is wanted.
pub const ND: i32 = 8;
/// Request flag: strides are understood; without it the memory must be C-contiguous.
pub const STRIDES: i32 = 0x10 | ND;
/// Request flags: anything that can be read.
pub const FULL_RO: i32 = 0x100 | STRIDES | FORMAT;

/// A view of an exporter's memory. The memory stays valid and in place until [`release`] is called with it.
#[derive(Clone)]
pub struct Buffer {
    /// First item.
    pub data: *mut u8,
    /// Length in bytes.
    pub len: usize,
    /// The exporting object.
    pub owner: Value,
    /// Must not be written to.
    pub readonly: bool,
    /// Bytes of an item.
    pub itemsize: usize,
    /// `struct` format of an item.
    pub format: std::borrow::Cow<'static, str>,
    /// Items in each dimension; one dimension of `len / itemsize` items if empty.
    pub shape: Vec<isize>,
    /// Byte distance of items in each dimension; C-contiguous if empty.
    pub strides: Vec<isize>,
    /// There are no dimensions: one item.
    pub scalar: bool,
    /// Called by [`release`].
    pub release: Option<fn(&mut Cx, &Buffer)>,
}

/// Slot function: exports the memory of an object, given request flags.
pub type BufferFn = fn(&mut Cx, Value, i32) -> PyResult<Buffer>;

impl Buffer {
    /// A read-only one-dimensional view of bytes.
    pub fn of_bytes(owner: Value, bytes: &[u8]) -> Buffer {
        Buffer {
            data: bytes.as_ptr().cast_mut(),
            len: bytes.len(),
            owner,
            readonly: true,
            itemsize: 1,
            format: "B".into(),
            shape: Vec::new(),
            strides: Vec::new(),
            scalar: false,
            release: None,
        }
    }

    /// The memory of a contiguous view.
    pub fn bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps the memory valid while the view exists.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    /// The memory of a contiguous writable view.
    #[allow(clippy::mut_from_ref)]
    pub fn bytes_mut(&self) -> &mut [u8] {
        assert!(!self.readonly);
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as above; the GIL gives exclusive access while no Python code runs.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }

    /// True if the items lie one after the other in C order.
    pub fn is_contiguous(&self) -> bool {
        if self.strides.is_empty() {
            return true;
        }
        let mut expected = self.itemsize as isize;
        for (n, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *n > 1 && *stride != expected {
                return self.len == 0;
            }
            expected *= n;
        }
        true
    }
}

/// Exports the memory of `v`. TypeError if it does not support that.
pub fn get(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Buffer> {
    let Some(f) = v.class().slots().buffer else {
        return raise!(cx, TypeError, "a bytes-like object is required, not '{}'", v.class().tp_name());
    };
    let buffer = f(cx, v, flags)?;
    if flags & WRITABLE != 0 && buffer.readonly {
        release(cx, &buffer);
        return raise!(cx, BufferError, "Object is not writable.");
    }
    Ok(buffer)
}

/// True if `v` exports memory.
pub fn check(v: Value) -> bool {
    v.class().slots().buffer.is_some()
}

/// Ends a view.
pub fn release(cx: &mut Cx, buffer: &Buffer) {
    if let Some(f) = buffer.release {
        f(cx, buffer);
    }
}

/// A copy of the items of a view in C order, as bytes. May collect.
pub fn contents(cx: &mut Cx, buffer: &Buffer) -> PyResult<&'static Bytes> {
    if buffer.is_contiguous() {
        return Ok(Bytes::new(cx, buffer.bytes()));
    }
    let mut out = Vec::with_capacity(buffer.len);
    // SAFETY: shape and strides describe the exporter's memory.
    unsafe { push_items(buffer.data, buffer.itemsize, &buffer.shape, &buffer.strides, &mut out) };
    Ok(Bytes::new(cx, &out))
}

/// Appends the items of a dimension and those within.
///
/// # Safety
/// `data`, `shape` and `strides` must describe readable memory.
pub unsafe fn push_items(data: *const u8, itemsize: usize, shape: &[isize], strides: &[isize], out: &mut Vec<u8>) {
    match (shape, strides) {
        // SAFETY: the caller's promise; the items are neighbours.
        ([n], [stride]) if *stride == itemsize as isize => {
            out.extend_from_slice(unsafe { std::slice::from_raw_parts(data, *n as usize * itemsize) })
        }
        ([n, shape @ ..], [stride, strides @ ..]) => {
            for i in 0..*n {
                // SAFETY: the caller's promise.
                unsafe { push_items(data.offset(i * stride), itemsize, shape, strides, out) };
            }
        }
        // SAFETY: the caller's promise.
        _ => out.extend_from_slice(unsafe { std::slice::from_raw_parts(data, itemsize) }),
    }
}

/// A view of contiguous memory that is released when it is dropped.
pub struct Held {
    buffer: Buffer,
    // A context lives as long as its thread runs Python code.
    cx: *mut Cx,
}

impl std::ops::Deref for Held {
    type Target = Buffer;
    fn deref(&self) -> &Buffer {
        &self.buffer
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.buffer.release.is_some() {
            // SAFETY: see the field; the view was made on this thread.
            release(unsafe { &mut *self.cx }, &self.buffer);
        }
    }
}

/// Exports the contiguous memory of `v` until the result is dropped. TypeError, BufferError.
pub fn hold(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Held> {
    let held = Held { buffer: get(cx, v, flags)?, cx };
    if !held.is_contiguous() {
        return raise!(cx, BufferError, "memoryview: underlying buffer is not C-contiguous");
    }
    Ok(held)
}

/// Runs `f` on the contiguous memory of `v`. BufferError if it is not contiguous.
pub fn with_bytes<T>(cx: &mut Cx, v: Value, f: impl FnOnce(&mut Cx, &[u8]) -> PyResult<T>) -> PyResult<T> {
    let buffer = get(cx, v, 0)?;
    let result = if buffer.is_contiguous() {
        f(cx, buffer.bytes())
    } else {
        raise!(cx, BufferError, "memoryview: underlying buffer is not C-contiguous")
    };
    release(cx, &buffer);
    result
}

/// The buffer of an object whose class defines `__buffer__` in Python.
pub fn from_dunder(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Buffer> {
    crate::types::memoryview::buffer_of_dunder(cx, v, flags)
}

/// `v.__buffer__(flags)` on a native exporter: a memoryview.
pub fn dunder_buffer(cx: &mut Cx, v: Value, flags: Value) -> PyResult<Value> {
    crate::types::memoryview::dunder_buffer(cx, v, flags)
}
