//! Comparisons of tuples made here, which need not be made for that.

use taipan_runtime::Object;
use taipan_runtime::types::tuple::Tuple;

use super::Builder;
use super::items::{SIZE, TUPLE_ITEMS};
use super::values::at;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Cond, Op, Type, Val};

/// Longest tuple that is compared item by item.
const MAX_COMPARED: usize = 4;

impl Builder<'_> {
    /// Whether `x`, a short tuple made here, equals `y`, which is another tuple, or is one now; None if that is asked in another way.
    pub fn tuples_equal(&mut self, x: Val, y: Val) -> Option<Val> {
        let items = self.tuples.get(&x).filter(|i| i.len() <= MAX_COMPARED && self.func[x].op == Op::NewTuple)?.clone();
        if self.failed(Reason::Plain) || self.func[y].ty != Type::Val {
            return None;
        }
        if self.class_of(y).is_none() {
            self.peek(y).filter(|_| !self.failed(Reason::Class))?.exact::<Tuple>()?;
        }
        if !self.is_class(y, Tuple::class()) && self.class_of(y).is_some() {
            return None;
        }
        let y = self.guard_class(y, Tuple::class());
        let size = self.load_int(y, Alias::ListSize, SIZE);
        let want = self.int(items.len() as i64);
        let as_long = self.emit(Op::ICmp, Type::Bool, &[size, want], Cond::Eq as u64);
        Some(self.diamond(as_long, Type::Bool, |b| b.items_equal(&items, y, 0), |b| b.truth_const(false)))
    }

    /// Whether the items from number `i` on are those of the tuple `y`, which is as long. The first that differ decide.
    fn items_equal(&mut self, items: &[Val], y: Val, i: usize) -> Val {
        let Some(&item) = items.get(i) else { return self.truth_const(true) };
        let item = self.boxed(item);
        let index = self.int(i as i64);
        let other = self.emit(Op::LoadIndexAt, Type::Val, &[y, index], at(Alias::Fixed, TUPLE_ITEMS));
        let same = self.emit(Op::ValEq, Type::Bool, &[item, other], 0);
        let ask = |b: &mut Self| {
            let eq = b.word(Cond::Eq as u64);
            b.plain_truth(Helper::PlainCompare, &[item, other, eq]).expect("not found useless")
        };
        let equal = self.diamond(same, Type::Bool, |b| b.truth_const(true), ask);
        self.diamond(equal, Type::Bool, |b| b.items_equal(items, y, i + 1), |b| b.truth_const(false))
    }

    fn truth_const(&mut self, t: bool) -> Val {
        self.emit(Op::ConstBool, Type::Bool, &[], t.into())
    }
}
