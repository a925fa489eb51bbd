//! Attributes and methods of type, constructors of native types, `isinstance` and `issubclass`.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::heap::RootVec;
use crate::native::{Args, NativeDef, NativeKind};
use crate::protocol::{attr, call, object as any};
use crate::typeobj::{Type, flags};
use crate::types::list::List;
use crate::types::object_methods::{key_list, merge_class_names};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_::{TYPE, full_name, new_class, winner};
use crate::types::{mappingproxy, union};
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The methods of type.
pub struct TypeMethods;

#[pymethods]
impl TypeMethods {
    /// Return a type's method resolution order.
    #[py("($self, /)")]
    fn mro(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let mro = crate::types::type_::linearize(cx, this, this.bases().items())?;
        Ok(Value::of(List::from_slice(cx, &mro)))
    }

    /// Return a list of immediate subclasses.
    #[py("($self, /)")]
    fn __subclasses__(cx: &mut Cx, this: &'static Type) -> Value {
        let subclasses = this.live_subclasses();
        Value::of(List::from_slice(cx, &subclasses))
    }

    /// Create the namespace for the class statement
    #[classmethod]
    #[py("($cls, name, bases, /, **kwds)", raw)]
    fn __prepare__(cx: &mut Cx, _args: Args) -> Value {
        Value::of(Dict::new(cx))
    }

    /// Check if an object is an instance.
    #[py("($self, instance, /)")]
    fn __instancecheck__(cx: &mut Cx, this: &'static Type, instance: Value) -> PyResult<bool> {
        real_is_instance(cx, instance, Value::of(this))
    }

    /// Check if a class is a subclass.
    #[py("($self, subclass, /)")]
    fn __subclasscheck__(cx: &mut Cx, this: &'static Type, subclass: Value) -> PyResult<bool> {
        real_is_subclass(cx, subclass, Value::of(this))
    }

