//! bytearray: layout, storage, slots and the methods that bytes has not.
//!
//! The layout is CPython's (CABI 2.2): size at +16, allocated bytes at +24, the buffer at +32, the first byte at +40,
//! exports at +48. The buffer is the data of a RawBuffer.
//!
//! Invariants:
//! - BA-1: `start..start + size` lies within the RawBuffer that `buffer` leads to; both are null without one.
//! - BA-2: while `exports` is not 0 neither size nor place of the data changes.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::{RawBuffer, check_size};
use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::buffer::{self, Buffer};
use crate::protocol::compare::CmpOp;
use crate::protocol::{hash, number};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::bytes::{self, Bytes, SourceArgs};
use crate::types::bytes_hex;
use crate::types::bytes_methods::{self, ByteMethods};
use crate::types::int;
use crate::types::slice::Slice;
use crate::types::str::Str;
use crate::types::str_methods::index_of;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A bytearray object.
#[repr(C)]
pub struct ByteArray {
    header: Header,
    size: Cell<usize>,
    alloc: Cell<usize>,
    buffer: Cell<*mut u8>,
    start: Cell<*mut u8>,
    exports: Cell<usize>,
}
const _: () = assert!(std::mem::size_of::<ByteArray>() == 56);
/// Byte offset of the pointer to the first byte.
pub const START_OFFSET: usize = std::mem::offset_of!(ByteArray, start);
object!(ByteArray, BYTEARRAY);

const RANGE: &str = "byte must be in range(0, 256)";

/// The type bytearray.
pub static BYTEARRAY: Type = Type::new(&BYTEARRAY_SPEC);
static BYTEARRAY_SPEC: TypeSpec = TypeSpec {
    name: "bytearray",
    basicsize: 56,
    flags: flags::BASETYPE | flags::MATCH_SELF,
    trace: Some(trace),
    slots: Slots {
        repr: Some(|cx, v| {
            let mut content = String::new();
            taipan_text::repr::push_bytes_repr(of(v).data(), &mut content);
            if content.starts_with("b\"") {
                // Unlike bytes, single quotes are escaped whatever the quotes are.
                content = content.replace('\'', "\\'");
            }
            let text = format!("{}({content})", v.class().name());
            Ok(cx.str(&text))
        }),
        hash: Some(hash::unhashable),
        richcompare: Some(richcompare),
        new: Some(|cx, class, _| Ok(Value::of(ByteArray::new_of(cx, class)))),
        init: Some(init),
        iter: Some(iter_new),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(bytes_methods::contains),
        concat: Some(bytes_methods::concat),
        repeat: Some(repeat),
        iconcat: Some(iconcat),
        irepeat: Some(irepeat),
        rem: Some(crate::types::bytes_format::rem),
        buffer: Some(export),
        ..Slots::NONE
    },
    methods: &[ByteMethods::METHODS, ByteArray::METHODS],
    doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\nbytearray(int) -> bytes array of size given by the parameter initialized with null bytes\nbytearray() -> empty bytes array\n\nConstruct a mutable bytearray object from:\n  - an iterable yielding integers in range(256)\n  - a text string encoded using the specified encoding\n  - a bytes or a buffer object\n  - any object implementing the buffer API.\n  - an integer",
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&BYTEARRAY, &BYTEARRAY_ITER];

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for bytearrays only; BA-1.
    unsafe {
        let buffer = (*object.cast::<ByteArray>()).buffer.get();
        if !buffer.is_null() {
            marker.mark_value(Value::of(RawBuffer::from_data(buffer)).bits());
        }
    }
}

fn of(v: Value) -> &'static ByteArray {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// Collects: views that nobody uses any more may be waiting for that. Out of line as [`refuse_to_resize`] is: the frames below
/// a collection must not have unused places, where stale references to the views may lie.
#[cold]
#[inline(never)]
fn let_go_of_views(cx: &mut Cx) {
    crate::liveness::forget_dead_temporaries(cx);
    cx.heap().collect(taipan_gc::Kind::Major);
}

#[cold]
#[inline(never)]
fn refuse_to_resize(cx: &mut Cx) -> PyResult<()> {
    raise!(cx, BufferError, "Existing exports of data: object cannot be re-sized")
}

