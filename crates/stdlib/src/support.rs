//! What several native modules need.

use taipan_runtime::buffer::RawBuffer;
use taipan_runtime::native::NativeDef;
use taipan_runtime::protocol::sequence;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// A new module with these functions. May collect.
pub fn module(cx: &mut Cx, name: &str, doc: &str, functions: &'static [NativeDef]) -> &'static Module {
    let module = Module::new(cx, name);
    let doc = cx.str(doc);
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, functions);
    module
}

/// The int nearest to zero from an integral float that is finite. May collect.
pub fn int_from_f64(cx: &mut Cx, d: f64) -> Value {
    if d.abs() < 4e18 {
        return cx.int(d as i64);
    }
    let mut digits = Vec::new();
    let negative = taipan_num::big::from_f64(d, &mut digits).unwrap_or(false);
    cx.int_from_digits(negative, &digits)
}

/// Declares an iterator class: its static and spec.
#[macro_export]
macro_rules! iterator_class {
    ($(#[$meta:meta])* $name:ident: $layout:ty = $text:literal, $flags:expr, $trace:expr, $new:expr, $next:expr,
     $methods:expr, $signature:literal, $doc:expr) => {
        $(#[$meta])*
        pub static $name: taipan_runtime::typeobj::Type = taipan_runtime::typeobj::Type::new({
            static SPEC: taipan_runtime::typeobj::TypeSpec = taipan_runtime::typeobj::TypeSpec {
                name: $text,
                basicsize: std::mem::size_of::<$layout>(),
                flags: taipan_runtime::typeobj::flags::HAVE_GC | $flags,
                trace: Some($trace),
                slots: taipan_runtime::slots::Slots {
                    iter: Some(taipan_runtime::types::iterators::itself),
                    next: Some($next),
                    new: $new,
                    ..taipan_runtime::slots::Slots::NONE
                },
                methods: $methods,
                doc: $doc,
                signature: $signature,
                ..taipan_runtime::typeobj::TypeSpec::DEFAULT
            };
            &SPEC
        });
        taipan_runtime::object!($layout, $name);
    };
}

/// Declares the parameters of a constructor: positional names, how many are required, keyword-only names.
#[macro_export]
macro_rules! params {
    ($function:literal, [$($name:literal),*], $required:literal, [$($keyword:literal),*]) => {{
        const POSITIONAL: usize = [$($name),*].len();
        static SPEC: taipan_runtime::native::ParamSpec = taipan_runtime::native::ParamSpec {
            name: $function,
            names: &[$($name,)* $($keyword,)*],
            positional_only: 0,
            positional: POSITIONAL,
            required: $required,
            keyword_required: &[$( { let _ = $keyword; false } ),*],
            varargs: false,
            varkw: false,
        };
        &SPEC
    }};
}

/// Exactly `N` positional arguments; TypeError "NAME expected 2 arguments, got 1".
pub fn exact_args<const N: usize>(cx: &mut Cx, name: &str, args: Args, keywords: bool) -> PyResult<[Value; N]> {
    if args.kwnames().is_some() && !keywords {
        return raise!(cx, TypeError, "{name}() takes no keyword arguments");
    }
    match args.pos().try_into() {
        Ok(values) => Ok(values),
        Err(_) => {
            let (s, got) = (if N == 1 { "" } else { "s" }, args.pos().len());
            raise!(cx, TypeError, "{name} expected {N} argument{s}, got {got}")
        }
    }
}

/// A buffer of `n` machine words, traced as its owner's; MemoryError if it cannot be had. May collect.
pub fn words(cx: &mut Cx, n: usize) -> PyResult<&'static RawBuffer> {
    sequence::check_len(cx, n)?;
    Ok(RawBuffer::new(cx, n.max(1) * 8))
}

/// The words of a buffer made by [`words`].
#[allow(clippy::mut_from_ref)]
pub fn slice_of(buffer: &RawBuffer, n: usize) -> &mut [usize] {
    // SAFETY: the buffer holds n words, aligned to 8; the GIL gives exclusive access, and no caller keeps the slice
    // across calls.
    unsafe { std::slice::from_raw_parts_mut(buffer.data().cast(), n) }
}

/// True for bytearrays, subclasses included.
pub fn is_bytearray(v: Value) -> bool {
    v.class().mro_types().any(|t| t.spec().is_some_and(|s| s.name == "bytearray"))
}
