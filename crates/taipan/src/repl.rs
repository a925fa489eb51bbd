//! The interactive prompt: history, multi-line input, results through `sys.displayhook`.

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use taipan_runtime::protocol::{call, object};
use taipan_runtime::{Cx, PyResult, Value, exceptions};
use taipan_stdlib::compile::{self, Request};
use taipan_syntax::Mode;
use taipan_syntax::interactive::{Input, needs_more_input};

use crate::run::{main_module, print_exception, report};

fn history_file() -> Option<std::path::PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(std::path::Path::new(&home).join(".python_history"))
}

/// Reads and runs statements until end of input. Returns the exit code.
pub fn run(cx: &mut Cx) -> i32 {
    let Ok(mut editor) = DefaultEditor::new() else {
        eprintln!("taipan: no line editor for this terminal");
        return 1;
    };
    let history = history_file();
    if let Some(file) = &history {
        let _ = editor.load_history(file);
    }
    let mut lines = String::new();
    let code = loop {
        let prompt = prompt(cx, if lines.is_empty() { "ps1" } else { "ps2" });
        match editor.readline(&prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(line.as_str());
                }
                if !lines.is_empty() {
                    lines.push('\n');
                }
                lines.push_str(&line);
                if let Input::Incomplete = needs_more_input(&lines) {
                    continue;
                }
                let source = std::mem::take(&mut lines) + "\n";
                if let Some(code) = execute(cx, &source) {
                    break code;
                }
            }
            Err(ReadlineError::Interrupted) => {
                lines.clear();
                println!("KeyboardInterrupt");
            }
            Err(_) => {
                println!();
                break 0;
            }
        }
    };
    if let Some(file) = &history {
        let _ = editor.save_history(file);
    }
    code
}

fn prompt(cx: &mut Cx, name: &str) -> String {
    let default = if name == "ps1" { ">>> " } else { "... " };
    let Ok(value) = taipan_stdlib::sys::get(cx, name) else {
        cx.take_exception();
        return default.to_string();
    };
    match object::str(cx, value) {
        Ok(s) => s.to_string_lossy(),
        Err(_) => {
            cx.take_exception();
            default.to_string()
        }
    }
}

/// Runs one complete input. Some: the program asked to exit with that code.
fn execute(cx: &mut Cx, source: &str) -> Option<i32> {
    let result = evaluate(cx, source);
    let _ = taipan_stdlib::sys::flush(cx);
    match result {
        Ok(()) => None,
        Err(_) if cx.exception_matches(&exceptions::SystemExit) => Some(report(cx)),
        Err(_) => {
            let exception = cx.take_exception();
            print_exception(cx, exception);
            None
        }
    }
}

fn evaluate(cx: &mut Cx, source: &str) -> PyResult<()> {
    let globals = main_module(cx)?.dict();
    let name = cx.str("<stdin>");
    let request = Request { mode: Mode::Single, flags: 0, optimize: -1 };
    let code = compile::compile_text(cx, source, name, &request)?;
    taipan_stdlib::import::register_source(cx, "<stdin>", source);
    call::run_code(cx, code, globals, Some(Value::of(globals)), None)?;
    Ok(())
}
