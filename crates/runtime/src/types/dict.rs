//! The type dict and its methods. Layout and hash table are in `crate::dict`, views and iterators in `dict_views.rs`.

use crate::cx::Cx;
use crate::dict::{Dict, explain_unhashable, hash_key};
use crate::native::Args;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{attr, call, iter, object, sequence};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::combinators::Zip;
use crate::types::dict_views::{self, DictIter, DictView};
use crate::types::iterators::ListIter;
use crate::types::list::List;
use crate::types::set;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The type dict.
pub static DICT: Type = Type::new(&DICT_SPEC);
static DICT_SPEC: TypeSpec = TypeSpec {
    name: "dict",
    basicsize: 48,
    flags: flags::BASETYPE | flags::DICT | flags::MAPPING | flags::MATCH_SELF | flags::HAVE_GC,
    trace: Some(crate::dict::trace_dict),
    slots: Slots {
        hash: Some(crate::protocol::hash::unhashable),
        repr: Some(repr),
        richcompare: Some(richcompare),
        iter: Some(iter_keys),
        new: Some(new),
        init: Some(|cx, v, args| update_from_args(cx, of(v), args, "dict")),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(|cx, v, key| of(v).contains(cx, key)),
        or: Some(or),
        ior: Some(ior),
        ..Slots::NONE
    },
    methods: &[DictMethods::METHODS],
    doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)",
    ..TypeSpec::DEFAULT
};

/// Other types of this file.
pub static TYPES: &[&Type] = dict_views::TYPES;

#[inline(always)]
fn of(v: Value) -> &'static Dict {
    // SAFETY: slots are called with dicts.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let exact = std::ptr::eq(class, &DICT);
    Ok(Value::of(if exact { Dict::new(cx) } else { Dict::new_of(cx, class) }))
}

fn iter_keys(cx: &mut Cx, v: Value) -> PyResult<Value> {
    Ok(Value::of(DictIter::new(cx, &dict_views::DICT_KEY_ITER, of(v))))
}

/// True if `v` is a dict whose items may be read directly: its class does not override iteration.
pub fn is_plain_dict(v: Value) -> bool {
    let class = v.class();
    std::ptr::eq(class, &DICT)
        || class.has(flags::DICT)
            && class.slots().iter.is_some_and(|f| std::ptr::fn_addr_eq(f, iter_keys as crate::slots::UnaryFn))
}

/// The arguments of `dict()` and `update()`: at most one mapping or iterable of pairs, then keywords.
pub fn update_from_args(cx: &mut Cx, this: &'static Dict, args: Args, function: &str) -> PyResult<()> {
    match args.pos() {
        [] => {}
        [other] => update_from_value(cx, this, *other)?,
        more => return raise!(cx, TypeError, "{function} expected at most 1 argument, got {}", more.len()),
    }
    for (name, value) in args.keywords() {
        this.set_str(cx, name, value);
    }
    Ok(())
}

/// `this.update(other)` for a mapping or an iterable of pairs. May collect.
pub fn update_from_value(cx: &mut Cx, this: &'static Dict, other: Value) -> PyResult<()> {
    if other.exact::<Dict>().is_some() {
        return merge(cx, this, other);
    }
    let keys = cx.names().keys;
    if attr::get_optional(cx, other, keys)?.is_some() {
        return merge(cx, this, other);
    }
    merge_pairs(cx, this, other)
}

/// Copies all items of a mapping (an object with `keys` and `__getitem__`). May collect.
pub fn merge(cx: &mut Cx, this: &'static Dict, other: Value) -> PyResult<()> {
    if is_plain_dict(other) {
        return this.update_from(cx, of(other));
    }
    let name = cx.names().keys;
    let keys = cx.call_method(other, name, &[])?;
    let it = iter::iter(cx, keys)?;
    while let Some(key) = iter::next(cx, it)? {
        let value = object::get_item(cx, other, key)?;
        this.set(cx, key, value)?;
    }
    Ok(())
}

fn note_element(cx: &mut Cx, i: usize) {
    let note = format!("Cannot convert dictionary update sequence element #{i} to a sequence");
    crate::types::exception::add_note(cx, &note);
}

fn merge_pairs(cx: &mut Cx, this: &'static Dict, other: Value) -> PyResult<()> {
    // `dict(zip(names, values))`: without the tuples.
    if let Some(zip) = other.exact::<Zip>().filter(|z| !z.is_strict())
        && let [keys, values] = *zip.iters.items()
    {
        let length = |v: Value| v.exact::<ListIter>().and_then(|it| it.list.get()).map(|list| list.len());
        if let (Some(n), Some(m)) = (length(keys), length(values)) {
            this.reserve(cx, n.min(m));
        }
        while let Some(key) = iter::next(cx, keys)?
            && let Some(value) = iter::next(cx, values)?
        {
            this.set(cx, key, value)?;
        }
        return Ok(());
    }
    let it = iter::iter(cx, other)?;
    let mut i = 0usize;
    while let Some(item) = iter::next(cx, it)? {
        set_pair(cx, this, i, item)?;
        i += 1;
    }
    Ok(())
}

