//! UnicodeEncodeError, UnicodeDecodeError and UnicodeTranslateError.
//!
//! Fields: encoding 0 (unused by the last), object 1, start 2, end 3, reason 4. Codecs make them with
//! `cx.raise_args(&exceptions::UnicodeDecodeError, &[encoding, bytes, start, end, reason])`.

use crate::cx::Cx;
use crate::native::{Args, GetSetDef, NativeDef};
use crate::protocol::{number, object as obj};
use crate::slots::Slots;
use crate::types::bytes::Bytes;
use crate::types::exception::{self, member, of};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

const ENCODING: usize = 0;
const OBJECT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const REASON: usize = 4;

macro_rules! position {
    ($name:literal $i:ident $doc:literal) => {
        GetSetDef {
            name: $name,
            doc: $doc,
            get: Some(|_, v| Ok(of(v).extra($i).unwrap_or(Value::small(0)))),
            set: Some(|cx, v, value| set_position(cx, v, $i, value)),
        }
    };
}

fn set_position(cx: &mut Cx, v: Value, i: usize, value: Option<Value>) -> PyResult<()> {
    let Some(value) = value else { return raise!(cx, TypeError, "can't delete numeric/char attribute") };
    if !crate::types::int::check(value) {
        return raise!(cx, TypeError, "an integer is required");
    }
    let n = number::to_isize(cx, value)?;
    of(v).set_extra(cx, i, Value::try_small(n as i64));
    Ok(())
}

const FIELDS: &[GetSetDef] = &[
    member!("encoding" 0 "exception encoding"),
    member!("object" 1 "exception object"),
    position!("start" START "exception start"),
    position!("end" END "exception end"),
    member!("reason" 4 "exception reason"),
];

macro_rules! class {
    ($name:ident, $init:ident, $str:ident) => {
        /// Fields and methods of the class.
        pub struct $name;

        impl $name {
            /// Native slots.
            pub const SLOTS: Slots = Slots { init: Some($init), str: Some($str), ..Slots::NONE };
            /// Native methods.
            pub const METHODS: &'static [NativeDef] = &[];
            /// Native attributes.
            pub const GETSETS: &'static [GetSetDef] = FIELDS;
        }
    };
}
class!(UnicodeEncodeErrorMethods, init_encode, str_encode);
class!(UnicodeDecodeErrorMethods, init_decode, str_decode);
class!(UnicodeTranslateErrorMethods, init_translate, str_translate);

