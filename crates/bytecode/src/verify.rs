//! Checks a [`Code`] that came from outside (a `.pyc` file, `marshal.loads`, `types.CodeType`), and makes
//! fresh words out of words that ran.
//!
//! Guarantees after [`verify`]: every register, constant, name and selector is in range, every jump and
//! handler lands on an instruction, control cannot run off the end, caches are fresh. Not checked: what
//! registers hold (that cell operands hold cells, that temporaries are set before they are read).
//! Linear in the number of words.

use crate::code::{Code, Const, Handler, flags};
use crate::effects::{ends_block, jump, reads, writes};
use crate::ops::{Aux, CommonConst, Conversion, FuncAttr, Intrinsic, Kind, Op, Special, Word};

/// Code objects may be nested this deep.
const MAX_NESTING: usize = 400;

/// What the verifier asks of a code object: its parts in whatever form the caller has them.
pub struct Facts<'a> {
    /// Registers of the frame.
    pub nregs: u32,
    /// Registers taken by locals, cells and frees.
    pub variables: [usize; 3],
    /// Positional, positional-only and keyword-only parameters.
    pub params: [u32; 3],
    /// `co_flags`.
    pub flags: u32,
    /// Number of names.
    pub names: usize,
    /// Number of constants.
    pub consts: usize,
    /// The kind of a constant.
    pub constant: &'a dyn Fn(usize) -> ConstKind,
    /// Instructions.
    pub words: &'a [u64],
    /// Exception handlers.
    pub handlers: &'a [Handler],
}

/// What instructions ask of constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConstKind {
    /// A str.
    Str,
    /// A code object.
    Code,
    /// A tuple of this many strs, nothing else in it.
    Names(usize),
    /// Anything else.
    Other,
}

/// Checks `code` and the code objects among its constants. The error says what is wrong, for developers.
pub fn verify(code: &Code) -> Result<(), String> {
    verify_nested(code, 0).map_err(|error| format!("code object {}: {error}", code.qualname.lossy()))
}

/// Checks one code object, not those among its constants.
pub fn verify_facts(code: &Facts) -> Result<(), String> {
    frame(code)?;
    let starts = instructions(code)?;
    control_flow(code, &starts)
}

fn verify_nested(code: &Code, depth: usize) -> Result<(), String> {
    ensure(depth < MAX_NESTING, || "code objects nested too deeply".into())?;
    verify_facts(&Facts {
        nregs: code.nregs,
        variables: [code.varnames.len(), code.cellvars.len(), code.freevars.len()],
        params: [code.argcount, code.posonlyargcount, code.kwonlyargcount],
        flags: code.flags,
        names: code.names.len(),
        consts: code.consts.len(),
        constant: &|index| kind_of(&code.consts[index]),
        words: &code.words,
        handlers: &code.handlers,
    })?;
    code.consts.iter().try_for_each(|constant| nested(constant, depth))
}

fn kind_of(constant: &Const) -> ConstKind {
    match constant {
        Const::Str(_) => ConstKind::Str,
        Const::Code(_) => ConstKind::Code,
        Const::Tuple(items) if items.iter().all(|item| matches!(item, Const::Str(_))) => ConstKind::Names(items.len()),
        _ => ConstKind::Other,
    }
}

fn nested(constant: &Const, depth: usize) -> Result<(), String> {
    ensure(depth < MAX_NESTING, || "constants nested too deeply".into())?;
    match constant {
        Const::Code(inner) => verify_nested(inner, depth + 1)
            .map_err(|error| if error.len() > 400 { error } else { format!("in {}: {error}", inner.name.lossy()) }),
        Const::Tuple(items) | Const::FrozenSet(items) => items.iter().try_for_each(|item| nested(item, depth + 1)),
        Const::Slice(parts) => parts.iter().try_for_each(|item| nested(item, depth + 1)),
        _ => Ok(()),
    }
}

