//! Extended attributes.

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host::{self, ANY_PATH, PATH, PATH_OR_FD, Path};

/// Extended attribute functions.
pub struct Xattr;

fn check(cx: &mut Cx, function: &str, path: &Path, follow: bool) -> PyResult<()> {
    if path.fd.is_some() && !follow {
        return raise!(cx, ValueError, "{function}: cannot use fd and follow_symlinks together");
    }
    Ok(())
}

/// Calls `read` with growing buffers until the answer fits.
fn growing(cx: &mut Cx, path: &Path, mut read: impl FnMut(*mut libc::c_void, usize) -> isize) -> PyResult<Vec<u8>> {
    for size in [256, 65536] {
        let mut data = vec![0u8; size];
        match host::retry(cx, || read(data.as_mut_ptr().cast(), data.len()))? {
            Ok(n) => {
                data.truncate(n as usize);
                return Ok(data);
            }
            Err(libc::ERANGE) if size == 256 => {}
            Err(code) => return Err(path.error(cx, code)),
        }
    }
    Ok(Vec::new())
}

#[pymethods]
impl Xattr {
    /// Return the value of extended attribute attribute on path.
    ///
    /// path may be either a string, a path-like object, or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, getxattr will examine the symbolic link itself instead of the file
    ///   the link points to.
    #[py("($module, /, path, attribute, *, follow_symlinks=True)")]
    fn getxattr(cx: &mut Cx, path: Value, attribute: Value, follow_symlinks: Option<bool>) -> PyResult<Value> {
        let path = Path::new(cx, path, "getxattr", "path", PATH_OR_FD)?;
        let name = Path::new(cx, attribute, "getxattr", "attribute", PATH)?;
        let follow = follow_symlinks.unwrap_or(true);
        check(cx, "getxattr", &path, follow)?;
        // SAFETY: texts are NUL-terminated, the buffer is as long as said.
        let data = growing(cx, &path, |data, n| unsafe {
            match path.fd {
                Some(fd) => libc::fgetxattr(fd, name.ptr(), data, n),
                None if follow => libc::getxattr(path.ptr(), name.ptr(), data, n),
                None => libc::lgetxattr(path.ptr(), name.ptr(), data, n),
            }
        })?;
        Ok(Value::of(Bytes::new(cx, &data)))
    }
    /// Set extended attribute attribute on path to value.
    ///
    /// path may be either a string, a path-like object,  or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, setxattr will modify the symbolic link itself instead of the file
    ///   the link points to.
    #[py("($module, /, path, attribute, value, flags=0, *, follow_symlinks=True)")]
    fn setxattr(
        cx: &mut Cx,
        path: Value,
        attribute: Value,
        value: Value,
        flags: Option<i32>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let path = Path::new(cx, path, "setxattr", "path", PATH_OR_FD)?;
        let name = Path::new(cx, attribute, "setxattr", "attribute", PATH)?;
        let (flags, follow) = (flags.unwrap_or(0), follow_symlinks.unwrap_or(true));
        check(cx, "setxattr", &path, follow)?;
        buffer::with_bytes(cx, value, |cx, data| {
            let (p, n) = (data.as_ptr().cast(), data.len());
            // SAFETY: as above.
            path.run(cx, || unsafe {
                match path.fd {
                    Some(fd) => libc::fsetxattr(fd, name.ptr(), p, n, flags),
                    None if follow => libc::setxattr(path.ptr(), name.ptr(), p, n, flags),
                    None => libc::lsetxattr(path.ptr(), name.ptr(), p, n, flags),
                }
            })?;
            Ok(())
        })
    }
    /// Remove extended attribute attribute on path.
    ///
    /// path may be either a string, a path-like object, or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, removexattr will modify the symbolic link itself instead of the file
    ///   the link points to.
    #[py("($module, /, path, attribute, *, follow_symlinks=True)")]
    fn removexattr(cx: &mut Cx, path: Value, attribute: Value, follow_symlinks: Option<bool>) -> PyResult<()> {
        let path = Path::new(cx, path, "removexattr", "path", PATH_OR_FD)?;
        let name = Path::new(cx, attribute, "removexattr", "attribute", PATH)?;
        let follow = follow_symlinks.unwrap_or(true);
        check(cx, "removexattr", &path, follow)?;
        // SAFETY: texts are NUL-terminated.
        path.run(cx, || unsafe {
            match path.fd {
                Some(fd) => libc::fremovexattr(fd, name.ptr()),
                None if follow => libc::removexattr(path.ptr(), name.ptr()),
                None => libc::lremovexattr(path.ptr(), name.ptr()),
            }
        })?;
        Ok(())
    }
    /// Return a list of extended attributes on path.
    ///
    /// path may be either None, a string, a path-like object, or an open file descriptor.
    /// if path is None, listxattr will examine the current directory.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, listxattr will examine the symbolic link itself instead of the file
    ///   the link points to.
    #[py("($module, /, path=None, *, follow_symlinks=True)")]
    fn listxattr(cx: &mut Cx, path: Option<Value>, follow_symlinks: Option<bool>) -> PyResult<Value> {
        let path = Path::new(cx, path.unwrap_or(Value::none()), "listxattr", "path", ANY_PATH)?;
        let follow = follow_symlinks.unwrap_or(true);
        check(cx, "listxattr", &path, follow)?;
        // SAFETY: as for getxattr.
        let data = growing(cx, &path, |data, n| unsafe {
            match path.fd {
                Some(fd) => libc::flistxattr(fd, data.cast(), n),
                None if follow => libc::listxattr(path.ptr(), data.cast(), n),
                None => libc::llistxattr(path.ptr(), data.cast(), n),
            }
        })?;
        let list = List::new(cx);
        for name in data.split(|b| *b == 0).filter(|name| !name.is_empty()) {
            let name = Value::of(host::fs_decode(cx, name));
            list.push(cx, name);
        }
        Ok(Value::of(list))
    }
}
