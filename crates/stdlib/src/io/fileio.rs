//! FileIO: a descriptor as a raw stream.

use std::cell::Cell;
use std::ffi::CString;
use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object as protocol_object, warn};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use super::base::{RAW_IO_BASE, base_close, held, size_arg, unsupported};
use crate::host;

/// A FileIO object.
#[repr(C)]
pub struct FileIo {
    header: Header,
    fd: Cell<i32>,
    created: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    appending: Cell<bool>,
    closefd: Cell<bool>,
    finalizing: Cell<bool>,
    seekable: Cell<Option<bool>>,
    blksize: Cell<i64>,
    /// Size of the file when it was opened, to choose a buffer for reading all of it; -1 unknown.
    size: Cell<i64>,
    /// Opened as a character device, so it may be a terminal.
    maybe_tty: Cell<bool>,
}
object!(FileIo, FILE_IO);

/// `_io.FileIO`.
pub static FILE_IO: Type = Type::new(&FILE_IO_SPEC);
static FILE_IO_SPEC: TypeSpec = TypeSpec {
    name: "_io.FileIO",
    base: Some(&RAW_IO_BASE),
    basicsize: std::mem::size_of::<FileIo>(),
    flags: flags::BASETYPE,
    slots: Slots { repr: Some(repr), new: Some(new), init: Some(init), ..Slots::NONE },
    methods: &[FileIo::METHODS],
    getsets: &[FileIo::GETSETS],
    doc: "Open a file.\n\nThe mode can be 'r' (default), 'w', 'x' or 'a' for reading,\nwriting, exclusive creation or appending.  The file will be created if it\ndoesn't exist when opened for writing or appending; it will be truncated\nwhen opened for writing.  A FileExistsError will be raised if it already\nexists when opened for creating. Opening a file for creating implies\nwriting so this mode behaves in a similar way to 'w'.Add a '+' to the mode\nto allow simultaneous reading and writing. A custom opener can be used by\npassing a callable as *opener*. The underlying file descriptor for the file\nobject is then obtained by calling opener with (*name*, *flags*).\n*opener* must return an open file descriptor (passing os.open as *opener*\nresults in functionality similar to passing None).",
    signature: "(file, mode='r', closefd=True, opener=None)",
    ..TypeSpec::DEFAULT
};

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = FileIo {
        header: Header::fresh(class),
        fd: Cell::new(-1),
        created: Cell::new(false),
        readable: Cell::new(false),
        writable: Cell::new(false),
        appending: Cell::new(false),
        closefd: Cell::new(true),
        finalizing: Cell::new(false),
        seekable: Cell::new(None),
        blksize: Cell::new(super::BUFFER_SIZE as i64),
        size: Cell::new(-1),
        maybe_tty: Cell::new(true),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

static INIT: ParamSpec = ParamSpec {
    name: "FileIO",
    names: &["file", "mode", "closefd", "opener"],
    positional_only: 0,
    positional: 4,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 4];
    bind(cx, &INIT, args, &mut bound)?;
    // SAFETY: the slot of FileIO.
    let this: &'static FileIo = unsafe { v.cast() };
    let mode = match bound[1] {
        None => "r".to_string(),
        Some(mode) => match mode.downcast::<Str>() {
            Some(mode) => mode.to_string_lossy(),
            None => {
                let got = mode.class().tp_name();
                return raise!(cx, TypeError, "FileIO() argument 'mode' must be str, not {got}");
            }
        },
    };
    let closefd = host::flag(cx, bound[2], true)?;
    this.open(cx, bound[0].unwrap_or(Value::none()), &mode, closefd, bound[3].filter(|o| !o.is_none()))
}

const ONE_MODE: &str = "Must have exactly one of create/read/write/append mode and at most one plus";

