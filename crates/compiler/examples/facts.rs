//! Prints what CPython can confirm about compiled files, one JSON line for each code object (or error).
//! `facts FILE...`, or `facts -e` with one JSON-free snippet per NUL-separated chunk of standard input.

use std::io::Read;
use taipan_bytecode::{Code, Const, Text};
use taipan_compiler::{Input, Options, compile};

fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if (c as u32) < 32 => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}

fn list(names: &[Text]) -> String {
    format!("[{}]", names.iter().map(|n| quote(&n.lossy())).collect::<Vec<_>>().join(","))
}

fn facts(code: &Code, out: &mut Vec<String>) {
    out.push(format!(
        "[{},{},{},[{},{},{}],{},{},{},{},{}]",
        quote(&code.name.lossy()),
        quote(&code.qualname.lossy()),
        code.firstlineno,
        code.argcount,
        code.posonlyargcount,
        code.kwonlyargcount,
        code.flags,
        list(&code.varnames),
        list(&code.cellvars),
        list(&code.freevars),
        list(&code.names),
    ));
    for c in &code.consts {
        if let Const::Code(c) = c {
            facts(c, out);
        }
    }
}

fn run(source: &str) -> String {
    let options = ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module);
    let parsed = ruff_python_parser::parse_unchecked(source, options.with_target_version(ruff_python_ast::PythonVersion::PY314));
    if let Some(e) = parsed.errors().first() {
        return format!("{{\"parse\":{}}}", quote(&e.error.to_string()));
    }
    let Some(module) = parsed.try_into_module() else { return "{}".into() };
    let module = module.into_syntax();
    match compile(source, Input::Module(&module), &Options::default()) {
        Ok(o) => {
            let mut all = Vec::new();
            facts(&o.code, &mut all);
            let warnings: Vec<String> = o.warnings.iter().map(|w| format!("[{},{}]", quote(&w.message), w.line)).collect();
            format!("{{\"codes\":[{}],\"warnings\":[{}]}}", all.join(","), warnings.join(","))
        }
        Err(e) => format!("{{\"error\":[{},{},{},{},{}]}}", quote(&e.message), e.line, e.col, e.end_line, e.end_col),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == "-e") {
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).expect("text on standard input");
        input.split('\0').for_each(|s| println!("{}", run(s)));
        return;
    }
    for file in args {
        let source = std::fs::read_to_string(&file).unwrap_or_default();
        println!("{}", run(&source));
    }
}
