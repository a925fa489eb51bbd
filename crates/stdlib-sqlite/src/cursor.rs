//! `Cursor`: the object and its rows.

use std::cell::Cell;

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Object, PyResult, Value, object, raise, trace_values};

use crate::connection::{CONNECTION, Connection};
use crate::error;
use crate::execute::Execute;
use crate::library;
use crate::statement::Statement;
use crate::value::bytes_at;

/// A cursor.
#[repr(C)]
pub struct Cursor {
    header: Header,
    connection: Cell<Option<&'static Connection>>,
    /// `description`.
    pub description: Cell<Value>,
    /// A converter or None for each column, if types are detected.
    pub converters: Cell<Option<&'static Tuple>>,
    /// `row_factory`.
    pub row_factory: Cell<Value>,
    /// `lastrowid`.
    pub lastrowid: Cell<Value>,
    /// The statement that has rows.
    pub statement: Cell<Option<&'static Statement>>,
    /// Rows of a statement that has ended, in reverse order.
    pub rows: Cell<Option<&'static List>>,
    /// `rowcount`.
    pub rowcount: Cell<i64>,
    arraysize: Cell<u32>,
    closed: Cell<bool>,
    /// It is running something.
    pub locked: Cell<bool>,
    initialized: Cell<bool>,
}
object!(Cursor, CURSOR);
trace_values!(trace_cursor, Cursor, |t| [
    t.connection.get().map(Value::of),
    t.description.get(),
    t.converters.get().map(Value::of),
    t.row_factory.get(),
    t.lastrowid.get(),
    t.statement.get().map(Value::of),
    t.rows.get().map(Value::of),
]);

/// The type `Cursor`.
pub static CURSOR: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Cursor",
    basicsize: std::mem::size_of::<Cursor>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_cursor),
    drop: Some(drop_cursor),
    slots: Slots { new: Some(new), init: Some(init), iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[Cursor::METHODS, Execute::METHODS],
    getsets: &[Cursor::GETSETS],
    doc: "SQLite database cursor class.",
    ..TypeSpec::DEFAULT
};

/// A cursor that was dropped in the middle of its rows ends its statement, which may live on in the connection's cache.
unsafe fn drop_cursor(object: *mut Header) {
    // SAFETY: a dead cursor; its statement is dead too and not yet swept, or alive.
    let statement = unsafe { &*object.cast::<Cursor>() }.statement.replace(None);
    if let Some(statement) = statement {
        statement.abandon();
    }
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let none = Value::none();
    let this = cx.alloc_of(
        class,
        Cursor {
            header: Header::fresh(class),
            connection: Cell::new(None),
            description: Cell::new(none),
            converters: Cell::new(None),
            row_factory: Cell::new(none),
            lastrowid: Cell::new(none),
            statement: Cell::new(None),
            rows: Cell::new(None),
            rowcount: Cell::new(-1),
            arraysize: Cell::new(1),
            closed: Cell::new(false),
            locked: Cell::new(false),
            initialized: Cell::new(false),
        },
    );
    Ok(Value::of(this))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of the type.
    let this = unsafe { v.cast::<Cursor>() };
    args.no_keywords(cx, "Cursor")?;
    let &[connection] = args.pos() else {
        let n = args.pos().len();
        return raise!(cx, TypeError, "Cursor expected 1 argument, got {n}");
    };
    let Some(connection) = connection.downcast::<Connection>() else {
        let (expected, got) = (CONNECTION.tp_name(), connection.class().tp_name());
        return raise!(cx, TypeError, "Cursor() argument 1 must be {expected}, not {got}");
    };
    this.check_locked(cx)?;
    this.end_statement(cx);
    this.connection.set(Some(connection));
    this.description.set(Value::none());
    this.converters.set(None);
    this.row_factory.set(Value::none());
    this.lastrowid.set(Value::none());
    this.rowcount.set(-1);
    this.arraysize.set(1);
    this.closed.set(false);
    cx.barrier(this);
    connection.check_thread(cx)?;
    this.initialized.set(true);
    Ok(())
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of the type.
    let this = unsafe { v.cast::<Cursor>() };
    let connection = this.check(cx)?;
    if let Some(rows) = this.rows.get() {
        return match rows.pop() {
            Some(row) => finish_row(cx, this, row).map(Some),
            None => {
                this.rows.set(None);
                Ok(None)
            }
        };
    }
    let Some(statement) = this.statement.get() else { return Ok(None) };
    // SAFETY: SQL-1.
    if unsafe { ffi::sqlite3_data_count(statement.st()) } == 0 {
        this.end_statement(cx);
        return Ok(None);
    }
    this.locked.set(true);
    let row = statement.using(|| fetch_row(cx, this, connection, statement));
    this.locked.set(false);
    let row = row?;
    let status = statement.step(cx);
    if status == ffi::SQLITE_DONE {
        if statement.is_dml.get() {
            this.rowcount.set(connection.changes(cx));
        }
        this.end_statement(cx);
    } else if status != ffi::SQLITE_ROW {
        let raised = connection.error(cx);
        let exception = cx.take_exception();
        this.end_statement(cx);
        cx.raise_again(exception);
        return Err(raised);
    }
    finish_row(cx, this, Value::of(row)).map(Some)
}

