//! Complex numbers whose parts are known: an object that nobody makes but who needs it, and two doubles that arithmetic works
//! on. What a loop hands on in a variable are the doubles.

use taipan_bytecode::Op as B;
use taipan_bytecode::ops::feedback;
use taipan_runtime::types::complex::{COMPLEX, Complex};
use taipan_runtime::types::float::FLOAT;

use super::values::at;
use super::{Builder, HeadFact};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, BlockId, Cond, Op, StateId, Type, Val};

use super::ops::At;

/// The parts of a complex number.
pub type Parts = (Val, Val);

/// An operand of an operation on complex numbers.
enum Operand {
    Complex(Parts),
    Real(Val),
}

impl Builder<'_> {
    /// The complex number with these parts.
    pub fn complex(&mut self, (re, im): Parts) -> Val {
        let v = self.emit(Op::BoxComplex, Type::Val, &[re, im], 0);
        self.classed(v, &COMPLEX);
        self.complexes.insert(v, (re, im));
        v
    }

    /// The parts of a value that is known to be a complex number.
    pub fn complex_parts(&mut self, v: Val) -> Option<Parts> {
        if let Some(parts) = self.complexes.get(&v) {
            return Some(*parts);
        }
        if self.func[v].ty != Type::Val || !self.is_class(v, &COMPLEX) {
            return None;
        }
        let parts = self.loaded_parts(v);
        self.complexes.insert(v, parts);
        Some(parts)
    }

    fn loaded_parts(&mut self, v: Val) -> Parts {
        let offsets = [std::mem::offset_of!(Complex, re), std::mem::offset_of!(Complex, im)];
        let [re, im] = offsets.map(|o| self.emit(Op::Load, Type::Float, &[v], at(Alias::Fixed, o)));
        (re, im)
    }

    /// As [`Builder::complex_parts`], of a value that is a complex number now.
    fn likely_parts(&mut self, v: Val) -> Option<Parts> {
        if let Some(parts) = self.complex_parts(v) {
            return Some(parts);
        }
        let likely = self.func[v].ty == Type::Val && self.class_of(v).is_none() && !self.failed(Reason::Class);
        if !likely || !self.peek(v).is_some_and(|now| std::ptr::eq(now.class(), &COMPLEX)) {
            return None;
        }
        let v = self.guard_class(v, &COMPLEX);
        self.complex_parts(v)
    }

    fn complex_operand(&mut self, v: Val) -> Option<Operand> {
        match self.func[v].ty {
            Type::Float => Some(Operand::Real(v)),
            Type::Int => Some(Operand::Real(self.emit(Op::IntToFloat, Type::Float, &[v], 0))),
            _ if self.is_class(v, &FLOAT) => Some(Operand::Real(self.to_float(v, false, Reason::Number))),
            _ => self.likely_parts(v).map(Operand::Complex),
        }
    }

    /// `x op y` where one of them is a complex number; None if that is left to others.
    pub fn complex_binary(&mut self, at: At, op: B, x: Val, y: Val) -> Option<Val> {
        if !matches!(op, B::Add | B::Sub | B::Mul) || self.failed(Reason::Division) {
            return None;
        }
        let known = |b: &Self, v: Val| b.complexes.contains_key(&v) || b.is_class(v, &COMPLEX);
        let seen = at.feedback() & (feedback::FLOAT | feedback::OTHER | feedback::BIG | feedback::STR);
        if !known(self, x) && !known(self, y) && seen != feedback::OTHER {
            return None;
        }
        let is_complex = |b: &mut Self, v: Val| b.likely_parts(v).is_some();
        let (cx, cy) = (is_complex(self, x), is_complex(self, y));
        if !cx && !cy {
            return None;
        }
        // A guard on one may have been on the other, too.
        let (x, y) = (self.reg_of(at, x, true), self.reg_of(at, y, false));
        let (x, y) = (self.complex_operand(x)?, self.complex_operand(y)?);
        let float = |b: &mut Self, op: Op, x: Val, y: Val| b.emit(op, Type::Float, &[x, y], 0);
        let parts = match (op, x, y) {
            (B::Mul, Operand::Complex(x), Operand::Complex(y)) => self.complex_product(x, y),
            (B::Mul, Operand::Complex((re, im)), Operand::Real(d)) => {
                (float(self, Op::FMul, re, d), float(self, Op::FMul, im, d))
            }
            (B::Mul, Operand::Real(d), Operand::Complex((re, im))) => {
                (float(self, Op::FMul, d, re), float(self, Op::FMul, d, im))
            }
            (_, Operand::Complex(x), Operand::Complex(y)) => {
                let op = if op == B::Add { Op::FAdd } else { Op::FSub };
                (float(self, op, x.0, y.0), float(self, op, x.1, y.1))
            }
            (_, Operand::Complex((re, im)), Operand::Real(d)) => {
                (float(self, if op == B::Add { Op::FAdd } else { Op::FSub }, re, d), im)
            }
            (B::Add, Operand::Real(d), Operand::Complex((re, im))) => (float(self, Op::FAdd, d, re), im),
            (_, Operand::Real(d), Operand::Complex((re, im))) => {
                (float(self, Op::FSub, d, re), self.emit(Op::FNeg, Type::Float, &[im], 0))
            }
            _ => return None,
        };
        Some(self.complex(parts))
    }

    /// The value in the register of an operand: what guards have replaced since.
    fn reg_of(&self, at: At, v: Val, left: bool) -> Val {
        if self.func[v].ty != Type::Val || self.complexes.contains_key(&v) {
            return v;
        }
        let now = self.reg(if left { at.w.b() } else { at.w.c() });
        if self.origin(now) == self.origin(v) { now } else { v }
    }

    /// The product as the runtime computes it; leaves where that looks for infinities.
    fn complex_product(&mut self, (a, b): Parts, (c, d): Parts) -> Parts {
        let [ac, bd, ad, bc] =
            [(a, c), (b, d), (a, d), (b, c)].map(|(x, y)| self.emit(Op::FMul, Type::Float, &[x, y], 0));
        let re = self.emit(Op::FSub, Type::Float, &[ac, bd], 0);
        let im = self.emit(Op::FAdd, Type::Float, &[ad, bc], 0);
        let [re_is, im_is] = [re, im].map(|x| self.emit(Op::FCmp, Type::Bool, &[x, x], Cond::Eq as u64));
        let ok = self.emit(Op::BoolOr, Type::Bool, &[re_is, im_is], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Division);
        (re, im)
    }

    /// `abs(v)` of a complex number.
    pub fn complex_abs(&mut self, v: Val) -> Option<Val> {
        if self.failed(Reason::Division) {
            return None;
        }
        let (re, im) = self.likely_parts(v)?;
        let size = self.plain_call(Helper::FloatHypot, &[re, im], Type::Float);
        // Infinities, and what overflows, which raises.
        self.guard_finite(size);
        Some(size)
    }

    /// `complex(re, im)` of floats and ints.
    pub fn complex_of(&mut self, args: &[Val]) -> Option<Val> {
        let mut parts = Vec::new();
        for v in args {
            match self.complex_operand(*v)? {
                Operand::Real(d) => parts.push(d),
                Operand::Complex(_) => return None,
            }
        }
        let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
        match parts[..] {
            [re] => Some(self.complex((re, zero))),
            [re, im] => Some(self.complex((re, im))),
            _ => None,
        }
    }

    /// `v.real` or `v.imag`.
    pub fn complex_attr(&mut self, v: Val, name: &str) -> Option<Val> {
        if !matches!(name, "real" | "imag") {
            return None;
        }
        let (re, im) = self.complex_parts(v)?;
        Some(if name == "real" { re } else { im })
    }

    /// `-v` or `v.conjugate()`.
    pub fn complex_negated(&mut self, v: Val, both: bool) -> Option<Val> {
        let (re, im) = self.complex_parts(v)?;
        let im = self.emit(Op::FNeg, Type::Float, &[im], 0);
        let re = if both { self.emit(Op::FNeg, Type::Float, &[re], 0) } else { re };
        Some(self.complex((re, im)))
    }

    /// The parts of the value with which a loop begins, if earlier attempts found that all back edges deliver complex numbers.
    pub fn complex_at_head(&mut self, v: Val, fact: HeadFact, pc: usize, enter: StateId) -> Option<Parts> {
        if !fact.complex || fact.boxed {
            return None;
        }
        if let Some(parts) = self.complex_parts(v) {
            return Some(parts);
        }
        let doubtful = self.failed_at(self.context().code, pc as u32, Reason::Number);
        if doubtful || self.func[v].ty != Type::Val || self.class_of(v).is_some() || !self.info[v.0 as usize].bound {
            return None;
        }
        let imm = std::ptr::from_ref(&COMPLEX) as u64;
        let v = self.emit_exit(Op::GuardClass, Type::Val, &[v], imm, Reason::Number, enter);
        self.classed(v, &COMPLEX);
        self.complex_parts(v)
    }

    /// Joins complex numbers at the end of blocks into one of `target`: the arguments for it.
    pub fn join_complexes(&mut self, values: &[Val], target: BlockId) -> Option<(Val, Vec<[Val; 2]>)> {
        let parts: Option<Vec<Parts>> = values.iter().map(|v| self.complexes.get(v).copied()).collect();
        let args = parts?.into_iter().map(|(re, im)| [re, im]).collect();
        let [re, im] = [Type::Float; 2].map(|ty| self.func.add_param(target, ty));
        self.note_new(im);
        self.block = target;
        Some((self.complex((re, im)), args))
    }
}
