//! `_posixshmem`: shared memory objects.

use taipan_macros::pymethods;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

struct Functions;

fn name(cx: &mut Cx, path: Value, function: &str) -> PyResult<std::ffi::CString> {
    if path.downcast::<taipan_runtime::types::str::Str>().is_none() {
        let got = path.class().tp_name();
        return raise!(cx, TypeError, "{function}() argument 'path' must be str, not {got}");
    }
    host::fs_bytes(cx, path)
}

#[pymethods]
impl Functions {
    /// Open a shared memory object.  Returns a file descriptor (integer).
    #[py("($module, /, path, flags, mode=511)")]
    fn shm_open(cx: &mut Cx, path: Value, flags: i32, mode: Option<i32>) -> PyResult<i64> {
        let name = name(cx, path, "shm_open")?;
        let mode = mode.unwrap_or(0o777) as libc::mode_t;
        // SAFETY: the name is a C string.
        let fd = match host::retry(cx, || unsafe { libc::shm_open(name.as_ptr(), flags, mode) })? {
            Ok(fd) => fd,
            Err(code) => return Err(host::os_error_file(cx, code, path)),
        };
        host::set_inheritable(fd, false);
        Ok(i64::from(fd))
    }

    /// Remove a shared memory object (similar to unlink()).
    ///
    /// Remove a shared memory object name, and, once all processes  have  unmapped
    /// the object, de-allocates and destroys the contents of the associated memory
    /// region.
    #[py("($module, /, path)")]
    fn shm_unlink(cx: &mut Cx, path: Value) -> PyResult<()> {
        let name = name(cx, path, "shm_unlink")?;
        // SAFETY: the name is a C string.
        match host::retry(cx, || unsafe { libc::shm_unlink(name.as_ptr()) })? {
            Ok(_) => Ok(()),
            Err(code) => Err(host::os_error_file(cx, code, path)),
        }
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    Ok(taipan_stdlib::make(cx, "_posixshmem", "POSIX shared memory module", Functions::METHODS))
}
