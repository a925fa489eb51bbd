//! The abstract bases: _IOBase, _RawIOBase, _BufferedIOBase, _TextIOBase; and what all streams share.

use taipan_macros::pymethods;
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::{attr, buffer, iter, number, object as protocol_object};
use taipan_runtime::shape::Attrs;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use super::{BUFFER_SIZE, UNSUPPORTED};
use crate::host;

/// Instances of the abstract bases have attributes only.
#[repr(C)]
pub struct IoBase {
    header: Header,
}
object!(IoBase, IO_BASE);

/// `_io._IOBase`.
pub static IO_BASE: Type = Type::new(&IO_BASE_SPEC);
static IO_BASE_SPEC: TypeSpec = TypeSpec {
    name: "_io._IOBase",
    basicsize: 16,
    flags: flags::BASETYPE,
    attrs: true,
    weakrefs: true,
    slots: Slots { iter: Some(iter_self), next: Some(next_line), new: Some(new_base), ..Slots::NONE },
    methods: &[IoBase::METHODS],
    getsets: &[IoBase::GETSETS],
    doc: "The abstract base class for all I/O classes.\n\nThis class provides dummy implementations for many methods that\nderived classes can override selectively; the default implementations\nrepresent a file that cannot be read, written or seeked.\n\nEven though IOBase does not declare read, readinto, or write because\ntheir signatures will vary, implementations and clients should\nconsider those methods part of the interface. Also, implementations\nmay raise UnsupportedOperation when operations they do not support are\ncalled.\n\nThe basic type used for binary data read from or written to a file is\nbytes. Other bytes-like objects are accepted as method arguments too.\nIn some cases (such as readinto), a writable object is required. Text\nI/O classes work with str data.\n\nNote that calling any method (except additional calls to close(),\nwhich are ignored) on a closed stream should raise a ValueError.\n\nIOBase (and its subclasses) support the iterator protocol, meaning\nthat an IOBase object can be iterated over yielding the lines in a\nstream.\n\nIOBase also supports the :keyword:`with` statement. In this example,\nfp is closed after the suite of the with statement is complete:\n\nwith open('spam.txt', 'r') as fp:\n    fp.write('Spam and eggs!')\n",
    ..TypeSpec::DEFAULT
};

/// `_io._RawIOBase`.
pub static RAW_IO_BASE: Type = Type::new(&RAW_IO_BASE_SPEC);
static RAW_IO_BASE_SPEC: TypeSpec = TypeSpec {
    name: "_io._RawIOBase",
    base: Some(&IO_BASE),
    flags: flags::BASETYPE,
    methods: &[RawIoBase::METHODS],
    doc: "Base class for raw binary I/O.",
    ..TypeSpec::DEFAULT
};

/// `_io._BufferedIOBase`.
pub static BUFFERED_IO_BASE: Type = Type::new(&BUFFERED_IO_BASE_SPEC);
static BUFFERED_IO_BASE_SPEC: TypeSpec = TypeSpec {
    name: "_io._BufferedIOBase",
    base: Some(&IO_BASE),
    flags: flags::BASETYPE,
    methods: &[BufferedIoBase::METHODS],
    doc: "Base class for buffered IO objects.\n\nThe main difference with RawIOBase is that the read() method\nsupports omitting the size argument, and does not have a default\nimplementation that defers to readinto().\n\nIn addition, read(), readinto() and write() may raise\nBlockingIOError if the underlying raw stream is in non-blocking\nmode and not ready; unlike their raw counterparts, they will never\nreturn None.\n\nA typical implementation should not inherit from a RawIOBase\nimplementation, but wrap one.\n",
    ..TypeSpec::DEFAULT
};

