//! Loops that count, contain no other loop, and call nothing need not look in each of their short rounds whether something wants the thread's
//! attention: every 64th does.

use super::bounds::odd_counter;
use super::licm::{Loop, loops};
use crate::helpers::Helper;
use crate::ir::verify::Dominators;
use crate::ir::{Func, Inst, Op};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let rpo = func.rpo();
    let dom = Dominators::of(func, &rpo);
    let all = loops(func, &rpo, &dom);
    for l in &all {
        let innermost = all.iter().all(|o| o.head == l.head || !l.body[o.head.0 as usize]);
        let Some(check) = func[l.head].insts.iter().copied().find(|v| func[*v].op == Op::CheckInterrupt) else { continue };
        if !innermost || !is_short(func, l) {
            continue;
        }
        if let Some(counter) = odd_counter(func, &rpo, l) {
            func[check] = Inst { op: Op::CheckSeldom, args: vec![counter], ..func[check].clone() };
        }
    }
}

/// Whether a round takes no longer than some hundred instructions.
fn is_short(func: &Func, l: &Loop) -> bool {
    let blocks = func.blocks.iter().zip(&l.body).filter(|(_, inside)| **inside);
    let mut size = 0;
    blocks.flat_map(|(b, _)| &b.insts).all(|v| {
        size += 1;
        match func[*v].op {
            Op::Call => Helper::from_imm(func[*v].imm).row().brief,
            Op::CallPlain | Op::PyCall | Op::TypedCall | Op::JoinStrs | Op::NewGenerator | Op::Suspended => false,
            Op::NewException | Op::NewDict => false,
            _ => size < 500,
        }
    })
}
