//! `Array` and its metaclass.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{Args, NativeDef};
use taipan_runtime::protocol::{buffer, iter, number, object as protocol, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::descr::GetSet;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

use crate::data::{self, CDATA, CData};
use crate::info::{self, Kind};
use crate::meta::{FromParam, Instances, make_class, metaclass, optional};
use crate::simple;

/// `PyCArrayType`.
pub static ARRAY_META: Type = Type::new(&META_SPEC);
static META_SPEC: TypeSpec = metaclass(
    "_ctypes.PyCArrayType",
    Slots { init: Some(init_class), ..Slots::NONE },
    &[Instances::METHODS, FromParam::METHODS],
);

/// `Array`.
pub static ARRAY: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.Array",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC | flags::SEQUENCE,
    slots: Slots {
        new: Some(new),
        init: Some(init),
        len: Some(|_, v| Ok(data::of(v).length())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        ..Slots::NONE
    },
    methods: &[ArrayMethods::METHODS],
    doc: "Abstract base class for arrays.\n\nThe recommended way to create concrete array types is by multiplying any\nctypes data type with a non-negative integer. Alternatively, you can subclass\nthis type and define _length_ and _type_ class variables. Array elements can\nbe read and written using standard subscript and slice accesses for slice\nreads, the resulting object is not itself an Array.",
    ..TypeSpec::DEFAULT
};

struct ArrayMethods;

#[pymethods]
impl ArrayMethods {
    /// Arrays are generic over the type of their elements
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        taipan_runtime::types::generic_alias::new(cx, class, object)
    }
}

/// `type * n`.
pub fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    if n < 0 {
        return raise!(cx, ValueError, "Array length must be >= 0, not {n}");
    }
    let Some(info) = info::of(class) else { return raise!(cx, TypeError, "Expected a type object") };
    let arrays = match info.arrays.get() {
        Some(arrays) => arrays,
        None => {
            let arrays = Dict::new(cx);
            info.arrays.set(Some(arrays));
            cx.barrier(info);
            arrays
        }
    };
    let key = cx.int(n as i64);
    if let Some(found) = arrays.get(cx, key)? {
        return Ok(found);
    }
    let name = format!("{}_Array_{n}", class.name());
    let made = make_class(cx, &ARRAY_META, &ARRAY, &name, &[("_length_", key), ("_type_", v)])?;
    arrays.set(cx, key, Value::of(made))?;
    Ok(Value::of(made))
}

fn length_of(cx: &mut Cx, class: &'static Type) -> PyResult<usize> {
    let Some(length) = optional(cx, class, "_length_")? else {
        return raise!(cx, AttributeError, "class must define a '_length_' attribute");
    };
    if !int::check(length) {
        return raise!(cx, TypeError, "The '_length_' attribute must be an integer");
    }
    if int::view(length).is_some_and(|v| v.negative) {
        return raise!(cx, ValueError, "The '_length_' attribute must not be negative");
    }
    match int::as_i64(length) {
        Some(n) => Ok(n as usize),
        None => raise!(cx, OverflowError, "The '_length_' attribute is too large"),
    }
}

fn init_class(cx: &mut Cx, v: Value, _: Args) -> PyResult<()> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    // `Array` itself and what has no items yet are abstract.
    let length = length_of(cx, class)?;
    let Some(item) = optional(cx, class, "_type_")? else {
        return raise!(cx, AttributeError, "class must define a '_type_' attribute");
    };
    let (Some(item_class), Some(item)) = (item.downcast::<Type>(), info::of_value(item)) else {
        return raise!(cx, TypeError, "_type_ must have storage info");
    };
    let Some(size) = item.size.get().checked_mul(length).filter(|n| *n <= isize::MAX as usize) else {
        return raise!(cx, OverflowError, "array too large");
    };
    let info = info::attach(cx, class, Kind::Array)?;
    item.is_final.set(true);
    info.size.set(size);
    info.align.set(item.align.get());
    info.length.set(length);
    info.item.set(Some(item_class));
    info.has_pointer.set(item.has_pointer.get());
    info.has_union.set(item.has_union.get());
    info.has_bitfield.set(item.has_bitfield.get());
    info.format.set(item.format.get());
    let inner = item.shape.get().map_or(&[][..], |t| t.items());
    let mut shape = taipan_runtime::heap::RootVec::new();
    let outer = cx.int(length as i64);
    shape.push(outer);
    shape.extend_from_slice(inner);
    let shape = Tuple::new(cx, &shape);
    info.shape.set(Some(shape));
    cx.barrier(info);
    if item.kind.get() == Kind::Simple {
        let defs: &'static [taipan_runtime::native::GetSetDef] = match item.code.get() {
            b'c' => CharArray::GETSETS,
            b'u' => WideArray::GETSETS,
            _ => &[],
        };
        for def in defs {
            GetSet::define(cx, class, def);
        }
        if !defs.is_empty() {
            cx.type_modified(class);
        }
    }
    Ok(())
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(CData::new(cx, class)?))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    for (i, value) in args.pos().iter().enumerate() {
        set_index(cx, data::of(v), i as isize, *value)?;
    }
    Ok(())
}

