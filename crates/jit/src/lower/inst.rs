//! One arm for each IR operation.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_gc::{BARRIER_OFFSET, CHUNK_BYTES};
use taipan_runtime::buffer::DATA_OFFSET;
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::machine_items::ItemKind;
use taipan_runtime::object::FRESH_WORD;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{boolean, float};
use taipan_runtime::value::{INT_MAX, INT_MIN};
use taipan_runtime::{Cx, Object, Value};

use super::{Lowering, flags, machine_type};
use crate::build::ABOVE;
use crate::build::plain::PLAIN_METHOD;
use crate::build::values::offset_of;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{BlockId, Cond, Edge, Op, Type, Val};
use crate::plain;

type Out = Result<Option<clif::Value>, String>;

fn raw_kind(imm: u64) -> ItemKind {
    ItemKind::ALL[(imm >> 32 & 0xff) as usize % ItemKind::ALL.len()]
}

/// The address of the function that a `PyCall` with this immediate calls.
pub(super) fn callee_of(imm: u64) -> u64 {
    imm & 0xffff_ffff_ffff
}

/// Doubles represent ints exactly up to this.
const EXACT: i64 = 1 << 53;
const FLONUM_BIAS: i64 = 1 << 60;
const FLONUM_ZERO: i64 = 2;

fn int_cond(cond: Cond) -> IntCC {
    match cond {
        Cond::Lt => IntCC::SignedLessThan,
        Cond::Le => IntCC::SignedLessThanOrEqual,
        Cond::Eq => IntCC::Equal,
        Cond::Ne => IntCC::NotEqual,
        Cond::Gt => IntCC::SignedGreaterThan,
        Cond::Ge => IntCC::SignedGreaterThanOrEqual,
    }
}

fn float_cond(cond: Cond) -> FloatCC {
    match cond {
        Cond::Lt => FloatCC::LessThan,
        Cond::Le => FloatCC::LessThanOrEqual,
        Cond::Eq => FloatCC::Equal,
        Cond::Ne => FloatCC::NotEqual,
        Cond::Gt => FloatCC::GreaterThan,
        Cond::Ge => FloatCC::GreaterThanOrEqual,
    }
}

