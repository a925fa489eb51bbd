//! Bytecode as text, for `--dump=bytecode` and tests.
//!
//! ```text
//! code <module> (file.py:1) regs 3
//!      0 LoadConst r1, c0 (42)
//!   L1:
//!      1 StoreName r1, x
//! handlers: 0..4 -> 9 r2
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::code::{Code, Const};
use crate::effects::{jump, run_length};
use crate::ops::{Aux, CommonConst, Conversion, FuncAttr, Intrinsic, Kind, Op, Special, Word};

/// Text of `code` and, after it, of the code objects among its constants.
pub fn dis(code: &Code) -> String {
    dis_named(code, "")
}

/// As [`dis`], only of code objects whose qualified name contains `name`.
pub fn dis_named(code: &Code, name: &str) -> String {
    let mut out = String::new();
    dis_into(&mut out, code, name);
    out
}

fn dis_into(out: &mut String, code: &Code, name: &str) {
    if String::from_utf8_lossy(&code.qualname.0).contains(name) {
        if !out.is_empty() {
            out.push('\n');
        }
        dis_one(out, code);
    }
    for constant in &code.consts {
        nested(out, constant, name);
    }
}

fn dis_one(out: &mut String, code: &Code) {
    header(out, code);
    let labels = labels(code);
    let mut at = 0;
    while at < code.words.len() {
        if labels.contains(&at) {
            let _ = writeln!(out, "  L{at}:");
        }
        let word = Word(code.words[at]);
        let Some(op) = word.op() else {
            let _ = writeln!(out, "{at:6} invalid {:#018x}", word.0);
            at += 1;
            continue;
        };
        let _ = writeln!(out, "{at:6} {}", instruction(code, at));
        at += op.words();
    }
    for handler in &code.handlers {
        let (start, end, target) = (handler.start, handler.end, handler.target);
        let _ = writeln!(out, "handler {start}..{end} -> L{target}, {}", register(code, handler.reg as usize));
    }
}

fn nested(out: &mut String, constant: &Const, name: &str) {
    match constant {
        Const::Code(inner) => dis_into(out, inner, name),
        Const::Tuple(items) | Const::FrozenSet(items) => items.iter().for_each(|item| nested(out, item, name)),
        _ => {}
    }
}

fn header(out: &mut String, code: &Code) {
    let (name, file) = (code.qualname.lossy(), code.filename.lossy());
    let _ = writeln!(out, "code {name} ({file}:{}) flags {:#x} regs {}", code.firstlineno, code.flags, code.nregs);
    let counts = (code.argcount, code.posonlyargcount, code.kwonlyargcount);
    if counts != (0, 0, 0) {
        let _ = writeln!(out, "params {} (positional-only {}), keyword-only {}", counts.0, counts.1, counts.2);
    }
    for (title, names) in [("locals", &code.varnames), ("cells", &code.cellvars), ("frees", &code.freevars)] {
        if !names.is_empty() {
            let list: Vec<_> = names.iter().map(|name| name.lossy()).collect();
            let _ = writeln!(out, "{title} {}", list.join(", "));
        }
    }
}

/// Words that jumps and handlers lead to.
fn labels(code: &Code) -> BTreeSet<usize> {
    let mut labels: BTreeSet<usize> = code.handlers.iter().map(|handler| handler.target as usize).collect();
    let mut at = 0;
    while at < code.words.len() {
        let word = Word(code.words[at]);
        let Some(op) = word.op() else {
            at += 1;
            continue;
        };
        at += op.words();
        if let Some(distance) = jump(op, word) {
            labels.insert((at as i64 + distance as i64) as usize);
        }
    }
    labels
}

/// Text of the instruction at word `at`, which must be one: name and operands.
pub fn instruction(code: &Code, at: usize) -> String {
    let word = Word(code.words[at]);
    let Some(op) = word.op() else { return "invalid".into() };
    let info = op.info();
    let mut operands = Vec::new();
    for (index, kind) in info.operands.iter().enumerate() {
        operands.extend(operand(code, at, op, word, index, *kind));
    }
    let aux = code.words.get(at + 1).map_or(0, |&cache| cache as u32 as usize);
    match info.aux {
        Aux::None => {}
        Aux::Name => operands.push(name(code, aux)),
        Aux::Const => operands.push(constant(code, aux)),
        Aux::Inplace if aux == 1 => operands.push("inplace".into()),
        Aux::Inplace => {}
        Aux::Count => operands.push(aux.to_string()),
    }
    format!("{} {}", info.name, operands.join(", ")).trim_end().to_string()
}

