//! Calls: helpers of the runtime, built-in functions, compiled code of Python functions; and leaving a generator.

use super::inst::{Out, callee_of};
use super::{Lowering, flags, machine_type};
use crate::build::plain::PLAIN_METHOD;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Type, Val};
use crate::plain;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::Cx;
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;

impl Lowering<'_> {
    pub(super) fn helper_call(&mut self, v: Val) -> Out {
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
    pub(super) fn call_plain(&mut self, v: Val, args: &[clif::Value]) -> clif::Value {
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

    /// The strs lie on the native stack, too.
    pub(super) fn join_strs(&mut self, v: Val, args: &[clif::Value]) -> clif::Value {
        let at = self.on_stack(args);
        let (cx, n) = (self.cx, self.word(args.len() as u64));
        let address = Helper::JoinStrs.row().address;
        let result = self.call(address, &[cx, at, n], Some(types::I64)).expect("it has a result");
        self.raised(v, result);
        result
    }

    /// Gives a value to whoever resumed the generator: it is suspended at a pc, or finished.
    pub(super) fn leave_generator(&mut self, v: Val, value: clif::Value, pc: Option<u64>) {
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
    pub(super) fn on_stack(&mut self, items: &[clif::Value]) -> clif::Value {
        let bytes = 8 * items.len().max(1) as u32;
        let slot =
            self.b.create_sized_stack_slot(clif::StackSlotData::new(clif::StackSlotKind::ExplicitSlot, bytes, 3));
        for (i, item) in items.iter().enumerate() {
            self.b.ins().stack_store(types::I64, *item, slot, 8 * i as i32);
        }
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// Leaves if a helper's result is 0. Not subject to stress: what the helper did cannot be done again.
    pub(super) fn raised(&mut self, v: Val, result: clif::Value) {
        if self.func[v].reason == Reason::Caught as u8 {
            return;
        }
        let exit = self.exit_block(v);
        let next = self.new_block();
        self.b.ins().brif(result, next, &[], exit, &[]);
        self.b.switch_to_block(next);
    }

    /// A call of a Python function whose compiled code, if it has some, is entered directly.
    pub(super) fn py_call(&mut self, v: Val) -> clif::Value {
        let inst = &self.func[v];
        let pushed = self.push_inlined(v);
        let (base, offset) = self.register(inst.imm >> 48);
        let window = self.b.ins().iadd_imm_s(base, offset as i64);
        let callee = self.value(inst.args[0]);
        let cx = self.cx;
        // SAFETY: the builder put a function there that the unit keeps alive.
        let function = unsafe { &*(callee_of(inst.imm) as *const Function) };
        let code = self.callees.code(callee_of(inst.imm));
        let count = self.word(crate::build::binding::parameters(code) as u64);
        let call = |l: &mut Self| {
            let address = Helper::CallBound.row().address;
            l.call(address, &[cx, callee, window, count], Some(types::I64)).expect("it has a result")
        };
        let (direct, slow, done) = (self.new_block(), self.new_block(), self.new_block());
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
    pub(super) fn enter(
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
        let go = self.new_block();
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
        let (detach, popped) = (self.b.create_block(), self.new_block());
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

    pub(super) fn entry_signature(&mut self) -> clif::SigRef {
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
