//! Exits: how compiled code leaves, why, and how the interpreter's frames are rebuilt.
//!
//! Compiled code stores the values that an exit's frame state names into [`EXIT_BUFFER`], unboxed as they are, and calls
//! [`leave`] with the exit's description. `leave` writes registers, pushes the frames of inlined calls, and either says
//! that the interpreter is to go on, or, where other compiled code waits for the frame's result, runs the interpreter on it.
//!
//! Invariants:
//! - EXIT-1: between the first store into the buffer and the end of `rebuild` nothing collects and no other thread runs.
//! - EXIT-2: an [`Exit`] lives as long as the code that names it.

use std::cell::{Cell, UnsafeCell};
use std::sync::Arc;

use taipan_bytecode::{Op, Word};
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::frame::{ENTERED, Frame, flag};
use taipan_runtime::hooks::RESUME;
use taipan_runtime::object::FRESH_WORD;
use taipan_runtime::shape::{Attrs, Shape};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{complex, float, list};
use taipan_runtime::{Cx, Value};

use crate::consume::{Consumer, Consuming, MAX_REGISTERS};
use crate::generators::{push_consumed, push_looped, suspended};
use crate::ir::{ExceptionDesc, InstanceDesc, SuspendedDesc, Type};
use crate::iterators::IteratorKind;
use crate::raising::{add_tracebacks, leave_frames, make_exception};
use crate::tier::Unit;

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal, $learn:literal; )*) => {
        /// Why compiled code leaves.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Reason { $( $(#[doc = $doc])+ $name, )* }
        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Reason] = &[ $(Reason::$name),* ];
            /// Text of dumps and `--stats`.
            pub fn text(self) -> &'static str {
                match self { $( Reason::$name => $text, )* }
            }
            /// Whether many exits for this reason mean that the code should be compiled anew without the assumption.
            pub fn teaches(self) -> bool {
                match self { $( Reason::$name => $learn, )* }
            }
            /// The bit in a profile's set of reasons.
            pub fn bit(self) -> u32 { 1 << self as u32 }
            /// The reason with this number.
            pub fn from_number(n: u8) -> Reason { Reason::ALL[n as usize % Reason::ALL.len()] }
            /// The reason with this text.
            pub fn from_text(text: &str) -> Option<Reason> {
                Reason::ALL.iter().copied().find(|r| r.text() == text)
            }
        }
    };
}

reasons! {
    /// An int operation left 64 bits.
    Overflow = "overflow", true;
    /// A value is not of the expected kind of number.
    Number = "number", true;
    /// A register does not hold on entry what it held when the code was compiled.
    Entry = "entry", true;
    /// An object is of another class.
    Class = "class", true;
    /// An instance has other attributes.
    Shape = "shape", true;
    /// A value is not the expected one.
    Const = "const", true;
    /// An index is out of range or negative.
    Index = "index", true;
    /// A division by zero, or a quotient that does not fit.
    Division = "division", true;
    /// An unbound variable.
    Unbound = "unbound", true;
    /// Something wants the thread's attention.
    Interrupt = "interrupt", false;
    /// The instruction is left to the interpreter.
    Interpret = "interpret", false;
    /// An exception was raised.
    Raised = "raised", false;
    /// An exception that was handled is raised again.
    Again = "again", false;
    /// What the code relied on has changed.
    Invalid = "invalid", false;
    /// A stack or recursion limit.
    Limit = "limit", false;
    /// A truth value of something that is not a bool.
    Truth = "truth", true;
    /// A guard was moved in front of a loop and failed there.
    Hoisted = "hoisted", true;
    /// A check of all indices of a loop failed in front of it.
    Bounds = "bounds", true;
    /// Two objects that a loop takes for different ones are one.
    Aliased = "aliased", true;
    /// The instruction had never been executed when the code was compiled.
    Unreached = "unreached", true;
    /// An operation on built-in objects could run Python code.
    Plain = "plain", true;
    /// Somebody asked for the frame object of an inlined call.
    Seen = "seen", false;
    /// An exception that a handler of the same code catches: never leaves.
    Caught = "caught", false;
    /// Both operands are ints, where one was expected to be a float.
    Ints = "ints", true;
    /// The other operand of a float is none.
    Mixed = "mixed", true;
    /// A value is neither an int nor a float.
    Numbers = "numbers", true;
    /// An int that is rotated has more than 32 bits.
    Bits = "bits", true;
    /// What a call returned is not of the expected kind of number.
    Result = "result", true;
    /// In stress mode: for no reason.
    Stress = "stress", false;
}

