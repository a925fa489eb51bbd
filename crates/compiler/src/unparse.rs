//! Annotations as text, for `from __future__ import annotations`: what `ast.unparse` would print.

use crate::literal;
use ruff_python_ast::{
    self as ast, BoolOp, CmpOp, ConversionFlag, Expr, InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;
use std::fmt::Write;
use taipan_bytecode::Text;

/// Binding strength, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Unary,
    Power,
    Await,
    Atom,
}

/// The text of `e`.
pub fn annotation(source: &str, e: &Expr) -> Text {
    let mut printer = Printer { source, out: String::new() };
    printer.expr(e, Level::Test);
    Text::new(&printer.out)
}

struct Printer<'a> {
    source: &'a str,
    out: String,
}

/// A part of an f-string or t-string.
enum Interpolated<'e> {
    Literal(&'e ast::StringLiteral),
    /// And whether it is raw.
    Elements(&'e [InterpolatedStringElement], bool),
}

/// The level one step stronger.
fn above(level: Level) -> Level {
    const ORDER: [Level; 16] = [
        Level::Tuple,
        Level::Test,
        Level::Or,
        Level::And,
        Level::Not,
        Level::Compare,
        Level::BitOr,
        Level::BitXor,
        Level::BitAnd,
        Level::Shift,
        Level::Sum,
        Level::Product,
        Level::Unary,
        Level::Power,
        Level::Await,
        Level::Atom,
    ];
    ORDER.into_iter().find(|&l| l > level).unwrap_or(Level::Atom)
}

fn operator(op: Operator) -> Level {
    match op {
        Operator::BitOr => Level::BitOr,
        Operator::BitXor => Level::BitXor,
        Operator::BitAnd => Level::BitAnd,
        Operator::LShift | Operator::RShift => Level::Shift,
        Operator::Add | Operator::Sub => Level::Sum,
        Operator::Pow => Level::Power,
        Operator::Mult | Operator::MatMult | Operator::Div | Operator::Mod | Operator::FloorDiv => Level::Product,
    }
}

impl Printer<'_> {
    fn put(&mut self, s: &str) {
        self.out.push_str(s);
    }

    fn wrapped(&mut self, own: Level, around: Level, body: impl FnOnce(&mut Self)) {
        let parens = own < around;
        if parens {
            self.put("(");
        }
        body(self);
        if parens {
            self.put(")");
        }
    }

    fn list(&mut self, items: &[Expr], level: Level) {
        for (i, e) in items.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            self.expr(e, level);
        }
    }

    /// Kinds of expression that are not worth a printer of their own here appear as written.
    fn as_written(&mut self, e: &Expr) {
        let range = e.range();
        let text = self.source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("");
        if text.contains(['\n', '\r']) {
            let words: Vec<&str> = text.split_whitespace().filter(|w| *w != "\\").collect();
            self.put(&words.join(" "));
        } else {
            self.put(text);
        }
    }

    fn expr(&mut self, e: &Expr, around: Level) {
        match e {
            Expr::Name(n) => self.put(&n.id),
            Expr::NoneLiteral(_) => self.put("None"),
            Expr::EllipsisLiteral(_) => self.put("..."),
            Expr::BooleanLiteral(b) => self.put(if b.value { "True" } else { "False" }),
            Expr::NumberLiteral(n) => match &n.value {
                Number::Int(i) => match i.as_u64() {
                    Some(small) => self.put(&small.to_string()),
                    None => self.as_written(e),
                },
                Number::Float(value) => self.put(&float_text(*value)),
                Number::Complex { imag, .. } => {
                    let text = float_text(*imag);
                    self.put(text.strip_suffix(".0").unwrap_or(&text));
                    self.put("j");
                }
            },
            Expr::StringLiteral(s) => {
                if s.value.iter().next().is_some_and(|part| part.flags.prefix().is_unicode()) {
                    self.put("u");
                }
                self.string(&literal::string(self.source, s))
            }
            Expr::Attribute(a) => {
                self.expr(&a.value, Level::Atom);
                if matches!(&*a.value, Expr::NumberLiteral(n) if matches!(n.value, Number::Int(_))) {
                    self.put(" ");
                }
                self.put(".");
                self.put(&a.attr);
            }
            Expr::Subscript(s) => {
                self.expr(&s.value, Level::Atom);
                self.put("[");
                match &*s.slice {
                    Expr::Tuple(t) if !t.elts.is_empty() => self.tuple_items(t),
                    index => self.expr(index, Level::Tuple),
                }
                self.put("]");
            }
            Expr::Tuple(t) => {
                let bare = around == Level::Tuple && !t.elts.is_empty();
                self.put(if bare { "" } else { "(" });
                self.tuple_items(t);
                self.put(if bare { "" } else { ")" });
            }
            Expr::List(l) => {
                self.put("[");
                self.list(&l.elts, Level::Test);
                self.put("]");
            }
            Expr::Set(s) => {
                self.put("{");
                self.list(&s.elts, Level::Test);
                self.put("}");
            }
            Expr::Dict(d) => self.dict(d),
            Expr::Call(c) => self.call(c),
            Expr::Starred(s) => {
                self.put("*");
                self.expr(&s.value, Level::BitOr);
            }
            Expr::Slice(s) => self.slice(s),
            Expr::BinOp(b) => self.binary(b, around),
            Expr::UnaryOp(u) => self.unary(u, around),
            Expr::BoolOp(b) => {
                let (level, word) = if b.op == BoolOp::Or { (Level::Or, " or ") } else { (Level::And, " and ") };
                self.wrapped(level, around, |p| {
                    for (i, e) in b.values.iter().enumerate() {
                        p.put(if i > 0 { word } else { "" });
                        p.expr(e, above(level));
                    }
                });
            }
            Expr::Compare(c) => self.wrapped(Level::Compare, around, |p| {
                p.expr(&c.left, above(Level::Compare));
                for (op, e) in c.ops.iter().zip(&c.comparators) {
                    p.compare_op(*op);
                    p.expr(e, above(Level::Compare));
                }
            }),
            Expr::If(i) => self.wrapped(Level::Test, around, |p| {
                p.expr(&i.body, above(Level::Test));
                p.put(" if ");
                p.expr(&i.test, above(Level::Test));
                p.put(" else ");
                p.expr(&i.orelse, Level::Test);
            }),
            Expr::Await(a) => self.wrapped(Level::Await, around, |p| {
                p.put("await ");
                p.expr(&a.value, Level::Atom);
            }),
            Expr::Lambda(l) => self.wrapped(Level::Test, around, |p| p.lambda(l)),
            Expr::FString(f) => {
                let parts = f.value.iter().map(|part| match part {
                    ast::FStringPart::Literal(s) => Interpolated::Literal(s),
                    ast::FStringPart::FString(s) => Interpolated::Elements(&s.elements, s.flags.prefix().is_raw()),
                });
                self.interpolated('f', parts);
            }
            Expr::TString(t) => {
                let parts = t.value.iter().map(|s| Interpolated::Elements(&s.elements, s.flags.prefix().is_raw()));
                self.interpolated('t', parts);
            }
            Expr::ListComp(c) => self.comprehension("[", &c.elt, None, &c.generators, "]"),
            Expr::SetComp(c) => self.comprehension("{", &c.elt, None, &c.generators, "}"),
            Expr::Generator(c) => self.comprehension("(", &c.elt, None, &c.generators, ")"),
            Expr::DictComp(c) => {
                let (key, value) = c.key.as_deref().map_or((&*c.value, None), |key| (key, Some(&*c.value)));
                self.comprehension("{", key, value, &c.generators, "}");
            }
            // Those that annotations may not hold, and bytes.
            Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.wrapped(Level::Tuple, around, |p| p.as_written(e));
            }
            Expr::BytesLiteral(_) | Expr::IpyEscapeCommand(_) => self.as_written(e),
        }
    }

    fn lambda(&mut self, l: &ast::ExprLambda) {
        self.put("lambda");
        if let Some(parameters) = &l.parameters {
            let groups = [&parameters.posonlyargs, &parameters.args, &parameters.kwonlyargs];
            // CPython puts no space before a star.
            let is_positional = !(parameters.posonlyargs.is_empty() && parameters.args.is_empty());
            let mut separator = if is_positional { " " } else { "" };
            let mut item = |p: &mut Self, mark: &str, name: &str| {
                p.put(separator);
                p.put(mark);
                p.put(name);
                separator = ", ";
            };
            for (kind, group) in groups.into_iter().enumerate() {
                if kind == 2 {
                    match &parameters.vararg {
                        Some(rest) => item(self, "*", &rest.name),
                        None if !group.is_empty() => item(self, "*", ""),
                        None => {}
                    }
                }
                for parameter in group {
                    item(self, "", &parameter.parameter.name);
                    if let Some(default) = &parameter.default {
                        self.put("=");
                        self.expr(default, Level::Test);
                    }
                }
                if kind == 0 && !group.is_empty() {
                    item(self, "/", "");
                }
            }
            if let Some(rest) = &parameters.kwarg {
                item(self, "**", &rest.name);
            }
        }
        self.put(": ");
        self.expr(&l.body, Level::Test);
    }

    fn comprehension(
        &mut self,
        open: &str,
        element: &Expr,
        value: Option<&Expr>,
        clauses: &[ast::Comprehension],
        close: &str,
    ) {
        self.put(open);
        self.expr(element, Level::Test);
        if let Some(value) = value {
            self.put(": ");
            self.expr(value, Level::Test);
        }
        for clause in clauses {
            self.put(if clause.is_async { " async for " } else { " for " });
            self.expr(&clause.target, Level::Tuple);
            self.put(" in ");
            self.expr(&clause.iter, above(Level::Test));
            for test in &clause.ifs {
                self.put(" if ");
                self.expr(test, above(Level::Test));
            }
        }
        self.put(close);
    }

    /// An f-string or t-string: the repr of the text that its values stand in.
    fn interpolated<'e>(&mut self, letter: char, parts: impl Iterator<Item = Interpolated<'e>>) {
        let mut inner = Printer { source: self.source, out: String::new() };
        for part in parts {
            match part {
                Interpolated::Literal(s) => inner.template_text(&literal::single(self.source, s).lossy()),
                Interpolated::Elements(elements, raw) => inner.elements(elements, raw),
            }
        }
        self.out.push(letter);
        self.string(&Text::new(&inner.out));
    }

    fn template_text(&mut self, text: &str) {
        self.put(&text.replace('{', "{{").replace('}', "}}"));
    }

    fn elements(&mut self, elements: &[InterpolatedStringElement], raw: bool) {
        for element in elements {
            let e = match element {
                InterpolatedStringElement::Literal(e) => {
                    let range = e.range;
                    let text = self.source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("");
                    let text = literal::decode(text, &e.value, raw, true);
                    self.template_text(&text.lossy());
                    continue;
                }
                InterpolatedStringElement::Interpolation(e) => e,
            };
            if let Some(debug) = &e.debug_text {
                let text = format!("{}{}{}", debug.leading(), debug.expression(), debug.trailing());
                self.template_text(&text);
            }
            let mut value = Printer { source: self.source, out: String::new() };
            value.expr(&e.expression, above(Level::Test));
            self.put(if value.out.starts_with('{') { "{ " } else { "{" });
            self.put(&value.out);
            let is_debug = e.debug_text.is_some() && e.format_spec.is_none();
            self.put(match e.conversion {
                ConversionFlag::None if is_debug => "!r",
                ConversionFlag::None => "",
                ConversionFlag::Str => "!s",
                ConversionFlag::Repr => "!r",
                ConversionFlag::Ascii => "!a",
            });
            if let Some(spec) = &e.format_spec {
                self.put(":");
                self.elements(&spec.elements, raw);
            }
            self.put("}");
        }
    }

    fn tuple_items(&mut self, t: &ast::ExprTuple) {
        self.list(&t.elts, Level::Test);
        if t.elts.len() == 1 {
            self.put(",");
        }
    }

    fn compare_op(&mut self, op: CmpOp) {
        let _ = write!(self.out, " {} ", op.as_str());
    }

    fn binary(&mut self, b: &ast::ExprBinOp, around: Level) {
        let level = operator(b.op);
        self.wrapped(level, around, |p| {
            let power = b.op == Operator::Pow;
            p.expr(&b.left, if power { above(level) } else { level });
            let _ = write!(p.out, " {} ", b.op.as_str());
            p.expr(&b.right, if power { Level::Unary } else { above(level) });
        });
    }

    fn unary(&mut self, u: &ast::ExprUnaryOp, around: Level) {
        let level = if u.op == UnaryOp::Not { Level::Not } else { Level::Unary };
        self.wrapped(level, around, |p| {
            p.put(u.op.as_str());
            if u.op == UnaryOp::Not {
                p.put(" ");
            }
            p.expr(&u.operand, level);
        });
    }

    fn dict(&mut self, d: &ast::ExprDict) {
        self.put("{");
        for (i, item) in d.items.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            match &item.key {
                Some(key) => {
                    self.expr(key, Level::Test);
                    self.put(": ");
                    self.expr(&item.value, Level::Test);
                }
                None => {
                    self.put("**");
                    self.expr(&item.value, Level::BitOr);
                }
            }
        }
        self.put("}");
    }

    fn call(&mut self, c: &ast::ExprCall) {
        self.expr(&c.func, Level::Atom);
        if let ([Expr::Generator(_)], true) = (&c.arguments.args[..], c.arguments.keywords.is_empty()) {
            self.expr(&c.arguments.args[0], Level::Test);
            return;
        }
        self.put("(");
        self.list(&c.arguments.args, Level::Test);
        for (i, k) in c.arguments.keywords.iter().enumerate() {
            self.put(if i + c.arguments.args.len() > 0 { ", " } else { "" });
            match &k.arg {
                Some(name) => {
                    self.put(name);
                    self.put("=");
                }
                None => self.put("**"),
            }
            self.expr(&k.value, Level::Test);
        }
        self.put(")");
    }

    fn slice(&mut self, s: &ast::ExprSlice) {
        if let Some(e) = &s.lower {
            self.expr(e, Level::Test);
        }
        self.put(":");
        if let Some(e) = &s.upper {
            self.expr(e, Level::Test);
        }
        if let Some(e) = &s.step {
            self.put(":");
            self.expr(e, Level::Test);
        }
    }

    /// `repr` of a str.
    fn string(&mut self, text: &Text) {
        let s = text.lossy();
        let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
        self.out.push(quote);
        for c in s.chars() {
            match c {
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                '\t' => self.put("\\t"),
                c if c == quote => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                    let _ = write!(self.out, "\\x{:02x}", c as u32);
                }
                c => self.out.push(c),
            }
        }
        self.out.push(quote);
    }
}

/// A float as in source text: infinity is a number too large.
fn float_text(value: f64) -> String {
    if value.is_infinite() {
        return "1e309".to_string();
    }
    let text = format!("{value:?}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}
