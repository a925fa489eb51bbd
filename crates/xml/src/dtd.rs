//! The internal DTD subset.

use std::collections::HashMap;

use crate::chars::{collapse_spaces, is_public_id, normalize_spaces};
use crate::markup::{Cursor, Reference, Scan, Stop, normalize_lines};
use crate::{Error, Event};

/// How often a particle occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Quantifier {
    One = 0,
    Optional = 1,
    Any = 2,
    Many = 3,
}

/// A content model. `kind` is expat's number: 1 EMPTY, 2 ANY, 3 mixed, 4 name, 5 choice, 6 sequence.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Model {
    pub kind: i32,
    pub quantifier: Quantifier,
    pub name: Option<String>,
    pub children: Vec<Model>,
}

/// An entity.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Replacement text of an internal one.
    pub value: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
    /// Of an unparsed one.
    pub notation: Option<String>,
    /// Its text is being read.
    pub is_open: bool,
}

/// A declared attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: String,
    pub is_cdata: bool,
    pub default: Option<String>,
}

/// What declarations said.
#[derive(Clone, Debug, Default)]
pub struct Dtd {
    pub general: HashMap<String, Entity>,
    pub parameter: HashMap<String, Entity>,
    pub attributes: HashMap<String, Vec<Attribute>>,
    /// There is something outside that may declare more.
    pub has_more: bool,
    pub standalone: bool,
    /// Declarations that no longer count, because a parameter entity was not read.
    pub keep_processing: bool,
    pub exists: bool,
}

/// Content models nested deeper are refused.
const MAX_DEPTH: usize = 1000;

/// Public and system identifier.
type Ids = (Option<String>, Option<String>);

fn external_id(cursor: &mut Cursor, system_needed: bool) -> Scan<Option<Ids>> {
    if cursor.eat_word("SYSTEM")? {
        cursor.need_spaces()?;
        return Ok(Some((None, Some(cursor.literal()?.to_string()))));
    }
    if !cursor.eat_word("PUBLIC")? {
        return Ok(None);
    }
    cursor.need_spaces()?;
    let start = cursor.at;
    let public = cursor.literal()?;
    if !public.chars().all(is_public_id) {
        return Err(Stop::Bad(start, Error::PublicId));
    }
    let public = normalize_spaces(public);
    let spaced = cursor.spaces()?;
    if matches!(cursor.peek()?, b'"' | b'\'') {
        if !spaced {
            return cursor.bad();
        }
        return Ok(Some((Some(public), Some(cursor.literal()?.to_string()))));
    }
    if system_needed {
        return Err(Stop::Bad(cursor.at, Error::Syntax));
    }
    Ok(Some((Some(public), None)))
}

/// `<!DOCTYPE name ids`, from behind the keyword up to `[` or `>`.
pub fn doctype(cursor: &mut Cursor) -> Scan<Event> {
    cursor.need_spaces()?;
    let name = cursor.name()?.to_string();
    let spaced = cursor.spaces()?;
    let ids = if spaced { external_id(cursor, true)? } else { None };
    cursor.spaces()?;
    let (public, system) = ids.unwrap_or_default();
    let has_internal = match cursor.peek()? {
        b'[' => true,
        b'>' => false,
        _ => return Err(Stop::Bad(cursor.at, Error::Syntax)),
    };
    cursor.at += 1;
    Ok(Event::StartDoctype { name, system, public, has_internal })
}

impl Dtd {
    /// A declaration, from behind `<!` on.
    pub fn declaration(&mut self, cursor: &mut Cursor, events: &mut Vec<Event>) -> Scan<()> {
        let start = cursor.at - 2;
        let keyword = cursor.name()?;
        match keyword {
            "ELEMENT" => element(cursor, events),
            "ATTLIST" => self.attlist(cursor, events),
            "ENTITY" => self.entity(cursor, events),
            "NOTATION" => notation(cursor, events),
            _ => Err(Stop::Bad(start, Error::Syntax)),
        }
    }

    fn entity(&mut self, cursor: &mut Cursor, events: &mut Vec<Event>) -> Scan<()> {
        cursor.need_spaces()?;
        let is_parameter = cursor.eat(b'%')?;
        if is_parameter {
            cursor.need_spaces()?;
        }
        let name = cursor.name()?.to_string();
        cursor.need_spaces()?;
        let mut entity = Entity { value: None, system: None, public: None, notation: None, is_open: false };
        match external_id(cursor, true)? {
            Some((public, system)) => {
                (entity.public, entity.system) = (public, system);
                let spaced = cursor.spaces()?;
                if cursor.eat_word("NDATA")? {
                    if !spaced || is_parameter {
                        return cursor.bad();
                    }
                    cursor.need_spaces()?;
                    entity.notation = Some(cursor.name()?.to_string());
                }
            }
            None => {
                let start = cursor.at + 1;
                let text = cursor.literal()?;
                entity.value = Some(self.entity_value(text, start, 0)?);
            }
        }
        cursor.spaces()?;
        cursor.expect(b'>')?;
        let Entity { value, system, public, notation, .. } = entity.clone();
        let table = if is_parameter { &mut self.parameter } else { &mut self.general };
        // The first declaration counts.
        if !table.contains_key(&name) {
            table.insert(name.clone(), entity);
            events.push(Event::EntityDecl { name, is_parameter, value, system, public, notation });
        } else {
            events.push(Event::Other);
        }
        Ok(())
    }

