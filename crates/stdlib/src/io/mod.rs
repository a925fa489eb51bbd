//! _io: streams.
//!
//! [`write_str`] is what `print` uses; [`open_std_streams`] makes `sys.stdin`, `sys.stdout` and `sys.stderr`;
//! [`flush_all`] writes what unclosed files still hold at exit.

pub mod base;
pub mod buffered;
pub mod buffered_types;
pub mod bytesio;
pub mod fileio;
pub mod newline;
pub mod std_streams;
pub mod stdprinter;
pub mod stringio;
pub mod textio;
mod textmethods;
mod textread;
mod textseek;

use std::sync::OnceLock;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{attr, object as protocol_object, warn};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};

use crate::host::{self, Global};
use buffered::Buffered;
use fileio::FileIo;
use textio::{Settings, TextIo, optional_str};

pub use std_streams::open_std_streams;

/// `io.DEFAULT_BUFFER_SIZE`.
pub const BUFFER_SIZE: usize = 128 * 1024;

/// The class `io.UnsupportedOperation`.
pub static UNSUPPORTED: Global = Global::new();

/// The locale's encoding, as `locale.getencoding()` gives it.
pub fn locale_encoding() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        if std::env::var("PYTHONUTF8").is_ok_and(|v| v == "1") {
            return "utf-8".to_string();
        }
        // SAFETY: the answer is a NUL-terminated text that is copied at once.
        let codeset = unsafe { std::ffi::CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) };
        match codeset.to_string_lossy().into_owned() {
            // The C locale is taken for C.UTF-8 (PEP 538).
            ascii if ascii.is_empty() || ascii == "ANSI_X3.4-1968" => "UTF-8".to_string(),
            name => name,
        }
    })
}

/// EncodingWarning, if `sys.flags.warn_default_encoding` is set, about an encoding that was left out.
pub fn warn_default_encoding(cx: &mut Cx, stack_level: i64) -> PyResult<()> {
    let key = cx.intern("flags");
    let Some(flags) = cx.rt().sys.get().and_then(|d| d.get_str(key)) else { return Ok(()) };
    let key = cx.intern("warn_default_encoding");
    match attr::get_optional(cx, flags, key)? {
        Some(flag) if protocol_object::truth(cx, flag)? => {
            warn::warn(cx, &exceptions::EncodingWarning, "'encoding' argument not specified", stack_level)
        }
        _ => Ok(()),
    }
}

/// Writes to a text stream of exact type without any call of Python code. False for other objects.
pub fn write_str(cx: &mut Cx, file: Value, text: &'static Str) -> PyResult<bool> {
    match file.exact::<TextIo>() {
        Some(stream) => stream.write(cx, text).map(|()| true),
        None => Ok(false),
    }
}

/// Flushes a text stream of exact type. False for other objects.
pub fn flush(cx: &mut Cx, file: Value) -> PyResult<bool> {
    match file.exact::<TextIo>() {
        Some(stream) => stream.flush(cx).map(|()| true),
        None => Ok(false),
    }
}

/// Flushes every text and buffered stream that is still open; errors are dropped. For the end of the program.
pub fn flush_all(cx: &mut Cx) {
    let registered = RootVec::from_slice(cx.rt().special.borrow().registered());
    // Newer streams write to older ones.
    for i in (0..registered.len()).rev() {
        let v = registered[i];
        let result = if let Some(text) = v.downcast::<TextIo>() {
            match text.is_closed(cx) {
                Ok(false) => text.flush(cx),
                _ => Ok(()),
            }
        } else if let Some(buffered) = buffered_types::of(v) {
            match buffered.is_closed(cx) {
                Ok(false) => buffered.flush(cx),
                _ => Ok(()),
            }
        } else {
            Ok(())
        };
        if result.is_err() || cx.exception().is_some() {
            cx.take_exception();
        }
    }
}

/// Streams over files that hold data to be written.
static UNWRITTEN: Global = Global::new();

