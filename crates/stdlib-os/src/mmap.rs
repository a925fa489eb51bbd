//! `mmap`: files mapped into memory. Methods are in `mmap_methods.rs`.

use std::cell::Cell;

use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::{self, Buffer};
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::slice::{self, Slice};
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, object, raise};
use taipan_stdlib::host;

pub const ACCESS_DEFAULT: i32 = 0;
pub const ACCESS_READ: i32 = 1;
const ACCESS_WRITE: i32 = 2;
pub const ACCESS_COPY: i32 = 3;

/// A mapping. Invariant MMAP-1: while `data` is not null, `size` bytes from there on are mapped.
#[repr(C)]
pub struct Mapping {
    header: Header,
    pub data: Cell<*mut u8>,
    pub size: Cell<usize>,
    pub position: Cell<usize>,
    pub offset: i64,
    /// A descriptor of our own, or -1.
    pub fd: Cell<i32>,
    /// Views of the memory.
    pub exports: Cell<usize>,
    pub access: i32,
    pub flags: i32,
    pub prot: i32,
    pub tracks_fd: bool,
}
object!(Mapping, MMAP);

/// The type `mmap.mmap`.
pub static MMAP: Type = Type::new(&MMAP_SPEC);
static MMAP_SPEC: TypeSpec = TypeSpec {
    name: "mmap.mmap",
    basicsize: std::mem::size_of::<Mapping>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    drop: Some(drop_mapping),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        len: Some(|cx, v| of(v).bytes(cx).map(|b| b.len())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        iter: Some(items),
        contains: Some(|cx, v, item| {
            let data = of(v).bytes(cx)?;
            Ok(match item.downcast::<Bytes>().map(Bytes::data) {
                Some([b]) => data.contains(b),
                _ => false,
            })
        }),
        buffer: Some(export),
        ..Slots::NONE
    },
    methods: &[Mapping::METHODS],
    getsets: &[Mapping::GETSETS],
    doc: "mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\nMaps length bytes from the file specified by the file descriptor fileno,\nand returns a mmap object.",
    ..TypeSpec::DEFAULT
};

unsafe fn drop_mapping(object: *mut Header) {
    // SAFETY: a dead mapping; nobody has views of it, since those keep it alive.
    unsafe { (*object.cast::<Mapping>()).unmap() };
}

/// The mapping of a slot's receiver.
pub fn of(v: Value) -> &'static Mapping {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

impl Mapping {
    /// Unmaps the memory and closes the descriptor.
    pub fn unmap(&self) {
        // SAFETY: MMAP-1; the descriptor is ours.
        unsafe {
            let data = self.data.replace(std::ptr::null_mut());
            if !data.is_null() {
                libc::munmap(data.cast(), self.size.get());
            }
            let fd = self.fd.replace(-1);
            if fd >= 0 {
                libc::close(fd);
            }
        }
    }

