//! Whether interactive input is complete, as the `codeop` module decides.

use crate::errors::SyntaxError;
use crate::parse::{Mode, parse};

/// What to do with input at an interactive prompt.
#[derive(Debug)]
pub enum Input {
    /// Run it.
    Complete,
    /// Ask for another line.
    Incomplete,
    /// Report the error.
    Invalid(SyntaxError),
}

/// Decides about `source`: the lines typed so far, joined by newlines. A compound statement is complete when an
/// empty line follows it, that is, when `source` ends with a newline.
pub fn needs_more_input(source: &str) -> Input {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
    if source.split('\n').all(is_blank) {
        return Input::Complete;
    }
    match parse(source, Mode::Single) {
        Ok(module) => {
            let is_open = match module.tree() {
                crate::ast::Mod::Module(tree) => tree.body.first().is_some_and(is_compound),
                crate::ast::Mod::Expression(_) => false,
            };
            if is_open && !source.ends_with('\n') { Input::Incomplete } else { Input::Complete }
        }
        Err(error) => match parse(&format!("{source}\n"), Mode::Single) {
            Ok(_) => Input::Incomplete,
            Err(again) if again.incomplete => Input::Incomplete,
            Err(_) if error.incomplete && !source.ends_with('\n') => Input::Incomplete,
            Err(again) => Input::Invalid(again),
        },
    }
}

fn is_compound(stmt: &crate::ast::Stmt) -> bool {
    use crate::ast::Stmt;
    matches!(
        stmt,
        Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::If(_)
            | Stmt::With(_)
            | Stmt::Match(_)
            | Stmt::Try(_)
    )
}
