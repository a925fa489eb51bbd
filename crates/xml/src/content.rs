//! The root element and what is in it.

use crate::markup::{Cursor, Reference, Scan, Stop, check_chars, normalize_lines, predefined};
use crate::parser::{Inner, Parser, State};
use crate::{Error, Event};

/// Bytes of a piece of text in an encoding other than UTF-8.
const PIECE: usize = 1024;

impl Parser {
    pub(crate) fn content(&mut self, cursor: &mut Cursor) -> Scan<()> {
        if self.in_cdata {
            return self.cdata(cursor);
        }
        match cursor.peek()? {
            b'<' => match cursor.text.as_bytes().get(cursor.at + 1) {
                None => Err(Stop::More),
                Some(b'/') => self.end_tag(cursor),
                Some(b'?') => {
                    cursor.at += 2;
                    let (target, data) = cursor.instruction()?;
                    let data = normalize_lines(data.trim_start_matches([' ', '\t', '\r', '\n']));
                    self.queue.push_back(Event::Pi { target: target.to_string(), data });
                    Ok(())
                }
                Some(b'!') => {
                    cursor.at += 2;
                    if cursor.peek()? == b'-' {
                        cursor.at += 1;
                        let body = cursor.comment()?;
                        self.queue.push_back(Event::Comment(normalize_lines(body)));
                        return Ok(());
                    }
                    cursor.expect_word("[CDATA[")?;
                    self.in_cdata = true;
                    self.queue.push_back(Event::StartCdata);
                    Ok(())
                }
                Some(_) => self.start_tag(cursor),
            },
            b'&' => self.reference(cursor),
            _ => self.text(cursor),
        }
    }

    /// Text up to markup or the end of a line; the end of a line is a text of its own.
    fn text(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let complete = self.is_final || !self.inners.is_empty();
        let bytes = cursor.rest().as_bytes();
        match bytes {
            [b'\n', ..] => return self.line_end(cursor, 1),
            [b'\r', b'\n', ..] => return self.line_end(cursor, 2),
            [b'\r'] if !complete => return Err(Stop::More),
            [b'\r', ..] => return self.line_end(cursor, 1),
            _ => {}
        }
        let mut n = 0;
        while let Some(b) = bytes.get(n) {
            match b {
                b'<' | b'&' | b'\n' | b'\r' => break,
                b']' => match &bytes[n..] {
                    [b']', b']', b'>', ..] => {
                        if n == 0 {
                            return Err(Stop::Bad(cursor.at + 2, Error::InvalidToken));
                        }
                        break;
                    }
                    [b']'] | [b']', b']'] if !complete => {
                        if n == 0 {
                            return Err(Stop::More);
                        }
                        break;
                    }
                    _ => n += 1,
                },
                _ => n += 1,
            }
        }
        self.push_text(cursor, n)
    }

    fn line_end(&mut self, cursor: &mut Cursor, n: usize) -> Scan<()> {
        cursor.at += n;
        self.queue.push_back(Event::Text("\n".to_string()));
        Ok(())
    }

    fn push_text(&mut self, cursor: &mut Cursor, n: usize) -> Scan<()> {
        let mut n = n;
        if !self.is_utf8() && n > PIECE {
            // As expat does: it converts text by pieces.
            n = PIECE;
            while !cursor.rest().is_char_boundary(n) {
                n -= 1;
            }
        }
        check_chars(cursor.text, cursor.at, cursor.at + n)?;
        self.queue.push_back(Event::Text(cursor.rest()[..n].to_string()));
        cursor.at += n;
        Ok(())
    }

    fn cdata(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let bytes = cursor.rest().as_bytes();
        match bytes {
            [b']', b']', b'>', ..] => {
                cursor.at += 3;
                self.in_cdata = false;
                self.queue.push_back(Event::EndCdata);
                return Ok(());
            }
            [b']'] | [b']', b']'] | [b'\r'] if !self.is_final => return Err(Stop::More),
            [b'\n', ..] => return self.line_end(cursor, 1),
            [b'\r', b'\n', ..] => return self.line_end(cursor, 2),
            [b'\r', ..] => return self.line_end(cursor, 1),
            _ => {}
        }
        let is_end = |i: usize| match &bytes[i..] {
            [b']', b']', b'>', ..] => true,
            [b']'] | [b']', b']'] => !self.is_final && i > 0,
            [b'\n' | b'\r', ..] => true,
            _ => false,
        };
        let n = (0..bytes.len()).find(|i| is_end(*i)).unwrap_or(bytes.len());
        self.push_text(cursor, n)
    }

    fn end_tag(&mut self, cursor: &mut Cursor) -> Scan<()> {
        cursor.at += 2;
        let start = cursor.at;
        let name = cursor.name()?;
        cursor.spaces()?;
        cursor.expect(b'>')?;
        let outside = self.inners.last().map_or(0, |inner| inner.depth);
        if self.stack.len() <= outside {
            return Err(Stop::Bad(start - 2, Error::AsyncEntity));
        }
        if self.stack.last().is_none_or(|open| open != name) {
            return Err(Stop::Bad(start, Error::TagMismatch));
        }
        self.close_element();
        Ok(())
    }