fn operand(code: &Code, at: usize, op: Op, word: Word, index: usize, kind: Kind) -> Option<String> {
    let value = [word.a(), word.b(), word.c()][index];
    Some(match kind {
        Kind::None => return None,
        Kind::W | Kind::R | Kind::RW => register(code, value),
        Kind::Run | Kind::WRun => match run_length(op, word) {
            Some(0) => "[]".into(),
            Some(len) if len > 1 => format!("[r{value}..r{}]", value + len - 1),
            _ => format!("[{}]", register(code, value)),
        },
        Kind::I16 => format!("{}", value as u16 as i16),
        Kind::U16 => selector(op, value),
        Kind::J16 | Kind::J32 => {
            let distance = jump(op, word).unwrap_or(0);
            format!("L{}", (at + op.words()) as i64 + distance as i64)
        }
        Kind::Const => constant(code, word.x() as u32 as usize),
        Kind::Name => name(code, word.x() as u32 as usize),
        Kind::I32 => format!("{}", word.x()),
    })
}

fn selector(op: Op, value: usize) -> String {
    let number = value as u16;
    let named = match op {
        Op::LoadCommonConst => CommonConst::from_u16(number).map(|s| format!("{s:?}")),
        Op::LoadSpecial => Special::from_u16(number).map(|s| format!("{s:?}")),
        Op::ConvertValue => Conversion::from_u16(number).map(|s| format!("{s:?}")),
        Op::SetFuncAttr => FuncAttr::from_u16(number).map(|s| format!("{s:?}")),
        Op::CallIntrinsic => Intrinsic::from_u16(number).map(|s| format!("{s:?}")),
        _ => None,
    };
    named.unwrap_or_else(|| value.to_string())
}

fn register(code: &Code, index: usize) -> String {
    let variables = code.varnames.iter().chain(&code.cellvars).chain(&code.freevars);
    match variables.clone().nth(index) {
        Some(name) => format!("r{index} ({})", name.lossy()),
        None => format!("r{index}"),
    }
}

fn name(code: &Code, index: usize) -> String {
    code.names.get(index).map_or_else(|| format!("name {index}"), |name| name.lossy().into_owned())
}

fn constant(code: &Code, index: usize) -> String {
    match code.consts.get(index) {
        Some(value) => format!("c{index} ({})", repr(value)),
        None => format!("c{index}"),
    }
}

/// A constant as Python would show it, roughly; long ones are cut.
pub fn repr(value: &Const) -> String {
    let list = |items: &[Const]| items.iter().map(repr).collect::<Vec<_>>().join(", ");
    let text = match value {
        Const::None => "None".into(),
        Const::Bool(true) => "True".into(),
        Const::Bool(false) => "False".into(),
        Const::Ellipsis => "...".into(),
        Const::Int(value) => value.to_string(),
        Const::Big(negative, digits) => {
            let hex: String = digits.iter().rev().map(|digit| format!("{digit:x}.")).collect();
            format!("{}big:{}", if *negative { "-" } else { "" }, hex.trim_end_matches('.'))
        }
        Const::Float(value) => format!("{value:?}"),
        Const::Complex(real, imag) => format!("({real:?}{imag:+?}j)"),
        Const::Str(text) => format!("{:?}", text.lossy()),
        Const::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Const::Tuple(items) if items.len() == 1 => format!("({},)", repr(&items[0])),
        Const::Tuple(items) => format!("({})", list(items)),
        Const::FrozenSet(items) => format!("frozenset({{{}}})", list(items)),
        Const::Slice(parts) => format!("slice({})", list(&parts[..])),
        Const::Code(code) => format!("<code {}>", code.qualname.lossy()),
    };
    if text.len() <= 120 {
        return text;
    }
    let cut = (0..=117).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}...", &text[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Handler;

    #[test]
    fn shows_operands_by_kind() {
        let words = [
            Word::ax(Op::LoadConst, 1, 0),
            Word::abc(Op::LoadGlobal, 2, 0, 0),
            Word::aux(1),
            Word(0),
            Word(0),
            Word::abc(Op::Call, 2, 1, 2),
            Word(0),
            Word(0),
            Word::abc(Op::AddI, 2, 0, 0xffff),
            Word::aux(1),
            Word::ax(Op::JumpIfNot, 2, 1),
            Word::abc(Op::Return, 2, 0, 0),
            Word::abc(Op::ReturnNone, 0, 0, 0),
        ];
        let code = Code {
            name: "f".into(),
            qualname: "f".into(),
            filename: "t.py".into(),
            firstlineno: 3,
            nregs: 4,
            varnames: vec!["x".into()],
            names: vec!["a".into(), "print".into()],
            consts: vec![Const::Str("hi".into())],
            words: words.iter().map(|word| word.0).collect(),
            handlers: vec![Handler { start: 0, end: 4, target: 12, reg: 3 }],
            ..Code::default()
        };
        let expected = "code f (t.py:3) flags 0x0 regs 4\nlocals x\n     0 LoadConst r1, c0 (\"hi\")\n     1 LoadGlobal r2, print\n     5 Call [r2..r3], 1, r2\n     8 AddI r2, r0 (x), -1, inplace\n    10 JumpIfNot r2, L12\n    11 Return r2\n  L12:\n    12 ReturnNone\nhandler 0..4 -> L12, r3\n";
        assert_eq!(dis(&code), expected);
    }
}
