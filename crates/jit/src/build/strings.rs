//! f-strings over built-in values.

use taipan_bytecode::Conversion;
use taipan_runtime::Value;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::{float, int};

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

    /// `reg a = reg b` converted as the instruction says.
    pub fn convert_value(&mut self, at: At) -> Built<Flow> {
        let (v, kind) = (self.reg(at.w.b()), at.w.c());
        let class: &'static Class = match Conversion::from_u16(kind as u16) {
            Some(Conversion::Int) => &int::INT,
            Some(Conversion::Float) => &float::FLOAT,
            _ => Str::type_object(),
        };
        let is_number = !std::ptr::eq(class, Str::type_object());
        if (is_number || kind == Conversion::Str as usize) && self.is_class(v, class) {
            self.set_reg(at.w.a(), v);
            return Ok(Flow::Next);
        }
        if is_number {
            self.generic(at)?;
            let v = self.reg(at.w.a());
            let v = self.classed(v, class);
            self.set_reg(at.w.a(), v);
            return Ok(Flow::Next);
        }
        if kind == Conversion::Str as usize
            && let Some([text]) = self.known_exception_args(v)
            && self.is_class(text, Str::type_object())
        {
            self.set_reg(at.w.a(), text);
            return Ok(Flow::Next);
        }
        let kind = self.word(kind as u64);
        let result = self.plain(Helper::PlainToStr, &[v, kind], Type::Val);
        self.give_str(at, result)
    }

    /// `str(v)`.
    pub fn str_call(&mut self, v: Val) -> Option<Val> {
        if self.is_class(v, Str::type_object()) {
            return Some(v);
        }
        if let Some([text]) = self.known_exception_args(v)
            && self.is_class(text, Str::type_object())
        {
            return Some(text);
        }
        let kind = self.word(Conversion::Str as u64);
        let v = self.plain(Helper::PlainToStr, &[v, kind], Type::Val)?;
        Some(self.classed(v, Str::type_object()))
    }

    /// `repr(v)`.
    pub fn repr_call(&mut self, v: Val) -> Option<Val> {
        let kind = self.word(Conversion::Repr as u64);
        let v = self.plain(Helper::PlainToStr, &[v, kind], Type::Val)?;
        Some(self.classed(v, Str::type_object()))
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