impl ByteArray {
    fn empty(class: &'static Type) -> ByteArray {
        let null = || Cell::new(std::ptr::null_mut());
        ByteArray {
            header: Header::fresh(class),
            size: Cell::new(0),
            alloc: Cell::new(0),
            buffer: null(),
            start: null(),
            exports: Cell::new(0),
        }
    }

    /// A new empty instance of `class`. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type) -> &'static ByteArray {
        cx.alloc_of(class, ByteArray::empty(class))
    }

    /// A new bytearray. May collect.
    pub fn new(cx: &mut Cx, data: &[u8]) -> &'static ByteArray {
        let this = cx.alloc(ByteArray::empty(&BYTEARRAY));
        if !data.is_empty() {
            this.reallocate(cx, data.len() + 1);
            this.size.set(data.len());
            this.data_mut().copy_from_slice(data);
        }
        this
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.size.get()
    }

    /// True without bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes as they are now: the slice must not be used after the size may have changed.
    #[inline(always)]
    pub fn data(&self) -> &'static [u8] {
        if self.start.get().is_null() {
            return &[];
        }
        // SAFETY: BA-1.
        unsafe { std::slice::from_raw_parts(self.start.get(), self.len()) }
    }

    /// The bytes, to be written natively.
    #[allow(clippy::mut_from_ref)]
    pub fn data_mut(&self) -> &mut [u8] {
        if self.start.get().is_null() {
            return &mut [];
        }
        // SAFETY: BA-1; the GIL gives exclusive access while no Python code runs.
        unsafe { std::slice::from_raw_parts_mut(self.start.get(), self.len()) }
    }

    /// Moves the data to a buffer of `alloc` bytes. May collect.
    fn reallocate(&self, cx: &mut Cx, alloc: usize) {
        let new = RawBuffer::new(cx, alloc);
        let n = self.len().min(alloc);
        if n > 0 {
            // SAFETY: both hold n bytes.
            unsafe { std::ptr::copy_nonoverlapping(self.start.get(), new.data(), n) };
        }
        self.buffer.set(new.data());
        self.start.set(new.data());
        self.alloc.set(alloc);
        cx.barrier(self);
    }

    /// BufferError while memory is exported.
    fn check_exports(&self, cx: &mut Cx) -> PyResult<()> {
        if self.exports.get() > 0 {
            let_go_of_views(cx);
            if self.exports.get() > 0 {
                return refuse_to_resize(cx);
            }
        }
        Ok(())
    }

    /// Changes the number of bytes; new ones at the end are not cleared. BufferError, MemoryError.
    pub fn resize(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        if n == self.len() {
            return Ok(());
        }
        self.check_exports(cx)?;
        let alloc = self.alloc.get();
        let offset = self.start.get() as usize - self.buffer.get() as usize;
        if n + offset < alloc {
            if n < alloc / 2 {
                self.size.set(n.min(self.len()));
                self.reallocate(cx, n + 1);
            }
        } else {
            let slack = if n < alloc + alloc / 8 { (n >> 3) + if n < 9 { 3 } else { 6 } } else { 1 };
            check_size(cx, n.saturating_add(slack))?;
            self.reallocate(cx, n + slack);
        }
        self.size.set(n);
        Ok(())
    }

    /// Replaces the bytes `[start, end)`, which must exist, by `with`, which must not be the array's own. BufferError,
    /// MemoryError.
    pub fn splice(&self, cx: &mut Cx, start: usize, end: usize, with: &[u8]) -> PyResult<()> {
        let (n, removed) = (self.len(), end - start);
        if with.len() == removed {
            self.data_mut()[start..end].copy_from_slice(with);
            return Ok(());
        }
        self.check_exports(cx)?;
        let new_len = n - removed + with.len();
        if start == 0 && with.is_empty() {
            // Deleting at the front moves the first byte only.
            // SAFETY: BA-1.
            self.start.set(unsafe { self.start.get().add(removed) });
            self.size.set(new_len);
            if new_len < self.alloc.get() / 2 {
                self.reallocate(cx, new_len + 1);
            }
            return Ok(());
        }
        if new_len > n {
            self.resize(cx, new_len)?;
        }
        self.data_mut()[..n.max(new_len)].copy_within(end..n, start + with.len());
        self.data_mut()[start..start + with.len()].copy_from_slice(with);
        if new_len < n {
            self.resize(cx, new_len)?;
        }
        Ok(())
    }

    /// Appends bytes, which must not be the array's own.
    #[inline]
    pub fn extend_from_slice(&self, cx: &mut Cx, with: &[u8]) -> PyResult<()> {
        let (n, more) = (self.len(), with.len());
        let alloc = self.alloc.get();
        let offset = self.start.get() as usize - self.buffer.get() as usize;
        // As `resize` does where there is room.
        if self.exports.get() == 0 && n + more + offset < alloc && n + more >= alloc / 2 {
            self.size.set(n + more);
        } else {
            self.resize(cx, n + more)?;
        }
        crate::buffer::copy_short(with, &mut self.data_mut()[n..]);
        Ok(())
    }

    /// Counts an export of the memory.
    pub fn add_export(&self) {
        self.exports.set(self.exports.get() + 1);
    }

    /// Ends an export.
    pub fn remove_export(&self) {
        self.exports.set(self.exports.get() - 1);
    }
}

