//! `Blob`: a value of the database that is read and written like a file.

use std::cell::Cell;
use std::ffi::CString;

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{buffer, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::connection::Connection;
use crate::{error, library};

/// An open blob; `blob` is null once it is closed.
#[repr(C)]
pub struct Blob {
    header: Header,
    connection: Cell<&'static Connection>,
    blob: Cell<*mut ffi::sqlite3_blob>,
    db: Cell<*mut ffi::sqlite3>,
    offset: Cell<usize>,
}
object!(Blob, BLOB);
trace_values!(trace_blob, Blob, |t| [Value::of(t.connection.get())]);

/// The type `Blob`.
pub static BLOB: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Blob",
    basicsize: std::mem::size_of::<Blob>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_blob),
    drop: Some(drop_blob),
    slots: Slots {
        len: Some(len),
        getitem: Some(getitem),
        setitem: Some(setitem),
        iter: Some(not_iterable),
        ..Slots::NONE
    },
    methods: &[Blob::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_blob(object: *mut Header) {
    // SAFETY: a dead blob.
    let this = unsafe { &*object.cast::<Blob>() };
    let blob = this.blob.replace(std::ptr::null_mut());
    if !blob.is_null() {
        library::with_owned(this.db.get(), |owned| owned.blobs.retain(|b| !std::ptr::eq(*b, this)));
        library::dispose_blob(blob, this.db.get());
    }
}

/// `blobopen(table, column, row)`, given database, table and column.
pub fn open(
    cx: &mut Cx,
    connection: &'static Connection,
    names: [&CString; 3],
    row: i64,
    readonly: bool,
) -> PyResult<&'static Blob> {
    let (db, mut blob) = (connection.db(), std::ptr::null_mut());
    let [database, table, column] = names.map(|n| n.as_ptr());
    // SAFETY: an open connection and C strings.
    let status = library::call(cx, || unsafe {
        ffi::sqlite3_blob_open(db, database, table, column, row, i32::from(!readonly), &mut blob)
    });
    if status != ffi::SQLITE_OK {
        return Err(connection.error(cx));
    }
    let this = cx.alloc_of(
        &BLOB,
        Blob {
            header: Header::fresh(&BLOB),
            connection: Cell::new(connection),
            blob: Cell::new(blob),
            db: Cell::new(db),
            offset: Cell::new(0),
        },
    );
    library::with_owned(db, |owned| owned.blobs.push(this));
    Ok(this)
}

fn of(v: Value) -> &'static Blob {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// Blobs have items but are no sequences.
fn not_iterable(cx: &mut Cx, v: Value) -> PyResult<Value> {
    raise!(cx, TypeError, "'{}' object is not iterable", v.class().tp_name())
}

fn len(cx: &mut Cx, v: Value) -> PyResult<usize> {
    of(v).check(cx)?;
    Ok(of(v).size())
}

impl Blob {
    /// Closes it, if it is open.
    pub fn close_now(&self, cx: &mut Cx) {
        let blob = self.blob.replace(std::ptr::null_mut());
        if !blob.is_null() {
            // SAFETY: an open blob.
            library::call(cx, || unsafe { ffi::sqlite3_blob_close(blob) });
        }
    }

    fn check(&self, cx: &mut Cx) -> PyResult<()> {
        self.connection.get().check(cx)?;
        if self.blob.get().is_null() {
            return Err(error::programming(cx, "Cannot operate on a closed blob."));
        }
        Ok(())
    }

    fn size(&self) -> usize {
        // SAFETY: an open blob.
        unsafe { ffi::sqlite3_blob_bytes(self.blob.get()) as usize }
    }

