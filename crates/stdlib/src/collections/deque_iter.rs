//! Iterators over deques.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::iterators::itself;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use super::deque::Deque;

/// An iterator over a deque; the type says in which direction.
#[repr(C)]
pub struct DequeIter {
    header: Header,
    deque: &'static Deque,
    state: u64,
    /// Items delivered.
    done: Cell<usize>,
    left: Cell<usize>,
}
trace_values!(trace_iter, DequeIter, |t| [Value::of(t.deque)]);
taipan_runtime::object!(DequeIter, DEQUE_ITER);

macro_rules! deque_iter {
    ($(#[$meta:meta])* $name:ident, $spec:ident, $text:literal, $reverse:literal) => {
        $(#[$meta])*
        pub static $name: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $text,
            basicsize: std::mem::size_of::<DequeIter>(),
            flags: flags::HAVE_GC,
            trace: Some(trace_iter),
            slots: Slots {
                iter: Some(itself),
                next: Some(|cx, v| next(cx, v, $reverse)),
                new: Some(new),
                ..Slots::NONE
            },
            methods: &[DequeIter::METHODS],
            ..TypeSpec::DEFAULT
        };
    };
}
deque_iter! {
    /// The type `collections._deque_iterator`.
    DEQUE_ITER, ITER_SPEC, "collections._deque_iterator", false
}
deque_iter! {
    /// The type `collections._deque_reverse_iterator`.
    DEQUE_REVERSE_ITER, REVERSE_SPEC, "collections._deque_reverse_iterator", true
}

impl DequeIter {
    /// An iterator of type `class` at its start. May collect.
    pub fn new(cx: &mut Cx, class: &'static Type, deque: &'static Deque) -> &'static DequeIter {
        let (done, left) = (Cell::new(0), Cell::new(deque.len()));
        cx.alloc(DequeIter { header: Header::fresh(class), deque, state: deque.state(), done, left })
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let name = class.name();
    let (deque, skip) = match args.pos() {
        [d] => (*d, 0),
        [d, n] => (*d, number::to_isize(cx, *n)?.max(0) as usize),
        other => return raise!(cx, TypeError, "{name} expected 1 or 2 arguments, got {}", other.len()),
    };
    let Some(deque) = deque.downcast::<Deque>() else {
        let got = deque.class().tp_name();
        return raise!(cx, TypeError, "argument 1 must be collections.deque, not {got}");
    };
    let it = DequeIter::new(cx, class, deque);
    let skip = skip.min(deque.len());
    it.done.set(skip);
    it.left.set(deque.len() - skip);
    Ok(Value::of(it))
}

fn next(cx: &mut Cx, v: Value, reverse: bool) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<DequeIter>() };
    if this.state != this.deque.state() {
        this.left.set(0);
        return raise!(cx, RuntimeError, "deque mutated during iteration");
    }
    let left = this.left.get();
    if left == 0 {
        return Ok(None);
    }
    let i = this.done.get();
    this.done.set(i + 1);
    this.left.set(left - 1);
    Ok(this.deque.get(if reverse { this.deque.len() - 1 - i } else { i }))
}

#[pymethods]
impl DequeIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static DequeIter) -> i64 {
        this.left.get() as i64
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static DequeIter) -> Value {
        let index = cx.int(this.deque.len() as i64 - this.left.get() as i64);
        let args = Value::of(Tuple::new(cx, &[Value::of(this.deque), index]));
        Value::of(Tuple::new(cx, &[Value::of(Value::of(this).class()), args]))
    }
}
