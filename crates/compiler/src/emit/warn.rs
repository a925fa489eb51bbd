//! SyntaxWarnings.

use super::Compiler;
use crate::error::Warning;
use crate::{Input, literal};
use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor};
use ruff_python_ast::{self as ast, CmpOp, Expr, InterpolatedStringElement, Number};
use ruff_text_size::{Ranged, TextRange, TextSize};
use taipan_bytecode::Const;

/// Type name of an expression that surely is not callable, subscriptable, ... .
fn type_of(e: &Expr) -> Option<&'static str> {
    Some(match e {
        Expr::Tuple(_) => "tuple",
        Expr::List(_) | Expr::ListComp(_) => "list",
        Expr::Dict(_) | Expr::DictComp(_) => "dict",
        Expr::Set(_) | Expr::SetComp(_) => "set",
        Expr::Generator(_) => "generator",
        Expr::Lambda(_) => "function",
        Expr::FString(_) | Expr::StringLiteral(_) => "str",
        Expr::TString(_) => "string.templatelib.Template",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NumberLiteral(n) => match n.value {
            Number::Int(_) => "int",
            Number::Float(_) => "float",
            Number::Complex { .. } => "complex",
        },
        Expr::BooleanLiteral(_) => "bool",
        Expr::NoneLiteral(_) => "NoneType",
        Expr::EllipsisLiteral(_) => "ellipsis",
        _ => return None,
    })
}

impl Compiler<'_> {
    /// Issues a warning, once for each place.
    pub(crate) fn warn(&mut self, message: &str, range: TextRange) {
        if self.warnings.iter().any(|w| w.range == range && w.message == message) {
            return;
        }
        self.warnings.push(Warning::at(message, range, &self.lines));
    }

    pub(crate) fn warn_call(&mut self, c: &ast::ExprCall) {
        if let Some(name) = type_of(&c.func).filter(|_| !matches!(&*c.func, Expr::Lambda(_))) {
            let text = format!("'{name}' object is not callable; perhaps you missed a comma?");
            self.warn(&text, c.func.range().cover(c.range()));
        }
    }

    pub(crate) fn warn_subscript(&mut self, s: &ast::ExprSubscript) {
        let value = &*s.value;
        let subscriptable = matches!(
            value,
            Expr::Tuple(_)
                | Expr::List(_)
                | Expr::ListComp(_)
                | Expr::Dict(_)
                | Expr::DictComp(_)
                | Expr::StringLiteral(_)
                | Expr::FString(_)
                | Expr::BytesLiteral(_)
        );
        let Some(name) = type_of(value) else { return };
        if !subscriptable {
            let name = if matches!(value, Expr::Set(_) | Expr::SetComp(_)) { "set" } else { name };
            let text = format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
            self.warn(&text, s.range);
            return;
        }
        if matches!(value, Expr::Dict(_) | Expr::DictComp(_)) {
            return;
        }
        let Some(index) = type_of(&s.slice).filter(|t| !matches!(*t, "int" | "bool")) else { return };
        let text = format!("{name} indices must be integers or slices, not {index}; perhaps you missed a comma?");
        self.warn(&text, s.range);
    }

    pub(crate) fn warn_compare(&mut self, c: &ast::ExprCompare) {
        let mut left = &*c.left;
        for (op, right) in c.ops.iter().zip(&c.comparators) {
            if let (CmpOp::Is | CmpOp::IsNot, Some(name)) =
                (op, self.literal_type(left).or_else(|| self.literal_type(right)))
            {
                let text = match op {
                    CmpOp::Is => format!("\"is\" with '{name}' literal. Did you mean \"==\"?"),
                    _ => format!("\"is not\" with '{name}' literal. Did you mean \"!=\"?"),
                };
                self.warn(&text, c.range);
                return;
            }
            left = right;
        }
    }

    /// Type of a constant whose identity says nothing.
    fn literal_type(&self, e: &Expr) -> Option<&'static str> {
        match self.folded(e)? {
            Const::None | Const::Bool(_) | Const::Ellipsis => None,
            Const::Int(_) | Const::Big(..) => Some("int"),
            Const::Float(_) => Some("float"),
            Const::Complex(..) => Some("complex"),
            Const::Str(_) => Some("str"),
            Const::Bytes(_) => Some("bytes"),
            Const::Tuple(_) => Some("tuple"),
            Const::FrozenSet(_) | Const::Slice(_) | Const::Code(_) => None,
        }
    }

    pub(crate) fn warn_condition(&mut self, _test: &Expr) {}

    pub(crate) fn warn_handler(&mut self, _type: &Expr) {}

    pub(crate) fn check_literals_of_doc(&mut self, doc: &ast::ExprStringLiteral) {
        self.string_escapes(doc);
    }

    /// Warns of invalid escapes in the literals of a constant expression.
    pub(crate) fn check_literals(&mut self, e: &Expr) {
        match e {
            Expr::StringLiteral(s) => self.string_escapes(s),
            Expr::BytesLiteral(b) => {
                for part in &b.value {
                    if !part.flags.prefix().is_raw() {
                        self.escapes(part.content_range(), true);
                    }
                }
            }
            Expr::Tuple(t) => t.elts.iter().for_each(|e| self.check_literals(e)),
            Expr::BinOp(b) => {
                self.check_literals(&b.left);
                self.check_literals(&b.right);
            }
            Expr::UnaryOp(u) => self.check_literals(&u.operand),
            Expr::Subscript(s) => {
                self.check_literals(&s.value);
                self.check_literals(&s.slice);
            }
            _ => {}
        }
    }

    fn string_escapes(&mut self, s: &ast::ExprStringLiteral) {
        for part in &s.value {
            let (range, raw) = literal::content(part);
            if !raw {
                self.escapes(range, false);
            }
        }
    }

    /// Warns of invalid escapes in the literal parts of an f-string or t-string.
    pub(crate) fn check_fstring(&mut self, elements: &[InterpolatedStringElement], raw: bool) {
        for element in elements {
            if let InterpolatedStringElement::Interpolation(e) = element
                && let Some(spec) = &e.format_spec
            {
                self.check_fstring(&spec.elements, raw);
            }
            if let (InterpolatedStringElement::Literal(e), false) = (element, raw) {
                self.escapes(open_range(e.range, self.text(e.range)), false);
            }
        }
    }

    fn escapes(&mut self, range: TextRange, bytes: bool) {
        let text = self.text(range);
        if !text.contains('\\') {
            return;
        }
        for (message, range) in escape_warnings(text, range.start(), bytes) {
            self.warn(&message, range);
        }
    }
}

