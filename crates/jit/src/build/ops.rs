//! The instructions: one arm for each opcode, which emits IR or leaves the work to the interpreter.

use taipan_bytecode::{Op as B, Word, effects};
use taipan_runtime::Value;
use taipan_runtime::types::cell::Cell;

use std::rc::Rc;

use super::cfg::{Cfg, op_at, word_at};
use super::except::Caught;
use super::merge::Head;
use super::values::at;
use super::yielding::LoopBody;
use super::{Builder, Built, Pending};
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Cond, Op, Type, Val};

/// What an instruction does with control.
pub enum Flow {
    /// Goes on with the next instruction.
    Next,
    /// Jumps to a word, or goes on with the next instruction.
    Branch {
        /// State at the target.
        taken: Pending,
        /// State behind the instruction.
        not_taken: Pending,
    },
    /// Jumps.
    Jump,
    /// Returns a value (inlined calls).
    Return(Val),
    /// Ended: left, or returned from the entry frame.
    End,
}

/// The instruction being built.
#[derive(Clone, Copy)]
pub struct At {
    /// Opcode as the interpreter has it, quickened or not.
    pub op: B,
    /// Instruction word.
    pub w: Word,
    /// Address of its first cache word.
    pub cache: *const u64,
}

impl At {
    /// A cache word.
    pub fn word(&self, i: usize) -> u64 {
        // SAFETY: callers ask for cache words that the opcode has.
        unsafe { *self.cache.add(i) }
    }

    /// Feedback bits of the first cache word.
    pub fn feedback(&self) -> u64 {
        self.word(0) & !0xffff_ffff
    }
}

/// Ways out of an inlined call: state and result.
pub type Returns = Vec<(Pending, Val)>;

/// Where ways out of blocks are noted.
pub struct Ways {
    /// Ways into blocks that are built later.
    pub pending: Vec<Vec<Pending>>,
    /// Heads of loops.
    heads: Vec<Option<Head>>,
    /// Ways out of the frame.
    pub returns: Returns,
    /// If only the body of a loop over a generator is being built.
    pub body: Option<LoopBody>,
}

impl Ways {
    /// None yet.
    pub fn new(cfg: &Cfg, body: Option<LoopBody>) -> Ways {
        let pending = cfg.blocks.iter().map(|_| vec![]).collect();
        Ways { pending, heads: cfg.blocks.iter().map(|_| None).collect(), returns: vec![], body }
    }
}

/// Largest block, in words, that is built for an exception alone, and words built so in all.
const MAX_COPY: usize = 80;
const MAX_COPIED: usize = 400;

/// The interpreter makes a frame and drops it in the time of so many instructions.
const CALL: u32 = 8;