    /// Specialized __dir__ implementation for types.
    #[py("($self, /)")]
    fn __dir__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let names = Dict::new(cx);
        merge_class_names(cx, names, Value::of(this))?;
        key_list(cx, names)
    }

    /// Return memory consumption of the type object.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static Type) -> i64 {
        if this.is_heap_type() { crate::typeobj::HEAP_TYPE_SIZE as i64 } else { std::mem::size_of::<Type>() as i64 }
    }

    #[getter]
    fn __name__(_cx: &mut Cx, this: &'static Type) -> Value {
        this.data().name.get()
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__name__", value)?;
        let Some(name) = value.downcast::<Str>() else {
            let (class, got) = (this.name(), value.class().tp_name());
            return raise!(cx, TypeError, "can only assign string to {class}.__name__, not '{got}'");
        };
        if name.chars().any(|c| c == 0) {
            return raise!(cx, ValueError, "type name must not contain null characters");
        }
        check_utf8(cx, name)?;
        this.data().name.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __qualname__(_cx: &mut Cx, this: &'static Type) -> Value {
        this.data().qualname.get()
    }
    #[setter("__qualname__")]
    fn set_qualname(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__qualname__", value)?;
        if value.downcast::<Str>().is_none() {
            let (class, got) = (this.name(), value.class().tp_name());
            return raise!(cx, TypeError, "can only assign string to {class}.__qualname__, not '{got}'");
        }
        this.data().qualname.set(value);
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __module__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let key = cx.names().__module__;
        if let Some(spec) = this.spec() {
            let module = spec.name.rsplit_once('.').map_or("builtins", |(module, _)| module);
            return Ok(Value::of(cx.intern(module)));
        }
        match this.dict().get_str(key) {
            Some(module) => Ok(module),
            None => Err(attr::attribute_error(cx, "__module__", Value::of(this), key)),
        }
    }
    #[setter("__module__")]
    fn set_module(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__module__", value)?;
        let (key, line) = (cx.names().__module__, cx.names().__firstlineno__);
        set_own(cx, this, key, Some(value));
        set_own(cx, this, line, None);
        Ok(())
    }

    #[getter]
    fn __bases__(_cx: &mut Cx, this: &'static Type) -> Value {
        Value::of(this.bases())
    }
    #[setter("__bases__")]
    fn set_bases(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__bases__", value)?;
        crate::types::type_::assign_bases(cx, this, value)
    }

    #[getter]
    fn __mro__(_cx: &mut Cx, this: &'static Type) -> Value {
        this.try_mro().map_or(Value::none(), Value::of)
    }

    #[getter]
    fn __dict__(cx: &mut Cx, this: &'static Type) -> Value {
        mappingproxy::new(cx, Value::of(this.dict()))
    }

    #[getter]
    fn __doc__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        if let Some(spec) = this.spec() {
            return Ok(if spec.doc.is_empty() { Value::none() } else { cx.str(spec.doc) });
        }
        let key = cx.names().__doc__;
        match this.dict().get_str(key) {
            None => Ok(Value::none()),
            Some(doc) => get_on_class(cx, this, doc),
        }
    }
    #[setter("__doc__")]
    fn set_doc(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__doc__", value)?;
        let key = cx.names().__doc__;
        set_own(cx, this, key, Some(value));
        Ok(())
    }

    #[getter]
    fn __text_signature__(cx: &mut Cx, this: &'static Type) -> Value {
        match this.spec().map(|s| s.signature).filter(|s| !s.is_empty()) {
            Some(signature) => cx.str(signature),
            None => Value::none(),
        }
    }

    #[getter]
    fn __abstractmethods__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let key = cx.names().__abstractmethods__;
        let found = if std::ptr::eq(this, &TYPE) { None } else { this.dict().get_str(key) };
        match found {
            Some(methods) => Ok(methods),
            None => Err(attr::attribute_error(cx, "__abstractmethods__", Value::of(this), key)),
        }
    }
    #[setter("__abstractmethods__")]
    fn set_abstractmethods(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let key = cx.names().__abstractmethods__;
        let is_abstract = match value {
            Some(value) => any::truth(cx, value)?,
            None if this.dict().get_str(key).is_none() => {
                return Err(attr::attribute_error(cx, "__abstractmethods__", Value::of(this), key));
            }
            None => false,
        };
        set_own(cx, this, key, value);
        let others = this.flags() & !flags::ABSTRACT;
        this.set_flags(if is_abstract { others | flags::ABSTRACT } else { others });
        Ok(())
    }

    #[getter]
    fn __annotations__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let (own, cache) = (cx.names().__annotations__, cx.names().__annotations_cache__);
        if !this.is_heap_type() {
            return Err(attr::no_attribute(cx, Value::of(this), own));
        }
        if let Some(found) = this.dict().get_str(own).or_else(|| this.dict().get_str(cache)) {
            return get_on_class(cx, this, found);
        }
        let annotate = TypeMethods::__annotate__(cx, this)?;
        let annotations = call_annotate(cx, annotate)?;
        set_own(cx, this, cache, Some(annotations));
        Ok(annotations)
    }
    #[setter("__annotations__")]
    fn set_annotations(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        check_mutable(cx, this, "__annotations__")?;
        let names = cx.names();
        let (own, cache) = (names.__annotations__, names.__annotations_cache__);
        match value {
            Some(value) => {
                // `__annotations__` in the namespace (of `from __future__ import annotations`) stays the home.
                let key = if this.dict().get_str(own).is_some() { own } else { cache };
                set_own(cx, this, key, Some(value));
            }
            None => {
                if this.dict().get_str(own).is_none() && this.dict().get_str(cache).is_none() {
                    return Err(attr::attribute_error(cx, "__annotations__", Value::of(this), own));
                }
                set_own(cx, this, own, None);
                set_own(cx, this, cache, None);
            }
        }
        set_own(cx, this, names.__annotate_func__, None);
        set_own(cx, this, names.__annotate__, None);
        Ok(())
    }

    #[getter]
    fn __annotate__(cx: &mut Cx, this: &'static Type) -> PyResult<Value> {
        let (key, func) = (cx.names().__annotate__, cx.names().__annotate_func__);
        if !this.is_heap_type() {
            return Err(attr::no_attribute(cx, Value::of(this), key));
        }
        match this.dict().get_str(key).or_else(|| this.dict().get_str(func)) {
            Some(annotate) => get_on_class(cx, this, annotate),
            None => {
                set_own(cx, this, func, Some(Value::none()));
                Ok(Value::none())
            }
        }
    }
    #[setter("__annotate__")]
    fn set_annotate(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "cannot delete __annotate__ attribute") };
        check_mutable(cx, this, "__annotate__")?;
        if !value.is_none() && !is_callable(value) {
            return raise!(cx, TypeError, "__annotate__ must be callable or None");
        }
        let names = cx.names();
        let own = this.dict().get_str(names.__annotate__).is_some();
        set_own(cx, this, if own { names.__annotate__ } else { names.__annotate_func__ }, Some(value));
        if !value.is_none() {
            set_own(cx, this, names.__annotations_cache__, None);
        }
        Ok(())
    }

    #[getter]
    fn __type_params__(cx: &mut Cx, this: &'static Type) -> Value {
        let key = cx.names().__type_params__;
        let own = if this.is_heap_type() { this.dict().get_str(key) } else { None };
        own.unwrap_or_else(|| Value::of(Tuple::new(cx, &[])))
    }
    #[setter("__type_params__")]
    fn set_type_params(cx: &mut Cx, this: &'static Type, value: Option<Value>) -> PyResult<()> {
        let value = assigned(cx, this, "__type_params__", value)?;
        let key = cx.names().__type_params__;
        set_own(cx, this, key, Some(value));
        Ok(())
    }
}

