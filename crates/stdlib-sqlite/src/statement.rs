//! `Statement`: a compiled SQL statement.

use std::cell::Cell;
use std::ffi::CStr;

use libsqlite3_sys as ffi;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::codec::{self, Codec};
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise};

use crate::connection::Connection;
use crate::{adapt, error, library, value};

/// A statement (SQL-1).
#[repr(C)]
pub struct Statement {
    header: Header,
    st: Cell<*mut ffi::sqlite3_stmt>,
    db: Cell<*mut ffi::sqlite3>,
    /// Times that it is being stepped or read.
    in_use: Cell<u32>,
    /// A cursor has it.
    taken: Cell<bool>,
    /// It has a row, and so holds a lock.
    active: Cell<bool>,
    /// INSERT, UPDATE, DELETE or REPLACE.
    pub is_dml: Cell<bool>,
}
object!(Statement, STATEMENT);

/// The type `Statement`.
pub static STATEMENT: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Statement",
    basicsize: std::mem::size_of::<Statement>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    drop: Some(drop_statement),
    slots: Slots::NONE,
    ..TypeSpec::DEFAULT
};

unsafe fn drop_statement(object: *mut Header) {
    // SAFETY: a dead statement.
    let this = unsafe { &*object.cast::<Statement>() };
    let (st, db) = (this.st.replace(std::ptr::null_mut()), this.db.get());
    if st.is_null() {
        return;
    }
    library::with_owned(db, |owned| owned.statements.retain(|s| !std::ptr::eq(*s, this)));
    if this.active.get() {
        library::count_active(-1);
    }
    library::dispose_statement(st);
}

