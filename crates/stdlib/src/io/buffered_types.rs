//! The types BufferedReader, BufferedWriter, BufferedRandom and BufferedRWPair with their methods.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use super::BUFFER_SIZE;
use super::base::{BUFFERED_IO_BASE, also, check_ability, held, size_arg};
use super::buffered::{self, Buffered};
use crate::host;

/// The common layout; Python code does not see this type.
pub static BUFFERED: Type = Type::new(&BUFFERED_SPEC);
static BUFFERED_SPEC: TypeSpec =
    TypeSpec { name: "_io._Buffered", basicsize: std::mem::size_of::<Buffered>(), ..TypeSpec::DEFAULT };

macro_rules! buffered_type {
    ($static:ident, $spec:ident, $name:literal, $init:path, $next:expr, $methods:expr, $doc:literal) => {
        #[doc = $doc]
        pub static $static: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $name,
            base: Some(&BUFFERED_IO_BASE),
            basicsize: std::mem::size_of::<Buffered>(),
            flags: flags::BASETYPE | flags::HAVE_GC,
            trace: Some(buffered::trace),
            drop: Some(buffered::release),
            slots: Slots {
                repr: Some(buffered::repr),
                new: Some(buffered::new),
                init: Some($init),
                next: $next,
                ..Slots::NONE
            },
            methods: $methods,
            getsets: &[Common::GETSETS],
            doc: $doc,
            signature: "(raw, buffer_size=DEFAULT_BUFFER_SIZE)",
            ..TypeSpec::DEFAULT
        };
    };
}
buffered_type!(
    BUFFERED_READER,
    READER_SPEC,
    "_io.BufferedReader",
    buffered::init_reader,
    Some(next_line),
    &[Common::METHODS, Flushing::METHODS, Reading::METHODS],
    "Create a new buffered reader using the given readable raw IO object."
);
buffered_type!(
    BUFFERED_WRITER,
    WRITER_SPEC,
    "_io.BufferedWriter",
    buffered::init_writer,
    None,
    &[Common::METHODS, Flushing::METHODS, Writing::METHODS],
    "A buffer for a writeable sequential RawIO object.\n\nThe constructor creates a BufferedWriter for the given writeable raw\nstream. If the buffer_size is not given, it defaults to\nDEFAULT_BUFFER_SIZE."
);
buffered_type!(
    BUFFERED_RANDOM,
    RANDOM_SPEC,
    "_io.BufferedRandom",
    buffered::init_random,
    Some(next_line),
    &[Common::METHODS, Flushing::METHODS, Reading::METHODS, Writing::METHODS],
    "A buffered interface to random access streams.\n\nThe constructor creates a reader and writer for a seekable stream,\nraw, given in the first argument. If the buffer_size is omitted it\ndefaults to DEFAULT_BUFFER_SIZE."
);

/// The buffered stream in `v`, of any of the three types or a subclass.
pub fn of(v: Value) -> Option<&'static Buffered> {
    let class = v.class();
    [&BUFFERED_READER, &BUFFERED_WRITER, &BUFFERED_RANDOM]
        .iter()
        .any(|t| class.is_subtype(t))
        // SAFETY: the three types have this layout.
        .then(|| unsafe { v.cast() })
}

/// True if the object's type is one of the three itself, so that no method can be overridden.
pub fn is_exact(this: &'static Buffered) -> bool {
    exact(Value::of(this)).is_some()
}

/// The buffered stream in `v`, if its type is one of the three itself.
#[inline]
pub fn exact(v: Value) -> Option<&'static Buffered> {
    let class = v.class();
    [&BUFFERED_READER, &BUFFERED_WRITER, &BUFFERED_RANDOM]
        .iter()
        .any(|t| std::ptr::eq(class, *t))
        // SAFETY: as above.
        .then(|| unsafe { v.cast() })
}

fn next_line(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of buffered streams.
    let this: &'static Buffered = unsafe { v.cast() };
    let line = if is_exact(this) {
        read_line(cx, this, -1)?
    } else {
        let name = cx.names().readline;
        cx.call_method(v, name, &[])?
    };
    match line.downcast::<Bytes>() {
        Some(bytes) if bytes.data().is_empty() => Ok(None),
        Some(_) => Ok(Some(line)),
        None => {
            let got = line.class().tp_name();
            raise!(cx, OSError, "readline() should have returned a bytes object, not '{got}'")
        }
    }
}

