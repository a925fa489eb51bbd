//! `_SimpleCData` and its metaclass.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::Args;
use taipan_runtime::protocol::{attr, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::data::{self, CDATA, CData};
use crate::info::{self, Kind};
use crate::meta::{Instances, metaclass, namespace_of, optional};
use crate::param::{CArg, parameter_of};
use crate::simple;

/// `PyCSimpleType`.
pub static SIMPLE_META: Type = Type::new(&META_SPEC);
static META_SPEC: TypeSpec = metaclass(
    "_ctypes.PyCSimpleType",
    Slots { init: Some(init_class), ..Slots::NONE },
    &[Instances::METHODS, SimpleFromParam::METHODS],
);

/// `_SimpleCData`.
pub static SIMPLE: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes._SimpleCData",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), bool: Some(truth), ..Slots::NONE },
    getsets: &[SimpleAttributes::GETSETS],
    doc: "XXX to be provided",
    ..TypeSpec::DEFAULT
};

fn code_of(cx: &mut Cx, class: &'static Type) -> PyResult<u8> {
    let Some(code) = optional(cx, class, "_type_")? else {
        return raise!(cx, AttributeError, "class must define a '_type_' attribute");
    };
    let Some(code) = code.downcast::<Str>() else {
        return raise!(cx, TypeError, "class must define a '_type_' string attribute");
    };
    if code.len() != 1 {
        return raise!(cx, ValueError, "class must define a '_type_' attribute which must be a string of length 1");
    }
    match u8::try_from(code.at(0)).ok().filter(|c| simple::CODES.as_bytes().contains(c)) {
        Some(code) => Ok(code),
        None => raise!(
            cx,
            AttributeError,
            "class must define a '_type_' attribute which must be\na single character string containing one of the\nsupported types: '{}'.",
            simple::CODES
        ),
    }
}

fn fill(cx: &mut Cx, class: &'static Type, code: u8, swapped: bool) -> PyResult<()> {
    let info = info::attach(cx, class, Kind::Simple)?;
    let (size, align) = simple::layout(code);
    info.size.set(size);
    info.align.set(align);
    info.code.set(code);
    info.swapped.set(swapped);
    info.has_pointer.set(simple::is_pointer(code));
    let order = if swapped != cfg!(target_endian = "big") { '>' } else { '<' };
    let format = cx.intern(&format!("{order}{}", simple::buffer_code(code)));
    info.format.set(Some(format));
    cx.barrier(info);
    Ok(())
}

fn init_class(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    let code = code_of(cx, class)?;
    let has_twin = std::ptr::eq(class.header().class(), &SIMPLE_META) && simple::can_swap(code);
    if has_twin && args.pos().len() != 3 {
        let n = args.pos().len();
        return raise!(cx, TypeError, "PyCSimpleType.__init__() takes exactly 3 arguments ({n} given)");
    }
    fill(cx, class, code, false)?;
    // The twin with the other byte order is made of the same name, bases and namespace.
    let &[name, bases, _] = args.pos() else { return Ok(()) };
    if !has_twin {
        return Ok(());
    }
    let namespace = match namespace_of(args) {
        Some(dict) => dict.copy(cx),
        None => Dict::new(cx),
    };
    let new = taipan_runtime::types::type_methods::new;
    let twin = new(cx, &SIMPLE_META, Args::positional(&[name, bases, Value::of(namespace)]))?;
    // SAFETY: a new class.
    let twin = unsafe { twin.cast::<Type>() };
    fill(cx, twin, code, true)?;
    let (little, big) = if cfg!(target_endian = "big") { (twin, class) } else { (class, twin) };
    let (le, be) = (cx.intern("__ctype_le__"), cx.intern("__ctype_be__"));
    for target in [class, twin] {
        attr::set(cx, Value::of(target), le, Some(Value::of(little)))?;
        attr::set(cx, Value::of(target), be, Some(Value::of(big)))?;
    }
    Ok(())
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(CData::new(cx, class)?))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    match args.pos() {
        [] => Ok(()),
        [value] => set_value(cx, data::of(v), *value),
        more => raise!(cx, TypeError, "__init__ expected at most 1 argument, got {}", more.len()),
    }
}

fn get_value(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
    let info = this.info();
    // SAFETY: CT-1.
    unsafe { simple::get(cx, info.code.get(), info.swapped.get(), this.ptr()) }
}

fn set_value(cx: &mut Cx, this: &'static CData, value: Value) -> PyResult<()> {
    let info = this.info();
    // SAFETY: CT-1.
    let keep = unsafe { simple::set(cx, info.code.get(), info.swapped.get(), this.ptr(), value)? };
    this.keep(cx, 0, keep)
}

fn truth(_: &mut Cx, v: Value) -> PyResult<bool> {
    let this = data::of(v);
    // SAFETY: CT-1.
    Ok(unsafe { std::slice::from_raw_parts(this.ptr(), this.size()) }.iter().any(|b| *b != 0))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let (this, name) = (data::of(v), v.class().name());
    if !this.info().is_plain(this.class()) {
        return Ok(cx.str(&format!("<{name} object at {:#x}>", v.bits())));
    }
    let value = get_value(cx, this)?;
    let value = protocol::repr_text(cx, value)?;
    Ok(cx.str(&format!("{name}({value})")))
}

