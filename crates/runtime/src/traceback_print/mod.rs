//! Printing of exceptions as CPython's `traceback` module does, natively.
//!
//! An exception with its causes, contexts and group members is first turned into a [`Report`] per exception (running
//! `str()` and the like, whose errors are caught), then the reports are laid out.

mod anchors;
mod source;
mod stack;
mod style;
mod suggest;
mod syntax;
mod tokens;
pub mod unraisable;

pub use style::Style;

use crate::cx::Cx;
use crate::exceptions::{self, Exception};
use crate::heap::RootVec;
use crate::protocol::{attr, iter, object as obj};
use crate::types::bytes::Bytes;
use crate::types::exception_group;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::value::Value;
use source::Sources;

/// Members of a group that are shown.
const MAX_GROUP_WIDTH: usize = 15;
/// Groups inside groups that are shown.
const MAX_GROUP_DEPTH: usize = 10;
const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

/// Text of a str for printing; lone surrogates as `\udc80`, as standard error shows them.
pub fn text_of(s: &Str) -> String {
    if let Some(ascii) = s.as_ascii() {
        return ascii.to_string();
    }
    let mut out = String::new();
    for c in s.chars() {
        match char::from_u32(c) {
            Some(c) => out.push(c),
            None => out.push_str(&format!("\\u{c:04x}")),
        }
    }
    out
}

/// `str(v)`, or a replacement if that raises.
pub fn safe_str(cx: &mut Cx, v: Value, what: &str) -> String {
    match obj::str(cx, v) {
        Ok(s) => text_of(s),
        Err(_) => {
            cx.take_exception();
            format!("<{what} str() failed>")
        }
    }
}

fn safe_repr(cx: &mut Cx, v: Value, what: &str) -> String {
    match obj::repr(cx, v) {
        Ok(s) => text_of(s),
        Err(_) => {
            cx.take_exception();
            format!("<{what} repr() failed>")
        }
    }
}

/// The class of an exception as it is printed: with its module unless that is `__main__` or `builtins`.
pub fn class_name(cx: &mut Cx, v: Value) -> String {
    let class = v.class();
    let qualname = class.data().qualname.get().downcast::<Str>().map(text_of).unwrap_or_default();
    let key = cx.names().__module__;
    let module = match class.spec() {
        Some(spec) => spec.name.rsplit_once('.').map_or("builtins".to_string(), |(m, _)| m.to_string()),
        None => match attr::get_optional(cx, Value::of(class), key) {
            Ok(found) => found.and_then(|m| m.downcast::<Str>()).map_or("<unknown>".to_string(), text_of),
            Err(_) => {
                cx.take_exception();
                "<unknown>".to_string()
            }
        },
    };
    if module == "__main__" || module == "builtins" { qualname } else { format!("{module}.{qualname}") }
}

/// One exception, ready to be laid out. Others are referred to by number.
struct Report {
    stack: Vec<String>,
    message: Vec<String>,
    cause: Option<usize>,
    context: Option<usize>,
    suppress_context: bool,
    members: Option<Vec<usize>>,
}

struct Reports<'a> {
    all: Vec<Report>,
    /// The exception of each report; also keeps them alive.
    exceptions: RootVec,
    sources: Sources,
    limit: Option<usize>,
    style: &'a Style,
}

/// The text of an exception with its traceback, causes, contexts and group members.
pub fn format_exception(cx: &mut Cx, exception: Value, style: &Style) -> String {
    let tb = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
    format_with_traceback(cx, exception, tb, style)
}

/// As [`format_exception`], with a traceback that need not be the exception's own.
pub fn format_with_traceback(cx: &mut Cx, exception: Value, tb: Option<Value>, style: &Style) -> String {
    let saved = cx.exception().map(|_| cx.take_exception());
    let limit = traceback_limit(cx);
    let sources = Sources::default();
    let mut reports = Reports { all: Vec::new(), exceptions: RootVec::new(), sources, limit, style };
    reports.build(cx, exception, tb);
    let mut layout = Layout { reports: &reports.all, depth: 0, need_close: false, out: String::new() };
    layout.chain(0);
    let text = layout.out;
    if let Some(saved) = saved {
        cx.raise_again(saved);
    }
    text
}

/// Appends the text of an exception to `sink`.
pub fn print_exception(cx: &mut Cx, exception: Value, style: &Style, sink: &mut String) {
    sink.push_str(&format_exception(cx, exception, style));
}

