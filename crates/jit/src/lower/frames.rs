//! The frames of inlined calls while compiled code makes a call that may run Python code. Before the call they are pushed as
//! the interpreter would have pushed them, after it they are popped; in between compiled code has one frame only.

use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use taipan_runtime::Cx;
use taipan_runtime::frame::{Frame, Stack, flag};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;

use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::{FrameDesc, Op, StateId, Val};

/// Byte offset of the first free frame in the context.
pub(super) const NEXT_FRAME: usize = std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(Stack, next_frame);

fn code_of(desc: &FrameDesc) -> &'static CodeObject {
    // SAFETY: the builder put the address of a live object there, which the unit keeps alive.
    unsafe { &*(desc.code as *const CodeObject) }
}

impl Lowering<'_> {
    /// Frames that lie above the entry frame at an instruction.
    fn inlined_at(&self, v: Val) -> usize {
        match self.func[v].state {
            StateId::NONE => 0,
            state => self.func.states[state.0 as usize].frames.len() - 1,
        }
    }

    /// Whether an instruction pushes the frames of inlined calls.
    fn pushes_frames(&self, v: Val) -> bool {
        let calls = match self.func[v].op {
            Op::PyCall => true,
            Op::Call => Helper::from_imm(self.func[v].imm).row().python,
            _ => false,
        };
        calls && self.inlined_at(v) > 0
    }

    /// On entry: the frame's window grows over those of inlined calls. What a call found there is still there after it, and
    /// exits rely on that, so the collector must scan it.
    pub(super) fn cover_inlined_windows(&mut self) {
        let mut end = 0;
        for v in (0..self.func.insts.len() as u32).map(Val).filter(|v| self.pushes_frames(*v)) {
            let mut base = 0;
            for f in &self.func.states[self.func[v].state.0 as usize].frames {
                base += f.base as usize;
                end = end.max(base + code_of(f).nregs());
            }
        }
        if end > 0 {
            let top = self.b.ins().iadd_imm_s(self.regs, end as i64 * 8);
            let at = std::mem::offset_of!(Frame, top) as i32;
            self.b.ins().store(flags(), top, self.frame, at);
        }
    }

    /// Pushes the frames of the inlined calls that the instruction lies in; how many there are.
    pub(super) fn push_inlined(&mut self, v: Val) -> usize {
        let n = self.inlined_at(v);
        if n == 0 {
            return 0;
        }
        let frames = &self.func.states[self.func[v].state.0 as usize].frames;
        let next = self.b.ins().load(types::I64, flags(), self.cx, NEXT_FRAME as i32);
        let size = std::mem::size_of::<Frame>() as i64;
        let (mut prev, mut caller_regs) = (self.frame, self.regs);
        for (i, f) in frames.iter().enumerate() {
            // SAFETY: within the code.
            let pc = unsafe { code_of(f).words_ptr().add(f.pc as usize) } as u64;
            let pc = self.word(pc);
            if i == 0 {
                self.b.ins().store(flags(), pc, self.frame, std::mem::offset_of!(Frame, pc) as i32);
                continue;
            }
            let at = self.b.ins().iadd_imm_s(next, (i as i64 - 1) * size);
            let regs = self.b.ins().iadd_imm_s(caller_regs, f.base as i64 * 8);
            let result = self.b.ins().iadd_imm_s(caller_regs, f.result as i64 * 8);
            self.write_frame(f, at, prev, regs, result, pc);
            (prev, caller_regs) = (at, regs);
        }
        self.set_top(prev, next, n as i64);
        self.top_frame = prev;
        n
    }

    fn write_frame(
        &mut self,
        f: &FrameDesc,
        at: clif::Value,
        prev: clif::Value,
        regs: clif::Value,
        result: clif::Value,
        pc: clif::Value,
    ) {
        let code = code_of(f);
        // SAFETY: as in `code_of`; inlined frames have functions.
        let function = unsafe { &*(f.function as *const Function) };
        let zero = self.word(0);
        let top = self.b.ins().iadd_imm_s(regs, code.nregs() as i64 * 8);
        let callee = if f.callee.is_none() { self.word(f.function) } else { self.value(f.callee) };
        let (receiver, flag) = if f.receiver.is_none() { (zero, 0) } else { (self.value(f.receiver), flag::INIT) };
        let constants = [code as *const _ as u64, function.globals as *const _ as u64];
        let [code_word, globals] = constants.map(|w| self.word(w));
        let builtins = self.word(function.builtins as *const _ as u64);
        // The line that was reported last is 0, too.
        let flag_word = self.word(flag as u64);
        let fields = [
            (std::mem::offset_of!(Frame, code), code_word),
            (std::mem::offset_of!(Frame, regs), regs),
            (std::mem::offset_of!(Frame, pc), pc),
            (std::mem::offset_of!(Frame, prev), prev),
            (std::mem::offset_of!(Frame, result), result),
            (std::mem::offset_of!(Frame, top), top),
            (std::mem::offset_of!(Frame, globals), globals),
            (std::mem::offset_of!(Frame, builtins), builtins),
            (std::mem::offset_of!(Frame, locals), zero),
            (std::mem::offset_of!(Frame, function), callee),
            (std::mem::offset_of!(Frame, object), zero),
            (std::mem::offset_of!(Frame, receiver), receiver),
            (std::mem::offset_of!(Frame, flags), flag_word),
        ];
        for (offset, value) in fields {
            self.b.ins().store(flags(), value, at, offset as i32);
        }
    }

    /// Makes `top` the running frame; `n` frames from `next` on are in use now.
    fn set_top(&mut self, top: clif::Value, next: clif::Value, n: i64) {
        let (cx, size) = (self.cx, std::mem::size_of::<Frame>() as i64);
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let after = self.b.ins().iadd_imm_s(next, n * size);
        self.b.ins().store(flags(), after, cx, NEXT_FRAME as i32);
        let depth = self.b.ins().load(types::I64, flags(), cx, depth_at);
        let depth = self.b.ins().iadd_imm_s(depth, n);
        self.b.ins().store(flags(), depth, cx, depth_at);
        self.b.ins().store(flags(), top, cx, std::mem::offset_of!(Cx, frame) as i32);
    }

    /// Pops `n` frames that [`Lowering::push_inlined`] pushed.
    pub(super) fn pop_inlined(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let size = std::mem::size_of::<Frame>() as i64;
        let top = self.top_frame;
        let mut seen = None;
        for i in 0..n as i64 {
            let at = std::mem::offset_of!(Frame, object) as i64 - i * size;
            let object = self.b.ins().load(types::I64, flags(), top, at as i32);
            seen = Some(seen.map_or(object, |s| self.b.ins().bor(s, object)));
        }
        let (tell, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(tell);
        self.b.ins().brif(seen.expect("n > 0"), tell, &[], next, &[]);
        self.b.switch_to_block(tell);
        let (count, valid) = (self.word(n as u64), self.word(self.process.valid));
        self.call(crate::exits::frames_seen as *const () as usize, &[top, count, valid], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
        let first = self.b.ins().iadd_imm_s(top, -(n as i64 - 1) * size);
        let frame = self.frame;
        self.set_top(frame, first, 0);
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let depth = self.b.ins().load(types::I64, flags(), self.cx, depth_at);
        let depth = self.b.ins().iadd_imm_s(depth, -(n as i64));
        self.b.ins().store(flags(), depth, self.cx, depth_at);
        self.top_frame = frame;
    }
}
