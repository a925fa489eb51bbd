//! Attributes and methods of values of several classes, and of values whose class and shape are known without asking the
//! interpreter's caches.

use std::rc::Rc;

use taipan_bytecode::ops::Special;
use taipan_runtime::buffer::DATA_OFFSET;
use taipan_runtime::protocol::attr;
use taipan_runtime::shape::{Attrs, SHAPE, Shape};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::descr::Member;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Object, Value};

use super::cfg::op_at;
use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::ir::{Alias, Op, Type, Val};

/// A class that a value may be of, with a shape that it may have if its instances have attributes.
#[derive(Clone, Copy)]
pub struct Receiver {
    /// The class.
    pub class: &'static Class,
    /// The shape.
    pub shape: Option<&'static Shape>,
}

impl PartialEq for Receiver {
    fn eq(&self, other: &Receiver) -> bool {
        let address = |s: Option<&'static Shape>| s.map(std::ptr::from_ref);
        std::ptr::eq(self.class, other.class) && address(self.shape) == address(other.shape)
    }
}

/// A method, and the receivers that have it.
#[derive(Clone)]
pub struct Choice {
    /// The method.
    pub method: Value,
    /// Who has it.
    pub receivers: Vec<Receiver>,
}

/// Where an attribute was found.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    /// At a byte offset of the instance.
    Slot(usize),
    /// At a byte offset of the instance, as a double.
    Double(usize),
    /// In the array of attributes beyond the inline ones: byte offsets of the array's pointer and of the item.
    Extra(usize, usize),
    /// In a `__slots__` word, which may be empty.
    Member(usize),
    /// A plain value of the class.
    Constant(Value),
}

