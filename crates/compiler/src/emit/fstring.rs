//! f-strings and t-strings.

use super::Compiler;
use crate::error::Res;
use crate::flow::Reg;
use crate::literal;
use ruff_python_ast::{self as ast, ConversionFlag, FStringPart, InterpolatedStringElement};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::{Const, Conversion, Op, Text};

/// Pieces joined at once.
pub(super) const MAX_JOIN: usize = 30;

/// A piece of an f-string after joining adjacent literals.
enum Piece<'a> {
    Text(Vec<u8>, TextRange),
    Value(&'a ast::InterpolatedElement, ConversionFlag),
}

fn push_text<'a>(pieces: &mut Vec<Piece<'a>>, text: &[u8], range: TextRange) {
    if text.is_empty() {
        return;
    }
    if let Some(Piece::Text(last, r)) = pieces.last_mut() {
        last.extend(text);
        *r = r.cover(range);
    } else {
        pieces.push(Piece::Text(text.to_vec(), range));
    }
}

/// The conversion that applies: `=` alone means repr.
fn conversion(e: &ast::InterpolatedElement) -> ConversionFlag {
    match e.conversion {
        ConversionFlag::None if e.debug_text.is_some() && e.format_spec.is_none() => ConversionFlag::Repr,
        c => c,
    }
}

fn number(c: ConversionFlag) -> u32 {
    let conversion = match c {
        ConversionFlag::None => Conversion::None,
        ConversionFlag::Str => Conversion::Str,
        ConversionFlag::Repr => Conversion::Repr,
        ConversionFlag::Ascii => Conversion::Ascii,
    };
    conversion as u32
}

impl<'a> Compiler<'a> {
    fn element_text(&self, e: &ast::InterpolatedStringLiteralElement, raw: bool) -> Text {
        literal::decode(self.text(e.range), &e.value, raw, true)
    }

    /// `expr =` as it is written, up to the closing brace or the conversion.
    fn debug_text(&self, e: &ast::InterpolatedElement) -> String {
        let Some(debug) = &e.debug_text else { return String::new() };
        let text = format!("{}{}{}", debug.leading(), debug.expression(), debug.trailing()).replace("\r\n", "\n");
        without_comments(&text).into_owned()
    }

