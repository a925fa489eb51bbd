//! Opening, reading and writing descriptors.

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::buffer::{self, Buffer};
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host::{self, PATH, PATH_OR_FD, Path};

/// Reading and writing functions.
pub struct Files;

/// Contiguous views of a sequence of buffers, for vectored calls.
struct Vectors {
    views: Vec<Buffer>,
    _owners: RootVec,
}

impl Vectors {
    fn new(cx: &mut Cx, v: Value, function: &str, writable: bool) -> PyResult<Vectors> {
        if v.class().slots().getitem.is_none() || v.class().slots().len.is_none() {
            return raise!(cx, TypeError, "{function}() arg 2 must be a sequence");
        }
        let owners = iter::collect(cx, v)?;
        let mut all = Vectors { views: Vec::new(), _owners: owners };
        for i in 0..all._owners.len() {
            let owner = all._owners[i];
            match buffer::get(cx, owner, if writable { buffer::WRITABLE } else { 0 }) {
                Ok(view) => all.views.push(view),
                Err(raised) => {
                    all.release(cx);
                    return Err(raised);
                }
            }
        }
        Ok(all)
    }

    fn iovecs(&self) -> Vec<libc::iovec> {
        self.views.iter().map(|v| libc::iovec { iov_base: v.data.cast(), iov_len: v.len }).collect()
    }

    fn release(self, cx: &mut Cx) {
        for view in &self.views {
            buffer::release(cx, view);
        }
    }
}

fn vectored(
    cx: &mut Cx,
    buffers: Value,
    (function, writable): (&str, bool),
    mut call: impl FnMut(*const libc::iovec, i32) -> isize,
) -> PyResult<i64> {
    let vectors = Vectors::new(cx, buffers, function, writable)?;
    let iov = vectors.iovecs();
    let result = host::run(cx, || call(iov.as_ptr(), iov.len() as i32));
    vectors.release(cx);
    Ok(result? as i64)
}

/// `read` of at most `length` bytes.
fn read_bytes(cx: &mut Cx, length: i64, mut call: impl FnMut(*mut libc::c_void, usize) -> isize) -> PyResult<Value> {
    if length < 0 {
        return Err(host::os_error(cx, libc::EINVAL));
    }
    let length = (length as usize).min(0x7fff_f000);
    let bytes = host::bytes_filled(cx, length, |cx, data| {
        Ok(host::run(cx, || call(data.as_mut_ptr().cast(), data.len()))? as usize)
    })?;
    Ok(Value::of(bytes))
}

