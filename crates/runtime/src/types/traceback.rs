//! traceback objects.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::types::frame::FrameObject;
use taipan_gc::Marker;

/// A traceback entry.
#[repr(C)]
pub struct Traceback {
    header: Header,
    /// `tb_next`: the entry of the frame that was called.
    pub next: std::cell::Cell<Option<Value>>,
    /// `tb_frame`.
    pub frame: &'static FrameObject,
    /// Word index of the instruction.
    pub word: usize,
}
object!(Traceback, TRACEBACK);

/// The type of tracebacks.
pub static TRACEBACK: Type = Type::new(&TRACEBACK_SPEC);
static TRACEBACK_SPEC: TypeSpec = TypeSpec {
    name: "traceback",
    basicsize: std::mem::size_of::<Traceback>(),
    trace: Some(trace_traceback),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace_traceback(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for tracebacks only.
    let this = unsafe { &*object.cast::<Traceback>() };
    marker.mark_value(Value::of(this.frame).bits());
    if let Some(next) = this.next.get() {
        marker.mark_value(next.bits());
    }
}

impl Traceback {
    /// Adds the running frame to the traceback of the raised exception. May collect.
    pub fn add(cx: &mut Cx) {
        let Some(exception) = cx.exception() else { return };
        let Some(e) = exception.downcast::<crate::exceptions::Exception>() else { return };
        // SAFETY: FRAME-1.
        let word = unsafe { (*cx.frame).word_index() };
        let frame = cx.frame;
        let frame = FrameObject::of(cx, frame);
        let next = std::cell::Cell::new(e.traceback.get());
        let tb = cx.alloc(Traceback { header: Header::fresh(&TRACEBACK), next, frame, word });
        e.traceback.set(Some(Value::of(tb)));
        cx.barrier(e);
    }
}
