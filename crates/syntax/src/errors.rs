//! Syntax errors with CPython's texts and positions.

use crate::source::Lines;

/// Which exception class to raise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// SyntaxError.
    Syntax,
    /// IndentationError.
    Indentation,
    /// TabError.
    Tab,
    /// MemoryError without position: the source is nested too deeply to parse.
    Memory,
    /// RecursionError without position: the tree is too deep for the compiler.
    Recursion,
}

impl ErrorKind {
    /// Name of the class.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Syntax => "SyntaxError",
            ErrorKind::Indentation => "IndentationError",
            ErrorKind::Tab => "TabError",
            ErrorKind::Memory => "MemoryError",
            ErrorKind::Recursion => "RecursionError",
        }
    }
}

/// A syntax error as Python code sees it. Positions are the exception's attributes: lines from 1, offsets in
/// characters from 1 (CPython also uses 0 and -1 at ends where it knows no better; they are kept).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Exception class.
    pub kind: ErrorKind,
    /// `msg`.
    pub message: String,
    /// `lineno`, `offset`, `end_lineno`, `end_offset`; `None` if the error has no place.
    pub place: Option<Place>,
    /// `text`: the source line, with its newline.
    pub text: Option<String>,
    /// True if more input could turn the source into a valid program (interactive use).
    pub incomplete: bool,
}

/// Attributes of the exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Line of the start, from 1.
    pub line: u32,
    /// Character of the start, from 1.
    pub offset: i32,
    /// Line of the end.
    pub end_line: u32,
    /// Character after the end, from 1.
    pub end_offset: i32,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)?;
        match self.place {
            Some(place) => write!(f, " (line {}, offset {})", place.line, place.offset),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// An error found at byte offsets of the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub kind: ErrorKind,
    pub message: String,
    pub place: Option<Place>,
    /// The lexer gave up in the middle of the line: its text is shown without the newline.
    pub is_cut: bool,
}

impl Found {
    pub fn at(lines: &Lines<'_>, start: usize, end: usize, message: impl Into<String>) -> Found {
        let (line, offset) = lines.place(start);
        let (end_line, end_offset) = lines.end_place(line, end);
        Found::placed(ErrorKind::Syntax, Place { line, offset, end_line, end_offset }, message)
    }

    pub fn placed(kind: ErrorKind, place: Place, message: impl Into<String>) -> Found {
        Found { kind, message: message.into(), place: Some(place), is_cut: false }
    }

    /// See [`Found::is_cut`].
    pub fn cut(self) -> Found {
        Found { is_cut: true, ..self }
    }

    pub fn into_error(self, lines: &Lines<'_>) -> SyntaxError {
        let text = self.place.and_then(|place| lines.line_text(place.line));
        let text = text.map(|text| if self.is_cut { text.trim_end_matches(['\n', '\r']) } else { text }.to_owned());
        SyntaxError { kind: self.kind, message: self.message, place: self.place, text, incomplete: false }
    }
}

impl SyntaxError {
    /// An error without a place.
    pub(crate) fn bare(kind: ErrorKind, message: impl Into<String>) -> SyntaxError {
        SyntaxError { kind, message: message.into(), place: None, text: None, incomplete: false }
    }
}