/// Where a value of an exit is found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    /// In the exit buffer, with this type.
    Buffer(u16, Type),
    /// In the exit buffer: an int without sign.
    Unsigned(u16),
    /// In the exit buffer: the code point of a str.
    Char(u16),
    /// In the exit buffer: its kind (see [`Mixed`]), and behind it the value.
    Mixed(u16),
    /// A word.
    Const(u64),
    /// An object that the exit makes, by number.
    Made(u16),
    /// A variable that may be unbound, by number.
    Maybe(u16),
    /// What the entry frame handled before; the last object that the exit makes.
    HandledBefore,
}

/// What a word is.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(u64)]
pub enum Mixed {
    /// A tagged word.
    Val,
    /// An int.
    Int,
    /// A double.
    Float,
    /// A truth value.
    Bool,
    /// An int without sign.
    Unsigned,
    /// The code point of a str.
    Char,
}

impl Mixed {
    /// By number.
    const ALL: [Mixed; 6] = [Mixed::Val, Mixed::Int, Mixed::Float, Mixed::Bool, Mixed::Unsigned, Mixed::Char];
}

/// An object that an exit makes.
pub enum Making {
    /// A tuple of items.
    Tuple(Vec<Place>),
    /// A slice object of start, stop and step.
    Slice(Vec<Place>),
    /// A list of items of a list: the list, start, stop, step.
    Items(Vec<Place>),
    /// A dict of values under the names in the tuple at an address.
    Dict(u64, Vec<Place>),
    /// A built-in method bound to an object.
    Method(Vec<Place>),
    /// A complex number of two floats.
    Complex(Vec<Place>),
    /// The traceback of an exception, or None.
    Traceback(Place),
    /// An iterator with fields.
    Iterator(IteratorKind, Vec<Place>),
    /// A function of code, globals, and maybe a closure.
    Function(Vec<Place>),
    /// An instance with attributes.
    Instance(InstanceDesc, Vec<Place>),
    /// A suspended generator: its function and registers.
    Suspended(SuspendedDesc, Vec<Place>),
    /// An exception, or what raising one does to it.
    Exception(Arc<ExceptionDesc>, Vec<Place>),
}

/// A frame of an exit.
#[derive(Clone)]
pub struct ExitFrame {
    /// The code it runs.
    pub code: &'static CodeObject,
    /// Its function (inlined frames), or one with the same code.
    pub function: Option<&'static Function>,
    /// Its function, where it is not always the same.
    pub callee: Option<Place>,
    /// Word index of the next instruction.
    pub pc: u32,
    /// Register of the caller that receives the result.
    pub result: u16,
    /// First register, counted from the caller's window.
    pub base: u16,
    /// The new instance, if it runs `__init__`.
    pub receiver: Option<Place>,
    /// Registers to be written.
    pub regs: Vec<(u16, Place)>,
    /// What goes through its items, if it is the frame of a generator which nobody made, and how far that is.
    pub consumer: Option<(Consumer, Vec<Place>)>,
}

/// An exit of compiled code.
pub struct Exit {
    /// The code that it belongs to.
    pub unit: Cell<*const Unit>,
    /// Why.
    pub reason: Reason,
    /// How often it was taken.
    pub count: Cell<u32>,
    /// Frames, the entry frame first.
    pub frames: Vec<ExitFrame>,
    /// Stores that were put off: object, offset, int.
    pub stores: Vec<(Place, u32, Place)>,
    /// Objects that compiled code did not make. What stands in one stands before it.
    pub makings: Vec<Making>,
    /// Variables that may be unbound: whether they are bound, and their numbers.
    pub maybes: Vec<(Place, Place)>,
    /// The exceptions that are handled from now on, outermost first.
    pub handled: Vec<Place>,
}

