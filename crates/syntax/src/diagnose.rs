//! Explains why a source does not parse, as CPython would.
//!
//! The parser proper (ruff's) recovers from errors and describes them in its own way. Where CPython puts an error
//! and how it words it follows from how it parses: by a grammar with ordered alternatives, first without and then
//! with alternatives for known mistakes. So a source that failed is recognised again by an interpreter of such a
//! grammar (`grammar.txt`), which gives the error; no tree is built. Slow, but only ever run on broken sources.
//!
//! Assumes normalised newlines. Terminates on any input: depth and steps are bounded.

use std::collections::HashMap;

use crate::errors::{ErrorKind, Found, Place};
use crate::explain::Captures;
use crate::grammar::{Grammar, Node};
use crate::lexer::{Kind, Lexer, Token};
use crate::source::Lines;

/// Rules may be nested this deep.
const MAX_DEPTH: usize = 6000;
const MAX_STEPS: u64 = 40_000_000;
const STACK_SIZE: usize = 256 << 20;

/// What is to be parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A module, `exec`.
    Module,
    /// An expression, `eval`.
    Expression,
    /// One interactive statement, `single`.
    Single,
}

/// Result of a diagnosis.
pub(crate) struct Diagnosis {
    /// The error; `None` if the source is valid.
    pub error: Option<Found>,
    /// True if the recogniser needed to look at the end of the source.
    pub hit_end: bool,
}

/// Recognises `text` and explains the first error.
pub(crate) fn diagnose(text: &str, lines: &Lines<'_>, mode: Mode) -> Diagnosis {
    stacker::grow(STACK_SIZE, || {
        let mut recogniser = Recogniser::new(text, lines, mode);
        let error = recogniser.run();
        Diagnosis { error, hit_end: recogniser.hit_end }
    })
}

type Outcome = Result<Option<usize>, Box<Found>>;

pub(crate) struct Recogniser<'s> {
    pub text: &'s str,
    pub lines: &'s Lines<'s>,
    grammar: &'static Grammar,
    mode: Mode,
    lexer: Lexer<'s>,
    pub tokens: Vec<Token>,
    /// Kind letter of the f-string around each token.
    letters: Vec<char>,
    /// True in the second pass: error alternatives are tried.
    errors: bool,
    memo: HashMap<(usize, usize), Option<usize>>,
    pub captures: Vec<(u8, usize, usize)>,
    depth: usize,
    steps: u64,
    /// In single mode: tokens were read since the last newline that stands for the end.
    started: bool,
    hit_end: bool,
    /// The error that stopped the lexer.
    failure: Option<Found>,
}

