//! Positions of TextIOWrapper.
//!
//! A position is an opaque int: the byte offset of a point where the decoder can start, its flags there, how many
//! bytes to feed it and how many characters to skip then. For plain text it is just the byte offset.

use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::base::unsupported;
use super::textio::TextIo;

/// The parts of a position.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
struct Cookie {
    start: u64,
    flags: u32,
    feed: u32,
    skip: u32,
    at_end: bool,
}

impl Cookie {
    /// The int, as digits of 30 bits: start in 64 bits, flags, feed and skip in 32 each, at_end in 8.
    fn to_digits(self) -> Vec<u32> {
        let low = self.start as u128 | (self.flags as u128) << 64 | (self.feed as u128) << 96;
        let high = self.skip as u64 | u64::from(self.at_end) << 32;
        let bit_at = |i: u32| if i < 128 { low >> i & 1 != 0 } else { i < 192 && high >> (i - 128) & 1 != 0 };
        (0..7).map(|d| (0..30).fold(0, |n, b| n | u32::from(bit_at(d * 30 + b)) << b)).collect()
    }

    fn from_digits(digits: &[u32]) -> Option<Cookie> {
        let bit_at = |i: usize| digits.get(i / 30).is_some_and(|d| d >> (i % 30) & 1 != 0);
        if (168..digits.len() * 30).any(bit_at) {
            return None;
        }
        let field = |from: usize, n: usize| (0..n).fold(0u64, |v, b| v | u64::from(bit_at(from + b)) << b);
        Some(Cookie {
            start: field(0, 64),
            flags: field(64, 32) as u32,
            feed: field(96, 32) as u32,
            skip: field(128, 32) as u32,
            at_end: field(160, 8) != 0,
        })
    }

    fn value(self, cx: &mut Cx) -> Value {
        let mut digits = self.to_digits();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        cx.int_from_digits(false, &digits)
    }

    fn of_value(cx: &mut Cx, v: Value) -> PyResult<Cookie> {
        let index = number::index(cx, v)?;
        let cookie = int::view(index).and_then(|w| Cookie::from_digits(w.digits()));
        match cookie {
            Some(cookie) => Ok(cookie),
            None => raise!(cx, OverflowError, "int too big to convert"),
        }
    }
}

impl TextIo {
    fn buffer_tell(&'static self, cx: &mut Cx) -> PyResult<Value> {
        match self.native_buffer() {
            Some(native) => {
                let at = native.tell(cx)?;
                Ok(cx.int(at))
            }
            None => {
                let buffer = self.buffer(cx)?;
                cx.call_method_text(buffer, "tell", &[])
            }
        }
    }

    fn call_flush(&'static self, cx: &mut Cx) -> PyResult<()> {
        let v = Value::of(self);
        if v.exact::<TextIo>().is_some() {
            return self.flush(cx);
        }
        let name = cx.names().flush;
        cx.call_method(v, name, &[])?;
        Ok(())
    }

    /// `tell()`.
    pub(super) fn tell(&'static self, cx: &mut Cx) -> PyResult<Value> {
        self.check_open(cx)?;
        if !self.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        if !self.telling.get() {
            return raise!(cx, OSError, "telling position disabled by next() call");
        }
        self.flush_pending(cx)?;
        self.call_flush(cx)?;
        let at = self.buffer_tell(cx)?;
        if !self.reads.get() || !self.has_snapshot.get() {
            return Ok(at);
        }
        let at = number::to_i64(cx, at)?;
        let input = self.snapshot().input.clone();
        let start = at - input.len() as i64;
        if self.used.get() == 0 {
            let cookie = Cookie { start: start as u64, flags: self.snapshot().flags as u32, ..Cookie::default() };
            return Ok(cookie.value(cx));
        }
        let saved = self.decoder_state(cx)?;
        let seen = self.newlines.seen.get();
        let cookie = self.locate(cx, start as u64, &input);
        let restored = self.set_decoder_state(cx, &saved.0, saved.1);
        self.newlines.seen.set(seen);
        let cookie = cookie?;
        restored?;
        Ok(cookie.value(cx))
    }

    /// Finds the position of the used part of the decoded text: decodes the input again from the snapshot on.
    fn locate(&'static self, cx: &mut Cx, start: u64, input: &[u8]) -> PyResult<Cookie> {
        let mut wanted = self.used.get();
        let held_at_start = std::mem::take(&mut self.snapshot().held);
        let result = self.locate_from(cx, start, input, &held_at_start, &mut wanted);
        self.snapshot().held = held_at_start;
        result
    }

