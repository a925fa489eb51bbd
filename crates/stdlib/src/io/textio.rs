//! TextIOWrapper: state, construction, settings, writing and closing. Reading is in `textread.rs`, positions in
//! `textseek.rs`.
//!
//! UTF-8, ASCII and Latin-1 are coded natively; all other encodings through the incremental coders of `codecs`.
//!
//! Invariants:
//! - TEXT-1: `pending` holds encoded text that the buffer has not got yet; it is empty while anything is read.
//! - TEXT-2: `decoded` from `used` on is text that was decoded and not returned. If the stream can tell its position,
//!   `snapshot` is the decoder's state and the bytes that it got from there on to make `decoded`.

use std::cell::{Cell, UnsafeCell};

use taipan_gc::Marker;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::codec::{self, Codec};
use taipan_runtime::protocol::{attr, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};

use super::base::{TEXT_IO_BASE, also, closed_error, unsupported};
use super::buffered::Buffered;
use super::newline::Newlines;
use super::textmethods::TextMethods;
use super::{buffered_types, textread};

/// Bytes decoded at a time, and pending bytes at which they are handed on.
pub const CHUNK: usize = 8192;

/// Start of the bytes that made the decoded text.
#[derive(Default)]
pub struct Snapshot {
    /// Bytes that the decoder held.
    pub held: Vec<u8>,
    /// Its flags.
    pub flags: i64,
    /// Bytes that it got since then.
    pub input: Vec<u8>,
}

/// A TextIOWrapper object.
#[repr(C)]
pub struct TextIo {
    header: Header,
    pub(super) ready: Cell<bool>,
    pub(super) detached: Cell<bool>,
    pub(super) buffer: Cell<Option<Value>>,
    pub(super) encoding: Cell<Option<Value>>,
    pub(super) errors: Cell<Option<&'static Str>>,
    /// The native codec, if there is one.
    pub(super) codec: Cell<Option<Codec>>,
    /// Incremental coders for other encodings.
    pub(super) decoder: Cell<Option<Value>>,
    pub(super) encoder: Cell<Option<Value>>,
    pub(super) reads: Cell<bool>,
    pub(super) writes: Cell<bool>,
    pub(super) has_read1: Cell<bool>,
    pub(super) line_buffering: Cell<bool>,
    pub(super) write_through: Cell<bool>,
    pub(super) seekable: Cell<bool>,
    pub(super) telling: Cell<bool>,
    pub(super) finalizing: Cell<bool>,
    /// Noted as holding data to be written.
    noted: Cell<bool>,
    /// Any line ending ends a line, and becomes "\n" if `translates`.
    pub(super) universal: Cell<bool>,
    pub(super) translates: Cell<bool>,
    /// The only line ending for reading, if not universal.
    pub(super) read_newline: Cell<&'static str>,
    /// What "\n" is written as.
    pub(super) write_newline: Cell<&'static str>,
    pub(super) chunk: Cell<usize>,
    pub(super) newlines: Newlines,
    /// Bytes of an incomplete UTF-8 sequence.
    pub(super) tail: Cell<([u8; 4], u8)>,
    pub(super) decoded: Cell<Option<&'static Str>>,
    pub(super) used: Cell<usize>,
    pub(super) has_snapshot: Cell<bool>,
    pub(super) snapshot: UnsafeCell<Snapshot>,
    /// Bytes of input per character in the last chunk.
    pub(super) bytes_per_char: Cell<f64>,
    pub(super) pending: UnsafeCell<Vec<u8>>,
}
object!(TextIo, TEXT_IO_WRAPPER);

