//! What all modules on top of the operating system share: OSError, signals and blocking calls, paths, descriptors.

use std::ffi::{CStr, CString};

use taipan_runtime::protocol::{attr, buffer, call, number, object};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};

/// The calling thread's `errno`.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Sets `errno` before a call whose failure shows only there.
pub fn clear_errno() {
    // SAFETY: the location is the thread's own.
    unsafe { *libc::__errno_location() = 0 };
}

/// libc's text for an error number.
pub fn strerror(code: i32) -> String {
    let mut text = [0 as libc::c_char; 256];
    // SAFETY: the buffer is as long as said and NUL-terminated afterwards.
    unsafe {
        libc::strerror_r(code, text.as_mut_ptr(), text.len());
        CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

/// Raises the OSError of an error number; OSError itself chooses the subclass.
pub fn os_error(cx: &mut Cx, code: i32) -> Raised {
    let (number, text) = (Value::small(code as i64), cx.str(&strerror(code)));
    raise_os_error(cx, &[number, text])
}

/// As [`os_error`], with the file it is about.
pub fn os_error_file(cx: &mut Cx, code: i32, file: Value) -> Raised {
    let (number, text) = (Value::small(code as i64), cx.str(&strerror(code)));
    raise_os_error(cx, &[number, text, file])
}

/// As [`os_error`], with the two files it is about.
pub fn os_error_files(cx: &mut Cx, code: i32, from: Value, to: Value) -> Raised {
    let (number, text) = (Value::small(code as i64), cx.str(&strerror(code)));
    raise_os_error(cx, &[number, text, from, Value::none(), to])
}

fn raise_os_error(cx: &mut Cx, args: &[Value]) -> Raised {
    match cx.call(Value::of(&exceptions::OSError), args) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// The OSError of the last failed call.
pub fn last_error(cx: &mut Cx) -> Raised {
    let code = errno();
    os_error(cx, code)
}

/// Runs a call that may block other threads for long. The GIL is released around `f`, so `f` must not touch
/// Python objects other than memory it was lent.
#[inline]
pub fn blocking<T>(cx: &mut Cx, f: impl FnOnce() -> T) -> T {
    cx.allow_threads(f)
}

/// Runs pending signal handlers; called where a system call was interrupted.
pub fn check_signals(cx: &mut Cx) -> PyResult<()> {
    cx.handle_interrupt()
}

/// Results of system calls in which a negative number means failure.
pub trait Outcome: Copy {
    /// Whether the call failed.
    fn failed(self) -> bool;
}
impl Outcome for i32 {
    fn failed(self) -> bool {
        self < 0
    }
}
impl Outcome for i64 {
    fn failed(self) -> bool {
        self < 0
    }
}
impl Outcome for isize {
    fn failed(self) -> bool {
        self < 0
    }
}

/// Runs a blocking system call, again when a signal interrupted it (after the handlers ran). The inner error is the
/// error number.
pub fn retry<T: Outcome>(cx: &mut Cx, mut f: impl FnMut() -> T) -> PyResult<Result<T, i32>> {
    loop {
        let (result, code) = blocking(cx, || {
            let result = f();
            (result, if result.failed() { errno() } else { 0 })
        });
        if !result.failed() {
            return Ok(Ok(result));
        }
        if code != libc::EINTR {
            return Ok(Err(code));
        }
        check_signals(cx)?;
    }
}

/// As [`retry`], raising OSError for failures.
pub fn run<T: Outcome>(cx: &mut Cx, f: impl FnMut() -> T) -> PyResult<T> {
    match retry(cx, f)? {
        Ok(result) => Ok(result),
        Err(code) => Err(os_error(cx, code)),
    }
}

/// Raises OSError if a call that does not block failed.
pub fn check<T: Outcome>(cx: &mut Cx, result: T) -> PyResult<T> {
    if result.failed() { Err(last_error(cx)) } else { Ok(result) }
}

/// Adds int constants of libc (or of any other path) to a module.
#[macro_export]
macro_rules! int_constants {
    ($cx:expr, $module:expr, $($name:ident)*) => {
        $( { let value = $cx.int(libc::$name as i64); $module.set($cx, stringify!($name), value); } )*
    };
}

/// Adds int constants given as numbers.
pub fn add_ints(cx: &mut Cx, module: &'static Module, table: &[(&str, i64)]) {
    for (name, value) in table {
        let value = cx.int(*value);
        module.set(cx, name, value);
    }
}

// ---- text of the operating system ------------------------------------------------------------------

/// Text of the operating system as a str: UTF-8, bytes that are not become lone surrogates. May collect.
pub fn fs_decode(cx: &mut Cx, bytes: &[u8]) -> &'static Str {
    if bytes.is_ascii() {
        return if bytes.is_empty() { cx.names().empty } else { Str::from_ascii(cx, bytes) };
    }
    let mut points = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                points.extend(text.chars().map(u32::from));
                break;
            }
            Err(e) => {
                let (good, bad) = rest.split_at(e.valid_up_to());
                // SAFETY: from_utf8 checked that part.
                points.extend(unsafe { std::str::from_utf8_unchecked(good) }.chars().map(u32::from));
                points.push(0xdc00 + u32::from(bad[0]));
                rest = &bad[1..];
            }
        }
    }
    Str::from_code_points(cx, &points)
}

