//! StringIO.

use std::cell::{Cell, UnsafeCell};

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use super::base::{TEXT_IO_BASE, size_arg};
use super::bytesio::{instance_dict, update_dict};
use super::newline::{Newlines, find};

/// A StringIO object.
#[repr(C)]
pub struct StringIo {
    header: Header,
    ready: Cell<bool>,
    closed: Cell<bool>,
    /// The newline argument.
    newline: Cell<Option<&'static str>>,
    at: Cell<usize>,
    newlines: Newlines,
    text: UnsafeCell<StrBuf>,
}
object!(StringIo, STRING_IO);

/// `_io.StringIO`.
pub static STRING_IO: Type = Type::new(&STRING_IO_SPEC);
static STRING_IO_SPEC: TypeSpec = TypeSpec {
    name: "_io.StringIO",
    base: Some(&TEXT_IO_BASE),
    basicsize: std::mem::size_of::<StringIo>(),
    flags: flags::BASETYPE,
    drop: Some(release),
    slots: Slots { new: Some(new), init: Some(init), next: Some(next_line), ..Slots::NONE },
    methods: &[StringIo::METHODS],
    getsets: &[StringIo::GETSETS],
    doc: "Text I/O implementation using an in-memory buffer.\n\nThe initial_value argument sets the value of object.  The newline\nargument is like the one of TextIOWrapper's constructor.",
    signature: "(initial_value='', newline='\\n')",
    ..TypeSpec::DEFAULT
};

unsafe fn release(object: *mut Header) {
    // SAFETY: called once for a dead StringIO.
    unsafe { std::ptr::drop_in_place((*object.cast::<StringIo>()).text.get()) };
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = StringIo {
        header: Header::fresh(class),
        ready: Cell::new(false),
        closed: Cell::new(false),
        newline: Cell::new(Some("\n")),
        at: Cell::new(0),
        newlines: Newlines::default(),
        text: UnsafeCell::new(StrBuf::new()),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

static INIT: ParamSpec = ParamSpec {
    name: "StringIO",
    names: &["initial_value", "newline"],
    positional_only: 0,
    positional: 2,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn newline_arg(cx: &mut Cx, v: Option<Value>) -> PyResult<Option<&'static str>> {
    let Some(v) = v else { return Ok(Some("\n")) };
    if v.is_none() {
        return Ok(None);
    }
    let Some(text) = v.downcast::<Str>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "newline must be str or None, not {got}");
    };
    match ["", "\n", "\r", "\r\n"].into_iter().find(|n| text.eq_rust(n)) {
        Some(found) => Ok(Some(found)),
        None => {
            let text = taipan_runtime::protocol::object::repr_text(cx, v)?;
            raise!(cx, ValueError, "illegal newline value: {text}")
        }
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 2];
    bind(cx, &INIT, args, &mut bound)?;
    of(v).open(cx, bound[0], bound[1])
}

fn of(v: Value) -> &'static StringIo {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn next_line(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = of(v);
    this.check(cx)?;
    if v.exact::<StringIo>().is_some() {
        let n = this.line_length(-1);
        return Ok(if n == 0 { None } else { Some(this.take(cx, n)) });
    }
    let name = cx.names().readline;
    let line = cx.call_method(v, name, &[])?;
    match line.downcast::<Str>() {
        Some(text) if text.is_empty() => Ok(None),
        Some(_) => Ok(Some(line)),
        None => {
            let got = line.class().tp_name();
            raise!(cx, OSError, "readline() should have returned a str object, not '{got}'")
        }
    }
}

impl StringIo {
    fn open(&'static self, cx: &mut Cx, initial: Option<Value>, newline: Option<Value>) -> PyResult<()> {
        let newline = newline_arg(cx, newline)?;
        let initial = match initial.filter(|v| !v.is_none()) {
            None => None,
            Some(v) => match v.downcast::<Str>() {
                Some(text) => Some(text),
                None => {
                    let got = v.class().tp_name();
                    return raise!(cx, TypeError, "initial_value must be str or None, not {got}");
                }
            },
        };
        self.newline.set(newline);
        self.newlines.seen.set(0);
        self.newlines.pending_cr.set(false);
        *self.text() = StrBuf::new();
        self.at.set(0);
        self.closed.set(false);
        self.ready.set(true);
        if let Some(text) = initial {
            self.write_text(cx, text)?;
        }
        self.at.set(0);
        Ok(())
    }

    #[allow(clippy::mut_from_ref)]
    fn text(&self) -> &mut StrBuf {
        // SAFETY: only used natively between calls of Python code; the GIL gives exclusive access.
        unsafe { &mut *self.text.get() }
    }

    fn check(&self, cx: &mut Cx) -> PyResult<()> {
        if !self.ready.get() {
            return raise!(cx, ValueError, "I/O operation on uninitialized object");
        }
        if self.closed.get() { Err(closed_error(cx)) } else { Ok(()) }
    }

