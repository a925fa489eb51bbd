//! The module and its functions.

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use taipan_stdlib::host;
use taipan_stdlib::sys::hooks;

use crate::array::{ARRAY, ARRAY_META};
use crate::call::{self, Signature};
use crate::callback::THUNK;
use crate::data::{CDATA, CData};
use crate::dynamic;
use crate::field::CFIELD;
use crate::function::FUNCTION;
use crate::function_type::{CDECL, FUNCTION_META, PYTHON_API, USE_ERRNO};
use crate::helpers;
use crate::info::{self, INFO};
use crate::meta::CTYPE_TYPE;
use crate::param::{CARG, CArg};
use crate::pointer::{POINTER, POINTER_META};
use crate::simple;
use crate::simple_type::{SIMPLE, SIMPLE_META};
use crate::structure::{STRUCT_META, STRUCTURE, UNION, UNION_META};

/// `ctypes.ArgumentError`.
pub static ARGUMENT_ERROR: Type = Type::new(&ARGUMENT_ERROR_SPEC);
static ARGUMENT_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "ctypes.ArgumentError",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

struct Functions;

fn data_arg(cx: &mut Cx, v: Value, label: &str) -> PyResult<&'static CData> {
    match v.downcast::<CData>() {
        Some(data) => Ok(data),
        None => raise!(cx, TypeError, "{label} must be _ctypes._CData, not {}", v.class().tp_name()),
    }
}

/// The info of a C type or of an instance of one.
fn info_arg(v: Value) -> Option<&'static info::Info> {
    v.downcast::<CData>().map(|d| d.info()).or_else(|| info::of_value(v))
}

fn address_arg(cx: &mut Cx, v: Value) -> PyResult<usize> {
    if !int::check(v) {
        return raise!(cx, TypeError, "an integer is required");
    }
    Ok(simple::low_bits(cx, v)? as usize)
}

fn call_address(cx: &mut Cx, args: Args, flags: i64) -> PyResult<Value> {
    let &[address, arguments] = args.pos() else {
        return raise!(cx, TypeError, "function takes exactly 2 arguments ({} given)", args.pos().len());
    };
    let address = address_arg(cx, address)?;
    let Some(arguments) = arguments.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "argument 2 must be tuple, not {}", arguments.class().tp_name());
    };
    hooks::audit(cx, "ctypes.call_function", args.pos())?;
    let signature = Signature { converters: None, restype: None, checker: None, flags };
    call::call(cx, address as *mut u8, arguments.items(), &signature)
}

#[pymethods]
impl Functions {
    /// Return the address of the C instance internal buffer
    #[py("($module, obj, /)")]
    fn addressof(cx: &mut Cx, obj: Value) -> PyResult<Value> {
        let data = data_arg(cx, obj, "addressof() argument")?;
        hooks::audit(cx, "ctypes.addressof", &[obj])?;
        Ok(cx.int_u64(data.ptr() as u64))
    }

    /// alignment(C type) -> integer
    /// alignment(C instance) -> integer
    /// Return the alignment requirements of a C instance
    #[py("($module, object, /)")]
    fn alignment(cx: &mut Cx, object: Value) -> PyResult<usize> {
        match info_arg(object) {
            Some(info) => Ok(info.align.get()),
            None => raise!(cx, TypeError, "no alignment info"),
        }
    }

    /// Return the size in bytes of a C instance.
    #[py("($module, obj, /)")]
    fn sizeof(cx: &mut Cx, obj: Value) -> PyResult<usize> {
        match (obj.downcast::<CData>(), info::of_value(obj)) {
            (Some(data), _) => Ok(data.size()),
            (None, Some(info)) => Ok(info.size.get()),
            _ => raise!(cx, TypeError, "this type has no size"),
        }
    }

