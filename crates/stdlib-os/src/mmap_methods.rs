//! Methods of mappings.

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::types::byte_ops;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

use crate::mmap::{ACCESS_COPY, ACCESS_READ, Mapping, clipped};

fn search(
    cx: &mut Cx,
    this: &'static Mapping,
    view: Held,
    bounds: [Option<Value>; 2],
    find: fn(&[u8], &[u8]) -> Option<usize>,
) -> PyResult<i64> {
    let len = this.bytes(cx)?.len();
    let start = clipped(cx, bounds[0], this.position.get().min(len), len)?;
    let end = clipped(cx, bounds[1], len, len)?;
    let data = this.bytes(cx)?;
    let part = data.get(start..end).unwrap_or(&[]);
    if start > end {
        return Ok(-1);
    }
    Ok(find(part, view.bytes()).map_or(-1, |i| (start + i) as i64))
}

impl Mapping {
    /// True while somebody has a view of the memory. Views that nobody refers to any more are collected first.
    fn has_views(&self, cx: &mut Cx) -> bool {
        if self.exports.get() > 0 {
            taipan_stdlib::gc::collect(cx, 2);
        }
        self.exports.get() > 0
    }
}

#[pymethods]
impl Mapping {
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Mapping) -> PyResult<()> {
        if this.has_views(cx) {
            return raise!(cx, BufferError, "cannot close exported pointers exist");
        }
        this.unmap();
        Ok(())
    }

    #[getter]
    fn closed(_cx: &mut Cx, this: &'static Mapping) -> bool {
        this.data.get().is_null()
    }

    #[py("($self, view, start=None, end=None, /)")]
    fn find(
        cx: &mut Cx,
        this: &'static Mapping,
        view: Held,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<i64> {
        search(cx, this, view, [start, end], byte_ops::find)
    }

    #[py("($self, view, start=None, end=None, /)")]
    fn rfind(
        cx: &mut Cx,
        this: &'static Mapping,
        view: Held,
        start: Option<Value>,
        end: Option<Value>,
    ) -> PyResult<i64> {
        search(cx, this, view, [start, end], byte_ops::rfind)
    }

    #[py("($self, offset=0, size=None, /)")]
    fn flush(cx: &mut Cx, this: &'static Mapping, offset: Option<isize>, size: Option<Value>) -> PyResult<()> {
        let len = this.bytes(cx)?.len() as isize;
        let offset = offset.unwrap_or(0);
        let size = match size.filter(|s| !s.is_none()) {
            Some(size) => number::to_isize(cx, size)?,
            None => len - offset,
        };
        if offset < 0 || size < 0 || len - offset < size {
            return raise!(cx, ValueError, "flush values out of range");
        }
        if matches!(this.access, ACCESS_READ | ACCESS_COPY) {
            return Ok(());
        }
        this.bytes(cx)?;
        // SAFETY: the range was checked against the mapping.
        let result = unsafe { libc::msync(this.data.get().offset(offset).cast(), size as usize, libc::MS_SYNC) };
        host::check(cx, result).map(|_| ())
    }

    #[py("($self, option, start=0, length=None, /)")]
    fn madvise(
        cx: &mut Cx,
        this: &'static Mapping,
        option: i32,
        start: Option<isize>,
        length: Option<Value>,
    ) -> PyResult<()> {
        let len = this.bytes(cx)?.len() as isize;
        let start = start.unwrap_or(0);
        let length = match length.filter(|v| !v.is_none()) {
            Some(v) => number::to_isize(cx, v)?,
            None => len,
        };
        if start < 0 || start >= len {
            return raise!(cx, ValueError, "madvise start out of bounds");
        }
        if length < 0 {
            return raise!(cx, ValueError, "madvise length invalid");
        }
        if isize::MAX - start < length {
            return raise!(cx, OverflowError, "madvise length too large");
        }
        let length = length.min(len - start);
        this.bytes(cx)?;
        // SAFETY: the range was checked against the mapping; what some options do to the contents is asked for.
        let result = unsafe { libc::madvise(this.data.get().offset(start).cast(), length as usize, option) };
        host::check(cx, result).map(|_| ())
    }

    #[py("($self, dest, src, count, /)", name = "move")]
    fn move_(cx: &mut Cx, this: &'static Mapping, dest: isize, src: isize, count: isize) -> PyResult<()> {
        let data = this.bytes_mut(cx)?;
        let len = data.len() as isize;
        if dest < 0 || src < 0 || count < 0 || len - dest < count || len - src < count {
            return raise!(cx, ValueError, "source, destination, or count out of range");
        }
        data.copy_within(src as usize..(src + count) as usize, dest as usize);
        Ok(())
    }

    #[py("($self, n=None, /)")]
    fn read(cx: &mut Cx, this: &'static Mapping, n: Option<Value>) -> PyResult<&'static Bytes> {
        let n = match n.filter(|n| !n.is_none()) {
            Some(n) => number::to_isize(cx, n)?,
            None => -1,
        };
        let data = this.bytes(cx)?;
        let rest = &data[this.position.get().min(data.len())..];
        let n = if n < 0 { rest.len() } else { rest.len().min(n as usize) };
        this.position.set(this.position.get() + n);
        Ok(Bytes::new(cx, &rest[..n]))
    }

    #[py("($self, /)")]
    fn read_byte(cx: &mut Cx, this: &'static Mapping) -> PyResult<i64> {
        match this.bytes(cx)?.get(this.position.get()) {
            Some(b) => {
                this.position.set(this.position.get() + 1);
                Ok(i64::from(*b))
            }
            None => raise!(cx, ValueError, "read byte out of range"),
        }
    }

    #[py("($self, /)")]
    fn readline(cx: &mut Cx, this: &'static Mapping) -> PyResult<&'static Bytes> {
        let data = this.bytes(cx)?;
        let rest = &data[this.position.get().min(data.len())..];
        let n = byte_ops::find(rest, b"\n").map_or(rest.len(), |i| i + 1);
        this.position.set(this.position.get() + n);
        Ok(Bytes::new(cx, &rest[..n]))
    }

    #[py("($self, newsize, /)")]
    fn resize(cx: &mut Cx, this: &'static Mapping, newsize: isize) -> PyResult<()> {
        this.bytes(cx)?;
        if this.has_views(cx) {
            return raise!(cx, BufferError, "mmap can't resize with extant pointers exported.");
        }
        if matches!(this.access, ACCESS_READ | ACCESS_COPY) {
            return raise!(cx, TypeError, "mmap can't resize a readonly or copy-on-write memory map.");
        }
        if !this.tracks_fd {
            return raise!(cx, ValueError, "mmap can't resize with trackfd=False.");
        }
        if newsize < 0 || i64::MAX - newsize as i64 <= this.offset {
            return raise!(cx, ValueError, "new size out of range");
        }
        let shared_anonymous = this.fd.get() < 0 && this.flags & libc::MAP_PRIVATE == 0;
        if shared_anonymous && newsize as usize > this.size.get() {
            return raise!(cx, ValueError, "mmap: can't expand a shared anonymous mapping on Linux");
        }
        // SAFETY: no pointers; then the mapping is moved as a whole (MMAP-1).
        unsafe {
            if this.fd.get() >= 0 && libc::ftruncate(this.fd.get(), this.offset + newsize as i64) < 0 {
                return Err(host::last_error(cx));
            }
            let moved = libc::mremap(this.data.get().cast(), this.size.get(), newsize as usize, libc::MREMAP_MAYMOVE);
            if moved == libc::MAP_FAILED {
                return Err(host::last_error(cx));
            }
            this.data.set(moved.cast());
            this.size.set(newsize as usize);
        }
        Ok(())
    }

    #[py("($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &'static Mapping, pos: isize, whence: Option<i32>) -> PyResult<i64> {
        let len = this.bytes(cx)?.len() as isize;
        let base = match whence.unwrap_or(0) {
            0 => 0,
            1 => this.position.get() as isize,
            2 => len,
            _ => return raise!(cx, ValueError, "unknown seek type"),
        };
        match base.checked_add(pos).filter(|to| (0..=len).contains(to)) {
            Some(to) => {
                this.position.set(to as usize);
                Ok(to as i64)
            }
            None => raise!(cx, ValueError, "seek out of range"),
        }
    }

    #[py("($self, /)")]
    fn seekable(_cx: &mut Cx, _this: &'static Mapping) -> bool {
        true
    }

    #[py("($self, /)")]
    fn size(cx: &mut Cx, this: &'static Mapping) -> PyResult<i64> {
        this.bytes(cx)?;
        if this.fd.get() < 0 {
            return Err(host::os_error(cx, libc::EBADF));
        }
        // SAFETY: fstat fills the local structure.
        let (result, status) = unsafe {
            let mut status: libc::stat = std::mem::zeroed();
            (libc::fstat(this.fd.get(), &raw mut status), status)
        };
        host::check(cx, result)?;
        Ok(status.st_size)
    }

    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static Mapping) -> PyResult<usize> {
        this.bytes(cx)?;
        Ok(this.position.get())
    }

    #[py("($self, bytes, /)")]
    fn write(cx: &mut Cx, this: &'static Mapping, bytes: Held) -> PyResult<usize> {
        let source = bytes.bytes();
        let data = this.bytes_mut(cx)?;
        let start = this.position.get();
        if start > data.len() || data.len() - start < source.len() {
            return raise!(cx, ValueError, "data out of range");
        }
        // SAFETY: both ranges are valid; the source may be a view of the same mapping, hence a move.
        unsafe { std::ptr::copy(source.as_ptr(), data.as_mut_ptr().add(start), source.len()) };
        this.position.set(start + source.len());
        Ok(source.len())
    }

    #[py("($self, byte, /)")]
    fn write_byte(cx: &mut Cx, this: &'static Mapping, byte: i64) -> PyResult<()> {
        let Ok(b) = u8::try_from(byte) else {
            return raise!(
                cx,
                OverflowError,
                "unsigned byte integer is {}",
                if byte < 0 { "less than minimum" } else { "greater than maximum" }
            );
        };
        match this.bytes_mut(cx)?.get_mut(this.position.get()) {
            Some(place) => {
                *place = b;
                this.position.set(this.position.get() + 1);
                Ok(())
            }
            None => raise!(cx, ValueError, "write byte out of range"),
        }
    }

    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Mapping) -> PyResult<&'static Mapping> {
        this.bytes(cx)?;
        Ok(this)
    }

    #[py("($self, exc_type, exc_value, traceback, /)")]
    fn __exit__(cx: &mut Cx, this: &'static Mapping, _kind: Value, _value: Value, _traceback: Value) -> PyResult<()> {
        Mapping::close(cx, this)
    }
}
