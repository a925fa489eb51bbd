//! Calls: inlining, instances, built-in functions, and calls that stay calls.

use std::rc::Rc;

use taipan_bytecode::Op as B;
use taipan_runtime::shape::{self, Shape};
use taipan_runtime::typeobj::{Type as Class, flags};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::combinators::{Enumerate, Zip};
use taipan_runtime::types::complex::COMPLEX;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction, SlotWrapper};
use taipan_runtime::types::dispatcher;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::range::RANGE;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, function_methods, int, type_};
use taipan_runtime::{Object, Value};

use super::cfg::{Cfg, Liveness, catches, op_at, word_at};
use super::except::python_exception_init;
use super::instances::Fresh;
use super::ops::{At, Flow};
use super::{Builder, Built, Context, Frame, Pending};
use crate::exits::{MAX_DEPTH, Reason};
use crate::helpers::Helper;
use crate::ir::{Alias, Op, Type, Val};

/// Largest code that is inlined, in words.
pub const MAX_CALLEE: usize = 200;
/// Largest code with a loop that is inlined, in words.
const MAX_LOOP: usize = 100;
/// Frames above which no code with a loop is inlined.
const MAX_LOOP_DEPTH: usize = 4;
/// Words of code inlined into one function.
pub const MAX_INLINED: usize = 700;
/// Largest code without jumps of which only a quarter counts: a call would take about as many instructions, and the instances that such
/// code makes mostly need not exist.
const MAX_STRAIGHT: usize = 100;