#[pymethods]
impl Files {
    /// Open a file for low level IO.  Returns a file descriptor (integer).
    ///
    /// If dir_fd is not None, it should be a file descriptor open to a directory,
    ///   and path should be relative; path will then be relative to that directory.
    /// dir_fd may not be implemented on your platform.
    ///   If it is unavailable, using it will raise a NotImplementedError.
    #[py("($module, /, path, flags, mode=511, *, dir_fd=None)")]
    fn open(cx: &mut Cx, path: Value, flags: i32, mode: Option<i32>, dir_fd: Option<Value>) -> PyResult<i32> {
        let path = Path::new(cx, path, "open", "path", PATH)?;
        crate::io::settle(cx);
        let dir = host::dir_fd(cx, dir_fd)?;
        let (flags, mode) = (flags | libc::O_CLOEXEC, mode.unwrap_or(0o777) as libc::c_uint);
        // SAFETY: the text is NUL-terminated.
        path.run(cx, || unsafe { libc::openat(dir, path.ptr(), flags, mode) })
    }
    /// Close a file descriptor.
    #[py("($module, /, fd)")]
    fn close(cx: &mut Cx, fd: i32) -> PyResult<()> {
        // SAFETY: a plain system call; after EINTR the descriptor is closed on Linux.
        let (result, code) = host::blocking(cx, || (unsafe { libc::close(fd) }, host::errno()));
        if result < 0 && code != libc::EINTR {
            return Err(host::os_error(cx, code));
        }
        Ok(())
    }
    /// Closes all file descriptors in [fd_low, fd_high), ignoring errors.
    #[py("($module, fd_low, fd_high, /)")]
    fn closerange(_cx: &mut Cx, fd_low: i32, fd_high: i32) {
        close_range(fd_low, fd_high - 1);
    }
    /// Read from a file descriptor.  Returns a bytes object.
    #[py("($module, fd, length, /)")]
    fn read(cx: &mut Cx, fd: i32, length: i64) -> PyResult<Value> {
        // SAFETY: the buffer is as long as said.
        read_bytes(cx, length, |data, n| unsafe { libc::read(fd, data, n) })
    }
    /// Read into a buffer object from a file descriptor.
    ///
    /// The buffer should be mutable and bytes-like. On success, returns the number of
    /// bytes read. Less bytes may be read than the size of the buffer. The underlying
    /// system call will be retried when interrupted by a signal, unless the signal
    /// handler raises an exception. Other errors will not be retried and an error will
    /// be raised.
    ///
    /// Returns 0 if *fd* is at end of file or if the provided *buffer* has length 0
    /// (which can be used to check for errors without reading data).
    #[py("($module, fd, buffer, /)")]
    fn readinto(cx: &mut Cx, fd: i32, buffer: Value) -> PyResult<i64> {
        host::with_writable(cx, buffer, "readinto() argument 2", |cx, data| {
            // SAFETY: the buffer is as long as said.
            Ok(host::run(cx, || unsafe { libc::read(fd, data.as_mut_ptr().cast(), data.len()) })? as i64)
        })
    }
    /// Read a number of bytes from a file descriptor starting at a particular offset.
    ///
    /// Read length bytes from file descriptor fd, starting at offset bytes from
    /// the beginning of the file.  The file offset remains unchanged.
    #[py("($module, fd, length, offset, /)")]
    fn pread(cx: &mut Cx, fd: i32, length: i64, offset: i64) -> PyResult<Value> {
        // SAFETY: the buffer is as long as said.
        read_bytes(cx, length, |data, n| unsafe { libc::pread(fd, data, n, offset) })
    }
    /// Read from a file descriptor fd into an iterable of buffers.
    ///
    /// The buffers should be mutable buffers accepting bytes.
    /// readv will transfer data into each buffer until it is full
    /// and then move on to the next buffer in the sequence to hold
    /// the rest of the data.
    ///
    /// readv returns the total number of bytes read,
    /// which may be less than the total capacity of all the buffers.
    #[py("($module, fd, buffers, /)")]
    fn readv(cx: &mut Cx, fd: i32, buffers: Value) -> PyResult<i64> {
        // SAFETY: the vectors describe live buffers.
        vectored(cx, buffers, ("readv", true), |iov, n| unsafe { libc::readv(fd, iov, n) })
    }
    /// Reads from a file descriptor into a number of mutable bytes-like objects.
    #[py("($module, fd, buffers, offset, flags=0, /)")]
    fn preadv(cx: &mut Cx, fd: i32, buffers: Value, offset: i64, flags: Option<i32>) -> PyResult<i64> {
        let flags = flags.unwrap_or(0);
        // SAFETY: as above.
        vectored(cx, buffers, ("preadv", true), |iov, n| unsafe { libc::preadv2(fd, iov, n, offset, flags) })
    }
    /// Write a bytes object to a file descriptor.
    #[py("($module, fd, data, /)")]
    fn write(cx: &mut Cx, fd: i32, data: Value) -> PyResult<i64> {
        buffer::with_bytes(cx, data, |cx, data| {
            let n = data.len().min(0x7fff_f000);
            // SAFETY: the buffer is as long as said.
            Ok(host::run(cx, || unsafe { libc::write(fd, data.as_ptr().cast(), n) })? as i64)
        })
    }
    /// Write bytes to a file descriptor starting at a particular offset.
    ///
    /// Write buffer to fd, starting at offset bytes from the beginning of
    /// the file. Returns the number of bytes written.  Does not change the
    /// current file offset.
    #[py("($module, fd, buffer, offset, /)")]
    fn pwrite(cx: &mut Cx, fd: i32, buffer: Value, offset: i64) -> PyResult<i64> {
        buffer::with_bytes(cx, buffer, |cx, data| {
            // SAFETY: the buffer is as long as said.
            Ok(host::run(cx, || unsafe { libc::pwrite(fd, data.as_ptr().cast(), data.len(), offset) })? as i64)
        })
    }
    /// Iterate over buffers, and write the contents of each to a file descriptor.
    ///
    /// Returns the total number of bytes written.
    /// buffers must be a sequence of bytes-like objects.
    #[py("($module, fd, buffers, /)")]
    fn writev(cx: &mut Cx, fd: i32, buffers: Value) -> PyResult<i64> {
        // SAFETY: the vectors describe live buffers.
        vectored(cx, buffers, ("writev", false), |iov, n| unsafe { libc::writev(fd, iov, n) })
    }
    /// Writes the contents of bytes-like objects to a file descriptor at a given offset.
    #[py("($module, fd, buffers, offset, flags=0, /)")]
    fn pwritev(cx: &mut Cx, fd: i32, buffers: Value, offset: i64, flags: Option<i32>) -> PyResult<i64> {
        let flags = flags.unwrap_or(0);
        // SAFETY: as above.
        vectored(cx, buffers, ("pwritev", false), |iov, n| unsafe { libc::pwritev2(fd, iov, n, offset, flags) })
    }
    /// Set the position of a file descriptor.  Return the new position.
    #[py("($module, fd, position, whence, /)")]
    fn lseek(cx: &mut Cx, fd: i32, position: i64, whence: i32) -> PyResult<i64> {
        // SAFETY: a plain system call.
        let at = unsafe { libc::lseek(fd, position, whence) };
        host::check(cx, at)
    }
    /// Truncate a file, specified by file descriptor, to a specific length.
    #[py("($module, fd, length, /)")]
    fn ftruncate(cx: &mut Cx, fd: i32, length: i64) -> PyResult<()> {
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::ftruncate(fd, length) })?;
        Ok(())
    }
    /// Truncate a file, specified by path, to a specific length.
    ///
    /// On some platforms, path may also be specified as an open file descriptor.
    /// If this functionality is unavailable, using it raises an exception.
    #[py("($module, /, path, length)")]
    fn truncate(cx: &mut Cx, path: Value, length: i64) -> PyResult<()> {
        let path = Path::new(cx, path, "truncate", "path", PATH_OR_FD)?;
        crate::io::settle(cx);
        // SAFETY: the text is NUL-terminated.
        path.run(cx, || unsafe {
            match path.fd {
                Some(fd) => libc::ftruncate(fd, length),
                None => libc::truncate(path.ptr(), length),
            }
        })?;
        Ok(())
    }
    /// Ensure a file has allocated at least a particular number of bytes on disk.
    #[py("($module, fd, offset, length, /)")]
    fn posix_fallocate(cx: &mut Cx, fd: i32, offset: i64, length: i64) -> PyResult<()> {
        // SAFETY: a plain system call; it returns the error number.
        host::run(cx, || match unsafe { libc::posix_fallocate(fd, offset, length) } {
            0 => 0,
            code => {
                set_errno(code);
                -1
            }
        })?;
        Ok(())
    }
    /// Announce an intention to access data in a specific pattern.
    #[py("($module, fd, offset, length, advice, /)")]
    fn posix_fadvise(cx: &mut Cx, fd: i32, offset: i64, length: i64, advice: i32) -> PyResult<()> {
        // SAFETY: as above.
        host::run(cx, || match unsafe { libc::posix_fadvise(fd, offset, length, advice) } {
            0 => 0,
            code => {
                set_errno(code);
                -1
            }
        })?;
        Ok(())
    }
    /// Force write of fd to disk.
    #[py("($module, /, fd)")]
    fn fsync(cx: &mut Cx, fd: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::fsync(fd) })?;
        Ok(())
    }
    /// Force write of fd to disk without forcing update of metadata.
    #[py("($module, /, fd)")]
    fn fdatasync(cx: &mut Cx, fd: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::fdatasync(fd) })?;
        Ok(())
    }
    /// Force write of everything to disk.
    #[py("($module, /)")]
    fn sync(cx: &mut Cx) {
        // SAFETY: a plain system call.
        host::blocking(cx, || unsafe { libc::sync() });
    }
    /// Apply, test or remove a POSIX lock on an open file descriptor.
    #[py("($module, fd, command, length, /)")]
    fn lockf(cx: &mut Cx, fd: i32, command: i32, length: i64) -> PyResult<()> {
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::lockf(fd, command, length) })?;
        Ok(())
    }
    /// Copy count bytes from file descriptor in_fd to file descriptor out_fd.
    #[py("($module, /, out_fd, in_fd, offset, count)")]
    fn sendfile(cx: &mut Cx, out_fd: i32, in_fd: i32, offset: Value, count: isize) -> PyResult<i64> {
        let mut at = if offset.is_none() { None } else { Some(number::to_i64(cx, offset)?) };
        let at = at.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64);
        // SAFETY: `at` is null or leads to a local.
        Ok(host::run(cx, || unsafe { libc::sendfile(out_fd, in_fd, at, count as usize) })? as i64)
    }
    /// Copy count bytes from one file descriptor to another.
    ///
    ///   src
    ///     Source file descriptor.
    ///   dst
    ///     Destination file descriptor.
    ///   count
    ///     Number of bytes to copy.
    ///   offset_src
    ///     Starting offset in src.
    ///   offset_dst
    ///     Starting offset in dst.
    #[py("($module, /, src, dst, count, offset_src=None, offset_dst=None)")]
    fn copy_file_range(
        cx: &mut Cx,
        src: i32,
        dst: i32,
        count: isize,
        offset_src: Option<Value>,
        offset_dst: Option<Value>,
    ) -> PyResult<i64> {
        let (mut from, mut to) = offsets(cx, count, offset_src, offset_dst)?;
        let (from, to) = (pointer(&mut from), pointer(&mut to));
        // SAFETY: the pointers are null or lead to locals.
        Ok(host::run(cx, || unsafe { libc::copy_file_range(src, from, dst, to, count as usize, 0) })? as i64)
    }
    /// Transfer count bytes from one pipe to a descriptor or vice versa.
    #[py("($module, /, src, dst, count, offset_src=None, offset_dst=None, flags=0)")]
    fn splice(
        cx: &mut Cx,
        src: i32,
        dst: i32,
        count: isize,
        offset_src: Option<Value>,
        offset_dst: Option<Value>,
        flags: Option<i32>,
    ) -> PyResult<i64> {
        let (mut from, mut to) = offsets(cx, count, offset_src, offset_dst)?;
        let (from, to) = (pointer(&mut from), pointer(&mut to));
        let flags = flags.unwrap_or(0) as u32;
        // SAFETY: as above.
        Ok(host::run(cx, || unsafe { libc::splice(src, from, dst, to, count as usize, flags) })? as i64)
    }
}