impl Exit {
    /// The code that would catch an exception raised here, with the index of the word that raises in it.
    pub fn catcher(&self) -> Option<(&'static CodeObject, u32)> {
        let depth = self.frames.len() - 1;
        let found = self.frames.iter().enumerate().rev().find_map(|(d, f)| {
            // Calls and what has raised are behind their words.
            let is_behind = d < depth || self.reason == Reason::Raised;
            let at = if is_behind { f.pc.checked_sub(1)? } else { f.pc };
            f.code.handler_at(at).map(|_| (f, at))
        });
        // The only handler of a generator expression makes other exceptions of StopIterations.
        found.filter(|(f, _)| f.consumer.is_none()).map(|(f, at)| (f.code, at))
    }

    /// Whether this is about an exception that compiled code would catch, or could after the first time.
    fn could_be_caught(&self) -> bool {
        let is_new = |(code, at)| !crate::profile::profile(code).is_some_and(|p| p.failed(at, Reason::Raised));
        match self.reason {
            Reason::Raised => self.catcher().is_some(),
            Reason::Again => self.catcher().is_some_and(is_new),
            _ => false,
        }
    }
}

/// Words of the exit buffer.
pub const BUFFER_WORDS: usize = 4096;

/// The values of the exit being taken.
pub struct ExitBuffer(UnsafeCell<[u64; BUFFER_WORDS]>);
// SAFETY: EXIT-1; the GIL is held.
unsafe impl Sync for ExitBuffer {}
/// See [`ExitBuffer`].
pub static EXIT_BUFFER: ExitBuffer = ExitBuffer(UnsafeCell::new([0; BUFFER_WORDS]));

impl ExitBuffer {
    /// Address of the first word.
    pub fn address(&self) -> u64 {
        self.0.get() as u64
    }

    fn word(&self, i: u16) -> u64 {
        // SAFETY: EXIT-1; lowering keeps within the buffer.
        unsafe { (*self.0.get())[i as usize] }
    }
}

/// The word of a value at an exit, with the objects made so far. May allocate.
fn word(cx: &mut Cx, exit: &Exit, place: Place, made: &[Value]) -> u64 {
    match place {
        Place::Const(bits) => bits,
        Place::Made(i) => made[i as usize].bits(),
        Place::HandledBefore => made[made.len() - 1].bits(),
        Place::Maybe(i) => {
            let (bound, number) = exit.maybes[i as usize];
            let bound = word(cx, exit, bound, made) == Value::bool(true).bits();
            if bound { word(cx, exit, number, made) } else { 0 }
        }
        Place::Unsigned(i) => cx.int_u64(EXIT_BUFFER.word(i)).bits(),
        Place::Char(i) => Value::of(cx.char(EXIT_BUFFER.word(i) as u32)).bits(),
        Place::Mixed(i) => match Mixed::ALL[EXIT_BUFFER.word(i) as usize % Mixed::ALL.len()] {
            Mixed::Val => EXIT_BUFFER.word(i + 1),
            Mixed::Int => word(cx, exit, Place::Buffer(i + 1, Type::Int), made),
            Mixed::Float => word(cx, exit, Place::Buffer(i + 1, Type::Float), made),
            Mixed::Bool => word(cx, exit, Place::Buffer(i + 1, Type::Bool), made),
            Mixed::Unsigned => word(cx, exit, Place::Unsigned(i + 1), made),
            Mixed::Char => word(cx, exit, Place::Char(i + 1), made),
        },
        Place::Buffer(i, ty) => {
            let raw = EXIT_BUFFER.word(i);
            match ty {
                Type::Val | Type::Word | Type::Void => raw,
                Type::Int => cx.int(raw as i64).bits(),
                Type::Float => cx.float(f64::from_bits(raw)).bits(),
                Type::Bool => Value::bool(raw & 1 != 0).bits(),
            }
        }
    }
}

