//! A tokenizer with CPython's token boundaries and error messages.
//!
//! The parser has a faster one of its own; this one serves what that one cannot: errors, the `tokenize` module,
//! `--dump=tokens` and interactive input. Works on normalised text, one token per call.

use crate::errors::{ErrorKind, Found, Place};
use crate::source::Lines;

/// Kinds of tokens, as the `token` module names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    EndMarker,
    Name,
    Number,
    String,
    Newline,
    Indent,
    Dedent,
    Op,
    FStringStart,
    FStringMiddle,
    FStringEnd,
    TStringStart,
    TStringMiddle,
    TStringEnd,
    Comment,
    Nl,
}

/// A token: its bytes are `start..end` of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Kind.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Brackets open after the token.
    pub level: u16,
}

const MAX_LEVEL: usize = 200;
const MAX_INDENT: usize = 100;
const MAX_FSTRING_LEVEL: usize = 150;

struct Bracket {
    byte: u8,
    at: usize,
}

/// An f-string or t-string being read.
struct Interpolated {
    start: usize,
    quote: u8,
    triple: bool,
    raw: bool,
    letter: char,
    /// Bracket level outside of it.
    level: usize,
    /// Nesting of replacement fields; text is read when it equals `specs`.
    braces: usize,
    /// Format specs being read.
    specs: usize,
    /// True while text (not an expression) is next.
    in_text: bool,
}

/// Reads tokens one after another.
pub struct Lexer<'s> {
    text: &'s str,
    bytes: &'s [u8],
    lines: &'s Lines<'s>,
    /// Next byte to read.
    pub(crate) at: usize,
    /// Columns of open blocks: with tabs to 8, with tabs as 1.
    indents: Vec<(usize, usize)>,
    /// Indents (positive) or dedents (negative) still to be given.
    pending: i32,
    at_line_start: bool,
    brackets: Vec<Bracket>,
    strings: Vec<Interpolated>,
    extra: bool,
    /// True if the end was reached inside a construct that more lines could finish.
    pub(crate) hit_end: bool,
    blank: bool,
    done: bool,
    implicit_newline: bool,
    /// The last token closed a replacement field or opened a format spec.
    after_field: bool,
    /// The format spec being read must give a text token before it ends.
    spec_needs_text: bool,
}

