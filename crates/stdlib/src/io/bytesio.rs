//! BytesIO.

use std::cell::{Cell, UnsafeCell};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Buffer;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::shape::Attrs;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use super::base::{BUFFERED_IO_BASE, closed_error, held, size_arg};
use crate::host;

/// A BytesIO object.
#[repr(C)]
pub struct BytesIo {
    header: Header,
    closed: Cell<bool>,
    exports: Cell<usize>,
    at: Cell<usize>,
    data: UnsafeCell<Vec<u8>>,
}
object!(BytesIo, BYTES_IO);

/// `_io.BytesIO`.
pub static BYTES_IO: Type = Type::new(&BYTES_IO_SPEC);
static BYTES_IO_SPEC: TypeSpec = TypeSpec {
    name: "_io.BytesIO",
    base: Some(&BUFFERED_IO_BASE),
    basicsize: std::mem::size_of::<BytesIo>(),
    flags: flags::BASETYPE,
    drop: Some(release),
    slots: Slots { new: Some(new), init: Some(init), iter: Some(iter_self), next: Some(next_line), ..Slots::NONE },
    methods: &[BytesIo::METHODS],
    getsets: &[BytesIo::GETSETS],
    doc: "Buffered I/O implementation using an in-memory bytes buffer.",
    signature: "(initial_bytes=b'')",
    ..TypeSpec::DEFAULT
};

unsafe fn release(object: *mut Header) {
    // SAFETY: called once for a dead BytesIO.
    unsafe { std::ptr::drop_in_place((*object.cast::<BytesIo>()).data.get()) };
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = BytesIo {
        header: Header::fresh(class),
        closed: Cell::new(false),
        exports: Cell::new(0),
        at: Cell::new(0),
        data: UnsafeCell::new(Vec::new()),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

static INIT: ParamSpec = ParamSpec {
    name: "BytesIO",
    names: &["initial_bytes"],
    positional_only: 0,
    positional: 1,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None];
    bind(cx, &INIT, args, &mut bound)?;
    let this = of(v);
    this.check_exports(cx)?;
    this.at.set(0);
    this.closed.set(false);
    this.data().clear();
    if let Some(initial) = bound[0].filter(|b| !b.is_none()) {
        let initial = held(cx, initial)?;
        this.data().extend_from_slice(initial.bytes());
    }
    Ok(())
}

fn of(v: Value) -> &'static BytesIo {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn iter_self(cx: &mut Cx, v: Value) -> PyResult<Value> {
    of(v).check(cx)?;
    Ok(v)
}

fn next_line(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = of(v);
    this.check(cx)?;
    let n = this.line_length(-1);
    Ok(if n == 0 { None } else { Some(this.take(cx, n)) })
}

impl BytesIo {
    #[allow(clippy::mut_from_ref)]
    fn data(&self) -> &mut Vec<u8> {
        // SAFETY: only used natively between calls of Python code; the GIL gives exclusive access. While views exist
        // the vector is not resized.
        unsafe { &mut *self.data.get() }
    }

    fn check(&self, cx: &mut Cx) -> PyResult<()> {
        if self.closed.get() { Err(closed_error(cx)) } else { Ok(()) }
    }