/// An int as it is.
fn raw(place: Place) -> u64 {
    match place {
        Place::Const(bits) => (bits as i64 >> 1) as u64,
        Place::Buffer(i, _) | Place::Unsigned(i) => EXIT_BUFFER.word(i),
        Place::Char(_) | Place::Mixed(_) | Place::Made(_) | Place::Maybe(_) | Place::HandledBefore => {
            unreachable!("a field that holds an int")
        }
    }
}

/// A new instance with these attributes, as compiled code makes it; but numbers that do not fit an attribute that is a double change the
/// layout (EXIT-1: nothing collects).
fn new_instance(cx: &mut Cx, desc: &InstanceDesc, values: &[Value]) -> Value {
    let p = cx.alloc_raw(desc.size as usize) as *mut u8;
    // SAFETY: the builder described instances of a live class; new memory is zeroed.
    unsafe {
        p.cast::<u64>().write(FRESH_WORD);
        p.add(8).cast::<u64>().write(desc.class);
        if desc.shape != 0 {
            p.add(desc.shape_offset as usize).cast::<u64>().write(desc.shape);
        }
        let shape = (desc.shape as *const Shape).as_ref();
        for (offset, value) in desc.offsets.iter().zip(values) {
            let is_double = shape.is_some_and(|s| s.is_double_at(*offset, desc.shape_offset));
            let word = if is_double { list::double_of(*value).unwrap_or(0.0).to_bits() } else { value.bits() };
            p.add(*offset as usize).cast::<u64>().write(word);
        }
        let v = Value::from_address(p as usize);
        for (offset, value) in desc.offsets.iter().zip(values) {
            if shape.is_some_and(|s| s.is_double_at(*offset, desc.shape_offset))
                && let Some(attrs) = Attrs::of(v)
            {
                attrs.set_slot(cx, (*offset - desc.shape_offset - 16) / 8, *value);
            }
        }
        v
    }
}

/// A new iterator whose fields `field` gives by number, as machine ints or words of objects.
fn new_iterator(cx: &mut Cx, kind: IteratorKind, mut field: impl FnMut(&mut Cx, usize, bool) -> u64) -> Value {
    let p = cx.alloc_raw(kind.size()) as *mut u8;
    // SAFETY: the layout is that of the class; new memory is zeroed, and exits run without collections (EXIT-1).
    unsafe {
        p.cast::<u64>().write(FRESH_WORD);
        p.add(8).cast::<u64>().write(kind.class() as *const Class as u64);
        for (i, (offset, is_raw)) in kind.fields().iter().enumerate() {
            p.add(*offset).cast::<u64>().write(field(cx, i, *is_raw));
        }
    }
    Value::from_address(p as usize)
}

/// An exception caught by a frame that the exit has yet to push, and its operands.
type Raised = (Value, Arc<ExceptionDesc>, Vec<u64>);

