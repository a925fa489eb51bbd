//! The text form of the IR; `parse.rs` reads it back.
//!
//! ```text
//! func NAME {
//!   b0(v0: val, v1: int):
//!     v2: int = add_ov v1, v1 !s0 "overflow"
//!     branch v3 -> b1(v2), b2()
//!   s0: [code=10 fn=0 pc=4 result=0 base=0 recv=- callee=- r0=v2 r1=v1] stores [v3+24=v2]
//! }
//! ```

use std::fmt::{Display, Formatter, Result};

use super::func::{Edge, Func, Inst, Val};
use super::ops::{Op, Type};
use crate::exits::Reason;
use crate::helpers::Helper;

impl Display for Val {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.is_none() { write!(f, "-") } else { write!(f, "v{}", self.0) }
    }
}

fn edge(f: &mut Formatter<'_>, edge: &Edge) -> Result {
    let args: Vec<String> = edge.args.iter().map(|a| a.to_string()).collect();
    write!(f, "b{}({})", edge.to.0, args.join(", "))
}

fn inst(f: &mut Formatter<'_>, v: Val, inst: &Inst, edges: &[Edge]) -> Result {
    write!(f, "    ")?;
    if inst.ty != Type::Void {
        write!(f, "{v}: {} = ", inst.ty.text())?;
    }
    write!(f, "{}", inst.op.info().text)?;
    match inst.op {
        Op::Call => write!(f, " @{}", Helper::from_imm(inst.imm).row().name)?,
        _ if inst.op.info().imm => write!(f, " #{:#x}", inst.imm)?,
        _ => {}
    }
    for (i, arg) in inst.args.iter().enumerate() {
        write!(f, "{} {arg}", if i == 0 { "" } else { "," })?;
    }
    for (i, e) in edges.iter().enumerate() {
        write!(f, "{} ", if i == 0 { " ->" } else { "," })?;
        edge(f, e)?;
    }
    if inst.state != super::func::StateId::NONE {
        write!(f, " !s{} \"{}\"", inst.state.0, Reason::from_number(inst.reason).text())?;
    }
    writeln!(f)
}

impl Display for Func {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "func {} {{", self.name)?;
        for (i, block) in self.blocks.iter().enumerate() {
            if block.insts.is_empty() {
                continue;
            }
            let params: Vec<String> = block.params.iter().map(|p| format!("{p}: {}", self[*p].ty.text())).collect();
            writeln!(f, "  b{i}({}):{}", params.join(", "), if block.cold { " cold" } else { "" })?;
            for (n, v) in block.insts.iter().enumerate() {
                let edges = if n + 1 == block.insts.len() { &block.edges[..] } else { &[] };
                inst(f, *v, &self[*v], edges)?;
            }
        }
        for (i, state) in self.states.iter().enumerate() {
            write!(f, "  s{i}:")?;
            for frame in &state.frames {
                write!(
                    f,
                    " [code={:#x} fn={:#x} pc={} result={} base={} recv={} callee={}",
                    frame.code, frame.function, frame.pc, frame.result, frame.base, frame.receiver, frame.callee
                )?;
                for (r, v) in &frame.regs {
                    write!(f, " r{r}={v}")?;
                }
                if let Some(c) = &frame.consumer {
                    write!(f, " consumer={}", c.consumer.text())?;
                    for (i, v) in c.progress.iter().enumerate() {
                        write!(f, " p{i}={v}")?;
                    }
                }
                write!(f, "]")?;
            }
            for s in &state.stores {
                write!(f, " <{}+{}={}>", s.object, s.offset, s.value)?;
            }
            for e in &state.handled {
                write!(f, " <handled={e}>")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "}}")
    }
}
