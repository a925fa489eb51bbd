//! New instances whose attributes are known.
//!
//! Where the `__init__` of a new instance was built in place and does nothing but set attributes, the instance becomes one
//! instruction with the values of its attributes. Until something might write to it they are read from there; if nobody but
//! exits needs the object, exits make it.

use std::rc::Rc;

use taipan_runtime::typeobj::Type as Class;

use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::list;

use super::Builder;
use super::values::{alias_of, at, offset_of};
use crate::exits::Reason;
use crate::ir::{Alias, BlockId, Effect, Inst, InstanceDesc, Op, StateId, Type, Val};

/// Attributes of a new instance: byte offsets and values.
pub type Fields = Rc<[(u32, Val)]>;

/// A new instance whose `__init__` is being built.
#[derive(Clone)]
pub struct Fresh {
    /// It.
    pub object: Val,
    /// How to make it once more from the start.
    pub again: StateId,
    /// The number of the instruction that allocates it.
    pub first: usize,
    /// The block of that.
    pub block: BlockId,
}

impl Builder<'_> {
    /// Makes one instruction of `object`, allocated by the instruction number `first`, if everything since was built into
    /// `block` and only stored into it.
    pub fn settle(&mut self, fresh: &Fresh, class: &'static Class, blocks: usize) {
        let Fresh { object, first, .. } = *fresh;
        if self.block != fresh.block || self.func.blocks.len() != blocks {
            return;
        }
        let mut shape = (0, 0);
        let mut fields: Vec<(u32, Val)> = Vec::new();
        for inst in &self.func.insts[first..] {
            if !inst.args.contains(&object) {
                continue;
            }
            match (inst.op, &inst.args[..]) {
                (Op::Store, [base, value]) if *base == object && *value != object => {
                    let offset = offset_of(inst.imm) as u32;
                    if alias_of(inst.imm) == Alias::Shape {
                        shape = (self.func[*value].imm, offset);
                    } else {
                        fields.retain(|f| f.0 != offset);
                        fields.push((offset, *value));
                    }
                }
                (Op::Barrier, [base, _]) if *base == object => {}
                _ => return,
            }
        }
        let size = (self.func[object].imm >> 48) as u32;
        let offsets = fields.iter().map(|f| f.0).collect();
        let class_address = std::ptr::from_ref(class) as u64;
        self.func.instances.push(InstanceDesc {
            class: class_address,
            size,
            shape: shape.0,
            shape_offset: shape.1,
            offsets,
        });
        let values: Vec<Val> = fields.iter().map(|f| f.1).collect();
        let number = self.func.instances.len() as u64 - 1;
        for guard in self.func.insts[first..].iter_mut().filter(|i| i.op == Op::GuardDouble && i.state == fresh.again) {
            guard.imm = number + 1;
        }
        let v = self.emit(Op::NewInstance, Type::Val, &values, number);
        self.classed(v, class);
        self.refine(object, v);
        self.state.fields.push((v, fields.into()));
    }

    /// Where to go on if a value does not fit an attribute of `v`. If `v` is new and nobody could have noticed what was done since,
    /// that is where it was made: nobody needs to have the half-made instance.
    fn before_store(&mut self, v: Val) -> StateId {
        let Some(fresh) = self.fresh.as_ref().filter(|f| f.object == v && f.block == self.block) else {
            return self.resume_here();
        };
        let unnoticed = |inst: &Inst| match inst.op.info().effect {
            Effect::Pure | Effect::Guard | Effect::Reads | Effect::Allocates => true,
            Effect::Writes => matches!(inst.op, Op::Store | Op::Barrier) && inst.args[0] == v,
            Effect::Calls | Effect::Ends => false,
        };
        if self.func.insts[fresh.first..].iter().all(unnoticed) { fresh.again } else { self.resume_here() }
    }

    /// Whether it is worth trying to store a value as a double.
    pub fn may_be_double(&self, value: Val) -> bool {
        let inst = &self.func[value];
        let fits = inst.op != Op::ConstFloat || list::fits_double(f64::from_bits(inst.imm));
        fits && self.may_be_of(value, Type::Float, &FLOAT) && !self.failed(Reason::Overflow)
    }

    /// The double to be stored for `value` in an attribute of `v`; leaves if there is none.
    pub fn double_for(&mut self, v: Val, value: Val) -> Val {
        let state = self.before_store(v);
        let x = match self.func[value].ty {
            Type::Float => value,
            _ => self.float_or(value, Reason::Overflow, state),
        };
        // The sign does not matter.
        let mut unsigned = x;
        while matches!(self.func[unsigned].op, Op::FNeg | Op::FAbs) {
            unsigned = self.func[unsigned].args[0];
        }
        let inst = &self.func[unsigned];
        let is_field = inst.op == Op::Load && alias_of(inst.imm) == Alias::Slot;
        // Constants were tested, and what other attributes hold fits, as ints do.
        if !is_field && !matches!(inst.op, Op::ConstFloat | Op::IntToFloat) {
            self.emit_exit(Op::GuardDouble, Type::Void, &[x], 0, Reason::Overflow, state);
        }
        x
    }

    /// Reads an attribute that is a double.
    pub fn load_double(&mut self, v: Val, offset: usize) -> Val {
        self.emit(Op::Load, Type::Float, &[v], at(Alias::Slot, offset))
    }

    /// Writes an attribute that is a double.
    pub fn store_double(&mut self, v: Val, offset: usize, value: Val) {
        let x = self.double_for(v, value);
        self.field_written(v);
        self.emit(Op::Store, Type::Void, &[v, x], at(Alias::Slot, offset));
    }

    /// The attribute of a new instance at an offset.
    pub fn known_field(&self, v: Val, offset: usize) -> Option<Val> {
        let (_, fields) = self.state.fields.iter().find(|f| f.0 == v)?;
        let value = fields.iter().find(|f| f.0 as usize == offset)?.1;
        // Numbers as they were before boxing.
        Some(self.unboxed(value))
    }

    /// Something is stored into an attribute of `v`, which may be any instance unless it is new.
    pub fn field_written(&mut self, v: Val) {
        let new = self.func[v].op == Op::Alloc || self.state.fields.iter().any(|f| f.0 == v);
        self.state.fields.retain(|f| new && f.0 != v);
    }
}
