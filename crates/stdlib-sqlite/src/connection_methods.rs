//! Methods and attributes of `Connection`.

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::protocol::attr;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};
use taipan_stdlib::host;
use taipan_stdlib::sys::hooks;

use crate::blob::{self, Blob};
use crate::connection::{Connection, LEGACY, LEVELS, autocommit_of, level_of};
use crate::cursor::{CURSOR, Cursor};
use crate::error;
use crate::library;
use crate::statement::utf8;

/// The general methods.
pub struct Methods;
/// The attributes.
pub struct Attributes;

/// A cursor made by `cursor()`, for the methods that stand for those of cursors.
fn on_cursor(cx: &mut Cx, args: Args, method: &str) -> PyResult<Value> {
    let this = args.values()[0];
    // SAFETY: the receiver was checked.
    let connection = unsafe { this.cast::<Connection>() };
    connection.check(cx)?;
    let cursor = cx.call_method_text(this, "cursor", &[])?;
    let name = cx.intern(method);
    let method = attr::get(cx, cursor, name)?;
    // A step may collect without a look at the native stack (`library::step`).
    let mut roots = taipan_runtime::heap::RootVec::new();
    roots.extend([cursor, method]);
    cx.call_args(method, args.rest())
}

/// Whether `op` is an option that `setconfig` knows.
fn config_op(cx: &mut Cx, op: i32) -> PyResult<()> {
    let known = crate::constants::OTHERS.iter().any(|c| c.1 == op && c.0.starts_with("SQLITE_DBCONFIG"));
    if known { Ok(()) } else { raise!(cx, ValueError, "unknown config 'op': {op}") }
}

fn get_config(cx: &mut Cx, this: &Connection, op: i32) -> PyResult<bool> {
    let mut current = 0;
    // SAFETY: an open connection; the options take an int and the address of one.
    let status =
        library::brief(cx, this.db(), || unsafe { ffi::sqlite3_db_config(this.db(), op, -1i32, &raw mut current) });
    if status != ffi::SQLITE_OK {
        return Err(this.error(cx));
    }
    Ok(current != 0)
}

#[pymethods]
impl Methods {
    /// Called when the instance is about to be destroyed.
    #[py("($self, /)")]
    fn __del__(cx: &mut Cx, this: &'static Connection) -> PyResult<()> {
        this.finalize(cx, Value::of(this))
    }

    /// Return a cursor for the connection.
    #[py("($self, /, factory=<unrepresentable>)")]
    fn cursor(cx: &mut Cx, this: &'static Connection, factory: Option<Value>) -> PyResult<Value> {
        this.check(cx)?;
        let factory = factory.unwrap_or(Value::of(&CURSOR));
        let made = cx.call(factory, &[Value::of(this)])?;
        let Some(cursor) = made.downcast::<Cursor>() else {
            return raise!(cx, TypeError, "factory must return a cursor, not {}", made.class().tp_name());
        };
        let row_factory = this.row_factory.get();
        if !row_factory.is_none() {
            cursor.row_factory.set(row_factory);
            cx.barrier(cursor);
        }
        Ok(made)
    }

