//! The type memoryview: slots, methods and attributes.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::buffer::{self, Buffer};
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{hash, number};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::bytes::Bytes;
use crate::types::bytes_hex::{hex_separator, hex_str};
use crate::types::generic_alias;
use crate::types::int;
use crate::types::list::List;
use crate::types::memoryview::{MemoryView, contiguous_strides, drop_view, export, trace_view};
use crate::types::memoryview_items as items;
use crate::types::slice::Slice;
use crate::types::str::{Str, hash_bytes};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The type memoryview.
pub static MEMORYVIEW: Type = Type::new(&MEMORYVIEW_SPEC);
static MEMORYVIEW_SPEC: TypeSpec = TypeSpec {
    name: "memoryview",
    basicsize: std::mem::size_of::<MemoryView>(),
    flags: flags::SEQUENCE,
    weakrefs: true,
    trace: Some(trace_view),
    drop: Some(drop_view),
    slots: Slots {
        repr: Some(|cx, v| {
            let what = if of(v).released.get() { "released memory" } else { "memory" };
            Ok(cx.str(&format!("<{what} at {:#x}>", v.bits())))
        }),
        hash: Some(hash_view),
        richcompare: Some(richcompare),
        new: Some(new),
        iter: Some(iter_new),
        len: Some(len),
        getitem: Some(getitem),
        setitem: Some(setitem),
        buffer: Some(export),
        ..Slots::NONE
    },
    methods: &[MemoryView::METHODS],
    getsets: &[MemoryView::GETSETS],
    doc: "Create a new memoryview object which references the given object.",
    signature: "(object)",
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static MemoryView {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let given = args.values().len();
    if given > 1 {
        return raise!(cx, TypeError, "memoryview() takes at most 1 argument ({given} given)");
    }
    let named = args.keywords().find(|(name, _)| name.eq_rust("object")).map(|(_, v)| v);
    match args.pos().first().copied().or(named) {
        Some(v) => MemoryView::of_object(cx, v, buffer::FULL_RO).map(Value::of),
        None => raise!(cx, TypeError, "memoryview() missing required argument 'object' (pos 1)"),
    }
}

fn len(cx: &mut Cx, v: Value) -> PyResult<usize> {
    of(v).check(cx)?;
    match of(v).shape().first() {
        Some(n) => Ok(*n as usize),
        None => raise!(cx, TypeError, "0-dim memory has no length"),
    }
}

/// Runs `body`, which may run Python code, while the view cannot be released.
fn in_use<T>(cx: &mut Cx, this: &MemoryView, body: impl FnOnce(&mut Cx) -> PyResult<T>) -> PyResult<T> {
    this.exports.set(this.exports.get() + 1);
    let result = body(cx);
    this.exports.set(this.exports.get() - 1);
    result
}

fn hash_view(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if let Some(h) = this.hash.get() {
        return Ok(h);
    }
    this.check(cx)?;
    if !this.readonly {
        return raise!(cx, ValueError, "cannot hash writable memoryview object");
    }
    let format = this.format.to_string_lossy();
    if !matches!(items::native_char(&format), Some(b'B' | b'b' | b'c')) {
        return raise!(cx, ValueError, "memoryview: hashing is restricted to formats 'B', 'b' or 'c'");
    }
    // A view is in use while the hash of its object is asked for.
    in_use(cx, this, |cx| hash::hash(cx, this.managed.object()))?;
    let h = hash_bytes(&this.to_bytes());
    this.hash.set(Some(h));
    Ok(h)
}

// ---- items -----------------------------------------------------------------------------------------

fn is_index(v: Value) -> bool {
    int::check(v) || v.class().slots().index.is_some()
}

/// Address of index `key` of dimension `dim`, from `p` on.
fn step_into(cx: &mut Cx, this: &MemoryView, p: *mut u8, key: Value, dim: usize) -> PyResult<*mut u8> {
    let i = crate::protocol::sequence::index(cx, key)?;
    this.check(cx)?;
    let n = this.shape()[dim];
    let at = if i < 0 { i.wrapping_add(n) } else { i };
    if at < 0 || at >= n {
        return raise!(cx, IndexError, "index out of bounds on dimension {}", dim + 1);
    }
    Ok(p.wrapping_offset(at * this.strides()[dim]))
}

/// Address of the item that a tuple of indices leads to.
fn by_tuple(cx: &mut Cx, this: &MemoryView, keys: &'static Tuple) -> PyResult<*mut u8> {
    let (n, given) = (this.ndim, keys.len());
    if given > n {
        return raise!(cx, TypeError, "cannot index {n}-dimension view with {given}-element tuple");
    }
    if given < n {
        return raise!(cx, NotImplementedError, "sub-views are not implemented");
    }
    let mut p = this.data;
    for (dim, key) in keys.items().iter().enumerate() {
        p = step_into(cx, this, p, *key, dim)?;
    }
    Ok(p)
}

fn item(cx: &mut Cx, this: &MemoryView, p: *mut u8) -> PyResult<Value> {
    let format = this.native_format(cx)?;
    Ok(items::unpack(cx, format, this.item_bytes(p)))
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    this.check(cx)?;
    let tuple = key.downcast::<Tuple>();
    if this.ndim == 0 {
        return match tuple {
            Some(t) if t.is_empty() => item(cx, this, this.data),
            _ if key == Value::ellipsis() => Ok(v),
            _ => raise!(cx, TypeError, "invalid indexing of 0-dim memory"),
        };
    }
    if is_index(key) {
        if this.ndim > 1 {
            return raise!(cx, NotImplementedError, "multi-dimensional sub-views are not implemented");
        }
        let p = step_into(cx, this, this.data, key, 0)?;
        return item(cx, this, p);
    }
    if let Some(slice) = key.exact::<Slice>() {
        return sliced(cx, this, slice).map(Value::of);
    }
    if let Some(tuple) = tuple {
        if tuple.items().iter().all(|k| is_index(*k)) {
            let p = by_tuple(cx, this, tuple)?;
            return item(cx, this, p);
        }
        if tuple.items().iter().all(|k| k.exact::<Slice>().is_some()) {
            return raise!(cx, NotImplementedError, "multi-dimensional slicing is not implemented");
        }
    }
    raise!(cx, TypeError, "memoryview: invalid slice key")
}

/// A view of a slice of the first dimension.
fn sliced(cx: &mut Cx, this: &'static MemoryView, slice: &'static Slice) -> PyResult<&'static MemoryView> {
    // Indices may be objects that release the view; this one then goes on with the memory.
    let is_number = |v: Value| v.is_none() || int::check(v);
    let kept = ![slice.start, slice.stop, slice.step].iter().all(|v| is_number(*v));
    let this = if kept { this.derived(cx, |_| {}) } else { this };
    let r = slice.apply(cx, || this.shape()[0] as usize)?;
    this.check(cx)?;
    let (mut shape, mut strides) = (this.shape().to_vec(), this.strides().to_vec());
    let data = this.data.wrapping_offset(strides[0] * r.start);
    shape[0] = r.len as isize;
    strides[0] = strides[0].wrapping_mul(r.step);
    let layout = crate::types::memoryview::Layout {
        data,
        itemsize: this.itemsize,
        shape: &shape,
        strides: &strides,
        format: this.format,
        readonly: this.readonly,
    };
    Ok(MemoryView::new(cx, this.managed, &layout))
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    this.check(cx)?;
    if this.readonly {
        return raise!(cx, TypeError, "cannot modify read-only memory");
    }
    let Some(value) = value else { return raise!(cx, TypeError, "cannot delete memory") };
    let tuple = key.downcast::<Tuple>();
    if this.ndim == 0 {
        return match tuple {
            Some(t) if t.is_empty() => store(cx, this, this.data, value),
            _ if key == Value::ellipsis() => store(cx, this, this.data, value),
            _ => raise!(cx, TypeError, "invalid indexing of 0-dim memory"),
        };
    }
    if is_index(key) {
        if this.ndim > 1 {
            return raise!(cx, NotImplementedError, "sub-views are not implemented");
        }
        let p = step_into(cx, this, this.data, key, 0)?;
        return store(cx, this, p, value);
    }
    if let Some(slice) = key.exact::<Slice>() {
        if this.ndim > 1 {
            return raise!(
                cx,
                NotImplementedError,
                "memoryview slice assignments are currently restricted to ndim = 1"
            );
        }
        return set_slice(cx, this, slice, value);
    }
    if let Some(tuple) = tuple {
        if tuple.items().iter().all(|k| is_index(*k)) {
            let p = by_tuple(cx, this, tuple)?;
            return store(cx, this, p, value);
        }
        if tuple.items().iter().all(|k| k.exact::<Slice>().is_some()) {
            return raise!(
                cx,
                NotImplementedError,
                "memoryview slice assignments are currently restricted to ndim = 1"
            );
        }
    }
    raise!(cx, TypeError, "memoryview: invalid slice key")
}