impl FileIo {
    /// A new open FileIO of exact type.
    pub fn make(
        cx: &mut Cx,
        file: Value,
        mode: &str,
        closefd: bool,
        opener: Option<Value>,
    ) -> PyResult<&'static FileIo> {
        let v = new(cx, &FILE_IO, Args::positional(&[]))?;
        // SAFETY: just made.
        let this: &'static FileIo = unsafe { v.cast() };
        this.open(cx, file, mode, closefd, opener)?;
        Ok(this)
    }

    /// The open flags of a mode, which is also noted in the object.
    fn set_mode(&self, cx: &mut Cx, mode: &str) -> PyResult<i32> {
        let (mut kinds, mut plus, mut open_flags) = (0, false, 0);
        for c in mode.chars() {
            match c {
                'x' => {
                    self.created.set(true);
                    self.writable.set(true);
                    open_flags |= libc::O_EXCL | libc::O_CREAT;
                }
                'r' => self.readable.set(true),
                'w' => {
                    self.writable.set(true);
                    open_flags |= libc::O_CREAT | libc::O_TRUNC;
                }
                'a' => {
                    self.appending.set(true);
                    self.writable.set(true);
                    open_flags |= libc::O_APPEND | libc::O_CREAT;
                }
                'b' => {}
                '+' if plus => return raise!(cx, ValueError, "{ONE_MODE}"),
                '+' => plus = true,
                _ => return raise!(cx, ValueError, "invalid mode: {mode}"),
            }
            if "xrwa".contains(c) {
                kinds += 1;
                if kinds > 1 {
                    return raise!(cx, ValueError, "{ONE_MODE}");
                }
            }
        }
        if kinds == 0 {
            return raise!(cx, ValueError, "{ONE_MODE}");
        }
        if plus {
            self.readable.set(true);
            self.writable.set(true);
        }
        Ok(open_flags
            | libc::O_CLOEXEC
            | match (self.readable.get(), self.writable.get()) {
                (true, true) => libc::O_RDWR,
                (true, false) => libc::O_RDONLY,
                _ => libc::O_WRONLY,
            })
    }

    fn open(&'static self, cx: &mut Cx, file: Value, mode: &str, closefd: bool, opener: Option<Value>) -> PyResult<()> {
        if self.fd.get() >= 0 {
            if self.closefd.get() {
                self.close_fd(cx)?;
            } else {
                self.fd.set(-1);
            }
        }
        for flag in [&self.created, &self.readable, &self.writable, &self.appending] {
            flag.set(false);
        }
        self.seekable.set(None);
        let given = given_fd(cx, file)?;
        let path = match given {
            Some(_) => None,
            None => Some(host::fs_bytes(cx, file)?),
        };
        let open_flags = self.set_mode(cx, mode)?;
        self.closefd.set(closefd);
        match (given, path) {
            (Some(fd), _) => self.fd.set(fd),
            (None, _) if !closefd => return raise!(cx, ValueError, "Cannot use closefd=False with file name"),
            (None, Some(path)) => {
                let fd = match opener {
                    Some(opener) => self.call_opener(cx, opener, file, open_flags)?,
                    None => open_path(cx, &path, open_flags, file)?,
                };
                self.fd.set(fd);
            }
            (None, None) => {}
        }
        let finished = self.finish_open(cx, file);
        if finished.is_err() {
            match given {
                Some(_) => self.fd.set(-1),
                None => {
                    let exception = cx.take_exception();
                    if self.close_fd(cx).is_err() {
                        cx.take_exception();
                    }
                    cx.raise_again(exception);
                }
            }
        }
        finished
    }

    fn call_opener(&self, cx: &mut Cx, opener: Value, file: Value, open_flags: i32) -> PyResult<i32> {
        let result = cx.call(opener, &[file, Value::small(open_flags as i64)])?;
        if !int::check(result) {
            return raise!(cx, TypeError, "expected integer from opener");
        }
        let fd = number::to_i32(cx, result)?;
        if fd < 0 {
            return raise!(cx, ValueError, "opener returned {fd}");
        }
        if host::set_inheritable(fd, false) < 0 {
            return Err(host::last_error(cx));
        }
        Ok(fd)
    }

    fn finish_open(&'static self, cx: &mut Cx, file: Value) -> PyResult<()> {
        let fd = self.fd.get();
        let mut st = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: filled when the call succeeds.
        let (result, code) = host::blocking(cx, || (unsafe { libc::fstat(fd, st.as_mut_ptr()) }, host::errno()));
        if result == 0 {
            // SAFETY: as above.
            let st = unsafe { st.assume_init() };
            if st.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Err(host::os_error_file(cx, libc::EISDIR, file));
            }
            if st.st_blksize > 1 {
                self.blksize.set(st.st_blksize);
            }
            self.maybe_tty.set(st.st_mode & libc::S_IFMT == libc::S_IFCHR);
            if st.st_mode & libc::S_IFMT == libc::S_IFREG {
                self.size.set(st.st_size);
            }
        } else if code == libc::EBADF {
            return Err(host::os_error(cx, code));
        }
        let name = cx.names().name;
        attr::set(cx, Value::of(self), name, Some(file))?;
        if self.appending.get() {
            // SAFETY: a plain system call; pipes cannot seek and need not.
            if unsafe { libc::lseek(fd, 0, libc::SEEK_END) } < 0 && host::errno() != libc::ESPIPE {
                return Err(host::last_error(cx));
            }
        }
        Ok(())
    }

    /// True after close.
    pub fn is_closed(&self) -> bool {
        self.fd.get() < 0
    }

    /// The descriptor. ValueError if closed.
    pub fn fd(&self, cx: &mut Cx) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd < 0 => Err(closed(cx)),
            fd => Ok(fd),
        }
    }

    /// True for a regular file that this object will close: what is written to it only shows to those who read the
    /// file.
    pub fn is_own_file(&self) -> bool {
        self.size.get() >= 0 && self.closefd.get()
    }

    /// Preferred size of a buffer.
    pub fn block_size(&self) -> i64 {
        self.blksize.get()
    }

    fn reading_fd(&self, cx: &mut Cx) -> PyResult<i32> {
        let fd = self.fd(cx)?;
        if self.readable.get() { Ok(fd) } else { Err(unsupported(cx, "File not open for reading")) }
    }

    /// Reads once into `data`; None if it would block.
    pub fn read_into(&self, cx: &mut Cx, data: &mut [u8]) -> PyResult<Option<usize>> {
        let fd = self.reading_fd(cx)?;
        // SAFETY: the buffer is as long as said.
        let result = host::retry(cx, || unsafe { libc::read(fd, data.as_mut_ptr().cast(), data.len()) })?;
        match result {
            Ok(n) => Ok(Some(n as usize)),
            Err(libc::EAGAIN) => Ok(None),
            Err(code) => Err(host::os_error(cx, code)),
        }
    }

    /// Writes once; None if it would block.
    pub fn write_from(&self, cx: &mut Cx, data: &[u8]) -> PyResult<Option<usize>> {
        let fd = self.fd(cx)?;
        if !self.writable.get() {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let n = data.len().min(0x7fff_f000);
        // SAFETY: the buffer is as long as said.
        let result = host::retry(cx, || unsafe { libc::write(fd, data.as_ptr().cast(), n) })?;
        match result {
            Ok(n) => Ok(Some(n as usize)),
            Err(libc::EAGAIN) => Ok(None),
            Err(code) => Err(host::os_error(cx, code)),
        }
    }

    /// Reads to the end and appends to `out`; false if it would block before any byte.
    pub fn read_to_end(&self, cx: &mut Cx, out: &mut Vec<u8>) -> PyResult<bool> {
        let fd = self.reading_fd(cx)?;
        let (start, mut expected) = (out.len(), super::BUFFER_SIZE);
        if self.size.get() > 0 {
            let mut st = MaybeUninit::<libc::stat>::uninit();
            // SAFETY: filled when the call succeeds.
            let (at, size) = unsafe {
                let at = libc::lseek(fd, 0, libc::SEEK_CUR);
                let known = libc::fstat(fd, st.as_mut_ptr()) == 0;
                (at, if known { st.assume_init().st_size } else { 0 })
            };
            if at >= 0 && size >= at {
                // One more byte, so that the end shows without growing.
                expected = (size - at) as usize + 1;
            }
        }
        out.reserve(expected);
        loop {
            if out.capacity() == out.len() {
                let more = (out.len() - start).clamp(super::BUFFER_SIZE, 64 << 20);
                out.reserve(more);
            }
            let len = out.len();
            let spare = out.spare_capacity_mut();
            let (p, n) = (spare.as_mut_ptr(), spare.len().min(0x7fff_f000));
            // SAFETY: the spare capacity is as long as said.
            let result = host::retry(cx, || unsafe { libc::read(fd, p.cast(), n) })?;
            match result {
                Ok(0) => return Ok(true),
                // SAFETY: the call filled n bytes.
                Ok(n) => unsafe { out.set_len(len + n as usize) },
                Err(libc::EAGAIN) => return Ok(out.len() > start),
                Err(code) => return Err(host::os_error(cx, code)),
            }
        }
    }

    /// `lseek`.
    pub fn seek_to(&self, cx: &mut Cx, offset: i64, whence: i32) -> PyResult<i64> {
        let fd = self.fd(cx)?;
        // SAFETY: a plain system call.
        let at = host::blocking(cx, || unsafe { libc::lseek(fd, offset, whence) });
        if self.seekable.get().is_none() {
            self.seekable.set(Some(at >= 0));
        }
        host::check(cx, at)
    }

    /// Whether the position can be changed.
    pub fn is_seekable(&self, cx: &mut Cx) -> PyResult<bool> {
        let fd = self.fd(cx)?;
        if self.seekable.get().is_none() {
            // SAFETY: a plain system call.
            self.seekable.set(Some(unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) } >= 0));
        }
        Ok(self.seekable.get().unwrap_or(false))
    }

    /// Whether it is a terminal.
    pub fn is_tty(&self, cx: &mut Cx) -> PyResult<bool> {
        let fd = self.fd(cx)?;
        // SAFETY: a plain system call.
        Ok(unsafe { libc::isatty(fd) == 1 })
    }

    /// Whether a file just opened is a terminal, asking only where it can be one.
    pub fn is_tty_at_open(&self, cx: &mut Cx) -> PyResult<bool> {
        if self.maybe_tty.get() { self.is_tty(cx) } else { Ok(false) }
    }

    /// Text of `mode`.
    pub fn mode_text(&self) -> &'static str {
        match (self.created.get(), self.appending.get(), self.readable.get(), self.writable.get()) {
            (true, _, true, _) => "xb+",
            (true, ..) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, ..) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, _) => "rb",
            _ => "wb",
        }
    }

    fn close_fd(&self, cx: &mut Cx) -> PyResult<()> {
        let fd = self.fd.replace(-1);
        if fd < 0 {
            return Ok(());
        }
        // SAFETY: the object owns the descriptor.
        let (result, code) = host::blocking(cx, || (unsafe { libc::close(fd) }, host::errno()));
        if result < 0 && code != libc::EINTR {
            return Err(host::os_error(cx, code));
        }
        Ok(())
    }

    /// ResourceWarning about `source`, a stream over this one that was not closed.
    pub fn warn_unclosed(&self, cx: &mut Cx, source: Value) -> PyResult<()> {
        if self.is_closed() || !self.closefd.get() {
            return Ok(());
        }
        let name = protocol_object::repr_text(cx, source)?;
        let text = format!("unclosed file {name}");
        if warn::warn(cx, &exceptions::ResourceWarning, &text, 1).is_err() {
            let exception = cx.take_exception();
            protocol_object::unraisable(cx, exception, Some(source), None);
        }
        Ok(())
    }

    /// Closes natively, without any call of Python code.
    pub fn close_now(&'static self, cx: &mut Cx) -> PyResult<()> {
        let based = base_close(cx, Value::of(self));
        if !self.closefd.get() {
            self.fd.set(-1);
            return based;
        }
        let warned = match self.finalizing.get() {
            true => self.warn_unclosed(cx, Value::of(self)),
            false => Ok(()),
        };
        super::base::also(cx, based.and(warned), |cx| self.close_fd(cx))
    }
}

