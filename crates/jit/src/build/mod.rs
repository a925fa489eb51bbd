//! From bytecode to IR: an abstract interpreter over the code, whose state maps registers to IR values.
//!
//! The builder walks the blocks of the control-flow graph in reverse postorder. What it knows of a value (its exact class,
//! an interval of ints) is a property of the value: a guard makes a new value that replaces the old one in all registers.
//! What it knows of memory (shapes of instances, iterators whose fields live in values) is part of the state.
//!
//! Where a loop begins it assumes that what holds on entry holds in every round: types of registers, shapes. If the end of
//! the loop disagrees, the disagreement is noted in [`Sticky`] and the whole function is built anew with it; that happens
//! rarely and costs little, and no pass has to repair anything. Guards on values that a loop does not change are moved in
//! front of it in the same way.
//!
//! Calls are inlined by building the callee's code with the same state, one frame deeper.

pub mod arith;
pub mod attrs;
pub mod binding;
pub mod callees;
pub mod calls;
pub mod cfg;
pub mod chars;
pub mod complex;
pub mod consume;
pub mod declining;
pub mod dicts;
pub mod elementary;
pub mod entry;
pub mod except;
pub mod heads;
pub mod instances;
pub mod intrinsics;
pub mod items;
pub mod iterate;
pub mod makers;
pub mod maybe;
pub mod merge;
pub mod numbers;
pub mod ops;
pub mod peek;
pub mod plain;
pub mod poly;
pub mod slices;
pub mod strings;
pub mod truth;
pub mod tuples;
pub mod values;
pub mod words;
pub mod yielding;
pub mod zips;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::bytearray::{BYTEARRAY, BYTEARRAY_ITER, ITER_OFFSETS as BYTEARRAY_ITER_OFFSETS};
use taipan_runtime::types::bytes::{BYTES, BYTES_ITER, ITER_OFFSETS as BYTES_ITER_OFFSETS};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str_iter::{ITER_OFFSETS as STR_ITER_OFFSETS, STR_ASCII_ITER};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Object, Value};

use crate::consume::Consumer;
use crate::exits::Reason;
use crate::ir::{BlockId, ConsumerDesc, FrameDesc, FrameState, Func, PendingStore, StateId, Type, Val};
use cfg::Liveness;

/// Why no code was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Build anew with what was noted.
    Restart,
    /// Not worth or not possible.
    Never(&'static str),
    /// More instructions than the program can afford now.
    Costly,
}

impl Refusal {
    /// Why nothing more is tried.
    pub fn text(self) -> &'static str {
        match self {
            Refusal::Never(why) => why,
            Refusal::Restart | Refusal::Costly => "too large for now",
        }
    }
}

/// Result of building steps.
pub type Built<T> = Result<T, Refusal>;

/// A place in the tree of inlined calls: a hash of the call sites on the way.
pub type Path = u64;

/// What earlier attempts found out about a register at a loop's head.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeadFact {
    /// It must be a tagged word.
    pub boxed: bool,
    /// Its class varies.
    pub any_class: bool,
    /// It may be unbound.
    pub nullable: bool,
    /// It is an int in 0..2^64.
    pub word: bool,
    /// It is a number of this type in all rounds but the first, in which it is unbound.
    pub maybe: Option<Type>,
    /// It is a number of this type in all rounds; in the first that is not known without a guard.
    pub unboxed: Option<Type>,
    /// It is a complex number in all rounds.
    pub complex: bool,
    /// What is delivered by back edges is an int in this interval, whatever the loop begins with.
    pub range: Option<(i64, i64)>,
}

/// What a loop is assumed to begin with, guarded with [`Reason::Number`].
#[derive(Clone, Copy, Debug)]
pub enum HeadKind {
    /// A small int in an interval.
    Int(i64, i64),
    /// A float.
    Float,
    /// An int in 0..2^64.
    Word,
}

/// An assumption about a register with which a loop begins.
pub struct HeadGuard {
    /// The code of the loop.
    pub code: &'static CodeObject,
    /// Word index of the loop's head.
    pub pc: u32,
    /// The register.
    pub register: u16,
    /// What it is assumed to hold.
    pub kind: HeadKind,
}