/// A line, or at most `limit` bytes of it unless that is negative.
pub fn read_line(cx: &mut Cx, this: &'static Buffered, limit: isize) -> PyResult<Value> {
    this.raw(cx)?;
    let within = |n: usize| if limit < 0 { n } else { n.min(limit as usize) };
    let ahead = this.available();
    let part = &ahead[..within(ahead.len())];
    if let Some(i) = memchr::memchr(b'\n', part) {
        let line = Bytes::new(cx, &part[..=i]);
        this.consume(i + 1);
        return Ok(Value::of(line));
    }
    if ahead.is_empty() {
        this.check_open(cx, "readline of closed file")?;
    }
    let mut line = Vec::new();
    this.locked(cx, |cx| {
        this.before_read(cx)?;
        loop {
            let ahead = this.available();
            let room = if limit < 0 { ahead.len() } else { ahead.len().min(limit as usize - line.len()) };
            let n = memchr::memchr(b'\n', &ahead[..room]).map_or(room, |i| i + 1);
            line.extend_from_slice(&ahead[..n]);
            this.consume(n);
            if line.ends_with(b"\n") && n > 0 || limit >= 0 && line.len() == limit as usize {
                return Ok(());
            }
            if !matches!(this.fill(cx)?, Some(n) if n > 0) {
                return Ok(());
            }
        }
    })?;
    Ok(Value::of(Bytes::new(cx, &line)))
}

/// Everything up to the end appended to `out`; false if it would block before any byte.
fn read_all(cx: &mut Cx, this: &'static Buffered, out: &mut Vec<u8>) -> PyResult<bool> {
    let ahead = this.available();
    out.extend_from_slice(ahead);
    this.consume(ahead.len());
    this.before_read(cx)?;
    if let Some(file) = this.file() {
        let had = !out.is_empty();
        let any = file.read_to_end(cx, out)?;
        this.unknown_position();
        return Ok(any || had);
    }
    this.unknown_position();
    let raw = this.raw(cx)?;
    let readall = cx.intern("readall");
    if let Some(readall) = attr::get_optional(cx, raw, readall)? {
        let rest = cx.call(readall, &[])?;
        return append(cx, rest, out, "readall() should return bytes").map(|any| any || !out.is_empty());
    }
    let read = cx.names().read;
    loop {
        let part = cx.call_method(raw, read, &[])?;
        let before = out.len();
        let any = append(cx, part, out, "read() should return bytes")?;
        if out.len() == before {
            return Ok(any || before > 0);
        }
    }
}

fn append(cx: &mut Cx, part: Value, out: &mut Vec<u8>, text: &str) -> PyResult<bool> {
    if part.is_none() {
        return Ok(false);
    }
    match part.downcast::<Bytes>() {
        Some(bytes) => {
            out.extend_from_slice(bytes.data());
            Ok(true)
        }
        None => raise!(cx, TypeError, "{text}"),
    }
}

/// Up to `n` bytes, by as many raw reads as it takes; None if it would block before any byte.
fn read_n(cx: &mut Cx, this: &'static Buffered, n: usize) -> PyResult<Option<Vec<u8>>> {
    cx.check_room::<u8>(n)?;
    let mut out = Vec::with_capacity(n.min(1 << 24));
    let ahead = this.available();
    let take = n.min(ahead.len());
    out.extend_from_slice(&ahead[..take]);
    this.consume(take);
    if out.len() == n {
        return Ok(Some(out));
    }
    this.before_read(cx)?;
    while out.len() < n {
        let want = n - out.len();
        let got = if want >= this.buffer_size() {
            // Whole buffers go to the result directly.
            let direct = want - want % this.buffer_size();
            let direct = direct.min(1 << 24);
            let at = out.len();
            out.resize(at + direct, 0);
            let got = this.raw_read(cx, &mut out[at..]);
            out.truncate(at + if let Ok(Some(n)) = got { n } else { 0 });
            got?
        } else {
            let got = this.fill(cx)?;
            let ahead = this.available();
            let take = want.min(ahead.len());
            out.extend_from_slice(&ahead[..take]);
            this.consume(take);
            got
        };
        match got {
            Some(0) => break,
            Some(_) => {}
            None if out.is_empty() => return Ok(None),
            None => break,
        }
    }
    Ok(Some(out))
}

