//! The exceptions of the modules of this crate.

use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Cx, Raised, exceptions};

macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident $spec:ident $text:literal $base:expr, $doc:literal;)*) => {
        $(
            $(#[$meta])*
            pub static $name: Type = Type::new(&$spec);
            static $spec: TypeSpec = TypeSpec {
                name: $text,
                base: Some($base),
                flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
                doc: $doc,
                ..TypeSpec::DEFAULT
            };
        )*
    };
}

errors! {
    /// `InterpreterError`.
    INTERPRETER INTERPRETER_SPEC "concurrent.interpreters.InterpreterError" &exceptions::Exception_,
        "A cross-interpreter operation failed";
    /// `InterpreterNotFoundError`.
    NOT_FOUND NOT_FOUND_SPEC "concurrent.interpreters.InterpreterNotFoundError" &INTERPRETER,
        "An interpreter was not found";
    /// `NotShareableError`.
    NOT_SHAREABLE NOT_SHAREABLE_SPEC "concurrent.interpreters.NotShareableError" &exceptions::TypeError, "";
    /// `QueueError`.
    QUEUE QUEUE_SPEC "concurrent.interpreters.QueueError" &exceptions::RuntimeError,
        "Indicates that a queue-related error happened.";
    /// `QueueNotFoundError`.
    QUEUE_NOT_FOUND QUEUE_NOT_FOUND_SPEC "concurrent.interpreters.QueueNotFoundError" &QUEUE, "";
}

/// Raises a class of this file.
pub fn raise_class(cx: &mut Cx, class: &'static Type, text: &str) -> Raised {
    cx.ready_type(class);
    cx.raise_text(class, text)
}