impl Builder<'_> {
    /// Builds the code of the innermost frame. In the entry frame returns leave compiled code.
    pub fn region(&mut self, cfg: Cfg) -> Built<Returns> {
        let cfg = Rc::new(cfg);
        let mut ways = Ways::new(&cfg, None);
        let outer_loops = self.loops.len();
        self.here.push(cfg.entry());
        if self.state.frames.len() > 1 {
            self.count_spanned(CALL);
        }
        ways.pending[cfg.entry()].push(self.pend());
        self.blocks(&cfg, &mut ways)?;
        self.loops.truncate(outer_loops);
        self.here.pop();
        Ok(ways.returns)
    }

    /// Builds the blocks that ways lead to.
    pub fn blocks(&mut self, cfg: &Rc<Cfg>, ways: &mut Ways) -> Built<()> {
        for &b in &cfg.rpo {
            let block = &cfg.blocks[b];
            if ways.pending[b].is_empty() {
                continue;
            }
            *self.here.last_mut().expect("the region's") = b;
            self.merge(std::mem::take(&mut ways.pending[b]), block.start)?;
            if block.header && self.loop_over_generator(cfg, b, ways)? {
                continue;
            }
            if block.header {
                let body = cfg.bodies[b].clone().unwrap_or_default();
                if block.irreducible {
                    self.forget_iters();
                    self.state.shapes.clear();
                    self.state.sets.clear();
                    for frame in &mut self.state.frames {
                        frame.synced.fill(Val::NONE);
                    }
                }
                let nregs = self.context().code.nregs();
                let written = |r| block.irreducible || r >= nregs || block.written.has(r);
                let others = self.written_by_consumers(cfg, &body);
                let head = self.open_loop(block.start, (&written, &others), body, block.irreducible)?;
                ways.heads[b] = Some(head);
            }
            self.straight(cfg, b, ways, None)?;
            self.check_size()?;
        }
        Ok(())
    }

    /// Builds the instructions of a block, maybe for an exception alone that does not exist.
    fn straight(&mut self, cfg: &Cfg, b: usize, ways: &mut Ways, unmade: Option<Val>) -> Built<()> {
        let block = &cfg.blocks[b];
        let code = self.context().code;
        let mut pc = block.start;
        loop {
            self.pc = pc;
            let (op, w) = (op_at(code, pc), word_at(code, pc));
            // SAFETY: the instruction's cache words follow it.
            let at = At { op, w, cache: unsafe { code.words_ptr().add(pc + 1) } };
            let next = pc + op.words();
            self.count_spanned(1);
            let flow = self.instruction(at)?;
            ways.returns.append(&mut self.decided);
            // Not what the state says: where no way came out of an inlined call, it is still that of the call.
            let depth = self.here.len() - 1;
            if self.caught.iter().any(|c| c.depth == depth) {
                let here = self.pend();
                let (caught, others) = std::mem::take(&mut self.caught).into_iter().partition(|c| c.depth == depth);
                self.caught = others;
                for Caught { way, handler, unmade, .. } in caught {
                    self.way(cfg, (b, handler), way, ways, unmade)?;
                    *self.here.last_mut().expect("the region's") = b;
                }
                self.go_on(here);
            }
            let target = || (next as i64 + effects::jump(op.base(), w).unwrap_or(0) as i64) as usize;
            match flow {
                Flow::Next if next < block.end => {
                    pc = next;
                    continue;
                }
                Flow::Next => {
                    let state = self.pend();
                    self.way(cfg, (b, next), state, ways, unmade)?;
                }
                Flow::Jump => {
                    let state = self.pend();
                    self.way(cfg, (b, target()), state, ways, unmade)?;
                }
                Flow::Branch { taken, not_taken } => {
                    self.way(cfg, (b, next), not_taken, ways, unmade)?;
                    *self.here.last_mut().expect("the region's") = b;
                    self.way(cfg, (b, target()), taken, ways, unmade)?;
                }
                Flow::Return(v) => {
                    let state = self.pend();
                    ways.returns.push((state, v));
                }
                Flow::End => {}
            }
            return Ok(());
        }
    }

    /// Counts so many instructions if they, or the call of the entry frame that they are part of, lie in the span that was
    /// found hot.
    fn count_spanned(&mut self, instructions: u32) {
        let at = self.state.frames.get(1).map_or(self.pc as u32, |called| self.contexts[called.context].call_pc);
        let (from, to) = self.sticky.span;
        if (from..to).contains(&at) {
            self.spanned += instructions;
        }
    }

    /// A way from a block to the one at a pc. It is built for an exception alone that does not exist yet, as long as that is
    /// named there and it costs little: with other ways it would have to exist.
    fn way(
        &mut self,
        cfg: &Cfg,
        (from, pc): (usize, usize),
        state: Pending,
        ways: &mut Ways,
        unmade: Option<Val>,
    ) -> Built<()> {
        let to = cfg.successor(from, pc);
        let block = &cfg.blocks[to];
        self.go_on(state);
        let words = block.end - block.start;
        let alone = unmade.is_some_and(|e| self.is_about(e))
            && block.order > cfg.blocks[from].order
            && !block.header
            && words <= MAX_COPY
            && self.copied + words <= MAX_COPIED;
        let here = self.pend();
        if !alone {
            self.edge(cfg, from, pc, here, ways);
            return Ok(());
        }
        self.copied += words;
        *self.here.last_mut().expect("the region's") = to;
        self.merge(vec![here], block.start)?;
        self.straight(cfg, to, ways, unmade)
    }

    /// Notes a way from a block to the one at a pc.
    pub fn edge(&mut self, cfg: &Cfg, from: usize, pc: usize, state: Pending, ways: &mut Ways) {
        let to = cfg.successor(from, pc);
        let state = match &mut ways.body {
            Some(body) => match body.leaves(cfg, from, to, state) {
                Some(state) => state,
                None => return,
            },
            None => state,
        };
        if cfg.blocks[to].order <= cfg.blocks[from].order {
            self.go_on(state);
            // A loop that is entered in its middle may have a head that no way led to yet.
            let Some(head) = ways.heads[to].take() else {
                let state = self.resume_at(pc);
                self.emit_exit(Op::Exit, Type::Void, &[], 0, Reason::Interpret, state);
                return;
            };
            self.close_loop(&head);
            ways.heads[to] = Some(head);
        } else {
            ways.pending[to].push(state);
        }
    }

    /// Builds one instruction.
    fn instruction(&mut self, at: At) -> Built<Flow> {
        let (w, a, b, c) = (at.w, at.w.a(), at.w.b(), at.w.c());
        if is_unreached(at) && !self.failed(Reason::Unreached) {
            self.leave(Reason::Unreached);
            return Ok(Flow::End);
        }
        match at.op.base() {
            B::Nop => {}
            B::Move => {
                let v = self.reg(b);
                self.set_reg(a, v);
            }
            B::LoadConst => {
                let value = self.context().code.consts()[w.x() as usize];
                let v = self.constant(value);
                self.set_reg(a, v);
            }
            B::LoadInt => {
                let v = self.int(w.x() as i64);
                self.set_reg(a, v);
            }
            B::CheckLocal => {
                let v = self.reg(a);
                self.guard_bound(v);
            }
            B::DeleteLocal => {
                let v = self.reg(a);
                self.guard_bound(v);
                let v = self.unbound();
                self.set_reg(a, v);
            }
            B::ClearLocal => {
                let v = self.unbound();
                self.set_reg(a, v);
            }
            B::LoadDeref => self.load_deref(a, b),
            B::StoreDeref => {
                let (cell, v) = (self.reg(a), self.reg(b));
                let v = self.boxed(v);
                self.emit(Op::Store, Type::Void, &[cell, v], at_cell());
                self.emit(Op::Barrier, Type::Void, &[cell, v], 1);
                self.in_cells.insert(cell, v);
            }
            B::LoadGlobal => return self.load_global(at),
            B::StoreGlobal => return self.store_global(at),
            B::LoadAttr => return self.load_attr(at),
            B::StoreAttr => return self.store_attr(at),
            B::LoadMethod => return self.load_method(at),
            B::LoadSuperMethod => return self.load_super_method(at),
            B::LoadSpecial => return self.load_special(at),
            B::LoadItem => {
                let key = self.reg(c);
                return self.load_item(at, key);
            }
            B::LoadItemI => {
                let key = self.int(w.sc() as i64);
                return self.load_item(at, key);
            }
            B::StoreItem => return self.store_item(at),
            B::Neg => return self.negate(at),
            B::Invert => return self.invert(at),
            B::Not => {
                let v = self.reg(b);
                return match self.truth(v) {
                    Some(t) => {
                        let v = self.emit(Op::BoolNot, Type::Bool, &[t], 0);
                        self.set_reg(a, v);
                        Ok(Flow::Next)
                    }
                    None => self.generic(at),
                };
            }
            B::ToBool => {
                let v = self.reg(b);
                return match self.truth(v) {
                    Some(t) => {
                        self.set_reg(a, t);
                        Ok(Flow::Next)
                    }
                    None => self.generic(at),
                };
            }
            B::Add
            | B::Sub
            | B::Mul
            | B::TrueDiv
            | B::FloorDiv
            | B::Mod
            | B::LShift
            | B::RShift
            | B::And
            | B::Or
            | B::Xor
            | B::Pow => {
                let rhs = self.reg(c);
                return self.binary(at, at.op.base(), rhs);
            }
            B::AddI | B::SubI | B::MulI | B::FloorDivI | B::ModI | B::LShiftI | B::RShiftI | B::AndI => {
                let rhs = self.int(w.sc() as i64);
                return self.binary(at, plain_form(at.op.base()), rhs);
            }
            B::Lt | B::Le | B::Eq | B::Ne | B::Gt | B::Ge => return self.comparison(at),
            B::Is | B::IsNot => {
                let (x, y) = (self.reg(b), self.reg(c));
                let mut t = self.is(x, y);
                if at.op.base() == B::IsNot {
                    t = self.emit(Op::BoolNot, Type::Bool, &[t], 0);
                }
                self.set_reg(a, t);
            }
            B::Jump => return Ok(Flow::Jump),
            B::JumpBack => {
                self.emit_guard(Op::CheckInterrupt, Type::Void, &[], 0, Reason::Interrupt);
                return Ok(Flow::Jump);
            }
            B::JumpIf | B::JumpIfNot => return self.jump_truth(at),
            B::JumpIfNone | B::JumpIfNotNone => {
                let v = self.reg(a);
                let t = self.is_none(v);
                return Ok(self.fork(t, at.op.base() == B::JumpIfNone));
            }
            B::JumpIs | B::JumpIsNot => {
                let (x, y) = (self.reg(a), self.reg(b));
                let t = self.is(x, y);
                return Ok(self.fork(t, at.op.base() == B::JumpIs));
            }
            B::JumpLt
            | B::JumpLe
            | B::JumpEq
            | B::JumpNe
            | B::JumpGt
            | B::JumpGe
            | B::JumpNotLt
            | B::JumpNotLe
            | B::JumpNotEq
            | B::JumpNotNe
            | B::JumpNotGt
            | B::JumpNotGe => {
                let rhs = self.reg(b);
                return self.compare_jump(at, rhs);
            }
            B::JumpLtI
            | B::JumpLeI
            | B::JumpEqI
            | B::JumpNeI
            | B::JumpGtI
            | B::JumpGeI
            | B::JumpNotLtI
            | B::JumpNotLeI
            | B::JumpNotEqI
            | B::JumpNotNeI
            | B::JumpNotGtI
            | B::JumpNotGeI => {
                let rhs = self.int(w.sb() as i64);
                return self.compare_jump(at, rhs);
            }
            B::In | B::NotIn => return self.contains(at, at.op.base() == B::In),
            B::LoadSlice => return self.load_slice(at),
            B::BuildSlice => {
                let parts = [b, b + 1, b + 2].map(|r| self.reg(r)).map(|v| self.boxed(v));
                let v = self.emit(Op::NewSlice, Type::Val, &parts, 0);
                self.classed(v, &taipan_runtime::types::slice::SLICE);
                self.set_reg(a, v);
            }
            B::DeleteItem => {
                let (v, key) = (self.reg(a), self.reg(b));
                if self.plain(Helper::PlainDelItem, &[v, key], Type::Word).is_none() {
                    return self.generic(at);
                }
            }
            B::StoreSlice => return self.store_slice(at),
            B::LoadCommonConst => {
                if let Some(value) = common_const(b) {
                    let v = self.object(value);
                    self.set_reg(a, v);
                    return Ok(Flow::Next);
                }
                return self.generic(at);
            }
            B::ForNext => return self.for_next(at),
            B::Send if self.awaits_here() => return Ok(self.send(at)),
            B::Send if self.top().consumer.is_some() => return self.delegate(at),
            B::GetYieldFromIter if self.delegates_plainly(b) => return self.get_iter(at),
            B::GetAwaitable if self.awaits_here() => return self.get_awaitable(at),
            B::GetAIter | B::GetANext if self.awaits_here() => return self.generic(at),
            B::GetIter => return self.get_iter(at),
            B::UnpackSequence => return self.unpack(at),
            B::BuildTuple => {
                let items: Vec<Val> = (b..b + c).map(|r| self.reg(r)).collect();
                return self.build_tuple(at, items);
            }
            B::BuildList => {
                let items: Vec<Val> = (b..b + c).map(|r| self.reg(r)).collect();
                self.build_list(a, items);
            }
            B::SetAdd => {
                let (set, v) = (self.reg(a), self.reg(b));
                if self.plain(Helper::PlainSetAdd, &[set, v], Type::Val).is_none() {
                    return self.generic(at);
                }
            }
            B::MapAdd => {
                let (dict, key, v) = (self.reg(a), self.reg(b), self.reg(c));
                if self.plain(Helper::PlainSetItem, &[dict, key, v], Type::Word).is_none() {
                    return self.generic(at);
                }
            }
            B::ListAppend => {
                let (list, v) = (self.reg(a), self.reg(b));
                self.list_append(list, v);
            }
            B::Call => return self.call(at),
            B::CallMethod => return self.call_method(at),
            B::CallKw | B::CallMethodKw => return self.call_keywords(at),
            B::FormatSimple => return self.format(at, None),
            B::FormatSpec => {
                let spec = self.reg(c);
                return self.format(at, Some(spec));
            }
            B::ConvertValue => return self.convert_value(at),
            B::BuildString => return Ok(self.build_string(at)),
            B::MakeFunction => self.make_function(at),
            B::SetFuncAttr => self.set_function_attribute(at),
            B::CallEx => return self.call_spread(at),
            B::BuildMap => return self.build_map(at),
            B::DictMerge => return self.dict_merge(at),
            B::Return | B::ReturnNone if self.top().consumer.is_some() => {
                let v = if at.op.base() == B::Return { self.reg(a) } else { self.object(Value::none()) };
                return self.end_of_items(v);
            }
            B::Return => {
                let v = self.reg(a);
                return Ok(self.give(v));
            }
            B::ReturnNone => {
                let v = self.object(Value::none());
                return Ok(self.give(v));
            }
            B::Yield | B::YieldDelegate if !self.is_inlined() => return self.yield_value(at),
            B::Yield | B::YieldDelegate if self.top().consumer.is_some() => return self.consume_item(at),
            B::Raise | B::RaiseFrom => return self.raise(at),
            B::RaiseCurrent | B::Reraise => return Ok(self.raise_again(at)),
            B::PushExcInfo => self.push_exc_info(a, b),
            B::WithExceptStart if !self.is_inlined() => return self.with_except_start(at),
            B::PopExcInfo => self.pop_exc_info(a),
            B::JumpExcNotMatch => return Ok(self.jump_exc_not_match(at)),
            B::ReturnGenerator
            | B::Send
            | B::GetAwaitable
            | B::GetAIter
            | B::GetANext
            | B::Yield
            | B::YieldDelegate
            | B::ForNextOrJump
            | B::EndAsyncFor
            | B::ImportStar
            | B::SetupAnnotations => {
                self.leave(Reason::Interpret);
                return Ok(Flow::End);
            }
            _ => return self.generic(at),
        }
        Ok(Flow::Next)
    }

    /// Returns `v` from the frame being built.
    fn give(&mut self, v: Val) -> Flow {
        if self.is_inlined() {
            return Flow::Return(v);
        }
        self.begin_handling();
        if self.func.generator {
            // Whoever holds the frame may look at its locals later.
            self.sync(&[]);
            let v = self.boxed(v);
            let state = self.resume_here();
            self.emit_exit(Op::Finish, Type::Void, &[v], 0, Reason::Interpret, state);
            return Flow::End;
        }
        self.forget_iters();
        let v = self.boxed(v);
        self.emit(Op::Return, Type::Void, &[v], 0);
        Flow::End
    }

    /// Ends the block with a branch on `t`, jumping where it is `when`.
    pub fn fork(&mut self, t: Val, when: bool) -> Flow {
        let (yes, no) = self.branch(t);
        let state = self.state.clone();
        let (taken, not_taken) = if when { (yes, no) } else { (no, yes) };
        Flow::Branch {
            taken: Pending { block: taken, state: state.clone() },
            not_taken: Pending { block: not_taken, state },
        }
    }

    /// As [`Builder::fork`], after a helper that may have run Python code: both ways begin with a check that the code's
    /// assumptions still hold.
    pub fn fork_checked(&mut self, at: At, t: Val, when: bool) -> Flow {
        let flow = self.fork(t, when);
        self.checked_ways(at, flow)
    }

    /// Adds the check to both ways of a branch.
    pub fn checked_ways(&mut self, at: At, flow: Flow) -> Flow {
        let Flow::Branch { taken, not_taken } = flow else { return flow };
        let next = self.pc + at.op.words();
        let target = (next as i64 + effects::jump(at.op.base(), at.w).unwrap_or(0) as i64) as usize;
        let mut check = |way: Pending, pc: usize| {
            self.go_on(way);
            let state = self.resume_at(pc);
            self.emit_exit(Op::CheckValid, Type::Void, &[], 0, Reason::Invalid, state);
            self.pend()
        };
        Flow::Branch { taken: check(taken, target), not_taken: check(not_taken, next) }
    }

    /// Executes the instruction by the interpreter's implementation, on registers in memory.
    pub fn generic(&mut self, at: At) -> Built<Flow> {
        let base = at.op.base();
        if (self.cx.rt().hooks.get().generic)(base as u16).is_none() {
            self.leave(Reason::Interpret);
            return Ok(Flow::End);
        }
        let reads: Vec<usize> = effects::reads(base, at.w).registers().collect();
        let made_of = (base == B::MakeCell).then(|| self.reg(at.w.b()));
        self.sync(&reads);
        let pc = self.word(at.cache as u64);
        self.python_call(Helper::Generic, &[pc], Type::Word);
        for r in effects::writes(base, at.w).registers() {
            let from = self.window() + r;
            let v = self.emit(Op::LoadReg, Type::Val, &[], from as u64);
            self.info[v.0 as usize].bound = false;
            let pair = matches!(base, B::LoadMethod | B::LoadSuperMethod | B::LoadSpecial) && r == at.w.a() + 1;
            if !pair {
                self.info[v.0 as usize].bound = true;
            }
            self.set_reg(r, v);
            self.top_mut().synced[r] = v;
            if let Some(content) = made_of {
                self.in_cells.insert(v, content);
            }
        }
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// Writes the locals of all frames, and the registers `also` of the innermost, to their windows.
    pub fn sync(&mut self, also: &[usize]) {
        self.forget_iters();
        let depth = self.state.frames.len();
        for d in 0..depth {
            let context = &self.contexts[self.state.frames[d].context];
            let window = self.window_of(d);
            let named = (context.code.nlocals + context.code.ncells + context.code.nfrees) as usize;
            let top = d + 1 == depth;
            if !top {
                // The windows of inlined calls lie over dead registers of their callers.
                let base = self.contexts[self.state.frames[d + 1].context].base as usize;
                let synced = &mut self.state.frames[d].synced;
                if base < synced.len() {
                    synced[base..].fill(Val::NONE);
                }
            }
            for r in (0..named).chain(if top { also } else { &[] }.iter().copied()) {
                let frame = &self.state.frames[d];
                let v = frame.regs[r];
                if v.is_none() || frame.synced[r] == v {
                    continue;
                }
                // Nobody makes a generator that a loop goes through, only to show what a generator expression is about.
                let hidden = self.func[v].op == Op::Suspended && !also.contains(&r);
                let boxed = if hidden { self.unbound() } else { self.boxed(v) };
                self.emit(Op::StoreReg, Type::Void, &[boxed], (window + r) as u64);
                self.state.frames[d].synced[r] = if hidden { Val::NONE } else { v };
            }
        }
    }

    /// Writes the frame's pc before a call that may run Python code. In inlined calls lowering does that for all frames.
    pub fn store_pc(&mut self) {
        if self.is_inlined() {
            return;
        }
        // SAFETY: within the code.
        let address = unsafe { self.context().code.words_ptr().add(self.pc + 1) } as u64;
        self.emit(Op::StorePc, Type::Void, &[], address);
    }

    /// Calls a helper that may run Python code; registers were synced. What was known of memory is forgotten.
    pub fn python_call(&mut self, helper: Helper, args: &[Val], ty: Type) -> Val {
        self.begin_handling();
        let pc = self.pc;
        let code = self.context().code;
        if crate::options().verbose {
            self.calls.push((code.line_of(pc), helper, op_at(code, pc)));
        }
        self.store_pc();
        let v = self.emit_raising(Op::Call, ty, args, helper as u64);
        self.kill_shapes();
        v
    }

    /// Leaves behind the current instruction if what the code relies on has changed.
    pub fn check_valid(&mut self, at: At) {
        let state = self.resume_at(self.pc + at.op.words());
        self.emit_exit(Op::CheckValid, Type::Void, &[], 0, Reason::Invalid, state);
    }

    /// Calls a helper that may raise but runs no Python code.
    pub fn raising_call(&mut self, helper: Helper, args: &[Val], ty: Type) -> Val {
        self.emit_raising(Op::Call, ty, args, helper as u64)
    }

    /// Calls a helper that neither raises nor runs Python code.
    pub fn plain_call(&mut self, helper: Helper, args: &[Val], ty: Type) -> Val {
        self.emit(Op::Call, ty, args, helper as u64)
    }

    /// Gives a value to whoever resumed the generator. All registers that matter are in memory then; the next resumption
    /// begins another unit.
    fn yield_value(&mut self, at: At) -> Built<Flow> {
        self.begin_handling();
        let next = self.pc + at.op.words();
        let live = self.context().live.clone();
        let registers: Vec<usize> = (0..self.top().regs.len()).filter(|r| live.is_live(next, *r)).collect();
        self.sync(&registers);
        let v = self.reg(at.w.a());
        let v = self.boxed(v);
        // SAFETY: within the code.
        let pc = unsafe { self.context().code.words_ptr().add(next) } as u64;
        let state = self.resume_here();
        self.emit_exit(Op::Yield, Type::Void, &[v], pc, Reason::Interpret, state);
        Ok(Flow::End)
    }

    fn load_deref(&mut self, a: usize, b: usize) {
        let cell = self.reg(b);
        let v = self.emit(Op::Load, Type::Val, &[cell], at_cell());
        self.info[v.0 as usize].bound = false;
        let v = self.guard_bound(v);
        self.set_reg(a, v);
    }

    /// `x is y`.
    fn is(&mut self, x: Val, y: Val) -> Val {
        let (tx, ty) = (self.func[x].ty, self.func[y].ty);
        if x == y {
            return self.emit(Op::ConstBool, Type::Bool, &[], 1);
        }
        if tx == Type::Int && ty == Type::Int {
            return self.emit(Op::ICmp, Type::Bool, &[x, y], Cond::Eq as u64);
        }
        if tx == Type::Float && ty == Type::Float {
            // Which objects they were is not known any more.
            let t = self.plain_call(Helper::SameFloat, &[x, y], Type::Word);
            return self.word_is(t, 1);
        }
        let (x, y) = (self.boxed(x), self.boxed(y));
        for (v, other) in [(x, y), (y, x)] {
            if let Some(value) = self.as_const(v) {
                return self.emit(Op::IsConst, Type::Bool, &[other], value.bits());
            }
        }
        self.emit(Op::Is, Type::Bool, &[x, y], 0)
    }

    /// `v is None`.
    fn is_none(&mut self, v: Val) -> Val {
        match self.func[v].ty {
            Type::Val => self.emit(Op::IsConst, Type::Bool, &[v], Value::none().bits()),
            _ => self.emit(Op::ConstBool, Type::Bool, &[], 0),
        }
    }

    /// Whether a word has this value.
    pub fn word_is(&mut self, v: Val, word: u64) -> Val {
        let k = self.word(word);
        self.emit(Op::WordEq, Type::Bool, &[v, k], 0)
    }
}

