//! `'format' % (a, b)` with a constant format, built as an f-string is where the conversions are simple: no keys, no `*`, no
//! flags but `-`. (CPython does so for `%s`, `%r` and `%a` alone: `optimize_format` of Python/ast_opt.c.)

use super::Compiler;
use super::fstring::MAX_JOIN;
use crate::error::Res;
use crate::flow::Reg;
use ruff_python_ast::Expr;
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::{Const, Conversion, Op, Text};

/// Digits of a width or precision.
const MAX_DIGITS: usize = 3;

/// A piece of a format.
#[derive(Debug, PartialEq)]
enum Piece {
    Text(Vec<u8>),
    /// The next value, and its format specification.
    Value(Conversion, String),
}

/// The pieces of a format; None if something in it is not simple.
fn pieces(format: &[u8]) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut text = Vec::new();
    let mut rest = format.iter().copied().peekable();
    while let Some(c) = rest.next() {
        if c != b'%' {
            text.push(c);
            continue;
        }
        if rest.next_if_eq(&b'%').is_some() {
            text.push(b'%');
            continue;
        }
        if !text.is_empty() {
            found.push(Piece::Text(std::mem::take(&mut text)));
        }
        let left = rest.next_if_eq(&b'-').is_some();
        let mut digits = || -> Option<String> {
            let mut digits = String::new();
            while let Some(d) = rest.next_if(u8::is_ascii_digit) {
                digits.push(d as char);
            }
            // Zeros in front are a flag.
            (digits.len() <= MAX_DIGITS && !digits.starts_with('0')).then_some(digits)
        };
        let width = digits()?;
        let precision = match rest.next_if_eq(&b'.') {
            Some(_) => {
                let mut digits = String::new();
                while let Some(d) = rest.next_if(u8::is_ascii_digit) {
                    digits.push(d as char);
                }
                Some(digits).filter(|d| (1..=MAX_DIGITS).contains(&d.len()))?.into()
            }
            None => None,
        };
        found.push(value(rest.next()?, left, width, precision)?);
    }
    if !text.is_empty() {
        found.push(Piece::Text(text));
    }
    Some(found)
}

fn value(kind: u8, left: bool, width: String, precision: Option<String>) -> Option<Piece> {
    let aligned = |default: &str, other: &str| match (width.is_empty(), left) {
        (true, _) => String::new(),
        (false, true) => format!("{other}{width}"),
        (false, false) => format!("{default}{width}"),
    };
    let conversion = match kind {
        b's' => Conversion::Str,
        b'r' => Conversion::Repr,
        b'a' => Conversion::Ascii,
        b'd' if precision.is_none() => return Some(Piece::Value(Conversion::Int, aligned("", "<"))),
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
            let precision = precision.unwrap_or_else(|| "6".into());
            let spec = format!("{}.{precision}{}", aligned("", "<"), kind as char);
            return Some(Piece::Value(Conversion::Float, spec));
        }
        _ => return None,
    };
    let precision = precision.map_or(String::new(), |p| format!(".{p}"));
    Some(Piece::Value(conversion, aligned(">", "") + &precision))
}

impl<'a> Compiler<'a> {
    /// Builds `format % right` if it is simple. The temporaries from `mark` on are free.
    pub(super) fn percent(
        &mut self,
        format: &Text,
        right: &'a Expr,
        range: TextRange,
        mark: u32,
        dest: Option<Reg>,
    ) -> Res<Option<Reg>> {
        let Expr::Tuple(tuple) = right else { return Ok(None) };
        let Some(pieces) = pieces(&format.0) else { return Ok(None) };
        let conversions: Vec<Conversion> =
            pieces.iter().filter_map(|p| if let Piece::Value(c, _) = p { Some(*c) } else { None }).collect();
        let fits = conversions.len() == tuple.elts.len() && (1..=MAX_JOIN).contains(&pieces.len());
        if !fits || tuple.elts.iter().any(Expr::is_starred_expr) {
            return Ok(None);
        }
        // What may refuse a value does so when all values are there.
        let may_refuse = conversions.iter().any(|c| matches!(c, Conversion::Int | Conversion::Float));
        let mut values = Vec::new();
        if may_refuse {
            for e in &tuple.elts {
                values.push(self.operand(e)?);
            }
        }
        let first = Reg::temp(self.mark());
        let mut elements = tuple.elts.iter();
        let mut ready = values.into_iter();
        for piece in &pieces {
            let reg = self.alloc();
            match piece {
                Piece::Text(text) => {
                    self.at(range);
                    self.load_const(Const::Str(Text(text[..].into())), Some(reg));
                }
                Piece::Value(conversion, spec) => {
                    let inner = self.mark();
                    let e = elements.next().expect("as many as conversions");
                    let value = match ready.next() {
                        Some(value) => value,
                        None => self.expr(e, None)?,
                    };
                    self.at(if may_refuse { range } else { e.range() });
                    self.emit(Op::ConvertValue, reg, value, *conversion as u32);
                    if spec.is_empty() {
                        self.emit(Op::FormatSimple, reg, reg, 0u32);
                    } else {
                        self.release(inner);
                        let spec = self.load_str(spec, None);
                        self.emit(Op::FormatSpec, reg, reg, spec);
                    }
                    self.release(inner);
                }
            }
        }
        let dest = self.out(mark, dest);
        self.at(range);
        self.emit(Op::BuildString, dest, first, pieces.len() as u32);
        Ok(Some(dest))
    }
}

#[cfg(test)]
mod tests {
    use super::{Conversion, Piece, pieces};

    #[test]
    fn simple_formats() {
        let text = |t: &str| Piece::Text(t.as_bytes().to_vec());
        let value = |c, s: &str| Piece::Value(c, s.to_string());
        assert_eq!(
            pieces(b"%d: %-5s|%.2f%%%8.3r"),
            Some(vec![
                value(Conversion::Int, ""),
                text(": "),
                value(Conversion::Str, "5"),
                text("|"),
                value(Conversion::Float, ".2f"),
                text("%"),
                value(Conversion::Repr, ">8.3"),
            ])
        );
        assert_eq!(pieces(b"%-7d%9g"), Some(vec![value(Conversion::Int, "<7"), value(Conversion::Float, "9.6g")]));
        for odd in
            ["%(a)s", "%*d", "%05d", "%+d", "% d", "%#x", "%x", "%.3d", "%", "%5", "%.", "%.f", "%ld", "%c", "%1234d"]
        {
            assert_eq!(pieces(odd.as_bytes()), None, "{odd}");
        }
    }
}
