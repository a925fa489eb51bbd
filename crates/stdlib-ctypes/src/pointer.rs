//! `_Pointer` and its metaclass.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::Args;
use taipan_runtime::protocol::{number, object as protocol, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::slice::Slice;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::array::{collect, items_of};
use crate::data::{self, CDATA, CData};
use crate::info::{self, Info, Kind};
use crate::meta::{Instances, accept, metaclass, namespace_of};
use crate::param::CArg;

/// `PyCPointerType`.
pub static POINTER_META: Type = Type::new(&META_SPEC);
static META_SPEC: TypeSpec = metaclass(
    "_ctypes.PyCPointerType",
    Slots { init: Some(init_class), ..Slots::NONE },
    &[Instances::METHODS, PointerMethods::METHODS],
);

/// `_Pointer`.
pub static POINTER: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes._Pointer",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    slots: Slots {
        new: Some(new),
        init: Some(init),
        bool: Some(|_, v| Ok(!data::of(v).address().is_null())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        ..Slots::NONE
    },
    getsets: &[PointerAttributes::GETSETS],
    doc: "XXX to be provided",
    ..TypeSpec::DEFAULT
};

/// Says what type a pointer type points to.
fn set_target(cx: &mut Cx, class: &'static Type, info: &'static Info, target: Value) -> PyResult<()> {
    let Some(target) = target.downcast::<Type>() else { return raise!(cx, TypeError, "_type_ must be a type") };
    let Some(target_info) = info::of(target) else { return raise!(cx, TypeError, "_type_ must have storage info") };
    info.item.set(Some(target));
    let shape: Vec<String> = target_info.dimensions().iter().map(|n| n.to_string()).collect();
    let shape = if shape.is_empty() { String::new() } else { format!("({})", shape.join(",")) };
    let format = cx.intern(&format!("&{shape}{}", target_info.format_text()));
    info.format.set(Some(format));
    cx.barrier(info);
    if target_info.pointer_type.get().is_none() {
        target_info.pointer_type.set(Some(Value::of(class)));
        cx.barrier(target_info);
    }
    Ok(())
}

fn init_class(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    let info = info::attach(cx, class, Kind::Pointer)?;
    info.size.set(8);
    info.align.set(8);
    info.length.set(1);
    info.has_pointer.set(true);
    let key = cx.intern("_type_");
    match namespace_of(args).and_then(|dict| dict.get_str(key)) {
        Some(target) => set_target(cx, class, info, target),
        None => Ok(()),
    }
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    if info::of(class).is_none_or(|i| i.item.get().is_none()) {
        return raise!(cx, TypeError, "Cannot create instance: has no _type_");
    }
    Ok(Value::of(CData::new(cx, class)?))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    match args.pos() {
        [] => Ok(()),
        [target] => set_contents(cx, data::of(v), *target),
        more => raise!(cx, TypeError, "POINTER() takes at most 1 argument ({} given)", more.len()),
    }
}

fn set_contents(cx: &mut Cx, this: &'static CData, value: Value) -> PyResult<()> {
    let Some((class, ..)) = items_of(this) else { return raise!(cx, TypeError, "abstract class") };
    let target = value.downcast::<CData>();
    let fits = protocol::is_instance(cx, value, Value::of(class))?;
    // An array of another length of the same items will do.
    let is_array_like = || {
        let (info, own) = (target?.info(), info::of(class)?);
        let same = info.item.get().zip(own.item.get()).is_some_and(|(a, b)| std::ptr::eq(a, b));
        (info.kind.get() == Kind::Array && own.kind.get() == Kind::Array && same).then_some(())
    };
    let Some(target) = target.filter(|_| fits || is_array_like().is_some()) else {
        let (expected, got) = (class.name(), value.class().tp_name());
        return raise!(cx, TypeError, "expected {expected} instead of {got}");
    };
    this.set_address(target.ptr());
    this.keep(cx, 1, value)?;
    let kept = target.kept(cx);
    this.keep(cx, 0, kept)
}

/// Item `i`, counted from the address.
fn item_at(cx: &mut Cx, this: &'static CData, i: isize) -> PyResult<(&'static Type, *mut u8)> {
    let p = this.address();
    if p.is_null() {
        return raise!(cx, ValueError, "NULL pointer access");
    }
    let Some((class, size, _)) = items_of(this) else { return raise!(cx, TypeError, "abstract class") };
    Ok((class, p.wrapping_offset(i.wrapping_mul(size as isize))))
}