/// Whether the interpreter's inline cache shows that the instruction has never been executed.
fn is_unreached(at: At) -> bool {
    match at.op {
        // Misses are counted in the unused operand.
        B::LoadAttr | B::LoadMethod | B::StoreAttr => at.w.0 >> 48 == 0,
        B::LoadGlobal => at.feedback() == 0 && at.word(1) == 0,
        _ => false,
    }
}

/// A built-in exception and the like that an instruction names.
fn common_const(n: usize) -> Option<Value> {
    use taipan_bytecode::ops::CommonConst;
    use taipan_runtime::exceptions;
    match CommonConst::from_u16(n as u16)? {
        CommonConst::AssertionError => Some(Value::of(&exceptions::AssertionError)),
        _ => None,
    }
}

fn at_cell() -> u64 {
    at(Alias::Cell, Cell::CONTENT_OFFSET)
}

/// The operator of a form with an immediate.
fn plain_form(op: B) -> B {
    match op {
        B::AddI => B::Add,
        B::SubI => B::Sub,
        B::MulI => B::Mul,
        B::FloorDivI => B::FloorDiv,
        B::ModI => B::Mod,
        B::LShiftI => B::LShift,
        B::RShiftI => B::RShift,
        B::AndI => B::And,
        other => other,
    }
}
