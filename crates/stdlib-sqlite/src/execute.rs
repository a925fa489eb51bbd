//! `execute`, `executemany`, `executescript`.

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value};

use crate::connection::{Connection, LEGACY, LEVELS, PARSE_COLNAMES, PARSE_DECLTYPES};
use crate::connection_methods::c_text;
use crate::cursor::{Cursor, fetch_ahead};
use crate::statement::Statement;
use crate::{adapt, error, library, value};

/// The methods of cursors that run SQL.
pub struct Execute;

#[pymethods]
impl Execute {
    /// Executes an SQL statement.
    #[py("($self, sql, parameters=(), /)")]
    fn execute(cx: &mut Cx, this: &'static Cursor, sql: &'static Str, parameters: Option<Value>) -> PyResult<Value> {
        run(cx, this, sql, Parameters::Once(parameters))
    }

    /// Repeatedly executes an SQL statement.
    #[py("($self, sql, seq_of_parameters, /)")]
    fn executemany(cx: &mut Cx, this: &'static Cursor, sql: &'static Str, seq_of_parameters: Value) -> PyResult<Value> {
        run(cx, this, sql, Parameters::Many(seq_of_parameters))
    }

    /// Executes multiple SQL statements at once.
    #[py("($self, sql_script, /)")]
    fn executescript(cx: &mut Cx, this: &'static Cursor, sql_script: &'static Str) -> PyResult<&'static Cursor> {
        let script = c_text(cx, sql_script)?;
        let connection = this.check(cx)?;
        let db = connection.db();
        // SAFETY: an open connection; a negative limit asks for the present one.
        let limit = library::brief(cx, db, || unsafe { ffi::sqlite3_limit(db, ffi::SQLITE_LIMIT_SQL_LENGTH, -1) });
        if script.as_bytes().len() > limit as usize {
            return Err(cx.raise_text(&error::DATA_ERROR, "query string is too large"));
        }
        if connection.autocommit.get() == LEGACY && connection.in_transaction(cx) {
            connection.run(cx, "COMMIT")?;
        }
        let bytes = script.as_bytes_with_nul();
        let mut at = 0;
        while at + 1 < bytes.len() {
            let (mut st, mut tail) = (std::ptr::null_mut(), std::ptr::null());
            let rest = &bytes[at..];
            // SAFETY: an open connection, and text with its terminating NUL.
            let status = library::call(cx, || unsafe {
                ffi::sqlite3_prepare_v2(db, rest.as_ptr().cast(), rest.len() as i32, &mut st, &mut tail)
            });
            if status != ffi::SQLITE_OK {
                return Err(connection.error(cx));
            }
            while library::step(cx, st) == ffi::SQLITE_ROW {}
            // SAFETY: made above.
            let status = library::call(cx, || unsafe { ffi::sqlite3_finalize(st) });
            if status != ffi::SQLITE_OK {
                return Err(connection.error(cx));
            }
            // A callback may have closed the connection.
            connection.check_open(cx)?;
            at = tail as usize - bytes.as_ptr() as usize;
        }
        Ok(this)
    }
}

#[derive(Clone, Copy)]
enum Parameters {
    Once(Option<Value>),
    Many(Value),
}

fn run(cx: &mut Cx, this: &'static Cursor, sql: &'static Str, parameters: Parameters) -> PyResult<Value> {
    let connection = this.check(cx)?;
    // A step may collect without a look at the native stack (`library::step`).
    let mut roots = taipan_runtime::heap::RootVec::new();
    roots.extend([Value::of(this), Value::of(connection), Value::of(sql)]);
    roots.extend(match parameters {
        Parameters::Once(v) => v,
        Parameters::Many(v) => Some(v),
    });
    this.locked.set(true);
    let result = run_locked(cx, this, connection, sql, parameters);
    this.locked.set(false);
    if result.is_err() {
        let exception = cx.take_exception();
        this.end_statement(cx);
        this.rowcount.set(-1);
        return Err(cx.raise_again(exception));
    }
    if let Some(statement) = this.statement.get().filter(|s| !s.has_rows()) {
        this.statement.set(None);
        statement.give_back();
    }
    Ok(Value::of(this))
}

fn run_locked(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &'static Connection,
    sql: &'static Str,
    parameters: Parameters,
) -> PyResult<()> {
    let many = match parameters {
        Parameters::Many(v) => Some(iter::iter(cx, v)?),
        Parameters::Once(_) => None,
    };
    let mut roots = taipan_runtime::heap::RootVec::new();
    roots.extend(many);
    this.end_statement(cx);
    this.description.set(Value::none());
    let mut statement = connection.statement(cx, sql)?;
    if !statement.take() {
        // Another cursor is in the middle of its rows.
        statement = Statement::new(cx, connection, sql)?;
        statement.take();
    }
    this.statement.set(Some(statement));
    cx.barrier(this);
    statement.reset(cx);
    let is_dml = statement.is_dml.get();
    this.rowcount.set(if is_dml { 0 } else { -1 });
    // SAFETY: SQL-1; null is read-only.
    if many.is_some() && unsafe { ffi::sqlite3_stmt_readonly(statement.st()) } != 0 {
        return Err(error::programming(cx, "executemany() can only execute DML statements."));
    }
    if connection.autocommit.get() == LEGACY
        && let Some(level) = connection.isolation_level.get()
        && is_dml
        && !connection.in_transaction(cx)
    {
        connection.run(cx, LEVELS[level].1)?;
    }
    match many {
        None => {
            let Parameters::Once(parameters) = parameters else { return Ok(()) };
            run_once(cx, this, connection, statement, parameters, false)?;
            if !connection.db().is_null() {
                let db = connection.db();
                // SAFETY: an open connection.
                let id = library::brief(cx, db, || unsafe { ffi::sqlite3_last_insert_rowid(db) });
                this.lastrowid.set(cx.int(id));
                cx.barrier(this);
            }
        }
        Some(it) => {
            while let Some(item) = iter::next(cx, it)? {
                run_once(cx, this, connection, statement, Some(item), true)?;
            }
        }
    }
    Ok(())
}