    fn close_element(&mut self) {
        let Some(name) = self.stack.pop() else { return };
        let expanded = self.names.expand(&name, false).unwrap_or(name);
        self.queue.push_back(Event::EndElement { name: expanded });
        if self.names.separator.is_some() {
            let mut events = Vec::new();
            self.names.close(&mut events);
            self.queue.extend(events);
        }
        if self.stack.is_empty() && !self.is_fragment {
            self.state = State::Epilog;
        }
    }

    pub(crate) fn start_tag(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let start = cursor.at;
        cursor.at += 1;
        let name = cursor.name()?.to_string();
        let mut attributes: Vec<(String, String)> = Vec::new();
        let declared = self.dtd.attributes.get(&name);
        let mut expanded = 0;
        let is_empty = loop {
            let spaced = cursor.spaces()?;
            match cursor.peek()? {
                b'>' => {
                    cursor.at += 1;
                    break false;
                }
                b'/' => {
                    cursor.at += 1;
                    cursor.expect(b'>')?;
                    break true;
                }
                _ if !spaced => return cursor.bad(),
                _ => {}
            }
            let name_at = cursor.at;
            let name = cursor.name()?;
            cursor.spaces()?;
            cursor.expect(b'=')?;
            cursor.spaces()?;
            let value_at = cursor.at + 1;
            let text = cursor.literal()?;
            if attributes.iter().any(|a| a.0 == name) {
                return Err(Stop::Bad(name_at, Error::DuplicateAttribute));
            }
            let is_cdata = declared.and_then(|all| all.iter().find(|a| a.name == name)).is_none_or(|a| a.is_cdata);
            let value = self.dtd.attribute_value(text, value_at, is_cdata, &mut expanded)?;
            attributes.push((name.to_string(), value));
        };
        let mut specified = attributes.len();
        for attribute in declared.into_iter().flatten() {
            if let Some(default) = &attribute.default
                && !attributes.iter().any(|a| a.0 == attribute.name)
            {
                attributes.push((attribute.name.clone(), default.clone()));
            }
        }
        self.expanded += expanded;
        if self.names.separator.is_some() {
            specified = self.resolve(&name, &mut attributes, specified).map_err(|error| Stop::Bad(start, error))?;
        } else {
            self.queue.push_back(Event::StartElement { name: name.clone(), attributes, specified });
        }
        let _ = specified;
        self.stack.push(name);
        if is_empty {
            if self.state == State::Prolog {
                self.state = State::Content;
            }
            self.close_element();
        }
        Ok(())
    }

    /// Replaces names by those with URIs and pushes the events of an element's start.
    fn resolve(
        &mut self,
        name: &str,
        attributes: &mut Vec<(String, String)>,
        specified: usize,
    ) -> Result<usize, Error> {
        let is_declaration = |a: &(String, String)| a.0 == "xmlns" || a.0.starts_with("xmlns:");
        let specified = specified - attributes[..specified].iter().filter(|a| is_declaration(a)).count();
        let mut events = Vec::new();
        self.names.open(attributes, &mut events)?;
        let element = self.names.expand(name, false)?;
        let mut seen: Vec<String> = Vec::with_capacity(attributes.len());
        for attribute in attributes.iter_mut() {
            let full = self.names.expand(&attribute.0, true)?;
            if seen.contains(&full) {
                return Err(Error::DuplicateAttribute);
            }
            seen.push(full.clone());
            attribute.0 = full;
        }
        self.queue.extend(events);
        let attributes = std::mem::take(attributes);
        self.queue.push_back(Event::StartElement { name: element, attributes, specified });
        Ok(specified)
    }

    fn reference(&mut self, cursor: &mut Cursor) -> Scan<()> {
        let start = cursor.at;
        cursor.at += 1;
        let name = match cursor.reference()? {
            Reference::Char(c) => {
                self.queue.push_back(Event::Text(c.to_string()));
                return Ok(());
            }
            Reference::Entity(name) => name,
        };
        if let Some(c) = predefined(name) {
            self.queue.push_back(Event::Text(c.to_string()));
            return Ok(());
        }
        let may_be_outside = self.dtd.has_more && !self.dtd.standalone;
        let depth = self.stack.len();
        let Some(entity) = self.dtd.general.get_mut(name) else {
            if !may_be_outside {
                return Err(Stop::Bad(start, Error::UndefinedEntity));
            }
            self.queue.push_back(Event::SkippedEntity { name: name.to_string(), is_parameter: false });
            return Ok(());
        };
        if entity.is_open {
            return Err(Stop::Bad(start, Error::RecursiveEntity));
        }
        if entity.notation.is_some() {
            return Err(Stop::Bad(start, Error::BinaryEntity));
        }
        match entity.value.clone() {
            Some(_) if !self.expand_internal => {
                self.queue.push_back(Event::SkippedEntity { name: name.to_string(), is_parameter: false });
            }
            Some(text) => {
                entity.is_open = true;
                self.inners.push(Inner { name: name.to_string(), is_parameter: false, text, at: 0, depth });
            }
            None => {
                let (system, public) = (entity.system.clone(), entity.public.clone());
                self.queue.push_back(Event::ExternalEntity { context: Some(name.to_string()), system, public });
            }
        }
        Ok(())
    }
}