fn export(_: &mut Cx, v: Value, _: i32) -> PyResult<Buffer> {
    let this = of(v);
    this.add_export();
    let mut buffer = Buffer::of_bytes(v, this.data());
    buffer.readonly = false;
    buffer.release = Some(|_, buffer| of(buffer.owner).remove_export());
    Ok(buffer)
}

// ---- construction ----------------------------------------------------------------------------------

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let this = of(v);
    let args = SourceArgs::bind(cx, args, "bytearray")?;
    if !this.is_empty() {
        this.resize(cx, 0)?;
    }
    if let Some(encoded) = args.encoded(cx)? {
        let encoded = encoded.downcast::<Bytes>().expect("encoding gives bytes");
        return this.extend_from_slice(cx, encoded.data());
    }
    let Some(source) = args.source else { return Ok(()) };
    if source.downcast::<Str>().is_some() {
        return raise!(cx, TypeError, "string argument without an encoding");
    }
    if let Some(n) = bytes::count_of(cx, source)? {
        this.resize(cx, n)?;
        this.data_mut().fill(0);
        return Ok(());
    }
    if buffer::check(source) {
        let copy = bytes::copy_of(cx, source)?;
        return this.extend_from_slice(cx, copy.data());
    }
    if source.class().slots().iter.is_none() && source.class().slots().getitem.is_none() {
        let got = source.class().tp_name();
        return raise!(cx, TypeError, "cannot convert '{got}' object to bytearray");
    }
    let mut out = Vec::new();
    bytes::collect_ints(cx, source, &mut out, RANGE)?;
    this.extend_from_slice(cx, &out)
}

// ---- slots -----------------------------------------------------------------------------------------

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if let Some(other) = bytes::data_of(b) {
        return Ok(Value::bool(op.holds(of(a).data().cmp(other))));
    }
    if !buffer::check(b) || b.downcast::<Str>().is_some() {
        return Ok(Value::not_implemented());
    }
    let other = bytes::copy_of(cx, b)?;
    Ok(Value::bool(op.holds(of(a).data().cmp(other.data()))))
}

fn check_index_type(cx: &mut Cx, key: Value) -> PyResult<()> {
    if !int::check(key) && key.class().slots().index.is_none() {
        let got = key.class().tp_name();
        return raise!(cx, TypeError, "bytearray indices must be integers or slices, not {got}");
    }
    Ok(())
}

/// The index of an item; `__index__` may resize the array, so it is asked before the length.
fn item_index(cx: &mut Cx, this: &'static ByteArray, key: Value) -> PyResult<usize> {
    check_index_type(cx, key)?;
    let key = if key.is_small() { key } else { number::index(cx, key)? };
    index_of(cx, key, this.len(), "bytearray index out of range")
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        let r = slice.apply(cx, || this.len())?;
        if r.step == 1 {
            let start = r.start as usize;
            return Ok(Value::of(ByteArray::new(cx, &this.data()[start..][..r.len])));
        }
        let picked = r.pick(this.data());
        return Ok(Value::of(ByteArray::new(cx, &picked)));
    }
    let i = item_index(cx, this, key)?;
    Ok(Value::small(this.data()[i].into()))
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        return match value {
            Some(value) => set_slice(cx, this, slice, value),
            None => delete_slice(cx, this, slice),
        };
    }
    let i = item_index(cx, this, key)?;
    let Some(value) = value else { return this.splice(cx, i, i + 1, &[]) };
    let b = bytes::byte_of(cx, value, RANGE)?;
    // The value's `__index__` may have resized the array.
    match this.data_mut().get_mut(i) {
        Some(slot) => {
            *slot = b;
            Ok(())
        }
        None => raise!(cx, IndexError, "bytearray index out of range"),
    }
}

