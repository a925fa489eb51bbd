//! Exceptions that are raised and caught in the same compiled code.
//!
//! Handlers are compiled for instructions that were seen to raise what they catch; what else raises leaves. An exception that
//! the code itself raises (`raise`, a missing key) need not exist, and neither need its traceback: the value says which frames
//! it has left, with what in their registers, and whoever needs the exception makes all of it. Where it does not exist the
//! handler is built for it alone, so that which clause matches is known.
//!
//! The frame of an inlined call does not exist, so it cannot catch exceptions that do: functions that do so are not inlined.

use taipan_bytecode::Op as B;
use taipan_runtime::exceptions::Exception;
use taipan_runtime::native::Args;
use taipan_runtime::typeobj::{Type as Class, flags};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::descr::SlotWrapper;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::{exception, type_};
use taipan_runtime::{Cx, PyResult, Value};

use super::cfg::op_at;
use super::ops::{At, Flow};
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Alias, ExceptionDesc, LeftFrame, Op, RaiseDesc, Type, Val};

/// Whether a class makes exceptions as BaseException does.
fn makes_plainly(class: &Class) -> bool {
    class.has(flags::BASE_EXC)
        && std::ptr::eq(class.header().class(), &type_::TYPE)
        && class.slots().new.is_some_and(|f| std::ptr::fn_addr_eq(f, exception::new as New))
}

/// Whether a class initialises exceptions as BaseException does.
fn sets_args(class: &Class) -> bool {
    class.slots().init.is_some_and(|f| std::ptr::fn_addr_eq(f, exception::init as Init))
}

