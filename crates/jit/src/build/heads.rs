//! What loops begin with: numbers in registers of which only their first values are not known to be such.

use taipan_runtime::Value;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::maybe::Maybe;
use super::merge::{ALL, Head, Place};
use super::{Builder, Context, HeadFact, HeadGuard, HeadKind};
use crate::exits::Reason;
use crate::ir::{Op, StateId, Type, Val};
use crate::profile::Variance;

/// A function that was called this part of the times that make it hot will be called again.
const PART_OF_HOT: u32 = 50;

impl Builder<'_> {
    /// The number in the value with which a loop begins, if earlier attempts found that all back edges deliver numbers. What is
    /// noted of registers is noted of those of the loop's own frame.
    pub(super) fn unboxed_at_head(
        &mut self,
        v: Val,
        fact: HeadFact,
        (pc, r, is_own): (usize, usize, bool),
        enter: StateId,
    ) -> Option<Val> {
        let ty = fact.unboxed.filter(|_| !fact.boxed && self.func[v].ty == Type::Val)?;
        let otherwise = match is_own {
            true => self.begins_otherwise(pc, r),
            false => self.failed_at(self.context().code, pc as u32, Reason::Number),
        };
        if otherwise || self.maybes.contains_key(&v) || self.words.contains_key(&v) {
            return None;
        }
        let (op, range) = match ty {
            Type::Int => (Op::GuardInt, (INT_MIN, INT_MAX)),
            _ => (Op::GuardFloat, (i64::MIN, i64::MAX)),
        };
        if is_own {
            self.assume_at_head(pc, r, if ty == Type::Int { HeadKind::Int(INT_MIN, INT_MAX) } else { HeadKind::Float });
        }
        let number = self.emit_exit(op, ty, &[v], 0, Reason::Number, enter);
        Some(self.bounded(number, range.0, range.1))
    }

    /// The int with which a loop begins, known to be in the interval of what all back edges deliver if it is there now.
    pub(super) fn narrowed_at_head(
        &mut self,
        v: Val,
        fact: HeadFact,
        (pc, r): (usize, usize),
        enter: StateId,
    ) -> Option<Val> {
        let (lo, hi) = fact.range.filter(|r| *r != ALL && self.func[v].ty == Type::Int && !fact.boxed)?;
        let (low, high) = self.range(v);
        let now = self.peek(v)?.as_small()?;
        let varies = self.begins_otherwise(pc, r) || self.head_varies(pc, r, Variance::Range);
        if varies || low >= lo && high <= hi || now < lo || now > hi {
            return None;
        }
        let (first, span) = (self.int(lo), self.int((hi - lo).checked_add(1)?));
        let moved = self.emit(Op::Sub, Type::Int, &[v, first], 0);
        let ok = self.emit(Op::ULt, Type::Bool, &[moved, span], 0);
        self.assume_at_head(pc, r, HeadKind::Int(lo, hi));
        self.emit_exit(Op::Guard, Type::Void, &[ok], 0, Reason::Number, enter);
        let zero = self.int(0);
        let same = self.emit(Op::Add, Type::Int, &[v, zero], 0);
        Some(self.bounded(same, lo, hi))
    }

    pub(super) fn assume_at_head(&mut self, pc: usize, r: usize, kind: HeadKind) {
        let code = self.context().code;
        self.head_facts.push(HeadGuard { code, pc: pc as u32, register: r as u16, kind });
    }

    /// See [`crate::profile::Profile::head_varies`].
    fn head_varies(&self, pc: usize, r: usize, how: Variance) -> bool {
        crate::profile::profile(self.context().code).is_some_and(|p| p.head_varies(pc as u32, r as u16, how))
    }

    /// Whether the loop at `pc` began with something else than a number of the type that was assumed in the register, or left
    /// in front of it for reasons unknown.
    pub(super) fn begins_otherwise(&self, pc: usize, r: usize) -> bool {
        [Variance::Unbound, Variance::Kind].iter().any(|how| self.head_varies(pc, r, *how))
            || self.failed_at(self.context().code, pc as u32, Reason::Number)
    }

    /// Whether a local of the running frame is assigned before it is read from `pc` on, and calls of the function come there
    /// often enough for it to be unbound in many first rounds. What says whether it is takes a register or a place in memory.
    pub(super) fn is_assigned_first(&self, pc: usize, r: usize) -> bool {
        let Context { code, live, .. } = self.context();
        let often = (self.cx.hot_call / PART_OF_HOT).max(1);
        r < code.nlocals as usize && code.heat.get() >= often && !live.is_read(pc, r)
    }

    /// The variable with which a loop begins as a number that may be unbound, if that was seen or is likely.
    pub(super) fn maybe_at_head(
        &mut self,
        v: Val,
        fact: HeadFact,
        (pc, r): (usize, usize),
        enter: StateId,
    ) -> Option<Maybe> {
        let ty = fact.unboxed.filter(|_| !fact.boxed && self.func[v].ty == Type::Val)?;
        let unbound = self.is_assigned_first(pc, r) || self.head_varies(pc, r, Variance::Unbound);
        let otherwise = self.head_varies(pc, r, Variance::Kind);
        let doubtful = otherwise || self.failed_at(self.context().code, pc as u32, Reason::Number);
        if !unbound || doubtful || self.maybes.contains_key(&v) || self.words.contains_key(&v) {
            return None;
        }
        let missing = self.emit(Op::IsConst, Type::Bool, &[v], 0);
        let (op, zero, kind) = match ty {
            Type::Int => (Op::GuardInt, Value::small(0), HeadKind::Int(INT_MIN, INT_MAX)),
            _ => (Op::GuardFloat, Value::try_flonum(0.0)?, HeadKind::Float),
        };
        let zero = self.emit(Op::ConstVal, Type::Val, &[], zero.bits());
        let v = self.emit(Op::SelectVal, Type::Val, &[missing, zero, v], 0);
        self.assume_at_head(pc, r, kind);
        let number = self.emit_exit(op, ty, &[v], 0, Reason::Number, enter);
        let bound = self.emit(Op::BoolNot, Type::Bool, &[missing], 0);
        Some(Maybe { bound, number })
    }

    /// Where a variable takes the value that another one had in this round, what was found out about that one holds for it,
    /// too: it need not be found out by another attempt.
    pub(super) fn pass_on(&mut self, head: &Head, delivered: &[(Place, Val)]) {
        let known = |place: &Place| match *place {
            Place::Reg(f, r) => Some((head.path, head.pc, f as u16, r as u16)),
            Place::Iter(..) => None,
        };
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for (place, arg) in delivered {
                let Some(to) = known(place) else { continue };
                let Some((from, _)) = head.params.iter().find(|(_, param)| param == arg) else { continue };
                let Some(range) = known(from).and_then(|from| self.sticky.heads.get(&from)?.range) else { continue };
                let fact = self.sticky.heads.entry(to).or_default();
                if fact.range.is_none() && range != ALL && self.func[*arg].ty == Type::Int && !fact.boxed {
                    fact.range = Some(range);
                    self.restart = true;
                    changed = true;
                }
            }
        }
    }
}