/// `_io._TextIOBase`.
pub static TEXT_IO_BASE: Type = Type::new(&TEXT_IO_BASE_SPEC);
static TEXT_IO_BASE_SPEC: TypeSpec = TypeSpec {
    name: "_io._TextIOBase",
    base: Some(&IO_BASE),
    flags: flags::BASETYPE,
    methods: &[TextIoBase::METHODS],
    getsets: &[TextIoBase::GETSETS],
    doc: "Base class for text I/O.\n\nThis class provides a character and line based interface to stream\nI/O. There is no readinto method because Python's character strings\nare immutable.\n",
    ..TypeSpec::DEFAULT
};

fn new_base(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(cx.alloc_of(class, IoBase { header: Header::fresh(class) })))
}

// ---- shared helpers -----------------------------------------------------------------------------------

/// Raises `io.UnsupportedOperation`.
pub fn unsupported(cx: &mut Cx, text: &str) -> Raised {
    let message = cx.str(text);
    let class = UNSUPPORTED.get().unwrap_or(Value::of(&exceptions::OSError));
    match cx.call(class, &[message]) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// `v.closed` as a truth.
pub fn is_closed(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let closed = attr::get_text(cx, v, "closed")?;
    protocol_object::truth(cx, closed)
}

/// ValueError if `v.closed`.
pub fn check_closed(cx: &mut Cx, v: Value) -> PyResult<()> {
    if is_closed(cx, v)? { Err(closed_error(cx)) } else { Ok(()) }
}

/// ValueError "I/O operation on closed file.".
#[cold]
pub fn closed_error(cx: &mut Cx) -> Raised {
    cx.raise_text(&exceptions::ValueError, "I/O operation on closed file.")
}

/// UnsupportedOperation unless `v.method()` is true.
pub fn check_ability(cx: &mut Cx, v: Value, method: &str) -> PyResult<()> {
    let able = cx.call_method_text(v, method, &[])?;
    if able == Value::bool(true) {
        return Ok(());
    }
    Err(unsupported(cx, &format!("File or stream is not {method}.")))
}

/// A size argument: None and absent are -1.
pub fn size_arg(cx: &mut Cx, v: Option<Value>) -> PyResult<isize> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(-1),
        Some(v) if v.class().slots().index.is_some() || taipan_runtime::types::int::check(v) => number::to_isize(cx, v),
        Some(v) => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "argument should be integer or None, not '{got}'")
        }
    }
}

/// Runs `second` whatever `first` gave; an error of both is chained, the second one being raised.
pub fn also(cx: &mut Cx, first: PyResult<()>, second: impl FnOnce(&mut Cx) -> PyResult<()>) -> PyResult<()> {
    if first.is_ok() {
        return second(cx);
    }
    let earlier = cx.take_exception();
    match second(cx) {
        Ok(()) => Err(cx.raise_again(earlier)),
        Err(raised) => {
            if let Some(later) = cx.exception().and_then(|e| e.downcast::<exceptions::Exception>())
                && Value::of(later) != earlier
                && later.context.get().is_none()
            {
                later.context.set(Some(earlier));
                cx.barrier(later);
            }
            Err(raised)
        }
    }
}

const CLOSED_KEY: &str = "__IOBase_closed";

fn is_base_closed(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let key = cx.intern(CLOSED_KEY);
    match attr::get_optional(cx, v, key)? {
        Some(flag) => protocol_object::truth(cx, flag),
        None => Ok(false),
    }
}

/// `_IOBase.close`: flushes and marks the stream closed, once.
pub fn base_close(cx: &mut Cx, v: Value) -> PyResult<()> {
    if is_base_closed(cx, v)? {
        return Ok(());
    }
    let name = cx.names().flush;
    let flushed = cx.call_method(v, name, &[]).map(|_| ());
    also(cx, flushed, |cx| {
        let key = cx.intern(CLOSED_KEY);
        attr::set(cx, v, key, Some(Value::bool(true)))
    })
}

