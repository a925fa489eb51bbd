//! What BufferedReader, BufferedWriter and BufferedRandom share: state, the raw stream, flushing, seeking, closing.
//!
//! Invariants:
//! - BUFD-1: at most one of the two buffers holds something: reading flushes what is to be written, writing forgets
//!   (by seeking back) what was read ahead.
//! - BUFD-2: `raw_pos` is the raw stream's position if known, that is the position after the data read ahead and
//!   before the data to be written.
//! - BUFD-3: the buffers are only touched natively and never while Python code runs, except by an operation that
//!   holds the lock; another operation of the same thread on the same object meanwhile is an error.

use std::cell::{Cell, UnsafeCell};

use taipan_gc::Marker;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::threads::RawLock;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use super::base::{also, check_ability};
use super::fileio::FileIo;
use super::{BUFFER_SIZE, buffered_types};
use crate::host;

/// Data read ahead: `data[start..end]`.
#[derive(Default)]
pub struct ReadAhead {
    data: Vec<u8>,
    start: usize,
    end: usize,
}

/// State of a buffered stream.
#[repr(C)]
pub struct Buffered {
    header: Header,
    raw: Cell<Option<Value>>,
    ready: Cell<bool>,
    detached: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    finalizing: Cell<bool>,
    lock: RawLock,
    /// Identity of the thread that holds the lock.
    owner: Cell<u64>,
    /// Noted as holding data to be written.
    noted: Cell<bool>,
    size: Cell<usize>,
    raw_pos: Cell<Option<i64>>,
    ahead: UnsafeCell<ReadAhead>,
    pending: UnsafeCell<Vec<u8>>,
}
object!(Buffered, buffered_types::BUFFERED);

/// Visits a buffered stream.
///
/// # Safety
/// `object` must be one.
pub unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    if let Some(raw) = unsafe { (*object.cast::<Buffered>()).raw.get() } {
        marker.mark_value(raw.bits());
    }
}

/// Releases the buffers of a dead stream.
///
/// # Safety
/// `object` must be a dead buffered stream; called once.
pub unsafe fn release(object: *mut Header) {
    // SAFETY: the caller's promise.
    unsafe {
        let this = &*object.cast::<Buffered>();
        std::ptr::drop_in_place(this.ahead.get());
        std::ptr::drop_in_place(this.pending.get());
    }
}

