//! The parser of `str.format` templates and of their field names.

use crate::CodePoints;
use crate::fmtspec::FmtError;
use std::ops::Range;

/// A replacement field; ranges are of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Field name, possibly empty.
    pub name: Range<usize>,
    /// Character after '!'.
    pub conversion: Option<u32>,
    /// Format specification, possibly empty.
    pub spec: Range<usize>,
    /// Whether the specification has fields of its own.
    pub nested: bool,
}

/// A literal and the field after it, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Literal text, with a doubled brace reduced to one.
    pub literal: Range<usize>,
    /// The field after it.
    pub field: Option<Field>,
}

/// Iterates over the segments of a template; ends after an error.
pub struct Segments<'a, T: ?Sized> {
    text: &'a T,
    pos: usize,
    end: usize,
}

/// Splits a template, or a range of it (a nested specification), into segments.
pub fn segments<T: CodePoints + ?Sized>(text: &T, range: Range<usize>) -> Segments<'_, T> {
    Segments { text, pos: range.start, end: range.end }
}

const OPEN: u32 = b'{' as u32;
const CLOSE: u32 = b'}' as u32;
const COLON: u32 = b':' as u32;
const BANG: u32 = b'!' as u32;
const LBRACKET: u32 = b'[' as u32;
const RBRACKET: u32 = b']' as u32;
const DOT: u32 = b'.' as u32;

fn error<T>(msg: &str) -> Result<T, FmtError> {
    Err(FmtError::value(msg))
}

impl<T: CodePoints + ?Sized> Iterator for Segments<'_, T> {
    type Item = Result<Segment, FmtError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.pos >= self.end {
            return None;
        }
        let item = self.segment();
        if item.is_err() {
            self.pos = self.end;
        }
        Some(item)
    }
}

impl<T: CodePoints + ?Sized> Segments<'_, T> {
    fn take(&mut self) -> Option<u32> {
        (self.pos < self.end).then(|| {
            self.pos += 1;
            self.text.at(self.pos - 1)
        })
    }

    fn segment(&mut self) -> Result<Segment, FmtError> {
        let start = self.pos;
        let brace = loop {
            match self.take() {
                Some(c @ (OPEN | CLOSE)) => break c,
                Some(_) => {}
                None => {
                    return Ok(Segment { literal: start..self.end, field: None });
                }
            }
        };
        let doubled = self.pos < self.end && self.text.at(self.pos) == brace;
        if doubled {
            self.pos += 1;
            return Ok(Segment { literal: start..self.pos - 1, field: None });
        }
        if brace == CLOSE {
            return error("Single '}' encountered in format string");
        }
        if self.pos >= self.end {
            return error("Single '{' encountered in format string");
        }
        let literal = start..self.pos - 1;
        Ok(Segment { literal, field: Some(self.field()?) })
    }

    fn field(&mut self) -> Result<Field, FmtError> {
        let start = self.pos;
        let stop = loop {
            match self.take() {
                Some(OPEN) => return error("unexpected '{' in field name"),
                Some(LBRACKET) => {
                    while self.pos < self.end && self.text.at(self.pos) != RBRACKET {
                        self.pos += 1;
                    }
                }
                Some(c @ (CLOSE | COLON | BANG)) => break c,
                Some(_) => {}
                None => return error("expected '}' before end of string"),
            }
        };
        let mut field = Field { name: start..self.pos - 1, conversion: None, spec: self.pos..self.pos, nested: false };
        if stop == CLOSE {
            return Ok(field);
        }
        if stop == BANG {
            let Some(c) = self.take() else {
                return error("end of string while looking for conversion specifier");
            };
            field.conversion = Some(c);
            match self.take() {
                Some(CLOSE) => {
                    field.spec = self.pos..self.pos;
                    return Ok(field);
                }
                Some(COLON) => {}
                Some(_) => return error("expected ':' after conversion specifier"),
                None => return error("unmatched '{' in format spec"),
            }
        }
        let spec = self.pos;
        let mut depth = 1;
        while let Some(c) = self.take() {
            match c {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                field.spec = spec..self.pos - 1;
                return Ok(field);
            }
        }
        error("unmatched '{' in format spec")
    }
}

