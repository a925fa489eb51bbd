//! types.GenericAlias: `list[int]` (PEP 585), and substitution of type parameters, which unions share.

use std::cell::Cell;

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, compare, hash, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::{exactly, members};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::tuple_methods::TUPLE;
use crate::types::typing::type_text;
use crate::types::{module, union};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A generic alias.
#[repr(C)]
pub struct GenericAlias {
    header: Header,
    /// `__origin__`.
    pub origin: Value,
    /// `__args__`.
    pub args: &'static Tuple,
    parameters: Cell<Option<&'static Tuple>>,
    /// `*tuple[int]`.
    unpacked: bool,
}
object!(GenericAlias, GENERIC_ALIAS);

/// The type `types.GenericAlias`.
pub static GENERIC_ALIAS: Type = Type::new(&GENERIC_ALIAS_SPEC);
static GENERIC_ALIAS_SPEC: TypeSpec = TypeSpec {
    name: "types.GenericAlias",
    basicsize: std::mem::size_of::<GenericAlias>(),
    flags: flags::BASETYPE,
    weakrefs: true,
    trace: Some(trace_alias),
    slots: Slots {
        repr: Some(repr),
        hash: Some(|cx, v| {
            let this = alias(v);
            let h = hash::hash(cx, this.origin)? ^ hash::hash(cx, Value::of(this.args))?;
            Ok(if h == -1 { -2 } else { h })
        }),
        call: Some(call),
        getattr: Some(getattr),
        richcompare: Some(compare_aliases),
        iter: Some(|cx, v| {
            let this = AliasIterator { header: Header::fresh(&ALIAS_ITERATOR), alias: Cell::new(Some(v)) };
            Ok(Value::of(cx.alloc(this)))
        }),
        or: Some(union::or),
        getitem: Some(|cx, v, item| {
            let this = alias(v);
            let params = parameters(cx, this)?;
            let args = substitute(cx, v, this.args, params, item)?;
            Ok(build(cx, &GENERIC_ALIAS, this.origin, args, this.unpacked))
        }),
        new: Some(|cx, class, args| {
            exactly(cx, args, "GenericAlias", 2)?;
            let arguments = as_tuple(cx, args.values()[1]);
            Ok(build(cx, class, args.values()[0], arguments, false))
        }),
        ..Slots::NONE
    },
    methods: &[GenericAlias::METHODS],
    getsets: &[GenericAlias::GETSETS, MEMBERS],
    doc: "Represent a PEP 585 generic type\n\nFor example, for t = list[int], t.__origin__ is list and t.__args__\nis (int,).",
    signature: "(origin, args, /)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_alias(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for generic aliases only.
    let this = unsafe { &*object.cast::<GenericAlias>() };
    marker.mark_value(this.origin.bits());
    marker.mark_value(Value::of(this.args).bits());
    if let Some(parameters) = this.parameters.get() {
        marker.mark_value(Value::of(parameters).bits());
    }
}

members! {
    MEMBERS: GenericAlias;
    "__origin__" "" |_cx, a| a.origin;
    "__args__" "" |_cx, a| Value::of(a.args);
    "__unpacked__" "" |_cx, a| Value::bool(a.unpacked);
}

fn alias(v: Value) -> &'static GenericAlias {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn as_tuple(cx: &mut Cx, v: Value) -> &'static Tuple {
    v.downcast::<Tuple>().unwrap_or_else(|| Tuple::new(cx, &[v]))
}

fn build(cx: &mut Cx, class: &'static Type, origin: Value, args: &'static Tuple, unpacked: bool) -> Value {
    let header = Header::fresh(class);
    Value::of(cx.alloc_of(class, GenericAlias { header, origin, args, parameters: Cell::new(None), unpacked }))
}

/// `origin[args]`: what the `__class_getitem__` of native generic types gives. May collect.
pub fn new(cx: &mut Cx, origin: Value, args: Value) -> PyResult<Value> {
    let args = as_tuple(cx, args);
    Ok(build(cx, &GENERIC_ALIAS, origin, args, false))
}

