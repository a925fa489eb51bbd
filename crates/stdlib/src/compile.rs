//! Source to code objects: what `compile`, `exec`, `eval` and the start-up share.

use std::sync::Arc;

use taipan_bytecode::Text;
use taipan_compiler::{self as compiler, Input, Options};
use taipan_runtime::exceptions::Exception;
use taipan_runtime::protocol::buffer;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::exception_syntax;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_syntax::source::{Origin, decode};
use taipan_syntax::{self as syntax, Mode};

use crate::state;

/// Flag bits of `compile()`.
pub mod flag {
    /// All bits of `__future__` features.
    pub const FUTURES: i64 = 0x1fe_0000;
    /// `from __future__ import barry_as_FLUFL`.
    pub const BARRY: i64 = 0x40_0000;
    /// `CO_NESTED`, accepted and ignored.
    pub const OBSOLETE: i64 = 0x10;
    /// Incomplete blocks are errors (codeop).
    pub const DONT_IMPLY_DEDENT: i64 = 0x200;
    /// Give the tree.
    pub const ONLY_AST: i64 = 0x400;
    /// Do not look for an encoding cookie.
    pub const IGNORE_COOKIE: i64 = 0x800;
    /// Keep type comments.
    pub const TYPE_COMMENTS: i64 = 0x1000;
    /// `await` at the top level.
    pub const TOP_LEVEL_AWAIT: i64 = 0x2000;
    /// `_IncompleteInputError` for incomplete input.
    pub const INCOMPLETE_INPUT: i64 = 0x4000;
    /// Give the optimised tree.
    pub const OPTIMIZED_AST: i64 = 0x8000;
    /// Bits that `compile()` accepts besides the futures.
    pub const ACCEPTED: i64 =
        OBSOLETE | DONT_IMPLY_DEDENT | ONLY_AST | TYPE_COMMENTS | TOP_LEVEL_AWAIT | INCOMPLETE_INPUT | OPTIMIZED_AST;
}

/// How to compile.
#[derive(Clone)]
pub struct Request {
    /// `exec`, `eval` or `single`.
    pub mode: Mode,
    /// Bits of [`flag`].
    pub flags: i64,
    /// -1 for the process's level.
    pub optimize: i64,
}

/// The text of `source`, a str or bytes-like object. `what` names the caller in the error.
pub fn source_text(cx: &mut Cx, source: Value, what: &str, expected: &str, filename: Value) -> PyResult<String> {
    if let Some(s) = source.downcast::<Str>() {
        return match s.to_rust() {
            Some(text) => Ok(text.into_owned()),
            None => Err(surrogate_error(cx, s)),
        };
    }
    if !buffer::check(source) {
        return raise!(cx, TypeError, "{what}() arg 1 must be a {expected}");
    }
    let bytes = buffer::with_bytes(cx, source, |_, bytes| Ok(bytes.to_vec()))?;
    decode_source(cx, &bytes, Origin::Bytes, filename)
}

/// UnicodeEncodeError for the first lone surrogate of `s`.
fn surrogate_error(cx: &mut Cx, s: &'static Str) -> Raised {
    let at = s.chars().position(|c| (0xd800..0xe000).contains(&c)).unwrap_or(0);
    let end = at + s.chars().skip(at).take_while(|c| (0xd800..0xe000).contains(c)).count();
    let args = [
        cx.str("utf-8"),
        Value::of(s),
        Value::small(at as i64),
        Value::small(end as i64),
        cx.str("surrogates not allowed"),
    ];
    cx.raise_args(&exceptions::UnicodeEncodeError, &args)
}

/// Decodes source bytes by their encoding cookie.
pub fn decode_source(cx: &mut Cx, bytes: &[u8], origin: Origin, filename: Value) -> PyResult<String> {
    let mut other = |encoding: &str, bytes: &[u8]| decode_by_codec(cx, encoding, bytes);
    match decode(bytes, origin, &mut other) {
        Ok(text) => Ok(text),
        Err(mut error) => {
            if origin == Origin::File
                && error.message.starts_with("Non-UTF-8 code")
                && let Some(file) = filename.downcast::<Str>()
            {
                error.message =
                    error.message.replacen(" on line", &format!(" in file {} on line", file.to_string_lossy()), 1);
            }
            Err(raise_syntax(cx, &error, filename, None, 0))
        }
    }
}

/// Decodes by a codec that Python code registered.
fn decode_by_codec(cx: &mut Cx, encoding: &str, bytes: &[u8]) -> Option<Result<String, String>> {
    let data = Value::of(taipan_runtime::types::bytes::Bytes::new(cx, bytes));
    let encoding = cx.str(encoding);
    let text = cx.call_method_text(data, "decode", &[encoding]);
    match text {
        Ok(text) => text.downcast::<Str>().and_then(|s| s.to_rust()).map(|s| Ok(s.into_owned())),
        Err(_) => {
            let error = cx.take_exception();
            if error.is_instance(&exceptions::LookupError) {
                return None;
            }
            let text = taipan_runtime::protocol::object::str(cx, error).map(|s| s.to_string_lossy());
            Some(Err(text.unwrap_or_default()))
        }
    }
}

