//! Methods and attributes of TextIOWrapper.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::base::{size_arg, unsupported};
use super::textio::{TextIo, newline_of, optional_str};
use crate::host;

/// Methods of TextIOWrapper.
pub struct TextMethods;

fn ask_buffer(cx: &mut Cx, this: &'static TextIo, method: &str) -> PyResult<Value> {
    this.check_ready(cx)?;
    let buffer = this.buffer(cx)?;
    cx.call_method_text(buffer, method, &[])
}

#[pymethods]
impl TextMethods {
    #[py("($self, /)")]
    fn detach(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        this.check_ready(cx)?;
        let name = cx.names().flush;
        cx.call_method(Value::of(this), name, &[])?;
        let buffer = this.buffer(cx)?;
        this.buffer.set(None);
        this.detached.set(true);
        this.ready.set(false);
        Ok(buffer)
    }
    /// Reconfigure the text stream with new parameters.
    ///
    /// This also does an implicit stream flush.
    #[py("($self, /, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)")]
    fn reconfigure(
        cx: &mut Cx,
        this: &'static TextIo,
        encoding: Option<Value>,
        errors: Option<Value>,
        newline: Option<Value>,
        line_buffering: Option<Value>,
        write_through: Option<Value>,
    ) -> PyResult<()> {
        if this.decoded.get().is_some()
            && (encoding.is_some_and(|e| !e.is_none()) || errors.is_some_and(|e| !e.is_none()) || newline.is_some())
        {
            return Err(unsupported(
                cx,
                "It is not possible to set the encoding or newline of stream after the first read",
            ));
        }
        let encoding = optional_str(cx, encoding, "reconfigure", "encoding")?;
        let errors = optional_str(cx, errors, "reconfigure", "errors")?;
        let newline = match newline {
            None => None,
            Some(v) => {
                let text = optional_str(cx, Some(v), "reconfigure", "newline")?;
                Some(newline_of(cx, text)?)
            }
        };
        let line_buffering = match line_buffering.filter(|v| !v.is_none()) {
            Some(v) => protocol_object::truth(cx, v)?,
            None => this.line_buffering.get(),
        };
        let write_through = match write_through.filter(|v| !v.is_none()) {
            Some(v) => protocol_object::truth(cx, v)?,
            None => this.write_through.get(),
        };
        let name = cx.names().flush;
        cx.call_method(Value::of(this), name, &[])?;
        if encoding.is_some() || errors.is_some() || newline.is_some() {
            this.change_encoding(cx, encoding, errors, newline)?;
        }
        this.line_buffering.set(line_buffering);
        this.write_through.set(write_through);
        Ok(())
    }
    #[py("($self, text, /)")]
    fn write(cx: &mut Cx, this: &'static TextIo, text: Value) -> PyResult<usize> {
        let Some(text) = text.downcast::<Str>() else {
            let got = text.class().tp_name();
            return raise!(cx, TypeError, "write() argument must be str, not {got}");
        };
        this.write(cx, text)?;
        Ok(text.len())
    }
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &'static TextIo, size: Option<Value>) -> PyResult<Value> {
        let n = size_arg(cx, size)?;
        Ok(Value::of(this.read(cx, n)?))
    }
    #[py("($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &'static TextIo, size: Option<isize>) -> PyResult<Value> {
        this.check_open(cx)?;
        Ok(Value::of(this.read_line(cx, size.unwrap_or(-1))?))
    }
    #[py("($self, /)")]
    fn flush(cx: &mut Cx, this: &'static TextIo) -> PyResult<()> {
        this.flush(cx)
    }
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static TextIo) -> PyResult<()> {
        this.close(cx)
    }
    #[py("($self, /)")]
    fn fileno(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        ask_buffer(cx, this, "fileno")
    }
    #[py("($self, /)")]
    fn seekable(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        ask_buffer(cx, this, "seekable")
    }
    #[py("($self, /)")]
    fn readable(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        ask_buffer(cx, this, "readable")
    }
    #[py("($self, /)")]
    fn writable(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        ask_buffer(cx, this, "writable")
    }
    #[py("($self, /)")]
    fn isatty(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        ask_buffer(cx, this, "isatty")
    }
    /// Set the stream position, and return the new stream position.
    ///
    ///   cookie
    ///     Zero or an opaque number returned by tell().
    ///   whence
    ///     The relative position to seek from.
    ///
    /// Four operations are supported, given by the following argument
    /// combinations:
    ///
    /// - seek(0, SEEK_SET): Rewind to the start of the stream.
    /// - seek(cookie, SEEK_SET): Restore a previous position;
    ///   'cookie' must be a number returned by tell().
    /// - seek(0, SEEK_END): Fast-forward to the end of the stream.
    /// - seek(0, SEEK_CUR): Leave the current stream position unchanged.
    ///
    /// Any other argument combinations are invalid,
    /// and may raise exceptions.
    #[py("($self, cookie, whence=os.SEEK_SET, /)")]
    fn seek(cx: &mut Cx, this: &'static TextIo, cookie: Value, whence: Option<i32>) -> PyResult<Value> {
        this.seek(cx, cookie, whence.unwrap_or(0))
    }
    /// Return the stream position as an opaque number.
    ///
    /// The return value of tell() can be given as input to seek(), to restore a
    /// previous stream position.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        this.tell(cx)
    }
    #[py("($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &'static TextIo, pos: Option<Value>) -> PyResult<Value> {
        this.truncate(cx, pos.unwrap_or(Value::none()))
    }
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "cannot pickle '{}' instances", this.class().name())
    }
    #[getter]
    fn encoding(_cx: &mut Cx, this: &'static TextIo) -> Value {
        this.encoding.get().unwrap_or(Value::none())
    }
    #[getter]
    fn buffer(_cx: &mut Cx, this: &'static TextIo) -> Value {
        this.buffer.get().unwrap_or(Value::none())
    }
    #[getter]
    fn line_buffering(_cx: &mut Cx, this: &'static TextIo) -> bool {
        this.line_buffering.get()
    }
    #[getter]
    fn write_through(_cx: &mut Cx, this: &'static TextIo) -> bool {
        this.write_through.get()
    }
    #[getter]
    fn _finalizing(_cx: &mut Cx, this: &'static TextIo) -> bool {
        this.finalizing.get()
    }
    #[setter("_finalizing")]
    fn set_finalizing(cx: &mut Cx, this: &'static TextIo, value: Option<Value>) -> PyResult<()> {
        this.finalizing.set(host::flag(cx, value, false)?);
        Ok(())
    }
    #[getter]
    fn name(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        let name = cx.names().name;
        this.buffer_attr(cx, name)
    }
    #[getter]
    fn closed(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        this.check_ready(cx)?;
        let buffer = this.buffer(cx)?;
        attr::get_text(cx, buffer, "closed")
    }
    #[getter]
    fn newlines(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        this.check_ready(cx)?;
        Ok(if this.universal.get() { this.newlines.value(cx) } else { Value::none() })
    }
    #[getter]
    fn errors(cx: &mut Cx, this: &'static TextIo) -> PyResult<Value> {
        this.check_ready(cx)?;
        Ok(this.errors.get().map_or(Value::none(), Value::of))
    }
    #[getter("_CHUNK_SIZE")]
    fn chunk_size(cx: &mut Cx, this: &'static TextIo) -> PyResult<usize> {
        this.check_ready(cx)?;
        Ok(this.chunk.get())
    }
    #[setter("_CHUNK_SIZE")]
    fn set_chunk_size(cx: &mut Cx, this: &'static TextIo, value: Option<Value>) -> PyResult<()> {
        this.check_ready(cx)?;
        let Some(value) = value else {
            let class = Value::of(this).class().tp_name();
            return raise!(cx, AttributeError, "attribute '_CHUNK_SIZE' of '{class}' objects cannot be deleted");
        };
        let n = number::to_isize(cx, value)?;
        if n <= 0 {
            return raise!(cx, ValueError, "a strictly positive integer is required");
        }
        this.chunk.set(n as usize);
        Ok(())
    }
}
