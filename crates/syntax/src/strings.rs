//! String literals as values and as nodes: surrogates, adjacent literals, f-strings and t-strings.

use ruff_python_ast::{
    ConversionFlag, ExprFString, ExprStringLiteral, ExprTString, FStringPart, InterpolatedElement,
    InterpolatedStringElement, InterpolatedStringElements, StringLiteral,
};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::tree::{Constant, Field, Maker, Tree};

/// Value of a string literal: UTF-8 in which surrogates, which ruff's tree cannot hold, are encoded by themselves.
pub fn string_value(literal: &StringLiteral, source: &str) -> Vec<u8> {
    let text = &source[literal.range()];
    if literal.flags.prefix().is_raw() || !may_hold_surrogates(text) {
        return literal.value.as_bytes().to_vec();
    }
    let open =
        literal.flags.prefix().text_len().to_usize() + if literal.flags.triple_quotes().is_yes() { 3 } else { 1 };
    let close = if literal.flags.triple_quotes().is_yes() { 3 } else { 1 };
    unescape(&text[open..text.len() - close])
}

use ruff_python_ast::StringFlags as _;

/// Value of the text between replacement fields of an f-string or t-string.
pub fn middle_value(value: &str, text: &str, is_raw: bool) -> Vec<u8> {
    if is_raw || !may_hold_surrogates(text) {
        return value.as_bytes().to_vec();
    }
    unescape(&text.replace("{{", "{").replace("}}", "}"))
}

fn may_hold_surrogates(text: &str) -> bool {
    text.contains("\\u") || text.contains("\\U")
}

/// Replaces escapes. Only for texts that passed the parser: broken escapes are kept as they are.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            out.push(b'\\');
            break;
        };
        rest = &rest[letter.len_utf8()..];
        let simple = match letter {
            '\n' => continue,
            '\\' | '\'' | '"' => letter as u8,
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '0'..='7' | 'x' | 'u' | 'U' => {
                let (count, radix, digits) = match letter {
                    'x' => (2, 16, rest),
                    'u' => (4, 16, rest),
                    'U' => (8, 16, rest),
                    _ => {
                        // The digit itself counts.
                        let start = text.len() - rest.len() - 1;
                        (3, 8, &text[start..])
                    }
                };
                let len = digits.bytes().take(count).take_while(|byte| (*byte as char).is_digit(radix)).count();
                push_code(&mut out, u32::from_str_radix(&digits[..len], radix).unwrap_or(0));
                rest = &digits[len..];
                continue;
            }
            'N' => {
                let end = rest.find('}').map_or(rest.len(), |end| end + 1);
                let literal = format!("'\\N{}'", &rest[..end]);
                if let Ok(parsed) = ruff_python_parser::parse_expression(&literal)
                    && let Some(string) = parsed.expr().as_string_literal_expr()
                {
                    out.extend_from_slice(string.value.to_str().as_bytes());
                }
                rest = &rest[end..];
                continue;
            }
            other => {
                out.push(b'\\');
                out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        out.push(simple);
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn push_code(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]),
    }
}

/// A str constant.
pub(crate) fn text(maker: &Maker<'_>, node: &ExprStringLiteral) -> Tree {
    let value = node.value.iter().flat_map(|part| string_value(part, maker.source)).collect();
    let mut tree = Tree::constant(node.range(), Constant::Str(value));
    if node.value.iter().next().is_some_and(|part| part.flags.prefix().is_unicode()) {
        tree.fields[1].1 = Field::Constant(Constant::Str(b"u".to_vec()));
    }
    tree
}

/// What `{x = }` puts before the value: the field as written up to `=` and the space after it, without comments.
/// Empty for other fields.
pub fn debug_text(element: &InterpolatedElement) -> String {
    let Some(debug) = &element.debug_text else { return String::new() };
    without_comments(&format!("{}{}{}", debug.leading(), debug.expression(), debug.trailing()))
}

/// The expression as written, for `Interpolation.expression`.
pub fn expression_text(element: &InterpolatedElement, source: &str) -> String {
    if element.debug_text.is_some() {
        let text = debug_text(element);
        return text.rsplit_once('=').map_or(text.clone(), |(front, _)| front.to_string());
    }
    let end = element.expression.range().end().to_usize();
    // Parentheses around the expression are not part of its range.
    let rest = &source[end..element.range.end().to_usize()];
    let close = rest.find([':', '!', '}']).unwrap_or(0);
    without_comments(&source[element.range.start().to_usize() + 1..end + close])
}

