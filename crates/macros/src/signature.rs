//! Parsing of `__text_signature__` strings at compile time.

use quote::quote;
use syn::LitStr;

/// A parsed signature.
pub struct Signature {
    pub text: String,
    /// First parameter is `$self`, `$type` or `$module`-like and not part of the call's slots.
    pub has_self: bool,
    names: Vec<String>,
    positional_only: usize,
    positional: usize,
    required: usize,
    keyword_required: Vec<bool>,
    varargs: bool,
    varkw: bool,
}

impl Signature {
    pub fn parse(literal: &LitStr) -> syn::Result<Signature> {
        let text = literal.value();
        let error = |message: &str| syn::Error::new_spanned(literal, message);
        let inner = text
            .strip_prefix('(')
            .and_then(|t| t.strip_suffix(')'))
            .ok_or_else(|| error("a signature is written (a, b=None, /, *, c)"))?;
        let mut s = Signature {
            text: text.clone(),
            has_self: false,
            names: Vec::new(),
            positional_only: 0,
            positional: 0,
            required: 0,
            keyword_required: Vec::new(),
            varargs: false,
            varkw: false,
        };
        let mut keyword_only = false;
        let inner = &expand_optional(inner);
        for part in split_top(inner) {
            let part = part.trim();
            let (name, default) = match part.split_once('=') {
                Some((name, _)) => (name.trim(), true),
                None => (part, false),
            };
            match name {
                "" => continue,
                "/" => s.positional_only = s.positional,
                "*" => keyword_only = true,
                "$module" => {}
                _ if name.starts_with('$') => s.has_self = true,
                _ if name.starts_with("**") => s.varkw = true,
                _ if name.starts_with('*') => {
                    s.varargs = true;
                    keyword_only = true;
                }
                _ if keyword_only => {
                    s.names.push(name.to_string());
                    s.keyword_required.push(!default);
                }
                _ => {
                    s.names.push(name.to_string());
                    s.positional += 1;
                    if !default {
                        s.required = s.positional;
                    }
                }
            }
        }
        Ok(s)
    }

    /// Parameters that the Rust function receives, the receiver left out.
    pub fn slots(&self) -> usize {
        self.names.len() + usize::from(self.varargs) + usize::from(self.varkw)
    }

    /// Fields of a `ParamSpec` literal.
    pub fn spec(&self) -> proc_macro2::TokenStream {
        let (names, positional_only, positional, required) =
            (&self.names, self.positional_only, self.positional, self.required);
        let (keyword_required, varargs, varkw) = (&self.keyword_required, self.varargs, self.varkw);
        quote! {
            names: &[#(#names),*], positional_only: #positional_only, positional: #positional, required: #required,
            keyword_required: &[#(#keyword_required),*], varargs: #varargs, varkw: #varkw
        }
    }
}

/// Writes CPython's optional groups, `sub[, start[, end]]`, as parameters with defaults.
fn expand_optional(text: &str) -> String {
    if !text.contains("[, ") {
        return text.to_string();
    }
    let (mut depth, mut out) = (0, String::new());
    let mut optional = false;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' => {
                if optional {
                    out.push_str("=None");
                }
                optional = depth > 0;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Splits at commas that stand outside brackets and quotes.
fn split_top(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut parts) = (0, None, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match (quoted, c) {
            (Some(q), _) if c == q => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
