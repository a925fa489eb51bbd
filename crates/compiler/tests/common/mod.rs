//! Test helpers: parsing, a textual dump, a verifier.
#![allow(dead_code)]

use std::collections::HashMap;
use std::fmt::Write;
use taipan_bytecode::ops::{Aux, Kind, Op, Word};
use taipan_bytecode::{Code, Const, Text};
use taipan_compiler::{Input, Options, Output, SyntaxError};

/// Parses and compiles a module.
pub fn compile(source: &str) -> Result<Output, SyntaxError> {
    let module = ruff_python_parser::parse_unchecked(
        source,
        ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module)
            .with_target_version(ruff_python_ast::PythonVersion::PY314),
    );
    let module = module.try_into_module().expect("a module").into_syntax();
    let options = Options { filename: Text::new("<test>"), ..Options::default() };
    taipan_compiler::compile(source, Input::Module(&module), &options)
}

/// One instruction in words.
pub struct Decoded {
    pub at: usize,
    pub op: Op,
    pub word: Word,
    pub aux: u32,
}

pub fn decode(code: &Code) -> Vec<Decoded> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < code.words.len() {
        let word = Word(code.words[at]);
        let op = word.op().expect("an opcode");
        let aux = if op.info().cache > 0 { code.words[at + 1] as u32 } else { 0 };
        out.push(Decoded { at, op, word, aux });
        at += op.words();
    }
    assert_eq!(at, code.words.len(), "the last instruction is whole");
    out
}

fn reg_name(code: &Code, r: usize) -> String {
    let (l, c, f) = (code.varnames.len(), code.cellvars.len(), code.freevars.len());
    if r < l {
        code.varnames[r].lossy().into_owned()
    } else if r < l + c {
        format!("&{}", code.cellvars[r - l].lossy())
    } else if r < l + c + f {
        format!("^{}", code.freevars[r - l - c].lossy())
    } else {
        format!("t{}", r - l - c - f)
    }
}

pub fn show_const(c: &Const) -> String {
    match c {
        Const::Code(c) => format!("<code {}>", c.qualname.lossy()),
        Const::Tuple(t) => format!("({})", t.iter().map(show_const).collect::<Vec<_>>().join(", ")),
        Const::FrozenSet(t) => format!("{{{}}}", t.iter().map(show_const).collect::<Vec<_>>().join(", ")),
        Const::Str(s) => format!("{:?}", s.lossy()),
        c => format!("{c:?}"),
    }
}

fn jump_target(d: &Decoded) -> Option<usize> {
    let kinds = d.op.info().operands;
    let base = (d.at + d.op.words()) as i64;
    if kinds[1] == Kind::J32 {
        Some((base + d.word.x() as i64) as usize)
    } else if kinds[2] == Kind::J16 {
        Some((base + d.word.sc() as i64) as usize)
    } else {
        None
    }
}

/// The code as text.
pub fn dump(code: &Code) -> String {
    let mut s = String::new();
    writeln!(s, "{}:", code.qualname.lossy()).unwrap();
    for d in decode(code) {
        write!(s, "{:4} {}", d.at, d.op.info().name).unwrap();
        let raw =
            if d.op.info().wide { [d.word.a(), d.word.x() as usize, 0] } else { [d.word.a(), d.word.b(), d.word.c()] };
        for (i, kind) in d.op.info().operands.into_iter().enumerate() {
            let text = match kind {
                Kind::None => continue,
                Kind::W | Kind::R | Kind::RW | Kind::Run | Kind::WRun => reg_name(code, raw[i]),
                Kind::I16 => (raw[i] as u16 as i16).to_string(),
                Kind::U16 => raw[i].to_string(),
                Kind::J16 | Kind::J32 => format!("->{}", jump_target(&d).unwrap()),
                Kind::Const => show_const(&code.consts[raw[i]]),
                Kind::Name => code.names[raw[i]].lossy().into_owned(),
                Kind::I32 => (raw[i] as i32).to_string(),
            };
            write!(s, " {text}").unwrap();
        }
        match d.op.info().aux {
            Aux::None => {}
            Aux::Name => write!(s, " .{}", code.names[d.aux as usize].lossy()).unwrap(),
            Aux::Const => write!(s, " {}", show_const(&code.consts[d.aux as usize])).unwrap(),
            Aux::Inplace if d.aux != 0 => write!(s, " inplace").unwrap(),
            Aux::Inplace => {}
            Aux::Count => write!(s, " {}", d.aux).unwrap(),
        }
        s.push('\n');
    }
    for h in &code.handlers {
        writeln!(s, "  {}..{} -> {} {}", h.start, h.end, h.target, reg_name(code, h.reg as usize)).unwrap();
    }
    s
}

/// The code and all code inside it, as text.
pub fn dump_all(code: &Code) -> String {
    let mut s = dump(code);
    for c in &code.consts {
        if let Const::Code(c) = c {
            s += &dump_all(c);
        }
    }
    s
}

