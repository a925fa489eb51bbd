//! The runtime functions that compiled code calls. One row: name, the function, what it may do.
//!
//! - `raises`: returns 0 if it raised; compiled code then leaves through the call's frame state;
//! - `python`: may run Python code, so registers and pc are in memory before, and nothing loaded from the heap before is
//!   known after;
//! - `writes`: changes heap objects without running Python code;
//! - `removable`: need not be called if nobody uses the result;
//! - `brief`: takes no longer than some dozens of instructions.
//!
//! Invariant HELP-1: arguments are what the row's function expects; the builder and lowering see to that.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use taipan_bytecode::{Op, Word};
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::number::{self, BinaryOp};
use taipan_runtime::protocol::{format, iter, object};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::types::generator_methods;
use taipan_runtime::types::int;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value};

use crate::ir::Inst;
use crate::{attributes, bytes, consume, floats, generators, iterators, lists, python_calls, raising};
// `crate::preserve` calls all its helpers here.
pub(crate) use crate::floats::hypot_bits;
pub(crate) use crate::lists::{fits_double, list_append, list_append_double, list_item, list_reserve};
use crate::plain;
use crate::tier::Kind;

/// What a helper may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Name in dumps.
    pub name: &'static str,
    /// Address.
    pub address: usize,
    /// Returns 0 if it raised.
    pub raises: bool,
    /// May run Python code.
    pub python: bool,
    /// Changes heap objects.
    pub writes: bool,
    /// May be left out if nobody uses the result.
    pub removable: bool,
    /// Takes no longer than some dozens of instructions.
    pub brief: bool,
}

