//! SQL functions written in Python: plain ones, aggregates and window functions.

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::protocol::{attr, warn};
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions};

use crate::callback::{self, Callback};
use crate::connection::Connection;
use crate::connection_methods::c_text;
use crate::error::{self, operational};
use crate::{library, value};

/// Methods of connections that make functions.
pub struct Functions;

/// DeprecationWarning for arguments that are to become positional-only: the first `n` parameters.
pub fn warn_keywords(cx: &mut Cx, args: Args, n: usize, function: &str, names: &str) -> PyResult<()> {
    if args.kw_len() == 0 || args.rest().pos().len() >= n {
        return Ok(());
    }
    let s = if n == 1 || !names.contains(',') { "" } else { "s" };
    let text = format!(
        "Passing keyword argument{s} {names} to _sqlite3.Connection.{function}() is deprecated. Parameter{s} {names} will become positional-only in Python 3.15."
    );
    warn::warn(cx, &exceptions::DeprecationWarning, &text, 1)
}

/// The key of a function among the connection's callbacks: names are the same without regard to case.
fn key(cx: &mut Cx, name: &std::ffi::CStr, n: i32) -> &'static Str {
    let text = format!("{} {n}", name.to_string_lossy().to_ascii_lowercase());
    cx.intern(&text)
}

/// Keeps the callback of a function that was made, instead of the one it replaces.
fn keep(cx: &mut Cx, this: &Connection, key: &'static Str, callback: Option<&'static Callback>) {
    let callbacks = this.callbacks(cx);
    match callback {
        Some(callback) => callbacks.set_str(cx, key, Value::of(callback)),
        None => {
            callbacks.remove_str(cx, key);
        }
    }
}

fn check_count(cx: &mut Cx, this: &Connection, n: i32, name: &str) -> PyResult<()> {
    // SAFETY: an open connection; a negative limit asks for the present one.
    let limit =
        library::brief(cx, this.db(), || unsafe { ffi::sqlite3_limit(this.db(), ffi::SQLITE_LIMIT_FUNCTION_ARG, -1) });
    if (-1..=limit).contains(&n) {
        return Ok(());
    }
    Err(error::programming(cx, &format!("'{name}' must be between -1 and {limit}, not {n}")))
}

