//! `stderrprinter`: what `sys.stderr` is until the streams are open, for what import has to say by then.

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::trace_nothing;
use taipan_runtime::{Cx, Value, object};

/// Standard error without a buffer or an encoding of its own.
#[repr(C)]
pub struct StdPrinter {
    header: Header,
}
object!(StdPrinter, STD_PRINTER);

/// Its type.
pub static STD_PRINTER: Type = Type::new(&STD_PRINTER_SPEC);
static STD_PRINTER_SPEC: TypeSpec = TypeSpec {
    name: "stderrprinter",
    basicsize: std::mem::size_of::<StdPrinter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_nothing),
    methods: &[StdPrinter::METHODS],
    getsets: &[StdPrinter::GETSETS],
    ..TypeSpec::DEFAULT
};

/// A new one. May collect.
pub fn new(cx: &mut Cx) -> Value {
    cx.ready_type(&STD_PRINTER);
    Value::of(cx.alloc(StdPrinter { header: Header::fresh(&STD_PRINTER) }))
}

#[pymethods]
impl StdPrinter {
    #[py("($self, text, /)")]
    fn write(_cx: &mut Cx, _this: &'static StdPrinter, text: &'static Str) -> usize {
        use std::io::Write;
        // Nobody could be told that it failed.
        let _ = std::io::stderr().write_all(text.to_string_lossy().as_bytes());
        text.len()
    }
    #[py("($self, /)")]
    fn flush(_cx: &mut Cx, _this: &'static StdPrinter) {}
    #[py("($self, /)")]
    fn close(_cx: &mut Cx, _this: &'static StdPrinter) {}
    #[py("($self, /)")]
    fn fileno(_cx: &mut Cx, _this: &'static StdPrinter) -> i64 {
        2
    }
    #[py("($self, /)")]
    fn isatty(_cx: &mut Cx, _this: &'static StdPrinter) -> bool {
        // SAFETY: a plain system call.
        unsafe { libc::isatty(2) == 1 }
    }
    #[getter]
    fn encoding(_cx: &mut Cx, _this: &'static StdPrinter) -> Value {
        Value::none()
    }
    #[getter]
    fn mode(cx: &mut Cx, _this: &'static StdPrinter) -> Value {
        cx.str("w")
    }
    #[getter]
    fn closed(_cx: &mut Cx, _this: &'static StdPrinter) -> bool {
        false
    }
}