/// The object that an exit makes, of what it made before. Tracebacks that are to be made `later` are noted.
fn make(cx: &mut Cx, exit: &Exit, making: &Making, made: &[Value], later: &mut Vec<Raised>) -> Value {
    let all = |cx: &mut Cx, parts: &[Place]| -> Vec<Value> {
        parts.iter().filter_map(|p| Value::from_bits(word(cx, exit, *p, made))).collect()
    };
    match making {
        Making::Tuple(items) => {
            let items = all(cx, items);
            Value::of(Tuple::new(cx, &items))
        }
        Making::Slice(parts) => {
            let parts = all(cx, parts);
            Value::of(Slice::new(cx, parts[0], parts[1], parts[2]))
        }
        Making::Items(parts) => {
            let parts = all(cx, parts);
            let list = parts[0].exact::<List>().expect("the operand of the instruction that the exit stands in for");
            Value::of(crate::lists::copied(cx, list, [parts[1], parts[2], parts[3]]))
        }
        Making::Dict(names, values) => {
            let values = all(cx, values);
            // SAFETY: the unit keeps the tuple.
            let names = unsafe { Value::from_address(*names as usize).cast::<Tuple>() };
            Value::of(crate::helpers::dict_of(cx, names, &values))
        }
        Making::Method(parts) => {
            let parts = all(cx, parts);
            let method =
                parts[0].exact::<MethodDescr>().expect("the operand of the instruction that the exit stands in for");
            Value::of(NativeFunction::new(cx, method.def, Some(parts[1]), None))
        }
        Making::Complex(parts) => {
            let parts = all(cx, parts);
            let [re, im] = [0, 1].map(|i| parts.get(i).and_then(|d| float::as_f64(*d)).expect("two floats"));
            complex::new(cx, re, im)
        }
        Making::Function(parts) => {
            let parts = all(cx, parts);
            // SAFETY: the operands of the instruction that the exit stands in for.
            let (code, globals) = unsafe { (parts[0].cast::<CodeObject>(), parts[1].cast::<Dict>()) };
            let f = Function::new(cx, code, globals);
            // SAFETY: as above.
            f.closure.set(parts.get(2).map(|closure| unsafe { closure.cast::<Tuple>() }));
            Value::of(f)
        }
        Making::Traceback(e) => {
            let e = Value::from_bits(word(cx, exit, *e, made)).and_then(|e| e.downcast::<Exception>());
            e.and_then(|e| e.traceback.get()).unwrap_or(Value::none())
        }
        Making::Iterator(kind, fields) => {
            new_iterator(
                cx,
                *kind,
                |cx, i, is_raw| {
                    if is_raw { raw(fields[i]) } else { word(cx, exit, fields[i], made) }
                },
            )
        }
        Making::Instance(desc, attributes) => {
            let attributes = all(cx, attributes);
            new_instance(cx, desc, &attributes)
        }
        Making::Suspended(desc, operands) => {
            // Registers may be unbound.
            let operands: Vec<u64> = operands.iter().map(|p| word(cx, exit, *p, made)).collect();
            let regs = desc.regs.iter().copied().zip(operands[1..].iter().copied());
            // SAFETY: the builder put the code there, which the unit keeps, and the function of the generator.
            unsafe {
                let code = &*(desc.code as *const CodeObject);
                let function = Value::from_address(operands[0] as usize).cast::<Function>();
                suspended(cx, function, code, desc.pc, regs)
            }
        }
        Making::Exception(desc, operands) => {
            let operands: Vec<u64> = operands.iter().map(|p| word(cx, exit, *p, made)).collect();
            // SAFETY: lowering put the operands there; nothing collects.
            unsafe {
                let e = make_exception(cx, desc, &operands);
                match desc.raised.as_ref().map(|r| r.depth) {
                    Some(0) => add_tracebacks(cx, desc, e, &operands, cx.frame),
                    Some(_) => later.push((e, desc.clone(), operands)),
                    None => {}
                }
                e
            }
        }
    }
}

