//! `syslog`.

use std::cell::UnsafeCell;
use std::ffi::CString;

use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};
use taipan_stdlib::host;
use taipan_stdlib::sys::audit;

/// The identity given to `openlog`, which keeps the pointer; None while the log is closed.
struct Log(UnsafeCell<Option<Option<CString>>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Log {}
static LOG: Log = Log(UnsafeCell::new(None));

struct Functions;

fn text(cx: &mut Cx, v: Value) -> PyResult<CString> {
    let Some(s) = v.downcast::<Str>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "syslog() argument must be str, not {got}");
    };
    match CString::new(s.to_generalized_utf8().into_owned()) {
        Ok(text) => Ok(text),
        Err(_) => raise!(cx, ValueError, "embedded null character"),
    }
}

/// The script's name without directories.
fn default_ident(cx: &mut Cx) -> Option<CString> {
    let key = cx.intern("argv");
    let argv = cx.rt().sys.get()?.get_str(key)?;
    let first = argv.downcast::<taipan_runtime::types::list::List>()?.get(0)?;
    let name = first.downcast::<Str>()?.to_string_lossy();
    let name = name.rsplit('/').next().unwrap_or_default();
    if name.is_empty() { None } else { CString::new(name).ok() }
}

fn open(cx: &mut Cx, ident: Option<CString>, options: i32, facility: i32) -> PyResult<()> {
    let name = ident.as_ref().map_or(Value::none(), |i| cx.str(&i.to_string_lossy()));
    let numbers = [Value::small(options.into()), Value::small(facility.into())];
    audit(cx, "syslog.openlog", &[name, numbers[0], numbers[1]])?;
    // SAFETY: the GIL is held; the string stays where it is until the log is closed or opened anew.
    unsafe {
        let old = (*LOG.0.get()).replace(ident);
        let ident = (*LOG.0.get()).as_ref().and_then(|i| i.as_ref()).map_or(std::ptr::null(), |i| i.as_ptr());
        libc::openlog(ident, options, facility);
        drop(old);
    }
    Ok(())
}

#[pymethods]
impl Functions {
    /// Set logging options of subsequent syslog() calls.
    #[py("($module, /, ident=<unrepresentable>, logoption=0, facility=LOG_USER)")]
    fn openlog(cx: &mut Cx, ident: Option<Value>, option: Option<i64>, facility: Option<i64>) -> PyResult<()> {
        let ident = match ident {
            Some(v) => Some(text(cx, v)?),
            None => default_ident(cx),
        };
        open(cx, ident, option.unwrap_or(0) as i32, facility.unwrap_or(i64::from(libc::LOG_USER)) as i32)
    }

    /// Send the string message to the system logger.
    #[py("($module, priority_or_message, message=None, /)", raw)]
    fn syslog(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "syslog.syslog")?;
        let (priority, message) = match args.values() {
            [message] => (libc::LOG_INFO, *message),
            [priority, message] => (number::to_i32(cx, *priority)?, *message),
            more => {
                let n = more.len();
                return raise!(cx, TypeError, "syslog.syslog requires 1 to 2 arguments, got {n}");
            }
        };
        let shown = message;
        let message = text(cx, message)?;
        audit(cx, "syslog.syslog", &[Value::small(priority.into()), shown])?;
        // SAFETY: the GIL is held.
        if unsafe { (*LOG.0.get()).is_none() } {
            let ident = default_ident(cx);
            open(cx, ident, 0, libc::LOG_USER)?;
        }
        // SAFETY: both are C strings, and the format takes one.
        host::blocking(cx, || unsafe { libc::syslog(priority, c"%s".as_ptr(), message.as_ptr()) });
        Ok(Value::none())
    }

    /// Reset the syslog module values and call the system library closelog().
    #[py("($module, /)")]
    fn closelog(cx: &mut Cx) -> PyResult<()> {
        audit(cx, "syslog.closelog", &[])?;
        // SAFETY: the GIL is held.
        unsafe {
            if (*LOG.0.get()).is_some() {
                libc::closelog();
                *LOG.0.get() = None;
            }
        }
        Ok(())
    }

    /// Set the priority mask to maskpri and return the previous mask value.
    #[py("($module, maskpri, /)")]
    fn setlogmask(cx: &mut Cx, mask: i64) -> PyResult<i64> {
        audit(cx, "syslog.setlogmask", &[Value::small(mask)])?;
        // SAFETY: no pointers.
        Ok(i64::from(unsafe { libc::setlogmask(mask as i32) }))
    }

    /// Calculates the mask for the individual priority pri.
    #[py("($module, pri, /)", name = "LOG_MASK")]
    fn log_mask(_cx: &mut Cx, priority: i64) -> i64 {
        1i64.checked_shl(priority as u32).unwrap_or(0)
    }

    /// Calculates the mask for all priorities up to and including pri.
    #[py("($module, pri, /)", name = "LOG_UPTO")]
    fn log_upto(_cx: &mut Cx, priority: i64) -> i64 {
        1i64.checked_shl(priority as u32 + 1).unwrap_or(0) - 1
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("LOG_EMERG", 0),
    ("LOG_ALERT", 1),
    ("LOG_CRIT", 2),
    ("LOG_ERR", 3),
    ("LOG_WARNING", 4),
    ("LOG_NOTICE", 5),
    ("LOG_INFO", 6),
    ("LOG_DEBUG", 7),
    ("LOG_PID", libc::LOG_PID as i64),
    ("LOG_CONS", libc::LOG_CONS as i64),
    ("LOG_NDELAY", libc::LOG_NDELAY as i64),
    ("LOG_ODELAY", libc::LOG_ODELAY as i64),
    ("LOG_NOWAIT", libc::LOG_NOWAIT as i64),
    ("LOG_PERROR", libc::LOG_PERROR as i64),
    ("LOG_KERN", libc::LOG_KERN as i64),
    ("LOG_USER", libc::LOG_USER as i64),
    ("LOG_MAIL", libc::LOG_MAIL as i64),
    ("LOG_DAEMON", libc::LOG_DAEMON as i64),
    ("LOG_AUTH", libc::LOG_AUTH as i64),
    ("LOG_AUTHPRIV", libc::LOG_AUTHPRIV as i64),
    ("LOG_LPR", libc::LOG_LPR as i64),
    ("LOG_NEWS", libc::LOG_NEWS as i64),
    ("LOG_UUCP", libc::LOG_UUCP as i64),
    ("LOG_CRON", libc::LOG_CRON as i64),
    ("LOG_SYSLOG", libc::LOG_SYSLOG as i64),
    ("LOG_FTP", libc::LOG_FTP as i64),
    ("LOG_LOCAL0", libc::LOG_LOCAL0 as i64),
    ("LOG_LOCAL1", libc::LOG_LOCAL1 as i64),
    ("LOG_LOCAL2", libc::LOG_LOCAL2 as i64),
    ("LOG_LOCAL3", libc::LOG_LOCAL3 as i64),
    ("LOG_LOCAL4", libc::LOG_LOCAL4 as i64),
    ("LOG_LOCAL5", libc::LOG_LOCAL5 as i64),
    ("LOG_LOCAL6", libc::LOG_LOCAL6 as i64),
    ("LOG_LOCAL7", libc::LOG_LOCAL7 as i64),
];

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "syslog", "", Functions::METHODS);
    module.set(cx, "__doc__", Value::none());
    host::add_ints(cx, module, CONSTANTS);
    Ok(module)
}
