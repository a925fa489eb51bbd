//! `_tokenize`: the tokenizer behind `tokenize`.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, object, raise};
use taipan_syntax::lexer::Kind;
use taipan_syntax::tokens::TokenInfo;

/// An iterator over the tokens of what `readline` gives. The source is read and cut up at the first `next`.
#[repr(C)]
pub struct TokenizerIter {
    header: Header,
    tokens: Cell<Option<Value>>,
    next: Cell<usize>,
}
object!(TokenizerIter, TOKENIZER_ITER);

/// The type `_tokenize.TokenizerIter`.
pub static TOKENIZER_ITER: Type = Type::new(&TOKENIZER_ITER_SPEC);
static TOKENIZER_ITER_SPEC: TypeSpec = TypeSpec {
    name: "_tokenize.TokenizerIter",
    basicsize: std::mem::size_of::<TokenizerIter>(),
    trace: Some(trace),
    slots: Slots { new: Some(new), iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for this type only.
    if let Some(v) = unsafe { (*object.cast::<TokenizerIter>()).tokens.get() } {
        marker.mark_value(v.bits());
    }
}

/// Arguments of the constructor.
struct Arguments;

#[pymethods]
impl Arguments {
    #[py("(readline, /, *, encoding=None, extra_tokens)")]
    fn bind(cx: &mut Cx, readline: Value, encoding: Option<Value>, extra_tokens: bool) -> PyResult<Value> {
        let source = read_all(cx, readline, encoding)?;
        tokens(cx, &source, extra_tokens)
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let list = (Arguments::METHODS[0].call)(cx, args)?;
    let iter = TokenizerIter { header: Header::fresh(class), tokens: Cell::new(Some(list)), next: Cell::new(0) };
    Ok(Value::of(cx.alloc_of(class, iter)))
}

/// The whole text that `readline` gives, str or (with an encoding) bytes.
fn read_all(cx: &mut Cx, readline: Value, encoding: Option<Value>) -> PyResult<String> {
    let encoding = encoding.filter(|e| !e.is_none());
    let mut source = String::new();
    loop {
        let line = cx.call(readline, &[]);
        let Some(line) = cx.catch(line, &exceptions::StopIteration)? else { break };
        let text = match (line.downcast::<Str>(), encoding) {
            (Some(s), None) => s.to_string_lossy(),
            (None, Some(encoding)) if buffer::check(line) => {
                let text = cx.call_method_text(line, "decode", &[encoding])?;
                text.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default()
            }
            (_, encoding) => {
                let expected = if encoding.is_some() { "bytes" } else { "str" };
                return raise!(cx, TypeError, "readline() returned a non-{expected} object");
            }
        };
        if text.is_empty() {
            break;
        }
        source += &text;
    }
    Ok(source)
}

/// The numbers of `Lib/token.py`.
fn number(kind: Kind) -> i64 {
    match kind {
        Kind::EndMarker => 0,
        Kind::Name => 1,
        Kind::Number => 2,
        Kind::String => 3,
        Kind::Newline => 4,
        Kind::Indent => 5,
        Kind::Dedent => 6,
        Kind::Op => 55,
        Kind::FStringStart => 59,
        Kind::FStringMiddle => 60,
        Kind::FStringEnd => 61,
        Kind::TStringStart => 62,
        Kind::TStringMiddle => 63,
        Kind::TStringEnd => 64,
        Kind::Comment => 65,
        Kind::Nl => 66,
    }
}

/// Operators and their own numbers.
const EXACT: &[(&str, i64)] = &[
    ("(", 7),
    (")", 8),
    ("[", 9),
    ("]", 10),
    (":", 11),
    (",", 12),
    (";", 13),
    ("+", 14),
    ("-", 15),
    ("*", 16),
    ("/", 17),
    ("|", 18),
    ("&", 19),
    ("<", 20),
    (">", 21),
    ("=", 22),
    (".", 23),
    ("%", 24),
    ("{", 25),
    ("}", 26),
    ("==", 27),
    ("!=", 28),
    ("<=", 29),
    (">=", 30),
    ("~", 31),
    ("^", 32),
    ("<<", 33),
    (">>", 34),
    ("**", 35),
    ("+=", 36),
    ("-=", 37),
    ("*=", 38),
    ("/=", 39),
    ("%=", 40),
    ("&=", 41),
    ("|=", 42),
    ("^=", 43),
    ("<<=", 44),
    (">>=", 45),
    ("**=", 46),
    ("//", 47),
    ("//=", 48),
    ("@", 49),
    ("@=", 50),
    ("->", 51),
    ("...", 52),
    (":=", 53),
    ("!", 54),
];

fn tokens(cx: &mut Cx, source: &str, extra_tokens: bool) -> PyResult<Value> {
    let text = taipan_syntax::source::normalise_newlines(source).into_owned();
    let lines = physical_lines(source);
    let (found, error) = taipan_syntax::tokens::tokens(&text, extra_tokens);
    let list = List::new(cx);
    for token in found.into_iter().flat_map(halves) {
        let at_end = token.offset == text.len() && matches!(token.kind, Kind::EndMarker | Kind::Dedent);
        let (mut start, mut end) = (position(token.start), position(token.end));
        let mut string = token.string;
        let line = match token.kind {
            _ if at_end && extra_tokens => String::new(),
            _ if at_end => lines.last().copied().unwrap_or("").to_string(),
            // Literals of several lines are in all of them.
            Kind::String | Kind::FStringMiddle | Kind::TStringMiddle => {
                (token.start.0..=token.end.0).map(|n| line_of(&lines, n)).collect()
            }
            _ => line_of(&lines, token.start.0).to_string(),
        };
        if extra_tokens
            && matches!(token.kind, Kind::Newline | Kind::Nl)
            && !string.is_empty()
            && line.ends_with("\r\n")
        {
            (string, end.1) = ("\r\n", end.1 + 1);
        } else if !extra_tokens {
            match token.kind {
                // For the compiler a line's end is what comes before the newline.
                Kind::Newline => {
                    let from = line.char_indices().nth(token.start.1 as usize).map_or(line.len(), |(at, _)| at);
                    string = line[from..].trim_end_matches('\n');
                    end = (start.0, start.1 + string.chars().count() as i64);
                }
                Kind::Indent | Kind::Dedent | Kind::EndMarker => {
                    let number = if at_end { lines.len().max(1) as i64 } else { start.0 };
                    (string, start, end) = ("", (number, -1), (number, -1));
                }
                _ => {}
            }
        }
        let pair = |cx: &mut Cx, p: (i64, i64)| Value::of(Tuple::new(cx, &[Value::small(p.0), Value::small(p.1)]));
        let (start, end) = (pair(cx, start), pair(cx, end));
        let (string, line) = (cx.str(string), cx.str(&line));
        // The compiler's tokens tell operators apart.
        let own = EXACT.iter().find(|e| !extra_tokens && token.kind == Kind::Op && e.0 == token.string).map(|e| e.1);
        let kind = Value::small(own.unwrap_or(number(token.kind)));
        let item = Tuple::new(cx, &[kind, string, start, end, line]);
        list.push(cx, Value::of(item));
    }
    if let Some(error) = error {
        let filename = cx.str("<string>");
        let raised = crate::compile::raise_syntax(cx, &error, filename, None, 0);
        let _ = raised;
        let exception = cx.take_exception();
        list.push(cx, exception);
    }
    Ok(Value::of(list))
}

/// `<>` is two tokens here.
fn halves(token: TokenInfo<'_>) -> impl Iterator<Item = TokenInfo<'_>> {
    let middle = (token.start.0, token.start.1 + 1);
    let (first, second) = match token.string {
        "<>" if token.kind == Kind::Op => {
            let second = TokenInfo { string: ">", start: middle, offset: token.offset + 1, ..token.clone() };
            (TokenInfo { string: "<", end: middle, ..token }, Some(second))
        }
        _ => (token, None),
    };
    std::iter::once(first).chain(second)
}

fn position(place: (u32, u32)) -> (i64, i64) {
    (place.0 as i64, place.1 as i64)
}

/// The lines of a source as it is written, with their ends.
fn physical_lines(source: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        let end = match rest.find(['\r', '\n']) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines
}

/// Line `number`, from 1.
fn line_of<'s>(lines: &[&'s str], number: u32) -> &'s str {
    lines.get(number as usize - 1).copied().unwrap_or("")
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of this type.
    let this = unsafe { v.cast::<TokenizerIter>() };
    let item = this.tokens.get().and_then(|t| t.exact::<List>()).and_then(|l| l.get(this.next.get()));
    this.next.set(this.next.get() + 1);
    match item {
        Some(e) if e.downcast::<exceptions::Exception>().is_some() => Err(cx.raise(e)),
        item => Ok(item),
    }
}

/// Makes the module `_tokenize`. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_tokenize");
    module.add_type(cx, &TOKENIZER_ITER);
    module
}