/// `_io.TextIOWrapper`.
pub static TEXT_IO_WRAPPER: Type = Type::new(&TEXT_IO_WRAPPER_SPEC);
static TEXT_IO_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "_io.TextIOWrapper",
    base: Some(&TEXT_IO_BASE),
    basicsize: std::mem::size_of::<TextIo>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace),
    drop: Some(release),
    slots: Slots { repr: Some(repr), new: Some(new), init: Some(init), next: Some(textread::next_line), ..Slots::NONE },
    methods: &[TextMethods::METHODS],
    getsets: &[TextMethods::GETSETS],
    doc: "Character and line based layer over a BufferedIOBase object, buffer.\n\nencoding gives the name of the encoding that the stream will be\ndecoded or encoded with. It defaults to locale.getencoding().\n\nerrors determines the strictness of encoding and decoding (see\nhelp(codecs.Codec) or the documentation for codecs.register) and\ndefaults to \"strict\".\n\nnewline controls how line endings are handled. It can be None, '',\n'\\n', '\\r', and '\\r\\n'.  It works as follows:\n\n* On input, if newline is None, universal newlines mode is\n  enabled. Lines in the input can end in '\\n', '\\r', or '\\r\\n', and\n  these are translated into '\\n' before being returned to the\n  caller. If it is '', universal newline mode is enabled, but line\n  endings are returned to the caller untranslated. If it has any of\n  the other legal values, input lines are only terminated by the given\n  string, and the line ending is returned to the caller untranslated.\n\n* On output, if newline is None, any '\\n' characters written are\n  translated to the system default line separator, os.linesep. If\n  newline is '' or '\\n', no translation takes place. If newline is any\n  of the other legal values, any '\\n' characters written are translated\n  to the given string.\n\nIf line_buffering is True, a call to flush is implied when a call to\nwrite contains a newline character.",
    signature: "(buffer, encoding=None, errors=None, newline=None,\n              line_buffering=False, write_through=False)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for text streams only.
    let this = unsafe { &*object.cast::<TextIo>() };
    let strs = [this.errors.get(), this.decoded.get()].map(|s| s.map(Value::of));
    let values = [this.buffer.get(), this.encoding.get(), this.decoder.get(), this.encoder.get()];
    for value in values.into_iter().chain(strs).flatten() {
        marker.mark_value(value.bits());
    }
}

unsafe fn release(object: *mut Header) {
    // SAFETY: called once for a dead text stream.
    unsafe {
        let this = &*object.cast::<TextIo>();
        std::ptr::drop_in_place(this.snapshot.get());
        std::ptr::drop_in_place(this.pending.get());
    }
}

/// The `new` slot.
fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let no = || Cell::new(false);
    let this = TextIo {
        header: Header::fresh(class),
        ready: no(),
        detached: no(),
        buffer: Cell::new(None),
        encoding: Cell::new(None),
        errors: Cell::new(None),
        codec: Cell::new(None),
        decoder: Cell::new(None),
        encoder: Cell::new(None),
        reads: no(),
        writes: no(),
        has_read1: no(),
        line_buffering: no(),
        write_through: no(),
        seekable: no(),
        telling: no(),
        finalizing: no(),
        noted: no(),
        universal: no(),
        translates: no(),
        read_newline: Cell::new("\n"),
        write_newline: Cell::new("\n"),
        chunk: Cell::new(CHUNK),
        newlines: Newlines::default(),
        tail: Cell::new(([0; 4], 0)),
        decoded: Cell::new(None),
        used: Cell::new(0),
        has_snapshot: no(),
        snapshot: UnsafeCell::new(Snapshot::default()),
        bytes_per_char: Cell::new(0.0),
        pending: UnsafeCell::new(Vec::new()),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

static INIT: ParamSpec = ParamSpec {
    name: "TextIOWrapper",
    names: &["buffer", "encoding", "errors", "newline", "line_buffering", "write_through"],
    positional_only: 0,
    positional: 6,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

/// An optional str argument. TypeError in argument clinic's words.
pub fn optional_str(cx: &mut Cx, v: Option<Value>, function: &str, name: &str) -> PyResult<Option<&'static Str>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    match v.downcast::<Str>() {
        Some(s) if super::newline::find(s.units(), 0).is_some() => {
            raise!(cx, ValueError, "embedded null character")
        }
        Some(s) => Ok(Some(s)),
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "{function}() argument '{name}' must be str or None, not {got}")
        }
    }
}