fn ensure(holds: bool, error: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(error()) }
}

/// Checks the counts of registers and parameters.
fn frame(code: &Facts) -> Result<(), String> {
    let ([nlocals, ncells, nfrees], [argcount, posonly, kwonly]) = (code.variables, code.params);
    let fixed = nlocals + ncells + nfrees;
    ensure(code.nregs <= 1 << 16, || format!("{} registers", code.nregs))?;
    ensure(fixed <= code.nregs as usize, || format!("{fixed} variables in {} registers", code.nregs))?;
    let star = |flag: u32| u64::from(code.flags & flag != 0);
    let params = argcount as u64 + kwonly as u64 + star(flags::VARARGS) + star(flags::VARKEYWORDS);
    ensure(params <= nlocals as u64, || format!("{params} parameters, {nlocals} locals"))?;
    ensure(posonly <= argcount, || "more positional-only than positional parameters".into())?;
    let has_docstring = code.flags & flags::HAS_DOCSTRING != 0;
    let first_is_str = || code.consts > 0 && (code.constant)(0) == ConstKind::Str;
    ensure(!has_docstring || first_is_str(), || "no docstring constant".into())
}

/// Checks each instruction by itself; gives a map of the words at which instructions start.
fn instructions(code: &Facts) -> Result<Vec<bool>, String> {
    let mut starts = vec![false; code.words.len()];
    let mut at = 0;
    while at < code.words.len() {
        let word = Word(code.words[at]);
        let op = word.op().ok_or_else(|| format!("word {at}: opcode {}", word.0 as u16))?;
        starts[at] = true;
        let end = at + op.words();
        ensure(end <= code.words.len(), || format!("word {at}: {} is cut off", op.info().name))?;
        instruction(code, op, word, &code.words[at + 1..end])
            .map_err(|error| format!("word {at}: {}: {error}", op.info().name))?;
        at = end;
    }
    Ok(starts)
}

fn instruction(code: &Facts, op: Op, word: Word, cache: &[u64]) -> Result<(), String> {
    ensure(op.info().base.is_none(), || "quickened form".into())?;
    for run in reads(op, word).iter().chain(writes(op, word).iter()) {
        ensure(run.end() <= code.nregs as usize, || format!("register {} of {}", run.end() - 1, code.nregs))?;
    }
    operands(code, op, word)?;
    let aux = cache.first().map_or(0, |&first| first as u32);
    ensure(cache.first().is_none_or(|first| first >> 32 == 0), || "cache is not fresh".into())?;
    ensure(cache.iter().skip(1).all(|&word| word == 0), || "cache is not fresh".into())?;
    let in_range = match op.info().aux {
        Aux::None => aux == 0,
        Aux::Name => (aux as usize) < code.names,
        Aux::Const => (aux as usize) < code.consts,
        Aux::Inplace => aux <= 1,
        Aux::Count => aux <= u32::from(u16::MAX),
    };
    ensure(in_range, || format!("static operand {aux}"))?;
    specific(code, op, word, aux)
}

/// Checks operands by their kinds.
fn operands(code: &Facts, op: Op, word: Word) -> Result<(), String> {
    let info = op.info();
    for (index, kind) in info.operands.iter().enumerate() {
        let value = match (info.wide, index) {
            (_, 0) => word.a(),
            (true, 1) => word.x() as u32 as usize,
            (true, _) => 0,
            (false, 1) => word.b(),
            (false, _) => word.c(),
        };
        match kind {
            Kind::None => ensure(value == 0, || format!("unused operand is {value}"))?,
            Kind::Const => ensure(value < code.consts, || format!("constant {value}"))?,
            Kind::Name => ensure(value < code.names, || format!("name {value}"))?,
            Kind::W | Kind::R | Kind::RW | Kind::Run | Kind::WRun => {}
            Kind::I16 | Kind::U16 | Kind::J16 | Kind::J32 | Kind::I32 => {}
        }
    }
    Ok(())
}

