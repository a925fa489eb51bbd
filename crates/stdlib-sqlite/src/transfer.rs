//! Whole databases: `backup`, `serialize`, `deserialize`.

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer;
use taipan_runtime::protocol::number;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::connection::Connection;
use crate::connection_methods::c_text;
use crate::statement::utf8;
use crate::{error, library};

/// Methods of connections about whole databases.
pub struct Transfer;

#[pymethods]
impl Transfer {
    /// Makes a backup of the database.
    #[py("($self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25)")]
    fn backup(
        cx: &mut Cx,
        this: &'static Connection,
        target: &'static Connection,
        pages: Option<i32>,
        progress: Option<Value>,
        name: Option<&'static Str>,
        sleep: Option<Value>,
    ) -> PyResult<()> {
        let pages = pages.filter(|n| *n != 0).unwrap_or(-1);
        let name = name.map_or(Ok(c"main".to_owned()), |s| c_text(cx, s))?;
        let sleep = sleep.map_or(Ok(0.25), |v| number::to_f64(cx, v))?;
        this.check(cx)?;
        target.check(cx)?;
        if std::ptr::eq(this, target) {
            return raise!(cx, ValueError, "target cannot be the same connection instance");
        }
        let progress = progress.filter(|p| !p.is_none());
        if progress.is_some_and(|p| p.class().slots().call.is_none()) {
            return raise!(cx, TypeError, "progress argument must be a callable");
        }
        let (from, to) = (this.db(), target.db());
        // SAFETY: open connections.
        let backup =
            library::call(cx, || unsafe { ffi::sqlite3_backup_init(to, c"main".as_ptr(), from, name.as_ptr()) });
        if backup.is_null() {
            return Err(target.error(cx));
        }
        let (status, told) = copy(cx, backup, pages, progress, (sleep * 1000.0) as i32);
        // SAFETY: made above, finished once.
        let finished = library::call(cx, || unsafe { ffi::sqlite3_backup_finish(backup) });
        told?;
        if status != ffi::SQLITE_DONE && status != ffi::SQLITE_OK {
            return Err(error::of_status(cx, status));
        }
        if finished != ffi::SQLITE_OK {
            return Err(target.error(cx));
        }
        Ok(())
    }

    /// Serialize a database into a byte string.
    ///
    ///   name
    ///     Which database to serialize.
    ///
    /// For an ordinary on-disk database file, the serialization is just
    /// a copy of the disk file.  For an in-memory database or a "temp"
    /// database, the serialization is the same sequence of bytes which
    /// would be written to disk if that database were backed up to disk.
    #[py("($self, /, *, name='main')")]
    fn serialize(cx: &mut Cx, this: &'static Connection, name: Option<&'static Str>) -> PyResult<&'static Bytes> {
        let name = name.map_or(Ok(c"main".to_owned()), |s| c_text(cx, s))?;
        this.check(cx)?;
        let (db, mut size) = (this.db(), 0);
        // SAFETY: an open connection. In-memory databases lend their bytes, others are copied.
        let (data, owned) = library::call(cx, || unsafe {
            let lent = ffi::sqlite3_serialize(db, name.as_ptr(), &mut size, ffi::SQLITE_SERIALIZE_NOCOPY as u32);
            if lent.is_null() { (ffi::sqlite3_serialize(db, name.as_ptr(), &mut size, 0), true) } else { (lent, false) }
        });
        if data.is_null() {
            let text = format!("unable to serialize '{}'", name.to_string_lossy());
            return Err(error::operational(cx, &text));
        }
        // SAFETY: the library's bytes.
        let bytes = Bytes::new(cx, unsafe { std::slice::from_raw_parts(data, size as usize) });
        if owned {
            // SAFETY: a copy made for us.
            unsafe { ffi::sqlite3_free(data.cast()) };
        }
        Ok(bytes)
    }

    /// Load a serialized database.
    ///
    ///   data
    ///     The serialized database content.
    ///   name
    ///     Which database to reopen with the deserialization.
    ///
    /// The deserialize interface causes the database connection to
    /// disconnect from the target database, and then reopen it as
    /// an in-memory database based on the given serialized data.
    ///
    /// The deserialize interface will fail with SQLITE_BUSY if the database
    /// is currently in a read transaction or is involved in a backup
    /// operation.
    #[py("($self, data, /, *, name='main')")]
    fn deserialize(cx: &mut Cx, this: &'static Connection, data: Value, name: Option<&'static Str>) -> PyResult<()> {
        let content = match data.downcast::<Str>() {
            Some(s) => utf8(cx, s)?.into_owned(),
            None => buffer::hold(cx, data, 0)?.bytes().to_vec(),
        };
        let name = name.map_or(Ok(c"main".to_owned()), |s| c_text(cx, s))?;
        this.check(cx)?;
        let size = content.len();
        // SAFETY: plain allocation.
        let copy = unsafe { ffi::sqlite3_malloc64(size as u64) }.cast::<u8>();
        if copy.is_null() {
            return Err(cx.memory_error());
        }
        let db = this.db();
        let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
        // SAFETY: an open connection; the library owns the copy from here on, also when it fails.
        let status = library::call(cx, || unsafe {
            copy.copy_from_nonoverlapping(content.as_ptr(), size);
            ffi::sqlite3_deserialize(db, name.as_ptr(), copy, size as i64, size as i64, flags as u32)
        });
        if status != ffi::SQLITE_OK {
            return Err(this.error(cx));
        }
        Ok(())
    }
}

/// Copies page by page; the last status, and whether the progress callback raised.
fn copy(
    cx: &mut Cx,
    backup: *mut ffi::sqlite3_backup,
    pages: i32,
    progress: Option<Value>,
    sleep: i32,
) -> (i32, PyResult<()>) {
    loop {
        // SAFETY: a backup that is not finished.
        let (status, left, total) = library::call(cx, || unsafe {
            let status = ffi::sqlite3_backup_step(backup, pages);
            (status, ffi::sqlite3_backup_remaining(backup), ffi::sqlite3_backup_pagecount(backup))
        });
        if let Some(progress) = progress {
            let args = [status, left, total].map(|n| Value::small(i64::from(n)));
            if let Err(raised) = cx.call(progress, &args) {
                return (status, Err(raised));
            }
        }
        match status {
            ffi::SQLITE_OK => {}
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                if let Err(raised) = cx.handle_interrupt() {
                    return (status, Err(raised));
                }
                // SAFETY: sleeps.
                library::call(cx, || unsafe { ffi::sqlite3_sleep(sleep) });
            }
            _ => return (status, Ok(())),
        }
    }
}