    /// Return a pointer lookalike to a C instance, only usable as function argument.
    #[py("($module, obj, offset=0, /)")]
    fn byref(cx: &mut Cx, obj: Value, offset: Option<isize>) -> PyResult<&'static CArg> {
        let data = data_arg(cx, obj, "byref() argument 1")?;
        let p = data.ptr().wrapping_offset(offset.unwrap_or(0));
        let ffi = &raw mut libffi_sys::ffi_type_pointer;
        Ok(CArg::new(cx, b'P', [p as u64, 0, 0, 0], ffi, obj))
    }

    #[py("($module, obj, size, /)")]
    fn resize(cx: &mut Cx, obj: Value, size: isize) -> PyResult<()> {
        let Some(data) = obj.downcast::<CData>() else {
            return raise!(cx, TypeError, "excepted ctypes instance");
        };
        let least = data.info().size.get();
        let Some(size) = usize::try_from(size).ok().filter(|n| *n >= least) else {
            return raise!(cx, ValueError, "minimum size is {least}");
        };
        if !data.is_owner() {
            return raise!(cx, ValueError, "Memory cannot be resized because this object doesn't own it");
        }
        data.resize(cx, size);
        Ok(())
    }

    /// Return buffer interface information
    #[py("($module, object, /)")]
    fn buffer_info(cx: &mut Cx, object: Value) -> PyResult<Value> {
        let Some(info) = info_arg(object) else { return raise!(cx, TypeError, "not a ctypes type or object") };
        let format = cx.str(&info.format_text());
        let shape = match info.shape.get() {
            Some(shape) => shape,
            None => Tuple::new(cx, &[]),
        };
        let ndim = Value::small(shape.len() as i64);
        Ok(Value::of(Tuple::new(cx, &[format, ndim, Value::of(shape)])))
    }

    /// dlopen(name, flag={RTLD_GLOBAL|RTLD_LOCAL}) open a shared library
    #[py("($module, name, flag=0, /)")]
    fn dlopen(cx: &mut Cx, name: Value, flag: Option<i32>) -> PyResult<Value> {
        let path = if name.is_none() { None } else { Some(host::fs_bytes(cx, name)?) };
        hooks::audit(cx, "ctypes.dlopen", &[name])?;
        let handle = dynamic::open(cx, path.as_deref(), flag.unwrap_or(libc::RTLD_NOW))?;
        Ok(cx.int_u64(handle as u64))
    }

    /// dlclose a library
    #[py("($module, handle, /)")]
    fn dlclose(cx: &mut Cx, handle: Value) -> PyResult<()> {
        let handle = address_arg(cx, handle)?;
        // SAFETY: a handle that `dlopen` gave.
        if unsafe { libc::dlclose(handle as *mut _) } != 0 {
            let text = dynamic::error_text();
            return raise!(cx, OSError, "{text}");
        }
        Ok(())
    }

    /// find symbol in shared library
    #[py("($module, handle, name, /)")]
    fn dlsym(cx: &mut Cx, handle: Value, name: &'static Str) -> PyResult<Value> {
        hooks::audit(cx, "ctypes.dlsym/handle", &[handle, Value::of(name)])?;
        let handle = address_arg(cx, handle)?;
        match dynamic::symbol(cx, handle, name)? {
            Ok(address) => Ok(cx.int_u64(address as u64)),
            Err(reason) => raise!(cx, OSError, "{}", reason.text(name)),
        }
    }

    /// dllist() return a list of loaded shared libraries
    #[py("($module, /)")]
    fn dllist(cx: &mut Cx) -> &'static List {
        dynamic::list(cx)
    }

    #[py("($module, /)")]
    fn get_errno(cx: &mut Cx) -> PyResult<i32> {
        hooks::audit(cx, "ctypes.get_errno", &[])?;
        Ok(call::errno())
    }

    #[py("($module, value, /)")]
    fn set_errno(cx: &mut Cx, value: Value) -> PyResult<i32> {
        hooks::audit(cx, "ctypes.set_errno", &[value])?;
        let value = number::to_i32(cx, value)?;
        Ok(call::replace_errno(value))
    }

    #[py("($module, address, arguments, /)", raw)]
    fn call_function(cx: &mut Cx, args: Args) -> PyResult<Value> {
        call_address(cx, args, 0)
    }

    #[py("($module, address, arguments, /)", raw)]
    fn call_cdeclfunction(cx: &mut Cx, args: Args) -> PyResult<Value> {
        call_address(cx, args, CDECL)
    }

    #[py("($module, address, /)", name = "PyObj_FromPtr")]
    fn object_at(cx: &mut Cx, address: Value) -> PyResult<Value> {
        let address = address_arg(cx, address)?;
        hooks::audit(cx, "ctypes.PyObj_FromPtr", &[Value::small(address as i64)])?;
        match Value::from_bits(address as u64) {
            Some(v) => Ok(v),
            None => raise!(cx, ValueError, "PyObject is NULL"),
        }
    }

    #[py("($module, object, /)", name = "Py_INCREF")]
    fn incref(_: &mut Cx, object: Value) -> Value {
        object
    }

    #[py("($module, object, /)", name = "Py_DECREF")]
    fn decref(_: &mut Cx, object: Value) -> Value {
        object
    }

    #[py("($module, type, state, /)")]
    fn _unpickle(cx: &mut Cx, class: Value, state: &'static Tuple) -> PyResult<Value> {
        let made = cx.call_method_text(class, "__new__", &[class])?;
        cx.call_method_text(made, "__setstate__", state.items())?;
        Ok(made)
    }
}

