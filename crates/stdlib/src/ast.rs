//! `_ast`: Python's view of syntax trees.
//!
//! [`schema`] is the grammar as a table, [`classes`] makes the classes of it, [`give`] turns parsed source into objects.
//! The way back has three steps: [`take`] copies objects into a plain tree with the checks of types, [`check`] validates
//! it, [`build`] makes the tree that the compiler reads.

mod build;
mod check;
mod classes;
mod give;
mod node;
mod schema;
mod take;

use std::sync::Arc;

use taipan_compiler::{self as compiler, Input, Options};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};
use taipan_syntax::{self as syntax, Mode};

use crate::compile::{self, Request, flag};
use crate::state;

/// True for instances of `ast.AST`.
pub fn is_tree(_cx: &mut Cx, v: Value) -> PyResult<bool> {
    Ok(node::AST.is_ready() && v.is_instance(&node::AST))
}

/// The tree as `ast` objects. May collect.
pub fn to_python(cx: &mut Cx, module: &syntax::Module, filename: Value, request: &Request) -> PyResult<Value> {
    let (mode, flags) = (request.mode, request.flags);
    let comments = match flags & flag::TYPE_COMMENTS != 0 {
        false => None,
        true => match syntax::with_stack(|| syntax::type_comments::find(module)) {
            Ok(comments) => Some(comments),
            Err(error) => return Err(compile::raise_syntax(cx, &error, filename, Some(&module.source), flags)),
        },
    };
    let tree = syntax::with_stack(|| {
        let mut tree = syntax::tree::tree(module.tree(), &module.source, mode == Mode::Single);
        if let Some(comments) = &comments {
            comments.apply(&mut tree);
        }
        if flags & flag::OPTIMIZED_AST != 0 {
            syntax::optimized::optimize(&mut tree, level(request));
        }
        tree
    });
    give_tree(cx, tree, module.lines())
}

/// The level of optimisation that is asked for.
fn level(request: &Request) -> u8 {
    let optimize = if request.optimize < 0 { state::config().optimize } else { request.optimize };
    optimize.clamp(0, 2) as u8
}

/// The tree of a signature in a type comment. May collect.
pub fn signature_to_python(cx: &mut Cx, text: &str, filename: Value, flags: i64) -> PyResult<Value> {
    match syntax::with_stack(|| syntax::func_type::parse(text)) {
        Ok(signature) => give_tree(cx, signature.tree, syntax::source::Lines::new(&signature.source)),
        Err(error) => Err(compile::raise_syntax(cx, &error, filename, Some(text), flags)),
    }
}

fn give_tree(cx: &mut Cx, tree: syntax::tree::Tree, lines: syntax::source::Lines<'_>) -> PyResult<Value> {
    classes::table(cx)?;
    let giver = give::Giver { lines };
    let result = giver.node(cx, &tree);
    // A deep tree is dropped with enough stack.
    syntax::with_stack(|| drop(tree));
    result
}

/// Compiles a tree of `ast` objects.
pub fn compile_tree(cx: &mut Cx, tree: Value, filename: Value, request: &Request) -> PyResult<Value> {
    let name = match request.mode {
        Mode::Module => "Module",
        Mode::Expression => "Expression",
        Mode::Single => "Interactive",
    };
    let wanted = classes::class(cx, name)?;
    if !tree.is_instance(wanted) {
        return raise!(cx, TypeError, "expected {name} node, got {}", tree.class().tp_name());
    }
    let taken = take::take(cx, tree, "mod")?;
    let only_check = request.flags & flag::ONLY_AST != 0;
    let built = syntax::with_stack(|| {
        check::check(&taken)?;
        let is_optimized = request.flags & flag::OPTIMIZED_AST != 0;
        if only_check && !is_optimized { Ok(None) } else { build::build(&taken).map(Some) }
    });
    match built {
        Ok(None) => Ok(tree),
        Ok(Some(built)) if only_check => {
            let tree = syntax::with_stack(|| {
                let mut tree = syntax::tree::tree(&built.tree, &built.source, request.mode == Mode::Single);
                syntax::optimized::optimize(&mut tree, level(request));
                tree
            });
            give_tree(cx, tree, syntax::source::Lines::new(&built.source))
        }
        Ok(Some(built)) => compile_built(cx, &built, filename, request),
        Err(problem) => {
            let class = if problem.is_type_error { &exceptions::TypeError } else { &exceptions::ValueError };
            Err(cx.raise_text(class, &problem.text))
        }
    }
}

fn compile_built(cx: &mut Cx, built: &build::Built, filename: Value, request: &Request) -> PyResult<Value> {
    let file = filename.downcast::<Str>().map(|s| s.to_generalized_utf8().into_owned()).unwrap_or_default();
    let options = Options {
        filename: taipan_bytecode::Text(file.into()),
        optimize: level(request),
        futures: (request.flags & flag::FUTURES) as u32,
        top_level_await: request.flags & flag::TOP_LEVEL_AWAIT != 0,
    };
    let input = match (&built.tree, request.mode) {
        (syntax::ast::Mod::Module(tree), Mode::Single) => Input::Interactive(tree),
        (syntax::ast::Mod::Module(tree), _) => Input::Module(tree),
        (syntax::ast::Mod::Expression(tree), _) => Input::Expression(tree),
    };
    match compiler::compile(&built.source, input, &options) {
        Ok(output) => {
            for warning in &output.warnings {
                crate::warnings::syntax_warning(cx, warning, filename, "")?;
            }
            Ok(Value::of(CodeObject::new(cx, Arc::new(output.code))))
        }
        Err(error) => Err(raise_error(cx, &error, filename)),
    }
}

/// Raises what the compiler found; the tree has no source text to show.
fn raise_error(cx: &mut Cx, error: &compiler::SyntaxError, filename: Value) -> taipan_runtime::Raised {
    match error.kind {
        compiler::ErrorKind::Recursion => cx.raise_text(&exceptions::RecursionError, &error.message),
        compiler::ErrorKind::Limit => cx.raise_text(&exceptions::OverflowError, &error.message),
        compiler::ErrorKind::Syntax => {
            let numbers = [error.line as i64, error.col as i64, error.end_line as i64, error.end_col as i64];
            let text = Value::none();
            crate::compile::raise_placed(cx, &exceptions::SyntaxError, &error.message, filename, text, numbers)
        }
    }
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_ast");
    let table = classes::table(cx)?;
    let mut position = 0;
    while let Some((name, value)) = table.next_item(&mut position) {
        let name = name.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
        if !name.ends_with("()") {
            module.set(cx, &name, value);
        }
    }
    let flags = [
        ("PyCF_ALLOW_TOP_LEVEL_AWAIT", flag::TOP_LEVEL_AWAIT),
        ("PyCF_ONLY_AST", flag::ONLY_AST),
        ("PyCF_TYPE_COMMENTS", flag::TYPE_COMMENTS),
        ("PyCF_OPTIMIZED_AST", flag::OPTIMIZED_AST | flag::ONLY_AST),
    ];
    for (name, value) in flags {
        module.set(cx, name, Value::small(value));
    }
    Ok(module)
}
