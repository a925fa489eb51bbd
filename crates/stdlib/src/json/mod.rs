//! _json: the speedups of `json`. Decoding is in `scanner.rs`, encoding in `encoder.rs`.

mod encoder;
mod scanner;

use taipan_macros::pymethods;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// Functions of the module.
pub struct Functions;

fn text_arg(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text),
        None => raise!(cx, TypeError, "first argument must be a string, not {}", v.class().tp_name()),
    }
}

#[pymethods]
impl Functions {
    /// encode_basestring_ascii(string) -> string
    ///
    /// Return an ASCII-only JSON representation of a Python string
    #[py("($module, object, /)")]
    fn encode_basestring_ascii(cx: &mut Cx, object: Value) -> PyResult<Value> {
        let text = text_arg(cx, object)?;
        let mut out = StrBuf::with_capacity(text.len() + 2);
        encoder::push_string(text, true, &mut out);
        Ok(Value::of(out.finish(cx)))
    }
    /// encode_basestring(string) -> string
    ///
    /// Return a JSON representation of a Python string
    #[py("($module, object, /)")]
    fn encode_basestring(cx: &mut Cx, object: Value) -> PyResult<Value> {
        let text = text_arg(cx, object)?;
        let mut out = StrBuf::with_capacity(text.len() + 2);
        encoder::push_string(text, false, &mut out);
        Ok(Value::of(out.finish(cx)))
    }
    /// scanstring(string, end, strict=True) -> (string, end)
    ///
    /// Scan the string s for a JSON string. End is the index of the
    /// character in s after the quote that started the JSON string.
    /// Unescapes all valid JSON string escape sequences and raises ValueError
    /// on attempt to decode an invalid string. If strict is False then literal
    /// control characters are allowed in the string.
    ///
    /// Returns a tuple of the decoded string and the index of the character in s
    /// after the end quote.
    #[py("($module, string, end, strict=True, /)", raw)]
    fn scanstring(cx: &mut Cx, args: Args) -> PyResult<Value> {
        scanner::scanstring(cx, args)
    }
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_json");
    let doc = cx.str("json speedups\n");
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    cx.ready_type(&scanner::SCANNER);
    cx.ready_type(&encoder::ENCODER);
    module.set(cx, "make_scanner", Value::of(&scanner::SCANNER));
    module.set(cx, "make_encoder", Value::of(&encoder::ENCODER));
    module
}
