//! Directory listings: listdir, scandir and DirEntry.

use std::cell::Cell;
use std::ffi::CString;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::object as protocol_object;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions};

use super::stat::{stat_path, stat_value};
use crate::host::{self, ANY_PATH, Path};

/// Functions on directories.
pub struct Dirs;

/// An open directory stream.
#[derive(Clone, Copy)]
struct Stream(*mut libc::DIR);

/// What a stream tells about an entry.
struct Found {
    name: Vec<u8>,
    inode: u64,
    kind: u8,
}

impl Stream {
    fn open(cx: &mut Cx, path: &Path) -> PyResult<Stream> {
        let (dir, code) = host::blocking(cx, || {
            // SAFETY: the text is NUL-terminated; a descriptor is duplicated because the stream takes it over.
            let dir = unsafe {
                match path.fd {
                    Some(fd) => {
                        let own = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
                        if own < 0 { std::ptr::null_mut() } else { Stream::of_own(own) }
                    }
                    None => libc::opendir(path.ptr()),
                }
            };
            (dir, host::errno())
        });
        if dir.is_null() { Err(path.error(cx, code)) } else { Ok(Stream(dir)) }
    }

    unsafe fn of_own(fd: i32) -> *mut libc::DIR {
        // SAFETY: the caller owns fd.
        unsafe {
            let dir = libc::fdopendir(fd);
            if dir.is_null() {
                let code = host::errno();
                libc::close(fd);
                *libc::__errno_location() = code;
            } else {
                libc::rewinddir(dir);
            }
            dir
        }
    }

    /// The next entry besides "." and ".."; the inner error is the error number.
    fn next(self) -> Result<Option<Found>, i32> {
        loop {
            host::clear_errno();
            // SAFETY: the stream is open; the entry is read before the next call.
            unsafe {
                let entry = libc::readdir(self.0);
                if entry.is_null() {
                    return match host::errno() {
                        0 => Ok(None),
                        code => Err(code),
                    };
                }
                let name = std::ffi::CStr::from_ptr((*entry).d_name.as_ptr()).to_bytes();
                if name != b"." && name != b".." {
                    return Ok(Some(Found { name: name.to_vec(), inode: (*entry).d_ino, kind: (*entry).d_type }));
                }
            }
        }
    }

    fn close(self) {
        // SAFETY: the stream is open and not used afterwards.
        unsafe { libc::closedir(self.0) };
    }
}

/// `posix.DirEntry`.
#[repr(C)]
pub struct DirEntry {
    header: Header,
    name: Value,
    path: Value,
    stat: Cell<Option<Value>>,
    lstat: Cell<Option<Value>>,
    inode: u64,
    dir_fd: i32,
    kind: u8,
}
object!(DirEntry, DIR_ENTRY);

