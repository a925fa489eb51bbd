//! Instructions on built-in objects that run no Python code (see `crate::plain`), and special methods of Python classes.

use std::rc::Rc;

use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Object, Value};

use super::ops::{At, Flow};
use super::poly::Receiver;
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Op, Type, Val};
use crate::plain_calls::{self, Gives, Needs};

/// Bit of `call_plain`'s immediate: a method, not a function. What is needed stands above it.
pub const PLAIN_METHOD: u64 = 1 << 48;

impl Builder<'_> {
    /// Calls a helper of `crate::plain`; None where that has been found useless here.
    pub fn plain(&mut self, helper: Helper, args: &[Val], ty: Type) -> Option<Val> {
        if self.failed(Reason::Plain) {
            return None;
        }
        let args: Vec<Val> = args.iter().map(|a| self.boxed(*a)).collect();
        let v = self.raising_call(helper, &args, ty);
        self.guard_plain(v);
        Some(v)
    }

    pub fn guard_plain(&mut self, v: Val) {
        self.emit_guard(Op::GuardPlain, Type::Void, &[v], 0, Reason::Plain);
    }

    /// As [`Builder::plain`] for helpers that answer with a truth word.
    pub fn plain_truth(&mut self, helper: Helper, args: &[Val]) -> Option<Val> {
        let t = self.plain(helper, args, Type::Word)?;
        Some(self.word_is(t, TRUE_WORD))
    }

    /// Calls a built-in method or function that runs no Python code.
    fn call_plain(&mut self, callee: Value, is_method: bool, row: (Needs, Gives), args: &[Val]) -> Option<Val> {
        if self.failed(Reason::Plain) || args.len() > 8 {
            return None;
        }
        self.root(callee);
        let args: Vec<Val> = args.iter().map(|a| self.boxed(*a)).collect();
        let imm = callee.bits() | if is_method { PLAIN_METHOD } else { 0 } | (row.0 as u64) << 49;
        let v = self.emit_raising(Op::CallPlain, Type::Val, &args, imm);
        self.guard_plain(v);
        Some(match row.1 {
            Gives::Any => v,
            Gives::Float => self.classed(v, &FLOAT),
            Gives::Str => self.classed(v, Str::type_object()),
            Gives::List => self.classed(v, List::class()),
        })
    }

    /// A built-in method of the tables; the first argument is the receiver.
    pub fn plain_method(&mut self, method: &'static MethodDescr, args: &[Val]) -> Option<Val> {
        let row = plain_calls::method_row(method)?;
        self.call_plain(Value::of(method), true, row, args)
    }

    /// A built-in function of the tables.
    pub fn plain_function(&mut self, module: &str, native: &'static NativeFunction, args: &[Val]) -> Option<Val> {
        let row = plain_calls::function_row(module, native.def.name)?;
        self.call_plain(Value::of(native), false, row, args)
    }

    /// Builds the call of a special method of a Python class, or of several, in place; None if `x` is not known to be of
    /// such classes or their methods are not accepted.
    pub fn special(
        &mut self,
        at: At,
        x: Val,
        name: &'static Str,
        args: &[Val],
        result: usize,
        accepts: impl Fn(&mut Self, &'static Class, &'static Function) -> bool,
    ) -> Built<Option<Flow>> {
        let site = (self.context().path, (self.pc + at.op.words()) as u32);
        if self.func[x].ty != Type::Val || self.sticky.no_inline.contains(&site) {
            return Ok(None);
        }
        let (set, known): (Rc<[Receiver]>, bool) = match self.class_of(x) {
            Some(class) => (Rc::new([Receiver { class, shape: None }]), true),
            None => match self.receivers(x) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let mut methods = Vec::new();
        for r in set.iter() {
            if !r.class.is_heap_type() {
                return Ok(None);
            }
            self.cx.assign_version(r.class);
            let method = self.cx.type_lookup(r.class, name).and_then(|m| m.exact::<Function>());
            let Some(method) = method.filter(|_| r.class.version() != 0) else { return Ok(None) };
            let count = args.len() + 1;
            if self.arrange(method, count, &[]).is_none()
                || !(self.may_inline(method) || self.may_call(method))
                || !accepts(self, r.class, method)
            {
                return Ok(None);
            }
            methods.push(Value::of(method));
        }
        if set.len() > 1 && !Self::is_uniform(&set) {
            return Ok(None);
        }
        for r in set.iter() {
            self.watch_type(r.class);
        }
        let x = match (known, &set[..]) {
            (true, _) => x,
            (false, [only]) => self.guard_class(x, only.class),
            (false, _) => self.guard_receivers(x, &set),
        };
        let base = self.context().code.nregs();
        let build = |b: &mut Self, method: Value, x: Val| {
            let mut all = vec![x];
            all.extend(args);
            let method = method.exact::<Function>().expect("one of the functions found above");
            if b.takes(method, all.len()) {
                return b.build_or_call(at, method, &all, base, result).map(Some);
            }
            b.inline(at, method, &all, base, result, Val::NONE, Val::NONE)
        };
        let groups = Self::grouped(&set, &methods);
        if let [(method, _)] = groups[..] {
            return build(self, method, x);
        }
        let (methods, members): (Vec<Value>, Vec<Vec<Receiver>>) = groups.into_iter().unzip();
        let mut declined = false;
        let ends = self.each_group(x, &members, |b, i, known| match build(b, methods[i], known)? {
            Some(flow) => Ok(matches!(flow, Flow::Next)),
            None => {
                declined = true;
                b.leave(Reason::Class);
                Ok(false)
            }
        })?;
        if declined {
            return self.no_inline_here();
        }
        if ends.is_empty() {
            return Ok(Some(Flow::End));
        }
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    /// `reg b in reg c`.
    pub fn contains(&mut self, at: At, when: bool) -> Built<Flow> {
        let (item, container) = (self.reg(at.w.b()), self.reg(at.w.c()));
        let found = self.char_in(item, container);
        let found = found.or_else(|| self.plain_truth(Helper::PlainContains, &[container, item]));
        let Some(mut t) = found else { return self.generic(at) };
        if !when {
            t = self.emit(Op::BoolNot, Type::Bool, &[t], 0);
        }
        self.set_reg(at.w.a(), t);
        Ok(Flow::Next)
    }
}
