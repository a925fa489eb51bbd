//! From a matched error alternative to the error: what was captured, where it lies, what kind of expression it is.

use ruff_python_ast::{CmpOp, Expr, ModExpression, Number};
use ruff_python_parser::{Mode as ParserMode, ParseOptions};
use ruff_text_size::{Ranged, TextRange};

use crate::diagnose::Recogniser;
use crate::errors::{ErrorKind, Found, Place};
use crate::grammar::Action;

/// What an expression may stand for.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Assign,
    Delete,
    For,
}

/// Captures of one alternative that matched up to token `end`.
pub(crate) struct Captures<'r, 's> {
    recogniser: &'r Recogniser<'s>,
    mark: usize,
    end: usize,
}

impl<'r, 's> Captures<'r, 's> {
    pub fn new(recogniser: &'r Recogniser<'s>, mark: usize, end: usize) -> Self {
        Captures { recogniser, mark, end }
    }

    /// Tokens captured under a name: first and one after the last.
    fn tokens(&self, name: u8) -> Option<(usize, usize)> {
        let captures = &self.recogniser.captures[self.mark..];
        captures.iter().rfind(|capture| capture.0 == name && capture.2 > capture.1).map(|&(_, from, to)| (from, to))
    }

    fn bytes(&self, name: u8) -> Option<(usize, usize)> {
        let (from, to) = self.tokens(name)?;
        let tokens = &self.recogniser.tokens;
        Some((tokens[from].start, tokens[to - 1].end))
    }

