//! The parser of format specifications.

use super::{Align, FmtError, FormatSpec, Grouping, Locale};
use crate::{CodePoints, unicode};

fn align_of(c: u32) -> Option<Align> {
    Some(match char::from_u32(c)? {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Center,
        '=' => Align::Inner,
        _ => return None,
    })
}

/// Reads decimal digits (of any script) at `*pos`. `None` if there are none.
pub(crate) fn integer<T: CodePoints + ?Sized>(
    text: &T,
    pos: &mut usize,
    end: usize,
) -> Result<Option<usize>, FmtError> {
    let mut value = None;
    while *pos < end
        && let Some(d) = unicode::decimal(text.at(*pos))
    {
        let next = value.unwrap_or(0usize).checked_mul(10).and_then(|v| v.checked_add(d as usize));
        let fits = next.filter(|&v| v <= isize::MAX as usize);
        value = Some(fits.ok_or_else(|| FmtError::value("Too many decimal digits in format string"))?);
        *pos += 1;
    }
    Ok(value)
}

struct Reader<'a, T: ?Sized> {
    text: &'a T,
    pos: usize,
}

impl<T: CodePoints + ?Sized> Reader<'_, T> {
    fn eat(&mut self, c: char) -> bool {
        let hit = self.pos < self.text.len() && self.text.at(self.pos) == u32::from(c);
        self.pos += usize::from(hit);
        hit
    }

    fn peek(&self, ahead: usize) -> Option<u32> {
        let at = self.pos + ahead;
        (at < self.text.len()).then(|| self.text.at(at))
    }

    fn integer(&mut self) -> Result<Option<usize>, FmtError> {
        integer(self.text, &mut self.pos, self.text.len())
    }

    /// ',' or '_', not both.
    fn grouping(&mut self) -> Result<Grouping, FmtError> {
        let both = || Err(FmtError::value("Cannot specify both ',' and '_'."));
        let comma = self.eat(',');
        if self.eat('_') {
            if comma || self.peek(0) == Some(u32::from(b',')) {
                return both();
            }
            return Ok(Grouping::Underscore);
        }
        Ok(if comma { Grouping::Comma } else { Grouping::None })
    }
}

impl FormatSpec {
    /// Parses a specification. `default_align` is left for strings, right for numbers;
    /// `type_name` is the object's, for the error text.
    pub fn parse<T: CodePoints + ?Sized>(text: &T, default_align: Align, type_name: &str) -> Result<Self, FmtError> {
        let mut spec = Self {
            fill: u32::from(b' '),
            align: default_align,
            sign: None,
            no_neg_0: false,
            alternate: false,
            width: None,
            grouping: Grouping::None,
            precision: None,
            frac_grouping: Grouping::None,
            kind: None,
            locale: Locale::default(),
        };
        let mut r = Reader { text, pos: 0 };
        let (mut fill_given, mut align_given) = (false, false);
        if let Some(align) = r.peek(1).and_then(align_of) {
            (spec.fill, spec.align) = (text.at(0), align);
            (fill_given, align_given) = (true, true);
            r.pos = 2;
        } else if let Some(align) = r.peek(0).and_then(align_of) {
            spec.align = align;
            align_given = true;
            r.pos = 1;
        }
        spec.sign = ['+', '-', ' '].into_iter().find(|&c| r.eat(c));
        spec.no_neg_0 = r.eat('z');
        spec.alternate = r.eat('#');
        if !fill_given && r.eat('0') {
            spec.fill = u32::from(b'0');
            if !align_given && default_align == Align::Right {
                spec.align = Align::Inner;
            }
        }
        spec.width = r.integer()?;
        spec.grouping = r.grouping()?;
        if r.eat('.') {
            spec.precision = r.integer()?;
            spec.frac_grouping = r.grouping()?;
            if spec.precision.is_none() && spec.frac_grouping == Grouping::None {
                return Err(FmtError::value("Format specifier missing precision"));
            }
        }
        if text.len() - r.pos > 1 {
            let whole: String = (0..text.len()).map(|i| char::from_u32(text.at(i)).unwrap_or('\u{fffd}')).collect();
            return Err(FmtError::value(format!(
                "Invalid format specifier '{whole}' for object of type '{type_name}'"
            )));
        }
        spec.kind = r.peek(0);
        // Only strings align left; their default type admits no grouping.
        if spec.kind.is_none() && default_align == Align::Left {
            spec.kind = Some(u32::from(b's'));
        }
        spec.check_grouping()?;
        Ok(spec)
    }

    fn check_grouping(&mut self) -> Result<(), FmtError> {
        let kind = self.ascii_kind();
        let float = self.kind.is_none() || matches!(kind, Some('e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F'));
        if self.grouping != Grouping::None && !float && kind != Some('d') {
            if self.grouping == Grouping::Underscore && matches!(kind, Some('b' | 'o' | 'x' | 'X')) {
                self.grouping = Grouping::UnderscoreFour;
            } else {
                return Err(self.bad_grouping(self.grouping));
            }
        }
        if self.frac_grouping != Grouping::None && kind == Some('n') {
            return Err(self.bad_grouping(self.frac_grouping));
        }
        Ok(())
    }

    fn bad_grouping(&self, grouping: Grouping) -> FmtError {
        let sep = if grouping == Grouping::Comma { ',' } else { '_' };
        FmtError::value(match self.kind.unwrap_or(0) {
            c @ 33..=127 => format!("Cannot specify '{sep}' with '{}'.", char::from(c as u8)),
            c => format!("Cannot specify '{sep}' with '\\x{c:x}'."),
        })
    }
}