crate::types::descr_methods::members! {
    /// Read-only attributes of type that CPython has as members.
    pub MEMBERS: Type;
    "__basicsize__" "" |cx, t| cx.int(t.data().basicsize as i64);
    "__itemsize__" "" |cx, t| cx.int(if t.has(flags::TYPE) { 40 } else { t.data().itemsize as i64 });
    "__flags__" "" |cx, t| cx.int(shown_flags(t) as i64);
    "__weakrefoffset__" "" |cx, t| cx.int(weakref_offset(t));
    "__dictoffset__" "" |cx, t| cx.int(if t.has(flags::TYPE) { 264 } else if t.data().attrs { -1 } else { 0 });
    "__base__" "" |_cx, t| t.base().map_or(Value::none(), Value::of);
}

/// The flags, as CPython has them. `copyreg` takes the first base that is no heap type for the one that holds the state:
/// Generic is one there.
fn shown_flags(class: &Type) -> u64 {
    let heap = if std::ptr::eq(class, &crate::types::type_alias::GENERIC) { flags::HEAPTYPE } else { 0 };
    class.flags() | heap
}

/// What CPython says of types with as much support for weak references; the references are in a table here.
fn weakref_offset(class: &Type) -> i64 {
    match (class.data().weakrefs, class.is_heap_type()) {
        (false, _) => 0,
        (true, true) => -32,
        (true, false) => class.data().basicsize as i64,
    }
}

fn check_mutable(cx: &mut Cx, class: &'static Type, name: &str) -> PyResult<()> {
    if class.has(flags::IMMUTABLE) {
        let class = class.tp_name();
        return raise!(cx, TypeError, "cannot set '{name}' attribute of immutable type '{class}'");
    }
    Ok(())
}

/// The value assigned to a special attribute of a class, unless the class is immutable or it is a deletion.
fn assigned(cx: &mut Cx, class: &'static Type, name: &str, value: Option<Value>) -> PyResult<Value> {
    check_mutable(cx, class, name)?;
    match value {
        Some(value) => Ok(value),
        None => {
            let class = class.tp_name();
            raise!(cx, TypeError, "cannot delete '{name}' attribute of immutable type '{class}'")
        }
    }
}

/// Sets or removes an attribute that is no slot in the namespace of `class`.
fn set_own(cx: &mut Cx, class: &'static Type, key: &'static Str, value: Option<Value>) {
    match value {
        Some(value) => class.dict().set_str(cx, key, value),
        None => {
            class.dict().remove_str(cx, key);
        }
    }
    cx.type_modified(class);
}

fn get_on_class(cx: &mut Cx, class: &'static Type, v: Value) -> PyResult<Value> {
    match v.class().slots().descr_get {
        Some(get) => get(cx, v, None, Some(Value::of(class))),
        None => Ok(v),
    }
}

/// UnicodeEncodeError if a str has surrogates.
fn check_utf8(cx: &mut Cx, s: &'static Str) -> PyResult<()> {
    let Some(i) = s.chars().position(|c| char::from_u32(c).is_none()) else { return Ok(()) };
    let (encoding, reason) = (cx.str("utf-8"), cx.str("surrogates not allowed"));
    let (start, end) = (Value::small(i as i64), Value::small(i as i64 + 1));
    Err(cx.raise_args(&crate::exceptions::UnicodeEncodeError, &[encoding, Value::of(s), start, end, reason]))
}

/// True if `v` can be called.
pub fn is_callable(v: Value) -> bool {
    v.class().slots().call.is_some()
}

