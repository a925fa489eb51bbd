//! `from __future__ import ...`.

use crate::error::{Res, fail};
use ruff_python_ast::{Expr, Stmt};

/// Features that exist, with their `co_flags` bits; all but `annotations` and `barry_as_FLUFL`, which is the parser's, are
/// always on.
const FEATURES: &[(&str, u32)] = &[
    ("nested_scopes", 0),
    ("generators", 0),
    ("division", 0x2_0000),
    ("absolute_import", 0x4_0000),
    ("with_statement", 0x8_0000),
    ("print_function", 0x10_0000),
    ("unicode_literals", 0x20_0000),
    ("barry_as_FLUFL", 0x40_0000),
    ("generator_stop", 0x80_0000),
    ("annotations", crate::FUTURE_ANNOTATIONS),
];

/// Checks the future imports at the start of `body`; gives the bits of the features.
pub fn check(body: &[Stmt]) -> Res<u32> {
    let mut flags = 0;
    for (i, stmt) in body.iter().enumerate() {
        match stmt {
            Stmt::ImportFrom(import) if import.level == 0 && import.module.as_deref() == Some("__future__") => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    if name == "braces" {
                        return fail("not a chance", alias.range);
                    }
                    let Some((_, flag)) = FEATURES.iter().find(|row| row.0 == name) else {
                        return fail(format!("future feature {name} is not defined"), alias.range);
                    };
                    flags |= flag;
                }
            }
            Stmt::Expr(e) if i == 0 && matches!(&*e.value, Expr::StringLiteral(_)) => {}
            _ => break,
        }
    }
    Ok(flags)
}

/// Number of statements at the start of `body` among which future imports may be.
pub fn prologue(body: &[Stmt]) -> usize {
    let is_future =
        |s: &Stmt| matches!(s, Stmt::ImportFrom(i) if i.level == 0 && i.module.as_deref() == Some("__future__"));
    let is_doc = |s: &Stmt| matches!(s, Stmt::Expr(e) if matches!(&*e.value, Expr::StringLiteral(_)));
    let start = body.first().is_some_and(is_doc) as usize;
    start + body[start..].iter().take_while(|s| is_future(s)).count()
}
