//! `--dump=tokens,ast,bytecode`: prints the stages of compilation.

use taipan_compiler::{Input, Options};
use taipan_syntax::ast::Mod;
use taipan_syntax::{Mode, parse};

/// Prints the `stages` of `source`. Err: the message of a syntax error or of a wrong stage name.
pub fn dump(source: &str, filename: &str, stages: &str, optimize: u8) -> Result<String, String> {
    let mut out = String::new();
    for stage in stages.split(',') {
        match stage.trim() {
            "tokens" => out += &taipan_syntax::tokens::print(source),
            "ast" => {
                let module = parse(source, Mode::Module).map_err(|e| e.message)?;
                let options = taipan_syntax::print::Options { indent: Some(2), attributes: false };
                out += &taipan_syntax::print::print(&module, Mode::Module, options);
                out.push('\n');
            }
            "bytecode" => {
                let module = parse(source, Mode::Module).map_err(|e| e.message)?;
                let options = Options { filename: filename.into(), optimize, ..Default::default() };
                let input = match module.tree() {
                    Mod::Module(tree) => Input::Module(tree),
                    Mod::Expression(tree) => Input::Expression(tree),
                };
                let code = taipan_compiler::compile(&module.source, input, &options).map_err(|e| e.message)?.code;
                out += &taipan_bytecode::dis::dis(&code);
            }
            other => return Err(format!("--dump: unknown stage '{other}' (there are tokens, ast, bytecode)")),
        }
    }
    Ok(out)
}