fn parameters(cx: &mut Cx, this: &'static GenericAlias) -> PyResult<&'static Tuple> {
    if let Some(parameters) = this.parameters.get() {
        return Ok(parameters);
    }
    let parameters = parameters_of(cx, this.args)?;
    this.parameters.set(Some(parameters));
    cx.barrier(this);
    Ok(parameters)
}

#[pymethods]
impl GenericAlias {
    #[py("($self, object, /)")]
    fn __mro_entries__(cx: &mut Cx, this: &'static GenericAlias, _object: Value) -> Value {
        Value::of(Tuple::new(cx, &[this.origin]))
    }
    #[py("($self, object, /)")]
    fn __instancecheck__(cx: &mut Cx, _this: Value, _object: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "isinstance() argument 2 cannot be a parameterized generic")
    }
    #[py("($self, object, /)")]
    fn __subclasscheck__(cx: &mut Cx, _this: Value, _object: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "issubclass() argument 2 cannot be a parameterized generic")
    }
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static GenericAlias) -> PyResult<Value> {
        if this.unpacked {
            let plain = build(cx, &GENERIC_ALIAS, this.origin, this.args, false);
            let it = crate::protocol::iter::iter(cx, plain)?;
            let next = module::builtin(cx, "next")?;
            let args = Value::of(Tuple::new(cx, &[it]));
            return Ok(Value::of(Tuple::new(cx, &[next, args])));
        }
        let args = Value::of(Tuple::new(cx, &[this.origin, Value::of(this.args)]));
        Ok(Value::of(Tuple::new(cx, &[Value::of(&GENERIC_ALIAS), args])))
    }
    #[py("($self, /)")]
    fn __dir__(cx: &mut Cx, this: &'static GenericAlias) -> PyResult<Value> {
        let dir = module::builtin(cx, "dir")?;
        let names = cx.call(dir, &[this.origin])?;
        let list = crate::protocol::iter::to_list(cx, names)?;
        for name in OWN {
            let name = Value::of(cx.intern(name));
            if !any::contains(cx, Value::of(list), name)? {
                list.push(cx, name);
            }
        }
        Ok(Value::of(list))
    }
    /// Type variables in the GenericAlias.
    #[getter]
    fn __parameters__(cx: &mut Cx, this: &'static GenericAlias) -> PyResult<Value> {
        parameters(cx, this).map(Value::of)
    }
    #[getter]
    fn __typing_unpacked_tuple_args__(_cx: &mut Cx, this: &'static GenericAlias) -> Value {
        let is_tuple = this.origin == Value::of(&TUPLE);
        if this.unpacked && is_tuple { Value::of(this.args) } else { Value::none() }
    }
}

/// Attributes that the alias has itself; others are the origin's.
const OWN: [&str; 9] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];
/// Attributes of the origin that the alias must not pass on.
const BLOCKED: [&str; 3] = ["__bases__", "__copy__", "__deepcopy__"];

fn getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let dunder = name.len() > 4 && name.at(0) == 95 && name.at(1) == 95;
    if dunder && OWN.iter().chain(&BLOCKED).any(|own| name.eq_rust(own)) {
        return attr::generic_get(cx, v, name);
    }
    attr::get(cx, alias(v).origin, name)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = alias(v);
    let mut parts = Vec::new();
    for arg in this.args.items() {
        parts.push(match arg.downcast::<List>() {
            Some(list) => list_text(cx, list)?,
            None => type_text(cx, *arg)?,
        });
    }
    let origin = type_text(cx, this.origin)?;
    let star = if this.unpacked { "*" } else { "" };
    let inner = if parts.is_empty() { "()".to_string() } else { parts.join(", ") };
    Ok(cx.str(&format!("{star}{origin}[{inner}]")))
}

fn list_text(cx: &mut Cx, list: &'static List) -> PyResult<String> {
    let mut parts = Vec::new();
    for i in 0..list.len() {
        let Some(item) = list.get(i) else { return raise!(cx, IndexError, "list index out of range") };
        parts.push(type_text(cx, item)?);
    }
    Ok(format!("[{}]", parts.join(", ")))
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    let made = cx.call_args(alias(v).origin, args)?;
    let key = cx.names().__orig_class__;
    let set = attr::set(cx, made, key, Some(v));
    if set.is_err() {
        let ignored = cx.exception_matches(&crate::exceptions::AttributeError)
            || cx.exception_matches(&crate::exceptions::TypeError);
        if !ignored {
            return Err(crate::Raised);
        }
        cx.take_exception();
    }
    Ok(made)
}

