//! traceback objects.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::exceptions::Exception;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::number;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::types::frame::FrameObject;
use crate::types::list::List;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A traceback entry.
#[repr(C)]
pub struct Traceback {
    header: Header,
    /// `tb_next`: the entry of the frame that was called.
    pub next: Cell<Option<Value>>,
    /// `tb_frame`.
    pub frame: &'static FrameObject,
    /// Word index of the instruction; `tb_lasti` is twice that.
    pub word: usize,
    /// `tb_lineno` as given to the constructor; else it follows from the word.
    given_line: Option<i64>,
    /// `tb_lasti` as given to the constructor.
    given_lasti: Option<i64>,
}
object!(Traceback, TRACEBACK);

/// The type of tracebacks.
pub static TRACEBACK: Type = Type::new(&TRACEBACK_SPEC);
static TRACEBACK_SPEC: TypeSpec = TypeSpec {
    name: "traceback",
    basicsize: std::mem::size_of::<Traceback>(),
    trace: Some(trace_traceback),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[Traceback::METHODS],
    getsets: &[Traceback::GETSETS],
    doc: "Create a new traceback object.",
    signature: "(tb_next, tb_frame, tb_lasti, tb_lineno)",
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
        if let Some(e) = cx.exception() {
            Traceback::add_running_frame(cx, e);
        }
    }

    /// Puts the running frame in front of the traceback of `e`.
    pub fn add_running_frame(cx: &mut Cx, e: Value) {
        let Some(e) = e.downcast::<Exception>() else { return };
        let Some(tb) = Traceback::of_running_frame(cx) else { return };
        tb.next.set(e.traceback.get());
        e.traceback.set(Some(Value::of(tb)));
        cx.barrier(tb);
        cx.barrier(e);
    }

    /// Puts the running frame, at an instruction, in front of the traceback of `e`. May collect.
    pub fn add_to(cx: &mut Cx, e: Value, word: usize) {
        let Some(this) = e.downcast::<Exception>() else { return };
        let frame = FrameObject::of(cx, cx.frame);
        let next = Cell::new(this.traceback.get());
        let tb = cx.alloc(Traceback {
            header: Header::fresh(&TRACEBACK),
            next,
            frame,
            word,
            given_line: None,
            given_lasti: None,
        });
        this.traceback.set(Some(Value::of(tb)));
        cx.barrier(this);
    }

    /// A traceback of the running frame alone; None outside Python code. May collect.
    pub fn of_running_frame(cx: &mut Cx) -> Option<&'static Traceback> {
        let frame = cx.frame;
        // SAFETY: FRAME-1.
        let word = unsafe { frame.as_ref()? }.word_index();
        let frame = FrameObject::of(cx, frame);
        let header = Header::fresh(&TRACEBACK);
        Some(cx.alloc(Traceback { header, next: Cell::new(None), frame, word, given_line: None, given_lasti: None }))
    }

    /// The next entry.
    pub fn next(&self) -> Option<&'static Traceback> {
        self.next.get().and_then(|t| t.exact::<Traceback>())
    }

    /// Line of the instruction; None if it has none.
    pub fn line(&self) -> Option<i64> {
        match self.given_line {
            Some(line) => Some(line),
            None => Some(self.frame.code.line_of(self.word) as i64).filter(|l| *l != 0),
        }
    }

    /// True if the line was given to the constructor and need not fit the instruction.
    pub fn has_given_line(&self) -> bool {
        self.given_line.is_some()
    }
}

/// The traceback that a value for `tb_next` stands for.
fn next_from(cx: &mut Cx, value: Value) -> PyResult<Option<Value>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.exact::<Traceback>().is_none() {
        let got = value.class().tp_name();
        return raise!(cx, TypeError, "expected traceback object or None, got '{got}'");
    }
    Ok(Some(value))
}

const PARAMETERS: [&str; 4] = ["tb_next", "tb_frame", "tb_lasti", "tb_lineno"];

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let given = args.values().len();
    if given > 4 || args.pos().len() > 4 {
        return raise!(cx, TypeError, "traceback() takes at most 4 arguments ({given} given)");
    }
    let mut bound = [None; 4];
    for (slot, value) in bound.iter_mut().zip(args.pos()) {
        *slot = Some(*value);
    }
    for (name, value) in args.keywords() {
        match PARAMETERS.iter().position(|p| name.eq_rust(p)) {
            Some(i) if bound[i].is_none() => bound[i] = Some(value),
            Some(i) => {
                let (p, i) = (PARAMETERS[i], i + 1);
                return raise!(cx, TypeError, "argument for traceback() given by name ('{p}') and position ({i})");
            }
            None => {
                let name = name.to_string_lossy();
                return raise!(cx, TypeError, "traceback() got an unexpected keyword argument '{name}'");
            }
        }
    }
    for (i, value) in bound.iter().enumerate() {
        if value.is_none() {
            let (p, i) = (PARAMETERS[i], i + 1);
            return raise!(cx, TypeError, "traceback() missing required argument '{p}' (pos {i})");
        }
    }
    let [Some(next), Some(frame), Some(lasti), Some(line)] = bound else { unreachable!("all were checked") };
    let Some(frame) = frame.exact::<FrameObject>() else {
        let got = if frame.is_none() { "None".to_string() } else { frame.class().tp_name() };
        return raise!(cx, TypeError, "traceback() argument 'tb_frame' must be frame, not {got}");
    };
    let (lasti, line) = (number::to_i32(cx, lasti)?, number::to_i32(cx, line)?);
    let next = next_from(cx, next)?;
    let word = crate::types::code_methods::word_at(lasti);
    let given_line = if line == -1 { None } else { Some(line as i64) };
    let given_lasti = Some(lasti as i64);
    let header = Header::fresh(&TRACEBACK);
    Ok(Value::of(cx.alloc(Traceback { header, next: Cell::new(next), frame, word, given_line, given_lasti })))
}

#[pymethods]
impl Traceback {
    #[getter]
    fn tb_frame(_cx: &mut Cx, this: &'static Traceback) -> &'static FrameObject {
        this.frame
    }
    #[getter]
    fn tb_lasti(_cx: &mut Cx, this: &'static Traceback) -> i64 {
        this.given_lasti.unwrap_or_else(|| crate::types::code_methods::code_offset(this.word))
    }
    #[getter]
    fn tb_lineno(cx: &mut Cx, this: &'static Traceback) -> Option<Value> {
        this.line().map(|l| cx.int(l))
    }
    #[getter]
    fn tb_next(_cx: &mut Cx, this: &'static Traceback) -> Option<Value> {
        this.next.get()
    }
    #[setter("tb_next")]
    fn set_tb_next(cx: &mut Cx, this: &'static Traceback, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "can't delete tb_next attribute") };
        if !value.is_none() && value.exact::<Traceback>().is_none() {
            let got = value.class().tp_name();
            return raise!(cx, TypeError, "expected traceback object, got '{got}'");
        }
        let next = Some(value).filter(|v| !v.is_none());
        let mut at = next.and_then(|n| n.exact::<Traceback>());
        while let Some(tb) = at {
            if std::ptr::eq(tb, this) {
                return raise!(cx, ValueError, "traceback loop detected");
            }
            at = tb.next();
        }
        this.next.set(next);
        cx.barrier(this);
        Ok(())
    }
    #[py("($self, /)")]
    fn __dir__(cx: &mut Cx, _this: &'static Traceback) -> &'static List {
        let list = List::new(cx);
        for name in ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"] {
            let name = Value::of(cx.intern(name));
            list.push(cx, name);
        }
        list
    }
}