macro_rules! helpers {
    ($( $(#[doc = $doc:literal])+ $name:ident = $($function:ident)::+ $(, $flag:ident)*; )*) => {
        /// A runtime function that compiled code calls.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u64)]
        pub enum Helper { $( $(#[doc = $doc])+ $name, )* }
        impl Helper {
            /// All helpers.
            pub const ALL: &'static [Helper] = &[ $(Helper::$name),* ];
            /// Its row.
            pub fn row(self) -> Row {
                match self {
                    $( Helper::$name => {
                        #[allow(unused_mut)]
                        let mut row = Row {
                            name: stringify!($name), address: $($function)::+ as *const () as usize,
                            raises: false, python: false, writes: false, removable: false, brief: false,
                        };
                        $( row.$flag = true; )*
                        row
                    } )*
                }
            }
        }
    };
}

helpers! {
    /// Boxes an int that is too large for the word.
    BoxInt = box_int, removable;
    /// Boxes an int without sign that is too large for the word.
    BoxUnsigned = box_unsigned, removable;
    /// Whether a value is an int in 0..2^64, as 0 or 1.
    FitsUnsigned = fits_unsigned, removable;
    /// The bits of such an int.
    UnboxUnsigned = unbox_unsigned, removable;
    /// `a op b` of ints: number of the operator.
    WideBinary = wide_binary, removable;
    /// Boxes a double that is no flonum.
    BoxFloat = box_float, removable;
    /// Remembers an old object that was written to.
    Remember = remember, writes;
    /// Memory for an object when the bump is exhausted.
    AllocSlow = alloc_slow, removable;
    /// `a op b`: op number, 256 added for augmented assignments.
    Binary = binary, raises, python;
    /// `a op b` as an object.
    Compare = rich_compare, raises, python;
    /// `a op b` as an object, after the method of `a` has declined.
    CompareDeclined = compare_declined, raises, python;
    /// `a op b` as a truth word.
    CompareBool = compare_bool, raises, python;
    /// The truth of a value as a truth word.
    Truth = truth, raises, python;
    /// `a is b` for two heap numbers, as 0 or 1.
    IsSlow = is_slow, removable;
    /// Whether two doubles have the same bits, as 0 or 1.
    SameFloat = floats::same, removable;
    /// `a.name`.
    GetAttr = attributes::get_attr, raises, python;
    /// `a.name = b`.
    SetAttr = attributes::set_attr, raises, python;
    /// `a[b]`.
    GetItem = get_item, raises, python;
    /// `a[b] = c`.
    SetItem = set_item, raises, python;
    /// Executes the instruction at an address on the frame's registers.
    Generic = generic, raises, python;
    /// Calls what lies before the arguments: (address of the arguments, count, names of keywords or 0).
    Call = python_calls::call, raises, python;
    /// As Call; notes which functions are called.
    CallNoted = python_calls::call_noted, raises, python;
    /// As Call for a pair left by LoadMethod.
    CallMethod = python_calls::call_method, raises, python;
    /// Calls a Python function: (function, address of the arguments, count).
    CallFunction = python_calls::call_function, raises, python;
    /// Calls a Python function whose parameters are bound: (function, address of the parameters, count).
    CallBound = python_calls::call_bound, raises, python;
    /// As CallBound without a count, and tries to compile code for the typed entry with a cell: (function, address of the parameters, cell).
    CallTyped = python_calls::call_typed, raises, python;
    /// The object for what a typed entry returned: (word, kind).
    BoxKind = box_kind, removable;
    /// Raises if the result of `__init__` is not None.
    InitResult = python_calls::init_result, raises;
    /// Takes the raised exception, with the running frames in its traceback; pops those of inlined calls.
    Catch = raising::catch, python;
    /// Begins to handle an exception: what was handled before, or None.
    BeginHandling = raising::begin_handling, writes;
    /// What BeginHandling would give.
    HandledNow = raising::handled_now, removable;
    /// Goes back to handling what BeginHandling gave.
    EndHandling = raising::end_handling, writes;
    /// Whether an exception matches a class or a tuple of classes, as a truth word.
    ExcMatches = raising::exc_matches, raises;
    /// Unlinks the running generator frame, which is suspended.
    Suspend = suspend, writes;
    /// Unlinks the running generator frame, which is finished.
    Finish = finish, writes;
    /// The next item, 4 at the end.
    Next = next, raises, python;
    /// What an iterator returns when a value is sent to it; 4 if it yields instead, then `Passed` gives what.
    Send = send, raises, python;
    /// What the iterator of the last `Send` has yielded.
    Passed = passed, writes;
    /// `list.append`.
    ListAppend = lists::list_append, writes;
    /// `list.append` of a double.
    ListAppendDouble = lists::list_append_double, writes;
    /// Makes room in a list for more items.
    ListReserve = lists::list_reserve, writes;
    /// Item `i`, which exists, of a list.
    ListItem = lists::list_item, removable;
    /// Sets item `i`, which exists, of a list.
    ListSet = lists::list_set, writes;
    /// Whether lists of doubles may hold a double, as 0 or 1.
    FitsDouble = lists::fits_double, removable;
    /// Makes a list of registers: (address, count).
    NewList = lists::new_list, removable;
    /// `x ** y` for doubles; only where the result is real and finite where the operands are.
    FloatPow = floats::pow, removable;
    /// `a ** 2.0` of a double.
    FloatSquare = floats::square, removable, brief;
    /// `hypot(x, y)`.
    FloatHypot = floats::hypot, removable, brief;
    /// The same of bits and as bits.
    HypotBits = floats::hypot_bits, removable;
    /// `math.sin(x)`, x finite.
    FloatSin = floats::sin, removable, brief;
    /// `math.cos(x)`, x finite.
    FloatCos = floats::cos, removable, brief;
    /// `math.tan(x)`, x finite.
    FloatTan = floats::tan, removable, brief;
    /// `math.asin(x)`, x from -1 to 1.
    FloatAsin = floats::asin, removable, brief;
    /// `math.acos(x)`, x from -1 to 1.
    FloatAcos = floats::acos, removable, brief;
    /// `math.atan(x)`.
    FloatAtan = floats::atan, removable, brief;
    /// `math.tanh(x)`.
    FloatTanh = floats::tanh, removable, brief;
    /// `math.exp(x)`; infinite where that raises.
    FloatExp = floats::exp, removable, brief;
    /// `math.log(x)`, x above 0.
    FloatLog = floats::log, removable, brief;
    /// `math.log2(x)`, x above 0.
    FloatLog2 = floats::log2, removable, brief;
    /// `math.log10(x)`, x above 0.
    FloatLog10 = floats::log10, removable, brief;
    /// `math.atan2(y, x)`.
    FloatAtan2 = floats::atan2, removable, brief;
    /// `x % y`, y not 0.
    FloatMod = floats::modulo, removable, brief;
    /// `x // y`, y not 0.
    FloatFloorDiv = floats::floor_div, removable;
    /// The value of a dict under a str or small int key, 4 if it must be looked up in another way.
    DictGet = dict_get, removable;
    /// Compares two exact strs: condition number; 0 or 1.
    StrCompare = str_compare, removable;
    /// Concatenates strs: (address, count).
    JoinStrs = join_strs, raises;
    /// See `crate::plain`.
    PlainFormat = plain::format, raises;
    /// See `crate::plain`.
    PlainToStr = plain::to_str, raises;
    /// Concatenates two exact strs.
    StrConcat = str_concat, raises;
    /// Pops the frame on top, whose frame object must be told.
    PopFrame = pop_frame, writes;
    /// A new function: (code, globals, closure or 0).
    NewFunction = new_function, removable;
    /// Sets an attribute of a new function: (function, value, number).
    SetFunctionAttribute = set_function_attribute, writes;
    /// Makes a generator: (function, address of the parameters, count).
    NewGenerator = new_generator, raises;
    /// Makes a suspended generator: (function, code, word index, address of the registers).
    Suspended = generators::suspended_with, removable;
    /// Makes or raises an exception: (description, address of the operands, count).
    NewException = raising::new_exception, removable;
    /// Nothing: what it is called with must exist.
    Exist = raising::exist;
    /// Makes a dict: (tuple of names, address of the values).
    NewDict = new_dict, removable;
    /// A new, empty set.
    NewSet = new_set, removable;
    /// A tuple of the items of a list that nobody else has seen.
    TupleOf = lists::tuple_of, removable;
    /// A new, empty bytearray.
    NewByteArray = consume::new_bytearray, removable;
    /// Appends an int in 0..256 to a bytearray that nobody else has seen.
    PushByte = consume::push_byte, raises;
    /// A bytes object of the bytes of a bytearray.
    BytesOf = consume::bytes_of, removable;
    /// See `crate::plain`.
    PlainBytes = bytes::bytes_of, raises;
    /// See `crate::plain`.
    PlainList = plain::list_of, raises;
    /// `sep.join(list)`.
    JoinList = lists::join_list, raises;
    /// A new range: (start, step, length, stop), small ints.
    NewRange = new_range, removable;
    /// See `crate::plain`.
    PlainEnumerate = plain::enumerate, raises;
    /// See `crate::plain`.
    PlainZip = plain::zip, raises;
    /// Whether a zip object has so many iterators and is not strict, as 0 or 1.
    IsPlainZip = iterators::is_plain_zip, removable;
    /// See `crate::plain`.
    PlainContains = plain::contains, raises;
    /// See `crate::plain`.
    PlainDictItem = plain::dict_item;
    /// See `crate::plain`.
    FindItem = plain::find_item, removable;
    /// See `crate::plain`.
    PlainGetItem = plain::get_item, raises;
    /// See `crate::plain`.
    PlainDictGet = plain::dict_get, raises;
    /// See `crate::plain`.
    PlainSetAdd = plain::set_add, raises, writes;
    /// `getattr(v, name[, default])`.
    PlainAttribute = attributes::get, raises;
    /// `hasattr(v, name)`.
    PlainHasAttribute = attributes::has, raises;
    /// `v.append(byte)` of a bytearray.
    PlainAppendByte = bytes::append, raises, writes;
    /// `v.extend(bytes)` of a bytearray.
    PlainExtendBytes = bytes::extend, raises, writes;
    /// See `crate::plain`.
    PlainSetItem = plain::set_item, raises, writes;
    /// See `crate::plain`.
    PlainDelItem = plain::del_item, raises, writes;
    /// See `crate::plain`.
    PlainGetSlice = plain::get_slice, raises;
    /// See `crate::plain`.
    PlainGetStrided = plain::get_strided, raises;
    /// A built-in method bound to an object: (method, object).
    NewMethod = new_method, removable;
    /// Items of a list as a new list: (list, start, stop, step), each a small int or None.
    CopyItems = lists::copy_items, removable;
    /// `v[start:stop] = w[first:last:step]` of lists: (v, start, stop, w, first, last, step), each a small int or None.
    MoveItems = lists::move_items, writes;
    /// A slice object.
    NewSlice = plain::new_slice, removable;
    /// See `crate::plain`.
    PlainSetSlice = plain::set_slice, raises, writes;
    /// See `crate::plain`.
    PlainBinary = plain::binary, raises, writes;
    /// See `crate::plain`.
    PlainPower = plain::power, raises;
    /// See `crate::plain`.
    PlainNegative = plain::negative, raises;
    /// See `crate::plain`.
    PlainConvert = plain::convert, raises;
    /// See `crate::plain`.
    StoreGlobal = plain::store_global, writes;
    /// See `crate::plain`.
    PlainCompare = plain::compare, raises;
    /// See `crate::plain`.
    PlainTruth = plain::truth_of, raises;
    /// See `crate::plain`.
    PlainLen = plain::len, raises;
    /// See `crate::plain`.
    PlainNext = plain::next, raises, writes;
    /// See `crate::plain`.
    PlainIter = plain::get_iter, raises;
    /// See `crate::plain`.
    PlainIsSubclass = plain::is_subclass, raises;
    /// See `crate::plain`.
    PlainIsInstance = plain::is_instance, raises;
    /// The class of a value.
    ClassOf = class_of, removable;
    /// The str of a code point.
    BoxChar = box_char, removable;
    /// Code point `b` of the exact str `a`.
    StrUnit = str_unit, removable;
    /// Whether a str is one code point, as 0 or 1.
    StrIsChar = str_is_char, removable;
}

/// False, as a truth word.
pub const FALSE_WORD: u64 = 1;
/// True, as a truth word.
pub const TRUE_WORD: u64 = 3;
/// What `next` returns at the end, and others for "in another way". No value has this word.
pub const DONE: u64 = 4;

impl Helper {
    /// The helper of an instruction's immediate.
    pub fn from_imm(imm: u64) -> Helper {
        Helper::ALL[imm as usize % Helper::ALL.len()]
    }

    /// The helper with this name.
    pub fn from_name(name: &str) -> Option<Helper> {
        Helper::ALL.iter().copied().find(|h| h.row().name == name)
    }

    /// Whether a call instruction may be removed if its result is unused.
    pub fn is_removable_call(inst: &Inst) -> bool {
        inst.op == crate::ir::Op::Call && Helper::from_imm(inst.imm).row().removable
    }
}

/// The binary operators by number.
pub static BINARY: [&BinaryOp; 12] = [
    &number::ADD,
    &number::SUB,
    &number::MUL,
    &number::TRUEDIV,
    &number::FLOORDIV,
    &number::REM,
    &number::LSHIFT,
    &number::RSHIFT,
    &number::AND,
    &number::OR,
    &number::XOR,
    &number::MATMUL,
];

/// The comparisons by number.
pub const COMPARE: [CmpOp; 6] = [CmpOp::Lt, CmpOp::Le, CmpOp::Eq, CmpOp::Ne, CmpOp::Gt, CmpOp::Ge];

#[inline(always)]
pub(crate) fn word(result: PyResult<Value>) -> u64 {
    result.map_or(0, |v| v.bits())
}

#[inline(always)]
pub(crate) fn truth_word(result: PyResult<bool>) -> u64 {
    match result {
        Ok(true) => TRUE_WORD,
        Ok(false) => FALSE_WORD,
        Err(_) => 0,
    }
}

pub(crate) extern "C" fn box_int(cx: &mut Cx, i: i64) -> u64 {
    cx.int(i).bits()
}

pub(crate) extern "C" fn box_kind(cx: &mut Cx, word: u64, kind: u64) -> u64 {
    match kind {
        _ if kind == Kind::Int as u64 => box_int(cx, word as i64),
        _ if kind == Kind::Float as u64 => cx.float(f64::from_bits(word)).bits(),
        _ => word,
    }
}

pub(crate) extern "C" fn box_unsigned(cx: &mut Cx, i: u64) -> u64 {
    cx.int_u64(i).bits()
}

pub(crate) extern "C" fn fits_unsigned(_: &mut Cx, v: u64) -> u64 {
    Value::from_bits(v).and_then(int::as_u64).is_some() as u64
}

pub(crate) extern "C" fn unbox_unsigned(_: &mut Cx, v: Value) -> u64 {
    int::as_u64(v).unwrap_or(0)
}

extern "C" fn wide_binary(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    // Two exact ints: this cannot run Python code, and shifts are short.
    word(number::binary(cx, a, b, BINARY[op]))
}

pub(crate) extern "C" fn box_float(cx: &mut Cx, d: f64) -> u64 {
    cx.float(d).bits()
}

pub(crate) extern "C" fn remember(cx: &mut Cx, object: Value) {
    cx.barrier_value(object);
}

pub(crate) extern "C" fn alloc_slow(cx: &mut Cx, size: usize) -> u64 {
    cx.alloc_raw(size) as u64
}

extern "C" fn binary(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    if a.class().is_heap_type() {
        note_receiver(cx, a);
    }
    let which = BINARY[op & 0xff];
    word(if op & 256 != 0 { number::inplace(cx, a, b, which) } else { number::binary(cx, a, b, which) })
}

extern "C" fn rich_compare(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    word(compare::rich(cx, a, b, COMPARE[op]))
}

extern "C" fn compare_declined(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    word(compare::rich_declined(cx, a, b, COMPARE[op]))
}

extern "C" fn compare_bool(cx: &mut Cx, a: Value, b: Value, op: usize) -> u64 {
    let op = COMPARE[op];
    if let (Some(x), Some(y)) = (a.exact::<Str>(), b.exact::<Str>()) {
        return truth_word(Ok(compare_strs(x, y, op)));
    }
    truth_word(compare::rich_bool(cx, a, b, op))
}

fn compare_strs(x: &Str, y: &Str, op: CmpOp) -> bool {
    match op {
        CmpOp::Eq => x.eq_str(y),
        CmpOp::Ne => !x.eq_str(y),
        _ => op.holds(x.compare(y)),
    }
}

extern "C" fn str_compare(_: &mut Cx, a: &'static Str, b: &'static Str, op: usize) -> u64 {
    compare_strs(a, b, COMPARE[op]) as u64
}

extern "C" fn str_concat(cx: &mut Cx, a: Value, b: Value) -> u64 {
    // Two exact strs: this cannot run Python code; it raises if there is no memory.
    word(number::binary(cx, a, b, &number::ADD))
}

/// HELP-1: `parts` leads to `n` strs.
unsafe extern "C" fn join_strs(cx: &mut Cx, parts: *const Value, n: usize) -> u64 {
    // SAFETY: HELP-1.
    let parts = unsafe { std::slice::from_raw_parts(parts, n) };
    format::join_strs(cx, parts).map_or(0, |s| Value::of(s).bits())
}

extern "C" fn class_of(_: &mut Cx, v: Value) -> u64 {
    Value::of(v.class()).bits()
}

pub(crate) extern "C" fn box_char(cx: &mut Cx, code: u32) -> u64 {
    Value::of(cx.char(code)).bits()
}

pub(crate) extern "C" fn str_unit(_: &mut Cx, s: &'static Str, i: usize) -> u64 {
    u64::from(s.at(i))
}

pub(crate) extern "C" fn str_is_char(_: &mut Cx, s: &'static Str, code: u32) -> u64 {
    (s.len() == 1 && s.at(0) == code) as u64
}

extern "C" fn truth(cx: &mut Cx, v: Value) -> u64 {
    truth_word(object::truth(cx, v))
}

pub(crate) extern "C" fn is_slow(_: &mut Cx, a: Value, b: Value) -> u64 {
    a.is(b) as u64
}

/// Notes the receiver of the running frame's current instruction.
pub(crate) fn note_receiver(cx: &mut Cx, v: Value) {
    // SAFETY: FRAME-1; compiled code stores the pc before calls that may run Python code.
    let frame = unsafe { &*cx.frame };
    crate::profile::note_receiver(frame.code, frame.word_index() as u32, v);
}

extern "C" fn get_item(cx: &mut Cx, v: Value, key: Value) -> u64 {
    if v.class().is_heap_type() {
        note_receiver(cx, v);
    }
    word(object::get_item(cx, v, key))
}

extern "C" fn set_item(cx: &mut Cx, v: Value, key: Value, value: Value) -> u64 {
    if v.class().is_heap_type() {
        note_receiver(cx, v);
    }
    object::set_item(cx, v, key, Some(value)).is_ok() as u64
}

extern "C" fn dict_get(_: &mut Cx, dict: &'static Dict, key: Value) -> u64 {
    if key.is_small() || key.exact::<Str>().is_some() {
        if let Some(v) = dict.get_plain(key) {
            return v.bits();
        }
    }
    DONE
}

/// HELP-1: `pc` leads to the first cache word of an instruction of the running frame's code that has an implementation of
/// the generic form.
unsafe extern "C" fn generic(cx: &mut Cx, pc: *mut u64) -> u64 {
    // SAFETY: HELP-1.
    unsafe {
        let insn = *pc.sub(1);
        let regs = (*cx.frame).regs;
        let receiver = match Word(insn).op().map(Op::base) {
            Some(Op::LoadMethod | Op::LoadSpecial) => Some(Word(insn).b()),
            Some(Op::LoadSuperMethod) => Some(Word(insn).c() + 1),
            _ => None,
        };
        if let Some(v) = receiver.and_then(|r| Value::from_bits(*regs.add(r))) {
            note_receiver(cx, v);
        }
        let work = (cx.rt().hooks.get().generic)(insn as u16).expect("checked by the builder");
        work(cx, insn, regs, pc) as u64
    }
}

extern "C" fn pop_frame(cx: &mut Cx) {
    cx.pop_frame();
}

extern "C" fn suspend(cx: &mut Cx) {
    // SAFETY: FRAME-1; a generator frame has its generator.
    let generator = unsafe { (*cx.frame).receiver.expect("a generator frame has its generator").cast::<Generator>() };
    generator.leave(cx, State::Suspended);
}

extern "C" fn finish(cx: &mut Cx) {
    // SAFETY: as in suspend.
    let generator = unsafe { (*cx.frame).receiver.expect("a generator frame has its generator").cast::<Generator>() };
    generator.leave(cx, State::Finished);
}

extern "C" fn next(cx: &mut Cx, it: Value) -> u64 {
    match iter::next(cx, it) {
        Ok(Some(v)) => v.bits(),
        Ok(None) => DONE,
        Err(_) => 0,
    }
}

/// See [`Helper::Passed`]: read before anything else runs.
static PASSED: AtomicU64 = AtomicU64::new(0);

extern "C" fn send(cx: &mut Cx, it: Value, sent: Value) -> u64 {
    // The frame that is resumed counts.
    if cx.check_depth().is_err() {
        return 0;
    }
    match generator_methods::send_to(cx, it, sent) {
        Ok((v, true)) => v.bits(),
        Ok((v, false)) => {
            PASSED.store(v.bits(), Relaxed);
            DONE
        }
        Err(_) => 0,
    }
}

extern "C" fn passed(_: &mut Cx) -> u64 {
    PASSED.load(Relaxed)
}

pub(crate) extern "C" fn new_function(
    cx: &mut Cx,
    code: &'static CodeObject,
    globals: &'static Dict,
    closure: Option<&'static Tuple>,
) -> u64 {
    let f = Function::new(cx, code, globals);
    f.closure.set(closure);
    Value::of(f).bits()
}

extern "C" fn set_function_attribute(cx: &mut Cx, f: &'static Function, v: Value, kind: u64) -> u64 {
    // The compiler gives values of the right types.
    f.set_attribute(cx, kind as u16, v);
    1
}

/// HELP-1: `parameters` leads to the `n` parameters of a generator function that begins plainly.
unsafe extern "C" fn new_generator(cx: &mut Cx, f: &'static Function, parameters: *const Value, n: usize) -> u64 {
    // The frame that the interpreter would push counts.
    if cx.check_depth().is_err() {
        return 0;
    }
    // SAFETY: HELP-1.
    let parameters = unsafe { std::slice::from_raw_parts(parameters, n) };
    let made = Generator::of_call(cx, f, parameters);
    Value::of(made.expect("the builder looked at the code")).bits()
}

/// HELP-1: `items` leads to a value for each name.
unsafe extern "C" fn new_dict(cx: &mut Cx, names: &'static Tuple, items: *const Value) -> u64 {
    // SAFETY: HELP-1.
    let items = unsafe { std::slice::from_raw_parts(items, names.items().len()) };
    Value::of(dict_of(cx, names, items)).bits()
}

/// A dict of values under names.
pub(crate) fn dict_of(cx: &mut Cx, names: &Tuple, values: &[Value]) -> &'static Dict {
    let dict = Dict::new(cx);
    for (name, value) in names.items().iter().zip(values) {
        // SAFETY: the builder puts strs there.
        dict.set_str(cx, unsafe { name.cast() }, *value);
    }
    dict
}

extern "C" fn new_set(cx: &mut Cx) -> u64 {
    Value::of(Set::new(cx)).bits()
}

extern "C" fn new_method(cx: &mut Cx, method: &'static MethodDescr, object: Value) -> u64 {
    Value::of(NativeFunction::new(cx, method.def, Some(object), None)).bits()
}

extern "C" fn new_range(cx: &mut Cx, start: i64, step: i64, len: i64, stop: i64) -> u64 {
    let small = Value::small;
    Value::of(taipan_runtime::types::range::Range::of_parts(cx, small(start), small(stop), small(step), small(len)))
        .bits()
}
