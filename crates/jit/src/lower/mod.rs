//! IR to Cranelift's IR to machine code.
//!
//! A compiled function takes the context, the register window and what [`own_frame`] describes, and returns what `Hooks::hot`
//! describes. The frame stays in memory all the time once it is pushed; registers live in machine registers and are written back by exits and before calls.

mod calls;
mod frames;
mod inst;
mod layout;
mod objects;
mod own_frame;
mod sines;
mod slots;
mod strs;
mod values;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use std::sync::Arc;

use cranelift_codegen::Context as ClifContext;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, MemFlagsData, types};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use taipan_runtime::frame::Frame;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::{Cx, Value};

pub use frames::Headers;

use crate::exits::{BUFFER_WORDS, EXIT_BUFFER, Exit, ExitFrame, Making, Place, Reason};
use crate::helpers::Helper;
use crate::ir::{BlockId, ExceptionDesc, Func, Op, StateId, Type, Val};
use crate::iterators::IteratorKind;

/// Machine code that is not in the arena yet.
pub struct Lowered {
    /// The bytes; position-independent.
    pub bytes: Vec<u8>,
    /// Where its hottest loop begins: that is aligned.
    pub aligned: usize,
    /// Its exits, in boxes whose addresses the code holds.
    pub exits: Vec<Box<Exit>>,
    /// See [`Headers`].
    pub headers: Headers,
    /// Descriptions of exceptions that it makes.
    pub exceptions: Vec<Arc<ExceptionDesc>>,
    /// Cranelift's text, if asked for.
    pub clif: Option<String>,
    /// Disassembly, if asked for.
    pub asm: Option<String>,
}

// SAFETY: what it refers to is kept alive by whoever asked for it, and only looked at with the GIL held.
unsafe impl Send for Lowered {}

/// The code objects of functions that code calls, by the functions' addresses: a function may get other code while lowering
/// goes on, code objects do not change.
pub struct Callees {
    codes: HashMap<u64, u64>,
    /// Addresses of the cells of typed entries.
    cells: HashMap<(u64, Vec<Type>), u64>,
}

impl Callees {
    /// Those that `func` calls. The GIL is held.
    pub fn of(func: &Func) -> Callees {
        let (mut codes, mut cells) = (HashMap::new(), HashMap::new());
        for inst in func.insts.iter().filter(|i| matches!(i.op, Op::PyCall | Op::TypedCall)) {
            let callee = inst::callee_of(inst.imm);
            // SAFETY: the builder put functions there that the unit keeps alive.
            let f: &'static Function = unsafe { &*(callee as *const Function) };
            codes.insert(callee, std::ptr::from_ref(f.code.get()) as u64);
            if inst.op == Op::TypedCall {
                let types = func.types_of(&inst.args[1..]);
                if let Some(cell) = crate::tier::cell(f, &types) {
                    cells.insert((callee, types), std::ptr::from_ref(cell) as u64);
                }
            }
        }
        Callees { codes, cells }
    }

    /// All of them.
    pub fn codes(&self) -> impl Iterator<Item = &'static CodeObject> {
        // SAFETY: as in `of`.
        self.codes.values().map(|code| unsafe { &*(*code as *const CodeObject) })
    }

    fn code(&self, function: u64) -> &'static CodeObject {
        // SAFETY: the unit keeps functions, and so their code, alive. One that has got other code since is discarded.
        unsafe { &*(self.codes[&function] as *const CodeObject) }
    }
}

/// Facts about the process that code holds as constants.
pub struct Process {
    /// Address of the heap, at which its bumps lie.
    pub heap: u64,
    /// Start and length of the heap.
    pub reservation: (usize, usize),
    /// Address of the strs of the code points below 256.
    pub chars: u64,
    /// Address of the interrupt flag.
    pub interrupt: u64,
    /// Address of the unit's flag that says that it is valid.
    pub valid: u64,
    /// Address of the recursion limit.
    pub recursion_limit: u64,
    /// Calls of a typed entry without code between two attempts to compile it, a power of two.
    pub typed_calls: u32,
    /// In stress mode: address of a counter whose overflow makes guards fail.
    pub stress: Option<u64>,
}

