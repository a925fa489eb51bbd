//! What values are right now, while the code is compiled: hints where nothing was noted, which guards make sure of.

use taipan_runtime::Value;
use taipan_runtime::shape::Attrs;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::list::List;
use taipan_runtime::types::range::RangeIter;
use taipan_runtime::types::tuple::Tuple;

use super::Builder;
use super::poly::{Receiver, shape_offset};
use super::values::{alias_of, offset_of};
use crate::exits::Reason;
use crate::ir::{Alias, Cond, Op, Type, Val};

/// Steps from a register to what is looked for.
const MAX_STEPS: usize = 8;

impl Builder<'_> {
    /// The object that `v` would be if the code ran now; None if that cannot be told.
    pub fn peek(&self, v: Val) -> Option<Value> {
        self.peek_within(v, MAX_STEPS)
    }

    fn peek_within(&self, v: Val, steps: usize) -> Option<Value> {
        let steps = steps.checked_sub(1)?;
        let inst = &self.func[v];
        match inst.op {
            Op::ConstVal => Value::from_bits(inst.imm),
            Op::GuardClass | Op::AssumeClass | Op::GuardBound | Op::GuardConst | Op::BoxInt | Op::BoxFloat => {
                self.peek_within(inst.args[0], steps)
            }
            Op::GuardInt | Op::GuardFloat => self.peek_within(inst.args[0], steps),
            // The same int with more known about it.
            Op::Add if self.func.as_const_int(inst.args[1]) == Some(0) => self.peek_within(inst.args[0], steps),
            Op::ConstInt => Value::try_small(inst.imm as i64),
            Op::Param => self.peek_within(*self.initial.get(&v)?, steps),
            // What registers hold on entry they hold now; later ones are filled by what has not run yet.
            Op::LoadReg | Op::Argument if self.initial.contains_key(&v) => {
                // SAFETY: FRAME-1 and FRAME-2; registers that are live on entry hold values.
                let frame = unsafe { &*self.cx.frame };
                ((inst.imm as usize) < frame.code.nregs()).then(|| frame.reg(inst.imm as usize)).flatten()
            }
            Op::Load if inst.ty == Type::Val => self.peek_field(v, steps),
            Op::LoadIndex => {
                let items = &self.func[inst.args[0]];
                let list = if items.op == Op::Load { self.peek_within(items.args[0], steps)? } else { return None };
                let i = self.func.as_const_int(inst.args[1]).unwrap_or(0);
                list.exact::<List>()?.get(i as usize)
            }
            Op::LoadIndexAt => {
                let i = self.func.as_const_int(inst.args[1]).unwrap_or(0);
                self.peek_within(inst.args[0], steps)?.exact::<Tuple>()?.items().get(i as usize).copied()
            }
            _ => None,
        }
    }

    /// The step of a range's iterator, if that is 1 now: so it is nearly everywhere, and what is known of loops with that step is worth asking.
    pub fn step_now(&mut self, it: Val) -> Option<i64> {
        let step = self.peek(it)?.exact::<RangeIter>()?.step;
        if step != 1 || self.failed(Reason::Const) {
            return None;
        }
        let now = self.load_int(it, Alias::Fixed, std::mem::offset_of!(RangeIter, step));
        let known = self.int(step);
        let same = self.emit(Op::ICmp, Type::Bool, &[now, known], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[same], 0, Reason::Const);
        Some(step)
    }

    /// Whether `v` is what a register holds on entry, and that register holds nothing now.
    pub fn is_unbound_now(&self, v: Val) -> bool {
        let inst = &self.func[v];
        // SAFETY: FRAME-1 and FRAME-2.
        let frame = unsafe { &*self.cx.frame };
        let r = inst.imm as usize;
        inst.op == Op::LoadReg && self.initial.contains_key(&v) && r < frame.code.nregs() && frame.reg(r).is_none()
    }

    /// Whether `object` is of the class and shape that are known of `owner`, or of one of those; None if nothing is known.
    fn is_receiver_now(&self, owner: Val, object: Value) -> Option<bool> {
        let shape = || Attrs::of(object).map(|a| a.shape());
        if let Some((_, set)) = self.state.sets.iter().find(|(v, _)| *v == owner) {
            let same = |r: &Receiver| match (r.shape, shape()) {
                (Some(known), Some(now)) => std::ptr::eq(known, now),
                (None, None) => true,
                _ => false,
            };
            return Some(set.iter().any(|r| std::ptr::eq(r.class, object.class()) && same(r)));
        }
        let class = self.class_of(owner)?;
        let same_class = std::ptr::eq(object.class(), class);
        if !class.data().attrs {
            return Some(same_class);
        }
        let known = self.known_shape(owner)?;
        Some(same_class && shape().is_some_and(|now| std::ptr::eq(now, known)))
    }

    fn peek_field(&self, v: Val, steps: usize) -> Option<Value> {
        let inst = &self.func[v];
        let owner = inst.args[0];
        if alias_of(inst.imm) == Alias::Cell
            && let Some(content) = self.in_cells.get(&self.origin(owner))
        {
            return self.peek_within(*content, steps);
        }
        let object = self.peek_within(owner, steps)?;
        match alias_of(inst.imm) {
            Alias::Cell => object.exact::<Cell>()?.get(),
            // What a loop goes through that the code is entered in the middle of.
            Alias::Iter => {
                if offset_of(inst.imm) == std::mem::offset_of!(ListIter, list) as i32
                    && let Some(it) = object.exact::<ListIter>()
                {
                    return it.list.get().map(Value::of);
                }
                let it = object.exact::<TupleIter>()?;
                let is_tuple = offset_of(inst.imm) == std::mem::offset_of!(TupleIter, tuple) as i32;
                it.tuple.get().filter(|_| is_tuple).map(Value::of)
            }
            Alias::Slot => {
                if !self.is_receiver_now(owner, object)? {
                    return None;
                }
                // What is known of the object now need not be what was known where this was loaded: since then its layout may have
                // changed to one with a double there.
                let offset = offset_of(inst.imm) as u32;
                let class = object.class();
                if Attrs::of(object).is_some_and(|a| a.shape().is_double_at(offset, shape_offset(class) as u32)) {
                    return None;
                }
                // SAFETY: objects of this class and shape have a value or 0 there.
                Value::from_bits(unsafe { *((object.bits() as i64 + offset_of(inst.imm) as i64) as *const u64) })
            }
            _ => None,
        }
    }
}
