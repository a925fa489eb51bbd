//! The function form: blocks with parameters, instructions in SSA form, frame states.
//!
//! Every instruction is a value (of type void if it has no result); operands name instructions. A value is defined by one
//! instruction, which dominates its uses; where control meets, blocks have parameters.

use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::ops::{Effect, Op, Type};
use crate::consume::Consumer;

/// A value: the number of its instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Val(pub u32);

impl Val {
    /// No value: an operand slot that is empty, a register that is dead.
    pub const NONE: Val = Val(u32::MAX);

    /// True for [`Val::NONE`].
    pub fn is_none(self) -> bool {
        self == Val::NONE
    }
}

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct BlockId(pub u32);

/// A frame state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct StateId(pub u32);

impl StateId {
    /// No frame state.
    pub const NONE: StateId = StateId(u32::MAX);
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct Inst {
    /// What it does.
    pub op: Op,
    /// Type of its result.
    pub ty: Type,
    /// Operands.
    pub args: Vec<Val>,
    /// Immediate (meaning by `op`; offsets of loads and stores: low 32 bits, alias class: high 8 bits).
    pub imm: u64,
    /// Where it leaves to.
    pub state: StateId,
    /// Why it leaves: a number of `exits::Reason`.
    pub reason: u8,
}

/// A jump to a block with arguments for its parameters.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Where to.
    pub to: BlockId,
    /// Values of the target's parameters.
    pub args: Vec<Val>,
}

/// A block: parameters, instructions, and at the end one that says where to go on.
#[derive(Clone, Default, Debug)]
pub struct Block {
    /// Parameters (instructions of op `Param`).
    pub params: Vec<Val>,
    /// Instructions; the last ends the block.
    pub insts: Vec<Val>,
    /// Targets of the last instruction.
    pub edges: Vec<Edge>,
    /// Seldom reached.
    pub cold: bool,
    /// Heads of loops: the state in front of the loop, for guards that move there.
    pub enter: StateId,
    /// Heads of loops: index checks stay inside.
    pub keeps_checks: bool,
}

impl Default for StateId {
    fn default() -> StateId {
        StateId::NONE
    }
}

/// A consumer of a generator whose frame is built in place.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerDesc {
    /// What it is.
    pub consumer: Consumer,
    /// How far it is.
    pub progress: Vec<Val>,
}

/// One interpreter frame of a frame state.
#[derive(Clone, PartialEq, Debug)]
pub struct FrameDesc {
    /// Address of the code object.
    pub code: u64,
    /// Address of the function object, 0 for the entry frame (which exists).
    pub function: u64,
    /// The function object, where it is not always the same (then `function` has the same code).
    pub callee: Val,
    /// Word index at which the frame goes on: its next instruction, for callers the one after the call.
    pub pc: u32,
    /// Register of the caller that receives the result (inlined frames).
    pub result: u16,
    /// First register of the window, counted from the caller's window (inlined frames).
    pub base: u16,
    /// The new instance, if the frame runs `__init__`.
    pub receiver: Val,
    /// Registers that must be written: (register, value). Others already hold what they should.
    pub regs: Vec<(u16, Val)>,
    /// What goes through the items, if the frame is that of a generator which nobody made.
    pub consumer: Option<ConsumerDesc>,
}

impl FrameDesc {
    /// The values that it names, empty slots among them.
    fn values(&self) -> impl Iterator<Item = Val> + '_ {
        let progress = self.consumer.iter().flat_map(|c| c.progress.iter().copied());
        self.regs.iter().map(|r| r.1).chain([self.receiver, self.callee]).chain(progress)
    }
}

/// What an exit must do to memory besides registers: the word at `object + offset` becomes the int `value`.
#[derive(Clone, PartialEq, Debug)]
pub struct PendingStore {
    /// The object.
    pub object: Val,
    /// Byte offset.
    pub offset: u32,
    /// An int, stored as it is.
    pub value: Val,
}

/// Everything an exit needs to rebuild the interpreter's state.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct FrameState {
    /// Frames, the entry frame first.
    pub frames: Vec<FrameDesc>,
    /// Delayed stores.
    pub stores: Vec<PendingStore>,
    /// The exceptions that are being handled, outermost first, as far as nobody was told yet.
    pub handled: Vec<Val>,
}