    /// An entity's value: character references and parameter entities are replaced, general references stay.
    fn entity_value(&self, text: &str, start: usize, depth: usize) -> Scan<String> {
        let text = &normalize_lines(text);
        let mut cursor = Cursor::new(text, 0);
        let shift = |stop| match stop {
            Stop::More => Stop::Bad(start, Error::InvalidToken),
            Stop::Bad(at, error) => Stop::Bad(start + at, error),
        };
        let mut out = String::new();
        while let Some(c) = cursor.rest().chars().next() {
            cursor.at += c.len_utf8();
            match c {
                '&' => {
                    let at = cursor.at - 1;
                    match cursor.reference().map_err(shift)? {
                        Reference::Char(c) => out.push(c),
                        Reference::Entity(_) => out.push_str(&text[at..cursor.at]),
                    }
                }
                // Within the internal subset no parameter entity may be used inside a declaration.
                '%' if depth == 0 => return Err(Stop::Bad(start + cursor.at - 1, Error::ParamEntityRef)),
                c => out.push(c),
            }
        }
        Ok(out)
    }

    fn attlist(&mut self, cursor: &mut Cursor, events: &mut Vec<Event>) -> Scan<()> {
        cursor.need_spaces()?;
        let element = cursor.name()?.to_string();
        let mut new = Vec::new();
        loop {
            let spaced = cursor.spaces()?;
            if cursor.eat(b'>')? {
                break;
            }
            if !spaced {
                return cursor.bad();
            }
            let name = cursor.name()?.to_string();
            cursor.need_spaces()?;
            let kind = attribute_type(cursor)?;
            cursor.need_spaces()?;
            let (mut default, mut required, mut fixed) = (None, false, false);
            if cursor.eat(b'#')? {
                match cursor.name()? {
                    "REQUIRED" => required = true,
                    "IMPLIED" => {}
                    "FIXED" => {
                        cursor.need_spaces()?;
                        (required, fixed) = (true, true);
                    }
                    _ => return cursor.bad(),
                }
            } else {
                fixed = true;
            }
            if fixed {
                let start = cursor.at + 1;
                let text = cursor.literal()?;
                default = Some(self.attribute_value(text, start, kind == "CDATA", &mut 0)?);
            }
            new.push((name, kind, default, required));
        }
        for (name, kind, default, required) in new {
            let list = self.attributes.entry(element.clone()).or_default();
            if !list.iter().any(|a| a.name == name) {
                list.push(Attribute { name: name.clone(), is_cdata: kind == "CDATA", default: default.clone() });
                events.push(Event::AttlistDecl { element: element.clone(), name, kind, default, required });
            }
        }
        Ok(())
    }

    /// An attribute's value with its references replaced and its white space normalised. `expanded` counts what
    /// entities gave.
    pub fn attribute_value(&self, text: &str, start: usize, is_cdata: bool, expanded: &mut usize) -> Scan<String> {
        let mut out = String::new();
        self.push_value(text, Some(start), &mut Vec::new(), &mut out, expanded)?;
        Ok(if is_cdata { out } else { collapse_spaces(&out) })
    }

    fn push_value<'a>(
        &'a self,
        text: &'a str,
        start: Option<usize>,
        open: &mut Vec<&'a str>,
        out: &mut String,
        expanded: &mut usize,
    ) -> Scan<()> {
        let origin = start.unwrap_or(0);
        let bad = |at: usize, error| Stop::Bad(start.map_or(origin, |s| s + at), error);
        let mut cursor = Cursor::new(text, 0);
        while let Some(c) = cursor.rest().chars().next() {
            let at = cursor.at;
            cursor.at += c.len_utf8();
            match c {
                '<' => return Err(bad(at, Error::InvalidToken)),
                '\r' if cursor.rest().starts_with('\n') => {}
                '\t' | '\n' | '\r' => out.push(' '),
                '&' => {
                    let reference = cursor.reference().map_err(|stop| match stop {
                        Stop::More => bad(text.len(), Error::InvalidToken),
                        Stop::Bad(at, error) => bad(at, error),
                    })?;
                    let name = match reference {
                        Reference::Char(c) => {
                            out.push(c);
                            continue;
                        }
                        Reference::Entity(name) => name,
                    };
                    if let Some(c) = crate::markup::predefined(name) {
                        out.push(c);
                        continue;
                    }
                    let Some(entity) = self.general.get(name) else {
                        if self.has_more && !self.standalone {
                            continue;
                        }
                        return Err(bad(at, Error::UndefinedEntity));
                    };
                    if entity.notation.is_some() {
                        return Err(bad(at, Error::BinaryEntity));
                    }
                    let Some(value) = &entity.value else { return Err(bad(at, Error::AttributeExternalEntity)) };
                    if entity.is_open || open.contains(&name) || open.len() > 200 {
                        return Err(bad(at, Error::RecursiveEntity));
                    }
                    *expanded += value.len();
                    if *expanded > 64 << 20 {
                        return Err(bad(at, Error::Amplification));
                    }
                    open.push(name);
                    let inner = self.push_value(value, None, open, out, expanded);
                    open.pop();
                    inner.map_err(|stop| match stop {
                        Stop::More => bad(at, Error::InvalidToken),
                        Stop::Bad(_, error) => bad(at, error),
                    })?;
                }
                c => out.push(c),
            }
        }
        Ok(())
    }
}

