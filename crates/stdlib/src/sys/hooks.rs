//! Hooks of `sys`: what is done with exceptions and values that nobody else takes, and audit events.

use std::sync::atomic::{AtomicBool, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::{attr, import, object};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::types::type_::full_name;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::builtins::sys_value;
use crate::state::{self, Slot};

/// The functions.
pub struct HookFunctions;

/// True while the process ends.
pub static FINALIZING: AtomicBool = AtomicBool::new(false);

static HAS_AUDIT_HOOKS: AtomicBool = AtomicBool::new(false);

/// Raises the audit event `event`: hooks may raise.
#[inline]
pub fn audit(cx: &mut Cx, event: &str, args: &[Value]) -> PyResult<()> {
    if HAS_AUDIT_HOOKS.load(Ordering::Relaxed) { call_audit_hooks(cx, event, args) } else { Ok(()) }
}

#[cold]
fn call_audit_hooks(cx: &mut Cx, event: &str, args: &[Value]) -> PyResult<()> {
    let hooks = state::get_list(cx, Slot::AuditHooks);
    let event = cx.str(event);
    let args = Value::of(taipan_runtime::types::tuple::Tuple::new(cx, args));
    let mut i = 0;
    while let Some(hook) = hooks.get(i) {
        cx.call(hook, &[event, args])?;
        i += 1;
    }
    Ok(())
}

/// Adds an audit hook, unless an existing one objects.
pub fn add_audit_hook(cx: &mut Cx, hook: Value) -> PyResult<()> {
    let result = audit(cx, "sys.addaudithook", &[]);
    if result.is_err() {
        if cx.exception_matches(&exceptions::RuntimeError) {
            cx.take_exception();
            return Ok(());
        }
        return result;
    }
    let hooks = state::get_list(cx, Slot::AuditHooks);
    hooks.push(cx, hook);
    HAS_AUDIT_HOOKS.store(true, Ordering::Relaxed);
    Ok(())
}

/// The prompt that `code.interact` falls back to.
pub fn base_repl(cx: &mut Cx) -> PyResult<()> {
    raise!(cx, RuntimeError, "the basic prompt is not available from here")
}

/// Writes `exception` with its traceback to `sys.stderr`, as the default `sys.excepthook` does. Never raises.
pub fn display_exception(cx: &mut Cx, exception: Value) {
    let stderr = sys_value(cx, "stderr").filter(|s| !s.is_none());
    let printed = match stderr {
        Some(_) => library_display(cx, exception),
        None => Ok(()),
    };
    if printed.is_err() {
        cx.take_exception();
        let text = plain_text(cx, exception);
        match stderr {
            Some(stderr) => {
                let text = cx.str(&text);
                let write = cx.names().write;
                if cx.call_method(stderr, write, &[text]).is_err() {
                    cx.take_exception();
                }
            }
            None => eprint!("{text}"),
        }
    }
    crate::builtins::flush_stream(cx, "stderr");
}

fn library_display(cx: &mut Cx, exception: Value) -> PyResult<()> {
    let print = import::import_attr(cx, "traceback", "_print_exception_bltin")?;
    cx.call(print, &[exception])?;
    Ok(())
}

/// The traceback without the library's help.
fn plain_text(cx: &mut Cx, exception: Value) -> String {
    let mut text = String::new();
    if let Some(e) = exception.downcast::<Exception>() {
        let mut at = e.traceback.get();
        if at.is_some() {
            text.push_str("Traceback (most recent call last):\n");
        }
        while let Some(tb) = at.and_then(|v| v.downcast::<Traceback>()) {
            let code = tb.frame.code;
            let (file, line, name) = (code.filename.get(), code.line_of(tb.word), code.qualname);
            text.push_str(&format!("  File \"{file}\", line {line}, in {name}\n"));
            at = tb.next.get();
        }
    }
    text.push_str(&full_name(cx, exception.class()));
    match object::str(cx, exception) {
        Ok(message) if !message.is_empty() => text.push_str(&format!(": {message}")),
        Ok(_) => {}
        Err(_) => {
            cx.take_exception();
            text.push_str(": <exception str() failed>");
        }
    }
    text.push('\n');
    text
}

/// Hands an exception that nothing caught to `sys.excepthook`. Never raises.
pub fn report_uncaught(cx: &mut Cx, exception: Value) {
    let traceback = exception.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
    if let Some(sys) = cx.rt().sys.get() {
        let names = cx.names();
        sys.set_str(cx, names.last_exc, exception);
        sys.set_str(cx, names.last_type, Value::of(exception.class()));
        sys.set_str(cx, names.last_value, exception);
        sys.set_str(cx, names.last_traceback, traceback);
    }
    let Some(hook) = sys_value(cx, "excepthook") else {
        eprintln!("sys.excepthook is missing");
        return display_exception(cx, exception);
    };
    if cx.call(hook, &[Value::of(exception.class()), exception, traceback]).is_err() {
        let second = cx.take_exception();
        eprintln!("Error in sys.excepthook:");
        display_exception(cx, second);
        eprintln!("\nOriginal exception was:");
        display_exception(cx, exception);
    }
}

fn display_value(cx: &mut Cx, value: Value) -> PyResult<()> {
    let Some(builtins) = cx.rt().builtins.get() else {
        return raise!(cx, RuntimeError, "lost builtins module");
    };
    if value.is_none() {
        return Ok(());
    }
    let key = cx.names().underscore;
    builtins.set_str(cx, key, Value::none());
    let Some(stdout) = sys_value(cx, "stdout").filter(|s| !s.is_none()) else {
        return raise!(cx, RuntimeError, "lost sys.stdout");
    };
    let text = Value::of(object::repr(cx, value)?);
    let write = cx.names().write;
    let written = cx.call_method(stdout, write, &[text]);
    if written.is_err() && cx.exception_matches(&exceptions::UnicodeEncodeError) {
        cx.take_exception();
        write_escaped(cx, stdout, text)?;
    } else {
        written?;
    }
    let newline = cx.str("\n");
    cx.call_method(stdout, write, &[newline])?;
    builtins.set_str(cx, key, value);
    Ok(())
}

/// Writes text whose characters the stream cannot encode, with escapes.
fn write_escaped(cx: &mut Cx, stdout: Value, text: Value) -> PyResult<()> {
    let key = cx.names().encoding;
    let encoding = attr::get(cx, stdout, key)?;
    let errors = cx.str("backslashreplace");
    let (encode, decode, write) = (cx.names().encode, cx.names().decode, cx.names().write);
    let bytes = cx.call_method(text, encode, &[encoding, errors])?;
    let strict = cx.str("strict");
    let text = cx.call_method(bytes, decode, &[encoding, strict])?;
    cx.call_method(stdout, write, &[text])?;
    Ok(())
}

#[pymethods]
impl HookFunctions {
    /// Print an object to sys.stdout and also save it in builtins._
    #[py("($module, object, /)")]
    fn displayhook(cx: &mut Cx, object: Value) -> PyResult<()> {
        display_value(cx, object)
    }

    /// Handle an exception by displaying it with a traceback on sys.stderr.
    #[py("($module, exctype, value, traceback, /)")]
    fn excepthook(cx: &mut Cx, exctype: Value, value: Value, traceback: Value) -> PyResult<()> {
        let _ = exctype;
        if let Some(e) = value.downcast::<Exception>()
            && e.traceback.get().is_none()
            && traceback.downcast::<Traceback>().is_some()
        {
            e.traceback.set(Some(traceback));
            cx.barrier(e);
        }
        display_exception(cx, value);
        Ok(())
    }

    /// Handle an unraisable exception.
    ///
    /// The unraisable argument has the following attributes:
    ///
    /// * exc_type: Exception type.
    /// * exc_value: Exception value, can be None.
    /// * exc_traceback: Exception traceback, can be None.
    /// * err_msg: Error message, can be None.
    /// * object: Object causing the exception, can be None.
    #[py("($module, unraisable, /)")]
    fn unraisablehook(cx: &mut Cx, unraisable: Value) -> PyResult<()> {
        let mut parts = [Value::none(); 3];
        for (part, name) in parts.iter_mut().zip(["exc_value", "err_msg", "object"]) {
            *part = attr::get_text(cx, unraisable, name)?;
        }
        let [exception, message, object] = parts;
        let mut text = match message.downcast::<Str>() {
            Some(message) => message.to_string_lossy(),
            None => "Exception ignored in".to_string(),
        };
        if !object.is_none() {
            match object::repr_text(cx, object) {
                Ok(shown) => text.push_str(&format!(": {shown}")),
                Err(_) => {
                    cx.take_exception();
                    text.push_str(": <object repr() failed>");
                }
            }
        } else {
            text.push(':');
        }
        text.push('\n');
        if let Some(stderr) = sys_value(cx, "stderr").filter(|s| !s.is_none()) {
            let text = cx.str(&text);
            let write = cx.names().write;
            cx.call_method(stderr, write, &[text])?;
        }
        display_exception(cx, exception);
        Ok(())
    }

    /// This hook function is called by built-in breakpoint().
    #[py("($module, /, *args, **kwargs)", raw)]
    fn breakpointhook(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let name = match std::env::var("PYTHONBREAKPOINT") {
            Ok(name) if !name.is_empty() && !state::config().ignore_environment => name,
            _ => "pdb.set_trace".to_string(),
        };
        if name == "0" {
            return Ok(Value::none());
        }
        let (module, attribute) = name.rsplit_once('.').unwrap_or(("builtins", &name));
        match import::import_attr(cx, module, attribute) {
            Ok(hook) => cx.call_args(hook, args),
            Err(_)
                if cx.exception_matches(&exceptions::ImportError)
                    || cx.exception_matches(&exceptions::AttributeError) =>
            {
                cx.take_exception();
                let text = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{name}\"");
                taipan_runtime::protocol::warn::warn(cx, &exceptions::RuntimeWarning, &text, 1)?;
                Ok(Value::none())
            }
            Err(raised) => Err(raised),
        }
    }
}