fn get_index(cx: &mut Cx, this: &'static CData, i: isize) -> PyResult<Value> {
    let (class, p) = item_at(cx, this, i)?;
    // SAFETY: the program says what the pointer points to.
    unsafe { data::get(cx, class, this, i as usize, p) }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = data::of(v);
    if sequence::is_index(key) {
        let i = number::to_isize(cx, key)?;
        return get_index(cx, this, i);
    }
    let Some(slice) = key.exact::<Slice>() else {
        return raise!(cx, TypeError, "Pointer indices must be integer");
    };
    let part = |cx: &mut Cx, v: Value| if v.is_none() { Ok(None) } else { number::to_isize(cx, v).map(Some) };
    let step = part(cx, slice.step)?.unwrap_or(1);
    if step == 0 {
        return raise!(cx, ValueError, "slice step cannot be zero");
    }
    let start = match part(cx, slice.start)? {
        Some(start) => start,
        None if step < 0 => return raise!(cx, ValueError, "slice start is required for step < 0"),
        None => 0,
    };
    let Some(stop) = part(cx, slice.stop)? else {
        return raise!(cx, ValueError, "slice stop is required");
    };
    let n = if step > 0 { (stop - start + step - 1) / step } else { (start - stop - step - 1) / -step };
    let indices: Vec<isize> = (0..n.max(0)).map(|k| start + k * step).collect();
    if !indices.is_empty() && this.address().is_null() {
        return raise!(cx, ValueError, "NULL pointer access");
    }
    // SAFETY: the program says what the pointer points to.
    unsafe { collect(cx, this, this.address(), &indices, |cx, i| get_index(cx, this, i)) }
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = data::of(v);
    let Some(value) = value else { return raise!(cx, TypeError, "Pointer does not support item deletion") };
    if !sequence::is_index(key) {
        return raise!(cx, TypeError, "Pointer indices must be integer");
    }
    let i = number::to_isize(cx, key)?;
    let (class, p) = item_at(cx, this, i)?;
    // SAFETY: the program says what the pointer points to.
    unsafe { data::set(cx, class, this, i as usize, p, value) }
}

struct PointerAttributes;

#[pymethods]
impl PointerAttributes {
    /// the object this pointer points to (read-write)
    #[getter]
    fn contents(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
        let (class, p) = item_at(cx, this, 0)?;
        // Of a pointer to a pointer, the very object that it was made of.
        if let Some(kept) = this.kept(cx).downcast::<Dict>() {
            let (zero, one) = (cx.intern("0"), cx.intern("1"));
            if kept.get_str(zero).is_some()
                && let Some(found) = kept.get_str(one).and_then(|v| v.downcast::<CData>())
                && std::ptr::eq(found.ptr(), p)
            {
                return Ok(Value::of(found));
            }
        }
        Ok(Value::of(CData::part_of(cx, class, this, 0, p)?))
    }
    #[setter("contents")]
    fn set_contents_(cx: &mut Cx, this: &'static CData, value: Option<Value>) -> PyResult<()> {
        match value {
            Some(value) => set_contents(cx, this, value),
            None => raise!(cx, TypeError, "Pointer does not support item deletion"),
        }
    }
}

struct PointerMethods;

#[pymethods]
impl PointerMethods {
    /// Convert a Python object into a function call parameter.
    #[py("($self, value, /)")]
    fn from_param(cx: &mut Cx, this: &'static Type, value: Value) -> PyResult<Value> {
        if value.is_none() {
            return Ok(value);
        }
        if let Some(target) = info::of(this).and_then(|i| i.item.get()) {
            if protocol::is_instance(cx, value, Value::of(target))?
                && let Some(data) = value.downcast::<CData>()
            {
                let ffi = &raw mut libffi_sys::ffi_type_pointer;
                return Ok(Value::of(CArg::new(cx, b'P', [data.ptr() as u64, 0, 0, 0], ffi, value)));
            }
            if let Some(data) = value.downcast::<CData>() {
                let info = data.info();
                let pointed = matches!(info.kind.get(), Kind::Array | Kind::Pointer);
                if pointed && info.item.get().is_some_and(|item| item.is_subtype(target)) {
                    return Ok(value);
                }
            }
            if let Some(arg) = value.downcast::<CArg>()
                && protocol::is_instance(cx, arg.object.get(), Value::of(target))?
            {
                return Ok(value);
            }
        }
        accept(cx, this, value)
    }

    #[py("($self, type, /)")]
    fn set_type(cx: &mut Cx, this: &'static Type, class: Value) -> PyResult<()> {
        let Some(info) = info::of(this) else { return raise!(cx, TypeError, "abstract class") };
        set_target(cx, this, info, class)?;
        let name = cx.intern("_type_");
        taipan_runtime::protocol::attr::set(cx, Value::of(this), name, Some(class))
    }
}
