//! Encoding: Encoder and strings.

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::descr::NativeFunction;
use taipan_runtime::types::exception::add_note;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// An encoder: the settings of a JSONEncoder.
#[repr(C)]
pub struct Encoder {
    header: Header,
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Value,
    key_separator: &'static Str,
    item_separator: &'static Str,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
    /// The string encoder is one of this module: whether it makes ASCII.
    native: Option<bool>,
}
object!(Encoder, ENCODER);

/// `_json.Encoder`.
pub static ENCODER: Type = Type::new(&ENCODER_SPEC);
static ENCODER_SPEC: TypeSpec = TypeSpec {
    name: "_json.Encoder",
    basicsize: std::mem::size_of::<Encoder>(),
    trace: Some(trace),
    slots: Slots { new: Some(new), call: Some(call), ..Slots::NONE },
    getsets: &[Encoder::GETSETS],
    doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for encoders only.
    let this = unsafe { &*object.cast::<Encoder>() };
    let strs = [Value::of(this.key_separator), Value::of(this.item_separator)];
    for v in [this.markers, this.default, this.encoder, this.indent].into_iter().chain(strs) {
        marker.mark_value(v.bits());
    }
}

static INIT: ParamSpec = ParamSpec {
    name: "make_encoder",
    names: &[
        "markers",
        "default",
        "encoder",
        "indent",
        "key_separator",
        "item_separator",
        "sort_keys",
        "skipkeys",
        "allow_nan",
    ],
    positional_only: 0,
    positional: 9,
    required: 9,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn str_arg(cx: &mut Cx, v: Value, index: usize) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text),
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "make_encoder() argument {index} must be str, not {got}")
        }
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 9];
    bind(cx, &INIT, args, &mut bound)?;
    let v = bound.map(|v| v.unwrap_or(Value::none()));
    let (key_separator, item_separator) = (str_arg(cx, v[4], 5)?, str_arg(cx, v[5], 6)?);
    let flags =
        [protocol_object::truth(cx, v[6])?, protocol_object::truth(cx, v[7])?, protocol_object::truth(cx, v[8])?];
    if !v[0].is_none() && v[0].downcast::<Dict>().is_none() {
        let got = v[0].class().tp_name();
        return raise!(cx, TypeError, "make_encoder() argument 1 must be dict or None, not {got}");
    }
    let native = v[2].exact::<NativeFunction>().and_then(|f| match f.def.name {
        "encode_basestring_ascii" => Some(true),
        "encode_basestring" => Some(false),
        _ => None,
    });
    let this = Encoder {
        header: Header::fresh(class),
        markers: v[0],
        default: v[1],
        encoder: v[2],
        indent: v[3],
        key_separator,
        item_separator,
        sort_keys: flags[0],
        skipkeys: flags[1],
        allow_nan: flags[2],
        native,
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

#[pymethods]
impl Encoder {
    /// markers
    #[getter]
    fn markers(_cx: &mut Cx, this: &'static Encoder) -> Value {
        this.markers
    }
    /// default
    #[getter]
    fn default(_cx: &mut Cx, this: &'static Encoder) -> Value {
        this.default
    }
    /// encoder
    #[getter]
    fn encoder(_cx: &mut Cx, this: &'static Encoder) -> Value {
        this.encoder
    }
    /// indent
    #[getter]
    fn indent(_cx: &mut Cx, this: &'static Encoder) -> Value {
        this.indent
    }
    /// key_separator
    #[getter]
    fn key_separator(_cx: &mut Cx, this: &'static Encoder) -> Value {
        Value::of(this.key_separator)
    }
    /// item_separator
    #[getter]
    fn item_separator(_cx: &mut Cx, this: &'static Encoder) -> Value {
        Value::of(this.item_separator)
    }
    /// sort_keys
    #[getter]
    fn sort_keys(_cx: &mut Cx, this: &'static Encoder) -> bool {
        this.sort_keys
    }
    /// skipkeys
    #[getter]
    fn skipkeys(_cx: &mut Cx, this: &'static Encoder) -> bool {
        this.skipkeys
    }
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    static SPEC: ParamSpec = ParamSpec {
        name: "_iterencode",
        names: &["obj", "_current_indent_level"],
        positional_only: 0,
        positional: 2,
        required: 2,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    };
    let mut bound = [None; 2];
    bind(cx, &SPEC, args, &mut bound)?;
    // SAFETY: the slot of encoders.
    let encoder: &'static Encoder = unsafe { v.cast() };
    let level = number::to_isize(cx, bound[1].unwrap_or(Value::small(0)))?;
    let indent = match encoder.indent.downcast::<Str>() {
        Some(indent) => Some(indent),
        None if encoder.indent.is_none() => None,
        None => {
            let got = encoder.indent.class().tp_name();
            return raise!(cx, TypeError, "make_encoder() argument 4 must be str or None, not {got}");
        }
    };
    let mut output = Output { encoder, indent, level: level.max(0) as usize, open: Vec::new(), out: StrBuf::new() };
    output.value(cx, bound[0].unwrap_or(Value::none()))?;
    let text = Value::of(output.out.finish(cx));
    Ok(Value::of(Tuple::new(cx, &[text])))
}

/// An encoding under way.
struct Output {
    encoder: &'static Encoder,
    indent: Option<&'static Str>,
    level: usize,
    /// Identities of the containers that are being encoded; these are alive through the caller.
    open: Vec<u64>,
    out: StrBuf,
}

impl Output {
    fn value(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if v.is_none() {
            self.out.push_text("null");
        } else if v == Value::bool(true) {
            self.out.push_text("true");
        } else if v == Value::bool(false) {
            self.out.push_text("false");
        } else if let Some(text) = v.downcast::<Str>() {
            return self.string(cx, text);
        } else if int::check(v) {
            return self.int(cx, v);
        } else if let Some(d) = float::as_f64(v) {
            return self.float(cx, v, d);
        } else if let Some(list) = v.downcast::<List>() {
            return cx.nested(" while encoding a JSON object", |cx| self.list(cx, v, list));
        } else if let Some(tuple) = v.downcast::<Tuple>() {
            let list = List::from_slice(cx, tuple.items());
            return cx.nested(" while encoding a JSON object", |cx| self.list(cx, v, list));
        } else if let Some(dict) = v.downcast::<Dict>() {
            return cx.nested(" while encoding a JSON object", |cx| self.dict(cx, v, dict));
        } else {
            return cx.nested(" while encoding a JSON object", |cx| self.other(cx, v));
        }
        Ok(())
    }

    fn string(&mut self, cx: &mut Cx, text: &'static Str) -> PyResult<()> {
        if let Some(ascii) = self.encoder.native {
            push_string(text, ascii, &mut self.out);
            return Ok(());
        }
        let encoded = cx.call(self.encoder.encoder, &[Value::of(text)])?;
        match encoded.downcast::<Str>() {
            Some(encoded) => {
                self.out.push_str(encoded);
                Ok(())
            }
            None => {
                let got = encoded.class().tp_name();
                raise!(cx, TypeError, "encoder() must return a string, not {got}")
            }
        }
    }

    fn int(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if let Some(i) = int::as_i64(v) {
            self.out.push_text(&i.to_string());
            return Ok(());
        }
        let plain = int::plain(cx, v)?;
        let text = protocol_object::repr(cx, plain)?;
        self.out.push_str(text);
        Ok(())
    }

    fn float(&mut self, cx: &mut Cx, v: Value, d: f64) -> PyResult<()> {
        if d.is_finite() {
            let mut text = String::new();
            taipan_num::float::repr_to(d, &mut text);
            self.out.push_text(&text);
            return Ok(());
        }
        if !self.encoder.allow_nan {
            let text = protocol_object::repr_text(cx, v)?;
            return raise!(cx, ValueError, "Out of range float values are not JSON compliant: {text}");
        }
        self.out.push_text(match d {
            d if d.is_nan() => "NaN",
            d if d > 0.0 => "Infinity",
            _ => "-Infinity",
        });
        Ok(())
    }

    /// Notes that `v` is being encoded. ValueError if it is already.
    fn enter(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if self.encoder.markers.is_none() {
            return Ok(());
        }
        if self.open.contains(&v.bits()) {
            return raise!(cx, ValueError, "Circular reference detected");
        }
        self.open.push(v.bits());
        Ok(())
    }

    fn leave(&mut self) {
        if !self.encoder.markers.is_none() {
            self.open.pop();
        }
    }

    fn newline(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push(0x0a);
            for _ in 0..self.level {
                self.out.push_str(indent);
            }
        }
    }

    fn list(&mut self, cx: &mut Cx, v: Value, list: &'static List) -> PyResult<()> {
        if list.is_empty() {
            self.out.push_text("[]");
            return Ok(());
        }
        self.enter(cx, v)?;
        self.out.push(u32::from(b'['));
        self.level += 1;
        let mut i = 0;
        while let Some(item) = list.get(i) {
            if i > 0 {
                self.out.push_str(self.encoder.item_separator);
            }
            self.newline();
            if let Err(raised) = self.value(cx, item) {
                let class = v.class().name();
                add_note(cx, &format!("when serializing {class} item {i}"));
                return Err(raised);
            }
            i += 1;
        }
        self.level -= 1;
        self.newline();
        self.out.push(u32::from(b']'));
        self.leave();
        Ok(())
    }

    fn dict(&mut self, cx: &mut Cx, v: Value, dict: &'static Dict) -> PyResult<()> {
        if dict.is_empty() {
            self.out.push_text("{}");
            return Ok(());
        }
        self.enter(cx, v)?;
        self.out.push(u32::from(b'{'));
        self.level += 1;
        let mut first = true;
        if self.encoder.sort_keys || v.exact::<Dict>().is_none() {
            let items = cx.call_method_text(v, "items", &[])?;
            let items = iter::to_list(cx, items)?;
            if self.encoder.sort_keys {
                cx.call_method_text(Value::of(items), "sort", &[])?;
            }
            let mut i = 0;
            while let Some(item) = items.get(i) {
                let Some([key, value]) = item.downcast::<Tuple>().map(|t| t.items()) else {
                    return raise!(cx, ValueError, "items must return 2-tuples");
                };
                self.pair(cx, v, *key, *value, &mut first)?;
                i += 1;
            }
        } else {
            let mut position = 0;
            while let Some((key, value)) = dict.next_item(&mut position) {
                self.pair(cx, v, key, value, &mut first)?;
            }
        }
        self.level -= 1;
        if !first {
            self.newline();
        }
        self.out.push(u32::from(b'}'));
        self.leave();
        Ok(())
    }

    fn pair(&mut self, cx: &mut Cx, dict: Value, key: Value, value: Value, first: &mut bool) -> PyResult<()> {
        let text = match key.downcast::<Str>() {
            Some(text) => Some(text),
            None => self.key_text(cx, key)?,
        };
        let Some(text) = text else { return Ok(()) };
        if !*first {
            self.out.push_str(self.encoder.item_separator);
        }
        *first = false;
        self.newline();
        self.string(cx, text)?;
        self.out.push_str(self.encoder.key_separator);
        if let Err(raised) = self.value(cx, value) {
            let error = cx.take_exception();
            let class = dict.class().name();
            let key = protocol_object::repr_text(cx, key)?;
            cx.raise_again(error);
            add_note(cx, &format!("when serializing {class} item {key}"));
            return Err(raised);
        }
        Ok(())
    }

    /// The text of a key that is no str; None if it is to be skipped.
    fn key_text(&mut self, cx: &mut Cx, key: Value) -> PyResult<Option<&'static Str>> {
        let text = if key.is_none() {
            cx.intern("null")
        } else if key == Value::bool(true) {
            cx.intern("true")
        } else if key == Value::bool(false) {
            cx.intern("false")
        } else if int::check(key) || float::as_f64(key).is_some() {
            // The same text as for values.
            let mut out = std::mem::take(&mut self.out);
            let result = match float::as_f64(key) {
                Some(d) => self.float(cx, key, d),
                None => self.int(cx, key),
            };
            std::mem::swap(&mut out, &mut self.out);
            result?;
            out.finish(cx)
        } else if self.encoder.skipkeys {
            return Ok(None);
        } else {
            let got = key.class().tp_name();
            return raise!(cx, TypeError, "keys must be str, int, float, bool or None, not {got}");
        };
        Ok(Some(text))
    }

    fn other(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        self.enter(cx, v)?;
        let replacement = cx.call(self.encoder.default, &[v])?;
        if let Err(raised) = self.value(cx, replacement) {
            let class = v.class().name();
            add_note(cx, &format!("when serializing {class} object"));
            return Err(raised);
        }
        self.leave();
        Ok(())
    }
}

