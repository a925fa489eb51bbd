//! Type comments (PEP 484): `# type: ...` behind assignments, headers and parameters, and `# type: ignore`.
//!
//! ruff's tree has no place for them, so they are found among the tokens and put into the finished [`Tree`].

use std::collections::HashMap;

use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, walk_stmt};
use ruff_python_ast::{Mod, Parameter, Parameters, Stmt};
use ruff_text_size::{Ranged, TextSize};

use crate::errors::{Found, SyntaxError};
use crate::parse::Module;
use crate::tree::{Constant, Field, Tree};

/// The type comments of a source.
#[derive(Default)]
pub struct Comments {
    /// By the start of the statement (behind its decorators) or the parameter's name.
    by_start: HashMap<TextSize, String>,
    /// Line and what follows `ignore`.
    ignores: Vec<(u32, String)>,
}

/// What a comment says if it is a type comment.
fn type_of(comment: &str) -> Option<&str> {
    let blank = |text: &'_ str| -> usize { text.len() - text.trim_start_matches([' ', '\t']).len() };
    let rest = comment.strip_prefix('#')?;
    let rest = &rest[blank(rest)..];
    let rest = rest.strip_prefix("type:")?;
    Some(&rest[blank(rest)..])
}

/// What follows `ignore`, if that is what a type comment says.
fn ignored(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("ignore")?;
    rest.chars().next().is_none_or(|c| c.is_ascii() && !c.is_ascii_alphanumeric()).then_some(rest)
}

struct Finder<'m> {
    module: &'m Module,
    tokens: &'m [Token],
    comments: Comments,
    /// Type comments that belong to nothing yet, by their start.
    loose: HashMap<TextSize, &'m str>,
    error: Option<Found>,
}

/// Finds the type comments of a module. SyntaxError for those that are in the way.
pub fn find(module: &Module) -> Result<Comments, SyntaxError> {
    let tokens: &[Token] = module.parsed.tokens();
    let lines = module.lines();
    let mut finder = Finder { module, tokens, comments: Comments::default(), loose: HashMap::new(), error: None };
    for token in tokens.iter().filter(|token| token.kind() == TokenKind::Comment) {
        let Some(text) = type_of(&module.source[token.range()]) else { continue };
        match ignored(text) {
            Some(tag) => {
                let line = lines.position(token.start().to_usize()).0;
                finder.comments.ignores.push((line, tag.to_string()));
            }
            None => {
                finder.loose.insert(token.start(), text);
            }
        }
    }
    if !finder.loose.is_empty() {
        if let Mod::Module(tree) = module.tree() {
            finder.visit_body(&tree.body);
        }
        let first = finder.loose.keys().min().copied();
        let error = finder.error.take().or_else(|| first.map(|start| finder.stray(start)));
        if let Some(found) = error {
            return Err(found.into_error(&lines));
        }
    }
    Ok(finder.comments)
}

impl<'m> Finder<'m> {
    /// Index of the first token that starts at or behind `at`.
    fn index_at(&self, at: TextSize) -> usize {
        self.tokens.partition_point(|token| token.start() < at)
    }

    fn kind(&self, index: usize) -> TokenKind {
        self.tokens.get(index).map_or(TokenKind::EndOfFile, |token| token.kind())
    }

