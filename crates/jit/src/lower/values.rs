//! Tagged words and numbers: boxing, guards, tests of classes, the write barrier.

use std::collections::HashSet;

use super::inst::{EXACT, FLONUM_BIAS, FLONUM_ZERO, float_cond};
use super::slots::Slots;
use super::{Lowering, flags};
use crate::build::values::offset_of;
use crate::helpers::Helper;
use crate::ir::{BlockId, Cond, Func, Op, Type, Val};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_gc::{BARRIER_OFFSET, CHUNK_BYTES};
use taipan_runtime::Value;
use taipan_runtime::buffer::DATA_OFFSET;
use taipan_runtime::types::{boolean, float, int};
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
            let r = l.cold_call(Helper::IsSlow, &[x, y], Some(types::I64)).expect("it has a result");
            l.b.ins().ireduce(types::I8, r)
        })
    }

    /// The address of the class of a bound value.
    pub(super) fn class_word(&mut self, x: clif::Value) -> clif::Value {
        let (object, number, next) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.b.append_block_param(next, types::I64);
        let low = self.b.ins().band_imm_s(x, 7);
        self.b.ins().brif(low, number, &[], object, &[]);
        self.b.switch_to_block(object);
        let word = self.b.ins().load(types::I64, flags(), x, 8);
        self.b.ins().jump(next, &[BlockArg::Value(word)]);
        self.b.switch_to_block(number);
        let small = self.b.ins().band_imm_s(x, 1);
        let (int, float) =
            (self.word(std::ptr::from_ref(&int::INT) as u64), self.word(std::ptr::from_ref(&float::FLOAT) as u64));
        let word = self.b.ins().select(small, int, float);
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

    /// Leaves unless the word `x` is a small int; if another int is asked for next, that is done together: branches are what machines do fewest of
    /// at a time.
    pub(super) fn guard_tag(&mut self, block: BlockId, v: Val, x: clif::Value) {
        if self.process.stress.is_none() && self.asks_again(block, v) && self.asked.is_none() {
            self.asked = Some((v, x));
            return;
        }
        let Some((first, y)) = self.asked.take() else {
            let low = self.b.ins().band_imm_s(x, 1);
            return self.guard(v, low);
        };
        let both = self.b.ins().band(x, y);
        let low = self.b.ins().band_imm_s(both, 1);
        let (cold, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(low, next, &[], cold, &[]);
        self.b.switch_to_block(cold);
        let [exit_first, exit] = [first, v].map(|v| self.exit_block(v));
        let low = self.b.ins().band_imm_s(y, 1);
        self.b.ins().brif(low, exit, &[], exit_first, &[]);
        self.b.switch_to_block(next);
    }

    /// Whether the next thing that may leave or has an effect behind the guard of an int is another one, and what is read in between has nothing to
    /// do with the int.
    fn asks_again(&self, block: BlockId, v: Val) -> bool {
        let insts = &self.func[block].insts;
        let Some(at) = insts.iter().position(|x| *x == v) else { return false };
        // What the int is in.
        let mut of_it = vec![v];
        for next in &insts[at + 1..] {
            let inst = &self.func[*next];
            let depends = inst.args.iter().any(|a| of_it.contains(a));
            match inst.op {
                Op::GuardInt => return !depends,
                Op::Load | Op::LoadIndex if !depends => {}
                Op::Add | Op::Sub | Op::And | Op::Or | Op::Xor | Op::ICmp | Op::ULt | Op::Select | Op::ConstInt => {}
                _ => return false,
            }
            if depends {
                of_it.push(*next);
            }
        }
        false
    }

    /// The word of an int that comes in one or is a small constant.
    pub(super) fn word_of_int(&mut self, v: Val) -> clif::Value {
        match small_constant(self.func, v) {
            Some(word) => self.word(word),
            None => self.value(self.func[v].args[0]),
        }
    }

    pub(super) fn box_int(&mut self, v: Val) -> clif::Value {
        let x = self.value(v);
        if let Some(word) = small_constant(self.func, v) {
            return self.word(word);
        }
        if self.is_small_int(v) {
            // One instruction that leaves `x` alone.
            let next = self.b.ins().iadd_imm_s(x, 1);
            return self.b.ins().iadd(x, next);
        }
        let range = self.func.interval(v);
        self.box_within(x, range)
    }

    /// The object for an int that lies in an interval.
    pub(super) fn box_within(&mut self, x: clif::Value, range: (i64, i64)) -> clif::Value {
        let (fast, slow) = self.int_word(x, range);
        self.cold_path(slow, fast, types::I64, |l| {
            l.cold_call(Helper::BoxInt, &[x], Some(types::I64)).expect("it has a result")
        })
    }

    /// The word of an int in an interval, and whether it does not fit 63 bits.
    fn int_word(&mut self, x: clif::Value, (lo, hi): (i64, i64)) -> (clif::Value, clif::Value) {
        let next = self.b.ins().iadd_imm_s(x, 1);
        let fast = self.b.ins().iadd(x, next);
        let slow = match (lo >= INT_MIN, hi <= INT_MAX) {
            (true, _) => {
                let most = self.word(INT_MAX as u64);
                self.b.ins().icmp(IntCC::SignedGreaterThan, x, most)
            }
            (_, true) => {
                let least = self.word(INT_MIN as u64);
                self.b.ins().icmp(IntCC::SignedLessThan, x, least)
            }
            _ => {
                let back = self.b.ins().sshr_imm_s(fast, 1);
                self.b.ins().icmp(IntCC::NotEqual, back, x)
            }
        };
        (fast, slow)
    }

    /// The word of an int in 0..2^64, and whether it does not fit 63 bits.
    fn word_word(&mut self, x: clif::Value) -> (clif::Value, clif::Value) {
        let twice = self.b.ins().ishl_imm_s(x, 1);
        let fast = self.b.ins().bor_imm_s(twice, 1);
        (fast, self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, x, INT_MAX))
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
        let (fast, slow) = self.word_word(x);
        self.cold_path(slow, fast, types::I64, |l| {
            l.cold_call(Helper::BoxUnsigned, &[x], Some(types::I64)).expect("it has a result")
        })
    }

    pub(super) fn guard_bits(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let small = self.b.ins().band_imm_s(x, 1);
        let fast = self.b.ins().sshr_imm_s(x, 1);
        let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, fast, 0);
        let large = self.b.ins().icmp_imm_s(IntCC::Equal, small, 0);
        let slow = self.b.ins().bor(negative, large);
        self.cold_path(slow, fast, types::I64, |l| {
            let ok = l.cold_call(Helper::FitsUnsigned, &[x], Some(types::I64)).expect("it has a result");
            l.guard(v, ok);
            l.cold_call(Helper::UnboxUnsigned, &[x], Some(types::I64)).expect("it has a result")
        })
    }

    /// Whether an int obviously fits 63 bits.
    pub(super) fn is_small_int(&self, v: Val) -> bool {
        let (lo, hi) = self.func.interval(v);
        lo >= INT_MIN && hi <= INT_MAX
    }

    pub(super) fn box_float(&mut self, x: clif::Value) -> clif::Value {
        let (fast, slow) = self.flonum_word(x);
        self.cold_path(slow, fast, types::I64, |l| {
            l.cold_call(Helper::BoxFloat, &[x], Some(types::I64)).expect("it has a result")
        })
    }

    /// Whether a double with these bits is none of those that fit a word, 0.0 and a few that do included.
    pub(super) fn is_rare_double(&mut self, bits: clif::Value) -> clif::Value {
        // The bits without sign must be above 0x6000... and below 0xa000...; their upper half says that, but for a few
        // doubles.
        let high = self.b.ins().rotr_imm_s(bits, 31);
        let high = self.b.ins().ireduce(types::I32, high);
        let above = self.b.ins().iadd_imm_s(high, -0x6000_0001);
        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, above, 0x3fff_ffff)
    }

    /// The word of a double if it is a flonum, and whether it is none (or 0.0).
    pub(super) fn flonum_word(&mut self, x: clif::Value) -> (clif::Value, clif::Value) {
        let vector = self.b.ins().splat(types::F64X2, x);
        let vector = self.b.ins().bitcast(types::I64X2, clif::MemFlagsData::new(), vector);
        let lanes: Vec<u8> = [FLONUM_BIAS; 2].into_iter().flat_map(i64::to_le_bytes).collect();
        let lanes = self.b.func.dfg.constants.insert(lanes.into());
        let bias = self.b.ins().vconst(types::I64X2, lanes);
        let sum = self.b.ins().iadd(vector, bias);
        let sum = self.b.ins().bitcast(types::F64X2, clif::MemFlagsData::new(), sum);
        let sum = self.b.ins().extractlane(sum, 0);
        let biased = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), sum);
        let fast = self.b.ins().rotl_imm_s(biased, 3);
        // As in `is_rare_double`, with the bias.
        let high = self.b.ins().rotr_imm_s(biased, 31);
        let high = self.b.ins().ireduce(types::I32, high);
        let above = self.b.ins().iadd_imm_s(high, 0x7fff_ffff);
        (fast, self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, above, 0x3fff_ffff))
    }

    /// The double of a flonum's word that was rotated back. The bias goes off in a vector register: there it stays in one that a whole
    /// loop may use, otherwise it would be loaded each time.
    fn without_bias(&mut self, rotated: clif::Value) -> clif::Value {
        let lanes: Vec<u8> = [-FLONUM_BIAS; 2].into_iter().flat_map(i64::to_le_bytes).collect();
        let lanes = self.b.func.dfg.constants.insert(lanes.into());
        let bias = self.b.ins().vconst(types::I64X2, lanes);
        let vector = self.b.ins().scalar_to_vector(types::I64X2, rotated);
        let sum = self.b.ins().iadd(vector, bias);
        let sum = self.b.ins().bitcast(types::F64X2, clif::MemFlagsData::new(), sum);
        self.b.ins().extractlane(sum, 0)
    }

    /// Compares the size of a complex number with a constant between 1e-100 and 1e100: by squares, which are right within a few units of their
    /// last bits, where these do not lie much nearer to each other than that.
    pub(super) fn size_cmp(
        &mut self,
        v: Val,
        (x, y): (clif::Value, clif::Value),
        constant: Val,
        cond: Cond,
    ) -> clif::Value {
        const NEAR: f64 = 1.0 / (1u64 << 40) as f64;
        const HUGE: f64 = 1e300;
        let k = f64::from_bits(self.func[constant].imm);
        let (low, high) = (k * k * (1.0 - NEAR), k * k * (1.0 + NEAR));
        let (xx, yy) = (self.b.ins().fmul(x, x), self.b.ins().fmul(y, y));
        let sum = self.b.ins().fadd(xx, yy);
        // Doubles without a sign are in the order of their bits, infinity and NaN behind all others.
        let bits = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), sum);
        let (least, span) = (self.word(low.to_bits()), self.word(high.to_bits() - low.to_bits() + 1));
        let above = self.b.ins().isub(bits, least);
        let near = self.b.ins().icmp(IntCC::UnsignedLessThan, above, span);
        let huge = self.word(HUGE.to_bits());
        let far = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, bits, huge);
        let slow = self.b.ins().bor(near, far);
        let square = self.b.ins().f64const(k * k);
        let fast = self.b.ins().fcmp(float_cond(cond), sum, square);
        self.cold_path(slow, fast, types::I8, |l| {
            let [x, y] = [x, y].map(|d| l.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), d));
            let bits = l.cold_call(Helper::HypotBits, &[x, y], Some(types::I64)).expect("it has a result");
            let infinite = l.word(f64::INFINITY.to_bits());
            let finite = l.b.ins().icmp(IntCC::UnsignedLessThan, bits, infinite);
            l.guard(v, finite);
            let size = l.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), bits);
            let k = l.b.ins().f64const(k);
            l.b.ins().fcmp(float_cond(cond), size, k)
        })
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
        (self.without_bias(rotated), slow)
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

    /// Stores a word where `store` says and tells the collector, if it is a box of a number that only this and the barrier behind it
    /// need: a number that fits the word is no pointer, so that what tells is in the cold path that makes an object of it. Whether it is
    /// such a box.
    pub(super) fn store_box(&mut self, v: Val) -> bool {
        let inst = &self.func[v];
        let Some(stored) = inst.args.last().copied().filter(|b| self.single_boxes.contains(b)) else { return false };
        let (base, offset) = match inst.op {
            Op::Store => (self.value(inst.args[0]), offset_of(inst.imm)),
            Op::StoreIndex => {
                let (items, index) = (self.value(inst.args[0]), self.value(inst.args[1]));
                (self.element(items, index), 0)
            }
            // The store has told.
            _ => return true,
        };
        let number = self.func[stored].args[0];
        let x = self.value(number);
        let (fast, slow, helper) = match self.func[stored].op {
            Op::BoxFloat => {
                let (fast, slow) = self.flonum_word(x);
                (fast, slow, Helper::BoxFloat)
            }
            Op::BoxWord => {
                let (fast, slow) = self.word_word(x);
                (fast, slow, Helper::BoxUnsigned)
            }
            _ => {
                let (fast, slow) = self.int_word(x, self.func.interval(number));
                (fast, slow, Helper::BoxInt)
            }
        };
        let (quick, cold, next) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(slow, cold, &[], quick, &[]);
        self.b.switch_to_block(cold);
        let outer = std::mem::replace(&mut self.cold, true);
        let word = self.cold_call(helper, &[x], Some(types::I64)).expect("it has a result");
        self.b.ins().store(flags(), word, base, offset);
        let object = self.value(self.func[v].args[0]);
        match self.func[v].op {
            Op::Store => self.barrier(object, false),
            _ => self.barrier_for_buffer(object),
        }
        self.cold = outer;
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(quick);
        self.b.ins().store(flags(), fast, base, offset);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
        true
    }

    /// The write barrier for a store of a value: none if that is no pointer.
    pub(super) fn barrier_for(&mut self, object: clif::Value, stored: Val, in_heap: bool) {
        let inst = &self.func[stored];
        match inst.op {
            Op::BoxBool => return,
            Op::BoxInt if self.is_small_int(inst.args[0]) => return,
            Op::BoxInt | Op::BoxWord | Op::BoxFloat => {}
            _ => return self.barrier(object, in_heap),
        }
        // A number in a box is seldom a pointer.
        let x = self.value(stored);
        let low = self.b.ins().band_imm_s(x, 7);
        let (barrier, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(barrier);
        self.b.ins().brif(low, next, &[], barrier, &[]);
        self.b.switch_to_block(barrier);
        let outer = std::mem::replace(&mut self.cold, true);
        self.barrier(object, in_heap);
        self.cold = outer;
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    /// As [`Lowering::barrier_for`], for the buffer with these items.
    pub(super) fn barrier_for_items(&mut self, items: clif::Value, stored: Val) {
        let buffer = self.b.ins().iadd_imm_s(items, -(DATA_OFFSET as i64));
        self.barrier_for(buffer, stored, true);
    }

    fn barrier_for_buffer(&mut self, items: clif::Value) {
        let buffer = self.b.ins().iadd_imm_s(items, -(DATA_OFFSET as i64));
        self.barrier(buffer, true);
    }

    /// The write barrier: objects in the heap whose barrier bit is set are remembered.
    fn barrier(&mut self, object: clif::Value, in_heap: bool) {
        let (slow, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        if !in_heap {
            let (base, len) = self.process.reservation;
            let check = self.new_block();
            let base_value = self.word(base as u64);
            let offset = self.b.ins().isub(object, base_value);
            let len = self.word(len as u64);
            let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, offset, len);
            self.b.ins().brif(inside, check, &[], next, &[]);
            self.b.switch_to_block(check);
        }
        // The word of the bitmap with the object's bit; shifting takes the lowest six bits of the bit's number.
        let chunk = self.b.ins().band_imm_s(object, !(CHUNK_BYTES as i64 - 1));
        let words = self.b.ins().ushr_imm_s(object, 10);
        let within = self.b.ins().band_imm_s(words, (CHUNK_BYTES as i64 >> 10) - 1);
        let at = self.element(chunk, within);
        let bits = self.b.ins().load(types::I64, flags(), at, BARRIER_OFFSET as i32);
        let granule = self.b.ins().ushr_imm_s(object, 4);
        let bits = self.b.ins().ushr(bits, granule);
        let set = self.b.ins().band_imm_s(bits, 1);
        self.b.ins().brif(set, slow, &[], next, &[]);
        self.b.switch_to_block(slow);
        self.cold_call(Helper::Remember, &[object], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }
}

/// The word of a constant that fits one.
fn small_constant(func: &Func, v: Val) -> Option<u64> {
    func.as_const_int(v).and_then(Value::try_small).map(|small| small.bits())
}

/// Ints that come in words and that instructions only compare with others of that kind or with small constants: the words are in the same order,
/// so nobody need take the ints out of them.
pub(super) fn compared(func: &Func, rpo: &[BlockId], slots: &Slots) -> HashSet<Val> {
    let is_word = |v: Val| func[v].op == Op::GuardInt || small_constant(func, v).is_some();
    let insts = || rpo.iter().flat_map(|b| &func[*b].insts).filter(|v| !slots.is_unmade(**v));
    let mut found: HashSet<Val> = insts().filter(|v| func[**v].op == Op::GuardInt).copied().collect();
    for v in insts() {
        let inst = &func[*v];
        if inst.op != Op::ICmp || !inst.args.iter().all(|a| is_word(*a)) {
            inst.args.iter().for_each(|a| _ = found.remove(a));
        }
    }
    found
}

/// Boxes of numbers that are stored right into an object or a list and not needed otherwise, but by exits, which make their own.
pub(super) fn single_boxes(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let mut uses = vec![0u32; func.insts.len()];
    let mut home = vec![BlockId(u32::MAX); func.insts.len()];
    for b in rpo {
        func[*b].insts.iter().for_each(|v| home[v.0 as usize] = *b);
        let args =
            func[*b].insts.iter().flat_map(|v| &func[*v].args).chain(func[*b].edges.iter().flat_map(|e| &e.args));
        args.for_each(|a| uses[a.0 as usize] += 1);
    }
    let mut found = HashSet::new();
    for b in rpo {
        let insts = &func[*b].insts;
        for pair in insts.windows(2) {
            let (store, barrier) = (&func[pair[0]], &func[pair[1]]);
            let matched =
                matches!((store.op, barrier.op), (Op::Store, Op::Barrier) | (Op::StoreIndex, Op::BarrierItems))
                    && store.args.last() == barrier.args.last()
                    && store.args[0] == barrier.args[0];
            let Some(v) = store.args.last().copied().filter(|_| matched) else { continue };
            let boxes = matches!(func[v].op, Op::BoxFloat | Op::BoxInt | Op::BoxWord);
            if boxes
                && uses[v.0 as usize] == 2
                && func.as_const_int(func[v].args[0]).is_none()
                && home[v.0 as usize] == *b
            {
                found.insert(v);
            }
        }
    }
    found
}
