//! The few functions of CPython's C API that make sense for programs that reach them through `ctypes.pythonapi`.

use std::ffi::{c_int, c_void};

use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::code_extra::{self, FreeFunction};
use taipan_runtime::{Value, exceptions, threads};

/// The code object at an address that came from a `py_object`; SystemError without one.
fn code_at(object: usize) -> Option<&'static CodeObject> {
    let code = Value::from_bits(object as u64).and_then(|v| v.exact::<CodeObject>());
    if code.is_none() {
        system_error();
    }
    code
}

fn system_error() {
    threads::attach(|cx| {
        cx.raise_text(&exceptions::SystemError, "bad argument to internal function");
    });
}

/// A new kind of words kept with code objects, -1 if there are too many.
#[unsafe(no_mangle)]
pub extern "C" fn PyUnstable_Eval_RequestCodeExtraIndex(free: Option<FreeFunction>) -> isize {
    threads::attach(|_| code_extra::request_index(free)).map_or(-1, |index| index as isize)
}

/// Sets a word of a code object.
#[unsafe(no_mangle)]
pub extern "C" fn PyUnstable_Code_SetExtra(code: usize, index: isize, extra: usize) -> c_int {
    let Some(code) = code_at(code) else { return -1 };
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    if threads::attach(|_| code_extra::set(code, index, extra)) {
        return 0;
    }
    system_error();
    -1
}

/// Stores a word of a code object in `extra`, null if there is none.
///
/// # Safety
/// `extra` must point to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyUnstable_Code_GetExtra(code: usize, index: isize, extra: *mut *mut c_void) -> c_int {
    let Some(code) = code_at(code) else { return -1 };
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let word = threads::attach(|_| code_extra::get(code, index));
    // SAFETY: the caller's promise.
    unsafe { *extra = word as *mut c_void };
    0
}
