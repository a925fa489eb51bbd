//! Running a program: start of the runtime, `__main__`, exit codes.
//!
//! Source of the conventions: CPython's `Modules/main.c` and `Python/pythonrun.c` as a user sees them.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use taipan_gc::Config as HeapConfig;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::{call, import, object};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::{HASH_KEY, Str};
use taipan_runtime::{Cx, PyResult, Value};
use taipan_stdlib::compile::{self, Request};
use taipan_stdlib::state;
use taipan_syntax::Mode;
use taipan_syntax::source::Origin;

use crate::options::{Options, Target};
use crate::repl;

/// `--dump`: prints stages of a file, of `-c` or of standard input. Returns the exit code.
pub fn dump(options: &Options, stages: &str) -> i32 {
    let source = match &options.target {
        Target::Command(text) => Ok(text.clone().into_bytes()),
        Target::File(path) => std::fs::read(path),
        _ => read_stdin(),
    };
    let filename = options.config.argv.first().map_or("<stdin>", |s| s.as_str());
    let text = match source.map(|bytes| taipan_syntax::source::decode(&bytes, Origin::File, &mut |_, _| None)) {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return fail(&error.message),
        Err(error) => return fail(&format!("can't open file '{filename}': {error}")),
    };
    match crate::dump::dump(&text, filename, stages, options.config.optimize.clamp(0, 2) as u8) {
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            0
        }
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> i32 {
    let _ = writeln!(std::io::stderr(), "taipan: {message}");
    2
}

fn read_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The key of str hashes: random, or derived from PYTHONHASHSEED. None: the variable is malformed.
fn hash_key(ignore_environment: bool) -> Option<((u64, u64), bool)> {
    let seed = if ignore_environment { None } else { std::env::var("PYTHONHASHSEED").ok().filter(|s| !s.is_empty()) };
    let mut bytes = [0u8; 16];
    match seed.as_deref() {
        None | Some("random") => {
            // SAFETY: the buffer has 16 bytes. Without entropy the key stays 0: hashing works all the same.
            unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
        }
        Some(text) => {
            let mut x: u32 = text.parse().ok()?;
            if x == 0 {
                return Some(((0, 0), false));
            }
            // CPython's generator for fixed seeds.
            for b in &mut bytes {
                x = x.wrapping_mul(214_013).wrapping_add(2_531_011);
                *b = (x >> 16) as u8;
            }
        }
    }
    let word = |i: usize| u64::from_le_bytes(bytes[i..i + 8].try_into().expect("eight bytes"));
    Some(((word(0), word(8)), true))
}

fn heap_config() -> HeapConfig {
    let stress = std::env::var("TAIPAN_GC").is_ok_and(|v| v == "stress");
    let interval = std::env::var("TAIPAN_GC_INTERVAL").ok().and_then(|v| v.parse().ok()).unwrap_or(200);
    HeapConfig { stress, stress_interval: interval, ..Default::default() }
}

/// Runs the program. Returns the exit code.
pub fn run(mut options: Options) -> i32 {
    let Some((key, random)) = hash_key(options.config.ignore_environment) else {
        let _ = writeln!(
            std::io::stderr(),
            "Fatal Python error: config_init_hash_seed: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]"
        );
        return 1;
    };
    HASH_KEY.0.store(key.0, std::sync::atomic::Ordering::Relaxed);
    HASH_KEY.1.store(key.1, std::sync::atomic::Ordering::Relaxed);
    options.config.hash_randomization = random;
    options.config.executable = executable();
    let interactive_stdin =
        options.target == Target::Stdin && (std::io::stdin().is_terminal() || options.config.interactive > 0);
    if interactive_stdin {
        options.config.interactive = options.config.interactive.max(1);
    }
    let Options { config, target, skip_first_line, .. } = options;
    let (inspect, quiet, isolated) = (config.inspect > 0, config.quiet, config.safe_path);
    state::set_config(config);
    let mut cx = Cx::start(heap_config(), key);
    let cx = &mut *cx;
    taipan_interp::join(cx);
    let started = taipan_stdlib::start(cx);
    let mut code = match started {
        Ok(()) => match target {
            Target::Stdin if interactive_stdin => {
                if !quiet {
                    banner();
                }
                repl::run(cx)
            }
            target => {
                let result = run_target(cx, target, skip_first_line, isolated);
                finish(cx, result, inspect)
            }
        },
        Err(_) => report(cx),
    };
    if inspect && !interactive_stdin && std::io::stdin().is_terminal() {
        code = repl::run(cx);
    }
    let ended = taipan_stdlib::finish(cx);
    if ended.is_err() {
        let failed = report(cx);
        if code == 0 {
            code = failed.max(120);
        }
    }
    code
}

fn executable() -> String {
    std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default()
}

fn banner() {
    let _ = writeln!(
        std::io::stderr(),
        "Python {} (Taipan {}) on {}\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information.",
        crate::options::version(),
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS
    );
}

/// The module `__main__`, made by `taipan_stdlib::start`.
pub fn main_module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = import::import_module(cx, "__main__")?;
    module.downcast::<Module>().ok_or_else(|| cx.raise_text(&exceptions::RuntimeError, "__main__ is not a module"))
}

