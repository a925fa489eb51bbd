//! `CType_Type`, the base of the metaclasses, and what all C types can do.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{attr, buffer, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{HEAP_TYPE_SIZE, Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::memoryview::MemoryView;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::sys::hooks;

use crate::array;
use crate::data::{self, CData};
use crate::dynamic;
use crate::info;
use crate::param::{CArg, parameter_of};
use crate::simple;

/// `CType_Type`.
pub static CTYPE_TYPE: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.CType_Type",
    base: Some(&taipan_runtime::types::type_::TYPE),
    basicsize: HEAP_TYPE_SIZE + 8,
    flags: flags::BASETYPE | flags::TYPE | flags::HAVE_GC,
    trace: Some(info::trace_class),
    slots: Slots { repeat: Some(array::repeat), ..Slots::NONE },
    getsets: &[TypeAttributes::GETSETS],
    ..TypeSpec::DEFAULT
};

/// Makes the declaration of a metaclass.
pub const fn metaclass(
    name: &'static str,
    slots: Slots,
    methods: &'static [&'static [taipan_runtime::native::NativeDef]],
) -> TypeSpec {
    TypeSpec {
        name,
        base: Some(&CTYPE_TYPE),
        basicsize: HEAP_TYPE_SIZE + 8,
        flags: flags::BASETYPE | flags::TYPE | flags::HAVE_GC,
        trace: Some(info::trace_class),
        slots,
        methods,
        ..TypeSpec::DEFAULT
    }
}

struct TypeAttributes;

#[pymethods]
impl TypeAttributes {
    /// pointer type
    #[getter]
    fn __pointer_type__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let Some(info) = info::of(this) else {
            return raise!(cx, TypeError, "{} must have storage info", this.name());
        };
        match info.pointer_type.get() {
            Some(class) => Ok(class),
            None => {
                let class = protocol::repr_text(cx, Value::of(this))?;
                raise!(cx, AttributeError, "{class} has no attribute '__pointer_type__'")
            }
        }
    }
    #[setter("__pointer_type__")]
    fn set_pointer_type(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let Some(info) = info::of(this) else {
            return raise!(cx, TypeError, "{} must have storage info", this.name());
        };
        info.pointer_type.set(value);
        cx.barrier(info);
        Ok(())
    }
}

/// Arguments of a metaclass's `__init__`: the namespace.
pub fn namespace_of(args: taipan_runtime::Args) -> Option<&'static Dict> {
    args.pos().get(2).and_then(|v| v.downcast::<Dict>())
}

/// An attribute of a class, if it has it.
pub fn optional(cx: &mut Cx, class: &'static Type, name: &str) -> PyResult<Option<Value>> {
    let name = cx.intern(name);
    attr::get_optional(cx, Value::of(class), name)
}

/// Methods that make instances over existing memory.
pub struct Instances;

fn positive_offset(cx: &mut Cx, offset: Option<isize>) -> PyResult<usize> {
    match usize::try_from(offset.unwrap_or(0)) {
        Ok(offset) => Ok(offset),
        Err(_) => raise!(cx, ValueError, "offset cannot be negative"),
    }
}

fn check_room(cx: &mut Cx, have: usize, offset: usize, size: usize) -> PyResult<()> {
    if offset > have || size > have - offset {
        let need = size.saturating_add(offset);
        return raise!(cx, ValueError, "Buffer size too small ({have} instead of at least {need} bytes)");
    }
    Ok(())
}