/// The annotations that an `__annotate__` function gives (format 1, VALUE); a new dict if it is not callable.
pub fn call_annotate(cx: &mut Cx, annotate: Value) -> PyResult<Value> {
    if !is_callable(annotate) {
        return Ok(Value::of(Dict::new(cx)));
    }
    let annotations = cx.call(annotate, &[Value::small(1)])?;
    if annotations.downcast::<Dict>().is_none() {
        let got = annotations.class().tp_name();
        return raise!(cx, TypeError, "__annotate__ returned non-dict of type '{got}'");
    }
    Ok(annotations)
}

// ---- construction ----------------------------------------------------------------------------------

/// The `__new__` that every type with a native constructor has in its namespace.
pub static TYPE_NEW: NativeDef = NativeDef {
    name: "__new__",
    signature: "($type, *args, **kwargs)",
    doc: "Create and return a new object.  See help(type) for accurate signature.",
    kind: NativeKind::New,
    call: call_new,
};

/// `T.__new__(cls, ...)` for a native type T, the first argument: checks that making a `cls` by T's constructor is
/// sound.
fn call_new(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let Some(owner) = args.values().first().and_then(|t| t.downcast::<Type>()) else {
        return raise!(cx, TypeError, "__new__(): no type");
    };
    let args = args.rest();
    let name = owner.tp_name();
    let Some(first) = args.pos().first() else {
        return raise!(cx, TypeError, "{name}.__new__(): not enough arguments");
    };
    let Some(class) = first.downcast::<Type>() else {
        let got = first.class().tp_name();
        return raise!(cx, TypeError, "{name}.__new__(X): X is not a type object ({got})");
    };
    if !class.is_subtype(owner) {
        let sub = class.tp_name();
        return raise!(cx, TypeError, "{name}.__new__({sub}): {sub} is not a subtype of {name}");
    }
    if class.has(flags::DISALLOW_INSTANTIATION) {
        return raise!(cx, TypeError, "cannot create '{}' instances", class.tp_name());
    }
    let native = crate::slot_table::native_base(class);
    let (wanted, new) = (native.slots().new, owner.slots().new);
    let safe = match (wanted, new) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        _ => false,
    };
    // Types that add no fields to `object`, only attributes, make instances of any class that has attributes.
    let same_layout = !std::ptr::eq(native, &crate::types::boolean::BOOL)
        && native.data().basicsize == owner.data().basicsize
        && owner.data().drop.is_none();
    if !safe && !same_layout {
        let (sub, native) = (class.tp_name(), native.tp_name());
        return raise!(cx, TypeError, "{name}.__new__({sub}) is not safe, use {native}.__new__()");
    }
    new.expect("checked")(cx, class, args.rest())
}

/// `repr` of a type.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class: &'static Type = v.downcast().expect("a type");
    let name = full_name(cx, class);
    Ok(cx.str(&format!("<class '{name}'>")))
}

/// `type.__init__`.
pub fn init(cx: &mut Cx, _v: Value, args: Args) -> PyResult<()> {
    match args.pos().len() {
        1 if args.kwnames().is_some() => raise!(cx, TypeError, "type.__init__() takes no keyword arguments"),
        1 | 3 => Ok(()),
        _ => raise!(cx, TypeError, "type.__init__() takes 1 or 3 arguments"),
    }
}