    fn check_exports(&self, cx: &mut Cx) -> PyResult<()> {
        if self.exports.get() > 0 {
            // A view that nobody uses any more may be waiting for the collector.
            cx.heap().collect(taipan_gc::Kind::Major);
        }
        if self.exports.get() > 0 {
            return raise!(cx, BufferError, "Existing exports of data: object cannot be re-sized");
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.data().get(self.at.get()..).unwrap_or(&[])
    }

    /// The next `n` bytes, which are there.
    fn take(&self, cx: &mut Cx, n: usize) -> Value {
        let bytes = Bytes::new(cx, &self.rest()[..n]);
        self.at.set(self.at.get() + n);
        Value::of(bytes)
    }

    fn line_length(&self, limit: isize) -> usize {
        let rest = self.rest();
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        if limit >= 0 { n.min(limit as usize) } else { n }
    }

    fn within(&self, n: isize) -> usize {
        let have = self.rest().len();
        if n < 0 { have } else { have.min(n as usize) }
    }

    fn write_bytes(&self, cx: &mut Cx, bytes: &[u8]) -> PyResult<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let (at, data) = (self.at.get(), self.data());
        let Some(end) = at.checked_add(bytes.len()).filter(|e| *e <= isize::MAX as usize) else {
            return raise!(cx, OverflowError, "new position too large");
        };
        if data.len() < end {
            if data.try_reserve(end - data.len()).is_err() {
                return Err(cx.memory_error());
            }
            data.resize(end, 0);
        }
        data[at..end].copy_from_slice(bytes);
        self.at.set(end);
        Ok(bytes.len())
    }

    fn write_value(&self, cx: &mut Cx, v: Value) -> PyResult<usize> {
        self.check(cx)?;
        self.check_exports(cx)?;
        let bytes = held(cx, v)?;
        self.write_bytes(cx, bytes.bytes())
    }
}