fn set_slice(cx: &mut Cx, this: &'static ByteArray, slice: &'static Slice, value: Value) -> PyResult<()> {
    let with = if buffer::check(value) {
        bytes::copy_of(cx, value)?.data()
    } else {
        let iterable = value.class().slots().iter.is_some() || value.class().slots().getitem.is_some();
        if int::check(value) || value.downcast::<Str>().is_some() || !iterable {
            return raise!(cx, TypeError, "can assign only bytes, buffers, or iterables of ints in range(0, 256)");
        }
        let mut out = Vec::new();
        bytes::collect_ints(cx, value, &mut out, RANGE)?;
        Bytes::new(cx, &out).data()
    };
    let r = slice.apply(cx, || this.len())?;
    if r.step == 1 {
        let start = r.start as usize;
        return this.splice(cx, start, start + r.len, with);
    }
    if with.len() != r.len {
        if with.is_empty() {
            return delete_slice(cx, this, slice);
        }
        let (got, need) = (with.len(), r.len);
        return raise!(cx, ValueError, "attempt to assign bytes of size {got} to extended slice of size {need}");
    }
    let data = this.data_mut();
    r.indices().zip(with).for_each(|(i, b)| data[i] = *b);
    Ok(())
}

fn delete_slice(cx: &mut Cx, this: &'static ByteArray, slice: &'static Slice) -> PyResult<()> {
    let r = slice.apply(cx, || this.len())?;
    if r.len == 0 {
        return Ok(());
    }
    if r.step == 1 {
        let start = r.start as usize;
        return this.splice(cx, start, start + r.len, &[]);
    }
    this.check_exports(cx)?;
    let mut drop: Vec<usize> = r.indices().collect();
    drop.sort_unstable();
    let (data, mut to, mut next) = (this.data_mut(), 0, 0);
    for i in 0..data.len() {
        if drop.get(next) == Some(&i) {
            next += 1;
        } else {
            data[to] = data[i];
            to += 1;
        }
    }
    this.resize(cx, to)
}

fn repeated(cx: &mut Cx, this: &ByteArray, n: isize) -> PyResult<Vec<u8>> {
    let Some(total) = this.len().checked_mul(n.max(0) as usize) else { return Err(cx.memory_error()) };
    check_size(cx, total)?;
    Ok(this.data().repeat(n.max(0) as usize))
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let out = repeated(cx, of(v), n)?;
    Ok(Value::of(ByteArray::new(cx, &out)))
}

fn irepeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let out = repeated(cx, this, n)?;
    this.resize(cx, out.len())?;
    this.data_mut().copy_from_slice(&out);
    Ok(v)
}

fn iconcat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !buffer::check(b) {
        let (got, own) = (b.class().tp_name(), a.class().tp_name());
        return raise!(cx, TypeError, "can't concat {got} to {own}");
    }
    let this = of(a);
    if a == b && this.len() > 0 {
        // What is added is in use while the array would have to grow.
        this.add_export();
        let checked = this.check_exports(cx);
        this.remove_export();
        checked?;
    }
    let added = match b.exact::<Bytes>() {
        Some(b) => b,
        None => bytes::copy_of(cx, b)?,
    };
    this.extend_from_slice(cx, added.data())?;
    Ok(a)
}

// ---- methods ---------------------------------------------------------------------------------------