/// What is guarded in front of a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Hoist {
    /// A small int.
    Int,
    /// A float.
    Float,
    /// An exact class.
    Class(u64),
    /// A shape of a class.
    Shape(u64, u64),
    /// A constant.
    Const(u64),
}

/// What attempts to build a function teach the next attempt.
#[derive(Default)]
pub struct Sticky {
    /// Facts about (path, loop head, frame depth, register).
    pub heads: HashMap<(Path, u32, u16, u16), HeadFact>,
    /// Loops in which shapes may change.
    pub kills: HashSet<(Path, u32)>,
    /// Guards in front of loops, in the order in which they were asked for.
    pub hoists: HashMap<(Path, u32), Vec<(u16, u16, Hoist)>>,
    /// Calls that are not to be inlined.
    pub no_inline: HashSet<(Path, u32)>,
    /// Calls of `sum`, `min` and `max` that work on floats.
    pub of_floats: HashSet<(Path, u32)>,
    /// Attempts so far.
    pub attempts: u32,
    /// Instructions that may be made in one.
    pub limit: usize,
    /// The bytecode that was found hot, from one word of the entry frame's to another.
    pub span: (u32, u32),
}

/// What is known of a value besides its type.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Exact class, null if unknown.
    pub class: *const Class,
    /// Smallest int.
    pub lo: i64,
    /// Largest int.
    pub hi: i64,
    /// Not 0 (bound).
    pub bound: bool,
    /// Made by an operator that runs Python code, or other code of its own, or found on what such a one made: not plain.
    pub odd: bool,
}

impl Info {
    /// Nothing is known.
    pub const ANY: Info = Info { class: std::ptr::null(), lo: i64::MIN, hi: i64::MAX, bound: true, odd: false };
}

/// A call being built: the function or an inlined one.
pub struct Context {
    /// The code.
    pub code: &'static CodeObject,
    /// Its function, if it is known.
    pub function: Option<&'static Function>,
    /// Globals.
    pub globals: &'static Dict,
    /// Built-ins.
    pub builtins: &'static Dict,
    /// Where it is in the tree of calls.
    pub path: Path,
    /// Word index of the caller's instruction.
    pub call_pc: u32,
    /// Word index at which the caller goes on.
    pub return_pc: u32,
    /// The call, as [`Sticky`] names it.
    pub site: (Path, u32),
    /// Register of the caller that receives the result.
    pub result: u16,
    /// First register in the caller's window.
    pub base: u16,
    /// Liveness of its registers.
    pub live: Rc<Liveness>,
    /// Its instructions whose exceptions are caught by compiled code.
    pub catches: Rc<cfg::Catches>,
}

/// Registers of a frame.
#[derive(Clone)]
pub struct Frame {
    /// Number of its context.
    pub context: usize,
    /// Values; NONE for dead temporaries.
    pub regs: Vec<Val>,
    /// What its window holds in memory.
    pub synced: Vec<Val>,
    /// The new instance, if it runs `__init__`.
    pub receiver: Val,
    /// The function, where it is not a constant.
    pub callee: Val,
    /// What goes through the items, if it is a generator's; how far that is stands in registers behind those of the code.
    pub consumer: Option<Consumer>,
}

/// A sequence that iterators go through by index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    /// A list.
    List,
    /// A tuple.
    Tuple,
    /// A bytes object.
    Bytes,
    /// A bytearray.
    ByteArray,
    /// An ASCII str.
    Str,
}

impl RowKind {
    /// All of them.
    pub const ALL: [RowKind; 5] = [RowKind::List, RowKind::Tuple, RowKind::Bytes, RowKind::ByteArray, RowKind::Str];