#[pymethods]
impl Instances {
    /// C.from_address(integer) -> C instance
    ///
    /// Access a C instance at the specified address.
    #[py("($self, value, /)")]
    fn from_address(cx: &mut Cx, this: &'static Type, value: Value) -> PyResult<&'static CData> {
        if !int::check(value) {
            return raise!(cx, TypeError, "integer expected");
        }
        let address = simple::low_bits(cx, value)?;
        hooks::audit(cx, "ctypes.cdata", &[value])?;
        CData::at_address(cx, this, address as *mut u8)
    }

    /// C.from_buffer(object, offset=0) -> C instance
    ///
    /// Create a C instance from a writeable buffer.
    #[py("($self, obj, offset=0, /)")]
    fn from_buffer(cx: &mut Cx, this: &'static Type, obj: Value, offset: Option<isize>) -> PyResult<&'static CData> {
        let info = data::concrete(cx, this)?;
        let exported = buffer::get(cx, obj, buffer::FULL_RO)?;
        let (p, have, readonly, contiguous) =
            (exported.data, exported.len, exported.readonly, exported.is_contiguous());
        // Released with the view.
        let view = MemoryView::of_buffer(cx, exported);
        if readonly {
            return raise!(cx, TypeError, "underlying buffer is not writable");
        }
        if !contiguous {
            return raise!(cx, TypeError, "underlying buffer is not C contiguous");
        }
        let offset = positive_offset(cx, offset)?;
        let size = info.size.get();
        check_room(cx, have, offset, size)?;
        let address = cx.int_u64(p as u64);
        let (total, start) = (Value::small(have as i64), Value::small(offset as i64));
        hooks::audit(cx, "ctypes.cdata/buffer", &[address, total, start])?;
        // SAFETY: within the buffer, which the view keeps.
        let made = CData::at_address(cx, this, unsafe { p.add(offset) })?;
        made.keep(cx, usize::MAX, Value::of(view))?;
        Ok(made)
    }

    /// C.from_buffer_copy(object, offset=0) -> C instance
    ///
    /// Create a C instance from a readable buffer.
    #[py("($self, buffer, offset=0, /)")]
    fn from_buffer_copy(
        cx: &mut Cx,
        this: &'static Type,
        buffer: buffer::Held,
        offset: Option<isize>,
    ) -> PyResult<&'static CData> {
        let info = data::concrete(cx, this)?;
        let offset = positive_offset(cx, offset)?;
        check_room(cx, buffer.len, offset, info.size.get())?;
        CData::copy_of(cx, this, buffer.bytes()[offset..].as_ptr())
    }

    /// C.in_dll(dll, name) -> C instance
    ///
    /// Access a C instance in a dll.
    #[py("($self, dll, name, /)")]
    fn in_dll(cx: &mut Cx, this: &'static Type, dll: Value, name: &'static Str) -> PyResult<&'static CData> {
        hooks::audit(cx, "ctypes.dlsym", &[dll, Value::of(name)])?;
        let handle = attr::get_text(cx, dll, "_handle")?;
        if !int::check(handle) {
            return raise!(cx, TypeError, "the _handle attribute of the second argument must be an integer");
        }
        let handle = simple::low_bits(cx, handle)?;
        match dynamic::symbol(cx, handle as usize, name)? {
            Ok(address) => CData::at_address(cx, this, address as *mut u8),
            Err(reason) => raise!(cx, ValueError, "{}", reason.text(name)),
        }
    }
}

/// `from_param` of structures, unions, arrays and functions.
pub struct FromParam;

#[pymethods]
impl FromParam {
    /// Convert a Python object into a function call parameter.
    #[py("($self, value, /)")]
    fn from_param(cx: &mut Cx, this: &'static Type, value: Value) -> PyResult<Value> {
        accept(cx, this, value)
    }
}

/// What all types take as an argument: their instances, `byref` of one, and what `_as_parameter_` gives.
pub fn accept(cx: &mut Cx, class: &'static Type, value: Value) -> PyResult<Value> {
    if protocol::is_instance(cx, value, Value::of(class))? {
        return Ok(value);
    }
    if let Some(arg) = value.downcast::<CArg>() {
        let object = arg.object.get();
        if protocol::is_instance(cx, object, Value::of(class))? {
            return Ok(value);
        }
        let (expected, got) = (class.name(), object.class().name());
        return raise!(cx, TypeError, "expected {expected} instance instead of pointer to {got}");
    }
    if let Some(parameter) = parameter_of(cx, value)? {
        return cx.nested(" while processing _as_parameter_", |cx| accept(cx, class, parameter));
    }
    let (expected, got) = (class.name(), value.class().tp_name());
    raise!(cx, TypeError, "expected {expected} instance instead of {got}")
}

/// Calls a metaclass: a new class with these attributes.
pub fn make_class(
    cx: &mut Cx,
    meta: &'static Type,
    base: &'static Type,
    name: &str,
    attributes: &[(&str, Value)],
) -> PyResult<&'static Type> {
    let (name, namespace) = (cx.str(name), Dict::new(cx));
    for (key, value) in attributes {
        let key = cx.intern(key);
        namespace.set_str(cx, key, *value);
    }
    let bases = Tuple::new(cx, &[Value::of(base)]);
    let made = cx.call(Value::of(meta), &[name, Value::of(bases), Value::of(namespace)])?;
    match made.downcast::<Type>() {
        Some(class) => Ok(class),
        None => raise!(cx, TypeError, "a metaclass made no class"),
    }
}
