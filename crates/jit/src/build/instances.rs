//! New instances whose attributes are known.
//!
//! Where the `__init__` of a new instance was built in place and does nothing but set attributes, the instance becomes one
//! instruction with the values of its attributes. Until something might write to it they are read from there; if nobody but
//! exits needs the object, exits make it.

use std::rc::Rc;

use taipan_runtime::typeobj::Type as Class;

use super::Builder;
use super::values::{alias_of, offset_of};
use crate::ir::{Alias, BlockId, InstanceDesc, Op, Type, Val};

/// Attributes of a new instance: byte offsets and values.
pub type Fields = Rc<[(u32, Val)]>;

impl Builder<'_> {
    /// Makes one instruction of `object`, allocated by the instruction number `first`, if everything since was built into
    /// `block` and only stored into it.
    pub fn settle(&mut self, object: Val, class: &'static Class, first: usize, block: BlockId, blocks: usize) {
        if self.block != block || self.func.blocks.len() != blocks {
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
        let v = self.emit(Op::NewInstance, Type::Val, &values, number);
        self.classed(v, class);
        self.refine(object, v);
        self.state.fields.push((v, fields.into()));
    }

    /// The attribute of a new instance at an offset.
    pub fn known_field(&self, v: Val, offset: usize) -> Option<Val> {
        let (_, fields) = self.state.fields.iter().find(|f| f.0 == v)?;
        let value = fields.iter().find(|f| f.0 as usize == offset)?.1;
        // Numbers as they were before boxing.
        Some(match self.func[value].op {
            Op::BoxInt | Op::BoxFloat | Op::BoxBool => self.func[value].args[0],
            _ => value,
        })
    }

    /// Something is stored into an attribute of `v`, which may be any instance unless it is new.
    pub fn field_written(&mut self, v: Val) {
        let new = self.func[v].op == Op::Alloc || self.state.fields.iter().any(|f| f.0 == v);
        self.state.fields.retain(|f| new && f.0 != v);
    }
}