fn store(cx: &mut Cx, this: &MemoryView, p: *mut u8, value: Value) -> PyResult<()> {
    let format = this.native_format(cx)?;
    // Converting the value may run Python code that releases the view.
    let mut packed = [0; 8];
    items::pack(cx, format, value, &mut packed[..this.itemsize])?;
    this.check(cx)?;
    this.item_bytes(p).copy_from_slice(&packed[..this.itemsize]);
    Ok(())
}

fn set_slice(cx: &mut Cx, this: &'static MemoryView, slice: &'static Slice, value: Value) -> PyResult<()> {
    let source = buffer::get(cx, value, buffer::FULL_RO)?;
    let content = copy_items(&source);
    let (format, n) = (source.format.clone(), content.len() / source.itemsize.max(1));
    let one_dimension = source.shape.len() <= 1;
    buffer::release(cx, &source);
    let target = sliced(cx, this, slice)?;
    let own = this.format.to_string_lossy();
    let plain = |f: &str| f.strip_prefix('@').unwrap_or(f).to_string();
    let same = plain(&format) == plain(&own) && one_dimension && n as isize == target.shape()[0];
    if same && content.len() == target.nbytes {
        let stride = target.strides()[0];
        // Neighbours are one item.
        let size = if stride == this.itemsize as isize { content.len().max(1) } else { this.itemsize };
        for (i, item) in content.chunks_exact(size).enumerate() {
            let p = target.data.wrapping_offset(stride * i as isize);
            target.bytes_at(p, size).copy_from_slice(item);
        }
    }
    target.release(cx)?;
    if !same {
        return raise!(cx, ValueError, "memoryview assignment: lvalue and rvalue have different structures");
    }
    Ok(())
}

