//! Exceptions: the layout of BaseException, the table of built-in exception classes, raising and matching.
//!
//! A class is one row of the table. Rows whose instances carry more than BaseException name their number of extra
//! words (CABI 2.2 sizes); the attributes over these words and special constructors are in `types/exception.rs`.

#![allow(non_upper_case_globals)]

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, PyResult, Raised};
use crate::frame::flag;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::exception as methods;
use crate::types::generator::Generator;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{object, raise};

/// Fixed part of every exception: 72 bytes (CABI 2.2), then the class's extra words, then the attribute words.
#[repr(C)]
pub struct Exception {
    header: Header,
    /// CPython's dict; attributes live in the attribute words instead.
    dict: Cell<usize>,
    /// `args`.
    pub args: Cell<Option<&'static Tuple>>,
    /// CPython's notes; `__notes__` is an ordinary attribute.
    notes: Cell<usize>,
    /// `__traceback__`.
    pub traceback: Cell<Option<Value>>,
    /// `__context__`.
    pub context: Cell<Option<Value>>,
    /// `__cause__`.
    pub cause: Cell<Option<Value>>,
    /// `__suppress_context__`.
    pub suppress_context: Cell<bool>,
}
const _: () = assert!(std::mem::size_of::<Exception>() == 72);
object!(Exception, BaseException);

impl Exception {
    fn words(&self) -> usize {
        (self.header.class().data().basicsize - 72) / 8
    }

    /// Extra word `i` of the class, e.g. StopIteration's value.
    pub fn extra(&self, i: usize) -> Option<Value> {
        debug_assert!(i < self.words());
        // SAFETY: the class's basicsize includes the word.
        unsafe { Value::from_bits(*(self as *const Exception).cast::<u64>().add(9 + i)) }
    }

    /// Sets extra word `i`.
    pub fn set_extra(&self, cx: &mut Cx, i: usize, value: Option<Value>) {
        debug_assert!(i < self.words());
        // SAFETY: as above.
        unsafe { *(self as *const Exception).cast::<u64>().cast_mut().add(9 + i) = value.map_or(0, |v| v.bits()) };
        cx.barrier(self);
    }

    /// `args`.
    pub fn args(&self) -> &'static [Value] {
        self.args.get().map_or(&[], |a| a.items())
    }
}

unsafe fn trace_exception(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for exceptions only; all words but the flag at +64 are values or 0.
    unsafe {
        let this = &*object.cast::<Exception>();
        if let Some(args) = this.args.get() {
            marker.mark_value(Value::of(args).bits());
        }
        for value in [this.traceback.get(), this.context.get(), this.cause.get()].into_iter().flatten() {
            marker.mark_value(value.bits());
        }
        // `__slots__` words of subclasses are visited by the general trace; they may be among these, harmlessly.
        marker.mark_range(object.cast::<u64>().add(9), this.words());
    }
}

// Only BaseException names its trace function: a class without further words then shares the layout of its base, so
// that classes may derive from several of them.
macro_rules! exceptions {
    ($( $name:ident ($base:ident) $extra:literal $($set:ident)? $doc:literal ; )*) => {
        $(
            #[doc = $doc]
            pub static $name: Type = Type::new({
                static SPEC: TypeSpec = TypeSpec {
                    name: exceptions!(@name $name),
                    base: Some(exceptions!(@base $name $base)),
                    basicsize: 72 + 8 * $extra,
                    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
                    attrs: true,
                    weakrefs: false,
                    trace: exceptions!(@trace $name),
                    doc: $doc,
                    signature: "(*args, **kwargs)",
                    slots: exceptions!(@slots $($set)?),
                    methods: exceptions!(@methods $($set)?),
                    getsets: exceptions!(@getsets $($set)?),
                    ..TypeSpec::DEFAULT
                };
                &SPEC
            });
        )*
        /// All built-in exception classes, bases first.
        pub static ALL: &[&Type] = &[$(&$name),*];
    };
    (@name Exception_) => { "Exception" };
    (@name $name:ident) => { stringify!($name) };
    (@base BaseException $base:ident) => { &crate::types::object::OBJECT };
    (@base $name:ident $base:ident) => { &$base };
    (@trace BaseException) => { Some(trace_exception) };
    (@trace $name:ident) => { None };
    (@slots) => { Slots::NONE };
    (@slots $set:ident) => { methods::$set::SLOTS };
    (@methods) => { &[] };
    (@methods $set:ident) => { &[methods::$set::METHODS] };
    (@getsets) => { &[] };
    (@getsets $set:ident) => { &[methods::$set::GETSETS] };
}

