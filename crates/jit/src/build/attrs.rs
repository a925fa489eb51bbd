//! Globals, attributes and methods, by what the interpreter's inline caches hold.

use taipan_bytecode::Op as B;
use taipan_runtime::dict::{Dict, Table};
use taipan_runtime::protocol::attr;
use taipan_runtime::shape::{SHAPE, Shape};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::descr::{MethodDescr, SlotWrapper};
use taipan_runtime::types::descr_methods;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::function_methods::{CLASS_METHOD, MethodHolder, STATIC_METHOD};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::{super_, type_};
use taipan_runtime::{Object, Value};

use super::ops::{At, Flow};
use super::values::at;
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Op, Type, Val};

/// Byte offset of a dict's version.
const DICT_VERSION: usize = 32;

impl Builder<'_> {
    /// The name in the low half of the first cache word.
    fn name(&self, cache: At) -> &'static Str {
        self.context().code.name_at((cache.word(0) & 0xffff_ffff) as usize)
    }

    /// The value of `name` in a namespace, taken as a constant; None if it cannot be.
    pub fn constant_in(&mut self, dict: &'static Dict, name: &'static Str) -> Option<Val> {
        Value::of(dict).exact::<Dict>()?;
        let value = dict.get_str(name)?;
        if crate::tier::is_volatile(dict, name) {
            return self.entry_in(dict, name);
        }
        self.watched_keys.push((dict, name));
        Some(self.constant(value))
    }

    /// The value of `name` in a namespace, read through its entry.
    fn entry_in(&mut self, dict: &'static Dict, name: &'static Str) -> Option<Val> {
        let (_, address) = self.entry_address(dict, name)?;
        Some(self.emit(Op::LoadStatic, Type::Val, &[], address))
    }

    /// The table of a namespace and the address of the value of `name` in it, after a check that the keys are the same.
    fn entry_address(&mut self, dict: &'static Dict, name: &'static Str) -> Option<(&'static Table, u64)> {
        let n = dict.entry_of_str(name)?;
        let table = dict.table()?;
        let entry = table.entry_ptr(n);
        // SAFETY: the entry exists.
        let address = unsafe { &raw const (*entry).value } as u64;
        self.root(Value::of(dict));
        self.root(Value::of(table));
        let d = self.object(Value::of(dict));
        let version = self.emit(Op::Load, Type::Word, &[d], at(Alias::Dict, DICT_VERSION));
        self.emit_guard(Op::GuardWord, Type::Void, &[version], dict.version(), Reason::Const);
        Some((table, address))
    }

    /// `reg a = global or built-in`.
    pub fn load_global(&mut self, at: At) -> Built<Flow> {
        let name = self.name(at);
        let (globals, builtins) = (self.context().globals, self.context().builtins);
        let plain = Value::of(globals).exact::<Dict>().is_some() && Value::of(builtins).exact::<Dict>().is_some();
        let failed = self.failed(Reason::Const);
        let found = if !plain || failed {
            None
        } else if globals.entry_of_str(name).is_some() {
            self.constant_in(globals, name)
        } else if !crate::tier::is_volatile(globals, name) {
            // That the globals do not have it is taken as a constant, too.
            self.watched_keys.push((globals, name));
            self.constant_in(builtins, name)
        } else {
            None
        };
        match found {
            Some(v) => {
                self.set_reg(at.w.a(), v);
                Ok(Flow::Next)
            }
            None => self.generic(at),
        }
    }

    /// `global x = reg a`. Whoever relies on its value is told, which may be this code.
    pub fn store_global(&mut self, at: At) -> Built<Flow> {
        let v = self.reg(at.w.a());
        let context = self.context();
        let (globals, name) = (context.globals, context.code.name_at(at.w.x() as usize));
        if Value::of(globals).exact::<Dict>().is_none() {
            return self.generic(at);
        }
        self.root(Value::of(globals));
        let v = self.boxed(v);
        // Nobody relies on the value of a variable that was written to before.
        if crate::tier::is_volatile(globals, name)
            && !self.failed(Reason::Const)
            && let Some((table, address)) = self.entry_address(globals, name)
        {
            self.emit(Op::StoreStatic, Type::Void, &[v], address);
            let table = self.object(Value::of(table));
            self.emit(Op::Barrier, Type::Void, &[table, v], 0);
            return Ok(Flow::Next);
        }
        let (dict, name) = (self.word(Value::of(globals).bits()), self.word(Value::of(name).bits()));
        self.plain_call(Helper::StoreGlobal, &[dict, name, v], Type::Word);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// The live shape at an address from an inline cache.
    fn shape_at(&mut self, address: u64) -> Option<&'static Shape> {
        let found = self.cx.heap().find_object(address as usize)?;
        if found as u64 != address {
            return None;
        }
        let shape = Value::from_address(address as usize);
        std::ptr::eq(shape.class(), &SHAPE).then(|| {
            // SAFETY: it is a live object of type shape.
            unsafe { shape.cast::<Shape>() }
        })
    }

    /// The class whose version an inline cache holds, found from a shape or from what is known of `v`.
    fn cached_class(&mut self, at: At, v: Val) -> Option<&'static Class> {
        let version = (at.word(0) >> 32) as u32;
        let shape = at.word(1);
        let class = if shape != 0 { self.shape_at(shape)?.class } else { self.class_of(v)? };
        (class.version() == version && version != 0).then_some(class)
    }

    /// Notes that the attributes of `class` were taken as constants.
    pub fn watch_type(&mut self, class: &'static Class) {
        if !self.watched_types.iter().any(|c| std::ptr::eq(*c, class)) {
            self.watched_types.push(class);
        }
        self.root(Value::of(class));
    }

    /// `reg a = reg b.name`.
    pub fn load_attr(&mut self, at: At) -> Built<Flow> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        let name = self.name(at);
        if let Some(part) = self.complex_attr(v, &name.to_string_lossy()) {
            self.set_reg(a, part);
            return Ok(Flow::Next);
        }
        if let Some(found) = self.load_known(v, name) {
            self.set_reg(a, found);
            return Ok(Flow::Next);
        }
        if let Some((f, None)) = self.method_of_class(v, name) {
            let f = self.object(f);
            self.set_reg(a, f);
            return Ok(Flow::Next);
        }
        if let Some(method) = self.native_method(v, name) {
            self.set_reg(a, method);
            return Ok(Flow::Next);
        }
        if let Some(class) = self.class_by_name(v, name) {
            self.set_reg(a, class);
            return Ok(Flow::Next);
        }
        if let Some(flow) = self.load_attr_poly(at, v, name)? {
            return Ok(flow);
        }
        let found = if self.failed(Reason::Shape) || self.failed(Reason::Class) && self.class_of(v).is_none() {
            None
        } else {
            match at.op {
                B::LoadAttrSlot | B::LoadAttrDouble => self.load_slot(at, v),
                B::LoadAttrMember => self.load_member(at, v),
                B::LoadAttrClass => self.load_class_attr(at, v),
                B::LoadAttrModule => self.load_module_attr(at, v),
                B::LoadAttrType => self.load_type_attr(at, v),
                _ => None,
            }
        };
        if at.op == B::LoadAttrProperty
            && !self.failed(Reason::Class)
            && let Some(flow) = self.load_property(at, v)?
        {
            return Ok(flow);
        }
        if let Some(v) = found {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        self.sync(&[]);
        let v = self.boxed(v);
        let name = self.word(Value::of(name).bits());
        let found = self.python_call(Helper::GetAttr, &[v, name], Type::Val);
        self.set_reg(a, found);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// A method of an object of a built-in class, bound to it: `append = items.append`.
    fn native_method(&mut self, v: Val, name: &'static Str) -> Option<Val> {
        let class = self.class_of(v).filter(|_| self.func[v].ty == Type::Val)?;
        if class.is_heap_type() || class.data().attrs || !attr::uses_generic_get(class) {
            return None;
        }
        let method = self.cx.type_lookup(class, name)?;
        method.exact::<MethodDescr>()?;
        let method = self.object(method);
        let bound = self.emit(Op::NewMethod, Type::Val, &[method, v], 0);
        Some(self.classed(bound, &descr_methods::NATIVE_FUNCTION))
    }

    /// `v.__class__`, where that is what object says.
    fn class_by_name(&mut self, v: Val, name: &'static Str) -> Option<Val> {
        let own = self.cx.names().__class__;
        if !std::ptr::eq(name, own) || self.failed(Reason::Class) && self.class_of(v).is_none() {
            return None;
        }
        let class = self.class_of(v).or_else(|| self.noted_class(v))?;
        self.cx.assign_version(class);
        let says = self.cx.type_lookup(class, own);
        let of_object = self.cx.type_lookup(&OBJECT, own);
        if !attr::uses_generic_get(class) || class.version() == 0 || says.is_none() || says != of_object {
            return None;
        }
        self.watch_type(class);
        self.guard_class(v, class);
        Some(self.object(Value::of(class)))
    }

    fn load_slot(&mut self, cache: At, v: Val) -> Option<Val> {
        let class = self.cached_class(cache, v)?;
        let shape = self.shape_at(cache.word(1))?;
        if !self.may_be(v, class) {
            return None;
        }
        // A data descriptor of that name in the class would win.
        self.watch_type(class);
        self.assumed(class, Some(shape));
        let v = self.guard_shape(v, shape);
        let offset = (cache.word(2) & 0xffff_ffff) as usize;
        Some(if cache.op == B::LoadAttrDouble {
            self.load_double(v, offset)
        } else {
            self.load(v, Alias::Slot, offset)
        })
    }

    /// Whether a value may be an instance of exactly this class.
    fn may_be(&self, v: Val, class: &'static Class) -> bool {
        self.class_of(v).is_none_or(|c| std::ptr::eq(c, class))
    }

    fn load_member(&mut self, cache: At, v: Val) -> Option<Val> {
        let class = self.class_with_version(cache, v)?;
        if !self.may_be(v, class) {
            return None;
        }
        self.watch_type(class);
        self.assumed(class, None);
        let v = self.guard_class(v, class);
        let slot = self.load(v, Alias::Slot, cache.word(2) as usize);
        self.info[slot.0 as usize].bound = false;
        Some(self.guard_bound(slot))
    }

    /// The class of an inline cache without a shape: what is known of the value, or what the register holds right now.
    fn class_with_version(&mut self, cache: At, v: Val) -> Option<&'static Class> {
        let version = (cache.word(0) >> 32) as u32;
        let class = match self.class_of(v) {
            Some(class) => class,
            None => crate::tier::class_with_version(self.cx, version)?,
        };
        (class.version() == version && version != 0).then_some(class)
    }

    fn load_class_attr(&mut self, cache: At, v: Val) -> Option<Val> {
        self.check_class_cache(cache, v)?;
        Value::from_bits(cache.word(2)).map(|value| self.constant(value))
    }

    /// Guards that `v` is of the class (and shape, if instances have attributes) of a cache whose value is then valid.
    fn check_class_cache(&mut self, cache: At, v: Val) -> Option<Val> {
        let class = if cache.word(1) != 0 { self.cached_class(cache, v) } else { self.class_with_version(cache, v) }?;
        if !self.may_be(v, class) {
            return None;
        }
        self.watch_type(class);
        if cache.word(1) != 0 {
            let shape = self.shape_at(cache.word(1))?;
            self.assumed(class, Some(shape));
            return Some(self.guard_shape(v, shape));
        }
        self.assumed(class, None);
        Some(self.guard_class(v, class))
    }

    fn load_module_attr(&mut self, cache: At, v: Val) -> Option<Val> {
        let name = self.name(cache);
        let value = self.as_const(v)?;
        let module = value.exact::<Module>()?;
        self.constant_in(module.dict(), name)
    }

    fn load_type_attr(&mut self, cache: At, v: Val) -> Option<Val> {
        let version = (cache.word(0) >> 32) as u32;
        let class = self.as_const(v)?.downcast::<Class>()?;
        if class.version() != version || version == 0 {
            return None;
        }
        self.watch_type(class);
        Value::from_bits(cache.word(2)).map(|value| self.constant(value))
    }

    fn load_property(&mut self, cache: At, v: Val) -> Built<Option<Flow>> {
        let Some(class) = self.class_with_version(cache, v) else { return Ok(None) };
        if !self.may_be(v, class) {
            return Ok(None);
        }
        let Some(getter) = Value::from_bits(cache.word(2)).and_then(|f| f.exact::<Function>()) else { return Ok(None) };
        self.watch_type(class);
        let v = self.guard_class(v, class);
        // The frame's window begins above all registers in use, as the interpreter does it.
        let base = self.context().code.nregs();
        self.inline(cache, getter, &[v], base, cache.w.a(), Val::NONE, Val::NONE)
    }

    /// `reg a, reg a+1 = method of reg b`.
    pub fn load_method(&mut self, at: At) -> Built<Flow> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        let name = self.name(at);
        if let Some(f) = self.known_method(v, name) {
            let f = self.object(f);
            self.set_reg(a, f);
            self.set_reg(a + 1, v);
            return Ok(Flow::Next);
        }
        if let Some((f, receiver)) = self.method_of_class(v, name) {
            let f = self.object(f);
            let receiver = match receiver {
                Some(class) => self.object(Value::of(class)),
                None => self.unbound(),
            };
            self.set_reg(a, f);
            self.set_reg(a + 1, receiver);
            return Ok(Flow::Next);
        }
        if self.load_method_poly(at, v, name)? {
            return Ok(Flow::Next);
        }
        let doubtful = self.failed(Reason::Shape) || self.failed(Reason::Class) && self.class_of(v).is_none();
        match at.op {
            B::LoadMethodClass if !doubtful => {
                if let Some(object) = self.check_class_cache(at, v)
                    && let Some(f) = Value::from_bits(at.word(2))
                {
                    let f = self.object(f);
                    self.set_reg(a, f);
                    self.set_reg(a + 1, object);
                    return Ok(Flow::Next);
                }
            }
            B::LoadMethodModule => {
                if let Some(f) = self.load_module_attr(at, v) {
                    let none = self.unbound();
                    self.set_reg(a, f);
                    self.set_reg(a + 1, none);
                    return Ok(Flow::Next);
                }
            }
            _ => {}
        }
        self.generic(at)
    }

    /// A function found in a class: by a constant class itself, or a static or class method by an instance of known class
    /// and shape; with the class that it is bound to, if it is.
    fn method_of_class(&mut self, v: Val, name: &'static Str) -> Option<(Value, Option<&'static Class>)> {
        let (class, by_class) = match self.const_class(v) {
            Some(class) => (class, true),
            None => (self.class_of(v)?, false),
        };
        if by_class {
            let meta = class.header().class();
            if !std::ptr::eq(meta, &type_::TYPE)
                || self.cx.type_lookup(meta, name).is_some_and(attr::is_data_descriptor)
            {
                return None;
            }
        } else if !self.lacks_own(v, class, name) {
            return None;
        }
        self.cx.assign_version(class);
        if class.version() == 0 {
            return None;
        }
        let found = self.cx.type_lookup(class, name)?;
        let held = |found: Value| {
            // SAFETY: static and class methods have one layout.
            unsafe { found.cast::<MethodHolder>() }.function.get().filter(|f| f.exact::<Function>().is_some())
        };
        let result = if std::ptr::eq(found.class(), &STATIC_METHOD) {
            (held(found)?, None)
        } else if std::ptr::eq(found.class(), &CLASS_METHOD) {
            (held(found)?, Some(class))
        } else if by_class && is_unbound_function(found) {
            (found, None)
        } else {
            return None;
        };
        self.watch_type(class);
        Some(result)
    }

    /// Whether an instance of a class certainly has no attribute of its own of that name.
    fn lacks_own(&self, v: Val, class: &'static Class, name: &'static Str) -> bool {
        if !attr::uses_generic_get(class) || self.func[v].ty != Type::Val {
            return false;
        }
        !class.data().attrs || self.known_shape(v).is_some_and(|s| !s.is_dict && s.find(name).is_none())
    }

    /// `reg a, reg a+1 = method of super(reg c, reg c+1)`.
    pub fn load_super_method(&mut self, at: At) -> Built<Flow> {
        let (a, b, c) = (at.w.a(), at.w.b(), at.w.c());
        let (callee, object) = (self.reg(b), self.reg(c + 1));
        let is_super = self.as_const(callee) == Some(Value::of(&super_::SUPER));
        let name = self.name(at);
        let Some(after) = self.known_contents(c).filter(|_| is_super && self.func[object].ty == Type::Val) else {
            return self.generic(at);
        };
        let start = match self.class_of(object) {
            Some(class) => class,
            None if self.failed(Reason::Class) => return self.generic(at),
            None => match self.noted_class(object) {
                Some(class) => class,
                None => return self.generic(at),
            },
        };
        self.cx.assign_version(start);
        let found = super_::find_after(start, after, name).filter(|f| attr::is_method(*f));
        let Some(found) = found.filter(|_| start.is_subtype(after) && start.version() != 0) else {
            return self.generic(at);
        };
        self.watch_type(start);
        let object = self.guard_class(object, start);
        let class = self.reg(c);
        self.guard_const(class, Value::of(after));
        let f = self.object(found);
        self.set_reg(a, f);
        self.set_reg(a + 1, object);
        Ok(Flow::Next)
    }

    /// The class in register `r`, as the running function's closure has it right now.
    fn known_contents(&self, r: usize) -> Option<&'static Class> {
        let v = self.reg(r);
        if let Some(class) = self.const_class(v) {
            return Some(class);
        }
        let v = self.origin(v);
        let inst = &self.func[v];
        if inst.op != Op::Load || super::values::alias_of(inst.imm) != Alias::Cell {
            return None;
        }
        let cell = self.as_const(inst.args[0]).or_else(|| {
            // The entry frame's cells are registers.
            let cell = &self.func[inst.args[0]];
            let code = self.contexts[0].code;
            let first = (code.nlocals + code.ncells) as usize;
            let i = (cell.op == Op::LoadReg).then(|| (cell.imm as usize).checked_sub(first)).flatten()?;
            self.contexts[0].function?.closure.get()?.items().get(i).copied()
        })?;
        cell.exact::<Cell>()?.get()?.downcast::<Class>()
    }

    /// `reg a.name = reg b`.
    pub fn store_attr(&mut self, cache: At) -> Built<Flow> {
        let (v, value) = (self.reg(cache.w.a()), self.reg(cache.w.b()));
        let name = self.name(cache);
        if self.store_known(v, name, value) {
            return Ok(Flow::Next);
        }
        if let Some(flow) = self.store_attr_poly(cache, v, name, value)? {
            return Ok(flow);
        }
        let doubtful = self.failed(Reason::Shape) || self.failed(Reason::Class);
        if !doubtful && self.store_cached(cache, v, value).is_some() {
            return Ok(Flow::Next);
        }
        if let Some(flow) = self.store_property(cache, v, name, value)? {
            return Ok(flow);
        }
        self.sync(&[]);
        let (v, value) = (self.boxed(v), self.boxed(value));
        let name = self.word(Value::of(name).bits());
        self.python_call(Helper::SetAttr, &[v, value, name], Type::Word);
        self.check_valid(cache);
        Ok(Flow::Next)
    }

    /// A store to a property with a setter written in Python.
    fn store_property(&mut self, at: At, v: Val, name: &'static Str, value: Val) -> Built<Option<Flow>> {
        if self.func[v].ty != Type::Val || self.failed(Reason::Class) && self.class_of(v).is_none() {
            return Ok(None);
        }
        let Some(class) = self.class_of(v).or_else(|| self.noted_class(v)) else { return Ok(None) };
        if !class.is_heap_type() || !attr::uses_generic_set(class) {
            return Ok(None);
        }
        self.cx.assign_version(class);
        let setter = self.cx.type_lookup(class, name).and_then(attr::python_setter);
        let Some(setter) = setter.filter(|f| class.version() != 0 && self.takes(f, 2)) else { return Ok(None) };
        self.watch_type(class);
        let v = self.guard_class(v, class);
        // The result goes where the callee's window begins; nobody reads it.
        let nowhere = self.context().code.nregs();
        self.build_or_call(at, setter, &[v, value], nowhere, nowhere).map(Some)
    }

    fn store_cached(&mut self, cache: At, v: Val, value: Val) -> Option<()> {
        match cache.op {
            B::StoreAttrSlot | B::StoreAttrDouble => {
                let class = self.cached_class(cache, v)?;
                let shape = self.shape_at(cache.word(1))?;
                let is_double = cache.op == B::StoreAttrDouble;
                if !self.may_be(v, class) || is_double && !self.may_be_double(value) {
                    return None;
                }
                self.watch_type(class);
                self.assumed(class, Some(shape));
                let v = self.guard_shape(v, shape);
                let offset = (cache.word(2) & 0xffff_ffff) as usize;
                if is_double {
                    self.store_double(v, offset, value);
                } else {
                    self.store_slot(v, offset, value);
                }
            }
            B::StoreAttrAdd | B::StoreAttrAddDouble => {
                let class = self.cached_class(cache, v)?;
                let old = self.shape_at(cache.word(1))?;
                let (next, offset) = (cache.word(2) & 0xffff_ffff_ffff, (cache.word(2) >> 48) as usize);
                let next = self.shape_at(next)?;
                let is_double = cache.op == B::StoreAttrAddDouble;
                if !self.may_be(v, class) || is_double && (next.is_replaced() || !self.may_be_double(value)) {
                    return None;
                }
                self.watch_type(class);
                self.assumed(class, Some(old));
                let v = self.guard_shape(v, old);
                self.store_new(v, old, next, offset, value);
            }
            B::StoreAttrMember => {
                let class = self.class_with_version(cache, v)?;
                if !self.may_be(v, class) {
                    return None;
                }
                self.watch_type(class);
                self.assumed(class, None);
                let v = self.guard_class(v, class);
                self.store_slot(v, cache.word(2) as usize, value);
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds an attribute to an instance of shape `old`, which becomes `next`.
    pub fn store_new(&mut self, v: Val, old: &'static Shape, next: &'static Shape, offset: usize, value: Val) {
        let is_double = next.is_double(next.count - 1);
        let stored = if is_double { self.double_for(v, value) } else { self.boxed(value) };
        self.field_written(v);
        self.root(Value::of(next));
        let word = self.word(next as *const Shape as u64);
        let base = (next.class.data().basicsize + 7) & !7;
        self.emit(Op::Store, Type::Void, &[v, word], at(Alias::Shape, base));
        self.emit(Op::Store, Type::Void, &[v, stored], at(Alias::Slot, offset));
        if !is_double {
            self.emit(Op::Barrier, Type::Void, &[v, stored], 1);
        }
        self.shape_changed(v, old as *const Shape as u64, next as *const Shape as u64);
    }

    /// Writes a slot that exists.
    pub fn store_slot(&mut self, v: Val, offset: usize, value: Val) {
        self.field_written(v);
        let boxed = self.boxed(value);
        self.emit(Op::Store, Type::Void, &[v, boxed], at(Alias::Slot, offset));
        let (lo, hi) = self.range(value);
        let (min, max) = Self::small_range();
        let immediate = match self.func[value].ty {
            Type::Bool => true,
            Type::Int => lo >= min && hi <= max,
            _ => false,
        };
        if !immediate {
            // Instances with shapes are in the heap.
            let shaped = self.state.shapes.iter().any(|(o, _)| *o == v)
                || self.state.sets.iter().any(|(o, set)| *o == v && set.iter().all(|r| r.shape.is_some()));
            self.emit(Op::Barrier, Type::Void, &[v, boxed], shaped as u64);
        }
    }

    /// An instance of `old` moved to `new`: other values may be the same instance.
    fn shape_changed(&mut self, v: Val, old: u64, new: u64) {
        let has = |state: &super::State| {
            let one = |r: &super::poly::Receiver| r.shape.is_some_and(|s| std::ptr::from_ref(s) as u64 == old);
            state.shapes.iter().any(|(o, s)| *s == old && *o != v)
                || state.sets.iter().any(|(o, set)| *o != v && set.iter().any(one))
        };
        if has(&self.state) || self.loops.iter().any(|l| has(&l.before)) {
            self.kill_shapes();
        }
        self.state.sets.retain(|(o, _)| *o != v);
        self.state.shapes.retain(|(o, s)| *o != v && *s != old);
        self.state.shapes.push((v, new));
    }

    /// The exact type object, if the value is a constant class.
    pub fn const_class(&self, v: Val) -> Option<&'static Class> {
        self.as_const(v)?.downcast::<Class>()
    }

    /// The object behind a layout.
    pub fn const_of<T: Object>(&self, v: Val) -> Option<&'static T> {
        self.as_const(v)?.exact::<T>()
    }
}

/// Whether a class gives the object itself where it finds it: functions that instances would be bound to.
fn is_unbound_function(found: Value) -> bool {
    found.exact::<Function>().is_some()
        || found.exact::<MethodDescr>().is_some()
        || found.exact::<SlotWrapper>().is_some()
}