#[pymethods]
impl ByteArray {
    /// B.__alloc__() -> int
    ///
    /// Return the number of bytes actually allocated.
    #[py("($self, /)")]
    fn __alloc__(_: &mut Cx, this: &'static ByteArray) -> usize {
        this.alloc.get()
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ByteArray) -> PyResult<Value> {
        reduce(cx, this, 2)
    }
    /// Return state information for pickling.
    #[py("($self, proto=0, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: &'static ByteArray, proto: Option<i32>) -> PyResult<Value> {
        reduce(cx, this, proto.unwrap_or(0))
    }
    /// Returns the size of the bytearray object in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_: &mut Cx, this: &'static ByteArray) -> usize {
        this.header.class().data().basicsize + this.alloc.get()
    }
    /// Append a single item to the end of the bytearray.
    ///
    ///   item
    ///     The item to be appended.
    #[py("($self, item, /)")]
    fn append(cx: &mut Cx, this: &'static ByteArray, item: Value) -> PyResult<()> {
        let b = bytes::byte_of(cx, item, RANGE)?;
        this.extend_from_slice(cx, &[b])
    }
    /// Remove all items from the bytearray.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static ByteArray) -> PyResult<()> {
        this.resize(cx, 0)
    }
    /// Return a copy of B.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static ByteArray) -> &'static ByteArray {
        ByteArray::new(cx, this.data())
    }
    /// Append all the items from the iterator or sequence to the end of the bytearray.
    ///
    ///   iterable_of_ints
    ///     The iterable of items to append.
    #[py("($self, iterable_of_ints, /)")]
    fn extend(cx: &mut Cx, this: &'static ByteArray, iterable_of_ints: Value) -> PyResult<()> {
        let v = iterable_of_ints;
        if buffer::check(v) {
            // Reading `v` may change this array; the bytes go to where its end was, or now is.
            let end = this.len();
            let added = bytes::copy_of(cx, v)?;
            let end = end.min(this.len());
            return this.splice(cx, end, end, added.data());
        }
        let got = v.class().tp_name();
        if v.class().slots().iter.is_none() && v.class().slots().getitem.is_none() {
            return raise!(cx, TypeError, "can't extend bytearray with {got}");
        }
        if v.downcast::<Str>().is_some() {
            return raise!(cx, TypeError, "expected iterable of integers; got: 'str'");
        }
        let mut out = Vec::new();
        bytes::collect_ints(cx, v, &mut out, RANGE)?;
        this.extend_from_slice(cx, &out)
    }
    /// Insert a single item into the bytearray before the given index.
    ///
    ///   index
    ///     The index where the value is to be inserted.
    ///   item
    ///     The item to be inserted.
    #[py("($self, index, item, /)")]
    fn insert(cx: &mut Cx, this: &'static ByteArray, index: isize, item: Value) -> PyResult<()> {
        let b = bytes::byte_of(cx, item, RANGE)?;
        let n = this.len() as isize;
        let i = if index < 0 { index.saturating_add(n).max(0) } else { index.min(n) } as usize;
        this.splice(cx, i, i, &[b])
    }
    /// Remove and return a single item from B.
    ///
    ///   index
    ///     The index from where to remove the item.
    ///     -1 (the default value) means remove the last item.
    ///
    /// If no index argument is given, will pop the last item.
    #[py("($self, index=-1, /)")]
    fn pop(cx: &mut Cx, this: &'static ByteArray, index: Option<isize>) -> PyResult<i64> {
        let n = this.len() as isize;
        if n == 0 {
            return raise!(cx, IndexError, "pop from empty bytearray");
        }
        let index = index.unwrap_or(-1);
        let i = if index < 0 { index.saturating_add(n) } else { index };
        if !(0..n).contains(&i) {
            return raise!(cx, IndexError, "pop index out of range");
        }
        let i = i as usize;
        let b = this.data()[i];
        this.splice(cx, i, i + 1, &[])?;
        Ok(b.into())
    }
    /// Remove the first occurrence of a value in the bytearray.
    ///
    ///   value
    ///     The value to remove.
    #[py("($self, value, /)")]
    fn remove(cx: &mut Cx, this: &'static ByteArray, value: Value) -> PyResult<()> {
        let b = bytes::byte_of(cx, value, RANGE)?;
        match memchr::memchr(b, this.data()) {
            Some(i) => this.splice(cx, i, i + 1, &[]),
            None => raise!(cx, ValueError, "value not found in bytearray"),
        }
    }
    /// Resize the internal buffer of bytearray to len.
    ///
    ///   size
    ///     New size to resize to.
    #[py("($self, size, /)", name = "resize")]
    fn resize_method(cx: &mut Cx, this: &'static ByteArray, size: isize) -> PyResult<()> {
        if size < 0 {
            return raise!(cx, ValueError, "Can only resize to positive sizes, got {size}");
        }
        let (old, new) = (this.len(), size as usize);
        this.resize(cx, new)?;
        if new > old {
            this.data_mut()[old..].fill(0);
        }
        Ok(())
    }
    /// Reverse the order of the values in B in place.
    #[py("($self, /)")]
    fn reverse(_: &mut Cx, this: &'static ByteArray) {
        this.data_mut().reverse();
    }
    /// Create a bytearray object from a string of hexadecimal numbers.
    ///
    /// Spaces between two numbers are accepted.
    /// Example:
    ///     bytearray.fromhex('B9 01EF') -> bytearray(b'\\xb9\\x01\\xef')
    #[classmethod]
    #[py("($type, string, /)")]
    fn fromhex(cx: &mut Cx, class: &'static Type, string: Value) -> PyResult<Value> {
        let out = bytes_hex::from_hex(cx, string)?;
        let made = Value::of(ByteArray::new(cx, &out));
        if std::ptr::eq(class, &BYTEARRAY) { Ok(made) } else { cx.call(Value::of(class), &[made]) }
    }
}

