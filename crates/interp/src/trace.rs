//! Trace, profile and monitoring events.
//!
//! They cost nothing while unused: a second dispatch table, in which every opcode has the handler [`traced`], is used by
//! the threads that want events (`cx.traced`). It looks for events and then runs the real handler, which goes on
//! through the same table. The table is chosen where a dispatch loop starts and after native calls, which are the only
//! places where tracing can be turned on or off.
//!
//! A frame's `traced_line` says what was reported of it: 0 nothing, not even that it was entered; [`ENTERED`] that, and
//! no line; [`CALLING`] that its entry is being reported; otherwise the line reported last.

use taipan_bytecode::{Op, Word};
use taipan_runtime::cx::NativeCall;
use taipan_runtime::exceptions::Exception;
use taipan_runtime::frame::{CALLING, ENTERED, Frame};
use taipan_runtime::jump::TraceEvent;
use taipan_runtime::protocol::attr;
use taipan_runtime::types::code_methods::code_offset;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, monitoring};

use crate::dispatch::{Handler0, TABLE, handler};
use crate::unwind::unwind;

pub(crate) static TRACED: [Handler0; Op::COUNT] = [Handler0(traced); Op::COUNT];

/// The table for the dispatch loop of a context.
#[inline(always)]
pub(crate) fn table(cx: &Cx) -> *const Handler0 {
    if cx.traced { TRACED.as_ptr() } else { TABLE.as_ptr() }
}

handler!(
    #[inline(never)]
    traced,
    |w, pc, regs, cx, table| {
        (*cx.frame).pc = pc;
        if !before(cx, pc) {
            return unwind(cx, self::table(cx), true);
        }
        // Read again: a line may have been set, and the trace function may have run the same code.
        let pc = (*cx.frame).pc;
        let insn = *pc.sub(1);
        let real = TABLE[(insn & 0xffff) as usize].0;
        return real(insn, pc, regs, cx, self::table(cx));
    }
);

/// The opcode that the compiler emitted.
fn base_op(insn: u64) -> Option<Op> {
    Op::from_u16(insn as u16).map(Op::base)
}

#[inline(never)]
fn before(cx: &mut Cx, pc: *const u64) -> bool {
    events(cx, pc).is_ok()
}

/// Reports what happens at the instruction before `pc`.
fn events(cx: &mut Cx, pc: *const u64) -> PyResult<()> {
    if !cx.traced {
        return Ok(());
    }
    // SAFETY: INT-1.
    let (frame, insn) = unsafe { (&mut *cx.frame, *pc.sub(1)) };
    let op = base_op(insn);
    let index = frame.word_index();
    let was_entered = frame.traced_line != 0;
    if !was_entered {
        if matches!(op, Some(Op::ReturnGenerator | Op::NewCell)) {
            return Ok(());
        }
        entered(cx, frame, index)?;
        if jumped(cx, frame, pc) {
            return leaving(cx, frame);
        }
    }
    native_returned(cx, frame)?;
    let is_back = was_entered && !cx.last_traced.is_some_and(|(f, _)| std::ptr::eq(f, frame));
    if is_back && wants_opcodes(cx, frame) {
        call_ended(cx, frame, index)?;
        if jumped(cx, frame, pc) {
            return leaving(cx, frame);
        }
    }
    let line = frame.code.line_of(index);
    let last = cx.last_traced.replace((frame, index));
    let jumped_back = last.is_some_and(|(f, i)| std::ptr::eq(f, frame) && index < i);
    if line != 0 && (line != frame.traced_line || jumped_back && op != Some(Op::Send)) && frame.code.starts_line(index)
    {
        frame.traced_line = line;
        line_event(cx, frame, line)?;
        if jumped(cx, frame, pc) {
            return leaving(cx, frame);
        }
    }
    opcode_event(cx, frame, index)?;
    jumped(cx, frame, pc);
    leaving(cx, frame)
}

