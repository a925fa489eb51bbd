//! Slices of lists, and what is stored into them.

use taipan_runtime::Object;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;

use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Effect, Op, Type, Val};

impl Builder<'_> {
    /// `reg a = reg b [reg c : reg c+1]`.
    pub fn load_slice(&mut self, at: At) -> Built<Flow> {
        let (v, start, stop) = (self.reg(at.w.b()), self.reg(at.w.c()), self.reg(at.w.c() + 1));
        let none = self.object(taipan_runtime::Value::none());
        if let Some(list) = self.list_slice(v, [start, stop, none]) {
            self.set_reg(at.w.a(), list);
            return Ok(Flow::Next);
        }
        let Some(r) = self.plain(Helper::PlainGetSlice, &[v, start, stop], Type::Val) else { return self.generic(at) };
        if let Some(class) = self.class_of(v)
            && [List::class(), Str::type_object(), Tuple::class()].iter().any(|c| std::ptr::eq(*c, class))
        {
            self.classed(r, class);
        }
        self.set_reg(at.w.a(), r);
        Ok(Flow::Next)
    }

    /// `reg a [reg c : reg c+1] = reg b`.
    pub fn store_slice(&mut self, at: At) -> Built<Flow> {
        let (v, value) = (self.reg(at.w.a()), self.reg(at.w.b()));
        let (start, stop) = (self.reg(at.w.c()), self.reg(at.w.c() + 1));
        if self.is_fresh_copy(value)
            && self.is_class(v, List::class())
            && let (Some(start), Some(stop)) = (self.bound_of_slice(start), self.bound_of_slice(stop))
        {
            // The items go straight to where they are stored.
            let mut args = vec![v, start, stop];
            args.extend(&self.func[value].args);
            self.plain_call(Helper::MoveItems, &args, Type::Word);
            return Ok(Flow::Next);
        }
        match self.plain(Helper::PlainSetSlice, &[v, start, stop, value], Type::Word) {
            Some(_) => Ok(Flow::Next),
            None => self.generic(at),
        }
    }

    /// `v[start:stop:step]` of a list whose bounds are small ints or None.
    pub fn list_slice(&mut self, v: Val, parts: [Val; 3]) -> Option<Val> {
        let is_list = self.is_class(v, List::class());
        let step_is_known =
            self.func.as_const_int(parts[2]).is_some_and(|step| step != 0) || self.is_none_const(parts[2]);
        if !step_is_known || !parts.iter().all(|p| self.may_be_bound(*p)) {
            return None;
        }
        if !is_list {
            let unknown = self.class_of(v).is_none() && !self.failed(Reason::Class);
            self.peek(v).filter(|_| unknown)?.exact::<List>()?;
        }
        let v = self.guard_class(v, List::class());
        let mut args = vec![v];
        for part in parts {
            args.push(self.bound_of_slice(part)?);
        }
        let list = self.emit(Op::CopyItems, Type::Val, &args, 0);
        Some(self.classed(list, List::class()))
    }

    /// Start, stop and step of a slice that was made here or is a constant.
    pub fn parts_of_slice(&mut self, key: Val) -> Vec<Val> {
        if self.func[key].op == Op::NewSlice {
            return self.func[key].args.clone();
        }
        match self.const_of::<Slice>(key) {
            Some(slice) => [slice.start, slice.stop, slice.step].map(|part| self.constant(part)).to_vec(),
            None => vec![],
        }
    }

    fn is_none_const(&self, v: Val) -> bool {
        self.as_const(v).is_some_and(|v| v.is_none())
    }

    /// Whether a bound of a slice is an int or None, or may be taken for an int.
    fn may_be_bound(&self, v: Val) -> bool {
        let fits = self.is_small(v) || !self.failed(Reason::Overflow);
        match self.func[v].ty {
            Type::Int => fits,
            Type::Val if self.class_of(v).is_none() => fits && !self.failed(Reason::Number),
            _ => self.is_none_const(v),
        }
    }

    /// A bound of a slice as a word, a small int or None; None if it may be something else.
    fn bound_of_slice(&mut self, v: Val) -> Option<Val> {
        if !self.may_be_bound(v) {
            return None;
        }
        if self.is_none_const(v) {
            return Some(v);
        }
        let i = self.to_int(v, Reason::Number);
        let small = self.guard_small(i);
        Some(self.boxed(small))
    }

    /// Whether `v` is a copy of a part of a list that was made in this block, with nothing behind it that might write to the list.
    fn is_fresh_copy(&self, v: Val) -> bool {
        let insts = &self.func[self.block].insts;
        let Some(at) = insts.iter().rposition(|i| *i == v).filter(|_| self.func[v].op == Op::CopyItems) else {
            return false;
        };
        insts[at + 1..].iter().all(|i| {
            matches!(self.func[*i].op.info().effect, Effect::Pure | Effect::Guard | Effect::Reads | Effect::Allocates)
        })
    }
}