/// Writes the registers of the running frame, pushes inlined frames; who goes through generators among these, outermost first.
fn rebuild(cx: &mut Cx, exit: &Exit) -> [Option<Consuming>; MAX_DEPTH] {
    let mut consuming = [const { None }; MAX_DEPTH];
    cx.heap().disable();
    let mut made: Vec<Value> = Vec::with_capacity(exit.makings.len());
    let mut later: Vec<Raised> = Vec::new();
    for making in &exit.makings {
        let v = make(cx, exit, making, &made, &mut later);
        made.push(v);
    }
    let mut before = None;
    for place in &exit.handled {
        let e = Value::from_bits(word(cx, exit, *place, &made)).expect("an exception");
        let now = exceptions::begin_handling(cx, e);
        before.get_or_insert(now);
    }
    if let Some(before) = before {
        if exit.reason == Reason::Raised
            && let Some(raised) = cx.exception()
        {
            // It was raised before the handling began.
            exceptions::set_context(cx, raised);
        }
        made.push(before);
    }
    for (object, offset, value) in &exit.stores {
        let at = (word(cx, exit, *object, &made) + *offset as u64) as *mut u64;
        // SAFETY: the builder delays stores into objects only that it knows the layout of.
        unsafe { *at = raw(*value) };
    }
    for (i, f) in exit.frames.iter().enumerate() {
        // SAFETY: FRAME-1; the limits were checked when the call was inlined.
        unsafe {
            if i > 0 {
                let caller = &*cx.frame;
                let regs =
                    if caller.flags & flag::GENERATOR != 0 { caller.top } else { caller.regs.add(f.base as usize) };
                let result = caller.regs.add(f.result as usize);
                let mut function = f.function.expect("an inlined frame has its function");
                if let Some(callee) = f.callee
                    && let Some(callee) = Value::from_bits(word(cx, exit, callee, &made))
                {
                    function = callee.cast::<Function>();
                }
                let flags = if f.receiver.is_some() { flag::INIT } else { 0 };
                if let Some((Consumer::Loop, _)) = f.consumer {
                    push_looped(cx, f, function);
                } else if let Some((consumer, progress)) = &f.consumer {
                    let mut values = [None; MAX_REGISTERS];
                    for (value, place) in values.iter_mut().zip(progress) {
                        *value = Value::from_bits(word(cx, exit, *place, &made));
                    }
                    consuming[i - 1] = Some(push_consumed(cx, f, function, *consumer, values));
                } else {
                    cx.push_frame_unchecked(
                        f.code,
                        regs,
                        function.globals,
                        function.builtins,
                        Some(function),
                        result,
                        flags,
                    );
                }
                if let Some(receiver) = f.receiver {
                    (*cx.frame).receiver = Value::from_bits(word(cx, exit, receiver, &made));
                }
            }
            let frame = &mut *cx.frame;
            if i > 0 {
                frame.object = take_seen(i - 1);
                if cx.traced {
                    // Tracing began after the call.
                    frame.traced_line = ENTERED;
                }
            }
            for (r, place) in &f.regs {
                *frame.regs.add(*r as usize) = word(cx, exit, *place, &made);
            }
            frame.pc = f.code.words_ptr().add(f.pc as usize);
        }
    }
    for (e, desc, operands) in later {
        let depth = desc.raised.as_ref().map_or(0, |r| r.depth as usize);
        let above = exit.frames.len() - 1 - depth;
        // SAFETY: FRAME-1; all frames of the exit have been pushed.
        unsafe {
            let catching = (0..above).fold(cx.frame, |frame, _| (*frame).prev);
            add_tracebacks(cx, &desc, e, &operands, catching);
        }
    }
    cx.heap().enable();
    consuming
}

/// Notes the receiver of the instruction that the frame on top is at.
fn note_receiver(cx: &Cx) {
    // SAFETY: FRAME-1 and FRAME-2; `rebuild` has just set the pc to an instruction's word.
    unsafe {
        let frame = &*cx.frame;
        let word = Word(*frame.pc);
        let r = match word.op().map(Op::base) {
            Some(Op::LoadAttr | Op::LoadMethod | Op::Add | Op::Sub | Op::Mul | Op::TrueDiv | Op::LoadItem) => word.b(),
            Some(Op::AddI | Op::SubI | Op::MulI | Op::GetIter) => word.b(),
            Some(Op::LoadItemI | Op::UnpackSequence | Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::Gt | Op::Ge) => word.b(),
            Some(Op::StoreAttr | Op::StoreItem | Op::Call) => word.a(),
            Some(Op::In | Op::NotIn) => word.c(),
            Some(Op::LoadSuperMethod) => word.c() + 1,
            _ => return,
        };
        if let Some(v) = frame.reg(r) {
            let pc = frame.pc.offset_from(frame.code.words_ptr());
            crate::profile::note_exit(frame.code, pc as u32, v);
        }
    }
}

/// Notes the function that the call is about which the frame on top is at.
fn note_callee(cx: &Cx) {
    // SAFETY: as in note_receiver.
    unsafe {
        let frame = &*cx.frame;
        let word = Word(*frame.pc);
        if word.op().map(Op::base) == Some(Op::Call)
            && let Some(f) = frame.reg(word.a()).and_then(|v| v.exact::<Function>())
        {
            let pc = frame.pc.offset_from(frame.code.words_ptr());
            crate::profile::note_assumed_callee(frame.code, pc as u32, f);
        }
    }
}

/// Deepest inlining.
pub const MAX_DEPTH: usize = 6;