    fn locate_from(
        &'static self,
        cx: &mut Cx,
        start: u64,
        input: &[u8],
        held_at_start: &[u8],
        wanted: &mut usize,
    ) -> PyResult<Cookie> {
        let flags = self.snapshot().flags;
        let (mut flags, mut begin) = (flags, 0);
        // Bytes that the decoder held at the snapshot are part of no safe start.
        let mut fast = ((*wanted as f64) * self.bytes_per_char.get()) as usize;
        fast = fast.min(input.len());
        let mut back = 1;
        while fast > 0 {
            self.set_decoder_state(cx, held_at_start, flags)?;
            let n = self.decode(cx, &input[..fast], false)?.len();
            if n <= *wanted {
                let (held_bytes, new_flags) = self.decoder_state(cx)?;
                if held_bytes.is_empty() {
                    (flags, begin) = (new_flags, fast);
                    *wanted -= n;
                    break;
                }
                fast = fast.saturating_sub(held_bytes.len());
                back = 1;
            } else {
                fast = fast.saturating_sub(back);
                back *= 2;
            }
        }
        if begin == 0 {
            self.set_decoder_state(cx, held_at_start, flags)?;
        }
        let mut cookie = Cookie { start: start + begin as u64, flags: flags as u32, ..Cookie::default() };
        if *wanted == 0 {
            return Ok(cookie);
        }
        let mut decoded = 0;
        for byte in &input[begin..] {
            decoded += self.decode(cx, std::slice::from_ref(byte), false)?.len();
            cookie.feed += 1;
            let (held_bytes, new_flags) = self.decoder_state(cx)?;
            if held_bytes.is_empty() && decoded <= *wanted {
                // A point where decoding can start.
                cookie.start += cookie.feed as u64;
                cookie.flags = new_flags as u32;
                *wanted -= decoded;
                (cookie.feed, decoded) = (0, 0);
            }
            if decoded >= *wanted {
                break;
            }
        }
        if decoded < *wanted {
            decoded += self.decode(cx, b"", true)?.len();
            cookie.at_end = true;
            if decoded < *wanted {
                return raise!(cx, OSError, "can't reconstruct logical file position");
            }
        }
        cookie.skip = *wanted as u32;
        Ok(cookie)
    }

    /// `seek()`.
    pub(super) fn seek(&'static self, cx: &mut Cx, target: Value, whence: i32) -> PyResult<Value> {
        self.check_open(cx)?;
        if !self.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        let zero = Value::small(0);
        match whence {
            1 => {
                if !compare::equal(cx, target, zero)? {
                    return Err(unsupported(cx, "can't do nonzero cur-relative seeks"));
                }
                let name = cx.intern("tell");
                let here = cx.call_method(Value::of(self), name, &[])?;
                return self.seek_to(cx, here);
            }
            2 => {
                if !compare::equal(cx, target, zero)? {
                    return Err(unsupported(cx, "can't do nonzero end-relative seeks"));
                }
                self.call_flush(cx)?;
                self.forget_decoded();
                self.reset_decoder(cx)?;
                let buffer = self.buffer(cx)?;
                let at = cx.call_method_text(buffer, "seek", &[zero, Value::small(2)])?;
                let at_start = compare::equal(cx, at, zero)?;
                self.reset_encoder(cx, at_start)?;
                return Ok(at);
            }
            0 => {}
            _ => return raise!(cx, ValueError, "invalid whence ({whence}, should be 0, 1 or 2)"),
        }
        if compare::rich_bool(cx, target, zero, CmpOp::Lt)? {
            let text = protocol_object::repr_text(cx, target)?;
            return raise!(cx, ValueError, "negative seek position {text}");
        }
        self.seek_to(cx, target)
    }

    fn seek_to(&'static self, cx: &mut Cx, target: Value) -> PyResult<Value> {
        self.call_flush(cx)?;
        let cookie = Cookie::of_value(cx, target)?;
        let (buffer, start) = (self.buffer(cx)?, cx.int_u64(cookie.start));
        cx.call_method_text(buffer, "seek", &[start])?;
        self.forget_decoded();
        self.snapshot().input.clear();
        self.snapshot().held.clear();
        self.snapshot().flags = i64::from(cookie.flags);
        if cookie.start == 0 && cookie.flags == 0 {
            self.reset_decoder(cx)?;
        } else {
            self.set_decoder_state(cx, b"", i64::from(cookie.flags))?;
        }
        if self.telling.get() && self.reads.get() {
            self.has_snapshot.set(true);
        }
        if cookie.skip > 0 {
            let feed = cx.int(i64::from(cookie.feed));
            let name = cx.names().read;
            let input = cx.call_method(buffer, name, &[feed])?;
            let input = super::base::held(cx, input)?;
            let text = self.decode(cx, input.bytes(), cookie.at_end)?;
            self.snapshot().input = input.bytes().to_vec();
            if text.len() < cookie.skip as usize {
                return raise!(cx, OSError, "can't restore logical file position");
            }
            self.set_decoded(cx, text);
            self.used.set(cookie.skip as usize);
        }
        self.reset_encoder(cx, cookie == Cookie::default())?;
        Ok(target)
    }

    fn reset_encoder(&'static self, cx: &mut Cx, at_start: bool) -> PyResult<()> {
        let Some(encoder) = self.encoder.get() else { return Ok(()) };
        if at_start {
            cx.call_method_text(encoder, "reset", &[])?;
        } else {
            cx.call_method_text(encoder, "setstate", &[Value::small(0)])?;
        }
        Ok(())
    }

    /// `truncate()`.
    pub(super) fn truncate(&'static self, cx: &mut Cx, size: Value) -> PyResult<Value> {
        self.check_ready(cx)?;
        self.call_flush(cx)?;
        let buffer = self.buffer(cx)?;
        cx.call_method_text(buffer, "truncate", &[size])
    }

    /// An attribute of the stream below.
    pub(super) fn buffer_attr(&'static self, cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        self.check_ready(cx)?;
        let buffer = self.buffer(cx)?;
        attr::get(cx, buffer, name)
    }
}

#[cfg(test)]
mod tests {
    use super::Cookie;

    #[test]
    fn cookies_round_trip() {
        let cookies = [
            Cookie::default(),
            Cookie { start: u64::MAX, flags: 3, feed: 70000, skip: 5, at_end: true },
            Cookie { start: 12345, ..Cookie::default() },
        ];
        for cookie in cookies {
            assert_eq!(Cookie::from_digits(&cookie.to_digits()), Some(cookie));
        }
        assert_eq!(Cookie { start: 12345, ..Cookie::default() }.to_digits()[0], 12345);
    }
}