    /// Close the database connection.
    ///
    /// Any pending transaction is not committed implicitly.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Connection) -> PyResult<()> {
        this.close(cx)
    }

    /// Commit any pending transaction to the database.
    ///
    /// If there is no open transaction, this method is a no-op.
    #[py("($self, /)")]
    fn commit(cx: &mut Cx, this: &'static Connection) -> PyResult<()> {
        this.check(cx)?;
        this.commit(cx)
    }

    /// Roll back to the start of any pending transaction.
    ///
    /// If there is no open transaction, this method is a no-op.
    #[py("($self, /)")]
    fn rollback(cx: &mut Cx, this: &'static Connection) -> PyResult<()> {
        this.check(cx)?;
        this.rollback(cx)
    }

    /// Executes an SQL statement.
    #[py("($self, sql, parameters=(), /)", raw)]
    fn execute(cx: &mut Cx, args: Args) -> PyResult<Value> {
        on_cursor(cx, args, "execute")
    }

    /// Repeatedly executes an SQL statement.
    #[py("($self, sql, parameters, /)", raw)]
    fn executemany(cx: &mut Cx, args: Args) -> PyResult<Value> {
        on_cursor(cx, args, "executemany")
    }

    /// Executes multiple SQL statements at once.
    #[py("($self, sql_script, /)", raw)]
    fn executescript(cx: &mut Cx, args: Args) -> PyResult<Value> {
        on_cursor(cx, args, "executescript")
    }

    /// Called when the connection is used as a context manager.
    ///
    /// Returns itself as a convenience to the caller.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Connection) -> PyResult<&'static Connection> {
        this.check_open(cx)?;
        Ok(this)
    }

    /// Called when the connection is used as a context manager.
    ///
    /// If there was any exception, a rollback takes place; otherwise we
    /// commit.
    #[py("($self, type, value, traceback, /)")]
    fn __exit__(cx: &mut Cx, this: &'static Connection, kind: Value, value: Value, traceback: Value) -> PyResult<bool> {
        let commit = kind.is_none() && value.is_none() && traceback.is_none();
        let ended = if commit { Self::commit(cx, this) } else { Self::rollback(cx, this) };
        if ended.is_err() && commit {
            // So that the database is unlocked.
            let exception = cx.take_exception();
            if Self::rollback(cx, this).is_err() {
                let second = cx.take_exception();
                if let Some(second) = second.downcast::<taipan_runtime::exceptions::Exception>() {
                    second.context.set(Some(exception));
                    cx.barrier(second);
                }
                return Err(cx.raise_again(second));
            }
            return Err(cx.raise_again(exception));
        }
        ended.map(|()| false)
    }

    /// Abort any pending database operation.
    #[py("($self, /)")]
    fn interrupt(cx: &mut Cx, this: &'static Connection) -> PyResult<()> {
        this.check_open(cx)?;
        // SAFETY: an open connection; any thread may ask.
        unsafe { ffi::sqlite3_interrupt(this.db()) };
        Ok(())
    }

    /// Returns iterator to the dump of the database in an SQL text format.
    ///
    ///   filter
    ///     An optional LIKE pattern for database objects to dump
    #[py("($self, /, *, filter=None)")]
    fn iterdump(cx: &mut Cx, this: &'static Connection, filter: Option<Value>) -> PyResult<Value> {
        this.check_open(cx)?;
        let module = host::import(cx, "sqlite3.dump")?;
        let dump = attr::get_text(cx, module, "_iterdump")?;
        let names = [Value::of(cx.intern("filter"))];
        let names = taipan_runtime::types::tuple::Tuple::new(cx, &names);
        let values = [Value::of(this), filter.unwrap_or(Value::none())];
        cx.call_args(dump, Args::new(&values, Some(names)))
    }

    /// Enable dynamic loading of SQLite extension modules.
    #[py("($self, enable, /)")]
    fn enable_load_extension(cx: &mut Cx, this: &'static Connection, enable: bool) -> PyResult<()> {
        hooks::audit(cx, "sqlite3.enable_load_extension", &[Value::of(this), Value::bool(enable)])?;
        this.check(cx)?;
        // SAFETY: an open connection.
        let status = library::brief(cx, this.db(), || unsafe {
            ffi::sqlite3_enable_load_extension(this.db(), i32::from(enable))
        });
        if status != ffi::SQLITE_OK {
            return Err(error::operational(cx, "Error enabling load extension"));
        }
        Ok(())
    }

    /// Load SQLite extension module.
    #[py("($self, name, /, *, entrypoint=None)")]
    fn load_extension(
        cx: &mut Cx,
        this: &'static Connection,
        name: &'static Str,
        entrypoint: Option<Value>,
    ) -> PyResult<()> {
        let given = entrypoint.unwrap_or(Value::none());
        hooks::audit(cx, "sqlite3.load_extension", &[Value::of(this), Value::of(name), given])?;
        this.check(cx)?;
        let path = c_text(cx, name)?;
        let entry = match entrypoint.filter(|v| !v.is_none()) {
            Some(v) => match v.downcast::<Str>() {
                Some(s) => Some(c_text(cx, s)?),
                None => {
                    let got = v.class().tp_name();
                    return raise!(
                        cx,
                        TypeError,
                        "load_extension() argument 'entrypoint' must be str or None, not {got}"
                    );
                }
            },
            None => None,
        };
        let (db, mut message) = (this.db(), std::ptr::null_mut());
        let entry = entry.as_ref().map_or(std::ptr::null(), |e| e.as_ptr());
        // SAFETY: an open connection and C strings.
        let status =
            library::call(cx, || unsafe { ffi::sqlite3_load_extension(db, path.as_ptr(), entry, &mut message) });
        if status == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the library's text, which it wants back.
        let text = unsafe {
            let text = error::text(message);
            ffi::sqlite3_free(message.cast());
            text
        };
        Err(error::operational(cx, &text))
    }

    /// Set connection run-time limits.
    ///
    ///   category
    ///     The limit category to be set.
    ///   limit
    ///     The new limit. If the new limit is a negative number, the limit
    ///     is unchanged.
    ///
    /// Attempts to increase a limit above its hard upper bound are silently
    /// truncated to the hard upper bound. Regardless of whether or not the
    /// limit was changed, the prior value of the limit is returned.
    #[py("($self, category, limit, /)")]
    fn setlimit(cx: &mut Cx, this: &'static Connection, category: i32, limit: i32) -> PyResult<i32> {
        this.check(cx)?;
        // SAFETY: an open connection; unknown categories give -1.
        let old = library::brief(cx, this.db(), || unsafe { ffi::sqlite3_limit(this.db(), category, limit) });
        if old < 0 { Err(error::programming(cx, "'category' is out of bounds")) } else { Ok(old) }
    }

    /// Get connection run-time limits.
    ///
    ///   category
    ///     The limit category to be queried.
    #[py("($self, category, /)")]
    fn getlimit(cx: &mut Cx, this: &'static Connection, category: i32) -> PyResult<i32> {
        Self::setlimit(cx, this, category, -1)
    }

    /// Set a boolean connection configuration option.
    ///
    ///   op
    ///     The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.
    #[py("($self, op, enable=True, /)")]
    fn setconfig(cx: &mut Cx, this: &'static Connection, op: i32, enable: Option<bool>) -> PyResult<()> {
        this.check(cx)?;
        config_op(cx, op)?;
        let (enable, mut actual) = (enable.unwrap_or(true), 0);
        // SAFETY: an open connection; the options take an int and the address of one.
        let status = library::brief(cx, this.db(), || unsafe {
            ffi::sqlite3_db_config(this.db(), op, i32::from(enable), &raw mut actual)
        });
        if status != ffi::SQLITE_OK {
            return Err(this.error(cx));
        }
        if (actual != 0) != enable {
            return Err(error::operational(cx, "Unable to set config"));
        }
        Ok(())
    }

    /// Query a boolean connection configuration option.
    ///
    ///   op
    ///     The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.
    #[py("($self, op, /)")]
    fn getconfig(cx: &mut Cx, this: &'static Connection, op: i32) -> PyResult<bool> {
        this.check(cx)?;
        config_op(cx, op)?;
        get_config(cx, this, op)
    }

    /// Open and return a BLOB object.
    ///
    ///   table
    ///     Table name.
    ///   column
    ///     Column name.
    ///   rowid
    ///     Row id.
    ///   readonly
    ///     Open the BLOB without write permissions.
    ///   name
    ///     Database name.
    #[py("($self, table, column, rowid, /, *, readonly=False, name='main')")]
    fn blobopen(
        cx: &mut Cx,
        this: &'static Connection,
        table: &'static Str,
        column: &'static Str,
        rowid: i64,
        readonly: Option<bool>,
        name: Option<&'static Str>,
    ) -> PyResult<&'static Blob> {
        this.check(cx)?;
        let name = name.map_or(Ok(c"main".to_owned()), |s| c_text(cx, s))?;
        let (table, column) = (c_text(cx, table)?, c_text(cx, column)?);
        blob::open(cx, this, [&name, &table, &column], rowid, readonly.unwrap_or(false))
    }
}

