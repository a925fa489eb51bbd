//! Source text to syntax tree, by ruff's parser, with CPython's errors and limits.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, Mod, PythonVersion};
use ruff_python_parser::{Mode as ParserMode, ParseOptions, Parsed};
use ruff_text_size::{Ranged, TextRange};

pub use crate::diagnose::Mode;
use crate::diagnose::diagnose;
use crate::errors::{ErrorKind, Found, SyntaxError};
use crate::literals;
use crate::source::{Lines, normalise_newlines};

/// Trees are at most this deep, so that recursion over them is bounded. Recursive passes over such a tree may need
/// more than a thread's usual stack: run them in [`with_stack`].
pub const MAX_TREE_DEPTH: usize = 6000;

/// A statement's or expression's nesting cannot exceed its number of tokens, so trees of sources without long
/// statements need not be measured.
const SHORT_STATEMENT: usize = 400;

/// A parsed source.
#[derive(Debug)]
pub struct Module {
    /// The text that ranges in the tree refer to: newlines normalised, one at the end.
    pub source: String,
    /// ruff's result: tree and tokens.
    pub parsed: Parsed<Mod>,
    /// Tokens in the longest statement: a bound for the depth of the tree.
    longest: usize,
}

impl Module {
    /// The tree.
    pub fn tree(&self) -> &Mod {
        self.parsed.syntax()
    }

    /// Numbers that a keyword follows without a space (`1if x else y`), with CPython's warning.
    pub fn joined_numbers(&self) -> Vec<(TextRange, &'static str)> {
        let mut found = Vec::new();
        let tokens = self.parsed.tokens();
        for (number, next) in tokens.iter().zip(tokens.iter().skip(1)) {
            let is_number = matches!(number.kind(), TokenKind::Int | TokenKind::Float | TokenKind::Complex);
            let is_keyword = matches!(
                next.kind(),
                TokenKind::And
                    | TokenKind::Else
                    | TokenKind::For
                    | TokenKind::If
                    | TokenKind::In
                    | TokenKind::Is
                    | TokenKind::Not
                    | TokenKind::Or
            );
            if is_number && is_keyword && number.range().end() == next.range().start() {
                let text = self.source[number.range()].as_bytes();
                let message = match (text, text.last()) {
                    ([b'0', b'x' | b'X', ..], _) => "invalid hexadecimal literal",
                    ([b'0', b'o' | b'O', ..], _) => "invalid octal literal",
                    ([b'0', b'b' | b'B', ..], _) => "invalid binary literal",
                    (_, Some(b'j' | b'J')) => "invalid imaginary literal",
                    _ => "invalid decimal literal",
                };
                found.push((number.range(), message));
            }
        }
        found
    }

    /// The error about a block that `text`, the source, ends in without the line end that would close it.
    pub fn unfinished_block(&self, text: &str) -> Option<SyntaxError> {
        if text.ends_with('\n') {
            return None;
        }
        let (mut level, mut at_end) = (0usize, 0usize);
        for token in self.parsed.tokens() {
            match token.kind() {
                TokenKind::Indent => level += 1,
                TokenKind::Dedent => level = level.saturating_sub(1),
                TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::EndOfFile => {}
                _ => at_end = level,
            }
        }
        if at_end == 0 {
            return None;
        }
        let line = text.lines().count() as u32;
        let place = crate::errors::Place { line, offset: 0, end_line: line, end_offset: 0 };
        let text = text.lines().last().map(str::to_owned);
        let message = "invalid syntax".to_string();
        Some(SyntaxError { kind: ErrorKind::Syntax, message, place: Some(place), text, incomplete: true })
    }

    /// Lines of the source.
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.source)
    }
}

/// Stack that dropping one level of a tree may take.
const DROP_FRAME: usize = 1024;
/// Trees that would need more stack to be dropped are leaked: only sources of megabytes that are one expression.
const MAX_DROP_STACK: usize = 1 << 30;
/// Stack for ruff's parser on sources with many lambdas.
const MAX_PARSER_STACK: usize = 1 << 30;

impl Drop for Module {
    fn drop(&mut self) {
        if self.longest <= SHORT_STATEMENT {
            return;
        }
        let empty = ruff_python_parser::parse_unchecked("", ParseOptions::from(ParserMode::Module));
        let parsed = std::mem::replace(&mut self.parsed, empty);
        let stack = self.longest * DROP_FRAME + (1 << 20);
        if stack <= MAX_DROP_STACK {
            stacker::maybe_grow(stack, stack, || drop(parsed));
        } else {
            std::mem::forget(parsed);
        }
    }
}

