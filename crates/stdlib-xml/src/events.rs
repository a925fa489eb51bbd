//! Events to handlers.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::number;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_xml::{Error, Event, Model};

use crate::module::raise_error;
use crate::parser::XmlParser;

/// Handles events until the parser wants more input.
pub fn run(cx: &mut Cx, this: &'static XmlParser) -> PyResult<()> {
    loop {
        let event = match this.parser().next() {
            Ok(Some(event)) => event,
            Ok(None) => return flush(cx, this),
            Err(error) => {
                flush(cx, this)?;
                return Err(raise_error(cx, this, error));
            }
        };
        this.in_callback.set(true);
        let result = handle(cx, this, event);
        this.in_callback.set(false);
        if result.is_err() {
            this.parser().fail(Error::Finished);
            return result;
        }
    }
}

/// Calls the handler of text with what was buffered.
pub fn flush(cx: &mut Cx, this: &'static XmlParser) -> PyResult<()> {
    if this.waiting().is_empty() {
        return Ok(());
    }
    let text = std::mem::take(this.waiting());
    if let Some(f) = this.handler("CharacterDataHandler") {
        let text = cx.str(&text);
        cx.call(f, &[text])?;
    }
    Ok(())
}

fn text(cx: &mut Cx, this: &'static XmlParser, text: String) -> PyResult<()> {
    let Some(f) = this.handler("CharacterDataHandler") else { return default(cx, this) };
    if !this.buffer_text.get() {
        let text = cx.str(&text);
        return cx.call(f, &[text]).map(|_| ());
    }
    if this.waiting().len() + text.len() > this.buffer_size.get() {
        flush(cx, this)?;
        // The handler may have changed.
        let Some(f) = this.handler("CharacterDataHandler") else { return Ok(()) };
        if text.len() > this.buffer_size.get() {
            let text = cx.str(&text);
            return cx.call(f, &[text]).map(|_| ());
        }
    }
    this.waiting().push_str(&text);
    Ok(())
}

/// A name, the same object each time.
fn name(cx: &mut Cx, this: &'static XmlParser, text: &str) -> PyResult<Value> {
    let fresh = cx.str(text);
    let Some(names) = this.names.get() else { return Ok(fresh) };
    if let Some(known) = names.get(cx, fresh)? {
        return Ok(known);
    }
    names.set(cx, fresh, fresh)?;
    Ok(fresh)
}

fn optional(cx: &mut Cx, text: Option<&String>) -> Value {
    match text {
        Some(text) => cx.str(text),
        None => Value::none(),
    }
}

fn optional_name(cx: &mut Cx, this: &'static XmlParser, text: Option<&String>) -> PyResult<Value> {
    match text {
        Some(text) => name(cx, this, text),
        None => Ok(Value::none()),
    }
}

/// Calls the default handler with the text as it was written.
fn default(cx: &mut Cx, this: &'static XmlParser) -> PyResult<()> {
    let f = this.handler("DefaultHandlerExpand").or(this.handler("DefaultHandler"));
    let Some(f) = f else { return Ok(()) };
    flush(cx, this)?;
    let written = this.parser().written().to_string();
    if written.is_empty() {
        return Ok(());
    }
    let written = cx.str(&written);
    cx.call(f, &[written]).map(|_| ())
}

/// Calls a handler, after that of the text before.
fn invoke(cx: &mut Cx, this: &'static XmlParser, f: Value, args: &[Value]) -> PyResult<()> {
    flush(cx, this)?;
    cx.call(f, args).map(|_| ())
}

/// Calls a handler, or the default one if there is none.
fn call(cx: &mut Cx, this: &'static XmlParser, handler: &str, args: &[Value]) -> PyResult<()> {
    match this.handler(handler) {
        Some(f) => invoke(cx, this, f, args),
        None => default(cx, this),
    }
}

/// Calls a handler whose answer 0 is an error.
fn ask(cx: &mut Cx, this: &'static XmlParser, handler: &str, args: &[Value], error: Error) -> PyResult<()> {
    let Some(f) = this.handler(handler) else { return Ok(()) };
    flush(cx, this)?;
    let answer = cx.call(f, args)?;
    if number::to_i64(cx, answer)? != 0 {
        return Ok(());
    }
    this.parser().fail(error);
    Err(raise_error(cx, this, error))
}