/// What happens to a stream that nobody uses any more: it is closed; an error of that is reported as unraisable.
pub fn finalize(cx: &mut Cx, v: Value) {
    let key = cx.intern("closed");
    let closed = match attr::get_optional(cx, v, key) {
        Ok(Some(flag)) => protocol_object::truth(cx, flag).unwrap_or(true),
        Ok(None) => false,
        Err(_) => true,
    };
    if cx.exception().is_some() {
        cx.take_exception();
    }
    if closed {
        return;
    }
    let key = cx.intern("_finalizing");
    if attr::set(cx, v, key, Some(Value::bool(true))).is_err() {
        cx.take_exception();
    }
    let name = cx.names().close;
    if cx.call_method(v, name, &[]).is_err() {
        let exception = cx.take_exception();
        protocol_object::unraisable(cx, exception, Some(v), None);
    }
}

/// Gives the instances of a type `__del__`; called after the type was readied.
pub fn set_finalizer(class: &'static Type) {
    class.data().finalizer.set(true);
}

fn iter_self(cx: &mut Cx, v: Value) -> PyResult<Value> {
    check_closed(cx, v)?;
    Ok(v)
}

fn next_line(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let name = cx.names().readline;
    let line = cx.call_method(v, name, &[])?;
    Ok(if protocol_object::len(cx, line)? == 0 { None } else { Some(line) })
}

/// A line by way of `read` (and `peek` if there is one), at most `limit` bytes unless that is negative.
fn generic_readline(cx: &mut Cx, v: Value, limit: isize) -> PyResult<Value> {
    let peek = cx.intern("peek");
    let peek = attr::get_optional(cx, v, peek)?;
    let read = cx.names().read;
    let mut line: Vec<u8> = Vec::new();
    while limit < 0 || (line.len() as isize) < limit {
        let mut want = 1;
        if let Some(peek) = peek {
            let ahead = cx.call(peek, &[Value::small(1)])?;
            let Some(ahead) = ahead.downcast::<Bytes>() else {
                let got = ahead.class().tp_name();
                return raise!(cx, OSError, "peek() should have returned a bytes object, not '{got}'");
            };
            let data = ahead.data();
            let room = if limit < 0 { data.len() } else { data.len().min(limit as usize - line.len()) };
            if !data.is_empty() {
                want = memchr::memchr(b'\n', &data[..room]).map_or(room, |i| i + 1);
            }
        }
        let part = cx.call_method(v, read, &[Value::small(want as i64)])?;
        let Some(part) = part.downcast::<Bytes>() else {
            let got = part.class().tp_name();
            return raise!(cx, OSError, "read() should have returned a bytes object, not '{got}'");
        };
        if part.data().is_empty() {
            break;
        }
        line.extend_from_slice(part.data());
        if line.ends_with(b"\n") {
            break;
        }
    }
    Ok(Value::of(Bytes::new(cx, &line)))
}