/// Frame objects of inlined calls that somebody asked for, from when the call that did so ended until the frames are
/// pushed again by the exit that follows at once.
struct SeenFrames(UnsafeCell<[Option<&'static FrameObject>; MAX_DEPTH]>);
// SAFETY: the GIL is held.
unsafe impl Sync for SeenFrames {}
static SEEN: SeenFrames = SeenFrames(UnsafeCell::new([None; MAX_DEPTH]));

fn take_seen(i: usize) -> Option<&'static FrameObject> {
    // SAFETY: EXIT-1.
    unsafe { (*SEEN.0.get())[i].take() }
}

/// After a call from inlined frames, `n` of which lie below and at `top`: somebody asked for their objects. Compiled code
/// is left at the next check of its validity, and these calls will not be inlined again.
///
/// # Safety
/// Called by compiled code only.
pub unsafe extern "C" fn frames_seen(top: *mut Frame, n: usize, valid: *const u8) {
    let mut frame = top;
    for i in (0..n.min(MAX_DEPTH)).rev() {
        // SAFETY: FRAME-1; compiled code pushed that many frames.
        unsafe {
            (*SEEN.0.get())[i] = (*frame).object.take();
            frame = (*frame).prev;
            let pc = (*frame).pc.offset_from((*frame).code.words_ptr());
            crate::profile::note_seen((*frame).code, pc as u32);
        }
    }
    crate::tier::discard_by_flag(valid);
}

/// Pushes the frame of a function that compiled code has called, unless there is none to push: see `lower::own_frame`.
///
/// # Safety
/// Called by compiled code only: `window` is that of the call.
pub unsafe extern "C" fn push_own_frame(cx: &mut Cx, window: *mut u64, function: Option<&'static Function>) {
    if let Some(f) = function {
        // SAFETY: the caller's frame left room for a window (FRAME-2), and frames have more room than any recursion limit.
        unsafe {
            let flags = flag::ENTRY | flag::NATIVE;
            cx.push_frame_unchecked(f.code.get(), window, f.globals, f.builtins, Some(f), window, flags);
        }
    }
}

/// Leaves compiled code through `exit`: the word that compiled code returns to its caller (see `Hooks::hot`).
///
/// # Safety
/// Called by compiled code only.
pub unsafe extern "C" fn leave(cx: &mut Cx, exit: &Exit) -> u64 {
    let outer = cx.frame;
    crate::stats::count_exit(exit.reason);
    if crate::options().verbose {
        crate::stats::count_site(exit);
    }
    // SAFETY: EXIT-2.
    let unit = unsafe { &*exit.unit.get() };
    let consuming = rebuild(cx, exit);
    exit.count.set(exit.count.get().wrapping_add(1));
    match exit.reason {
        Reason::Class | Reason::Shape | Reason::Plain => note_receiver(cx),
        Reason::Const => note_callee(cx),
        _ => {}
    }
    if exit.reason.teaches() || exit.could_be_caught() {
        unit.learn(cx, exit);
    } else if exit.reason == Reason::Interpret && exit.frames[0].code.is_generator_like() {
        unit.note_left();
    }
    // SAFETY: FRAME-1.
    unsafe {
        let mut raised = exit.reason == Reason::Raised;
        for consuming in consuming.iter().rev().flatten() {
            let top = cx.frame;
            if raised {
                (*top).flags |= flag::THROW;
            }
            let run = cx.rt().hooks.get().run;
            let outcome = run(cx, top);
            match consuming.finish(cx, outcome) {
                Ok(v) => {
                    *consuming.result = v.bits();
                    raised = false;
                }
                Err(_) => raised = true,
            }
        }
        if (*outer).flags & flag::NATIVE == 0 {
            return if raised { 0 } else { RESUME };
        }
        // Other compiled code waits for this frame: run it to its end.
        if raised && leave_frames(cx, outer) {
            return 0;
        }
        (*outer).flags &= !flag::NATIVE;
        let top = cx.frame;
        (*top).flags |= if raised { flag::THROW } else { flag::NATIVE };
        let run = cx.rt().hooks.get().run;
        run(cx, top).map_or(0, |v| v.bits())
    }
}