/// The newline argument as a static text. ValueError for others than the legal ones.
pub fn newline_of(cx: &mut Cx, newline: Option<&'static Str>) -> PyResult<Option<&'static str>> {
    let Some(newline) = newline else { return Ok(None) };
    match ["", "\n", "\r", "\r\n"].into_iter().find(|n| newline.eq_rust(n)) {
        Some(found) => Ok(Some(found)),
        None => raise!(cx, ValueError, "illegal newline value: {newline}"),
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 6];
    bind(cx, &INIT, args, &mut bound)?;
    // SAFETY: the slot of text streams.
    let this: &'static TextIo = unsafe { v.cast() };
    let encoding = optional_str(cx, bound[1], "TextIOWrapper", "encoding")?;
    let errors = optional_str(cx, bound[2], "TextIOWrapper", "errors")?;
    let newline = optional_str(cx, bound[3], "TextIOWrapper", "newline")?;
    let line_buffering = crate::host::flag(cx, bound[4], false)?;
    let write_through = crate::host::flag(cx, bound[5], false)?;
    if encoding.is_none() {
        super::warn_default_encoding(cx, 1)?;
    }
    let settings = Settings { encoding, errors, newline, line_buffering, write_through };
    this.open(cx, bound[0].unwrap_or(Value::none()), settings)
}

/// Arguments of the constructor.
#[derive(Default)]
pub struct Settings {
    /// Name of the encoding; None or "locale" for the locale's.
    pub encoding: Option<&'static Str>,
    /// Name of the error handler.
    pub errors: Option<&'static Str>,
    /// Newline mode.
    pub newline: Option<&'static Str>,
    /// Flush after each line.
    pub line_buffering: bool,
    /// Hand on everything at once.
    pub write_through: bool,
}

impl TextIo {
    /// A new text stream of exact type.
    pub fn make(cx: &mut Cx, buffer: Value, settings: Settings) -> PyResult<&'static TextIo> {
        let v = new(cx, &TEXT_IO_WRAPPER, Args::positional(&[]))?;
        // SAFETY: just made.
        let this: &'static TextIo = unsafe { v.cast() };
        this.open(cx, buffer, settings)?;
        Ok(this)
    }

    fn open(&'static self, cx: &mut Cx, buffer: Value, settings: Settings) -> PyResult<()> {
        self.ready.set(false);
        self.detached.set(false);
        let newline = newline_of(cx, settings.newline)?;
        let encoding = match settings.encoding.filter(|e| !e.eq_rust("locale")) {
            Some(encoding) => encoding,
            None => cx.intern(super::locale_encoding()),
        };
        let errors = settings.errors.unwrap_or_else(|| cx.names().strict);
        self.set_encoding(cx, encoding, errors)?;
        self.set_newline(newline);
        self.line_buffering.set(settings.line_buffering);
        self.write_through.set(settings.write_through);
        self.chunk.set(CHUNK);
        self.buffer.set(Some(buffer));
        self.forget_decoded();
        self.pending().clear();
        self.newlines.seen.set(0);
        self.reset_decoder_state();
        cx.barrier(self);
        match buffered_types::exact(buffer) {
            Some(native) if native.file().is_some() => {
                self.reads.set(native.reads());
                self.writes.set(native.writes());
                self.has_read1.set(true);
                let seekable = native.file().map_or(Ok(false), |f| f.is_seekable(cx))?;
                self.seekable.set(seekable);
            }
            _ => {
                let readable = cx.call_method_text(buffer, "readable", &[])?;
                self.reads.set(protocol_object::truth(cx, readable)?);
                let writable = cx.call_method_text(buffer, "writable", &[])?;
                self.writes.set(protocol_object::truth(cx, writable)?);
                let read1 = cx.intern("read1");
                self.has_read1.set(attr::get_optional(cx, buffer, read1)?.is_some());
                let seekable = cx.call_method_text(buffer, "seekable", &[])?;
                self.seekable.set(protocol_object::truth(cx, seekable)?);
            }
        }
        self.telling.set(self.seekable.get());
        self.make_coders(cx)?;
        self.skip_mark_in_the_middle(cx)?;
        self.ready.set(true);
        Ok(())
    }

    fn set_encoding(&self, cx: &mut Cx, encoding: &'static Str, errors: &'static Str) -> PyResult<()> {
        let name = encoding.to_string_lossy();
        let native = Codec::of_name(&name).filter(|c| matches!(c, Codec::Utf8 | Codec::Ascii | Codec::Latin1));
        if native.is_none() {
            let info = Value::of(codec::lookup(cx, &name)?);
            let key = cx.intern("_is_text_encoding");
            if let Some(flag) = attr::get_optional(cx, info, key)?
                && !protocol_object::truth(cx, flag)?
            {
                return raise!(cx, LookupError, "'{name}' is not a text encoding");
            }
        }
        self.codec.set(native);
        self.encoding.set(Some(Value::of(encoding)));
        self.errors.set(Some(errors));
        cx.barrier(self);
        Ok(())
    }

    /// Sets how line endings are read and written.
    pub(super) fn set_newline(&self, newline: Option<&'static str>) {
        self.universal.set(matches!(newline, None | Some("")));
        self.translates.set(newline.is_none());
        self.read_newline.set(newline.filter(|n| !n.is_empty()).unwrap_or("\n"));
        self.write_newline.set(newline.filter(|n| !n.is_empty()).unwrap_or("\n"));
    }

    /// Makes the incremental coders of an encoding that is not native.
    fn make_coders(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.decoder.set(None);
        self.encoder.set(None);
        if self.codec.get().is_some() {
            return Ok(());
        }
        let name = self.encoding.get().and_then(|e| e.downcast::<Str>()).map(|s| s.to_string_lossy());
        let info = Value::of(codec::lookup(cx, &name.unwrap_or_default())?);
        let errors = Value::of(self.errors.get().unwrap_or_else(|| cx.names().strict));
        if self.reads.get() {
            let decoder = cx.call_method_text(info, "incrementaldecoder", &[errors])?;
            self.decoder.set(Some(decoder));
            cx.barrier(self);
        }
        if self.writes.get() {
            let encoder = cx.call_method_text(info, "incrementalencoder", &[errors])?;
            self.encoder.set(Some(encoder));
        }
        cx.barrier(self);
        Ok(())
    }

    /// An encoder of an encoding with a byte order mark must not write one in the middle of a file.
    fn skip_mark_in_the_middle(&'static self, cx: &mut Cx) -> PyResult<()> {
        let Some(encoder) = self.encoder.get().filter(|_| self.seekable.get()) else { return Ok(()) };
        let buffer = self.buffer(cx)?;
        let at = cx.call_method_text(buffer, "tell", &[])?;
        if taipan_runtime::protocol::compare::equal(cx, at, Value::small(0))? {
            return Ok(());
        }
        cx.call_method_text(encoder, "setstate", &[Value::small(0)])?;
        Ok(())
    }

    /// `reconfigure()`: new coders for a stream that has not been read from.
    pub(super) fn change_encoding(
        &'static self,
        cx: &mut Cx,
        encoding: Option<&'static Str>,
        errors: Option<&'static Str>,
        newline: Option<Option<&'static str>>,
    ) -> PyResult<()> {
        if encoding.is_some() || errors.is_some() {
            let current = self.encoding.get().and_then(|e| e.downcast::<Str>());
            let new_encoding = match encoding {
                Some(e) if e.eq_rust("locale") => cx.intern(super::locale_encoding()),
                Some(e) => e,
                None => current.unwrap_or_else(|| cx.names().utf_8),
            };
            let new_errors = match (errors, encoding) {
                (Some(errors), _) => errors,
                (None, Some(_)) => cx.names().strict,
                (None, None) => self.errors.get().unwrap_or_else(|| cx.names().strict),
            };
            self.set_encoding(cx, new_encoding, new_errors)?;
        }
        if let Some(newline) = newline {
            self.set_newline(newline);
        }
        self.reset_decoder_state();
        self.make_coders(cx)?;
        self.skip_mark_in_the_middle(cx)
    }

    #[allow(clippy::mut_from_ref)]
    pub(super) fn pending(&self) -> &mut Vec<u8> {
        // SAFETY: only used natively between calls of Python code; the GIL gives exclusive access.
        unsafe { &mut *self.pending.get() }
    }

    #[allow(clippy::mut_from_ref)]
    pub(super) fn snapshot(&self) -> &mut Snapshot {
        // SAFETY: as above.
        unsafe { &mut *self.snapshot.get() }
    }

    /// The stream below. ValueError without one.
    pub(super) fn buffer(&self, cx: &mut Cx) -> PyResult<Value> {
        match self.buffer.get() {
            Some(buffer) if self.ready.get() => Ok(buffer),
            _ if self.detached.get() => raise!(cx, ValueError, "underlying buffer has been detached"),
            Some(buffer) if self.encoding.get().is_some() && !self.ready.get() => Ok(buffer),
            _ => raise!(cx, ValueError, "I/O operation on uninitialized object"),
        }
    }

    /// ValueError unless the stream may be used.
    pub(super) fn check_ready(&self, cx: &mut Cx) -> PyResult<()> {
        if self.ready.get() {
            return Ok(());
        }
        match self.detached.get() {
            true => raise!(cx, ValueError, "underlying buffer has been detached"),
            false => raise!(cx, ValueError, "I/O operation on uninitialized object"),
        }
    }

    /// The stream below if it is an exact buffered stream.
    #[inline]
    pub(super) fn native_buffer(&self) -> Option<&'static Buffered> {
        self.buffer.get().and_then(buffered_types::exact)
    }

    /// Whether the stream is closed.
    pub(super) fn is_closed(&self, cx: &mut Cx) -> PyResult<bool> {
        let buffer = self.buffer(cx)?;
        match buffered_types::exact(buffer) {
            Some(native) => native.is_closed(cx),
            None => super::base::is_closed(cx, buffer),
        }
    }

    /// ValueError if closed, by way of the attribute `closed` for subclasses.
    pub(super) fn check_open(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.check_ready(cx)?;
        let v = Value::of(self);
        let closed = if v.exact::<TextIo>().is_some() { self.is_closed(cx)? } else { super::base::is_closed(cx, v)? };
        if closed { Err(closed_error(cx)) } else { Ok(()) }
    }

    /// Forgets decoded text and the snapshot.
    pub(super) fn forget_decoded(&self) {
        self.decoded.set(None);
        self.used.set(0);
        self.has_snapshot.set(false);
    }

    /// Puts the native decoder into its first state.
    pub(super) fn reset_decoder_state(&self) {
        self.tail.set(([0; 4], 0));
        self.newlines.pending_cr.set(false);
    }

    // ---- writing -------------------------------------------------------------------------------------------

    /// `write()`.
    pub fn write(&'static self, cx: &mut Cx, text: &'static Str) -> PyResult<()> {
        self.check_open(cx)?;
        if !self.writes.get() {
            return Err(unsupported(cx, "not writable"));
        }
        let units = text.units();
        let newline = self.write_newline.get();
        let has_line = (newline != "\n" || self.line_buffering.get()) && super::newline::find(units, b'\n').is_some();
        let flush = self.line_buffering.get() && (has_line || super::newline::find(units, b'\r').is_some());
        let text = match newline != "\n" && has_line {
            true => replace_newlines(cx, text, newline),
            false => text,
        };
        if !self.noted.get() && self.native_buffer().and_then(|b| b.file()).is_some_and(|f| f.is_own_file()) {
            self.noted.set(true);
            super::note_unwritten(cx, Value::of(self));
        }
        self.encode(cx, text)?;
        if self.pending().len() >= self.chunk.get() || flush || self.write_through.get() {
            self.flush_pending(cx)?;
        }
        if flush {
            self.flush_buffer(cx)?;
        }
        if self.decoded.get().is_some() || self.has_snapshot.get() {
            self.forget_decoded();
        }
        self.reset_decoder(cx)
    }

    fn encode(&'static self, cx: &mut Cx, text: &'static Str) -> PyResult<()> {
        match (self.codec.get(), text.units()) {
            (Some(Codec::Utf8 | Codec::Ascii), Units::One(u)) if text.is_ascii() => {
                self.pending().extend_from_slice(u);
                return Ok(());
            }
            (Some(Codec::Latin1), Units::One(u)) => {
                self.pending().extend_from_slice(u);
                return Ok(());
            }
            (Some(codec), _) => {
                let bytes = codec::encode(cx, codec, text, self.errors.get())?;
                self.pending().extend_from_slice(bytes.data());
                return Ok(());
            }
            (None, _) => {}
        }
        let Some(encoder) = self.encoder.get() else { return Err(unsupported(cx, "not writable")) };
        let bytes = cx.call_method_text(encoder, "encode", &[Value::of(text)])?;
        let Some(bytes) = bytes.downcast::<Bytes>() else {
            let got = bytes.class().tp_name();
            return raise!(cx, TypeError, "encoder should return a bytes object, not '{got}'");
        };
        self.pending().extend_from_slice(bytes.data());
        Ok(())
    }

    /// Hands pending bytes to the buffer.
    pub(super) fn flush_pending(&'static self, cx: &mut Cx) -> PyResult<()> {
        if self.pending().is_empty() {
            return Ok(());
        }
        let data = std::mem::take(self.pending());
        if let Some(native) = self.native_buffer().filter(|b| b.writes()) {
            native.check_open(cx, "write to closed file")?;
            let result = native.locked(cx, |cx| native.write(cx, &data));
            // Keeps the data if nothing of it was taken, else the allocation for the next text.
            let lost = result.is_err() && !cx.exception_matches(&exceptions::BlockingIOError);
            let mut data = data;
            if !lost {
                data.clear();
            }
            data.append(self.pending());
            *self.pending() = data;
            result?;
            return Ok(());
        }
        let (buffer, write) = (self.buffer(cx)?, cx.names().write);
        let bytes = Value::of(Bytes::new(cx, &data));
        loop {
            match cx.call_method(buffer, write, &[bytes]) {
                Ok(_) => return Ok(()),
                Err(raised) => {
                    // Nothing was written where the call was interrupted.
                    if !cx.exception_matches(&exceptions::InterruptedError) {
                        return Err(raised);
                    }
                    cx.take_exception();
                }
            }
        }
    }

    fn flush_buffer(&'static self, cx: &mut Cx) -> PyResult<()> {
        if let Some(native) = self.native_buffer().filter(|b| b.writes()) {
            return native.flush(cx);
        }
        let (buffer, flush) = (self.buffer(cx)?, cx.names().flush);
        cx.call_method(buffer, flush, &[])?;
        Ok(())
    }

    /// `flush()`.
    pub fn flush(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.check_open(cx)?;
        self.telling.set(self.seekable.get());
        self.flush_pending(cx)?;
        self.flush_buffer(cx)
    }

    /// Hands pending text on and writes it, if that can be done now.
    pub(super) fn settle(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.noted.set(false);
        let Some(native) = self.native_buffer().filter(|b| b.file().is_some_and(|f| !f.is_closed())) else {
            return Ok(());
        };
        self.flush_pending(cx)?;
        native.settle(cx)
    }

    /// `close()`: flushes, then closes the buffer even if that failed.
    pub fn close(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.check_ready(cx)?;
        let v = Value::of(self);
        let exact = v.exact::<TextIo>().is_some();
        let closed = if exact { self.is_closed(cx)? } else { super::base::is_closed(cx, v)? };
        if closed {
            return Ok(());
        }
        let buffer = self.buffer(cx)?;
        if self.finalizing.get() && cx.call_method_text(buffer, "_dealloc_warn", &[v]).is_err() {
            cx.take_exception();
        }
        let flushed = match exact {
            true => self.flush(cx),
            false => {
                let name = cx.names().flush;
                cx.call_method(v, name, &[]).map(|_| ())
            }
        };
        also(cx, flushed, |cx| match buffered_types::exact(buffer) {
            Some(native) => native.close(cx),
            None => {
                let name = cx.names().close;
                cx.call_method(buffer, name, &[]).map(|_| ())
            }
        })
    }
}

