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
    taipan_stdlib::register(&[
        taipan_stdlib_asyncio::MODULES,
        taipan_stdlib_cjk::MODULES,
        taipan_stdlib_ctypes::MODULES,
        taipan_stdlib_data::MODULES,
        taipan_stdlib_decimal::MODULES,
        taipan_stdlib_interpreters::MODULES,
        taipan_stdlib_jit::MODULES,
        taipan_stdlib_net::MODULES,
        taipan_stdlib_os::MODULES,
        taipan_stdlib_sqlite::MODULES,
        taipan_stdlib_ssl::MODULES,
        taipan_stdlib_test::MODULES,
        taipan_stdlib_xml::MODULES,
        taipan_stdlib_zstd::MODULES,
    ]);
    match jit_options(&options) {
        Ok(jit) => taipan_jit::join(cx, jit),
        Err(text) => {
            eprintln!("Fatal Python error: {text}");
            return ExitCode::FAILURE;
        }
    }
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

/// Settings of the JIT from the environment, `-X jit=MODE`, `-X perf`, `--dump` and `--stats`.
fn jit_options(options: &Options) -> Result<taipan_jit::Options, String> {
    let mut jit = taipan_jit::Options::from_environment()?;
    let variable =
        |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty() && !options.config.ignore_environment);
    if std::env::var_os("TAIPAN_JIT").is_none_or(|v| v.is_empty()) && variable("PYTHON_JIT").is_some_and(|v| v == "0") {
        jit.mode = taipan_jit::Mode::Off;
    }
    if let Some(mode) = options.config.xoptions.iter().rev().find_map(|x| x.strip_prefix("jit=")) {
        jit.mode = taipan_jit::Mode::parse(mode)?;
    }
    jit.stats |= options.stats;
    let map = options.config.xoptions.iter().any(|x| x == "perf" || x == "perf=1");
    jit.perf |= map || variable("PYTHONPERFSUPPORT").is_some_and(|v| v != "0");
    jit.dump.extend(options.dump.iter().filter_map(crate::dump::Wanted::of_machine_code));
    Ok(jit)
}

/// Leaves the process; 130 after Ctrl-C as by the signal itself.
fn exit(status: i32) -> ! {
    if taipan_jit::options().stats {
        eprint!("{}", taipan_jit::stats::report());
    }
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

/// The collector's settings by `TAIPAN_GC`: `stress` or `stress=N` collects at each (N-th) allocation, `nursery=KIB`
/// sets how much is allocated between minor collections at least.
fn gc_config() -> taipan_gc::Config {
    let mut config = taipan_gc::Config::default();
    let setting = std::env::var("TAIPAN_GC").unwrap_or_default();
    for part in setting.split(',') {
        if let Some(kib) = part.strip_prefix("nursery=").and_then(|n| n.parse::<usize>().ok()) {
            config.nursery_min_bytes = kib << 10;
        }
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
    *cx.rt().path_0.borrow_mut() = Some(path.as_ref().to_string_lossy().into_owned());
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
        prepend_path(cx, path);
        let name = Value::of(cx.names().__main__);
        return run_module(cx, name, false);
    }
    // The script's name is made absolute, but not normalised.
    let absolute = std::env::current_dir().unwrap_or_default().join(path).into_os_string();
    let mut bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (shown, number) = (absolute.to_string_lossy(), error.raw_os_error().unwrap_or(0));
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
    let file = sys::os_str(cx, &absolute);
    globals.set_str(cx, file_key, file);
    globals.set_str(cx, cached_key, Value::none());
    start::set_main_loader(cx, globals, &absolute)?;
    if bytes.starts_with(&taipan_bytecode::pyc::MAGIC) {
        let code = taipan_stdlib::marshal::loads(cx, bytes.get(16..).unwrap_or(&[]), true)?;
        let Some(code) = code.exact::<taipan_runtime::types::code::CodeObject>() else {
            return raise!(cx, RuntimeError, "Bad code object in .pyc file");
        };
        builtins::scope::run_module_code(cx, code, globals)?;
        return Ok(());
    }
    run_source(cx, &bytes, &absolute, globals)
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