/// A str as UTF-8. UnicodeEncodeError for surrogates.
pub fn utf8(cx: &mut Cx, s: &'static Str) -> PyResult<String> {
    match s.chars().position(|c| char::from_u32(c).is_none()) {
        None => Ok(s.to_string_lossy()),
        Some(i) => Err(surrogate_error(cx, s, i)),
    }
}

fn surrogate_error(cx: &mut Cx, s: &'static Str, i: usize) -> Raised {
    let (encoding, reason) = (cx.str("utf-8"), cx.str("surrogates not allowed"));
    let (start, end) = (Value::small(i as i64), Value::small(i as i64 + 1));
    cx.raise_args(&exceptions::UnicodeEncodeError, &[encoding, Value::of(s), start, end, reason])
}

/// A str as text for the operating system. UnicodeEncodeError for surrogates that stand for no byte.
pub fn fs_encode(cx: &mut Cx, s: &'static Str) -> PyResult<Vec<u8>> {
    if let Some(text) = s.as_ascii() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(s.len() * 2);
    for (i, c) in s.chars().enumerate() {
        match c {
            0xdc80..=0xdcff => out.push((c - 0xdc00) as u8),
            _ => match char::from_u32(c) {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => return Err(surrogate_error(cx, s, i)),
            },
        }
    }
    Ok(out)
}

/// `os.fspath(v)`: a str or bytes object.
pub fn fspath(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some() {
        return Ok(v);
    }
    match fspath_of(cx, v)? {
        Some(path) => Ok(path),
        None => raise!(cx, TypeError, "expected str, bytes or os.PathLike object, not {}", v.class().tp_name()),
    }
}

/// The result of `v.__fspath__()`, None if there is no such method.
fn fspath_of(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let name = cx.intern("__fspath__");
    let Some(f) = cx.lookup_special(v, name).filter(|f| !f.is_none()) else { return Ok(None) };
    let path = call::call_unbound(cx, f, v, &[])?;
    if path.downcast::<Str>().is_none() && path.downcast::<Bytes>().is_none() {
        let (class, got) = (v.class().name(), path.class().name());
        return raise!(cx, TypeError, "expected {class}.__fspath__() to return str or bytes, not {got}");
    }
    Ok(Some(path))
}

/// What a path argument may be besides str, bytes and PathLike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Allow {
    /// A file descriptor.
    pub fd: bool,
    /// None, for the current directory.
    pub none: bool,
}
/// Paths only.
pub const PATH: Allow = Allow { fd: false, none: false };
/// Paths and descriptors.
pub const PATH_OR_FD: Allow = Allow { fd: true, none: false };
/// Paths and None.
pub const PATH_OR_NONE: Allow = Allow { fd: false, none: true };
/// Paths, descriptors and None.
pub const ANY_PATH: Allow = Allow { fd: true, none: true };

/// A path argument.
pub struct Path {
    /// Text for the system; "." for None, unused for descriptors.
    pub text: CString,
    /// The descriptor, if it is one.
    pub fd: Option<i32>,
    /// The argument after `__fspath__`, for error messages.
    pub object: Value,
    /// It was bytes, so results are.
    pub is_bytes: bool,
}