impl FrameState {
    /// All values it names.
    pub fn values(&self) -> impl Iterator<Item = Val> + '_ {
        let regs = self.frames.iter().flat_map(FrameDesc::values);
        let stores = self.stores.iter().flat_map(|s| [s.object, s.value]);
        regs.chain(stores).chain(self.handled.iter().copied()).filter(|v| !v.is_none())
    }

    /// Replaces values.
    pub fn map(&mut self, mut f: impl FnMut(Val) -> Val) {
        let mut one = |v: &mut Val| {
            if !v.is_none() {
                *v = f(*v);
            }
        };
        for frame in &mut self.frames {
            frame.regs.iter_mut().for_each(|r| one(&mut r.1));
            one(&mut frame.receiver);
            one(&mut frame.callee);
            frame.consumer.iter_mut().flat_map(|c| &mut c.progress).for_each(&mut one);
        }
        for s in &mut self.stores {
            one(&mut s.object);
            one(&mut s.value);
        }
        self.handled.iter_mut().for_each(one);
    }
}

/// How a new instance is laid out.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct InstanceDesc {
    /// Address of its class.
    pub class: u64,
    /// Bytes.
    pub size: u32,
    /// Address of its shape, 0 if it has none.
    pub shape: u64,
    /// Byte offset of the shape word.
    pub shape_offset: u32,
    /// Byte offsets of the attributes.
    pub offsets: Vec<u32>,
}

/// A new exception, or what raising one does to it. The operands are, in this order: the arguments of a new one or the
/// exception, what is handled where it is raised, its cause, the registers of frames that it has left.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct ExceptionDesc {
    /// Address of its class; 0 if it exists.
    pub class: u64,
    /// How many arguments it is made of.
    pub arguments: usize,
    /// Whether an operand says what is handled where it is raised. Otherwise that is what is handled when it is made.
    pub context: bool,
    /// Whether an operand is its cause.
    pub cause: bool,
    /// How it is raised; none if it is not.
    pub raised: Option<RaiseDesc>,
}

/// How an exception was raised and got to its handler.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct RaiseDesc {
    /// Depth of the frame that catches it; the entry frame has 0.
    pub depth: u16,
    /// Number of that frame in the builder's list of calls.
    pub context: usize,
    /// Index of that frame's instruction that raises it.
    pub word: u32,
    /// Inlined calls that it has left, outermost first.
    pub left: Vec<LeftFrame>,
}

/// The frame of an inlined call that an exception has left.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct LeftFrame {
    /// Address of its code.
    pub code: u64,
    /// Address of its function.
    pub function: u64,
    /// Index of its instruction that raised it.
    pub word: u32,
    /// Word index behind the instruction that the frame is at afterwards.
    pub pc: u32,
    /// Registers whose values are operands.
    pub regs: Vec<u16>,
}

/// A generator that waits to be resumed. The operands are its function and the registers.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct SuspendedDesc {
    /// Address of its code.
    pub code: u64,
    /// Word index at which it goes on.
    pub pc: u32,
    /// Registers whose values are operands.
    pub regs: Vec<u16>,
}

/// A function being compiled.
#[derive(Clone, Default, Debug)]
pub struct Func {
    /// Name, for dumps.
    pub name: String,
    /// All instructions.
    pub insts: Vec<Inst>,
    /// All blocks; the first is the entry.
    pub blocks: Vec<Block>,
    /// All frame states.
    pub states: Vec<FrameState>,
    /// New instances.
    pub instances: Vec<InstanceDesc>,
    /// New exceptions.
    pub exceptions: Vec<ExceptionDesc>,
    /// Suspended generators.
    pub suspended: Vec<SuspendedDesc>,
    /// The entry frame is a generator's.
    pub generator: bool,
    /// Types of the arguments in machine registers, if it is a typed entry.
    pub arguments: Option<Vec<Type>>,
    /// Address of the only function that is called by a typed entry.
    pub callee: u64,
    /// Address of the code object, if it is entered where a call begins and the entry frame is no generator's.
    pub function: u64,
    /// Whether guards may move in front of loops.
    pub hoists_guards: bool,
    /// Objects that loops write to are not taken for different ones.
    pub keeps_fields: bool,
    /// Intervals of ints as far as the builder knows them, by value; they hold where guards in front of their uses do.
    pub ranges: Vec<(i64, i64)>,
    /// Ints that were found to have more than 32 bits where they are rotated.
    pub wide: std::collections::HashSet<Val>,
}

