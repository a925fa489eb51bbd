//! Variables that are numbers where they are bound.
//!
//! A variable that is first assigned inside a loop is unbound in the first round and a number in all others. Nearly always
//! nobody reads it before it is assigned; but exits have to know. Such a register is a `maybe` of two values, whether it is
//! bound and the number; only what asks for the object makes it.

use super::Builder;
use crate::exits::Reason;
use crate::ir::{Op, Type, Val};

/// Whether a variable is bound, and its number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Maybe {
    /// It is bound.
    pub bound: Val,
    /// Its value then.
    pub number: Val,
}

impl Builder<'_> {
    /// The variable with this number where `bound` holds.
    pub fn maybe(&mut self, maybe: Maybe) -> Val {
        let v = self.emit(Op::Maybe, Type::Val, &[maybe.bound, maybe.number], 0);
        self.info[v.0 as usize].bound = false;
        self.maybes.insert(v, maybe);
        v
    }

    /// A value as a number of a type that may be unbound, if it is that.
    pub fn as_maybe(&mut self, v: Val, ty: Type) -> Option<Maybe> {
        if let Some(maybe) = self.maybes.get(&v) {
            return (self.func[maybe.number].ty == ty).then_some(*maybe);
        }
        if self.func[v].ty == ty {
            let bound = self.emit(Op::ConstBool, Type::Bool, &[], 1);
            return Some(Maybe { bound, number: v });
        }
        self.is_unbound(v)
            .then(|| Maybe { bound: self.emit(Op::ConstBool, Type::Bool, &[], 0), number: self.zero_of(ty) })
    }

    /// Whether a value is certainly unbound.
    pub fn is_unbound(&self, v: Val) -> bool {
        self.func[v].op == Op::ConstVal && self.func[v].imm == 0
    }

    fn zero_of(&mut self, ty: Type) -> Val {
        let op = match ty {
            Type::Int => Op::ConstInt,
            Type::Float => Op::ConstFloat,
            _ => Op::ConstBool,
        };
        self.emit(op, ty, &[], 0)
    }

    /// The type of number that values have in common of which some may be unbound.
    pub fn maybe_type(&self, values: &[Val]) -> Option<Type> {
        let ty = |v: Val| match self.maybes.get(&v) {
            Some(maybe) => Some(self.func[maybe.number].ty),
            None => Some(self.func[v].ty).filter(|ty| matches!(ty, Type::Int | Type::Float | Type::Bool)),
        };
        let first = values.iter().find_map(|v| ty(*v))?;
        let open = values.iter().any(|v| self.is_unbound(*v) || self.maybes.contains_key(v));
        let fit = values.iter().all(|v| self.is_unbound(*v) || ty(*v) == Some(first));
        (open && fit).then_some(first)
    }

    /// The number in a variable that may be unbound; leaves where it is.
    pub fn bound_number(&mut self, v: Val) -> Option<Val> {
        let maybe = *self.maybes.get(&v)?;
        self.emit_guard(Op::Guard, Type::Void, &[maybe.bound], 0, Reason::Unbound);
        self.refine(v, maybe.number);
        Some(maybe.number)
    }
}