/// The last line or lines of an exception's text: its class and message, without traceback.
pub fn format_exception_only(cx: &mut Cx, exception: Value) -> String {
    let saved = cx.exception().map(|_| cx.take_exception());
    let text = message_lines(cx, exception, None, &Style::PLAIN).concat();
    if let Some(saved) = saved {
        cx.raise_again(saved);
    }
    text
}

/// The entries of a traceback alone, as text.
pub fn format_traceback(cx: &mut Cx, tb: Option<&'static Traceback>, style: &Style) -> String {
    stack::format(cx, tb, None, &mut Sources::default(), style).concat()
}

fn traceback_limit(cx: &mut Cx) -> Option<usize> {
    let key = cx.intern("tracebacklimit");
    let limit = cx.rt().sys.get()?.get_str(key)?;
    if crate::types::int::view(limit).is_some_and(|n| n.negative) {
        return Some(0);
    }
    crate::types::int::as_i64(limit).map(|n| n as usize)
}

impl Reports<'_> {
    /// Makes the reports of an exception and of everything it refers to.
    fn build(&mut self, cx: &mut Cx, exception: Value, tb: Option<Value>) {
        let first = self.add(cx, exception, tb);
        let mut queue = vec![first];
        while let Some(at) = queue.pop() {
            let Some(e) = self.exceptions[at].downcast::<Exception>() else { continue };
            let cause = e.cause.get().and_then(|c| self.add_new(cx, c));
            let wanted = cause.is_none() && !e.suppress_context.get();
            let context = e.context.get().filter(|_| wanted).and_then(|c| self.add_new(cx, c));
            let mut members = None;
            if exception_group::is_group(Value::of(e)) {
                let items = exception_group::exceptions_of(cx, Value::of(e)).items();
                members = Some(items.iter().map(|item| self.add_own(cx, *item)).collect::<Vec<_>>());
            }
            queue.extend(cause);
            queue.extend(context);
            queue.extend(members.iter().flatten());
            let report = &mut self.all[at];
            (report.cause, report.context, report.members) = (cause, context, members);
        }
    }

    /// A report of an exception that has none yet.
    fn add_new(&mut self, cx: &mut Cx, exception: Value) -> Option<usize> {
        if self.exceptions.contains(&exception) { None } else { Some(self.add_own(cx, exception)) }
    }

    fn add_own(&mut self, cx: &mut Cx, exception: Value) -> usize {
        let tb = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
        self.add(cx, exception, tb)
    }

    fn add(&mut self, cx: &mut Cx, exception: Value, tb: Option<Value>) -> usize {
        self.exceptions.push(exception);
        let at = self.all.len();
        let tb = tb.and_then(|t| t.exact::<Traceback>());
        let stack = stack::format(cx, tb, self.limit, &mut self.sources, self.style);
        let message = message_lines(cx, exception, tb, self.style);
        let suppress_context = exception.downcast::<Exception>().is_some_and(|e| e.suppress_context.get());
        self.all.push(Report { stack, message, cause: None, context: None, suppress_context, members: None });
        at
    }
}

/// Class, message and notes of an exception, in lines.
fn message_lines(cx: &mut Cx, exception: Value, tb: Option<&'static Traceback>, style: &Style) -> Vec<String> {
    let name = class_name(cx, exception);
    let mut out = Vec::new();
    if exception.is_instance(&exceptions::SyntaxError) {
        out = syntax::format(cx, exception, &name, style);
    } else {
        let mut message = safe_str(cx, exception, "exception");
        message.push_str(&suggest::hint(cx, exception, tb));
        let Style { kind, message: mc, reset, .. } = *style;
        if message.is_empty() {
            out.push(format!("{kind}{name}{reset}\n"));
        } else {
            out.push(format!("{kind}{name}{reset}: {mc}{message}{reset}\n"));
        }
    }
    push_notes(cx, exception, &mut out);
    out
}

