//! Checks of numbers and strings that CPython makes while it parses.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::diagnose::Recogniser;
use crate::errors::Found;
use crate::lexer::Kind;

/// Decimal digits that an int literal may have at most, as `sys.get_int_max_str_digits()` says: 0 is no limit. Of the
/// interpreter that compiles; they take turns.
static MAX_DIGITS: AtomicUsize = AtomicUsize::new(4300);

/// Sets how many decimal digits an int literal may have, 0 for no limit.
pub fn set_max_digits(n: usize) {
    MAX_DIGITS.store(n, Ordering::Relaxed);
}

/// How many decimal digits an int literal may have.
pub(crate) fn max_digits() -> usize {
    match MAX_DIGITS.load(Ordering::Relaxed) {
        0 => usize::MAX,
        n => n,
    }
}

/// The error for a number with too many digits.
pub(crate) fn too_many_digits(text: &str) -> Option<String> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let limit = max_digits();
    (is_decimal && digits > limit).then(|| {
        format!(
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; use \
             sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer literals to \
             avoid decimal conversion limits."
        )
    })
}

impl Recogniser<'_> {
    pub(crate) fn check_number(&self, text: &str) -> Result<(), Box<Found>> {
        match too_many_digits(text) {
            None => Ok(()),
            Some(message) => {
                let mut found = self.at_last(message);
                if let Some(place) = &mut found.place {
                    (place.offset, place.end_offset, place.end_line) = (0, 0, place.line);
                }
                Err(Box::new(found))
            }
        }
    }

    /// Checks `!x` before token `at`.
    pub(crate) fn check_conversion(&self, at: usize) -> Result<(), Box<Found>> {
        let letter = self.letter();
        if self.tokens[at - 2].end != self.tokens[at - 1].start {
            let message = format!("{letter}-string: conversion type must come right after the exclamation mark");
            return Err(Box::new(self.at_tokens(at - 2, at - 1, message)));
        }
        let name = self.token_text(at - 1);
        if !matches!(name, "s" | "r" | "a") {
            let message = format!("{letter}-string: invalid conversion character '{name}': expected 's', 'r', or 'a'");
            return Err(Box::new(self.at_tokens(at - 1, at - 1, message)));
        }
        Ok(())
    }

    /// Checks adjacent string literals, captured as `s`, that end before token `at`.
    pub(crate) fn check_strings(&self, at: usize) -> Result<(), Box<Found>> {
        let Some(&(_, start, _)) = self.captures.iter().rfind(|capture| capture.0 == b's') else { return Ok(()) };
        let (mut bytes, mut texts, mut templates) = (false, false, false);
        let mut depth = 0;
        let mut raw = Vec::new();
        for index in start..at {
            let text = self.token_text(index);
            match self.tokens[index].kind {
                Kind::String => {
                    let prefix = &text[..text.find(['"', '\'']).unwrap_or(0)];
                    let is_bytes = prefix.contains(['b', 'B']);
                    if depth == 0 {
                        *(if is_bytes { &mut bytes } else { &mut texts }) = true;
                    }
                    self.check_string(index, prefix, is_bytes)?;
                }
                Kind::FStringStart | Kind::TStringStart => {
                    raw.push(text.contains(['r', 'R']));
                    if depth == 0 {
                        let is_template = self.tokens[index].kind == Kind::TStringStart;
                        *(if is_template { &mut templates } else { &mut texts }) = true;
                    }
                    depth += 1;
                }
                Kind::FStringEnd | Kind::TStringEnd => {
                    raw.pop();
                    depth -= 1;
                }
                Kind::FStringMiddle | Kind::TStringMiddle if raw.last() == Some(&false) => {
                    if let Some(message) = unicode_escape_error(&text.replace("{{", "{").replace("}}", "}")) {
                        return Err(Box::new(self.at_tokens(
                            index + 1,
                            index + 1,
                            format!("(unicode error) {message}"),
                        )));
                    }
                }
                _ => {}
            }
        }
        if templates && (bytes || texts) {
            let message = "cannot mix t-string literals with string or bytes literals";
            return Err(Box::new(self.at_tokens(start, at - 1, message)));
        }
        if bytes && texts {
            return Err(Box::new(self.at_last("cannot mix bytes and nonbytes literals")));
        }
        Ok(())
    }

    fn check_string(&self, index: usize, prefix: &str, is_bytes: bool) -> Result<(), Box<Found>> {
        let body = &self.token_text(index)[prefix.len()..];
        let quotes = if body.len() >= 6 && (body.starts_with("\"\"\"") || body.starts_with("'''")) { 3 } else { 1 };
        let body = &body[quotes..body.len() - quotes];
        if is_bytes && !body.is_ascii() {
            let message = "bytes can only contain ASCII literal characters";
            return Err(Box::new(self.at_tokens(index, index, message)));
        }
        if prefix.contains(['r', 'R']) {
            return Ok(());
        }
        let message = match is_bytes {
            true => bytes_escape_error(body).map(|message| format!("(value error) {message}")),
            false => unicode_escape_error(body).map(|message| format!("(unicode error) {message}")),
        };
        message.map_or(Ok(()), |message| Err(Box::new(self.at_tokens(index, index, message))))
    }
}