    /// The class of the sequence.
    pub fn class(self) -> &'static Class {
        match self {
            RowKind::List => List::class(),
            RowKind::Tuple => Tuple::class(),
            RowKind::Bytes => &BYTES,
            RowKind::ByteArray => &BYTEARRAY,
            RowKind::Str => Str::type_object(),
        }
    }

    /// The class of its iterators.
    pub fn iterator(self) -> &'static Class {
        match self {
            RowKind::List => ListIter::class(),
            RowKind::Tuple => TupleIter::class(),
            RowKind::Bytes => &BYTES_ITER,
            RowKind::ByteArray => &BYTEARRAY_ITER,
            RowKind::Str => &STR_ASCII_ITER,
        }
    }

    /// Byte offsets in the iterator of the sequence, which it lets go of at the end, and of the index.
    pub fn offsets(self) -> (usize, usize) {
        match self {
            RowKind::List => (std::mem::offset_of!(ListIter, list), std::mem::offset_of!(ListIter, index)),
            RowKind::Tuple => (std::mem::offset_of!(TupleIter, tuple), std::mem::offset_of!(TupleIter, index)),
            RowKind::Bytes => BYTES_ITER_OFFSETS,
            RowKind::ByteArray => BYTEARRAY_ITER_OFFSETS,
            RowKind::Str => STR_ITER_OFFSETS,
        }
    }
}

/// A range or list iterator whose fields are known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IterCache {
    /// The iterator object.
    pub iter: Val,
    /// The list or tuple that is iterated; none for ranges.
    pub list: Val,
    /// What that is.
    pub row: RowKind,
    /// The step of a range, if it is a constant.
    pub step: Option<i64>,
    /// The interval of a range's numbers.
    pub items: (i64, i64),
    /// The enumerate object that it is the iterator of, if it is.
    pub owner: Val,
    /// How many fields there are.
    pub n: usize,
    /// Byte offsets of the fields.
    pub offsets: [u32; 2],
    /// The fields: next number and remaining count of ranges; index of lists and tuples.
    pub fields: [Val; 2],
    /// Which fields differ from memory.
    pub dirty: [bool; 2],
}

/// The abstract state.
#[derive(Clone)]
pub struct State {
    /// Frames, the entry frame first.
    pub frames: Vec<Frame>,
    /// Shapes of instances.
    pub shapes: Vec<(Val, u64)>,
    /// Values that are known to be one of several receivers.
    pub sets: Vec<(Val, Rc<[poly::Receiver]>)>,
    /// New instances whose attributes are known.
    pub fields: Vec<(Val, instances::Fields)>,
    /// Known iterators.
    pub iters: Vec<IterCache>,
    /// The exceptions that are being handled, outermost first, while nothing that is running can see it.
    pub handled: Vec<Val>,
    /// Handlers that control is in, others than of those exceptions.
    pub handlers: u32,
}

/// A way into a block that is built later: a block without an end.
pub struct Pending {
    /// The open block.
    pub block: BlockId,
    /// The state at its end.
    pub state: State,
}

/// A loop being built.
pub struct OpenLoop {
    /// Context it is in.
    pub context: usize,
    /// Depth of its frame.
    pub depth: usize,
    /// Word index of its head.
    pub pc: u32,
    /// Blocks of its body.
    pub body: Vec<bool>,
    /// The state in front of it.
    pub before: State,
    /// Whether shapes were assumed to stay.
    pub keeps_shapes: bool,
}

