//! Calls of the library: without the GIL, and never from inside the collector while it may be in use.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libsqlite3_sys as ffi;
use taipan_runtime::types::descr::MethodDescr;
use taipan_runtime::{Cx, liveness, threads};

use crate::blob::Blob;
use crate::connection::CONNECTION;
use crate::cursor::CURSOR;
use crate::statement::Statement;

unsafe extern "C" {
    /// Closes a connection once its statements are gone; the crate has only the strict `sqlite3_close`.
    pub fn sqlite3_close_v2(db: *mut ffi::sqlite3) -> i32;
}

thread_local! {
    /// Calls of the library that this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The collector disposes of something: callbacks may not run Python code.
    static DISPOSING: Cell<bool> = const { Cell::new(false) };
    /// A busy database is reported at once.
    static GIVE_UP: Cell<bool> = const { Cell::new(false) };
}

/// Statements that have delivered a row and were not reset.
static ACTIVE: AtomicIsize = AtomicIsize::new(0);

/// Something whose owner died while the library could not be called.
enum Dead {
    Statement(*mut ffi::sqlite3_stmt),
    /// The cursor died, the statement may live.
    Rows(*mut ffi::sqlite3_stmt),
    Blob(*mut ffi::sqlite3_blob),
    Connection(*mut ffi::sqlite3),
}
// SAFETY: the library is built thread-safe.
unsafe impl Send for Dead {}

static DEAD: Mutex<Vec<Dead>> = Mutex::new(Vec::new());
static DEAD_COUNT: AtomicUsize = AtomicUsize::new(0);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a call of the library that may block or call back, without the GIL.
pub fn call<T>(cx: &mut Cx, f: impl FnOnce() -> T) -> T {
    if DEAD_COUNT.load(Ordering::Relaxed) != 0 && DEPTH.get() == 0 {
        dispose_all(cx);
    }
    DEPTH.set(DEPTH.get() + 1);
    let result = cx.allow_threads(f);
    DEPTH.set(DEPTH.get() - 1);
    result
}

/// Runs a call of the library that takes the mutex of the connection `db` for a moment. The GIL is kept, but not while
/// another thread has the mutex: in a callback that one may wait for the GIL.
pub fn brief<T>(cx: &mut Cx, db: *mut ffi::sqlite3, f: impl FnOnce() -> T) -> T {
    if db.is_null() || threads::count() == 1 {
        return f();
    }
    // SAFETY: an open connection.
    let mutex = unsafe { ffi::sqlite3_db_mutex(db) };
    // SAFETY: its mutex, which a thread may take several times.
    unsafe {
        if ffi::sqlite3_mutex_try(mutex) != ffi::SQLITE_OK {
            let mutex = mutex as usize;
            cx.allow_threads(|| ffi::sqlite3_mutex_enter(mutex as *mut ffi::sqlite3_mutex));
        }
        let result = f();
        ffi::sqlite3_mutex_leave(mutex);
        result
    }
}

/// As [`brief`], for a statement.
pub fn brief_of<T>(cx: &mut Cx, st: *mut ffi::sqlite3_stmt, f: impl FnOnce() -> T) -> T {
    // SAFETY: a valid statement or null, which has no connection.
    let db = if st.is_null() { std::ptr::null_mut() } else { unsafe { ffi::sqlite3_db_handle(st) } };
    brief(cx, db, f)
}

/// Whether a callback must do nothing because the collector runs.
pub fn is_disposing() -> bool {
    DISPOSING.get()
}

#[cold]
fn dispose_all(cx: &mut Cx) {
    let dead = std::mem::take(&mut *locked(&DEAD));
    DEAD_COUNT.store(0, Ordering::Relaxed);
    DEPTH.set(DEPTH.get() + 1);
    cx.allow_threads(|| {
        DISPOSING.set(true);
        // SAFETY: the owners are gone, and each is in the list once.
        dead.into_iter().for_each(|d| unsafe { d.free() });
        DISPOSING.set(false);
    });
    DEPTH.set(DEPTH.get() - 1);
}

