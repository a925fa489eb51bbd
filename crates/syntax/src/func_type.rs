//! The mode `func_type`: the signature in a type comment, `(int, *str) -> bool`.

use ruff_python_ast::Mod;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_parser::{Mode as ParserMode, ParseOptions};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::errors::{Found, SyntaxError};
use crate::source::Lines;
use crate::tree::{Field, Maker, Tree};

/// A parsed signature.
pub struct Signature {
    /// The text that the tree's ranges refer to.
    pub source: String,
    /// A `FunctionType`.
    pub tree: Tree,
}

/// Parses a signature.
pub fn parse(text: &str) -> Result<Signature, SyntaxError> {
    let source = crate::source::normalise_newlines(text).into_owned();
    let parsed = ruff_python_parser::parse_unchecked(&source, ParseOptions::from(ParserMode::Expression));
    let is_space = |token: &&Token| {
        !matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Newline)
    };
    let tokens: Vec<Token> = parsed.tokens().iter().filter(is_space).copied().collect();
    let reader = Reader { source: &source, tokens };
    match reader.signature() {
        Ok(tree) => Ok(Signature { tree, source }),
        Err(range) => {
            let lines = Lines::new(&source);
            let found = Found::at(&lines, range.start().to_usize(), range.end().to_usize(), "invalid syntax");
            Err(found.into_error(&lines))
        }
    }
}

struct Reader<'s> {
    source: &'s str,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn kind(&self, index: usize) -> TokenKind {
        self.tokens.get(index).map_or(TokenKind::EndOfFile, |token| token.kind())
    }

    fn range(&self, index: usize) -> TextRange {
        let end = TextSize::of(self.source);
        self.tokens.get(index).map_or(TextRange::empty(end), |token| token.range())
    }

    /// The tree, or the place of what does not belong there.
    fn signature(&self) -> Result<Tree, TextRange> {
        if self.kind(0) != TokenKind::Lpar {
            return Err(self.range(0));
        }
        let (mut at, mut types) = (1, Vec::new());
        let mut stars = 0;
        while self.kind(at) != TokenKind::Rpar {
            let star = match self.kind(at) {
                TokenKind::Star => 1,
                TokenKind::DoubleStar => 2,
                _ => 0,
            };
            if star <= stars && stars > 0 {
                return Err(self.range(at));
            }
            stars = star;
            at += usize::from(star > 0);
            let end = self.end_of_expression(at);
            types.push(self.expression(at, end)?);
            at = end;
            match self.kind(at) {
                TokenKind::Comma if self.kind(at + 1) != TokenKind::Rpar => at += 1,
                TokenKind::Rpar => {}
                _ => return Err(self.range(at)),
            }
        }
        if self.kind(at + 1) != TokenKind::Rarrow {
            return Err(self.range(at + 1));
        }
        let last = (at + 2..).find(|i| self.kind(*i) == TokenKind::EndOfFile).unwrap_or(at + 2);
        let returns = self.expression(at + 2, last)?;
        Ok(Tree::bare("FunctionType", vec![("argtypes", Field::List(types)), ("returns", returns)]))
    }

    /// Index of the comma or closing parenthesis behind an expression.
    fn end_of_expression(&self, mut at: usize) -> usize {
        let mut level = 0;
        loop {
            match self.kind(at) {
                TokenKind::EndOfFile => return at,
                TokenKind::Comma | TokenKind::Rpar if level == 0 => return at,
                TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => level += 1,
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => level -= 1,
                _ => {}
            }
            at += 1;
        }
    }

    /// The expression that the tokens from `at` to `end` are.
    fn expression(&self, at: usize, end: usize) -> Result<Field, TextRange> {
        if at >= end {
            return Err(self.range(at));
        }
        // In parentheses and otherwise blank, so that places stay; a parenthesis is in front of it in the source, too.
        let range = TextRange::new(self.range(at).start(), self.range(end - 1).end());
        let mut text = String::from("(");
        text.push_str(&" ".repeat(range.start().to_usize() - 1));
        text.push_str(&self.source[range]);
        text.push(')');
        let parsed = ruff_python_parser::parse_unchecked(&text, ParseOptions::from(ParserMode::Expression));
        if let Some(error) = parsed.errors().first() {
            return Err(error.range());
        }
        match parsed.syntax() {
            Mod::Expression(tree) => Ok(Maker { source: self.source }.expr(&tree.body)),
            Mod::Module(_) => Err(range),
        }
    }
}