#[pymethods]
impl BytesIo {
    /// Returns True if the IO object can be read.
    #[py("($self, /)")]
    fn readable(cx: &mut Cx, this: &'static BytesIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    /// Returns True if the IO object can be seeked.
    #[py("($self, /)")]
    fn seekable(cx: &mut Cx, this: &'static BytesIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    /// Returns True if the IO object can be written.
    #[py("($self, /)")]
    fn writable(cx: &mut Cx, this: &'static BytesIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    /// Disable all I/O operations.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static BytesIo) -> PyResult<()> {
        this.check_exports(cx)?;
        *this.data() = Vec::new();
        this.closed.set(true);
        Ok(())
    }
    /// Does nothing.
    #[py("($self, /)")]
    fn flush(cx: &mut Cx, this: &'static BytesIo) -> PyResult<()> {
        this.check(cx)
    }
    /// Always returns False.
    ///
    /// BytesIO objects are not connected to a TTY-like device.
    #[py("($self, /)")]
    fn isatty(cx: &mut Cx, this: &'static BytesIo) -> PyResult<bool> {
        this.check(cx).map(|()| false)
    }
    /// Current file position, an integer.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static BytesIo) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.at.get())
    }
    /// Write bytes to file.
    ///
    /// Return the number of bytes written.
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, this: &'static BytesIo, b: Value) -> PyResult<usize> {
        this.write_value(cx, b)
    }
    /// Write lines to the file.
    ///
    /// Note that newlines are not added.  lines can be any iterable object
    /// producing bytes-like objects. This is equivalent to calling write() for
    /// each element.
    #[py("($self, lines, /)")]
    fn writelines(cx: &mut Cx, this: &'static BytesIo, lines: Value) -> PyResult<()> {
        this.check(cx)?;
        iter::for_each(cx, lines, |cx, line| this.write_value(cx, line).map(|_| true))
    }
    /// Read at most size bytes, returned as a bytes object.
    ///
    /// If the size argument is negative or omitted, read until EOF is reached.
    /// Return an empty bytes object at EOF.
    #[py("($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: &'static BytesIo, size: Option<Value>) -> PyResult<Value> {
        BytesIo::read(cx, this, size)
    }
    /// Read bytes into buffer.
    ///
    /// Returns number of bytes read (0 for EOF), or None if the object
    /// is set not to block and has no data to read.
    #[py("($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &'static BytesIo, buffer: Value) -> PyResult<usize> {
        this.check(cx)?;
        host::with_writable(cx, buffer, "readinto() argument", |_, out| {
            let n = this.within(out.len() as isize);
            out[..n].copy_from_slice(&this.rest()[..n]);
            this.at.set(this.at.get() + n);
            Ok(n)
        })
    }
    /// Next line from the file, as a bytes object.
    ///
    /// Retain newline.  A non-negative size argument limits the maximum
    /// number of bytes to return (an incomplete line may be returned then).
    /// Return an empty bytes object at EOF.
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &'static BytesIo, size: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let limit = size_arg(cx, size)?;
        let n = this.line_length(limit);
        Ok(this.take(cx, n))
    }
    /// List of bytes objects, each a line from the file.
    ///
    /// Call readline() repeatedly and return a list of the lines so read.
    /// The optional size argument, if given, is an approximate bound on the
    /// total number of bytes in the lines returned.
    #[py("($self, size=None, /)")]
    fn readlines(cx: &mut Cx, this: &'static BytesIo, size: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let limit = match size.filter(|s| !s.is_none()) {
            None => -1,
            Some(v) if int::check(v) || v.class().slots().index.is_some() => number::to_isize(cx, v)?,
            Some(v) => {
                let got = v.class().tp_name();
                return raise!(cx, TypeError, "integer argument expected, got '{got}'");
            }
        };
        let (lines, mut total) = (List::new(cx), 0);
        loop {
            let n = this.line_length(-1);
            if n == 0 {
                break;
            }
            let line = this.take(cx, n);
            lines.push(cx, line);
            total += n as isize;
            if limit > 0 && total >= limit {
                break;
            }
        }
        Ok(Value::of(lines))
    }
    /// Read at most size bytes, returned as a bytes object.
    ///
    /// If the size argument is negative, read until EOF is reached.
    /// Return an empty bytes object at EOF.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &'static BytesIo, size: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let n = size_arg(cx, size)?;
        let n = this.within(n);
        Ok(this.take(cx, n))
    }
    /// Get a read-write view over the contents of the BytesIO object.
    #[py("($self, /)")]
    fn getbuffer(cx: &mut Cx, this: &'static BytesIo) -> PyResult<Value> {
        this.check(cx)?;
        let header = Header::fresh(&BYTES_IO_BUFFER);
        let exporter = Value::of(cx.alloc(BytesIoBuffer { header, source: Value::of(this) }));
        let memoryview = host::builtin(cx, "memoryview")?;
        cx.call(memoryview, &[exporter])
    }
    /// Retrieve the entire contents of the BytesIO object.
    #[py("($self, /)")]
    fn getvalue(cx: &mut Cx, this: &'static BytesIo) -> PyResult<Value> {
        this.check(cx)?;
        Ok(Value::of(Bytes::new(cx, this.data())))
    }
    /// Change stream position.
    ///
    /// Seek to byte offset pos relative to position indicated by whence:
    ///      0  Start of stream (the default).  pos should be >= 0;
    ///      1  Current position - pos may be negative;
    ///      2  End of stream - pos usually negative.
    /// Returns the new absolute position.
    #[py("($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &'static BytesIo, pos: isize, whence: Option<i32>) -> PyResult<usize> {
        this.check(cx)?;
        let from = match whence.unwrap_or(0) {
            0 if pos < 0 => return raise!(cx, ValueError, "negative seek value {pos}"),
            0 => 0,
            1 => this.at.get(),
            2 => this.data().len(),
            other => return raise!(cx, ValueError, "invalid whence ({other}, should be 0, 1 or 2)"),
        };
        let Some(at) = (from as isize).checked_add(pos) else {
            return raise!(cx, OverflowError, "new position too large");
        };
        this.at.set(at.max(0) as usize);
        Ok(this.at.get())
    }
    /// Truncate the file to at most size bytes.
    ///
    /// Size defaults to the current file position, as returned by tell().
    /// The current file position is unchanged.  Returns the new size.
    #[py("($self, size=None, /)")]
    fn truncate(cx: &mut Cx, this: &'static BytesIo, size: Option<Value>) -> PyResult<usize> {
        this.check(cx)?;
        this.check_exports(cx)?;
        let size = match size.filter(|s| !s.is_none()) {
            None => this.at.get() as isize,
            Some(size) => number::to_isize(cx, size)?,
        };
        if size < 0 {
            return raise!(cx, ValueError, "negative size value {size}");
        }
        this.data().truncate(size as usize);
        Ok(size as usize)
    }
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: &'static BytesIo) -> PyResult<Value> {
        this.check(cx)?;
        let data = Value::of(Bytes::new(cx, this.data()));
        let at = cx.int(this.at.get() as i64);
        let dict = instance_dict(cx, Value::of(this));
        Ok(Value::of(Tuple::new(cx, &[data, at, dict])))
    }
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static BytesIo, object: Value) -> PyResult<()> {
        let Some(items) = super::textio::items_of(object, 3) else {
            let (class, got) = (Value::of(this).class().tp_name(), object.class().tp_name());
            return raise!(cx, TypeError, "{class}.__setstate__ argument should be 3-tuple, got {got}");
        };
        this.check_exports(cx)?;
        let data = held(cx, items[0])?;
        if !int::check(items[1]) {
            let got = items[1].class().tp_name();
            return raise!(cx, TypeError, "second item of state must be an integer, not {got}");
        }
        let at = number::to_isize(cx, items[1])?;
        if at < 0 {
            return raise!(cx, ValueError, "position value cannot be negative");
        }
        *this.data() = data.bytes().to_vec();
        this.at.set(at as usize);
        this.closed.set(false);
        update_dict(cx, Value::of(this), items[2], "third")
    }
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static BytesIo) -> usize {
        BYTES_IO.data().basicsize + this.data().capacity()
    }
    /// True if the file is closed.
    #[getter]
    fn closed(_cx: &mut Cx, this: &'static BytesIo) -> bool {
        this.closed.get()
    }
}

