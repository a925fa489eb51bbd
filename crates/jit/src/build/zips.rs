//! `zip` over lists, tuples and ranges: the fields of its iterators live in values, and its tuples are made only where
//! something needs them.

use taipan_runtime::Object;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::combinators::Zip;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::list::List;
use taipan_runtime::types::range::{RANGE, RangeIter};
use taipan_runtime::types::tuple::Tuple;

use super::items::ListKind;
use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built, RowKind};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Op, Type, Val};

/// More iterators are left to the runtime.
const MAX_ITERATORS: usize = 4;

impl Builder<'_> {
    /// A call of `zip` with containers whose iterators can be followed.
    pub fn zip_call(&mut self, args: &[Val]) -> Option<Val> {
        let &[x, y] = args else { return None };
        let classes: Option<Vec<&'static Class>> = [x, y].iter().map(|v| self.iterator_class(*v)).collect();
        let classes = classes?;
        let v = self.plain(Helper::PlainZip, &[x, y], Type::Val)?;
        let v = self.classed(v, Zip::class());
        self.iterated.insert(v, classes);
        Some(v)
    }

    /// The class of the iterator of a container: of what it is known to be, or is now.
    pub fn iterator_class(&self, v: Val) -> Option<&'static Class> {
        let class = self.class_of(v).or_else(|| self.peek(v).map(|now| now.class()));
        let is = |other: &Class| class.is_none_or(|c| std::ptr::eq(c, other));
        if is(List::class()) {
            Some(ListIter::class())
        } else if is(Tuple::class()) {
            Some(TupleIter::class())
        } else if is(&RANGE) {
            Some(RangeIter::class())
        } else {
            [RowKind::Bytes, RowKind::ByteArray].into_iter().find(|row| is(row.class())).map(RowKind::iterator)
        }
    }

    /// The known fields of the iterators of a zip object, as positions among the known iterators.
    pub fn cache_zip(&mut self, it: Val) -> Option<Vec<usize>> {
        let origin = self.origin(it);
        let classes: Vec<&'static Class> = match self.iterated.get(&origin) {
            Some(classes) => classes.clone(),
            None => {
                let now = self.peek(it)?.exact::<Zip>()?;
                now.iters.items().iter().map(|v| v.class()).collect()
            }
        };
        let owned = |b: &Self| -> Vec<usize> {
            let all = b.state.iters.iter().enumerate();
            all.filter(|(_, c)| !c.owner.is_none() && b.origin(c.owner) == origin).map(|(i, _)| i).collect()
        };
        let known = owned(self);
        if known.len() == classes.len() {
            return Some(known);
        }
        for i in known.into_iter().rev() {
            let mut cache = self.state.iters.remove(i);
            self.flush_iter(&mut cache);
        }
        let followed = |c: &&'static Class| {
            [ListIter::class(), TupleIter::class(), RangeIter::class()].iter().any(|f| std::ptr::eq(*f, *c))
        };
        if self.failed(Reason::Class)
            || !(1..=MAX_ITERATORS).contains(&classes.len())
            || !classes.iter().all(|c| followed(c))
        {
            return None;
        }
        let n = self.word(classes.len() as u64);
        let plain = self.plain_call(Helper::IsPlainZip, &[it, n], Type::Word);
        let plain = self.word_is(plain, 1);
        self.emit_guard(Op::Guard, Type::Void, &[plain], 0, Reason::Class);
        let iters = self.load(it, Alias::Fixed, std::mem::offset_of!(Zip, iters));
        for (i, class) in classes.iter().enumerate() {
            let index = self.int(i as i64);
            let imm = at(Alias::Fixed, super::items::TUPLE_ITEMS);
            let inner = self.emit(Op::LoadIndexAt, Type::Val, &[iters, index], imm);
            let inner = self.guard_class(inner, class);
            // An iterator may be there twice, or be the one of a loop around this one.
            let others: Vec<Val> = self.state.iters.iter().map(|c| c.iter).collect();
            for other in others {
                let same = self.emit(Op::ValEq, Type::Bool, &[inner, other], 0);
                let differs = self.emit(Op::BoolNot, Type::Bool, &[same], 0);
                self.emit_guard(Op::Guard, Type::Void, &[differs], 0, Reason::Class);
            }
            let cache = self.cache_iterator(inner)?;
            self.state.iters[cache].owner = it;
        }
        Some(owned(self))
    }

    /// The next tuple of a zip object, whose iterators stand at these positions.
    pub fn next_of_zip(&mut self, at: At, iterators: &[usize], b: usize) -> Built<Flow> {
        let (mut ends, mut items) = (Vec::new(), Vec::new());
        // Leaving is possible only before the first iterator has moved on.
        let kinds: Vec<ListKind> = iterators.iter().map(|i| self.iterated_kind(*i)).collect();
        for (i, kind) in iterators.iter().zip(kinds) {
            let flow = match self.state.iters[*i].list {
                Val::NONE => self.next_of_range(*i, b),
                _ => self.next_of_list(*i, b, kind),
            };
            let Flow::Branch { taken, not_taken } = flow else { unreachable!("it branches") };
            ends.push(not_taken);
            self.go_on(taken);
            items.push(self.reg(b));
        }
        let tuple = self.new_tuple(items);
        self.set_reg(b, tuple);
        let taken = self.pend();
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Flow::Branch { taken, not_taken: self.pend() })
    }
}
