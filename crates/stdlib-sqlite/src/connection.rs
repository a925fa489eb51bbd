//! `Connection`: the object, its making and closing, and transactions.

use std::cell::Cell;

use libsqlite3_sys as ffi;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{number, object as protocol, warn};
use taipan_runtime::slots::Slots;
use taipan_runtime::threads;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, object, raise, trace_values};
use taipan_stdlib::host;
use taipan_stdlib::sys::hooks;

use crate::callback::Callback;
use crate::connection_methods::{Attributes, Methods};
use crate::functions::Functions;
use crate::hooks::Hooks;
use crate::statement::{Statement, utf8};
use crate::transfer::Transfer;
use crate::{error, library};

/// `LEGACY_TRANSACTION_CONTROL`.
pub const LEGACY: i64 = -1;
/// `PARSE_DECLTYPES`.
pub const PARSE_DECLTYPES: i32 = 1;
/// `PARSE_COLNAMES`.
pub const PARSE_COLNAMES: i32 = 2;

/// The isolation levels, each with the statement that begins a transaction.
pub static LEVELS: [(&str, &str); 4] = [
    ("", "BEGIN "),
    ("DEFERRED", "BEGIN DEFERRED"),
    ("IMMEDIATE", "BEGIN IMMEDIATE"),
    ("EXCLUSIVE", "BEGIN EXCLUSIVE"),
];

/// A connection (SQL-1).
#[repr(C)]
pub struct Connection {
    header: Header,
    db: Cell<*mut ffi::sqlite3>,
    initialized: Cell<bool>,
    check_same_thread: Cell<bool>,
    thread: Cell<u64>,
    /// `PARSE_*`.
    pub detect_types: Cell<i32>,
    /// `LEGACY`, 0 or 1.
    pub autocommit: Cell<i64>,
    /// Index into `LEVELS`.
    pub isolation_level: Cell<Option<usize>>,
    cached_statements: Cell<usize>,
    /// Pairs of SQL and statement, the one used last at the end.
    cache: Cell<Option<&'static List>>,
    /// Functions and collations by name and number of arguments.
    callbacks: Cell<Option<&'static Dict>>,
    /// `row_factory`.
    pub row_factory: Cell<Value>,
    /// `text_factory`.
    pub text_factory: Cell<Value>,
    /// Set by `set_trace_callback`.
    pub trace: Cell<Option<&'static Callback>>,
    /// Set by `set_progress_handler`.
    pub progress: Cell<Option<&'static Callback>>,
    /// Set by `set_authorizer`.
    pub authorizer: Cell<Option<&'static Callback>>,
}
object!(Connection, CONNECTION);
trace_values!(trace_connection, Connection, |t| [
    t.cache.get().map(Value::of),
    t.callbacks.get().map(Value::of),
    t.row_factory.get(),
    t.text_factory.get(),
    t.trace.get().map(Value::of),
    t.progress.get().map(Value::of),
    t.authorizer.get().map(Value::of),
]);

/// The type `Connection`.
pub static CONNECTION: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Connection",
    basicsize: std::mem::size_of::<Connection>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_connection),
    drop: Some(drop_connection),
    slots: Slots { new: Some(new), init: Some(init), call: Some(call), ..Slots::NONE },
    methods: &[Methods::METHODS, Functions::METHODS, Hooks::METHODS, Transfer::METHODS],
    getsets: &[Attributes::GETSETS],
    doc: "SQLite database connection object.",
    ..TypeSpec::DEFAULT
};

unsafe fn drop_connection(object: *mut Header) {
    // SAFETY: a dead connection.
    let this = unsafe { &*object.cast::<Connection>() };
    // Its statements and blobs are dead too and dispose of themselves.
    library::dispose_connection(this.db.replace(std::ptr::null_mut()));
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let this = cx.alloc_of(
        class,
        Connection {
            header: Header::fresh(class),
            db: Cell::new(std::ptr::null_mut()),
            initialized: Cell::new(false),
            check_same_thread: Cell::new(true),
            thread: Cell::new(0),
            detect_types: Cell::new(0),
            autocommit: Cell::new(LEGACY),
            isolation_level: Cell::new(Some(0)),
            cached_statements: Cell::new(128),
            cache: Cell::new(None),
            callbacks: Cell::new(None),
            row_factory: Cell::new(Value::none()),
            text_factory: Cell::new(Value::of(Str::type_object())),
            trace: Cell::new(None),
            progress: Cell::new(None),
            authorizer: Cell::new(None),
        },
    );
    Ok(Value::of(this))
}

