//! Names in the file system: directories, links, permissions, the working directory.

use std::ffi::CString;

use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::stat::check_combination;
use crate::host::{self, PATH, PATH_OR_FD, Path};

/// Functions on names.
pub struct Names;

/// A call on two paths with their directories.
fn two_paths(
    cx: &mut Cx,
    function: &str,
    (src, dst): (Value, Value),
    (src_dir, dst_dir): (Option<Value>, Option<Value>),
    mut call: impl FnMut(i32, *const libc::c_char, i32, *const libc::c_char) -> i32,
) -> PyResult<()> {
    let src = Path::new(cx, src, function, "src", PATH)?;
    let dst = Path::new(cx, dst, function, "dst", PATH)?;
    let (src_dir, dst_dir) = (host::dir_fd(cx, src_dir)?, host::dir_fd(cx, dst_dir)?);
    match host::retry(cx, || call(src_dir, src.ptr(), dst_dir, dst.ptr()))? {
        Ok(_) => Ok(()),
        Err(code) => Err(host::os_error_files(cx, code, src.object, dst.object)),
    }
}

/// A call on a path relative to a directory.
fn one_path(
    cx: &mut Cx,
    function: &str,
    path: Value,
    dir_fd: Option<Value>,
    mut call: impl FnMut(i32, *const libc::c_char) -> i32,
) -> PyResult<()> {
    let path = Path::new(cx, path, function, "path", PATH)?;
    let dir = host::dir_fd(cx, dir_fd)?;
    path.run(cx, || call(dir, path.ptr()))?;
    Ok(())
}

/// A user or group id; -1 stands for no change.
pub fn id(cx: &mut Cx, v: Value, kind: &str) -> PyResult<u32> {
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "{kind} should be integer, not {got}");
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(i) if i < -1 => raise!(cx, OverflowError, "{kind} is less than minimum"),
        Some(i) if i <= u32::MAX as i64 => Ok(i as u32),
        None if int::view(index).is_some_and(|w| w.negative) => {
            raise!(cx, OverflowError, "{kind} is less than minimum")
        }
        _ => raise!(cx, OverflowError, "{kind} is greater than maximum"),
    }
}

fn getcwd(cx: &mut Cx) -> PyResult<Vec<u8>> {
    let mut data = vec![0u8; 1024];
    loop {
        // SAFETY: the buffer is as long as said.
        let p = unsafe { libc::getcwd(data.as_mut_ptr().cast(), data.len()) };
        if !p.is_null() {
            data.truncate(data.iter().position(|b| *b == 0).unwrap_or(0));
            return Ok(data);
        }
        if host::errno() != libc::ERANGE {
            return Err(host::last_error(cx));
        }
        let n = data.len() * 2;
        data.resize(n, 0);
    }
}

