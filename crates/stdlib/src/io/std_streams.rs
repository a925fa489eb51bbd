//! sys.stdin, sys.stdout and sys.stderr.

use taipan_runtime::protocol::attr;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value};

use super::buffered::Buffered;
use super::fileio::FileIo;
use super::textio::{Settings, TextIo};
use super::{BUFFER_SIZE, buffered_types};

/// Encoding and error handler of the standard streams.
fn coding(cx: &mut Cx, is_stderr: bool) -> (&'static Str, &'static Str) {
    let given = match crate::state::config().ignore_environment {
        true => String::new(),
        false => std::env::var("PYTHONIOENCODING").unwrap_or_default(),
    };
    let (encoding, errors) = given.split_once(':').unwrap_or((&given, ""));
    let is_given = !encoding.is_empty();
    let encoding = match encoding {
        "" => super::locale_encoding().to_ascii_lowercase(),
        name => name.to_string(),
    };
    let errors = match errors {
        _ if is_stderr => "backslashreplace",
        "" if !is_given && is_lenient_locale() => "surrogateescape",
        "" => "strict",
        name => name,
    };
    (cx.intern(&encoding), cx.intern(errors))
}

/// In UTF-8 mode and in the C and POSIX locales any bytes must pass.
fn is_lenient_locale() -> bool {
    if std::env::var("PYTHONUTF8").is_ok_and(|v| v == "1") {
        return true;
    }
    // SAFETY: asking only; the answer is a NUL-terminated text that is read at once.
    let name = unsafe {
        let name = libc::setlocale(libc::LC_CTYPE, std::ptr::null());
        if name.is_null() { String::new() } else { std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned() }
    };
    matches!(&*name, "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "UTF-8")
}

fn open_stream(cx: &mut Cx, fd: i32, name: &str, unbuffered: bool) -> PyResult<Value> {
    // SAFETY: a plain system call.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Ok(Value::none());
    }
    let (writes, is_stderr) = (fd != 0, fd == 2);
    let raw = FileIo::make(cx, Value::small(fd as i64), if writes { "w" } else { "r" }, false, None)?;
    let key = cx.names().name;
    let name = cx.str(name);
    attr::set(cx, Value::of(raw), key, Some(name))?;
    let buffer = match unbuffered && writes {
        true => Value::of(raw),
        false => {
            let class = if writes { &buffered_types::BUFFERED_WRITER } else { &buffered_types::BUFFERED_READER };
            let size = (raw.block_size().clamp(0, 8 << 20) as usize).max(BUFFER_SIZE);
            Value::of(Buffered::make(cx, class, Value::of(raw), size)?)
        }
    };
    let (encoding, errors) = coding(cx, is_stderr);
    let is_tty = raw.is_tty_at_open(cx)?;
    let settings = Settings {
        encoding: Some(encoding),
        errors: Some(errors),
        newline: Some(cx.intern("\n")),
        line_buffering: !unbuffered && (is_stderr || is_tty),
        write_through: unbuffered && writes,
    };
    let text = Value::of(TextIo::make(cx, buffer, settings)?);
    let (key, mode) = (cx.names().mode, cx.str(if writes { "w" } else { "r" }));
    attr::set(cx, text, key, Some(mode))?;
    Ok(text)
}

/// Makes stdin, stdout and stderr; None for a descriptor that is not open. `_io` must have been initialised.
pub fn open_std_streams(cx: &mut Cx, unbuffered: bool) -> PyResult<[Value; 3]> {
    let stdin = open_stream(cx, 0, "<stdin>", unbuffered)?;
    let stdout = open_stream(cx, 1, "<stdout>", unbuffered)?;
    let stderr = open_stream(cx, 2, "<stderr>", unbuffered)?;
    Ok([stdin, stdout, stderr])
}
