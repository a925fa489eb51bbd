//! The frame of a function that compiled code calls. The callee pushes it, where something first could look at it: what
//! returns before that needs none. Code of a typed entry always does.
//!
//! Other code of a function takes the function as its third argument, or 0 if its frame has been pushed by whoever calls it (the
//! interpreter, helpers). Up to the place that pushes the frame nothing is stored, allocated or called, so the function can
//! still be begun anew where a limit is near, and the collector misses nothing in registers above the caller's. Ways on which something is
//! stored, but nothing allocated or called any more, need no frame, either.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use cranelift_frontend::Variable;
use taipan_runtime::Cx;
use taipan_runtime::frame::{Frame, WINDOW_MAX, flag};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;

use super::frames::{FRAME_BYTES, NEXT_FRAME, REGS_END};
use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::{BlockId, Func, Inst, Op, Type, Val};

// These are copied at once.
const _: () = assert!(std::mem::offset_of!(Frame, builtins) == std::mem::offset_of!(Frame, globals) + 8);
const _: () = assert!(std::mem::offset_of!(Function, builtins) == std::mem::offset_of!(Function, globals) + 8);

/// The frame of the function that is lowered.
pub(super) struct OwnFrame {
    /// The third argument.
    callee: clif::Value,
    code: &'static CodeObject,
    /// The frame, once it is pushed.
    frame: Variable,
    /// Registers that the collector must scan.
    end: usize,
    /// Whether the frame is pushed where a block begins.
    at_start: Vec<bool>,
    /// Whether it is used behind a block.
    later: Vec<bool>,
    /// Whether it is pushed here.
    is_pushed: bool,
}

/// Whether an instruction needs no frame, unless it leaves.
fn needs_no_frame(op: Op) -> bool {
    matches!(
        op,
        Op::Param
            | Op::Argument
            | Op::ConstInt
            | Op::ConstFloat
            | Op::ConstVal
            | Op::ConstBool
            | Op::ConstWord
            | Op::LoadReg
            | Op::AddOv
            | Op::SubOv
            | Op::MulOv
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::FloorDiv
            | Op::FloorMod
            | Op::DivConst
            | Op::ModConst
            | Op::And
            | Op::Or
            | Op::Xor
            | Op::ShlOv
            | Op::Shl
            | Op::Shr
            | Op::UShr
            | Op::Rotr32
            | Op::ICmp
            | Op::ULt
            | Op::FAdd
            | Op::FSub
            | Op::FMul
            | Op::FDiv
            | Op::FNeg
            | Op::FAbs
            | Op::FSqrt
            | Op::FCmp
            | Op::SizeCmp
            | Op::IntToFloat
            | Op::FloatToInt
            | Op::BoolToInt
            | Op::BoolOr
            | Op::BoolAnd
            | Op::BoolNot
            | Op::WordEq
            | Op::ValEq
            | Op::Is
            | Op::IsConst
            | Op::ClassWord
            | Op::IsClass
            | Op::BoxBool
            | Op::GuardInt
            | Op::GuardFloat
            | Op::GuardNumber
            | Op::GuardExact
            | Op::GuardBits
            | Op::GuardDouble
            | Op::ResultInt
            | Op::ResultFloat
            | Op::UntagInt
            | Op::IsSmall
            | Op::GuardBool
            | Op::GuardClass
            | Op::AssumeClass
            | Op::GuardConst
            | Op::GuardBound
            | Op::Guard
            | Op::GuardBranch
            | Op::GuardWord
            | Op::GuardIndex
            | Op::Load
            | Op::LoadIndex
            | Op::LoadIndexAt
            | Op::LoadRaw
            | Op::LoadStatic
            | Op::StrUnit
            | Op::StrIs
            | Op::Select
            | Op::SelectVal
            | Op::SelectWord
            | Op::SelectFloat
            | Op::Address
            | Op::CheckGlobals
            | Op::CheckValid
            | Op::CheckInterrupt
            | Op::CheckSeldom
            | Op::Jump
            | Op::Branch
            | Op::Return
            | Op::Exit
    )
}

/// Whether an instruction needs no frame, but none may be pushed behind it: where a limit is near, the function is begun anew.
fn only_stores(op: Op) -> bool {
    matches!(op, Op::StoreReg | Op::Store | Op::StoreIndex | Op::StoreRaw | Op::Barrier | Op::BarrierItems)
}