/// Reports what the instruction that is about to run does: return, yield, call.
fn leaving(cx: &mut Cx, frame: &mut Frame) -> PyResult<()> {
    // SAFETY: INT-1.
    let word = unsafe { Word(*frame.pc.sub(1)) };
    let op = base_op(word.0);
    match op {
        Some(Op::Return) => returned(cx, frame, word.a(), false),
        Some(Op::ReturnNone) => returning(cx, frame, Value::none(), false),
        Some(Op::Yield | Op::YieldDelegate) => returned(cx, frame, word.a(), true),
        Some(Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw | Op::CallEx) => {
            calling(cx, frame, word, op == Some(Op::CallMethod) || op == Some(Op::CallMethodKw), op == Some(Op::CallEx))
        }
        _ => Ok(()),
    }
}

/// Whether a trace function sent the frame elsewhere. The line that it goes to is not reported.
fn jumped(cx: &mut Cx, frame: &mut Frame, pc: *const u64) -> bool {
    if std::ptr::eq(frame.pc, pc) {
        return false;
    }
    let index = frame.word_index();
    frame.traced_line = frame.code.line_of(index);
    cx.last_traced = Some((frame, index));
    true
}

fn entered(cx: &mut Cx, frame: &mut Frame, index: usize) -> PyResult<()> {
    let is_fresh = !frame.code.is_generator_like() || {
        // SAFETY: INT-1; the instruction before a generator's first is ReturnGenerator.
        let before = unsafe { *frame.code.words_ptr().add(index.saturating_sub(1)) };
        base_op(before) == Some(Op::ReturnGenerator)
    };
    frame.traced_line = if is_fresh { CALLING } else { ENTERED };
    let pc = frame.pc;
    if !is_fresh {
        // A resumed generator is still at its `yield` when that is reported.
        // SAFETY: INT-1; a suspended frame's last instruction is a yield of one word.
        frame.pc = unsafe { pc.sub(1) };
    }
    let reported = frame.pc;
    let result = report_entry(cx, frame, index, is_fresh);
    frame.traced_line = ENTERED;
    if std::ptr::eq(frame.pc, reported) {
        frame.pc = pc;
    }
    result
}

fn report_entry(cx: &mut Cx, frame: &mut Frame, index: usize, is_fresh: bool) -> PyResult<()> {
    let event = if is_fresh { monitoring::PY_START } else { monitoring::PY_RESUME };
    if cx.rt().monitoring.wants(event, frame.code) {
        let offset = cx.int(code_offset(index));
        monitoring::fire(cx, event, frame.code, index, &[offset])?;
    }
    if let Some(f) = cx.profile {
        let object = FrameObject::of(cx, frame);
        call(cx, f, object, "call", Value::none())?;
    }
    if let Some(f) = cx.trace {
        let object = FrameObject::of(cx, frame);
        let kind = if is_fresh { TraceEvent::Start } else { TraceEvent::Jump };
        let local = match trace_call(cx, f, object, "call", kind, Value::none()) {
            Ok(local) => local,
            Err(raised) => return Err(stop_tracing(cx, object, raised)),
        };
        if !local.is_none() {
            object.trace.set(Some(local));
            cx.barrier(object);
        }
    }
    Ok(())
}

/// Calls the callbacks for a line or an instruction, which may jump from there.
fn fire_before(cx: &mut Cx, frame: &mut Frame, event: u32, index: usize, argument: Value) -> PyResult<()> {
    cx.trace_event = TraceEvent::Jump;
    cx.traced_frame = frame;
    let result = monitoring::fire(cx, event, frame.code, index, &[argument]);
    cx.trace_event = TraceEvent::None;
    cx.traced_frame = std::ptr::null();
    result
}

fn line_event(cx: &mut Cx, frame: &mut Frame, line: u32) -> PyResult<()> {
    if cx.rt().monitoring.wants(monitoring::LINE, frame.code) {
        let number = cx.int(line as i64);
        fire_before(cx, frame, monitoring::LINE, frame.word_index(), number)?;
    }
    match frame.object {
        Some(object) if object.trace_lines.get() => local_event(cx, object, "line", TraceEvent::Jump, Value::none()),
        _ => Ok(()),
    }
}