#[pymethods]
impl Names {
    /// Return a unicode string representing the current working directory.
    #[py("($module, /)")]
    fn getcwd(cx: &mut Cx) -> PyResult<Value> {
        let data = getcwd(cx)?;
        Ok(Value::of(host::fs_decode(cx, &data)))
    }
    /// Return a bytes string representing the current working directory.
    #[py("($module, /)")]
    fn getcwdb(cx: &mut Cx) -> PyResult<Value> {
        let data = getcwd(cx)?;
        Ok(Value::of(Bytes::new(cx, &data)))
    }
    /// Change the current working directory to the specified path.
    ///
    /// path may always be specified as a string.
    /// On some platforms, path may also be specified as an open file descriptor.
    /// If this functionality is unavailable, using it raises an exception.
    #[py("($module, /, path)")]
    fn chdir(cx: &mut Cx, path: Value) -> PyResult<()> {
        let path = Path::new(cx, path, "chdir", "path", PATH_OR_FD)?;
        // SAFETY: the text is NUL-terminated.
        path.run(cx, || unsafe {
            match path.fd {
                Some(fd) => libc::fchdir(fd),
                None => libc::chdir(path.ptr()),
            }
        })?;
        Ok(())
    }
    /// Change root directory to path.
    #[py("($module, /, path)")]
    fn chroot(cx: &mut Cx, path: Value) -> PyResult<()> {
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "chroot", path, None, |_, path| unsafe { libc::chroot(path) })
    }
    /// Create a directory.
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    ///
    /// The mode argument is ignored on Windows. Where it is used, the current umask
    /// value is first masked out.
    #[py("($module, /, path, mode=511, *, dir_fd=None)")]
    fn mkdir(cx: &mut Cx, path: Value, mode: Option<i32>, dir_fd: Option<Value>) -> PyResult<()> {
        let mode = mode.unwrap_or(0o777) as libc::mode_t;
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "mkdir", path, dir_fd, |dir, path| unsafe { libc::mkdirat(dir, path, mode) })
    }
    /// Remove a directory.
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, *, dir_fd=None)")]
    fn rmdir(cx: &mut Cx, path: Value, dir_fd: Option<Value>) -> PyResult<()> {
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "rmdir", path, dir_fd, |dir, path| unsafe { libc::unlinkat(dir, path, libc::AT_REMOVEDIR) })
    }
    /// Remove a file (same as remove()).
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, *, dir_fd=None)")]
    fn unlink(cx: &mut Cx, path: Value, dir_fd: Option<Value>) -> PyResult<()> {
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "unlink", path, dir_fd, |dir, path| unsafe { libc::unlinkat(dir, path, 0) })
    }
    /// Remove a file (same as unlink()).
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, *, dir_fd=None)")]
    fn remove(cx: &mut Cx, path: Value, dir_fd: Option<Value>) -> PyResult<()> {
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "remove", path, dir_fd, |dir, path| unsafe { libc::unlinkat(dir, path, 0) })
    }
    /// Rename a file or directory.
    ///
    /// If either src_dir_fd or dst_dir_fd is not None, it should be a file
    ///   descriptor open to a directory, and the respective path string (src or dst)
    ///   should be relative; the path will then be relative to that directory.
    /// src_dir_fd and dst_dir_fd, may not be implemented on your platform.
    ///   If they are unavailable, using them will raise a NotImplementedError.
    #[py("($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn rename(
        cx: &mut Cx,
        src: Value,
        dst: Value,
        src_dir_fd: Option<Value>,
        dst_dir_fd: Option<Value>,
    ) -> PyResult<()> {
        // SAFETY: the texts are NUL-terminated.
        two_paths(cx, "rename", (src, dst), (src_dir_fd, dst_dir_fd), |a, from, b, to| unsafe {
            libc::renameat(a, from, b, to)
        })
    }
    /// Rename a file or directory, overwriting the destination.
    ///
    /// If either src_dir_fd or dst_dir_fd is not None, it should be a file
    ///   descriptor open to a directory, and the respective path string (src or dst)
    ///   should be relative; the path will then be relative to that directory.
    /// src_dir_fd and dst_dir_fd, may not be implemented on your platform.
    ///   If they are unavailable, using them will raise a NotImplementedError.
    #[py("($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn replace(
        cx: &mut Cx,
        src: Value,
        dst: Value,
        src_dir_fd: Option<Value>,
        dst_dir_fd: Option<Value>,
    ) -> PyResult<()> {
        // SAFETY: the texts are NUL-terminated.
        two_paths(cx, "replace", (src, dst), (src_dir_fd, dst_dir_fd), |a, from, b, to| unsafe {
            libc::renameat(a, from, b, to)
        })
    }
    /// Create a hard link to a file.
    ///
    /// If either src_dir_fd or dst_dir_fd is not None, it should be a file
    ///   descriptor open to a directory, and the respective path string (src or dst)
    ///   should be relative; the path will then be relative to that directory.
    /// If follow_symlinks is False, and the last element of src is a symbolic
    ///   link, link will create a link to the symbolic link itself instead of the
    ///   file the link points to.
    /// src_dir_fd, dst_dir_fd, and follow_symlinks may not be implemented on your
    ///   platform.  If they are unavailable, using them will raise a
    ///   NotImplementedError.
    #[py("($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=(os.name != 'nt'))")]
    fn link(
        cx: &mut Cx,
        src: Value,
        dst: Value,
        src_dir_fd: Option<Value>,
        dst_dir_fd: Option<Value>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let flags = if follow_symlinks.unwrap_or(true) { libc::AT_SYMLINK_FOLLOW } else { 0 };
        // SAFETY: the texts are NUL-terminated.
        two_paths(cx, "link", (src, dst), (src_dir_fd, dst_dir_fd), |a, from, b, to| unsafe {
            libc::linkat(a, from, b, to, flags)
        })
    }
    /// Create a symbolic link pointing to src named dst.
    ///
    /// target_is_directory is required on Windows if the target is to be
    ///   interpreted as a directory.  (On Windows, symlink requires
    ///   Windows 6.0 or greater, and raises a NotImplementedError otherwise.)
    ///   target_is_directory is ignored on non-Windows platforms.
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, src, dst, target_is_directory=False, *, dir_fd=None)")]
    fn symlink(
        cx: &mut Cx,
        src: Value,
        dst: Value,
        _target_is_directory: Option<bool>,
        dir_fd: Option<Value>,
    ) -> PyResult<()> {
        // SAFETY: the texts are NUL-terminated.
        two_paths(cx, "symlink", (src, dst), (None, dir_fd), |_, from, dir, to| unsafe {
            libc::symlinkat(from, dir, to)
        })
    }
    /// Return a string representing the path to which the symbolic link points.
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    /// and path should be relative; path will then be relative to that directory.
    ///
    /// dir_fd may not be implemented on your platform.  If it is unavailable,
    /// using it will raise a NotImplementedError.
    #[py("($module, /, path, *, dir_fd=None)")]
    fn readlink(cx: &mut Cx, path: Value, dir_fd: Option<Value>) -> PyResult<Value> {
        let path = Path::new(cx, path, "readlink", "path", PATH)?;
        let dir = host::dir_fd(cx, dir_fd)?;
        let mut target = [0u8; libc::PATH_MAX as usize + 1];
        // SAFETY: the buffer is as long as said.
        let n = path
            .run(cx, || unsafe { libc::readlinkat(dir, path.ptr(), target.as_mut_ptr().cast(), target.len() - 1) })?;
        Ok(path.make(cx, &target[..n as usize]))
    }
    /// Change the access permissions of a file.
    ///
    ///   path
    ///     Path to be modified.  May always be specified as a str, bytes, or a path-like object.
    ///     On some platforms, path may also be specified as an open file descriptor.
    ///     If this functionality is unavailable, using it raises an exception.
    ///   mode
    ///     Operating-system mode bitfield.
    ///     Be careful when using number literals for *mode*. The conventional UNIX notation for
    ///     numeric modes uses an octal base, which needs to be indicated with a ``0o`` prefix in
    ///     Python.
    ///   dir_fd
    ///     If not None, it should be a file descriptor open to a directory,
    ///     and path should be relative; path will then be relative to that
    ///     directory.
    ///   follow_symlinks
    ///     If False, and the last element of the path is a symbolic link,
    ///     chmod will modify the symbolic link itself instead of the file
    ///     the link points to.
    ///
    /// It is an error to use dir_fd or follow_symlinks when specifying path as
    ///   an open file descriptor.
    /// dir_fd and follow_symlinks may not be implemented on your platform.
    ///   If they are unavailable, using them will raise a NotImplementedError.
    #[py("($module, /, path, mode, *, dir_fd=None, follow_symlinks=(os.name != 'nt'))")]
    fn chmod(
        cx: &mut Cx,
        path: Value,
        mode: i32,
        dir_fd: Option<Value>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let path = Path::new(cx, path, "chmod", "path", PATH_OR_FD)?;
        let dir = host::dir_fd(cx, dir_fd)?;
        let (mode, follow) = (mode as libc::mode_t, follow_symlinks.unwrap_or(true));
        // SAFETY: the text is NUL-terminated.
        let result = host::retry(cx, || unsafe {
            match path.fd {
                Some(fd) => libc::fchmod(fd, mode),
                None if follow && dir == libc::AT_FDCWD => libc::chmod(path.ptr(), mode),
                None => libc::fchmodat(dir, path.ptr(), mode, if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW }),
            }
        })?;
        match result {
            Ok(_) => Ok(()),
            Err(libc::ENOTSUP) if !follow => {
                raise!(cx, NotImplementedError, "chmod: follow_symlinks unavailable on this platform")
            }
            Err(code) => Err(path.error(cx, code)),
        }
    }
    /// Change the access permissions of the file given by file descriptor fd.
    ///
    ///   fd
    ///     The file descriptor of the file to be modified.
    ///   mode
    ///     Operating-system mode bitfield.
    ///     Be careful when using number literals for *mode*. The conventional UNIX notation for
    ///     numeric modes uses an octal base, which needs to be indicated with a ``0o`` prefix in
    ///     Python.
    ///
    /// Equivalent to os.chmod(fd, mode).
    #[py("($module, /, fd, mode)")]
    fn fchmod(cx: &mut Cx, fd: i32, mode: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::fchmod(fd, mode as libc::mode_t) })?;
        Ok(())
    }
    /// Change the owner and group id of path to the numeric uid and gid.
    ///
    ///   path
    ///     Path to be examined; can be string, bytes, a path-like object, or open-file-descriptor int.
    ///   dir_fd
    ///     If not None, it should be a file descriptor open to a directory,
    ///     and path should be relative; path will then be relative to that
    ///     directory.
    ///   follow_symlinks
    ///     If False, and the last element of the path is a symbolic link,
    ///     stat will examine the symbolic link itself instead of the file
    ///     the link points to.
    ///
    /// path may always be specified as a string.
    /// On some platforms, path may also be specified as an open file descriptor.
    ///   If this functionality is unavailable, using it raises an exception.
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, chown will modify the symbolic link itself instead of the file the
    ///   link points to.
    /// It is an error to use dir_fd or follow_symlinks when specifying path as
    ///   an open file descriptor.
    /// dir_fd and follow_symlinks may not be implemented on your platform.
    ///   If they are unavailable, using them will raise a NotImplementedError.
    #[py("($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)")]
    fn chown(
        cx: &mut Cx,
        path: Value,
        uid: Value,
        gid: Value,
        dir_fd: Option<Value>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let path = Path::new(cx, path, "chown", "path", PATH_OR_FD)?;
        let (uid, gid) = (id(cx, uid, "uid")?, id(cx, gid, "gid")?);
        let (dir, follow) = (host::dir_fd(cx, dir_fd)?, follow_symlinks.unwrap_or(true));
        check_combination(cx, "chown", &path, dir, follow)?;
        // SAFETY: the text is NUL-terminated.
        path.run(cx, || unsafe {
            match path.fd {
                Some(fd) => libc::fchown(fd, uid, gid),
                None => {
                    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
                    libc::fchownat(dir, path.ptr(), uid, gid, flags)
                }
            }
        })?;
        Ok(())
    }
    /// Change the owner and group id of the file specified by file descriptor.
    ///
    /// Equivalent to os.chown(fd, uid, gid).
    #[py("($module, /, fd, uid, gid)")]
    fn fchown(cx: &mut Cx, fd: i32, uid: Value, gid: Value) -> PyResult<()> {
        let (uid, gid) = (id(cx, uid, "uid")?, id(cx, gid, "gid")?);
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::fchown(fd, uid, gid) })?;
        Ok(())
    }
    /// Change the owner and group id of path to the numeric uid and gid.
    ///
    /// This function will not follow symbolic links.
    /// Equivalent to os.chown(path, uid, gid, follow_symlinks=False).
    #[py("($module, /, path, uid, gid)")]
    fn lchown(cx: &mut Cx, path: Value, uid: Value, gid: Value) -> PyResult<()> {
        let path = Path::new(cx, path, "lchown", "path", PATH)?;
        let (uid, gid) = (id(cx, uid, "uid")?, id(cx, gid, "gid")?);
        // SAFETY: the text is NUL-terminated.
        path.run(cx, || unsafe { libc::lchown(path.ptr(), uid, gid) })?;
        Ok(())
    }
    /// Use the real uid/gid to test for access to a path.
    ///
    ///   path
    ///     Path to be tested; can be string, bytes, or a path-like object.
    ///   mode
    ///     Operating-system mode bitfield.  Can be F_OK to test existence,
    ///     or the inclusive-OR of R_OK, W_OK, and X_OK.
    ///   dir_fd
    ///     If not None, it should be a file descriptor open to a directory,
    ///     and path should be relative; path will then be relative to that
    ///     directory.
    ///   effective_ids
    ///     If True, access will use the effective uid/gid instead of
    ///     the real uid/gid.
    ///   follow_symlinks
    ///     If False, and the last element of the path is a symbolic link,
    ///     access will examine the symbolic link itself instead of the file
    ///     the link points to.
    ///
    /// dir_fd, effective_ids, and follow_symlinks may not be implemented
    ///   on your platform.  If they are unavailable, using them will raise a
    ///   NotImplementedError.
    ///
    /// Note that most operations will use the effective uid/gid, therefore this
    ///   routine can be used in a suid/sgid environment to test if the invoking user
    ///   has the specified access to the path.
    #[py("($module, /, path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)")]
    fn access(
        cx: &mut Cx,
        path: Value,
        mode: i32,
        dir_fd: Option<Value>,
        effective_ids: Option<bool>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<bool> {
        let path = Path::new(cx, path, "access", "path", PATH)?;
        let dir = host::dir_fd(cx, dir_fd)?;
        let mut flags = 0;
        if effective_ids.unwrap_or(false) {
            flags |= libc::AT_EACCESS;
        }
        if !follow_symlinks.unwrap_or(true) {
            flags |= libc::AT_SYMLINK_NOFOLLOW;
        }
        // SAFETY: the text is NUL-terminated.
        Ok(host::blocking(cx, || unsafe { libc::faccessat(dir, path.ptr(), mode, flags) }) == 0)
    }
    /// Set the current numeric umask and return the previous umask.
    #[py("($module, mask, /)")]
    fn umask(_cx: &mut Cx, mask: i32) -> i32 {
        // SAFETY: a plain system call that cannot fail.
        unsafe { libc::umask(mask as libc::mode_t) as i32 }
    }
    /// Create a "fifo" (a POSIX named pipe).
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, mode=438, *, dir_fd=None)")]
    fn mkfifo(cx: &mut Cx, path: Value, mode: Option<i32>, dir_fd: Option<Value>) -> PyResult<()> {
        let mode = mode.unwrap_or(0o666) as libc::mode_t;
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "mkfifo", path, dir_fd, |dir, path| unsafe { libc::mkfifoat(dir, path, mode) })
    }
    /// Create a node in the file system.
    ///
    /// Create a node in the file system (file, device special file or named pipe)
    /// at path.  mode specifies both the permissions to use and the
    /// type of node to be created, being combined (bitwise OR) with one of
    /// S_IFREG, S_IFCHR, S_IFBLK, and S_IFIFO.  If S_IFCHR or S_IFBLK is set on mode,
    /// device defines the newly created device special file (probably using
    /// os.makedev()).  Otherwise device is ignored.
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, mode=384, device=0, *, dir_fd=None)")]
    fn mknod(cx: &mut Cx, path: Value, mode: Option<i32>, device: Option<i64>, dir_fd: Option<Value>) -> PyResult<()> {
        let (mode, device) = (mode.unwrap_or(0o600) as libc::mode_t, device.unwrap_or(0) as libc::dev_t);
        // SAFETY: the text is NUL-terminated.
        one_path(cx, "mknod", path, dir_fd, |dir, path| unsafe { libc::mknodat(dir, path, mode, device) })
    }
    /// Change or add an environment variable.
    #[py("($module, name, value, /)")]
    fn putenv(cx: &mut Cx, name: Value, value: Value) -> PyResult<()> {
        let (name, value) = (host::fs_bytes(cx, name)?, host::fs_bytes(cx, value)?);
        if name.as_bytes().contains(&b'=') {
            return raise!(cx, ValueError, "illegal environment variable name");
        }
        // SAFETY: both are NUL-terminated; the GIL serialises changes of the environment.
        let result = unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Delete an environment variable.
    #[py("($module, name, /)")]
    fn unsetenv(cx: &mut Cx, name: Value) -> PyResult<()> {
        let name: CString = host::fs_bytes(cx, name)?;
        // SAFETY: as above.
        let result = unsafe { libc::unsetenv(name.as_ptr()) };
        host::check(cx, result)?;
        Ok(())
    }
}
