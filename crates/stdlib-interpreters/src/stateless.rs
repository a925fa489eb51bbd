//! Which functions and code objects need nothing of the interpreter that they come from.

use taipan_bytecode::code::flags as co;
use taipan_bytecode::{Op, Word};
use taipan_runtime::dict::Dict;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::{Cx, PyResult, raise};

/// The operations of a code object, with their words.
fn operations(code: &CodeObject) -> Vec<(Op, usize, Vec<u64>)> {
    let words = code.pristine_words();
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(op) = words.get(at).and_then(|w| Op::from_u16(*w as u16)) {
        let next = at + op.words();
        all.push((op.base(), at, words[at..next.min(words.len())].to_vec()));
        at = next;
    }
    all
}

/// Does it return nothing but None?
pub fn returns_only_none(code: &CodeObject) -> bool {
    let is_plain = code.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) == 0;
    let operations = operations(code);
    let is_none = |i: usize| {
        // The constant that a lambda gives.
        let ((_, _, words), Some((op, _, before))) = (&operations[i], i.checked_sub(1).map(|i| &operations[i])) else {
            return false;
        };
        let (word, before) = (Word(words[0]), Word(before[0]));
        let constant = code.consts().get(before.x() as usize);
        *op == Op::LoadConst && before.a() == word.a() && constant.is_some_and(|c| c.is_none())
    };
    is_plain && (0..operations.len()).all(|i| operations[i].0 != Op::Return || is_none(i))
}

/// ValueError unless the code needs no closure, and no globals as far as can be told from these namespaces.
pub fn check_code(
    cx: &mut Cx,
    code: &'static CodeObject,
    globals: Option<&'static Dict>,
    builtins: Option<&'static Dict>,
) -> PyResult<()> {
    if code.nfrees > 0 {
        return raise!(cx, ValueError, "closures not supported");
    }
    let (mut in_globals, mut in_builtins, mut unknown) = (false, false, false);
    for (op, _, words) in operations(code) {
        let name = match op {
            Op::LoadGlobal | Op::LoadFromDictOrGlobal => words.get(1).map(|aux| *aux as u32 as usize),
            Op::StoreGlobal | Op::DeleteGlobal => {
                in_globals = true;
                None
            }
            _ => None,
        };
        let Some(name) = name.map(|index| code.name_at(index)) else { continue };
        match (globals, builtins) {
            (Some(globals), _) if globals.get_str(name).is_some() => in_globals = true,
            (_, Some(builtins)) if builtins.get_str(name).is_some() => in_builtins = true,
            _ => unknown = true,
        }
    }
    if in_globals || in_builtins && unknown {
        return raise!(cx, ValueError, "globals not supported");
    }
    Ok(())
}

/// ValueError unless a function can be made anew from its code alone.
pub fn check_function(cx: &mut Cx, function: &'static Function) -> PyResult<()> {
    if function.defaults.get().is_some_and(|d| !d.is_empty()) {
        return raise!(cx, ValueError, "defaults not supported");
    }
    if function.kwdefaults.get().is_some_and(|d| d.len() > 0) {
        return raise!(cx, ValueError, "keyword defaults not supported");
    }
    if function.closure.get().is_some() {
        return raise!(cx, ValueError, "closures not supported");
    }
    check_code(cx, function.code.get(), Some(function.globals), Some(function.builtins))
}

/// ValueError unless the code can run as a script.
pub fn check_script(cx: &mut Cx, code: &'static CodeObject) -> PyResult<()> {
    check_code(cx, code, None, None)?;
    let has_params = code.argcount + code.kwonlyargcount > 0 || code.flags & (co::VARARGS | co::VARKEYWORDS) != 0;
    if has_params {
        return raise!(cx, ValueError, "code with args not supported");
    }
    if !returns_only_none(code) {
        return raise!(cx, ValueError, "code that returns a value is not a script");
    }
    Ok(())
}
