//! `_ast`: Python's view of syntax trees.

use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_syntax::{self as syntax, Mode};

use crate::compile::Request;

/// True for instances of `ast.AST`.
pub fn is_tree(_cx: &mut Cx, _v: Value) -> PyResult<bool> {
    Ok(false)
}

/// Compiles a tree of `ast` objects.
pub fn compile_tree(cx: &mut Cx, _tree: Value, _filename: Value, _request: &Request) -> PyResult<Value> {
    raise!(cx, NotImplementedError, "compiling ast objects")
}

/// The tree as `ast` objects.
pub fn to_python(cx: &mut Cx, _module: &syntax::Module, _mode: Mode, _flags: i64) -> PyResult<Value> {
    raise!(cx, NotImplementedError, "ast objects")
}
