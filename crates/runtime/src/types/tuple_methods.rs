//! The type tuple and its methods.

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{hash, iter, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::iterators::TupleIter;
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type tuple.
pub static TUPLE: Type = Type::new(&TUPLE_SPEC);
static TUPLE_SPEC: TypeSpec = TypeSpec {
    name: "tuple",
    basicsize: 32,
    itemsize: 8,
    flags: flags::BASETYPE | flags::TUPLE | flags::SEQUENCE | flags::MATCH_SELF | flags::HAVE_GC,
    trace: Some(crate::types::tuple::trace_tuple),
    slots: Slots {
        repr: Some(repr),
        hash: Some(tuple_hash),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| Ok(Value::of(TupleIter::new(cx, of(v))))),
        new: Some(new),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        ..Slots::NONE
    },
    methods: &[TupleMethods::METHODS],
    doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.",
    signature: "(iterable=(), /)",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
fn of(v: Value) -> &'static Tuple {
    // SAFETY: slots are called with tuples.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && sequence::refuses_keywords(class, &TUPLE) {
        return raise!(cx, TypeError, "tuple() takes no keyword arguments");
    }
    let iterable = match args.pos() {
        [] => return Ok(Value::of(Tuple::new_of(cx, class, &[]))),
        [v] => *v,
        more => return raise!(cx, TypeError, "tuple expected at most 1 argument, got {}", more.len()),
    };
    if std::ptr::eq(class, &TUPLE) {
        return iter::to_tuple(cx, iterable).map(Value::of);
    }
    let items = iter::to_tuple(cx, iterable)?;
    Ok(Value::of(Tuple::new_of(cx, class, items.items())))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let items = of(v).items();
    if items.is_empty() {
        return Ok(cx.str("()"));
    }
    let close = if items.len() == 1 { ",)" } else { ")" };
    sequence::repr_items(cx, v, ("(", close, "(...)"), |i| items.get(i).copied())
}

const PRIME_1: u64 = 11400714785074694791;
const PRIME_2: u64 = 14029467366897019727;
const PRIME_5: u64 = 2870177450012600261;

/// The hash of items as a tuple's (xxHash-like, as CPython's since 3.8).
pub fn hash_items(cx: &mut Cx, items: &[Value]) -> PyResult<i64> {
    let mut acc = PRIME_5;
    for item in items {
        let lane = hash::hash(cx, *item)? as u64;
        acc = acc.wrapping_add(lane.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
    }
    acc = acc.wrapping_add(items.len() as u64 ^ (PRIME_5 ^ 3527539));
    Ok(if acc == u64::MAX { 1546275796 } else { acc as i64 })
}

fn tuple_hash(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    let known = this.hash_word().get();
    if known != -1 {
        return Ok(known);
    }
    let h = cx.nested(" while hashing a tuple", |cx| hash_items(cx, this.items()))?;
    this.hash_word().set(h);
    Ok(h)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<Tuple>(), b.downcast::<Tuple>()) else {
        return Ok(Value::not_implemented());
    };
    let (x, y) = (x.items(), y.items());
    compare::sequences(cx, |i| x.get(i).copied(), |i| y.get(i).copied(), || (x.len(), y.len()), op)
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.len())?;
        if range.len == this.len() && range.step == 1 && std::ptr::eq(v.class(), &TUPLE) {
            return Ok(v);
        }
        if range.step == 1 {
            let start = range.start as usize;
            return Ok(Value::of(Tuple::new(cx, &this.items()[start..start + range.len])));
        }
        let items = range.pick(this.items());
        return Ok(Value::of(Tuple::new(cx, &items)));
    }
    if !sequence::is_index(key) {
        return sequence::index_type_error(cx, "tuple", key);
    }
    let i = sequence::index(cx, key)?;
    match sequence::resolve(i, this.len()) {
        Some(i) => Ok(this.items()[i]),
        None => raise!(cx, IndexError, "tuple index out of range"),
    }
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let items = of(v).items();
    Ok(sequence::find(cx, item, 0, items.len(), |i| items.get(i).copied())?.is_some())
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = of(a);
    if this.is_empty() && b.exact::<Tuple>().is_some() {
        return Ok(b);
    }
    let Some(other) = b.downcast::<Tuple>() else {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only concatenate tuple (not \"{got}\") to tuple");
    };
    if other.is_empty() && std::ptr::eq(a.class(), &TUPLE) {
        return Ok(a);
    }
    let n = this.len();
    let new = Tuple::uninit(cx, n + other.len());
    // SAFETY: the new tuple has room for both and nobody has seen it.
    unsafe {
        new.fill(0, this.items());
        new.fill(n, other.items());
    }
    Ok(Value::of(new))
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let exact = std::ptr::eq(v.class(), &TUPLE);
    if exact && (n == 1 || this.is_empty()) {
        return Ok(v);
    }
    let total = sequence::repeated_len(cx, this.len(), n)?;
    if total == 0 {
        return Ok(Value::of(Tuple::new(cx, &[])));
    }
    let new = Tuple::uninit(cx, total);
    // SAFETY: as in concat; fill_repeated sets all words.
    unsafe { new.fill(0, this.items()) };
    crate::types::list::fill_repeated(new.words(), this.len(), total);
    Ok(Value::of(new))
}

/// Methods of tuple.
pub struct TupleMethods;

#[pymethods]
impl TupleMethods {
    /// Return number of occurrences of value.
    #[py("($self, value, /)")]
    fn count(cx: &mut Cx, this: &'static Tuple, value: Value) -> PyResult<i64> {
        let mut n = 0;
        for item in this.items() {
            n += i64::from(compare::equal(cx, *item, value)?);
        }
        Ok(n)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[py("($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(
        cx: &mut Cx,
        this: &'static Tuple,
        value: Value,
        start: Option<Value>,
        stop: Option<Value>,
    ) -> PyResult<i64> {
        let (start, stop) = sequence::search_bounds(cx, start, stop, || this.len())?;
        match sequence::find(cx, value, start, stop, |i| this.items().get(i).copied())? {
            Some(i) => Ok(i as i64),
            None => raise!(cx, ValueError, "tuple.index(x): x not in tuple"),
        }
    }

    /// TODO
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: &'static Tuple) -> &'static Tuple {
        let plain = Tuple::new(cx, this.items());
        Tuple::new(cx, &[Value::of(plain)])
    }

    /// Tuples are generic over the types of their contents.
    ///
    /// For example, use ``tuple[int, str]`` for a pair whose first element
    /// is an int and second element is a string.
    ///
    /// Tuples also support the form ``tuple[T, ...]`` to indicate
    /// an arbitrary length tuple of elements of type T.
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
}