fn push_notes(cx: &mut Cx, exception: Value, out: &mut Vec<String>) {
    let key = cx.names().__notes__;
    let notes = match attr::get_optional(cx, exception, key) {
        Ok(None) => return,
        Ok(Some(notes)) if notes.is_none() => return,
        Ok(Some(notes)) => notes,
        Err(_) => {
            let error = cx.take_exception();
            let text = safe_repr(cx, error, "__notes__");
            out.push(format!("Ignored error getting __notes__: {text}\n"));
            return;
        }
    };
    let is_text = notes.downcast::<Str>().is_some() || notes.downcast::<Bytes>().is_some();
    let is_sequence = notes.class().has(crate::typeobj::flags::SEQUENCE)
        || notes.downcast::<crate::types::list::List>().is_some()
        || notes.downcast::<crate::types::tuple::Tuple>().is_some();
    if !is_sequence || is_text {
        out.push(format!("{}\n", safe_repr(cx, notes, "__notes__")));
        return;
    }
    match iter::collect(cx, notes) {
        Ok(items) => {
            for note in items.iter() {
                let text = safe_str(cx, *note, "note");
                out.extend(text.split('\n').map(|line| format!("{line}\n")));
            }
        }
        Err(_) => {
            cx.take_exception();
        }
    }
}

/// Puts reports together: chains of causes, boxes around groups.
struct Layout<'a> {
    reports: &'a [Report],
    /// Groups around what is being printed.
    depth: usize,
    /// The innermost group's box is still to be closed.
    need_close: bool,
    out: String,
}

impl Layout<'_> {
    fn indent(&self) -> String {
        " ".repeat(2 * self.depth)
    }

    fn emit(&mut self, text: &str, margin: char) {
        let prefix = if self.depth == 0 { String::new() } else { format!("{}{margin} ", self.indent()) };
        for line in text.split_inclusive('\n') {
            self.out.push_str(&prefix);
            self.out.push_str(line);
        }
    }

    fn emit_all(&mut self, texts: &[String]) {
        for text in texts {
            self.emit(text, '|');
        }
    }

    /// An exception after what it was caused by or raised in the handling of.
    fn chain(&mut self, at: usize) {
        let mut links = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next {
            let report = &self.reports[at];
            let link = match (report.cause, report.context) {
                (Some(cause), _) => Some((CAUSE, cause)),
                (None, Some(context)) if !report.suppress_context => Some((CONTEXT, context)),
                _ => None,
            };
            links.push((link.map(|l| l.0), at));
            next = link.map(|l| l.1);
        }
        for (message, at) in links.into_iter().rev() {
            if let Some(message) = message {
                self.emit(message, '|');
            }
            self.single(at);
        }
    }

    fn single(&mut self, at: usize) {
        let reports = self.reports;
        let report = &reports[at];
        let Some(members) = &report.members else {
            if !report.stack.is_empty() {
                self.emit("Traceback (most recent call last):\n", '|');
                self.emit_all(&report.stack);
            }
            self.emit_all(&report.message);
            return;
        };
        if self.depth > MAX_GROUP_DEPTH {
            self.emit(&format!("... (max_group_depth is {MAX_GROUP_DEPTH})\n"), '|');
            return;
        }
        let outermost = self.depth == 0;
        if outermost {
            self.depth = 1;
        }
        if !report.stack.is_empty() {
            let margin = if outermost { '+' } else { '|' };
            self.emit("Exception Group Traceback (most recent call last):\n", margin);
            self.emit_all(&report.stack);
        }
        self.emit_all(&report.message);
        self.members(members);
        if outermost {
            self.depth = 0;
        }
    }

    fn members(&mut self, members: &[usize]) {
        let shown = if members.len() <= MAX_GROUP_WIDTH { members.len() } else { MAX_GROUP_WIDTH + 1 };
        self.need_close = false;
        for (i, member) in members.iter().enumerate().take(shown) {
            let last = i == shown - 1;
            if last {
                // A group inside may close this box with its own.
                self.need_close = true;
            }
            let title = if i < MAX_GROUP_WIDTH { (i + 1).to_string() } else { "...".to_string() };
            let corner = if i == 0 { "+-" } else { "  " };
            let head = format!("{}{corner}+---------------- {title} ----------------\n", self.indent());
            self.out.push_str(&head);
            self.depth += 1;
            if i < MAX_GROUP_WIDTH {
                self.chain(*member);
            } else {
                let more = members.len() - MAX_GROUP_WIDTH;
                let s = if more > 1 { "s" } else { "" };
                self.emit(&format!("and {more} more exception{s}\n"), '|');
            }
            if last && self.need_close {
                let foot = format!("{}+------------------------------------\n", self.indent());
                self.out.push_str(&foot);
                self.need_close = false;
            }
            self.depth -= 1;
        }
    }
}