static PARAMS: ParamSpec = ParamSpec {
    name: "Connection",
    names: &[
        "database",
        "timeout",
        "detect_types",
        "isolation_level",
        "check_same_thread",
        "factory",
        "cached_statements",
        "uri",
        "autocommit",
    ],
    positional_only: 0,
    positional: 8,
    required: 1,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

/// DeprecationWarning for arguments that are to become keyword-only.
pub fn warn_positional(cx: &mut Cx, args: Args, function: &str) -> PyResult<()> {
    if (2..=8).contains(&args.pos().len()) {
        let text = format!(
            "Passing more than 1 positional argument to {function}() is deprecated. Parameters 'timeout', 'detect_types', 'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only parameters in Python 3.15."
        );
        warn::warn(cx, &exceptions::DeprecationWarning, &text, 1)?;
    }
    Ok(())
}

/// An isolation level argument.
pub fn level_of(cx: &mut Cx, v: Value) -> PyResult<Option<usize>> {
    if v.is_none() {
        return Ok(None);
    }
    let Some(s) = v.downcast::<Str>() else {
        return raise!(cx, TypeError, "isolation_level must be str or None");
    };
    let text = utf8(cx, s)?;
    if text.contains(&0) {
        return raise!(cx, ValueError, "embedded null character");
    }
    match LEVELS.iter().position(|l| text.eq_ignore_ascii_case(l.0.as_bytes())) {
        Some(i) => Ok(Some(i)),
        None => {
            let text = "isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'";
            raise!(cx, ValueError, "{text}")
        }
    }
}

/// An autocommit argument.
pub fn autocommit_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if v == Value::bool(true) {
        return Ok(1);
    }
    if v == Value::bool(false) {
        return Ok(0);
    }
    match int::as_i64(v) {
        Some(LEGACY) => Ok(LEGACY),
        _ => raise!(cx, ValueError, "autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL"),
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of the type.
    let this = unsafe { v.cast::<Connection>() };
    let mut bound = [None; 9];
    warn_positional(cx, args, "_sqlite3.Connection")?;
    bind(cx, &PARAMS, args, &mut bound)?;
    let database = bound[0].expect("required");
    let timeout = bound[1].map_or(Ok(5.0), |v| number::to_f64(cx, v))?;
    let detect_types = bound[2].map_or(Ok(0), |v| number::to_i32(cx, v))?;
    let level = bound[3].map_or(Ok(Some(0)), |v| level_of(cx, v))?;
    let same_thread = bound[4].map_or(Ok(true), |v| protocol::truth(cx, v))?;
    let cached = bound[6].map_or(Ok(128), |v| number::to_i32(cx, v))?;
    let uri = bound[7].map_or(Ok(false), |v| protocol::truth(cx, v))?;
    let autocommit = bound[8].map_or(Ok(LEGACY), |v| autocommit_of(cx, v))?;

    hooks::audit(cx, "sqlite3.connect", &[database])?;
    let path = host::fs_bytes(cx, database)?;
    if this.initialized.replace(false) {
        // Cursors in the middle of their rows go on with the old database.
        this.close_now(cx, true);
        this.forget_callbacks();
    }
    let db = open(cx, &path, uri, (timeout * 1000.0) as i32)?;
    this.db.set(db);
    this.thread.set(threads::ident());
    this.check_same_thread.set(same_thread);
    this.detect_types.set(detect_types);
    this.isolation_level.set(level);
    this.autocommit.set(autocommit);
    this.cached_statements.set(usize::try_from(cached).unwrap_or(0));
    this.row_factory.set(Value::none());
    this.text_factory.set(Value::of(Str::type_object()));
    let (cache, callbacks) = (List::new(cx), Dict::new(cx));
    this.cache.set(Some(cache));
    this.callbacks.set(Some(callbacks));
    cx.barrier(this);
    this.initialized.set(true);
    hooks::audit(cx, "sqlite3.connect/handle", &[v])?;
    if autocommit == 0 {
        this.run(cx, "BEGIN")?;
    }
    Ok(())
}

fn open(cx: &mut Cx, path: &std::ffi::CStr, uri: bool, timeout: i32) -> PyResult<*mut ffi::sqlite3> {
    let mut db = std::ptr::null_mut();
    let mut flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    if uri {
        flags |= ffi::SQLITE_OPEN_URI;
    }
    // SAFETY: a C string; the result is checked. The crate's build of the library turns foreign keys on, CPython's is
    // the library's own default.
    let status = library::call(cx, || unsafe {
        let status = ffi::sqlite3_open_v2(path.as_ptr(), &mut db, flags, std::ptr::null());
        if status == ffi::SQLITE_OK {
            ffi::sqlite3_busy_handler(db, Some(library::busy), timeout.max(0) as usize as *mut _);
            ffi::sqlite3_db_config(db, ffi::SQLITE_DBCONFIG_ENABLE_FKEY, 0i32, std::ptr::null_mut::<i32>());
        }
        status
    });
    if status == ffi::SQLITE_OK {
        return Ok(db);
    }
    let raised = if db.is_null() { cx.memory_error() } else { error::of_db(cx, db) };
    // SAFETY: a connection that failed to open is closed all the same.
    unsafe { library::sqlite3_close_v2(db) };
    Err(raised)
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of the type.
    let this = unsafe { v.cast::<Connection>() };
    this.check(cx)?;
    args.no_keywords(cx, "sqlite3.Connection")?;
    let &[sql] = args.pos() else {
        let n = args.pos().len();
        return raise!(cx, TypeError, "function takes exactly 1 argument ({n} given)");
    };
    let Some(sql) = sql.downcast::<Str>() else {
        return raise!(cx, TypeError, "argument 1 must be str, not {}", sql.class().tp_name());
    };
    Ok(Value::of(Statement::new(cx, this, sql)?))
}

impl Connection {
    /// The connection; null if it is closed or was never open.
    pub fn db(&self) -> *mut ffi::sqlite3 {
        self.db.get()
    }

    /// ProgrammingError in another thread than the one that made the connection.
    pub fn check_thread(&self, cx: &mut Cx) -> PyResult<()> {
        let (own, here) = (self.thread.get(), threads::ident());
        if self.initialized.get() && self.check_same_thread.get() && own != here {
            let text = format!(
                "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id {own} and this is thread id {here}."
            );
            return Err(error::programming(cx, &text));
        }
        Ok(())
    }

    /// ProgrammingError if the connection is closed.
    pub fn check_open(&self, cx: &mut Cx) -> PyResult<()> {
        if !self.initialized.get() {
            return Err(error::programming(cx, "Base Connection.__init__ not called."));
        }
        if self.db.get().is_null() {
            return Err(error::programming(cx, "Cannot operate on a closed database."));
        }
        Ok(())
    }

    /// Both checks.
    pub fn check(&self, cx: &mut Cx) -> PyResult<()> {
        self.check_thread(cx)?;
        self.check_open(cx)
    }

    /// Raises the error of the last call.
    pub fn error(&self, cx: &mut Cx) -> Raised {
        error::of_db(cx, self.db.get())
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self, cx: &mut Cx) -> bool {
        let db = self.db.get();
        // SAFETY: the caller checked that the connection is open.
        library::brief(cx, db, || unsafe { ffi::sqlite3_get_autocommit(db) == 0 })
    }

    /// Runs a statement without parameters or rows.
    pub fn run(&self, cx: &mut Cx, sql: &str) -> PyResult<()> {
        let db = self.db.get();
        let mut st = std::ptr::null_mut();
        // SAFETY: an open connection; the length is given.
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_prepare_v2(db, sql.as_ptr().cast(), sql.len() as i32, &mut st, std::ptr::null_mut())
        });
        if status == ffi::SQLITE_OK {
            library::step(cx, st);
            // SAFETY: made above.
            let status = library::call(cx, || unsafe { ffi::sqlite3_finalize(st) });
            if status == ffi::SQLITE_OK {
                return Ok(());
            }
        }
        Err(self.error(cx))
    }

    /// The statement for `sql`, compiled now or before; another cursor may be using it.
    pub fn statement(&'static self, cx: &mut Cx, sql: &'static Str) -> PyResult<&'static Statement> {
        let cache = self.cache.get();
        let Some(cache) = cache.filter(|_| self.cached_statements.get() > 0) else {
            return Statement::new(cx, self, sql);
        };
        let key_of = |v: Value| v.exact::<Tuple>().and_then(|pair| pair.items()[0].downcast::<Str>());
        let hash = sql.hash();
        let is_same =
            |v: &Value| key_of(*v).is_some_and(|key| std::ptr::eq(key, sql) || (key.hash() == hash && key.eq_str(sql)));
        if let Some(i) = cache.items().iter().rposition(is_same) {
            let pair = cache.get(i).expect("found");
            if i + 1 != cache.len() {
                cache.remove_at(i);
                cache.push(cx, pair);
            }
            if let Some(found) = pair.exact::<Tuple>().and_then(|pair| pair.items()[1].exact::<Statement>())
                && (!found.st().is_null() || sql.is_empty())
            {
                return Ok(found);
            }
        }
        let statement = Statement::new(cx, self, sql)?;
        let pair = Value::of(Tuple::new(cx, &[Value::of(sql), Value::of(statement)]));
        if cache.len() >= self.cached_statements.get() {
            cache.remove_at(0);
        }
        cache.push(cx, pair);
        Ok(statement)
    }

    /// The callbacks by key.
    pub fn callbacks(&self, cx: &mut Cx) -> &'static Dict {
        match self.callbacks.get() {
            Some(callbacks) => callbacks,
            None => {
                let callbacks = Dict::new(cx);
                self.callbacks.set(Some(callbacks));
                cx.barrier(self);
                callbacks
            }
        }
    }

    fn forget_callbacks(&self) {
        self.callbacks.set(None);
        self.trace.set(None);
        self.progress.set(None);
        self.authorizer.set(None);
    }

    /// Closes the database with everything that belongs to it, but perhaps not the statements that have rows; nothing if
    /// it is closed.
    pub fn close_now(&self, cx: &mut Cx, keep_busy: bool) {
        let db = self.db.replace(std::ptr::null_mut());
        if db.is_null() {
            return;
        }
        let owned = library::take_owned(db);
        for blob in &owned.blobs {
            // SAFETY: dead blobs leave the list.
            unsafe { (**blob).close_now(cx) };
        }
        for statement in &owned.statements {
            // SAFETY: dead statements leave the list, and what finalises them runs no Python code.
            unsafe {
                if !keep_busy || !(**statement).has_rows() {
                    (**statement).finalize(cx);
                }
            }
        }
        if let Some(cache) = self.cache.replace(None) {
            cache.clear();
        }
        // Nothing may call back any more; the trace callback is told of nothing that happens from here on.
        // SAFETY: the connection is open until the last call.
        library::call(cx, || unsafe {
            ffi::sqlite3_trace_v2(db, 0, None, std::ptr::null_mut());
            ffi::sqlite3_progress_handler(db, 0, None, std::ptr::null_mut());
            ffi::sqlite3_set_authorizer(db, None, std::ptr::null_mut());
            library::sqlite3_close_v2(db)
        });
    }

    /// `close()`.
    pub fn close(&self, cx: &mut Cx) -> PyResult<()> {
        self.check_thread(cx)?;
        if !self.initialized.get() {
            return Err(error::programming(cx, "Base Connection.__init__ not called."));
        }
        let result = if self.autocommit.get() == 0 && !self.db.get().is_null() && self.in_transaction(cx) {
            self.run(cx, "ROLLBACK")
        } else {
            Ok(())
        };
        self.close_now(cx, false);
        result
    }

    /// Warns of a connection that was not closed, and closes it.
    pub fn finalize(&self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if self.db.get().is_null() {
            return Ok(());
        }
        let repr = protocol::repr_text(cx, v);
        let warned = match repr {
            Ok(repr) => warn::warn(cx, &exceptions::ResourceWarning, &format!("unclosed database in {repr}"), 1),
            Err(raised) => Err(raised),
        };
        if warned.is_err() {
            let exception = cx.take_exception();
            let repr = protocol::repr_text(cx, v).unwrap_or_default();
            let text = format!("Exception ignored while finalizing database connection {repr}");
            protocol::unraisable(cx, exception, None, Some(&text));
        }
        if self.autocommit.get() == 0 && self.in_transaction(cx) && self.run(cx, "ROLLBACK").is_err() {
            cx.take_exception();
        }
        self.close_now(cx, false);
        Ok(())
    }

    /// `commit()`, after the checks.
    pub fn commit(&self, cx: &mut Cx) -> PyResult<()> {
        match self.autocommit.get() {
            LEGACY if self.in_transaction(cx) => self.run(cx, "COMMIT"),
            0 => {
                self.run(cx, "COMMIT")?;
                self.run(cx, "BEGIN")
            }
            _ => Ok(()),
        }
    }

    /// `rollback()`, after the checks.
    pub fn rollback(&self, cx: &mut Cx) -> PyResult<()> {
        match self.autocommit.get() {
            LEGACY if self.in_transaction(cx) => self.run(cx, "ROLLBACK"),
            0 => {
                self.run(cx, "ROLLBACK")?;
                self.run(cx, "BEGIN")
            }
            _ => Ok(()),
        }
    }
}
