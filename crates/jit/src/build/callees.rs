//! Calls of objects that are neither Python functions nor classes: bound methods, bound built-in methods, instances with
//! `__call__`; and calls of Python functions that are not built in place.

use taipan_runtime::Value;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::function::{BoundMethod, Function};
use taipan_runtime::types::{descr_methods, function_methods};

use super::calls::py_call_imm;
use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Op, Type, Val};
use crate::tier;

impl Builder<'_> {
    /// A call of such an object, which lies in register `a` with its arguments behind; None if it is something else.
    pub fn call_object(&mut self, at: At, callee: Val, args: &[Val]) -> Built<Option<Flow>> {
        if self.func[callee].ty != Type::Val || self.as_const(callee).is_some() {
            return Ok(None);
        }
        let Some(class) = self.class_of(callee).or_else(|| self.noted_class(callee)) else { return Ok(None) };
        if std::ptr::eq(class, &function_methods::METHOD) {
            return self.call_bound(at, callee, args);
        }
        if std::ptr::eq(class, &descr_methods::NATIVE_FUNCTION) {
            return Ok(self.call_bound_native(callee, args).map(|v| {
                self.set_reg(at.w.c(), v);
                Flow::Next
            }));
        }
        if class.is_heap_type() {
            return self.call_instance(at, class, callee, args);
        }
        Ok(None)
    }

    /// A call of one of several functions that were noted here, which is told by its code, or of another one; None if none
    /// were noted.
    pub fn call_one_of(&mut self, at: At, callee: Val, args: &[Val]) -> Built<Option<Flow>> {
        if self.func[callee].ty != Type::Val || self.failed(Reason::Shape) || self.crowded() {
            return Ok(None);
        }
        let code = self.context().code;
        let functions = crate::profile::noted_callees(self.cx, &mut self.roots, code, self.pc as u32);
        let fits =
            |f: &&'static Function| self.arrange(f, args.len(), &[]).is_some() && !f.code.get().is_generator_like();
        if functions.is_empty() || !functions.iter().all(fits) {
            return Ok(None);
        }
        let (a, n) = (at.w.a(), at.w.b());
        self.watch_type(&function_methods::FUNCTION);
        let v = self.guard_class(callee, &function_methods::FUNCTION);
        let own = self.function_word(v, std::mem::offset_of!(Function, code));
        let mut ends = Vec::new();
        for f in &functions {
            let is = self.word_is(own, std::ptr::from_ref(f.code.get()) as u64);
            let (yes, no) = self.branch(is);
            let rest = Pending { block: no, state: self.state.clone() };
            self.block = yes;
            self.guard_function(f, v, Reason::Shape);
            let flow = match self.inline(at, f, args, a + 1, at.w.c(), Val::NONE, v)? {
                Some(flow) => flow,
                None => self.call_code(at, f, v, a + 1, n)?,
            };
            if matches!(flow, Flow::Next) {
                ends.push(self.pend());
            }
            self.go_on(rest);
        }
        // Others come later, or are too many.
        let block = self.block;
        self.func[block].cold = true;
        self.call_any(at, false)?;
        ends.push(self.pend());
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    fn call_bound(&mut self, at: At, callee: Val, args: &[Val]) -> Built<Option<Flow>> {
        let now = self.peek(callee).and_then(|v| v.exact::<BoundMethod>()).and_then(|m| m.function.exact::<Function>());
        let Some(f) = now.or_else(|| self.noted_callee(at)) else { return Ok(None) };
        if self.failed(Reason::Const) || !self.takes(f, args.len() + 1) {
            return Ok(None);
        }
        let callee = self.guard_class(callee, &function_methods::METHOD);
        let function = self.load(callee, Alias::Fixed, std::mem::offset_of!(BoundMethod, function));
        self.guard_const(function, Value::of(f));
        let receiver = self.load(callee, Alias::Fixed, std::mem::offset_of!(BoundMethod, receiver));
        let mut all = vec![receiver];
        all.extend(args);
        self.build_or_call(at, f, &all, at.w.a(), at.w.c()).map(Some)
    }

    /// A method of a built-in type that was bound before: `append = items.append`.
    fn call_bound_native(&mut self, callee: Val, args: &[Val]) -> Option<Val> {
        let native = self.peek(callee)?.exact::<NativeFunction>()?;
        let owner = native.receiver?.class();
        let name = self.cx.intern(native.def.name);
        let method = self.cx.type_lookup(owner, name)?.exact::<MethodDescr>()?;
        if owner.is_heap_type() || !std::ptr::eq(method.def, native.def) || self.failed(Reason::Shape) {
            return None;
        }
        let callee = self.guard_class(callee, &descr_methods::NATIVE_FUNCTION);
        let def = at(Alias::Fixed, std::mem::offset_of!(NativeFunction, def));
        let def = self.emit(Op::Load, Type::Word, &[callee], def);
        let want = std::ptr::from_ref(native.def) as u64;
        self.emit_guard(Op::GuardWord, Type::Void, &[def], want, Reason::Shape);
        let receiver = self.load(callee, Alias::Fixed, std::mem::offset_of!(NativeFunction, receiver));
        self.info[receiver.0 as usize].bound = false;
        let receiver = self.guard_class(receiver, owner);
        let mut all = vec![receiver];
        all.extend(args);
        self.method_intrinsic(method, &all)
    }

    fn call_instance(&mut self, at: At, class: &'static Class, callee: Val, args: &[Val]) -> Built<Option<Flow>> {
        self.cx.assign_version(class);
        let name = self.cx.names().__call__;
        let f = self.cx.type_lookup(class, name).and_then(|m| m.exact::<Function>());
        let Some(f) = f.filter(|f| class.version() != 0 && self.takes(f, args.len() + 1)) else { return Ok(None) };
        self.watch_type(class);
        let callee = self.guard_class(callee, class);
        let mut all = vec![callee];
        all.extend(args);
        self.build_or_call(at, f, &all, at.w.a(), at.w.c()).map(Some)
    }

    /// The call of a function that [`takes`](Builder::takes) the arguments: built in place if that is worth it. Its window begins
    /// at register `base`; a `result` behind the last register goes nowhere.
    pub fn build_or_call(
        &mut self,
        at: At,
        f: &'static Function,
        args: &[Val],
        base: usize,
        result: usize,
    ) -> Built<Flow> {
        if let Some(flow) = self.inline(at, f, args, base, result, Val::NONE, Val::NONE)? {
            return Ok(flow);
        }
        let callee = self.object(Value::of(f));
        let v = self.call_with(f, callee, args, base);
        if let Some(r) = self.top_mut().regs.get_mut(result) {
            *r = v;
            self.expect_result(at, v);
        }
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// The function that the interpreter saw last at a call.
    pub fn noted_callee(&mut self, at: At) -> Option<&'static Function> {
        crate::profile::live(self.cx, at.word(1))
    }

    /// Whether a function can be called with `n` positional arguments by [`Builder::call_with`].
    pub fn takes(&self, f: &'static Function, n: usize) -> bool {
        self.may_call(f) && self.arrange(f, n, &[]).is_some()
    }

    /// Whether functions like `f` can be called by [`Builder::call_values`].
    pub fn may_call(&self, f: &'static Function) -> bool {
        // A generator's registers are no part of the stack, on which the callee's lie.
        let on_stack = !self.func.generator || self.is_inlined();
        on_stack && !f.code.get().is_generator_like()
    }

    /// Calls `callee`, which has the code of `f`, with positional arguments; its window begins at register `base`, from
    /// which on registers are dead. The function [`takes`](Builder::takes) them.
    pub fn call_with(&mut self, f: &'static Function, callee: Val, args: &[Val], base: usize) -> Val {
        let sources = self.arrange(f, args.len(), &[]).expect("the function takes them");
        let values = self.bind(&sources, args);
        self.call_values(f, callee, &values, base)
    }

    /// As [`Builder::call_with`], with the values of all parameters.
    pub fn call_values(&mut self, f: &'static Function, callee: Val, values: &[Val], base: usize) -> Val {
        let typed = self.typed_arguments(f, callee, values);
        let args = typed.clone().unwrap_or_else(|| values.iter().map(|v| self.boxed(*v)).collect());
        self.begin_handling();
        self.sync(&[]);
        let window = self.window() + base;
        for (i, v) in args.iter().enumerate().filter(|_| typed.is_none()) {
            self.emit(Op::StoreReg, Type::Void, &[*v], (window + i) as u64);
        }
        self.watch_type(&function_methods::FUNCTION);
        self.root(Value::of(f));
        self.store_pc();
        let nregs = self.context().code.nregs();
        let first = base.min(nregs);
        self.top_mut().regs[first..nregs].fill(Val::NONE);
        let (op, mut operands) = (if typed.is_some() { Op::TypedCall } else { Op::PyCall }, vec![callee]);
        operands.extend(typed.iter().flatten());
        let v = self.emit_raising(op, Type::Val, &operands, py_call_imm(f, window));
        self.kill_shapes();
        let synced = &mut self.top_mut().synced;
        synced[first..nregs].fill(Val::NONE);
        v
    }

    /// The arguments for a typed entry, numbers unboxed, where `f` may have one that is worth having: it is seen to take or
    /// return numbers.
    fn typed_arguments(&mut self, f: &'static Function, callee: Val, values: &[Val]) -> Option<Vec<Val>> {
        let code = f.code.get();
        let is_own = std::ptr::eq(code, self.contexts[0].code)
            && (self.func.arguments.is_some() || !self.entry_kinds.is_empty());
        let known = (1..=tier::MAX_ARGUMENTS).contains(&values.len()) && self.const_of::<Function>(callee).is_some();
        if !known || !(is_own || tier::has_numbers(code)) || self.catcher().is_some() {
            return None;
        }
        let is_number = |ty: Type| matches!(ty, Type::Int | Type::Float);
        let numbers = values.iter().any(|v| is_number(self.func[self.unboxed(*v)].ty));
        if !numbers && tier::returned(code).is_none() {
            return None;
        }
        let args: Vec<Val> = values
            .iter()
            .map(|v| match self.unboxed(*v) {
                number if is_number(self.func[number].ty) => number,
                _ => self.boxed(*v),
            })
            .collect();
        let types: Vec<Type> = args.iter().map(|v| self.func[*v].ty).collect();
        tier::cell(f, &types).map(|_| args)
    }

    /// Ends a call: its result goes to where the instruction says.
    pub fn finish_call(&mut self, at: At, v: Val) {
        self.set_reg(at.w.c(), v);
        self.expect_result(at, v);
        self.check_valid(at);
    }

    /// What a typed call returned becomes a number, if that is what such calls return.
    fn expect_result(&mut self, at: At, v: Val) {
        if self.func[v].op != Op::TypedCall {
            return;
        }
        let Some(f) = self.const_of::<Function>(self.func[v].args[0]) else { return };
        let next = self.pc + at.op.words();
        if self.failed_at(self.context().code, next as u32, Reason::Result) {
            return;
        }
        let Some(ty) = tier::returned(f.code.get()) else { return };
        let op = if ty == Type::Int { Op::ResultInt } else { Op::ResultFloat };
        let state = self.resume_at(next);
        let number = self.emit_exit(op, ty, &[v], 0, Reason::Result, state);
        self.refine(v, number);
    }

    /// Makes sure that `__init__` returned None.
    pub fn check_init(&mut self, result: Val) {
        let none = self.emit(Op::IsConst, Type::Bool, &[result], Value::none().bits());
        let (ok, wrong) = self.branch(none);
        self.block = wrong;
        self.func[wrong].cold = true;
        self.raising_call(Helper::InitResult, &[result], Type::Word);
        self.jump(ok, vec![]);
        self.block = ok;
    }
}
