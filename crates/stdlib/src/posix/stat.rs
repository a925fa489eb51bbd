//! stat, access times and their result types.

use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::protocol::{number, object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::structseq::{self, StructSeq};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::host::{self, PATH, PATH_OR_FD, Path};

const VISIBLE: &[(&str, &str)] = &[
    ("st_mode", "protection bits"),
    ("st_ino", "inode"),
    ("st_dev", "device"),
    ("st_nlink", "number of hard links"),
    ("st_uid", "user ID of owner"),
    ("st_gid", "group ID of owner"),
    ("st_size", "total size, in bytes"),
    ("_", "integer time of last access"),
    ("_", "integer time of last modification"),
    ("_", "integer time of last change"),
];
const HIDDEN: &[(&str, &str)] = &[
    ("st_atime", "time of last access"),
    ("st_mtime", "time of last modification"),
    ("st_ctime", "time of last change"),
    ("st_atime_ns", "time of last access in nanoseconds"),
    ("st_mtime_ns", "time of last modification in nanoseconds"),
    ("st_ctime_ns", "time of last change in nanoseconds"),
    ("st_blksize", "blocksize for filesystem I/O"),
    ("st_blocks", "number of blocks allocated"),
    ("st_rdev", "device type (if inode device)"),
];
const FIELDS: usize = VISIBLE.len() + HIDDEN.len();
static STAT_GETSETS: [taipan_runtime::native::GetSetDef; FIELDS] = structseq::getsets::<FIELDS>(VISIBLE, HIDDEN);

/// `os.stat_result`.
pub static STAT_RESULT: Type = Type::new(&STAT_RESULT_SPEC);
static STAT_RESULT_SPEC: TypeSpec = TypeSpec {
    name: "os.stat_result",
    base: Some(&taipan_runtime::types::tuple_methods::TUPLE),
    trace: Some(structseq::trace::<FIELDS>),
    slots: Slots { repr: Some(repr), new: Some(new), ..Slots::NONE },
    methods: &[StructSeq::METHODS],
    getsets: &[&STAT_GETSETS],
    doc: "stat_result: Result from stat, fstat, or lstat.\n\nThis object may be accessed either as a tuple of\n  (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)\nor via the attributes st_mode, st_ino, st_dev, st_nlink, st_uid, and so on.\n\nPosix/windows: If your platform supports st_blksize, st_blocks, st_rdev,\nor st_flags, they are available as attributes only.\n\nSee os.stat for more information.",
    ..TypeSpec::DEFAULT
};

taipan_runtime::structseq! {
    /// `os.statvfs_result`.
    pub STATVFS_RESULT "os.statvfs_result"
    "statvfs_result: Result from statvfs or fstatvfs.\n\nThis object may be accessed either as a tuple of\n  (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax),\nor via the attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.\n\nSee os.statvfs for more information."
    {
        f_bsize "", f_frsize "", f_blocks "", f_bfree "", f_bavail "", f_files "", f_ffree "", f_favail "", f_flag "",
        f_namemax "",
    } hidden { f_fsid "" }
}

/// Float times that were not given are the int times.
fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let made = structseq::construct(cx, class, args)?;
    // SAFETY: construct makes an instance of the class, which has FIELDS items.
    let tuple = unsafe { made.cast::<Tuple>() };
    let mut items = [Value::none(); FIELDS];
    for (i, item) in items.iter_mut().enumerate() {
        // SAFETY: all fields exist.
        *item = unsafe { tuple.hidden(i) };
    }
    let mut changed = false;
    for i in 7..10 {
        if items[i + 3].is_none() {
            items[i + 3] = items[i];
            changed = true;
        }
    }
    Ok(if changed { structseq::new(cx, class, &items) } else { made })
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of stat results.
    let tuple = unsafe { v.cast::<Tuple>() };
    let names = VISIBLE[..7].iter().chain(&HIDDEN[..3]);
    let mut text = String::from("os.stat_result(");
    for (i, ((name, _), item)) in names.zip(tuple.items()).enumerate() {
        let item = object::repr_text(cx, *item)?;
        text.push_str(&format!("{}{name}={item}", if i > 0 { ", " } else { "" }));
    }
    text.push(')');
    Ok(cx.str(&text))
}

/// Adds the types of this file.
pub fn add_types(cx: &mut Cx, module: &'static Module) {
    structseq::ready(cx, &STAT_RESULT, 10);
    structseq::ready(cx, &STATVFS_RESULT, 10);
    module.set(cx, "stat_result", Value::of(&STAT_RESULT));
    module.set(cx, "statvfs_result", Value::of(&STATVFS_RESULT));
}