    /// The mapped bytes. ValueError once closed.
    pub fn bytes(&self, cx: &mut Cx) -> PyResult<&'static [u8]> {
        if self.data.get().is_null() {
            return raise!(cx, ValueError, "mmap closed or invalid");
        }
        // SAFETY: MMAP-1; callers run no Python code while they use the slice.
        Ok(unsafe { std::slice::from_raw_parts(self.data.get(), self.size.get()) })
    }

    /// The mapped bytes, to be written. TypeError for mappings that are read only.
    pub fn bytes_mut(&self, cx: &mut Cx) -> PyResult<&'static mut [u8]> {
        self.bytes(cx)?;
        if self.access == ACCESS_READ {
            return raise!(cx, TypeError, "mmap can't modify a readonly memory map.");
        }
        // SAFETY: MMAP-1; callers run no Python code while they use the slice, and the GIL is held.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.data.get(), self.size.get()) })
    }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "function",
    names: &["fileno", "length", "flags", "prot", "access", "offset", "trackfd"],
    positional_only: 0,
    positional: 6,
    required: 2,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.pos().is_empty() && args.kwnames().is_none() {
        return raise!(cx, TypeError, "function missing required argument 'fileno' (pos 1)");
    }
    let mut bound = [None; 7];
    bind(cx, &PARAMS, args, &mut bound)?;
    let fd = number::to_i32(cx, bound[0].expect("required"))?;
    let length = number::to_isize(cx, bound[1].expect("required"))?;
    let mut int_or = |v: Option<Value>, default: i32| v.map_or(Ok(default), |v| number::to_i32(cx, v));
    let mut flags = int_or(bound[2], libc::MAP_SHARED)?;
    let mut prot = int_or(bound[3], libc::PROT_READ | libc::PROT_WRITE)?;
    let mut access = int_or(bound[4], ACCESS_DEFAULT)?;
    let offset = bound[5].map_or(Ok(0), |v| number::to_i64(cx, v))?;
    let tracks_fd = host::flag(cx, bound[6], true)?;
    let shown = [i64::from(fd), length as i64, i64::from(access), offset].map(|n| cx.int(n));
    taipan_stdlib::sys::audit(cx, "mmap.__new__", &shown)?;
    if length < 0 {
        return raise!(cx, OverflowError, "memory mapped length must be positive");
    }
    if offset < 0 {
        return raise!(cx, OverflowError, "memory mapped offset must be positive");
    }
    if access != ACCESS_DEFAULT
        && (bound[2].is_some_and(|_| flags != libc::MAP_SHARED)
            || bound[3].is_some_and(|_| prot != libc::PROT_READ | libc::PROT_WRITE))
    {
        return raise!(cx, ValueError, "mmap can't specify both access and flags, prot.");
    }
    match access {
        ACCESS_READ => (flags, prot) = (libc::MAP_SHARED, libc::PROT_READ),
        ACCESS_WRITE => (flags, prot) = (libc::MAP_SHARED, libc::PROT_READ | libc::PROT_WRITE),
        ACCESS_COPY => (flags, prot) = (libc::MAP_PRIVATE, libc::PROT_READ | libc::PROT_WRITE),
        ACCESS_DEFAULT if prot & libc::PROT_WRITE == 0 && prot & libc::PROT_READ != 0 => access = ACCESS_READ,
        ACCESS_DEFAULT => {}
        _ => return raise!(cx, ValueError, "mmap invalid access parameter."),
    }
    let size = mapped_size(cx, fd, length as usize, offset)?;
    let mut own_fd = -1;
    if fd != -1 && tracks_fd {
        // SAFETY: no pointers.
        own_fd = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        if own_fd < 0 {
            return Err(host::last_error(cx));
        }
    }
    if fd == -1 {
        flags |= libc::MAP_ANONYMOUS;
    }
    // SAFETY: a new mapping, nowhere in particular.
    let data = unsafe { libc::mmap(std::ptr::null_mut(), size, prot, flags, fd, offset) };
    if data == libc::MAP_FAILED {
        let raised = host::last_error(cx);
        if own_fd >= 0 {
            // SAFETY: opened above.
            unsafe { libc::close(own_fd) };
        }
        return Err(raised);
    }
    let mapping = Mapping {
        header: Header::fresh(class),
        data: Cell::new(data.cast()),
        size: Cell::new(size),
        position: Cell::new(0),
        offset,
        fd: Cell::new(own_fd),
        exports: Cell::new(0),
        access,
        flags,
        prot,
        tracks_fd,
    };
    Ok(Value::of(cx.alloc_of(class, mapping)))
}

/// The size of the mapping: that of the file from the offset on for 0.
fn mapped_size(cx: &mut Cx, fd: i32, length: usize, offset: i64) -> PyResult<usize> {
    if fd == -1 {
        return Ok(length);
    }
    // SAFETY: fstat fills the local structure.
    let (result, status) = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &raw mut status), status)
    };
    if result < 0 {
        return Err(host::last_error(cx));
    }
    if status.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Ok(length);
    }
    if length == 0 {
        if status.st_size == 0 {
            return raise!(cx, ValueError, "cannot mmap an empty file");
        }
        if offset >= status.st_size {
            return raise!(cx, ValueError, "mmap offset is greater than file size");
        }
        return Ok((status.st_size - offset) as usize);
    }
    if offset > status.st_size || (status.st_size - offset) < length as i64 {
        return raise!(cx, ValueError, "mmap length is greater than file size");
    }
    Ok(length)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let (this, name) = (of(v), v.class().tp_name());
    if this.data.get().is_null() {
        return Ok(cx.str(&format!("<{name} closed=True>")));
    }
    let access = ["DEFAULT", "READ", "WRITE", "COPY"][this.access as usize];
    let (size, position, offset) = (this.size.get(), this.position.get(), this.offset);
    let text = format!("<{name} closed=False, access=ACCESS_{access}, length={size}, pos={position}, offset={offset}>");
    Ok(cx.str(&text))
}

fn index_of(cx: &mut Cx, this: &Mapping, key: Value) -> PyResult<usize> {
    let n = this.bytes(cx)?.len() as isize;
    let i = match number::to_isize(cx, key) {
        Ok(i) => i,
        Err(_) if cx.exception_matches(&exceptions::OverflowError) => {
            cx.take_exception();
            return raise!(cx, IndexError, "mmap index out of range");
        }
        Err(raised) => return Err(raised),
    };
    let i = if i < 0 { i + n } else { i };
    // The index's own code may have closed it.
    let n = this.bytes(cx)?.len() as isize;
    if i < 0 || i >= n {
        return raise!(cx, IndexError, "mmap index out of range");
    }
    Ok(i as usize)
}

fn is_index(v: Value) -> bool {
    int::check(v) || v.class().slots().index.is_some()
}