    fn text(&self, name: u8) -> &'s str {
        self.bytes(name).map_or("", |(start, end)| &self.recogniser.text[start..end])
    }

    /// The captured text as an expression, and the byte range of it, parentheses around it not counted.
    fn expression(&self, name: u8) -> Option<(Expr, usize, usize)> {
        let (start, end) = self.bytes(name)?;
        let expression = parse(&self.recogniser.text[start..end]);
        let (from, to) = own_range(expression.range(), start, end);
        Some((expression, from, to))
    }

    /// Byte range of a capture: of the expression, or of the tokens if it is no expression.
    fn range(&self, name: u8) -> Option<(usize, usize)> {
        let (from, to) = self.tokens(name)?;
        let (start, end) = self.bytes(name)?;
        if to - from == 1 || !self.recogniser.text[start..end].starts_with('(') {
            return Some((start, end));
        }
        let (_, start, end) = self.expression(name)?;
        Some((start, end))
    }

    fn found(&self, start: usize, end: usize, message: String) -> Found {
        Found::at(self.recogniser.lines, start, end, message)
    }

    /// Error over the captures `a` to `b`; captured newlines end on their own line.
    fn between(&self, a: u8, b: u8, message: String) -> Option<Found> {
        let (from, to) = (self.tokens(a)?, self.tokens(b)?);
        if to.1 - to.0 == 1 && from.1 - from.0 == 1 {
            return Some(self.recogniser.at_tokens(from.0, to.0, message));
        }
        Some(self.found(self.range(a)?.0, self.range(b)?.1, message))
    }

    /// Error from the start of `a` to where the lexer stands.
    fn starting_from(&self, message: String) -> Option<Found> {
        let recogniser = self.recogniser;
        let start = self.range(b'a')?.0;
        let last = recogniser.tokens[recogniser.tokens.len() - 1];
        let (line, offset) = recogniser.lines.place(start);
        let (end_line, end_offset) = match last.kind {
            crate::lexer::Kind::Newline => recogniser.lines.place(last.start),
            _ => {
                let (line, offset) = recogniser.lines.place(last.end);
                (line, offset - 1)
            }
        };
        Some(Found::placed(ErrorKind::Syntax, Place { line, offset, end_line, end_offset }, message))
    }

    /// The error of an action; `None` if the alternative does not apply after all.
    pub fn explain(&self, action: &Action) -> Option<Found> {
        let recogniser = self.recogniser;
        let mut message = action.text.to_string();
        if message.contains("%e") {
            let name = self.expression(b'a').map_or("expression", |(expression, ..)| name_of(&expression));
            message = message.replace("%e", name);
        }
        if message.contains("%l") {
            let line = recogniser.lines.place(self.bytes(b'a')?.0).0;
            message = message.replace("%l", &line.to_string());
        }
        if message.contains("%f") {
            message = message.replace("%f", &format!("{}-string", recogniser.letter()));
        }
        match action.verb {
            "loc" => self.between(b'a', b'a', message),
            "range" => self.between(b'a', b'b', message),
            "from" => self.starting_from(message),
            "last" => Some(recogniser.at_last(message)),
            "next" => Some(recogniser.at_token(self.end, message)),
            "indent" => Some(recogniser.indentation_error(message)),
            _ => self.special(action.text),
        }
    }

    fn special(&self, what: &str) -> Option<Found> {
        let recogniser = self.recogniser;
        match what {
            "assign_target" | "with_target" => self.target(Target::Assign),
            "for_target" => self.target(Target::For),
            "delete_target" => self.target(Target::Delete),
            "forgotten_comma" => {
                let level = recogniser.tokens[self.end - 1].level;
                if matches!(self.text(b'a'), "print" | "exec") || level == 0 {
                    return None;
                }
                self.between(b'a', b'b', "invalid syntax. Perhaps you forgot a comma?".into())
            }
            "legacy_statement" => {
                let name = self.text(b'a');
                if !matches!(name, "print" | "exec") {
                    return None;
                }
                let message = format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
                self.between(b'a', b'b', message)
            }
            "typevartuple_bound" => self.bound("TypeVarTuple"),
            "paramspec_bound" => self.bound("ParamSpec"),
            "mixed_except" => {
                let message = "cannot have both 'except' and 'except*' on the same 'try'".to_string();
                let end = if self.tokens(b'b').is_some() { b'b' } else { b'a' };
                self.between(b'a', end, message)
            }
            "comprehension_target" => {
                let (expression, _, whole) = self.expression(b'b')?;
                let (start, last) =
                    (self.bytes(b'b')?.0, expression.as_tuple_expr().and_then(|tuple| tuple.elts.last()));
                let end = last.map_or(whole, |last| start + last.range().end().to_usize() - 1);
                let message = "did you forget parentheses around the comprehension target?".to_string();
                Some(self.found(self.range(b'a')?.0, end, message))
            }
            "missing_colon" => {
                let (start, end) = self.range(b'a')?;
                let (line, _) = recogniser.lines.place(start);
                let (end_line, end_offset) = recogniser.lines.place(end);
                let place = Place { line, offset: end_offset - 1, end_line, end_offset: 0 };
                Some(Found::placed(ErrorKind::Syntax, place, "':' expected after dictionary key"))
            }
            "unparenthesized_generator" => {
                let (start, _) = self.bytes(b'a')?;
                let Expr::Call(call) = parse_call(self.text(b'a')) else { return None };
                let last = call.arguments.args.last().filter(|_| call.arguments.args.len() > 1)?;
                let from = start + last.range().start().to_usize() - 3;
                let end = self.range(b'b')?.1;
                Some(self.found(from, end, "Generator expression must be parenthesized".into()))
            }
            "positional_after_keyword" => {
                let Expr::Call(call) = parse_call(self.text(b'a')) else { return None };
                let unpacks = call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
                let unpacking = if unpacks { " unpacking" } else { "" };
                Some(recogniser.at_last(format!("positional argument follows keyword argument{unpacking}")))
            }
            _ => None,
        }
    }

    fn bound(&self, what: &str) -> Option<Found> {
        let is_tuple = self.expression(b'b').is_some_and(|(expression, ..)| expression.is_tuple_expr());
        let kind = if is_tuple { "constraints" } else { "bound" };
        self.starting_from(format!("cannot use {kind} with {what}"))
    }

    fn target(&self, target: Target) -> Option<Found> {
        let (start, end) = self.bytes(b'a')?;
        let (expression, ..) = self.expression(b'a')?;
        let invalid = invalid_target(&expression, target)?;
        let verb = if target == Target::Delete { "delete" } else { "assign to" };
        let (from, to) = own_range(invalid.range(), start, end);
        Some(self.found(from, to, format!("cannot {verb} {}", name_of(invalid))))
    }
}

