//! `sub`, `subn`, `Match.expand` and compiled replacement templates.

use taipan_gc::Marker;
use taipan_runtime::heap::RootVec;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, with_units};

use super::engine::Scratch;
use super::matches::Match;
use super::pattern::{Pattern, Progress};
use super::subject::Subject;

/// A compiled template: literal, group, literal, ..., literal.
#[repr(C)]
pub struct Template {
    header: Header,
    parts: &'static Tuple,
}
object!(Template, TEMPLATE);

/// The type of templates.
pub static TEMPLATE: Type = Type::new(&TEMPLATE_SPEC);
static TEMPLATE_SPEC: TypeSpec = TypeSpec {
    name: "_sre.SRE_Template",
    basicsize: std::mem::size_of::<Template>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_template),
    ..TypeSpec::DEFAULT
};

unsafe fn trace_template(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for templates only.
    marker.mark_value(Value::of(unsafe { (*object.cast::<Template>()).parts }).bits());
}

impl Template {
    /// The template of a list as `re._parser.parse_template` gives it. May collect.
    pub fn new(cx: &mut Cx, list: &'static List) -> PyResult<&'static Template> {
        let parts = Tuple::new(cx, list.items());
        if parts.len() % 2 == 0 {
            return raise!(cx, TypeError, "invalid template");
        }
        for group in parts.items().iter().skip(1).step_by(2) {
            if !int::check(*group) {
                return raise!(cx, TypeError, "an integer is required");
            }
            if int::as_i64(*group).is_none_or(|n| !(0..=super::opcodes::MAXGROUPS).contains(&n)) {
                return raise!(cx, TypeError, "invalid template");
            }
        }
        Ok(cx.alloc(Template { header: Header::fresh(&TEMPLATE), parts }))
    }

    /// The text, if it has no groups.
    fn literal(&self) -> Option<Value> {
        match self.parts.items() {
            [literal] => Some(*literal),
            _ => None,
        }
    }
}

/// What each match is replaced by.
enum Replacement {
    Literal(Value),
    Template(&'static Template),
    Call(Value),
}

/// The module `re`, which need not be imported yet by those who use `_sre` directly.
fn import_re(cx: &mut Cx) -> PyResult<Value> {
    let name = cx.intern("re");
    if let Some(re) = cx.rt().modules.get().and_then(|modules| modules.get_str(name)) {
        return Ok(re);
    }
    let import = cx.intern("__import__");
    match cx.rt().builtins.get().and_then(|builtins| builtins.get_str(import)) {
        Some(import) => cx.call(import, &[Value::of(name)]),
        None => raise!(cx, ImportError, "__import__ not found"),
    }
}

/// The template of `repl`, from the cache of `re`.
fn compile_template(cx: &mut Cx, pattern: &'static Pattern, repl: Value) -> PyResult<Replacement> {
    let compile = |cx: &mut Cx, repl: Value| {
        let re = import_re(cx)?;
        cx.call_method_text(re, "_compile_template", &[Value::of(pattern), repl])
    };
    let made = match compile(cx, repl) {
        // An unhashable replacement, such as a bytearray, is tried again as bytes.
        Err(raised) if cx.exception_matches(&exceptions::TypeError) && buffer::check(repl) => {
            if repl.exact::<Bytes>().is_some() {
                return Err(raised);
            }
            cx.take_exception();
            let bytes = buffer::with_bytes(cx, repl, |cx, bytes| Ok(Bytes::new(cx, bytes)))?;
            compile(cx, Value::of(bytes))?
        }
        other => other?,
    };
    match made.exact::<Template>() {
        Some(template) => Ok(template.literal().map_or(Replacement::Template(template), Replacement::Literal)),
        None => raise!(cx, RuntimeError, "the result of compiling a replacement string is {}", made.class().tp_name()),
    }
}

fn replacement(cx: &mut Cx, pattern: &'static Pattern, repl: Value) -> PyResult<Replacement> {
    if repl.class().slots().call.is_some() {
        return Ok(Replacement::Call(repl));
    }
    match Subject::new(cx, repl) {
        Ok(text) if !text.has_backslash() => return Ok(Replacement::Literal(repl)),
        Ok(_) => {}
        Err(_) => {
            cx.take_exception();
        }
    }
    compile_template(cx, pattern, repl)
}

/// A part of a result.
enum Part {
    /// Of the searched text.
    Slice(usize, usize),
    /// Of the list of values.
    Item(usize),
}

/// Parts of a result, in order.
struct Parts {
    parts: Vec<Part>,
    items: RootVec,
}

impl Parts {
    fn slice(&mut self, start: usize, end: usize) {
        self.parts.push(Part::Slice(start, end));
    }

    fn item(&mut self, item: Value) {
        self.items.push(item);
        self.parts.push(Part::Item(self.items.len() - 1));
    }

    /// The parts of a template, `group` giving the spans of groups.
    fn template(
        &mut self,
        cx: &mut Cx,
        template: &Template,
        groups: usize,
        group: impl Fn(usize) -> Option<(usize, usize)>,
    ) -> PyResult<()> {
        for (i, part) in template.parts.items().iter().enumerate() {
            if i % 2 == 0 {
                self.item(*part);
                continue;
            }
            let number = int::as_i64(*part).map_or(usize::MAX, |n| n as usize);
            if number >= groups {
                return raise!(cx, IndexError, "no such group");
            }
            if let Some((start, end)) = group(number) {
                self.slice(start, end);
            }
        }
        Ok(())
    }