fn run_once(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &'static Connection,
    statement: &'static Statement,
    parameters: Option<Value>,
    many: bool,
) -> PyResult<()> {
    // Python code may have closed the connection meanwhile.
    connection.check_open(cx)?;
    let parameters = match parameters {
        Some(parameters) => parameters,
        None => Value::of(Tuple::new(cx, &[])),
    };
    statement.using(|| statement.bind(cx, parameters))?;
    connection.check_open(cx)?;
    let status = statement.step(cx);
    if status != ffi::SQLITE_DONE && status != ffi::SQLITE_ROW {
        connection.check_open(cx)?;
        return Err(connection.error(cx));
    }
    connection.check_open(cx)?;
    set_converters(cx, this, connection, statement)?;
    let columns = statement.columns();
    if this.description.get().is_none() && columns > 0 {
        describe(cx, this, connection, statement, columns)?;
    }
    // SAFETY: SQL-1.
    let writes = unsafe { ffi::sqlite3_stmt_readonly(statement.st()) } == 0;
    if status == ffi::SQLITE_ROW && writes && !many {
        fetch_ahead(cx, this, connection, statement)?;
    }
    if status == ffi::SQLITE_DONE || (writes && !many) {
        if statement.is_dml.get() {
            this.rowcount.set(this.rowcount.get() + connection.changes(cx));
        }
        statement.reset(cx);
    } else if many {
        // The rows of RETURNING are not fetched.
        let mut status = status;
        while status == ffi::SQLITE_ROW {
            status = statement.step(cx);
        }
        if status != ffi::SQLITE_DONE {
            return Err(connection.error(cx));
        }
        if statement.is_dml.get() {
            this.rowcount.set(this.rowcount.get() + connection.changes(cx));
        }
        statement.reset(cx);
    }
    Ok(())
}

/// `description`: the columns' names.
fn describe(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &Connection,
    statement: &Statement,
    columns: i32,
) -> PyResult<()> {
    let mut rows = taipan_runtime::heap::RootVec::new();
    for i in 0..columns {
        // SAFETY: SQL-1.
        let name =
            library::brief_of(cx, statement.st(), || unsafe { c_bytes(ffi::sqlite3_column_name(statement.st(), i)) });
        let mut name = &name[..];
        if connection.detect_types.get() & PARSE_COLNAMES != 0
            && let Some(at) = name.iter().position(|c| *c == b'[')
        {
            name = &name[..at];
            name = name.strip_suffix(b" ").unwrap_or(name);
        }
        let name = value::text(cx, name)?;
        let none = Value::none();
        let row = Value::of(Tuple::new(cx, &[name, none, none, none, none, none, none]));
        rows.push(row);
    }
    let description = Value::of(Tuple::new(cx, &rows));
    this.description.set(description);
    cx.barrier(this);
    Ok(())
}

/// A C string's bytes.
unsafe fn c_bytes(p: *const std::ffi::c_char) -> Vec<u8> {
    if p.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe { std::ffi::CStr::from_ptr(p) }.to_bytes().to_vec()
}

/// Finds the converters of the columns.
fn set_converters(cx: &mut Cx, this: &'static Cursor, connection: &Connection, statement: &Statement) -> PyResult<()> {
    let detect = connection.detect_types.get();
    if detect == 0 {
        this.converters.set(None);
        return Ok(());
    }
    let mut converters = taipan_runtime::heap::RootVec::new();
    for i in 0..statement.columns() {
        let mut converter = None;
        if detect & PARSE_COLNAMES != 0 {
            // SAFETY: SQL-1.
            let name = library::brief_of(cx, statement.st(), || unsafe {
                error::text(ffi::sqlite3_column_name(statement.st(), i))
            });
            if let Some((_, rest)) = name.split_once('[')
                && let Some((kind, _)) = rest.split_once(']')
            {
                converter = adapt::converter(cx, kind)?;
            }
        }
        if converter.is_none() && detect & PARSE_DECLTYPES != 0 {
            // SAFETY: SQL-1.
            let kind = library::brief_of(cx, statement.st(), || unsafe {
                error::text(ffi::sqlite3_column_decltype(statement.st(), i))
            });
            if !kind.is_empty() {
                let kind = kind.split([' ', '(']).next().unwrap_or("");
                converter = adapt::converter(cx, kind)?;
            }
        }
        converters.push(converter.unwrap_or(Value::none()));
    }
    let converters = Tuple::new(cx, &converters);
    this.converters.set(Some(converters));
    cx.barrier(this);
    Ok(())
}