impl<'s> Recogniser<'s> {
    fn new(text: &'s str, lines: &'s Lines<'s>, mode: Mode) -> Recogniser<'s> {
        Recogniser {
            text,
            lines,
            grammar: Grammar::python(),
            mode,
            lexer: Lexer::new(text, lines, false).implicit_newline(mode == Mode::Module),
            tokens: Vec::new(),
            letters: Vec::new(),
            errors: false,
            memo: HashMap::new(),
            captures: Vec::new(),
            depth: 0,
            steps: 0,
            started: false,
            hit_end: false,
            failure: None,
        }
    }

    fn run(&mut self) -> Option<Found> {
        let start = self.grammar.rule(match self.mode {
            Mode::Module => "file",
            Mode::Expression => "eval",
            Mode::Single => "single",
        });
        let first = match self.rule(start, 0) {
            Ok(Some(end)) => return self.single_statement(end),
            Ok(None) => None,
            Err(found) if found.kind == ErrorKind::Memory => return Some(*found),
            Err(found) => Some(*found),
        };
        self.hit_end = self.lexer.hit_end;
        let last = self.tokens.len().saturating_sub(1);
        self.errors = true;
        self.memo.clear();
        self.captures.clear();
        (self.depth, self.steps) = (0, 0);
        let second = self.rule(start, 0).err().map(|found| *found);
        if let Some(found) = second.or(first) {
            return Some(self.prefer_lexer_error(found));
        }
        Some(match self.tokens[last].kind {
            Kind::Indent => self.indentation_error("unexpected indent"),
            Kind::Dedent => self.indentation_error("unexpected unindent"),
            _ => {
                let found = self.at_tokens(last, last, "invalid syntax");
                self.prefer_lexer_error(found)
            }
        })
    }

    /// In single mode, rejects what follows the statement.
    fn single_statement(&mut self, end: usize) -> Option<Found> {
        if self.mode != Mode::Single {
            return None;
        }
        let rest = &self.text[self.tokens[end.max(1) - 1].end..];
        let is_blank = |line: &str| {
            let line = line.trim_start_matches([' ', '\t', '\x0c']);
            line.is_empty() || line.starts_with('#')
        };
        if rest.split('\n').all(is_blank) {
            return None;
        }
        Some(self.at_tokens(end - 1, end - 1, "multiple statements found while compiling a single statement"))
    }

    /// An error of the lexer further on in the source is reported instead of the parser's.
    fn prefer_lexer_error(&mut self, found: Found) -> Found {
        if self.failure.is_some() || found.kind == ErrorKind::Memory {
            return found;
        }
        let line = self.tokens.last().map_or(1, |token| self.lines.place(token.start).0);
        // Errors in the rest of an f-string do not count.
        let mut in_string = self.lexer.in_string();
        loop {
            let next = self.lexer.next_token();
            in_string &= self.lexer.in_string();
            match next {
                Err(_) if in_string => return found,
                Ok(token) if token.kind == Kind::EndMarker => return found,
                Ok(_) => {}
                Err(late) => {
                    let is_plain = late.place.is_none_or(|place| place.end_offset > 0);
                    if is_plain {
                        return late;
                    }
                    return match self.lexer.open_line() {
                        Some(open) if line > open => self.lexer.unclosed().unwrap_or(found),
                        _ => found,
                    };
                }
            }
        }
    }

    // ---- tokens ------------------------------------------------------------------------------

    fn token(&mut self, at: usize) -> Result<Token, Box<Found>> {
        while self.tokens.len() <= at {
            if let Some(found) = &self.failure {
                return Err(Box::new(found.clone()));
            }
            let mut token = self.lexer.next_token().map_err(|found| {
                self.failure = Some(found.clone());
                Box::new(found)
            })?;
            if self.mode == Mode::Single && token.kind == Kind::EndMarker && self.started {
                token.kind = Kind::Newline;
                self.started = false;
            } else {
                self.started = true;
            }
            self.tokens.push(token);
            self.letters.push(match token.kind {
                Kind::FStringEnd => 'f',
                Kind::TStringEnd => 't',
                _ => self.lexer.string_letter(),
            });
        }
        Ok(self.tokens[at])
    }

    pub fn token_text(&self, at: usize) -> &'s str {
        let token = self.tokens[at];
        &self.text[token.start..token.end]
    }

    /// Kind letter of the f-string around the last token.
    pub fn letter(&self) -> char {
        self.letters.last().copied().unwrap_or('f')
    }

    /// Lines and characters of tokens `first..=last`.
    pub fn place(&self, first: usize, last: usize) -> Place {
        let (line, offset) = self.lines.place(self.tokens[first].start);
        let token = self.tokens[last];
        let (end_line, end_offset) = match token.kind {
            Kind::Newline if token.end > token.start => {
                let (line, offset) = self.lines.place(token.end - 1);
                (line, offset + 1)
            }
            _ => self.lines.end_place(line, token.end),
        };
        Place { line, offset, end_line, end_offset }
    }

    pub fn at_tokens(&self, first: usize, last: usize, message: impl Into<String>) -> Found {
        if let Some(line) = self.placeless(first) {
            let place = Place { line, offset: 0, end_line: line, end_offset: 0 };
            return Found::placed(ErrorKind::Syntax, place, message);
        }
        Found::placed(ErrorKind::Syntax, self.place(first, last), message)
    }

