//! fcntl: control of descriptors, and file locks.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{buffer, number};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host::{self, add_ints};
use crate::int_constants;

/// Largest argument that is copied.
const SIZE: usize = 1024;

struct Functions;

/// A third argument that is not an int: its bytes.
fn argument_bytes(cx: &mut Cx, v: Value) -> PyResult<Vec<u8>> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text.to_generalized_utf8().into_owned()),
        None => buffer::with_bytes(cx, v, |_, data| Ok(data.to_vec())),
    }
}

/// Bits of an int argument, as C takes unsigned values.
fn bits_of(cx: &mut Cx, v: Value) -> PyResult<u64> {
    let index = number::index(cx, v)?;
    match (int::as_i64(index), int::view(index)) {
        (Some(i), _) => Ok(i as u64),
        (None, Some(w)) => {
            let n = w.digits().iter().take(3).rev().fold(0u64, |n, d| n << 30 | *d as u64);
            Ok(if w.negative { n.wrapping_neg() } else { n })
        }
        (None, None) => Ok(0),
    }
}

/// Runs a call with bytes that it may change, and gives them back.
fn with_copy(cx: &mut Cx, mut data: Vec<u8>, mut call: impl FnMut(*mut u8) -> i32) -> PyResult<Value> {
    let n = data.len();
    if n > SIZE {
        return raise!(cx, ValueError, "argument 3 is too long");
    }
    data.resize(SIZE + 8, 0);
    host::run(cx, || call(data.as_mut_ptr()))?;
    Ok(Value::of(Bytes::new(cx, &data[..n])))
}

#[pymethods]
impl Functions {
    /// Perform the operation `cmd` on file descriptor fd.
    ///
    /// The values used for `cmd` are operating system dependent, and are available
    /// as constants in the fcntl module, using the same names as used in
    /// the relevant C header files.  The argument arg is optional, and
    /// defaults to 0; it may be an integer, a bytes-like object, or a string.
    /// If arg is given as a string, it will be encoded to binary using the
    /// UTF-8 encoding.
    ///
    /// If the arg given is an integer or if none is specified, the result value
    /// is an integer corresponding to the return value of the fcntl() call in
    /// the C code.
    ///
    /// If arg is given as a bytes-like object or a string, the return value of
    /// fcntl() is a bytes object of that length, containing the resulting value
    /// put in the arg buffer by the operating system.
    #[py("($module, fd, cmd, arg=0, /)")]
    fn fcntl(cx: &mut Cx, fd: Value, cmd: i32, arg: Option<Value>) -> PyResult<Value> {
        let fd = host::fd_of(cx, fd)?;
        match arg {
            Some(v) if !int::check(v) && v.class().slots().index.is_none() => {
                let data = argument_bytes(cx, v)?;
                // SAFETY: the buffer is larger than any structure that the call knows.
                with_copy(cx, data, |p| unsafe { libc::fcntl(fd, cmd, p) })
            }
            arg => {
                let bits = match arg {
                    Some(v) => bits_of(cx, v)?,
                    None => 0,
                };
                // SAFETY: an int argument, as the caller says.
                let result = host::run(cx, || unsafe { libc::fcntl(fd, cmd, bits as libc::c_int) })?;
                Ok(Value::small(result as i64))
            }
        }
    }
    /// Perform the operation request on file descriptor fd.
    ///
    /// The values used for request are operating system dependent, and are available
    /// as constants in the fcntl or termios library modules, using the same names as
    /// used in the relevant C header files.
    #[py("($module, fd, request, arg=0, mutate_flag=True, /)")]
    fn ioctl(cx: &mut Cx, fd: Value, request: Value, arg: Option<Value>, mutate_flag: Option<bool>) -> PyResult<Value> {
        let fd = host::fd_of(cx, fd)?;
        let request = bits_of(cx, request)?;
        let Some(v) = arg.filter(|v| !int::check(*v) && v.class().slots().index.is_none()) else {
            let bits = match arg {
                Some(v) => bits_of(cx, v)?,
                None => 0,
            };
            // SAFETY: an int argument, as the caller says.
            let result = host::run(cx, || unsafe { libc::ioctl(fd, request, bits as libc::c_int) })?;
            return Ok(Value::small(result as i64));
        };
        let writable =
            v.downcast::<Str>().is_none() && v.downcast::<Bytes>().is_none() && mutate_flag.unwrap_or(true) && {
                let view = buffer::get(cx, v, 0)?;
                let writable = !view.readonly;
                buffer::release(cx, &view);
                writable
            };
        if !writable {
            let data = argument_bytes(cx, v)?;
            // SAFETY: the buffer is larger than what the caller describes.
            return with_copy(cx, data, |p| unsafe { libc::ioctl(fd, request, p) });
        }
        host::with_writable(cx, v, "ioctl() argument 3", |cx, data| {
            let n = data.len();
            if n > SIZE {
                // SAFETY: the caller's own buffer, as in C.
                let result = host::run(cx, || unsafe { libc::ioctl(fd, request, data.as_mut_ptr()) })?;
                return Ok(Value::small(result as i64));
            }
            let mut copy = data.to_vec();
            copy.resize(SIZE + 8, 0);
            // SAFETY: as above.
            let result = host::run(cx, || unsafe { libc::ioctl(fd, request, copy.as_mut_ptr()) })?;
            data.copy_from_slice(&copy[..n]);
            Ok(Value::small(result as i64))
        })
    }
    /// Perform the lock operation on file descriptor fd.
    ///
    /// See the Unix manual page for flock(2) for details (On some systems, this
    /// function is emulated using fcntl()).
    #[py("($module, fd, operation, /)")]
    fn flock(cx: &mut Cx, fd: Value, operation: i32) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::flock(fd, operation) })?;
        Ok(())
    }
    /// A wrapper around the fcntl() locking calls.
    ///
    /// fd is the file descriptor of the file to lock or unlock, and operation is one
    /// of the following values:
    ///
    ///     LOCK_UN - unlock
    ///     LOCK_SH - acquire a shared lock
    ///     LOCK_EX - acquire an exclusive lock
    ///
    /// When operation is LOCK_SH or LOCK_EX, it can also be bitwise ORed with
    /// LOCK_NB to avoid blocking on lock acquisition.  If LOCK_NB is used and the
    /// lock cannot be acquired, an OSError will be raised and the exception will
    /// have an errno attribute set to EACCES or EAGAIN (depending on the operating
    /// system -- for portability, check for either value).
    ///
    /// len is the number of bytes to lock, with the default meaning to lock to
    /// EOF.  start is the byte offset, relative to whence, to that the lock
    /// starts.  whence is as with fileobj.seek(), specifically:
    ///
    ///     0 - relative to the start of the file (SEEK_SET)
    ///     1 - relative to the current buffer position (SEEK_CUR)
    ///     2 - relative to the end of the file (SEEK_END)
    #[py("($module, fd, cmd, len=0, start=0, whence=0, /)")]
    fn lockf(
        cx: &mut Cx,
        fd: Value,
        cmd: i32,
        len: Option<i64>,
        start: Option<i64>,
        whence: Option<i32>,
    ) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        let kind = if cmd == libc::LOCK_UN {
            libc::F_UNLCK
        } else if cmd & libc::LOCK_SH != 0 {
            libc::F_RDLCK
        } else if cmd & libc::LOCK_EX != 0 {
            libc::F_WRLCK
        } else {
            return raise!(cx, ValueError, "unrecognized lockf argument");
        };
        let lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: whence.unwrap_or(0) as libc::c_short,
            l_start: start.unwrap_or(0),
            l_len: len.unwrap_or(0),
            l_pid: 0,
        };
        let command = if cmd & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
        // SAFETY: the lock is a local.
        host::run(cx, || unsafe { libc::fcntl(fd, command, &lock) })?;
        Ok(())
    }
}

