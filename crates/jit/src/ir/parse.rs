//! Reads the text form that `print.rs` writes. For tests of passes and of lowering.

use std::collections::HashMap;

use super::func::{BlockId, ConsumerDesc, Edge, FrameDesc, FrameState, Func, Inst, PendingStore, StateId, Val};
use super::ops::{Alias, Op, Type};
use crate::consume::Consumer;
use crate::exits::Reason;
use crate::helpers::Helper;

struct Parser<'a> {
    func: Func,
    values: HashMap<&'a str, Val>,
}

type Parsed<T> = Result<T, String>;

/// The function that `text` describes; an error names the line.
pub fn parse(text: &str) -> Parsed<Func> {
    let mut parser = Parser { func: Func::default(), values: HashMap::new() };
    for (n, line) in text.lines().enumerate() {
        parser.declare(line).map_err(|e| format!("line {}: {e}", n + 1))?;
    }
    let mut block = BlockId(0);
    for (n, line) in text.lines().enumerate() {
        parser.line(line, &mut block).map_err(|e| format!("line {}: {e}", n + 1))?;
    }
    Ok(parser.func)
}

fn number(text: &str) -> Parsed<u64> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse::<u64>().ok().or_else(|| text.parse::<i64>().ok().map(|i| i as u64)),
    };
    parsed.ok_or_else(|| format!("not a number: {text}"))
}

fn ty(text: &str) -> Parsed<Type> {
    Type::ALL.iter().find(|(_, s)| *s == text).map(|(t, _)| *t).ok_or_else(|| format!("not a type: {text}"))
}

fn strip(line: &str) -> &str {
    line.split(';').next().unwrap_or("").trim()
}

fn is_block(line: &str) -> bool {
    line.starts_with('b') && (line.ends_with("):") || line.ends_with("): cold"))
}

