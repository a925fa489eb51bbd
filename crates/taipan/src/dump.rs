//! `--dump=STAGE[:FUNCTION],...`: stages of compiling a program as text.
//!
//! Of the source, printed instead of running the program: `tokens` as `python -m tokenize` prints them, `ast` as
//! `ast.dump(indent=2)`, `bytecode` as the disassembler's list. Of compiled code, printed to standard error as the JIT makes it:
//! `ir`, `ir-PASS`, `ir-opt`, `clif`, `asm`. A function is a part of its qualified name.

use std::io::Read;
use std::process::ExitCode;

use taipan_syntax::ast::{Mod, Stmt};
use taipan_syntax::text_size::Ranged;
use taipan_syntax::{Mode, print, tokens};

use crate::options::{Options, Program};

fn source(program: &Program) -> std::io::Result<(String, String)> {
    let bytes = match program {
        Program::Command(text) => return Ok((text.to_string_lossy().into_owned(), "<string>".into())),
        Program::File(path) => std::fs::read(path)?,
        Program::Module(_) => return Err(std::io::Error::other("--dump does not take -m")),
        Program::Stdin => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes)?;
            bytes
        }
    };
    let name = match program {
        Program::File(path) => path.to_string_lossy().into_owned(),
        _ => "<stdin>".into(),
    };
    let text = taipan_syntax::source::decode(&bytes, taipan_syntax::source::Origin::File, &mut |_, _| None);
    Ok((text.map_err(std::io::Error::other)?, name))
}

/// Makes a stage's text of a program's text.
type Print = fn(&str, &Place) -> Result<String, String>;

/// Where the program comes from and what is wanted of it.
struct Place<'a> {
    filename: &'a str,
    function: &'a str,
    optimize: u8,
}

/// How a stage is made: from the source, or by the JIT under a name of its own.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Source(Print),
    Jit(&'static str),
}

/// The stages, in order.
static STAGES: &[(&str, Stage)] = &[
    ("tokens", Stage::Source(|text, place| Ok(tokens::print(&of_function(text, place)?)))),
    ("ast", Stage::Source(ast)),
    ("bytecode", Stage::Source(bytecode)),
    ("ir", Stage::Jit("ir")),
    ("ir-params", Stage::Jit("ir:params")),
    ("ir-gvn", Stage::Jit("ir:gvn")),
    ("ir-licm", Stage::Jit("ir:licm")),
    ("ir-dce", Stage::Jit("ir:dce")),
    ("ir-opt", Stage::Jit("ir-opt")),
    ("clif", Stage::Jit("clif")),
    ("asm", Stage::Jit("asm")),
];

/// A stage that was asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    stage: Stage,
    function: String,
}

impl Wanted {
    /// True for stages that are made without running the program.
    pub fn is_of_source(&self) -> bool {
        matches!(self.stage, Stage::Source(_))
    }

    /// As the JIT's options have it, unless it is a stage of the source.
    pub fn of_machine_code(&self) -> Option<String> {
        match self.stage {
            Stage::Jit(name) => Some(format!("{name}={}", self.function)),
            Stage::Source(_) => None,
        }
    }
}

/// The names of the stages.
pub fn stages() -> String {
    STAGES.iter().map(|s| s.0).collect::<Vec<_>>().join(", ")
}

/// The stages of `STAGE[:FUNCTION],...`.
pub fn parse(text: &str) -> Result<Vec<Wanted>, String> {
    (text.split(','))
        .map(|part| {
            let (name, function) = part.split_once(':').unwrap_or((part, ""));
            match STAGES.iter().find(|s| s.0 == name) {
                Some((_, stage)) => Ok(Wanted { stage: *stage, function: function.to_string() }),
                None => Err(format!("--dump: unknown stage {name}; the stages are {}", stages())),
            }
        })
        .collect()
}

/// The text of the functions and classes that are wanted, all of it if none is named.
fn of_function(text: &str, place: &Place) -> Result<String, String> {
    let normal = taipan_syntax::source::normalise_newlines(text);
    if place.function.is_empty() {
        return Ok(normal.into_owned());
    }
    let module = taipan_syntax::parse(text, Mode::Module).map_err(|e| e.to_string())?;
    let Mod::Module(tree) = module.tree() else { return Ok(String::new()) };
    let mut found = String::new();
    collect(&tree.body, "", place.function, &module.source, &mut found);
    Ok(found)
}

/// Appends the definitions whose qualified names contain `wanted`, without their indentation.
fn collect(body: &[Stmt], prefix: &str, wanted: &str, source: &str, found: &mut String) {
    for statement in body {
        let (name, inner, range) = match statement {
            Stmt::FunctionDef(f) => (f.name.as_str(), &f.body, f.range()),
            Stmt::ClassDef(c) => (c.name.as_str(), &c.body, c.range()),
            _ => continue,
        };
        let qualname = format!("{prefix}{name}");
        if qualname.contains(wanted) {
            let (start, end) = (range.start().to_usize(), range.end().to_usize());
            let line = source[..start].rfind('\n').map_or(0, |i| i + 1);
            let indent = &source[line..start];
            for text in source[line..end].lines() {
                *found += text.strip_prefix(indent).unwrap_or(text);
                found.push('\n');
            }
            continue;
        }
        let separator = if matches!(statement, Stmt::FunctionDef(_)) { ".<locals>." } else { "." };
        collect(inner, &format!("{qualname}{separator}"), wanted, source, found);
    }
}

fn ast(text: &str, place: &Place) -> Result<String, String> {
    let text = of_function(text, place)?;
    let module = taipan_syntax::parse(&text, Mode::Module).map_err(|e| e.to_string())?;
    let how = print::Options { indent: Some(2), attributes: false };
    Ok(print::print(&module, Mode::Module, how) + "\n")
}

fn bytecode(text: &str, place: &Place) -> Result<String, String> {
    let module = taipan_syntax::parse(text, Mode::Module).map_err(|e| e.to_string())?;
    let Mod::Module(tree) = module.tree() else { return Ok(String::new()) };
    let how =
        taipan_compiler::Options { filename: place.filename.into(), optimize: place.optimize, ..Default::default() };
    let code = taipan_compiler::compile_module(&module.source, tree, &how).map_err(|e| e.to_string())?;
    Ok(taipan_bytecode::dis::dis_named(&code, place.function))
}

/// Prints the stages of the source that were asked for.
pub fn dump(options: &Options) -> ExitCode {
    let (text, name) = match source(&options.program) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("taipan: {error}");
            return ExitCode::from(2);
        }
    };
    for wanted in &options.dump {
        let Stage::Source(print) = wanted.stage else { continue };
        let place = Place { filename: &name, function: &wanted.function, optimize: options.config.optimize as u8 };
        match print(&text, &place) {
            Ok(text) => print!("{text}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
