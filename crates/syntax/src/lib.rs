//! Python source to syntax tree: ruff's parser behind CPython's errors, tokens and tree dumps.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chars;
mod diagnose;
pub mod errors;
mod explain;
pub mod flufl;
pub mod func_type;
mod grammar;
mod grammar_parts;
pub mod interactive;
pub mod lexer;
pub mod literals;
pub mod optimized;
pub mod parse;
pub mod print;
pub mod source;
pub mod strings;
pub mod tokens;
pub mod tree;
pub mod type_comments;
pub mod versions;

pub use errors::{ErrorKind, Place, SyntaxError};
pub use parse::{Mode, Module, parse, with_stack};
pub use ruff_python_ast as ast;
pub use ruff_text_size as text_size;