/// As `read1(n)`, appended to `out`: what is buffered, or else the result of one raw read.
pub fn read1_into(cx: &mut Cx, this: &'static Buffered, n: usize, out: &mut Vec<u8>) -> PyResult<()> {
    let ahead = this.available();
    if !ahead.is_empty() {
        let take = n.min(ahead.len());
        out.extend_from_slice(&ahead[..take]);
        this.consume(take);
        return Ok(());
    }
    this.check_open(cx, "read of closed file")?;
    this.locked(cx, |cx| {
        this.before_read(cx)?;
        if n < this.buffer_size() && this.file().is_some() {
            this.fill(cx)?;
            let ahead = this.available();
            let take = n.min(ahead.len());
            out.extend_from_slice(&ahead[..take]);
            this.consume(take);
            return Ok(());
        }
        let at = out.len();
        out.resize(at + n, 0);
        let got = this.raw_read(cx, &mut out[at..]);
        out.truncate(at + if let Ok(Some(n)) = got { n } else { 0 });
        got.map(|_| ())
    })
}

/// Everything up to the end, for text streams over an exact stream.
pub fn read_all_into(cx: &mut Cx, this: &'static Buffered, out: &mut Vec<u8>) -> PyResult<bool> {
    this.check_open(cx, "read of closed file")?;
    this.locked(cx, |cx| read_all(cx, this, out))
}

fn read_into(cx: &mut Cx, this: &'static Buffered, target: Value, once: bool) -> PyResult<Value> {
    this.check_open(cx, "readinto of closed file")?;
    let n = host::with_writable(cx, target, "readinto() argument", |cx, out| {
        this.locked(cx, |cx| {
            let ahead = this.available();
            let mut done = out.len().min(ahead.len());
            out[..done].copy_from_slice(&ahead[..done]);
            this.consume(done);
            if done == out.len() || once && done > 0 {
                return Ok(Some(done));
            }
            this.before_read(cx)?;
            while done < out.len() {
                let want = out.len() - done;
                let got = if want > this.buffer_size() {
                    this.raw_read(cx, &mut out[done..])?
                } else if once && done > 0 {
                    break;
                } else {
                    let got = this.fill(cx)?;
                    let ahead = this.available();
                    let take = want.min(ahead.len());
                    out[done..done + take].copy_from_slice(&ahead[..take]);
                    this.consume(take);
                    got.map(|_| take)
                };
                match got {
                    Some(0) => break,
                    Some(n) => done += n,
                    None if done == 0 => return Ok(None),
                    None => break,
                }
                if once {
                    break;
                }
            }
            Ok(Some(done))
        })
    })?;
    Ok(n.map_or(Value::none(), |n| Value::small(n as i64)))
}

/// Methods of all three types.
pub struct Common;

fn ask_raw(cx: &mut Cx, this: &'static Buffered, method: &str) -> PyResult<Value> {
    let raw = this.raw(cx)?;
    cx.call_method_text(raw, method, &[])
}