/// Range in the source of a node of `(text)`, where `text` lies at `start..end`.
fn own_range(range: TextRange, start: usize, end: usize) -> (usize, usize) {
    let shift = |at: usize| (start + at).saturating_sub(1).clamp(start, end);
    (shift(range.start().to_usize()), shift(range.end().to_usize()))
}

/// The text as an expression, whatever is wrong with it.
fn parse(text: &str) -> Expr {
    parse_text(&format!("({text})"))
}

/// A call with the text as arguments, which lie at offset 3.
fn parse_call(text: &str) -> Expr {
    parse_text(&format!("(f({text}))"))
}

fn parse_text(text: &str) -> Expr {
    let parsed = ruff_python_parser::parse_unchecked(text, ParseOptions::from(ParserMode::Expression));
    match parsed.into_syntax() {
        ruff_python_ast::Mod::Expression(ModExpression { body, .. }) => *body,
        ruff_python_ast::Mod::Module(_) => unreachable!("expression mode gives an expression"),
    }
}

/// The part of a target that cannot be one.
fn invalid_target(expression: &Expr, target: Target) -> Option<&Expr> {
    match expression {
        Expr::List(list) => list.elts.iter().find_map(|item| invalid_target(item, target)),
        Expr::Tuple(tuple) => tuple.elts.iter().find_map(|item| invalid_target(item, target)),
        Expr::Starred(_) if target == Target::Delete => Some(expression),
        Expr::Starred(starred) => invalid_target(&starred.value, target),
        Expr::Compare(compare) if target == Target::For => match compare.ops.first() {
            Some(CmpOp::In) => invalid_target(&compare.left, target),
            _ => None,
        },
        Expr::Name(_) | Expr::Subscript(_) | Expr::Attribute(_) => None,
        _ => Some(expression),
    }
}

/// What error messages call an expression.
pub(crate) fn name_of(expression: &Expr) -> &'static str {
    match expression {
        Expr::Attribute(_) => "attribute",
        Expr::Subscript(_) => "subscript",
        Expr::Starred(_) => "starred",
        Expr::Name(_) => "name",
        Expr::List(_) => "list",
        Expr::Tuple(_) => "tuple",
        Expr::Lambda(_) => "lambda",
        Expr::Call(_) => "function call",
        Expr::BoolOp(_) | Expr::BinOp(_) | Expr::UnaryOp(_) => "expression",
        Expr::Generator(_) => "generator expression",
        Expr::Yield(_) | Expr::YieldFrom(_) => "yield expression",
        Expr::Await(_) => "await expression",
        Expr::ListComp(_) => "list comprehension",
        Expr::SetComp(_) => "set comprehension",
        Expr::DictComp(_) => "dict comprehension",
        Expr::Dict(_) => "dict literal",
        Expr::Set(_) => "set display",
        Expr::FString(_) => "f-string expression",
        Expr::TString(_) => "t-string expression",
        Expr::NumberLiteral(number) => match number.value {
            Number::Int(_) | Number::Float(_) | Number::Complex { .. } => "literal",
        },
        Expr::StringLiteral(_) | Expr::BytesLiteral(_) => "literal",
        Expr::BooleanLiteral(literal) => {
            if literal.value {
                "True"
            } else {
                "False"
            }
        }
        Expr::NoneLiteral(_) => "None",
        Expr::EllipsisLiteral(_) => "ellipsis",
        Expr::Compare(_) => "comparison",
        Expr::If(_) => "conditional expression",
        Expr::Named(_) => "named expression",
        Expr::Slice(_) | Expr::IpyEscapeCommand(_) => "expression",
    }
}