/// A str argument as a C string.
pub fn c_text(cx: &mut Cx, s: &'static Str) -> PyResult<std::ffi::CString> {
    let text = utf8(cx, s)?;
    match std::ffi::CString::new(text.into_owned()) {
        Ok(text) => Ok(text),
        Err(_) => raise!(cx, ValueError, "embedded null character"),
    }
}

macro_rules! class_attributes {
    ($($name:ident $setter:ident $text:literal $class:ident;)*) => {
        #[allow(non_snake_case)]
        #[pymethods]
        impl Attributes {
            $(
                #[getter]
                fn $name(_: &mut Cx, _: &'static Connection) -> Value {
                    Value::of(&error::$class)
                }
                #[setter($text)]
                fn $setter(cx: &mut Cx, _: &'static Connection, _value: Option<Value>) -> PyResult<()> {
                    raise!(cx, AttributeError, "readonly attribute")
                }
            )*

            /// How connections are called.
            #[getter]
            fn __text_signature__(_: &mut Cx, _: &'static Connection) -> &'static str {
                "(sql, /)"
            }

            #[getter]
            fn isolation_level(cx: &mut Cx, this: &'static Connection) -> PyResult<Value> {
                this.check_open(cx)?;
                Ok(this.isolation_level.get().map_or(Value::none(), |i| cx.str(LEVELS[i].0)))
            }
            #[setter("isolation_level")]
            fn set_isolation_level(cx: &mut Cx, this: &'static Connection, value: Option<Value>) -> PyResult<()> {
                let Some(value) = value else { return raise!(cx, AttributeError, "cannot delete attribute") };
                if value.is_none() {
                    this.isolation_level.set(None);
                    this.check(cx)?;
                    // Back to the library's own autocommit.
                    return if this.autocommit.get() == LEGACY && this.in_transaction(cx) {
                        this.run(cx, "COMMIT")
                    } else {
                        Ok(())
                    };
                }
                this.isolation_level.set(level_of(cx, value)?);
                Ok(())
            }

            #[getter]
            fn total_changes(cx: &mut Cx, this: &'static Connection) -> PyResult<i32> {
                this.check_open(cx)?;
                let db = this.db();
                // SAFETY: an open connection.
                Ok(library::brief(cx, db, || unsafe { ffi::sqlite3_total_changes(db) }))
            }

            #[getter]
            fn in_transaction(cx: &mut Cx, this: &'static Connection) -> PyResult<bool> {
                this.check_open(cx)?;
                Ok(this.in_transaction(cx))
            }

            #[getter]
            fn autocommit(cx: &mut Cx, this: &'static Connection) -> PyResult<Value> {
                this.check(cx)?;
                Ok(match this.autocommit.get() {
                    LEGACY => Value::small(LEGACY),
                    n => Value::bool(n == 1),
                })
            }
            #[setter("autocommit")]
            fn set_autocommit(cx: &mut Cx, this: &'static Connection, value: Option<Value>) -> PyResult<()> {
                let Some(value) = value else {
                    return raise!(cx, AttributeError, "cannot delete autocommit attribute");
                };
                this.check(cx)?;
                let mode = autocommit_of(cx, value)?;
                match mode {
                    1 if this.in_transaction(cx) => this.run(cx, "COMMIT")?,
                    0 if !this.in_transaction(cx) => this.run(cx, "BEGIN")?,
                    _ => {}
                }
                this.autocommit.set(mode);
                Ok(())
            }

            #[getter]
            fn row_factory(_: &mut Cx, this: &'static Connection) -> Value {
                this.row_factory.get()
            }
            #[setter("row_factory")]
            fn set_row_factory(cx: &mut Cx, this: &'static Connection, value: Option<Value>) -> PyResult<()> {
                let Some(value) = value else {
                    return raise!(cx, AttributeError, "cannot delete row_factory attribute");
                };
                this.row_factory.set(value);
                cx.barrier(this);
                Ok(())
            }

            #[getter]
            fn text_factory(_: &mut Cx, this: &'static Connection) -> Value {
                this.text_factory.get()
            }
            #[setter("text_factory")]
            fn set_text_factory(cx: &mut Cx, this: &'static Connection, value: Option<Value>) -> PyResult<()> {
                let Some(value) = value else {
                    return raise!(cx, AttributeError, "cannot delete text_factory attribute");
                };
                this.text_factory.set(value);
                cx.barrier(this);
                Ok(())
            }
        }
    };
}

class_attributes! {
    Warning set_Warning "Warning" WARNING;
    Error set_Error "Error" ERROR;
    InterfaceError set_InterfaceError "InterfaceError" INTERFACE_ERROR;
    DatabaseError set_DatabaseError "DatabaseError" DATABASE_ERROR;
    DataError set_DataError "DataError" DATA_ERROR;
    OperationalError set_OperationalError "OperationalError" OPERATIONAL_ERROR;
    IntegrityError set_IntegrityError "IntegrityError" INTEGRITY_ERROR;
    InternalError set_InternalError "InternalError" INTERNAL_ERROR;
    ProgrammingError set_ProgrammingError "ProgrammingError" PROGRAMMING_ERROR;
    NotSupportedError set_NotSupportedError "NotSupportedError" NOT_SUPPORTED_ERROR;
}