/// Notes a stream over a file of its own that holds data from now on.
fn note_unwritten(cx: &mut Cx, stream: Value) {
    let list = UNWRITTEN.get_or(cx, |cx| Ok(Value::of(List::new(cx))));
    let Some(list) = list.ok().and_then(|v| v.exact::<List>()) else { return };
    if list.len() >= 256 {
        settle(cx);
    }
    list.push(cx, stream);
}

/// Writes what files hold. CPython does so as soon as nobody uses a file any more; here that shows only at a
/// collection, so it is done before anything that could see the difference: opening and examining files, starting
/// processes. Only regular files that their streams will close are concerned; errors are left to `close`.
pub fn settle(cx: &mut Cx) {
    let Some(list) = UNWRITTEN.get().and_then(|v| v.exact::<List>()) else { return };
    if list.is_empty() {
        return;
    }
    let streams = RootVec::from_slice(list.items());
    list.truncate(0);
    for i in 0..streams.len() {
        let result = if let Some(text) = streams[i].downcast::<TextIo>() {
            text.settle(cx)
        } else if let Some(buffered) = buffered_types::of(streams[i]) {
            buffered.settle(cx)
        } else {
            Ok(())
        };
        if result.is_err() {
            cx.take_exception();
        }
    }
}

/// The parts of a mode of `open`.
struct Mode {
    /// The mode of the raw stream.
    raw: String,
    binary: bool,
    updating: bool,
    writing: bool,
}

impl Mode {
    fn parse(cx: &mut Cx, mode: &str) -> PyResult<Mode> {
        let has = |c| mode.contains(c);
        let repeated = mode.char_indices().any(|(i, c)| mode[..i].contains(c));
        if repeated || mode.chars().any(|c| !"xrwab+t".contains(c)) {
            return raise!(cx, ValueError, "invalid mode: '{mode}'");
        }
        let raw: String = ['x', 'r', 'w', 'a', '+'].into_iter().filter(|c| has(*c)).collect();
        let (text, binary) = (has('t'), has('b'));
        if text && binary {
            return raise!(cx, ValueError, "can't have text and binary mode at once");
        }
        if ['x', 'r', 'w', 'a'].into_iter().filter(|c| has(*c)).count() > 1 {
            return raise!(cx, ValueError, "must have exactly one of create/read/write/append mode");
        }
        let writing = ['x', 'w', 'a'].into_iter().any(has);
        Ok(Mode { raw, binary, updating: has('+'), writing })
    }
}

struct OpenArgs {
    file: Value,
    mode: String,
    buffering: isize,
    encoding: Option<&'static Str>,
    errors: Option<&'static Str>,
    newline: Option<&'static Str>,
    closefd: bool,
    opener: Option<Value>,
}

fn open_file(cx: &mut Cx, args: &OpenArgs) -> PyResult<Value> {
    let mode = Mode::parse(cx, &args.mode)?;
    if mode.binary {
        let extra = [("an encoding", args.encoding), ("an errors", args.errors), ("a newline", args.newline)];
        if let Some((what, _)) = extra.into_iter().find(|(_, v)| v.is_some()) {
            return raise!(cx, ValueError, "binary mode doesn't take {what} argument");
        }
    }
    if mode.binary && args.buffering == 1 {
        let text = "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used";
        warn::warn(cx, &exceptions::RuntimeWarning, text, 1)?;
    }
    let raw = FileIo::make(cx, args.file, &mode.raw, args.closefd, args.opener)?;
    let result = layers(cx, raw, &mode, args);
    if result.is_err() {
        let exception = cx.take_exception();
        if raw.close_now(cx).is_err() {
            cx.take_exception();
        }
        cx.raise_again(exception);
    }
    result
}