    /// All parts as one str or bytes. May collect.
    fn join(&self, cx: &mut Cx, subject: &Subject) -> PyResult<Value> {
        match subject.as_str() {
            Some(s) => self.join_str(cx, s),
            None => self.join_bytes(cx, subject.as_bytes().unwrap_or_default()),
        }
    }

    fn join_str(&self, cx: &mut Cx, subject: &'static Str) -> PyResult<Value> {
        let (mut kind, mut total) = (1, 0);
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Slice(start, end) => {
                    kind = kind.max(subject.kind());
                    total += end - start;
                }
                Part::Item(item) => {
                    let Some(s) = self.items[*item].downcast::<Str>() else {
                        let name = self.items[*item].class().tp_name();
                        return raise!(cx, TypeError, "sequence item {i}: expected str instance, {name} found");
                    };
                    kind = kind.max(s.kind());
                    total += s.len();
                }
            }
        }
        macro_rules! fill {
            ($unit:ty, $variant:ident) => {{
                let mut out: Vec<$unit> = Vec::with_capacity(total);
                for part in &self.parts {
                    let (s, start, end) = match part {
                        Part::Slice(start, end) => (subject, *start, *end),
                        // SAFETY: checked above; nothing ran since.
                        Part::Item(item) => {
                            let s = unsafe { self.items[*item].cast::<Str>() };
                            (s, 0, s.len())
                        }
                    };
                    with_units!(s.units(), u => out.extend(u[start..end].iter().map(|c| *c as $unit)));
                }
                Str::from_units(cx, Units::$variant(&out))
            }};
        }
        Ok(Value::of(match kind {
            1 => fill!(u8, One),
            2 => fill!(u16, Two),
            _ => fill!(u32, Four),
        }))
    }

    fn join_bytes(&self, cx: &mut Cx, subject: &[u8]) -> PyResult<Value> {
        let mut out = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Slice(start, end) => out.extend_from_slice(&subject[*start..*end]),
                Part::Item(item) => {
                    let item = self.items[*item];
                    if !buffer::check(item) {
                        let name = item.class().tp_name();
                        return raise!(cx, TypeError, "sequence item {i}: expected a bytes-like object, {name} found");
                    }
                    buffer::with_bytes(cx, item, |_, bytes| {
                        out.extend_from_slice(bytes);
                        Ok(())
                    })?;
                }
            }
        }
        Ok(Value::of(Bytes::new(cx, &out)))
    }
}

/// `pattern.subn(repl, string, count)`.
pub fn substitute(
    cx: &mut Cx,
    pattern: &'static Pattern,
    repl: Value,
    string: Value,
    count: isize,
) -> PyResult<(Value, usize)> {
    let replacement = replacement(cx, pattern, repl)?;
    let subject = pattern.subject(cx, string)?;
    let most = match count {
        0 => usize::MAX,
        n => usize::try_from(n).unwrap_or(0),
    };
    let mut scratch = pattern.scratch();
    let result = collect(cx, pattern, &replacement, &subject, most, &mut scratch);
    pattern.give_back(scratch);
    let (parts, n) = result?;
    if n == 0 {
        // As it is, but of the exact type.
        return Ok((subject.slice(cx, 0, subject.len()), 0));
    }
    Ok((parts.join(cx, &subject)?, n))
}

fn collect(
    cx: &mut Cx,
    pattern: &'static Pattern,
    replacement: &Replacement,
    subject: &Subject,
    most: usize,
    scratch: &mut Scratch,
) -> PyResult<(Parts, usize)> {
    let len = subject.len();
    let (mut progress, mut last, mut n) = (Progress::new(0, len), 0, 0);
    let mut parts = Parts { parts: Vec::new(), items: RootVec::new() };
    while n < most {
        let Some((start, end)) = pattern.next_match(cx, subject, scratch, &mut progress)? else { break };
        if last < start {
            parts.slice(last, start);
        }
        match replacement {
            Replacement::Literal(literal) => parts.item(*literal),
            Replacement::Template(template) => {
                let group = |i| if i == 0 { Some((start, end)) } else { scratch.group(i) };
                parts.template(cx, template, pattern.groups() + 1, group)?;
            }
            Replacement::Call(function) => {
                let found = Match::new(cx, pattern, subject.value, (0, len), (start, end), scratch);
                let text = cx.call(*function, &[Value::of(found)])?;
                if !text.is_none() {
                    parts.item(text);
                }
            }
        }
        last = end;
        n += 1;
    }
    if last < len {
        parts.slice(last, len);
    }
    Ok((parts, n))
}

/// `found.expand(template)`.
pub fn expand(cx: &mut Cx, found: &'static Match, template: Value) -> PyResult<Value> {
    let template = match compile_template(cx, found.pattern, template)? {
        Replacement::Literal(literal) => return Ok(literal),
        Replacement::Template(template) => template,
        Replacement::Call(_) => unreachable!("never made of a template"),
    };
    let subject = Subject::new(cx, found.string)?;
    let mut parts = Parts { parts: Vec::new(), items: RootVec::new() };
    parts.template(cx, template, found.group_count(), |i| found.span_of(i))?;
    let len = subject.len();
    // The memory of a buffer may have shrunk since the match.
    for part in &mut parts.parts {
        if let Part::Slice(start, end) = part {
            *end = (*end).min(len);
            *start = (*start).min(*end);
        }
    }
    parts.join(cx, &subject)
}