/// The items of a buffer in C order.
fn copy_items(buffer: &Buffer) -> Vec<u8> {
    if buffer.is_contiguous() {
        return buffer.bytes().to_vec();
    }
    let mut out = Vec::with_capacity(buffer.len);
    // SAFETY: shape and strides describe the exporter's memory.
    unsafe { buffer::push_items(buffer.data, buffer.itemsize, &buffer.shape, &buffer.strides, &mut out) };
    out
}

// ---- comparison ------------------------------------------------------------------------------------

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let this = of(a);
    let released = this.released.get() || b.downcast::<MemoryView>().is_some_and(|m| m.released.get());
    let equal = if a == b && !has_floats(this) || released {
        a == b
    } else {
        if !buffer::check(b) {
            return Ok(Value::not_implemented());
        }
        let r = buffer::get(cx, b, buffer::FULL_RO);
        let Ok(other) = r else {
            cx.take_exception();
            return Ok(Value::not_implemented());
        };
        let result = equals(cx, this, &other);
        buffer::release(cx, &other);
        result?
    };
    Ok(Value::bool(equal == (op == CmpOp::Eq)))
}

fn has_floats(this: &MemoryView) -> bool {
    matches!(items::native_char(&this.format.to_string_lossy()), Some(b'e' | b'f' | b'd'))
}