fn compare_aliases(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) || !a.is_instance(&GENERIC_ALIAS) || !b.is_instance(&GENERIC_ALIAS) {
        return Ok(Value::not_implemented());
    }
    let (x, y) = (alias(a), alias(b));
    let same = x.unpacked == y.unpacked
        && compare::equal(cx, x.origin, y.origin)?
        && compare::equal(cx, Value::of(x.args), Value::of(y.args))?;
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

// ---- type parameters -------------------------------------------------------------------------------

/// The type parameters in `args`, each once, in order. Raises what attribute access raises.
pub fn parameters_of(cx: &mut Cx, args: &'static Tuple) -> PyResult<&'static Tuple> {
    let mut found = RootVec::new();
    collect_parameters(cx, args.items(), &mut found)?;
    Ok(Tuple::new(cx, &found))
}

fn collect_parameters(cx: &mut Cx, args: &[Value], found: &mut RootVec) -> PyResult<()> {
    let (subst, params) = (cx.names().__typing_subst__, cx.names().__parameters__);
    for arg in args {
        if arg.downcast::<Type>().is_some() {
            continue;
        }
        if let Some(items) = nested_arguments(*arg) {
            cx.nested("", |cx| collect_parameters(cx, &items, found))?;
        } else if attr::get_optional(cx, *arg, subst)?.is_some() {
            add_once(found, *arg);
        } else if let Some(inner) = attr::get_optional(cx, *arg, params)?.and_then(|p| p.downcast::<Tuple>()) {
            for parameter in inner.items() {
                add_once(found, *parameter);
            }
        }
    }
    Ok(())
}

/// The items of a tuple or list among arguments, as in `Callable[[int], str]`.
fn nested_arguments(arg: Value) -> Option<RootVec> {
    let items = arg.downcast::<Tuple>().map(|t| t.items()).or_else(|| {
        // The items are copied at once.
        arg.downcast::<List>().map(|l| l.items())
    })?;
    Some(RootVec::from_slice(items))
}

fn add_once(found: &mut RootVec, parameter: Value) {
    if !found.contains(&parameter) {
        found.push(parameter);
    }
}

/// The arguments in `item`, unpacked aliases (`*tuple[int, str]`) expanded.
fn unpack_arguments(cx: &mut Cx, item: Value) -> PyResult<RootVec> {
    let key = cx.intern("__typing_unpacked_tuple_args__");
    let mut out = RootVec::new();
    let given = match item.downcast::<Tuple>() {
        Some(tuple) => RootVec::from_slice(tuple.items()),
        None => RootVec::from_slice(&[item]),
    };
    for arg in given.iter() {
        let inner = match arg.downcast::<Type>() {
            Some(_) => None,
            None => attr::get_optional(cx, *arg, key)?.and_then(|a| a.downcast::<Tuple>()),
        };
        match inner.filter(|t| t.items().last() != Some(&Value::ellipsis())) {
            Some(inner) => out.extend_from_slice(inner.items()),
            None => out.push(*arg),
        }
    }
    Ok(out)
}

/// `args` with `parameters` replaced by what `item` gives for them. `owner` is the alias, for messages.
pub fn substitute(
    cx: &mut Cx,
    owner: Value,
    args: &'static Tuple,
    parameters: &'static Tuple,
    item: Value,
) -> PyResult<&'static Tuple> {
    if parameters.is_empty() {
        let text = any::repr_text(cx, owner)?;
        return raise!(cx, TypeError, "{text} is not a generic class");
    }
    let prepare = cx.names().__typing_prepare_subst__;
    let given = unpack_arguments(cx, item)?;
    let mut given = Tuple::new(cx, &given);
    for parameter in parameters.items() {
        if let Some(f) = attr::get_optional(cx, *parameter, prepare)?.filter(|f| !f.is_none()) {
            let prepared = cx.call(f, &[owner, Value::of(given)])?;
            given = crate::protocol::iter::to_tuple(cx, prepared)?;
        }
    }
    if given.len() != parameters.len() {
        let word = if given.len() > parameters.len() { "many" } else { "few" };
        let (actual, expected) = (given.len(), parameters.len());
        let text = any::repr_text(cx, owner)?;
        return raise!(cx, TypeError, "Too {word} arguments for {text}; actual {actual}, expected {expected}");
    }
    let mut out = RootVec::new();
    substitute_into(cx, args.items(), parameters, given, &mut out)?;
    Ok(Tuple::new(cx, &out))
}

