//! cell: a variable shared between functions.

use std::cell::Cell as RustCell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A cell object (24 bytes, CABI 2.2).
#[repr(C)]
pub struct Cell {
    header: Header,
    content: RustCell<Option<Value>>,
}
const _: () = assert!(std::mem::size_of::<Cell>() == 24);
object!(Cell, CELL);

/// The type of cells.
pub static CELL: Type = Type::new(&CELL_SPEC);
static CELL_SPEC: TypeSpec = TypeSpec {
    name: "cell",
    basicsize: 24,
    trace: Some(trace_cell),
    slots: Slots { repr: Some(repr), richcompare: Some(richcompare), new: Some(new), ..Slots::NONE },
    getsets: &[Cell::GETSETS],
    doc: "Create a new cell object.\n\n  contents\n    the contents of the cell. If not specified, the cell will be empty,\n    and \n further attempts to access its cell_contents attribute will\n    raise a ValueError.",
    signature: "([contents])",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_cell(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for cells only.
    if let Some(v) = unsafe { (*object.cast::<Cell>()).content.get() } {
        marker.mark_value(v.bits());
    }
}

impl Cell {
    /// Byte offset of the content.
    pub const CONTENT_OFFSET: usize = std::mem::offset_of!(Cell, content);

    /// A new cell. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, content: Option<Value>) -> &'static Cell {
        cx.alloc(Cell { header: Header::fresh(&CELL), content: RustCell::new(content) })
    }

    /// The content, unless empty.
    #[inline(always)]
    pub fn get(&self) -> Option<Value> {
        self.content.get()
    }

    /// Sets or clears the content.
    #[inline(always)]
    pub fn set(&self, cx: &mut Cx, content: Option<Value>) {
        self.content.set(content);
        cx.barrier(self);
    }
}

#[pymethods]
impl Cell {
    #[getter]
    fn cell_contents(cx: &mut Cx, this: &'static Cell) -> PyResult<Value> {
        match this.get() {
            Some(v) => Ok(v),
            None => raise!(cx, ValueError, "Cell is empty"),
        }
    }
    #[setter("cell_contents")]
    fn set_cell_contents(cx: &mut Cx, this: &'static Cell, value: Option<Value>) -> PyResult<()> {
        this.set(cx, value);
        Ok(())
    }
}

fn of(v: Value) -> &'static Cell {
    // SAFETY: slots are called with instances of their type; cells cannot be subclassed.
    unsafe { v.cast() }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let address = v.bits();
    let text = match of(v).get() {
        None => format!("<cell at {address:#x}: empty>"),
        Some(c) => format!("<cell at {address:#x}: {} object at {:#x}>", c.class().tp_name(), c.bits()),
    };
    Ok(cx.str(&text))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(a), Some(b)) = (a.downcast::<Cell>(), b.downcast::<Cell>()) else { return Ok(Value::not_implemented()) };
    match (a.get(), b.get()) {
        (Some(x), Some(y)) => compare::rich(cx, x, y, op),
        (x, y) => Ok(Value::bool(op.holds(x.is_some().cmp(&y.is_some())))),
    }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "cell")?;
    match args.values() {
        [] => Ok(Value::of(Cell::new(cx, None))),
        [v] => Ok(Value::of(Cell::new(cx, Some(*v)))),
        more => raise!(cx, TypeError, "cell expected at most 1 argument, got {}", more.len()),
    }
}