/// What the row factory makes of a row.
fn finish_row(cx: &mut Cx, this: &'static Cursor, row: Value) -> PyResult<Value> {
    let factory = this.row_factory.get();
    if factory.is_none() { Ok(row) } else { cx.call(factory, &[Value::of(this), row]) }
}

/// Fetches the rows of a statement that writes (RETURNING, some pragmas) as soon as it is executed: what it wrote is
/// committed when it ends, and the cursor may be forgotten now but collected much later.
pub fn fetch_ahead(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &'static Connection,
    statement: &'static Statement,
) -> PyResult<()> {
    let rows = List::new(cx);
    // A step may collect without a look at the native stack (`library::step`).
    let mut roots = taipan_runtime::heap::RootVec::new();
    roots.push(Value::of(rows));
    loop {
        let row = statement.using(|| fetch_row(cx, this, connection, statement))?;
        rows.push(cx, Value::of(row));
        match statement.step(cx) {
            ffi::SQLITE_ROW => {}
            ffi::SQLITE_DONE => break,
            _ => return Err(connection.error(cx)),
        }
    }
    rows.items_mut().reverse();
    rows.written(cx);
    this.rows.set(Some(rows));
    cx.barrier(this);
    Ok(())
}

/// The row that the statement is at.
fn fetch_row(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &'static Connection,
    statement: &'static Statement,
) -> PyResult<&'static Tuple> {
    let st = statement.st();
    // SAFETY: SQL-1; the statement is in use, so it stays.
    let n = unsafe { ffi::sqlite3_data_count(st) };
    let mut row = taipan_runtime::heap::RootVec::new();
    for i in 0..n {
        let item = fetch_column(cx, this, connection, st, i)?;
        row.push(item);
    }
    Ok(Tuple::new(cx, &row))
}

fn fetch_column(
    cx: &mut Cx,
    this: &'static Cursor,
    connection: &'static Connection,
    st: *mut ffi::sqlite3_stmt,
    i: i32,
) -> PyResult<Value> {
    let converter = this.converters.get().and_then(|c| c.items().get(i as usize).copied()).filter(|c| !c.is_none());
    // SAFETY: a statement in use that is at a row; the bytes stay until the next step and are copied at once.
    unsafe {
        if let Some(converter) = converter {
            let (p, n) =
                library::brief_of(cx, st, || (ffi::sqlite3_column_blob(st, i), ffi::sqlite3_column_bytes(st, i)));
            // Also for what is empty, which has no address.
            if p.is_null() {
                return Ok(Value::none());
            }
            let bytes = Value::of(Bytes::new(cx, bytes_at(p.cast(), n)));
            return cx.call(converter, &[bytes]);
        }
        match library::brief_of(cx, st, || Column::read(st, i)) {
            Column::Integer(n) => Ok(cx.int(n)),
            Column::Float(d) => Ok(cx.float(d)),
            Column::Text(p, n) => {
                let column = |cx: &mut Cx| library::brief_of(cx, st, || error::text(ffi::sqlite3_column_name(st, i)));
                fetch_text(cx, connection.text_factory.get(), bytes_at(p, n), column)
            }
            Column::Blob(p, n) => Ok(Value::of(Bytes::new(cx, bytes_at(p, n)))),
            Column::Null => Ok(Value::none()),
        }
    }
}

