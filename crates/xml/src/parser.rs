//! The parser: input, positions, and what comes before and after the root element.

use std::collections::VecDeque;

use crate::chars::is_space;
use crate::dtd::{Dtd, doctype};
use crate::encoding::{Encoding, convert};
use crate::markup::{Cursor, Scan, Stop};
use crate::names::Namespaces;
use crate::{Error, Event};

/// A place in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 0, in characters.
    pub column: usize,
    /// From 0, in bytes of the text as UTF-8; -1 before the first event.
    pub index: i64,
}

/// Where in the document the parser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Start,
    Prolog,
    Subset,
    Content,
    Epilog,
}

/// The text of an entity that is being read.
#[derive(Debug)]
pub(crate) struct Inner {
    pub name: String,
    pub is_parameter: bool,
    pub text: String,
    pub at: usize,
    /// Open elements outside.
    pub depth: usize,
}

/// See the crate's documentation.
#[derive(Debug)]
pub struct Parser {
    encoding: Encoding,
    raw: Vec<u8>,
    text: String,
    at: usize,
    here: Position,
    event: Position,
    pub(crate) state: State,
    /// Text of an external entity: several elements, or none, may stand side by side.
    pub(crate) is_fragment: bool,
    pub(crate) stack: Vec<String>,
    pub(crate) inners: Vec<Inner>,
    pub(crate) dtd: Dtd,
    pub(crate) names: Namespaces,
    pub(crate) queue: VecDeque<Event>,
    pub(crate) in_cdata: bool,
    pub(crate) is_final: bool,
    system_id: Option<(Option<String>, Option<String>)>,
    bad_tail: bool,
    error: Option<Error>,
    written: String,
    wants_map: bool,
    /// Bytes that entities gave.
    pub(crate) expanded: usize,
    /// Parameter entities and the external subset are asked for: 0 never, 1 unless standalone, 2 always.
    pub param_entity_parsing: i32,
    /// The external subset is asked for even if the document has none.
    pub foreign_dtd: bool,
    /// References to internal entities in content are replaced; else they are skipped.
    pub expand_internal: bool,
    /// A token that was not complete is only tried again when there is twice as much input, so that many small pieces
    /// do not take quadratic time.
    pub defers: bool,
    /// Length of the input at the last such try.
    tried: usize,
    /// Bytes from which on amplification by entities is limited.
    pub expansion_threshold: usize,
    /// The limit: bytes in all to bytes of the document.
    pub expansion_factor: f64,
}

const START: Position = Position { line: 1, column: 0, index: -1 };

impl Parser {
    /// A new parser. `separator` turns namespace processing on.
    pub fn new(encoding: Option<&str>, separator: Option<Option<char>>) -> Parser {
        let named = encoding.map(|name| (name, Encoding::named(name)));
        let mut queue = VecDeque::new();
        let mut wants_map = false;
        let encoding = match named {
            None => Encoding::Unknown,
            Some((_, Some(encoding))) => encoding,
            Some((name, None)) => {
                queue.push_back(Event::UnknownEncoding(name.to_string()));
                wants_map = true;
                Encoding::Unknown
            }
        };
        Parser {
            encoding,
            raw: Vec::new(),
            text: String::new(),
            at: 0,
            here: Position { index: 0, ..START },
            event: START,
            state: State::Start,
            is_fragment: false,
            stack: Vec::new(),
            inners: Vec::new(),
            dtd: Dtd { keep_processing: true, ..Dtd::default() },
            names: Namespaces::new(separator),
            queue,
            in_cdata: false,
            is_final: false,
            system_id: None,
            bad_tail: false,
            error: None,
            written: String::new(),
            wants_map,
            expanded: 0,
            param_entity_parsing: 0,
            foreign_dtd: false,
            expand_internal: true,
            defers: true,
            tried: 0,
            expansion_threshold: 8 << 20,
            expansion_factor: 100.0,
        }
    }