fn run_target(cx: &mut Cx, target: Target, skip_first_line: bool, safe_path: bool) -> PyResult<()> {
    match target {
        Target::Command(text) => {
            if !safe_path {
                insert_path(cx, "")?;
            }
            run_source(cx, text.as_bytes(), "<string>", None)
        }
        Target::Module(name) => {
            if !safe_path {
                let here = std::env::current_dir().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
                insert_path(cx, &here)?;
            }
            run_module(cx, &name, true)
        }
        Target::Stdin => {
            if !safe_path {
                insert_path(cx, "")?;
            }
            match read_stdin() {
                Ok(bytes) => run_source(cx, &bytes, "<stdin>", None),
                Err(error) => {
                    let text = error.to_string();
                    Err(cx.raise_text(&exceptions::OSError, &text))
                }
            }
        }
        Target::File(path) => run_file(cx, &path, skip_first_line, safe_path),
    }
}

fn run_file(cx: &mut Cx, path: &str, skip_first_line: bool, safe_path: bool) -> PyResult<()> {
    let file = Path::new(path);
    let is_archive = || {
        std::fs::File::open(file).is_ok_and(|mut f| {
            let mut magic = [0u8; 4];
            f.read_exact(&mut magic).is_ok() && &magic == b"PK\x03\x04"
        })
    };
    if file.is_dir() || is_archive() {
        insert_path(cx, path)?;
        return run_module(cx, "__main__", false);
    }
    let mut bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let absolute = std::env::current_dir().unwrap_or_default().join(path);
            let errno = error.raw_os_error().unwrap_or(0);
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or("");
            let program = executable();
            let text = format!("{program}: can't open file '{}': [Errno {errno}] {reason}\n", absolute.display());
            let _ = std::io::stderr().write_all(text.as_bytes());
            return Err(exit_with(cx, 2));
        }
    };
    if skip_first_line && let Some(end) = bytes.iter().position(|b| *b == b'\n') {
        bytes.drain(..end);
    }
    if !safe_path {
        let real = std::fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(path));
        let folder = real.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
        insert_path(cx, &folder)?;
    }
    run_source(cx, &bytes, path, Some(path))
}

fn exit_with(cx: &mut Cx, code: i64) -> taipan_runtime::Raised {
    cx.raise_value(&exceptions::SystemExit, Value::small(code))
}

/// Puts `folder` in front of `sys.path`.
fn insert_path(cx: &mut Cx, folder: &str) -> PyResult<()> {
    let path = taipan_stdlib::sys::get(cx, "path")?;
    let folder = cx.str(folder);
    cx.call_method_text(path, "insert", &[Value::small(0), folder])?;
    Ok(())
}

/// Compiles and runs source as `__main__`.
fn run_source(cx: &mut Cx, bytes: &[u8], filename: &str, file: Option<&str>) -> PyResult<()> {
    let main = main_module(cx)?;
    let globals = main.dict();
    if let Some(file) = file {
        let value = cx.str(file);
        main.set(cx, "__file__", value);
        main.set(cx, "__cached__", Value::none());
        taipan_stdlib::import::set_main_loader(cx, main, file)?;
    }
    let name = cx.str(filename);
    let text = compile::decode_source(cx, bytes, Origin::File, name)?;
    if file.is_none() {
        taipan_stdlib::import::register_source(cx, filename, &text);
    }
    let request = Request { mode: Mode::Module, flags: 0, optimize: -1 };
    let code = compile::compile_text(cx, &text, name, &request)?;
    call::run_code(cx, code, globals, Some(Value::of(globals)), None)?;
    Ok(())
}