    fn rest(&self) -> Units<'_> {
        let units = self.text().units();
        units.slice(self.at.get().min(units.len()), units.len())
    }

    /// The next `n` characters, which are there.
    fn take(&self, cx: &mut Cx, n: usize) -> Value {
        if n == 0 {
            return Value::of(cx.names().empty);
        }
        let text = Str::from_units(cx, self.rest().slice(0, n));
        self.at.set(self.at.get() + n);
        Value::of(text)
    }

    fn line_length(&self, limit: isize) -> usize {
        let rest = self.rest();
        let n = rest.len();
        let lf = || find(rest, b'\n').map_or(n, |i| i + 1);
        let end = match self.newline.get() {
            None | Some("\n") => lf(),
            Some("") => {
                let lf = find(rest, b'\n');
                match find(rest.slice(0, lf.unwrap_or(n)), b'\r') {
                    Some(c) if lf == Some(c + 1) => c + 2,
                    Some(c) => c + 1,
                    None => lf.map_or(n, |l| l + 1),
                }
            }
            Some("\r") => find(rest, b'\r').map_or(n, |i| i + 1),
            Some(_) => {
                let (mut start, mut end) = (0, n);
                while let Some(i) = find(rest.slice(start, n), b'\r') {
                    start += i + 1;
                    if start < n && rest.at(start) == 0x0a {
                        end = start + 1;
                        break;
                    }
                }
                end
            }
        };
        if limit >= 0 { end.min(limit as usize) } else { end }
    }

    fn write_text(&self, cx: &mut Cx, text: &'static Str) -> PyResult<()> {
        let newline = self.newline.get();
        let text = match newline {
            None => self.newlines.process(cx, text, true, true),
            Some("") => self.newlines.process(cx, text, false, true),
            Some("\r" | "\r\n") if find(text.units(), b'\n').is_some() => {
                let mut out = StrBuf::with_capacity(text.len() + 16);
                let (units, mut start) = (text.units(), 0);
                while let Some(i) = find(units.slice(start, units.len()), b'\n') {
                    out.push_units(units.slice(start, start + i));
                    out.push_text(newline.unwrap_or("\n"));
                    start += i + 1;
                }
                out.push_units(units.slice(start, units.len()));
                out.finish(cx)
            }
            Some(_) => text,
        };
        let (buf, at) = (self.text(), self.at.get());
        let n = buf.len();
        if at > n {
            taipan_runtime::buffer::check_size(cx, at.saturating_mul(4))?;
            buf.fill(0, at - n);
        }
        if at >= n {
            buf.try_push_str(cx, text)?;
        } else {
            overwrite(buf, at, text.units());
        }
        self.at.set(at + text.len());
        Ok(())
    }
}

/// Writes in the middle of a text.
fn overwrite(buf: &mut StrBuf, at: usize, new: Units) {
    let mut out = StrBuf::with_capacity(buf.len().max(at + new.len()));
    let old = buf.units();
    out.push_units(old.slice(0, at));
    out.push_units(new);
    if at + new.len() < old.len() {
        out.push_units(old.slice(at + new.len(), old.len()));
    }
    *buf = out;
}

#[cold]
fn closed_error(cx: &mut Cx) -> Raised {
    cx.raise_text(&exceptions::ValueError, "I/O operation on closed file")
}