    /// A parser for an external entity: with a context for one of the content, without for the external subset.
    pub fn external(&self, context: Option<&str>, encoding: Option<&str>) -> Parser {
        let mut new = Parser::new(encoding, self.names.separator);
        new.names = self.names.clone();
        new.dtd = self.dtd.clone();
        new.is_fragment = true;
        new.param_entity_parsing = self.param_entity_parsing;
        new.expand_internal = self.expand_internal;
        new.defers = self.defers;
        if context.is_none() {
            new.dtd.exists = true;
        }
        new.state = if context.is_some() { State::Content } else { State::Subset };
        new
    }

    /// Takes over what the parser of the external subset learnt.
    pub fn adopt(&mut self, external: &Parser) {
        self.dtd.general = external.dtd.general.clone();
        self.dtd.parameter = external.dtd.parameter.clone();
        self.dtd.attributes = external.dtd.attributes.clone();
    }

    /// Names tell their prefixes too.
    pub fn set_namespace_prefixes(&mut self, on: bool) {
        self.names.with_prefix = on;
    }

    /// True if the input is in UTF-8, so that text comes in one piece.
    pub(crate) fn is_utf8(&self) -> bool {
        self.encoding == Encoding::Utf8
    }

    /// Reads all input as UTF-8, whatever it says.
    pub fn force_utf8(&mut self) {
        self.encoding = Encoding::Utf8;
        self.wants_map = false;
        self.queue.retain(|e| !matches!(e, Event::UnknownEncoding(_)));
    }

    /// The characters of the encoding that an [`Event::UnknownEncoding`] asked for; the replacement character for
    /// bytes that are none. False if markup cannot be read with it.
    pub fn set_encoding_map(&mut self, map: [char; 256]) -> bool {
        let is_fixed = |b: u8| !matches!(b, 0..=8 | 11 | 12 | 14..=31 | b'$' | b'@' | b'\\' | b'^' | b'`' | b'{' | b'}' | b'~' | 127);
        if (0..128u8).any(|b| is_fixed(b) && map[b as usize] != char::from(b)) {
            return false;
        }
        self.encoding = Encoding::Map(Box::new(map));
        self.wants_map = false;
        self.convert();
        true
    }

    /// Adds input; `is_final` with the last piece.
    pub fn push(&mut self, data: &[u8], is_final: bool) {
        self.raw.extend_from_slice(data);
        self.is_final |= is_final;
        self.convert();
    }

    /// True once input was pushed.
    pub fn has_started(&self) -> bool {
        self.event.index >= 0 || !self.raw.is_empty() || !self.text.is_empty() || self.is_final
    }

    /// True after the last piece of input.
    pub fn is_finished(&self) -> bool {
        self.is_final
    }

    /// Where the last event, or the error, is.
    pub fn position(&self) -> Position {
        self.event
    }

    /// The error that ended parsing.
    pub fn error(&self) -> Option<Error> {
        self.error
    }

    /// The text of the last event as it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Ends parsing, as if the last event had been an error.
    pub fn fail(&mut self, error: Error) {
        self.error = Some(error);
    }

    fn convert(&mut self) {
        if self.encoding == Encoding::Unknown && !self.wants_map {
            self.detect();
        }
        if self.wants_map || self.bad_tail {
            return;
        }
        if !convert(&self.encoding, &mut self.raw, &mut self.text) {
            self.bad_tail = true;
        }
    }