fn add_addresses(cx: &mut Cx, module: &'static Module) {
    let addresses: [(&str, usize); 7] = [
        ("_memmove_addr", libc::memmove as *const () as usize),
        ("_memset_addr", libc::memset as *const () as usize),
        ("_string_at_addr", helpers::string_at as *const () as usize),
        ("_wstring_at_addr", helpers::wstring_at as *const () as usize),
        ("_memoryview_at_addr", helpers::memoryview_at as *const () as usize),
        ("_cast_addr", helpers::cast as *const () as usize),
        ("CTYPES_MAX_ARGCOUNT", call::MAX_ARGUMENTS),
    ];
    for (name, value) in addresses {
        let value = cx.int_u64(value as u64);
        module.set(cx, name, value);
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "Create and manipulate C compatible data types in Python.";
    let module = taipan_stdlib::make(cx, "_ctypes", doc, Functions::METHODS);
    for class in [&INFO, &CARG, &THUNK, &CTYPE_TYPE, &CDATA] {
        cx.ready_type(class);
    }
    let pairs = [
        (&STRUCT_META, &STRUCTURE),
        (&UNION_META, &UNION),
        (&ARRAY_META, &ARRAY),
        (&POINTER_META, &POINTER),
        (&SIMPLE_META, &SIMPLE),
        (&FUNCTION_META, &FUNCTION),
    ];
    for (meta, class) in pairs {
        cx.ready_type(meta);
        if class.header().class_is_unset() {
            class.header().set_class(meta);
        }
        module.add_type(cx, class);
    }
    for class in [&CFIELD, &ARGUMENT_ERROR] {
        module.add_type(cx, class);
    }
    host::add_ints(
        cx,
        module,
        &[
            ("FUNCFLAG_CDECL", CDECL),
            ("FUNCFLAG_PYTHONAPI", PYTHON_API),
            ("FUNCFLAG_USE_ERRNO", USE_ERRNO),
            ("FUNCFLAG_USE_LASTERROR", 16),
            ("RTLD_LOCAL", i64::from(libc::RTLD_LOCAL)),
            ("RTLD_GLOBAL", i64::from(libc::RTLD_GLOBAL)),
            ("SIZEOF_TIME_T", std::mem::size_of::<libc::time_t>() as i64),
        ],
    );
    add_addresses(cx, module);
    let version = cx.str("1.1.0");
    module.set(cx, "__version__", version);
    Ok(module)
}