impl Path {
    /// Converts the argument `name` of `function`.
    pub fn new(cx: &mut Cx, v: Value, function: &str, name: &str, allow: Allow) -> PyResult<Path> {
        if v.is_none() && allow.none {
            return Ok(Path { text: c".".to_owned(), fd: None, object: v, is_bytes: false });
        }
        let mut object = v;
        if let Some(path) = Path::of_text(cx, object, function, name)? {
            return Ok(path);
        }
        if allow.fd && (int::check(v) || v.class().slots().index.is_some()) {
            let fd = fd_number(cx, v)?;
            return Ok(Path { text: CString::default(), fd: Some(fd), object: v, is_bytes: false });
        }
        if let Some(path) = fspath_of(cx, v)? {
            object = path;
            if let Some(path) = Path::of_text(cx, object, function, name)? {
                return Ok(path);
            }
        }
        let expected = match (allow.fd, allow.none) {
            (true, true) => "string, bytes, os.PathLike, integer or None",
            (true, false) => "string, bytes, os.PathLike or integer",
            (false, true) => "string, bytes, os.PathLike or None",
            (false, false) => "string, bytes or os.PathLike",
        };
        let got = object.class().tp_name();
        raise!(cx, TypeError, "{function}: {name} should be {expected}, not {got}")
    }

    fn of_text(cx: &mut Cx, v: Value, function: &str, name: &str) -> PyResult<Option<Path>> {
        let (bytes, is_bytes) = if let Some(s) = v.downcast::<Str>() {
            (fs_encode(cx, s)?, false)
        } else if let Some(b) = v.downcast::<Bytes>() {
            (b.data().to_vec(), true)
        } else {
            return Ok(None);
        };
        match CString::new(bytes) {
            Ok(text) => Ok(Some(Path { text, fd: None, object: v, is_bytes })),
            Err(_) => raise!(cx, ValueError, "{function}: embedded null character in {name}"),
        }
    }

    /// C pointer to the text.
    pub fn ptr(&self) -> *const libc::c_char {
        self.text.as_ptr()
    }

    /// Raises OSError for the path.
    pub fn error(&self, cx: &mut Cx, code: i32) -> Raised {
        match self.object.is_none() {
            true => os_error(cx, code),
            false => os_error_file(cx, code, self.object),
        }
    }

    /// Runs a system call on the path, raising OSError for failures.
    pub fn run<T: Outcome>(&self, cx: &mut Cx, f: impl FnMut() -> T) -> PyResult<T> {
        match retry(cx, f)? {
            Ok(result) => Ok(result),
            Err(code) => Err(self.error(cx, code)),
        }
    }

    /// A path result in the kind of the argument. May collect.
    pub fn make(&self, cx: &mut Cx, bytes: &[u8]) -> Value {
        if self.is_bytes { Value::of(Bytes::new(cx, bytes)) } else { Value::of(fs_decode(cx, bytes)) }
    }
}

/// A str or bytes or PathLike argument as text without NUL, as `PyUnicode_FSConverter`.
pub fn fs_bytes(cx: &mut Cx, v: Value) -> PyResult<CString> {
    let path = fspath(cx, v)?;
    let bytes = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(s), _) => fs_encode(cx, s)?,
        (_, Some(b)) => b.data().to_vec(),
        _ => Vec::new(),
    };
    match CString::new(bytes) {
        Ok(text) => Ok(text),
        Err(_) => raise!(cx, ValueError, "embedded null byte"),
    }
}

// ---- descriptors -----------------------------------------------------------------------------------

/// A descriptor argument: an int.
pub fn fd_number(cx: &mut Cx, v: Value) -> PyResult<i32> {
    if v == Value::bool(true) || v == Value::bool(false) {
        taipan_runtime::protocol::warn::warn(cx, &exceptions::RuntimeWarning, "bool is used as a file descriptor", 1)?;
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(i) if i > i32::MAX as i64 => raise!(cx, OverflowError, "fd is greater than maximum"),
        Some(i) if i < i32::MIN as i64 => raise!(cx, OverflowError, "fd is less than minimum"),
        Some(i) => Ok(i as i32),
        None if int::view(index).is_some_and(|w| w.negative) => raise!(cx, OverflowError, "fd is less than minimum"),
        None => raise!(cx, OverflowError, "fd is greater than maximum"),
    }
}

