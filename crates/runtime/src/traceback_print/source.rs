//! Source lines for tracebacks.
//!
//! A line comes from the first of: the `linecache` module's table, if Python code has loaded it; the runtime's table of
//! sources that come from no file; the file itself, also looked for along `sys.path` if its name is relative.

use std::collections::HashMap;
use std::rc::Rc;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::protocol::attr;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;

/// Lines of the files seen while one exception is printed.
#[derive(Default)]
pub(super) struct Sources {
    files: HashMap<String, Option<Rc<[String]>>>,
}

impl Sources {
    /// Line `number` (from 1) without what is white at its end; empty if it cannot be had.
    pub fn line(&mut self, cx: &mut Cx, file: &str, number: u32) -> String {
        if !self.files.contains_key(file) {
            let lines = load(cx, file);
            self.files.insert(file.to_string(), lines);
        }
        let lines = self.files.get(file).and_then(|l| l.as_ref());
        let line = lines.and_then(|l| l.get((number as usize).wrapping_sub(1)));
        line.map_or(String::new(), |l| l.trim_end().to_string())
    }
}

fn split(text: &str) -> Rc<[String]> {
    text.split('\n').map(|l| l.trim_end_matches('\r').to_string()).collect()
}

fn load(cx: &mut Cx, file: &str) -> Option<Rc<[String]>> {
    if let Some(lines) = from_linecache(cx, file) {
        return Some(lines);
    }
    if let Some(text) = cx.rt().sources.borrow().get(file) {
        return Some(split(text));
    }
    if file.starts_with('<') && file.ends_with('>') {
        return None;
    }
    let bytes = std::fs::read(file).ok().or_else(|| from_path(cx, file))?;
    Some(split(&decode(&bytes)))
}

/// UTF-8, or Latin-1 if a coding comment says so; other encodings show what is ASCII in them.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: Vec<&[u8]> = bytes.splitn(3, |b| *b == b'\n').take(2).collect();
    let latin = head.iter().any(|line| {
        let line = String::from_utf8_lossy(line).to_lowercase();
        line.trim_start().starts_with('#')
            && line.contains("coding")
            && (line.contains("latin") || line.contains("8859-1"))
    });
    if latin {
        return bytes.iter().map(|b| *b as char).collect();
    }
    String::from_utf8_lossy(bytes).into_owned()
}

fn from_path(cx: &mut Cx, file: &str) -> Option<Vec<u8>> {
    if file.starts_with('/') {
        return None;
    }
    let key = cx.intern("path");
    let path = cx.rt().sys.get()?.get_str(key)?.downcast::<List>()?;
    for i in 0..path.len() {
        let Some(folder) = path.get(i).and_then(|f| f.downcast::<Str>()) else { continue };
        let candidate = std::path::Path::new(&folder.to_string_lossy()).join(file);
        if let Ok(bytes) = std::fs::read(candidate) {
            return Some(bytes);
        }
    }
    None
}

/// `linecache.cache[file][2]`, if that module is loaded and the entry is complete.
fn from_linecache(cx: &mut Cx, file: &str) -> Option<Rc<[String]>> {
    let key = cx.intern("linecache");
    let module = cx.rt().modules.get()?.get_str(key)?.downcast::<Module>()?;
    let name = cx.intern("cache");
    let cache = match attr::get_optional(cx, Value::of(module), name) {
        Ok(found) => found?.downcast::<Dict>()?,
        Err(_) => {
            cx.take_exception();
            return None;
        }
    };
    let file = Str::new(cx, file);
    let entry = cache.get_str(file)?.downcast::<Tuple>()?;
    let [_, _, lines, _] = entry.items() else { return None };
    let lines = lines.downcast::<List>()?;
    let text = |v: &Value| v.downcast::<Str>().map_or(String::new(), |s| super::text_of(s));
    Some(lines.items().iter().map(|l| text(l).trim_end_matches('\n').to_string()).collect())
}
