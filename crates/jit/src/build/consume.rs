//! Generators that a built-in function goes through at once, `sum(x * x for x in items)`: the generator's code is built in
//! place, each `yield` does what the consumer does with an item, and nobody makes the generator. How far the consumer is
//! stands in registers behind those of the generator's code; exits make the generator and do the rest of the consumer's work
//! (`crate::consume`).

use std::rc::Rc;

use taipan_bytecode::Op as B;
use taipan_runtime::dict::Dict;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::bytearray::BYTEARRAY;
use taipan_runtime::types::bytes::BYTES;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator::{GENERATOR, Generator};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set_methods;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::value::{INT_MAX, INT_MIN};
use taipan_runtime::{Object, Value};

use super::calls::{MAX_CALLEE, MAX_INLINED, has_unsuitable, hash};
use super::cfg::{Cfg, Liveness, op_at};
use super::ops::{At, Flow, Returns};
use super::{Builder, Built, Context, Frame, Pending, Refusal};
use crate::consume::Consumer;
use crate::exits::{MAX_DEPTH, Reason};
use crate::helpers::Helper;
use crate::ir::{Cond, Op, StateId, Type, Val};

/// What a generator is made of that nobody has made.
pub struct Consumed {
    /// The function of its code, where it is a constant; else one like it.
    pub function: &'static Function,
    /// The function, where it is not a constant.
    callee: Val,
    /// Its parameters.
    parameters: Vec<Val>,
}

/// Where a generator's code is built in place.
pub struct Place {
    /// Word index at which the caller goes on.
    pub return_pc: usize,
    /// The caller's register for the consumer's result.
    pub result: usize,
    /// The caller's register at which the generator's window would begin.
    pub base: usize,
}