/// The first part of a field name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// Empty: the next automatic index.
    Auto,
    /// A positional index.
    Index(usize),
    /// A keyword, as a range of the template.
    Name(Range<usize>),
}

/// One accessor of a field name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accessor {
    /// `.name`
    Attr(Range<usize>),
    /// `[3]`
    Index(usize),
    /// `[key]`
    Key(Range<usize>),
}

/// Iterates over the accessors of a field name; ends after an error.
pub struct Accessors<'a, T: ?Sized> {
    text: &'a T,
    pos: usize,
    end: usize,
}

fn index_of<T: CodePoints + ?Sized>(text: &T, range: &Range<usize>) -> Result<Option<usize>, FmtError> {
    let mut pos = range.start;
    if !range.clone().all(|i| crate::unicode::decimal(text.at(i)).is_some()) {
        // CPython looks at the digits before it meets another character.
        crate::fmtspec::integer(text, &mut pos, range.end)?;
        return Ok(None);
    }
    crate::fmtspec::integer(text, &mut pos, range.end)
}

/// Splits a field name into its first part and an iterator over the rest.
pub fn split_name<T: CodePoints + ?Sized>(text: &T, name: Range<usize>) -> Result<(First, Accessors<'_, T>), FmtError> {
    let stop = name.clone().find(|&i| matches!(text.at(i), DOT | LBRACKET)).unwrap_or(name.end);
    let first = name.start..stop;
    let rest = Accessors { text, pos: stop, end: name.end };
    let first = match index_of(text, &first)? {
        _ if first.is_empty() => First::Auto,
        Some(i) => First::Index(i),
        None => First::Name(first),
    };
    Ok((first, rest))
}

impl<T: CodePoints + ?Sized> Iterator for Accessors<'_, T> {
    type Item = Result<Accessor, FmtError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.pos >= self.end {
            return None;
        }
        let item = self.accessor();
        if item.is_err() {
            self.pos = self.end;
        }
        Some(item)
    }
}

impl<T: CodePoints + ?Sized> Accessors<'_, T> {
    fn accessor(&mut self) -> Result<Accessor, FmtError> {
        let start = self.pos + 1;
        let find = |stops: &[u32]| (start..self.end).find(|&i| stops.contains(&self.text.at(i)));
        let item = match self.text.at(self.pos) {
            DOT => {
                let stop = find(&[DOT, LBRACKET]).unwrap_or(self.end);
                self.pos = stop;
                Accessor::Attr(start..stop)
            }
            LBRACKET => {
                let Some(stop) = find(&[RBRACKET]) else {
                    return error("Missing ']' in format string");
                };
                self.pos = stop + 1;
                match index_of(self.text, &(start..stop))? {
                    Some(i) => Accessor::Index(i),
                    None => Accessor::Key(start..stop),
                }
            }
            _ => return error("Only '.' or '[' may follow ']' in format field specifier"),
        };
        match &item {
            Accessor::Attr(r) | Accessor::Key(r) if r.is_empty() => error("Empty attribute in format string"),
            _ => Ok(item),
        }
    }
}

/// Whether automatic or manual numbering is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// No numbered field yet.
    #[default]
    Unknown,
    /// The next automatic index.
    Auto(usize),
    /// Explicit indices.
    Manual,
}

impl Numbering {
    /// The positional index for a first part; `None` for a keyword.
    pub fn index(&mut self, first: &First) -> Result<Option<usize>, FmtError> {
        match (first, *self) {
            (First::Name(_), _) => Ok(None),
            (First::Auto, Self::Manual) => {
                error("cannot switch from manual field specification to automatic field numbering")
            }
            (First::Index(_), Self::Auto(_)) => {
                error("cannot switch from automatic field numbering to manual field specification")
            }
            (First::Auto, state) => {
                let n = if let Self::Auto(n) = state { n } else { 0 };
                *self = Self::Auto(n + 1);
                Ok(Some(n))
            }
            (&First::Index(i), _) => {
                *self = Self::Manual;
                Ok(Some(i))
            }
        }
    }
}
