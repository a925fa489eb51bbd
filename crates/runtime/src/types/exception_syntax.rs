//! SyntaxError: the place of the error.
//!
//! Fields: msg 0, filename 1, lineno 2, offset 3, end_lineno 4, end_offset 5, text 6, print_file_and_line 7,
//! `_metadata` 8.

use crate::cx::Cx;
use crate::native::{Args, GetSetDef, NativeDef};
use crate::protocol::object as obj;
use crate::slots::Slots;
use crate::types::exception::{self, member, of, to_tuple};
use crate::types::int;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

/// Field numbers of SyntaxError.
pub mod field {
    /// The message.
    pub const MSG: usize = 0;
    /// The file.
    pub const FILENAME: usize = 1;
    /// First line, from 1.
    pub const LINENO: usize = 2;
    /// First column, from 1.
    pub const OFFSET: usize = 3;
    /// Last line.
    pub const END_LINENO: usize = 4;
    /// Column behind the end.
    pub const END_OFFSET: usize = 5;
    /// The line's text.
    pub const TEXT: usize = 6;
    /// `(line, column, source)` for the search of misspelt keywords.
    pub const METADATA: usize = 8;
}

/// Fields and methods of SyntaxError.
pub struct SyntaxErrorMethods;

impl SyntaxErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { init: Some(init), str: Some(str), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = &[];
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[
        member!("msg" 0 "exception msg"),
        member!("filename" 1 "exception filename"),
        member!("lineno" 2 "exception lineno"),
        member!("offset" 3 "exception offset"),
        member!("text" 6 "exception text"),
        member!("end_lineno" 4 "exception end lineno"),
        member!("end_offset" 5 "exception end offset"),
        member!("print_file_and_line" 7 "exception print_file_and_line"),
        member!("_metadata" 8 "exception private metadata"),
    ];
}

/// `SyntaxError(msg, (filename, lineno, offset, text[, end_lineno, end_offset[, metadata]]))`.
fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    exception::init(cx, v, args)?;
    let args = args.pos();
    if let Some(msg) = args.first() {
        of(v).set_extra(cx, field::MSG, Some(*msg));
    }
    if args.len() != 2 {
        return Ok(());
    }
    let details = to_tuple(cx, args[1])?.items();
    let n = details.len();
    if !(4..=7).contains(&n) {
        let (word, limit) = if n < 4 { ("least", 4) } else { ("most", 7) };
        return raise!(cx, TypeError, "function takes at {word} {limit} arguments ({n} given)");
    }
    let places = [field::FILENAME, field::LINENO, field::OFFSET, field::TEXT];
    let more = [field::END_LINENO, field::END_OFFSET, field::METADATA];
    for (i, value) in places.into_iter().chain(more).zip(details) {
        of(v).set_extra(cx, i, Some(*value));
    }
    for i in more.into_iter().skip(n - places.len()) {
        of(v).set_extra(cx, i, None);
    }
    if n == 5 {
        return raise!(cx, TypeError, "end_offset must be provided when end_lineno is provided");
    }
    Ok(())
}

/// `msg (file.py, line 3)`.
fn str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let e = of(v);
    let file = e.extra(field::FILENAME).and_then(|f| f.downcast::<Str>()).map(|f| {
        let text = f.to_string_lossy();
        text.rsplit('/').next().unwrap_or("").to_string()
    });
    let is_int = |v: &Value| std::ptr::eq(v.class(), &int::INT);
    let line = e.extra(field::LINENO).filter(is_int);
    let msg = obj::str(cx, e.extra(field::MSG).unwrap_or(Value::none()))?;
    let line = match line {
        Some(line) => Some(obj::str(cx, line)?.to_string_lossy()),
        None => None,
    };
    let suffix = match (file, line) {
        (None, None) => return Ok(Value::of(msg)),
        (Some(file), Some(line)) => format!(" ({file}, line {line})"),
        (Some(file), None) => format!(" ({file})"),
        (None, Some(line)) => format!(" (line {line})"),
    };
    Ok(exception::text_around(cx, "", msg, &suffix))
}