/// A `dir_fd` argument: None or an int.
pub fn dir_fd(cx: &mut Cx, v: Option<Value>) -> PyResult<i32> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(libc::AT_FDCWD),
        Some(v) if int::check(v) || v.class().slots().index.is_some() => fd_number(cx, v),
        Some(v) => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "argument should be integer or None, not {got}")
        }
    }
}

/// The descriptor of an int or of an object with `fileno()`.
pub fn fd_of(cx: &mut Cx, v: Value) -> PyResult<i32> {
    let fd = if int::check(v) {
        return non_negative(cx, v);
    } else {
        let name = cx.names().fileno;
        match attr::get_optional(cx, v, name)? {
            Some(f) => cx.call(f, &[])?,
            None => return raise!(cx, TypeError, "argument must be an int, or have a fileno() method."),
        }
    };
    if !int::check(fd) {
        return raise!(cx, TypeError, "fileno() returned a non-integer");
    }
    non_negative(cx, fd)
}

fn non_negative(cx: &mut Cx, v: Value) -> PyResult<i32> {
    let fd = number::to_i32(cx, v)?;
    if fd < 0 {
        return raise!(cx, ValueError, "file descriptor cannot be a negative integer ({fd})");
    }
    Ok(fd)
}

/// Makes a descriptor inheritable or not.
pub fn set_inheritable(fd: i32, inheritable: bool) -> i32 {
    // SAFETY: plain system calls.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFD);
        if flags < 0 {
            return flags;
        }
        let new = if inheritable { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
        if new == flags { 0 } else { libc::fcntl(fd, libc::F_SETFD, new) }
    }
}

/// `builtins.name`.
pub fn builtin(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let key = cx.intern(name);
    match cx.rt().builtins.get().and_then(|d| d.get_str(key)) {
        Some(v) => Ok(v),
        None => raise!(cx, NameError, "name '{name}' is not defined"),
    }
}

/// Imports a module (for lazy use of Python code such as `codecs`).
pub fn import(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let text = Value::of(cx.intern(name));
    if let Some(modules) = cx.rt().modules.get()
        && let Some(module) = modules.get(cx, text)?
    {
        return Ok(module);
    }
    let hook = cx.rt().hooks.get().import;
    let star = Value::of(cx.intern("*"));
    let names = Value::of(taipan_runtime::types::tuple::Tuple::new(cx, &[star]));
    hook(cx, text, Value::none(), Value::none(), names, 0)
}

/// The truth of an optional argument.
pub fn flag(cx: &mut Cx, v: Option<Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => object::truth(cx, v),
        None => Ok(default),
    }
}

/// Copies a module's name for `__module__`-like uses: an interned str value.
pub fn interned(cx: &mut Cx, text: &str) -> Value {
    Value::of(cx.intern(text))
}

/// Runs `f` on the writable memory of `v`; `label` is e.g. "readinto() argument 2".
pub fn with_writable<T>(
    cx: &mut Cx,
    v: Value,
    label: &str,
    f: impl FnOnce(&mut Cx, &mut [u8]) -> PyResult<T>,
) -> PyResult<T> {
    let view = match v.class().slots().buffer {
        Some(_) => buffer::get(cx, v, buffer::WRITABLE),
        None => Err(Raised),
    };
    let view = match view {
        Ok(view) => view,
        Err(_) => {
            if cx.exception().is_some() {
                cx.take_exception();
            }
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "{label} must be read-write bytes-like object, not {got}");
        }
    };
    let result = if view.is_contiguous() {
        f(cx, view.bytes_mut())
    } else {
        raise!(cx, TypeError, "{label} must be a contiguous buffer, not {}", v.class().tp_name())
    };
    buffer::release(cx, &view);
    result
}

/// A new bytes object of at most `n` bytes that `fill` writes; it returns how many. May collect.
pub fn bytes_filled(
    cx: &mut Cx,
    n: usize,
    fill: impl FnOnce(&mut Cx, &mut [u8]) -> PyResult<usize>,
) -> PyResult<&'static Bytes> {
    let mut data = cx.zeroed(n)?;
    let n = fill(cx, &mut data)?;
    Ok(Bytes::new(cx, &data[..n]))
}

pub use taipan_runtime::interpreter::{Global, Local};
