//! `from __future__ import barry_as_FLUFL` (PEP 401): `<>` instead of `!=`.

use std::borrow::Cow;

use crate::errors::{Found, SyntaxError};
use crate::lexer::Kind;
use crate::source::{Lines, normalise_newlines};
use crate::tokens::{TokenInfo, tokens};

const FEATURE: &str = "barry_as_FLUFL";

/// `text` with `<>` written as `!=`, as the parser reads it, if the feature is on: from the start, or behind its import.
/// SyntaxError for `!=` there.
pub fn rewrite(text: &str, is_on: bool) -> Result<Cow<'_, str>, SyntaxError> {
    if !is_on && !text.contains(FEATURE) {
        return Ok(Cow::Borrowed(text));
    }
    let source = normalise_newlines(text);
    let (all, _) = tokens(&source, true);
    let start = match is_on {
        true => Some(0),
        false => end_of_import(&all),
    };
    let Some(start) = start else { return Ok(Cow::Borrowed(text)) };
    let mut new = source.clone().into_owned();
    for token in all[start..].iter().filter(|token| token.kind == Kind::Op) {
        let range = token.offset..token.offset + token.string.len();
        match token.string {
            "<>" => new.replace_range(range, "!="),
            "!=" => {
                let lines = Lines::new(&source);
                let text = "with Barry as BDFL, use '<>' instead of '!='";
                return Err(Found::at(&lines, range.start, range.end, text).into_error(&lines));
            }
            _ => {}
        }
    }
    Ok(Cow::Owned(new))
}

/// Index of the token behind the import of the feature.
fn end_of_import(all: &[TokenInfo<'_>]) -> Option<usize> {
    let is_import = |at: usize| {
        let starts = at == 0 || matches!(all[at - 1].kind, Kind::Newline | Kind::Nl) || all[at - 1].string == ";";
        let words = ["from", "__future__", "import"];
        starts && words.iter().enumerate().all(|(i, word)| all.get(at + i).is_some_and(|token| token.string == *word))
    };
    let mut at = 0;
    while at < all.len() {
        if is_import(at) {
            let ends = |token: &TokenInfo| token.kind == Kind::Newline || token.string == ";";
            let end = all[at..].iter().position(ends).map_or(all.len(), |n| at + n);
            if all[at..end].iter().any(|token| token.string == FEATURE) {
                return Some(end);
            }
            at = end;
        }
        at += 1;
    }
    None
}