fn equals(cx: &mut Cx, this: &MemoryView, other: &Buffer) -> PyResult<bool> {
    let itemsize = other.itemsize.max(1);
    let shape = match (other.shape.is_empty(), this.ndim) {
        (true, 0) if other.len == itemsize => Vec::new(),
        (true, _) => vec![(other.len / itemsize) as isize],
        _ => other.shape.clone(),
    };
    if shape != this.shape() {
        return Ok(false);
    }
    let (own_format, other_format) = (this.format.to_string_lossy(), other.format.clone());
    let (x, y) = (this.to_bytes(), copy_items(other));
    let (f, g) = match (items::native_char(&own_format), items::native_char(&other_format)) {
        (Some(f), Some(g)) => (f, g),
        // Formats of several items compare by their bytes.
        _ => return Ok(own_format == *other_format && x == y),
    };
    if f == g && !matches!(f, b'e' | b'f' | b'd' | b'?') {
        return Ok(x == y);
    }
    for (a, b) in x.chunks_exact(this.itemsize).zip(y.chunks_exact(itemsize)) {
        let (a, b) = (items::unpack(cx, f, a), items::unpack(cx, g, b));
        if !compare::rich_bool(cx, a, b, CmpOp::Eq)? {
            return Ok(false);
        }
    }
    Ok(true)
}

// ---- methods ---------------------------------------------------------------------------------------

fn to_list(cx: &mut Cx, this: &MemoryView, format: u8, p: *mut u8, dim: usize) -> Value {
    if dim == this.ndim {
        return items::unpack(cx, format, this.item_bytes(p));
    }
    let list = List::with_capacity(cx, this.shape()[dim] as usize);
    for i in 0..this.shape()[dim] {
        let item = to_list(cx, this, format, p.wrapping_offset(i * this.strides()[dim]), dim + 1);
        list.push(cx, item);
    }
    Value::of(list)
}

fn int_tuple(cx: &mut Cx, words: &[isize]) -> &'static Tuple {
    let list = List::new(cx);
    for w in words {
        let v = cx.int(*w as i64);
        list.push(cx, v);
    }
    Tuple::new(cx, list.items())
}