/// The descriptor that a file argument is, if it is an int.
fn given_fd(cx: &mut Cx, file: Value) -> PyResult<Option<i32>> {
    if !int::check(file) {
        return Ok(None);
    }
    if file == Value::bool(true) || file == Value::bool(false) {
        warn::warn(cx, &exceptions::RuntimeWarning, "bool is used as a file descriptor", 1)?;
    }
    let fd = number::to_i32(cx, file)?;
    if fd < 0 {
        return raise!(cx, ValueError, "negative file descriptor");
    }
    Ok(Some(fd))
}

fn open_path(cx: &mut Cx, path: &CString, open_flags: i32, file: Value) -> PyResult<i32> {
    let mut collected = false;
    super::settle(cx);
    loop {
        // SAFETY: the text is NUL-terminated.
        let result = host::retry(cx, || unsafe { libc::open(path.as_ptr(), open_flags, 0o666) })?;
        match result {
            Ok(fd) => return Ok(fd),
            // Files that nobody uses any more may still be open: they close when the collector finds them.
            Err(libc::EMFILE | libc::ENFILE) if !collected => {
                collected = true;
                cx.heap().collect(taipan_gc::Kind::Major);
                taipan_runtime::heap::run_pending(cx);
            }
            Err(code) => return Err(host::os_error_file(cx, code, file)),
        }
    }
}

