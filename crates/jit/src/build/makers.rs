//! Functions and generators made by compiled code.

use taipan_bytecode::ops::FuncAttr;
use taipan_runtime::Value;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::function_methods;
use taipan_runtime::types::generator::Generator;

use super::Builder;
use super::ops::At;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Op, Type, Val};

impl Builder<'_> {
    /// `reg a = ` a new function of a constant code object.
    pub fn make_function(&mut self, at: At) {
        let context = self.context();
        let (value, globals) = (context.code.consts()[at.w.x() as usize], context.globals);
        let (code, globals) = (self.object(value), self.object(Value::of(globals)));
        let f = self.new_function(&[code, globals], value.exact::<CodeObject>());
        self.set_reg(at.w.a(), f);
    }

    fn new_function(&mut self, parts: &[Val], code: Option<&'static CodeObject>) -> Val {
        let f = self.emit(Op::NewFunction, Type::Val, parts, 0);
        self.classed(f, &function_methods::FUNCTION);
        if let Some(code) = code {
            self.functions.insert(f, code);
        }
        f
    }

    /// Attribute `c` of the new function in register `a` becomes register `b`.
    pub fn set_function_attribute(&mut self, at: At) {
        let (f, v) = (self.reg(at.w.a()), self.reg(at.w.b()));
        let v = self.boxed(v);
        let made = &self.func[f];
        if FuncAttr::from_u16(at.w.c() as u16) == Some(FuncAttr::Closure)
            && made.op == Op::NewFunction
            && made.args.len() == 2
            && !self.is_used(f)
        {
            let (parts, code) = ([made.args[0], made.args[1], v], self.functions.get(&f).copied());
            let with_closure = self.new_function(&parts, code);
            self.refine(f, with_closure);
            return;
        }
        let kind = self.word(at.w.c() as u64);
        self.plain_call(Helper::SetFunctionAttribute, &[f, v, kind], Type::Word);
    }

    /// A call of a function made here of the code of a generator expression, which takes the iterator only.
    pub fn call_generator_expression(&mut self, callee: Val, args: &[Val]) -> Option<Val> {
        let code = *self.functions.get(&callee)?;
        let takes = code.simple && code.argcount as usize == args.len() && Generator::begins_plainly(code);
        if !takes || self.failed(Reason::Const) {
            return None;
        }
        if self.func[callee].op == Op::NewFunction && !self.is_used(callee) {
            return Some(self.new_generator(callee, code, args));
        }
        // Somebody may have given the function other code.
        let own = self.function_word(callee, std::mem::offset_of!(Function, code));
        self.emit_guard(Op::GuardWord, Type::Void, &[own], std::ptr::from_ref(code) as u64, Reason::Const);
        Some(self.new_generator(callee, code, args))
    }

    /// A call of a known function whose calls give generators, coroutines or async generators.
    pub fn call_generator_function(&mut self, f: &'static Function, callee: Val, args: &[Val]) -> Option<Val> {
        if !Generator::begins_plainly(f.code.get()) {
            return None;
        }
        let sources = self.arrange(f, args.len(), &[])?;
        self.watch_type(&function_methods::FUNCTION);
        self.root(Value::of(f));
        let values = self.bind(&sources, args);
        Some(self.new_generator(callee, f.code.get(), &values))
    }

    fn new_generator(&mut self, callee: Val, code: &CodeObject, parameters: &[Val]) -> Val {
        let mut all = vec![callee];
        all.extend(parameters.iter().map(|v| self.boxed(*v)));
        let v = self.emit_raising(Op::NewGenerator, Type::Val, &all, 0);
        self.classed(v, Generator::class_for(code))
    }
}
