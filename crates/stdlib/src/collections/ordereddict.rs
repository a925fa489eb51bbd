//! OrderedDict: a dict whose order can be changed.
//!
//! Dicts keep the order of insertion, so there is no list of keys besides: `move_to_end` and `popitem(last=False)` are done by
//! the table (`Dict::move_to_end`, `Dict::pop_first`), both in constant time on average.

use taipan_macros::pymethods;
use taipan_runtime::dict::{Dict, hash_key};
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{attr, iter, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::dict::{DICT, equal, key_error};
use taipan_runtime::types::dict_views::DictView;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use super::ordereddict_iter::{Kind, OrderedIter, VIEWS};

/// The type `collections.OrderedDict`.
pub static ORDERED_DICT: Type = Type::new(&ORDERED_DICT_SPEC);
static ORDERED_DICT_SPEC: TypeSpec = TypeSpec {
    name: "collections.OrderedDict",
    base: Some(&DICT),
    basicsize: std::mem::size_of::<Dict>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    attrs: true,
    weakrefs: true,
    trace: Some(taipan_runtime::dict::trace_dict),
    slots: Slots {
        repr: Some(repr),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| Ok(OrderedIter::start(cx, of(v), Kind::Keys, false))),
        new: Some(|cx, class, _| Ok(Value::of(Dict::new_of(cx, class)))),
        init: Some(init),
        or: Some(or),
        ior: Some(|cx, a, b| {
            update_from(cx, a, b)?;
            Ok(a)
        }),
        ..Slots::NONE
    },
    methods: &[Methods::METHODS],
    doc: "Dictionary that remembers insertion order",
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static Dict {
    // SAFETY: slots are called with instances of their type, which are laid out as dicts.
    unsafe { v.cast() }
}

fn is_exact(v: Value) -> bool {
    std::ptr::eq(v.class(), &ORDERED_DICT)
}

/// RuntimeError if the keys of a dict changed since they had this version.
pub fn check_version(cx: &mut Cx, dict: &Dict, version: u64) -> PyResult<()> {
    match dict.version() == version {
        true => Ok(()),
        false => raise!(cx, RuntimeError, "OrderedDict mutated during iteration"),
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    if args.pos().len() > 1 {
        return raise!(cx, TypeError, "expected at most 1 argument, got {}", args.pos().len());
    }
    update(cx, v, args)
}

/// `update` of a mutable mapping: sets item by item.
fn update(cx: &mut Cx, this: Value, args: Args) -> PyResult<()> {
    match args.pos() {
        [] => {}
        [other] => update_from(cx, this, *other)?,
        more => return raise!(cx, TypeError, "update() takes at most 1 positional argument ({} given)", more.len()),
    }
    for (name, value) in args.keywords() {
        set(cx, this, Value::of(name), value)?;
    }
    Ok(())
}

fn set(cx: &mut Cx, this: Value, key: Value, value: Value) -> PyResult<()> {
    match is_exact(this) {
        true => of(this).set(cx, key, value),
        false => object::set_item(cx, this, key, Some(value)),
    }
}

fn update_from(cx: &mut Cx, this: Value, other: Value) -> PyResult<()> {
    if let Some(dict) = other.exact::<Dict>() {
        let mut position = 0;
        while let Some((key, value)) = dict.next_item(&mut position) {
            let n = dict.len();
            set(cx, this, key, value)?;
            if dict.len() != n {
                return raise!(cx, RuntimeError, "dictionary changed size during iteration");
            }
        }
        return Ok(());
    }
    let key = cx.names().keys;
    if let Some(keys) = attr::get_optional(cx, other, key)? {
        let keys = cx.call(keys, &[])?;
        return iter::for_each(cx, keys, |cx, key| {
            let value = object::get_item(cx, other, key)?;
            set(cx, this, key, value)?;
            Ok(true)
        });
    }
    if let Some(items) = attr::get_optional(cx, other, cx.names().items)? {
        let items = cx.call(items, &[])?;
        return add_pairs(cx, this, items);
    }
    add_pairs(cx, this, other)
}

fn add_pairs(cx: &mut Cx, this: Value, pairs: Value) -> PyResult<()> {
    iter::for_each(cx, pairs, |cx, pair| {
        if let Some([key, value]) = pair.exact::<Tuple>().map(|t| t.items()) {
            set(cx, this, *key, *value)?;
            return Ok(true);
        }
        let it = iter::iter(cx, pair)?;
        let Some(key) = iter::next(cx, it)? else {
            return raise!(cx, ValueError, "need more than 0 values to unpack");
        };
        let Some(value) = iter::next(cx, it)? else {
            return raise!(cx, ValueError, "need more than 1 value to unpack");
        };
        if iter::next(cx, it)?.is_some() {
            return raise!(cx, ValueError, "too many values to unpack (expected 2)");
        }
        set(cx, this, key, value)?;
        Ok(true)
    })
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().name();
    if of(v).is_empty() {
        return Ok(cx.str(&format!("{name}()")));
    }
    if !object::enter_repr(cx, v) {
        return Ok(cx.str("..."));
    }
    let result = repr_items(cx, v);
    object::leave_repr(cx);
    let inner = result?;
    let mut text = sequence::ReprText::default();
    text.push(&name);
    text.push("(");
    if let Some(s) = inner.downcast::<Str>() {
        text.push_str(s);
    }
    text.push(")");
    text.finish(cx)
}

/// The items as the repr of a dict.
fn repr_items(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let plain = match is_exact(v) {
        true => of(v).copy(cx),
        false => {
            // What the subclass says its items are.
            let items = cx.names().items;
            let items = cx.call_method(v, items, &[])?;
            let plain = Dict::new(cx);
            taipan_runtime::types::dict::update_from_value(cx, plain, items)?;
            plain
        }
    };
    Ok(Value::of(object::repr(cx, Value::of(plain))?))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(Value::not_implemented()) };
    let mut same = equal(cx, x, y)?;
    let versions = (x.version(), y.version());
    if same && a.is_instance(&ORDERED_DICT) && b.is_instance(&ORDERED_DICT) {
        same = same_order(cx, (x, versions.0), (y, versions.1))?;
    }
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

type Seen = (&'static Dict, u64);

fn same_order(cx: &mut Cx, (x, x_version): Seen, (y, y_version): Seen) -> PyResult<bool> {
    let (mut i, mut j) = (0, 0);
    loop {
        check_version(cx, x, x_version)?;
        check_version(cx, y, y_version)?;
        match (x.next_item(&mut i), y.next_item(&mut j)) {
            (Some((a, _)), Some((b, _))) => {
                if !compare::equal(cx, a, b)? {
                    return Ok(false);
                }
            }
            (None, None) => return Ok(true),
            _ => return Ok(false),
        }
    }
}

fn or(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = if a.is_instance(&ORDERED_DICT) { a } else { b };
    if !this.is_instance(&ORDERED_DICT) || a.downcast::<Dict>().is_none() || b.downcast::<Dict>().is_none() {
        return Ok(Value::not_implemented());
    }
    let new = cx.call(Value::of(this.class()), &[a])?;
    if !new.is_instance(&ORDERED_DICT) {
        return raise!(cx, TypeError, "expected OrderedDict, got '{}'", new.class().tp_name());
    }
    update_from(cx, new, b)?;
    Ok(new)
}

fn view(cx: &mut Cx, this: &'static Dict, kind: Kind) -> Value {
    let class = VIEWS[kind as usize];
    cx.ready_type(class);
    Value::of(DictView::new(cx, class, this))
}

struct Methods;

#[pymethods]
impl Methods {
    /// Create a new ordered dictionary with keys from iterable and values set to value.
    #[classmethod]
    #[py("($type, /, iterable, value=None)")]
    fn fromkeys(cx: &mut Cx, class: Value, iterable: Value, value: Option<Value>) -> PyResult<Value> {
        taipan_runtime::types::dict::from_keys(cx, class, iterable, value.unwrap_or(Value::none()))
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[py("($self, /, key, default=None)")]
    fn setdefault(cx: &mut Cx, this: Value, key: Value, default: Option<Value>) -> PyResult<Value> {
        let default = default.unwrap_or(Value::none());
        if is_exact(this) {
            return of(this).set_default(cx, key, default);
        }
        if object::contains(cx, this, key)? {
            return object::get_item(cx, this, key);
        }
        object::set_item(cx, this, key, Some(default))?;
        Ok(default)
    }

    /// od.pop(key[,default]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise,
    /// raise a KeyError.
    #[py("($self, /, key, default=<unrepresentable>)")]
    fn pop(cx: &mut Cx, this: &'static Dict, key: Value, default: Option<Value>) -> PyResult<Value> {
        match this.remove(cx, key)?.or(default) {
            Some(value) => Ok(value),
            None => Err(key_error(cx, key)),
        }
    }

    /// Remove and return a (key, value) pair from the dictionary.
    ///
    /// Pairs are returned in LIFO order if last is true or FIFO order if false.
    #[py("($self, /, last=True)")]
    fn popitem(cx: &mut Cx, this: &'static Dict, last: Option<bool>) -> PyResult<Value> {
        match if last.unwrap_or(true) { this.pop_last(cx) } else { this.pop_first(cx) } {
            Some((key, value)) => Ok(Value::of(Tuple::new(cx, &[key, value]))),
            None => raise!(cx, KeyError, "dictionary is empty"),
        }
    }

    /// Move an existing element to the end (or beginning if last is false).
    ///
    /// Raise KeyError if the element does not exist.
    #[py("($self, /, key, last=True)")]
    fn move_to_end(cx: &mut Cx, this: &'static Dict, key: Value, last: Option<bool>) -> PyResult<()> {
        let hash = hash_key(cx, key)?;
        match this.move_to_end(cx, key, hash, last.unwrap_or(true))? {
            true => Ok(()),
            false => Err(key_error(cx, key)),
        }
    }

    /// od.update([E, ]**F) -> None.  Update od from mapping/iterable E and F.
    #[py("($self, /, *args, **kwargs)", raw)]
    fn update(cx: &mut Cx, args: Args) -> PyResult<()> {
        update(cx, args.values()[0], args.rest())
    }

    /// Remove all items from ordered dict.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static Dict) {
        this.clear(cx);
    }

    /// A shallow copy of ordered dict.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let dict = of(this);
        let new = cx.call(Value::of(this.class()), &[])?;
        let (mut position, version) = (0, dict.version());
        while let Some((key, mut value, hash)) = dict.next_entry(&mut position) {
            match new.downcast::<Dict>().filter(|_| is_exact(this)) {
                Some(new) => new.set_hashed(cx, key, hash, value)?,
                None => {
                    value = object::get_item(cx, this, key)?;
                    check_version(cx, dict, version)?;
                    object::set_item(cx, new, key, Some(value))?;
                }
            }
            check_version(cx, dict, version)?;
        }
        Ok(new)
    }

    /// Return a set-like object providing a view on the ordered dict's keys.
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static Dict) -> Value {
        view(cx, this, Kind::Keys)
    }

    /// Return an object providing a view on the ordered dict's values.
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static Dict) -> Value {
        view(cx, this, Kind::Values)
    }

    /// Return a set-like object providing a view on the ordered dict's items.
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static Dict) -> Value {
        view(cx, this, Kind::Items)
    }

    /// od.__reversed__() <==> reversed(od)
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static Dict) -> Value {
        OrderedIter::start(cx, this, Kind::Keys, true)
    }

    /// Return state information for pickling
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let state = cx.call_method_text(this, "__getstate__", &[])?;
        let items = cx.names().items;
        let items = cx.call_method(this, items, &[])?;
        let items = iter::iter(cx, items)?;
        let empty = Value::of(Tuple::new(cx, &[]));
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), empty, state, Value::none(), items])))
    }
}