    /// An error at the last token that was read.
    pub fn at_last(&self, message: impl Into<String>) -> Found {
        self.at_token(self.tokens.len().saturating_sub(1), message)
    }

    /// An error at one token, or where the lexer stands if the token has no place.
    pub fn at_token(&self, index: usize, message: impl Into<String>) -> Found {
        let Some(line) = self.placeless(index) else { return self.at_tokens(index, index, message) };
        let end = self.tokens.last().map_or(0, |token| token.start);
        let at_end = end == self.text.len() && self.text.ends_with('\n');
        let (_, offset) = self.lines.place(if at_end { end - 1 } else { end });
        let offset = offset - i32::from(!at_end);
        let place = Place { line, offset, end_line: line, end_offset: -1 };
        Found::placed(ErrorKind::Syntax, place, message)
    }

    /// The line of a token that has no columns: indents, dedents and the end.
    fn placeless(&self, index: usize) -> Option<u32> {
        let Some(token) = self.tokens.get(index) else { return Some(0) };
        let is_end = token.start == self.text.len() && matches!(token.kind, Kind::EndMarker | Kind::Newline);
        if !is_end && !matches!(token.kind, Kind::Indent | Kind::Dedent) {
            return None;
        }
        let at = if token.start == self.text.len() { token.start.checked_sub(1) } else { Some(token.start) };
        Some(at.map_or(0, |at| self.lines.place(at).0))
    }

    pub fn indentation_error(&self, message: impl Into<String>) -> Found {
        Found { kind: ErrorKind::Indentation, ..self.at_last(message) }
    }

    // ---- the interpreter ---------------------------------------------------------------------