fn set_errno(code: i32) {
    // SAFETY: the location is the thread's own.
    unsafe { *libc::__errno_location() = code };
}

type Offsets = (Option<i64>, Option<i64>);

fn offsets(cx: &mut Cx, count: isize, from: Option<Value>, to: Option<Value>) -> PyResult<Offsets> {
    if count < 0 {
        return raise!(cx, ValueError, "negative value for 'count' not allowed");
    }
    let mut convert = |v: Option<Value>| match v.filter(|v| !v.is_none()) {
        Some(v) => number::to_i64(cx, v).map(Some),
        None => Ok(None),
    };
    Ok((convert(from)?, convert(to)?))
}

fn pointer(offset: &mut Option<i64>) -> *mut i64 {
    offset.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64)
}

/// Closes all descriptors from `low` to `high`, both included.
pub fn close_range(low: i32, high: i32) {
    if low > high || high < 0 {
        return;
    }
    // SAFETY: plain system calls.
    unsafe {
        if libc::syscall(libc::SYS_close_range, low.max(0) as libc::c_uint, high as libc::c_uint, 0) == 0 {
            return;
        }
        let limit = libc::sysconf(libc::_SC_OPEN_MAX).clamp(0, 1 << 20) as i32;
        for fd in low.max(0)..=high.min(limit) {
            libc::close(fd);
        }
    }
}

/// Items of a list or tuple argument, None for other types.
pub fn list_or_tuple(v: Value) -> Option<RootVec> {
    match (v.downcast::<List>(), v.downcast::<Tuple>()) {
        (Some(list), _) => Some(RootVec::from_slice(list.items())),
        (_, Some(tuple)) => Some(RootVec::from_slice(tuple.items())),
        _ => None,
    }
}