fn bytes_escape_error(body: &str) -> Option<String> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|&byte| byte == b'\\') {
        at += found;
        if bytes.get(at + 1) == Some(&b'x') {
            let digits = bytes[at + 2..].iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
            if digits < 2 {
                return Some(format!("invalid \\x escape at position {at}"));
            }
        }
        at = (at + 2).min(bytes.len());
    }
    None
}

/// The codec's message for a broken escape. Positions count each non-ASCII character as ten, the length of the
/// escape by which the codec sees it.
fn unicode_escape_error(body: &str) -> Option<String> {
    let mut position = 0;
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            position += if c.is_ascii() { 1 } else { 10 };
            continue;
        }
        let Some(letter) = rest.chars().next() else { break };
        rest = &rest[letter.len_utf8()..];
        let fail = |end: usize, reason: &str| {
            let what = "'unicodeescape' codec can't decode bytes in position";
            Some(format!("{what} {position}-{end}: {reason}"))
        };
        let (count, reason) = match letter {
            'x' => (2, "truncated \\xXX escape"),
            'u' => (4, "truncated \\uXXXX escape"),
            'U' => (8, "truncated \\UXXXXXXXX escape"),
            'N' => {
                let malformed = "malformed \\N character escape";
                let Some(name) = rest.strip_prefix('{') else { return fail(position + 1, malformed) };
                let Some(close) = name.find('}') else {
                    return fail(position + 1 + rest.len(), malformed);
                };
                if close == 0 {
                    return fail(position + 2, malformed);
                }
                let literal = format!("'\\N{{{}}}'", &name[..close]);
                if ruff_python_parser::parse_expression(&literal).is_err() {
                    return fail(position + 3 + close, "unknown Unicode character name");
                }
                rest = &name[close + 1..];
                position += 4 + close;
                continue;
            }
            _ => {
                position += if letter.is_ascii() { 2 } else { 11 };
                continue;
            }
        };
        let digits = rest.bytes().take(count).take_while(u8::is_ascii_hexdigit).count();
        if digits < count {
            return fail(position + 1 + digits, reason);
        }
        if u32::from_str_radix(&rest[..count], 16).is_ok_and(|code| code > 0x10ffff) {
            return fail(position + 1 + count, "illegal Unicode character");
        }
        rest = &rest[count..];
        position += 2 + count;
    }
    if rest.is_empty() && body.ends_with('\\') && !body.ends_with("\\\\") {
        return Some(format!(
            "'unicodeescape' codec can't decode byte 0x5c in position {position}: \\ at end of string"
        ));
    }
    None
}

/// 30-bit digits, least significant first, of an int literal with any prefix and underscores.
pub fn int_digits(literal: &str) -> Vec<u32> {
    let lower = literal.to_ascii_lowercase();
    let (radix, text) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ => (10, lower.as_str()),
    };
    let mut digits: Vec<u32> = Vec::new();
    for value in text.chars().filter_map(|c| c.to_digit(radix)) {
        let mut carry = value as u64;
        for digit in &mut digits {
            carry += *digit as u64 * radix as u64;
            *digit = (carry & 0x3fff_ffff) as u32;
            carry >>= 30;
        }
        if carry != 0 {
            digits.push(carry as u32);
        }
    }
    digits
}

/// Decimal text of 30-bit digits.
pub fn decimal(mut digits: Vec<u32>) -> String {
    let mut groups = Vec::new();
    while !digits.is_empty() {
        let mut remainder = 0u64;
        for digit in digits.iter_mut().rev() {
            let value = remainder << 30 | *digit as u64;
            *digit = (value / 1_000_000_000) as u32;
            remainder = value % 1_000_000_000;
        }
        groups.push(remainder);
        while digits.last() == Some(&0) {
            digits.pop();
        }
    }
    let Some(first) = groups.pop() else { return "0".into() };
    groups.iter().rev().fold(first.to_string(), |text, group| format!("{text}{group:09}"))
}