#[pymethods]
impl Common {
    /// Disconnect this buffer from its underlying raw stream and return it.
    ///
    /// After the raw stream has been detached, the buffer is in an unusable
    /// state.
    #[py("($self, /)")]
    fn detach(cx: &mut Cx, this: Value) -> PyResult<Value> {
        self_of(this).detach(cx)
    }
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: Value) -> PyResult<()> {
        self_of(this).close(cx)
    }
    #[py("($self, /)")]
    fn seekable(cx: &mut Cx, this: Value) -> PyResult<Value> {
        ask_raw(cx, self_of(this), "seekable")
    }
    #[py("($self, /)")]
    fn fileno(cx: &mut Cx, this: Value) -> PyResult<Value> {
        ask_raw(cx, self_of(this), "fileno")
    }
    #[py("($self, /)")]
    fn isatty(cx: &mut Cx, this: Value) -> PyResult<Value> {
        ask_raw(cx, self_of(this), "isatty")
    }
    #[py("($self, source, /)")]
    fn _dealloc_warn(cx: &mut Cx, this: Value, source: Value) -> PyResult<()> {
        let this = self_of(this);
        if this.is_ready() {
            let raw = this.raw(cx)?;
            if cx.call_method_text(raw, "_dealloc_warn", &[source]).is_err() {
                cx.take_exception();
            }
        }
        Ok(())
    }
    #[py("($self, target, whence=0, /)")]
    fn seek(cx: &mut Cx, this: Value, target: Value, whence: Option<i32>) -> PyResult<i64> {
        let this = self_of(this);
        this.raw(cx)?;
        let whence = whence.unwrap_or(0);
        if ![0, 1, 2, libc::SEEK_DATA, libc::SEEK_HOLE].contains(&whence) {
            return raise!(cx, ValueError, "whence value {whence} unsupported");
        }
        this.check_open(cx, "seek of closed file")?;
        let raw = this.raw(cx)?;
        match this.file() {
            Some(file) if file.is_seekable(cx)? => {}
            _ => check_ability(cx, raw, "seekable")?,
        }
        let target = number::to_i64(cx, target)?;
        this.locked(cx, |cx| this.seek(cx, target, whence))
    }
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: Value) -> PyResult<i64> {
        self_of(this).tell(cx)
    }
    #[py("($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: Value, pos: Option<Value>) -> PyResult<Value> {
        self_of(this).truncate(cx, pos)
    }
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: Value) -> i64 {
        (this.class().data().basicsize + self_of(this).buffer_size()) as i64
    }
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "cannot pickle '{}' instances", this.class().name())
    }
    #[getter]
    fn raw(_cx: &mut Cx, this: Value) -> Value {
        self_of(this).raw_or_none()
    }
    #[getter]
    fn _finalizing(_cx: &mut Cx, this: Value) -> bool {
        self_of(this).is_finalizing()
    }
    #[setter("_finalizing")]
    fn set_finalizing(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        let flag = host::flag(cx, value, false)?;
        self_of(this).set_finalizing(flag);
        Ok(())
    }
    #[getter]
    fn closed(cx: &mut Cx, this: Value) -> PyResult<bool> {
        self_of(this).is_closed(cx)
    }
    #[getter]
    fn name(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let (raw, name) = (self_of(this).raw(cx)?, cx.names().name);
        attr::get(cx, raw, name)
    }
    #[getter]
    fn mode(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let (raw, name) = (self_of(this).raw(cx)?, cx.names().mode);
        attr::get(cx, raw, name)
    }
}

fn self_of(this: Value) -> &'static Buffered {
    // SAFETY: methods of the three types, whose receivers were checked.
    unsafe { this.cast() }
}

/// `flush` of all three types.
pub struct Flushing;

#[pymethods]
impl Flushing {
    #[py("($self, /)")]
    fn flush(cx: &mut Cx, this: Value) -> PyResult<()> {
        let this = self_of(this);
        if !this.writes() {
            let (raw, name) = (this.raw(cx)?, cx.names().flush);
            cx.call_method(raw, name, &[])?;
            return Ok(());
        }
        this.check_open(cx, "flush of closed file")?;
        this.flush(cx)
    }
}

/// Methods of the types that read.
pub struct Reading;

