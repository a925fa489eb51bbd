//! Items of dicts, and of instances of classes derived from dict.

use taipan_runtime::Object;
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::typeobj::{Type as Class, flags};

use super::ops::{At, Flow};
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::helpers::{DONE, Helper};
use crate::ir::{Op, Type, Val};
use crate::natives::inherits_getitem;

impl Builder<'_> {
    /// `reg a = v[key]` of a dict.
    pub fn dict_item(&mut self, at: At, v: Val, key: Val) -> Built<Flow> {
        let v = self.guard_class(v, Dict::class());
        let key = self.boxed(key);
        if self.catches_here() && !self.failed(Reason::Plain) {
            let found = self.plain_call(Helper::PlainDictItem, &[v, key], Type::Val);
            self.guard_plain(found);
            let missing = self.emit(Op::IsConst, Type::Bool, &[found], crate::plain::END);
            self.raise_if(missing, &exceptions::KeyError, &[key]);
            self.set_reg(at.w.a(), found);
            return Ok(Flow::Next);
        }
        let found = self.plain_call(Helper::DictGet, &[v, key], Type::Val);
        let missing = self.emit(Op::IsConst, Type::Bool, &[found], DONE);
        if !self.failed(Reason::Index) {
            let ok = self.emit(Op::BoolNot, Type::Bool, &[missing], 0);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Index);
            self.set_reg(at.w.a(), found);
            return Ok(Flow::Next);
        }
        // Keys of other kinds, or missing ones: ask the runtime.
        let (slow, fast) = self.branch(missing);
        self.block = fast;
        let mut quick = self.pend();
        quick.state.frames.last_mut().expect("a frame").regs[at.w.a()] = found;
        self.block = slow;
        self.func[slow].cold = true;
        if let Some(item) = self.plain(Helper::PlainGetItem, &[v, key], Type::Val) {
            self.set_reg(at.w.a(), item);
        } else {
            self.get_item(at, v, key);
        }
        let slow = self.pend();
        self.merge(vec![quick, slow], self.pc + at.op.words())?;
        Ok(Flow::Next)
    }

    /// `reg a = v[key]` of an instance of a class that finds items as dict does; what is not there is asked for as Python says.
    pub fn item_of_dict_like(&mut self, at: At, v: Val, key: Val) -> Built<Option<Flow>> {
        let Some(class) = self.dict_like_class(v).filter(|c| inherits_getitem(c)) else { return Ok(None) };
        let v = self.guard_class(v, class);
        let key = self.boxed(key);
        let found = self.plain_call(Helper::FindItem, &[v, key], Type::Val);
        let lacks = self.emit(Op::IsConst, Type::Bool, &[found], DONE);
        if !self.failed(Reason::Index) {
            let ok = self.emit(Op::BoolNot, Type::Bool, &[lacks], 0);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Index);
            self.set_reg(at.w.a(), found);
            return Ok(Some(Flow::Next));
        }
        let (other, there) = self.branch(lacks);
        let before = self.state.clone();
        self.block = other;
        self.func[other].cold = true;
        self.get_item(at, v, key);
        let asked = self.pend();
        self.go_on(Pending { block: there, state: before });
        self.set_reg(at.w.a(), found);
        let found = self.pend();
        self.merge(vec![found, asked], self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    /// The class derived from dict that `v` is known to be of, or was noted to be of here, or is of now.
    pub fn dict_like_class(&mut self, v: Val) -> Option<&'static Class> {
        if self.func[v].ty != Type::Val {
            return None;
        }
        let class = self.class_of(v).or_else(|| self.noted_class(v).filter(|_| !self.failed(Reason::Class)));
        class.filter(|c| c.is_heap_type() && c.has(flags::DICT))
    }

    /// `reg a = v[key]`, as Python says.
    pub fn get_item(&mut self, at: At, v: Val, key: Val) {
        self.sync(&[]);
        let (v, key) = (self.boxed(v), self.boxed(key));
        let item = self.python_call(Helper::GetItem, &[v, key], Type::Val);
        self.set_reg(at.w.a(), item);
        self.check_valid(at);
    }

    /// Whether `v` is a dict now whose class may have a `__missing__`: nothing about it is plain.
    pub fn is_dict_of_subclass(&self, v: Val) -> bool {
        self.peek(v).is_some_and(|v| v.class().has(flags::DICT) && v.exact::<Dict>().is_none())
    }
}