    /// Finds the encoding from the first bytes: a byte order mark, or the declaration.
    fn detect(&mut self) {
        let raw = &self.raw;
        match raw.as_slice() {
            [0xfe, 0xff, ..] => {
                self.encoding = Encoding::Utf16(true);
                self.raw.drain(..2);
            }
            [0xff, 0xfe, ..] => {
                self.encoding = Encoding::Utf16(false);
                self.raw.drain(..2);
            }
            [0xef, 0xbb, 0xbf, ..] => {
                self.encoding = Encoding::Utf8;
                self.raw.drain(..3);
            }
            [0, b'<', ..] => self.encoding = Encoding::Utf16(true),
            [b'<', 0, ..] => self.encoding = Encoding::Utf16(false),
            [] | [0xfe | 0xff | 0xef | 0] | [0xef, 0xbb] if !self.is_final => {}
            raw if raw.starts_with(b"<?xml") => {
                let end = raw.windows(2).position(|w| w == b"?>");
                if end.is_none() && !self.is_final {
                    return;
                }
                let head = String::from_utf8_lossy(&raw[..end.unwrap_or(raw.len())]).into_owned();
                match declared_encoding(&head) {
                    None => self.encoding = Encoding::Utf8,
                    Some(name) => match Encoding::named(&name) {
                        // The declaration was read in one-byte units, so it cannot be UTF-16.
                        Some(Encoding::Utf16(_)) => self.encoding = Encoding::Utf8,
                        Some(encoding) => self.encoding = encoding,
                        None => {
                            self.wants_map = true;
                            self.queue.push_back(Event::UnknownEncoding(name));
                        }
                    },
                }
            }
            raw if b"<?xml".starts_with(raw) && !self.is_final => {}
            _ => self.encoding = Encoding::Utf8,
        }
    }

    /// The next event; None if more input is needed, or at the end.
    pub fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(error) = self.error {
                return Err(error);
            }
            if let Some(event) = self.queue.pop_front() {
                return Ok(Some(event));
            }
            if self.wants_map || !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Reads one token; false if there is none yet.
    fn step(&mut self) -> Result<bool, Error> {
        if let Some(mut inner) = self.inners.pop() {
            return self.step_inside(&mut inner).map(|()| true);
        }
        self.event = self.here;
        let text = std::mem::take(&mut self.text);
        if self.at == text.len() {
            self.text = text;
            return self.at_end();
        }
        let available = text.len() - self.at;
        if self.defers && !self.is_final && !self.bad_tail && available < 2 * self.tried {
            self.text = text;
            return Ok(false);
        }
        let mut cursor = Cursor::new(&text, self.at);
        let result = self.token(&mut cursor);
        let end = cursor.at;
        self.tried = if result == Err(Stop::More) { available } else { 0 };
        let outcome = match result {
            Ok(()) => {
                self.written.clear();
                self.written.push_str(&text[self.at..end]);
                self.advance(&text[self.at..end]);
                self.at = end;
                Ok(true)
            }
            Err(Stop::More) if !self.is_final && !self.bad_tail => Ok(false),
            Err(Stop::More) if self.bad_tail => {
                self.event = moved(self.here, &text[self.at..]);
                Err(Error::InvalidToken)
            }
            Err(Stop::More) => Err(Error::UnclosedToken),
            Err(Stop::Bad(at, error)) => {
                self.event = moved(self.here, &text[self.at..at.clamp(self.at, text.len())]);
                Err(error)
            }
        };
        self.text = text;
        if self.at > 1 << 16 {
            self.text.drain(..self.at);
            self.at = 0;
        }
        if let Err(error) = outcome {
            self.error = Some(error);
        }
        outcome
    }

    fn step_inside(&mut self, inner: &mut Inner) -> Result<(), Error> {
        let text = std::mem::take(&mut inner.text);
        if inner.at == text.len() {
            self.set_open(&inner.name, inner.is_parameter, false);
            return if self.stack.len() == inner.depth { Ok(()) } else { self.ends_in(Error::AsyncEntity) };
        }
        let mut cursor = Cursor::new(&text, inner.at);
        // The entity is put back first: what the token opens goes on top of it.
        let place = self.inners.len();
        self.inners.push(Inner { name: inner.name.clone(), text: String::new(), ..*inner });
        let result = self.token(&mut cursor);
        let end = cursor.at;
        let outcome = match result {
            Ok(()) => {
                self.written.clear();
                self.written.push_str(&text[inner.at..end]);
                self.expanded += end - inner.at;
                self.check_amplification()
            }
            Err(Stop::More) if self.state == State::Content && text[inner.at..].starts_with('<') => {
                Err(Error::AsyncEntity)
            }
            Err(Stop::More) => Err(Error::InvalidToken),
            Err(Stop::Bad(_, error)) => Err(error),
        };
        if let Some(entry) = self.inners.get_mut(place) {
            (entry.text, entry.at) = (text, end);
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => self.ends_in(error),
        }
    }