#[pymethods]
impl Reading {
    #[py("($self, /)")]
    fn readable(cx: &mut Cx, this: Value) -> PyResult<Value> {
        ask_raw(cx, self_of(this), "readable")
    }
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<Value> {
        let n = size_arg(cx, size)?;
        let this = self_of(this);
        this.raw(cx)?;
        if n < -1 {
            return raise!(cx, ValueError, "read length must be non-negative or -1");
        }
        this.check_open(cx, "read of closed file")?;
        if n < 0 {
            let mut data = Vec::new();
            let any = this.locked(cx, |cx| read_all(cx, this, &mut data))?;
            return Ok(if any { Value::of(Bytes::new(cx, &data)) } else { Value::none() });
        }
        let ahead = this.available();
        if n as usize <= ahead.len() {
            let data = Bytes::new(cx, &ahead[..n as usize]);
            this.consume(n as usize);
            return Ok(Value::of(data));
        }
        match this.locked(cx, |cx| read_n(cx, this, n as usize))? {
            Some(data) => Ok(Value::of(Bytes::new(cx, &data))),
            None => Ok(Value::none()),
        }
    }
    #[py("($self, size=0, /)")]
    fn peek(cx: &mut Cx, this: Value, size: Option<isize>) -> PyResult<Value> {
        let _ = size;
        let this = self_of(this);
        this.raw(cx)?;
        this.check_open(cx, "peek of closed file")?;
        if this.available().is_empty() || !this.pending().is_empty() {
            this.locked(cx, |cx| {
                this.before_read(cx)?;
                if this.available().is_empty() {
                    this.fill(cx)?;
                }
                Ok(())
            })?;
        }
        Ok(Value::of(Bytes::new(cx, this.available())))
    }
    #[py("($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: Value, size: Option<isize>) -> PyResult<Value> {
        let this = self_of(this);
        this.raw(cx)?;
        let n = match size.unwrap_or(-1) {
            n if n < 0 => this.buffer_size(),
            n => n as usize,
        };
        this.check_open(cx, "read of closed file")?;
        let mut data = Vec::new();
        if n > 0 {
            read1_into(cx, this, n, &mut data)?;
        }
        Ok(Value::of(Bytes::new(cx, &data)))
    }
    #[py("($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: Value, buffer: Value) -> PyResult<Value> {
        read_into(cx, self_of(this), buffer, false)
    }
    #[py("($self, buffer, /)")]
    fn readinto1(cx: &mut Cx, this: Value, buffer: Value) -> PyResult<Value> {
        read_into(cx, self_of(this), buffer, true)
    }
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: Value, size: Option<Value>) -> PyResult<Value> {
        let limit = size_arg(cx, size)?;
        read_line(cx, self_of(this), limit)
    }
}

/// Methods of the types that write.
pub struct Writing;

#[pymethods]
impl Writing {
    #[py("($self, /)")]
    fn writable(cx: &mut Cx, this: Value) -> PyResult<Value> {
        ask_raw(cx, self_of(this), "writable")
    }
    /// Write the given buffer to the IO stream.
    ///
    /// Return the number of bytes written, which is always
    /// the length of b in bytes.
    ///
    /// Raise BlockingIOError if the buffer is full and the
    /// underlying raw stream cannot accept more data at the moment.
    #[py("($self, buffer, /)")]
    fn write(cx: &mut Cx, this: Value, buffer: Value) -> PyResult<i64> {
        let this = self_of(this);
        this.raw(cx)?;
        let data = held(cx, buffer)?;
        this.check_open(cx, "write to closed file")?;
        let n = this.locked(cx, |cx| this.write(cx, data.bytes()))?;
        Ok(n as i64)
    }
}

// ---- BufferedRWPair ------------------------------------------------------------------------------------

/// A BufferedRWPair object.
#[repr(C)]
pub struct RwPair {
    header: Header,
    reader: Cell<Option<Value>>,
    writer: Cell<Option<Value>>,
}
object!(RwPair, BUFFERED_RW_PAIR);

/// `_io.BufferedRWPair`.
pub static BUFFERED_RW_PAIR: Type = Type::new(&RW_PAIR_SPEC);
static RW_PAIR_SPEC: TypeSpec = TypeSpec {
    name: "_io.BufferedRWPair",
    base: Some(&BUFFERED_IO_BASE),
    basicsize: std::mem::size_of::<RwPair>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_pair),
    slots: Slots { new: Some(new_pair), init: Some(init_pair), ..Slots::NONE },
    methods: &[RwPair::METHODS],
    getsets: &[RwPair::GETSETS],
    doc: "A buffered reader and writer object together.\n\nA buffered reader object and buffered writer object put together to\nform a sequential IO object that can read and write. This is typically\nused with a socket or two-way pipe.\n\nreader and writer are RawIOBase objects that are readable and\nwriteable respectively. If the buffer_size is omitted it defaults to\nDEFAULT_BUFFER_SIZE.",
    signature: "(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_pair(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for pairs only.
    let this = unsafe { &*object.cast::<RwPair>() };
    for value in [this.reader.get(), this.writer.get()].into_iter().flatten() {
        marker.mark_value(value.bits());
    }
}

