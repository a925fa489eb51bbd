//! Tagged words and numbers: boxing, guards, tests of classes, the write barrier.

use super::inst::{EXACT, FLONUM_BIAS, FLONUM_ZERO};
use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::{Op, Type, Val};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_gc::{BARRIER_OFFSET, CHUNK_BYTES};
use taipan_runtime::Value;
use taipan_runtime::buffer::DATA_OFFSET;
use taipan_runtime::types::{boolean, float};
use taipan_runtime::value::{INT_MAX, INT_MIN};

impl Lowering<'_> {
    /// A value that is computed in a cold block where `slow` holds, else is `fast`.
    pub(super) fn cold_path(
        &mut self,
        slow: clif::Value,
        fast: clif::Value,
        ty: clif::Type,
        f: impl FnOnce(&mut Self) -> clif::Value,
    ) -> clif::Value {
        let (cold, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(cold);
        let result = self.b.append_block_param(next, ty);
        self.b.ins().brif(slow, cold, &[], next, &[BlockArg::Value(fast)]);
        self.b.switch_to_block(cold);
        let outer = std::mem::replace(&mut self.cold, true);
        let v = f(self);
        self.cold = outer;
        self.b.ins().jump(next, &[BlockArg::Value(v)]);
        self.b.switch_to_block(next);
        result
    }

    pub(super) fn is(&mut self, x: clif::Value, y: clif::Value) -> clif::Value {
        let same = self.b.ins().icmp(IntCC::Equal, x, y);
        let differ = self.b.ins().bxor_imm_s(same, 1);
        // Only two pointers to heap numbers can be identical without being equal words.
        let either = self.b.ins().bor(x, y);
        let low = self.b.ins().band_imm_s(either, 7);
        let pointers = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        let slow = self.b.ins().band(differ, pointers);
        self.cold_path(slow, same, types::I8, |l| {
            let cx = l.cx;
            let r = l.cold_call(Helper::IsSlow, &[cx, x, y], Some(types::I64)).expect("it has a result");
            l.b.ins().ireduce(types::I8, r)
        })
    }

    pub(super) fn class_word(&mut self, x: clif::Value) -> clif::Value {
        let (check, next) = (self.new_block(), self.new_block());
        let result = self.b.append_block_param(next, types::I64);
        let low = self.b.ins().band_imm_s(x, 7);
        let pointer = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        let none = self.word(0);
        self.b.ins().brif(pointer, check, &[], next, &[BlockArg::Value(none)]);
        self.b.switch_to_block(check);
        let word = self.b.ins().load(types::I64, flags(), x, 8);
        self.b.ins().jump(next, &[BlockArg::Value(word)]);
        self.b.switch_to_block(next);
        result
    }

    pub(super) fn is_class(&mut self, x: clif::Value, class: u64) -> clif::Value {
        let (check, next) = (self.new_block(), self.new_block());
        let result = self.b.append_block_param(next, types::I8);
        let low = self.b.ins().band_imm_s(x, 7);
        let pointer = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        let no = self.b.ins().iconst(types::I8, 0);
        self.b.ins().brif(pointer, check, &[], next, &[BlockArg::Value(no)]);
        self.b.switch_to_block(check);
        let word = self.b.ins().load(types::I64, flags(), x, 8);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, word, class as i64);
        self.b.ins().jump(next, &[BlockArg::Value(same)]);
        self.b.switch_to_block(next);
        result
    }

    /// Leaves unless the word, which may be 0, is an exact heap float.
    pub(super) fn guard_heap_float(&mut self, v: Val, x: clif::Value) {
        let bound = self.b.ins().icmp_imm_s(IntCC::NotEqual, x, 0);
        self.guard(v, bound);
        self.guard_class(v, x, &raw const float::FLOAT as u64);
    }

    pub(super) fn guard_class(&mut self, v: Val, x: clif::Value, class: u64) {
        let low = self.b.ins().band_imm_s(x, 7);
        let pointer = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        self.guard(v, pointer);
        let word = self.b.ins().load(types::I64, flags(), x, 8);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, word, class as i64);
        self.guard(v, same);
    }

    pub(super) fn box_int(&mut self, v: Val) -> clif::Value {
        let x = self.value(v);
        if let Some(i) = self.func.as_const_int(v)
            && let Some(small) = Value::try_small(i)
        {
            return self.word(small.bits());
        }
        let twice = self.b.ins().ishl_imm_s(x, 1);
        let fast = self.b.ins().bor_imm_s(twice, 1);
        if self.is_small_int(v) {
            return fast;
        }
        // It does not fit 63 bits if doubling changes the sign.
        let changed = self.b.ins().bxor(x, twice);
        let slow = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, changed, 0);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            l.cold_call(Helper::BoxInt, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    pub(super) fn maybe(&mut self, bound: clif::Value, number: Val) -> clif::Value {
        let x = self.value(number);
        let boxed = match self.func[number].ty {
            Type::Int => self.box_int(number),
            Type::Float => self.box_float(x),
            _ => self.box_bool(x),
        };
        let unbound = self.word(0);
        self.b.ins().select(bound, boxed, unbound)
    }

    pub(super) fn box_word(&mut self, x: clif::Value) -> clif::Value {
        let twice = self.b.ins().ishl_imm_s(x, 1);
        let fast = self.b.ins().bor_imm_s(twice, 1);
        let slow = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, x, INT_MAX);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            l.cold_call(Helper::BoxUnsigned, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    pub(super) fn guard_bits(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let small = self.b.ins().band_imm_s(x, 1);
        let fast = self.b.ins().sshr_imm_s(x, 1);
        let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, fast, 0);
        let large = self.b.ins().icmp_imm_s(IntCC::Equal, small, 0);
        let slow = self.b.ins().bor(negative, large);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            let ok = l.cold_call(Helper::FitsUnsigned, &[cx, x], Some(types::I64)).expect("it has a result");
            l.guard(v, ok);
            l.cold_call(Helper::UnboxUnsigned, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    /// Whether an int obviously fits 63 bits.
    pub(super) fn is_small_int(&self, v: Val) -> bool {
        let inst = &self.func[v];
        match inst.op {
            Op::GuardInt | Op::BoolToInt => true,
            Op::ConstInt => (INT_MIN..=INT_MAX).contains(&(inst.imm as i64)),
            Op::ModConst => true,
            Op::And => inst.args.iter().any(|a| self.func.as_const_int(*a).is_some_and(|k| (0..=INT_MAX).contains(&k))),
            _ => {
                let (lo, hi) = self.func.range(v);
                lo >= INT_MIN && hi <= INT_MAX
            }
        }
    }

    pub(super) fn box_float(&mut self, x: clif::Value) -> clif::Value {
        let (fast, slow) = self.flonum_word(x);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            l.cold_call(Helper::BoxFloat, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    /// Whether a double with these bits is none of those that fit a word, 0.0 and a few that do included.
    pub(super) fn is_rare_double(&mut self, bits: clif::Value) -> clif::Value {
        // The bits without sign must be above 0x6000... and below 0xa000...; their upper half says that, but for a few
        // doubles.
        let high = self.b.ins().ushr_imm_s(bits, 31);
        let high = self.b.ins().ireduce(types::I32, high);
        let above = self.b.ins().iadd_imm_s(high, -0x6000_0001);
        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, above, 0x3fff_ffff)
    }

    /// The word of a double if it is a flonum, and whether it is none (or 0.0).
    pub(super) fn flonum_word(&mut self, x: clif::Value) -> (clif::Value, clif::Value) {
        let bits = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), x);
        let biased = self.b.ins().iadd_imm_s(bits, FLONUM_BIAS);
        let fast = self.b.ins().rotl_imm_s(biased, 3);
        let slow = self.is_rare_double(bits);
        (fast, slow)
    }

    pub(super) fn box_bool(&mut self, x: clif::Value) -> clif::Value {
        let (yes, no) = (&raw const boolean::TRUE as u64, &raw const boolean::FALSE as u64);
        let (yes, no) = (self.word(yes), self.word(no));
        self.b.ins().select(x, yes, no)
    }

    /// The double of a word with a flonum's tag.
    pub(super) fn flonum(&mut self, x: clif::Value) -> clif::Value {
        let rotated = self.b.ins().rotr_imm_s(x, 3);
        let bits = self.b.ins().iadd_imm_s(rotated, -FLONUM_BIAS);
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, x, FLONUM_ZERO);
        let nothing = self.word(0);
        let bits = self.b.ins().select(zero, nothing, bits);
        self.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), bits)
    }

    /// The double of a word if it is a flonum, and whether it is none (or 0.0, or one of a few others).
    fn flonum_or(&mut self, x: clif::Value) -> (clif::Value, clif::Value) {
        // Rotated as it was before the bias came on, a flonum begins with its sign, 1 and 0; if what follows that is only
        // zeros, it may be 0.0.
        let high = self.b.ins().rotr_imm_s(x, 34);
        let high = self.b.ins().ireduce(types::I32, high);
        let above = self.b.ins().iadd_imm_s(high, 0x7fff_ffff);
        let slow = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, above, 0x3fff_ffff);
        let rotated = self.b.ins().rotr_imm_s(x, 3);
        let bits = self.b.ins().iadd_imm_s(rotated, -FLONUM_BIAS);
        (self.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), bits), slow)
    }

    /// In a cold block: goes to `next` with the double of the word if that is a flonum after all.
    fn rare_flonum(&mut self, x: clif::Value, next: clif::Block) {
        let low = self.b.ins().band_imm_s(x, 3);
        let flonum = self.b.ins().icmp_imm_s(IntCC::Equal, low, 2);
        let d = self.flonum(x);
        let other = self.new_block();
        self.b.ins().brif(flonum, next, &[BlockArg::Value(d)], other, &[]);
        self.b.switch_to_block(other);
    }

    pub(super) fn guard_float(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let (fast, slow) = self.flonum_or(x);
        self.cold_path(slow, fast, types::F64, |l| {
            let next = l.new_block();
            let result = l.b.append_block_param(next, types::F64);
            l.rare_flonum(x, next);
            l.guard_heap_float(v, x);
            let d = l.b.ins().load(types::F64, flags(), x, 16);
            l.b.ins().jump(next, &[BlockArg::Value(d)]);
            l.b.switch_to_block(next);
            result
        })
    }

    pub(super) fn guard_number(&mut self, v: Val, x: clif::Value, exact: bool) -> clif::Value {
        let (fast, slow) = self.flonum_or(x);
        self.cold_path(slow, fast, types::F64, |l| {
            let (heap, next) = (l.new_block(), l.new_block());
            let result = l.b.append_block_param(next, types::F64);
            l.rare_flonum(x, next);
            let small = l.b.ins().band_imm_s(x, 1);
            let i = l.b.ins().sshr_imm_s(x, 1);
            let d = l.b.ins().fcvt_from_sint(types::F64, i);
            let mut small = small;
            if exact {
                // Others leave, below, as what is no pointer.
                let moved = l.b.ins().iadd_imm_s(i, EXACT);
                let fits = l.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, moved, 2 * EXACT);
                let fits = l.b.ins().uextend(types::I64, fits);
                small = l.b.ins().band(small, fits);
            }
            l.b.ins().brif(small, next, &[BlockArg::Value(d)], heap, &[]);
            l.b.switch_to_block(heap);
            l.guard_heap_float(v, x);
            let d = l.b.ins().load(types::F64, flags(), x, 16);
            l.b.ins().jump(next, &[BlockArg::Value(d)]);
            l.b.switch_to_block(next);
            result
        })
    }

    /// The write barrier for a store of a value: none if that is no pointer.
    pub(super) fn barrier_for(&mut self, object: clif::Value, stored: Val) {
        let inst = &self.func[stored];
        match inst.op {
            Op::BoxBool => return,
            Op::BoxInt if self.is_small_int(inst.args[0]) => return,
            Op::BoxInt | Op::BoxWord | Op::BoxFloat => {}
            _ => return self.barrier(object),
        }
        // A number in a box is seldom a pointer.
        let x = self.value(stored);
        let low = self.b.ins().band_imm_s(x, 7);
        let (barrier, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(barrier);
        self.b.ins().brif(low, next, &[], barrier, &[]);
        self.b.switch_to_block(barrier);
        let outer = std::mem::replace(&mut self.cold, true);
        self.barrier(object);
        self.cold = outer;
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    /// As [`Lowering::barrier_for`], for the buffer with these items.
    pub(super) fn barrier_for_items(&mut self, items: clif::Value, stored: Val) {
        let buffer = self.b.ins().iadd_imm_s(items, -(DATA_OFFSET as i64));
        self.barrier_for(buffer, stored);
    }

    /// The write barrier: objects in the heap whose barrier bit is set are remembered.
    pub(super) fn barrier(&mut self, object: clif::Value) {
        let (base, len) = self.process.reservation;
        let (check, slow, next) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        let base_value = self.word(base as u64);
        let offset = self.b.ins().isub(object, base_value);
        let len = self.word(len as u64);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, offset, len);
        self.b.ins().brif(inside, check, &[], next, &[]);
        self.b.switch_to_block(check);
        let chunk = self.b.ins().band_imm_s(object, !(CHUNK_BYTES as i64 - 1));
        let within = self.b.ins().band_imm_s(object, CHUNK_BYTES as i64 - 1);
        let byte = self.b.ins().ushr_imm_s(within, 7);
        let at = self.b.ins().iadd(chunk, byte);
        let bits = self.b.ins().uload8(types::I64, flags(), at, BARRIER_OFFSET as i32);
        let granule = self.b.ins().ushr_imm_s(object, 4);
        let bit = self.b.ins().band_imm_s(granule, 7);
        let bits = self.b.ins().ushr(bits, bit);
        let set = self.b.ins().band_imm_s(bits, 1);
        self.b.ins().brif(set, slow, &[], next, &[]);
        self.b.switch_to_block(slow);
        let cx = self.cx;
        self.cold_call(Helper::Remember, &[cx, object], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }
}
