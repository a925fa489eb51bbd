//! frame: frames as Python sees them.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::ValueArray;
use crate::cx::Cx;
use crate::dict::Dict;
use crate::frame::{CALLING, Frame};
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::code::CodeObject;
use crate::types::code_methods::code_offset;
use crate::types::frame_locals::FrameLocals;
use crate::types::generator::{Generator, State};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_bytecode::code::flags as co;
use taipan_macros::pymethods;

/// A frame object. While the frame runs (or is suspended), `frame` leads to it; when it ends, its registers are
/// copied to `saved`.
#[repr(C)]
pub struct FrameObject {
    header: Header,
    /// The live frame, or null.
    pub frame: Cell<*mut Frame>,
    /// `f_code`.
    pub code: &'static CodeObject,
    /// `f_globals`.
    pub globals: &'static Dict,
    /// `f_builtins`.
    pub builtins: &'static Dict,
    /// Local namespace of module and class code.
    pub locals: Cell<Option<Value>>,
    /// Registers of locals and cells after the frame has ended.
    pub saved: Cell<Option<&'static ValueArray>>,
    /// Word index last executed, once the frame has ended.
    pub last_word: Cell<usize>,
    /// `f_back`, once the frame has ended.
    pub back: Cell<Option<&'static FrameObject>>,
    /// `f_trace`.
    pub trace: Cell<Option<Value>>,
    /// `f_trace_lines`.
    pub trace_lines: Cell<bool>,
    /// `f_trace_opcodes`.
    pub trace_opcodes: Cell<bool>,
    /// Extra names set through `f_locals`.
    pub extra: Cell<Option<&'static Dict>>,
    /// The function's object, for `f_func`-like needs.
    pub function: Cell<Option<Value>>,
    /// The generator that owns the frame.
    pub generator: Cell<Option<Value>>,
}
object!(FrameObject, FRAME);