fn replace_newlines(cx: &mut Cx, text: &'static Str, newline: &str) -> &'static Str {
    let mut out = taipan_runtime::types::str_build::StrBuf::with_capacity(text.len() + 16);
    let (units, mut start) = (text.units(), 0);
    while let Some(i) = super::newline::find(units.slice(start, units.len()), b'\n') {
        out.push_units(units.slice(start, start + i));
        out.push_text(newline);
        start += i + 1;
    }
    out.push_units(units.slice(start, units.len()));
    out.finish(cx)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of text streams.
    let this: &'static TextIo = unsafe { v.cast() };
    if !this.ready.get() && !this.detached.get() {
        this.check_ready(cx)?;
    }
    let class = v.class().tp_name();
    if !protocol_object::enter_repr(cx, v) {
        return raise!(cx, RuntimeError, "reentrant call inside {class}.__repr__");
    }
    let text = repr_parts(cx, v, this, &class);
    protocol_object::leave_repr(cx);
    let text = text?;
    Ok(cx.str(&text))
}

fn repr_parts(cx: &mut Cx, v: Value, this: &'static TextIo, class: &str) -> PyResult<String> {
    let mut text = format!("<{class}");
    for (key, name) in [(cx.names().name, "name"), (cx.names().mode, "mode")] {
        let part = match attr::get_optional(cx, v, key) {
            Ok(part) => part,
            // The buffer was detached.
            Err(_)
                if cx.exception_matches(&exceptions::ValueError)
                    || cx.exception_matches(&exceptions::AttributeError) =>
            {
                cx.take_exception();
                None
            }
            Err(raised) => return Err(raised),
        };
        if let Some(part) = part {
            text.push_str(&format!(" {name}={}", protocol_object::repr_text(cx, part)?));
        }
    }
    let encoding = protocol_object::repr_text(cx, this.encoding.get().unwrap_or(Value::none()))?;
    text.push_str(&format!(" encoding={encoding}>"));
    Ok(text)
}

/// A tuple's items if it has `n` of them.
pub(super) fn items_of(v: Value, n: usize) -> Option<&'static [Value]> {
    v.downcast::<Tuple>().map(|t| t.items()).filter(|items| items.len() == n)
}
