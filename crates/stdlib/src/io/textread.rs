//! Reading of TextIOWrapper: decoding by chunks, lines.

use taipan_runtime::protocol::codec::{self, Codec};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::base::{held, unsupported};
use super::buffered_types;
use super::newline::{find, split_state};
use super::textio::TextIo;

impl TextIo {
    // ---- the decoder -----------------------------------------------------------------------------------------

    /// Decodes bytes and processes line endings.
    pub(super) fn decode(&'static self, cx: &mut Cx, input: &[u8], is_final: bool) -> PyResult<&'static Str> {
        let text = match self.codec.get() {
            Some(Codec::Latin1) => match input {
                [] => cx.names().empty,
                _ => Str::from_latin1(cx, input),
            },
            Some(codec) => self.decode_native(cx, codec, input, is_final)?,
            None => {
                let Some(decoder) = self.decoder.get() else { return Err(unsupported(cx, "not readable")) };
                let bytes = Value::of(Bytes::new(cx, input));
                let text = cx.call_method_text(decoder, "decode", &[bytes, Value::bool(is_final)])?;
                match text.downcast::<Str>() {
                    Some(text) => text,
                    None => {
                        let got = text.class().tp_name();
                        return raise!(cx, TypeError, "decoder should return a string result, not '{got}'");
                    }
                }
            }
        };
        if !self.universal.get() {
            return Ok(text);
        }
        Ok(self.newlines.process(cx, text, self.translates.get(), is_final))
    }

    /// UTF-8 and ASCII; an incomplete sequence at the end is kept for the next call.
    fn decode_native(&'static self, cx: &mut Cx, codec: Codec, input: &[u8], is_final: bool) -> PyResult<&'static Str> {
        let (tail, n) = self.tail.get();
        if n == 0 {
            if input.is_empty() {
                return Ok(cx.names().empty);
            }
            if input.is_ascii() {
                return Ok(Str::from_ascii(cx, input));
            }
        }
        let joined;
        let input = match n {
            0 => input,
            n => {
                joined = [&tail[..n as usize], input].concat();
                &joined
            }
        };
        self.tail.set(([0; 4], 0));
        if codec == Codec::Utf8 {
            match simdutf8::compat::from_utf8(input) {
                Ok("") => return Ok(cx.names().empty),
                Ok(text) => return Ok(Str::new(cx, text)),
                Err(e) if e.error_len().is_none() && !is_final => {
                    let (good, rest) = input.split_at(e.valid_up_to());
                    let mut kept = [0; 4];
                    kept[..rest.len()].copy_from_slice(rest);
                    self.tail.set((kept, rest.len() as u8));
                    // SAFETY: from_utf8 checked that part.
                    let text = unsafe { std::str::from_utf8_unchecked(good) };
                    return Ok(if text.is_empty() { cx.names().empty } else { Str::new(cx, text) });
                }
                Err(_) => {}
            }
        }
        let bytes = Bytes::new(cx, input);
        let decoded = codec::decode(cx, codec, bytes, self.errors.get(), is_final)?;
        let rest = &bytes.data()[decoded.consumed..];
        let mut kept = [0; 4];
        let n = rest.len().min(4);
        kept[..n].copy_from_slice(&rest[..n]);
        self.tail.set((kept, n as u8));
        Ok(decoded.text)
    }

    /// The decoder's state: bytes that it holds, and flags.
    pub(super) fn decoder_state(&'static self, cx: &mut Cx) -> PyResult<(Vec<u8>, i64)> {
        let (held_bytes, flags) = match self.decoder.get() {
            None => {
                let (tail, n) = self.tail.get();
                (tail[..n as usize].to_vec(), 0)
            }
            Some(decoder) => {
                let state = cx.call_method_text(decoder, "getstate", &[])?;
                let (bytes, flags) = split_state(cx, state, "illegal decoder state")?;
                let Some(bytes) = bytes.downcast::<Bytes>() else {
                    let got = bytes.class().tp_name();
                    return raise!(
                        cx,
                        TypeError,
                        "illegal decoder state: the first item should be a bytes object, not '{got}'"
                    );
                };
                (bytes.data().to_vec(), flags)
            }
        };
        if self.universal.get() {
            return Ok((held_bytes, flags << 1 | i64::from(self.newlines.pending_cr.get())));
        }
        Ok((held_bytes, flags))
    }

    /// Puts the decoder into a state.
    pub(super) fn set_decoder_state(&'static self, cx: &mut Cx, held_bytes: &[u8], flags: i64) -> PyResult<()> {
        let mut flags = flags;
        if self.universal.get() {
            self.newlines.pending_cr.set(flags & 1 != 0);
            flags >>= 1;
        }
        match self.decoder.get() {
            None => {
                let mut kept = [0; 4];
                let n = held_bytes.len().min(4);
                kept[..n].copy_from_slice(&held_bytes[..n]);
                self.tail.set((kept, n as u8));
            }
            Some(decoder) => {
                let (bytes, flags) = (Value::of(Bytes::new(cx, held_bytes)), cx.int(flags));
                let state = Value::of(Tuple::new(cx, &[bytes, flags]));
                cx.call_method_text(decoder, "setstate", &[state])?;
            }
        }
        Ok(())
    }

    /// Puts the decoder into its first state, in which an encoding may expect a byte order mark.
    pub(super) fn reset_decoder(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.reset_decoder_state();
        if let Some(decoder) = self.decoder.get() {
            cx.call_method_text(decoder, "reset", &[])?;
        }
        Ok(())
    }

    // ---- chunks ------------------------------------------------------------------------------------------------

    /// Before anything is read: it must be possible, and what is pending is written first (TEXT-1).
    pub(super) fn before_read(&'static self, cx: &mut Cx) -> PyResult<()> {
        self.check_open(cx)?;
        if !self.reads.get() {
            return Err(unsupported(cx, "not readable"));
        }
        self.flush_pending(cx)
    }

    /// Reads and decodes a chunk of about `hint` characters or the usual size: false at the end. The previous text
    /// must be used up.
    pub(super) fn read_chunk(&'static self, cx: &mut Cx, hint: usize) -> PyResult<bool> {
        if !self.reads.get() {
            return Err(unsupported(cx, "not readable"));
        }
        let mut flags = 0;
        if self.telling.get() {
            let (held_bytes, f) = self.decoder_state(cx)?;
            self.snapshot().held = held_bytes;
            flags = f;
        }
        let hint = (hint as f64 * self.bytes_per_char.get().max(1.0)) as usize;
        let size = self.chunk.get().max(hint);
        let mut input = std::mem::take(&mut self.snapshot().input);
        input.clear();
        self.read_input(cx, size, &mut input)?;
        let is_final = input.is_empty();
        let decoded = self.decode(cx, &input, is_final);
        let chars = decoded.as_ref().map_or(0, |d| d.len());
        self.bytes_per_char.set(if chars > 0 { input.len() as f64 / chars as f64 } else { 0.0 });
        let n = input.len();
        self.snapshot().input = input;
        let decoded = decoded?;
        self.set_decoded(cx, decoded);
        if self.telling.get() {
            self.snapshot().flags = flags;
            self.has_snapshot.set(true);
        }
        Ok(!is_final || chars > 0 || n > 0)
    }

    pub(super) fn set_decoded(&'static self, cx: &mut Cx, text: &'static Str) {
        self.decoded.set(Some(text));
        self.used.set(0);
        cx.barrier(self);
    }

    /// One read of the buffer.
    fn read_input(&'static self, cx: &mut Cx, size: usize, out: &mut Vec<u8>) -> PyResult<()> {
        if let Some(native) = self.native_buffer().filter(|b| b.reads()) {
            return buffered_types::read1_into(cx, native, size, out);
        }
        let buffer = self.buffer(cx)?;
        let method = if self.has_read1.get() { "read1" } else { "read" };
        let size = cx.int(size as i64);
        let input = cx.call_method_text(buffer, method, &[size])?;
        if input.class().slots().buffer.is_none() {
            let got = input.class().tp_name();
            return raise!(
                cx,
                TypeError,
                "underlying {method}() should have returned a bytes-like object, not '{got}'"
            );
        }
        let view = held(cx, input)?;
        out.extend_from_slice(view.bytes());
        Ok(())
    }

    /// Decoded text that was not returned yet.
    #[inline]
    fn rest(&self) -> Units<'static> {
        match self.decoded.get() {
            Some(text) => text.units().slice(self.used.get(), text.len()),
            None => Units::One(&[]),
        }
    }

    /// The next `n` characters, which are there.
    fn take(&'static self, cx: &mut Cx, n: usize) -> &'static Str {
        let Some(text) = self.decoded.get() else { return cx.names().empty };
        let start = self.used.get();
        self.used.set(start + n);
        if start == 0 && n == text.len() { text } else { text.slice(cx, start, start + n) }
    }

    // ---- read() --------------------------------------------------------------------------------------------------

    /// `read(n)`, all of it if `n` is negative.
    pub(super) fn read(&'static self, cx: &mut Cx, n: isize) -> PyResult<&'static Str> {
        self.before_read(cx)?;
        if n < 0 {
            return self.read_all(cx);
        }
        let n = n as usize;
        let have = self.rest().len();
        if have >= n {
            return Ok(self.take(cx, n));
        }
        let mut out = StrBuf::new();
        out.push_units(self.rest());
        self.used.set(self.used.get() + have);
        while out.len() < n {
            let more = self.read_chunk(cx, n - out.len())?;
            let take = self.rest().len().min(n - out.len());
            out.push_units(self.rest().slice(0, take));
            self.used.set(self.used.get() + take);
            if !more {
                break;
            }
        }
        Ok(out.finish(cx))
    }

    fn read_all(&'static self, cx: &mut Cx) -> PyResult<&'static Str> {
        let mut input = Vec::new();
        match self.native_buffer().filter(|b| b.reads()) {
            Some(native) => {
                buffered_types::read_all_into(cx, native, &mut input)?;
            }
            None => {
                let (buffer, read) = (self.buffer(cx)?, cx.names().read);
                let bytes = cx.call_method(buffer, read, &[])?;
                if bytes.is_none() {
                    return raise!(cx, BlockingIOError, "Read returned None.");
                }
                let view = held(cx, bytes)?;
                input.extend_from_slice(view.bytes());
            }
        }
        let text = self.decode(cx, &input, true)?;
        let rest = self.rest();
        let text = match rest.is_empty() {
            true => text,
            false => {
                let mut out = StrBuf::with_capacity(rest.len() + text.len());
                out.push_units(rest);
                out.push_str(text);
                out.finish(cx)
            }
        };
        self.forget_decoded();
        Ok(text)
    }

    // ---- lines -----------------------------------------------------------------------------------------------------

    /// `readline(limit)`, without a limit if it is negative.
    pub(super) fn read_line(&'static self, cx: &mut Cx, limit: isize) -> PyResult<&'static Str> {
        if !self.is_idle() {
            self.before_read(cx)?;
        }
        let rest = self.rest();
        if limit < 0
            && let Some(n) = self.line_end(rest, 0)
        {
            return Ok(self.take(cx, n));
        }
        let mut line = StrBuf::new();
        loop {
            let rest = self.rest();
            let room = if limit < 0 { usize::MAX } else { limit as usize - line.len() };
            // A line ending of two characters may be split between chunks.
            let before = if line.is_empty() { 0 } else { self.split_ending(&line, rest) };
            let end = if before > 0 { Some(before) } else { self.line_end(rest, 0) };
            let take = end.unwrap_or(rest.len()).min(room);
            line.push_units(rest.slice(0, take));
            self.used.set(self.used.get() + take);
            if end.is_some_and(|e| e == take) || take == room {
                return Ok(line.finish(cx));
            }
            if !self.read_chunk(cx, 0)? && self.rest().is_empty() {
                self.forget_decoded();
                return Ok(line.finish(cx));
            }
        }
    }

    /// True if nothing needs to be done before reading what is decoded already.
    #[inline]
    fn is_idle(&self) -> bool {
        self.ready.get()
            && self.reads.get()
            && self.pending().is_empty()
            && self.native_buffer().and_then(|b| b.file()).is_some_and(|f| !f.is_closed())
    }

    /// Length of the first line in `units`, its ending included.
    #[inline]
    fn line_end(&self, units: Units, from: usize) -> Option<usize> {
        let n = units.len();
        let tail = units.slice(from, n);
        if self.translates.get() {
            return find(tail, b'\n').map(|i| from + i + 1);
        }
        if self.universal.get() {
            let lf = find(tail, b'\n');
            let cr = find(tail.slice(0, lf.unwrap_or(tail.len())), b'\r');
            return match (cr, lf) {
                (Some(c), Some(l)) if l == c + 1 => Some(from + l + 1),
                (Some(c), _) => Some(from + c + 1),
                (None, Some(l)) => Some(from + l + 1),
                (None, None) => None,
            };
        }
        match self.read_newline.get() {
            "\n" => find(tail, b'\n').map(|i| from + i + 1),
            "\r" => find(tail, b'\r').map(|i| from + i + 1),
            _ => {
                let mut start = from;
                while let Some(i) = find(units.slice(start, n), b'\r') {
                    let after = start + i + 1;
                    if after < n && units.at(after) == 0x0a {
                        return Some(after + 1);
                    }
                    start = after;
                }
                None
            }
        }
    }

    /// 1 if the line so far ends with the first half of "\r\n" and `units` begin with the second.
    fn split_ending(&self, line: &StrBuf, units: Units) -> usize {
        let is_pair = !self.universal.get() && self.read_newline.get() == "\r\n";
        let last = line.units().at(line.len() - 1);
        usize::from(is_pair && last == 0x0d && !units.is_empty() && units.at(0) == 0x0a)
    }
}

/// The `next` slot.
pub fn next_line(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of text streams.
    let this: &'static TextIo = unsafe { v.cast() };
    this.telling.set(false);
    if v.exact::<TextIo>().is_some() {
        let line = this.read_line(cx, -1)?;
        if !line.is_empty() {
            return Ok(Some(Value::of(line)));
        }
    } else {
        this.check_ready(cx)?;
        let name = cx.names().readline;
        let line = cx.call_method(v, name, &[])?;
        let Some(text) = line.downcast::<Str>() else {
            let got = line.class().tp_name();
            return raise!(cx, OSError, "readline() should have returned a str object, not '{got}'");
        };
        if !text.is_empty() {
            return Ok(Some(line));
        }
    }
    this.has_snapshot.set(false);
    this.telling.set(this.seekable.get());
    Ok(None)
}
