//! `_string`: the template parser behind `string.Formatter`.

use taipan_macros::pymethods;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str_format;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// The functions of `_string`.
pub struct StringModule;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_string");
    let doc = cx.str("string helper module");
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, StringModule::METHODS);
    module
}

fn text(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(cx, TypeError, "expected str, got {}", v.class().tp_name()),
    }
}

#[pymethods]
impl StringModule {
    /// parse the argument as a format string
    #[py("($module, object, /)")]
    fn formatter_parser(cx: &mut Cx, object: Value) -> PyResult<Value> {
        let text = text(cx, object)?;
        let rows = str_format::parse_template(cx, text)?;
        iter::iter(cx, Value::of(rows))
    }
    /// split the argument as a field name
    #[py("($module, object, /)")]
    fn formatter_field_name_split(cx: &mut Cx, object: Value) -> PyResult<&'static Tuple> {
        let text = text(cx, object)?;
        let (first, rest) = str_format::split_field_name(cx, text)?;
        let rest = iter::iter(cx, Value::of(rest))?;
        Ok(Tuple::new(cx, &[first, rest]))
    }
}