/// `runpy._run_module_as_main(name)`.
fn run_module(cx: &mut Cx, name: &str, alter_argv: bool) -> PyResult<()> {
    let f = import::import_attr(cx, "runpy", "_run_module_as_main")?;
    let name = cx.str(name);
    cx.call(f, &[name, Value::bool(alter_argv)])?;
    Ok(())
}

/// The exit code of a program that ended with `result`; an uncaught exception is reported.
pub fn finish(cx: &mut Cx, result: PyResult<()>, _inspect: bool) -> i32 {
    match result {
        Ok(()) => 0,
        Err(_) => report(cx),
    }
}

/// Reports the raised exception as the interpreter does at its end; returns the exit code.
pub fn report(cx: &mut Cx) -> i32 {
    if cx.exception_matches(&exceptions::SystemExit) {
        return system_exit(cx);
    }
    let interrupted = cx.exception_matches(&exceptions::KeyboardInterrupt);
    let exception = cx.take_exception();
    print_exception(cx, exception);
    if interrupted {
        let _ = taipan_stdlib::finish(cx);
        die_by_sigint();
        return 130;
    }
    1
}

/// Ends the process as a program does that SIGINT killed, so that shells notice.
fn die_by_sigint() {
    // SAFETY: plain system calls.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGINT);
    }
}

fn system_exit(cx: &mut Cx) -> i32 {
    let exception = cx.take_exception();
    let code = exception.downcast::<Exception>().and_then(|e| e.extra(0)).unwrap_or(Value::none());
    if code.is_none() {
        return 0;
    }
    if int::check(code) {
        return int::as_i64(code).map_or(-1, |c| c as i32) & 0xff;
    }
    let text = match object::str(cx, code) {
        Ok(s) => s,
        Err(_) => {
            cx.take_exception();
            return 1;
        }
    };
    taipan_stdlib::sys::write_stderr(cx, text);
    let newline = Str::new(cx, "\n");
    taipan_stdlib::sys::write_stderr(cx, newline);
    1
}

