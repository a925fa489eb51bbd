//! None, NotImplemented and Ellipsis.

use crate::cx::Cx;
use crate::native::Args;
use crate::object::{Header, Object};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// An object without content.
#[repr(C)]
#[derive(Debug)]
pub struct Singleton {
    header: Header,
}

// SAFETY: a header only.
unsafe impl Object for Singleton {
    fn class() -> &'static Type {
        &NONE_TYPE
    }
}

/// The object None.
pub static NONE: Singleton = Singleton { header: Header::immortal(&NONE_TYPE) };
/// The object NotImplemented.
pub static NOT_IMPLEMENTED: Singleton = Singleton { header: Header::immortal(&NOT_IMPLEMENTED_TYPE) };
/// The object Ellipsis.
pub static ELLIPSIS: Singleton = Singleton { header: Header::immortal(&ELLIPSIS_TYPE) };

macro_rules! singleton_type {
    ($static:ident, $name:literal, $doc:literal, $repr:literal, $new:ident, $value:expr, $bool:expr, $methods:expr) => {
        /// Type of the singleton.
        pub static $static: Type = Type::new({
            static SPEC: TypeSpec = TypeSpec {
                name: $name,
                basicsize: 16,
                doc: $doc,
                slots: Slots { repr: Some(|cx, _| Ok(cx.str($repr))), bool: $bool, new: Some($new), ..Slots::NONE },
                methods: $methods,
                ..TypeSpec::DEFAULT
            };
            &SPEC
        });

        fn $new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
            if !args.values().is_empty() {
                return raise!(cx, TypeError, "{} takes no arguments", $name);
            }
            Ok($value)
        }
    };
}

singleton_type!(
    NONE_TYPE,
    "NoneType",
    "The type of the None singleton.",
    "None",
    new_none,
    Value::none(),
    Some(|_, _| Ok(false)),
    &[]
);
singleton_type!(
    NOT_IMPLEMENTED_TYPE,
    "NotImplementedType",
    "The type of the NotImplemented singleton.",
    "NotImplemented",
    new_not_implemented,
    Value::not_implemented(),
    Some(|cx, _| raise!(cx, TypeError, "NotImplemented should not be used in a boolean context")),
    &[NamedMethods::METHODS]
);
singleton_type!(
    ELLIPSIS_TYPE,
    "ellipsis",
    "The type of the Ellipsis singleton.",
    "Ellipsis",
    new_ellipsis,
    Value::ellipsis(),
    None,
    &[NamedMethods::METHODS]
);

/// Pickling of NotImplemented and Ellipsis, by the name of the builtin.
struct NamedMethods;

#[pymethods]
impl NamedMethods {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        cx.str(if this == Value::ellipsis() { "Ellipsis" } else { "NotImplemented" })
    }
}