/// The text as UTF-8. UnicodeEncodeError.
pub fn utf8(cx: &mut Cx, text: &'static Str) -> PyResult<std::borrow::Cow<'static, [u8]>> {
    match text.as_ascii() {
        Some(ascii) => Ok(ascii.as_bytes().into()),
        None => Ok(codec::encode(cx, Codec::Utf8, text, None)?.data().into()),
    }
}

/// The SQL behind white space and comments; empty if there is none.
fn without_comments(mut sql: &[u8]) -> &[u8] {
    loop {
        match sql {
            [b' ' | b'\t' | b'\x0c' | b'\n' | b'\r', rest @ ..] => sql = rest,
            [b'-', b'-', rest @ ..] => match rest.iter().position(|c| *c == b'\n') {
                Some(end) => sql = &rest[end + 1..],
                None => return &[],
            },
            [b'/', b'*', rest @ ..] => match rest.windows(2).position(|w| w == b"*/") {
                Some(end) => sql = &rest[end + 2..],
                None => return &[],
            },
            _ => return sql,
        }
    }
}

fn is_dml(sql: &[u8]) -> bool {
    let sql = without_comments(sql);
    [&b"insert"[..], b"update", b"delete", b"replace"]
        .iter()
        .any(|word| sql.len() >= word.len() && sql[..word.len()].eq_ignore_ascii_case(word))
}

impl Statement {
    /// Compiles `sql`, which must be one statement.
    pub fn new(cx: &mut Cx, connection: &'static Connection, sql: &'static Str) -> PyResult<&'static Statement> {
        let text = utf8(cx, sql)?;
        let db = connection.db();
        // SAFETY: an open connection; a negative limit asks for the present one.
        let limit = library::brief(cx, db, || unsafe { ffi::sqlite3_limit(db, ffi::SQLITE_LIMIT_SQL_LENGTH, -1) });
        if text.len() > limit as usize {
            return Err(cx.raise_text(&error::DATA_ERROR, "query string is too large"));
        }
        if text.contains(&0) {
            return Err(error::programming(cx, "the query contains a null character"));
        }
        let mut bytes = text.into_owned();
        bytes.push(0);
        let (mut st, mut tail) = (std::ptr::null_mut(), std::ptr::null());
        // SAFETY: an open connection, and text with its terminating NUL.
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_prepare_v2(db, bytes.as_ptr().cast(), bytes.len() as i32, &mut st, &mut tail)
        });
        if status != ffi::SQLITE_OK {
            return Err(error::of_db(cx, db));
        }
        let used = (tail as usize).saturating_sub(bytes.as_ptr() as usize);
        if !without_comments(&bytes[used.min(bytes.len() - 1)..bytes.len() - 1]).is_empty() {
            library::dispose_statement(st);
            return Err(error::programming(cx, "You can only execute one statement at a time."));
        }
        let this = cx.alloc_of(
            &STATEMENT,
            Statement {
                header: Header::fresh(&STATEMENT),
                st: Cell::new(st),
                db: Cell::new(db),
                in_use: Cell::new(0),
                taken: Cell::new(false),
                active: Cell::new(false),
                is_dml: Cell::new(is_dml(&bytes)),
            },
        );
        library::with_owned(db, |owned| owned.statements.push(this));
        Ok(this)
    }

    /// The statement; null if there was only a comment.
    pub fn st(&self) -> *mut ffi::sqlite3_stmt {
        self.st.get()
    }

    /// Whether it is in the middle of its rows.
    pub fn has_rows(&self) -> bool {
        // SAFETY: SQL-1; null is not busy.
        unsafe { ffi::sqlite3_stmt_busy(self.st.get()) != 0 }
    }

    /// Takes it for a cursor; false if another one has it. Its rows alone do not tell: they have ended when that cursor,
    /// in another thread, has yet to reset it or to bind its parameters.
    pub fn take(&self) -> bool {
        !self.has_rows() && !self.taken.replace(true)
    }

    /// The cursor that took it has no more use for it.
    pub fn give_back(&self) {
        self.taken.set(false);
    }

    fn set_active(&self, active: bool) {
        if self.active.replace(active) != active {
            library::count_active(if active { 1 } else { -1 });
        }
    }

    /// Runs `f` while the statement must not be finalised.
    pub fn using<T>(&self, f: impl FnOnce() -> T) -> T {
        self.in_use.set(self.in_use.get() + 1);
        let result = f();
        self.in_use.set(self.in_use.get() - 1);
        result
    }

    /// One step.
    pub fn step(&self, cx: &mut Cx) -> i32 {
        // What this statement does itself is no reason to collect.
        self.set_active(false);
        let status = self.using(|| library::step(cx, self.st.get()));
        self.set_active(status == ffi::SQLITE_ROW);
        status
    }

    /// Ends the execution.
    pub fn reset(&self, cx: &mut Cx) -> i32 {
        self.set_active(false);
        let st = self.st.get();
        if st.is_null() {
            return ffi::SQLITE_OK;
        }
        // SAFETY: SQL-1.
        self.using(|| library::call(cx, || unsafe { ffi::sqlite3_reset(st) }))
    }

    /// Ends the execution when the cursor was collected.
    pub fn abandon(&self) {
        self.give_back();
        self.set_active(false);
        library::dispose_rows(self.st.get());
    }

    /// Finalises it, since the connection is closed; not while it is being stepped (by what closes the connection).
    pub fn finalize(&self, cx: &mut Cx) {
        if self.in_use.get() != 0 {
            return;
        }
        self.set_active(false);
        let st = self.st.replace(std::ptr::null_mut());
        library::forget_rows(st);
        // SAFETY: SQL-1.
        library::call(cx, || unsafe { ffi::sqlite3_finalize(st) });
    }

    /// Number of columns of a row.
    pub fn columns(&self) -> i32 {
        // SAFETY: SQL-1; null has none.
        unsafe { ffi::sqlite3_column_count(self.st.get()) }
    }

    fn parameter_name(&self, i: i32) -> Option<&CStr> {
        // SAFETY: SQL-1; the name lives as long as the statement.
        let name = unsafe { ffi::sqlite3_bind_parameter_name(self.st.get(), i) };
        // SAFETY: as above.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })
    }

    /// Binds the parameters: a sequence or a mapping.
    pub fn bind(&self, cx: &mut Cx, parameters: Value) -> PyResult<()> {
        // SAFETY: SQL-1; null has none.
        let needed = unsafe { ffi::sqlite3_bind_parameter_count(self.st.get()) };
        let class = parameters.class();
        let is_dict = parameters.downcast::<taipan_runtime::dict::Dict>().is_some();
        // As in the C API, a Python class with `__getitem__` counts as a sequence unless it is a dict.
        let is_mapping = is_dict || (!class.is_heap_type() && class.has(flags::MAPPING));
        if class.slots().getitem.is_none() {
            return Err(error::programming(cx, "parameters are of unsupported type"));
        }
        if is_mapping { self.bind_mapping(cx, parameters, needed) } else { self.bind_sequence(cx, parameters, needed) }
    }

    fn bind_sequence(&self, cx: &mut Cx, parameters: Value, needed: i32) -> PyResult<()> {
        let given = protocol::len(cx, parameters)?;
        if given != needed as usize {
            let text = format!(
                "Incorrect number of bindings supplied. The current statement uses {needed}, and there are {given} supplied."
            );
            return Err(error::programming(cx, &text));
        }
        for i in 1..=needed {
            if let Some(name) = self.parameter_name(i).filter(|n| !n.to_bytes().starts_with(b"?")) {
                let text = format!(
                    "Binding {i} ('{}') is a named parameter, but you supplied a sequence which requires nameless (qmark) placeholders.",
                    name.to_string_lossy()
                );
                return Err(error::programming(cx, &text));
            }
            let at = (i - 1) as usize;
            let item = if let Some(tuple) = parameters.exact::<Tuple>() {
                tuple.items().get(at).copied()
            } else if let Some(list) = parameters.exact::<List>() {
                list.get(at)
            } else {
                Some(protocol::get_item(cx, parameters, Value::small(at as i64))?)
            };
            let Some(item) = item else { return raise!(cx, IndexError, "list index out of range") };
            self.bind_one(cx, i, item)?;
        }
        Ok(())
    }

    fn bind_mapping(&self, cx: &mut Cx, parameters: Value, needed: i32) -> PyResult<()> {
        for i in 1..=needed {
            let Some(name) = self.parameter_name(i) else {
                let text = format!("Binding {i} has no name, but you supplied a dictionary (which has only names).");
                return Err(error::programming(cx, &text));
            };
            let name = String::from_utf8_lossy(&name.to_bytes()[1..]).into_owned();
            let key = cx.str(&name);
            let found = protocol::get_item(cx, parameters, key);
            match cx.catch(found, &exceptions::LookupError)? {
                Some(item) => self.bind_one(cx, i, item)?,
                None => {
                    let text = format!("You did not supply a value for binding parameter :{name}.");
                    return Err(error::programming(cx, &text));
                }
            }
        }
        Ok(())
    }

    fn bind_one(&self, cx: &mut Cx, i: i32, item: Value) -> PyResult<()> {
        let item = if adapt::is_needed(item) {
            adapt::adapt(cx, item, Value::of(&adapt::PREPARE_PROTOCOL), Some(item))?
        } else {
            item
        };
        let result = match value::bind(cx, self.st.get(), i, item) {
            Ok(Some(ffi::SQLITE_OK)) => return Ok(()),
            Ok(Some(_)) => return Err(error::of_db(cx, self.db.get())),
            Ok(None) => {
                let class = item.class().tp_name();
                Err(error::programming(cx, &format!("Error binding parameter {i}: type '{class}' is not supported")))
            }
            Err(raised) => Err(raised),
        };
        // As in CPython, an error that the connection still remembers comes first.
        // SAFETY: an open connection.
        let status = library::brief(cx, self.db.get(), || unsafe { ffi::sqlite3_errcode(self.db.get()) });
        if status != ffi::SQLITE_OK {
            let first = cx.take_exception();
            let raised = error::of_db(cx, self.db.get());
            if let Some(second) = cx.exception().and_then(|e| e.downcast::<exceptions::Exception>()) {
                second.context.set(Some(first));
                cx.barrier(second);
            }
            return Err(raised);
        }
        result
    }
}
