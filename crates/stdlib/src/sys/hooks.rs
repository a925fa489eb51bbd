//! Hooks of `sys`: what is done with exceptions and values that nobody else takes, and audit events.

use std::sync::atomic::{AtomicBool, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::{attr, import, object};
use taipan_runtime::traceback_print::unraisable;
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

/// Whether anybody listens to audit events.
pub fn has_audit_hooks() -> bool {
    HAS_AUDIT_HOOKS.load(Ordering::Relaxed)
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

/// Writes `exception` with its traceback to `sys.stderr`. Never raises.
pub fn print_exception_natively(cx: &mut Cx, exception: Value) {
    let traceback = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
    unraisable::display(cx, exception, traceback);
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
        unraisable::display(cx, value, Some(traceback).filter(|t| !t.is_none()));
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
        unraisable::default_unraisable_hook(cx, unraisable)
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
        let found = match module {
            "" => raise!(cx, ImportError, "no module"),
            module => import::import_attr(cx, module, attribute),
        };
        match found {
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
