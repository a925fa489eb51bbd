//! Attributes and methods of values of several classes, and of values whose class and shape are known without asking the
//! interpreter's caches.

use taipan_runtime::Value;
use taipan_runtime::protocol::attr;
use taipan_runtime::shape::{SHAPE, Shape};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::descr::Member;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;

use super::ops::{At, Flow};
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::ir::{Alias, Op, Type, Val};

/// A class that a receiver may have, with the shape seen and the method found.
#[derive(Clone, Copy)]
pub struct Choice {
    /// The class.
    pub class: &'static Class,
    /// The shape of its instances, if they have attributes.
    pub shape: Option<&'static Shape>,
    /// The method.
    pub method: Value,
}

/// Where an attribute was found.
enum Found {
    /// At a byte offset of the instance.
    Slot(usize),
    /// In a `__slots__` word, which may be empty.
    Member(usize),
    /// A plain value of the class.
    Constant(Value),
}

impl Builder<'_> {
    /// The shape that a value is known to have.
    fn known_shape(&self, v: Val) -> Option<&'static Shape> {
        let address = self.state.shapes.iter().find(|(o, _)| *o == v)?.1;
        // SAFETY: shapes of facts are kept alive by their classes, which are roots.
        Some(unsafe { &*(address as *const Shape) })
    }

    /// Byte offset of an inline slot.
    fn slot_offset(class: &Class, i: u32) -> usize {
        ((class.data().basicsize + 7) & !7) + 16 + 8 * i as usize
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
                return (i < shape.inline_cap).then(|| Found::Slot(Self::slot_offset(class, i)));
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
        Some(match found {
            Found::Slot(offset) => self.load(v, Alias::Slot, offset),
            Found::Member(offset) => {
                let slot = self.load(v, Alias::Slot, offset);
                self.info[slot.0 as usize].bound = false;
                self.guard_bound(slot)
            }
            Found::Constant(value) => self.constant(value),
        })
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

    /// What was noted of the receivers of the current instruction, if they are few and still there.
    fn noted(&mut self, name: &'static Str, methods: bool) -> Option<Vec<Choice>> {
        let code = self.context().code;
        let noted = crate::tier::profile(code)?.receivers(self.pc as u32)?;
        let mut choices: Vec<Choice> = Vec::new();
        for (class, shape) in noted {
            let live = |heap: &mut taipan_gc::Heap, a: u64| heap.find_object(a as usize).is_some_and(|o| o as u64 == a);
            if !live(self.cx.heap(), *class) || *shape != 0 && !live(self.cx.heap(), *shape) {
                return None;
            }
            let class = Value::from_address(*class as usize).downcast::<Class>()?;
            let shape = if *shape == 0 {
                None
            } else {
                let shape = Value::from_address(*shape as usize);
                if !std::ptr::eq(shape.class(), &SHAPE) {
                    return None;
                }
                // SAFETY: it is a live object of type shape.
                Some(unsafe { shape.cast::<Shape>() })
            };
            if shape.is_some_and(|s| !std::ptr::eq(s.class, class))
                || choices.iter().any(|c| std::ptr::eq(c.class, class))
            {
                return None;
            }
            let method = if methods {
                self.find_method(class, shape, name)?
            } else {
                self.find_attr(class, shape, name)?;
                Value::none()
            };
            choices.push(Choice { class, shape, method });
        }
        (choices.len() > 1).then_some(choices)
    }

    /// The state in which `v` is of the class (and shape) of a choice.
    fn assume(&mut self, v: Val, choice: &Choice) -> Val {
        self.watch_type(choice.class);
        let known = self.emit(Op::AssumeClass, Type::Val, &[v], choice.class as *const Class as u64);
        self.classed(known, choice.class);
        self.refine(v, known);
        match choice.shape {
            Some(shape) => self.guard_shape(known, shape),
            None => known,
        }
    }

    /// Goes through the choices: `then` builds each case with the receiver refined; ends in a way out for other classes.
    fn each_class(
        &mut self,
        v: Val,
        choices: &[Choice],
        mut then: impl FnMut(&mut Self, &Choice, Val) -> Built<bool>,
    ) -> Built<Vec<Pending>> {
        let mut ends = Vec::new();
        for choice in choices {
            self.root(Value::of(choice.class));
            let is = self.emit(Op::IsClass, Type::Bool, &[v], choice.class as *const Class as u64);
            let (yes, no) = self.branch(is);
            let rest = self.state.clone();
            self.block = yes;
            let known = self.assume(v, choice);
            if then(self, choice, known)? {
                ends.push(self.pend());
            }
            self.block = no;
            self.state = rest;
        }
        self.leave(Reason::Class);
        Ok(ends)
    }

    /// LoadMethod of a receiver of several known classes.
    pub fn load_method_choice(&mut self, at: At, name: &'static Str) -> Built<Option<Flow>> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        if self.func[v].ty != Type::Val || self.class_of(v).is_some() || self.crowded() {
            return Ok(None);
        }
        let Some(choices) = self.noted(name, true) else { return Ok(None) };
        let ends = self.each_class(v, &choices, |b, choice, known| {
            let f = b.object(choice.method);
            b.set_reg(a, f);
            b.set_reg(a + 1, known);
            Ok(true)
        })?;
        // The receiver is the same value in all cases: joined, it is of no known class.
        let ends = ends.into_iter().map(|mut p| {
            p.state.frames.last_mut().expect("a frame").regs[a + 1] = v;
            p
        });
        let ends = ends.collect();
        self.merge(ends, self.pc + at.op.words())?;
        let receiver = self.reg(a + 1);
        self.choices.insert(receiver, choices);
        Ok(Some(Flow::Next))
    }

    /// Too much was inlined to build several versions of more.
    fn crowded(&self) -> bool {
        self.inlined > 800 || self.func.insts.len() > 2500
    }

    /// A call of a method of a receiver of several known classes.
    pub fn call_choice(&mut self, at: At, receiver: Val, args: &[Val]) -> Built<Option<Flow>> {
        let Some(choices) = self.choices.get(&receiver).cloned() else { return Ok(None) };
        let (a, n) = (at.w.a(), at.w.b());
        let ends = self.each_class(receiver, &choices, |b, choice, known| {
            let callee = b.object(choice.method);
            b.set_reg(a, callee);
            b.set_reg(a + 1, known);
            let mut all = vec![known];
            all.extend(args);
            let flow = match choice.method.exact::<Function>() {
                Some(f) => match b.inline(at, f, &all, a + 1, at.w.c(), Val::NONE, Val::NONE)? {
                    Some(flow) => flow,
                    None => b.call_known(at, f, a + 1, n + 1)?,
                },
                None => b.call_any(at, true)?,
            };
            Ok(matches!(flow, Flow::Next))
        })?;
        if ends.is_empty() {
            return Ok(Some(Flow::End));
        }
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }

    /// LoadAttr of a receiver of several known classes.
    pub fn load_attr_choice(&mut self, at: At, name: &'static Str) -> Built<Option<Flow>> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        if self.func[v].ty != Type::Val || self.class_of(v).is_some() || self.crowded() {
            return Ok(None);
        }
        let Some(choices) = self.noted(name, false) else { return Ok(None) };
        let ends = self.each_class(v, &choices, |b, _, known| {
            let Some(found) = b.load_known(known, name) else {
                b.leave(Reason::Class);
                return Ok(false);
            };
            b.set_reg(a, found);
            Ok(true)
        })?;
        if ends.is_empty() {
            return Ok(Some(Flow::End));
        }
        self.merge(ends, self.pc + at.op.words())?;
        Ok(Some(Flow::Next))
    }
}