/// The machine that code is made for.
pub struct Machine {
    isa: OwnedTargetIsa,
    context: ClifContext,
    builder: FunctionBuilderContext,
}

impl Machine {
    /// The host; None if Cranelift does not know it.
    pub fn host() -> Option<Machine> {
        let mut flags = settings::builder();
        for (name, value) in [
            // "none" takes a sixth less, but code full of floats (nbody, mandelbrot) is slower by a half with it.
            ("opt_level", "speed"),
            ("regalloc_algorithm", "backtracking"),
            ("enable_verifier", if cfg!(debug_assertions) || crate::options().verify { "true" } else { "false" }),
            ("unwind_info", "false"),
            // Tells where loops are.
            ("machine_code_cfg_info", "true"),
            ("preserve_frame_pointers", "true"),
            ("is_pic", "false"),
            ("enable_heap_access_spectre_mitigation", "false"),
            ("enable_table_access_spectre_mitigation", "false"),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()?;
        Some(Machine { isa, context: ClifContext::new(), builder: FunctionBuilderContext::new() })
    }

    /// Compiles a function. `dump` asks for the texts. Needs no GIL.
    pub fn lower(&mut self, func: &Func, process: &Process, callees: &Callees, dump: bool) -> Result<Lowered, String> {
        // An attempt that failed leaves it as it was then.
        let mut builder = std::mem::take(&mut self.builder);
        let result = self.lower_with(func, process, callees, dump, &mut builder);
        if result.is_ok() {
            self.builder = builder;
        }
        result
    }

    fn lower_with(
        &mut self,
        func: &Func,
        process: &Process,
        callees: &Callees,
        dump: bool,
        builder: &mut FunctionBuilderContext,
    ) -> Result<Lowered, String> {
        self.context.clear();
        self.context.func.signature = match &func.arguments {
            Some(types) => calls::typed_signature(types),
            None => signature(&[types::I64; 3], Some(types::I64)),
        };
        let mut exits = Vec::new();
        let (headers, exceptions);
        {
            let builder = FunctionBuilder::new(&mut self.context.func, builder);
            let mut lowering = Lowering::new(func, process, callees, builder);
            lowering.run(&mut exits)?;
            headers = std::mem::take(&mut lowering.headers);
            exceptions = std::mem::take(&mut lowering.exceptions).into_values().collect();
            lowering.b.seal_all_blocks();
            lowering.b.finalize(self.isa.frontend_config());
        }
        let text = dump.then(|| self.context.func.display().to_string());
        self.context.set_disasm(dump);
        let compiled =
            self.context.compile(&*self.isa, &mut ControlPlane::default()).map_err(|e| format!("{:?}", e.inner))?;
        if !compiled.buffer.relocs().is_empty() {
            return Err("code with relocations".into());
        }
        let asm = compiled.vcode.clone();
        let marks = compiled.buffer.get_srclocs_sorted().iter().filter(|m| m.loc.bits() == MARK).map(|m| m.start);
        let targets = compiled.bb_edges.iter().map(|(_, to)| *to);
        let aligned = marks.min().map_or(0, |mark| layout::block_at(mark, targets) as usize);
        Ok(Lowered { bytes: compiled.code_buffer().to_vec(), aligned, exits, headers, exceptions, clif: text, asm })
    }
}

/// Marks the instructions of the head of the loop that is to be aligned.
const MARK: u32 = 1;

/// A signature of the platform's C calls.
pub(crate) fn signature(params: &[clif::Type], result: Option<clif::Type>) -> clif::Signature {
    let mut signature = clif::Signature::new(CallConv::SystemV);
    signature.params.extend(params.iter().map(|t| AbiParam::new(*t)));
    signature.returns.extend(result.map(AbiParam::new));
    signature
}

/// The machine type of an IR type.
pub(crate) fn machine_type(ty: Type) -> clif::Type {
    match ty {
        Type::Float => types::F64,
        Type::Bool => types::I8,
        Type::Val | Type::Int | Type::Word | Type::Void => types::I64,
    }
}

/// Loads and stores that cannot trap.
pub(crate) fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// A function being lowered.
pub(crate) struct Lowering<'a> {
    pub(crate) func: &'a Func,
    pub(crate) process: &'a Process,
    pub(crate) callees: &'a Callees,
    pub(crate) b: FunctionBuilder<'a>,
    pub(crate) values: Vec<Option<clif::Value>>,
    blocks: Vec<Option<clif::Block>>,
    /// Blocks whose branch is turned round; see [`layout::leaving_second`].
    turned: Vec<bool>,
    pub(crate) cx: clif::Value,
    /// Where blocks that are seldom reached find it, in functions with loops: see [`Lowering::context`].
    context: Option<clif::StackSlot>,
    pub(crate) regs: clif::Value,
    /// The function to push a frame for, or 0.
    callee: clif::Value,
    /// The entry frame, unless the function pushes it: see [`Lowering::frame`].
    frame: clif::Value,
    /// The arguments of a typed entry.
    arguments: Vec<clif::Value>,
    /// What typed calls returned, of which only guards and exits want to know what it is: word and kind.
    results: HashMap<Val, (clif::Value, clif::Value)>,
    /// Results of calls to come that came with another's.
    computed: HashMap<Val, clif::Value>,
    /// The frame that the function pushes.
    own: Option<own_frame::OwnFrame>,
    /// First register above the entry frame's, if that is a generator's, whose registers are no part of the stack.
    pub(crate) above: clif::Value,
    /// The frame on top while a call is being made, if that is not the entry frame.
    pub(crate) top_frame: Option<clif::Value>,
    headers: Headers,
    /// Descriptions of exceptions, by number.
    exceptions: HashMap<u64, Arc<ExceptionDesc>>,
    signatures: HashMap<Vec<clif::Type>, clif::SigRef>,
    /// Exit blocks by state, reason and whether the frame must be pushed.
    pending: HashMap<(StateId, u8, bool), clif::Block>,
    order: Vec<(StateId, u8, bool)>,
    /// Parameters on the native stack.
    slots: slots::Slots,
    words: Option<clif::StackSlot>,
    /// Boxes that are made where they are stored.
    single_boxes: HashSet<Val>,
    /// Typed calls whose results go into [`Lowering::results`].
    unread: HashSet<Val>,
    /// Ints that are compared as the words they come in.
    compared: HashSet<Val>,
    /// A guard of an int that is asked together with the next one, and its word.
    asked: Option<(Val, clif::Value)>,
    /// New blocks are seldom reached.
    pub(crate) cold: bool,
}

