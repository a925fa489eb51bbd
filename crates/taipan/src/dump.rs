//! `--dump`: stages of compiling a program as text.
//!
//! `tokens` as `python -m tokenize` prints them, `ast` as `ast.dump(indent=2)`, `bytecode` as the disassembler's list.

use std::io::Read;
use std::process::ExitCode;

use taipan_syntax::{Mode, parse, print, tokens};

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

fn stage(name: &str, text: &str, filename: &str, options: &Options) -> Result<String, String> {
    let normal = taipan_syntax::source::normalise_newlines(text);
    match name {
        "tokens" => Ok(tokens::print(&normal)),
        "ast" => {
            let module = parse(text, Mode::Module).map_err(|e| e.to_string())?;
            let how = print::Options { indent: Some(2), attributes: false };
            Ok(print::print(&module, Mode::Module, how) + "\n")
        }
        "bytecode" => {
            let module = parse(text, Mode::Module).map_err(|e| e.to_string())?;
            let taipan_syntax::ast::Mod::Module(tree) = module.tree() else { return Ok(String::new()) };
            let how = taipan_compiler::Options {
                filename: filename.into(),
                optimize: options.config.optimize as u8,
                ..Default::default()
            };
            let code = taipan_compiler::compile_module(&module.source, tree, &how).map_err(|e| e.to_string())?;
            Ok(taipan_bytecode::dis::dis(&code))
        }
        _ => Err(format!("unknown stage {name}: tokens, ast, bytecode")),
    }
}

/// Prints the stages that were asked for.
pub fn dump(options: &Options) -> ExitCode {
    let (text, name) = match source(&options.program) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("taipan: {error}");
            return ExitCode::from(2);
        }
    };
    for wanted in &options.dump {
        match stage(wanted, &text, &name, options) {
            Ok(text) => print!("{text}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
