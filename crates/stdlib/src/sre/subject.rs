//! The text that is searched: a str or the memory of a bytes-like object.

use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise, with_units};

use super::engine::{Char, Matcher, Request, Scratch, Stop};
use super::program::Program;

enum Kind {
    Str(&'static Str),
    Bytes(&'static Bytes),
    Buffer(Held),
}

/// A text. Of a buffer the memory is held until the subject is dropped.
pub struct Subject {
    /// The object.
    pub value: Value,
    kind: Kind,
}

impl Subject {
    /// `value` as a text. TypeError if it is none.
    pub fn new(cx: &mut Cx, value: Value) -> PyResult<Subject> {
        let kind = if let Some(s) = value.downcast::<Str>() {
            Kind::Str(s)
        } else if let Some(bytes) = value.exact::<Bytes>() {
            Kind::Bytes(bytes)
        } else if buffer::check(value) {
            Kind::Buffer(buffer::hold(cx, value, 0)?)
        } else {
            let name = value.class().tp_name();
            return raise!(cx, TypeError, "expected string or bytes-like object, got '{name}'");
        };
        Ok(Subject { value, kind })
    }

    /// True for anything but a str.
    pub fn is_bytes(&self) -> bool {
        !matches!(self.kind, Kind::Str(_))
    }

    /// TypeError unless patterns made of bytes (true) or of str (false) are for such texts.
    pub fn check_kind(&self, cx: &mut Cx, pattern_is_bytes: Option<bool>) -> PyResult<()> {
        match (pattern_is_bytes, self.is_bytes()) {
            (Some(true), false) => raise!(cx, TypeError, "cannot use a bytes pattern on a string-like object"),
            (Some(false), true) => raise!(cx, TypeError, "cannot use a string pattern on a bytes-like object"),
            _ => Ok(()),
        }
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::Str(s) => s.len(),
            Kind::Bytes(bytes) => bytes.data().len(),
            Kind::Buffer(held) => held.len,
        }
    }

    /// The str, unless it is bytes.
    pub fn as_str(&self) -> Option<&'static Str> {
        match &self.kind {
            Kind::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The bytes, unless it is a str.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Str(_) => None,
            Kind::Bytes(bytes) => Some(bytes.data()),
            Kind::Buffer(held) => Some(held.bytes()),
        }
    }

    /// The part `start..end` as an exact str or bytes. May collect.
    pub fn slice(&self, cx: &mut Cx, start: usize, end: usize) -> Value {
        let n = self.len();
        let end = end.min(n);
        let start = start.min(end);
        match &self.kind {
            Kind::Str(s) if start == 0 && end == n && self.value.exact::<Str>().is_some() => Value::of(*s),
            Kind::Str(s) => Value::of(s.slice(cx, start, end)),
            Kind::Bytes(bytes) if start == 0 && end == n => Value::of(*bytes),
            Kind::Bytes(bytes) => Value::of(Bytes::new(cx, &bytes.data()[start..end])),
            Kind::Buffer(held) => Value::of(Bytes::new(cx, &held.bytes()[start..end])),
        }
    }

    /// True if a backslash is in it.
    pub fn has_backslash(&self) -> bool {
        match &self.kind {
            Kind::Str(s) => s.chars().any(|c| c == '\\' as u32),
            Kind::Bytes(bytes) => bytes.data().contains(&b'\\'),
            Kind::Buffer(held) => held.bytes().contains(&b'\\'),
        }
    }

    /// Runs the engine on the text up to `end`. With `search` the match may begin anywhere from the request's start
    /// on; gives its start and end. May run Python code (signal handlers).
    pub fn run(
        &self,
        cx: &mut Cx,
        program: &Program,
        scratch: &mut Scratch,
        end: usize,
        request: Request,
        search: bool,
    ) -> PyResult<Option<(usize, usize)>> {
        scratch.prepare(program);
        let end = end.min(self.len());
        let result = match &self.kind {
            Kind::Str(s) => with_units!(s.units(), u => go(cx, program, scratch, &u[..end], request, search)),
            Kind::Bytes(bytes) => go(cx, program, scratch, &bytes.data()[..end], request, search),
            Kind::Buffer(held) => go(cx, program, scratch, &held.bytes()[..end], request, search),
        };
        match result {
            Ok(found) => Ok(found),
            Err(Stop::Raised) => Err(taipan_runtime::Raised),
            Err(Stop::Memory) => Err(cx.memory_error()),
        }
    }
}

fn go<C: Char>(
    cx: &mut Cx,
    program: &Program,
    scratch: &mut Scratch,
    text: &[C],
    request: Request,
    search: bool,
) -> Result<Option<(usize, usize)>, Stop> {
    let mut poll = || {
        if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            cx.handle_interrupt()?;
        }
        Ok(())
    };
    let mut matcher = Matcher::new(program, text, request, scratch, &mut poll);
    if search {
        return matcher.search();
    }
    Ok(matcher.match_here()?.map(|end| (request.start, end)))
}
