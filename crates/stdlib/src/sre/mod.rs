//! `_sre`: the matching engine behind `re`.
//!
//! `re._compiler` compiles a pattern to an array of numbers. [`translate`] checks it and makes a [`program`] of it,
//! [`analyse`] adds what speeds it up, [`engine`] runs it. The rest are the Python types.

mod analyse;
mod charset;
mod engine;
pub mod matches;
mod opcodes;
pub mod pattern;
mod program;
mod scanner;
mod subject;
mod substitute;
mod translate;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use pattern::Pattern;
use subject::Subject;
use substitute::Template;

struct Sre;

#[pymethods]
impl Sre {
    #[py("($module, /, pattern, flags, code, groups, groupindex, indexgroup)")]
    fn compile(
        cx: &mut Cx,
        pattern: Value,
        flags: i32,
        code: &'static List,
        groups: isize,
        groupindex: &'static Dict,
        indexgroup: &'static Tuple,
    ) -> PyResult<&'static Pattern> {
        let mut words = Vec::with_capacity(code.len());
        let mut i = 0;
        while let Some(word) = code.get(i) {
            words.push(code_word(cx, word)?);
            i += 1;
        }
        let is_bytes = if pattern.is_none() { None } else { Some(Subject::new(cx, pattern)?.is_bytes()) };
        if !(0..=opcodes::MAXGROUPS as isize).contains(&groups) || words.is_empty() {
            return raise!(cx, RuntimeError, "invalid SRE code");
        }
        let program = translate::translate(cx, &words, groups as usize)?;
        let names = (groupindex, indexgroup);
        Ok(Pattern::new(cx, pattern, i64::from(flags), is_bytes, names, words.into(), program))
    }

    ///   template
    ///     A list containing interleaved literal strings (str or bytes) and group
    ///     indices (int), as returned by re._parser.parse_template():
    ///         [literal1, group1, ..., literalN, groupN]
    #[py("($module, pattern, template, /)")]
    fn template(cx: &mut Cx, _pattern: Value, template: &'static List) -> PyResult<&'static Template> {
        Template::new(cx, template)
    }

    #[py("($module, /)")]
    fn getcodesize(_cx: &mut Cx) -> i64 {
        CODE_SIZE
    }

    #[py("($module, character, /)")]
    fn ascii_iscased(_cx: &mut Cx, character: i32) -> bool {
        u8::try_from(character).is_ok_and(|c| c.is_ascii_alphabetic())
    }

    #[py("($module, character, /)")]
    fn unicode_iscased(_cx: &mut Cx, character: i32) -> bool {
        match u32::try_from(character) {
            Ok(c) => charset::unicode_lower(c) != c || charset::unicode_upper(c) != c,
            Err(_) => false,
        }
    }

    #[py("($module, character, /)")]
    fn ascii_tolower(_cx: &mut Cx, character: i32) -> i32 {
        u32::try_from(character).map_or(character, |c| charset::ascii_lower(c) as i32)
    }

    #[py("($module, character, /)")]
    fn unicode_tolower(_cx: &mut Cx, character: i32) -> i32 {
        u32::try_from(character).map_or(character, |c| charset::unicode_lower(c) as i32)
    }
}

/// Bytes of a number of the code array.
const CODE_SIZE: i64 = 4;

fn code_word(cx: &mut Cx, word: Value) -> PyResult<u32> {
    if !int::check(word) {
        if word.class().slots().index.is_none() {
            return raise!(cx, TypeError, "an integer is required");
        }
        let word = number::index(cx, word)?;
        return code_word(cx, word);
    }
    match int::as_i64(word) {
        Some(n) if n < 0 => raise!(cx, OverflowError, "can't convert negative value to unsigned int"),
        n => match n.and_then(|n| u32::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => raise!(cx, OverflowError, "regular expression code size limit exceeded"),
        },
    }
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_sre");
    module.add_functions(cx, Sre::METHODS);
    for class in
        [&pattern::PATTERN, &matches::MATCH, &scanner::SCANNER, &scanner::MATCH_ITERATOR, &substitute::TEMPLATE]
    {
        cx.ready_type(class);
    }
    let constants = [
        ("MAGIC", opcodes::MAGIC),
        ("CODESIZE", CODE_SIZE),
        ("MAXREPEAT", i64::from(opcodes::MAXREPEAT)),
        ("MAXGROUPS", opcodes::MAXGROUPS),
    ];
    for (name, value) in constants {
        let value = cx.int(value);
        module.set(cx, name, value);
    }
    let copyright = cx.str(" SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB ");
    module.set(cx, "copyright", copyright);
    module
}
