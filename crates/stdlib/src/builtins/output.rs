//! `print`, `input` and `breakpoint`.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{attr, object};
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// The functions.
pub struct Output;

/// The value of `sys.name`.
pub fn sys_value(cx: &mut Cx, name: &str) -> Option<Value> {
    let key = cx.intern(name);
    cx.rt().sys.get().and_then(|sys| sys.get_str(key))
}

/// The text for `sep` or `end`: None for the default.
fn text_option(cx: &mut Cx, value: Option<Value>, name: &str) -> PyResult<Option<&'static Str>> {
    match value {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(Some(s)),
            None => raise!(cx, TypeError, "{name} must be None or a string, not {}", v.class().tp_name()),
        },
    }
}

/// Writes to a stream: natively if it is a plain text stream, else by its method.
fn put(cx: &mut Cx, file: Value, text: &'static Str) -> PyResult<()> {
    if crate::io::write_str(cx, file, text)? {
        return Ok(());
    }
    let write = cx.names().write;
    cx.call_method(file, write, &[Value::of(text)])?;
    Ok(())
}

fn print(cx: &mut Cx, args: Args) -> PyResult<()> {
    let (mut sep, mut end, mut file, mut flush) = (None, None, None, None);
    for (name, value) in args.keywords() {
        match &*name.to_string_lossy() {
            "sep" => sep = Some(value),
            "end" => end = Some(value),
            "file" => file = Some(value),
            "flush" => flush = Some(value),
            other => {
                let known = ["sep", "end", "file", "flush"];
                if taipan_runtime::native::equals_a_name(cx, name, &known)? {
                    return raise!(cx, TypeError, "invalid keyword argument for print()");
                }
                if let Some(hint) = cx.suggest(other, &known) {
                    return raise!(
                        cx,
                        TypeError,
                        "print() got an unexpected keyword argument '{other}'. Did you mean '{hint}'?"
                    );
                }
                return raise!(cx, TypeError, "print() got an unexpected keyword argument '{other}'");
            }
        }
    }
    let file = match file.filter(|f| !f.is_none()) {
        Some(file) => file,
        None => {
            let key = cx.names().stdout;
            match cx.rt().sys.get().and_then(|sys| sys.get_str(key)) {
                None => return raise!(cx, RuntimeError, "lost sys.stdout"),
                Some(file) if file.is_none() => return Ok(()),
                Some(file) => file,
            }
        }
    };
    let (sep, end) = (text_option(cx, sep, "sep")?, text_option(cx, end, "end")?);
    let space = cx.char(' ' as u32);
    let newline = cx.char('\n' as u32);
    for (i, v) in args.pos().iter().enumerate() {
        if i > 0 {
            put(cx, file, sep.unwrap_or(space))?;
        }
        let text = object::str(cx, *v)?;
        put(cx, file, text)?;
    }
    put(cx, file, end.unwrap_or(newline))?;
    if let Some(flag) = flush
        && object::truth(cx, flag)?
    {
        let flush = cx.names().flush;
        cx.call_method(file, flush, &[])?;
    }
    Ok(())
}

fn input(cx: &mut Cx, prompt: Option<Value>) -> PyResult<Value> {
    let mut streams = [Value::none(); 3];
    for (slot, name) in streams.iter_mut().zip(["stdin", "stdout", "stderr"]) {
        match sys_value(cx, name) {
            Some(v) if !v.is_none() => *slot = v,
            _ => return raise!(cx, RuntimeError, "input(): lost sys.{name}"),
        }
    }
    let [stdin, stdout, stderr] = streams;
    crate::sys::audit(cx, "builtins.input", &[prompt.unwrap_or(Value::none())])?;
    let flush = cx.names().flush;
    if cx.call_method(stderr, flush, &[]).is_err() {
        cx.take_exception();
    }
    if let Some(prompt) = prompt {
        let write = cx.names().write;
        let text = Value::of(object::str(cx, prompt)?);
        cx.call_method(stdout, write, &[text])?;
    }
    if cx.call_method(stdout, flush, &[]).is_err() {
        cx.take_exception();
    }
    let line = cx.call_method_text(stdin, "readline", &[])?;
    let Some(line) = line.downcast::<Str>() else {
        return raise!(cx, TypeError, "object.readline() returned non-string");
    };
    if line.is_empty() {
        return raise!(cx, EOFError, "EOF when reading a line");
    }
    let n = line.len();
    if line.at(n - 1) == '\n' as u32 {
        return Ok(Value::of(line.slice(cx, 0, n - 1)));
    }
    Ok(Value::of(line))
}

#[pymethods]
impl Output {
    /// Prints the values to a stream, or to sys.stdout by default.
    ///
    ///   sep
    ///     string inserted between values, default a space.
    ///   end
    ///     string appended after the last value, default a newline.
    ///   file
    ///     a file-like object (stream); defaults to the current sys.stdout.
    ///   flush
    ///     whether to forcibly flush the stream.
    #[py("($module, /, *args, sep=' ', end='\\n', file=None, flush=False)", raw)]
    fn print(cx: &mut Cx, args: Args) -> PyResult<()> {
        print(cx, args)
    }

    /// Read a string from standard input.  The trailing newline is stripped.
    ///
    /// The prompt string, if given, is printed to standard output without a
    /// trailing newline before reading input.
    ///
    /// If the user hits EOF (*nix: Ctrl-D, Windows: Ctrl-Z+Return), raise
    /// EOFError.
    /// On *nix systems, readline is used if available.
    #[py("($module, prompt='', /)")]
    fn input(cx: &mut Cx, prompt: Option<Value>) -> PyResult<Value> {
        input(cx, prompt)
    }

    /// Call sys.breakpointhook(*args, **kws).  sys.breakpointhook() must accept
    /// whatever arguments are passed.
    ///
    /// By default, this drops you into the pdb debugger.
    #[py("($module, /, *args, **kws)", raw)]
    fn breakpoint(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let Some(hook) = sys_value(cx, "breakpointhook") else {
            return raise!(cx, RuntimeError, "lost sys.breakpointhook");
        };
        crate::sys::audit(cx, "builtins.breakpoint", &[hook])?;
        cx.call_args(hook, args)
    }
}

/// Flushes a stream of `sys`; false if that failed. Never raises.
pub fn flush_stream(cx: &mut Cx, name: &str) -> bool {
    let Some(stream) = sys_value(cx, name).filter(|s| !s.is_none()) else { return true };
    let closed = attr::get_text(cx, stream, "closed");
    match closed.and_then(|c| object::truth(cx, c)) {
        Ok(true) => return true,
        Ok(false) => {}
        Err(_) => {
            cx.take_exception();
        }
    }
    let flush = cx.names().flush;
    if cx.call_method(stream, flush, &[]).is_err() {
        let exception = cx.take_exception();
        object::unraisable(cx, exception, Some(stream), None);
        return false;
    }
    true
}