impl CData {
    /// Items of an array.
    pub fn length(&self) -> usize {
        self.info().length.get()
    }
}

/// The item type of an array or pointer, its size, and whether slices of it are bytes (`c`) or text (`u`).
pub fn items_of(this: &CData) -> Option<(&'static Type, usize, u8)> {
    let class = this.info().item.get()?;
    let item = info::of(class)?;
    let code = if item.kind.get() == Kind::Simple { item.code.get() } else { 0 };
    Some((class, item.size.get(), code))
}

fn get_index(cx: &mut Cx, this: &'static CData, i: isize) -> PyResult<Value> {
    let Some((class, size, _)) = items_of(this) else { return raise!(cx, TypeError, "abstract class") };
    match usize::try_from(i).ok().filter(|i| *i < this.length() && (i + 1) * size <= this.size()) {
        // SAFETY: CT-1, within the array.
        Some(i) => unsafe { data::get(cx, class, this, i, this.ptr().add(i * size)) },
        None => raise!(cx, IndexError, "invalid index"),
    }
}

fn set_index(cx: &mut Cx, this: &'static CData, i: isize, value: Value) -> PyResult<()> {
    let Some((class, size, _)) = items_of(this) else { return raise!(cx, TypeError, "abstract class") };
    match usize::try_from(i).ok().filter(|i| *i < this.length() && (i + 1) * size <= this.size()) {
        // SAFETY: CT-1, within the array.
        Some(i) => unsafe { data::set(cx, class, this, i, this.ptr().add(i * size), value) },
        None => raise!(cx, IndexError, "invalid index"),
    }
}

fn index(cx: &mut Cx, this: &CData, key: Value) -> PyResult<isize> {
    let i = number::to_isize(cx, key);
    let i = match i {
        Err(_) if cx.exception_matches(&exceptions::OverflowError) => {
            cx.take_exception();
            return raise!(cx, IndexError, "cannot fit '{}' into an index-sized integer", key.class().tp_name());
        }
        i => i?,
    };
    Ok(if i < 0 { i + this.length() as isize } else { i })
}

/// Items of an array or pointer as bytes, str or a list, by their indices.
///
/// # Safety
/// The items must be there.
pub unsafe fn collect(
    cx: &mut Cx,
    this: &'static CData,
    start: *mut u8,
    indices: &[isize],
    mut get: impl FnMut(&mut Cx, isize) -> PyResult<Value>,
) -> PyResult<Value> {
    let code = items_of(this).map_or(0, |(_, _, code)| code);
    // SAFETY: the caller's promise.
    unsafe {
        match code {
            b'c' => {
                let bytes: Vec<u8> = indices.iter().map(|i| *start.offset(*i)).collect();
                Ok(Value::of(Bytes::new(cx, &bytes)))
            }
            b'u' => {
                let wide: Vec<u32> = indices.iter().map(|i| start.cast::<u32>().offset(*i).read_unaligned()).collect();
                simple::wide_str(cx, wide.as_ptr(), wide.len())
            }
            _ => {
                let list = List::new(cx);
                for i in indices {
                    let item = get(cx, *i)?;
                    list.push(cx, item);
                }
                Ok(Value::of(list))
            }
        }
    }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = data::of(v);
    if sequence::is_index(key) {
        let i = index(cx, this, key)?;
        return get_index(cx, this, i);
    }
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.length())?;
        let indices: Vec<isize> = range.indices().map(|i| i as isize).collect();
        // SAFETY: within the array.
        return unsafe { collect(cx, this, this.ptr(), &indices, |cx, i| get_index(cx, this, i)) };
    }
    raise!(cx, TypeError, "indices must be integers")
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = data::of(v);
    let Some(value) = value else { return raise!(cx, TypeError, "Array does not support item deletion") };
    if sequence::is_index(key) {
        let i = index(cx, this, key)?;
        return set_index(cx, this, i, value);
    }
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.length())?;
        let n = protocol::len(cx, value)?;
        if n != range.len {
            return raise!(cx, ValueError, "Can only assign sequence of same size");
        }
        let items = iter::collect(cx, value)?;
        for (i, item) in range.indices().zip(items.iter()) {
            set_index(cx, this, i as isize, *item)?;
        }
        return Ok(());
    }
    raise!(cx, TypeError, "indices must be integer")
}