/// The Python `__init__` of a class of exceptions that are otherwise made as BaseException's.
pub fn python_exception_init(class: &'static Class) -> Option<&'static Function> {
    let plain = makes_plainly(class) && class.is_heap_type() && !class.has(flags::ABSTRACT);
    class.data().init_function.get().filter(|f| plain && !f.code.get().is_generator_like())
}

/// Whether a handler only tidies up and raises what it has caught again, for nobody in the same frame to catch.
fn passes_on(code: &CodeObject, handler: usize) -> bool {
    let mut pc = handler;
    // A few instructions for each `try` around.
    for _ in 0..16 {
        let op = op_at(code, pc);
        match op.base() {
            B::Reraise => match code.handler_at(pc as u32) {
                Some(outer) => pc = outer.target as usize,
                None => return true,
            },
            B::Nop | B::Move | B::LoadConst | B::ClearLocal | B::DeleteLocal | B::PopExcInfo => pc += op.words(),
            _ => return false,
        }
    }
    false
}

type New = fn(&mut Cx, &'static Class, Args) -> PyResult<Value>;
type Init = fn(&mut Cx, Value, Args) -> PyResult<()>;
type Str = fn(&mut Cx, Value) -> PyResult<Value>;

/// A way from an instruction that raises to a handler.
pub struct Caught {
    /// The state in front of the handler.
    pub way: Pending,
    /// Depth of the frame that catches.
    pub depth: usize,
    /// Word index of the handler.
    pub handler: usize,
    /// The exception, if it does not exist yet.
    pub unmade: Option<Val>,
}

/// What catches an exception.
pub struct Catcher {
    /// Depth of the frame.
    depth: usize,
    /// Word index of the handler.
    handler: usize,
    /// The register that receives the exception.
    register: usize,
}

impl Builder<'_> {
    /// What catches an exception that the current instruction raises; none if nothing does, or what does was not seen to.
    pub fn catcher(&self) -> Option<Catcher> {
        for (depth, frame) in self.state.frames.iter().enumerate().rev() {
            let context = &self.contexts[frame.context];
            let pc = match self.state.frames.get(depth + 1) {
                None => self.pc,
                Some(callee) => self.contexts[callee.context].call_pc as usize,
            };
            if context.code.handler_at(pc as u32).is_some() {
                // The only handler of a generator expression makes other exceptions of StopIterations.
                let caught = context.catches.get(&pc).filter(|_| frame.consumer.is_none());
                return caught.map(|(handler, register)| Catcher { depth, handler: *handler, register: *register });
            }
        }
        None
    }

    /// Appends an instruction that gives 0 if it raises. Then the way leads to the handler, or out.
    pub fn emit_raising(&mut self, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        let python = match op {
            Op::Call => Helper::from_imm(imm).row().python,
            op => matches!(op, Op::PyCall | Op::TypedCall),
        };
        let catcher = match self.catcher() {
            Some(_) if !python && !self.may_raise() => None,
            Some(catcher) if catcher.depth > 0 => {
                self.refuse_call(self.state.frames[catcher.depth].context);
                None
            }
            catcher => catcher,
        };
        let Some(Catcher { handler, register, .. }) = catcher else {
            let state = self.raise_here();
            return self.emit_exit(op, ty, args, imm, Reason::Raised, state);
        };
        self.begin_handling();
        let state = self.raise_here();
        let v = self.emit_exit(op, ty, args, imm, Reason::Caught, state);
        let raised = match ty {
            Type::Val => self.emit(Op::IsConst, Type::Bool, &[v], 0),
            _ => self.word_is(v, 0),
        };
        let (caught, next) = self.branch(raised);
        let after = self.state.clone();
        self.block = caught;
        self.func[caught].cold = true;
        // Tracebacks show the locals of all frames.
        self.sync(&[]);
        self.store_pc();
        let state = self.raise_here();
        let e = self.emit_exit(Op::Call, Type::Val, &[], Helper::Catch as u64, Reason::Caught, state);
        self.state.frames.truncate(1);
        self.state.shapes.clear();
        self.state.sets.clear();
        self.state.fields.clear();
        // What was called may have used the temporaries.
        let code = self.contexts[0].code;
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        self.top_mut().synced[named..].fill(Val::NONE);
        self.set_reg(register, e);
        let state = self.resume_at(handler);
        self.emit_exit(Op::CheckValid, Type::Void, &[], 0, Reason::Invalid, state);
        self.caught.push(Caught { way: self.pend(), depth: 0, handler, unmade: None });
        self.block = next;
        self.state = after;
        v
    }

    /// Builds the function anew, with an inlined call as a call.
    fn refuse_call(&mut self, context: usize) {
        self.sticky.no_inline.insert(self.contexts[context].site);
        self.restart = true;
    }

    /// Whether the current instruction was seen to raise something. What is caught by its own frame is known to be.
    fn may_raise(&self) -> bool {
        !self.is_inlined() || self.failed(Reason::Raised)
    }

    /// Whether an exception that the current instruction raises need not exist. It was seen to raise one.
    pub fn catches_here(&self) -> bool {
        self.may_raise() && self.puts_off()
    }

    fn puts_off(&self) -> bool {
        self.catcher().is_some_and(|catcher| self.may_put_off(&catcher))
    }

    /// Whether an exception that is caught there need not exist: generators that nobody made have frames of another kind, and
    /// keep what they handle.
    fn may_put_off(&self, catcher: &Catcher) -> bool {
        if catcher.depth == 0 && passes_on(self.contexts[0].code, catcher.handler) {
            // It would have to exist a moment later.
            return false;
        }
        let plain = self.state.frames.iter().all(|f| f.consumer.is_none());
        catcher.depth == 0 && !self.is_inlined() || plain && !(catcher.depth > 0 && self.func.generator)
    }

    /// How the current instruction raises what that frame catches, and the registers of the frames that the exception leaves.
    fn raise_desc(&mut self, catcher: &Catcher) -> (RaiseDesc, Vec<Val>) {
        let n = self.state.frames.len();
        // Callers are behind the call.
        let behind = |b: &Self, depth: usize| match b.state.frames.get(depth + 1) {
            None => b.pc as u32 + 1,
            Some(callee) => b.contexts[callee.context].return_pc,
        };
        let (mut left, mut values) = (vec![], vec![]);
        for depth in catcher.depth + 1..n {
            let context = &self.contexts[self.state.frames[depth].context];
            let code = context.code;
            let function = context.function.map_or(0, |f| std::ptr::from_ref(f) as u64);
            let named = (code.nlocals + code.ncells + code.nfrees) as usize;
            let mut regs = vec![];
            for r in 0..named {
                let v = self.state.frames[depth].regs[r];
                if !v.is_none() && !self.is_unbound(v) {
                    regs.push(r as u16);
                    values.push(self.boxed(v));
                }
            }
            let (code, pc) = (std::ptr::from_ref(code) as u64, behind(self, depth));
            left.push(LeftFrame { code, function, word: pc - 1, pc, regs });
        }
        let context = self.state.frames[catcher.depth].context;
        let word = behind(self, catcher.depth) - 1;
        (RaiseDesc { depth: catcher.depth as u16, context, word, left }, values)
    }

    /// Raises an exception in the current block, which ends: the way leads to the handler. A new one of a class and arguments,
    /// or one that exists.
    fn raise_unmade(&mut self, class: &'static Class, parts: &[Val], cause: Option<Val>, exists: bool) {
        let catcher = self.catcher().expect("it is caught");
        let mut args: Vec<Val> = parts.iter().map(|v| self.boxed(*v)).collect();
        let context = match self.state.handled.last() {
            Some(e) => Some(*e),
            None if self.state.handlers > 0 => Some(self.plain_call(Helper::HandledNow, &[], Type::Val)),
            None => None,
        };
        args.extend(context);
        args.extend(cause);
        let (raised, values) = self.raise_desc(&catcher);
        args.extend(values);
        self.root(Value::of(class));
        let desc = ExceptionDesc {
            class: if exists { 0 } else { std::ptr::from_ref(class) as u64 },
            arguments: parts.len(),
            context: context.is_some(),
            cause: cause.is_some(),
            raised: Some(raised),
        };
        let e = self.new_exception(class, &args, desc);
        if exists {
            self.refine(parts[0], e);
            for fields in self.state.fields.iter_mut().filter(|f| f.0 == parts[0]) {
                fields.0 = e;
            }
        }
        self.go_to_handler(&catcher, e);
    }

    /// Ends the current block with a way to the handler.
    fn go_to_handler(&mut self, catcher: &Catcher, e: Val) {
        self.state.frames.truncate(catcher.depth + 1);
        self.set_reg(catcher.register, e);
        let unmade = self.raised(e).is_some().then_some(e);
        let (depth, handler) = (catcher.depth, catcher.handler);
        self.caught.push(Caught { way: self.pend(), depth, handler, unmade });
    }

    /// `raise` without an operand, and the ends of handlers that raise what they have handled again.
    pub fn raise_again(&mut self, at: At) -> Flow {
        let caught = self.catcher().and_then(|catcher| {
            let e = match self.state.handled.last() {
                _ if at.op.base() == B::Reraise => self.reg(at.w.a()),
                Some(e) => *e,
                None if self.state.handlers > 0 => self.plain_call(Helper::HandledNow, &[], Type::Val),
                None => return None,
            };
            let depth = self.state.frames.len() - 1;
            let is_here = match self.raised(e) {
                Some(raised) => raised.depth as usize == depth,
                None => depth == 0,
            };
            // In the frame that has caught it nothing is added to it.
            let e = if catcher.depth == depth { is_here.then_some(e) } else { self.raised_further(at, &catcher, e) };
            e.map(|e| (catcher, e))
        });
        match caught {
            Some((catcher, e)) => self.go_to_handler(&catcher, e),
            None => self.leave(Reason::Again),
        }
        Flow::End
    }

    /// An exception that nobody has made as it is when it has left the inlined calls that are on top of the frame that catches
    /// it next, too. None where it would have to be the same object as before.
    fn raised_further(&mut self, at: At, catcher: &Catcher, e: Val) -> Option<Val> {
        let depth = self.state.frames.len() - 1;
        let before = self.raised(e).filter(|raised| raised.depth as usize == depth)?.clone();
        let code = self.context().code;
        // As `return_to_raise` in the interpreter has it.
        let returns = at.op.base() == B::Reraise && (at.w.b() == 1 || code.line_of(self.pc) == 0);
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        let others = self.state.frames[..depth].iter().flat_map(|f| &f.regs).chain(&self.state.handled);
        let held = others.chain(&self.top().regs[..named]).any(|v| *v == e);
        if held || self.is_used(e) || !self.may_put_off(catcher) {
            return None;
        }
        let class = self.class_of(e)?;
        let old = self.func.exceptions[self.func[e].imm as usize].clone();
        let (own, left) = self.func[e].args.split_at(old.arguments + old.context as usize + old.cause as usize);
        let (own, left) = (own.to_vec(), left.to_vec());
        let (mut raised, values) = self.raise_desc(catcher);
        let innermost = raised.left.last_mut()?;
        innermost.word = before.word;
        if returns {
            innermost.pc = before.word + 1;
        }
        raised.left.extend(before.left);
        let args = [own, values, left].concat();
        Some(self.new_exception(class, &args, ExceptionDesc { raised: Some(raised), ..old }))
    }

    /// Raises a new exception in the current block, which ends: the way leads to the handler. Where [`Builder::catches_here`].
    pub fn raise_new(&mut self, class: &'static Class, args: &[Val]) {
        self.raise_unmade(class, args, None, false);
    }

    /// As [`Builder::raise_new`] where `wrong` holds; goes on where it does not.
    pub fn raise_if(&mut self, wrong: Val, class: &'static Class, args: &[Val]) {
        let (yes, no) = self.branch(wrong);
        let after = self.state.clone();
        self.block = yes;
        self.func[yes].cold = true;
        self.raise_new(class, args);
        self.block = no;
        self.state = after;
    }

    fn new_exception(&mut self, class: &'static Class, args: &[Val], desc: ExceptionDesc) -> Val {
        self.root(Value::of(class));
        let op = if desc.class == 0 { Op::Raised } else { Op::NewException };
        self.func.exceptions.push(desc);
        let number = self.func.exceptions.len() as u64 - 1;
        let e = self.emit(op, Type::Val, args, number);
        self.classed(e, class)
    }

    /// A new exception of a class whose instances are made and initialised as BaseException's.
    pub fn plain_exception(&mut self, class: &'static Class, args: &[Val]) -> Option<Val> {
        if !makes_plainly(class) || !sets_args(class) {
            return None;
        }
        self.watch_type(class);
        let args: Vec<Val> = args.iter().map(|v| self.boxed(*v)).collect();
        let class_address = std::ptr::from_ref(class) as u64;
        let desc = ExceptionDesc { class: class_address, arguments: args.len(), ..ExceptionDesc::default() };
        Some(self.new_exception(class, &args, desc))
    }

    /// Sets the `args` of an exception, as BaseException's making and `__init__` do.
    pub fn set_exception_args(&mut self, e: Val, args: &[Val]) {
        let args = self.new_tuple(args.to_vec());
        let imm = super::values::at(Alias::Slot, std::mem::offset_of!(Exception, args));
        self.emit(Op::Store, Type::Void, &[e, args], imm);
        self.emit(Op::Barrier, Type::Void, &[e, args], 0);
    }

    /// The argument of an exception whose text is that of its only argument, if that is known: it was made here.
    pub fn known_exception_args(&mut self, e: Val) -> Option<[Val; 1]> {
        let class = self.class_of(e).filter(|c| c.has(flags::BASE_EXC))?;
        class.slots().str.filter(|f| std::ptr::fn_addr_eq(*f, exception::str as Str))?;
        self.watch_type(class);
        let args = self.known_field(e, std::mem::offset_of!(Exception, args))?;
        match self.tuples.get(&args)?[..] {
            [arg] => Some([arg]),
            _ => None,
        }
    }

    /// Whether a slot wrapper is the `__init__` that only sets the `args` of the exception `e`.
    pub fn sets_exception_args(&self, wrapper: &SlotWrapper, e: Val) -> bool {
        let is_its = self.class_of(e).is_some_and(|class| class.is_subtype(wrapper.owner));
        is_its && wrapper.dunder.name == "__init__" && sets_args(wrapper.owner)
    }

    /// `__exit__` of an exception that leaves a `with` statement.
    pub fn with_except_start(&mut self, at: At) -> Built<Flow> {
        let (callee, receiver, e) = (self.callee(at.w.b()), self.reg(at.w.b() + 1), self.reg(at.w.c()));
        let Some(f) = self.const_of::<Function>(callee) else { return self.generic(at) };
        if self.func[receiver].ty == Type::Val && !self.info[receiver.0 as usize].bound {
            return self.generic(at);
        }
        let class = match self.class_of(e) {
            Some(class) => self.object(Value::of(class)),
            None => self.plain_call(Helper::ClassOf, &[e], Type::Val),
        };
        let traceback = self.emit(Op::TracebackOf, Type::Val, &[e], 0);
        let base = self.context().code.nregs();
        let args = [receiver, class, e, traceback];
        match self.inline(at, f, &args, base, at.w.a(), Val::NONE, Val::NONE)? {
            Some(flow) => Ok(flow),
            None => self.generic(at),
        }
    }

    /// How a value that nobody has made yet is raised; none if it is no such exception.
    fn raised(&self, v: Val) -> Option<&RaiseDesc> {
        let inst = &self.func[v];
        match inst.op {
            Op::NewException | Op::Raised => self.func.exceptions[inst.imm as usize].raised.as_ref(),
            _ => None,
        }
    }

    /// `raise` of an exception that was made here and given to nobody.
    fn raise_fresh(&mut self, e: Val, register: usize, cause: Option<Val>) -> bool {
        let made = &self.func[e];
        let new = matches!(made.op, Op::NewException | Op::NewInstance) && self.raised(e).is_none();
        let (op, args) = (made.op, made.args.clone());
        let Some(class) = self.class_of(e).filter(|c| new && c.has(flags::BASE_EXC) && !self.is_used(e)) else {
            return false;
        };
        if !self.puts_off() {
            return false;
        }
        // A variable that holds it holds the same object afterwards, and it may be raised again.
        let code = self.context().code;
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        let held = |(r, v): (usize, &Val)| *v == e && (r < named || r != register);
        let depth = self.state.frames.len() - 1;
        let elsewhere = self.state.frames[..depth].iter().any(|f| f.regs.contains(&e));
        if op == Op::NewException && !elsewhere && !self.top().regs.iter().enumerate().any(held) {
            self.raise_unmade(class, &args, cause, false);
        } else {
            self.raise_unmade(class, &[e], cause, true);
        }
        true
    }

    /// Whether an exception in a register need not exist, and the handler of it is being built for it alone.
    pub fn is_about(&self, e: Val) -> bool {
        self.state.handled.contains(&e) || self.top().regs.contains(&e)
    }

    /// Functions that are inlined do not give away what they caught.
    pub fn refuse_returned(&mut self) {
        let depth = self.state.frames.len();
        let held = self.state.frames.iter().flat_map(|f| &f.regs).filter(|v| !v.is_none());
        let caught = held.filter_map(|v| self.raised(*v)).filter(|raised| raised.depth as usize >= depth);
        for context in caught.map(|raised| raised.context).collect::<Vec<_>>() {
            self.refuse_call(context);
        }
    }

    /// Exceptions that inlined functions catch exist only at exits.
    pub fn refuse_escaping(&mut self) {
        let passed = self.func.blocks.iter().flat_map(|b| &b.edges).flat_map(|e| &e.args);
        let used = self.func.insts.iter().flat_map(|inst| &inst.args).chain(passed);
        let inlined = used.filter_map(|v| self.raised(*v)).filter(|raised| raised.depth > 0);
        for context in inlined.map(|raised| raised.context).collect::<Vec<_>>() {
            self.refuse_call(context);
        }
    }

    /// Whether an instruction has the value for an operand.
    pub fn is_used(&self, v: Val) -> bool {
        self.func.insts.iter().any(|inst| inst.args.contains(&v))
    }

    /// Begins to handle the exceptions whose handling was put off: something is about to run that can see it.
    pub fn begin_handling(&mut self) {
        for (i, e) in std::mem::take(&mut self.state.handled).into_iter().enumerate() {
            let before = self.handle(e);
            if i == 0 {
                self.set_handled_before(before);
            }
        }
    }

    /// Begins to handle an exception: what was handled before.
    fn handle(&mut self, e: Val) -> Val {
        // Those that are still to be made take what is handled for their context.
        let held: Vec<Val> = self.state.frames.iter().flat_map(|f| &f.regs).copied().filter(|v| !v.is_none()).collect();
        for v in held {
            if v != e
                && let Some(raised) = self.raised(v)
                && !self.func.exceptions[self.func[v].imm as usize].context
            {
                match raised.depth {
                    0 => {
                        self.plain_call(Helper::Exist, &[v], Type::Void);
                    }
                    _ => self.refuse_call(raised.context),
                }
            }
        }
        self.state.handlers += 1;
        self.plain_call(Helper::BeginHandling, &[e], Type::Val)
    }

    /// Puts a value in the place of what only exits would have known.
    fn set_handled_before(&mut self, before: Val) {
        for frame in &mut self.state.frames {
            for v in frame.regs.iter_mut().filter(|v| !v.is_none() && self.func[**v].op == Op::HandledBefore) {
                *v = before;
            }
        }
    }

    /// `raise`.
    pub fn raise(&mut self, at: At) -> Built<Flow> {
        let v = self.reg(at.w.a());
        let cause = match at.op.base() {
            B::Raise => Some(None),
            _ => {
                let cause = self.reg(at.w.b());
                let is_cause = self.as_const(cause) == Some(Value::none())
                    || self.as_const(cause).is_none() && self.class_of(cause).is_some_and(|c| c.has(flags::BASE_EXC));
                is_cause.then_some(Some(cause))
            }
        };
        if let Some(cause) = cause {
            let class = self.const_class(v);
            let e = class.and_then(|class| self.plain_exception(class, &[])).unwrap_or(v);
            if self.raise_fresh(e, at.w.a(), cause) {
                return Ok(Flow::End);
            }
        }
        self.generic(at)?;
        // It always raises.
        self.leave(Reason::Interpret);
        Ok(Flow::End)
    }

    /// Begins to handle the exception in register `a`; register `b` receives what was handled before.
    pub fn push_exc_info(&mut self, a: usize, b: usize) {
        let e = self.reg(a);
        if self.raised(e).is_some() {
            let before = match self.state.handled.last() {
                Some(outer) => *outer,
                None => self.emit(Op::HandledBefore, Type::Val, &[], 0),
            };
            self.state.handled.push(e);
            self.set_reg(b, before);
            return;
        }
        self.begin_handling();
        let before = self.handle(e);
        self.set_reg(b, before);
    }

    /// Goes back to handling what is in register `a`.
    pub fn pop_exc_info(&mut self, a: usize) {
        if self.state.handled.pop().is_none() {
            self.state.handlers = self.state.handlers.saturating_sub(1);
            let before = self.reg(a);
            let before = self.boxed(before);
            self.plain_call(Helper::EndHandling, &[before], Type::Void);
            return;
        }
        if !self.state.handled.is_empty() {
            return;
        }
        let next = self.pc + B::PopExcInfo.words();
        let live = self.context().live.clone();
        let regs = &self.top().regs;
        let names: Vec<usize> =
            (0..regs.len()).filter(|r| !regs[*r].is_none() && self.func[regs[*r]].op == Op::HandledBefore).collect();
        for r in names {
            if live.is_live(next, r) {
                // Handlers of what follows may name it yet.
                let before = self.plain_call(Helper::HandledNow, &[], Type::Val);
                self.set_handled_before(before);
            } else {
                self.set_reg(r, Val::NONE);
            }
        }
    }

    /// Whether an exception of a known class matches a known class or one of several.
    fn known_to_match(&self, e: Val, pattern: Val) -> Option<bool> {
        let class = self.class_of(e)?;
        let one = |v: Val| self.const_class(v).filter(|c| c.has(flags::BASE_EXC)).map(|c| class.is_subtype(c));
        match self.tuples.get(&pattern) {
            Some(items) => {
                let all: Option<Vec<bool>> = items.iter().map(|v| one(*v)).collect();
                Some(all?.contains(&true))
            }
            None => one(pattern),
        }
    }

    /// Jumps unless the exception in register `a` matches the class or tuple in register `b`.
    pub fn jump_exc_not_match(&mut self, at: At) -> Flow {
        let (e, pattern) = (self.reg(at.w.a()), self.reg(at.w.b()));
        if let Some(matches) = self.known_to_match(e, pattern) {
            return if matches { Flow::Next } else { Flow::Jump };
        }
        let pattern = self.boxed(pattern);
        let t = self.raising_call(Helper::ExcMatches, &[e, pattern], Type::Word);
        let t = self.word_is(t, TRUE_WORD);
        self.fork(t, false)
    }
}