/// Whether what follows a box that may allocate needs nothing that lies in registers.
fn only_returns(func: &Func, rest: &[Val]) -> bool {
    let is_quiet = |v: &Val| match func[*v] {
        Inst { op: Op::BoxInt | Op::BoxFloat | Op::ConstVal | Op::ConstInt | Op::Return, .. } => true,
        _ => false,
    };
    rest.iter().all(is_quiet) && rest.last().is_some_and(|v| func[*v].op == Op::Return)
}

impl Lowering<'_> {
    /// Whether the instruction at a position of a block does what only a function with a frame may do.
    fn uses_frame(&self, block: BlockId, i: usize) -> bool {
        let insts = &self.func[block].insts;
        let (v, op) = (insts[i], self.func[insts[i]].op);
        if op == Op::BoxInt && self.is_small_int(self.func[v].args[0]) {
            return false;
        }
        let is_returned = matches!(op, Op::BoxInt | Op::BoxFloat) && only_returns(self.func, &insts[i + 1..]);
        !self.slots.is_unmade(v) && !needs_no_frame(op) && !only_stores(op) && !is_returned
    }

    /// Whether the instruction at a position of a block must find the frame pushed. `later`: blocks from whose ends instructions are
    /// reached that use it.
    fn needs_frame(&self, block: BlockId, i: usize, later: &[bool]) -> bool {
        let insts = &self.func[block].insts;
        let used_behind = || later[block.0 as usize] || (i + 1..insts.len()).any(|i| self.uses_frame(block, i));
        self.uses_frame(block, i) || only_stores(self.func[insts[i]].op) && used_behind()
    }

    /// Blocks from whose ends blocks are reached that have the frame `at_start`, or instructions that use it.
    fn used_later(&self, rpo: &[BlockId], at_start: &[bool]) -> Vec<bool> {
        let mut used = at_start.to_vec();
        for b in rpo {
            used[b.0 as usize] |= (0..self.func[*b].insts.len()).any(|i| self.uses_frame(*b, i));
        }
        let mut later = vec![false; used.len()];
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for b in rpo.iter().rev().filter(|b| !later[b.0 as usize]).copied().collect::<Vec<_>>() {
                let is_used = |to: BlockId| used[to.0 as usize] || later[to.0 as usize];
                if self.func[b].edges.iter().any(|e| is_used(e.to)) {
                    later[b.0 as usize] = true;
                    changed = true;
                }
            }
        }
        later
    }

    /// Prepares for pushing the frame of a function that has windows of inlined calls up to register `end`.
    pub(super) fn plan_own_frame(&mut self, code: &'static CodeObject, end: usize, rpo: &[BlockId]) {
        let mut at_start = vec![false; self.func.blocks.len()];
        // What is pushed on some ways only is pushed on the others where they meet, too: not behind stores.
        let later = loop {
            let later = self.used_later(rpo, &at_start);
            let mut changed = false;
            for b in rpo {
                let needs = |i| self.needs_frame(*b, i, &later);
                if at_start[b.0 as usize] || (0..self.func[*b].insts.len()).any(needs) {
                    changed |= spread(self.func, &mut at_start, *b);
                }
            }
            if !changed {
                break later;
            }
        };
        let frame = self.b.declare_var(types::I64);
        let callee = self.callee;
        let end = end.max(code.nregs());
        self.own = Some(OwnFrame { callee, code, frame, end, at_start, later, is_pushed: false });
    }

    /// The entry frame, which has been pushed.
    pub(super) fn frame(&mut self) -> clif::Value {
        match &self.own {
            Some(own) => self.b.use_var(own.frame),
            None => self.frame,
        }
    }

    /// Whether the frame is not pushed here.
    pub(super) fn lacks_frame(&self) -> bool {
        self.own.as_ref().is_some_and(|own| !own.is_pushed)
    }

    /// A block begins.
    pub(super) fn begin_block(&mut self, block: BlockId) {
        if let Some(own) = &mut self.own {
            own.is_pushed = own.at_start[block.0 as usize];
        }
    }

    /// Pushes the frame if the instruction needs it first.
    pub(super) fn push_for(&mut self, block: BlockId, i: usize) {
        let Some(own) = self.own.as_ref().filter(|own| !own.is_pushed) else { return };
        if self.needs_frame(block, i, &own.later) {
            self.push_own_frame();
            self.own.as_mut().expect("there is one").is_pushed = true;
        }
    }

    /// Whether the way to a block must push the frame.
    pub(super) fn pushes_on_way(&self, to: BlockId) -> bool {
        self.own.as_ref().is_some_and(|own| !own.is_pushed && own.at_start[to.0 as usize])
    }

    /// The globals that the function runs with.
    pub(super) fn globals(&mut self) -> clif::Value {
        let at = std::mem::offset_of!(Frame, globals) as i64;
        let holder = match &self.own {
            Some(own) if !own.is_pushed => {
                let callee = own.callee;
                let frame = self.b.ins().load(types::I64, flags(), self.cx, std::mem::offset_of!(Cx, frame) as i32);
                let of_frame = self.b.ins().iadd_imm_s(frame, at);
                let of_function = self.b.ins().iadd_imm_s(callee, std::mem::offset_of!(Function, globals) as i64);
                self.b.ins().select(callee, of_function, of_frame)
            }
            _ => {
                let frame = self.frame();
                self.b.ins().iadd_imm_s(frame, at)
            }
        };
        self.b.ins().load(types::I64, flags(), holder, 0)
    }

    /// Pushes the frame unless that has been done.
    pub(super) fn push_own_frame(&mut self) {
        let own = self.own.as_ref().expect("there is one");
        let (callee, code, frame, end) = (own.callee, own.code, own.frame, own.end);
        if self.func.arguments.is_some() {
            let new = self.push_unless_limited(callee, code, end);
            self.b.def_var(frame, new);
            return;
        }
        let (push, there, done) = (self.new_block(), self.new_block(), self.new_block());
        let pushed = self.b.append_block_param(done, types::I64);
        self.b.ins().brif(callee, push, &[], there, &[]);
        self.b.switch_to_block(there);
        let found = self.b.ins().load(types::I64, flags(), self.cx, std::mem::offset_of!(Cx, frame) as i32);
        if end > code.nregs() {
            self.cover(found, end);
        }
        self.b.ins().jump(done, &[BlockArg::Value(found)]);
        self.b.switch_to_block(push);
        let new = self.push_unless_limited(callee, code, end);
        self.b.ins().jump(done, &[BlockArg::Value(new)]);
        self.b.switch_to_block(done);
        self.b.def_var(frame, pushed);
    }

    /// Pushes the frame of `callee`. Where a limit is near, the runtime calls the function instead, and that is returned.
    fn push_unless_limited(&mut self, callee: clif::Value, code: &'static CodeObject, end: usize) -> clif::Value {
        let (cx, window) = (self.cx, self.regs);
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let depth = self.b.ins().load(types::I64, flags(), cx, depth_at);
        let limit_at = self.word(self.process.recursion_limit);
        let limit = self.b.ins().load(types::I64, flags(), limit_at, 0);
        let shallow = self.b.ins().icmp(IntCC::UnsignedLessThan, depth, limit);
        let stack = self.b.ins().get_stack_pointer(types::I64);
        let native = self.b.ins().load(types::I64, flags(), cx, std::mem::offset_of!(Cx, native_limit) as i32);
        let enough = self.b.ins().icmp(IntCC::UnsignedGreaterThan, stack, native);
        let regs_end = self.b.ins().load(types::I64, flags(), cx, REGS_END as i32);
        let window_end = self.b.ins().iadd_imm_s(window, (code.nregs() + WINDOW_MAX) as i64 * 8);
        let room = self.b.ins().icmp(IntCC::UnsignedLessThan, window_end, regs_end);
        let ok = self.b.ins().band(shallow, enough);
        let ok = self.b.ins().band(ok, room);
        let (go, limited) = (self.new_block(), self.b.create_block());
        self.b.set_cold_block(limited);
        self.b.ins().brif(ok, go, &[], limited, &[]);
        self.b.switch_to_block(limited);
        self.store_arguments();
        let count = self.word(crate::build::binding::parameters(code) as u64);
        let result = self.call(Helper::CallBound.row().address, &[cx, callee, window, count], Some(types::I64));
        self.give_back(result.expect("it has a result"), Type::Val);
        self.b.switch_to_block(go);
        let new = self.b.ins().load(types::I64, flags(), cx, NEXT_FRAME as i32);
        let caller = self.b.ins().load(types::I64, flags(), cx, std::mem::offset_of!(Cx, frame) as i32);
        self.push_own_header(new, callee, code);
        self.place_frame(new, window, caller, end);
        let pc = self.word(code.words_ptr() as u64);
        self.b.ins().store(flags(), pc, new, std::mem::offset_of!(Frame, pc) as i32);
        let after = self.b.ins().iadd_imm_s(new, FRAME_BYTES);
        self.b.ins().store(flags(), after, cx, NEXT_FRAME as i32);
        let deeper = self.b.ins().iadd_imm_s(depth, 1);
        self.b.ins().store(flags(), deeper, cx, depth_at);
        self.b.ins().store(flags(), new, cx, std::mem::offset_of!(Cx, frame) as i32);
        new
    }

    /// The header of the frame of `callee`, which has that code.
    fn push_own_header(&mut self, new: clif::Value, callee: clif::Value, code: &'static CodeObject) {
        let kind = flag::ENTRY | flag::NATIVE;
        // SAFETY: the builder put the address there of a function that the unit keeps alive.
        if let Some(function) = unsafe { (self.func.callee as *const Function).as_ref() } {
            self.copy_header(new, code, function, kind);
            return;
        }
        self.copy_two(
            callee,
            std::mem::offset_of!(Function, globals) as i32,
            new,
            std::mem::offset_of!(Frame, globals) as i32,
        );
        let [code, kind, none] = [code as *const _ as u64, kind as u64, 0].map(|w| self.word(w));
        for (offset, value) in [
            (std::mem::offset_of!(Frame, code), code),
            // And the line that is traced.
            (std::mem::offset_of!(Frame, flags), kind),
            (std::mem::offset_of!(Frame, locals), none),
            (std::mem::offset_of!(Frame, object), none),
            (std::mem::offset_of!(Frame, receiver), none),
            (std::mem::offset_of!(Frame, function), callee),
        ] {
            self.b.ins().store(flags(), value, new, offset as i32);
        }
    }

    /// In front of an exit without a frame: pushes it.
    pub(super) fn push_for_exit(&mut self) {
        let callee = self.own.as_ref().expect("there is one").callee;
        let (cx, window) = (self.context(), self.regs);
        self.call(crate::exits::push_own_frame as *const () as usize, &[cx, window, callee], None);
    }

    /// In front of a return: pops the frame if it was pushed here.
    pub(super) fn pop_own_frame(&mut self) {
        let Some(OwnFrame { callee, is_pushed: true, .. }) = self.own else { return };
        let (frame, cx) = (self.frame(), self.cx);
        let popped = self.new_block();
        if self.func.arguments.is_none() {
            let pop = self.new_block();
            self.b.ins().brif(callee, pop, &[], popped, &[]);
            self.b.switch_to_block(pop);
        }
        let object = self.b.ins().load(types::I64, flags(), frame, std::mem::offset_of!(Frame, object) as i32);
        let (detach, plain) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(detach);
        self.b.ins().brif(object, detach, &[], plain, &[]);
        self.b.switch_to_block(detach);
        self.call(Helper::PopFrame.row().address, &[cx], None);
        self.b.ins().jump(popped, &[]);
        self.b.switch_to_block(plain);
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let depth = self.b.ins().load(types::I64, flags(), cx, depth_at);
        let caller = self.b.ins().load(types::I64, flags(), frame, std::mem::offset_of!(Frame, prev) as i32);
        let depth = self.b.ins().iadd_imm_s(depth, -1);
        self.b.ins().store(flags(), frame, cx, NEXT_FRAME as i32);
        self.b.ins().store(flags(), depth, cx, depth_at);
        self.b.ins().store(flags(), caller, cx, std::mem::offset_of!(Cx, frame) as i32);
        self.b.ins().jump(popped, &[]);
        self.b.switch_to_block(popped);
    }
}

/// Marks the blocks that follow one at whose end the frame is pushed.
fn spread(func: &Func, at_start: &mut [bool], from: BlockId) -> bool {
    let mut changed = false;
    for edge in &func[from].edges {
        changed |= !std::mem::replace(&mut at_start[edge.to.0 as usize], true);
    }
    changed
}
