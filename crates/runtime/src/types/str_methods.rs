//! The type str: slots, constructor and the methods that belong to no group.
//!
//! Searching methods are in `str_search.rs`, case and layout in `str_case.rs`, formatting in `str_format.rs`.

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::compare::CmpOp;
use crate::protocol::{buffer, codec, format, number, object};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::slice::Slice;
use crate::types::str::{NON_COMPACT_SIZE, Str, Units};

use crate::types::str_case::StrCase;
use crate::types::str_search::{self, StrSearch};
use crate::types::tuple::Tuple;
use crate::types::{bytes, int, str_format, str_iter, str_kernels, str_percent};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type str.
pub static STR: Type = Type::new(&STR_SPEC);
static STR_SPEC: TypeSpec = TypeSpec {
    name: "str",
    basicsize: NON_COMPACT_SIZE,
    flags: flags::BASETYPE | flags::UNICODE | flags::MATCH_SELF,
    trace: Some(crate::types::str::trace_str),
    slots: Slots {
        repr: Some(|cx, v| Ok(Value::of(repr(cx, of(v))))),
        str: Some(|cx, v| Ok(Value::of(of(v).exact(cx)))),
        hash: Some(|_, v| Ok(of(v).hash())),
        richcompare: Some(richcompare),
        new: Some(new),
        iter: Some(str_iter::new),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(|cx, v, n| str_search::repeat(cx, of(v), n).map(Value::of)),
        rem: Some(str_percent::rem),
        ..Slots::NONE
    },
    methods: &[StrMethods::METHODS, StrSearch::METHODS, StrCase::METHODS, str_format::StrFormat::METHODS],
    doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\nCreate a new string object from the given object. If encoding or\nerrors is specified, then the object must expose a data buffer\nthat will be decoded using the given encoding and error handler.\nOtherwise, returns the result of object.__str__() (if defined)\nor repr(object).\nencoding defaults to 'utf-8'.\nerrors defaults to 'strict'.",
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static Str {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// The methods of str that belong to no group.
pub struct StrMethods;

#[pymethods]
impl StrMethods {
    /// Encode the string using the codec registered for encoding.
    ///
    ///   encoding
    ///     The encoding in which to encode the string.
    ///   errors
    ///     The error handling scheme to use for encoding errors.
    ///     The default is 'strict' meaning that encoding errors raise a
    ///     UnicodeEncodeError.  Other possible values are 'ignore', 'replace'
    ///     and 'xmlcharrefreplace' as well as any other name registered with
    ///     codecs.register_error that can handle UnicodeEncodeErrors.
    #[py("($self, /, encoding='utf-8', errors='strict')")]
    fn encode(
        cx: &mut Cx,
        this: &'static Str,
        encoding: Option<&'static Str>,
        errors: Option<&'static Str>,
    ) -> PyResult<Value> {
        codec::encode_method(cx, this, encoding, errors)
    }
    /// Return the size of the string in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_: &mut Cx, this: &'static Str) -> usize {
        let units = (this.len() + 1) * this.kind();
        match (std::ptr::eq(this.class(), &STR), this.is_ascii()) {
            (true, true) => 40 + units,
            (true, false) => 56 + units,
            (false, _) => this.class().data().basicsize + units,
        }
    }
    ///
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: &'static Str) -> &'static Tuple {
        let copy = Value::of(this.exact_copy(cx));
        Tuple::new(cx, &[copy])
    }
    /// Return a formatted version of the string as described by format_spec.
    #[py("($self, format_spec, /)")]
    fn __format__(cx: &mut Cx, this: &'static Str, format_spec: &'static Str) -> PyResult<&'static Str> {
        format::format_str(cx, this, format_spec)
    }
}

/// `repr(text)`. May collect.
pub fn repr(cx: &mut Cx, s: &'static Str) -> &'static Str {
    if let Some(text) = s.as_ascii() {
        let plain = text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\'' && b != b'\\');
        if plain {
            let mut out = smallvec::SmallVec::<[u8; 128]>::new();
            out.push(b'\'');
            out.extend_from_slice(text.as_bytes());
            out.push(b'\'');
            return Str::from_ascii(cx, &out);
        }
    }
    let mut out = String::with_capacity(s.len() + 2);
    taipan_text::repr::push_str_repr(s.chars(), &mut out);
    Str::new(cx, &out)
}

/// `ascii(text)`-like escape of all that is not ASCII, applied to a repr. May collect.
pub fn escape_non_ascii(cx: &mut Cx, s: &'static Str) -> &'static Str {
    if s.is_ascii() {
        return s;
    }
    let mut out = String::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            0..=0x7f => out.push(c as u8 as char),
            _ => taipan_text::repr::push_escape(c, &mut out),
        }
    }
    Str::from_ascii(cx, out.as_bytes())
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let Some(y) = b.downcast::<Str>() else { return Ok(Value::not_implemented()) };
    let x = of(a);
    Ok(Value::bool(match op {
        CmpOp::Eq => x.eq_str(y),
        CmpOp::Ne => !x.eq_str(y),
        _ => op.holds(x.compare(y)),
    }))
}

