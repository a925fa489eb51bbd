//! The iterators of str.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object::Header;
use crate::protocol::{number, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object};
use taipan_macros::pymethods;

/// An iterator over the characters of a str.
#[repr(C)]
pub struct StrIter {
    header: Header,
    /// None when exhausted.
    text: Cell<Option<&'static Str>>,
    index: Cell<usize>,
}
object!(StrIter, STR_ITER);

/// Byte offsets of the text, which iterators let go of at the end, and of the index.
pub const ITER_OFFSETS: (usize, usize) = (std::mem::offset_of!(StrIter, text), std::mem::offset_of!(StrIter, index));

/// The type str_iterator.
pub static STR_ITER: Type = Type::new(&STR_ITER_SPEC);
static STR_ITER_SPEC: TypeSpec = TypeSpec { name: "str_iterator", ..ITER_SPEC };
/// The type str_ascii_iterator.
pub static STR_ASCII_ITER: Type = Type::new(&STR_ASCII_ITER_SPEC);
static STR_ASCII_ITER_SPEC: TypeSpec = TypeSpec { name: "str_ascii_iterator", ..ITER_SPEC };

const ITER_SPEC: TypeSpec = TypeSpec {
    basicsize: std::mem::size_of::<StrIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[StrIter::METHODS],
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&STR_ITER, &STR_ASCII_ITER];

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for str iterators only.
    if let Some(s) = unsafe { (*object.cast::<StrIter>()).text.get() } {
        marker.mark_value(Value::of(s).bits());
    }
}

/// `iter(text)`. May collect.
pub fn new(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let text = v.downcast::<Str>().expect("a str slot is called with strs");
    let class = if text.is_ascii() { &STR_ASCII_ITER } else { &STR_ITER };
    let made = StrIter { header: Header::fresh(class), text: Cell::new(Some(text)), index: Cell::new(0) };
    Ok(Value::of(cx.alloc(made)))
}

fn of(v: Value) -> &'static StrIter {
    // SAFETY: slots and methods are called with instances of their type; both types have this layout.
    unsafe { v.cast() }
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let this = of(v);
    let Some(text) = this.text.get() else { return Ok(None) };
    let i = this.index.get();
    if i >= text.len() {
        this.text.set(None);
        return Ok(None);
    }
    this.index.set(i + 1);
    Ok(Some(Value::of(cx.char(text.at(i)))))
}

#[pymethods]
impl StrIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_: &mut Cx, this: Value) -> usize {
        of(this).text.get().map_or(0, |s| s.len() - of(this).index.get())
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let builtin = sequence::builtin(cx, "iter")?;
        let this = of(this);
        let empty = cx.names().empty;
        let text = this.text.get().unwrap_or(empty);
        let args = Value::of(Tuple::new(cx, &[Value::of(text)]));
        Ok(match this.text.get() {
            Some(_) => Value::of(Tuple::new(cx, &[builtin, args, Value::small(this.index.get() as i64)])),
            None => Value::of(Tuple::new(cx, &[builtin, args])),
        })
    }
    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: Value, state: Value) -> PyResult<()> {
        let i = number::to_isize(cx, state)?;
        if let Some(s) = of(this).text.get() {
            of(this).index.set((i.max(0) as usize).min(s.len()));
        }
        Ok(())
    }
}