/// The buffer and the text stream over a raw file.
fn layers(cx: &mut Cx, raw: &'static FileIo, mode: &Mode, args: &OpenArgs) -> PyResult<Value> {
    let mut buffering = args.buffering;
    let line_buffering = buffering == 1 && !mode.binary || buffering < 0 && raw.is_tty_at_open(cx)?;
    if buffering == 1 && mode.binary {
        buffering = -1;
    }
    let size = match buffering {
        0 if mode.binary => return Ok(Value::of(raw)),
        0 => return raise!(cx, ValueError, "can't have unbuffered text I/O"),
        n if n < 0 || line_buffering => (raw.block_size().clamp(0, 8 << 20) as usize).max(BUFFER_SIZE),
        n => n as usize,
    };
    let class = match (mode.updating, mode.writing) {
        (true, _) => &buffered_types::BUFFERED_RANDOM,
        (_, true) => &buffered_types::BUFFERED_WRITER,
        _ => &buffered_types::BUFFERED_READER,
    };
    if mode.updating {
        base::check_ability(cx, Value::of(raw), "seekable")?;
    }
    let buffer = Value::of(Buffered::make(cx, class, Value::of(raw), size)?);
    if mode.binary {
        return Ok(buffer);
    }
    if args.encoding.is_none() {
        warn_default_encoding(cx, 1)?;
    }
    let (encoding, errors, newline) = (args.encoding, args.errors, args.newline);
    let settings = Settings { encoding, errors, newline, line_buffering, write_through: false };
    let text = Value::of(TextIo::make(cx, buffer, settings)?);
    let (key, mode) = (cx.names().mode, cx.str(&args.mode));
    attr::set(cx, text, key, Some(mode))?;
    Ok(text)
}

struct Functions;

#[pymethods]
impl Functions {
    /// Open file and return a stream.  Raise OSError upon failure.
    ///
    /// file is either a text or byte string giving the name (and the path
    /// if the file isn't in the current working directory) of the file to
    /// be opened or an integer file descriptor of the file to be
    /// wrapped. (If a file descriptor is given, it is closed when the
    /// returned I/O object is closed, unless closefd is set to False.)
    ///
    /// mode is an optional string that specifies the mode in which the file
    /// is opened. It defaults to 'r' which means open for reading in text
    /// mode.  Other common values are 'w' for writing (truncating the file if
    /// it already exists), 'x' for creating and writing to a new file, and
    /// 'a' for appending (which on some Unix systems, means that all writes
    /// append to the end of the file regardless of the current seek position).
    /// In text mode, if encoding is not specified the encoding used is platform
    /// dependent: locale.getencoding() is called to get the current locale encoding.
    /// (For reading and writing raw bytes use binary mode and leave encoding
    /// unspecified.)
    ///
    /// buffering is an optional integer used to set the buffering policy.
    /// Pass 0 to switch buffering off (only allowed in binary mode), 1 to select
    /// line buffering (only usable in text mode), and an integer > 1 to indicate
    /// the size of a fixed-size chunk buffer.
    ///
    /// open() returns a file object whose type depends on the mode, and
    /// through which the standard file operations such as reading and writing
    /// are performed.
    #[py(
        "($module, /, file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)"
    )]
    fn open(
        cx: &mut Cx,
        file: Value,
        mode: Option<Value>,
        buffering: Option<i32>,
        encoding: Option<Value>,
        errors: Option<Value>,
        newline: Option<Value>,
        closefd: Option<bool>,
        opener: Option<Value>,
    ) -> PyResult<Value> {
        let mode = match mode.map(|m| (m, m.downcast::<Str>())) {
            None => "r".to_string(),
            Some((_, Some(mode))) => mode.to_string_lossy(),
            Some((other, None)) => {
                let got = if other.is_none() { "None".to_string() } else { other.class().tp_name() };
                return raise!(cx, TypeError, "open() argument 'mode' must be str, not {got}");
            }
        };
        let encoding = optional_str(cx, encoding, "open", "encoding")?;
        let errors = optional_str(cx, errors, "open", "errors")?;
        let newline = optional_str(cx, newline, "open", "newline")?;
        let file = if int::check(file) { file } else { host::fspath(cx, file)? };
        let (buffering, closefd) = (buffering.unwrap_or(-1) as isize, closefd.unwrap_or(true));
        let opener = opener.filter(|o| !o.is_none());
        open_file(cx, &OpenArgs { file, mode, buffering, encoding, errors, newline, closefd, opener })
    }
    /// Opens the provided file with the intent to import the contents.
    ///
    /// This may perform extra validation beyond open(), but is otherwise interchangeable
    /// with calling open(path, 'rb').
    #[py("($module, /, path)")]
    fn open_code(cx: &mut Cx, path: &'static Str) -> PyResult<Value> {
        let raw = FileIo::make(cx, Value::of(path), "r", true, None)?;
        Ok(Value::of(Buffered::make(cx, &buffered_types::BUFFERED_READER, Value::of(raw), BUFFER_SIZE)?))
    }
    /// A helper function to choose the text encoding.
    ///
    /// When encoding is not None, this function returns it.
    /// Otherwise, this function returns the default text encoding
    /// (i.e. "locale" or "utf-8" depends on UTF-8 mode).
    ///
    /// This function emits an EncodingWarning if encoding is None and
    /// sys.flags.warn_default_encoding is true.
    ///
    /// This can be used in APIs with an encoding=None parameter.
    /// However, please consider using encoding="utf-8" for new APIs.
    #[py("($module, encoding, stacklevel=2, /)")]
    fn text_encoding(cx: &mut Cx, encoding: Value, stacklevel: Option<i64>) -> PyResult<Value> {
        if !encoding.is_none() {
            return Ok(encoding);
        }
        warn_default_encoding(cx, stacklevel.unwrap_or(2))?;
        let name = if locale_encoding() == "utf-8" { "utf-8" } else { "locale" };
        Ok(host::interned(cx, name))
    }
}