#[pymethods]
impl IoBase {
    /// Change the stream position to the given byte offset.
    ///
    ///   offset
    ///     The stream position, relative to 'whence'.
    ///   whence
    ///     The relative position to seek from.
    ///
    /// The offset is interpreted relative to the position indicated by whence.
    /// Values for whence are:
    ///
    /// * os.SEEK_SET or 0 -- start of stream (the default); offset should be zero or positive
    /// * os.SEEK_CUR or 1 -- current stream position; offset may be negative
    /// * os.SEEK_END or 2 -- end of stream; offset is usually negative
    ///
    /// Return the new absolute position.
    #[py("($self, offset, whence=os.SEEK_SET, /)")]
    fn seek(cx: &mut Cx, _this: Value, _offset: Value, _whence: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "seek"))
    }
    /// Return current stream position.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: Value) -> PyResult<Value> {
        cx.call_method_text(this, "seek", &[Value::small(0), Value::small(1)])
    }
    /// Truncate file to size bytes.
    ///
    /// File pointer is left unchanged. Size defaults to the current IO position
    /// as reported by tell(). Return the new size.
    #[py("($self, size=None, /)")]
    fn truncate(cx: &mut Cx, _this: Value, _size: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "truncate"))
    }
    /// Flush write buffers, if applicable.
    ///
    /// This is not implemented for read-only and non-blocking streams.
    #[py("($self, /)")]
    fn flush(cx: &mut Cx, this: Value) -> PyResult<()> {
        if is_base_closed(cx, this)? { Err(closed_error(cx)) } else { Ok(()) }
    }
    /// Flush and close the IO object.
    ///
    /// This method has no effect if the file is already closed.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: Value) -> PyResult<()> {
        base_close(cx, this)
    }
    /// Return whether object supports random access.
    ///
    /// If False, seek(), tell() and truncate() will raise OSError.
    /// This method may need to do a test seek().
    #[py("($self, /)")]
    fn seekable(_cx: &mut Cx, _this: Value) -> bool {
        false
    }
    /// Return whether object was opened for reading.
    ///
    /// If False, read() will raise OSError.
    #[py("($self, /)")]
    fn readable(_cx: &mut Cx, _this: Value) -> bool {
        false
    }
    /// Return whether object was opened for writing.
    ///
    /// If False, write() will raise OSError.
    #[py("($self, /)")]
    fn writable(_cx: &mut Cx, _this: Value) -> bool {
        false
    }
    #[py("($self, /)", raw, name = "_checkClosed")]
    fn check_closed_method(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_closed(cx, args.values()[0])?;
        Ok(Value::bool(true))
    }
    #[py("($self, /)", raw, name = "_checkSeekable")]
    fn check_seekable(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_ability(cx, args.values()[0], "seekable")?;
        Ok(Value::bool(true))
    }
    #[py("($self, /)", raw, name = "_checkReadable")]
    fn check_readable(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_ability(cx, args.values()[0], "readable")?;
        Ok(Value::bool(true))
    }
    #[py("($self, /)", raw, name = "_checkWritable")]
    fn check_writable(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_ability(cx, args.values()[0], "writable")?;
        Ok(Value::bool(true))
    }
    /// Return underlying file descriptor if one exists.
    ///
    /// Raise OSError if the IO object does not use a file descriptor.
    #[py("($self, /)")]
    fn fileno(cx: &mut Cx, _this: Value) -> PyResult<Value> {
        Err(unsupported(cx, "fileno"))
    }
    /// Return whether this is an 'interactive' stream.
    ///
    /// Return False if it can't be determined.
    #[py("($self, /)")]
    fn isatty(cx: &mut Cx, this: Value) -> PyResult<bool> {
        check_closed(cx, this)?;
        Ok(false)
    }
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        check_closed(cx, this)?;
        Ok(this)
    }
    #[py("($self, /, *args)", raw)]
    fn __exit__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let name = cx.names().close;
        cx.call_method(args.values()[0], name, &[])
    }
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: Value) {
        finalize(cx, this);
    }
    /// Read and return a line from the stream.
    ///
    /// If size is specified, at most size bytes will be read.
    ///
    /// The line terminator is always b'\n' for binary files; for text
    /// files, the newlines argument to open can be used to select the line
    /// terminator(s) recognized.
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<Value> {
        let limit = size_arg(cx, size)?;
        generic_readline(cx, this, limit)
    }
    /// Return a list of lines from the stream.
    ///
    /// hint can be specified to control the number of lines read: no more
    /// lines will be read if the total size (in bytes/characters) of all
    /// lines so far exceeds hint.
    #[py("($self, hint=-1, /)")]
    fn readlines(cx: &mut Cx, this: Value, hint: Option<Value>) -> PyResult<Value> {
        let hint = size_arg(cx, hint)?;
        let lines = List::new(cx);
        let it = iter::iter(cx, this)?;
        let mut total = 0;
        while let Some(line) = iter::next(cx, it)? {
            lines.push(cx, line);
            if hint > 0 {
                total += protocol_object::len(cx, line)?;
                if total > hint as usize {
                    break;
                }
            }
        }
        Ok(Value::of(lines))
    }
    /// Write a list of lines to stream.
    ///
    /// Line separators are not added, so it is usual for each of the
    /// lines provided to have a line separator at the end.
    #[py("($self, lines, /)")]
    fn writelines(cx: &mut Cx, this: Value, lines: Value) -> PyResult<()> {
        check_closed(cx, this)?;
        let write = cx.names().write;
        iter::for_each(cx, lines, |cx, line| {
            cx.call_method(this, write, &[line])?;
            Ok(true)
        })
    }
    #[getter]
    fn closed(cx: &mut Cx, this: Value) -> PyResult<bool> {
        is_base_closed(cx, this)
    }
    #[getter]
    fn __dict__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        match Attrs::of(this) {
            Some(attrs) => Ok(Value::of(attrs.materialize(cx))),
            None => raise!(cx, AttributeError, "__dict__"),
        }
    }
}