static FUNCTION: taipan_runtime::native::ParamSpec = taipan_runtime::native::ParamSpec {
    name: "create_function",
    names: &["name", "narg", "func", "deterministic"],
    positional_only: 0,
    positional: 3,
    required: 3,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

static AGGREGATE: taipan_runtime::native::ParamSpec = taipan_runtime::native::ParamSpec {
    name: "create_aggregate",
    names: &["name", "n_arg", "aggregate_class"],
    positional_only: 0,
    positional: 3,
    required: 3,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

#[pymethods]
impl Functions {
    /// Creates a new function.
    ///
    /// Note: Passing keyword arguments 'name', 'narg' and 'func' to
    /// _sqlite3.Connection.create_function() is deprecated. Parameters
    /// 'name', 'narg' and 'func' will become positional-only in Python 3.15.
    #[py("($self, /, name, narg, func, *, deterministic=False)", raw)]
    fn create_function(cx: &mut Cx, args: Args) -> PyResult<()> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<Connection>() };
        warn_keywords(cx, args, 3, "create_function", "'name', 'narg' and 'func'")?;
        let mut bound = [None; 4];
        taipan_runtime::native::bind(cx, &FUNCTION, args.rest(), &mut bound)?;
        let (name, n) = name_and_count(cx, &FUNCTION, &bound)?;
        let func = bound[2].expect("required");
        let deterministic = taipan_stdlib::host::flag(cx, bound[3], false)?;
        this.check(cx)?;
        check_count(cx, this, n, "narg")?;
        let flags = ffi::SQLITE_UTF8 | if deterministic { ffi::SQLITE_DETERMINISTIC } else { 0 };
        let callback = (!func.is_none()).then(|| Callback::new(cx, func));
        let data = callback.map_or(std::ptr::null_mut(), |c| c.address());
        let (db, call) = (this.db(), callback.map(|_| call as unsafe extern "C" fn(_, _, _)));
        // SAFETY: an open connection; the callback is kept below (SQL-3).
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_create_function_v2(db, name.as_ptr(), n, flags, data, call, None, None, None)
        });
        if status != ffi::SQLITE_OK {
            return Err(operational(cx, "Error creating function"));
        }
        let key = key(cx, &name, n);
        keep(cx, this, key, callback);
        Ok(())
    }

    /// Creates a new aggregate.
    ///
    /// Note: Passing keyword arguments 'name', 'n_arg' and 'aggregate_class'
    /// to _sqlite3.Connection.create_aggregate() is deprecated. Parameters
    /// 'name', 'n_arg' and 'aggregate_class' will become positional-only in
    /// Python 3.15.
    #[py("($self, /, name, n_arg, aggregate_class)", raw)]
    fn create_aggregate(cx: &mut Cx, args: Args) -> PyResult<()> {
        // SAFETY: the receiver was checked.
        let this = unsafe { args.values()[0].cast::<Connection>() };
        warn_keywords(cx, args, 3, "create_aggregate", "'name', 'n_arg' and 'aggregate_class'")?;
        let mut bound = [None; 3];
        taipan_runtime::native::bind(cx, &AGGREGATE, args.rest(), &mut bound)?;
        let (name, n) = name_and_count(cx, &AGGREGATE, &bound)?;
        let class = bound[2].expect("required");
        this.check(cx)?;
        check_count(cx, this, n, "n_arg")?;
        let callback = (!class.is_none()).then(|| Callback::new(cx, class));
        let data = callback.map_or(std::ptr::null_mut(), |c| c.address());
        let (db, there) = (this.db(), callback.is_some());
        // SAFETY: as in create_function.
        let status = library::call(cx, || unsafe {
            let (step, finish) = (
                there.then_some(step as unsafe extern "C" fn(_, _, _)),
                there.then_some(finish as unsafe extern "C" fn(_)),
            );
            let name = name.as_ptr();
            ffi::sqlite3_create_function_v2(db, name, n, ffi::SQLITE_UTF8, data, None, step, finish, None)
        });
        if status != ffi::SQLITE_OK {
            return Err(operational(cx, "Error creating aggregate"));
        }
        let key = key(cx, &name, n);
        keep(cx, this, key, callback);
        Ok(())
    }

    /// Creates or redefines an aggregate window function. Non-standard.
    ///
    ///   name
    ///     The name of the SQL aggregate window function to be created or
    ///     redefined.
    ///   num_params
    ///     The number of arguments the step and inverse methods takes.
    ///   aggregate_class
    ///     A class with step(), finalize(), value(), and inverse() methods.
    ///     Set to None to clear the window function.
    #[py("($self, name, num_params, aggregate_class, /)")]
    fn create_window_function(
        cx: &mut Cx,
        this: &'static Connection,
        name: &'static Str,
        num_params: i32,
        aggregate_class: Value,
    ) -> PyResult<()> {
        this.check(cx)?;
        let name = c_text(cx, name)?;
        check_count(cx, this, num_params, "num_params")?;
        let (db, n) = (this.db(), num_params);
        let callback = (!aggregate_class.is_none()).then(|| Callback::new(cx, aggregate_class));
        let status = library::call(cx, || {
            let name = name.as_ptr();
            // SAFETY: as in create_function.
            unsafe {
                match callback {
                    Some(callback) => ffi::sqlite3_create_window_function(
                        db,
                        name,
                        n,
                        ffi::SQLITE_UTF8,
                        callback.address(),
                        Some(step),
                        Some(finish),
                        Some(current),
                        Some(inverse),
                        None,
                    ),
                    None => {
                        let (data, utf8) = (std::ptr::null_mut(), ffi::SQLITE_UTF8);
                        ffi::sqlite3_create_function_v2(db, name, n, utf8, data, None, None, None, None)
                    }
                }
            }
        });
        if status != ffi::SQLITE_OK {
            return Err(this.error(cx));
        }
        let key = key(cx, &name, n);
        keep(cx, this, key, callback);
        Ok(())
    }
}

fn name_and_count(
    cx: &mut Cx,
    spec: &'static taipan_runtime::native::ParamSpec,
    bound: &[Option<Value>],
) -> PyResult<(std::ffi::CString, i32)> {
    use taipan_runtime::native::FromArg;
    let name = <&'static Str>::from_arg(cx, bound[0], spec, 0)?;
    let name = c_text(cx, name)?;
    let n = i32::from_arg(cx, bound[1], spec, 1)?;
    Ok((name, n))
}

// ---- what the library calls ------------------------------------------------------------------------

type Context = *mut ffi::sqlite3_context;

/// The arguments of a call.
unsafe fn arguments(
    cx: &mut Cx,
    n: i32,
    values: *mut *mut ffi::sqlite3_value,
) -> PyResult<taipan_runtime::heap::RootVec> {
    let mut arguments = taipan_runtime::heap::RootVec::new();
    for i in 0..n as usize {
        // SAFETY: the library passes `n` values.
        let argument = unsafe { value::argument(cx, *values.add(i))? };
        arguments.push(argument);
    }
    Ok(arguments)
}