/// Makes the class UnsupportedOperation.
fn unsupported_class(cx: &mut Cx) -> PyResult<Value> {
    let bases = Tuple::new(cx, &[Value::of(&exceptions::OSError), Value::of(&exceptions::ValueError)]);
    let namespace = Dict::new(cx);
    let (key, module) = (cx.names().__module__, host::interned(cx, "io"));
    namespace.set_str(cx, key, module);
    let (name, qualname) = (cx.intern("UnsupportedOperation"), cx.names().__qualname__);
    namespace.set_str(cx, qualname, Value::of(name));
    let class = type_::new_class(cx, &type_::TYPE, name, bases, namespace, Args::positional(&[]))?;
    Ok(Value::of(class))
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    // SAFETY: an empty name takes the locale from the environment; no other thread runs yet.
    unsafe { libc::setlocale(libc::LC_CTYPE, c"".as_ptr()) };
    let module = Module::new(cx, "_io");
    let doc = cx.str(
        "The io module provides the Python interfaces to stream handling. The\nbuiltin open function is defined in this module.\n\nAt the top of the I/O hierarchy is the abstract base class IOBase. It\ndefines the basic interface to a stream. Note, however, that there is no\nseparation between reading and writing to streams; implementations are\nallowed to raise an OSError if they do not support a given operation.",
    );
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    let size = Value::small(BUFFER_SIZE as i64);
    module.set(cx, "DEFAULT_BUFFER_SIZE", size);
    let unsupported = match UNSUPPORTED.get_or(cx, unsupported_class) {
        Ok(class) => class,
        Err(_) => {
            cx.take_exception();
            Value::of(&exceptions::OSError)
        }
    };
    module.set(cx, "UnsupportedOperation", unsupported);
    module.set(cx, "BlockingIOError", Value::of(&exceptions::BlockingIOError));
    for class in [
        &newline::NEWLINE_DECODER,
        &bytesio::BYTES_IO_BUFFER,
        &base::IO_BASE,
        &base::TEXT_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::RAW_IO_BASE,
        &bytesio::BYTES_IO,
        &buffered_types::BUFFERED_WRITER,
        &buffered_types::BUFFERED_READER,
        &buffered_types::BUFFERED_RW_PAIR,
        &buffered_types::BUFFERED_RANDOM,
        &fileio::FILE_IO,
        &stringio::STRING_IO,
        &textio::TEXT_IO_WRAPPER,
    ] {
        module.add_type(cx, class);
    }
    // In-memory streams have nothing to close or flush; their buffers go with `drop`.
    for class in [
        &buffered_types::BUFFERED_WRITER,
        &buffered_types::BUFFERED_READER,
        &buffered_types::BUFFERED_RANDOM,
        &fileio::FILE_IO,
        &textio::TEXT_IO_WRAPPER,
    ] {
        base::set_finalizer(class);
    }
    module
}
