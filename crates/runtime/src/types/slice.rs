//! slice.

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{hash, number, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec};
use crate::types::descr_methods::members;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

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
    slots: Slots {
        repr: Some(|cx, v| {
            let parts = slice(v).parts();
            let [a, b, c] =
                [any::repr_text(cx, parts[0])?, any::repr_text(cx, parts[1])?, any::repr_text(cx, parts[2])?];
            Ok(cx.str(&format!("slice({a}, {b}, {c})")))
        }),
        hash: Some(hash_slice),
        richcompare: Some(|cx, a, b, op| {
            let (Some(a), Some(b)) = (a.exact::<Slice>(), b.exact::<Slice>()) else {
                return Ok(Value::not_implemented());
            };
            let (x, y) = (a.parts(), b.parts());
            compare::sequences(cx, |i| x.get(i).copied(), |i| y.get(i).copied(), || (3, 3), op)
        }),
        new: Some(new),
        ..Slots::NONE
    },
    methods: &[Slice::METHODS],
    getsets: &[MEMBERS],
    doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.\n\nThis is used for extended slicing (e.g. a[0:10:2]).",
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

    /// Those of `items` that it selects.
    pub fn pick<T: Copy>(self, items: &[T]) -> Vec<T> {
        if self.step == -1 && self.len > 0 {
            let last = self.start as usize;
            return items[last + 1 - self.len..=last].iter().rev().copied().collect();
        }
        self.indices().map(|i| items[i]).collect()
    }
}

members! {
    MEMBERS: Slice;
    "start" "" |_cx, s| s.start;
    "stop" "" |_cx, s| s.stop;
    "step" "" |_cx, s| s.step;
}

fn slice(v: Value) -> &'static Slice {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "slice")?;
    let none = Value::none();
    let (start, stop, step) = match args.values() {
        [] => return raise!(cx, TypeError, "slice expected at least 1 argument, got 0"),
        [stop] => (none, *stop, none),
        [start, stop] => (*start, *stop, none),
        [start, stop, step] => (*start, *stop, *step),
        more => return raise!(cx, TypeError, "slice expected at most 3 arguments, got {}", more.len()),
    };
    Ok(Value::of(Slice::new(cx, start, stop, step)))
}

/// The xxHash-like mixing that tuples use, without the length.
fn hash_slice(cx: &mut Cx, v: Value) -> PyResult<i64> {
    const PRIMES: [u64; 3] = [11400714785074694791, 14029467366897019727, 2870177450012600261];
    let mut acc = PRIMES[2];
    for part in slice(v).parts() {
        let lane = hash::hash(cx, part)? as u64;
        acc = acc.wrapping_add(lane.wrapping_mul(PRIMES[1]));
        acc = acc.rotate_left(31).wrapping_mul(PRIMES[0]);
    }
    Ok(if acc == u64::MAX { 1546275796 } else { acc as i64 })
}

#[pymethods]
impl Slice {
    /// S.indices(len) -> (start, stop, stride)
    ///
    /// Assuming a sequence of length len, calculate the start and stop
    /// indices, and the stride length of the extended slice described by
    /// S. Out of bounds indices are clipped in a manner consistent with the
    /// handling of normal slices.
    #[py("($self, object, /)")]
    fn indices(cx: &mut Cx, this: &'static Slice, object: Value) -> PyResult<Value> {
        let length = number::index(cx, object)?;
        let zero = Value::small(0);
        if less(cx, length, zero)? {
            return raise!(cx, ValueError, "length should not be negative");
        }
        let step = if this.step.is_none() { Value::small(1) } else { exact_bound(cx, this.step)? };
        let negative = less(cx, step, zero)?;
        if !negative && !less(cx, zero, step)? {
            return raise!(cx, ValueError, "slice step cannot be zero");
        }
        let minus_one = Value::small(-1);
        let (low, high) = match negative {
            true => (minus_one, number::binary(cx, length, minus_one, &number::ADD)?),
            false => (zero, length),
        };
        let (first, last) = if negative { (high, low) } else { (low, high) };
        let start = clip(cx, this.start, first, length, low, high)?;
        let stop = clip(cx, this.stop, last, length, low, high)?;
        Ok(Value::of(Tuple::new(cx, &[start, stop, step])))
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Slice) -> Value {
        let parts = Value::of(Tuple::new(cx, &this.parts()));
        Value::of(Tuple::new(cx, &[Value::of(&SLICE), parts]))
    }
}

fn less(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    compare::rich_bool(cx, a, b, CmpOp::Lt)
}

/// A bound as an int of any size.
fn exact_bound(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if !crate::types::int::check(v) && v.class().slots().index.is_none() {
        return raise!(cx, TypeError, "slice indices must be integers or None or have an __index__ method");
    }
    number::index(cx, v)
}

fn clip(cx: &mut Cx, v: Value, default: Value, length: Value, low: Value, high: Value) -> PyResult<Value> {
    if v.is_none() {
        return Ok(default);
    }
    let mut v = exact_bound(cx, v)?;
    if less(cx, v, Value::small(0))? {
        v = number::binary(cx, v, length, &number::ADD)?;
        return Ok(if less(cx, v, low)? { low } else { v });
    }
    Ok(if less(cx, high, v)? { high } else { v })
}

impl Slice {
    fn parts(&self) -> [Value; 3] {
        [self.start, self.stop, self.step]
    }

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
    let (span, size) = if step < 0 { (start - stop, step.unsigned_abs()) } else { (stop - start, step as usize) };
    let len = match span {
        ..=0 => 0,
        // Mostly there is nothing to divide by.
        _ if size == 1 => span as usize,
        _ => (span as usize - 1) / size + 1,
    };
    Range { start, stop, step, len }
}
