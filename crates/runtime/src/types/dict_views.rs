//! The views of a dict (keys, values, items) and its iterators.

use std::cell::Cell;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{iter, object, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::iterators::{itself, reduce_iter};
use crate::types::list::List;
use crate::types::set::{self, Set};
use crate::types::set_methods;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise, trace_values};
use taipan_macros::pymethods;

/// Types of this file.
pub static TYPES: &[&Type] = &[
    &DICT_KEYS,
    &DICT_VALUES,
    &DICT_ITEMS,
    &DICT_KEY_ITER,
    &DICT_VALUE_ITER,
    &DICT_ITEM_ITER,
    &DICT_REVERSE_KEY_ITER,
    &DICT_REVERSE_VALUE_ITER,
    &DICT_REVERSE_ITEM_ITER,
];

// ---- views ---------------------------------------------------------------------------------------

/// A view of a dict; the type says of what.
#[repr(C)]
pub struct DictView {
    header: Header,
    /// The dict.
    pub dict: &'static Dict,
}
crate::object!(DictView, DICT_KEYS);
trace_values!(trace_view, DictView, |t| [Value::of(t.dict)]);

const VIEW: TypeSpec = TypeSpec {
    basicsize: std::mem::size_of::<DictView>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC | flags::BASETYPE,
    trace: Some(trace_view),
    slots: Slots { repr: Some(repr_view), len: Some(|_, v| Ok(of(v).dict.len())), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

const SET_OPERATIONS: Slots = Slots {
    hash: Some(crate::protocol::hash::unhashable),
    richcompare: Some(compare_view),
    and: Some(intersection),
    or: Some(union),
    xor: Some(symmetric_difference),
    sub: Some(difference),
    ..VIEW.slots
};

/// The type `dict_keys`.
pub static DICT_KEYS: Type = Type::new(&DICT_KEYS_SPEC);
static DICT_KEYS_SPEC: TypeSpec = TypeSpec {
    name: "dict_keys",
    slots: Slots {
        iter: Some(|cx, v| Ok(Value::of(DictIter::new(cx, &DICT_KEY_ITER, of(v).dict)))),
        contains: Some(|cx, v, key| of(v).dict.contains(cx, key)),
        ..SET_OPERATIONS
    },
    methods: &[KeysMethods::METHODS],
    getsets: &[KeysMethods::GETSETS],
    ..VIEW
};

/// The type `dict_values`.
pub static DICT_VALUES: Type = Type::new(&DICT_VALUES_SPEC);
static DICT_VALUES_SPEC: TypeSpec = TypeSpec {
    name: "dict_values",
    slots: Slots { iter: Some(|cx, v| Ok(Value::of(DictIter::new(cx, &DICT_VALUE_ITER, of(v).dict)))), ..VIEW.slots },
    methods: &[ValuesMethods::METHODS],
    getsets: &[ValuesMethods::GETSETS],
    ..VIEW
};

/// The type `dict_items`.
pub static DICT_ITEMS: Type = Type::new(&DICT_ITEMS_SPEC);
static DICT_ITEMS_SPEC: TypeSpec = TypeSpec {
    name: "dict_items",
    slots: Slots {
        iter: Some(|cx, v| Ok(Value::of(DictIter::new(cx, &DICT_ITEM_ITER, of(v).dict)))),
        contains: Some(items_contain),
        ..SET_OPERATIONS
    },
    methods: &[ItemsMethods::METHODS],
    getsets: &[ItemsMethods::GETSETS],
    ..VIEW
};

#[inline(always)]
fn of(v: Value) -> &'static DictView {
    // SAFETY: slots are called with views, or the type was checked.
    unsafe { v.cast() }
}

fn is_set_view(v: Value) -> bool {
    v.is_instance(&DICT_KEYS) || v.is_instance(&DICT_ITEMS)
}

impl DictView {
    /// A view of `class`. May collect.
    pub fn new(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> &'static DictView {
        cx.alloc(DictView { header: Header::fresh(class), dict })
    }
}

fn repr_view(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().name();
    if !object::enter_repr(cx, v) {
        return Ok(cx.str("..."));
    }
    let items = iter::to_list(cx, v);
    let result = match items {
        Ok(items) => sequence::repr_items(cx, Value::of(items), ("[", "]", "[...]"), |i| items.get(i)),
        Err(e) => Err(e),
    };
    object::leave_repr(cx);
    let mut text = sequence::ReprText::default();
    text.push(&name);
    text.push("(");
    if let Some(s) = result?.exact::<crate::types::str::Str>() {
        text.push_str(s);
    }
    text.push(")");
    text.finish(cx)
}

fn items_contain(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let Some(pair) = item.downcast::<Tuple>() else { return Ok(false) };
    let [key, value] = pair.items() else { return Ok(false) };
    match of(v).dict.get(cx, *key)? {
        Some(found) => compare::equal(cx, found, *value),
        None => Ok(false),
    }
}

fn all_contained(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    let it = iter::iter(cx, a)?;
    while let Some(item) = iter::next(cx, it)? {
        if !object::contains(cx, b, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare_view(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !set::is_any_set(b) && !is_set_view(b) {
        return Ok(Value::not_implemented());
    }
    let (n, m) = (object::len(cx, a)?, object::len(cx, b)?);
    let result = match op {
        CmpOp::Eq => n == m && all_contained(cx, a, b)?,
        CmpOp::Ne => !(n == m && all_contained(cx, a, b)?),
        CmpOp::Lt => n < m && all_contained(cx, a, b)?,
        CmpOp::Le => n <= m && all_contained(cx, a, b)?,
        CmpOp::Gt => n > m && all_contained(cx, b, a)?,
        CmpOp::Ge => n >= m && all_contained(cx, b, a)?,
    };
    Ok(Value::bool(result))
}

fn to_set(cx: &mut Cx, v: Value) -> PyResult<&'static Set> {
    if v.exact_class(&DICT_KEYS) {
        return set_methods::make(cx, &set::SET, Value::of(of(v).dict));
    }
    set_methods::make(cx, &set::SET, v)
}

fn union(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let new = to_set(cx, a)?;
    set_methods::update(cx, new, b)?;
    Ok(Value::of(new))
}

fn difference(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let new = Value::of(to_set(cx, a)?);
    cx.call_method_text(new, "difference_update", &[b])?;
    Ok(new)
}

fn symmetric_difference(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let new = Value::of(to_set(cx, a)?);
    cx.call_method_text(new, "symmetric_difference_update", &[b])?;
    Ok(new)
}

fn intersection(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (mut view, mut other) = if is_set_view(a) { (a, b) } else { (b, a) };
    let n = object::len(cx, view)?;
    if let Some(set) =
        set::as_set(other).filter(|_| other.exact::<set::Set>().is_some() && std::ptr::eq(other.class(), &set::SET))
        && n <= set.len()
    {
        return cx.call_method_text(other, "intersection", &[view]);
    }
    if is_set_view(other) && object::len(cx, other)? > n {
        std::mem::swap(&mut view, &mut other);
    }
    let new = Set::new(cx);
    let it = iter::iter(cx, other)?;
    while let Some(key) = iter::next(cx, it)? {
        if object::contains(cx, view, key)? {
            new.add(cx, key)?;
        }
    }
    Ok(Value::of(new))
}

fn is_disjoint(cx: &mut Cx, this: Value, other: Value) -> PyResult<bool> {
    if this == other {
        return Ok(of(this).dict.is_empty());
    }
    let (mut walked, mut asked) = (other, this);
    if (set::is_any_set(other) || is_set_view(other)) && object::len(cx, other)? > object::len(cx, this)? {
        (walked, asked) = (this, other);
    }
    let it = iter::iter(cx, walked)?;
    while let Some(item) = iter::next(cx, it)? {
        if object::contains(cx, asked, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

macro_rules! view_methods {
    ($name:ident, $reverse:ident) => {
        /// Methods of this view.
        pub struct $name;

        #[pymethods]
        impl $name {
            /// dictionary that this view refers to
            #[getter]
            fn mapping(cx: &mut Cx, this: &'static DictView) -> PyResult<Value> {
                crate::types::typing::new_mapping_proxy(cx, Value::of(this.dict))
            }

            /// Return a reverse iterator over the dict's contents.
            #[py("($self, /)")]
            fn __reversed__(cx: &mut Cx, this: &'static DictView) -> Value {
                Value::of(DictIter::new(cx, &$reverse, this.dict))
            }

            /// Return True if the view and the given iterable have a null intersection.
            #[py("($self, other, /)")]
            fn isdisjoint(cx: &mut Cx, this: Value, other: Value) -> PyResult<bool> {
                is_disjoint(cx, this, other)
            }
        }
    };
}
view_methods!(KeysMethods, DICT_REVERSE_KEY_ITER);
view_methods!(ItemsMethods, DICT_REVERSE_ITEM_ITER);

/// Methods of the values view.
pub struct ValuesMethods;

#[pymethods]
impl ValuesMethods {
    /// dictionary that this view refers to
    #[getter]
    fn mapping(cx: &mut Cx, this: &'static DictView) -> PyResult<Value> {
        crate::types::typing::new_mapping_proxy(cx, Value::of(this.dict))
    }

    /// Return a reverse iterator over the dict values.
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static DictView) -> Value {
        Value::of(DictIter::new(cx, &DICT_REVERSE_VALUE_ITER, this.dict))
    }
}

// ---- iterators -----------------------------------------------------------------------------------

/// An iterator over a dict; the type says over what and in which direction. The interpreter advances the forward
/// ones inline.
#[repr(C)]
pub struct DictIter {
    header: Header,
    /// The dict, None when exhausted.
    pub dict: Cell<Option<&'static Dict>>,
    /// Number of keys when iteration began; `usize::MAX` after the dict was found changed.
    pub used: Cell<usize>,
    /// Entry number where the search goes on.
    pub position: Cell<u32>,
    /// Items left.
    pub remaining: Cell<usize>,
}
crate::object!(DictIter, DICT_KEY_ITER);
trace_values!(trace_iter, DictIter, |t| [t.dict.get().map(Value::of)]);

type Take = fn(&mut Cx, Value, Value) -> Value;

macro_rules! dict_iter {
    ($(#[doc = $doc:literal] $name:ident $spec:ident $text:literal $reverse:literal $take:expr;)*) => { $(
        #[doc = $doc]
        pub static $name: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $text,
            basicsize: std::mem::size_of::<DictIter>(),
            flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
            trace: Some(trace_iter),
            slots: Slots {
                iter: Some(itself),
                next: Some(|cx, v| {
                    // SAFETY: the slot of dict iterators.
                    let this = unsafe { v.cast::<DictIter>() };
                    let take: Take = $take;
                    Ok(this.step(cx, $reverse)?.map(|(key, value)| take(cx, key, value)))
                }),
                ..Slots::NONE
            },
            methods: &[DictIter::METHODS],
            ..TypeSpec::DEFAULT
        };
    )* };
}

dict_iter! {
    /// The type `dict_keyiterator`.
    DICT_KEY_ITER KEY_SPEC "dict_keyiterator" false |_, key, _| key;
    /// The type `dict_valueiterator`.
    DICT_VALUE_ITER VALUE_SPEC "dict_valueiterator" false |_, _, value| value;
    /// The type `dict_itemiterator`.
    DICT_ITEM_ITER ITEM_SPEC "dict_itemiterator" false |cx, key, value| Value::of(Tuple::new(cx, &[key, value]));
    /// The type `dict_reversekeyiterator`.
    DICT_REVERSE_KEY_ITER REVERSE_KEY_SPEC "dict_reversekeyiterator" true |_, key, _| key;
    /// The type `dict_reversevalueiterator`.
    DICT_REVERSE_VALUE_ITER REVERSE_VALUE_SPEC "dict_reversevalueiterator" true |_, _, value| value;
    /// The type `dict_reverseitemiterator`.
    DICT_REVERSE_ITEM_ITER REVERSE_ITEM_SPEC "dict_reverseitemiterator" true
        |cx, key, value| Value::of(Tuple::new(cx, &[key, value]));
}

impl DictIter {
    /// An iterator of type `class` at its start. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> &'static DictIter {
        let reverse = std::ptr::eq(class, &DICT_REVERSE_KEY_ITER)
            || std::ptr::eq(class, &DICT_REVERSE_VALUE_ITER)
            || std::ptr::eq(class, &DICT_REVERSE_ITEM_ITER);
        cx.alloc(DictIter {
            header: Header::fresh(class),
            dict: Cell::new(Some(dict)),
            used: Cell::new(dict.len()),
            position: Cell::new(if reverse { dict.end_position() } else { 0 }),
            remaining: Cell::new(dict.len()),
        })
    }

    /// The next key and value. RuntimeError if the dict was changed.
    #[inline]
    pub fn step(&self, cx: &mut Cx, reverse: bool) -> PyResult<Option<(Value, Value)>> {
        let Some(dict) = self.dict.get() else { return Ok(None) };
        if self.used.get() != dict.len() {
            self.used.set(usize::MAX);
            return raise!(cx, RuntimeError, "dictionary changed size during iteration");
        }
        let mut position = self.position.get();
        if reverse && position > dict.end_position() {
            // It was cleared and filled anew.
            self.dict.set(None);
            return Ok(None);
        }
        let item = if reverse { dict.previous_item(&mut position) } else { dict.next_item(&mut position) };
        self.position.set(position);
        if item.is_none() {
            self.dict.set(None);
            return Ok(None);
        }
        let left = self.remaining.get();
        if left == 0 {
            self.dict.set(None);
            return raise!(cx, RuntimeError, "dictionary keys changed during iteration");
        }
        self.remaining.set(left - 1);
        Ok(item)
    }
}

#[pymethods]
impl DictIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_cx: &mut Cx, this: &'static DictIter) -> i64 {
        match this.dict.get() {
            Some(dict) if dict.len() == this.used.get() => this.remaining.get() as i64,
            _ => 0,
        }
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static DictIter) -> PyResult<Value> {
        let copy = cx.alloc(DictIter {
            header: Header::fresh(Value::of(this).class()),
            dict: this.dict.clone(),
            used: this.used.clone(),
            position: this.position.clone(),
            remaining: this.remaining.clone(),
        });
        let items = List::new(cx);
        iter::drain(cx, items, Value::of(copy))?;
        reduce_iter(cx, Value::of(items), None)
    }
}