impl Lowering<'_> {
    /// Lowers an instruction; its value, if it has one.
    pub(super) fn inst(&mut self, block: BlockId, v: Val) -> Out {
        let inst = &self.func[v];
        let imm = inst.imm;
        let a: Vec<clif::Value> = inst.args.iter().map(|a| self.value(*a)).collect();
        Ok(Some(match inst.op {
            Op::Param => return Ok(self.values[v.0 as usize]),
            Op::ConstInt | Op::ConstVal | Op::ConstWord => self.word(imm),
            Op::ConstFloat => self.b.ins().f64const(f64::from_bits(imm)),
            Op::ConstBool => self.b.ins().iconst(types::I8, (imm != 0) as i64),
            Op::LoadReg => {
                let (base, offset) = self.register(imm);
                self.b.ins().load(types::I64, flags(), base, offset)
            }
            Op::StoreReg => {
                let x = a[0];
                let (base, offset) = self.register(imm);
                self.b.ins().store(flags(), x, base, offset);
                return Ok(None);
            }
            Op::RegAddress => {
                let (base, offset) = self.register(imm);
                self.b.ins().iadd_imm_s(base, offset as i64)
            }
            Op::AddOv | Op::SubOv | Op::MulOv => self.checked(v, a[0], a[1]),
            Op::Add => self.b.ins().iadd(a[0], a[1]),
            Op::Sub => self.b.ins().isub(a[0], a[1]),
            Op::Mul => self.b.ins().imul(a[0], a[1]),
            Op::FloorDiv => self.floor_div(v, a[0], a[1]).0,
            Op::FloorMod => self.floor_div(v, a[0], a[1]).1,
            Op::DivConst => self.div_const(a[0], imm as i64).0,
            Op::ModConst => self.div_const(a[0], imm as i64).1,
            Op::And => self.b.ins().band(a[0], a[1]),
            Op::Or => self.b.ins().bor(a[0], a[1]),
            Op::Xor => self.b.ins().bxor(a[0], a[1]),
            Op::Shl => self.b.ins().ishl(a[0], a[1]),
            Op::UShr => self.b.ins().ushr(a[0], a[1]),
            Op::ShlOv => self.shift_left(v, a[0], a[1]),
            Op::Shr => self.shift_right(v, a[0], a[1]),
            Op::ICmp => {
                let cond = int_cond(Cond::from_imm(imm));
                self.b.ins().icmp(cond, a[0], a[1])
            }
            Op::ULt => self.b.ins().icmp(IntCC::UnsignedLessThan, a[0], a[1]),
            Op::Address => self.b.ins().iadd_imm_s(a[0], imm as i64),
            Op::Select | Op::SelectVal | Op::SelectWord => self.b.ins().select(a[0], a[1], a[2]),
            Op::FAdd => self.b.ins().fadd(a[0], a[1]),
            Op::FSub => self.b.ins().fsub(a[0], a[1]),
            Op::FMul => self.b.ins().fmul(a[0], a[1]),
            Op::FDiv => {
                let (x, y) = (a[0], a[1]);
                if !self.is_nonzero_float(inst.args[1]) {
                    let zero = self.b.ins().f64const(0.0);
                    let ok = self.b.ins().fcmp(FloatCC::NotEqual, y, zero);
                    self.guard(v, ok);
                }
                self.b.ins().fdiv(x, y)
            }
            Op::FNeg => self.b.ins().fneg(a[0]),
            Op::FAbs => self.b.ins().fabs(a[0]),
            Op::FSqrt => {
                let x = a[0];
                let zero = self.b.ins().f64const(0.0);
                let ok = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, x, zero);
                self.guard(v, ok);
                self.b.ins().sqrt(x)
            }
            Op::FCmp => {
                let cond = float_cond(Cond::from_imm(imm));
                self.b.ins().fcmp(cond, a[0], a[1])
            }
            Op::IntToFloat => self.b.ins().fcvt_from_sint(types::F64, a[0]),
            Op::FloatToInt => self.float_to_int(v, a[0]),
            Op::BoolToInt => self.b.ins().uextend(types::I64, a[0]),
            Op::BoolOr => self.b.ins().bor(a[0], a[1]),
            Op::ClassWord => self.class_word(a[0]),
            Op::BoolNot => self.b.ins().bxor_imm_s(a[0], 1),
            Op::WordEq | Op::ValEq => self.b.ins().icmp(IntCC::Equal, a[0], a[1]),
            Op::Is => self.is(a[0], a[1]),
            Op::IsConst => self.b.ins().icmp_imm_s(IntCC::Equal, a[0], imm as i64),
            Op::IsClass => self.is_class(a[0], imm),
            Op::BoxInt => self.box_int(inst.args[0]),
            Op::Maybe => self.maybe(a[0], inst.args[1]),
            Op::BoxWord => self.box_word(a[0]),
            Op::GuardBits => self.guard_bits(v, a[0]),
            Op::BoxFloat => self.box_float(a[0]),
            Op::BoxBool => self.box_bool(a[0]),
            Op::GuardInt => {
                let x = a[0];
                let low = self.b.ins().band_imm_s(x, 1);
                self.guard(v, low);
                self.b.ins().sshr_imm_s(x, 1)
            }
            Op::GuardFloat => self.guard_float(v, a[0]),
            Op::GuardNumber => self.guard_number(v, a[0], false),
            Op::GuardExact => self.guard_number(v, a[0], true),
            Op::UntagInt => self.b.ins().sshr_imm_s(a[0], 1),
            Op::IsSmall => {
                let low = self.b.ins().band_imm_s(a[0], 1);
                self.b.ins().ireduce(types::I8, low)
            }
            Op::BoolAnd => self.b.ins().band(a[0], a[1]),
            Op::GuardBool => {
                let x = a[0];
                let yes = self.b.ins().icmp_imm_s(IntCC::Equal, x, Value::bool(true).bits() as i64);
                let no = self.b.ins().icmp_imm_s(IntCC::Equal, x, Value::bool(false).bits() as i64);
                let ok = self.b.ins().bor(yes, no);
                self.guard(v, ok);
                yes
            }
            Op::GuardClass => {
                let x = a[0];
                self.guard_class(v, x, imm);
                x
            }
            Op::AssumeClass => a[0],
            Op::GuardConst => {
                let x = a[0];
                let ok = self.b.ins().icmp_imm_s(IntCC::Equal, x, imm as i64);
                self.guard(v, ok);
                x
            }
            Op::GuardBound => {
                let x = a[0];
                let ok = self.b.ins().icmp_imm_s(IntCC::NotEqual, x, 0);
                self.guard(v, ok);
                x
            }
            Op::Guard => {
                let ok = a[0];
                self.guard(v, ok);
                return Ok(None);
            }
            Op::GuardBranch => {
                self.guard_surely(v, a[0]);
                return Ok(None);
            }
            Op::GuardWord => {
                let ok = self.b.ins().icmp_imm_s(IntCC::Equal, a[0], imm as i64);
                self.guard(v, ok);
                return Ok(None);
            }
            Op::GuardPlain => {
                let ok = self.b.ins().icmp_imm_s(IntCC::NotEqual, a[0], plain::NOT_PLAIN as i64);
                self.guard_surely(v, ok);
                return Ok(None);
            }
            Op::GuardIndex => {
                let ok = self.b.ins().icmp(IntCC::UnsignedLessThan, a[0], a[1]);
                self.guard(v, ok);
                return Ok(None);
            }
            Op::Load => self.b.ins().load(machine_type(inst.ty), flags(), a[0], offset_of(imm)),
            Op::Store => {
                let (p, x) = (a[0], a[1]);
                self.b.ins().store(flags(), x, p, offset_of(imm));
                return Ok(None);
            }
            Op::LoadIndex => {
                let p = self.element(a[0], a[1]);
                self.b.ins().load(types::I64, flags(), p, 0)
            }
            Op::StoreIndex => {
                let p = self.element(a[0], a[1]);
                let x = a[2];
                self.b.ins().store(flags(), x, p, 0);
                return Ok(None);
            }
            Op::LoadIndexAt => {
                let p = self.element(a[0], a[1]);
                self.b.ins().load(types::I64, flags(), p, offset_of(imm))
            }
            Op::LoadRaw => self.load_raw(a[0], a[1], imm),
            Op::StoreRaw => {
                self.store_raw(a[0], a[1], a[2], imm);
                return Ok(None);
            }
            Op::LoadStatic => {
                let p = self.word(imm);
                self.b.ins().load(machine_type(inst.ty), flags(), p, 0)
            }
            Op::Barrier => {
                self.barrier_for(a[0], inst.args[1]);
                return Ok(None);
            }
            Op::BarrierItems => {
                let x = self.b.ins().iadd_imm_s(a[0], -(DATA_OFFSET as i64));
                self.barrier_for(x, inst.args[1]);
                return Ok(None);
            }
            Op::Alloc => self.alloc((imm >> 48) as usize, imm & 0xffff_ffff_ffff),
            Op::ListAppend => {
                self.list_append(a[0], a[1]);
                return Ok(None);
            }
            Op::NewInstance => self.new_instance(imm, &a),
            Op::NewTuple => self.new_tuple(&a),
            Op::NewList => self.new_list(&a),
            Op::StorePc => {
                let pc = self.word(imm);
                self.b.ins().store(flags(), pc, self.frame, std::mem::offset_of!(Frame, pc) as i32);
                return Ok(None);
            }
            Op::CheckGlobals => {
                let at = std::mem::offset_of!(Frame, globals) as i32;
                let globals = self.b.ins().load(types::I64, flags(), self.frame, at);
                let ok = self.b.ins().icmp_imm_s(IntCC::Equal, globals, imm as i64);
                self.guard(v, ok);
                return Ok(None);
            }
            Op::CheckValid => {
                let p = self.word(self.process.valid);
                let ok = self.b.ins().load(types::I8, flags(), p, 0);
                self.guard(v, ok);
                return Ok(None);
            }
            Op::CheckInterrupt => {
                let p = self.word(self.process.interrupt);
                let flag = self.b.ins().load(types::I8, flags(), p, 0);
                let ok = self.b.ins().icmp_imm_s(IntCC::Equal, flag, 0);
                self.guard(v, ok);
                return Ok(None);
            }
            Op::Call => return self.helper_call(v),
            Op::CallPlain => self.call_plain(v, &a),
            Op::PyCall => self.py_call(v),
            Op::Jump => {
                let edge = &self.func[block].edges[0];
                let (to, args) = self.target(edge);
                self.b.ins().jump(to, &args);
                return Ok(None);
            }
            Op::Branch => {
                let cond = a[0];
                let [yes, no] = [0, 1].map(|i| self.target(&self.func[block].edges[i]));
                self.b.ins().brif(cond, yes.0, &yes.1, no.0, &no.1);
                return Ok(None);
            }
            Op::Yield => {
                self.leave_generator(v, a[0], Some(imm));
                return Ok(None);
            }
            Op::Finish => {
                self.leave_generator(v, a[0], None);
                return Ok(None);
            }
            Op::Return => {
                let x = a[0];
                self.b.ins().return_(&[x]);
                return Ok(None);
            }
            Op::Exit => {
                let to = self.exit_block(v);
                self.b.ins().jump(to, &[]);
                return Ok(None);
            }
        }))
    }

    /// Where a register is: (base, byte offset).
    fn register(&self, imm: u64) -> (clif::Value, i32) {
        let base = if imm & ABOVE != 0 { self.above } else { self.regs };
        (base, (imm & !ABOVE) as i32 * 8)
    }

    fn target(&self, edge: &Edge) -> (clif::Block, Vec<BlockArg>) {
        (self.block(edge.to), edge.args.iter().map(|a| BlockArg::Value(self.value(*a))).collect())
    }

    fn is_nonzero_float(&self, v: Val) -> bool {
        self.func[v].op == Op::ConstFloat && f64::from_bits(self.func[v].imm) != 0.0
    }

    fn element(&mut self, base: clif::Value, index: clif::Value) -> clif::Value {
        let offset = self.b.ins().ishl_imm_s(index, 3);
        self.b.ins().iadd(base, offset)
    }

    fn raw_element(&mut self, base: clif::Value, index: clif::Value, kind: ItemKind) -> clif::Value {
        let offset = self.b.ins().ishl_imm_s(index, kind.shift() as i64);
        self.b.ins().iadd(base, offset)
    }

    fn load_raw(&mut self, base: clif::Value, index: clif::Value, imm: u64) -> clif::Value {
        let (kind, at) = (raw_kind(imm), imm as u32 as i32);
        let p = self.raw_element(base, index, kind);
        let ins = self.b.ins();
        match kind {
            ItemKind::I8 => ins.sload8(types::I64, flags(), p, at),
            ItemKind::U8 => ins.uload8(types::I64, flags(), p, at),
            ItemKind::I16 => ins.sload16(types::I64, flags(), p, at),
            ItemKind::U16 => ins.uload16(types::I64, flags(), p, at),
            ItemKind::I32 => ins.sload32(flags(), p, at),
            ItemKind::U32 => ins.uload32(flags(), p, at),
            ItemKind::I64 => ins.load(types::I64, flags(), p, at),
            ItemKind::F32 => {
                let x = ins.load(types::F32, flags(), p, at);
                self.b.ins().fpromote(types::F64, x)
            }
            ItemKind::F64 => ins.load(types::F64, flags(), p, at),
        }
    }

    fn store_raw(&mut self, base: clif::Value, index: clif::Value, x: clif::Value, imm: u64) {
        let (kind, at) = (raw_kind(imm), imm as u32 as i32);
        let p = self.raw_element(base, index, kind);
        match kind {
            ItemKind::I8 | ItemKind::U8 => self.b.ins().istore8(flags(), x, p, at),
            ItemKind::I16 | ItemKind::U16 => self.b.ins().istore16(flags(), x, p, at),
            ItemKind::I32 | ItemKind::U32 => self.b.ins().istore32(flags(), x, p, at),
            ItemKind::I64 | ItemKind::F64 => self.b.ins().store(flags(), x, p, at),
            ItemKind::F32 => {
                let x = self.b.ins().fdemote(types::F32, x);
                self.b.ins().store(flags(), x, p, at)
            }
        };
    }

    fn checked(&mut self, v: Val, x: clif::Value, y: clif::Value) -> clif::Value {
        let inst = &self.func[v];
        // A check against a constant is a compare, which Cranelift fuses with the branch.
        if let Some(k) = self.func.as_const_int(inst.args[1])
            && inst.op != Op::MulOv
        {
            let add = inst.op == Op::AddOv;
            let (limit, cond) = match (k >= 0, add) {
                (true, true) => (i64::MAX - k, IntCC::SignedLessThanOrEqual),
                (false, true) => (i64::MIN - k, IntCC::SignedGreaterThanOrEqual),
                (true, false) => (i64::MIN + k, IntCC::SignedGreaterThanOrEqual),
                (false, false) => (i64::MAX + k, IntCC::SignedLessThanOrEqual),
            };
            let limit = self.word(limit as u64);
            let ok = self.b.ins().icmp(cond, x, limit);
            self.guard(v, ok);
            return if add { self.b.ins().iadd(x, y) } else { self.b.ins().isub(x, y) };
        }
        let (r, overflow) = match inst.op {
            Op::AddOv => self.b.ins().sadd_overflow(x, y),
            Op::SubOv => self.b.ins().ssub_overflow(x, y),
            _ => self.b.ins().smul_overflow(x, y),
        };
        let ok = self.b.ins().icmp_imm_s(IntCC::Equal, overflow, 0);
        self.guard(v, ok);
        r
    }

    /// Quotient and remainder as Python rounds them.
    fn floor_div(&mut self, v: Val, x: clif::Value, y: clif::Value) -> (clif::Value, clif::Value) {
        // 0 and -1: y + 1 is 1 or 0.
        let next = self.b.ins().iadd_imm_s(y, 1);
        let ok = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, next, 1);
        self.guard(v, ok);
        let q = self.b.ins().sdiv(x, y);
        let product = self.b.ins().imul(q, y);
        let r = self.b.ins().isub(x, product);
        // The remainder takes the divisor's sign.
        let signs = self.b.ins().bxor(r, y);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, r, 0);
        let fix = self.b.ins().band(differ, some);
        let (q1, r1) = (self.b.ins().iadd_imm_s(q, -1), self.b.ins().iadd(r, y));
        (self.b.ins().select(fix, q1, q), self.b.ins().select(fix, r1, r))
    }

    fn div_const(&mut self, x: clif::Value, k: i64) -> (clif::Value, clif::Value) {
        if k & (k - 1) == 0 {
            let q = self.b.ins().sshr_imm_s(x, k.trailing_zeros() as i64);
            let r = self.b.ins().band_imm_s(x, k - 1);
            return (q, r);
        }
        let k_value = self.word(k as u64);
        let q = self.b.ins().sdiv(x, k_value);
        let product = self.b.ins().imul(q, k_value);
        let r = self.b.ins().isub(x, product);
        // The remainder of a negative number is negative or 0.
        let sign = self.b.ins().sshr_imm_s(r, 63);
        let add = self.b.ins().band(sign, k_value);
        (self.b.ins().iadd(q, sign), self.b.ins().iadd(r, add))
    }

    fn shift_left(&mut self, v: Val, x: clif::Value, n: clif::Value) -> clif::Value {
        let in_range = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, n, 63);
        self.guard(v, in_range);
        let r = self.b.ins().ishl(x, n);
        let back = self.b.ins().sshr(r, n);
        let ok = self.b.ins().icmp(IntCC::Equal, back, x);
        self.guard(v, ok);
        r
    }

    fn shift_right(&mut self, v: Val, x: clif::Value, n: clif::Value) -> clif::Value {
        if let Some(k) = self.func.as_const_int(self.func[v].args[1])
            && k >= 0
        {
            return self.b.ins().sshr_imm_s(x, k.min(63));
        }
        let ok = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, n, 0);
        self.guard(v, ok);
        let most = self.word(63);
        let n = self.b.ins().umin(n, most);
        self.b.ins().sshr(x, n)
    }

    fn float_to_int(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let size = self.b.ins().fabs(x);
        let limit = self.b.ins().f64const(4.0e18);
        let ok = self.b.ins().fcmp(FloatCC::LessThan, size, limit);
        self.guard(v, ok);
        self.b.ins().fcvt_to_sint_sat(types::I64, x)
    }

    /// A value that is computed in a cold block where `slow` holds, else is `fast`.
    fn cold_path(
        &mut self,
        slow: clif::Value,
        fast: clif::Value,
        ty: clif::Type,
        f: impl FnOnce(&mut Self) -> clif::Value,
    ) -> clif::Value {
        let (cold, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        let result = self.b.append_block_param(next, ty);
        self.b.ins().brif(slow, cold, &[], next, &[BlockArg::Value(fast)]);
        self.b.switch_to_block(cold);
        let v = f(self);
        self.b.ins().jump(next, &[BlockArg::Value(v)]);
        self.b.switch_to_block(next);
        result
    }

    fn is(&mut self, x: clif::Value, y: clif::Value) -> clif::Value {
        let same = self.b.ins().icmp(IntCC::Equal, x, y);
        let differ = self.b.ins().bxor_imm_s(same, 1);
        // Only two pointers to heap numbers can be identical without being equal words.
        let either = self.b.ins().bor(x, y);
        let low = self.b.ins().band_imm_s(either, 7);
        let pointers = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        let slow = self.b.ins().band(differ, pointers);
        self.cold_path(slow, same, types::I8, |l| {
            let address = Helper::IsSlow.row().address;
            let cx = l.cx;
            let r = l.call(address, &[cx, x, y], Some(types::I64)).expect("it has a result");
            l.b.ins().ireduce(types::I8, r)
        })
    }

    fn class_word(&mut self, x: clif::Value) -> clif::Value {
        let (check, next) = (self.b.create_block(), self.b.create_block());
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

    fn is_class(&mut self, x: clif::Value, class: u64) -> clif::Value {
        let (check, next) = (self.b.create_block(), self.b.create_block());
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
    fn guard_heap_float(&mut self, v: Val, x: clif::Value) {
        let bound = self.b.ins().icmp_imm_s(IntCC::NotEqual, x, 0);
        self.guard(v, bound);
        self.guard_class(v, x, &raw const float::FLOAT as u64);
    }

    fn guard_class(&mut self, v: Val, x: clif::Value, class: u64) {
        let low = self.b.ins().band_imm_s(x, 7);
        let pointer = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
        self.guard(v, pointer);
        let word = self.b.ins().load(types::I64, flags(), x, 8);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, word, class as i64);
        self.guard(v, same);
    }

    fn box_int(&mut self, v: Val) -> clif::Value {
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
            l.call(Helper::BoxInt.row().address, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    fn maybe(&mut self, bound: clif::Value, number: Val) -> clif::Value {
        let x = self.value(number);
        let boxed = match self.func[number].ty {
            Type::Int => self.box_int(number),
            Type::Float => self.box_float(x),
            _ => self.box_bool(x),
        };
        let unbound = self.word(0);
        self.b.ins().select(bound, boxed, unbound)
    }

    fn box_word(&mut self, x: clif::Value) -> clif::Value {
        let twice = self.b.ins().ishl_imm_s(x, 1);
        let fast = self.b.ins().bor_imm_s(twice, 1);
        let slow = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, x, INT_MAX);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            l.call(Helper::BoxUnsigned.row().address, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    fn guard_bits(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let small = self.b.ins().band_imm_s(x, 1);
        let fast = self.b.ins().sshr_imm_s(x, 1);
        let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, fast, 0);
        let large = self.b.ins().icmp_imm_s(IntCC::Equal, small, 0);
        let slow = self.b.ins().bor(negative, large);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            let fits = Helper::FitsUnsigned.row().address;
            let ok = l.call(fits, &[cx, x], Some(types::I64)).expect("it has a result");
            l.guard(v, ok);
            l.call(Helper::UnboxUnsigned.row().address, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    /// Whether an int obviously fits 63 bits.
    fn is_small_int(&self, v: Val) -> bool {
        let inst = &self.func[v];
        match inst.op {
            Op::GuardInt | Op::BoolToInt => true,
            Op::ConstInt => (INT_MIN..=INT_MAX).contains(&(inst.imm as i64)),
            Op::ModConst => true,
            Op::And => inst.args.iter().any(|a| self.func.as_const_int(*a).is_some_and(|k| (0..=INT_MAX).contains(&k))),
            _ => false,
        }
    }

    fn box_float(&mut self, x: clif::Value) -> clif::Value {
        let bits = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), x);
        let biased = self.b.ins().iadd_imm_s(bits, FLONUM_BIAS);
        let fast = self.b.ins().rotl_imm_s(biased, 3);
        let low = self.b.ins().band_imm_s(fast, 3);
        let tagged = self.b.ins().icmp_imm_s(IntCC::NotEqual, low, 2);
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, fast, FLONUM_ZERO);
        let slow = self.b.ins().bor(tagged, zero);
        self.cold_path(slow, fast, types::I64, |l| {
            let cx = l.cx;
            l.call(Helper::BoxFloat.row().address, &[cx, x], Some(types::I64)).expect("it has a result")
        })
    }

    fn box_bool(&mut self, x: clif::Value) -> clif::Value {
        let (yes, no) = (&raw const boolean::TRUE as u64, &raw const boolean::FALSE as u64);
        let (yes, no) = (self.word(yes), self.word(no));
        self.b.ins().select(x, yes, no)
    }

    /// The double of a word with a flonum's tag.
    fn flonum(&mut self, x: clif::Value) -> clif::Value {
        let rotated = self.b.ins().rotr_imm_s(x, 3);
        let bits = self.b.ins().iadd_imm_s(rotated, -FLONUM_BIAS);
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, x, FLONUM_ZERO);
        let nothing = self.word(0);
        let bits = self.b.ins().select(zero, nothing, bits);
        self.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), bits)
    }

    fn guard_float(&mut self, v: Val, x: clif::Value) -> clif::Value {
        let low = self.b.ins().band_imm_s(x, 3);
        let boxed = self.b.ins().icmp_imm_s(IntCC::NotEqual, low, 2);
        let fast = self.flonum(x);
        self.cold_path(boxed, fast, types::F64, |l| {
            l.guard_heap_float(v, x);
            l.b.ins().load(types::F64, flags(), x, 16)
        })
    }

    fn guard_number(&mut self, v: Val, x: clif::Value, exact: bool) -> clif::Value {
        let low = self.b.ins().band_imm_s(x, 3);
        let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, low, 2);
        let fast = self.flonum(x);
        self.cold_path(other, fast, types::F64, |l| {
            let (heap, next) = (l.b.create_block(), l.b.create_block());
            let result = l.b.append_block_param(next, types::F64);
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
    fn barrier_for(&mut self, object: clif::Value, stored: Val) {
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
        let (barrier, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(barrier);
        self.b.ins().brif(low, next, &[], barrier, &[]);
        self.b.switch_to_block(barrier);
        self.barrier(object);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    /// The write barrier: objects in the heap whose barrier bit is set are remembered.
    fn barrier(&mut self, object: clif::Value) {
        let (base, len) = self.process.reservation;
        let (check, slow, next) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
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
        self.call(Helper::Remember.row().address, &[cx, object], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    /// Zeroed memory for an object, with its header written.
    fn alloc(&mut self, size: usize, class: u64) -> clif::Value {
        let p = self.alloc_raw(size);
        let word = self.word(FRESH_WORD);
        self.b.ins().store(flags(), word, p, 0);
        let class = self.word(class);
        self.b.ins().store(flags(), class, p, 8);
        p
    }

    fn alloc_raw(&mut self, size: usize) -> clif::Value {
        let cell = (size + 15) & !15;
        let cx = self.cx;
        let size_value = self.word(size as u64);
        let slow_address = Helper::AllocSlow.row().address;
        if cell > 512 {
            return self.call(slow_address, &[cx, size_value], Some(types::I64)).expect("it has a result");
        }
        let bump = self.word(self.process.heap + (cell as u64 >> 4) * 16);
        let p = self.b.ins().load(types::I64, flags(), bump, 0);
        let end = self.b.ins().load(types::I64, flags(), bump, 8);
        let next = self.b.ins().iadd_imm_s(p, cell as i64);
        let (fast, slow, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(done, types::I64);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, next, end);
        self.b.ins().brif(fits, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        self.b.ins().store(flags(), next, bump, 0);
        self.b.ins().jump(done, &[BlockArg::Value(p)]);
        self.b.switch_to_block(slow);
        let q = self.call(slow_address, &[cx, size_value], Some(types::I64)).expect("it has a result");
        self.b.ins().jump(done, &[BlockArg::Value(q)]);
        self.b.switch_to_block(done);
        result
    }

    fn new_instance(&mut self, number: u64, values: &[clif::Value]) -> clif::Value {
        let desc = &self.func.instances[number as usize];
        let p = self.alloc(desc.size as usize, desc.class);
        if desc.shape != 0 {
            let shape = self.word(desc.shape);
            self.b.ins().store(flags(), shape, p, desc.shape_offset as i32);
        }
        for (offset, value) in desc.offsets.iter().zip(values) {
            self.b.ins().store(flags(), *value, p, *offset as i32);
        }
        p
    }

    fn new_tuple(&mut self, items: &[clif::Value]) -> clif::Value {
        let p = self.alloc(32 + 8 * items.len(), Tuple::class() as *const _ as u64);
        let n = self.word(items.len() as u64);
        self.b.ins().store(flags(), n, p, 16);
        let no_hash = self.word(u64::MAX);
        self.b.ins().store(flags(), no_hash, p, 24);
        for (i, item) in items.iter().enumerate() {
            self.b.ins().store(flags(), *item, p, 32 + 8 * i as i32);
        }
        p
    }

    fn new_list(&mut self, items: &[clif::Value]) -> clif::Value {
        if items.is_empty() {
            return self.alloc(40, List::class() as *const _ as u64);
        }
        // The items lie on the native stack for the helper to copy; the collector sees them there.
        let at = self.on_stack(items);
        let n = self.word(items.len() as u64);
        let cx = self.cx;
        self.call(Helper::NewList.row().address, &[cx, at, n], Some(types::I64)).expect("it has a result")
    }

    fn list_append(&mut self, list: clif::Value, item: clif::Value) {
        let n = self.b.ins().load(types::I64, flags(), list, 16);
        let items = self.b.ins().load(types::I64, flags(), list, 24);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let (fast, slow, next) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let room = self.b.ins().icmp(IntCC::UnsignedLessThan, n, capacity);
        self.b.ins().brif(room, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        let p = self.element(items, n);
        self.b.ins().store(flags(), item, p, 0);
        let more = self.b.ins().iadd_imm_s(n, 1);
        self.b.ins().store(flags(), more, list, 16);
        let buffer = self.b.ins().iadd_imm_s(items, -(DATA_OFFSET as i64));
        self.barrier(buffer);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(slow);
        let cx = self.cx;
        self.call(Helper::ListAppend.row().address, &[cx, list, item], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    fn helper_call(&mut self, v: Val) -> Out {
        let inst = &self.func[v];
        let row = Helper::from_imm(inst.imm).row();
        let mut args = vec![self.cx];
        args.extend(inst.args.iter().map(|a| self.value(*a)));
        let ty = match inst.ty {
            Type::Void => None,
            ty => Some(machine_type(ty)),
        };
        let pushed = if row.python { self.push_inlined(v) } else { 0 };
        if Helper::from_imm(inst.imm) == Helper::Catch {
            let n = self.word(pushed as u64);
            args.push(n);
        }
        let result = self.call(row.address, &args, ty);
        if Helper::from_imm(inst.imm) == Helper::Catch {
            self.top_frame = self.frame;
        } else {
            self.pop_inlined(pushed);
        }
        if row.raises
            && let Some(r) = result
        {
            self.raised(v, r);
        }
        Ok(result)
    }

    /// A call of a built-in function or method, whose arguments lie on the native stack; the collector sees them there.
    fn call_plain(&mut self, v: Val, args: &[clif::Value]) -> clif::Value {
        let imm = self.func[v].imm;
        let address = if imm & PLAIN_METHOD != 0 {
            plain::call_method as *const () as usize
        } else {
            plain::call_function as *const () as usize
        };
        let at = self.on_stack(args);
        let (callee, n) = (self.word(imm & 0xffff_ffff_ffff), self.word(args.len() as u64));
        let needs = self.word(imm >> 49);
        let cx = self.cx;
        let result = self.call(address, &[cx, callee, at, n, needs], Some(types::I64)).expect("it has a result");
        self.raised(v, result);
        result
    }

    /// Suspends the generator frame and returns a value to the native code that resumed it.
    /// Gives a value to whoever resumed the generator: it is suspended at a pc, or finished.
    fn leave_generator(&mut self, v: Val, value: clif::Value, pc: Option<u64>) {
        let at = std::mem::offset_of!(Frame, flags) as i32;
        let word = self.b.ins().load(types::I32, flags(), self.frame, at);
        let native = self.b.ins().band_imm_s(word, flag::NATIVE as i64);
        let (exit, go) = (self.exit_block(v), self.b.create_block());
        self.b.ins().brif(native, go, &[], exit, &[]);
        self.b.switch_to_block(go);
        let helper = match pc {
            Some(pc) => {
                let pc = self.word(pc);
                self.b.ins().store(flags(), pc, self.frame, std::mem::offset_of!(Frame, pc) as i32);
                Helper::Suspend
            }
            None => Helper::Finish,
        };
        let cx = self.cx;
        self.call(helper.row().address, &[cx], None);
        self.b.ins().return_(&[value]);
    }

    /// Puts values on the native stack; their address.
    fn on_stack(&mut self, items: &[clif::Value]) -> clif::Value {
        let bytes = 8 * items.len().max(1) as u32;
        let slot =
            self.b.create_sized_stack_slot(clif::StackSlotData::new(clif::StackSlotKind::ExplicitSlot, bytes, 3));
        for (i, item) in items.iter().enumerate() {
            self.b.ins().stack_store(types::I64, *item, slot, 8 * i as i32);
        }
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// Leaves if a helper's result is 0. Not subject to stress: what the helper did cannot be done again.
    fn raised(&mut self, v: Val, result: clif::Value) {
        if self.func[v].reason == Reason::Caught as u8 {
            return;
        }
        let exit = self.exit_block(v);
        let next = self.b.create_block();
        self.b.ins().brif(result, next, &[], exit, &[]);
        self.b.switch_to_block(next);
    }

    /// A call of a Python function whose compiled code, if it has some, is entered directly.
    fn py_call(&mut self, v: Val) -> clif::Value {
        let inst = &self.func[v];
        let pushed = self.push_inlined(v);
        let (base, offset) = self.register(inst.imm >> 48);
        let window = self.b.ins().iadd_imm_s(base, offset as i64);
        let callee = self.value(inst.args[0]);
        let cx = self.cx;
        // SAFETY: the builder put a function there that the unit keeps alive.
        let function = unsafe { &*(callee_of(inst.imm) as *const Function) };
        let code = self.callees.code(callee_of(inst.imm));
        let count = self.word(code.argcount as u64);
        let call = |l: &mut Self| {
            let address = Helper::CallFunction.row().address;
            l.call(address, &[cx, callee, window, count], Some(types::I64)).expect("it has a result")
        };
        let (direct, slow, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(done, types::I64);
        let cell = self.word(&raw const code.native as u64);
        let entry = self.b.ins().load(types::I64, flags(), cell, 0);
        self.b.ins().brif(entry, direct, &[], slow, &[]);
        self.b.switch_to_block(slow);
        let r = call(self);
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(direct);
        let r = self.enter(function, callee, code, window, entry, slow);
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(done);
        self.pop_inlined(pushed);
        self.raised(v, result);
        result
    }

    /// Pushes a frame and calls compiled code; goes to `slow` where a limit is near.
    fn enter(
        &mut self,
        function: &'static Function,
        callee: clif::Value,
        code: &'static CodeObject,
        window: clif::Value,
        entry: clif::Value,
        slow: clif::Block,
    ) -> clif::Value {
        let (cx, frame) = (self.cx, self.top_frame);
        let cx_at = |offset: usize| offset as i32;
        let depth_at = cx_at(std::mem::offset_of!(Cx, depth));
        let depth = self.b.ins().load(types::I64, flags(), cx, depth_at);
        let limit_at = self.word(self.process.recursion_limit);
        let limit = self.b.ins().load(types::I64, flags(), limit_at, 0);
        let shallow = self.b.ins().icmp(IntCC::UnsignedLessThan, depth, limit);
        let stack = self.b.ins().get_stack_pointer(types::I64);
        let native = self.b.ins().load(types::I64, flags(), cx, cx_at(std::mem::offset_of!(Cx, native_limit)));
        let enough = self.b.ins().icmp(IntCC::UnsignedGreaterThan, stack, native);
        let next_at =
            cx_at(std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(taipan_runtime::frame::Stack, next_frame));
        let regs_end_at =
            cx_at(std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(taipan_runtime::frame::Stack, regs_end));
        let new = self.b.ins().load(types::I64, flags(), cx, next_at);
        let regs_end = self.b.ins().load(types::I64, flags(), cx, regs_end_at);
        let need = (code.nregs() + taipan_runtime::frame::WINDOW_MAX) as i64 * 8;
        let window_end = self.b.ins().iadd_imm_s(window, need);
        let room = self.b.ins().icmp(IntCC::UnsignedLessThan, window_end, regs_end);
        let ok = self.b.ins().band(shallow, enough);
        let ok = self.b.ins().band(ok, room);
        let go = self.b.create_block();
        self.b.ins().brif(ok, go, &[], slow, &[]);
        self.b.switch_to_block(go);
        let put = |l: &mut Self, offset: usize, value: clif::Value| {
            l.b.ins().store(flags(), value, new, offset as i32);
        };
        let top = self.b.ins().iadd_imm_s(window, code.nregs() as i64 * 8);
        let zero = self.word(0);
        let fields = [
            (std::mem::offset_of!(Frame, code), code as *const _ as u64),
            (std::mem::offset_of!(Frame, pc), code.words_ptr() as u64),
            (std::mem::offset_of!(Frame, globals), function.globals as *const _ as u64),
            (std::mem::offset_of!(Frame, builtins), function.builtins as *const _ as u64),
            (std::mem::offset_of!(Frame, flags), (flag::ENTRY | flag::NATIVE) as u64),
        ];
        for (offset, value) in fields {
            let value = self.word(value);
            put(self, offset, value);
        }
        put(self, std::mem::offset_of!(Frame, function), callee);
        put(self, std::mem::offset_of!(Frame, regs), window);
        put(self, std::mem::offset_of!(Frame, prev), frame);
        put(self, std::mem::offset_of!(Frame, top), top);
        put(self, std::mem::offset_of!(Frame, result), window);
        put(self, std::mem::offset_of!(Frame, locals), zero);
        put(self, std::mem::offset_of!(Frame, object), zero);
        put(self, std::mem::offset_of!(Frame, receiver), zero);
        if code.nfrees > 0 {
            let closure =
                self.b.ins().load(types::I64, flags(), callee, std::mem::offset_of!(Function, closure) as i32);
            for i in 0..code.nfrees as i32 {
                let cell = self.b.ins().load(types::I64, flags(), closure, 32 + 8 * i);
                let at = (code.nlocals + code.ncells) as i32 + i;
                self.b.ins().store(flags(), cell, window, at * 8);
            }
        }
        let after = self.b.ins().iadd_imm_s(new, std::mem::size_of::<Frame>() as i64);
        self.b.ins().store(flags(), after, cx, next_at);
        let deeper = self.b.ins().iadd_imm_s(depth, 1);
        self.b.ins().store(flags(), deeper, cx, depth_at);
        self.b.ins().store(flags(), new, cx, std::mem::offset_of!(Cx, frame) as i32);
        let sig = self.entry_signature();
        let call = self.b.ins().call_indirect(sig, entry, &[cx, window]);
        let result = self.b.inst_results(call)[0];
        // The callee may have gone on in the interpreter, which popped its frame; popping is the same either way, unless
        // somebody asked for the frame object, which must be told.
        let object = self.b.ins().load(types::I64, flags(), new, std::mem::offset_of!(Frame, object) as i32);
        let (detach, popped) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(detach);
        self.b.ins().brif(object, detach, &[], popped, &[]);
        self.b.switch_to_block(detach);
        self.call(Helper::PopFrame.row().address, &[cx, new], None);
        self.b.ins().jump(popped, &[]);
        self.b.switch_to_block(popped);
        self.b.ins().store(flags(), new, cx, next_at);
        self.b.ins().store(flags(), depth, cx, depth_at);
        self.b.ins().store(flags(), frame, cx, std::mem::offset_of!(Cx, frame) as i32);
        result
    }

    fn entry_signature(&mut self) -> clif::SigRef {
        let key = vec![types::I64, types::I64, types::I64];
        match self.signatures.get(&key) {
            Some(sig) => *sig,
            None => {
                let sig = self.b.import_signature(super::signature(&[types::I64, types::I64], Some(types::I64)));
                self.signatures.insert(key, sig);
                sig
            }
        }
    }
}
