//! `CFuncPtr`'s metaclass: signatures of functions.

use taipan_runtime::native::Args;
use taipan_runtime::protocol::{attr, iter};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::info::{self, Kind};
use crate::meta::{FromParam, Instances, metaclass, optional};

/// The function is a C function of the usual convention.
pub const CDECL: i64 = 1;
/// It is called with the GIL and may raise.
pub const PYTHON_API: i64 = 4;
/// `errno` is swapped with the thread's own copy.
pub const USE_ERRNO: i64 = 8;

/// `PyCFuncPtrType`.
pub static FUNCTION_META: Type = Type::new(&META_SPEC);
static META_SPEC: TypeSpec = metaclass(
    "_ctypes.PyCFuncPtrType",
    Slots { init: Some(init_class), ..Slots::NONE },
    &[Instances::METHODS, FromParam::METHODS],
);

fn init_class(cx: &mut Cx, v: Value, _: Args) -> PyResult<()> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    let info = info::attach(cx, class, Kind::Function)?;
    info.size.set(8);
    info.align.set(8);
    info.length.set(1);
    info.has_pointer.set(true);
    let format = cx.intern("X{}");
    info.format.set(Some(format));
    cx.barrier(info);
    match optional(cx, class, "_flags_")?.and_then(int::as_i64) {
        Some(flags) => info.function_flags.set(flags | PYTHON_API & flags),
        None => return raise!(cx, TypeError, "class must define _flags_ which must be an integer"),
    }
    if let Some(argtypes) = optional(cx, class, "_argtypes_")? {
        let (types, converters) = converters_of(cx, argtypes)?;
        info.argtypes.set(Some(types));
        info.converters.set(Some(converters));
        cx.barrier(info);
    }
    if let Some(restype) = optional(cx, class, "_restype_")? {
        if !is_result_type(restype) {
            return raise!(cx, TypeError, "_restype_ must be a type, a callable, or None");
        }
        info.restype.set(Some(restype));
        let checker = checker_of(cx, restype)?;
        info.checker.set(checker);
        cx.barrier(info);
    }
    Ok(())
}

/// Whether a result type is None, a C type or a callable.
pub fn is_result_type(v: Value) -> bool {
    v.is_none() || info::of_value(v).is_some() || v.class().slots().call.is_some()
}

/// `_check_retval_` of a result type.
pub fn checker_of(cx: &mut Cx, restype: Value) -> PyResult<Option<Value>> {
    let name = cx.intern("_check_retval_");
    attr::get_optional(cx, restype, name)
}

/// Argument types as a tuple, and their `from_param`s.
pub fn converters_of(cx: &mut Cx, argtypes: Value) -> PyResult<(&'static Tuple, &'static Tuple)> {
    if argtypes.class().slots().getitem.is_none() || argtypes.class().slots().len.is_none() {
        return raise!(cx, TypeError, "_argtypes_ must be a sequence of types");
    }
    let types = iter::to_tuple(cx, argtypes)?;
    if types.len() > crate::call::MAX_ARGUMENTS {
        let (n, most) = (types.len(), crate::call::MAX_ARGUMENTS);
        let text = format!("_argtypes_ has too many arguments ({n}), maximum is {most}");
        return Err(cx.raise_text(&crate::module::ARGUMENT_ERROR, &text));
    }
    let mut converters = taipan_runtime::heap::RootVec::new();
    let name = cx.intern("from_param");
    for (i, class) in types.items().iter().enumerate() {
        let n = i + 1;
        if let Some(info) = info::of_value(*class) {
            if info.has_union.get() && matches!(info.kind.get(), Kind::Struct | Kind::Union) {
                let text = format!("item {n} in _argtypes_ passes a union by value, which is unsupported.");
                return raise!(cx, TypeError, "{text}");
            }
            if info.has_bitfield.get() && matches!(info.kind.get(), Kind::Struct | Kind::Union) {
                let text = format!(
                    "item {n} in _argtypes_ passes a struct/union with a bitfield by value, which is unsupported."
                );
                return raise!(cx, TypeError, "{text}");
            }
        }
        let Some(converter) = attr::get_optional(cx, *class, name)? else {
            return raise!(cx, TypeError, "item {n} in _argtypes_ has no from_param method");
        };
        converters.push(converter);
    }
    let converters = Tuple::new(cx, &converters);
    Ok((types, converters))
}