/// The type of frames.
pub static FRAME: Type = Type::new(&FRAME_SPEC);
static FRAME_SPEC: TypeSpec = TypeSpec {
    name: "frame",
    basicsize: std::mem::size_of::<FrameObject>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_frame),
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    methods: &[FrameObject::METHODS],
    getsets: &[FrameObject::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_frame(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for frame objects only.
    let t = unsafe { &*object.cast::<FrameObject>() };
    let fixed = [Value::of(t.code), Value::of(t.globals), Value::of(t.builtins)];
    let more = [
        t.locals.get(),
        t.saved.get().map(Value::of),
        t.back.get().map(Value::of),
        t.trace.get(),
        t.extra.get().map(Value::of),
        t.function.get(),
        t.generator.get(),
    ];
    for value in fixed.into_iter().map(Some).chain(more).flatten() {
        marker.mark_value(value.bits());
    }
}

impl FrameObject {
    /// The frame object of a live frame, made when first asked for. May collect.
    pub fn of(cx: &mut Cx, frame: *mut Frame) -> &'static FrameObject {
        // SAFETY: the caller passes a live frame (FRAME-1).
        let f = unsafe { &mut *frame };
        if let Some(object) = f.object {
            return object;
        }
        let object = cx.alloc(FrameObject {
            header: Header::fresh(&FRAME),
            frame: Cell::new(frame),
            code: f.code,
            globals: f.globals,
            builtins: f.builtins,
            locals: Cell::new(f.locals),
            saved: Cell::new(None),
            last_word: Cell::new(0),
            back: Cell::new(None),
            trace: Cell::new(None),
            trace_lines: Cell::new(true),
            trace_opcodes: Cell::new(false),
            extra: Cell::new(None),
            function: Cell::new(f.function.map(Value::of)),
            generator: Cell::new(if f.flags & crate::frame::flag::GENERATOR != 0 { f.receiver } else { None }),
        });
        f.object = Some(object);
        if let Some(generator) = object.generator.get() {
            // Its frame is a part of it.
            cx.barrier_value(generator);
        }
        object
    }

    /// Takes over what must survive the end of its frame. May collect.
    #[cold]
    #[inline(never)]
    pub fn detach(&'static self, cx: &mut Cx, frame: &Frame) {
        let n = (frame.code.nlocals + frame.code.ncells + frame.code.nfrees) as usize;
        let saved = ValueArray::new(cx, n);
        for i in 0..n {
            // SAFETY: both hold at least n words.
            unsafe { *saved.word_ptr(i) = *frame.regs.add(i) };
        }
        self.last_word.set(frame.word_index());
        let back = self.back_of(cx, frame);
        self.back.set(back);
        self.saved.set(Some(saved));
        self.frame.set(std::ptr::null_mut());
        self.generator.set(None);
        cx.barrier(saved);
        cx.barrier(self);
    }

    fn back_of(&self, cx: &mut Cx, frame: &Frame) -> Option<&'static FrameObject> {
        // Only frames that have an object already are kept linked: a traceback needs those, and `f_back` of an ended
        // frame whose caller was never looked at is the caller if it still runs.
        if frame.prev.is_null() { None } else { Some(FrameObject::of(cx, frame.prev)) }
    }

    /// Word index of the current (or last) instruction.
    pub fn word_index(&self) -> usize {
        // SAFETY: the pointer is cleared before the frame ends.
        match unsafe { self.frame.get().as_ref() } {
            Some(f) => f.word_index(),
            None => self.last_word.get(),
        }
    }

    /// Current line.
    pub fn line(&self) -> u32 {
        // SAFETY: the pointer is cleared before the frame ends.
        match unsafe { self.frame.get().as_ref() } {
            Some(f) => f.line(),
            None => self.code.line_before(self.last_word.get()),
        }
    }

    /// The caller's frame object. May collect.
    pub fn caller(&self, cx: &mut Cx) -> Option<&'static FrameObject> {
        if let Some(generator) = self.owner() {
            // A suspended one has none, even if its frame is linked.
            generator.state();
        }
        // SAFETY: as above.
        match unsafe { self.frame.get().as_ref() } {
            Some(f) if f.prev.is_null() => None,
            Some(f) => Some(FrameObject::of(cx, f.prev)),
            None => self.back.get(),
        }
    }

    /// Word of register `i` (a local, cell or free variable).
    pub fn register(&self, i: usize) -> Option<Value> {
        // SAFETY: as above.
        match unsafe { self.frame.get().as_ref() } {
            Some(f) => f.reg(i),
            // SAFETY: the array holds all locals, cells and frees.
            None => self.saved.get().and_then(|s| unsafe { Value::from_bits(*s.word_ptr(i)) }),
        }
    }

    /// Sets register `i`.
    pub fn set_register(&self, cx: &mut Cx, i: usize, value: Option<Value>) {
        // SAFETY: as above.
        match unsafe { self.frame.get().as_ref() } {
            Some(f) => {
                f.set_reg(i, value);
                (cx.rt().hooks.get().frame_written)(cx, f.code);
                if let Some(window) = self.owner().and_then(|g| g.window.get()) {
                    cx.barrier(window);
                }
            }
            None => {
                if let Some(saved) = self.saved.get() {
                    // SAFETY: as above.
                    unsafe { *saved.word_ptr(i) = value.map_or(0, |v| v.bits()) };
                    cx.barrier(saved);
                }
            }
        }
    }

    /// The generator that owns the frame.
    pub fn owner(&self) -> Option<&'static Generator> {
        // SAFETY: only generators of the three types are stored there.
        self.generator.get().map(|g| unsafe { g.cast() })
    }

    /// True for frames whose locals are registers (functions), not a mapping (modules and classes).
    pub fn has_fast_locals(&self) -> bool {
        self.code.flags & co::OPTIMIZED != 0
    }

    /// `f_locals`: a write-through proxy for functions, else the mapping itself. May collect.
    pub fn locals_mapping(&'static self, cx: &mut Cx) -> Value {
        if self.has_fast_locals() {
            return Value::of(FrameLocals::new(cx, self));
        }
        // SAFETY: the pointer is cleared before the frame ends.
        let live = unsafe { self.frame.get().as_ref() };
        if live.is_some_and(|f| f.has_hidden_locals()) {
            return Value::of(FrameLocals::new(cx, self));
        }
        self.locals.get().or(live.and_then(|f| f.locals)).unwrap_or(Value::of(self.globals))
    }

    /// What `locals()` gives in this frame: a new dict for functions, else the mapping itself. May collect.
    pub fn locals_snapshot(&'static self, cx: &mut Cx) -> PyResult<Value> {
        if self.has_fast_locals() {
            let proxy = FrameLocals::new(cx, self);
            return proxy.to_dict(cx).map(Value::of);
        }
        Ok(self.locals_mapping(cx))
    }
}