/// What there is to say about the escapes in literal text that begins at `start`.
fn escape_warnings(text: &str, start: TextSize, bytes: bool) -> Vec<(String, TextRange)> {
    let mut found = Vec::new();
    literal::invalid_escapes(text, bytes, |at, len| {
        let bad = &text[at..at + len];
        let octal = if len > 2 && bad.as_bytes()[1].is_ascii_digit() { "octal " } else { "" };
        let message = format!(
            "\"{bad}\" is an invalid {octal}escape sequence. Such sequences will not work in the future. \
             Did you mean \"\\{bad}\"? A raw string is also an option."
        );
        found.push((message, literal::range_in(start, at, len)));
    });
    found
}

/// Warnings about the escapes in the literals of a source that is parsed but not compiled.
pub fn escape_warnings_of(source: &str, input: Input<'_>) -> Vec<Warning> {
    let mut finder = EscapeFinder { source, found: Vec::new() };
    match input {
        _ if !source.contains('\\') => {}
        Input::Module(module) | Input::Interactive(module) => finder.visit_body(&module.body),
        Input::Expression(module) => finder.visit_expr(&module.body),
    }
    finder.found.into_iter().map(|(message, range)| Warning::new(&message, range, source)).collect()
}

struct EscapeFinder<'s> {
    source: &'s str,
    found: Vec<(String, TextRange)>,
}

impl EscapeFinder<'_> {
    fn look(&mut self, range: TextRange, bytes: bool) {
        self.found.extend(escape_warnings(&self.source[range], range.start(), bytes));
    }

    fn look_at_elements(&mut self, elements: &[InterpolatedStringElement]) {
        for element in elements {
            if let InterpolatedStringElement::Literal(e) = element {
                self.look(open_range(e.range, &self.source[e.range]), false);
            }
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for EscapeFinder<'_> {
    fn visit_string_literal(&mut self, s: &'a ast::StringLiteral) {
        let (range, raw) = literal::content(s);
        if !raw {
            self.look(range, false);
        }
    }

    fn visit_bytes_literal(&mut self, b: &'a ast::BytesLiteral) {
        if !b.flags.prefix().is_raw() {
            self.look(b.content_range(), true);
        }
    }

    fn visit_f_string(&mut self, f: &'a ast::FString) {
        if !f.flags.prefix().is_raw() {
            self.look_at_elements(&f.elements);
        }
        source_order::walk_f_string(self, f);
    }

    fn visit_t_string(&mut self, t: &'a ast::TString) {
        if !t.flags.prefix().is_raw() {
            self.look_at_elements(&t.elements);
        }
        source_order::walk_t_string(self, t);
    }
}

/// The range of a literal part of an f-string; a backslash in front of an interpolation escapes nothing, and is seen with
/// its brace.
fn open_range(range: TextRange, text: &str) -> TextRange {
    let is_open = (text.len() - text.trim_end_matches('\\').len()) % 2 == 1;
    TextRange::new(range.start(), range.end() + TextSize::new(is_open as u32))
}

/// Warnings about the escapes in a string literal, given with its prefix and quotes, that begins at `start` in `source`. For
/// source that cannot be compiled.
pub fn literal_warnings(literal: &str, start: usize, source: &str) -> Vec<Warning> {
    let quote = literal.find(['"', '\'']).unwrap_or(literal.len());
    let prefix = literal[..quote].to_ascii_lowercase();
    if prefix.contains('r') {
        return vec![];
    }
    let rest = &literal[quote..];
    let width = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { 3 } else { 1 };
    let Some(text) = rest.get(width..rest.len().saturating_sub(width)) else { return vec![] };
    let start = TextSize::new((start + quote + width) as u32);
    let found = escape_warnings(text, start, prefix.contains('b')).into_iter();
    found.map(|(message, range)| Warning::new(&message, range, source)).collect()
}