// name (base) extra-words [implementation in types/exception.rs] doc
exceptions! {
    BaseException(object) 0 Base "Common base class for all exceptions.";
    Exception_(BaseException) 0 "Common base class for all non-exit exceptions.";
    BaseExceptionGroup(BaseException) 3 Group "A combination of multiple unrelated exceptions.";
    GeneratorExit(BaseException) 0 "Request that a generator exit.";
    KeyboardInterrupt(BaseException) 0 "Program interrupted by user.";
    SystemExit(BaseException) 1 SystemExitMethods "Request to exit from the interpreter.";
    ArithmeticError(Exception_) 0 "Base class for arithmetic errors.";
    AssertionError(Exception_) 0 "Assertion failed.";
    AttributeError(Exception_) 2 AttributeErrorMethods "Attribute not found.";
    BufferError(Exception_) 0 "Buffer error.";
    EOFError(Exception_) 0 "Read beyond end of file.";
    ImportError(Exception_) 4 ImportErrorMethods "Import can't find module, or can't find name in module.";
    LookupError(Exception_) 0 "Base class for lookup errors.";
    MemoryError(Exception_) 0 "Out of memory.";
    NameError(Exception_) 1 NameErrorMethods "Name not found globally.";
    OSError(Exception_) 5 OsErrorMethods "Base class for I/O related errors.";
    ReferenceError(Exception_) 0 "Weak ref proxy used after referent went away.";
    RuntimeError(Exception_) 0 "Unspecified run-time error.";
    StopAsyncIteration(Exception_) 0 "Signal the end from iterator.__anext__().";
    StopIteration(Exception_) 1 StopIterationMethods "Signal the end from iterator.__next__().";
    SyntaxError(Exception_) 9 SyntaxErrorMethods "Invalid syntax.";
    SystemError(Exception_) 0 "Internal error in the Python interpreter.\n\nPlease report this to the Python maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version.";
    TypeError(Exception_) 0 "Inappropriate argument type.";
    ValueError(Exception_) 0 "Inappropriate argument value (of correct type).";
    Warning(Exception_) 0 "Base class for warning categories.";
    FloatingPointError(ArithmeticError) 0 "Floating-point operation failed.";
    OverflowError(ArithmeticError) 0 "Result too large to be represented.";
    ZeroDivisionError(ArithmeticError) 0 "Second argument to a division or modulo operation was zero.";
    BytesWarning(Warning) 0 "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str.";
    DeprecationWarning(Warning) 0 "Base class for warnings about deprecated features.";
    EncodingWarning(Warning) 0 "Base class for warnings about encodings.";
    FutureWarning(Warning) 0 "Base class for warnings about constructs that will change semantically\nin the future.";
    ImportWarning(Warning) 0 "Base class for warnings about probable mistakes in module imports";
    PendingDeprecationWarning(Warning) 0 "Base class for warnings about features which will be deprecated\nin the future.";
    ResourceWarning(Warning) 0 "Base class for warnings about resource usage.";
    RuntimeWarning(Warning) 0 "Base class for warnings about dubious runtime behavior.";
    SyntaxWarning(Warning) 0 "Base class for warnings about dubious syntax.";
    UnicodeWarning(Warning) 0 "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems.";
    UserWarning(Warning) 0 "Base class for warnings generated by user code.";
    BlockingIOError(OSError) 5 "I/O operation would block.";
    ChildProcessError(OSError) 5 "Child process error.";
    ConnectionError(OSError) 5 "Connection error.";
    FileExistsError(OSError) 5 "File already exists.";
    FileNotFoundError(OSError) 5 "File not found.";
    InterruptedError(OSError) 5 "Interrupted by signal.";
    IsADirectoryError(OSError) 5 "Operation doesn't work on directories.";
    NotADirectoryError(OSError) 5 "Operation only works on directories.";
    PermissionError(OSError) 5 "Not enough permissions.";
    ProcessLookupError(OSError) 5 "Process not found.";
    TimeoutError(OSError) 5 "Timeout expired.";
    BrokenPipeError(ConnectionError) 5 "Broken pipe.";
    ConnectionAbortedError(ConnectionError) 5 "Connection aborted.";
    ConnectionRefusedError(ConnectionError) 5 "Connection refused.";
    ConnectionResetError(ConnectionError) 5 "Connection reset.";
    IndentationError(SyntaxError) 9 "Improper indentation.";
    TabError(IndentationError) 9 "Improper mixture of spaces and tabs.";
    _IncompleteInputError(SyntaxError) 9 "incomplete input.";
    IndexError(LookupError) 0 "Sequence index out of range.";
    KeyError(LookupError) 0 KeyErrorMethods "Mapping key not found.";
    ModuleNotFoundError(ImportError) 4 "Module not found.";
    NotImplementedError(RuntimeError) 0 "Method or function hasn't been implemented yet.";
    PythonFinalizationError(RuntimeError) 0 "Operation blocked during Python finalization.";
    RecursionError(RuntimeError) 0 "Recursion limit exceeded.";
    UnboundLocalError(NameError) 1 "Local name referenced but not bound to a value.";
    UnicodeError(ValueError) 0 "Unicode related error.";
    UnicodeDecodeError(UnicodeError) 5 UnicodeDecodeErrorMethods "Unicode decoding error.";
    UnicodeEncodeError(UnicodeError) 5 UnicodeEncodeErrorMethods "Unicode encoding error.";
    UnicodeTranslateError(UnicodeError) 5 UnicodeTranslateErrorMethods "Unicode translation error.";
}