/// `type.__new__(meta, name, bases, namespace, **kwargs)`.
pub fn new(cx: &mut Cx, meta: &'static Type, args: Args) -> PyResult<Value> {
    let &[name, bases, namespace] = args.pos() else {
        let n = args.pos().len();
        return raise!(cx, TypeError, "type.__new__() takes exactly 3 arguments ({n} given)");
    };
    let wrong = |cx: &mut Cx, n: usize, expected: &str, got: Value| {
        let got = got.class().tp_name();
        raise!(cx, TypeError, "type.__new__() argument {n} must be {expected}, not {got}")
    };
    let Some(name) = name.downcast::<Str>() else { return wrong(cx, 1, "str", name) };
    let Some(bases) = bases.downcast::<Tuple>() else { return wrong(cx, 2, "tuple", bases) };
    let Some(namespace) = namespace.downcast::<Dict>() else { return wrong(cx, 3, "dict", namespace) };
    let types_only = bases.items().iter().all(|b| b.downcast::<Type>().is_some());
    let best = if types_only || bases.is_empty() { winner(cx, meta, bases.items())? } else { meta };
    if !types_only {
        reject_mro_entries(cx, bases)?;
        winner(cx, meta, bases.items())?;
    }
    if !std::ptr::eq(best, meta)
        && let Some(f) = best.slots().new
        && !std::ptr::fn_addr_eq(f, new as fn(&mut Cx, &'static Type, Args) -> PyResult<Value>)
    {
        return f(cx, best, args);
    }
    let kwargs = Args::new(&args.values()[3..], args.kwnames());
    new_class(cx, best, name, bases, namespace, kwargs).map(Value::of)
}

fn reject_mro_entries(cx: &mut Cx, bases: &'static Tuple) -> PyResult<()> {
    let key = cx.names().__mro_entries__;
    for base in bases.items() {
        if base.downcast::<Type>().is_none() && attr::get_optional(cx, *base, key)?.is_some() {
            return raise!(cx, TypeError, "type() doesn't support MRO entry resolution; use types.new_class()");
        }
    }
    Ok(())
}

/// The bases of a class statement with `__mro_entries__` applied (PEP 560): `bases` itself if no base has it.
pub fn resolve_bases(cx: &mut Cx, bases: &'static Tuple) -> PyResult<&'static Tuple> {
    let key = cx.names().__mro_entries__;
    let mut resolved: Option<RootVec> = None;
    for (i, base) in bases.items().iter().enumerate() {
        let entries = match base.downcast::<Type>() {
            Some(_) => None,
            None => attr::get_optional(cx, *base, key)?,
        };
        match entries {
            None => {
                if let Some(resolved) = &mut resolved {
                    resolved.push(*base);
                }
            }
            Some(f) => {
                let new = cx.call(f, &[Value::of(bases)])?;
                let Some(new) = new.downcast::<Tuple>() else {
                    return raise!(cx, TypeError, "__mro_entries__ must return a tuple");
                };
                let list = resolved.get_or_insert_with(|| RootVec::from_slice(&bases.items()[..i]));
                list.extend_from_slice(new.items());
            }
        }
    }
    Ok(match resolved {
        Some(list) => Tuple::new(cx, &list),
        None => bases,
    })
}

/// `A | B` for types.
pub fn union(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    union::or(cx, a, b)
}

/// `C[key]` through `__class_getitem__`.
pub fn class_getitem(cx: &mut Cx, class: &'static Type, key: Value) -> PyResult<Value> {
    if std::ptr::eq(class, &TYPE) {
        return crate::types::generic_alias::new(cx, Value::of(class), key);
    }
    let name = cx.names().__class_getitem__;
    match attr::get_optional(cx, Value::of(class), name)? {
        Some(f) if !f.is_none() => cx.call(f, &[key]),
        _ => raise!(cx, TypeError, "type '{}' is not subscriptable", class.tp_name()),
    }
}

/// Adds `__dict__` and `__weakref__` descriptors to a new class whose instances gain them.
pub fn add_instance_getsets(cx: &mut Cx, class: &'static Type) {
    let data = class.data();
    let inherited = |test: fn(&crate::typeobj::TypeData) -> bool| {
        class.bases().items().iter().filter_map(|b| b.downcast::<Type>()).any(|b| test(b.data()))
    };
    let names = cx.names();
    let has = |name: &'static Str| class.dict().get_str(name).is_some();
    if data.attrs && !inherited(|d| d.attrs) && !has(names.__dict__) {
        crate::types::descr::GetSet::define(cx, class, &crate::types::object_methods::DICT_GETSET);
    }
    if data.weakrefs && !inherited(|d| d.weakrefs) && !has(names.__weakref__) {
        crate::types::descr::GetSet::define(cx, class, &crate::types::weakref::WEAKREF_GETSET);
    }
}

// ---- isinstance and issubclass ---------------------------------------------------------------------

/// `isinstance(v, class)`.
pub fn is_instance(cx: &mut Cx, v: Value, class: Value) -> PyResult<bool> {
    is_instance_at(cx, v, class, 0)
}

/// How deeply tuples of classes may be nested.
const MAX_NESTING: usize = 10_000;

fn is_instance_at(cx: &mut Cx, v: Value, class: Value, depth: usize) -> PyResult<bool> {
    if class.downcast::<Type>().is_some_and(|c| std::ptr::eq(v.class(), c)) {
        return Ok(true);
    }
    if let Some(plain) = class.exact::<Type>() {
        return type_is_instance(cx, v, plain);
    }
    if let Some(choices) = choices(class) {
        for item in choices.items() {
            if depth > MAX_NESTING {
                return Err(cx.recursion_error(" in __instancecheck__"));
            }
            if cx.nested(" in __instancecheck__", |cx| is_instance_at(cx, v, *item, depth + 1))? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let key = cx.names().__instancecheck__;
    match cx.lookup_special(class, key) {
        Some(check) => {
            let r = cx.nested(" in __instancecheck__", |cx| call::call_unbound(cx, check, class, &[v]))?;
            any::truth(cx, r)
        }
        None => real_is_instance(cx, v, class),
    }
}

/// Members of a tuple or union of classes.
fn choices(class: Value) -> Option<&'static Tuple> {
    class.downcast::<Tuple>().or_else(|| class.exact::<union::Union>().map(|u| u.args))
}

fn type_is_instance(cx: &mut Cx, v: Value, class: &'static Type) -> PyResult<bool> {
    if v.is_instance(class) {
        return Ok(true);
    }
    match own_class(cx, v)? {
        Some(claimed) => Ok(claimed.downcast::<Type>().is_some_and(|c| c.is_subtype(class))),
        None => Ok(false),
    }
}

/// `v.__class__` where it differs from `type(v)`.
fn own_class(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let key = cx.names().__class__;
    let claimed = attr::get_optional(cx, v, key)?;
    Ok(claimed.filter(|c| *c != Value::of(v.class())))
}

fn real_is_instance(cx: &mut Cx, v: Value, class: Value) -> PyResult<bool> {
    if let Some(class) = class.downcast::<Type>() {
        return type_is_instance(cx, v, class);
    }
    check_class(cx, class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
    let key = cx.names().__class__;
    match attr::get_optional(cx, v, key)? {
        Some(own) => abstract_is_subclass(cx, own, class),
        None => Ok(false),
    }
}

/// `v.__bases__` if that is a tuple.
fn bases_of(cx: &mut Cx, v: Value) -> PyResult<Option<&'static Tuple>> {
    let key = cx.names().__bases__;
    Ok(attr::get_optional(cx, v, key)?.and_then(|b| b.downcast::<Tuple>()))
}

fn check_class(cx: &mut Cx, class: Value, text: &str) -> PyResult<()> {
    match bases_of(cx, class)? {
        Some(_) => Ok(()),
        None => raise!(cx, TypeError, "{text}"),
    }
}

fn abstract_is_subclass(cx: &mut Cx, derived: Value, class: Value) -> PyResult<bool> {
    if derived == class {
        return Ok(true);
    }
    let Some(bases) = bases_of(cx, derived)? else { return Ok(false) };
    for base in bases.items() {
        if cx.nested(" in __issubclass__", |cx| abstract_is_subclass(cx, *base, class))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn real_is_subclass(cx: &mut Cx, derived: Value, class: Value) -> PyResult<bool> {
    if let (Some(derived), Some(class)) = (derived.downcast::<Type>(), class.downcast::<Type>()) {
        return Ok(derived.is_subtype(class));
    }
    check_class(cx, derived, "issubclass() arg 1 must be a class")?;
    check_class(cx, class, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
    abstract_is_subclass(cx, derived, class)
}

/// `issubclass(derived, class)`.
pub fn is_subclass(cx: &mut Cx, derived: Value, class: Value) -> PyResult<bool> {
    is_subclass_at(cx, derived, class, 0)
}

fn is_subclass_at(cx: &mut Cx, derived: Value, class: Value, depth: usize) -> PyResult<bool> {
    if class.exact::<Type>().is_some() {
        return if derived == class { Ok(true) } else { real_is_subclass(cx, derived, class) };
    }
    if let Some(choices) = choices(class) {
        for item in choices.items() {
            if depth > MAX_NESTING {
                return Err(cx.recursion_error(" in __subclasscheck__"));
            }
            if cx.nested(" in __subclasscheck__", |cx| is_subclass_at(cx, derived, *item, depth + 1))? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let key = cx.names().__subclasscheck__;
    match cx.lookup_special(class, key) {
        Some(check) => {
            let r = cx.nested(" in __subclasscheck__", |cx| call::call_unbound(cx, check, class, &[derived]))?;
            any::truth(cx, r)
        }
        None => real_is_subclass(cx, derived, class),
    }
}
