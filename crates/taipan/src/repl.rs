//! The interactive prompt.

use std::io::{BufRead, Write};

use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::protocol::object;
use taipan_runtime::{Cx, PyResult, Value};
use taipan_stdlib::compile::{self, Request};
use taipan_stdlib::{builtins, sys};
use taipan_syntax::Mode;
use taipan_syntax::interactive::{Input, needs_more_input};

/// The text of `sys.ps1` or `sys.ps2`.
fn prompt(cx: &mut Cx, name: &str, default: &str) -> String {
    let Some(v) = builtins::sys_value(cx, name) else { return default.to_string() };
    match object::str(cx, v) {
        Ok(text) => text.to_string_lossy(),
        Err(_) => {
            cx.take_exception();
            String::new()
        }
    }
}

/// Reads and runs statements until the end of input. SystemExit leaves it.
pub fn interact(cx: &mut Cx, globals: &'static Dict, quiet: bool) -> PyResult<()> {
    if !quiet {
        println!("Python {} on linux", sys::version());
        println!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
    for (name, text) in [("ps1", ">>> "), ("ps2", "... ")] {
        let key = cx.intern(name);
        let text = cx.str(text);
        if let Some(sys) = cx.rt().sys.get()
            && sys.get_str(key).is_none()
        {
            sys.set_str(cx, key, text);
        }
    }
    let mut lines = std::io::stdin().lock();
    let mut source = String::new();
    loop {
        let (name, default) = if source.is_empty() { ("ps1", ">>> ") } else { ("ps2", "... ") };
        print!("{}", prompt(cx, name, default));
        let _ = std::io::stdout().flush();
        let mut line = String::new();
        match lines.read_line(&mut line) {
            Ok(0) | Err(_) => {
                println!();
                return Ok(());
            }
            Ok(_) => {}
        }
        let line = line.trim_end_matches(['\n', '\r']);
        if !source.is_empty() {
            source.push('\n');
        }
        source.push_str(line);
        if matches!(needs_more_input(&source), Input::Incomplete) {
            continue;
        }
        let statement = std::mem::take(&mut source);
        if statement.trim().is_empty() {
            continue;
        }
        if run_statement(cx, &statement, globals).is_err() {
            if cx.exception_matches(&exceptions::SystemExit) {
                return Err(taipan_runtime::Raised);
            }
            let exception = cx.take_exception();
            sys::report_uncaught(cx, exception);
        }
        builtins::flush_stream(cx, "stdout");
    }
}

fn run_statement(cx: &mut Cx, text: &str, globals: &'static Dict) -> PyResult<()> {
    let filename = cx.str("<stdin>");
    let request = Request { mode: Mode::Single, flags: 0, optimize: -1 };
    let code = compile::compile_text(cx, &format!("{text}\n"), filename, &request)?;
    let result: Value = builtins::scope::run_module_code(cx, code, globals)?;
    let _ = result;
    Ok(())
}
