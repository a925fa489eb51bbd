//! The frames of inlined calls while compiled code makes a call that may run Python code. Before the call they are pushed as
//! the interpreter would have pushed them, after it they are popped; in between compiled code has one frame only.

use std::collections::HashMap;

use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use taipan_runtime::Cx;
use taipan_runtime::frame::{Frame, HEADER_WORDS, Header, Stack, flag};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;

use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::{BlockId, FrameDesc, Op, StateId, Val};

/// Byte offset of the first free frame in the context.
pub(super) const NEXT_FRAME: usize = std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(Stack, next_frame);
/// Of the end of the registers.
pub(super) const REGS_END: usize = std::mem::offset_of!(Cx, stack) + std::mem::offset_of!(Stack, regs_end);
/// Size of a frame.
pub(super) const FRAME_BYTES: i64 = std::mem::size_of::<Frame>() as i64;

// They are copied two words at a time.
const _: () = assert!(HEADER_WORDS % 2 == 0);

/// Headers of frames that code pushes, by code, function and flags, at addresses that the code holds.
pub type Headers = HashMap<(u64, u64, u32), Box<Header>>;

/// The code that a frame runs.
fn code_of(f: &FrameDesc) -> &'static CodeObject {
    // SAFETY: the builder put the address of a code object there that the unit keeps alive.
    unsafe { &*(f.code as *const CodeObject) }
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
                base += f.base as usize;
                end = end.max(base + code_of(f).nregs());
            }
        }
        end
    }

    /// Pushes the frames of the inlined calls that the instruction lies in; how many there are. Limits were checked, with a reserve,
    /// when the entry frame was pushed.
    pub(super) fn push_inlined(&mut self, v: Val) -> usize {
        let n = self.inlined_at(v);
        if n == 0 {
            return 0;
        }
        let frames = &self.func.states[self.func[v].state.0 as usize].frames;
        let (cx, outer) = (self.cx, self.frame());
        self.store_pc(outer, &frames[0]);
        // A generator's frame is no part of the stack.
        let first = match self.func.generator {
            true => self.b.ins().load(types::I64, flags(), cx, NEXT_FRAME as i32),
            false => self.b.ins().iadd_imm_s(outer, FRAME_BYTES),
        };
        let (mut caller, mut new, mut base) = (outer, first, 0);
        for (i, f) in frames.iter().enumerate().skip(1) {
            if i > 1 {
                new = self.b.ins().iadd_imm_s(first, (i as i64 - 1) * FRAME_BYTES);
            }
            // Nor are its registers, above which the first window lies then.
            let is_above = self.func.generator;
            base += if is_above && i == 1 { 0 } else { f.base as i64 };
            let window = self.b.ins().iadd_imm_s(if is_above { self.above } else { self.regs }, base * 8);
            self.push_header(new, f);
            self.place_frame(new, window, caller, code_of(f).nregs());
            self.store_pc(new, f);
            caller = new;
        }
        let next = self.b.ins().iadd_imm_s(first, n as i64 * FRAME_BYTES);
        self.b.ins().store(flags(), next, cx, NEXT_FRAME as i32);
        self.b.ins().store(flags(), new, cx, std::mem::offset_of!(Cx, frame) as i32);
        self.count_frames(n as i64);
        self.top_frame = Some(new);
        n
    }

    /// The header of the frame of an inlined call.
    fn push_header(&mut self, new: clif::Value, f: &FrameDesc) {
        // SAFETY: the builder put addresses of live objects there, which the unit keeps alive.
        let function = unsafe { (f.function as *const Function).as_ref() }.expect("an inlined frame has its function");
        let kind = if f.receiver.is_none() { 0 } else { flag::INIT };
        self.copy_header(new, code_of(f), function, kind);
        let fields =
            [(std::mem::offset_of!(Frame, function), f.callee), (std::mem::offset_of!(Frame, receiver), f.receiver)];
        for (offset, value) in fields.into_iter().filter(|f| !f.1.is_none()) {
            let value = self.value(value);
            self.b.ins().store(flags(), value, new, offset as i32);
        }
    }

    /// Copies the header of frames of a function, which the unit keeps alive, into a new frame.
    pub(super) fn copy_header(
        &mut self,
        new: clif::Value,
        code: &'static CodeObject,
        function: &'static Function,
        kind: u32,
    ) {
        let key = (code as *const _ as u64, function as *const _ as u64, kind);
        let header = self.headers.entry(key).or_insert_with(|| Box::new(Header::new(code, function, kind)));
        let header = &raw const **header as u64;
        let header = self.word(header);
        for offset in (0..HEADER_WORDS as i32).step_by(2).map(|i| i * 8) {
            self.copy_two(header, offset, new, offset);
        }
    }

    /// Copies two words.
    pub(super) fn copy_two(&mut self, from: clif::Value, at: i32, to: clif::Value, offset: i32) {
        let unaligned = clif::MemFlagsData::new().with_notrap();
        let words = self.b.ins().load(types::I64X2, unaligned, from, at);
        self.b.ins().store(unaligned, words, to, offset);
    }

    /// Writes what depends on where a frame is pushed: with `end` registers.
    pub(super) fn place_frame(&mut self, new: clif::Value, window: clif::Value, caller: clif::Value, end: usize) {
        let top = self.b.ins().iadd_imm_s(window, end as i64 * 8);
        for (offset, value) in [
            (std::mem::offset_of!(Frame, regs), window),
            (std::mem::offset_of!(Frame, prev), caller),
            (std::mem::offset_of!(Frame, top), top),
        ] {
            self.b.ins().store(flags(), value, new, offset as i32);
        }
    }

    /// Writes the pc of a frame.
    fn store_pc(&mut self, frame: clif::Value, f: &FrameDesc) {
        // SAFETY: a place in the code.
        let pc = unsafe { code_of(f).words_ptr().add(f.pc as usize) };
        let pc = self.word(pc as u64);
        self.b.ins().store(flags(), pc, frame, std::mem::offset_of!(Frame, pc) as i32);
    }

    /// Counts frames that are pushed or popped.
    fn count_frames(&mut self, n: i64) {
        let depth_at = std::mem::offset_of!(Cx, depth) as i32;
        let depth = self.b.ins().load(types::I64, flags(), self.cx, depth_at);
        let depth = self.b.ins().iadd_imm_s(depth, n);
        self.b.ins().store(flags(), depth, self.cx, depth_at);
    }

    /// Pops `n` frames that [`Lowering::push_inlined`] pushed.
    pub(super) fn pop_inlined(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let top = self.top_frame.expect("frames were pushed");
        let mut seen = None;
        for i in 0..n as i64 {
            let at = std::mem::offset_of!(Frame, object) as i64 - i * FRAME_BYTES;
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
        let first = self.b.ins().iadd_imm_s(top, -(n as i64 - 1) * FRAME_BYTES);
        self.b.ins().store(flags(), first, self.cx, NEXT_FRAME as i32);
        let frame = self.frame();
        self.b.ins().store(flags(), frame, self.cx, std::mem::offset_of!(Cx, frame) as i32);
        self.count_frames(-(n as i64));
        self.top_frame = None;
    }
}
