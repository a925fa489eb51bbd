//! Collations, the authoriser, the progress handler and the trace callback.

use std::ffi::{c_char, c_void};

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::native::{FromArg, ParamSpec, bind};
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::callback::{self, Callback};
use crate::connection::Connection;
use crate::connection_methods::c_text;
use crate::functions::warn_keywords;
use crate::{error, library, value};

/// Methods of connections that set hooks.
pub struct Hooks;

static AUTHORIZER: ParamSpec = one("set_authorizer", &["authorizer_callback"]);
static PROGRESS: ParamSpec = one("set_progress_handler", &["progress_handler", "n"]);
static TRACE: ParamSpec = one("set_trace_callback", &["trace_callback"]);

const fn one(name: &'static str, names: &'static [&'static str]) -> ParamSpec {
    ParamSpec {
        name,
        names,
        positional_only: 0,
        positional: names.len(),
        required: names.len(),
        keyword_required: &[],
        varargs: false,
        varkw: false,
    }
}

fn receiver(args: Args) -> &'static Connection {
    // SAFETY: the receiver was checked.
    unsafe { args.values()[0].cast() }
}

#[pymethods]
impl Hooks {
    /// Creates a collation function.
    #[py("($self, name, callback, /)")]
    fn create_collation(cx: &mut Cx, this: &'static Connection, name: &'static Str, callback: Value) -> PyResult<()> {
        this.check(cx)?;
        let name = c_text(cx, name)?;
        if !callback.is_none() && callback.class().slots().call.is_none() {
            return raise!(cx, TypeError, "parameter must be callable");
        }
        let made = (!callback.is_none()).then(|| Callback::new(cx, callback));
        let (db, data) = (this.db(), made.map_or(std::ptr::null_mut(), |c| c.address()));
        let compare = made.map(|_| collate as unsafe extern "C" fn(_, _, _, _, _) -> i32);
        // SAFETY: an open connection; the callback is kept below (SQL-3).
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_create_collation_v2(db, name.as_ptr(), ffi::SQLITE_UTF8, data, compare, None)
        });
        if status != ffi::SQLITE_OK {
            return Err(this.error(cx));
        }
        let key = format!("collation {}", name.to_string_lossy().to_ascii_lowercase());
        let key = cx.intern(&key);
        let callbacks = this.callbacks(cx);
        match made {
            Some(made) => callbacks.set_str(cx, key, Value::of(made)),
            None => {
                callbacks.remove_str(cx, key);
            }
        }
        Ok(())
    }

    /// Set authorizer callback.
    ///
    /// Note: Passing keyword argument 'authorizer_callback' to
    /// _sqlite3.Connection.set_authorizer() is deprecated. Parameter
    /// 'authorizer_callback' will become positional-only in Python 3.15.
    #[py("($self, /, authorizer_callback)", raw)]
    fn set_authorizer(cx: &mut Cx, args: Args) -> PyResult<()> {
        let this = receiver(args);
        warn_keywords(cx, args, 1, "set_authorizer", "'authorizer_callback'")?;
        let mut bound = [None; 1];
        bind(cx, &AUTHORIZER, args.rest(), &mut bound)?;
        this.check(cx)?;
        let callable = bound[0].expect("required");
        let made = (!callable.is_none()).then(|| Callback::new(cx, callable));
        let function = made.map(|_| authorize as unsafe extern "C" fn(_, _, _, _, _, _) -> i32);
        let data = made.map_or(std::ptr::null_mut(), |c| c.address());
        // SAFETY: an open connection; the callback is kept below (SQL-3).
        let status =
            library::brief(cx, this.db(), || unsafe { ffi::sqlite3_set_authorizer(this.db(), function, data) });
        if status != ffi::SQLITE_OK {
            // SAFETY: as above.
            library::brief(cx, this.db(), || unsafe {
                ffi::sqlite3_set_authorizer(this.db(), None, std::ptr::null_mut())
            });
            this.authorizer.set(None);
            return Err(error::operational(cx, "Error setting authorizer callback"));
        }
        this.authorizer.set(made);
        cx.barrier(this);
        Ok(())
    }

    /// Set progress handler callback.
    ///
    ///   progress_handler
    ///     A callable that takes no arguments.
    ///     If the callable returns non-zero, the current query is
    ///     terminated, and an exception is raised.
    ///   n
    ///     The number of SQLite virtual machine instructions that are
    ///     executed between invocations of 'progress_handler'.
    ///
    /// If 'progress_handler' is None or 'n' is 0, the progress handler is
    /// disabled.
    ///
    /// Note: Passing keyword argument 'progress_handler' to
    /// _sqlite3.Connection.set_progress_handler() is deprecated. Parameter
    /// 'progress_handler' will become positional-only in Python 3.15.
    #[py("($self, /, progress_handler, n)", raw)]
    fn set_progress_handler(cx: &mut Cx, args: Args) -> PyResult<()> {
        let this = receiver(args);
        warn_keywords(cx, args, 1, "set_progress_handler", "'progress_handler'")?;
        let mut bound = [None; 2];
        bind(cx, &PROGRESS, args.rest(), &mut bound)?;
        let n = i32::from_arg(cx, bound[1], &PROGRESS, 1)?;
        this.check(cx)?;
        let callable = bound[0].expect("required");
        let made = (!callable.is_none()).then(|| Callback::new(cx, callable));
        let function = made.map(|_| progress as unsafe extern "C" fn(_) -> i32);
        let (n, data) = if made.is_some() {
            (n, made.map_or(std::ptr::null_mut(), |c| c.address()))
        } else {
            (0, std::ptr::null_mut())
        };
        // SAFETY: an open connection; the callback is kept below (SQL-3).
        library::brief(cx, this.db(), || unsafe { ffi::sqlite3_progress_handler(this.db(), n, function, data) });
        this.progress.set(made);
        cx.barrier(this);
        Ok(())
    }

    /// Set a trace callback called for each SQL statement (passed as unicode).
    ///
    /// Note: Passing keyword argument 'trace_callback' to
    /// _sqlite3.Connection.set_trace_callback() is deprecated. Parameter
    /// 'trace_callback' will become positional-only in Python 3.15.
    #[py("($self, /, trace_callback)", raw)]
    fn set_trace_callback(cx: &mut Cx, args: Args) -> PyResult<()> {
        let this = receiver(args);
        warn_keywords(cx, args, 1, "set_trace_callback", "'trace_callback'")?;
        let mut bound = [None; 1];
        bind(cx, &TRACE, args.rest(), &mut bound)?;
        this.check(cx)?;
        let callable = bound[0].expect("required");
        let made = (!callable.is_none()).then(|| Callback::new(cx, callable));
        let mask = if made.is_some() { ffi::SQLITE_TRACE_STMT as u32 } else { 0 };
        let function = made.map(|_| trace as unsafe extern "C" fn(_, _, _, _) -> i32);
        let data = made.map_or(std::ptr::null_mut(), |c| c.address());
        // SAFETY: an open connection; the callback is kept below (SQL-3).
        library::brief(cx, this.db(), || unsafe { ffi::sqlite3_trace_v2(this.db(), mask, function, data) });
        this.trace.set(made);
        cx.barrier(this);
        Ok(())
    }
}