/// A `stat_result`. May collect.
pub fn stat_value(cx: &mut Cx, st: &libc::stat) -> Value {
    let mut items = [Value::none(); FIELDS];
    items[0] = Value::small(st.st_mode as i64);
    items[1] = cx.int_u64(st.st_ino);
    items[2] = cx.int_u64(st.st_dev);
    items[3] = cx.int_u64(st.st_nlink);
    items[4] = Value::small(st.st_uid as i64);
    items[5] = Value::small(st.st_gid as i64);
    items[6] = cx.int(st.st_size);
    let times = [(st.st_atime, st.st_atime_nsec), (st.st_mtime, st.st_mtime_nsec), (st.st_ctime, st.st_ctime_nsec)];
    for (i, (seconds, nanos)) in times.into_iter().enumerate() {
        items[7 + i] = cx.int(seconds);
        items[10 + i] = cx.float(seconds as f64 + 1e-9 * nanos as f64);
        items[13 + i] = cx.int_wide(seconds as i128 * 1_000_000_000 + nanos as i128);
    }
    items[16] = cx.int(st.st_blksize);
    items[17] = cx.int(st.st_blocks);
    items[18] = cx.int_u64(st.st_rdev);
    structseq::new(cx, &STAT_RESULT, &items)
}

/// `stat` of a path; the inner error is the error number.
pub fn stat_path(path: &Path, dir_fd: i32, follow: bool) -> Result<libc::stat, i32> {
    let mut st = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the text is NUL-terminated; st is filled when the call succeeds.
    unsafe {
        let result = match path.fd {
            Some(fd) => libc::fstat(fd, st.as_mut_ptr()),
            None => {
                let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
                libc::fstatat(dir_fd, path.ptr(), st.as_mut_ptr(), flags)
            }
        };
        if result == 0 { Ok(st.assume_init()) } else { Err(host::errno()) }
    }
}

fn stat_of(
    cx: &mut Cx,
    function: &str,
    path: Value,
    dir_fd: Option<Value>,
    follow: bool,
    allow: host::Allow,
) -> PyResult<Value> {
    let path = Path::new(cx, path, function, "path", allow)?;
    let dir = host::dir_fd(cx, dir_fd)?;
    check_combination(cx, function, &path, dir, follow)?;
    crate::io::settle(cx);
    let result = host::blocking(cx, || stat_path(&path, dir, follow));
    match result {
        Ok(st) => Ok(stat_value(cx, &st)),
        Err(code) => Err(path.error(cx, code)),
    }
}

/// ValueError for a descriptor together with `dir_fd` or `follow_symlinks=False`.
pub fn check_combination(cx: &mut Cx, function: &str, path: &Path, dir_fd: i32, follow: bool) -> PyResult<()> {
    if path.fd.is_some() && dir_fd != libc::AT_FDCWD {
        return raise!(cx, ValueError, "{function}: can't specify dir_fd without matching path");
    }
    if path.fd.is_some() && !follow {
        return raise!(cx, ValueError, "{function}: cannot use fd and follow_symlinks together");
    }
    Ok(())
}

fn statvfs_value(cx: &mut Cx, st: &libc::statvfs) -> Value {
    let mut items = [Value::none(); 11];
    let numbers = [
        st.f_bsize,
        st.f_frsize,
        st.f_blocks,
        st.f_bfree,
        st.f_bavail,
        st.f_files,
        st.f_ffree,
        st.f_favail,
        st.f_flag,
        st.f_namemax,
        st.f_fsid,
    ];
    for (item, n) in items.iter_mut().zip(numbers) {
        *item = cx.int_u64(n);
    }
    structseq::new(cx, &STATVFS_RESULT, &items)
}

fn statvfs_of(cx: &mut Cx, path: &Path) -> PyResult<Value> {
    let mut st = MaybeUninit::<libc::statvfs>::uninit();
    path.run(cx, || {
        // SAFETY: as in stat_path.
        unsafe {
            match path.fd {
                Some(fd) => libc::fstatvfs(fd, st.as_mut_ptr()),
                None => libc::statvfs(path.ptr(), st.as_mut_ptr()),
            }
        }
    })?;
    // SAFETY: the call succeeded.
    Ok(statvfs_value(cx, unsafe { st.assume_init_ref() }))
}

/// Seconds (int or float) as a time.
fn time_of_seconds(cx: &mut Cx, v: Value) -> PyResult<libc::timespec> {
    if let Some(d) = float::as_f64(v) {
        if d.is_nan() {
            return raise!(cx, ValueError, "Invalid value NaN (not a number)");
        }
        let mut seconds = d.floor();
        let mut nanos = ((d - seconds) * 1e9).floor();
        if nanos >= 1e9 {
            seconds += 1.0;
            nanos -= 1e9;
        }
        if seconds.abs() >= 9.3e18 {
            return raise!(cx, OverflowError, "timestamp out of range for platform time_t");
        }
        return Ok(libc::timespec { tv_sec: seconds as i64, tv_nsec: nanos as i64 });
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        return raise!(cx, TypeError, "argument must be int or float, not {}", v.class().tp_name());
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(seconds) => Ok(libc::timespec { tv_sec: seconds, tv_nsec: 0 }),
        None => raise!(cx, OverflowError, "timestamp out of range for platform time_t"),
    }
}

