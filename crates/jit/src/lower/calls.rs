//! Calls: helpers of the runtime, built-in functions, compiled code of Python functions, typed entries; and leaving a generator.

use std::collections::HashSet;

use super::inst::{Out, callee_of};
use super::{Lowering, flags, machine_type};
use crate::build::plain::PLAIN_METHOD;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{BlockId, Func, Op, StateId, Type, Val};
use crate::plain_calls;
use crate::tier::{Kind, TypedCell};
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
        let pushed = self.push_inlined(v);
        let call = self.call_of(v);
        let result = self.call_boxed(call);
        self.pop_inlined(pushed);
        self.raised(v, result);
        result
    }

    fn call_of(&mut self, v: Val) -> PyCall {
        let inst = &self.func[v];
        let (base, offset) = self.register(inst.imm >> 48);
        let window = self.b.ins().iadd_imm_s(base, offset as i64);
        PyCall { callee: self.value(inst.args[0]), code: self.callees.code(callee_of(inst.imm)), window }
    }

    /// Calls a function whose arguments lie in the window.
    fn call_boxed(&mut self, call: PyCall) -> clif::Value {
        let PyCall { callee, code, window } = call;
        let (direct, slow, done) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.b.append_block_param(done, types::I64);
        let cell = self.word(&raw const code.native as u64);
        let entry = self.b.ins().load(types::I64, flags(), cell, 0);
        self.b.ins().brif(entry, direct, &[], slow, &[]);
        self.b.switch_to_block(slow);
        let (cx, count) = (self.cx, self.word(crate::build::binding::parameters(code) as u64));
        let address = Helper::CallBound.row().address;
        let r = self.call(address, &[cx, callee, window, count], Some(types::I64)).expect("it has a result");
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(direct);
        self.copy_cells(call);
        let sig = self.entry_signature();
        let enter = self.b.ins().call_indirect(sig, entry, &[cx, window, callee]);
        let r = self.b.inst_results(enter)[0];
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(done);
        result
    }

    /// As [`Lowering::py_call`], by a typed entry if that has code. Without, arguments are put in the window, and every so many
    /// such calls somebody tries to compile it.
    pub(super) fn typed_call(&mut self, v: Val, a: &[clif::Value]) -> Result<clif::Value, String> {
        let inst = &self.func[v];
        let args = &inst.args[1..];
        let arg_types = self.func.types_of(args);
        let key = (callee_of(inst.imm), arg_types);
        let cell = *self.callees.cells.get(&key).ok_or("a call without a typed entry")?;
        let sig = self.b.import_signature(typed_signature(&key.1));
        let pushed = self.push_inlined(v);
        let call = self.call_of(v);
        let (direct, boxed, done) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(boxed);
        let [word, kind] = [(); 2].map(|()| self.b.append_block_param(done, types::I64));
        let cell = self.word(cell);
        let entry = self.b.ins().load(types::I64, flags(), cell, std::mem::offset_of!(TypedCell, start) as i32);
        self.b.ins().brif(entry, direct, &[], boxed, &[]);
        self.b.switch_to_block(direct);
        self.copy_cells(call);
        let mut operands = vec![self.cx, call.window, call.callee];
        operands.extend(&a[1..]);
        let enter = self.b.ins().call_indirect(sig, entry, &operands);
        let results = self.b.inst_results(enter).to_vec();
        self.b.ins().jump(done, &[BlockArg::Value(results[0]), BlockArg::Value(results[1])]);
        self.b.switch_to_block(boxed);
        let outer = std::mem::replace(&mut self.cold, true);
        for (i, x) in a[1..].iter().enumerate() {
            let x = self.tagged(*x, key.1[i]);
            self.b.ins().store(flags(), x, call.window, 8 * i as i32);
        }
        let r = self.call_counted(call, cell);
        let none = self.word(Kind::Val as u64);
        self.b.ins().jump(done, &[BlockArg::Value(r), BlockArg::Value(none)]);
        self.cold = outer;
        self.b.switch_to_block(done);
        self.pop_inlined(pushed);
        let either = self.b.ins().bor(word, kind);
        self.raised(v, either);
        if self.unread.contains(&v) {
            self.results.insert(v, (word, kind));
            return Ok(word);
        }
        Ok(self.cold_path(kind, word, types::I64, |l| {
            let helper = Helper::BoxKind;
            l.cold_call(helper, &[word, kind], Some(types::I64)).expect("it has a result")
        }))
    }

    /// Calls a function whose arguments lie in the window for want of code for its typed entry.
    fn call_counted(&mut self, call: PyCall, cell: clif::Value) -> clif::Value {
        let at = std::mem::offset_of!(TypedCell, calls) as i32;
        let (due, go, done) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.b.append_block_param(done, types::I64);
        let calls = self.b.ins().load(types::I64, flags(), cell, at);
        let calls = self.b.ins().iadd_imm_s(calls, 1);
        self.b.ins().store(flags(), calls, cell, at);
        let rest = self.b.ins().band_imm_s(calls, self.process.typed_calls as i64 - 1);
        self.b.ins().brif(rest, go, &[], due, &[]);
        self.b.switch_to_block(due);
        let cx = self.cx;
        let address = Helper::CallTyped.row().address;
        let r = self.call(address, &[cx, call.callee, call.window, cell], Some(types::I64));
        self.b.ins().jump(done, &[BlockArg::Value(r.expect("it has a result"))]);
        self.b.switch_to_block(go);
        let r = self.call_boxed(call);
        self.b.ins().jump(done, &[BlockArg::Value(r)]);
        self.b.switch_to_block(done);
        result
    }

    /// The tagged word of an argument.
    fn tagged(&mut self, x: clif::Value, ty: Type) -> clif::Value {
        match ty {
            Type::Int => self.box_within(x, (i64::MIN, i64::MAX)),
            Type::Float => self.box_float(x),
            _ => x,
        }
    }

    /// Puts the arguments of a typed entry in the window.
    pub(super) fn store_arguments(&mut self) {
        for (i, ty) in self.func.arguments.iter().flatten().enumerate() {
            let x = self.tagged(self.arguments[i], *ty);
            self.b.ins().store(flags(), x, self.regs, 8 * i as i32);
        }
    }

    /// Returns a value: a number from a typed entry, or a tagged word.
    pub(super) fn give_back(&mut self, value: clif::Value, ty: Type) {
        if self.func.arguments.is_none() {
            self.b.ins().return_(&[value]);
            return;
        }
        let (word, kind) = match ty {
            Type::Int => (value, Kind::Int),
            Type::Float => (self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), value), Kind::Float),
            _ => (value, Kind::Val),
        };
        let kind = self.word(kind as u64);
        self.b.ins().return_(&[word, kind]);
    }

    /// The int that a typed call returned; leaves if it is none.
    pub(super) fn result_int(&mut self, v: Val, word: clif::Value) -> clif::Value {
        let Some((_, kind)) = self.results.get(&self.func[v].args[0]).copied() else {
            let tag = self.b.ins().band_imm_s(word, 1);
            self.guard(v, tag);
            return self.b.ins().sshr_imm_s(word, 1);
        };
        let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, kind, Kind::Int as i64);
        self.cold_path(other, word, types::I64, |l| {
            let tag = l.b.ins().band_imm_s(word, 1);
            let tagged = l.b.ins().icmp(IntCC::UnsignedGreaterThan, tag, kind);
            l.guard(v, tagged);
            l.b.ins().sshr_imm_s(word, 1)
        })
    }

    /// The double that a typed call returned; leaves if it is none.
    pub(super) fn result_float(&mut self, v: Val, word: clif::Value) -> clif::Value {
        let Some((_, kind)) = self.results.get(&self.func[v].args[0]).copied() else {
            return self.guard_float(v, word);
        };
        let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, kind, Kind::Float as i64);
        let x = self.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), word);
        self.cold_path(other, x, types::F64, |l| {
            let boxed = l.b.ins().icmp_imm_s(IntCC::Equal, kind, Kind::Val as i64);
            l.guard(v, boxed);
            l.guard_float(v, word)
        })
    }

    /// Puts the cells of a function's closure in its window.
    fn copy_cells(&mut self, call: PyCall) {
        let PyCall { callee, code, window } = call;
        if code.nfrees == 0 {
            return;
        }
        let closure = self.b.ins().load(types::I64, flags(), callee, std::mem::offset_of!(Function, closure) as i32);
        for i in 0..code.nfrees as i32 {
            let cell = self.b.ins().load(types::I64, flags(), closure, 32 + 8 * i);
            let at = (code.nlocals + code.ncells) as i32 + i;
            self.b.ins().store(flags(), cell, window, at * 8);
        }
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

/// A call of a Python function.
#[derive(Clone, Copy)]
struct PyCall {
    callee: clif::Value,
    code: &'static CodeObject,
    window: clif::Value,
}

/// The signature of code for a typed entry.
pub(super) fn typed_signature(arguments: &[Type]) -> clif::Signature {
    let mut params = vec![types::I64; 3];
    params.extend(arguments.iter().map(|t| machine_type(*t)));
    let mut signature = super::signature(&params, Some(types::I64));
    signature.returns.push(clif::AbiParam::new(types::I64));
    signature
}

/// Typed calls of which only one guard, and the exit that it takes, wants to know what they returned.
pub(super) fn unread_results(func: &Func, rpo: &[BlockId]) -> HashSet<Val> {
    let insts = || rpo.iter().flat_map(|b| func[*b].insts.iter().copied());
    if !insts().any(|v| func[v].op == Op::TypedCall) {
        return HashSet::new();
    }
    let guards: Vec<Val> = insts().filter(|v| matches!(func[*v].op, Op::ResultInt | Op::ResultFloat)).collect();
    let mut found: HashSet<Val> =
        guards.iter().map(|g| func[*g].args[0]).filter(|v| func[*v].op == Op::TypedCall).collect();
    let edges = rpo.iter().flat_map(|b| func[*b].edges.iter().flat_map(|e| e.args.iter().copied()));
    let others = insts().filter(|v| !guards.contains(v)).flat_map(|v| func[v].args.iter().copied());
    for v in edges.chain(others) {
        found.remove(&v);
    }
    for v in insts().filter(|v| func[*v].state != StateId::NONE) {
        let own = if guards.contains(&v) { func[v].args[0] } else { Val::NONE };
        for named in func.states[func[v].state.0 as usize].values().filter(|named| *named != own) {
            found.remove(&named);
        }
    }
    found
}