/// A new exception of `class`, made by calling it. May collect.
pub fn instantiate(cx: &mut Cx, class: &'static Type, args: &[Value]) -> PyResult<Value> {
    let slots = class.slots();
    let new = slots.new.expect("exceptions can be made");
    let exception = new(cx, class, Args::positional(args))?;
    if let Some(init) = slots.init {
        init(cx, exception, Args::positional(args))?;
    }
    Ok(exception)
}

/// A new exception object of exactly `class` with these `args` and no further set-up. May collect.
pub fn new_raw(cx: &mut Cx, class: &'static Type, args: &'static Tuple) -> Value {
    let size = class.data().basicsize;
    let p = cx.alloc_var(class, size, 0);
    // SAFETY: an instance of a BaseException subclass, zeroed behind the header.
    let this = unsafe { &*p.cast::<Exception>() };
    this.args.set(Some(args));
    Value::of(this)
}

/// Sets `__context__` of an exception about to be raised to the one being handled, without making a cycle.
pub fn set_context(cx: &mut Cx, exception: Value) {
    set_context_to(cx, exception, cx.handled);
}

/// As [`set_context`] where `handled` is being handled.
pub fn set_context_to(cx: &mut Cx, exception: Value, handled: Option<Value>) {
    let Some(handled) = handled.filter(|h| *h != exception) else { return };
    let Some(this) = exception.downcast::<Exception>() else { return };
    // Break a cycle that would arise if `exception` is already in the chain of the handled one (Floyd, as the chain
    // itself may have a cycle).
    let (mut slow, mut at, mut odd) = (handled, handled, false);
    while let Some(e) = at.downcast::<Exception>() {
        match e.context.get() {
            None => break,
            Some(next) if next == exception => {
                e.context.set(None);
                break;
            }
            Some(next) => {
                at = next;
                if odd {
                    slow = slow.downcast::<Exception>().and_then(|s| s.context.get()).unwrap_or(slow);
                    if slow == at {
                        break;
                    }
                }
                odd = !odd;
            }
        }
    }
    this.context.set(Some(handled));
    cx.barrier(this);
}