impl Dead {
    unsafe fn free(self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Dead::Statement(st) => ffi::sqlite3_finalize(st),
                Dead::Rows(st) => ffi::sqlite3_reset(st),
                Dead::Blob(blob) => ffi::sqlite3_blob_close(blob),
                Dead::Connection(db) => sqlite3_close_v2(db),
            }
        };
    }

    /// Frees it now, or later if this thread is inside the library or another one uses the connection `db`: to wait for
    /// it could be for ever, since the caller has the GIL.
    unsafe fn dispose(self, db: *mut ffi::sqlite3) {
        if DEPTH.get() == 0 {
            // SAFETY: the connection exists as long as something of it does.
            let mutex = unsafe { ffi::sqlite3_db_mutex(db) };
            // SAFETY: the mutex of an open connection.
            if unsafe { ffi::sqlite3_mutex_try(mutex) } == ffi::SQLITE_OK {
                let is_connection = matches!(self, Dead::Connection(_));
                DISPOSING.set(true);
                // SAFETY: taken above. Nobody can use a connection whose object is dead, so it may be let go before.
                unsafe {
                    if is_connection {
                        ffi::sqlite3_mutex_leave(mutex);
                    }
                    self.free();
                    if !is_connection {
                        ffi::sqlite3_mutex_leave(mutex);
                    }
                }
                DISPOSING.set(false);
                return;
            }
        }
        locked(&DEAD).push(self);
        DEAD_COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

/// Finalises the statement of a dead object.
pub fn dispose_statement(st: *mut ffi::sqlite3_stmt) {
    if !st.is_null() {
        forget_rows(st);
        // SAFETY: a valid statement that nobody refers to.
        unsafe { Dead::Statement(st).dispose(ffi::sqlite3_db_handle(st)) };
    }
}

/// Ends the execution of a statement whose cursor died.
pub fn dispose_rows(st: *mut ffi::sqlite3_stmt) {
    if !st.is_null() {
        // SAFETY: a valid statement; if it is finalised before its turn comes, it leaves the list.
        unsafe { Dead::Rows(st).dispose(ffi::sqlite3_db_handle(st)) };
    }
}

/// Takes a statement that is about to be finalised out of the list of those to be reset.
pub fn forget_rows(st: *mut ffi::sqlite3_stmt) {
    if DEAD_COUNT.load(Ordering::Relaxed) != 0 {
        locked(&DEAD).retain(|dead| !matches!(dead, Dead::Rows(other) if *other == st));
    }
}

/// Closes the blob of a dead object.
pub fn dispose_blob(blob: *mut ffi::sqlite3_blob, db: *mut ffi::sqlite3) {
    if !blob.is_null() {
        // SAFETY: a valid blob that nobody refers to.
        unsafe { Dead::Blob(blob).dispose(db) };
    }
}

/// Closes the connection of a dead object.
pub fn dispose_connection(db: *mut ffi::sqlite3) {
    if !db.is_null() {
        // SAFETY: a valid connection that nobody refers to.
        unsafe { Dead::Connection(db).dispose(db) };
    }
}

// ---- what belongs to a connection ------------------------------------------------------------------

/// The living statements and blobs of a connection.
#[derive(Default)]
pub struct Owned {
    /// Statement objects.
    pub statements: Vec<*const Statement>,
    /// Blob objects.
    pub blobs: Vec<*const Blob>,
}
// SAFETY: only used with the GIL held.
unsafe impl Send for Owned {}

static OWNED: Mutex<Option<HashMap<usize, Owned>>> = Mutex::new(None);

/// Does something with the list of what belongs to `db`.
pub fn with_owned<T>(db: *mut ffi::sqlite3, f: impl FnOnce(&mut Owned) -> T) -> T {
    f(locked(&OWNED).get_or_insert_with(HashMap::new).entry(db as usize).or_default())
}

/// Takes the list of what belongs to `db`, which is about to be closed.
pub fn take_owned(db: *mut ffi::sqlite3) -> Owned {
    locked(&OWNED).as_mut().and_then(|all| all.remove(&(db as usize))).unwrap_or_default()
}

// ---- steps -----------------------------------------------------------------------------------------

/// Notes that a statement has (`1`) or no longer has (`-1`) a row.
pub fn count_active(change: isize) {
    ACTIVE.fetch_add(change, Ordering::Relaxed);
}

/// `sqlite3_step`. A cursor that was dropped in the middle of its rows holds a lock until it is collected, where CPython
/// would have freed it at once; so when the database is locked and there are such statements, a collection comes first.
pub fn step(cx: &mut Cx, st: *mut ffi::sqlite3_stmt) -> i32 {
    if st.is_null() {
        return ffi::SQLITE_DONE;
    }
    let may_collect = ACTIVE.load(Ordering::Relaxed) > 0 && DEPTH.get() == 0;
    // SAFETY: SQL-1.
    let run = || unsafe { ffi::sqlite3_step(st) };
    if !may_collect {
        return call(cx, run);
    }
    let status = call(cx, || {
        GIVE_UP.set(true);
        let status = run();
        GIVE_UP.set(false);
        status
    });
    if !matches!(status & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) {
        return status;
    }
    liveness::forget_dead_temporaries(cx);
    // Stale words on the stack must not keep such a cursor alive.
    let is_execute = |method: &MethodDescr| {
        let ours = [&CONNECTION, &CURSOR].iter().any(|class| std::ptr::eq(*class, method.owner));
        ours && ["execute", "executemany"].contains(&method.def.name)
    };
    match liveness::stack_of_method_caller(cx, is_execute) {
        // SAFETY: an instruction called one of these two methods. What they keep on the native stack is in roots.
        Some(stack) => unsafe { cx.heap().collect_above(taipan_gc::Kind::Major, stack) },
        None => cx.heap().collect(taipan_gc::Kind::Major),
    }
    // SAFETY: SQL-1.
    call(cx, || unsafe { ffi::sqlite3_reset(st) });
    call(cx, run)
}

/// The busy handler of connections: waits a little longer each time, up to the timeout, which is the argument.
pub unsafe extern "C" fn busy(timeout: *mut std::ffi::c_void, count: i32) -> i32 {
    const DELAYS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];
    let last = DELAYS.len() - 1;
    let (timeout, n) = (timeout as u64, usize::try_from(count).unwrap_or(0));
    let before: u64 = DELAYS.iter().take(n.min(last)).sum::<u64>() + n.saturating_sub(last) as u64 * DELAYS[last];
    if GIVE_UP.get() || before >= timeout {
        return 0;
    }
    let delay = DELAYS[n.min(last)].min(timeout - before);
    std::thread::sleep(std::time::Duration::from_millis(delay));
    1
}