impl Builder<'_> {
    /// What the register with a callee stands for: for a known dispatcher the function behind it.
    pub fn callee(&mut self, r: usize) -> Val {
        let callee = self.reg(r);
        let Some(v) = self.as_const(callee).filter(|v| v.is_pointer()) else { return callee };
        let Some(f) = dispatcher::target(v) else { return callee };
        // Its class may be given a `__call__`.
        self.watch_type(v.class());
        self.constant(Value::of(f))
    }

    /// `reg c = reg a (reg a+1 ...)`.
    pub fn call(&mut self, at: At) -> Built<Flow> {
        let (a, n) = (at.w.a(), at.w.b());
        let callee = self.callee(a);
        let args: Vec<Val> = (a + 1..=a + n).map(|r| self.reg(r)).collect();
        if let Some(f) = self.const_of::<Function>(callee) {
            if let Some(flow) = self.inline(at, f, &args, a + 1, at.w.c(), Val::NONE, Val::NONE)? {
                return Ok(flow);
            }
            return self.call_known(at, f, a + 1, n);
        }
        if let Some(flow) = self.consuming_call(at, callee, &args, a + 1)? {
            return Ok(flow);
        }
        if let Some(class) = self.const_class(callee) {
            if let Some(flow) = self.construct(at, class, &args)? {
                return Ok(flow);
            }
            if let Some(v) = self.row_call(class, &args) {
                self.set_reg(at.w.c(), v);
                return Ok(Flow::Next);
            }
        } else if let Some(native) = self.const_of::<NativeFunction>(callee) {
            if native.def.name == "abs"
                && let [v] = args[..]
            {
                let name = self.cx.names().__abs__;
                if let Some(flow) = self.special(at, v, name, &[], at.w.c(), |_, _, _| true)? {
                    return Ok(flow);
                }
            }
            if let Some(v) = self.intrinsic(native, &args) {
                self.set_reg(at.w.c(), v);
                return Ok(Flow::Next);
            }
        }
        if let Some(v) = self.call_generator_expression(callee, &args) {
            self.set_reg(at.w.c(), v);
            return Ok(Flow::Next);
        }
        if self.func[callee].op == Op::NewMethod
            && let [method, receiver] = self.func[callee].args[..]
            && let Some(method) = self.const_of::<MethodDescr>(method)
        {
            let mut all = vec![receiver];
            all.extend(&args);
            if let Some(v) = self.method_intrinsic(method, &all) {
                self.set_reg(at.w.c(), v);
                return Ok(Flow::Next);
            }
        }
        if let Some(flow) = self.call_object(at, callee, &args)? {
            return Ok(flow);
        }
        if let Some(flow) = self.call_one_of(at, callee, &args)? {
            return Ok(flow);
        }
        if let Some((f, v)) = self.speculate(at, callee) {
            if let Some(flow) = self.inline(at, f, &args, a + 1, at.w.c(), Val::NONE, v)? {
                return Ok(flow);
            }
            return self.call_code(at, f, v, a + 1, n);
        }
        self.call_any(at, false)
    }

    /// Makes sure that a callee has the code, globals and defaults of the function that the interpreter saw last here; gives
    /// that function and the callee. None where nothing useful was seen.
    fn speculate(&mut self, at: At, callee: Val) -> Option<(&'static Function, Val)> {
        if self.func[callee].ty != Type::Val
            || self.as_const(callee).is_some()
            || self.failed(Reason::Class)
            || self.failed(Reason::Const)
        {
            return None;
        }
        let f = self.noted_callee(at)?;
        let code = f.code.get();
        if code.is_generator_like() {
            return None;
        }
        crate::profile::note_assumed_callee(self.context().code, self.pc as u32, f);
        self.watch_type(&function_methods::FUNCTION);
        let v = self.guard_class(callee, &function_methods::FUNCTION);
        let own = self.function_word(v, std::mem::offset_of!(Function, code));
        self.emit_guard(Op::GuardWord, Type::Void, &[own], code as *const _ as u64, Reason::Const);
        self.guard_function(f, v, Reason::Const);
        Some((f, v))
    }

    /// A word of a function. Functions change as seldom as dicts and under the same circumstances.
    pub fn function_word(&mut self, v: Val, offset: usize) -> Val {
        self.emit(Op::Load, Type::Word, &[v], super::values::at(Alias::Dict, offset))
    }

    /// Makes sure that the function `v`, which has the code of `f`, has the globals and defaults of `f`, too.
    pub fn guard_function(&mut self, f: &'static Function, v: Val, reason: Reason) {
        for object in [Value::of(f), Value::of(f.code.get()), Value::of(f.globals), Value::of(f.builtins)] {
            self.root(object);
        }
        let expected = [
            (std::mem::offset_of!(Function, globals), f.globals as *const _ as u64),
            (std::mem::offset_of!(Function, builtins), f.builtins as *const _ as u64),
            (std::mem::offset_of!(Function, defaults), f.defaults.get().map_or(0, |d| d as *const _ as u64)),
            (std::mem::offset_of!(Function, kwdefaults), f.kwdefaults.get().map_or(0, |d| d as *const _ as u64)),
        ];
        for (offset, want) in expected {
            let word = self.function_word(v, offset);
            self.emit_guard(Op::GuardWord, Type::Void, &[word], want, reason);
        }
    }

    /// `reg c = ` call of the pair at `reg a`.
    pub fn call_method(&mut self, at: At) -> Built<Flow> {
        let (a, n) = (at.w.a(), at.w.b());
        let (callee, receiver) = (self.callee(a), self.reg(a + 1));
        let is_plain = self.func[receiver].op == Op::ConstVal && self.func[receiver].imm == 0;
        let args: Vec<Val> = (a + 2..a + 2 + n).map(|r| self.reg(r)).collect();
        if is_plain {
            if let Some(f) = self.const_of::<Function>(callee) {
                if let Some(flow) = self.inline(at, f, &args, a + 2, at.w.c(), Val::NONE, Val::NONE)? {
                    return Ok(flow);
                }
                return self.call_known(at, f, a + 2, n);
            }
            if let Some(class) = self.const_class(callee) {
                if let Some(flow) = self.construct(at, class, &args)? {
                    return Ok(flow);
                }
            } else if let Some(native) = self.const_of::<NativeFunction>(callee)
                && let Some(v) = self.intrinsic(native, &args)
            {
                self.set_reg(at.w.c(), v);
                return Ok(Flow::Next);
            }
        } else if self.func[receiver].ty != Type::Val || self.info[receiver.0 as usize].bound {
            let mut all = vec![receiver];
            all.extend(args);
            if let Some(f) = self.const_of::<Function>(callee) {
                if let Some(flow) = self.inline(at, f, &all, a + 1, at.w.c(), Val::NONE, Val::NONE)? {
                    return Ok(flow);
                }
                return self.call_known(at, f, a + 1, n + 1);
            }
            if let Some(flow) = self.consuming_method(at, callee, &all, a + 2)? {
                return Ok(flow);
            }
            if let Some(flow) = self.call_choice(at, callee, receiver, &all[1..])? {
                return Ok(flow);
            }
            if let Some(method) = self.const_of::<MethodDescr>(callee)
                && let Some(v) = self.method_intrinsic(method, &all)
            {
                self.set_reg(at.w.c(), v);
                return Ok(Flow::Next);
            }
            if let Some(wrapper) = self.const_of::<SlotWrapper>(callee)
                && (self.sets_exception_args(wrapper, receiver) || does_nothing(wrapper, &all))
            {
                if !does_nothing(wrapper, &all) {
                    self.set_exception_args(receiver, &all[1..]);
                }
                let none = self.object(Value::none());
                self.set_reg(at.w.c(), none);
                return Ok(Flow::Next);
            }
        }
        self.call_any(at, true)
    }

    /// Calls with keyword arguments.
    pub fn call_keywords(&mut self, at: At) -> Built<Flow> {
        if let Some(flow) = self.inline_keywords(at)? {
            return Ok(flow);
        }
        self.call_any(at, at.op.base() == B::CallMethodKw)
    }

    /// Builds a call with keyword arguments of a known Python function in place.
    fn inline_keywords(&mut self, at: At) -> Built<Option<Flow>> {
        let (a, n) = (at.w.a(), at.w.b());
        let method = at.op.base() == B::CallMethodKw;
        let callee = self.callee(a);
        let Some(f) = self.const_of::<Function>(callee) else { return Ok(None) };
        let first = if method { a + 2 } else { a + 1 };
        let mut args: Vec<Val> = (first..first + n).map(|r| self.reg(r)).collect();
        let mut base = first;
        if method {
            let receiver = self.reg(a + 1);
            let is_plain = self.func[receiver].op == Op::ConstVal && self.func[receiver].imm == 0;
            if !is_plain {
                if self.func[receiver].ty == Type::Val && !self.info[receiver.0 as usize].bound {
                    return Ok(None);
                }
                args.insert(0, receiver);
                base = a + 1;
            }
        }
        let names = self.context().code.consts()[(at.word(0) & 0xffff_ffff) as usize];
        let Some(names) = names.exact::<Tuple>() else { return Ok(None) };
        let Some(sources) = self.arrange(f, args.len(), names.items()) else { return Ok(None) };
        if !self.may_inline(f) && !self.may_call(f) {
            return Ok(None);
        }
        let values = self.bind(&sources, &args);
        if let Some(flow) = self.inline_bound(at, f, &values, base, at.w.c(), Val::NONE, Val::NONE)? {
            return Ok(Some(flow));
        }
        if !self.may_call(f) {
            return Ok(None);
        }
        let callee = self.object(Value::of(f));
        let v = self.call_values(f, callee, &values, base);
        self.finish_call(at, v);
        Ok(Some(Flow::Next))
    }

    /// Calls whatever the registers hold.
    pub fn call_any(&mut self, at: At, method: bool) -> Built<Flow> {
        let (a, n) = (at.w.a(), at.w.b());
        let first = if method { a + 2 } else { a + 1 };
        let registers: Vec<usize> = (a..first + n).collect();
        self.sync(&registers);
        let kwnames = if matches!(at.op.base(), B::CallKw | B::CallMethodKw) {
            let names = self.context().code.consts()[(at.word(0) & 0xffff_ffff) as usize];
            self.root(names);
            names.bits()
        } else {
            0
        };
        let (count, kwnames) = (self.word(n as u64), self.word(kwnames));
        let from = if method { a } else { a + 1 };
        let from = self.window() + from;
        let args = self.emit(Op::RegAddress, Type::Word, &[], from as u64);
        let helper = match method {
            true => Helper::CallMethod,
            false if crate::profile::knows_callees(self.context().code, self.pc as u32) => Helper::Call,
            false => Helper::CallNoted,
        };
        let receiver = self.top_mut().regs[first - 1];
        let odd = method && !receiver.is_none() && self.info[receiver.0 as usize].odd;
        let v = self.python_call(helper, &[args, count, kwnames], Type::Val);
        self.info[v.0 as usize].odd = odd;
        self.forget_registers(a..first + n);
        self.set_reg(at.w.c(), v);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// After a call whose arguments lay in `registers`: those are dead, and the callee's window began there.
    fn forget_registers(&mut self, registers: std::ops::Range<usize>) {
        self.top_mut().synced[registers.start..].fill(Val::NONE);
        for r in registers {
            self.set_reg(r, Val::NONE);
        }
    }

    /// Calls a known Python function whose arguments are the registers from `first` on.
    pub fn call_known(&mut self, at: At, f: &'static Function, first: usize, n: usize) -> Built<Flow> {
        let callee = self.object(Value::of(f));
        self.call_code(at, f, callee, first, n)
    }

    /// Calls `callee`, which has the code of `f`; the arguments are the registers from `first` on.
    pub fn call_code(&mut self, at: At, f: &'static Function, callee: Val, first: usize, n: usize) -> Built<Flow> {
        let args: Vec<Val> = (first..first + n).map(|r| self.reg(r)).collect();
        if let Some(v) = self.call_generator_function(f, callee, &args) {
            self.set_reg(at.w.c(), v);
            return Ok(Flow::Next);
        }
        if self.takes(f, n) {
            let v = self.call_with(f, callee, &args, first);
            self.finish_call(at, v);
            return Ok(Flow::Next);
        }
        let registers: Vec<usize> = (first..first + n).collect();
        self.sync(&registers);
        let from = self.window() + first;
        let args = self.emit(Op::RegAddress, Type::Word, &[], from as u64);
        let count = self.word(n as u64);
        let v = self.python_call(Helper::CallFunction, &[callee, args, count], Type::Val);
        self.forget_registers(first..first + n);
        self.finish_call(at, v);
        Ok(Flow::Next)
    }

    /// Whether calls of functions like `f` may be built in place here.
    pub fn may_inline(&self, f: &'static Function) -> bool {
        let code = f.code.get();
        let depth = self.state.frames.len();
        let again = self.state.frames.iter().filter(|f| std::ptr::eq(self.contexts[f.context].code, code)).count();
        !code.is_generator_like()
            && code.ncells == 0
            && depth < MAX_DEPTH
            && again < 1
            && code.word_count() <= MAX_CALLEE
            && self.inlined + weight(code) <= MAX_INLINED
    }

    /// Builds a call of a known Python function in place, with its window at register `base`; None if it is to be called.
    /// With a `receiver` (`__init__` of a new instance) that is the result. With a `callee`, `f` is another function of the
    /// same code, globals and defaults.
    pub fn inline(
        &mut self,
        at: At,
        f: &'static Function,
        args: &[Val],
        base: usize,
        result: usize,
        receiver: Val,
        callee: Val,
    ) -> Built<Option<Flow>> {
        let Some(sources) = self.arrange(f, args.len(), &[]).filter(|_| self.may_inline(f)) else { return Ok(None) };
        let values = self.bind(&sources, args);
        self.inline_bound(at, f, &values, base, result, receiver, callee)
    }

    /// As [`Builder::inline`], with the values of all parameters.
    pub fn inline_bound(
        &mut self,
        at: At,
        f: &'static Function,
        values: &[Val],
        base: usize,
        result: usize,
        receiver: Val,
        callee: Val,
    ) -> Built<Option<Flow>> {
        let return_pc = self.pc + at.op.words();
        let path = self.context().path;
        if !self.may_inline(f) || self.sticky.no_inline.contains(&(path, return_pc as u32)) {
            return Ok(None);
        }
        if self.failed_at(self.context().code, return_pc as u32, Reason::Seen) {
            return Ok(None);
        }
        let code = f.code.get();
        if code.word_count() == 0 || has_unsuitable(code) {
            return Ok(None);
        }
        let catches = catches(code);
        if !catches.is_empty() && self.func.generator {
            // Generators keep what they handle in another way than the functions that they call.
            return Ok(None);
        }
        // A loop is compiled better on its own, where there is room for what it calls.
        if has_any(code, is_loop)
            && (calls(code) || code.word_count() > MAX_LOOP || self.state.frames.len() > MAX_LOOP_DEPTH)
        {
            return Ok(None);
        }
        self.inlined += weight(code);
        self.root(Value::of(f));
        self.root(Value::of(code));
        self.watch_type(&function_methods::FUNCTION);
        let mut regs = vec![Val::NONE; code.nregs()];
        regs[..values.len()].copy_from_slice(values);
        for reg in &mut regs[values.len()..code.nlocals as usize] {
            *reg = self.unbound();
        }
        if !self.load_closure(f, callee, &mut regs) {
            return Ok(None);
        }
        let here = (path, return_pc as u64, code as *const _ as u64);
        let context = Context {
            code,
            function: Some(f),
            globals: f.globals,
            builtins: f.builtins,
            path: hash(&[here.0, here.1, here.2]),
            call_pc: self.pc as u32,
            return_pc: return_pc as u32,
            site: (path, return_pc as u32),
            result: result as u16,
            base: base as u16,
            live: Rc::new(Liveness::of(code)),
            catches: catches.into(),
        };
        self.contexts.push(context);
        let context = self.contexts.len() - 1;
        let synced = vec![Val::NONE; regs.len()];
        self.state.frames.push(Frame { context, regs, synced, receiver, callee, consumer: None });
        let call_pc = self.pc;
        let cfg = Cfg::of(code, 0, &self.contexts[context].catches);
        let mut returns = self.region(cfg)?;
        self.pc = call_pc;
        if returns.is_empty() {
            // Every path left: what follows the call is not reached.
            return Ok(Some(Flow::End));
        }
        let mut ends = Vec::new();
        for (mut end, mut v) in returns.drain(..) {
            let frame = end.state.frames.pop().expect("the callee's");
            if !frame.receiver.is_none() {
                if self.as_const(v) != Some(Value::none()) {
                    // `__init__` should return None.
                    return self.no_inline_at(path, return_pc);
                }
                v = frame.receiver;
            }
            // The result of `__setitem__` goes nowhere.
            if let Some(r) = end.state.frames.last_mut().expect("the caller's").regs.get_mut(result) {
                *r = v;
            }
            self.state = end.state;
            self.refuse_returned();
            ends.push(Pending { block: end.block, state: self.state.clone() });
        }
        self.merge(ends, return_pc)?;
        Ok(Some(Flow::Next))
    }

    /// Puts the cells of a function's closure into the registers of its free variables: those of `callee`, or of `f` if that
    /// is none; false if it has none.
    pub fn load_closure(&mut self, f: &'static Function, callee: Val, regs: &mut [Val]) -> bool {
        let code = f.code.get();
        let first_free = (code.nlocals + code.ncells) as usize;
        let frees = &mut regs[first_free..first_free + code.nfrees as usize];
        if frees.is_empty() {
            return true;
        }
        if callee.is_none() {
            let cells = f.closure.get().map_or(&[][..], |c| c.items());
            for (reg, cell) in frees.iter_mut().zip(cells) {
                *reg = self.object(*cell);
            }
            return cells.len() >= frees.len();
        }
        if self.func[callee].op == Op::NewFunction
            && let Some(cells) = self.func[callee].args.get(2).and_then(|closure| self.tuples.get(closure)).cloned()
        {
            // Functions made here get their closure when they are made.
            for (reg, cell) in frees.iter_mut().zip(cells) {
                *reg = self.classed(cell, taipan_runtime::types::cell::Cell::class());
            }
            return true;
        }
        let closure = self.load(callee, Alias::Dict, std::mem::offset_of!(Function, closure));
        for (i, reg) in frees.iter_mut().enumerate() {
            let index = self.int(i as i64);
            let imm = super::values::at(Alias::Fixed, super::items::TUPLE_ITEMS);
            let cell = self.emit(Op::LoadIndexAt, Type::Val, &[closure, index], imm);
            *reg = self.classed(cell, taipan_runtime::types::cell::Cell::class());
        }
        true
    }

    /// The call built at the current instruction is not to be inlined.
    pub fn no_inline_here(&mut self) -> Built<Option<Flow>> {
        let path = self.context().path;
        let code = self.context().code;
        let return_pc = self.pc + op_at(code, self.pc).words();
        self.no_inline_at(path, return_pc)
    }

    fn no_inline_at<T>(&mut self, path: u64, return_pc: usize) -> Built<T> {
        self.sticky.no_inline.insert((path, return_pc as u32));
        Err(super::Refusal::Restart)
    }

    /// Calls a class.
    pub fn construct(&mut self, at: At, class: &'static Class, args: &[Val]) -> Built<Option<Flow>> {
        if std::ptr::eq(class, &RANGE) {
            return Ok(self.range_call(args).map(|v| {
                self.set_reg(at.w.c(), v);
                Flow::Next
            }));
        }
        if std::ptr::eq(class, Enumerate::class()) {
            let &[v] = args else { return Ok(None) };
            if let Some(it) = self.new_enumerate(v) {
                self.set_reg(at.w.c(), it);
                return Ok(Some(Flow::Next));
            }
            return Ok(self.plain(Helper::PlainEnumerate, &[v], Type::Val).map(|it| {
                let it = self.classed(it, Enumerate::class());
                if let Some(class) = self.iterator_class(v) {
                    self.iterated.insert(it, vec![class]);
                }
                self.set_reg(at.w.c(), it);
                Flow::Next
            }));
        }
        if std::ptr::eq(class, &COMPLEX)
            && let Some(v) = self.complex_of(args)
        {
            self.set_reg(at.w.c(), v);
            return Ok(Some(Flow::Next));
        }
        if std::ptr::eq(class, Zip::class()) {
            return Ok(self.zip_call(args).map(|it| {
                self.set_reg(at.w.c(), it);
                Flow::Next
            }));
        }
        if std::ptr::eq(class, &int::INT) || std::ptr::eq(class, &float::FLOAT) {
            return Ok(self.number_call(class, args).map(|v| {
                self.set_reg(at.w.c(), v);
                Flow::Next
            }));
        }
        if std::ptr::eq(class, &type_::TYPE)
            && let [v] = *args
        {
            let found = match self.class_of(v) {
                Some(class) => self.object(Value::of(class)),
                None => {
                    let v = self.boxed(v);
                    self.plain_call(Helper::ClassOf, &[v], Type::Val)
                }
            };
            self.set_reg(at.w.c(), found);
            return Ok(Some(Flow::Next));
        }
        if let Some(e) = self.plain_exception(class, args) {
            self.set_reg(at.w.c(), e);
            return Ok(Some(Flow::Next));
        }
        let is_exception = class.has(flags::BASE_EXC);
        let Some(init) = (if is_exception { python_exception_init(class) } else { type_::python_init(class) }) else {
            return Ok(None);
        };
        let data = class.data();
        let size = data.instance_size(0);
        let takes = self.arrange(init, args.len() + 1, &[]).is_some() && (self.may_inline(init) || self.may_call(init));
        if data.needs_registration() || size > 512 || !takes || class.version() == 0 {
            self.cx.assign_version(class);
            return Ok(None);
        }
        let path = self.context().path;
        let return_pc = self.pc + at.op.words();
        // `__init__` may return something else than None here.
        if self.sticky.no_inline.contains(&(path, return_pc as u32)) {
            return Ok(None);
        }
        self.watch_type(class);
        let (first, block, blocks) = (self.func.insts.len(), self.block, self.func.blocks.len());
        let imm = (size as u64) << 48 | class as *const Class as u64;
        let again = self.resume_here();
        let object = self.emit(Op::Alloc, Type::Val, &[], imm);
        self.classed(object, class);
        if data.attrs {
            let root = shape::root_shape(self.cx, class);
            self.root(Value::of(root));
            let word = self.word(root as *const Shape as u64);
            self.emit(
                Op::Store,
                Type::Void,
                &[object, word],
                super::values::at(Alias::Shape, (data.basicsize + 7) & !7),
            );
            self.state.shapes.push((object, root as *const Shape as u64));
        }
        if is_exception {
            self.set_exception_args(object, args);
        }
        let mut all = vec![object];
        all.extend(args);
        let fresh = Fresh { object, again, first, block };
        let outer = self.fresh.replace(fresh.clone());
        let built = self.inline(at, init, &all, at.w.a(), at.w.c(), object, Val::NONE);
        self.fresh = outer;
        if let Some(flow) = built? {
            if matches!(flow, Flow::Next) {
                self.settle(&fresh, class, blocks);
            }
            return Ok(Some(flow));
        }
        if !self.takes(init, all.len()) {
            return Ok(None);
        }
        let callee = self.object(Value::of(init));
        let result = self.call_with(init, callee, &all, at.w.a());
        self.check_init(result);
        self.finish_call(at, object);
        Ok(Some(Flow::Next))
    }

    fn range_call(&mut self, args: &[Val]) -> Option<Val> {
        let known = |v: &Val| matches!(self.func[*v].ty, Type::Int) || self.class_of(*v).is_none();
        if self.failed(Reason::Number) || !args.iter().all(known) {
            return None;
        }
        match *args {
            [stop] => {
                let start = self.int(0);
                self.make_range(start, stop, 1)
            }
            [start, stop] => self.make_range(start, stop, 1),
            [start, stop, step] => {
                let step = self.func.as_const_int(step).filter(|s| *s != 0 && s.unsigned_abs() < 1 << 40)?;
                self.make_range(start, stop, step)
            }
            _ => None,
        }
    }
}

