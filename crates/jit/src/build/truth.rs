//! The truth of values, and jumps on it.

use taipan_bytecode::Op as B;
use taipan_runtime::types::list::List;
use taipan_runtime::types::singletons::NONE_TYPE;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Object, Value};

use super::ops::{At, Flow};
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Alias, Cond, Op, Type, Val};

impl Builder<'_> {
    /// The truth of a value, if no Python code can be needed for it.
    pub fn truth(&mut self, v: Val) -> Option<Val> {
        if let Some(t) = self.direct_truth(v) {
            return Some(t);
        }
        if !self.may_ask_truth(v) {
            return None;
        }
        // What is neither a bool nor None is asked out of line.
        let words = [Value::bool(true), Value::bool(false), Value::none()];
        let [yes, no, none] = words.map(|w| self.emit(Op::IsConst, Type::Bool, &[v], w.bits()));
        let mut known = self.emit(Op::BoolOr, Type::Bool, &[yes, no], 0);
        known = self.emit(Op::BoolOr, Type::Bool, &[known, none], 0);
        Some(self.diamond(known, Type::Bool, |_| yes, |b| b.ask_truth(v)))
    }

    /// Whether a value of unknown class is tested for being a bool or None first.
    fn may_ask_truth(&self, v: Val) -> bool {
        self.func[v].ty == Type::Val && self.class_of(v).is_none() && !self.failed(Reason::Plain)
    }

    /// The truth of such a value, in a block of its own.
    fn ask_truth(&mut self, v: Val) -> Val {
        let block = self.block;
        self.func[block].cold = true;
        self.plain_truth(Helper::PlainTruth, &[v]).expect("not found useless")
    }

    /// Ends the block with branches on the truth of such a value, which is an int often enough to look first, jumping where it is `when`.
    fn fork_asking(&mut self, v: Val, when: bool) -> Flow {
        let state = self.state.clone();
        let [yes, no] = [(); 2].map(|()| self.func.add_block());
        for (word, to) in [(Value::bool(true), yes), (Value::bool(false), no), (Value::none(), no)] {
            let is = self.emit(Op::IsConst, Type::Bool, &[v], word.bits());
            let (there, rest) = self.branch(is);
            self.block = there;
            self.jump(to, vec![]);
            self.block = rest;
        }
        let is_small = self.emit(Op::IsSmall, Type::Bool, &[v], 0);
        let (there, rest) = self.branch(is_small);
        self.block = there;
        let is_zero = self.emit(Op::IsConst, Type::Bool, &[v], Value::small(0).bits());
        let (zero, other) = self.branch(is_zero);
        for (from, to) in [(zero, no), (other, yes)] {
            self.block = from;
            self.jump(to, vec![]);
        }
        self.block = rest;
        let t = self.ask_truth(v);
        let (so, not_so) = self.branch(t);
        for (from, to) in [(so, yes), (not_so, no)] {
            self.block = from;
            self.jump(to, vec![]);
        }
        let (taken, not_taken) = if when { (yes, no) } else { (no, yes) };
        Flow::Branch {
            taken: Pending { block: taken, state: state.clone() },
            not_taken: Pending { block: not_taken, state },
        }
    }

    /// The truth of a value that is known, or assumed, to be something that is asked for it directly.
    fn direct_truth(&mut self, v: Val) -> Option<Val> {
        match self.func[v].ty {
            Type::Bool => return Some(v),
            Type::Int => {
                let zero = self.int(0);
                return Some(self.emit(Op::ICmp, Type::Bool, &[v, zero], Cond::Ne as u64));
            }
            Type::Float => {
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                return Some(self.emit(Op::FCmp, Type::Bool, &[v, zero], Cond::Ne as u64));
            }
            _ => {}
        }
        if let Some(class) = self.class_of(v) {
            if std::ptr::eq(class, &NONE_TYPE) {
                return Some(self.emit(Op::ConstBool, Type::Bool, &[], 0));
            }
            if self.is_class(v, List::class()) || self.is_class(v, Tuple::class()) {
                let n = self.load_int(v, Alias::ListSize, 16);
                let zero = self.int(0);
                return Some(self.emit(Op::ICmp, Type::Bool, &[n, zero], Cond::Ne as u64));
            }
            return None;
        }
        let now = self.peek(v).filter(|_| !self.failed(Reason::Truth));
        if now.is_some_and(|now| now.is_small()) {
            let i = self.to_int(v, Reason::Truth);
            let zero = self.int(0);
            return Some(self.emit(Op::ICmp, Type::Bool, &[i, zero], Cond::Ne as u64));
        }
        if now.is_some_and(|now| now == Value::bool(true) || now == Value::bool(false)) {
            let t = self.emit_guard(Op::GuardBool, Type::Bool, &[v], 0, Reason::Truth);
            self.refine(v, t);
            return Some(t);
        }
        None
    }

    /// Jumps where the value is true, or where it is false.
    pub fn jump_truth(&mut self, at: At) -> Built<Flow> {
        let v = self.reg(at.w.a());
        let when = at.op.base() == B::JumpIf;
        if let Some(t) = self.direct_truth(v) {
            return Ok(self.fork(t, when));
        }
        if self.may_ask_truth(v) {
            return Ok(self.fork_asking(v, when));
        }
        if let Some(t) = self.plain_truth(Helper::PlainTruth, &[v]) {
            return Ok(self.fork(t, when));
        }
        self.sync(&[]);
        let v = self.boxed(v);
        let t = self.python_call(Helper::Truth, &[v], Type::Word);
        let t = self.word_is(t, TRUE_WORD);
        Ok(self.fork_checked(at, t, when))
    }
}