impl Builder<'_> {
    /// A call of a built-in function or class with a generator made here as its only argument, which lies in register `r`.
    pub fn consuming_call(&mut self, at: At, callee: Val, args: &[Val], r: usize) -> Built<Option<Flow>> {
        let &[generator] = args else { return Ok(None) };
        if self.func[generator].op != Op::NewGenerator {
            return Ok(None);
        }
        let path = (self.context().path, (self.pc + at.op.words()) as u32);
        let consumer = if let Some(native) = self.const_of::<NativeFunction>(callee) {
            let builtin =
                native.module.get().and_then(|m| m.exact::<Str>()).is_some_and(|m| m.to_string_lossy() == "builtins");
            match native.def.name {
                "all" if builtin => Consumer::All,
                "any" if builtin => Consumer::Any,
                "sum" if builtin => Consumer::SumInts,
                "min" if builtin => Consumer::MinInts,
                "max" if builtin => Consumer::MaxInts,
                "sorted" if builtin => Consumer::Sorted,
                _ => return Ok(None),
            }
        } else {
            let Some(class) = self.const_class(callee) else { return Ok(None) };
            let classes: [(&'static Class, Consumer); 6] = [
                (Dict::class(), Consumer::Dict),
                (List::class(), Consumer::List),
                (Tuple::class(), Consumer::Tuple),
                (&set_methods::SET, Consumer::Set),
                (&BYTES, Consumer::Bytes),
                (&BYTEARRAY, Consumer::ByteArray),
            ];
            let Some((_, consumer)) = classes.into_iter().find(|(c, _)| std::ptr::eq(*c, class)) else {
                return Ok(None);
            };
            consumer
        };
        let consumer = if self.sticky.of_floats.contains(&path) { consumer.of_floats() } else { consumer };
        let flow = self.consume(at, consumer, generator, r, Val::NONE)?;
        if consumer == Consumer::Sorted && matches!(flow, Some(Flow::Next)) {
            return self.sort_items(at, callee, r).map(Some);
        }
        Ok(flow)
    }

    /// Calls `sorted`, whose argument is to lie in register `r`, with the list in the result register.
    fn sort_items(&mut self, at: At, callee: Val, r: usize) -> Built<Flow> {
        let items = self.reg(at.w.c());
        self.set_reg(r - 1, callee);
        self.set_reg(r, items);
        let native = self.const_of::<NativeFunction>(callee).expect("the caller looked");
        if let Some(v) = self.intrinsic(native, &[items]) {
            self.set_reg(at.w.c(), v);
            return Ok(Flow::Next);
        }
        self.call_any(at, false)
    }

    /// A call of `str.join` with a generator made here in register `r`.
    pub fn consuming_method(&mut self, at: At, callee: Val, args: &[Val], r: usize) -> Built<Option<Flow>> {
        let (&[separator, generator], Some(method)) = (args, self.const_of::<MethodDescr>(callee)) else {
            return Ok(None);
        };
        let joins = std::ptr::eq(method.owner, Str::type_object()) && method.def.name == "join";
        if self.func[generator].op != Op::NewGenerator || !joins || !self.is_class(separator, Str::type_object()) {
            return Ok(None);
        }
        self.consume(at, Consumer::Join, generator, r, separator)
    }

    /// Builds the code of a generator in place, whose window would begin at register `base`.
    fn consume(
        &mut self,
        at: At,
        consumer: Consumer,
        generator: Val,
        base: usize,
        separator: Val,
    ) -> Built<Option<Flow>> {
        let return_pc = self.pc + at.op.words();
        let path = self.context().path;
        let refused = self.sticky.no_inline.contains(&(path, return_pc as u32))
            || self.failed_at(self.context().code, return_pc as u32, Reason::Seen);
        // Joining and sorting raise even if nobody wants the result.
        let wanted = self.context().live.is_live(return_pc, at.w.c());
        let unwanted = matches!(consumer, Consumer::Join | Consumer::Sorted) && !wanted;
        if refused || unwanted || !self.is_held_here_only(generator, return_pc) {
            return Ok(None);
        }
        let Some(unmade) = self.unmade(generator) else { return Ok(None) };
        let progress = self.begin_consuming(consumer, separator);
        let place = Place { return_pc, result: at.w.c(), base };
        let returns = self.run_generator(unmade, consumer, progress, place)?;
        if returns.is_empty() {
            return Ok(Some(Flow::End));
        }
        let mut ends = Vec::new();
        for (mut end, v) in returns {
            end.state.frames.pop();
            end.state.frames.last_mut().expect("the consumer's caller").regs[at.w.c()] = v;
            ends.push(end);
        }
        self.merge(ends, return_pc)?;
        if !wanted {
            return Ok(Some(Flow::Next));
        }
        self.finish_consuming(at, consumer, separator);
        Ok(Some(Flow::Next))
    }

    /// Builds the code of a generator in place, one frame deeper; the ways out of it.
    pub fn run_generator(
        &mut self,
        Consumed { function, callee, parameters }: Consumed,
        consumer: Consumer,
        progress: Vec<Val>,
        Place { return_pc, result, base }: Place,
    ) -> Built<Returns> {
        let path = self.context().path;
        let code = function.code.get();
        self.inlined += code.word_count();
        for object in [Value::of(function), Value::of(code)] {
            self.root(object);
        }
        let mut regs = vec![Val::NONE; code.nregs()];
        regs[..parameters.len()].copy_from_slice(&parameters);
        for reg in &mut regs[parameters.len()..code.nlocals as usize] {
            *reg = self.unbound();
        }
        self.load_closure(function, callee, &mut regs);
        regs.extend(progress);
        let context = Context {
            code,
            function: Some(function),
            globals: function.globals,
            builtins: function.builtins,
            path: hash(&[path, return_pc as u64, code as *const _ as u64]),
            call_pc: self.pc as u32,
            return_pc: return_pc as u32,
            site: (path, return_pc as u32),
            result: result as u16,
            base: base as u16,
            live: Rc::new(Liveness::of(code)),
            catches: Default::default(),
        };
        self.contexts.push(context);
        let context = self.contexts.len() - 1;
        if let Some(over) = self.over_generators.last_mut().filter(|_| consumer == Consumer::Loop) {
            over.context = context;
        }
        let synced = vec![Val::NONE; regs.len()];
        let consumer = Some(consumer);
        self.state.frames.push(Frame { context, regs, synced, receiver: Val::NONE, callee, consumer });
        let call_pc = self.pc;
        // Behind ReturnGenerator.
        let returns = self.region(Cfg::of(code, 1, &Default::default()))?;
        self.pc = call_pc;
        Ok(returns)
    }

    /// Whether no register that is live at `pc` holds a value.
    fn is_held_here_only(&self, v: Val, pc: usize) -> bool {
        let live = &self.context().live;
        let depth = self.state.frames.len();
        let mut frames = self.state.frames.iter().enumerate();
        frames.all(|(d, f)| {
            f.regs.iter().enumerate().all(|(r, held)| *held != v || d + 1 == depth && !live.is_live(pc, r))
        })
    }

    /// The code of a generator that was made here, if it is known.
    pub fn generator_code(&self, generator: Val) -> Option<&'static CodeObject> {
        let function = self.func[generator].args[0];
        let known = self.const_of::<Function>(function).map(|f| f.code.get());
        known.or_else(|| self.functions.get(&function).copied())
    }

    /// Takes back the instruction that makes a generator, if nothing has happened since.
    pub fn unmade(&mut self, generator: Val) -> Option<Consumed> {
        let insts = &self.func[self.block].insts;
        let at = insts.iter().rposition(|v| *v == generator)?;
        let untouched = |v: &Val| self.func[*v].state == StateId::NONE && !self.func[*v].args.contains(&generator);
        if !insts[at + 1..].iter().all(untouched) {
            return None;
        }
        let args = self.func[generator].args.clone();
        let (function, callee) = match self.const_of::<Function>(args[0]) {
            Some(f) => (f, Val::NONE),
            None => {
                let code = *self.functions.get(&args[0])?;
                if !self.may_consume(code) {
                    return None;
                }
                (Function::new(self.cx, code, self.context().globals), args[0])
            }
        };
        if !self.may_consume(function.code.get()) {
            return None;
        }
        let block = self.block;
        self.func[block].insts.remove(at);
        self.func[generator].args.clear();
        // Numbers go in as they are.
        let unboxed = |v: &Val| match self.func[*v].op {
            Op::BoxInt | Op::BoxFloat | Op::BoxBool => self.func[*v].args[0],
            _ => *v,
        };
        let parameters = args[1..].iter().map(unboxed).collect();
        Some(Consumed { function, callee, parameters })
    }

    /// Whether a generator of this code may be built in place here.
    pub fn may_consume(&self, code: &CodeObject) -> bool {
        let depth = self.state.frames.len();
        let again = self.state.frames.iter().any(|f| std::ptr::eq(self.contexts[f.context].code, code));
        std::ptr::eq(Generator::class_for(code), &GENERATOR)
            && Generator::begins_plainly(code)
            && closes_silently(code)
            && code.ncells == 0
            && depth < MAX_DEPTH
            && !again
            && code.word_count() <= MAX_CALLEE
            && self.inlined + code.word_count() <= MAX_INLINED
            && !has_unsuitable(code)
            && super::cfg::catches(code).is_empty()
    }

    /// The values with which a consumer begins.
    fn begin_consuming(&mut self, consumer: Consumer, separator: Val) -> Vec<Val> {
        match consumer {
            Consumer::Loop | Consumer::All | Consumer::Any => vec![],
            Consumer::SumInts => vec![self.int(0)],
            Consumer::SumFloats => {
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                vec![zero, zero, self.emit(Op::ConstBool, Type::Bool, &[], 0)]
            }
            Consumer::MinInts | Consumer::MaxInts => vec![self.int(0), self.emit(Op::ConstBool, Type::Bool, &[], 0)],
            Consumer::MinFloats | Consumer::MaxFloats => {
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                vec![zero, self.emit(Op::ConstBool, Type::Bool, &[], 0)]
            }
            Consumer::Dict => {
                let dict = self.new_dict(&[], &[]);
                vec![dict, self.int(0)]
            }
            Consumer::List | Consumer::Tuple | Consumer::Sorted | Consumer::Join => {
                let list = self.emit(Op::NewList, Type::Val, &[], 0);
                self.classed(list, List::class());
                if consumer == Consumer::Join { vec![list, separator] } else { vec![list] }
            }
            Consumer::Bytes | Consumer::ByteArray => {
                let array = self.plain_call(Helper::NewByteArray, &[], Type::Val);
                vec![self.classed(array, &BYTEARRAY)]
            }
            Consumer::Set => {
                let set = self.plain_call(Helper::NewSet, &[], Type::Val);
                vec![self.classed(set, &set_methods::SET)]
            }
        }
    }

    /// The register that holds part `i` of the consumer's progress.
    fn progress(&self, i: usize) -> usize {
        self.context().code.nregs() + i
    }

    /// `yield` in a generator that is built in place: what the consumer does with the item.
    pub fn consume_item(&mut self, at: At) -> Built<Flow> {
        let item = self.reg(at.w.a());
        let done = match self.top().consumer.expect("the caller looked") {
            Consumer::Loop => return self.yield_to_loop(at),
            Consumer::Dict => self.add_pair(item),
            Consumer::All => self.decide(item, false),
            Consumer::Any => self.decide(item, true),
            Consumer::SumInts => self.add_int(item)?,
            Consumer::SumFloats => self.add_float(item),
            Consumer::MinInts | Consumer::MaxInts | Consumer::MinFloats | Consumer::MaxFloats => self.better(item)?,
            Consumer::List | Consumer::Tuple | Consumer::Sorted | Consumer::Join => {
                let list = self.reg(self.progress(0));
                self.list_append(list, item);
                true
            }
            Consumer::Bytes | Consumer::ByteArray => self.add_byte(item),
            Consumer::Set => {
                let set = self.reg(self.progress(0));
                self.plain(Helper::PlainSetAdd, &[set, item], Type::Val).is_some()
            }
        };
        if !done {
            return self.refuse_consuming();
        }
        self.nothing_sent(at);
        Ok(Flow::Next)
    }

    /// The register into which a `yield` puts what is sent to it.
    pub fn sent_to(at: At) -> usize {
        if at.op.base() == B::YieldDelegate { at.w.a() } else { at.w.b() }
    }

    /// What goes through generators sends None.
    pub fn nothing_sent(&mut self, at: At) {
        let none = self.object(Value::none());
        self.set_reg(Self::sent_to(at), none);
    }

    /// Stores a pair made here into the dict.
    fn add_pair(&mut self, pair: Val) -> bool {
        let Some([key, value]) = self.tuples.get(&pair).and_then(|items| <[Val; 2]>::try_from(&items[..]).ok()) else {
            return false;
        };
        let [dict, n] = [0, 1].map(|i| self.reg(self.progress(i)));
        if self.plain(Helper::PlainSetItem, &[dict, key, value], Type::Word).is_none() {
            return false;
        }
        let one = self.int(1);
        let next = self.emit(Op::Add, Type::Int, &[n, one], 0);
        self.bounded(next, 0, INT_MAX);
        let r = self.progress(1);
        self.set_reg(r, next);
        true
    }

    /// Builds the function anew, with the call of the consumer as a call.
    pub fn refuse_consuming<T>(&mut self) -> Built<T> {
        let place = self.consuming_place();
        self.sticky.no_inline.insert(place);
        Err(Refusal::Restart)
    }

    /// Where the consumer of the innermost frame is called, as [`super::Sticky`] says it.
    fn consuming_place(&self) -> (super::Path, u32) {
        let caller = &self.state.frames[self.state.frames.len() - 2];
        (self.contexts[caller.context].path, self.context().return_pc)
    }

    /// The consumer's result is `when` once an item's truth is.
    fn decide(&mut self, item: Val, when: bool) -> bool {
        let Some(t) = self.truth(item).or_else(|| self.plain_truth(Helper::PlainTruth, &[item])) else { return false };
        let (yes, no) = self.branch(t);
        let (decided, next) = if when { (yes, no) } else { (no, yes) };
        let v = self.emit_in(decided, Op::ConstBool, Type::Bool, &[], when as u64);
        self.decided.push((Pending { block: decided, state: self.state.clone() }, v));
        self.block = next;
        true
    }

    /// Builds the function anew for floats if an item of what works on ints is one.
    fn expect_int(&mut self, item: Val) -> Built<()> {
        let is_float = self.is_class(item, &FLOAT)
            || self.peek(item).is_some_and(|now| std::ptr::eq(now.class(), &FLOAT))
            || self.failed(Reason::Number);
        if !is_float {
            return Ok(());
        }
        let place = self.consuming_place();
        self.sticky.of_floats.insert(place);
        Err(Refusal::Restart)
    }

    /// The item becomes the best one if there is none yet or it is better.
    fn better(&mut self, item: Val) -> Built<bool> {
        let consumer = self.top().consumer.expect("the caller looked");
        let ints = matches!(consumer, Consumer::MinInts | Consumer::MaxInts);
        let is_bool = self.func[item].ty == Type::Bool;
        if ints {
            self.expect_int(item)?;
        }
        // Which of equal bools and ints it is can be told, and which of an int and a float.
        if is_bool || !ints && (self.func[item].ty == Type::Int || self.failed(Reason::Numbers)) {
            return Ok(false);
        }
        let item = if ints { self.to_int(item, Reason::Number) } else { self.to_float(item, false, Reason::Numbers) };
        let [best, seen] = [0, 1].map(|i| self.reg(self.progress(i)));
        let cond = if consumer.is_min() { Cond::Lt } else { Cond::Gt };
        let op = if ints { Op::ICmp } else { Op::FCmp };
        let better = self.emit(op, Type::Bool, &[item, best], cond as u64);
        let first = self.emit(Op::BoolNot, Type::Bool, &[seen], 0);
        let better = self.emit(Op::BoolOr, Type::Bool, &[first, better], 0);
        let best = if ints {
            self.emit(Op::Select, Type::Int, &[better, item, best], 0)
        } else {
            self.diamond(better, Type::Float, |_| item, |_| best)
        };
        let seen = self.emit(Op::ConstBool, Type::Bool, &[], 1);
        for (i, v) in [best, seen].into_iter().enumerate() {
            let r = self.progress(i);
            self.set_reg(r, v);
        }
        Ok(true)
    }

    fn add_int(&mut self, item: Val) -> Built<bool> {
        self.expect_int(item)?;
        if self.failed(Reason::Overflow) {
            return Ok(false);
        }
        let r = self.progress(0);
        let (total, i) = (self.reg(r), self.to_int(item, Reason::Number));
        let ((xl, xh), (yl, yh)) = (self.range(total), self.range(i));
        let sum = match (xl.checked_add(yl), xh.checked_add(yh)) {
            (Some(lo), Some(hi)) => {
                let sum = self.emit(Op::Add, Type::Int, &[total, i], 0);
                self.bounded(sum, lo, hi)
            }
            _ => self.emit_guard(Op::AddOv, Type::Int, &[total, i], 0, Reason::Overflow),
        };
        self.set_reg(r, sum);
        Ok(true)
    }

    /// Appends an int in 0..256 to the bytearray.
    fn add_byte(&mut self, item: Val) -> bool {
        let number = matches!(self.func[item].ty, Type::Int | Type::Bool)
            || self.func[item].ty == Type::Val && self.class_of(item).is_none();
        if !number || self.failed(Reason::Number) || self.failed(Reason::Overflow) {
            return false;
        }
        let byte = self.to_int(item, Reason::Number);
        let (lo, hi) = self.range(byte);
        if lo < 0 || hi > 255 {
            let end = self.int(256);
            let ok = self.emit(Op::ULt, Type::Bool, &[byte, end], 0);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Overflow);
        }
        let array = self.reg(self.progress(0));
        self.raising_call(Helper::PushByte, &[array, byte], Type::Word);
        true
    }

    /// As `Sum::add` of the runtime.
    fn add_float(&mut self, item: Val) -> bool {
        let is_int = matches!(self.func[item].ty, Type::Int | Type::Bool);
        if is_int || self.failed(Reason::Numbers) {
            return false;
        }
        let x = self.to_float(item, false, Reason::Numbers);
        let [high, low] = [0, 1].map(|i| self.reg(self.progress(i)));
        let total = self.emit(Op::FAdd, Type::Float, &[high, x], 0);
        let [a, b] = [high, x].map(|v| self.emit(Op::FAbs, Type::Float, &[v], 0));
        let larger = self.emit(Op::FCmp, Type::Bool, &[a, b], Cond::Ge as u64);
        let lost = |b: &mut Self, large: Val, small: Val| {
            let rest = b.emit(Op::FSub, Type::Float, &[large, total], 0);
            b.emit(Op::FAdd, Type::Float, &[rest, small], 0)
        };
        let lost = self.diamond(larger, Type::Float, |b| lost(b, high, x), |b| lost(b, x, high));
        let low = self.emit(Op::FAdd, Type::Float, &[low, lost], 0);
        let seen = self.emit(Op::ConstBool, Type::Bool, &[], 1);
        for (i, v) in [total, low, seen].into_iter().enumerate() {
            let r = self.progress(i);
            self.set_reg(r, v);
        }
        true
    }

    /// The end of a generator that is built in place, which returns a value.
    pub fn end_of_items(&mut self, value: Val) -> Built<Flow> {
        let consumer = self.top().consumer.expect("the caller looked");
        Ok(Flow::Return(match consumer {
            Consumer::All | Consumer::Any => {
                self.emit(Op::ConstBool, Type::Bool, &[], (consumer == Consumer::All) as u64)
            }
            Consumer::MinInts | Consumer::MaxInts | Consumer::MinFloats | Consumer::MaxFloats => {
                // Without items it raises.
                if self.failed(Reason::Const) {
                    return self.refuse_consuming();
                }
                let [best, seen] = [0, 1].map(|i| self.reg(self.progress(i)));
                self.emit_guard(Op::Guard, Type::Void, &[seen], 0, Reason::Const);
                best
            }
            Consumer::SumFloats => {
                // Without items it is the int 0.
                if self.failed(Reason::Const) {
                    return self.refuse_consuming();
                }
                let [high, low, seen] = [0, 1, 2].map(|i| self.reg(self.progress(i)));
                self.emit_guard(Op::Guard, Type::Void, &[seen], 0, Reason::Const);
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                let nothing = self.emit(Op::FSub, Type::Float, &[low, low], 0);
                let [finite, some] = [(nothing, Cond::Eq), (low, Cond::Ne)]
                    .map(|(v, cond)| self.emit(Op::FCmp, Type::Bool, &[v, zero], cond as u64));
                let none = self.emit(Op::BoolNot, Type::Bool, &[finite], 0);
                let some = self.emit(Op::BoolNot, Type::Bool, &[some], 0);
                let as_it_is = self.emit(Op::BoolOr, Type::Bool, &[none, some], 0);
                self.diamond(as_it_is, Type::Float, |_| high, |b| b.emit(Op::FAdd, Type::Float, &[high, low], 0))
            }
            Consumer::Loop => value,
            _ => self.reg(self.progress(0)),
        }))
    }

    /// What the consumer makes of its items, behind the generator; the result register holds them.
    fn finish_consuming(&mut self, at: At, consumer: Consumer, separator: Val) {
        let r = at.w.c();
        let items = self.reg(r);
        let v = match consumer {
            Consumer::Tuple => {
                let v = self.plain_call(Helper::TupleOf, &[items], Type::Val);
                self.classed(v, Tuple::class())
            }
            Consumer::Bytes => {
                let v = self.plain_call(Helper::BytesOf, &[items], Type::Val);
                self.classed(v, &BYTES)
            }
            Consumer::Join => {
                let v = self.raising_call(Helper::JoinList, &[separator, items], Type::Val);
                self.classed(v, Str::type_object())
            }
            Consumer::SumInts if self.func[items].ty == Type::Val => self.bounded(items, INT_MIN, INT_MAX),
            _ => items,
        };
        self.set_reg(r, v);
    }
}

/// Whether closing a suspended generator of this code has no effect: it never waits inside a `try` or `with`.
fn closes_silently(code: &CodeObject) -> bool {
    let whole = code.handlers.last().map(|h| h.target);
    let inside = |pc: usize| {
        code.handlers.iter().any(|h| Some(h.target) != whole && (h.start as usize) <= pc && pc < h.end as usize)
    };
    let mut pc = 0;
    while pc < code.word_count() {
        let op = op_at(code, pc);
        if matches!(op.base(), B::Yield | B::YieldDelegate) && inside(pc) {
            return false;
        }
        pc += op.words();
    }
    true
}