/// The generator whose frame is running.
#[inline(always)]
fn running_generator(cx: &Cx) -> Option<&'static Generator> {
    // SAFETY: FRAME-1; a generator frame has its generator.
    unsafe {
        let frame = &*cx.frame;
        if frame.flags & flag::GENERATOR == 0 { None } else { Some(frame.receiver?.cast::<Generator>()) }
    }
}

/// What the running frame handles, or None.
#[inline(always)]
pub fn handled_before(cx: &Cx) -> Value {
    // A generator does not keep what its caller handles: that may be another exception the next time.
    let own = running_generator(cx).is_none_or(|generator| generator.handles.get());
    cx.handled.filter(|_| own).unwrap_or(Value::none())
}

/// Makes `e` the exception being handled by the running frame; what it handled before, or None.
#[inline(always)]
pub fn begin_handling(cx: &mut Cx, e: Value) -> Value {
    let before = handled_before(cx);
    if let Some(generator) = running_generator(cx) {
        generator.handles.set(true);
    }
    cx.handled = Some(e);
    before
}

/// Goes back to handling what [`begin_handling`] gave.
#[inline(always)]
pub fn end_handling(cx: &mut Cx, before: Value) {
    cx.handled = if !before.is_none() {
        Some(before)
    } else if let Some(generator) = running_generator(cx) {
        // What the caller handles.
        generator.handles.set(false);
        generator.handled.get()
    } else {
        None
    };
}

/// Whether `exception` matches `pattern`, the expression of an `except` clause: a class or a tuple of classes.
pub fn matches(cx: &mut Cx, exception: Value, pattern: Value) -> PyResult<bool> {
    fn check(pattern: Value) -> Option<&'static Type> {
        pattern.downcast::<Type>().filter(|t| t.has(flags::BASE_EXC))
    }
    if let Some(class) = check(pattern) {
        return Ok(exception.is_instance(class));
    }
    let Some(tuple) = pattern.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "catching classes that do not inherit from BaseException is not allowed");
    };
    for item in tuple.items() {
        if check(*item).is_none() {
            return raise!(cx, TypeError, "catching classes that do not inherit from BaseException is not allowed");
        }
    }
    Ok(tuple.items().iter().any(|item| check(*item).is_some_and(|class| exception.is_instance(class))))
}

/// The exception for the operand of `raise`: an instance, or a class that is called. May collect.
pub fn from_operand(cx: &mut Cx, operand: Value) -> PyResult<Value> {
    if operand.downcast::<Exception>().is_some() {
        return Ok(operand);
    }
    if let Some(class) = operand.downcast::<Type>()
        && class.has(flags::BASE_EXC)
    {
        let made = cx.call(operand, &[])?;
        if made.downcast::<Exception>().is_none() {
            let class = crate::protocol::object::repr_text(cx, operand)?;
            let got = crate::protocol::object::repr_text(cx, Value::of(made.class()))?;
            return raise!(
                cx,
                TypeError,
                "calling {class} should have returned an instance of BaseException, not {got}"
            );
        }
        return Ok(made);
    }
    raise!(cx, TypeError, "exceptions must derive from BaseException")
}

/// Sets `__cause__` and with it `__suppress_context__`.
pub fn set_cause(cx: &mut Cx, exception: &'static Exception, cause: Option<Value>) {
    exception.cause.set(cause);
    exception.suppress_context.set(true);
    cx.barrier(exception);
}

static EXCEPTION_GROUP: std::sync::OnceLock<&'static Type> = std::sync::OnceLock::new();