/// Drops comments, but not `#` in strings.
fn without_comments(text: &str) -> String {
    if !text.contains('#') {
        return text.to_string();
    }
    let wrapped = format!("({text}\n)");
    let comments =
        crate::tokens::tokens(&wrapped, true).0.into_iter().filter(|token| token.kind == crate::lexer::Kind::Comment);
    let mut out = String::new();
    let mut from = 1;
    for comment in comments {
        out.push_str(&wrapped[from..comment.offset]);
        from = comment.offset + comment.string.len();
    }
    out.push_str(&wrapped[from.min(wrapped.len() - 2)..wrapped.len() - 2]);
    out
}

/// Values of a `JoinedStr` or `TemplateStr`: neighbouring texts are merged, empty ones dropped.
struct Values<'m, 's> {
    maker: &'m Maker<'s>,
    done: Vec<Field>,
    pending: Option<(TextRange, Vec<u8>, bool)>,
    is_template: bool,
}

impl Values<'_, '_> {
    fn text(&mut self, range: TextRange, value: &[u8], is_unicode: bool) {
        match &mut self.pending {
            Some((whole, text, _)) => {
                *whole = whole.cover(range);
                text.extend_from_slice(value);
            }
            None => self.pending = Some((range, value.to_vec(), is_unicode)),
        }
    }

    fn flush(&mut self) {
        if let Some((range, value, is_unicode)) = self.pending.take()
            && !value.is_empty()
        {
            let mut tree = Tree::constant(range, Constant::Str(value));
            if is_unicode {
                tree.fields[1].1 = Field::Constant(Constant::Str(b"u".to_vec()));
            }
            self.done.push(tree.into());
        }
    }

    fn elements(&mut self, elements: &InterpolatedStringElements, is_raw: bool) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let value = middle_value(&literal.value, &self.maker.source[literal.range], is_raw);
                    self.text(literal.range, &value, false);
                }
                InterpolatedStringElement::Interpolation(element) => self.field(element, is_raw),
            }
        }
    }

    fn field(&mut self, element: &InterpolatedElement, is_raw: bool) {
        let source = self.maker.source;
        let start = element.range.start() + TextSize::new(1);
        if let Some(debug) = &element.debug_text {
            let len = debug.leading().len() + debug.expression().len() + debug.trailing().len();
            self.text(TextRange::at(start, TextSize::new(len as u32)), debug_text(element).as_bytes(), false);
        }
        self.flush();
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => b'r' as i64,
            flag => flag as i8 as i64,
        };
        let spec = element.format_spec.as_ref().map_or(Field::None, |spec| {
            let mut values = Values { maker: self.maker, done: Vec::new(), pending: None, is_template: false };
            values.elements(&spec.elements, is_raw);
            values.flush();
            let start = spec.range.start() - TextSize::new(u32::from(!source[spec.range].starts_with(':')));
            let range = TextRange::new(start, spec.range.end());
            Tree::at("JoinedStr", range, vec![("values", Field::List(values.done))]).into()
        });
        let mut fields = vec![("value", self.maker.expr(&element.expression))];
        if self.is_template {
            let written = expression_text(element, source);
            fields.push(("str", Field::Constant(Constant::Str(written.as_bytes().to_vec()))));
        }
        fields.push(("conversion", Field::Int(conversion)));
        fields.push(("format_spec", spec));
        let class = if self.is_template { "Interpolation" } else { "FormattedValue" };
        self.done.push(Tree::at(class, element.range, fields).into());
    }
}

/// A `JoinedStr`.
pub(crate) fn joined(maker: &Maker<'_>, node: &ExprFString) -> Tree {
    let mut values = Values { maker, done: Vec::new(), pending: None, is_template: false };
    for part in node.value.iter() {
        match part {
            FStringPart::Literal(literal) => {
                let value = string_value(literal, maker.source);
                values.text(literal.range, &value, literal.flags.prefix().is_unicode());
            }
            FStringPart::FString(part) => values.elements(&part.elements, part.flags.prefix().is_raw()),
        }
    }
    values.flush();
    Tree::at("JoinedStr", node.range(), vec![("values", Field::List(values.done))])
}

/// A `TemplateStr`.
pub(crate) fn template(maker: &Maker<'_>, node: &ExprTString) -> Tree {
    let mut values = Values { maker, done: Vec::new(), pending: None, is_template: true };
    for part in node.value.iter() {
        values.elements(&part.elements, part.flags.prefix().is_raw());
    }
    values.flush();
    Tree::at("TemplateStr", node.range(), vec![("values", Field::List(values.done))])
}