fn wants_opcodes(cx: &Cx, frame: &Frame) -> bool {
    cx.rt().monitoring.wants(monitoring::INSTRUCTION, frame.code)
        || frame.object.is_some_and(|object| object.trace_opcodes.get())
}

/// Where CPython drops the result of a call that is a statement there is no instruction here, so the end of the call is
/// reported as one: debuggers stop there, on the line that called them.
fn call_ended(cx: &mut Cx, frame: &mut Frame, index: usize) -> PyResult<()> {
    let (mut at, mut before) = (0, None);
    while at < index {
        // SAFETY: the index of an instruction.
        let word = unsafe { *frame.code.words_ptr().add(at) };
        let Some(op) = Op::from_u16(word as u16) else { return Ok(()) };
        before = Some((at, op.base()));
        at += op.words();
    }
    let Some((call, op)) = before else { return Ok(()) };
    let is_call = matches!(op, Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw | Op::CallEx);
    if !is_call || frame.code.line_of(call) == frame.code.line_of(index) {
        return Ok(());
    }
    let pc = frame.pc;
    // SAFETY: as above.
    frame.pc = unsafe { frame.code.words_ptr().add(call + 1) };
    let reported = frame.pc;
    let result = opcode_event(cx, frame, call);
    if std::ptr::eq(frame.pc, reported) {
        frame.pc = pc;
    }
    result
}

fn opcode_event(cx: &mut Cx, frame: &mut Frame, index: usize) -> PyResult<()> {
    if cx.rt().monitoring.wants(monitoring::INSTRUCTION, frame.code) {
        let offset = cx.int(code_offset(index));
        fire_before(cx, frame, monitoring::INSTRUCTION, index, offset)?;
    }
    match frame.object {
        Some(object) if object.trace_opcodes.get() => {
            local_event(cx, object, "opcode", TraceEvent::Jump, Value::none())
        }
        _ => Ok(()),
    }
}

fn returned(cx: &mut Cx, frame: &mut Frame, register: usize, yields: bool) -> PyResult<()> {
    let value = frame.reg(register).unwrap_or(Value::none());
    returning(cx, frame, value, yields)
}

/// Reports that the frame is about to return or yield `value`.
fn returning(cx: &mut Cx, frame: &mut Frame, value: Value, yields: bool) -> PyResult<()> {
    let event = if yields { monitoring::PY_YIELD } else { monitoring::PY_RETURN };
    let index = frame.word_index();
    if cx.rt().monitoring.wants(event, frame.code) {
        let offset = cx.int(code_offset(index));
        monitoring::fire(cx, event, frame.code, index, &[offset, value])?;
    }
    if let Some(object) = frame.object {
        let kind = if yields { TraceEvent::Jump } else { TraceEvent::Other };
        let pc = frame.pc;
        local_event(cx, object, "return", kind, value)?;
        if jumped(cx, frame, pc) {
            return Ok(());
        }
    }
    if let Some(f) = cx.profile {
        let object = FrameObject::of(cx, frame);
        call(cx, f, object, "return", value)?;
    }
    if yields {
        // Its resumption is a call again.
        frame.traced_line = 0;
    }
    Ok(())
}

