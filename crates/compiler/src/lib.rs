//! Taipan's compiler: Python's syntax tree in, register bytecode out.
//!
//! Passes: [`names`] and [`scope`] find what every name means; [`emit`] walks the tree once more and writes
//! instructions with labels; [`flow`] removes dead code and needless checks and assembles words.
//! Errors carry CPython's texts. Nesting deeper than the compiler's limit is an error, not a crash.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bound;
mod emit;
mod error;
mod flow;
mod fold;
mod future;
mod literal;
mod names;
mod scope;
mod symbols;
mod unparse;

pub use emit::warn::{escape_warnings_of, literal_warnings};
pub use error::{ErrorKind, SyntaxError, Warning};
pub use symbols::{Block, BlockKind};

use error::Res;
use flow::Lines;
use ruff_python_ast::{Expr, ModExpression, ModModule, Stmt};
use ruff_text_size::TextRange;
use taipan_bytecode::{Code, Text};

/// How to compile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `co_filename`.
    pub filename: Text,
    /// 0; 1 without asserts and with `__debug__` false; 2 also without docstrings.
    pub optimize: u8,
    /// `co_flags` bits of the future features that are inherited from the caller.
    pub futures: u32,
    /// Allow `await` at module level (`ast.PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    pub top_level_await: bool,
}

/// `co_flags` bit of `from __future__ import annotations`.
pub const FUTURE_ANNOTATIONS: u32 = 0x100_0000;

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A file (`exec`).
    Module(&'a ModModule),
    /// An expression (`eval`).
    Expression(&'a ModExpression),
    /// Interactive input (`single`).
    Interactive(&'a ModModule),
}

/// A compiled code block with what else the compiler has to say.
#[derive(Clone, Debug)]
pub struct Output {
    /// The code.
    pub code: Code,
    /// SyntaxWarnings in the order CPython issues them.
    pub warnings: Vec<Warning>,
}

/// Nesting of statements and expressions that the compiler accepts.
const MAX_DEPTH: u32 = 1500;
/// Native stack that [`MAX_DEPTH`] levels may take.
const STACK_BYTES: usize = 96 << 20;
/// Sources up to this length cannot nest deeply enough to need that stack.
const SHORT_SOURCE: usize = 600;

fn too_deep(range: TextRange) -> Box<SyntaxError> {
    let mut error = error::raw("maximum recursion depth exceeded during compilation", range);
    error.kind = ErrorKind::Recursion;
    error
}

/// Compiles a module.
pub fn compile_module(source: &str, module: &ModModule, options: &Options) -> Result<Code, SyntaxError> {
    compile(source, Input::Module(module), options).map(|o| o.code)
}

/// Compiles an expression; the code returns its value.
pub fn compile_expression(source: &str, module: &ModExpression, options: &Options) -> Result<Code, SyntaxError> {
    compile(source, Input::Expression(module), options).map(|o| o.code)
}

/// Compiles interactive input: values of expression statements are printed.
pub fn compile_interactive(source: &str, module: &ModModule, options: &Options) -> Result<Code, SyntaxError> {
    compile(source, Input::Interactive(module), options).map(|o| o.code)
}

/// Compiles `input`, whose ranges refer to `source`.
pub fn compile(source: &str, input: Input<'_>, options: &Options) -> Result<Output, SyntaxError> {
    if source.len() <= SHORT_SOURCE {
        return compile_here(source, input, options);
    }
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || compile_here(source, input, options))
}

/// The symbol table of `input`.
pub fn symbol_table(source: &str, input: Input<'_>) -> Result<Block, SyntaxError> {
    let lines = Lines::new(source);
    let (body, expr) = parts(input);
    let table = future::check(body)
        .and_then(|futures| names::scopes(source, body, expr, futures & FUTURE_ANNOTATIONS != 0, MAX_DEPTH));
    table.map(|table| symbols::tree(&table, &lines)).map_err(|e| e.locate(&lines))
}

fn parts<'a>(input: Input<'a>) -> (&'a [Stmt], Option<&'a Expr>) {
    match input {
        Input::Module(m) | Input::Interactive(m) => (&m.body, None),
        Input::Expression(m) => (&[], Some(&m.body)),
    }
}

fn compile_here(source: &str, input: Input<'_>, options: &Options) -> Result<Output, SyntaxError> {
    let lines = Lines::new(source);
    compile_raw(source, &lines, input, options).map_err(|e| e.locate(&lines))
}

fn compile_raw(source: &str, lines: &Lines<'_>, input: Input<'_>, options: &Options) -> Res<Output> {
    let (body, expr) = parts(input);
    let futures = future::check(body)? | options.futures;
    let table = names::scopes(source, body, expr, futures & FUTURE_ANNOTATIONS != 0, MAX_DEPTH)?;
    emit::compile(source, lines, input, options, futures, table)
}
