//! f-strings over built-in values.

use taipan_runtime::Value;
use taipan_runtime::types::str::Str;

use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::helpers::Helper;
use crate::ir::{Op, Type, Val};

impl Builder<'_> {
    /// `reg a = format(reg b, spec)`.
    pub fn format(&mut self, at: At, spec: Option<Val>) -> Built<Flow> {
        let v = self.reg(at.w.b());
        if spec.is_none() && self.is_class(v, Str::type_object()) {
            self.set_reg(at.w.a(), v);
            return Ok(Flow::Next);
        }
        let spec = match spec {
            Some(spec) => spec,
            None => {
                let empty = self.cx.names().empty;
                self.object(Value::of(empty))
            }
        };
        let result = self.plain(Helper::PlainFormat, &[v, spec], Type::Val);
        self.give_str(at, result)
    }

    /// `reg a = str, repr or ascii of reg b`, by number 1, 2, 3.
    pub fn convert_to_str(&mut self, at: At) -> Built<Flow> {
        let (v, kind) = (self.reg(at.w.b()), at.w.c());
        if kind == 1 && self.is_class(v, Str::type_object()) {
            self.set_reg(at.w.a(), v);
            return Ok(Flow::Next);
        }
        let kind = self.word(kind as u64);
        let result = self.plain(Helper::PlainToStr, &[v, kind], Type::Val);
        self.give_str(at, result)
    }

    fn give_str(&mut self, at: At, result: Option<Val>) -> Built<Flow> {
        let Some(v) = result else { return self.generic(at) };
        let v = self.classed(v, Str::type_object());
        self.set_reg(at.w.a(), v);
        Ok(Flow::Next)
    }

    /// `reg a = ''.join` of registers.
    pub fn build_string(&mut self, at: At) -> Flow {
        let registers = at.w.b()..at.w.b() + at.w.c();
        let parts: Vec<Val> = registers.map(|r| self.boxed(self.reg(r))).collect();
        let v = self.emit_raising(Op::JoinStrs, Type::Val, &parts, 0);
        let v = self.classed(v, Str::type_object());
        self.set_reg(at.w.a(), v);
        Flow::Next
    }
}