fn time_of_nanos(cx: &mut Cx, v: Value) -> PyResult<libc::timespec> {
    let billion = cx.int(1_000_000_000);
    let v = number::index(cx, v)?;
    let pair = int::divmod(cx, v, billion)?;
    let pair = pair.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    match pair {
        [s, n] => match (int::as_i64(*s), int::as_i64(*n)) {
            (Some(tv_sec), Some(tv_nsec)) => Ok(libc::timespec { tv_sec, tv_nsec }),
            _ => raise!(cx, OverflowError, "timestamp out of range for platform time_t"),
        },
        _ => raise!(cx, TypeError, "utime: 'ns' must be a tuple of two ints"),
    }
}

fn pair_of(cx: &mut Cx, v: Value, name: &str) -> PyResult<[Value; 2]> {
    match v.downcast::<Tuple>().map(|t| t.items()) {
        Some([a, b]) => Ok([*a, *b]),
        _ if name == "times" => {
            raise!(cx, TypeError, "utime: 'times' must be either a tuple of two ints or None")
        }
        _ => raise!(cx, TypeError, "utime: 'ns' must be a tuple of two ints"),
    }
}

/// stat functions.
pub struct Stat;

#[pymethods]
impl Stat {
    /// Perform a stat system call on the given path.
    #[py("($module, /, path, *, dir_fd=None, follow_symlinks=True)")]
    fn stat(cx: &mut Cx, path: Value, dir_fd: Option<Value>, follow_symlinks: Option<bool>) -> PyResult<Value> {
        stat_of(cx, "stat", path, dir_fd, follow_symlinks.unwrap_or(true), PATH_OR_FD)
    }
    /// Perform a stat system call on the given path, without following symbolic links.
    ///
    /// Like stat(), but do not follow symbolic links.
    /// Equivalent to stat(path, follow_symlinks=False).
    #[py("($module, /, path, *, dir_fd=None)")]
    fn lstat(cx: &mut Cx, path: Value, dir_fd: Option<Value>) -> PyResult<Value> {
        stat_of(cx, "lstat", path, dir_fd, false, PATH)
    }
    /// Perform a stat system call on the given file descriptor.
    ///
    /// Like stat(), but for an open file descriptor.
    /// Equivalent to os.stat(fd).
    #[py("($module, /, fd)")]
    fn fstat(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        crate::io::settle(cx);
        let mut st = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: st is filled when the call succeeds.
        host::run(cx, || unsafe { libc::fstat(fd, st.as_mut_ptr()) })?;
        // SAFETY: the call succeeded.
        Ok(stat_value(cx, unsafe { st.assume_init_ref() }))
    }
    /// Perform a statvfs system call on the given path.
    ///
    /// path may always be specified as a string.
    /// On some platforms, path may also be specified as an open file descriptor.
    ///   If this functionality is unavailable, using it raises an exception.
    #[py("($module, /, path)")]
    fn statvfs(cx: &mut Cx, path: Value) -> PyResult<Value> {
        let path = Path::new(cx, path, "statvfs", "path", PATH_OR_FD)?;
        statvfs_of(cx, &path)
    }
    /// Perform an fstatvfs system call on the given fd.
    ///
    /// Equivalent to statvfs(fd).
    #[py("($module, fd, /)")]
    fn fstatvfs(cx: &mut Cx, fd: i32) -> PyResult<Value> {
        let path = Path { text: Default::default(), fd: Some(fd), object: Value::none(), is_bytes: false };
        statvfs_of(cx, &path)
    }
    /// Set the access and modified time of path.
    #[py("($module, /, path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)")]
    fn utime(
        cx: &mut Cx,
        path: Value,
        times: Option<Value>,
        ns: Option<Value>,
        dir_fd: Option<Value>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let path = Path::new(cx, path, "utime", "path", PATH_OR_FD)?;
        let dir = host::dir_fd(cx, dir_fd)?;
        let follow = follow_symlinks.unwrap_or(true);
        let times = times.filter(|t| !t.is_none());
        if times.is_some() && ns.is_some() {
            return raise!(cx, ValueError, "utime: you may specify either 'times' or 'ns' but not both");
        }
        let spec = match (times, ns) {
            (Some(t), _) => {
                let [a, m] = pair_of(cx, t, "times")?;
                Some([time_of_seconds(cx, a)?, time_of_seconds(cx, m)?])
            }
            (None, Some(n)) => {
                let [a, m] = pair_of(cx, n, "ns")?;
                Some([time_of_nanos(cx, a)?, time_of_nanos(cx, m)?])
            }
            (None, None) => None,
        };
        check_combination(cx, "utime", &path, dir, follow)?;
        crate::io::settle(cx);
        let spec = spec.as_ref().map_or(std::ptr::null(), |s| s.as_ptr());
        path.run(cx, || {
            // SAFETY: the text is NUL-terminated, spec is null or two times.
            unsafe {
                match path.fd {
                    Some(fd) => libc::futimens(fd, spec),
                    None => {
                        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
                        libc::utimensat(dir, path.ptr(), spec, flags)
                    }
                }
            }
        })?;
        Ok(())
    }
}