impl std::ops::Index<Val> for Func {
    type Output = Inst;
    fn index(&self, v: Val) -> &Inst {
        &self.insts[v.0 as usize]
    }
}

impl std::ops::IndexMut<Val> for Func {
    fn index_mut(&mut self, v: Val) -> &mut Inst {
        &mut self.insts[v.0 as usize]
    }
}

impl std::ops::Index<BlockId> for Func {
    type Output = Block;
    fn index(&self, b: BlockId) -> &Block {
        &self.blocks[b.0 as usize]
    }
}

impl std::ops::IndexMut<BlockId> for Func {
    fn index_mut(&mut self, b: BlockId) -> &mut Block {
        &mut self.blocks[b.0 as usize]
    }
}

impl Func {
    /// A new empty block.
    pub fn add_block(&mut self) -> BlockId {
        self.blocks.push(Block::default());
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// A new instruction that belongs to no block yet.
    pub fn add_inst(&mut self, inst: Inst) -> Val {
        self.insts.push(inst);
        Val(self.insts.len() as u32 - 1)
    }

    /// A new parameter of `block`.
    pub fn add_param(&mut self, block: BlockId, ty: Type) -> Val {
        let v = self.add_inst(Inst { op: Op::Param, ty, args: vec![], imm: 0, state: StateId::NONE, reason: 0 });
        self[block].params.push(v);
        v
    }

    /// A new frame state.
    pub fn add_state(&mut self, state: FrameState) -> StateId {
        if let Some(last) = self.states.last()
            && *last == state
        {
            return StateId(self.states.len() as u32 - 1);
        }
        self.states.push(state);
        StateId(self.states.len() as u32 - 1)
    }

    /// Blocks in reverse postorder from the entry; unreachable ones are left out.
    pub fn rpo(&self) -> Vec<BlockId> {
        let mut seen = vec![false; self.blocks.len()];
        let mut order = Vec::new();
        // (block, next edge)
        let mut stack = vec![(BlockId(0), 0)];
        seen[0] = true;
        while let Some((block, i)) = stack.pop() {
            match self[block].edges.get(i) {
                Some(edge) => {
                    stack.push((block, i + 1));
                    if !std::mem::replace(&mut seen[edge.to.0 as usize], true) {
                        stack.push((edge.to, 0));
                    }
                }
                None => order.push(block),
            }
        }
        order.reverse();
        order
    }

    /// The constant that a value is, if it is an int constant.
    pub fn as_const_int(&self, v: Val) -> Option<i64> {
        (self[v].op == Op::ConstInt).then_some(self[v].imm as i64)
    }

    /// The interval of an int.
    pub fn range(&self, v: Val) -> (i64, i64) {
        match self.as_const_int(v) {
            Some(i) => (i, i),
            None => self.ranges.get(v.0 as usize).copied().unwrap_or((i64::MIN, i64::MAX)),
        }
    }

    /// The interval of an int, from those of what it is computed of, too.
    pub fn interval(&self, v: Val) -> (i64, i64) {
        self.interval_within(v, 4)
    }

    /// `steps`: how many instructions to look through.
    fn interval_within(&self, v: Val, steps: u32) -> (i64, i64) {
        let (lo, hi) = self.range(v);
        let inst = &self[v];
        let of =
            |i: usize| if steps == 0 { (i64::MIN, i64::MAX) } else { self.interval_within(inst.args[i], steps - 1) };
        let own = match inst.op {
            Op::GuardInt | Op::UntagInt => (INT_MIN, INT_MAX),
            Op::BoolToInt => (0, 1),
            Op::ModConst => (0, inst.imm as i64 - 1),
            Op::And => match inst.args.iter().find_map(|a| self.as_const_int(*a).filter(|k| *k >= 0)) {
                Some(k) => (0, k),
                None => return (lo, hi),
            },
            Op::Select => {
                let (a, b) = (of(1), of(2));
                (a.0.min(b.0), a.1.max(b.1))
            }
            Op::Add | Op::Sub => {
                let (a, b) = (of(0), of(1));
                let ends = match inst.op {
                    Op::Add => a.0.checked_add(b.0).zip(a.1.checked_add(b.1)),
                    _ => a.0.checked_sub(b.1).zip(a.1.checked_sub(b.0)),
                };
                // Others may wrap.
                let Some(ends) = ends else { return (lo, hi) };
                ends
            }
            _ => return (lo, hi),
        };
        (own.0.max(lo), own.1.min(hi))
    }

    /// Whether the instruction may be removed if nobody uses its result. Most guards may not: what was built behind them
    /// relies on them without naming them.
    pub fn is_removable(&self, v: Val) -> bool {
        match self[v].op.info().effect {
            Effect::Pure | Effect::Reads | Effect::Allocates => self[v].op != Op::Param,
            Effect::Guard => self[v].op.info().result != Some(Type::Void) && self.is_value_guard(v),
            Effect::Calls => crate::helpers::Helper::is_removable_call(&self[v]),
            Effect::Writes | Effect::Ends => false,
        }
    }

    /// A guard that only its own result's users need. Guards of types are not among them: tests were folded because of
    /// them, and where an operation's result is not used its operands may still be of a class that raises or prints.
    fn is_value_guard(&self, v: Val) -> bool {
        matches!(self[v].op, Op::AddOv | Op::SubOv | Op::MulOv)
    }

    /// The values that must exist for an exit through a state. Boxes and tuples need not: exits make them of what is in
    /// them.
    pub fn needed_by(&self, state: StateId) -> Vec<Val> {
        let mut needed = Vec::new();
        let mut work: Vec<Val> = self.states[state.0 as usize].values().collect();
        while let Some(v) = work.pop() {
            match self[v].op {
                Op::Maybe | Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxComplex | Op::BoxBool => {
                    work.extend(&self[v].args)
                }
                op if op.is_made_by_exits() => work.extend(&self[v].args),
                Op::HandledBefore => {}
                _ => needed.push(v),
            }
        }
        needed
    }

    /// The values in frames of inlined calls that an instruction pushes.
    pub fn pushed_by(&self, v: Val) -> impl Iterator<Item = Val> + '_ {
        let pushes = match self[v].op {
            Op::PyCall | Op::TypedCall => true,
            Op::Call => crate::helpers::Helper::from_imm(self[v].imm).row().python,
            _ => false,
        };
        let state = if pushes { self.states.get(self[v].state.0 as usize) } else { None };
        let frames = state.into_iter().flat_map(|s| s.frames.iter().skip(1));
        frames.flat_map(|f| [f.callee, f.receiver]).filter(|v| !v.is_none())
    }