fn substitute_into(
    cx: &mut Cx,
    args: &[Value],
    parameters: &'static Tuple,
    given: &'static Tuple,
    out: &mut RootVec,
) -> PyResult<()> {
    let subst = cx.names().__typing_subst__;
    let unpacked = cx.intern("__typing_is_unpacked_typevartuple__");
    for arg in args {
        if arg.downcast::<Type>().is_some() {
            out.push(*arg);
            continue;
        }
        if let Some(items) = nested_arguments(*arg) {
            let mut inner = RootVec::new();
            cx.nested("", |cx| substitute_into(cx, &items, parameters, given, &mut inner))?;
            let new = match arg.downcast::<List>() {
                Some(_) => Value::of(List::from_slice(cx, &inner)),
                None => Value::of(Tuple::new(cx, &inner)),
            };
            out.push(new);
            continue;
        }
        let unpack = match attr::get_optional(cx, *arg, unpacked)? {
            Some(flag) => any::truth(cx, flag)?,
            None => false,
        };
        let new = match attr::get_optional(cx, *arg, subst)? {
            Some(f) => {
                let i = parameters.items().iter().position(|p| p == arg);
                let value = i.map_or(*arg, |i| given.items()[i]);
                cx.call(f, &[value])?
            }
            None => substitute_inner(cx, *arg, parameters, given)?,
        };
        if !unpack {
            out.push(new);
            continue;
        }
        match new.downcast::<Tuple>() {
            Some(items) => out.extend_from_slice(items.items()),
            None => {
                let (kind, got) = (arg.class().tp_name(), new.class().tp_name());
                return raise!(
                    cx,
                    TypeError,
                    "expected __typing_subst__ of {kind} objects to return a tuple, not {got}"
                );
            }
        }
    }
    Ok(())
}

/// `arg[...]` with its own parameters replaced, if it has some.
fn substitute_inner(cx: &mut Cx, arg: Value, parameters: &'static Tuple, given: &'static Tuple) -> PyResult<Value> {
    let key = cx.names().__parameters__;
    let Some(inner) = attr::get_optional(cx, arg, key)?.and_then(|p| p.downcast::<Tuple>()) else { return Ok(arg) };
    if inner.is_empty() {
        return Ok(arg);
    }
    let mut values = RootVec::new();
    for parameter in inner.items() {
        match parameters.items().iter().position(|p| p == parameter) {
            None => values.push(*parameter),
            Some(i) => {
                let value = given.items()[i];
                // The value of a TypeVarTuple is a tuple of types.
                match value.downcast::<Tuple>().filter(|_| parameter.class().slots().iter.is_some()) {
                    Some(items) => values.extend_from_slice(items.items()),
                    None => values.push(value),
                }
            }
        }
    }
    let values = Value::of(Tuple::new(cx, &values));
    any::get_item(cx, arg, values)
}

// ---- iteration -------------------------------------------------------------------------------------

/// The iterator of an alias, which gives the alias unpacked, once.
#[repr(C)]
pub struct AliasIterator {
    header: Header,
    alias: Cell<Option<Value>>,
}
object!(AliasIterator, ALIAS_ITERATOR);

/// The type `generic_alias_iterator`.
pub static ALIAS_ITERATOR: Type = Type::new(&ALIAS_ITERATOR_SPEC);
static ALIAS_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "generic_alias_iterator",
    basicsize: std::mem::size_of::<AliasIterator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(|object, marker| {
        // SAFETY: called for these iterators only.
        if let Some(v) = unsafe { (*object.cast::<AliasIterator>()).alias.get() } {
            marker.mark_value(v.bits());
        }
    }),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        next: Some(|cx, v| {
            // SAFETY: the slot of these iterators.
            let this = unsafe { v.cast::<AliasIterator>() };
            let Some(given) = this.alias.take() else { return Ok(None) };
            let given = alias(given);
            Ok(Some(build(cx, &GENERIC_ALIAS, given.origin, given.args, true)))
        }),
        ..Slots::NONE
    },
    methods: &[AliasIterator::METHODS],
    ..TypeSpec::DEFAULT
};

#[pymethods]
impl AliasIterator {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static AliasIterator) -> PyResult<Value> {
        let iter = module::builtin(cx, "iter")?;
        let source = this.alias.get().unwrap_or_else(|| Value::of(Tuple::new(cx, &[])));
        let args = Value::of(Tuple::new(cx, &[source]));
        Ok(Value::of(Tuple::new(cx, &[iter, args])))
    }
}
