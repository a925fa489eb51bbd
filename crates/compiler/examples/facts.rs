//! Prints what CPython can confirm about compiled files, one JSON line for each code object (or error).
//! `facts FILE...`, or `facts -e` with one JSON-free snippet per NUL-separated chunk of standard input.

use std::io::Read;
use taipan_bytecode::{Code, Const, Op, Text, Word};
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

/// Positions of calls, attribute loads and subscripts, sorted.
fn places(code: &Code) -> String {
    let positions: Vec<_> = taipan_bytecode::positions::decode(&code.positions).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < code.words.len() {
        let Some(op) = Word(code.words[at]).op() else { break };
        let kind = match op {
            Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw | Op::CallEx => "call",
            Op::LoadAttr | Op::LoadMethod | Op::LoadSuperAttr | Op::LoadSuperMethod => "attr",
            Op::StoreAttr => "setattr",
            Op::Raise | Op::RaiseFrom | Op::RaiseCurrent => "raise",
            Op::StoreItem => "setitem",
            Op::ImportName => "import",
            Op::ImportFrom => "importfrom",
            Op::Yield => "yield",
            _ => "",
        };
        if !kind.is_empty() {
            let p = positions[at];
            out.push(format!("[\"{kind}\",{},{},{},{}]", p.line, p.end_line, p.col, p.end_col));
        }
        at += op.words();
    }
    format!("[{}]", out.join(","))
}

fn facts(code: &Code, out: &mut Vec<String>) {
    out.push(format!(
        "[{},{},{},[{},{},{}],{},{},{},{},{},{}]",
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
        places(code),
    ));
    for c in &code.consts {
        if let Const::Code(c) = c {
            facts(c, out);
        }
    }
}

fn run(source: &str) -> String {
    let options = ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module);
    let parsed =
        ruff_python_parser::parse_unchecked(source, options.with_target_version(ruff_python_ast::PythonVersion::PY314));
    if let Some(e) = parsed.errors().first() {
        return format!("{{\"parse\":{}}}", quote(&e.error.to_string()));
    }
    let Some(module) = parsed.try_into_module() else { return "{}".into() };
    let module = module.into_syntax();
    match compile(source, Input::Module(&module), &Options::default()) {
        Ok(o) => {
            let mut all = Vec::new();
            facts(&o.code, &mut all);
            let warnings: Vec<String> =
                o.warnings.iter().map(|w| format!("[{},{}]", quote(&w.message), w.line)).collect();
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
