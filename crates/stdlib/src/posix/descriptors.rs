//! Pipes, duplication, inheritance, terminals.

use taipan_macros::pymethods;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host;

/// Descriptor functions.
pub struct Descriptors;

fn pair(cx: &mut Cx, a: i32, b: i32) -> Value {
    Value::of(Tuple::new(cx, &[Value::small(a as i64), Value::small(b as i64)]))
}

fn pipe(cx: &mut Cx, flags: i32) -> PyResult<Value> {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    let result = unsafe { libc::pipe2(fds.as_mut_ptr(), flags) };
    host::check(cx, result)?;
    Ok(pair(cx, fds[0], fds[1]))
}

#[pymethods]
impl Descriptors {
    /// Create a pipe.
    ///
    /// Returns a tuple of two file descriptors:
    ///   (read_fd, write_fd)
    #[py("($module, /)")]
    fn pipe(cx: &mut Cx) -> PyResult<Value> {
        pipe(cx, libc::O_CLOEXEC)
    }
    /// Create a pipe with flags set atomically.
    ///
    /// Returns a tuple of two file descriptors:
    ///   (read_fd, write_fd)
    ///
    /// flags can be constructed by ORing together one or more of these values:
    /// O_NONBLOCK, O_CLOEXEC.
    #[py("($module, flags, /)")]
    fn pipe2(cx: &mut Cx, flags: i32) -> PyResult<Value> {
        pipe(cx, flags)
    }
    /// Return a duplicate of a file descriptor.
    #[py("($module, fd, /)")]
    fn dup(cx: &mut Cx, fd: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let new = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        host::check(cx, new)
    }
    /// Duplicate file descriptor.
    #[py("($module, /, fd, fd2, inheritable=True)")]
    fn dup2(cx: &mut Cx, fd: i32, fd2: i32, inheritable: Option<bool>) -> PyResult<i32> {
        if fd < 0 || fd2 < 0 {
            return Err(host::os_error(cx, libc::EBADF));
        }
        let inheritable = inheritable.unwrap_or(true);
        // SAFETY: plain system calls.
        let new = host::run(cx, || unsafe {
            if inheritable || fd == fd2 { libc::dup2(fd, fd2) } else { libc::dup3(fd, fd2, libc::O_CLOEXEC) }
        })?;
        Ok(new)
    }
    /// Get the close-on-exe flag of the specified file descriptor.
    #[py("($module, fd, /)")]
    fn get_inheritable(cx: &mut Cx, fd: i32) -> PyResult<bool> {
        // SAFETY: a plain system call.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        Ok(host::check(cx, flags)? & libc::FD_CLOEXEC == 0)
    }
    /// Set the inheritable flag of the specified file descriptor.
    #[py("($module, fd, inheritable, /)")]
    fn set_inheritable(cx: &mut Cx, fd: i32, inheritable: i32) -> PyResult<()> {
        host::check(cx, host::set_inheritable(fd, inheritable != 0))?;
        Ok(())
    }
    /// Get the blocking mode of the file descriptor.
    ///
    /// Return False if the O_NONBLOCK flag is set, True if the flag is cleared.
    #[py("($module, fd, /)")]
    fn get_blocking(cx: &mut Cx, fd: i32) -> PyResult<bool> {
        // SAFETY: a plain system call.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        Ok(host::check(cx, flags)? & libc::O_NONBLOCK == 0)
    }
    /// Set the blocking mode of the specified file descriptor.
    ///
    /// Set the O_NONBLOCK flag if blocking is False,
    /// clear the O_NONBLOCK flag otherwise.
    #[py("($module, fd, blocking, /)")]
    fn set_blocking(cx: &mut Cx, fd: i32, blocking: bool) -> PyResult<()> {
        // SAFETY: plain system calls.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        let flags = host::check(cx, flags)?;
        let new = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        // SAFETY: as above.
        let result = unsafe { libc::fcntl(fd, libc::F_SETFL, new) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Return True if the fd is connected to a terminal.
    ///
    /// Return True if the file descriptor is an open file descriptor
    /// connected to the slave end of a terminal.
    #[py("($module, fd, /)")]
    fn isatty(_cx: &mut Cx, fd: i32) -> bool {
        // SAFETY: a plain system call.
        unsafe { libc::isatty(fd) == 1 }
    }
    /// Return the name of the terminal device connected to 'fd'.
    ///
    ///   fd
    ///     Integer file descriptor handle.
    #[py("($module, fd, /)")]
    fn ttyname(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        let mut name = [0u8; 512];
        // SAFETY: the buffer is as long as said.
        let code = unsafe { libc::ttyname_r(fd, name.as_mut_ptr().cast(), name.len()) };
        text_result(cx, code, &name)
    }
    /// Return the name of the controlling terminal for this process.
    #[py("($module, /)")]
    fn ctermid(_cx: &mut Cx) -> &'static str {
        "/dev/tty"
    }
    /// Return a string describing the encoding of a terminal's file descriptor.
    ///
    /// The file descriptor must be attached to a terminal.
    /// If the device is not a terminal, return None.
    #[py("($module, /, fd)")]
    fn device_encoding(_cx: &mut Cx, fd: i32) -> Option<&'static str> {
        // SAFETY: a plain system call.
        (unsafe { libc::isatty(fd) } == 1).then_some("utf-8")
    }
    /// Open a pseudo-terminal.
    ///
    /// Return a tuple of (master_fd, slave_fd) containing open file descriptors
    /// for both the master and slave ends.
    #[py("($module, /)")]
    fn openpty(cx: &mut Cx) -> PyResult<Value> {
        let (mut main, mut sub) = (0, 0);
        let (name, settings, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
        // SAFETY: the results are locals; name and settings are optional.
        let result = unsafe { libc::openpty(&mut main, &mut sub, name, settings, size) };
        host::check(cx, result)?;
        host::set_inheritable(main, false);
        host::set_inheritable(sub, false);
        Ok(pair(cx, main, sub))
    }
    /// Prepare the tty of which fd is a file descriptor for a new login session.
    ///
    /// Make the calling process a session leader; make the tty the
    /// controlling tty, the stdin, the stdout, and the stderr of the
    /// calling process; close fd.
    #[py("($module, fd, /)")]
    fn login_tty(cx: &mut Cx, fd: i32) -> PyResult<()> {
        // SAFETY: a plain library call.
        let result = unsafe { libc::login_tty(fd) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Open and return a file descriptor for a master pseudo-terminal device.
    ///
    /// Performs a posix_openpt() C function call. The oflag argument is used to
    /// set file status flags and file access modes as specified in the manual page
    /// of posix_openpt() of your system.
    #[py("($module, oflag, /)")]
    fn posix_openpt(cx: &mut Cx, oflag: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let fd = unsafe { libc::posix_openpt(oflag | libc::O_CLOEXEC) };
        host::check(cx, fd)
    }
    /// Grant access to the slave pseudo-terminal device.
    ///
    ///   fd
    ///     File descriptor of a master pseudo-terminal device.
    ///
    /// Performs a grantpt() C function call.
    #[py("($module, fd, /)")]
    fn grantpt(cx: &mut Cx, fd: i32) -> PyResult<()> {
        // SAFETY: a plain library call.
        let result = unsafe { libc::grantpt(fd) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Unlock a pseudo-terminal master/slave pair.
    ///
    ///   fd
    ///     File descriptor of a master pseudo-terminal device.
    ///
    /// Performs an unlockpt() C function call.
    #[py("($module, fd, /)")]
    fn unlockpt(cx: &mut Cx, fd: i32) -> PyResult<()> {
        // SAFETY: a plain library call.
        let result = unsafe { libc::unlockpt(fd) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Return the name of the slave pseudo-terminal device.
    ///
    ///   fd
    ///     File descriptor of a master pseudo-terminal device.
    ///
    /// If the ptsname_r() C function is available, it is called;
    /// otherwise, performs a ptsname() C function call.
    #[py("($module, fd, /)")]
    fn ptsname(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        let mut name = [0u8; 512];
        // SAFETY: the buffer is as long as said.
        let code = unsafe { libc::ptsname_r(fd, name.as_mut_ptr().cast(), name.len()) };
        text_result(cx, code, &name)
    }
    /// Return the process group associated with the terminal specified by fd.
    #[py("($module, fd, /)")]
    fn tcgetpgrp(cx: &mut Cx, fd: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let group = unsafe { libc::tcgetpgrp(fd) };
        host::check(cx, group)
    }
    /// Set the process group associated with the terminal specified by fd.
    #[py("($module, fd, pgid, /)")]
    fn tcsetpgrp(cx: &mut Cx, fd: i32, pgid: i32) -> PyResult<()> {
        // SAFETY: a plain system call.
        let result = unsafe { libc::tcsetpgrp(fd, pgid) };
        host::check(cx, result)?;
        Ok(())
    }
    /// Change to the directory of the given file descriptor.
    ///
    /// fd must be opened on a directory, not a file.
    /// Equivalent to os.chdir(fd).
    #[py("($module, /, fd)")]
    fn fchdir(cx: &mut Cx, fd: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::fchdir(fd) })?;
        Ok(())
    }
    /// Return the size of the terminal window as (columns, lines).
    ///
    /// The optional argument fd (default standard output) specifies
    /// which file descriptor should be queried.
    ///
    /// If the file descriptor is not connected to a terminal, an OSError
    /// is thrown.
    ///
    /// This function will only be defined if an implementation is
    /// available for this system.
    ///
    /// shutil.get_terminal_size is the high-level function which should
    /// normally be used, os.get_terminal_size is the low-level implementation.
    #[py("($module, fd=<unrepresentable>, /)")]
    fn get_terminal_size(cx: &mut Cx, fd: Option<i32>) -> PyResult<Value> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the request fills a winsize.
        let result = unsafe { libc::ioctl(fd.unwrap_or(1), libc::TIOCGWINSZ, &mut size) };
        host::check(cx, result)?;
        Ok(super::info::terminal_size(cx, size.ws_col, size.ws_row))
    }
}

/// A NUL-terminated answer of a function that returns an error number.
fn text_result(cx: &mut Cx, code: i32, text: &[u8]) -> PyResult<Value> {
    if code != 0 {
        return Err(host::os_error(cx, code));
    }
    match std::ffi::CStr::from_bytes_until_nul(text) {
        Ok(text) => Ok(Value::of(host::fs_decode(cx, text.to_bytes()))),
        Err(_) => raise!(cx, ValueError, "name is too long"),
    }
}
