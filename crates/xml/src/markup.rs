//! Scanning markup: names, literals, references.

use crate::Error;
use crate::chars::{is_char, is_name_char, is_name_start, is_space};

/// Why scanning stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// More input is needed.
    More,
    /// An error at this offset.
    Bad(usize, Error),
}

/// Result of scanning.
pub type Scan<T> = Result<T, Stop>;

/// A place in a text.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, at: usize) -> Cursor<'a> {
        Cursor { text, at }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next byte.
    pub fn peek(&self) -> Scan<u8> {
        self.text.as_bytes().get(self.at).copied().ok_or(Stop::More)
    }

    pub fn bad<T>(&self) -> Scan<T> {
        Err(Stop::Bad(self.at, Error::InvalidToken))
    }

    /// Takes `b`; an error if something else is there.
    pub fn expect(&mut self, b: u8) -> Scan<()> {
        if self.peek()? != b {
            return self.bad();
        }
        self.at += 1;
        Ok(())
    }

    /// Takes `word`, which may not be complete yet; an error at the first byte that differs.
    pub fn expect_word(&mut self, word: &str) -> Scan<()> {
        word.bytes().try_for_each(|b| self.expect(b))
    }

    /// Takes `word` if it is there; it may not be complete yet.
    pub fn eat_word(&mut self, word: &str) -> Scan<bool> {
        let rest = self.rest();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(true);
        }
        if word.starts_with(rest) { Err(Stop::More) } else { Ok(false) }
    }

    /// Takes `b` if it is there.
    pub fn eat(&mut self, b: u8) -> Scan<bool> {
        let found = self.peek()? == b;
        self.at += usize::from(found);
        Ok(found)
    }

    /// Skips white space; true if there was some. What follows is there.
    pub fn spaces(&mut self) -> Scan<bool> {
        let start = self.at;
        while is_space(self.peek()?) {
            self.at += 1;
        }
        Ok(self.at > start)
    }

    /// White space that must be there.
    pub fn need_spaces(&mut self) -> Scan<()> {
        if self.spaces()? { Ok(()) } else { self.bad() }
    }

    fn name_where(&mut self, first: fn(char) -> bool) -> Scan<&'a str> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        match chars.next() {
            None => return Err(Stop::More),
            Some((_, c)) if !first(c) => return self.bad(),
            Some(_) => {}
        }
        match chars.find(|(_, c)| !is_name_char(*c)) {
            None => Err(Stop::More),
            Some((n, _)) => {
                self.at = start + n;
                Ok(&self.text[start..self.at])
            }
        }
    }

    /// A name; what follows is there.
    pub fn name(&mut self) -> Scan<&'a str> {
        self.name_where(is_name_start)
    }

    /// A name token; what follows is there.
    pub fn name_token(&mut self) -> Scan<&'a str> {
        self.name_where(is_name_char)
    }

    /// A quoted literal without its quotes.
    pub fn literal(&mut self) -> Scan<&'a str> {
        let quote = self.peek()?;
        if quote != b'"' && quote != b'\'' {
            return self.bad();
        }
        let start = self.at + 1;
        match self.text[start..].find(char::from(quote)) {
            None => {
                check_chars(self.text, start, self.text.len())?;
                Err(Stop::More)
            }
            Some(n) => {
                check_chars(self.text, start, start + n)?;
                self.at = start + n + 1;
                Ok(&self.text[start..start + n])
            }
        }
    }

    /// Up to `end`, which is taken but not part of the result.
    pub fn until(&mut self, end: &str) -> Scan<&'a str> {
        let start = self.at;
        match self.rest().find(end) {
            None => {
                check_chars(self.text, start, self.text.len())?;
                Err(Stop::More)
            }
            Some(n) => {
                check_chars(self.text, start, start + n)?;
                self.at = start + n + end.len();
                Ok(&self.text[start..start + n])
            }
        }
    }

    /// The reference behind `&`, its semicolon included.
    pub fn reference(&mut self) -> Scan<Reference<'a>> {
        let start = self.at - 1;
        if self.peek()? != b'#' {
            let name = self.name()?;
            self.expect(b';')?;
            return Ok(Reference::Entity(name));
        }
        self.at += 1;
        let radix = if self.eat(b'x')? { 16 } else { 10 };
        let mut code = 0u32;
        let mut digits = 0;
        while let Some(digit) = char::from(self.peek()?).to_digit(radix) {
            code = code.saturating_mul(radix).saturating_add(digit).min(0x0011_0000);
            self.at += 1;
            digits += 1;
        }
        if digits == 0 {
            return self.bad();
        }
        self.expect(b';')?;
        match char::from_u32(code).filter(|c| is_char(*c)) {
            Some(c) => Ok(Reference::Char(c)),
            None => Err(Stop::Bad(start, Error::BadCharRef)),
        }
    }

    /// A comment, from behind `<!-` on.
    pub fn comment(&mut self) -> Scan<&'a str> {
        self.expect(b'-')?;
        let body = self.until("--")?;
        if self.peek()? != b'>' {
            return self.bad();
        }
        self.at += 1;
        Ok(body)
    }

    /// A processing instruction, from behind `<?` on: target and data.
    pub fn instruction(&mut self) -> Scan<(&'a str, &'a str)> {
        let start = self.at - 2;
        let target = self.name()?;
        if target.eq_ignore_ascii_case("xml") {
            let error = if target == "xml" { Error::MisplacedXmlPi } else { Error::InvalidToken };
            return Err(Stop::Bad(start, error));
        }
        if self.rest().starts_with("?>") {
            self.at += 2;
            return Ok((target, ""));
        }
        if self.peek()? == b'?' && self.rest().len() < 2 {
            return Err(Stop::More);
        }
        self.need_spaces()?;
        Ok((target, self.until("?>")?))
    }
}

/// A reference.
pub enum Reference<'a> {
    /// To a character by its number.
    Char(char),
    /// To an entity by its name.
    Entity(&'a str),
}

/// The character of a predefined entity.
pub fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// An error at the first character that XML does not allow.
pub fn check_chars(text: &str, start: usize, end: usize) -> Scan<()> {
    let part = &text[start..end];
    if part.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return Ok(());
    }
    match part.char_indices().find(|(_, c)| !is_char(*c)) {
        Some((n, _)) => Err(Stop::Bad(start + n, Error::InvalidToken)),
        None => Ok(()),
    }
}

/// `text` with `\r\n` and `\r` as `\n`.
pub fn normalize_lines(text: &str) -> String {
    if !text.contains('\r') {
        return text.to_string();
    }
    text.replace("\r\n", "\n").replace('\r', "\n")
}