/// Attributes of arrays of characters.
struct CharArray;

#[pymethods]
impl CharArray {
    /// value
    #[getter]
    fn raw(cx: &mut Cx, this: &'static CData) -> &'static Bytes {
        // SAFETY: CT-1.
        Bytes::new(cx, unsafe { std::slice::from_raw_parts(this.ptr(), this.size()) })
    }
    #[setter("raw")]
    fn set_raw(cx: &mut Cx, this: &'static CData, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else {
            let class = this.class().name();
            return raise!(cx, AttributeError, "attribute 'raw' of '{class}' objects cannot be deleted");
        };
        let held = buffer::hold(cx, value, 0)?;
        if held.len > this.size() {
            return raise!(cx, ValueError, "byte string too long");
        }
        // SAFETY: CT-1; the buffer may be this very array.
        unsafe { std::ptr::copy(held.data, this.ptr(), held.len) };
        Ok(())
    }

    /// string value
    #[getter]
    fn value(cx: &mut Cx, this: &'static CData) -> &'static Bytes {
        // SAFETY: CT-1.
        let all = unsafe { std::slice::from_raw_parts(this.ptr(), this.size()) };
        let n = all.iter().position(|b| *b == 0).unwrap_or(all.len());
        Bytes::new(cx, &all[..n])
    }
    #[setter("value")]
    fn set_value(cx: &mut Cx, this: &'static CData, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "can't delete attribute") };
        let Some(bytes) = value.downcast::<Bytes>() else {
            return raise!(cx, TypeError, "bytes expected instead of {} instance", value.class().tp_name());
        };
        let (data, size) = (bytes.data(), this.size());
        if data.len() > size {
            return raise!(cx, ValueError, "byte string too long");
        }
        // SAFETY: CT-1; a terminating zero where there is room.
        unsafe {
            std::ptr::copy_nonoverlapping(data.as_ptr(), this.ptr(), data.len());
            if data.len() < size {
                *this.ptr().add(data.len()) = 0;
            }
        }
        Ok(())
    }
}

/// Attributes of arrays of wide characters.
struct WideArray;

#[pymethods]
impl WideArray {
    /// string value
    #[getter]
    fn value(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
        let (p, n) = (this.ptr().cast::<u32>(), this.size() / 4);
        // SAFETY: CT-1.
        unsafe {
            let n = (0..n).find(|i| p.add(*i).read_unaligned() == 0).unwrap_or(n);
            simple::wide_str(cx, p, n)
        }
    }
    #[setter("value")]
    fn set_value(cx: &mut Cx, this: &'static CData, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "can't delete attribute") };
        let Some(s) = value.downcast::<Str>() else {
            let got = value.class().tp_name();
            return raise!(cx, TypeError, "unicode string expected instead of {got} instance");
        };
        let size = this.size() / 4;
        if s.len() > size {
            return raise!(cx, ValueError, "string too long");
        }
        for (i, c) in s.chars().chain([0]).take(size).enumerate() {
            // SAFETY: CT-1.
            unsafe { this.ptr().cast::<u32>().add(i).write_unaligned(c) };
        }
        Ok(())
    }
}

const _: &[NativeDef] = CharArray::METHODS;
const _: &[NativeDef] = WideArray::METHODS;
