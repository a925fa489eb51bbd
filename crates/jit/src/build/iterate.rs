//! Iterators whose fields live in values while a loop runs, and the steps of loops.

use taipan_bytecode::Op as B;
use taipan_bytecode::code::flags;
use taipan_bytecode::ops::feedback;
use taipan_runtime::Object;
use taipan_runtime::types::combinators::{Enumerate, Zip};
use taipan_runtime::types::generator::COROUTINE;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::range::RangeIter;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::cfg::{op_at, word_at};
use super::items::ListKind;
use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built, IterCache, Pending, RowKind};
use crate::exits::Reason;
use crate::helpers::{DONE, Helper};
use crate::ir::{Alias, Cond, Op, Type, Val};
use crate::iterators::IteratorKind;

/// Indices of enumerate objects that start above this are not followed.
const MOST_ENUMERATED: i64 = 1 << 60;

impl Builder<'_> {
    /// In front of a loop that begins with ForNext: takes the fields of a known iterator into values.
    pub fn prepare_iterator(&mut self, pc: usize) {
        let code = self.context().code;
        let op = op_at(code, pc).base();
        if op != B::ForNext && !(op == B::Send && self.top().consumer.is_some()) {
            return;
        }
        let it = self.reg(word_at(code, pc).a());
        if it.is_none() {
            return;
        }
        if self.is_class(it, Enumerate::class()) {
            self.pc = pc;
            self.cache_enumerate(it);
        } else if self.is_class(it, Zip::class()) {
            self.pc = pc;
            self.cache_zip(it);
        } else {
            self.cache_iterator(it);
        }
    }

    /// The known fields of an enumerate object over a list: those of the list's iterator, and the next index.
    fn cache_enumerate(&mut self, it: Val) -> Option<(usize, usize)> {
        let origin = self.origin(it);
        let of = |b: &Self, counts: bool| {
            b.state.iters.iter().position(|c| match c.owner {
                Val::NONE => counts && b.origin(c.iter) == origin,
                owner => !counts && b.origin(owner) == origin,
            })
        };
        if let (Some(list), Some(count)) = (of(self, false), of(self, true)) {
            return Some((list, count));
        }
        if self.failed(Reason::Class) || self.failed(Reason::Overflow) {
            return None;
        }
        if let Some(half) = of(self, false).or(of(self, true)) {
            let mut cache = self.state.iters.remove(half);
            self.flush_iter(&mut cache);
        }
        let inner = self.load(it, Alias::Fixed, std::mem::offset_of!(Enumerate, iterator));
        let now = self.peek(it).and_then(|now| now.exact::<Enumerate>()).map(|now| now.iterator.class());
        let class = self.iterated.get(&origin).map(|classes| classes[0]).or(now);
        let row = RowKind::ALL.into_iter().find(|row| class.is_some_and(|c| std::ptr::eq(c, row.iterator())));
        let inner = self.guard_class(inner, row.unwrap_or(RowKind::List).iterator());
        let list = self.cache_iterator(inner)?;
        self.state.iters[list].owner = it;
        let index = self.load_int(it, Alias::Iter, std::mem::offset_of!(Enumerate, index));
        let most = self.int(MOST_ENUMERATED);
        let ok = self.emit(Op::ULt, Type::Bool, &[index, most], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Overflow);
        self.bounded(index, 0, INT_MAX);
        self.cache_count(it, Some(index));
        Some((list, self.state.iters.len() - 1))
    }

    /// Notes the next index of an enumerate object; None: 0, it is new.
    fn cache_count(&mut self, it: Val, index: Option<Val>) {
        let at = std::mem::offset_of!(Enumerate, index);
        let index = index.unwrap_or_else(|| self.int(0));
        let cache = IterCache { items: (0, INT_MAX), fields: [index; 2], ..Self::row_cache(it, RowKind::List, at) };
        self.state.iters.push(cache);
    }

    fn next_of_enumerate(&mut self, (list, count): (usize, usize), b: usize) -> Flow {
        let kind = self.iterated_kind(list);
        let Flow::Branch { taken, not_taken } = self.next_of_list(list, b, kind) else { unreachable!("it branches") };
        let here = self.pend();
        self.go_on(taken);
        let (index, item) = (self.state.iters[count].fields[0], self.reg(b));
        let one = self.int(1);
        let next = self.emit(Op::Add, Type::Int, &[index, one], 0);
        self.bounded(next, 0, INT_MAX);
        let cache = &mut self.state.iters[count];
        cache.fields = [next; 2];
        cache.dirty[0] = true;
        let pair = self.new_tuple(vec![index, item]);
        self.set_reg(b, pair);
        let taken = self.pend();
        self.go_on(here);
        Flow::Branch { taken, not_taken }
    }

    /// The known fields of an iterator, read if need be; None for iterators of other classes.
    pub fn cache_iterator(&mut self, it: Val) -> Option<usize> {
        let origin = self.origin(it);
        if let Some(i) = self.state.iters.iter().position(|c| self.origin(c.iter) == origin) {
            return Some(i);
        }
        let cache = if self.is_class(it, RangeIter::class()) {
            let next = std::mem::offset_of!(RangeIter, next);
            let remaining = std::mem::offset_of!(RangeIter, remaining);
            let (x, n) = (self.load_int(it, Alias::Iter, next), self.load_int(it, Alias::Iter, remaining));
            self.bounded(x, INT_MIN, INT_MAX);
            self.bounded(n, 0, INT_MAX);
            let cache = self.range_cache(it, [x, n]);
            IterCache { step: cache.step.or_else(|| self.step_now(it)), ..cache }
        } else if let Some(row) = RowKind::ALL.into_iter().find(|row| self.is_class(it, row.iterator())) {
            let ((_, index), class) = (row.offsets(), row.class());
            let mut cache = Self::row_cache(it, row, index);
            let list = self.load(it, Alias::Iter, cache.list_offset());
            self.info[list.0 as usize].bound = false;
            let list = self.guard_bound(list);
            cache.list = self.classed(list, class);
            let i = self.load_int(it, Alias::Iter, index);
            self.bounded(i, 0, INT_MAX);
            cache.fields = [i, i];
            cache
        } else {
            return None;
        };
        self.state.iters.push(cache);
        Some(self.state.iters.len() - 1)
    }

    /// A range iterator with these fields: next number and remaining count. Of an iterator made here the step and the
    /// interval of the numbers are known.
    pub fn range_cache(&mut self, it: Val, fields: [Val; 2]) -> IterCache {
        let origin = self.origin(it);
        let inst = &self.func[origin];
        let made_here = inst.op == Op::NewIterator;
        let step = if made_here { self.func.as_const_int(inst.args[1]) } else { None };
        let items = match step {
            Some(_) => (self.info[origin.0 as usize].lo, self.info[origin.0 as usize].hi),
            None => Self::small_range(),
        };
        let offsets = [std::mem::offset_of!(RangeIter, next), std::mem::offset_of!(RangeIter, remaining)];
        let offsets = offsets.map(|o| o as u32);
        IterCache {
            iter: it,
            list: Val::NONE,
            row: RowKind::List,
            step,
            items,
            owner: Val::NONE,
            n: 2,
            offsets,
            fields,
            dirty: [false; 2],
        }
    }

    /// An iterator of a list or tuple, whose index is at an offset.
    fn row_cache(it: Val, row: RowKind, index: usize) -> IterCache {
        let (none, offsets) = (Val::NONE, [index as u32; 2]);
        let (step, items, fields) = (None, Self::small_range(), [none; 2]);
        IterCache { iter: it, list: none, row, step, items, owner: none, n: 1, offsets, fields, dirty: [false; 2] }
    }

    /// A new iterator.
    pub fn new_iterator(&mut self, kind: IteratorKind, fields: &[Val]) -> Val {
        let it = self.emit(Op::NewIterator, Type::Val, fields, kind as u64);
        self.classed(it, kind.class())
    }

    /// A new iterator of a list or tuple, whose fields are known.
    pub fn new_row_iterator(&mut self, v: Val, row: RowKind) -> Val {
        let kind = if row == RowKind::List { IteratorKind::List } else { IteratorKind::Tuple };
        let it = self.new_iterator(kind, &[v]);
        let mut cache = Self::row_cache(it, row, row.offsets().1);
        let zero = self.int(0);
        cache.list = v;
        cache.fields = [zero, zero];
        self.state.iters.push(cache);
        it
    }

    /// `enumerate(v)` of what is known to be a list or tuple, or is one now.
    pub fn new_enumerate(&mut self, v: Val) -> Option<Val> {
        let class =
            self.class_of(v).or_else(|| self.peek(v).map(|now| now.class()).filter(|_| !self.failed(Reason::Class)));
        let row =
            [RowKind::List, RowKind::Tuple].into_iter().find(|r| class.is_some_and(|c| std::ptr::eq(c, r.class())))?;
        let v = self.guard_class(v, row.class());
        let inner = self.new_row_iterator(v, row);
        let it = self.new_iterator(IteratorKind::Enumerate, &[inner]);
        self.state.iters.last_mut().expect("just pushed").owner = it;
        self.cache_count(it, None);
        Some(it)
    }

    /// Whether nobody can look at a known iterator once its loop has ended: it was made here, and what holds it is dead then.
    fn is_done_with(&self, cache: &IterCache) -> bool {
        let holder = self.origin(if cache.owner.is_none() { cache.iter } else { cache.owner });
        let next = self.pc + B::ForNext.words();
        let live = &self.context().live;
        let depth = self.state.frames.len();
        let held = |(d, f): (usize, &super::Frame)| {
            f.regs.iter().enumerate().any(|(r, v)| {
                // The frame of a generator that nobody made ends with its iterator.
                let dead = d + 1 == depth && (!live.is_live(next, r) || f.consumer.is_some() && !live.is_read(next, r));
                !v.is_none() && self.origin(*v) == holder && !dead
            })
        };
        let waiting = self.suspended.iter().flat_map(|w| &w.frame.regs);
        self.is_made_here_only(cache)
            && !self.state.frames.iter().enumerate().any(held)
            && !waiting.into_iter().any(|v| !v.is_none() && self.origin(*v) == holder)
    }

    /// Whether a known iterator was made here and nothing but exits may need it.
    pub fn is_made_here_only(&self, cache: &IterCache) -> bool {
        let own = self.origin(cache.iter);
        let unused = |v: Val, by: Val| {
            self.func[v].op == Op::NewIterator
                && self.func.insts.iter().enumerate().all(|(i, inst)| {
                    // Where a suspended generator is made, the code is left.
                    Val(i as u32) == by || inst.op == Op::Suspended || !inst.args.contains(&v)
                })
        };
        match cache.owner {
            Val::NONE => unused(own, Val::NONE),
            owner => unused(own, self.origin(owner)) && unused(self.origin(owner), Val::NONE),
        }
    }

    pub fn for_next(&mut self, at: At) -> Built<Flow> {
        let (a, b) = (at.w.a(), at.w.b());
        self.emit_guard(Op::CheckInterrupt, Type::Void, &[], 0, Reason::Interrupt);
        let mut it = self.reg(a);
        if self.class_of(it).is_none() && !self.failed(Reason::Class) {
            // What the interpreter saw last is in the upper half of the cache word.
            match at.feedback() {
                0 => {}
                feedback::RANGE_ITER => it = self.guard_class(it, RangeIter::class()),
                feedback::LIST_ITER => it = self.guard_class(it, ListIter::class()),
                feedback::TUPLE_ITER => it = self.guard_class(it, TupleIter::class()),
                _ => {}
            }
        }
        if self.class_of(it).is_none()
            && !self.failed(Reason::Class)
            && let Some(now) = self.peek(it).map(|now| now.class())
            && ([Enumerate::class(), Zip::class()].iter().any(|c| std::ptr::eq(*c, now))
                || [RowKind::Bytes, RowKind::ByteArray, RowKind::Str].iter().any(|r| std::ptr::eq(r.iterator(), now)))
        {
            it = self.guard_class(it, now);
        }
        if self.is_class(it, Zip::class())
            && let Some(iterators) = self.cache_zip(it)
        {
            return self.next_of_zip(at, &iterators, b);
        }
        if self.is_class(it, Enumerate::class())
            && let Some(caches) = self.cache_enumerate(it)
        {
            return Ok(self.next_of_enumerate(caches, b));
        }
        if let Some(i) = self.cache_iterator(it) {
            let cache = self.state.iters[i];
            if cache.list.is_none() {
                return Ok(self.next_of_range(i, b));
            }
            let kind = self.iterated_kind(i);
            return Ok(self.next_of_list(i, b, kind));
        }
        self.next_of_any(at, it, b)
    }

    pub fn next_of_range(&mut self, i: usize, b: usize) -> Flow {
        let cache = self.state.iters[i];
        let zero = self.int(0);
        let more = self.emit(Op::ICmp, Type::Bool, &[cache.fields[1], zero], Cond::Ne as u64);
        let (yes, no) = self.branch(more);
        let not_taken = Pending { block: no, state: self.state.clone() };
        self.block = yes;
        let item = cache.fields[0];
        let step = match cache.step {
            Some(step) => self.int(step),
            None => {
                let at = at(Alias::Fixed, std::mem::offset_of!(RangeIter, step));
                self.emit(Op::Load, Type::Int, &[cache.iter], at)
            }
        };
        let next = self.emit(Op::Add, Type::Int, &[item, step], 0);
        let (lo, hi) = cache.next_range();
        self.bounded(next, lo, hi);
        let one = self.int(1);
        let left = self.emit(Op::Sub, Type::Int, &[cache.fields[1], one], 0);
        self.bounded(left, 0, INT_MAX);
        let cache = &mut self.state.iters[i];
        cache.fields = [next, left];
        cache.dirty = [true, true];
        self.set_reg(b, item);
        let taken = self.pend();
        Flow::Branch { taken, not_taken }
    }

    /// Makes sure of what the sequence of a known iterator holds, before anything of the step is done.
    pub fn iterated_kind(&mut self, i: usize) -> ListKind {
        let cache = self.state.iters[i];
        let kind = if cache.row == RowKind::List && !cache.list.is_none() {
            self.list_kind(cache.list)
        } else {
            ListKind::Any
        };
        if !cache.list.is_none() {
            self.guard_list_kind(cache.list, kind);
        }
        kind
    }

    /// The next item of a sequence that holds what [`Builder::iterated_kind`] says.
    pub fn next_of_list(&mut self, i: usize, b: usize, kind: ListKind) -> Flow {
        let cache = self.state.iters[i];
        let n = self.load_int(cache.list, Alias::ListSize, 16);
        let index = cache.fields[0];
        let more = self.emit(Op::ULt, Type::Bool, &[index, n], 0);
        let (yes, no) = self.branch(more);
        // The end of the list: the interpreter's implementation marks the iterator as exhausted; here the list is let go.
        self.block = no;
        let mut ended = self.state.clone();
        if !self.is_done_with(&cache) {
            let none = self.unbound();
            self.emit(Op::Store, Type::Void, &[cache.iter, none], at(Alias::Iter, cache.list_offset()));
        }
        ended.iters.remove(i);
        let not_taken = Pending { block: no, state: ended };
        self.block = yes;
        let item = match cache.row {
            RowKind::List => self.list_item(cache.list, index, kind),
            RowKind::Tuple => {
                let at = at(Alias::Fixed, super::items::TUPLE_ITEMS);
                self.emit(Op::LoadIndexAt, Type::Val, &[cache.list, index], at)
            }
            RowKind::Bytes | RowKind::ByteArray => self.byte_of(cache.list, index, cache.row.class()),
            RowKind::Str => self.str_item(cache.list, index),
        };
        let one = self.int(1);
        let next = self.emit(Op::Add, Type::Int, &[index, one], 0);
        self.bounded(next, 0, INT_MAX);
        let cache = &mut self.state.iters[i];
        cache.fields = [next, next];
        cache.dirty = [true, false];
        self.set_reg(b, item);
        let taken = self.pend();
        Flow::Branch { taken, not_taken }
    }

    /// Whether `await` is compiled. Coroutines mostly finish without being suspended. Generators that delegate pass many items,
    /// for which the interpreter goes through a chain of them without native recursion.
    pub fn awaits_here(&self) -> bool {
        !self.is_inlined() && self.context().code.flags & flags::COROUTINE != 0
    }

    /// Sends the value in register `b` to the iterator in register `a`: jumps with what that returns, goes on with what it yields.
    pub fn send(&mut self, at: At) -> Flow {
        let (it, sent, b) = (self.reg(at.w.a()), self.reg(at.w.b()), at.w.b());
        self.sync(&[]);
        let (it, sent) = (self.boxed(it), self.boxed(sent));
        let v = self.python_call(Helper::Send, &[it, sent], Type::Val);
        let yields = self.emit(Op::IsConst, Type::Bool, &[v], DONE);
        let (yes, no) = self.branch(yields);
        let before = self.state.clone();
        self.block = yes;
        let passed = self.plain_call(Helper::Passed, &[], Type::Val);
        self.set_reg(b, passed);
        let not_taken = self.pend();
        self.block = no;
        self.state = before;
        self.set_reg(b, v);
        let taken = self.pend();
        self.checked_ways(at, Flow::Branch { taken, not_taken })
    }

    /// The iterator that `await` goes through.
    pub fn get_awaitable(&mut self, at: At) -> Built<Flow> {
        let v = self.reg(at.w.b());
        if self.func[v].op == Op::NewGenerator && self.is_class(v, &COROUTINE) {
            // Nobody else has seen it.
            self.set_reg(at.w.a(), v);
            return Ok(Flow::Next);
        }
        self.generic(at)
    }

    fn next_of_any(&mut self, at: At, it: Val, b: usize) -> Built<Flow> {
        if at.feedback() != feedback::GENERATOR
            && let Some(v) = self.plain(Helper::PlainNext, &[it], Type::Val)
        {
            let end = self.emit(Op::IsConst, Type::Bool, &[v], DONE);
            let (no, yes) = self.branch(end);
            let not_taken = Pending { block: no, state: self.state.clone() };
            self.block = yes;
            self.set_reg(b, v);
            return Ok(Flow::Branch { taken: self.pend(), not_taken });
        }
        self.sync(&[]);
        let it = self.boxed(it);
        let v = self.python_call(Helper::Next, &[it], Type::Val);
        let end = self.emit(Op::IsConst, Type::Bool, &[v], DONE);
        let (no, yes) = self.branch(end);
        let not_taken = Pending { block: no, state: self.state.clone() };
        self.block = yes;
        self.set_reg(b, v);
        let taken = self.pend();
        Ok(self.checked_ways(at, Flow::Branch { taken, not_taken }))
    }
}