/// Reports the call of a native function that is about to happen.
fn calling(cx: &mut Cx, frame: &mut Frame, word: Word, is_method: bool, unpacks: bool) -> PyResult<()> {
    let wants = cx.rt().monitoring.wants(monitoring::CALL, frame.code);
    if cx.profile.is_none() && !wants {
        return Ok(());
    }
    let Some(callee) = frame.reg(word.a()) else { return Ok(()) };
    let mut receiver = if is_method { frame.reg(word.a() + 1) } else { None };
    let first = match (receiver, unpacks) {
        (Some(_), _) => receiver,
        (None, true) => frame.reg(word.a() + 1).and_then(|t| t.downcast::<Tuple>()?.items().first().copied()),
        (None, false) if word.b() > 0 => frame.reg(word.a() + if is_method { 2 } else { 1 }),
        _ => None,
    };
    let mut function = callee;
    if let Some(method) = callee.exact::<taipan_runtime::types::function::BoundMethod>() {
        function = method.function;
        receiver = Some(method.receiver);
    }
    let index = frame.word_index();
    if wants {
        let offset = cx.int(code_offset(index));
        let argument = receiver.or(first).unwrap_or_else(|| monitoring::missing(cx));
        monitoring::fire(cx, monitoring::CALL, frame.code, index, &[offset, function, argument])?;
    }
    let mut ended = NativeCall { frame, called_at: frame.pc, function: None, monitored: None };
    if wants && function.exact::<Function>().is_none() {
        ended.monitored = Some((function, receiver.or(first).unwrap_or_else(|| monitoring::missing(cx))));
    }
    // A call that spreads its arguments does not look into bound methods.
    let is_native = if unpacks { callee } else { function }.exact::<NativeFunction>().is_some()
        || function.exact::<MethodDescr>().is_some();
    let profile = cx.profile.filter(|_| is_native);
    if profile.is_some()
        && function.exact::<MethodDescr>().is_some()
        && let Some(this) = receiver.or(first)
    {
        function = attr::bind(cx, function, this, this.class())?;
    }
    if let Some(f) = profile {
        let object = FrameObject::of(cx, frame);
        call(cx, f, object, "c_call", function)?;
        ended.function = Some(function);
    }
    // One of the same frame has ended without being seen.
    while cx.native_calls.pop_if(|c| std::ptr::eq(c.frame, frame)).is_some() {}
    // A callback that ended the events leaves nothing to report.
    if cx.traced && (ended.monitored.is_some() || ended.function.is_some()) {
        cx.native_calls.push(ended);
    }
    Ok(())
}

/// Reports that the native call of the instruction before has returned.
fn native_returned(cx: &mut Cx, frame: &mut Frame) -> PyResult<()> {
    native_ended(cx, frame, monitoring::C_RETURN, "c_return")
}

fn native_ended(cx: &mut Cx, frame: &mut Frame, event: u32, name: &str) -> PyResult<()> {
    let this: *mut Frame = frame;
    let Some(ended) = cx.native_calls.pop_if(|c| std::ptr::eq(c.frame, this)) else { return Ok(()) };
    if let Some((callee, argument)) = ended.monitored {
        let index = frame.word_index();
        let offset = cx.int(code_offset(index));
        monitoring::fire(cx, event, frame.code, index, &[offset, callee, argument])?;
    }
    if let (Some(f), Some(function)) = (cx.profile, ended.function) {
        // The frame is still at the call when that is reported.
        let pc = std::mem::replace(&mut frame.pc, ended.called_at);
        let object = FrameObject::of(cx, frame);
        let result = call(cx, f, object, name, function);
        frame.pc = pc;
        result?;
    }
    Ok(())
}

/// Calls the local trace function of a frame, if it has one.
fn local_event(cx: &mut Cx, object: &'static FrameObject, event: &str, kind: TraceEvent, arg: Value) -> PyResult<()> {
    if cx.trace.is_none() {
        return Ok(());
    }
    let Some(f) = object.trace.get() else { return Ok(()) };
    match trace_call(cx, f, object, event, kind, arg) {
        Ok(local) => {
            if !local.is_none() {
                object.trace.set(Some(local));
                cx.barrier(object);
            }
            Ok(())
        }
        Err(raised) => Err(stop_tracing(cx, object, raised)),
    }
}

/// An error in a trace function ends tracing.
fn stop_tracing(cx: &mut Cx, object: &'static FrameObject, raised: taipan_runtime::Raised) -> taipan_runtime::Raised {
    cx.trace = None;
    object.trace.set(None);
    cx.update_traced();
    raised
}