#[pymethods]
impl StringIo {
    /// Close the IO object.
    ///
    /// Attempting any further operation after the object is closed
    /// will raise a ValueError.
    ///
    /// This method has no effect if the file is already closed.
    #[py("($self, /)")]
    fn close(_cx: &mut Cx, this: &'static StringIo) {
        this.closed.set(true);
        *this.text() = StrBuf::new();
    }
    /// Retrieve the entire contents of the object.
    #[py("($self, /)")]
    fn getvalue(cx: &mut Cx, this: &'static StringIo) -> PyResult<Value> {
        this.check(cx)?;
        Ok(Value::of(this.text().finish(cx)))
    }
    /// Read at most size characters, returned as a string.
    ///
    /// If the argument is negative or omitted, read until EOF
    /// is reached. Return an empty string at EOF.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &'static StringIo, size: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let n = size_arg(cx, size)?;
        let have = this.rest().len();
        Ok(this.take(cx, if n < 0 { have } else { have.min(n as usize) }))
    }
    /// Read until newline or EOF.
    ///
    /// Returns an empty string if EOF is hit immediately.
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &'static StringIo, size: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let limit = size_arg(cx, size)?;
        let n = this.line_length(limit);
        Ok(this.take(cx, n))
    }
    /// Tell the current file position.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static StringIo) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.at.get())
    }
    /// Truncate size to pos.
    ///
    /// The pos argument defaults to the current file position, as
    /// returned by tell().  The current file position is unchanged.
    /// Returns the new absolute position.
    #[py("($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &'static StringIo, pos: Option<Value>) -> PyResult<usize> {
        this.check(cx)?;
        let size = match pos.filter(|p| !p.is_none()) {
            None => this.at.get() as isize,
            Some(p) => size_arg(cx, Some(p))?,
        };
        if size < 0 {
            return raise!(cx, ValueError, "Negative size value {size}");
        }
        let text = this.text();
        if (size as usize) < text.len() {
            match text {
                StrBuf::One(v) => v.truncate(size as usize),
                StrBuf::Two(v) => v.truncate(size as usize),
                StrBuf::Four(v) => v.truncate(size as usize),
            }
        }
        Ok(size as usize)
    }
    /// Change stream position.
    ///
    /// Seek to character offset pos relative to position indicated by whence:
    ///     0  Start of stream (the default).  pos should be >= 0;
    ///     1  Current position - pos must be 0;
    ///     2  End of stream - pos must be 0.
    /// Returns the new absolute position.
    #[py("($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &'static StringIo, pos: isize, whence: Option<i32>) -> PyResult<usize> {
        this.check(cx)?;
        let at = match whence.unwrap_or(0) {
            other if !(0..=2).contains(&other) => {
                return raise!(cx, ValueError, "Invalid whence ({other}, should be 0, 1 or 2)");
            }
            0 if pos < 0 => return raise!(cx, ValueError, "Negative seek position {pos}"),
            0 => pos as usize,
            _ if pos != 0 => return raise!(cx, OSError, "Can't do nonzero cur-relative seeks"),
            1 => this.at.get(),
            _ => this.text().len(),
        };
        this.at.set(at);
        Ok(at)
    }
    /// Write string to file.
    ///
    /// Returns the number of characters written, which is always equal to
    /// the length of the string.
    #[py("($self, s, /)")]
    fn write(cx: &mut Cx, this: &'static StringIo, s: Value) -> PyResult<usize> {
        let Some(text) = s.downcast::<Str>() else {
            let got = s.class().tp_name();
            return raise!(cx, TypeError, "string argument expected, got '{got}'");
        };
        this.check(cx)?;
        if !text.is_empty() {
            this.write_text(cx, text)?;
        }
        Ok(text.len())
    }
    /// Returns True if the IO object can be seeked.
    #[py("($self, /)")]
    fn seekable(cx: &mut Cx, this: &'static StringIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    /// Returns True if the IO object can be read.
    #[py("($self, /)")]
    fn readable(cx: &mut Cx, this: &'static StringIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    /// Returns True if the IO object can be written.
    #[py("($self, /)")]
    fn writable(cx: &mut Cx, this: &'static StringIo) -> PyResult<bool> {
        this.check(cx).map(|()| true)
    }
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: &'static StringIo) -> PyResult<Value> {
        this.check(cx)?;
        let text = Value::of(this.text().finish(cx));
        let newline = this.newline.get().map_or(Value::none(), |n| Value::of(cx.intern(n)));
        let at = cx.int(this.at.get() as i64);
        let dict = instance_dict(cx, Value::of(this));
        Ok(Value::of(Tuple::new(cx, &[text, newline, at, dict])))
    }
    #[py("($self, state, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static StringIo, state: Value) -> PyResult<()> {
        let Some(items) = super::textio::items_of(state, 4) else {
            let (class, got) = (Value::of(this).class().tp_name(), state.class().tp_name());
            return raise!(cx, TypeError, "{class}.__setstate__ argument should be 4-tuple, got {got}");
        };
        this.open(cx, None, Some(items[1]))?;
        // The text is taken as it is: it was translated when it was written.
        match items[0].downcast::<Str>() {
            Some(text) => this.text().push_str(text),
            None if items[0].is_none() => {}
            None => {
                let got = items[0].class().tp_name();
                return raise!(cx, TypeError, "initial_value must be str or None, not {got}");
            }
        }
        if !int::check(items[2]) {
            let got = items[2].class().tp_name();
            return raise!(cx, TypeError, "third item of state must be an integer, got {got}");
        }
        let at = number::to_isize(cx, items[2])?;
        if at < 0 {
            return raise!(cx, ValueError, "position value cannot be negative");
        }
        this.at.set(at as usize);
        update_dict(cx, Value::of(this), items[3], "fourth")
    }
    #[getter]
    fn closed(cx: &mut Cx, this: &'static StringIo) -> PyResult<bool> {
        if !this.ready.get() {
            this.check(cx)?;
        }
        Ok(this.closed.get())
    }
    #[getter]
    fn newlines(cx: &mut Cx, this: &'static StringIo) -> PyResult<Value> {
        this.check(cx)?;
        let universal = matches!(this.newline.get(), None | Some(""));
        Ok(if universal { this.newlines.value(cx) } else { Value::none() })
    }
    #[getter]
    fn line_buffering(cx: &mut Cx, this: &'static StringIo) -> PyResult<bool> {
        this.check(cx).map(|()| false)
    }
}