#[cold]
fn closed(cx: &mut Cx) -> Raised {
    cx.raise_text(&exceptions::ValueError, "I/O operation on closed file")
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of FileIO.
    let this: &'static FileIo = unsafe { v.cast() };
    let class = v.class().tp_name();
    if this.is_closed() {
        return Ok(cx.str(&format!("<{class} [closed]>")));
    }
    let (mode, closefd) = (this.mode_text(), if this.closefd.get() { "True" } else { "False" });
    let key = cx.names().name;
    let name = match attr::get_optional(cx, v, key)? {
        None => format!("fd={}", this.fd.get()),
        Some(name) => {
            if !protocol_object::enter_repr(cx, v) {
                return raise!(cx, RuntimeError, "reentrant call inside {class}.__repr__");
            }
            let text = protocol_object::repr_text(cx, name);
            protocol_object::leave_repr(cx);
            format!("name={}", text?)
        }
    };
    Ok(cx.str(&format!("<{class} {name} mode='{mode}' closefd={closefd}>")))
}

#[pymethods]
impl FileIo {
    /// Read at most size bytes, returned as bytes.
    ///
    /// If size is less than 0, read all bytes in the file making multiple read calls.
    /// See ``FileIO.readall``.
    ///
    /// Attempts to make only one system call, retrying only per PEP 475 (EINTR). This
    /// means less data may be returned than requested.
    ///
    /// In non-blocking mode, returns None if no data is available. Return an empty
    /// bytes object at EOF.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &'static FileIo, size: Option<Value>) -> PyResult<Value> {
        this.reading_fd(cx)?;
        let n = size_arg(cx, size)?;
        if n < 0 {
            return FileIo::readall(cx, this);
        }
        let mut data = cx.zeroed((n as usize).min(0x7fff_f000))?;
        match this.read_into(cx, &mut data)? {
            Some(n) => Ok(Value::of(Bytes::new(cx, &data[..n]))),
            None => Ok(Value::none()),
        }
    }
    /// Read all data from the file, returned as bytes.
    ///
    /// Reads until either there is an error or read of size 0
    /// (indicates EOF). If the file is already at EOF, returns an
    /// empty bytes object.
    ///
    /// In non-blocking mode, returns as much data as could be read
    /// before EAGAIN. If no data is available (EAGAIN is returned
    /// before bytes are read) returns None.
    #[py("($self, /)")]
    fn readall(cx: &mut Cx, this: &'static FileIo) -> PyResult<Value> {
        let mut data = Vec::new();
        match this.read_to_end(cx, &mut data)? {
            true => Ok(Value::of(Bytes::new(cx, &data))),
            false => Ok(Value::none()),
        }
    }
    /// Same as RawIOBase.readinto().
    #[py("($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &'static FileIo, buffer: Value) -> PyResult<Value> {
        this.reading_fd(cx)?;
        let n = host::with_writable(cx, buffer, "readinto() argument 1", |cx, data| this.read_into(cx, data))?;
        Ok(n.map_or(Value::none(), |n| Value::small(n as i64)))
    }
    /// Write buffer b to file, return number of bytes written.
    ///
    /// Only makes one system call, so not all of the data may be written.
    /// The number of bytes actually written is returned.  In non-blocking mode,
    /// returns None if the write would block.
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, this: &'static FileIo, b: Value) -> PyResult<Value> {
        this.fd(cx)?;
        if !this.writable.get() {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let data = held(cx, b)?;
        let n = this.write_from(cx, data.bytes())?;
        Ok(n.map_or(Value::none(), |n| Value::small(n as i64)))
    }
    /// Move to new file position and return the file position.
    ///
    /// Argument offset is a byte count.  Optional argument whence defaults to
    /// SEEK_SET or 0 (offset from start of file, offset should be >= 0); other values
    /// are SEEK_CUR or 1 (move relative to current position, positive or negative),
    /// and SEEK_END or 2 (move relative to end of file, usually negative, although
    /// many platforms allow seeking beyond the end of a file).
    ///
    /// Note that not all file objects are seekable.
    #[py("($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &'static FileIo, pos: Value, whence: Option<i32>) -> PyResult<i64> {
        this.fd(cx)?;
        let pos = number::to_i64(cx, pos)?;
        this.seek_to(cx, pos, whence.unwrap_or(0))
    }
    /// Current file position.
    ///
    /// Can raise OSError for non seekable files.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static FileIo) -> PyResult<i64> {
        this.seek_to(cx, 0, libc::SEEK_CUR)
    }
    /// Truncate the file to at most size bytes and return the truncated size.
    ///
    /// Size defaults to the current file position, as returned by tell().
    /// The current file position is changed to the value of size.
    #[py("($self, size=None, /)")]
    fn truncate(cx: &mut Cx, this: &'static FileIo, size: Option<Value>) -> PyResult<Value> {
        let fd = this.fd(cx)?;
        if !this.writable.get() {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let size = match size.filter(|s| !s.is_none()) {
            Some(size) => number::to_i64(cx, size)?,
            None => this.seek_to(cx, 0, libc::SEEK_CUR)?,
        };
        // SAFETY: a plain system call.
        host::run(cx, || unsafe { libc::ftruncate(fd, size) })?;
        Ok(cx.int(size))
    }
    /// Close the file.
    ///
    /// A closed file cannot be used for further I/O operations.  close() may be
    /// called more than once without error.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static FileIo) -> PyResult<()> {
        this.close_now(cx)
    }
    /// True if file supports random-access.
    #[py("($self, /)")]
    fn seekable(cx: &mut Cx, this: &'static FileIo) -> PyResult<bool> {
        this.is_seekable(cx)
    }
    /// True if file was opened in a read mode.
    #[py("($self, /)")]
    fn readable(cx: &mut Cx, this: &'static FileIo) -> PyResult<bool> {
        this.fd(cx)?;
        Ok(this.readable.get())
    }
    /// True if file was opened in a write mode.
    #[py("($self, /)")]
    fn writable(cx: &mut Cx, this: &'static FileIo) -> PyResult<bool> {
        this.fd(cx)?;
        Ok(this.writable.get())
    }
    /// Return the underlying file descriptor (an integer).
    #[py("($self, /)")]
    fn fileno(cx: &mut Cx, this: &'static FileIo) -> PyResult<i32> {
        this.fd(cx)
    }
    /// True if the file is connected to a TTY device.
    #[py("($self, /)")]
    fn isatty(cx: &mut Cx, this: &'static FileIo) -> PyResult<bool> {
        this.is_tty(cx)
    }
    #[py("($self, /)")]
    fn _isatty_open_only(cx: &mut Cx, this: &'static FileIo) -> PyResult<bool> {
        this.is_tty_at_open(cx)
    }
    #[py("($self, object, /)")]
    fn _dealloc_warn(cx: &mut Cx, this: &'static FileIo, object: Value) -> PyResult<()> {
        this.warn_unclosed(cx, object)
    }
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "cannot pickle '{}' instances", this.class().name())
    }
    #[getter]
    fn _finalizing(_cx: &mut Cx, this: &'static FileIo) -> bool {
        this.finalizing.get()
    }
    #[setter("_finalizing")]
    fn set_finalizing(cx: &mut Cx, this: &'static FileIo, value: Option<Value>) -> PyResult<()> {
        this.finalizing.set(host::flag(cx, value, false)?);
        Ok(())
    }
    /// True if the file is closed
    #[getter]
    fn closed(_cx: &mut Cx, this: &'static FileIo) -> bool {
        this.is_closed()
    }
    /// True if the file descriptor will be closed by close().
    #[getter]
    fn closefd(_cx: &mut Cx, this: &'static FileIo) -> bool {
        this.closefd.get()
    }
    /// String giving the file mode
    #[getter]
    fn mode(_cx: &mut Cx, this: &'static FileIo) -> &'static str {
        this.mode_text()
    }
    /// Preferred I/O block size.
    #[getter]
    fn _blksize(_cx: &mut Cx, this: &'static FileIo) -> i64 {
        this.blksize.get()
    }
    #[setter("_blksize")]
    fn set_blksize(cx: &mut Cx, this: &'static FileIo, value: Option<Value>) -> PyResult<()> {
        if let Some(value) = value {
            this.blksize.set(number::to_i64(cx, value)?);
        }
        Ok(())
    }
}
