//! Assignment to `f_lineno`: a debugger's jump to another line.
//!
//! A jump is possible where the registers that the target still reads hold what it expects. Those are temporaries (locals
//! may be unbound, which code does not always check; they become None): the iterators of loops, the `__exit__` methods of
//! `with` statements, what handlers of exceptions save. A temporary suits the target if the same kind of instruction
//! has written it; the rules and messages are those of CPython, whose operand stack holds the same things.

use taipan_bytecode::Op;
use taipan_bytecode::effects::{ends_block, writes};

use crate::cx::Cx;
use crate::frame::Frame;
use crate::liveness::{Liveness, position};
use crate::types::code::CodeObject;
use crate::types::int;
use crate::value::Value;
use crate::{PyResult, exceptions, protocol, raise};

/// The event of a trace function that is running.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TraceEvent {
    /// No trace function runs.
    #[default]
    None,
    /// `call` of a new frame.
    Start,
    /// An event at which the frame can go on elsewhere: `line`, `call` of a resumed generator, `return` by a `yield`.
    Jump,
    /// Another one.
    Other,
}

/// Who has written a temporary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Nobody yet, or the code is unreachable.
    Nobody,
    /// The start of a handler of exceptions.
    Handler,
    /// An instruction.
    Op(Op),
    /// It depends on the way.
    Several,
}

impl Writer {
    fn join(self, other: Writer) -> Writer {
        match (self, other) {
            (Writer::Nobody, w) | (w, Writer::Nobody) => w,
            (a, b) if a == b => a,
            _ => Writer::Several,
        }
    }

    /// Why a jump to where this is the last temporary is impossible.
    fn explain(self) -> &'static str {
        match self {
            Writer::Handler | Writer::Op(Op::PushExcInfo) => {
                "can't jump into an 'except' block as there's no exception"
            }
            Writer::Op(Op::GetIter | Op::GetAIter) => "can't jump into the body of a for loop",
            _ => "incompatible stacks",
        }
    }
}

/// The writers of all temporaries at the start of each instruction; None where it is unreachable.
struct Writers {
    first: usize,
    at: Vec<Option<Vec<Writer>>>,
}

impl Writers {
    fn of(code: &CodeObject, liveness: &Liveness) -> Option<Writers> {
        let first = (code.nlocals + code.ncells + code.nfrees) as usize;
        let all = &liveness.instructions;
        let mut this = Writers { first, at: vec![None; all.len()] };
        let mut pending = vec![0];
        this.at[0] = Some(vec![Writer::Nobody; code.nregs() - first]);
        while let Some(n) = pending.pop() {
            let Some(state) = this.at[n].clone() else { continue };
            let insn = &all[n];
            for handler in insn.handlers(code) {
                let mut caught = state.clone();
                this.write(&mut caught, handler.reg as usize, Writer::Handler);
                this.reach(position(all, handler.target as usize)?, &caught, &mut pending);
            }
            let mut state = state;
            for register in writes(insn.op, insn.word).registers() {
                this.write(&mut state, register, Writer::Op(insn.op));
            }
            if let Some(target) = insn.target() {
                this.reach(position(all, target)?, &state, &mut pending);
            }
            if !ends_block(insn.op) && n + 1 < all.len() {
                this.reach(n + 1, &state, &mut pending);
            }
        }
        Some(this)
    }

    fn write(&self, state: &mut [Writer], register: usize, writer: Writer) {
        if register >= self.first {
            state[register - self.first] = writer;
        }
    }

    fn reach(&mut self, n: usize, state: &[Writer], pending: &mut Vec<usize>) {
        let changed = match &mut self.at[n] {
            Some(old) => {
                let new: Vec<Writer> = old.iter().zip(state).map(|(a, b)| a.join(*b)).collect();
                let changed = new != *old;
                *old = new;
                changed
            }
            none => {
                *none = Some(state.to_vec());
                true
            }
        };
        if changed {
            pending.push(n);
        }
    }

    /// The temporaries that instruction `n` or a later one reads, with their writers.
    fn live(&self, liveness: &Liveness, n: usize) -> Option<Vec<(usize, Writer)>> {
        let state = self.at[n].as_ref()?;
        let registers = state.iter().enumerate().map(|(i, w)| (self.first + i, *w));
        Some(registers.filter(|(r, _)| liveness.is_live(n, *r)).collect())
    }

    /// The temporaries that a frame at instruction `n` leaves behind: not the value that it is about to yield.
    fn source(&self, liveness: &Liveness, n: usize) -> Option<Vec<(usize, Writer)>> {
        let mut live = self.live(liveness, n)?;
        let insn = &liveness.instructions[n];
        if matches!(insn.op, Op::Yield | Op::YieldDelegate) {
            let yielded = insn.word.a();
            live.retain(|t| t.0 != yielded);
        }
        Some(live)
    }
}

