//! The lines that show where a SyntaxError is.

use crate::cx::Cx;
use crate::protocol::{attr, object as obj};
use crate::types::int;
use crate::types::str::Str;
use crate::value::Value;

use super::style::Style;
use super::{safe_str, text_of};

fn attribute(cx: &mut Cx, exception: Value, name: &str) -> Option<Value> {
    let name = cx.intern(name);
    match attr::get_optional(cx, exception, name) {
        Ok(found) => found.filter(|v| !v.is_none()),
        Err(_) => {
            cx.take_exception();
            None
        }
    }
}

fn is_true(cx: &mut Cx, v: Value) -> bool {
    obj::truth(cx, v).unwrap_or_else(|_| {
        cx.take_exception();
        false
    })
}

/// For "invalid syntax" that may be a misspelt keyword: a `traceback.TracebackException` whose fields name the keyword
/// if that was it. The search compiles variants of the source, which is the library's business.
fn with_keyword_hint(cx: &mut Cx, exception: Value) -> Option<Value> {
    attribute(cx, exception, "_metadata")?;
    let msg = attribute(cx, exception, "msg")?.downcast::<Str>()?.to_string_lossy();
    if msg != "invalid syntax" && !msg.contains("Perhaps you forgot a comma") {
        return None;
    }
    let search = |cx: &mut Cx| -> crate::PyResult<Value> {
        let class = crate::protocol::import::import_attr(cx, "traceback", "TracebackException")?;
        let found = cx.call(class, &[Value::of(exception.class()), exception, Value::none()])?;
        cx.call_method_text(found, "_find_keyword_typos", &[])?;
        Ok(found)
    };
    match search(cx) {
        Ok(found) => Some(found),
        Err(_) => {
            cx.take_exception();
            None
        }
    }
}

/// The lines of SyntaxError `exception`, whose class is shown as `kind`.
pub(super) fn format(cx: &mut Cx, exception: Value, kind: &str, style: &Style) -> Vec<String> {
    let exception = with_keyword_hint(cx, exception).unwrap_or(exception);
    let mut out = Vec::new();
    let Style { file: fc, line: lc, kind: kc, message: mc, reset, .. } = *style;
    let filename = attribute(cx, exception, "filename");
    let lineno = attribute(cx, exception, "lineno");
    let end_lineno = attribute(cx, exception, "end_lineno");
    let mut suffix = String::new();
    if let Some(line) = lineno {
        let file = match filename {
            Some(file) if is_true(cx, file) => safe_str(cx, file, "exception"),
            _ => "<string>".to_string(),
        };
        let line = safe_str(cx, line, "exception");
        out.push(format!("  File {fc}\"{file}\"{reset}, line {lc}{line}{reset}\n"));
    } else if let Some(file) = filename {
        suffix = format!(" ({})", safe_str(cx, file, "exception"));
    }
    if let Some(text) = attribute(cx, exception, "text").and_then(|t| t.downcast::<Str>()) {
        let offset = attribute(cx, exception, "offset");
        let end_offset = attribute(cx, exception, "end_offset").and_then(int::as_i64);
        let same_line = match (lineno, end_lineno) {
            (None, None) => true,
            (Some(a), Some(b)) => safe_str(cx, a, "exception") == safe_str(cx, b, "exception"),
            _ => false,
        };
        let text = text_of(text);
        match offset {
            None => out.push(format!("    {}\n", stripped(&text).0)),
            Some(offset) => {
                if let Some(offset) = int::as_i64(offset) {
                    let end = if same_line { end_offset.filter(|e| *e != 0).unwrap_or(offset) } else { i64::MAX };
                    push_text(&mut out, &text, offset, end, style);
                }
            }
        }
    }
    let msg = match attribute(cx, exception, "msg") {
        Some(msg) if is_true(cx, msg) => safe_str(cx, msg, "exception"),
        _ => "<no detail available>".to_string(),
    };
    out.push(format!("{kc}{kind}{reset}: {mc}{msg}{reset}{suffix}\n"));
    out
}

/// The line without newlines at its end and white space at its start, and how many characters the latter were.
fn stripped(text: &str) -> (String, usize) {
    let right = text.trim_end_matches('\n');
    let left = right.trim_start_matches([' ', '\n', '\x0c']);
    (left.to_string(), right.chars().count() - left.chars().count())
}

/// The text of the line and carets under the columns `offset..end` (from 1).
fn push_text(out: &mut Vec<String>, text: &str, offset: i64, end: i64, style: &Style) {
    let (line, spaces) = stripped(text);
    let whole = text.chars().count() as i64;
    let behind = line.chars().count() as i64 + spaces as i64 + 1;
    let (mut offset, mut end) = (offset, if end == i64::MAX { behind } else { end });
    if whole > 0 && offset > whole {
        offset = behind;
    }
    if whole > 0 && end > whole {
        end = behind;
    }
    if offset >= end || end < 0 {
        end = offset + 1;
    }
    let (col, end_col) = (offset - 1 - spaces as i64, end - 1 - spaces as i64);
    if col < 0 {
        out.push(format!("    {line}\n"));
        return;
    }
    let chars: Vec<char> = line.chars().collect();
    let at = |i: i64| (i.max(0) as usize).min(chars.len());
    let piece = |from: usize, to: usize| chars[from..to.max(from)].iter().collect::<String>();
    let (h, r) = (style.highlight, style.reset);
    let (a, b) = (at(col), at(end_col));
    out.push(format!("    {}{h}{}{r}{}\n", piece(0, a), piece(a, b), piece(b.max(a), chars.len())));
    let space: String = chars[..a].iter().map(|c| if c.is_whitespace() { *c } else { ' ' }).collect();
    let carets = "^".repeat((end_col - col).max(0) as usize);
    out.push(format!("    {space}{h}{carets}{r}\n"));
}