/// Runs `f` with the callback of a running function.
unsafe fn within(context: Context, f: impl FnOnce(&mut Cx, &'static Callback)) {
    // SAFETY: the library calls with the data that the function was made with.
    unsafe { callback::enter(ffi::sqlite3_user_data(context), (), f) }
}

unsafe extern "C" fn call(context: Context, n: i32, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: called by the library.
    unsafe {
        within(context, |cx, callback| {
            let result = arguments(cx, n, values)
                .and_then(|args| cx.call(callback.callable, &args))
                .and_then(|result| value::set_result(cx, context, result));
            if result.is_err() {
                callback.fail(cx, context, "user-defined function raised exception");
            }
        });
    }
}

/// The memory of an aggregate: the number of its instance, 0 at first.
unsafe fn number(context: Context, make: bool) -> *mut usize {
    let size = if make { std::mem::size_of::<usize>() as i32 } else { 0 };
    // SAFETY: called by the library; the memory is zeroed when it is made.
    unsafe { ffi::sqlite3_aggregate_context(context, size).cast() }
}

/// Calls a method of the instance, with the two texts for errors.
unsafe fn call_method(
    cx: &mut Cx,
    callback: &Callback,
    context: Context,
    instance: Value,
    name: &str,
    args: Option<(i32, *mut *mut ffi::sqlite3_value)>,
) -> Option<Value> {
    let found = attr::get_text(cx, instance, name);
    // SAFETY: called by the library.
    unsafe {
        let Ok(method) = found else {
            callback.fail(cx, context, &format!("user-defined aggregate's '{name}' method not defined"));
            return None;
        };
        let result = match args {
            Some((n, values)) => arguments(cx, n, values).and_then(|args| cx.call(method, &args)),
            None => cx.call(method, &[]),
        };
        match result {
            Ok(value) => Some(value),
            Err(_) => {
                let what = if args.is_none() && cx.exception_matches(&exceptions::AttributeError) {
                    "not defined"
                } else {
                    "raised error"
                };
                callback.fail(cx, context, &format!("user-defined aggregate's '{name}' method {what}"));
                None
            }
        }
    }
}

unsafe extern "C" fn step(context: Context, n: i32, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: called by the library.
    unsafe {
        within(context, |cx, callback| {
            let number = number(context, true);
            if number.is_null() {
                ffi::sqlite3_result_error_nomem(context);
                return;
            }
            if *number == 0 {
                match cx.call(callback.callable, &[]) {
                    Ok(instance) => *number = callback.add_instance(cx, instance),
                    Err(_) => {
                        callback.fail(cx, context, "user-defined aggregate's '__init__' method raised error");
                        return;
                    }
                }
            }
            if let Some(instance) = callback.instance(*number) {
                call_method(cx, callback, context, instance, "step", Some((n, values)));
            }
        });
    }
}

unsafe extern "C" fn inverse(context: Context, n: i32, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: called by the library, after `step`.
    unsafe {
        within(context, |cx, callback| {
            let number = number(context, true);
            if let Some(instance) = (!number.is_null()).then(|| callback.instance(*number)).flatten() {
                call_method(cx, callback, context, instance, "inverse", Some((n, values)));
            }
        });
    }
}

/// Makes what a method returns the result.
unsafe fn result_of(cx: &mut Cx, callback: &'static Callback, context: Context, instance: Value, name: &str) {
    // SAFETY: called by the library.
    unsafe {
        if let Some(result) = call_method(cx, callback, context, instance, name, None)
            && value::set_result(cx, context, result).is_err()
        {
            callback.fail(cx, context, &format!("user-defined aggregate's '{name}' method raised error"));
        }
    }
}

unsafe extern "C" fn current(context: Context) {
    // SAFETY: called by the library.
    unsafe {
        within(context, |cx, callback| {
            let number = number(context, false);
            if let Some(instance) = (!number.is_null()).then(|| callback.instance(*number)).flatten() {
                result_of(cx, callback, context, instance, "value");
            }
        });
    }
}

unsafe extern "C" fn finish(context: Context) {
    // SAFETY: called by the library.
    unsafe {
        within(context, |cx, callback| {
            // Null if there were no rows, 0 if the instance could not be made.
            let number = number(context, false);
            let Some(instance) = (!number.is_null()).then(|| callback.instance(*number)).flatten() else { return };
            result_of(cx, callback, context, instance, "finalize");
            callback.remove_instance(cx, *number);
        });
    }
}