/// Does what `dict(pairs)` does with pair `i`. May collect.
pub fn set_pair(cx: &mut Cx, this: &'static Dict, i: usize, item: Value) -> PyResult<()> {
    let pair = if let Some(tuple) = item.exact::<Tuple>() {
        pair_of(tuple.items())
    } else if let Some(list) = item.exact::<List>() {
        pair_of(list.items())
    } else {
        let items = match iter::to_list(cx, item) {
            Ok(items) => items,
            Err(_) if cx.exception_matches(&crate::exceptions::TypeError) && item.class().slots().iter.is_none() => {
                cx.take_exception();
                let raised = cx.raise_text(&crate::exceptions::TypeError, "object is not iterable");
                note_element(cx, i);
                return Err(raised);
            }
            Err(e) => {
                if cx.exception_matches(&crate::exceptions::TypeError) {
                    note_element(cx, i);
                }
                return Err(e);
            }
        };
        pair_of(items.items())
    };
    match pair {
        Ok((key, value)) => this.set(cx, key, value),
        Err(n) => raise!(cx, ValueError, "dictionary update sequence element #{i} has length {n}; 2 is required"),
    }
}

fn pair_of(items: &[Value]) -> Result<(Value, Value), usize> {
    match items {
        [key, value] => Ok((*key, *value)),
        other => Err(other.len()),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    if this.is_empty() {
        return Ok(cx.str("{}"));
    }
    if !object::enter_repr(cx, v) {
        return Ok(cx.str("{...}"));
    }
    let mut text = sequence::ReprText::default();
    text.push("{");
    let result = repr_items(cx, this, &mut text);
    object::leave_repr(cx);
    result?;
    text.push("}");
    text.finish(cx)
}

fn repr_items(cx: &mut Cx, this: &'static Dict, text: &mut sequence::ReprText) -> PyResult<()> {
    let (mut position, mut first) = (0, true);
    while let Some((key, value)) = this.next_item(&mut position) {
        if !first {
            text.push(", ");
        }
        first = false;
        text.push_repr(cx, key)?;
        text.push(": ");
        text.push_repr(cx, value)?;
    }
    Ok(())
}

/// Whether two dicts have equal items.
pub fn equal(cx: &mut Cx, a: &'static Dict, b: &'static Dict) -> PyResult<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut position = 0;
    while let Some((key, value, hash)) = a.next_entry(&mut position) {
        match b.get_hashed(cx, key, hash)? {
            Some(other) if compare::equal(cx, value, other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(Value::not_implemented()) };
    match op {
        CmpOp::Eq => Ok(Value::bool(equal(cx, x, y)?)),
        CmpOp::Ne => Ok(Value::bool(!equal(cx, x, y)?)),
        _ => Ok(Value::not_implemented()),
    }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    if let Some(value) = of(v).get(cx, key)? {
        return Ok(value);
    }
    if !std::ptr::eq(v.class(), &DICT) {
        let name = cx.names().__missing__;
        if let Some(f) = cx.lookup_special(v, name) {
            return call::call_unbound(cx, f, v, &[key]);
        }
    }
    Err(key_error(cx, key))
}

/// KeyError for `key`.
#[cold]
pub fn key_error(cx: &mut Cx, key: Value) -> crate::Raised {
    cx.raise_value(&crate::exceptions::KeyError, key)
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    match value {
        Some(value) => of(v).set(cx, key, value),
        None => match of(v).remove(cx, key)? {
            Some(_) => Ok(()),
            None => Err(key_error(cx, key)),
        },
    }
}

fn or(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (Some(x), Some(_)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(Value::not_implemented()) };
    x.check_copy(cx)?;
    let new = x.copy(cx);
    update_from_value(cx, new, b)?;
    Ok(Value::of(new))
}

fn ior(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    update_from_value(cx, of(a), b)?;
    Ok(a)
}

/// `class.fromkeys(iterable, value)`. May collect.
pub fn from_keys(cx: &mut Cx, class: Value, iterable: Value, value: Value) -> PyResult<Value> {
    let made = cx.call(class, &[])?;
    if let Some(dict) = made.exact::<Dict>() {
        if dict.is_empty() {
            if let Some(source) = iterable.exact::<Dict>() {
                dict.reserve(cx, source.len());
                let mut position = 0;
                while let Some((key, _, hash)) = source.next_entry(&mut position) {
                    dict.set_hashed(cx, key, hash, value)?;
                }
                return Ok(made);
            }
            if let Some(source) = set::as_set(iterable).filter(|_| !iterable.class().has(flags::HEAPTYPE)) {
                dict.reserve(cx, source.len());
                let mut position = 0;
                while let Some((key, hash)) = source.next_item(&mut position) {
                    dict.set_hashed(cx, key, hash, value)?;
                }
                return Ok(made);
            }
        }
        let it = iter::iter(cx, iterable)?;
        while let Some(key) = iter::next(cx, it)? {
            dict.set(cx, key, value)?;
        }
        return Ok(made);
    }
    let it = iter::iter(cx, iterable)?;
    while let Some(key) = iter::next(cx, it)? {
        object::set_item(cx, made, key, Some(value))?;
    }
    Ok(made)
}

/// `this.pop(key, default)`; None if the key is missing.
pub fn pop(cx: &mut Cx, this: &Dict, key: Value) -> PyResult<Option<Value>> {
    if this.is_empty() {
        // CPython does not hash the key of an empty dict.
        return Ok(None);
    }
    this.remove(cx, key)
}

/// TypeError if `key` cannot be a key; its hash otherwise.
pub fn key_hash(cx: &mut Cx, key: Value) -> PyResult<i64> {
    hash_key(cx, key)
}

/// Rewords the error of an unhashable key (for other mappings built on dicts).
pub fn reword_unhashable(cx: &mut Cx, key: Value) -> crate::Raised {
    explain_unhashable(cx, key, "a dict key")
}

/// Methods of dict.
pub struct DictMethods;

#[pymethods]
impl DictMethods {
    /// Return the value for key if key is in the dictionary, else default.
    #[py("($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &'static Dict, key: Value, default: Option<Value>) -> PyResult<Value> {
        Ok(this.get(cx, key)?.or(default).unwrap_or(Value::none()))
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[py("($self, key, default=None, /)")]
    fn setdefault(cx: &mut Cx, this: &'static Dict, key: Value, default: Option<Value>) -> PyResult<Value> {
        this.set_default(cx, key, default.unwrap_or(Value::none()))
    }

    /// D.pop(k[,d]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise,
    /// raise a KeyError.
    #[py("($self, key, default=<unrepresentable>, /)")]
    fn pop(cx: &mut Cx, this: &'static Dict, key: Value, default: Option<Value>) -> PyResult<Value> {
        match pop(cx, this, key)?.or(default) {
            Some(value) => Ok(value),
            None => Err(key_error(cx, key)),
        }
    }

    /// Remove and return a (key, value) pair as a 2-tuple.
    ///
    /// Pairs are returned in LIFO (last-in, first-out) order.
    /// Raises KeyError if the dict is empty.
    #[py("($self, /)")]
    fn popitem(cx: &mut Cx, this: &'static Dict) -> PyResult<Value> {
        match this.pop_last(cx) {
            Some((key, value)) => Ok(Value::of(Tuple::new(cx, &[key, value]))),
            None => raise!(cx, KeyError, "popitem(): dictionary is empty"),
        }
    }

    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    /// If E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]
    /// If E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v
    /// In either case, this is followed by: for k in F:  D[k] = F[k]
    #[py("($self, /, *args, **kwargs)", raw)]
    fn update(cx: &mut Cx, args: Args) -> PyResult<()> {
        update_from_args(cx, of(args.values()[0]), args.rest(), "update")
    }

    /// Remove all items from the dict.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static Dict) {
        this.clear(cx);
    }

    /// Return a shallow copy of the dict.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Dict) -> PyResult<&'static Dict> {
        this.check_copy(cx)?;
        Ok(this.copy(cx))
    }

    /// Return a set-like object providing a view on the dict's keys.
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static Dict) -> Value {
        Value::of(DictView::new(cx, &dict_views::DICT_KEYS, this))
    }

    /// Return an object providing a view on the dict's values.
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static Dict) -> Value {
        Value::of(DictView::new(cx, &dict_views::DICT_VALUES, this))
    }

    /// Return a set-like object providing a view on the dict's items.
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static Dict) -> Value {
        Value::of(DictView::new(cx, &dict_views::DICT_ITEMS, this))
    }

    /// Create a new dictionary with keys from iterable and values set to value.
    #[py("($type, iterable, value=None, /)")]
    #[classmethod]
    fn fromkeys(cx: &mut Cx, class: Value, iterable: Value, value: Option<Value>) -> PyResult<Value> {
        from_keys(cx, class, iterable, value.unwrap_or(Value::none()))
    }

    /// Return a reverse iterator over the dict keys.
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static Dict) -> Value {
        Value::of(DictIter::new(cx, &dict_views::DICT_REVERSE_KEY_ITER, this))
    }

    /// Return the size of the dict in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static Dict) -> i64 {
        (Value::of(this).class().data().basicsize + this.table_bytes()) as i64
    }

    /// dicts are generic over two types, signifying (respectively) the types of their keys and values
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
}

/// True if all keys are strs (for `**kwargs` checks).
pub fn has_only_str_keys(dict: &Dict) -> bool {
    dict.iter().all(|(key, _)| key.downcast::<Str>().is_some())
}
