//! The views of an OrderedDict and its iterators, which notice every change of the keys or their order.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::dict_views::{DICT_ITEMS, DICT_KEYS, DICT_VALUES, DictView};
use taipan_runtime::types::iterators::itself;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::builtin;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object};

use super::ordereddict::check_version;

/// What a view or an iterator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Keys.
    Keys,
    /// Values.
    Values,
    /// Pairs.
    Items,
}

/// The types of views, by [`Kind`].
pub static VIEWS: [&Type; 3] = [&KEYS, &VALUES, &ITEMS];

macro_rules! views {
    ($($name:ident $spec:ident $methods:ident $text:literal $base:expr, $kind:expr;)*) => { $(
        static $name: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $text,
            base: Some(&$base),
            basicsize: std::mem::size_of::<DictView>(),
            flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
            slots: Slots { iter: Some(|cx, v| Ok(OrderedIter::start(cx, view(v).dict, $kind, false))), ..Slots::NONE },
            methods: &[$methods::METHODS],
            ..TypeSpec::DEFAULT
        };

        struct $methods;

        #[pymethods]
        impl $methods {
            #[py("($self, /)")]
            fn __reversed__(cx: &mut Cx, this: Value) -> Value {
                OrderedIter::start(cx, view(this).dict, $kind, true)
            }
        }
    )* };
}

views! {
    KEYS KEYS_SPEC KeysMethods "odict_keys" DICT_KEYS, Kind::Keys;
    VALUES VALUES_SPEC ValuesMethods "odict_values" DICT_VALUES, Kind::Values;
    ITEMS ITEMS_SPEC ItemsMethods "odict_items" DICT_ITEMS, Kind::Items;
}

fn view(v: Value) -> &'static DictView {
    // SAFETY: slots and methods are called with views.
    unsafe { v.cast() }
}

/// An iterator over an OrderedDict.
#[repr(C)]
pub struct OrderedIter {
    header: Header,
    /// None when exhausted.
    dict: Cell<Option<&'static Dict>>,
    version: u64,
    position: Cell<u32>,
    kind: Kind,
    reversed: bool,
}
object!(OrderedIter, ITERATOR);
taipan_runtime::trace_values!(trace_iterator, OrderedIter, |i| [i.dict.get().map(Value::of)]);

/// The type `odict_iterator`.
pub static ITERATOR: Type = Type::new(&ITERATOR_SPEC);
static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "odict_iterator",
    basicsize: std::mem::size_of::<OrderedIter>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_iterator),
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    methods: &[OrderedIter::METHODS],
    ..TypeSpec::DEFAULT
};

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this: &'static OrderedIter = unsafe { v.cast() };
    let Some(dict) = this.dict.get() else { return Ok(None) };
    check_version(cx, dict, this.version)?;
    let mut position = this.position.get();
    let item = if this.reversed { dict.previous_item(&mut position) } else { dict.next_item(&mut position) };
    this.position.set(position);
    let Some((key, value)) = item else {
        this.dict.set(None);
        return Ok(None);
    };
    Ok(Some(match this.kind {
        Kind::Keys => key,
        Kind::Values => value,
        Kind::Items => Value::of(Tuple::new(cx, &[key, value])),
    }))
}

impl OrderedIter {
    /// An iterator at its start. May collect.
    pub fn start(cx: &mut Cx, dict: &'static Dict, kind: Kind, reversed: bool) -> Value {
        cx.ready_type(&ITERATOR);
        Value::of(cx.alloc(OrderedIter {
            header: Header::fresh(&ITERATOR),
            dict: Cell::new(Some(dict)),
            version: dict.version(),
            position: Cell::new(if reversed { dict.end_position() } else { 0 }),
            kind,
            reversed,
        }))
    }
}

#[pymethods]
impl OrderedIter {
    /// Return state information for pickling
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static OrderedIter) -> PyResult<Value> {
        let copy = Value::of(cx.alloc(OrderedIter {
            header: Header::fresh(&ITERATOR),
            dict: Cell::new(this.dict.get()),
            position: Cell::new(this.position.get()),
            ..*this
        }));
        let rest = List::new(cx);
        while let Some(item) = next(cx, copy)? {
            rest.push(cx, item);
        }
        let iter = builtin(cx, "iter")?;
        let args = Value::of(Tuple::new(cx, &[Value::of(rest)]));
        Ok(Value::of(Tuple::new(cx, &[iter, args])))
    }
}