impl<'a> Parser<'a> {
    /// First pass: makes blocks and numbers values, so that uses may come before definitions.
    fn declare(&mut self, line: &'a str) -> Parsed<()> {
        let line = strip(line);
        if let Some(name) = line.strip_prefix("func ") {
            self.func.name = name.trim_end_matches('{').trim().to_string();
        } else if is_block(line) {
            let (head, params) = line.split_once('(').ok_or("no parameters")?;
            let index = number(&head[1..])? as usize;
            while self.func.blocks.len() <= index {
                self.func.add_block();
            }
            let block = BlockId(index as u32);
            self.func[block].cold = line.ends_with("cold");
            for p in params.split(')').next().unwrap_or("").split(',').filter(|p| !p.trim().is_empty()) {
                let (name, t) = p.trim().split_once(": ").ok_or("a parameter needs a type")?;
                let v = self.func.add_param(block, ty(t)?);
                self.values.insert(name, v);
            }
        } else if line.starts_with('v') {
            let (name, rest) = line.split_once(": ").ok_or("a value needs a type")?;
            let (t, _) = rest.split_once(" = ").ok_or("a value needs a definition")?;
            let blank = Inst { op: Op::Jump, ty: ty(t)?, args: vec![], imm: 0, state: StateId::NONE, reason: 0 };
            let v = self.func.add_inst(blank);
            self.values.insert(name, v);
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Parsed<Val> {
        if name == "-" {
            return Ok(Val::NONE);
        }
        self.values.get(name).copied().ok_or_else(|| format!("unknown value {name}"))
    }

    fn values_of(&self, text: &str) -> Parsed<Vec<Val>> {
        text.split(',').map(str::trim).filter(|a| !a.is_empty()).map(|a| self.value(a)).collect()
    }

    fn line(&mut self, line: &'a str, block: &mut BlockId) -> Parsed<()> {
        let line = strip(line);
        if line.is_empty() || line == "}" || line.starts_with("func ") {
            return Ok(());
        }
        if is_block(line) {
            let (head, _) = line.split_once('(').ok_or("no parameters")?;
            *block = BlockId(number(&head[1..])? as u32);
            return Ok(());
        }
        if line.starts_with('s')
            && let Some((name, rest)) = line.split_once(':')
            && let Ok(index) = number(&name[1..])
        {
            let state = self.state(rest)?;
            while self.func.states.len() <= index as usize {
                self.func.states.push(FrameState::default());
            }
            self.func.states[index as usize] = state;
            return Ok(());
        }
        let (v, body) = match line.split_once(" = ") {
            Some((head, body)) if line.starts_with('v') => {
                (Some(self.value(head.split(':').next().unwrap_or(""))?), body)
            }
            _ => (None, line),
        };
        self.inst(v, body, *block)
    }

    fn inst(&mut self, v: Option<Val>, body: &str, block: BlockId) -> Parsed<()> {
        let (body, exit) = body.split_once(" !s").map_or((body, None), |(b, e)| (b, Some(e)));
        let (body, targets) = body.split_once(" -> ").map_or((body, ""), |(b, t)| (b, t));
        let (name, rest) = body.split_once(' ').unwrap_or((body, ""));
        let op = Op::from_text(name).ok_or_else(|| format!("unknown operation {name}"))?;
        // Texts do not say what every load of an item reads.
        let imm = if op == Op::LoadIndex { crate::build::values::at(Alias::Item, 0) } else { 0 };
        let mut inst = Inst { op, ty: Type::Void, args: vec![], imm, state: StateId::NONE, reason: 0 };
        let mut rest = rest.trim();
        if let Some(r) = rest.strip_prefix('#') {
            let (imm, r) = r.split_once(' ').unwrap_or((r, ""));
            inst.imm = number(imm)?;
            if op == Op::Argument {
                self.func.arguments.get_or_insert_default();
            }
            rest = r;
        } else if let Some(r) = rest.strip_prefix('@') {
            let (helper, r) = r.split_once(' ').unwrap_or((r, ""));
            inst.imm = Helper::from_name(helper).ok_or_else(|| format!("unknown helper {helper}"))? as u64;
            rest = r;
        }
        inst.args = self.values_of(rest)?;
        if let Some(exit) = exit {
            let (state, reason) = exit.split_once(' ').ok_or("an exit needs a reason")?;
            inst.state = StateId(number(state)? as u32);
            inst.reason = Reason::from_text(reason.trim_matches('"')).ok_or("unknown reason")? as u8;
        }
        for target in targets.split("),").map(str::trim).filter(|t| !t.is_empty()) {
            let (to, args) = target.split_once('(').ok_or("a target needs arguments")?;
            let args = self.values_of(args.trim_end_matches(')'))?;
            self.func[block].edges.push(Edge { to: BlockId(number(&to[1..])? as u32), args });
        }
        let v = match v {
            Some(v) => {
                inst.ty = self.func[v].ty;
                self.func[v] = inst;
                v
            }
            None => self.func.add_inst(inst),
        };
        self.func[block].insts.push(v);
        Ok(())
    }

    fn state(&self, text: &str) -> Parsed<FrameState> {
        let mut state = FrameState::default();
        for part in text.split('[').skip(1) {
            let (frame, _) = part.split_once(']').ok_or("an open frame")?;
            let mut desc = FrameDesc {
                code: 0,
                function: 0,
                pc: 0,
                result: 0,
                base: 0,
                receiver: Val::NONE,
                callee: Val::NONE,
                regs: vec![],
                consumer: None,
            };
            for field in frame.split_whitespace() {
                let (key, value) = field.split_once('=').ok_or("a field needs a value")?;
                match key {
                    "code" => desc.code = number(value)?,
                    "fn" => desc.function = number(value)?,
                    "pc" => desc.pc = number(value)? as u32,
                    "result" => desc.result = number(value)? as u16,
                    "base" => desc.base = number(value)? as u16,
                    "recv" => desc.receiver = self.value(value)?,
                    "callee" => desc.callee = self.value(value)?,
                    "consumer" => {
                        let consumer = Consumer::from_text(value).ok_or_else(|| format!("unknown consumer {value}"))?;
                        desc.consumer = Some(ConsumerDesc { consumer, progress: vec![] });
                    }
                    _ if key.starts_with('p') => {
                        let consumer = desc.consumer.as_mut().ok_or("progress of no consumer")?;
                        consumer.progress.push(self.value(value)?);
                    }
                    _ => desc.regs.push((number(&key[1..])? as u16, self.value(value)?)),
                }
            }
            state.frames.push(desc);
        }
        for part in text.split('<').skip(1) {
            let (store, _) = part.split_once('>').ok_or("an open store")?;
            let (place, value) = store.split_once('=').ok_or("a store needs a value")?;
            if place == "handled" {
                state.handled.push(self.value(value)?);
                continue;
            }
            let (object, offset) = place.split_once('+').ok_or("a store needs an offset")?;
            state.stores.push(PendingStore {
                object: self.value(object)?,
                offset: number(offset)? as u32,
                value: self.value(value)?,
            });
        }
        Ok(state)
    }
}