/// `_RawIOBase`.
pub struct RawIoBase;

/// All of a stream by way of `read`; None if it would block at once.
pub fn read_all(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let read = cx.names().read;
    let mut all = Vec::new();
    loop {
        let part = cx.call_method(v, read, &[Value::small(BUFFER_SIZE as i64)])?;
        if part.is_none() {
            if all.is_empty() {
                return Ok(part);
            }
            break;
        }
        let Some(part) = part.downcast::<Bytes>() else {
            return raise!(cx, TypeError, "read() should return bytes");
        };
        if part.data().is_empty() {
            break;
        }
        all.extend_from_slice(part.data());
    }
    Ok(Value::of(Bytes::new(cx, &all)))
}

#[pymethods]
impl RawIoBase {
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: Value, size: Option<isize>) -> PyResult<Value> {
        let n = size.unwrap_or(-1);
        if n < 0 {
            return cx.call_method_text(this, "readall", &[]);
        }
        let zeros = cx.zeroed(n as usize)?;
        let data = ByteArray::new(cx, &zeros);
        let got = cx.call_method_text(this, "readinto", &[Value::of(data)])?;
        if got.is_none() {
            return Ok(got);
        }
        let got = number::to_isize(cx, got)?;
        if got < 0 || got as usize > data.len() {
            let size = data.len();
            return raise!(cx, ValueError, "readinto returned {got} outside buffer size {size}");
        }
        Ok(Value::of(Bytes::new(cx, &data.data()[..got as usize])))
    }
    /// Read until EOF, using multiple read() call.
    #[py("($self, /)")]
    fn readall(cx: &mut Cx, this: Value) -> PyResult<Value> {
        read_all(cx, this)
    }
    #[py("($self, buffer, /)")]
    fn readinto(cx: &mut Cx, _this: Value, _buffer: Value) -> PyResult<Value> {
        Err(cx.raise_args(&exceptions::NotImplementedError, &[]))
    }
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, _this: Value, _b: Value) -> PyResult<Value> {
        Err(cx.raise_args(&exceptions::NotImplementedError, &[]))
    }
}

/// `_BufferedIOBase`.
pub struct BufferedIoBase;

fn read_into(cx: &mut Cx, this: Value, target: Value, method: &str) -> PyResult<Value> {
    let size = {
        let view = buffer::get(cx, target, buffer::WRITABLE)?;
        buffer::release(cx, &view);
        view.len
    };
    let data = cx.call_method_text(this, method, &[Value::small(size as i64)])?;
    let Some(data) = data.downcast::<Bytes>() else {
        return raise!(cx, TypeError, "read() should return bytes");
    };
    let n = data.data().len();
    if n > size {
        return raise!(cx, ValueError, "read() returned too much data: {size} bytes requested, {n} returned");
    }
    host::with_writable(cx, target, "readinto() argument", |_, out| {
        out[..n].copy_from_slice(data.data());
        Ok(Value::small(n as i64))
    })
}