/// A possible jump: the word to go on at, and the register that holds what `sys.exception()` was before the outermost
/// handler that is left.
struct Landing {
    word: usize,
    handled: Option<usize>,
}

/// Where to go on for a jump to `line` from word `index`, or why that is impossible.
fn find(code: &CodeObject, index: usize, line: i64) -> Result<Landing, String> {
    let mut starts: Vec<i64> = (0..code.word_count())
        .map(|i| if i == 0 || code.position(i) != code.position(i - 1) { i64::from(code.line_of(i)) } else { 0 })
        .collect();
    if line < i64::from(code.firstlineno) {
        return Err(format!("line {line} comes before the current code block"));
    }
    let Some(line) = starts.iter().copied().filter(|l| *l >= line && *l != 0).min() else {
        return Err(format!("line {line} comes after the current code block"));
    };
    let incompatible = || "incompatible stacks".to_string();
    let liveness = Liveness::of(code).ok_or_else(incompatible)?;
    let writers = Writers::of(code, &liveness).ok_or_else(incompatible)?;
    for insn in &liveness.instructions {
        // The end of a `for` loop has the line of its head; a jump to that line starts the loop anew.
        if matches!(insn.op, Op::ForNext | Op::ForNextOrJump) {
            starts[insn.start] = 0;
        }
    }
    let source = liveness.at(index).and_then(|n| writers.source(&liveness, n));
    let Some(source) = source else { return Err("can't jump from unreachable code".to_string()) };
    let (mut best, mut why): (Option<(usize, Vec<usize>)>, _) = (None, None);
    for (n, insn) in liveness.instructions.iter().enumerate() {
        if starts[insn.start] != line {
            continue;
        }
        match writers.live(&liveness, n) {
            None => {
                why = why.or(Some("can't jump into an exception handler, or code may be unreachable"));
            }
            Some(target) if target.iter().all(|t| source.contains(t)) => {
                if best.as_ref().is_none_or(|(_, registers)| target.len() > registers.len()) {
                    best = Some((insn.start, target.into_iter().map(|t| t.0).collect()));
                }
            }
            Some(target) => {
                let last = target.last().map_or(Writer::Several, |t| t.1);
                why = why.or(Some(last.explain()));
            }
        }
    }
    let Some((word, kept)) = best else { return Err(why.unwrap_or("incompatible stacks").to_string()) };
    let is_left = |t: &&(usize, Writer)| t.1 == Writer::Op(Op::PushExcInfo) && !kept.contains(&t.0);
    Ok(Landing { word, handled: source.iter().find(is_left).map(|t| t.0) })
}

/// `frame.f_lineno = value` for a frame that runs; None if it does not.
pub(crate) fn set_line(cx: &mut Cx, frame: *mut Frame, value: Option<Value>) -> PyResult<()> {
    let Some(line) = value.filter(|v| int::check(*v)) else {
        return raise!(cx, ValueError, "lineno must be an integer");
    };
    // SAFETY: the frame object's pointer is to a live frame or null.
    let frame = unsafe { frame.as_mut() };
    let frame = frame.filter(|f| std::ptr::eq(&**f, cx.traced_frame));
    let Some(frame) = frame.filter(|_| cx.trace_event != TraceEvent::None) else {
        return raise!(cx, ValueError, "f_lineno can only be set in a trace function");
    };
    match cx.trace_event {
        TraceEvent::Start => return raise!(cx, ValueError, "can't jump from the 'call' trace event of a new frame"),
        TraceEvent::Other | TraceEvent::None => {
            return raise!(cx, ValueError, "can only jump from a 'line' trace event");
        }
        TraceEvent::Jump => {}
    }
    let Some(line) = int::as_i64(line) else {
        return raise!(cx, OverflowError, "Python int too large to convert to C int");
    };
    let landing = match find(frame.code, frame.word_index(), line) {
        Ok(landing) => landing,
        Err(text) => return raise!(cx, ValueError, "{text}"),
    };
    let locals = 0..frame.code.nlocals as usize;
    let unbound: Vec<usize> = locals.filter(|i| frame.reg(*i).is_none()).collect();
    if !unbound.is_empty() {
        let plural = if unbound.len() == 1 { "" } else { "s" };
        let text = format!("assigning None to {} unbound local{plural}", unbound.len());
        protocol::warn::warn(cx, &exceptions::RuntimeWarning, &text, 0)?;
    }
    for i in unbound {
        frame.set_reg(i, Some(Value::none()));
    }
    if let Some(register) = landing.handled {
        cx.handled = frame.reg(register).filter(|v| !v.is_none());
    }
    // SAFETY: `find` gives the index of an instruction; pc is behind its first word.
    frame.pc = unsafe { frame.code.words_ptr().add(landing.word + 1) };
    Ok(())
}
