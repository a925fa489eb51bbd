//! The entry: from the frame that is to run compiled code to the first state.

use std::rc::Rc;

use taipan_bytecode::Op as B;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::float;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Object, Value};

use super::calls::{has_any, is_call, is_loop};
use super::cfg::{Cfg, Liveness, op_at};
use super::{Builder, Built, Context, Frame, HeadGuard, Info, Refusal, State, Sticky};
use crate::exits::Reason;
use crate::ir::{Func, Op, StateId, Type, Val};

/// What building gives.
pub struct Product {
    /// The function.
    pub func: Func,
    /// Objects that it refers to.
    pub roots: RootVec,
    /// Registers that are guarded on entry, with the types expected.
    pub entry_kinds: Vec<(u16, Type)>,
    /// What it assumes of registers with which loops begin.
    pub head_facts: Vec<HeadGuard>,
    /// Types whose attributes were taken as constants.
    pub watched_types: Vec<&'static Class>,
    /// Keys whose values were taken as constants.
    pub watched_keys: Vec<(&'static Dict, &'static Str)>,
    /// Instructions of bytecode that were built for the span that was found hot, inlined calls included.
    pub spanned: u32,
}

/// Builds `code`, which the frame on top runs, from `entry` on: a word index or one for which [`crate::tier::is_start`].
pub fn build(cx: &mut Cx, code: &'static CodeObject, entry: u32, sticky: &mut Sticky) -> Built<Product> {
    // SAFETY: FRAME-1.
    let frame = unsafe { &*cx.frame };
    let at_start = crate::tier::is_start(entry);
    let pc = if at_start { 0 } else { entry as usize };
    let context = Context {
        code,
        function: frame.function,
        globals: frame.globals,
        builtins: frame.builtins,
        path: 0,
        call_pc: 0,
        return_pc: 0,
        site: (0, 0),
        result: 0,
        base: 0,
        live: Rc::new(Liveness::of(code)),
        catches: super::cfg::catches(code).into(),
    };
    let state = State {
        frames: vec![Frame {
            context: 0,
            regs: vec![Val::NONE; code.nregs()],
            synced: vec![Val::NONE; code.nregs()],
            receiver: Val::NONE,
            callee: Val::NONE,
            consumer: None,
        }],
        shapes: vec![],
        sets: vec![],
        fields: vec![],
        iters: vec![],
        handled: vec![],
        handlers: handlers_around(code, pc, &context.live),
    };
    let generator = code.is_generator_like();
    let function = if at_start && !generator { std::ptr::from_ref(code) as u64 } else { 0 };
    let arguments = crate::tier::arguments(code, entry);
    let mut func = Func { hoists_guards: true, generator, function, arguments, ..Func::default() };
    let block = func.add_block();
    let mut builder = Builder {
        cx,
        func,
        info: vec![],
        tuples: Default::default(),
        functions: Default::default(),
        iterated: Default::default(),
        in_cells: Default::default(),
        rows: Default::default(),
        mixed: Default::default(),
        maybes: Default::default(),
        complexes: Default::default(),
        words: Default::default(),
        chars: Default::default(),
        choices: Default::default(),
        initial: Default::default(),
        contexts: vec![context],
        block,
        state,
        pc,
        here: vec![],
        loops: vec![],
        sticky,
        fresh: None,
        restart: false,
        roots: RootVec::new(),
        watched_types: vec![],
        watched_keys: vec![],
        inlined: 0,
        spanned: 0,
        caught: vec![],
        copied: 0,
        decided: vec![],
        over_generators: vec![],
        repeated: 0,
        suspended: vec![],
        calls: vec![],
        entry_kinds: vec![],
        head_facts: vec![],
    };
    builder.registers(frame, at_start, pc);
    if at_start && calls_without_loops(code) {
        // Recursion has no back edges at which signals would be noticed.
        builder.emit_guard(Op::CheckInterrupt, Type::Void, &[], 0, Reason::Interrupt);
    }
    let cfg = Cfg::of(code, pc, &builder.contexts[0].catches);
    builder.region(cfg)?;
    builder.refuse_escaping();
    if builder.restart {
        return Err(Refusal::Restart);
    }
    for (line, helper, op) in &builder.calls {
        eprintln!("jit: {} calls {helper:?} in line {line}: {op:?}", crate::dump::name(code, entry));
    }
    let (mut func, roots) = (builder.func, builder.roots);
    func.ranges = builder.info.iter().map(|i| (i.lo, i.hi)).collect();
    let (entry_kinds, head_facts) = (builder.entry_kinds, builder.head_facts);
    Ok(Product {
        func,
        roots,
        entry_kinds,
        head_facts,
        watched_types: builder.watched_types,
        watched_keys: builder.watched_keys,
        spanned: builder.spanned,
    })
}

