//! Arithmetic and comparisons of operands that are sometimes ints and sometimes floats.
//!
//! First it is assumed that at least one of the two is a float: then the result is one. Where that has failed (reason
//! `ints`), ints have a way of their own, and the result is a tagged word.

use taipan_bytecode::Op as B;
use taipan_bytecode::ops::feedback;
use taipan_runtime::types::float::FLOAT;

use super::Builder;
use crate::exits::Reason;
use crate::ir::{Cond, Op, Type, Val};

impl Builder<'_> {
    /// `x op y`; None where that is left to others.
    pub fn numbers_binary(&mut self, op: B, x: Val, y: Val) -> Option<Val> {
        match op {
            B::TrueDiv if !self.failed(Reason::Division) => {
                let (x, y) = (self.exact_number(x), self.exact_number(y));
                Some(self.emit_guard(Op::FDiv, Type::Float, &[x, y], 0, Reason::Division))
            }
            B::Add | B::Sub | B::Mul => {
                let ints = self.both_ints(x, y)?;
                if !self.failed(Reason::Ints) && !self.sees_ints() {
                    self.guard_not(ints);
                    return Some(self.float_result(op, x, y));
                }
                Some(self.diamond(
                    ints,
                    Type::Val,
                    |b| {
                        let (x, y) = (b.untagged(x), b.untagged(y));
                        let v = b.checked(op, x, y);
                        b.boxed(v)
                    },
                    |b| {
                        let v = b.float_result(op, x, y);
                        b.boxed(v)
                    },
                ))
            }
            _ => None,
        }
    }

    /// A comparison as a truth value; None where that is left to others.
    pub fn numbers_compare(&mut self, cond: Cond, x: Val, y: Val) -> Option<Val> {
        let ints = self.both_ints(x, y)?;
        let floats = |b: &mut Self| {
            let (x, y) = (b.exact_number(x), b.exact_number(y));
            b.emit(Op::FCmp, Type::Bool, &[x, y], cond as u64)
        };
        if !self.failed(Reason::Ints) {
            self.guard_not(ints);
            return Some(floats(self));
        }
        let ints_compared = |b: &mut Self| {
            let (x, y) = (b.untagged(x), b.untagged(y));
            b.emit(Op::ICmp, Type::Bool, &[x, y], cond as u64)
        };
        Some(self.diamond(ints, Type::Bool, ints_compared, floats))
    }

    fn float_result(&mut self, op: B, x: Val, y: Val) -> Val {
        let (x, y) = (self.number(x), self.number(y));
        let op = match op {
            B::Add => Op::FAdd,
            B::Sub => Op::FSub,
            _ => Op::FMul,
        };
        self.emit(op, Type::Float, &[x, y], 0)
    }

    fn guard_not(&mut self, cond: Val) {
        let ok = self.emit(Op::BoolNot, Type::Bool, &[cond], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Ints);
    }

    /// Whether both are small ints; None where one is certainly not.
    pub fn both_ints(&mut self, x: Val, y: Val) -> Option<Val> {
        let mut any = None;
        for v in [x, y] {
            let is = match self.func[v].ty {
                Type::Int => continue,
                Type::Val if self.class_of(v).is_none() => self.emit(Op::IsSmall, Type::Bool, &[v], 0),
                _ => return None,
            };
            any = Some(any.map_or(is, |other| self.emit(Op::BoolAnd, Type::Bool, &[other, is], 0)));
        }
        any
    }

    /// The int in a value that is known to be a small int here.
    pub fn untagged(&mut self, v: Val) -> Val {
        if self.func[v].ty == Type::Int {
            return v;
        }
        let i = self.emit(Op::UntagInt, Type::Int, &[v], 0);
        let (lo, hi) = Self::small_range();
        self.bounded(i, lo, hi)
    }

    /// The double in a float, or nearest to an int; leaves for other values.
    fn number(&mut self, v: Val) -> Val {
        match self.func[v].ty {
            Type::Float => v,
            Type::Int => self.emit(Op::IntToFloat, Type::Float, &[v], 0),
            _ => self.emit_guard(Op::GuardNumber, Type::Float, &[v], 0, Reason::Numbers),
        }
    }

    /// The double that equals a float or an int; leaves for other values.
    pub fn exact_number(&mut self, v: Val) -> Val {
        match self.func[v].ty {
            Type::Float => v,
            Type::Int => self.exact_float(v),
            _ if self.is_class(v, &FLOAT) => self.number(v),
            _ => self.emit_guard(Op::GuardExact, Type::Float, &[v], 0, Reason::Numbers),
        }
    }

    /// The value of one of two ways, which leave the state alone.
    pub fn diamond(
        &mut self,
        cond: Val,
        ty: Type,
        then: impl FnOnce(&mut Self) -> Val,
        otherwise: impl FnOnce(&mut Self) -> Val,
    ) -> Val {
        let (yes, no) = self.branch(cond);
        let target = self.func.add_block();
        let param = self.func.add_param(target, ty);
        self.note_new(param);
        self.block = yes;
        let v = then(self);
        self.jump(target, vec![v]);
        self.block = no;
        let v = otherwise(self);
        self.jump(target, vec![v]);
        self.block = target;
        param
    }

    /// Whether the operands here were ints and floats and nothing else.
    pub fn sees_numbers(&self) -> bool {
        let mixed = self.failed(Reason::Number) || self.sees_ints();
        mixed && !self.failed(Reason::Numbers) && !self.failed(Reason::Overflow)
    }

    /// Whether the interpreter saw two ints here after it had seen floats.
    fn sees_ints(&self) -> bool {
        self.feedback_here() & feedback::INTS != 0
    }

    /// What the interpreter noted in the cache word of the current instruction, which has one.
    pub fn feedback_here(&self) -> u64 {
        super::cfg::word_at(self.context().code, self.pc + 1).0 & !0xffff_ffff
    }
}