    fn check_amplification(&self) -> Result<(), Error> {
        let direct = self.here.index.max(1) as usize;
        let total = direct + self.expanded;
        if total > self.expansion_threshold && total as f64 / direct as f64 > self.expansion_factor {
            Err(Error::Amplification)
        } else {
            Ok(())
        }
    }

    fn ends_in<T>(&mut self, error: Error) -> Result<T, Error> {
        self.error = Some(error);
        Err(error)
    }

    fn at_end(&mut self) -> Result<bool, Error> {
        if self.bad_tail {
            return self.ends_in(Error::InvalidToken);
        }
        if !self.is_final {
            return Ok(false);
        }
        if !self.raw.is_empty() {
            return self.ends_in(Error::PartialChar);
        }
        if self.in_cdata {
            return self.ends_in(Error::UnclosedCdata);
        }
        let is_complete = self.state == State::Epilog || self.is_fragment && self.stack.is_empty();
        if is_complete { Ok(false) } else { self.ends_in(Error::NoElements) }
    }

    fn advance(&mut self, text: &str) {
        self.here = moved(self.here, text);
    }

    /// Marks an entity as being read or not.
    pub(crate) fn set_open(&mut self, name: &str, is_parameter: bool, open: bool) {
        let table = if is_parameter { &mut self.dtd.parameter } else { &mut self.dtd.general };
        if let Some(entity) = table.get_mut(name) {
            entity.is_open = open;
        }
    }

    fn token(&mut self, cursor: &mut Cursor) -> Scan<()> {
        if self.at == 0 && self.here.index == 0 && self.inners.is_empty() && self.declaration(cursor)? {
            return Ok(());
        }
        match self.state {
            State::Start | State::Prolog => self.prolog(cursor),
            State::Subset => self.subset(cursor),
            State::Content => self.content(cursor),
            State::Epilog => self.epilog(cursor),
        }
    }

    /// The XML declaration, if there is one.
    fn declaration(&mut self, cursor: &mut Cursor) -> Scan<bool> {
        const OPEN: &str = "<?xml";
        let rest = cursor.rest();
        if !rest.starts_with(OPEN) {
            return if OPEN.starts_with(rest) && !self.is_final { Err(Stop::More) } else { Ok(false) };
        }
        match rest.as_bytes().get(OPEN.len()) {
            None => return Err(Stop::More),
            Some(b) if !is_space(*b) => return Ok(false),
            Some(_) => cursor.at += OPEN.len(),
        }
        let error = if self.is_fragment { Error::TextDecl } else { Error::XmlDecl };
        let found = xml_declaration(cursor, self.is_fragment).map_err(|stop| match stop {
            Stop::More => Stop::More,
            Stop::Bad(at, _) => Stop::Bad(at, error),
        })?;
        if let Event::XmlDecl { standalone: 1, .. } = found {
            self.dtd.standalone = true;
        }
        self.queue.push_back(found);
        if self.state == State::Start {
            self.state = State::Prolog;
        }
        Ok(true)
    }