/// What a column of a row holds; bytes by address and length.
enum Column {
    Integer(i64),
    Float(f64),
    Text(*const u8, i32),
    Blob(*const u8, i32),
    Null,
}

impl Column {
    /// Column `i` of the row that a statement is at.
    unsafe fn read(st: *mut ffi::sqlite3_stmt, i: i32) -> Column {
        // SAFETY: the caller's promise. The address comes first: it may change the length.
        unsafe {
            match ffi::sqlite3_column_type(st, i) {
                ffi::SQLITE_INTEGER => Column::Integer(ffi::sqlite3_column_int64(st, i)),
                ffi::SQLITE_FLOAT => Column::Float(ffi::sqlite3_column_double(st, i)),
                ffi::SQLITE_TEXT => {
                    let p = ffi::sqlite3_column_text(st, i);
                    Column::Text(p, ffi::sqlite3_column_bytes(st, i))
                }
                ffi::SQLITE_BLOB => {
                    let p = ffi::sqlite3_column_blob(st, i);
                    Column::Blob(p.cast(), ffi::sqlite3_column_bytes(st, i))
                }
                _ => Column::Null,
            }
        }
    }
}

fn fetch_text(cx: &mut Cx, factory: Value, bytes: &[u8], column: impl FnOnce(&mut Cx) -> String) -> PyResult<Value> {
    if factory == Value::of(Str::type_object()) {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Ok(cx.str(text)),
            Err(_) => {
                let column = column(cx);
                let text = format!(
                    "Could not decode to UTF-8 column '{column}' with text '{}'",
                    String::from_utf8_lossy(bytes)
                );
                Err(error::operational(cx, &text))
            }
        };
    }
    let bytes = Value::of(Bytes::new(cx, bytes));
    if factory == Bytes::class().value() {
        return Ok(bytes);
    }
    cx.call(factory, &[bytes])
}

impl Connection {
    /// Rows that the last statement changed.
    pub fn changes(&self, cx: &mut Cx) -> i64 {
        let db = self.db();
        if db.is_null() {
            return 0;
        }
        // SAFETY: an open connection.
        i64::from(library::brief(cx, db, || unsafe { ffi::sqlite3_changes(db) }))
    }
}

impl Cursor {
    fn check_locked(&self, cx: &mut Cx) -> PyResult<()> {
        if self.locked.get() {
            return Err(error::programming(cx, "Recursive use of cursors not allowed."));
        }
        Ok(())
    }

    /// The connection, of a cursor that may be used. ProgrammingError.
    pub fn check(&self, cx: &mut Cx) -> PyResult<&'static Connection> {
        let Some(connection) = self.connection.get().filter(|_| self.initialized.get()) else {
            return Err(error::programming(cx, "Base Cursor.__init__ not called."));
        };
        if self.closed.get() {
            return Err(error::programming(cx, "Cannot operate on a closed cursor."));
        }
        self.check_locked(cx)?;
        connection.check(cx)?;
        Ok(connection)
    }

    /// Resets and forgets the statement.
    pub fn end_statement(&self, cx: &mut Cx) {
        self.rows.set(None);
        if let Some(statement) = self.statement.replace(None) {
            statement.reset(cx);
            statement.give_back();
        }
    }
}

#[pymethods]
impl Cursor {
    /// Fetches one row from the resultset.
    #[py("($self, /)")]
    fn fetchone(cx: &mut Cx, this: &'static Cursor) -> PyResult<Value> {
        Ok(next(cx, Value::of(this))?.unwrap_or(Value::none()))
    }