/// Parses and compiles `text`. May collect and (for warnings) run Python code.
pub fn compile_text(cx: &mut Cx, text: &str, filename: Value, request: &Request) -> PyResult<&'static CodeObject> {
    let module = parse(cx, text, filename, request.mode, request.flags)?;
    compile_module(cx, &module, filename, request)
}

/// Parses `text`.
pub fn parse(cx: &mut Cx, text: &str, filename: Value, mode: Mode, flags: i64) -> PyResult<syntax::Module> {
    syntax::literals::set_max_digits(cx.rt().int_max_str_digits.get());
    let parsed = syntax::flufl::rewrite(text, flags & flag::BARRY != 0).and_then(|text| syntax::parse(&text, mode));
    let module = match parsed {
        Ok(module) => module,
        Err(error) => {
            warn_before(cx, &error, text, filename)?;
            return Err(raise_syntax(cx, &error, filename, Some(text), flags));
        }
    };
    if mode == Mode::Single
        && flags & flag::DONT_IMPLY_DEDENT != 0
        && let Some(error) = module.unfinished_block(text)
    {
        return Err(raise_syntax(cx, &error, filename, Some(text), flags));
    }
    for (range, message) in module.joined_numbers() {
        let warning = compiler::Warning::new(message, range, &module.source);
        crate::warnings::syntax_warning(cx, &warning, filename, &module.source)?;
    }
    Ok(module)
}

/// Warns of the escapes in the literals in front of an error: the parser has seen them.
fn warn_before(cx: &mut Cx, error: &syntax::SyntaxError, text: &str, filename: Value) -> PyResult<()> {
    let Some(place) = error.place.filter(|_| text.contains('\\')) else { return Ok(()) };
    // What is never closed is found at the end of the text.
    let is_late = error.message.ends_with("was never closed");
    for token in syntax::tokens::tokens(text, true).0 {
        let (line, column) = (token.start.0, token.start.1 as i32 + 1);
        if !is_late && (line, column) >= (place.line, place.offset) {
            break;
        }
        if token.kind == syntax::lexer::Kind::String {
            for warning in compiler::literal_warnings(token.string, token.offset, text) {
                crate::warnings::syntax_warning(cx, &warning, filename, text)?;
            }
        }
    }
    Ok(())
}

/// Warns of the escapes in a source that is not compiled.
pub fn warn_of_escapes(cx: &mut Cx, module: &syntax::Module, filename: Value, mode: Mode) -> PyResult<()> {
    let warnings = syntax::with_stack(|| compiler::escape_warnings_of(&module.source, input_of(module, mode)));
    for warning in warnings {
        crate::warnings::syntax_warning(cx, &warning, filename, &module.source)?;
    }
    Ok(())
}

fn input_of(module: &syntax::Module, mode: Mode) -> Input<'_> {
    match (module.tree(), mode) {
        (syntax::ast::Mod::Module(tree), Mode::Single) => Input::Interactive(tree),
        (syntax::ast::Mod::Module(tree), _) => Input::Module(tree),
        (syntax::ast::Mod::Expression(tree), _) => Input::Expression(tree),
    }
}

/// The symbol table of a parsed source.
pub fn symbols(cx: &mut Cx, module: &syntax::Module, filename: Value, mode: Mode) -> PyResult<compiler::Block> {
    let source = &module.source;
    let table = compiler::symbol_table(source, input_of(module, mode));
    table.map_err(|error| raise_compiler_error(cx, &error, filename, source))
}

/// Compiles a parsed source.
pub fn compile_module(
    cx: &mut Cx,
    module: &syntax::Module,
    filename: Value,
    request: &Request,
) -> PyResult<&'static CodeObject> {
    let optimize = if request.optimize < 0 { state::config().optimize } else { request.optimize };
    let file = filename.downcast::<Str>().map(|s| s.to_generalized_utf8().into_owned()).unwrap_or_default();
    let options = Options {
        filename: Text(file.into()),
        optimize: optimize.clamp(0, 2) as u8,
        futures: (request.flags & flag::FUTURES) as u32,
        top_level_await: request.flags & flag::TOP_LEVEL_AWAIT != 0,
    };
    let input = input_of(module, request.mode);
    match compiler::compile(&module.source, input, &options) {
        Ok(output) => {
            for warning in &output.warnings {
                crate::warnings::syntax_warning(cx, warning, filename, &module.source)?;
            }
            Ok(CodeObject::new(cx, Arc::new(output.code)))
        }
        Err(error) => Err(raise_compiler_error(cx, &error, filename, &module.source)),
    }
}