/// Runs `work`, which recurses over a tree, with enough stack for any tree that [`parse`] gives.
///
/// Not for work that may run Python code or hold garbage-collected values: their collector does not know this stack.
pub fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(16 << 20, 64 << 20, work)
}

/// Parses `text` (decoded, newlines as they are).
pub fn parse(text: &str, mode: Mode) -> Result<Module, SyntaxError> {
    if text.contains('\0') {
        let message = "source code string cannot contain null bytes";
        return Err(SyntaxError::bare(ErrorKind::Syntax, message));
    }
    let mut source = normalise_newlines(text).into_owned();
    if !source.ends_with('\n') && mode == Mode::Module {
        source.push('\n');
    }
    let parser_mode = match mode {
        Mode::Module | Mode::Single => ParserMode::Module,
        Mode::Expression => ParserMode::Expression,
    };
    let options = ParseOptions::from(parser_mode).with_target_version(PythonVersion::PY314);
    let parsed = with_parser_stack(&source, || ruff_python_parser::parse_unchecked(&source, options))?;
    let mut module = Module { source, parsed, longest: usize::MAX };
    let shape = Shape::of(&module);
    module.longest = shape.longest;
    match check(&module, &shape, mode) {
        None => Ok(module),
        Some(error) => Err(error),
    }
}

/// ruff's parser grows its stack as it recurses, but not in the defaults of lambdas: this makes room for them.
fn with_parser_stack<T>(source: &str, work: impl FnOnce() -> T) -> Result<T, SyntaxError> {
    const FRAME: usize = 16 << 10;
    let lambdas = source.matches("lambda").count();
    if lambdas <= 32 {
        return Ok(work());
    }
    let stack = lambdas * FRAME;
    if stack > MAX_PARSER_STACK {
        let message = "Parser stack overflowed - Python source too complex to parse";
        return Err(SyntaxError::bare(ErrorKind::Memory, message));
    }
    Ok(stacker::maybe_grow(stack, stack + (1 << 20), work))
}

fn check(module: &Module, shape: &Shape, mode: Mode) -> Option<SyntaxError> {
    let parsed = &module.parsed;
    let failed = !parsed.errors().is_empty() || !parsed.unsupported_syntax_errors().is_empty();
    let is_odd = mode == Mode::Expression && has_odd_space(&module.source);
    // Before the diagnosis, which takes long for such a statement.
    if !failed && shape.longest > SHORT_STATEMENT && with_stack(|| too_deep(parsed.syntax())) {
        return Some(SyntaxError::bare(ErrorKind::Recursion, "maximum recursion depth exceeded during compilation"));
    }
    if failed || shape.suspicious || is_odd || mode == Mode::Single {
        let lines = module.lines();
        let diagnosis = diagnose(&module.source, &lines, mode);
        if let Some(found) = diagnosis.error {
            let mut error = found.into_error(&lines);
            error.incomplete = diagnosis.hit_end;
            return Some(error);
        }
    }
    if failed {
        // The recogniser accepts what the parser does not: report the parser's place.
        let lines = module.lines();
        let range = parsed.errors().first().map(Ranged::range);
        let range = range.or(parsed.unsupported_syntax_errors().first().map(Ranged::range)).unwrap_or_default();
        let found = Found::at(&lines, range.start().to_usize(), range.end().to_usize(), "invalid syntax");
        return Some(found.into_error(&lines));
    }
    None
}

/// True if an expression may be indented, or ends with a line of nothing but space: ruff allows it.
fn has_odd_space(source: &str) -> bool {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\x0c');
    let last = source.rsplit('\n').next().unwrap_or("");
    source.trim_start_matches('\n').starts_with([' ', '\t', '\\', '#']) || last.starts_with(is_space)
}

/// What the tokens say about a source.
struct Shape {
    /// Tokens in the longest statement, plus its indentation.
    longest: usize,
    /// CPython may reject it although the parser does not: diagnose it to find out.
    suspicious: bool,
}

