//! slice.

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::object::Header;
use crate::protocol::number;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::value::Value;
use crate::{PyResult, object, raise};

/// A slice object (40 bytes, CABI 2.2).
#[repr(C)]
pub struct Slice {
    header: Header,
    /// `start`.
    pub start: Value,
    /// `stop`.
    pub stop: Value,
    /// `step`.
    pub step: Value,
}
const _: () = assert!(std::mem::size_of::<Slice>() == 40);
object!(Slice, SLICE);

/// The type slice.
pub static SLICE: Type = Type::new(&SLICE_SPEC);
static SLICE_SPEC: TypeSpec = TypeSpec {
    name: "slice",
    basicsize: 40,
    trace: Some(trace_slice),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

unsafe fn trace_slice(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for slices only.
    let this = unsafe { &*object.cast::<Slice>() };
    for v in [this.start, this.stop, this.step] {
        marker.mark_value(v.bits());
    }
}

/// A slice applied to a length: `start`, `stop` as adjusted, `step`, and the number of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First index.
    pub start: isize,
    /// Index after the last (before the first for a negative step).
    pub stop: isize,
    /// Step, not 0.
    pub step: isize,
    /// Number of items.
    pub len: usize,
}

impl Range {
    /// The indices in order.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.len).map(move |i| (self.start + i as isize * self.step) as usize)
    }
}

impl Slice {
    /// A new slice. May collect.
    pub fn new(cx: &mut Cx, start: Value, stop: Value, step: Value) -> &'static Slice {
        cx.alloc(Slice { header: Header::fresh(&SLICE), start, stop, step })
    }

    /// The slice applied to a sequence of `len` items. `len` is asked for after the bounds were evaluated, since their
    /// `__index__` may change the sequence.
    pub fn apply(&self, cx: &mut Cx, len: impl Fn() -> usize) -> PyResult<Range> {
        let step = if self.step.is_none() { 1 } else { bound(cx, self.step)? };
        if step == 0 {
            return raise!(cx, ValueError, "slice step cannot be zero");
        }
        let step = step.max(-isize::MAX);
        let start = if self.start.is_none() { None } else { Some(bound(cx, self.start)?) };
        let stop = if self.stop.is_none() { None } else { Some(bound(cx, self.stop)?) };
        Ok(adjust(start, stop, step, len()))
    }
}

/// A slice bound: an int or an object with `__index__`.
pub fn bound(cx: &mut Cx, v: Value) -> PyResult<isize> {
    if let Some(i) = v.as_small() {
        return Ok(i as isize);
    }
    if !crate::types::int::check(v) && v.class().slots().index.is_none() {
        return raise!(cx, TypeError, "slice indices must be integers or None or have an __index__ method");
    }
    number::to_isize_clamped(cx, v)
}

/// Bounds clipped to a length, as `slice.indices` does.
pub fn adjust(start: Option<isize>, stop: Option<isize>, step: isize, len: usize) -> Range {
    let n = len as isize;
    let (low, high) = if step < 0 { (-1, n - 1) } else { (0, n) };
    let clip = |i: isize| if i < 0 { (i.saturating_add(n)).max(low) } else { i.min(high) };
    let start = start.map_or(if step < 0 { high } else { low }, clip);
    let stop = stop.map_or(if step < 0 { low } else { high }, clip);
    let len = if step < 0 {
        if stop < start { ((start - stop - 1) / -step + 1) as usize } else { 0 }
    } else if start < stop {
        ((stop - start - 1) / step + 1) as usize
    } else {
        0
    };
    Range { start, stop, step, len }
}