/// Whether a slot wrapper is `object.__init__`, which does nothing if it gets only the object.
fn does_nothing(wrapper: &SlotWrapper, args: &[Val]) -> bool {
    wrapper.dunder.name == "__init__" && std::ptr::eq(wrapper.owner, &OBJECT) && args.len() == 1
}

/// Whether one of a code's instructions is of a kind.
pub fn has_any(code: &CodeObject, is: impl Fn(B) -> bool) -> bool {
    let mut pc = 0;
    while pc < code.word_count() {
        let op = op_at(code, pc);
        if is(op.base()) {
            return true;
        }
        pc += op.words();
    }
    false
}

/// What inlining a code counts for.
fn weight(code: &CodeObject) -> usize {
    let mut pc = 0;
    let words = code.word_count();
    while pc < words.min(MAX_STRAIGHT) {
        let op = op_at(code, pc);
        if taipan_bytecode::effects::jump(op, word_at(code, pc)).is_some() {
            return words;
        }
        pc += op.words();
    }
    if words <= MAX_STRAIGHT { words / 4 } else { words }
}

/// Opcodes whose presence makes a function not worth inlining.
pub fn has_unsuitable(code: &CodeObject) -> bool {
    has_any(code, |op| matches!(op, B::MakeFunction | B::MakeCell | B::NewCell | B::ImportName))
}

/// Whether the opcode is the bottom of a loop.
pub fn is_loop(op: B) -> bool {
    matches!(op, B::JumpBack | B::ForNext)
}

/// Whether the opcode calls what a register holds.
pub fn is_call(op: B) -> bool {
    matches!(op, B::Call | B::CallMethod | B::CallKw | B::CallMethodKw | B::CallEx)
}

fn calls(code: &CodeObject) -> bool {
    has_any(code, |op| is_call(op) || matches!(op, B::LoadItem | B::StoreItem))
}

/// Immediate of `py_call`: a function with the callee's code, and the first register of the window.
pub fn py_call_imm(f: &'static Function, first: usize) -> u64 {
    (first as u64) << 48 | f as *const Function as u64
}

/// A hash of words.
pub fn hash(words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |h, w| (h ^ w).wrapping_mul(0x100_0000_01b3).rotate_left(17))
}