/// Calls a trace function, which may set the frame's line as `kind` allows.
fn trace_call(
    cx: &mut Cx,
    f: Value,
    object: &'static FrameObject,
    event: &str,
    kind: TraceEvent,
    arg: Value,
) -> PyResult<Value> {
    cx.trace_event = kind;
    cx.traced_frame = object.frame.get();
    let result = call(cx, f, object, event, arg);
    cx.trace_event = TraceEvent::None;
    cx.traced_frame = std::ptr::null();
    result
}

/// Calls a trace or profile function, during which there are no events.
fn call(cx: &mut Cx, f: Value, object: &'static FrameObject, event: &str, arg: Value) -> PyResult<Value> {
    let event = Value::of(cx.intern(event));
    cx.tracing += 1;
    cx.update_traced();
    let result = cx.call(f, &[Value::of(object), event, arg]);
    cx.tracing -= 1;
    cx.update_traced();
    result
}

/// Reports, as CPython does, the StopIteration by which what the running frame delegates to (`yield from`, `await`) gives
/// its result. False if the trace function raised.
#[cold]
#[inline(never)]
pub(crate) fn delegate_returned(cx: &mut Cx, value: Value) -> bool {
    // SAFETY: INT-1.
    let frame = unsafe { &mut *cx.frame };
    if !frame.object.is_some_and(|o| cx.trace.is_some() && o.trace.get().is_some()) {
        return true;
    }
    cx.raise_stop_iteration(Some(value));
    let exception = cx.take_exception();
    report_raised(cx, frame, exception).is_ok()
}

/// Reports the exception that was just raised in the running frame, or passes through it.
#[cold]
#[inline(never)]
pub(crate) fn raised(cx: &mut Cx) {
    // SAFETY: INT-1.
    let frame = unsafe { &mut *cx.frame };
    let exception = cx.take_exception();
    let done = report_raised(cx, frame, exception);
    if done.is_ok() {
        cx.raise_again(exception);
    }
}

fn report_raised(cx: &mut Cx, frame: &mut Frame, exception: Value) -> PyResult<()> {
    native_ended(cx, frame, monitoring::C_RAISE, "c_exception")?;
    let index = frame.word_index();
    if cx.rt().monitoring.wants(monitoring::RAISE, frame.code) {
        let offset = cx.int(code_offset(index));
        monitoring::fire(cx, monitoring::RAISE, frame.code, index, &[offset, exception])?;
    }
    let Some(object) = frame.object.filter(|o| cx.trace.is_some() && o.trace.get().is_some()) else { return Ok(()) };
    let traceback = exception.downcast::<Exception>().and_then(|e| e.traceback.get());
    let class = Value::of(exception.class());
    let arg = Tuple::new(cx, &[class, exception, traceback.unwrap_or(Value::none())]);
    local_event(cx, object, "exception", TraceEvent::Other, Value::of(arg))
}

/// Reports that the exception leaves the running frame.
#[cold]
#[inline(never)]
pub(crate) fn left(cx: &mut Cx) {
    // SAFETY: INT-1.
    let frame = unsafe { &mut *cx.frame };
    let exception = cx.take_exception();
    let done = report_left(cx, frame, exception);
    if done.is_ok() {
        cx.raise_again(exception);
    }
}

fn report_left(cx: &mut Cx, frame: &mut Frame, exception: Value) -> PyResult<()> {
    if frame.traced_line == 0 {
        return Ok(());
    }
    let index = frame.word_index();
    if cx.rt().monitoring.wants(monitoring::PY_UNWIND, frame.code) {
        let offset = cx.int(code_offset(index));
        monitoring::fire(cx, monitoring::PY_UNWIND, frame.code, index, &[offset, exception])?;
    }
    if let Some(object) = frame.object {
        local_event(cx, object, "return", TraceEvent::Other, Value::none())?;
    }
    if let Some(f) = cx.profile {
        let object = FrameObject::of(cx, frame);
        call(cx, f, object, "return", Value::none())?;
    }
    Ok(())
}