/// Registers that an instruction reads and writes.
pub fn effects(d: &Decoded) -> (Vec<usize>, Vec<usize>) {
    let (a, b, c) = (d.word.a(), d.word.b(), d.word.c());
    let run = |first: usize, n: usize| (first..first + n).collect::<Vec<_>>();
    let (mut r, mut w) = (Vec::new(), Vec::new());
    let raw = [a, b, c];
    for (i, kind) in d.op.info().operands.into_iter().enumerate() {
        match kind {
            Kind::R => r.push(raw[i]),
            Kind::W => w.push(raw[i]),
            Kind::RW => {
                r.push(raw[i]);
                w.push(raw[i]);
            }
            _ => {}
        }
    }
    match d.op {
        Op::LoadMethod | Op::LoadSpecial => w.push(a + 1),
        Op::LoadSuperMethod => {
            w.push(a + 1);
            r.extend(run(c, 2));
        }
        Op::LoadSuperAttr | Op::LoadSlice | Op::StoreSlice | Op::MatchClass => r.extend(run(c, 2)),
        Op::BuildSlice => r.extend(run(b, 3)),
        Op::UnpackSequence => w.extend(run(a, c)),
        Op::UnpackEx => w.extend(run(a, (c & 0xff) + 1 + (c >> 8))),
        Op::BuildTuple | Op::BuildList | Op::BuildSet | Op::BuildString => r.extend(run(b, c)),
        Op::BuildMap => r.extend(run(b, 2 * c)),
        Op::BuildInterpolation => r.extend(run(b, if c & 4 != 0 { 3 } else { 2 })),
        Op::Call | Op::CallKw => r.extend(run(a, b + 1)),
        Op::CallMethod | Op::CallMethodKw => r.extend(run(a, b + 2)),
        Op::CallEx => r.extend(run(a, if b == 0 { 2 } else { 3 })),
        Op::CallIntrinsic => r.extend(run(b, if matches!(c, 4 | 5 | 10 | 11) { 2 } else { 1 })),
        Op::ImportName => r.extend(run(b, 2)),
        Op::CheckEgMatch => w.extend(run(a, 2)),
        Op::WithExceptStart => r.extend(run(b, 2)),
        _ => {}
    }
    (r, w)
}

/// Checks registers, jumps, constants, names; and that no temporary is read before it is written.
pub fn verify(code: &Code) {
    let insts = decode(code);
    let index: HashMap<usize, usize> = insts.iter().enumerate().map(|(i, d)| (d.at, i)).collect();
    let base = code.varnames.len() + code.cellvars.len() + code.freevars.len();
    let place = |at: usize| *index.get(&at).unwrap_or_else(|| panic!("jump to {at}\n{}", dump(code)));
    let n = insts.len();
    let words = (code.nregs as usize).div_ceil(64).max(1);
    let mut states: Vec<Option<Vec<u64>>> = vec![None; n];
    let mut entry = vec![0u64; words];
    let nparams = (code.argcount + code.kwonlyargcount) as usize
        + (code.flags >> 2 & 1) as usize
        + (code.flags >> 3 & 1) as usize;
    (0..nparams).chain(code.varnames.len() + code.cellvars.len()..base).for_each(|r| entry[r / 64] |= 1 << (r % 64));
    let mut cover: Vec<Option<usize>> = vec![None; n];
    for (k, h) in code.handlers.iter().enumerate().rev() {
        place(h.target as usize);
        for (i, d) in insts.iter().enumerate() {
            if (h.start as usize..h.end as usize).contains(&d.at) {
                cover[i] = Some(k);
            }
        }
    }
    let mut work = vec![(0usize, entry)];
    while let Some((i, state)) = work.pop() {
        assert!(i < n, "runs off the end\n{}", dump(code));
        let merged = match &states[i] {
            None => state,
            Some(old) => {
                let both: Vec<u64> = old.iter().zip(&state).map(|(a, b)| a & b).collect();
                if both == *old {
                    continue;
                }
                both
            }
        };
        states[i] = Some(merged.clone());
        let d = &insts[i];
        let (r, w) = effects(d);
        for &reg in r.iter().chain(&w) {
            assert!(reg < code.nregs as usize, "register {reg} at {}\n{}", d.at, dump(code));
        }
        for &reg in &r {
            let temp = reg >= base || reg >= code.varnames.len();
            let saves = d.op == Op::Move;
            let known = merged[reg / 64] >> (reg % 64) & 1 != 0;
            assert!(
                known || !temp && matches!(d.op, Op::CheckLocal | Op::DeleteLocal | Op::MakeCell) || saves,
                "{} is read at {} before it is written\n{}",
                reg_name(code, reg),
                d.at,
                dump(code)
            );
        }
        if let Some(k) = cover[i] {
            let h = code.handlers[k];
            let mut s = merged.clone();
            s[h.reg as usize / 64] |= 1 << (h.reg % 64);
            work.push((place(h.target as usize), s));
        }
        let mut after = merged;
        let kill = matches!(d.op, Op::DeleteLocal | Op::ClearLocal);
        if d.op != Op::ForNext && d.op != Op::ForNextOrJump {
            for &reg in &w {
                let unknown = d.op == Op::Move && after[d.word.b() / 64] >> (d.word.b() % 64) & 1 == 0;
                if kill || unknown { after[reg / 64] &= !(1 << (reg % 64)) } else { after[reg / 64] |= 1 << (reg % 64) }
            }
        }
        if d.op == Op::CheckLocal {
            after[d.word.a() / 64] |= 1 << (d.word.a() % 64);
        }
        let item = |s: &Vec<u64>| {
            let mut s = s.clone();
            s[d.word.b() / 64] |= 1 << (d.word.b() % 64);
            s
        };
        if let Some(t) = jump_target(d) {
            work.push((place(t), if d.op == Op::ForNext { item(&after) } else { after.clone() }));
        }
        if d.op == Op::ForNextOrJump {
            after = item(&after);
        }
        let ends = matches!(
            d.op,
            Op::Jump
                | Op::JumpBack
                | Op::Return
                | Op::ReturnNone
                | Op::Raise
                | Op::RaiseFrom
                | Op::RaiseCurrent
                | Op::Reraise
        );
        if !ends {
            work.push((i + 1, after));
        }
    }
    for c in &code.consts {
        if let Const::Code(c) = c {
            verify(c);
        }
    }
}