/// Raises what the parser found.
pub fn raise_syntax(
    cx: &mut Cx,
    error: &syntax::SyntaxError,
    filename: Value,
    source: Option<&str>,
    flags: i64,
) -> Raised {
    let class = match error.kind {
        _ if error.incomplete && flags & flag::INCOMPLETE_INPUT != 0 => {
            let class = &exceptions::_IncompleteInputError;
            let Some(source) = source else { return cx.raise_text(class, "incomplete input") };
            // The place is the end of the last line.
            let (line, text) = source.lines().enumerate().last().map_or((1, ""), |(i, text)| (i as i64 + 1, text));
            let numbers = [line, text.chars().count() as i64, line, -1];
            let text = cx.str(text);
            return raise_placed(cx, class, "incomplete input", filename, text, numbers);
        }
        syntax::ErrorKind::Syntax => &exceptions::SyntaxError,
        syntax::ErrorKind::Indentation => &exceptions::IndentationError,
        syntax::ErrorKind::Tab => &exceptions::TabError,
        syntax::ErrorKind::Memory => return cx.raise_text(&exceptions::MemoryError, &error.message),
        syntax::ErrorKind::Recursion => return cx.raise_text(&exceptions::RecursionError, &error.message),
    };
    let Some(place) = error.place else { return cx.raise_text(class, &error.message) };
    let text = match &error.text {
        Some(text) => cx.str(text),
        None => Value::none(),
    };
    let numbers = [place.line as i64, place.offset as i64, place.end_line as i64, place.end_offset as i64];
    let raised = raise_placed(cx, class, &error.message, filename, text, numbers);
    if let Some(source) = source
        && let Some(exception) = cx.exception().and_then(|e| e.downcast::<Exception>())
    {
        // For the search of misspelt keywords: from where, and in what.
        let source = cx.str(source);
        let metadata = Tuple::new(cx, &[Value::small(0), Value::small(0), source]);
        exception.set_extra(cx, exception_syntax::field::METADATA, Some(Value::of(metadata)));
    }
    raised
}

fn raise_compiler_error(cx: &mut Cx, error: &compiler::SyntaxError, filename: Value, compiled: &str) -> Raised {
    match error.kind {
        compiler::ErrorKind::Recursion => return cx.raise_text(&exceptions::RecursionError, &error.message),
        compiler::ErrorKind::Limit => return cx.raise_text(&exceptions::OverflowError, &error.message),
        compiler::ErrorKind::Syntax => {}
    }
    // As in CPython the line is that of the file, whatever was compiled.
    let file = filename.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
    let bytes = std::fs::read(&file).unwrap_or_default();
    let source = decode(&bytes, Origin::File, &mut |encoding, bytes| decode_by_codec(cx, encoding, bytes));
    let text = line_of(cx, &source.unwrap_or_default(), error.line);
    let mut numbers = [error.line as i64, error.col as i64, error.end_line as i64, error.end_col as i64];
    if text.is_none() {
        // As in CPython columns count bytes then.
        numbers[1] = byte_column(compiled, error.line, error.col);
        numbers[3] = byte_column(compiled, error.end_line, error.end_col);
    }
    raise_placed(cx, &exceptions::SyntaxError, &error.message, filename, text, numbers)
}

/// The column (from 1) in bytes for one in characters.
fn byte_column(source: &str, line: u32, column: u32) -> i64 {
    let text = source.split_inclusive('\n').nth((line as usize).saturating_sub(1)).unwrap_or("");
    let before = text.chars().take(column.saturating_sub(1) as usize);
    i64::from(column) + before.map(|c| c.len_utf8() as i64 - 1).sum::<i64>()
}

/// Line `line` (from 1) of a source as a str, None beyond its end. May collect.
pub fn line_of(cx: &mut Cx, source: &str, line: u32) -> Value {
    match source.split_inclusive('\n').nth((line as usize).saturating_sub(1)) {
        Some(text) if line > 0 => cx.str(text),
        _ => Value::none(),
    }
}

/// Raises a SyntaxError with its place: line, offset, end line, end offset.
pub fn raise_placed(
    cx: &mut Cx,
    class: &'static taipan_runtime::typeobj::Type,
    message: &str,
    filename: Value,
    text: Value,
    numbers: [i64; 4],
) -> Raised {
    let [line, offset, end_line, end_offset] = numbers.map(Value::small);
    let message = cx.str(message);
    let place = Value::of(Tuple::new(cx, &[filename, line, offset, text, end_line, end_offset]));
    cx.raise_args(class, &[message, place])
}

/// The future flags that the running frame's code was compiled with.
pub fn inherited_flags(cx: &Cx) -> i64 {
    // SAFETY: FRAME-1.
    unsafe { cx.frame.as_ref().map_or(0, |f| f.code.flags as i64 & flag::FUTURES) }
}
