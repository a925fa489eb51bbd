//! Universal newlines: translation, and IncrementalNewlineDecoder.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, with_units};

use crate::host;

/// Line endings that were seen, as bits.
pub mod seen {
    /// "\r".
    pub const CR: u8 = 1;
    /// "\n".
    pub const LF: u8 = 2;
    /// "\r\n".
    pub const CRLF: u8 = 4;
}

/// State of newline decoding.
#[derive(Default)]
pub struct Newlines {
    /// A "\r" at the end of the input, held back because a "\n" may follow.
    pub pending_cr: Cell<bool>,
    /// What was seen so far.
    pub seen: Cell<u8>,
}

/// Position of a code point in units.
pub fn find(units: Units, c: u8) -> Option<usize> {
    match units {
        Units::One(u) => memchr::memchr(c, u),
        Units::Two(u) => u.iter().position(|x| *x == u16::from(c)),
        Units::Four(u) => u.iter().position(|x| *x == u32::from(c)),
    }
}

fn count_kinds<T: Copy + Into<u32>>(units: &[T]) -> u8 {
    let (mut kinds, mut i) = (0, 0);
    while i < units.len() && kinds != 7 {
        match units[i].into() {
            0x0a => kinds |= seen::LF,
            0x0d if units.get(i + 1).is_some_and(|c| (*c).into() == 0x0a) => {
                kinds |= seen::CRLF;
                i += 1;
            }
            0x0d => kinds |= seen::CR,
            _ => {}
        }
        i += 1;
    }
    kinds
}

fn push_translated(units: Units, out: &mut StrBuf) {
    let mut start = 0;
    let n = units.len();
    while let Some(i) = find(units.slice(start, n), b'\r') {
        out.push_units(units.slice(start, start + i));
        out.push(0x0a);
        start += i + 1;
        if start < n && units.at(start) == 0x0a {
            start += 1;
        }
    }
    out.push_units(units.slice(start, n));
}