/// `(class, arguments, state)`; protocols below 3 know no bytes.
fn reduce(cx: &mut Cx, this: &'static ByteArray, protocol: i32) -> PyResult<Value> {
    let v = Value::of(this);
    let state = cx.call_method_text(v, "__getstate__", &[])?;
    let args = if this.is_empty() {
        Tuple::new(cx, &[])
    } else if protocol < 3 {
        let text = Value::of(Str::from_latin1(cx, this.data()));
        let encoding = cx.str("latin-1");
        Tuple::new(cx, &[text, encoding])
    } else {
        let content = Value::of(Bytes::new(cx, this.data()));
        Tuple::new(cx, &[content])
    };
    Ok(Value::of(Tuple::new(cx, &[Value::of(v.class()), Value::of(args), state])))
}

// ---- iterator --------------------------------------------------------------------------------------

/// An iterator over a bytearray, which may change meanwhile.
#[repr(C)]
pub struct ByteArrayIter {
    header: Header,
    /// None when exhausted.
    source: Cell<Option<&'static ByteArray>>,
    index: Cell<usize>,
}
object!(ByteArrayIter, BYTEARRAY_ITER);

/// Byte offsets of the source and the index of a bytearray iterator.
pub const ITER_OFFSETS: (usize, usize) =
    (std::mem::offset_of!(ByteArrayIter, source), std::mem::offset_of!(ByteArrayIter, index));

/// The type bytearray_iterator.
pub static BYTEARRAY_ITER: Type = Type::new(&BYTEARRAY_ITER_SPEC);
static BYTEARRAY_ITER_SPEC: TypeSpec = TypeSpec {
    name: "bytearray_iterator",
    basicsize: std::mem::size_of::<ByteArrayIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[ByteArrayIter::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_iter(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these iterators only.
    if let Some(b) = unsafe { (*object.cast::<ByteArrayIter>()).source.get() } {
        marker.mark_value(Value::of(b).bits());
    }
}

fn iter_new(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let source = Cell::new(Some(of(v)));
    Ok(Value::of(cx.alloc(ByteArrayIter { header: Header::fresh(&BYTEARRAY_ITER), source, index: Cell::new(0) })))
}

fn next(_: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<ByteArrayIter>() };
    let Some(source) = this.source.get() else { return Ok(None) };
    let i = this.index.get();
    match source.data().get(i) {
        Some(b) => {
            this.index.set(i + 1);
            Ok(Some(Value::small(i64::from(*b))))
        }
        None => {
            this.source.set(None);
            Ok(None)
        }
    }
}

#[pymethods]
impl ByteArrayIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_: &mut Cx, this: &'static ByteArrayIter) -> usize {
        this.source.get().map_or(0, |b| b.len().saturating_sub(this.index.get()))
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ByteArrayIter) -> PyResult<Value> {
        let builtin = crate::protocol::sequence::builtin(cx, "iter")?;
        Ok(match this.source.get() {
            Some(source) => {
                let args = Value::of(Tuple::new(cx, &[Value::of(source)]));
                Value::of(Tuple::new(cx, &[builtin, args, Value::small(this.index.get() as i64)]))
            }
            None => {
                let empty = Value::of(Tuple::new(cx, &[]));
                let args = Value::of(Tuple::new(cx, &[empty]));
                Value::of(Tuple::new(cx, &[builtin, args]))
            }
        })
    }
    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static ByteArrayIter, state: Value) -> PyResult<()> {
        let i = number::to_isize(cx, state)?;
        if let Some(b) = this.source.get() {
            this.index.set((i.max(0) as usize).min(b.len()));
        }
        Ok(())
    }
}
