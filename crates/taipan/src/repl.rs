//! The interactive prompt: history and multi-line input on a terminal, plain lines elsewhere.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::protocol::object;
use taipan_runtime::traceback_print::unraisable;
use taipan_runtime::{Cx, PyResult, Raised};
use taipan_stdlib::compile::{self, Request};
use taipan_stdlib::{builtins, start, sys};
use taipan_syntax::Mode;
use taipan_syntax::interactive::{Input, needs_more_input};

/// What reading a line gave.
enum Line {
    Text(String),
    Interrupted,
    End,
}

/// Where lines come from.
enum Reader {
    Terminal(Box<DefaultEditor>, Option<PathBuf>),
    Plain,
}

impl Reader {
    fn new() -> Reader {
        if !std::io::stdin().is_terminal() {
            return Reader::Plain;
        }
        let Ok(mut editor) = DefaultEditor::new() else { return Reader::Plain };
        let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".python_history"));
        if let Some(file) = &history {
            let _ = editor.load_history(file);
        }
        Reader::Terminal(Box::new(editor), history)
    }

    fn line(&mut self, prompt: &str) -> Line {
        match self {
            Reader::Terminal(editor, _) => match editor.readline(prompt) {
                Ok(line) => {
                    if !line.trim().is_empty() {
                        let _ = editor.add_history_entry(line.as_str());
                    }
                    Line::Text(line)
                }
                Err(ReadlineError::Interrupted) => Line::Interrupted,
                Err(_) => Line::End,
            },
            Reader::Plain => {
                eprint!("{prompt}");
                let mut line = String::new();
                match std::io::stdin().lock().read_line(&mut line) {
                    Ok(0) | Err(_) => Line::End,
                    Ok(_) => Line::Text(line.trim_end_matches(['\n', '\r']).to_string()),
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Reader::Terminal(editor, Some(file)) = self {
            let _ = editor.save_history(file);
        }
    }
}

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

fn set_prompts(cx: &mut Cx) {
    for (name, text) in [("ps1", ">>> "), ("ps2", "... ")] {
        let (key, text) = (cx.intern(name), cx.str(text));
        if let Some(sys) = cx.rt().sys.get()
            && sys.get_str(key).is_none()
        {
            sys.set_str(cx, key, text);
        }
    }
}

/// Reads and runs statements until the end of input. SystemExit leaves it.
pub fn interact(cx: &mut Cx, globals: &'static Dict, quiet: bool) -> PyResult<()> {
    if !quiet {
        eprintln!("Python {} on {}", sys::version(), std::env::consts::OS);
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
    set_prompts(cx);
    let mut reader = Reader::new();
    let mut source = String::new();
    loop {
        let (name, default) = if source.is_empty() { ("ps1", ">>> ") } else { ("ps2", "... ") };
        let prompt = prompt(cx, name, default);
        match reader.line(&prompt) {
            Line::End => {
                eprintln!();
                return Ok(());
            }
            Line::Interrupted => {
                source.clear();
                eprintln!("KeyboardInterrupt");
                continue;
            }
            Line::Text(line) => {
                if !source.is_empty() {
                    source.push('\n');
                }
                source.push_str(&line);
            }
        }
        if matches!(needs_more_input(&source), Input::Incomplete) {
            continue;
        }
        let statement = std::mem::take(&mut source);
        if statement.trim().is_empty() {
            continue;
        }
        if run_statement(cx, &statement, globals).is_err() {
            if cx.exception_matches(&exceptions::SystemExit) {
                return Err(Raised);
            }
            let exception = cx.take_exception();
            unraisable::print_uncaught(cx, exception);
        }
        builtins::flush_stream(cx, "stdout");
    }
}

fn run_statement(cx: &mut Cx, text: &str, globals: &'static Dict) -> PyResult<()> {
    let filename = cx.str("<stdin>");
    let request = Request { mode: Mode::Single, flags: 0, optimize: -1 };
    start::register_source(cx, text, "<stdin>");
    let code = compile::compile_text(cx, &format!("{text}\n"), filename, &request)?;
    builtins::scope::run_module_code(cx, code, globals)?;
    Ok(())
}
