//! Exceptions that are raised and caught in the same code.
//!
//! Only handlers of the entry frame are compiled, and only for instructions that were seen to raise what they catch; what
//! else raises leaves. Functions whose handlers catch exceptions are not inlined.

use super::cfg::op_at;
use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Op, Type, Val};

impl Builder<'_> {
    /// Where an exception that the current instruction raises is caught in the entry frame: the handler and its register.
    fn catcher(&self) -> Option<(usize, usize)> {
        let pc = match self.state.frames.get(1) {
            None => self.pc,
            // The call that was built in place: the instruction that ends where its caller goes on.
            Some(callee) => {
                let next = self.contexts[callee.context].return_pc as usize;
                let code = self.contexts[0].code;
                (1..=4)
                    .map(|n| next - n)
                    .find(|pc| self.catches.contains_key(pc) && pc + op_at(code, *pc).words() == next)?
            }
        };
        self.catches.get(&pc).copied()
    }

    /// Appends an instruction that gives 0 if it raises. Then the way leads to the handler, or out.
    pub fn emit_raising(&mut self, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        let state = self.raise_here();
        let Some((handler, register)) = self.catcher() else {
            return self.emit_exit(op, ty, args, imm, Reason::Raised, state);
        };
        let v = self.emit_exit(op, ty, args, imm, Reason::Caught, state);
        let raised = match ty {
            Type::Val => self.emit(Op::IsConst, Type::Bool, &[v], 0),
            _ => self.word_is(v, 0),
        };
        let (caught, next) = self.branch(raised);
        let after = self.state.clone();
        self.block = caught;
        self.func[caught].cold = true;
        // Tracebacks show the locals of all frames.
        self.sync(&[]);
        self.store_pc();
        let state = self.raise_here();
        let e = self.emit_exit(Op::Call, Type::Val, &[], Helper::Catch as u64, Reason::Caught, state);
        self.state.frames.truncate(1);
        self.state.shapes.clear();
        self.state.sets.clear();
        self.state.fields.clear();
        // What was called may have used the temporaries.
        let code = self.contexts[0].code;
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        self.top_mut().synced[named..].fill(Val::NONE);
        self.set_reg(register, e);
        let state = self.resume_at(handler);
        self.emit_exit(Op::CheckValid, Type::Void, &[], 0, Reason::Invalid, state);
        self.caught.push((self.pend(), handler));
        self.block = next;
        self.state = after;
        v
    }

    /// `raise`.
    pub fn raise(&mut self, at: At) -> Built<Flow> {
        self.generic(at)?;
        // It always raises.
        self.leave(Reason::Interpret);
        Ok(Flow::End)
    }

    /// Begins to handle the exception in register `a`; register `b` receives what was handled before.
    pub fn push_exc_info(&mut self, a: usize, b: usize) {
        let e = self.reg(a);
        let before = self.plain_call(Helper::BeginHandling, &[e], Type::Val);
        self.set_reg(b, before);
    }

    /// Goes back to handling what is in register `a`.
    pub fn pop_exc_info(&mut self, a: usize) {
        let before = self.reg(a);
        let before = self.boxed(before);
        self.plain_call(Helper::EndHandling, &[before], Type::Void);
    }

    /// Jumps unless the exception in register `a` matches the class or tuple in register `b`.
    pub fn jump_exc_not_match(&mut self, at: At) -> Flow {
        let (e, pattern) = (self.reg(at.w.a()), self.reg(at.w.b()));
        let pattern = self.boxed(pattern);
        let t = self.raising_call(Helper::ExcMatches, &[e, pattern], Type::Word);
        let t = self.word_is(t, TRUE_WORD);
        self.fork(t, false)
    }
}