fn get_item(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    this.bytes(cx)?;
    if is_index(key) {
        let i = index_of(cx, this, key)?;
        return Ok(Value::small(i64::from(this.bytes(cx)?[i])));
    }
    let Some(slice) = key.downcast::<Slice>() else {
        return raise!(cx, TypeError, "mmap indices must be integers");
    };
    let range = slice.apply(cx, || this.size.get())?;
    let data = this.bytes(cx)?;
    let picked: Vec<u8> = range.indices().filter_map(|i| data.get(i).copied()).collect();
    Ok(Value::of(Bytes::new(cx, &picked)))
}

fn set_item(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    this.bytes_mut(cx)?;
    if is_index(key) {
        let i = index_of(cx, this, key)?;
        let Some(value) = value else { return raise!(cx, TypeError, "mmap doesn't support item deletion") };
        if !is_index(value) {
            return raise!(cx, TypeError, "mmap item value must be an int");
        }
        let n = number::to_i64(cx, value).ok().and_then(|n| u8::try_from(n).ok());
        let Some(b) = n else {
            if cx.exception().is_some() {
                cx.take_exception();
            }
            return raise!(cx, ValueError, "mmap item value must be in range(0, 256)");
        };
        if let Some(place) = this.bytes_mut(cx)?.get_mut(i) {
            *place = b;
        }
        return Ok(());
    }
    let Some(slice) = key.downcast::<Slice>() else {
        return raise!(cx, TypeError, "mmap indices must be integers");
    };
    let range = slice.apply(cx, || this.size.get())?;
    let Some(value) = value else { return raise!(cx, TypeError, "mmap object doesn't support slice deletion") };
    let source = buffer::hold(cx, value, 0)?;
    let source = source.bytes().to_vec();
    if source.len() != range.len {
        return raise!(cx, IndexError, "mmap slice assignment is wrong size");
    }
    let data = this.bytes_mut(cx)?;
    for (i, b) in range.indices().zip(source) {
        if let Some(place) = data.get_mut(i) {
            *place = b;
        }
    }
    Ok(())
}

/// The bytes one by one, as bytes objects.
fn items(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let data = of(v).bytes(cx)?;
    let list = List::new(cx);
    for i in 0..data.len() {
        let item = Value::of(Bytes::new(cx, &data[i..=i]));
        list.push(cx, item);
    }
    iter::iter(cx, Value::of(list))
}

fn export(cx: &mut Cx, v: Value, _: i32) -> PyResult<Buffer> {
    let this = of(v);
    let mut view = Buffer::of_bytes(v, this.bytes(cx)?);
    view.readonly = this.access == ACCESS_READ;
    this.exports.set(this.exports.get() + 1);
    view.release = Some(|_, view| {
        let exports = &of(view.owner).exports;
        exports.set(exports.get() - 1);
    });
    Ok(view)
}

/// An optional bound of `find`.
pub fn clipped(cx: &mut Cx, v: Option<Value>, default: usize, len: usize) -> PyResult<usize> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(default) };
    let i = slice::bound(cx, v)?;
    let i = if i < 0 { i.saturating_add(len as isize).max(0) } else { i };
    Ok((i as usize).min(len))
}

macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

const CONSTANTS: &[(&str, i64)] = constants! {
    MADV_DODUMP MADV_DOFORK MADV_DONTDUMP MADV_DONTFORK MADV_DONTNEED MADV_FREE MADV_HUGEPAGE MADV_HWPOISON
    MADV_MERGEABLE MADV_NOHUGEPAGE MADV_NORMAL MADV_RANDOM MADV_REMOVE MADV_SEQUENTIAL MADV_UNMERGEABLE MADV_WILLNEED
    MAP_ANON MAP_ANONYMOUS MAP_DENYWRITE MAP_EXECUTABLE MAP_NORESERVE MAP_POPULATE MAP_PRIVATE MAP_SHARED MAP_STACK
    PROT_EXEC PROT_READ PROT_WRITE
};

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "mmap", "", &[]);
    module.set(cx, "__doc__", Value::none());
    module.add_type(cx, &MMAP);
    module.set(cx, "error", Value::of(&exceptions::OSError));
    host::add_ints(cx, module, CONSTANTS);
    #[cfg(target_arch = "x86_64")]
    host::add_ints(cx, module, &[("MAP_32BIT", libc::MAP_32BIT as i64)]);
    // SAFETY: no pointers.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let own = [
        ("PAGESIZE", page),
        ("ALLOCATIONGRANULARITY", page),
        ("ACCESS_DEFAULT", ACCESS_DEFAULT.into()),
        ("ACCESS_READ", ACCESS_READ.into()),
        ("ACCESS_WRITE", ACCESS_WRITE.into()),
        ("ACCESS_COPY", ACCESS_COPY.into()),
    ];
    host::add_ints(cx, module, &own);
    Ok(module)
}