    /// Fetches several rows from the resultset.
    ///
    ///   size
    ///     The default value is set by the Cursor.arraysize attribute.
    #[py("($self, /, size=1)")]
    fn fetchmany(cx: &mut Cx, this: &'static Cursor, size: Option<Value>) -> PyResult<&'static List> {
        let size = match size {
            Some(size) => uint32(cx, size)?,
            None => this.arraysize.get(),
        };
        fetch(cx, this, size)
    }

    /// Fetches all rows from the resultset.
    #[py("($self, /)")]
    fn fetchall(cx: &mut Cx, this: &'static Cursor) -> PyResult<&'static List> {
        fetch(cx, this, u32::MAX)
    }

    /// Required by DB-API. Does nothing in sqlite3.
    #[py("($self, sizes, /)")]
    fn setinputsizes(_: &mut Cx, _this: &'static Cursor, _sizes: Value) {}

    /// Required by DB-API. Does nothing in sqlite3.
    #[py("($self, size, column=None, /)")]
    fn setoutputsize(_: &mut Cx, _this: &'static Cursor, _size: Value, _column: Option<Value>) {}

    /// Closes the cursor.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Cursor) -> PyResult<()> {
        this.check_locked(cx)?;
        let Some(connection) = this.connection.get().filter(|_| this.initialized.get()) else {
            return Err(error::programming(cx, "Base Cursor.__init__ not called."));
        };
        connection.check(cx)?;
        this.end_statement(cx);
        this.closed.set(true);
        Ok(())
    }

    #[getter]
    fn connection(_: &mut Cx, this: &'static Cursor) -> Option<&'static Connection> {
        this.connection.get()
    }
    #[setter("connection")]
    fn set_connection(cx: &mut Cx, _: &'static Cursor, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    #[getter]
    fn description(_: &mut Cx, this: &'static Cursor) -> Value {
        this.description.get()
    }
    #[setter("description")]
    fn set_description(cx: &mut Cx, _: &'static Cursor, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    #[getter]
    fn lastrowid(_: &mut Cx, this: &'static Cursor) -> Value {
        this.lastrowid.get()
    }
    #[setter("lastrowid")]
    fn set_lastrowid(cx: &mut Cx, _: &'static Cursor, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    #[getter]
    fn rowcount(_: &mut Cx, this: &'static Cursor) -> i64 {
        this.rowcount.get()
    }
    #[setter("rowcount")]
    fn set_rowcount(cx: &mut Cx, _: &'static Cursor, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }

    #[getter]
    fn arraysize(_: &mut Cx, this: &'static Cursor) -> i64 {
        i64::from(this.arraysize.get())
    }
    #[setter("arraysize")]
    fn set_arraysize(cx: &mut Cx, this: &'static Cursor, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else {
            return raise!(cx, AttributeError, "attribute 'arraysize' of 'sqlite3.Cursor' objects cannot be deleted");
        };
        this.arraysize.set(uint32(cx, value)?);
        Ok(())
    }

    #[getter]
    fn row_factory(_: &mut Cx, this: &'static Cursor) -> Value {
        this.row_factory.get()
    }
    #[setter("row_factory")]
    fn set_row_factory(cx: &mut Cx, this: &'static Cursor, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else {
            return raise!(cx, AttributeError, "cannot delete row_factory attribute");
        };
        this.row_factory.set(value);
        cx.barrier(this);
        Ok(())
    }
}

fn uint32(cx: &mut Cx, v: Value) -> PyResult<u32> {
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(n) if n < 0 => raise!(cx, ValueError, "Cannot convert negative int"),
        None if int::view(index).is_some_and(|v| v.negative) => raise!(cx, ValueError, "Cannot convert negative int"),
        n => match n.and_then(|n| u32::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => raise!(cx, OverflowError, "Python int too large to convert to C uint32_t"),
        },
    }
}

/// At most `size` rows, `u32::MAX` for all.
fn fetch(cx: &mut Cx, this: &'static Cursor, size: u32) -> PyResult<&'static List> {
    let rows = List::new(cx);
    let mut n = 0;
    while n < size {
        let Some(row) = next(cx, Value::of(this))? else { break };
        rows.push(cx, row);
        if size != u32::MAX {
            n += 1;
        }
    }
    if size == 0 {
        this.check(cx)?;
    }
    Ok(rows)
}