// ---- what the library calls ------------------------------------------------------------------------

unsafe extern "C" fn collate(data: *mut c_void, n1: i32, text1: *const c_void, n2: i32, text2: *const c_void) -> i32 {
    // SAFETY: called by the library with the data of the collation and two texts.
    unsafe {
        callback::enter(data, 0, |cx, callback| {
            let mut run = || -> PyResult<i32> {
                let first = value::text(cx, value::bytes_at(text1.cast(), n1))?;
                let second = value::text(cx, value::bytes_at(text2.cast(), n2))?;
                let result = cx.call(callback.callable, &[first, second])?;
                let negative = int::view(result).is_some_and(|v| v.negative);
                if !int::check(result) {
                    return Ok(0);
                }
                Ok(match int::as_i64(result) {
                    Some(n) => n.signum() as i32,
                    None if negative => -1,
                    None => 1,
                })
            };
            match run() {
                Ok(order) => order,
                Err(_) => {
                    callback.ignore(cx);
                    0
                }
            }
        })
    }
}

/// A text of the library, None for null.
unsafe fn optional(cx: &mut Cx, p: *const c_char) -> PyResult<Value> {
    if p.is_null() {
        return Ok(Value::none());
    }
    // SAFETY: the library's C string.
    value::text(cx, unsafe { std::ffi::CStr::from_ptr(p) }.to_bytes())
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: i32,
    a: *const c_char,
    b: *const c_char,
    database: *const c_char,
    trigger: *const c_char,
) -> i32 {
    // SAFETY: called by the library with the connection's callback.
    unsafe {
        callback::enter(data, ffi::SQLITE_DENY, |cx, callback| {
            let mut run = || -> PyResult<i32> {
                let mut args = taipan_runtime::heap::RootVec::new();
                args.push(Value::small(i64::from(action)));
                for p in [a, b, database, trigger] {
                    let text = optional(cx, p)?;
                    args.push(text);
                }
                let result = cx.call(callback.callable, &args)?;
                if !int::check(result) {
                    return Ok(ffi::SQLITE_DENY);
                }
                taipan_runtime::protocol::number::to_i32(cx, result)
            };
            match run() {
                Ok(answer) => answer,
                Err(_) => {
                    callback.ignore(cx);
                    ffi::SQLITE_DENY
                }
            }
        })
    }
}

unsafe extern "C" fn progress(data: *mut c_void) -> i32 {
    // SAFETY: called by the library with the connection's callback.
    unsafe {
        callback::enter(data, 0, |cx, callback| {
            let result = cx.call(callback.callable, &[]).and_then(|v| protocol::truth(cx, v));
            match result {
                Ok(stop) => i32::from(stop),
                Err(_) => {
                    callback.ignore(cx);
                    -1
                }
            }
        })
    }
}

unsafe extern "C" fn trace(kind: u32, data: *mut c_void, statement: *mut c_void, sql: *mut c_void) -> i32 {
    if kind != ffi::SQLITE_TRACE_STMT as u32 {
        return 0;
    }
    // SAFETY: called by the library with the connection's callback, the statement and its text.
    unsafe {
        callback::enter(data, 0, |cx, callback| {
            let expanded = ffi::sqlite3_expanded_sql(statement.cast());
            let text = if expanded.is_null() {
                // Too long with its parameters: the text without them.
                if ffi::sqlite3_errcode(ffi::sqlite3_db_handle(statement.cast())) == ffi::SQLITE_NOMEM {
                    let _ = cx.memory_error();
                    callback.ignore(cx);
                    return 0;
                }
                let text = "Expanded SQL string exceeds the maximum string length";
                cx.raise_text(&error::DATA_ERROR, text);
                callback.ignore(cx);
                optional(cx, sql.cast())
            } else {
                let text = optional(cx, expanded);
                ffi::sqlite3_free(expanded.cast());
                text
            };
            if text.and_then(|text| cx.call(callback.callable, &[text])).is_err() {
                callback.ignore(cx);
            }
            0
        })
    }
}
