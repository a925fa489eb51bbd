//! Exceptions in compiled code: making those that nobody has made yet, catching and handling them, and letting them leave frames.

use taipan_bytecode::{Op, Word};
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Value};

use crate::helpers::truth_word;
use crate::ir::ExceptionDesc;

/// An exception of the words of its operands, without a traceback. Its class is one that runs no Python code. May collect.
///
/// # Safety
/// The operands must be as `desc` says, and alive through somebody else.
pub unsafe fn make_exception(cx: &mut Cx, desc: &ExceptionDesc, operands: &[u64]) -> Value {
    let value = |i: usize| Value::from_bits(operands[i]).expect("an operand is a value");
    let e = if desc.class == 0 {
        value(0)
    } else {
        // SAFETY: arguments are values, whose words are never 0; the builder described a live class.
        unsafe {
            let args = std::slice::from_raw_parts(operands.as_ptr().cast::<Value>(), desc.arguments);
            let args = Tuple::new(cx, args);
            exceptions::new_raw(cx, &*(desc.class as *const Class), args)
        }
    };
    if desc.raised.is_none() {
        return e;
    }
    match desc.context {
        true => exceptions::set_context_to(cx, e, Some(value(desc.arguments)).filter(|c| !c.is_none())),
        false => exceptions::set_context(cx, e),
    }
    if desc.cause
        && let Some(this) = e.downcast::<Exception>()
    {
        let cause = value(desc.arguments + desc.context as usize);
        exceptions::set_cause(cx, this, Some(cause).filter(|c| !c.is_none()));
    }
    e
}

/// Gives a raised exception its traceback: the frames that it has left, which are made for it, and `catching`. May collect.
///
/// # Safety
/// As for [`make_exception`]; `catching` must be the frame that catches it.
pub unsafe fn add_tracebacks(cx: &mut Cx, desc: &ExceptionDesc, e: Value, operands: &[u64], catching: *mut Frame) {
    let Some(raised) = &desc.raised else { return };
    let mut rest = operands[desc.arguments + desc.context as usize + desc.cause as usize..].iter();
    // SAFETY: the builder described inlined calls, whose functions live; frames have more room than any recursion limit.
    unsafe {
        let mut window = cx.top();
        let running = std::mem::replace(&mut cx.frame, catching);
        for left in &raised.left {
            let (code, function) = (&*(left.code as *const CodeObject), &*(left.function as *const Function));
            let (globals, builtins) = (function.globals, function.builtins);
            let frame = cx.push_frame_unchecked(code, window, globals, builtins, Some(function), window, 0);
            std::ptr::write_bytes(window, 0, code.nregs());
            for r in &left.regs {
                *window.add(*r as usize) = *rest.next().expect("an operand for each register");
            }
            (*frame).pc = code.words_ptr().add(left.pc as usize);
            window = (*frame).top;
        }
        for left in raised.left.iter().rev() {
            Traceback::add_to(cx, e, left.word as usize);
            cx.pop_frame();
        }
        Traceback::add_to(cx, e, raised.word as usize);
        cx.frame = running;
    }
}

/// Lets the raised exception leave the frames from the one on top to `outer`, as far as none of them handles it; whether it has
/// left them all.
///
/// # Safety
/// `outer` must be a frame that compiled code waits for.
pub unsafe fn leave_frames(cx: &mut Cx, outer: *mut Frame) -> bool {
    // SAFETY: FRAME-1.
    unsafe {
        loop {
            let frame = cx.frame;
            let (code, at) = ((*frame).code, (*frame).word_index());
            // What the interpreter knows more of is left to it: what is raised again, and generators.
            let is_raise = Word(*code.words_ptr().add(at)).op() != Some(Op::Reraise) && code.line_of(at) != 0;
            let is_plain = (*frame).flags & flag::GENERATOR == 0 && code.handler_at(at as u32).is_none();
            if cx.traced || !is_raise || !is_plain {
                return false;
            }
            Traceback::add(cx);
            cx.pop_frame();
            if frame == outer {
                return true;
            }
        }
    }
}

/// HELP-1: `operands` leads to the `n` operands that `desc` describes; the frame that catches the exception is on top.
pub unsafe extern "C" fn new_exception(cx: &mut Cx, desc: &ExceptionDesc, operands: *const u64, n: usize) -> u64 {
    // SAFETY: HELP-1.
    unsafe {
        let operands = std::slice::from_raw_parts(operands, n);
        let e = make_exception(cx, desc, operands);
        add_tracebacks(cx, desc, e, operands, cx.frame);
        e.bits()
    }
}

/// Nothing: what it is called with exists.
pub extern "C" fn exist(_: &mut Cx, _: Value) {}

/// Takes the raised exception, with the frames of `inlined` calls, which end, and the running one in its traceback.
pub extern "C" fn catch(cx: &mut Cx, inlined: usize) -> u64 {
    for _ in 0..inlined {
        Traceback::add(cx);
        cx.pop_frame();
    }
    Traceback::add(cx);
    cx.take_exception().bits()
}

/// Begins to handle an exception: what was handled before.
pub extern "C" fn begin_handling(cx: &mut Cx, e: Value) -> u64 {
    exceptions::begin_handling(cx, e).bits()
}

/// What is being handled.
pub extern "C" fn handled_now(cx: &mut Cx) -> u64 {
    exceptions::handled_before(cx).bits()
}

/// Goes back to handling what was handled before.
pub extern "C" fn end_handling(cx: &mut Cx, before: Value) {
    exceptions::end_handling(cx, before);
}

/// Whether an exception matches a class or a tuple of classes.
pub extern "C" fn exc_matches(cx: &mut Cx, e: Value, pattern: Value) -> u64 {
    truth_word(exceptions::matches(cx, e, pattern))
}
