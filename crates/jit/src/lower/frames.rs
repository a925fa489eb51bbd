//! The frames of inlined calls while compiled code makes a call that may run Python code. Before the call they are pushed as
//! the interpreter would have pushed them, after it they are popped; in between compiled code has one frame only.

use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use taipan_runtime::Cx;
use taipan_runtime::frame::{Frame, Stack};
use taipan_runtime::types::code::CodeObject;

use super::{Lowering, flags};
use crate::exits::FrameTemplate;
use crate::helpers::Helper;
use crate::ir::{BlockId, Op, StateId, Val};

/// Byte offset of the first free frame in the context.
pub(super) const NEXT_FRAME: usize = std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(Stack, next_frame);
/// Of the end of the registers.
pub(super) const REGS_END: usize = std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(Stack, regs_end);

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
            Op::PyCall | Op::TypedCall => true,
            Op::Call => Helper::from_imm(self.func[v].imm).row().python,
            _ => false,
        };
        calls && self.inlined_at(v) > 0
    }

    /// On entry: plans for a frame that is still to be pushed, or sees to that the collector scans the window of the one that
    /// is.
    pub(super) fn prepare_frame(&mut self, rpo: &[BlockId]) {
        let end = self.end_of_windows();
        // SAFETY: the builder put the address of a code object there that the unit keeps alive.
        match unsafe { (self.func.function as *const CodeObject).as_ref() } {
            Some(code) => self.plan_own_frame(code, end, rpo),
            None if end > 0 => self.cover(self.frame, end),
            None => {}
        }
    }

    /// The frame's window grows over those of inlined calls. What a call found there is still there after it, and exits rely on
    /// that, so the collector must scan it.
    pub(super) fn cover(&mut self, frame: clif::Value, end: usize) {
        let top = self.b.ins().iadd_imm_s(self.regs, end as i64 * 8);
        self.b.ins().store(flags(), top, frame, std::mem::offset_of!(Frame, top) as i32);
    }

    /// The first register above the windows of inlined calls whose frames are pushed; 0 if there are none.
    fn end_of_windows(&self) -> usize {
        if self.func.generator {
            // Exits write all registers of inlined calls.
            return 0;
        }
        let mut end = 0;
        for v in (0..self.func.insts.len() as u32).map(Val).filter(|v| self.pushes_frames(*v)) {
            let mut base = 0;
            for f in &self.func.states[self.func[v].state.0 as usize].frames {
                // SAFETY: as below.
                let f = unsafe { FrameTemplate::of(f) };
                base += f.base();
                end = end.max(base + f.end());
            }
        }
        end
    }

    /// Pushes the frames of the inlined calls that the instruction lies in; how many there are.
    pub(super) fn push_inlined(&mut self, v: Val) -> usize {
        let n = self.inlined_at(v);
        if n == 0 {
            return 0;
        }
        let frames = &self.func.states[self.func[v].state.0 as usize].frames;
        // SAFETY: the builder put addresses of live objects there, which the unit keeps alive.
        let templates: Box<[FrameTemplate]> = frames.iter().map(|f| unsafe { FrameTemplate::of(f) }).collect();
        let (cx, at, count) = (self.cx, self.word(templates.as_ptr() as u64), self.word(n as u64 + 1));
        let top = self.call(crate::exits::push_frames as *const () as usize, &[cx, at, count], Some(types::I64));
        let top = top.expect("it has a result");
        self.templates.push(templates);
        let size = std::mem::size_of::<Frame>() as i64;
        for (i, f) in frames.iter().enumerate().skip(1) {
            let fields = [
                (std::mem::offset_of!(Frame, function), f.callee),
                (std::mem::offset_of!(Frame, receiver), f.receiver),
            ];
            for (offset, value) in fields.into_iter().filter(|f| !f.1.is_none()) {
                let value = self.value(value);
                let at = offset as i64 - (n - i) as i64 * size;
                self.b.ins().store(flags(), value, top, at as i32);
            }
        }
        self.top_frame = Some(top);
        n
    }

    /// Pops `n` frames that [`Lowering::push_inlined`] pushed.
    pub(super) fn pop_inlined(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let size = std::mem::size_of::<Frame>() as i64;
        let top = self.top_frame.expect("frames were pushed");
        let mut seen = None;
        for i in 0..n as i64 {
            let at = std::mem::offset_of!(Frame, object) as i64 - i * size;
            let object = self.b.ins().load(types::I64, flags(), top, at as i32);
            seen = Some(seen.map_or(object, |s| self.b.ins().bor(s, object)));
        }
        let (tell, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(tell);
        self.b.ins().brif(seen.expect("n > 0"), tell, &[], next, &[]);
        self.b.switch_to_block(tell);
        let (count, valid) = (self.word(n as u64), self.word(self.process.valid));
        self.call(crate::exits::frames_seen as *const () as usize, &[top, count, valid], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
        let first = self.b.ins().iadd_imm_s(top, -(n as i64 - 1) * size);
        self.b.ins().store(flags(), first, self.cx, NEXT_FRAME as i32);
        let frame = self.frame();
        self.b.ins().store(flags(), frame, self.cx, std::mem::offset_of!(Cx, frame) as i32);
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let depth = self.b.ins().load(types::I64, flags(), self.cx, depth_at);
        let depth = self.b.ins().iadd_imm_s(depth, -(n as i64));
        self.b.ins().store(flags(), depth, self.cx, depth_at);
        self.top_frame = None;
    }
}