fn new_pair(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = RwPair { header: Header::fresh(class), reader: Cell::new(None), writer: Cell::new(None) };
    Ok(Value::of(cx.alloc_of(class, this)))
}

fn init_pair(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    args.no_keywords(cx, "BufferedRWPair")?;
    let (reader, writer, size) = match args.pos() {
        [reader, writer] => (*reader, *writer, BUFFER_SIZE as isize),
        [reader, writer, size] => (*reader, *writer, number::to_isize(cx, *size)?),
        other => {
            let (n, word) = (other.len(), if other.len() < 2 { "at least 2" } else { "at most 3" });
            return raise!(cx, TypeError, "BufferedRWPair expected {word} arguments, got {n}");
        }
    };
    // SAFETY: the slot of pairs.
    let this: &'static RwPair = unsafe { v.cast() };
    check_ability(cx, reader, "readable")?;
    check_ability(cx, writer, "writable")?;
    if size <= 0 {
        return raise!(cx, ValueError, "buffer size must be strictly positive");
    }
    let reader = Buffered::make(cx, &BUFFERED_READER, reader, size as usize)?;
    let writer = Buffered::make(cx, &BUFFERED_WRITER, writer, size as usize)?;
    this.reader.set(Some(Value::of(reader)));
    this.writer.set(Some(Value::of(writer)));
    cx.barrier(this);
    Ok(())
}

impl RwPair {
    fn part(&self, cx: &mut Cx, part: &Cell<Option<Value>>) -> PyResult<Value> {
        match part.get() {
            Some(v) => Ok(v),
            None => raise!(cx, ValueError, "I/O operation on uninitialized object"),
        }
    }

    fn forward(&self, cx: &mut Cx, part: &Cell<Option<Value>>, method: &str, args: Args) -> PyResult<Value> {
        let v = self.part(cx, part)?;
        let f = attr::get_text(cx, v, method)?;
        cx.call_args(f, args)
    }
}

fn pair_of(args: Args) -> &'static RwPair {
    // SAFETY: methods of pairs, whose receivers were checked.
    unsafe { args.values()[0].cast() }
}

#[pymethods]
impl RwPair {
    #[py("($self, size=-1, /)", raw)]
    fn read(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "read", args.rest())
    }
    #[py("($self, size=0, /)", raw)]
    fn peek(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "peek", args.rest())
    }
    #[py("($self, size=-1, /)", raw)]
    fn read1(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "read1", args.rest())
    }
    #[py("($self, buffer, /)", raw)]
    fn readinto(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "readinto", args.rest())
    }
    #[py("($self, buffer, /)", raw)]
    fn readinto1(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "readinto1", args.rest())
    }
    #[py("($self, buffer, /)", raw)]
    fn write(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.writer, "write", args.rest())
    }
    #[py("($self, /)", raw)]
    fn flush(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.writer, "flush", args.rest())
    }
    #[py("($self, /)", raw)]
    fn readable(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.reader, "readable", args.rest())
    }
    #[py("($self, /)", raw)]
    fn writable(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        this.forward(cx, &this.writer, "writable", args.rest())
    }
    #[py("($self, /)", raw)]
    fn close(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        let first = this.forward(cx, &this.writer, "close", args.rest()).map(|_| ());
        also(cx, first, |cx| this.forward(cx, &this.reader, "close", Args::positional(&[])).map(|_| ()))?;
        Ok(Value::none())
    }
    #[py("($self, /)", raw)]
    fn isatty(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = pair_of(args);
        let tty = this.forward(cx, &this.writer, "isatty", args.rest())?;
        if protocol_object::truth(cx, tty)? {
            return Ok(tty);
        }
        this.forward(cx, &this.reader, "isatty", args.rest())
    }
    #[getter]
    fn closed(cx: &mut Cx, this: &'static RwPair) -> PyResult<Value> {
        if this.writer.get().is_none() {
            return raise!(cx, RuntimeError, "the BufferedRWPair object is being garbage-collected");
        }
        let writer = this.part(cx, &this.writer)?;
        attr::get_text(cx, writer, "closed")
    }
}
