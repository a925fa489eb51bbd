//! Namespaces: prefixes in scope, and names with their URIs.

use crate::{Error, Event};

const XML_URI: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations in scope.
#[derive(Clone, Debug)]
pub struct Namespaces {
    /// Between URI and local name; None without namespace processing.
    pub separator: Option<Option<char>>,
    /// Names tell their prefix too.
    pub with_prefix: bool,
    /// Prefix ("" for the default) and URI ("" for none).
    bindings: Vec<(String, String)>,
    /// Number of bindings before each open element.
    marks: Vec<usize>,
}

impl Namespaces {
    pub fn new(separator: Option<Option<char>>) -> Namespaces {
        Namespaces {
            separator,
            with_prefix: false,
            bindings: vec![("xml".to_string(), XML_URI.to_string())],
            marks: Vec::new(),
        }
    }

    fn lookup(&self, prefix: &str) -> Option<&str> {
        self.bindings.iter().rev().find(|b| b.0 == prefix).map(|b| b.1.as_str())
    }

    /// Takes the declarations out of the attributes of a new element.
    pub fn open(&mut self, attributes: &mut Vec<(String, String)>, events: &mut Vec<Event>) -> Result<(), Error> {
        self.marks.push(self.bindings.len());
        let mut error = None;
        attributes.retain(|(name, value)| {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => &rest[1..],
                _ => return true,
            };
            let problem = match (prefix, value.as_str()) {
                ("xmlns", _) => Some(Error::ReservedPrefixXmlns),
                ("xml", XML_URI) => None,
                ("xml", _) => Some(Error::ReservedPrefixXml),
                (_, XML_URI | XMLNS_URI) => Some(Error::ReservedUri),
                ("", "") => None,
                (_, "") => Some(Error::UndeclaringPrefix),
                _ => None,
            };
            error = error.or(problem);
            self.bindings.push((prefix.to_string(), value.clone()));
            let some = |s: &str| Some(s.to_string()).filter(|s| !s.is_empty());
            events.push(Event::StartNamespace { prefix: some(prefix), uri: some(value) });
            false
        });
        match error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The name with its URI.
    pub fn expand(&self, name: &str, is_attribute: bool) -> Result<String, Error> {
        let Some(separator) = self.separator else { return Ok(name.to_string()) };
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if prefix.is_empty() && is_attribute {
            return Ok(name.to_string());
        }
        let uri = match self.lookup(prefix) {
            Some(uri) => uri,
            None if prefix.is_empty() => "",
            None => return Err(Error::UnboundPrefix),
        };
        if uri.is_empty() {
            return Ok(local.to_string());
        }
        let mut out = uri.to_string();
        out.extend(separator);
        out.push_str(local);
        if self.with_prefix && !prefix.is_empty() {
            out.extend(separator);
            out.push_str(prefix);
        }
        Ok(out)
    }

    /// Ends an element.
    pub fn close(&mut self, events: &mut Vec<Event>) {
        let mark = self.marks.pop().unwrap_or(1);
        for (prefix, _) in self.bindings.drain(mark..).rev() {
            events.push(Event::EndNamespace { prefix: Some(prefix).filter(|p| !p.is_empty()) });
        }
    }
}
