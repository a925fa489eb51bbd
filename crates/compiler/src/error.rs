//! Errors and warnings of the compiler, with CPython's texts.

use crate::flow::Lines;
use ruff_text_size::TextRange;

/// What kind of exception an error becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// SyntaxError.
    Syntax,
    /// RecursionError: the source is nested too deeply.
    Recursion,
    /// OverflowError or similar: a limit of the bytecode format is exceeded.
    Limit,
}

/// An error found by the symbol table or the code generator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Kind of exception.
    pub kind: ErrorKind,
    /// CPython's text.
    pub message: String,
    /// Source range in bytes.
    pub range: TextRange,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub col: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end, from 1, in characters.
    pub end_col: u32,
}

impl Warning {
    /// A warning about a range of `source`.
    pub fn new(message: &str, range: TextRange, source: &str) -> Warning {
        Warning::at(message, range, &crate::flow::Lines::new(source))
    }

    pub(crate) fn at(message: &str, range: TextRange, lines: &crate::flow::Lines) -> Warning {
        let (line, col) = lines.line_char(range.start().to_u32());
        let (end_line, end_col) = lines.line_char(range.end().to_u32());
        Warning { message: message.to_string(), range, line, col, end_line, end_col }
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {})", self.message, self.line)
    }
}

impl std::error::Error for SyntaxError {}

/// A SyntaxWarning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// CPython's text.
    pub message: String,
    /// Source range in bytes.
    pub range: TextRange,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub col: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end, from 1, in characters.
    pub end_col: u32,
}

/// Result of everything inside the compiler.
pub type Res<T = ()> = Result<T, Box<SyntaxError>>;

/// An error without lines and columns yet.
pub fn raw(message: impl Into<String>, range: TextRange) -> Box<SyntaxError> {
    let message = message.into();
    Box::new(SyntaxError { kind: ErrorKind::Syntax, message, range, line: 0, col: 0, end_line: 0, end_col: 0 })
}

/// A failure with that message at that range.
pub fn fail<T>(message: impl Into<String>, range: TextRange) -> Res<T> {
    Err(raw(message, range))
}

impl SyntaxError {
    /// Fills in lines and columns.
    pub(crate) fn locate(mut self, lines: &Lines<'_>) -> SyntaxError {
        (self.line, self.col) = lines.line_char(self.range.start().to_u32());
        (self.end_line, self.end_col) = lines.line_char(self.range.end().to_u32());
        self
    }
}