/// Prints an uncaught exception through `sys.excepthook`.
pub fn print_exception(cx: &mut Cx, exception: Value) {
    let traceback = exception.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
    let _ = taipan_stdlib::sys::set(cx, "last_exc", exception);
    let hook = taipan_stdlib::sys::get(cx, "excepthook");
    let class = Value::of(exception.class());
    let outcome = hook.and_then(|hook| cx.call(hook, &[class, exception, traceback]));
    if outcome.is_err() {
        let second = cx.take_exception();
        if second.is_instance(&exceptions::SystemExit) {
            return;
        }
        let _ = std::io::stderr().write_all(b"Error in sys.excepthook:\n");
        taipan_stdlib::sys::print_exception_natively(cx, second);
        let _ = std::io::stderr().write_all(b"\nOriginal exception was:\n");
        taipan_stdlib::sys::print_exception_natively(cx, exception);
//! Running a program: start-up, `__main__`, exit codes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::protocol::import;
use taipan_runtime::traceback_print::unraisable;
use taipan_runtime::types::list::List;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::compile::{self, Request};
use taipan_stdlib::{builtins, start, sys};
use taipan_syntax::Mode;
use taipan_syntax::source::Origin;

use crate::options::{Options, Program};
use crate::repl;

/// Runs the program that the options name; gives the exit code.
pub fn run(mut options: Options) -> ExitCode {
    let hash_key = match hash_key(&mut options) {
        Ok(key) => key,
        Err(text) => {
            eprintln!("Fatal Python error: config_init_hash_seed: {text}");
            return ExitCode::FAILURE;
        }
    };
    options.config.executable = std::env::current_exe().unwrap_or_default().into_os_string();
    set_hash_key(hash_key);
    let mut cx = Cx::start(gc_config(), hash_key);
    let cx = &mut *cx;
    taipan_interp::join(cx);
    let status = match start::start(cx, options.config.clone()) {
        Ok(()) => {
            let result = main(cx, &options);
            finish(cx, &options, result)
        }
        Err(_) => {
            let exception = cx.take_exception();
            eprintln!("Fatal Python error: the library could not be started");
            sys::print_exception_natively(cx, exception);
            1
        }
    };
    exit(status)
}

/// Leaves the process; 130 after Ctrl-C as by the signal itself.
fn exit(status: i32) -> ! {
    if status == INTERRUPTED {
        // SAFETY: plain system calls.
        unsafe {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            libc::kill(libc::getpid(), libc::SIGINT);
        }
        std::process::exit(128 + libc::SIGINT);
    }
    std::process::exit(status)
}

/// Status that stands for an uncaught KeyboardInterrupt.
const INTERRUPTED: i32 = i32::MIN;

fn gc_config() -> taipan_gc::Config {
    let mut config = taipan_gc::Config::default();
    let setting = std::env::var("TAIPAN_GC").unwrap_or_default();
    for part in setting.split(',') {
        if let Some(rest) = part.strip_prefix("stress") {
            config.stress = true;
            if let Some(n) = rest.strip_prefix('=').and_then(|n| n.parse().ok()) {
                config.stress_interval = n;
            }
        }
    }
    config
}

/// The key of str hashes by `PYTHONHASHSEED`.
fn hash_key(options: &mut Options) -> Result<(u64, u64), String> {
    let seed = std::env::var("PYTHONHASHSEED").ok().filter(|s| !s.is_empty() && !options.config.ignore_environment);
    match seed.as_deref() {
        None | Some("random") => {
            let mut key = [0u8; 16];
            // SAFETY: the buffer is 16 bytes long.
            let got = unsafe { libc::getrandom(key.as_mut_ptr().cast(), key.len(), 0) };
            if got != 16 {
                return Err("failed to get random numbers".into());
            }
            let number = u128::from_le_bytes(key);
            Ok((number as u64, (number >> 64) as u64))
        }
        Some(text) => match text.parse::<u32>() {
            Ok(0) => {
                options.config.hash_randomization = false;
                Ok((0, 0))
            }
            Ok(seed) => Ok(keys_of_seed(seed)),
            Err(_) => Err("PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]".into()),
        },
    }
}

/// The linear congruential generator that CPython expands a seed with.
fn keys_of_seed(seed: u32) -> (u64, u64) {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(214013).wrapping_add(2531011);
        (x >> 16) as u8
    };
    let mut word = || u64::from_le_bytes(std::array::from_fn(|_| next()));
    (word(), word())
}

fn set_hash_key(key: (u64, u64)) {
    use std::sync::atomic::Ordering::Relaxed;
    let target = &taipan_runtime::types::str::HASH_KEY;
    target.0.store(key.0, Relaxed);
    target.1.store(key.1, Relaxed);
}

/// Puts a directory in front of `sys.path`.
fn prepend_path(cx: &mut Cx, path: impl AsRef<std::ffi::OsStr>) {
    let path = sys::os_str(cx, path);
    if let Some(list) = builtins::sys_value(cx, "path").and_then(|v| v.downcast::<List>()) {
        list.splice(cx, 0, 0, &[path]);
    }
}

fn main(cx: &mut Cx, options: &Options) -> PyResult<()> {
    let globals = start::main_module(cx)?;
    let is_safe = options.config.safe_path;
    match &options.program {
        Program::Command(text) => {
            if !is_safe {
                prepend_path(cx, "");
            }
            run_command(cx, &text.to_string_lossy(), globals)
        }
        Program::Module(name) => {
            if !is_safe {
                let here = std::env::current_dir().unwrap_or_default();
                prepend_path(cx, here);
            }
            let name = sys::os_str(cx, name);
            run_module(cx, name, true)
        }
        Program::File(path) => run_file(cx, path, globals, options),
        Program::Stdin => {
            if !is_safe {
                prepend_path(cx, "");
            }
            // SAFETY: a plain system call.
            let is_terminal = unsafe { libc::isatty(0) } == 1;
            if is_terminal || options.config.interactive > 0 {
                return repl::interact(cx, globals, options.config.quiet);
            }
            let mut bytes = Vec::new();
            if let Err(error) = std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes) {
                return raise!(cx, RuntimeError, "cannot read standard input: {error}");
            }
            run_source(cx, &bytes, "<stdin>".as_ref(), globals)
        }
    }
}