static OTHERS: &[(&str, i64)] = &[
    ("LOCK_MAND", 32),
    ("LOCK_READ", 64),
    ("LOCK_WRITE", 128),
    ("LOCK_RW", 192),
    ("F_OFD_GETLK", 36),
    ("F_OFD_SETLK", 37),
    ("F_OFD_SETLKW", 38),
    ("F_GETSIG", 11),
    ("F_SETSIG", 10),
    ("F_GETLK64", 5),
    ("F_SETLK64", 6),
    ("F_SETLKW64", 7),
    ("FASYNC", 8192),
    ("F_DUPFD_QUERY", 1027),
    ("F_EXLCK", 4),
    ("F_SHLCK", 8),
    ("FICLONE", 1074041865),
    ("FICLONERANGE", 1075876877),
    ("F_GETOWN_EX", 16),
    ("F_SETOWN_EX", 15),
    ("F_OWNER_TID", 0),
    ("F_OWNER_PID", 1),
    ("F_OWNER_PGRP", 2),
    ("F_GET_RW_HINT", 1035),
    ("F_SET_RW_HINT", 1036),
    ("F_GET_FILE_RW_HINT", 1037),
    ("F_SET_FILE_RW_HINT", 1038),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_SHORT", 2),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("DN_ACCESS", 1),
    ("DN_MODIFY", 2),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_RENAME", 16),
    ("DN_ATTRIB", 32),
    ("DN_MULTISHOT", 0x8000_0000),
];

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "fcntl");
    let doc = cx.str(
        "This module performs file control and I/O control on file\ndescriptors.  It is an interface to the fcntl() and ioctl() Unix\nroutines.  File descriptors can be obtained with the fileno() method of\na file or socket object.",
    );
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    int_constants! { cx, module,
        LOCK_SH LOCK_EX LOCK_NB LOCK_UN F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW
        F_GETOWN F_SETOWN F_RDLCK F_WRLCK F_UNLCK F_SETLEASE F_GETLEASE F_NOTIFY F_SETPIPE_SZ F_GETPIPE_SZ FD_CLOEXEC
        F_ADD_SEALS F_GET_SEALS F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW F_SEAL_WRITE F_SEAL_FUTURE_WRITE
    }
    add_ints(cx, module, OTHERS);
    module
}
