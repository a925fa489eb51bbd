//! Subscripts, sequences, iteration, unpacking.

use taipan_bytecode::ops::feedback;
use taipan_bytecode::{Op as B, effects};
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::machine_items::{self, ItemKind, MachineItems};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::boolean::BOOL;
use taipan_runtime::types::combinators::{Enumerate, Zip};
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::generator::GENERATOR;
use taipan_runtime::types::list::List;
use taipan_runtime::types::range::Range;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Object, Value};

use super::cfg::{op_at, word_at};
use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built, RowKind};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Cond, Op, Type, Val};
use crate::iterators::IteratorKind;
use crate::natives::inherits_setitem;

/// Byte offset of the size of lists, tuples and strs.
pub const SIZE: usize = 16;
/// Byte offset of a list's item pointer.
const LIST_ITEMS: usize = 24;
/// Byte offset of a tuple's first item.
pub const TUPLE_ITEMS: usize = 32;

/// The immediate of accesses to machine numbers.
fn raw_at(items: &MachineItems) -> u64 {
    (items.kind as u64) << 32 | items.base as u64 | (Alias::Raw as u64) << 56
}

/// What is indexed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Container {
    List,
    Tuple,
    Dict,
    Str,
    Other,
}

/// What a list is expected to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKind {
    /// Tagged words.
    Values,
    /// Doubles.
    Doubles,
    /// Bools, a byte each.
    Bools,
    /// Any of them.
    Any,
}

impl ListKind {
    /// The first word of such lists.
    fn word(self) -> Option<u64> {
        match self {
            ListKind::Values => Some(machine_items::VALUES_WORD),
            ListKind::Doubles => Some(machine_items::FLOATS_WORD),
            ListKind::Bools => Some(machine_items::BOOLS_WORD),
            ListKind::Any => None,
        }
    }

    /// Where their items are, if these are machine numbers.
    fn machine_items(self) -> Option<MachineItems> {
        match self {
            ListKind::Doubles | ListKind::Bools => machine_items::items_of(List::class(), 1 + self.word()?),
            ListKind::Values | ListKind::Any => None,
        }
    }
}

