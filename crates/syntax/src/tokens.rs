//! The token stream of the `tokenize` module, and as text for `--dump=tokens`.

use crate::errors::{ErrorKind, Found, Place, SyntaxError};
use crate::lexer::{Kind, Lexer};
use crate::source::Lines;

/// A token as `tokenize` gives it; positions count characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenInfo<'s> {
    /// Kind.
    pub kind: Kind,
    /// Text.
    pub string: &'s str,
    /// Line from 1 and character from 0.
    pub start: (u32, u32),
    /// Line from 1 and character from 0.
    pub end: (u32, u32),
    /// First byte in the source.
    pub offset: usize,
}

impl Kind {
    /// Name in the `token` module.
    pub fn name(self) -> &'static str {
        match self {
            Kind::EndMarker => "ENDMARKER",
            Kind::Name => "NAME",
            Kind::Number => "NUMBER",
            Kind::String => "STRING",
            Kind::Newline => "NEWLINE",
            Kind::Indent => "INDENT",
            Kind::Dedent => "DEDENT",
            Kind::Op => "OP",
            Kind::FStringStart => "FSTRING_START",
            Kind::FStringMiddle => "FSTRING_MIDDLE",
            Kind::FStringEnd => "FSTRING_END",
            Kind::TStringStart => "TSTRING_START",
            Kind::TStringMiddle => "TSTRING_MIDDLE",
            Kind::TStringEnd => "TSTRING_END",
            Kind::Comment => "COMMENT",
            Kind::Nl => "NL",
        }
    }
}

/// Tokens of `source` (newlines normalised), with comments and blank lines if `extra`. The error comes after the tokens
/// before it.
pub fn tokens(source: &str, extra: bool) -> (Vec<TokenInfo<'_>>, Option<SyntaxError>) {
    let lines = Lines::new(source);
    let mut lexer = Lexer::new(source, &lines, extra);
    let mut tokens: Vec<TokenInfo<'_>> = Vec::new();
    loop {
        let token = match lexer.next_token() {
            Ok(token) => token,
            Err(found) => {
                // For `tokenize`, input that ends in brackets is only incomplete.
                let found = match lexer.unclosed() {
                    Some(_) if lexer.at >= source.len() => {
                        let line = source.lines().count() as u32;
                        let place = Place { line, offset: 0, end_line: line, end_offset: 0 };
                        Found::placed(ErrorKind::Syntax, place, "unexpected EOF in multi-line statement")
                    }
                    _ => found,
                };
                return (tokens, Some(found.into_error(&lines)));
            }
        };
        let place = |at: usize| {
            let (line, offset) = lines.place(at);
            (line, offset as u32 - 1)
        };
        let (mut start, mut end) = (place(token.start), place(token.end));
        let mut string = &source[token.start..token.end];
        let mut offset = token.start;
        let at_end = matches!(token.kind, Kind::EndMarker | Kind::Dedent) && token.start == source.len();
        if extra && at_end && ends_blank(source) && tokens.last().is_none_or(|last| last.offset < source.len()) {
            // The line end that a last line of nothing but space or a comment lacks.
            let (start, end) = (start, (start.0, start.1 + 1));
            tokens.push(TokenInfo { kind: Kind::Nl, string: "", start, end, offset });
        }
        match token.kind {
            Kind::Newline | Kind::Nl => end = (start.0, start.1 + 1),
            Kind::Indent => {
                start.1 = 0;
                offset = lines.start(start.0);
                string = &source[offset..token.end];
            }
            Kind::EndMarker => {
                let last = source.lines().count() as u32 + 1;
                (start, end) = ((last, 0), (last, 0));
            }
            Kind::Dedent if token.start == source.len() => {
                let last = source.lines().count() as u32 + 1;
                (start, end) = ((last, 0), (last, 0));
            }
            Kind::FStringMiddle | Kind::TStringMiddle => {
                // A doubled brace ends the token; its second half is in none.
                while let Some(at) = first_double(string) {
                    let middle = token.start + (token.end - token.start - string.len()) + at + 1;
                    let piece = &string[..at + 1];
                    tokens.push(TokenInfo { kind: token.kind, string: piece, start, end: place(middle), offset });
                    string = &string[at + 2..];
                    offset = middle + 1;
                    start = place(offset);
                }
                if string.is_empty() && offset != token.start {
                    continue;
                }
            }
            _ => {}
        }
        tokens.push(TokenInfo { kind: token.kind, string, start, end, offset });
        if token.kind == Kind::EndMarker {
            return (tokens, None);
        }
    }
}

/// True if the last line has no newline.
fn ends_blank(source: &str) -> bool {
    !source.is_empty() && !source.ends_with('\n')
}

/// Where the first doubled brace is.
fn first_double(string: &str) -> Option<usize> {
    let bytes = string.as_bytes();
    (0..bytes.len().saturating_sub(1)).find(|&at| matches!(bytes[at], b'{' | b'}') && bytes[at] == bytes[at + 1])
}

/// Tokens as `python -m tokenize` shows them.
pub fn print(source: &str) -> String {
    let (tokens, error) = tokens(source, true);
    let mut out = String::new();
    for token in tokens {
        let range = format!("{},{}-{},{}:", token.start.0, token.start.1, token.end.0, token.end.1);
        let string = crate::print::repr(&crate::tree::Constant::Str(token.string.as_bytes().to_vec()));
        out.push_str(&format!("{range:<20}{:<15}{string:<15}\n", token.kind.name()));
    }
    if let Some(error) = error {
        out.push_str(&format!("{error}\n"));
    }
    out
}