/// Index `key` of a sequence of `len` items; IndexError "{what} index out of range", TypeError by `kind`.
#[inline]
pub fn index_of(cx: &mut Cx, key: Value, len: usize, text: &str) -> PyResult<usize> {
    let i = match key.as_small() {
        Some(i) => i as isize,
        None => {
            let i = number::index(cx, key)?;
            match int::as_i64(i) {
                Some(i) => i as isize,
                None => {
                    let got = key.class().tp_name();
                    return raise!(cx, IndexError, "cannot fit '{got}' into an index-sized integer");
                }
            }
        }
    };
    let at = if i < 0 { i.wrapping_add(len as isize) } else { i };
    if at < 0 || at as usize >= len {
        return raise!(cx, IndexError, "{text}");
    }
    Ok(at as usize)
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        let r = slice.apply(cx, || this.len())?;
        return Ok(Value::of(slice_of(cx, this, r)));
    }
    if !key.is_small() && !int::check(key) && key.class().slots().index.is_none() {
        return raise!(cx, TypeError, "string indices must be integers, not '{}'", key.class().tp_name());
    }
    let i = index_of(cx, key, this.len(), "string index out of range")?;
    Ok(Value::of(cx.char(this.at(i))))
}

fn slice_of(cx: &mut Cx, this: &'static Str, r: crate::types::slice::Range) -> &'static Str {
    if r.step == 1 {
        if r.len == this.len() {
            return this.exact(cx);
        }
        return this.slice(cx, r.start as usize, r.start as usize + r.len);
    }
    if r.len == 0 {
        return cx.names().empty;
    }
    match this.units() {
        Units::One(u) => Str::from_latin1(cx, &r.pick(u)),
        Units::Two(u) => Str::from_units(cx, Units::Two(&r.pick(u))),
        Units::Four(u) => Str::from_units(cx, Units::Four(&r.pick(u))),
    }
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    match item.downcast::<Str>() {
        Some(sub) => Ok(str_kernels::contains(of(v), sub)),
        None => {
            let got = item.class().tp_name();
            raise!(cx, TypeError, "'in <string>' requires string as left operand, not {got}")
        }
    }
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let Some(y) = b.downcast::<Str>() else {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only concatenate str (not \"{got}\") to str");
    };
    let x = of(a);
    crate::buffer::check_size(cx, (x.len() + y.len()).saturating_mul(x.kind().max(y.kind())))?;
    let joined = x.concat(cx, y);
    // Nothing added to an instance of a subclass is still that instance in `concat`.
    Ok(Value::of(joined.exact(cx)))
}

/// `str.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let made = match (args.kwnames(), args.values()) {
        (None, []) => cx.names().empty,
        (None, [v]) => object::str(cx, *v)?,
        _ => from_arguments(cx, args)?,
    };
    if std::ptr::eq(class, &STR) {
        return Ok(Value::of(made));
    }
    Ok(Value::of(Str::new_of(cx, class, made)))
}

fn from_arguments(cx: &mut Cx, args: Args) -> PyResult<&'static Str> {
    let given = args.pos();
    if given.len() > 3 {
        return raise!(cx, TypeError, "str expected at most 3 arguments, got {}", given.len());
    }
    let all = given.len() + args.kw_len();
    if all > 3 {
        return raise!(cx, TypeError, "str() takes at most 3 arguments ({all} given)");
    }
    let mut bound = [given.first().copied(), given.get(1).copied(), given.get(2).copied()];
    const NAMES: [&str; 3] = ["object", "encoding", "errors"];
    for (name, value) in args.keywords() {
        let Some(i) = NAMES.iter().position(|n| name.eq_rust(n)) else {
            return Err(crate::exceptions::unexpected_keyword(cx, "str", name, &NAMES));
        };
        if bound[i].is_some() {
            let position = i + 1;
            return raise!(cx, TypeError, "argument for str() given by name ('{name}') and position ({position})");
        }
        bound[i] = Some(value);
    }
    let mut texts = [None; 2];
    for i in 0..2 {
        let Some(v) = bound[i + 1] else { continue };
        texts[i] = v.downcast::<Str>();
        if texts[i].is_none() {
            let (name, got) = (NAMES[i + 1], v.class().tp_name());
            let got = if v.is_none() { "None".to_string() } else { got };
            return raise!(cx, TypeError, "str() argument '{name}' must be str, not {got}");
        }
    }
    let [object, encoding, errors] = bound;
    let Some(v) = object else { return Ok(cx.names().empty) };
    if encoding.is_none() && errors.is_none() {
        return object::str(cx, v);
    }
    decode_object(cx, v, texts[0], texts[1])
}

/// `str(v, encoding, errors)`.
pub fn decode_object(
    cx: &mut Cx,
    v: Value,
    encoding: Option<&'static Str>,
    errors: Option<&'static Str>,
) -> PyResult<&'static Str> {
    if v.downcast::<Str>().is_some() {
        return raise!(cx, TypeError, "decoding str is not supported");
    }
    if bytes::data_of(v).is_none() && !buffer::check(v) {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "decoding to str: need a bytes-like object, {got} found");
    }
    codec::decode_method(cx, v, encoding, errors)
}