impl Builder<'_> {
    /// What the list `v` holds, from what was noted here and what it holds now. Where that varied once, nothing is assumed of the
    /// same list later: those places would have to be found one at a time, because what goes before them leaves.
    pub fn list_kind(&mut self, v: Val) -> ListKind {
        if self.mixed.contains(&v) {
            return ListKind::Any;
        }
        let kind = self.kind_seen(v);
        if kind == ListKind::Any {
            self.mixed.insert(v);
        }
        kind
    }

    /// As [`Builder::list_kind`], for this place alone.
    fn kind_seen(&self, v: Val) -> ListKind {
        let tags: Vec<u64> = crate::profile::profile(self.context().code)
            .and_then(|p| p.receivers(self.pc as u32))
            .unwrap_or_default()
            .iter()
            .filter(|(class, _)| *class == std::ptr::from_ref(List::class()) as u64)
            .map(|(_, tag)| *tag)
            .collect();
        match (tags[..].iter().min(), tags[..].iter().max()) {
            (Some(0), Some(0)) => ListKind::Values,
            (Some(least), Some(most)) if least != most => ListKind::Any,
            (Some(&tag), _) if tag == 1 + machine_items::BOOLS_WORD => ListKind::Bools,
            (Some(_), _) => ListKind::Doubles,
            _ if self.failed(Reason::Shape) => ListKind::Any,
            _ => match self.peek(v).and_then(|now| now.exact::<List>()) {
                Some(list) if list.is_floats() => ListKind::Doubles,
                Some(list) if list.is_bools() => ListKind::Bools,
                Some(_) => ListKind::Values,
                // As lists elsewhere in this code: places that leave are found one at a time.
                None => match crate::profile::profile(self.context().code).and_then(|p| p.tag_of_lists()) {
                    Some(tag) if tag == 1 + machine_items::FLOATS_WORD => ListKind::Doubles,
                    _ => ListKind::Values,
                },
            },
        }
    }

    /// Makes sure that the list `v` is of that kind.
    pub fn guard_list_kind(&mut self, v: Val, kind: ListKind) {
        let Some(word) = kind.word() else { return };
        let tag = self.emit(Op::Load, Type::Word, &[v], at(Alias::ListItems, 0));
        self.emit_guard(Op::GuardWord, Type::Void, &[tag], word, Reason::Shape);
    }

    /// Item `i`, which exists, of a list of that kind.
    pub fn list_item(&mut self, v: Val, i: Val, kind: ListKind) -> Val {
        if kind == ListKind::Any {
            return self.emit(Op::ListItem, Type::Val, &[v, i], 0);
        }
        if let Some(items) = kind.machine_items() {
            let base = self.load(v, Alias::ListItems, LIST_ITEMS);
            return self.load_raw(base, i, &items);
        }
        let items = self.emit(Op::Load, Type::Word, &[v], at(Alias::ListItems, LIST_ITEMS));
        self.emit(Op::LoadIndex, Type::Val, &[items, i], at(Alias::Item, 0))
    }

    fn container(&self, at: At, v: Val, key: Val) -> Container {
        let kind = self.container_seen(at, v, key);
        if kind != Container::Dict && self.often_lacks() { Container::Other } else { kind }
    }

    /// Whether items that do not exist are asked for here.
    fn often_lacks(&self) -> bool {
        self.failed(Reason::Index) && self.failed(Reason::Plain)
    }

    fn container_seen(&self, at: At, v: Val, key: Val) -> Container {
        let int_key = matches!(self.func[key].ty, Type::Int) || self.class_of(key).is_none();
        let kind = if let Some(class) = self.class_of(v) {
            if std::ptr::eq(class, List::class()) {
                Container::List
            } else if std::ptr::eq(class, Tuple::class()) {
                Container::Tuple
            } else if std::ptr::eq(class, Dict::class()) {
                Container::Dict
            } else if std::ptr::eq(class, Str::type_object()) {
                Container::Str
            } else {
                Container::Other
            }
        } else {
            match at.feedback() & (feedback::TUPLE | feedback::DICT | feedback::STR | feedback::OTHER) {
                0 => Container::List,
                feedback::TUPLE => Container::Tuple,
                feedback::DICT => Container::Dict,
                feedback::STR => Container::Str,
                _ => Container::Other,
            }
        };
        let doubtful = self.failed(Reason::Class) && self.class_of(v).is_none();
        let keyed = kind != Container::Dict && (!int_key || self.failed(Reason::Number));
        if doubtful || keyed { Container::Other } else { kind }
    }

    /// `reg a = reg b [key]`.
    pub fn load_item(&mut self, at: At, key: Val) -> Built<Flow> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        let seen = self.container_seen(at, v, key);
        if matches!(seen, Container::List | Container::Tuple) && self.often_lacks() {
            return self.item_or_ask(at, v, key, seen);
        }
        let item = match self.container(at, v, key) {
            Container::List => {
                let v = self.guard_class(v, List::class());
                let kind = self.list_kind(v);
                self.guard_list_kind(v, kind);
                let i = self.checked_index(v, key, true);
                self.list_item(v, i, kind)
            }
            Container::Tuple => {
                let v = self.guard_class(v, Tuple::class());
                if let Some(items) = self.tuples.get(&v)
                    && let Some(i) = self.func.as_const_int(key)
                    && let Some(item) = items.get(if i < 0 { i + items.len() as i64 } else { i } as usize)
                {
                    *item
                } else {
                    let i = self.checked_index(v, key, true);
                    let imm = super::values::at(Alias::Fixed, TUPLE_ITEMS);
                    self.emit(Op::LoadIndexAt, Type::Val, &[v, i], imm)
                }
            }
            Container::Dict => return self.dict_item(at, v, key),
            Container::Str => {
                let v = self.guard_class(v, Str::type_object());
                self.str_at(v, key)
            }
            Container::Other => return self.generic_item(at, v, key),
        };
        self.set_reg(a, item);
        Ok(Flow::Next)
    }

    /// As [`Builder::load_item`] of a list or tuple, where there often is no such item: then the runtime is asked, which raises.
    fn item_or_ask(&mut self, at: At, v: Val, key: Val, container: Container) -> Built<Flow> {
        let class = if container == Container::List { List::class() } else { Tuple::class() };
        let v = self.guard_class(v, class);
        let kind = (container == Container::List).then(|| self.list_kind(v));
        if let Some(kind) = kind {
            self.guard_list_kind(v, kind);
        }
        let n = self.load_int(v, Alias::ListSize, SIZE);
        self.bounded(n, 0, 1 << 48);
        let mut i = self.to_int(key, Reason::Number);
        if self.range(i).0 < 0 {
            i = self.from_end(i, n);
        }
        let inside = self.emit(Op::ULt, Type::Bool, &[i, n], 0);
        let (fast, slow) = self.branch(inside);
        self.block = fast;
        let item = match kind {
            Some(kind) => self.list_item(v, i, kind),
            None => self.emit(Op::LoadIndexAt, Type::Val, &[v, i], super::values::at(Alias::Fixed, TUPLE_ITEMS)),
        };
        let mut found = self.pend();
        found.state.frames.last_mut().expect("a frame").regs[at.w.a()] = item;
        self.block = slow;
        self.func[slow].cold = true;
        self.get_item(at, v, key);
        let asked = self.pend();
        self.merge(vec![found, asked], self.pc + at.op.words())?;
        Ok(Flow::Next)
    }

    /// A negative index counted from the end, others as they are.
    fn from_end(&mut self, i: Val, n: Val) -> Val {
        let sign = self.int(63);
        let mask = self.emit_guard(Op::Shr, Type::Int, &[i, sign], 0, Reason::Index);
        let more = self.emit(Op::And, Type::Int, &[mask, n], 0);
        self.emit(Op::Add, Type::Int, &[i, more], 0)
    }

    /// Where the machine numbers in `v` are, if it is an object that holds such and the key is an int.
    fn machine_items(&mut self, v: Val, key: Val) -> Option<MachineItems> {
        let int_key = matches!(self.func[key].ty, Type::Int) || self.class_of(key).is_none();
        if self.func[v].ty != Type::Val || !int_key || self.failed(Reason::Number) {
            return None;
        }
        if self.class_of(v).is_none() && self.failed(Reason::Shape) {
            return None;
        }
        let noted = crate::profile::noted_items(self.context().code, self.pc as u32);
        let noted = noted.or_else(|| {
            let now = self.peek(v)?;
            machine_items::items_of(now.class(), machine_items::tag_of(now))
        });
        match self.class_of(v) {
            Some(class) => machine_items::items_of(class, 0).or_else(|| noted.filter(|n| std::ptr::eq(n.class, class))),
            None if self.failed(Reason::Class) => None,
            None => noted,
        }
    }

    /// Makes sure that `v` holds such items and has one of that index; gives what they start from and the index.
    fn machine_item(&mut self, v: Val, key: Val, items: &MachineItems) -> (Val, Val) {
        let v = self.guard_class(v, items.class);
        if let Some((offset, word)) = items.tag {
            // Lists change their kind, arrays do not.
            let alias = if std::ptr::eq(items.class, List::class()) { Alias::ListItems } else { Alias::Fixed };
            let tag = self.emit(Op::Load, Type::Word, &[v], at(alias, offset));
            self.emit_guard(Op::GuardWord, Type::Void, &[tag], word, Reason::Shape);
        }
        let i = self.checked_index(v, key, true);
        let base = match items.pointer {
            Some(offset) => self.load(v, Alias::ListItems, offset),
            None => v,
        };
        (base, i)
    }

    /// Byte `i`, which exists, of an object of that class.
    pub fn byte_of(&mut self, v: Val, i: Val, class: &'static taipan_runtime::typeobj::Type) -> Val {
        let items = machine_items::items_of(class, 0).expect("bytes and bytearrays hold numbers");
        let base = match items.pointer {
            Some(offset) => self.load(v, Alias::ListItems, offset),
            None => v,
        };
        let x = self.emit(Op::LoadRaw, Type::Int, &[base, i], raw_at(&items));
        self.bounded(x, 0, 255)
    }

    fn load_machine_item(&mut self, v: Val, key: Val, items: &MachineItems) -> Val {
        let (base, i) = self.machine_item(v, key, items);
        self.load_raw(base, i, items)
    }

    fn load_raw(&mut self, base: Val, i: Val, items: &MachineItems) -> Val {
        let imm = raw_at(items);
        let Some((lo, hi)) = items.kind.range() else {
            return self.emit(Op::LoadRaw, Type::Float, &[base, i], imm);
        };
        let x = self.emit(Op::LoadRaw, Type::Int, &[base, i], imm);
        let x = self.bounded(x, lo, hi);
        if items.kind != ItemKind::Bool {
            return x;
        }
        let zero = self.int(0);
        self.emit(Op::ICmp, Type::Bool, &[x, zero], Cond::Ne as u64)
    }

    /// Stores into an object that holds machine numbers; false if that is left to others.
    fn store_machine_item(&mut self, v: Val, key: Val, value: Val, items: &MachineItems) -> bool {
        let is_float = items.kind.range().is_none();
        let fits = match self.func[value].ty {
            Type::Int => true,
            Type::Float => is_float,
            Type::Val => self.class_of(value).is_none() && !self.failed(Reason::Overflow),
            _ => false,
        };
        if !items.mutable || !fits {
            return false;
        }
        let value = match items.kind.range() {
            None => self.to_float(value, true, Reason::Overflow),
            Some((lo, hi)) => {
                let value = self.to_int(value, Reason::Overflow);
                let (low, high) = self.range(value);
                if low < lo || high > hi {
                    let (min, span) = (self.int(lo), self.int(hi - lo + 1));
                    let moved = self.emit(Op::Sub, Type::Int, &[value, min], 0);
                    let ok = self.emit(Op::ULt, Type::Bool, &[moved, span], 0);
                    self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Overflow);
                }
                value
            }
        };
        let (base, i) = self.machine_item(v, key, items);
        let imm = raw_at(items);
        self.emit(Op::StoreRaw, Type::Void, &[base, i, value], imm);
        true
    }

    fn generic_item(&mut self, at: At, v: Val, key: Val) -> Built<Flow> {
        if let Some(items) = self.machine_items(v, key).filter(|_| !self.often_lacks()) {
            let item = self.load_machine_item(v, key, &items);
            self.set_reg(at.w.a(), item);
            return Ok(Flow::Next);
        }
        let name = self.cx.names().__getitem__;
        if let Some(flow) = self.special(at, v, name, &[key], at.w.a(), |_, _, _| true)? {
            return Ok(flow);
        }
        if let Some(flow) = self.item_of_dict_like(at, v, key)? {
            return Ok(flow);
        }
        let parts = self.parts_of_slice(key);
        if let [start, stop, step] = parts[..]
            && let Some(list) = self.list_slice(v, [start, stop, step].map(|p| self.unboxed(p)))
        {
            self.set_reg(at.w.a(), list);
            return Ok(Flow::Next);
        }
        let item = match parts[..] {
            // Nobody makes the slice then.
            [start, stop, step] => self.plain(Helper::PlainGetStrided, &[v, start, stop, step], Type::Val),
            _ if self.is_dict_of_subclass(v) => None,
            _ => self.plain(Helper::PlainGetItem, &[v, key], Type::Val),
        };
        if let Some(item) = item {
            self.set_reg(at.w.a(), item);
            return Ok(Flow::Next);
        }
        self.get_item(at, v, key);
        Ok(Flow::Next)
    }

    /// The index of an item that exists, to be loaded or stored: leaves where there is none.
    pub fn checked_index(&mut self, v: Val, key: Val, load: bool) -> Val {
        let n = self.load_int(v, Alias::ListSize, SIZE);
        self.bounded(n, 0, 1 << 48);
        let mut i = self.to_int(key, Reason::Number);
        let (lo, hi) = self.range(i);
        if hi < 0 {
            i = self.emit(Op::Add, Type::Int, &[i, n], 0);
        } else if lo < 0 && self.failed(Reason::Index) {
            i = self.from_end(i, n);
        }
        if self.failed(Reason::Index)
            && self.catches_here()
            && load
            && let Some(text) = self.index_text(v)
        {
            let inside = self.emit(Op::ULt, Type::Bool, &[i, n], 0);
            let outside = self.emit(Op::BoolNot, Type::Bool, &[inside], 0);
            self.raise_if(outside, &exceptions::IndexError, &[text]);
            return i;
        }
        // Negative ones are provided for where it has failed: then there is no such item, which the runtime says.
        let reason = if self.failed(Reason::Index) && load { Reason::Plain } else { Reason::Index };
        self.emit_guard(Op::GuardIndex, Type::Void, &[i, n], 0, reason);
        i
    }

    /// `reg a [reg b] = reg c`.
    pub fn store_item(&mut self, at: At) -> Built<Flow> {
        let (v, key, value) = (self.reg(at.w.a()), self.reg(at.w.b()), self.reg(at.w.c()));
        if self.container(at, v, key) == Container::List {
            let v = self.guard_class(v, List::class());
            if self.store_in_odd_list(v, key) {
                return Ok(Flow::Next);
            }
            self.guard_list_kind(v, ListKind::Values);
            let i = self.checked_index(v, key, false);
            let value = self.reg(at.w.c());
            let items = self.emit(Op::Load, Type::Word, &[v], super::values::at(Alias::ListItems, LIST_ITEMS));
            let boxed = self.boxed(value);
            self.emit(Op::StoreIndex, Type::Void, &[items, i, boxed], super::values::at(Alias::Item, 0));
            if !matches!(self.func[value].ty, Type::Int | Type::Bool) || !self.is_small(value) {
                self.emit(Op::BarrierItems, Type::Void, &[items, boxed], 0);
            }
            return Ok(Flow::Next);
        }
        if let Some(items) = self.machine_items(v, key)
            && self.store_machine_item(v, key, value, &items)
        {
            return Ok(Flow::Next);
        }
        let name = self.cx.names().__setitem__;
        // The result goes where the callee's window begins; nobody reads it.
        let nowhere = self.context().code.nregs();
        if let Some(flow) = self.special(at, v, name, &[key, value], nowhere, |_, _, _| true)? {
            return Ok(flow);
        }
        let v = match self.dict_like_class(v).filter(|c| inherits_setitem(c)) {
            Some(class) => self.guard_class(v, class),
            None => v,
        };
        let is_odd = self.is_dict_of_subclass(v) && !self.class_of(v).is_some_and(inherits_setitem);
        if !is_odd && self.plain(Helper::PlainSetItem, &[v, key, value], Type::Word).is_some() {
            return Ok(Flow::Next);
        }
        self.sync(&[]);
        let (v, key, value) = (self.boxed(v), self.boxed(key), self.boxed(value));
        self.python_call(Helper::SetItem, &[v, key, value], Type::Word);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// `v[key] = value` for lists that do not certainly hold tagged words; false for others.
    fn store_in_odd_list(&mut self, v: Val, key: Val) -> bool {
        let value = self.reg(word_at(self.context().code, self.pc).c());
        let kind = self.list_kind(v);
        if kind == ListKind::Values {
            return false;
        }
        let fits = match kind {
            ListKind::Doubles => self.may_be_of(value, Type::Float, &FLOAT),
            _ => self.may_be_of(value, Type::Bool, &BOOL),
        };
        if let Some(items) = kind.machine_items().filter(|_| fits && !self.failed(Reason::Overflow)) {
            let x = if kind == ListKind::Doubles {
                self.to_float(value, false, Reason::Overflow)
            } else {
                self.bool_bit(value)
            };
            let (base, i) = self.machine_item(v, key, &items);
            if kind == ListKind::Doubles {
                self.emit_guard(Op::GuardDouble, Type::Void, &[x], 0, Reason::Overflow);
            }
            self.emit(Op::StoreRaw, Type::Void, &[base, i, x], raw_at(&items));
            return true;
        }
        let i = self.checked_index(v, key, false);
        let value = self.boxed(value);
        self.plain_call(Helper::ListSet, &[v, i, value], Type::Word);
        true
    }

    /// Whether a value may be of that type of numbers, whose class this is.
    pub fn may_be_of(&self, v: Val, ty: Type, class: &'static Class) -> bool {
        self.func[v].ty == ty || self.func[v].ty == Type::Val && self.class_of(v).is_none() || self.is_class(v, class)
    }

    /// True as 1 and False as 0; leaves for other values.
    fn bool_bit(&mut self, v: Val) -> Val {
        let t = match self.func[v].ty {
            Type::Bool => v,
            _ => {
                let [is_true, is_false] =
                    [true, false].map(|b| self.emit(Op::IsConst, Type::Bool, &[v], Value::bool(b).bits()));
                let ok = self.emit(Op::BoolOr, Type::Bool, &[is_true, is_false], 0);
                self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Overflow);
                is_true
            }
        };
        self.to_int(t, Reason::Overflow)
    }

    /// Whether the value's word never is a pointer.
    pub fn is_small(&self, v: Val) -> bool {
        let (lo, hi) = self.range(v);
        let (min, max) = Self::small_range();
        self.func[v].ty == Type::Bool || lo >= min && hi <= max
    }

    /// `reg a = iter(reg b)`.
    pub fn get_iter(&mut self, at: At) -> Built<Flow> {
        let (a, mut v) = (at.w.a(), self.reg(at.w.b()));
        if self.class_of(v).is_none() && !self.failed(Reason::Class) {
            v = match self.loop_feedback(at) {
                feedback::LIST_ITER => self.guard_class(v, List::class()),
                feedback::TUPLE_ITER => self.guard_class(v, Tuple::class()),
                _ => match self.peek(v).map(|now| now.class()) {
                    Some(c) if [RowKind::Bytes, RowKind::ByteArray].iter().any(|r| std::ptr::eq(r.class(), c)) => {
                        self.guard_class(v, c)
                    }
                    _ => v,
                },
            };
        }
        if [Enumerate::class(), Zip::class(), &GENERATOR].iter().any(|class| self.is_class(v, class)) {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        if self.is_class(v, List::class()) {
            let it = self.new_row_iterator(v, RowKind::List);
            self.set_reg(a, it);
            return Ok(Flow::Next);
        }
        if self.is_class(v, Tuple::class()) {
            let it = self.new_row_iterator(v, RowKind::Tuple);
            self.set_reg(a, it);
            return Ok(Flow::Next);
        }
        if self.is_class(v, Range::class()) && self.func[v].op == Op::Call {
            return self.range_iter(at, v);
        }
        if let Some(range) = self.const_of::<Range>(v)
            && let (Some(start), Some(step), Some(len)) =
                (range.start.as_small(), range.step.as_small(), range.len.as_small())
        {
            let args = [start, step, len].map(|i| self.int(i));
            let last = start.saturating_add(step.saturating_mul((len - 1).max(0)));
            return self.new_range_iter(at, args, (start.min(last), start.max(last)));
        }
        if let Some(it) = self.iter_by_generator(v) {
            self.set_reg(a, it);
            return Ok(Flow::Next);
        }
        if let Some(it) = self.plain(Helper::PlainIter, &[v], Type::Val) {
            let class = self.class_of(v);
            let row = RowKind::ALL.into_iter().find(|r| class.is_some_and(|c| std::ptr::eq(c, r.class())));
            let it = match row {
                // The iterators of other strs are of another class.
                Some(row @ RowKind::Str) if !self.failed(Reason::Class) => self.guard_class(it, row.iterator()),
                Some(RowKind::Str) | None => it,
                Some(row) => self.classed(it, row.iterator()),
            };
            self.set_reg(a, it);
            return Ok(Flow::Next);
        }
        self.generic(at)
    }

    /// What the loop behind a GetIter saw.
    fn loop_feedback(&self, at: At) -> u64 {
        let code = self.context().code;
        let mut pc = self.pc + at.op.words();
        if op_at(code, pc).base() == B::Jump {
            let jump = effects::jump(B::Jump, word_at(code, pc)).unwrap_or(0);
            pc = (pc as i64 + B::Jump.words() as i64 + jump as i64) as usize;
        }
        if op_at(code, pc).base() != B::ForNext || word_at(code, pc).a() != at.w.a() {
            return 0;
        }
        // SAFETY: the cache word of the instruction.
        unsafe { *code.words_ptr().add(pc + 1) & !0xffff_ffff }
    }

    /// The iterator of a range that was made here: (start, step, length) are the operands of the call that made it.
    fn range_iter(&mut self, at: At, range: Val) -> Built<Flow> {
        let &[start, step, len, stop] = &self.func[range].args[..] else { return self.generic(at) };
        let ((first, start_hi), (stop_lo, end)) = (self.range(start), self.range(stop));
        let items = match self.func.as_const_int(step) {
            Some(s) if s > 0 => (first, end.saturating_sub(1)),
            Some(_) => (stop_lo.saturating_add(1), start_hi),
            None => Self::small_range(),
        };
        self.new_range_iter(at, [start, step, len], items)
    }

    /// A range iterator of (start, step, length), whose numbers lie in an interval; its fields are known.
    fn new_range_iter(&mut self, at: At, args: [Val; 3], (lo, hi): (i64, i64)) -> Built<Flow> {
        let it = self.new_iterator(IteratorKind::Range, &args);
        // Of an iterator the interval is that of its items. An empty range has none.
        self.bounded(it, lo, hi.max(lo));
        self.set_reg(at.w.a(), it);
        let cache = self.range_cache(it, [args[0], args[2]]);
        self.state.iters.push(cache);
        Ok(Flow::Next)
    }

    /// An int that fits the word; leaves where it does not.
    pub fn guard_small(&mut self, v: Val) -> Val {
        if self.is_small(v) {
            return v;
        }
        let (min, max) = Self::small_range();
        let (low, span) = (self.int(min), self.int(i64::MIN));
        let moved = self.emit(Op::Sub, Type::Int, &[v, low], 0);
        let ok = self.emit(Op::ULt, Type::Bool, &[moved, span], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Overflow);
        // The same int, of which more is known now.
        let zero = self.int(0);
        let same = self.emit(Op::Add, Type::Int, &[v, zero], 0);
        self.bounded(same, min, max)
    }

    /// A range of machine ints with a constant step of 1 or -1 or any known step: a call whose operands are (start, step,
    /// length).
    pub fn make_range(&mut self, start: Val, stop: Val, step: i64) -> Option<Val> {
        let start = self.to_int(start, Reason::Number);
        let stop = self.to_int(stop, Reason::Number);
        let (start, stop) = (self.guard_small(start), self.guard_small(stop));
        let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
        let span = self.emit(Op::Sub, Type::Int, &[high, low], 0);
        let size = step.unsigned_abs() as i64;
        let count = if size == 1 {
            span
        } else {
            let less = self.int(1);
            let span = self.emit(Op::Sub, Type::Int, &[span, less], 0);
            let n = self.emit(Op::DivConst, Type::Int, &[span], size as u64);
            self.emit(Op::Add, Type::Int, &[n, less], 0)
        };
        let zero = self.int(0);
        let some = self.emit(Op::ICmp, Type::Bool, &[low, high], Cond::Lt as u64);
        let count = self.emit(Op::Select, Type::Int, &[some, count, zero], 0);
        let step = self.int(step);
        let v = self.plain_call(Helper::NewRange, &[start, step, count, stop], Type::Val);
        Some(self.classed(v, Range::class()))
    }

    /// Unpacks a sequence of known length.
    pub fn unpack(&mut self, at: At) -> Built<Flow> {
        let (a, v, n) = (at.w.a(), self.reg(at.w.b()), at.w.c());
        if let Some(items) = self.tuples.get(&v).cloned()
            && items.len() == n
        {
            for (i, item) in items.into_iter().enumerate() {
                self.set_reg(a + i, item);
            }
            return Ok(Flow::Next);
        }
        let known = self.class_of(v);
        if n > 0
            && known.is_none()
            && self.func[v].ty == Type::Val
            && (self.rows.contains(&v) || self.failed(Reason::Class) && !self.failed(Reason::Const))
        {
            self.unpack_row(v, a, n);
            return Ok(Flow::Next);
        }
        let known = known.or_else(|| self.noted_class(v));
        let is_tuple = known.is_some_and(|c| std::ptr::eq(c, Tuple::class()));
        let is_list = known.is_some_and(|c| std::ptr::eq(c, List::class()));
        if n == 0 || (known.is_some() && !is_tuple && !is_list) || (known.is_none() && self.failed(Reason::Class)) {
            return self.generic(at);
        }
        let v = self.guard_class(v, if is_list { List::class() } else { Tuple::class() });
        let size = self.load_int(v, Alias::ListSize, SIZE);
        let want = self.int(n as i64);
        let ok = self.emit(Op::ICmp, Type::Bool, &[size, want], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Index);
        let kind = if is_list { self.list_kind(v) } else { ListKind::Any };
        self.guard_list_kind(v, kind);
        for i in 0..n {
            let index = self.int(i as i64);
            let item = if is_list {
                self.list_item(v, index, kind)
            } else {
                self.emit(Op::LoadIndexAt, Type::Val, &[v, index], super::values::at(Alias::Fixed, TUPLE_ITEMS))
            };
            self.set_reg(a + i, item);
        }
        Ok(Flow::Next)
    }

    /// `reg a = (items)`.
    pub fn build_tuple(&mut self, at: At, items: Vec<Val>) -> Built<Flow> {
        let v = if items.is_empty() { self.empty_tuple() } else { self.new_tuple(items) };
        self.set_reg(at.w.a(), v);
        Ok(Flow::Next)
    }

    /// Unpacks a list or tuple; leaves for others.
    fn unpack_row(&mut self, v: Val, a: usize, n: usize) {
        let v = self.guard_bound(v);
        let [is_list, is_tuple] = [List::class(), Tuple::class()].map(|class| {
            let class = std::ptr::from_ref(class) as u64;
            self.emit(Op::IsClass, Type::Bool, &[v], class)
        });
        let ok = self.emit(Op::BoolOr, Type::Bool, &[is_list, is_tuple], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Const);
        self.rows.insert(v);
        let size = self.load_int(v, Alias::ListSize, SIZE);
        let want = self.int(n as i64);
        let ok = self.emit(Op::ICmp, Type::Bool, &[size, want], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Index);
        // No tuple has this flag.
        let first = self.emit(Op::Load, Type::Int, &[v], at(Alias::ListItems, 0));
        let kinds = machine_items::FLOATS_WORD | machine_items::BOOLS_WORD;
        let flag = self.int((kinds ^ machine_items::VALUES_WORD) as i64);
        let set = self.emit(Op::And, Type::Int, &[first, flag], 0);
        let zero = self.int(0);
        let ok = self.emit(Op::ICmp, Type::Bool, &[set, zero], Cond::Eq as u64);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Const);
        // In a tuple this word is something else, which nobody uses.
        let list = self.emit(Op::Load, Type::Word, &[v], at(Alias::ListItems, LIST_ITEMS));
        let tuple = self.emit(Op::Address, Type::Word, &[v], TUPLE_ITEMS as u64);
        let items = self.emit(Op::SelectWord, Type::Word, &[is_list, list, tuple], 0);
        for i in 0..n {
            let index = self.int(i as i64);
            let item = self.emit(Op::LoadIndex, Type::Val, &[items, index], at(Alias::Item, 0));
            self.set_reg(a + i, item);
        }
    }

    /// A new tuple, whose items are known.
    pub fn new_tuple(&mut self, items: Vec<Val>) -> Val {
        let boxed: Vec<Val> = items.iter().map(|v| self.boxed(*v)).collect();
        let v = self.emit(Op::NewTuple, Type::Val, &boxed, 0);
        self.classed(v, Tuple::class());
        self.tuples.insert(v, items);
        v
    }

    /// `reg a = [items]`.
    pub fn build_list(&mut self, a: usize, items: Vec<Val>) {
        let boxed: Vec<Val> = items.iter().map(|v| self.boxed(*v)).collect();
        let v = self.emit(Op::NewList, Type::Val, &boxed, 0);
        self.classed(v, List::class());
        self.set_reg(a, v);
    }

    /// Appends to a list.
    pub fn list_append(&mut self, list: Val, v: Val) {
        if self.func[v].ty == Type::Float {
            self.emit(Op::ListAppendDouble, Type::Void, &[list, v], 0);
            return;
        }
        let boxed = self.boxed(v);
        self.emit(Op::ListAppend, Type::Void, &[list, boxed], at(Alias::Item, 0));
    }
}
