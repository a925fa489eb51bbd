//! Calls: helpers of the runtime, built-in functions, compiled code of Python functions; and leaving a generator.

use super::inst::{Out, callee_of};
use super::{Lowering, flags, machine_type};
use crate::build::plain::PLAIN_METHOD;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Type, Val};
use crate::plain_calls;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;

impl Lowering<'_> {
    /// Leaves if something wants the thread's attention.
    pub(super) fn check_interrupt(&mut self, v: Val) {
        let p = self.word(self.process.interrupt);
        // Cranelift takes loads in a loop that stores nothing for the one in front of it, but for this, which costs nothing.
        self.b.ins().sequence_point();
        let flag = self.b.ins().load(types::I32, flags(), p, 0);
        let ok = self.b.ins().icmp_imm_s(IntCC::Equal, flag, 0);
        self.guard(v, ok);
    }

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
            self.top_frame = None;
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
            plain_calls::call_method as *const () as usize
        } else {
            plain_calls::call_function as *const () as usize
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
        let frame = self.frame();
        let word = self.b.ins().load(types::I32, flags(), frame, at);
        let native = self.b.ins().band_imm_s(word, flag::NATIVE as i64);
        let (exit, go) = (self.exit_block(v), self.b.create_block());
        self.b.ins().brif(native, go, &[], exit, &[]);
        self.b.switch_to_block(go);
        let helper = match pc {
            Some(pc) => {
                let pc = self.word(pc);
                self.b.ins().store(flags(), pc, frame, std::mem::offset_of!(Frame, pc) as i32);
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
        let r = self.enter(callee, code, window, entry);
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(done);
        self.pop_inlined(pushed);
        self.raised(v, result);
        result
    }

    /// Calls a function's compiled code, which pushes the frame if it needs one.
    fn enter(
        &mut self,
        callee: clif::Value,
        code: &'static CodeObject,
        window: clif::Value,
        entry: clif::Value,
    ) -> clif::Value {
        if code.nfrees > 0 {
            let closure =
                self.b.ins().load(types::I64, flags(), callee, std::mem::offset_of!(Function, closure) as i32);
            for i in 0..code.nfrees as i32 {
                let cell = self.b.ins().load(types::I64, flags(), closure, 32 + 8 * i);
                let at = (code.nlocals + code.ncells) as i32 + i;
                self.b.ins().store(flags(), cell, window, at * 8);
            }
        }
        let sig = self.entry_signature();
        let cx = self.cx;
        let call = self.b.ins().call_indirect(sig, entry, &[cx, window, callee]);
        self.b.inst_results(call)[0]
    }

    pub(super) fn entry_signature(&mut self) -> clif::SigRef {
        let key = vec![types::I64; 4];
        match self.signatures.get(&key) {
            Some(sig) => *sig,
            None => {
                let sig = self.b.import_signature(super::signature(&[types::I64; 3], Some(types::I64)));
                self.signatures.insert(key, sig);
                sig
            }
        }
    }
}
