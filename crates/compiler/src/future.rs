//! `from __future__ import ...`.

use crate::error::{Res, fail};
use ruff_python_ast::{Expr, Stmt};

/// Features that exist; all but `annotations` are always on or have no effect.
const FEATURES: &[&str] = &[
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "barry_as_FLUFL",
    "generator_stop",
    "annotations",
];

/// Checks the future imports at the start of `body`; true if annotations are to stay strings.
pub fn check(body: &[Stmt]) -> Res<bool> {
    let mut annotations = false;
    for (i, stmt) in body.iter().enumerate() {
        match stmt {
            Stmt::ImportFrom(import) if import.level == 0 && import.module.as_deref() == Some("__future__") => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    if name == "braces" {
                        return fail("not a chance", alias.range);
                    }
                    if !FEATURES.contains(&name) {
                        return fail(format!("future feature {name} is not defined"), alias.range);
                    }
                    annotations |= name == "annotations";
                }
            }
            Stmt::Expr(e) if i == 0 && matches!(&*e.value, Expr::StringLiteral(_)) => {}
            _ => break,
        }
    }
    Ok(annotations)
}

/// Number of statements at the start of `body` among which future imports may be.
pub fn prologue(body: &[Stmt]) -> usize {
    let is_future =
        |s: &Stmt| matches!(s, Stmt::ImportFrom(i) if i.level == 0 && i.module.as_deref() == Some("__future__"));
    let is_doc = |s: &Stmt| matches!(s, Stmt::Expr(e) if matches!(&*e.value, Expr::StringLiteral(_)));
    let start = body.first().is_some_and(is_doc) as usize;
    start + body[start..].iter().take_while(|s| is_future(s)).count()
}
