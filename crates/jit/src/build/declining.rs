//! Whether a special method of an operator may decline.
//!
//! Such a one is left to the runtime, which asks the other operand then: were its frame left half-way, the interpreter would
//! take NotImplemented for the result.

use std::collections::HashMap;

use taipan_bytecode::{Op as B, Word, effects};
use taipan_runtime::Value;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;

use super::cfg::{op_at, word_at};

/// What the last instruction before a place has put into a register.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    /// A class.
    Class,
    /// `type`, whose result is a class.
    Type,
    /// The result of calling something else.
    Unknown,
}

/// Whether the method may return NotImplemented: it names it, or returns what something else than a class returned.
pub fn declines(f: &Function) -> bool {
    let code = f.code.get();
    if code.names().iter().any(|n| n.to_string_lossy() == "NotImplemented") {
        return true;
    }
    let is_class = |name: &Str| {
        let found = f.globals.get_str(name).or_else(|| f.builtins.get_str(name));
        found.is_some_and(|v: Value| v.downcast::<Class>().is_some())
    };
    let mut written: HashMap<usize, Written> = HashMap::new();
    let mut pc = 0;
    while pc < code.word_count() {
        let (op, w) = (op_at(code, pc), word_at(code, pc));
        let name = || {
            // SAFETY: the instruction's cache words follow it.
            let aux = unsafe { *code.words_ptr().add(pc + 1) };
            code.name_at((aux & 0xffff_ffff) as usize)
        };
        if op.base() == B::Return && written.get(&w.a()) == Some(&Written::Unknown) {
            return true;
        }
        let gives = gives(op.base(), w, &written, name, is_class);
        for r in effects::writes(op.base(), w).registers() {
            match gives {
                Some(what) => written.insert(r, what),
                None => written.remove(&r),
            };
        }
        pc += op.words();
    }
    false
}

/// What an instruction writes, if it is one of a kind that matters.
fn gives(
    op: B,
    w: Word,
    written: &HashMap<usize, Written>,
    name: impl Fn() -> &'static Str,
    is_class: impl Fn(&Str) -> bool,
) -> Option<Written> {
    match op {
        B::LoadGlobal if is_class(name()) => {
            Some(if name().to_string_lossy() == "type" { Written::Type } else { Written::Class })
        }
        B::LoadAttr | B::LoadMethod if name().to_string_lossy() == "__class__" => Some(Written::Class),
        B::Move => written.get(&w.b()).copied(),
        B::Call | B::CallMethod | B::CallKw | B::CallMethodKw | B::CallEx => match written.get(&w.a()) {
            Some(Written::Class) => None,
            Some(Written::Type) => Some(Written::Class),
            _ => Some(Written::Unknown),
        },
        B::Send | B::ForNext => Some(Written::Unknown),
        _ => None,
    }
}