fn model_value(cx: &mut Cx, this: &'static XmlParser, model: &Model) -> PyResult<Value> {
    let children = List::new(cx);
    for child in &model.children {
        let child = model_value(cx, this, child)?;
        children.push(cx, child);
    }
    let children = Value::of(Tuple::new(cx, children.items()));
    let name = optional_name(cx, this, model.name.as_ref())?;
    let (kind, quantifier) = (Value::small(model.kind.into()), Value::small(model.quantifier as i64));
    Ok(Value::of(Tuple::new(cx, &[kind, quantifier, name, children])))
}

fn start_element(
    cx: &mut Cx,
    this: &'static XmlParser,
    element: &str,
    attributes: &[(String, String)],
    specified: usize,
) -> PyResult<()> {
    let Some(f) = this.handler("StartElementHandler") else {
        let is_empty = this.parser().written().ends_with("/>");
        return if is_empty && this.handler("EndElementHandler").is_some() { Ok(()) } else { default(cx, this) };
    };
    let element = name(cx, this, element)?;
    let n = if this.specified_attributes.get() { specified } else { attributes.len() };
    let container = if this.ordered_attributes.get() {
        let list = List::new(cx);
        for (key, value) in &attributes[..n] {
            let key = name(cx, this, key)?;
            list.push(cx, key);
            let value = cx.str(value);
            list.push(cx, value);
        }
        Value::of(list)
    } else {
        let dict = Dict::new(cx);
        for (key, value) in &attributes[..n] {
            let key = name(cx, this, key)?;
            let value = cx.str(value);
            dict.set(cx, key, value)?;
        }
        Value::of(dict)
    };
    invoke(cx, this, f, &[element, container])
}

fn entity_declaration(cx: &mut Cx, this: &'static XmlParser, event: &Event) -> PyResult<()> {
    let Event::EntityDecl { name: entity, is_parameter, value, system, public, notation } = event else {
        return Ok(());
    };
    let entity = name(cx, this, entity)?;
    let (value, base) = (optional(cx, value.as_ref()), this.base());
    let (system, public) = (optional_name(cx, this, system.as_ref())?, optional_name(cx, this, public.as_ref())?);
    let notation_name = optional_name(cx, this, notation.as_ref())?;
    if notation.is_some() && this.handler("UnparsedEntityDeclHandler").is_some() {
        return call(cx, this, "UnparsedEntityDeclHandler", &[entity, base, system, public, notation_name]);
    }
    let is_parameter = Value::small(i64::from(*is_parameter));
    call(cx, this, "EntityDeclHandler", &[entity, is_parameter, value, base, system, public, notation_name])
}

fn handle(cx: &mut Cx, this: &'static XmlParser, event: Event) -> PyResult<()> {
    match &event {
        Event::Text(_) => {
            let Event::Text(content) = event else { return Ok(()) };
            return text(cx, this, content);
        }
        Event::StartElement { name, attributes, specified } => start_element(cx, this, name, attributes, *specified),
        Event::EndElement { name: element } => {
            let Some(f) = this.handler("EndElementHandler") else {
                let is_empty = this.parser().written().ends_with("/>");
                return if is_empty { Ok(()) } else { default(cx, this) };
            };
            let element = name(cx, this, element)?;
            invoke(cx, this, f, &[element])
        }
        Event::Comment(content) => {
            let content = cx.str(content);
            call(cx, this, "CommentHandler", &[content])
        }
        Event::Pi { target, data } => {
            let (target, data) = (name(cx, this, target)?, cx.str(data));
            call(cx, this, "ProcessingInstructionHandler", &[target, data])
        }
        Event::StartCdata => call(cx, this, "StartCdataSectionHandler", &[]),
        Event::EndCdata => call(cx, this, "EndCdataSectionHandler", &[]),
        Event::StartNamespace { prefix, uri } => {
            let Some(f) = this.handler("StartNamespaceDeclHandler") else { return Ok(()) };
            let prefix = optional_name(cx, this, prefix.as_ref())?;
            let uri = optional_name(cx, this, uri.as_ref())?;
            invoke(cx, this, f, &[prefix, uri])
        }
        Event::EndNamespace { prefix } => {
            let Some(f) = this.handler("EndNamespaceDeclHandler") else { return Ok(()) };
            let prefix = optional_name(cx, this, prefix.as_ref())?;
            invoke(cx, this, f, &[prefix])
        }
        Event::Other => default(cx, this),
        Event::UnknownEncoding(encoding) => unknown_encoding(cx, this, encoding),
        _ => handle_declaration(cx, this, &event),
    }
}