impl Newlines {
    /// Processes decoded text: holds back a "\r" at the end unless the input is final, notes the kinds of line
    /// endings and, if `translate`, makes all of them "\n". May collect.
    pub fn process(&self, cx: &mut Cx, text: &'static Str, translate: bool, is_final: bool) -> &'static Str {
        let mut text = text;
        if self.pending_cr.get() && (is_final || !text.is_empty()) {
            let mut joined = StrBuf::with_capacity(text.len() + 1);
            joined.push(0x0d);
            joined.push_str(text);
            text = joined.finish(cx);
            self.pending_cr.set(false);
        }
        let units = text.units();
        let n = units.len();
        if !is_final && n > 0 && units.at(n - 1) == 0x0d {
            text = text.slice(cx, 0, n - 1);
            self.pending_cr.set(true);
        }
        if text.is_empty() {
            return cx.names().empty;
        }
        let units = text.units();
        if find(units, b'\r').is_none() {
            if self.seen.get() & seen::LF == 0 && find(units, b'\n').is_some() {
                self.seen.set(self.seen.get() | seen::LF);
            }
            return text;
        }
        if self.seen.get() != 7 {
            let kinds = with_units!(units, u => count_kinds(u));
            self.seen.set(self.seen.get() | kinds);
        }
        if !translate {
            return text;
        }
        let mut out = StrBuf::with_capacity(n);
        push_translated(units, &mut out);
        out.finish(cx)
    }

    /// The attribute `newlines`. May collect.
    pub fn value(&self, cx: &mut Cx) -> Value {
        let mut kinds = [Value::none(); 3];
        let mut n = 0;
        for (bit, text) in [(seen::CR, "\r"), (seen::LF, "\n"), (seen::CRLF, "\r\n")] {
            if self.seen.get() & bit != 0 {
                kinds[n] = Value::of(cx.intern(text));
                n += 1;
            }
        }
        match n {
            0 => Value::none(),
            1 => kinds[0],
            _ => Value::of(Tuple::new(cx, &kinds[..n])),
        }
    }
}

/// An IncrementalNewlineDecoder object.
#[repr(C)]
pub struct NewlineDecoder {
    header: Header,
    decoder: Cell<Option<Value>>,
    ready: Cell<bool>,
    translate: Cell<bool>,
    newlines: Newlines,
}
object!(NewlineDecoder, NEWLINE_DECODER);

/// `_io.IncrementalNewlineDecoder`.
pub static NEWLINE_DECODER: Type = Type::new(&NEWLINE_DECODER_SPEC);
static NEWLINE_DECODER_SPEC: TypeSpec = TypeSpec {
    name: "_io.IncrementalNewlineDecoder",
    basicsize: std::mem::size_of::<NewlineDecoder>(),
    flags: flags::BASETYPE,
    trace: Some(trace),
    slots: Slots { new: Some(new), init: Some(init), ..Slots::NONE },
    methods: &[NewlineDecoder::METHODS],
    getsets: &[NewlineDecoder::GETSETS],
    doc: "Codec used when reading a file in universal newlines mode.\n\nIt wraps another incremental decoder, translating \\r\\n and \\r into \\n.\nIt also records the types of newlines encountered.  When used with\ntranslate=False, it ensures that the newline sequence is returned in\none piece. When used with decoder=None, it expects unicode strings as\ndecode input and translates newlines without first invoking an external\ndecoder.",
    signature: "(decoder, translate, errors='strict')",
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these decoders only.
    if let Some(decoder) = unsafe { (*object.cast::<NewlineDecoder>()).decoder.get() } {
        marker.mark_value(decoder.bits());
    }
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = NewlineDecoder {
        header: Header::fresh(class),
        decoder: Cell::new(None),
        ready: Cell::new(false),
        translate: Cell::new(false),
        newlines: Newlines::default(),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

static INIT: ParamSpec = ParamSpec {
    name: "IncrementalNewlineDecoder",
    names: &["decoder", "translate", "errors"],
    positional_only: 0,
    positional: 3,
    required: 2,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 3];
    bind(cx, &INIT, args, &mut bound)?;
    // SAFETY: the slot of these decoders.
    let this: &'static NewlineDecoder = unsafe { v.cast() };
    let translate = host::flag(cx, bound[1], false)?;
    this.decoder.set(bound[0].filter(|d| !d.is_none()));
    cx.barrier(this);
    this.translate.set(translate);
    this.newlines.seen.set(0);
    this.newlines.pending_cr.set(false);
    this.ready.set(true);
    Ok(())
}

impl NewlineDecoder {
    fn check(&self, cx: &mut Cx) -> PyResult<()> {
        if !self.ready.get() {
            return raise!(cx, ValueError, "IncrementalNewlineDecoder.__init__() not called");
        }
        Ok(())
    }
}

#[pymethods]
impl NewlineDecoder {
    #[py("($self, /, input, final=False)")]
    fn decode(cx: &mut Cx, this: &'static NewlineDecoder, input: Value, is_final: Option<bool>) -> PyResult<Value> {
        this.check(cx)?;
        let is_final = is_final.unwrap_or(false);
        let text = match this.decoder.get() {
            Some(decoder) => cx.call_method_text(decoder, "decode", &[input, Value::bool(is_final)])?,
            None => input,
        };
        let Some(text) = text.downcast::<Str>() else {
            let got = text.class().tp_name();
            return raise!(cx, TypeError, "decoder should return a string result, not '{got}'");
        };
        Ok(Value::of(this.newlines.process(cx, text, this.translate.get(), is_final)))
    }
    #[py("($self, /)")]
    fn getstate(cx: &mut Cx, this: &'static NewlineDecoder) -> PyResult<Value> {
        this.check(cx)?;
        let (buffer, flag) = match this.decoder.get() {
            Some(decoder) => {
                let state = cx.call_method_text(decoder, "getstate", &[])?;
                split_state(cx, state, "illegal decoder state")?
            }
            None => (Value::of(Bytes::new(cx, b"")), 0),
        };
        let flag = cx.int_wide((flag as i128) << 1 | i128::from(this.newlines.pending_cr.get()));
        Ok(Value::of(Tuple::new(cx, &[buffer, flag])))
    }
    #[py("($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &'static NewlineDecoder, state: Value) -> PyResult<Value> {
        this.check(cx)?;
        if state.downcast::<Tuple>().is_none() {
            return raise!(cx, TypeError, "state argument must be a tuple");
        }
        let (buffer, flag) = split_state(cx, state, "setstate(): illegal state argument")?;
        this.newlines.pending_cr.set(flag & 1 != 0);
        let Some(decoder) = this.decoder.get() else { return Ok(Value::none()) };
        let flag = cx.int(flag >> 1);
        let state = Value::of(Tuple::new(cx, &[buffer, flag]));
        cx.call_method_text(decoder, "setstate", &[state])
    }
    #[py("($self, /)")]
    fn reset(cx: &mut Cx, this: &'static NewlineDecoder) -> PyResult<Value> {
        this.check(cx)?;
        this.newlines.seen.set(0);
        this.newlines.pending_cr.set(false);
        match this.decoder.get() {
            Some(decoder) => cx.call_method_text(decoder, "reset", &[]),
            None => Ok(Value::none()),
        }
    }
    #[getter]
    fn newlines(cx: &mut Cx, this: &'static NewlineDecoder) -> PyResult<Value> {
        this.check(cx)?;
        Ok(this.newlines.value(cx))
    }
}

/// The two parts of a decoder's state. TypeError with `text` for others.
pub fn split_state(cx: &mut Cx, state: Value, text: &str) -> PyResult<(Value, i64)> {
    match state.downcast::<Tuple>().map(|t| t.items()) {
        Some([buffer, flag]) => Ok((*buffer, number::to_i64(cx, *flag)?)),
        _ => raise!(cx, TypeError, "{text}"),
    }
}