struct SimpleAttributes;

#[pymethods]
impl SimpleAttributes {
    /// current value
    #[getter]
    fn value(cx: &mut Cx, this: &'static CData) -> PyResult<Value> {
        get_value(cx, this)
    }
    #[setter("value")]
    fn set_value(cx: &mut Cx, this: &'static CData, value: Option<Value>) -> PyResult<()> {
        match value {
            Some(value) => set_value(cx, this, value),
            None => raise!(cx, TypeError, "can't delete attribute"),
        }
    }
}

struct SimpleFromParam;

#[pymethods]
impl SimpleFromParam {
    /// Convert a Python object into a function call parameter.
    #[py("($self, value, /)")]
    fn from_param(cx: &mut Cx, this: &'static Type, value: Value) -> PyResult<Value> {
        from_param(cx, this, value)
    }
}

fn from_param(cx: &mut Cx, class: &'static Type, value: Value) -> PyResult<Value> {
    let Some(info) = info::of(class) else { return raise!(cx, TypeError, "abstract class") };
    match info.code.get() {
        b'z' | b'Z' | b'P' => return pointer_param(cx, class, info.code.get(), value),
        _ => {}
    }
    if protocol::is_instance(cx, value, Value::of(class))? {
        return Ok(value);
    }
    match CArg::of_simple(cx, info.code.get(), info.swapped.get(), value) {
        Ok(arg) => Ok(Value::of(arg)),
        Err(raised) => {
            let exception = cx.take_exception();
            match parameter_of(cx, value)? {
                Some(parameter) => cx.nested(" while processing _as_parameter_", |cx| from_param(cx, class, parameter)),
                None => {
                    cx.raise_again(exception);
                    Err(raised)
                }
            }
        }
    }
}

/// Whether an array or pointer has items of the simple type `code`.
fn points_to(v: Value, code: u8) -> bool {
    let Some(data) = v.downcast::<CData>() else { return false };
    let info = data.info();
    matches!(info.kind.get(), Kind::Array | Kind::Pointer)
        && info.item.get().and_then(info::of).is_some_and(|i| i.kind.get() == Kind::Simple && i.code.get() == code)
}

/// `from_param` of `c_char_p`, `c_wchar_p` and `c_void_p`.
fn pointer_param(cx: &mut Cx, class: &'static Type, code: u8, value: Value) -> PyResult<Value> {
    if value.is_none() {
        return Ok(value);
    }
    let is_text = match code {
        b'z' => value.downcast::<Bytes>().is_some(),
        b'Z' => value.downcast::<Str>().is_some(),
        _ => false,
    };
    if is_text {
        return Ok(Value::of(CArg::of_simple(cx, code, false, value)?));
    }
    if protocol::is_instance(cx, value, Value::of(class))? {
        return Ok(value);
    }
    if code == b'P' {
        if int::check(value) {
            return Ok(Value::of(CArg::of_simple(cx, b'P', false, value)?));
        }
        if value.downcast::<Bytes>().is_some() {
            return Ok(Value::of(CArg::of_simple(cx, b'z', false, value)?));
        }
        if value.downcast::<Str>().is_some() {
            return Ok(Value::of(CArg::of_simple(cx, b'Z', false, value)?));
        }
        if let Some(arg) = value.downcast::<CArg>()
            && arg.tag.get() == b'P'
        {
            return Ok(value);
        }
        if let Some(data) = value.downcast::<CData>() {
            let info = data.info();
            let pointer = match info.kind.get() {
                Kind::Array | Kind::Pointer => return Ok(value),
                Kind::Function => true,
                Kind::Simple => matches!(info.code.get(), b'z' | b'Z'),
                _ => false,
            };
            if pointer {
                let bytes = [data.address() as u64, 0, 0, 0];
                let (tag, ffi) = (if info.kind.get() == Kind::Function { b'P' } else { b'Z' }, info.ffi());
                return Ok(Value::of(CArg::new(cx, tag, bytes, ffi, value)));
            }
        }
    } else {
        let item = if code == b'z' { b'c' } else { b'u' };
        if points_to(value, item) {
            return Ok(value);
        }
        if let Some(arg) = value.downcast::<CArg>()
            && let Some(data) = arg.object.get().downcast::<CData>()
        {
            let info = data.info();
            if info.kind.get() == Kind::Simple && info.code.get() == item {
                return Ok(value);
            }
        }
    }
    if let Some(parameter) = parameter_of(cx, value)? {
        return cx.nested(" while processing _as_parameter_", |cx| from_param(cx, class, parameter));
    }
    let name = match code {
        b'z' => "c_char_p",
        b'Z' => "c_wchar_p",
        _ => "c_void_p",
    };
    raise!(cx, TypeError, "'{}' object cannot be interpreted as ctypes.{name}", value.class().tp_name())
}
