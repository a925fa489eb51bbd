//! Exceptions that nobody catches: `sys.excepthook`, `sys.unraisablehook`, exit codes of SystemExit.

use crate::cx::{Cx, PyResult};
use crate::exceptions::{self, Exception};
use crate::native::GetSetDef;
use crate::protocol::{attr, object as obj};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::types::tuple_methods::TUPLE;
use crate::value::Value;

use super::{Sources, Style, class_name, safe_repr, safe_str, stack};

/// `sys.name`, if it is there.
fn sys_attribute(cx: &mut Cx, name: &str) -> Option<Value> {
    let name = cx.intern(name);
    cx.rt().sys.get()?.get_str(name)
}

/// Writes to `sys.stderr`; to the process's standard error if that is not there yet or fails; nowhere if it is None.
pub fn write_stderr(cx: &mut Cx, text: &str) {
    if let Some(file) = sys_attribute(cx, "stderr") {
        if file.is_none() {
            return;
        }
        let value = cx.str(text);
        let written =
            cx.call_method_text(file, "write", &[value]).and_then(|_| cx.call_method_text(file, "flush", &[]));
        match written {
            Ok(_) => return,
            Err(_) => {
                cx.take_exception();
            }
        }
    }
    use std::io::Write;
    // Nothing can be done about an error here.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The style for messages on standard error.
pub fn stderr_style(cx: &mut Cx) -> Style {
    let is_process_stderr = match sys_attribute(cx, "stderr") {
        Some(file) if !file.is_none() => match cx.call_method_text(file, "fileno", &[]) {
            Ok(n) => int::as_i64(n) == Some(2),
            Err(_) => {
                cx.take_exception();
                false
            }
        },
        _ => true,
    };
    let isolated = match sys_attribute(cx, "flags") {
        Some(flags) => {
            let name = cx.intern("ignore_environment");
            match attr::get_optional(cx, flags, name) {
                Ok(v) => v.and_then(int::as_i64).unwrap_or(0) != 0,
                Err(_) => {
                    cx.take_exception();
                    false
                }
            }
        }
        None => false,
    };
    if is_process_stderr { Style::for_stderr(isolated) } else { Style::PLAIN }
}

// ---- sys.excepthook ---------------------------------------------------------------------------------------

/// What the original `sys.excepthook(type, value, traceback)` does: prints to `sys.stderr`.
pub fn display(cx: &mut Cx, value: Value, tb: Option<Value>) {
    let Some(e) = value.downcast::<Exception>() else {
        let got = value.class().name();
        let text = format!("TypeError: print_exception(): Exception expected for value, {got} found\n");
        write_stderr(cx, &text);
        return;
    };
    if e.traceback.get().is_none()
        && let Some(tb) = tb.filter(|t| t.exact::<Traceback>().is_some())
    {
        e.traceback.set(Some(tb));
        cx.barrier(e);
    }
    let style = match display_by_library(cx, value) {
        Some(true) => return,
        Some(false) => Style::BARE,
        None => stderr_style(cx),
    };
    let text = super::format_exception(cx, value, &style);
    write_stderr(cx, &text);
}

/// Lets the library's `traceback` print if the program has it loaded, as it may have replaced parts of it, or of what it
/// uses. Some(false) if it failed.
fn display_by_library(cx: &mut Cx, value: Value) -> Option<bool> {
    let modules = cx.rt().modules.get()?;
    let name = cx.intern("traceback");
    let module = modules.get_str(name)?;
    let name = cx.intern("_print_exception_bltin");
    let printed = attr::get(cx, module, name).and_then(|print| cx.call(print, &[value]));
    if printed.is_err() {
        let error = cx.take_exception();
        report_unraisable(cx, error, None, Some("Exception ignored in the internal traceback machinery"));
    }
    Some(printed.is_ok())
}

/// Handles an exception that left the main program or a command: sets `sys.last_exc` and friends and calls
/// `sys.excepthook`. Gives an exit code if the hook raised SystemExit. SystemExit itself is the caller's business (see
/// [`exit_code`]).
pub fn print_uncaught(cx: &mut Cx, exception: Value) -> Option<i32> {
    let tb = exception.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
    let class = Value::of(exception.class());
    if let Some(sys) = cx.rt().sys.get() {
        let names = cx.names();
        let pairs = [
            (names.last_exc, exception),
            (names.last_type, class),
            (names.last_value, exception),
            (names.last_traceback, tb),
        ];
        for (name, value) in pairs {
            sys.set_str(cx, name, value);
        }
    }
    let Some(hook) = sys_attribute(cx, "excepthook") else {
        if cx.rt().sys.get().is_some() {
            write_stderr(cx, "sys.excepthook is missing\n");
        }
        display(cx, exception, None);
        return None;
    };
    if (cx.rt().hooks.get().audit)(cx, "sys.excepthook", &[hook, class, exception, tb]).is_err() {
        if cx.exception_matches(&exceptions::RuntimeError) {
            cx.take_exception();
            return None;
        }
        let error = cx.take_exception();
        report_unraisable(cx, error, None, Some("Exception ignored in audit hook"));
    }
    if cx.call(hook, &[class, exception, tb]).is_ok() {
        return None;
    }
    let error = cx.take_exception();
    if error.is_instance(&exceptions::SystemExit) {
        return Some(exit_code(cx, error));
    }
    write_stderr(cx, "Error in sys.excepthook:\n");
    display(cx, error, None);
    write_stderr(cx, "\nOriginal exception was:\n");
    display(cx, exception, None);
    None
}

/// The exit status that a SystemExit asks for; a code that is no int is printed and counts as 1.
pub fn exit_code(cx: &mut Cx, exception: Value) -> i32 {
    let name = cx.names().code;
    let code = match attr::get_optional(cx, exception, name) {
        Ok(code) => code.unwrap_or(Value::none()),
        Err(_) => {
            cx.take_exception();
            exception
        }
    };
    if code.is_none() {
        return 0;
    }
    if int::check(code) {
        return int::as_i64(code).map_or(-1, |n| n as i32);
    }
    let text = safe_str(cx, code, "exception");
    write_stderr(cx, &format!("{text}\n"));
    1
}

/// `sys.exc_info()`: type, value and traceback of the exception being handled, or three times None.
pub fn exc_info(cx: &mut Cx) -> [Value; 3] {
    match cx.handled {
        None => [Value::none(); 3],
        Some(e) => {
            let tb = e.downcast::<Exception>().and_then(|e| e.traceback.get());
            [Value::of(e.class()), e, tb.unwrap_or(Value::none())]
        }
    }
}

// ---- sys.unraisablehook -------------------------------------------------------------------------------------

/// `sys.UnraisableHookArgs`.
pub static UNRAISABLE_HOOK_ARGS: Type = Type::new(&ARGS_SPEC);
static ARGS_SPEC: TypeSpec = TypeSpec {
    name: "UnraisableHookArgs",
    base: Some(&TUPLE),
    flags: flags::DISALLOW_INSTANTIATION | flags::TUPLE,
    slots: Slots { repr: Some(repr_args), ..Slots::NONE },
    getsets: &[&FIELDS],
    doc: "UnraisableHookArgs\n\nType used to pass arguments to sys.unraisablehook.",
    ..TypeSpec::DEFAULT
};
/// Types of this file.
pub static TYPES: &[&Type] = &[&UNRAISABLE_HOOK_ARGS];

macro_rules! fields {
    ($($name:literal $i:literal $doc:literal),*) => {
        [$(GetSetDef {
            name: $name,
            doc: $doc,
            get: Some(|_, v| Ok(v.downcast::<Tuple>().and_then(|t| t.items().get($i).copied()).unwrap_or(Value::none()))),
            set: None,
        }),*]
    };
}
static FIELDS: [GetSetDef; 5] = fields!(
    "exc_type" 0 "Exception type",
    "exc_value" 1 "Exception value",
    "exc_traceback" 2 "Exception traceback",
    "err_msg" 3 "Error message",
    "object" 4 "Object causing the exception"
);

fn repr_args(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let items = v.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let mut parts = Vec::new();
    for (field, item) in FIELDS.iter().zip(items) {
        parts.push(format!("{}={}", field.name, obj::repr_text(cx, *item)?));
    }
    Ok(cx.str(&format!("sys.UnraisableHookArgs({})", parts.join(", "))))
}

/// Reports an exception that cannot be raised through `sys.unraisablehook`. `object` is what it came from; `message`
/// says more than "Exception ignored in". Leaves an exception raised in the context alone.
pub fn report_unraisable(cx: &mut Cx, exception: Value, object: Option<Value>, message: Option<&str>) {
    let saved = cx.exception().map(|_| cx.take_exception());
    let tb = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
    // What was never raised comes from where it is reported.
    if tb.is_none() {
        Traceback::add_running_frame(cx, exception);
    }
    let tb = exception.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
    let message = message.map_or(Value::none(), |m| cx.str(m));
    let values = [Value::of(exception.class()), exception, tb, message, object.unwrap_or(Value::none())];
    let hook = sys_attribute(cx, "unraisablehook").filter(|h| !h.is_none());
    match hook {
        None => write_report(cx, &values),
        Some(hook) => {
            let args = Value::of(Tuple::new_of(cx, &UNRAISABLE_HOOK_ARGS, &values));
            let audited = (cx.rt().hooks.get().audit)(cx, "sys.unraisablehook", &[hook, args]);
            if audited.is_err() || cx.call(hook, &[args]).is_err() {
                let error = cx.take_exception();
                let tb = error.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
                let message = cx.str("Exception ignored in sys.unraisablehook");
                write_report(cx, &[Value::of(error.class()), error, tb, message, hook]);
            }
        }
    }
    if let Some(saved) = saved {
        cx.raise_again(saved);
    }
}

/// As [`report_unraisable`] with the message "Exception ignored while {doing} {object!r}", as CPython 3.14 words it
/// ("calling deallocator", "calling weakref callback", ...).
pub fn report_ignored(cx: &mut Cx, exception: Value, doing: &str, object: Value) {
    let object = safe_repr(cx, object, "object");
    report_unraisable(cx, exception, None, Some(&format!("Exception ignored while {doing} {object}")));
}

/// What the original `sys.unraisablehook(args)` does. TypeError if `args` is not made by the runtime.
pub fn default_unraisable_hook(cx: &mut Cx, args: Value) -> PyResult<()> {
    match args.downcast::<Tuple>() {
        Some(tuple) if args.is_instance(&UNRAISABLE_HOOK_ARGS) => {
            write_report(cx, tuple.items());
            Ok(())
        }
        _ => crate::raise!(cx, TypeError, "sys.unraisablehook argument type must be UnraisableHookArgs"),
    }
}

/// Prints the report of (type, value, traceback, message, object).
fn write_report(cx: &mut Cx, values: &[Value]) {
    let &[_, value, tb, message, object] = values else { return };
    let mut text = String::new();
    let message = message.downcast::<Str>().map(super::text_of);
    if !object.is_none() {
        let object = safe_repr(cx, object, "object");
        text.push_str(&message.map_or("Exception ignored in".to_string(), |m| m));
        text.push_str(&format!(": {object}\n"));
    } else if let Some(message) = message {
        text.push_str(&format!("{message}:\n"));
    }
    if let Some(tb) = tb.exact::<Traceback>() {
        text.push_str("Traceback (most recent call last):\n");
        text.push_str(&stack::format_plain(cx, Some(tb), &mut Sources::default()).concat());
    }
    let name = class_name(cx, value);
    let shown = safe_str(cx, value, "exception");
    text.push_str(&format!("{name}: {shown}\n"));
    write_stderr(cx, &text);
}