impl<'s> Lexer<'s> {
    /// A lexer over `text`, with comments and blank lines as tokens if `extra`.
    pub fn new(text: &'s str, lines: &'s Lines<'s>, extra: bool) -> Lexer<'s> {
        Lexer {
            text,
            bytes: text.as_bytes(),
            lines,
            at: 0,
            indents: vec![(0, 0)],
            pending: 0,
            at_line_start: true,
            brackets: Vec::new(),
            strings: Vec::new(),
            extra,
            hit_end: false,
            blank: true,
            done: false,
            implicit_newline: true,
            after_field: false,
            spec_needs_text: false,
        }
    }

    /// Sets whether a last line without newline is given one.
    pub fn implicit_newline(mut self, implicit: bool) -> Self {
        self.implicit_newline = implicit;
        self
    }

    /// True inside an f-string or t-string.
    pub(crate) fn in_string(&self) -> bool {
        !self.strings.is_empty()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        Token { kind, start, end: self.at, level: self.brackets.len() as u16 }
    }

    /// An error at the last byte read, as the tokenizer reports them.
    fn error<T>(&self, message: impl Into<String>) -> Result<T, Found> {
        self.error_at(self.at, message)
    }

    /// An error whose last character ends at `end`.
    fn error_at<T>(&self, end: usize, message: impl Into<String>) -> Result<T, Found> {
        let (line, offset) = self.lines.place(end);
        let place = Place { line, offset: offset - 1, end_line: line, end_offset: offset - 1 };
        Err(Found::placed(ErrorKind::Syntax, place, message).cut())
    }

    fn indentation_error<T>(&self, kind: ErrorKind, offset: i32, end_offset: i32, message: &str) -> Result<T, Found> {
        let line = self.lines.place(self.at).0;
        Err(Found::placed(kind, Place { line, offset, end_line: line, end_offset }, message))
    }

    /// The error for brackets that are still open at the end.
    pub(crate) fn unclosed(&self) -> Option<Found> {
        let bracket = self.brackets.last()?;
        let (line, offset) = self.lines.place(bracket.at);
        let place = Place { line, offset, end_line: line, end_offset: 0 };
        let found = Found::placed(ErrorKind::Syntax, place, format!("'{}' was never closed", bracket.byte as char));
        let is_last_line = !self.text[bracket.at..].trim_end_matches('\n').contains('\n');
        Some(if is_last_line { found } else { found.cut() })
    }

    /// Line of the innermost open bracket.
    pub(crate) fn open_line(&self) -> Option<u32> {
        self.brackets.last().map(|bracket| self.lines.place(bracket.at).0)
    }

    /// Kind letter of the innermost open f-string or t-string.
    pub(crate) fn string_letter(&self) -> char {
        self.strings.last().map_or('f', |string| string.letter)
    }

    /// The next token; end markers for ever at the end.
    pub(crate) fn next_token(&mut self) -> Result<Token, Found> {
        if self.strings.last().is_some_and(|string| string.in_text) {
            return self.string_text();
        }
        if self.at_line_start {
            self.at_line_start = false;
            self.indentation()?;
        }
        if self.pending != 0 {
            return Ok(self.pending_indent());
        }
        let mut comment = None;
        loop {
            while matches!(self.peek(0), b' ' | b'\t' | 0x0c) {
                self.at += 1;
            }
            let start = self.at;
            match self.peek(0) {
                b'#' => {
                    self.at +=
                        self.bytes[self.at..].iter().position(|&b| b == b'\n').unwrap_or(self.bytes.len() - self.at);
                    if self.extra {
                        return Ok(self.token(Kind::Comment, start));
                    }
                    // To CPython's parser the comment belongs to the newline.
                    comment = Some(start);
                }
                b'\n' => {
                    self.at += 1;
                    let blank = std::mem::replace(&mut self.blank, true);
                    self.at_line_start = self.brackets.is_empty() && self.strings.is_empty();
                    if self.brackets.is_empty() && self.strings.is_empty() && !blank {
                        return Ok(self.token(Kind::Newline, comment.unwrap_or(start)));
                    }
                    comment = None;
                    if self.brackets.is_empty() && !self.strings.is_empty() {
                        // Inside a replacement field at bracket level 0 cannot happen: `{` counts.
                        continue;
                    }
                    if self.extra {
                        return Ok(self.token(Kind::Nl, start));
                    }
                    if self.at_line_start {
                        return self.next_token();
                    }
                }
                b'\\' => self.continuation()?,
                0 if self.at >= self.bytes.len() => return self.end(start),
                byte => {
                    self.blank = false;
                    return self.word(byte, start);
                }
            }
        }
    }

    fn end(&mut self, start: usize) -> Result<Token, Found> {
        self.hit_end = true;
        if let Some(found) = self.unclosed() {
            return Err(found);
        }
        if !self.blank && !self.done {
            // A last line without newline.
            self.blank = true;
            self.done = true;
            self.at_line_start = true;
            let kind = if self.implicit_newline { Kind::Newline } else { Kind::EndMarker };
            return Ok(self.token(kind, start));
        }
        Ok(self.token(Kind::EndMarker, start))
    }

    fn pending_indent(&mut self) -> Token {
        if self.pending > 0 {
            self.pending -= 1;
            self.token(Kind::Indent, self.at)
        } else {
            self.pending += 1;
            self.token(Kind::Dedent, self.at)
        }
    }

    fn continuation(&mut self) -> Result<(), Found> {
        self.at += 1;
        if self.at >= self.bytes.len() {
            return self.end_in_continuation();
        }
        if self.peek(0) != b'\n' {
            let (line, offset) = self.lines.place(self.at);
            let place = Place { line, offset, end_line: line, end_offset: 0 };
            let message = "unexpected character after line continuation character";
            return Err(Found::placed(ErrorKind::Syntax, place, message));
        }
        self.at += 1;
        if self.at >= self.bytes.len() {
            return self.end_in_continuation();
        }
        Ok(())
    }

    fn end_in_continuation(&mut self) -> Result<(), Found> {
        self.hit_end = true;
        if let Some(found) = self.unclosed()
            && self.implicit_newline
        {
            return Err(found);
        }
        if !self.implicit_newline && self.bytes[self.at - 1] == b'\\' {
            let (line, offset) = self.lines.place(self.at - 1);
            let place = Place { line, offset, end_line: line, end_offset: 0 };
            let message = "unexpected character after line continuation character";
            return Err(Found::placed(ErrorKind::Syntax, place, message));
        }
        let at = self.at - usize::from(self.at > 0 && self.bytes[self.at - 1] == b'\n');
        let (line, offset) = self.lines.place(at);
        let place = Place { line, offset, end_line: line, end_offset: -1 };
        Err(Found::placed(ErrorKind::Syntax, place, "unexpected EOF while parsing"))
    }

    /// Measures the blank space that starts a line and finds indents and dedents.
    fn indentation(&mut self) -> Result<(), Found> {
        let (mut column, mut alternative, mut continued) = (0, 0, None);
        loop {
            match self.peek(0) {
                b' ' => {
                    column += 1;
                    alternative += 1;
                }
                b'\t' => {
                    column = (column / 8 + 1) * 8;
                    alternative += 1;
                }
                0x0c => (column, alternative) = (0, 0),
                b'\\' if self.peek(1) == b'\n' && self.at + 1 < self.bytes.len() => {
                    continued = continued.or(Some((column, alternative)));
                    self.at += 1;
                    if self.at + 1 >= self.bytes.len() {
                        self.at += 1;
                        return self.end_in_continuation();
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        if self.peek(0) == b'\\' {
            self.continuation()?;
        }
        if matches!(self.peek(0), b'#' | b'\n') {
            return Ok(());
        }
        let is_cut = !self.implicit_newline && self.at > 0 && self.bytes[self.at - 1] != b'\n';
        if self.at >= self.bytes.len() && (!is_cut || self.done) {
            self.hit_end = true;
            (column, alternative) = (0, 0);
        } else if let Some(first) = continued {
            (column, alternative) = first;
        }
        let &(top, top_alternative) = self.indents.last().unwrap_or(&(0, 0));
        let inconsistent = "inconsistent use of tabs and spaces in indentation";
        if column == top {
            if alternative != top_alternative {
                return self.indentation_error(ErrorKind::Tab, 1, 0, inconsistent);
            }
        } else if column > top {
            if self.indents.len() >= MAX_INDENT {
                return self.indentation_error(ErrorKind::Indentation, 1, 0, "too many levels of indentation");
            }
            if alternative <= top_alternative {
                return self.indentation_error(ErrorKind::Tab, 1, 0, inconsistent);
            }
            self.indents.push((column, alternative));
            self.pending = 1;
        } else {
            self.dedent(column, alternative)?;
        }
        Ok(())
    }

    fn dedent(&mut self, column: usize, alternative: usize) -> Result<(), Found> {
        while self.indents.last().is_some_and(|&(top, _)| column < top) {
            self.indents.pop();
            self.pending -= 1;
        }
        let &(top, top_alternative) = self.indents.last().unwrap_or(&(0, 0));
        if column != top {
            let line_end = self.bytes[self.at..].iter().position(|&b| b == b'\n').unwrap_or(self.bytes.len() - self.at);
            let offset = self.lines.place(self.at + line_end).1;
            let message = "unindent does not match any outer indentation level";
            return self.indentation_error(ErrorKind::Indentation, offset, -1, message);
        }
        if alternative != top_alternative {
            let message = "inconsistent use of tabs and spaces in indentation";
            return self.indentation_error(ErrorKind::Tab, 1, 0, message);
        }
        Ok(())
    }

    /// A token that starts with `byte`.
    fn word(&mut self, byte: u8, start: usize) -> Result<Token, Found> {
        if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 {
            return self.name(start);
        }
        if byte.is_ascii_digit() || byte == b'.' && self.peek(1).is_ascii_digit() {
            self.number()?;
            return Ok(self.token(Kind::Number, start));
        }
        if byte == b'"' || byte == b'\'' {
            return self.string(start);
        }
        self.operator(byte, start)
    }

    fn name(&mut self, start: usize) -> Result<Token, Found> {
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..) {
            self.at += 1;
            if matches!(self.peek(0), b'"' | b'\'') && is_string_prefix(&self.bytes[start..self.at]) {
                let letters = &self.bytes[start..self.at];
                self.check_prefix(letters, start)?;
                let letter = letters.iter().map(u8::to_ascii_lowercase).find(|b| matches!(b, b'f' | b't'));
                return match letter {
                    Some(letter) => self.interpolated(start, letter as char),
                    None => self.string(start),
                };
            }
        }
        let word = &self.text[start..self.at];
        if !word.is_ascii() {
            self.check_identifier(word, start)?;
        }
        Ok(self.token(Kind::Name, start))
    }

    /// Rejects string prefixes that do not go together.
    fn check_prefix(&self, letters: &[u8], start: usize) -> Result<(), Found> {
        let has = |letter: u8| letters.iter().any(|byte| byte.to_ascii_lowercase() == letter);
        for [one, other] in [*b"ub", *b"ur", *b"uf", *b"ut", *b"bf", *b"bt", *b"ft"] {
            if has(one) && has(other) {
                let message = format!("'{}' and '{}' prefixes are incompatible", one as char, other as char);
                return Err(Found::at(self.lines, start, start + letters.len(), message));
            }
        }
        Ok(())
    }

    fn check_identifier(&self, word: &str, start: usize) -> Result<(), Found> {
        for (index, c) in word.char_indices() {
            let is_valid = match index {
                0 => c == '_' || crate::chars::is_xid_start(c),
                _ => crate::chars::is_xid_continue(c),
            };
            if !is_valid {
                let end = start + index + c.len_utf8();
                if crate::chars::is_printable(c) {
                    return self.error_at(end, format!("invalid character '{c}' (U+{:04X})", c as u32));
                }
                return self.error_at(end, format!("invalid non-printable character U+{:04X}", c as u32));
            }
        }
        Ok(())
    }

    // ---- numbers -----------------------------------------------------------------------------

    fn number(&mut self) -> Result<(), Found> {
        let start = self.at;
        match (self.peek(0), self.peek(1) | 0x20) {
            (b'0', b'x') => return self.radix("hexadecimal", |b| b.is_ascii_hexdigit()),
            (b'0', b'o') => return self.radix("octal", |b| matches!(b, b'0'..=b'7')),
            (b'0', b'b') => return self.radix("binary", |b| matches!(b, b'0' | b'1')),
            _ => {}
        }
        if self.peek(0) != b'.' {
            self.digits()?;
        }
        let digits = &self.bytes[start..self.at];
        let zeros = digits.iter().take_while(|b| matches!(b, b'0' | b'_')).count();
        let has_leading_zeros = digits.first() == Some(&b'0') && zeros < digits.len();
        let mut kind = "decimal";
        if self.peek(0) == b'.' {
            kind = "float";
            self.at += 1;
            if self.peek(0).is_ascii_digit() {
                self.digits()?;
            }
        }
        if self.peek(0) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                kind = "float";
                self.at += 1 + sign;
                self.digits()?;
            } else if sign == 1 {
                self.at += 2;
                return self.error("invalid decimal literal");
            } else {
                return self.end_of_number("decimal");
            }
        }
        if self.peek(0) | 0x20 == b'j' {
            self.at += 1;
            return self.end_of_number("imaginary");
        }
        if has_leading_zeros && kind == "decimal" && !self.extra {
            let (line, offset) = self.lines.place(start);
            let place = Place { line, offset, end_line: line, end_offset: self.lines.place(start + zeros).1 };
            let message = "leading zeros in decimal integer literals are not permitted; \
                           use an 0o prefix for octal integers";
            return Err(Found::placed(ErrorKind::Syntax, place, message).cut());
        }
        self.end_of_number("decimal")
    }

    /// Digits with single underscores between them.
    fn digits(&mut self) -> Result<(), Found> {
        loop {
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            if self.peek(0) != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !self.peek(0).is_ascii_digit() {
                return self.error("invalid decimal literal");
            }
        }
    }

    fn radix(&mut self, kind: &str, is_digit: fn(u8) -> bool) -> Result<(), Found> {
        self.at += 2;
        loop {
            if self.peek(0) == b'_' {
                self.at += 1;
            }
            if !is_digit(self.peek(0)) {
                if self.peek(0).is_ascii_digit() {
                    self.at += 1;
                    let digit = self.bytes[self.at - 1] as char;
                    return self.error(format!("invalid digit '{digit}' in {kind} literal"));
                }
                return self.error(format!("invalid {kind} literal"));
            }
            while is_digit(self.peek(0)) {
                self.at += 1;
            }
            if self.peek(0) != b'_' {
                break;
            }
        }
        if self.peek(0).is_ascii_digit() {
            self.at += 1;
            let digit = self.bytes[self.at - 1] as char;
            return self.error(format!("invalid digit '{digit}' in {kind} literal"));
        }
        self.end_of_number(kind)
    }

    /// A number may be followed at once by some keywords, but by no other name.
    fn end_of_number(&self, kind: &str) -> Result<(), Found> {
        const KEYWORDS: [&str; 8] = ["and", "else", "for", "if", "in", "is", "not", "or"];
        let rest = &self.bytes[self.at..];
        let Some(&first) = rest.first() else { return Ok(()) };
        if self.extra {
            // `tokenize` gives a number and a name.
            return Ok(());
        }
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
        let is_whole =
            |word: &&str| rest.starts_with(word.as_bytes()) && !rest.get(word.len()).is_some_and(|&next| is_word(next));
        if !is_word(first) || KEYWORDS.iter().any(is_whole) {
            return Ok(());
        }
        if first >= 0x80 {
            return Ok(());
        }
        self.error(format!("invalid {kind} literal"))
    }

    // ---- strings -----------------------------------------------------------------------------

    fn opening_quotes(&mut self) -> (u8, bool) {
        let quote = self.peek(0);
        let triple = self.peek(1) == quote && self.peek(2) == quote;
        self.at += if triple { 3 } else { 1 };
        (quote, triple)
    }

    fn string(&mut self, start: usize) -> Result<Token, Found> {
        let (quote, triple) = self.opening_quotes();
        let mut escaped_quote = false;
        loop {
            let byte = self.peek(0);
            if self.at >= self.bytes.len() || byte == b'\n' && !triple {
                if let Some(string) = self.strings.last()
                    && (string.quote, string.triple) == (quote, triple)
                {
                    // The quote was meant to end the f-string.
                    let (line, offset) = self.lines.place(start);
                    let place = Place { line, offset, end_line: line, end_offset: offset };
                    let message = format!("{}-string: expecting '}}'", string.letter);
                    return Err(Found::placed(ErrorKind::Syntax, place, message).cut());
                }
                return self.unterminated(start, triple, "string", escaped_quote);
            }
            if byte == quote && (!triple || self.peek(1) == quote && self.peek(2) == quote) {
                self.at += if triple { 3 } else { 1 };
                return Ok(self.token(Kind::String, start));
            }
            self.at += 1;
            if byte == b'\\' && self.at < self.bytes.len() {
                escaped_quote |= self.peek(0) == quote;
                self.at += 1;
            }
        }
    }

    fn unterminated<T>(&mut self, start: usize, triple: bool, what: &str, escaped: bool) -> Result<T, Found> {
        // A backslash at the very end asks for another line.
        let open = self.at >= self.bytes.len() && self.text.trim_end_matches('\n').ends_with('\\');
        self.hit_end |= triple || open;
        let text_end = self.text.trim_end_matches('\n').len().max(start);
        let mut line = self.lines.place(if triple { self.at } else { self.at.min(text_end) }).0;
        if triple && self.at == self.bytes.len() && self.text.ends_with('\n') {
            line -= 1;
        }
        let triple = if triple { "triple-quoted " } else { "" };
        let hint = if escaped && triple.is_empty() { "; perhaps you escaped the end quote?" } else { "" };
        let (first, offset) = self.lines.place(start);
        let place = Place { line: first, offset, end_line: first, end_offset: offset };
        let message = format!("unterminated {triple}{what} literal (detected at line {line}){hint}");
        Err(Found::placed(ErrorKind::Syntax, place, message).cut())
    }

    fn interpolated(&mut self, start: usize, letter: char) -> Result<Token, Found> {
        let raw = self.bytes[start..self.at].iter().any(|b| b | 0x20 == b'r');
        let (quote, triple) = self.opening_quotes();
        if self.strings.len() >= MAX_FSTRING_LEVEL - 1 {
            return self.error(format!("too many nested {letter}-strings"));
        }
        let level = self.brackets.len();
        self.strings.push(Interpolated {
            start,
            quote,
            triple,
            raw,
            letter,
            level,
            braces: 0,
            specs: 0,
            in_text: true,
        });
        Ok(self.token(if letter == 'f' { Kind::FStringStart } else { Kind::TStringStart }, start))
    }

    /// Text of an f-string up to a brace or the closing quotes, or those.
    fn string_text(&mut self) -> Result<Token, Found> {
        let Some(string) = self.strings.last() else { return self.end(self.at) };
        let (quote, triple, raw, letter) = (string.quote, string.triple, string.raw, string.letter);
        let (in_spec, string_start) = (string.specs > 0, string.start);
        let (middle, end) = match letter {
            'f' => (Kind::FStringMiddle, Kind::FStringEnd),
            _ => (Kind::TStringMiddle, Kind::TStringEnd),
        };
        let start = self.at;
        if std::mem::take(&mut self.after_field) {
            self.spec_needs_text = in_spec;
        }
        let closes =
            |lexer: &Self| lexer.peek(0) == quote && (!triple || lexer.peek(1) == quote && lexer.peek(2) == quote);
        if closes(self) && !in_spec {
            self.at += if triple { 3 } else { 1 };
            self.strings.pop();
            return Ok(self.token(end, start));
        }
        loop {
            let byte = self.peek(0);
            if self.at >= self.bytes.len() || byte == b'\n' && !triple {
                if in_spec && byte == b'\n' && self.at < self.bytes.len() {
                    let what = format!("{letter}-string");
                    let message =
                        format!("{what}: newlines are not allowed in format specifiers for single quoted {what}s");
                    let (line, offset) = self.lines.place(self.at);
                    let place = Place { line, offset, end_line: line, end_offset: offset };
                    return Err(Found::placed(ErrorKind::Syntax, place, message));
                }
                return self.unterminated(string_start, triple, &format!("{letter}-string"), false);
            }
            if closes(self) {
                if in_spec {
                    // The replacement field is not closed: the parser says so.
                    let string = self.strings.last_mut().expect("inside a string");
                    string.specs = 0;
                    if self.at > start {
                        string.specs = 1;
                        return Ok(self.token(middle, start));
                    }
                    self.at += if triple { 3 } else { 1 };
                    self.strings.pop();
                    return Ok(self.token(end, start));
                }
                return Ok(self.token(middle, start));
            }
            match byte {
                b'{' if self.peek(1) == b'{' && !in_spec => self.at += 2,
                b'}' if self.peek(1) == b'}' && !in_spec => self.at += 2,
                b'{' | b'}' => {
                    // A spec ends with text, though it be empty.
                    let is_empty_end = byte == b'}' && std::mem::take(&mut self.spec_needs_text);
                    if self.at > start || is_empty_end {
                        self.spec_needs_text = false;
                        return Ok(self.token(middle, start));
                    }
                    return self.brace(byte, start);
                }
                b'\\' if !raw && self.peek(1) == b'N' && self.peek(2) == b'{' => {
                    let rest = &self.bytes[self.at..];
                    let close = rest.iter().position(|&b| b == b'}' || b == b'\n' || b == quote);
                    self.at += close.map_or(rest.len(), |close| close + usize::from(rest[close] == b'}'));
                    if self.extra && self.bytes[self.at - 1] == b'}' {
                        return Ok(self.token(middle, start));
                    }
                }
                b'\\' => {
                    self.at += 1;
                    if !matches!(self.peek(0), b'{' | b'}') && self.at < self.bytes.len() {
                        self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// A brace in the text of an f-string.
    fn brace(&mut self, byte: u8, start: usize) -> Result<Token, Found> {
        let letter = self.string_letter();
        if byte == b'{' {
            let string = self.strings.last_mut().expect("inside a string");
            if string.braces >= 3 {
                return self.error(format!("{letter}-string: expressions nested too deeply"));
            }
            string.in_text = false;
            string.braces += 1;
            self.at += 1;
            return self.open(b'{', start);
        }
        let string = self.strings.last_mut().expect("inside a string");
        self.at += 1;
        if string.specs == 0 {
            return self.error(format!("{letter}-string: single '}}' is not allowed"));
        }
        self.after_field = true;
        string.specs -= 1;
        string.braces -= 1;
        string.in_text = string.braces == string.specs;
        self.brackets.pop();
        Ok(self.token(Kind::Op, start))
    }

    // ---- operators ---------------------------------------------------------------------------

    fn open(&mut self, byte: u8, start: usize) -> Result<Token, Found> {
        if self.brackets.len() >= MAX_LEVEL {
            return self.error("too many nested parentheses");
        }
        self.brackets.push(Bracket { byte, at: start });
        Ok(self.token(Kind::Op, start))
    }

    fn close(&mut self, byte: u8, start: usize) -> Result<Token, Found> {
        let letter = self.string_letter();
        let in_field = self.strings.last().is_some_and(|string| self.brackets.len() == string.level + string.braces);
        if in_field && byte != b'}' {
            return self.error(format!("{letter}-string: unmatched '{}'", byte as char));
        }
        let Some(open) = self.brackets.pop() else {
            if self.extra {
                return Ok(self.token(Kind::Op, start));
            }
            return self.error(format!("unmatched '{}'", byte as char));
        };
        let is_pair = matches!((open.byte, byte), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
        if !is_pair && !self.extra {
            let prefix = match self.strings.last() {
                Some(string) if self.brackets.len() < string.level + string.braces => format!("{letter}-string: "),
                _ => String::new(),
            };
            let (open_line, line) = (self.lines.place(open.at).0, self.lines.place(start).0);
            let mut message = format!(
                "{prefix}closing parenthesis '{}' does not match opening parenthesis '{}'",
                byte as char, open.byte as char
            );
            if open_line != line {
                message += &format!(" on line {open_line}");
            }
            return self.error(message);
        }
        if in_field {
            self.after_field = true;
            let string = self.strings.last_mut().expect("in a field");
            string.braces -= 1;
            string.in_text = true;
        }
        Ok(self.token(Kind::Op, start))
    }

    fn operator(&mut self, byte: u8, start: usize) -> Result<Token, Found> {
        let field = self.strings.last().is_some_and(|string| self.brackets.len() == string.level + string.braces);
        if field && (byte == b':' || byte == b'!' && self.peek(1) != b'=') {
            self.at += 1;
            if byte == b':' {
                let string = self.strings.last_mut().expect("in a field");
                string.specs += 1;
                string.in_text = true;
                self.after_field = true;
            }
            return Ok(self.token(Kind::Op, start));
        }
        let rest = &self.bytes[start..];
        let len = (2..=3).rev().find(|&len| rest.len() >= len && OPERATORS.contains(&&rest[..len])).unwrap_or(1);
        self.at += len;
        match (len, byte) {
            (1, b'(' | b'[' | b'{') => self.open(byte, start),
            (1, b')' | b']' | b'}') => self.close(byte, start),
            (1, 0..0x20 | 0x7f) => self.error(format!("invalid non-printable character U+{byte:04X}")),
            _ => Ok(self.token(Kind::Op, start)),
        }
    }
}

/// Operators of two and three characters.
const OPERATORS: [&[u8]; 26] = [
    b"!=", b"%=", b"&=", b"**", b"*=", b"+=", b"-=", b"->", b"//", b"/=", b":=", b"<<", b"<=", b"<>", b"==", b">=",
    b">>", b"@=", b"^=", b"|=", b"...", b"**=", b"//=", b"<<=", b">>=", b"\0\0",
];

/// True for letters that may stand before a quote, each at most once, compatible or not.
fn is_string_prefix(letters: &[u8]) -> bool {
    let is_letter = |byte: &u8| b"bfrtu".contains(&byte.to_ascii_lowercase());
    let is_single = |byte: &u8| letters.iter().filter(|other| other.eq_ignore_ascii_case(byte)).count() == 1;
    letters.iter().all(|byte| is_letter(byte) && is_single(byte))
}