/// The events of the prolog and of entities.
fn handle_declaration(cx: &mut Cx, this: &'static XmlParser, event: &Event) -> PyResult<()> {
    match event {
        Event::XmlDecl { version, encoding, standalone } => {
            let (version, encoding) = (optional(cx, version.as_ref()), optional(cx, encoding.as_ref()));
            call(cx, this, "XmlDeclHandler", &[version, encoding, Value::small(i64::from(*standalone))])
        }
        Event::StartDoctype { name: doctype, system, public, has_internal } => {
            let doctype = name(cx, this, doctype)?;
            let system = optional_name(cx, this, system.as_ref())?;
            let public = optional_name(cx, this, public.as_ref())?;
            let has_internal = Value::small(i64::from(*has_internal));
            call(cx, this, "StartDoctypeDeclHandler", &[doctype, system, public, has_internal])
        }
        Event::EndDoctype => call(cx, this, "EndDoctypeDeclHandler", &[]),
        Event::ElementDecl { name: element, model } => {
            let (element, model) = (name(cx, this, element)?, model_value(cx, this, model)?);
            call(cx, this, "ElementDeclHandler", &[element, model])
        }
        Event::AttlistDecl { element, name: attribute, kind, default, required } => {
            let (element, attribute) = (name(cx, this, element)?, name(cx, this, attribute)?);
            let (kind, default) = (cx.str(kind), optional(cx, default.as_ref()));
            let required = Value::small(i64::from(*required));
            call(cx, this, "AttlistDeclHandler", &[element, attribute, kind, default, required])
        }
        Event::EntityDecl { .. } => entity_declaration(cx, this, event),
        Event::NotationDecl { name: notation, system, public } => {
            let notation = name(cx, this, notation)?;
            let system = optional_name(cx, this, system.as_ref())?;
            let public = optional_name(cx, this, public.as_ref())?;
            call(cx, this, "NotationDeclHandler", &[notation, this.base(), system, public])
        }
        Event::ExternalEntity { context, system, public } => {
            if this.handler("ExternalEntityRefHandler").is_none() {
                return default(cx, this);
            }
            let context = optional(cx, context.as_ref());
            let system = optional_name(cx, this, system.as_ref())?;
            let public = optional_name(cx, this, public.as_ref())?;
            let args = [context, this.base(), system, public];
            ask(cx, this, "ExternalEntityRefHandler", &args, Error::ExternalEntityHandling)
        }
        Event::SkippedEntity { name: entity, is_parameter } => {
            let entity = name(cx, this, entity)?;
            call(cx, this, "SkippedEntityHandler", &[entity, Value::small(i64::from(*is_parameter))])
        }
        Event::NotStandalone => ask(cx, this, "NotStandaloneHandler", &[], Error::NotStandalone),
        _ => Ok(()),
    }
}

/// Asks the codec for the characters of all bytes.
fn unknown_encoding(cx: &mut Cx, this: &'static XmlParser, encoding: &str) -> PyResult<()> {
    let all: Vec<u8> = (0..=255).collect();
    let all = Value::of(Bytes::new(cx, &all));
    let (encoding_name, errors) = (cx.str(encoding), cx.str("replace"));
    let decoded = cx.call_method_text(all, "decode", &[encoding_name, errors])?;
    let Some(s) = decoded.downcast::<Str>().filter(|s| s.len() == 256) else {
        return raise!(cx, ValueError, "multi-byte encodings are not supported");
    };
    let mut map = [char::REPLACEMENT_CHARACTER; 256];
    for (place, c) in map.iter_mut().zip(s.chars()) {
        *place = char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    if this.parser().set_encoding_map(map) {
        return Ok(());
    }
    this.parser().fail(Error::UnknownEncoding);
    Err(raise_error(cx, this, Error::UnknownEncoding))
}