/// The type of directory entries.
pub static DIR_ENTRY: Type = Type::new(&DIR_ENTRY_SPEC);
static DIR_ENTRY_SPEC: TypeSpec = TypeSpec {
    name: "posix.DirEntry",
    basicsize: std::mem::size_of::<DirEntry>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_entry),
    slots: Slots { repr: Some(repr_entry), ..Slots::NONE },
    methods: &[DirEntry::METHODS],
    getsets: &[DirEntry::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_entry(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for directory entries only.
    let this = unsafe { &*object.cast::<DirEntry>() };
    for value in [Some(this.name), Some(this.path), this.stat.get(), this.lstat.get()].into_iter().flatten() {
        marker.mark_value(value.bits());
    }
}

fn repr_entry(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let Some(this) = v.downcast::<DirEntry>() else { return Ok(Value::not_implemented()) };
    let name = protocol_object::repr_text(cx, this.name)?;
    Ok(cx.str(&format!("<DirEntry {name}>")))
}

impl DirEntry {
    /// The entry's own or its target's stat, as the system call gives it.
    fn raw_stat(&'static self, cx: &mut Cx, follow: bool) -> PyResult<Result<libc::stat, i32>> {
        let name = if self.dir_fd >= 0 { self.name } else { self.path };
        let path = Path::new(cx, name, "DirEntry", "path", host::PATH)?;
        let dir = if self.dir_fd >= 0 { self.dir_fd } else { libc::AT_FDCWD };
        crate::io::settle(cx);
        Ok(host::blocking(cx, || stat_path(&path, dir, follow)))
    }

    fn stat_of(&'static self, cx: &mut Cx, follow: bool) -> PyResult<Value> {
        let cache = if follow { &self.stat } else { &self.lstat };
        if let Some(found) = cache.get() {
            return Ok(found);
        }
        if follow && !self.is_link(cx)? {
            let value = self.stat_of(cx, false)?;
            self.stat.set(Some(value));
            cx.barrier(self);
            return Ok(value);
        }
        match self.raw_stat(cx, follow)? {
            Ok(st) => {
                let value = stat_value(cx, &st);
                cache.set(Some(value));
                cx.barrier(self);
                Ok(value)
            }
            Err(code) => Err(host::os_error_file(cx, code, self.path)),
        }
    }

    fn is_link(&'static self, cx: &mut Cx) -> PyResult<bool> {
        match self.kind {
            libc::DT_UNKNOWN => self.has_mode(cx, false, libc::S_IFLNK),
            kind => Ok(kind == libc::DT_LNK),
        }
    }

    /// Whether the entry is of a kind; a missing file is of none.
    fn has_mode(&'static self, cx: &mut Cx, follow: bool, mode: u32) -> PyResult<bool> {
        let through_link = self.kind == libc::DT_LNK && follow;
        if self.kind != libc::DT_UNKNOWN && !through_link {
            let own = match self.kind {
                libc::DT_DIR => libc::S_IFDIR,
                libc::DT_REG => libc::S_IFREG,
                libc::DT_LNK => libc::S_IFLNK,
                _ => 0,
            };
            return Ok(own == mode);
        }
        let stat = match self.stat_of(cx, follow) {
            Ok(stat) => stat,
            Err(_) if cx.exception_matches(&exceptions::FileNotFoundError) => {
                cx.take_exception();
                return Ok(false);
            }
            Err(raised) => return Err(raised),
        };
        let own = stat.downcast::<taipan_runtime::types::tuple::Tuple>().and_then(|t| t.items()[0].as_small());
        Ok(own.is_some_and(|own| own as u32 & libc::S_IFMT == mode))
    }
}

#[pymethods]
impl DirEntry {
    /// the entry's base filename, relative to scandir() "path" argument
    #[getter]
    fn name(_cx: &mut Cx, this: &'static DirEntry) -> Value {
        this.name
    }
    /// the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)
    #[getter]
    fn path(_cx: &mut Cx, this: &'static DirEntry) -> Value {
        this.path
    }
    /// Return True if the entry is a directory; cached per entry.
    #[py("($self, /, *, follow_symlinks=True)")]
    fn is_dir(cx: &mut Cx, this: &'static DirEntry, follow_symlinks: Option<bool>) -> PyResult<bool> {
        this.has_mode(cx, follow_symlinks.unwrap_or(true), libc::S_IFDIR)
    }
    /// Return True if the entry is a file; cached per entry.
    #[py("($self, /, *, follow_symlinks=True)")]
    fn is_file(cx: &mut Cx, this: &'static DirEntry, follow_symlinks: Option<bool>) -> PyResult<bool> {
        this.has_mode(cx, follow_symlinks.unwrap_or(true), libc::S_IFREG)
    }
    /// Return True if the entry is a symbolic link; cached per entry.
    #[py("($self, /)")]
    fn is_symlink(cx: &mut Cx, this: &'static DirEntry) -> PyResult<bool> {
        this.is_link(cx)
    }
    /// Return True if the entry is a junction; cached per entry.
    #[py("($self, /)")]
    fn is_junction(_cx: &mut Cx, _this: &'static DirEntry) -> bool {
        false
    }
    /// Return stat_result object for the entry; cached per entry.
    #[py("($self, /, *, follow_symlinks=True)")]
    fn stat(cx: &mut Cx, this: &'static DirEntry, follow_symlinks: Option<bool>) -> PyResult<Value> {
        this.stat_of(cx, follow_symlinks.unwrap_or(true))
    }
    /// Return inode of the entry; cached per entry.
    #[py("($self, /)")]
    fn inode(_cx: &mut Cx, this: &'static DirEntry) -> u64 {
        this.inode
    }
    /// Returns the path for the entry.
    #[py("($self, /)")]
    fn __fspath__(_cx: &mut Cx, this: &'static DirEntry) -> Value {
        this.path
    }
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        generic_alias(cx, class, object)
    }
}