/// The builder.
pub struct Builder<'a> {
    /// The runtime.
    pub cx: &'a mut Cx,
    /// What is built.
    pub func: Func,
    /// Known facts by value.
    pub info: Vec<Info>,
    /// Items of tuples made here.
    pub tuples: HashMap<Val, Vec<Val>>,
    /// Code of functions made here.
    pub functions: HashMap<Val, &'static CodeObject>,
    /// Strs of one code point: their code points.
    pub chars: HashMap<Val, Val>,
    /// Classes of the iterators of zip and enumerate objects made here.
    pub iterated: HashMap<Val, Vec<&'static Class>>,
    /// Cells made here: what was put in last, as a hint.
    pub in_cells: HashMap<Val, Val>,
    /// Values that are lists or tuples.
    pub rows: HashSet<Val>,
    /// Lists of which places were seen to hold items of several kinds.
    pub mixed: HashSet<Val>,
    /// Numbers that may be unbound.
    pub maybes: HashMap<Val, maybe::Maybe>,
    /// Complex numbers whose parts are known.
    pub complexes: HashMap<Val, complex::Parts>,
    /// Ints beyond 63 bits whose lowest 64 bits are known.
    pub words: HashMap<Val, words::Word>,
    /// Methods that depend on the receiver, with the receivers of each.
    pub choices: HashMap<Val, Vec<poly::Choice>>,
    /// What parameters of loops' heads are in the first round; registers loaded on entry are themselves.
    pub initial: HashMap<Val, Val>,
    /// Contexts.
    pub contexts: Vec<Context>,
    /// Current block; it has no end yet.
    pub block: BlockId,
    /// Current state.
    pub state: State,
    /// Word index of the instruction being built.
    pub pc: usize,
    /// Block of the current region, by depth.
    pub here: Vec<usize>,
    /// Open loops, outermost first.
    pub loops: Vec<OpenLoop>,
    /// What earlier attempts found out.
    pub sticky: &'a mut Sticky,
    /// The new instance whose `__init__` is being built in place.
    pub fresh: Option<instances::Fresh>,
    /// Whether the attempt must be repeated.
    pub restart: bool,
    /// Objects that the code refers to.
    pub roots: RootVec,
    /// Types whose attributes were taken as constants.
    pub watched_types: Vec<&'static Class>,
    /// (dict, key) whose values were taken as constants.
    pub watched_keys: Vec<(&'static Dict, &'static Str)>,
    /// Registers guarded on entry.
    pub entry_kinds: Vec<(u16, Type)>,
    /// What was assumed of registers with which loops begin.
    pub head_facts: Vec<HeadGuard>,
    /// With `verbose`: lines whose instructions call the runtime.
    pub calls: Vec<(u32, crate::helpers::Helper, taipan_bytecode::Op)>,
    /// Ways to handlers from the instruction being built.
    pub caught: Vec<except::Caught>,
    /// Words of handlers that were built more than once.
    pub copied: usize,
    /// Ways out of the consumed generator being built from the instruction being built, with the consumer's result.
    pub decided: Vec<(Pending, Val)>,
    /// Loops over generators that nobody made, outermost first.
    pub over_generators: Vec<yielding::OverGenerator>,
    /// Words of loops' bodies that were built more than once for these.
    pub repeated: usize,
    /// Of these generators, those that wait for the body of the loop.
    pub suspended: Vec<yielding::Waiting>,
    /// What was inlined so far counts for.
    pub inlined: usize,
    /// Instructions of bytecode built for the span that was found hot; what a call costs counts for several.
    pub spanned: u32,
}

/// Bit of a register's number: it is counted from the first register above the entry frame, a generator's.
pub const ABOVE: u64 = 1 << 15;

/// Largest number of instructions that is built; the passes leave fewer.
const MAX_BUILT: usize = 40_000;