fn wrong_count(cx: &mut Cx, expected: usize, given: usize) -> crate::Raised {
    let text = format!("function takes exactly {expected} arguments ({given} given)");
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

fn need_str(cx: &mut Cx, value: Value, i: usize) -> PyResult<Value> {
    if value.downcast::<Str>().is_some() {
        return Ok(value);
    }
    let got = if value.is_none() { "None".to_string() } else { value.class().tp_name() };
    raise!(cx, TypeError, "argument {i} must be str, not {got}")
}

fn store(cx: &mut Cx, v: Value, fields: [Option<Value>; 5]) {
    for (i, value) in fields.into_iter().enumerate() {
        of(v).set_extra(cx, i, value);
    }
}

fn index(cx: &mut Cx, value: Value) -> PyResult<Option<Value>> {
    Ok(Value::try_small(number::to_isize(cx, value)? as i64))
}

fn init_encode(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    exception::init(cx, v, args)?;
    let &[encoding, object, start, end, reason] = args.pos() else {
        return Err(wrong_count(cx, 5, args.pos().len()));
    };
    need_str(cx, encoding, 1)?;
    need_str(cx, object, 2)?;
    let (start, end) = (index(cx, start)?, index(cx, end)?);
    need_str(cx, reason, 5)?;
    store(cx, v, [Some(encoding), Some(object), start, end, Some(reason)]);
    Ok(())
}

fn init_decode(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    exception::init(cx, v, args)?;
    let &[encoding, object, start, end, reason] = args.pos() else {
        return Err(wrong_count(cx, 5, args.pos().len()));
    };
    need_str(cx, encoding, 1)?;
    let (start, end) = (index(cx, start)?, index(cx, end)?);
    need_str(cx, reason, 5)?;
    let object = match object.downcast::<Bytes>() {
        Some(_) => object,
        None => {
            let bytes = crate::protocol::buffer::with_bytes(cx, object, |_, b| Ok(b.to_vec()))?;
            Value::of(Bytes::new(cx, &bytes))
        }
    };
    store(cx, v, [Some(encoding), Some(object), start, end, Some(reason)]);
    Ok(())
}

fn init_translate(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    exception::init(cx, v, args)?;
    let &[object, start, end, reason] = args.pos() else {
        return Err(wrong_count(cx, 4, args.pos().len()));
    };
    need_str(cx, object, 1)?;
    let (start, end) = (index(cx, start)?, index(cx, end)?);
    need_str(cx, reason, 4)?;
    store(cx, v, [None, Some(object), start, end, Some(reason)]);
    Ok(())
}

fn range(v: Value) -> (i64, i64) {
    let at = |i| of(v).extra(i).and_then(|n| n.as_small()).unwrap_or(0);
    (at(START), at(END))
}

fn attribute_text(cx: &mut Cx, v: Value, i: usize) -> PyResult<String> {
    Ok(obj::str(cx, of(v).extra(i).unwrap_or(Value::none()))?.to_string_lossy())
}

/// The only character of the range, as an escape, if the range is one character long.
fn single_character(s: &Str, start: i64, end: i64) -> Option<String> {
    if end != start + 1 || start < 0 || start >= s.len() as i64 {
        return None;
    }
    Some(match s.at(start as usize) {
        c @ 0..=0xff => format!("\\x{c:02x}"),
        c @ 0x100..=0xffff => format!("\\u{c:04x}"),
        c => format!("\\U{c:08x}"),
    })
}

fn object_str(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match of(v).extra(OBJECT).and_then(|o| o.downcast::<Str>()) {
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "UnicodeError 'object' attribute must be a string"),
    }
}

fn str_encode(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if of(v).extra(OBJECT).is_none() {
        return Ok(Value::of(cx.names().empty));
    }
    let (encoding, reason) = (attribute_text(cx, v, ENCODING)?, attribute_text(cx, v, REASON)?);
    let (object, (start, end)) = (object_str(cx, v)?, range(v));
    let text = match single_character(object, start, end) {
        Some(c) => format!("'{encoding}' codec can't encode character '{c}' in position {start}: {reason}"),
        None => format!("'{encoding}' codec can't encode characters in position {start}-{}: {reason}", end - 1),
    };
    Ok(cx.str(&text))
}

fn str_decode(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if of(v).extra(OBJECT).is_none() {
        return Ok(Value::of(cx.names().empty));
    }
    let (encoding, reason) = (attribute_text(cx, v, ENCODING)?, attribute_text(cx, v, REASON)?);
    // Making the texts may have changed it.
    let Some(object) = of(v).extra(OBJECT).and_then(|o| o.downcast::<Bytes>()) else {
        return raise!(cx, TypeError, "UnicodeError 'object' attribute must be a bytes");
    };
    let (start, end) = range(v);
    let byte = usize::try_from(start).ok().filter(|_| end == start + 1).and_then(|i| object.data().get(i));
    let text = match byte {
        Some(byte) => format!("'{encoding}' codec can't decode byte {byte:#04x} in position {start}: {reason}"),
        None => format!("'{encoding}' codec can't decode bytes in position {start}-{}: {reason}", end - 1),
    };
    Ok(cx.str(&text))
}

fn str_translate(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if of(v).extra(OBJECT).is_none() {
        return Ok(Value::of(cx.names().empty));
    }
    let reason = attribute_text(cx, v, REASON)?;
    let (object, (start, end)) = (object_str(cx, v)?, range(v));
    let text = match single_character(object, start, end) {
        Some(c) => format!("can't translate character '{c}' in position {start}: {reason}"),
        None => format!("can't translate characters in position {start}-{}: {reason}", end - 1),
    };
    Ok(cx.str(&text))
}