/// `types.GenericAlias(class, item)`.
pub fn generic_alias(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
    let types = host::import(cx, "types")?;
    let alias = taipan_runtime::protocol::attr::get_text(cx, types, "GenericAlias")?;
    cx.call(alias, &[class, item])
}

/// The iterator of `scandir`.
#[repr(C)]
pub struct ScandirIterator {
    header: Header,
    stream: Cell<Option<Stream>>,
    path: Value,
    /// Directory text with a slash at the end, to put names behind; owned.
    prefix: Cell<*mut Vec<u8>>,
    is_bytes: bool,
    dir_fd: i32,
}
object!(ScandirIterator, SCANDIR_ITERATOR);

/// The type of `scandir` iterators.
pub static SCANDIR_ITERATOR: Type = Type::new(&SCANDIR_ITERATOR_SPEC);
static SCANDIR_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "posix.ScandirIterator",
    basicsize: std::mem::size_of::<ScandirIterator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_scandir),
    drop: Some(drop_scandir),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next_entry), ..Slots::NONE },
    methods: &[ScandirIterator::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_scandir(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for scandir iterators only.
    marker.mark_value(unsafe { (*object.cast::<ScandirIterator>()).path.bits() });
}

unsafe fn drop_scandir(object: *mut Header) {
    // SAFETY: called once for a dead scandir iterator.
    unsafe {
        let this = &*object.cast::<ScandirIterator>();
        this.end();
        drop(Box::from_raw(this.prefix.get()));
    }
}

impl ScandirIterator {
    fn end(&self) {
        if let Some(stream) = self.stream.take() {
            stream.close();
        }
    }
}

fn next_entry(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of scandir iterators, which cannot be subclassed.
    let this: &'static ScandirIterator = unsafe { v.cast() };
    let Some(stream) = this.stream.get() else { return Ok(None) };
    match host::blocking(cx, || stream.next()) {
        Ok(Some(found)) => Ok(Some(entry(cx, this, &found))),
        Ok(None) => {
            this.end();
            Ok(None)
        }
        Err(code) => {
            this.end();
            Err(host::os_error_file(cx, code, this.path))
        }
    }
}

fn make(cx: &mut Cx, is_bytes: bool, bytes: &[u8]) -> Value {
    if is_bytes {
        return Value::of(taipan_runtime::types::bytes::Bytes::new(cx, bytes));
    }
    Value::of(host::fs_decode(cx, bytes))
}

fn entry(cx: &mut Cx, it: &'static ScandirIterator, found: &Found) -> Value {
    let name = make(cx, it.is_bytes, &found.name);
    // SAFETY: owned by the iterator, which is alive.
    let prefix = unsafe { &*it.prefix.get() };
    let path = if it.dir_fd >= 0 {
        name
    } else {
        let full = [prefix.as_slice(), &found.name].concat();
        make(cx, it.is_bytes, &full)
    };
    let header = Header::fresh(&DIR_ENTRY);
    let (stat, lstat) = (Cell::new(None), Cell::new(None));
    let (inode, dir_fd, kind) = (found.inode, it.dir_fd, found.kind);
    Value::of(cx.alloc(DirEntry { header, name, path, stat, lstat, inode, dir_fd, kind }))
}

#[pymethods]
impl ScandirIterator {
    #[py("($self, /)")]
    fn close(_cx: &mut Cx, this: &'static ScandirIterator) {
        this.end();
    }
    #[py("($self, /)")]
    fn __enter__(_cx: &mut Cx, this: Value) -> Value {
        this
    }
    #[py("($self, /, *args)", raw)]
    fn __exit__(_cx: &mut Cx, args: Args) -> PyResult<Value> {
        if let Some(this) = args.values()[0].downcast::<ScandirIterator>() {
            this.end();
        }
        Ok(Value::none())
    }
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static ScandirIterator) -> PyResult<()> {
        if this.stream.get().is_none() {
            return Ok(());
        }
        let name = protocol_object::repr_text(cx, Value::of(this))?;
        this.end();
        let text = format!("unclosed scandir iterator {name}");
        taipan_runtime::protocol::warn::warn(cx, &exceptions::ResourceWarning, &text, 1)
    }
}