/// Checks what single opcodes ask of their selectors, immediates and constants.
fn specific(code: &Facts, op: Op, word: Word, aux: u32) -> Result<(), String> {
    let generator = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR | flags::ITERABLE_COROUTINE;
    let valid = match op {
        Op::LoadCommonConst => CommonConst::from_u16(word.b() as u16).is_some(),
        Op::LoadSpecial => Special::from_u16(word.c() as u16).is_some(),
        Op::SetFuncAttr => FuncAttr::from_u16(word.c() as u16).is_some(),
        Op::CallIntrinsic => Intrinsic::from_u16(word.c() as u16).is_some(),
        Op::ConvertValue => Conversion::from_u16(word.c() as u16).is_some_and(|c| c != Conversion::None),
        Op::GetAwaitable => word.c() <= 2,
        Op::BuildInterpolation => word.c() < 8,
        Op::CallEx => word.b() <= 1,
        Op::FloorDivI | Op::ModI => word.sc() != 0,
        Op::LShiftI | Op::RShiftI => (0..=62).contains(&word.sc()),
        Op::MakeFunction => (code.constant)(word.x() as usize) == ConstKind::Code,
        Op::CallKw | Op::CallMethodKw => {
            matches!((code.constant)(aux as usize), ConstKind::Names(n) if n <= word.b())
        }
        Op::ReturnGenerator | Op::Yield | Op::YieldDelegate => code.flags & generator != 0,
        _ => true,
    };
    ensure(valid, || "operand out of range".into())
}

/// Checks jumps, handlers and the last instruction.
fn control_flow(code: &Facts, starts: &[bool]) -> Result<(), String> {
    let is_start = |target: i64| usize::try_from(target).is_ok_and(|at| starts.get(at) == Some(&true));
    let mut last = None;
    for at in (0..starts.len()).filter(|&at| starts[at]) {
        let word = Word(code.words[at]);
        let op = word.op().unwrap_or(Op::Nop);
        last = Some(op);
        if let Some(distance) = jump(op, word) {
            let target = (at + op.words()) as i64 + distance as i64;
            ensure(is_start(target), || format!("word {at}: {} to word {target}", op.info().name))?;
        }
    }
    ensure(last.is_some_and(ends_block), || "control runs off the end".into())?;
    for (index, handler) in code.handlers.iter().enumerate() {
        let end_is_sane = handler.end as usize == starts.len() || is_start(handler.end as i64);
        let sane = handler.start < handler.end
            && is_start(handler.start as i64)
            && end_is_sane
            && is_start(handler.target as i64)
            && handler.reg < code.nregs;
        ensure(sane, || format!("handler {index} is {handler:?}"))?;
    }
    Ok(())
}

