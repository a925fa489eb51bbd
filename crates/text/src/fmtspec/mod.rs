//! The format specification mini-language (`format()`, f-strings, `str.format`).

mod layout;
mod number;
mod parse;

pub(crate) use layout::room_for;
pub use layout::{Formatted, StrPads};
pub(crate) use number::double_text;
pub use number::{format_complex, format_float, format_int};
pub(crate) use parse::integer;

/// Python's exception for a [`FmtError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// ValueError
    Value,
    /// OverflowError
    Overflow,
    /// MemoryError
    Memory,
}

/// Why a value cannot be formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FmtError {
    /// The exception's type.
    pub kind: ErrorKind,
    /// The exception's text.
    pub msg: String,
}

impl FmtError {
    pub(crate) fn value(msg: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Value, msg: msg.into() }
    }

    pub(crate) fn overflow(msg: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Overflow, msg: msg.into() }
    }
}

/// Where padding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// '<'
    Left,
    /// '>'
    Right,
    /// '^'
    Center,
    /// '=': after sign and prefix
    Inner,
}

/// How digits are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// None asked for.
    None,
    /// ',' every three digits.
    Comma,
    /// '_' every three digits.
    Underscore,
    /// '_' every four digits (bases 2, 8 and 16).
    UnderscoreFour,
}

/// The numeric conventions type `n` uses; the default is the C locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// Decimal point.
    pub decimal_point: String,
    /// Separator between groups of digits.
    pub thousands_sep: String,
    /// Sizes of groups from the right, as in C's `struct lconv`: 0 or the end repeats the last
    /// one, 127 ends grouping.
    pub grouping: Vec<u8>,
}

impl Default for Locale {
    fn default() -> Self {
        Self { decimal_point: ".".into(), thousands_sep: String::new(), grouping: Vec::new() }
    }
}

/// A parsed format specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatSpec {
    /// Fill character.
    pub fill: u32,
    /// Alignment.
    pub align: Align,
    /// '+', '-' or ' '.
    pub sign: Option<char>,
    /// 'z'
    pub no_neg_0: bool,
    /// '#'
    pub alternate: bool,
    /// Minimum width.
    pub width: Option<usize>,
    /// Grouping of integer digits.
    pub grouping: Grouping,
    /// Digits after the point, or maximum width of a string.
    pub precision: Option<usize>,
    /// Grouping of digits after the point.
    pub frac_grouping: Grouping,
    /// Presentation type; `None` if absent.
    pub kind: Option<u32>,
    /// For type `n`; the caller replaces it if the process has set a locale.
    pub locale: Locale,
}

impl FormatSpec {
    /// The presentation type, if it is ASCII.
    pub(crate) fn ascii_kind(&self) -> Option<char> {
        self.kind.and_then(char::from_u32).filter(char::is_ascii)
    }

    pub(crate) fn unknown_kind(&self, type_name: &str) -> FmtError {
        let code = match self.kind.unwrap_or(0) {
            c @ 33..=127 => char::from(c as u8).to_string(),
            c => format!("\\x{c:x}"),
        };
        FmtError::value(format!("Unknown format code '{code}' for object of type '{type_name}'"))
    }
}

/// Checks a specification for a string of `len` characters and computes truncation and padding.
pub fn format_str(len: usize, spec: &FormatSpec, type_name: &str) -> Result<StrPads, FmtError> {
    let no = |what: &str| Err(FmtError::value(format!("{what} not allowed in string format specifier")));
    if !matches!(spec.ascii_kind(), Some('s')) && spec.kind.is_some() {
        return Err(spec.unknown_kind(type_name));
    }
    match spec.sign {
        Some(' ') => return no("Space"),
        Some(_) => return no("Sign"),
        None => {}
    }
    if spec.no_neg_0 {
        return no("Negative zero coercion (z)");
    }
    if spec.alternate {
        return no("Alternate form (#)");
    }
    if spec.align == Align::Inner {
        return no("'=' alignment");
    }
    let take = spec.precision.map_or(len, |p| p.min(len));
    let (left, _, right) = layout::padding(take, spec.width, spec.align);
    Ok(StrPads { left, take, right, fill: spec.fill })
}

#[cfg(test)]
mod tests;