impl Builder<'_> {
    /// The shape that a value is known to have.
    pub fn known_shape(&self, v: Val) -> Option<&'static Shape> {
        let address = self.state.shapes.iter().find(|(o, _)| *o == v)?.1;
        // SAFETY: shapes of facts are kept alive by their classes, which are roots.
        Some(unsafe { &*(address as *const Shape) })
    }

    /// Byte offset of an inline slot.
    fn slot_offset(class: &Class, i: u32) -> usize {
        shape_offset(class) + 16 + 8 * i as usize
    }

    /// Finds `name` for instances of a class with a shape, without running Python code.
    fn find_attr(&mut self, class: &'static Class, shape: Option<&'static Shape>, name: &'static Str) -> Option<Found> {
        if !attr::uses_generic_get(class) || class.data().itemsize != 0 {
            return None;
        }
        self.cx.assign_version(class);
        if class.version() == 0 {
            return None;
        }
        let descr = self.cx.type_lookup(class, name);
        if let Some(d) = descr {
            if let Some(member) = d.exact::<Member>()
                && class.is_subtype(member.owner)
            {
                return Some(Found::Member(member.offset as usize));
            }
            if attr::is_data_descriptor(d) {
                return None;
            }
        }
        if class.data().attrs {
            let shape = shape?;
            if shape.is_dict {
                return None;
            }
            if let Some(i) = shape.find(name) {
                return Some(match i.checked_sub(shape.inline_cap) {
                    None if shape.is_double(i) => Found::Double(Self::slot_offset(class, i)),
                    None => Found::Slot(Self::slot_offset(class, i)),
                    Some(n) => Found::Extra(shape_offset(class) + 8, DATA_OFFSET + 8 * n as usize),
                });
            }
        }
        let d = descr?;
        d.class().slots().descr_get.is_none().then_some(Found::Constant(d))
    }

    /// Reads an attribute of a value whose class (and shape) are known.
    pub fn load_known(&mut self, v: Val, name: &'static Str) -> Option<Val> {
        if self.func[v].ty != Type::Val {
            return None;
        }
        let class = self.class_of(v)?;
        let shape = self.known_shape(v);
        let found = self.find_attr(class, shape, name)?;
        self.watch_type(class);
        Some(self.load_found(v, found))
    }

    /// Replaces an attribute of a value whose class (and shape) are known, if it exists; false if it does not.
    pub fn store_known(&mut self, v: Val, name: &'static Str, value: Val) -> bool {
        if self.func[v].ty != Type::Val {
            return false;
        }
        let Some(class) = self.class_of(v) else { return false };
        if !attr::uses_generic_set(class) {
            return false;
        }
        let shape = self.known_shape(v);
        match self.find_attr(class, shape, name) {
            Some(Found::Slot(offset) | Found::Member(offset)) => {
                self.watch_type(class);
                self.store_slot(v, offset, value);
                true
            }
            Some(Found::Double(offset)) if self.may_be_double(value) => {
                self.watch_type(class);
                self.store_double(v, offset, value);
                true
            }
            Some(Found::Extra(array, offset)) => {
                self.watch_type(class);
                self.store_extra(v, array, offset, value);
                true
            }
            _ => false,
        }
    }

    /// The method `name` of a value whose class (and shape) are known.
    pub fn known_method(&mut self, v: Val, name: &'static Str) -> Option<Value> {
        if self.func[v].ty != Type::Val {
            return None;
        }
        let class = self.class_of(v)?;
        let shape = self.known_shape(v);
        let f = self.find_method(class, shape, name)?;
        self.watch_type(class);
        Some(f)
    }

    fn find_method(
        &mut self,
        class: &'static Class,
        shape: Option<&'static Shape>,
        name: &'static Str,
    ) -> Option<Value> {
        if !attr::uses_generic_get(class) || class.data().itemsize != 0 && class.data().attrs {
            return None;
        }
        self.cx.assign_version(class);
        if class.version() == 0 {
            return None;
        }
        if class.data().attrs {
            let shape = shape?;
            if shape.is_dict || shape.find(name).is_some() {
                return None;
            }
        }
        let f = self.cx.type_lookup(class, name)?;
        attr::is_method(f).then_some(f)
    }

    /// Notes that the current instruction is compiled for this receiver.
    pub fn assumed(&self, class: &'static Class, shape: Option<&'static Shape>) {
        let shape = shape.map_or(0, |s| std::ptr::from_ref(s) as u64);
        crate::profile::note_assumed(self.context().code, self.pc as u32, std::ptr::from_ref(class) as u64, shape);
    }

    /// What `v` may be: what is known of it, or what was noted at the current instruction, if that is little and the
    /// classes are still there. The flag says whether it is known.
    pub fn receivers(&mut self, v: Val) -> Option<(Rc<[Receiver]>, bool)> {
        if self.func[v].ty != Type::Val {
            return None;
        }
        if let Some((_, set)) = self.state.sets.iter().find(|(x, _)| *x == v) {
            return Some((set.clone(), true));
        }
        let known = self.class_of(v);
        if let Some(class) = known {
            let shape = self.known_shape(v);
            if shape.is_some() || !class.data().attrs {
                return Some((Rc::new([Receiver { class, shape }]), true));
            }
        }
        let code = self.context().code;
        let Some(noted) = crate::profile::profile(code).and_then(|p| p.receivers(self.pc as u32)) else {
            return self.peeked(v);
        };
        let noted = noted.to_vec();
        let mut set: Vec<Receiver> = Vec::new();
        for (class, shape) in noted {
            // Lists of different kinds are one receiver.
            let is_list = class == std::ptr::from_ref(List::class()) as u64;
            let shape = if is_list { 0 } else { shape };
            let heap = self.cx.heap();
            let live = |a: u64| heap.find_object(a as usize).is_some_and(|o| o as u64 == a);
            // Static types are not in the heap.
            if heap.contains(class as usize) && !live(class) || shape != 0 && !live(shape) {
                continue;
            }
            let Some(class) = Value::from_address(class as usize).downcast::<Class>() else { continue };
            if known.is_some_and(|k| !std::ptr::eq(k, class)) {
                continue;
            }
            let shape = if shape == 0 {
                None
            } else {
                let shape = Value::from_address(shape as usize);
                if !std::ptr::eq(shape.class(), &SHAPE) {
                    continue;
                }
                // SAFETY: it is a live object of type shape.
                Some(unsafe { shape.cast::<Shape>() })
            };
            if shape.is_some_and(|s| !std::ptr::eq(s.class, class)) || class.data().attrs != shape.is_some() {
                continue;
            }
            if !set.iter().any(|r| is_list && std::ptr::eq(r.class, class)) {
                set.push(Receiver { class, shape });
            }
        }
        (!set.is_empty()).then(|| (set.into(), false))
    }

    /// What `v` is now, as [`Builder::receivers`] says it, for instances of Python classes.
    fn peeked(&self, v: Val) -> Option<(Rc<[Receiver]>, bool)> {
        if self.class_of(v).is_some() || self.failed(Reason::Class) || self.failed(Reason::Shape) {
            return None;
        }
        let now = self.peek(v)?;
        let class = now.class();
        let shape = Attrs::of(now).map(|a| a.shape());
        class.is_heap_type().then(|| (Rc::from([Receiver { class, shape }]), false))
    }

    /// Makes sure that `v` is one of `set`.
    pub fn guard_receivers(&mut self, v: Val, set: &Rc<[Receiver]>) -> Val {
        let mut classes: Vec<&'static Class> = Vec::new();
        for r in set.iter() {
            if !classes.iter().any(|c| std::ptr::eq(*c, r.class)) {
                classes.push(r.class);
            }
        }
        let v = self.guard_bound(v);
        let v = if let [only] = classes[..] {
            self.guard_class(v, only)
        } else {
            for class in &classes {
                self.watch_type(class);
            }
            let word = self.emit(Op::ClassWord, Type::Word, &[v], 0);
            let addresses: Vec<u64> = classes.iter().map(|c| std::ptr::from_ref(*c) as u64).collect();
            let ok = self.word_is_one_of(word, &addresses);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Class);
            v
        };
        let shapes: Vec<&'static Shape> = set.iter().filter_map(|r| r.shape).collect();
        if let [first, ..] = shapes[..] {
            for shape in &shapes {
                self.root(Value::of(*shape));
            }
            let addresses: Vec<u64> = shapes.iter().map(|s| std::ptr::from_ref(*s) as u64).collect();
            let word = self.emit(Op::Load, Type::Word, &[v], at(Alias::Shape, shape_offset(first.class)));
            let ok = self.word_is_one_of(word, &addresses);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Shape);
        }
        self.state.sets.push((v, set.clone()));
        v
    }

    /// Whether a word is one of some constants.
    fn word_is_one_of(&mut self, word: Val, all: &[u64]) -> Val {
        let mut any = self.word_is(word, all[0]);
        for w in &all[1..] {
            let one = self.word_is(word, *w);
            any = self.emit(Op::BoolOr, Type::Bool, &[any, one], 0);
        }
        any
    }

    /// Whether a site is built for a set of receivers, not by the interpreter's cache.
    fn is_worthwhile(&self, set: &[Receiver], known: bool) -> bool {
        // What the interpreter does not cache is known from notes only.
        let quick = op_at(self.context().code, self.pc).info().base.is_some();
        let learnt = set.len() > 1 || !quick || self.failed(Reason::Class) || self.failed(Reason::Shape);
        (known || learnt) && Self::is_uniform(set)
    }

    /// Whether one test of class and shape words tells the receivers from others: all have shapes at the same offset, or
    /// none has.
    pub fn is_uniform(set: &[Receiver]) -> bool {
        let offset = |r: &Receiver| r.shape.map(|_| shape_offset(r.class));
        set.iter().all(|r| offset(r) == offset(&set[0]))
    }

    /// Goes on with `v`, which is one of several receivers, as one of `some`.
    fn assume(&mut self, v: Val, some: &[Receiver]) -> Val {
        let class = some[0].class;
        let mut known = v;
        // Where the class is known the value stays the same: it may be the instance that an inlined `__init__` makes.
        if self.class_of(v).is_none() && some.iter().all(|r| std::ptr::eq(r.class, class)) {
            self.watch_type(class);
            known = self.emit(Op::AssumeClass, Type::Val, &[v], std::ptr::from_ref(class) as u64);
            self.classed(known, class);
            self.refine(v, known);
        }
        self.state.sets.retain(|(x, _)| *x != known);
        self.state.shapes.retain(|(x, _)| *x != known);
        match some {
            [Receiver { shape: Some(shape), .. }] => {
                self.state.shapes.push((known, std::ptr::from_ref(*shape) as u64));
            }
            [_] => {}
            _ => self.state.sets.push((known, some.into())),
        }
        known
    }

    /// Whether `v`, which is one of several uniform receivers, is one of `some`.
    fn is_among(&mut self, v: Val, some: &[Receiver]) -> Val {
        let first = some[0];
        let word = match first.shape {
            Some(_) => self.emit(Op::Load, Type::Word, &[v], at(Alias::Shape, shape_offset(first.class))),
            None => self.emit(Op::ClassWord, Type::Word, &[v], 0),
        };
        let address = |r: &Receiver| match r.shape {
            Some(shape) => std::ptr::from_ref(shape) as u64,
            None => std::ptr::from_ref(r.class) as u64,
        };
        let all: Vec<u64> = some.iter().map(address).collect();
        self.word_is_one_of(word, &all)
    }

    /// Builds `then` for each group of receivers with `v` known to be one of the group; `v` is one of all of them.
    pub fn each_group(
        &mut self,
        v: Val,
        groups: &[Vec<Receiver>],
        mut then: impl FnMut(&mut Self, usize, Val) -> Built<bool>,
    ) -> Built<Vec<Pending>> {
        let mut ends = Vec::new();
        for (i, group) in groups.iter().enumerate() {
            let mut rest = None;
            if i + 1 < groups.len() {
                let is = self.is_among(v, group);
                let (yes, no) = self.branch(is);
                rest = Some(Pending { block: no, state: self.state.clone() });
                self.block = yes;
            }
            let known = self.assume(v, group);
            if then(self, i, known)? {
                ends.push(self.pend());
            }
            if let Some(rest) = rest {
                self.go_on(rest);
            }
        }
        Ok(ends)
    }

    /// Groups receivers by what is found for them.
    pub fn grouped<T: PartialEq + Copy>(set: &[Receiver], found: &[T]) -> Vec<(T, Vec<Receiver>)> {
        let mut groups: Vec<(T, Vec<Receiver>)> = Vec::new();
        for (r, f) in set.iter().zip(found) {
            match groups.iter_mut().find(|g| g.0 == *f) {
                Some(group) => group.1.push(*r),
                None => groups.push((*f, vec![*r])),
            }
        }
        groups
    }

    /// LoadMethod of one of several receivers; false if they are not known well enough.
    pub fn load_method_poly(&mut self, at: At, v: Val, name: &'static Str) -> Built<bool> {
        self.load_pair(at, v, |b, r| b.find_method(r.class, r.shape, name))
    }

    /// LoadSpecial: the instance is not asked.
    pub fn load_special(&mut self, at: At) -> Built<Flow> {
        let names = self.cx.names();
        let name = match Special::from_u16(at.w.c() as u16) {
            Some(Special::Enter) => names.__enter__,
            Some(Special::Exit) => names.__exit__,
            _ => return self.generic(at),
        };
        let v = self.reg(at.w.b());
        let found = self.load_pair(at, v, |b, r| {
            b.cx.assign_version(r.class);
            b.cx.type_lookup(r.class, name).filter(|f| r.class.version() != 0 && attr::is_method(*f))
        })?;
        if found { Ok(Flow::Next) } else { self.generic(at) }
    }

    /// Registers `a, a+1` = what `find` finds for each receiver, and `v`; false if they are not known well enough.
    fn load_pair(
        &mut self,
        at: At,
        v: Val,
        mut find: impl FnMut(&mut Self, &Receiver) -> Option<Value>,
    ) -> Built<bool> {
        let Some((set, known)) = self.receivers(v) else { return Ok(false) };
        if !self.is_worthwhile(&set, known) {
            return Ok(false);
        }
        let mut methods = Vec::new();
        for r in set.iter() {
            let Some(f) = find(self, r) else { return Ok(false) };
            methods.push(f);
        }
        for r in set.iter() {
            self.watch_type(r.class);
        }
        let v = if known { v } else { self.guard_receivers(v, &set) };
        let groups = Self::grouped(&set, &methods);
        let (first, rest) = groups.split_first().expect("there is a receiver");
        let mut callee = self.object(first.0);
        for (method, receivers) in rest {
            let is = self.is_among(v, receivers);
            let method = self.object(*method);
            callee = self.emit(Op::SelectVal, Type::Val, &[is, method, callee], 0);
        }
        if !rest.is_empty() {
            let choices = groups.into_iter().map(|(method, receivers)| Choice { method, receivers }).collect();
            self.choices.insert(callee, choices);
        }
        self.set_reg(at.w.a(), callee);
        self.set_reg(at.w.a() + 1, v);
        Ok(true)
    }

    /// Too much was inlined to build several versions of more.
    pub fn crowded(&self) -> bool {
        self.inlined > 800 || self.func.insts.len() > 2500
    }

    /// A call of a method that depends on the receiver.
    pub fn call_choice(&mut self, at: At, callee: Val, receiver: Val, args: &[Val]) -> Built<Option<Flow>> {
        let Some(choices) = self.choices.get(&callee).cloned() else { return Ok(None) };
        if self.crowded() {
            return Ok(None);
        }
        let (a, n) = (at.w.a(), at.w.b());
        let mut ends = Vec::new();
        for (i, choice) in choices.iter().enumerate() {
            let mut rest = None;
            if i + 1 < choices.len() {
                let is = self.emit(Op::IsConst, Type::Bool, &[callee], choice.method.bits());
                let (yes, no) = self.branch(is);
                rest = Some(Pending { block: no, state: self.state.clone() });
                self.block = yes;
            }
            // What the shapes were when the method was found may have changed since; classes have not.
            let known = self.assume_classes(receiver, &choice.receivers);
            let method = self.object(choice.method);
            self.set_reg(a, method);
            self.set_reg(a + 1, known);
            let mut all = vec![known];
            all.extend(args);
            let flow = match choice.method.exact::<Function>() {
                Some(f) => match self.inline(at, f, &all, a + 1, at.w.c(), Val::NONE, Val::NONE)? {
                    Some(flow) => flow,
                    None => self.call_known(at, f, a + 1, n + 1)?,
                },
                None => self.call_any(at, true)?,
            };
            if matches!(flow, Flow::Next) {
                ends.push(self.pend());
            }
            if let Some(rest) = rest {
                self.go_on(rest);
            }
        }
        if ends.is_empty() {
            return Ok(Some(Flow::End));
        }
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    /// As `assume`; but shapes are known only if they were still known of `v`.
    fn assume_classes(&mut self, v: Val, some: &[Receiver]) -> Val {
        if self.state.sets.iter().any(|(x, _)| *x == v) {
            return self.assume(v, some);
        }
        let class = some[0].class;
        if self.func[v].ty != Type::Val
            || self.class_of(v).is_some()
            || !some.iter().all(|r| std::ptr::eq(r.class, class))
        {
            return v;
        }
        self.watch_type(class);
        let known = self.emit(Op::AssumeClass, Type::Val, &[v], std::ptr::from_ref(class) as u64);
        self.classed(known, class);
        self.refine(v, known);
        known
    }

    /// What each receiver has under `name`, if all have it.
    fn found_of(&mut self, set: &[Receiver], name: &'static Str) -> Option<Vec<Found>> {
        let mut all = Vec::new();
        for r in set {
            all.push(self.find_attr(r.class, r.shape, name)?);
        }
        for r in set {
            self.watch_type(r.class);
        }
        Some(all)
    }

    /// LoadAttr of one of several receivers.
    pub fn load_attr_poly(&mut self, at: At, v: Val, name: &'static Str) -> Built<Option<Flow>> {
        let Some((set, known)) = self.receivers(v) else { return Ok(None) };
        if !self.is_worthwhile(&set, known) {
            return Ok(None);
        }
        let Some(found) = self.found_of(&set, name) else { return Ok(None) };
        let groups = Self::grouped(&set, &found);
        if groups.len() > 1 && self.crowded() {
            return Ok(None);
        }
        let v = if known { v } else { self.guard_receivers(v, &set) };
        let a = at.w.a();
        if let [(only, _)] = groups[..] {
            let value = self.load_found(v, only);
            self.set_reg(a, value);
            return Ok(Some(Flow::Next));
        }
        let (found, members): (Vec<Found>, Vec<Vec<Receiver>>) = groups.into_iter().unzip();
        let ends = self.each_group(v, &members, |b, i, known| {
            let value = b.load_found(known, found[i]);
            b.set_reg(a, value);
            Ok(true)
        })?;
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    fn load_found(&mut self, v: Val, found: Found) -> Val {
        match found {
            Found::Slot(offset) => match self.known_field(v, offset) {
                Some(value) => value,
                None => self.load(v, Alias::Slot, offset),
            },
            Found::Double(offset) => match self.known_field(v, offset) {
                Some(value) => value,
                None => self.load_double(v, offset),
            },
            Found::Extra(array, offset) => {
                let array = self.load(v, Alias::Slot, array);
                self.load(array, Alias::Slot, offset)
            }
            Found::Member(offset) => {
                if let Some(value) = self.known_field(v, offset) {
                    return value;
                }
                let slot = self.load(v, Alias::Slot, offset);
                self.info[slot.0 as usize].bound = false;
                self.guard_bound(slot)
            }
            Found::Constant(value) => self.constant(value),
        }
    }

    /// StoreAttr of one of several receivers.
    pub fn store_attr_poly(&mut self, at: At, v: Val, name: &'static Str, value: Val) -> Built<Option<Flow>> {
        let Some((set, known)) = self.receivers(v) else { return Ok(None) };
        if !self.is_worthwhile(&set, known) {
            return Ok(None);
        }
        let mut targets = Vec::new();
        for r in set.iter() {
            let Some(target) = self.store_target(*r, name, value) else { return Ok(None) };
            targets.push(target);
        }
        for r in set.iter() {
            self.watch_type(r.class);
        }
        let v = if known { v } else { self.guard_receivers(v, &set) };
        let groups = Self::grouped(&set, &targets);
        match groups[..] {
            [(Target::Old(offset), _)] => {
                self.store_slot(v, offset, value);
                return Ok(Some(Flow::Next));
            }
            [(Target::Double(offset), _)] => {
                self.store_double(v, offset, value);
                return Ok(Some(Flow::Next));
            }
            [(Target::Extra(array, offset), _)] => {
                self.store_extra(v, array, offset, value);
                return Ok(Some(Flow::Next));
            }
            _ => {}
        }
        let (targets, members): (Vec<Target>, Vec<Vec<Receiver>>) = groups.into_iter().unzip();
        let ends = self.each_group(v, &members, |b, i, known| {
            match targets[i] {
                Target::Old(offset) => b.store_slot(known, offset, value),
                Target::Double(offset) => b.store_double(known, offset, value),
                Target::Extra(array, offset) => b.store_extra(known, array, offset, value),
                Target::New(next, offset) => {
                    let old = members[i][0].shape.expect("an instance with attributes");
                    // SAFETY: the shape was found through a live one.
                    b.store_new(known, old, unsafe { &*(next as *const Shape) }, offset, value);
                }
            }
            Ok(true)
        })?;
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    fn store_extra(&mut self, v: Val, array: usize, offset: usize, value: Val) {
        let array = self.load(v, Alias::Slot, array);
        self.store_slot(array, offset, value);
    }

    /// Where a store to `name` goes, if it runs no Python code.
    fn store_target(&mut self, r: Receiver, name: &'static Str, value: Val) -> Option<Target> {
        if !attr::uses_generic_set(r.class) {
            return None;
        }
        match self.find_attr(r.class, r.shape, name) {
            Some(Found::Slot(offset) | Found::Member(offset)) => return Some(Target::Old(offset)),
            Some(Found::Double(offset)) => return self.may_be_double(value).then_some(Target::Double(offset)),
            Some(Found::Extra(array, offset)) => return Some(Target::Extra(array, offset)),
            Some(Found::Constant(_)) | None => {}
        }
        let shape = r.shape.filter(|s| !s.is_dict && s.find(name).is_none() && name.is_interned())?;
        self.cx.assign_version(r.class);
        let data = self.cx.type_lookup(r.class, name).is_some_and(attr::is_data_descriptor);
        if data || r.class.version() == 0 || r.class.data().itemsize != 0 {
            return None;
        }
        let next = match shape.known_extension(name) {
            Some(next) => next,
            None => shape.extended(self.cx, name, self.func[value].ty == Type::Float)?,
        };
        let i = next.count - 1;
        if next.is_double(i) && !self.may_be_double(value) {
            return None;
        }
        (i < next.inline_cap).then(|| Target::New(std::ptr::from_ref(next) as u64, Self::slot_offset(r.class, i)))
    }
}

/// Where an attribute is stored.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    /// In a slot that exists, at an offset.
    Old(usize),
    /// In a slot that exists and holds a double, at an offset.
    Double(usize),
    /// In an item that exists of the array at an offset.
    Extra(usize, usize),
    /// In a new slot, which makes the instance's shape the one at this address.
    New(u64, usize),
}

/// Byte offset of the shape word in instances.
pub fn shape_offset(class: &Class) -> usize {
    (class.data().basicsize + 7) & !7
}