impl Builder<'_> {
    /// The running frame's context.
    pub fn context(&self) -> &Context {
        &self.contexts[self.top().context]
    }

    /// The innermost frame.
    pub fn top(&self) -> &Frame {
        self.state.frames.last().expect("there is always a frame")
    }

    /// The innermost frame.
    pub fn top_mut(&mut self) -> &mut Frame {
        self.state.frames.last_mut().expect("there is always a frame")
    }

    /// First register of the innermost frame, counted from the entry frame's window.
    pub fn window(&self) -> usize {
        self.window_of(self.state.frames.len() - 1)
    }

    /// As [`Builder::window`] for the frame at a depth; [`ABOVE`] is added where the count begins above a generator's frame.
    pub fn window_of(&self, depth: usize) -> usize {
        let generator = self.func.generator && depth > 0;
        let first = if generator { 2 } else { 1 };
        let frames = self.state.frames.get(first..=depth).unwrap_or(&[]);
        let sum: usize = frames.iter().map(|f| self.contexts[f.context].base as usize).sum();
        sum | if generator { ABOVE as usize } else { 0 }
    }

    /// True in an inlined call.
    pub fn is_inlined(&self) -> bool {
        self.state.frames.len() > 1
    }

    /// Fails if the function has become too large, or too large for now.
    pub fn check_size(&self) -> Built<()> {
        match self.func.insts.len() {
            made if made > MAX_BUILT => Err(Refusal::Never("too large")),
            made if made > self.sticky.limit => Err(Refusal::Costly),
            _ => Ok(()),
        }
    }

    /// Keeps an object alive as long as the code.
    pub fn root(&mut self, v: Value) {
        if v.is_pointer() && !self.roots.contains(&v) {
            self.roots.push(v);
        }
    }

    /// Whether exits for this reason at the current instruction have taught that the assumption fails.
    pub fn failed(&self, reason: Reason) -> bool {
        self.failed_at(self.context().code, self.pc as u32, reason)
    }

    /// As [`Builder::failed`] for any place.
    pub fn failed_at(&self, code: &CodeObject, pc: u32, reason: Reason) -> bool {
        crate::profile::profile(code).is_some_and(|p| p.failed(pc, reason))
    }

    /// The frame state to go on with the instruction at `pc` in the interpreter.
    pub fn resume_at(&mut self, pc: usize) -> StateId {
        let state = self.frame_state(pc, pc);
        self.func.add_state(state)
    }

    /// The frame state of the current instruction.
    pub fn resume_here(&mut self) -> StateId {
        self.resume_at(self.pc)
    }

    /// The frame state in which the current instruction raises.
    pub fn raise_here(&mut self) -> StateId {
        let pc = self.pc;
        let state = self.frame_state(pc, pc + 1);
        self.func.add_state(state)
    }

    /// The state with the top frame at `pc`, where registers live at `live_at` matter.
    fn frame_state(&mut self, live_at: usize, pc: usize) -> FrameState {
        let mut frames = Vec::with_capacity(self.state.frames.len());
        let depth = self.state.frames.len();
        // Windows of generators that exits make and of the calls above them are elsewhere.
        let mut consumed = false;
        for (d, frame) in self.state.frames.iter().enumerate() {
            let context = &self.contexts[frame.context];
            let nregs = context.code.nregs();
            consumed |= frame.consumer.is_some();
            // The window of the inlined call lies over dead registers.
            let (live_at, pc, end) = if d + 1 == depth {
                (live_at, pc as u32, nregs)
            } else {
                let above = &self.state.frames[d + 1];
                let callee = &self.contexts[above.context];
                // The body of a loop over a generator comes next, or what is behind the loop.
                let at = if above.consumer == Some(Consumer::Loop) { callee.call_pc } else { callee.return_pc };
                (at as usize, callee.return_pc, nregs.min(callee.base as usize))
            };
            let mut regs = Vec::new();
            for (r, v) in frame.regs[..end].iter().enumerate() {
                let known = frame.synced[r] == *v && (d == 0 || !self.func.generator) && !consumed;
                if !v.is_none() && !known && context.live.is_live(live_at, r) {
                    regs.push((r as u16, *v));
                }
            }
            frames.push(FrameDesc {
                code: context.code as *const CodeObject as u64,
                function: if d == 0 { 0 } else { context.function.map_or(0, |f| f as *const Function as u64) },
                pc,
                result: context.result,
                base: context.base,
                receiver: frame.receiver,
                callee: frame.callee,
                regs,
                consumer: frame
                    .consumer
                    .map(|consumer| ConsumerDesc { consumer, progress: frame.regs[nregs..].to_vec() }),
            });
        }
        let mut stores = Vec::new();
        for cache in &self.state.iters {
            for i in 0..cache.n {
                if cache.dirty[i] {
                    let (object, offset, value) = (cache.iter, cache.offsets[i], cache.fields[i]);
                    stores.push(PendingStore { object, offset, value });
                }
            }
        }
        FrameState { frames, stores, handled: self.state.handled.clone() }
    }

    /// Ends the current block with a jump into the interpreter.
    pub fn leave(&mut self, reason: Reason) {
        let state = self.resume_here();
        let v = self.emit(crate::ir::Op::Exit, Type::Void, &[], 0);
        self.func[v].state = state;
        self.func[v].reason = reason as u8;
    }
}