    /// Takes the type comment that is token `index`.
    fn take(&mut self, index: usize) -> Option<&'m str> {
        let token = self.tokens.get(index)?;
        self.loose.remove(&token.start())
    }

    fn attach(&mut self, node: TextSize, index: usize) {
        if let Some(text) = self.take(index) {
            self.comments.by_start.insert(node, text.to_string());
        }
    }

    /// Index behind the colon that ends a header whose last expression ends at `end`.
    fn behind_colon(&self, end: TextSize) -> usize {
        let mut index = self.index_at(end);
        while !matches!(self.kind(index), TokenKind::Colon | TokenKind::EndOfFile) {
            index += 1;
        }
        index + 1
    }

    fn function(&mut self, node: TextSize, end: TextSize) {
        let mut index = self.behind_colon(end);
        let first = self.take(index);
        while self.kind(index) == TokenKind::Comment {
            index += 1;
        }
        let mut second = None;
        if self.kind(index) == TokenKind::Newline {
            index += 1;
            while matches!(self.kind(index), TokenKind::Comment | TokenKind::NonLogicalNewline) && second.is_none() {
                second = self.take(index);
                index += 1;
            }
        }
        while self.kind(index) == TokenKind::NonLogicalNewline {
            index += 1;
        }
        if let (Some(_), Some(_), Some(token)) = (first, second, self.tokens.get(index)) {
            let text = "Cannot have two type comments on def";
            let (start, end) = (token.start().to_usize(), token.end().to_usize());
            self.error = self.error.take().or(Some(Found::at(&self.module.lines(), start, end, text)));
        }
        if let Some(text) = first.or(second) {
            self.comments.by_start.insert(node, text.to_string());
        }
    }

    fn parameters(&mut self, parameters: &Parameters) {
        let plain = parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
        for parameter in plain {
            self.parameter(&parameter.parameter, parameter.end(), parameters.end());
        }
        for parameter in parameters.vararg.iter().chain(&parameters.kwarg) {
            self.parameter(parameter, parameter.end(), parameters.end());
        }
    }

    fn parameter(&mut self, parameter: &Parameter, end: TextSize, last: TextSize) {
        let mut index = self.index_at(end);
        // The default may be in parentheses; the last one is that of the parameters.
        while self.kind(index) == TokenKind::Rpar && self.tokens[index].end() < last {
            index += 1;
        }
        if self.kind(index) == TokenKind::Comma {
            index += 1;
        }
        self.attach(parameter.name.start(), index);
    }

    /// The error about a type comment that belongs to nothing.
    fn stray(&self, start: TextSize) -> Found {
        let index = self.index_at(start);
        let token = &self.tokens[index];
        // The place is that of the type.
        let end = token.end().to_usize();
        let start = end - self.loose.get(&start).map_or(0, |text| text.len());
        let bare_star = index >= 2
            && self.kind(index - 1) == TokenKind::Comma
            && self.kind(index - 2) == TokenKind::Star
            && matches!(
                self.kind(index.saturating_sub(3)),
                TokenKind::Comma | TokenKind::Lpar | TokenKind::NonLogicalNewline
            );
        let text = if bare_star { "bare * has associated type comment" } else { "invalid syntax" };
        Found::at(&self.module.lines(), start, end, text)
    }
}

impl<'m> SourceOrderVisitor<'m> for Finder<'m> {
    fn visit_stmt(&mut self, stmt: &'m Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.parameters(&def.parameters);
                let end = def.returns.as_ref().map_or(def.parameters.end(), |returns| returns.end());
                let mut start = def.start();
                if let Some(decorator) = def.decorator_list.last() {
                    let mut index = self.index_at(decorator.end());
                    while !matches!(self.kind(index), TokenKind::Def | TokenKind::Async | TokenKind::EndOfFile) {
                        index += 1;
                    }
                    start = self.tokens.get(index).map_or(start, |token| token.start());
                }
                self.function(start, end);
            }
            Stmt::For(stmt) => {
                let index = self.behind_colon(stmt.iter.end());
                self.attach(stmt.start(), index);
            }
            Stmt::With(stmt) => {
                if let Some(item) = stmt.items.last() {
                    let index = self.behind_colon(item.end());
                    self.attach(stmt.start(), index);
                }
            }
            Stmt::Assign(stmt) => {
                let index = self.index_at(stmt.end());
                self.attach(stmt.start(), index);
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }
}

impl Comments {
    /// Puts the comments into the tree of their source.
    pub fn apply(&self, tree: &mut Tree) {
        let start = tree.range.map(|range| range.start());
        for (name, field) in &mut tree.fields {
            match (*name, start.and_then(|start| self.by_start.get(&start))) {
                ("type_comment", Some(text)) => *field = Field::Constant(Constant::Str(text.clone().into_bytes())),
                ("type_ignores", _) => {
                    let ignores = self.ignores.iter().map(|(line, tag)| {
                        let tag = Field::Constant(Constant::Str(tag.clone().into_bytes()));
                        Tree::bare("TypeIgnore", vec![("lineno", Field::Int((*line).into())), ("tag", tag)]).into()
                    });
                    *field = Field::List(ignores.collect());
                }
                _ => self.apply_to_field(field),
            }
        }
    }

    fn apply_to_field(&self, field: &mut Field) {
        match field {
            Field::Node(node) => self.apply(node),
            Field::List(items) => items.iter_mut().for_each(|item| self.apply_to_field(item)),
            _ => {}
        }
    }
}
