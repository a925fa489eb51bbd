//! The exception classes, and raising the error of a connection.

use std::ffi::CStr;

use libsqlite3_sys as ffi;
use taipan_runtime::protocol::attr;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Cx, Raised, exceptions};

use crate::constants;
use crate::library;

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $base:expr;)*) => {
        $(
            $(#[doc = $doc])+
            pub static $name: Type = Type::new({
                static SPEC: TypeSpec = TypeSpec {
                    name: concat!("sqlite3.", $text),
                    base: Some($base),
                    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
                    ..TypeSpec::DEFAULT
                };
                &SPEC
            });
        )*
        /// All exception classes, bases first, with their names.
        pub static ALL: &[(&str, &Type)] = &[$(($text, &$name)),*];
    };
}

classes! {
    /// `sqlite3.Warning`.
    WARNING "Warning" &exceptions::Exception_;
    /// `sqlite3.Error`.
    ERROR "Error" &exceptions::Exception_;
    /// `sqlite3.InterfaceError`.
    INTERFACE_ERROR "InterfaceError" &ERROR;
    /// `sqlite3.DatabaseError`.
    DATABASE_ERROR "DatabaseError" &ERROR;
    /// `sqlite3.DataError`.
    DATA_ERROR "DataError" &DATABASE_ERROR;
    /// `sqlite3.OperationalError`.
    OPERATIONAL_ERROR "OperationalError" &DATABASE_ERROR;
    /// `sqlite3.IntegrityError`.
    INTEGRITY_ERROR "IntegrityError" &DATABASE_ERROR;
    /// `sqlite3.InternalError`.
    INTERNAL_ERROR "InternalError" &DATABASE_ERROR;
    /// `sqlite3.ProgrammingError`.
    PROGRAMMING_ERROR "ProgrammingError" &DATABASE_ERROR;
    /// `sqlite3.NotSupportedError`.
    NOT_SUPPORTED_ERROR "NotSupportedError" &DATABASE_ERROR;
}

/// Raises ProgrammingError.
pub fn programming(cx: &mut Cx, text: &str) -> Raised {
    cx.raise_text(&PROGRAMMING_ERROR, text)
}

/// Raises OperationalError.
pub fn operational(cx: &mut Cx, text: &str) -> Raised {
    cx.raise_text(&OPERATIONAL_ERROR, text)
}

fn class_of(code: i32) -> &'static Type {
    match code & 0xff {
        ffi::SQLITE_INTERNAL | ffi::SQLITE_NOTFOUND => &INTERNAL_ERROR,
        ffi::SQLITE_ERROR
        | ffi::SQLITE_PERM
        | ffi::SQLITE_ABORT
        | ffi::SQLITE_BUSY
        | ffi::SQLITE_LOCKED
        | ffi::SQLITE_READONLY
        | ffi::SQLITE_INTERRUPT
        | ffi::SQLITE_IOERR
        | ffi::SQLITE_FULL
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_PROTOCOL
        | ffi::SQLITE_EMPTY
        | ffi::SQLITE_SCHEMA => &OPERATIONAL_ERROR,
        ffi::SQLITE_TOOBIG => &DATA_ERROR,
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => &INTEGRITY_ERROR,
        ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE => &INTERFACE_ERROR,
        _ => &DATABASE_ERROR,
    }
}

/// Text that the library returned.
///
/// # Safety
/// A NUL-terminated string or null.
pub unsafe fn text(p: *const std::ffi::c_char) -> String {
    if p.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned()
}

/// Raises the error of the last call on `db`.
pub fn of_db(cx: &mut Cx, db: *mut ffi::sqlite3) -> Raised {
    // SAFETY: a valid connection, or null, which reads as out of memory.
    let (code, extended, message) = library::brief(cx, db, || unsafe {
        (ffi::sqlite3_errcode(db), ffi::sqlite3_extended_errcode(db), text(ffi::sqlite3_errmsg(db)))
    });
    of_code(cx, code, extended, &message)
}

/// Raises the error of a backup, which belongs to no connection.
pub fn of_status(cx: &mut Cx, code: i32) -> Raised {
    // SAFETY: the text is static.
    let message = unsafe { text(ffi::sqlite3_errstr(code)) };
    of_code(cx, code, code, &message)
}

fn of_code(cx: &mut Cx, code: i32, extended: i32, message: &str) -> Raised {
    if code & 0xff == ffi::SQLITE_NOMEM {
        return cx.memory_error();
    }
    let raised = cx.raise_text(class_of(code), message);
    let Some(exception) = cx.exception() else { return raised };
    let name = constants::ERRORS.iter().find(|e| e.1 == extended).map_or("unknown", |e| e.0);
    let (code, name) = (cx.int(i64::from(extended)), cx.str(name));
    for (key, value) in [("sqlite_errorcode", code), ("sqlite_errorname", name)] {
        let key = cx.intern(key);
        if attr::set(cx, exception, key, Some(value)).is_err() {
            return Raised;
        }
    }
    raised
}