    /// Comments, instructions and white space; false for anything else.
    fn miscellaneous(&mut self, cursor: &mut Cursor) -> Scan<bool> {
        let b = cursor.peek()?;
        if is_space(b) {
            let n = cursor.rest().bytes().take_while(|b| is_space(*b)).count();
            cursor.at += n;
            self.queue.push_back(Event::Other);
            return Ok(true);
        }
        if b != b'<' {
            return Ok(false);
        }
        match cursor.text.as_bytes().get(cursor.at + 1) {
            None => Err(Stop::More),
            Some(b'?') => {
                cursor.at += 2;
                let (target, data) = cursor.instruction()?;
                let data = crate::markup::normalize_lines(data.trim_start_matches([' ', '\t', '\r', '\n']));
                self.queue.push_back(Event::Pi { target: target.to_string(), data });
                Ok(true)
            }
            Some(b'!') => match cursor.text.as_bytes().get(cursor.at + 2) {
                None => Err(Stop::More),
                Some(b'-') => {
                    cursor.at += 3;
                    let body = cursor.comment()?;
                    self.queue.push_back(Event::Comment(crate::markup::normalize_lines(body)));
                    Ok(true)
                }
                Some(_) => Ok(false),
            },
            Some(_) => Ok(false),
        }
    }

    fn prolog(&mut self, cursor: &mut Cursor) -> Scan<()> {
        self.state = State::Prolog;
        if self.miscellaneous(cursor)? {
            return Ok(());
        }
        if cursor.peek()? != b'<' {
            return Err(Stop::Bad(cursor.at, Error::Syntax));
        }
        if cursor.text.as_bytes().get(cursor.at + 1) != Some(&b'!') {
            if self.foreign_dtd && !self.dtd.exists {
                self.dtd.exists = true;
                if self.param_entity_parsing != 0 {
                    self.dtd.has_more = true;
                    self.queue.push_back(Event::ExternalEntity { context: None, system: None, public: None });
                    return Ok(());
                }
            }
            self.start_tag(cursor)?;
            if self.state == State::Prolog {
                self.state = State::Content;
            }
            return Ok(());
        }
        let start = cursor.at;
        cursor.at += 2;
        cursor.expect_word("DOCTYPE")?;
        if self.dtd.exists {
            return Err(Stop::Bad(start, Error::Syntax));
        }
        let event = doctype(cursor)?;
        self.dtd.exists = true;
        if let Event::StartDoctype { system, public, has_internal, .. } = &event {
            if system.is_some() {
                self.dtd.has_more = true;
                self.system_id = Some((system.clone(), public.clone()));
            } else if self.foreign_dtd {
                self.dtd.has_more = true;
                self.system_id = Some((None, None));
            }
            let has_internal = *has_internal;
            self.queue.push_back(event);
            if has_internal {
                self.state = State::Subset;
            } else {
                self.end_doctype();
            }
        }
        Ok(())
    }

    fn end_doctype(&mut self) {
        self.state = State::Prolog;
        let wanted = match self.param_entity_parsing {
            0 => false,
            1 => !self.dtd.standalone,
            _ => true,
        };
        if self.dtd.has_more && !self.dtd.standalone {
            self.queue.push_back(Event::NotStandalone);
        }
        if let Some((system, public)) = self.system_id.take().filter(|_| wanted) {
            self.queue.push_back(Event::ExternalEntity { context: None, system, public });
        }
        self.queue.push_back(Event::EndDoctype);
    }

    fn subset(&mut self, cursor: &mut Cursor) -> Scan<()> {
        if self.miscellaneous(cursor)? {
            return Ok(());
        }
        match cursor.peek()? {
            b']' if self.inners.is_empty() && !self.is_fragment => {
                cursor.at += 1;
                cursor.spaces()?;
                cursor.expect(b'>')?;
                self.end_doctype();
                Ok(())
            }
            b'%' => self.parameter_reference(cursor),
            b'<' if cursor.text.as_bytes().get(cursor.at + 1) == Some(&b'!') => {
                cursor.at += 2;
                let mut events = Vec::new();
                self.dtd.declaration(cursor, &mut events)?;
                if events.is_empty() {
                    events.push(Event::Other);
                }
                self.queue.extend(events);
                Ok(())
            }
            b'<' if cursor.rest().len() < 2 => Err(Stop::More),
            b'<' => Err(Stop::Bad(cursor.at + 1, Error::InvalidToken)),
            _ => Err(Stop::Bad(cursor.at, Error::Syntax)),
        }
    }

