//! One arm for each IR operation.

use super::{Lowering, flags, machine_type};
use crate::build::ABOVE;
use crate::build::values::offset_of;
use crate::ir::{BlockId, Cond, Edge, Inst, Op, Val};
use crate::iterators::IteratorKind;
use crate::passes::bounds::offset;
use crate::plain;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::Value;
use taipan_runtime::frame::Frame;
use taipan_runtime::machine_items::ItemKind;

pub(super) type Out = Result<Option<clif::Value>, String>;

fn raw_kind(imm: u64) -> ItemKind {
    ItemKind::ALL[(imm >> 32 & 0xff) as usize % ItemKind::ALL.len()]
}

/// The address of the function that a `PyCall` or `TypedCall` with this immediate calls.
pub(super) fn callee_of(imm: u64) -> u64 {
    imm & 0xffff_ffff_ffff
}

/// Doubles represent ints exactly up to this.
pub(super) const EXACT: i64 = 1 << 53;
pub(super) const FLONUM_BIAS: i64 = 1 << 60;
pub(super) const FLONUM_ZERO: i64 = 2;

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

pub(super) fn float_cond(cond: Cond) -> FloatCC {
    match cond {
        Cond::Lt => FloatCC::LessThan,
        Cond::Le => FloatCC::LessThanOrEqual,
        Cond::Eq => FloatCC::Equal,
        Cond::Ne => FloatCC::NotEqual,
        Cond::Gt => FloatCC::GreaterThan,
        Cond::Ge => FloatCC::GreaterThanOrEqual,
    }
}

/// Where an edge of a branch leads.
struct Way<'a> {
    to: clif::Block,
    args: Vec<BlockArg>,
    /// What a block in between stores.
    moves: super::slots::Moves,
    /// Whether that pushes the frame.
    pushes: bool,
    edge: &'a Edge,
}

/// The operations that exits can compute.
macro_rules! simple {
    () => {
        Op::Add | Op::Sub | Op::ICmp | Op::Select | Op::BoolAnd | Op::BoolOr | Op::BoolNot
    };
}

