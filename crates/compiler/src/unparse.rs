//! Annotations as text, for `from __future__ import annotations`.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;
use taipan_bytecode::Text;

/// The source of `e` with runs of blanks made one.
pub fn annotation(source: &str, e: &Expr) -> Text {
    let range = e.range();
    let text = source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("");
    if !text.contains(['\n', '\r', '\\']) {
        return Text::new(text);
    }
    let words: Vec<&str> = text.split_whitespace().filter(|w| *w != "\\").collect();
    Text::new(&words.join(" "))
}