    fn rule(&mut self, number: usize, at: usize) -> Outcome {
        let rule = &self.grammar.rules[number];
        if rule.memo
            && let Some(&known) = self.memo.get(&(number, at))
        {
            return Ok(known);
        }
        self.steps += 1;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            let message = "Parser stack overflowed - Python source too complex to parse".into();
            return Err(Box::new(Found { kind: ErrorKind::Memory, message, place: None, is_cut: false }));
        }
        self.depth += 1;
        let errors = self.errors;
        if rule.without_errors {
            self.errors = false;
        }
        let mark = self.captures.len();
        let mut matched = None;
        'alternatives: for alternative in &rule.alternatives {
            if alternative.action.is_some() && !self.errors {
                continue;
            }
            for items in &alternative.choices {
                let mut cut = false;
                matched = self.items(items, at, &mut cut)?;
                if let (Some(end), Some(action)) = (matched, &alternative.action) {
                    let captures = Captures::new(self, mark, end);
                    if let Some(found) = captures.explain(action) {
                        return Err(Box::new(found));
                    }
                    matched = None;
                }
                self.captures.truncate(mark);
                if matched.is_some() || cut {
                    break 'alternatives;
                }
            }
        }
        self.errors = errors;
        self.depth -= 1;
        if rule.memo {
            self.memo.insert((number, at), matched);
        }
        Ok(matched)
    }

    fn items(&mut self, items: &'static [Node], at: usize, cut: &mut bool) -> Outcome {
        let mut at = at;
        for item in items {
            if matches!(item, Node::Cut) {
                *cut = true;
                continue;
            }
            match self.node(item, at)? {
                Some(end) => at = end,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn node(&mut self, node: &'static Node, at: usize) -> Outcome {
        match node {
            Node::Rule(number) => self.rule(*number, at),
            Node::Literal(text) => {
                let token = self.token(at)?;
                let is_word = matches!(token.kind, Kind::Name | Kind::Op);
                Ok((is_word && &self.text[token.start..token.end] == *text).then_some(at + 1))
            }
            Node::Soft(text) => {
                let token = self.token(at)?;
                Ok((token.kind == Kind::Name && &self.text[token.start..token.end] == *text).then_some(at + 1))
            }
            Node::Class(name) => self.class(name, at),
            Node::Group(choices) => {
                for items in choices {
                    let mark = self.captures.len();
                    if let Some(end) = self.items(items, at, &mut false)? {
                        return Ok(Some(end));
                    }
                    self.captures.truncate(mark);
                }
                Ok(None)
            }
            Node::Optional(inner) => Ok(Some(self.node(inner, at)?.unwrap_or(at))),
            Node::Star(inner) => self.repeat(inner, at).map(Some),
            Node::Plus(inner) => match self.node(inner, at)? {
                Some(end) => self.repeat(inner, end).map(Some),
                None => Ok(None),
            },
            Node::Separated(separator, inner) => {
                let Some(mut end) = self.node(inner, at)? else { return Ok(None) };
                while let Some(after) = self.node(separator, end)? {
                    match self.node(inner, after)? {
                        Some(next) => end = next,
                        None => break,
                    }
                }
                Ok(Some(end))
            }
            Node::And(inner) => Ok(self.node(inner, at)?.map(|_| at)),
            Node::Not(inner) => Ok(if self.node(inner, at)?.is_none() { Some(at) } else { None }),
            Node::Forced(text) => {
                let token = self.token(at)?;
                if token.kind == Kind::Op && &self.text[token.start..token.end] == *text {
                    return Ok(Some(at + 1));
                }
                Err(Box::new(self.at_tokens(at, at, format!("expected '{text}'"))))
            }
            Node::Capture(name, inner) => {
                let end = self.node(inner, at)?;
                self.captures.extend(end.map(|end| (*name, at, end)));
                Ok(end)
            }
            Node::Cut => Ok(Some(at)),
        }
    }

    fn repeat(&mut self, inner: &'static Node, at: usize) -> Result<usize, Box<Found>> {
        let mut end = at;
        while let Some(next) = self.node(inner, end)? {
            if next == end {
                break;
            }
            end = next;
        }
        Ok(end)
    }

    fn class(&mut self, name: &str, at: usize) -> Outcome {
        match name {
            "CHECKS" => return self.check_strings(at).map(|()| Some(at)),
            "CONVERSION" => return self.check_conversion(at).map(|()| Some(at)),
            _ => {}
        }
        let token = self.token(at)?;
        let text = &self.text[token.start..token.end];
        let matches = match name {
            "NAME" => token.kind == Kind::Name && !is_keyword(text),
            "SOFT_KEYWORD" => token.kind == Kind::Name && matches!(text, "_" | "case" | "match" | "type"),
            "NUMBER" => token.kind == Kind::Number,
            "IMAGINARY" => token.kind == Kind::Number && text.ends_with(['j', 'J']),
            "STRING" => token.kind == Kind::String,
            "NEWLINE" => token.kind == Kind::Newline,
            "INDENT" => token.kind == Kind::Indent,
            "DEDENT" => token.kind == Kind::Dedent,
            "ENDMARKER" => token.kind == Kind::EndMarker,
            "FSTART" => token.kind == Kind::FStringStart,
            "FMIDDLE" => token.kind == Kind::FStringMiddle,
            "FEND" => token.kind == Kind::FStringEnd,
            "TSTART" => token.kind == Kind::TStringStart,
            "TMIDDLE" => token.kind == Kind::TStringMiddle,
            "TEND" => token.kind == Kind::TStringEnd,
            "MIDDLE" => matches!(token.kind, Kind::FStringMiddle | Kind::TStringMiddle),
            "NOTEQUAL" if token.kind == Kind::Op && text == "<>" => {
                let message = "invalid syntax.  Maybe you meant '!=' instead of '<>'?";
                return Err(Box::new(self.at_tokens(at, at, message)));
            }
            _ => false,
        };
        if matches && name == "NUMBER" {
            self.check_number(text)?;
        }
        Ok(matches.then_some(at + 1))
    }
}

/// True for names that cannot be identifiers.
pub(crate) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    KEYWORDS.binary_search(&word).is_ok()
}
