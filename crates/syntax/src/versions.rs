//! Which version of Python 3 a source needs (`ast.parse(feature_version=...)`).

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, walk_expr, walk_stmt};
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, Mod, Operator, Parameters, Stmt, TypeParam, TypeParams};
use ruff_text_size::{Ranged, TextRange};

use crate::errors::{Found, SyntaxError};
use crate::parse::Module;

struct Checker {
    minor: u8,
    /// The first thing that is too new.
    found: Option<(TextRange, String)>,
}

/// SyntaxError about the first thing in a source that is newer than Python 3.`minor`.
pub fn check(module: &Module, minor: u8) -> Result<(), SyntaxError> {
    let mut checker = Checker { minor, found: None };
    if minor < 6 {
        for token in module.parsed.tokens() {
            let is_number = matches!(token.kind(), TokenKind::Int | TokenKind::Float | TokenKind::Complex);
            if is_number && module.source[token.range()].contains('_') {
                checker.need(6, token.range(), "Underscores in numeric literals are");
            }
        }
    }
    match module.tree() {
        Mod::Module(tree) => checker.visit_body(&tree.body),
        Mod::Expression(tree) => checker.visit_expr(&tree.body),
    }
    match checker.found {
        None => Ok(()),
        Some((range, text)) => {
            let lines = module.lines();
            Err(Found::at(&lines, range.start().to_usize(), range.end().to_usize(), text).into_error(&lines))
        }
    }
}

impl Checker {
    fn need(&mut self, minor: u8, range: TextRange, what: &str) {
        let is_first = self.found.as_ref().is_none_or(|(first, _)| range.start() < first.start());
        if self.minor < minor && is_first {
            self.found = Some((range, format!("{what} only supported in Python 3.{minor} and greater")));
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Checker {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let range = stmt.range();
        match stmt {
            Stmt::FunctionDef(def) if def.is_async => self.need(5, range, "Async functions are"),
            Stmt::For(stmt) if stmt.is_async => self.need(5, range, "Async for loops are"),
            Stmt::With(stmt) if stmt.is_async => self.need(5, range, "Async with statements are"),
            Stmt::AnnAssign(_) => self.need(6, range, "Variable annotation syntax is"),
            Stmt::Match(_) => self.need(10, range, "Pattern matching is"),
            Stmt::TypeAlias(_) => self.need(12, range, "Type statement is"),
            Stmt::AugAssign(stmt) if stmt.op == Operator::MatMult => self.need(5, range, "The '@' operator is"),
            Stmt::Try(stmt) => {
                if stmt.is_star {
                    self.need(11, range, "Exception groups are");
                }
                for ExceptHandler::ExceptHandler(handler) in &stmt.handlers {
                    if let Some(Expr::Tuple(types)) = handler.type_.as_deref()
                        && !types.parenthesized
                    {
                        self.need(14, types.range, "except expressions without parentheses are");
                    }
                }
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let range = expr.range();
        match expr {
            Expr::Await(_) => self.need(5, range, "Await expressions are"),
            Expr::Named(_) => self.need(8, range, "Assignment expressions are"),
            Expr::BinOp(expr) if expr.op == Operator::MatMult => self.need(5, range, "The '@' operator is"),
            Expr::TString(_) => self.need(14, range, "t-strings are"),
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        if comprehension.is_async {
            self.need(6, comprehension.range(), "Async comprehensions are");
        }
        ruff_python_ast::visitor::source_order::walk_comprehension(self, comprehension);
    }

    fn visit_parameters(&mut self, parameters: &'a Parameters) {
        if !parameters.posonlyargs.is_empty() {
            self.need(8, parameters.range(), "Positional-only parameters are");
        }
        ruff_python_ast::visitor::source_order::walk_parameters(self, parameters);
    }

    fn visit_type_params(&mut self, params: &'a TypeParams) {
        self.need(12, params.range(), "Type parameter lists are");
        for param in &params.type_params {
            let default = match param {
                TypeParam::TypeVar(param) => &param.default,
                TypeParam::TypeVarTuple(param) => &param.default,
                TypeParam::ParamSpec(param) => &param.default,
            };
            if let Some(default) = default {
                self.need(13, default.range(), "Type parameter defaults are");
            }
        }
        ruff_python_ast::visitor::source_order::walk_type_params(self, params);
    }
}
