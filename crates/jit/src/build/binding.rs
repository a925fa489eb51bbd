//! Arguments of calls of known Python functions: which of them each parameter takes.

use taipan_bytecode::code::flags as co;
use taipan_runtime::dict::Dict;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_;
use taipan_runtime::{Object, Value};

use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::{DONE, Helper};
use crate::ir::{Alias, Cond, Op, Type, Val};

/// More parameters are left to the runtime.
const MAX_PARAMETERS: usize = 64;
/// Longest tuple that a call spreads in compiled code.
const MAX_SPREAD: usize = 8;

/// Where a parameter's value comes from.
pub enum Source {
    /// An argument.
    Given(usize),
    /// The default.
    Default(Value),
    /// The default of a keyword-only parameter, under its name in a dict.
    KeywordDefault(&'static Dict, &'static Str),
    /// `*args`.
    Rest(Vec<usize>),
    /// `**kwargs`: names and arguments.
    Named(Vec<(Value, usize)>),
}

impl Builder<'_> {
    /// What the parameters of `f` take in a call with `n` arguments, the last ones named; None if the call raises or is one
    /// for the runtime. Parameters are in the order of their registers.
    pub fn arrange(&self, f: &'static Function, n: usize, names: &[Value]) -> Option<Vec<Source>> {
        let code = f.code.get();
        let (npos, all) = (code.argcount as usize, (code.argcount + code.kwonlyargcount) as usize);
        let positional = n.checked_sub(names.len())?;
        let takes_rest = code.flags & co::VARARGS != 0;
        if all + 2 > MAX_PARAMETERS || positional > npos && !takes_rest {
            return None;
        }
        let mut slots: Vec<Option<Source>> =
            (0..all).map(|i| (i < positional.min(npos)).then_some(Source::Given(i))).collect();
        let mut named = Vec::new();
        let posonly = code.posonlyargcount as usize;
        for (i, name) in names.iter().enumerate() {
            let key = name.exact::<Str>()?;
            match (posonly..all).find(|p| code.local_names()[*p].eq_str(key)) {
                Some(p) if slots[p].is_none() => slots[p] = Some(Source::Given(positional + i)),
                Some(_) => return None,
                None if code.flags & co::VARKEYWORDS != 0 => named.push((*name, positional + i)),
                None => return None,
            }
        }
        let defaults = f.defaults.get().map_or(&[][..], |d| d.items());
        let mut sources = Vec::new();
        for (p, slot) in slots.into_iter().enumerate() {
            sources.push(match slot {
                Some(source) => source,
                None if p < npos => Source::Default(*defaults.get((p + defaults.len()).checked_sub(npos)?)?),
                None => {
                    let dict = f.kwdefaults.get()?;
                    let exact =
                        Value::of(dict).exact::<Dict>().is_some() && dict.get_str(code.local_names()[p]).is_some();
                    if !exact || crate::tier::is_volatile(dict, code.local_names()[p]) {
                        return None;
                    }
                    Source::KeywordDefault(dict, code.local_names()[p])
                }
            });
        }
        if takes_rest {
            sources.push(Source::Rest((npos..positional.max(npos)).collect()));
        }
        if code.flags & co::VARKEYWORDS != 0 {
            sources.push(Source::Named(named));
        }
        Some(sources)
    }

    /// The values of the parameters.
    pub fn bind(&mut self, sources: &[Source], args: &[Val]) -> Vec<Val> {
        let mut values = Vec::new();
        for source in sources {
            values.push(match source {
                Source::Given(i) => args[*i],
                Source::Default(value) => self.constant(*value),
                Source::KeywordDefault(dict, name) => self.constant_in(dict, name).expect("looked at before"),
                Source::Rest(rest) if rest.is_empty() => self.empty_tuple(),
                Source::Rest(rest) => self.new_tuple(rest.iter().map(|i| args[*i]).collect()),
                Source::Named(named) => {
                    let names: Vec<Value> = named.iter().map(|n| n.0).collect();
                    let items: Vec<Val> = named.iter().map(|n| args[n.1]).collect();
                    self.new_dict(&names, &items)
                }
            });
        }
        values
    }

    /// `()`.
    pub fn empty_tuple(&mut self) -> Val {
        let empty = Tuple::new(self.cx, &[]);
        let v = self.object(Value::of(empty));
        self.tuples.insert(v, vec![]);
        v
    }

    /// A new dict with these keys, which are strs.
    pub fn new_dict(&mut self, names: &[Value], items: &[Val]) -> Val {
        let names = Tuple::new(self.cx, names);
        self.root(Value::of(names));
        let items: Vec<Val> = items.iter().map(|v| self.boxed(*v)).collect();
        let v = self.emit(Op::NewDict, Type::Val, &items, Value::of(names).bits());
        self.classed(v, Dict::class());
        v
    }

    /// `reg a` = {} of `c` pairs.
    pub fn build_map(&mut self, at: At) -> Built<Flow> {
        if at.w.c() != 0 {
            return self.generic(at);
        }
        let v = self.new_dict(&[], &[]);
        self.set_reg(at.w.a(), v);
        Ok(Flow::Next)
    }

    /// Whether `v` is a dict that was made empty by an instruction just before and given to nobody.
    fn is_fresh_dict(&self, v: Val) -> bool {
        self.func[v].op == Op::NewDict && self.func[v].args.is_empty() && !self.is_used(v)
    }

    /// Merges the dict in register `b` into the one of keyword arguments in register `a`: nothing if it is empty.
    pub fn dict_merge(&mut self, at: At) -> Built<Flow> {
        let (into, from) = (self.reg(at.w.a()), self.reg(at.w.b()));
        if self.failed(Reason::Index) || !self.is_fresh_dict(into) {
            return self.generic(at);
        }
        if self.func[from].op == Op::NewDict && !self.func[from].args.is_empty() {
            return self.generic(at);
        }
        if self.peek(from).is_some_and(|v| v.exact::<Dict>().is_none_or(|d| d.len() > 0)) {
            return self.generic(at);
        }
        let from = self.guard_class(from, Dict::class());
        let n = self.load_int(from, Alias::Dict, Dict::USED_OFFSET);
        let zero = self.int(0);
        let empty = self.emit(Op::ICmp, Type::Bool, &[n, zero], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[empty], 0, Reason::Index);
        Ok(Flow::Next)
    }

    /// `reg c = reg a (*reg a+1, **reg a+2)`.
    pub fn call_spread(&mut self, at: At) -> Built<Flow> {
        let (a, c) = (at.w.a(), at.w.c());
        let keywords = self.reg(a + 2);
        let callee = self.callee(a);
        if at.w.b() != 0 && !self.is_fresh_dict(keywords) {
            return match self.spread_names(callee, self.reg(a + 1), keywords) {
                Some(args) => self.call_spread_out(at, callee, &args),
                None => self.generic(at),
            };
        }
        let Some(f) = self.const_of::<Function>(callee) else { return self.generic(at) };
        let Some(items) = self.spread(self.reg(a + 1)) else { return self.generic(at) };
        if self.takes(f, items.len()) {
            return self.build_or_call(at, f, &items, a + 1, c);
        }
        match self.inline(at, f, &items, a + 1, c, Val::NONE, Val::NONE)? {
            Some(flow) => Ok(flow),
            None => self.generic(at),
        }
    }

    /// The call of a function or class with values for all parameters.
    fn call_spread_out(&mut self, at: At, callee: Val, args: &[Val]) -> Built<Flow> {
        if let Some(f) = self.const_of::<Function>(callee) {
            return self.build_or_call(at, f, args, at.w.a() + 1, at.w.c());
        }
        if let Some(class) = self.const_class(callee)
            && let Some(flow) = self.construct(at, class, args)?
        {
            return Ok(flow);
        }
        self.generic(at)
    }

    /// The arguments of a call with a tuple and a dict of keyword arguments, in the order of the parameters: those that the tuple lacks are
    /// looked up in the dict, or are the defaults. Leaves where the dict lacks one, or has others. None if that is left to the runtime.
    fn spread_names(&mut self, callee: Val, tuple: Val, dict: Val) -> Option<Vec<Val>> {
        if self.failed(Reason::Index) || !self.is_class(dict, Dict::class()) {
            return None;
        }
        let (f, bound) = match self.const_of::<Function>(callee) {
            Some(f) => (f, 0),
            None => (type_::python_init(self.const_class(callee)?)?, 1),
        };
        let code = f.code.get();
        let n = code.argcount as usize;
        let variadic = code.flags & (co::VARARGS | co::VARKEYWORDS) != 0 || code.kwonlyargcount != 0;
        if variadic || n.saturating_sub(bound) > MAX_SPREAD || !self.takes(f, n) {
            return None;
        }
        let mut args = self.spread(tuple)?;
        let first = bound + args.len();
        if first > n || first < code.posonlyargcount as usize {
            return None;
        }
        let defaults = f.defaults.get().map_or(&[][..], |d| d.items());
        let mut lacking = None;
        for p in first..n {
            let name = self.object(Value::of(code.local_names()[p]));
            let found = self.plain_call(Helper::DictGet, &[dict, name], Type::Val);
            let missing = self.emit(Op::IsConst, Type::Bool, &[found], DONE);
            let Some(default) = (p + defaults.len()).checked_sub(n).map(|i| defaults[i]) else {
                let there = self.emit(Op::BoolNot, Type::Bool, &[missing], 0);
                self.emit_guard(Op::Guard, Type::Void, &[there], 0, Reason::Index);
                args.push(found);
                continue;
            };
            let default = self.object(default);
            args.push(self.emit(Op::SelectVal, Type::Val, &[missing, default, found], 0));
            let one = self.emit(Op::BoolToInt, Type::Int, &[missing], 0);
            lacking = Some(lacking.map_or(one, |sum| self.emit(Op::Add, Type::Int, &[sum, one], 0)));
        }
        let mut used = self.load_int(dict, Alias::Dict, Dict::USED_OFFSET);
        if let Some(lacking) = lacking {
            used = self.emit(Op::Add, Type::Int, &[used, lacking], 0);
        }
        let want = self.int((n - first) as i64);
        let all = self.emit(Op::ICmp, Type::Bool, &[used, want], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[all], 0, Reason::Index);
        Some(args)
    }

    /// The items of a tuple that is known, or as long as it is now.
    fn spread(&mut self, v: Val) -> Option<Vec<Val>> {
        if let Some(items) = self.tuples.get(&v) {
            return (items.len() <= MAX_SPREAD).then(|| items.clone());
        }
        if self.failed(Reason::Index) || self.failed(Reason::Class) {
            return None;
        }
        let n = self.peek(v)?.exact::<Tuple>()?.len();
        if n > MAX_SPREAD {
            return None;
        }
        let v = self.guard_class(v, Tuple::class());
        let size = self.load_int(v, Alias::ListSize, super::items::SIZE);
        let want = self.int(n as i64);
        let same = self.emit(Op::ICmp, Type::Bool, &[size, want], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[same], 0, Reason::Index);
        let imm = super::values::at(Alias::Fixed, super::items::TUPLE_ITEMS);
        let items: Vec<Val> = (0..n as i64)
            .map(|i| {
                let index = self.int(i);
                self.emit(Op::LoadIndexAt, Type::Val, &[v, index], imm)
            })
            .collect();
        Some(items)
    }
}

/// Registers that hold arguments when a function begins.
pub fn parameters(code: &CodeObject) -> usize {
    let variadic = [co::VARARGS, co::VARKEYWORDS].iter().filter(|f| code.flags & **f != 0).count();
    (code.argcount + code.kwonlyargcount) as usize + variadic
}