impl<'a> Lowering<'a> {
    fn new(func: &'a Func, process: &'a Process, callees: &'a Callees, mut b: FunctionBuilder<'a>) -> Lowering<'a> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let [cx, regs, callee] = [0, 1, 2].map(|i| b.block_params(entry)[i]);
        let arguments = b.block_params(entry)[3..].to_vec();
        let frame = b.ins().load(types::I64, flags(), cx, std::mem::offset_of!(Cx, frame) as i32);
        let above = match func.generator {
            true => b.ins().load(types::I64, flags(), frame, std::mem::offset_of!(Frame, top) as i32),
            false => regs,
        };
        Lowering {
            above,
            func,
            process,
            callees,
            b,
            values: vec![None; func.insts.len()],
            blocks: vec![None; func.blocks.len()],
            turned: vec![],
            cx,
            context: None,
            regs,
            callee,
            frame,
            arguments,
            results: HashMap::new(),
            computed: HashMap::new(),
            own: None,
            top_frame: None,
            headers: Headers::default(),
            exceptions: HashMap::new(),
            signatures: HashMap::new(),
            pending: HashMap::new(),
            order: vec![],
            slots: slots::Slots::default(),
            words: None,
            single_boxes: HashSet::new(),
            unread: HashSet::new(),
            compared: HashSet::new(),
            asked: None,
            cold: false,
        }
    }

    fn run(&mut self, exits: &mut Vec<Box<Exit>>) -> Result<(), String> {
        let rpo = self.func.rpo();
        self.slots = slots::Slots::of(self.func, &rpo);
        self.single_boxes = values::single_boxes(self.func, &rpo);
        self.unread = calls::unread_results(self.func, &rpo);
        self.compared = values::compared(self.func, &rpo, &self.slots);
        for id in &rpo {
            let block = self.b.create_block();
            self.blocks[id.0 as usize] = Some(block);
            for p in self.func[*id].params.iter().filter(|p| !self.slots.holds(**p)) {
                let v = self.b.append_block_param(block, machine_type(self.func[*p].ty));
                self.values[p.0 as usize] = Some(v);
            }
            if self.func[*id].cold {
                self.b.set_cold_block(block);
            }
        }
        if layout::has_loop(self.func, &rpo) {
            let slot =
                self.b.create_sized_stack_slot(clif::StackSlotData::new(clif::StackSlotKind::ExplicitSlot, 8, 3));
            self.b.ins().stack_store(types::I64, self.cx, slot, 0);
            self.context = Some(slot);
        }
        self.prepare_frame(&rpo);
        let first = self.block(BlockId(0));
        self.b.ins().jump(first, &[]);
        let hottest = layout::hottest_loop(self.func, &rpo);
        self.turned = layout::leaving_second(self.func, &rpo);
        for id in &rpo {
            let block = self.block(*id);
            self.b.switch_to_block(block);
            self.cold = self.func[*id].cold;
            self.begin_block(*id);
            self.b.set_srcloc(if Some(*id) == hottest {
                clif::SourceLoc::new(MARK)
            } else {
                clif::SourceLoc::default()
            });
            for p in &self.func[*id].params {
                self.store_copy(*p);
            }
            for (i, v) in self.func[*id].insts.iter().enumerate() {
                if self.slots.is_unmade(*v) {
                    continue;
                }
                self.push_for(*id, i);
                let result = self.inst(*id, *v)?;
                self.values[v.0 as usize] = result;
                if result.is_some() {
                    self.store_copy(*v);
                }
            }
        }
        self.cold = true;
        let tail = self.new_block();
        let which = self.b.append_block_param(tail, types::I64);
        // All has been read when the frame is pushed: a call in an exit of a loop would drive the loop's values from their registers.
        let mut pushing: Option<(clif::Block, clif::Value)> = None;
        for key in std::mem::take(&mut self.order) {
            let mut next = tail;
            if key.2 {
                next = pushing
                    .get_or_insert_with(|| {
                        let block = self.new_block();
                        (block, self.b.append_block_param(block, types::I64))
                    })
                    .0;
            }
            self.b.switch_to_block(self.pending[&key]);
            let exit = self.exit(key.0, Reason::from_number(key.1), next)?;
            exits.push(exit);
        }
        if let Some((block, which)) = pushing {
            self.b.switch_to_block(block);
            self.push_for_exit();
            self.b.ins().jump(tail, &[clif::BlockArg::Value(which)]);
        }
        self.b.switch_to_block(tail);
        let cx = self.context();
        let bits = self.call(crate::exits::leave as *const () as usize, &[cx, which], Some(types::I64));
        self.give_back(bits.expect("it has a result"), Type::Val);
        Ok(())
    }

    /// A new block, as seldom reached as the present one.
    pub(crate) fn new_block(&mut self) -> clif::Block {
        let block = self.b.create_block();
        if self.cold {
            self.b.set_cold_block(block);
        }
        block
    }

    pub(crate) fn block(&self, id: BlockId) -> clif::Block {
        self.blocks[id.0 as usize].expect("reachable blocks were made")
    }

    /// The machine value of an IR value.
    pub(crate) fn value(&self, v: Val) -> clif::Value {
        self.values[v.0 as usize].expect("definitions come before uses")
    }

    /// The same 64-bit word, made here. Cranelift makes what has no effect where it is used: once in each of two blocks neither of which comes in
    /// front of the other, and in a loop what is shifted or masked by a constant in front of it. Instructions with two results stay in place; these are
    /// none in machine code.
    pub(crate) fn made_here(&mut self, x: clif::Value) -> clif::Value {
        let pair = self.b.ins().iconcat(x, x);
        self.b.ins().isplit(pair).0
    }

    /// The context, for a call. Blocks that are seldom reached take it from the stack: a register that they have it in would be theirs
    /// all through the loops that they lie in.
    pub(super) fn context(&mut self) -> clif::Value {
        match self.context {
            Some(slot) if self.cold => self.b.ins().stack_load(types::I64, types::I64, slot, 0),
            _ => self.cx,
        }
    }

    /// A 64-bit constant.
    pub(crate) fn word(&mut self, w: u64) -> clif::Value {
        self.b.ins().iconst(types::I64, w as i64)
    }

    /// Calls a function at a fixed address.
    pub(crate) fn call(
        &mut self,
        address: usize,
        args: &[clif::Value],
        result: Option<clif::Type>,
    ) -> Option<clif::Value> {
        let mut key: Vec<clif::Type> = args.iter().map(|a| self.b.func.dfg.value_type(*a)).collect();
        let params = key.clone();
        key.push(result.unwrap_or(types::INVALID));
        let sig = match self.signatures.get(&key) {
            Some(sig) => *sig,
            None => {
                let sig = self.b.import_signature(signature(&params, result));
                self.signatures.insert(key, sig);
                sig
            }
        };
        let callee = self.word(address as u64);
        let call = self.b.ins().call_indirect(sig, callee, args);
        result.map(|_| self.b.inst_results(call)[0])
    }

    /// Calls a helper, with the context in front of the arguments, on a path that is seldom taken: registers stay as they are, if the
    /// machine allows.
    pub(crate) fn cold_call(
        &mut self,
        helper: Helper,
        args: &[clif::Value],
        result: Option<clif::Type>,
    ) -> Option<clif::Value> {
        let outer = std::mem::replace(&mut self.cold, true);
        let cx = self.context();
        self.cold = outer;
        let args: Vec<clif::Value> = std::iter::once(cx).chain(args.iter().copied()).collect();
        let Some(address) = crate::preserve::stub_of(helper) else {
            return self.call(helper.row().address, &args, result);
        };
        let buffer = self.word(crate::preserve::args_address());
        let mut words = 0;
        for arg in &args {
            let at = match self.b.func.dfg.value_type(*arg) == types::F64 {
                true => crate::preserve::FLOAT_ARG as i32,
                false => words,
            };
            words = if at == words { words + 1 } else { words };
            self.b.ins().store(flags(), *arg, buffer, 8 * at);
        }
        let mut signature = signature(&[], None);
        signature.call_conv = CallConv::PreserveAll;
        let sig = self.b.import_signature(signature);
        let callee = self.word(address as u64);
        self.b.ins().call_indirect(sig, callee, &[]);
        result.map(|ty| self.b.ins().load(ty, flags(), buffer, 0))
    }

    /// The block that leaves through the instruction's state.
    pub(crate) fn exit_block(&mut self, v: Val) -> clif::Block {
        let inst = &self.func[v];
        let key = (inst.state, inst.reason, self.lacks_frame());
        if let Some(block) = self.pending.get(&key) {
            return *block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.pending.insert(key, block);
        self.order.push(key);
        block
    }

    /// Goes on if `ok`, else leaves through the instruction's state.
    pub(crate) fn guard(&mut self, v: Val, ok: clif::Value) {
        let exit = self.exit_block(v);
        let next = self.new_block();
        let ok = match self.process.stress {
            Some(counter) => self.stressed(ok, counter),
            None => ok,
        };
        self.b.ins().brif(ok, next, &[], exit, &[]);
        self.b.switch_to_block(next);
    }

    /// As `guard`, never failing for another reason.
    pub(crate) fn guard_surely(&mut self, v: Val, ok: clif::Value) {
        let (exit, next) = (self.exit_block(v), self.new_block());
        self.b.ins().brif(ok, next, &[], exit, &[]);
        self.b.switch_to_block(next);
    }

    /// In stress mode every guard fails now and then.
    fn stressed(&mut self, ok: clif::Value, counter: u64) -> clif::Value {
        let at = self.word(counter);
        let n = self.b.ins().load(types::I64, flags(), at, 0);
        let k = self.b.ins().iconst(types::I64, 0x5851_F42D_4C95_7F2D);
        let n = self.b.ins().imul(n, k);
        let n = self.b.ins().iadd_imm_s(n, 0x1405_7B7E_F767_814F);
        self.b.ins().store(flags(), n, at, 0);
        let high = self.b.ins().ushr_imm_s(n, 58);
        let keep = self.b.ins().icmp_imm_s(clif::condcodes::IntCC::NotEqual, high, 0);
        let ok = match self.b.func.dfg.value_type(ok) {
            types::I8 => ok,
            _ => self.b.ins().icmp_imm_s(clif::condcodes::IntCC::NotEqual, ok, 0),
        };
        self.b.ins().band(ok, keep)
    }

    /// The code of an exit block: stores what the state names and goes to `tail`, which calls `leave` and returns what that
    /// says.
    fn exit(&mut self, state: StateId, reason: Reason, tail: clif::Block) -> Result<Box<Exit>, String> {
        let state = &self.func.states[state.0 as usize];
        let mut places = Places {
            buffer: self.word(EXIT_BUFFER.address()),
            next: 0,
            known: HashMap::new(),
            makings: vec![],
            maybes: vec![],
        };
        for v in state.values() {
            self.place(v, &mut places)?;
        }
        let Places { known: places, makings, maybes, .. } = places;
        let frames = state.frames.iter().map(|f| exit_frame(f, &places)).collect();
        let stores = state.stores.iter().map(|s| (places[&s.object], s.offset, places[&s.value])).collect();
        let (unit, count) = (Cell::new(std::ptr::null()), Cell::new(0));
        let handled = state.handled.iter().map(|v| places[v]).collect();
        let exit = Box::new(Exit { unit, reason, count, frames, stores, makings, maybes, handled });
        let address = self.word(&raw const *exit as u64);
        self.b.ins().jump(tail, &[clif::BlockArg::Value(address)]);
        Ok(exit)
    }

    /// Where an exit finds a value; emits the store into the buffer if it is to be found there.
    fn place(&mut self, v: Val, places: &mut Places) -> Result<Place, String> {
        if let Some(place) = places.known.get(&v) {
            return Ok(*place);
        }
        let inst = &self.func[v];
        let place = if let Some(bits) = self.constant(v) {
            Place::Const(bits)
        } else if inst.op == Op::HandledBefore {
            Place::HandledBefore
        } else if (inst.op.is_made_by_exits() || inst.op == Op::BoxComplex) && self.values[v.0 as usize].is_none() {
            let mut items = Vec::new();
            for item in &inst.args {
                items.push(self.place(*item, places)?);
            }
            places.makings.push(match inst.op {
                Op::NewTuple => Making::Tuple(items),
                Op::NewSlice => Making::Slice(items),
                Op::NewMethod => Making::Method(items),
                Op::NewDict => Making::Dict(inst.imm, items),
                Op::CopyItemsLate => Making::Items(items),
                Op::NewFunction => Making::Function(items),
                Op::TracebackOf => Making::Traceback(items[0]),
                Op::NewIterator => Making::Iterator(IteratorKind::from_imm(inst.imm), items),
                Op::BoxComplex => Making::Complex(items),
                Op::Suspended => Making::Suspended(self.func.suspended[inst.imm as usize].clone(), items),
                Op::NewException | Op::Raised => Making::Exception(self.exception_desc(inst.imm), items),
                _ => Making::Instance(self.func.instances[inst.imm as usize].clone(), items),
            });
            Place::Made(places.makings.len() as u16 - 1)
        } else if inst.op == Op::Maybe && self.values[v.0 as usize].is_none() {
            let (bound, number) = (self.place(inst.args[0], places)?, self.place(inst.args[1], places)?);
            places.maybes.push((bound, number));
            Place::Maybe(places.maybes.len() as u16 - 1)
        } else if self.is_mixed(v) || self.results.contains_key(&v) {
            let i = places.next;
            if i as usize + 1 >= BUFFER_WORDS {
                return Err("a frame state with too many values".into());
            }
            let (kind, value) = match self.results.get(&v) {
                Some((word, kind)) => (*kind, *word),
                None => self.mixed_words(v),
            };
            self.b.ins().store(flags(), kind, places.buffer, i as i32 * 8);
            self.b.ins().store(flags(), value, places.buffer, i as i32 * 8 + 8);
            places.next += 2;
            Place::Mixed(i)
        } else {
            // A boxed number is stored as it was before boxing.
            let stored = match inst.op {
                Op::BoxInt | Op::BoxWord | Op::BoxChar | Op::BoxFloat | Op::BoxBool => inst.args[0],
                _ => v,
            };
            let value = self.value_for_exit(stored);
            let ty = self.func[stored].ty;
            let value = match ty {
                Type::Bool => self.b.ins().uextend(types::I64, value),
                _ => value,
            };
            let i = places.next;
            if i as usize >= BUFFER_WORDS {
                return Err("a frame state with too many values".into());
            }
            self.b.ins().store(flags(), value, places.buffer, i as i32 * 8);
            places.next += 1;
            match inst.op {
                Op::BoxWord => Place::Unsigned(i),
                Op::BoxChar => Place::Char(i),
                _ => Place::Buffer(i, ty),
            }
        };
        places.known.insert(v, place);
        Ok(place)
    }

    /// The word of a constant.
    fn constant(&self, v: Val) -> Option<u64> {
        let inst = &self.func[v];
        match inst.op {
            Op::ConstVal => Some(inst.imm),
            Op::ConstInt => Value::try_small(inst.imm as i64).map(|v| v.bits()),
            Op::ConstBool => Some(Value::bool(inst.imm != 0).bits()),
            Op::ConstFloat => Value::try_flonum(f64::from_bits(inst.imm)).map(|v| v.bits()),
            Op::BoxInt | Op::BoxBool | Op::BoxFloat => self.constant(inst.args[0]),
            _ => None,
        }
    }
}

/// Where an exit finds values.
struct Places {
    /// Address of the exit buffer.
    buffer: clif::Value,
    /// Words of it in use.
    next: u16,
    known: HashMap<Val, Place>,
    /// Objects that the exit makes.
    makings: Vec<Making>,
    /// Whether variables are bound, and their numbers.
    maybes: Vec<(Place, Place)>,
}

fn exit_frame(f: &crate::ir::FrameDesc, places: &HashMap<Val, Place>) -> ExitFrame {
    // SAFETY: the builder put addresses of live objects there, which the unit keeps alive.
    unsafe {
        ExitFrame {
            code: &*(f.code as *const CodeObject),
            function: (f.function as *const Function).as_ref(),
            pc: f.pc,
            result: f.result,
            base: f.base,
            callee: if f.callee.is_none() { None } else { Some(places[&f.callee]) },
            receiver: if f.receiver.is_none() { None } else { Some(places[&f.receiver]) },
            regs: f.regs.iter().map(|(r, v)| (*r, places[v])).collect(),
            consumer: f.consumer.as_ref().map(|c| (c.consumer, c.progress.iter().map(|v| places[v]).collect())),
        }
    }
}