/// A copy of the instance's attributes, None without any.
pub fn instance_dict(cx: &mut Cx, v: Value) -> Value {
    match Attrs::of(v) {
        Some(attrs) if !attrs.items().is_empty() => {
            let dict = attrs.materialize(cx);
            Value::of(dict.copy(cx))
        }
        _ => Value::none(),
    }
}

/// Adds attributes to an instance from the dict of a pickled state.
pub fn update_dict(cx: &mut Cx, v: Value, state: Value, place: &str) -> PyResult<()> {
    if state.is_none() {
        return Ok(());
    }
    let Some(state) = state.downcast::<Dict>() else {
        let got = state.class().tp_name();
        return raise!(cx, TypeError, "{place} item of state should be a dict, got a {got}");
    };
    match Attrs::of(v) {
        Some(attrs) => attrs.materialize(cx).update_from(cx, state),
        None => Ok(()),
    }
}

/// What `getbuffer` makes a view of.
#[repr(C)]
pub struct BytesIoBuffer {
    header: Header,
    source: Value,
}
object!(BytesIoBuffer, BYTES_IO_BUFFER);

/// `_io._BytesIOBuffer`.
pub static BYTES_IO_BUFFER: Type = Type::new(&BYTES_IO_BUFFER_SPEC);
static BYTES_IO_BUFFER_SPEC: TypeSpec = TypeSpec {
    name: "_io._BytesIOBuffer",
    basicsize: std::mem::size_of::<BytesIoBuffer>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_buffer),
    slots: Slots { buffer: Some(export), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace_buffer(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these exporters only.
    marker.mark_value(unsafe { (*object.cast::<BytesIoBuffer>()).source.bits() });
}

fn export(_cx: &mut Cx, v: Value, _flags: i32) -> PyResult<Buffer> {
    // SAFETY: the slot of these exporters.
    let this: &'static BytesIoBuffer = unsafe { v.cast() };
    let source = of(this.source);
    source.exports.set(source.exports.get() + 1);
    let mut view = Buffer::of_bytes(v, source.data());
    view.readonly = false;
    view.release = Some(|_, view| {
        // SAFETY: the owner of the views made here.
        let source = of(unsafe { view.owner.cast::<BytesIoBuffer>() }.source);
        source.exports.set(source.exports.get().saturating_sub(1));
    });
    Ok(view)
}