impl Builder<'_> {
    /// The registers on entry: loaded, and guarded to be the kinds of numbers that they are now.
    fn registers(&mut self, frame: &taipan_runtime::frame::Frame, at_start: bool, pc: usize) {
        let code = frame.code;
        let (locals, cells) = (code.nlocals as usize, code.ncells as usize);
        let named = locals + cells + code.nfrees as usize;
        for r in 0..code.nregs() {
            let live = self.contexts[0].live.is_live(pc, r);
            let argument = r < super::binding::parameters(code);
            if at_start && !argument && r < locals + cells {
                // Not bound yet, whatever the window holds.
                let v = self.unbound();
                self.set_reg(r, v);
                continue;
            }
            if argument && let Some(ty) = self.func.arguments.as_ref().and_then(|types| types.get(r)).copied() {
                self.argument(r, ty);
                continue;
            }
            if !live {
                continue;
            }
            let v = self.emit(Op::LoadReg, Type::Val, &[], r as u64);
            let is_cell = r >= locals && r < named;
            self.info[v.0 as usize] = Info { bound: is_cell || (at_start && argument), ..Info::ANY };
            if is_cell {
                self.classed(v, Cell::class());
            }
            self.initial.insert(v, v);
            self.set_reg(r, v);
            self.top_mut().synced[r] = v;
        }
        let state = self.entry_state(pc);
        if let Some(f) = self.contexts[0].function.filter(|_| self.func.arguments.is_some()) {
            // The cell is found by its address, which another function must not get while there is code.
            self.root(Value::of(f));
            self.func.callee = std::ptr::from_ref(f) as u64;
        }
        if self.func.arguments.is_none() {
            // Other functions may have the same code.
            let globals = self.contexts[0].globals;
            self.root(Value::of(globals));
            self.emit_exit(Op::CheckGlobals, Type::Void, &[], globals as *const Dict as u64, Reason::Interpret, state);
        }
        for r in 0..locals.max(code.nregs()) {
            let v = self.reg(r);
            if v.is_none() || self.func[v].op != Op::LoadReg || (r >= locals && r < named) {
                continue;
            }
            if crate::profile::profile(code).is_some_and(|p| p.entry_varies(pc as u32, r as u16)) {
                continue;
            }
            // Only exits name what is assigned before it is read, as what a round of a loop works with.
            if !at_start && self.is_assigned_first(pc, r) {
                continue;
            }
            // SAFETY: FRAME-2; live registers hold values.
            let Some(now) = (unsafe { Value::from_bits(*frame.regs.add(r)) }) else { continue };
            let (op, ty) = if now.is_small() {
                (Op::GuardInt, Type::Int)
            } else if now.is_flonum() || r < locals && now.is_pointer() && std::ptr::eq(now.class(), &float::FLOAT) {
                (Op::GuardFloat, Type::Float)
            } else {
                continue;
            };
            let g = self.emit_exit(op, ty, &[v], 0, Reason::Entry, state);
            self.entry_kinds.push((r as u16, ty));
            if ty == Type::Int {
                self.bounded(g, taipan_runtime::value::INT_MIN, taipan_runtime::value::INT_MAX);
            }
            self.refine(v, g);
        }
    }

    /// The argument of a typed entry for register `r`, which nobody has stored there.
    fn argument(&mut self, r: usize, ty: Type) {
        let v = self.emit(Op::Argument, ty, &[], r as u64);
        self.info[v.0 as usize].bound = true;
        self.initial.insert(v, v);
        self.set_reg(r, v);
    }

    /// The state on entry: of registers in memory nothing needs to be written.
    fn entry_state(&mut self, pc: usize) -> StateId {
        self.resume_at(pc)
    }
}

/// Whether an instruction lies in handlers: what was handled before is needed yet. More than one count as one.
fn handlers_around(code: &CodeObject, pc: usize, live: &Liveness) -> u32 {
    let mut at = 0;
    while at < code.word_count() {
        let op = op_at(code, at);
        if op.base() == B::PushExcInfo && live.is_live(pc, super::cfg::word_at(code, at).b()) {
            return 1;
        }
        at += op.words();
    }
    0
}

/// Whether a function calls something and has no loop.
fn calls_without_loops(code: &CodeObject) -> bool {
    has_any(code, is_call) && !has_any(code, is_loop)
}

/// Whether a function calls something or has a loop.
pub fn calls_or_loops(code: &CodeObject) -> bool {
    has_any(code, |op| is_call(op) || is_loop(op))
}
