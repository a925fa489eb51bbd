//! Exceptions that are raised and caught in the same code.
//!
//! Only handlers of the entry frame are compiled, and only for instructions that were seen to raise what they catch; what
//! else raises leaves. Functions whose handlers catch exceptions are not inlined.

use taipan_bytecode::Op as B;
use taipan_runtime::exceptions::Exception;
use taipan_runtime::native::Args;
use taipan_runtime::typeobj::{Type as Class, flags};
use taipan_runtime::types::descr::SlotWrapper;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::{exception, type_};
use taipan_runtime::{Cx, PyResult, Value};

use super::cfg::op_at;
use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Alias, ExceptionDesc, Op, Type, Val};

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

type New = fn(&mut Cx, &'static Class, Args) -> PyResult<Value>;
type Init = fn(&mut Cx, Value, Args) -> PyResult<()>;

impl Builder<'_> {
    /// Where an exception that the current instruction raises is caught in the entry frame: the handler and its register.
    fn catcher(&self) -> Option<(usize, usize)> {
        let pc = match self.state.frames.get(1) {
            None => self.pc,
            // The call that was built in place: the instruction that ends where its caller goes on.
            Some(callee) => {
                let next = self.contexts[callee.context].return_pc as usize;
                let code = self.contexts[0].code;
                (1..=4)
                    .map(|n| next - n)
                    .find(|pc| self.catches.contains_key(pc) && pc + op_at(code, *pc).words() == next)?
            }
        };
        self.catches.get(&pc).copied()
    }

    /// Appends an instruction that gives 0 if it raises. Then the way leads to the handler, or out.
    pub fn emit_raising(&mut self, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        let Some((handler, register)) = self.catcher() else {
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
        self.caught.push((self.pend(), handler));
        self.block = next;
        self.state = after;
        v
    }

    /// Whether an exception that the current instruction raises need not exist: the entry frame catches it, and what its
    /// `__context__` would be cannot change before somebody asks.
    pub fn catches_here(&self) -> bool {
        !self.is_inlined() && self.state.handled.is_none() && self.state.handlers == 0 && self.catcher().is_some()
    }

    /// Raises a new exception in the current block, which ends: the way leads to the handler. Where [`Builder::catches_here`].
    pub fn raise_new(&mut self, class: &'static Class, args: &[Val]) {
        let (handler, register) = self.catcher().expect("it is caught");
        let args: Vec<Val> = args.iter().map(|v| self.boxed(*v)).collect();
        let e = self.new_exception(class, &args, Some(self.pc as u32));
        self.set_reg(register, e);
        self.caught.push((self.pend(), handler));
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

    fn new_exception(&mut self, class: &'static Class, args: &[Val], word: Option<u32>) -> Val {
        self.root(Value::of(class));
        self.func.exceptions.push(ExceptionDesc { class: std::ptr::from_ref(class) as u64, word });
        let number = self.func.exceptions.len() as u64 - 1;
        let e = self.emit(Op::NewException, Type::Val, args, number);
        self.classed(e, class)
    }

    /// A new exception of a class whose instances are made and initialised as BaseException's.
    pub fn plain_exception(&mut self, class: &'static Class, args: &[Val]) -> Option<Val> {
        if !makes_plainly(class) || !sets_args(class) {
            return None;
        }
        self.watch_type(class);
        let args: Vec<Val> = args.iter().map(|v| self.boxed(*v)).collect();
        Some(self.new_exception(class, &args, None))
    }

    /// Sets the `args` of an exception, as BaseException's making and `__init__` do.
    pub fn set_exception_args(&mut self, e: Val, args: &[Val]) {
        let args = self.new_tuple(args.to_vec());
        let imm = super::values::at(Alias::Slot, std::mem::offset_of!(Exception, args));
        self.emit(Op::Store, Type::Void, &[e, args], imm);
        self.emit(Op::Barrier, Type::Void, &[e, args], 0);
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

    /// `raise` of an exception that was made for it and given to nobody.
    fn raise_fresh(&mut self, e: Val, register: usize) -> bool {
        let made = &self.func[e];
        if made.op != Op::NewException || !self.catches_here() || self.is_used(e) {
            return false;
        }
        // A variable that holds it holds the same object afterwards, and it may be raised again.
        let code = self.context().code;
        let named = (code.nlocals + code.ncells + code.nfrees) as usize;
        let held = |(r, v): (usize, &Val)| *v == e && (r < named || r != register);
        if self.top().regs.iter().enumerate().any(held) {
            return false;
        }
        let (args, imm) = (made.args.clone(), made.imm);
        // SAFETY: the class is a root.
        let class = unsafe { &*(self.func.exceptions[imm as usize].class as *const Class) };
        self.raise_new(class, &args);
        true
    }

    /// Whether an instruction has the value for an operand.
    pub fn is_used(&self, v: Val) -> bool {
        self.func.insts.iter().any(|inst| inst.args.contains(&v))
    }

    /// Begins to handle the exception whose handling was put off: something is about to run that can see it.
    pub fn begin_handling(&mut self) {
        let Some(e) = self.state.handled.take() else { return };
        self.state.handlers += 1;
        let before = self.plain_call(Helper::BeginHandling, &[e], Type::Val);
        self.set_handled_before(before);
    }

    /// Puts a value in the place of what only exits would have known.
    fn set_handled_before(&mut self, before: Val) {
        for r in 0..self.state.frames[0].regs.len() {
            let v = self.state.frames[0].regs[r];
            if !v.is_none() && self.func[v].op == Op::HandledBefore {
                self.state.frames[0].regs[r] = before;
            }
        }
    }

    /// `raise`.
    pub fn raise(&mut self, at: At) -> Built<Flow> {
        if at.op.base() == B::Raise {
            let v = self.reg(at.w.a());
            let class = self.const_class(v);
            let e = class.and_then(|class| self.plain_exception(class, &[])).unwrap_or(v);
            if self.raise_fresh(e, at.w.a()) {
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
        if self.func[e].op == Op::NewException && self.state.handled.is_none() && self.state.handlers == 0 {
            self.state.handled = Some(e);
            let before = self.emit(Op::HandledBefore, Type::Val, &[], 0);
            self.set_reg(b, before);
            return;
        }
        self.state.handlers += 1;
        let before = self.plain_call(Helper::BeginHandling, &[e], Type::Val);
        self.set_reg(b, before);
    }

    /// Goes back to handling what is in register `a`.
    pub fn pop_exc_info(&mut self, a: usize) {
        if self.state.handled.take().is_some() {
            // Handlers of what follows may name it yet.
            let before = self.plain_call(Helper::HandledNow, &[], Type::Val);
            self.set_handled_before(before);
            return;
        }
        self.state.handlers = self.state.handlers.saturating_sub(1);
        let before = self.reg(a);
        let before = self.boxed(before);
        self.plain_call(Helper::EndHandling, &[before], Type::Void);
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
