//! Exceptions made, raised and printed by native code.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::object;
use taipan_runtime::traceback_print::{self, Style, unraisable};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_::TYPE;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// Functions of `_testcapi`.
pub struct Errors;

#[pymethods]
impl Errors {
    /// Print an exception as the interpreter does at its end.
    #[py("($module, exception, legacy=False, /)")]
    fn exception_print(cx: &mut Cx, exception: Value, legacy: Option<Value>) {
        let _ = legacy;
        let traceback = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
        unraisable::display(cx, exception, traceback);
    }
    /// Write a traceback, without marks below its lines.
    #[py("($module, traceback, file, /)")]
    fn traceback_print(cx: &mut Cx, traceback: Value, file: Value) -> PyResult<()> {
        let Some(tb) = traceback.downcast::<Traceback>() else {
            return raise!(cx, TypeError, "expected a traceback");
        };
        let text = traceback_print::format_traceback(cx, Some(tb), &Style::PLAIN);
        let is_mark = |line: &str| line.starts_with(' ') && line.trim().chars().all(|c| matches!(c, '^' | '~'));
        let lines = text.split_inclusive('\n').filter(|line| !is_mark(line));
        let text = format!("Traceback (most recent call last):\n{}", lines.collect::<String>());
        let text = cx.str(&text);
        cx.call_method_text(file, "write", &[text])?;
        Ok(())
    }
    /// A new exception class.
    #[py("($module, /, name, doc=None, base=None, dict=None)")]
    fn make_exception_with_doc(
        cx: &mut Cx,
        name: &'static Str,
        doc: Option<Value>,
        base: Option<Value>,
        dict: Option<Value>,
    ) -> PyResult<Value> {
        let full = name.to_string_lossy();
        let Some((module, short)) = full.rsplit_once('.') else {
            return raise!(cx, SystemError, "PyErr_NewException: name must be module.class");
        };
        let namespace = Dict::new(cx);
        if let Some(given) = dict.and_then(|d| d.downcast::<Dict>()) {
            for (key, value) in given.iter().collect::<Vec<_>>() {
                namespace.set(cx, key, value)?;
            }
        }
        let entries = [("__doc__", doc.filter(|d| !d.is_none())), ("__module__", Some(cx.str(module)))];
        for (key, value) in entries {
            let key = cx.intern(key);
            if let Some(value) = value
                && namespace.get_str(key).is_none()
            {
                namespace.set_str(cx, key, value);
            }
        }
        let base = base.filter(|b| !b.is_none()).unwrap_or(Value::of(&exceptions::Exception_));
        let bases = match base.downcast::<Tuple>() {
            Some(bases) => bases,
            None => Tuple::new(cx, &[base]),
        };
        let short = cx.str(short);
        cx.call(Value::of(&TYPE), &[short, Value::of(bases), Value::of(namespace)])
    }
    /// Raise an exception of a class with the arguments 0, 1, ...
    #[py("($module, exception, num_args, /)")]
    fn raise_exception(cx: &mut Cx, exception: Value, num_args: i64) -> PyResult<Value> {
        let is_exception = exception.downcast::<Type>().is_some_and(|c| c.is_subtype(&exceptions::BaseException));
        if !is_exception {
            let shown = object::repr_text(cx, exception)?;
            return raise!(cx, SystemError, "_PyErr_SetObject: exception {shown} is not a BaseException subclass");
        }
        let args: Vec<Value> = (0..num_args).map(Value::small).collect();
        let made = cx.call(exception, &args)?;
        if made.downcast::<Exception>().is_none() {
            let (class, got) = (object::repr_text(cx, exception)?, made.class().tp_name());
            return raise!(
                cx,
                TypeError,
                "calling {class} should have returned an instance of BaseException, not {got}"
            );
        }
        Err(cx.raise(made))
    }
    #[py("($module, /)")]
    fn raise_memoryerror(cx: &mut Cx) -> PyResult<Value> {
        Err(cx.raise_args(&exceptions::MemoryError, &[]))
    }
    #[py("($module, exception, object, /)")]
    fn err_writeunraisable(cx: &mut Cx, exception: Value, object: Value) {
        object::unraisable(cx, exception, Some(object).filter(|o| !o.is_none()), None);
    }
    /// As `err_writeunraisable` with a message, in which `%R` stands for an argument's repr.
    #[py("($module, exception, format, *args)", raw)]
    fn err_formatunraisable(cx: &mut Cx, args: taipan_runtime::Args) -> PyResult<()> {
        let values = RootVec::from_slice(args.values());
        let [exception, format, rest @ ..] = &values[..] else {
            return raise!(cx, TypeError, "err_formatunraisable expected at least 2 arguments");
        };
        let mut message = None;
        if let Some(format) = format.downcast::<Str>() {
            let mut text = format.to_string_lossy();
            for argument in rest {
                let shown = object::repr_text(cx, *argument)?;
                text = text.replacen("%R", &shown, 1);
            }
            message = Some(text);
        }
        object::unraisable(cx, *exception, None, message.as_deref());
        Ok(())
    }
    #[py("($module, number, /)")]
    fn set_errno(_cx: &mut Cx, number: i32) {
        // SAFETY: errno of this thread.
        unsafe { *libc::__errno_location() = number };
    }
}