/// The class ExceptionGroup, which has two bases and is therefore made at start.
pub fn exception_group() -> &'static Type {
    EXCEPTION_GROUP.get().expect("made by bootstrap")
}

/// Makes ExceptionGroup; called once by bootstrap. May collect.
pub(crate) fn make_exception_group(cx: &mut Cx) {
    let name = cx.intern("ExceptionGroup");
    let bases = Tuple::new(cx, &[Value::of(&BaseExceptionGroup), Value::of(&Exception_)]);
    let namespace = crate::dict::Dict::new(cx);
    let (key, module) = (cx.names().__module__, Value::of(cx.names().builtins));
    namespace.set_str(cx, key, module);
    let meta = &crate::types::type_::TYPE;
    let class = crate::types::type_::new_class(cx, meta, name, bases, namespace, Args::positional(&[]));
    let class = class.expect("ExceptionGroup can be made");
    cx.add_root(Value::of(class));
    let _ = EXCEPTION_GROUP.set(class);
}

/// More candidates than this are not looked at.
const MAX_CANDIDATES: usize = 750;
/// Longer names (common prefix and suffix aside) are not compared.
const MAX_NAME: usize = 40;
const MOVE_COST: usize = 2;
const CASE_COST: usize = 1;

/// TypeError for a keyword argument that a native function does not have, with the name it may have been meant to be.
#[cold]
pub fn unexpected_keyword(cx: &mut Cx, function: &str, keyword: &Str, candidates: &[&str]) -> Raised {
    let hint = match suggestion(&keyword.to_string_lossy(), candidates) {
        Some(hint) => format!(". Did you mean '{hint}'?"),
        None => String::new(),
    };
    cx.raise_text(&TypeError, &format!("{function}() got an unexpected keyword argument '{keyword}'{hint}"))
}

/// The candidate most like `name`, as CPython's suggestions compute it: Levenshtein with moves of cost 2 and case
/// changes of cost 1, at most a third of the lengths.
pub fn suggestion<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if candidates.len() >= MAX_CANDIDATES {
        return None;
    }
    let mut best: Option<(&'a str, usize)> = None;
    for candidate in candidates {
        if *candidate == name {
            continue;
        }
        let mut limit = (name.len() + candidate.len() + 3) * MOVE_COST / 6;
        if let Some((_, cost)) = best {
            limit = limit.min(cost.saturating_sub(1));
        }
        let cost = edit_cost(name.as_bytes(), candidate.as_bytes(), limit);
        if cost <= limit && best.is_none_or(|(_, b)| cost < b) {
            best = Some((candidate, cost));
        }
    }
    best.map(|(c, _)| c)
}

/// Cost of turning `a` into `b`; some number above `limit` if it is above `limit`.
fn edit_cost(a: &[u8], b: &[u8], limit: usize) -> usize {
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    if a.is_empty() || b.is_empty() {
        return (a.len() + b.len()) * MOVE_COST;
    }
    if a.len() > MAX_NAME || b.len() > MAX_NAME {
        return limit + 1;
    }
    let substitution = |x: u8, y: u8| {
        if x == y {
            0
        } else if x.eq_ignore_ascii_case(&y) {
            CASE_COST
        } else {
            MOVE_COST
        }
    };
    let mut row: Vec<usize> = (0..=b.len()).map(|i| i * MOVE_COST).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (i + 1) * MOVE_COST;
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + substitution(*x, *y)).min(row[j] + MOVE_COST).min(row[j + 1] + MOVE_COST);
            diagonal = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn suggestions_as_cpython() {
        assert_eq!(suggestion("countr", &["counter", "count"]), Some("counter"));
        assert_eq!(suggestion("Counter", &["counter"]), Some("counter"));
        assert_eq!(suggestion("xyz", &["height", "width"]), None);
        assert_eq!(suggestion("uper", &["upper", "lower"]), Some("upper"));
    }
}