    /// The type of the numbers that it returns, if it returns nothing else but on ways that are seldom taken.
    pub fn returns(&self) -> Option<Type> {
        let rpo = self.rpo();
        let blocks = rpo.iter().filter(|b| !self[**b].cold);
        let ends = blocks.filter_map(|b| self[*b].insts.last()).filter(|v| self[**v].op == Op::Return);
        let mut types = ends.map(|v| {
            let value = &self[self[*v].args[0]];
            match value.op {
                Op::BoxInt => Some(Type::Int),
                Op::BoxFloat => Some(Type::Float),
                _ => Some(value.ty).filter(|ty| matches!(ty, Type::Int | Type::Float)),
            }
        });
        let first = types.next()??;
        types.all(|other| other == Some(first)).then_some(first)
    }

    /// The types of values.
    pub fn types_of(&self, values: &[Val]) -> Vec<Type> {
        values.iter().map(|v| self[*v].ty).collect()
    }

    /// Applies a renaming of values everywhere.
    pub fn rename(&mut self, map: impl Fn(Val) -> Val) {
        for inst in &mut self.insts {
            for arg in &mut inst.args {
                *arg = map(*arg);
            }
        }
        for block in &mut self.blocks {
            for edge in &mut block.edges {
                for arg in &mut edge.args {
                    *arg = map(*arg);
                }
            }
        }
        for state in &mut self.states {
            state.map(&map);
        }
    }
}