fn attribute_type(cursor: &mut Cursor) -> Scan<String> {
    const TYPES: [&str; 8] = ["CDATA", "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES", "NMTOKEN", "NMTOKENS"];
    let mut prefix = "";
    if cursor.peek()? != b'(' {
        let start = cursor.at;
        let name = cursor.name()?;
        if TYPES.contains(&name) {
            return Ok(name.to_string());
        }
        if name != "NOTATION" {
            return Err(Stop::Bad(start, Error::Syntax));
        }
        cursor.need_spaces()?;
        prefix = "NOTATION";
    }
    cursor.expect(b'(')?;
    let mut tokens = Vec::new();
    loop {
        cursor.spaces()?;
        tokens.push(if prefix.is_empty() { cursor.name_token()? } else { cursor.name()? });
        cursor.spaces()?;
        if cursor.eat(b')')? {
            break;
        }
        cursor.expect(b'|')?;
    }
    Ok(format!("{prefix}({})", tokens.join("|")))
}

fn notation(cursor: &mut Cursor, events: &mut Vec<Event>) -> Scan<()> {
    cursor.need_spaces()?;
    let name = cursor.name()?.to_string();
    cursor.need_spaces()?;
    let Some((public, system)) = external_id(cursor, false)? else {
        return Err(Stop::Bad(cursor.at, Error::Syntax));
    };
    cursor.spaces()?;
    cursor.expect(b'>')?;
    events.push(Event::NotationDecl { name, system, public });
    Ok(())
}

fn element(cursor: &mut Cursor, events: &mut Vec<Event>) -> Scan<()> {
    cursor.need_spaces()?;
    let name = cursor.name()?.to_string();
    cursor.need_spaces()?;
    let model = if cursor.peek()? == b'(' {
        group(cursor, 0)?
    } else {
        let start = cursor.at;
        let kind = match cursor.name()? {
            "EMPTY" => 1,
            "ANY" => 2,
            _ => return Err(Stop::Bad(start, Error::Syntax)),
        };
        Model { kind, quantifier: Quantifier::One, name: None, children: Vec::new() }
    };
    cursor.spaces()?;
    cursor.expect(b'>')?;
    events.push(Event::ElementDecl { name, model });
    Ok(())
}

fn quantifier(cursor: &mut Cursor) -> Scan<Quantifier> {
    let quantifier = match cursor.peek()? {
        b'?' => Quantifier::Optional,
        b'*' => Quantifier::Any,
        b'+' => Quantifier::Many,
        _ => return Ok(Quantifier::One),
    };
    cursor.at += 1;
    Ok(quantifier)
}

fn group(cursor: &mut Cursor, depth: usize) -> Scan<Model> {
    if depth > MAX_DEPTH {
        return Err(Stop::Bad(cursor.at, Error::TooDeep));
    }
    cursor.expect(b'(')?;
    cursor.spaces()?;
    let mut children = Vec::new();
    let mut kind = 0;
    if cursor.eat_word("#PCDATA")? {
        kind = 3;
        cursor.spaces()?;
    } else {
        children.push(particle(cursor, depth)?);
        cursor.spaces()?;
    }
    loop {
        let separator = cursor.peek()?;
        let own = match separator {
            b')' => break,
            b'|' if kind == 3 => 3,
            b'|' => 5,
            b',' => 6,
            _ => return cursor.bad(),
        };
        if kind != 0 && kind != own {
            return Err(Stop::Bad(cursor.at, Error::Syntax));
        }
        kind = own;
        cursor.at += 1;
        cursor.spaces()?;
        children.push(particle(cursor, depth)?);
        cursor.spaces()?;
    }
    cursor.at += 1;
    let quantifier = quantifier(cursor)?;
    if kind == 3 && !children.is_empty() && quantifier != Quantifier::Any {
        return Err(Stop::Bad(cursor.at, Error::Syntax));
    }
    Ok(Model { kind: if kind == 0 { 6 } else { kind }, quantifier, name: None, children })
}

fn particle(cursor: &mut Cursor, depth: usize) -> Scan<Model> {
    if cursor.peek()? == b'(' {
        return group(cursor, depth + 1);
    }
    let name = Some(cursor.name()?.to_string());
    Ok(Model { kind: 4, quantifier: quantifier(cursor)?, name, children: Vec::new() })
}
