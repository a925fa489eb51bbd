//! Shared libraries.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

/// The text of the last error.
pub fn error_text() -> String {
    // SAFETY: a C string or null.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            "unknown dl-error".to_string()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}

/// Why there is no address.
pub enum NotFound {
    /// The loader says.
    Error(String),
    /// The symbol is there, but its address is 0.
    Null,
}

impl NotFound {
    /// The text for a symbol that is not a function.
    pub fn text(self, name: &Str) -> String {
        match self {
            NotFound::Error(text) => text,
            NotFound::Null => format!("symbol '{name}' not found"),
        }
    }
}

/// A symbol's address in a library.
pub fn symbol(cx: &mut Cx, handle: usize, name: &'static Str) -> PyResult<Result<usize, NotFound>> {
    let bytes = host::fs_encode(cx, name)?;
    let Ok(name) = CString::new(bytes) else { return raise!(cx, ValueError, "embedded null character") };
    // SAFETY: a handle that `dlopen` gave, and a C string.
    unsafe {
        libc::dlerror();
        let address = libc::dlsym(handle as *mut c_void, name.as_ptr());
        if !address.is_null() {
            return Ok(Ok(address as usize));
        }
        let text = libc::dlerror();
        if text.is_null() {
            return Ok(Err(NotFound::Null));
        }
        Ok(Err(NotFound::Error(CStr::from_ptr(text).to_string_lossy().into_owned())))
    }
}

/// Opens a library; None for the program itself.
pub fn open(cx: &mut Cx, name: Option<&CStr>, mode: i32) -> PyResult<usize> {
    let p = name.map_or(0, |n| n.as_ptr() as usize);
    // SAFETY: a C string or null; initialisers of the library may call back.
    let handle = cx.allow_threads(|| unsafe { libc::dlopen(p as *const c_char, mode | libc::RTLD_NOW) } as usize);
    if handle == 0 {
        let text = error_text();
        return raise!(cx, OSError, "{text}");
    }
    Ok(handle)
}

unsafe extern "C" fn push_name(info: *mut libc::dl_phdr_info, _: usize, names: *mut c_void) -> c_int {
    // SAFETY: called by the loader with the list below.
    unsafe {
        let name = (*info).dlpi_name;
        let name = if name.is_null() { Vec::new() } else { CStr::from_ptr(name).to_bytes().to_vec() };
        (*names.cast::<Vec<Vec<u8>>>()).push(name);
    }
    0
}

/// The loaded libraries.
pub fn list(cx: &mut Cx) -> &'static List {
    let mut names: Vec<Vec<u8>> = Vec::new();
    // SAFETY: the callback gets the list.
    unsafe { libc::dl_iterate_phdr(Some(push_name), (&raw mut names).cast()) };
    let list = List::new(cx);
    for name in names {
        let name = Value::of(host::fs_decode(cx, &name));
        list.push(cx, name);
    }
    list
}