/// Appends the JSON form of a text, ASCII only or as it is.
pub fn push_string(text: &'static Str, ascii: bool, out: &mut StrBuf) {
    out.push(u32::from(b'"'));
    match text.units() {
        Units::One(u) => {
            let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\' || ascii && *b >= 0x7f;
            let mut rest = u;
            while let Some(i) = rest.iter().position(special) {
                out.push_units(Units::One(&rest[..i]));
                push_escape(u32::from(rest[i]), out);
                rest = &rest[i + 1..];
            }
            out.push_units(Units::One(rest));
        }
        units => {
            for c in units.chars() {
                if c < 0x20 || c == 0x22 || c == 0x5c || ascii && c >= 0x7f {
                    push_escape(c, out);
                } else {
                    out.push(c);
                }
            }
        }
    }
    out.push(u32::from(b'"'));
}

#[cold]
fn push_escape(c: u32, out: &mut StrBuf) {
    let short = match c {
        0x22 => "\\\"",
        0x5c => "\\\\",
        0x08 => "\\b",
        0x0c => "\\f",
        0x0a => "\\n",
        0x0d => "\\r",
        0x09 => "\\t",
        0x10000.. => {
            let v = c - 0x10000;
            let (high, low) = (0xd800 + (v >> 10), 0xdc00 + (v & 0x3ff));
            return out.push_text(&format!("\\u{high:04x}\\u{low:04x}"));
        }
        _ => return out.push_text(&format!("\\u{c:04x}")),
    };
    out.push_text(short);
}
