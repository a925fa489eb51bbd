//! `types.SimpleNamespace`.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::{Header, Object};
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{attr, object};
use taipan_runtime::shape::Attrs;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// A namespace: attributes only.
#[repr(C)]
pub struct Namespace {
    header: Header,
}
taipan_runtime::object!(Namespace, NAMESPACE);

/// The type.
pub static NAMESPACE: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "types.SimpleNamespace",
    basicsize: 16,
    flags: flags::BASETYPE,
    attrs: true,
    slots: Slots {
        repr: Some(repr),
        richcompare: Some(richcompare),
        init: Some(init),
        new: Some(|cx, class, _| Ok(make(cx, class))),
        ..Slots::NONE
    },
    methods: &[Namespace::METHODS],
    getsets: &[Namespace::GETSETS],
    doc: "A simple attribute-based namespace.",
    signature: "(mapping_or_iterable=(), /, **kwargs)",
    ..TypeSpec::DEFAULT
};

fn make(cx: &mut Cx, class: &'static Type) -> Value {
    Value::of(cx.alloc_of(class, Namespace { header: Header::fresh(class) }))
}

/// A new namespace with these attributes. May collect.
pub fn new(cx: &mut Cx, items: &[(&str, Value)]) -> PyResult<Value> {
    cx.ready_type(&NAMESPACE);
    let this = make(cx, &NAMESPACE);
    for (name, value) in items {
        let name = cx.intern(name);
        attr::set(cx, this, name, Some(*value))?;
    }
    Ok(this)
}

fn dict_of(cx: &mut Cx, v: Value) -> &'static Dict {
    match Attrs::of(v) {
        Some(attrs) => attrs.materialize(cx),
        None => Dict::new(cx),
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    if args.pos().len() > 1 {
        let n = args.pos().len();
        return raise!(cx, TypeError, "{} expected at most 1 argument, got {n}", v.class().tp_name());
    }
    if let Some(source) = args.pos().first() {
        let dict = match source.exact::<Dict>() {
            Some(dict) => dict,
            None => {
                let class = Value::of(Dict::class());
                let made = cx.call(class, &[*source])?;
                made.exact::<Dict>().unwrap_or(Dict::new(cx))
            }
        };
        let mut position = 0;
        while let Some((key, value)) = dict.next_item(&mut position) {
            let Some(name) = key.downcast::<Str>() else {
                return raise!(cx, TypeError, "keywords must be strings");
            };
            attr::generic_set(cx, v, name, Some(value))?;
        }
    }
    for (name, value) in args.keywords() {
        attr::generic_set(cx, v, name, Some(value))?;
    }
    Ok(())
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = if std::ptr::eq(v.class(), &NAMESPACE) { "namespace".to_string() } else { v.class().name() };
    if !object::enter_repr(cx, v) {
        return Ok(cx.str(&format!("{name}(...)")));
    }
    let result = repr_items(cx, v);
    object::leave_repr(cx);
    Ok(cx.str(&format!("{name}({})", result?)))
}

fn repr_items(cx: &mut Cx, v: Value) -> PyResult<String> {
    let dict = dict_of(cx, v);
    let mut parts = Vec::new();
    let mut position = 0;
    while let Some((key, value)) = dict.next_item(&mut position) {
        if let Some(key) = key.downcast::<Str>()
            && !key.is_empty()
        {
            parts.push(format!("{key}={}", object::repr_text(cx, value)?));
        }
    }
    Ok(parts.join(", "))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !a.is_instance(&NAMESPACE) || !b.is_instance(&NAMESPACE) {
        return Ok(Value::not_implemented());
    }
    let (a, b) = (dict_of(cx, a), dict_of(cx, b));
    compare::rich(cx, Value::of(a), Value::of(b), op)
}

#[pymethods]
impl Namespace {
    #[getter]
    fn __dict__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        Ok(Value::of(dict_of(cx, this)))
    }

    /// Return state information for pickling
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let empty = Value::of(Tuple::new(cx, &[]));
        let dict = Value::of(dict_of(cx, this));
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), empty, dict])))
    }

    /// Return a copy of the namespace object with new values for the specified attributes.
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = args.values()[0];
        let changes = args.rest();
        if !changes.pos().is_empty() {
            return raise!(cx, TypeError, "__replace__() takes no positional arguments");
        }
        let made = cx.call(Value::of(this.class()), &[])?;
        let dict = dict_of(cx, this);
        let mut position = 0;
        while let Some((key, value)) = dict.next_item(&mut position) {
            if let Some(key) = key.downcast::<Str>() {
                attr::set(cx, made, key, Some(value))?;
            }
        }
        for (name, value) in changes.keywords() {
            attr::set(cx, made, name, Some(value))?;
        }
        Ok(made)
    }
}