#[pymethods]
impl FrameObject {
    #[getter]
    fn f_back(cx: &mut Cx, this: &'static FrameObject) -> Option<&'static FrameObject> {
        this.caller(cx)
    }
    /// Return the code object being executed in this frame.
    #[getter]
    fn f_code(_cx: &mut Cx, this: &'static FrameObject) -> &'static CodeObject {
        this.code
    }
    /// Return the global variables in the frame.
    #[getter]
    fn f_globals(_cx: &mut Cx, this: &'static FrameObject) -> &'static Dict {
        this.globals
    }
    /// Return the built-in variables in the frame.
    #[getter]
    fn f_builtins(_cx: &mut Cx, this: &'static FrameObject) -> &'static Dict {
        this.builtins
    }
    /// Return the mapping used by the frame to look up local variables.
    #[getter]
    fn f_locals(cx: &mut Cx, this: &'static FrameObject) -> Value {
        this.locals_mapping(cx)
    }
    /// Return the current line number in the frame.
    #[getter]
    fn f_lineno(cx: &mut Cx, this: &'static FrameObject) -> Option<Value> {
        // SAFETY: the pointer is cleared before the frame ends.
        let frame = unsafe { this.frame.get().as_ref() };
        if frame.is_some_and(|f| f.traced_line == CALLING) {
            return Some(cx.int(i64::from(this.code.entry_line())));
        }
        let line = this.code.line_of(this.word_index());
        Some(line).filter(|line| *line != 0).map(|line| cx.int(i64::from(line)))
    }
    #[setter("f_lineno")]
    fn set_f_lineno(cx: &mut Cx, this: &'static FrameObject, value: Option<Value>) -> PyResult<()> {
        if value.is_none() {
            return raise!(cx, AttributeError, "cannot delete attribute");
        }
        crate::jump::set_line(cx, this.frame.get(), value)
    }
    /// Return the index of the last attempted instruction in the frame.
    #[getter]
    fn f_lasti(_cx: &mut Cx, this: &'static FrameObject) -> i64 {
        // SAFETY: the pointer is cleared before the frame ends.
        let live = unsafe { this.frame.get().as_ref() };
        if live.is_some_and(|f| f.traced_line == CALLING) { 0 } else { code_offset(this.word_index()) }
    }
    /// Return the trace function for this frame, or None if no trace function is set.
    #[getter]
    fn f_trace(_cx: &mut Cx, this: &'static FrameObject) -> Option<Value> {
        this.trace.get()
    }
    #[setter("f_trace")]
    fn set_f_trace(cx: &mut Cx, this: &'static FrameObject, value: Option<Value>) -> PyResult<()> {
        this.trace.set(value.filter(|v| !v.is_none()));
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn f_trace_lines(_cx: &mut Cx, this: &'static FrameObject) -> bool {
        this.trace_lines.get()
    }
    #[setter("f_trace_lines")]
    fn set_f_trace_lines(cx: &mut Cx, this: &'static FrameObject, value: Option<Value>) -> PyResult<()> {
        let on = bool_attribute(cx, value)?;
        this.trace_lines.set(on);
        Ok(())
    }
    /// Return True if opcode tracing is enabled, False otherwise.
    #[getter]
    fn f_trace_opcodes(_cx: &mut Cx, this: &'static FrameObject) -> bool {
        this.trace_opcodes.get()
    }
    #[setter("f_trace_opcodes")]
    fn set_f_trace_opcodes(cx: &mut Cx, this: &'static FrameObject, value: Option<Value>) -> PyResult<()> {
        if value.is_none() {
            return raise!(cx, AttributeError, "attribute 'f_trace_opcodes' of 'frame' objects cannot be deleted");
        }
        let on = bool_attribute(cx, value)?;
        this.trace_opcodes.set(on);
        Ok(())
    }
    /// Return the generator or coroutine associated with this frame, or None.
    #[getter]
    fn f_generator(_cx: &mut Cx, this: &'static FrameObject) -> Option<Value> {
        this.generator.get()
    }
    /// Clear all references held by the frame.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static FrameObject) -> PyResult<()> {
        if let Some(generator) = this.owner() {
            match generator.state() {
                State::Running => return raise!(cx, RuntimeError, "cannot clear an executing frame"),
                State::Suspended => return raise!(cx, RuntimeError, "cannot clear a suspended frame"),
                State::Created | State::Finished => {
                    generator.close(cx)?;
                }
            }
        }
        if !this.frame.get().is_null() {
            return raise!(cx, RuntimeError, "cannot clear an executing frame");
        }
        this.saved.set(None);
        this.trace.set(None);
        Ok(())
    }
}

fn bool_attribute(cx: &mut Cx, value: Option<Value>) -> PyResult<bool> {
    match value {
        Some(v) if v == Value::bool(true) => Ok(true),
        Some(v) if v == Value::bool(false) => Ok(false),
        Some(_) => raise!(cx, TypeError, "attribute value type must be bool"),
        None => raise!(cx, TypeError, "can't delete numeric/char attribute"),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of frames.
    let this = unsafe { v.cast::<FrameObject>() };
    let file = crate::protocol::object::repr_text(cx, Value::of(this.code.filename.get()))?;
    let (address, line, name) = (v.bits(), this.line(), this.code.name.to_string_lossy());
    Ok(cx.str(&format!("<frame at {address:#x}, file {file}, line {line}, code {name}>")))
}