/// Fresh words: quickened opcodes replaced by their base forms, the dynamic parts of caches zero, as operands that are
/// unused (inline caches count their misses there).
/// Words that are no instructions are kept.
pub fn pristine(words: &[u64]) -> Vec<u64> {
    let mut fresh = words.to_vec();
    let mut at = 0;
    while at < fresh.len() {
        let Some(op) = Word(fresh[at]).op() else { break };
        fresh[at] = fresh[at] & !0xffff | op.base() as u64;
        let info = op.base().info();
        for (index, kind) in info.operands.iter().enumerate().skip(1) {
            if *kind == Kind::None && !info.wide {
                fresh[at] &= !(0xffff << (16 + 16 * index));
            }
        }
        let end = (at + op.words()).min(fresh.len());
        for (index, cache) in fresh[at + 1..end].iter_mut().enumerate() {
            *cache = if index == 0 { *cache & 0xffff_ffff } else { 0 };
        }
        at = end;
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(words: &[Word]) -> Code {
        Code {
            nregs: 4,
            names: vec!["x".into()],
            consts: vec![Const::Int(1)],
            words: words.iter().map(|word| word.0).collect(),
            ..Code::default()
        }
    }

    #[test]
    fn accepts_a_loop() {
        let jump = Word::ax(Op::JumpBack, 0, -4);
        let good = code(&[
            Word::ax(Op::LoadConst, 3, 0),
            Word::ax(Op::JumpIf, 3, 2),
            jump,
            Word(0),
            Word::abc(Op::Return, 3, 0, 0),
        ]);
        assert_eq!(verify(&good), Ok(()));
    }

    #[test]
    fn rejects() {
        let end = Word::abc(Op::ReturnNone, 0, 0, 0);
        let cases: &[(&[Word], &str)] = &[
            (&[], "off the end"),
            (&[Word(0xffff)], "opcode 65535"),
            (&[Word::abc(Op::Nop, 0, 0, 0)], "off the end"),
            (&[Word::abc(Op::Move, 0, 4, 0), end], "register 4"),
            (&[Word::abc(Op::Call, 2, 2, 0), Word(0), Word(0), end], "register 4"),
            (&[Word::abc(Op::LoadMethod, 3, 0, 0), Word(0), Word(0), Word(0), end], "register 4"),
            (&[Word::ax(Op::LoadConst, 0, 1), end], "constant 1"),
            (&[Word::ax(Op::LoadConst, 0, -1), end], "constant"),
            (&[Word::ax(Op::DeleteGlobal, 0, 7), end], "name 7"),
            (&[Word::abc(Op::LoadGlobal, 0, 0, 0), Word(1), Word(0), Word(0), end], "static operand 1"),
            (&[Word::abc(Op::LoadGlobal, 0, 0, 0), Word(1 << 32), Word(0), Word(0), end], "fresh"),
            (&[Word::abc(Op::LoadGlobal, 0, 0, 0), Word(0), Word(5), Word(0), end], "fresh"),
            (&[Word::abc(Op::LoadGlobal, 0, 0, 0), Word(0)], "cut off"),
            (&[Word::abc(Op::AddFloat, 0, 0, 0), Word(0), end], "quickened"),
            (&[Word::ax(Op::Jump, 0, 5), end], "to word 6"),
            (&[Word::ax(Op::Jump, 0, -2), end], "to word -1"),
            (&[Word::ax(Op::JumpIf, 0, 1), Word::abc(Op::Lt, 0, 0, 0), Word(0), end], "to word 2"),
            (&[Word::ax(Op::MakeFunction, 0, 0), end], "operand"),
            (&[Word::abc(Op::Yield, 0, 0, 0), end], "operand"),
            (&[Word::abc(Op::Nop, 1, 0, 0), end], "unused operand"),
        ];
        for (words, expected) in cases {
            let error = verify(&code(words)).expect_err(expected);
            assert!(error.contains(expected), "{error} / {expected}");
        }
        let mut bad = code(&[end]);
        bad.handlers.push(Handler { start: 0, end: 2, target: 0, reg: 0 });
        assert!(verify(&bad).unwrap_err().contains("handler 0"));
        let mut bad = code(&[end]);
        bad.argcount = 1;
        assert!(verify(&bad).unwrap_err().contains("parameters"));
    }

    #[test]
    fn pristine_undoes_quickening() {
        let words = [Word::abc(Op::AddFloat, 1, 2, 3).0, 7 << 32 | 1, Word::abc(Op::ReturnNone, 0, 0, 0).0];
        let expected = [Word::abc(Op::Add, 1, 2, 3).0, 1, Word::abc(Op::ReturnNone, 0, 0, 0).0];
        assert_eq!(pristine(&words), expected);
        let missed = [Word::abc(Op::LoadMethod, 1, 2, 9).0, 7 << 32 | 1, 5, 5];
        assert_eq!(pristine(&missed), [Word::abc(Op::LoadMethod, 1, 2, 0).0, 1, 0, 0]);
    }
}