    fn pieces(&self, elements: &'a [InterpolatedStringElement], raw: bool, out: &mut Vec<Piece<'a>>) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(e) => push_text(out, &self.element_text(e, raw).0, e.range),
                InterpolatedStringElement::Interpolation(e) => {
                    push_text(out, self.debug_text(e).as_bytes(), e.range);
                    out.push(Piece::Value(e, conversion(e)));
                }
            }
        }
    }

    pub(crate) fn fstring(&mut self, f: &'a ast::ExprFString, dest: Option<Reg>) -> Res<Reg> {
        let mut pieces = Vec::new();
        for part in &f.value {
            match part {
                FStringPart::Literal(s) => push_text(&mut pieces, &literal::single(self.source, s).0, s.range),
                FStringPart::FString(s) => {
                    let raw = s.flags.prefix().is_raw();
                    self.check_fstring(&s.elements, raw);
                    self.pieces(&s.elements, raw, &mut pieces);
                }
            }
        }
        self.join(pieces, f.range, dest)
    }

    fn join(&mut self, pieces: Vec<Piece<'a>>, range: TextRange, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        if pieces.len() <= 1 {
            return match pieces.into_iter().next() {
                None => {
                    self.at(range);
                    Ok(self.load_str("", dest))
                }
                Some(Piece::Text(text, _)) => {
                    self.at(range);
                    Ok(self.load_const(Const::Str(Text(text.into())), dest))
                }
                Some(Piece::Value(e, conversion)) => self.formatted(e, conversion, dest),
            };
        }
        let first = Reg::temp(mark);
        let mut count = 0;
        for piece in pieces {
            if count == MAX_JOIN {
                // Join what there is; the result is the first piece of the rest.
                self.at(range);
                self.emit(Op::BuildString, first, first, count);
                self.release(mark + 1);
                count = 1;
            }
            let reg = self.alloc();
            match piece {
                Piece::Text(text, range) => {
                    self.at(range);
                    self.load_const(Const::Str(Text(text.into())), Some(reg));
                }
                Piece::Value(e, conversion) => {
                    self.formatted(e, conversion, Some(reg))?;
                }
            }
            count += 1;
        }
        let dest = self.out(mark, dest);
        self.at(range);
        self.emit(Op::BuildString, dest, first, count);
        Ok(dest)
    }

    fn formatted(
        &mut self,
        e: &'a ast::InterpolatedElement,
        conversion: ConversionFlag,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let mark = self.mark();
        let mut value = match &e.format_spec {
            Some(_) => self.operand(&e.expression)?,
            None => self.expr(&e.expression, None)?,
        };
        self.at(e.range);
        if conversion != ConversionFlag::None {
            let converted = self.out(mark, None);
            self.emit(Op::ConvertValue, converted, value, number(conversion));
            value = converted;
        }
        let spec = match &e.format_spec {
            Some(spec) => Some(self.spec(spec, None)?),
            None => None,
        };
        let dest = self.out(mark, dest);
        self.at(e.range);
        match spec {
            Some(spec) => self.emit(Op::FormatSpec, dest, value, spec),
            None => self.emit(Op::FormatSimple, dest, value, 0u32),
        }
        Ok(dest)
    }

    fn spec(&mut self, spec: &'a ast::InterpolatedStringFormatSpec, dest: Option<Reg>) -> Res<Reg> {
        let mut pieces = Vec::new();
        self.pieces(&spec.elements, false, &mut pieces);
        self.join(pieces, spec.range, dest)
    }

    pub(crate) fn tstring(&mut self, t: &'a ast::ExprTString, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let mut strings = vec![Vec::new()];
        let mut values = Vec::new();
        for part in &t.value {
            let raw = part.flags.prefix().is_raw();
            self.check_fstring(&part.elements, raw);
            for element in &part.elements {
                match element {
                    InterpolatedStringElement::Literal(e) => {
                        let text = self.element_text(e, raw);
                        strings.last_mut().into_iter().for_each(|s| s.extend(&text.0));
                    }
                    InterpolatedStringElement::Interpolation(e) => {
                        let debug = self.debug_text(e);
                        strings.last_mut().into_iter().for_each(|s| s.extend(debug.bytes()));
                        strings.push(Vec::new());
                        values.push(e);
                    }
                }
            }
        }
        let pair = self.alloc_run(2);
        self.at(t.range);
        let strings = strings.into_iter().map(|s| Const::Str(Text(s.into()))).collect();
        self.load_const(Const::Tuple(strings), Some(pair));
        let list = values.len() > 32;
        let items = pair.plus(1);
        if list {
            self.emit(Op::BuildList, items, items, 0u32);
        }
        let first = Reg::temp(self.mark());
        for e in &values {
            let reg = self.alloc();
            self.interpolation(e, reg)?;
            if list {
                self.emit(Op::ListAppend, items, reg, 0u32);
                self.release(reg.index());
            }
        }
        self.at(t.range);
        if list {
            self.emit(Op::ListToTuple, items, items, 0u32);
        } else {
            self.emit(Op::BuildTuple, items, first, values.len());
        }
        let dest = self.out(mark, dest);
        self.emit(Op::BuildTemplate, dest, pair, items);
        Ok(dest)
    }

    fn interpolation(&mut self, e: &'a ast::InterpolatedElement, dest: Reg) -> Res {
        let mark = self.mark();
        let run = self.alloc_run(if e.format_spec.is_some() { 3 } else { 2 });
        self.expr(&e.expression, Some(run))?;
        self.at(e.range);
        let text = without_comments(self.interpolation_text(e));
        self.load_str(&text, Some(run.plus(1)));
        if let Some(spec) = &e.format_spec {
            self.spec(spec, Some(run.plus(2)))?;
        }
        let flags = number(conversion(e)) | if e.format_spec.is_some() { 4 } else { 0 };
        self.at(e.range);
        self.emit(Op::BuildInterpolation, dest, run, flags);
        self.release(mark);
        Ok(())
    }

    /// The expression as written, with its blanks and parentheses.
    fn interpolation_text(&self, e: &ast::InterpolatedElement) -> &'a str {
        let start = e.range.start().to_usize() + 1;
        let inner = self.source.get(start..e.range.end().to_usize()).unwrap_or("");
        // A tree that was not parsed has the text alone between the braces.
        let Some(from) = e.expression.range().end().to_usize().checked_sub(start).filter(|at| *at <= inner.len())
        else {
            return inner.strip_suffix('}').unwrap_or(inner);
        };
        // After the expression only closing parentheses and blanks may come before `=`, `!`, `:` or `}`.
        let stop = inner[from..].find(['=', '!', ':', '}']).map_or(inner.len(), |i| from + i);
        &inner[..stop]
    }
}

/// Source text without its comments.
fn without_comments(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('#') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '#' => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '"' | '\'' => string_length(rest, c),
            c => c.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.into()
}

/// Bytes of the string literal that `text` starts with, whose quote is `quote`.
fn string_length(text: &str, quote: char) -> usize {
    let triple: String = [quote; 3].iter().collect();
    let end = if text.starts_with(&triple) { &triple[..] } else { &triple[..1] };
    let mut at = end.len();
    while at < text.len() && !text[at..].starts_with(end) {
        let escapes = text[at..].starts_with('\\');
        at += text[at..].chars().take(1 + escapes as usize).map(char::len_utf8).sum::<usize>();
    }
    (at + end.len()).min(text.len())
}
