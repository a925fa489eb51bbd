//! types.SimpleNamespace.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{compare, object as any};
use crate::shape::Attrs;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::object_methods::instance_dict;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A namespace: attributes only.
#[repr(C)]
pub struct Namespace {
    header: Header,
}
object!(Namespace, NAMESPACE);

/// The type `types.SimpleNamespace`.
pub static NAMESPACE: Type = Type::new(&NAMESPACE_SPEC);
static NAMESPACE_SPEC: TypeSpec = TypeSpec {
    name: "types.SimpleNamespace",
    basicsize: 24,
    flags: flags::BASETYPE,
    attrs: true,
    trace: Some(crate::types::trace_nothing),
    slots: Slots {
        repr: Some(repr),
        richcompare: Some(richcompare),
        init: Some(init),
        new: Some(|cx, class, _| Ok(Value::of(cx.alloc_of(class, Namespace { header: Header::fresh(class) })))),
        ..Slots::NONE
    },
    methods: &[Namespace::METHODS],
    getsets: &[MEMBERS],
    doc: "A simple attribute-based namespace.",
    signature: "(mapping_or_iterable=(), /, **kwargs)",
    ..TypeSpec::DEFAULT
};

members! {
    MEMBERS: Namespace;
    "__dict__" "" |cx, n| instance_dict(cx, Value::of(n)).map_or(Value::none(), Value::of);
}

/// A new namespace with these attributes. May collect.
pub fn new(cx: &mut Cx, items: &[(&str, Value)]) -> Value {
    let this = Value::of(cx.alloc_of(&NAMESPACE, Namespace { header: Header::fresh(&NAMESPACE) }));
    for (name, value) in items {
        let name = cx.intern(name);
        if let Some(attrs) = Attrs::of(this) {
            attrs.set(cx, name, *value);
        }
    }
    this
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = if std::ptr::eq(v.class(), &NAMESPACE) { "namespace".to_string() } else { v.class().name() };
    if !any::enter_repr(cx, v) {
        return Ok(cx.str(&format!("{name}(...)")));
    }
    let text = repr_items(cx, v);
    any::leave_repr(cx);
    let text = text?;
    Ok(cx.str(&format!("{name}({text})")))
}

fn repr_items(cx: &mut Cx, v: Value) -> PyResult<String> {
    let Some(attrs) = Attrs::of(v) else { return Ok(String::new()) };
    let mut keys = crate::heap::RootVec::new();
    keys.extend(attrs.items().into_iter().map(|(k, _)| k));
    let mut parts = Vec::new();
    for key in keys.iter() {
        let Some(name) = key.downcast::<Str>().filter(|s| !s.is_empty()) else { continue };
        let name = cx.intern_value(name);
        if let Some(value) = attrs.get(cx, name) {
            parts.push(format!("{name}={}", any::repr_text(cx, value)?));
        }
    }
    Ok(parts.join(", "))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !a.is_instance(&NAMESPACE) || !b.is_instance(&NAMESPACE) {
        return Ok(Value::not_implemented());
    }
    let (Some(x), Some(y)) = (instance_dict(cx, a), instance_dict(cx, b)) else { return Ok(Value::not_implemented()) };
    compare::rich(cx, Value::of(x), Value::of(y), op)
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let source = match args.pos() {
        [] => None,
        [source] => Some(*source),
        more => {
            let (class, n) = (v.class().name(), more.len());
            return raise!(cx, TypeError, "{class} expected at most 1 argument, got {n}");
        }
    };
    let Some(attrs) = Attrs::of(v) else { return Ok(()) };
    if let Some(source) = source {
        let dict = match source.exact::<Dict>() {
            Some(dict) => dict,
            None => {
                let made = cx.call(Value::of(&crate::types::dict::DICT), &[source])?;
                match made.downcast::<Dict>() {
                    Some(dict) => dict,
                    None => return Ok(()),
                }
            }
        };
        for (key, _) in dict.iter() {
            if key.downcast::<Str>().is_none() {
                return raise!(cx, TypeError, "keywords must be strings");
            }
        }
        for (key, value) in dict.iter() {
            if let Some(key) = key.downcast::<Str>() {
                let key = cx.intern_value(key);
                attrs.set(cx, key, value);
            }
        }
    }
    for (name, value) in args.keywords() {
        let name = cx.intern_value(name);
        attrs.set(cx, name, value);
    }
    Ok(())
}

#[pymethods]
impl Namespace {
    /// Return state information for pickling
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Namespace) -> PyResult<Value> {
        let v = Value::of(this);
        let state = instance_dict(cx, v).map_or(Value::none(), Value::of);
        let args = Value::of(Tuple::new(cx, &[]));
        Ok(Value::of(Tuple::new(cx, &[Value::of(v.class()), args, state])))
    }

    /// Return a copy of the namespace object with new values for the specified attributes.
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let v = args.values()[0];
        if args.pos().len() != 1 {
            return raise!(cx, TypeError, "__replace__() takes no positional arguments");
        }
        let copy = cx.call(Value::of(v.class()), &[])?;
        if !copy.is_instance(&NAMESPACE) {
            let (class, got) = (crate::types::type_::full_name(cx, v.class()), copy.class().tp_name());
            return raise!(cx, TypeError, "expect types.SimpleNamespace type, but {class}() returned '{got}' object");
        }
        if let (Some(from), Some(to)) = (Attrs::of(v), Attrs::of(copy)) {
            for (name, value) in from.items() {
                if let Some(name) = name.downcast::<Str>() {
                    to.set(cx, name, value);
                }
            }
            for (name, value) in args.keywords() {
                let name = cx.intern_value(name);
                to.set(cx, name, value);
            }
        }
        Ok(copy)
    }
}