#[pymethods]
impl Dirs {
    /// Return a list containing the names of the files in the directory.
    ///
    /// path can be specified as either str, bytes, or a path-like object.  If path is bytes,
    ///   the filenames returned will also be bytes; in all other circumstances
    ///   the filenames returned will be str.
    /// If path is None, uses the path='.'.
    /// On some platforms, path may also be specified as an open file descriptor;
    ///   the file descriptor must refer to a directory.
    ///   If this functionality is unavailable, using it raises NotImplementedError.
    ///
    /// The list is in arbitrary order.  It does not include the special
    /// entries '.' and '..' even if they are present in the directory.
    #[py("($module, /, path=None)")]
    fn listdir(cx: &mut Cx, path: Option<Value>) -> PyResult<Value> {
        let path = Path::new(cx, path.unwrap_or(Value::none()), "listdir", "path", ANY_PATH)?;
        let stream = Stream::open(cx, &path)?;
        let list = List::new(cx);
        let result = loop {
            match host::blocking(cx, || stream.next()) {
                Ok(Some(found)) => {
                    let name = path.make(cx, &found.name);
                    list.push(cx, name);
                }
                Ok(None) => break Ok(Value::of(list)),
                Err(code) => break Err(path.error(cx, code)),
            }
        };
        stream.close();
        result
    }
    /// Return an iterator of DirEntry objects for given path.
    ///
    /// path can be specified as either str, bytes, or a path-like object.  If path
    /// is bytes, the names of yielded DirEntry objects will also be bytes; in
    /// all other circumstances they will be str.
    ///
    /// If path is None, uses the path='.'.
    #[py("($module, /, path=None)")]
    fn scandir(cx: &mut Cx, path: Option<Value>) -> PyResult<Value> {
        let path = Path::new(cx, path.unwrap_or(Value::none()), "scandir", "path", ANY_PATH)?;
        let stream = Stream::open(cx, &path)?;
        let mut prefix = CString::as_bytes(&path.text).to_vec();
        if path.object.is_none() {
            prefix = b"./".to_vec();
        } else if !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        let new = ScandirIterator {
            header: Header::fresh(&SCANDIR_ITERATOR),
            stream: Cell::new(Some(stream)),
            path: path.object,
            prefix: Cell::new(Box::into_raw(Box::new(prefix))),
            is_bytes: path.is_bytes,
            dir_fd: path.fd.unwrap_or(-1),
        };
        Ok(Value::of(cx.alloc_of(&SCANDIR_ITERATOR, new)))
    }
}

/// Adds the types of this file.
pub fn add_types(cx: &mut Cx, module: &'static Module) {
    cx.ready_type(&SCANDIR_ITERATOR);
    SCANDIR_ITERATOR.data().finalizer.set(true);
    module.add_type(cx, &DIR_ENTRY);
}
