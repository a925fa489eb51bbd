//! Values while building: emission, constants, boxing, guards, facts.

use taipan_runtime::Value;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::{boolean, float, int};

use super::{Builder, Hoist, Info};
use crate::exits::Reason;
use crate::ir::{Alias, BlockId, Inst, Op, StateId, Type, Val};

/// Immediate of loads and stores.
pub fn at(alias: Alias, offset: usize) -> u64 {
    (alias as u64) << 56 | offset as u64
}

/// Offset of a load or store.
pub fn offset_of(imm: u64) -> i32 {
    imm as u32 as i32
}

/// Alias class of a load or store.
pub fn alias_of(imm: u64) -> Alias {
    Alias::ALL[(imm >> 56) as usize % Alias::ALL.len()]
}

impl Builder<'_> {
    /// Appends an instruction to the current block.
    pub fn emit(&mut self, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        let block = self.block;
        self.emit_in(block, op, ty, args, imm)
    }

    /// Appends an instruction to a block.
    pub fn emit_in(&mut self, block: BlockId, op: Op, ty: Type, args: &[Val], imm: u64) -> Val {
        if let (Op::Add | Op::Sub, [x, y]) = (op, args)
            && let (Some(x), Some(y)) = (self.func.as_const_int(*x), self.func.as_const_int(*y))
            && let Some(i) = if op == Op::Add { x.checked_add(y) } else { x.checked_sub(y) }
        {
            // Later steps look for constants, such as the counts of shifts.
            let v = self.emit_in(block, Op::ConstInt, Type::Int, &[], i as u64);
            self.info[v.0 as usize] = Info { lo: i, hi: i, ..Info::ANY };
            return v;
        }
        let inst = Inst { op, ty, args: args.to_vec(), imm, state: StateId::NONE, reason: 0 };
        let v = self.func.add_inst(inst);
        self.func[block].insts.push(v);
        self.note_new(v);
        v
    }

    /// Gives the facts of new values their places.
    pub fn note_new(&mut self, v: Val) {
        let n = v.0 as usize;
        if self.info.len() <= n {
            self.info.resize(n + 1, Info::ANY);
        }
    }

    /// Appends an instruction that may leave and go on with the current instruction.
    pub fn emit_guard(&mut self, op: Op, ty: Type, args: &[Val], imm: u64, reason: Reason) -> Val {
        let state = self.resume_here();
        self.emit_exit(op, ty, args, imm, reason, state)
    }

    /// Appends an instruction that may leave through `state`.
    pub fn emit_exit(&mut self, op: Op, ty: Type, args: &[Val], imm: u64, reason: Reason, state: StateId) -> Val {
        let v = self.emit(op, ty, args, imm);
        self.func[v].state = state;
        self.func[v].reason = reason as u8;
        v
    }

    /// Sets the interval of an int.
    pub fn bounded(&mut self, v: Val, lo: i64, hi: i64) -> Val {
        let info = &mut self.info[v.0 as usize];
        info.lo = info.lo.max(lo);
        info.hi = info.hi.min(hi);
        v
    }

    /// Sets the class of a value.
    pub fn classed(&mut self, v: Val, class: &'static Class) -> Val {
        self.info[v.0 as usize].class = class;
        v
    }

    /// The interval of an int.
    pub fn range(&self, v: Val) -> (i64, i64) {
        let info = &self.info[v.0 as usize];
        (info.lo, info.hi)
    }

    /// An int constant.
    pub fn int(&mut self, i: i64) -> Val {
        let v = self.emit(Op::ConstInt, Type::Int, &[], i as u64);
        self.bounded(v, i, i)
    }

    /// A word constant.
    pub fn word(&mut self, w: u64) -> Val {
        self.emit(Op::ConstWord, Type::Word, &[], w)
    }

    /// A constant of the program: numbers and bools unboxed.
    pub fn constant(&mut self, value: Value) -> Val {
        if let Some(i) = value.as_small() {
            return self.int(i);
        }
        if value.is_flonum() {
            return self.emit(Op::ConstFloat, Type::Float, &[], value.flonum_unchecked().to_bits());
        }
        if value == Value::bool(true) || value == Value::bool(false) {
            return self.emit(Op::ConstBool, Type::Bool, &[], (value == Value::bool(true)) as u64);
        }
        if std::ptr::eq(value.class(), &float::FLOAT)
            && let Some(d) = float::as_f64(value)
        {
            return self.emit(Op::ConstFloat, Type::Float, &[], d.to_bits());
        }
        self.root(value);
        self.object(value)
    }

    /// A constant as a tagged word.
    pub fn object(&mut self, value: Value) -> Val {
        self.root(value);
        let v = self.emit(Op::ConstVal, Type::Val, &[], value.bits());
        self.classed(v, value.class())
    }

    /// An unbound register.
    pub fn unbound(&mut self) -> Val {
        let v = self.emit(Op::ConstVal, Type::Val, &[], 0);
        self.info[v.0 as usize].bound = false;
        v
    }

    /// The object that a value is, if it is a constant.
    pub fn as_const(&self, v: Val) -> Option<Value> {
        match self.func[v].op {
            Op::ConstVal | Op::GuardConst => Value::from_bits(self.func[v].imm),
            _ => None,
        }
    }

    /// The exact class of a value, if it is known.
    pub fn class_of(&self, v: Val) -> Option<&'static Class> {
        match self.func[v].ty {
            Type::Int => Some(&int::INT),
            Type::Float => Some(&float::FLOAT),
            Type::Bool => Some(&boolean::BOOL),
            // SAFETY: classes of facts are roots or statics.
            Type::Val => unsafe { self.info[v.0 as usize].class.as_ref() },
            Type::Void | Type::Word => None,
        }
    }

    /// Whether a value is known to be of this exact class.
    pub fn is_class(&self, v: Val, class: &'static Class) -> bool {
        self.class_of(v).is_some_and(|c| std::ptr::eq(c, class))
    }

    /// The value as a tagged word.
    pub fn boxed(&mut self, v: Val) -> Val {
        let (op, class): (Op, &'static Class) = match self.func[v].ty {
            Type::Int => (Op::BoxInt, &int::INT),
            Type::Float => (Op::BoxFloat, &float::FLOAT),
            Type::Bool => (Op::BoxBool, &boolean::BOOL),
            Type::Val | Type::Void | Type::Word => return v,
        };
        let (lo, hi) = self.range(v);
        let b = self.emit(op, Type::Val, &[v], 0);
        self.bounded(b, lo, hi);
        self.classed(b, class)
    }

    /// The number in a box made here.
    pub fn unboxed(&self, v: Val) -> Val {
        match self.func[v].op {
            Op::BoxInt | Op::BoxFloat | Op::BoxBool => self.func[v].args[0],
            _ => v,
        }
    }

    /// Puts `new`, which is `old` with more known about it, in the place of `old` everywhere.
    pub fn refine(&mut self, old: Val, new: Val) {
        for frame in &mut self.state.frames {
            let own = [&mut frame.receiver, &mut frame.callee];
            for v in frame.regs.iter_mut().chain(&mut frame.synced).chain(own) {
                if *v == old {
                    *v = new;
                }
            }
        }
        for (v, _) in &mut self.state.shapes {
            if *v == old {
                *v = new;
            }
        }
        for (v, _) in &mut self.state.sets {
            if *v == old {
                *v = new;
            }
        }
        for v in self.state.handled.iter_mut().filter(|v| **v == old) {
            *v = new;
        }
        for cache in &mut self.state.iters {
            if cache.iter == old {
                cache.iter = new;
            }
            if cache.owner == old {
                cache.owner = new;
            }
        }
        if let Some(items) = self.tuples.get(&old).cloned() {
            self.tuples.insert(new, items);
        }
    }

    /// The int in a value; leaves where it is none.
    pub fn to_int(&mut self, v: Val, reason: Reason) -> Val {
        let v = self.bound_number(v).unwrap_or(v);
        match self.func[v].ty {
            Type::Int => v,
            Type::Bool => {
                let i = self.emit(Op::BoolToInt, Type::Int, &[v], 0);
                self.bounded(i, 0, 1)
            }
            _ => {
                self.hoist(v, Hoist::Int);
                let i = self.emit_guard(Op::GuardInt, Type::Int, &[v], 0, reason);
                if self.failed(Reason::Bits) {
                    self.func.wide.insert(i);
                }
                self.bounded(i, taipan_runtime::value::INT_MIN, taipan_runtime::value::INT_MAX);
                self.refine(v, i);
                i
            }
        }
    }

    /// The double in a value; leaves where it is none. Ints become doubles if `mixed`.
    pub fn to_float(&mut self, v: Val, mixed: bool, reason: Reason) -> Val {
        let v = self.bound_number(v).unwrap_or(v);
        match self.func[v].ty {
            Type::Float => v,
            Type::Int => self.emit(Op::IntToFloat, Type::Float, &[v], 0),
            Type::Bool => {
                let i = self.to_int(v, reason);
                self.emit(Op::IntToFloat, Type::Float, &[i], 0)
            }
            _ if mixed => self.emit_guard(Op::GuardNumber, Type::Float, &[v], 0, reason),
            _ => {
                let state = self.resume_here();
                self.float_or(v, reason, state)
            }
        }
    }

    /// The double in a word; leaves through `state` where it is none.
    pub fn float_or(&mut self, v: Val, reason: Reason, state: StateId) -> Val {
        self.hoist(v, Hoist::Float);
        let f = self.emit_exit(Op::GuardFloat, Type::Float, &[v], 0, reason, state);
        self.refine(v, f);
        f
    }

    /// The same value, of exactly this class; leaves where it is of another.
    pub fn guard_class(&mut self, v: Val, class: &'static Class) -> Val {
        if self.is_class(v, class) {
            return v;
        }
        self.hoist(v, Hoist::Class(class as *const Class as u64));
        // The guard reads the object's header.
        let v = self.guard_bound(v);
        if class.is_heap_type() {
            // An instance may change its class; the setter of `__class__` tells those who watch the old one.
            self.watch_type(class);
        }
        self.root(Value::of(class));
        let imm = class as *const Class as u64;
        let v = self.boxed(v);
        let g = if std::ptr::eq(class, &int::INT) || std::ptr::eq(class, &float::FLOAT) {
            // Most have no header.
            let word = self.emit(Op::ClassWord, Type::Word, &[v], 0);
            let ok = self.word_is(word, imm);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Class);
            self.emit(Op::AssumeClass, Type::Val, &[v], imm)
        } else {
            self.emit_guard(Op::GuardClass, Type::Val, &[v], imm, Reason::Class)
        };
        self.info[g.0 as usize].odd = self.info[v.0 as usize].odd;
        self.classed(g, class);
        self.refine(v, g);
        g
    }

    /// The same value, which is exactly this object; leaves where it is another.
    pub fn guard_const(&mut self, v: Val, value: Value) -> Val {
        if self.as_const(v) == Some(value) {
            return v;
        }
        self.hoist(v, Hoist::Const(value.bits()));
        self.root(value);
        let v = self.boxed(v);
        let g = self.emit_guard(Op::GuardConst, Type::Val, &[v], value.bits(), Reason::Const);
        self.classed(g, value.class());
        self.refine(v, g);
        g
    }

    /// Makes sure that an instance has this shape of this class.
    pub fn guard_shape(&mut self, v: Val, shape: &'static taipan_runtime::shape::Shape) -> Val {
        let address = shape as *const _ as u64;
        if self.state.shapes.contains(&(v, address)) {
            return v;
        }
        let class = shape.class;
        self.hoist(v, Hoist::Shape(class as *const Class as u64, address));
        let v = self.guard_class(v, class);
        if self.state.shapes.contains(&(v, address)) {
            return v;
        }
        self.root(Value::of(shape));
        let base = (class.data().basicsize + 7) & !7;
        let word = self.emit(Op::Load, Type::Word, &[v], at(Alias::Shape, base));
        self.emit_guard(Op::GuardWord, Type::Void, &[word], address, Reason::Shape);
        self.func.keeps_fields |= self.failed(Reason::Aliased);
        self.state.shapes.retain(|(o, _)| *o != v);
        self.state.shapes.push((v, address));
        v
    }

    /// The same value, which is bound; leaves where it is not.
    pub fn guard_bound(&mut self, v: Val) -> Val {
        if let Some(number) = self.bound_number(v) {
            return number;
        }
        if self.func[v].ty != Type::Val || self.info[v.0 as usize].bound {
            return v;
        }
        let g = self.emit_guard(Op::GuardBound, Type::Val, &[v], 0, Reason::Unbound);
        self.info[g.0 as usize] = Info { bound: true, ..self.info[v.0 as usize] };
        self.refine(v, g);
        g
    }

    /// Asks for a guard on `v` in front of the outermost loop that leaves `v` alone, in the next attempt.
    fn hoist(&mut self, v: Val, what: Hoist) {
        for open in &self.loops {
            if !self.is_inside(open) {
                continue;
            }
            let Some((depth, r)) = self.found_before(open, v) else { continue };
            let context = &self.contexts[open.context];
            let key = (context.path, open.pc);
            if self.failed_at(context.code, open.pc, Reason::Hoisted) {
                continue;
            }
            let wanted = (depth as u16, r as u16, what);
            let list = self.sticky.hoists.entry(key).or_default();
            if !list.contains(&wanted) && list.len() < 64 {
                list.push(wanted);
                self.restart = true;
            }
            return;
        }
    }

    /// A load of a value.
    pub fn load(&mut self, object: Val, alias: Alias, offset: usize) -> Val {
        self.emit(Op::Load, Type::Val, &[object], at(alias, offset))
    }

    /// A load of a size or index.
    pub fn load_int(&mut self, object: Val, alias: Alias, offset: usize) -> Val {
        self.emit(Op::Load, Type::Int, &[object], at(alias, offset))
    }

    /// Reads a register.
    pub fn reg(&self, r: usize) -> Val {
        self.top().regs[r]
    }

    /// Writes a register.
    pub fn set_reg(&mut self, r: usize, v: Val) {
        self.top_mut().regs[r] = v;
    }

    /// A new block to go on in; the current one must have been ended.
    pub fn open_block(&mut self) -> BlockId {
        let b = self.func.add_block();
        self.block = b;
        b
    }
}
