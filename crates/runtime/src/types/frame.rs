//! frame: frames as Python sees them.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::buffer::ValueArray;
use crate::cx::Cx;
use crate::dict::Dict;
use crate::frame::Frame;
use crate::object;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::code::CodeObject;
use crate::value::Value;

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
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_frame),
    slots: Slots { ..Slots::NONE },
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
            extra: Cell::new(None),
            function: Cell::new(f.function.map(Value::of)),
            generator: Cell::new(if f.flags & crate::frame::flag::GENERATOR != 0 { f.receiver } else { None }),
        });
        f.object = Some(object);
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
        self.code.line_of(self.word_index())
    }

    /// The caller's frame object. May collect.
    pub fn caller(&self, cx: &mut Cx) -> Option<&'static FrameObject> {
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
            Some(f) => f.set_reg(i, value),
            None => {
                if let Some(saved) = self.saved.get() {
                    // SAFETY: as above.
                    unsafe { *saved.word_ptr(i) = value.map_or(0, |v| v.bits()) };
                    cx.barrier(saved);
                }
            }
        }
    }
}