    fn parameter_reference(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let start = cursor.at;
        cursor.at += 1;
        let name = cursor.name()?.to_string();
        cursor.expect(b';')?;
        self.dtd.has_more = true;
        if self.param_entity_parsing == 0 {
            self.dtd.keep_processing = self.dtd.standalone;
            self.queue.push_back(Event::SkippedEntity { name, is_parameter: true });
            return Ok(());
        }
        let Some(entity) = self.dtd.parameter.get_mut(&name) else {
            self.queue.push_back(Event::SkippedEntity { name, is_parameter: true });
            return Ok(());
        };
        if entity.is_open {
            return Err(Stop::Bad(start, Error::RecursiveEntity));
        }
        match entity.value.clone() {
            Some(text) => {
                entity.is_open = true;
                let depth = self.stack.len();
                self.inners.push(Inner { name, is_parameter: true, text, at: 0, depth });
            }
            None => {
                let (system, public) = (entity.system.clone(), entity.public.clone());
                self.queue.push_back(Event::ExternalEntity { context: None, system, public });
            }
        }
        Ok(())
    }

    fn epilog(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let start = cursor.at;
        if self.miscellaneous(cursor)? {
            return Ok(());
        }
        Err(Stop::Bad(start, Error::JunkAfterDocument))
    }
}

/// The position behind `text`.
fn moved(mut position: Position, text: &str) -> Position {
    position.index += text.len() as i64;
    let bytes = text.as_bytes();
    let is_end = |i: usize| bytes[i] == b'\n' || bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n');
    let mut line_start = None;
    for i in 0..bytes.len() {
        if matches!(bytes[i], b'\n' | b'\r') && is_end(i) {
            position.line += 1;
            line_start = Some(i + 1);
        }
    }
    let characters = |text: &[u8]| text.iter().filter(|b| **b & 0xc0 != 0x80).count();
    match line_start {
        Some(start) => position.column = characters(&bytes[start..]),
        None => position.column += characters(bytes),
    }
    position
}

/// The encoding that the text of a declaration names.
fn declared_encoding(head: &str) -> Option<String> {
    let rest = head.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(name, _)| name.to_string())
}

fn xml_declaration(cursor: &mut Cursor, is_text: bool) -> Scan<Event> {
    let (mut version, mut encoding, mut standalone) = (None, None, -1);
    loop {
        let spaced = cursor.spaces()?;
        if cursor.eat(b'?')? {
            cursor.expect(b'>')?;
            break;
        }
        if !spaced {
            return cursor.bad();
        }
        let start = cursor.at;
        let name = cursor.name()?;
        cursor.spaces()?;
        cursor.expect(b'=')?;
        cursor.spaces()?;
        let value_at = cursor.at;
        let value = cursor.literal()?;
        let is_simple = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        match name {
            "version" if version.is_none() && encoding.is_none() && standalone < 0 => {
                version = Some(value.to_string());
            }
            "encoding" if encoding.is_none() && standalone < 0 && (version.is_some() || is_text) => {
                if !value.starts_with(|c: char| c.is_ascii_alphabetic()) || !value.chars().all(is_simple) {
                    return Err(Stop::Bad(value_at + 1, Error::XmlDecl));
                }
                encoding = Some(value.to_string());
            }
            "standalone" if standalone < 0 && version.is_some() && !is_text => match value {
                "yes" => standalone = 1,
                "no" => standalone = 0,
                _ => return Err(Stop::Bad(value_at + 1, Error::XmlDecl)),
            },
            _ => return Err(Stop::Bad(start, Error::XmlDecl)),
        }
    }
    if version.is_none() && !is_text || is_text && encoding.is_none() {
        return Err(Stop::Bad(cursor.at - 2, Error::XmlDecl));
    }
    Ok(Event::XmlDecl { version, encoding, standalone })
}