/// The `new` slot.
pub fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = Buffered {
        header: Header::fresh(class),
        raw: Cell::new(None),
        ready: Cell::new(false),
        detached: Cell::new(false),
        readable: Cell::new(false),
        writable: Cell::new(false),
        finalizing: Cell::new(false),
        lock: RawLock::new(),
        owner: Cell::new(0),
        noted: Cell::new(false),
        size: Cell::new(0),
        raw_pos: Cell::new(None),
        ahead: UnsafeCell::new(ReadAhead::default()),
        pending: UnsafeCell::new(Vec::new()),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

macro_rules! init_spec {
    ($static:ident, $name:literal) => {
        static $static: ParamSpec = ParamSpec {
            name: $name,
            names: &["raw", "buffer_size"],
            positional_only: 0,
            positional: 2,
            required: 1,
            keyword_required: &[],
            varargs: false,
            varkw: false,
        };
    };
}
init_spec!(READER_INIT, "BufferedReader");
init_spec!(WRITER_INIT, "BufferedWriter");
init_spec!(RANDOM_INIT, "BufferedRandom");

fn init(cx: &mut Cx, v: Value, args: Args, spec: &'static ParamSpec, abilities: &[&str]) -> PyResult<()> {
    let mut bound = [None; 2];
    bind(cx, spec, args, &mut bound)?;
    let raw = bound[0].unwrap_or(Value::none());
    let size = match bound[1] {
        Some(size) => number::to_isize(cx, size)?,
        None => BUFFER_SIZE as isize,
    };
    // SAFETY: the slot of buffered streams.
    let this: &'static Buffered = unsafe { v.cast() };
    this.ready.set(false);
    this.detached.set(false);
    for ability in abilities {
        check_ability(cx, raw, ability)?;
    }
    let (read, write) = (abilities.contains(&"readable"), abilities.contains(&"writable"));
    this.open(cx, raw, size, read, write)
}

/// The `init` slot of BufferedReader.
pub fn init_reader(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init(cx, v, args, &READER_INIT, &["readable"])
}
/// The `init` slot of BufferedWriter.
pub fn init_writer(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init(cx, v, args, &WRITER_INIT, &["writable"])
}
/// The `init` slot of BufferedRandom.
pub fn init_random(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init(cx, v, args, &RANDOM_INIT, &["seekable", "readable", "writable"])
}

/// BlockingIOError with the number of characters written.
pub fn would_block(cx: &mut Cx, text: &str, written: usize) -> Raised {
    let (code, text) = (Value::small(libc::EAGAIN as i64), cx.str(text));
    let args = [code, text, Value::small(written as i64)];
    cx.raise_args(&exceptions::BlockingIOError, &args)
}

impl Buffered {
    /// A new stream of exact type `class` over `raw`.
    pub fn make(cx: &mut Cx, class: &'static Type, raw: Value, size: usize) -> PyResult<&'static Buffered> {
        let v = new(cx, class, Args::positional(&[]))?;
        // SAFETY: just made.
        let this: &'static Buffered = unsafe { v.cast() };
        let random = std::ptr::eq(class, &buffered_types::BUFFERED_RANDOM);
        let write = random || std::ptr::eq(class, &buffered_types::BUFFERED_WRITER);
        this.open(cx, raw, size as isize, random || !write, write)?;
        Ok(this)
    }

    fn open(&'static self, cx: &mut Cx, raw: Value, size: isize, read: bool, write: bool) -> PyResult<()> {
        if size <= 0 {
            return raise!(cx, ValueError, "buffer size must be strictly positive");
        }
        self.raw.set(Some(raw));
        cx.barrier(self);
        self.size.set(size as usize);
        self.readable.set(read);
        self.writable.set(write);
        self.raw_pos.set(None);
        self.forget_ahead();
        self.pending().clear();
        self.ready.set(true);
        Ok(())
    }

    #[allow(clippy::mut_from_ref)]
    fn ahead(&self) -> &mut ReadAhead {
        // SAFETY: BUFD-3, the GIL gives exclusive access.
        unsafe { &mut *self.ahead.get() }
    }

    /// Bytes to be written.
    #[allow(clippy::mut_from_ref)]
    pub fn pending(&self) -> &mut Vec<u8> {
        // SAFETY: BUFD-3, the GIL gives exclusive access.
        unsafe { &mut *self.pending.get() }
    }

    /// Data read ahead.
    #[inline]
    pub fn available(&self) -> &[u8] {
        let ahead = self.ahead();
        &ahead.data[ahead.start..ahead.end]
    }

    /// Marks the next `n` bytes read.
    #[inline]
    pub fn consume(&self, n: usize) {
        self.ahead().start += n;
    }

    fn forget_ahead(&self) {
        let ahead = self.ahead();
        (ahead.start, ahead.end) = (0, 0);
    }

    /// Capacity of the buffers.
    pub fn buffer_size(&self) -> usize {
        self.size.get()
    }

    /// True for streams that read.
    pub fn reads(&self) -> bool {
        self.readable.get()
    }

    /// The raw stream. ValueError without one.
    pub fn raw(&self, cx: &mut Cx) -> PyResult<Value> {
        match self.raw.get() {
            Some(raw) if self.ready.get() => Ok(raw),
            _ if self.detached.get() => raise!(cx, ValueError, "raw stream has been detached"),
            _ => raise!(cx, ValueError, "I/O operation on uninitialized object"),
        }
    }

    /// The raw stream, if it is an exact FileIO.
    #[inline]
    pub fn file(&self) -> Option<&'static FileIo> {
        self.raw.get().and_then(|raw| raw.exact::<FileIo>())
    }

    /// Whether the raw stream is closed.
    pub fn is_closed(&self, cx: &mut Cx) -> PyResult<bool> {
        let raw = self.raw(cx)?;
        match raw.exact::<FileIo>() {
            Some(file) => Ok(file.is_closed()),
            None => super::base::is_closed(cx, raw),
        }
    }

    /// ValueError "`what` of closed file" if closed and nothing is buffered for reading.
    pub fn check_open(&self, cx: &mut Cx, what: &str) -> PyResult<()> {
        if self.is_closed(cx)? {
            return raise!(cx, ValueError, "{what}");
        }
        Ok(())
    }

    /// Runs an operation that nothing else on the same object may interrupt (BUFD-3).
    pub fn locked<T>(&'static self, cx: &mut Cx, f: impl FnOnce(&mut Cx) -> PyResult<T>) -> PyResult<T> {
        if !self.lock.try_take() {
            if self.owner.get() == cx.ident {
                let name = protocol_object::repr_text(cx, Value::of(self))?;
                return raise!(cx, RuntimeError, "reentrant call inside {name}");
            }
            self.lock.take(cx, None)?;
        }
        self.owner.set(cx.ident);
        let result = f(cx);
        self.owner.set(0);
        self.lock.release();
        result
    }

    // ---- the raw stream --------------------------------------------------------------------------------

    /// Reads once from the raw stream; None if it would block.
    pub fn raw_read(&'static self, cx: &mut Cx, out: &mut [u8]) -> PyResult<Option<usize>> {
        let raw = self.raw(cx)?;
        let n = match raw.exact::<FileIo>() {
            Some(file) => file.read_into(cx, out)?,
            None => self.raw_read_object(cx, raw, out)?,
        };
        if let (Some(n), Some(at)) = (n, self.raw_pos.get()) {
            self.raw_pos.set(Some(at + n as i64));
        }
        Ok(n)
    }

    fn raw_read_object(&self, cx: &mut Cx, raw: Value, out: &mut [u8]) -> PyResult<Option<usize>> {
        let data = ByteArray::new(cx, &vec![0; out.len()]);
        let memoryview = host::builtin(cx, "memoryview")?;
        let view = cx.call(memoryview, &[Value::of(data)])?;
        let result = cx.call_method_text(raw, "readinto", &[view])?;
        if result.is_none() {
            return Ok(None);
        }
        let n = match number::to_isize(cx, result) {
            Ok(n) => n,
            Err(raised) => {
                let cause = cx.take_exception();
                let _ = raised;
                let raised = cx.raise_text(&exceptions::OSError, "raw readinto() failed");
                if let Some(e) = cx.exception().and_then(|e| e.downcast::<exceptions::Exception>()) {
                    e.cause.set(Some(cause));
                    e.context.set(Some(cause));
                    e.suppress_context.set(true);
                    cx.barrier(e);
                }
                return Err(raised);
            }
        };
        if n < 0 || n as usize > out.len() {
            let size = out.len();
            return raise!(
                cx,
                OSError,
                "raw readinto() returned invalid length {n} (should have been between 0 and {size})"
            );
        }
        let n = n as usize;
        match data.data().get(..n) {
            Some(data) => out[..n].copy_from_slice(data),
            None => return raise!(cx, OSError, "raw readinto() changed the size of its buffer"),
        }
        Ok(Some(n))
    }

    /// Writes once to the raw stream; None if it would block.
    fn raw_write(&'static self, cx: &mut Cx, data: &[u8]) -> PyResult<Option<usize>> {
        let raw = self.raw(cx)?;
        let n = match raw.exact::<FileIo>() {
            Some(file) => file.write_from(cx, data)?,
            None => {
                let bytes = Value::of(Bytes::new(cx, data));
                let memoryview = host::builtin(cx, "memoryview")?;
                let view = cx.call(memoryview, &[bytes])?;
                let name = cx.names().write;
                let result = cx.call_method(raw, name, &[view])?;
                if result.is_none() {
                    None
                } else {
                    let n = number::to_isize(cx, result)?;
                    if n < 0 || n as usize > data.len() {
                        let size = data.len();
                        return raise!(
                            cx,
                            OSError,
                            "raw write() returned invalid length {n} (should have been between 0 and {size})"
                        );
                    }
                    Some(n as usize)
                }
            }
        };
        if let (Some(n), Some(at)) = (n, self.raw_pos.get()) {
            self.raw_pos.set(Some(at + n as i64));
        }
        Ok(n)
    }

    /// Position of the raw stream, asked anew.
    fn raw_tell(&self, cx: &mut Cx) -> PyResult<i64> {
        let raw = self.raw(cx)?;
        self.raw_pos.set(None);
        let at = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(cx, 0, libc::SEEK_CUR)?,
            None => {
                let at = cx.call_method_text(raw, "tell", &[])?;
                number::to_i64(cx, at)?
            }
        };
        if at < 0 {
            return raise!(cx, OSError, "Raw stream returned invalid position {at}");
        }
        self.raw_pos.set(Some(at));
        Ok(at)
    }

    fn raw_seek(&self, cx: &mut Cx, offset: i64, whence: i32) -> PyResult<i64> {
        let raw = self.raw(cx)?;
        self.raw_pos.set(None);
        let at = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(cx, offset, whence)?,
            None => {
                let args = [cx.int(offset), Value::small(whence as i64)];
                let at = cx.call_method_text(raw, "seek", &args)?;
                number::to_i64(cx, at)?
            }
        };
        if at < 0 {
            return raise!(cx, OSError, "Raw stream returned invalid position {at}");
        }
        self.raw_pos.set(Some(at));
        Ok(at)
    }

    // ---- reading ---------------------------------------------------------------------------------------

    /// Fills the empty read buffer by one raw read: how many bytes, None if it would block.
    pub fn fill(&'static self, cx: &mut Cx) -> PyResult<Option<usize>> {
        let size = self.size.get();
        self.forget_ahead();
        let mut data = std::mem::take(&mut self.ahead().data);
        data.resize(size, 0);
        let result = self.raw_read(cx, &mut data);
        let ahead = self.ahead();
        ahead.data = data;
        ahead.start = 0;
        ahead.end = if let Ok(Some(n)) = result { n } else { 0 };
        result
    }

    /// Before reading: writes what is pending (BUFD-1).
    pub fn before_read(&'static self, cx: &mut Cx) -> PyResult<()> {
        if self.writable.get() && !self.pending().is_empty() { self.flush_pending(cx) } else { Ok(()) }
    }

    // ---- writing ---------------------------------------------------------------------------------------

    /// Writes all pending data. BlockingIOError if the stream does not take it now.
    pub fn flush_pending(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.forget_read_ahead(cx)?;
        while !self.pending().is_empty() {
            // The data is moved out while Python code may run, then what is left goes back in front.
            let data = std::mem::take(self.pending());
            let result = self.raw_write(cx, &data);
            let done = if let Ok(Some(n)) = result { n } else { 0 };
            let mut rest = data;
            if done == rest.len() {
                rest.clear();
            } else {
                rest.drain(..done);
            }
            rest.append(self.pending());
            *self.pending() = rest;
            if result?.is_none() {
                return Err(would_block(cx, "write could not complete without blocking", 0));
            }
            host::check_signals(cx)?;
        }
        Ok(())
    }

    /// Seeks back over data read ahead, so that the raw position is the logical one (BUFD-1).
    pub fn forget_read_ahead(&'static self, cx: &mut Cx) -> PyResult<()> {
        if !self.readable.get() {
            return Ok(());
        }
        let n = self.available().len();
        if n > 0 && self.writable.get() {
            self.raw_seek(cx, -(n as i64), libc::SEEK_CUR)?;
        }
        if self.writable.get() {
            self.forget_ahead();
        }
        Ok(())
    }

    /// Writes to the buffer, and through it what does not fit.
    pub fn write(&'static self, cx: &mut Cx, data: &[u8]) -> PyResult<usize> {
        if self.readable.get() {
            self.forget_read_ahead(cx)?;
        }
        if !self.noted.get() && self.file().is_some_and(|f| f.is_own_file()) {
            self.noted.set(true);
            super::note_unwritten(cx, Value::of(self));
        }
        let size = self.size.get();
        if self.pending().len() + data.len() <= size {
            self.pending().extend_from_slice(data);
            return Ok(data.len());
        }
        if self.flush_pending(cx).is_err() {
            if !cx.exception_matches(&exceptions::BlockingIOError) {
                return Err(Raised);
            }
            cx.take_exception();
            let room = size.saturating_sub(self.pending().len());
            let n = room.min(data.len());
            self.pending().extend_from_slice(&data[..n]);
            if n == data.len() {
                return Ok(n);
            }
            return Err(would_block(cx, "write could not complete without blocking", n));
        }
        let mut done = 0;
        while data.len() - done > size {
            match self.raw_write(cx, &data[done..])? {
                Some(n) => done += n,
                None => {
                    let n = (data.len() - done).min(size);
                    self.pending().extend_from_slice(&data[done..done + n]);
                    done += n;
                    if done < data.len() {
                        return Err(would_block(cx, "write could not complete without blocking", done));
                    }
                }
            }
            host::check_signals(cx)?;
        }
        self.pending().extend_from_slice(&data[done..]);
        Ok(data.len())
    }

    // ---- position ----------------------------------------------------------------------------------------

    /// The logical position.
    pub fn tell(&'static self, cx: &mut Cx) -> PyResult<i64> {
        let at = self.raw_tell(cx)?;
        let at = at - self.available().len() as i64 + self.pending().len() as i64;
        Ok(at.max(0))
    }

    /// Moves the logical position; within data read ahead without asking the raw stream.
    pub fn seek(&'static self, cx: &mut Cx, target: i64, whence: i32) -> PyResult<i64> {
        if whence != libc::SEEK_END && self.readable.get() && self.pending().is_empty() {
            let raw = match self.raw_pos.get() {
                Some(at) => at,
                None => self.raw_tell(cx)?,
            };
            let n = self.available().len() as i64;
            let logical = raw - n;
            let distance = match whence {
                libc::SEEK_CUR => Some(target),
                libc::SEEK_SET => Some(target - logical),
                _ => None,
            };
            let start = self.ahead().start as i64;
            if let Some(distance) = distance
                && distance >= -start
                && distance <= n
                && self.ahead().end > 0
            {
                self.ahead().start = (start + distance) as usize;
                return Ok(logical + distance);
            }
        }
        if self.writable.get() {
            self.flush_pending(cx)?;
        }
        let mut target = target;
        if whence == libc::SEEK_CUR && self.readable.get() {
            target -= self.available().len() as i64;
        }
        let at = self.raw_seek(cx, target, whence)?;
        self.forget_ahead();
        Ok(at)
    }

    // ---- life ----------------------------------------------------------------------------------------------

    /// `flush()`: writes what is pending and flushes the raw stream.
    pub fn flush(&'static self, cx: &mut Cx) -> PyResult<()> {
        if self.writable.get() {
            self.locked(cx, |cx| self.flush_pending(cx))?;
        }
        if self.file().is_some() {
            return Ok(());
        }
        let (raw, name) = (self.raw(cx)?, cx.names().flush);
        cx.call_method(raw, name, &[])?;
        Ok(())
    }

    /// Writes what is pending, if that can be done now.
    pub fn settle(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.noted.set(false);
        match self.file() {
            Some(file) if !file.is_closed() && !self.lock.is_taken() && !self.pending().is_empty() => {
                self.locked(cx, |cx| self.flush_pending(cx))
            }
            _ => Ok(()),
        }
    }

    /// `close()`: flushes, then closes the raw stream even if that failed.
    pub fn close(&'static self, cx: &mut Cx) -> PyResult<()> {
        if self.is_closed(cx)? {
            return Ok(());
        }
        let this = Value::of(self);
        if self.finalizing.get() {
            let raw = self.raw(cx)?;
            if cx.call_method_text(raw, "_dealloc_warn", &[this]).is_err() {
                cx.take_exception();
            }
        }
        let flushed = if buffered_types::is_exact(self) {
            self.flush(cx)
        } else {
            let name = cx.names().flush;
            cx.call_method(this, name, &[]).map(|_| ())
        };
        let closed = also(cx, flushed, |cx| match self.file() {
            Some(file) => file.close_now(cx),
            None => {
                let (raw, name) = (self.raw(cx)?, cx.names().close);
                cx.call_method(raw, name, &[]).map(|_| ())
            }
        });
        *self.pending() = Vec::new();
        *self.ahead() = ReadAhead::default();
        closed
    }

    /// `detach()`.
    pub fn detach(&'static self, cx: &mut Cx) -> PyResult<Value> {
        let raw = self.raw(cx)?;
        let name = cx.names().flush;
        cx.call_method(Value::of(self), name, &[])?;
        self.raw.set(None);
        self.detached.set(true);
        self.ready.set(false);
        Ok(raw)
    }

    /// `truncate()`.
    pub fn truncate(&'static self, cx: &mut Cx, size: Option<Value>) -> PyResult<Value> {
        self.check_open(cx, "truncate of closed file")?;
        if !self.writable.get() {
            return Err(super::base::unsupported(cx, "truncate"));
        }
        self.locked(cx, |cx| {
            self.flush_pending(cx)?;
            let size = match size.filter(|s| !s.is_none()) {
                Some(size) => size,
                None => {
                    let at = self.raw_tell(cx)?;
                    cx.int(at)
                }
            };
            let raw = self.raw(cx)?;
            self.raw_pos.set(None);
            cx.call_method_text(raw, "truncate", &[size])
        })
    }

    /// `_finalizing`.
    pub fn is_finalizing(&self) -> bool {
        self.finalizing.get()
    }

    /// Sets `_finalizing`.
    pub fn set_finalizing(&self, flag: bool) {
        self.finalizing.set(flag);
    }

    /// The raw stream or None, for the attribute.
    pub fn raw_or_none(&self) -> Value {
        self.raw.get().unwrap_or(Value::none())
    }

    /// True for streams that write.
    pub fn writes(&self) -> bool {
        self.writable.get()
    }

    /// Forgets the raw position after reads or writes past this object.
    pub fn unknown_position(&self) {
        self.raw_pos.set(None);
    }

    /// True once `open` succeeded and until `detach`.
    pub fn is_ready(&self) -> bool {
        self.ready.get()
    }
}

/// The repr of buffered streams.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class = taipan_runtime::types::type_::full_name(cx, v.class());
    let key = cx.names().name;
    let name = match attr::get_optional(cx, v, key) {
        Ok(name) => name,
        Err(_)
            if cx.exception_matches(&exceptions::ValueError) || cx.exception_matches(&exceptions::AttributeError) =>
        {
            cx.take_exception();
            None
        }
        Err(raised) => return Err(raised),
    };
    let Some(name) = name else { return Ok(cx.str(&format!("<{class}>"))) };
    if !protocol_object::enter_repr(cx, v) {
        return raise!(cx, RuntimeError, "reentrant call inside {class}.__repr__");
    }
    let text = protocol_object::repr_text(cx, name);
    protocol_object::leave_repr(cx);
    Ok(cx.str(&format!("<{class} name={}>", text?)))
}