    fn read_at(&self, cx: &mut Cx, offset: usize, n: usize) -> PyResult<Vec<u8>> {
        let mut out = cx.zeroed(n)?;
        let blob = self.blob.get();
        // SAFETY: an open blob; the library checks the range.
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_blob_read(blob, out.as_mut_ptr().cast(), n as i32, offset as i32)
        });
        if status != ffi::SQLITE_OK {
            return Err(error::of_db(cx, self.db.get()));
        }
        Ok(out)
    }

    fn write_at(&self, cx: &mut Cx, offset: usize, data: &[u8]) -> PyResult<()> {
        if data.len() > self.size().saturating_sub(offset) {
            return raise!(cx, ValueError, "data longer than blob length");
        }
        let blob = self.blob.get();
        // SAFETY: an open blob; the library checks the range.
        let status = library::call(cx, || unsafe {
            ffi::sqlite3_blob_write(blob, data.as_ptr().cast(), data.len() as i32, offset as i32)
        });
        if status != ffi::SQLITE_OK {
            return Err(error::of_db(cx, self.db.get()));
        }
        Ok(())
    }

    fn index(&self, cx: &mut Cx, key: Value) -> PyResult<usize> {
        let mut i = number::to_isize(cx, key);
        if i.is_err() && cx.exception_matches(&exceptions::OverflowError) {
            cx.take_exception();
            i = Err(cx.raise_text(&exceptions::IndexError, "cannot fit 'int' into an index-sized integer"));
        }
        match taipan_runtime::protocol::sequence::resolve(i?, self.size()) {
            Some(i) => Ok(i),
            None => raise!(cx, IndexError, "Blob index out of range"),
        }
    }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    this.check(cx)?;
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.size())?;
        this.check(cx)?;
        if range.len == 0 {
            return Ok(Value::of(Bytes::new(cx, b"")));
        }
        if range.step == 1 {
            let data = this.read_at(cx, range.start as usize, range.len)?;
            return Ok(Value::of(Bytes::new(cx, &data)));
        }
        let size = this.size();
        let data = this.read_at(cx, 0, size)?;
        let picked: Vec<u8> = range.indices().map(|i| data[i]).collect();
        return Ok(Value::of(Bytes::new(cx, &picked)));
    }
    if int::check(key) || key.class().slots().index.is_some() {
        let i = this.index(cx, key)?;
        let byte = this.read_at(cx, i, 1)?[0];
        return Ok(Value::small(i64::from(byte)));
    }
    raise!(cx, TypeError, "Blob indices must be integers")
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    this.check(cx)?;
    if let Some(slice) = key.exact::<Slice>() {
        let Some(value) = value else { return raise!(cx, TypeError, "Blob doesn't support slice deletion") };
        let range = slice.apply(cx, || this.size())?;
        let held = buffer::hold(cx, value, 0)?;
        this.check(cx)?;
        if held.len != range.len {
            return raise!(cx, IndexError, "Blob slice assignment is wrong size");
        }
        if range.len == 0 {
            return Ok(());
        }
        if range.step == 1 {
            return this.write_at(cx, range.start as usize, held.bytes());
        }
        let size = this.size();
        let mut data = this.read_at(cx, 0, size)?;
        for (i, byte) in range.indices().zip(held.bytes()) {
            data[i] = *byte;
        }
        return this.write_at(cx, 0, &data);
    }
    if int::check(key) || key.class().slots().index.is_some() {
        let Some(value) = value else { return raise!(cx, TypeError, "Blob doesn't support item deletion") };
        let i = this.index(cx, key)?;
        if !int::check(value) {
            let got = value.class().tp_name();
            return raise!(cx, TypeError, "'{got}' object cannot be interpreted as an integer");
        }
        return match int::as_i64(value).and_then(|n| u8::try_from(n).ok()) {
            Some(byte) => this.write_at(cx, i, &[byte]),
            None => raise!(cx, ValueError, "byte must be in range(0, 256)"),
        };
    }
    raise!(cx, TypeError, "Blob indices must be integers")
}

#[pymethods]
impl Blob {
    /// Close the blob.
    #[py("($self, /)")]
    fn close(cx: &mut Cx, this: &'static Blob) -> PyResult<()> {
        this.connection.get().check(cx)?;
        library::with_owned(this.db.get(), |owned| owned.blobs.retain(|b| !std::ptr::eq(*b, this)));
        this.close_now(cx);
        Ok(())
    }

    /// Read data at the current offset position.
    ///
    ///   length
    ///     Read length in bytes.
    ///
    /// If the end of the blob is reached, the data up to end of file will
    /// be returned.  When length is not specified, or is negative,
    /// Blob.read() will read until the end of the blob.
    #[py("($self, length=-1, /)")]
    fn read(cx: &mut Cx, this: &'static Blob, length: Option<i32>) -> PyResult<&'static Bytes> {
        this.check(cx)?;
        let left = this.size().saturating_sub(this.offset.get());
        let n = usize::try_from(length.unwrap_or(-1)).map_or(left, |n| n.min(left));
        if n == 0 {
            return Ok(Bytes::new(cx, b""));
        }
        let data = this.read_at(cx, this.offset.get(), n)?;
        this.offset.set(this.offset.get() + n);
        Ok(Bytes::new(cx, &data))
    }

    /// Write data at the current offset.
    ///
    /// This function cannot change the blob length.  Writing beyond the end
    /// of the blob will result in an exception being raised.
    #[py("($self, data, /)")]
    fn write(cx: &mut Cx, this: &'static Blob, data: buffer::Held) -> PyResult<()> {
        this.check(cx)?;
        this.write_at(cx, this.offset.get(), data.bytes())?;
        this.offset.set(this.offset.get() + data.len);
        Ok(())
    }

    /// Set the current access position to offset.
    ///
    /// The origin argument defaults to os.SEEK_SET (absolute blob
    /// positioning).  Other values for origin are os.SEEK_CUR (seek
    /// relative to the current position) and os.SEEK_END (seek relative to
    /// the blob's end).
    #[py("($self, offset, origin=0, /)")]
    fn seek(cx: &mut Cx, this: &'static Blob, offset: i32, origin: Option<i32>) -> PyResult<()> {
        this.check(cx)?;
        let size = this.size() as i64;
        let base = match origin.unwrap_or(0) {
            0 => 0,
            1 => this.offset.get() as i64,
            2 => size,
            _ => {
                let text = "'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END";
                return raise!(cx, ValueError, "{text}");
            }
        };
        let at = base + i64::from(offset);
        if at > i64::from(i32::MAX) {
            return raise!(cx, OverflowError, "seek offset results in overflow");
        }
        if !(0..=size).contains(&at) {
            return raise!(cx, ValueError, "offset out of blob range");
        }
        this.offset.set(at as usize);
        Ok(())
    }

    /// Return the current access position for the blob.
    #[py("($self, /)")]
    fn tell(cx: &mut Cx, this: &'static Blob) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.offset.get())
    }

    /// Blob context manager enter.
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Blob) -> PyResult<&'static Blob> {
        this.check(cx)?;
        Ok(this)
    }

    /// Blob context manager exit.
    #[py("($self, type, val, tb, /)")]
    fn __exit__(cx: &mut Cx, this: &'static Blob, _kind: Value, _val: Value, _tb: Value) -> PyResult<bool> {
        this.check(cx)?;
        Self::close(cx, this)?;
        Ok(false)
    }
}