/// Runs `-c` code.
fn run_command(cx: &mut Cx, text: &str, globals: &'static Dict) -> PyResult<()> {
    let filename = cx.str("<string>");
    let request = Request { mode: Mode::Module, flags: 0, optimize: -1 };
    let text = taipan_stdlib::start::dedent(text);
    start::register_source(cx, &text, "<string>");
    let code = compile::compile_text(cx, &text, filename, &request)?;
    builtins::scope::run_module_code(cx, code, globals)?;
    Ok(())
}

/// Runs a module by `runpy`.
fn run_module(cx: &mut Cx, name: Value, set_argv: bool) -> PyResult<()> {
    let function = import::import_attr(cx, "runpy", "_run_module_as_main")?;
    cx.call(function, &[name, Value::bool(set_argv)])?;
    Ok(())
}

fn run_source(cx: &mut Cx, bytes: &[u8], filename: &std::ffi::OsStr, globals: &'static Dict) -> PyResult<()> {
    let filename = sys::os_str(cx, filename);
    let text = compile::decode_source(cx, bytes, Origin::File, filename)?;
    let request = Request { mode: Mode::Module, flags: 0, optimize: -1 };
    let code = compile::compile_text(cx, &text, filename, &request)?;
    builtins::scope::run_module_code(cx, code, globals)?;
    Ok(())
}

fn run_file(cx: &mut Cx, path: &OsString, globals: &'static Dict, options: &Options) -> PyResult<()> {
    if start::path_importer(cx, path)?.is_some() {
        // A directory or zip file with a __main__ module.
        let entry = sys::os_str(cx, path);
        if let Some(list) = builtins::sys_value(cx, "path").and_then(|v| v.downcast::<List>()) {
            list.splice(cx, 0, 0, &[entry]);
        }
        let name = Value::of(cx.names().__main__);
        return run_module(cx, name, false);
    }
    let mut bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (shown, number) = (path.to_string_lossy(), error.raw_os_error().unwrap_or(0));
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            let executable = options.config.orig_argv.first().map(|a| a.to_string_lossy().into_owned());
            let executable = executable.unwrap_or_default();
            eprintln!("{executable}: can't open file '{shown}': [Errno {number}] {text}");
            let status = Value::small(2);
            return Err(cx.raise_value(&exceptions::SystemExit, status));
        }
    };
    if !options.config.safe_path {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        prepend_path(cx, real.parent().unwrap_or(Path::new("")));
    }
    if options.skip_first_line {
        let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
        bytes.drain(..end);
    }
    let (file_key, cached_key) = (cx.names().__file__, cx.names().__cached__);
    let file = sys::os_str(cx, path);
    globals.set_str(cx, file_key, file);
    globals.set_str(cx, cached_key, Value::none());
    start::set_main_loader(cx, globals, path)?;
    if bytes.starts_with(&taipan_bytecode::pyc::MAGIC) {
        let code = taipan_stdlib::marshal::loads(cx, bytes.get(16..).unwrap_or(&[]), true)?;
        let Some(code) = code.exact::<taipan_runtime::types::code::CodeObject>() else {
            return raise!(cx, RuntimeError, "Bad code object in .pyc file");
        };
        builtins::scope::run_module_code(cx, code, globals)?;
        return Ok(());
    }
    run_source(cx, &bytes, path, globals)
}

fn finish(cx: &mut Cx, options: &Options, result: PyResult<()>) -> i32 {
    let mut status = status_of(cx, result);
    if options.config.inspect > 0 && !matches!(options.program, Program::Stdin) {
        let prompt = start::main_module(cx).and_then(|globals| repl::interact(cx, globals, true));
        status = status_of(cx, prompt);
    }
    if !start::finish(cx) && status == 0 {
        status = 120;
    }
    status
}

fn status_of(cx: &mut Cx, result: PyResult<()>) -> i32 {
    let Err(_) = result else { return 0 };
    let exception = cx.take_exception();
    if exception.is_instance(&exceptions::SystemExit) {
        builtins::flush_stream(cx, "stdout");
        return unraisable::exit_code(cx, exception);
    }
    if let Some(status) = unraisable::print_uncaught(cx, exception) {
        return status;
    }
    if exception.is_instance(&exceptions::KeyboardInterrupt) { INTERRUPTED } else { 1 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds() {
        // As CPython: PYTHONHASHSEED=42 fills the key with its generator's bytes.
        assert_eq!(super::keys_of_seed(42).0 & 0xff, 175);
    }
}