#[pymethods]
impl MemoryView {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: &'static Type, object: Value) -> PyResult<Value> {
        generic_alias::new(cx, Value::of(class), object)
    }
    /// Release the underlying buffer exposed by the memoryview object.
    #[py("($self, /)", name = "release")]
    fn release_method(cx: &mut Cx, this: &'static MemoryView) -> PyResult<()> {
        this.release(cx)
    }
    /// Return the data in the buffer as a byte string.
    ///
    /// Order can be {'C', 'F', 'A'}.  When order is 'C' or 'F', the data of
    /// the original array is converted to C or Fortran order.  For
    /// contiguous views, 'A' returns an exact copy of the physical memory.
    /// In particular, in-memory Fortran order is preserved.  For
    /// non-contiguous views, the data is converted to C first.  order=None
    /// is the same as order='C'.
    #[py("($self, /, order='C')")]
    fn tobytes(cx: &mut Cx, this: &'static MemoryView, order: Option<Value>) -> PyResult<&'static Bytes> {
        this.check(cx)?;
        let order = match order.filter(|o| !o.is_none()) {
            None => b'C',
            Some(v) => match v.downcast::<Str>().map(|s| s.to_string_lossy()).as_deref() {
                Some(s @ ("C" | "F" | "A")) => s.as_bytes()[0],
                Some(_) => return raise!(cx, ValueError, "order must be 'C', 'F' or 'A'"),
                None => {
                    let got = v.class().tp_name();
                    return raise!(cx, TypeError, "tobytes() argument 'order' must be str or None, not {got}");
                }
            },
        };
        let fortran = order == b'F' || order == b'A' && this.is_f_contiguous() && !this.is_c_contiguous();
        if fortran && this.ndim > 1 {
            let (shape, strides): (Vec<isize>, Vec<isize>) =
                this.shape().iter().copied().zip(this.strides().iter().copied()).rev().unzip();
            let mut out = Vec::with_capacity(this.nbytes);
            // SAFETY: the same items in another order.
            unsafe { buffer::push_items(this.data, this.itemsize, &shape, &strides, &mut out) };
            return Ok(Bytes::new(cx, &out));
        }
        let content = this.to_bytes();
        Ok(Bytes::new(cx, &content))
    }
    /// Return the data in the buffer as a str of hexadecimal numbers.
    ///
    ///   sep
    ///     An optional single character or byte to separate hex bytes.
    ///   bytes_per_sep
    ///     How many bytes between separators.  Positive values count from
    ///     the right, negative values count from the left.
    ///
    /// Example:
    /// >>> value = memoryview(b'\xb9\x01\xef')
    /// >>> value.hex()
    /// 'b901ef'
    /// >>> value.hex(':')
    /// 'b9:01:ef'
    /// >>> value.hex(':', 2)
    /// 'b9:01ef'
    /// >>> value.hex(':', -2)
    /// 'b901:ef'
    #[py("($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hex(
        cx: &mut Cx,
        this: &'static MemoryView,
        sep: Option<Value>,
        bytes_per_sep: Option<i32>,
    ) -> PyResult<&'static Str> {
        let sep = in_use(cx, this, |cx| hex_separator(cx, sep))?;
        this.check(cx)?;
        hex_str(cx, &this.to_bytes(), sep, bytes_per_sep)
    }
    /// Return the data in the buffer as a list of elements.
    #[py("($self, /)")]
    fn tolist(cx: &mut Cx, this: &'static MemoryView) -> PyResult<Value> {
        this.check(cx)?;
        let format = this.native_format(cx)?;
        Ok(to_list(cx, this, format, this.data, 0))
    }
    /// Cast a memoryview to a new format or shape.
    #[py("($self, /, format, shape=<unrepresentable>)")]
    fn cast(
        cx: &mut Cx,
        this: &'static MemoryView,
        format: &'static Str,
        shape: Option<Value>,
    ) -> PyResult<&'static MemoryView> {
        this.check(cx)?;
        cast(cx, this, format, shape)
    }
    /// Return a readonly version of the memoryview.
    #[py("($self, /)")]
    fn toreadonly(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static MemoryView> {
        this.check(cx)?;
        Ok(this.derived(cx, |layout| layout.readonly = true))
    }
    /// Create a new memoryview object which references the given object.
    #[classmethod]
    #[py("($type, /, object, flags)")]
    fn _from_flags(cx: &mut Cx, _class: &'static Type, object: Value, flags: i32) -> PyResult<&'static MemoryView> {
        MemoryView::of_object(cx, object, flags)
    }
    /// Count the number of occurrences of a value.
    #[py("($self, value, /)")]
    fn count(cx: &mut Cx, this: &'static MemoryView, value: Value) -> PyResult<usize> {
        let it = iter_new(cx, Value::of(this))?;
        let mut n = 0;
        while let Some(item) = next(cx, it)? {
            n += usize::from(compare::equal(cx, item, value)?);
        }
        Ok(n)
    }
    /// Return the index of the first occurrence of a value.
    ///
    /// Raises ValueError if the value is not present.
    #[py("($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(
        cx: &mut Cx,
        this: &'static MemoryView,
        value: Value,
        start: Option<Value>,
        stop: Option<Value>,
    ) -> PyResult<usize> {
        this.check(cx)?;
        if this.ndim == 0 {
            return raise!(cx, TypeError, "invalid lookup on 0-dim memory");
        }
        if this.ndim > 1 {
            return raise!(cx, NotImplementedError, "multi-dimensional lookup is not implemented");
        }
        let len = this.shape()[0] as usize;
        let (from, to) = crate::protocol::sequence::search_bounds(cx, start, stop, || len)?;
        for i in from..to.min(len) {
            this.check(cx)?;
            let p = this.data.wrapping_offset(i as isize * this.strides()[0]);
            let found = item(cx, this, p)?;
            if compare::equal(cx, found, value)? {
                return Ok(i);
            }
        }
        raise!(cx, ValueError, "memoryview.index(x): x not found")
    }
    ///
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static MemoryView> {
        this.check(cx)?;
        Ok(this)
    }
    /// Release the underlying buffer exposed by the memoryview object.
    #[py("($self, /, *exc_info)")]
    fn __exit__(cx: &mut Cx, this: &'static MemoryView, _exc_info: &'static Tuple) -> PyResult<()> {
        this.release(cx)
    }
    /// The underlying object of the memoryview.
    #[getter("obj")]
    fn obj(cx: &mut Cx, this: &'static MemoryView) -> PyResult<Value> {
        this.check(cx)?;
        Ok(this.managed.object())
    }
    /// The amount of space in bytes that the array would use in
    ///  a contiguous representation.
    #[getter("nbytes")]
    fn get_nbytes(cx: &mut Cx, this: &'static MemoryView) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.nbytes)
    }
    /// A bool indicating whether the memory is read only.
    #[getter("readonly")]
    fn get_readonly(cx: &mut Cx, this: &'static MemoryView) -> PyResult<bool> {
        this.check(cx)?;
        Ok(this.readonly)
    }
    /// The size in bytes of each element of the memoryview.
    #[getter("itemsize")]
    fn get_itemsize(cx: &mut Cx, this: &'static MemoryView) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.itemsize)
    }
    /// A string containing the format (in struct module style)
    ///  for each element in the view.
    #[getter("format")]
    fn get_format(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static Str> {
        this.check(cx)?;
        Ok(this.format)
    }
    /// An integer indicating how many dimensions of a multi-dimensional
    ///  array the memory represents.
    #[getter("ndim")]
    fn get_ndim(cx: &mut Cx, this: &'static MemoryView) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.ndim)
    }
    /// A tuple of ndim integers giving the shape of the memory
    ///  as an N-dimensional array.
    #[getter("shape")]
    fn get_shape(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static Tuple> {
        this.check(cx)?;
        Ok(int_tuple(cx, this.shape()))
    }
    /// A tuple of ndim integers giving the size in bytes to access
    ///  each element for each dimension of the array.
    #[getter("strides")]
    fn get_strides(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static Tuple> {
        this.check(cx)?;
        Ok(int_tuple(cx, this.strides()))
    }
    /// A tuple of integers used internally for PIL-style arrays.
    #[getter("suboffsets")]
    fn suboffsets(cx: &mut Cx, this: &'static MemoryView) -> PyResult<&'static Tuple> {
        this.check(cx)?;
        Ok(Tuple::new(cx, &[]))
    }
    /// A bool indicating whether the memory is C contiguous.
    #[getter("c_contiguous")]
    fn c_contiguous(cx: &mut Cx, this: &'static MemoryView) -> PyResult<bool> {
        this.check(cx)?;
        Ok(this.is_c_contiguous())
    }
    /// A bool indicating whether the memory is Fortran contiguous.
    #[getter("f_contiguous")]
    fn f_contiguous(cx: &mut Cx, this: &'static MemoryView) -> PyResult<bool> {
        this.check(cx)?;
        Ok(this.is_f_contiguous())
    }
    /// A bool indicating whether the memory is contiguous.
    #[getter("contiguous")]
    fn contiguous(cx: &mut Cx, this: &'static MemoryView) -> PyResult<bool> {
        this.check(cx)?;
        Ok(this.is_c_contiguous() || this.is_f_contiguous())
    }
}

fn cast(
    cx: &mut Cx,
    this: &'static MemoryView,
    format: &'static Str,
    shape: Option<Value>,
) -> PyResult<&'static MemoryView> {
    if !this.is_c_contiguous() {
        return raise!(cx, TypeError, "memoryview: casts are restricted to C-contiguous views");
    }
    if (shape.is_some() || this.ndim != 1) && this.shape().contains(&0) {
        return raise!(cx, TypeError, "memoryview: cannot cast view with zeros in shape or strides");
    }
    let dims = shape.map(|shape| shape_of(cx, shape)).transpose()?;
    if this.ndim != 1 && dims.as_ref().is_some_and(|d| d.len() != 1) {
        return raise!(cx, TypeError, "memoryview: cast must be 1D -> ND or ND -> 1D");
    }
    const NATIVE: &str = "format must be a native single character format prefixed with an optional '@'";
    let from = items::native_char(&this.format.to_string_lossy());
    let Some(to) = items::native_char(&format.to_string_lossy()) else {
        return raise!(cx, ValueError, "memoryview: destination {NATIVE}");
    };
    let is_byte = |c| matches!(c, b'b' | b'B' | b'c');
    if !from.is_some_and(is_byte) && !is_byte(to) {
        return raise!(cx, TypeError, "memoryview: cannot cast between two non-byte formats");
    }
    let itemsize = items::size_of(to).expect("a native format");
    if !this.nbytes.is_multiple_of(itemsize) {
        return raise!(cx, TypeError, "memoryview: length is not a multiple of itemsize");
    }
    let dims = match dims {
        None => vec![(this.nbytes / itemsize) as isize],
        Some(dims) => {
            let product = dims.iter().try_fold(1isize, |p, n| p.checked_mul(*n));
            if product.and_then(|p| p.checked_mul(itemsize as isize)) != Some(this.nbytes as isize) {
                return raise!(cx, TypeError, "memoryview: product(shape) * itemsize != buffer size");
            }
            dims
        }
    };
    let strides = contiguous_strides(&dims, itemsize);
    let layout = crate::types::memoryview::Layout {
        data: this.data,
        itemsize,
        shape: &dims,
        strides: &strides,
        format,
        readonly: this.readonly,
    };
    Ok(MemoryView::new(cx, this.managed, &layout))
}

fn shape_of(cx: &mut Cx, shape: Value) -> PyResult<Vec<isize>> {
    let items = match (shape.downcast::<List>(), shape.downcast::<Tuple>()) {
        (Some(list), _) => list.items().to_vec(),
        (None, Some(tuple)) => tuple.items().to_vec(),
        _ => return raise!(cx, TypeError, "shape must be a list or a tuple"),
    };
    if items.len() > 64 {
        return raise!(cx, ValueError, "memoryview: number of dimensions must not exceed 64");
    }
    let mut dims = Vec::with_capacity(items.len());
    for v in items {
        if !int::check(v) {
            return raise!(cx, TypeError, "memoryview.cast(): elements of shape must be integers");
        }
        let n = number::to_isize(cx, v)?;
        if n <= 0 {
            return raise!(cx, ValueError, "memoryview.cast(): elements of shape must be integers > 0");
        }
        dims.push(n);
    }
    Ok(dims)
}

// ---- iterator --------------------------------------------------------------------------------------

/// An iterator over a one-dimensional view.
#[repr(C)]
pub struct MemoryIter {
    header: Header,
    /// None when exhausted.
    view: Cell<Option<&'static MemoryView>>,
    index: Cell<usize>,
}
object!(MemoryIter, MEMORY_ITER);

/// The type memory_iterator.
pub static MEMORY_ITER: Type = Type::new(&MEMORY_ITER_SPEC);
static MEMORY_ITER_SPEC: TypeSpec = TypeSpec {
    name: "memory_iterator",
    basicsize: std::mem::size_of::<MemoryIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace_iter(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these iterators only.
    if let Some(view) = unsafe { (*object.cast::<MemoryIter>()).view.get() } {
        marker.mark_value(Value::of(view).bits());
    }
}

fn iter_new(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let view = of(v);
    view.check(cx)?;
    match view.ndim {
        0 => return raise!(cx, TypeError, "invalid indexing of 0-dim memory"),
        1 => {}
        _ => return raise!(cx, NotImplementedError, "multi-dimensional sub-views are not implemented"),
    }
    view.native_format(cx)?;
    let view = Cell::new(Some(view));
    Ok(Value::of(cx.alloc(MemoryIter { header: Header::fresh(&MEMORY_ITER), view, index: Cell::new(0) })))
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<MemoryIter>() };
    let Some(view) = this.view.get() else { return Ok(None) };
    let i = this.index.get();
    if i >= view.shape()[0] as usize {
        this.view.set(None);
        return Ok(None);
    }
    view.check(cx)?;
    this.index.set(i + 1);
    let p = view.data.wrapping_offset(i as isize * view.strides()[0]);
    item(cx, view, p).map(Some)
}