impl Lowering<'_> {
    /// Whether exits can compute it: it is [`Lowering::simple`].
    pub(super) fn is_simple(op: Op) -> bool {
        matches!(op, simple!())
    }

    /// Lowers an instruction that is nothing but what it does with these operands.
    pub(super) fn simple(&mut self, inst: &Inst, a: &[clif::Value]) -> clif::Value {
        match inst.op {
            Op::Add => self.b.ins().iadd(a[0], a[1]),
            Op::Sub => self.b.ins().isub(a[0], a[1]),
            Op::ICmp => self.b.ins().icmp(int_cond(Cond::from_imm(inst.imm)), a[0], a[1]),
            Op::Select => self.b.ins().select(a[0], a[1], a[2]),
            Op::BoolAnd => self.b.ins().band(a[0], a[1]),
            Op::BoolOr => self.b.ins().bor(a[0], a[1]),
            Op::BoolNot => match self.func[inst.args[0]] {
                // One comparison, which a branch behind it takes in.
                Inst { op: Op::WordEq | Op::ValEq, ref args, .. } => {
                    let [x, y] = [args[0], args[1]].map(|v| self.value(v));
                    self.b.ins().icmp(IntCC::NotEqual, x, y)
                }
                _ => self.b.ins().bxor_imm_s(a[0], 1),
            },
            _ => unreachable!("is_simple says so"),
        }
    }

    /// An int that stays where it is made if others are made of it in inner loops, or by taking off what was added.
    fn kept(&mut self, v: Val, x: clif::Value) -> clif::Value {
        if self.slots.deeper.contains(&v) || self.slots.undone.contains(&v) { self.made_here(x) } else { x }
    }

    /// Lowers an instruction; its value, if it has one.
    pub(super) fn inst(&mut self, block: BlockId, v: Val) -> Out {
        let inst = &self.func[v];
        let imm = inst.imm;
        if self.single_boxes.contains(&v) || self.store_box(v) {
            return Ok(None);
        }
        let a: Vec<clif::Value> = inst.args.iter().map(|a| self.operand(block, *a)).collect();
        Ok(Some(match inst.op {
            Op::Param => return Ok(self.values[v.0 as usize]),
            Op::Argument => self.arguments[imm as usize],
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
            Op::MulOv => self.checked(v, a[0], a[1]),
            Op::AddOv | Op::SubOv => {
                let sum = self.checked(v, a[0], a[1]);
                self.kept(v, sum)
            }
            Op::ICmp if self.compared.contains(&inst.args[0]) || self.compared.contains(&inst.args[1]) => {
                let [x, y] = [0, 1].map(|i| self.word_of_int(inst.args[i]));
                self.b.ins().icmp(int_cond(Cond::from_imm(imm)), x, y)
            }
            simple!() => {
                let x = self.simple(inst, &a);
                self.kept(v, x)
            }
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
            Op::Rotr32 => {
                let x = self.b.ins().ireduce(types::I32, a[0]);
                let x = self.b.ins().rotr_imm_s(x, imm as i64);
                self.b.ins().uextend(types::I64, x)
            }
            Op::ShlOv => self.shift_left(v, a[0], a[1]),
            Op::Shr => self.shift_right(v, a[0], a[1]),
            Op::ULt => self.b.ins().icmp(IntCC::UnsignedLessThan, a[0], a[1]),
            Op::Address => self.b.ins().iadd_imm_s(a[0], imm as i64),
            Op::SelectVal | Op::SelectWord | Op::SelectFloat => self.b.ins().select(a[0], a[1], a[2]),
            Op::FAdd | Op::FMul => {
                // A constant is read from memory if it comes second.
                let (x, y) = if self.func[inst.args[0]].op == Op::ConstFloat { (a[1], a[0]) } else { (a[0], a[1]) };
                if inst.op == Op::FAdd { self.b.ins().fadd(x, y) } else { self.b.ins().fmul(x, y) }
            }
            Op::FSub => self.b.ins().fsub(a[0], a[1]),
            Op::FDiv => {
                let (x, y) = (a[0], a[1]);
                if !self.is_nonzero_float(inst.args[1]) {
                    let zero = self.b.ins().f64const(0.0);
                    let ok = self.b.ins().fcmp(FloatCC::NotEqual, y, zero);
                    self.guard(v, ok);
                }
                match self.exact_reciprocal(inst.args[1]) {
                    Some(r) => {
                        let r = self.b.ins().f64const(r);
                        self.b.ins().fmul(x, r)
                    }
                    None => self.b.ins().fdiv(x, y),
                }
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
            Op::ClassWord => self.class_word(a[0]),
            Op::WordEq | Op::ValEq => self.b.ins().icmp(IntCC::Equal, a[0], a[1]),
            Op::Is => self.is(a[0], a[1]),
            Op::IsConst => self.b.ins().icmp_imm_s(IntCC::Equal, a[0], imm as i64),
            Op::IsClass => self.is_class(a[0], imm),
            Op::BoxInt => self.box_int(inst.args[0]),
            Op::Maybe => self.maybe(a[0], inst.args[1]),
            Op::BoxWord => self.box_word(a[0]),
            Op::BoxChar => self.box_char(a[0], inst.args[0]),
            Op::StrUnit => self.str_unit(a[0], a[1]),
            Op::StrIs => self.str_is(a[0], imm),
            Op::GuardBits => self.guard_bits(v, a[0]),
            Op::BoxFloat => self.box_float(a[0]),
            Op::BoxComplex => self.box_complex(a[0], a[1]),
            Op::BoxBool => self.box_bool(a[0]),
            Op::GuardInt => {
                let x = a[0];
                self.guard_tag(block, v, x);
                let i = self.b.ins().sshr_imm_s(x, 1);
                if self.slots.deeper.contains(&v) { self.made_here(i) } else { i }
            }
            Op::GuardFloat => self.guard_float(v, a[0]),
            Op::GuardNumber => self.guard_number(v, a[0], false),
            Op::GuardExact => self.guard_number(v, a[0], true),
            Op::UntagInt => self.b.ins().sshr_imm_s(a[0], 1),
            Op::IsSmall => {
                let low = self.b.ins().band_imm_s(a[0], 1);
                self.b.ins().ireduce(types::I8, low)
            }
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
                let (p, at) = self.element_at(a[0], inst.args[1], 3, 0);
                self.b.ins().load(types::I64, flags(), p, at)
            }
            Op::StoreIndex => {
                let (p, at) = self.element_at(a[0], inst.args[1], 3, 0);
                let x = a[2];
                self.b.ins().store(flags(), x, p, at);
                return Ok(None);
            }
            Op::LoadIndexAt => {
                let (p, at) = self.element_at(a[0], inst.args[1], 3, offset_of(imm));
                self.b.ins().load(types::I64, flags(), p, at)
            }
            Op::LoadRaw => self.load_raw(a[0], inst.args[1], imm),
            Op::StoreRaw => {
                self.store_raw(a[0], inst.args[1], a[2], imm);
                return Ok(None);
            }
            Op::LoadStatic => {
                let p = self.word(imm);
                self.b.ins().load(machine_type(inst.ty), flags(), p, 0)
            }
            Op::StoreStatic => {
                let p = self.word(imm);
                self.b.ins().store(flags(), a[0], p, 0);
                return Ok(None);
            }
            Op::Barrier => {
                self.barrier_for(a[0], inst.args[1], imm == 1);
                return Ok(None);
            }
            Op::BarrierItems => {
                self.barrier_for_items(a[0], inst.args[1]);
                return Ok(None);
            }
            Op::Alloc => self.alloc((imm >> 48) as usize, imm & 0xffff_ffff_ffff),
            Op::ListAppend => {
                self.list_append(a[0], a[1], inst.args[1], imm & 1 == 1);
                return Ok(None);
            }
            Op::ListAppendDouble => {
                self.list_append_double(a[0], a[1]);
                return Ok(None);
            }
            Op::SizeCmp => self.size_cmp(v, (a[0], a[1]), inst.args[2], Cond::from_imm(imm)),
            Op::ListReserve => {
                self.list_reserve(a[0], a[1]);
                return Ok(None);
            }
            Op::ListRoom => self.list_room(v, a[0], a[1]),
            Op::ListItem => self.list_item(a[0], a[1]),
            Op::GuardDouble => {
                self.guard_double(v, a[0]);
                return Ok(None);
            }
            Op::NewInstance => self.new_instance(imm, &a),
            Op::NewTuple => self.new_tuple(&a),
            Op::CopyItems | Op::CopyItemsLate => {
                let (address, cx) = (crate::helpers::Helper::CopyItems.row().address, self.cx);
                self.call(address, &[cx, a[0], a[1], a[2], a[3]], Some(types::I64)).expect("it has a result")
            }
            Op::NewMethod => {
                let (address, cx) = (crate::helpers::Helper::NewMethod.row().address, self.cx);
                self.call(address, &[cx, a[0], a[1]], Some(types::I64)).expect("it has a result")
            }
            Op::NewSlice => {
                let (address, cx) = (crate::helpers::Helper::NewSlice.row().address, self.cx);
                self.call(address, &[cx, a[0], a[1], a[2]], Some(types::I64)).expect("it has a result")
            }
            Op::NewList => self.new_list(&a),
            Op::NewDict => self.new_dict(imm, &a),
            Op::NewGenerator => self.new_generator(v, &a),
            Op::NewException | Op::Raised => self.new_exception(imm, &a),
            Op::NewFunction => self.new_function(&a),
            Op::TracebackOf => self.traceback_of(a[0]),
            Op::Suspended => self.suspended(imm, &a),
            Op::NewIterator => self.new_iterator(IteratorKind::from_imm(imm), &a),
            Op::HandledBefore => return Err("only exits know what was handled before".into()),
            Op::StorePc => {
                let pc = self.word(imm);
                let frame = self.frame();
                self.b.ins().store(flags(), pc, frame, std::mem::offset_of!(Frame, pc) as i32);
                return Ok(None);
            }
            Op::CheckGlobals => {
                let globals = self.globals();
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
                self.check_interrupt(v);
                return Ok(None);
            }
            Op::CheckSeldom => {
                let low = self.b.ins().band_imm_s(a[0], 63);
                let due = self.b.ins().icmp_imm_s(IntCC::Equal, low, 0);
                let (check, next) = (self.b.create_block(), self.new_block());
                self.b.set_cold_block(check);
                self.b.ins().brif(due, check, &[], next, &[]);
                self.b.switch_to_block(check);
                let outer = std::mem::replace(&mut self.cold, true);
                self.check_interrupt(v);
                self.cold = outer;
                self.b.ins().jump(next, &[]);
                self.b.switch_to_block(next);
                return Ok(None);
            }
            Op::Call => match self.sine_or_cosine(block, v) {
                Some(result) => result,
                None => return self.helper_call(v),
            },
            Op::CallPlain => self.call_plain(v, &a),
            Op::JoinStrs => self.join_strs(v, &a),
            Op::PyCall => self.py_call(v),
            Op::TypedCall => return self.typed_call(v, &a).map(Some),
            Op::ResultInt => self.result_int(v, a[0]),
            Op::ResultFloat => self.result_float(v, a[0]),
            Op::Jump => {
                let edge = &self.func[block].edges[0];
                self.store_moves(&self.slots.moves(self.func, edge));
                if self.pushes_on_way(edge.to) {
                    self.push_own_frame();
                }
                let (to, args) = self.target(block, edge);
                self.b.ins().jump(to, &args);
                return Ok(None);
            }
            Op::Branch => {
                let cond = a[0];
                let [yes, no] = [0, 1].map(|i| self.way(block, &self.func[block].edges[i]));
                // A comparison of doubles has no opposite.
                let floats = self.func[inst.args[0]].op == Op::FCmp;
                if self.turned[block.0 as usize] && !floats {
                    let opposite = self.b.ins().icmp_imm_s(IntCC::Equal, cond, 0);
                    self.b.ins().brif(opposite, no.to, &no.args, yes.to, &yes.args);
                } else {
                    self.b.ins().brif(cond, yes.to, &yes.args, no.to, &no.args);
                }
                self.ways(block, [yes, no]);
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
                self.pop_own_frame();
                self.give_back(a[0], self.func[inst.args[0]].ty);
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
    pub(super) fn register(&self, imm: u64) -> (clif::Value, i32) {
        let base = if imm & ABOVE != 0 { self.above } else { self.regs };
        (base, (imm & !ABOVE) as i32 * 8)
    }

    fn target(&mut self, from: BlockId, edge: &Edge) -> (clif::Block, Vec<BlockArg>) {
        let params = self.func[edge.to].params.iter().zip(&edge.args);
        let args: Vec<Val> = params.filter(|(p, _)| !self.slots.holds(**p)).map(|(_, a)| *a).collect();
        let args = args.into_iter().map(|a| BlockArg::Value(self.operand(from, a))).collect();
        (self.block(edge.to), args)
    }

    /// As [`Lowering::target`] of a branch: an edge that must store something or push the frame goes through a block of its own, which
    /// [`Lowering::ways`] fills.
    fn way<'e>(&mut self, from: BlockId, edge: &'e Edge) -> Way<'e> {
        let moves = self.slots.moves(self.func, edge);
        let pushes = self.pushes_on_way(edge.to);
        if moves.is_empty() && !pushes {
            let (to, args) = self.target(from, edge);
            return Way { to, args, moves, pushes, edge };
        }
        Way { to: self.new_block(), args: vec![], moves, pushes, edge }
    }

    fn ways(&mut self, from: BlockId, ways: [Way; 2]) {
        for way in ways.iter().filter(|w| !w.moves.is_empty() || w.pushes) {
            if self.func[way.edge.to].cold {
                self.b.set_cold_block(way.to);
            }
            self.b.switch_to_block(way.to);
            self.store_moves(&way.moves);
            if way.pushes {
                self.push_own_frame();
            }
            let (to, args) = self.target(from, way.edge);
            self.b.ins().jump(to, &args);
        }
    }

    /// The reciprocal of a constant power of two: multiplying with it gives what dividing gives.
    fn exact_reciprocal(&self, v: Val) -> Option<f64> {
        let d = f64::from_bits(self.func[v].imm);
        let power = d.to_bits() & ((1 << 52) - 1) == 0 && d.is_normal() && (1.0 / d).is_normal();
        (self.func[v].op == Op::ConstFloat && power).then(|| 1.0 / d)
    }

    pub(super) fn is_nonzero_float(&self, v: Val) -> bool {
        self.func[v].op == Op::ConstFloat && f64::from_bits(self.func[v].imm) != 0.0
    }

    pub(super) fn element(&mut self, base: clif::Value, index: clif::Value) -> clif::Value {
        let offset = self.b.ins().ishl_imm_s(index, 3);
        self.b.ins().iadd(base, offset)
    }

    /// Address and displacement of the element `at` bytes behind number `index` of those of 1 << `shift` bytes: what is added to the index is part
    /// of the displacement.
    fn element_at(&mut self, base: clif::Value, index: Val, shift: u32, at: i32) -> (clif::Value, i32) {
        let (mut of, k) = offset(self.func, index);
        let moved = k.checked_mul(1 << shift).and_then(|k| i32::try_from(k).ok()?.checked_add(at));
        if moved.is_none() || self.values[of.0 as usize].is_none() {
            of = index;
        }
        let at = if of == index { at } else { moved.expect("it was looked at") };
        let of = self.value(of);
        let scaled = if shift == 0 { of } else { self.b.ins().ishl_imm_s(of, shift as i64) };
        (self.b.ins().iadd(base, scaled), at)
    }

    fn load_raw(&mut self, base: clif::Value, index: Val, imm: u64) -> clif::Value {
        let kind = raw_kind(imm);
        let (p, at) = self.element_at(base, index, kind.shift(), imm as u32 as i32);
        let ins = self.b.ins();
        match kind {
            ItemKind::I8 => ins.sload8(types::I64, flags(), p, at),
            ItemKind::U8 | ItemKind::Bool => ins.uload8(types::I64, flags(), p, at),
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

    fn store_raw(&mut self, base: clif::Value, index: Val, x: clif::Value, imm: u64) {
        let kind = raw_kind(imm);
        let (p, at) = self.element_at(base, index, kind.shift(), imm as u32 as i32);
        match kind {
            ItemKind::I8 | ItemKind::U8 | ItemKind::Bool => self.b.ins().istore8(flags(), x, p, at),
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
        // Where the second operand moves the first in a known direction, and not far, a compare does, which Cranelift fuses with the branch: it may
        // leave where nothing overflows yet.
        const FAR: i64 = 1 << 62;
        let (lo, hi) = self.func.interval(inst.args[1]);
        let near = lo == hi || -FAR <= lo && hi <= FAR;
        if inst.op != Op::MulOv && near && (lo >= 0 || hi <= 0) {
            let add = inst.op == Op::AddOv;
            let (limit, cond) = match (lo >= 0, add) {
                (true, true) => (i64::MAX - hi, IntCC::SignedLessThanOrEqual),
                (false, true) => (i64::MIN - lo, IntCC::SignedGreaterThanOrEqual),
                (true, false) => (i64::MIN + hi, IntCC::SignedGreaterThanOrEqual),
                (false, false) => (i64::MAX + lo, IntCC::SignedLessThanOrEqual),
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
}
