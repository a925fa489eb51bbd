//! Calls of foreign functions.

use std::cell::Cell;
use std::ffi::c_void;

use libffi_sys as ffi;
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, raise};

use crate::data::CData;
use crate::function_type::{PYTHON_API, USE_ERRNO};
use crate::info::{self, Info};
use crate::module::ARGUMENT_ERROR;
use crate::param::Argument;
use crate::simple;

/// `CTYPES_MAX_ARGCOUNT`.
pub const MAX_ARGUMENTS: usize = 1024;

thread_local! {
    /// The thread's copy of `errno`.
    static ERRNO: Cell<i32> = const { Cell::new(0) };
}

/// `set_errno(value)`, and the old one.
pub fn replace_errno(value: i32) -> i32 {
    ERRNO.replace(value)
}

/// `get_errno()`.
pub fn errno() -> i32 {
    ERRNO.get()
}

/// Swaps `errno` with the thread's copy.
pub fn swap_errno() {
    // SAFETY: the location is the thread's own.
    unsafe {
        let location = libc::__errno_location();
        *location = ERRNO.replace(*location);
    }
}

/// How a function is called.
pub struct Signature {
    /// `from_param` of the declared arguments.
    pub converters: Option<&'static Tuple>,
    /// The result type; int if None.
    pub restype: Option<Value>,
    /// Checks the result.
    pub checker: Option<Value>,
    /// `FUNCFLAG_*`.
    pub flags: i64,
}

/// ArgumentError "argument N: TypeError: text" for the exception that was raised.
fn argument_error(cx: &mut Cx, number: usize) -> Raised {
    let exception = cx.take_exception();
    let class = exception.class().name();
    let text = match protocol::str(cx, exception) {
        Ok(text) => text.to_string_lossy(),
        Err(raised) => return raised,
    };
    cx.raise_text(&ARGUMENT_ERROR, &format!("argument {number}: {class}: {text}"))
}

fn convert(cx: &mut Cx, args: &[Value], signature: &Signature) -> PyResult<(Vec<Argument>, Keep)> {
    let mut keep = Keep(taipan_runtime::heap::RootVec::new());
    let mut converted = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        let mut value = *arg;
        if let Some(converter) = signature.converters.and_then(|c| c.items().get(i)) {
            value = match cx.call(*converter, &[*arg]) {
                Ok(value) => value,
                Err(_) => return Err(argument_error(cx, i + 1)),
            };
            keep.0.push(value);
        }
        match Argument::of(cx, value, i + 1) {
            Ok(argument) => {
                keep.0.push(argument.keep);
                converted.push(argument);
            }
            Err(_) => return Err(argument_error(cx, i + 1)),
        }
    }
    Ok((converted, keep))
}

/// What the arguments refer to, until the call has returned.
struct Keep(taipan_runtime::heap::RootVec);

/// Calls the function at `address`. May run Python code.
pub fn call(cx: &mut Cx, address: *mut u8, args: &[Value], signature: &Signature) -> PyResult<Value> {
    if args.len() > MAX_ARGUMENTS {
        let text = format!("too many arguments ({}), maximum is {MAX_ARGUMENTS}", args.len());
        return Err(cx.raise_text(&ARGUMENT_ERROR, &text));
    }
    let (mut arguments, keep) = convert(cx, args, signature)?;
    let result_info = signature.restype.and_then(info::of_value);
    let is_void = signature.restype.is_some_and(|r| r.is_none());
    let result_type = match result_info {
        Some(info) => info.ffi(),
        None if is_void => &raw mut ffi::ffi_type_void,
        None => &raw mut ffi::ffi_type_sint32,
    };
    let mut types: Vec<*mut ffi::ffi_type> = arguments.iter().map(|a| a.ffi).collect();
    let mut values: Vec<*mut c_void> =
        arguments.iter_mut().map(|a| a.memory.map_or(a.bytes.as_mut_ptr().cast::<c_void>(), |p| p.cast())).collect();
    let fixed = signature.converters.map_or(0, |c| c.len());
    // SAFETY: the types live as long as the infos, which the arguments and the signature keep.
    let (status, mut cif) = unsafe { prepare(result_type, &mut types, fixed) };
    if status != ffi::ffi_status_FFI_OK {
        return raise!(cx, RuntimeError, "ffi_prep_cif failed");
    }
    let mut result = vec![0u64; result_info.map_or(1, |i| i.size.get().div_ceil(8)).max(4)];
    let use_errno = signature.flags & USE_ERRNO != 0;
    // SAFETY: the program says that the function is of this type.
    let mut run = || unsafe {
        if use_errno {
            swap_errno();
        }
        let function = std::mem::transmute::<*mut u8, unsafe extern "C" fn()>(address);
        ffi::ffi_call(&mut cif, Some(function), result.as_mut_ptr().cast(), values.as_mut_ptr());
        if use_errno {
            swap_errno();
        }
    };
    if signature.flags & PYTHON_API != 0 {
        run();
        if cx.exception().is_some() {
            return Err(Raised);
        }
    } else {
        cx.allow_threads(run);
    }
    drop(keep);
    convert_result(cx, &mut result, result_info, signature)
}

/// # Safety
/// The types must be valid.
unsafe fn prepare(
    result: *mut ffi::ffi_type,
    types: &mut [*mut ffi::ffi_type],
    fixed: usize,
) -> (ffi::ffi_status, ffi::ffi_cif) {
    // SAFETY: filled by the library; the caller's promise.
    unsafe {
        let mut cif = std::mem::zeroed();
        let (n, abi) = (types.len() as u32, ffi::ffi_abi_FFI_DEFAULT_ABI);
        let status = if fixed > 0 && fixed < types.len() {
            ffi::ffi_prep_cif_var(&mut cif, abi, fixed as u32, n, result, types.as_mut_ptr())
        } else {
            ffi::ffi_prep_cif(&mut cif, abi, n, result, types.as_mut_ptr())
        };
        (status, cif)
    }
}

fn convert_result(
    cx: &mut Cx,
    result: &mut [u64],
    info: Option<&'static Info>,
    signature: &Signature,
) -> PyResult<Value> {
    let p = result.as_mut_ptr().cast::<u8>();
    let Some(restype) = signature.restype else {
        // SAFETY: at least 8 bytes.
        return Ok(Value::small(i64::from(unsafe { *p.cast::<i32>() })));
    };
    if restype.is_none() {
        return Ok(restype);
    }
    let value = match (info, restype.downcast()) {
        (Some(info), Some(class)) if info.is_plain(class) => {
            // SAFETY: the result is of the type.
            unsafe { simple::get(cx, info.code.get(), info.swapped.get(), p)? }
        }
        // SAFETY: as above.
        (Some(_), Some(class)) => Value::of(CData::copy_of(cx, class, p)?),
        _ => {
            // SAFETY: at least 8 bytes.
            let n = Value::small(i64::from(unsafe { *p.cast::<i32>() }));
            return cx.call(restype, &[n]);
        }
    };
    match signature.checker {
        Some(checker) => cx.call(checker, &[value]),
        None => Ok(value),
    }
}