impl Shape {
    fn of(module: &Module) -> Shape {
        let mut shape = Shape { longest: 0, suspicious: module.source.starts_with('\u{feff}') };
        let (mut length, mut indent, mut level) = (0usize, 0usize, 0usize);
        let (mut braces, mut strings) = (0usize, 0usize);
        let mut previous = TokenKind::Newline;
        // Bracket level of a `*` before an operand, while its operand lasts.
        let mut star = None;
        for token in module.parsed.tokens() {
            length += 1;
            match token.kind() {
                TokenKind::Newline => {
                    shape.longest = shape.longest.max(length + indent);
                    length = 0;
                }
                TokenKind::Indent => indent += 1,
                TokenKind::Dedent => indent = indent.saturating_sub(1),
                TokenKind::Lpar | TokenKind::Lsqb => level += 1,
                TokenKind::Rpar | TokenKind::Rsqb => level = level.saturating_sub(1),
                TokenKind::Lbrace => {
                    level += 1;
                    braces += 1;
                    // CPython bounds the nesting of replacement fields.
                    shape.suspicious |= strings > 0 && braces > 3;
                }
                TokenKind::Rbrace => {
                    level = level.saturating_sub(1);
                    braces = braces.saturating_sub(1);
                }
                TokenKind::FStringStart | TokenKind::TStringStart => strings += 1,
                TokenKind::FStringEnd | TokenKind::TStringEnd => strings = strings.saturating_sub(1),
                TokenKind::Int => {
                    let range = token.range();
                    let is_long = range.len().to_usize() > literals::max_digits();
                    shape.suspicious |= is_long && literals::too_many_digits(&module.source[range]).is_some();
                }
                _ => {}
            }
            let kind = token.kind();
            shape.suspicious |= level > 200 || indent >= 100 || are_suspicious(previous, kind);
            match kind {
                TokenKind::Star if !ends_operand(previous) => star = Some(level),
                TokenKind::Comma | TokenKind::Newline | TokenKind::Equal | TokenKind::Colon => star = None,
                _ if star.is_some_and(|at| level < at) => star = None,
                _ => shape.suspicious |= star == Some(level) && binds_weakly(kind),
            }
            if !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline) {
                previous = kind;
            }
        }
        shape.longest = shape.longest.max(length + indent);
        shape
    }
}

/// True for the last token of an operand.
fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd
            | TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
            | TokenKind::Ellipsis
    )
}

/// Pairs of tokens that ruff's parser takes in some places where CPython does not: two operands without a comma
/// (in patterns), `yield` without value before a comma. Valid sources hardly have them.
fn are_suspicious(previous: TokenKind, kind: TokenKind) -> bool {
    match kind {
        TokenKind::Name
        | TokenKind::Int
        | TokenKind::Float
        | TokenKind::Complex
        | TokenKind::True
        | TokenKind::False
        | TokenKind::None => ends_operand(previous),
        // Replacement fields may follow each other.
        TokenKind::Lbrace => ends_operand(previous) && previous != TokenKind::Rbrace,
        TokenKind::Comma => {
            matches!(previous, TokenKind::Yield | TokenKind::Return | TokenKind::Comma | TokenKind::From)
        }
        _ => false,
    }
}

/// Operators that bind less than those that the operand of `*` may have in an expression list. ruff's parser allows
/// them there.
fn binds_weakly(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::And
            | TokenKind::Or
            | TokenKind::Not
            | TokenKind::If
            | TokenKind::Lambda
            | TokenKind::In
            | TokenKind::Is
            | TokenKind::Less
            | TokenKind::Greater
            | TokenKind::LessEqual
            | TokenKind::GreaterEqual
            | TokenKind::EqEqual
            | TokenKind::NotEqual
            | TokenKind::ColonEqual
    )
}

/// True if the tree is deeper than [`MAX_TREE_DEPTH`].
fn too_deep(tree: &Mod) -> bool {
    struct Depth {
        now: usize,
        exceeded: bool,
    }
    impl<'a> SourceOrderVisitor<'a> for Depth {
        fn enter_node(&mut self, _node: AnyNodeRef<'a>) -> TraversalSignal {
            self.now += 1;
            self.exceeded |= self.now > MAX_TREE_DEPTH;
            if self.exceeded { TraversalSignal::Skip } else { TraversalSignal::Traverse }
        }
        fn leave_node(&mut self, _node: AnyNodeRef<'a>) {
            self.now -= 1;
        }
    }
    let mut depth = Depth { now: 0, exceeded: false };
    match tree {
        Mod::Module(module) => depth.visit_body(&module.body),
        Mod::Expression(expression) => depth.visit_expr(&expression.body),
    }
    depth.exceeded
}