#[pymethods]
impl BufferedIoBase {
    /// Disconnect this buffer from its underlying raw stream and return it.
    ///
    /// After the raw stream has been detached, the buffer is in an unusable
    /// state.
    #[py("($self, /)")]
    fn detach(cx: &mut Cx, _this: Value) -> PyResult<Value> {
        Err(unsupported(cx, "detach"))
    }
    /// Read and return up to n bytes.
    ///
    /// If the size argument is omitted, None, or negative, read and
    /// return all data until EOF.
    ///
    /// If the size argument is positive, and the underlying raw stream is
    /// not 'interactive', multiple raw reads may be issued to satisfy
    /// the byte count (unless EOF is reached first).
    /// However, for interactive raw streams (as well as sockets and pipes),
    /// at most one raw read will be issued, and a short result does not
    /// imply that EOF is imminent.
    ///
    /// Return an empty bytes object on EOF.
    ///
    /// Return None if the underlying raw stream was open in non-blocking
    /// mode and no data is available at the moment.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, _this: Value, _size: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "read"))
    }
    /// Read and return up to size bytes, with at most one read() call to the underlying raw stream.
    ///
    /// Return an empty bytes object on EOF.
    /// A short result does not imply that EOF is imminent.
    #[py("($self, size=-1, /)")]
    fn read1(cx: &mut Cx, _this: Value, _size: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "read1"))
    }
    #[py("($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: Value, buffer: Value) -> PyResult<Value> {
        read_into(cx, this, buffer, "read")
    }
    #[py("($self, buffer, /)")]
    fn readinto1(cx: &mut Cx, this: Value, buffer: Value) -> PyResult<Value> {
        read_into(cx, this, buffer, "read1")
    }
    /// Write buffer b to the IO stream.
    ///
    /// Return the number of bytes written, which is always
    /// the length of b in bytes.
    ///
    /// Raise BlockingIOError if the buffer is full and the
    /// underlying raw stream cannot accept more data at the moment.
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, _this: Value, _b: Value) -> PyResult<Value> {
        Err(unsupported(cx, "write"))
    }
}

/// `_TextIOBase`.
pub struct TextIoBase;

#[pymethods]
impl TextIoBase {
    /// Separate the underlying buffer from the TextIOBase and return it.
    ///
    /// After the underlying buffer has been detached, the TextIO is in an unusable state.
    #[py("($self, /)")]
    fn detach(cx: &mut Cx, _this: Value) -> PyResult<Value> {
        Err(unsupported(cx, "detach"))
    }
    /// Read at most size characters from stream.
    ///
    /// Read from underlying buffer until we have size characters or we hit EOF.
    /// If size is negative or omitted, read until EOF.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, _this: Value, _size: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "read"))
    }
    /// Read until newline or EOF.
    ///
    /// Return an empty string if EOF is hit immediately.
    /// If size is specified, at most size characters will be read.
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, _this: Value, _size: Option<Value>) -> PyResult<Value> {
        Err(unsupported(cx, "readline"))
    }
    /// Write string s to stream.
    ///
    /// Return the number of characters written
    /// (which is always equal to the length of the string).
    #[py("($self, s, /)")]
    fn write(cx: &mut Cx, _this: Value, s: Value) -> PyResult<Value> {
        if s.downcast::<Str>().is_none() {
            let got = s.class().tp_name();
            return raise!(cx, TypeError, "write() argument 1 must be str, not {got}");
        }
        Err(unsupported(cx, "write"))
    }
    /// Encoding of the text stream.
    ///
    /// Subclasses should override.
    #[getter]
    fn encoding(_cx: &mut Cx, _this: Value) -> Value {
        Value::none()
    }
    /// Line endings translated so far.
    ///
    /// Only line endings translated during reading are considered.
    ///
    /// Subclasses should override.
    #[getter]
    fn newlines(_cx: &mut Cx, _this: Value) -> Value {
        Value::none()
    }
    /// The error setting of the decoder or encoder.
    ///
    /// Subclasses should override.
    #[getter]
    fn errors(_cx: &mut Cx, _this: Value) -> Value {
        Value::none()
    }
}

/// The bytes of a bytes-like argument, held while the result lives.
pub fn held(cx: &mut Cx, v: Value) -> PyResult<Held> {
    buffer::hold(cx, v, 0)
}
