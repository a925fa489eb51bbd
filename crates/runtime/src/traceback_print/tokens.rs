//! A small tokenizer for the source text of one expression or statement, enough to find operators and brackets.

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    /// A number or a string, f-strings and t-strings as a whole.
    Literal,
    /// An operator or delimiter other than a bracket.
    Op,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
}

/// A token: characters `start..end` of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// For a bracket the index of its partner's token.
    pub partner: usize,
}

/// The text as characters, and its tokens.
pub(super) struct Tokens {
    pub text: Vec<char>,
    pub all: Vec<Token>,
    /// Brackets are balanced and strings terminated.
    pub complete: bool,
}

const TWO: [&str; 21] = [
    "**", "//", "<<", ">>", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
    "<>", "..",
];

impl Tokens {
    pub fn new(text: &str) -> Tokens {
        let mut tokens = Tokens { text: text.chars().collect(), all: Vec::new(), complete: true };
        tokens.scan();
        tokens
    }

    /// The text of token `i`.
    pub fn str(&self, i: usize) -> String {
        let t = self.all[i];
        self.text[t.start..t.end].iter().collect()
    }

    pub fn is(&self, i: usize, text: &str) -> bool {
        let t = self.all[i];
        t.end - t.start == text.chars().count() && self.text[t.start..t.end].iter().copied().eq(text.chars())
    }

    /// Line (from 0) and column of a character.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let line = before.iter().filter(|c| **c == '\n').count();
        let start = before.iter().rposition(|c| *c == '\n').map_or(0, |i| i + 1);
        (line, at - start)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.all.push(Token { kind, start, end, partner: usize::MAX });
    }

    fn scan(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        let mut i = 0;
        while i < self.text.len() {
            let c = self.text[i];
            if c.is_whitespace() || c == '\\' {
                i += 1;
            } else if c == '#' {
                i = self.text[i..].iter().position(|c| *c == '\n').map_or(self.text.len(), |n| i + n);
            } else if c == '_' || c.is_alphanumeric() && !c.is_ascii_digit() {
                i = self.name(i);
            } else if c == '"' || c == '\'' {
                i = self.string(i, i, false);
            } else if c.is_ascii_digit() || c == '.' && self.text.get(i + 1).is_some_and(|d| d.is_ascii_digit()) {
                i = self.number(i);
            } else if "([{".contains(c) {
                open.push(self.all.len());
                self.push(Kind::Open, i, i + 1);
                i += 1;
            } else if ")]}".contains(c) {
                let at = self.all.len();
                self.push(Kind::Close, i, i + 1);
                let partner = open
                    .pop()
                    .filter(|o| matches!((self.text[self.all[*o].start], c), ('(', ')') | ('[', ']') | ('{', '}')));
                match partner {
                    Some(partner) => {
                        self.all[partner].partner = at;
                        self.all[at].partner = partner;
                    }
                    None => self.complete = false,
                }
                i += 1;
            } else {
                i = self.operator(i);
            }
        }
        self.complete &= open.is_empty();
    }

    fn name(&mut self, start: usize) -> usize {
        let n = self.text[start..].iter().take_while(|c| **c == '_' || c.is_alphanumeric()).count();
        let end = start + n;
        let word: String = self.text[start..end].iter().collect::<String>().to_lowercase();
        let prefix = matches!(word.as_str(), "r" | "b" | "u" | "f" | "t" | "rb" | "br" | "fr" | "rf" | "tr" | "rt");
        if prefix && self.text.get(end).is_some_and(|c| *c == '"' || *c == '\'') {
            return self.string(start, end, word.contains(['f', 't']));
        }
        self.push(Kind::Name, start, end);
        end
    }

    fn number(&mut self, start: usize) -> usize {
        let mut end = start;
        while let Some(c) = self.text.get(end) {
            let sign = (*c == '+' || *c == '-')
                && end > start
                && matches!(self.text[end - 1], 'e' | 'E')
                && !matches!(self.text.get(start + 1), Some('x' | 'X'));
            if !(c.is_alphanumeric() || *c == '_' || *c == '.' || sign) {
                break;
            }
            end += 1;
        }
        self.push(Kind::Literal, start, end);
        end
    }

    fn operator(&mut self, start: usize) -> usize {
        let pair: String = self.text[start..].iter().take(2).collect();
        let mut n = if TWO.contains(&pair.as_str()) { 2 } else { 1 };
        if n == 2 && self.text.get(start + 2) == Some(&'=') && matches!(pair.as_str(), "**" | "//" | "<<" | ">>") {
            n = 3;
        }
        if pair == ".." {
            n = if self.text.get(start + 2) == Some(&'.') { 3 } else { 1 };
        }
        let kind = if n == 3 && pair == ".." { Kind::Literal } else { Kind::Op };
        self.push(kind, start, start + n);
        start + n
    }

    /// A string whose first quote is at `quote` (its prefix begins at `start`).
    fn string(&mut self, start: usize, quote: usize, formatted: bool) -> usize {
        let end = self.string_end(quote, formatted, 0);
        let end = end.unwrap_or_else(|| {
            self.complete = false;
            self.text.len()
        });
        self.push(Kind::Literal, start, end);
        end
    }

    fn string_end(&self, quote: usize, formatted: bool, depth: usize) -> Option<usize> {
        let q = self.text[quote];
        let triple = self.text[quote..].iter().take_while(|c| **c == q).count() >= 3;
        let n = if triple { 3 } else { 1 };
        let mut i = quote + n;
        loop {
            let c = *self.text.get(i)?;
            if c == q && self.text[i..].iter().take(n).filter(|c| **c == q).count() == n {
                return Some(i + n);
            }
            match c {
                '\\' => i += 2,
                '\n' if !triple => return None,
                '{' if formatted && self.text.get(i + 1) == Some(&'{') => i += 2,
                '{' if formatted && depth < 10 => i = self.field_end(i + 1, depth + 1)?,
                _ => i += 1,
            }
        }
    }

    /// Behind the `}` of the replacement field that begins at `i`.
    fn field_end(&self, mut i: usize, depth: usize) -> Option<usize> {
        let mut open = 0;
        loop {
            let c = *self.text.get(i)?;
            match c {
                '}' if open == 0 => return Some(i + 1),
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' => open -= 1,
                '"' | '\'' => {
                    let formatted = i > 0 && matches!(self.text[i - 1], 'f' | 'F' | 't' | 'T');
                    i = self.string_end(i, formatted, depth)?;
                    continue;
                }
                _ => {}
            }
            i += 1;
        }
    }
}
